/* SPDX-License-Identifier: ISC */
/*
 * proto.h: fields in protocol buffers' encoding, one after the other:
 *
 *	varint number << 3 | type, then by type
 *	0 varint	1 eight bytes	2 varint size, bytes	5 four bytes
 *
 * What a field means, and whether it may come twice, is the message's affair.
 * Numbers are little-endian; varints have their shortest form (bytes.h).
 */
#ifndef PROTO_H
#define PROTO_H

#include "bytes.h"

enum {
	PROTO_VARINT = 0,
	PROTO_FIXED64 = 1,
	PROTO_BYTES = 2,
	PROTO_FIXED32 = 5
};

struct field {
	uint32_t number; /* 1 to 2^29 - 1 */
	uint32_t type;
	uint64_t value;      /* PROTO_VARINT, PROTO_FIXED64, PROTO_FIXED32 */
	struct reader bytes; /* PROTO_BYTES; else empty */
};

/* The next field; r->bad when there is no valid one. */
static inline struct field read_field(struct reader *r)
{
	uint64_t tag = read_varint(r);
	struct field f = { .type = tag & 7, .bytes = reader_over(NULL, 0) };
	uint64_t size;

	f.number = (uint32_t)(tag >> 3);
	if (tag >> 3 == 0 || tag > UINT32_MAX)
		r->bad = true;
	switch (f.type) {
	case PROTO_VARINT:
		f.value = read_varint(r);
		break;
	case PROTO_FIXED64:
		f.value = read_le64(r);
		break;
	case PROTO_FIXED32:
		f.value = read_le32(r);
		break;
	case PROTO_BYTES:
		size = read_varint(r);
		f.bytes =
			read_part(r, size > SIZE_MAX ? SIZE_MAX : (size_t)size);
		break;
	default:
		r->bad = true;
	}
	return f;
}

/* Bytes that write_varint_field takes for a number below 16; and the other. */
static inline size_t varint_field_size(uint64_t value)
{
	return 1 + varint_size(value);
}

static inline size_t bytes_field_size(size_t size)
{
	return 1 + varint_size(size) + size;
}

static inline void write_varint_field(
	struct writer *w, unsigned number, uint64_t value)
{
	write_varint(w, number << 3 | PROTO_VARINT);
	write_varint(w, value);
}

static inline void write_bytes_field(
	struct writer *w, unsigned number, const void *bytes, size_t size)
{
	write_varint(w, number << 3 | PROTO_BYTES);
	write_varint(w, size);
	write_bytes(w, bytes, size);
}

#endif
