/* SPDX-License-Identifier: ISC */
/*
 * words.h: the words of small text files, read as strictly as they are written:
 * one space between words, a newline after each line.
 */
#ifndef WORDS_H
#define WORDS_H

#include "bytes.h"

/* What comes before `end`, which must come. */
static inline struct reader read_word(struct reader *r, char end)
{
	struct reader rest = *r;
	struct reader word;
	size_t size = 0;

	while (read_u8(&rest) != (uint8_t)end && !rest.bad)
		size++;
	word = read_part(r, size);
	(void)read_u8(r);
	return word;
}

static inline bool word_is(struct reader word, const char *text)
{
	return !word.bad && word.left == strlen(text) &&
	       memcmp(word.at, text, word.left) == 0;
}

/* Reads these very bytes, or is bad. */
static inline void read_exactly(struct reader *r, const char *text)
{
	if (!word_is(read_part(r, strlen(text)), text))
		r->bad = true;
}

/* Without zeros in front, at most 19 digits. */
static inline uint64_t read_decimal(struct reader *r, char end)
{
	struct reader word = read_word(r, end);
	uint64_t value = 0;

	if (word.left == 0 || word.left > 19)
		r->bad = true;
	while (word.left > 0) {
		uint8_t digit = (uint8_t)(read_u8(&word) - '0');

		if (digit > 9 || (value == 0 && digit == 0 && word.left > 0))
			r->bad = true;
		value = 10 * value + digit;
	}
	return value;
}

static inline void write_text(struct writer *w, const char *text)
{
	write_bytes(w, text, strlen(text));
}

#endif
