/* SPDX-License-Identifier: ISC */
/* feed.c: records for the original program. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "links/feed.h"

enum { RECORDS_A_TURN = 64 /* of one log, then the next one's */ };

void feed_close(struct feed *f)
{
	free(f->next);
	free(f->told);
	memset(f, 0, sizeof(*f));
}

/* One entry for each log; what nothing is known of is lacking. */
static bool feed_grow(struct feed *f, uint32_t count)
{
	uint32_t wanted = f->count == 0 ? 16 : f->count;
	uint32_t *larger;

	if (count <= f->count)
		return true;
	while (wanted < count)
		wanted *= 2;
	larger = realloc(f->next, wanted * sizeof(*larger));
	if (larger == NULL)
		return false;
	for (; f->count < wanted; f->count++)
		larger[f->count] = 1;
	f->next = larger;
	return true;
}

void feed_has(struct feed *f, const struct room *room, const uint8_t *key,
	uint32_t seq)
{
	uint32_t number = room_find(room, key);

	if (number == ROOM_NO_LOG || seq == UINT32_MAX)
		return;
	if (!feed_grow(f, number + 1))
		return; /* then it is sent what it has already */
	if (f->next[number] <= seq)
		f->next[number] = seq + 1;
}

/* The id by which we are known there: that of our log. */
static void own_id(const struct room *room, uint8_t id[RECORD_ID_SIZE])
{
	uint32_t own = room_own(room);

	room_first_id(room, id);
	if (own != ROOM_NO_LOG)
		memcpy(id, room_log(room, own)->log.id, RECORD_ID_SIZE);
}

/* Freezes what our Handshake tells: its length comes before its content. */
static bool hello_begin(
	struct feed *f, struct room *room, struct legacy *legacy)
{
	uint32_t count = room_count(room);
	uint8_t id[RECORD_ID_SIZE];
	size_t size = 0;

	if (f->told == NULL) {
		f->told = calloc(count + 1, sizeof(*f->told));
		if (f->told == NULL)
			return false;
		f->told_count = count;
	}
	for (uint32_t i = 0; i < f->told_count; i++) {
		f->told[i] = (uint32_t)room_durable(room, i);
		if (f->told[i] > 0)
			size += legacy_head_size(
				room_log(room, i)->log.id, f->told[i]);
	}
	own_id(room, id);
	return legacy_put_handshake(legacy, id, size);
}

/* Puts as much of our Handshake as fits; true when all of it was put. */
static bool fill_hello(struct feed *f, struct room *room, struct legacy *legacy)
{
	if (!f->said_hello && !hello_begin(f, room, legacy))
		return false;
	f->said_hello = true;
	for (; f->told_next < f->told_count; f->told_next++) {
		uint32_t seq = f->told[f->told_next];

		if (seq > 0 &&
			!legacy_put_head(legacy,
				room_log(room, f->told_next)->log.id, seq)) {
			f->lagging = true;
			return false;
		}
	}
	free(f->told);
	f->told = NULL;
	f->told_count = f->told_next = 0;
	return true;
}

static bool put_record(struct legacy *legacy, const struct room_log *log,
	uint64_t seq, const struct record *record)
{
	char text[LIMIT_NAME + 16] = "";
	struct reader entry = reader_over(text, 0);
	struct record_open open;

	if (record->type == RECORD_TEXT) {
		entry = record->payload;
	} else if (record->type == RECORD_OPEN &&
		   record_open_decode(record->payload, &open)) {
		(void)snprintf(text, sizeof(text), "%s is here", open.name);
		entry = reader_over(text, strlen(text));
	}
	return legacy_put_change(legacy, log->log.id, (uint32_t)seq, entry);
}

/* Puts one log's records; false when they no longer fit. */
static bool fill_log(struct feed *f, struct room *room, struct legacy *legacy,
	uint32_t number)
{
	uint64_t durable = room_durable(room, number);
	uint32_t *next = &f->next[number];
	struct log_cursor cursor;
	struct record record;

	memset(&cursor, 0, sizeof(cursor));
	for (int i = 0; i < RECORDS_A_TURN && *next <= durable; i++) {
		/* A damaged record can not be served; other logs can. */
		cursor.seq = *next;
		if (room_read(room, number, &cursor, &record) < 0)
			return true;
		if (!put_record(legacy, room_log(room, number), *next, &record))
			return false;
		++*next;
		f->sent++;
	}
	if (*next <= durable)
		f->lagging = true;
	return true;
}

void feed_fill(struct feed *f, struct room *room, struct legacy *legacy,
	bool up, uint64_t log_count)
{
	uint32_t count = room_count(room);

	if (!fill_hello(f, room, legacy))
		return;
	/* Records wait until it is known what the other side has. */
	if (!up) {
		f->lagging = false;
		return;
	}
	if (!f->lagging && f->log_count == log_count)
		return;
	f->lagging = false;
	f->log_count = log_count;
	if (legacy->mode == LEGACY_PUSH || !feed_grow(f, count))
		return;
	for (uint32_t i = 0; i < count; i++) {
		if (f->turn >= count)
			f->turn = 0;
		if (!fill_log(f, room, legacy, f->turn)) {
			f->lagging = true;
			return;
		}
		f->turn++;
	}
}
