/* SPDX-License-Identifier: ISC */
/* test_tried.c: what may be dialled because somebody said so. */
#include "platform.h"

#include "testing.h"

#include "links/tried.h"

enum { START_MS = 1000 * 1000 };

static struct tried tried;
static const struct tried_giver ourselves;
static struct tried_giver giver = { .host = { 1 } };

static int begin(void **state)
{
	(void)state;
	memset(&tried, 0, sizeof(tried));
	return 0;
}

static struct net_place place(unsigned host, uint16_t port)
{
	struct net_place at = { .port = port };

	at.host[14] = (uint8_t)(host >> 8);
	at.host[15] = (uint8_t)host;
	return at;
}

static void add(unsigned host, uint16_t port, int64_t now_ms)
{
	struct net_place at = place(host, port);

	tried_add(&tried, &at, &giver, now_ms);
}

static bool bars(unsigned host, uint16_t port, int64_t now_ms)
{
	struct net_place at = place(host, port);

	return tried_bars(&tried, &at, now_ms);
}

static void tried_allows_eight_in_any_minute(void **state)
{
	int64_t now_ms = START_MS;

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		assert_true(tried_due_ms(&tried) <= now_ms);
		add(i, 1, now_ms++);
	}
	for (unsigned i = 0; i < 1000; i++) {
		int64_t due_ms = tried_due_ms(&tried);

		if (i == 0)
			assert_int_equal(due_ms, START_MS + TRIED_MINUTE_MS);
		assert_true(i % 8 != 0 || due_ms > now_ms);
		now_ms = due_ms > now_ms ? due_ms : now_ms;
		add(i, 1, now_ms);
	}
}

static void tried_bars_an_address_for_an_hour(void **state)
{
	(void)state;
	assert_false(bars(1, 1, START_MS));
	add(1, 1, START_MS);
	assert_true(bars(1, 1, START_MS + TRIED_MS - 1));
	assert_false(bars(1, 1, START_MS + TRIED_MS));
	assert_false(bars(1, 2, START_MS));
	assert_false(bars(2, 1, START_MS));
}

/* As many as may be in an hour, and the first one is still known. */
static void tried_forgets_nothing_too_early(void **state)
{
	int64_t now_ms = START_MS;

	(void)state;
	for (unsigned i = 0; i < TRIED_MAX; i++) {
		if (tried_due_ms(&tried) > now_ms)
			now_ms = tried_due_ms(&tried);
		add(i, 1, now_ms);
	}
	assert_true(now_ms < START_MS + TRIED_MS);
	for (unsigned i = 0; i < TRIED_MAX; i++)
		assert_true(bars(i, 1, now_ms));
	assert_true(tried_due_ms(&tried) >= START_MS + TRIED_MINUTE_MS);
	assert_int_equal(tried_for(&tried, &giver, now_ms), TRIED_MAX);
	assert_int_equal(tried_for(&tried, &ourselves, now_ms), 0);
	assert_int_equal(tried_for(&tried, &giver, now_ms + TRIED_MS), 0);
}

static void tried_leaves_a_host_alone_after_four_in_vain(void **state)
{
	struct net_place at = place(1, 1);

	(void)state;
	for (uint16_t port = 1; port <= TRIED_A_HOST; port++) {
		assert_false(bars(1, 99, START_MS));
		add(1, port, START_MS);
	}
	assert_true(bars(1, 99, START_MS));
	assert_false(bars(2, 99, START_MS));
	tried_linked(&tried, &at); /* there is somebody of our room */
	assert_false(bars(1, 99, START_MS));
	assert_true(bars(1, 1, START_MS));
}

static void tried_holds_nothing_of_ours_against_others(void **state)
{
	struct net_place at = place(1, 1);

	(void)state;
	for (int i = 0; i < 8; i++)
		tried_add(&tried, &at, &ourselves, START_MS);
	assert_false(bars(1, 1, START_MS));
	assert_int_equal(tried_due_ms(&tried), START_MS + TRIED_MINUTE_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(tried_allows_eight_in_any_minute, begin),
		cmocka_unit_test_setup(
			tried_bars_an_address_for_an_hour, begin),
		cmocka_unit_test_setup(tried_forgets_nothing_too_early, begin),
		cmocka_unit_test_setup(
			tried_leaves_a_host_alone_after_four_in_vain, begin),
		cmocka_unit_test_setup(
			tried_holds_nothing_of_ours_against_others, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
