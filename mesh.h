/* SPDX-License-Identifier: ISC */
/*
 * mesh.h: links to other programs: sockets, dialling, who may be linked.
 *
 * A *link* is a connection on which we know who is at the other end: its key,
 * proven (wire.h), or with `legacy` the id that an original program claims.
 * What crosses it is the business of sync.h; for the original, of feed.h.
 *
 * The mesh reads the room and never writes it: what others send is told as an
 * event, handed to the room by the caller, and the verdict given to
 * mesh_answer.  Memory: that of the links, LIMIT_LINKS times about 420 KiB,
 * taken when a link is up; before that, 4 KiB a connection.
 */
#ifndef MESH_H
#define MESH_H

#include <sys/socket.h>

#include "links/dial.h"
#include "links/sync.h"
#include "loop.h"
#include "room.h"
#include "wire.h"

enum { MESH_ADDRESSES_MAX = DIAL_ADDRESSES_MAX, MESH_LISTEN_MAX = 2 };

struct known; /* links/known.h */

enum mesh_role { MESH_DIALLED, MESH_ACCEPTED };

struct mesh_options {
	const struct wire_self *self; /* borrowed */
	const char *address; /* own, "NAME.local:PORT", for legacy; copied */
	uint64_t seed;       /* of the jitter; any number */
	bool is_new;         /* its database was made just now */
	bool only;           /* link with peers only */
	bool legacy;         /* speak the original's protocol, too */
	bool explores;       /* dial whom others tell of, and who is known */
	struct known *known; /* borrowed; NULL: nobody is remembered */
};

enum mesh_event_kind {
	MESH_UP,     /* a link is ready */
	MESH_DOWN,   /* one that was up is gone; `text` says why */
	MESH_TWIN,   /* two programs with this key are linked, or another one
			has ours: a copy of a database is in use */
	MESH_BATCH,  /* `input`: for room_accept; then mesh_answer */
	MESH_HALF,   /* `input`: for room_accept_half; then mesh_answer */
	MESH_RECORD, /* a legacy link sent record `seq` of `key`: bytes[size] */
	MESH_DELIVERED, /* our own log (room_own) is up to `number` on the other
			   side's disk */
	MESH_REFUSED,   /* a connection was closed before it was a link; `text`
			 says why */
	MESH_UNREACHABLE /* dialling `peer` failed; `text` says why */
};

/* Pointers are borrowed until the next call of a mesh function. */
struct mesh_event {
	enum mesh_event_kind kind;
	const char *name;    /* that it claims, valid; "" when not known */
	const char *address; /* numeric, as shown: "10.0.0.7:4000" */
	const char *text;
	const uint8_t *key; /* public key; legacy: its id's key; or NULL */
	bool legacy;
	bool left;     /* MESH_DOWN: it said goodbye */
	bool is_named; /* it is a peer that has a name or a key to answer by */
	bool others;   /* there are other links up with this public key */
	int peer;      /* that was dialled, or -1 */
	int failures;  /* MESH_UNREACHABLE: how many times in a row by now */
	const struct sync_input *input;
	uint64_t number; /* MESH_DELIVERED */
	uint32_t seq;
	const uint8_t *bytes;
	size_t size;
};

/* What a link looks like from outside, for tests and diagnosis. */
struct mesh_counts {
	int links;           /* up */
	int half_open;       /* not yet */
	uint64_t bytes_sent; /* taken by sockets, of all links */
	uint64_t bytes_received;
	uint64_t strikes;
	struct sync_counts sync;
};

/* Native links that are up, and on how many of them the other side is known to
 * have what we have, all of which comes to `state` (room_state). */
struct mesh_agreed {
	int links;
	int equal;
	uint8_t state[MESSAGE_STATE_SIZE];
};

struct mesh;

/*
 * Opens a mesh over the room and its log, which are borrowed.  It neither
 * listens nor dials until it is told to.  NULL and ENOMEM.
 */
struct mesh *mesh_open(const struct mesh_options *options, struct room *room,
	struct log *log) MUST_USE;

/* Closes all links and frees all.  NULL is allowed. */
void mesh_close(struct mesh *mesh);

/*
 * Makes a listening socket for TCP on any local address, for IPv4 and for
 * IPv6 where it exists.  port 0: any free one.  Returns the port, or -1 and
 * errno (EADDRINUSE when it is taken).
 */
int mesh_listen(struct mesh *mesh, uint16_t port) MUST_USE;

/* Own address, once the port is known: before the first link. */
void mesh_set_address(struct mesh *mesh, const char *address);

/*
 * Restricts links to these local addresses (port and scope are ignored); a
 * count of 0 lifts the restriction.  Copied; at most MESH_ADDRESSES_MAX * 4.
 */
void mesh_set_local(
	struct mesh *mesh, const struct sockaddr_storage *local, int count);

/*
 * Peers, as in dial.h.  A named one must answer by its name, and by its key
 * when mesh_expect has said whose the name is: else the link is somebody
 * else's, and dialling goes on.
 */
int mesh_add_peer(struct mesh *mesh, const char *address) MUST_USE;

/*
 * One that nobody named, found by its service: never the original, and not
 * named as far as limits go.
 */
int mesh_add_found(struct mesh *mesh) MUST_USE;

void mesh_forget_peer(struct mesh *mesh, int peer); /* a link stays */
void mesh_set_peer_address(struct mesh *mesh, int peer, const char *address);
void mesh_expect(struct mesh *mesh, const char *name, const uint8_t *key);
void mesh_found(struct mesh *mesh, int peer,
	const struct sockaddr_storage *addresses, int count, int64_t now_ms);

/* Is there a link to this peer? */
bool mesh_is_linked(const struct mesh *mesh, int peer);

/*
 * Takes over a connected, stream socket and closes it when done; `peer` is -1
 * but for a dialled connection to a peer.  Returns 0, or -1 and errno when
 * there is no place for it: then it is closed.
 */
int mesh_adopt(struct mesh *mesh, int fd, enum mesh_role role, int peer,
	int64_t now_ms) MUST_USE;

void mesh_want(struct mesh *mesh, struct loop *loop);
void mesh_run(struct mesh *mesh, const struct loop *loop, int64_t now_ms);
bool mesh_next(
	struct mesh *mesh, struct mesh_event *event, int64_t now_ms) MUST_USE;

/* What became of the MESH_BATCH, MESH_HALF or MESH_RECORD told last. */
void mesh_answer(struct mesh *mesh, enum room_verdict verdict, int64_t now_ms);

/*
 * While held, nothing is wanted from others: for a store that can take no
 * more.  Links are read on; legacy ones are not, for they can not be told.
 */
void mesh_hold(struct mesh *mesh, bool held, int64_t now_ms);

/* Heads went down, or logs were frozen. */
void mesh_touch(struct mesh *mesh);

/* Sends what became durable, as far as the sockets take it. */
void mesh_flush(struct mesh *mesh, int64_t now_ms);

/* Ends all links with a word. */
void mesh_leave(struct mesh *mesh, const char *reason, int64_t now_ms);

/* Has every link been sent everything it wants, as far as we know? */
bool mesh_is_idle(const struct mesh *mesh);

/* Is no link under way, and has each that is up told all that it has? */
bool mesh_is_settled(const struct mesh *mesh);

/* Does anybody claim records of ours that we lack? */
bool mesh_claims_own(const struct mesh *mesh);

/* Looks at all logs on all links: when counts.sync.changes is another one. */
void mesh_agree(struct mesh *mesh, struct mesh_agreed *agreed);

void mesh_count(const struct mesh *mesh, struct mesh_counts *counts);

/*
 * The next link that is up, counted from *index on, as MESH_UP tells of it;
 * begin with 0.  False: there are no more.
 */
bool mesh_next_link(
	struct mesh *mesh, int *index, struct mesh_event *event) MUST_USE;

#endif
