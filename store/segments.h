/* SPDX-License-Identifier: ISC */
/*
 * segments.h: the segment files of a store: which there are, whether they
 * belong together, their bytes through windows, their records by walks.
 *
 * Segments are numbered from 0 without a gap; a number whose file is lost or
 * unreadable is in the table all the same.
 */
#ifndef SEGMENTS_H
#define SEGMENTS_H

#include "disk.h"
#include "format.h"

enum {
	SEGMENTS_MAX = 65536,
	SEGMENT_SIZE_MAX = 1024 * 1024 * 1024 /* what comes later is ignored */
};

enum segment_state {
	SEGMENT_GOOD,
	SEGMENT_LOST,   /* there is no such file */
	SEGMENT_SPOILT, /* its header is damaged: nothing of it can be used */
	SEGMENT_UNUSED  /* made, but not yet used: only in the last place */
};

struct segment {
	uint64_t salt;
	uint32_t size; /* bytes that count: of the last one, those on disk */
	uint32_t before_size;
	uint32_t before_seal;
	uint32_t flags;
	uint32_t bad_bytes; /* known to be damaged, and reported */
	enum segment_state state;
	bool mended;   /* a bit of its header was put right */
	bool unlinked; /* does not fit the segment before it */
};

struct segments {
	int fd; /* of the folder */
	bool writable;
	uint64_t store_id;
	uint32_t count;
	uint32_t capacity;
	struct segment *list;
	struct files files;
};

/*
 * Finds the segments in a folder, whose descriptor is borrowed, and changes
 * nothing.  NULL and errno:
 *	EPROTONOSUPPORT	one was made by a newer version
 *	EBADMSG	there are files, but nothing can be read in any of them
 */
struct segments *segments_open(int fd, bool writable) MUST_USE;

void segments_close(struct segments *segments);

/*
 * Makes the next segment, so that it is there after a crash, and returns a
 * descriptor of it that the caller owns.  before_size and before_seal are
 * those of the header, flags too.  -1 and errno; then nothing is left of it.
 */
int segments_make(struct segments *segments, uint32_t before_size,
	uint32_t before_seal, uint32_t flags) MUST_USE;

/* Removes the last one, which was made and never used. */
int segments_drop_last(struct segments *segments) MUST_USE;

/* A descriptor of segment `number`, which stays ours; or -1. */
int segments_file(struct segments *segments, uint32_t number);

/* Another one, that the caller owns and may write to. */
int segments_open_file(struct segments *segments, uint32_t number) MUST_USE;

/* Whether the file that is open as fd is still the one in the folder. */
bool segments_is_there(
	const struct segments *segments, uint32_t number, int fd) MUST_USE;

/* Bytes of a segment in memory. */
struct window {
	uint8_t *bytes;
	size_t capacity;
	uint32_t number;
	uint32_t start;
	uint32_t size;
};

int window_open(struct window *window, size_t capacity) MUST_USE;
void window_close(struct window *window);

/*
 * `size` bytes from `offset` on, valid until the next call; reads up to
 * `ahead` bytes, none from `limit` on, when they are not there already.
 * size <= the window's capacity.  NULL and errno: ENODATA beyond the limit or
 * the file's end, or what the disk answers.
 */
struct stretch {
	uint32_t number;
	uint32_t offset;
	uint32_t size;
	uint32_t ahead;
	uint32_t limit;
};

const uint8_t *window_get(struct segments *segments, struct window *window,
	const struct stretch *stretch);

/* Whether they are there already. */
bool window_has(const struct window *window, const struct stretch *stretch);

enum walk_step {
	WALK_RECORD, /* start, record, body */
	WALK_HOLE,   /* from start to offset nothing is a record */
	WALK_END
};

/*
 * The records of one segment from an offset on, up to a limit.  After a bad
 * record it goes on by 8 bytes to the next good one.  The body is valid until
 * the next call.
 */
struct walk {
	struct segments *segments;
	struct window *window;
	uint32_t number;
	uint32_t offset; /* behind what was returned last */
	uint32_t limit;
	uint32_t start;
	struct record record;
	const uint8_t *body;
};

struct walk walk_from(
	struct segments *segments, struct window *window, uint64_t place);
enum walk_step walk_next(struct walk *walk) MUST_USE;

#endif
