/* SPDX-License-Identifier: ISC */
/*
 * mesh.h: links to other programs, and the records that cross them.
 *
 * A *peer* is somebody whom we want to be linked with: it is dialled for ever,
 * with back-off, while there is no link to it.  A *link* is a connection whose
 * prologue is over, by whomever it was dialled.  There is at most one link to
 * an address and author; a newer one takes the place of an older one, which is
 * then half open (the other side would not have dialled, had it the old one
 * still).
 *
 * The mesh reads the log and never writes it.  What a link still has to be
 * sent is a number by author, the next seq; there is no queue.  The memory is
 * that of the links (MESH_LINKS_MAX times about 210 KiB, taken when a link is
 * made) and 8 bytes for each link and author.
 */
#ifndef MESH_H
#define MESH_H

#include <sys/socket.h>

#include "log.h"
#include "loop.h"
#include "wire.h"

enum {
	MESH_LINKS_MAX = 64,
	MESH_NAMED_MAX = 16,     /* further links, with peers only */
	MESH_HALF_OPEN_MAX = 16, /* accepted, prologue not over */
	MESH_DIALS_MAX = 8,      /* under way at one time */
	MESH_PEERS_MAX = 64,
	MESH_ADDRESSES_MAX = 8, /* of one peer */
	MESH_LISTEN_MAX = 2,
	MESH_PROLOGUE_MS = 5 * 1000,   /* for the prologue, in all */
	MESH_HANDSHAKE_MS = 30 * 1000, /* from then to the last head */
	MESH_STALL_MS = 90 * 1000,     /* a link that takes nothing is cut */
	MESH_BACKOFF_MIN_MS = 250,
	MESH_BACKOFF_MAX_MS = 30 * 1000,
	MESH_FOUND_MS = 2 * 1000,
	MESH_STEADY_MS = 10 * 1000 /* a link this old resets the back-off */
};

enum mesh_role { MESH_DIALLED, MESH_ACCEPTED };

struct mesh_options {
	const char *address; /* own, "NAME.local:PORT"; copied */
	const uint8_t *key;  /* own author; copied */
	uint64_t seed;       /* of the jitter; any number */
	bool only;           /* link with peers only */
};

enum mesh_event_kind {
	MESH_UP,      /* a link is ready; `key` is its author, if have_key */
	MESH_DOWN,    /* a link that was up is gone; `text` says why */
	MESH_RECORD,  /* a link sent record `seq` of `key`: bytes[size] */
	MESH_REFUSED, /* a connection was closed before it was a link; `text`
			 says why; `address` is who it said it was, or "" */
	MESH_TWIN,    /* as MESH_REFUSED: it has our own key, so it uses a copy
		      of this database */
	MESH_UNREACHABLE /* dialling `peer` failed; `text` says why */
};

/* Pointers are borrowed until the next call of a mesh function. */
struct mesh_event {
	enum mesh_event_kind kind;
	const char *address; /* of the program at the other end */
	const char *text;
	int peer;      /* of MESH_UNREACHABLE */
	int failures;  /* of it: how many times in a row by now */
	bool have_key; /* of MESH_UP, MESH_DOWN, MESH_TWIN; `key` is known */
	uint8_t key[WIRE_KEY_SIZE];
	uint32_t seq;
	const uint8_t *bytes;
	size_t size;
};

/* What a link looks like from outside, for tests and diagnosis. */
struct mesh_counts {
	int links;     /* up */
	int half_open; /* not yet */
	uint64_t records_sent;
	uint64_t records_received;
};

struct mesh;

/*
 * Opens a mesh over `log`, which is borrowed.  It neither listens nor dials
 * until it is told to.  NULL and ENOMEM.
 */
struct mesh *mesh_open(
	const struct mesh_options *options, struct log *log) MUST_USE;

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
 * Adds a peer.  `address` is what it will call itself ("bob.local:62474"), or
 * "" when that is not known.  Returns its number, or -1 when there are
 * MESH_PEERS_MAX already.  It is dialled once it has somewhere to be dialled.
 */
int mesh_add_peer(struct mesh *mesh, const char *address) MUST_USE;

/* What a peer calls itself, when that has become known, or is another now. */
void mesh_set_peer_address(struct mesh *mesh, int peer, const char *address);

/*
 * It is not to be dialled any more, and its number may become another peer's.
 * A link to it stays.
 */
void mesh_forget_peer(struct mesh *mesh, int peer);

/*
 * Tells where a peer can be dialled, which it is now, unless it is linked or
 * was dialled within MESH_FOUND_MS: whoever answers for it again and again
 * does not make us dial as often.
 */
void mesh_found(struct mesh *mesh, int peer,
	const struct sockaddr_storage *addresses, int count, int64_t now_ms);

/* Is there a link to this peer, or to the program of that address? */
bool mesh_is_linked(const struct mesh *mesh, int peer);
bool mesh_has_link(const struct mesh *mesh, const char *address);

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

/*
 * Ends all links, to begin anew: what others send depends on what we said in
 * the beginning that we have, and now we have less.
 */
void mesh_relink(struct mesh *mesh);

/*
 * While held, no record is taken from any link: their bytes stay where they
 * are, in the end with the sender.  For a store that can take no more.
 */
void mesh_hold(struct mesh *mesh, bool held);

/* Sends what became durable, as far as the sockets take it. */
void mesh_flush(struct mesh *mesh, int64_t now_ms);

/* Has every link been sent everything it lacks, as far as we know? */
bool mesh_is_idle(const struct mesh *mesh);

void mesh_count(const struct mesh *mesh, struct mesh_counts *counts);

#endif
