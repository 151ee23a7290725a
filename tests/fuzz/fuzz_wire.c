/* SPDX-License-Identifier: ISC */
/*
 * fuzz_wire.c: one side of a native link.  The first byte of an input says on
 * which side we are, how far the handshake has come, and how its rest is cut;
 * the rest is what the other side sends then.  It is taken as it is, or, where
 * there are keys, as the plaintext of frames that an honest side encrypts.
 * What must hold:
 *	1. events come in their order, and are well-formed,
 *	2. cut in any way, the same bytes give the same events,
 *	3. `in` is never full without an event, and bad input has no answer.
 */
#include "fuzz.h"
#include "wire.h"

enum { STAGES = WIRE_UP + 1, STREAM_MAX = 1 << 20 };

struct side {
	struct wire wire;
	struct wire_self self;
	struct ed25519_key key;
	struct wire_buffers buffers;
};

static const uint8_t room_id[RECORD_ID_SIZE] = "room";
static struct side sides[2];          /* by role */
static struct wire stages[2][STAGES]; /* by role and state: what they were */

/* What happened so far: FNV-1a over the events, and where they stand. */
struct history {
	uint64_t hash;
	bool up;
	bool broken;
};

/* One handshake, which leaves a copy of each side in each of its states. */

static void side_open(enum wire_role role)
{
	struct side *s = &sides[role];
	uint8_t seed[ED25519_SEED_SIZE] = { 1, (uint8_t)role };
	uint8_t random[WIRE_RANDOM_SIZE] = { 2, (uint8_t)role };

	ed25519_key_from_seed(&s->key, seed);
	s->self = (struct wire_self){ &s->key, "name", room_id, role };
	wire_open(&s->wire, role, &s->self, random);
	stages[role][s->wire.state] = s->wire;
}

static void carry(struct side *from, struct side *to)
{
	struct wire_event e;

	while (fifo_size(&from->wire.out) > 0) {
		*fifo_tail(&to->wire.in) = *fifo_head(&from->wire.out);
		fifo_added(&to->wire.in, 1);
		fifo_drop(&from->wire.out, 1);
		while (wire_next(&to->wire, &e))
			CHECK(e.kind == WIRE_PEER);
		if (fifo_size(&to->wire.in) == 0)
			stages[to->wire.role][to->wire.state] = to->wire;
	}
}

static void prepare(void)
{
	ed25519_start();
	side_open(WIRE_DIALLER);
	side_open(WIRE_ACCEPTOR);
	while (sides[1].wire.state != WIRE_UP) {
		carry(&sides[0], &sides[1]);
		carry(&sides[1], &sides[0]);
	}
}

static void note(struct history *h, const void *bytes, size_t size)
{
	struct reader r = reader_over(bytes, size);

	while (r.left > 0)
		h->hash = (h->hash ^ read_u8(&r)) * 1099511628211u;
}

static void note_event(
	struct history *h, struct side *s, const struct wire_event *e)
{
	uint8_t head[2] = { (uint8_t)e->kind, e->type };

	CHECK(!h->broken);
	note(h, head, sizeof(head));
	switch (e->kind) {
	case WIRE_PEER:
		CHECK(!h->up);
		h->up = true;
		CHECK(memchr(s->wire.peer.name, '\0', LIMIT_NAME + 1) != NULL);
		note(h, s->wire.peer.name, strlen(s->wire.peer.name));
		wire_grow(&s->wire, &s->buffers);
		break;
	case WIRE_MESSAGE:
		CHECK(h->up && e->body.left <= MESSAGE_MAX);
		note(h, e->body.at, e->body.left);
		break;
	case WIRE_BROKEN:
		CHECK(e->text[0] != '\0');
		note(h, e->text, strlen(e->text));
		h->broken = true;
		break;
	}
}

static void drain(struct side *s, struct history *h)
{
	struct wire_event e;

	while (wire_next(&s->wire, &e))
		note_event(h, s, &e);
	CHECK(h->broken == (s->wire.state == WIRE_DEAD));
	CHECK(h->up == (s->wire.frame != NULL));
	CHECK(!h->broken || wire_is_empty(&s->wire));
}

/* Gives the bytes in pieces of 1 .. most; `cut` varies them. */
static struct history receive(
	const struct wire *stage, struct reader r, size_t most, uint32_t cut)
{
	struct side *s = &sides[stage->role];
	struct history h = { .hash = 14695981039346656037u };

	s->wire = *stage;
	if (s->wire.state == WIRE_UP) {
		h.up = true;
		wire_grow(&s->wire, &s->buffers);
	}
	while (r.left > 0 && !h.broken) {
		size_t size = r.left;

		cut = cut * 1664525 + 1013904223;
		if (size > 1 + (cut >> 8) % most)
			size = 1 + (cut >> 8) % most;
		if (size > fifo_room(&s->wire.in))
			size = fifo_room(&s->wire.in);
		CHECK(size > 0);
		read_copy(&r, fifo_tail(&s->wire.in), size);
		fifo_added(&s->wire.in, size);
		drain(s, &h);
	}
	return h;
}

/* Frames: a byte for the size of each, in units of 65, and its plaintext. */
static struct reader encrypt(const struct wire *stage, struct reader r)
{
	static uint8_t stream[STREAM_MAX];
	struct writer w = writer_over(stream, sizeof(stream));
	struct noise_cipher cipher = stage->receive;

	while (r.left > 1 && w.size < STREAM_MAX / 2) {
		size_t size = 1 + 65 * (size_t)read_u8(&r);
		uint8_t *to;

		if (size > WIRE_PLAIN_MAX)
			size = WIRE_PLAIN_MAX;
		if (size > r.left)
			size = r.left;
		write_be16(&w, (uint16_t)(size + NOISE_TAG_SIZE));
		to = write_room(&w, size + NOISE_TAG_SIZE);
		CHECK(to != NULL);
		noise_encrypt(&cipher, to, read_bytes(&r, size), size);
	}
	return reader_over(stream, w.size);
}

/* First byte: role 1 bit, state 2, encrypted 1, how it is cut 4. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct reader r = reader_over(bytes, size);
	uint8_t kind = read_u8(&r);
	const struct wire *stage = &stages[kind & 1][kind >> 1 & 3];
	struct history whole, pieces;

	if (stage->self == NULL)
		prepare();
	if ((kind & 8) != 0 && stage->state >= WIRE_AUTH)
		r = encrypt(stage, r);
	whole = receive(stage, r, SIZE_MAX, 0);
	pieces = receive(stage, r, 1, 0);
	CHECK(whole.hash == pieces.hash);
	pieces = receive(stage, r, 2 + (kind >> 4), kind);
	CHECK(whole.hash == pieces.hash);
	return 0;
}
