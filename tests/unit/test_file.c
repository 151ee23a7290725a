/* SPDX-License-Identifier: ISC */
/* Tests of file.c: what is believed, and what a replacement leaves behind. */
#include "scratch.h"

#include "file.h"

static enum file_result result_of_reading(struct scratch *s, size_t most)
{
	struct file file;
	enum file_result result = file_read(s->fd, "f", most, &file);

	assert_int_equal(file.bytes != NULL, result == FILE_GOOD);
	file_free(&file);
	return result;
}

static void a_file_is_read_whole(void **state)
{
	struct scratch *s = *state;
	struct file file;

	assert_int_equal(result_of_reading(s, 9), FILE_ABSENT);
	scratch_write(s, "f", "something");
	assert_int_equal(file_read(s->fd, "f", 9, &file), FILE_GOOD);
	assert_int_equal(file.size, 9);
	assert_memory_equal(file.bytes, "something", 9);
	file_free(&file);
	assert_int_equal(result_of_reading(s, 8), FILE_TOO_LARGE);
	scratch_write(s, "f", "");
	assert_int_equal(result_of_reading(s, 0), FILE_GOOD);
}

static void a_file_that_others_may_open_is_refused(void **state)
{
	struct scratch *s = *state;

	scratch_write(s, "f", "x");
	for (mode_t bit = 01; bit < 0100; bit <<= 1) {
		assert_int_equal(fchmodat(s->fd, "f", 0600 | bit, 0), 0);
		assert_int_equal(result_of_reading(s, 9), FILE_READABLE);
	}
	assert_int_equal(fchmodat(s->fd, "f", 0400, 0), 0);
	assert_int_equal(result_of_reading(s, 9), FILE_GOOD);
}

static void a_file_with_a_second_name_is_refused(void **state)
{
	struct scratch *s = *state;

	scratch_write(s, "f", "x");
	assert_int_equal(linkat(s->fd, "f", s->fd, "g", 0), 0);
	assert_int_equal(result_of_reading(s, 9), FILE_LINKED);
	assert_int_equal(unlinkat(s->fd, "g", 0), 0);
	assert_int_equal(result_of_reading(s, 9), FILE_GOOD);
}

static void a_file_of_another_user_is_refused(void **state)
{
	struct scratch *s = *state;

	only_root();
	scratch_write(s, "f", "x");
	assert_int_equal(fchownat(s->fd, "f", 1, 1, 0), 0);
	assert_int_equal(result_of_reading(s, 9), FILE_NOT_OURS);
}

static void what_is_no_regular_file_is_refused(void **state)
{
	struct scratch *s = *state;

	scratch_write(s, "g", "x");
	assert_int_equal(symlinkat("g", s->fd, "f"), 0);
	assert_int_equal(result_of_reading(s, 9), FILE_NOT_FILE);
	assert_int_equal(unlinkat(s->fd, "f", 0), 0);
	assert_int_equal(symlinkat("nowhere", s->fd, "f"), 0);
	assert_int_equal(result_of_reading(s, 9), FILE_NOT_FILE);
	assert_int_equal(unlinkat(s->fd, "f", 0), 0);
	assert_int_equal(mkdirat(s->fd, "f", 0700), 0);
	assert_int_equal(result_of_reading(s, 9), FILE_NOT_FILE);
	assert_int_equal(unlinkat(s->fd, "f", AT_REMOVEDIR), 0);
	assert_int_equal(mkfifoat(s->fd, "f", 0600), 0);
	assert_int_equal(result_of_reading(s, 9), FILE_NOT_FILE);
}

static void a_replaced_file_is_ours_alone(void **state)
{
	struct scratch *s = *state;
	mode_t mask = umask(0);
	struct stat status;

	scratch_write(s, "f.tmp", "left by somebody who was interrupted");
	assert_int_equal(file_replace(s->fd, "f", "one", 3), 0);
	assert_string_equal(scratch_read(s, "f"), "one");
	assert_int_equal(fstatat(s->fd, "f", &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(file_replace(s->fd, "f", "", 0), 0);
	assert_string_equal(scratch_read(s, "f"), "");
	assert_int_equal(faccessat(s->fd, "f.tmp", F_OK, 0), -1);
	(void)umask(mask);
}

static void abuse_48_nothing_is_written_through_a_symbolic_link(void **state)
{
	struct scratch *s = *state;

	scratch_write(s, "outside", "untouched");
	assert_int_equal(symlinkat("outside", s->fd, "f.tmp"), 0);
	assert_int_equal(file_replace(s->fd, "f", "one", 3), 0);
	assert_int_equal(unlinkat(s->fd, "f", 0), 0);
	assert_int_equal(symlinkat("outside", s->fd, "f"), 0);
	errno = 0;
	assert_int_equal(file_replace(s->fd, "f", "two", 3), -1);
	assert_int_equal(errno, ELOOP);
	assert_string_equal(scratch_read(s, "outside"), "untouched");
	assert_int_equal(faccessat(s->fd, "f.tmp", F_OK, 0), -1);
}

static void a_failed_replacement_leaves_the_old_file(void **state)
{
	struct scratch *s = *state;

	scratch_write(s, "f", "old");
	assert_int_equal(mkdirat(s->fd, "f.tmp", 0700), 0);
	assert_int_equal(file_replace(s->fd, "f", "new", 3), -1);
	assert_string_equal(scratch_read(s, "f"), "old");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(a_file_is_read_whole),
		scratch_test(a_file_that_others_may_open_is_refused),
		scratch_test(a_file_with_a_second_name_is_refused),
		scratch_test(a_file_of_another_user_is_refused),
		scratch_test(what_is_no_regular_file_is_refused),
		scratch_test(a_replaced_file_is_ours_alone),
		scratch_test(
			abuse_48_nothing_is_written_through_a_symbolic_link),
		scratch_test(a_failed_replacement_leaves_the_old_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
