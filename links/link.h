/* SPDX-License-Identifier: ISC */
/*
 * link.h: what the files of the mesh share; nobody else includes it.
 *
 *	mesh.c		peers, listeners, turns, events
 *	link.c		one connection: bytes, states, limits
 *	native.c	links to programs of ours
 *	original.c	links to the original program
 *	exchange.c	addresses that neighbours tell, or that we remember
 *
 * A link's life, by whichever side it began:
 *
 *	dialled	 CONNECTING --connected--> GREETING	accepted: GREETING
 *	GREETING --both keys proven--> HEADS --their Hello--> UP	native
 *	GREETING --both addresses known--> HEADS --their heads--> UP	legacy
 *	any of them --end of file, error, deadline, refusal--> ended
 *
 * The first byte that a caller sends says which protocol it speaks: 00 is
 * native, all else is the original's.  We dial native; with --legacy, where
 * nobody is pinned and nobody answers natively, then the original's.
 *
 * An ended link has no socket any more.  What it had received is still told,
 * unless it was refused; then its end is told, then it is freed: all in
 * mesh_next.
 *
 * Who may link with whom:
 *	1. Nobody links with itself: our own key and instance.
 *	2. When a second link of a key comes up, the older ones are pinged: who
 *	   does not answer within LIMIT_OLDER_MS is gone.  Of two that
 *	   answer and are of one instance, that is of one running program, the
 *	   one with the smaller handshake hash stays: both sides choose alike.
 *	   Two instances of one key are copies of a database: all stay, up to
 *	   LIMIT_LINKS_A_KEY, and a person is told.
 *	3. Who is looked for by name, or by key, must be that: a link to
 *	   somebody else does not count as one to him.
 *	4. LIMIT_LINKS and LIMIT_HALF_OPEN: limit.h says who has to go.
 *	5. Who sends what no honest program sends gets a strike, by address
 *	   before its key is known (but none on this host, which many share),
 *	   by key afterwards; LIMIT_STRIKES_ADDRESS or LIMIT_STRIKES_KEY of
 *	   them, and it is refused for a while.
 * Legacy links are known by their address strings, with the original's rules:
 *	6. A caller whose address sorts after ours is refused while we dial it,
 *	   and for CROSSING_MS after that dial became a link.  A link that is
 *	   up takes the place of an older one to the same address and author.
 *
 * Invariants:
 *	1. link->fd >= 0 <==> the link has not ended.
 *	2. link->sync != NULL <==> it is native, up, and has not been freed.
 *	3. A byte of a record leaves only after room_durable covers it.
 *	4. writable is false only after the socket has refused bytes, until poll
 *	   says otherwise.
 */
#ifndef LINK_H
#define LINK_H

#include "links/feed.h"
#include "links/known.h"
#include "links/strikes.h"
#include "links/tried.h"
#include "mesh.h"
#include "net.h"

enum {
	LINKS_MAX =
		LIMIT_LINKS + LIMIT_HALF_OPEN + LIMIT_DIALS + LIMIT_DIALS_TOLD,
	LINKS_LOCAL_MAX = MESH_ADDRESSES_MAX * 4
};

enum link_state {
	LINK_CONNECTING, /* dialled, TCP is not connected yet */
	LINK_GREETING,   /* who are you? */
	LINK_HEADS, /* we know; is it glad of us?  Native: its Hello says so;
			    legacy: it tells what it has */
	LINK_UP     /* records flow */
};

enum link_kind {
	LINK_UNKNOWN, /* accepted, and nothing was received yet */
	LINK_NATIVE,
	LINK_LEGACY
};

struct link {
	enum link_state state;
	enum link_kind kind;
	enum mesh_role role;
	int fd;       /* -1: ended, `reason` says why */
	bool refused; /* ended, and what it sent means nothing */
	bool missed;  /* ended, and its peer is to be dialled again */
	bool left;    /* it said goodbye */
	bool twin;    /* another instance has its key: to be told */
	bool is_here; /* for this link its owner was told of as here; when it
			 ends, that goes to another one of his */
	int slot;
	int peer;                   /* of dial.h, that we dialled, or -1 */
	struct sockaddr_storage at; /* the other end */
	bool near;                  /* it is on this host: see link_note_near */
	uint16_t port;              /* that it listens on, or 0 */
	int64_t since_ms;
	int64_t deadline_ms; /* of the state */
	int64_t moved_ms;    /* when `out` was last empty, or written from */
	int64_t heard_ms;    /* when it last sent something */
	int64_t frame_ms;    /* since when a frame is not whole; 0: it is */
	uint64_t frame;      /* how many came before that one */
	int64_t pinged_ms;   /* when a Ping left that is not answered; or 0 */
	int64_t answer_ms;   /* it must have answered by then; or 0 */
	char reason[DIAL_REASON_MAX];
	bool writable;
	bool lagging; /* there is more to send than fits into `out` */

	struct wire wire; /* until it is known to be legacy */
	struct wire_buffers *buffers;
	struct sync_link *sync;
	uint32_t receipt_log; /* what it was told to have of ours */
	uint64_t receipt;
	int told_count; /* addresses that it told us, to be tried; */
	struct net_place told[MESSAGE_ADDRESSES_MAX]; /* the newest last */
	struct legacy *legacy;
	struct feed feed;
	bool have_key;
	uint8_t legacy_key[LEGACY_KEY_SIZE]; /* author at the other end */
	int64_t second_ms;                   /* records are counted since */
	int second_records;
};

struct mesh {
	struct log *log;
	struct room *room;
	struct sync *sync;
	const struct wire_self *self;
	char address[LEGACY_ADDRESS_MAX + 1];
	uint16_t port; /* we listen on, or 0 */
	bool only;
	bool explores;
	bool speaks_legacy;
	bool held;
	int listen_fds[MESH_LISTEN_MAX];
	int listen_slots[MESH_LISTEN_MAX];
	int64_t accept_ms;
	struct sockaddr_storage local[LINKS_LOCAL_MAX];
	int local_count;
	struct dial dial;
	struct link *links[LINKS_MAX];
	int turn;           /* link that mesh_next looks at */
	struct link *giver; /* of the batch, half or record told last */
	struct sync_input input;
	uint8_t given_key[LEGACY_KEY_SIZE];
	uint32_t given_seq;
	struct strikes strikes;
	struct tried tried;
	struct known *known;
	int64_t patience_ms; /* nobody told or known is dialled before */
	int64_t save_ms;     /* when `known` is written, if not 0 */
	uint64_t random;     /* exchange.c's */
	uint64_t bytes_sent, bytes_received;
	char name_told[LEGACY_ADDRESS_MAX + 1];
	char address_told[NET_SHOWN_MAX];
	char text_told[DIAL_REASON_MAX];
	uint8_t key_told[RECORD_KEY_SIZE];
};

/* --- link.c --- */

/* Its buffers, of whichever codec it has. */
struct fifo *link_in(struct link *l);
struct fifo *link_out(struct link *l);

/* NULL is none of these.  Linked: we know who it is, and it has not ended. */
bool link_is_native(const struct link *l);
bool link_is_legacy(const struct link *l);
bool link_is_linked(const struct link *l);
bool link_has_key(const struct link *l, const uint8_t *key);

/* Does it take one of the places of who is not linked yet, or any more? */
bool link_is_half_open(const struct link *l, enum mesh_role role);

/* Does it make us linked with that peer (rule 3)?  With any named one? */
bool link_is_to(const struct mesh *m, const struct link *l, int peer);
bool link_is_named(const struct mesh *m, const struct link *l);

int links_linked(const struct mesh *m);
int links_half_open(const struct mesh *m, enum mesh_role role);

/* Makes a link of a socket that may still be connecting; takes over fd. */
struct link *link_make(struct mesh *m, int fd, enum mesh_role role, int peer);

/* Begins a protocol; LINK_UNKNOWN waits for the first byte of a caller. */
bool link_speak(struct mesh *m, struct link *l, enum link_kind kind) MUST_USE;

void link_enter(struct link *l, enum link_state state, int64_t now_ms);

/*
 * Connects to an address, for that peer or for none (-1).  False and errno:
 * there is no link; one that failed afterwards has ended, and says why.
 */
bool link_dial(struct mesh *m, const struct sockaddr_storage *to, int peer,
	enum link_kind kind, int64_t now_ms) MUST_USE;

/*
 * Three ends: what it sent is still told; the same, and a native link is told
 * why; nothing that it sent counts any more.
 */
void link_end(struct link *l, const char *reason);
void link_leave(
	struct mesh *m, struct link *l, const char *reason, int64_t now_ms);
void link_refuse(struct link *l, const char *reason);
void link_free(struct mesh *m, int index, int64_t now_ms);

void link_read(struct mesh *m, struct link *l, int64_t now_ms);
void link_write(struct mesh *m, struct link *l, int64_t now_ms);

/*
 * Once it is connected: is it from this host, as far as addresses say?  Many
 * may share that, so strikes go by key alone (rule 5).
 */
void link_note_near(struct link *l);

/* May a connection that has this end here be used at all? */
bool link_local_allowed(const struct mesh *m, int fd);

/* Counts against whoever is at the other end (rule 5), and ends what is too
 * much; is whoever is there refused for it already? */
void link_strike(
	struct mesh *m, struct link *l, const char *reason, int64_t now_ms);
bool link_is_refused(struct mesh *m, const struct link *l, int64_t now_ms);

/* Too many callers that never say who they are: somebody must go. */
void links_drop_half_open(struct mesh *m);

/*
 * All links are taken: the host that has most gives up its newest, unless it
 * is looked for by name.  False: nobody has to, the newcomer must.
 */
bool links_drop(
	struct mesh *m, const struct link *newcomer, int64_t now_ms) MUST_USE;

/* --- native.c --- */

bool native_next(struct mesh *m, struct link *l, struct mesh_event *event,
	int64_t now_ms) MUST_USE;
void native_ping(struct link *l, int64_t now_ms);
int links_of_key(const struct mesh *m, const uint8_t *key);

/* --- exchange.c --- */

/* Adds the addresses of those that are up, as far as they help `to`. */
void exchange_fill(
	struct mesh *m, const struct link *to, struct message_hello *hello);

/* A neighbour tells addresses. */
void exchange_hear(struct mesh *m, struct link *l,
	const struct message_hello *hello, int64_t now_ms);

/* A link is up; one has ended. */
void exchange_up(struct mesh *m, struct link *l);
void exchange_lost(struct mesh *m, const struct link *l, int64_t now_ms);

/*
 * Dials of this kind that are under way.  One of them, if it goes there, can
 * be given to a peer that is to be dialled: it is that peer's from then on.
 */
int exchange_dials(const struct mesh *m);
bool exchange_give(
	struct mesh *m, int peer, const struct sockaddr_storage *to) MUST_USE;

void exchange_want(struct mesh *m, struct loop *loop);
void exchange_run(struct mesh *m, int64_t now_ms);

/* --- original.c --- */

bool original_next(struct mesh *m, struct link *l, struct mesh_event *event,
	int64_t now_ms) MUST_USE;

/* Is it not to be read for now? */
bool original_is_held(
	const struct mesh *m, const struct link *l, int64_t now_ms);

#endif
