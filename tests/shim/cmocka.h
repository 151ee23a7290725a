/* SPDX-License-Identifier: ISC */
/*
 * The part of cmocka that our unit tests use, for machines that are emulated:
 * Debian's cmocka cannot be installed for several architectures at a time
 * beside a C library of its own.  The first failure ends the program.
 */
#ifndef TESTS_SHIM_CMOCKA_H
#define TESTS_SHIM_CMOCKA_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
	const char *name;
	void (*test)(void **state);
	int (*setup)(void **state);
	int (*teardown)(void **state);
};

#define cmocka_unit_test(test)                                                 \
	{                                                                      \
#test, test, NULL, NULL                                        \
	}
#define cmocka_unit_test_setup_teardown(test, setup, teardown)                 \
	{                                                                      \
#test, test, setup, teardown                                   \
	}

#define shim_must(x, text)                                                     \
	do {                                                                   \
		if (!(x)) {                                                    \
			(void)fprintf(stderr, "%s:%d: %s\n", __FILE__,         \
				__LINE__, text);                               \
			exit(1);                                               \
		}                                                              \
	} while (0)

#define fail() shim_must(0, "fail()")
#define fail_msg(...)                                                          \
	do {                                                                   \
		(void)fprintf(stderr, __VA_ARGS__);                            \
		exit(1);                                                       \
	} while (0)
#define assert_true(x)     shim_must(x, #x)
#define assert_false(x)    shim_must(!(x), "not " #x)
#define assert_null(x)     shim_must((x) == NULL, #x)
#define assert_non_null(x) shim_must((x) != NULL, #x)
#define assert_int_equal(a, b)                                                 \
	shim_must((unsigned long long)(a) == (unsigned long long)(b),          \
		#a " == " #b)
#define assert_int_not_equal(a, b)                                             \
	shim_must((unsigned long long)(a) != (unsigned long long)(b),          \
		#a " != " #b)
#define assert_in_range(x, low, high)                                          \
	shim_must((x) >= (low) && (x) <= (high), #x)
#define assert_memory_equal(a, b, n)                                           \
	shim_must(memcmp(a, b, n) == 0, #a " == " #b)
#define assert_memory_not_equal(a, b, n)                                       \
	shim_must(memcmp(a, b, n) != 0, #a " != " #b)
#define assert_string_equal(a, b) shim_must(strcmp(a, b) == 0, #a " == " #b)

#define cmocka_run_group_tests(tests, setup, teardown)                         \
	shim_run(tests, sizeof(tests) / sizeof((tests)[0]), setup, teardown)

#define cmocka_run_group_tests_name(name, tests, setup, teardown)              \
	cmocka_run_group_tests(tests, setup, teardown)

/* Ends the test that runs. */
#define skip() longjmp(shim_test, 1)

static jmp_buf shim_test;

static inline int shim_run(const struct CMUnitTest *tests, size_t count,
	int (*setup)(void **state), int (*teardown)(void **state))
{
	void *state = NULL;
	volatile size_t skipped = 0;

	if (setup != NULL && setup(&state) != 0)
		return 1;
	for (volatile size_t i = 0; i < count; i++) {
		if (tests[i].setup != NULL && tests[i].setup(&state) != 0)
			return 1;
		if (setjmp(shim_test) == 0)
			tests[i].test(&state);
		else
			skipped++;
		if (tests[i].teardown != NULL && tests[i].teardown(&state) != 0)
			return 1;
	}
	if (teardown != NULL && teardown(&state) != 0)
		return 1;
	(void)printf("%zu passed, 0 failed, %zu skipped\n", count - skipped,
		skipped);
	return 0;
}

#endif
