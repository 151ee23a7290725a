/* SPDX-License-Identifier: ISC */
/*
 * test_exchange.c: whom neighbours are told of, whom we dial because of what
 * they tell, and who is dialled because he was here once.  node.h and evil.h
 * say how.  Bob is the node; whoever comes has a host of 10.0.0.0/24.
 */
#include "platform.h"

#include "links/tried.h"
#include "node.h"

enum { PATIENCE_MS = 3 * 1000 }; /* before who was told of is dialled */

/* Who is at 10.0.0.HOST, with HOST as key, and says to listen on 4000. */
static struct evil *come(unsigned host)
{
	struct evil_options who = { .who = host, .name = "x", .port = 4000 };
	char text[32];

	(void)snprintf(text, sizeof(text), "10.0.0.%u", host);
	peer_at = address4(text, 5000);
	return join_as(bob, -1, &who);
}

static struct evil *come_up(unsigned host)
{
	struct evil *e = come(host);

	settle();
	assert_true(evil_is_up(e));
	transcript_clear(&bob->told);
	return e;
}

static struct net_place place(const char *host, uint16_t port)
{
	struct sockaddr_storage at;
	struct net_place made = { .port = port };

	if (inet_pton(AF_INET6, host, made.host) == 1)
		return made;
	at = address4(host, port);
	return net_place_of(&at);
}

/* He says that somebody is there. */
static void say_place(struct evil *e, const char *host, uint16_t port)
{
	struct net_place at = place(host, port);

	evil_put_hello(e, &at, 1);
	wire_seal(&e->wire);
	settle();
	pass(PATIENCE_MS, PATIENCE_MS);
}

/* `count` that nobody has named before. */
static void say_many(struct evil *e, int count)
{
	static unsigned next;

	while (count > 0) {
		struct net_place at[MESSAGE_ADDRESSES_MAX];
		int i;

		for (i = 0; i < MESSAGE_ADDRESSES_MAX && i < count; i++) {
			at[i] = place("172.16.0.0", 4000);
			at[i].host[14] = (uint8_t)(++next >> 8);
			at[i].host[15] = (uint8_t)next;
		}
		evil_put_hello(e, at, i);
		wire_seal(&e->wire);
		settle();
		count -= i;
	}
	pass(PATIENCE_MS, PATIENCE_MS);
}

/* A mesh that dials whom it is told of, from its start. */
static void explore(bool only)
{
	mesh_close(bob->mesh);
	node_explores = true;
	node_open_mesh(bob, only, false);
}

static int times(const char *text, const char *part)
{
	int count = 0;

	for (; (text = strstr(text, part)) != NULL; text++)
		count++;
	return count;
}

/* Telling. */

static void exchange_tells_who_comes_later_of_who_is_there(void **state)
{
	struct evil *alice = come_up(2), *carol;

	(void)state;
	assert_told(&alice->told, "peer bob\nhello bob 0\ndigest; complete\n");
	carol = come_up(3);
	assert_told(&carol->told,
		"peer bob\nhello bob 0\nhello bob 0 10.0.0.2:4000\n"
		"digest; complete\n");
	pass(60 * 1000, 1000);
	assert_told(&alice->told, "");
	assert_told(&carol->told, "");
}

/* In whatever order two come, one of them, and only one, hears of the other. */
static void exchange_tells_one_of_two_who_come_at_once(void **state)
{
	(void)state;
	for (int lead = -3; lead <= 3; lead++) {
		struct evil *e[2] = { come(2), come(3) };
		int told = 0;

		for (int i = 0; i < 3; i++) {
			for (int k = 0; k < 2; k++) {
				if ((k == 0) == (lead > 0) && i < abs(lead))
					evil_turn(e[k]);
			}
			node_turn(bob);
		}
		settle();
		told += times(e[0]->told.text, " 10.0.0.3:4000");
		told += times(e[1]->told.text, " 10.0.0.2:4000");
		assert_int_equal(told, 1);
		evil_leave(e[0]);
		evil_leave(e[1]);
		settle();
		assert_int_equal(link_count(bob), 0);
		transcript_clear(&bob->told);
	}
}

static void exchange_tells_nothing_that_is_of_no_use(void **state)
{
	struct sockaddr_in6 at6 = { .sin6_family = AF_INET6 };
	struct evil_options who = { .who = 2, .name = "x", .port = 4000 };
	struct evil *e;

	(void)state;
	peer_at = address4("127.0.0.1", 5000);
	(void)join_up_as(bob, -1, &who);
	assert_int_equal(inet_pton(AF_INET6, "fe80::1", &at6.sin6_addr), 1);
	memset(&peer_at, 0, sizeof(peer_at));
	memcpy(&peer_at, &at6, sizeof(at6));
	who.who = 3;
	(void)join_up_as(bob, -1, &who);
	peer_at = address4("10.0.0.4", 5000);
	who.who = 4;
	who.port = 0; /* he does not want to be dialled */
	(void)join_up_as(bob, -1, &who);
	e = come_up(5);
	assert_int_equal(times(e->told.text, "hello"), 1);
	/* Who is on this machine can use what is. */
	peer_at = address4("127.0.0.1", 5001);
	who.who = 6;
	e = join_as(bob, -1, &who);
	settle();
	assert_non_null(strstr(e->told.text, " 127.0.0.1:4000"));
	assert_non_null(strstr(e->told.text, " 10.0.0.5:4000"));
	/* And nobody is told of himself. */
	peer_at = address4("10.0.0.5", 5002);
	who.who = 5;
	who.instance = 77;
	e = join_as(bob, -1, &who);
	settle();
	assert_int_equal(times(e->told.text, "hello"), 1);
}

static void exchange_tells_32_at_most(void **state)
{
	struct evil *e;

	(void)state;
	for (unsigned host = 2; host < 42; host++)
		(void)come_up(host);
	e = come_up(42);
	assert_int_equal(times(e->told.text, "10.0.0."), 32);
	assert_int_equal(times(e->told.text, "hello"), 2);
}

/* Being told. */

static void exchange_dials_whom_it_is_told_of_once(void **state)
{
	struct evil *e;

	(void)state;
	explore(false);
	e = come_up(2);
	say_place(e, "10.0.0.9", 4000);
	assert_told(&dials, "10.0.0.9:4000\n");
	for (int i = 0; i < 50; i++) {
		pass(60 * 1000, 20 * 1000);
		say_place(e, "10.0.0.9", 4000);
	}
	assert_told(&dials, "");
	pass(10 * 60 * 1000, 20 * 1000);
	say_place(e, "10.0.0.9", 4000);
	assert_told(&dials, "10.0.0.9:4000\n");
	say_place(e, "fd77::9", 4000);
	assert_told(&dials, "[fd77::9]:4000\n");
}

static void exchange_never_dials_what_can_be_nobody_or_is_there(void **state)
{
	static const struct {
		const char *host;
		uint16_t port;
	} cases[] = {
		{ "10.0.0.9", 0 }, { "0.0.0.0", 4000 }, { "0.1.2.3", 4000 },
		{ "127.0.0.1", 4000 }, { "224.0.0.251", 4000 },
		{ "255.255.255.255", 4000 }, { "::", 4000 }, { "::1", 4000 },
		{ "::7f00:1", 4000 }, { "::ffff:127.0.0.1", 4000 },
		{ "ff02::fb", 4000 }, { "fe80::9", 4000 },
		{ "10.0.0.2", 4000 }, /* who says it is there himself */
		{ "10.0.0.3", 4000 }, /* linked */
	};
	struct evil *e;

	(void)state;
	explore(false);
	e = come_up(2);
	(void)come_up(3);
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		say_place(e, cases[i].host, cases[i].port);
	assert_told(&dials, "");
	peer_at = address4("127.0.0.1", 5000); /* he is on this machine */
	e = join_up(bob, 4, "emil");
	say_place(e, "127.0.0.1", 4000);
	assert_told(&dials, "127.0.0.1:4000\n");
	/* Ourselves, by another door. */
	mesh_close(bob->mesh);
	node_open_mesh(bob, false, false);
	say_place(join_up(bob, 5, "fay"), "127.0.0.1",
		(uint16_t)mesh_listen(bob->mesh, 0));
	assert_told(&dials, "");
}

/* Multicast DNS finds him, too, at that very moment: one dial is enough. */
static void exchange_gives_its_dial_to_a_peer_that_is_found_there(void **state)
{
	static const struct evil_options dora = {
		.role = WIRE_ACCEPTOR, .who = 9, .name = "dora"
	};
	struct sockaddr_storage at = address4("10.0.0.9", 4000);

	(void)state;
	explore(false);
	dial_answers = true;
	say_place(come_up(2), "10.0.0.9", 4000);
	assert_int_equal(mesh_add_peer(bob->mesh, "dora.local:4000"), 0);
	mesh_found(bob->mesh, 0, &at, 1, now_ms);
	settle();
	assert_told(&dials, "10.0.0.9:4000\n");
	(void)evil_at(dialled_fd, &dora);
	dialled_fd = -1;
	settle();
	assert_told(&bob->told, "up dora\n");
	assert_true(mesh_is_linked(bob->mesh, 0));
	pass(60 * 1000, 1000);
	assert_told(&dials, "");
}

static void abuse_29_exchange_meets_itself_once(void **state)
{
	static const struct evil_options ourselves = {
		.role = WIRE_ACCEPTOR, .who = 1, .name = "bob", .instance = 1
	};
	struct evil *e;

	(void)state;
	explore(false);
	dial_answers = true;
	e = come_up(2);
	say_place(e, "10.0.0.9", 4000);
	(void)evil_at(dialled_fd, &ourselves);
	dialled_fd = -1;
	settle();
	assert_told(&bob->told,
		"refused 10.0.0.9:4000: it is this program itself\n");
	for (int i = 0; i < 50; i++) {
		say_place(e, "10.0.0.9", 4000);
		pass(60 * 1000, 20 * 1000);
	}
	assert_told(&dials, "10.0.0.9:4000\n");
}

static void exchange_dials_nobody_with_only_or_without_discovery(void **state)
{
	struct net_place at = place("10.0.0.9", 4000);

	(void)state;
	for (int only = 0; only < 2; only++) {
		struct sockaddr_storage named = address4("10.0.0.2", 4000);
		struct evil_options who = { .who = 2, .name = "x" };
		struct evil *e;

		(void)known_meet(bob->known, bob->key.public_key, &at);
		known_close(bob->known); /* as if from another run */
		bob->known = known_open(bob->place.fd);
		mesh_close(bob->mesh);
		node_explores = only != 0;
		node_open_mesh(bob, only != 0, false);
		assert_int_equal(mesh_add_peer(bob->mesh, "x.local:1"), 0);
		who.port = 4000;
		peer_at = named;
		e = join_up_as(bob, -1, &who);
		say_many(e, 100);
		pass(60 * 1000, 1000);
		evil_leave(e);
		pass(600 * 1000, 1000);
		assert_told(&dials, "");
	}
}

/* Those who mean no good. */

static void exchange_of_thousands_of_addresses_costs_8_dials_a_minute(
	void **state)
{
	struct sockaddr_storage at = address4("10.0.0.8", 4000);
	struct evil *e;

	(void)state;
	explore(false);
	e = come_up(66);
	for (int minute = 1; minute <= 10; minute++) {
		say_many(e, 1000);
		assert_int_equal(dial_count, 8 * minute);
		pass(56 * 1000, 1000);
		assert_int_equal(dial_count, 8 * minute);
		pass(1000, 1000);
	}
	/* Nobody who was named or found waits for any of it. */
	transcript_clear(&dials);
	assert_int_equal(mesh_add_peer(bob->mesh, "dora.local:4000"), 0);
	mesh_found(bob->mesh, 0, &at, 1, now_ms);
	node_turn(bob);
	assert_int_equal(times(dials.text, "10.0.0.8:4000"), 1);
}

static void exchange_dials_have_four_places_of_their_own(void **state)
{
	struct sockaddr_storage at = address4("10.0.0.8", 4000);

	(void)state;
	explore(false);
	dial_is_silent = true;
	say_many(come_up(66), 1000);
	assert_int_equal(dial_count, LIMIT_DIALS_TOLD);
	assert_int_equal(mesh_add_peer(bob->mesh, "dora.local:4000"), 0);
	mesh_found(bob->mesh, 0, &at, 1, now_ms);
	node_turn(bob);
	assert_int_equal(times(dials.text, "10.0.0.8:4000"), 1);
}

static void exchange_leads_to_one_victim_four_times_an_hour(void **state)
{
	struct evil *e;

	(void)state;
	explore(false);
	e = come_up(66);
	for (uint16_t port = 1; port <= 1000; port++)
		say_place(e, "10.0.0.9", port);
	assert_true(now_ms - NODE_START_MS < TRIED_MS);
	assert_int_equal(dial_count, TRIED_A_HOST);
}

static void exchange_keeps_nobodys_addresses_waiting_for_a_flood(void **state)
{
	struct evil *mallory, *alice;

	(void)state;
	explore(false);
	mallory = come_up(66);
	alice = come_up(2);
	say_many(mallory, 1000);
	transcript_clear(&dials);
	for (unsigned i = 11; i <= 16; i++) {
		char host[32];

		(void)snprintf(host, sizeof(host), "10.0.0.%u", i);
		say_place(alice, host, 4000);
		say_many(mallory, 100);
	}
	pass(60 * 1000, 1000);
	assert_int_equal(times(dials.text, "10.0.0."), 6);
}

/* What he said goes with him. */
static void exchange_forgets_what_was_told_by_who_is_gone(void **state)
{
	struct evil *e;

	(void)state;
	explore(false);
	e = come_up(66);
	say_many(e, 1000);
	assert_int_equal(dial_count, 8);
	evil_put_bye(e, "so long");
	wire_seal(&e->wire);
	pass(600 * 1000, 1000);
	assert_int_equal(dial_count, 8);
}

static void exchange_dials_while_there_are_less_than_32_links(void **state)
{
	(void)state;
	explore(false);
	for (unsigned host = 2; host < 2 + LIMIT_LINKS_DIALLED; host++)
		(void)come_up(host);
	say_many(evils[0], 20);
	pass(60 * 1000, 1000);
	assert_told(&dials, "");
	evil_put_bye(evils[1], "so long");
	wire_seal(&evils[1]->wire);
	pass(PATIENCE_MS, 1000);
	assert_int_equal(dial_count, 8);
}

/* Remembering. */

static void exchange_dials_who_was_lost_until_he_is_back(void **state)
{
	struct evil *e;
	int before;

	(void)state;
	explore(false);
	e = come_up(2);
	evil_leave(e);
	pass(10 * 60 * 1000, 250);
	assert_in_range(dial_count, 15, 40); /* 30 s apart in the end */
	assert_int_equal(times(dials.text, "10.0.0.2:4000"), dial_count);
	e = come_up(2);
	before = dial_count;
	pass(10 * 60 * 1000, 1000);
	assert_int_equal(dial_count, before);
	evil_leave(e); /* soon, again */
	pass(DIAL_BACKOFF_MIN_MS * 2, 10);
	assert_in_range(dial_count, before + 1, before + 2);
	pass(60 * 60 * 1000, 1000);
	before = dial_count;
	pass(60 * 60 * 1000, 1000); /* he has been away for too long */
	assert_int_equal(dial_count, before);
}

static void exchange_misses_nobody_who_said_goodbye_or_was_refused(void **state)
{
	struct evil *e;

	(void)state;
	explore(false);
	e = come_up(2);
	evil_put_bye(e, "so long");
	wire_seal(&e->wire);
	settle();
	e = come_up(3);
	evil_put(e, MESSAGE_PING, "\xff", 1);
	settle();
	assert_int_equal(link_count(bob), 0);
	pass(600 * 1000, 1000);
	assert_told(&dials, "");
}

/* A node that is started again, with the same database. */
static void restart_exploring(void)
{
	mesh_close(bob->mesh);
	known_close(bob->known);
	bob->known = known_open(bob->place.fd);
	assert_non_null(bob->known);
	node_explores = true;
	node_open_mesh(bob, false, false);
	transcript_clear(&dials);
	dial_count = 0;
}

static void exchange_remembers_where_others_were_at_the_next_start(void **state)
{
	(void)state;
	for (unsigned host = 2; host <= 12; host++)
		(void)come_up(host);
	restart_exploring();
	settle();
	assert_told(&dials, ""); /* they may be found by then */
	pass(PATIENCE_MS, 1000);
	assert_int_equal(dial_count, 8); /* who came last comes first */
	assert_non_null(strstr(dials.text, "10.0.0.12:4000\n10.0.0.11:4000\n"));
	pass(60 * 1000, 1000);
	assert_int_equal(dial_count, 11);
	assert_int_equal(times(dials.text, "10.0.0.2:4000"), 1);
	(void)come_up(20); /* and once is enough, */
	pass(30 * 60 * 1000, 1000);
	assert_int_equal(dial_count, 11);
	evil_put_bye(evils[evil_count - 1], "so long");
	wire_seal(&evils[evil_count - 1]->wire);
	pass(PATIENCE_MS, 1000); /* unless there is nobody else */
	assert_in_range(dial_count, 12, 11 + 8);
}

static void exchange_saves_what_is_new_soon_but_not_at_once(void **state)
{
	(void)state;
	(void)come_up(2);
	assert_true(known_unsaved(bob->known));
	assert_true(node_wake_ms(bob) <= 5000);
	(void)come_up(3);
	pass(6000, 1000);
	assert_false(known_unsaved(bob->known));
	assert_non_null(strstr(
		scratch_read(&bob->place, "addresses"), "\nat 10.0.0.3 4000 "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(exchange_tells_who_comes_later_of_who_is_there),
		world_test(exchange_tells_one_of_two_who_come_at_once),
		world_test(exchange_tells_nothing_that_is_of_no_use),
		world_test(exchange_tells_32_at_most),
		world_test(exchange_dials_whom_it_is_told_of_once),
		world_test(exchange_never_dials_what_can_be_nobody_or_is_there),
		world_test(
			exchange_gives_its_dial_to_a_peer_that_is_found_there),
		world_test(abuse_29_exchange_meets_itself_once),
		world_test(
			exchange_dials_nobody_with_only_or_without_discovery),
		world_test(
			exchange_of_thousands_of_addresses_costs_8_dials_a_minute),
		world_test(exchange_dials_have_four_places_of_their_own),
		world_test(exchange_leads_to_one_victim_four_times_an_hour),
		world_test(
			exchange_keeps_nobodys_addresses_waiting_for_a_flood),
		world_test(exchange_forgets_what_was_told_by_who_is_gone),
		world_test(exchange_dials_while_there_are_less_than_32_links),
		world_test(exchange_dials_who_was_lost_until_he_is_back),
		world_test(
			exchange_misses_nobody_who_said_goodbye_or_was_refused),
		world_test(
			exchange_remembers_where_others_were_at_the_next_start),
		world_test(exchange_saves_what_is_new_soon_but_not_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
