/* SPDX-License-Identifier: ISC */
/*
 * iface.c: interfaces by getifaddrs, and UDP sockets on port 5353.
 *
 * Port 5353 is shared with every other multicast DNS program of the machine.
 * Who binds the wildcard address last gets everybody's unicast, so: if port
 * 5353 is free, we bind it and then permit sharing; if it is taken, we bind
 * the group's address, which gets multicast alone.  A group of IPv6 is bound
 * on one interface only, so there it is a socket for each.  Where that is not
 * to be had (macOS can not send from such a socket) the wildcard is shared, and
 * nobody is asked for unicast.
 *
 * What is sent to a group names its interface by index, and in IPv4 its source
 * address: either alone lets another interface's address out.  On loopback the
 * address 127.0.0.1 works without any route, and without the MULTICAST flag.
 * An answer to one asker goes the way of the system's routes, since whom we
 * answer is on a link of ours.
 *
 *	sockets[0]	IPv4
 *	sockets[1]	IPv6, if the wildcard is ours alone or must be shared
 *	sockets[2..]	else IPv6 on one interface each
 *
 * The groups are joined on each interface of the list, and left when it is no
 * more in the list, though it may be no more at all: memberships outlive it.
 *
 * Invariant: addresses in the list are zeroed where they are not filled, so
 * that those of two scans can be compared as bytes.
 */
#include "platform.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
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
#define IPV6_JOIN_GROUP  IPV6_ADD_MEMBERSHIP
#define IPV6_LEAVE_GROUP IPV6_DROP_MEMBERSHIP
#endif

enum {
	SOCKET_V4,
	SOCKET_V6,
	SOCKET_LINKS, /* the first of those of one interface */
	SOCKETS = SOCKET_LINKS + MDNS_INTERFACES_MAX
};

struct endpoint {
	int fd; /* -1: there is none */
	int slot;
	bool ready;
	uint32_t index; /* of its interface; 0: any */
};

struct iface {
	struct iface_options options;
	struct endpoint sockets[SOCKETS];
	bool unicast4; /* the wildcard of IPv4 was ours alone */
	bool unicast6;
	bool links;  /* IPv6 has a socket for each interface */
	bool denied; /* the last sending, by the system */
	int packets; /* that iface_next may still give in this turn */
	int next;    /* socket whose turn it is to give one */
	int64_t scan_ms;
	bool changed;
	int count;
	struct mdns_interface list[MDNS_INTERFACES_MAX];
	uint8_t bytes[MDNS_PACKET_MAX]; /* what is longer is dropped */
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
#if !defined(IP_PKTINFO) && defined(IP_RECVDSTADDR)
	net_set_option(fd, IPPROTO_IP, IP_RECVDSTADDR, 1);
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

/* To the group, on one interface in IPv6; -1 where that does not serve. */
static int bind_group(int fd, int family, uint32_t index)
{
	struct sockaddr_storage group = group_address(family, index);

#if defined(__APPLE__)
	return -1;
#elif !defined(__linux__)
	if (family == AF_INET6)
		return -1; /* not known to work there */
#endif
	if (family == AF_INET6 && index == 0)
		return -1;
	return bind(fd, (struct sockaddr *)&group, net_address_size(&group));
}

static int socket_make(int family)
{
	int fd = socket(family, SOCK_DGRAM, 0);

	if (fd < 0)
		return -1;
	if (net_set_flags(fd) < 0) {
		(void)close(fd); /* nothing was sent */
		return -1;
	}
	if (family == AF_INET)
		set_v4_options(fd);
	else
		set_v6_options(fd);
	return fd;
}

/*
 * A socket on port 5353, or -1: then this family is not used, or only by
 * sockets for one interface.  *alone: nobody else had the wildcard.
 */
static int socket_open(int family, bool *alone)
{
	int fd = socket_make(family);
#if defined(__linux__)
	bool is_link = family == AF_INET6; /* link_open serves it better */
#else
	bool is_link = false;
#endif

	*alone = false;
	if (fd < 0)
		return -1;
	*alone = bind_any(fd, family) == 0;
	share_port(fd);
	if (*alone || bind_group(fd, family, 0) == 0 ||
		(!is_link && bind_any(fd, family) == 0))
		return fd;
	(void)close(fd); /* nothing was sent */
	return -1;
}

/* The socket that serves a family on an interface, or NULL. */
static const struct endpoint *endpoint_of(
	const struct iface *f, int family, uint32_t index)
{
	const struct endpoint *e =
		&f->sockets[family == AF_INET ? SOCKET_V4 : SOCKET_V6];

	for (int i = SOCKET_LINKS; e->fd < 0 && i < SOCKETS; i++) {
		if (family == AF_INET6 && f->sockets[i].index == index)
			e = &f->sockets[i];
	}
	return e->fd < 0 ? NULL : e;
}

static void endpoint_close(struct endpoint *e)
{
	if (e->fd >= 0)
		(void)close(e->fd); /* UDP: nothing is under way */
	e->fd = -1;
	e->slot = LOOP_NO_SLOT;
	e->ready = false;
	e->index = 0;
}

/* IPv6 on one interface: bound to the group there. */
static void link_open(struct iface *f, uint32_t index)
{
	struct endpoint *e = NULL;

	for (int i = SOCKETS - 1; i >= SOCKET_LINKS; i--) {
		if (f->sockets[i].fd < 0)
			e = &f->sockets[i];
	}
	if (e == NULL)
		return;
	e->fd = socket_make(AF_INET6);
	if (e->fd < 0)
		return;
	share_port(e->fd);
	e->index = index;
	if (bind_group(e->fd, AF_INET6, index) < 0)
		endpoint_close(e);
}

/* A socket for each interface that there is, where it has to be so. */
static void links_update(
	struct iface *f, const struct mdns_interface *list, int count)
{
	if (!f->links)
		return;
	for (int i = SOCKET_LINKS; i < SOCKETS; i++) {
		bool there = false;

		for (int j = 0; j < count; j++)
			there = there ||
				(list[j].index == f->sockets[i].index &&
					list[j].ipv6);
		if (!there)
			endpoint_close(&f->sockets[i]);
	}
	for (int j = 0; j < count; j++) {
		if (list[j].ipv6 &&
			endpoint_of(f, AF_INET6, list[j].index) == NULL)
			link_open(f, list[j].index);
	}
}

/*
 * Makes us a member of the groups on an interface, or takes that back.  Being
 * one already is no error, so every scan may join again; but a membership
 * outlives its interface, and Linux gives a socket 20 of them.
 */
static void set_member(
	const struct iface *f, const struct mdns_interface *i, bool member)
{
	const struct sockaddr_in *v4 = first_v4(i);
	const struct endpoint *e4 = endpoint_of(f, AF_INET, i->index);
	const struct endpoint *e6 = endpoint_of(f, AF_INET6, i->index);
	struct ipv6_mreq request6 = { .ipv6mr_interface = i->index };
#if defined(__linux__)
	struct ip_mreqn request4 = { .imr_ifindex = (int)i->index };
	bool has_v4 = v4 != NULL || !member; /* it may have had one */
#else
	struct ip_mreq request4;
	bool has_v4 = v4 != NULL;

	memset(&request4, 0, sizeof(request4));
	if (v4 != NULL)
		memcpy(&request4.imr_interface, &v4->sin_addr, 4);
#endif
	memcpy(&request4.imr_multiaddr, group_v4, sizeof(group_v4));
	memcpy(&request6.ipv6mr_multiaddr, group_v6, sizeof(group_v6));
	if (has_v4 && e4 != NULL)
		(void)setsockopt(e4->fd, IPPROTO_IP,
			member ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP,
			&request4, sizeof(request4));
	if (i->ipv6 && e6 != NULL)
		(void)setsockopt(e6->fd, IPPROTO_IPV6,
			member ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, &request6,
			sizeof(request6));
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

static bool list_has(
	const struct mdns_interface *list, int count, uint32_t index)
{
	for (int i = 0; i < count; i++) {
		if (list[i].index == index)
			return true;
	}
	return false;
}

/* The bits of a network mask; those of one address when there is none. */
static uint8_t prefix_of(const struct sockaddr *mask, bool is_v4)
{
	size_t offset = is_v4 ? offsetof(struct sockaddr_in, sin_addr)
			      : offsetof(struct sockaddr_in6, sin6_addr);
	size_t size = is_v4 ? 4 : 16;
	const uint8_t *bytes;
	uint8_t prefix = 0;

	if (mask == NULL)
		return (uint8_t)(8 * size);
	bytes = (const uint8_t *)mask + offset;
#if !defined(__linux__)
	/* The BSDs leave zeros at its end away. */
	if (mask->sa_len < offset + size)
		size = mask->sa_len > offset ? mask->sa_len - offset : 0;
#endif
	for (size_t i = 0; i < 8 * size; i++) {
		if ((bytes[i / 8] & 0x80 >> i % 8) == 0)
			break;
		prefix++;
	}
	return prefix;
}

/*
 * The BSDs keep the interface of a link-local address in its bytes 2 and 3,
 * which are 0 on every wire.
 */
static void take_scope(struct sockaddr_storage *address)
{
#if !defined(__linux__)
	struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)address;
	uint8_t *bytes = a6->sin6_addr.s6_addr;

	if (address->ss_family != AF_INET6 ||
		!IN6_IS_ADDR_LINKLOCAL(&a6->sin6_addr))
		return;
	if (a6->sin6_scope_id == 0)
		a6->sin6_scope_id = (uint32_t)(bytes[2] << 8 | bytes[3]);
	bytes[2] = bytes[3] = 0;
#else
	(void)address;
#endif
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
	take_scope(to);
	i->prefixes[i->count++] = prefix_of(entry->ifa_netmask, is_v4);
	i->loopback = (entry->ifa_flags & IFF_LOOPBACK) != 0;
	i->ipv4 = i->ipv4 || is_v4;
	/* Multicast over IPv6 does not work on loopback. */
	i->ipv6 = i->ipv6 || (!is_v4 && !i->loopback);
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
	for (int i = 0; i < f->count; i++) {
		if (!list_has(list, count, f->list[i].index))
			set_member(f, &f->list[i], false);
	}
	links_update(f, list, count);
	/* Who kept the port for himself may be gone. */
	if (f->options.multicast && f->sockets[SOCKET_V4].fd < 0)
		f->sockets[SOCKET_V4].fd = socket_open(AF_INET, &f->unicast4);
	for (int i = 0; i < count; i++) {
		list[i].ipv4 = list[i].ipv4 && iface_has_ipv4(f);
		list[i].unicast4 = f->unicast4;
		list[i].unicast6 = f->unicast6;
		set_member(f, &list[i], true);
	}
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

/* The view of an interface, made when there is none yet; or NULL. */
static struct iface_view *view_of(struct iface_view *views, int *count,
	int most, const struct ifaddrs *entry)
{
	struct iface_view *v = views;

	while (v < views + *count && strcmp(v->name, entry->ifa_name) != 0)
		v++;
	if (v == views + most)
		return NULL;
	if (v < views + *count)
		return v;
	(*count)++;
	memset(v, 0, sizeof(*v));
	(void)snprintf(v->name, sizeof(v->name), "%s", entry->ifa_name);
	v->up = (entry->ifa_flags & IFF_UP) != 0;
	v->running = (entry->ifa_flags & IFF_RUNNING) != 0;
	v->multicast = (entry->ifa_flags & IFF_MULTICAST) != 0;
	v->loopback = (entry->ifa_flags & IFF_LOOPBACK) != 0;
	return v;
}

int iface_look(struct iface_view *views, int most)
{
	struct ifaddrs *all, *entry;
	int count = 0;

	if (getifaddrs(&all) < 0)
		return 0;
	for (entry = all; entry != NULL; entry = entry->ifa_next) {
		struct iface_view *v = view_of(views, &count, most, entry);
		int family = entry->ifa_addr == NULL
				     ? AF_UNSPEC
				     : entry->ifa_addr->sa_family;

		if (v == NULL || v->count == MDNS_ADDRESSES_MAX ||
			(family != AF_INET && family != AF_INET6))
			continue;
		memcpy(&v->addresses[v->count], entry->ifa_addr,
			family == AF_INET ? sizeof(struct sockaddr_in)
					  : sizeof(struct sockaddr_in6));
		take_scope(&v->addresses[v->count++]);
	}
	freeifaddrs(all);
	return count;
}

/* Packets. */

/*
 * The interface that a packet came by, and whether it came to the group; where
 * the system does not say, as if it had.
 */
static void packet_way(struct msghdr *message, struct mdns_packet *packet)
{
	struct cmsghdr *c;

	packet->multicast = true;
	for (c = CMSG_FIRSTHDR(message); c != NULL;
		c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level == IPPROTO_IPV6 &&
			c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			packet->index = info.ipi6_ifindex;
			packet->multicast =
				IN6_IS_ADDR_MULTICAST(&info.ipi6_addr);
		}
		if (c->cmsg_level != IPPROTO_IP)
			continue;
#if defined(IP_PKTINFO)
		if (c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			packet->index = (uint32_t)info.ipi_ifindex;
			packet->multicast = memcmp(&info.ipi_addr, group_v4,
						    sizeof(group_v4)) == 0;
		}
#elif defined(IP_RECVIF)
		if (c->cmsg_type == IP_RECVIF) {
			struct sockaddr_dl link;

			memcpy(&link, CMSG_DATA(c),
				offsetof(struct sockaddr_dl, sdl_data));
			packet->index = link.sdl_index;
		}
#endif
#if !defined(IP_PKTINFO) && defined(IP_RECVDSTADDR)
		if (c->cmsg_type == IP_RECVDSTADDR)
			packet->multicast = memcmp(CMSG_DATA(c), group_v4,
						    sizeof(group_v4)) == 0;
#endif
	}
}

static bool receive(
	struct iface *f, const struct endpoint *e, struct mdns_packet *packet)
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
	ssize_t n = recvmsg(e->fd, &message, 0);

	if (n < 0)
		return false;
	packet->family = packet->address.ss_family;
	packet->bytes = f->bytes;
	packet->size = (size_t)n;
	packet_way(&message, packet);
	if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		packet->size = 0; /* no message is that short */
	return true;
}

/* From one ready socket after the other, so that a flood starves none. */
bool iface_next(struct iface *f, struct mdns_packet *packet)
{
	for (int n = 0; n < SOCKETS && f->packets > 0; n++) {
		struct endpoint *e = &f->sockets[f->next];

		f->next = (f->next + 1) % SOCKETS;
		if (!e->ready)
			continue;
		memset(packet, 0, sizeof(*packet));
		if (receive(f, e, packet)) {
			f->packets--;
			return true;
		}
		e->ready = false;
	}
	return false;
}

/* Where multicast leaves, and as from whom; -1 and errno. */
static int choose_v4(int fd, const struct mdns_interface *i)
{
	const struct sockaddr_in *v4 = first_v4(i);
#if defined(__linux__)
	struct ip_mreqn request = { .imr_ifindex = (int)i->index };

	if (v4 != NULL)
		request.imr_address = v4->sin_addr;
	return setsockopt(
		fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof(request));
#else
	errno = EADDRNOTAVAIL;
	if (v4 == NULL)
		return -1;
	return setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &v4->sin_addr,
		sizeof(v4->sin_addr));
#endif
}

/* The socket keeps the last choice that was good, so a bad one must be told. */
static int choose_interface(
	const struct iface *f, int fd, const struct mdns_packet *packet)
{
	int index = (int)packet->index;

	if (packet->family == AF_INET6)
		return setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index,
			sizeof(index));
	for (int i = 0; i < f->count; i++) {
		if (f->list[i].index == packet->index)
			return choose_v4(fd, &f->list[i]);
	}
	errno = ENODEV;
	return -1;
}

void iface_send(struct iface *f, const struct mdns_packet *packet)
{
	const struct endpoint *e =
		endpoint_of(f, packet->family, packet->index);
	struct sockaddr_storage to = packet->address;
	ssize_t sent = -1;

	if (e == NULL)
		return;
	if (packet->multicast)
		to = group_address(packet->family, packet->index);
	if (!packet->multicast || choose_interface(f, e->fd, packet) == 0)
		sent = sendto(e->fd, packet->bytes, packet->size, 0,
			(struct sockaddr *)&to, net_address_size(&to));
	if (packet->multicast)
		f->denied =
			sent < 0 && (errno == EHOSTUNREACH || errno == EPERM ||
					    errno == EACCES);
	if (sent < 0 &&
		(errno == ENETUNREACH || errno == EADDRNOTAVAIL ||
			errno == ENODEV || errno == ENETDOWN || errno == ENXIO))
		f->scan_ms = 0; /* the network is not what it was */
}

bool iface_denied(const struct iface *f)
{
	return f->denied;
}

bool iface_has_ipv4(const struct iface *f)
{
	return f->sockets[SOCKET_V4].fd >= 0;
}

void iface_rescan(struct iface *f)
{
	scan(f);
}

/* Life. */

struct iface *iface_open(const struct iface_options *options)
{
	struct iface *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->options = *options;
	f->changed = true;
	for (int i = 0; i < SOCKETS; i++) {
		f->sockets[i].fd = -1;
		f->sockets[i].slot = LOOP_NO_SLOT;
	}
	if (options->multicast) {
		f->sockets[SOCKET_V4].fd = socket_open(AF_INET, &f->unicast4);
		f->sockets[SOCKET_V6].fd = socket_open(AF_INET6, &f->unicast6);
		f->links = f->sockets[SOCKET_V6].fd < 0;
	}
	scan(f);
	return f;
}

void iface_close(struct iface *f)
{
	if (f == NULL)
		return;
	for (int i = 0; i < SOCKETS; i++)
		endpoint_close(&f->sockets[i]);
	free(f);
}

void iface_want(struct iface *f, struct loop *loop)
{
	loop_wake(loop, f->scan_ms);
	for (int i = 0; i < SOCKETS; i++) {
		struct endpoint *e = &f->sockets[i];

		e->slot = LOOP_NO_SLOT;
		if (e->fd >= 0)
			e->slot = loop_add(loop, e->fd, POLLIN);
	}
}

void iface_run(struct iface *f, const struct loop *loop, int64_t now_ms)
{
	f->packets = IFACE_PACKETS_MAX;
	for (int i = 0; i < SOCKETS; i++)
		f->sockets[i].ready = loop_ready(loop, f->sockets[i].slot) != 0;
	if (now_ms < f->scan_ms)
		return;
	f->scan_ms = now_ms + IFACE_SCAN_MS;
	scan(f);
}
