/* SPDX-License-Identifier: ISC */
/*
 * Tests of inspect.c: what --log and --check print about a database, which is
 * the directory `db` of a scratch one.
 */
#include "scratch.h"

#include <sysexits.h>

#include "author.h"
#include "database.h"
#include "inspect.h"

struct place {
	struct scratch scratch;
	char path[300];
	struct options options;
	struct database d; /* open while records are written into it */
	struct author bob;
	struct author mallory;
};

static int place_setup(void **state)
{
	static struct place p;

	scratch_make(&p.scratch);
	(void)snprintf(p.path, sizeof(p.path), "%s/db", p.scratch.path);
	options_default(&p.options);
	p.options.name = "alice";
	p.options.dir = p.path;
	assert_int_equal(database_open(&p.d, &p.options), EX_OK);
	author_join(&p.bob, p.d.log, 1, "bob");
	*state = &p;
	return 0;
}

static int place_teardown(void **state)
{
	struct place *p = *state;

	scratch_remove(&p->scratch);
	return 0;
}

/* What the command prints; the database is closed for it. */
static const char *printed(
	struct place *p, int expected, int (*command)(const struct options *))
{
	int out = openat(p->scratch.fd, "out",
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int saved, status;

	database_close(&p->d);
	(void)fflush(stdout);
	saved = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	assert_true(out >= 0 && saved >= 0);
	assert_true(dup2(out, STDOUT_FILENO) >= 0);
	status = command(&p->options);
	(void)fflush(stdout);
	assert_true(dup2(saved, STDOUT_FILENO) >= 0);
	assert_int_equal(close(saved), 0);
	assert_int_equal(close(out), 0);
	assert_int_equal(status, expected);
	return scratch_read(&p->scratch, "out");
}

static void printed_line(struct place *p, const char *line)
{
	const char *out = printed(p, 1, inspect_check);

	if (strncmp(out, line, strlen(line)) != 0)
		fail_msg("\"%s\" does not begin with \"%s\"", out, line);
	assert_non_null(strstr(out, "not all is sound\n"));
}

static void a_history_is_printed_in_the_order_of_time(void **state)
{
	struct place *p = *state;
	static const uint8_t carol[LOG_KEY_SIZE] = "cmws77s0x";

	author_join(&p->mallory, p->d.log, 2, "mallory");
	author_say(&p->bob, p->d.log, "one"); /* at 2 s, like "two" */
	author_unsigned(p->d.log, carol, 1, "first");
	author_say(&p->mallory, p->d.log, "two");
	author_say(&p->mallory, p->d.log, "three");
	assert_int_equal(room_say(p->d.room, "last", 4, 9000), 0);
	assert_string_equal(printed(p, EX_OK, inspect_log),
		"?cmws77s> first\nmallory> two\nbob> one\nmallory> three\n"
		"alice> last\n");
	p->options.history = 2;
	assert_string_equal(printed(p, EX_OK, inspect_log),
		"mallory> three\nalice> last\n");
	p->options.history = 0;
	assert_string_equal(printed(p, EX_OK, inspect_log), "");
}

static void a_name_that_two_keys_claim_gets_suffixes(void **state)
{
	struct place *p = *state;
	struct author eve, warn, bob_again;
	struct record_open open = { .epoch = 7, .name = "bob" };
	const char *out;

	author_join(&p->mallory, p->d.log, 2, "bob");
	author_join(&eve, p->d.log, 3, "eve");
	author_join(&warn, p->d.log, 4, "warn");
	record_room_id(open.room_id, false, "");
	author_open(&bob_again, p->d.log, 1, &open);
	author_say(&p->bob, p->d.log, "x");
	author_say(&p->mallory, p->d.log, "x");
	author_say(&eve, p->d.log, "x");
	author_say(&warn, p->d.log, "x");
	author_say(&bob_again, p->d.log, "x");
	assert_int_equal(
		people_meet(p->d.people, p->bob.key.public_key, "bob", 1),
		PEOPLE_PINNED); /* which must not matter */
	out = printed(p, EX_OK, inspect_log);
	assert_non_null(strstr(out, "eve> x\n"));
	assert_non_null(strstr(out, "warn~"));
	assert_null(strstr(out, "bob> "));
	p->options.json = true;
	out = printed(p, EX_OK, inspect_log);
	assert_non_null(strstr(out, "\"name\":\"bob~"));
	assert_null(strstr(out, "\"name\":\"bob\""));
}

static void one_key_with_two_logs_needs_no_suffix(void **state)
{
	struct place *p = *state;
	struct author bob_again;
	struct record_open open = { .epoch = 7, .name = "bob" };

	record_room_id(open.room_id, false, "");
	author_open(&bob_again, p->d.log, 1, &open);
	author_say(&p->bob, p->d.log, "x");
	author_say(&bob_again, p->d.log, "x");
	assert_string_equal(printed(p, EX_OK, inspect_log), "bob> x\nbob> x\n");
}

static void a_sound_database_is_said_to_be_sound(void **state)
{
	struct place *p = *state;
	const char *logs;

	author_say(&p->bob, p->d.log, "x");
	assert_int_equal(room_say(p->d.room, "x", 1, 9000), 0);
	logs = strstr(
		printed(p, EX_OK, inspect_check), "4 records in 2 logs (");
	assert_non_null(logs);
	logs += strlen("4 records in 2 logs (");
	assert_int_equal(strspn(logs, "0123456789abcdef"), 6);
	assert_memory_equal(logs + 6, "), all sound\n", 14);
}

/* The chain vouches for what is in the middle. */
static void abuse_07_a_bad_signature_inside_a_log_harms_nobody(void **state)
{
	struct place *p = *state;

	p->bob.spoiled = 1;
	p->bob.flags = 0;
	author_say(&p->bob, p->d.log, "middle");
	p->bob.spoiled = 0;
	author_say(&p->bob, p->d.log, "last");
	assert_non_null(
		strstr(printed(p, EX_OK, inspect_check), "all sound\n"));
}

static void a_bad_signature_at_the_end_is_found(void **state)
{
	struct place *p = *state;

	p->bob.spoiled = 1;
	p->bob.flags = 0;
	author_say(&p->bob, p->d.log, "last");
	printed_line(p, "message 2 of ~");
}

static void a_signature_that_was_good_once_is_looked_at(void **state)
{
	struct place *p = *state;

	p->bob.spoiled = 1;
	author_say(&p->bob, p->d.log, "middle");
	p->bob.spoiled = 0;
	author_say(&p->bob, p->d.log, "last");
	printed_line(p, "message 2 of ~");
	assert_non_null(strstr(scratch_read(&p->scratch, "out"),
		": its signature is not its author's (log @"));
}

static void a_text_that_was_not_signed_is_found(void **state)
{
	struct place *p = *state;
	struct record record = { .time_ms = 9000,
		.type = RECORD_TEXT,
		.payload = reader_over("other", 5) };

	author_say(&p->bob, p->d.log, "one");
	p->bob.chain.seq++;
	author_append(&p->bob, p->d.log, &record, p->bob.chain.id);
	printed_line(p, "message 3 of ~");
	assert_non_null(strstr(scratch_read(&p->scratch, "out"),
		": it, or one before it, is not what was signed (log @"));
}

static void a_time_that_goes_back_is_found(void **state)
{
	struct place *p = *state;
	struct record record = { .time_ms = 1,
		.type = RECORD_TEXT,
		.payload = reader_over("early", 5) };

	p->bob.chain.seq++;
	author_append(&p->bob, p->d.log, &record, p->bob.chain.id);
	printed_line(p, "message 2 of ~");
	assert_non_null(strstr(scratch_read(&p->scratch, "out"),
		record_verdict_name(RECORD_TIME_BACK)));
}

static void a_log_that_does_not_begin_as_its_own_is_found(void **state)
{
	struct place *p = *state;

	struct record record = { .time_ms = 1,
		.type = RECORD_TEXT,
		.payload = reader_over("no OPEN", 7) };

	author_join(&p->mallory, p->d.log, 2, "mallory");
	p->mallory.log.id[0] ^= 1; /* is nobody's log */
	author_append(&p->mallory, p->d.log, &record, p->mallory.chain.id);
	printed_line(p, "message 1 of ");
}

static void what_a_crash_leaves_is_checked_to_its_end(void **state)
{
	struct place *p = *state;
	char command[700];

	for (int i = 0; i < 100; i++)
		author_say(&p->bob, p->d.log, "x");
	p->bob.spoiled = 1;
	author_say(&p->bob, p->d.log, "last");
	(void)snprintf(command, sizeof(command), "cp -Rp '%s' '%s2'", p->path,
		p->path);
	assert_int_equal(system(command), 0);
	database_close(&p->d);
	(void)snprintf(p->path, sizeof(p->path), "%s/db2", p->scratch.path);
	printed_line(p, "message 102 of ~");
}

static void abuse_49_a_history_without_its_files_is_not_invented(void **state)
{
	struct place *p = *state;
	char command[400];

	author_say(&p->bob, p->d.log, "one");
	database_close(&p->d);
	(void)snprintf(
		command, sizeof(command), "cd '%s' && rm -rf $(ls)", p->path);
	assert_int_equal(system(command), 0);
	p->options.err_fd = openat(p->scratch.fd, "told",
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_string_equal(printed(p, EX_NOINPUT, inspect_log), "");
	assert_string_equal(printed(p, EX_NOINPUT, inspect_check), "");
	assert_int_equal(close(p->options.err_fd), 0);
	assert_non_null(strstr(scratch_read(&p->scratch, "told"),
		"error> there is no identity in "));
}

#define place_test(test)                                                       \
	cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		place_test(a_history_is_printed_in_the_order_of_time),
		place_test(a_name_that_two_keys_claim_gets_suffixes),
		place_test(one_key_with_two_logs_needs_no_suffix),
		place_test(a_sound_database_is_said_to_be_sound),
		place_test(abuse_07_a_bad_signature_inside_a_log_harms_nobody),
		place_test(a_bad_signature_at_the_end_is_found),
		place_test(a_signature_that_was_good_once_is_looked_at),
		place_test(a_text_that_was_not_signed_is_found),
		place_test(a_time_that_goes_back_is_found),
		place_test(a_log_that_does_not_begin_as_its_own_is_found),
		place_test(what_a_crash_leaves_is_checked_to_its_end),
		place_test(
			abuse_49_a_history_without_its_files_is_not_invented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
