/* SPDX-License-Identifier: ISC */
/*
 * store.h: what log.c and recover.c share, and nobody else includes: the
 * open store.  log.c writes, reads and looks after it; recover.c finds out
 * what the disk holds.
 */
#ifndef STORE_H
#define STORE_H

#include "authors.h"
#include "log.h"
#include "segments.h"

enum {
	PROBLEMS_MAX = 256,
	NEAR_SIZE = 96 * 1024, /* window of log_read and the scrub */
	FAR_SIZE = 256 * 1024  /* window of log_next and of recovery */
};

enum log_mode { LOG_OWNER, LOG_READER, LOG_CHECKER };

struct log {
	enum log_mode mode;
	struct log_sizes sizes;
	int dir_fd; /* borrowed */
	int lock_fd;
	int segments_fd;
	int authors_fd;
	struct segments *segments;
	struct authors *authors;
	struct window near;
	struct window far;
	struct walk arrival; /* of log_next, through far */

	uint32_t last;     /* number of the last segment */
	int last_fd;       /* and its file; an owner's only */
	uint32_t zeros;    /* end of what was written ahead */
	uint32_t marked;   /* the end behind the last MARK */
	bool sealed;       /* its successor must be made first */
	uint32_t seal_crc; /* header checksum of that SEAL */
	uint64_t unsaved;  /* bytes since the checkpoint */

	uint8_t *batch;
	size_t batch_size;
	int64_t delay_ms;
	int64_t waiting_ms; /* since when; -1: not known yet */
	bool hurried;

	int failed; /* errno of what ended this store's work */
	int full;   /* errno of what keeps it from writing for now */
	int64_t retry_ms;
	bool doubt;
	bool stale; /* the checkpoint on the disk must be replaced at once */
	uint64_t known; /* place up to which a checkpoint said what there was */
	bool spacious;
	int64_t space_ms; /* when that was asked; -1: never */

	bool running; /* log_run is called: these deadlines hold */
	int64_t watch_ms;
	int64_t quiet_ms;
	int64_t scrub_ms;
	struct walk scrub; /* through near */
	uint32_t scrub_bad;

	struct log_problem problems[PROBLEMS_MAX];
	uint32_t problem_count;
	uint32_t problem_told;
	uint64_t problems_more;
};

/* The end of this store's work; keeps the first reason.  Returns -1. */
int log_fail(struct log *log, int error);

/* The segment that is written to. */
static inline struct segment *last_segment(const struct log *log)
{
	return &log->segments->list[log->last];
}

/* Where the next batch goes. */
static inline uint32_t log_end(const struct log *log)
{
	return last_segment(log)->size;
}

/*
 * Finds out what the segments hold, mends the last one if the store is ours,
 * and leaves everything but the segment's zeros ready.  -1 and errno.
 */
int log_recover(struct log *log) MUST_USE;

/* A record that is on the disk, at this place, enters the tables. */
int log_apply(struct log *log, uint64_t place, const struct record *record,
	const uint8_t *body) MUST_USE;

/*
 * Makes heads, missing records and places again from the segments, after a
 * place has turned out to be wrong.  Whatever was on the disk before and is
 * not found now is missing.
 */
int log_rebuild(struct log *log) MUST_USE;

/* Adds to the problems of log_next_problem. */
void log_found_range(struct log *log, enum log_trouble trouble, uint32_t number,
	uint32_t from, uint32_t to);
void log_found_author(struct log *log, enum log_trouble trouble,
	uint32_t author, const struct missing *missing);

#endif
