/* SPDX-License-Identifier: ISC */
/*
 * errands.h: what other processes have a chat say (ctl.h), from their request
 * to their answer: it is said when the chat may say something, it is answered
 * when so many peers have it on disk as were asked for, or when its time is up.
 */
#ifndef ERRANDS_H
#define ERRANDS_H

#include "ctl.h"
#include "deliver.h"
#include "room.h"

struct errand {
	bool used;
	struct ctl_request request;
	uint64_t seq;     /* of its record, 0: it is not said yet */
	uint32_t log;     /* the room's number of ours that this is in */
	bool kept;        /* it is durable, and this is told */
	int64_t until_ms; /* 0: its time is not counted yet */
};

/* Zeroes but for what it borrows. */
struct errands {
	struct ctl *ctl;
	struct room *room;
	struct log *log;
	const struct deliver *deliver;
	struct errand each[CTL_CLIENTS_MAX]; /* by number of its client */
};

/* Takes on a request to say something. */
void errands_take(struct errands *errands, const struct ctl_request *request);

/*
 * Says the next one, if there is one and it can be kept now: true.  Its record
 * is then the newest of room_own.
 */
bool errands_say(
	struct errands *errands, uint64_t wall_ms, int64_t now_ms) MUST_USE;

/* Answers what can be answered; `now_ms` is after a commit. */
void errands_answer(struct errands *errands, int64_t now_ms);

/* Somebody has our log up to seq: a line for those who want to know. */
void errands_delivered(
	struct errands *errands, uint64_t seq, const void *line, size_t size);

/*
 * Does anybody still wait?  For something to be said?  When is the next time
 * up?  INT64_MAX: never.
 */
bool errands_wait(const struct errands *errands);
bool errands_unsaid(const struct errands *errands);
int64_t errands_wake_ms(const struct errands *errands);

/* The chat is leaving: it says nothing more; at the end, nobody waits. */
void errands_leave(struct errands *errands, int64_t now_ms);
void errands_end(struct errands *errands, int64_t now_ms);

/* "not delivered in 10 s: 0 of 1 have it on disk; ..." */
void errands_undelivered(
	char *text, size_t size, int timeout_s, int count, int acks);

#endif
