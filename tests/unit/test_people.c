/* SPDX-License-Identifier: ISC */
/* Tests of people.c: own id, names, and what their files may look like. */
#include "scratch.h"

#include "people.h"

static const uint8_t bob[LEGACY_KEY_SIZE] = "cbob";
static const uint8_t mallory[LEGACY_KEY_SIZE] = "cmallory1";
static const char *file;

static const char *shown(const struct people *p, const uint8_t *key)
{
	static char name[PEOPLE_SHOWN_MAX + 1];

	people_show(p, key, name);
	return name;
}

static void names_are_letters_digits_and_inner_dashes(void **state)
{
	static const char *const good[] = { "a", "bob", "r2-d2", "0",
		"abcdefghijklmnopqrstuvwxyz012345" };
	static const char *const bad[] = { "", "-", "-rf", "a-", "Bob", "a b",
		"a.b", "../x", "/tmp/x", ".", "info", "warn", "error", "b\xc3",
		"abcdefghijklmnopqrstuvwxyz0123456" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_true(people_name_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(people_name_valid(bad[i]));
}

static void own_id_is_made_once_and_kept(void **state)
{
	struct scratch s;
	struct people *p;
	uint8_t key[LEGACY_KEY_SIZE];
	char id[LEGACY_ID_MAX + 2];
	struct stat status;

	(void)state;
	scratch_make(&s);
	p = people_open(s.fd, "alice", true, &file);
	assert_non_null(p);
	memcpy(key, people_own_key(p), sizeof(key));
	assert_int_equal(legacy_id_of_key(key, id), LEGACY_ID_MAX);
	people_close(p);
	id[LEGACY_ID_MAX] = '\n';
	id[LEGACY_ID_MAX + 1] = '\0';
	assert_string_equal(scratch_read(&s, "id"), id);
	assert_int_equal(fstatat(s.fd, "id", &status, 0), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	p = people_open(s.fd, "alice", true, &file);
	assert_memory_equal(people_own_key(p), key, sizeof(key));
	assert_string_equal(shown(p, key), "alice");
	people_close(p);
	scratch_remove(&s);
}

static void a_damaged_id_is_refused_and_never_made_anew(void **state)
{
	static const char *const bad[] = { "", "@", "@0123\n", "cbob\n",
		"@00112233445566778899aabbccddeeff"
		"00112233445566778899aabbccddeefg\n",
		"@00112233445566778899aabbccddeeff"
		"00112233445566778899aabbccddeeff",
		"@00112233445566778899aabbccddeeff"
		"00112233445566778899aabbccddeeff\n\n" };
	struct scratch s;

	(void)state;
	scratch_make(&s);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		scratch_write(&s, "id", bad[i]);
		errno = 0;
		assert_null(people_open(s.fd, "alice", true, &file));
		assert_int_equal(errno, EBADMSG);
		assert_string_equal(scratch_read(&s, "id"), bad[i]);
	}
	scratch_remove(&s);
}

static void an_id_behind_a_symbolic_link_is_refused(void **state)
{
	struct scratch s;

	(void)state;
	scratch_make(&s);
	scratch_write(&s, "elsewhere", "whatever");
	assert_int_equal(symlinkat("elsewhere", s.fd, "id"), 0);
	assert_null(people_open(s.fd, "alice", true, &file));
	assert_string_equal(scratch_read(&s, "elsewhere"), "whatever");
	scratch_remove(&s);
}

static void who_never_claimed_a_name_is_shown_by_id(void **state)
{
	struct scratch s;
	struct people *p;

	(void)state;
	scratch_make(&s);
	p = people_open(s.fd, "alice", true, &file);
	assert_string_equal(shown(p, mallory), "cmallory");
	people_close(p);
	scratch_remove(&s);
}

static void the_first_to_claim_a_name_keeps_it(void **state)
{
	struct scratch s;
	struct people *p;

	(void)state;
	scratch_make(&s);
	p = people_open(s.fd, "alice", true, &file);
	assert_true(people_claim(p, bob, "bob"));
	assert_true(people_claim(p, mallory, "bob"));
	assert_string_equal(shown(p, bob), "bob");
	assert_string_equal(shown(p, mallory), "bob~cmallo");
	people_close(p);
	p = people_open(s.fd, "alice", true, &file);
	assert_string_equal(shown(p, bob), "bob");
	assert_string_equal(shown(p, mallory), "bob~cmallo");
	people_close(p);
	assert_string_equal(
		scratch_read(&s, "names"), "cbob bob\ncmallory1 bob\n");
	scratch_remove(&s);
}

static void nobody_else_is_shown_under_our_own_name(void **state)
{
	struct scratch s;
	struct people *p;

	(void)state;
	scratch_make(&s);
	p = people_open(s.fd, "alice", true, &file);
	assert_true(people_claim(p, mallory, "alice"));
	assert_string_equal(shown(p, mallory), "alice~cmallo");
	assert_true(people_claim(p, people_own_key(p), "bob"));
	assert_string_equal(shown(p, people_own_key(p)), "alice");
	people_close(p);
	scratch_remove(&s);
}

static void a_malformed_claim_is_ignored(void **state)
{
	struct scratch s;
	struct people *p;

	(void)state;
	scratch_make(&s);
	p = people_open(s.fd, "alice", true, &file);
	assert_true(people_claim(p, bob, "bob\nx y"));
	assert_true(people_claim(p, bob, "192.168.1.5"));
	assert_string_equal(shown(p, bob), "cbob");
	assert_int_equal(faccessat(s.fd, "names", F_OK, 0), -1);
	people_close(p);
	scratch_remove(&s);
}

static void a_name_can_be_changed(void **state)
{
	struct scratch s;
	struct people *p;

	(void)state;
	scratch_make(&s);
	p = people_open(s.fd, "alice", true, &file);
	assert_true(people_claim(p, bob, "bob"));
	assert_true(people_claim(p, bob, "robert"));
	assert_string_equal(shown(p, bob), "robert");
	assert_true(people_claim(p, mallory, "bob"));
	assert_string_equal(shown(p, mallory), "bob");
	assert_int_equal(people_save(p), 0);
	assert_string_equal(
		scratch_read(&s, "names"), "cbob robert\ncmallory1 bob\n");
	people_close(p);
	scratch_remove(&s);
}

static void an_older_claimant_gets_no_name_that_was_taken(void **state)
{
	struct scratch s;
	struct people *p;

	(void)state;
	scratch_make(&s);
	p = people_open(s.fd, "alice", true, &file);
	assert_true(people_claim(p, mallory, "mallory"));
	assert_true(people_claim(p, bob, "bob"));
	assert_true(people_claim(p, mallory, "bob"));
	for (int life = 0; life < 2; life++) {
		assert_string_equal(shown(p, bob), "bob");
		assert_string_equal(shown(p, mallory), "bob~cmallo");
		people_close(p);
		p = people_open(s.fd, "alice", true, &file);
	}
	people_close(p);
	scratch_remove(&s);
}

static void a_fifo_in_place_of_a_file_is_refused(void **state)
{
	struct scratch s;

	(void)state;
	scratch_make(&s);
	assert_int_equal(mkfifoat(s.fd, "id", 0600), 0);
	assert_null(people_open(s.fd, "alice", true, &file));
	assert_int_equal(errno, EBADMSG);
	assert_string_equal(file, "id");
	scratch_remove(&s);
}

static void damaged_names_are_refused(void **state)
{
	static const char *const bad[] = { "cbob bob", "cbob\n", "cbob \n",
		"cbob bob\ncbob bob\n", "CBOB bob\n", "cbob b b\n", "\n" };
	struct scratch s;

	(void)state;
	scratch_make(&s);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		scratch_write(&s, "names", bad[i]);
		errno = 0;
		assert_null(people_open(s.fd, "alice", true, &file));
		assert_int_equal(errno, EBADMSG);
	}
	scratch_remove(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_letters_digits_and_inner_dashes),
		cmocka_unit_test(own_id_is_made_once_and_kept),
		cmocka_unit_test(a_damaged_id_is_refused_and_never_made_anew),
		cmocka_unit_test(an_id_behind_a_symbolic_link_is_refused),
		cmocka_unit_test(who_never_claimed_a_name_is_shown_by_id),
		cmocka_unit_test(the_first_to_claim_a_name_keeps_it),
		cmocka_unit_test(nobody_else_is_shown_under_our_own_name),
		cmocka_unit_test(a_malformed_claim_is_ignored),
		cmocka_unit_test(a_name_can_be_changed),
		cmocka_unit_test(an_older_claimant_gets_no_name_that_was_taken),
		cmocka_unit_test(a_fifo_in_place_of_a_file_is_refused),
		cmocka_unit_test(damaged_names_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
