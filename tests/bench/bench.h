/* SPDX-License-Identifier: ISC */
/* bench.h: what the benchmarks share: a clock, an order, and how to give up. */
#ifndef BENCH_H
#define BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Seconds on a clock: CLOCK_MONOTONIC, or CLOCK_PROCESS_CPUTIME_ID. */
static inline double seconds_on(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) < 0)
		die("clock_gettime");
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline double seconds(void)
{
	return seconds_on(CLOCK_MONOTONIC);
}

/* For qsort. */
static inline int double_order(const void *a, const void *b)
{
	const double *x = a;
	const double *y = b;

	return (*x > *y) - (*x < *y);
}

#endif
