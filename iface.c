/* SPDX-License-Identifier: ISC */
/*
 * iface.c: interfaces by getifaddrs, and two UDP sockets on port 5353.
 *
 * Port 5353 is shared with every other multicast DNS program of the machine.
 * Who binds the wildcard address last gets everybody's unicast, so: if port
 * 5353 is free, we bind it and then permit sharing; if it is taken, we bind
 * the group's address, which gets multicast alone.  That is not to be had for
 * IPv6, nor on macOS, which can not send from such a socket: there the wildcard
 * is shared.
 *
 * Every sending names its interface by index and its source address: either
 * alone lets another interface's address out.  On loopback the address
 * 127.0.0.1 works without any route, and without the MULTICAST flag.
 *
 * Invariant: addresses in the list are zeroed where they are not filled, so
 * that those of two scans can be compared as bytes.
 */
#include "platform.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#if !defined(__linux__)
#include <net/if_dl.h>
#include <sys/types.h>
#endif

#include "iface.h"
#include "net.h"

#if !defined(IPV6_JOIN_GROUP)
#define IPV6_JOIN_GROUP IPV6_ADD_MEMBERSHIP
#endif

enum { SOCKET_V4, SOCKET_V6, SOCKETS };

struct iface {
	struct iface_options options;
	int fds[SOCKETS];
	int slots[SOCKETS];
	bool ready[SOCKETS];
	int packets; /* that iface_next may still give in this turn */
	int64_t scan_ms;
	bool changed;
	int count;
	struct mdns_interface list[MDNS_INTERFACES_MAX];
	uint8_t bytes[MDNS_PACKET_MAX + 1];
};

static const uint8_t group_v4[4] = { 224, 0, 0, 251 };
static const uint8_t group_v6[16] = { 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0xfb };

/* Leaves. */

/* BSDs want a byte for these two options, and Linux takes one. */
static void set_byte_option(int fd, int option, unsigned char value)
{
	/* Packets that then go less far are still packets. */
	(void)setsockopt(fd, IPPROTO_IP, option, &value, sizeof(value));
}

static void share_port(int fd)
{
	net_set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
#if defined(SO_REUSEPORT)
	net_set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
#endif
}

static struct sockaddr_storage group_address(int family, uint32_t index)
{
	struct sockaddr_storage address;
	struct sockaddr_in *a4 = (struct sockaddr_in *)&address;
	struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)&address;

	memset(&address, 0, sizeof(address));
	address.ss_family = (sa_family_t)family;
	if (family == AF_INET) {
		a4->sin_port = htons(MDNS_PORT);
		memcpy(&a4->sin_addr, group_v4, sizeof(group_v4));
	} else {
		a6->sin6_port = htons(MDNS_PORT);
		memcpy(&a6->sin6_addr, group_v6, sizeof(group_v6));
		a6->sin6_scope_id = index;
	}
	return address;
}

static const struct sockaddr_in *first_v4(const struct mdns_interface *i)
{
	for (int a = 0; a < i->count; a++) {
		if (i->addresses[a].ss_family == AF_INET)
			return (const struct sockaddr_in *)&i->addresses[a];
	}
	return NULL;
}

/* Sockets. */

static void set_v4_options(int fd)
{
	set_byte_option(fd, IP_MULTICAST_TTL, 255);
	set_byte_option(fd, IP_MULTICAST_LOOP, 1);
	net_set_option(fd, IPPROTO_IP, IP_TTL, 255);
#if defined(IP_MULTICAST_ALL)
	net_set_option(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
#endif
#if defined(IP_PKTINFO)
	net_set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
#elif defined(IP_RECVIF)
	net_set_option(fd, IPPROTO_IP, IP_RECVIF, 1);
#endif
}

static void set_v6_options(int fd)
{
	net_set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	net_set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 255);
	net_set_option(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 255);
	net_set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1);
	net_set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
#if defined(IPV6_MULTICAST_ALL)
	net_set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
#endif
}

static int bind_any(int fd, int family)
{
	struct sockaddr_storage any = group_address(family, 0);

	if (family == AF_INET)
		memset(&((struct sockaddr_in *)&any)->sin_addr, 0, 4);
	else
		memset(&((struct sockaddr_in6 *)&any)->sin6_addr, 0, 16);
	return bind(fd, (struct sockaddr *)&any, net_address_size(&any));
}

static int bind_shared(int fd, int family)
{
#if !defined(__APPLE__)
	struct sockaddr_storage group = group_address(family, 0);

	/* A link-local group can be bound on one interface only. */
	if (family == AF_INET)
		return bind(fd, (struct sockaddr *)&group,
			net_address_size(&group));
#endif
	return bind_any(fd, family);
}

/* A socket on port 5353, or -1: then this family is not used. */
static int socket_open(int family)
{
	int fd = socket(family, SOCK_DGRAM, 0);

	if (fd < 0)
		return -1;
	if (family == AF_INET)
		set_v4_options(fd);
	else
		set_v6_options(fd);
	if (net_set_flags(fd) < 0)
		goto fail;
	if (bind_any(fd, family) == 0) {
		share_port(fd);
		return fd;
	}
	share_port(fd);
	if (bind_shared(fd, family) == 0)
		return fd;
fail:
	(void)close(fd); /* nothing was sent */
	return -1;
}

/* Being a member already is no error, so every scan may join again. */
static void join(const struct iface *f, const struct mdns_interface *i)
{
	const struct sockaddr_in *v4 = first_v4(i);
	struct ipv6_mreq request6 = { .ipv6mr_interface = i->index };
#if defined(__linux__)
	struct ip_mreqn request4 = { .imr_ifindex = (int)i->index };
#else
	struct ip_mreq request4;

	memset(&request4, 0, sizeof(request4));
	if (v4 != NULL)
		memcpy(&request4.imr_interface, &v4->sin_addr, 4);
#endif
	memcpy(&request4.imr_multiaddr, group_v4, sizeof(group_v4));
	memcpy(&request6.ipv6mr_multiaddr, group_v6, sizeof(group_v6));
	if (v4 != NULL && f->fds[SOCKET_V4] >= 0)
		(void)setsockopt(f->fds[SOCKET_V4], IPPROTO_IP,
			IP_ADD_MEMBERSHIP, &request4, sizeof(request4));
	if (i->ipv6 && f->fds[SOCKET_V6] >= 0)
		(void)setsockopt(f->fds[SOCKET_V6], IPPROTO_IPV6,
			IPV6_JOIN_GROUP, &request6, sizeof(request6));
}

/* Scanning. */

static bool name_wanted(const struct iface *f, const char *name)
{
	for (int i = 0; i < f->options.name_count; i++) {
		if (strcmp(f->options.names[i], name) == 0)
			return true;
	}
	return f->options.name_count == 0;
}

static bool entry_usable(
	const struct iface *f, const struct ifaddrs *entry, bool loopback)
{
	unsigned flags = entry->ifa_flags;

	if (entry->ifa_addr == NULL || (flags & IFF_UP) == 0 ||
		(flags & IFF_RUNNING) == 0 || !name_wanted(f, entry->ifa_name))
		return false;
	if (entry->ifa_addr->sa_family != AF_INET &&
		entry->ifa_addr->sa_family != AF_INET6)
		return false;
	if ((flags & IFF_LOOPBACK) != 0)
		return loopback;
	return (flags & IFF_MULTICAST) != 0;
}

static struct mdns_interface *list_find(
	struct mdns_interface *list, int *count, uint32_t index)
{
	for (int i = 0; i < *count; i++) {
		if (list[i].index == index)
			return &list[i];
	}
	if (index == 0 || *count == MDNS_INTERFACES_MAX)
		return NULL;
	list[*count].index = index;
	return &list[(*count)++];
}

static void list_add(
	struct mdns_interface *list, int *count, const struct ifaddrs *entry)
{
	struct mdns_interface *i =
		list_find(list, count, if_nametoindex(entry->ifa_name));
	bool is_v4 = entry->ifa_addr->sa_family == AF_INET;
	struct sockaddr_storage *to;

	if (i == NULL || i->count == MDNS_ADDRESSES_MAX)
		return;
	to = &i->addresses[i->count];
	to->ss_family = entry->ifa_addr->sa_family;
	if (is_v4)
		((struct sockaddr_in *)to)->sin_addr =
			((const struct sockaddr_in *)(const void *)
					entry->ifa_addr)
				->sin_addr;
	else
		((struct sockaddr_in6 *)to)->sin6_addr =
			((const struct sockaddr_in6 *)(const void *)
					entry->ifa_addr)
				->sin6_addr;
	i->count++;
	i->ipv4 = i->ipv4 || is_v4;
	/* Multicast over IPv6 does not work on loopback. */
	i->ipv6 = i->ipv6 || (!is_v4 && (entry->ifa_flags & IFF_LOOPBACK) == 0);
}

static void scan(struct iface *f)
{
	struct mdns_interface list[MDNS_INTERFACES_MAX];
	bool loopback = f->options.name_count > 0;
	struct ifaddrs *all, *entry;
	int count = 0;

	if (getifaddrs(&all) < 0)
		return; /* the old list stands until the next scan */
	memset(list, 0, sizeof(list));
	for (entry = all; entry != NULL; entry = entry->ifa_next) {
		if (entry_usable(f, entry, loopback))
			list_add(list, &count, entry);
	}
	loopback = count == 0;
	for (entry = all; entry != NULL && loopback; entry = entry->ifa_next) {
		if (entry_usable(f, entry, true))
			list_add(list, &count, entry);
	}
	freeifaddrs(all);
	for (int i = 0; i < count; i++)
		join(f, &list[i]);
	if (count == f->count && mdns_interfaces_equal(list, f->list, count))
		return;
	memcpy(f->list, list, sizeof(list));
	f->count = count;
	f->changed = true;
}

bool iface_changed(
	struct iface *f, const struct mdns_interface **list, int *count)
{
	bool changed = f->changed;

	f->changed = false;
	*list = f->list;
	*count = f->count;
	return changed;
}

/* Packets. */

/* The interface that a packet came by, 0 when the system did not say. */
static uint32_t packet_index(struct msghdr *message)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(message); c != NULL;
		c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level == IPPROTO_IPV6 &&
			c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			return info.ipi6_ifindex;
		}
#if defined(IP_PKTINFO)
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			return (uint32_t)info.ipi_ifindex;
		}
#elif defined(IP_RECVIF)
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVIF) {
			struct sockaddr_dl link;

			memcpy(&link, CMSG_DATA(c),
				offsetof(struct sockaddr_dl, sdl_data));
			return link.sdl_index;
		}
#endif
	}
	return 0;
}

static bool receive(struct iface *f, int which, struct mdns_packet *packet)
{
	union {
		struct cmsghdr align;
		char bytes[256];
	} control;
	struct iovec bytes = { f->bytes, sizeof(f->bytes) };
	struct msghdr message = { .msg_name = &packet->address,
		.msg_namelen = sizeof(packet->address),
		.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(f->fds[which], &message, 0);

	if (n < 0)
		return false;
	packet->family = which == SOCKET_V4 ? AF_INET : AF_INET6;
	packet->bytes = f->bytes;
	packet->size = (size_t)n;
	packet->index = packet_index(&message);
	if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		packet->size = 0; /* no message is that short */
	return true;
}

bool iface_next(struct iface *f, struct mdns_packet *packet)
{
	for (int i = 0; i < SOCKETS; i++) {
		if (!f->ready[i])
			continue;
		memset(packet, 0, sizeof(*packet));
		if (f->packets > 0 && receive(f, i, packet)) {
			f->packets--;
			return true;
		}
		f->ready[i] = false;
	}
	return false;
}

static void choose_interface(int fd, const struct mdns_interface *i)
{
	const struct sockaddr_in *v4 = first_v4(i);
#if defined(__linux__)
	struct ip_mreqn request = { .imr_ifindex = (int)i->index };

	if (v4 != NULL)
		request.imr_address = v4->sin_addr;
	(void)setsockopt(
		fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof(request));
#else
	if (v4 != NULL)
		(void)setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &v4->sin_addr,
			sizeof(v4->sin_addr));
#endif
}

void iface_send(struct iface *f, const struct mdns_packet *packet)
{
	int which = packet->family == AF_INET ? SOCKET_V4 : SOCKET_V6;
	struct sockaddr_storage to = packet->address;
	int index = (int)packet->index;

	if (f->fds[which] < 0)
		return;
	if (packet->multicast) {
		to = group_address(packet->family, packet->index);
		for (int i = 0; i < f->count; i++) {
			if (f->list[i].index == packet->index &&
				which == SOCKET_V4)
				choose_interface(f->fds[which], &f->list[i]);
		}
		if (which == SOCKET_V6)
			(void)setsockopt(f->fds[which], IPPROTO_IPV6,
				IPV6_MULTICAST_IF, &index, sizeof(index));
	}
	if (sendto(f->fds[which], packet->bytes, packet->size, 0,
		    (struct sockaddr *)&to, net_address_size(&to)) < 0 &&
		(errno == ENETUNREACH || errno == EADDRNOTAVAIL ||
			errno == ENODEV || errno == ENETDOWN))
		f->scan_ms = 0; /* the network is not what it was */
}

/* Life. */

struct iface *iface_open(const struct iface_options *options)
{
	struct iface *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->options = *options;
	f->changed = true;
	f->fds[SOCKET_V4] = f->fds[SOCKET_V6] = -1;
	f->slots[SOCKET_V4] = f->slots[SOCKET_V6] = LOOP_NO_SLOT;
	if (options->multicast) {
		f->fds[SOCKET_V4] = socket_open(AF_INET);
		f->fds[SOCKET_V6] = socket_open(AF_INET6);
	}
	scan(f);
	return f;
}

void iface_close(struct iface *f)
{
	if (f == NULL)
		return;
	for (int i = 0; i < SOCKETS; i++) {
		if (f->fds[i] >= 0)
			(void)close(f->fds[i]); /* UDP: nothing is under way */
	}
	free(f);
}

void iface_want(struct iface *f, struct loop *loop)
{
	loop_wake(loop, f->scan_ms);
	for (int i = 0; i < SOCKETS; i++) {
		f->slots[i] = LOOP_NO_SLOT;
		if (f->fds[i] >= 0)
			f->slots[i] = loop_add(loop, f->fds[i], POLLIN);
	}
}

void iface_run(struct iface *f, const struct loop *loop, int64_t now_ms)
{
	f->packets = IFACE_PACKETS_MAX;
	for (int i = 0; i < SOCKETS; i++)
		f->ready[i] = loop_ready(loop, f->slots[i]) != 0;
	if (now_ms < f->scan_ms)
		return;
	f->scan_ms = now_ms + IFACE_SCAN_MS;
	scan(f);
}
