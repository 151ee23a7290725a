/* SPDX-License-Identifier: ISC */
/*
 * mdns_lan.h: for tests: multicast DNS on virtual time.
 *
 * One mdns under test, which never wakes but when mdns_want says so; or some
 * of them on a common wire, where each hears everybody's packets, its own
 * among them.  Packets are text (dns_text.h), with the time since START_MS,
 * the scope (interface and 4 or 6) and the destination before it:
 *
 *	@120 3/4 group query
 *	? PTR _persisted-chat._tcp.local
 */
#ifndef TESTS_MDNS_LAN_H
#define TESTS_MDNS_LAN_H

#include "dns_text.h"
#include "mdns.h"

#define SERVICE "_persisted-chat._tcp.local"

enum { START_MS = 1000 * 1000, LAN_MAX = 4, FOREVER_MS = 1000 * 1000 };

static struct mdns *mdns; /* the one under test, the first of the wire */
static struct mdns *lan[LAN_MAX];
static struct sockaddr_storage lan_address[LAN_MAX];
static int lan_count;
static int64_t now_ms;
static int packet_count;
static bool packets_told;
static struct transcript told;
static struct transcript early[LAN_MAX]; /* events that until() had to take */
static struct mdns_interface interfaces[MDNS_INTERFACES_MAX];
static struct mdns_packet packet;

static const uint8_t room[MDNS_ROOM_SIZE] = { 1 };
static const uint8_t other_room[MDNS_ROOM_SIZE] = { 2 };

static inline struct sockaddr_storage address_of(
	const char *text, uint16_t port)
{
	struct sockaddr_storage address;
	struct sockaddr_in *a4 = (struct sockaddr_in *)&address;
	struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)&address;

	memset(&address, 0, sizeof(address));
	if (strchr(text, ':') != NULL) {
		address.ss_family = AF_INET6;
		a6->sin6_port = htons(port);
		assert_int_equal(inet_pton(AF_INET6, text, &a6->sin6_addr), 1);
	} else {
		address.ss_family = AF_INET;
		a4->sin_port = htons(port);
		assert_int_equal(inet_pton(AF_INET, text, &a4->sin_addr), 1);
	}
	return address;
}

/* An interface with these addresses; each may be NULL. */
static inline struct mdns_interface interface_of(
	uint32_t index, const char *first, const char *second)
{
	const char *texts[2] = { first, second };
	struct mdns_interface interface;

	memset(&interface, 0, sizeof(interface));
	interface.index = index;
	for (int i = 0; i < 2; i++) {
		struct sockaddr_storage *to =
			&interface.addresses[interface.count];

		if (texts[i] == NULL)
			continue;
		*to = address_of(texts[i], 0);
		interface.ipv4 = interface.ipv4 || to->ss_family == AF_INET;
		interface.ipv6 = interface.ipv6 || to->ss_family == AF_INET6;
		interface.prefixes[interface.count++] =
			to->ss_family == AF_INET ? 24 : 64;
	}
	return interface;
}

static inline void tell_address(
	struct transcript *t, const struct sockaddr_storage *address)
{
	const struct sockaddr_in *a4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)address;
	char text[INET6_ADDRSTRLEN];

	if (address->ss_family == AF_INET) {
		tell(t, "%s:%u",
			inet_ntop(AF_INET, &a4->sin_addr, text, sizeof(text)),
			ntohs(a4->sin_port));
		return;
	}
	tell(t, "[%s", inet_ntop(AF_INET6, &a6->sin6_addr, text, sizeof(text)));
	if (a6->sin6_scope_id != 0)
		tell(t, "%%%u", a6->sin6_scope_id);
	tell(t, "]:%u", ntohs(a6->sin6_port));
}

static inline void tell_packet(void)
{
	tell(&told, "@%d %u/%d ", (int)(now_ms - START_MS), packet.index,
		packet.family == AF_INET ? 4 : 6);
	if (packet.multicast)
		tell(&told, "group ");
	else
		tell_address(&told, &packet.address);
	tell(&told, "%s", packet.multicast ? "" : " ");
	tell_dns(&told, packet.bytes, packet.size);
}

static inline void take_events(struct mdns *m, struct transcript *t)
{
	static const char *const kinds[] = { "found", "gone", "renamed",
		"suspect" };
	struct mdns_event event;

	while (mdns_next(m, &event)) {
		tell(t, "%s %s", kinds[event.kind], event.name);
		for (int i = 0; i < event.count; i++) {
			tell(t, " ");
			tell_address(t, &event.addresses[i]);
		}
		tell(t, "\n");
	}
}

/* What it has to tell now, after what it had to tell while time passed. */
static inline void tell_events(struct mdns *m)
{
	for (int i = 0; i < lan_count; i++) {
		if (lan[i] != m)
			continue;
		tell(&told, "%s", early[i].text);
		transcript_clear(&early[i]);
	}
	take_events(m, &told);
}

/* Gives a packet to `m` as an exact copy, so that reading too far shows. */
static inline void input_bytes(
	struct mdns *m, struct mdns_packet in, const void *bytes, size_t size)
{
	uint8_t *copy = malloc(size == 0 ? 1 : size);

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	in.bytes = copy;
	in.size = size;
	mdns_input(m, &in, now_ms);
	free(copy);
}

/* All that is due now; on a wire everybody hears it. */
static inline void drain(void)
{
	for (int i = 0; i < lan_count; i++) {
		for (int n = 0; mdns_output(lan[i], &packet, now_ms); n++) {
			assert_true(n < 1000);
			assert_true(packet.size <= MDNS_SEND_MAX);
			packet_count++;
			if (packets_told)
				tell_packet();
			for (int j = 0; j < lan_count && lan_count > 1; j++) {
				struct mdns_packet in = packet;

				in.address = lan_address[i];
				input_bytes(
					lan[j], in, packet.bytes, packet.size);
			}
		}
	}
}

/* When the next of them wants to be woken. */
static inline int64_t wake_ms(void)
{
	int64_t first_ms = INT64_MAX;
	struct loop loop;

	for (int i = 0; i < lan_count; i++) {
		loop_begin(&loop, now_ms);
		mdns_want(lan[i], &loop);
		if (loop.wake_ms < first_ms)
			first_ms = loop.wake_ms;
	}
	return first_ms;
}

/*
 * Time passes, until `ms` after START_MS.  Who wants to be woken at once, and
 * sends nothing, has something to tell.
 */
static inline void until(int64_t ms)
{
	int64_t end_ms = START_MS + ms;

	drain();
	for (int turns = 0; wake_ms() <= end_ms; turns++) {
		int before = packet_count;

		assert_true(turns < 100000);
		if (wake_ms() > now_ms)
			now_ms = wake_ms();
		drain();
		if (packet_count > before || wake_ms() > now_ms)
			continue;
		for (int i = 0; i < lan_count; i++)
			take_events(lan[i], &early[i]);
	}
	now_ms = end_ms;
}

static inline void pass(int64_t ms)
{
	until(now_ms - START_MS + ms);
}

static inline struct mdns_options options_of(const char *name, uint64_t seed)
{
	struct mdns_options options = { .name = name,
		.port = 4000,
		.room_id = room,
		.seed = seed,
		.browse = true };

	memset(options.salt, (int)seed, sizeof(options.salt));
	return options;
}

static inline int end(void **state)
{
	(void)state;
	for (int i = 0; i < lan_count; i++)
		mdns_close(lan[i]);
	lan_count = 0;
	mdns = NULL;
	return 0;
}

/* One mdns on interface 3, 10.0.0.1 and fd00::1 but for ipv4_only. */
static inline void begin_with(const struct mdns_options *options, bool both)
{
	(void)end(NULL); /* of an earlier case */
	now_ms = START_MS;
	transcript_clear(&told);
	for (int i = 0; i < LAN_MAX; i++)
		transcript_clear(&early[i]);
	packet_count = 0;
	packets_told = true;
	mdns = lan[0] = mdns_open(options);
	lan_count = 1;
	assert_non_null(mdns);
	interfaces[0] = interface_of(3, "10.0.0.1", both ? "fd00::1" : NULL);
	mdns_set_interfaces(mdns, interfaces, 1, now_ms);
}

/* alice, who is published and does not browse; IPv4 only. */
static inline void begin_published(void)
{
	struct mdns_options options = options_of("alice", 1);

	options.browse = false;
	begin_with(&options, false);
	until(60 * 1000);
	transcript_clear(&told);
}

/* Somebody who looks for others and says nothing of himself. */
static inline void begin_looking(void)
{
	struct mdns_options options = options_of(NULL, 1);

	begin_with(&options, false);
}

/* Further ones on the same wire: 10.0.0.2 ... */
static inline void join(const struct mdns_options *options)
{
	struct mdns_interface interface;
	char address[32];

	lan_address[0] = address_of("10.0.0.1", MDNS_PORT);
	(void)snprintf(address, sizeof(address), "10.0.0.%d", lan_count + 1);
	interface = interface_of(3, address, NULL);
	lan_address[lan_count] = address_of(address, MDNS_PORT);
	lan[lan_count] = mdns_open(options);
	assert_non_null(lan[lan_count]);
	mdns_set_interfaces(lan[lan_count], &interface, 1, now_ms);
	lan_count++;
}

/* A packet from `address` and `port`, to the group unless `unicast`. */
static inline void input_from(
	const char *address, uint16_t port, bool unicast, const char *text)
{
	struct mdns_packet in = { .index = 3,
		.address = address_of(address, port),
		.multicast = !unicast };
	uint8_t bytes[MDNS_PACKET_MAX];

	in.family = in.address.ss_family;
	input_bytes(mdns, in, bytes, dns_packet_of(text, bytes, sizeof(bytes)));
}

static inline void input(const char *text)
{
	input_from("10.0.0.2", MDNS_PORT, false, text);
}

/* What is sent within `ms` after `text` came in. */
static inline void ask(const char *text, int64_t ms)
{
	transcript_clear(&told);
	input(text);
	pass(ms);
}

#endif
