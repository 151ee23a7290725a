/* SPDX-License-Identifier: ISC */
/*
 * wire.h: the bytes of one native link: handshake, encrypted frames, and the
 * messages in them.  A `struct wire` owns no descriptor, no clock, and no
 * memory beyond itself: whoever has the socket fills `in` and empties `out`.
 *
 *	wire_open(&w, WIRE_DIALLER, &self, random);
 *	... bytes from the socket to fifo_tail(&w.in), fifo_added ...
 *	while (wire_next(&w, &event))
 *		WIRE_PEER	we know who it is: wire_grow, or close
 *		WIRE_MESSAGE	message.h
 *	... wire_put(&w, type, body, size), any number; wire_seal(&w) ...
 *	... bytes from fifo_head(&w.out) to the socket, fifo_drop ...
 *
 * Until WIRE_PEER nothing of the other side is known, and no more memory used
 * than is inside `struct wire`.  After WIRE_BROKEN nothing more happens; there
 * is no answer to bad input.
 *
 * Sources: Noise revision 34 (NN), by crypto/noise.h; the rest stands at the
 * top of wire.c.
 */
#ifndef WIRE_H
#define WIRE_H

#include "bytes.h"
#include "crypto/crypto.h"
#include "limit.h"
#include "message.h"
#include "record.h"

enum {
	WIRE_VERSION = 1,
	WIRE_RANDOM_SIZE = 48,  /* secret bytes that wire_open uses up */
	WIRE_PLAIN_MAX = 16384, /* bytes of messages in one frame */
	WIRE_CIPHER_MAX = LIMIT_FRAME_SIZE, /* the same encrypted */
	WIRE_REKEY_FRAMES = 65536,          /* in one direction */
	WIRE_EARLY_SIZE = 1024, /* of each buffer before wire_grow */
	WIRE_IN_SIZE = 4 * (WIRE_CIPHER_MAX + 2),
	WIRE_STREAM_SIZE = MESSAGE_MAX + 8 + WIRE_PLAIN_MAX,
	WIRE_OUT_SIZE = LIMIT_OUT_SIZE
};

enum wire_role { WIRE_DIALLER, WIRE_ACCEPTOR };

/* Who we are, the same for all links; borrowed. */
struct wire_self {
	const struct ed25519_key *key;
	const char *name;
	const uint8_t *room_id; /* RECORD_ID_SIZE bytes */
	uint64_t instance;      /* random, one for a running process */
};

/* Who is at the other end: proven, but for the name. */
struct wire_peer {
	uint8_t public_key[RECORD_KEY_SIZE];
	uint64_t instance;
	uint32_t version;
	char name[LIMIT_NAME + 1]; /* valid as in record.h */
};

enum wire_event_kind {
	WIRE_PEER,    /* w->peer is valid: the link is up */
	WIRE_MESSAGE, /* `type`, `body` */
	WIRE_BROKEN   /* `text` says why: close it */
};

struct wire_event {
	enum wire_event_kind kind;
	uint8_t type;       /* enum message_type, or one unknown here */
	struct reader body; /* borrowed, see wire_next */
	const char *text;
};

enum wire_state {
	WIRE_HELLO_D, /* acceptor: waiting for 00 and D1; dialler: for A1 */
	WIRE_NOISE,   /* waiting for the other's noise message */
	WIRE_AUTH,    /* waiting for the other's proof of its key */
	WIRE_UP,      /* messages flow */
	WIRE_DEAD     /* malformed input, or an attack: close it */
};

/* Memory for a link that is up; one allocation of the caller's. */
struct wire_buffers {
	uint8_t in[WIRE_IN_SIZE];
	uint8_t stream[WIRE_STREAM_SIZE];
	uint8_t out[WIRE_OUT_SIZE];
	uint8_t frame[WIRE_PLAIN_MAX]; /* messages, not sealed yet */
};

struct wire {
	struct fifo in;        /* from the other side, not decrypted yet */
	struct fifo out;       /* for the other side */
	struct wire_peer peer; /* from WIRE_PEER on */
	uint8_t hash[NOISE_HASH_SIZE]; /* of the handshake; the same on both
					  sides, from WIRE_PEER on */

	/* What follows is private to wire.c, but for reading `state`. */
	enum wire_state state;
	enum wire_role role;
	const struct wire_self *self;
	struct noise noise;
	struct noise_cipher send, receive;
	struct fifo stream;    /* decrypted, not told yet */
	size_t consumed;       /* of `stream`, by the event told last */
	const char *complaint; /* of WIRE_DEAD, NULL once told */
	uint8_t secret[WIRE_RANDOM_SIZE]; /* until it was used */
	uint8_t early_in[WIRE_EARLY_SIZE];
	uint8_t early_out[WIRE_EARLY_SIZE];
	uint8_t *frame;    /* of struct wire_buffers */
	size_t frame_size; /* bytes in it */
};

/*
 * Begins a connection.  `random` is WIRE_RANDOM_SIZE new secret bytes, copied.
 * A dialler's first bytes, the 00 among them, are then in `out`.  An acceptor
 * expects the 00 as the first byte in `in`.
 */
void wire_open(struct wire *w, enum wire_role role,
	const struct wire_self *self, const uint8_t random[WIRE_RANDOM_SIZE]);

/* Wipes what is secret.  A wire that was never opened must be zero. */
void wire_close(struct wire *w);

/* Gives a link that is up its memory, borrowed until wire_close. */
void wire_grow(struct wire *w, struct wire_buffers *buffers);

/*
 * Decodes the next whole thing of `in`.  False when more bytes are needed, and
 * between WIRE_PEER and wire_grow.  The event's pointers are valid until the
 * next call.
 */
bool wire_next(struct wire *w, struct wire_event *event) MUST_USE;

/*
 * Has a frame begun to come in that is not whole yet?  And how many have come,
 * since the link is up?
 */
bool wire_is_mid_frame(const struct wire *w);
uint64_t wire_frames(const struct wire *w);

/*
 * Sends a message of at most MESSAGE_MAX bytes.  False, and nothing is sent,
 * when `out` has too little room, or the link is not up and grown.  wire_room
 * is a size of body for which there is room; at 0 there may be none.
 */
bool wire_put(struct wire *w, enum message_type type, const void *body,
	size_t size) MUST_USE;
size_t wire_room(const struct wire *w);

/* Encrypts what was put since: call it before the socket is written. */
void wire_seal(struct wire *w);

/* Has the other side still to be sent anything, sealed or not? */
bool wire_is_empty(const struct wire *w);

#endif
