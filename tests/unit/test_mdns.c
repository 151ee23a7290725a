/* SPDX-License-Identifier: ISC */
/*
 * test_mdns.c: what we ask, and what follows from the answers.  Each test
 * quotes the section of RFC 6762 (SD: RFC 6763) that it is about.  Time is
 * virtual.
 */
#include "platform.h"

#include "mdns_lan.h"

#include <errno.h>

/* Salts 02 02 ..; for room, other_room and neither. */
#define TAG_OURS  "txtvers=1,v=1,s=0202020202020202,t=d080a82c26"
#define TAG_OTHER "txtvers=1,v=1,s=0202020202020202,t=b5235700da"

#define BROWSE "? PTR " SERVICE "\n"

/* Records of NAME at ADDRESS. */
#define NAME_PTR(name) "= PTR " SERVICE " 4500 " name "." SERVICE "\n"
#define NAME_SRV(sign, name)                                                   \
	sign "! SRV " name "." SERVICE " 120 4001 " name ".local\n"
#define NAME_TXT(sign, name, text)                                             \
	sign "! TXT " name "." SERVICE " 4500 " text "\n"
#define NAME_A(sign, name, address) sign "! A " name ".local 120 " address "\n"
#define ANNOUNCED(name, text, address)                                         \
	"response\n" NAME_PTR(name) NAME_SRV("=", name)                        \
		NAME_TXT("=", name, text) NAME_A("=", name, address)
#define ANNOUNCED_V6(name, text, address)                                      \
	"response\n" NAME_PTR(name) NAME_SRV("=", name) NAME_TXT(              \
		"=", name, text) "=! AAAA " name ".local 120 " address "\n"

static int count_told(const char *kind)
{
	int count = 0;

	for (const char *at = told.text; (at = strstr(at, kind)) != NULL; at++)
		count++;
	return count;
}

/* Milliseconds since `from` of each packet with `text`, "a b c". */
static void tell_times(
	const char *text, int64_t from_ms, char *times, size_t size)
{
	times[0] = '\0';
	for (char *at = told.text; (at = strstr(at, "@")) != NULL; at++) {
		const char *end = strstr(at + 1, "\n@");
		const char *found = strstr(at, text);
		size_t used = strlen(times);

		if (found != NULL && (end == NULL || found < end))
			(void)snprintf(times + used, size - used, "%s%d",
				used > 0 ? " " : "",
				(int)(strtol(at + 1, NULL, 10) - from_ms));
	}
}

static void assert_found(const char *text)
{
	transcript_clear(&told);
	tell_events(mdns);
	assert_told(&told, text);
}

/* Whom we look for, and who looks. */
static void begin_asking(const char *name)
{
	struct mdns_options options = options_of(NULL, 1);

	options.browse = false;
	begin_with(&options, false);
	assert_int_equal(mdns_ask(mdns, name), 0);
}

/*
 * 5.2: "the interval between the first two queries MUST be at least one
 * second, the intervals between successive queries MUST increase by at least a
 * factor of two", "a maximum of 60 minutes"; "delay the first query [...] by
 * 20-120 ms".
 */
static void mdns_5_2_asks_at_growing_intervals(void **state)
{
	char times[400];

	(void)state;
	begin_looking();
	until(6 * 3600 * 1000);
	tell_times("? PTR", 0, times, sizeof(times));
	assert_string_equal(times,
		"30 1030 3030 7030 15030 31030 63030 127030 255030 511030 "
		"1023030 2047030 4095030 7695030 11295030 14895030 18495030");
	assert_int_equal(count_told("query"), 17);
	transcript_clear(&told);
}

/* 5.4: "QU" in the first, if unicast reaches us. */
static void mdns_5_4_wants_unicast_in_the_first_question_only(void **state)
{
	(void)state;
	begin_looking();
	interfaces[0].unicast4 = true;
	mdns_set_interfaces(mdns, interfaces, 1, now_ms);
	until(5000);
	assert_int_equal(count_told("?u PTR"), 1);
	assert_int_equal(count_told("? PTR"), 2);
}

/* 5.4: "QU" in the family alone whose socket gets what is sent to it. */
static void mdns_5_4_wants_unicast_in_its_own_family_only(void **state)
{
	struct mdns_options options = options_of(NULL, 1);

	(void)state;
	for (int i = 0; i < 2; i++) {
		begin_with(&options, true);
		assert_int_equal(mdns_ask(mdns, "bob"), 0);
		interfaces[0].unicast4 = i == 0;
		interfaces[0].unicast6 = i == 1;
		mdns_set_interfaces(mdns, interfaces, 1, now_ms);
		until(2000);
		assert_int_equal(count_told("3/4 group query\n?u PTR"), i == 0);
		assert_int_equal(count_told("3/6 group query\n?u PTR"), i == 1);
		assert_int_equal(count_told("3/4 group query\n? PTR"), 2 - !i);
		assert_int_equal(count_told("3/6 group query\n? PTR"), 2 - i);
		assert_int_equal(count_told("?u AAAA bob.local"), 1);
		/* The answer comes to us alone. */
		input_from(i == 0 ? "10.0.0.2" : "fd00::2", MDNS_PORT, true,
			NAME_A("response\n=", "bob", "10.0.0.2"));
		assert_found("found bob 10.0.0.2:0\n");
	}
}

/* SD 4: somebody announces, and is found; with the port that SRV tells. */
static void mdns_finds_who_is_in_our_room(void **state)
{
	(void)state;
	begin_looking();
	until(500);
	input(ANNOUNCED("bob", TAG_OURS, "10.0.0.2"));
	assert_found("found bob 10.0.0.2:4001\n");
	/* In whatever order the records come. */
	input("response\n" NAME_A("=", "carol", "10.0.0.3") NAME_TXT("=",
		"carol", TAG_OURS) NAME_SRV("+", "carol") NAME_PTR("carol"));
	assert_found("found carol 10.0.0.3:4001\n");
	/* And nothing more is to be asked about them. */
	transcript_clear(&told);
	until(60 * 1000);
	assert_int_equal(count_told("SRV"), 0);
}

/* Others' rooms, no room, names that are none of ours: not told of. */
static void mdns_does_not_tell_of_others(void **state)
{
	static const char *const others[] = {
		ANNOUNCED("bob", TAG_OTHER, "10.0.0.2"),
		ANNOUNCED("bob", "txtvers=1,v=1", "10.0.0.2"),
		ANNOUNCED("bob", "t=d080a82c26", "10.0.0.2"),
		ANNOUNCED("bob", "s=0202020202020202,t=D080A82C26", "10.0.0.2"),
		ANNOUNCED("bob", "s=0202020202020202,t=d080a82c2", "10.0.0.2"),
		ANNOUNCED("Bob", TAG_OURS, "10.0.0.2"),
		ANNOUNCED("-bob", TAG_OURS, "10.0.0.2"),
		ANNOUNCED("bob_", TAG_OURS, "10.0.0.2"),
		ANNOUNCED("b\033[2Jb", TAG_OURS, "10.0.0.2"),
		ANNOUNCED("a123456789-123456789-123456789-12", TAG_OURS,
			"10.0.0.2"),
		ANNOUNCED("bob", TAG_OURS, "224.0.0.1"),
		ANNOUNCED("bob", TAG_OURS, "0.0.0.0"),
		ANNOUNCED("bob", TAG_OURS, "255.255.255.255"),
		ANNOUNCED("bob", TAG_OURS, "127.0.0.1"),
		ANNOUNCED("bob", TAG_OURS, "198.51.100.7"),
		ANNOUNCED_V6("bob", TAG_OURS, "::1"),
		ANNOUNCED_V6("bob", TAG_OURS, "::"),
		ANNOUNCED_V6("bob", TAG_OURS, "ff02::1"),
		ANNOUNCED_V6("bob", TAG_OURS, "::ffff:10.0.0.2"),
		ANNOUNCED_V6("bob", TAG_OURS, "::10.0.0.2"),
		ANNOUNCED_V6("bob", TAG_OURS, "2001:db8::2"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		begin_looking();
		until(500);
		input(others[i]);
		assert_found("");
		until(60 * 1000);
		assert_found("");
		(void)end(NULL);
	}
}

/*
 * RFC 1122, 3.2.1.3, and RFC 4291, 2.5: addresses that are nobody's, or many's.
 * Who was asked for is told of wherever he is; but there he can not be dialled.
 */
static void mdns_does_not_tell_of_addresses_that_nobody_has(void **state)
{
	static const struct {
		const char *record;
		bool told;
	} cases[] = {
		{ "A bob.local 120 0.0.0.0", false },
		{ "A bob.local 120 0.255.255.255", false },
		{ "A bob.local 120 1.0.0.0", true },
		{ "A bob.local 120 126.255.255.255", true },
		{ "A bob.local 120 127.0.0.0", false },
		{ "A bob.local 120 127.255.255.255", false },
		{ "A bob.local 120 128.0.0.0", true },
		{ "A bob.local 120 223.255.255.255", true },
		{ "A bob.local 120 224.0.0.0", false },
		{ "A bob.local 120 224.0.0.251", false },
		{ "A bob.local 120 239.255.255.255", false },
		{ "A bob.local 120 240.0.0.0", false },
		{ "A bob.local 120 255.255.255.255", false },
		{ "AAAA bob.local 120 ::", false },
		{ "AAAA bob.local 120 ::1", false },
		{ "AAAA bob.local 120 ::10.0.0.2", false },
		{ "AAAA bob.local 120 ::ffff:10.0.0.2", false },
		{ "AAAA bob.local 120 2001:db8::2", true },
		{ "AAAA bob.local 120 fe80::2", true },
		{ "AAAA bob.local 120 feff::2", true },
		{ "AAAA bob.local 120 ff00::", false },
		{ "AAAA bob.local 120 ff02::fb", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char text[100];

		begin_asking("bob");
		until(500);
		(void)snprintf(text, sizeof(text), "response\n=! %s\n",
			cases[i].record);
		input(text);
		transcript_clear(&told);
		tell_events(mdns);
		if (count_told("found bob") != cases[i].told)
			fail_msg("%s: %s", text, told.text);
	}
}

/*
 * SD 5: "The SRV record for a service gives the port number and target host
 * name where the service may be found": at port 0 there is none, and what was
 * told before stands.
 */
static void mdns_sd_5_a_service_at_port_0_is_not_told_of(void **state)
{
	static const char *const none =
		"response\n=! SRV bob." SERVICE " 120 0 bob.local\n";

	(void)state;
	begin_looking();
	until(500);
	input("response\n" NAME_PTR("bob") NAME_TXT("=", "bob", TAG_OURS)
			NAME_A("=", "bob", "10.0.0.2"));
	input(none);
	input(NAME_A("response\n=", "bob", "10.0.0.2"));
	assert_found("");
	input(NAME_SRV("response\n=", "bob"));
	input(NAME_A("response\n=", "bob", "10.0.0.2"));
	assert_found("found bob 10.0.0.2:4001\n");
	pass(2000);
	input(none);
	pass(2000);
	input(NAME_A("response\n=", "bob", "10.0.0.2"));
	assert_found("found bob 10.0.0.2:4001\n");
	/* Who was asked for has an address then, and no service. */
	begin_asking("bob");
	until(500);
	input(none);
	input(NAME_A("response\n=", "bob", "10.0.0.2"));
	assert_found("found bob 10.0.0.2:0\n");
	/* Either byte makes it a port. */
	input("response\n=! SRV bob." SERVICE " 120 256 bob.local\n");
	assert_found("found bob 10.0.0.2:256\n");
	pass(100);
	input("response\n=! SRV bob." SERVICE " 120 1 bob.local\n");
	assert_found("found bob 10.0.0.2:1\n");
}

/*
 * Anybody can say that bob is anywhere, so who was not asked for is told of with
 * addresses of the interface's own networks only, however many it has; and our
 * own localhost is told of where nobody else can be.
 */
static void mdns_tells_of_near_addresses_of_who_was_not_asked_for(void **state)
{
	static const char far[] = NAME_A("response\n=", "bob", "198.51.100.7");
	static const char local[] = NAME_A("response\n=", "bob", "127.0.0.1");

	(void)state;
	begin_looking();
	interfaces[0] = interface_of(3, "10.0.0.1", "192.168.7.1");
	mdns_set_interfaces(mdns, interfaces, 1, now_ms);
	until(500);
	input(ANNOUNCED("bob", TAG_OURS, "192.168.7.2"));
	pass(100);
	input("response\n= A bob.local 120 10.0.0.2\n");
	input(far);
	assert_found("found bob 10.0.0.2:4001 192.168.7.2:4001\n");
	/* What was far may be near. */
	interfaces[0] = interface_of(3, "198.51.100.1", NULL);
	mdns_set_interfaces(mdns, interfaces, 1, now_ms);
	assert_found("found bob 198.51.100.7:4001\n");
	/* Who is asked for may be anywhere, but not here. */
	begin_asking("bob");
	until(500);
	input(far);
	input(local);
	assert_found("found bob 198.51.100.7:0\n");
	begin_looking();
	interfaces[0] = interface_of(3, "127.0.0.1", NULL);
	interfaces[0].loopback = true;
	mdns_set_interfaces(mdns, interfaces, 1, now_ms);
	until(500);
	input(ANNOUNCED("bob", TAG_OURS, "127.0.0.1"));
	assert_found("found bob 127.0.0.1:4001\n");
}

/*
 * SD 12: "clients MUST be capable of functioning correctly with DNS servers
 * (and Multicast DNS Responders) that fail to generate these additional
 * records automatically".  What is missing is asked for, again after 1 s and 3
 * s.
 */
static void mdns_sd_12_asks_for_what_was_not_given_along(void **state)
{
	char times[100];

	(void)state;
	begin_looking();
	until(10 * 1000);
	transcript_clear(&told);
	input("response\n" NAME_PTR("bob"));
	until(14 * 1000);
	assert_found("");
	begin_looking();
	until(10 * 1000);
	transcript_clear(&told);
	input("response\n" NAME_PTR("bob"));
	until(14 * 1000);
	tell_times("? SRV bob." SERVICE "\n? TXT bob." SERVICE "\n", 10 * 1000,
		times, sizeof(times));
	assert_string_equal(times, "43 1043 3043");
	assert_int_equal(count_told("? A "), 0); /* of which host? */
	transcript_clear(&told);
	input("response\n=! SRV bob." SERVICE
	      " 120 4001 box.local\n" NAME_TXT("=", "bob", TAG_OURS));
	until(18 * 1000);
	tell_times("? A box.local\n? AAAA box.local\n", 14 * 1000, times,
		sizeof(times));
	assert_string_equal(times, "60 1060 3060");
	assert_int_equal(count_told("? SRV"), 0);
	input(NAME_A("response\n=", "box", "10.0.0.2"));
	assert_found("found bob 10.0.0.2:4001\n");
}

/*
 * 5.2: "at 80% of the record's lifetime [...] 85% [...] 90% [...] 95%", with "a
 * random variation of 2%"; 7.1: the expiring record is no known answer.  At
 * 100 % it is gone.
 */
static void mdns_5_2_refreshes_before_the_end(void **state)
{
	char times[200];
	int at[4];

	(void)state;
	begin_looking();
	until(511200); /* just asked; the next are at 1,023 s and 2,047 s */
	input(ANNOUNCED("bob", TAG_OURS, "10.0.0.2"));
	assert_found("found bob 10.0.0.2:4001\n");
	until(511200 + 125 * 1000);
	tell_times("? SRV bob." SERVICE "\n? A bob.local\n", 511200, times,
		sizeof(times));
	/* SRV and A have each their own 2 %. */
	assert_string_equal(times, "");
	tell_times("? A bob.local", 511200, times, sizeof(times));
	assert_int_equal(
		sscanf(times, "%d %d %d %d", &at[0], &at[1], &at[2], &at[3]),
		4);
	for (int i = 0; i < 4; i++)
		assert_in_range(
			at[i], (80 + 5 * i) * 1200, (82 + 5 * i) * 1200);
	begin_looking();
	until(511200);
	input("response\n= PTR " SERVICE " 200 bob." SERVICE "\n");
	transcript_clear(&told);
	until(511200 + 3600 * 1000);
	tell_times(BROWSE, 511200, times, sizeof(times));
	assert_int_equal(
		sscanf(times, "%d %d %d %d", &at[0], &at[1], &at[2], &at[3]),
		4);
	for (int i = 0; i < 4; i++)
		assert_in_range(
			at[i], (80 + 5 * i) * 2000, (82 + 5 * i) * 2000);
	assert_int_equal(count_told("= PTR"), 0);
}

/* 10.1: "TTL of zero [...] record [...] to be deleted in one second." */
static void mdns_10_1_gone_a_second_after_a_goodbye(void **state)
{
	(void)state;
	begin_looking();
	until(500);
	input(ANNOUNCED("bob", TAG_OURS, "10.0.0.2"));
	assert_found("found bob 10.0.0.2:4001\n");
	input("response\n= PTR " SERVICE " 0 bob._PERSISTED-CHAT._tcp.local\n");
	pass(999);
	assert_found("");
	now_ms++;
	drain();
	assert_int_equal(wake_ms(), now_ms); /* told at once, not some time */
	assert_found("gone bob\n");
	assert_true(wake_ms() > now_ms);
	/* Within that second he may take it back: somebody else said it. */
	input(ANNOUNCED("bob", TAG_OURS, "10.0.0.2"));
	assert_found("found bob 10.0.0.2:4001\n");
	input("response\n= PTR " SERVICE " 0 bob." SERVICE "\n");
	pass(500);
	input("response\n" NAME_PTR("bob"));
	pass(5000);
	assert_found("");
}

/* A PTR alone brings back who is known well enough otherwise. */
static void mdns_who_was_gone_is_found_by_a_pointer_alone(void **state)
{
	(void)state;
	begin_looking();
	until(500);
	input(ANNOUNCED("bob", TAG_OURS, "10.0.0.2"));
	assert_found("found bob 10.0.0.2:4001\n");
	input("response\n= PTR " SERVICE " 0 bob." SERVICE "\n");
	pass(5000);
	assert_found("gone bob\n");
	input("response\n" NAME_PTR("bob"));
	assert_found("found bob 10.0.0.2:4001\n");
}

/*
 * 10.2: with the cache-flush bit "all old records with that name, rrtype, and
 * rrclass that were received more than one second ago are declared invalid, and
 * marked to expire [...] in one second".
 */
static void mdns_10_2_the_flush_bit_makes_old_addresses_go(void **state)
{
	(void)state;
	begin_asking("bob");
	until(500);
	input(NAME_A("response\n=", "bob", "10.0.0.2"));
	pass(900);
	input(NAME_A("response\n=", "bob", "10.0.0.3"));
	assert_found("found bob 10.0.0.3:0 10.0.0.2:0\n");
	pass(2000);
	input(NAME_A("response\n=", "bob", "10.0.0.4"));
	assert_found("found bob 10.0.0.4:0 10.0.0.3:0 10.0.0.2:0\n");
	pass(1001);
	input(NAME_A("response\n=", "bob", "10.0.0.4"));
	assert_found("found bob 10.0.0.4:0\n");
	/* Without the bit all stay. */
	input("response\n= A bob.local 120 10.0.0.5\n");
	pass(3000);
	input("response\n= A bob.local 120 10.0.0.5\n");
	assert_found("found bob 10.0.0.5:0 10.0.0.4:0\n");
}

/*
 * 10.2: "The cache-flush bit MUST NOT ever be set in any shared resource
 * record", so whoever sets it there makes nobody else go.
 */
static void mdns_10_2_the_flush_bit_of_a_shared_record_does_nothing(
	void **state)
{
	(void)state;
	begin_looking();
	until(500);
	input(ANNOUNCED("bob", TAG_OURS, "10.0.0.2"));
	assert_found("found bob 10.0.0.2:4001\n");
	pass(3000);
	input_from("10.0.0.66", MDNS_PORT, false,
		"response\n=! PTR " SERVICE " 4500 carol." SERVICE "\n");
	pass(3000);
	assert_found("");
}

/*
 * 10.2: what is flushed has "that name, rrtype, and rrclass", so a record of
 * another class flushes none of ours, ends none (10.1), and is not kept.
 */
static void mdns_10_2_a_record_of_another_class_does_nothing(void **state)
{
	(void)state;
	begin_looking();
	until(500);
	input("response\n= PTR/3 " SERVICE " 4500 dave." SERVICE "\n");
	input(ANNOUNCED("bob", TAG_OURS, "10.0.0.2"));
	assert_found("found bob 10.0.0.2:4001\n");
	pass(3000);
	input("response\n= PTR/3 " SERVICE " 0 bob." SERVICE "\n"
	      "=! SRV/3 bob." SERVICE " 120 4009 bob.local\n"
	      "=! TXT/3 bob." SERVICE " 4500 " TAG_OTHER "\n"
	      "=! A/3 bob.local 120 10.0.0.9\n"
	      "=! AAAA/3 bob.local 120 fd00::9\n");
	transcript_clear(&told);
	pass(3000);
	assert_int_equal(count_told("dave"), 0);
	assert_found("");
	input("response\n= A bob.local 120 10.0.0.3\n");
	assert_found("found bob 10.0.0.3:4001 10.0.0.2:4001\n");
}

/* 10: a life of more than 75 minutes ends then; what says goodbye is no known
 * answer any more; 10.5: questions of this host itself are not "another host's".
 */
static void mdns_10_lives_are_limited(void **state)
{
	static const char *const question = "query\n? PTR " SERVICE "\n";

	(void)state;
	begin_looking();
	until(500);
	input("response\n= PTR " SERVICE " 999999 bob." SERVICE "\n"
	      "=! TXT bob." SERVICE " 999999 " TAG_OURS "\n"
	      "=! SRV bob." SERVICE " 999999 4001 bob.local\n"
	      "=! A bob.local 999999 10.0.0.2\n");
	assert_found("found bob 10.0.0.2:4001\n");
	packets_told = false;
	until(4500 * 1000 + 400);
	assert_found("");
	until(4500 * 1000 + 600);
	assert_found("gone bob\n");
	begin_looking();
	until(6900);
	input(ANNOUNCED("bob", TAG_OURS, "10.0.0.2"));
	input("response\n= PTR " SERVICE " 0 bob." SERVICE "\n");
	until(7200);
	assert_int_equal(count_told("bob." SERVICE), 0);
	begin_looking();
	until(500);
	input(ANNOUNCED("bob", TAG_OURS, "10.0.0.2"));
	assert_found("found bob 10.0.0.2:4001\n");
	for (int i = 0; i < 5; i++) {
		input_from("10.0.0.1", MDNS_PORT, false, question);
		pass(2000);
	}
	pass(20 * 1000);
	assert_found("");
}

/*
 * 10.4: "a client [...] SHOULD [...] reconfirm": "issue two or more queries
 * [...] at short intervals", and after ten seconds without an answer, delete.
 */
static void mdns_10_4_a_failed_dial_asks_whether_it_is_still_true(void **state)
{
	(void)state;
	begin_asking("bob");
	until(500);
	input(NAME_A("response\n=", "bob", "10.0.0.2"));
	assert_found("found bob 10.0.0.2:0\n");
	until(30 * 1000);
	transcript_clear(&told);
	mdns_doubt(mdns, "bob", now_ms);
	until(40 * 1000 - 1);
	assert_in_range(count_told("? A bob.local"), 4, 4);
	/* Now it is forgotten, and looked for as if it were new. */
	until(41 * 1000);
	transcript_clear(&told);
	until(44 * 1000);
	assert_int_equal(count_told("? A bob.local\n? AAAA bob.local\n"), 2);
	/* Who doubts all the time does not ask all the time. */
	input(NAME_A("response\n=", "bob", "10.0.0.2"));
	transcript_clear(&told);
	for (int i = 0; i < 60; i++) {
		mdns_doubt(mdns, "bob", now_ms);
		pass(500);
		input(NAME_A("response\n=", "bob", "10.0.0.2"));
	}
	assert_in_range(count_told("? A bob.local"), 0, 2);
	/* Who was only found is gone when his service is not confirmed. */
	begin_looking();
	until(500);
	input(ANNOUNCED("bob", TAG_OURS, "10.0.0.2"));
	input("response\n" NAME_PTR("carol"));
	assert_found("found bob 10.0.0.2:4001\n");
	until(1000 * 1000);
	input(ANNOUNCED("bob", TAG_OURS, "10.0.0.2"));
	assert_found("found bob 10.0.0.2:4001\n");
	mdns_doubt(mdns, "bob", now_ms);
	pass(9999);
	assert_int_equal(count_told(BROWSE), 4);
	assert_found("");
	pass(1);
	assert_found("gone bob\n");
}

/*
 * 10.5, passive observation of failures: others' questions "for which a record
 * in its cache would be expected to be given as an answer, but no such answer
 * is seen [...] two or more of these queries [...] the host MAY flush".
 */
static void mdns_10_5_believes_others_who_get_no_answer(void **state)
{
	static const char *const question = "query\n? PTR " SERVICE "\n";

	(void)state;
	begin_looking();
	until(500);
	input(ANNOUNCED("bob", TAG_OURS, "10.0.0.2"));
	assert_found("found bob 10.0.0.2:4001\n");
	input_from("10.0.0.3", MDNS_PORT, false, question);
	pass(2000);
	input_from("10.0.0.3", MDNS_PORT, false, question);
	pass(7999);
	assert_found("");
	pass(2);
	assert_found("gone bob\n");
	/* Ten seconds apart they are too far apart. */
	input(ANNOUNCED("bob", TAG_OURS, "10.0.0.2"));
	assert_found("found bob 10.0.0.2:4001\n");
	input_from("10.0.0.3", MDNS_PORT, false, question);
	pass(10 * 1000);
	input_from("10.0.0.3", MDNS_PORT, false, question);
	pass(5000);
	assert_found("");
	/* One answer is enough, and who knows it did not want one. */
	input(ANNOUNCED("bob", TAG_OURS, "10.0.0.2"));
	assert_found("found bob 10.0.0.2:4001\n");
	input_from("10.0.0.3", MDNS_PORT, false, question);
	pass(1000);
	input("response\n" NAME_PTR("bob"));
	pass(1000);
	input_from("10.0.0.3", MDNS_PORT, false, question);
	pass(20 * 1000);
	for (int i = 0; i < 10; i++)
		input_from("10.0.0.3", MDNS_PORT, false,
			"query\n? PTR " SERVICE "\n" NAME_PTR("bob"));
	pass(20 * 1000);
	transcript_clear(&told);
	tell_events(mdns);
	assert_null(strstr(told.text, "gone"));
}

/*
 * 7.1: "populates the Answer Section of the DNS query message with the answers
 * it knows already", "SHOULD NOT [...] whose remaining TTL is less than half".
 */
static void mdns_7_1_tells_what_it_knows(void **state)
{
	(void)state;
	begin_looking();
	until(16 * 1000);
	input("response\n" NAME_PTR("bob") "= PTR " SERVICE " 20 carol." SERVICE
					   "\n");
	transcript_clear(&told);
	until(31200);
	assert_non_null(strstr(told.text,
		"query\n" BROWSE "= PTR " SERVICE " 4484 bob." SERVICE "\n"));
	assert_int_equal(count_told("carol"), 0 + count_told("SRV carol") * 2);
}

/*
 * 7.2: "sets the TC (Truncated) bit [...] and then immediately sends another
 * packet with [...] further known answers" and no questions.
 */
static void mdns_7_2_known_answers_in_several_packets(void **state)
{
	int known;

	(void)state;
	begin_looking();
	until(500);
	for (int i = 0; i < 100; i++) {
		char text[200];

		(void)snprintf(text, sizeof(text),
			"response\n= PTR " SERVICE " 4500 bob-%d." SERVICE "\n",
			i);
		input_from(i < 50 ? "10.0.0.2" : "10.0.0.3", MDNS_PORT, false,
			text);
		(void)snprintf(text, sizeof(text),
			"response\n=! TXT bob-%d." SERVICE " 4500 " TAG_OTHER
			"\n",
			i);
		input_from(i < 50 ? "10.0.0.2" : "10.0.0.3", MDNS_PORT, false,
			text); /* so that nothing is asked about them */
	}
	until(15 * 1000);
	transcript_clear(&told);
	until(15200);
	known = count_told("= PTR");
	assert_int_equal(known, 100);
	assert_in_range(count_told("query tc\n"), 1, 4);
	assert_int_equal(count_told("query\n"), 1);
	assert_int_equal(count_told(BROWSE), 1);
}

/*
 * 7.3: "If a host is planning to transmit (or retransmit) a query, and it sees
 * another host on the network send a query containing the same "QM" question,
 * and the Known-Answer Section [...] does not contain any records that [it]
 * would not also put in its own [...] treat its own query as having been
 * sent."
 */
static void mdns_7_3_a_question_asked_by_another_is_asked(void **state)
{
	char times[100];

	(void)state;
	begin_looking();
	until(6900);
	transcript_clear(&told);
	input("query\n" BROWSE); /* 130 ms before ours */
	until(16 * 1000);
	tell_times(BROWSE, 0, times, sizeof(times));
	assert_string_equal(times, "15030");
	begin_looking();
	until(6900);
	transcript_clear(&told);
	input("query\n?u PTR " SERVICE "\n");    /* the answer is not for us */
	input("query\n" BROWSE NAME_PTR("bob")); /* nor all of it here */
	until(16 * 1000);
	tell_times(BROWSE, 0, times, sizeof(times));
	assert_string_equal(times, "7030 15030");
	begin_looking();
	until(6900);
	input("response\n= PTR " SERVICE " 14 bob." SERVICE "\n");
	until(15000); /* 7.1: bob is too old to be told as known */
	transcript_clear(&told);
	input("query\n" BROWSE NAME_PTR("bob"));
	until(16 * 1000);
	tell_times(BROWSE, 0, times, sizeof(times));
	assert_string_equal(times, "15030");
}

/*
 * The same where ours are two questions about one name, asked at 7,030 ms: only
 * who asked both, lately, has asked for us as well.  The next time is ours.
 */
static void mdns_7_3_both_of_two_questions_have_to_be_asked(void **state)
{
	static const struct {
		const char *first;  /* at `first_ms` */
		const char *second; /* at 6,900 ms */
		int first_ms;
		int services; /* asked by us until 16 s */
		int addresses;
	} cases[] = {
		{ "SRV bob." SERVICE, NULL, 6900, 2, 2 },
		{ "TXT bob." SERVICE, NULL, 6900, 2, 2 },
		{ "A bob.local", NULL, 6900, 2, 2 },
		{ "AAAA bob.local", NULL, 6900, 2, 2 },
		{ "SRV bob." SERVICE, "SRV bob." SERVICE, 6900, 2, 2 },
		{ "SRV bob." SERVICE, "AAAA bob.local", 6900, 2, 2 },
		{ "SRV bob." SERVICE, "TXT carol." SERVICE, 6900, 2, 2 },
		{ "SRV bob." SERVICE, "TXT bob." SERVICE, 6900, 1, 2 },
		{ "TXT bob." SERVICE, "SRV bob." SERVICE, 6900, 1, 2 },
		{ "A bob.local", "AAAA bob.local", 6900, 2, 1 },
		{ "AAAA bob.local", "A bob.local", 6600, 2, 1 },
		{ "AAAA bob.local", "A bob.local", 6400, 2, 2 },
		{ "TXT/3 bob." SERVICE, "SRV bob." SERVICE, 6900, 2, 2 },
		{ "A bob.local", "AAAA/3 bob.local", 6900, 2, 2 },
	};
	char text[100];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		begin_asking("bob");
		until(cases[i].first_ms);
		(void)snprintf(
			text, sizeof(text), "query\n? %s\n", cases[i].first);
		input(text);
		until(6900);
		(void)snprintf(
			text, sizeof(text), "query\n? %s\n", cases[i].second);
		if (cases[i].second != NULL)
			input(text);
		transcript_clear(&told);
		until(16 * 1000);
		if (count_told("? SRV bob." SERVICE "\n? TXT bob." SERVICE
			       "\n") != cases[i].services ||
			count_told("? A bob.local\n? AAAA bob.local\n") !=
				cases[i].addresses)
			fail_msg("case %zu: %s", i, told.text);
	}
}

/* Up to the last moment, and where it was asked: here between two families. */
static void mdns_7_3_a_question_is_asked_where_nobody_else_has(void **state)
{
	struct mdns_options options = options_of(NULL, 1);
	static const struct {
		const char *overheard;
		int asked;
	} cases[] = {
		{ "query\n? SRV bob." SERVICE "\n? A bob.local\n", 2 },
		{ "query\n? SRV bob." SERVICE "\n? TXT bob." SERVICE "\n", 1 },
	};

	(void)state;
	options.browse = false;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		begin_with(&options, true);
		assert_int_equal(mdns_ask(mdns, "bob"), 0);
		until(7029);
		transcript_clear(&told);
		now_ms = wake_ms();
		assert_true(mdns_output(mdns, &packet, now_ms));
		tell_packet();
		input_from("fd00::2", MDNS_PORT, false, cases[i].overheard);
		pass(100);
		assert_int_equal(count_told("3/4 group query\n? SRV bob."), 1);
		assert_int_equal(count_told("3/6 group query\n"), 1);
		assert_int_equal(
			count_told("? SRV bob." SERVICE "\n? TXT bob."),
			cases[i].asked);
		assert_int_equal(count_told("? A bob.local\n? AAAA"), 2);
		until(15 * 1000);
		assert_int_equal(count_told("? SRV bob."), cases[i].asked);
	}
	begin_with(&options, true);
	assert_int_equal(mdns_ask(mdns, "bob"), 0);
	until(6900);
	input(cases[1].overheard);
	transcript_clear(&told);
	until(7100);
	assert_int_equal(count_told("3/4 group query\n? A bob.local"), 1);
	assert_int_equal(count_told("3/6 group query\n? SRV bob."), 1);
}

/* 7.3: "the same "QM" question" is one of class IN, in one packet or more. */
static void mdns_7_3_a_question_of_another_class_is_another(void **state)
{
	static const struct {
		const char *question;
		const char *times;
	} cases[] = {
		{ "query\n? PTR " SERVICE "\n", "15030" },
		{ "query\n? PTR/3 " SERVICE "\n", "7030 15030" },
		{ "query\n? PTR/3 " SERVICE "\n? PTR " SERVICE "\n", "15030" },
	};
	char times[100];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		begin_looking();
		until(6900);
		input(cases[i].question);
		transcript_clear(&told);
		until(16 * 1000);
		tell_times(BROWSE, 0, times, sizeof(times));
		assert_string_equal(times, cases[i].times);
	}
}

/*
 * 6: "Multicast DNS implementations MUST silently ignore any Multicast DNS
 * responses they receive where the source UDP port is not 5353."  With
 * `legacy` one exception, for addresses of who was asked for: the original.
 */
static void mdns_6_ignores_responses_from_other_ports(void **state)
{
	struct mdns_options options = options_of(NULL, 1);

	(void)state;
	begin_asking("bob");
	until(500);
	input_from("10.0.0.2", 40000, false,
		NAME_A("response\n=", "bob", "10.0.0.2"));
	assert_found("");
	(void)end(NULL);
	options.legacy = true;
	begin_with(&options, false);
	assert_int_equal(mdns_ask(mdns, "bob"), 0);
	until(500);
	input_from("10.0.0.2", 40000, false,
		NAME_A("response\n=", "bob", "10.0.0.2"));
	assert_found("found bob 10.0.0.2:0\n");
	input_from("10.0.0.2", 40000, false,
		ANNOUNCED("carol", TAG_OURS, "10.0.0.3"));
	assert_found("");
}

/*
 * 6: what the exception is for: A and AAAA of the host of somebody asked for,
 * whatever SRV calls it; not of somebody who was only found, and nothing else.
 */
static void mdns_6_believes_other_ports_for_asked_addresses_only(void **state)
{
	struct mdns_options options = options_of(NULL, 1);

	(void)state;
	options.legacy = true;
	begin_with(&options, true);
	assert_int_equal(mdns_ask(mdns, "bob"), 0);
	until(500);
	input("response\n" NAME_PTR("carol") NAME_SRV("=", "carol")
			NAME_TXT("=", "carol", TAG_OURS));
	input_from("10.0.0.3", 40000, false,
		"response\n=! A carol.local 120 10.0.0.3\n"
		"=! AAAA carol.local 120 fd00::3\n" NAME_SRV("=", "bob"));
	assert_found("");
	input_from("fd00::2", 40000, false,
		"response\n=! AAAA bob.local 120 fd00::2\n");
	assert_found("found bob [fd00::2]:0\n");
	pass(100);
	input("response\n=! SRV bob." SERVICE " 120 4001 box.local\n");
	input_from("10.0.0.2", 40000, false,
		"response\n=! A box.local 120 10.0.0.2\n"
		"=! A bob.local 120 10.0.0.9\n");
	assert_found("found bob 10.0.0.2:4001\n");
	/* It was the port alone that was wrong. */
	input(NAME_A("response\n=", "carol", "10.0.0.3"));
	assert_found("found carol 10.0.0.3:4001\n");
	/* Not even where SRV calls the host as the instance is called. */
	pass(100);
	input("response\n=! SRV bob." SERVICE " 120 4001 bob." SERVICE "\n");
	pass(100);
	input_from("10.0.0.2", 40000, false,
		"response\n=! SRV bob." SERVICE " 120 4009 bob." SERVICE
		"\n=! A bob." SERVICE " 120 10.0.0.7\n");
	assert_found("found bob 10.0.0.7:4001\n");
}

/* 11: "not on the local link [...] MUST silently ignore". */
static void mdns_11_ignores_unicast_from_elsewhere(void **state)
{
	(void)state;
	begin_asking("bob");
	until(500);
	input_from("10.0.1.2", MDNS_PORT, true,
		NAME_A("response\n=", "bob", "10.0.0.2"));
	assert_found("");
	input_from("10.0.0.77", MDNS_PORT, true,
		NAME_A("response\n=", "bob", "10.0.0.2"));
	assert_found("found bob 10.0.0.2:0\n");
}

/*
 * The same where a prefix is no whole number of bytes: the last address of the
 * link, and the next one.  And so for addresses of who was not asked for, which
 * are told of if they are near.
 */
static void mdns_11_the_link_ends_within_a_byte(void **state)
{
	static const struct {
		const char *own;
		uint8_t prefix;
		const char *inside;
		const char *outside;
	} cases[] = {
		{ "10.1.20.1", 20, "10.1.31.255", "10.1.32.0" },
		{ "10.1.20.1", 20, "10.1.16.0", "10.1.15.255" },
		{ "10.1.20.1", 25, "10.1.20.127", "10.1.20.128" },
		{ "fd00:0:0:a0::1", 57, "fd00:0:0:ff::2", "fd00:0:0:100::2" },
		{ "fd00:0:0:a0::1", 57, "fd00:0:0:80::2", "fd00:0:0:7f::2" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *sources[] = { cases[i].outside, cases[i].inside };

		for (int j = 0; j < 2; j++) {
			bool v4 = strchr(sources[j], ':') == NULL;
			char text[200];

			begin_looking();
			interfaces[0] = interface_of(3, cases[i].own, NULL);
			interfaces[0].prefixes[0] = cases[i].prefix;
			mdns_set_interfaces(mdns, interfaces, 1, now_ms);
			assert_int_equal(mdns_ask(mdns, "bob"), 0);
			until(500);
			input_from(sources[j], MDNS_PORT, true,
				NAME_A("response\n=", "bob", "10.0.0.2"));
			assert_found(j ? "found bob 10.0.0.2:0\n" : "");
			(void)snprintf(text, sizeof(text),
				"response\n=! %s carol.local 120 %s\n",
				v4 ? "A" : "AAAA", sources[j]);
			input_from(cases[i].own, MDNS_PORT, false,
				"response\n" NAME_PTR("carol")
					NAME_SRV("=", "carol") NAME_TXT(
						"=", "carol", TAG_OURS));
			input_from(cases[i].own, MDNS_PORT, false, text);
			tell_events(mdns);
			assert_int_equal(count_told("found carol"), j);
		}
	}
}

/* Packets of interfaces and families that we do not have. */
static void mdns_ignores_packets_from_other_interfaces(void **state)
{
	struct mdns_packet in = { .index = 4,
		.family = AF_INET,
		.multicast = true,
		.address = address_of("10.0.0.2", MDNS_PORT) };
	uint8_t bytes[200];
	size_t size = dns_packet_of(
		NAME_A("response\n=", "bob", "10.0.0.2"), bytes, sizeof(bytes));

	(void)state;
	begin_asking("bob");
	until(500);
	input_bytes(mdns, in, bytes, size);
	in.index = 3;
	in.family = AF_INET6;
	input_bytes(mdns, in, bytes, size);
	in.address = address_of("fd00::2", MDNS_PORT);
	input_bytes(mdns, in, bytes, size);
	assert_found("");
	in.family = AF_INET;
	in.address = address_of("10.0.0.2", MDNS_PORT);
	input_bytes(mdns, in, bytes, size);
	assert_found("found bob 10.0.0.2:0\n");
}

/* A named PEER: address and service, until linked; no longer than an hour
 * between two questions, with `legacy` a minute. */
static void mdns_asks_for_named_peers_until_they_are_linked(void **state)
{
	struct mdns_options options = options_of(NULL, 1);

	(void)state;
	begin_asking("bob");
	until(300);
	assert_told(&told, "@30 3/4 group query\n"
			   "? SRV bob." SERVICE "\n? TXT bob." SERVICE "\n"
			   "? A bob.local\n"
			   "? AAAA bob.local\n");
	until(10 * 3600 * 1000);
	assert_int_equal(count_told("? A bob.local"), 20);
	mdns_set_linked(mdns, "bob", true, now_ms);
	transcript_clear(&told);
	pass(10 * 3600 * 1000);
	assert_told(&told, "");
	mdns_set_linked(mdns, "bob", false, now_ms);
	pass(4000);
	assert_int_equal(count_told("? A bob.local"), 3);
	(void)end(NULL);
	options.browse = false;
	options.legacy = true;
	begin_with(&options, false);
	packets_told = false;
	assert_int_equal(mdns_ask(mdns, "bob"), 0);
	until(3600 * 1000);
	assert_in_range(packet_count, 60, 85);
}

/* Linked: what is known of bob may expire, he is there; PTRs are refreshed. */
static void mdns_asks_nothing_about_who_is_linked(void **state)
{
	(void)state;
	begin_looking();
	until(500);
	input(ANNOUNCED("bob", TAG_OURS, "10.0.0.2"));
	assert_found("found bob 10.0.0.2:4001\n");
	mdns_set_linked(mdns, "bob", true, now_ms);
	transcript_clear(&told);
	until(3500 * 1000);
	assert_int_equal(count_told("bob.local"), 0);
	assert_int_equal(count_told("? SRV"), 0);
	assert_found("");
	mdns_set_linked(mdns, "bob", false, now_ms);
	transcript_clear(&told);
	pass(1000);
	assert_int_equal(count_told("? SRV bob"), 1);
}

/* Linked, gone and there again: told of, and still nothing is asked. */
static void mdns_who_is_linked_may_go_and_come_back(void **state)
{
	(void)state;
	begin_looking();
	until(500);
	input(ANNOUNCED("bob", TAG_OURS, "10.0.0.2"));
	assert_found("found bob 10.0.0.2:4001\n");
	mdns_set_linked(mdns, "bob", true, now_ms);
	input("response\n= PTR " SERVICE " 0 bob." SERVICE "\n");
	pass(5000);
	assert_found("gone bob\n");
	input("response\n" NAME_PTR("carol"));
	pass(1000);
	input("response\n" NAME_PTR("bob"));
	assert_found("found bob 10.0.0.2:4001\n");
	transcript_clear(&told);
	pass(200 * 1000);
	assert_int_equal(count_told("? SRV bob."), 0);
	assert_int_equal(count_told("? SRV carol."), 7);
}

static void mdns_ask_takes_64_valid_names(void **state)
{
	static const char *const bad[] = { "", "-", "-a", "a-", "A", "a.b",
		"a b", "\xc3\xa4", "a123456789-123456789-123456789-12" };
	char name[24];

	(void)state;
	begin_asking("bob");
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		errno = 0;
		assert_int_equal(mdns_ask(mdns, bad[i]), -1);
		assert_int_equal(errno, EINVAL);
	}
	assert_int_equal(mdns_ask(mdns, "bob"), 0);
	for (int i = 1; i < MDNS_ASKED_MAX; i++) {
		(void)snprintf(name, sizeof(name), "name-%d", i);
		assert_int_equal(mdns_ask(mdns, name), 0);
	}
	assert_int_equal(mdns_ask(mdns, "one-more"), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(mdns_ask(mdns, "bob"), 0);
	packets_told = false;
	packet_count = 0;
	until(900);
	assert_in_range(packet_count, 2, 20);
}

static void mdns_open_wants_a_name(void **state)
{
	struct mdns_options options = options_of("Alice", 1);

	(void)state;
	assert_null(mdns_open(&options));
	assert_int_equal(errno, EINVAL);
}

/* A link-local address belongs to its interface; 4 addresses are enough, the
 * newest first, link-local ones last. */
static void mdns_tells_four_addresses_with_their_scope(void **state)
{
	(void)state;
	begin_asking("bob");
	until(500);
	input("response\n= AAAA bob.local 120 fe80::2\n"
	      "= AAAA bob.local 120 fd00::2\n= A bob.local 120 10.0.0.2\n");
	assert_found("found bob 10.0.0.2:0 [fd00::2]:0 [fe80::2%3]:0\n");
	pass(100);
	input("response\n= A bob.local 120 10.0.0.3\n"
	      "= A bob.local 120 10.0.0.4\n= A bob.local 120 10.0.0.5\n");
	assert_found("found bob 10.0.0.3:0 10.0.0.4:0 10.0.0.5:0 10.0.0.2:0\n");
}

/* An interface that is gone takes along what came by it; a new one is asked on. */
static void mdns_forgets_what_came_by_a_lost_interface(void **state)
{
	(void)state;
	begin_looking();
	until(500);
	input(ANNOUNCED("bob", TAG_OURS, "10.0.0.2"));
	assert_found("found bob 10.0.0.2:4001\n");
	interfaces[0] = interface_of(9, "10.0.9.1", NULL);
	mdns_set_interfaces(mdns, interfaces, 1, now_ms);
	transcript_clear(&told);
	pass(1200);
	assert_int_equal(count_told("9/4 group query\n" BROWSE), 2);
	assert_found("gone bob\n");
	mdns_set_interfaces(mdns, interfaces, 0, now_ms);
	transcript_clear(&told);
	pass(100 * 1000);
	assert_told(&told, "");
	mdns_set_interfaces(mdns, interfaces, 1, now_ms);
	pass(200);
	assert_int_equal(count_told("9/4 group query\n" BROWSE), 1);
}

/* We are not found by ourselves; who has our old name is, after a conflict. */
static void mdns_finds_who_took_its_name(void **state)
{
	struct mdns_options options = options_of("bob", 9);

	(void)state;
	begin_with(&options, false);
	until(300);
	input_from("10.0.0.2", MDNS_PORT, true,
		ANNOUNCED("bob", TAG_OURS, "10.0.0.2"));
	pass(5000);
	transcript_clear(&told);
	tell_events(mdns);
	assert_told(&told, "suspect bob-2\nrenamed bob-2\n"
			   "found bob 10.0.0.2:4001\n");
	input(ANNOUNCED("bob", TAG_OURS, "10.0.0.2"));
	input(ANNOUNCED("bob-2", TAG_OTHER, "10.0.0.2"));
	transcript_clear(&told);
	tell_events(mdns);
	assert_non_null(strstr(told.text, "found bob 10.0.0.2:4001\n"));
	assert_null(strstr(told.text, "found bob-2"));
}

/* A cache has a size, and a source a share of it: a flood by one does not drive
 * out what others said, and who says all at once is found in any flood.  Abuse
 * 51: 100,000 names. */
static void mdns_a_flood_of_names_is_bounded(void **state)
{
	static char text[100 * 80];

	(void)state;
	begin_looking();
	packets_told = false;
	until(500);
	input(ANNOUNCED("bob", TAG_OURS, "10.0.0.2"));
	assert_found("found bob 10.0.0.2:4001\n");
	for (int i = 0; i < 100000;) {
		size_t used =
			(size_t)snprintf(text, sizeof(text), "response\n");

		for (int end = i + 100; i < end; i++)
			used += (size_t)snprintf(text + used,
				sizeof(text) - used,
				"= PTR " SERVICE " 4500 x%d." SERVICE "\n", i);
		input_from("10.0.0.66", MDNS_PORT, false, text);
	}
	input(ANNOUNCED("carol", TAG_OURS, "10.0.0.3"));
	transcript_clear(&told);
	tell_events(mdns);
	assert_told(&told, "found carol 10.0.0.3:4001\n");
	pass(500);
	assert_found(""); /* and bob is not gone */
	/* So many questions about them as there are places. */
	packet_count = 0;
	pass(60 * 1000);
	assert_in_range(packet_count, 1, 100);
}

/* Of one packet no more is learnt than the share of its source. */
static void mdns_a_packet_full_of_names_is_not_read_to_its_end(void **state)
{
	char text[16 * 1024];
	size_t used;

	(void)state;
	begin_looking();
	until(900);
	used = (size_t)snprintf(text, sizeof(text), "response\n");
	for (int i = 0; i < 200; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
			"= PTR " SERVICE " 4500 x%d." SERVICE "\n", i);
	input(text);
	transcript_clear(&told);
	until(1100); /* the known answers tell what was learnt */
	assert_int_equal(count_told("= PTR"), 128);
	assert_int_equal(count_told(" x0." SERVICE "\n"), 3);
	assert_int_equal(count_told(" x128."), 0);
}

/* Abuse 51: goodbyes and flushes for what is not known leave no trace. */
static void mdns_floods_of_goodbyes_and_flushes_do_nothing(void **state)
{
	(void)state;
	begin_looking();
	until(500);
	input(ANNOUNCED("bob", TAG_OURS, "10.0.0.2"));
	assert_found("found bob 10.0.0.2:4001\n");
	packets_told = false;
	for (int i = 0; i < 10000; i++) {
		input("response\n= PTR " SERVICE " 0 bobby." SERVICE "\n"
		      "=! A carol.local 0 10.0.0.2\n"
		      "=! A dave.local 120 10.0.0.2\n");
	}
	pass(5000);
	assert_found("");
}

/*
 * The packets of a start-up and of ten quiet minutes: three in a room, linked
 * with each other.
 */
static void mdns_ten_quiet_minutes(void **state)
{
	static const char *const names[] = { "alice", "bob", "carol" };
	int started, quiet;

	(void)state;
	for (uint64_t i = 0; i < 3; i++) {
		struct mdns_options options = options_of(names[i], i + 1);

		if (i == 0)
			begin_with(&options, false);
		else
			join(&options);
	}
	packets_told = false;
	until(10 * 1000);
	for (int i = 0; i < 3; i++) {
		transcript_clear(&told);
		tell_events(lan[i]);
		assert_int_equal(count_told("found "), 2);
		for (int j = 0; j < 3; j++)
			mdns_set_linked(lan[i], names[j], true, now_ms);
	}
	started = packet_count;
	until(30 * 60 * 1000);
	packet_count = 0;
	until(40 * 60 * 1000);
	quiet = packet_count;
	print_message("three of us: %d packets in the first ten seconds, %d "
		      "in ten quiet minutes\n",
		started, quiet);
	/* Each: 3 probes, 2 announcements, 4 questions or fewer, answers. */
	assert_in_range(started, 3 * 5 + 4, 3 * 12);
	assert_in_range(quiet, 0, 2);
	for (int i = 0; i < 3; i++) {
		transcript_clear(&told);
		tell_events(lan[i]);
		assert_told(&told, "");
	}
}

/* A day passes: everybody still knows everybody. */
static void mdns_a_day_passes(void **state)
{
	struct mdns_options alice = options_of("alice", 1);
	struct mdns_options bob = options_of("bob", 2);

	(void)state;
	begin_with(&alice, false);
	join(&bob);
	packets_told = false;
	until(24 * 3600 * 1000);
	for (int i = 0; i < 2; i++) {
		transcript_clear(&told);
		tell_events(lan[i]);
		assert_int_equal(count_told("found"), 1);
		assert_int_equal(count_told("gone"), 0);
	}
	/* He leaves: within 1.5 s it is known. */
	mdns_goodbye(lan[1]);
	drain();
	pass(1500);
	transcript_clear(&told);
	tell_events(lan[0]);
	assert_told(&told, "gone bob\n");
}

/* A peer that starts is found within 1.5 s, with all delays at their longest. */
static void mdns_a_peer_is_found_within_1500_ms(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct mdns_options alice = options_of("alice", seed);
		struct mdns_options bob = options_of("bob", seed + 50);

		begin_with(&alice, false);
		packets_told = false;
		lan_address[0] = address_of("10.0.0.1", MDNS_PORT);
		until(100 * 1000 + (int64_t)seed * 77);
		join(&bob);
		pass(1500);
		for (int i = 0; i < 2; i++) {
			transcript_clear(&told);
			tell_events(lan[i]);
			assert_int_equal(count_told("found"), 1);
		}
		(void)end(NULL);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_teardown(name, end)
		TEST(mdns_5_2_asks_at_growing_intervals),
		TEST(mdns_5_4_wants_unicast_in_the_first_question_only),
		TEST(mdns_5_4_wants_unicast_in_its_own_family_only),
		TEST(mdns_finds_who_is_in_our_room),
		TEST(mdns_does_not_tell_of_others),
		TEST(mdns_does_not_tell_of_addresses_that_nobody_has),
		TEST(mdns_sd_5_a_service_at_port_0_is_not_told_of),
		TEST(mdns_tells_of_near_addresses_of_who_was_not_asked_for),
		TEST(mdns_sd_12_asks_for_what_was_not_given_along),
		TEST(mdns_5_2_refreshes_before_the_end),
		TEST(mdns_10_1_gone_a_second_after_a_goodbye),
		TEST(mdns_who_was_gone_is_found_by_a_pointer_alone),
		TEST(mdns_10_2_the_flush_bit_makes_old_addresses_go),
		TEST(mdns_10_2_the_flush_bit_of_a_shared_record_does_nothing),
		TEST(mdns_10_2_a_record_of_another_class_does_nothing),
		TEST(mdns_10_lives_are_limited),
		TEST(mdns_10_4_a_failed_dial_asks_whether_it_is_still_true),
		TEST(mdns_10_5_believes_others_who_get_no_answer),
		TEST(mdns_7_1_tells_what_it_knows),
		TEST(mdns_7_2_known_answers_in_several_packets),
		TEST(mdns_7_3_a_question_asked_by_another_is_asked),
		TEST(mdns_7_3_both_of_two_questions_have_to_be_asked),
		TEST(mdns_7_3_a_question_is_asked_where_nobody_else_has),
		TEST(mdns_7_3_a_question_of_another_class_is_another),
		TEST(mdns_6_ignores_responses_from_other_ports),
		TEST(mdns_6_believes_other_ports_for_asked_addresses_only),
		TEST(mdns_11_ignores_unicast_from_elsewhere),
		TEST(mdns_11_the_link_ends_within_a_byte),
		TEST(mdns_ignores_packets_from_other_interfaces),
		TEST(mdns_asks_for_named_peers_until_they_are_linked),
		TEST(mdns_asks_nothing_about_who_is_linked),
		TEST(mdns_who_is_linked_may_go_and_come_back),
		TEST(mdns_ask_takes_64_valid_names),
		TEST(mdns_open_wants_a_name),
		TEST(mdns_tells_four_addresses_with_their_scope),
		TEST(mdns_forgets_what_came_by_a_lost_interface),
		TEST(mdns_finds_who_took_its_name),
		TEST(mdns_a_flood_of_names_is_bounded),
		TEST(mdns_a_packet_full_of_names_is_not_read_to_its_end),
		TEST(mdns_floods_of_goodbyes_and_flushes_do_nothing),
		TEST(mdns_ten_quiet_minutes),
		TEST(mdns_a_day_passes),
		TEST(mdns_a_peer_is_found_within_1500_ms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
