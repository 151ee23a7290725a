/* SPDX-License-Identifier: ISC */
/*
 * clean.c: UTF-8 in and out, and between them what may be shown.
 *
 * The tables of invisible, combining and wide characters are ranges of the
 * Unicode Standard, coarse where a mistake costs a column and no more.
 */
#include <stdio.h>

#include "clean.h"

enum {
	MARKS_MAX = 4, /* combining marks on one character */
	REPLACEMENT = 0xfffd
};

/*
 * The next character of UTF-8 (RFC 3629): REPLACEMENT for each byte that does
 * not belong to a well-formed one.
 */
static uint32_t utf8_next(struct reader *r)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	uint8_t first = read_u8(r);
	struct reader rest = *r;
	size_t more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
	uint32_t c = first & (0x3fu >> more);

	if (first < 0x80)
		return first;
	if (first < 0xc0 || first > 0xf4)
		return REPLACEMENT;
	for (size_t i = 0; i < more; i++) {
		uint8_t byte = read_u8(&rest);

		if (rest.bad || (byte & 0xc0) != 0x80)
			return REPLACEMENT;
		c = c << 6 | (byte & 0x3f);
	}
	if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return REPLACEMENT;
	*r = rest;
	return c;
}

static void utf8_write(struct writer *w, uint32_t c)
{
	if (c < 0x80) {
		write_u8(w, (uint8_t)c);
	} else if (c < 0x800) {
		write_u8(w, (uint8_t)(0xc0 | c >> 6));
		write_u8(w, (uint8_t)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		write_u8(w, (uint8_t)(0xe0 | c >> 12));
		write_u8(w, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		write_u8(w, (uint8_t)(0x80 | (c & 0x3f)));
	} else {
		write_u8(w, (uint8_t)(0xf0 | c >> 18));
		write_u8(w, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		write_u8(w, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		write_u8(w, (uint8_t)(0x80 | (c & 0x3f)));
	}
}

struct range {
	uint32_t first;
	uint32_t last;
};

static bool in_ranges(uint32_t c, const struct range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	}
	return false;
}

/* Invisible, or changing the direction of what follows. */
static bool is_hidden(uint32_t c)
{
	static const struct range ranges[] = { { 0xad, 0xad }, { 0x61c, 0x61c },
		{ 0x180e, 0x180e }, { 0x200b, 0x200c }, { 0x200e, 0x200f },
		{ 0x202a, 0x202e }, { 0x2060, 0x206f }, { 0xfeff, 0xfeff },
		{ 0xfff9, 0xfffb }, { 0xe0000, 0xe0fff } };

	return in_ranges(c, ranges, sizeof(ranges) / sizeof(*ranges));
}

/* Drawn onto the character before it. */
static bool is_mark(uint32_t c)
{
	static const struct range ranges[] = { { 0x300, 0x36f },
		{ 0x483, 0x489 }, { 0x591, 0x5bd }, { 0x610, 0x61a },
		{ 0x64b, 0x65f }, { 0xe31, 0xe31 }, { 0xe34, 0xe3a },
		{ 0xe47, 0xe4e }, { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff },
		{ 0x200d, 0x200d }, { 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f },
		{ 0xfe20, 0xfe2f }, { 0x1f3fb, 0x1f3ff } };

	return in_ranges(c, ranges, sizeof(ranges) / sizeof(*ranges));
}

static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 ||
	       c == 0x2029;
}

/* Columns of what clean_text makes of a character. */
static int width_of(uint32_t c)
{
	static const struct range wide[] = { { 0x1100, 0x115f },
		{ 0x231a, 0x231b }, { 0x23e9, 0x23ec }, { 0x25fd, 0x25fe },
		{ 0x2614, 0x2615 }, { 0x2648, 0x2653 }, { 0x26a1, 0x26a1 },
		{ 0x2705, 0x2705 }, { 0x274c, 0x274c }, { 0x2753, 0x2757 },
		{ 0x2795, 0x2797 }, { 0x2b1b, 0x2b1c }, { 0x2b50, 0x2b55 },
		{ 0x2e80, 0x303e }, { 0x3041, 0xa4cf }, { 0xa960, 0xa97f },
		{ 0xac00, 0xd7a3 }, { 0xf900, 0xfaff }, { 0xfe30, 0xfe6f },
		{ 0xff00, 0xff60 }, { 0xffe0, 0xffe6 }, { 0x1f300, 0x1f64f },
		{ 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff },
		{ 0x1fa70, 0x1faff }, { 0x20000, 0x3fffd } };

	if (is_control(c))
		return c > 0x9f                              ? 6
		       : c == '\n' || c == '\t' || c == '\r' ? 2
							     : 4;
	if (is_hidden(c))
		return 0;
	if (is_mark(c))
		return 0;
	return in_ranges(c, wide, sizeof(wide) / sizeof(*wide)) ? 2 : 1;
}

static void clean_control(struct writer *w, uint32_t c, bool json)
{
	char text[8];

	if (c == '\n' || c == '\t' || c == '\r') {
		write_u8(w, '\\');
		write_u8(w, c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
		return;
	}
	if (json || c > 0x9f)
		(void)snprintf(text, sizeof(text), "\\u%04x", (unsigned)c);
	else
		(void)snprintf(text, sizeof(text), "\\x%02x", (unsigned)c);
	write_bytes(w, text, strlen(text));
}

/* Bytes of ASCII that stand for themselves, up to the first other one. */
static size_t plain_size(struct reader text, bool json)
{
	size_t size = text.left;

	while (text.left > 0) {
		uint8_t c = read_u8(&text);

		if (c < 0x20 || c > 0x7e || (json && (c == '"' || c == '\\')))
			return size - text.left - 1;
	}
	return size;
}

void clean_text(struct writer *w, const void *bytes, size_t size, bool json)
{
	struct reader r = reader_over(bytes, size);
	int marks = 0;

	while (r.left > 0) {
		size_t plain = plain_size(r, json);
		uint32_t c;

		if (plain > 0) { /* most texts are nothing else */
			write_bytes(w, r.at, plain);
			(void)read_bytes(&r, plain); /* it is there */
			marks = 0;
			continue;
		}
		c = utf8_next(&r);
		marks = is_mark(c) ? marks + 1 : 0;
		if (is_control(c)) {
			clean_control(w, c, json);
		} else if (json && (c == '"' || c == '\\')) {
			write_u8(w, '\\');
			write_u8(w, (uint8_t)c);
		} else if (json || (!is_hidden(c) && marks <= MARKS_MAX)) {
			utf8_write(w, c);
		}
	}
}

int clean_width(const char *text, size_t size)
{
	struct reader r = reader_over(text, size);
	int width = 0;

	while (r.left > 0)
		width += width_of(utf8_next(&r));
	return width;
}

size_t clean_character_size(const char *text, size_t size)
{
	struct reader r = reader_over(text, size);

	(void)utf8_next(&r);
	return size - r.left;
}
