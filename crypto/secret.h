/* SPDX-License-Identifier: ISC */
/* secret.h: masks in place of branches, comparing and wiping secrets. */
#ifndef CRYPTO_SECRET_H
#define CRYPTO_SECRET_H

#include "bytes.h"

#ifdef SECRET_CHECK /* tests/ct: secrets are undefined memory to valgrind */
#include <valgrind/memcheck.h>
#define SECRET_NO_MORE(value) VALGRIND_MAKE_MEM_DEFINED(&(value), sizeof(value))
#else
#define SECRET_NO_MORE(value) (void)(value)
#endif

/*
 * All ones for 1, 0 for 0.  Were it not volatile, an optimiser might know that
 * there are two cases only, and branch (clang -Os does).
 */
static inline uint64_t secret_mask(uint64_t bit)
{
	volatile uint64_t hidden = bit;

	return 0 - hidden;
}

/* All ones when value is 0, else 0. */
static inline uint64_t secret_zero_mask(uint64_t value)
{
	return secret_mask(~(value | (0 - value)) >> 63);
}

/* Compares `size` bytes in a time that depends on `size` alone. */
static inline bool MUST_USE secret_equal(
	const void *one, const void *other, size_t size)
{
	const volatile uint8_t *a = one;
	const volatile uint8_t *b = other;
	uint64_t difference = 0;

	for (size_t i = 0; i < size; i++)
		difference |= (uint64_t)(a[i] ^ b[i]);
	difference = secret_zero_mask(difference);
	SECRET_NO_MORE(difference); /* whether they are equal may be known */
	return difference != 0;
}

/* Writes zeros, even where nothing reads them. */
static inline void secret_wipe(void *memory, size_t size)
{
	static void *(*const volatile set)(void *, int, size_t) = memset;

	(void)set(memory, 0, size);
}

#endif
