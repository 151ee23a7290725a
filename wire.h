/* SPDX-License-Identifier: ISC */
/*
 * wire.h: the bytes of one connection, in both directions.
 *
 * Today it speaks one protocol, that of the original program (the npm modules
 * fully-connected-topology 1.1.1 and scuttleup 3.3.0), to the byte.  A `struct
 * wire` owns no descriptor, no clock and no memory beyond itself: whoever has
 * the socket fills `in` and empties `out`.
 *
 *	wire_open(&w, WIRE_DIALLER, "alice.local:55204");
 *	... bytes from the socket to fifo_tail(&w.in), fifo_added ...
 *	while (wire_next(&w, &event))
 *		...
 *	... bytes from fifo_head(&w.out) to the socket, fifo_drop ...
 *
 * Addresses ("NAME.local:PORT") name a program; ids name an author.  An id is
 * either "@" and 64 lower-case hex digits, which spell a key of 32 bytes, or
 * 1 to 32 of [a-z0-9] (the original's are 25), whose key is the id itself,
 * filled up with zeros.  Every id has one key, and every key one id.
 */
#ifndef WIRE_H
#define WIRE_H

#include "bytes.h"

enum {
	WIRE_ADDRESS_MAX = 255,       /* bytes of an address, without NUL */
	WIRE_ID_MAX = 65,             /* bytes of an id, without NUL */
	WIRE_KEY_SIZE = 32,           /* bytes of a key */
	WIRE_ENTRY_MAX = 64 * 1024,   /* bytes of one entry */
	WIRE_FRAME_MAX = 66 * 1024,   /* bytes of a frame, Handshake apart */
	WIRE_HEADS_MAX = 4096 * 1024, /* bytes of a Handshake */
	WIRE_IN_SIZE = WIRE_FRAME_MAX + 8,
	WIRE_OUT_SIZE = 128 * 1024
};

enum wire_role {
	WIRE_DIALLER, /* we connected */
	WIRE_ACCEPTOR /* we were connected to */
};

enum wire_state {
	WIRE_NAMING,     /* waiting for the other's address */
	WIRE_ASKING,     /* acceptor: waiting for wire_admit */
	WIRE_CONFIRMING, /* acceptor: waiting for the address once more */
	WIRE_LINKED,     /* waiting for the length of the Handshake */
	WIRE_HEADS,      /* inside the Handshake */
	WIRE_CHANGES,    /* every further frame is a Change */
	WIRE_BROKEN      /* malformed input was found: close it */
};

/* What a Handshake says that its sender wants to do: sync does both. */
enum wire_mode { WIRE_SYNC = 1, WIRE_PUSH = 2, WIRE_PULL = 3 };

enum wire_event_kind {
	WIRE_EVENT_CALLER, /* acceptor: `text` is the dialler's address; the
			      answer is wire_admit, or to close */
	WIRE_EVENT_LINK,   /* the prologue is over; `text` is the address */
	WIRE_EVENT_ID,     /* `text` is the author id of the other side */
	WIRE_EVENT_HEAD,   /* the other side has `key` up to `seq` */
	WIRE_EVENT_READY,  /* all heads were told, and `mode` is known */
	WIRE_EVENT_CHANGE, /* record `seq` of `key` is bytes[size] */
	WIRE_EVENT_BROKEN  /* `text` says in English what was malformed */
};

struct wire_event {
	enum wire_event_kind kind;
	enum wire_mode mode;
	uint32_t seq; /* of a change never 0 */
	uint8_t key[WIRE_KEY_SIZE];
	const char *text;     /* ends with NUL; borrowed, see wire_next */
	const uint8_t *bytes; /* borrowed, see wire_next */
	size_t size;
};

struct wire {
	struct fifo in;  /* from the other side, not decoded yet */
	struct fifo out; /* for the other side */

	/* What follows is private to wire.c, but for reading `state`. */
	enum wire_state state;
	enum wire_role role;
	enum wire_mode mode;
	size_t frame_left;     /* bytes of the Handshake to come */
	bool have_id;          /* the Handshake had its required field */
	size_t consumed;       /* of `in`, by the event told last */
	const char *complaint; /* of WIRE_BROKEN, NULL once told */
	char own[WIRE_ADDRESS_MAX + 1];
	char peer[WIRE_ADDRESS_MAX + 1];
	char id[WIRE_ID_MAX + 1];
	uint8_t in_bytes[WIRE_IN_SIZE];
	uint8_t out_bytes[WIRE_OUT_SIZE];
};

/*
 * Begins a connection.  own_address must be valid (wire_address_valid).  A
 * dialler's first bytes are then in `out`.
 */
void wire_open(struct wire *w, enum wire_role role, const char *own_address);

/*
 * Decodes the next whole thing of `in`.  False when more bytes are needed.
 * The event's pointers are valid until the next call, or the next byte that
 * is put into `in`.  After WIRE_EVENT_BROKEN there are no more events.
 */
bool wire_next(struct wire *w, struct wire_event *event) MUST_USE;

/* Lets a caller in: the answer to WIRE_EVENT_CALLER. */
void wire_admit(struct wire *w);

/*
 * Sending, only after WIRE_EVENT_LINK: first the Handshake, that is one call
 * of wire_put_handshake, one of wire_put_head for each head, and then changes.
 * Each returns false, and has sent nothing, when `out` has too little room.
 * `heads_size` is the sum of wire_head_size over all the heads to come.
 */
bool wire_put_handshake(
	struct wire *w, const uint8_t *key, size_t heads_size) MUST_USE;
bool wire_put_head(struct wire *w, const uint8_t *key, uint32_t seq) MUST_USE;
bool wire_put_change(struct wire *w, const uint8_t *key, uint32_t seq,
	struct reader entry) MUST_USE;
size_t wire_head_size(const uint8_t *key, uint32_t seq);

/* The key of an id of `size` bytes; false when it is no id. */
bool wire_key_of_id(
	const void *id, size_t size, uint8_t key[WIRE_KEY_SIZE]) MUST_USE;

/* The id of a key, with NUL; returns its length. */
size_t wire_id_of_key(const uint8_t *key, char id[WIRE_ID_MAX + 1]);

/* An address is 1 to 255 of [A-Za-z0-9.:-]. */
bool wire_address_valid(const void *address, size_t size) MUST_USE;

/*
 * The port that hash-to-port 1.2.0 gives to a name: 1024 .. 65534, from the
 * name's SHA-1.
 */
uint16_t wire_port_of_name(const char *name);

#endif
