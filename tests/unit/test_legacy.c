/* SPDX-License-Identifier: ISC */
/*
 * test_wire.c: the original's protocol, byte by byte.
 *
 * Most tests feed bytes to a wire and compare what it tells with a transcript:
 *
 *	caller ADDRESS		linked ADDRESS		id ID
 *	head ID SEQ		ready MODE		change ID SEQ ENTRY
 *	broken COMPLAINT
 */
#include "testing.h"

#include "legacy.h"

#define ALICE         "\021alice.local:55204"
#define BOB           "\017bob.local:62474"
#define HELLO_FROM_A1 "\006\012\002a1\030\001" /* id a1, mode sync */
#define ZEROS_61      "0000000000000000000000000000000000000000000000000000000000000"

static const char alice[] = "alice.local:55204";
static const char bob[] = "bob.local:62474";

/* 0xff comes first, so the key can not be the original's kind of id. */
static const char key_id[] = "@ff6" ZEROS_61;

static struct legacy wire;
static struct transcript told;

static void key_of(const char *id, uint8_t key[LEGACY_KEY_SIZE])
{
	assert_true(legacy_key_of_id(id, strlen(id), key));
}

static const char *id_of(const uint8_t *key)
{
	static char id[LEGACY_ID_MAX + 1];
	size_t size = legacy_id_of_key(key, id);

	assert_int_equal(size, strlen(id));
	return id;
}

static void tell_event(struct transcript *t, const struct legacy_event *e)
{
	switch (e->kind) {
	case LEGACY_EVENT_CALLER:
		tell(t, "caller %s\n", e->text);
		break;
	case LEGACY_EVENT_LINK:
		tell(t, "linked %s\n", e->text);
		break;
	case LEGACY_EVENT_ID:
		assert_string_equal(e->text, id_of(e->key));
		tell(t, "id %s\n", e->text);
		break;
	case LEGACY_EVENT_HEAD:
		tell(t, "head %s %u\n", id_of(e->key), e->seq);
		break;
	case LEGACY_EVENT_READY:
		tell(t, "ready %d\n", (int)e->mode);
		break;
	case LEGACY_EVENT_CHANGE:
		tell(t, "change %s %u ", id_of(e->key), e->seq);
		if (e->size > 100)
			tell(t, "(%zu bytes)\n", e->size);
		else
			tell(t, "%.*s\n", (int)e->size, (const char *)e->bytes);
		break;
	case LEGACY_EVENT_BROKEN:
		tell(t, "broken %s\n", e->text);
		break;
	}
}

/* Tells all that is there; whoever calls is let in. */
static void drain(struct legacy *w, struct transcript *t)
{
	struct legacy_event event;

	while (legacy_next(w, &event)) {
		tell_event(t, &event);
		if (event.kind == LEGACY_EVENT_CALLER)
			legacy_admit(w);
	}
}

/* Puts bytes into `in`, at most `step` at a time, and tells what they say. */
static void feed_by(
	struct legacy *w, const char *bytes, size_t size, size_t step)
{
	while (size > 0) {
		size_t now = size < step ? size : step;

		if (w->state == LEGACY_BROKEN)
			return;
		if (now > fifo_room(&w->in))
			now = fifo_room(&w->in);
		assert_true(now > 0);
		memcpy(fifo_tail(&w->in), bytes, now);
		fifo_added(&w->in, now);
		bytes += now;
		size -= now;
		drain(w, &told);
	}
}

static void feed(struct legacy *w, const char *bytes, size_t size)
{
	feed_by(w, bytes, size, SIZE_MAX);
}

static void assert_out(struct legacy *w, const char *bytes, size_t size)
{
	assert_int_equal(fifo_size(&w->out), size);
	assert_memory_equal(fifo_head(&w->out), bytes, size);
	fifo_drop(&w->out, size);
}

static void begin(enum legacy_role role, const char *own)
{
	transcript_clear(&told);
	legacy_open(&wire, role, own);
}

/* A link that alice dialled; what bob sends next is his Handshake. */
static void begin_linked(void)
{
	begin(LEGACY_DIALLER, alice);
	feed(&wire, BYTES(BOB));
	assert_told(&told, "linked bob.local:62474\n");
	assert_out(&wire, BYTES(ALICE));
}

static void begin_changes(void)
{
	begin_linked();
	feed(&wire, BYTES(HELLO_FROM_A1));
	assert_told(&told, "id a1\nready 1\n");
}

/* The prologue: D < A and D > A, seen from either side. */

static void legacy_lower_dialler_says_its_address_once(void **state)
{
	(void)state;
	begin(LEGACY_DIALLER, alice);
	assert_out(&wire, BYTES(ALICE));
	feed(&wire, BYTES(BOB));
	assert_told(&told, "linked bob.local:62474\n");
	assert_int_equal(fifo_size(&wire.out), 0);
}

static void legacy_higher_dialler_says_its_address_twice(void **state)
{
	(void)state;
	begin(LEGACY_DIALLER, bob);
	assert_out(&wire, BYTES(BOB));
	feed(&wire, BYTES(ALICE));
	assert_told(&told, "linked alice.local:55204\n");
	assert_out(&wire, BYTES(BOB));
}

static void legacy_lower_caller_is_linked_when_admitted(void **state)
{
	(void)state;
	begin(LEGACY_ACCEPTOR, bob);
	assert_int_equal(fifo_size(&wire.out), 0);
	feed(&wire, BYTES(ALICE));
	assert_told(
		&told, "caller alice.local:55204\nlinked alice.local:55204\n");
	assert_out(&wire, BYTES(BOB));
}

static void legacy_higher_caller_is_linked_when_it_confirms(void **state)
{
	(void)state;
	begin(LEGACY_ACCEPTOR, alice);
	feed(&wire, BYTES(BOB));
	assert_told(&told, "caller bob.local:62474\n");
	assert_out(&wire, BYTES(ALICE));
	assert_int_equal(wire.state, LEGACY_CONFIRMING);
	feed(&wire, BYTES(BOB));
	assert_told(&told, "linked bob.local:62474\n");
	assert_int_equal(fifo_size(&wire.out), 0);
}

static void legacy_caller_waits_for_admission(void **state)
{
	static const char early[] = ALICE HELLO_FROM_A1;
	struct legacy_event event;

	(void)state;
	begin(LEGACY_ACCEPTOR, bob);
	memcpy(fifo_tail(&wire.in), early, sizeof(early) - 1);
	fifo_added(&wire.in, sizeof(early) - 1);
	assert_true(legacy_next(&wire, &event));
	assert_int_equal(event.kind, LEGACY_EVENT_CALLER);
	for (int i = 0; i < 3; i++)
		assert_false(legacy_next(&wire, &event));
	assert_int_equal(fifo_size(&wire.out), 0);
	legacy_admit(&wire);
	drain(&wire, &told);
	assert_told(&told, "linked alice.local:55204\nid a1\nready 1\n");
}

static void legacy_two_wires_link_with_each_other(void **state)
{
	static struct legacy dialler, acceptor;
	static const char *const names[2][2] = { { alice, bob },
		{ bob, alice } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		transcript_clear(&told);
		legacy_open(&dialler, LEGACY_DIALLER, names[i][0]);
		legacy_open(&acceptor, LEGACY_ACCEPTOR, names[i][1]);
		for (int turn = 0; turn < 4; turn++) {
			struct legacy *from =
				turn % 2 == 0 ? &dialler : &acceptor;
			struct legacy *to =
				turn % 2 == 0 ? &acceptor : &dialler;
			size_t size = fifo_size(&from->out);

			feed(to, (const char *)fifo_head(&from->out), size);
			fifo_drop(&from->out, size);
		}
		assert_int_equal(dialler.state, LEGACY_LINKED);
		assert_int_equal(acceptor.state, LEGACY_LINKED);
		assert_string_equal(dialler.peer, names[i][1]);
		assert_string_equal(acceptor.peer, names[i][0]);
	}
}

static void abuse_37_L9_addresses_have_1_to_255_bytes(void **state)
{
	char bytes[2 + LEGACY_ADDRESS_MAX] = "\377\001";

	(void)state;
	begin(LEGACY_ACCEPTOR, bob);
	feed(&wire, BYTES("\001A"));
	assert_told(&told, "caller A\nlinked A\n");

	memset(bytes + 2, 'A', LEGACY_ADDRESS_MAX);
	begin(LEGACY_ACCEPTOR, bob);
	feed(&wire, bytes, sizeof(bytes));
	assert_int_equal(wire.state, LEGACY_LINKED);
	assert_int_equal(strlen(wire.peer), LEGACY_ADDRESS_MAX);
}

/* Composing: golden bytes. */

static void legacy_handshake_has_golden_bytes(void **state)
{
	uint8_t own[LEGACY_KEY_SIZE], other[LEGACY_KEY_SIZE];
	size_t heads_size;

	(void)state;
	begin_linked();
	key_of("a1", own);
	key_of("b2", other);
	heads_size = legacy_head_size(own, 1) + legacy_head_size(other, 300);
	assert_int_equal(heads_size, 8 + 9);
	assert_true(legacy_put_handshake(&wire, own, heads_size));
	assert_true(legacy_put_head(&wire, own, 1));
	assert_true(legacy_put_head(&wire, other, 300));
	assert_out(
		&wire, BYTES("\027"                           /* 23 bytes */
			     "\012\002a1"                     /* 1: id */
			     "\030\001"                       /* 3: sync */
			     "\022\006\012\002a1\020\001"     /* 2: a1, 1 */
			     "\022\007\012\002b2\020\254\002" /* 2: b2, 300 */
			       ));
}

static void legacy_handshake_without_heads_has_golden_bytes(void **state)
{
	uint8_t own[LEGACY_KEY_SIZE];
	static const char rest[] = "ff6" ZEROS_61 "\030\001";

	(void)state;
	begin_linked();
	key_of(key_id, own);
	assert_true(legacy_put_handshake(&wire, own, 0));
	assert_int_equal(fifo_size(&wire.out), 4 + sizeof(rest) - 1);
	assert_memory_equal(fifo_head(&wire.out), "\105\012\101@", 4);
	fifo_drop(&wire.out, 4);
	assert_out(&wire, BYTES(rest));
}

static void legacy_change_has_golden_bytes(void **state)
{
	static const struct {
		uint32_t seq;
		const char *entry;
		const char *bytes;
		size_t size;
	} cases[] = {
		{ 1, "hello", BYTES("\015\012\002a1\020\001\032\005hello") },
		{ 128, "", BYTES("\011\012\002a1\020\200\001\032\000") },
		{ UINT32_MAX, "x",
			BYTES("\015\012\002a1\020\377\377\377\377\017"
			      "\032\001x") },
	};
	uint8_t key[LEGACY_KEY_SIZE];

	(void)state;
	begin_linked();
	key_of("a1", key);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct reader entry =
			reader_over(cases[i].entry, strlen(cases[i].entry));

		assert_true(legacy_put_change(&wire, key, cases[i].seq, entry));
		assert_out(&wire, cases[i].bytes, cases[i].size);
	}
}

static void legacy_puts_nothing_when_it_does_not_fit(void **state)
{
	static uint8_t large[LEGACY_ENTRY_MAX];
	uint8_t key[LEGACY_KEY_SIZE];
	size_t room, handshake = 2 + 4 + 1,
		     head = legacy_head_size((key_of("a1", key), key), 1);

	(void)state;
	begin_linked();
	while (legacy_put_change(
		&wire, key, 1, reader_over(large, sizeof(large) / 2)))
		;
	while (legacy_put_change(&wire, key, 1, reader_over(large, 100)))
		;
	while (legacy_put_change(&wire, key, 1, reader_over(large, 0)))
		;
	room = fifo_room(&wire.out);
	assert_true(room < handshake + 4);
	fifo_added(&wire.out, room);
	for (size_t i = 1; i < handshake; i++) {
		assert_false(legacy_put_handshake(&wire, key, 0));
		assert_true(i >= head || !legacy_put_head(&wire, key, 1));
		assert_false(legacy_put_change(
			&wire, key, 1, reader_over(large, 0)));
		assert_int_equal(fifo_room(&wire.out), i - 1);
		fifo_drop(&wire.out, 1);
	}
	assert_int_equal(fifo_room(&wire.out), handshake - 1);
	fifo_drop(&wire.out, 1);
	assert_true(legacy_put_handshake(&wire, key, 0));
	assert_int_equal(fifo_room(&wire.out), 0);
	assert_false(legacy_put_head(&wire, key, 1));
	fifo_drop(&wire.out, head);
	assert_true(legacy_put_head(&wire, key, 1));
	assert_int_equal(fifo_room(&wire.out), 0);
}

/* Decoding. */

struct decode_case {
	const char *bytes;
	size_t size;
	const char *told;
};

static void legacy_reads_handshakes(void **state)
{
	static const struct decode_case cases[] = {
		{ BYTES("\004\012\002a1"), "id a1\nready 1\n" },
		{ BYTES("\006\012\002a1\030\001"), "id a1\nready 1\n" },
		{ BYTES("\006\012\002a1\030\002"), "id a1\nready 2\n" },
		{ BYTES("\006\030\003\012\002a1"), "id a1\nready 3\n" },
		/* The last one of a field counts. */
		{ BYTES("\010\012\002a1\030\002\030\001"), "id a1\nready 1\n" },
		{ BYTES("\010\012\002a1\012\002b2"),
			"id a1\nid b2\nready 1\n" },
		/* Heads, before the id and after it, 0 and 2^32 - 1. */
		{ BYTES("\024\022\006\012\002a1\020\005\012\002a1"
			"\022\006\012\002b2\020\000"),
			"head a1 5\nid a1\nhead b2 0\nready 1\n" },
		{ BYTES("\020\012\002a1\022\012\012\002a1"
			"\020\377\377\377\377\017"),
			"id a1\nhead a1 4294967295\nready 1\n" },
		/* The fields of a head in the other order, and twice. */
		{ BYTES("\016\012\002a1\022\010\020\001\012\002a1\020\007"),
			"id a1\nhead a1 7\nready 1\n" },
		/* Unknown fields of each type are skipped, also in a head. */
		{ BYTES("\043\012\002a1" /* 1 */
			"\040\005"       /* 4, varint */
			"\051"
			"12345678"   /* 5, 64 bits */
			"\062\002zz" /* 6, bytes */
			"\075"
			"1234" /* 7, 32 bits */
			"\022\011\012\002b2\042\001x\020\002"),
			"id a1\nhead b2 2\nready 1\n" },
		/* Field number 16 has a tag of two bytes. */
		{ BYTES("\010\202\001\001x\012\002a1"), "id a1\nready 1\n" },
		/* Ids that mean nothing here. */
		{ BYTES("\004\012\002A!"), "ready 1\n" },
		{ BYTES("\002\012\000"), "ready 1\n" },
		{ BYTES("\024\012\002a1\022\006\012\002A1\020\001"
			"\022\006\012\002b2\020\001"),
			"id a1\nhead b2 1\nready 1\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		begin_linked();
		feed(&wire, cases[i].bytes, cases[i].size);
		assert_told(&told, cases[i].told);
		assert_int_equal(wire.state, LEGACY_CHANGES);
		assert_int_equal(fifo_size(&wire.in), 0);
	}
}

static void legacy_reads_changes(void **state)
{
	static const struct decode_case cases[] = {
		{ BYTES("\015\012\002a1\020\001\032\005hello"),
			"change a1 1 hello\n" },
		{ BYTES("\015\032\005hello\020\001\012\002a1"),
			"change a1 1 hello\n" },
		{ BYTES("\010\012\002a1\020\001\032\000"), "change a1 1 \n" },
		{ BYTES("\015\012\002a1\020\377\377\377\377\017\032\001x"),
			"change a1 4294967295 x\n" },
		/* Numbers need not follow each other: that is for others. */
		{ BYTES("\011\012\002a1\020\011\032\001x"
			"\011\012\002a1\020\003\032\001y"),
			"change a1 9 x\nchange a1 3 y\n" },
		/* Unknown fields; the last one of a field counts. */
		{ BYTES("\025\042\001z\012\002a1\020\001\032\001x\032\001y"
			"\202\001\001z\020\002"),
			"change a1 2 y\n" },
		/* Authors that mean nothing here. */
		{ BYTES("\011\012\002A1\020\001\032\001x"
			"\007\012\000\020\001\032\001x"
			"\011\012\002b2\020\001\032\001y"),
			"change b2 1 y\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		begin_changes();
		feed(&wire, cases[i].bytes, cases[i].size);
		assert_told(&told, cases[i].told);
		assert_int_equal(wire.state, LEGACY_CHANGES);
		assert_int_equal(fifo_size(&wire.in), wire.consumed);
	}
}

static void legacy_reads_the_largest_entry(void **state)
{
	static uint8_t entry[LEGACY_ENTRY_MAX];
	static struct legacy from;
	uint8_t key[LEGACY_KEY_SIZE];

	(void)state;
	begin_changes();
	from = wire;
	from.out = fifo_over(from.out_bytes, sizeof(from.out_bytes));
	key_of(key_id, key);
	memset(entry, 'e', sizeof(entry));
	assert_true(legacy_put_change(
		&from, key, UINT32_MAX, reader_over(entry, sizeof(entry))));
	feed(&wire, (const char *)fifo_head(&from.out), fifo_size(&from.out));
	assert_told(
		&told, "change @ff6" ZEROS_61 " 4294967295 (65536 bytes)\n");
}

/*
 * A Handshake names every author there is; whoever reads it needs no more
 * memory for many than for few.
 */
static void legacy_streams_handshakes_larger_than_its_buffer(void **state)
{
	enum { HEADS = 4000 };
	static struct legacy from;
	uint8_t key[LEGACY_KEY_SIZE];
	struct legacy_event event;
	size_t heads_size = 0, put = 0, seen = 0, total = 0;
	bool ready = false;

	(void)state;
	begin_linked();
	from = wire;
	from.out = fifo_over(from.out_bytes, sizeof(from.out_bytes));
	memset(key, 0, sizeof(key));
	for (uint32_t i = 0; i < HEADS; i++) {
		key[30] = (uint8_t)(i >> 8);
		key[31] = (uint8_t)i;
		heads_size += legacy_head_size(key, i);
	}
	assert_true(heads_size > 3 * LEGACY_IN_SIZE);
	assert_true(legacy_put_handshake(&from, key, heads_size));
	while (!ready) {
		size_t size = fifo_size(&from.out);

		for (; put < HEADS; put++) {
			key[30] = (uint8_t)(put >> 8);
			key[31] = (uint8_t)put;
			if (!legacy_put_head(&from, key, (uint32_t)put))
				break;
		}
		size = fifo_size(&from.out);
		if (size > fifo_room(&wire.in))
			size = fifo_room(&wire.in);
		assert_true(size > 0);
		memcpy(fifo_tail(&wire.in), fifo_head(&from.out), size);
		fifo_added(&wire.in, size);
		fifo_drop(&from.out, size);
		total += size;
		while (legacy_next(&wire, &event)) {
			ready = event.kind == LEGACY_EVENT_READY;
			if (event.kind != LEGACY_EVENT_HEAD)
				continue;
			assert_int_equal(event.seq, seen);
			assert_int_equal(event.key[30], seen >> 8);
			assert_int_equal(event.key[31], seen & 0xff);
			seen++;
		}
		assert_int_not_equal(wire.state, LEGACY_BROKEN);
	}
	assert_int_equal(seen, HEADS);
	assert_int_equal(fifo_size(&wire.in), 0);
	assert_true(total > heads_size && total < heads_size + 100);
}

/* What is malformed, and what is said of it (abuse 4 and 23). */

struct broken_case {
	const char *name;
	const char *bytes;
	size_t size;
	const char *complaint;
};

#define LENGTH_CASES                                                           \
	{ "length 0", BYTES("\000...."), "length out of bounds" },             \
		{ "length of 10 bytes",                                        \
			BYTES("\377\377\377\377\377\377\377\377\377\177"),     \
			"malformed length" },                                  \
		{ "length of 7 bytes", BYTES("\377\377\377\377\377\377\177"),  \
			"malformed length" },                                  \
		{ "length 2^30", BYTES("\200\200\200\200\004"),                \
			"malformed length" },                                  \
		{ "length 2^28 - 1", BYTES("\377\377\377\177"),                \
			"length out of bounds" },                              \
		{ "length padded to two bytes", BYTES("\221\000al"),           \
			"malformed length" },                                  \
	{                                                                      \
		"length padded to three bytes", BYTES("\221\200\000a"),        \
			"malformed length"                                     \
	}

static const struct broken_case prologue_cases[] = {
	LENGTH_CASES,
	{ "length 256", BYTES("\200\002"), "length out of bounds" },
	{ "length 65,535", BYTES("\377\377\003"), "length out of bounds" },
	{ "space", BYTES("\003a b"), "malformed address" },
	{ "NUL", BYTES("\003a\000b"), "malformed address" },
	{ "ESC", BYTES("\003a\033b"), "malformed address" },
	{ "UTF-8", BYTES("\003a\303\244"), "malformed address" },
	{ "HTTP",
		BYTES("GET / HTTP/1.1\r\nHost: alice.local:55204\r\n"
		      "Accept: text/html, application/xhtml+xml, */*\r\n"),
		"malformed address" },
};

static const struct broken_case handshake_cases[] = {
	LENGTH_CASES,
	{ "length 2^22 + 1", BYTES("\201\200\200\002"),
		"length out of bounds" },
	{ "no id", BYTES("\002\030\001"), "handshake without id" },
	{ "no id but a head", BYTES("\010\022\006\012\002A1\020\001"),
		"handshake without id" },
	{ "mode 0", BYTES("\002\030\000"), "unknown mode" },
	{ "mode 4", BYTES("\002\030\004"), "unknown mode" },
	{ "mode 2^32 + 1", BYTES("\006\030\201\200\200\200\020"),
		"unknown mode" },
	{ "mode -1", BYTES("\013\030\377\377\377\377\377\377\377\377\377\001"),
		"unknown mode" },
	{ "mode is bytes", BYTES("\003\032\001\001"), "malformed handshake" },
	{ "id is a varint", BYTES("\002\010\001"), "malformed handshake" },
	{ "head is a varint", BYTES("\002\020\001"), "malformed handshake" },
	{ "field 0", BYTES("\002\000\001"), "malformed handshake" },
	{ "tag of field 2^32 + 1", BYTES("\011\212\200\200\200\200\001\002a1"),
		"malformed handshake" },
	{ "value over 2^64",
		BYTES("\017\040\377\377\377\377\377\377\377\377\377\002"
		      "\012\002a1"),
		"malformed handshake" },
	{ "padded tag", BYTES("\005\212\000\002a1"), "malformed handshake" },
	{ "padded size", BYTES("\005\012\202\000a1"), "malformed handshake" },
	{ "padded mode", BYTES("\003\030\201\000"), "malformed handshake" },
	{ "type 3", BYTES("\002\053\001"), "malformed handshake" },
	{ "type 4", BYTES("\002\054\001"), "malformed handshake" },
	{ "type 6", BYTES("\002\056\001"), "malformed handshake" },
	{ "type 7", BYTES("\002\057\001"), "malformed handshake" },
	{ "tag only", BYTES("\001\012"), "malformed handshake" },
	{ "id longer than the frame", BYTES("\004\012\003a1"),
		"malformed handshake" },
	{ "bytes of 2^64 - 1",
		BYTES("\014\012\377\377\377\377\377\377\377\377\377\001x"),
		"malformed handshake" },
	{ "64 bits cut short", BYTES("\003\051zz"), "malformed handshake" },
	{ "32 bits cut short", BYTES("\003\055zz"), "malformed handshake" },
	{ "head without author", BYTES("\004\022\002\020\001"),
		"malformed head" },
	{ "head without seq", BYTES("\006\022\004\012\002a1"),
		"malformed head" },
	{ "empty head", BYTES("\002\022\000"), "malformed head" },
	{ "head of 2^32",
		BYTES("\014\022\012\012\002a1\020\200\200\200\200\020"),
		"malformed head" },
	{ "head of -1",
		BYTES("\021\022\017\012\002a1\020\377\377\377\377\377\377\377"
		      "\377\377\001"),
		"malformed head" },
	{ "padded head", BYTES("\011\022\007\012\002a1\020\201\000"),
		"malformed head" },
	{ "head whose seq is bytes", BYTES("\011\022\007\012\002a1\022\001x"),
		"malformed head" },
	{ "head whose author is a varint",
		BYTES("\006\022\004\010\001\020\001"), "malformed head" },
	{ "head longer than its frame", BYTES("\010\022\006\012\003a1\020\001"),
		"malformed head" },
};

static const struct broken_case change_cases[] = {
	LENGTH_CASES,
	{ "length over LEGACY_FRAME_MAX", BYTES("\201\220\004"),
		"length out of bounds" },
	{ "number 0", BYTES("\011\012\002a1\020\000\032\001x"),
		"change number 0" },
	{ "number -1",
		BYTES("\022\012\002a1\020\377\377\377\377\377\377\377\377\377"
		      "\001\032\001x"),
		"malformed change" },
	{ "number 2^32",
		BYTES("\015\012\002a1\020\200\200\200\200\020\032\001x"),
		"malformed change" },
	{ "number 2^32 + 5",
		BYTES("\015\012\002a1\020\205\200\200\200\020\032\001x"),
		"malformed change" },
	{ "padded number", BYTES("\012\012\002a1\020\201\000\032\001x"),
		"malformed change" },
	{ "number of 11 bytes",
		BYTES("\023\012\002a1\020\201\200\200\200\200\200\200\200\200"
		      "\200\001\032\001x"),
		"malformed change" },
	{ "number over 2^64",
		BYTES("\022\012\002a1\020\377\377\377\377\377\377\377\377\377"
		      "\002\032\001x"),
		"malformed change" },
	{ "no author", BYTES("\005\020\001\032\001x"), "malformed change" },
	{ "no number", BYTES("\007\012\002a1\032\001x"), "malformed change" },
	{ "no entry", BYTES("\006\012\002a1\020\001"), "malformed change" },
	{ "author is a varint", BYTES("\007\010\001\020\001\032\001x"),
		"malformed change" },
	{ "number is 32 bits",
		BYTES("\014\012\002a1\025"
		      "1234\032\001x"),
		"malformed change" },
	{ "entry is a varint", BYTES("\010\012\002a1\020\001\030\001"),
		"malformed change" },
	{ "entry longer than the frame",
		BYTES("\011\012\002a1\020\001\032\002x"), "malformed change" },
	{ "a group", BYTES("\013\012\002a1\020\001\032\001x\043\044"),
		"malformed change" },
	{ "bad author, but also malformed", BYTES("\002\012\000"),
		"malformed change" },
};

static void assert_broken(const struct broken_case *c)
{
	struct transcript expected = { 0 };
	struct legacy_event event;

	tell(&expected, "broken %s\n", c->complaint);
	if (strcmp(told.text, expected.text) != 0)
		fail_msg("%s: told \"%s\", not \"%s\"", c->name, told.text,
			expected.text);
	assert_int_equal(wire.state, LEGACY_BROKEN);
	/* Nothing more is told, whatever else is there. */
	if (fifo_room(&wire.in) >= sizeof(BOB) - 1) {
		memcpy(fifo_tail(&wire.in), BYTES(BOB));
		fifo_added(&wire.in, sizeof(BOB) - 1);
	}
	assert_false(legacy_next(&wire, &event));
	transcript_clear(&told);
}

/* All at once, byte by byte, and in threes. */
static void assert_all_broken(const struct broken_case *cases, size_t count,
	void (*begin_stage)(void))
{
	static const size_t steps[] = { SIZE_MAX, 1, 3 };

	for (size_t i = 0; i < count * COUNT_OF(steps); i++) {
		const struct broken_case *c = &cases[i / COUNT_OF(steps)];

		begin_stage();
		feed_by(&wire, c->bytes, c->size, steps[i % COUNT_OF(steps)]);
		assert_broken(c);
	}
}

static void begin_called(void)
{
	begin(LEGACY_ACCEPTOR, alice);
}

static void begin_dialled(void)
{
	begin(LEGACY_DIALLER, alice);
}

static void begin_confirming(void)
{
	begin(LEGACY_ACCEPTOR, alice);
	feed(&wire, BYTES(BOB));
	assert_told(&told, "caller bob.local:62474\n");
}

static void abuse_23_malformed_prologues_break_it(void **state)
{
	(void)state;
	assert_all_broken(
		prologue_cases, COUNT_OF(prologue_cases), begin_called);
	assert_all_broken(
		prologue_cases, COUNT_OF(prologue_cases), begin_dialled);
	assert_all_broken(
		prologue_cases, COUNT_OF(prologue_cases), begin_confirming);
}

static void legacy_breaks_on_a_second_address(void **state)
{
	static const struct broken_case cases[] = {
		{ "another", BYTES("\017bob.local:62475"),
			"two addresses for one connection" },
		{ "shorter", BYTES("\016bob.local:6247"),
			"two addresses for one connection" },
		{ "longer", BYTES("\020bob.local:624740"),
			"two addresses for one connection" },
		{ "our own", BYTES(ALICE), "two addresses for one connection" },
	};

	(void)state;
	assert_all_broken(cases, COUNT_OF(cases), begin_confirming);
}

static void abuse_23_malformed_handshakes_break_it(void **state)
{
	(void)state;
	assert_all_broken(
		handshake_cases, COUNT_OF(handshake_cases), begin_linked);
}

static void abuse_04_23_malformed_changes_break_it(void **state)
{
	(void)state;
	assert_all_broken(change_cases, COUNT_OF(change_cases), begin_changes);
}

static void legacy_breaks_on_an_entry_that_is_too_large(void **state)
{
	static char bytes[LEGACY_FRAME_MAX];
	static const struct broken_case c = { .name = "entry of 65,537 bytes",
		.complaint = "entry too large" };
	struct writer w = writer_over(bytes, sizeof(bytes));

	(void)state;
	write_varint(&w, 6 + 4 + LEGACY_ENTRY_MAX + 1);
	write_bytes(&w, "\012\002a1\020\001\032", 7);
	write_varint(&w, LEGACY_ENTRY_MAX + 1);
	write_zeros(&w, LEGACY_ENTRY_MAX + 1);
	assert_false(w.full);
	begin_changes();
	feed(&wire, bytes, w.size);
	assert_broken(&c);
}

/* A field of a Handshake must fit into the buffer: it is not streamed. */
static void legacy_breaks_on_a_field_larger_than_its_buffer(void **state)
{
	static char zeros[LEGACY_IN_SIZE];
	static const struct broken_case c = { .name = "field of 100,000 bytes",
		.complaint = "malformed handshake" };

	(void)state;
	begin_linked();
	feed(&wire, BYTES("\244\215\006\062\240\215\006"));
	assert_told(&told, "");
	feed(&wire, zeros, LEGACY_IN_SIZE - 4);
	assert_broken(&c);
}

/* Every way of cutting the same bytes gives the same events (abuse 26). */

static void abuse_26_the_same_is_told_wherever_input_is_cut(void **state)
{
	static const char bytes[] = BOB
		"\033\012\002a1\022\006\012\002a1\020\005\042\001z"
		"\022\010\012\002b2\020\377\377\003\030\002"
		"\015\012\002a1\020\006\032\005hello"
		"\011\012\002A1\020\001\032\001x"
		"\202\001\012\002b2\020\200\200\004\032\170"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"\011\012\002a1\020\000\032\001x";
	static const char expected[] =
		"linked bob.local:62474\nid a1\nhead a1 5\nhead b2 65535\n"
		"ready 2\nchange a1 6 hello\nchange b2 65536 (120 bytes)\n"
		"broken change number 0\n";
	const size_t size = sizeof(bytes) - 1;

	(void)state;
	for (size_t step = 1; step <= size; step++) {
		begin(LEGACY_DIALLER, alice);
		feed_by(&wire, bytes, size, step);
		assert_told(&told, expected);
	}
	for (size_t cut = 0; cut <= size; cut++) {
		begin(LEGACY_DIALLER, alice);
		feed(&wire, bytes, cut);
		feed(&wire, bytes + cut, size - cut);
		assert_told(&told, expected);
	}
}

/* Cut off at any place, nothing is told that is not whole. */
static void legacy_tells_only_whole_changes(void **state)
{
	static const char bytes[] = "\015\012\002a1\020\006\032\005hello";

	(void)state;
	for (size_t size = 0; size < sizeof(bytes) - 1; size++) {
		begin_changes();
		feed(&wire, bytes, size);
		assert_told(&told, "");
		assert_int_equal(wire.state, LEGACY_CHANGES);
	}
}

/* Ids, keys, addresses and ports. */

static void legacy_ids_have_keys(void **state)
{
	static const struct {
		const char *id;
		size_t size;
		bool valid;
	} cases[] = {
		{ BYTES("a"), true },
		{ BYTES("0"), true },
		{ BYTES("cjq2p7bf50000qzrmh0a1b2c3"), true },
		{ BYTES("abcdefghijklmnopqrstuvwxyz012345"), true },
		{ BYTES("abcdefghijklmnopqrstuvwxyz0123456"), false },
		{ BYTES(""), false },
		{ BYTES("A"), false },
		{ BYTES("a b"), false },
		{ BYTES("a\000b"), false },
		{ BYTES("a\000"), false },
		{ BYTES("\000"), false },
		{ BYTES("\303\244"), false },
		{ BYTES("@"), false },
		{ BYTES("@00"), false },
		{ BYTES("@000" ZEROS_61), true },
		{ BYTES("@fff" ZEROS_61), true },
		{ BYTES("@FFF" ZEROS_61), false },
		{ BYTES("@00g" ZEROS_61), false },
		{ BYTES("@00" ZEROS_61), false },
		{ BYTES("@0000" ZEROS_61), false },
		{ BYTES("0000" ZEROS_61), false },
		/* Letters and zeros: the key of the id "a". */
		{ BYTES("@610" ZEROS_61), false },
		/* A letter, a zero, and more: no other id's key. */
		{ BYTES("@610061000"
			"0000000000000000000000000000000000000000"
			"000000000000000"),
			true },
	};
	uint8_t key[LEGACY_KEY_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		bool valid = legacy_key_of_id(cases[i].id, cases[i].size, key);

		if (valid != cases[i].valid)
			fail_msg("id \"%s\" must be %s", cases[i].id,
				cases[i].valid ? "valid" : "refused");
		if (valid)
			assert_string_equal(id_of(key), cases[i].id);
	}
}

static void legacy_keys_have_one_id_each(void **state)
{
	static const uint8_t likely[] = { 0, 'a', 'z', '0', '9', 'A', 0xff };
	uint8_t key[LEGACY_KEY_SIZE], again[LEGACY_KEY_SIZE];
	char id[LEGACY_ID_MAX + 1];
	uint64_t random = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t letters = test_random(&random) % (LEGACY_KEY_SIZE + 1);

		memset(key, 0, sizeof(key));
		for (size_t j = 0; j < letters; j++)
			key[j] = (uint8_t)('a' + test_random(&random) % 26);
		if (i % 2 == 0)
			key[test_random(&random) % LEGACY_KEY_SIZE] =
				likely[test_random(&random) % sizeof(likely)];
		assert_true(
			legacy_key_of_id(id, legacy_id_of_key(key, id), again));
		assert_memory_equal(key, again, sizeof(key));
	}
}

static void legacy_key_of_the_original_is_its_id_and_zeros(void **state)
{
	uint8_t key[LEGACY_KEY_SIZE];

	(void)state;
	memset(key, 0xee, sizeof(key));
	key_of("ab1", key);
	assert_memory_equal(key, "ab1", 3);
	for (size_t i = 3; i < sizeof(key); i++)
		assert_int_equal(key[i], 0);
	key_of(key_id, key);
	assert_int_equal(key[0], 0xff);
	assert_int_equal(key[1], 0x60);
}

static void abuse_37_L9_addresses_are_letters_digits_and_signs(void **state)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.:-";
	char address[LEGACY_ADDRESS_MAX + 1];

	(void)state;
	for (int c = 0; c < 256; c++) {
		address[0] = (char)c;
		assert_int_equal(legacy_address_valid(address, 1),
			c != 0 && strchr(allowed, c) != NULL);
	}
	memset(address, 'a', sizeof(address));
	assert_false(legacy_address_valid(address, 0));
	assert_true(legacy_address_valid(address, LEGACY_ADDRESS_MAX));
	assert_false(legacy_address_valid(address, LEGACY_ADDRESS_MAX + 1));
}

/* What hash-to-port 1.2.0 answers. */
static void legacy_ports_are_those_of_hash_to_port(void **state)
{
	static const struct {
		const char *name;
		uint16_t port;
	} cases[] = {
		{ "alice", 55204 },
		{ "bob", 62474 },
		{ "", 45803 },
		{ "a", 46213 },
		{ "carol", 28064 },
		{ "dave", 8668 },
		{ "persisted-chat", 60903 },
		{ "abcdefghijklmnopqrstuvwxyz012345", 64451 },
		/* 55 bytes, the longest that one block of SHA-1 takes. */
		{ "01234567890123456789012345678901234567890123456789"
		  "01234",
			23988 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(
			legacy_port_of_name(cases[i].name), cases[i].port);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(legacy_lower_dialler_says_its_address_once),
		cmocka_unit_test(legacy_higher_dialler_says_its_address_twice),
		cmocka_unit_test(legacy_lower_caller_is_linked_when_admitted),
		cmocka_unit_test(
			legacy_higher_caller_is_linked_when_it_confirms),
		cmocka_unit_test(legacy_caller_waits_for_admission),
		cmocka_unit_test(legacy_two_wires_link_with_each_other),
		cmocka_unit_test(abuse_37_L9_addresses_have_1_to_255_bytes),
		cmocka_unit_test(legacy_handshake_has_golden_bytes),
		cmocka_unit_test(
			legacy_handshake_without_heads_has_golden_bytes),
		cmocka_unit_test(legacy_change_has_golden_bytes),
		cmocka_unit_test(legacy_puts_nothing_when_it_does_not_fit),
		cmocka_unit_test(legacy_reads_handshakes),
		cmocka_unit_test(legacy_reads_changes),
		cmocka_unit_test(legacy_reads_the_largest_entry),
		cmocka_unit_test(
			legacy_streams_handshakes_larger_than_its_buffer),
		cmocka_unit_test(abuse_23_malformed_prologues_break_it),
		cmocka_unit_test(legacy_breaks_on_a_second_address),
		cmocka_unit_test(abuse_23_malformed_handshakes_break_it),
		cmocka_unit_test(abuse_04_23_malformed_changes_break_it),
		cmocka_unit_test(legacy_breaks_on_an_entry_that_is_too_large),
		cmocka_unit_test(
			legacy_breaks_on_a_field_larger_than_its_buffer),
		cmocka_unit_test(
			abuse_26_the_same_is_told_wherever_input_is_cut),
		cmocka_unit_test(legacy_tells_only_whole_changes),
		cmocka_unit_test(legacy_ids_have_keys),
		cmocka_unit_test(legacy_keys_have_one_id_each),
		cmocka_unit_test(
			legacy_key_of_the_original_is_its_id_and_zeros),
		cmocka_unit_test(
			abuse_37_L9_addresses_are_letters_digits_and_signs),
		cmocka_unit_test(legacy_ports_are_those_of_hash_to_port),
	};

	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
