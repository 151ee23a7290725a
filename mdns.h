/* SPDX-License-Identifier: ISC */
/*
 * mdns.h: multicast DNS (RFC 6762) and service discovery (RFC 6763): who else
 * chats in this network, and where; and telling others of us.
 *
 * A pure core: packets go in and come out, time is a parameter, interfaces
 * are a list that it is given.
 *
 *	mdns_input	a packet was received
 *	mdns_next	what became known by it, or by time
 *	mdns_output	a packet is to be sent
 *	mdns_want	wakes the loop for the next packet, or at once for what
 *			is to be told: so call mdns_next in every turn
 *
 * NAME chats at host NAME.local, in the service instance
 * NAME._persisted-chat._tcp.local, whose TXT record tells its room to those
 * who know the room already (tag.h): 8 random bytes s, and the first 5
 * bytes of SHA-512("chat/mdns/1\0" || s || room_id).
 *
 * A NAME here is 1 to 32 of a-z, 0-9 and -, without - at its ends; other
 * instances are never told of.  All of it takes about 480 KB, at once.
 */
#ifndef MDNS_H
#define MDNS_H

#include <sys/socket.h>

#include "limit.h"
#include "loop.h"

enum {
	MDNS_PORT = 5353,
	MDNS_PACKET_MAX = 9000, /* bytes, RFC 6762, 17 */
	MDNS_SEND_MAX = 1400,   /* bytes that we send at once */
	MDNS_NAME_MAX = 32,     /* bytes of NAME, without NUL */
	MDNS_INTERFACES_MAX = 16,
	MDNS_ADDRESSES_MAX = 16, /* of an interface */
	MDNS_FOUND_MAX = 4,      /* addresses of somebody found */
	MDNS_ASKED_MAX = 64,
	MDNS_SUBJECTS_MAX = 2 * MDNS_ASKED_MAX, /* asked for, or just there */
	MDNS_QUESTIONS_MAX = LIMIT_MDNS_QUESTIONS, /* a second */
	MDNS_ROOM_SIZE = 32,
	MDNS_SALT_SIZE = 8,
	MDNS_TAG_SIZE = 5
};

struct mdns_interface {
	uint32_t index;
	bool ipv4; /* can multicast over IPv4 */
	bool ipv6;
	bool unicast4; /* what others send to our port comes to us */
	bool unicast6;
	bool loopback; /* nobody but this machine is there */
	int count;
	struct sockaddr_storage addresses[MDNS_ADDRESSES_MAX]; /* rest zero */
	uint8_t prefixes[MDNS_ADDRESSES_MAX]; /* bits that the network has */
};

struct mdns_packet {
	uint32_t index; /* of the interface it came or goes by */
	int family;     /* AF_INET or AF_INET6 */
	bool multicast; /* it came to the group, or goes to it */
	struct sockaddr_storage address; /* of the other side */
	const uint8_t *bytes;            /* borrowed */
	size_t size;
};

/* Time zero of these options is silence: nothing published, nobody found. */
struct mdns_options {
	const char *name;       /* published; NULL: nothing is */
	uint16_t port;          /* where it can be dialled */
	const uint8_t *room_id; /* MDNS_ROOM_SIZE bytes, copied; or NULL */
	uint8_t salt[MDNS_SALT_SIZE]; /* random */
	uint64_t seed;                /* of delays; any number */
	bool browse;     /* tell of everybody in this room, asked for or not */
	bool every_room; /* of others too */
	bool legacy;     /* also believe who answers from another port */
};

enum mdns_event_kind {
	MDNS_FOUND, /* `name` can be dialled, now also, or only, at these */
	MDNS_GONE,  /* it said goodbye, or was not heard of for long: a hint */
	MDNS_RENAMED, /* our name was taken: we are `name` now */
	MDNS_SUSPECT  /* somebody has other data for our name: is the list of
			 interfaces still right? */
};

enum mdns_room {
	MDNS_ROOM_UNKNOWN, /* no TXT record yet, or one without a tag */
	MDNS_ROOM_OURS,
	MDNS_ROOM_OTHER
};

/*
 * Of who was not asked for, only addresses in the networks of our interfaces
 * are told; nobody's are our own localhost, but by a loopback interface.
 */
struct mdns_event {
	enum mdns_event_kind kind;
	const char *name;    /* borrowed until the next call */
	bool service;        /* it has a service, not only a host's address */
	enum mdns_room room; /* of the service */
	uint16_t port;       /* of the service, or 0 */
	int count;
	struct sockaddr_storage addresses[MDNS_FOUND_MAX]; /* with `port` */
};

struct mdns;

/* NULL and errno: ENOMEM, or EINVAL for an impossible name. */
struct mdns *mdns_open(const struct mdns_options *options) MUST_USE;
void mdns_close(struct mdns *mdns);

/* Are two lists of `count` interfaces the same, in the same order? */
bool mdns_interfaces_equal(const struct mdns_interface *a,
	const struct mdns_interface *b, int count);

/*
 * The interfaces that there are now.  On one that is new our name is probed
 * for, and everything is asked again; on one whose addresses changed they are
 * announced; what came by one that is gone is forgotten.
 */
void mdns_set_interfaces(struct mdns *mdns,
	const struct mdns_interface *interfaces, int count, int64_t now_ms);

/*
 * Looks for NAME, in whatever room, at growing intervals and without end.
 * Asking again changes nothing.  0, or -1 and errno: EINVAL for an impossible
 * name, ENOSPC when MDNS_ASKED_MAX are asked for.
 */
int mdns_ask(struct mdns *mdns, const char *name) MUST_USE;

/* NAME is linked: nothing is asked about it, until it is linked no more. */
void mdns_set_linked(
	struct mdns *mdns, const char *name, bool linked, int64_t now_ms);

/* NAME could not be dialled: is what we know of it still true (10.4)? */
void mdns_doubt(struct mdns *mdns, const char *name, int64_t now_ms);

/* Takes our name back (10.1); send what mdns_output then gives. */
void mdns_goodbye(struct mdns *mdns);

void mdns_input(
	struct mdns *mdns, const struct mdns_packet *packet, int64_t now_ms);
bool mdns_next(struct mdns *mdns, struct mdns_event *event) MUST_USE;

/* The next packet that is due; its bytes are valid until the next call. */
bool mdns_output(
	struct mdns *mdns, struct mdns_packet *packet, int64_t now_ms) MUST_USE;
void mdns_want(const struct mdns *mdns, struct loop *loop);

#endif
