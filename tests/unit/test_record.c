/* SPDX-License-Identifier: ISC */
#include "record.h"
#include "testing.h"
#include "tests/unit/hex.h"

enum { LINE_SIZE = 1024, FIELDS_MAX = 6, CHAIN_LENGTH = 256 };

/* Two people, each with a log in the open room. */
static struct ed25519_key alice_key, bob_key;
static struct record_log alice, bob;
static uint8_t open_room[RECORD_ID_SIZE];

static struct record_log log_of(
	const struct ed25519_key *key, const uint8_t *room_id, uint32_t epoch)
{
	struct record_log log;

	memcpy(log.public_key, key->public_key, RECORD_KEY_SIZE);
	log.epoch = epoch;
	record_log_id(&log, room_id);
	return log;
}

static int make_people(void **state)
{
	uint8_t seed[ED25519_SEED_SIZE] = { 1 };

	(void)state;
	ed25519_start();
	ed25519_key_from_seed(&alice_key, seed);
	seed[0] = 2;
	ed25519_key_from_seed(&bob_key, seed);
	record_room_id(open_room, false, "");
	alice = log_of(&alice_key, open_room, 0);
	bob = log_of(&bob_key, open_room, 0);
	return 0;
}

static struct record record_of(
	enum record_type type, uint64_t time_ms, const void *bytes, size_t size)
{
	struct record record = { .time_ms = time_ms, .type = (uint8_t)type };

	record.payload = reader_over(bytes, size);
	return record;
}

static enum record_verdict add(struct record_chain *chain,
	const struct record_log *log, enum record_type type, const void *bytes,
	size_t size)
{
	struct record record = record_of(type, chain->time_ms, bytes, size);

	return record_chain_add(chain, log, &record);
}

static struct record_open opening(
	const struct record_log *log, const uint8_t *room_id)
{
	struct record_open open = { .epoch = log->epoch, .name = "alice" };

	memcpy(open.room_id, room_id, RECORD_ID_SIZE);
	memcpy(open.public_key, log->public_key, RECORD_KEY_SIZE);
	return open;
}

/* The chain of a log that has its OPEN. */
static struct record_chain opened(
	const struct record_log *log, const uint8_t *room_id)
{
	uint8_t bytes[RECORD_OPEN_MAX];
	struct record_open open = opening(log, room_id);
	size_t size = record_open_encode(&open, bytes);
	struct record_chain chain;

	record_chain_begin(&chain, log);
	assert_int_equal(
		add(&chain, log, RECORD_OPEN, bytes, size), RECORD_GOOD);
	return chain;
}

static struct record_chain opened_by_alice(void)
{
	return opened(&alice, open_room);
}

/*
 * Golden files.
 */

struct golden {
	FILE *file;
	char line[LINE_SIZE];
	char *field[FIELDS_MAX];
	struct ed25519_key key;
	struct record_log log;
	struct record_chain chain;
	uint8_t room_id[RECORD_ID_SIZE];
	uint8_t payload[LINE_SIZE];
	int results;
};

/* Cuts the next line into its fields; false at the end. */
static bool golden_line(struct golden *g)
{
	do {
		if (fgets(g->line, sizeof(g->line), g->file) == NULL)
			return false;
		assert_non_null(strchr(g->line, '\n'));
	} while (g->line[0] == '#');
	g->field[0] = strtok(g->line, " \n");
	for (int i = 1; i < FIELDS_MAX; i++)
		g->field[i] = strtok(NULL, " \n");
	return true;
}

static uint64_t golden_number(const struct golden *g, int field)
{
	return strtoull(g->field[field], NULL, 10);
}

static void golden_log(struct golden *g)
{
	uint8_t seed[ED25519_SEED_SIZE];
	char room[LIMIT_NAME + 1];
	size_t size = hex_bytes(room, LIMIT_NAME, g->field[3]);

	room[size] = '\0';
	(void)hex_bytes(seed, sizeof(seed), g->field[1]);
	ed25519_key_from_seed(&g->key, seed);
	record_room_id(g->room_id, golden_number(g, 2) == 1, room);
	g->log = log_of(&g->key, g->room_id, (uint32_t)golden_number(g, 4));
	record_chain_begin(&g->chain, &g->log);
}

static void golden_ids(const struct golden *g)
{
	assert_hex(g->log.public_key, RECORD_KEY_SIZE, g->field[1]);
	assert_hex(g->room_id, RECORD_ID_SIZE, g->field[2]);
	assert_hex(g->log.id, RECORD_ID_SIZE, g->field[3]);
}

static void golden_record(struct golden *g)
{
	size_t size = hex_bytes(g->payload, sizeof(g->payload), g->field[3]);
	struct record record = record_of((enum record_type)golden_number(g, 2),
		golden_number(g, 1), g->payload, size);

	assert_int_equal(
		record_chain_add(&g->chain, &g->log, &record), RECORD_GOOD);
}

static void golden_result(struct golden *g)
{
	uint8_t signature[RECORD_SIGNATURE_SIZE];

	assert_hex(g->chain.id, RECORD_ID_SIZE, g->field[1]);
	record_sign(signature, &g->log, g->chain.seq, g->chain.id, &g->key);
	assert_hex(signature, sizeof(signature), g->field[2]);
	assert_true(
		record_verify(&g->log, g->chain.seq, g->chain.id, signature));
	g->results++;
}

static void ids_and_signatures_match_the_golden_file(void **state)
{
	struct golden g = { .file = fopen("tests/vectors/record.txt", "r") };

	(void)state;
	assert_non_null(g.file);
	while (golden_line(&g)) {
		if (strcmp(g.field[0], "log") == 0)
			golden_log(&g);
		else if (strcmp(g.field[0], "ids") == 0)
			golden_ids(&g);
		else if (strcmp(g.field[0], "record") == 0)
			golden_record(&g);
		else if (strcmp(g.field[0], "result") == 0)
			golden_result(&g);
		else
			fail();
	}
	assert_int_equal(fclose(g.file), 0);
	assert_int_equal(g.results, 14);
}

/*
 * Stored.
 */

#define TIME "\x08\x07\x06\x05\x04\x03\x02\x01"
#define ID   "IDIDIDIDIDIDIDIDIDIDIDIDIDIDIDID"
#define SIGNATURE                                                              \
	"SIGNATURESIGNATURESIGNATURESIGNATURESIGNATURESIGNATURESIGNATUREE"

static const char signed_bytes[] =
	TIME "\x01\x01\0\0\x05\0\0\0" ID SIGNATURE "hello";
static const char unsigned_bytes[] = TIME "\x01\0\0\0\x05\0\0\0hello";

static void signed_record_is_stored_as_documented(void **state)
{
	static uint8_t bytes[RECORD_MAX];
	struct record record = {
		.time_ms = 0x0102030405060708,
		.type = RECORD_TEXT,
		.flags = RECORD_VERIFIED,
		.payload = reader_over("hello", 5),
		.id = (const uint8_t *)ID,
		.signature = (const uint8_t *)SIGNATURE,
	};
	struct record read;

	(void)state;
	assert_int_equal(
		record_encode(&record, bytes), sizeof(signed_bytes) - 1);
	assert_memory_equal(bytes, signed_bytes, sizeof(signed_bytes) - 1);
	assert_true(record_decode(BYTES(signed_bytes), &read));
	assert_true(read.time_ms == 0x0102030405060708);
	assert_int_equal(read.type, RECORD_TEXT);
	assert_int_equal(read.flags, RECORD_VERIFIED);
	assert_memory_equal(read.id, ID, RECORD_ID_SIZE);
	assert_memory_equal(read.signature, SIGNATURE, RECORD_SIGNATURE_SIZE);
	assert_int_equal(read.payload.left, 5);
	assert_memory_equal(read.payload.at, "hello", 5);
}

static void unsigned_record_is_stored_as_documented(void **state)
{
	static uint8_t bytes[RECORD_MAX];
	struct record record =
		record_of(RECORD_TEXT, 0x0102030405060708, "hello", 5);
	struct record read;

	(void)state;
	assert_int_equal(
		record_encode(&record, bytes), sizeof(unsigned_bytes) - 1);
	assert_memory_equal(bytes, unsigned_bytes, sizeof(unsigned_bytes) - 1);
	assert_true(record_decode(BYTES(unsigned_bytes), &read));
	assert_true(read.time_ms == 0x0102030405060708);
	assert_int_equal(read.type, RECORD_TEXT);
	assert_int_equal(read.flags, 0);
	assert_null(read.id);
	assert_null(read.signature);
	assert_int_equal(read.payload.left, 5);
	assert_memory_equal(read.payload.at, "hello", 5);
}

/*
 * Each size in memory of its own, so that sanitizers see its end.  The layouts
 * are 96 bytes apart: these bytes are a record in both sizes, in no other.
 */
static void record_decode_refuses_every_other_size(void **state)
{
	uint8_t *bytes = NULL;
	struct record record;

	(void)state;
	for (size_t size = 0; size <= 2 * sizeof(signed_bytes); size++) {
		size_t held = sizeof(signed_bytes) - 1;

		bytes = calloc(size == 0 ? 1 : size, 1);
		assert_non_null(bytes);
		memcpy(bytes, signed_bytes, size < held ? size : held);
		assert_true(record_decode(bytes, size, &record) ==
			    (size == held || size == held - 96));
		free(bytes);
	}
}

static void record_decode_is_not_confused_by_a_payload_of_96_bytes(void **state)
{
	static const uint8_t zeros[RECORD_HEADER_SIZE + 96];
	uint8_t bytes[sizeof(zeros)];
	struct record record = record_of(RECORD_TEXT, 1, zeros, 96);
	struct record read;

	(void)state;
	assert_int_equal(record_encode(&record, bytes), 16 + 96);
	assert_true(record_decode(bytes, 16 + 96, &read));
	assert_null(read.id);
	assert_int_equal(read.payload.left, 96);
	record.payload = reader_over(NULL, 0);
	record.id = record.signature = zeros;
	assert_int_equal(record_encode(&record, bytes), 112);
	assert_true(record_decode(bytes, 112, &read));
	assert_non_null(read.id);
	assert_int_equal(read.payload.left, 0);
}

static void record_decode_refuses_what_no_version_has_written(void **state)
{
	static uint8_t bytes[RECORD_HEADER_SIZE + RECORD_ENTRY_MAX + 1];
	static uint8_t payload[RECORD_ENTRY_MAX];
	struct record record =
		record_of(RECORD_TEXT, 1, payload, sizeof(payload));
	size_t size = record_encode(&record, bytes);

	(void)state;
	assert_true(record_decode(bytes, size, &record));
	bytes[10] = 1;
	assert_false(record_decode(bytes, size, &record));
	bytes[10] = 0;
	bytes[11] = 1;
	assert_false(record_decode(bytes, size, &record));
	bytes[11] = 0;
	bytes[12] = 1; /* one byte more than RECORD_ENTRY_MAX */
	assert_false(record_decode(bytes, size + 1, &record));
	memset(bytes + 12, 0xff, 4);
	assert_false(record_decode(bytes, size, &record));
}

/*
 * The chain and its signature.
 */

/* 1 OPEN and 255 texts; bit `flipped` of all their bytes is another one. */
static struct record_chain long_chain(size_t flipped)
{
	struct record_chain chain = opened_by_alice();

	for (size_t i = 1; i < CHAIN_LENGTH; i++) {
		uint8_t text[60];
		struct record record =
			record_of(RECORD_TEXT, 1000 + i, text, sizeof(text));

		memset(text, (int)i, sizeof(text));
		if (flipped / 480 == i)
			hex_flip(text, flipped % 480);
		assert_int_equal(
			record_chain_add(&chain, &alice, &record), RECORD_GOOD);
	}
	return chain;
}

static void abuse_06_one_flipped_bit_spoils_the_last_signature(void **state)
{
	uint8_t signature[RECORD_SIGNATURE_SIZE];
	struct record_chain chain = long_chain(SIZE_MAX);

	(void)state;
	assert_int_equal(chain.seq, CHAIN_LENGTH);
	record_sign(signature, &alice, chain.seq, chain.id, &alice_key);
	assert_true(record_verify(&alice, chain.seq, chain.id, signature));
	for (size_t bit = 480; bit < CHAIN_LENGTH * 480; bit += 9973) {
		chain = long_chain(bit);
		assert_false(
			record_verify(&alice, chain.seq, chain.id, signature));
	}
}

/* Whoever relays records can not change what follows them. */
static void abuse_07_id_does_not_depend_on_signatures(void **state)
{
	struct record_chain one = opened_by_alice();
	struct record_chain other = one;
	struct record record = record_of(RECORD_TEXT, 5, "hello", 5);

	(void)state;
	assert_int_equal(record_chain_add(&one, &alice, &record), RECORD_GOOD);
	record.flags = RECORD_VERIFIED;
	record.id = record.signature = (const uint8_t *)SIGNATURE;
	assert_int_equal(
		record_chain_add(&other, &alice, &record), RECORD_GOOD);
	assert_memory_equal(one.id, other.id, RECORD_ID_SIZE);
}

static void every_field_changes_the_id(void **state)
{
	static const struct {
		uint64_t time_ms;
		enum record_type type;
		const char *text;
	} others[] = {
		{ 6, RECORD_TEXT, "hello" },
		{ (uint64_t)1 << 63, RECORD_TEXT, "hello" },
		{ 5, (enum record_type)4, "hello" },
		{ 5, RECORD_TEXT, "hellp" },
		{ 5, RECORD_TEXT, "hell" },
		{ 5, RECORD_TEXT, "" },
	};
	struct record record = record_of(RECORD_TEXT, 5, "hello", 5);
	struct record_chain before = opened_by_alice();
	struct record_chain chain = before;

	(void)state;
	assert_int_equal(
		record_chain_add(&chain, &alice, &record), RECORD_GOOD);
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		struct record_chain other = before;

		record = record_of(others[i].type, others[i].time_ms,
			others[i].text, strlen(others[i].text));
		assert_int_equal(
			record_chain_add(&other, &alice, &record), RECORD_GOOD);
		assert_memory_not_equal(chain.id, other.id, RECORD_ID_SIZE);
	}
	/* Another place, or what came before. */
	record = record_of(RECORD_TEXT, 5, "hello", 5);
	for (int i = 0; i < 2; i++) {
		struct record_chain other = before;

		if (i == 0)
			other.seq++;
		else
			other.id[31] ^= 1;
		assert_int_equal(
			record_chain_add(&other, &alice, &record), RECORD_GOOD);
		assert_memory_not_equal(chain.id, other.id, RECORD_ID_SIZE);
	}
}

static void abuse_08_signature_with_s_plus_l_is_refused(void **state)
{
	static const char order[] = "edd3f55c1a631258d69cf7a2def9de14"
				    "00000000000000000000000000000010";
	uint8_t l[32];
	uint8_t signature[RECORD_SIGNATURE_SIZE];
	uint8_t crafted[RECORD_SIGNATURE_SIZE];
	unsigned carry = 0;

	(void)state;
	record_sign(signature, &alice, 1, open_room, &alice_key);
	memcpy(crafted, signature, sizeof(crafted));
	(void)hex_bytes(l, sizeof(l), order);
	for (int i = 0; i < 32; i++) {
		carry += (unsigned)crafted[32 + i] + l[i];
		crafted[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	assert_int_equal(carry, 0);
	assert_false(record_verify(&alice, 1, open_room, crafted));
	assert_true(record_verify(&alice, 1, open_room, signature));
}

/* As bob's, in another epoch or room, under another number. */
static void abuse_02_09_signature_is_good_for_its_place_only(void **state)
{
	uint8_t id[RECORD_ID_SIZE] = { 7 };
	uint8_t signature[RECORD_SIGNATURE_SIZE];
	uint8_t room_id[RECORD_ID_SIZE];
	struct record_log other = log_of(&alice_key, open_room, 1);

	(void)state;
	record_sign(signature, &alice, 5, id, &alice_key);
	assert_true(record_verify(&alice, 5, id, signature));
	assert_false(record_verify(&bob, 5, id, signature));
	assert_false(record_verify(&other, 5, id, signature));
	record_room_id(room_id, true, "");
	other = log_of(&alice_key, room_id, 0);
	assert_false(record_verify(&other, 5, id, signature));
	record_room_id(room_id, false, "a");
	other = log_of(&alice_key, room_id, 0);
	assert_false(record_verify(&other, 5, id, signature));
	assert_false(record_verify(&alice, 4, id, signature));
	assert_false(
		record_verify(&alice, 5 + ((uint64_t)1 << 32), id, signature));
	id[0] ^= 1;
	assert_false(record_verify(&alice, 5, id, signature));
}

/* The whole log is replayed, from its OPEN on. */
static void abuse_09_open_belongs_to_one_room_key_and_epoch(void **state)
{
	uint8_t bytes[RECORD_OPEN_MAX];
	uint8_t room_id[RECORD_ID_SIZE];
	struct record_open open = opening(&alice, open_room);
	size_t size = record_open_encode(&open, bytes);
	struct record_log others[3];

	(void)state;
	record_room_id(room_id, false, "a");
	others[0] = bob;
	others[1] = log_of(&alice_key, open_room, 1);
	others[2] = log_of(&alice_key, room_id, 0);
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		struct record_chain chain;

		record_chain_begin(&chain, &others[i]);
		assert_int_equal(
			add(&chain, &others[i], RECORD_OPEN, bytes, size),
			RECORD_BAD_OPEN);
		assert_int_equal(chain.seq, 0);
	}
}

/*
 * Valid.
 */

static void open_is_the_first_record_and_no_other(void **state)
{
	uint8_t bytes[RECORD_OPEN_MAX];
	struct record_open open = opening(&alice, open_room);
	size_t size = record_open_encode(&open, bytes);
	struct record_chain chain;

	(void)state;
	for (int type = 1; type < 256; type++) {
		record_chain_begin(&chain, &alice);
		assert_int_equal(add(&chain, &alice, (enum record_type)type,
					 bytes, size),
			RECORD_BAD_OPEN);
	}
	chain = opened_by_alice();
	assert_int_equal(
		add(&chain, &alice, RECORD_OPEN, bytes, size), RECORD_BAD_OPEN);
}

static void open_has_no_other_spelling(void **state)
{
	uint8_t bytes[RECORD_OPEN_MAX] = { 0 };
	struct record_open open = opening(&alice, open_room);
	size_t size = record_open_encode(&open, bytes);
	struct record_open read;
	struct record_chain chain;

	(void)state;
	assert_int_equal(size, 32 + 32 + 4 + 1 + 5);
	assert_true(record_open_decode(reader_over(bytes, size), &read));
	assert_memory_equal(read.room_id, open_room, RECORD_ID_SIZE);
	assert_memory_equal(read.public_key, alice.public_key, RECORD_KEY_SIZE);
	assert_int_equal(read.epoch, 0);
	assert_string_equal(read.name, "alice");
	for (size_t cut = 0; cut <= sizeof(bytes); cut++) {
		record_chain_begin(&chain, &alice);
		assert_int_equal(add(&chain, &alice, RECORD_OPEN, bytes, cut),
			cut == size ? RECORD_GOOD : RECORD_BAD_OPEN);
	}
	for (size_t bit = 0; bit < 69 * 8; bit++) {
		hex_flip(bytes, bit);
		record_chain_begin(&chain, &alice);
		assert_int_equal(add(&chain, &alice, RECORD_OPEN, bytes, size),
			RECORD_BAD_OPEN);
		hex_flip(bytes, bit);
	}
}

static const struct {
	const char *name;
	bool good;
} names[] = {
	{ "a", true },
	{ "0", true },
	{ "alice", true },
	{ "a-b--c", true },
	{ "abcdefghijklmnopqrstuvwxyz-01234", true },
	{ "abcdefghijklmnopqrstuvwxyz-012345", false },
	{ "", false },
	{ "-", false },
	{ "-a", false },
	{ "a-", false },
	{ "Alice", false },
	{ "a b", false },
	{ "a.b", false },
	{ "a_b", false },
	{ "a~b", false },
	{ "a/b", false },
	{ "..", false },
	{ "\x1b[2J", false },
	{ "b\xc3\xa9", false },
	{ "b\xff", false },
};

static void names_are_short_and_plain(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		const char *name = names[i].name;
		struct reader payload = reader_over(name, strlen(name));
		struct record_chain chain = opened_by_alice();
		char copy[LIMIT_NAME + 1];

		assert_true(record_name_decode(payload, copy) == names[i].good);
		if (names[i].good)
			assert_string_equal(copy, name);
		assert_int_equal(
			add(&chain, &alice, RECORD_NAME, name, strlen(name)),
			names[i].good ? RECORD_GOOD : RECORD_BAD_NAME);
	}
}

static void name_has_no_nul(void **state)
{
	char name[LIMIT_NAME + 1];

	(void)state;
	assert_false(record_name_decode(reader_over("a\0b", 3), name));
	assert_false(record_name_decode(reader_over("a\0", 2), name));
}

static void open_with_a_bad_name_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		const char *name = names[i].name;
		uint8_t bytes[RECORD_OPEN_MAX + 1];
		struct record_open open = opening(&alice, open_room);
		struct writer w = writer_over(bytes, sizeof(bytes));
		struct record_chain chain;

		(void)record_open_encode(&open, bytes);
		w.size = 68;
		write_u8(&w, (uint8_t)strlen(name));
		write_bytes(&w, name, strlen(name));
		record_chain_begin(&chain, &alice);
		assert_int_equal(
			add(&chain, &alice, RECORD_OPEN, bytes, w.size),
			names[i].good ? RECORD_GOOD : RECORD_BAD_OPEN);
	}
}

static void abuse_21_payloads_have_limits_and_unknown_types_are_kept(
	void **state)
{
	static const uint8_t bytes[LIMIT_PAYLOAD + 1];
	static const struct {
		int type;
		size_t size;
		enum record_verdict verdict;
	} cases[] = {
		{ RECORD_TEXT, 0, RECORD_GOOD },
		{ RECORD_TEXT, LIMIT_TEXT, RECORD_GOOD },
		{ RECORD_TEXT, LIMIT_TEXT + 1, RECORD_TOO_LARGE },
		{ RECORD_TEXT, LIMIT_PAYLOAD + 1, RECORD_TOO_LARGE },
		{ RECORD_NAME, LIMIT_PAYLOAD + 1, RECORD_TOO_LARGE },
		{ 4, 0, RECORD_GOOD },
		{ 4, LIMIT_PAYLOAD, RECORD_GOOD },
		{ 4, LIMIT_PAYLOAD + 1, RECORD_TOO_LARGE },
		{ 255, LIMIT_PAYLOAD, RECORD_GOOD },
		{ 255, LIMIT_PAYLOAD + 1, RECORD_TOO_LARGE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct record_chain chain = opened_by_alice();

		assert_int_equal(
			add(&chain, &alice, (enum record_type)cases[i].type,
				bytes, cases[i].size),
			cases[i].verdict);
	}
}

static void abuse_22_time_is_anything_that_does_not_go_back(void **state)
{
	static const struct {
		uint64_t time_ms;
		enum record_verdict verdict;
	} cases[] = {
		{ 0, RECORD_GOOD },
		{ 0, RECORD_GOOD },
		{ 1, RECORD_GOOD },
		{ 0, RECORD_TIME_BACK },
		{ 253402300799999, RECORD_GOOD }, /* the end of year 9999 */
		{ 253402300799998, RECORD_TIME_BACK },
		{ (uint64_t)1 << 63, RECORD_GOOD },
		{ ((uint64_t)1 << 63) - 1, RECORD_TIME_BACK },
		{ UINT64_MAX, RECORD_GOOD },
		{ UINT64_MAX, RECORD_GOOD },
		{ UINT64_MAX - 1, RECORD_TIME_BACK },
	};
	struct record_chain chain = opened_by_alice();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct record record =
			record_of(RECORD_TEXT, cases[i].time_ms, "x", 1);

		assert_int_equal(record_chain_add(&chain, &alice, &record),
			cases[i].verdict);
	}
}

static void last_number_is_limit_seq(void **state)
{
	struct record_chain chain = opened_by_alice();

	(void)state;
	chain.seq = LIMIT_SEQ - 1;
	assert_int_equal(add(&chain, &alice, RECORD_TEXT, "x", 1), RECORD_GOOD);
	assert_true(chain.seq == LIMIT_SEQ);
	assert_int_equal(
		add(&chain, &alice, RECORD_TEXT, "x", 1), RECORD_TOO_MANY);
	chain.seq = UINT64_MAX - 1;
	assert_int_equal(
		add(&chain, &alice, RECORD_TEXT, "x", 1), RECORD_TOO_MANY);
}

static void continue_is_the_second_record_of_a_later_epoch(void **state)
{
	uint8_t bytes[RECORD_CONTINUE_SIZE + 1] = { 0 };
	struct record_log later = log_of(&alice_key, open_room, 0xfedcba98);
	struct record_continue next = { .seq = LIMIT_SEQ };
	struct record_continue read;
	struct record_chain chain;

	(void)state;
	memcpy(next.log_id, alice.id, RECORD_ID_SIZE);
	assert_int_equal(record_continue_encode(&next, bytes), 40);
	assert_true(record_continue_decode(reader_over(bytes, 40), &read));
	assert_memory_equal(read.log_id, alice.id, RECORD_ID_SIZE);
	assert_true(read.seq == LIMIT_SEQ);
	for (size_t size = 0; size <= sizeof(bytes); size++) {
		chain = opened(&later, open_room);
		assert_int_equal(
			add(&chain, &later, RECORD_CONTINUE, bytes, size),
			size == 40 ? RECORD_GOOD : RECORD_BAD_CONTINUE);
	}
	chain = opened(&later, open_room);
	assert_int_equal(add(&chain, &later, RECORD_TEXT, "x", 1), RECORD_GOOD);
	assert_int_equal(add(&chain, &later, RECORD_CONTINUE, bytes, 40),
		RECORD_BAD_CONTINUE);
	chain = opened_by_alice();
	assert_int_equal(add(&chain, &alice, RECORD_CONTINUE, bytes, 40),
		RECORD_BAD_CONTINUE);
	next.seq++;
	assert_int_equal(record_continue_encode(&next, bytes), 40);
	chain = opened(&later, open_room);
	assert_int_equal(add(&chain, &later, RECORD_CONTINUE, bytes, 40),
		RECORD_BAD_CONTINUE);
}

static void refused_record_leaves_the_chain_as_it_was(void **state)
{
	struct record_chain chain = opened_by_alice();
	struct record record = record_of(RECORD_TEXT, 100, "x", 1);
	struct record_chain before;

	(void)state;
	assert_int_equal(
		record_chain_add(&chain, &alice, &record), RECORD_GOOD);
	before = chain;
	record.time_ms = 99;
	assert_int_equal(
		record_chain_add(&chain, &alice, &record), RECORD_TIME_BACK);
	record = record_of(RECORD_NAME, 200, "-", 1);
	assert_int_equal(
		record_chain_add(&chain, &alice, &record), RECORD_BAD_NAME);
	assert_true(chain.seq == before.seq);
	assert_true(chain.time_ms == before.time_ms);
	assert_memory_equal(chain.id, before.id, RECORD_ID_SIZE);
}

static void every_verdict_has_a_name(void **state)
{
	(void)state;
	for (int i = RECORD_GOOD; i <= RECORD_BAD_CONTINUE; i++)
		assert_true(strcmp(record_verdict_name((enum record_verdict)i),
				    "unknown") != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_and_signatures_match_the_golden_file),
		cmocka_unit_test(signed_record_is_stored_as_documented),
		cmocka_unit_test(unsigned_record_is_stored_as_documented),
		cmocka_unit_test(record_decode_refuses_every_other_size),
		cmocka_unit_test(
			record_decode_is_not_confused_by_a_payload_of_96_bytes),
		cmocka_unit_test(
			record_decode_refuses_what_no_version_has_written),
		cmocka_unit_test(
			abuse_06_one_flipped_bit_spoils_the_last_signature),
		cmocka_unit_test(abuse_07_id_does_not_depend_on_signatures),
		cmocka_unit_test(every_field_changes_the_id),
		cmocka_unit_test(abuse_08_signature_with_s_plus_l_is_refused),
		cmocka_unit_test(
			abuse_02_09_signature_is_good_for_its_place_only),
		cmocka_unit_test(
			abuse_09_open_belongs_to_one_room_key_and_epoch),
		cmocka_unit_test(open_is_the_first_record_and_no_other),
		cmocka_unit_test(open_has_no_other_spelling),
		cmocka_unit_test(names_are_short_and_plain),
		cmocka_unit_test(name_has_no_nul),
		cmocka_unit_test(open_with_a_bad_name_is_refused),
		cmocka_unit_test(
			abuse_21_payloads_have_limits_and_unknown_types_are_kept),
		cmocka_unit_test(
			abuse_22_time_is_anything_that_does_not_go_back),
		cmocka_unit_test(last_number_is_limit_seq),
		cmocka_unit_test(
			continue_is_the_second_record_of_a_later_epoch),
		cmocka_unit_test(refused_record_leaves_the_chain_as_it_was),
		cmocka_unit_test(every_verdict_has_a_name),
	};

	return cmocka_run_group_tests(tests, make_people, NULL);
}
