/* SPDX-License-Identifier: ISC */
/*
 * show.c: lines for the screen and for programs.  Whatever comes from outside
 * passes through clean_text.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clean.h"
#include "legacy.h"
#include "show.h"
#include "words.h"

static void write_json(struct writer *w, const void *bytes, size_t size)
{
	write_u8(w, '"');
	clean_text(w, bytes, size, true);
	write_u8(w, '"');
}

/* ,"name":"value" */
static void write_field(struct writer *w, const char *name, const char *value)
{
	write_text(w, ",\"");
	write_text(w, name);
	write_text(w, "\":");
	write_json(w, value, strlen(value));
}

/* The id of a log: "@" and hexadecimal digits, or the original's. */
static void write_author(
	struct writer *w, const char *field, const uint8_t *log_id, bool legacy)
{
	char id[LEGACY_ID_MAX + 1] = "@";
	struct writer digits = writer_over(id + 1, LEGACY_ID_MAX - 1);

	if (legacy)
		(void)legacy_id_of_key(log_id, id);
	else
		write_hex(&digits, log_id, RECORD_ID_SIZE);
	write_field(w, field, id);
}

static void write_number(struct writer *w, const char *name, uint64_t value)
{
	char text[64];

	(void)snprintf(text, sizeof(text), ",\"%s\":%llu", name,
		(unsigned long long)value);
	write_text(w, text);
}

/* RFC 3339, in UTC; a time beyond the year 9999 is shown as its end. */
static void write_time(struct writer *w, uint64_t time_ms)
{
	const uint64_t most_ms = 253402300799999;
	uint64_t shown_ms = time_ms > most_ms ? most_ms : time_ms;
	time_t when = (time_t)(shown_ms / 1000);
	char text[32] = "";
	struct tm utc;
	size_t size;

	if (gmtime_r(&when, &utc) == NULL)
		return;
	size = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
	(void)snprintf(text + size, sizeof(text) - size, ".%03uZ",
		(unsigned)(shown_ms % 1000));
	write_field(w, "time", text);
}

void show_name(const struct people *people, const struct room_log *log,
	char shown[PEOPLE_SHOWN_MAX + 1])
{
	if (log->is_signed)
		people_show(people, log->log.public_key, shown);
	else
		people_show_legacy(people, log->log.id, shown);
}

bool show_message(struct writer *w, const struct show_message *m, bool json)
{
	struct reader text = m->record->payload;

	if (m->record->type != RECORD_TEXT)
		return false;
	if (json) {
		write_text(w, "{\"type\":\"message\"");
		write_author(w, "author", m->log->log.id, !m->log->is_signed);
		write_field(w, "name", m->name);
		write_number(w, "seq", m->seq);
		write_time(w, m->record->time_ms);
		write_text(w, ",\"text\":");
		write_json(w, text.at, text.left);
		write_text(w, ",\"verified\":");
		write_text(w, m->log->is_signed ? "true}" : "false}");
	} else {
		clean_text(w, m->name, strlen(m->name), false);
		write_text(w, "> ");
		clean_text(w, text.at, text.left, false);
	}
	write_u8(w, '\n');
	return true;
}

bool show_record(struct writer *w, const struct people *people,
	const struct room *room, const struct log_record *stored, bool json)
{
	uint32_t number = room_find(room, stored->key);
	char name[PEOPLE_SHOWN_MAX + 1];
	struct record record;
	struct show_message message = {
		.name = name, .seq = stored->seq, .record = &record
	};

	if (number == ROOM_NO_LOG ||
		!record_decode(stored->bytes, stored->size, &record))
		return false;
	message.log = room_log(room, number);
	show_name(people, message.log, name);
	return show_message(w, &message, json);
}

/* Who has a key is known to programs by the id of his first log. */
static void write_person(
	struct writer *w, const char *field, const struct show_peer *peer)
{
	struct record_log log = { .epoch = 0 };

	memcpy(log.public_key, peer->key, RECORD_KEY_SIZE);
	record_log_id(&log, peer->room_id);
	write_author(w, field, log.id, false);
}

void show_peer(struct writer *w, const struct show_peer *peer)
{
	write_text(w, "{\"type\":\"peer\"");
	write_field(w, "event", peer->event);
	write_field(w, "name", peer->name);
	if (peer->key != NULL && peer->legacy)
		write_author(w, "author", peer->key, true);
	else if (peer->key != NULL)
		write_person(w, "author", peer);
	write_field(w, "address", peer->address);
	write_text(w, "}\n");
}

void show_delivered(struct writer *w, const struct show_peer *by, uint64_t seq)
{
	write_text(w, "{\"type\":\"delivered\"");
	write_number(w, "seq", seq);
	write_person(w, "by", by);
	write_text(w, "}\n");
}

const char *show_problem(const struct log *log, const struct room *room,
	const struct people *people, const struct log_problem *p, char *text)
{
	char name[PEOPLE_SHOWN_MAX + 1] = "somebody";
	unsigned long long from = p->offset, to = p->offset + p->size;
	unsigned long long first = p->first, last = p->last;
	uint32_t number = ROOM_NO_LOG;

	if (p->author < log_author_count(log))
		number = room_find(room, log_key(log, p->author));
	if (number != ROOM_NO_LOG)
		show_name(people, room_log(room, number), name);
	switch (p->trouble) {
	case LOG_TAIL_CUT:
		(void)snprintf(text, SHOW_PROBLEM_MAX,
			"segment %u, bytes %llu to %llu: an interrupted write "
			"that nobody was told of",
			p->segment, from, to);
		return "info";
	case LOG_DAMAGED:
		(void)snprintf(text, SHOW_PROBLEM_MAX,
			"segment %u, bytes %llu to %llu: damaged", p->segment,
			from, to);
		return "error";
	case LOG_SEGMENT_LOST:
		(void)snprintf(text, SHOW_PROBLEM_MAX,
			"segment %u: lost, or not the one that was there",
			p->segment);
		return "error";
	case LOG_END_LOST:
		(void)snprintf(text, SHOW_PROBLEM_MAX,
			"the log ends before its checkpoint: it is an older "
			"copy, or its end was lost");
		return "error";
	case LOG_MISSING:
		(void)snprintf(text, SHOW_PROBLEM_MAX,
			"messages %llu to %llu of %s: missing here", first,
			last, name);
		return "warn";
	case LOG_HINT_WRONG:
		(void)snprintf(text, SHOW_PROBLEM_MAX,
			p->author == LOG_NO_AUTHOR
				? "the checkpoint is wrong; nothing is lost, "
				  "it will be made again"
				: "the index of %s is wrong; nothing is lost, "
				  "it will be made again",
			name);
		return "info";
	case LOG_AND_MORE:
		(void)snprintf(text, SHOW_PROBLEM_MAX, "and %llu more",
			(unsigned long long)p->size);
		return "warn";
	}
	return "error";
}
