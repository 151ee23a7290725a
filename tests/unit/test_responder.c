/* SPDX-License-Identifier: ISC */
/*
 * test_responder.c: what we tell of ourselves.  Each test quotes the section
 * of RFC 6762 (SD: RFC 6763) that it is about.  Time is virtual.
 */
#include "platform.h"

#include "mdns_lan.h"

#define TEXT "txtvers=1,v=1,s=0101010101010101,t=702e035c46"

#define ALICE_PTR  "PTR " SERVICE " 4500 alice." SERVICE "\n"
#define ALICE_SRV  "! SRV alice." SERVICE " 120 4000 alice.local\n"
#define ALICE_TXT  "! TXT alice." SERVICE " 4500 " TEXT "\n"
#define ALICE_A    "! A alice.local 120 10.0.0.1\n"
#define ALICE_NSEC "! NSEC alice.local 120 A\n"
#define SERVICES   "_services._dns-sd._udp.local"

#define PROBE(unicast)                                                         \
	"?" unicast " ANY alice.local\n"                                       \
	"?" unicast " ANY alice." SERVICE "\n"                                 \
	"^ SRV alice." SERVICE " 120 4000 alice.local\n"                       \
	"^ TXT alice." SERVICE " 4500 " TEXT "\n"                              \
	"^ A alice.local 120 10.0.0.1\n"
#define ANNOUNCEMENT                                                           \
	"= " ALICE_PTR "= PTR " SERVICES " 4500 " SERVICE "\n"                 \
	"=" ALICE_SRV "=" ALICE_TXT "=" ALICE_NSEC "=! NSEC alice." SERVICE    \
	" 120 TXT,SRV\n=" ALICE_A

/* Somebody else who is alice: another address, another salt. */
#define RIVAL_A "response\n=! A alice.local 120 10.0.0.9\n"

static void begin_alice(void)
{
	struct mdns_options options = options_of("alice", 1);

	options.browse = false;
	begin_with(&options, false);
}

/* How many packets of `kind` were told of. */
static int count_told(const char *kind)
{
	int count = 0;

	for (const char *at = told.text; (at = strstr(at, kind)) != NULL; at++)
		count++;
	return count;
}

/* When the first packet was told of that has `text` in it, after `from`. */
static int64_t first_ms(const char *text)
{
	const char *found = strstr(told.text, text), *line;

	assert_non_null(found);
	line = found;
	while (line > told.text && line[0] != '@')
		line--;
	return strtol(line + 1, NULL, 10);
}

/*
 * 8.1: "the host should first wait for a short random delay time, uniformly
 * distributed in the range 0-250 ms"; "250 ms after the first query, the host
 * should send a second; then, 250 ms after that, a third."  "a host SHOULD
 * [...] populate the Authority Section with the proposed rdata"; "All probe
 * queries SHOULD be done using [...] "ANY""; 10.2: "the cache-flush bit MUST
 * NOT be set in [...] probe queries".  8.3: "MUST send [...] at least two
 * unsolicited responses, one second apart".
 */
static void mdns_8_1_probes_three_times_and_8_3_announces_twice(void **state)
{
	(void)state;
	begin_alice();
	until(600 * 1000);
	assert_told(&told,
		"@169 3/4 group query\n" PROBE(
			"") "@419 3/4 group "
			    "query\n" PROBE("") "@669 3/4 group query\n" PROBE(
				    "") "@919 "
					"3/4 "
					"group "
					"response"
					"\n" ANNOUNCEMENT "@1919 "
					"3/4 "
					"group "
					"response"
					"\n" ANNOUNCEMENT);
}

/* 8.1: "within 250 ms" of random delay: many seeds, none outside of it. */
static void mdns_8_1_first_probe_is_within_250_ms(void **state)
{
	int64_t least_ms = 1000, most_ms = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct mdns_options options = options_of("alice", seed);

		options.browse = false;
		begin_with(&options, false);
		until(250);
		if (first_ms("query") < least_ms)
			least_ms = first_ms("query");
		if (first_ms("query") > most_ms)
			most_ms = first_ms("query");
		(void)end(NULL);
	}
	assert_true(least_ms < 20 && most_ms > 230);
}

/*
 * 8.1: "the host [...] SHOULD be done using "QU" questions", but the answers
 * to those come to us only if our socket gets unicast; we ask so once.
 */
static void mdns_8_1_first_probe_asks_for_unicast_if_that_reaches_us(
	void **state)
{
	struct mdns_options options = options_of("alice", 1);

	(void)state;
	options.browse = false;
	begin_with(&options, false);
	interfaces[0].unicast4 = true;
	mdns_set_interfaces(mdns, interfaces, 1, now_ms);
	until(500);
	assert_told(&told, "@169 3/4 group query\n" PROBE(
				   "u") "@419 3/4 group query\n" PROBE(""));
}

/* 5.4: so it is for each family by itself, as each has a socket of its own. */
static void mdns_5_4_a_probe_wants_unicast_in_its_own_family_only(void **state)
{
	struct mdns_options options = options_of("alice", 1);

	(void)state;
	options.browse = false;
	for (int i = 0; i < 2; i++) {
		begin_with(&options, true);
		interfaces[0].unicast4 = i == 0;
		interfaces[0].unicast6 = i == 1;
		mdns_set_interfaces(mdns, interfaces, 1, now_ms);
		until(1000);
		assert_int_equal(count_told("3/4 group query\n?u ANY"), i == 0);
		assert_int_equal(count_told("3/6 group query\n?u ANY"), i == 1);
		assert_int_equal(count_told("3/4 group query\n? ANY"), 3 - !i);
		assert_int_equal(count_told("3/6 group query\n? ANY"), 3 - i);
	}
}

/*
 * 8.1: "a host MUST NOT [...] answer" for names not yet its own: no answers
 * while probing.
 */
static void mdns_8_1_answers_nothing_while_probing(void **state)
{
	(void)state;
	begin_alice();
	until(300);
	transcript_clear(&told);
	input("query\n? A alice.local\n? PTR " SERVICE "\n");
	until(355);
	assert_told(&told, "");
}

/*
 * The same of answers by unicast (5.4, 5.5, 6.7), and of those that waited (6,
 * 7.2) when a conflict made it probe again.
 */
static void mdns_8_1_answers_nobody_alone_while_probing(void **state)
{
	(void)state;
	begin_alice();
	until(300);
	transcript_clear(&told);
	input("query\n?u A alice.local\n");
	input_from("10.0.0.2", MDNS_PORT, true, "query\n? A alice.local\n");
	input_from("10.0.0.2", 40000, false, "query id=7\n? A alice.local\n");
	input("query tc\n? PTR " SERVICE "\n");
	until(900);
	assert_int_equal(count_told("query"), 2);
	assert_int_equal(count_told("response"), 0);
	begin_published();
	ask("query\n? A alice.local\n", 5000);
	transcript_clear(&told);
	input("query tc\n? PTR " SERVICE "\n");
	input_from("10.0.0.3", MDNS_PORT, false, "query\n? PTR " SERVICE "\n");
	input("query\n?u A alice.local\n");
	input_from("10.0.0.2", 40000, false, "query id=7\n? A alice.local\n");
	input(RIVAL_A);
	pass(749);
	assert_int_equal(count_told("query"), 3);
	assert_int_equal(count_told("response"), 0);
}

/*
 * 8.1: "any answers [...] received *before* the first probe query is sent
 * MUST be silently ignored."
 */
static void mdns_8_1_ignores_conflicts_before_the_first_probe(void **state)
{
	(void)state;
	begin_alice();
	input(RIVAL_A);
	until(1000);
	tell_events(mdns);
	assert_int_equal(count_told("query"), 3);
	assert_int_equal(count_told("response"), 1);
	assert_null(strstr(told.text, "suspect"));
}

/*
 * 8.1 and 9, as our rules read them: after the first conflict by multicast a
 * second's pause and the same name again, as it may have been stale; after the
 * second the next name.
 */
static void mdns_9_the_second_conflict_changes_the_name(void **state)
{
	(void)state;
	begin_alice();
	until(200);
	transcript_clear(&told);
	input(RIVAL_A);
	tell_events(mdns);
	assert_told(&told, "suspect alice\n");
	until(1199);
	assert_told(&told, "");
	until(1200);
	assert_told(&told, "@1200 3/4 group query\n" PROBE(""));
	input(RIVAL_A);
	tell_events(mdns);
	assert_told(&told, "suspect alice-2\nrenamed alice-2\n");
	until(10 * 1000);
	assert_int_equal(count_told("? ANY alice-2.local"), 3);
	assert_int_equal(count_told("=! A alice-2.local 120 10.0.0.1"), 2);
	assert_int_equal(
		count_told("=! SRV alice-2." SERVICE " 120 4000 alice-2.local"),
		2);
}

/* 9: a unicast answer to a probe comes from one who defends it now. */
static void mdns_9_a_unicast_conflict_changes_the_name_at_once(void **state)
{
	(void)state;
	begin_alice();
	until(200);
	transcript_clear(&told);
	input_from("10.0.0.2", MDNS_PORT, true, RIVAL_A);
	tell_events(mdns);
	assert_told(&told, "suspect alice-2\nrenamed alice-2\n");
}

/* 9: our own data is no conflict, whoever sends it: avahi on this machine. */
static void mdns_9_equal_data_is_no_conflict(void **state)
{
	(void)state;
	begin_alice();
	until(200);
	input_from("10.0.0.1", MDNS_PORT, false,
		"response\n=" ALICE_A "+! HINFO alice.local 120\n");
	input_from("10.0.0.1", MDNS_PORT, false,
		"query\n? ANY alice.local\n^ A alice.local 120 10.0.0.1\n");
	input("response\n=! SRV alice." SERVICE " 120 4000 ALICE.local\n");
	until(5000);
	tell_events(mdns);
	assert_int_equal(count_told("query"), 3);
	assert_null(strstr(told.text, "suspect"));
}

/* What the machine itself (avahi) publishes as NAME.local is left to it, until
 * it says goodbye; our service stays ours. */
static void mdns_9_leaves_the_host_to_the_machine(void **state)
{
	(void)state;
	begin_alice();
	until(200);
	input_from("10.0.0.1", MDNS_PORT, false, "response\n=" ALICE_A);
	until(10 * 1000);
	assert_int_equal(count_told("response"), 2);
	assert_int_equal(count_told("=! SRV"), 2);
	assert_int_equal(count_told("=! A "), 0);
	ask("query\n? A alice.local\n? PTR " SERVICE "\n", 5000);
	assert_int_equal(count_told("= PTR"), 1);
	assert_int_equal(count_told("! A "), 0);
	ask("response\n=! A alice.local 0 10.0.0.1\n", 5000);
	assert_int_equal(count_told("=" ALICE_A), 2);
	/* The same, when it comes later: it is not told that it may not. */
	begin_published();
	input_from("10.0.0.1", MDNS_PORT, false,
		"query\n? ANY alice.local\n^ A alice.local 120 10.0.0.1\n");
	pass(5000);
	mdns_goodbye(mdns);
	drain();
	assert_int_equal(count_told("! A "), 0);
	/* But another alice of ours is. */
	begin_published();
	ask("query\n? ANY alice.local\n? ANY alice." SERVICE
	    "\n^ A alice.local 120 10.0.0.1\n^ TXT alice." SERVICE
	    " 4500 txtvers=1\n",
		1000);
	assert_int_equal(count_told("=! A "), 1);
	assert_int_equal(count_told("=! TXT "), 1);
}

/*
 * 9: a name that was changed is a new one: what the machine published as the
 * old NAME.local says nothing of it.
 */
static void mdns_9_a_new_name_has_a_host_though_the_old_one_was_left(
	void **state)
{
	(void)state;
	begin_alice();
	until(200);
	/* Another chat of this machine is alice already. */
	for (int i = 0; i < 3; i++) {
		input_from("10.0.0.1", MDNS_PORT, false,
			"response\n=" ALICE_A "=! SRV alice." SERVICE
			" 120 4001 alice.local\n");
		pass(1300);
	}
	until(20 * 1000);
	tell_events(mdns);
	assert_non_null(strstr(told.text, "renamed alice-2\n"));
	assert_int_equal(count_told("=! A alice-2.local 120 10.0.0.1"), 2);
	ask("query\n? A alice-2.local\n", 1000);
	assert_int_equal(count_told("=! A alice-2.local 120 10.0.0.1"), 1);
}

/* Who is not this machine can not have NAME.local left to it. */
static void mdns_9_leaves_the_host_to_nobody_else(void **state)
{
	(void)state;
	begin_alice();
	until(200);
	input_from("10.0.0.66", MDNS_PORT, false, "response\n=" ALICE_A);
	until(10 * 1000);
	assert_int_equal(count_told("=" ALICE_A), 2);
	begin_published();
	input_from("10.0.0.66", MDNS_PORT, false,
		"query\n? ANY alice.local\n^ A alice.local 120 10.0.0.1\n");
	pass(5000);
	ask("query\n? A alice.local\n", 1000);
	assert_int_equal(count_told("=" ALICE_A), 1);
}

/*
 * 10: "120 seconds" is how long a host's record lives.  When the machine's own
 * was not heard for that long, and somebody wants it, it is probed for: it is
 * defended, and stays left to the machine, or it is ours.  A goodbye may be
 * anybody's, so it is probed for as well.
 */
static void mdns_10_a_host_left_to_the_machine_comes_back(void **state)
{
	(void)state;
	begin_alice();
	until(200);
	input_from("10.0.0.1", MDNS_PORT, false, "response\n=" ALICE_A);
	until(120 * 1000);
	ask("query\n? A alice.local\n", 5000);
	assert_told(&told, "");
	pass(3600 * 1000); /* nobody asks, so nothing is sent */
	assert_told(&told, "");
	input_from("10.0.0.2", 40000, false, "query id=7\n? A alice.local\n");
	pass(100);
	assert_int_equal(count_told("query"), 1);
	input_from("10.0.0.1", MDNS_PORT, false, "response\n=" ALICE_A);
	pass(5000);
	ask("query\n? A alice.local\n", 5000);
	assert_told(&told, "");
	/* A forged goodbye: the machine defends it, and we leave it. */
	ask("response\n=! A alice.local 0 10.0.0.1\n", 100);
	assert_int_equal(count_told("query"), 1);
	input_from("10.0.0.1", MDNS_PORT, false, "response\n=" ALICE_A);
	pass(5000);
	assert_int_equal(count_told("! A "), 0);
	pass(200 * 1000);
	ask("query\n? A alice.local\n", 5000); /* nobody defends it */
	assert_int_equal(count_told("query"), 3);
	assert_int_equal(count_told("=" ALICE_A), 2);
	ask("query\n? A alice.local\n", 5000);
	assert_int_equal(count_told("query"), 0);
	assert_int_equal(count_told("=" ALICE_A), 1);
}

/* The address of another interface of ours is ours: two cables, one switch. */
static void mdns_9_another_interface_is_not_a_rival(void **state)
{
	(void)state;
	begin_alice();
	interfaces[1] = interface_of(4, "10.0.0.7", NULL);
	mdns_set_interfaces(mdns, interfaces, 2, now_ms);
	until(300);
	input("query\n? ANY alice.local\n? ANY alice." SERVICE
	      "\n^ SRV alice." SERVICE
	      " 120 4000 alice.local\n^ TXT alice." SERVICE " 4500 " TEXT
	      "\n^ A alice.local 120 10.0.0.7\n");
	input("response\n=! A alice.local 120 10.0.0.7\n");
	until(3000);
	tell_events(mdns);
	assert_int_equal(count_told("query"), 6);
	assert_null(strstr(told.text, "suspect"));
}

/*
 * 9: "If, at any time, the host observes some other host multicasting
 * conflicting records [...] it MUST immediately reset [...] to probing state",
 * in any section.
 */
static void mdns_9_probes_again_after_a_late_conflict(void **state)
{
	(void)state;
	begin_published();
	ask("response\n+! A alice.local 120 10.0.0.9\n", 10 * 1000);
	assert_int_equal(count_told("query"), 3);
	assert_int_equal(first_ms("query"), 60 * 1000);
	assert_int_equal(count_told("response"), 2);
	tell_events(mdns);
	assert_non_null(strstr(told.text, "suspect alice\n"));
	assert_null(strstr(told.text, "renamed"));
}

/* 10.1: what is taken back is no conflict. */
static void mdns_9_a_goodbye_is_no_conflict(void **state)
{
	(void)state;
	begin_published();
	ask("response\n=! A alice.local 0 10.0.0.9\n", 10 * 1000);
	assert_told(&told, "");
}

#define OTHER_CLASS                                                            \
	"response\n=! A/3 alice.local 120 10.0.0.9\n"                          \
	"=! AAAA/3 alice.local 120 fd00::9\n"                                  \
	"=! SRV/3 alice." SERVICE " 120 4001 alice.local\n"                    \
	"=! TXT/3 alice." SERVICE " 4500 txtvers=2\n"

/*
 * 9: a conflict is "a record with the same name, rrtype and rrclass, but
 * inconsistent rdata".
 */
static void mdns_9_a_record_of_another_class_is_no_conflict(void **state)
{
	(void)state;
	begin_alice();
	until(200);
	input(OTHER_CLASS);
	input_from("10.0.0.2", MDNS_PORT, true, OTHER_CLASS);
	until(5000);
	assert_int_equal(count_told("query"), 3);
	assert_int_equal(count_told("response"), 2);
	begin_published();
	input(OTHER_CLASS);
	input_from("10.0.0.2", MDNS_PORT, true, OTHER_CLASS);
	pass(5000);
	tell_events(mdns);
	assert_told(&told, "");
}

/*
 * The same of a record that has our data: what is known (7.1), told (7.4) or
 * taken back (6.6) of another class is not ours.
 */
static void mdns_9_a_record_of_another_class_is_not_ours(void **state)
{
	(void)state;
	begin_published();
	ask("query\n? PTR " SERVICE "\n= PTR/3 " SERVICE " 4500 alice." SERVICE
	    "\n",
		5000);
	assert_int_equal(count_told("= " ALICE_PTR), 1);
	ask("query\n? PTR " SERVICE "\n", 5);
	input("response\n= PTR/3 " SERVICE " 4500 alice." SERVICE "\n");
	pass(5000);
	assert_int_equal(count_told("= " ALICE_PTR), 1);
	ask("response\n=! A/3 alice.local 0 10.0.0.1\n", 5000);
	assert_told(&told, "");
	/* Nor is NAME.local left to a machine that says so (9). */
	begin_alice();
	until(200);
	input_from("10.0.0.1", MDNS_PORT, false,
		"response\n=! A/3 alice.local 120 10.0.0.1\n");
	until(5000);
	assert_int_equal(count_told("=" ALICE_A), 2);
}

/*
 * 8.1: "If fifteen conflicts occur within any ten-second period, then the host
 * MUST wait at least five seconds before each successive additional probe
 * attempt."  Abuse 52: told, no crash, no storm.
 */
static void mdns_8_1_fifteen_conflicts_in_ten_seconds_slow_it_down(void **state)
{
	int probes, conflicts = 0;

	(void)state;
	begin_alice();
	until(200);
	transcript_clear(&told);
	/* Somebody has every name, and answers each probe by unicast. */
	for (int turn = 0; turn < 60 * 100; turn++) {
		char text[100];

		(void)snprintf(text, sizeof(text),
			"response\n=! A alice-%d.local 120 10.0.0.9\n",
			conflicts + 1);
		probes = count_told("query");
		if (conflicts == 0 || probes > 0) {
			input_from("10.0.0.2", MDNS_PORT, true,
				conflicts == 0 ? RIVAL_A : text);
			conflicts++;
			transcript_clear(&told);
		}
		pass(10);
	}
	/* 15 within some 3 s, and then one in five seconds. */
	assert_in_range(conflicts, 15 + 9, 15 + 13);
}

/* 9: the number is put to what fits, so that it stays a name. */
static void mdns_9_a_long_name_is_cut_for_its_number(void **state)
{
	struct mdns_options options =
		options_of("a123456789-123456789-123456789-1", 1);

	(void)state;
	begin_with(&options, false);
	until(300);
	transcript_clear(&told);
	input_from("10.0.0.2", MDNS_PORT, true,
		"response\n=! A a123456789-123456789-123456789-1.local 120 "
		"10.0.0.9\n");
	tell_events(mdns);
	assert_told(&told, "suspect a123456789-123456789-123456789-2\n"
			   "renamed a123456789-123456789-123456789-2\n");
}

#define RIVAL_PROBE(srv_port, text, address)                                   \
	"query\n? ANY alice.local\n? ANY alice." SERVICE                       \
	"\n^ SRV alice." SERVICE " 120 " srv_port                              \
	" alice.local\n^ TXT alice." SERVICE " 4500 " text                     \
	"\n^ A alice.local 120 " address "\n"

/*
 * 8.2: "the two records are compared and the lexicographically later data
 * wins"; "If the host finds that its own data is lexicographically earlier, it
 * defers [...] by waiting one second, and then begins probing for this record
 * again".  8.2.1: "if the list of one runs out the one with records remaining
 * wins"; "the bytes of the raw uncompressed rdata are compared [...] as eight-
 * bit UNSIGNED values".
 */
static void mdns_8_2_the_later_data_wins_the_name(void **state)
{
	static const struct {
		const char *text;
		bool lost;
	} cases[] = {
		{ RIVAL_PROBE("4000", TEXT, "10.0.0.1"), false }, /* ours */
		{ RIVAL_PROBE("4000", TEXT, "10.0.0.2"), true },
		{ RIVAL_PROBE("4000", TEXT, "10.0.0.0"), false },
		{ RIVAL_PROBE("4000", TEXT, "200.0.0.1"), true },
		{ RIVAL_PROBE("4001", TEXT, "10.0.0.1"), true },
		{ RIVAL_PROBE("3999", TEXT, "10.0.0.1"), false },
		{ RIVAL_PROBE("3999", TEXT, "10.0.0.2"), true },
		/* TXT sorts before SRV, so it decides */
		{ RIVAL_PROBE("3999", "zxtvers=1", "10.0.0.1"), true },
		{ RIVAL_PROBE("4000", "txtvers=2", "10.0.0.1"), true },
		/* fewer records, then more of them */
		{ "query\n? ANY alice.local\n? ANY alice." SERVICE
		  "\n^ TXT alice." SERVICE " 4500 txtvers=0\n",
			false },
		{ "query\n? ANY alice.local\n^ A alice.local 120 10.0.0.1\n"
		  "^ AAAA alice.local 120 fd00::9\n",
			true },
		{ "query\n? ANY alice.local\n^ AAAA alice.local 120 fd00::9\n",
			true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		begin_alice();
		until(200);
		transcript_clear(&told);
		input(cases[i].text);
		until(1199);
		if ((count_told("query") == 0) != cases[i].lost)
			fail_msg("case %zu: %s", i, told.text);
		until(1200);
		if (cases[i].lost)
			assert_told(&told, "@1200 3/4 group query\n" PROBE(""));
		(void)end(NULL);
	}
}

/*
 * 8.2: "it consults the Authority Section of that query": what is greater, or
 * less, in other sections is not proposed.
 */
static void mdns_8_2_only_the_authority_section_is_compared(void **state)
{
	static const struct {
		const char *text;
		bool lost;
	} cases[] = {
		{ "^ A alice.local 120 10.0.0.9\n", true },
		{ "= A alice.local 120 10.0.0.9\n"
		  "^ A alice.local 120 10.0.0.1\n",
			false },
		{ "^ A alice.local 120 10.0.0.1\n"
		  "+ A alice.local 120 10.0.0.9\n",
			false },
		{ "= SRV alice." SERVICE " 120 4001 alice.local\n"
		  "^ A bob.local 120 10.0.0.9\n"
		  "+ SRV alice." SERVICE " 120 4001 alice.local\n",
			false },
		{ "= A alice.local 120 10.0.0.0\n"
		  "^ A alice.local 120 10.0.0.9\n"
		  "+ A alice.local 120 10.0.0.0\n",
			true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char text[400];

		begin_alice();
		until(200);
		transcript_clear(&told);
		(void)snprintf(text, sizeof(text),
			"query\n? ANY alice.local\n? ANY alice." SERVICE "\n%s",
			cases[i].text);
		input(text);
		until(1199);
		if ((count_told("query") == 0) != cases[i].lost)
			fail_msg("case %zu: %s", i, told.text);
	}
	/* The machine knows NAME.local (7.1), and probes for another name. */
	begin_published();
	input_from("10.0.0.1", MDNS_PORT, false,
		"query\n? A alice.local\n? ANY bob.local\n"
		"= A alice.local 120 10.0.0.1\n^ A bob.local 120 10.0.0.1\n"
		"+ A alice.local 120 10.0.0.1\n");
	ask("query\n? A alice.local\n", 2000);
	assert_int_equal(count_told("=" ALICE_A), 1);
}

/* 8.2: two that begin at the same time come to terms, on one wire. */
static void mdns_8_2_two_of_one_name_become_two_names(void **state)
{
	(void)state;
	for (uint64_t seed = 10; seed < 30; seed++) {
		struct mdns_options first = options_of("alice", seed);
		struct mdns_options second = options_of("alice", seed + 100);

		begin_with(&first, false);
		join(&second);
		until(20 * 1000);
		transcript_clear(&told);
		tell_events(lan[0]);
		tell_events(lan[1]);
		if (count_told("renamed alice-2\n") != 1 ||
			count_told("renamed") != 1)
			fail_msg("seed %u: %s", (unsigned)seed, told.text);
		(void)end(NULL);
	}
}

/*
 * 10.1: "send an unsolicited multicast response packet [...] with TTL zero",
 * and then nothing more.  The list of services is others' too.
 */
static void mdns_10_1_says_goodbye_and_then_nothing(void **state)
{
	(void)state;
	begin_published();
	mdns_goodbye(mdns);
	drain();
	assert_told(&told, "@60000 3/4 group response\n"
			   "= PTR " SERVICE " 0 alice." SERVICE "\n"
			   "=! SRV alice." SERVICE " 0 4000 alice.local\n"
			   "=! TXT alice." SERVICE " 0 " TEXT "\n"
			   "=! A alice.local 0 10.0.0.1\n");
	ask("query\n? A alice.local\n", 60 * 1000);
	assert_told(&told, "");
}

/* 10.1: there is nothing to take back of a name that was never ours. */
static void mdns_10_1_no_goodbye_while_probing(void **state)
{
	(void)state;
	begin_alice();
	until(300);
	transcript_clear(&told);
	mdns_goodbye(mdns);
	until(5000);
	assert_told(&told, "");
}

#define GOODBYE                                                                \
	"group response\n= PTR " SERVICE " 0 alice." SERVICE                   \
	"\n=! SRV alice." SERVICE " 0 4000 alice.local\n=! TXT alice." SERVICE \
	" 0 " TEXT "\n=! A alice.local 0 10.0.0.1\n"

/* 10.1: what was announced once (8.3) is taken back, not announced again. */
static void mdns_10_1_says_goodbye_while_announcing(void **state)
{
	(void)state;
	begin_alice();
	until(1500);
	assert_int_equal(count_told("response"), 1);
	transcript_clear(&told);
	mdns_goodbye(mdns);
	until(60 * 1000);
	assert_told(&told, "@1500 3/4 " GOODBYE);
}

/*
 * 10.1: nothing is ours after the goodbye: no question is answered, also none
 * that waited, no name defended, nothing asked, and nobody's answer read.
 */
static void mdns_10_1_after_the_goodbye_nothing_is_said_or_heard(void **state)
{
	static const char *const packets[] = {
		"query\n? A alice.local\n? PTR " SERVICE "\n",
		"query\n?u A alice.local\n",
		"query tc\n? PTR " SERVICE "\n",
		"query\n? ANY alice.local\n^ A alice.local 120 10.0.0.9\n",
		"response\n= PTR " SERVICE " 0 alice." SERVICE "\n",
		RIVAL_A,
		"response\n=! A bob.local 120 10.0.0.2\n",
	};
	struct mdns_options options = options_of("alice", 1);

	(void)state;
	begin_with(&options, false);
	assert_int_equal(mdns_ask(mdns, "bob"), 0);
	until(60 * 1000);
	input("query tc\n? PTR " SERVICE "\n");
	input_from("10.0.0.3", MDNS_PORT, false, "query\n? PTR " SERVICE "\n");
	input_from("10.0.0.2", 40000, false, "query id=7\n? A alice.local\n");
	transcript_clear(&told);
	mdns_goodbye(mdns);
	pass(2000);
	assert_told(&told, "@60000 3/4 " GOODBYE);
	for (size_t i = 0; i < COUNT_OF(packets); i++) {
		input(packets[i]);
		input_from("10.0.0.2", MDNS_PORT, true, packets[i]);
		input_from("10.0.0.2", 40000, false, packets[i]);
		pass(2000);
	}
	interfaces[0] = interface_of(3, "10.0.0.5", NULL);
	interfaces[1] = interface_of(4, "10.0.7.1", NULL);
	mdns_set_interfaces(mdns, interfaces, 2, now_ms);
	pass(2 * 3600 * 1000);
	tell_events(mdns);
	assert_told(&told, "");
}

/*
 * 6: which question has which answers.  6.1: "NSEC" for types that a name does
 * not have.  6.2: additionals.  6.5: "ANY" gives all.  SD 9: the list of
 * services.  SD 12.1, 12.2: SRV, TXT and addresses with PTR, addresses with
 * SRV.  16: names in any case.
 */
static void mdns_6_answers_what_is_asked(void **state)
{
	static const struct {
		const char *question;
		const char *answer;
	} cases[] = {
		{ "? A alice.local", "=" ALICE_A "+" ALICE_NSEC },
		{ "? A ALICE.Local", "=" ALICE_A "+" ALICE_NSEC },
		{ "? AAAA alice.local", "=" ALICE_NSEC },
		{ "? HINFO alice.local", "=" ALICE_NSEC },
		{ "? ANY alice.local", "=" ALICE_A "+" ALICE_NSEC },
		{ "? SRV alice." SERVICE,
			"=" ALICE_SRV "+" ALICE_NSEC "+" ALICE_A },
		{ "? TXT alice." SERVICE, "=" ALICE_TXT },
		{ "? ANY alice." SERVICE, "=" ALICE_SRV "=" ALICE_TXT
					  "+" ALICE_NSEC "+" ALICE_A },
		{ "? A alice." SERVICE,
			"=! NSEC alice." SERVICE " 120 TXT,SRV\n" },
		{ "? PTR " SERVICE, "= " ALICE_PTR "+" ALICE_SRV "+" ALICE_TXT
				    "+" ALICE_NSEC "+" ALICE_A },
		{ "? PTR " SERVICES, "= PTR " SERVICES " 4500 " SERVICE "\n" },
		{ "? A alice.local\n? TXT alice." SERVICE,
			"=" ALICE_TXT "=" ALICE_A "+" ALICE_NSEC },
		{ "? A bob.local", "" },
		{ "? A alice.local.local", "" },
		{ "? A local", "" },
		{ "? SRV " SERVICE, "" },
		{ "? PTR 1.0.0.10.in-addr.arpa", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char question[400];
		const char *body;

		begin_published();
		(void)snprintf(question, sizeof(question), "query\n%s\n",
			cases[i].question);
		ask(question, 5000);
		body = strstr(told.text, "response\n");
		body = body == NULL ? "" : body + 9;
		if (strcmp(body, cases[i].answer) != 0)
			fail_msg("%s\nanswered:\n%s\nnot\n%s",
				cases[i].question, told.text, cases[i].answer);
		(void)end(NULL);
	}
}

/*
 * 6: "the record rrclass must match the question qclass unless the qclass is
 * "ANY" (255)"; 18.12: the top bit is no part of it.  All of it for a one-shot
 * asker, too.
 */
static void mdns_6_answers_questions_of_class_in_or_any(void **state)
{
	static const struct {
		const char *question;
		int answers;
	} cases[] = {
		{ "? A alice.local", 1 },
		{ "? A/255 alice.local", 1 },
		{ "?u A/255 alice.local", 1 },
		{ "? ANY/255 alice." SERVICE, 1 },
		{ "? PTR/255 " SERVICE, 1 },
		{ "? A/3 alice.local", 0 },
		{ "?u A/3 alice.local", 0 },
		{ "? AAAA/3 alice.local", 0 },
		{ "? ANY/3 alice." SERVICE, 0 },
		{ "? PTR/3 " SERVICE, 0 },
		{ "? A/0 alice.local", 0 },
		{ "? A/254 alice.local", 0 },
		{ "? A/3 alice.local\n? A alice.local", 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char text[200];

		begin_published();
		(void)snprintf(
			text, sizeof(text), "query\n%s\n", cases[i].question);
		ask(text, 5000);
		if (count_told("group response") != cases[i].answers)
			fail_msg("%s: %s", text, told.text);
		input_from("10.0.0.2", 40000, false, text);
		pass(5000);
		if (count_told("10.0.0.2:40000 response") != cases[i].answers)
			fail_msg("one-shot %s: %s", text, told.text);
	}
}

/*
 * 6.2: "the other family" as additional; 20: each family on its own scope, all
 * addresses of that interface.
 */
static void mdns_6_2_gives_the_other_family_along(void **state)
{
	struct mdns_options options = options_of("alice", 1);

	(void)state;
	options.browse = false;
	begin_with(&options, true);
	until(60 * 1000);
	ask("query\n? AAAA alice.local\n", 10);
	assert_told(&told, "@60000 3/4 group response\n"
			   "=! AAAA alice.local 120 fd00::1\n"
			   "+! A alice.local 120 10.0.0.1\n");
	transcript_clear(&told);
	input_from("fd00::2", MDNS_PORT, false, "query\n? A alice.local\n");
	pass(10);
	assert_told(&told, "@60010 3/6 group response\n"
			   "=! A alice.local 120 10.0.0.1\n"
			   "+! AAAA alice.local 120 fd00::1\n");
}

/*
 * 6: unique answers "SHOULD respond immediately, within 10 ms"; for shared
 * ones "a random delay [...] uniform random distribution in the range 20-120
 * ms"; 6.3: with several questions all are delayed if one is.
 */
static void mdns_6_shared_answers_wait_unique_ones_do_not(void **state)
{
	int64_t delay_ms, least_ms = 1000, most_ms = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		begin_published();
		for (int j = 0; j < i; j++) { /* other numbers of the series */
			input("query\n? PTR " SERVICES "\n");
			pass(2000);
		}
		ask(i % 2 ? "query\n? PTR " SERVICE "\n"
			  : "query\n? PTR " SERVICE "\n? A alice.local\n",
			500);
		delay_ms = first_ms("response") + 500 - (now_ms - START_MS);
		assert_int_equal(count_told("response"), 1);
		assert_in_range(delay_ms, 20, 120);
		if (delay_ms < least_ms)
			least_ms = delay_ms;
		if (delay_ms > most_ms)
			most_ms = delay_ms;
		(void)end(NULL);
	}
	assert_true(least_ms < 30 && most_ms > 110);
	begin_published();
	ask("query\n? A alice.local\n", 0);
	assert_int_equal(count_told("response"), 1);
}

/*
 * 6: "a Multicast DNS responder MUST NOT [...] multicast a record on a given
 * interface until at least one second has elapsed since the last time".  The
 * late asker gets his answer then.
 */
static void mdns_6_the_same_record_once_a_second(void **state)
{
	(void)state;
	begin_published();
	for (int i = 0; i < 50; i++) {
		input("query\n? A alice.local\n");
		pass(50);
	}
	pass(2000);
	assert_int_equal(count_told("=! A alice.local"), 4);
	assert_non_null(strstr(told.text, "@60000 "));
	assert_non_null(strstr(told.text, "@61000 "));
	assert_non_null(strstr(told.text, "@62000 "));
	assert_non_null(strstr(told.text, "@63000 "));
}

/*
 * The same of additional records: they are left out when they were just sent,
 * and count as sent when they were.
 */
static void mdns_6_additionals_are_sent_once_a_second_too(void **state)
{
	(void)state;
	begin_published();
	ask("query\n? A alice.local\n", 500);
	assert_told(&told, "@60000 3/4 group response\n"
			   "=" ALICE_A "+" ALICE_NSEC);
	ask("query\n? PTR " SERVICE "\n", 200);
	assert_int_equal(
		count_told("= " ALICE_PTR "+" ALICE_SRV "+" ALICE_TXT), 1);
	assert_int_equal(count_told("A alice.local"), 0);
	assert_int_equal(count_told("NSEC"), 0);
	/* Who needs them asks, and is not answered too soon either. */
	ask("query\n? TXT alice." SERVICE "\n? A alice.local\n", 5000);
	assert_int_equal(first_ms("=" ALICE_A), 61 * 1000);
	assert_in_range(first_ms("=" ALICE_TXT), 61520, 61620);
	assert_int_equal(count_told("! TXT"), 1);
	assert_int_equal(count_told("! A "), 1);
	/* A second later they go along. */
	ask("query\n? A alice.local\n", 1000);
	ask("query\n? PTR " SERVICE "\n", 500);
	assert_int_equal(count_told("= " ALICE_PTR "+" ALICE_SRV "+" ALICE_TXT
				    "+" ALICE_NSEC "+" ALICE_A),
		1);
}

/* The same: what defends a name a second time is not announced with the rest. */
static void mdns_6_what_was_just_sent_is_not_announced_again(void **state)
{
	(void)state;
	begin_alice();
	until(1800);
	assert_int_equal(count_told("=! A alice.local"), 1);
	ask("query\n? ANY alice.local\n^ A alice.local 120 10.0.0.9\n", 50);
	assert_int_equal(count_told("=! A alice.local"), 1);
	transcript_clear(&told);
	pass(10 * 1000);
	assert_int_equal(count_told("= " ALICE_PTR), 1);
	assert_int_equal(count_told("A alice.local"), 0);
}

/*
 * 6.4: "When possible, a responder SHOULD, for the sake of network efficiency,
 * aggregate as many responses as possible into a single Multicast DNS response
 * message".
 */
static void mdns_6_4_answers_that_wait_go_with_the_first(void **state)
{
	(void)state;
	begin_published();
	for (int i = 0; i < 20; i++) {
		input("query\n? PTR " SERVICE "\n");
		ask("query\n? PTR _services._dns-sd._udp.local\n", 5000);
		assert_int_equal(count_told("= " ALICE_PTR), 1);
		assert_int_equal(count_told("response"), 1);
	}
}

/* 6: "(except in the one special case of answering probe queries) [...] 250
 * ms". */
static void mdns_6_a_probe_is_answered_after_250_ms(void **state)
{
	(void)state;
	begin_published();
	ask("query\n? A alice.local\n", 50);
	ask("query\n? ANY alice.local\n^ A alice.local 120 10.0.0.9\n", 5000);
	assert_int_equal(first_ms("response"), 60 * 1000 + 250);
	assert_int_equal(count_told("response"), 1);
}

/*
 * 6.7: "send back a unicast response directly"; "MUST repeat the query ID and
 * the question"; "the cache-flush bit MUST NOT be set"; "TTL [...] SHOULD NOT
 * be greater than ten seconds".  As the original's look-up asks.
 */
static void mdns_6_7_answers_a_one_shot_asker_alone(void **state)
{
	(void)state;
	begin_published();
	input_from("10.0.0.2", 40000, false, "query id=77\n? A AlicE.local\n");
	drain();
	assert_told(&told, "@60000 3/4 10.0.0.2:40000 response id=77\n"
			   "? A AlicE.local\n"
			   "= A alice.local 10 10.0.0.1\n"
			   "+ NSEC alice.local 10 A\n");
}

/* 18.14: "SRV [...] MUST NOT be compressed in legacy unicast responses". */
static void mdns_18_14_legacy_srv_targets_are_not_compressed(void **state)
{
	static const char target[] = "\017\240\005alice\005local"; /* + NUL */

	(void)state;
	begin_published();
	input_from("10.0.0.2", 40000, false,
		"query id=77\n? SRV alice." SERVICE "\n");
	assert_true(mdns_output(mdns, &packet, now_ms));
	assert_non_null(
		memmem(packet.bytes, packet.size, target, sizeof(target)));
	input("query\n? SRV alice." SERVICE "\n");
	assert_true(mdns_output(mdns, &packet, now_ms));
	assert_null(memmem(packet.bytes, packet.size, target, sizeof(target)));
}

/* Port 0 can not be answered. */
static void mdns_6_7_port_0_is_not_answered(void **state)
{
	(void)state;
	begin_published();
	input_from("10.0.0.2", 0, false, "query\n? A alice.local\n");
	pass(5000);
	assert_told(&told, "");
}

/*
 * 5.4: "When receiving a question with the unicast-response bit set, a
 * responder SHOULD usually respond with a unicast packet directed back to the
 * querier.  However, if the responder has not multicast that record recently
 * (within one quarter of its TTL), then [it] SHOULD instead multicast".
 */
static void mdns_5_4_unicast_when_lately_multicast(void **state)
{
	(void)state;
	begin_published();
	ask("query\n?u A alice.local\n", 0);
	assert_int_equal(count_told("group response"), 1);
	pass(29 * 1000);
	ask("query\n?u A alice.local\n", 0);
	assert_told(&told, "@89000 3/4 10.0.0.2:5353 response\n"
			   "=! A alice.local 120 10.0.0.1\n"
			   "+! NSEC alice.local 120 A\n");
	pass(1000);
	ask("query\n?u A alice.local\n", 0);
	assert_int_equal(count_told("group response"), 1);
}

/*
 * 5.4 over IPv6, to any address; what was multicast over IPv4 was not heard
 * here, nor the other way round.
 */
static void mdns_5_4_each_family_has_its_own_quarter_of_the_ttl(void **state)
{
	struct mdns_options options = options_of("alice", 1);

	(void)state;
	options.browse = false;
	begin_with(&options, true);
	until(60 * 1000);
	transcript_clear(&told);
	input_from("fd00::2", MDNS_PORT, false, "query\n?u A alice.local\n");
	pass(0);
	assert_int_equal(count_told("3/6 group response"), 1);
	pass(5000);
	transcript_clear(&told);
	input_from("fd00::2", MDNS_PORT, false, "query\n?u A alice.local\n");
	pass(0);
	assert_told(&told, "@65000 3/6 [fd00::2]:5353 response\n"
			   "=! A alice.local 120 10.0.0.1\n"
			   "+! AAAA alice.local 120 fd00::1\n");
	input_from("fe80::2", MDNS_PORT, false,
		"query\n?u SRV alice." SERVICE "\n?u AAAA alice.local\n");
	pass(0);
	assert_int_equal(count_told("3/6 [fe80::2]:5353 response"), 1);
	assert_int_equal(count_told("3/6 group response"), 1); /* SRV */
	transcript_clear(&told);
	input("query\n?u A alice.local\n");
	pass(0);
	assert_int_equal(count_told("3/4 group response"), 1);
	assert_int_equal(count_told("response"), 1);
}

/*
 * 5.5: "a responder SHOULD [...] respond to [...] direct unicast queries";
 * 11: only when "the source address [...] is on the local link".
 */
static void mdns_5_5_direct_questions_from_the_link_only(void **state)
{
	(void)state;
	begin_published();
	ask("query\n? A alice.local\n", 2000);
	transcript_clear(&told);
	input_from("10.0.0.77", MDNS_PORT, true, "query\n? A alice.local\n");
	drain();
	assert_int_equal(count_told("10.0.0.77:5353 response"), 1);
	transcript_clear(&told);
	input_from("10.0.1.77", MDNS_PORT, true, "query\n? A alice.local\n");
	input_from("10.0.1.77", 4000, true, "query\n? A alice.local\n");
	pass(5000);
	assert_told(&told, "");
}

/*
 * 11: on the local link is an IPv4 address if "(I & M) == (P & M)", and an IPv6
 * address if "the first 'n' bits [...] match the first 'n' bits of the prefix
 * address, where 'n' is the length of the prefix": no fewer and no more.
 */
static const struct {
	const char *own;
	uint8_t prefix;
	const char *first; /* of the link, and what is outside of it */
	const char *before;
	const char *last;
	const char *after;
} links[] = {
	{ "10.1.20.1", 20, "10.1.16.0", "10.1.15.255", "10.1.31.255",
		"10.1.32.0" },
	{ "10.1.20.1", 23, "10.1.20.0", "10.1.19.255", "10.1.21.255",
		"10.1.22.0" },
	{ "10.1.20.1", 24, "10.1.20.0", "10.1.19.255", "10.1.20.255",
		"10.1.21.0" },
	{ "10.1.20.1", 25, "10.1.20.0", "10.1.19.255", "10.1.20.127",
		"10.1.20.128" },
	{ "10.1.20.129", 25, "10.1.20.128", "10.1.20.127", "10.1.20.255",
		"10.1.21.0" },
	{ "10.1.20.2", 31, "10.1.20.2", "10.1.20.1", "10.1.20.3", "10.1.20.4" },
	{ "10.1.20.2", 32, "10.1.20.2", "10.1.20.1", "10.1.20.2", "10.1.20.3" },
	{ "10.1.20.2", 1, "0.0.0.1", "128.0.0.0", "127.255.255.255",
		"255.0.0.0" },
	{ "fd00:0:0:a0::1", 57, "fd00:0:0:80::", "fd00:0:0:7f:ffff::",
		"fd00:0:0:ff:ffff:ffff:ffff:ffff", "fd00:0:0:100::" },
	{ "fd00:0:0:a0::1", 64, "fd00:0:0:a0::", "fd00:0:0:9f:ffff::",
		"fd00:0:0:a0:ffff:ffff:ffff:ffff", "fd00:0:0:a1::" },
	{ "fd00::1:5", 127, "fd00::1:4", "fd00::1:3", "fd00::1:5",
		"fd00::1:6" },
	{ "fd00::1:5", 128, "fd00::1:5", "fd00::1:4", "fd00::1:5",
		"fd00::1:6" },
};

static void mdns_5_5_the_link_ends_where_its_prefix_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(links); i++) {
		const char *askers[] = { links[i].first, links[i].last,
			links[i].before, links[i].after };

		begin_alice();
		interfaces[0] = interface_of(3, links[i].own, NULL);
		interfaces[0].prefixes[0] = links[i].prefix;
		mdns_set_interfaces(mdns, interfaces, 1, now_ms);
		until(60 * 1000);
		for (int j = 0; j < 4; j++) {
			transcript_clear(&told);
			input_from(askers[j], MDNS_PORT, true,
				"query\n? SRV alice." SERVICE "\n");
			pass(5000);
			if (count_told("response") != (j < 2))
				fail_msg("%s/%u, %s: %s", links[i].own,
					links[i].prefix, askers[j], told.text);
		}
	}
}

/*
 * 7.1: "MUST NOT answer if the answer it would give is already included in the
 * Answer Section with an RR TTL at least half the correct value."
 */
static void mdns_7_1_what_the_asker_knows_is_left_out(void **state)
{
	(void)state;
	begin_published();
	ask("query\n? PTR " SERVICE "\n= PTR " SERVICE " 2250 alice." SERVICE
	    "\n",
		5000);
	assert_told(&told, "");
	/* 16: in whatever case */
	ask("query\n? PTR " SERVICE "\n= PTR _PERSISTED-CHAT._tcp.Local 4500 "
	    "Alice._Persisted-Chat._TCP.LOCAL\n",
		5000);
	assert_told(&told, "");
	ask("query\n? PTR " SERVICE "\n= PTR " SERVICE " 2249 alice." SERVICE
	    "\n",
		5000);
	assert_int_equal(count_told("= " ALICE_PTR), 1);
	ask("query\n? PTR " SERVICE "\n= PTR " SERVICE " 4500 bob." SERVICE
	    "\n",
		5000);
	assert_int_equal(count_told("= " ALICE_PTR), 1);
}

/*
 * 7.1 is about any answer, and 6.1: "NSEC" is one.  Half of its life is 60 s;
 * one that has other types denies other ones.
 */
static void mdns_7_1_a_known_denial_is_left_out(void **state)
{
	static const struct {
		const char *type;
		const char *known;
		bool answered;
	} cases[] = {
		{ "AAAA alice.local", "NSEC alice.local 60 A", false },
		{ "AAAA alice.local", "NSEC alice.local 59 A", true },
		{ "AAAA alice.local", "NSEC alice.local 120 A,AAAA", true },
		{ "AAAA alice.local", "NSEC bob.local 120 A", true },
		{ "AAAA alice.local", "NSEC/3 alice.local 120 A", true },
		{ "A alice." SERVICE, "NSEC alice." SERVICE " 60 TXT,SRV",
			false },
		{ "A alice." SERVICE, "NSEC alice." SERVICE " 59 TXT,SRV",
			true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char text[200];

		begin_published();
		(void)snprintf(text, sizeof(text), "query\n? %s\n= %s\n",
			cases[i].type, cases[i].known);
		ask(text, 5000);
		if (count_told("=! NSEC") != cases[i].answered)
			fail_msg("%s: %s", text, told.text);
	}
}

/* 7.1 of answers by unicast (5.4): here of one of two. */
static void mdns_7_1_what_is_known_is_not_told_to_one_either(void **state)
{
	(void)state;
	begin_published();
	ask("query\n? SRV alice." SERVICE "\n", 2000);
	ask("query\n?u A alice.local\n= A alice.local 60 10.0.0.1\n", 5000);
	assert_told(&told, "");
	ask("query\n?u A alice.local\n= A alice.local 59 10.0.0.1\n", 5000);
	assert_int_equal(count_told("10.0.0.2:5353 response\n=" ALICE_A), 1);
	ask("query\n?u A alice.local\n?u SRV alice." SERVICE
	    "\n= A alice.local 60 10.0.0.1\n",
		5000);
	assert_int_equal(count_told("10.0.0.2:5353 response\n=" ALICE_SRV), 1);
	assert_int_equal(count_told("=! A "), 0);
}

/*
 * 7.2: with TC "a responder MUST [...] wait a time period randomly selected in
 * the range 400-500 ms"; what later packets of that asker know is left out.
 */
static void mdns_7_2_waits_for_more_known_answers(void **state)
{
	(void)state;
	begin_published();
	ask("query tc\n? PTR " SERVICE "\n", 5000);
	assert_int_equal(count_told("= " ALICE_PTR), 1);
	assert_in_range(first_ms("response"), 60 * 1000 + 400, 60 * 1000 + 500);
	ask("query tc\n? PTR " SERVICE "\n", 100);
	input("query tc\n= PTR " SERVICE " 4500 bob." SERVICE "\n");
	pass(100);
	input("query\n= PTR " SERVICE " 4500 alice." SERVICE "\n");
	pass(5000);
	assert_told(&told, "");
	/* So does the answer to a question that wants it by unicast. */
	ask("query tc\n?u PTR " SERVICE "\n", 100);
	input("query\n= PTR " SERVICE " 4500 alice." SERVICE "\n");
	pass(5000);
	assert_told(&told, "");
	ask("query tc\n?u PTR " SERVICE "\n", 399);
	assert_told(&told, "");
	pass(5000);
	assert_int_equal(count_told("= " ALICE_PTR), 1);
	/* Another asker's knowledge is not this one's. */
	ask("query tc\n? PTR " SERVICE "\n", 100);
	input_from("10.0.0.3", MDNS_PORT, false,
		"query\n= PTR " SERVICE " 4500 alice." SERVICE "\n");
	pass(5000);
	assert_int_equal(count_told("= " ALICE_PTR), 1);
}

/* 7.2: a queue of TC packets does not keep an answer back for ever, nor do
 * many askers take more than their places. */
static void mdns_7_2_queues_of_tc_packets_end(void **state)
{
	(void)state;
	begin_published();
	input("query tc\n? PTR " SERVICE "\n");
	for (int i = 0; i < 50; i++) {
		pass(100);
		input("query tc\n= PTR " SERVICE " 4500 bob." SERVICE "\n");
	}
	assert_int_equal(count_told("= " ALICE_PTR), 1);
	assert_true(first_ms("response") <= 62 * 1000);
	transcript_clear(&told);
	for (int i = 1; i < 100; i++) {
		char address[32];

		(void)snprintf(address, sizeof(address), "10.0.0.%d", i);
		input_from(address, MDNS_PORT, false,
			"query tc\n? TXT alice." SERVICE "\n");
	}
	pass(5000);
	assert_in_range(count_told("=" ALICE_TXT), 1, 2);
}

/* 7.2: an address may be gone when its question has waited: nobody is woken for
 * it without end. */
static void mdns_7_2_a_question_outlives_the_address_it_asks_for(void **state)
{
	struct mdns_options options = options_of("alice", 1);

	(void)state;
	options.browse = false;
	begin_with(&options, true);
	until(60 * 1000);
	ask("query tc\n? ANY alice.local\n", 100);
	interfaces[0] = interface_of(3, "10.0.0.1", NULL);
	mdns_set_interfaces(mdns, interfaces, 1, now_ms);
	pass(10 * 1000); /* `until` counts its turns */
	assert_int_equal(count_told("=" ALICE_A), 2);
	assert_int_equal(count_told("AAAA"), 0);
	assert_true(wake_ms() > now_ms);
}

/*
 * 7.4: "If a host is planning to send an answer, and it sees another host [...]
 * send a response message containing the same answer record, and the TTL [...]
 * is not less than the TTL this host would have given, then this host SHOULD
 * treat its own answer as having been sent".
 */
static void mdns_7_4_an_answer_given_by_another_is_given(void **state)
{
	(void)state;
	begin_published();
	ask("query\n? PTR " SERVICE "\n", 5);
	input("response\n= PTR " SERVICE " 4500 alice." SERVICE "\n");
	pass(5000);
	assert_told(&told, "");
	ask("query\n? PTR " SERVICE "\n", 5);
	input("response\n= PTR " SERVICE " 4499 alice." SERVICE "\n");
	pass(5000);
	assert_int_equal(count_told("= " ALICE_PTR), 1);
	/* Also one that waits for more known answers (7.2). */
	ask("query tc\n? PTR " SERVICE "\n", 100);
	input("response\n= PTR " SERVICE " 4500 alice." SERVICE "\n");
	pass(5000);
	assert_told(&told, "");
}

/* The same: our own voice, which comes back from the group, is no other's. */
static void mdns_7_4_what_comes_back_is_not_another_host(void **state)
{
	(void)state;
	begin_alice();
	until(1000);
	assert_int_equal(count_told("=! A alice.local"), 1);
	input_from("10.0.0.1", MDNS_PORT, false, "response\n" ANNOUNCEMENT);
	pass(10 * 1000);
	assert_int_equal(count_told("=! A alice.local"), 2);
	assert_int_equal(count_told("= " ALICE_PTR), 2);
}

/*
 * 6.6: "If a host sees [...] a response containing one of its records with a
 * TTL less than half of the TTL it would use, it MUST [...] announce"; 10.1:
 * so a forged goodbye for us has no effect.
 */
static void mdns_6_6_rescues_its_records(void **state)
{
	(void)state;
	begin_published();
	ask("response\n= PTR " SERVICE " 0 alice." SERVICE "\n", 500);
	assert_int_equal(count_told("= " ALICE_PTR), 1);
	pass(5000);
	ask("response\n=! A alice.local 59 10.0.0.1\n", 500);
	assert_int_equal(count_told("=" ALICE_A), 1);
	pass(5000);
	ask("response\n=! A alice.local 60 10.0.0.1\n", 500);
	assert_told(&told, "");
	/* 6: however often, not more than once a second. */
	for (int i = 0; i < 30; i++) {
		input("response\n= PTR " SERVICE " 0 alice." SERVICE "\n");
		pass(100);
	}
	pass(5000);
	assert_int_equal(count_told("= " ALICE_PTR), 4);
}

/*
 * 8.4: "At any time, if the rdata of any of a host's Multicast DNS records
 * changes, the host MUST [...] announce"; a new interface is probed on.
 */
static void mdns_8_4_announces_what_has_changed(void **state)
{
	(void)state;
	begin_published();
	interfaces[0] = interface_of(3, "10.0.0.5", NULL);
	interfaces[1] = interface_of(4, "10.0.7.1", NULL);
	mdns_set_interfaces(mdns, interfaces, 2, now_ms);
	pass(10 * 1000);
	assert_int_equal(count_told("3/4 group response"), 2);
	assert_int_equal(count_told("3/4 group query"), 0);
	assert_int_equal(count_told("=! A alice.local 120 10.0.0.5"), 2);
	assert_int_equal(count_told("4/4 group query"), 3);
	assert_int_equal(count_told("4/4 group response"), 2);
	assert_int_equal(count_told("=! A alice.local 120 10.0.7.1"), 2);
	assert_null(strstr(told.text, "10.0.0.1"));
	transcript_clear(&told);
	mdns_set_interfaces(mdns, interfaces, 2, now_ms);
	pass(10 * 1000);
	assert_told(&told, "");
}

/*
 * 8.4: for a shared record "the host MUST send a "goodbye" announcement with
 * RR TTL zero [...] for the old rdata": the PTR to the name before, where it
 * was told.
 */
static void mdns_8_4_takes_the_pointer_to_its_old_name_back(void **state)
{
	(void)state;
	begin_published();
	for (int i = 0; i < 4; i++) {
		input(RIVAL_A);
		pass(700);
	}
	pass(10 * 1000);
	assert_int_equal(
		count_told("= PTR " SERVICE " 0 alice." SERVICE "\n"), 1);
	assert_int_equal(
		count_told("= PTR " SERVICE " 4500 alice-2." SERVICE "\n"), 2);
	/* It was never told, so there is nothing to take back. */
	begin_alice();
	until(200);
	input_from("10.0.0.2", MDNS_PORT, true, RIVAL_A);
	until(10 * 1000);
	assert_int_equal(count_told(" 0 alice."), 0);
}

/* An interface that comes back is a new one: others may have our name now. */
static void mdns_8_probes_where_the_cable_came_back(void **state)
{
	(void)state;
	begin_published();
	mdns_set_interfaces(mdns, interfaces, 0, now_ms);
	ask("query\n? A alice.local\n", 5000);
	assert_told(&told, "");
	mdns_set_interfaces(mdns, interfaces, 1, now_ms);
	pass(5000);
	assert_int_equal(count_told("query"), 3);
	assert_int_equal(count_told("response"), 2);
}

/* Abuse 54: at most 20 answers a second, whatever is asked by whomever. */
static void mdns_a_flood_of_questions_has_20_answers_a_second(void **state)
{
	(void)state;
	begin_published();
	packets_told = false;
	packet_count = 0;
	for (int i = 0; i < 10 * 1000; i++) {
		input_from("10.0.0.2", 40000, false,
			"query id=1\n? A alice.local\n");
		input_from("10.0.0.2", MDNS_PORT, false,
			"query\n?u A alice.local\n? PTR " SERVICE "\n");
		pass(1);
	}
	assert_in_range(packet_count, 100, 10 * 20 + 20);
}

/* Half of them are kept for the group, whose members ask once and all hear it:
 * single askers, in their order, have the other half. */
static void mdns_a_flood_of_one_shot_askers_leaves_the_group_its_half(
	void **state)
{
	(void)state;
	begin_published();
	for (int i = 2; i < 180; i++) {
		char address[32];

		(void)snprintf(address, sizeof(address), "10.0.0.%d", i);
		input_from(
			address, 40000, false, "query id=1\n? A alice.local\n");
		pass(5);
	}
	assert_int_equal(count_told("response"), 10);
	for (int i = 2; i < 12; i++) {
		char line[64];

		(void)snprintf(line, sizeof(line), " 10.0.0.%d:40000 ", i);
		assert_int_equal(count_told(line), 1);
	}
	ask("query\n? A alice.local\n", 0);
	assert_int_equal(count_told("group response"), 1);
	pass(5000);
	/* What came at once is answered in its order. */
	transcript_clear(&told);
	input_from("10.0.0.2", 40000, false, "query id=1\n? A alice.local\n");
	input_from("10.0.0.3", 40000, false, "query id=2\n? A alice.local\n");
	drain();
	assert_true(strstr(told.text, "id=1\n") < strstr(told.text, "id=2\n"));
}

/* At most 200 questions a second are read, and a lying count is none. */
static void mdns_a_flood_of_questions_is_not_read(void **state)
{
	static const char lying[] =
		"\0\0\0\0\377\377\0\0\0\0\0\0\5alice\5local\0\0\1\0\1";

	(void)state;
	begin_published();
	input_bytes(mdns,
		(struct mdns_packet){ .index = 3,
			.family = AF_INET,
			.multicast = true,
			.address = address_of("10.0.0.2", MDNS_PORT) },
		lying, sizeof(lying) - 1);
	pass(10);
	assert_told(&told, "");
	pass(2000);
	for (int i = 0; i < 200; i++)
		input("query\n? A bob.local\n");
	ask("query\n? A alice.local\n", 10);
	assert_told(&told, "");
	pass(1000);
	ask("query\n? A alice.local\n", 10);
	assert_int_equal(count_told("response"), 1);
}

/*
 * 18.3: "MUST be silently ignored" with another opcode; 18.11: or rcode.
 * Questions in responses are none (6).
 */
static void mdns_18_ignores_other_opcodes_and_rcodes(void **state)
{
	(void)state;
	begin_published();
	ask("query flags=0800\n? A alice.local\n", 5000);
	ask("query flags=0003\n? A alice.local\n", 5000);
	ask("response\n? A alice.local\n", 5000);
	assert_told(&told, "");
	/* 18.2 .. 18.10: all other bits are to be ignored. */
	ask("query id=9 flags=07f0\n? A alice.local\n", 500);
	assert_int_equal(count_told("response\n"), 1);
}

/* Without a name nothing is said. */
static void mdns_without_a_name_says_nothing_of_itself(void **state)
{
	struct mdns_options options = options_of(NULL, 1);

	(void)state;
	options.browse = false;
	begin_with(&options, true);
	ask("query\n? A local\n? PTR " SERVICE "\n? PTR " SERVICES "\n", 5000);
	mdns_goodbye(mdns);
	pass(60 * 1000);
	assert_told(&told, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_teardown(name, end)
		TEST(mdns_8_1_probes_three_times_and_8_3_announces_twice),
		TEST(mdns_8_1_first_probe_is_within_250_ms),
		TEST(mdns_8_1_first_probe_asks_for_unicast_if_that_reaches_us),
		TEST(mdns_5_4_a_probe_wants_unicast_in_its_own_family_only),
		TEST(mdns_8_1_answers_nothing_while_probing),
		TEST(mdns_8_1_answers_nobody_alone_while_probing),
		TEST(mdns_8_1_ignores_conflicts_before_the_first_probe),
		TEST(mdns_9_the_second_conflict_changes_the_name),
		TEST(mdns_9_a_unicast_conflict_changes_the_name_at_once),
		TEST(mdns_9_equal_data_is_no_conflict),
		TEST(mdns_9_leaves_the_host_to_the_machine),
		TEST(mdns_9_a_new_name_has_a_host_though_the_old_one_was_left),
		TEST(mdns_9_leaves_the_host_to_nobody_else),
		TEST(mdns_10_a_host_left_to_the_machine_comes_back),
		TEST(mdns_9_another_interface_is_not_a_rival),
		TEST(mdns_9_probes_again_after_a_late_conflict),
		TEST(mdns_9_a_goodbye_is_no_conflict),
		TEST(mdns_9_a_record_of_another_class_is_no_conflict),
		TEST(mdns_9_a_record_of_another_class_is_not_ours),
		TEST(mdns_8_1_fifteen_conflicts_in_ten_seconds_slow_it_down),
		TEST(mdns_9_a_long_name_is_cut_for_its_number),
		TEST(mdns_8_2_the_later_data_wins_the_name),
		TEST(mdns_8_2_only_the_authority_section_is_compared),
		TEST(mdns_8_2_two_of_one_name_become_two_names),
		TEST(mdns_10_1_says_goodbye_and_then_nothing),
		TEST(mdns_10_1_no_goodbye_while_probing),
		TEST(mdns_10_1_says_goodbye_while_announcing),
		TEST(mdns_10_1_after_the_goodbye_nothing_is_said_or_heard),
		TEST(mdns_6_answers_what_is_asked),
		TEST(mdns_6_answers_questions_of_class_in_or_any),
		TEST(mdns_6_2_gives_the_other_family_along),
		TEST(mdns_6_shared_answers_wait_unique_ones_do_not),
		TEST(mdns_6_the_same_record_once_a_second),
		TEST(mdns_6_additionals_are_sent_once_a_second_too),
		TEST(mdns_6_what_was_just_sent_is_not_announced_again),
		TEST(mdns_6_4_answers_that_wait_go_with_the_first),
		TEST(mdns_6_a_probe_is_answered_after_250_ms),
		TEST(mdns_6_7_answers_a_one_shot_asker_alone),
		TEST(mdns_18_14_legacy_srv_targets_are_not_compressed),
		TEST(mdns_6_7_port_0_is_not_answered),
		TEST(mdns_5_4_unicast_when_lately_multicast),
		TEST(mdns_5_4_each_family_has_its_own_quarter_of_the_ttl),
		TEST(mdns_5_5_direct_questions_from_the_link_only),
		TEST(mdns_5_5_the_link_ends_where_its_prefix_says),
		TEST(mdns_7_1_what_the_asker_knows_is_left_out),
		TEST(mdns_7_1_a_known_denial_is_left_out),
		TEST(mdns_7_1_what_is_known_is_not_told_to_one_either),
		TEST(mdns_7_2_waits_for_more_known_answers),
		TEST(mdns_7_2_queues_of_tc_packets_end),
		TEST(mdns_7_2_a_question_outlives_the_address_it_asks_for),
		TEST(mdns_7_4_an_answer_given_by_another_is_given),
		TEST(mdns_7_4_what_comes_back_is_not_another_host),
		TEST(mdns_6_6_rescues_its_records),
		TEST(mdns_8_4_announces_what_has_changed),
		TEST(mdns_8_4_takes_the_pointer_to_its_old_name_back),
		TEST(mdns_8_probes_where_the_cable_came_back),
		TEST(mdns_a_flood_of_questions_has_20_answers_a_second),
		TEST(mdns_a_flood_of_one_shot_askers_leaves_the_group_its_half),
		TEST(mdns_a_flood_of_questions_is_not_read),
		TEST(mdns_18_ignores_other_opcodes_and_rcodes),
		TEST(mdns_without_a_name_says_nothing_of_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
