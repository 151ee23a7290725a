/* SPDX-License-Identifier: ISC */
/*
 * show.h: what is shown, as lines: for people, or as JSON objects.
 */
#ifndef SHOW_H
#define SHOW_H

#include "people.h"
#include "room.h"

/* Writes the name of a log's author as it is shown here. */
void show_name(const struct people *people, const struct room_log *log,
	char shown[PEOPLE_SHOWN_MAX + 1]);

struct show_message {
	const struct room_log *log;
	const char *name; /* its author's */
	uint64_t seq;
	const struct record *record;
};

/*
 * Writes a text as a line with its newline: "bob> hello", or
 * {"type":"message",...}.  False, and nothing written, when the record is
 * nothing to show.  Room for TERM_SHOWN_MAX bytes is always enough.
 */
bool show_message(struct writer *w, const struct show_message *message,
	bool json) MUST_USE;

/* The same for a record of the store, under the name known here. */
bool show_record(struct writer *w, const struct people *people,
	const struct room *room, const struct log_record *stored,
	bool json) MUST_USE;

enum { SHOW_PROBLEM_MAX = 256 };

/*
 * Words for a problem of the log, at most SHOW_PROBLEM_MAX bytes with NUL.
 * Returns how bad it is: "info" when nothing is lost, "warn" when it may come
 * back, "error" else.
 */
const char *show_problem(const struct log *log, const struct room *room,
	const struct people *people, const struct log_problem *problem,
	char *text);

struct show_peer {
	const char *event; /* "up" or "down" */
	const char *name;
	const uint8_t *key; /* public, or of an original author; or NULL */
	bool legacy;        /* the second */
	const uint8_t *room_id;
	const char *address;
};

/* Writes {"type":"peer",...} with its newline; the author is his first log. */
void show_peer(struct writer *w, const struct show_peer *peer);

/* Writes {"type":"delivered","seq":...,"by":...}; of `by`: key and room_id. */
void show_delivered(struct writer *w, const struct show_peer *by, uint64_t seq);

#endif
