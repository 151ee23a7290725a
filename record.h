/* SPDX-License-Identifier: ISC */
/*
 * record.h: what a record of the log holds.
 *
 *	offset	size
 *	0	8	time: milliseconds since 1970, little-endian
 *	8	1	type: 1 text
 *	9	1	flags: 0
 *	10	2	0
 *	12	4	size of the payload, little-endian
 *	16	size	payload
 *
 * The time is that of this store: when the record was made or arrived here,
 * never before the record that arrived before it.
 */
#ifndef RECORD_H
#define RECORD_H

#include "bytes.h"

enum {
	RECORD_HEADER_SIZE = 16,
	RECORD_PAYLOAD_MAX = 64 * 1024,
	RECORD_MAX = RECORD_HEADER_SIZE + RECORD_PAYLOAD_MAX,
	RECORD_TEXT = 1
};

struct record {
	uint64_t time_ms;
	uint8_t type;
	struct reader payload; /* borrowed */
};

/* Composes a record at `to`, RECORD_MAX bytes; returns its size. */
static inline size_t record_encode(const struct record *record, uint8_t *to)
{
	struct writer w = writer_over(to, RECORD_MAX);

	write_le64(&w, record->time_ms);
	write_u8(&w, record->type);
	write_zeros(&w, 3);
	write_le32(&w, (uint32_t)record->payload.left);
	write_bytes(&w, record->payload.at, record->payload.left);
	assert(!w.full);
	return w.size;
}

/* False when the bytes are no record; record->payload points into them. */
static inline bool record_decode(
	const void *bytes, size_t size, struct record *record)
{
	struct reader r = reader_over(bytes, size);

	record->time_ms = read_le64(&r);
	record->type = read_u8(&r);
	(void)read_bytes(&r, 3);
	record->payload = read_part(&r, read_le32(&r));
	return !r.bad && r.left == 0;
}

#endif
