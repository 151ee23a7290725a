/* SPDX-License-Identifier: ISC */
/*
 * names.c: two sorted tables, of persons by key and of names by text.
 */
#include <stdlib.h>

#include "names.h"

/* Where an entry with this key is, or would be. */
static size_t table_place(const struct names_table *t, const void *key)
{
	size_t low = 0, high = t->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(t->entries[middle], key, t->key_size) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void *table_find(const struct names_table *t, const void *key)
{
	size_t at = table_place(t, key);

	if (at == t->count || memcmp(t->entries[at], key, t->key_size) != 0)
		return NULL;
	return t->entries[at];
}

/* A new entry of zeros but for its key, or NULL. */
static void *table_add(
	struct names_table *t, const void *key, size_t entry_size)
{
	size_t at = table_place(t, key);
	void *entry;

	if (t->count == t->capacity) {
		size_t wanted = t->capacity == 0 ? 16 : t->capacity * 2;
		void **more = realloc(t->entries, wanted * sizeof(*more));

		if (more == NULL)
			return NULL;
		t->entries = more;
		t->capacity = wanted;
	}
	entry = calloc(1, entry_size);
	if (entry == NULL)
		return NULL;
	memcpy(entry, key, t->key_size);
	memmove(t->entries + at + 1, t->entries + at,
		(t->count - at) * sizeof(*t->entries));
	t->entries[at] = entry;
	t->count++;
	return entry;
}

static void table_remove(struct names_table *t, void *entry)
{
	size_t at = table_place(t, entry);

	assert(at < t->count && t->entries[at] == entry);
	t->count--;
	memmove(t->entries + at, t->entries + at + 1,
		(t->count - at) * sizeof(*t->entries));
	free(entry);
}

static void table_free(struct names_table *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->entries[i]);
	free(t->entries);
}

/* Fills up with zeros, for memcmp. */
static void text_copy(char to[LIMIT_NAME + 1], const char *text)
{
	size_t size = strlen(text) + 1;

	assert(size <= LIMIT_NAME + 1);
	memset(to, 0, LIMIT_NAME + 1);
	memcpy(to, text, size);
}

struct name *names_find(const struct names *n, const char *text)
{
	char key[LIMIT_NAME + 1];

	text_copy(key, text);
	return table_find(&n->names, key);
}

struct person *names_person(const struct names *n, const uint8_t *key)
{
	return table_find(&n->persons, key);
}

bool names_owns(const struct names *n, const uint8_t *key, const char *text)
{
	const struct name *name = names_find(n, text);

	return name != NULL && memcmp(name->key, key, NAMES_KEY_SIZE) == 0;
}

bool names_claim(struct names *n, const uint8_t *key, const char *text)
{
	struct person *person = names_person(n, key);
	struct name *name;

	if (person == NULL && n->persons.count < NAMES_PERSONS_MAX)
		person = table_add(&n->persons, key, sizeof(*person));
	if (person == NULL)
		return false;
	name = names_find(n, person->name);
	if (name != NULL && !name->pinned && names_owns(n, key, person->name))
		table_remove(&n->names, name);
	text_copy(person->name, text);
	if (text[0] == '\0' || names_find(n, text) != NULL)
		return true;
	name = table_add(&n->names, person->name, sizeof(*name));
	if (name != NULL)
		memcpy(name->key, key, NAMES_KEY_SIZE);
	return name != NULL;
}

struct name *names_pin(struct names *n, const uint8_t *key, const char *text)
{
	struct person *person = names_person(n, key);
	struct name *name = names_find(n, text);

	assert(person != NULL && strcmp(person->name, text) == 0);
	assert(name != NULL && !name->pinned);
	memcpy(name->key, key, NAMES_KEY_SIZE);
	name->pinned = true;
	person->pinned = true;
	return name;
}

void names_begin(struct names *n)
{
	memset(n, 0, sizeof(*n));
	n->persons.key_size = NAMES_KEY_SIZE;
	n->names.key_size = LIMIT_NAME + 1;
}

void names_free(struct names *n)
{
	table_free(&n->persons);
	table_free(&n->names);
	names_begin(n);
}
