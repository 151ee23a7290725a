/* SPDX-License-Identifier: ISC */
/*
 * test_mdns.c: RFC 6762, as far as mdns.c goes today.  Time is virtual, and
 * packets are bytes; numbers in comments are sections of that RFC.
 *
 * What was found is rendered as "NAME ADDRESS...\n", what is sent as
 * "SCOPE group|ADDRESS:PORT question|answer|goodbye\n" where the golden
 * bytes are not the point; a scope is an interface and 4 or 6.
 */
#include "platform.h"

#include "testing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "mdns.h"

#define ALICE_LOCAL "\005alice\005local\000"
#define BOB_LOCAL   "\003bob\005local\000"
#define CAROL_LOCAL "\005carol\005local\000"

/* Headers with the number of questions, or of answers. */
#define QUERY(questions)                                                       \
	"\000\000\000\000\000" questions "\000\000\000\000\000\000"
#define RESPONSE(answers)                                                      \
	"\000\000\204\000\000\000\000" answers "\000\000\000\000"

#define A_IN    "\000\001\000\001"
#define AAAA_IN "\000\034\000\001"
#define TTL_120 "\000\000\000\170"
#define TTL_10  "\000\000\000\012"
#define TTL_0   "\000\000\000\000"
#define OWN_IP4 "\000\004\012\000\000\001"
#define OWN_IP6                                                                \
	"\000\020\375\000\000\000\000\000\000\000\000\000\000\000\000\000\000" \
	"\001"
#define BOB_IP4 "\000\004\012\000\000\002"
#define BOB_A   BOB_LOCAL A_IN TTL_120 BOB_IP4

#define DIGITS "01234567890123456789012345678901" /* 32 bytes */

enum { START_MS = 1000 * 1000, QUIET_MS = 60 * 1000 };

static struct mdns *mdns;
static int64_t now_ms;
static struct transcript told;
static struct mdns_interface interfaces[MDNS_INTERFACES_MAX];
static struct mdns_packet packet;

static void add_address(struct mdns_interface *interface, const char *text)
{
	struct sockaddr_storage *to = &interface->addresses[interface->count];
	struct sockaddr_in *to4 = (struct sockaddr_in *)to;
	struct sockaddr_in6 *to6 = (struct sockaddr_in6 *)to;

	interface->count++;
	if (strchr(text, ':') != NULL) {
		to->ss_family = AF_INET6;
		assert_int_equal(inet_pton(AF_INET6, text, &to6->sin6_addr), 1);
	} else {
		to->ss_family = AF_INET;
		assert_int_equal(inet_pton(AF_INET, text, &to4->sin_addr), 1);
	}
}

/* Interface `index` with an address for each family that is not NULL. */
static struct mdns_interface interface_of(
	uint32_t index, const char *ipv4, const char *ipv6)
{
	struct mdns_interface interface;

	memset(&interface, 0, sizeof(interface));
	interface.index = index;
	interface.ipv4 = ipv4 != NULL;
	interface.ipv6 = ipv6 != NULL;
	if (ipv4 != NULL)
		add_address(&interface, ipv4);
	if (ipv6 != NULL)
		add_address(&interface, ipv6);
	return interface;
}

/* Sends what is due; false when nothing is. */
static bool output(void)
{
	return mdns_output(mdns, &packet, now_ms);
}

static void assert_sent(const char *bytes, size_t size)
{
	assert_int_equal(packet.size, size);
	assert_memory_equal(packet.bytes, bytes, size);
}

static void tell_address(const struct sockaddr_storage *address)
{
	const struct sockaddr_in *at4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *at6 = (const struct sockaddr_in6 *)address;
	char text[INET6_ADDRSTRLEN];

	if (address->ss_family == AF_INET)
		tell(&told, "%s",
			inet_ntop(AF_INET, &at4->sin_addr, text, sizeof(text)));
	else
		tell(&told, "%s",
			inet_ntop(
				AF_INET6, &at6->sin6_addr, text, sizeof(text)));
	if (address->ss_family == AF_INET6 && at6->sin6_scope_id != 0)
		tell(&told, "%%%u", at6->sin6_scope_id);
}

static void tell_packet(void)
{
	struct reader r = reader_over(packet.bytes, packet.size);
	uint16_t flags;
	uint32_t ttl_s;

	assert_true(packet.size <= MDNS_SEND_MAX);
	(void)read_be16(&r);
	flags = read_be16(&r);
	(void)read_bytes(&r, 8 + sizeof(ALICE_LOCAL) - 1 + 4);
	ttl_s = read_be32(&r);
	tell(&told, "%u/%d ", packet.index, packet.family == AF_INET ? 4 : 6);
	if (packet.multicast)
		tell(&told, "group ");
	else
		tell_address(&packet.address);
	tell(&told, "%s\n",
		flags == 0           ? "question"
		: !packet.multicast  ? " answer"
		: r.bad || ttl_s > 0 ? "answer"
				     : "goodbye");
}

static void drain(void)
{
	for (int packets = 0; output(); packets++) {
		assert_true(packets < 1000);
		tell_packet();
	}
}

static void wait_ms(int64_t ms)
{
	now_ms += ms;
	drain();
}

/* When the next packet would go out by itself, in ms from now. */
static int64_t wake_ms(void)
{
	struct loop loop;

	loop_begin(&loop, now_ms);
	mdns_want(mdns, &loop);
	return loop.wake_ms - now_ms;
}

/* One interface, 10.0.0.1 and fd00::1; nothing has been sent yet. */
static void begin(const char *name)
{
	now_ms = START_MS;
	transcript_clear(&told);
	mdns = mdns_open(name, 1);
	assert_non_null(mdns);
	interfaces[0] = interface_of(3, "10.0.0.1", NULL);
	add_address(&interfaces[0], "fd00::1");
	mdns_set_interfaces(mdns, interfaces, 1, now_ms);
}

/* The announcements are over, and the last answer is long ago. */
static void begin_quiet(const char *name)
{
	begin(name);
	wait_ms(200);
	wait_ms(1000);
	wait_ms(QUIET_MS);
	transcript_clear(&told);
}

static int end(void **state)
{
	(void)state;
	mdns_close(mdns);
	mdns = NULL;
	return 0;
}

static void input_from(
	const char *address, uint16_t port, const char *bytes, size_t size)
{
	struct mdns_interface from =
		interface_of(3, strchr(address, ':') == NULL ? address : NULL,
			strchr(address, ':') != NULL ? address : NULL);
	struct mdns_packet in = { .index = 3,
		.family = from.ipv4 ? AF_INET : AF_INET6,
		.address = from.addresses[0] };
	/* An exact copy on the heap: reading too far is an error. */
	uint8_t *copy = malloc(size == 0 ? 1 : size);

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	in.bytes = copy;
	in.size = size;
	if (from.ipv4)
		((struct sockaddr_in *)&in.address)->sin_port = htons(port);
	else
		((struct sockaddr_in6 *)&in.address)->sin6_port = htons(port);
	mdns_input(mdns, &in, now_ms);
	free(copy);
}

static void input(const char *bytes, size_t size)
{
	input_from("10.0.0.2", MDNS_PORT, bytes, size);
}

static void tell_found(void)
{
	struct mdns_found found;

	while (mdns_next(mdns, &found)) {
		assert_in_range(found.count, 1, MDNS_ADDRESSES_MAX);
		tell(&told, "%s", found.name);
		for (int i = 0; i < found.count; i++) {
			tell(&told, " ");
			tell_address(&found.addresses[i]);
		}
		tell(&told, "\n");
	}
}

/* Our own name: announcements, answers, goodbye. */

/* 8.3: at least two unsolicited responses, one second apart. */
static void mdns_announces_twice_a_second_apart(void **state)
{
	int64_t first;

	(void)state;
	begin("alice");
	first = wake_ms();
	assert_in_range(first, 20, 120);
	assert_false(output());
	wait_ms(first);
	assert_told(&told, "3/4 group answer\n");
	assert_int_equal(wake_ms(), 1000);
	wait_ms(999);
	assert_told(&told, "");
	wait_ms(1);
	assert_told(&told, "3/4 group answer\n");
	wait_ms(1000 * 1000);
	assert_told(&told, "");
	assert_int_equal(wake_ms(), 3600 * 1000);
}

/*
 * 18.1 id 0, 18.4 authoritative, 6 no question, 10 TTL 120; 10.2 no flush
 * bit without having probed.
 */
static void mdns_announcement_has_golden_bytes(void **state)
{
	(void)state;
	begin("Alice");
	now_ms += 120;
	assert_true(output());
	assert_true(packet.multicast);
	assert_int_equal(packet.index, 3);
	assert_int_equal(packet.family, AF_INET);
	assert_sent(BYTES(RESPONSE("\002") ALICE_LOCAL A_IN TTL_120 OWN_IP4
			ALICE_LOCAL AAAA_IN TTL_120 OWN_IP6));
}

static void mdns_answer_has_golden_bytes(void **state)
{
	(void)state;
	begin_quiet("alice");
	input(BYTES(QUERY("\001") ALICE_LOCAL A_IN));
	assert_true(output());
	assert_true(packet.multicast);
	assert_sent(BYTES(RESPONSE("\002") ALICE_LOCAL A_IN TTL_120 OWN_IP4
			ALICE_LOCAL AAAA_IN TTL_120 OWN_IP6));
	assert_false(output());
}

/* 10.1: all our records once more, with a TTL of 0. */
static void mdns_goodbye_has_golden_bytes(void **state)
{
	(void)state;
	begin_quiet("alice");
	mdns_goodbye(mdns);
	assert_true(output());
	assert_true(packet.multicast);
	assert_sent(BYTES(RESPONSE("\002") ALICE_LOCAL A_IN TTL_0 OWN_IP4
			ALICE_LOCAL AAAA_IN TTL_0 OWN_IP6));
	assert_false(output());
}

/* 10.1: an answer behind it would undo the goodbye for two minutes. */
static void mdns_goodbye_is_the_last_that_is_said(void **state)
{
	(void)state;
	begin_quiet("alice");
	input(BYTES(QUERY("\001") ALICE_LOCAL A_IN));
	input_from("10.0.0.9", 40000, BYTES(QUERY("\001") ALICE_LOCAL A_IN));
	mdns_goodbye(mdns);
	wait_ms(0);
	wait_ms(2000);
	assert_told(&told, "3/4 group goodbye\n");

	(void)end(NULL);
	begin("alice"); /* the announcements are still to come */
	mdns_goodbye(mdns);
	wait_ms(2000);
	wait_ms(2000);
	assert_told(&told, "3/4 group goodbye\n");
}

static void mdns_without_a_name_says_nothing_of_itself(void **state)
{
	(void)state;
	begin(NULL);
	assert_int_equal(wake_ms(), 3600 * 1000);
	wait_ms(5000);
	input(BYTES(QUERY("\001") ALICE_LOCAL A_IN));
	input(BYTES(QUERY("\001") "\000" A_IN));
	mdns_goodbye(mdns);
	wait_ms(5000);
	assert_told(&told, "");
}

static void mdns_names_are_one_label(void **state)
{
	static const char too_long[] = "0123456789012345678901234567890123456"
				       "789012345678901234567890123";
	static const char *const impossible[] = { "", "a.b", ".", too_long };

	(void)state;
	assert_int_equal(strlen(too_long), MDNS_NAME_MAX + 1);
	begin(NULL);
	for (size_t i = 0; i < COUNT_OF(impossible); i++) {
		errno = 0;
		assert_null(mdns_open(impossible[i], 1));
		assert_int_equal(errno, EINVAL);
		errno = 0;
		assert_int_equal(mdns_ask(mdns, impossible[i], now_ms), -1);
		assert_int_equal(errno, EINVAL);
	}
	assert_int_equal(mdns_ask(mdns, too_long + 1, now_ms), 0);
}

struct query_case {
	const char *name;
	uint16_t port;
	bool answered;
	const char *bytes;
	size_t size;
};

static void mdns_answers_what_concerns_it(void **state)
{
	static const struct query_case cases[] = {
		{ "A", 5353, true, BYTES(QUERY("\001") ALICE_LOCAL A_IN) },
		{ "6.2: AAAA", 5353, true,
			BYTES(QUERY("\001") ALICE_LOCAL AAAA_IN) },
		{ "6.5: ANY", 5353, true,
			BYTES(QUERY("\001") ALICE_LOCAL "\000\377\000\001") },
		{ "6: class ANY", 5353, true,
			BYTES(QUERY("\001") ALICE_LOCAL "\000\001\000\377") },
		{ "5.4: unicast wanted, but long ago", 5353, true,
			BYTES(QUERY("\001") ALICE_LOCAL "\000\001\200\001") },
		{ "16: any case", 5353, true,
			BYTES(QUERY("\001") "\005aLiCE\005LOCAL\000" A_IN) },
		{ "5.3: the second of two questions", 5353, true,
			BYTES(QUERY("\002") BOB_LOCAL A_IN ALICE_LOCAL A_IN) },
		{ "18.14: compressed", 5353, true,
			BYTES(QUERY("\002") BOB_LOCAL A_IN
				"\005alice\300\020" A_IN) },
		{ "7.1: with a known answer", 5353, true,
			BYTES("\000\000\000\000\000\001\000\001\000\000\000"
			      "\000" ALICE_LOCAL A_IN BOB_A) },
		{ "18.1: an id", 5353, true,
			BYTES("\022\064\000\000\000\001\000\000\000\000\000"
			      "\000" ALICE_LOCAL A_IN) },
		{ "18.5: TC", 5353, true,
			BYTES("\000\000\002\000\000\001\000\000\000\000\000"
			      "\000" ALICE_LOCAL A_IN) },
		{ "18.6: recursion wanted", 5353, true,
			BYTES("\000\000\001\000\000\001\000\000\000\000\000"
			      "\000" ALICE_LOCAL A_IN) },
		{ "6.7: one-shot", 40000, true,
			BYTES(QUERY("\001") ALICE_LOCAL A_IN) },
		{ "port 0", 0, false, BYTES(QUERY("\001") ALICE_LOCAL A_IN) },
		{ "18.3: opcode 1", 5353, false,
			BYTES("\000\000\010\000\000\001\000\000\000\000\000"
			      "\000" ALICE_LOCAL A_IN) },
		{ "18.11: rcode 3", 5353, false,
			BYTES("\000\000\000\003\000\001\000\000\000\000\000"
			      "\000" ALICE_LOCAL A_IN) },
		{ "6: a question in a response", 5353, false,
			BYTES("\000\000\204\000\000\001\000\000\000\000\000"
			      "\000" ALICE_LOCAL A_IN) },
		{ "TXT", 5353, false,
			BYTES(QUERY("\001") ALICE_LOCAL "\000\020\000\001") },
		{ "class CH", 5353, false,
			BYTES(QUERY("\001") ALICE_LOCAL "\000\001\000\003") },
		{ "another name", 5353, false,
			BYTES(QUERY("\001") "\005alicf\005local\000" A_IN) },
		{ "a shorter name", 5353, false,
			BYTES(QUERY("\001") "\004alic\005local\000" A_IN) },
		{ "a name below ours", 5353, false,
			BYTES(QUERY("\001") "\001x" ALICE_LOCAL A_IN) },
		{ "not .local", 5353, false,
			BYTES(QUERY("\001") "\005alice\005lokal\000" A_IN) },
		{ "16: other letters than A-Z have no case", 5353, false,
			BYTES(QUERY("\001") "\005alice\005loca\014\000" A_IN) },
		{ "the root", 5353, false, BYTES(QUERY("\001") "\000" A_IN) },
		{ "no question", 5353, false, BYTES(QUERY("\000")) },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct query_case *c = &cases[i];

		begin_quiet("alice");
		input_from("10.0.0.2", c->port, c->bytes, c->size);
		if (output() != c->answered)
			fail_msg("%s: it was %sanswered", c->name,
				c->answered ? "not " : "");
		assert_int_equal(wake_ms(), 3600 * 1000);
		(void)end(NULL);
	}
}

/*
 * 6.7: from another port than 5353 asks a simple resolver.  It gets a unicast
 * response with its id and question, TTL at most 10, without a flush bit.
 */
static void mdns_one_shot_answer_has_golden_bytes(void **state)
{
	static const char question[] =
		"\253\315\001\000\000\001\000\000\000\000\000\000"
		"\005ALice\005local\000" A_IN;
	static const char answer[] =
		"\253\315\204\000\000\001\000\001\000\000\000\001"
		"\005ALice\005local\000" A_IN ALICE_LOCAL A_IN TTL_10 OWN_IP4
			ALICE_LOCAL AAAA_IN TTL_10 OWN_IP6;
	const struct sockaddr_in *to;

	(void)state;
	begin_quiet("alice");
	input_from("10.0.0.9", 40000, BYTES(question));
	assert_int_equal(wake_ms(), 0);
	assert_true(output());
	assert_false(packet.multicast);
	to = (const struct sockaddr_in *)&packet.address;
	assert_int_equal(ntohs(to->sin_port), 40000);
	assert_sent(BYTES(answer));
	assert_false(output());
	/* 6: the one-second rule is for multicast only. */
	input_from("10.0.0.9", 40000, BYTES(question));
	assert_true(output());
}

/* 6.2: asked for AAAA, A comes along as an additional. */
static void mdns_one_shot_answer_puts_the_asked_type_first(void **state)
{
	static const char answer[] =
		"\000\000\204\000\000\001\000\001\000\000\000\001" ALICE_LOCAL
			AAAA_IN ALICE_LOCAL AAAA_IN TTL_10 OWN_IP6 ALICE_LOCAL
				A_IN TTL_10 OWN_IP4;
	static const char any[] =
		"\000\000\204\000\000\001\000\002\000\000\000\000" ALICE_LOCAL
		"\000\377\000\001" ALICE_LOCAL A_IN TTL_10 OWN_IP4 ALICE_LOCAL
			AAAA_IN TTL_10 OWN_IP6;

	(void)state;
	begin_quiet("alice");
	input_from("10.0.0.9", 40000, BYTES(QUERY("\001") ALICE_LOCAL AAAA_IN));
	assert_true(output());
	assert_sent(BYTES(answer));
	/* 6.5: ANY gets all. */
	input_from("10.0.0.9", 40000,
		BYTES(QUERY("\001") ALICE_LOCAL "\000\377\000\001"));
	assert_true(output());
	assert_sent(BYTES(any));
}

static void mdns_says_nothing_of_a_family_it_lacks(void **state)
{
	(void)state;
	begin_quiet("alice");
	interfaces[0] = interface_of(3, "10.0.0.1", NULL);
	mdns_set_interfaces(mdns, interfaces, 1, now_ms);
	wait_ms(200);
	wait_ms(QUIET_MS);
	transcript_clear(&told);
	input_from("10.0.0.9", 40000, BYTES(QUERY("\001") ALICE_LOCAL AAAA_IN));
	wait_ms(0);
	assert_told(&told, "");
}

/* 5.4: unicast when the group heard it within a quarter of the TTL. */
static void mdns_answers_unicast_when_wanted_and_lately_multicast(void **state)
{
	static const char question[] =
		QUERY("\001") ALICE_LOCAL "\000\001\200\001";

	(void)state;
	begin_quiet("alice");
	input(BYTES(question));
	wait_ms(0);
	assert_told(&told, "3/4 group answer\n");
	wait_ms(29999);
	input(BYTES(question));
	assert_true(output());
	assert_false(packet.multicast);
	assert_sent(BYTES(
		"\000\000\204\000\000\000\000\001\000\000\000\001" ALICE_LOCAL
			A_IN TTL_120 OWN_IP4 ALICE_LOCAL AAAA_IN TTL_120
				OWN_IP6));
	wait_ms(1);
	input(BYTES(question));
	wait_ms(0);
	assert_told(&told, "3/4 group answer\n");
}

/* 6: the same record not again within one second. */
static void mdns_multicasts_once_a_second(void **state)
{
	(void)state;
	begin_quiet("alice");
	input(BYTES(QUERY("\001") ALICE_LOCAL A_IN));
	assert_int_equal(wake_ms(), 0);
	wait_ms(0);
	assert_told(&told, "3/4 group answer\n");
	for (int i = 1; i < 10; i++) {
		now_ms += 100;
		input(BYTES(QUERY("\001") ALICE_LOCAL A_IN));
		drain();
		assert_int_equal(wake_ms(), 1000 - 100 * i);
	}
	wait_ms(99);
	assert_told(&told, "");
	wait_ms(1);
	assert_told(&told, "3/4 group answer\n");
	wait_ms(5000);
	assert_told(&told, "");
}

/* A flood of one-shot questions: a few answers, no more memory. */
static void mdns_answers_few_one_shots_at_a_time(void **state)
{
	int answers = 0;

	(void)state;
	begin_quiet("alice");
	for (int i = 0; i < 10000; i++)
		input_from("10.0.0.9", (uint16_t)(10000 + i),
			BYTES(QUERY("\001") ALICE_LOCAL A_IN));
	while (output())
		answers++;
	assert_in_range(answers, 1, 20);
}

/* Questions of ours. */

/* 5.2, 5.3: both types in one query, from port 5353 so not one-shot. */
static void mdns_question_has_golden_bytes(void **state)
{
	int64_t first;

	(void)state;
	begin_quiet(NULL);
	assert_int_equal(mdns_ask(mdns, "Bob", now_ms), 0);
	first = wake_ms();
	assert_in_range(first, 20, 120);
	now_ms += first;
	assert_true(output());
	assert_true(packet.multicast);
	assert_sent(BYTES(QUERY("\002") BOB_LOCAL A_IN BOB_LOCAL AAAA_IN));
	assert_false(output());
}

/* 5.2: at least a second between the first two, then at least doubling. */
static void mdns_asks_less_and_less_often(void **state)
{
	static const int64_t seconds[] = { 1, 2, 4, 8, 16, 32, 60, 60, 60 };

	(void)state;
	begin_quiet(NULL);
	assert_int_equal(mdns_ask(mdns, "bob", now_ms), 0);
	wait_ms(120);
	assert_told(&told, "3/4 group question\n");
	for (size_t i = 0; i < COUNT_OF(seconds); i++) {
		assert_int_equal(wake_ms(), seconds[i] * 1000);
		wait_ms(seconds[i] * 1000 - 1);
		assert_told(&told, "");
		wait_ms(1);
		assert_told(&told, "3/4 group question\n");
	}
}

static void mdns_stops_asking_when_told(void **state)
{
	(void)state;
	begin_quiet(NULL);
	assert_int_equal(mdns_ask(mdns, "bob", now_ms), 0);
	input(BYTES(RESPONSE("\001") BOB_A));
	mdns_stop_asking(mdns, "carol");
	mdns_stop_asking(mdns, "bob");
	mdns_stop_asking(mdns, "bob");
	tell_found();
	wait_ms(200);
	assert_told(&told, "");
	assert_int_equal(wake_ms(), 3600 * 1000);
}

static void mdns_asks_for_a_name_once(void **state)
{
	(void)state;
	begin_quiet(NULL);
	assert_int_equal(mdns_ask(mdns, "bob", now_ms), 0);
	now_ms += 120;
	assert_true(output());
	assert_int_equal(mdns_ask(mdns, "bob", now_ms), 0);
	assert_int_equal(mdns_ask(mdns, "BOB", now_ms), 0);
	assert_int_equal(wake_ms(), 1000);
}

/* 17: as many packets as it needs, none too large; each name once. */
static void mdns_asks_for_64_names_in_small_packets(void **state)
{
	char name[MDNS_NAME_MAX + 1];
	int questions = 0, packets = 0;

	(void)state;
	begin_quiet(NULL);
	memset(name, 'x', MDNS_NAME_MAX);
	name[MDNS_NAME_MAX] = '\0';
	for (int i = 0; i < MDNS_ASKED_MAX; i++) {
		name[0] = (char)('0' + i / 10);
		name[1] = (char)('0' + i % 10);
		assert_int_equal(mdns_ask(mdns, name, now_ms), 0);
	}
	assert_int_equal(mdns_ask(mdns, "bob", now_ms), -1);
	assert_int_equal(errno, ENOSPC);
	now_ms += 120;
	for (; output(); packets++) {
		assert_true(packet.size <= MDNS_SEND_MAX);
		questions += packet.bytes[5] + 256 * packet.bytes[4];
	}
	assert_int_equal(questions, 2 * MDNS_ASKED_MAX);
	assert_in_range(packets, 7, 10);
	mdns_stop_asking(mdns, name);
	assert_int_equal(mdns_ask(mdns, "bob", now_ms), 0);
}

/* Interfaces. */

static void mdns_speaks_on_each_interface_of_its_addresses(void **state)
{
	(void)state;
	begin_quiet("alice");
	interfaces[1] = interface_of(7, "192.0.2.1", "fe80::7");
	mdns_set_interfaces(mdns, interfaces, 2, now_ms);
	wait_ms(120);
	assert_told(&told, "7/4 group answer\n7/6 group answer\n");
	assert_int_equal(mdns_ask(mdns, "bob", now_ms), 0);
	now_ms += 120;
	for (int i = 0; i < 3; i++) {
		assert_true(output());
		tell_packet();
	}
	assert_told(&told, "3/4 group question\n7/4 group question\n"
			   "7/6 group question\n");
	assert_false(output());
	/* None of another interface's addresses. */
	now_ms += QUIET_MS;
	input(BYTES(QUERY("\001") ALICE_LOCAL A_IN));
	drain();
	transcript_clear(&told);
	now_ms += QUIET_MS;
	input(BYTES(QUERY("\001") ALICE_LOCAL A_IN));
	assert_true(output());
	assert_sent(BYTES(RESPONSE("\002") ALICE_LOCAL A_IN TTL_120 OWN_IP4
			ALICE_LOCAL AAAA_IN TTL_120 OWN_IP6));
}

/* 8.3, 8.4: what is new is announced, and all is asked again. */
static void mdns_announces_where_something_changed(void **state)
{
	(void)state;
	begin_quiet("alice");
	assert_int_equal(mdns_ask(mdns, "bob", now_ms), 0);
	wait_ms(120);
	wait_ms(1000);
	wait_ms(2000);
	transcript_clear(&told);

	/* The same once more: nothing. */
	mdns_set_interfaces(mdns, interfaces, 1, now_ms);
	wait_ms(500);
	assert_told(&told, "");

	add_address(&interfaces[0], "10.0.0.7");
	mdns_set_interfaces(mdns, interfaces, 1, now_ms);
	wait_ms(120);
	assert_told(&told, "3/4 group answer\n3/4 group question\n");
	wait_ms(1000);
	assert_told(&told, "3/4 group answer\n3/4 group question\n");

	/* Another one comes: this one need not hear us again. */
	interfaces[1] = interface_of(2, "192.0.2.1", NULL);
	mdns_set_interfaces(mdns, interfaces, 2, now_ms);
	wait_ms(120);
	assert_told(&told, "2/4 group answer\n3/4 group question\n"
			   "2/4 group question\n");
}

/* 6: a change elsewhere is no reason to forget what was just said here. */
static void mdns_keeps_the_second_when_another_interface_comes(void **state)
{
	(void)state;
	begin_quiet("alice");
	input(BYTES(QUERY("\001") ALICE_LOCAL A_IN));
	wait_ms(0);
	transcript_clear(&told);
	interfaces[1] = interfaces[0];
	interfaces[0] = interface_of(2, "192.0.2.1", NULL);
	mdns_set_interfaces(mdns, interfaces, 2, now_ms);
	wait_ms(500);
	assert_told(&told, "2/4 group answer\n");
	input(BYTES(QUERY("\001") ALICE_LOCAL A_IN));
	wait_ms(499);
	assert_told(&told, "");
	wait_ms(1);
	assert_told(&told, "3/4 group answer\n");
}

static void mdns_without_interfaces_is_silent_and_deaf(void **state)
{
	(void)state;
	begin("alice");
	assert_int_equal(mdns_ask(mdns, "bob", now_ms), 0);
	input_from("10.0.0.9", 40000, BYTES(QUERY("\001") ALICE_LOCAL A_IN));
	mdns_set_interfaces(mdns, interfaces, 0, now_ms);
	wait_ms(5000);
	input(BYTES(QUERY("\001") ALICE_LOCAL A_IN));
	input(BYTES(RESPONSE("\001") BOB_A));
	tell_found();
	assert_told(&told, "");
	/* One comes: announced, and asked from the beginning. */
	mdns_set_interfaces(mdns, interfaces, 1, now_ms);
	wait_ms(120);
	assert_told(&told, "3/4 group answer\n3/4 group question\n");
	wait_ms(1000);
	assert_told(&told, "3/4 group answer\n3/4 group question\n");
}

static void mdns_ignores_packets_from_elsewhere(void **state)
{
	struct mdns_packet in = { .index = 4, .family = AF_INET };
	static const char question[] = QUERY("\001") ALICE_LOCAL A_IN;

	(void)state;
	begin_quiet("alice");
	in.address = interface_of(4, "10.0.0.2", NULL).addresses[0];
	((struct sockaddr_in *)&in.address)->sin_port = htons(MDNS_PORT);
	in.bytes = (const uint8_t *)question;
	in.size = sizeof(question) - 1;
	mdns_input(mdns, &in, now_ms);
	input_from("fe80::2", MDNS_PORT, BYTES(question));
	wait_ms(2000);
	assert_told(&told, "");
}

/* Answers to us. */

struct found_case {
	const char *bytes;
	size_t size;
	const char *told;
};

#define BOB_FE80                                                               \
	BOB_LOCAL AAAA_IN TTL_120                                              \
		"\000\020\376\200\000\000\000\000\000\000\000\000\000\000"     \
		"\000\000\000\002"

static void mdns_finds_what_it_asked_for(void **state)
{
	static const struct found_case cases[] = {
		{ BYTES(RESPONSE("\001") BOB_A), "bob 10.0.0.2\n" },
		/* A link-local address is one of this interface. */
		{ BYTES(RESPONSE("\002") BOB_A BOB_FE80),
			"bob 10.0.0.2 fe80::2%3\n" },
		{ BYTES(RESPONSE("\001") BOB_LOCAL AAAA_IN TTL_120 OWN_IP6),
			"bob fd00::1\n" },
		/* 10.2: the flush bit is no part of the class. */
		{ BYTES(RESPONSE("\001") BOB_LOCAL
			  "\000\001\200\001" TTL_120 BOB_IP4),
			"bob 10.0.0.2\n" },
		/* 16: any case. */
		{ BYTES(RESPONSE(
			  "\001") "\003BoB\005LOCAL\000" A_IN TTL_120 BOB_IP4),
			"bob 10.0.0.2\n" },
		/* Each address once. */
		{ BYTES(RESPONSE("\002") BOB_A BOB_A), "bob 10.0.0.2\n" },
		/* In any section. */
		{ BYTES("\000\000\204\000\000\000\000\000\000\001\000"
			"\001" CAROL_LOCAL A_IN TTL_120 OWN_IP4 BOB_A),
			"bob 10.0.0.2\ncarol 10.0.0.1\n" },
		/* 6: questions in a response are passed over. */
		{ BYTES("\000\000\204\000\000\002\000\001\000\000\000"
			"\000" ALICE_LOCAL A_IN BOB_LOCAL A_IN BOB_A),
			"bob 10.0.0.2\n" },
		/* 18.14: names are compressed. */
		{ BYTES("\000\000\204\000\000\001\000\001\000\000\000"
			"\000" BOB_LOCAL A_IN "\300\014" A_IN TTL_120 BOB_IP4),
			"bob 10.0.0.2\n" },
		/* Records of other types, names and classes stand between. */
		{ BYTES(RESPONSE("\005")
				  ALICE_LOCAL A_IN TTL_120 OWN_IP4 BOB_LOCAL
			  "\000\020\000\001" TTL_120 "\000\001\000" BOB_LOCAL
			  "\000\057\200\001" TTL_120
			  "\000\004\300\014\000\000" BOB_LOCAL
			  "\000\001\000\003" TTL_120 OWN_IP4 BOB_A),
			"bob 10.0.0.2\n" },
		/* 18.1: an id; 18.5 to 18.10: other bits. */
		{ BYTES("\022\064\207\260\000\000\000\001\000\000\000"
			"\000" BOB_A),
			"bob 10.0.0.2\n" },
		/* Those of one packet are told together, name by name. */
		{ BYTES(RESPONSE("\003") BOB_A CAROL_LOCAL A_IN TTL_120 OWN_IP4
				  BOB_FE80),
			"bob 10.0.0.2 fe80::2%3\ncarol 10.0.0.1\n" },
		/* 10.1: a goodbye finds nobody. */
		{ BYTES(RESPONSE("\001") BOB_LOCAL A_IN TTL_0 BOB_IP4), "" },
		/* Nobody asked for these. */
		{ BYTES(RESPONSE("\001") ALICE_LOCAL A_IN TTL_120 OWN_IP4),
			"" },
		{ BYTES(RESPONSE(
			  "\001") "\001x" BOB_LOCAL A_IN TTL_120 BOB_IP4),
			"" },
		/* Class CH; data of another length than its type has. */
		{ BYTES(RESPONSE("\001") BOB_LOCAL
			  "\000\001\000\003" TTL_120 BOB_IP4),
			"" },
		{ BYTES(RESPONSE("\001") BOB_LOCAL A_IN TTL_120
			  "\000\003\012\000\000"),
			"" },
		{ BYTES(RESPONSE("\001") BOB_LOCAL A_IN TTL_120
			  "\000\005\012\000\000\002\000"),
			"" },
		{ BYTES(RESPONSE("\001") BOB_LOCAL A_IN TTL_120 "\000\000"),
			"" },
		{ BYTES(RESPONSE("\001") BOB_LOCAL AAAA_IN TTL_120 BOB_IP4),
			"" },
		{ BYTES(RESPONSE("\001") BOB_LOCAL A_IN TTL_120 OWN_IP6), "" },
		/* 18.3, 18.11: another opcode, or an error. */
		{ BYTES("\000\000\214\000\000\000\000\001\000\000\000"
			"\000" BOB_A),
			"" },
		{ BYTES("\000\000\204\003\000\000\000\001\000\000\000"
			"\000" BOB_A),
			"" },
		/* 7.1: a known answer in somebody's question. */
		{ BYTES("\000\000\000\000\000\001\000\001\000\000\000"
			"\000" BOB_LOCAL A_IN BOB_A),
			"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		begin_quiet("alice");
		assert_int_equal(mdns_ask(mdns, "bob", now_ms), 0);
		assert_int_equal(mdns_ask(mdns, "carol", now_ms), 0);
		input(cases[i].bytes, cases[i].size);
		tell_found();
		assert_told(&told, cases[i].told);
		(void)end(NULL);
	}
}

/* register-multicast-dns 1.1.0 answers from an ephemeral port. */
static void mdns_takes_answers_from_other_ports(void **state)
{
	(void)state;
	begin_quiet(NULL);
	assert_int_equal(mdns_ask(mdns, "bob", now_ms), 0);
	input_from("10.0.0.2", 40000, BYTES(RESPONSE("\001") BOB_A));
	tell_found();
	assert_told(&told, "bob 10.0.0.2\n");
}

static void mdns_tells_the_newest_answer(void **state)
{
	(void)state;
	begin_quiet(NULL);
	assert_int_equal(mdns_ask(mdns, "bob", now_ms), 0);
	input(BYTES(RESPONSE("\001") BOB_LOCAL A_IN TTL_120 OWN_IP4));
	input(BYTES(RESPONSE("\001") BOB_A));
	/* These say nothing of an address, so they change nothing. */
	input(BYTES(RESPONSE("\001") BOB_LOCAL A_IN TTL_0 OWN_IP4));
	input(BYTES(RESPONSE("\001") BOB_LOCAL "\000\020\000\001" TTL_120
					       "\000\001\000"));
	tell_found();
	assert_told(&told, "bob 10.0.0.2\n");
	input(BYTES(RESPONSE("\001") BOB_A));
	tell_found();
	tell_found();
	assert_told(&told, "bob 10.0.0.2\n");
}

static void mdns_keeps_eight_addresses_of_a_name(void **state)
{
	static const char record[] = BOB_A;
	char bytes[12 + 100 * (sizeof(record) - 1)];
	struct writer w = writer_over(bytes, sizeof(bytes));
	struct mdns_found found;

	(void)state;
	begin_quiet(NULL);
	assert_int_equal(mdns_ask(mdns, "bob", now_ms), 0);
	write_bytes(&w, RESPONSE("\144"), 12);
	for (uint8_t i = 0; i < 100; i++) {
		write_bytes(&w, record, sizeof(record) - 2);
		write_u8(&w, i);
	}
	assert_false(w.full);
	input(bytes, w.size);
	assert_true(mdns_next(mdns, &found));
	assert_int_equal(found.count, MDNS_ADDRESSES_MAX);
	assert_false(mdns_next(mdns, &found));
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
	begin_quiet("alice");
	assert_int_equal(mdns_ask(mdns, "bob", now_ms), 0);
	input(bytes, size);
	input_from("10.0.0.9", 40000, bytes, size);
	tell_found();
	while (output()) {
		if (packet.bytes[2] != 0)
			tell_packet();
	}
	if (told.size > 0)
		fail_msg("%s: %s", name, told.text);
	now_ms += 5000;
	input(BYTES(RESPONSE("\001") BOB_A));
	tell_found();
	assert_told(&told, "bob 10.0.0.2\n");
	input_from("10.0.0.9", 40000, BYTES(QUERY("\001") ALICE_LOCAL A_IN));
	assert_true(output());
	assert_false(packet.multicast);
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
	begin_quiet("a");
	input(BYTES("\000\000\000\000\001a\005local\000" A_IN "\300\004" A_IN));
	assert_false(output());
	input(BYTES("\000\000\000\000\000\001\000\000\000\000\000\000"
		    "\001a\005local\000" A_IN));
	assert_true(output());
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
		begin_quiet("alice");
		input(bytes, w.size);
		answers[extra] = output();
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
	begin_quiet(NULL);
	assert_int_equal(mdns_ask(mdns, "bob", now_ms), 0);
	for (size_t size = whole; size < sizeof(response); size++) {
		input(response, size);
		tell_found();
		if (size < sizeof(response) - 1)
			assert_told(&told, "bob fe80::2%3\n");
	}
	assert_told(&told, "bob fe80::2%3 10.0.0.2\n");
}

/* 100,000 names that nobody asked for leave no trace; nor do goodbyes. */
static void mdns_survives_floods(void **state)
{
	char bytes[] =
		RESPONSE("\001") "\006xxxxxx\005local\000" A_IN TTL_120 BOB_IP4;

	(void)state;
	begin_quiet("alice");
	assert_int_equal(mdns_ask(mdns, "bob", now_ms), 0);
	for (unsigned i = 0; i < 100000; i++) {
		char digits[8];

		(void)snprintf(digits, sizeof(digits), "%06u", i % 1000000);
		memcpy(bytes + 13, digits, 6);
		input(bytes, sizeof(bytes) - 1);
	}
	for (int i = 0; i < 10000; i++) {
		input(BYTES(RESPONSE("\001") BOB_LOCAL A_IN TTL_0 BOB_IP4));
		input(BYTES(RESPONSE("\001") ALICE_LOCAL A_IN TTL_0 OWN_IP4));
	}
	tell_found();
	assert_told(&told, "");
	wait_ms(200);
	assert_told(&told, "3/4 group question\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			mdns_announces_twice_a_second_apart, end),
		cmocka_unit_test_teardown(
			mdns_announcement_has_golden_bytes, end),
		cmocka_unit_test_teardown(mdns_answer_has_golden_bytes, end),
		cmocka_unit_test_teardown(mdns_goodbye_has_golden_bytes, end),
		cmocka_unit_test_teardown(
			mdns_goodbye_is_the_last_that_is_said, end),
		cmocka_unit_test_teardown(
			mdns_without_a_name_says_nothing_of_itself, end),
		cmocka_unit_test_teardown(mdns_names_are_one_label, end),
		cmocka_unit_test_teardown(mdns_answers_what_concerns_it, end),
		cmocka_unit_test_teardown(
			mdns_one_shot_answer_has_golden_bytes, end),
		cmocka_unit_test_teardown(
			mdns_one_shot_answer_puts_the_asked_type_first, end),
		cmocka_unit_test_teardown(
			mdns_says_nothing_of_a_family_it_lacks, end),
		cmocka_unit_test_teardown(
			mdns_answers_unicast_when_wanted_and_lately_multicast,
			end),
		cmocka_unit_test_teardown(mdns_multicasts_once_a_second, end),
		cmocka_unit_test_teardown(
			mdns_answers_few_one_shots_at_a_time, end),
		cmocka_unit_test_teardown(mdns_question_has_golden_bytes, end),
		cmocka_unit_test_teardown(mdns_asks_less_and_less_often, end),
		cmocka_unit_test_teardown(mdns_stops_asking_when_told, end),
		cmocka_unit_test_teardown(mdns_asks_for_a_name_once, end),
		cmocka_unit_test_teardown(
			mdns_asks_for_64_names_in_small_packets, end),
		cmocka_unit_test_teardown(
			mdns_speaks_on_each_interface_of_its_addresses, end),
		cmocka_unit_test_teardown(
			mdns_announces_where_something_changed, end),
		cmocka_unit_test_teardown(
			mdns_keeps_the_second_when_another_interface_comes,
			end),
		cmocka_unit_test_teardown(
			mdns_without_interfaces_is_silent_and_deaf, end),
		cmocka_unit_test_teardown(
			mdns_ignores_packets_from_elsewhere, end),
		cmocka_unit_test_teardown(mdns_finds_what_it_asked_for, end),
		cmocka_unit_test_teardown(
			mdns_takes_answers_from_other_ports, end),
		cmocka_unit_test_teardown(mdns_tells_the_newest_answer, end),
		cmocka_unit_test_teardown(
			mdns_keeps_eight_addresses_of_a_name, end),
		cmocka_unit_test_teardown(mdns_survives_killers, end),
		cmocka_unit_test_teardown(
			mdns_survives_pointers_into_the_header, end),
		cmocka_unit_test_teardown(
			mdns_survives_chains_of_thousands_of_pointers, end),
		cmocka_unit_test_teardown(
			mdns_survives_names_over_255_bytes, end),
		cmocka_unit_test_teardown(mdns_survives_large_texts, end),
		cmocka_unit_test_teardown(
			mdns_survives_packets_cut_anywhere, end),
		cmocka_unit_test_teardown(mdns_survives_floods, end),
	};

	return cmocka_run_group_tests_name("mdns", tests, NULL, NULL);
}
