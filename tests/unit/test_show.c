/* SPDX-License-Identifier: ISC */
/* Tests of show.c: the lines that people and programs get to see. */
#include "scratch.h"

#include "author.h"
#include "legacy.h"
#include "show.h"

static const uint8_t carol[LEGACY_KEY_SIZE] = "cmws77s0x";
static uint8_t room_bytes[RECORD_ID_SIZE];

/* What was written, as text. */
static const char *text_of(const struct writer *w)
{
	assert_false(w->full);
	w->bytes[w->size] = '\0';
	return (const char *)w->bytes;
}

static struct writer fresh(void)
{
	static uint8_t bytes[4096];

	return writer_over(bytes, sizeof(bytes) - 1);
}

static struct room_log signed_log(void)
{
	struct room_log log = { .used = true, .is_signed = true };

	for (unsigned i = 0; i < RECORD_ID_SIZE; i++)
		log.log.id[i] = (uint8_t)i;
	return log;
}

static const char *shown(const struct room_log *log, const char *name,
	const char *text, bool json)
{
	struct writer w = fresh();
	struct record record = { .time_ms = 1763856000007,
		.type = RECORD_TEXT,
		.payload = reader_over(text, strlen(text)) };
	struct show_message message = {
		.log = log, .name = name, .seq = 7, .record = &record
	};

	assert_true(show_message(&w, &message, json));
	return text_of(&w);
}

static void a_signed_text_says_so(void **state)
{
	struct room_log log = signed_log();

	(void)state;
	assert_string_equal(shown(&log, "bob", "hello", false), "bob> hello\n");
	assert_string_equal(shown(&log, "bob~abcdef", "say \"hi\"", true),
		"{\"type\":\"message\",\"author\":\"@000102030405060708090a0b0c"
		"0d0e0f101112131415161718191a1b1c1d1e1f\","
		"\"name\":\"bob~abcdef\",\"seq\":7,"
		"\"time\":\"2025-11-23T00:00:00.007Z\","
		"\"text\":\"say \\\"hi\\\"\",\"verified\":true}\n");
}

static void an_unsigned_text_says_so(void **state)
{
	struct room_log log = { .used = true };

	(void)state;
	memcpy(log.log.id, carol, sizeof(carol));
	assert_string_equal(
		shown(&log, "?carol", "hello", false), "?carol> hello\n");
	assert_string_equal(shown(&log, "?carol", "hello", true),
		"{\"type\":\"message\",\"author\":\"cmws77s0x\","
		"\"name\":\"?carol\",\"seq\":7,"
		"\"time\":\"2025-11-23T00:00:00.007Z\","
		"\"text\":\"hello\",\"verified\":false}\n");
}

/* At the choke point: test_clean has the rest. */
static void abuse_40_41_one_text_is_one_clean_line(void **state)
{
	struct room_log log = signed_log();
	const char *line =
		shown(&log, "bob", "a\nalice> b\r\x1b[2J\x9b", false);

	(void)state;
	assert_int_equal(strchr(line, '\n') - line, (long)strlen(line) - 1);
	assert_null(strpbrk(line, "\r\x1b\x9b"));
}

static void abuse_21_only_texts_are_messages(void **state)
{
	struct room_log log = signed_log();
	struct writer w = fresh();
	struct record record = { .payload = reader_over("bob", 3) };
	struct show_message message = {
		.log = &log, .name = "bob", .seq = 1, .record = &record
	};

	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		record.type = (uint8_t)type;
		if (type != RECORD_TEXT)
			assert_false(show_message(&w, &message, type % 2 == 0));
	}
	assert_int_equal(w.size, 0);
}

static void abuse_22_times_are_shown_within_the_calendar(void **state)
{
	static const struct {
		uint64_t time_ms;
		const char *shown;
	} cases[] = {
		{ 0, "\"1970-01-01T00:00:00.000Z\"" },
		{ 253402300799998, "\"9999-12-31T23:59:59.998Z\"" },
		{ 253402300799999, "\"9999-12-31T23:59:59.999Z\"" },
		{ 253402300800000, "\"9999-12-31T23:59:59.999Z\"" },
		{ (uint64_t)1 << 63, "\"9999-12-31T23:59:59.999Z\"" },
		{ UINT64_MAX, "\"9999-12-31T23:59:59.999Z\"" },
	};
	struct room_log log = signed_log();
	struct record record = { .type = RECORD_TEXT };
	struct show_message message = {
		.log = &log, .name = "bob", .seq = 1, .record = &record
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct writer w = fresh();

		record.time_ms = cases[i].time_ms;
		record.payload = reader_over("x", 1);
		assert_true(show_message(&w, &message, true));
		if (strstr(text_of(&w), cases[i].shown) == NULL)
			fail_msg("no %s in %s", cases[i].shown, text_of(&w));
	}
}

/* A store with records of bob and of an author without a key. */
struct place {
	struct scratch scratch;
	struct log *log;
	struct people *people;
	struct room *room;
	struct author bob;
};

static int place_setup(void **state)
{
	static struct place p;
	struct people_options people = { "alice", "", true, false };
	struct people_failure failure;
	struct room_options room = { .name = "alice", .room_id = room_bytes };

	scratch_make(&p.scratch);
	p.log = log_open(p.scratch.fd);
	assert_non_null(p.log);
	author_join(&p.bob, p.log, 1, "bob");
	author_say(&p.bob, p.log, "hello");
	author_unsigned(p.log, carol, 1, "hallo");
	p.people = people_open(p.scratch.fd, &people, &failure);
	assert_non_null(p.people);
	room.key = people_key(p.people);
	room.dir_fd = p.scratch.fd;
	p.room = room_open(&room, p.log);
	assert_non_null(p.room);
	*state = &p;
	return 0;
}

static int place_teardown(void **state)
{
	struct place *p = *state;

	room_close(p->room);
	people_close(p->people);
	log_close(p->log);
	scratch_remove(&p->scratch);
	return 0;
}

static void a_record_is_shown_under_the_name_known_here(void **state)
{
	struct place *p = *state;
	struct log_record stored;
	struct writer w = fresh();

	people_claim(p->people, p->bob.key.public_key, "bob");
	while (log_next(p->log, &stored))
		(void)!show_record(&w, p->people, p->room, &stored, false);
	assert_string_equal(text_of(&w), "bob> hello\n?cmws77s> hallo\n");
	stored.key = room_bytes;
	assert_false(show_record(&w, p->people, p->room, &stored, false));
}

static void a_problem_names_the_author(void **state)
{
	struct place *p = *state;
	struct log_problem problem = { .trouble = LOG_MISSING,
		.first = 3,
		.last = 9,
		.author = log_find(p->log, p->bob.log.id) };
	char text[SHOW_PROBLEM_MAX];

	people_claim(p->people, p->bob.key.public_key, "bob");
	assert_string_equal(
		show_problem(p->log, p->room, p->people, &problem, text),
		"warn");
	assert_string_equal(text, "messages 3 to 9 of bob: missing here");
	problem.author = LOG_NO_AUTHOR;
	(void)show_problem(p->log, p->room, p->people, &problem, text);
	assert_string_equal(text, "messages 3 to 9 of somebody: missing here");
}

static void a_peer_is_named_by_his_first_log(void **state)
{
	struct place *p = *state;
	struct show_peer peer = { .event = "up",
		.name = "bob",
		.key = p->bob.key.public_key,
		.room_id = room_bytes,
		.address = "127.0.0.1:5" };
	struct room_log log = { .is_signed = true };
	struct writer w = fresh();
	char author[128];

	log.log = p->bob.log;
	(void)snprintf(author, sizeof(author), "%.86s",
		shown(&log, "bob", "x", true) +
			strlen("{\"type\":\"message\""));
	show_peer(&w, &peer);
	assert_non_null(strstr(text_of(&w), "\"name\":\"bob\",\"author\":\"@"));
	author[strlen(",\"author\":\"@") + 64] = '\0';
	assert_non_null(strstr(text_of(&w), author));
	w = fresh();
	peer.key = carol;
	peer.legacy = true;
	show_peer(&w, &peer);
	assert_string_equal(text_of(&w),
		"{\"type\":\"peer\",\"event\":\"up\",\"name\":\"bob\","
		"\"author\":\"cmws77s0x\",\"address\":\"127.0.0.1:5\"}\n");
	w = fresh();
	peer.key = NULL;
	show_peer(&w, &peer);
	assert_null(strstr(text_of(&w), "author"));
}

#define place_test(test)                                                       \
	cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signed_text_says_so),
		cmocka_unit_test(an_unsigned_text_says_so),
		cmocka_unit_test(abuse_40_41_one_text_is_one_clean_line),
		cmocka_unit_test(abuse_21_only_texts_are_messages),
		cmocka_unit_test(abuse_22_times_are_shown_within_the_calendar),
		place_test(a_record_is_shown_under_the_name_known_here),
		place_test(a_problem_names_the_author),
		place_test(a_peer_is_named_by_his_first_log),
	};

	ed25519_start();
	record_room_id(room_bytes, false, "");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
