/* SPDX-License-Identifier: ISC */
/*
 * jitter.h: numbers that keep programs from doing things all at one moment.
 * Marsaglia's xorshift64: they need no secrecy.
 */
#ifndef JITTER_H
#define JITTER_H

#include <stdint.h>

/* The next number; *state is any but 0. */
static inline uint64_t jitter_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* `ms`, give or take half of it. */
static inline int64_t jitter_about(uint64_t *state, int64_t ms)
{
	return ms / 2 + (int64_t)(jitter_next(state) % (uint64_t)(ms + 1));
}

#endif
