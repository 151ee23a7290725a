/* SPDX-License-Identifier: ISC */
/*
 * test_iface.c: sockets and interfaces of a system that is made up: the calls
 * of iface.c are wrapped (see the Makefile), and its sockets are /dev/null.
 * Numbers in comments are sections of RFC 6762.
 */
#include "platform.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include "iface.h"
#include "net.h"
#include "testing.h"

enum { CARDS = 4, FDS = 64, OPTIONS = 64, NOW_MS = 1000 * 1000 };

#define UP   (IFF_UP | IFF_RUNNING | IFF_MULTICAST)
#define LO   (IFF_UP | IFF_RUNNING | IFF_LOOPBACK)
#define ETH0 "eth0", 3, UP, "10.0.0.1", 24
#define ETH6 "eth0", 3, UP, "fd00::1", 64
#define LO4  "lo", 1, LO, "127.0.0.1", 8
#define LO6  "lo", 1, LO, "::1", 128

/* An address of an interface; "" for none. */
struct card {
	const char *name;
	uint32_t index;
	unsigned flags;
	const char *address;
	uint8_t prefix;
};

/* What was done to a descriptor. */
struct made_up {
	int family; /* 0: it is no socket */
	bool bound;
	int count;
	struct {
		int level;
		int option;
		int value;
	} options[OPTIONS];
};

/* The next packets that recvmsg gives. */
struct incoming {
	int count;
	size_t size;
	bool control_cut;
	bool told; /* by which interface, and to which address */
	const char *to;
};

static struct iface *iface;
static struct loop loop;
static struct transcript told;
static struct made_up made_up[FDS];
static const struct card *cards; /* CARDS of them, or up to a name of NULL */
static bool taken4, taken6;      /* somebody has the port already */
static bool kept4;               /* and does not share it */
static struct incoming incoming;
static int send_error;
static bool scan_fails;
static int scans;
static int lists; /* given and not taken back */

/* Addresses. */

/* Where the bytes of an address stand. */
static void *bytes_of(struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET)
		return &((struct sockaddr_in *)address)->sin_addr;
	return &((struct sockaddr_in6 *)address)->sin6_addr;
}

static struct sockaddr_storage address_of(const char *text)
{
	struct sockaddr_storage address;

	memset(&address, 0, sizeof(address));
	address.ss_family = strchr(text, ':') == NULL ? AF_INET : AF_INET6;
	assert_int_equal(
		inet_pton(address.ss_family, text, bytes_of(&address)), 1);
	return address;
}

static void tell_address(struct sockaddr_storage address)
{
	char text[INET6_ADDRSTRLEN];

	tell(&told, "%s",
		inet_ntop(address.ss_family, bytes_of(&address), text,
			sizeof(text)));
}

static uint32_t scope_of(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET)
		return 0;
	return ((const struct sockaddr_in6 *)address)->sin6_scope_id;
}

/* The calls. */

int __wrap_socket(int family, int type, int protocol);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t size);
int __wrap_setsockopt(
	int fd, int level, int option, const void *value, socklen_t size);
ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t __wrap_sendto(int fd, const void *bytes, size_t size, int flags,
	const struct sockaddr *address, socklen_t address_size);
int __wrap_getifaddrs(struct ifaddrs **all);
void __wrap_freeifaddrs(struct ifaddrs *all);
unsigned __wrap_if_nametoindex(const char *name);

int __wrap_socket(int family, int type, int protocol)
{
	int fd = open("/dev/null", O_RDONLY);

	assert_in_range(fd, 0, FDS - 1);
	assert_int_equal(type, SOCK_DGRAM);
	assert_int_equal(protocol, 0);
	memset(&made_up[fd], 0, sizeof(made_up[fd]));
	made_up[fd].family = family;
	return fd;
}

/* The value that an option was given last; -1: none. */
static int option_of(int fd, int level, int option)
{
	int value = -1;

	for (int i = 0; i < made_up[fd].count; i++) {
		if (made_up[fd].options[i].level == level &&
			made_up[fd].options[i].option == option)
			value = made_up[fd].options[i].value;
	}
	return value;
}

static bool is_shared(int fd)
{
	return option_of(fd, SOL_SOCKET, SO_REUSEADDR) == 1 &&
	       option_of(fd, SOL_SOCKET, SO_REUSEPORT) == 1;
}

/* As Linux: a port that is taken is had by those who share it. */
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t size)
{
	struct sockaddr_storage to;
	bool taken = made_up[fd].family == AF_INET ? taken4 : taken6;

	memset(&to, 0, sizeof(to));
	memcpy(&to, address, size);
	assert_int_equal(to.ss_family, made_up[fd].family);
	assert_int_equal(net_port(&to), MDNS_PORT);
	tell(&told, "bind ");
	tell_address(to);
	if (scope_of(&to) != 0)
		tell(&told, "%%%u", scope_of(&to));
	tell(&told, "%s\n", is_shared(fd) ? " shared" : "");
	errno = EADDRINUSE;
	if ((taken && !is_shared(fd)) ||
		(kept4 && made_up[fd].family == AF_INET))
		return -1;
	made_up[fd].bound = true;
	return 0;
}

/* Interfaces that are named have their line; other options are kept. */
int __wrap_setsockopt(
	int fd, int level, int option, const void *value, socklen_t size)
{
	struct made_up *m = &made_up[fd];
	struct ip_mreqn request4;
	struct ipv6_mreq request6;

	if (level == IPPROTO_IP &&
		(option == IP_ADD_MEMBERSHIP || option == IP_MULTICAST_IF)) {
		assert_int_equal(size, sizeof(request4));
		memcpy(&request4, value, size);
		tell(&told, "%s 4 %d",
			option == IP_MULTICAST_IF ? "from" : "join",
			request4.imr_ifindex);
		if (option == IP_MULTICAST_IF)
			tell(&told, " %s", inet_ntoa(request4.imr_address));
		tell(&told, "\n");
		return 0;
	}
	if (level == IPPROTO_IPV6 && option == IPV6_JOIN_GROUP) {
		memcpy(&request6, value, sizeof(request6));
		tell(&told, "join 6 %u\n", request6.ipv6mr_interface);
		return 0;
	}
	assert_in_range(m->count, 0, OPTIONS - 1);
	m->options[m->count].level = level;
	m->options[m->count].option = option;
	if (size == 1)
		m->options[m->count].value = *(const uint8_t *)value;
	else
		memcpy(&m->options[m->count].value, value, sizeof(int));
	if (level == IPPROTO_IPV6 && option == IPV6_MULTICAST_IF)
		tell(&told, "from 6 %d\n", m->options[m->count].value);
	m->count++;
	return 0;
}

/* Control data of one kind. */
static void control_set(
	struct msghdr *message, int level, int type, const void *data, size_t n)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(message);

	assert_true(message->msg_controllen >= CMSG_SPACE(n));
	memset(message->msg_control, 0, CMSG_SPACE(n));
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(n);
	memcpy(CMSG_DATA(c), data, n);
	message->msg_controllen = CMSG_SPACE(n);
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags)
{
	struct sockaddr_storage to = address_of(incoming.to), from;
	struct in_pktinfo info4 = { .ipi_ifindex = 3 };
	struct in6_pktinfo info6 = { .ipi6_ifindex = 3 };
	size_t room = message->msg_iov[0].iov_len;

	errno = EAGAIN;
	if (incoming.count == 0 || made_up[fd].family != to.ss_family)
		return -1;
	incoming.count--;
	assert_int_equal(flags, 0);
	assert_int_equal(message->msg_iovlen, 1);
	from = address_of(to.ss_family == AF_INET ? "10.0.0.2" : "fd00::2");
	net_set_port(&from, MDNS_PORT);
	memcpy(message->msg_name, &from, net_address_size(&from));
	message->msg_namelen = net_address_size(&from);
	info4.ipi_addr = ((struct sockaddr_in *)&to)->sin_addr;
	info6.ipi6_addr = ((struct sockaddr_in6 *)&to)->sin6_addr;
	if (!incoming.told)
		message->msg_controllen = 0;
	else if (to.ss_family == AF_INET)
		control_set(
			message, IPPROTO_IP, IP_PKTINFO, &info4, sizeof(info4));
	else
		control_set(message, IPPROTO_IPV6, IPV6_PKTINFO, &info6,
			sizeof(info6));
	message->msg_flags = incoming.control_cut ? MSG_CTRUNC : 0;
	if (incoming.size > room)
		message->msg_flags |= MSG_TRUNC;
	if (incoming.size < room)
		room = incoming.size;
	memset(message->msg_iov[0].iov_base, 'x', room);
	return (ssize_t)room;
}

ssize_t __wrap_sendto(int fd, const void *bytes, size_t size, int flags,
	const struct sockaddr *address, socklen_t address_size)
{
	struct sockaddr_storage to;

	memset(&to, 0, sizeof(to));
	memcpy(&to, address, address_size);
	assert_int_equal(flags, 0);
	assert_int_equal(to.ss_family, made_up[fd].family);
	assert_true(made_up[fd].bound); /* so that it is from port 5353 */
	tell(&told, "%.*s to ", (int)size, (const char *)bytes);
	tell_address(to);
	tell(&told, ":%u", net_port(&to));
	if (scope_of(&to) != 0)
		tell(&told, " by %u", scope_of(&to));
	tell(&told, "\n");
	errno = send_error;
	return send_error == 0 ? (ssize_t)size : -1;
}

/* The first `prefix` bits of an address of this family. */
static struct sockaddr_storage mask_of(int family, int prefix)
{
	struct sockaddr_storage mask;
	uint8_t *bytes;

	memset(&mask, 0, sizeof(mask));
	mask.ss_family = (sa_family_t)family;
	bytes = bytes_of(&mask);
	for (int i = 0; i < prefix; i++)
		bytes[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return mask;
}

int __wrap_getifaddrs(struct ifaddrs **all)
{
	static struct ifaddrs entries[CARDS];
	static struct sockaddr_storage addresses[CARDS], masks[CARDS];
	static char names[CARDS][IF_NAMESIZE];

	scans++;
	*all = NULL;
	if (scan_fails)
		return -1;
	lists++;
	memset(entries, 0, sizeof(entries));
	for (int i = 0; i < CARDS && cards[i].name != NULL; i++) {
		struct ifaddrs *entry = &entries[i];

		*all = entries;
		if (i > 0)
			entries[i - 1].ifa_next = entry;
		(void)snprintf(names[i], IF_NAMESIZE, "%s", cards[i].name);
		entry->ifa_name = names[i];
		entry->ifa_flags = cards[i].flags;
		if (cards[i].address[0] == '\0')
			continue;
		addresses[i] = address_of(cards[i].address);
		masks[i] = mask_of(addresses[i].ss_family, cards[i].prefix);
		entry->ifa_addr = (struct sockaddr *)&addresses[i];
		entry->ifa_netmask = (struct sockaddr *)&masks[i];
	}
	return 0;
}

void __wrap_freeifaddrs(struct ifaddrs *all)
{
	(void)all;
	lists--;
}

unsigned __wrap_if_nametoindex(const char *name)
{
	for (int i = 0; i < CARDS && cards[i].name != NULL; i++) {
		if (strcmp(cards[i].name, name) == 0)
			return cards[i].index;
	}
	return 0;
}

/* Begin and end. */

static int end(void **state)
{
	(void)state;
	iface_close(iface);
	iface = NULL;
	assert_int_equal(lists, 0);
	memset(made_up, 0, sizeof(made_up));
	memset(&incoming, 0, sizeof(incoming));
	incoming.to = "224.0.0.251";
	taken4 = taken6 = kept4 = scan_fails = false;
	send_error = scans = 0;
	transcript_clear(&told);
	return 0;
}

static void begin_named(const struct card *with, const char *const *names)
{
	struct iface_options options = { .multicast = true, .names = names };

	while (names != NULL && names[options.name_count] != NULL)
		options.name_count++;
	cards = with;
	iface = iface_open(&options);
	assert_non_null(iface);
}

static void begin(const struct card *with)
{
	begin_named(with, NULL);
}

/* One turn of the loop, in which every socket has something, or none has. */
static void turn(int64_t now_ms, bool ready)
{
	loop_begin(&loop, now_ms);
	iface_want(iface, &loop);
	for (int i = 0; i < loop.count; i++)
		loop.fds[i].revents = ready ? POLLIN : 0;
	iface_run(iface, &loop, now_ms);
}

/* "3: 10.0.0.1/24 fd00::1/64" and what it can; true when it is news. */
static bool tell_list(void)
{
	const struct mdns_interface *list;
	int count;
	bool changed = iface_changed(iface, &list, &count);

	transcript_clear(&told);
	for (int i = 0; i < count; i++) {
		tell(&told, "%u:", list[i].index);
		for (int a = 0; a < list[i].count; a++) {
			tell(&told, " ");
			tell_address(list[i].addresses[a]);
			tell(&told, "/%u", list[i].prefixes[a]);
		}
		tell(&told, "%s%s%s%s%s\n", list[i].ipv4 ? " v4" : "",
			list[i].ipv6 ? " v6" : "",
			list[i].loopback ? " loopback" : "",
			list[i].unicast4 ? " unicast4" : "",
			list[i].unicast6 ? " unicast6" : "");
	}
	return changed;
}

static const struct card both[CARDS] = { { ETH0 }, { ETH6 }, { LO4 }, { LO6 } };

/* Sockets. */

/*
 * 15.1: whoever binds the wildcard takes others' unicast, so only who is first
 * does.  IPv6 then has a socket for each interface.
 */
static void iface_open_binds_the_wildcard_only_where_it_is_free(void **state)
{
	static const struct {
		bool taken4, taken6;
		const char *bound;
		const char *list;
	} cases[] = {
		{ false, false, "bind 0.0.0.0\nbind ::\njoin 4 3\njoin 6 3\n",
			"3: 10.0.0.1/24 fd00::1/64 v4 v6 unicast4 unicast6\n" },
		{ true, false,
			"bind 0.0.0.0\nbind 224.0.0.251 shared\nbind ::\n"
			"join 4 3\njoin 6 3\n",
			"3: 10.0.0.1/24 fd00::1/64 v4 v6 unicast6\n" },
		{ false, true,
			"bind 0.0.0.0\nbind ::\nbind ff02::fb%3 shared\n"
			"join 4 3\njoin 6 3\n",
			"3: 10.0.0.1/24 fd00::1/64 v4 v6 unicast4\n" },
		{ true, true,
			"bind 0.0.0.0\nbind 224.0.0.251 shared\nbind ::\n"
			"bind ff02::fb%3 shared\njoin 4 3\njoin 6 3\n",
			"3: 10.0.0.1/24 fd00::1/64 v4 v6\n" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		taken4 = cases[i].taken4;
		taken6 = cases[i].taken6;
		begin(both);
		assert_told(&told, cases[i].bound);
		assert_true(tell_list());
		assert_told(&told, cases[i].list);
		(void)end(state);
	}
}

/*
 * 11: "All Multicast DNS responses (including responses sent via unicast)
 * SHOULD be sent with IP TTL set to 255"; a host hears itself; who comes later
 * can share the port; what comes to groups that others joined is not ours.
 */
static void iface_sockets_have_their_options(void **state)
{
	static const struct {
		int family, level, option, value;
	} wanted[] = {
		{ AF_INET, IPPROTO_IP, IP_MULTICAST_TTL, 255 },
		{ AF_INET, IPPROTO_IP, IP_TTL, 255 },
		{ AF_INET, IPPROTO_IP, IP_MULTICAST_LOOP, 1 },
		{ AF_INET, IPPROTO_IP, IP_MULTICAST_ALL, 0 },
		{ AF_INET, IPPROTO_IP, IP_PKTINFO, 1 },
		{ AF_INET6, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 255 },
		{ AF_INET6, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 255 },
		{ AF_INET6, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1 },
		{ AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, 1 },
		{ AF_INET6, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1 },
	};

	for (int taken = 0; taken < 2; taken++) {
		int sockets = 0;

		taken4 = taken6 = taken == 1;
		begin(both);
		for (int fd = 0; fd < FDS; fd++) {
			if (!made_up[fd].bound)
				continue;
			sockets++;
			assert_true(is_shared(fd));
			for (size_t i = 0; i < COUNT_OF(wanted); i++) {
				if (wanted[i].family != made_up[fd].family)
					continue;
				assert_int_equal(option_of(fd, wanted[i].level,
							 wanted[i].option),
					wanted[i].value);
			}
		}
		assert_int_equal(sockets, 2);
		(void)end(state);
	}
}

/* A socket for an interface comes and goes with it. */
static void iface_has_a_socket_for_each_interface_of_ipv6(void **state)
{
	static const struct card two[CARDS] = { { ETH6 },
		{ "eth1", 4, UP, "fd01::1", 64 } };
	static const struct card other[CARDS] = { { "eth1", 4, UP, "fd01::1",
		64 } };

	(void)state;
	taken6 = true;
	begin(two);
	assert_told(&told, "bind 0.0.0.0\nbind ::\nbind ff02::fb%3 shared\n"
			   "bind ff02::fb%4 shared\njoin 6 3\njoin 6 4\n");
	turn(NOW_MS, false);
	assert_int_equal(loop.count, 3);
	cards = other;
	iface_rescan(iface);
	turn(NOW_MS, false);
	assert_int_equal(loop.count, 2);
	transcript_clear(&told);
	cards = two;
	iface_rescan(iface);
	assert_told(&told, "bind ff02::fb%3 shared\njoin 6 3\njoin 6 4\n");
}

/* Interfaces. */

/*
 * Up and running and able to multicast; loopback when there is no other, or
 * when it is named; none that is not, when some are.
 */
static void iface_lists_what_can_be_used(void **state)
{
	static const struct {
		struct card cards[CARDS];
		const char *names[3];
		const char *list;
	} cases[] = {
		{ .list = "" },
		{ { { LO4 }, { LO6 }, { ETH0 }, { ETH6 } },
			.list = "3: 10.0.0.1/24 fd00::1/64 v4 v6\n" },
		{ { { LO4 }, { LO6 } },
			.list = "1: 127.0.0.1/8 ::1/128 v4 loopback\n" },
		{ { { LO4 }, { ETH0 } }, { "lo" },
			.list = "1: 127.0.0.1/8 v4 loopback\n" },
		{ { { LO4 }, { ETH0 } }, { "lo", "eth0" },
			.list = "1: 127.0.0.1/8 v4 loopback\n"
				"3: 10.0.0.1/24 v4\n" },
		{ { { LO4 }, { "eth0", 3, UP & ~IFF_RUNNING, "10.0.0.1", 24 } },
			.list = "1: 127.0.0.1/8 v4 loopback\n" },
		{ { { LO4 },
			  { "eth0", 3, UP & ~IFF_MULTICAST, "10.0.0.1", 24 } },
			.list = "1: 127.0.0.1/8 v4 loopback\n" },
		{ { { LO4 }, { "eth0", 3, UP & ~IFF_UP, "10.0.0.1", 24 } },
			.list = "1: 127.0.0.1/8 v4 loopback\n" },
		{ { { LO4 }, { "eth0", 3, UP, "", 0 } },
			.list = "1: 127.0.0.1/8 v4 loopback\n" },
		{ { { "lo", 1, LO & ~IFF_UP, "127.0.0.1", 8 } }, .list = "" },
		{ { { ETH0 },
			  { "tun0", 5, UP & ~IFF_MULTICAST, "10.8.0.1", 32 } },
			.list = "3: 10.0.0.1/24 v4\n" },
		{ { { ETH0 }, { "eth1", 4, UP, "10.1.0.1", 17 } },
			.list = "3: 10.0.0.1/24 v4\n4: 10.1.0.1/17 v4\n" },
		{ { { ETH0 }, { "eth1", 4, UP, "10.1.0.1", 17 } }, { "eth1" },
			.list = "4: 10.1.0.1/17 v4\n" },
		{ { { ETH0 } }, { "eth1" }, .list = "" },
		{ { { ETH0 }, { "eth0", 3, UP, "10.0.0.9", 0 } },
			.list = "3: 10.0.0.1/24 10.0.0.9/0 v4\n" },
		{ { { "eth0", 3, UP, "fe80::1", 64 } },
			.list = "3: fe80::1/64 v6\n" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		taken4 = taken6 = true;
		begin_named(cases[i].cards,
			cases[i].names[0] == NULL ? NULL : cases[i].names);
		assert_true(tell_list());
		assert_told(&told, cases[i].list);
		(void)end(state);
	}
}

/* Looked at every three seconds, joined each time, and told when changed. */
static void iface_run_looks_for_changes(void **state)
{
	static const struct card changed[CARDS] = { { "eth0", 3, UP, "10.0.0.7",
		24 } };
	static const struct card eth0[CARDS] = { { ETH0 } };

	(void)state;
	begin(eth0);
	turn(NOW_MS, false);
	assert_true(tell_list());
	scans = 0;
	cards = changed;
	turn(NOW_MS + IFACE_SCAN_MS - 1, false);
	assert_int_equal(scans, 0);
	assert_false(tell_list());
	transcript_clear(&told);
	turn(NOW_MS + IFACE_SCAN_MS, false);
	assert_int_equal(scans, 1);
	assert_told(&told, "join 4 3\n");
	assert_true(tell_list());
	assert_told(&told, "3: 10.0.0.7/24 v4 unicast4 unicast6\n");
	iface_rescan(iface);
	assert_false(tell_list());
	scan_fails = true; /* what was there is taken to be there still */
	iface_rescan(iface);
	assert_false(tell_list());
	assert_told(&told, "3: 10.0.0.7/24 v4 unicast4 unicast6\n");
}

/* Who keeps the port for himself may end, and we go on. */
static void iface_run_tries_a_port_again_that_was_kept(void **state)
{
	(void)state;
	taken4 = kept4 = true;
	begin(both);
	assert_false(iface_has_ipv4(iface));
	assert_true(tell_list());
	assert_told(&told, "3: 10.0.0.1/24 fd00::1/64 v6 unicast6\n");
	turn(NOW_MS, false);
	assert_false(tell_list());
	kept4 = false;
	transcript_clear(&told);
	turn(NOW_MS + IFACE_SCAN_MS, false);
	assert_told(&told, "bind 0.0.0.0\nbind 224.0.0.251 shared\n"
			   "join 4 3\njoin 6 3\n");
	assert_true(iface_has_ipv4(iface));
	assert_true(tell_list());
	assert_told(&told, "3: 10.0.0.1/24 fd00::1/64 v4 v6 unicast6\n");
}

/* Packets. */

/* All that waits would keep everybody else waiting. */
static void iface_next_reads_64_packets_a_turn(void **state)
{
	struct mdns_packet packet;

	(void)state;
	begin(both);
	for (int turns = 0; turns < 3; turns++) {
		int packets = 0;

		incoming.count = 0; /* what was not used is not kept */
		turn(NOW_MS, true);
		assert_false(iface_next(iface, &packet));
		incoming.count = 100;
		incoming.size = 12;
		turn(NOW_MS, true);
		while (iface_next(iface, &packet))
			packets++;
		assert_int_equal(packets, IFACE_PACKETS_MAX);
		assert_int_equal(packets, 64);
	}
	incoming.count = 3;
	turn(NOW_MS, false);
	assert_false(iface_next(iface, &packet));
	turn(NOW_MS, true);
	for (int i = 0; i < 3; i++)
		assert_true(iface_next(iface, &packet));
	assert_false(iface_next(iface, &packet));
}

/* What the system has cut is no message, and what comes next is. */
static void iface_next_drops_what_was_cut(void **state)
{
	static const struct {
		size_t size;
		bool control_cut;
		size_t read;
	} cases[] = {
		{ 0, false, 0 },
		{ 12, false, 12 },
		{ 12, true, 0 },
		{ MDNS_PACKET_MAX, false, MDNS_PACKET_MAX },
		{ MDNS_PACKET_MAX + 1, false, 0 },
		{ 65507, false, 0 },
	};
	struct mdns_packet packet;

	(void)state;
	begin(both);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		incoming.count = 1;
		incoming.size = cases[i].size;
		incoming.control_cut = cases[i].control_cut;
		turn(NOW_MS, true);
		assert_true(iface_next(iface, &packet));
		assert_int_equal(packet.size, cases[i].read);
		assert_false(iface_next(iface, &packet));
	}
}

/* 11: by which interface it came, and whether it came to the group. */
static void iface_next_tells_a_packets_way(void **state)
{
	static const struct {
		const char *to;
		bool told;
		uint32_t index;
		bool multicast;
	} cases[] = {
		{ "224.0.0.251", true, 3, true },
		{ "10.0.0.1", true, 3, false },
		{ "ff02::fb", true, 3, true },
		{ "fd00::1", true, 3, false },
		{ "10.0.0.1", false, 0, true },
	};
	struct mdns_packet packet;

	(void)state;
	begin(both);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		bool is_v4 = strchr(cases[i].to, ':') == NULL;

		incoming.count = 1;
		incoming.size = 12;
		incoming.to = cases[i].to;
		incoming.told = cases[i].told;
		turn(NOW_MS, true);
		assert_true(iface_next(iface, &packet));
		assert_int_equal(packet.family, is_v4 ? AF_INET : AF_INET6);
		assert_int_equal(packet.index, cases[i].index);
		assert_int_equal(packet.multicast, cases[i].multicast);
		transcript_clear(&told);
		tell_address(packet.address);
		assert_told(&told, is_v4 ? "10.0.0.2" : "fd00::2");
		assert_int_equal(net_port(&packet.address), MDNS_PORT);
	}
}

static void send_hello(uint32_t index, const char *to)
{
	struct mdns_packet packet = { .index = index,
		.multicast = to == NULL,
		.bytes = (const uint8_t *)"hello",
		.size = 5 };

	packet.address = address_of(to == NULL ? "0.0.0.0" : to);
	net_set_port(&packet.address, 40000);
	packet.family = packet.address.ss_family;
	transcript_clear(&told);
	iface_send(iface, &packet);
}

/* Index and source address: either alone lets another's address out. */
static void iface_send_names_the_interface_and_its_address(void **state)
{
	static const struct card two[CARDS] = { { ETH0 }, { ETH6 },
		{ "eth1", 4, UP, "10.1.0.1", 24 },
		{ "eth1", 4, UP, "fd01::1", 64 } };
	struct mdns_packet packet = { .index = 4,
		.family = AF_INET6,
		.multicast = true,
		.bytes = (const uint8_t *)"hello",
		.size = 5 };

	for (int taken = 0; taken < 2; taken++) {
		taken4 = taken6 = taken == 1;
		begin(two);
		send_hello(3, NULL);
		assert_told(&told, "from 4 3 10.0.0.1\n"
				   "hello to 224.0.0.251:5353\n");
		send_hello(4, NULL);
		assert_told(&told, "from 4 4 10.1.0.1\n"
				   "hello to 224.0.0.251:5353\n");
		transcript_clear(&told);
		iface_send(iface, &packet);
		assert_told(&told, "from 6 4\nhello to ff02::fb:5353 by 4\n");
		send_hello(3, "10.0.0.2");
		assert_told(&told, "hello to 10.0.0.2:40000\n");
		(void)end(state);
	}
}

/* Errors that mean another network than the one that was looked at. */
static void iface_send_has_interfaces_looked_at_again(void **state)
{
	static const struct {
		int error;
		bool again;
		bool denied;
	} cases[] = {
		{ ENETUNREACH, true, false },
		{ EADDRNOTAVAIL, true, false },
		{ ENODEV, true, false },
		{ ENETDOWN, true, false },
		{ EHOSTUNREACH, false, true },
		{ EPERM, false, true },
		{ EACCES, false, true },
		{ ENOBUFS, false, false },
		{ EAGAIN, false, false },
		{ 0, false, false },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		begin(both);
		turn(NOW_MS, false);
		scans = 0;
		send_error = cases[i].error;
		send_hello(3, NULL);
		assert_int_equal(iface_denied(iface), cases[i].denied);
		loop_begin(&loop, NOW_MS + 1);
		iface_want(iface, &loop);
		assert_int_equal(loop.wake_ms <= NOW_MS + 1, cases[i].again);
		turn(NOW_MS + 1, false);
		assert_int_equal(scans, cases[i].again);
		turn(NOW_MS + 2, false);
		assert_int_equal(scans, cases[i].again);
		send_error = 0;
		send_hello(3, NULL);
		assert_false(iface_denied(iface));
		(void)end(state);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, end, end)
		TEST(iface_open_binds_the_wildcard_only_where_it_is_free),
		TEST(iface_sockets_have_their_options),
		TEST(iface_has_a_socket_for_each_interface_of_ipv6),
		TEST(iface_lists_what_can_be_used),
		TEST(iface_run_looks_for_changes),
		TEST(iface_run_tries_a_port_again_that_was_kept),
		TEST(iface_next_reads_64_packets_a_turn),
		TEST(iface_next_drops_what_was_cut),
		TEST(iface_next_tells_a_packets_way),
		TEST(iface_send_names_the_interface_and_its_address),
		TEST(iface_send_has_interfaces_looked_at_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
