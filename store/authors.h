/* SPDX-License-Identifier: ISC */
/*
 * authors.h: who has written what, and where it stands in the segments.
 *
 * An author's records are numbered 1, 2, 3, ...  Some may be *missing*: the
 * disk lost them, or they were never there, but later ones are.  For each
 * author
 *
 *	durable <= top, durable <= head <= newest, top <= newest
 *
 *	durable	every record up to this one is on the disk
 *	top	the newest record on the disk
 *	head	every record up to this one is on the disk or in the batch
 *	newest	the newest record on the disk or in the batch
 *
 * and all four are equal where nothing is missing and nothing waits.
 *
 * The places of the records are kept in one file an author, authors/KEY.idx.
 * They are hints: verified by whoever follows them, never forced to the disk,
 * and made again from the segments when they are wrong.
 */
#ifndef AUTHORS_H
#define AUTHORS_H

#include "disk.h"
#include "format.h"

enum {
	AUTHORS_MAX = 10000,
	/* Numbers in the segments; more than authors only after damage. */
	AUTHOR_IDS_MAX = 4 * AUTHORS_MAX,
	/* Ranges of missing records; with more, neighbours are joined. */
	MISSING_MAX = 65536,
	PLACES_A_PAGE = 64
};

#define NO_AUTHOR UINT32_MAX

enum authors_mode {
	AUTHORS_WRITE, /* places are written */
	AUTHORS_READ, /* another process writes them; new ones stay in memory */
	AUTHORS_CHECK /* no places at all: only compared */
};

struct author {
	uint8_t key[FORMAT_KEY_SIZE];
	uint64_t durable;
	uint64_t top;
	uint64_t head;
	uint64_t newest;
	uint64_t before;    /* top, when authors_forget was called */
	uint32_t id;        /* in the segments */
	uint32_t announced; /* 1 + number of the segment that has AUTHOR */
	uint32_t missing;   /* ranges in authors->missing */
	uint32_t capacity;  /* of places */
	uint64_t first;     /* the record whose place is places[0] */
	uint64_t *places;   /* the author's last page, or NULL */
	bool dirty;         /* the page holds what its file has not got */
	bool twice;         /* some record may stand in the log twice */
};

struct missing {
	uint32_t author;
	uint64_t first;
	uint64_t last;
};

struct place_page {
	uint32_t author;
	uint64_t first;
	uint64_t places[PLACES_A_PAGE];
};

struct authors {
	int fd;
	enum authors_mode mode;
	struct author *list;
	uint32_t count;
	uint32_t capacity;
	uint32_t *slots; /* open hashing: 1 + index in list, 0 is empty */
	uint32_t slot_count;
	uint64_t secret[FORMAT_KEY_SIZE / 8];
	uint32_t *by_id; /* 1 + index in list, 0 is unknown */
	uint32_t id_count;
	uint32_t id_next; /* above all that were used */
	struct missing *missing;
	uint32_t missing_count;
	uint32_t missing_capacity;
	struct files files;
	struct place_page pages[FILES_MAX]; /* lately read, by author */
};

/* Borrows the descriptor of the folder.  NULL and errno. */
struct authors *authors_open(int fd, enum authors_mode mode) MUST_USE;

/* Writes nothing.  NULL is allowed. */
void authors_close(struct authors *authors);

/* The author with this key, or NO_AUTHOR. */
uint32_t authors_find(const struct authors *authors, const uint8_t *key);

/*
 * Adds an author, or gives a known one this number in the segments as well.
 * NO_AUTHOR and errno: EDQUOT when AUTHORS_MAX are there or the id is too
 * large, ENOMEM.
 */
uint32_t authors_add(
	struct authors *authors, const uint8_t *key, uint32_t id) MUST_USE;

/*
 * This number is used in the segments, by whomever: no new author is given it,
 * nor one below.
 */
void authors_use_id(struct authors *authors, uint32_t id);

/* The author with this number in the segments, or NO_AUTHOR. */
uint32_t authors_by_id(const struct authors *authors, uint32_t id);

/*
 * Makes authors_apply unable to fail for this author, as long as nothing is
 * missing.  -1 and ENOMEM.
 */
int authors_ready(struct authors *authors, uint32_t author) MUST_USE;

/* Record seq, which is head + 1, is in the batch. */
void authors_append(struct authors *authors, uint32_t author, uint64_t seq);

/*
 * Record seq stands at this place on the disk.  A second copy of a record is
 * ignored, a missing one is missing no longer, and those that were jumped
 * over are missing from now on.  -1 and ENOMEM.
 */
int authors_apply(struct authors *authors, uint32_t author, uint64_t seq,
	uint64_t place) MUST_USE;

/* Records first .. last are not to be had, or not yet. */
int authors_lose(struct authors *authors, uint32_t author, uint64_t first,
	uint64_t last) MUST_USE;

bool authors_is_missing(
	const struct authors *authors, uint32_t author, uint64_t seq);

/* Where a record of the disk is said to stand; 0 when nobody knows. */
uint64_t authors_place(struct authors *authors, uint32_t author, uint64_t seq);

/*
 * `count` such places from record `first` on; count <= PLACES_A_PAGE and none
 * beyond `top`.
 */
void authors_places(struct authors *authors, uint32_t author, uint64_t first,
	uint32_t count, uint64_t *places);

/*
 * False when the file of places names another place than this one, although
 * it was written before the checkpoint that authors_forget forgot.
 */
bool authors_agree(struct authors *authors, uint32_t author, uint64_t seq,
	uint64_t place) MUST_USE;

/* Writes all places that are in memory only.  What fails stays in memory. */
void authors_flush(struct authors *authors);

/*
 * The places of an author's newest page, up to `top`, to and from bytes of a
 * checkpoint: author_page_size of them.  -1 and ENOMEM.
 */
uint32_t author_page_size(const struct author *author);
void authors_write_page(
	const struct authors *authors, uint32_t author, struct writer *w);
int authors_read_page(
	struct authors *authors, uint32_t author, struct reader *r) MUST_USE;

/* Before all records are applied anew: forgets them, but not the tops. */
void authors_forget(struct authors *authors);

/* After that: what did not come again is missing.  -1 and ENOMEM. */
int authors_remember(struct authors *authors) MUST_USE;

#endif
