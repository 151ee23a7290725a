/* SPDX-License-Identifier: ISC */
/*
 * chat.c: the loop of a node, and the glue between the modules; say.c and
 * tell.c are parts of it (chat_inside.h), main.c is the process around it.
 *
 *	typed or piped line --> room_say ----> log --+
 *	batch of a peer ------> room_accept -> log --+-- commit: durable
 *						     |
 *	screen <-- chat_show <-- log_next <----------+
 *	peers  <-- mesh_flush <-- room_read <--------+
 *
 * chat_want and chat_run, near the end, are the program's table of contents.
 *
 * Invariants:
 *	1. nothing is shown or sent before it is durable: both readers of the
 *	   log see durable records only.
 *	2. when the disk is full nothing is consumed that can not be kept: one
 *	   own line waits in `waiting`, other piped lines stay in the pipe, and
 *	   others' records stay with others.
 *	3. nothing is said before it is known where our own log ends (room.h):
 *	   until then, too, lines wait.
 *
 * Only these files read clocks and the environment, handle signals, put things
 * into words, and end the process.
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

#include "chat_inside.h"
#include "crypto/crypto.h"

enum {
	NAMES_MS = 1000,   /* between two writings of names */
	LIVE_RECORDS = 64, /* fewer in one turn are talk, not catching up */
	FAILURES_TOLD = 3  /* a peer that is not there yet is no news */
};

/* Clocks. */

int64_t chat_clock_ms(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		abort(); /* POSIX has no system without it */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint64_t wall_clock_ms(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) < 0 || now.tv_sec < 0)
		return 0;
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Does a line stand on the screen as soon as it is typed? */
bool shows_typed(const struct chat *c)
{
	return term_is_interactive(c->term) && !c->options.json;
}

/* One durable record goes to the screen. */
static void chat_show(struct chat *c, const struct history_entry *entry)
{
	char name[PEOPLE_SHOWN_MAX + 1];
	struct show_message message = { .log = room_log(c->room, entry->number),
		.name = name,
		.seq = entry->seq,
		.record = &entry->record };
	struct writer line = writer_over(c->line, sizeof(c->line));

	if (c->options.command == COMMAND_SEND)
		return; /* who only sends does not read */
	if (entry->number == c->said_log && entry->seq >= c->said_first &&
		entry->seq != c->errand && shows_typed(c))
		return; /* it stands there since it was typed */
	show_name(c->people, message.log, name);
	if (show_message(&line, &message, c->options.json))
		term_message(c->term, line.bytes, line.size);
}

/* The next record that became durable, whoever wrote it. */
static bool chat_next_durable(struct chat *c, struct history_entry *entry)
{
	const struct room_log *log;
	struct log_record stored;

	while (log_next(c->log, &stored)) {
		entry->number = room_find(c->room, stored.key);
		entry->seq = stored.seq;
		if (entry->number == ROOM_NO_LOG ||
			!record_decode(
				stored.bytes, stored.size, &entry->record))
			continue;
		log = room_log(c->room, entry->number);
		if (log->frozen == 0 || entry->seq < log->frozen)
			return true;
		/* Disputed: nobody knows what was said. */
	}
	return false;
}

/* The end. */

static void chat_fail(struct chat *c, int status, const char *text)
{
	term_notice(c->term, "error", "%s", text);
	c->status = status;
	c->done = true;
}

/* Leaves when all is written and sent, or soon; asked twice, at once. */
void chat_leave(struct chat *c, int64_t now_ms)
{
	if (c->leave_ms != 0) {
		c->done = true;
		return;
	}
	c->leave_ms = now_ms + CHAT_LEAVE_MS;
	if (c->waiting.used && !room_may_say(c->room) &&
		c->leave_ms < c->asked_ms + CHAT_LEAVE_MS)
		c->leave_ms = c->asked_ms + CHAT_LEAVE_MS;
	discovery_goodbye(c->discovery);
}

void chat_commit(struct chat *c, int64_t now_ms)
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

/* Hands what a peer sent to the room, with one commit if too much waits. */
static enum room_verdict chat_accept(
	struct chat *c, const struct mesh_event *event, int64_t now_ms)
{
	uint64_t wall_ms = wall_clock_ms();
	enum room_verdict verdict = ROOM_FULL;

	for (int tries = 0; tries < 2; tries++) {
		if (event->kind == MESH_RECORD)
			verdict = room_accept_unsigned(c->room, event->key,
				event->seq,
				reader_over(event->bytes, event->size),
				wall_ms);
		else
			verdict = room_accept(c->room, event->input->number,
				&event->input->as.batch, wall_ms);
		if (verdict != ROOM_FULL || errno != EAGAIN)
			break;
		log_hurry(c->log);
		chat_commit(c, now_ms);
	}
	return verdict;
}

/* What a peer sent is taken, or not: then its sender has it still. */
static void chat_receive(
	struct chat *c, const struct mesh_event *event, int64_t now_ms)
{
	enum room_verdict verdict = ROOM_FULL;
	int error = ENOSPC;

	/* What is left of the disk is ours, whatever others send. */
	if (!c->scarce) {
		verdict = chat_accept(c, event, now_ms);
		error = errno;
	}

	c->heard += event->kind == MESH_RECORD
			    ? 1
			    : (int)event->input->as.batch.count;
	if ((verdict == ROOM_BAD || verdict == ROOM_DISPUTED ||
		    (verdict == ROOM_FULL && !is_full(error))) &&
		now_ms >= c->lost_ms) {
		term_notice(c->term, "warn",
			"messages from %s are not kept: %s", event->address,
			verdict == ROOM_FULL ? strerror(error)
					     : room_verdict_name(verdict));
		c->lost_ms = now_ms + TOLD_AGAIN_MS;
	}
	mesh_answer(c->mesh, verdict, now_ms);
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
		else if (c->options.exit_on_eof)
			c->ended = true;
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

static void chat_event(
	struct chat *c, const struct mesh_event *event, int64_t now_ms)
{
	const char *target;

	switch (event->kind) {
	case MESH_UP:
		chat_up(c, event);
		break;
	case MESH_DOWN:
		chat_down(c, event);
		break;
	case MESH_TWIN:
		chat_twin(c, event, now_ms);
		break;
	case MESH_BATCH:
	case MESH_RECORD:
		chat_receive(c, event, now_ms);
		break;
	case MESH_HALF:
		mesh_answer(c->mesh,
			room_accept_half(c->room, &event->input->as.half),
			now_ms);
		break;
	case MESH_DELIVERED:
		chat_delivered(c, event);
		break;
	case MESH_REFUSED:
		if (is_verbose(c))
			info(c, "a connection with %s was closed: %s",
				event->address, event->text);
		break;
	case MESH_UNREACHABLE:
		target = discovery_failed(c->discovery, event->peer, now_ms);
		if (target != NULL && !mesh_is_linked(c->mesh, event->peer) &&
			(event->failures == FAILURES_TOLD || is_verbose(c)))
			info(c, "%s can not be reached (%s); trying on", target,
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
	return !c->done && c->leave_ms == 0 && !c->waiting.used &&
	       c->options.command != COMMAND_SEND &&
	       (term_is_typed(c->term) ||
		       (log_full(c->log) == 0 && room_may_say(c->room)));
}

/* The past, as far as the screen has room for it. */
static void chat_history(struct chat *c)
{
	struct history_entry entry;

	while (c->history != NULL && term_room(c->term)) {
		if (history_next(c->history, &entry)) {
			chat_show(c, &entry);
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
		level = show_problem(
			c->log, c->room, c->people, &problem, text);
		if (strcmp(level, "info") == 0)
			info(c, "%s", text);
		else
			term_notice(c->term, level, "%s", text);
		missing = missing || problem.trouble == LOG_MISSING;
	}
	/* Heads went down: others have what is missing here. */
	if (missing)
		mesh_touch(c->mesh);
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
	mesh_hold(c->mesh, scarce || c->full, now_ms);
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
	chat_problems(c);
	chat_hold(c, now_ms);
	chat_ask(c, now_ms);
	if (room_run(c->room, wall_clock_ms()) < 0 && !is_full(errno) &&
		errno != EAGAIN)
		chat_fail(c, EX_IOERR, "own messages can not be said again");
	chat_room(c);
}

/* The last attempt to keep what a full disk did not take. */
static void chat_end(struct chat *c)
{
	c->done = true;
	chat_counted(c);
	log_hurry(c->log);
	if (!c->waiting.used && (log_waiting(c->log) == 0 ||
					log_commit(c->log, INT64_MAX) == 0)) {
		mesh_leave(c->mesh, "it left", chat_clock_ms());
		return;
	}
	term_notice(c->term, "error", "what was said last was not kept: %s",
		strerror(errno));
	c->status = EX_IOERR;
}

void chat_want(struct chat *c, struct loop *loop)
{
	/* History waits for nobody, nor does a record that has room now. */
	if (!c->started || room_is_busy(c->room))
		loop_wake(loop, loop->now_ms);
	if ((c->waiting.used ||
		    (c->errand == 0 && errands_unsaid(&c->errands))) &&
		!c->full && room_may_say(c->room))
		loop_wake(loop, loop->now_ms);
	if (!room_may_say(c->room))
		loop_wake(loop, c->asked_ms > loop->now_ms
					? c->asked_ms
					: loop->now_ms + ASK_AGAIN_MS);
	c->signal_slot = LOOP_NO_SLOT;
	if (c->options.signal_fd >= 0)
		c->signal_slot = loop_add(loop, c->options.signal_fd, POLLIN);
	if (people_unsaved(c->people))
		loop_wake(loop, c->names_ms);
	if (c->agree_ms != 0)
		loop_wake(loop, c->agree_ms);
	if (c->leave_ms != 0)
		loop_wake(loop, c->leave_ms);
	else if (c->until_ms != 0)
		loop_wake(loop, c->until_ms);
	term_want(c->term, loop);
	discovery_want(c->discovery, loop);
	mesh_want(c->mesh, loop);
	log_want(c->log, loop);
	ctl_want(c->ctl, loop);
	loop_wake(loop, errands_wake_ms(&c->errands));
}

void chat_run(struct chat *c, const struct loop *loop)
{
	int64_t now_ms = chat_clock_ms();
	struct discovery_event found;
	struct mesh_event event;
	struct term_event line;
	struct history_entry entry;

	c->started = true;
	chat_signals(c, loop, now_ms);
	term_run(c->term, loop);
	discovery_run(c->discovery, loop, now_ms);
	mesh_run(c->mesh, loop, now_ms);
	ctl_run(c->ctl, loop, now_ms);

	while (discovery_next(c->discovery, &found))
		chat_discovery(c, &found);
	chat_tend(c, now_ms);
	while (!c->done && mesh_next(c->mesh, &event, now_ms))
		chat_event(c, &event, now_ms);
	chat_room(c);
	chat_say_waiting(c, now_ms);
	chat_names(c, now_ms);
	while (chat_takes_lines(c) && term_next(c->term, &line))
		chat_line(c, &line, now_ms);
	chat_errands(c, now_ms);

	if (c->done)
		return;
	if (c->heard < LIVE_RECORDS)
		log_hurry(c->log); /* somebody waits, or nobody says much */
	c->heard = 0;
	chat_commit(c, now_ms); /* durable before anyone hears of it */
	if (c->done)
		return;
	errands_answer(&c->errands, now_ms);
	chat_finish(c, now_ms);
	chat_history(c);
	while (c->history == NULL && term_room(c->term) &&
		chat_next_durable(c, &entry))
		chat_show(c, &entry);
	if (c->history == NULL && term_room(c->term) &&
		log_waiting(c->log) == 0)
		c->errand = 0; /* all is shown */
	mesh_flush(c->mesh, now_ms);
	chat_agree(c, now_ms);
	discovery_send(c->discovery, now_ms);
	if (c->leave_ms != 0 &&
		(now_ms >= c->leave_ms ||
			(!c->waiting.used && term_idle(c->term) &&
				mesh_is_idle(c->mesh))))
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

static int open_port(struct chat *c)
{
	uint16_t wanted = legacy_port_of_name(c->options.name);
	char address[LEGACY_ADDRESS_MAX + 1];
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
	if (c->options.legacy)
		term_notice(c->term, "warn",
			"--legacy: everybody on the network can read this "
			"room, and write as anybody of the original program");
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
	struct mesh_options mesh = { .address = "nobody",
		.self = &c->self,
		.is_new = people_is_new(c->people),
		.only = c->options.only,
		.legacy = c->options.legacy,
		.explores = !c->options.no_mdns,
		.known = c->database.known };
	struct discovery_options discovery = { .options = &c->options };
	int status;

	c->self.key = people_key(c->people);
	c->self.name = c->options.name;
	c->self.room_id = people_room_id(c->people);
	random_bytes(&c->self.instance, sizeof(c->self.instance));
	random_bytes(&mesh.seed, sizeof(mesh.seed));
	c->mesh = mesh_open(&mesh, c->room, c->log);
	if (c->mesh == NULL)
		return database_failed(
			&c->database, EX_OSERR, "%s", strerror(errno));
	status = open_port(c);
	if (status != EX_OK)
		return status;
	discovery.mesh = c->mesh;
	discovery.port = c->port;
	discovery.room_id = c->self.room_id;
	discovery.seed = mesh.seed;
	c->discovery = discovery_open(&discovery, chat_clock_ms());
	if (c->discovery == NULL)
		return database_failed(
			&c->database, EX_OSERR, "%s", strerror(errno));
	for (int i = 0; i < c->options.peer_count; i++) {
		const char *name = c->options.peers[i].host;
		const uint8_t *pinned = people_pinned(c->people, name);

		if (c->options.peers[i].kind == TARGET_NAME && pinned != NULL)
			mesh_expect(c->mesh, name, pinned);
	}
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
	struct history_entry entry;
	int lines = c->options.history;

	c->history = history_open(c->room);
	if (c->history == NULL)
		return database_failed(
			&c->database, EX_OSERR, "%s", strerror(errno));
	if (lines == OPTIONS_HISTORY_DEFAULT && isatty(c->options.out_fd))
		lines = OPTIONS_HISTORY_TERMINAL;
	if (lines == OPTIONS_HISTORY_DEFAULT)
		history_rewind(c->history);
	while (lines > 0 && history_previous(c->history, &entry))
		lines -= entry.record.type == RECORD_TEXT;
	log_next_last(c->log, 0);
	log_set_delay(c->log, LOG_DELAY_MS);
	c->said_log = ROOM_NO_LOG;
	if (c->options.command == COMMAND_SEND) {
		history_close(c->history);
		c->history = NULL;
		chat_wait(c, c->options.send, strlen(c->options.send));
		c->ended = true;
	}
	c->ask_ms = chat_clock_ms();
	return EX_OK;
}

/* A chat goes on without its socket. */
static void open_ctl(struct chat *c)
{
	struct errands errands = {
		.room = c->room, .log = c->log, .deliver = &c->deliver
	};

	if (c->options.answers) {
		c->ctl = ctl_open(c->database.dir_fd);
		if (c->ctl == NULL && errno == EEXIST)
			term_notice(c->term, "warn",
				"%s/ctl is no socket of ours, and stays: no "
				"--send beside this chat",
				c->database.path);
		else if (c->ctl == NULL)
			info(c, "no --send beside this chat: %s/ctl: %s",
				c->database.path, strerror(errno));
	}
	errands.ctl = c->ctl;
	c->errands = errands;
}

/* A database has one person: a name may change, but not by mistake. */
static void tell_whose(struct chat *c)
{
	char *absolute = realpath(c->database.path, NULL);
	uint32_t own = room_own(c->room);
	const char *name =
		own == ROOM_NO_LOG ? "" : room_log(c->room, own)->name;

	if (c->database.made)
		info(c,
			"a new database: %s; a copy in use twice forks, see "
			"BACKUP in the README",
			absolute == NULL ? c->database.path : absolute);
	free(absolute);
	if (name[0] != '\0' && strcmp(name, c->options.name) != 0)
		term_notice(c->term, "warn",
			"%s is %s's: you go on as the same person under the "
			"name %s; to be somebody else, use another -d",
			c->database.path, name, c->options.name);
}

struct chat *chat_open(const struct options *options, int *status)
{
	struct chat *c = calloc(1, sizeof(*c));

	*status = EX_OSERR;
	if (c == NULL) {
		(void)dprintf(options->err_fd, "error> out of memory\n");
		return NULL;
	}
	c->options = *options;
	*status = database_open(&c->database, options);
	c->log = c->database.log;
	c->people = c->database.people;
	c->room = c->database.room;
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
	open_ctl(c);
	tell_whose(c);
	return c;
}

void chat_close(struct chat *c)
{
	int error = errno;

	if (c == NULL)
		return;
	errands_end(&c->errands, chat_clock_ms());
	ctl_close(c->ctl);
	if (c->term != NULL)
		term_close(c->term);
	mesh_close(c->mesh);
	discovery_close(c->discovery);
	history_close(c->history);
	database_close(&c->database);
	free(c);
	errno = error;
}
