/* SPDX-License-Identifier: ISC */
/* test_dial.c: whom to dial, where, and when. */
#include "testing.h"

#include "links/dial.h"

enum { START_MS = 1000 * 1000 };

static struct dial dial;
static struct sockaddr_storage at[DIAL_ADDRESSES_MAX + 1];

static int begin(void **state)
{
	(void)state;
	dial_begin(&dial, 7);
	memset(at, 0, sizeof(at));
	for (size_t i = 0; i < COUNT_OF(at); i++)
		at[i].ss_family = (sa_family_t)(i + 1); /* all different */
	return 0;
}

static int peer_at(int count)
{
	int peer = dial_add(&dial, "bob.local:62474");

	assert_true(peer >= 0);
	dial_found(&dial, peer, at, count, START_MS);
	return peer;
}

/* Dials it and fails; how long it then waits. */
static int64_t dial_in_vain(int peer, int64_t now_ms)
{
	dial_started(&dial, peer, now_ms);
	dial_failed(&dial, peer, "nobody is there", now_ms);
	return dial_peer(&dial, peer)->dial_ms - now_ms;
}

static void dial_takes_names_from_addresses(void **state)
{
	static const struct {
		const char *address;
		const char *name;
	} cases[] = {
		{ "bob.local:62474", "bob" },
		{ "", "" },
		{ "10.0.0.7:4000", "" },
		{ "[fd77::1]:4000", "" },
		{ "Bob.local:1", "" },
		{ "-.local:1", "" },
		{ ".local:1", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int peer = dial_add(&dial, cases[i].address);

		assert_int_equal(peer, i);
		assert_string_equal(
			dial_peer(&dial, peer)->name, cases[i].name);
		assert_string_equal(
			dial_peer(&dial, peer)->address, cases[i].address);
		assert_false(dial_is_possible(&dial, peer));
	}
}

static void dial_has_128_peers(void **state)
{
	(void)state;
	for (int i = 0; i < DIAL_PEERS_MAX; i++)
		assert_int_equal(dial_add(&dial, ""), i);
	assert_int_equal(dial_add(&dial, ""), -1);
	dial_remove(&dial, 5);
	assert_null(dial_peer(&dial, 5));
	dial_linked(&dial, 5); /* nobody: nothing happens */
	dial_lost(&dial, 5, 0, START_MS);
	dial_failed(&dial, 5, "", START_MS);
	assert_int_equal(dial_add(&dial, "bob.local:1"), 5);
	assert_null(dial_peer(&dial, -1));
	assert_null(dial_peer(&dial, DIAL_PEERS_MAX));
}

/* A link that is not wanted there counts as one that there was not. */
static void dial_waits_when_each_link_is_refused(void **state)
{
	int peer = peer_at(2);
	int64_t now_ms = START_MS;

	(void)state;
	for (int i = 0; i < 10; i++) {
		for (int k = 0; k < 2; k++) {
			assert_true(dial_peer(&dial, peer)->dial_ms <= now_ms);
			dial_started(&dial, peer, now_ms);
			dial_linked(&dial, peer);
			dial_failed(&dial, peer, "it has others", now_ms);
		}
		assert_true(dial_peer(&dial, peer)->dial_ms > now_ms);
		now_ms = dial_peer(&dial, peer)->dial_ms;
	}
	assert_true(now_ms - START_MS > DIAL_BACKOFF_MAX_MS);
}

static void dial_waits_twice_as_long_each_time_up_to_thirty_seconds(
	void **state)
{
	int peer = peer_at(1);
	int64_t now_ms = START_MS, expected_ms = DIAL_BACKOFF_MIN_MS;
	int64_t least = INT64_MAX, most = 0;

	(void)state;
	for (int i = 1; i <= 100; i++) {
		int64_t wait_ms = dial_in_vain(peer, now_ms);

		assert_in_range(wait_ms, expected_ms / 2, expected_ms * 3 / 2);
		assert_int_equal(dial_peer(&dial, peer)->failures, i);
		assert_true(dial_peer(&dial, peer)->failed);
		if (expected_ms == DIAL_BACKOFF_MAX_MS) {
			least = wait_ms < least ? wait_ms : least;
			most = wait_ms > most ? wait_ms : most;
		}
		expected_ms *= 2;
		if (expected_ms > DIAL_BACKOFF_MAX_MS)
			expected_ms = DIAL_BACKOFF_MAX_MS;
		now_ms += wait_ms;
	}
	assert_true(least < DIAL_BACKOFF_MAX_MS * 6 / 10);
	assert_true(most > DIAL_BACKOFF_MAX_MS * 14 / 10);
	assert_string_equal(dial_peer(&dial, peer)->failure, "nobody is there");
}

static void dial_tries_each_address_before_it_waits(void **state)
{
	int peer = peer_at(3);

	(void)state;
	for (int round = 0; round < 3; round++) {
		assert_int_equal(dial_peer(&dial, peer)->next, 0);
		assert_int_equal(dial_in_vain(peer, START_MS), 0);
		assert_int_equal(dial_peer(&dial, peer)->next, 1);
		assert_int_equal(dial_in_vain(peer, START_MS), 0);
		assert_int_equal(dial_peer(&dial, peer)->failures, round);
		assert_true(dial_in_vain(peer, START_MS) > 0);
		assert_int_equal(dial_peer(&dial, peer)->failures, round + 1);
	}
}

/* At once, but twice in two seconds only when it had to wait anyhow. */
static void dial_of_who_was_found_does_not_wait(void **state)
{
	int peer = peer_at(1);
	int64_t now_ms = START_MS;

	(void)state;
	for (int i = 0; i < 10; i++)
		now_ms += dial_in_vain(peer, now_ms);
	(void)dial_in_vain(peer, now_ms);
	dial_found(&dial, peer, at, 1, now_ms + 500);
	assert_int_equal(
		dial_peer(&dial, peer)->dial_ms, now_ms + DIAL_FOUND_MS);
	dial_found(&dial, peer, at, 1, now_ms + DIAL_FOUND_MS + 500);
	assert_int_equal(
		dial_peer(&dial, peer)->dial_ms, now_ms + DIAL_FOUND_MS);
	(void)dial_in_vain(peer, now_ms);
	dial_found(&dial, peer, at, 1, now_ms + DIAL_FOUND_MS + 500);
	assert_int_equal(
		dial_peer(&dial, peer)->dial_ms, now_ms + DIAL_FOUND_MS + 500);
}

static void dial_is_not_possible_while_it_goes_on_or_to_ourselves(void **state)
{
	int peer = peer_at(1);

	(void)state;
	assert_true(dial_is_possible(&dial, peer));
	dial_started(&dial, peer, START_MS);
	assert_false(dial_is_possible(&dial, peer));
	dial_linked(&dial, peer);
	assert_true(dial_is_possible(&dial, peer));
	dial_peer(&dial, peer)->ourselves = true;
	dial_found(&dial, peer, at, 1, START_MS);
	assert_false(dial_is_possible(&dial, peer));
	dial_found(&dial, peer, at + 1, 1, START_MS); /* another address */
	assert_true(dial_is_possible(&dial, peer));
	dial_found(&dial, peer, at, 0, START_MS);
	assert_false(dial_is_possible(&dial, peer));
	dial_found(&dial, peer, at, DIAL_ADDRESSES_MAX + 1, START_MS);
	assert_int_equal(dial_peer(&dial, peer)->count, DIAL_ADDRESSES_MAX);
}

/* A link that lasted is dialled again soon, one that did not, later. */
static void dial_forgets_its_wait_when_a_link_has_lasted(void **state)
{
	static const struct {
		int64_t lasted_ms;
		int64_t expected_ms;
	} cases[] = {
		{ 0, 250 },
		{ 0, 500 },
		{ DIAL_STEADY_MS - 1, 1000 },
		{ 0, 2000 },
		{ DIAL_STEADY_MS, 250 },
		{ 0, 500 },
	};
	int peer = peer_at(1);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t expected_ms = cases[i].expected_ms;

		dial_started(&dial, peer, START_MS);
		dial_linked(&dial, peer);
		dial_lost(&dial, peer, cases[i].lasted_ms, START_MS);
		assert_in_range(dial_peer(&dial, peer)->dial_ms - START_MS,
			expected_ms / 2, expected_ms * 3 / 2);
		assert_int_equal(dial_peer(&dial, peer)->failures, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(dial_takes_names_from_addresses, begin),
		cmocka_unit_test_setup(dial_has_128_peers, begin),
		cmocka_unit_test_setup(
			dial_waits_when_each_link_is_refused, begin),
		cmocka_unit_test_setup(
			dial_waits_twice_as_long_each_time_up_to_thirty_seconds,
			begin),
		cmocka_unit_test_setup(
			dial_tries_each_address_before_it_waits, begin),
		cmocka_unit_test_setup(
			dial_of_who_was_found_does_not_wait, begin),
		cmocka_unit_test_setup(
			dial_is_not_possible_while_it_goes_on_or_to_ourselves,
			begin),
		cmocka_unit_test_setup(
			dial_forgets_its_wait_when_a_link_has_lasted, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
