/* SPDX-License-Identifier: ISC */
/*
 * chat.c: the loop, the glue between the modules, and the words for people.
 *
 *	typed or piped line --> chat_line --> log --+
 *	record of a peer  ----> chat_record -> log -+-- commit: durable
 *						    |
 *	screen <-- chat_show <-- log_next <---------+
 *	peers  <-- mesh_flush <-- log_read <--------+
 *
 * chat_want and chat_run, near the end, are the program's table of contents.
 *
 * Invariants:
 *	1. nothing is shown or sent before it is durable: both readers of the
 *	   log see durable records only.
 *	2. a record is appended only if its number is the author's head + 1.
 *	3. when the disk is full nothing is consumed that can not be kept: one
 *	   record waits in `waiting`, all others stay with their senders, and
 *	   piped lines stay in the pipe.
 *
 * Only this file reads clocks and the environment, handles signals, puts
 * things into words, and ends the process.
 */
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "chat.h"
#include "database.h"
#include "discovery.h"
#include "doctor.h"
#include "history.h"
#include "inspect.h"
#include "mdns.h"
#include "mesh.h"
#include "people.h"
#include "record.h"
#include "show.h"
#include "term.h"

enum {
	NAMES_MS = 1000,           /* between two writings of names */
	TOLD_AGAIN_MS = 60 * 1000, /* what anybody could make us repeat */
	LIVE_RECORDS = 64, /* fewer in one turn are talk, not catching up */
	SETTLE_MS = 5000,  /* others send what they have of a damaged log */
	FAILURES_TOLD = 3  /* a peer that is not there yet is no news */
};

struct waiting {
	bool used;
	uint8_t key[LOG_KEY_SIZE];
	uint64_t seq;
	size_t size;
	uint8_t bytes[RECORD_MAX];
};

struct chat {
	struct options options;
	int status;
	bool started; /* the first turn is over */
	bool done;
	int64_t leave_ms; /* 0, or when we leave at the latest */
	bool full;        /* the disk, as last told */
	bool scarce;      /* room on it, as last told */
	bool own_told;    /* that others had messages of ours */
	int heard;        /* records of others in this turn */
	int64_t lost_ms;  /* no word about messages not kept before */
	int64_t names_ms;
	int64_t twin_ms;   /* no word about a twin before */
	bool own_broken;   /* own log has holes, as last told */
	int64_t settle_ms; /* 0, or when others were asked long enough */
	int signal_slot;
	uint64_t newest_ms;   /* of all record times */
	uint64_t own_history; /* own head when we began */
	uint64_t gaps;
	struct database database;
	struct log *log;         /* the database's */
	struct history *history; /* until it is shown; then NULL */
	struct people *people;   /* the database's */
	struct mesh *mesh;
	uint16_t port; /* that we listen on */
	struct discovery *discovery;
	struct term *term;
	struct waiting waiting;
	uint8_t scratch[RECORD_MAX];
	uint8_t line[TERM_SHOWN_MAX];
};

/* Clocks. */

int64_t chat_clock_ms(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		abort(); /* POSIX has no system without it */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static uint64_t wall_clock_ms(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) < 0 || now.tv_sec < 0)
		return 0;
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Words. */

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
info(struct chat *c, const char *format, ...)
{
	char text[TERM_NOTICE_MAX / 2];
	va_list arguments;

	if (c->options.verbosity == VERBOSITY_QUIET)
		return;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	term_notice(c->term, "info", "%s", text);
}

static bool is_verbose(const struct chat *c)
{
	return c->options.verbosity == VERBOSITY_VERBOSE;
}

/* "bob" of "bob.local:62474", or the address itself. */
static void name_of_address(
	const char *address, char name[WIRE_ADDRESS_MAX + 1])
{
	const char *end = strstr(address, ".local:");

	(void)snprintf(name, WIRE_ADDRESS_MAX + 1, "%s", address);
	if (end != NULL)
		name[end - address] = '\0';
}

static bool is_own(const struct chat *c, const uint8_t *key)
{
	return memcmp(key, people_own_key(c->people), LOG_KEY_SIZE) == 0;
}

/* One durable record goes to the screen. */
static void chat_show(struct chat *c, const struct log_record *stored)
{
	struct writer line = writer_over(c->line, sizeof(c->line));

	if (is_own(c, stored->key) && stored->seq > c->own_history &&
		term_is_interactive(c->term) && !c->options.json)
		return; /* it stands there since it was typed */
	if (show_record(&line, c->people, stored, c->options.json))
		term_message(c->term, line.bytes, line.size);
}

static void tell_peer(struct chat *c, const char *event,
	const struct mesh_event *e, const char *name)
{
	struct writer line = writer_over(c->line, sizeof(c->line));
	struct show_peer peer = { .event = event,
		.name = name,
		.key = e->have_key ? e->key : NULL,
		.address = e->address };

	/* Who reads nothing is told of no comings and goings. */
	if (!c->options.json || !term_room(c->term))
		return;
	show_peer(&line, &peer);
	term_message(c->term, line.bytes, line.size);
}

/* The end. */

static void chat_fail(struct chat *c, int status, const char *text)
{
	term_notice(c->term, "error", "%s", text);
	c->status = status;
	c->done = true;
}

/* Leaves when all is written and sent, or soon; asked twice, at once. */
static void chat_leave(struct chat *c, int64_t now_ms)
{
	if (c->leave_ms != 0) {
		c->done = true;
		return;
	}
	c->leave_ms = now_ms + CHAT_LEAVE_MS;
	discovery_goodbye(c->discovery);
}

static void chat_commit(struct chat *c, int64_t now_ms)
{
	int full;

	if (log_commit(c->log, now_ms) < 0 && log_full(c->log) == 0) {
		chat_fail(c, EX_IOERR,
			"the disk failed: nothing more is sent "
			"or kept; what was shown is safe");
		return;
	}
	full = log_full(c->log);
	if (full != 0 && !c->full)
		term_notice(c->term, "error",
			"the disk is full (%s): nothing "
			"can be said or received until there is room",
			strerror(full));
	else if (full == 0 && c->full)
		info(c, "there is room on the disk again");
	c->full = full != 0;
}

/* Records come in. */

/* What log_append says until there is room. */
static bool is_full(int error)
{
	return error == ENOSPC || error == EFBIG;
}

/* Appends, with one commit in between when too much waits. */
static int chat_append(
	struct chat *c, const struct log_record *record, int64_t now_ms)
{
	if (log_append(c->log, record) == 0)
		return 0;
	if (errno != EAGAIN)
		return -1;
	chat_commit(c, now_ms);
	return log_append(c->log, record);
}

/* Encodes a text as a record at `to`. */
static size_t chat_encode(
	struct chat *c, struct reader text, uint64_t time_ms, uint8_t *to)
{
	struct record record = {
		.type = RECORD_TEXT, .time_ms = time_ms, .payload = text
	};

	if (time_ms > c->newest_ms)
		c->newest_ms = time_ms;
	return record_encode(&record, to);
}

/* The time of what is said or heard now. */
static uint64_t time_now(const struct chat *c)
{
	uint64_t now_ms = wall_clock_ms();

	return now_ms > c->newest_ms ? now_ms : c->newest_ms;
}

/*
 * The time of a record that goes into a gap: as late as the next one that is
 * there, so that time does not go back within one author's records.
 */
static uint64_t time_of_gap(struct chat *c, uint32_t author, uint64_t seq)
{
	struct log_record stored;
	struct record record;

	while (++seq <= log_newest(c->log, author)) {
		if (log_read(c->log, author, seq, &stored) == 0 &&
			record_decode(stored.bytes, stored.size, &record))
			return record.time_ms;
	}
	return time_now(c);
}

/* Tries again with the record that found the disk full. */
static void chat_append_waiting(struct chat *c, int64_t now_ms)
{
	struct waiting *w = &c->waiting;
	struct log_record record = {
		.key = w->key, .seq = w->seq, .bytes = w->bytes, .size = w->size
	};

	if (!w->used)
		return;
	chat_commit(c, now_ms); /* which may find that there is room now */
	if (chat_append(c, &record, now_ms) == 0 || !is_full(errno))
		w->used = false;
}

/* A message of ours that others had: it is shown, and told of once. */
static void own_given(struct chat *c, const struct mesh_event *event)
{
	c->own_history = event->seq;
	if (!c->own_told)
		info(c, "%s has messages of yours that were missing here",
			event->address);
	c->own_told = true;
}

/* Keeps a record, and all that would come after it, until there is room. */
static void chat_wait(struct chat *c, const struct log_record *record)
{
	struct waiting *w = &c->waiting;

	w->used = true;
	w->seq = record->seq;
	w->size = record->size;
	memcpy(w->key, record->key, sizeof(w->key));
	memcpy(w->bytes, record->bytes, record->size);
	mesh_hold(c->mesh, true); /* at once: chat_hold looks once a turn */
}

static void chat_record(
	struct chat *c, const struct mesh_event *event, int64_t now_ms)
{
	uint32_t author = log_find(c->log, event->key);
	uint64_t head = log_head(c->log, author);
	struct log_record record = {
		.key = event->key, .seq = event->seq, .bytes = c->scratch
	};

	if (event->seq <= head)
		return;
	if (event->seq != head + 1) {
		if (c->gaps++ == 0)
			term_notice(c->term, "warn",
				"%s sends messages with "
				"gaps between them; those are left out",
				event->address);
		return;
	}
	if (is_own(c, event->key))
		own_given(c, event);
	record.size = chat_encode(c, reader_over(event->bytes, event->size),
		time_of_gap(c, author, event->seq), c->scratch);
	c->heard++;
	if (chat_append(c, &record, now_ms) == 0)
		return;
	if (is_full(errno)) {
		chat_wait(c, &record);
		return;
	}
	if (now_ms >= c->lost_ms)
		term_notice(c->term, "warn",
			"messages from %s are not kept: %s", event->address,
			errno == EDQUOT ? "there are too many authors"
					: strerror(errno));
	c->lost_ms = now_ms + TOLD_AGAIN_MS;
}

/*
 * Is it known which number our next message has?  Not while older ones of
 * ours are missing, or may be: others may have them.
 */
static bool own_is_whole(const struct chat *c)
{
	uint32_t own = log_find(c->log, people_own_key(c->people));

	return log_head(c->log, own) >= log_newest(c->log, own) &&
	       !log_doubt(c->log);
}

static void chat_say(
	struct chat *c, const char *text, size_t size, int64_t now_ms)
{
	const uint8_t *key = people_own_key(c->people);
	struct log_record record = { .key = key, .bytes = c->scratch };

	record.seq = log_head(c->log, log_find(c->log, key)) + 1;
	if (record.seq > UINT32_MAX - 1) {
		term_notice(c->term, "error",
			"this database has said all that "
			"it can number");
		return;
	}
	if (!own_is_whole(c)) {
		term_notice(c->term, "error",
			"not said: messages of yours are missing here, and "
			"nobody was asked for them yet");
		return;
	}
	record.size = chat_encode(
		c, reader_over(text, size), time_now(c), c->scratch);
	log_hurry(c->log);
	if (chat_append(c, &record, now_ms) == 0)
		return;
	if (is_full(errno) && !term_is_typed(c->term))
		chat_wait(c, &record);
	else
		term_notice(c->term, "error", "not said (%s): \"%.*s\"",
			strerror(errno), size > 60 ? 60 : (int)size, text);
}

static void chat_line(
	struct chat *c, const struct term_event *event, int64_t now_ms)
{
	switch (event->kind) {
	case TERM_LINE:
		if (term_is_interactive(c->term) && event->bytes[0] == '/' &&
			(event->size < 2 || event->bytes[1] != '/'))
			term_notice(c->term, "warn",
				"nothing sent: a line "
				"that begins with / is a command, and there "
				"are none yet; // sends a slash");
		else if (term_is_interactive(c->term) && event->bytes[0] == '/')
			chat_say(c, event->bytes + 1, event->size - 1, now_ms);
		else
			chat_say(c, event->bytes, event->size, now_ms);
		break;
	case TERM_TOO_LONG:
		term_notice(c->term, "warn",
			"a line of more than %d bytes was "
			"not sent",
			TERM_LINE_MAX);
		break;
	case TERM_LEAVE:
		chat_leave(c, now_ms);
		break;
	case TERM_END:
		if (term_is_typed(c->term))
			chat_leave(c, now_ms);
		break;
	case TERM_GONE:
		c->status = EX_IOERR;
		if (event->error != EPIPE) /* as after SIGPIPE, not a word */
			term_notice(c->term, "error",
				"messages can not be written: %s",
				strerror(event->error));
		chat_leave(c, now_ms);
		break;
	}
}

/* Peers come and go. */

/* What became of the search for others. */
static void chat_discovery(struct chat *c, const struct discovery_event *event)
{
	switch (event->kind) {
	case DISCOVERY_UNKNOWN:
		if (!event->again || is_verbose(c))
			info(c, "%s can not be looked up (%s); trying on",
				event->target->host, event->text);
		break;
	case DISCOVERY_CUT_OFF:
		if (c->options.no_mdns)
			break;
		term_notice(c->term, "warn",
			"no network interface is up%s: "
			"nobody can be found until one is",
			c->options.interface_count > 0 ? " of those named"
						       : "");
		break;
	case DISCOVERY_ALONE:
		info(c,
			"no network interface with multicast is up%s: only "
			"who is on this machine can be found",
			c->options.interface_count > 0 ? ", of those named"
						       : "");
		break;
	case DISCOVERY_BACK:
		info(c, "a network interface is up again");
		break;
	case DISCOVERY_RENAMED:
		term_notice(c->term, "warn",
			"somebody else is %s.local: using %s", c->options.name,
			event->text);
		break;
	case DISCOVERY_DENIED:
		term_notice(c->term, "warn",
			"the system does not let us speak on the local "
			"network: a firewall; on macOS, see System Settings, "
			"Privacy, Local Network");
		break;
	}
}

/* The author at the other end as shown; or the name in its address. */
static void name_of_event(const struct chat *c, const struct mesh_event *event,
	char shown[PEOPLE_SHOWN_MAX + 1])
{
	char claimed[WIRE_ADDRESS_MAX + 1];

	name_of_address(event->address, claimed);
	(void)snprintf(
		shown, PEOPLE_SHOWN_MAX + 1, "%.*s", PEOPLE_SHOWN_MAX, claimed);
	if (event->have_key)
		people_show(c->people, event->key, shown);
}

static void chat_up(
	struct chat *c, const struct mesh_event *event, int64_t now_ms)
{
	char claimed[WIRE_ADDRESS_MAX + 1];
	char shown[PEOPLE_SHOWN_MAX + 1];

	name_of_address(event->address, claimed);
	if (event->have_key && !people_claim(c->people, event->key, claimed) &&
		is_verbose(c))
		info(c, "there is no room for the name of %s", claimed);
	name_of_event(c, event, shown);
	c->own_told = false;
	if (log_doubt(c->log) && c->settle_ms == 0)
		c->settle_ms = now_ms + SETTLE_MS;
	info(c, "%s is here (%s)", shown, event->address);
	tell_peer(c, "up", event, shown);
}

static void chat_down(struct chat *c, const struct mesh_event *event)
{
	char name[PEOPLE_SHOWN_MAX + 1];

	name_of_event(c, event, name);
	if (!mesh_has_link(c->mesh, event->address))
		info(c, "%s is gone (%s): %s", name, event->address,
			event->text);
	else if (is_verbose(c))
		info(c, "%s (%s): %s", name, event->address, event->text);
	tell_peer(c, "down", event, name);
}

static void chat_event(
	struct chat *c, const struct mesh_event *event, int64_t now_ms)
{
	const char *wanted;

	switch (event->kind) {
	case MESH_UP:
		chat_up(c, event, now_ms);
		break;
	case MESH_DOWN:
		chat_down(c, event);
		break;
	case MESH_RECORD:
		chat_record(c, event, now_ms);
		break;
	case MESH_REFUSED:
		if (is_verbose(c))
			info(c, "a connection of %s was closed: %s",
				event->address[0] == '\0' ? "somebody unknown"
							  : event->address,
				event->text);
		break;
	case MESH_TWIN:
		if (now_ms >= c->twin_ms)
			term_notice(c->term, "warn",
				"%s uses a copy of this database; two copies "
				"in use fork its history: stop one",
				event->address);
		c->twin_ms = now_ms + TOLD_AGAIN_MS;
		break;
	case MESH_UNREACHABLE:
		wanted = discovery_failed(c->discovery, event->peer, now_ms);
		if (!mesh_is_linked(c->mesh, event->peer) &&
			((event->failures == FAILURES_TOLD && wanted != NULL) ||
				is_verbose(c)))
			info(c, "%s can not be reached (%s); trying on",
				wanted != NULL ? wanted : event->address,
				event->text);
		break;
	}
}

/* The loop. */

/* As the system would have: nobody is stopped whom nobody could wake. */
static void stop_oneself(void)
{
	struct sigaction usual = { .sa_handler = SIG_DFL }, ours;

	(void)sigemptyset(&usual.sa_mask);
	if (sigaction(SIGTSTP, &usual, &ours) < 0)
		return;
	(void)raise(SIGTSTP);
	(void)sigaction(SIGTSTP, &ours, NULL); /* it worked before */
}

static void chat_signals(
	struct chat *c, const struct loop *loop, int64_t now_ms)
{
	uint8_t signals[64];
	ssize_t count = 0;

	if (loop_ready(loop, c->signal_slot) != 0)
		count = read(c->options.signal_fd, signals, sizeof(signals));
	for (ssize_t i = 0; i < count; i++) {
		switch (signals[i]) {
		case SIGTSTP:
			term_suspend(c->term);
			stop_oneself(); /* goes on here after SIGCONT */
			term_resume(c->term);
			break;
		case SIGCONT:
		case SIGWINCH:
			term_resume(c->term);
			break;
		default:
			chat_leave(c, now_ms);
		}
	}
}

/* Lines are taken while they can be kept; typed ones are refused aloud. */
static bool chat_takes_lines(const struct chat *c)
{
	return !c->done && c->leave_ms == 0 &&
	       (term_is_typed(c->term) ||
		       (log_full(c->log) == 0 && !c->waiting.used &&
			       own_is_whole(c)));
}

/* The past, as far as the screen has room for it. */
static void chat_history(struct chat *c)
{
	struct log_record record;

	while (c->history != NULL && term_room(c->term)) {
		if (history_next(c->history, &record)) {
			chat_show(c, &record);
			continue;
		}
		history_close(c->history);
		c->history = NULL;
	}
}

/* What the log has found out about itself. */
static void chat_problems(struct chat *c)
{
	char text[SHOW_PROBLEM_MAX];
	struct log_problem problem;
	const char *level;
	bool missing = false;

	while (log_next_problem(c->log, &problem)) {
		level = show_problem(c->log, c->people, &problem, text);
		if (strcmp(level, "info") == 0)
			info(c, "%s", text);
		else
			term_notice(c->term, level, "%s", text);
		missing = missing || problem.trouble == LOG_MISSING;
	}
	/* What others have to send is what our Handshake says we lack. */
	if (missing)
		mesh_relink(c->mesh);
	if (!own_is_whole(c) && !c->own_broken)
		term_notice(c->term, "warn",
			"messages of yours were lost on this disk: nothing "
			"new can be said until a peer who has them is here "
			"(if nobody has them, begin anew with another -d)");
	c->own_broken = !own_is_whole(c);
}

/* Others' messages wait while little room is left; own ones go on. */
static void chat_hold(struct chat *c, int64_t now_ms)
{
	bool scarce = !log_has_space(c->log, now_ms);

	if (scarce && !c->scarce)
		term_notice(c->term, "warn",
			"little room is left on the disk: others' messages "
			"wait until there is more");
	else if (!scarce && c->scarce)
		info(c, "there is room for others' messages again");
	c->scarce = scarce;
	mesh_hold(c->mesh, scarce || c->waiting.used);
}

/* New names are written at once, but a flood of them once a second. */
static void chat_names(struct chat *c, int64_t now_ms)
{
	if (!people_unsaved(c->people) || now_ms < c->names_ms)
		return;
	c->names_ms = now_ms + NAMES_MS;
	if (people_save(c->people) < 0 && is_verbose(c))
		info(c, "names were not kept: %s", strerror(errno));
}

/* The log looks after itself, and we after what it finds. */
static void chat_tend(struct chat *c, int64_t now_ms)
{
	if (log_run(c->log, now_ms) < 0)
		chat_fail(c, EX_IOERR,
			errno == ESTALE
				? "the files of the database were deleted or "
				  "replaced: nothing more can be kept"
				: "the disk failed: nothing more is sent or "
				  "kept; what was shown is safe");
	if (c->settle_ms != 0 && (c->scarce || c->waiting.used))
		c->settle_ms = now_ms + SETTLE_MS; /* nobody is heard now */
	if (c->settle_ms != 0 && now_ms >= c->settle_ms) {
		log_settle(c->log);
		c->settle_ms = 0;
	}
	chat_problems(c);
	chat_hold(c, now_ms);
}

/* The last attempt to keep what a full disk did not take. */
static void chat_end(struct chat *c)
{
	c->done = true;
	if (c->waiting.used && !is_own(c, c->waiting.key))
		c->waiting.used = false; /* its author has it still */
	log_hurry(c->log);
	if (!c->waiting.used && (log_waiting(c->log) == 0 ||
					log_commit(c->log, INT64_MAX) == 0))
		return;
	term_notice(c->term, "error", "what was said last was not kept: %s",
		strerror(errno));
	c->status = EX_IOERR;
}

void chat_want(struct chat *c, struct loop *loop)
{
	/* History waits for nobody, nor does a record that has room now. */
	if (!c->started || (c->waiting.used && !c->full))
		loop_wake(loop, loop->now_ms);
	c->signal_slot = LOOP_NO_SLOT;
	if (c->options.signal_fd >= 0)
		c->signal_slot = loop_add(loop, c->options.signal_fd, POLLIN);
	if (people_unsaved(c->people))
		loop_wake(loop, c->names_ms);
	if (c->leave_ms != 0)
		loop_wake(loop, c->leave_ms);
	term_want(c->term, loop);
	discovery_want(c->discovery, loop);
	mesh_want(c->mesh, loop);
	log_want(c->log, loop);
}

void chat_run(struct chat *c, const struct loop *loop)
{
	int64_t now_ms = chat_clock_ms();
	struct discovery_event found;
	struct mesh_event event;
	struct term_event line;
	struct log_record record;

	c->started = true;
	chat_signals(c, loop, now_ms);
	term_run(c->term, loop);
	discovery_run(c->discovery, loop, now_ms);
	mesh_run(c->mesh, loop, now_ms);

	while (discovery_next(c->discovery, &found))
		chat_discovery(c, &found);
	chat_append_waiting(c, now_ms);
	chat_tend(c, now_ms);
	while (!c->done && mesh_next(c->mesh, &event, now_ms))
		chat_event(c, &event, now_ms);
	chat_names(c, now_ms);
	while (chat_takes_lines(c) && term_next(c->term, &line))
		chat_line(c, &line, now_ms);

	if (c->done)
		return;
	if (c->heard < LIVE_RECORDS)
		log_hurry(c->log); /* somebody waits, or nobody says much */
	c->heard = 0;
	chat_commit(c, now_ms); /* durable before anyone hears of it */
	if (c->done)
		return;
	chat_history(c);
	while (c->history == NULL && term_room(c->term) &&
		log_next(c->log, &record))
		chat_show(c, &record);
	mesh_flush(c->mesh, now_ms);
	discovery_send(c->discovery, now_ms);
	if (c->leave_ms != 0 &&
		(now_ms >= c->leave_ms ||
			(term_idle(c->term) && mesh_is_idle(c->mesh))))
		chat_end(c);
}

int chat_adopt(struct chat *c, int fd, enum mesh_role role)
{
	return mesh_adopt(c->mesh, fd, role, -1, chat_clock_ms());
}

bool chat_is_done(const struct chat *c, int *status)
{
	*status = c->status;
	return c->done;
}

/* Life. */

static uint64_t random_seed(const uint8_t *key)
{
	struct reader r = reader_over(key, 8);

	return read_le64(&r) ^ wall_clock_ms() << 20 ^ (uint64_t)getpid();
}

static int open_port(struct chat *c)
{
	uint16_t wanted = wire_port_of_name(c->options.name);
	char address[WIRE_ADDRESS_MAX + 1];
	int port;

	if (c->options.port > 0)
		wanted = (uint16_t)c->options.port;
	port = wanted;
	if (c->options.port != OPTIONS_NO_PORT)
		port = mesh_listen(c->mesh, wanted);
	if (port < 0 && c->options.port == 0 && errno == EADDRINUSE)
		port = mesh_listen(c->mesh, 0);
	if (port < 0)
		return database_failed(&c->database, EX_UNAVAILABLE,
			"can not listen on port %u: %s", wanted,
			strerror(errno));
	c->port = (uint16_t)port;
	(void)snprintf(
		address, sizeof(address), "%s.local:%d", c->options.name, port);
	mesh_set_address(c->mesh, address);
	if (port == wanted)
		info(c, "this is %s", address);
	else
		term_notice(c->term, "warn",
			"port %u is taken, so this is %s: who looks for %s "
			"alone will not find it",
			wanted, address, c->options.name);
	return EX_OK;
}

static int open_network(struct chat *c)
{
	const uint8_t *key = people_own_key(c->people);
	struct mesh_options mesh = { .address = "nobody",
		.only = c->options.only };
	struct discovery_options discovery = { .options = &c->options };
	uint8_t room_id[MDNS_ROOM_SIZE];
	int status;

	mesh.key = key;
	mesh.seed = random_seed(key);
	c->mesh = mesh_open(&mesh, c->log);
	if (c->mesh == NULL)
		return database_failed(
			&c->database, EX_OSERR, "%s", strerror(errno));
	status = open_port(c);
	if (status != EX_OK)
		return status;
	discovery.mesh = c->mesh;
	discovery.port = c->port;
	discovery_room_id(room_id);
	discovery.room_id = room_id;
	discovery.seed = mesh.seed;
	c->discovery = discovery_open(&discovery, chat_clock_ms());
	if (c->discovery == NULL)
		return database_failed(
			&c->database, EX_OSERR, "%s", strerror(errno));
	for (int i = 0; i < c->options.interface_count; i++) {
		if (if_nametoindex(c->options.interfaces[i]) == 0)
			term_notice(c->term, "warn",
				"there is no interface %s "
				"at the moment",
				c->options.interfaces[i]);
	}
	return EX_OK;
}

static int open_term(struct chat *c)
{
	char prompt[PEOPLE_NAME_MAX + 3];
	struct term_options term = { .in_fd = c->options.in_fd,
		.out_fd = c->options.out_fd,
		.err_fd = c->options.err_fd,
		.prompt = prompt,
		.plain = c->options.plain };

	(void)snprintf(prompt, sizeof(prompt), "%s> ", c->options.name);
	c->term = term_open(&term);
	if (c->term == NULL)
		return database_failed(
			&c->database, EX_OSERR, "%s", strerror(errno));
	return EX_OK;
}

/* What is shown of the past, and what time it was then. */
static int open_history(struct chat *c)
{
	struct log_record stored;
	struct record record;
	int lines = c->options.history;

	c->history = history_open(c->log);
	if (c->history == NULL)
		return database_failed(
			&c->database, EX_OSERR, "%s", strerror(errno));
	if (history_previous(c->history, &stored) &&
		record_decode(stored.bytes, stored.size, &record))
		c->newest_ms = record.time_ms;
	if (lines == OPTIONS_HISTORY_DEFAULT && isatty(c->options.out_fd))
		lines = OPTIONS_HISTORY_TERMINAL;
	if (lines == 0)
		(void)!history_next(c->history, &stored); /* to the end again */
	else if (lines == OPTIONS_HISTORY_DEFAULT)
		history_rewind(c->history);
	while (--lines > 0 && history_previous(c->history, &stored))
		;
	log_next_last(c->log, 0);
	log_set_delay(c->log, LOG_DELAY_MS);
	c->own_history =
		log_newest(c->log, log_find(c->log, people_own_key(c->people)));
	return EX_OK;
}

struct chat *chat_open(const struct options *options, int *status)
{
	struct chat *c = calloc(1, sizeof(*c));
	char *absolute;

	*status = EX_OSERR;
	if (c == NULL) {
		(void)dprintf(options->err_fd, "error> out of memory\n");
		return NULL;
	}
	c->options = *options;
	*status = database_open(&c->database, options);
	c->log = c->database.log;
	c->people = c->database.people;
	if (*status == EX_OK)
		*status = open_term(c);
	if (*status == EX_OK)
		*status = open_network(c);
	if (*status == EX_OK)
		*status = open_history(c);
	if (*status != EX_OK) {
		chat_close(c);
		return NULL;
	}
	absolute = realpath(c->database.path, NULL);
	if (c->database.made)
		info(c,
			"a new database: %s; a copy in use twice forks, see "
			"BACKUP in the README",
			absolute == NULL ? c->database.path : absolute);
	free(absolute);
	return c;
}

void chat_close(struct chat *c)
{
	int error = errno;

	if (c == NULL)
		return;
	if (c->term != NULL)
		term_close(c->term);
	mesh_close(c->mesh);
	discovery_close(c->discovery);
	history_close(c->history);
	database_close(&c->database);
	free(c);
	errno = error;
}

#if !defined(CHAT_WITHOUT_MAIN)

static int signal_pipe[2] = { -1, -1 };

static void on_signal(int number)
{
	int error = errno;
	uint8_t byte = (uint8_t)number;

	(void)!write(signal_pipe[1], &byte, 1); /* full: it is read soon */
	errno = error;
}

/* Descriptors 0 to 2 are there, so that no file of ours becomes one. */
static void open_standard(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (fd >= 0 && fd <= 2);
	if (fd > 2)
		(void)close(fd); /* it was not needed */
}

static int catch_signals(void)
{
	static const int caught[] = { SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT,
		SIGWINCH };
	struct sigaction action = { .sa_handler = on_signal,
		.sa_flags = SA_RESTART };
	struct sigaction before;

	if (pipe(signal_pipe) < 0)
		return -1;
	for (int i = 0; i < 2; i++) {
		if (fcntl(signal_pipe[i], F_SETFL, O_NONBLOCK) < 0 ||
			fcntl(signal_pipe[i], F_SETFD, FD_CLOEXEC) < 0)
			return -1;
	}
	(void)sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(caught) / sizeof(*caught); i++) {
		if (sigaction(caught[i], NULL, &before) < 0)
			return -1;
		if (before.sa_handler == SIG_IGN)
			continue; /* nohup, or a shell without job control */
		if (sigaction(caught[i], &action, NULL) < 0)
			return -1;
	}
	action.sa_handler = SIG_IGN;
	if (sigaction(SIGPIPE, &action, NULL) < 0 ||
		sigaction(SIGXFSZ, &action, NULL) < 0)
		return -1;
	return 0;
}

int main(int argc, char **argv)
{
	const char *type = getenv("TERM");
	struct options options;
	struct chat *chat;
	struct loop loop;
	int status;

	open_standard();
	options_default(&options);
	status = options_parse(&options, argc, argv);
	if (status != OPTIONS_GO_ON)
		return status;
	if (options.command == COMMAND_LOG)
		return inspect_log(&options);
	if (options.command == COMMAND_DOCTOR)
		return doctor_run(&options);
	if (options.command == COMMAND_CHECK)
		return inspect_check(&options);
	options.plain = type == NULL || strcmp(type, "dumb") == 0;
	if (catch_signals() < 0) {
		perror("error> signals");
		return EX_OSERR;
	}
	options.signal_fd = signal_pipe[0];
	chat = chat_open(&options, &status);
	while (chat != NULL && !chat_is_done(chat, &status)) {
		loop_begin(&loop, chat_clock_ms());
		chat_want(chat, &loop);
		loop_wait(&loop);
		chat_run(chat, &loop);
	}
	chat_close(chat);
	return status;
}

#endif
