/* SPDX-License-Identifier: ISC */
/*
 * fuzz_mdns.c: packets from the network.  An input is a list of packets:
 *
 *	offset	size	packet
 *	0	1	bits 0-1: from port 5353, 40000 of another host, from
 *			port 0, or 5353 by IPv6, of our own;
 *			bit 2: by unicast;
 *			bits 3-7: quarters of a second that pass before it
 *	1	2	size, big-endian; cut at the end of the input
 *	3	size	bytes
 *
 * What must hold: few packets answer one, none is too large, and each is one
 * that another copy of this program reads to its last byte; who is found has a
 * name and addresses that somebody can have; time always goes on.
 */
#include "platform.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "fuzz.h"
#include "mdns.h"
#include "mdns/dns.h"
#include "net.h"

enum { ANSWERS_MOST = 100, TURNS_MOST = 10000 };

static const uint8_t room[MDNS_ROOM_SIZE] = { 1 };
static struct mdns *mdns;  /* alice, who looks for bob, and everybody */
static struct mdns *other; /* carol, who hears what alice says */
static int64_t now_ms;

static struct sockaddr_storage address_of(int family, uint16_t port)
{
	struct sockaddr_storage address;

	memset(&address, 0, sizeof(address));
	address.ss_family = (sa_family_t)family;
	if (family == AF_INET) {
		((struct sockaddr_in *)&address)->sin_port = htons(port);
		((struct sockaddr_in *)&address)->sin_addr.s_addr =
			htonl(0x0a000002);
	} else {
		((struct sockaddr_in6 *)&address)->sin6_port = htons(port);
		((struct sockaddr_in6 *)&address)->sin6_addr.s6_addr[0] = 0xfd;
	}
	return address;
}

static struct mdns *open_on(const char *name, const char *wanted)
{
	struct mdns_options options = { .name = name,
		.port = 4000,
		.room_id = room,
		.seed = 1,
		.browse = true,
		.legacy = true };
	struct mdns *m = mdns_open(&options);
	struct mdns_interface interface;

	CHECK(m != NULL);
	memset(&interface, 0, sizeof(interface));
	interface.index = 1;
	interface.ipv4 = interface.ipv6 = true;
	interface.unicast4 = true;
	interface.count = 2;
	interface.addresses[0] = address_of(AF_INET, 0);
	interface.addresses[1] = address_of(AF_INET6, 0);
	interface.prefixes[0] = 24;
	interface.prefixes[1] = 64;
	mdns_set_interfaces(m, &interface, 1, now_ms);
	CHECK(mdns_ask(m, wanted) == 0);
	return m;
}

static void check_events(struct mdns *m)
{
	struct mdns_event event;

	for (int events = 0; mdns_next(m, &event); events++) {
		CHECK(events < 4 * MDNS_SUBJECTS_MAX);
		CHECK(strspn(event.name,
			      "abcdefghijklmnopqrstuvwxyz0123456789-") ==
			strlen(event.name));
		CHECK(strlen(event.name) >= 1);
		CHECK(event.count <= MDNS_FOUND_MAX);
		CHECK(event.kind != MDNS_FOUND || event.count >= 1);
		CHECK(event.kind != MDNS_FOUND ||
			event.room == MDNS_ROOM_OURS ||
			strcmp(event.name, m == mdns ? "bob" : "alice") == 0);
		for (int i = 0; i < event.count; i++)
			CHECK(!net_is_loopback(&event.addresses[i]));
		if (event.kind == MDNS_FOUND)
			mdns_doubt(m, event.name, now_ms);
	}
}

/* A packet that we send has nothing in it that can not be read. */
static void check_packet(const struct mdns_packet *packet)
{
	struct dns_message m;
	struct dns_question question;
	struct dns_record record;
	int left;

	CHECK(packet->size <= MDNS_SEND_MAX && packet->index == 1);
	CHECK(dns_message_open(&m, packet->bytes, packet->size));
	CHECK(packet->multicast || (m.flags & DNS_RESPONSE) != 0);
	left = m.questions + m.records[0] + m.records[1] + m.records[2];
	CHECK(left > 0);
	while (dns_next_question(&m, &question))
		left--;
	while (dns_next_record(&m, &record))
		left--;
	CHECK(left == 0 && m.at.left == 0);
}

static void check_output(void)
{
	struct mdns_packet packet;

	for (int packets = 0; mdns_output(mdns, &packet, now_ms); packets++) {
		CHECK(packets < ANSWERS_MOST);
		check_packet(&packet);
		packet.address = address_of(packet.family, MDNS_PORT);
		packet.multicast = true;
		mdns_input(other, &packet, now_ms);
	}
	check_events(other);
}

/* Time passes as mdns_want says, and always goes on. */
static void pass(int64_t ms)
{
	int64_t end_ms = now_ms + ms;
	struct loop loop;

	for (int turns = 0;; turns++) {
		CHECK(turns < TURNS_MOST);
		check_output();
		check_events(mdns);
		loop_begin(&loop, now_ms);
		mdns_want(mdns, &loop);
		if (loop.wake_ms > end_ms)
			break;
		if (loop.wake_ms > now_ms)
			now_ms = loop.wake_ms;
	}
	now_ms = end_ms;
}

static void receive(struct reader *r)
{
	static const uint16_t ports[4] = { MDNS_PORT, 40000, 0, MDNS_PORT };
	uint8_t kind = read_u8(r);
	size_t size = read_be16(r);
	struct mdns_packet packet = { .index = 1,
		.multicast = (kind & 4) == 0 };
	uint8_t *copy;

	if (size > r->left)
		size = r->left;
	copy = malloc(size > 0 ? size : 1);
	CHECK(copy != NULL);
	read_copy(r, copy, size);
	packet.family = (kind & 3) == 3 ? AF_INET6 : AF_INET;
	packet.address = address_of(packet.family, ports[kind & 3]);
	if ((kind & 3) < 2)
		((struct sockaddr_in *)&packet.address)->sin_addr.s_addr =
			htonl(0x0a000003);
	packet.bytes = copy;
	packet.size = size;
	pass((kind >> 3) * 250);
	mdns_input(mdns, &packet, now_ms);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct reader r = reader_over(bytes, size);

	now_ms = 1000 * 1000;
	mdns = open_on("alice", "bob");
	other = open_on("carol", "alice");
	for (int packets = 0; r.left > 0 && packets < 64; packets++) {
		receive(&r);
		check_events(mdns);
		check_output();
	}
	pass(5000);
	mdns_goodbye(mdns);
	pass(1000);
	check_events(mdns);
	mdns_close(mdns);
	mdns_close(other);
	return 0;
}
