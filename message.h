/* SPDX-License-Identifier: ISC */
/*
 * message.h: what native links say to each other.  Each message is a type and
 * a body in protocol buffers' encoding; the table of fields stands at the top
 * of message.c.  Pure: decoders borrow from the body, encoders write to a
 * writer and are full when it is.
 *
 * Unknown fields are skipped and unknown types ignored, so that versions may
 * differ.  A log is named by public key and epoch and a number of the sender's
 * choice the first time, by that number alone afterwards.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include "bytes.h"
#include "limit.h"
#include "record.h"

enum message_type {
	MESSAGE_HELLO = 1,
	MESSAGE_DIGEST = 2,
	MESSAGE_BATCH = 3,
	MESSAGE_FORK = 4,
	MESSAGE_PING = 5,
	MESSAGE_BYE = 6
};

enum {
	MESSAGE_MAX = LIMIT_MESSAGE_SIZE, /* bytes of a body */
	MESSAGE_ADDRESSES_MAX = LIMIT_ADDRESSES_TOLD,
	MESSAGE_ADDRESS_MAX = 18, /* bytes: IPv4 or IPv6, then the port */
	MESSAGE_AGENT_MAX = 64,
	MESSAGE_REASON_MAX = 64,
	MESSAGE_STATE_SIZE = 16,
	MESSAGE_ENTRY_MAX = 96 /* bytes of any one encoded Digest entry */
};

/* Strings end with NUL and have no NUL inside; nothing else is sure of them. */
struct message_hello {
	uint32_t version;
	char name[LIMIT_NAME + 1]; /* "" or valid as in record.h */
	uint16_t port;             /* that it listens on, or 0 */
	char agent[MESSAGE_AGENT_MAX + 1];
	uint64_t features;
	int address_count;
	struct {
		uint8_t size; /* 6 or 18 */
		uint8_t bytes[MESSAGE_ADDRESS_MAX];
	} addresses[MESSAGE_ADDRESSES_MAX];
};

/* How a message names a log. */
struct message_log {
	uint32_t number;
	bool named; /* public_key and epoch are there */
	uint8_t public_key[RECORD_KEY_SIZE];
	uint32_t epoch;
};

enum message_want {
	WANT_NOTHING = 0,
	WANT_MORE = 1, /* as before */
	WANT_FROM = 2  /* from the record after seq */
};

/* "I have this log durably up to seq." */
struct message_entry {
	struct message_log log;
	uint64_t seq; /* at most LIMIT_SEQ */
	bool has_id;  /* not when seq is 0, or the id is no news there */
	uint8_t id[RECORD_PREFIX_SIZE]; /* of record seq, or zeros */
	enum message_want want;
	bool frozen; /* forked after seq: it will not move */
};

struct message_digest {
	struct reader entries; /* for message_next_entry */
	bool complete;         /* the last part of the first digest */
	bool again;            /* please tell everything once more */
	bool unlike; /* please tell what you have not told: we differ */
	bool has_state;
	uint8_t state[MESSAGE_STATE_SIZE]; /* of everything: room_state */
};

struct message_batch {
	struct message_log log;
	uint64_t first;
	uint8_t previous[RECORD_PREFIX_SIZE]; /* id of first - 1, or of log */
	uint32_t count;        /* records, 1 to LIMIT_BATCH_RECORDS */
	struct reader records; /* for message_next_record */
};

/* One author's signed word that record seq of a log has this id. */
struct message_half {
	uint8_t public_key[RECORD_KEY_SIZE];
	uint32_t epoch;
	uint64_t seq;
	uint8_t id[RECORD_ID_SIZE];
	uint8_t signature[RECORD_SIGNATURE_SIZE];
};

struct message_ping {
	uint64_t token;
	bool answer; /* a Pong */
};

/*
 * Decoders of a whole body.  False: it is malformed, in itself or in any part
 * of it; the link is to be closed.
 */
bool message_decode_hello(
	struct reader body, struct message_hello *hello) MUST_USE;
bool message_decode_digest(
	struct reader body, struct message_digest *digest) MUST_USE;
bool message_decode_batch(
	struct reader body, struct message_batch *batch) MUST_USE;
bool message_decode_half(
	struct reader body, struct message_half *half) MUST_USE;
bool message_decode_ping(
	struct reader body, struct message_ping *ping) MUST_USE;
bool message_decode_bye(
	struct reader body, char reason[MESSAGE_REASON_MAX + 1]) MUST_USE;

/* The next of those that were checked already; false at the end. */
bool message_next_entry(
	struct reader *entries, struct message_entry *entry) MUST_USE;

/* record->id is NULL, record->signature is there, flags are 0. */
bool message_next_record(
	struct reader *records, struct record *record) MUST_USE;

/*
 * Encoders.  A Digest is begun by nothing, grown by entries, and ended by all
 * the rest of it; a Batch begins with its head (count and records of which are
 * not looked at) and is grown by records, to LIMIT_BATCH_SIZE bytes at most.
 */
void message_put_hello(struct writer *w, const struct message_hello *hello);
void message_put_entry(struct writer *w, const struct message_entry *entry);
void message_put_digest_end(
	struct writer *w, const struct message_digest *digest);
void message_put_batch_head(struct writer *w, const struct message_batch *b);
void message_put_record(struct writer *w, const struct record *record);
void message_put_half(struct writer *w, const struct message_half *half);
void message_put_ping(struct writer *w, const struct message_ping *ping);
void message_put_bye(struct writer *w, const char *reason);

/* Bytes that message_put_record writes. */
size_t message_record_size(const struct record *record);

#endif
