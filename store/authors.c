/* SPDX-License-Identifier: ISC */
/*
 * authors.c: the table of authors, the missing records, and the files of
 * places.
 *
 * authors/KEY.idx, KEY being 64 hexadecimal digits: the place of record seq
 * as a little-endian u64 at (seq - 1) * 8; 0, or nothing, is unknown.
 *
 * Each author's newest places, one page of 64, are in memory and, as of the
 * last checkpoint, in that; to its file a page goes when the next one begins,
 * and at a clean end.  (All pages into their files at each checkpoint was
 * tried: 10,000 files stop the loop for 70 ms, and for a second when they are
 * new.)  10,000 authors take 5 MB.  A page that cannot be written (full disk,
 * or not our store to write to) grows instead.
 *
 * Invariants
 *	(1) missing ranges of one author neither overlap nor touch, and all
 *	    lie at or below its top
 *	(2) author->missing == 0  ==>  durable == top and head == newest
 *	(3) a place that is neither in memory nor in its file reads as 0
 *
 * What this file does not do: look into segments.
 */
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "authors.h"
#include "crypto/crypto.h"

enum {
	PLACE_SIZE = 8,
	PAGE_SIZE = PLACES_A_PAGE * PLACE_SIZE,
	SLOTS_FIRST = 64,
	NAME_DIGITS = 2 * FORMAT_KEY_SIZE,
	NAME_SIZE = NAME_DIGITS + sizeof(".idx"),
	GROWN_PAGE_MAX = 8 * 1024 * 1024 /* places; then it is thrown away */
};

/*
 * Multilinear hashing: for whoever does not know the secret, and it is new
 * in each process, two keys meet by chance only, however they were chosen.
 */
static uint32_t key_slot(const struct authors *authors, const uint8_t *key)
{
	struct reader r = reader_over(key, FORMAT_KEY_SIZE);
	uint64_t hash = 0;

	for (int i = 0; i < FORMAT_KEY_SIZE / 8; i++) {
		uint32_t low = read_le32(&r);
		uint32_t high = read_le32(&r);

		/* Pairs: (a + x) * (b + y), half the multiplications. */
		hash += ((authors->secret[i] & 0xffffffff) + low) *
			((authors->secret[i] >> 32) + high);
	}
	hash ^= hash >> 32;
	return (uint32_t)hash & (authors->slot_count - 1);
}

uint32_t authors_find(const struct authors *authors, const uint8_t *key)
{
	uint32_t mask = authors->slot_count - 1;
	uint32_t slot = key_slot(authors, key);

	for (; authors->slots[slot] != 0; slot = (slot + 1) & mask) {
		uint32_t author = authors->slots[slot] - 1;

		if (memcmp(authors->list[author].key, key, FORMAT_KEY_SIZE) ==
			0)
			return author;
	}
	return NO_AUTHOR;
}

static void slot_fill(struct authors *authors, uint32_t author)
{
	uint32_t mask = authors->slot_count - 1;
	uint32_t slot = key_slot(authors, authors->list[author].key);

	while (authors->slots[slot] != 0)
		slot = (slot + 1) & mask;
	authors->slots[slot] = author + 1;
}

/* Keeps the table at most half full. */
static int slots_grow(struct authors *authors)
{
	uint32_t count = authors->slot_count;
	uint32_t *slots = NULL;

	if (authors->count + 1 <= count / 2)
		return 0;
	slots = calloc((size_t)count * 2, sizeof(*slots));
	if (slots == NULL)
		return -1;
	free(authors->slots);
	authors->slots = slots;
	authors->slot_count = count * 2;
	for (uint32_t i = 0; i < authors->count; i++)
		slot_fill(authors, i);
	return 0;
}

/* Room for index `last` in an array of such entries; at most `max` of them. */
static void *array_grow(void *array, uint32_t *capacity, uint64_t last,
	size_t entry_size, uint32_t max)
{
	uint64_t wanted = *capacity < 16 ? 16 : *capacity;
	void *grown = NULL;

	while (wanted <= last)
		wanted *= 2;
	if (wanted > max)
		wanted = max;
	grown = realloc(array, (size_t)wanted * entry_size);
	if (grown != NULL)
		*capacity = (uint32_t)wanted;
	return grown;
}

static int ids_grow(struct authors *authors, uint32_t id)
{
	uint32_t count = authors->id_count;
	uint32_t *by_id = NULL;

	if (id < count)
		return 0;
	by_id = array_grow(authors->by_id, &authors->id_count, id,
		sizeof(*by_id), AUTHOR_IDS_MAX);
	if (by_id == NULL)
		return -1;
	memset(by_id + count, 0, (authors->id_count - count) * sizeof(*by_id));
	authors->by_id = by_id;
	return 0;
}

static int list_grow(struct authors *authors)
{
	struct author *list = authors->list;

	if (authors->count < authors->capacity)
		return 0;
	list = array_grow(list, &authors->capacity, authors->count,
		sizeof(*list), AUTHORS_MAX);
	if (list == NULL)
		return -1;
	authors->list = list;
	return 0;
}

uint32_t authors_add(struct authors *authors, const uint8_t *key, uint32_t id)
{
	uint32_t author = authors_find(authors, key);
	struct author *new = NULL;

	if (id >= AUTHOR_IDS_MAX ||
		(author == NO_AUTHOR && authors->count == AUTHORS_MAX)) {
		errno = EDQUOT;
		return NO_AUTHOR;
	}
	if (ids_grow(authors, id) < 0)
		return NO_AUTHOR;
	if (author == NO_AUTHOR) {
		if (list_grow(authors) < 0 || slots_grow(authors) < 0)
			return NO_AUTHOR;
		author = authors->count++;
		new = &authors->list[author];
		memset(new, 0, sizeof(*new));
		memcpy(new->key, key, FORMAT_KEY_SIZE);
		slot_fill(authors, author);
	}
	authors->list[author].id = id;
	authors->by_id[id] = author + 1;
	authors_use_id(authors, id);
	return author;
}

void authors_use_id(struct authors *authors, uint32_t id)
{
	if (id < AUTHOR_IDS_MAX && id >= authors->id_next)
		authors->id_next = id + 1;
}

uint32_t authors_by_id(const struct authors *authors, uint32_t id)
{
	if (id >= authors->id_count || authors->by_id[id] == 0)
		return NO_AUTHOR;
	return authors->by_id[id] - 1;
}

/*
 * Missing records.
 */

/* The last record before the next missing one after seq; or `limit`. */
static uint64_t reach(const struct authors *authors, uint32_t author,
	uint64_t seq, uint64_t limit)
{
	uint32_t left = authors->list[author].missing;

	for (uint32_t i = 0; left > 0; i++) {
		const struct missing *m = &authors->missing[i];

		if (m->author != author)
			continue;
		left--;
		if (m->last <= seq)
			continue;
		if (m->first <= seq)
			return seq;
		if (m->first - 1 < limit)
			limit = m->first - 1;
	}
	return limit;
}

static struct missing *missing_range(
	const struct authors *authors, uint32_t author, uint64_t seq)
{
	uint32_t left = authors->list[author].missing;

	for (uint32_t i = 0; left > 0; i++) {
		struct missing *m = &authors->missing[i];

		if (m->author != author)
			continue;
		left--;
		if (m->first <= seq && seq <= m->last)
			return m;
	}
	return NULL;
}

bool authors_is_missing(
	const struct authors *authors, uint32_t author, uint64_t seq)
{
	return missing_range(authors, author, seq) != NULL;
}

static void missing_remove(struct authors *authors, struct missing *m)
{
	authors->list[m->author].missing--;
	*m = authors->missing[--authors->missing_count];
}

/* Any range of the author, to be widened when there is no room for more. */
static struct missing *missing_any(struct authors *authors, uint32_t author)
{
	for (uint32_t i = 0; i < authors->missing_count; i++)
		if (authors->missing[i].author == author)
			return &authors->missing[i];
	return NULL;
}

static int missing_add(
	struct authors *authors, uint32_t author, uint64_t first, uint64_t last)
{
	struct missing *list = authors->missing;
	struct missing *widened = NULL;

	if (authors->missing_count == authors->missing_capacity) {
		list = authors->missing_count == MISSING_MAX
			       ? NULL
			       : array_grow(list, &authors->missing_capacity,
					 authors->missing_count, sizeof(*list),
					 MISSING_MAX);
		if (list == NULL) {
			errno = ENOMEM;
			widened = missing_any(authors, author);
			if (widened == NULL)
				return -1;
			/* Too much is fetched again; nothing is forgotten. */
			if (first < widened->first)
				widened->first = first;
			if (last > widened->last)
				widened->last = last;
			return 0;
		}
		authors->missing = list;
	}
	list[authors->missing_count].author = author;
	list[authors->missing_count].first = first;
	list[authors->missing_count].last = last;
	authors->missing_count++;
	authors->list[author].missing++;
	return 0;
}

int authors_lose(
	struct authors *authors, uint32_t author, uint64_t first, uint64_t last)
{
	struct author *a = &authors->list[author];

	/* Joins what overlaps or touches. */
	for (uint32_t i = 0; a->missing > 0 && i < authors->missing_count;) {
		struct missing *m = &authors->missing[i];

		if (m->author != author || m->last + 1 < first ||
			last + 1 < m->first) {
			i++;
			continue;
		}
		if (m->first < first)
			first = m->first;
		if (m->last > last)
			last = m->last;
		missing_remove(authors, m);
	}
	if (missing_add(authors, author, first, last) < 0)
		return -1;
	if (last > a->top)
		a->top = last;
	if (last > a->newest)
		a->newest = last;
	a->durable = reach(authors, author, 0, a->top);
	a->head = reach(authors, author, 0, a->newest);
	return 0;
}

/* The record is there again. */
static int missing_fill(
	struct authors *authors, struct missing *m, uint64_t seq)
{
	uint64_t last = m->last;

	if (m->first == m->last) {
		missing_remove(authors, m);
	} else if (seq == m->first) {
		m->first++;
	} else {
		m->last = seq - 1;
		if (seq < last)
			return missing_add(authors, m->author, seq + 1, last);
	}
	return 0;
}

/*
 * Places.
 */

static uint64_t page_first(uint64_t seq)
{
	return (seq - 1) / PLACES_A_PAGE * PLACES_A_PAGE + 1;
}

static void index_name(const uint8_t *key, char name[NAME_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < FORMAT_KEY_SIZE; i++) {
		name[2 * i] = digits[key[i] >> 4];
		name[2 * i + 1] = digits[key[i] & 15];
	}
	memcpy(name + NAME_DIGITS, ".idx", sizeof(".idx"));
}

static int index_file(struct authors *authors, uint32_t author)
{
	char name[NAME_SIZE];
	int fd = files_find(&authors->files, author);
	int how = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK; /* no FIFO waits */

	if (fd >= 0)
		return fd;
	how |= authors->mode == AUTHORS_WRITE ? O_RDWR | O_CREAT : O_RDONLY;
	index_name(authors->list[author].key, name);
	fd = openat(authors->fd, name, how, 0600);
	if (fd >= 0)
		files_put(&authors->files, author, fd);
	return fd;
}

/* Places from the file; unknown ones, and all on an error, are 0. */
static void index_read(struct authors *authors, uint32_t author, uint64_t first,
	uint64_t *places)
{
	uint8_t bytes[PAGE_SIZE];
	struct reader r = reader_over(bytes, sizeof(bytes));
	int fd = index_file(authors, author);
	ssize_t size = 0;

	if (fd >= 0)
		size = disk_read(
			fd, bytes, sizeof(bytes), (first - 1) * PLACE_SIZE);
	if (size < 0)
		size = 0;
	memset(bytes + size, 0, sizeof(bytes) - (size_t)size);
	for (int i = 0; i < PLACES_A_PAGE; i++)
		places[i] = read_le64(&r);
}

static int index_write(struct authors *authors, uint32_t author, uint64_t first,
	const uint64_t *places, uint32_t count)
{
	uint8_t bytes[PAGE_SIZE];
	int fd = index_file(authors, author);
	struct place_page *page = &authors->pages[author % FILES_MAX];

	if (fd < 0)
		return -1;
	if (page->author == author)
		page->author = NO_AUTHOR;
	while (count > 0) {
		struct writer w = writer_over(bytes, sizeof(bytes));
		uint32_t n = count < PLACES_A_PAGE ? count : PLACES_A_PAGE;

		for (uint32_t i = 0; i < n; i++)
			write_le64(&w, places[i]);
		if (disk_write(fd, bytes, w.size, (first - 1) * PLACE_SIZE) < 0)
			return -1;
		first += n;
		places += n;
		count -= n;
	}
	return 0;
}

/* Writes the page in memory; it stays there, clean. */
static int page_write(struct authors *authors, uint32_t author)
{
	struct author *a = &authors->list[author];

	if (!a->dirty)
		return 0;
	if (authors->mode != AUTHORS_WRITE ||
		index_write(authors, author, a->first, a->places, a->capacity) <
			0)
		return -1;
	a->dirty = false;
	return 0;
}

static void page_begin(struct author *a, uint64_t seq)
{
	memset(a->places, 0, a->capacity * sizeof(*a->places));
	a->first = page_first(seq);
	a->dirty = false;
}

/* Makes the page in memory reach up to seq. */
static void page_grow(struct author *a, uint64_t seq)
{
	uint32_t old = a->capacity;
	uint64_t *places = NULL;

	if (seq - a->first < GROWN_PAGE_MAX)
		places = array_grow(a->places, &a->capacity, seq - a->first,
			sizeof(*places), GROWN_PAGE_MAX);
	if (places == NULL) {
		/* Forgotten places are found again: see log.c, "mend". */
		page_begin(a, seq);
		return;
	}
	memset(places + old, 0, (a->capacity - old) * sizeof(*places));
	a->places = places;
}

int authors_ready(struct authors *authors, uint32_t author)
{
	struct author *a = &authors->list[author];
	uint64_t next = a->top + 1;

	if (a->places != NULL || authors->mode == AUTHORS_CHECK)
		return 0;
	a->places = calloc(PLACES_A_PAGE, sizeof(*a->places));
	if (a->places == NULL)
		return -1;
	a->capacity = PLACES_A_PAGE;
	a->first = page_first(next);
	if (next > a->first)
		index_read(authors, author, a->first, a->places);
	return 0;
}

static void place_set(
	struct authors *authors, uint32_t author, uint64_t seq, uint64_t place)
{
	struct author *a = &authors->list[author];

	if (authors->mode == AUTHORS_CHECK)
		return;
	if (seq < a->first) {
		if (authors->mode == AUTHORS_WRITE)
			/* What fails is found again, as above. */
			(void)index_write(authors, author, seq, &place, 1);
		return;
	}
	if (seq - a->first >= a->capacity) {
		if (page_write(authors, author) == 0)
			page_begin(a, seq);
		else
			page_grow(a, seq);
	}
	a->places[seq - a->first] = place;
	a->dirty = true;
}

static const struct place_page *page_read(
	struct authors *authors, uint32_t author, uint64_t first)
{
	struct place_page *page = &authors->pages[author % FILES_MAX];

	if (page->author != author || page->first != first) {
		index_read(authors, author, first, page->places);
		page->author = author;
		page->first = first;
	}
	return page;
}

uint64_t authors_place(struct authors *authors, uint32_t author, uint64_t seq)
{
	const struct author *a = &authors->list[author];
	uint64_t first = page_first(seq);

	if (seq == 0 || seq > a->top ||
		(a->missing > 0 && authors_is_missing(authors, author, seq)))
		return 0;
	if (a->places != NULL && seq >= a->first &&
		seq - a->first < a->capacity)
		return a->places[seq - a->first];
	return page_read(authors, author, first)->places[seq - first];
}

void authors_places(struct authors *authors, uint32_t author, uint64_t first,
	uint32_t count, uint64_t *places)
{
	for (uint32_t i = 0; i < count; i++)
		places[i] = authors_place(authors, author, first + i);
}

bool authors_agree(
	struct authors *authors, uint32_t author, uint64_t seq, uint64_t place)
{
	struct author *a = &authors->list[author];
	uint64_t first = page_first(seq);
	uint64_t said = 0;

	if (a->before == 0 || first == page_first(a->before) || seq > a->before)
		return true; /* need not have been written yet */
	if (a->places == NULL) {
		a->places = calloc(PLACES_A_PAGE, sizeof(*a->places));
		if (a->places == NULL)
			return true; /* unknown is no disagreement */
		a->capacity = PLACES_A_PAGE;
	}
	if (a->first != first)
		index_read(authors, author, first, a->places);
	a->first = first;
	said = a->places[seq - first];
	return said == 0 || said == place ||
	       (seq <= a->top && !authors_is_missing(authors, author, seq));
}

/*
 * What happens to authors.
 */

void authors_append(struct authors *authors, uint32_t author, uint64_t seq)
{
	struct author *a = &authors->list[author];

	assert(seq == a->head + 1);
	if (seq > a->newest)
		a->newest = seq;
	a->head = reach(authors, author, seq, a->newest);
}

static int apply_old(
	struct authors *authors, uint32_t author, uint64_t seq, uint64_t place)
{
	struct missing *m = missing_range(authors, author, seq);

	/* Whatever was there before may still be found in its old place. */
	authors->list[author].twice = true;
	if (m == NULL)
		return 0;
	place_set(authors, author, seq, place);
	return missing_fill(authors, m, seq);
}

static int apply_new(
	struct authors *authors, uint32_t author, uint64_t seq, uint64_t place)
{
	struct author *a = &authors->list[author];
	uint64_t top = a->top;

	place_set(authors, author, seq, place);
	a->top = seq;
	if (a->newest < seq)
		a->newest = seq;
	if (seq > top + 1)
		return authors_lose(authors, author, top + 1, seq - 1);
	return 0;
}

int authors_apply(
	struct authors *authors, uint32_t author, uint64_t seq, uint64_t place)
{
	struct author *a = &authors->list[author];

	if (authors_ready(authors, author) < 0)
		return -1;
	if (seq <= a->top) {
		if (apply_old(authors, author, seq, place) < 0)
			return -1;
	} else if (apply_new(authors, author, seq, place) < 0) {
		return -1;
	}
	a->durable = reach(authors, author, a->durable, a->top);
	if (a->head < a->durable)
		a->head = reach(authors, author, a->durable, a->newest);
	return 0;
}

void authors_flush(struct authors *authors)
{
	for (uint32_t i = 0; i < authors->count; i++)
		(void)page_write(authors, i); /* stays in memory, dirty */
}

uint32_t author_page_size(const struct author *author)
{
	uint64_t top = author->top;

	return top == 0 ? 0
			: (uint32_t)(top - page_first(top) + 1) * PLACE_SIZE;
}

void authors_write_page(
	const struct authors *authors, uint32_t author, struct writer *w)
{
	const struct author *a = &authors->list[author];
	uint64_t seq = a->top == 0 ? 1 : page_first(a->top);

	for (; seq <= a->top; seq++)
		write_le64(w, a->places == NULL || seq < a->first
				      ? 0
				      : a->places[seq - a->first]);
}

int authors_read_page(
	struct authors *authors, uint32_t author, struct reader *r)
{
	struct author *a = &authors->list[author];
	struct reader part = read_part(r, author_page_size(a));

	if (part.left == 0 || authors->mode == AUTHORS_CHECK)
		return 0;
	a->places = calloc(PLACES_A_PAGE, sizeof(*a->places));
	if (a->places == NULL)
		return -1;
	a->capacity = PLACES_A_PAGE;
	a->first = page_first(a->top);
	for (uint32_t i = 0; part.left > 0; i++)
		a->places[i] = read_le64(&part);
	a->dirty = authors->mode == AUTHORS_WRITE;
	return 0;
}

void authors_forget(struct authors *authors)
{
	authors->missing_count = 0;
	for (uint32_t i = 0; i < authors->count; i++) {
		struct author *a = &authors->list[i];

		a->missing = 0;
		a->before = a->top;
		a->durable = a->top = 0;
		if (a->places != NULL)
			page_begin(a, 1);
	}
	for (uint32_t i = 0; i < FILES_MAX; i++)
		authors->pages[i].author = NO_AUTHOR;
}

int authors_remember(struct authors *authors)
{
	for (uint32_t i = 0; i < authors->count; i++) {
		struct author *a = &authors->list[i];

		if (a->top < a->before &&
			authors_lose(authors, i, a->top + 1, a->before) < 0)
			return -1;
		a->durable = reach(authors, i, 0, a->top);
		a->head = reach(authors, i, 0, a->newest);
	}
	return 0;
}

void authors_close(struct authors *authors)
{
	if (authors == NULL)
		return;
	files_close(&authors->files);
	for (uint32_t i = 0; i < authors->count; i++)
		free(authors->list[i].places);
	free(authors->list);
	free(authors->slots);
	free(authors->by_id);
	free(authors->missing);
	free(authors);
}

struct authors *authors_open(int fd, enum authors_mode mode)
{
	struct authors *authors = calloc(1, sizeof(*authors));

	if (authors == NULL)
		return NULL;
	authors->fd = fd;
	authors->mode = mode;
	for (uint32_t i = 0; i < FILES_MAX; i++)
		authors->pages[i].author = NO_AUTHOR;
	authors->slots = calloc(SLOTS_FIRST, sizeof(*authors->slots));
	authors->slot_count = SLOTS_FIRST;
	if (authors->slots == NULL) {
		authors_close(authors);
		return NULL;
	}
	random_bytes(authors->secret, sizeof(authors->secret));
	return authors;
}
