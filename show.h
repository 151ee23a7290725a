/* SPDX-License-Identifier: ISC */
/*
 * show.h: what is shown, as lines: for people, or as JSON objects.
 */
#ifndef SHOW_H
#define SHOW_H

#include "log.h"
#include "people.h"

/*
 * Writes a record as a line with its newline: "bob> hello", or
 * {"type":"message",...}.  False, and nothing written, when it is nothing to
 * show.  Room for TERM_SHOWN_MAX bytes is always enough.
 */
bool show_record(struct writer *w, const struct people *people,
	const struct log_record *stored, bool json) MUST_USE;

enum { SHOW_PROBLEM_MAX = 256 };

/*
 * Words for a problem of the log, at most SHOW_PROBLEM_MAX bytes with NUL.
 * Returns how bad it is: "info" when nothing is lost, "warn" when it may come
 * back, "error" else.
 */
const char *show_problem(const struct log *log, const struct people *people,
	const struct log_problem *problem, char *text);

struct show_peer {
	const char *event; /* "up" or "down" */
	const char *name;
	const uint8_t *key; /* NULL when it is not known */
	const char *address;
};

/* Writes {"type":"peer",...} with its newline. */
void show_peer(struct writer *w, const struct show_peer *peer);

#endif
