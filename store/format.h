/* SPDX-License-Identifier: ISC */
/*
 * format.h: what stands on the disk in a segment file, as bytes: its header
 * and its records.  No descriptor, no memory; format.c begins with the tables.
 *
 * A *place* is a segment's number and an offset in it: number << 32 | offset.
 * No record has place 0, for a segment begins with its header.
 */
#ifndef FORMAT_H
#define FORMAT_H

#include "bytes.h"

enum {
	FORMAT_VERSION = 1,
	FORMAT_HEADER_SIZE = 64, /* of a segment */
	FORMAT_KEY_SIZE = 32,    /* of an author */
	FORMAT_BODY_MAX = 66 * 1024,
	RECORD_HEADER_SIZE = 32,
	RECORD_ALIGN = 8,
	RECORD_MAX = RECORD_HEADER_SIZE + FORMAT_BODY_MAX
};

struct segment_header {
	uint64_t store_id;    /* the same in all segments of a store */
	uint64_t salt;        /* random, another one in each segment */
	uint32_t number;      /* as in the file's name */
	uint32_t before_size; /* exact length of the segment before; or 0 */
	uint32_t before_seal; /* header checksum of that segment's SEAL; or 0 */
	uint32_t flags;
	uint32_t version;
};

enum {
	SEGMENT_AFTER_DAMAGE = 1 /* the segment before has no good SEAL */
};

enum header_verdict {
	HEADER_GOOD,
	HEADER_BAD,  /* not one of ours, or damaged beyond mending */
	HEADER_NEWER /* ours, but of a version that we do not know */
};

/* Writes FORMAT_HEADER_SIZE bytes; the version is ours. */
void segment_header_write(
	struct writer *w, const struct segment_header *header);

/*
 * Reads FORMAT_HEADER_SIZE bytes.  One flipped bit is put right, for a
 * segment without its salt would be lost altogether; *mended tells.
 */
enum header_verdict segment_header_read(const uint8_t *bytes,
	struct segment_header *header, bool *mended) MUST_USE;

enum record_kind {
	RECORD_DATA = 1,   /* a record of log.h */
	RECORD_AUTHOR = 2, /* the key that belongs to an author's number */
	RECORD_SEAL = 3,   /* the end of a segment that has a successor */
	RECORD_MARK = 4    /* carries `durable`, nothing else */
};

struct record {
	enum record_kind kind;
	uint32_t size;    /* of the body */
	uint32_t author;  /* the number that AUTHOR gave; 0 in SEAL and MARK */
	uint32_t durable; /* offset below which this segment was on disk */
	uint64_t seq;     /* 0 in all but DATA */
	uint32_t crc;     /* of the header; filled by record_read_header */
	uint32_t body_crc;
};

static inline uint64_t place_at(uint32_t number, uint32_t offset)
{
	/* NOLINTNEXTLINE(clang-analyzer-core.*): clang 14 errs in log.c */
	return (uint64_t)number << 32 | offset;
}

static inline uint32_t place_number(uint64_t place)
{
	return (uint32_t)(place >> 32);
}

static inline uint32_t place_offset(uint64_t place)
{
	return (uint32_t)place;
}

/* Bytes that a body takes up, with its zeros. */
static inline size_t body_space(size_t size)
{
	return (size + (RECORD_ALIGN - 1)) & ~(size_t)(RECORD_ALIGN - 1);
}

/* Bytes that a record with such a body takes up: a multiple of 8. */
static inline size_t record_space(size_t size)
{
	return RECORD_HEADER_SIZE + body_space(size);
}

/*
 * Writes a whole record for one place of one segment.  Returns the checksum
 * of its header.
 */
uint32_t record_write(struct writer *w, uint64_t salt, uint64_t place,
	const struct record *record, const uint8_t *body);

/*
 * Whether RECORD_HEADER_SIZE bytes are the header of a record at this place.
 * Then the next body_space(record->size) bytes are its body.
 */
bool record_read_header(const uint8_t *bytes, uint64_t salt, uint64_t place,
	struct record *record) MUST_USE;

/* Whether body_space(record->size) bytes are the body of that header. */
bool record_read_body(
	const struct record *record, const uint8_t *body) MUST_USE;

#endif
