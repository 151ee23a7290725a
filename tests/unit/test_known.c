/* SPDX-License-Identifier: ISC */
/* test_known.c: where others were, and the file that says so. */
#include "platform.h"

#include "scratch.h"
#include "testing.h"

#include "links/known.h"

#define KEY_1 "0101010101010101010101010101010101010101010101010101010101010101"
#define KEY_2 "0202020202020202020202020202020202020202020202020202020202020202"

static const uint8_t *key_of(unsigned n)
{
	static uint8_t key[RECORD_KEY_SIZE];

	memset(key, (int)n, sizeof(key));
	return key;
}

static struct net_place place4(const char *host, uint16_t port)
{
	struct net_place at = { .host = { [10] = 0xff, [11] = 0xff },
		.port = port };

	assert_int_equal(inet_pton(AF_INET, host, at.host + 12), 1);
	return at;
}

static struct net_place place6(const char *host, uint16_t port)
{
	struct net_place at = { .port = port };

	assert_int_equal(inet_pton(AF_INET6, host, at.host), 1);
	return at;
}

static struct known *open_known(struct scratch *s)
{
	struct known *k = known_open(s->fd);

	assert_non_null(k);
	return k;
}

static int count_known(struct known *k)
{
	int count = 0;

	for (unsigned n = 0; n < 256; n++)
		count += known_find(k, key_of(n)) != NULL;
	return count;
}

static void known_golden_file(void **state)
{
	struct scratch *s = *state;
	struct known *k = open_known(s);
	struct net_place first = place4("10.0.0.1", 4000);
	struct net_place second = place6("fd77::2", 65535);

	assert_false(known_is_damaged(k));
	assert_false(known_unsaved(k));
	(void)known_meet(k, key_of(1), &first);
	(void)known_meet(k, key_of(2), &second);
	assert_true(known_unsaved(k));
	assert_int_equal(known_save(k), 0);
	assert_string_equal(scratch_read(s, "addresses"),
		"chat addresses 1\n"
		"at fd77::2 65535 " KEY_2 "\n"
		"at 10.0.0.1 4000 " KEY_1 "\nend\n");
	known_close(k);
	k = open_known(s);
	assert_true(net_same_place(&known_find(k, key_of(1))->at, &first));
	assert_true(net_same_place(&known_find(k, key_of(2))->at, &second));
	/* Who was met last comes first; met again where he was is no news. */
	assert_memory_equal(
		known_next(k, false, false)->key, key_of(2), RECORD_KEY_SIZE);
	(void)known_meet(k, key_of(1), &first);
	assert_false(known_unsaved(k));
	known_close(k);
}

static void known_keeps_one_address_a_key_and_one_key_an_address(void **state)
{
	struct known *k = open_known(*state);
	struct net_place old = place4("10.0.0.1", 4000);
	struct net_place new = place4("10.0.0.2", 4000);

	(void)known_meet(k, key_of(1), &old);
	(void)known_meet(k, key_of(1), &new);
	assert_true(net_same_place(&known_find(k, key_of(1))->at, &new));
	(void)known_meet(k, key_of(2), &new);
	assert_null(known_find(k, key_of(1)));
	assert_int_equal(count_known(k), 1);
	known_close(k);
}

static void known_holds_64_and_8_of_one_host(void **state)
{
	struct known *k = open_known(*state);

	for (unsigned n = 1; n <= 100; n++) {
		char host[32];
		struct net_place at;

		(void)snprintf(host, sizeof(host), "10.0.0.%u", n);
		at = place4(host, 4000);
		(void)known_meet(k, key_of(n), &at);
	}
	assert_int_equal(count_known(k), KNOWN_MAX);
	assert_null(known_find(k, key_of(36)));
	assert_non_null(known_find(k, key_of(37)));
	for (unsigned n = 101; n <= 200; n++) {
		struct net_place at = place4("10.9.9.9", (uint16_t)n);

		(void)known_meet(k, key_of(n), &at);
	}
	assert_int_equal(count_known(k), KNOWN_MAX);
	assert_null(known_find(k, key_of(192)));
	assert_non_null(known_find(k, key_of(193)));
	assert_non_null(known_find(k, key_of(45)));
	assert_int_equal(known_save(k), 0); /* all of it fits */
	known_close(k);
	k = open_known(*state);
	assert_int_equal(count_known(k), KNOWN_MAX);
	known_close(k);
}

static void known_forgets_all_of_a_bad_file_and_goes_on(void **state)
{
	static const char good[] = "at 10.0.0.1 4000 " KEY_1 "\n";
	static const char *const bad[] = {
		"",
		"chat addresses 1\n",
		"chat addresses 2\nend\n",
		"end\n",
		"chat addresses 1\n%send",
		"chat addresses 1\n%send\n\n",
		"chat addresses 1\n%s%send\n", /* one key twice */
		"chat addresses 1\n%sat 10.0.0.1  4000 " KEY_2 "\nend\n",
		"chat addresses 1\n%sat 10.0.0.1 0 " KEY_2 "\nend\n",
		"chat addresses 1\n%sat 10.0.0.1 65536 " KEY_2 "\nend\n",
		"chat addresses 1\n%sat 10.0.0 4000 " KEY_2 "\nend\n",
		"chat addresses 1\n%sat 224.0.0.1 4000 " KEY_2 "\nend\n",
		"chat addresses 1\n%sat fe80::1 4000 " KEY_2 "\nend\n",
		"chat addresses 1\n%sat 10.0.0.2 4000 " KEY_2 "0\nend\n",
		"chat addresses 1\n%sat 10.0.0.2 4000\nend\n",
	};
	struct scratch *s = *state;
	struct net_place at = place4("10.0.0.9", 4000);

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		char text[512] = "";
		struct known *k;
		const char *from = bad[i], *mark;

		while ((mark = strstr(from, "%s")) != NULL) {
			(void)strncat(text, from, (size_t)(mark - from));
			(void)strcat(text, good);
			from = mark + 2;
		}
		(void)strcat(text, from);
		scratch_write(s, "addresses", text);
		k = open_known(s);
		assert_true(known_is_damaged(k));
		assert_int_equal(count_known(k), 0);
		assert_null(known_next(k, false, true));
		(void)known_meet(k, key_of(1), &at);
		known_close(k);
		k = open_known(s);
		assert_false(known_is_damaged(k));
		assert_int_equal(count_known(k), 1);
		known_close(k);
	}
}

/* Nobody else can have had a hand in it; and it is never waited for. */
static void known_reads_no_link_and_writes_through_none(void **state)
{
	struct scratch *s = *state;
	struct net_place at = place4("10.0.0.9", 4000);
	struct known *k;

	scratch_write(s, "elsewhere", "chat addresses 1\nend\n");
	assert_int_equal(symlinkat("elsewhere", s->fd, "addresses"), 0);
	k = open_known(s);
	assert_true(known_is_damaged(k));
	(void)known_meet(k, key_of(1), &at);
	assert_int_equal(known_save(k), -1);
	assert_true(known_unsaved(k));
	known_close(k);
	assert_string_equal(
		scratch_read(s, "elsewhere"), "chat addresses 1\nend\n");
}

static void known_of_nothing_knows_nobody(void **state)
{
	struct net_place at = place4("10.0.0.9", 4000);

	(void)state;
	assert_null(known_meet(NULL, key_of(1), &at));
	assert_null(known_find(NULL, key_of(1)));
	assert_null(known_next(NULL, true, true));
	assert_false(known_unsaved(NULL));
	assert_false(known_is_damaged(NULL));
	assert_int_equal(known_save(NULL), 0);
	known_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(known_golden_file),
		scratch_test(
			known_keeps_one_address_a_key_and_one_key_an_address),
		scratch_test(known_holds_64_and_8_of_one_host),
		scratch_test(known_forgets_all_of_a_bad_file_and_goes_on),
		scratch_test(known_reads_no_link_and_writes_through_none),
		cmocka_unit_test(known_of_nothing_knows_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
