/* SPDX-License-Identifier: ISC */
/*
 * fuzz_mdns.c: packets from the network.  An input is a list of packets:
 *
 *	offset	size	packet
 *	0	1	bits 0-1: from port 5353, 40000, 0, 5353 by IPv6;
 *			bits 2-7: quarters of a second that pass before it
 *	1	2	size, big-endian; cut at the end of the input
 *	3	size	bytes
 *
 * What must hold: few packets answer one, none is too large, and what they
 * say another copy of this program understands; an address found is one.
 */
#include "platform.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "mdns.h"

#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition))                                              \
			__builtin_trap();                                      \
	} while (0)

enum { REPLIES_MOST = 8, SCOPES = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct mdns *mdns;  /* alice, who looks for bob */
static struct mdns *other; /* carol, who looks for alice */
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
	struct mdns *m = mdns_open(name, 1);
	struct mdns_interface interface;

	CHECK(m != NULL);
	memset(&interface, 0, sizeof(interface));
	interface.index = 1;
	interface.ipv4 = interface.ipv6 = true;
	interface.count = 2;
	interface.addresses[0] = address_of(AF_INET, 0);
	interface.addresses[1] = address_of(AF_INET6, 0);
	mdns_set_interfaces(m, &interface, 1, now_ms);
	CHECK(mdns_ask(m, wanted, now_ms) == 0);
	return m;
}

static void check_found(struct mdns *m, const char *name, bool sure)
{
	struct mdns_found found;
	bool any = mdns_next(m, &found);

	CHECK(any || !sure);
	if (any) {
		CHECK(strcmp(found.name, name) == 0);
		CHECK(found.count >= 1 && found.count <= MDNS_ADDRESSES_MAX);
		CHECK(!mdns_next(m, &found));
	}
}

/* Everything that is said now is understood by carol. */
static void check_output(void)
{
	struct mdns_packet packet;

	for (int packets = 0; mdns_output(mdns, &packet, now_ms); packets++) {
		bool response = packet.size > 2 && packet.bytes[2] != 0;

		CHECK(packets < REPLIES_MOST + 2 * SCOPES);
		CHECK(packet.size >= 12 && packet.size <= MDNS_SEND_MAX);
		CHECK(packet.index == 1);
		CHECK(packet.multicast || response);
		packet.address = address_of(packet.family, MDNS_PORT);
		mdns_input(other, &packet, now_ms);
		check_found(other, "alice", response);
	}
}

static void receive(struct reader *r)
{
	static const uint16_t ports[4] = { MDNS_PORT, 40000, 0, MDNS_PORT };
	uint8_t kind = read_u8(r);
	size_t size = read_be16(r);
	struct mdns_packet packet = { .index = 1 };
	uint8_t *copy;

	if (size > r->left)
		size = r->left;
	copy = malloc(size > 0 ? size : 1);
	CHECK(copy != NULL);
	read_copy(r, copy, size);
	packet.family = (kind & 3) == 3 ? AF_INET6 : AF_INET;
	packet.address = address_of(packet.family, ports[kind & 3]);
	packet.bytes = copy;
	packet.size = size;
	now_ms += (kind >> 2) * 250;
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
		check_found(mdns, "bob", false);
		check_output();
	}
	mdns_goodbye(mdns);
	check_found(mdns, "bob", false);
	mdns_close(mdns);
	mdns_close(other);
	return 0;
}
