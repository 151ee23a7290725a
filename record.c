/* SPDX-License-Identifier: ISC */
/*
 * record.c: what is stored, hashed and signed of a record, and which records
 * a log may have.
 *
 * STORED, numbers little-endian, the unsigned layout on the right:
 *
 *	 0  u64  time_ms		 0  u64  time_ms
 *	 8  u8   type			 8  u8   type
 *	 9  u8   flags			 9  u8   flags
 *	10  u16  0			10  u16  0
 *	12  u32  size			12  u32  size
 *	16       id, 32 bytes
 *	48       signature, 64 bytes
 *	112      payload, size bytes	16       payload, size bytes
 *
 * Bytes are a record if and only if
 *	(1) bytes 10 and 11 are 0,
 *	(2) size is at most RECORD_ENTRY_MAX,
 *	(3) they are size + 112 in all: signed; or size + 16: unsigned.
 *
 * HASHED AND SIGNED are the fields, never an encoding of them.  T(x) is the
 * first 32 bytes of SHA-512(x), | joins, a string goes in with its NUL:
 *
 *	room_id = T("chat/room/1" | u8 mode: 0 open, 1 closed
 *	            | u8 length | room's name)
 *	log_id  = T("chat/log/1" | room_id | public key | u32 epoch) = id(0)
 *	body    = T("chat/body/1" | payload)
 *	id(seq) = T("chat/rec/1" | log_id | u64 seq | u64 time_ms | u8 type
 *	            | u32 size | id(seq - 1) | body)
 *	signed  = "chat/sig/1" | log_id | u64 seq | id(seq)
 *
 * The signature is no part of the id: otherwise whoever relays the newest
 * record could spoil the signature, and with it every id to come.  The payload
 * is in it by its hash only, so that a text can be forgotten one day and the
 * chain still holds.
 *
 * PAYLOADS
 *
 *	OPEN		room_id 32 | public key 32 | u32 epoch | u8 length | name
 *	TEXT		the text
 *	CONTINUE	log_id 32 | u64 seq
 *	NAME		the name
 *
 * where a name has 1 to LIMIT_NAME of [a-z0-9-], and a - at neither end.
 *
 * A record is valid as number seq of a log if and only if
 *	(1) seq <= LIMIT_SEQ,
 *	(2) its payload has at most LIMIT_TEXT bytes in a TEXT, LIMIT_PAYLOAD in
 *	    any other,
 *	(3) its time is not before that of record seq - 1,
 *	(4) it is an OPEN if seq is 1, and only then; its room_id, public key
 *	    and epoch hash to log_id,
 *	(5) a CONTINUE has seq 2 and an epoch other than 0, and names a number
 *	    <= LIMIT_SEQ,
 *	(6) an OPEN, a CONTINUE and a NAME have the payload above, and not a
 *	    byte more.
 * These depend on the log's bytes alone, so that all peers agree for ever.
 *
 * This file does not decide which of two records with one number counts, nor
 * what a record is worth whose author is unknown: room.c does.
 */
#include "record.h"
#include "crypto/crypto.h"

static const char room_tag[] = "chat/room/1";
static const char log_tag[] = "chat/log/1";
static const char body_tag[] = "chat/body/1";
static const char id_tag[] = "chat/rec/1";
static const char signed_tag[] = "chat/sig/1";

enum {
	ROOM_HASHED_MAX = sizeof(room_tag) + 1 + 1 + LIMIT_NAME,
	LOG_HASHED_SIZE =
		sizeof(log_tag) + RECORD_ID_SIZE + RECORD_KEY_SIZE + 4,
	ID_HASHED_SIZE = sizeof(id_tag) + RECORD_ID_SIZE + 8 + 8 + 1 + 4 +
			 RECORD_ID_SIZE + RECORD_ID_SIZE,
	SIGNED_SIZE = sizeof(signed_tag) + RECORD_ID_SIZE + 8 + RECORD_ID_SIZE
};

const char *record_verdict_name(enum record_verdict verdict)
{
	switch (verdict) {
	case RECORD_GOOD:
		return "good";
	case RECORD_TOO_MANY:
		return "too many";
	case RECORD_TOO_LARGE:
		return "too large";
	case RECORD_TIME_BACK:
		return "time goes back";
	case RECORD_BAD_OPEN:
		return "bad open";
	case RECORD_BAD_NAME:
		return "bad name";
	case RECORD_BAD_CONTINUE:
		return "bad continue";
	}
	return "unknown";
}

/*
 * Stored.
 */

size_t record_encode(const struct record *record, uint8_t *to)
{
	struct writer w = writer_over(to, RECORD_MAX);

	assert(!record->payload.bad &&
		record->payload.left <= RECORD_ENTRY_MAX);
	assert((record->id == NULL) == (record->signature == NULL));
	write_le64(&w, record->time_ms);
	write_u8(&w, record->type);
	write_u8(&w, record->flags);
	write_le16(&w, 0);
	write_le32(&w, (uint32_t)record->payload.left);
	if (record->id != NULL) {
		write_bytes(&w, record->id, RECORD_ID_SIZE);
		write_bytes(&w, record->signature, RECORD_SIGNATURE_SIZE);
	}
	write_bytes(&w, record->payload.at, record->payload.left);
	return w.size;
}

bool record_decode(const void *bytes, size_t size, struct record *record)
{
	struct reader r = reader_over(bytes, size);
	uint32_t payload_size = 0;
	uint16_t zero = 0;

	record->time_ms = read_le64(&r);
	record->type = read_u8(&r);
	record->flags = read_u8(&r);
	zero = read_le16(&r);
	payload_size = read_le32(&r);
	record->id = NULL;
	record->signature = NULL;
	if (r.bad || zero != 0 || payload_size > RECORD_ENTRY_MAX) /* (1) (2) */
		return false;
	if (r.left != payload_size) {
		record->id = read_bytes(&r, RECORD_ID_SIZE);
		record->signature = read_bytes(&r, RECORD_SIGNATURE_SIZE);
	}
	record->payload = read_part(&r, payload_size);
	return !r.bad && r.left == 0; /* (3) */
}

/*
 * Hashed and signed.
 */

/* T(x), of what was written. */
static void hash_written(uint8_t id[RECORD_ID_SIZE], const struct writer *w)
{
	struct sha512 s;

	assert(!w->full);
	sha512_begin(&s);
	sha512_add(&s, w->bytes, w->size);
	sha512_end(&s, id, RECORD_ID_SIZE);
}

static void hash_body(
	uint8_t body[RECORD_ID_SIZE], const struct reader *payload)
{
	struct sha512 s;

	sha512_begin(&s);
	sha512_add(&s, body_tag, sizeof(body_tag));
	sha512_add(&s, payload->at, payload->left);
	sha512_end(&s, body, RECORD_ID_SIZE);
}

void record_room_id(
	uint8_t room_id[RECORD_ID_SIZE], bool closed, const char *room)
{
	uint8_t bytes[ROOM_HASHED_MAX];
	struct writer w = writer_over(bytes, sizeof(bytes));
	size_t length = strlen(room);

	assert(length <= LIMIT_NAME);
	write_bytes(&w, room_tag, sizeof(room_tag));
	write_u8(&w, closed);
	write_u8(&w, (uint8_t)length);
	write_bytes(&w, room, length);
	hash_written(room_id, &w);
}

void record_log_id(
	struct record_log *log, const uint8_t room_id[RECORD_ID_SIZE])
{
	uint8_t bytes[LOG_HASHED_SIZE];
	struct writer w = writer_over(bytes, sizeof(bytes));

	write_bytes(&w, log_tag, sizeof(log_tag));
	write_bytes(&w, room_id, RECORD_ID_SIZE);
	write_bytes(&w, log->public_key, RECORD_KEY_SIZE);
	write_le32(&w, log->epoch);
	hash_written(log->id, &w);
}

/* id(seq), where chain is the place after record seq - 1. */
static void record_id(uint8_t id[RECORD_ID_SIZE],
	const struct record_chain *chain, const struct record_log *log,
	const struct record *record)
{
	uint8_t bytes[ID_HASHED_SIZE];
	struct writer w = writer_over(bytes, sizeof(bytes));

	write_bytes(&w, id_tag, sizeof(id_tag));
	write_bytes(&w, log->id, RECORD_ID_SIZE);
	write_le64(&w, chain->seq + 1);
	write_le64(&w, record->time_ms);
	write_u8(&w, record->type);
	write_le32(&w, (uint32_t)record->payload.left);
	write_bytes(&w, chain->id, RECORD_ID_SIZE);
	hash_body(write_room(&w, RECORD_ID_SIZE), &record->payload);
	hash_written(id, &w);
}

static void write_signed(struct writer *w, const struct record_log *log,
	uint64_t seq, const uint8_t id[RECORD_ID_SIZE])
{
	write_bytes(w, signed_tag, sizeof(signed_tag));
	write_bytes(w, log->id, RECORD_ID_SIZE);
	write_le64(w, seq);
	write_bytes(w, id, RECORD_ID_SIZE);
	assert(!w->full);
}

void record_sign(uint8_t signature[RECORD_SIGNATURE_SIZE],
	const struct record_log *log, uint64_t seq,
	const uint8_t id[RECORD_ID_SIZE], const struct ed25519_key *key)
{
	uint8_t bytes[SIGNED_SIZE];
	struct writer w = writer_over(bytes, sizeof(bytes));

	assert(memcmp(log->public_key, key->public_key, RECORD_KEY_SIZE) == 0);
	write_signed(&w, log, seq, id);
	ed25519_sign(signature, key, w.bytes, w.size);
}

bool record_verify(const struct record_log *log, uint64_t seq,
	const uint8_t id[RECORD_ID_SIZE],
	const uint8_t signature[RECORD_SIGNATURE_SIZE])
{
	uint8_t bytes[SIGNED_SIZE];
	struct writer w = writer_over(bytes, sizeof(bytes));

	write_signed(&w, log, seq, id);
	return ed25519_verify_vartime(
		signature, log->public_key, w.bytes, w.size);
}

/*
 * Payloads.
 */

static bool name_has(uint8_t byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') ||
	       byte == '-';
}

bool record_name_decode(struct reader payload, char name[LIMIT_NAME + 1])
{
	size_t size = payload.left;

	if (payload.bad || size == 0 || size > LIMIT_NAME)
		return false;
	read_copy(&payload, name, size);
	name[size] = '\0';
	for (size_t i = 0; i < size; i++)
		if (!name_has((uint8_t)name[i]))
			return false;
	return name[0] != '-' && name[size - 1] != '-';
}

size_t record_open_encode(const struct record_open *open, uint8_t *to)
{
	struct writer w = writer_over(to, RECORD_OPEN_MAX);
	size_t length = strlen(open->name);

	write_bytes(&w, open->room_id, RECORD_ID_SIZE);
	write_bytes(&w, open->public_key, RECORD_KEY_SIZE);
	write_le32(&w, open->epoch);
	write_u8(&w, (uint8_t)length);
	write_bytes(&w, open->name, length);
	assert(!w.full);
	return w.size;
}

bool record_open_decode(struct reader payload, struct record_open *open)
{
	struct reader name;

	read_copy(&payload, open->room_id, RECORD_ID_SIZE);
	read_copy(&payload, open->public_key, RECORD_KEY_SIZE);
	open->epoch = read_le32(&payload);
	name = read_part(&payload, read_u8(&payload)); /* bad if any was */
	return payload.left == 0 && record_name_decode(name, open->name);
}

size_t record_continue_encode(const struct record_continue *next, uint8_t *to)
{
	struct writer w = writer_over(to, RECORD_CONTINUE_SIZE);

	write_bytes(&w, next->log_id, RECORD_ID_SIZE);
	write_le64(&w, next->seq);
	return w.size;
}

bool record_continue_decode(struct reader payload, struct record_continue *next)
{
	read_copy(&payload, next->log_id, RECORD_ID_SIZE);
	next->seq = read_le64(&payload);
	return !payload.bad && payload.left == 0 && next->seq <= LIMIT_SEQ;
}

/*
 * Valid.
 */

static bool is_open_of(const struct record_log *log, struct reader payload)
{
	struct record_open open;
	struct record_log opened;

	if (!record_open_decode(payload, &open))
		return false;
	memcpy(opened.public_key, open.public_key, RECORD_KEY_SIZE);
	opened.epoch = open.epoch;
	record_log_id(&opened, open.room_id);
	return memcmp(opened.id, log->id, RECORD_ID_SIZE) == 0;
}

static bool is_continue_of(
	const struct record_log *log, uint64_t seq, struct reader payload)
{
	struct record_continue next;

	return seq == 2 && log->epoch != 0 &&
	       record_continue_decode(payload, &next);
}

static enum record_verdict record_check(const struct record_chain *chain,
	const struct record_log *log, const struct record *record)
{
	uint64_t seq = chain->seq + 1;
	size_t limit = record->type == RECORD_TEXT ? LIMIT_TEXT : LIMIT_PAYLOAD;
	char name[LIMIT_NAME + 1];

	if (seq > LIMIT_SEQ) /* (1) */
		return RECORD_TOO_MANY;
	if (record->payload.left > limit) /* (2) */
		return RECORD_TOO_LARGE;
	if (record->time_ms < chain->time_ms) /* (3) */
		return RECORD_TIME_BACK;
	if ((record->type == RECORD_OPEN) != (seq == 1)) /* (4) */
		return RECORD_BAD_OPEN;
	switch ((enum record_type)record->type) {
	case RECORD_OPEN:
		return is_open_of(log, record->payload) ? RECORD_GOOD
							: RECORD_BAD_OPEN;
	case RECORD_CONTINUE: /* (5) (6) */
		return is_continue_of(log, seq, record->payload)
			       ? RECORD_GOOD
			       : RECORD_BAD_CONTINUE;
	case RECORD_NAME: /* (6) */
		return record_name_decode(record->payload, name)
			       ? RECORD_GOOD
			       : RECORD_BAD_NAME;
	case RECORD_TEXT:
		break;
	}
	return RECORD_GOOD;
}

void record_chain_begin(
	struct record_chain *chain, const struct record_log *log)
{
	chain->seq = 0;
	chain->time_ms = 0;
	memcpy(chain->id, log->id, RECORD_ID_SIZE);
}

enum record_verdict record_chain_add(struct record_chain *chain,
	const struct record_log *log, const struct record *record)
{
	enum record_verdict verdict = record_check(chain, log, record);

	if (verdict != RECORD_GOOD)
		return verdict;
	assert(!record->payload.bad);
	record_id(chain->id, chain, log, record);
	chain->seq++;
	chain->time_ms = record->time_ms;
	return RECORD_GOOD;
}
