/* SPDX-License-Identifier: ISC */
/*
 * history.h: the records of a room in the order (time, log's id, seq), signed
 * or not.
 *
 * Time never goes back within one log.  So the order is that of a merge, one
 * cursor a log, and memory does not grow with the history.
 *
 * A history is a position between two records: it begins at the end and is
 * moved in both directions.  To show the last fifty, go back fifty times and
 * then forward.  What is missing in the store is passed over, and so is what
 * stands behind a fork.
 *
 * Records that become durable later are not seen.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include "room.h"

struct history;

struct history_entry {
	uint32_t number; /* of the log, in the room */
	uint64_t seq;
	struct record record; /* valid until the next call of any function of
				 the history, the room or the log */
};

/* Borrows the room.  NULL and ENOMEM. */
struct history *history_open(struct room *room) MUST_USE;

void history_close(struct history *history);

/* To the beginning: before the oldest record. */
void history_rewind(struct history *history);

/*
 * The record behind the position, and moves it forward; or the one before,
 * and moves it back.  False when there is none.
 */
bool history_next(
	struct history *history, struct history_entry *entry) MUST_USE;
bool history_previous(
	struct history *history, struct history_entry *entry) MUST_USE;

#endif
