/* SPDX-License-Identifier: ISC */
/*
 * loop.h: one turn of the program's only poll().
 *
 * Each turn starts from nothing: loop_begin, then every module adds the
 * descriptors that it wants watched and lowers the wake-up time to its next
 * deadline, then loop_wait.  A module keeps the slot that loop_add gave it and
 * asks loop_ready for that slot, in this turn only.  A descriptor that was
 * opened after the poll has no slot yet (LOOP_NO_SLOT), so it can never be
 * mistaken for an older one of the same number.
 *
 * Readiness is plain data: tests and simulations set `revents` themselves.
 */
#ifndef LOOP_H
#define LOOP_H

#include <poll.h>
#include <stdint.h>

#include "bytes.h"

enum {
	LOOP_FDS_MAX = 160, /* more than all modules' limits together */
	LOOP_NO_SLOT = -1
};

struct loop {
	int64_t now_ms;  /* when this turn began; monotonic clock */
	int64_t wake_ms; /* poll no longer than until then */
	int count;
	struct pollfd fds[LOOP_FDS_MAX];
};

/* Starts a turn that would wake after an hour. */
static inline void loop_begin(struct loop *loop, int64_t now_ms)
{
	loop->now_ms = now_ms;
	loop->wake_ms = now_ms + 3600 * 1000;
	loop->count = 0;
}

/* Watches fd for POLLIN and POLLOUT as `events` says; returns its slot. */
static inline int loop_add(struct loop *loop, int fd, short events)
{
	assert(loop->count < LOOP_FDS_MAX);
	loop->fds[loop->count].fd = fd;
	loop->fds[loop->count].events = events;
	loop->fds[loop->count].revents = 0;
	return loop->count++;
}

/* Wakes the turn at `at_ms` at the latest. */
static inline void loop_wake(struct loop *loop, int64_t at_ms)
{
	if (at_ms < loop->wake_ms)
		loop->wake_ms = at_ms;
}

/* What poll said of a slot: 0 for nothing, and for LOOP_NO_SLOT. */
static inline short loop_ready(const struct loop *loop, int slot)
{
	if (slot == LOOP_NO_SLOT)
		return 0;
	assert(slot >= 0 && slot < loop->count);
	return loop->fds[slot].revents;
}

/*
 * Blocks until something is ready or wake_ms has come.  An interrupted or
 * failed poll is a turn in which nothing was ready.
 */
static inline void loop_wait(struct loop *loop)
{
	int64_t wait_ms = loop->wake_ms - loop->now_ms;

	if (wait_ms < 0)
		wait_ms = 0;
	if (poll(loop->fds, (nfds_t)loop->count, (int)wait_ms) > 0)
		return;
	for (int i = 0; i < loop->count; i++)
		loop->fds[i].revents = 0;
}

#endif
