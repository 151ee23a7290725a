/* SPDX-License-Identifier: ISC */
/*
 * Parts of crypto/ that no input from outside can be made to show: nobody knows
 * a signature under a key that is a badly spelled point, or a password whose
 * hash leads to a chosen curve point.
 */
#define ed25519_start          inside_start
#define ed25519_key_from_seed  inside_key_from_seed
#define ed25519_sign           inside_sign
#define ed25519_verify_vartime inside_verify_vartime
#define cpace_share            inside_cpace_share
#define cpace_key              inside_cpace_key
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/cpace.c"
#include "crypto/ed25519.c"
#include "tests/unit/hex.h"

static bool is_square(struct fe f)
{
	struct fe power = fe_square(fe_square(fe_power(f)));

	return fe_zero_mask(fe_sub(fe_mul(power, fe_square(f)), fe_small(1)));
}

/* On the curve, not on its twist: u^3 + A u^2 + u has a root. */
static void elligator2_gives_points_on_the_curve(void **state)
{
	uint64_t seed = 3;

	(void)state;
	for (int i = 0; i < 50; i++) {
		uint8_t r[32], bytes[32];
		struct fe u;

		hex_random(&seed, r, sizeof(r));
		elligator2(bytes, r);
		u = fe_from_bytes(bytes);
		assert_true(is_square(
			fe_mul(u, fe_add(fe_add(fe_square(u), fe_scale(u, A)),
					  fe_small(1)))));
	}
}

/* y from 0 to 18 has a second spelling, y + p; y = 3 is on the curve. */
static void points_have_one_spelling(void **state)
{
	uint8_t bytes[32] = { 0 };
	struct point p;
	int found = 0;

	(void)state;
	ed25519_start();
	for (uint8_t y = 0; y < 19; y++) {
		bytes[0] = y;
		memset(bytes + 1, 0, 31);
		if (!point_from_bytes_vartime(&p, bytes))
			continue;
		found++;
		bytes[0] = (uint8_t)(y + 0xed);
		memset(bytes + 1, 0xff, 30);
		bytes[31] = 0x7f;
		assert_false(point_from_bytes_vartime(&p, bytes));
	}
	assert_in_range(found, 5, 18); /* and the others are on no curve */
}

/* x[i] += times * (the bytes of k L), limb by limb, which does not carry. */
static void add_order(int64_t x[64], const uint8_t k[32], int times)
{
	for (int i = 0; i < 32; i++) {
		for (int j = 0; j < 16; j++)
			x[i + j] += times * k[i] * order[j];
		x[i + 31] += times * k[i] * 16;
	}
}

/* The same number in limbs from 0 to 255; false if it is negative. */
static bool carry_all(int64_t x[64])
{
	for (int i = 0; i < 63; i++) {
		x[i + 1] += x[i] >> 8;
		x[i] &= 255;
	}
	return x[63] >= 0;
}

/*
 * 0, 1, L - 1 and 2^252, which is less than L, plus and minus k L: k is 0, 1, or
 * as long as 64 bytes allow, and limbs are carried or not, where they may be.
 */
static void scalars_come_out_below_l(void **state)
{
	static const char *const wanted[] = {
		"00000000000000000000000000000000000000000000000000000000000000"
		"00",
		"01000000000000000000000000000000000000000000000000000000000000"
		"00",
		"ecd3f55c1a631258d69cf7a2def9de14000000000000000000000000000000"
		"10",
		"00000000000000000000000000000000000000000000000000000000000000"
		"10",
	};
	uint64_t seed = 4;

	(void)state;
	for (int n = 0; n < 4 * 2 * 200; n++) {
		const char *hex = wanted[n % 4];
		uint8_t bytes[32], out[32], k[32] = { (uint8_t)(n / 8) };
		int64_t x[64] = { 0 }, carried[64];

		(void)hex_bytes(bytes, sizeof(bytes), hex);
		for (int i = 0; i < 32; i++)
			x[i] = bytes[i];
		if (n / 8 > 1)
			hex_random(&seed, k, sizeof(k));
		if (n / 8 == 2)
			memset(k, 0xff, sizeof(k));
		add_order(x, k, n / 4 % 2 == 0 ? 1 : -1);
		memcpy(carried, x, sizeof(carried));
		scalar_reduce(out, x);
		assert_hex(out, sizeof(out), hex);
		if (!carry_all(carried))
			continue;
		scalar_reduce(out, carried);
		assert_hex(out, sizeof(out), hex);
	}
}

/* The largest limbs allowed, of either sign; the results are Python's. */
static void scalars_of_the_largest_limbs_come_out_right(void **state)
{
	static const char *const wanted[] = {
		"89e5a5fb210481c802827c2238b37ea7ead154d335ac12ed0deda9968bc07a"
		"07",
		"64ee4f61f85e918fd31a7b80a646606d152eab2cca53ed12f2125669743f85"
		"08",
	};

	(void)state;
	for (int n = 0; n < 2; n++) {
		uint8_t out[32];
		int64_t x[64];

		for (int i = 0; i < 64; i++)
			x[i] = ((1 << 22) - 1) * (n == 0 ? 1 : -1);
		scalar_reduce(out, x);
		assert_hex(out, sizeof(out), wanted[n]);
	}
}

/* What needs the tables, in a process that has not made them. */
static bool dies_unstarted(int which)
{
	struct ed25519_key key = { { 0 }, { 0 } };
	uint8_t bytes[64] = { 0 };
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		table.started = false;
		if (which == 0)
			inside_key_from_seed(&key, bytes);
		else if (which == 1)
			inside_sign(bytes, &key, "", 0);
		else
			_exit(inside_verify_vartime(bytes, bytes, "", 0));
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void nothing_goes_without_start(void **state)
{
	(void)state;
	for (int which = 0; which < 3; which++)
		assert_true(dies_unstarted(which));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elligator2_gives_points_on_the_curve),
		cmocka_unit_test(points_have_one_spelling),
		cmocka_unit_test(scalars_come_out_below_l),
		cmocka_unit_test(scalars_of_the_largest_limbs_come_out_right),
		cmocka_unit_test(nothing_goes_without_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
