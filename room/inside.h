/* SPDX-License-Identifier: ISC */
/*
 * inside.h: what room.c, accept.c and own.c share, and nobody else includes:
 * the open room.  room.c has the table of logs and what they hold; accept.c
 * decides what enters them, own.c where our own goes on.
 *
 * A log is *held* under its number.  Functions that begin with held_ look at the
 * store as it is; those of room.h end a log below its first disputed record.
 *
 * Invariants
 *	(1) tip.seq > 0  ==>  tip is where record tip.seq stands that was
 *	    appended here or read from the store
 *	(2) a number is free  <==>  not used, and without an author in the store;
 *	    all others are in `order`, sorted by id
 *	(3) of others, nothing is appended that no good signature vouches for
 *	(4) nothing of ours is appended to a log with a hole, or to a frozen
 *	    one, or before all in reach were asked for it
 */
#ifndef ROOM_INSIDE_H
#define ROOM_INSIDE_H

#include "room.h"
#include "room/forks.h"

/* What happened to a log and is still to be told. */
enum { NEWS_NAME = 1, NEWS_FORK = 2, NEWS_LIMIT = 4 };

/* One log.  Not used, but with an author: nobody knows whose it is. */
struct held {
	struct room_log log;
	uint32_t author; /* of the store; LOG_NO_AUTHOR: it is empty */
	struct record_chain tip;
	uint64_t bytes;
	bool limited; /* that was told, */
	bool forked;  /* and that */
	unsigned news;
};

/* One of our own logs that has records. */
struct own {
	uint32_t number;
	bool made_here; /* its newest record was */
	bool continues;
	struct record_continue before;
};

struct again_text {
	uint64_t key;     /* 0: this place is empty */
	uint64_t missing; /* texts that are this one */
};

/* Texts that are to be said again, of one log of ours at a time. */
struct again {
	bool due;     /* there may be some */
	uint32_t log; /* of own_logs: the next one to be looked at */
	uint32_t number;
	uint64_t next; /* nothing when it is `end` */
	uint64_t end;
	uint64_t missing; /* of all its texts */
	struct again_text *texts;
	uint64_t mask;
};

struct room {
	struct log *log; /* borrowed */
	struct room_options options;
	struct forks *forks;
	struct held *list;
	uint32_t count;
	uint32_t *order; /* numbers by id */
	uint32_t order_count;
	uint32_t unsigned_count;
	uint64_t unsigned_bytes;
	uint64_t seen_ms; /* newest time of others that we follow */
	bool seen_known;  /* ... of the records from before, too */

	struct own own_logs[LIMIT_EPOCHS];
	uint32_t own_count;
	uint32_t own;    /* in use, or ROOM_NO_LOG */
	uint32_t before; /* the one that it continues, or ROOM_NO_LOG */
	bool settled;
	bool renewed;   /* `own` was begun since room_open */
	bool exhausted; /* another epoch is needed, and there is none */
	struct again again;
	uint64_t adopted; /* records */

	const char *epoch_news; /* not told yet, or NULL */
	bool adopted_told;
	uint32_t news_count; /* logs with news */
	uint32_t news_at;
	uint8_t bytes[RECORD_MAX];
};

/* The same as room_find, but for logs that nobody knows whose they are. */
uint32_t held_find(const struct room *room, const uint8_t *id);

/* A number for a new log, not yet used; ROOM_NO_LOG: LIMIT_LOGS are there. */
uint32_t held_make(struct room *room, const uint8_t *id);

/* It is known now whose it is. */
void held_identify(
	struct room *room, uint32_t number, const struct record_log *log);

/* The log of a key and epoch in this room. */
struct record_log room_log_of(
	const struct room *room, const uint8_t *public_key, uint32_t epoch);

/* May others make us hold one log more? */
bool room_has_place(const struct room *room, bool first_hand);

/* May this log have its first record? */
bool epoch_is_allowed(
	const struct room *room, const uint8_t *public_key, uint32_t epoch);

/* To be told by room_next. */
void held_tell(struct room *room, struct held *h, unsigned news);

/* Is a record missing that was here? */
bool held_has_hole(const struct room *room, const struct held *h);

/* Reads a durable record, disputed or not. */
bool held_read(struct room *room, const struct held *h, uint64_t seq,
	struct record *record) MUST_USE;

/* Our place after record seq; false when that can not be read (yet). */
bool held_chain(struct room *room, const struct held *h, uint64_t seq,
	struct record_chain *chain) MUST_USE;

/* Appends the next record.  0, or -1 and the errno of log_append. */
int held_append(struct room *room, uint32_t number, uint64_t seq,
	const struct record *record) MUST_USE;

/* Bytes of a stored record. */
size_t held_record_size(const struct record *record);

/* Our own time follows others', unless they are far ahead. */
void room_see(struct room *room, uint64_t time_ms, uint64_t wall_ms);

/* The time of what is said now in a log of ours, or of who has none. */
uint64_t room_time(struct room *room, const struct held *h, uint64_t wall_ms);

/* What a record of ours means for the choice of the log to use. */
void own_note(struct room *room, uint32_t number, uint64_t seq,
	const struct record *record);

/* More of our logs may be disputed than was known. */
void own_disputed(struct room *room);

/* Finds the log of ours that is in use, if there is one. */
void own_choose(struct room *room);

#endif
