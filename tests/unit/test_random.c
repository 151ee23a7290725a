/* SPDX-License-Identifier: ISC */
/* Random bytes, comparison and wiping. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "tests/unit/hex.h"

static void random_fills_all_of_it_anew(void **state)
{
	static uint8_t one[20 * 256], other[20 * 256];
	unsigned seen[256] = { 0 };

	(void)state;
	for (int i = 0; i < 20; i++) {
		random_bytes(one + 256 * i, 256);
		random_bytes(other + 256 * i, 256);
	}
	assert_memory_not_equal(one, other, sizeof(one));
	for (size_t i = 0; i < sizeof(one); i++)
		seen[one[i]]++;
	/* 20 are expected; 0 or 80 come once in millions of runs. */
	for (int i = 0; i < 256; i++)
		assert_in_range(seen[i], 1, 80);
	random_bytes(one, 0);
}

static void random_ends_the_program_rather_than_fail(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (child == 0) {
		static uint8_t more[257]; /* than the system gives */

		random_bytes(more, sizeof(more));
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void equal_finds_each_differing_bit(void **state)
{
	uint8_t a[32], b[32];
	uint64_t seed = 1;

	(void)state;
	hex_random(&seed, a, sizeof(a));
	memcpy(b, a, sizeof(b));
	assert_true(secret_equal(a, b, sizeof(a)));
	assert_true(secret_equal(a, b, 0));
	for (size_t bit = 0; bit < 256; bit++) {
		hex_flip(b, bit);
		assert_false(secret_equal(a, b, sizeof(a)));
		hex_flip(b, bit);
	}
}

static void masks_are_all_or_nothing(void **state)
{
	(void)state;
	assert_true(secret_mask(0) == 0);
	assert_true(secret_mask(1) == UINT64_MAX);
	assert_true(secret_zero_mask(0) == UINT64_MAX);
	for (size_t bit = 0; bit < 64; bit++)
		assert_true(secret_zero_mask((uint64_t)1 << bit) == 0);
}

static void wipe_leaves_zeros_and_no_more(void **state)
{
	uint8_t bytes[10];

	(void)state;
	memset(bytes, 7, sizeof(bytes));
	secret_wipe(bytes, 9);
	for (int i = 0; i < 10; i++)
		assert_int_equal(bytes[i], i < 9 ? 0 : 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_fills_all_of_it_anew),
		cmocka_unit_test(random_ends_the_program_rather_than_fail),
		cmocka_unit_test(equal_finds_each_differing_bit),
		cmocka_unit_test(masks_are_all_or_nothing),
		cmocka_unit_test(wipe_leaves_zeros_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
