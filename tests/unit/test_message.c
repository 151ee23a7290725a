/* SPDX-License-Identifier: ISC */
/*
 * test_message.c: the bodies of native messages, byte by byte, in hexadecimal.
 *
 * What a decoder makes of a body is told in lines:
 *
 *	hello VERSION name=NAME PORT agent=AGENT FEATURES, address HEX
 *	digest, complete, again, entry LOG SEQ:ID WANT, frozen
 *	batch LOG FIRST:PREVIOUS COUNT, record TIME TYPE PAYLOAD:SIGNATURE
 *	half KEY.EPOCH SEQ:ID:SIGNATURE
 *	ping TOKEN, pong TOKEN		bye REASON
 *	malformed
 *
 * where LOG is NUMBER or NUMBER=KEY.EPOCH, and of keys, ids and signatures,
 * which all have equal bytes here, one byte is told.
 */
#include "testing.h"

#include "hex.h"
#include "message.h"
#include "proto.h"

#define TIMES_4(hex)  hex hex hex hex
#define TIMES_16(hex) TIMES_4(TIMES_4(hex))
#define KEY           TIMES_16("a1a1")
#define ID            TIMES_16("b2")
#define ID_32         TIMES_16("b2b2")
#define SIGNATURE     TIMES_4(TIMES_16("c3"))
#define RECORD                                                                 \
	"32"                                                                   \
	"42"                                                                   \
	"2240" SIGNATURE
#define HALF                                                                   \
	"0a20" KEY "1801"                                                      \
	"2220" ID_32 "2a40" SIGNATURE

static struct transcript told;

/* The byte that all of them are. */
static unsigned same(const uint8_t *bytes, size_t size)
{
	for (size_t i = 1; i < size; i++)
		assert_int_equal(bytes[i], bytes[0]);
	return bytes[0];
}

#define SAME(array) same((array), sizeof(array))

static void tell_log(const struct message_log *log)
{
	tell(&told, " %u", log->number);
	if (log->named)
		tell(&told, "=%x.%u", SAME(log->public_key), log->epoch);
}

static bool tell_hello(struct reader body)
{
	struct message_hello hello;

	if (!message_decode_hello(body, &hello))
		return false;
	tell(&told, "hello %u name=%s %u agent=%s %llu\n", hello.version,
		hello.name, hello.port, hello.agent,
		(unsigned long long)hello.features);
	for (int i = 0; i < hello.address_count; i++) {
		tell(&told, "address ");
		for (int j = 0; j < hello.addresses[i].size; j++)
			tell(&told, "%02x", hello.addresses[i].bytes[j]);
		tell(&told, "\n");
	}
	return true;
}

static bool tell_digest(struct reader body)
{
	struct message_digest digest;
	struct message_entry entry;

	if (!message_decode_digest(body, &digest))
		return false;
	tell(&told, "digest%s%s%s", digest.complete ? " complete" : "",
		digest.again ? " again" : "", digest.unlike ? " unlike" : "");
	if (digest.has_state)
		tell(&told, " state=%x", SAME(digest.state));
	tell(&told, "\n");
	while (message_next_entry(&digest.entries, &entry)) {
		tell(&told, "entry");
		tell_log(&entry.log);
		tell(&told, " %llu:%x %d%s\n", (unsigned long long)entry.seq,
			SAME(entry.id), (int)entry.want,
			entry.frozen ? " frozen" : "");
	}
	return true;
}

static bool tell_batch(struct reader body)
{
	struct message_batch batch;
	struct record record;

	if (!message_decode_batch(body, &batch))
		return false;
	tell(&told, "batch");
	tell_log(&batch.log);
	tell(&told, " %llu:%x %u\n", (unsigned long long)batch.first,
		SAME(batch.previous), batch.count);
	while (message_next_record(&batch.records, &record)) {
		assert_null(record.id);
		assert_int_equal(record.flags, 0);
		tell(&told, "record %llu %u %.*s:%x\n",
			(unsigned long long)record.time_ms, record.type,
			(int)record.payload.left,
			(const char *)record.payload.at,
			same(record.signature, RECORD_SIGNATURE_SIZE));
		batch.count--;
	}
	assert_int_equal(batch.count, 0);
	return true;
}

static bool tell_half(struct reader body)
{
	struct message_half half;

	if (!message_decode_half(body, &half))
		return false;
	tell(&told, "half %x.%u %llu:%x:%x\n", SAME(half.public_key),
		half.epoch, (unsigned long long)half.seq, SAME(half.id),
		SAME(half.signature));
	return true;
}

static bool tell_ping(struct reader body)
{
	struct message_ping ping;

	if (!message_decode_ping(body, &ping))
		return false;
	tell(&told, "%s %llu\n", ping.answer ? "pong" : "ping",
		(unsigned long long)ping.token);
	return true;
}

static bool tell_bye(struct reader body)
{
	char reason[MESSAGE_REASON_MAX + 1];

	if (!message_decode_bye(body, reason))
		return false;
	tell(&told, "bye %s\n", reason);
	return true;
}

static bool tell_body(enum message_type type, struct reader body)
{
	switch (type) {
	case MESSAGE_HELLO:
		return tell_hello(body);
	case MESSAGE_DIGEST:
		return tell_digest(body);
	case MESSAGE_BATCH:
		return tell_batch(body);
	case MESSAGE_FORK:
		return tell_half(body);
	case MESSAGE_PING:
		return tell_ping(body);
	case MESSAGE_BYE:
		return tell_bye(body);
	}
	return false;
}

/* Decodes a copy of exactly that size, so that reading too far is found. */
static bool tell_bytes(enum message_type type, const void *bytes, size_t size)
{
	uint8_t *copy = malloc(size + (size == 0));
	bool valid;

	assert_non_null(copy);
	if (size > 0)
		memcpy(copy, bytes, size);
	valid = tell_body(type, reader_over(copy, size));
	if (!valid)
		tell(&told, "malformed\n");
	free(copy);
	return valid;
}

static uint8_t bytes[MESSAGE_MAX];

static bool tell_hex(enum message_type type, const char *hex)
{
	return tell_bytes(type, bytes, hex_bytes(bytes, sizeof(bytes), hex));
}

/* What is written: each message with all its fields, and with none. */

static struct message_log named_log(void)
{
	struct message_log log = { .number = 300, .named = true, .epoch = 7 };

	memset(log.public_key, 0xa1, sizeof(log.public_key));
	return log;
}

static void put_full_hello(struct writer *w)
{
	struct message_hello hello = { .version = 1,
		.name = "alice",
		.port = 55204,
		.agent = "chat/2",
		.features = 5,
		.address_count = 2 };

	hello.addresses[0].size = 6;
	memcpy(hello.addresses[0].bytes, "\300\250\0\1\1\2", 6);
	hello.addresses[1].size = 18;
	memset(hello.addresses[1].bytes, 0xfe, 18);
	message_put_hello(w, &hello);
}

static void put_empty_hello(struct writer *w)
{
	struct message_hello hello = { 0 };

	message_put_hello(w, &hello);
}

static void put_digest(struct writer *w)
{
	struct message_digest rest = { .complete = true,
		.again = true,
		.unlike = true,
		.has_state = true };
	struct message_entry entry = { .log = named_log(),
		.seq = LIMIT_SEQ,
		.has_id = true,
		.want = WANT_FROM,
		.frozen = true };
	size_t before = w->size;

	memset(entry.id, 0xb2, sizeof(entry.id));
	message_put_entry(w, &entry);
	assert_true(w->full || w->size - before <= MESSAGE_ENTRY_MAX);
	/* What stands there does not count without has_id. */
	entry.log = (struct message_log){ .number = 1 };
	entry.seq = 0;
	entry.has_id = false;
	entry.want = WANT_NOTHING;
	entry.frozen = false;
	message_put_entry(w, &entry);
	memset(rest.state, 0xa1, sizeof(rest.state));
	message_put_digest_end(w, &rest);
}

static void put_empty_digest(struct writer *w)
{
	static const struct message_digest rest;

	message_put_digest_end(w, &rest);
}

static void put_batch(struct writer *w)
{
	struct message_batch batch = { .log = named_log(), .first = 128 };
	uint8_t signature[RECORD_SIGNATURE_SIZE];
	struct record record = { .time_ms = 1000,
		.type = RECORD_TEXT,
		.payload = reader_over("hi", 2),
		.signature = signature };
	size_t before;

	memset(signature, 0xc3, sizeof(signature));
	memset(batch.previous, 0xb2, sizeof(batch.previous));
	message_put_batch_head(w, &batch);
	before = w->size;
	message_put_record(w, &record);
	assert_true(
		w->full || w->size - before == message_record_size(&record));
	record = (struct record){ .signature = signature };
	before = w->size;
	message_put_record(w, &record);
	assert_true(
		w->full || w->size - before == message_record_size(&record));
}

static void put_half(struct writer *w)
{
	struct message_half half = { .epoch = UINT32_MAX, .seq = LIMIT_SEQ };

	memset(half.public_key, 0xa1, sizeof(half.public_key));
	memset(half.id, 0xb2, sizeof(half.id));
	memset(half.signature, 0xc3, sizeof(half.signature));
	message_put_half(w, &half);
}

static void put_ping(struct writer *w)
{
	struct message_ping ping = { UINT64_MAX, false };

	message_put_ping(w, &ping);
}

static void put_pong(struct writer *w)
{
	struct message_ping ping = { 0, true };

	message_put_ping(w, &ping);
}

static void put_bye(struct writer *w)
{
	message_put_bye(w, "quits");
}

static const struct golden_case {
	enum message_type type;
	void (*put)(struct writer *w);
	const char *hex;
	const char *told;
} golden_cases[] = {
	{ MESSAGE_HELLO, put_full_hello,
		"0801"
		"1205616c696365"
		"18a4af03"
		"2206636861742f32"
		"2805"
		"3206c0a800010102"
		"3212fefefefefefefefefefefefefefefefefefe",
		"hello 1 name=alice 55204 agent=chat/2 5\n"
		"address c0a800010102\n"
		"address fefefefefefefefefefefefefefefefefefe\n" },
	{ MESSAGE_HELLO, put_empty_hello, "-", "hello 0 name= 0 agent= 0\n" },
	{ MESSAGE_DIGEST, put_digest,
		"0a43"
		"08ac02"
		"1220" KEY "1807"
		"20feffffff0f"
		"2a10" ID "3002"
		"3801"
		"0a02"
		"0801"
		"1001"
		"1801"
		"2210" TIMES_16("a1") "2801",
		"digest complete again unlike state=a1\n"
		"entry 300=a1.7 4294967294:b2 2 frozen\n"
		"entry 1 0:0 0\n" },
	{ MESSAGE_DIGEST, put_empty_digest, "-", "digest\n" },
	{ MESSAGE_BATCH, put_batch,
		"08ac02"
		"1220" KEY "1807"
		"208001"
		"2a10" ID "324b"
		"08e807"
		"1001"
		"1a026869"
		"2240" SIGNATURE RECORD,
		"batch 300=a1.7 128:b2 2\n"
		"record 1000 1 hi:c3\n"
		"record 0 0 :c3\n" },
	{ MESSAGE_FORK, put_half,
		"0a9201"
		"0a20" KEY "10ffffffff0f"
		"18feffffff0f"
		"2220" ID_32 "2a40" SIGNATURE,
		"half a1.4294967295 4294967294:b2:c3\n" },
	{ MESSAGE_PING, put_ping, "08ffffffffffffffffff01",
		"ping 18446744073709551615\n" },
	{ MESSAGE_PING, put_pong, "1001", "pong 0\n" },
	{ MESSAGE_BYE, put_bye, "0a057175697473", "bye quits\n" },
};

static void message_bodies_have_golden_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(golden_cases); i++) {
		const struct golden_case *c = &golden_cases[i];
		struct writer w = writer_over(bytes, sizeof(bytes));

		c->put(&w);
		assert_false(w.full);
		assert_int_equal(w.size,
			strcmp(c->hex, "-") == 0 ? 0 : strlen(c->hex) / 2);
		assert_hex(bytes, w.size, c->hex);
		assert_true(tell_bytes(c->type, bytes, w.size));
		assert_told(&told, c->told);
	}
}

static void message_encoders_are_full_when_the_writer_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(golden_cases); i++) {
		const struct golden_case *c = &golden_cases[i];
		size_t size = hex_bytes(bytes, sizeof(bytes), c->hex);
		struct writer w = writer_over(bytes, size - (size > 0));

		c->put(&w);
		assert_int_equal(w.full, size > 0);
	}
}

/* Where a body may be cut so that whole fields are left. */
static bool is_field_end(const uint8_t *body, size_t size)
{
	struct reader r = reader_over(body, size);

	while (!r.bad && r.left > 0)
		(void)read_field(&r);
	return !r.bad;
}

static void message_cut_anywhere_but_between_fields_is_malformed(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(golden_cases); i++) {
		const struct golden_case *c = &golden_cases[i];
		size_t size = hex_bytes(bytes, sizeof(bytes), c->hex);

		for (size_t cut = 0; cut < size; cut++) {
			bool valid = tell_bytes(c->type, bytes, cut);

			if (valid && !is_field_end(bytes, cut))
				fail_msg("%s cut at %zu", c->hex, cut);
			transcript_clear(&told);
		}
	}
}

/* What is read. */

static const struct valid_case {
	enum message_type type;
	const char *hex;
	const char *told;
} valid_cases[] = {
	/* Any order; the last one counts; others are skipped. */
	{ MESSAGE_PING, "10010805", "pong 5\n" },
	{ MESSAGE_PING,
		"080508061001"
		"1000",
		"ping 6\n" },
	{ MESSAGE_PING,
		"1805"
		"210102030405060708"
		"2a0178"
		"3501020304"
		"82010178"
		"0807",
		"ping 7\n" },
	{ MESSAGE_PING, "-", "ping 0\n" },
	{ MESSAGE_BYE, "-", "bye \n" },
	{ MESSAGE_BYE, "0a00", "bye \n" },
	{ MESSAGE_BYE, "0a40" TIMES_16("61616161"),
		"bye aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n" },
	{ MESSAGE_HELLO,
		"18ffff03"
		"08ffffffff0f"
		"120161",
		"hello 4294967295 name=a 65535 agent= 0\n" },
	{ MESSAGE_HELLO, "28ffffffffffffffffff01",
		"hello 0 name= 0 agent= 18446744073709551615\n" },
	/* Entries before, between and after the flags. */
	{ MESSAGE_DIGEST,
		"0a020801"
		"1001"
		"0a020802"
		"3a00"
		"0a020803",
		"digest complete\nentry 1 0:0 0\nentry 2 0:0 0\n"
		"entry 3 0:0 0\n" },
	{ MESSAGE_DIGEST,
		"0a18"
		"2a10" ID "2001"
		"0809"
		"3001",
		"digest\nentry 9 1:b2 1\n" },
	/* An id that is no news. */
	{ MESSAGE_DIGEST, "0a0408012001", "digest\nentry 1 1:0 0\n" },
	/* What is 0 may be there. */
	{ MESSAGE_DIGEST,
		"0a0a0801"
		"1800"
		"2000"
		"3000"
		"3800",
		"digest\nentry 1 0:0 0\n" },
	/* Records before their batch's head. */
	{ MESSAGE_BATCH,
		RECORD "2a10" ID "2001"
		       "0801" RECORD,
		"batch 1 1:b2 2\nrecord 0 0 :c3\nrecord 0 0 :c3\n" },
	{ MESSAGE_BATCH,
		"0801"
		"20feffffff0f"
		"2a10" ID RECORD,
		"batch 1 4294967294:b2 1\nrecord 0 0 :c3\n" },
	{ MESSAGE_BATCH,
		"0801"
		"2001"
		"2a10" ID "3250"
		"08ffffffffffffffffff01"
		"10ff01"
		"2240" SIGNATURE,
		"batch 1 1:b2 1\nrecord 18446744073709551615 255 :c3\n" },
	/* Only the first half is looked at. */
	{ MESSAGE_FORK, "0a8801" HALF "0a0178", "half a1.0 1:b2:c3\n" },
};

static void message_decoders_take_any_order_and_skip_what_is_new(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(valid_cases); i++) {
		(void)tell_hex(valid_cases[i].type, valid_cases[i].hex);
		assert_told(&told, valid_cases[i].told);
	}
}

#define NEGATIVE "ffffffffffffffffff01" /* -1, as protocol buffers have it */

static const struct malformed_case {
	const char *name;
	enum message_type type;
	const char *hex;
} malformed_cases[] = {
	/* Fields. */
	{ "a tag alone", MESSAGE_PING, "08" },
	{ "field 0", MESSAGE_PING, "0001" },
	{ "field 2^32 + 1", MESSAGE_PING, "88808080800101" },
	{ "padded tag", MESSAGE_PING, "880001" },
	{ "padded number", MESSAGE_PING, "088100" },
	{ "number over 2^64", MESSAGE_PING, "08ffffffffffffffffff02" },
	{ "number of 11 bytes", MESSAGE_PING, "088180808080808080808001" },
	{ "padded size", MESSAGE_BYE, "0a810061" },
	{ "size of 2^64 - 1", MESSAGE_BYE, "0a" NEGATIVE "61" },
	{ "size beyond the end", MESSAGE_BYE, "0a0261" },
	{ "a group", MESSAGE_PING, "1b1c" },
	{ "type 6", MESSAGE_PING, "1e" },
	{ "type 7", MESSAGE_PING, "1f" },
	{ "unknown field cut short", MESSAGE_PING, "21010203" },
	/* Hello. */
	{ "version 2^32", MESSAGE_HELLO, "088080808010" },
	{ "version is bytes", MESSAGE_HELLO, "0a0101" },
	{ "name of 33", MESSAGE_HELLO, "1221" TIMES_16("6161") "61" },
	{ "empty name", MESSAGE_HELLO, "1200" },
	{ "name in capitals", MESSAGE_HELLO, "120141" },
	{ "name with NUL", MESSAGE_HELLO, "1203610061" },
	{ "name with ESC", MESSAGE_HELLO, "1203611b61" },
	{ "name is a number", MESSAGE_HELLO, "1001" },
	{ "port 65536", MESSAGE_HELLO, "18808004" },
	{ "port -1", MESSAGE_HELLO, "18" NEGATIVE },
	{ "agent of 65", MESSAGE_HELLO, "2241" TIMES_16("61616161") "61" },
	{ "agent with NUL", MESSAGE_HELLO, "2203610061" },
	{ "agent is a number", MESSAGE_HELLO, "2001" },
	{ "features are bytes", MESSAGE_HELLO, "2a0101" },
	{ "address of 0", MESSAGE_HELLO, "3200" },
	{ "address of 5", MESSAGE_HELLO, "32050102030405" },
	{ "address of 7", MESSAGE_HELLO, "320701020304050607" },
	{ "address of 17", MESSAGE_HELLO, "3211" TIMES_16("01") "01" },
	{ "address of 19", MESSAGE_HELLO, "3213" TIMES_16("01") "010101" },
	{ "address is a number", MESSAGE_HELLO, "3001" },
	/* Digest. */
	{ "entry without number", MESSAGE_DIGEST, "0a00" },
	{ "entry 0", MESSAGE_DIGEST, "0a020800" },
	{ "entry 2^32", MESSAGE_DIGEST, "0a06088080808010" },
	{ "entry 2^32 + 5", MESSAGE_DIGEST, "0a06088580808010" },
	{ "entry -1", MESSAGE_DIGEST, "0a0b08" NEGATIVE },
	{ "entry is a number", MESSAGE_DIGEST, "0801" },
	{ "entry beyond the end", MESSAGE_DIGEST, "0a0a0801" },
	{ "entry with half a field", MESSAGE_DIGEST, "0a0308010a" },
	{ "empty pk", MESSAGE_DIGEST, "0a0408011200" },
	{ "pk of 31", MESSAGE_DIGEST,
		"0a230801121f" TIMES_4("01010101010101") "010101" },
	{ "pk of 33", MESSAGE_DIGEST, "0a2508011221" KEY "a1" },
	{ "pk is a number", MESSAGE_DIGEST, "0a0408011001" },
	{ "epoch without pk", MESSAGE_DIGEST, "0a0408011801" },
	{ "epoch 2^32", MESSAGE_DIGEST, "0a2a08011220" KEY "188080808010" },
	{ "seq 2^32 - 1", MESSAGE_DIGEST, "0a1a080120ffffffff0f2a10" ID },
	{ "seq 2^32 + 5", MESSAGE_DIGEST, "0a1a08012085808080102a10" ID },
	{ "seq -1", MESSAGE_DIGEST, "0a1f080120" NEGATIVE "2a10" ID },
	{ "padded seq", MESSAGE_DIGEST, "0a1708012081002a10" ID },
	{ "seq is bytes", MESSAGE_DIGEST, "0a1708012201012a10" ID },
	{ "id without seq", MESSAGE_DIGEST, "0a1408012a10" ID },
	{ "id of 15", MESSAGE_DIGEST,
		"0a15080120012a0f" TIMES_4("010101") "010101" },
	{ "id of 17", MESSAGE_DIGEST, "0a17080120012a11" ID "b2" },
	{ "id is a number", MESSAGE_DIGEST, "0a06080120012801" },
	{ "want 3", MESSAGE_DIGEST, "0a0408013003" },
	{ "want -1", MESSAGE_DIGEST, "0a0d080130" NEGATIVE },
	{ "frozen 2", MESSAGE_DIGEST, "0a0408013802" },
	{ "complete 2", MESSAGE_DIGEST, "1002" },
	{ "complete 2^32 + 1", MESSAGE_DIGEST, "108180808010" },
	{ "again is bytes", MESSAGE_DIGEST, "1a0101" },
	{ "state of 15", MESSAGE_DIGEST, "220f" TIMES_4("010101") "010101" },
	{ "state of 17", MESSAGE_DIGEST, "2211" ID "b2" },
	{ "state is a number", MESSAGE_DIGEST, "2001" },
	{ "unlike 2", MESSAGE_DIGEST, "2802" },
	{ "a bad entry after good ones", MESSAGE_DIGEST,
		"0a0208010a0208020a020800" },
	/* Batch. */
	{ "no batch", MESSAGE_BATCH, "-" },
	{ "batch without number", MESSAGE_BATCH, "20012a10" ID RECORD },
	{ "batch without first", MESSAGE_BATCH, "08012a10" ID RECORD },
	{ "first 0", MESSAGE_BATCH, "080120002a10" ID RECORD },
	{ "first 2^32 - 1", MESSAGE_BATCH, "080120ffffffff0f2a10" ID RECORD },
	{ "first 2^32 + 5", MESSAGE_BATCH, "08012085808080102a10" ID RECORD },
	{ "first -1", MESSAGE_BATCH, "080120" NEGATIVE "2a10" ID RECORD },
	{ "padded first", MESSAGE_BATCH, "08012081002a10" ID RECORD },
	{ "last beyond LIMIT_SEQ", MESSAGE_BATCH,
		"080120feffffff0f2a10" ID RECORD RECORD },
	{ "batch without previous", MESSAGE_BATCH, "08012001" RECORD },
	{ "previous of 15", MESSAGE_BATCH,
		"080120012a0f" TIMES_4("010101") "010101" RECORD },
	{ "previous of 17", MESSAGE_BATCH, "080120012a11" ID "b2" RECORD },
	{ "no records", MESSAGE_BATCH, "080120012a10" ID },
	{ "record is a number", MESSAGE_BATCH, "080120012a10" ID "3001" },
	{ "empty record", MESSAGE_BATCH, "080120012a10" ID "3200" },
	{ "record without signature", MESSAGE_BATCH,
		"080120012a10" ID RECORD "32021001" },
	{ "signature of 63", MESSAGE_BATCH,
		"080120012a10" ID "3241223f" TIMES_4(TIMES_4("010101"))
			TIMES_4("010101") "010101" },
	{ "signature of 65", MESSAGE_BATCH,
		"080120012a10" ID "32432241" SIGNATURE "c3" },
	{ "signature is a number", MESSAGE_BATCH,
		"080120012a10" ID "32022001" },
	{ "record of type 256", MESSAGE_BATCH,
		"080120012a10" ID "32451080022240" SIGNATURE },
	{ "time is bytes", MESSAGE_BATCH,
		"080120012a10" ID "32450a01012240" SIGNATURE },
	{ "payload is a number", MESSAGE_BATCH,
		"080120012a10" ID "324418012240" SIGNATURE },
	{ "payload beyond its record", MESSAGE_BATCH,
		"080120012a10" ID "32452240" SIGNATURE "1a0261" },
	{ "body hash for a payload", MESSAGE_BATCH,
		"080120012a10" ID RECORD "32642240" SIGNATURE "2a20" KEY },
	{ "body hash beside a payload", MESSAGE_BATCH,
		"080120012a10" ID "32671a01612240" SIGNATURE "2a20" KEY },
	{ "empty body hash", MESSAGE_BATCH,
		"080120012a10" ID "32442240" SIGNATURE "2a00" },
	/* Fork. */
	{ "no half", MESSAGE_FORK, "-" },
	{ "half is a number", MESSAGE_FORK, "0801" },
	{ "empty half", MESSAGE_FORK, "0a00" },
	{ "half of seq 0", MESSAGE_FORK,
		"0a88010a20" KEY "18002220" ID_32 "2a40" SIGNATURE },
	{ "half of seq 2^32 - 1", MESSAGE_FORK,
		"0a8c010a20" KEY "18ffffffff0f2220" ID_32 "2a40" SIGNATURE },
	{ "half of seq -1", MESSAGE_FORK,
		"0a91010a20" KEY "18" NEGATIVE "2220" ID_32 "2a40" SIGNATURE },
	{ "half without seq", MESSAGE_FORK,
		"0a86010a20" KEY "2220" ID_32 "2a40" SIGNATURE },
	{ "half without key", MESSAGE_FORK,
		"0a6618012220" ID_32 "2a40" SIGNATURE },
	{ "half without id", MESSAGE_FORK,
		"0a660a20" KEY "18012a40" SIGNATURE },
	{ "half without signature", MESSAGE_FORK,
		"0a460a20" KEY "18012220" ID_32 },
	{ "half of epoch 2^32", MESSAGE_FORK, "0a8e01108080808010" HALF },
	{ "half with an id of 16", MESSAGE_FORK,
		"0a780a20" KEY "18012210" ID "2a40" SIGNATURE },
	/* Ping and Bye. */
	{ "token is bytes", MESSAGE_PING, "0a0101" },
	{ "answer 2", MESSAGE_PING, "1002" },
	{ "reason of 65", MESSAGE_BYE, "0a41" TIMES_16("61616161") "61" },
	{ "reason with NUL", MESSAGE_BYE, "0a03610061" },
	{ "reason is a number", MESSAGE_BYE, "0801" },
};

/* Abuse 4, 7b and 20. */
static void abuse_04_20_decoders_refuse_what_is_malformed(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(malformed_cases); i++) {
		const struct malformed_case *c = &malformed_cases[i];

		if (tell_hex(c->type, c->hex))
			fail_msg("%s: %s", c->name, told.text);
		transcript_clear(&told);
	}
}

/* Each of a kind of body that is one field, `count` times, after `head`. */
static bool valid_times(enum message_type type, const char *head,
	const char *field, unsigned count)
{
	size_t size = hex_bytes(bytes, sizeof(bytes), head);

	for (unsigned i = 0; i < count; i++)
		size += hex_bytes(bytes + size, sizeof(bytes) - size, field);
	transcript_clear(&told);
	return tell_bytes(type, bytes, size);
}

static void abuse_20_counts_in_messages_are_bounded(void **state)
{
	static const char address[] = "3206010203040506";
	struct message_digest digest;
	struct message_entry entry;
	struct writer w = writer_over(bytes, sizeof(bytes));
	unsigned count = 0;

	(void)state;
	assert_true(valid_times(
		MESSAGE_HELLO, "-", address, MESSAGE_ADDRESSES_MAX));
	assert_false(valid_times(
		MESSAGE_HELLO, "-", address, MESSAGE_ADDRESSES_MAX + 1));
	assert_true(valid_times(MESSAGE_BATCH,
		"08012001"
		"2a10" ID,
		RECORD, LIMIT_BATCH_RECORDS));
	assert_false(valid_times(MESSAGE_BATCH,
		"08012001"
		"2a10" ID,
		RECORD, LIMIT_BATCH_RECORDS + 1));
	transcript_clear(&told);

	for (uint32_t i = 1; i <= LIMIT_DIGEST_ENTRIES; i++) {
		entry = (struct message_entry){ .log = { .number = i } };
		message_put_entry(&w, &entry);
	}
	assert_true(message_decode_digest(reader_over(bytes, w.size), &digest));
	while (message_next_entry(&digest.entries, &entry))
		assert_int_equal(entry.log.number, ++count);
	assert_int_equal(count, LIMIT_DIGEST_ENTRIES);
	message_put_entry(&w, &entry);
	assert_false(
		message_decode_digest(reader_over(bytes, w.size), &digest));
}

static void message_batch_has_at_most_its_limit_of_bytes(void **state)
{
	struct message_batch batch;
	size_t head = hex_bytes(bytes, sizeof(bytes),
		"08012001"
		"2a10" ID RECORD "fa01");
	struct writer w = writer_over(bytes + head, sizeof(bytes) - head);

	(void)state;
	/* An unknown field fills it up. */
	write_varint(&w, LIMIT_BATCH_SIZE - head - 3);
	assert_int_equal(w.size, 3);
	assert_true(message_decode_batch(
		reader_over(bytes, LIMIT_BATCH_SIZE), &batch));
	w.size = 0;
	write_varint(&w, LIMIT_BATCH_SIZE - head - 3 + 1);
	assert_false(message_decode_batch(
		reader_over(bytes, LIMIT_BATCH_SIZE + 1), &batch));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_bodies_have_golden_bytes),
		cmocka_unit_test(message_encoders_are_full_when_the_writer_is),
		cmocka_unit_test(
			message_cut_anywhere_but_between_fields_is_malformed),
		cmocka_unit_test(
			message_decoders_take_any_order_and_skip_what_is_new),
		cmocka_unit_test(abuse_04_20_decoders_refuse_what_is_malformed),
		cmocka_unit_test(abuse_20_counts_in_messages_are_bounded),
		cmocka_unit_test(message_batch_has_at_most_its_limit_of_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
