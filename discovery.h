/* SPDX-License-Identifier: ISC */
/*
 * discovery.h: where others can be dialled.  Everybody in our room is looked
 * for, by multicast DNS, and every PEER of the command line, by that, by the
 * system's resolver, or not at all when it is an address already; the mesh is
 * told what was found, and dials.
 *
 *	discovery_run	reads packets and look-ups, and tells the mesh
 *	discovery_next	what a person may want to know of it
 *	discovery_send	the packets that are due, when a turn is over
 */
#ifndef DISCOVERY_H
#define DISCOVERY_H

#include "loop.h"
#include "mdns.h"
#include "mesh.h"
#include "options.h"

struct discovery_options {
	const struct options *options; /* borrowed until discovery_close */
	struct mesh *mesh;             /* borrowed; it listens already */
	uint16_t port;                 /* where it does */
	const uint8_t *room_id;        /* MDNS_ROOM_SIZE bytes; copied */
	uint64_t seed;                 /* of delays; any number */
};

enum discovery_event_kind {
	DISCOVERY_UNKNOWN, /* the host of `target` has no address; `text` says
			      why; it is looked up again and again */
	DISCOVERY_CUT_OFF, /* no interface is up */
	DISCOVERY_ALONE,   /* none with multicast, so only this machine is
			      there */
	DISCOVERY_BACK,    /* after either of these: there is one now */
	DISCOVERY_RENAMED, /* somebody else has our name: in multicast DNS we
			      are `text` now */
	DISCOVERY_DENIED,  /* the system does not let us send */
	DISCOVERY_TAKEN    /* port 5353 is not to be had for IPv4 */
};

struct discovery_event {
	enum discovery_event_kind kind;
	const struct target *target;
	const char *text; /* borrowed until the next call */
	bool again;       /* DISCOVERY_UNKNOWN was told of this target before */
};

struct discovery;

/*
 * Adds every PEER to the mesh, and begins to look for them.  A network that
 * is missing is no error.  NULL and ENOMEM.
 */
struct discovery *discovery_open(
	const struct discovery_options *options, int64_t now_ms) MUST_USE;
void discovery_close(struct discovery *discovery);

void discovery_want(struct discovery *discovery, struct loop *loop);

/* Before mesh_run: interfaces may forbid links that it would make. */
void discovery_run(
	struct discovery *discovery, const struct loop *loop, int64_t now_ms);
bool discovery_next(
	struct discovery *discovery, struct discovery_event *event) MUST_USE;
void discovery_send(struct discovery *discovery, int64_t now_ms);

/* Takes our name back; discovery_send then says so. */
void discovery_goodbye(struct discovery *discovery);

/*
 * Dialling a peer of the mesh has failed, so it may have moved.  Returns what
 * it is called, or NULL when it has been linked since we began: that it is
 * away then is no news.
 */
const char *discovery_failed(
	struct discovery *discovery, int peer, int64_t now_ms);

#endif
