/* SPDX-License-Identifier: ISC */
/*
 * book.h: for tests: an author's log, written in memory, from which batches
 * and halves are made.  The author signs whatever he is told to.
 */
#ifndef BOOK_H
#define BOOK_H

#include "testing.h"

#include "message.h"
#include "record.h"

enum { BOOK_PAGES = 1200, BOOK_TEXT = 112, BOOK_KNOWN = 512 };

#define BOOK_NOW ((uint64_t)1800000000000)

struct page {
	uint64_t time_ms;
	uint8_t type;
	uint8_t text[BOOK_TEXT]; /* the payload, unless it is longer */
	const void *payload;
	size_t size;
	uint8_t id[RECORD_ID_SIZE];
	uint8_t signature[RECORD_SIGNATURE_SIZE];
};

/* Page n is record n; those after chain.seq are not written. */
struct book {
	char name[LIMIT_NAME + 1];
	struct ed25519_key key;
	struct record_log log;
	struct record_chain chain;
	struct page pages[BOOK_PAGES];
};

/* Who is who, in transcripts. */
static struct {
	uint8_t key[RECORD_KEY_SIZE];
	char name[LIMIT_NAME + 1];
} book_known[BOOK_KNOWN];

static inline void book_know(const uint8_t *key, const char *name)
{
	size_t i = 0;

	while (book_known[i].name[0] != '\0' &&
		memcmp(book_known[i].key, key, RECORD_KEY_SIZE) != 0)
		i++;
	if (i == BOOK_KNOWN - 1)
		return; /* of so many nobody wants to read */
	memcpy(book_known[i].key, key, RECORD_KEY_SIZE);
	(void)snprintf(
		book_known[i].name, sizeof(book_known[i].name), "%s", name);
}

static inline const char *book_who(const uint8_t *key)
{
	size_t i = 0;

	while (book_known[i].name[0] != '\0' &&
		memcmp(book_known[i].key, key, RECORD_KEY_SIZE) != 0)
		i++;
	return book_known[i].name[0] == '\0' ? "?" : book_known[i].name;
}

static inline void book_key(struct ed25519_key *key, unsigned who)
{
	uint8_t seed[ED25519_SEED_SIZE] = { (uint8_t)who, (uint8_t)(who >> 8) };

	ed25519_key_from_seed(key, seed);
}

/* Signs a page as it stands there. */
static inline void book_sign(struct book *b, uint64_t seq)
{
	record_sign(b->pages[seq].signature, &b->log, seq, b->pages[seq].id,
		&b->key);
}

/* The next record; a long payload is borrowed.  Valid or not, it is signed. */
static inline void book_add(
	struct book *b, unsigned type, const void *payload, size_t size)
{
	uint64_t seq = b->chain.seq + 1;
	struct page *page = &b->pages[seq];
	struct record record = { .time_ms = BOOK_NOW + seq,
		.type = (uint8_t)type,
		.payload = reader_over(payload, size) };

	assert_true(seq < BOOK_PAGES);
	page->time_ms = record.time_ms;
	page->type = record.type;
	page->size = size;
	page->payload = size > sizeof(page->text) ? payload : NULL;
	if (page->payload == NULL)
		memcpy(page->text, payload, size);
	if (record_chain_add(&b->chain, &b->log, &record) != RECORD_GOOD) {
		b->chain.seq = seq;
		memset(b->chain.id, (int)seq, sizeof(b->chain.id));
	}
	memcpy(page->id, b->chain.id, sizeof(page->id));
	book_sign(b, seq);
}

static inline void book_say(struct book *b, const char *text)
{
	book_add(b, RECORD_TEXT, text, strlen(text));
}

/* Texts up to record `last`: "alice-7". */
static inline void book_fill(struct book *b, uint64_t last)
{
	char text[48];

	while (b->chain.seq < last) {
		(void)snprintf(text, sizeof(text), "%.20s-%u", b->name,
			(unsigned)b->chain.seq + 1);
		book_say(b, text);
	}
}

/* The log of key `who` in a room, with its OPEN. */
static inline void book_open_in(struct book *b, unsigned who, uint32_t epoch,
	const char *name, const uint8_t *room_id)
{
	uint8_t payload[RECORD_OPEN_MAX];
	struct record_open open = { .epoch = epoch };

	memset(b, 0, sizeof(*b));
	(void)snprintf(b->name, sizeof(b->name), "%s", name);
	(void)snprintf(open.name, sizeof(open.name), "%s", name);
	book_key(&b->key, who);
	memcpy(b->log.public_key, b->key.public_key, RECORD_KEY_SIZE);
	memcpy(open.public_key, b->key.public_key, RECORD_KEY_SIZE);
	memcpy(open.room_id, room_id, RECORD_ID_SIZE);
	b->log.epoch = epoch;
	record_log_id(&b->log, room_id);
	record_chain_begin(&b->chain, &b->log);
	book_add(b, RECORD_OPEN, payload, record_open_encode(&open, payload));
	book_know(b->key.public_key, name);
}

/* The same in the open room, in epoch 0. */
static inline void book_open(struct book *b, unsigned who, const char *name)
{
	uint8_t room_id[RECORD_ID_SIZE];

	record_room_id(room_id, false, "");
	book_open_in(b, who, 0, name, room_id);
}

/* Another history of the same author, after record `seq`. */
static inline void book_branch(
	struct book *to, const struct book *from, uint64_t seq)
{
	*to = *from;
	to->chain.seq = seq;
	to->chain.time_ms = from->pages[seq].time_ms;
	memcpy(to->chain.id, from->pages[seq].id, RECORD_ID_SIZE);
}

/* The id before record `first`. */
static inline const uint8_t *book_previous(const struct book *b, uint64_t first)
{
	return first == 1 ? b->log.id : b->pages[first - 1].id;
}

/* The body of a Batch of records first .. last, named by key and `number`. */
static inline void book_put_batch(struct writer *w, const struct book *b,
	uint32_t number, uint64_t first, uint64_t last)
{
	struct message_batch batch = { .log = { .number = number,
					       .named = true,
					       .epoch = b->log.epoch },
		.first = first };

	memcpy(batch.log.public_key, b->log.public_key, RECORD_KEY_SIZE);
	memcpy(batch.previous, book_previous(b, first), RECORD_PREFIX_SIZE);
	message_put_batch_head(w, &batch);
	for (uint64_t seq = first; seq <= last; seq++) {
		const struct page *page = &b->pages[seq];
		struct record record = { .time_ms = page->time_ms,
			.type = page->type,
			.payload = reader_over(page->payload == NULL
						       ? page->text
						       : page->payload,
				page->size),
			.signature = page->signature };

		message_put_record(w, &record);
	}
	assert_false(w->full);
}

/* An entry of a Digest about it: `seq` 0 claims nothing. */
static inline struct message_entry book_entry(const struct book *b,
	uint32_t number, uint64_t seq, enum message_want want)
{
	struct message_entry entry = { .log = { .number = number,
					       .named = true,
					       .epoch = b->log.epoch },
		.seq = seq,
		.has_id = seq > 0,
		.want = want };

	memcpy(entry.log.public_key, b->log.public_key, RECORD_KEY_SIZE);
	if (seq > 0 && seq <= b->chain.seq)
		memcpy(entry.id, b->pages[seq].id, RECORD_PREFIX_SIZE);
	else if (seq > 0)
		memset(entry.id, 0x55, RECORD_PREFIX_SIZE); /* a lie */
	return entry;
}

static inline struct message_half book_half(const struct book *b, uint64_t seq)
{
	struct message_half half = { .epoch = b->log.epoch, .seq = seq };

	memcpy(half.public_key, b->log.public_key, RECORD_KEY_SIZE);
	memcpy(half.id, b->pages[seq].id, RECORD_ID_SIZE);
	memcpy(half.signature, b->pages[seq].signature, RECORD_SIGNATURE_SIZE);
	return half;
}

#endif
