/* SPDX-License-Identifier: ISC */
/*
 * inspect.c: chat --log and chat --check.
 *
 * Both are filters that end, so unlike a chat they may block on stdout.  The
 * history is a merge of all authors by time (history.h): a line at a time, in
 * memory that does not grow with its length.
 */
#include "platform.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "database.h"
#include "history.h"
#include "inspect.h"
#include "show.h"
#include "term.h"

/* Has everything reached stdout? */
static int finish(const struct database *d, int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	return database_failed(
		d, EX_IOERR, "can not write: %s", strerror(errno));
}

static int print_history(struct database *d, const struct options *options)
{
	struct history *history = history_open(d->log);
	uint8_t *bytes = malloc(TERM_SHOWN_MAX);
	char text[SHOW_PROBLEM_MAX];
	struct log_problem problem;
	struct log_record record;
	int lines = options->history;

	if (history == NULL || bytes == NULL) {
		history_close(history);
		free(bytes);
		return database_failed(d, EX_OSERR, "%s", strerror(ENOMEM));
	}
	if (lines == OPTIONS_HISTORY_DEFAULT)
		history_rewind(history);
	for (; lines > 0 && history_previous(history, &record); lines--)
		;
	while (history_next(history, &record) && !ferror(stdout)) {
		struct writer w = writer_over(bytes, TERM_SHOWN_MAX);

		if (show_record(&w, d->people, &record, options->json))
			(void)!fwrite(w.bytes, 1, w.size, stdout); /* ferror */
	}
	history_close(history);
	free(bytes);
	while (log_next_problem(d->log, &problem)) {
		(void)show_problem(d->log, d->people, &problem, text);
		(void)fprintf(stderr, "warn> %s\n", text);
	}
	return finish(d, EX_OK);
}

int inspect_log(const struct options *options)
{
	struct database d;
	int status = database_look(&d, options, false);

	if (status == EX_OK)
		status = print_history(&d, options);
	database_close(&d);
	return status;
}

static int print_problems(struct database *d)
{
	char text[SHOW_PROBLEM_MAX];
	struct log_problem problem;
	bool damaged = false;
	int status = log_doubt(d->log) ? 1 : EX_OK;

	while (log_next_problem(d->log, &problem)) {
		(void)show_problem(d->log, d->people, &problem, text);
		(void)printf("%s\n", text); /* finish looks at ferror */
		/*
		 * A cut end is as it should be after a crash, a wrong hint
		 * costs time only, and damage is healed when nothing that
		 * stood there is missing any more.
		 */
		if (problem.trouble == LOG_DAMAGED)
			damaged = true;
		else if (problem.trouble != LOG_TAIL_CUT &&
			 problem.trouble != LOG_HINT_WRONG)
			status = 1;
	}
	if (log_doubt(d->log))
		(void)printf(
			"messages may be lost of which nobody here knows\n");
	if (damaged && status == EX_OK)
		(void)printf(
			"what stood in the damaged places is here again\n");
	(void)printf("%s: %llu messages of %lu authors, %s\n", d->path,
		(unsigned long long)log_count(d->log),
		(unsigned long)log_author_count(d->log),
		status == EX_OK ? "all sound" : "not all is sound");
	return finish(d, status);
}

int inspect_check(const struct options *options)
{
	struct database d;
	int status = database_look(&d, options, true);

	if (status == EX_OK)
		status = print_problems(&d);
	database_close(&d);
	return status;
}
