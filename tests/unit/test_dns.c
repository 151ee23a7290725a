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

#define DIGITS   "01234567890123456789012345678901" /* 32 bytes */
#define DIGITS16 "0123456789012345"
#define LETTERS  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* These bytes from 10.0.0.2. */
static void raw(uint16_t port, const char *bytes, size_t size)
{
	struct mdns_packet in = { .index = 3,
		.family = AF_INET,
		.multicast = true,
		.address = address_of("10.0.0.2", port) };

	input_bytes(mdns, in, bytes, size);
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

/* 8.3: all there is, with NSEC (6.1); 18.14: each name once, but in NSEC. */
static void mdns_announcement_has_golden_bytes(void **state)
{
	struct mdns_options options = options_of("alice", 1);

	(void)state;
	options.browse = false;
	begin_with(&options, false);
	until(900);
	now_ms += 100;
	assert_sent(BYTES(RESPONSE("\007")
		/* 12: the service, to 50: the instance */
		CHAT_LOCAL
		"\000\014\000\001\000\000\021\224\000\010"
		"\005alice\300\014"
		/* 58: the list of services */
		"\011_services\007_dns-sd\004_udp\300\041"
		"\000\014\000\001\000\000\021\224\000\002\300\014"
		/* 95: SRV; 113: the host */
		"\300\062\000\041\200\001\000\000\000\170\000\016"
		"\000\000\000\000\017\240\005alice\300\041"
		"\300\062\000\020\200\001\000\000\021\224" ALICE_TXT
		"\300\161\000\057\200\001\000\000\000\170\000\020" ALICE_LOCAL
		"\000\001\100"
		"\300\062\000\057\200\001\000\000\000\170\000\051"
		"\005alice" CHAT_LOCAL "\000\005\000\000\200\000\100"
		"\300\161\000\001\200\001\000\000\000\170\000\004"
		"\012\000\000\001"));
}

/* 10.1: the same with a life of 0, but NSEC, and the list that others have. */
static void mdns_goodbye_has_golden_bytes(void **state)
{
	(void)state;
	begin_published();
	mdns_goodbye(mdns);
	assert_sent(BYTES(RESPONSE("\004") CHAT_LOCAL
		"\000\014\000\001\000\000\000\000\000\010"
		"\005alice\300\014"
		/* 58: SRV; 76: the host */
		"\300\062\000\041\200\001\000\000\000\000\000\016"
		"\000\000\000\000\017\240\005alice\300\041"
		"\300\062\000\020\200\001\000\000\000\000" ALICE_TXT
		"\300\114\000\001\200\001\000\000\000\000\000\004"
		"\012\000\000\001"));
	assert_true(packet.multicast);
	assert_false(mdns_output(mdns, &packet, now_ms));
}

/*
 * 5.4, to the asker alone, but as to all: 6: "MUST NOT contain any questions",
 * 18.1: no id; 10.2: flush bits, 10: whole lives.
 */
static void mdns_unicast_answer_has_golden_bytes(void **state)
{
	(void)state;
	begin_published();
	ask("query\n? A alice.local\n", 2000);
	input("query id=513\n?u AAAA alice.local\n?u A alice.local\n"
	      "?u SRV bob." SERVICE "\n");
	assert_sent(BYTES("\000\000\204\000\000\000\000\002\000\000\000\000"
			  "\005alice\005local\000\000\057\200\001"
			  "\000\000\000\170\000\020\005alice\005local\000"
			  "\000\001\100"
			  "\300\014\000\001\200\001\000\000\000\170\000\004"
			  "\012\000\000\001"));
	assert_false(packet.multicast);
}

/* Somebody to whom a pointer leads, but who is none of ours: nothing else is
 * asked about him.  The name has 30 bytes. */
static void meet(int number)
{
	char text[200];

	(void)snprintf(text, sizeof(text),
		"response\n= PTR " SERVICE
		" 4500 Instance-0123456789-012345-%03d." SERVICE "\n",
		number);
	input(text);
}

/* He as a known answer, with the 4,499 s that are left. */
static void write_met(
	struct writer *w, const char *name, size_t size, int number)
{
	char label[40];

	(void)snprintf(label, sizeof(label),
		"\036Instance-0123456789-012345-%03d", number);
	write_bytes(w, name, size);
	write_bytes(w, BYTES("\000\014\000\001\000\000\021\223\000\041"));
	write_bytes(w, label, 31);
	write_bytes(w, BYTES("\300\014"));
}

/* 7.1: without the flush bit (10.2), and with what is left of its life. */
static void mdns_known_answers_have_golden_bytes(void **state)
{
	char bytes[200];
	struct writer w = writer_over(bytes, sizeof(bytes));

	(void)state;
	begin_looking();
	until(500);
	meet(1);
	meet(2);
	until(1000);
	now_ms += 100;
	write_bytes(&w, BYTES("\000\000\000\000\000\001\000\002\000\000\000"
			      "\000" CHAT_LOCAL "\000\014\000\001"));
	write_met(&w, BYTES("\300\014"), 1);
	write_met(&w, BYTES("\300\014"), 2);
	assert_sent(bytes, w.size);
	assert_false(mdns_output(mdns, &packet, now_ms));
}

/*
 * 7.2: TC in all but the last; the question in the first only.  30 of 45 bytes
 * fit into the first, behind 44 bytes.
 */
static void mdns_more_known_answers_have_golden_bytes(void **state)
{
	char bytes[MDNS_SEND_MAX];
	struct writer w = writer_over(bytes, sizeof(bytes));

	(void)state;
	begin_looking();
	until(500);
	for (int i = 0; i < 32; i++)
		meet(i);
	until(1000);
	now_ms += 100;
	write_bytes(&w, BYTES("\000\000\002\000\000\001\000\036\000\000\000"
			      "\000" CHAT_LOCAL "\000\014\000\001"));
	for (int i = 0; i < 30; i++)
		write_met(&w, BYTES("\300\014"), i);
	assert_sent(bytes, w.size);
	w = writer_over(bytes, sizeof(bytes));
	write_bytes(
		&w, BYTES("\000\000\000\000\000\000\000\002\000\000\000\000"));
	write_met(&w, BYTES(CHAT_LOCAL), 30);
	write_met(&w, BYTES("\300\014"), 31);
	assert_sent(bytes, w.size);
	assert_false(mdns_output(mdns, &packet, now_ms));
}

/* What is read. */

/*
 * A packet of one record whose rdlength is `rdlength`, with that many bytes of
 * `data`, or zeros behind it; and a second record.  Returns the size of the
 * first one's data as it was read, or -1 when it was left out.
 */
static int data_size(
	uint16_t type, const char *data, size_t size, size_t rdlength)
{
	static char bytes[MDNS_PACKET_MAX];
	struct writer w = writer_over(bytes, sizeof(bytes));
	struct dns_record record;
	struct dns_message m;
	int read = -1;

	write_bytes(&w, BYTES(RESPONSE("\002") BOB_LOCAL));
	write_be16(&w, type);
	write_bytes(&w, BYTES("\000\001" TTL_120));
	write_be16(&w, (uint16_t)rdlength);
	write_bytes(&w, data, size < rdlength ? size : rdlength);
	write_zeros(&w, size < rdlength ? rdlength - size : 0);
	write_bytes(&w, BYTES(ALICE_LOCAL A_IN TTL_120 BOB_IP4));
	assert_true(dns_message_open(&m, (const uint8_t *)bytes, w.size));
	assert_true(dns_next_record(&m, &record));
	if (record.name.bytes[1] == 'b') {
		assert_int_equal(record.type, type);
		read = record.size;
		assert_true(dns_next_record(&m, &record));
	}
	assert_memory_equal(record.name.bytes, ALICE_LOCAL, 13);
	assert_memory_equal(record.data, "\012\000\000\002", 4);
	assert_int_equal(m.at.left, 0);
	return read;
}

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

/*
 * Data ends where rdlength says, and is what its type wants: one byte less is
 * none, and so is one more.  What is behind it is read in any case, from where
 * rdlength says.
 */
static void dns_next_record_wants_data_of_the_right_size(void **state)
{
	static const struct {
		uint16_t type;
		const char *data;
		size_t size;
		uint16_t read; /* bytes in plain form */
	} cases[] = {
		{ DNS_A, BYTES("\012\000\000\002"), 4 },
		{ DNS_AAAA, BYTES(DIGITS16), 16 },
		{ DNS_SRV, BYTES("\000\000\000\000\017\240\000"), 7 },
		{ DNS_SRV, BYTES("\000\000\000\000\017\240\001b\000"), 9 },
		{ DNS_SRV, BYTES("\000\000\000\000\017\240\300\014"), 17 },
		{ DNS_PTR, BYTES("\000"), 1 },
		{ DNS_PTR, BYTES("\001b\000"), 3 },
		{ DNS_PTR, BYTES("\300\014"), 11 },
		{ DNS_PTR, BYTES("\001b\300\014"), 13 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		for (int more = -1; more <= 1; more++) {
			size_t size = cases[i].size + (size_t)more;
			bool right = more == 0;

			assert_int_equal(data_size(cases[i].type, cases[i].data,
						 cases[i].size, size),
				right ? cases[i].read : -1);
		}
	}
}

/* Of TXT any bytes are, and DNS_DATA_MAX are kept: tags stand at its begin. */
static void dns_next_record_keeps_1300_bytes_of_text(void **state)
{
	static const size_t sizes[] = { 0, 1, 1299, 1300, 1301, 8000 };
	static char text[8000];

	(void)state;
	memset(text, 't', sizeof(text));
	for (size_t i = 0; i < COUNT_OF(sizes); i++)
		assert_int_equal(data_size(DNS_TXT, text, sizes[i], sizes[i]),
			sizes[i] < 1300 ? sizes[i] : 1300);
}

/*
 * 18.12: "the top bit of the qclass field" asks for unicast; 18.13: "the top
 * bit of the rrclass field" flushes: neither is a part of the class.
 */
static void dns_reads_the_top_bit_apart_from_the_class(void **state)
{
	static const uint16_t fields[] = { 0x0001, 0x8001, 0x00ff, 0x80ff,
		0x0003, 0x8003, 0x0000, 0x8000, 0x7fff, 0xffff };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		char bytes[] = "\000\000\000\000\000\001\000\001\000\000"
			       "\000\000" BOB_LOCAL A_IN
			       "\300\014" A_IN TTL_120 BOB_IP4;
		struct writer asked = writer_over(bytes + 25, 2);
		struct writer told_of = writer_over(bytes + 31, 2);
		struct dns_question question;
		struct dns_record record;
		struct dns_message m;

		write_be16(&asked, fields[i]);
		write_be16(&told_of, fields[i]);
		assert_true(dns_message_open(
			&m, (const uint8_t *)bytes, sizeof(bytes) - 1));
		assert_true(dns_next_question(&m, &question));
		assert_int_equal(question.class, fields[i] & 0x7fff);
		assert_int_equal(question.unicast, fields[i] >> 15);
		assert_true(dns_next_record(&m, &record));
		assert_int_equal(record.class, fields[i] & 0x7fff);
		assert_int_equal(record.flush, fields[i] >> 15);
	}
}

/* And so they are written. */
static void dns_writes_classes_and_their_top_bits(void **state)
{
	static const char text[] = "response\n"
				   "? A bob.local\n"
				   "?u A bob.local\n"
				   "? A/3 bob.local\n"
				   "?u ANY/255 bob.local\n"
				   "= A bob.local 120 10.0.0.2\n"
				   "=! A bob.local 120 10.0.0.2\n"
				   "^ A/3 bob.local 120 10.0.0.2\n"
				   "+! A/32767 bob.local 120 10.0.0.2\n";
	uint8_t bytes[500];

	(void)state;
	transcript_clear(&told);
	tell_dns(&told, bytes, dns_packet_of(text, bytes, sizeof(bytes)));
	assert_told(&told, text);
}

/* A record of another class is about something else, whatever its top bit. */
static void mdns_believes_records_of_class_in_alone(void **state)
{
	static const struct {
		const char *record;
		bool found;
	} cases[] = {
		{ "response\n= A bob.local 120 10.0.0.2\n", true },
		{ "response\n=! A bob.local 120 10.0.0.2\n", true },
		{ "response\n= A/3 bob.local 120 10.0.0.2\n", false },
		{ "response\n=! A/3 bob.local 120 10.0.0.2\n", false },
		{ "response\n= A/255 bob.local 120 10.0.0.2\n", false },
		{ "response\n= A/0 bob.local 120 10.0.0.2\n", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		begin_published();
		assert_int_equal(mdns_ask(mdns, "bob"), 0);
		input(cases[i].record);
		tell_events(mdns);
		assert_told(
			&told, cases[i].found ? "found bob 10.0.0.2:0\n" : "");
	}
}

/*
 * Of a response: opcode (18.3) and rcode (18.11) other than zero "MUST be
 * silently ignored"; AA (18.4), TC (18.5), RD, RA, Z, AD and CD (18.6 to
 * 18.10) "MUST be ignored on reception".
 */
static void mdns_reads_the_flags_of_responses_as_18_says(void **state)
{
	static const struct {
		const char *header;
		bool found;
	} cases[] = {
		{ "\000\000\204\000", true },
		{ "\000\000\200\000", true },  /* no AA */
		{ "\000\000\206\000", true },  /* TC */
		{ "\000\000\205\000", true },  /* RD */
		{ "\000\000\204\200", true },  /* RA */
		{ "\000\000\204\100", true },  /* Z */
		{ "\000\000\204\040", true },  /* AD */
		{ "\000\000\204\020", true },  /* CD */
		{ "\022\064\203\360", true },  /* an id, and all but AA */
		{ "\000\000\214\000", false }, /* opcodes */
		{ "\000\000\304\000", false },
		{ "\000\000\204\001", false }, /* rcodes */
		{ "\000\000\204\010", false },
	};
	char bytes[] = RESPONSE("\001") BOB_A;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		begin_published();
		assert_int_equal(mdns_ask(mdns, "bob"), 0);
		memcpy(bytes, cases[i].header, 4);
		raw(MDNS_PORT, bytes, sizeof(bytes) - 1);
		tell_events(mdns);
		assert_told(
			&told, cases[i].found ? "found bob 10.0.0.2:0\n" : "");
	}
}

/*
 * SD 7: a service name is "no more than fifteen characters", "letters, digits,
 * and hyphens"; RFC 6335, 5.1: at least one letter, and no hyphen at an end or
 * beside another.  It has an underscore before it.
 */
static void mdns_asks_for_a_service_whose_name_obeys_sd_7(void **state)
{
	struct dns_question question;
	struct dns_message m;
	char name[64] = "";

	(void)state;
	begin_looking();
	now_ms += 200;
	assert_true(mdns_output(mdns, &packet, now_ms));
	assert_true(dns_message_open(&m, packet.bytes, packet.size));
	assert_true(dns_next_question(&m, &question));
	assert_int_equal(question.type, DNS_PTR);
	memcpy(name, question.name.bytes + 1, question.name.bytes[0]);
	assert_int_equal(name[0], '_');
	assert_in_range(strlen(name + 1), 1, 15);
	assert_int_equal(
		strspn(name + 1, LETTERS "0123456789-"), strlen(name + 1));
	assert_non_null(strpbrk(name + 1, LETTERS));
	assert_int_not_equal(name[1], '-');
	assert_int_not_equal(name[strlen(name) - 1], '-');
	assert_null(strstr(name, "--"));
	assert_memory_equal(question.name.bytes + 1 + strlen(name),
		"\004_tcp\005local", 12);
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

/* Of this, bob's one good address is believed. */
static void assert_finds_bob(const char *name, const char *bytes, size_t size)
{
	begin_published();
	assert_int_equal(mdns_ask(mdns, "bob"), 0);
	raw(MDNS_PORT, bytes, size);
	tell_events(mdns);
	if (strcmp(told.text, "found bob 10.0.0.2:0\n") != 0)
		fail_msg("%s: %s", name, told.text);
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

/*
 * A header may spell a name, and nobody may point there: this one has "a" at
 * its offset 5, and roots.  12 is where names may begin.
 */
static void dns_next_question_refuses_pointers_into_the_header(void **state)
{
	(void)state;
	for (uint8_t target = 0; target <= 12; target++) {
		char bytes[] = "\000\000\000\000\000\001a\000\000\000\000\000"
			       "\001b\000" A_IN "\300\000" A_IN;
		struct dns_question question;
		struct dns_message m;

		bytes[20] = (char)target;
		assert_true(dns_message_open(
			&m, (const uint8_t *)bytes, sizeof(bytes) - 1));
		m.questions = 2;
		assert_true(dns_next_question(&m, &question));
		assert_int_equal(
			dns_next_question(&m, &question), target == 12);
	}
}

/*
 * 2,000 pointers, each to the one before, and hundreds of records of the name
 * that the last one leads to.  All are valid: so is what comes after them.
 */
static void mdns_survives_chains_of_thousands_of_pointers(void **state)
{
	static char bytes[MDNS_PACKET_MAX];
	struct writer w = writer_over(bytes, sizeof(bytes));
	struct writer count = writer_over(bytes + 6, 2);
	uint16_t records = 2;

	(void)state;
	begin_published();
	assert_int_equal(mdns_ask(mdns, "bob"), 0);
	write_bytes(&w, BYTES(RESPONSE("\000") "\003bob\000\377\360\000\001"));
	write_bytes(&w, BYTES(TTL_120));
	write_be16(&w, 2 * 2000);
	for (int i = 0; i < 2000; i++)
		write_be16(&w, (uint16_t)(0xc000 | (i == 0 ? 12 : w.size - 2)));
	for (; w.capacity - w.size >= 12 + sizeof(BOB_A); records++) {
		write_be16(&w, 0xc000 | (12 + 15 + 2 * 1999));
		write_bytes(&w, BYTES("\000\020\000\001" TTL_120 "\000\000"));
	}
	write_bytes(&w, BYTES(BOB_A));
	write_be16(&count, records);
	assert_true(records > 400 && !w.full);
	raw(MDNS_PORT, bytes, w.size);
	tell_events(mdns);
	assert_non_null(strstr(told.text, "found bob 10.0.0.2:0\n"));
	assert_survives("chain, cut", bytes, w.size - sizeof(BOB_A));
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

/* What comes behind a name in records that are not to be read. */
static const struct killer bad_records[] = {
	{ "A of 3 bytes",
		BYTES("\000\001\000\001" TTL_120 "\000\003\012\000\000") },
	{ "A of 5 bytes", BYTES("\000\001\000\001" TTL_120
				"\000\005\012\000\000\003\000") },
	{ "AAAA of 4 bytes", BYTES(AAAA_IN TTL_120 BOB_IP4) },
	{ "SRV of 6 bytes", BYTES("\000\041\000\001" TTL_120
				  "\000\006\000\000\000\000\017\240") },
	{ "PTR and more",
		BYTES("\000\014\000\001" TTL_120 "\000\003\300\014\000") },
	{ "PTR that points forward",
		BYTES("\000\014\000\001" TTL_120 "\000\002\301\000") },
	{ "PTR of label bits 01",
		BYTES("\000\014\000\001" TTL_120 "\000\003\101b\000") },
	{ "class 3",
		BYTES("\000\001\000\003" TTL_120 "\000\004\012\000\000\003") },
	{ "class 3, flush",
		BYTES("\000\001\200\003" TTL_120 "\000\004\012\000\000\003") },
	{ "odd NSEC",
		BYTES("\000\057\200\001" TTL_120 "\000\004\300\014\377\377") },
	{ "NSEC of nothing", BYTES("\000\057\200\001" TTL_120 "\000\000") },
	{ "OPT", BYTES("\000\051\005\240\000\000\021\224"
		       "\000\004\000\004\000\000") },
	{ "CNAME", BYTES("\000\005\000\001" TTL_120 "\000\002\300\014") },
	{ "a type of nobody",
		BYTES("\377\000\000\001" TTL_120 "\000\003\300\377\100") },
};

/* A record that is not to be read is skipped, and its message is kept. */
static void mdns_skips_bad_records_and_reads_on(void **state)
{
	char bytes[1000];
	struct writer all = writer_over(bytes, sizeof(bytes));

	(void)state;
	write_bytes(&all, RESPONSE("\017"), 12);
	for (size_t i = 0; i < COUNT_OF(bad_records); i++) {
		char one[200];
		struct writer w = writer_over(one, sizeof(one));

		write_bytes(&w, RESPONSE("\002") BOB_LOCAL, 12 + 11);
		write_bytes(&w, bad_records[i].bytes, bad_records[i].size);
		write_bytes(&w, BYTES(BOB_A));
		assert_finds_bob(bad_records[i].name, one, w.size);
		write_bytes(&all, BYTES(BOB_LOCAL));
		write_bytes(&all, bad_records[i].bytes, bad_records[i].size);
	}
	assert_int_equal(COUNT_OF(bad_records) + 1, 017);
	write_bytes(&all, BYTES(BOB_A));
	assert_finds_bob("all of them", bytes, all.size);
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

/* 17: "MUST NOT exceed 9000 bytes"; up to there all is read. */
static void mdns_17_reads_9000_bytes(void **state)
{
	static char bytes[MDNS_PACKET_MAX];
	struct writer w = writer_over(bytes, sizeof(bytes));

	(void)state;
	begin_published();
	assert_int_equal(mdns_ask(mdns, "bob"), 0);
	write_bytes(&w,
		BYTES(RESPONSE("\002") BOB_LOCAL "\000\020\000\001" TTL_120));
	write_be16(
		&w, (uint16_t)(w.capacity - w.size - 2 - (sizeof(BOB_A) - 1)));
	write_zeros(&w, w.capacity - w.size - (sizeof(BOB_A) - 1));
	write_bytes(&w, BYTES(BOB_A));
	assert_int_equal(w.size, 9000);
	raw(MDNS_PORT, bytes, sizeof(bytes));
	tell_events(mdns);
	assert_told(&told, "found bob 10.0.0.2:0\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_teardown(name, end)
		TEST(mdns_probe_has_golden_bytes),
		TEST(mdns_answer_has_golden_bytes),
		TEST(mdns_question_has_golden_bytes),
		TEST(mdns_legacy_answer_has_golden_bytes),
		TEST(mdns_announcement_has_golden_bytes),
		TEST(mdns_goodbye_has_golden_bytes),
		TEST(mdns_unicast_answer_has_golden_bytes),
		TEST(mdns_known_answers_have_golden_bytes),
		TEST(mdns_more_known_answers_have_golden_bytes),
		TEST(dns_name_label_takes_one_label_apart),
		TEST(dns_text_find_obeys_sd_6_4),
		TEST(dns_next_record_wants_data_of_the_right_size),
		TEST(dns_next_record_keeps_1300_bytes_of_text),
		TEST(dns_reads_the_top_bit_apart_from_the_class),
		TEST(dns_writes_classes_and_their_top_bits),
		TEST(mdns_believes_records_of_class_in_alone),
		TEST(mdns_reads_the_flags_of_responses_as_18_says),
		TEST(mdns_asks_for_a_service_whose_name_obeys_sd_7),
		TEST(dns_writer_takes_back_what_does_not_fit),
		TEST(mdns_survives_killers),
		TEST(dns_next_question_refuses_pointers_into_the_header),
		TEST(mdns_survives_chains_of_thousands_of_pointers),
		TEST(mdns_survives_names_over_255_bytes),
		TEST(mdns_survives_large_texts),
		TEST(mdns_skips_bad_records_and_reads_on),
		TEST(mdns_survives_packets_cut_anywhere),
		TEST(mdns_survives_9001_bytes),
		TEST(mdns_17_reads_9000_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
