/* SPDX-License-Identifier: ISC */
/*
 * legacy.h: the bytes of one connection, in both directions.
 *
 * Today it speaks one protocol, that of the original program (the npm modules
 * fully-connected-topology 1.1.1 and scuttleup 3.3.0), to the byte.  A `struct
 * legacy` owns no descriptor, no clock and no memory beyond itself: whoever has
 * the socket fills `in` and empties `out`.
 *
 *	legacy_open(&w, LEGACY_DIALLER, "alice.local:55204");
 *	... bytes from the socket to fifo_tail(&w.in), fifo_added ...
 *	while (legacy_next(&w, &event))
 *		...
 *	... bytes from fifo_head(&w.out) to the socket, fifo_drop ...
 *
 * Addresses ("NAME.local:PORT") name a program; ids name an author.  An id is
 * either "@" and 64 lower-case hex digits, which spell a key of 32 bytes, or
 * 1 to 32 of [a-z0-9] (the original's are 25), whose key is the id itself,
 * filled up with zeros.  Every id has one key, and every key one id.
 */
#ifndef LEGACY_H
#define LEGACY_H

#include "bytes.h"
#include "limit.h"

enum {
	LEGACY_ADDRESS_MAX = LIMIT_LEGACY_ADDRESS, /* without NUL */
	LEGACY_ID_MAX = 65,             /* bytes of an id, without NUL */
	LEGACY_KEY_SIZE = 32,           /* bytes of a key */
	LEGACY_ENTRY_MAX = 64 * 1024,   /* bytes of one entry */
	LEGACY_FRAME_MAX = 66 * 1024,   /* bytes of a frame, Handshake apart */
	LEGACY_HEADS_MAX = 4096 * 1024, /* bytes of a Handshake */
	LEGACY_IN_SIZE = LEGACY_FRAME_MAX + 8,
	LEGACY_OUT_SIZE = 128 * 1024
};

enum legacy_role {
	LEGACY_DIALLER, /* we connected */
	LEGACY_ACCEPTOR /* we were connected to */
};

enum legacy_state {
	LEGACY_NAMING,     /* waiting for the other's address */
	LEGACY_ASKING,     /* acceptor: waiting for legacy_admit */
	LEGACY_CONFIRMING, /* acceptor: waiting for the address once more */
	LEGACY_LINKED,     /* waiting for the length of the Handshake */
	LEGACY_HEADS,      /* inside the Handshake */
	LEGACY_CHANGES,    /* every further frame is a Change */
	LEGACY_BROKEN      /* malformed input was found: close it */
};

/* What a Handshake says that its sender wants to do: sync does both. */
enum legacy_mode { LEGACY_SYNC = 1, LEGACY_PUSH = 2, LEGACY_PULL = 3 };

enum legacy_event_kind {
	LEGACY_EVENT_CALLER, /* acceptor: `text` is the dialler's address; the
			      answer is legacy_admit, or to close */
	LEGACY_EVENT_LINK,   /* the prologue is over; `text` is the address */
	LEGACY_EVENT_ID,     /* `text` is the author id of the other side */
	LEGACY_EVENT_HEAD,   /* the other side has `key` up to `seq` */
	LEGACY_EVENT_READY,  /* all heads were told, and `mode` is known */
	LEGACY_EVENT_CHANGE, /* record `seq` of `key` is bytes[size] */
	LEGACY_EVENT_BROKEN  /* `text` says in English what was malformed */
};

struct legacy_event {
	enum legacy_event_kind kind;
	enum legacy_mode mode;
	uint32_t seq; /* of a change never 0 */
	uint8_t key[LEGACY_KEY_SIZE];
	const char *text;     /* ends with NUL; borrowed, see legacy_next */
	const uint8_t *bytes; /* borrowed, see legacy_next */
	size_t size;
};

struct legacy {
	struct fifo in;  /* from the other side, not decoded yet */
	struct fifo out; /* for the other side */

	/* What follows is private to legacy.c, but for reading `state`. */
	enum legacy_state state;
	enum legacy_role role;
	enum legacy_mode mode;
	size_t frame_left;     /* bytes of the Handshake to come */
	bool have_id;          /* the Handshake had its required field */
	size_t consumed;       /* of `in`, by the event told last */
	const char *complaint; /* of LEGACY_BROKEN, NULL once told */
	char own[LEGACY_ADDRESS_MAX + 1];
	char peer[LEGACY_ADDRESS_MAX + 1];
	char id[LEGACY_ID_MAX + 1];
	uint8_t in_bytes[LEGACY_IN_SIZE];
	uint8_t out_bytes[LEGACY_OUT_SIZE];
};

/*
 * Begins a connection.  own_address must be valid (legacy_address_valid).  A
 * dialler's first bytes are then in `out`.
 */
void legacy_open(
	struct legacy *w, enum legacy_role role, const char *own_address);

/*
 * Decodes the next whole thing of `in`.  False when more bytes are needed.
 * The event's pointers are valid until the next call, or the next byte that
 * is put into `in`.  After LEGACY_EVENT_BROKEN there are no more events.
 */
bool legacy_next(struct legacy *w, struct legacy_event *event) MUST_USE;

/* Lets a caller in: the answer to LEGACY_EVENT_CALLER. */
void legacy_admit(struct legacy *w);

/*
 * Sending, only after LEGACY_EVENT_LINK: first the Handshake, that is one call
 * of legacy_put_handshake, one of legacy_put_head for each head, and then changes.
 * Each returns false, and has sent nothing, when `out` has too little room.
 * `heads_size` is the sum of legacy_head_size over all the heads to come.
 */
bool legacy_put_handshake(
	struct legacy *w, const uint8_t *key, size_t heads_size) MUST_USE;
bool legacy_put_head(
	struct legacy *w, const uint8_t *key, uint32_t seq) MUST_USE;
bool legacy_put_change(struct legacy *w, const uint8_t *key, uint32_t seq,
	struct reader entry) MUST_USE;
size_t legacy_head_size(const uint8_t *key, uint32_t seq);

/* Does a key spell an id of the original program, one without @? */
bool legacy_key_is_foreign(const uint8_t *key) MUST_USE;

/* The key of an id of `size` bytes; false when it is no id. */
bool legacy_key_of_id(
	const void *id, size_t size, uint8_t key[LEGACY_KEY_SIZE]) MUST_USE;

/* The id of a key, with NUL; returns its length. */
size_t legacy_id_of_key(const uint8_t *key, char id[LEGACY_ID_MAX + 1]);

/* An address is 1 to 255 of [A-Za-z0-9.:-]. */
bool legacy_address_valid(const void *address, size_t size) MUST_USE;

/*
 * The port that hash-to-port 1.2.0 gives to a name: 1024 .. 65534, from the
 * name's SHA-1.
 */
uint16_t legacy_port_of_name(const char *name);

#endif
