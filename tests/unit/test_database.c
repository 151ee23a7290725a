/* SPDX-License-Identifier: ISC */
/*
 * Tests of database.c: what is opened, and what is refused with which words.
 * The database is the directory `db` of a scratch one.
 */
#include "scratch.h"

#include <sysexits.h>

#include "author.h"
#include "database.h"

struct place {
	struct scratch scratch;
	char path[300];
	struct options options;
};

static int place_setup(void **state)
{
	static struct place p;

	scratch_make(&p.scratch);
	(void)snprintf(p.path, sizeof(p.path), "%s/db", p.scratch.path);
	options_default(&p.options);
	p.options.name = "alice";
	p.options.dir = p.path;
	*state = &p;
	return 0;
}

static int place_teardown(void **state)
{
	struct place *p = *state;

	scratch_remove(&p->scratch);
	return 0;
}

/* Opens and closes; what was told is in `told` of the scratch directory. */
static int try(struct place *p, bool look)
{
	struct database d;
	int status;

	p->options.err_fd = openat(p->scratch.fd, "told",
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(p->options.err_fd >= 0);
	status = look ? database_look(&d, &p->options, false)
		      : database_open(&d, &p->options);
	database_close(&d);
	assert_int_equal(close(p->options.err_fd), 0);
	return status;
}

/* One line, that ends with these words. */
static void told(struct place *p, const char *end)
{
	const char *line = scratch_read(&p->scratch, "told");
	size_t size = strlen(line);

	assert_int_equal(strncmp(line, "error> ", 7), 0);
	assert_int_equal(strchr(line, '\n') - line, (long)size - 1);
	if (size < strlen(end) + 1 ||
		strncmp(line + size - 1 - strlen(end), end, strlen(end)) != 0)
		fail_msg("\"%s\" does not end with \"%s\"", line, end);
}

static void refused(struct place *p, int status, const char *end)
{
	assert_int_equal(try(p, false), status);
	told(p, end);
}

static void made(struct place *p)
{
	assert_int_equal(try(p, false), EX_OK);
	assert_string_equal(scratch_read(&p->scratch, "told"), "");
}

static void a_database_is_made_and_opened_again(void **state)
{
	struct place *p = *state;
	struct database d;
	uint8_t key[RECORD_KEY_SIZE];

	/* As somebody who was interrupted might have left it. */
	assert_int_equal(mkdir(p->path, 0700), 0);
	assert_int_equal(database_open(&d, &p->options), EX_OK);
	assert_true(d.made);
	assert_true(people_is_new(d.people));
	memcpy(key, people_key(d.people)->public_key, sizeof(key));
	assert_int_equal(room_say(d.room, "x", 1, 1), 0);
	database_close(&d);
	assert_int_equal(database_open(&d, &p->options), EX_OK);
	assert_false(d.made);
	assert_memory_equal(key, people_key(d.people)->public_key, sizeof(key));
	assert_int_equal(room_count(d.room), 1);
	assert_int_equal(room_durable(d.room, 0), 2); /* OPEN and TEXT */
	database_close(&d);
	made(p);
}

static void abuse_46_a_directory_that_is_none_of_ours_is_refused(void **state)
{
	struct place *p = *state;
	char other[320];

	(void)snprintf(other, sizeof(other), "%s/other", p->scratch.path);
	assert_int_equal(mkdir(other, 0700), 0);
	assert_int_equal(symlink(other, p->path), 0);
	refused(p, EX_CANTCREAT, "give the directory itself with -d");
	assert_int_equal(unlink(p->path), 0);
	assert_int_equal(mkfifo(p->path, 0700), 0);
	refused(p, EX_CANTCREAT,
		"no directory; move it away, or use another one with -d");
	assert_int_equal(unlink(p->path), 0);
	scratch_write(&p->scratch, "db", "a file");
	refused(p, EX_CANTCREAT,
		"no directory; move it away, or use another one with -d");
	assert_int_equal(unlink(p->path), 0);
	assert_int_equal(rmdir(other), 0); /* nothing was put into it */
}

static void abuse_46_a_directory_open_to_others_is_refused(void **state)
{
	struct place *p = *state;
	static const mode_t modes[] = { 0777, 0755, 0701, 0710, 0720 };

	assert_int_equal(mkdir(p->path, 0700), 0);
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		assert_int_equal(chmod(p->path, modes[i]), 0);
		assert_int_equal(try(p, false), EX_NOPERM);
		assert_non_null(strstr(scratch_read(&p->scratch, "told"),
			"if that is a mistake: chmod 700 "));
	}
	assert_int_equal(chmod(p->path, 0700), 0);
	assert_int_equal(rmdir(p->path), 0); /* nothing was put into it */
}

static void abuse_46_a_directory_of_another_user_is_refused(void **state)
{
	struct place *p = *state;

	only_root();
	assert_int_equal(mkdir(p->path, 0700), 0);
	assert_int_equal(chown(p->path, 1, 1), 0);
	refused(p, EX_NOPERM,
		"another user: use a directory of your own, with -d");
	assert_int_equal(rmdir(p->path), 0); /* nothing was put into it */
}

static void abuse_47_an_identity_not_ours_alone_is_refused(void **state)
{
	struct place *p = *state;
	struct scratch *s = &p->scratch;

	made(p);
	assert_int_equal(fchmodat(s->fd, "db/identity", 0640, 0), 0);
	refused(p, EX_NOPERM, "db/identity");
	assert_non_null(
		strstr(scratch_read(s, "told"), "mistake: chmod 600 /"));
	assert_int_equal(try(p, true), EX_NOPERM);
	assert_int_equal(fchmodat(s->fd, "db/identity", 0600, 0), 0);
	assert_int_equal(linkat(s->fd, "db/identity", s->fd, "copy", 0), 0);
	refused(p, EX_NOPERM, "cp -p identity new && mv new identity");
	assert_int_equal(unlinkat(s->fd, "db/identity", 0), 0);
	assert_int_equal(symlinkat("../copy", s->fd, "db/identity"), 0);
	refused(p, EX_NOPERM, "put the file itself there");
	assert_int_equal(unlinkat(s->fd, "db/identity", 0), 0);
	scratch_write(s, "db/identity", "chat identity 1\nmode op");
	refused(p, EX_DATAERR, "or begin anew with another -d");
	assert_string_equal(
		scratch_read(s, "db/identity"), "chat identity 1\nmode op");
	scratch_write(s, "db/identity", "chat identity 2\n");
	refused(p, EX_CONFIG, "which is needed to open it");
}

static void abuse_47_a_lost_identity_is_not_made_anew(void **state)
{
	struct place *p = *state;
	struct scratch *s = &p->scratch;
	struct database d;

	assert_int_equal(database_open(&d, &p->options), EX_OK);
	assert_int_equal(room_say(d.room, "x", 1, 1), 0);
	database_close(&d);
	assert_int_equal(unlinkat(s->fd, "db/identity", 0), 0);
	refused(p, EX_NOINPUT, "or begin anew with another -d");
	assert_int_equal(unlinkat(s->fd, "db/peers", 0), 0);
	refused(p, EX_NOINPUT, "or begin anew with another -d");
	assert_int_equal(faccessat(s->fd, "db/identity", F_OK, 0), -1);
}

static void another_room_is_refused(void **state)
{
	struct place *p = *state;

	made(p);
	p->options.room = "kitchen";
	refused(p, EX_CONFIG, "use it without -r, or another one with -d");
	assert_int_equal(try(p, true), EX_CONFIG);
	(void)snprintf(p->path, sizeof(p->path), "%s/db2", p->scratch.path);
	made(p);
	p->options.room = "";
	refused(p, EX_CONFIG, "use it with -r kitchen, or another one with -d");
}

static void damaged_peers_are_refused(void **state)
{
	struct place *p = *state;

	made(p);
	scratch_write(&p->scratch, "db/peers", "chat peers 1\n");
	refused(p, EX_DATAERR, "or begin anew with another -d");
	assert_string_equal(
		scratch_read(&p->scratch, "db/peers"), "chat peers 1\n");
}

static void who_looks_for_no_database_finds_none(void **state)
{
	struct place *p = *state;

	assert_int_equal(try(p, true), EX_NOINPUT);
	assert_int_equal(faccessat(p->scratch.fd, "db", F_OK, 0), -1);
	assert_int_equal(mkdir(p->path, 0700), 0);
	assert_int_equal(try(p, true), EX_NOINPUT);
	assert_int_equal(rmdir(p->path), 0); /* nothing was put into it */
}

static void a_database_of_the_first_version_opens(void **state)
{
	static const uint8_t carol[LOG_KEY_SIZE] = "cmws77s0x";
	struct place *p = *state;
	struct scratch *s = &p->scratch;
	struct database d;
	struct log *log;
	int dir_fd;

	assert_int_equal(mkdir(p->path, 0700), 0);
	scratch_write(s, "db/id", "cown1234\n");
	scratch_write(s, "db/names", "cmws77s0x carol\n");
	dir_fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	log = log_open(dir_fd);
	author_unsigned(log, carol, 1, "hallo");
	log_close(log);
	assert_int_equal(close(dir_fd), 0);

	assert_int_equal(database_look(&d, &p->options, false), EX_OK);
	assert_null(people_key(d.people));
	assert_int_equal(room_count(d.room), 1);
	assert_false(room_log(d.room, 0)->is_signed);
	database_close(&d);
	assert_int_equal(faccessat(s->fd, "db/identity", F_OK, 0), -1);
	assert_int_equal(database_open(&d, &p->options), EX_OK);
	assert_false(d.made);
	assert_true(people_is_new(d.people));
	assert_int_equal(room_durable(d.room, 0), 1);
	database_close(&d);
	made(p);
	assert_string_equal(scratch_read(s, "db/id"), "cown1234\n");
}

#define place_test(test)                                                       \
	cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		place_test(a_database_is_made_and_opened_again),
		place_test(
			abuse_46_a_directory_that_is_none_of_ours_is_refused),
		place_test(abuse_46_a_directory_open_to_others_is_refused),
		place_test(abuse_46_a_directory_of_another_user_is_refused),
		place_test(abuse_47_an_identity_not_ours_alone_is_refused),
		place_test(abuse_47_a_lost_identity_is_not_made_anew),
		place_test(another_room_is_refused),
		place_test(damaged_peers_are_refused),
		place_test(who_looks_for_no_database_finds_none),
		place_test(a_database_of_the_first_version_opens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
