/* SPDX-License-Identifier: ISC */
/*
 * format.c: segment headers and records as bytes.  All numbers little-endian.
 *
 * A segment is a header and records, each beginning where the one before
 * ended; what follows the last one, up to the end of the file, is zeros that
 * were written ahead.
 *
 * Segment header
 *	 0  8  magic        "chatlog" 0
 *	 8  4  version      1
 *	12  4  crc          crc32c of the 64 bytes with these four as zeros
 *	16  8  store id     random, the same in all segments of a store
 *	24  8  salt         random, another one in each segment; told to nobody
 *	32  4  number       0, 1, 2, ...
 *	36  4  before size  exact length of the segment before
 *	40  4  before seal  header crc of the SEAL that ends the segment before
 *	44  4  flags        1: the segment before was lost or has no SEAL
 *	48 16  zeros
 *
 * A header is good if and only if
 *	(1) it begins with the magic,
 *	(2) its crc holds, perhaps after flipping a single bit back,
 *	(3) its version is 1,
 *	(4) it ends in zeros.
 * Why flip bits: without its salt no record of a segment can be checked.  Any
 * two different headers with good checksums differ in at least six bits (the
 * Hamming distance of CRC-32C up to 655 bytes), so a header that is one flip
 * away from a good one cannot be one flip away from a wrong one.
 *
 * Record
 *	 0  4  magic        "rec" 0xc7
 *	 4  4  header crc   crc32c of salt, place and bytes 8..31 (40 bytes)
 *	 8  4  body crc     crc32c of the body
 *	12  3  size         of the body
 *	15  1  kind         1 DATA, 2 AUTHOR, 3 SEAL, 4 MARK
 *	16  4  author       a small number, local to the store
 *	20  4  durable      offset in this segment known to be on the disk when
 *	                    this record was made
 *	24  8  seq
 *	32     body, then zeros up to a multiple of 8
 *
 * A header at a place is valid if and only if
 *	(1) it begins with the magic,
 *	(2) its crc holds, with the segment's salt and this place,
 *	(3) its kind is known, and size, author and seq are such as that kind
 *	    has: DATA size <= 66 KiB, seq >= 1; AUTHOR size 32, seq 0; SEAL and
 *	    MARK all three 0,
 *	(4) durable lies between the segment's header and this record.
 * A record is valid if and only if, beyond that,
 *	(5) its body crc holds,
 *	(6) the zeros are zeros.
 *
 * Why so many: the length has a checksum of its own, so that a flipped bit in
 * it costs one record and not the rest of the segment.  The place is in the
 * checksum, so that bytes that the disk put elsewhere, or left from an
 * earlier life of the file, are no records.  The salt is in it because a
 * body is another person's text: without knowing the salt nobody can make a
 * text that contains a valid record, not for any place.
 */
#include "format.h"
#include "crc32c.h"

static const uint8_t SEGMENT_MAGIC[8] = "chatlog";
static const uint32_t RECORD_MAGIC = 0xc7636572; /* "rec\xc7" */

enum { HEADER_CRC_AT = 12, HEADER_ZEROS = 16 };

static uint32_t segment_header_crc(const uint8_t *bytes)
{
	static const uint8_t zeros[4];
	uint32_t crc = crc32c(0, bytes, HEADER_CRC_AT);

	crc = crc32c(crc, zeros, sizeof(zeros));
	return crc32c(crc, bytes + HEADER_CRC_AT + sizeof(zeros),
		FORMAT_HEADER_SIZE - HEADER_CRC_AT - sizeof(zeros));
}

static void segment_header_put(
	struct writer *w, const struct segment_header *header, uint32_t crc)
{
	write_bytes(w, SEGMENT_MAGIC, sizeof(SEGMENT_MAGIC));
	write_le32(w, FORMAT_VERSION);
	write_le32(w, crc);
	write_le64(w, header->store_id);
	write_le64(w, header->salt);
	write_le32(w, header->number);
	write_le32(w, header->before_size);
	write_le32(w, header->before_seal);
	write_le32(w, header->flags);
	write_zeros(w, HEADER_ZEROS);
}

void segment_header_write(struct writer *w, const struct segment_header *header)
{
	uint8_t bytes[FORMAT_HEADER_SIZE];
	struct writer draft = writer_over(bytes, sizeof(bytes));

	segment_header_put(&draft, header, 0);
	segment_header_put(w, header, segment_header_crc(bytes));
}

static bool segment_header_crc_holds(const uint8_t *bytes)
{
	struct reader r = reader_over(bytes, FORMAT_HEADER_SIZE);

	(void)read_bytes(&r, HEADER_CRC_AT); /* 64 bytes are there */
	return read_le32(&r) == segment_header_crc(bytes);
}

/* Finds the one bit whose flip makes the checksum hold. */
static bool segment_header_mend(uint8_t *bytes)
{
	for (unsigned bit = 0; bit < FORMAT_HEADER_SIZE * 8; bit++) {
		uint8_t mask = (uint8_t)(1U << bit % 8);

		bytes[bit / 8] ^= mask;
		if (segment_header_crc_holds(bytes))
			return true;
		bytes[bit / 8] ^= mask;
	}
	return false;
}

enum header_verdict segment_header_read(
	const uint8_t *bytes, struct segment_header *header, bool *mended)
{
	uint8_t copy[FORMAT_HEADER_SIZE];
	struct reader r = reader_over(copy, sizeof(copy));

	memcpy(copy, bytes, sizeof(copy));
	*mended = false;
	if (!segment_header_crc_holds(copy)) { /* (2) */
		*mended = segment_header_mend(copy);
		if (!*mended)
			return HEADER_BAD;
	}
	if (memcmp(read_bytes(&r, sizeof(SEGMENT_MAGIC)), SEGMENT_MAGIC,
		    sizeof(SEGMENT_MAGIC)) != 0) /* (1) */
		return HEADER_BAD;
	header->version = read_le32(&r);
	(void)read_le32(&r); /* the checksum */
	header->store_id = read_le64(&r);
	header->salt = read_le64(&r);
	header->number = read_le32(&r);
	header->before_size = read_le32(&r);
	header->before_seal = read_le32(&r);
	header->flags = read_le32(&r);
	if (header->version > FORMAT_VERSION) /* (3) */
		return HEADER_NEWER;
	if (header->version != FORMAT_VERSION)
		return HEADER_BAD;
	if (read_le64(&r) != 0 || read_le64(&r) != 0) /* (4) */
		return HEADER_BAD;
	return HEADER_GOOD;
}

/* `rest` is the header from byte 8 on. */
static uint32_t record_crc(uint64_t salt, uint64_t place, const uint8_t *rest)
{
	uint8_t bytes[16 + RECORD_HEADER_SIZE - 8];
	struct writer w = writer_over(bytes, sizeof(bytes));

	write_le64(&w, salt);
	write_le64(&w, place);
	write_bytes(&w, rest, RECORD_HEADER_SIZE - 8);
	return crc32c(0, bytes, sizeof(bytes));
}

uint32_t record_write(struct writer *w, uint64_t salt, uint64_t place,
	const struct record *record, const uint8_t *body)
{
	uint8_t rest[RECORD_HEADER_SIZE - 8];
	struct writer draft = writer_over(rest, sizeof(rest));
	uint32_t crc = 0;

	write_le32(&draft, crc32c(0, body, record->size));
	write_le32(&draft, record->size | (uint32_t)record->kind << 24);
	write_le32(&draft, record->author);
	write_le32(&draft, record->durable);
	write_le64(&draft, record->seq);
	crc = record_crc(salt, place, rest);
	write_le32(w, RECORD_MAGIC);
	write_le32(w, crc);
	write_bytes(w, rest, sizeof(rest));
	write_bytes(w, body, record->size);
	write_zeros(w, body_space(record->size) - record->size);
	return crc;
}

static bool record_suits_its_kind(const struct record *record)
{
	switch (record->kind) {
	case RECORD_DATA:
		return record->size <= FORMAT_BODY_MAX && record->seq > 0;
	case RECORD_AUTHOR:
		return record->size == FORMAT_KEY_SIZE && record->seq == 0;
	case RECORD_SEAL:
	case RECORD_MARK:
		return record->size == 0 && record->author == 0 &&
		       record->seq == 0;
	}
	return false;
}

bool record_read_header(const uint8_t *bytes, uint64_t salt, uint64_t place,
	struct record *record)
{
	struct reader r = reader_over(bytes, RECORD_HEADER_SIZE);
	uint32_t size_and_kind = 0;

	if (read_le32(&r) != RECORD_MAGIC) /* (1) */
		return false;
	record->crc = read_le32(&r);
	if (record->crc != record_crc(salt, place, r.at)) /* (2) */
		return false;
	record->body_crc = read_le32(&r);
	size_and_kind = read_le32(&r);
	record->size = size_and_kind & 0xffffff;
	record->kind = (enum record_kind)(size_and_kind >> 24);
	record->author = read_le32(&r);
	record->durable = read_le32(&r);
	record->seq = read_le64(&r);
	return record_suits_its_kind(record) &&         /* (3) */
	       record->durable >= FORMAT_HEADER_SIZE && /* (4) */
	       record->durable <= place_offset(place);
}

bool record_read_body(const struct record *record, const uint8_t *body)
{
	size_t space = body_space(record->size);

	if (crc32c(0, body, record->size) != record->body_crc) /* (5) */
		return false;
	for (size_t i = record->size; i < space; i++) /* (6) */
		if (body[i] != 0)
			return false;
	return true;
}
