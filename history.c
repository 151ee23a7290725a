/* SPDX-License-Identifier: ISC */
/*
 * history.c: a merge of all logs' records, in either direction.
 *
 * Each log's lane stands between two of its records; `seq` is the one that
 * comes next in the direction in which the history moves.  A heap has the
 * lanes that have a next one, the foremost on top.  Turning round makes the
 * heap anew: one read a log.
 *
 * Invariant: every record before the position comes before every one behind
 * it in the order (time, id, seq).
 */
#include <stdlib.h>

#include "history.h"

struct lane {
	uint32_t number;          /* of its log */
	struct log_cursor cursor; /* seq: the record that comes next */
	uint64_t time;            /* of that record */
	uint64_t newest;
};

struct history {
	struct room *room;
	bool back;      /* the direction that the lanes stand for */
	bool ready;     /* the heap is made */
	bool behind;    /* the top was given out and has to move on */
	uint32_t count; /* of lanes: those logs that have records */
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
	order = memcmp(room_log(h->room, x->number)->log.id,
		room_log(h->room, y->number)->log.id, RECORD_ID_SIZE);
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
	struct record record;

	while (lane->cursor.seq >= 1 && lane->cursor.seq <= lane->newest) {
		if (room_read(h->room, lane->number, &lane->cursor, &record) ==
			0) {
			lane->time = record.time_ms;
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
	struct history *h, bool back, struct history_entry *entry)
{
	history_turn(h, back);
	while (h->heap_count > 0) {
		struct lane *lane = &h->lanes[h->heap[0]];

		h->behind = true;
		entry->number = lane->number;
		entry->seq = lane->cursor.seq;
		if (room_read(h->room, lane->number, &lane->cursor,
			    &entry->record) == 0)
			return true;
		heap_advance(h); /* lost since it was looked at */
	}
	return false;
}

bool history_next(struct history *history, struct history_entry *entry)
{
	return history_move(history, false, entry);
}

bool history_previous(struct history *history, struct history_entry *entry)
{
	return history_move(history, true, entry);
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

struct history *history_open(struct room *room)
{
	struct history *h = calloc(1, sizeof(*h));
	uint32_t most = room_count(room);

	if (h == NULL)
		return NULL;
	h->room = room;
	h->back = true;
	h->heap = calloc((size_t)most + 1, sizeof(*h->heap));
	h->lanes = calloc((size_t)most + 1, sizeof(*h->lanes));
	if (h->heap == NULL || h->lanes == NULL) {
		history_close(h);
		return NULL;
	}
	for (uint32_t i = 0; i < most; i++) {
		struct lane *lane = &h->lanes[h->count];

		lane->number = i;
		lane->newest = lane->cursor.seq = room_newest(room, i);
		if (room_log(room, i)->used && lane->newest > 0)
			h->count++;
	}
	return h;
}
