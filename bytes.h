/* SPDX-License-Identifier: ISC */
/*
 * bytes.h: bounded cursors over bytes.  All input is parsed through a reader
 * and all output is composed through a writer; no other code does pointer
 * arithmetic on bytes that come from outside.
 *
 * Both remember their first failure: read or write everything, then ask once.
 *
 *	struct reader r = reader_over(bytes, size);
 *	type = read_u8(&r);
 *	length = read_be16(&r);
 *	if (r.bad)
 *		return false;
 *
 * A reader that is bad stays bad and yields zeros and NULL; a writer that is
 * full stays full and writes nothing more.  Neither owns its bytes.
 *
 * A fifo is the byte queue between a socket and a codec: filled at its end,
 * consumed from its beginning, moved to the front of its memory when needed.
 */
#ifndef BYTES_H
#define BYTES_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define MUST_USE __attribute__((warn_unused_result))
#else
#define MUST_USE
#endif

struct reader {
	const uint8_t *at; /* next byte to read */
	size_t left;       /* bytes from `at` on */
	bool bad;          /* something was read that was not there */
};

static inline struct reader reader_over(const void *bytes, size_t size)
{
	struct reader r = { bytes, size, false };

	return r;
}

/* The next `size` bytes, or NULL (and bad) when there are fewer. */
static inline const uint8_t *read_bytes(struct reader *r, size_t size)
{
	const uint8_t *bytes = r->at;

	if (r->bad || size > r->left) {
		r->bad = true;
		r->left = 0;
		return NULL;
	}
	r->at += size;
	r->left -= size;
	return bytes;
}

/* A reader over the next `size` bytes alone; bad when there are fewer. */
static inline struct reader read_part(struct reader *r, size_t size)
{
	const uint8_t *bytes = read_bytes(r, size);
	struct reader part = reader_over(bytes, bytes == NULL ? 0 : size);

	part.bad = bytes == NULL;
	return part;
}

/* Copies `size` bytes to `to`, zeros when there are fewer. */
static inline void read_copy(struct reader *r, void *to, size_t size)
{
	const uint8_t *bytes = read_bytes(r, size);

	if (bytes == NULL)
		memset(to, 0, size);
	else
		memcpy(to, bytes, size);
}

static inline uint64_t read_be(struct reader *r, size_t size)
{
	const uint8_t *bytes = read_bytes(r, size);
	uint64_t value = 0;

	for (size_t i = 0; bytes != NULL && i < size; i++)
		value = value << 8 | bytes[i];
	return value;
}

static inline uint64_t read_le(struct reader *r, size_t size)
{
	const uint8_t *bytes = read_bytes(r, size);
	uint64_t value = 0;

	for (size_t i = size; bytes != NULL && i > 0; i--)
		value = value << 8 | bytes[i - 1];
	return value;
}

static inline uint8_t read_u8(struct reader *r)
{
	return (uint8_t)read_be(r, 1);
}

static inline uint16_t read_be16(struct reader *r)
{
	return (uint16_t)read_be(r, 2);
}

static inline uint32_t read_be32(struct reader *r)
{
	return (uint32_t)read_be(r, 4);
}

static inline uint16_t read_le16(struct reader *r)
{
	return (uint16_t)read_le(r, 2);
}

static inline uint32_t read_le32(struct reader *r)
{
	return (uint32_t)read_le(r, 4);
}

static inline uint64_t read_le64(struct reader *r)
{
	return read_le(r, 8);
}

/*
 * A base-128 varint, least significant group first, as in protocol buffers.
 * Bad when it is cut short, longer than ten bytes, over 2^64 - 1, or padded
 * (a last group of zero): every number has exactly one spelling.
 */
static inline uint64_t read_varint(struct reader *r)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = read_u8(r);

		if (shift == 63 && byte > 1)
			break;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) != 0)
			continue;
		if (byte == 0 && shift > 0)
			break;
		return value;
	}
	r->bad = true;
	r->left = 0;
	return 0;
}

static inline unsigned read_hex_digit(struct reader *r)
{
	uint8_t c = read_u8(r);

	if (c >= '0' && c <= '9')
		return c - (unsigned)'0';
	if (c >= 'a' && c <= 'f')
		return c - (unsigned)'a' + 10;
	r->bad = true;
	r->left = 0;
	return 0;
}

/* `size` bytes that are spelled by two digits 0-9 a-f each. */
static inline void read_hex(struct reader *r, uint8_t *to, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned high = read_hex_digit(r);

		to[i] = (uint8_t)(high << 4 | read_hex_digit(r));
	}
}

struct writer {
	uint8_t *bytes;
	size_t size;     /* bytes written */
	size_t capacity; /* bytes that fit */
	bool full;       /* something did not fit */
};

static inline struct writer writer_over(void *bytes, size_t capacity)
{
	struct writer w = { bytes, 0, capacity, false };

	return w;
}

/* Room for `size` bytes that the caller fills, or NULL (and full). */
static inline uint8_t *write_room(struct writer *w, size_t size)
{
	uint8_t *room = w->bytes + w->size;

	if (w->full || size > w->capacity - w->size) {
		w->full = true;
		return NULL;
	}
	w->size += size;
	return room;
}

static inline void write_bytes(struct writer *w, const void *from, size_t size)
{
	uint8_t *room = write_room(w, size);

	if (room != NULL && size > 0)
		memcpy(room, from, size);
}

static inline void write_zeros(struct writer *w, size_t size)
{
	uint8_t *room = write_room(w, size);

	if (room != NULL)
		memset(room, 0, size);
}

static inline void write_be(struct writer *w, uint64_t value, size_t size)
{
	uint8_t *room = write_room(w, size);

	for (size_t i = size; room != NULL && i > 0; i--, value >>= 8)
		room[i - 1] = (uint8_t)value;
}

static inline void write_le(struct writer *w, uint64_t value, size_t size)
{
	uint8_t *room = write_room(w, size);

	for (size_t i = 0; room != NULL && i < size; i++, value >>= 8)
		room[i] = (uint8_t)value;
}

static inline void write_u8(struct writer *w, uint8_t value)
{
	write_be(w, value, 1);
}

static inline void write_be16(struct writer *w, uint16_t value)
{
	write_be(w, value, 2);
}

static inline void write_be32(struct writer *w, uint32_t value)
{
	write_be(w, value, 4);
}

static inline void write_le16(struct writer *w, uint16_t value)
{
	write_le(w, value, 2);
}

static inline void write_le32(struct writer *w, uint32_t value)
{
	write_le(w, value, 4);
}

static inline void write_le64(struct writer *w, uint64_t value)
{
	write_le(w, value, 8);
}

static inline void write_hex(
	struct writer *w, const uint8_t *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		write_u8(w, (uint8_t)digits[bytes[i] >> 4]);
		write_u8(w, (uint8_t)digits[bytes[i] & 15]);
	}
}

/* Bytes that write_varint takes for `value`: 1 to 10. */
static inline size_t varint_size(uint64_t value)
{
	size_t size = 1;

	for (; value > 0x7f; value >>= 7)
		size++;
	return size;
}

static inline void write_varint(struct writer *w, uint64_t value)
{
	for (; value > 0x7f; value >>= 7)
		write_u8(w, (uint8_t)(value | 0x80));
	write_u8(w, (uint8_t)value);
}

/*
 * Invariant: start <= end <= capacity, and the bytes that wait are
 * bytes[start .. end).  The memory belongs to whoever made the fifo.
 */
struct fifo {
	uint8_t *bytes;
	size_t capacity;
	size_t start;
	size_t end;
};

static inline struct fifo fifo_over(void *bytes, size_t capacity)
{
	struct fifo f = { bytes, capacity, 0, 0 };

	return f;
}

static inline size_t fifo_size(const struct fifo *f)
{
	return f->end - f->start;
}

/* Bytes that can still be added. */
static inline size_t fifo_room(const struct fifo *f)
{
	return f->capacity - fifo_size(f);
}

static inline const uint8_t *fifo_head(const struct fifo *f)
{
	return f->bytes + f->start;
}

/* Where fifo_room() bytes can be put; tell of them with fifo_added. */
static inline uint8_t *fifo_tail(struct fifo *f)
{
	if (f->start > 0) {
		memmove(f->bytes, f->bytes + f->start, fifo_size(f));
		f->end -= f->start;
		f->start = 0;
	}
	return f->bytes + f->end;
}

static inline void fifo_added(struct fifo *f, size_t size)
{
	assert(size <= f->capacity - f->end);
	f->end += size;
}

static inline void fifo_drop(struct fifo *f, size_t size)
{
	assert(size <= fifo_size(f));
	f->start += size;
	if (f->start == f->end)
		f->start = f->end = 0;
}

#endif
