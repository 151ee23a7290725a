/* SPDX-License-Identifier: ISC */
/*
 * testing.h: what the unit tests share.
 *
 * Golden bytes are written as C strings with BYTES, which counts their bytes
 * (so that zeros are allowed).  What a module tells is rendered as text, one
 * line an event, into a transcript, and compared as a whole: a failing test
 * then prints both.
 */
#ifndef TESTING_H
#define TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bytes.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define BYTES(literal)  (literal), sizeof(literal) - 1

enum { TRANSCRIPT_MAX = 64 * 1024 };

struct transcript {
	size_t size;
	char text[TRANSCRIPT_MAX];
};

__attribute__((format(printf, 2, 3))) static inline void tell(
	struct transcript *t, const char *format, ...)
{
	size_t room = sizeof(t->text) - t->size;
	va_list arguments;
	int size;

	va_start(arguments, format);
	size = vsnprintf(t->text + t->size, room, format, arguments);
	va_end(arguments);
	assert_true(size >= 0 && (size_t)size < room);
	t->size += (size_t)size;
}

static inline void transcript_clear(struct transcript *t)
{
	t->size = 0;
	t->text[0] = '\0';
}

/* Compares and clears: each step of a test expects only what is new. */
static inline void assert_told(struct transcript *t, const char *expected)
{
	assert_string_equal(t->text, expected);
	transcript_clear(t);
}

/* The same numbers in every run: tests must not depend on luck. */
static inline uint32_t test_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

#endif
