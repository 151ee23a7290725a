/* SPDX-License-Identifier: ISC */
/*
 * names.h: which names keys go by, and which one key is shown by each name
 * alone: the one that is pinned to it, or else the first that claimed it.
 *
 * Sorted tables, not hashed ones: others choose the keys and the names, and
 * could choose them to collide.
 *
 * Invariants:
 *	1. a pinned name keeps its key.
 *	2. a name that is not pinned is what its key goes by: so the number of
 *	   persons bounds that of such names.
 */
#ifndef NAMES_H
#define NAMES_H

#include "bytes.h"
#include "limit.h"

enum {
	NAMES_KEY_SIZE = 32,
	NAMES_PERSONS_MAX = LIMIT_PINS + LIMIT_LOGS /* others are not known */
};

/* Entries in the order of their first key_size bytes. */
struct names_table {
	void **entries;
	size_t count;
	size_t capacity;
	size_t key_size;
};

struct name {
	char text[LIMIT_NAME + 1]; /* with zeros up to its end */
	uint8_t key[NAMES_KEY_SIZE];
	bool pinned;
	bool verified; /* what follows is the caller's */
	uint64_t first_ms;
};

struct person {
	uint8_t key[NAMES_KEY_SIZE];
	char name[LIMIT_NAME + 1]; /* that he goes by, or "" */
	bool pinned;               /* to that name or to an earlier one */
};

struct names {
	struct names_table persons;
	struct names_table names;
};

void names_begin(struct names *names);
void names_free(struct names *names);

/* NULL when there is none.  `text`: at most LIMIT_NAME bytes, here as below. */
struct name *names_find(const struct names *names, const char *text);
struct person *names_person(const struct names *names, const uint8_t *key);

/* Is this key the one that is shown by this name alone? */
bool names_owns(
	const struct names *names, const uint8_t *key, const char *text);

/*
 * A key says that it goes by a name, which becomes its own if it is nobody's;
 * what it went by before, unless pinned, is free again.  False when it can not
 * be remembered.
 */
bool names_claim(
	struct names *names, const uint8_t *key, const char *text) MUST_USE;

/* Pins a name that is not pinned, to a key that claimed it. */
struct name *names_pin(
	struct names *names, const uint8_t *key, const char *text);

#endif
