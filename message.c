/* SPDX-License-Identifier: ISC */
/*
 * message.c: the bodies of native messages, in protocol buffers' encoding
 * (proto.h).
 *
 *	Hello	1 version	number < 2^32
 *		2 name		1 .. 32 bytes, record_name_decode
 *		3 port		number < 2^16
 *		4 agent		0 .. 64 bytes, no NUL
 *		5 features	number
 *		6 address	repeated, at most 32: 4 or 16 bytes of IP, then
 *				2 of port, big-endian
 *	Digest	1 entry		repeated, at most LIMIT_DIGEST_ENTRIES: Entry
 *		2 complete	0 or 1
 *		3 again		0 or 1
 *		4 state		16 bytes
 *		5 unlike	0 or 1
 *	Entry	1 number	number < 2^32, required, not 0
 *		2 pk		32 bytes
 *		3 epoch		number < 2^32; only beside pk
 *		4 seq		number <= LIMIT_SEQ
 *		5 id		16 bytes; not when seq is 0
 *		6 want		0, 1 or 2
 *		7 frozen	0 or 1
 *	Batch	1 number, 2 pk, 3 epoch		as in Entry
 *		4 first		number <= LIMIT_SEQ, required, not 0
 *		5 previous	16 bytes, required
 *		6 record	repeated, 1 .. LIMIT_BATCH_RECORDS: Record
 *	Record	1 time_ms	number
 *		2 type		number < 2^8
 *		3 payload	bytes
 *		4 signature	64 bytes, required
 *		5 body hash	in place of a payload that was forgotten:
 *				nobody makes such records yet
 *	Fork	1 half		repeated: Half; all but the first are skipped
 *	Half	1 pk		32 bytes, required
 *		2 epoch		number < 2^32
 *		3 seq		number <= LIMIT_SEQ, required, not 0
 *		4 id		32 bytes, required
 *		5 signature	64 bytes, required
 *	Ping	1 token		number
 *		2 answer	0 or 1
 *	Bye	1 reason	0 .. 64 bytes, no NUL
 *
 * A body is valid if and only if
 *	(1) it is fields from its first byte to its last, and so is each
 *	    message inside it,
 *	(2) each field above is a varint if the table says number, 0 or 1, and
 *	    bytes otherwise, and within the bounds that it gives,
 *	(3) the required ones are there,
 *	(4) no Record has a field 5,
 *	(5) a Batch has at most LIMIT_BATCH_SIZE bytes, and its last record's
 *	    number is at most LIMIT_SEQ.
 * Fields come in any order; of one that is not repeated, the last counts.
 * What is absent is 0 or empty, and what is 0 or empty is left out when it is
 * written.  Other fields are skipped.
 *
 * Repeated fields are checked where they are and never copied: a reader over
 * the whole body is what message_next_entry and message_next_record walk.
 *
 * This file does not know whether a number was given to a log before, whether
 * a record may be the next one of its log, nor whether a signature is good.
 */
#include "message.h"
#include "proto.h"

enum { HALF_MAX = 160 /* bytes of an encoded Half */ };

/* Leaves: a field's value, within its bounds; r->bad when it is not. */

static uint64_t field_number(
	const struct field *f, uint64_t most, struct reader *r)
{
	if (f->type == PROTO_VARINT && f->value <= most)
		return f->value;
	r->bad = true;
	return 0;
}

static uint32_t field_u32(const struct field *f, struct reader *r)
{
	return (uint32_t)field_number(f, UINT32_MAX, r);
}

static bool field_flag(const struct field *f, struct reader *r)
{
	return field_number(f, 1, r) == 1;
}

/* Exactly `size` bytes, or NULL. */
static const uint8_t *field_bytes(
	const struct field *f, size_t size, struct reader *r)
{
	if (f->type == PROTO_BYTES && f->bytes.left == size)
		return f->bytes.at;
	r->bad = true;
	return NULL;
}

/* The same, copied. */
static bool field_copy(
	const struct field *f, void *to, size_t size, struct reader *r)
{
	const uint8_t *bytes = field_bytes(f, size, r);

	if (bytes != NULL)
		memcpy(to, bytes, size);
	return bytes != NULL;
}

/* At most `most` bytes without NUL, copied with one. */
static void field_text(
	const struct field *f, char *to, size_t most, struct reader *r)
{
	struct reader text = f->bytes;
	size_t size = text.left;

	to[0] = '\0';
	if (f->type != PROTO_BYTES || size > most ||
		(size > 0 && memchr(text.at, '\0', size) != NULL)) {
		r->bad = true;
		return;
	}
	read_copy(&text, to, size);
	to[size] = '\0';
}

/* What is 0 or empty is left out. */

static void put_number(struct writer *w, unsigned number, uint64_t value)
{
	if (value != 0)
		write_varint_field(w, number, value);
}

static size_t number_size(uint64_t value)
{
	return value == 0 ? 0 : varint_field_size(value);
}

static void put_bytes(
	struct writer *w, unsigned number, const void *bytes, size_t size)
{
	if (size > 0)
		write_bytes_field(w, number, bytes, size);
}

/* Hello. */

static void hello_address(
	struct message_hello *hello, const struct field *f, struct reader *r)
{
	size_t size = f->bytes.left;
	int i = hello->address_count;

	if ((size != 4 + 2 && size != 16 + 2) || i == MESSAGE_ADDRESSES_MAX ||
		!field_copy(f, hello->addresses[i].bytes, size, r)) {
		r->bad = true;
		return;
	}
	hello->addresses[i].size = (uint8_t)size;
	hello->address_count++;
}

bool message_decode_hello(struct reader r, struct message_hello *hello)
{
	memset(hello, 0, sizeof(*hello));
	while (!r.bad && r.left > 0) {
		struct field f = read_field(&r);

		switch (f.number) {
		case 1:
			hello->version = field_u32(&f, &r);
			break;
		case 2:
			if (f.type != PROTO_BYTES ||
				!record_name_decode(f.bytes, hello->name))
				r.bad = true;
			break;
		case 3:
			hello->port = (uint16_t)field_number(&f, 0xffff, &r);
			break;
		case 4:
			field_text(&f, hello->agent, MESSAGE_AGENT_MAX, &r);
			break;
		case 5:
			hello->features = field_number(&f, UINT64_MAX, &r);
			break;
		case 6:
			hello_address(hello, &f, &r);
			break;
		}
	}
	return !r.bad;
}

void message_put_hello(struct writer *w, const struct message_hello *hello)
{
	assert(hello->address_count <= MESSAGE_ADDRESSES_MAX);
	put_number(w, 1, hello->version);
	put_bytes(w, 2, hello->name, strlen(hello->name));
	put_number(w, 3, hello->port);
	put_bytes(w, 4, hello->agent, strlen(hello->agent));
	put_number(w, 5, hello->features);
	for (int i = 0; i < hello->address_count; i++)
		put_bytes(w, 6, hello->addresses[i].bytes,
			hello->addresses[i].size);
}

/* How a log is named: the same fields in Entry and Batch. */

static void log_field(
	struct message_log *log, const struct field *f, struct reader *r)
{
	switch (f->number) {
	case 1:
		log->number = field_u32(f, r);
		break;
	case 2:
		log->named = field_copy(
			f, log->public_key, sizeof(log->public_key), r);
		break;
	case 3:
		log->epoch = field_u32(f, r);
		break;
	}
}

static bool log_valid(const struct message_log *log)
{
	return log->number != 0 && (log->named || log->epoch == 0);
}

static void put_log(struct writer *w, const struct message_log *log)
{
	assert(log->number != 0);
	put_number(w, 1, log->number);
	if (!log->named)
		return;
	put_bytes(w, 2, log->public_key, sizeof(log->public_key));
	put_number(w, 3, log->epoch);
}

/* Digest. */

static bool entry_decode(struct reader r, struct message_entry *entry)
{
	memset(entry, 0, sizeof(*entry));
	while (!r.bad && r.left > 0) {
		struct field f = read_field(&r);

		switch (f.number) {
		case 1:
		case 2:
		case 3:
			log_field(&entry->log, &f, &r);
			break;
		case 4:
			entry->seq = field_number(&f, LIMIT_SEQ, &r);
			break;
		case 5:
			entry->has_id = field_copy(
				&f, entry->id, sizeof(entry->id), &r);
			break;
		case 6:
			entry->want = (enum message_want)field_number(
				&f, WANT_FROM, &r);
			break;
		case 7:
			entry->frozen = field_flag(&f, &r);
			break;
		}
	}
	return !r.bad && log_valid(&entry->log) &&
	       (entry->seq > 0 || !entry->has_id);
}

bool message_decode_digest(struct reader r, struct message_digest *digest)
{
	struct message_entry entry;
	int count = 0;

	memset(digest, 0, sizeof(*digest));
	digest->entries = r;
	while (!r.bad && r.left > 0) {
		struct field f = read_field(&r);

		switch (f.number) {
		case 1:
			if (++count > LIMIT_DIGEST_ENTRIES ||
				f.type != PROTO_BYTES ||
				!entry_decode(f.bytes, &entry))
				r.bad = true;
			break;
		case 2:
			digest->complete = field_flag(&f, &r);
			break;
		case 3:
			digest->again = field_flag(&f, &r);
			break;
		case 4:
			digest->has_state = field_copy(
				&f, digest->state, sizeof(digest->state), &r);
			break;
		case 5:
			digest->unlike = field_flag(&f, &r);
			break;
		}
	}
	return !r.bad;
}

bool message_next_entry(struct reader *entries, struct message_entry *entry)
{
	while (!entries->bad && entries->left > 0) {
		struct field f = read_field(entries);

		if (f.number == 1)
			return entry_decode(f.bytes, entry);
	}
	return false;
}

void message_put_entry(struct writer *w, const struct message_entry *entry)
{
	uint8_t bytes[MESSAGE_ENTRY_MAX];
	struct writer inner = writer_over(bytes, sizeof(bytes));

	assert(entry->seq <= LIMIT_SEQ);
	put_log(&inner, &entry->log);
	put_number(&inner, 4, entry->seq);
	if (entry->has_id)
		put_bytes(&inner, 5, entry->id, sizeof(entry->id));
	put_number(&inner, 6, entry->want);
	put_number(&inner, 7, entry->frozen);
	assert(!inner.full && bytes_field_size(inner.size) <= sizeof(bytes));
	write_bytes_field(w, 1, bytes, inner.size);
}

void message_put_digest_end(
	struct writer *w, const struct message_digest *digest)
{
	put_number(w, 2, digest->complete);
	put_number(w, 3, digest->again);
	if (digest->has_state)
		put_bytes(w, 4, digest->state, sizeof(digest->state));
	put_number(w, 5, digest->unlike);
}

/* Batch. */

static bool record_field_decode(struct reader r, struct record *record)
{
	memset(record, 0, sizeof(*record));
	record->payload = reader_over(r.at, 0);
	while (!r.bad && r.left > 0) {
		struct field f = read_field(&r);

		switch (f.number) {
		case 1:
			record->time_ms = field_number(&f, UINT64_MAX, &r);
			break;
		case 2:
			record->type = (uint8_t)field_number(&f, 0xff, &r);
			break;
		case 3:
			record->payload = f.bytes;
			if (f.type != PROTO_BYTES)
				r.bad = true;
			break;
		case 4:
			record->signature =
				field_bytes(&f, RECORD_SIGNATURE_SIZE, &r);
			break;
		case 5:
			r.bad = true;
			break;
		}
	}
	return !r.bad && record->signature != NULL;
}

bool message_decode_batch(struct reader r, struct message_batch *batch)
{
	bool have_previous = false;
	struct record record;

	memset(batch, 0, sizeof(*batch));
	batch->records = r;
	if (r.left > LIMIT_BATCH_SIZE)
		return false;
	while (!r.bad && r.left > 0) {
		struct field f = read_field(&r);

		switch (f.number) {
		case 1:
		case 2:
		case 3:
			log_field(&batch->log, &f, &r);
			break;
		case 4:
			batch->first = field_number(&f, LIMIT_SEQ, &r);
			break;
		case 5:
			have_previous = field_copy(&f, batch->previous,
				sizeof(batch->previous), &r);
			break;
		case 6:
			if (++batch->count > LIMIT_BATCH_RECORDS ||
				f.type != PROTO_BYTES ||
				!record_field_decode(f.bytes, &record))
				r.bad = true;
			break;
		}
	}
	return !r.bad && log_valid(&batch->log) && have_previous &&
	       batch->first > 0 && batch->count > 0 &&
	       batch->count - 1 <= LIMIT_SEQ - batch->first;
}

bool message_next_record(struct reader *records, struct record *record)
{
	while (!records->bad && records->left > 0) {
		struct field f = read_field(records);

		if (f.number == 6)
			return record_field_decode(f.bytes, record);
	}
	return false;
}

void message_put_batch_head(struct writer *w, const struct message_batch *b)
{
	assert(b->first > 0 && b->first <= LIMIT_SEQ);
	put_log(w, &b->log);
	put_number(w, 4, b->first);
	put_bytes(w, 5, b->previous, sizeof(b->previous));
}

/* Without the field that it stands in. */
static size_t record_inner_size(const struct record *record)
{
	size_t payload = record->payload.left;

	return number_size(record->time_ms) + number_size(record->type) +
	       (payload == 0 ? 0 : bytes_field_size(payload)) +
	       bytes_field_size(RECORD_SIGNATURE_SIZE);
}

size_t message_record_size(const struct record *record)
{
	return bytes_field_size(record_inner_size(record));
}

void message_put_record(struct writer *w, const struct record *record)
{
	assert(record->signature != NULL);
	write_varint(w, 6 << 3 | PROTO_BYTES);
	write_varint(w, record_inner_size(record));
	put_number(w, 1, record->time_ms);
	put_number(w, 2, record->type);
	put_bytes(w, 3, record->payload.at, record->payload.left);
	put_bytes(w, 4, record->signature, RECORD_SIGNATURE_SIZE);
}

/* Fork. */

static bool half_decode(struct reader r, struct message_half *half)
{
	bool have_key = false, have_id = false, have_signature = false;

	while (!r.bad && r.left > 0) {
		struct field f = read_field(&r);

		switch (f.number) {
		case 1:
			have_key = field_copy(&f, half->public_key,
				sizeof(half->public_key), &r);
			break;
		case 2:
			half->epoch = field_u32(&f, &r);
			break;
		case 3:
			half->seq = field_number(&f, LIMIT_SEQ, &r);
			break;
		case 4:
			have_id =
				field_copy(&f, half->id, sizeof(half->id), &r);
			break;
		case 5:
			have_signature = field_copy(&f, half->signature,
				sizeof(half->signature), &r);
			break;
		}
	}
	return !r.bad && have_key && half->seq > 0 && have_id && have_signature;
}

bool message_decode_half(struct reader r, struct message_half *half)
{
	bool have_half = false;

	memset(half, 0, sizeof(*half));
	while (!r.bad && r.left > 0) {
		struct field f = read_field(&r);

		if (f.number != 1 || have_half)
			continue;
		have_half = true;
		if (f.type != PROTO_BYTES || !half_decode(f.bytes, half))
			r.bad = true;
	}
	return !r.bad && have_half;
}

void message_put_half(struct writer *w, const struct message_half *half)
{
	uint8_t bytes[HALF_MAX];
	struct writer inner = writer_over(bytes, sizeof(bytes));

	assert(half->seq > 0 && half->seq <= LIMIT_SEQ);
	put_bytes(&inner, 1, half->public_key, sizeof(half->public_key));
	put_number(&inner, 2, half->epoch);
	put_number(&inner, 3, half->seq);
	put_bytes(&inner, 4, half->id, sizeof(half->id));
	put_bytes(&inner, 5, half->signature, sizeof(half->signature));
	assert(!inner.full);
	write_bytes_field(w, 1, bytes, inner.size);
}

/* Ping and Bye. */

bool message_decode_ping(struct reader r, struct message_ping *ping)
{
	memset(ping, 0, sizeof(*ping));
	while (!r.bad && r.left > 0) {
		struct field f = read_field(&r);

		if (f.number == 1)
			ping->token = field_number(&f, UINT64_MAX, &r);
		else if (f.number == 2)
			ping->answer = field_flag(&f, &r);
	}
	return !r.bad;
}

void message_put_ping(struct writer *w, const struct message_ping *ping)
{
	put_number(w, 1, ping->token);
	put_number(w, 2, ping->answer);
}

bool message_decode_bye(struct reader r, char reason[MESSAGE_REASON_MAX + 1])
{
	reason[0] = '\0';
	while (!r.bad && r.left > 0) {
		struct field f = read_field(&r);

		if (f.number == 1)
			field_text(&f, reason, MESSAGE_REASON_MAX, &r);
	}
	return !r.bad;
}

void message_put_bye(struct writer *w, const char *reason)
{
	put_bytes(w, 1, reason, strlen(reason));
}
