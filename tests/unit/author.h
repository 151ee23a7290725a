/* SPDX-License-Identifier: ISC */
/*
 * author.h: for tests: somebody who signs records, which go into a store as if
 * they had been accepted there.
 */
#ifndef AUTHOR_H
#define AUTHOR_H

#include "log.h"
#include "record.h"

struct author {
	struct ed25519_key key;
	struct record_log log;
	struct record_chain chain;
	uint8_t flags;   /* of what is written next */
	uint8_t spoiled; /* is added to its signature's first byte */
};

static inline void author_append(struct author *a, struct log *log,
	const struct record *record, const uint8_t id[RECORD_ID_SIZE])
{
	static uint8_t bytes[RECORD_MAX];
	uint8_t signature[RECORD_SIGNATURE_SIZE];
	struct record copy = *record;
	struct log_record stored = { a->log.id, a->chain.seq, bytes, 0 };

	record_sign(signature, &a->log, a->chain.seq, id, &a->key);
	signature[0] = (uint8_t)(signature[0] + a->spoiled);
	copy.id = id;
	copy.signature = signature;
	copy.flags = a->flags;
	stored.size = record_encode(&copy, bytes);
	assert_int_equal(log_append(log, &stored), 0);
	assert_int_equal(log_commit(log, 0), 0);
}

static inline void author_write(
	struct author *a, struct log *log, uint8_t type, struct reader payload)
{
	struct record record = { .time_ms = 1000 * (a->chain.seq + 1),
		.type = type,
		.payload = payload };

	assert_int_equal(
		record_chain_add(&a->chain, &a->log, &record), RECORD_GOOD);
	author_append(a, log, &record, a->chain.id);
}

static inline void author_say(
	struct author *a, struct log *log, const char *text)
{
	author_write(a, log, RECORD_TEXT, reader_over(text, strlen(text)));
}

/* `number` chooses the key. */
static inline void author_open(struct author *a, struct log *log,
	unsigned number, const struct record_open *template)
{
	uint8_t seed[ED25519_SEED_SIZE] = { (uint8_t)number };
	uint8_t bytes[RECORD_OPEN_MAX];
	struct record_open open = *template;

	memset(a, 0, sizeof(*a));
	a->flags = RECORD_VERIFIED;
	ed25519_key_from_seed(&a->key, seed);
	memcpy(open.public_key, a->key.public_key, RECORD_KEY_SIZE);
	memcpy(a->log.public_key, a->key.public_key, RECORD_KEY_SIZE);
	a->log.epoch = open.epoch;
	record_log_id(&a->log, open.room_id);
	record_chain_begin(&a->chain, &a->log);
	author_write(a, log, RECORD_OPEN,
		reader_over(bytes, record_open_encode(&open, bytes)));
}

/* An author of the open room, in epoch 0. */
static inline void author_join(
	struct author *a, struct log *log, unsigned number, const char *name)
{
	struct record_open open = { .epoch = 0 };

	record_room_id(open.room_id, false, "");
	(void)snprintf(open.name, sizeof(open.name), "%s", name);
	author_open(a, log, number, &open);
}

/* A record as version 0.1.0 stored it. */
static inline void author_unsigned(
	struct log *log, const uint8_t *key, uint64_t seq, const char *text)
{
	uint8_t bytes[256];
	struct record record = { .time_ms = 500 * seq,
		.type = RECORD_TEXT,
		.payload = reader_over(text, strlen(text)) };
	struct log_record stored = { key, seq, bytes, 0 };

	assert_true(strlen(text) < 200);
	stored.size = record_encode(&record, bytes);
	assert_int_equal(log_append(log, &stored), 0);
	assert_int_equal(log_commit(log, 0), 0);
}

#endif
