/* SPDX-License-Identifier: ISC */
/*
 * test_dns.c: packets as bytes: golden ones of each kind that we send, what a
 * TXT record means, and everything that parsers in the field died of, by name
 * (abuse 51).  Numbers in comments are sections of RFC 6762, SD of RFC 6763.
 */
#include "platform.h"

#include "mdns_lan.h"

#define ALICE_LOCAL "\005alice\005local\000"
#define BOB_LOCAL   "\003bob\005local\000"

/* Headers with the number of questions, or of answers. */
#define QUERY(questions)                                                       \
	"\000\000\000\000\000" questions "\000\000\000\000\000\000"
#define RESPONSE(answers)                                                      \
	"\000\000\204\000\000\000\000" answers "\000\000\000\000"

#define A_IN    "\000\001\000\001"
#define AAAA_IN "\000\034\000\001"
#define TTL_120 "\000\000\000\170"
#define BOB_IP4 "\000\004\012\000\000\002"
#define BOB_A   BOB_LOCAL A_IN TTL_120 BOB_IP4

#define BOB_FE80                                                               \
	BOB_LOCAL AAAA_IN TTL_120                                              \
		"\000\020\376\200\000\000\000\000\000\000\000\000\000\000"     \
		"\000\000\000\002"

#define DIGITS "01234567890123456789012345678901" /* 32 bytes */

/* These bytes from 10.0.0.2. */
static void raw(uint16_t port, const char *bytes, size_t size)
{
	struct mdns_packet in = { .index = 3,
		.family = AF_INET,
		.multicast = true,
		.address = address_of("10.0.0.2", port) };

	input_bytes(mdns, in, bytes, size);
}

static void begin_a(void)
{
	struct mdns_options options = options_of("a", 1);

	options.browse = false;
	begin_with(&options, false);
	until(60 * 1000);
}

/* What we send. */

static void assert_sent(const char *bytes, size_t size)
{
	assert_true(mdns_output(mdns, &packet, now_ms));
	if (packet.size != size || memcmp(packet.bytes, bytes, size) != 0) {
		for (size_t i = 0; i < packet.size; i++)
			print_error("%02x", packet.bytes[i]);
		print_error("\n");
	}
	assert_int_equal(packet.size, size);
	assert_memory_equal(packet.bytes, bytes, size);
}

#define CHAT_LOCAL "\017_persisted-chat\004_tcp\005local\000"
#define ALICE_TXT                                                              \
	"\000\056\011txtvers=1\003v=1\022s=0101010101010101\014t=702e035c46"

/* 8.1: two questions for ANY, and what is proposed, without the flush bit; all
 * but the first of a name is a pointer (18.14). */
static void mdns_probe_has_golden_bytes(void **state)
{
	struct mdns_options options = options_of("alice", 1);

	(void)state;
	options.browse = false;
	begin_with(&options, false);
	now_ms += 250;
	assert_sent(BYTES("\000\000\000\000\000\002\000\000\000\003\000\000"
			  "\005alice\005local\000\000\377\000\001"
			  "\005alice\017_persisted-chat\004_tcp\300\022"
			  "\000\377\000\001"
			  "\300\035\000\041\000\001\000\000\000\170\000\010"
			  "\000\000\000\000\017\240\300\014"
			  "\300\035\000\020\000\001\000\000\021\224" ALICE_TXT
			  "\300\014\000\001\000\001\000\000\000\170\000\004"
			  "\012\000\000\001"));
}

/* 18.4: authoritative; 10.2: flush bits on what is ours alone; 6.1: NSEC. */
static void mdns_answer_has_golden_bytes(void **state)
{
	(void)state;
	begin_published();
	input("query\n? A alice.local\n");
	assert_sent(BYTES("\000\000\204\000\000\000\000\001\000\000\000\001"
			  "\005alice\005local\000\000\001\200\001"
			  "\000\000\000\170\000\004\012\000\000\001"
			  "\300\014\000\057\200\001\000\000\000\170\000\020"
			  "\005alice\005local\000\000\001\100"));
}

/* 18.1: the id is 0; 18.2 to 18.11: so are all flags. */
static void mdns_question_has_golden_bytes(void **state)
{
	(void)state;
	begin_looking();
	now_ms += 200;
	assert_sent(BYTES(
		"\000\000\000\000\000\001\000\000\000\000\000\000" CHAT_LOCAL
		"\000\014\000\001"));
}

/* As to the original's look-up: id, question, no flush bit, ten seconds. */
static void mdns_legacy_answer_has_golden_bytes(void **state)
{
	(void)state;
	begin_published();
	input_from("10.0.0.2", 40000, false, "query id=513\n? A alice.local\n");
	assert_sent(BYTES("\002\001\204\000\000\001\000\001\000\000\000\001"
			  "\005alice\005local\000\000\001\000\001"
			  "\300\014\000\001\000\001\000\000\000\012\000\004"
			  "\012\000\000\001"
			  "\300\014\000\057\000\001\000\000\000\012\000\020"
			  "\005alice\005local\000\000\001\100"));
}

/* What is read. */

/* SD 4.1: an instance is one label of any bytes; 16: in any case. */
static void dns_name_label_takes_one_label_apart(void **state)
{
	struct dns_name service, instance;
	char label[20];

	(void)state;
	dns_name_set(&service, "_persisted-chat._tcp.local");
	dns_name_set(&instance, "_PERSISTED-chat._tcp.LOCAL");
	assert_true(dns_name_prepend(&instance, "a. b", 4));
	assert_true(dns_name_label(&instance, &service, label, sizeof(label)));
	assert_string_equal(label, "a. b");
	assert_true(dns_name_prepend(&instance, "c", 1));
	assert_false(dns_name_label(&instance, &service, label, sizeof(label)));
	assert_false(dns_name_label(&service, &service, label, sizeof(label)));
	instance = service;
	assert_true(dns_name_prepend(&instance, "a\0b", 3));
	assert_false(dns_name_label(&instance, &service, label, sizeof(label)));
	instance = service;
	assert_true(dns_name_prepend(&instance, DIGITS, 20));
	assert_false(dns_name_label(&instance, &service, label, sizeof(label)));
}

/*
 * SD 6.4: keys in any case, "=" begins the value, "the first occurrence" of a
 * key counts, "=x" is none; SD 6.1: at least one zero byte, and what lies about
 * its length ends the list.
 */
static void dns_text_find_obeys_sd_6_4(void **state)
{
	static const struct {
		const char *data;
		size_t size;
		const char *value; /* of "t"; NULL: not there */
	} cases[] = {
		{ BYTES("\003t=1"), "1" },
		{ BYTES("\003T=1"), "1" },
		{ BYTES("\003t=1\003t=2"), "1" },
		{ BYTES("\002t=\003t=2"), "" },
		{ BYTES("\001t\003t=2"), "" },
		{ BYTES("\004tt=1\003t=2"), "2" },
		{ BYTES("\002=x\003t=2"), "2" },
		{ BYTES("\000\000\003t=2"), "2" },
		{ BYTES("\005t=a=b"), "a=b" },
		{ BYTES("\004t=1"), NULL },
		{ BYTES("\377t=1"), NULL },
		{ BYTES("\000"), NULL },
		{ BYTES(""), NULL },
		{ BYTES("\003s=1"), NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct dns_record text = { .type = DNS_TXT,
			.size = (uint16_t)cases[i].size };
		struct reader value;
		bool found;

		memcpy(text.data, cases[i].data, cases[i].size);
		found = dns_text_find(&text, "t", &value);
		assert_int_equal(found, cases[i].value != NULL);
		if (!found)
			continue;
		assert_int_equal(value.left, strlen(cases[i].value));
		assert_memory_equal(value.at, cases[i].value, value.left);
	}
}

/* Too much for a packet: nothing half is written. */
static void dns_writer_takes_back_what_does_not_fit(void **state)
{
	struct dns_record record = { .section = DNS_ADDITIONAL,
		.type = DNS_TXT,
		.class = DNS_IN,
		.size = 60 };
	uint8_t bytes[150];
	struct dns_writer w;
	struct dns_message m;
	struct dns_record read;

	(void)state;
	dns_name_set(&record.name, "alice.local");
	dns_writer_open(&w, bytes, sizeof(bytes), 0, DNS_RESPONSE);
	assert_true(dns_write_record(&w, &record));
	dns_name_set(&record.name, "a-longer-one.alice.local");
	assert_false(dns_write_record(&w, &record));
	record.size = 1;
	assert_true(dns_write_record(&w, &record));
	assert_true(dns_message_open(&m, bytes, dns_writer_finish(&w)));
	assert_true(dns_next_record(&m, &read));
	assert_true(dns_next_record(&m, &read));
	assert_true(dns_name_equal(&read.name, &record.name));
	assert_false(dns_next_record(&m, &read));
	assert_int_equal(m.at.left, 0);
}

/* What other parsers died of (abuse 51). */

struct killer {
	const char *name;
	const char *bytes;
	size_t size;
};

/*
 * Each of these is taken as a question and as a response; nothing comes of
 * it, and a proper question and answer afterwards work as ever.
 */
static void assert_survives(const char *name, const char *bytes, size_t size)
{
	begin_published();
	assert_int_equal(mdns_ask(mdns, "bob"), 0);
	raw(MDNS_PORT, bytes, size);
	raw(40000, bytes, size);
	tell_events(mdns);
	pass(500);
	if (strstr(told.text, "response") != NULL ||
		strstr(told.text, "found") != NULL)
		fail_msg("%s: %s", name, told.text);
	pass(5000);
	transcript_clear(&told);
	raw(MDNS_PORT, BYTES(RESPONSE("\001") BOB_A));
	tell_events(mdns);
	assert_told(&told, "found bob 10.0.0.2:0\n");
	raw(40000, BYTES(QUERY("\001") ALICE_LOCAL A_IN));
	drain();
	assert_non_null(strstr(told.text, "10.0.0.2:40000 response"));
	(void)end(NULL);
}

static void mdns_survives_killers(void **state)
{
	static const struct killer killers[] = {
		{ "nothing", BYTES("") },
		{ "one byte", BYTES("\000") },
		{ "half a header", BYTES("\000\000\000\000\000\001") },
		{ "counts of 65,535 in 12 bytes",
			BYTES("\000\000\000\000\377\377\377\377\377\377\377"
			      "\377") },
		{ "the same as a response",
			BYTES("\000\000\204\000\377\377\377\377\377\377\377"
			      "\377") },
		{ "01 61 c0 0c", BYTES(QUERY("\001") "\001a\300\014" A_IN) },
		{ "01 61 c0 0c in a record",
			BYTES(RESPONSE(
				"\001") "\001a\300\014" A_IN TTL_120 BOB_IP4) },
		{ "pointer to itself", BYTES(QUERY("\001") "\300\014" A_IN) },
		{ "pointer to its own second byte",
			BYTES(QUERY("\001") "\300\015\000" A_IN) },
		{ "two pointers to each other",
			BYTES(QUERY("\002") "\300\016\300\014" A_IN) },
		{ "forward pointer",
			BYTES(QUERY("\001") "\300\022" A_IN ALICE_LOCAL) },
		{ "pointer behind the end",
			BYTES(QUERY("\001") "\377\377" A_IN) },
		{ "pointer into the header",
			BYTES("\000\000\000\000\000\001\000\000\000\000\000\000"
			      "\300\000" A_IN) },
		{ "pointer at the end, cut", BYTES(QUERY("\001") "\300") },
		{ "pointer at the end",
			BYTES(QUERY("\001") "\003bob\300\014") },
		{ "label bits 01",
			BYTES(QUERY("\001") "\105alice\005local\000" A_IN) },
		{ "label bits 10",
			BYTES(QUERY("\001") "\205alice\005local\000" A_IN) },
		/* Were it a label, the question behind would be answered. */
		{ "label bits 01, long enough",
			BYTES(QUERY("\002") "\100" DIGITS DIGITS
					    "\000" A_IN ALICE_LOCAL A_IN) },
		{ "label bits 10, long enough",
			BYTES(QUERY("\002") "\200" DIGITS DIGITS DIGITS DIGITS
					    "\000" A_IN ALICE_LOCAL A_IN) },
		{ "pointer to one that points to itself",
			BYTES(QUERY("\002") BOB_LOCAL "\300\027\000\001"
						      "\300\027" A_IN) },
		{ "missing end", BYTES(QUERY("\001") "\005alice\005local") },
		{ "no type", BYTES(QUERY("\001") ALICE_LOCAL) },
		{ "half a class",
			BYTES(QUERY("\001") ALICE_LOCAL "\000\001\000") },
		{ "label beyond the end", BYTES(QUERY("\001") "\077alice") },
		{ "rdlength beyond the packet",
			BYTES(RESPONSE("\001") BOB_LOCAL A_IN TTL_120
				"\377\377\012\000\000\002") },
		{ "rdlength one too much",
			BYTES(RESPONSE("\001") BOB_LOCAL A_IN TTL_120
				"\000\005\012\000\000\002") },
		{ "rdlength too short",
			BYTES(RESPONSE("\001") BOB_LOCAL A_IN TTL_120
				"\000\003\012\000\000\002") },
		{ "no rdlength",
			BYTES(RESPONSE("\001") BOB_LOCAL A_IN TTL_120) },
		{ "escapes in a name",
			BYTES(QUERY("\001") "\007\033["
					    "2J\a\177\233\005local\000" A_IN) },
		{ "escapes in a record's name",
			BYTES(RESPONSE("\001") "\007\033[2J\a\177\233\005local"
					       "\000" A_IN TTL_120 BOB_IP4) },
		{ "dots in a label",
			BYTES(RESPONSE("\001") "\011bob.local\000" A_IN TTL_120
					BOB_IP4) },
		{ "TXT without strings",
			BYTES(RESPONSE("\001") BOB_LOCAL
				"\000\020\000\001" TTL_120 "\000\000") },
		{ "TXT of empty strings", BYTES(RESPONSE("\001") BOB_LOCAL
						  "\000\020\000\001" TTL_120
						  "\000\004\000\000\000\000") },
		{ "odd NSEC", BYTES(RESPONSE("\001") BOB_LOCAL
				      "\000\057\200\001" TTL_120
				      "\000\004\300\014\377\377") },
		{ "CNAME to itself", BYTES(RESPONSE("\001") BOB_LOCAL
					     "\000\005\000\001" TTL_120
					     "\000\002\300\014") },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(killers); i++)
		assert_survives(
			killers[i].name, killers[i].bytes, killers[i].size);
}

/* A header that spells our name, and a question that points there. */
static void mdns_survives_pointers_into_the_header(void **state)
{
	(void)state;
	begin_a();
	raw(MDNS_PORT, BYTES("\000\000\000\000\001a\005local\000" A_IN
			     "\300\004" A_IN));
	assert_false(mdns_output(mdns, &packet, now_ms));
	raw(MDNS_PORT, BYTES("\000\000\000\000\000\001\000\000\000\000\000\000"
			     "\001a\005local\000" A_IN));
	assert_true(mdns_output(mdns, &packet, now_ms));
}

/* 2,000 pointers, each to the one before, and 700 questions for the last. */
static void mdns_survives_chains_of_thousands_of_pointers(void **state)
{
	static char bytes[MDNS_PACKET_MAX];
	struct writer w = writer_over(bytes, sizeof(bytes));

	(void)state;
	write_bytes(&w, QUERY("\377"), 12);
	write_bytes(&w, "\003bob\000", 5);
	write_be16(&w, 16);
	write_be16(&w, 1);
	for (uint16_t i = 0; i < 2000; i++)
		write_be16(&w, (uint16_t)(0xc000 | (i == 0 ? 12 : w.size - 2)));
	while (w.capacity - w.size >= 6) {
		write_be16(&w, (uint16_t)(0xc000 | (21 + 2 * 1999)));
		write_bytes(&w, A_IN, 4);
	}
	assert_survives("chain", bytes, w.size);
}

/* A name of 255 bytes is one, a name of 256 is none. */
static void mdns_survives_names_over_255_bytes(void **state)
{
	char bytes[600];
	int answers[2];

	(void)state;
	for (uint8_t extra = 0; extra < 2; extra++) {
		struct writer w = writer_over(bytes, sizeof(bytes));

		/* 3 * 64 + 61 (62) + 1 bytes in plain form */
		write_bytes(&w, QUERY("\003"), 12);
		write_u8(&w, (uint8_t)(61 + extra));
		write_zeros(&w, 61 + extra);
		write_u8(&w, 0);
		write_bytes(&w, A_IN, 4);
		for (int i = 0; i < 3; i++) {
			write_u8(&w, 63);
			write_zeros(&w, 63);
		}
		write_be16(&w, 0xc00c);
		write_bytes(&w, A_IN, 4);
		write_bytes(&w, ALICE_LOCAL A_IN, sizeof(ALICE_LOCAL A_IN) - 1);
		begin_published();
		raw(MDNS_PORT, bytes, w.size);
		answers[extra] = mdns_output(mdns, &packet, now_ms);
		(void)end(NULL);
	}
	/* The question behind the name was read, or never reached. */
	assert_true(answers[0]);
	assert_false(answers[1]);
}

static void mdns_survives_large_texts(void **state)
{
	static char bytes[MDNS_PACKET_MAX];
	struct writer w = writer_over(bytes, sizeof(bytes));

	(void)state;
	write_bytes(&w, RESPONSE("\001"), 12);
	write_bytes(&w, BOB_LOCAL "\000\020\000\001" TTL_120,
		sizeof(BOB_LOCAL "\000\020\000\001" TTL_120) - 1);
	write_be16(&w, 0xffff); /* 65 KB are told of, 9 KB are there */
	write_zeros(&w, w.capacity - w.size);
	assert_survives("TXT that lies", bytes, w.size);
	w.size = 12 + sizeof(BOB_LOCAL) - 1 + 8;
	write_be16(&w, (uint16_t)(w.capacity - w.size - 2));
	assert_survives("TXT of 9 KB", bytes, sizeof(bytes));
}

/* Cut anywhere, a packet tells only what is whole. */
static void mdns_survives_packets_cut_anywhere(void **state)
{
	static const char response[] =
		RESPONSE("\002") BOB_FE80 "\300\014" A_IN TTL_120 BOB_IP4;
	static const char query[] =
		QUERY("\002") BOB_LOCAL A_IN ALICE_LOCAL A_IN;
	const size_t whole = 12 + sizeof(BOB_FE80) - 1;

	(void)state;
	for (size_t size = 0; size < sizeof(query) - 1; size++)
		assert_survives("query", query, size);
	for (size_t size = 0; size < whole; size++)
		assert_survives("response", response, size);
	begin_published();
	assert_int_equal(mdns_ask(mdns, "bob"), 0);
	for (size_t size = whole; size < sizeof(response); size++) {
		raw(MDNS_PORT, response, size);
		tell_events(mdns);
		if (size < sizeof(response) - 1)
			assert_told(&told, "found bob [fe80::2%3]:0\n");
	}
	assert_told(&told, "found bob 10.0.0.2:0 [fe80::2%3]:0\n");
}

/* 9,001 bytes are more than a packet may have (17): not ours to judge, but to
 * survive. */
static void mdns_survives_9001_bytes(void **state)
{
	static char bytes[MDNS_PACKET_MAX + 1];

	(void)state;
	memcpy(bytes, QUERY("\001"), 12);
	assert_survives("9,001 bytes", bytes, sizeof(bytes));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_teardown(name, end)
		TEST(mdns_probe_has_golden_bytes),
		TEST(mdns_answer_has_golden_bytes),
		TEST(mdns_question_has_golden_bytes),
		TEST(mdns_legacy_answer_has_golden_bytes),
		TEST(dns_name_label_takes_one_label_apart),
		TEST(dns_text_find_obeys_sd_6_4),
		TEST(dns_writer_takes_back_what_does_not_fit),
		TEST(mdns_survives_killers),
		TEST(mdns_survives_pointers_into_the_header),
		TEST(mdns_survives_chains_of_thousands_of_pointers),
		TEST(mdns_survives_names_over_255_bytes),
		TEST(mdns_survives_large_texts),
		TEST(mdns_survives_packets_cut_anywhere),
		TEST(mdns_survives_9001_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
