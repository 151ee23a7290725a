/* SPDX-License-Identifier: ISC */
/*
 * chat.c: the loop, the glue between the modules, and the words for people.
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
#include "crypto/crypto.h"
#include "database.h"
#include "deliver.h"
#include "discovery.h"
#include "doctor.h"
#include "errands.h"
#include "history.h"
#include "inspect.h"
#include "mesh.h"
#include "people.h"
#include "record.h"
#include "room.h"
#include "show.h"
#include "term.h"

enum {
	NAMES_MS = 1000,           /* between two writings of names */
	TOLD_AGAIN_MS = 60 * 1000, /* what anybody could make us repeat */
	LIVE_RECORDS = 64, /* fewer in one turn are talk, not catching up */
	FAILURES_TOLD = 3, /* a peer that is not there yet is no news */
	AGREED_TEXT_SIZE = 48,
	AGREE_MS = 3000, /* nothing has moved for so long: who is in sync? */
	SEND_TRIES = 20, /* of opening a database that others open, too */

	/* How long others are asked for records of ours, before we go on. */
	ASK_MS = 1500,          /* everybody, for what they have */
	ASK_CLAIMED_MS = 5000,  /* somebody has said to have more; again from
				   each that comes, */
	ASK_LONGEST_MS = 60000, /* but no longer than this */
	ASK_DAMAGED_MS = 10000, /* and we know that there was more */
	ASK_AGAIN_MS = 1000     /* nothing can be said all the same */
};

/* An own line that could not be kept yet. */
struct waiting {
	bool used;
	size_t size;
	char text[LIMIT_TEXT];
};

struct chat {
	struct options options;
	int status;
	bool started; /* the first turn is over */
	bool done;
	int64_t leave_ms; /* 0, or when we leave at the latest */
	bool full;        /* the disk, as last told */
	bool scarce;      /* room on it, as last told */
	int heard;        /* batches of others in this turn, in records */
	int64_t lost_ms;  /* no word about messages not kept before */
	int64_t names_ms;
	int64_t twin_ms;   /* no word about a twin before */
	int64_t ask_ms;    /* since when others are asked for own records */
	int64_t asked_ms;  /* when they were asked long enough */
	int64_t came_ms;   /* when the last of them came */
	uint64_t own;      /* own records that were here then */
	bool own_broken;   /* own log has holes, as last told */
	uint64_t changes;  /* of what anybody has (mesh_counts), as last seen */
	int64_t agree_ms;  /* when to look who is in sync; 0: nothing moved */
	int64_t agreed_ms; /* that was told, */
	struct mesh_agreed agreed; /* and what */
	int signal_slot;
	uint32_t said_log;   /* log that we said things in, and */
	uint64_t said_first; /* the first of them: they stand on the screen */
	struct wire_self self;
	struct database database;
	struct log *log;         /* the database's */
	struct history *history; /* until it is shown; then NULL */
	struct people *people;   /* the database's */
	struct room *room;       /* the database's */
	struct mesh *mesh;
	uint16_t port; /* that we listen on */
	struct discovery *discovery;
	struct term *term;
	struct waiting waiting;
	struct deliver deliver;
	struct ctl *ctl; /* or NULL: nobody is answered there */
	struct errands errands;
	uint64_t errand; /* the newest own record, which was not typed and is
			    not shown yet; or 0 */
	bool ended;      /* nothing more will be said: stdin ended, or --send */
	bool delivered;  /* all that was said by then */
	int64_t until_ms; /* then we do not wait for receipts any longer */
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
	const char *address, char name[LEGACY_ADDRESS_MAX + 1])
{
	const char *end = strstr(address, ".local:");

	(void)snprintf(name, LEGACY_ADDRESS_MAX + 1, "%s", address);
	if (end != NULL)
		name[end - address] = '\0';
}

/* Does a line stand on the screen as soon as it is typed? */
static bool shows_typed(const struct chat *c)
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

static void tell_peer(struct chat *c, const char *event,
	const struct mesh_event *e, const char *name)
{
	struct writer line = writer_over(c->line, sizeof(c->line));
	struct show_peer peer = { .event = event,
		.name = name,
		.key = e->key,
		.legacy = e->legacy,
		.room_id = people_room_id(c->people),
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
	if (c->waiting.used && !room_may_say(c->room) &&
		c->leave_ms < c->asked_ms + CHAT_LEAVE_MS)
		c->leave_ms = c->asked_ms + CHAT_LEAVE_MS;
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

/* What the store says until there is room. */
static bool is_full(int error)
{
	return error == ENOSPC || error == EFBIG || error == EDQUOT;
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

/* Keeps a line, and all that would come after it, until it can be said. */
static void chat_wait(struct chat *c, const char *text, size_t size)
{
	struct waiting *w = &c->waiting;

	w->used = true;
	w->size = size;
	memcpy(w->text, text, size);
}

/* Remembers that our newest record is on the screen, if it was typed. */
static void chat_said(struct chat *c)
{
	uint32_t own = room_own(c->room);

	if (c->said_log == own)
		return;
	c->said_log = own;
	c->said_first = room_head(c->room, own);
}

static void chat_say(
	struct chat *c, const char *text, size_t size, int64_t now_ms)
{
	int error;

	if (size > LIMIT_TEXT) {
		term_notice(c->term, "warn",
			"a line of more than %d bytes was not sent",
			LIMIT_TEXT);
		return;
	}
	log_hurry(c->log);
	if (room_say(c->room, text, size, wall_clock_ms()) == 0) {
		chat_said(c);
		return;
	}
	error = errno;
	if (error == EAGAIN)
		chat_commit(c, now_ms);
	if (error == EAGAIN || error == EBUSY ||
		(is_full(error) && !term_is_typed(c->term)))
		chat_wait(c, text, size);
	else
		term_notice(c->term, "error", "not said (%s): \"%.*s\"",
			strerror(error), size > 60 ? 60 : (int)size, text);
}

/* Tries again with the line that could not be said. */
static void chat_say_waiting(struct chat *c, int64_t now_ms)
{
	struct waiting *w = &c->waiting;

	if (!w->used || !room_may_say(c->room))
		return;
	if (log_full(c->log) != 0)
		chat_commit(c, now_ms); /* it may find that there is room now */
	w->used = false;
	chat_say(c, w->text, w->size, now_ms);
}

static uint64_t own_records(const struct room *room)
{
	uint64_t count = 0;

	for (uint32_t n = 0; n < room_count(room); n++)
		if (room_log(room, n)->is_own)
			count += room_head(room, n);
	return count;
}

/* Until when is somebody who claims to have more of them waited for? */
static int64_t claimed_until(struct chat *c, int64_t now_ms)
{
	uint64_t own = own_records(c->room);

	if (own != c->own || c->came_ms < c->ask_ms)
		c->came_ms = now_ms;
	c->own = own;
	if (c->came_ms + ASK_CLAIMED_MS < c->ask_ms + ASK_LONGEST_MS)
		return c->came_ms + ASK_CLAIMED_MS;
	return c->ask_ms + ASK_LONGEST_MS;
}

/*
 * Others may have records of ours that are missing here.  They are asked for a
 * while; then what is still in the way is left behind.
 */
static void chat_ask(struct chat *c, int64_t now_ms)
{
	bool damaged = room_is_damaged(c->room);
	struct mesh_counts counts;
	int64_t wait_ms = ASK_MS;

	if (damaged && !c->own_broken)
		term_notice(c->term, "warn",
			"messages of yours are missing on this disk: others "
			"are asked for them");
	if (damaged && !c->own_broken)
		c->ask_ms = now_ms;
	c->own_broken = damaged;
	if (room_may_say(c->room))
		return;
	mesh_count(c->mesh, &counts);
	if (damaged)
		wait_ms = ASK_DAMAGED_MS;
	else if (mesh_claims_own(c->mesh))
		wait_ms = claimed_until(c, now_ms) - c->ask_ms;
	else if (counts.links > 0 && mesh_is_settled(c->mesh))
		wait_ms = ASK_MS / 3; /* everybody that we know has answered */
	c->asked_ms = c->ask_ms + wait_ms;
	if (now_ms >= c->asked_ms && log_full(c->log) == 0)
		room_settle(c->room, wall_clock_ms());
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

/* Whoever is at the other end, as shown. */
static void name_of_event(const struct chat *c, const struct mesh_event *event,
	char shown[PEOPLE_SHOWN_MAX + 1])
{
	(void)snprintf(shown, PEOPLE_SHOWN_MAX + 1, "%s", "somebody");
	if (event->key != NULL && event->legacy)
		people_show_legacy(c->people, event->key, shown);
	else if (event->key != NULL)
		people_show(c->people, event->key, shown);
}

/* Who is it, and is that whom we know by this name? */
static void chat_meet(struct chat *c, const struct mesh_event *event)
{
	char claimed[LEGACY_ADDRESS_MAX + 1];
	char shown[PEOPLE_SHOWN_MAX + 1];

	if (event->legacy) {
		name_of_address(event->name, claimed);
		if (event->key != NULL)
			people_claim_legacy(c->people, event->key, claimed);
		if (people_pinned(c->people, claimed) != NULL)
			term_notice(c->term, "warn",
				"somebody of the original program calls "
				"himself %s, as one does whom you know: he is "
				"shown as ?%s",
				claimed, claimed);
		return;
	}
	switch (people_meet(
		c->people, event->key, event->name, wall_clock_ms())) {
	case PEOPLE_PINNED:
	case PEOPLE_RENAMED:
		mesh_expect(c->mesh, event->name, event->key);
		break;
	case PEOPLE_KNOWN:
		break;
	case PEOPLE_STRANGER:
		people_show(c->people, event->key, shown);
		term_notice(c->term, "warn",
			"somebody calls himself %s who is not the one you "
			"know by that name: he is shown as %s",
			event->name, shown);
		break;
	case PEOPLE_NO_ROOM:
		if (is_verbose(c))
			info(c, "there is no room for the name of %s",
				event->name);
		break;
	}
}

/* Who has another link, or keeps one, is not told of as coming or going. */
static void chat_up(struct chat *c, const struct mesh_event *event)
{
	char shown[PEOPLE_SHOWN_MAX + 1];

	chat_meet(c, event);
	if (event->others && !is_verbose(c))
		return;
	name_of_event(c, event, shown);
	info(c, "%s is %s (%s)", shown, event->others ? "here again" : "here",
		event->address);
	if (!event->others)
		tell_peer(c, "up", event, shown);
}

/* A copy of a database is in use: somebody else's, or ours. */
static void chat_twin(
	struct chat *c, const struct mesh_event *event, int64_t now_ms)
{
	char shown[PEOPLE_SHOWN_MAX + 1];

	if (now_ms < c->twin_ms)
		return;
	c->twin_ms = now_ms + TOLD_AGAIN_MS;
	name_of_event(c, event, shown);
	if (memcmp(event->key, people_key(c->people)->public_key,
		    RECORD_KEY_SIZE) == 0)
		term_notice(c->term, "warn",
			"a copy of this database is in use (%s): the two fork "
			"your history; stop one of them",
			event->address);
	else
		term_notice(c->term, "warn",
			"%s (%s) uses two copies of one database: they fork "
			"its history",
			shown, event->address);
}

static void chat_down(struct chat *c, const struct mesh_event *event)
{
	char name[PEOPLE_SHOWN_MAX + 1];

	if (event->others && !is_verbose(c))
		return;
	name_of_event(c, event, name);
	info(c, "%s%s (%s): %s", name, event->others ? "" : " is gone",
		event->address, event->text);
	if (!event->others)
		tell_peer(c, "down", event, name);
}

/* Somebody has what we said on his disk. */
static void chat_delivered(struct chat *c, const struct mesh_event *event)
{
	struct writer line = writer_over(c->line, sizeof(c->line));
	struct receipt receipt = { .named = event->is_named,
		.log = room_own(c->room),
		.seq = event->number };
	struct show_peer by = { .key = event->key,
		.room_id = people_room_id(c->people) };

	memcpy(receipt.key, event->key, sizeof(receipt.key));
	if (!deliver_note(&c->deliver, &receipt))
		return;
	show_delivered(&line, &by, event->number);
	errands_delivered(&c->errands, event->number, line.bytes, line.size);
	if (c->options.json && term_room(c->term))
		term_message(c->term, line.bytes, line.size);
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

static void agreed_text(
	const struct mesh_agreed *agreed, char text[AGREED_TEXT_SIZE])
{
	(void)snprintf(text, AGREED_TEXT_SIZE,
		"in sync %d/%d \302\267 %02x%02x%02x", agreed->equal,
		agreed->links, agreed->state[0], agreed->state[1],
		agreed->state[2]);
}

/*
 * Says how many of those linked have what we have, and six digits of what it
 * comes to, which people may compare: when it has been quiet for a while, and
 * while only the digits change, as they do with every message, now and then.
 */
static void chat_agree(struct chat *c, int64_t now_ms)
{
	char text[AGREED_TEXT_SIZE];
	struct mesh_agreed agreed;
	struct mesh_counts counts;
	bool same;

	mesh_count(c->mesh, &counts);
	if (counts.sync.changes != c->changes)
		c->agree_ms = now_ms + AGREE_MS;
	c->changes = counts.sync.changes;
	if (c->agree_ms == 0 || now_ms < c->agree_ms)
		return;
	c->agree_ms = 0;
	mesh_agree(c->mesh, &agreed);
	same = agreed.links == c->agreed.links &&
	       agreed.equal == c->agreed.equal;
	if (same && memcmp(agreed.state, c->agreed.state,
			    sizeof(agreed.state)) == 0)
		return;
	if (same && !is_verbose(c) && now_ms < c->agreed_ms + TOLD_AGAIN_MS) {
		c->agree_ms = c->agreed_ms + TOLD_AGAIN_MS;
		return;
	}
	c->agreed = agreed;
	c->agreed_ms = now_ms;
	agreed_text(&agreed, text);
	if (agreed.links > 0)
		info(c, "%s", text);
}

/*
 * With --send and --exit-on-eof: leaves when enough others have all that was
 * said, unless somebody waits for more, or when that has taken too long.
 */
static void chat_finish(struct chat *c, int64_t now_ms)
{
	uint32_t own = room_own(c->room);
	int acks = c->options.acks, count;
	char text[256];
	bool named =
		c->options.command != COMMAND_SEND && c->options.peer_count > 0;

	if (!c->ended || c->leave_ms != 0 ||
		(c->waiting.used && !room_may_say(c->room)))
		return; /* others are asked first: that is not counted */
	if (c->until_ms == 0)
		c->until_ms = now_ms + (int64_t)c->options.timeout_s * 1000;
	if (c->waiting.used) {
		count = -1; /* it is not all said yet */
	} else if (own == ROOM_NO_LOG || room_head(c->room, own) == 0) {
		count = acks; /* there was nothing to say */
	} else {
		count = deliver_count(
			&c->deliver, own, room_head(c->room, own), named);
	}
	c->delivered = c->delivered || count >= acks;
	if (now_ms < c->until_ms &&
		(!c->delivered || errands_wait(&c->errands)))
		return;
	chat_leave(c, now_ms);
	if (c->delivered)
		return;
	c->status = EXIT_FAILURE;
	if (c->waiting.used)
		return; /* chat_end tells why */
	errands_undelivered(
		text, sizeof(text), c->options.timeout_s, count, acks);
	term_notice(c->term, "error", "%s", text);
}

/* What other processes ask for. */

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
write_line(struct writer *w, const char *format, ...)
{
	char text[256];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	write_bytes(w, text, strlen(text));
	write_u8(w, '\n');
}

/* How we are, in lines for --doctor. */
static void chat_status(struct chat *c, struct writer *w)
{
	char shown[PEOPLE_SHOWN_MAX + 1];
	char text[AGREED_TEXT_SIZE];
	struct mesh_agreed agreed;
	struct mesh_counts counts;
	struct mesh_event event;

	mesh_count(c->mesh, &counts);
	write_line(w, "%s chats here%s%s: process %ld, port %u",
		c->options.name,
		c->options.room[0] == '\0' ? "" : ", in the room ",
		c->options.room, (long)getpid(), c->port);
	write_line(w, "links: %d", counts.links);
	for (int i = 0; mesh_next_link(c->mesh, &i, &event);) {
		name_of_event(c, &event, shown);
		write_line(w, "  %s (%s)", shown, event.address);
	}
	mesh_agree(c->mesh, &agreed);
	agreed_text(&agreed, text);
	write_line(w, "%s", text);
	write_line(w, "on disk: records %llu, logs %lu, bytes %llu",
		(unsigned long long)log_count(c->log),
		(unsigned long)log_author_count(c->log),
		(unsigned long long)log_size(c->log));
	write_line(w, "sent: records %llu, bytes %llu",
		(unsigned long long)counts.sync.records_sent,
		(unsigned long long)counts.bytes_sent);
	write_line(w, "received: records %llu, of them new %llu, bytes %llu",
		(unsigned long long)counts.sync.records_received,
		(unsigned long long)counts.sync.records_new,
		(unsigned long long)counts.bytes_received);
}

/* Why we say nothing for whoever wants this said, or NULL. */
static const char *refusal(
	const struct chat *c, const struct ctl_request *request, char text[256])
{
	const char *room = c->options.room;

	if (strcmp(request->name, c->options.name) != 0)
		(void)snprintf(text, 256,
			"the chat that runs on this database is %s's: say it "
			"as %s, or use another one with -d",
			c->options.name, c->options.name);
	else if (strcmp(request->room, room) != 0)
		(void)snprintf(text, 256,
			"the chat that runs on this database is in %s%s: use "
			"it %s%s, or another one with -d",
			room[0] == '\0' ? "everybody's room" : "the room ",
			room, room[0] == '\0' ? "without -r" : "with -r ",
			room);
	else
		return NULL;
	return text;
}

static void chat_request(
	struct chat *c, const struct ctl_request *request, int64_t now_ms)
{
	struct writer w = writer_over(c->line, CTL_ANSWER_SIZE / 2);
	char text[256];

	switch (request->kind) {
	case CTL_STATUS:
		chat_status(c, &w);
		ctl_lines(c->ctl, request->client, w.bytes, w.size);
		ctl_done(c->ctl, request->client, EX_OK, "", now_ms);
		break;
	case CTL_SEND:
		if (refusal(c, request, text) != NULL)
			ctl_done(c->ctl, request->client, EX_CONFIG, text,
				now_ms);
		else
			errands_take(&c->errands, request);
		break;
	}
}

/*
 * What others want said comes after what waits.  On a screen where typed lines
 * stand already there is one at a time, and it has to be shown.
 */
static void chat_errands(struct chat *c, int64_t now_ms)
{
	struct ctl_request request;

	while (ctl_next(c->ctl, &request))
		chat_request(c, &request, now_ms);
	if (c->done || c->leave_ms != 0)
		errands_leave(&c->errands, now_ms);
	while (!c->waiting.used && c->errand == 0 &&
		errands_say(&c->errands, wall_clock_ms(), now_ms)) {
		chat_said(c);
		if (shows_typed(c))
			c->errand = room_head(c->room, room_own(c->room));
	}
}

/* What happened in the room. */
static void chat_room(struct chat *c)
{
	char shown[PEOPLE_SHOWN_MAX + 1];
	struct room_event event;
	const struct room_log *log;

	while (room_next(c->room, &event)) {
		shown[0] = '\0';
		log = event.number == ROOM_NO_LOG
			      ? NULL
			      : room_log(c->room, event.number);
		if (log != NULL)
			show_name(c->people, log, shown);
		switch (event.kind) {
		case ROOM_EVENT_NAME:
			assert(log != NULL);
			people_claim(c->people, log->log.public_key, log->name);
			break;
		case ROOM_EVENT_FORK:
			term_notice(c->term, "warn",
				"there are two histories of %s from message "
				"%llu on (a copied database?): neither is "
				"believed from there",
				shown, (unsigned long long)event.seq);
			mesh_touch(c->mesh);
			break;
		case ROOM_EVENT_ADOPTED:
			info(c, "others had messages of yours that were "
				"missing here");
			break;
		case ROOM_EVENT_EPOCH:
			term_notice(c->term, "warn", "%s", event.text);
			break;
		case ROOM_EVENT_LIMIT:
			term_notice(c->term, "warn",
				"messages of %s are not kept any more: they "
				"have used up their room",
				shown);
			break;
		}
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

/* What it cost, for who asks with -v, and for scripts: see tests/bench/hosts. */
static void chat_counted(struct chat *c)
{
	struct mesh_counts counts;
	const struct sync_counts *sync = &counts.sync;

	if (!is_verbose(c))
		return;
	mesh_count(c->mesh, &counts);
	info(c,
		"counted: links=%d bytes_sent=%llu bytes_received=%llu "
		"records_sent=%llu records_received=%llu records_new=%llu "
		"digest_bytes_sent=%llu source_moves=%llu strikes=%llu",
		counts.links, (unsigned long long)counts.bytes_sent,
		(unsigned long long)counts.bytes_received,
		(unsigned long long)sync->records_sent,
		(unsigned long long)sync->records_received,
		(unsigned long long)sync->records_new,
		(unsigned long long)sync->digest_bytes_sent,
		(unsigned long long)sync->moves,
		(unsigned long long)counts.strikes);
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

#if !defined(CHAT_WITHOUT_MAIN)

static int signal_pipe[2] = { -1, -1 };

static void on_signal(int number)
{
	int error = errno;
	uint8_t byte = (uint8_t)number;

	(void)!write(signal_pipe[1], &byte, 1); /* full: it is read soon */
	errno = error;
}

/*
 * Descriptors 0 to 2 are there, so that no file of ours becomes one.  What is
 * written to standard output where there was none fails: true.
 */
static bool open_standard(void)
{
	bool mute = false;

	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		mute = mute || fd == STDOUT_FILENO;
		(void)!open("/dev/null", /* the first that is free: fd */
			(fd == STDOUT_FILENO ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	}
	return mute;
}

/* A chat without standard output is a peer all the same. */
static void open_mute(void)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)!dup2(fd, STDOUT_FILENO); /* or it is told later */
	if (fd > STDERR_FILENO)
		(void)close(fd); /* its copy stays */
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

/* A whole chat.  What the process is to exit with. */
static int run(struct options *options)
{
	struct chat *chat;
	struct loop loop;
	int status;

	if (signal_pipe[0] < 0 && catch_signals() < 0) {
		perror("error> signals");
		return EX_OSERR;
	}
	options->signal_fd = signal_pipe[0];
	chat = chat_open(options, &status);
	while (chat != NULL && !chat_is_done(chat, &status)) {
		loop_begin(&loop, chat_clock_ms());
		chat_want(chat, &loop);
		loop_wait(&loop);
		chat_run(chat, &loop);
	}
	chat_close(chat);
	return status;
}

/*
 * --send: by the chat that has the database open, or by one of our own; again
 * where somebody else was faster to open it.
 */
static int run_send(struct options *options)
{
	int status = EX_TEMPFAIL;

	for (int i = 0; i < SEND_TRIES && status == EX_TEMPFAIL; i++) {
		status = ctl_send(options);
		if (status != CTL_NOBODY)
			return status;
		options->patient = i < SEND_TRIES - 1;
		status = run(options);
	}
	return status;
}

int main(int argc, char **argv)
{
	const char *type = getenv("TERM");
	bool mute = open_standard();
	struct options options;
	int status;

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
	if (mute)
		open_mute();
	options.plain = type == NULL || strcmp(type, "dumb") == 0;
	options.answers = true;
	return options.command == COMMAND_SEND ? run_send(&options)
					       : run(&options);
}

#endif
