/* SPDX-License-Identifier: ISC */
/*
 * fuzz_wire.c: a connection's bytes.  The first byte of an input says on which
 * side we are, who is whom, and how its rest is cut; the rest is what the
 * other side sends.  What must hold:
 *	1. events come in their order, and are well-formed,
 *	2. cut in any way, the same bytes give the same events,
 *	3. a change that was read, written again and read again is the same.
 */
#include "fuzz.h"
#include "legacy.h"

/* What happened so far: FNV-1a over the events, and where they stand. */
struct history {
	uint64_t hash;
	bool called;
	bool linked;
	bool ready;
	bool broken;
};

static void note(struct history *h, const void *bytes, size_t size)
{
	struct reader r = reader_over(bytes, size);

	while (r.left > 0)
		h->hash = (h->hash ^ read_u8(&r)) * 1099511628211u;
}

static void check_order(struct history *h, const struct legacy_event *e)
{
	CHECK(!h->broken);
	switch (e->kind) {
	case LEGACY_EVENT_CALLER:
		CHECK(!h->called && !h->linked);
		h->called = true;
		break;
	case LEGACY_EVENT_LINK:
		CHECK(!h->linked);
		h->linked = true;
		break;
	case LEGACY_EVENT_ID:
	case LEGACY_EVENT_HEAD:
		CHECK(h->linked && !h->ready);
		break;
	case LEGACY_EVENT_READY:
		CHECK(h->linked && !h->ready);
		CHECK(e->mode >= LEGACY_SYNC && e->mode <= LEGACY_PULL);
		h->ready = true;
		break;
	case LEGACY_EVENT_CHANGE:
		CHECK(h->ready && e->seq > 0 && e->size <= LEGACY_ENTRY_MAX);
		break;
	case LEGACY_EVENT_BROKEN:
		CHECK(e->text[0] != '\0');
		h->broken = true;
		break;
	}
}

/* Writes a change to `echo`, and reads it there. */
static void check_change(const struct legacy_event *e)
{
	static struct legacy echo;
	struct legacy_event again;
	size_t size;

	legacy_open(&echo, LEGACY_ACCEPTOR, "echo");
	echo.state = LEGACY_CHANGES;
	CHECK(legacy_put_change(
		&echo, e->key, e->seq, reader_over(e->bytes, e->size)));
	size = fifo_size(&echo.out);
	CHECK(size <= fifo_room(&echo.in));
	memcpy(fifo_tail(&echo.in), fifo_head(&echo.out), size);
	fifo_added(&echo.in, size);
	CHECK(legacy_next(&echo, &again) && again.kind == LEGACY_EVENT_CHANGE);
	CHECK(again.seq == e->seq && again.size == e->size);
	CHECK(memcmp(again.key, e->key, LEGACY_KEY_SIZE) == 0);
	CHECK(e->size == 0 || memcmp(again.bytes, e->bytes, e->size) == 0);
	CHECK(!legacy_next(&echo, &again) && fifo_size(&echo.in) == 0);
}

static void check_key(const struct legacy_event *e)
{
	char id[LEGACY_ID_MAX + 1];
	uint8_t key[LEGACY_KEY_SIZE];

	CHECK(legacy_key_of_id(id, legacy_id_of_key(e->key, id), key));
	CHECK(memcmp(key, e->key, sizeof(key)) == 0);
	CHECK(e->kind != LEGACY_EVENT_ID || strcmp(e->text, id) == 0);
}

/* Only what an event of this kind has: other fields mean nothing. */
static void note_event(struct history *h, const struct legacy_event *e)
{
	uint8_t numbers[6];
	struct writer writer = writer_over(numbers, sizeof(numbers));

	write_u8(&writer, (uint8_t)e->kind);
	if (e->kind == LEGACY_EVENT_READY)
		write_u8(&writer, (uint8_t)e->mode);
	if (e->kind == LEGACY_EVENT_HEAD || e->kind == LEGACY_EVENT_CHANGE)
		write_be32(&writer, e->seq);
	note(h, numbers, writer.size);
	if (e->kind == LEGACY_EVENT_ID || e->kind == LEGACY_EVENT_HEAD ||
		e->kind == LEGACY_EVENT_CHANGE) {
		check_key(e);
		note(h, e->key, sizeof(e->key));
	}
	if (e->kind == LEGACY_EVENT_CHANGE)
		note(h, e->bytes, e->size);
	if (e->text != NULL)
		note(h, e->text, strlen(e->text));
}

static void drain(struct legacy *w, struct history *h, bool deep)
{
	struct legacy_event e;

	while (legacy_next(w, &e)) {
		check_order(h, &e);
		note_event(h, &e);
		if (e.kind == LEGACY_EVENT_CALLER ||
			e.kind == LEGACY_EVENT_LINK)
			CHECK(legacy_address_valid(e.text, strlen(e.text)));
		if (e.kind == LEGACY_EVENT_CHANGE && deep)
			check_change(&e);
		if (e.kind == LEGACY_EVENT_CALLER)
			legacy_admit(w);
	}
}

/* Sends the bytes in pieces of 1 .. most bytes; `cut` varies them. */
static struct history receive(
	uint8_t kind, struct reader r, size_t most, uint32_t cut)
{
	static struct legacy wire;
	struct history h = { .hash = 14695981039346656037u };
	bool deep = most > 1;

	legacy_open(&wire, (kind & 1) != 0 ? LEGACY_DIALLER : LEGACY_ACCEPTOR,
		(kind & 2) != 0 ? "zoe.local:2" : "Abe.local:2");
	while (r.left > 0 && !h.broken) {
		size_t size = r.left;

		cut = cut * 1664525 + 1013904223;
		if (size > 1 + (cut >> 8) % most)
			size = 1 + (cut >> 8) % most;
		if (size > fifo_room(&wire.in))
			size = fifo_room(&wire.in);
		CHECK(size > 0); /* it is never full without a complaint */
		memcpy(fifo_tail(&wire.in), read_bytes(&r, size), size);
		fifo_added(&wire.in, size);
		drain(&wire, &h, deep);
		CHECK(h.broken == (wire.state == LEGACY_BROKEN));
		CHECK(fifo_size(&wire.out) <= 3 * (LEGACY_ADDRESS_MAX + 2));
	}
	return h;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct reader r = reader_over(bytes, size);
	uint8_t kind = read_u8(&r);
	struct history whole, pieces;

	if (r.bad)
		return 0;
	whole = receive(kind, r, SIZE_MAX, 0);
	pieces = receive(kind, r, 1, 0);
	CHECK(whole.hash == pieces.hash);
	pieces = receive(kind, r, 2 + (kind >> 2), kind);
	CHECK(whole.hash == pieces.hash);
	return 0;
}
