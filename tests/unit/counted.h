/* SPDX-License-Identifier: ISC */
/*
 * counted.h: for tests: what others can make us spend.  The program is linked
 * with --wrap of all that is counted here.
 */
#ifndef COUNTED_H
#define COUNTED_H

#include <stdlib.h>

#include "record.h"

static size_t heap_taken;       /* bytes asked for, given back or not */
static unsigned verified_count; /* signatures of records */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
bool __real_record_verify(const struct record_log *log, uint64_t seq,
	const uint8_t *id, const uint8_t *signature);
bool __wrap_record_verify(const struct record_log *log, uint64_t seq,
	const uint8_t *id, const uint8_t *signature);

void *__wrap_malloc(size_t size)
{
	heap_taken += size;
	return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	heap_taken += count * size;
	return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	heap_taken += size;
	return __real_realloc(old, size);
}

bool __wrap_record_verify(const struct record_log *log, uint64_t seq,
	const uint8_t *id, const uint8_t *signature)
{
	verified_count++;
	return __real_record_verify(log, seq, id, signature);
}

#endif
