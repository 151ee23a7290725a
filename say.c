/* SPDX-License-Identifier: ISC */
/*
 * say.c: what we say, whoever wants it said: a person, a pipe, or another
 * process (ctl.h).
 *
 *	chat_say ---> room_say: it is in our log, and goes its way
 *	   |   ^
 *	   v   | there is room, room_may_say
 *	waiting
 *
 * One line waits at most: while it does, no other one is taken.
 */
#include "platform.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "chat_inside.h"

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
	if (c->came_ms + LIMIT_ASK_CLAIMED_MS <
		c->ask_ms + LIMIT_ASK_LONGEST_MS)
		return c->came_ms + LIMIT_ASK_CLAIMED_MS;
	return c->ask_ms + LIMIT_ASK_LONGEST_MS;
}

/*
 * Others may have records of ours that are missing here.  They are asked for a
 * while; then what is still in the way is left behind.
 */
void chat_ask(struct chat *c, int64_t now_ms)
{
	bool damaged = room_is_damaged(c->room);
	struct mesh_counts counts;
	int64_t wait_ms = LIMIT_ASK_MS;

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
		wait_ms = LIMIT_ASK_DAMAGED_MS;
	else if (mesh_claims_own(c->mesh))
		wait_ms = claimed_until(c, now_ms) - c->ask_ms;
	else if (counts.links > 0 && mesh_is_settled(c->mesh))
		wait_ms = LIMIT_ASK_MS / 3; /* all we know have answered */
	c->asked_ms = c->ask_ms + wait_ms;
	if (now_ms >= c->asked_ms && log_full(c->log) == 0)
		room_settle(c->room, wall_clock_ms());
}

/* Keeps a line, and all that would come after it, until it can be said. */
void chat_wait(struct chat *c, const char *text, size_t size)
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

void chat_say(struct chat *c, const char *text, size_t size, int64_t now_ms)
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
void chat_say_waiting(struct chat *c, int64_t now_ms)
{
	struct waiting *w = &c->waiting;

	if (!w->used || !room_may_say(c->room))
		return;
	if (log_full(c->log) != 0)
		chat_commit(c, now_ms); /* it may find that there is room now */
	w->used = false;
	chat_say(c, w->text, w->size, now_ms);
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
void chat_errands(struct chat *c, int64_t now_ms)
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

/*
 * With --send and --exit-on-eof: leaves when enough others have all that was
 * said, unless somebody waits for more, or when that has taken too long.
 */
void chat_finish(struct chat *c, int64_t now_ms)
{
	uint32_t own = room_own(c->room);
	int acks = c->options.acks, count;
	char text[256];
	bool named =
		c->options.command != COMMAND_SEND && c->options.peer_count > 0;

	if (!c->ended || c->leave_ms != 0 ||
		(c->waiting.used && !room_may_say(c->room) && !c->full))
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
