/* SPDX-License-Identifier: ISC */
/* test_strikes.c: who is refused, from when on, and until when. */
#include "testing.h"

#include "links/strikes.h"

static struct strikes strikes;

/* Offender number n, until the next call. */
static const uint8_t *id_of(unsigned n)
{
	static uint8_t id[RECORD_KEY_SIZE];

	id[0] = (uint8_t)n;
	id[1] = (uint8_t)(n >> 8);
	return id;
}

static int begin(void **state)
{
	(void)state;
	memset(&strikes, 0, sizeof(strikes));
	return 0;
}

static void strikes_refuse_after_so_many(void **state)
{
	static const struct {
		bool by_key;
		int allowed;
	} cases[] = { { false, LIMIT_STRIKES_ADDRESS },
		{ true, LIMIT_STRIKES_KEY } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		bool by_key = cases[i].by_key;

		for (int k = 0; k < cases[i].allowed; k++) {
			assert_false(strikes_refuse(
				&strikes, id_of(1), by_key, 1000));
			strikes_add(&strikes, id_of(1), by_key, 1000);
		}
		assert_true(strikes_refuse(&strikes, id_of(1), by_key, 1000));
		assert_false(strikes_refuse(&strikes, id_of(2), by_key, 1000));
	}
	assert_int_equal(
		strikes.count, LIMIT_STRIKES_ADDRESS + LIMIT_STRIKES_KEY);
}

/* A key that happens to be the bytes of an address is not that address. */
static void strikes_keep_keys_and_addresses_apart(void **state)
{
	(void)state;
	for (int i = 0; i < LIMIT_STRIKES_KEY; i++)
		strikes_add(&strikes, id_of(1), true, 1000);
	assert_true(strikes_refuse(&strikes, id_of(1), true, 1000));
	assert_false(strikes_refuse(&strikes, id_of(1), false, 1000));
}

static void strikes_are_forgotten_after_ten_minutes(void **state)
{
	int64_t last_ms = 5000;

	(void)state;
	for (int i = 0; i < LIMIT_STRIKES_KEY; i++)
		strikes_add(&strikes, id_of(1), true, last_ms);
	assert_true(strikes_refuse(
		&strikes, id_of(1), true, last_ms + LIMIT_STRIKES_MS - 1));
	assert_false(strikes_refuse(
		&strikes, id_of(1), true, last_ms + LIMIT_STRIKES_MS));
	/* Then they are counted anew. */
	strikes_add(&strikes, id_of(1), true, last_ms + LIMIT_STRIKES_MS);
	assert_false(strikes_refuse(
		&strikes, id_of(1), true, last_ms + LIMIT_STRIKES_MS));
}

/* Somebody unlucky now and then is no offender. */
static void strikes_far_apart_are_not_added_up(void **state)
{
	int64_t now_ms = 1000;

	(void)state;
	for (int i = 0; i < 10; i++, now_ms += LIMIT_STRIKES_MS / 2) {
		strikes_add(&strikes, id_of(1), true, now_ms);
		assert_false(strikes_refuse(&strikes, id_of(1), true, now_ms));
	}
}

static void strikes_forget_who_was_heard_of_longest_ago(void **state)
{
	(void)state;
	for (unsigned n = 0; n < STRIKES_OFFENDERS; n++) {
		for (int i = 0; i < LIMIT_STRIKES_KEY; i++)
			strikes_add(&strikes, id_of(n), true, 1000 + n);
	}
	strikes_add(&strikes, id_of(0), true, 5000);
	strikes_add(
		&strikes, id_of(999), true, 6000); /* takes the place of 1 */
	assert_true(strikes_refuse(&strikes, id_of(0), true, 6000));
	assert_false(strikes_refuse(&strikes, id_of(1), true, 6000));
	for (unsigned n = 2; n < STRIKES_OFFENDERS; n++)
		assert_true(strikes_refuse(&strikes, id_of(n), true, 6000));
	assert_false(strikes_refuse(&strikes, id_of(999), true, 6000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(strikes_refuse_after_so_many, begin),
		cmocka_unit_test_setup(
			strikes_keep_keys_and_addresses_apart, begin),
		cmocka_unit_test_setup(
			strikes_are_forgotten_after_ten_minutes, begin),
		cmocka_unit_test_setup(
			strikes_far_apart_are_not_added_up, begin),
		cmocka_unit_test_setup(
			strikes_forget_who_was_heard_of_longest_ago, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
