/* SPDX-License-Identifier: ISC */
/*
 * hex.h: for tests: bytes written as hexadecimal digits, and random bytes that
 * are the same in every run and on every machine.
 */
#ifndef TESTS_HEX_H
#define TESTS_HEX_H

#include "bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static inline unsigned hex_digit(char c)
{
	const char *digits = "0123456789abcdef0123456789ABCDEF";
	const char *found = c == '\0' ? NULL : strchr(digits, c);

	assert_non_null(found);
	return (unsigned)(found - digits) % 16;
}

/* The bytes that hex spells, which must fit; "-" is none.  Their number. */
static inline size_t hex_bytes(void *to, size_t capacity, const char *hex)
{
	uint8_t *bytes = to;
	size_t size = strcmp(hex, "-") == 0 ? 0 : strlen(hex) / 2;

	assert_true(size <= capacity);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(hex_digit(hex[2 * i]) << 4 |
				     hex_digit(hex[2 * i + 1]));
	return size;
}

/* Fails unless the bytes are what hex spells. */
static inline void assert_hex(const void *bytes, size_t size, const char *hex)
{
	uint8_t *wanted = malloc(size + 1);

	assert_non_null(wanted);
	assert_int_equal(hex_bytes(wanted, size, hex), size);
	assert_memory_equal(bytes, wanted, size);
	free(wanted);
}

static inline void hex_flip(void *bytes, size_t bit)
{
	((uint8_t *)bytes)[bit / 8] ^= (uint8_t)(1 << bit % 8);
}

/* xorshift64*; a seed of 0 is not allowed. */
static inline void hex_random(uint64_t *seed, void *to, size_t size)
{
	uint8_t *bytes = to;

	for (size_t i = 0; i < size; i++) {
		*seed ^= *seed >> 12;
		*seed ^= *seed << 25;
		*seed ^= *seed >> 27;
		bytes[i] = (uint8_t)(*seed * 0x2545f4914f6cdd1d >> 56);
	}
}

#endif
