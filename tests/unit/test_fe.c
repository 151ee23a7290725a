/* SPDX-License-Identifier: ISC */
/*
 * The field: its laws on random and on extreme elements, and one long chain of
 * operations whose end every layout and every machine must reach.
 */
#include "crypto/fe.h"
#include "tests/unit/hex.h"

enum { POOL = 16 };

/* Spellings of numbers around 0, p, 2^255, and 2^254. */
static const char *const extremes[][2] = {
	{ "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"00000000000000000000000000000000000000000000000000000000000000"
		"00" },
	{ "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"01000000000000000000000000000000000000000000000000000000000000"
		"00" },
	{ "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"7f" },
	{ "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"12000000000000000000000000000000000000000000000000000000000000"
		"00" },
	{ "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"12000000000000000000000000000000000000000000000000000000000000"
		"00" },
	{ "0000000000000000000000000000000000000000000000000000000000000080",
		"00000000000000000000000000000000000000000000000000000000000000"
		"00" },
	{ "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff3f",
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"3f" },
	{ "0000000000000000000000000000000000000000000000000000000000000040",
		"00000000000000000000000000000000000000000000000000000000000000"
		"40" },
};

static struct fe fe_hex(const char *hex)
{
	uint8_t bytes[32];

	(void)hex_bytes(bytes, sizeof(bytes), hex);
	return fe_from_bytes(bytes);
}

static bool same(struct fe f, struct fe g)
{
	uint8_t a[32], b[32];

	fe_to_bytes(a, f);
	fe_to_bytes(b, g);
	return memcmp(a, b, 32) == 0;
}

static struct fe fe_random(uint64_t *seed)
{
	uint8_t bytes[32];

	hex_random(seed, bytes, sizeof(bytes));
	if (bytes[0] % 8 == 0) /* many bits alike: carries run far */
		memset(bytes + 1, bytes[1] % 2 == 0 ? 0 : 0xff, 30);
	return fe_from_bytes(bytes);
}

static void bytes_come_out_below_p(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(extremes) / sizeof(extremes[0]); i++) {
		uint8_t bytes[32];

		fe_to_bytes(bytes, fe_hex(extremes[i][0]));
		assert_hex(bytes, 32, extremes[i][1]);
	}
}

/* -3 .. 3 times the extremes, whose limbs have never been carried. */
static void heavy_elements_come_out_below_p(void **state)
{
	struct fe zero = fe_small(0);

	(void)state;
	for (size_t i = 0; i < sizeof(extremes) / sizeof(extremes[0]); i++) {
		struct fe f = fe_hex(extremes[i][0]);
		struct fe twice = fe_add(f, f);

		assert_true(same(fe_add(twice, f), fe_scale(f, 3)));
		assert_true(same(
			fe_sub(zero, twice), fe_sub(zero, fe_scale(f, 2))));
		assert_true(same(fe_mul(fe_sub(zero, twice), twice),
			fe_sub(zero, fe_scale(fe_square(f), 4))));
	}
}

static void the_laws_of_a_field_hold(void **state)
{
	uint64_t seed = 7;
	struct fe one = fe_small(1);

	(void)state;
	for (int i = 0; i < 300; i++) {
		struct fe a = fe_random(&seed);
		struct fe b = fe_random(&seed);
		struct fe c = fe_random(&seed);

		assert_true(same(fe_mul(a, b), fe_mul(b, a)));
		assert_true(
			same(fe_mul(fe_mul(a, b), c), fe_mul(a, fe_mul(b, c))));
		assert_true(same(fe_mul(fe_add(a, b), c),
			fe_add(fe_mul(a, c), fe_mul(b, c))));
		assert_true(same(fe_sub(fe_add(a, b), b), a));
		assert_true(same(fe_square(fe_sub(a, b)),
			fe_mul(fe_sub(a, b), fe_sub(a, b))));
		assert_true(
			same(fe_scale(a, 121665), fe_mul(a, fe_small(121665))));
		if (fe_zero_mask(a) == 0)
			assert_true(same(fe_mul(a, fe_invert(a)), one));
	}
	assert_true(same(fe_invert(fe_small(0)), fe_small(0)));
}

/* f^((p - 5) / 8), by f^(p - 1) = 1: its eighth power times f^4 is 1. */
static void power_is_an_eighth_of_p_minus_5(void **state)
{
	uint64_t seed = 8;

	(void)state;
	for (int i = 0; i < 50; i++) {
		struct fe f = fe_random(&seed);
		struct fe eighth = fe_square(fe_square(fe_square(fe_power(f))));
		struct fe fourth = fe_square(fe_square(f));

		if (fe_zero_mask(f) == 0)
			assert_true(same(fe_mul(eighth, fourth), fe_small(1)));
	}
}

static void masks_move_all_or_nothing(void **state)
{
	uint64_t seed = 9;
	struct fe a = fe_random(&seed);
	struct fe b = fe_random(&seed);
	struct fe x = a;
	struct fe y = b;

	(void)state;
	fe_move(&x, &y, 0);
	assert_true(same(x, a) && same(y, b));
	fe_move(&x, &y, UINT64_MAX);
	assert_true(same(x, b) && same(y, b));
	x = a;
	y = a;
	assert_true(same(fe_small(-3), fe_sub(fe_small(0), fe_small(3))));
	assert_true(fe_zero_mask(fe_sub(x, y)) == UINT64_MAX);
	assert_true(fe_zero_mask(fe_sub(a, b)) == 0);
}

/*
 * 20,000 operations chosen at random on a pool of elements.  The end was
 * computed with both layouts and by arithmetic on big numbers in Python.
 */
static void a_long_chain_ends_the_same_everywhere(void **state)
{
	struct fe pool[POOL];
	uint64_t seed = 10;
	uint8_t bytes[32];
	struct fe sum = fe_small(0);

	(void)state;
	for (int i = 0; i < POOL; i++) {
		hex_random(&seed, bytes, sizeof(bytes));
		pool[i] = fe_from_bytes(bytes);
	}
	for (int i = 0; i < 20000; i++) {
		uint8_t op[4];
		struct fe a, b, c;

		hex_random(&seed, op, sizeof(op));
		a = pool[op[1] % POOL];
		b = pool[op[2] % POOL];
		c = pool[op[3] % POOL];
		switch (op[0] % 4) {
		case 0:
			a = fe_mul(fe_add(a, b), fe_sub(b, c));
			break;
		case 1:
			a = fe_square(fe_sub(fe_add(a, c), b));
			break;
		case 2:
			a = fe_scale(fe_sub(a, fe_add(b, c)), op[0] * 65793);
			break;
		default:
			a = fe_mul(fe_sub(fe_sub(a, b), c),
				fe_sub(fe_sub(c, a), b));
			break;
		}
		pool[op[0] / 4 % POOL] = a;
	}
	for (int i = 0; i < POOL; i++)
		sum = fe_scale(fe_add(sum, pool[i]), 3);
	fe_to_bytes(bytes, sum);
	assert_hex(bytes, sizeof(bytes),
		"400816bea73e9da0a7f6a7a5049a84175cc20dc9ef4212e40fc24a01598814"
		"6a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_out_below_p),
		cmocka_unit_test(heavy_elements_come_out_below_p),
		cmocka_unit_test(the_laws_of_a_field_hold),
		cmocka_unit_test(power_is_an_eighth_of_p_minus_5),
		cmocka_unit_test(masks_move_all_or_nothing),
		cmocka_unit_test(a_long_chain_ends_the_same_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
