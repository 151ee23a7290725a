/* SPDX-License-Identifier: ISC */
/*
 * record.h: records of signed logs: their bytes on the disk, their ids, their
 * signatures, and what makes one valid.  Pure: no descriptor, clock or memory.
 *
 * A log belongs to a public key in a room in an epoch.  Each of its records
 * has an id, which covers the record and the id before it, and a signature of
 * that id: so the signature of one record vouches for all that come before.
 * The table of what is hashed and signed stands at the top of record.c.
 *
 *	record_chain_begin(&chain, &log);	or of the newest record held
 *	for each record, in order:
 *		verdict = record_chain_add(&chain, &log, &record);
 *	record_verify(&log, chain.seq, chain.id, signature of the last)
 *
 * Unsigned records, of the original program and of databases made before
 * there were signatures, have the short layout and no id.
 */
#ifndef RECORD_H
#define RECORD_H

#include "bytes.h"
#include "crypto/crypto.h"
#include "limit.h"

enum {
	RECORD_ID_SIZE = 32,
	RECORD_PREFIX_SIZE = 16, /* what of an id is sent to name it */
	RECORD_KEY_SIZE = ED25519_PUBLIC_SIZE,
	RECORD_SIGNATURE_SIZE = ED25519_SIGNATURE_SIZE,
	RECORD_HEADER_SIZE = 112, /* of a signed record */
	RECORD_UNSIGNED_HEADER_SIZE = 16,
	RECORD_ENTRY_MAX = 64 * 1024, /* payload of an unsigned record */
	RECORD_MAX = RECORD_HEADER_SIZE + RECORD_ENTRY_MAX
};

/* Other types than these are kept and relayed, and not shown. */
enum record_type {
	RECORD_OPEN = 0,     /* always and only the first: struct record_open */
	RECORD_TEXT = 1,     /* at most LIMIT_TEXT bytes */
	RECORD_CONTINUE = 2, /* struct record_continue: only the second, and not
				in epoch 0 */
	RECORD_NAME = 3      /* a new name, as in OPEN */
};

/* flags of a record on the disk */
enum {
	RECORD_VERIFIED = 1, /* its own signature was verified here */
	RECORD_MADE_HERE = 2 /* by this database, or one it is a copy of */
};

struct record {
	uint64_t time_ms; /* since 1970 */
	uint8_t type;
	uint8_t flags;
	struct reader payload;    /* borrowed */
	const uint8_t *id;        /* borrowed; NULL in an unsigned record */
	const uint8_t *signature; /* the same */
};

/* A log's identity; `id` follows from the rest and the room. */
struct record_log {
	uint8_t id[RECORD_ID_SIZE];
	uint8_t public_key[RECORD_KEY_SIZE];
	uint32_t epoch; /* 0 for the first log of a key */
};

/* The place after a record: what the next one is joined to. */
struct record_chain {
	uint64_t seq; /* 0: before the first */
	uint64_t time_ms;
	uint8_t id[RECORD_ID_SIZE]; /* of seq; of the log when seq is 0 */
};

struct record_open {
	uint8_t room_id[RECORD_ID_SIZE];
	uint8_t public_key[RECORD_KEY_SIZE];
	uint32_t epoch;
	char name[LIMIT_NAME + 1]; /* see record_name_decode */
};

struct record_continue {
	uint8_t log_id[RECORD_ID_SIZE]; /* of the epoch before */
	uint64_t seq;                   /* its newest record that counts */
};

/* Why a record can not be the next one. */
enum record_verdict {
	RECORD_GOOD,
	RECORD_TOO_MANY,  /* beyond LIMIT_SEQ */
	RECORD_TOO_LARGE, /* its payload is */
	RECORD_TIME_BACK, /* earlier than the record before it */
	RECORD_BAD_OPEN,  /* the first is not the OPEN of this log, or a later
			     one is an OPEN */
	RECORD_BAD_NAME,
	RECORD_BAD_CONTINUE
};

const char *record_verdict_name(enum record_verdict verdict);

/* Writes the layout that record->id asks for; at most RECORD_MAX bytes. */
size_t record_encode(const struct record *record, uint8_t *to);

/* False when the bytes are no record.  The result points into them. */
bool record_decode(
	const void *bytes, size_t size, struct record *record) MUST_USE;

/* `room`: at most LIMIT_NAME bytes; "" is the open room's. */
void record_room_id(
	uint8_t room_id[RECORD_ID_SIZE], bool closed, const char *room);

/* Computes log->id from the room and the other fields. */
void record_log_id(
	struct record_log *log, const uint8_t room_id[RECORD_ID_SIZE]);

void record_chain_begin(
	struct record_chain *chain, const struct record_log *log);

/*
 * Checks that a record's time, type and payload (the rest of it is not looked
 * at) may come next, and then moves the chain to it, with its id computed.
 * Otherwise the chain stays as it was.
 */
enum record_verdict record_chain_add(struct record_chain *chain,
	const struct record_log *log, const struct record *record) MUST_USE;

/* Signs the record that has this number and id.  `log` is the key's own. */
void record_sign(uint8_t signature[RECORD_SIGNATURE_SIZE],
	const struct record_log *log, uint64_t seq,
	const uint8_t id[RECORD_ID_SIZE], const struct ed25519_key *key);

/* Is this the log's author's signature of the record with this id? */
bool record_verify(const struct record_log *log, uint64_t seq,
	const uint8_t id[RECORD_ID_SIZE],
	const uint8_t signature[RECORD_SIGNATURE_SIZE]) MUST_USE;

/* Payloads.  Encoders write at most RECORD_OPEN_MAX bytes; return the size. */
enum {
	RECORD_OPEN_MAX = 32 + 32 + 4 + 1 + LIMIT_NAME,
	RECORD_CONTINUE_SIZE = 40
};

size_t record_open_encode(const struct record_open *open, uint8_t *to);
bool record_open_decode(
	struct reader payload, struct record_open *open) MUST_USE;
size_t record_continue_encode(const struct record_continue *next, uint8_t *to);
bool record_continue_decode(
	struct reader payload, struct record_continue *next) MUST_USE;

/* 1 to 32 of [a-z0-9-], no - at either end; copied with a NUL. */
bool record_name_decode(
	struct reader payload, char name[LIMIT_NAME + 1]) MUST_USE;

#endif
