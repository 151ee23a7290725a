/* SPDX-License-Identifier: ISC */
/*
 * database.h: the directory that holds one person's side of a conversation,
 * opened for a chat or for looking at it.
 *
 *	NAME.db/	0700
 *		.gitignore	"*": version control leaves it alone
 *		identity, peers	people.h
 *		addresses	links/known.h
 *		forks		room.h
 *		ctl		ctl.h
 *		and the log's	log.c
 */
#ifndef DATABASE_H
#define DATABASE_H

#include "log.h"
#include "options.h"
#include "people.h"
#include "room.h"

struct known; /* links/known.h */

/* Owns what it points to; open one on zeroes. */
struct database {
	int err_fd; /* borrowed */
	char path[OPTIONS_PATH_SIZE];
	int dir_fd;
	bool made; /* it is new */
	struct log *log;
	struct log *checked; /* of database_look with `check`, else NULL */
	struct people *people;
	struct known *known; /* NULL of database_look */
	struct room *room;
};

/*
 * Opens the database of a chat, makes it where there is none, and locks it.
 * Returns EX_OK, or what the process should exit with: then the reason has
 * been written to options->err_fd.  database_close is due in either case.
 */
int database_open(struct database *d, const struct options *options) MUST_USE;

/*
 * The same for somebody who says nothing, beside a chat or without one: to read
 * its records, or to verify it.  Then `checked` is from log_check, and nothing
 * on the disk is changed.
 */
int database_look(
	struct database *d, const struct options *options, bool check) MUST_USE;

void database_close(struct database *d);

/* Writes a line "error> ..." to err_fd; returns `status`. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
int database_failed(
	const struct database *d, int status, const char *format, ...);

#endif
