/* SPDX-License-Identifier: ISC */
/*
 * mdns.h: names to addresses by multicast DNS (RFC 6762).
 *
 * A pure core: packets go in and come out, time is a parameter, interfaces
 * are a list that it is given.  It answers questions for our own NAME.local
 * and asks for the names of others until it is told to stop.
 *
 *	mdns_input	a packet was received
 *	mdns_next	an asked name was found
 *	mdns_output	a packet is to be sent
 *	mdns_want	wakes the loop for the next packet
 */
#ifndef MDNS_H
#define MDNS_H

#include <sys/socket.h>

#include "loop.h"

enum {
	MDNS_PORT = 5353,
	MDNS_PACKET_MAX = 9000, /* bytes, RFC 6762, 17 */
	MDNS_SEND_MAX = 1400,   /* bytes that we send at once */
	MDNS_NAME_MAX = 63,     /* bytes of NAME in NAME.local */
	MDNS_INTERFACES_MAX = 16,
	MDNS_ADDRESSES_MAX = 8, /* of an interface, or of a found name */
	MDNS_ASKED_MAX = 64
};

struct mdns_interface {
	uint32_t index;
	bool ipv4; /* can multicast over IPv4 */
	bool ipv6;
	int count;
	struct sockaddr_storage addresses[MDNS_ADDRESSES_MAX]; /* rest zero */
};

struct mdns_packet {
	uint32_t index; /* of the interface it came or goes by */
	int family;     /* AF_INET or AF_INET6 */
	bool multicast; /* output: goes to the group, else to `address` */
	struct sockaddr_storage address; /* of the other side */
	const uint8_t *bytes;            /* borrowed */
	size_t size;
};

struct mdns_found {
	const char *name; /* as given to mdns_ask; borrowed */
	struct sockaddr_storage addresses[MDNS_ADDRESSES_MAX]; /* port 0 */
	int count;
};

struct mdns;

/* `name` is published as name.local; NULL publishes nothing. */
struct mdns *mdns_open(const char *name, uint64_t seed) MUST_USE;
void mdns_close(struct mdns *mdns);

/* Are two lists of `count` interfaces the same, in the same order? */
bool mdns_interfaces_equal(const struct mdns_interface *a,
	const struct mdns_interface *b, int count);

/*
 * The interfaces that there are now.  On one that is new, or whose addresses
 * changed, our name is announced and everything asked again.
 */
void mdns_set_interfaces(struct mdns *mdns,
	const struct mdns_interface *interfaces, int count, int64_t now_ms);

/*
 * Asks for the addresses of name.local, at growing intervals.  Asking for a
 * name that is asked for already changes nothing.  0, or -1 and errno:
 * EINVAL for an impossible name, ENOSPC when MDNS_ASKED_MAX are asked for.
 */
int mdns_ask(struct mdns *mdns, const char *name, int64_t now_ms) MUST_USE;
void mdns_stop_asking(struct mdns *mdns, const char *name);

/* Takes our name back (RFC 6762, 10.1); send what mdns_output then gives. */
void mdns_goodbye(struct mdns *mdns);

void mdns_input(
	struct mdns *mdns, const struct mdns_packet *packet, int64_t now_ms);
bool mdns_next(struct mdns *mdns, struct mdns_found *found) MUST_USE;

/* The next packet that is due; its bytes are valid until the next call. */
bool mdns_output(
	struct mdns *mdns, struct mdns_packet *packet, int64_t now_ms) MUST_USE;
void mdns_want(const struct mdns *mdns, struct loop *loop);

#endif
