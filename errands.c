/* SPDX-License-Identifier: ISC */
/*
 * errands.c: a table of texts that others wait for, each on its way
 *
 *	taken --said--> seq --durable--> kept --enough receipts, time up--> done
 *
 * Its time is counted from when something may be said: others are asked first
 * (room.h).  Who hangs up before it is said takes it back.
 *
 * When our log goes on in a new epoch, what is not delivered is said again
 * there: then the newest record of that has to be delivered.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "errands.h"

void errands_take(struct errands *e, const struct ctl_request *request)
{
	struct errand *errand = &e->each[request->client];

	assert(!errand->used);
	memset(errand, 0, sizeof(*errand));
	errand->used = true;
	errand->request = *request;
}

static void errand_done(struct errands *e, struct errand *errand, int status,
	const char *text, int64_t now_ms)
{
	errand->used = false;
	ctl_done(e->ctl, errand->request.client, status, text, now_ms);
}

bool errands_say(struct errands *e, uint64_t wall_ms, int64_t now_ms)
{
	for (int i = 0; i < CTL_CLIENTS_MAX; i++) {
		struct errand *errand = &e->each[i];
		const struct ctl_request *r = &errand->request;

		if (!errand->used || errand->seq != 0 ||
			!ctl_waits(e->ctl, i) || !room_may_say(e->room))
			continue;
		log_hurry(e->log);
		if (room_say(e->room, r->text, r->size, wall_ms) == 0) {
			errand->log = room_own(e->room);
			errand->seq = room_head(e->room, errand->log);
			return true;
		}
		if (errno != EAGAIN && errno != EBUSY && log_full(e->log) == 0)
			errand_done(e, errand, EX_IOERR,
				"the disk failed: it was not said", now_ms);
	}
	return false;
}

/* How many have it; -1 while it is not durable. */
static int errand_count(struct errands *e, struct errand *errand)
{
	uint32_t own = room_own(e->room);

	if (errand->seq == 0)
		return -1;
	if (errand->log != own && room_may_say(e->room)) {
		errand->log = own;
		errand->seq = room_head(e->room, own);
	}
	if (room_durable(e->room, errand->log) < errand->seq)
		return -1;
	if (!errand->kept)
		ctl_said(e->ctl, errand->request.client);
	errand->kept = true;
	return deliver_count(e->deliver, errand->log, errand->seq, false);
}

/* What is to be said when its time is up. */
static void errand_late(
	struct errands *e, struct errand *errand, int count, int64_t now_ms)
{
	char text[256];
	int full = log_full(e->log);

	if (count >= 0) {
		errands_undelivered(text, sizeof(text),
			(int)errand->request.timeout_s, count,
			(int)errand->request.acks);
		errand_done(e, errand, EXIT_FAILURE, text, now_ms);
		return;
	}
	(void)snprintf(text, sizeof(text),
		"what was said last was not kept%s: "
		"%s",
		errand->seq == 0 ? "" : " yet",
		full == 0 ? "the chat is busy" : strerror(full));
	errand_done(e, errand, EX_IOERR, text, now_ms);
}

void errands_answer(struct errands *e, int64_t now_ms)
{
	for (int i = 0; i < CTL_CLIENTS_MAX; i++) {
		struct errand *errand = &e->each[i];
		int count;

		if (!errand->used)
			continue;
		if (!ctl_waits(e->ctl, i)) {
			errand_done(e, errand, EX_OK, "", now_ms);
			continue;
		}
		if (errand->until_ms == 0 && room_may_say(e->room))
			errand->until_ms =
				now_ms +
				(int64_t)errand->request.timeout_s * 1000;
		count = errand_count(e, errand);
		if (count >= 0 && count >= (int)errand->request.acks)
			errand_done(e, errand, EX_OK, "", now_ms);
		else if (errand->until_ms != 0 && now_ms >= errand->until_ms)
			errand_late(e, errand, count, now_ms);
	}
}

void errands_delivered(
	struct errands *e, uint64_t seq, const void *line, size_t size)
{
	for (int i = 0; i < CTL_CLIENTS_MAX; i++) {
		const struct errand *errand = &e->each[i];

		if (errand->used && errand->request.json && errand->kept &&
			errand->log == room_own(e->room) && seq >= errand->seq)
			ctl_lines(e->ctl, i, line, size);
	}
}

bool errands_wait(const struct errands *e)
{
	for (int i = 0; i < CTL_CLIENTS_MAX; i++) {
		if (e->each[i].used)
			return true;
	}
	return false;
}

bool errands_unsaid(const struct errands *e)
{
	for (int i = 0; i < CTL_CLIENTS_MAX; i++) {
		if (e->each[i].used && e->each[i].seq == 0)
			return true;
	}
	return false;
}

int64_t errands_wake_ms(const struct errands *e)
{
	int64_t wake_ms = INT64_MAX;

	for (int i = 0; i < CTL_CLIENTS_MAX; i++) {
		const struct errand *errand = &e->each[i];

		if (errand->used && errand->until_ms != 0 &&
			errand->until_ms < wake_ms)
			wake_ms = errand->until_ms;
	}
	return wake_ms;
}

void errands_leave(struct errands *e, int64_t now_ms)
{
	for (int i = 0; i < CTL_CLIENTS_MAX; i++) {
		if (e->each[i].used && e->each[i].seq == 0)
			errand_done(e, &e->each[i], CTL_AGAIN, "", now_ms);
	}
}

void errands_end(struct errands *e, int64_t now_ms)
{
	errands_leave(e, now_ms);
	for (int i = 0; i < CTL_CLIENTS_MAX; i++) {
		struct errand *errand = &e->each[i];

		if (!errand->used)
			continue;
		if (errand_count(e, errand) >= 0)
			errand_done(e, errand, EXIT_FAILURE,
				"the chat that said it has ended: it is kept, "
				"and sent when it runs again",
				now_ms);
		else
			errand_done(e, errand, EX_IOERR,
				"the chat that said it has ended, and could "
				"not keep it",
				now_ms);
	}
}

void errands_undelivered(
	char *text, size_t size, int timeout_s, int count, int acks)
{
	(void)snprintf(text, size,
		"not delivered in %d s: %d of %d have it on disk; it is kept, "
		"and sent when they are here",
		timeout_s, count, acks);
}
