/* SPDX-License-Identifier: ISC */
/*
 * test_wire.c: two wires back to back.  Alice dials, bob accepts.
 *
 * As their random bytes are fixed, all that either of them sends is the same
 * in every run: what one sent in a recorded conversation can be given to the
 * other again, changed or cut.  What a side is told, in lines:
 *
 *	peer NAME INSTANCE VERSION	message TYPE BODY	broken TEXT
 */
#include "testing.h"

#include "forge.h"
#include "hex.h"
#include "wire.h"

#define PEER_ALICE "peer alice 1001 1\n"
#define PEER_BOB   "peer bob 1002 1\n"
#define BAD_LENGTH "broken it sent a frame of an impossible length\n"
#define BAD_ROOM   "broken it is in another room, or speaks another version\n"
#define BAD_CIPHER "broken it sent a frame that does not decrypt\n"
#define BAD_AUTH   "broken it did not prove who it is\n"
#define BAD_START  "broken it speaks another protocol\n"
#define BAD_KEY    "broken it sent a key of small order\n"
#define BAD_SIZE   "broken it sent a message of an impossible length\n"

enum { FRAMES_MAX = 16, MESSAGES = 3 };

struct side {
	struct wire wire;
	struct wire_self self;
	struct ed25519_key key;
	uint8_t random[WIRE_RANDOM_SIZE];
	uint8_t room_id[RECORD_ID_SIZE];
	struct wire_buffers buffers;
	struct transcript told;
};

static struct side sides[2]; /* by enum wire_role */
static struct side *const alice = &sides[WIRE_DIALLER];
static struct side *const bob = &sides[WIRE_ACCEPTOR];

/* One side's frames, in order, as they were recorded. */
struct conversation {
	size_t count;
	struct {
		size_t size;
		uint8_t bytes[256];
	} frames[FRAMES_MAX];
};

static struct conversation recorded[2]; /* what that side sends */

static void side_begin(int role)
{
	struct side *s = &sides[role];
	uint8_t seed[ED25519_SEED_SIZE];

	transcript_clear(&s->told);
	memset(seed, 1 + role, sizeof(seed));
	ed25519_key_from_seed(&s->key, seed);
	for (size_t i = 0; i < sizeof(s->random); i++)
		s->random[i] = (uint8_t)((int)i + 64 * role);
	memset(s->room_id, 0x77, sizeof(s->room_id));
	s->self.key = &s->key;
	s->self.name = role == WIRE_DIALLER ? "alice" : "bob";
	s->self.room_id = s->room_id;
	s->self.instance = 1001 + (uint64_t)role;
	wire_open(&s->wire, (enum wire_role)role, &s->self, s->random);
}

static void begin(void)
{
	side_begin(WIRE_DIALLER);
	side_begin(WIRE_ACCEPTOR);
}

static void tell_message(struct transcript *t, const struct wire_event *e)
{
	tell(t, "message %u ", e->type);
	if (e->body.left > 100)
		tell(t, "(%zu bytes)\n", e->body.left);
	else
		tell(t, "%.*s\n", (int)e->body.left, (const char *)e->body.at);
}

/* Tells all that is there.  A side that is broken never sends a byte. */
static void drain(struct side *s)
{
	struct wire_event e;

	while (wire_next(&s->wire, &e)) {
		switch (e.kind) {
		case WIRE_PEER:
			tell(&s->told, "peer %s %llu %u\n", s->wire.peer.name,
				(unsigned long long)s->wire.peer.instance,
				s->wire.peer.version);
			assert_false(wire_next(&s->wire, &e));
			wire_grow(&s->wire, &s->buffers);
			break;
		case WIRE_MESSAGE:
			tell_message(&s->told, &e);
			break;
		case WIRE_BROKEN:
			tell(&s->told, "broken %s\n", e.text);
			assert_int_equal(s->wire.state, WIRE_DEAD);
			break;
		}
	}
	if (s->wire.state == WIRE_DEAD)
		assert_true(wire_is_empty(&s->wire));
}

/* Gives a side bytes, at most `step` at a time. */
static void feed_by(
	struct side *s, const uint8_t *bytes, size_t size, size_t step)
{
	struct reader r = reader_over(bytes, size);

	while (r.left > 0 && s->wire.state != WIRE_DEAD) {
		size_t now = r.left < step ? r.left : step;

		if (now > fifo_room(&s->wire.in))
			now = fifo_room(&s->wire.in);
		assert_true(now > 0);
		read_copy(&r, fifo_tail(&s->wire.in), now);
		fifo_added(&s->wire.in, now);
		drain(s);
	}
}

static void feed(struct side *s, const uint8_t *bytes, size_t size)
{
	feed_by(s, bytes, size, SIZE_MAX);
}

/* Takes what a side has to send; it is all whole frames.  Its size. */
static size_t take(struct side *s, uint8_t *bytes, size_t capacity)
{
	size_t size = fifo_size(&s->wire.out);

	assert_true(size <= capacity);
	memcpy(bytes, fifo_head(&s->wire.out), size);
	fifo_drop(&s->wire.out, size);
	return size;
}

/* Carries what is sealed both ways until there is nothing. */
static void carry(void)
{
	static uint8_t bytes[WIRE_OUT_SIZE];

	while (fifo_size(&alice->wire.out) + fifo_size(&bob->wire.out) > 0) {
		feed(bob, bytes, take(alice, bytes, sizeof(bytes)));
		feed(alice, bytes, take(bob, bytes, sizeof(bytes)));
	}
}

static void link_up(void)
{
	begin();
	carry();
	assert_told(&alice->told, PEER_BOB);
	assert_told(&bob->told, PEER_ALICE);
}

static void put_text(struct side *s, const char *text)
{
	assert_true(wire_put(&s->wire, MESSAGE_BYE, text, strlen(text)));
}

/* Records, frame by frame, what a side has to send, and gives it away. */
static void record_frames(struct side *from, struct side *to)
{
	struct conversation *c = &recorded[from->wire.role];
	uint8_t bytes[4096];
	struct reader r = reader_over(bytes, take(from, bytes, sizeof(bytes)));

	feed(to, r.at, r.left);
	while (r.left > 0) {
		bool is_first = from == alice && c->count == 0;
		struct reader head = r;
		size_t size = 2;

		if (is_first) {
			assert_int_equal(read_u8(&head), 0);
			size++;
		}
		size += read_be16(&head);
		assert_true(c->count < FRAMES_MAX);
		assert_true(size <= sizeof(c->frames[0].bytes));
		read_copy(&r, c->frames[c->count].bytes, size);
		assert_false(r.bad);
		c->frames[c->count++].size = size;
	}
}

/* A handshake, and then MESSAGES messages each way, a frame for each. */
static void record_conversation(void)
{
	static const char *const texts[MESSAGES] = { "one", "two", "three" };

	memset(recorded, 0, sizeof(recorded));
	begin();
	for (int i = 0; i < 3; i++) {
		record_frames(alice, bob);
		record_frames(bob, alice);
	}
	for (int i = 0; i < MESSAGES; i++) {
		for (int role = 0; role < 2; role++) {
			put_text(&sides[role], texts[i]);
			wire_seal(&sides[role].wire);
			record_frames(&sides[role], &sides[1 - role]);
		}
	}
	assert_int_equal(recorded[WIRE_DIALLER].count, 3 + MESSAGES);
	assert_int_equal(recorded[WIRE_ACCEPTOR].count, 3 + MESSAGES);
}

#define MESSAGES_TOLD "message 6 one\nmessage 6 two\nmessage 6 three\n"

static const char *const all_told[2] = { PEER_BOB MESSAGES_TOLD,
	PEER_ALICE MESSAGES_TOLD };

/* The frames that `role` is to receive. */
static struct conversation *to_receive(int role)
{
	return &recorded[1 - role];
}

static void feed_frame(struct side *s, const struct conversation *c, size_t i)
{
	feed(s, c->frames[i].bytes, c->frames[i].size);
}

/* A side that has received `count` of its frames. */
static struct side *begin_at(int role, size_t count)
{
	side_begin(role);
	for (size_t i = 0; i < count; i++)
		feed_frame(&sides[role], to_receive(role), i);
	return &sides[role];
}

/* What a side was told must be a beginning of everything, and then the end. */
static void assert_told_only(int role, const char *name, size_t i)
{
	struct side *s = &sides[role];
	char *broken = strstr(s->told.text, "broken");

	if (broken != NULL)
		*broken = '\0';
	if (strncmp(s->told.text, all_told[role], strlen(s->told.text)) != 0 ||
		strcmp(s->told.text, all_told[role]) == 0)
		fail_msg("%s %zu: told %s", name, i, s->told.text);
	transcript_clear(&s->told);
}

/* The handshake as it should be. */

static void wire_sides_learn_who_the_other_is(void **state)
{
	(void)state;
	link_up();
	assert_memory_equal(alice->wire.peer.public_key, bob->key.public_key,
		RECORD_KEY_SIZE);
	assert_memory_equal(bob->wire.peer.public_key, alice->key.public_key,
		RECORD_KEY_SIZE);
	assert_memory_equal(alice->wire.hash, bob->wire.hash, NOISE_HASH_SIZE);
	assert_int_equal(alice->wire.state, WIRE_UP);
	assert_int_equal(bob->wire.state, WIRE_UP);
}

static void wire_own_key_at_the_other_end_is_told_like_any(void **state)
{
	(void)state;
	begin();
	bob->self.key = &alice->key;
	bob->self.instance = alice->self.instance;
	carry();
	assert_told(&alice->told, "peer bob 1001 1\n");
	assert_memory_equal(alice->wire.peer.public_key, alice->key.public_key,
		RECORD_KEY_SIZE);
}

/* A file of lines: a name, and bytes in hexadecimal digits. */
static void wire_handshake_has_golden_bytes(void **state)
{
	FILE *file = fopen("tests/vectors/wire.txt", "r");
	char line[1024], name[64], hex[900];
	size_t seen[2] = { 0, 0 };
	int hashes = 0;

	(void)state;
	assert_non_null(file);
	record_conversation();
	while (fgets(line, sizeof(line), file) != NULL) {
		int role = line[0] == 'A' ? WIRE_ACCEPTOR : WIRE_DIALLER;
		struct conversation *c = &recorded[role];

		if (line[0] == '#')
			continue;
		assert_int_equal(sscanf(line, "%63s %899s", name, hex), 2);
		if (strcmp(name, "hash") == 0) {
			assert_hex(alice->wire.hash, NOISE_HASH_SIZE, hex);
			hashes++;
			continue;
		}
		assert_true(seen[role] < c->count);
		assert_int_equal(c->frames[seen[role]].size, strlen(hex) / 2);
		assert_hex(c->frames[seen[role]].bytes, strlen(hex) / 2, hex);
		seen[role]++;
	}
	(void)fclose(file); /* it was only read */
	assert_int_equal(hashes, 1);
	assert_int_equal(seen[0], 3 + MESSAGES);
	assert_int_equal(seen[1], 3 + MESSAGES);
}

static void wire_wipes_what_is_secret(void **state)
{
	static const uint8_t zeros[sizeof(struct wire_buffers)];

	(void)state;
	link_up();
	assert_memory_equal(alice->wire.secret, zeros, WIRE_RANDOM_SIZE);
	assert_memory_equal(bob->wire.secret, zeros, WIRE_RANDOM_SIZE);
	assert_memory_equal(&bob->wire.noise, zeros, sizeof(struct noise));
	put_text(bob, "secret");
	put_text(alice, "secret");
	wire_seal(&alice->wire);
	put_text(alice, "secret");
	carry();
	assert_told(&bob->told, "message 6 secret\n");
	wire_close(&alice->wire);
	wire_close(&bob->wire);
	for (int i = 0; i < 2; i++) {
		assert_memory_equal(&sides[i].wire, zeros, sizeof(struct wire));
		assert_memory_equal(
			sides[i].buffers.stream, zeros, WIRE_STREAM_SIZE);
		assert_memory_equal(
			sides[i].buffers.frame, zeros, WIRE_PLAIN_MAX);
		wire_close(&sides[i].wire);
	}
}

static void abuse_26_any_cut_gives_the_same(void **state)
{
	static const size_t steps[] = { SIZE_MAX, 1, 2, 3, 7, 50 };
	uint8_t stream[4096];

	(void)state;
	record_conversation();
	for (int role = 0; role < 2; role++) {
		struct writer w = writer_over(stream, sizeof(stream));
		struct conversation *c = to_receive(role);

		for (size_t i = 0; i < c->count; i++)
			write_bytes(&w, c->frames[i].bytes, c->frames[i].size);
		for (size_t i = 0; i < COUNT_OF(steps); i++) {
			side_begin(role);
			feed_by(&sides[role], stream, w.size, steps[i]);
			assert_told(&sides[role].told, all_told[role]);
		}
		for (size_t cut = 0; cut <= w.size; cut++) {
			side_begin(role);
			feed(&sides[role], stream, cut);
			feed(&sides[role], stream + cut, w.size - cut);
			assert_told(&sides[role].told, all_told[role]);
		}
	}
}

static void wire_knows_when_a_frame_is_under_way(void **state)
{
	(void)state;
	record_conversation();
	for (int role = 0; role < 2; role++) {
		struct conversation *c = to_receive(role);
		struct side *s = &sides[role];

		side_begin(role);
		assert_false(wire_is_mid_frame(&s->wire));
		for (size_t i = 0; i < c->count; i++) {
			for (size_t j = 0; j < c->frames[i].size; j++) {
				assert_int_equal(
					wire_is_mid_frame(&s->wire), j > 0);
				feed(s, c->frames[i].bytes + j, 1);
			}
			assert_false(wire_is_mid_frame(&s->wire));
		}
		assert_told(&s->told, all_told[role]);
	}
}

/* Abuse 27: a recorded conversation with one frame changed. */

/* Each frame that it had, at each later point. */
static void abuse_27_a_frame_that_comes_again_breaks_it(void **state)
{
	(void)state;
	record_conversation();
	for (int role = 0; role < 2; role++) {
		struct conversation *c = to_receive(role);

		for (size_t at = 1; at <= c->count; at++) {
			for (size_t again = 0; again < at; again++) {
				struct side *s = begin_at(role, at);

				feed_frame(s, c, again);
				assert_int_equal(s->wire.state, WIRE_DEAD);
				if (at < c->count)
					assert_told_only(role, "again", at);
			}
		}
	}
}

static void abuse_27_frames_that_change_places_or_lack_break_it(void **state)
{
	(void)state;
	record_conversation();
	for (int role = 0; role < 2; role++) {
		struct conversation *c = to_receive(role);

		for (size_t at = 0; at + 1 < c->count; at++) {
			for (size_t later = at + 1; later < c->count; later++) {
				struct side *s = begin_at(role, at);

				feed_frame(s, c, later);
				feed_frame(s, c, at);
				assert_int_equal(s->wire.state, WIRE_DEAD);
				assert_told_only(role, "places", at);
			}
		}
	}
}

/* Everything a side itself sent, before each of the frames it waits for. */
static void abuse_27_its_own_frames_break_it_when_they_come_back(void **state)
{
	(void)state;
	record_conversation();
	for (int role = 0; role < 2; role++) {
		struct conversation *own = &recorded[role];

		for (size_t at = 0; at < own->count; at++) {
			for (size_t back = 0; back < own->count; back++) {
				struct side *s = begin_at(role, at);

				feed_frame(s, own, back);
				assert_int_equal(s->wire.state, WIRE_DEAD);
				assert_told_only(role, "back", at);
			}
		}
	}
}

/* A dialler that is answered by itself, frame by frame. */
static void abuse_27_nobody_is_linked_with_his_mirror(void **state)
{
	uint8_t bytes[1024];
	size_t size;

	(void)state;
	side_begin(WIRE_DIALLER);
	size = take(alice, bytes, sizeof(bytes));
	feed(alice, bytes + 1, size - 1); /* D1 as A1 */
	assert_int_equal(alice->wire.state, WIRE_NOISE);
	size = take(alice, bytes, sizeof(bytes));
	feed(alice, bytes, size);
	assert_told(&alice->told, BAD_LENGTH);
}

/* To each shorter length, which stands before it. */
static void abuse_27_a_shortened_frame_breaks_it(void **state)
{
	(void)state;
	record_conversation();
	for (int role = 0; role < 2; role++) {
		struct conversation *c = to_receive(role);

		for (size_t n = 0; n < c->count; n++) {
			size_t head = n == 0 && role == WIRE_ACCEPTOR ? 3 : 2;
			size_t body = c->frames[n].size - head;

			for (size_t cut = 0; cut < body; cut++) {
				struct side *s = begin_at(role, n);
				uint8_t bytes[256];

				memcpy(bytes, c->frames[n].bytes, head + cut);
				bytes[head - 1] = (uint8_t)cut;
				feed(s, bytes, head + cut);
				assert_int_equal(s->wire.state, WIRE_DEAD);
				assert_told_only(role, "shortened", n);
			}
		}
	}
}

/* One bit of each byte, of the handshake and of lengths, too. */
static void abuse_34_a_flipped_bit_breaks_it_wherever_it_is(void **state)
{
	(void)state;
	record_conversation();
	for (int role = 0; role < 2; role++) {
		struct conversation *c = to_receive(role);
		size_t frame = 0, at = 0;

		for (size_t n = 0; frame < c->count; n++) {
			struct side *s = begin_at(role, frame);
			uint8_t bytes[256];

			memcpy(bytes, c->frames[frame].bytes, sizeof(bytes));
			hex_flip(bytes, 8 * at + n * 3 % 8);
			feed(s, bytes, c->frames[frame].size);
			for (size_t i = frame + 1; i < c->count; i++)
				feed_frame(s, c, i);
			assert_told_only(role, "flipped", n);
			if (++at < c->frames[frame].size)
				continue;
			frame++;
			at = 0;
		}
	}
}

/* Lengths. */

static void assert_bad_length(int role, size_t stage, unsigned length)
{
	struct side *s = begin_at(role, stage);
	uint8_t head[3];
	struct writer w = writer_over(head, sizeof(head));

	transcript_clear(&s->told);
	if (stage == 0 && role == WIRE_ACCEPTOR)
		write_u8(&w, 0);
	write_be16(&w, (uint16_t)length);
	feed(s, head, w.size);
	assert_told(&s->told, BAD_LENGTH);
}

static void abuse_23_impossible_lengths_break_it_at_every_stage(void **state)
{
	static const struct {
		unsigned length;
		size_t first, last; /* stages: greeting, noise, auth, up */
	} cases[] = { { 0, 0, 4 }, { 1, 1, 4 }, { 16, 1, 4 }, { 17, 1, 1 },
		{ 31, 1, 1 }, { 33, 1, 1 }, { 47, 1, 1 }, { 49, 1, 1 },
		{ 513, 0, 2 }, { 16400, 0, 2 }, { 16401, 0, 4 },
		{ 0x7fff, 0, 4 }, { 0xffff, 0, 4 },
		{ 0x4000, 0, 2 }, /* how 2^30 begins; later it is a frame */
		{ 0x8080, 0, 4 } /* how it begins as a varint */ };

	(void)state;
	record_conversation();
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		for (size_t j = cases[i].first; j <= cases[i].last; j++) {
			assert_bad_length(WIRE_DIALLER, j, cases[i].length);
			assert_bad_length(WIRE_ACCEPTOR, j, cases[i].length);
		}
	}
}

static const struct start_case {
	const char *name;
	const char *bytes;
	size_t size;
	const char *told;
} start_cases[] = {
	{ "varint of 10 bytes", BYTES("\377\377\377\377\377\377\377\377\377"),
		BAD_START },
	{ "the original", BYTES("\021alice.local:55204"), BAD_START },
	{ "HTTP", BYTES("GET / HTTP/1.1\r\n\r\n"), BAD_START },
	{ "TLS", BYTES("\026\003\001\002\000\001\000"), BAD_START },
	{ "too long", BYTES("\000\002\001"), BAD_LENGTH },
	{ "too short", BYTES("\000\000\005chat1"), BAD_START },
	{ "other magic", BYTES("\000\000\026chat2\0000123456789abcdef"),
		BAD_START },
	{ "closed room", BYTES("\000\000\026chat1\0010123456789abcdef"),
		BAD_ROOM },
	{ "mode 255", BYTES("\000\000\006chat1\377"), BAD_ROOM },
	{ "short nonce", BYTES("\000\000\025chat1\0000123456789abcde"),
		BAD_LENGTH },
	{ "long nonce", BYTES("\000\000\027chat1\0000123456789abcdef0"),
		BAD_LENGTH },
};

static void wire_breaks_at_other_greetings(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(start_cases); i++) {
		const struct start_case *c = &start_cases[i];
		uint8_t bytes[64];

		memcpy(bytes, c->bytes, c->size);
		side_begin(WIRE_ACCEPTOR);
		feed(bob, bytes, c->size);
		assert_told(&bob->told, c->told);
		if (bytes[0] != 0)
			continue;
		side_begin(WIRE_DIALLER);
		feed(alice, bytes + 1, c->size - 1);
		assert_told(&alice->told, c->told);
	}
}

static void abuse_30_another_room_breaks_it(void **state)
{
	(void)state;
	begin();
	bob->room_id[31] ^= 1;
	carry();
	assert_told(&alice->told, BAD_ROOM);
	assert_told(&bob->told, "");
	assert_int_equal(bob->wire.state, WIRE_AUTH);
}

/* In an A2 whose tag is right, too: to the dialler only the point is wrong. */
static void abuse_28_points_of_small_order_break_either_side(void **state)
{
	static const uint8_t zeros[X25519_SIZE];

	(void)state;
	record_conversation();
	for (int n = 0; n < FORGE_POINTS; n++) {
		uint8_t d2[2 + X25519_SIZE] = { 0, X25519_SIZE };
		uint8_t a2[2 + FORGE_SIZE] = { 0, FORGE_SIZE };

		forge_point(d2 + 2, n);
		feed(begin_at(WIRE_ACCEPTOR, 1), d2, sizeof(d2));
		assert_told(&bob->told, BAD_KEY);
		(void)begin_at(WIRE_DIALLER, 1);
		forge_second(a2 + 2, &alice->wire.noise, d2 + 2, zeros);
		feed(alice, a2, sizeof(a2));
		assert_told(&alice->told, BAD_ROOM);
	}
}

/* Proofs of one's key that are none. */

struct proof {
	int role;              /* whose turn: the one who proves */
	char letter;           /* 'D' or 'A' */
	bool other_hash;       /* that of another session */
	bool other_key;        /* a key whose secret is not known */
	bool other_signed_key; /* in what is signed */
	bool bad_signature;
	const char *name;
	size_t more; /* bytes after the name */
	const char *told;
};

static const struct proof proofs[] = {
	{ .letter = 'D', .name = "alice", .told = PEER_ALICE },
	{ .letter = 'D', .name = "a", .more = 388, .told = "peer a 1001 1\n" },
	{ .letter = 'A', .name = "alice", .told = BAD_AUTH },
	{ .letter = 'd', .name = "alice", .told = BAD_AUTH },
	{ .letter = 'D',
		.name = "alice",
		.other_hash = true,
		.told = BAD_AUTH },
	{ .letter = 'D', .name = "alice", .other_key = true, .told = BAD_AUTH },
	{ .letter = 'D',
		.name = "alice",
		.other_signed_key = true,
		.told = BAD_AUTH },
	{ .letter = 'D',
		.name = "alice",
		.other_key = true,
		.other_signed_key = true,
		.told = BAD_AUTH },
	{ .letter = 'D',
		.name = "alice",
		.bad_signature = true,
		.told = BAD_AUTH },
	{ .letter = 'D', .name = "", .told = BAD_AUTH },
	{ .letter = 'D', .name = "-a", .told = BAD_AUTH },
	{ .letter = 'D', .name = "Alice", .told = BAD_AUTH },
	{ .letter = 'D', .name = "a\033[2J", .told = BAD_AUTH },
	{ .letter = 'D',
		.name = "abcdefghijklmnopqrstuvwxyz0123456",
		.told = BAD_AUTH },
	{ .letter = 'D', .name = "a", .more = 389, .told = BAD_LENGTH },
	{ .role = WIRE_ACCEPTOR,
		.letter = 'A',
		.name = "bob",
		.told = "peer bob 1001 1\n" },
	{ .role = WIRE_ACCEPTOR,
		.letter = 'D',
		.name = "bob",
		.told = BAD_AUTH },
	{ .role = WIRE_ACCEPTOR,
		.letter = 'A',
		.name = "bob",
		.other_hash = true,
		.told = BAD_AUTH },
};

/* Both wait for a proof; bob's, after A2, was not given to alice. */
static void begin_auth(uint8_t bytes[1024])
{
	begin();
	feed(bob, bytes, take(alice, bytes, 1024));
	feed(alice, bytes, take(bob, bytes, 1024));
	feed(bob, bytes, take(alice, bytes, 1024));
	assert_int_equal(take(bob, bytes, 1024), 2 + 48 + 2 + 126);
	feed(alice, bytes, 2 + 48);
	assert_int_equal(alice->wire.state, WIRE_AUTH);
	assert_int_equal(bob->wire.state, WIRE_AUTH);
	bob->wire.send.nonce = 0;
}

static void send_plain(
	struct side *from, struct side *to, const uint8_t *plain, size_t size)
{
	uint8_t bytes[2 + WIRE_CIPHER_MAX];
	struct writer w = writer_over(bytes, sizeof(bytes));

	write_be16(&w, (uint16_t)(size + NOISE_TAG_SIZE));
	noise_encrypt(&from->wire.send, bytes + 2, plain, size);
	feed(to, bytes, 2 + size + NOISE_TAG_SIZE);
}

static void send_proof(const struct proof *p)
{
	struct side *from = &sides[p->role];
	const uint8_t *own = from->key.public_key;
	const uint8_t *other = sides[1 - p->role].key.public_key;
	uint8_t message[12 + 1 + 64 + 32], plain[600] = { 0 };
	uint8_t signature[RECORD_SIGNATURE_SIZE];
	struct writer w = writer_over(message, sizeof(message));

	write_bytes(&w, "chat/auth/1", 12);
	write_u8(&w, (uint8_t)p->letter);
	write_bytes(&w, from->wire.hash, NOISE_HASH_SIZE);
	message[13] ^= p->other_hash;
	write_bytes(&w, p->other_signed_key ? other : own, RECORD_KEY_SIZE);
	ed25519_sign(signature, &from->key, message, sizeof(message));
	signature[63] ^= p->bad_signature;
	w = writer_over(plain, sizeof(plain));
	write_bytes(&w, p->other_key ? other : own, RECORD_KEY_SIZE);
	write_bytes(&w, signature, sizeof(signature));
	write_le64(&w, 1001);
	write_le16(&w, 1);
	write_u8(&w, (uint8_t)strlen(p->name));
	write_bytes(&w, p->name, strlen(p->name));
	write_zeros(&w, p->more);
	assert_false(w.full);
	send_plain(from, &sides[1 - p->role], plain, w.size);
}

static void abuse_30_proofs_of_keys_that_are_none_break_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(proofs); i++) {
		struct side *to = &sides[1 - proofs[i].role];
		uint8_t bytes[1024];

		begin_auth(bytes);
		send_proof(&proofs[i]);
		if (strcmp(to->told.text, proofs[i].told) != 0)
			fail_msg("proof %zu: %s", i, to->told.text);
		transcript_clear(&to->told);
	}
}

/*
 * What was said in another session.  Were only a nonce new, and both ephemeral
 * keys old, the keys of the frames would be the same: then the signature of
 * the handshake's hash tells.
 */
static void abuse_30_a_conversation_of_another_session_breaks_it(void **state)
{
	static const struct {
		size_t at;
		const char *told[2];
	} cases[] = { { 0, { BAD_ROOM, BAD_CIPHER } },
		{ 31, { BAD_ROOM, BAD_CIPHER } },
		{ 32, { BAD_ROOM, BAD_AUTH } },
		{ 47, { BAD_ROOM, BAD_AUTH } } };

	(void)state;
	record_conversation();
	for (size_t i = 0; i < 2 * COUNT_OF(cases); i++) {
		int role = (int)(i % 2);
		struct conversation *c = to_receive(role);
		struct side *s = &sides[role];

		side_begin(role);
		s->random[cases[i / 2].at] ^= 8;
		wire_open(&s->wire, (enum wire_role)role, &s->self, s->random);
		for (size_t n = 0; n < c->count; n++)
			feed_frame(s, c, n);
		assert_told(&s->told, cases[i / 2].told[role]);
	}
}

/* Bob's own proof, encrypted again after each cut. */
static void abuse_30_a_proof_that_is_cut_breaks_it(void **state)
{
	uint8_t bytes[1024], plain[110];
	struct wire before;

	(void)state;
	begin_auth(bytes);
	before = alice->wire;
	assert_true(noise_decrypt(&alice->wire.receive, plain, bytes + 52,
		sizeof(plain) + NOISE_TAG_SIZE));
	for (size_t cut = 1; cut <= sizeof(plain); cut++) {
		alice->wire = before;
		bob->wire.send.nonce = 0;
		send_plain(bob, alice, plain, cut);
		assert_told(&alice->told,
			cut < sizeof(plain) ? BAD_AUTH : PEER_BOB);
	}
}

/* Messages. */

static void wire_messages_share_a_frame(void **state)
{
	(void)state;
	link_up();
	put_text(alice, "one");
	put_text(alice, "");
	put_text(alice, "three");
	assert_false(wire_is_empty(&alice->wire));
	assert_int_equal(fifo_size(&alice->wire.out), 0);
	wire_seal(&alice->wire);
	wire_seal(&alice->wire);
	assert_int_equal(
		fifo_size(&alice->wire.out), 2 + 3 * 2 + 8 + NOISE_TAG_SIZE);
	carry();
	assert_told(&bob->told, "message 6 one\nmessage 6 \nmessage 6 three\n");
	assert_true(wire_is_empty(&alice->wire));
}

static void wire_messages_of_unknown_type_are_told(void **state)
{
	(void)state;
	link_up();
	send_plain(alice, bob, (const uint8_t *)"\001\377\003\000ab", 6);
	assert_told(&bob->told, "message 255 \nmessage 0 ab\n");
}

static const struct length_case {
	const char *name;
	const char *bytes;
	size_t size;
} length_cases[] = {
	{ "0", BYTES("\000") },
	{ "padded", BYTES("\201\200\000") },
	{ "MESSAGE_MAX + 2", BYTES("\202\220\004") },
	{ "2^21 - 1", BYTES("\377\377\177") },
	{ "2^30", BYTES("\200\200\200\200\004") },
	{ "10 bytes", BYTES("\377\377\377\377\377\377\377\377\377\001") },
};

static void abuse_23_impossible_lengths_of_messages_break_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(length_cases); i++) {
		const uint8_t *bytes = (const uint8_t *)length_cases[i].bytes;

		for (size_t step = 1; step <= length_cases[i].size; step++) {
			link_up();
			put_text(alice, "good");
			wire_seal(&alice->wire);
			carry();
			assert_told(&bob->told, "message 6 good\n");
			put_text(bob, "never sent");
			for (size_t at = 0; at < length_cases[i].size;
				at += step) {
				size_t size = length_cases[i].size - at;

				send_plain(alice, bob, bytes + at,
					size < step ? size : step);
			}
			assert_told(&bob->told, BAD_SIZE);
			assert_false(wire_put(&bob->wire, MESSAGE_BYE, "", 0));
			assert_int_equal(wire_room(&bob->wire), 0);
		}
	}
}

static void wire_carries_the_largest_message(void **state)
{
	static uint8_t large[MESSAGE_MAX], bytes[WIRE_OUT_SIZE];
	static const size_t steps[] = { SIZE_MAX, 4321, 1 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		link_up();
		put_text(alice, "x");
		for (int j = 0; j < 3; j++)
			assert_true(wire_put(&alice->wire, MESSAGE_BATCH, large,
				sizeof(large)));
		assert_false(wire_put(
			&alice->wire, MESSAGE_BATCH, large, sizeof(large)));
		put_text(alice, "y");
		wire_seal(&alice->wire);
		feed_by(bob, bytes, take(alice, bytes, sizeof(bytes)),
			steps[i]);
		assert_told(&bob->told, "message 6 x\n"
					"message 3 (67584 bytes)\n"
					"message 3 (67584 bytes)\n"
					"message 3 (67584 bytes)\n"
					"message 6 y\n");
	}
}

/* The next size of a message to try: small, large, or what there is room for.
 */
static size_t odd_size(uint64_t *luck)
{
	uint32_t kind = test_random(luck) % 8;
	uint32_t size = test_random(luck);

	if (kind == 0)
		return wire_room(&alice->wire);
	if (kind == 1)
		return size % (MESSAGE_MAX + 1);
	return size % (kind < 4 ? WIRE_PLAIN_MAX : 64);
}

static bool put_numbered(uint32_t number, size_t size)
{
	static uint8_t body[MESSAGE_MAX];
	struct writer w = writer_over(body, size < 4 ? size : 4);

	write_be(&w, number, w.capacity);
	return wire_put(&alice->wire, MESSAGE_PING, body, size);
}

/* Bob's next messages are those that alice put. */
static void take_numbered(const uint32_t *sizes, uint32_t *taken)
{
	struct wire_event e;

	while (wire_next(&bob->wire, &e)) {
		size_t size = e.body.left;

		assert_int_equal(e.kind, WIRE_MESSAGE);
		assert_int_equal(size, sizes[*taken]);
		if (size >= 4)
			assert_int_equal(read_be32(&e.body), *taken);
		++*taken;
	}
	assert_int_equal(bob->wire.state, WIRE_UP);
}

/* Random puts, seals, and deliveries of a part of what waits. */
static void wire_puts_all_of_a_message_or_nothing(void **state)
{
	enum { TURNS = 1000 };
	static uint32_t sizes[TURNS];
	uint32_t put = 0, taken = 0, refused = 0;
	uint64_t luck = 7;

	(void)state;
	link_up();
	for (int turn = 0; turn < TURNS; turn++) {
		struct wire *w = &alice->wire;
		size_t size = odd_size(&luck);
		size_t room = wire_room(w), frame_size = w->frame_size;
		size_t out_size = fifo_size(&w->out);

		if (put_numbered(put, size)) {
			sizes[put++] = (uint32_t)size;
		} else {
			refused++;
			assert_true(size > room || size == 0);
			assert_int_equal(w->frame_size, frame_size);
			assert_int_equal(fifo_size(&w->out), out_size);
		}
		if (test_random(&luck) % 4 == 0)
			wire_seal(w);
		size = test_random(&luck) % WIRE_PLAIN_MAX;
		if (size > fifo_size(&w->out))
			size = fifo_size(&w->out);
		if (size > fifo_room(&bob->wire.in))
			size = fifo_room(&bob->wire.in);
		memcpy(fifo_tail(&bob->wire.in), fifo_head(&w->out), size);
		fifo_added(&bob->wire.in, size);
		fifo_drop(&w->out, size);
		take_numbered(sizes, &taken);
	}

	assert_true(refused > TURNS / 20 && put > TURNS / 2);
}

/* An empty message needs 2 bytes, and 18 of a frame around it. */
static void wire_out_is_filled_to_the_last_byte(void **state)
{
	struct wire *w = &alice->wire;

	(void)state;
	link_up();
	for (size_t size; (size = wire_room(w)) > 0;)
		assert_true(put_numbered(0, size));
	while (put_numbered(0, 0))
		;
	wire_seal(w);
	assert_true(fifo_room(&w->out) < 2);
	for (; fifo_room(&w->out) < 23; fifo_drop(&w->out, 1)) {
		assert_int_equal(wire_room(w), 0);
		if (fifo_room(&w->out) < 20)
			assert_false(put_numbered(0, 0));
	}
	assert_int_equal(wire_room(w), 1);
	assert_true(put_numbered(0, 1));
	assert_true(put_numbered(0, 0));
	assert_false(put_numbered(0, 0));
	wire_seal(w);
	assert_int_equal(fifo_room(&w->out), 0);
}

/*
 * After 65,536 frames in a direction, its auth among them, its keys change on
 * both sides; all but the last ten are skipped.
 */
static void wire_changes_its_keys(void **state)
{
	(void)state;
	link_up();
	for (uint64_t i = WIRE_REKEY_FRAMES - 10; i < WIRE_REKEY_FRAMES + 10;
		i++) {
		for (int role = 0; role < 2; role++) {
			struct side *from = &sides[role];
			struct side *to = &sides[1 - role];
			uint8_t bytes[64], before[NOISE_KEY_SIZE];
			bool same;

			from->wire.send.nonce = to->wire.receive.nonce = i;
			memcpy(before, from->wire.send.key, sizeof(before));
			put_text(from, "x");
			wire_seal(&from->wire);
			feed(to, bytes, take(from, bytes, sizeof(bytes)));
			assert_told(&to->told, "message 6 x\n");
			same = memcmp(before, from->wire.send.key,
				       sizeof(before)) == 0;
			assert_int_equal(same, i != WIRE_REKEY_FRAMES - 1);
			assert_memory_equal(from->wire.send.key,
				to->wire.receive.key, NOISE_KEY_SIZE);
		}
	}
	assert_memory_not_equal(
		alice->wire.send.key, alice->wire.receive.key, NOISE_KEY_SIZE);
}

static int start(void **state)
{
	(void)state;
	ed25519_start();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wire_sides_learn_who_the_other_is),
		cmocka_unit_test(
			wire_own_key_at_the_other_end_is_told_like_any),
		cmocka_unit_test(wire_handshake_has_golden_bytes),
		cmocka_unit_test(wire_wipes_what_is_secret),
		cmocka_unit_test(abuse_26_any_cut_gives_the_same),
		cmocka_unit_test(wire_knows_when_a_frame_is_under_way),
		cmocka_unit_test(abuse_27_a_frame_that_comes_again_breaks_it),
		cmocka_unit_test(
			abuse_27_frames_that_change_places_or_lack_break_it),
		cmocka_unit_test(
			abuse_27_its_own_frames_break_it_when_they_come_back),
		cmocka_unit_test(abuse_27_nobody_is_linked_with_his_mirror),
		cmocka_unit_test(abuse_27_a_shortened_frame_breaks_it),
		cmocka_unit_test(
			abuse_34_a_flipped_bit_breaks_it_wherever_it_is),
		cmocka_unit_test(
			abuse_23_impossible_lengths_break_it_at_every_stage),
		cmocka_unit_test(wire_breaks_at_other_greetings),
		cmocka_unit_test(abuse_30_another_room_breaks_it),
		cmocka_unit_test(
			abuse_28_points_of_small_order_break_either_side),
		cmocka_unit_test(
			abuse_30_proofs_of_keys_that_are_none_break_it),
		cmocka_unit_test(
			abuse_30_a_conversation_of_another_session_breaks_it),
		cmocka_unit_test(abuse_30_a_proof_that_is_cut_breaks_it),
		cmocka_unit_test(wire_messages_share_a_frame),
		cmocka_unit_test(wire_messages_of_unknown_type_are_told),
		cmocka_unit_test(
			abuse_23_impossible_lengths_of_messages_break_it),
		cmocka_unit_test(wire_carries_the_largest_message),
		cmocka_unit_test(wire_puts_all_of_a_message_or_nothing),
		cmocka_unit_test(wire_out_is_filled_to_the_last_byte),
		cmocka_unit_test(wire_changes_its_keys),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
