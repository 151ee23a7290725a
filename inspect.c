/* SPDX-License-Identifier: ISC */
/*
 * inspect.c: chat --log and chat --check.
 *
 * Both are filters that end, so unlike a chat they may block on stdout.  The
 * history is a merge of all logs by time (history.h): a line at a time, in
 * memory that does not grow with its length.
 *
 * --log shows the names that logs claim, not those that people.h knows: two
 * databases with the same records print the same lines.
 *
 * --check trusts nothing that was found out before.  A signed log is sound if
 * and only if
 *	(1) every record of it is signed, and may follow the one before it;
 *	(2) every id is that of its record;
 *	(3) every signature that was found good once (the record's flag) is good;
 *	(4) its last record's is, unless the log is frozen: it vouches for all
 *	    before it, and other bad ones harm nobody.
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

/* Has everything reached stdout, where `error` was met before, or 0? */
static int finish(const struct database *d, int status, int error)
{
	if (error == 0 && fflush(stdout) == 0 && !ferror(stdout))
		return status;
	return database_failed(d, EX_IOERR, "can not write: %s",
		strerror(error == 0 ? errno : error));
}

/* The history. */

/* Of a log that says something. */
struct claim {
	const struct room_log *log;
	bool *doubtful; /* its name alone does not tell whose it is */
};

/* In the order of names, and of keys where they are the same. */
static int claim_compare(const void *one, const void *other)
{
	const struct claim *a = one, *b = other;
	int order = strcmp(a->log->name, b->log->name);

	if (order != 0)
		return order;
	return memcmp(a->log->log.public_key, b->log->log.public_key,
		RECORD_KEY_SIZE);
}

static void claims_judge(struct claim *claims, uint32_t count)
{
	uint32_t end;

	qsort(claims, count, sizeof(*claims), claim_compare);
	for (uint32_t begin = 0; begin < count; begin = end) {
		const struct room_log *first = claims[begin].log, *last;
		bool doubtful;

		for (end = begin; end < count; end++)
			if (strcmp(claims[end].log->name, first->name) != 0)
				break;
		last = claims[end - 1].log;
		doubtful = !people_name_valid(first->name) ||
			   memcmp(first->log.public_key, last->log.public_key,
				   RECORD_KEY_SIZE) != 0;
		for (uint32_t i = begin; i < end; i++)
			*claims[i].doubtful = doubtful;
	}
}

/*
 * For each log of the room whether its name is no name of a person, or that of
 * another key as well.  NULL and ENOMEM.
 */
static bool *find_doubtful(const struct room *room)
{
	uint32_t count = 0, total = room_count(room);
	bool *doubtful = calloc((size_t)total + 1, sizeof(*doubtful));
	struct claim *claims = calloc((size_t)total + 1, sizeof(*claims));

	if (doubtful == NULL || claims == NULL) {
		free(doubtful);
		free(claims);
		return NULL;
	}
	for (uint32_t i = 0; i < total; i++) {
		const struct room_log *log = room_log(room, i);

		if (!log->used || !log->is_signed || room_newest(room, i) == 0)
			continue;
		claims[count].log = log;
		claims[count++].doubtful = &doubtful[i];
	}
	claims_judge(claims, count);
	free(claims);
	return doubtful;
}

/* The name that the log claims, with more when it is not enough. */
static void name_by_claim(const struct database *d, const struct room_log *log,
	bool doubtful, char shown[PEOPLE_SHOWN_MAX + 1])
{
	char letters[7];

	people_suffix(log->log.public_key, letters);
	if (!log->is_signed)
		people_show_legacy(d->people, log->log.id, shown);
	else if (doubtful)
		(void)snprintf(shown, PEOPLE_SHOWN_MAX + 1, "%s~%s", log->name,
			letters);
	else
		(void)snprintf(shown, PEOPLE_SHOWN_MAX + 1, "%s", log->name);
}

/* What a history is printed with. */
struct printer {
	struct database *d;
	struct history *history;
	bool *doubtful; /* by number of the log */
	uint8_t *bytes; /* TERM_SHOWN_MAX of them */
	bool json;
	int error; /* why stdout takes nothing more, or 0 */
};

static void print_entry(struct printer *p, const struct history_entry *entry)
{
	struct writer w = writer_over(p->bytes, TERM_SHOWN_MAX);
	char name[PEOPLE_SHOWN_MAX + 1];
	struct show_message message = { .log = room_log(
						p->d->room, entry->number),
		.name = name,
		.seq = entry->seq,
		.record = &entry->record };

	name_by_claim(p->d, message.log, p->doubtful[entry->number], name);
	if (show_message(&w, &message, p->json) &&
		fwrite(w.bytes, 1, w.size, stdout) < w.size)
		p->error = errno;
}

/* Goes back from the end by `lines` texts. */
static void go_back(struct history *history, int lines)
{
	struct history_entry entry;

	while (lines > 0 && history_previous(history, &entry)) {
		if (entry.record.type == RECORD_TEXT)
			lines--;
	}
}

static int print_history(struct database *d, const struct options *options)
{
	struct printer p = { .d = d, .json = options->json };
	char text[SHOW_PROBLEM_MAX];
	struct log_problem problem;
	struct history_entry entry;
	int status = EX_OSERR;

	p.history = history_open(d->room);
	p.doubtful = find_doubtful(d->room);
	p.bytes = malloc(TERM_SHOWN_MAX);
	if (p.history == NULL || p.doubtful == NULL || p.bytes == NULL) {
		(void)database_failed(d, status, "%s", strerror(ENOMEM));
		goto fail;
	}
	if (options->history == OPTIONS_HISTORY_DEFAULT)
		history_rewind(p.history);
	else
		go_back(p.history, options->history);
	while (p.error == 0 && history_next(p.history, &entry))
		print_entry(&p, &entry);
	while (log_next_problem(d->log, &problem)) {
		(void)show_problem(d->log, d->room, d->people, &problem, text);
		(void)fprintf(stderr, "warn> %s\n", text);
	}
	status = finish(d, EX_OK, p.error);
fail:
	history_close(p.history);
	free(p.doubtful);
	free(p.bytes);
	return status;
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

/* The check. */

/* Prints one line about a log; finish looks at ferror. */
static bool print_wrong(const struct database *d, const struct room_log *log,
	uint64_t seq, const char *what)
{
	char name[PEOPLE_SHOWN_MAX + 1];
	char hex[2 * RECORD_ID_SIZE + 1] = "";
	struct writer w = writer_over(hex, sizeof(hex) - 1);

	show_name(d->people, log, name);
	write_hex(&w, log->log.id, RECORD_ID_SIZE);
	(void)printf("message %llu of %s: %s (log @%s)\n",
		(unsigned long long)seq, name, what, hex);
	return false;
}

/* Whether one record of a signed log is sound: (1), (2) and (3). */
static bool check_record(const struct database *d, const struct room_log *log,
	struct record_chain *chain, const struct record *record, bool *vouched)
{
	uint64_t seq = chain->seq + 1;
	enum record_verdict verdict;

	verdict = record_chain_add(chain, &log->log, record);
	if (verdict != RECORD_GOOD)
		return print_wrong(d, log, seq, record_verdict_name(verdict));
	if (memcmp(record->id, chain->id, RECORD_ID_SIZE) != 0)
		return print_wrong(d, log, seq,
			"it, or one before it, is not what was signed");
	*vouched = record_verify(
		&log->log, chain->seq, chain->id, record->signature);
	if (!*vouched && (record->flags & RECORD_VERIFIED) != 0)
		return print_wrong(
			d, log, seq, "its signature is not its author's");
	return true;
}

/* A log that nobody is known to write: is its first record not there? */
static bool check_unknown(const struct database *d, const struct room_log *log)
{
	struct log_record stored;
	uint32_t author = log_find(d->log, log->log.id);

	if (author == LOG_NO_AUTHOR || log_read(d->log, author, 1, &stored) < 0)
		return true; /* the store tells of it */
	return print_wrong(d, log, 1, "it is not what its log begins with");
}

/* Up to the first record that is missing, of which the store tells. */
static bool check_log(const struct database *d, uint32_t number)
{
	const struct room_log *log = room_log(d->room, number);
	struct log_cursor cursor = { 0 };
	struct record_chain chain;
	struct record record;
	bool vouched = true;

	if (!log->used)
		return check_unknown(d, log);
	if (!log->is_signed)
		return true;
	record_chain_begin(&chain, &log->log);
	while (chain.seq < room_durable(d->room, number)) {
		cursor.seq = chain.seq + 1;
		if (room_read(d->room, number, &cursor, &record) < 0)
			return print_wrong(d, log, cursor.seq,
				"it can not be read, or is not signed");
		if (!check_record(d, log, &chain, &record, &vouched))
			return false;
	}
	if (!vouched && log->frozen == 0)
		return print_wrong(d, log, chain.seq,
			"it is the last one, and its signature is not its "
			"author's");
	return true;
}

/* What the store says about itself.  Returns the exit status. */
static int print_problems(struct database *d)
{
	char text[SHOW_PROBLEM_MAX];
	struct log_problem problem;
	bool damaged = false;
	int status = log_doubt(d->checked) ? 1 : EX_OK;

	while (log_next_problem(d->checked, &problem)) {
		(void)show_problem(
			d->checked, d->room, d->people, &problem, text);
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
	if (log_doubt(d->checked))
		(void)printf(
			"messages may be lost of which nobody here knows\n");
	if (damaged && status == EX_OK)
		(void)printf(
			"what stood in the damaged places is here again\n");
	return status;
}

static int check(struct database *d)
{
	int status = print_problems(d);
	uint8_t state[MESSAGE_STATE_SIZE];
	uint64_t records;
	uint32_t logs;

	for (uint32_t i = 0; i < room_count(d->room); i++) {
		if (!check_log(d, i))
			status = 1;
	}
	records = log_count(d->checked);
	logs = log_author_count(d->checked);
	room_state(d->room, state); /* as chats in sync tell it */
	(void)printf("%s: %llu record%s in %lu log%s (%02x%02x%02x), %s\n",
		d->path, (unsigned long long)records, records == 1 ? "" : "s",
		(unsigned long)logs, logs == 1 ? "" : "s", state[0], state[1],
		state[2], status == EX_OK ? "all sound" : "not all is sound");
	return finish(d, status, 0);
}

int inspect_check(const struct options *options)
{
	struct database d;
	int status = database_look(&d, options, true);

	if (status == EX_OK)
		status = check(&d);
	database_close(&d);
	return status;
}
