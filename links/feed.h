/* SPDX-License-Identifier: ISC */
/*
 * feed.h: what a legacy link is sent: first what we have, then every record
 * above what it has, log by log, as the original program does it.  What it has
 * is what its Handshake said, or what it sent us, or what we sent it.
 *
 * The other program knows nothing of record types: a TEXT is sent as its text,
 * an OPEN as "NAME is here", all others empty, so that no number is left out.
 */
#ifndef FEED_H
#define FEED_H

#include "legacy.h"
#include "room.h"

/* Memory: 4 bytes a log.  Zeroes are a feed that has sent nothing yet. */
struct feed {
	uint32_t *next; /* by the room's number: the seq to send next */
	uint32_t count;
	uint32_t *told; /* heads of our Handshake, until all were put */
	uint32_t told_count;
	uint32_t told_next;
	bool said_hello;
	bool lagging;       /* there is more than fits, or may be */
	uint64_t log_count; /* records there were when it was found idle */
	uint32_t turn;      /* log whose records go next */
	uint64_t sent;      /* records, in all */
};

void feed_close(struct feed *feed);

/* The other side has the log's records up to seq. */
void feed_has(struct feed *feed, const struct room *room, const uint8_t *key,
	uint32_t seq);

/*
 * Puts as much as fits: until `up`, the Handshake alone.  `log_count` is how
 * many durable records there are (log_count).
 */
void feed_fill(struct feed *feed, struct room *room, struct legacy *legacy,
	bool up, uint64_t log_count);

#endif
