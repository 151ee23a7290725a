/* SPDX-License-Identifier: ISC */
/*
 * history.h: the records of a store in the order (time, author's key, seq).
 *
 * The time is the little-endian u64 that each record's bytes begin with; it
 * never goes back within one author's records.  So the order is that of a
 * merge, one cursor an author, and memory does not grow with the history.
 *
 * A history is a position between two records: it begins at the end and is
 * moved in both directions.  To show the last fifty, go back fifty times and
 * then forward.  What is missing in the store is passed over.
 *
 * Records that become durable later are not seen.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include "log.h"

struct history;

/* Borrows the log.  NULL and ENOMEM. */
struct history *history_open(struct log *log) MUST_USE;

void history_close(struct history *history);

/* To the beginning: before the oldest record. */
void history_rewind(struct history *history);

/*
 * The record behind the position, and moves it forward; or the one before,
 * and moves it back.  False when there is none.  The bytes are valid until
 * the next call of any function of the history or the log.
 */
bool history_next(struct history *history, struct log_record *record) MUST_USE;
bool history_previous(
	struct history *history, struct log_record *record) MUST_USE;

#endif
