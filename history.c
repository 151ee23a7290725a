/* SPDX-License-Identifier: ISC */
/*
 * history.c: a merge of all authors' records, in either direction.
 *
 * Each author's lane stands between two of its records; `seq` is the one that
 * comes next in the direction in which the history moves.  A heap has the
 * lanes that have a next one, the foremost on top.  Turning round makes the
 * heap anew: one read an author.
 *
 * Invariant: every record before the position comes before every one behind
 * it in the order (time, key, seq).
 */
#include <stdlib.h>

#include "history.h"

struct lane {
	struct log_cursor cursor; /* seq: the record that comes next */
	uint64_t time;            /* of that record */
	uint64_t newest;
};

struct history {
	struct log *log;
	bool back;      /* the direction that the lanes stand for */
	bool ready;     /* the heap is made */
	bool behind;    /* the top was given out and has to move on */
	uint32_t count; /* of lanes, which is that of authors */
	uint32_t heap_count;
	uint32_t *heap; /* indices of lanes */
	struct lane *lanes;
};

/* Whether lane a comes before lane b, in the direction of the history. */
static bool lane_before(const struct history *h, uint32_t a, uint32_t b)
{
	const struct lane *x = &h->lanes[a];
	const struct lane *y = &h->lanes[b];
	int order = 0;

	if (x->time != y->time)
		return (x->time < y->time) != h->back;
	order = memcmp(log_key(h->log, x->cursor.author),
		log_key(h->log, y->cursor.author), LOG_KEY_SIZE);
	return (order < 0) != h->back;
}

static void heap_sink(struct history *h, uint32_t at)
{
	for (;;) {
		uint32_t first = at;
		uint32_t lane = h->heap[at];

		for (uint32_t child = 2 * at + 1; child <= 2 * at + 2; child++)
			if (child < h->heap_count &&
				lane_before(h, h->heap[child], h->heap[first]))
				first = child;
		if (first == at)
			return;
		h->heap[at] = h->heap[first];
		h->heap[first] = lane;
		at = first;
	}
}

static void lane_step(const struct history *h, struct lane *lane)
{
	if (h->back)
		lane->cursor.seq--;
	else
		lane->cursor.seq++;
}

/* Finds the time of the lane's next record that there is; false: none. */
static bool lane_look(const struct history *h, struct lane *lane)
{
	struct log_record record;

	while (lane->cursor.seq >= 1 && lane->cursor.seq <= lane->newest) {
		if (log_read_at(h->log, &lane->cursor, &record) == 0) {
			struct reader r =
				reader_over(record.bytes, record.size);

			lane->time = read_le64(&r); /* 0 if it is shorter */
			return true;
		}
		lane_step(h, lane);
	}
	return false;
}

static void heap_make(struct history *h)
{
	h->heap_count = 0;
	for (uint32_t i = 0; i < h->count; i++)
		if (lane_look(h, &h->lanes[i]))
			h->heap[h->heap_count++] = i;
	for (uint32_t i = h->heap_count / 2; i > 0; i--)
		heap_sink(h, i - 1);
	h->ready = true;
	h->behind = false;
}

/* The record that was given out is passed. */
static void heap_advance(struct history *h)
{
	struct lane *lane = &h->lanes[h->heap[0]];

	h->behind = false;
	lane_step(h, lane);
	if (!lane_look(h, lane))
		h->heap[0] = h->heap[--h->heap_count];
	heap_sink(h, 0);
}

static void history_turn(struct history *h, bool back)
{
	if (h->ready && h->behind)
		heap_advance(h);
	if (h->back != back) {
		h->back = back;
		h->ready = false;
		for (uint32_t i = 0; i < h->count; i++)
			lane_step(h, &h->lanes[i]);
	}
	if (!h->ready)
		heap_make(h);
}

static bool history_move(
	struct history *h, bool back, struct log_record *record)
{
	history_turn(h, back);
	while (h->heap_count > 0) {
		struct lane *lane = &h->lanes[h->heap[0]];

		h->behind = true;
		if (log_read_at(h->log, &lane->cursor, record) == 0)
			return true;
		heap_advance(h); /* lost since it was looked at */
	}
	return false;
}

bool history_next(struct history *history, struct log_record *record)
{
	return history_move(history, false, record);
}

bool history_previous(struct history *history, struct log_record *record)
{
	return history_move(history, true, record);
}

void history_rewind(struct history *history)
{
	history->back = false;
	history->ready = false;
	history->behind = false;
	for (uint32_t i = 0; i < history->count; i++)
		history->lanes[i].cursor.seq = 1;
}

void history_close(struct history *history)
{
	if (history == NULL)
		return;
	free(history->heap);
	free(history->lanes);
	free(history);
}

struct history *history_open(struct log *log)
{
	struct history *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->log = log;
	h->back = true;
	h->count = log_author_count(log);
	h->heap = calloc((size_t)h->count + 1, sizeof(*h->heap));
	h->lanes = calloc((size_t)h->count + 1, sizeof(*h->lanes));
	if (h->heap == NULL || h->lanes == NULL) {
		history_close(h);
		return NULL;
	}
	for (uint32_t i = 0; i < h->count; i++) {
		h->lanes[i].newest = log_newest(log, i);
		h->lanes[i].cursor.author = i;
		h->lanes[i].cursor.seq = h->lanes[i].newest;
	}
	return h;
}
