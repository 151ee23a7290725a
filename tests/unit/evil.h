/* SPDX-License-Identifier: ISC */
/*
 * evil.h: for tests: whoever is at the other end of a native link.  He has a
 * key, or any key, and says what a test tells him to, by the codec alone; what
 * he hears he writes down, one line a message:
 *
 *	peer NAME			hello NAME PORT ADDRESS...
 *	digest alice 5 want 2, bob 7 frozen; complete; again
 *	batch alice 1..5		half alice 5
 *	ping	pong			bye REASON
 *	broken TEXT
 *
 * He answers Pings, and does not write that down, unless `rude`.
 */
#ifndef EVIL_H
#define EVIL_H

#include "testing.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "book.h"
#include "net.h"
#include "wire.h"

enum { EVIL_NUMBERS = 4096 };

struct evil {
	int fd;     /* -1: closed, or the test moves the bytes itself */
	bool rude;  /* leaves Pings alone */
	bool deaf;  /* reads nothing */
	bool terse; /* writes down no entries of Digests */
	bool eof;   /* the other side closed */
	char name[LIMIT_NAME + 1];
	uint16_t port; /* that he says to listen on */
	uint8_t room_id[RECORD_ID_SIZE];
	struct ed25519_key key;
	struct wire_self self;
	struct wire wire;
	struct wire_buffers *buffers; /* NULL until the link is up */
	struct transcript told;
	uint8_t meant[EVIL_NUMBERS][RECORD_KEY_SIZE]; /* by their numbers */
	int ids;                           /* that entries of Digests had */
	uint8_t state[MESSAGE_STATE_SIZE]; /* told last */
};

/* Who he says he is; in the open room unless `room` is given. */
struct evil_options {
	enum wire_role role;
	unsigned who; /* whose key he has, as in book_open */
	const char *name;
	uint64_t instance; /* 0: that of `who` */
	const char *room;
	uint16_t port;
};

static inline void evil_open(
	struct evil *e, int fd, const struct evil_options *options)
{
	uint8_t random[WIRE_RANDOM_SIZE];
	const char *room = options->room == NULL ? "" : options->room;

	memset(e, 0, sizeof(*e));
	e->fd = fd;
	e->port = options->port;
	(void)snprintf(e->name, sizeof(e->name), "%s", options->name);
	record_room_id(e->room_id, false, room);
	book_key(&e->key, options->who);
	book_know(e->key.public_key, options->name);
	e->self.key = &e->key;
	e->self.name = e->name;
	e->self.room_id = e->room_id;
	e->self.instance = options->instance == 0 ? 1000 + options->who
						  : options->instance;
	random_bytes(random, sizeof(random));
	wire_open(&e->wire, options->role, &e->self, random);
}

static inline void evil_leave(struct evil *e)
{
	if (e->fd >= 0)
		assert_int_equal(close(e->fd), 0);
	e->fd = -1;
}

static inline void evil_close(struct evil *e)
{
	evil_leave(e);
	wire_close(&e->wire);
	free(e->buffers);
	e->buffers = NULL;
}

static inline bool evil_is_up(const struct evil *e)
{
	return e->buffers != NULL;
}

/* What he hears. */

static inline const char *evil_who(
	struct evil *e, const struct message_log *log)
{
	assert_true(log->number < EVIL_NUMBERS);
	if (log->named)
		memcpy(e->meant[log->number], log->public_key, RECORD_KEY_SIZE);
	return book_who(e->meant[log->number]);
}

/*
 * As everybody does first; other words before it would end the link.  With
 * `count` addresses of others.
 */
static inline void evil_put_hello(
	struct evil *e, const struct net_place *others, int count)
{
	uint8_t bytes[1024];
	struct writer w = writer_over(bytes, sizeof(bytes));
	struct message_hello hello;

	memset(&hello, 0, sizeof(hello));
	hello.version = WIRE_VERSION;
	hello.port = e->port;
	memcpy(hello.name, e->name, sizeof(hello.name));
	for (int i = 0; i < count; i++) {
		struct writer at = writer_over(hello.addresses[i].bytes, 18);

		write_bytes(&at, others[i].host, 16);
		write_be16(&at, others[i].port);
		hello.addresses[i].size = 18;
	}
	hello.address_count = count;
	message_put_hello(&w, &hello);
	assert_true(wire_put(&e->wire, MESSAGE_HELLO, w.bytes, w.size));
}

static inline void evil_hears_hello(struct evil *e, struct reader body)
{
	struct message_hello hello;

	assert_true(message_decode_hello(body, &hello));
	tell(&e->told, "hello %s %u", hello.name, hello.port);
	for (int i = 0; i < hello.address_count; i++) {
		const uint8_t *b = hello.addresses[i].bytes;

		if (hello.addresses[i].size == 6)
			tell(&e->told, " %u.%u.%u.%u:%u", b[0], b[1], b[2],
				b[3], b[4] << 8 | b[5]);
		else
			tell(&e->told, " ..%02x:%u", b[15], b[16] << 8 | b[17]);
	}
	tell(&e->told, "\n");
}

static inline void evil_hears_digest(struct evil *e, struct reader body)
{
	struct message_digest digest;
	struct message_entry entry;
	const char *comma = "";

	assert_true(message_decode_digest(body, &digest));
	tell(&e->told, "digest");
	while (!e->terse && message_next_entry(&digest.entries, &entry)) {
		e->ids += entry.has_id;
		tell(&e->told, "%s %s %u", comma, evil_who(e, &entry.log),
			(unsigned)entry.seq);
		if (entry.want != WANT_NOTHING)
			tell(&e->told, " want %d", (int)entry.want);
		tell(&e->told, "%s", entry.frozen ? " frozen" : "");
		comma = ",";
	}
	tell(&e->told, "%s%s%s%s\n", digest.complete ? "; complete" : "",
		digest.again ? "; again" : "",
		digest.has_state ? "; state" : "",
		digest.unlike ? "; unlike" : "");
	if (digest.has_state)
		memcpy(e->state, digest.state, sizeof(e->state));
}

static inline void evil_hears_batch(struct evil *e, struct reader body)
{
	struct message_batch batch;

	assert_true(message_decode_batch(body, &batch));
	tell(&e->told, "batch %s %u..%u\n", evil_who(e, &batch.log),
		(unsigned)batch.first,
		(unsigned)(batch.first + batch.count - 1));
}

static inline void evil_hears_ping(struct evil *e, struct reader body)
{
	uint8_t bytes[32];
	struct writer w = writer_over(bytes, sizeof(bytes));
	struct message_ping ping;

	assert_true(message_decode_ping(body, &ping));
	if (ping.answer)
		tell(&e->told, "pong\n");
	else if (e->rude)
		tell(&e->told, "ping\n");
	if (ping.answer || e->rude)
		return;
	ping.answer = true;
	message_put_ping(&w, &ping);
	(void)!wire_put(&e->wire, MESSAGE_PING, w.bytes, w.size);
}

static inline void evil_hears(struct evil *e, const struct wire_event *event)
{
	char reason[MESSAGE_REASON_MAX + 1];
	struct message_half half;

	switch ((enum message_type)event->type) {
	case MESSAGE_HELLO:
		evil_hears_hello(e, event->body);
		break;
	case MESSAGE_DIGEST:
		evil_hears_digest(e, event->body);
		break;
	case MESSAGE_BATCH:
		evil_hears_batch(e, event->body);
		break;
	case MESSAGE_FORK:
		assert_true(message_decode_half(event->body, &half));
		tell(&e->told, "half %s %u\n", book_who(half.public_key),
			(unsigned)half.seq);
		break;
	case MESSAGE_PING:
		evil_hears_ping(e, event->body);
		break;
	case MESSAGE_BYE:
		assert_true(message_decode_bye(event->body, reason));
		tell(&e->told, "bye %s\n", reason);
		break;
	}
}

/* Decodes all that came. */
static inline void evil_drain(struct evil *e)
{
	struct wire_event event;

	while (wire_next(&e->wire, &event)) {
		switch (event.kind) {
		case WIRE_PEER:
			e->buffers = malloc(sizeof(*e->buffers));
			assert_non_null(e->buffers);
			wire_grow(&e->wire, e->buffers);
			tell(&e->told, "peer %s\n", e->wire.peer.name);
			evil_put_hello(e, NULL, 0);
			break;
		case WIRE_MESSAGE:
			evil_hears(e, &event);
			break;
		case WIRE_BROKEN:
			tell(&e->told, "broken %s\n", event.text);
			break;
		}
	}
	wire_seal(&e->wire);
}

static inline void evil_send(struct evil *e)
{
	struct fifo *out = &e->wire.out;
	ssize_t n;

	if (e->fd < 0 || fifo_size(out) == 0)
		return;
	n = send(e->fd, fifo_head(out), fifo_size(out), MSG_NOSIGNAL);
	if (n > 0)
		fifo_drop(out, (size_t)n);
}

static inline bool evil_read(struct evil *e)
{
	uint8_t *tail = fifo_tail(&e->wire.in);
	ssize_t n = recv(e->fd, tail, fifo_room(&e->wire.in), 0);

	if (n == 0)
		e->eof = true;
	if (n <= 0)
		return false;
	fifo_added(&e->wire.in, (size_t)n);
	evil_drain(e);
	return true;
}

static inline void evil_turn(struct evil *e)
{
	evil_send(e);
	while (e->fd >= 0 && !e->deaf && fifo_room(&e->wire.in) > 0 &&
		evil_read(e))
		;
	evil_send(e);
}

/* What he says. */

static inline void evil_put(
	struct evil *e, enum message_type type, const void *body, size_t size)
{
	assert_true(wire_put(&e->wire, type, body, size));
	wire_seal(&e->wire);
}

static inline void evil_put_batch(struct evil *e, const struct book *b,
	uint32_t number, uint64_t first, uint64_t last)
{
	static uint8_t bytes[MESSAGE_MAX];
	struct writer w = writer_over(bytes, sizeof(bytes));

	book_put_batch(&w, b, number, first, last);
	evil_put(e, MESSAGE_BATCH, w.bytes, w.size);
}

static inline void evil_put_digest(struct evil *e,
	const struct message_entry *entries, size_t count, bool complete)
{
	static uint8_t bytes[MESSAGE_MAX + MESSAGE_ENTRY_MAX];
	struct writer w = writer_over(bytes, MESSAGE_MAX);
	struct message_digest rest = { .complete = complete };

	for (size_t i = 0; i < count; i++)
		message_put_entry(&w, &entries[i]);
	message_put_digest_end(&w, &rest);
	assert_false(w.full);
	evil_put(e, MESSAGE_DIGEST, w.bytes, w.size);
}

/* One entry of a Digest: "I have b up to seq." */
static inline void evil_put_entry(struct evil *e, const struct book *b,
	uint32_t number, uint64_t seq, enum message_want want)
{
	struct message_entry entry = book_entry(b, number, seq, want);

	evil_put_digest(e, &entry, 1, false);
}

/* "This is what all that I have comes to." */
static inline void evil_put_state(
	struct evil *e, const uint8_t state[MESSAGE_STATE_SIZE])
{
	uint8_t bytes[32];
	struct writer w = writer_over(bytes, sizeof(bytes));
	struct message_digest digest = { .has_state = true };

	memcpy(digest.state, state, sizeof(digest.state));
	message_put_digest_end(&w, &digest);
	evil_put(e, MESSAGE_DIGEST, w.bytes, w.size);
}

static inline void evil_put_unlike(struct evil *e)
{
	uint8_t bytes[4];
	struct writer w = writer_over(bytes, sizeof(bytes));
	struct message_digest digest = { .unlike = true };

	message_put_digest_end(&w, &digest);
	evil_put(e, MESSAGE_DIGEST, w.bytes, w.size);
}

static inline void evil_put_half(
	struct evil *e, const struct message_half *half)
{
	uint8_t bytes[256];
	struct writer w = writer_over(bytes, sizeof(bytes));

	message_put_half(&w, half);
	evil_put(e, MESSAGE_FORK, w.bytes, w.size);
}

static inline void evil_put_bye(struct evil *e, const char *reason)
{
	uint8_t bytes[MESSAGE_REASON_MAX + 8];
	struct writer w = writer_over(bytes, sizeof(bytes));

	message_put_bye(&w, reason);
	evil_put(e, MESSAGE_BYE, w.bytes, w.size);
}

static inline void evil_put_ping(struct evil *e, uint64_t token)
{
	uint8_t bytes[32];
	struct writer w = writer_over(bytes, sizeof(bytes));
	struct message_ping ping = { .token = token };

	message_put_ping(&w, &ping);
	evil_put(e, MESSAGE_PING, w.bytes, w.size);
}

/* What is inside a frame, as it is: messages, or what looks like them. */
static inline void evil_plain(struct evil *e, const void *bytes, size_t size)
{
	wire_seal(&e->wire);
	assert_true(size <= WIRE_PLAIN_MAX);
	memcpy(e->wire.frame, bytes, size);
	e->wire.frame_size = size;
	wire_seal(&e->wire);
}

/* Bytes as they are, behind all that was put. */
static inline void evil_raw(struct evil *e, const void *bytes, size_t size)
{
	struct fifo *out = &e->wire.out;

	wire_seal(&e->wire);
	assert_true(size <= fifo_room(out));
	memcpy(fifo_tail(out), bytes, size);
	fifo_added(out, size);
}

#endif
