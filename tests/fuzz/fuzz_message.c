/* SPDX-License-Identifier: ISC */
/*
 * fuzz_message.c: bodies of native messages.  The first byte of an input is
 * the type, the rest the body.  What must hold of a body that is valid:
 *	1. all that was decoded is within its bounds,
 *	2. it can be written, no longer than it was, and read again; written
 *	   once more, it has the same bytes,
 *	3. its parts are as many as were counted.
 */
#include "fuzz.h"
#include "message.h"

static void check_text(const char *text, size_t most)
{
	CHECK(memchr(text, '\0', most + 1) != NULL);
}

static bool echo_hello(struct reader body, struct writer *w)
{
	struct message_hello hello;

	if (!message_decode_hello(body, &hello))
		return false;
	check_text(hello.name, LIMIT_NAME);
	check_text(hello.agent, MESSAGE_AGENT_MAX);
	CHECK(hello.address_count >= 0 &&
		hello.address_count <= MESSAGE_ADDRESSES_MAX);
	for (int i = 0; i < hello.address_count; i++)
		CHECK(hello.addresses[i].size == 6 ||
			hello.addresses[i].size == 18);
	message_put_hello(w, &hello);
	return true;
}

static void check_log(const struct message_log *log)
{
	CHECK(log->number > 0 && (log->named || log->epoch == 0));
}

static bool echo_digest(struct reader body, struct writer *w)
{
	struct message_digest digest;
	struct message_entry entry;
	int count = 0;

	if (!message_decode_digest(body, &digest))
		return false;
	while (message_next_entry(&digest.entries, &entry)) {
		size_t before = w->size;

		check_log(&entry.log);
		CHECK(entry.seq <= LIMIT_SEQ && entry.want <= WANT_FROM);
		message_put_entry(w, &entry);
		CHECK(w->full || w->size - before <= MESSAGE_ENTRY_MAX);
		count++;
	}
	CHECK(!digest.entries.bad && digest.entries.left == 0);
	CHECK(count <= LIMIT_DIGEST_ENTRIES);
	message_put_digest_end(w, &digest);
	return true;
}

static bool echo_batch(struct reader body, struct writer *w)
{
	struct message_batch batch;
	struct record record;
	uint32_t count = 0;

	if (!message_decode_batch(body, &batch))
		return false;
	check_log(&batch.log);
	CHECK(batch.first > 0 && batch.first + batch.count - 1 <= LIMIT_SEQ);
	CHECK(batch.count > 0 && batch.count <= LIMIT_BATCH_RECORDS);
	message_put_batch_head(w, &batch);
	while (message_next_record(&batch.records, &record)) {
		size_t before = w->size;

		CHECK(record.id == NULL && record.flags == 0);
		message_put_record(w, &record);
		CHECK(w->full ||
			w->size - before == message_record_size(&record));
		count++;
	}
	CHECK(!batch.records.bad && batch.records.left == 0);
	CHECK(count == batch.count);
	return true;
}

static bool echo_half(struct reader body, struct writer *w)
{
	struct message_half half;

	if (!message_decode_half(body, &half))
		return false;
	CHECK(half.seq > 0 && half.seq <= LIMIT_SEQ);
	message_put_half(w, &half);
	return true;
}

static bool echo_ping(struct reader body, struct writer *w)
{
	struct message_ping ping;

	if (!message_decode_ping(body, &ping))
		return false;
	message_put_ping(w, &ping);
	return true;
}

static bool echo_bye(struct reader body, struct writer *w)
{
	char reason[MESSAGE_REASON_MAX + 1];

	if (!message_decode_bye(body, reason))
		return false;
	check_text(reason, MESSAGE_REASON_MAX);
	message_put_bye(w, reason);
	return true;
}

/* Reads a body and writes it; false when it is malformed. */
static bool echo(uint8_t type, struct reader body, struct writer *w)
{
	switch (type) {
	case MESSAGE_HELLO:
		return echo_hello(body, w);
	case MESSAGE_DIGEST:
		return echo_digest(body, w);
	case MESSAGE_BATCH:
		return echo_batch(body, w);
	case MESSAGE_FORK:
		return echo_half(body, w);
	case MESSAGE_PING:
		return echo_ping(body, w);
	case MESSAGE_BYE:
		return echo_bye(body, w);
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static uint8_t once[MESSAGE_MAX], twice[MESSAGE_MAX];
	struct writer first = writer_over(once, sizeof(once));
	struct writer second = writer_over(twice, sizeof(twice));
	struct reader body = reader_over(bytes, size);
	uint8_t type = read_u8(&body);

	if (body.left > MESSAGE_MAX || !echo(type, body, &first))
		return 0;
	CHECK(!first.full && first.size <= body.left);
	CHECK(echo(type, reader_over(once, first.size), &second));
	CHECK(first.size == second.size);
	CHECK(memcmp(once, twice, first.size) == 0);
	return 0;
}
