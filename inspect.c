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
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "history.h"
#include "inspect.h"
#include "log.h"
#include "people.h"
#include "show.h"
#include "term.h"

struct database {
	char path[OPTIONS_PATH_SIZE];
	int dir_fd;
	struct log *log;
	struct people *people;
};

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static int
failed(int status, const char *format, ...)
{
	va_list arguments;

	(void)fputs("error> ", stderr);
	va_start(arguments, format);
	(void)vfprintf(stderr, format, arguments);
	va_end(arguments);
	(void)fputc('\n', stderr);
	return status;
}

static int database_open(struct database *d, const struct options *options)
{
	const char *file;

	d->log = NULL;
	d->people = NULL;
	options_path(options, d->path, sizeof(d->path));
	d->dir_fd =
		open(d->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (d->dir_fd < 0)
		return failed(EX_NOINPUT, "there is no database %s (%s)",
			d->path, strerror(errno));
	d->people = people_open(d->dir_fd, options->name, false, &file);
	if (d->people == NULL)
		return failed(errno == EBADMSG ? EX_DATAERR : EX_NOINPUT,
			"can not use %s/%s: %s", d->path, file,
			errno == EBADMSG ? "it is damaged" : strerror(errno));
	return EX_OK;
}

static int log_failed(const struct database *d)
{
	if (errno == EPROTONOSUPPORT)
		return failed(EX_CONFIG,
			"%s was made by a newer version of this program",
			d->path);
	return failed(errno == EBADMSG ? EX_DATAERR : EX_IOERR,
		"can not read the log in %s: %s", d->path, strerror(errno));
}

static void database_close(struct database *d)
{
	people_close(d->people);
	log_close(d->log);
	if (d->dir_fd >= 0)
		(void)close(d->dir_fd); /* it was only read */
}

/* Has everything reached stdout? */
static int finish(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	return failed(EX_IOERR, "can not write: %s", strerror(errno));
}

static int print_history(struct database *d, const struct options *options)
{
	struct history *history = history_open(d->log);
	uint8_t *bytes = malloc(TERM_SHOWN_MAX);
	struct log_record record;
	int lines = options->history;

	if (history == NULL || bytes == NULL) {
		history_close(history);
		free(bytes);
		return failed(EX_OSERR, "%s", strerror(ENOMEM));
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
	return finish(EX_OK);
}

int inspect_log(const struct options *options)
{
	struct database d;
	int status = database_open(&d, options);

	if (status == EX_OK) {
		d.log = log_holder(d.dir_fd) == 0 ? log_open(d.dir_fd)
						  : log_open_beside(d.dir_fd);
		/* A chat may have begun meanwhile. */
		if (d.log == NULL && errno == EAGAIN)
			d.log = log_open_beside(d.dir_fd);
		status = d.log == NULL ? log_failed(&d)
				       : print_history(&d, options);
	}
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
		 * A cut end is as it should be after a crash, and damage is
		 * healed when nothing that stood there is missing any more.
		 */
		if (problem.trouble == LOG_DAMAGED)
			damaged = true;
		else if (problem.trouble != LOG_TAIL_CUT)
			status = 1;
	}
	if (damaged && status == EX_OK)
		(void)printf(
			"what stood in the damaged places is here again\n");
	(void)printf("%s: %llu messages of %lu authors, %s\n", d->path,
		(unsigned long long)log_count(d->log),
		(unsigned long)log_author_count(d->log),
		status == EX_OK ? "all sound" : "not all is sound");
	return finish(status);
}

int inspect_check(const struct options *options)
{
	struct database d;
	int status = database_open(&d, options);

	if (status == EX_OK) {
		d.log = log_check(d.dir_fd);
		status = d.log == NULL ? log_failed(&d) : print_problems(&d);
	}
	database_close(&d);
	return status;
}
