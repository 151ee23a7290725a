/* SPDX-License-Identifier: ISC */
/*
 * test_mesh.c: native links: who may be linked, for how long, and what is done
 * to whom behaves badly.  node.h and evil.h say how.  Keys: bob is 1, alice 2,
 * carol 3; whoever else comes has a higher number.
 */
#include "platform.h"

#include "counted.h"
#include "node.h"

static struct book alices, branch;
static char large[4000];
static bool end_is_reset;

ssize_t __real_recv(int fd, void *to, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *to, size_t size, int flags);

/* The end of a connection: FIN, or RST, which no socketpair has. */
ssize_t __wrap_recv(int fd, void *to, size_t size, int flags)
{
	ssize_t n = __real_recv(fd, to, size, flags);

	if (n != 0 || !end_is_reset)
		return n;
	errno = ECONNRESET;
	return -1;
}

#define LOST       "the connection was lost"
#define MALFORMED  "it sent something malformed"
#define IMPOSSIBLE "it sent a message of an impossible length"

/* Bytes of the frame in which an "alice" proves her key. */
enum { PROOF_SIZE = 2 + 32 + 64 + 8 + 2 + 1 + 5 + NOISE_TAG_SIZE };

/* Another one of those that came before, by another connection. */
static const struct evil_options alice = { .who = 2, .name = "alice" };

/* Closes what a person has open, and lets the node see it. */
static void gone(struct evil *e)
{
	evil_leave(e);
	settle();
}

/* A connection on which nobody says anything; the far end. */
static int call_in(struct node *n)
{
	int fds[2];

	make_pair(fds);
	assert_int_equal(
		mesh_adopt(n->mesh, fds[0], MESH_ACCEPTED, -1, now_ms), 0);
	return fds[1];
}

/* Has the node closed it?  What it sent before is thrown away. */
static bool is_closed(int fd)
{
	char bytes[1024];
	ssize_t n;

	do {
		n = recv(fd, bytes, sizeof(bytes), 0);
	} while (n > 0);
	return n == 0;
}

static void write_all(int fd, const void *bytes, size_t size)
{
	assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), (ssize_t)size);
}

static int count_of(const char *text, const char *part)
{
	int count = 0;

	while ((text = strstr(text, part)) != NULL) {
		count++;
		text++;
	}
	return count;
}

static int end_of_resets(void **state)
{
	end_is_reset = false;
	return world_end(state);
}

/* Links. */

static void mesh_links_in_both_roles(void **state)
{
	static const int peers[] = { -1, 0 };

	(void)state;
	assert_int_equal(mesh_add_peer(bob->mesh, ""), 0);
	node_say(bob, 2);
	for (size_t i = 0; i < COUNT_OF(peers); i++) {
		struct evil *e = join_as(bob, peers[i], &alice);

		settle();
		assert_told(&bob->told, "up alice\n");
		assert_told(&e->told, "peer bob\nhello bob 0\n"
				      "digest bob 3; complete\n");
		assert_int_equal(link_count(bob), 1);
		assert_true(node_has_key(bob, e->key.public_key));
		gone(e);
		assert_told(&bob->told, "down alice: " LOST "\n");
		assert_false(node_has_key(bob, e->key.public_key));
	}
}

/* A goodbye of 29 bytes, of which some never come; then FIN or RST. */
static void abuse_33_a_goodbye_and_a_lost_connection_differ(void **state)
{
	static const struct {
		size_t lacking;
		const char *told;
	} cases[] = { { 0, "down alice: it left (left)\n" },
		{ 1, "down alice: " LOST "\n" },
		{ 15, "down alice: " LOST "\n" },
		{ 28, "down alice: " LOST "\n" },
		{ 29, "down alice: " LOST "\n" } };
	struct evil *e;

	(void)state;
	for (size_t i = 0; i < 2 * COUNT_OF(cases); i++) {
		e = join_up(bob, 2, "alice");
		evil_put_bye(e, "so long");
		assert_int_equal(fifo_size(&e->wire.out), 29);
		e->wire.out.end -= cases[i / 2].lacking;
		evil_send(e);
		end_is_reset = i % 2 == 1;
		gone(e);
		assert_told(&bob->told, cases[i / 2].told);
	}
	end_is_reset = false;
	/* And ours is one. */
	e = join_up(bob, 2, "alice");
	mesh_leave(bob->mesh, "it left", now_ms);
	settle();
	assert_told(&e->told, "bye it left\n");
	assert_true(e->eof);
}

static void mesh_tells_what_came_before_the_end(void **state)
{
	struct evil *e = join_up(bob, 2, "alice");

	(void)state;
	book_open(&alices, 2, "alice");
	book_fill(&alices, 3);
	evil_put_entry(e, &alices, 1, 3, WANT_NOTHING);
	evil_put_batch(e, &alices, 1, 1, 2);
	evil_put_batch(e, &alices, 1, 3, 3);
	evil_send(e);
	gone(e);
	assert_told(&bob->told, "batch alice 1..2 accepted\n"
				"batch alice 3..3 accepted\n"
				"down alice: " LOST "\n");
}

static void abuse_29_ourselves_are_dropped_and_not_dialled_again(void **state)
{
	static const struct evil_options ourselves = {
		.who = 1, .name = "bob", .instance = 1
	};
	struct sockaddr_storage at = address4("10.0.0.1", 4000);
	struct evil *e = join_as(bob, -1, &ourselves);

	(void)state;
	settle();
	assert_true(e->eof);
	assert_told(&bob->told, "refused : it is this program itself\n");
	assert_int_equal(mesh_add_peer(bob->mesh, ""), 0);
	mesh_found(bob->mesh, 0, &at, 1, now_ms);
	e = join_as(bob, 0, &ourselves);
	settle();
	assert_told(&bob->told,
		"unreachable 0, 1 times: it is this program itself\n");
	pass(60 * 1000, 1000);
	mesh_found(bob->mesh, 0, &at, 1, now_ms);
	settle();
	assert_int_equal(dial_count, 0);
	assert_int_equal(node_wake_ms(bob), 3600 * 1000);
	at = address4("10.0.0.2", 4000); /* somebody else may be there */
	mesh_found(bob->mesh, 0, &at, 1, now_ms);
	settle();
	assert_int_equal(dial_count, 1);
}

static void abuse_30_who_is_in_another_room_is_no_link(void **state)
{
	struct evil_options elsewhere = { .who = 2, .name = "a", .room = "x" };
	struct evil *e = join_as(bob, -1, &elsewhere);

	(void)state;
	settle();
	assert_told(&e->told,
		"broken it is in another room, or speaks another version\n");
	gone(e);
	assert_told(&bob->told, "refused : " LOST "\n");
	assert_int_equal(mesh_add_peer(bob->mesh, ""), 0);
	e = join_as(bob, 0, &elsewhere);
	settle();
	assert_true(e->eof);
	assert_told(&e->told, "");
	assert_told(&bob->told,
		"unreachable 0, 1 times: it is in another room, "
		"or speaks another version\n");
}

/* Two links to one program. */

/*
 * Both dial at once: in whatever order the two take their turns, one link is
 * left, the same for both, and it works.
 */
static void abuse_36_one_of_two_crossing_dials_stays(void **state)
{
	struct node *other = &nodes[1];
	int first[2], second[2];

	(void)state;
	node_open(other, 2, "alice");
	other->quiet = bob->quiet = true;
	for (unsigned order = 0; order < 200; order++) {
		mesh_close(other->mesh);
		mesh_close(bob->mesh);
		node_open_mesh(other, false, false);
		node_open_mesh(bob, false, false);
		make_pair(first);
		make_pair(second);
		assert_int_equal(mesh_adopt(other->mesh, first[0], MESH_DIALLED,
					 -1, now_ms) |
					 mesh_adopt(bob->mesh, first[1],
						 MESH_ACCEPTED, -1, now_ms) |
					 mesh_adopt(bob->mesh, second[0],
						 MESH_DIALLED, -1, now_ms) |
					 mesh_adopt(other->mesh, second[1],
						 MESH_ACCEPTED, -1, now_ms),
			0);
		for (unsigned bits = order, i = 0; i < 12; i++, bits >>= 1)
			node_turn((bits & 1) != 0 ? other : bob);
		settle();
		assert_int_equal(link_count(other), 1);
		assert_int_equal(link_count(bob), 1);
		assert_null(strstr(bob->told.text, "twin"));
		/* She came once, and never went. */
		assert_int_equal(count_of(bob->told.text, "up alice\n"), 1);
		assert_int_equal(count_of(bob->told.text, "down "),
			count_of(bob->told.text, " (not all)\n"));
		transcript_clear(&other->told);
		transcript_clear(&bob->told);
		if (order % 50 != 0)
			continue;
		node_say(bob, 1);
		settle();
		assert_int_equal(room_durable(other->room, 0),
			room_durable(bob->room, room_own(bob->room)));
	}
}

/* The older one answers, so the hash decides: the other side does the same. */
static void mesh_keeps_the_link_with_the_smaller_hash(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		struct evil *older = join_up(bob, 2, "alice");
		struct evil *newer = join(bob, 2, "alice");
		bool keeps_older;

		settle();
		keeps_older = memcmp(older->wire.hash, newer->wire.hash,
				      NOISE_HASH_SIZE) < 0;
		assert_int_equal(older->eof, !keeps_older);
		assert_int_equal(newer->eof, keeps_older);
		assert_non_null(strstr(
			keeps_older ? newer->told.text : older->told.text,
			"bye there is another link\n"));
		assert_int_equal(link_count(bob), 1);
		transcript_clear(&bob->told);
		gone(older);
		gone(newer);
		transcript_clear(&bob->told);
	}
}

/* No end of the connection was ever seen: which name sorts first is nothing. */
static void abuse_39_who_lost_power_is_linked_again_at_once(void **state)
{
	static const char *const names[] = { "alice", "zoe" };

	(void)state;
	for (unsigned i = 0; i < COUNT_OF(names); i++) {
		struct evil_options again = {
			.who = 20 + i, .name = names[i], .instance = 77
		};
		struct evil *older = join_up(bob, 20 + i, names[i]);
		struct evil *newer;
		char text[100];

		older->deaf = true; /* its machine is off */
		newer = join_as(bob, -1, &again);
		settle();
		assert_true(evil_is_up(newer));
		(void)snprintf(text, sizeof(text), "up %s (again)\n", names[i]);
		assert_told(&bob->told, text);
		pass(LIMIT_OLDER_MS - 1, 500);
		assert_told(&bob->told, "");
		pass(1, 1);
		(void)snprintf(text, sizeof(text),
			"down %s: a newer link took its place (not all)\n",
			names[i]);
		assert_told(&bob->told, text);
		assert_false(newer->eof);
		assert_int_equal(link_count(bob), (int)i + 1);
	}
}

static void abuse_36_two_copies_of_a_database_stay_and_are_told(void **state)
{
	struct evil *e[LIMIT_LINKS_A_KEY + 1];

	(void)state;
	for (unsigned i = 0; i <= LIMIT_LINKS_A_KEY; i++) {
		struct evil_options copy = {
			.who = 2, .name = "alice", .instance = 100 + i
		};

		e[i] = join_as(bob, -1, &copy);
		settle();
		assert_int_equal(e[i]->eof, i == LIMIT_LINKS_A_KEY);
	}
	assert_int_equal(count_of(bob->told.text, "up alice\n"), 1);
	assert_int_equal(count_of(bob->told.text, "up alice (again)\n"),
		LIMIT_LINKS_A_KEY - 1);
	/* Each time by all that were there before. */
	assert_int_equal(count_of(bob->told.text, "twin alice\n"), 1 + 2 + 3);
	assert_non_null(
		strstr(bob->told.text, "refused : it has too many links\n"));
	transcript_clear(&bob->told);
	pass(100 * 1000, 1000); /* no endless kicking */
	assert_told(&bob->told, "");
	assert_int_equal(link_count(bob), LIMIT_LINKS_A_KEY);
}

static void mesh_tells_of_a_copy_of_its_own_database(void **state)
{
	static const struct evil_options copy = { .who = 1, .name = "bob" };
	struct evil *e = join_as(bob, -1, &copy);

	(void)state;
	settle();
	assert_true(evil_is_up(e));
	assert_told(&bob->told, "up bob\ntwin bob\n");
}

/* Who is looked for. */

static void abuse_38_50_a_named_peer_with_another_key_is_another(void **state)
{
	static const struct evil_options liar = { .who = 9, .name = "alice" };
	struct sockaddr_storage at = address4("10.0.0.1", 4000);
	struct ed25519_key key;
	struct evil *e;

	(void)state;
	book_key(&key, 2);
	assert_int_equal(mesh_add_peer(bob->mesh, "alice.local:1"), 0);
	mesh_expect(bob->mesh, "alice", key.public_key);
	mesh_found(bob->mesh, 0, &at, 1, now_ms);
	e = join_as(bob, 0, &liar);
	settle();
	assert_true(evil_is_up(e));
	assert_false(mesh_is_linked(bob->mesh, 0));
	assert_non_null(strstr(bob->told.text, "up alice\n"));
	assert_non_null(strstr(bob->told.text,
		"unreachable 0, 1 times: somebody else answers there\n"));
	transcript_clear(&bob->told);
	/* Dialling goes on, but not in a circle. */
	assert_int_equal(dial_count, 0);
	assert_in_range(node_wake_ms(bob), DIAL_BACKOFF_MIN_MS / 2, 2000);
	pass(400, 10);
	assert_int_equal(dial_count, 1);
	(void)join_up(bob, 2, "alice");
	assert_true(mesh_is_linked(bob->mesh, 0));
}

static void mesh_refuses_who_answers_by_another_name(void **state)
{
	struct evil *e;

	(void)state;
	assert_int_equal(mesh_add_peer(bob->mesh, "carol.local:1"), 0);
	e = join_as(bob, 0, &alice);
	settle();
	assert_true(e->eof);
	assert_told(&bob->told,
		"unreachable 0, 1 times: somebody else answers there\n");
}

static void mesh_with_only_refuses_strangers(void **state)
{
	struct evil *stranger;

	(void)state;
	mesh_close(bob->mesh);
	node_open_mesh(bob, true, false);
	assert_int_equal(mesh_add_peer(bob->mesh, "carol.local:1"), 0);
	stranger = join(bob, 2, "alice");
	settle();
	assert_true(stranger->eof);
	assert_told(&bob->told, "refused : it is not one of those named\n");
	(void)join_up(bob, 3, "carol");
}

/* Also where a named peer was found: his name is not enough. */
static void mesh_with_only_refuses_another_key_than_the_pinned(void **state)
{
	static const struct evil_options impostor = { .who = 5,
		.name = "alice" };
	struct ed25519_key key;
	struct evil *e;

	(void)state;
	mesh_close(bob->mesh);
	node_open_mesh(bob, true, false);
	book_key(&key, 2);
	assert_int_equal(mesh_add_peer(bob->mesh, "alice.local:1"), 0);
	mesh_expect(bob->mesh, "alice", key.public_key);
	for (int peer = -1; peer <= 0; peer++) {
		e = join_as(bob, peer, &impostor);
		settle();
		assert_true(e->eof);
		assert_int_equal(link_count(bob), 0);
	}
	(void)join_up(bob, 2, "alice");
}

/* Who answers at an address that was named is meant, whoever it is. */
static void mesh_with_only_takes_who_answers_at_a_named_address(void **state)
{
	static const struct evil_options before = { .who = 5, .name = "eve" };
	static const struct evil_options after = { .who = 6, .name = "eve" };
	struct evil *e;

	(void)state;
	mesh_close(bob->mesh);
	node_open_mesh(bob, true, false);
	assert_int_equal(mesh_add_peer(bob->mesh, ""), 0);
	e = join_up_as(bob, 0, &before);
	evil_leave(e);
	settle();
	(void)join_up_as(bob, 0, &after);
}

static void mesh_refuses_interfaces_that_are_not_allowed(void **state)
{
	struct sockaddr_storage local = address4("10.0.0.1", 0);
	struct evil *e;

	(void)state;
	mesh_set_local(bob->mesh, &local, 1);
	e = join(bob, 2, "alice");
	settle();
	assert_true(e->eof);
	assert_told(&bob->told,
		"refused : it came over an interface that is not allowed\n");
	mesh_set_local(bob->mesh, &local, 0);
	(void)join_up(bob, 2, "alice");
}

static void mesh_dials_whom_it_found_and_not_who_is_linked(void **state)
{
	struct sockaddr_storage at = address4("10.0.0.1", 4000);
	struct evil_options carol = {
		.role = WIRE_ACCEPTOR, .who = 3, .name = "carol"
	};
	struct evil *e;

	(void)state;
	dial_answers = true;
	assert_int_equal(mesh_add_peer(bob->mesh, "carol.local:1"), 0);
	mesh_found(bob->mesh, 0, &at, 1, now_ms);
	node_turn(bob);
	assert_int_equal(dial_count, 1);
	e = evil_at(dialled_fd, &carol);
	dialled_fd = -1;
	settle();
	assert_told(&bob->told, "up carol\n");
	pass(20 * 1000, 1000);
	mesh_found(bob->mesh, 0, &at, 1, now_ms);
	settle();
	assert_int_equal(dial_count, 1);
	gone(e); /* it had lasted: it is dialled again soon */
	assert_in_range(node_wake_ms(bob), DIAL_BACKOFF_MIN_MS / 2,
		DIAL_BACKOFF_MIN_MS * 3 / 2);
	pass(DIAL_BACKOFF_MIN_MS * 3 / 2, 10);
	assert_int_equal(dial_count, 2);
}

static void mesh_dials_8_at_a_time_and_the_others_later(void **state)
{
	enum { PEERS = LIMIT_DIALS + 2 };

	(void)state;
	dial_is_silent = true;
	for (int i = 0; i < PEERS; i++) {
		char host[32];
		struct sockaddr_storage at;

		(void)snprintf(host, sizeof(host), "10.0.0.%d", i + 1);
		at = address4(host, 4000);
		assert_int_equal(mesh_add_peer(bob->mesh, ""), i);
		mesh_found(bob->mesh, i, &at, 1, now_ms);
	}
	settle();
	now_ms += LIMIT_HANDSHAKE_MS - 1;
	settle();
	assert_int_equal(dial_count, LIMIT_DIALS);
	transcript_clear(&dials);
	now_ms += 1;
	settle();
	assert_told(&dials, "10.0.0.9:4000\n10.0.0.10:4000\n");
}

/* Too many. */

static void abuse_25_of_too_many_callers_the_worst_host_gives_way(void **state)
{
	int fds[LIMIT_HALF_OPEN + 1];

	(void)state;
	for (int i = 0; i < LIMIT_HALF_OPEN; i++) {
		peer_at = address4(i < 10 ? "10.0.0.1" : "10.0.0.2", 5000);
		now_ms++;
		fds[i] = call_in(bob);
	}
	settle();
	assert_told(&bob->told, "");
	peer_at = address4("10.0.0.3", 5000);
	fds[LIMIT_HALF_OPEN] = call_in(bob);
	settle();
	for (int i = 0; i <= LIMIT_HALF_OPEN; i++) {
		assert_int_equal(is_closed(fds[i]), i == 0);
		assert_int_equal(close(fds[i]), 0);
	}
	assert_told(&bob->told,
		"refused 10.0.0.1:5000: there are too many callers\n");
}

/* And ten honest ones at the address of the flood are linked all the same. */
static void abuse_25_a_flood_of_callers_shuts_nobody_out(void **state)
{
	struct evil *first;
	struct mesh_counts counts;

	(void)state;
	peer_at = address4("10.0.0.9", 5000);
	first = join_up(bob, 2, "alice");
	for (unsigned i = 0; i < 10; i++) {
		for (int k = 0; k < 100; k++) {
			int fds[2];

			make_pair(fds);
			/* With no place for it, the caller tries again. */
			(void)!mesh_adopt(
				bob->mesh, fds[0], MESH_ACCEPTED, -1, now_ms);
			assert_int_equal(close(fds[1]), 0);
			counts = node_counts(bob);
			assert_true(counts.half_open <= LIMIT_HALF_OPEN);
			if (k % 30 == 0)
				node_turn(bob);
		}
		node_turn(bob);
		(void)join_up(bob, 30 + i, "honest");
	}
	assert_false(first->eof);
	assert_int_equal(link_count(bob), 11);
}

/* Links from a host each, but for two of 10.0.0.1, the first and the last. */
static void fill_links(void)
{
	for (unsigned i = 0; i < LIMIT_LINKS; i++) {
		char host[32];

		(void)snprintf(host, sizeof(host), "10.0.0.%u",
			i == LIMIT_LINKS - 1 ? 1 : i + 1);
		peer_at = address4(host, 5000);
		now_ms++;
		(void)join_up(bob, 100 + i, "many");
	}
	assert_int_equal(link_count(bob), LIMIT_LINKS);
}

static void abuse_25_a_65th_link_takes_that_of_who_has_most(void **state)
{
	struct evil *e;

	(void)state;
	fill_links();
	peer_at = address4("10.0.1.1", 5000);
	(void)join_up(bob, 2, "alice");
	assert_true(evils[LIMIT_LINKS - 1]->eof);
	assert_told(&evils[LIMIT_LINKS - 1]->told,
		"bye there are too many links\n");
	assert_int_equal(link_count(bob), LIMIT_LINKS);
	/* Now nobody has two: who comes next is refused, */
	peer_at = address4("10.0.1.2", 5000);
	e = join(bob, 3, "carol");
	settle();
	assert_true(e->eof);
	assert_told(&bob->told,
		"refused 10.0.1.2:5000: there are too many links\n");
	/* unless he is looked for. */
	assert_int_equal(mesh_add_peer(bob->mesh, "carol.local:1"), 0);
	e = join_up(bob, 3, "carol");
	assert_false(e->eof);
	assert_int_equal(link_count(bob), LIMIT_LINKS);
}

/* Strikes. */

/* As many strikes as an address gets, and how the last one was told. */
static void strike_all(const char *host)
{
	peer_at = address4(host, 5000);
	for (int i = 0; i < LIMIT_STRIKES_ADDRESS; i++) {
		int fd = call_in(bob);

		write_all(fd, "\0\xff\xff\xff", 4);
		settle();
		assert_true(is_closed(fd));
		assert_int_equal(close(fd), 0);
	}
	assert_int_equal(
		count_of(bob->told.text, "it sent a frame of an impossible "),
		LIMIT_STRIKES_ADDRESS);
	transcript_clear(&bob->told);
}

static void strikes_of_an_address_refuse_it_for_ten_minutes(void **state)
{
	static const char *const near[] = { "127.0.0.1", "10.0.0.5" };

	(void)state;
	own_at = address4("10.0.0.5", 4000);
	/* Whoever shares this host is judged by his key alone. */
	for (unsigned i = 0; i < COUNT_OF(near); i++) {
		strike_all(near[i]);
		(void)join_up(bob, 20 + i, "near");
	}
	strike_all("10.0.0.9");
	assert_true(is_closed(call_in(bob)));
	settle();
	assert_told(&bob->told,
		"refused 10.0.0.9:5000: it has misbehaved too often\n");
	peer_at = address4("10.0.0.8", 5000);
	(void)join_up(bob, 3, "carol");
	pass(LIMIT_STRIKES_MS, 10 * 1000);
	peer_at = address4("10.0.0.9", 5000);
	(void)join_up(bob, 4, "dora");
}

static void strikes_of_a_key_refuse_it_wherever_it_comes_from(void **state)
{
	static const struct evil_options dora = { .who = 4, .name = "dora" };
	struct evil *e;

	(void)state;
	for (int i = 0; i < LIMIT_STRIKES_KEY; i++) {
		e = join_up(bob, 2, "alice");
		evil_put(e, MESSAGE_PING, "\xff", 1);
		settle();
		assert_true(e->eof);
		assert_told(&bob->told, "down alice: " MALFORMED "\n");
	}
	assert_int_equal(node_counts(bob).strikes, LIMIT_STRIKES_KEY);
	peer_at = address4("10.0.0.9", 5000);
	e = join(bob, 2, "alice");
	settle();
	assert_true(e->eof);
	assert_told(&bob->told,
		"refused 10.0.0.9:5000: it has misbehaved too often\n");
	(void)join_up_as(bob, -1, &dora);
	pass(LIMIT_STRIKES_MS, 10 * 1000);
	(void)join_up(bob, 2, "alice");
}

/* What is malformed (4, 20, 23). */

static const struct malformed {
	const char *what;
	int type; /* 0: bytes behind the frames */
	const char *body;
	size_t size;
} malformed[] = {
	{ "a Hello with a name of NULs", MESSAGE_HELLO, BYTES("\x12\x01\0") },
	{ "an entry without a number", MESSAGE_DIGEST, BYTES("\x0a\0") },
	{ "an entry for number 0", MESSAGE_DIGEST, BYTES("\x0a\x02\x08\0") },
	{ "a seq of 2^32 - 1", MESSAGE_DIGEST,
		BYTES("\x0a\x08\x08\x01\x20\xff\xff\xff\xff\x0f") },
	{ "a seq of 2^32 + 5", MESSAGE_DIGEST,
		BYTES("\x0a\x08\x08\x01\x20\x85\x80\x80\x80\x10") },
	{ "a padded varint", MESSAGE_DIGEST,
		BYTES("\x0a\x04\x08\x01\x20\x80\0") },
	{ "an id without a seq", MESSAGE_DIGEST,
		BYTES("\x0a\x14\x08\x01\x2a\x10"
		      "0123456789abcdef") },
	{ "a state of 15 bytes", MESSAGE_DIGEST,
		BYTES("\x22\x0f"
		      "0123456789abcde") },
	{ "want 3", MESSAGE_DIGEST, BYTES("\x0a\x04\x08\x01\x30\x03") },
	{ "a batch without records", MESSAGE_BATCH,
		BYTES("\x08\x01\x20\x01\x2a\x10"
		      "0123456789abcdef") },
	{ "a batch from record 0", MESSAGE_BATCH,
		BYTES("\x08\x01\x20\0\x2a\x10"
		      "0123456789abcdef\x32\0") },
	{ "a record without a signature", MESSAGE_BATCH,
		BYTES("\x08\x01\x20\x01\x2a\x10"
		      "0123456789abcdef\x32\x05\x10\x01\x1a\x01x") },
	{ "half a half", MESSAGE_FORK, BYTES("\x0a\x02\x10\x01") },
	{ "a token of eleven bytes", MESSAGE_PING,
		BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01") },
	{ "a goodbye of 65 bytes", MESSAGE_BYE,
		BYTES("\x0a\x41"
		      "123456789012345678901234567890123456789012345"
		      "67890123456789012345") },
	{ "a frame of no bytes", 0, BYTES("\0\0") },
	{ "a frame of 65,535 bytes", 0, BYTES("\xff\xff") },
};

static void abuse_04_20_23_malformed_messages_end_the_link(void **state)
{
	struct evil *other = join_up(bob, 3, "carol");
	unsigned strikes = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(malformed); i++) {
		const struct malformed *m = &malformed[i];
		struct evil *e = join_up(bob, 40 + (unsigned)i, "x");

		if (m->type > 0)
			evil_put(e, (enum message_type)m->type, m->body,
				m->size);
		else
			evil_raw(e, m->body, m->size);
		settle();
		if (!e->eof)
			fail_msg("%s is let pass", m->what);
		assert_told(&e->told, ""); /* no answer */
		assert_memory_equal(bob->told.text, "down x: it sent ", 16);
		transcript_clear(&bob->told);
		/* What nobody encrypted may come from somebody between. */
		strikes += m->type > 0;
		assert_int_equal(node_counts(bob).strikes, strikes);
	}
	assert_false(other->eof);
}

/* Neither unknown types nor unknown fields are anybody's fault. */
static void mesh_ignores_what_a_newer_version_may_say(void **state)
{
	struct evil *e = join_up(bob, 2, "alice");

	(void)state;
	evil_put(e, (enum message_type)77, "anything", 8);
	evil_put(e, MESSAGE_BYE + 1, "", 0);
	evil_put(e, MESSAGE_DIGEST, BYTES("\xfa\x07\x03xyz"));
	evil_put_ping(e, 5);
	settle();
	assert_told(&e->told, "pong\n");
	assert_int_equal(node_counts(bob).strikes, 0);
}

static void abuse_20_a_digest_of_10000_entries_ends_the_link(void **state)
{
	static struct message_entry entries[10000];
	struct evil *e = join_up(bob, 2, "alice");
	uint8_t bytes[MESSAGE_MAX];
	struct writer w = writer_over(bytes, sizeof(bytes));

	(void)state;
	/* 1,024 of one log, over and over, are one claim. */
	book_open(&alices, 2, "alice");
	for (uint32_t i = 0; i < LIMIT_DIGEST_ENTRIES; i++) {
		entries[i] = book_entry(&alices, 1, 0, WANT_NOTHING);
		entries[i].log.named = i == 0;
	}
	evil_put_digest(e, entries, LIMIT_DIGEST_ENTRIES, true);
	settle();
	assert_false(e->eof);
	assert_int_equal(room_count(bob->room), 1);
	for (uint32_t i = 0; i < COUNT_OF(entries); i++) {
		memset(&entries[i], 0, sizeof(entries[i]));
		entries[i].log.number = 1;
		message_put_entry(&w, &entries[i]);
	}
	assert_false(w.full);
	evil_put(e, MESSAGE_DIGEST, w.bytes, w.size);
	settle();
	assert_true(e->eof);
	assert_told(&bob->told, "down alice: " MALFORMED "\n");
}

/* It claims so many, has as many as a message takes, or the message claims. */
static void abuse_20_an_id_of_100000_bytes_ends_the_link(void **state)
{
	static const struct {
		const char *bytes; /* of the stream of messages */
		size_t size;
		size_t more; /* zeros behind them */
		const char *told;
	} cases[] = {
		{ BYTES("\x09\x02\x0a\x06\x08\x01\x2a\xa0\x8d\x06"), 0,
			"down x: " MALFORMED "\n" },
		{ BYTES("\x0b\x02\x0a\xa6\x8d\x06\x08\x01\x2a\xa0"
			"\x8d\x06"),
			0, "down x: " MALFORMED "\n" },
		{ BYTES("\x81\x90\x04\x02\x0a\xfc\x8f\x04\x08\x01\x20"
			"\x07\x2a\xf4\x8f\x04"),
			MESSAGE_MAX - 12, "down x: " MALFORMED "\n" },
		{ BYTES("\x82\x90\x04\x02"), 0, "down x: " IMPOSSIBLE "\n" },
		{ BYTES("\xab\x8d\x06\x02"), 0, "down x: " IMPOSSIBLE "\n" },
	};
	static uint8_t zeros[WIRE_PLAIN_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct evil *e = join_up(bob, 40 + (unsigned)i, "x");
		size_t taken = heap_taken;

		evil_plain(e, cases[i].bytes, cases[i].size);
		for (size_t left = cases[i].more, size; left > 0;
			left -= size) {
			size = left < sizeof(zeros) ? left : sizeof(zeros);
			evil_plain(e, zeros, size);
		}
		settle();
		assert_true(e->eof);
		assert_told(&bob->told, cases[i].told);
		assert_int_equal(heap_taken, taken);
	}
	assert_int_equal(room_count(bob->room), 0);
}

/* A turn of bob's, and what it takes of the heap. */
static size_t turn_takes(void)
{
	size_t before = heap_taken;

	node_turn(bob);
	return heap_taken - before;
}

/* In the place of D1, of D2, and of the proof of a key. */
static void abuse_23_lengths_before_auth_end_it_at_every_stage(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} cases[] = { { BYTES("\0\0") }, { BYTES("\xff\xff") },
		{ BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f") },
		{ BYTES("\x40\0\0\0") }, { BYTES("\x80\x80\x80\x80\x04") } };

	(void)state;
	for (size_t i = 0; i < 3 * COUNT_OF(cases); i++) {
		size_t stage = i % 3, taken = heap_taken;
		int fd = call_in(bob);
		struct evil *e;

		taken = heap_taken - taken;
		e = evil_at(fd, &alice);
		for (size_t said = 0; said < stage; said++) {
			evil_send(e);
			taken += turn_takes();
			assert_true(evil_read(e));
		}
		fifo_drop(&e->wire.out, fifo_size(&e->wire.out));
		evil_raw(e, "", stage == 0);
		evil_raw(e, cases[i / 3].bytes, cases[i / 3].size);
		evil_send(e);
		taken += turn_takes();
		assert_in_range(taken, 1, 16400);
		settle();
		assert_true(e->eof);
		assert_told(&bob->told, "refused : it sent a frame of an "
					"impossible length\n");
	}
}

/* All of a handshake but its last byte; then that. */
static void abuse_23_no_more_than_16400_bytes_are_taken_before_auth(
	void **state)
{
	size_t taken = heap_taken;
	int fd = call_in(bob);
	struct evil *e;

	(void)state;
	taken = heap_taken - taken;
	e = evil_at(fd, &alice);
	for (int said = 0; said < 2; said++) {
		evil_send(e);
		taken += turn_takes();
		assert_true(evil_read(e));
	}
	write_all(e->fd, fifo_head(&e->wire.out), PROOF_SIZE - 1);
	fifo_drop(&e->wire.out, PROOF_SIZE - 1);
	taken += turn_takes();
	assert_in_range(taken, 1000, 16400);
	assert_int_equal(link_count(bob), 0);
	evil_send(e);
	taken += turn_takes();
	assert_int_equal(link_count(bob), 1);
	assert_true(taken > 16400);
}

/* The first bytes of a handshake, and the end. */
static void begin_and_leave(int peer, size_t size, bool links)
{
	struct evil *e = join_as(bob, peer, &alice);
	struct mesh_counts counts;

	for (int turn = 0; turn < 5; turn++) {
		size_t now = fifo_size(&e->wire.out);

		if (now > size)
			now = size;
		write_all(e->fd, fifo_head(&e->wire.out), now);
		fifo_drop(&e->wire.out, now);
		size -= now;
		node_turn(bob);
		(void)evil_read(e);
	}
	assert_int_equal(size, 0);
	assert_int_equal(link_count(bob), links);
	gone(e);
	evils_end();
	counts = node_counts(bob);
	assert_int_equal(counts.links + counts.half_open, 0);
	assert_int_equal(counts.strikes, 0);
	assert_int_equal(room_count(bob->room), 0);
	assert_int_equal(log_count(bob->log), 0);
	assert_null(strstr(bob->told.text, "up"));
	assert_non_null(strstr(bob->told.text, ": " LOST "\n"));
	transcript_clear(&bob->told);
}

/* After each byte, called and calling. */
static void abuse_27_a_handshake_that_ends_early_leaves_nothing(void **state)
{
	enum {
		CALLER = 1 + 2 + 22 + 2 + 32 + PROOF_SIZE,
		CALLED = 2 + 22 + 2 + 48 + PROOF_SIZE
	};

	(void)state;
	assert_int_equal(mesh_add_peer(bob->mesh, ""), 0);
	for (size_t size = 0; size <= CALLER; size++)
		begin_and_leave(-1, size, size == CALLER);
	for (size_t size = 0; size <= CALLED; size++)
		begin_and_leave(0, size, size == CALLED);
}

static void abuse_23_impossible_first_bytes_end_it(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *why;
	} cases[] = {
		{ BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
			"it speaks the original's protocol (--legacy)" },
		{ BYTES("\0\0\0"), "it sent a frame of an impossible length" },
		{ BYTES("\0\xff\xff"),
			"it sent a frame of an impossible length" },
		{ BYTES("\0\x40\0"),
			"it sent a frame of an impossible length" },
		{ BYTES("GET / HTTP/1.1\r\n\r\n"),
			"it speaks the original's protocol (--legacy)" },
	};
	char text[128];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int fd = call_in(bob);

		write_all(fd, cases[i].bytes, cases[i].size);
		settle();
		assert_true(is_closed(fd));
		assert_int_equal(close(fd), 0);
		(void)snprintf(
			text, sizeof(text), "refused : %s\n", cases[i].why);
		assert_told(&bob->told, text);
	}
}

static void abuse_34_a_flipped_bit_ends_the_link_without_an_answer(void **state)
{
	struct evil *e = join_up(bob, 2, "alice");

	(void)state;
	evil_put_ping(e, 5);
	wire_seal(&e->wire);
	e->wire.out.bytes[e->wire.out.start + 7] ^= 4;
	evil_put_ping(e, 6);
	settle();
	assert_true(e->eof);
	assert_told(&e->told, "");
	assert_told(&bob->told,
		"down alice: it sent a frame that does not decrypt\n");
}

/* However its bytes arrive (26). */

static void abuse_26_a_conversation_byte_by_byte_is_the_same(void **state)
{
	struct evil *e = join(bob, 2, "alice");

	(void)state;
	book_open(&alices, 2, "alice");
	for (int turn = 0, said = 0; turn < 3000 && !e->eof; turn++) {
		if (evil_is_up(e) && !said++) {
			evil_put_entry(e, &alices, 1, 1, WANT_NOTHING);
			evil_put_batch(e, &alices, 1, 1, 1);
			evil_put_bye(e, "");
		}
		if (fifo_size(&e->wire.out) > 0) {
			write_all(e->fd, fifo_head(&e->wire.out), 1);
			fifo_drop(&e->wire.out, 1);
		}
		node_turn(bob);
		(void)evil_read(e);
	}
	assert_told(&bob->told, "up alice\nbatch alice 1..1 accepted\n"
				"down alice: it left (left)\n");
}

static void abuse_26_a_frame_cut_anywhere_is_the_same(void **state)
{
	struct evil *e = join_up(bob, 2, "alice");
	char text[64];
	size_t size = 300;

	(void)state;
	book_open(&alices, 2, "alice");
	evil_put_batch(e, &alices, 1, 1, 1);
	settle();
	transcript_clear(&bob->told);
	for (unsigned cut = 1; cut < size; cut++) {
		transcript_clear(&e->told);
		book_say(&alices, "hello");
		evil_put_batch(e, &alices, 1, cut + 1, cut + 1);
		wire_seal(&e->wire);
		size = fifo_size(&e->wire.out);
		if (cut > size)
			break;
		write_all(e->fd, fifo_head(&e->wire.out), cut);
		fifo_drop(&e->wire.out, cut);
		node_turn(bob);
		settle();
		(void)snprintf(text, sizeof(text),
			"batch alice %u..%u accepted\n", cut + 1, cut + 1);
		assert_told(&bob->told, text);
	}
	assert_in_range(size, 100, 299);
}

/* Deadlines (24). */

static void abuse_24_who_says_nothing_has_two_seconds(void **state)
{
	int fd = call_in(bob);
	struct evil *e;

	(void)state;
	assert_int_equal(node_wake_ms(bob), LIMIT_FIRST_BYTE_MS);
	now_ms += LIMIT_FIRST_BYTE_MS - 1;
	settle();
	assert_false(is_closed(fd));
	now_ms += 1;
	settle();
	assert_true(is_closed(fd));
	assert_int_equal(close(fd), 0);
	assert_told(&bob->told, "refused : it said nothing\n");
	/* Whom we dial, too. */
	assert_int_equal(mesh_add_peer(bob->mesh, ""), 0);
	e = join_as(bob, 0, &alice);
	e->deaf = true;
	settle();
	now_ms += LIMIT_HANDSHAKE_MS;
	settle();
	assert_told(&bob->told, "unreachable 0, 1 times: it said nothing\n");
}

/* A byte every 1.9 seconds, or all but the proof: five seconds in all. */
static void abuse_24_a_handshake_has_five_seconds_in_all(void **state)
{
	struct evil *e = join(bob, 2, "alice");
	int fd = call_in(bob);

	(void)state;
	e->deaf = true;
	for (int i = 0; i < 2; i++) {
		pass(1900, 1900);
		write_all(fd, "\0", 1);
		settle();
	}
	pass(LIMIT_HANDSHAKE_MS - 2 * 1900 - 1, 1000);
	assert_told(&bob->told, "");
	pass(1, 1);
	assert_told(&bob->told, "refused : it said nothing\n"
				"refused : it said nothing\n");
	assert_int_equal(close(fd), 0);
}

static void abuse_24_a_frame_once_begun_has_ten_seconds(void **state)
{
	struct evil *e = join_up(bob, 2, "alice");

	(void)state;
	evil_raw(e, "\x01\x00xyz", 5);
	settle();
	pass(LIMIT_FRAME_MS - 1, 1000);
	assert_told(&bob->told, "");
	pass(1, 1);
	assert_told(&bob->told,
		"down alice: it stopped in the middle of a frame\n");
}

/* Frame after frame, with a part of the next one there at all times. */
static void mesh_lets_frames_stream_for_longer_than_one_may_take(void **state)
{
	struct evil *e = join_up(bob, 2, "alice");

	(void)state;
	for (int i = 0; i < 15; i++) {
		size_t size;

		evil_put_ping(e, 5);
		wire_seal(&e->wire);
		size = fifo_size(&e->wire.out) - 3;
		write_all(e->fd, fifo_head(&e->wire.out), size);
		fifo_drop(&e->wire.out, size);
		node_turn(bob);
		assert_told(&bob->told, "");
		now_ms += 1000;
	}
	node_turn(bob);
	assert_told(&bob->told, "");
	assert_int_equal(link_count(bob), 1);
}

static void mesh_pings_after_30_seconds_and_gives_up_after_90(void **state)
{
	struct evil *e = join_up(bob, 2, "alice");

	(void)state;
	pass(200 * 1000, 1000); /* it answers each Ping */
	assert_told(&bob->told, "");
	transcript_clear(&e->told);
	e->rude = true;
	pass(LIMIT_PING_MS, 1000);
	assert_told(&e->told, "ping\n");
	pass(LIMIT_SILENCE_MS, 1000);
	assert_told(&bob->told, "down alice: it said nothing for too long\n");
}

/* A peer that reads nothing, though there is more than its buffer (24, 35). */

static struct evil *join_deaf(void)
{
	struct evil *e = join_up(bob, 2, "alice");

	book_open(&alices, 5, "eve");
	while (alices.chain.seq < 500)
		book_add(&alices, RECORD_TEXT, large, sizeof(large));
	node_have(bob, &alices, 500);
	evil_put_entry(e, &alices, 1, 0, WANT_FROM);
	evil_send(e);
	e->deaf = true;
	settle();
	return e;
}

static void abuse_35_who_reads_nothing_keeps_nobody_waiting(void **state)
{
	struct evil *deaf = join_deaf();
	struct evil *e = join_up(bob, 3, "carol");
	uint64_t sent = node_counts(bob).bytes_sent;

	(void)state;
	evil_put_entry(e, &alices, 1, 0, WANT_FROM);
	for (int i = 0; i < 20; i++)
		settle();
	assert_non_null(strstr(e->told.text, "..500\n"));
	assert_true(node_counts(bob).bytes_sent - sent < 2200 * 1000);
	/* It is closed when it took nothing for so long, */
	for (int i = 0; i < 89; i++) {
		pass(1000, 1000);
		evil_put_ping(deaf, 1); /* however much it says. */
		evil_send(deaf);
	}
	assert_told(&bob->told, "");
	pass(2000, 1000);
	assert_told(&bob->told, "down alice: it took nothing for too long\n");
}

/* No turn of the loop may ask to be woken in the past: that would spin. */
static void mesh_never_wakes_for_nothing(void **state)
{
	struct evil *e = join_deaf();
	struct evil *carol = join_up(bob, 3, "carol");

	(void)state;
	book_open(&branch, 3, "carol");
	for (int i = 0; i < 80; i++) { /* there are news for who is deaf */
		if (i == 5)
			evil_put_batch(carol, &branch, 1, 1, 1);
		pass(1000, 1000);
		assert_true(node_wake_ms(bob) > 0);
		node_turn(bob);
		assert_int_equal(bob->ready, 0);
	}
	assert_false(e->eof);
}

/* Records. */

static void mesh_replicates_both_ways_and_each_record_once(void **state)
{
	enum { RECORDS = 3001 };
	struct node *other = &nodes[1];
	int fds[2];

	(void)state;
	node_open(other, 2, "alice");
	node_say(bob, RECORDS - 1);
	node_say(other, RECORDS - 1);
	make_pair(fds);
	assert_int_equal(
		mesh_adopt(other->mesh, fds[0], MESH_DIALLED, -1, now_ms) |
			mesh_adopt(
				bob->mesh, fds[1], MESH_ACCEPTED, -1, now_ms),
		0);
	for (int i = 0; i < 20; i++)
		settle();
	pass(2 * SYNC_RECEIPT_MS, SYNC_RECEIPT_MS); /* for receipts */
	for (int i = 0; i < NODES; i++) {
		struct mesh_counts counts = node_counts(&nodes[i]);

		assert_int_equal(room_count(nodes[i].room), 2);
		assert_int_equal(room_durable(nodes[i].room, 0), RECORDS);
		assert_int_equal(room_durable(nodes[i].room, 1), RECORDS);
		assert_int_equal(counts.sync.records_sent, RECORDS);
		assert_int_equal(counts.sync.records_received, RECORDS);
		assert_true(mesh_is_idle(nodes[i].mesh));
		assert_true(mesh_is_settled(nodes[i].mesh));
	}
}

/* The first of our log is told at once, and nothing before it is durable. */
static void mesh_sends_only_what_is_durable(void **state)
{
	struct evil *e = join_up(bob, 2, "alice");

	(void)state;
	assert_int_equal(room_say(bob->room, "x", 1, BOOK_NOW), 0);
	mesh_flush(bob->mesh, now_ms);
	evil_turn(e);
	assert_told(&e->told, "");
	settle();
	assert_told(&e->told, "digest bob 2\n");
	book_open(&alices, 1, "bob");
	evil_put_entry(e, &alices, 1, 0, WANT_FROM);
	settle();
	assert_told(&e->told, "batch bob 1..2\n");
	assert_int_equal(room_say(bob->room, "y", 1, BOOK_NOW), 0);
	mesh_flush(bob->mesh, now_ms);
	evil_turn(e);
	assert_told(&e->told, "");
	settle();
	assert_told(&e->told, "batch bob 3..3\n");
}

static void abuse_18_while_held_nothing_is_wanted_and_links_stay(void **state)
{
	struct evil *e = join_up(bob, 2, "alice");

	(void)state;
	book_open(&alices, 2, "alice");
	evil_put_entry(e, &alices, 1, 1, WANT_NOTHING);
	settle();
	assert_told(&e->told, "digest alice 0 want 2\n");
	mesh_hold(bob->mesh, true, now_ms);
	settle();
	assert_told(&e->told, "digest alice 0\n");
	evil_put_ping(e, 1);
	pass(100 * 1000, 1000);
	assert_told(&e->told, "pong\n");
	mesh_hold(bob->mesh, false, now_ms);
	settle();
	assert_told(&e->told, "digest alice 0 want 2\n");
}

/* What nobody honest sends. */

/* Somebody else signs a record of alice's. */
static void sign_as(
	unsigned who, uint8_t *signature, uint64_t seq, const uint8_t *id)
{
	struct record_log log = alices.log;
	struct ed25519_key key;

	book_key(&key, who);
	memcpy(log.public_key, key.public_key, sizeof(log.public_key));
	record_sign(signature, &log, seq, id, &key);
}

/* Neither zeros nor another one's signature are the author's. */
static void abuse_01_what_its_author_did_not_sign_is_struck(void **state)
{
	struct evil *e = join_up(bob, 2, "alice");
	uint8_t *signature;

	(void)state;
	book_open(&alices, 2, "alice");
	book_fill(&alices, 3);
	signature = alices.pages[3].signature;
	memset(signature, 0, RECORD_SIGNATURE_SIZE);
	evil_put_batch(e, &alices, 1, 1, 3);
	settle();
	assert_told(&bob->told, "batch alice 1..3 bad\n");
	sign_as(4, signature, 3, alices.pages[3].id);
	evil_put_batch(e, &alices, 1, 1, 3);
	settle();
	assert_told(&bob->told, "batch alice 1..3 bad\n");
	assert_int_equal(node_counts(bob).strikes, 2);
	assert_int_equal(node_head(bob, &alices), 0);
	assert_int_equal(log_count(bob->log), 0);
}

/* A Batch of one record of alice's, with a signature by that key. */
static void put_record_at(struct evil *e, uint32_t seq, unsigned who)
{
	uint8_t bytes[256], signature[RECORD_SIGNATURE_SIZE] = { 0 };
	struct writer w = writer_over(bytes, sizeof(bytes));
	struct message_batch batch = { .first = LIMIT_SEQ };
	struct record record = { .time_ms = BOOK_NOW,
		.type = RECORD_TEXT,
		.payload = reader_over("hello", 5),
		.signature = signature };

	if (who > 0)
		sign_as(who, signature, seq, alices.log.id);
	batch.log = book_entry(&alices, 1, 0, WANT_NOTHING).log;
	message_put_batch_head(&w, &batch);
	assert_memory_equal(bytes + 36, "\x20\xfe\xff\xff\xff\x0f", 6);
	bytes[37] = (uint8_t)seq; /* no encoder writes one that can not be */
	message_put_record(&w, &record);
	evil_put(e, MESSAGE_BATCH, w.bytes, w.size);
}

/* The greatest number, and the one beyond: no signature is looked at. */
static void abuse_02_a_record_at_the_end_of_numbers_costs_nothing(void **state)
{

	(void)state;
	book_open(&alices, 2, "alice");
	book_fill(&alices, 5);
	node_have(bob, &alices, 5);
	verified_count = 0;
	for (unsigned i = 0; i < 4; i++) {
		struct evil *e = join_up(bob, 20 + i, "mallory");
		bool beyond = i % 2 == 1;

		bob->quiet = true;
		for (int n = 0; n < (beyond ? 1 : 1000); n++)
			put_record_at(e, UINT32_MAX - !beyond, i / 2 * 4);
		settle();
		assert_int_equal(e->eof, beyond);
		assert_told(&bob->told,
			beyond ? "down mallory: " MALFORMED "\n" : "");
		assert_int_equal(node_counts(bob).strikes, i / 2 + beyond);
	}
	assert_int_equal(node_counts(bob).sync.records_received, 2000);
	assert_int_equal(verified_count, 0);
	assert_int_equal(node_head(bob, &alices), 5);
	assert_int_equal(log_count(bob->log), 5);
}

static void abuse_06_08_a_bad_batch_is_struck_and_the_source_moves(void **state)
{
	struct evil *liar = join_up(bob, 4, "dora");
	struct evil *e;

	(void)state;
	book_open(&alices, 2, "alice");
	book_fill(&alices, 3);
	evil_put_entry(liar, &alices, 1, 3, WANT_NOTHING);
	settle();
	e = join_up(bob, 3, "carol");
	evil_put_entry(e, &alices, 1, 3, WANT_NOTHING);
	settle();
	assert_told(&e->told, ""); /* it is asked for in one place only */
	assert_told(&liar->told, "digest alice 0 want 2\n");
	alices.pages[3].signature[0] ^= 1;
	evil_put_batch(liar, &alices, 1, 1, 3);
	alices.pages[3].signature[0] ^= 1;
	settle();
	assert_told(&bob->told, "batch alice 1..3 bad\n");
	assert_told(&liar->told, "digest alice 0\n");
	assert_told(&e->told, "digest alice 0 want 2\n");
	assert_int_equal(node_counts(bob).strikes, 1);
	evil_put_batch(e, &alices, 1, 1, 3); /* the genuine one (8) */
	settle();
	assert_told(&bob->told, "batch alice 1..3 accepted\n");
	for (int i = 1; i < LIMIT_STRIKES_KEY; i++) {
		assert_false(liar->eof);
		alices.pages[2].type ^= 64;
		evil_put_batch(liar, &alices, 1, 2, 3);
		alices.pages[2].type ^= 64;
		settle();
	}
	assert_true(liar->eof);
	assert_non_null(strstr(
		bob->told.text, "down dora: it sent what nobody signed\n"));
}

/* Signature S + L: refused; the genuine copy of another peer is taken. */
static void abuse_08_s_plus_l_is_refused_and_the_genuine_accepted(void **state)
{
	static const uint8_t order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63,
		0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
		0x14, [31] = 0x10 };
	struct evil *liar = join_up(bob, 4, "dora");
	struct evil *e = join_up(bob, 3, "carol");
	uint8_t genuine[RECORD_SIGNATURE_SIZE];
	unsigned carry = 0;

	(void)state;
	book_open(&alices, 2, "alice");
	memcpy(genuine, alices.pages[1].signature, sizeof(genuine));
	for (int i = 0; i < 32; i++) {
		carry += (unsigned)genuine[32 + i] + order[i];
		alices.pages[1].signature[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	evil_put_entry(liar, &alices, 1, 1, WANT_NOTHING);
	evil_put_batch(liar, &alices, 1, 1, 1);
	settle();
	assert_told(&bob->told, "batch alice 1..1 bad\n");
	memcpy(alices.pages[1].signature, genuine, sizeof(genuine));
	evil_put_entry(e, &alices, 1, 1, WANT_NOTHING);
	evil_put_batch(e, &alices, 1, 1, 1);
	settle();
	assert_told(&bob->told, "batch alice 1..1 accepted\n");
}

/* Nothing of it is kept, and the demand is repeated once a second. */
static void abuse_03_a_batch_with_a_gap_is_dropped(void **state)
{
	struct evil *e = join_up(bob, 2, "alice");

	(void)state;
	book_open(&alices, 2, "alice");
	book_fill(&alices, 12);
	node_have(bob, &alices, 5);
	evil_put_entry(e, &alices, 1, 12, WANT_NOTHING);
	settle();
	assert_told(&e->told, "digest alice 5 want 2\n");
	for (int i = 0; i < 10; i++)
		evil_put_batch(e, &alices, 1, 9, 12);
	settle();
	assert_told(&e->told, "digest alice 5 want 2\n");
	assert_int_equal(node_head(bob, &alices), 5);
	for (int i = 0; i < 100; i++) {
		evil_put_batch(e, &alices, 1, 9, 12);
		pass(100, 100);
	}
	assert_in_range(count_of(e->told.text, "want 2"), 2, 10);
	assert_int_equal(node_head(bob, &alices), 5);
	assert_int_equal(node_counts(bob).strikes, 0);
}

static void batch_of_a_log_that_was_not_named_is_ignored(void **state)
{
	struct evil *e = join_up(bob, 2, "alice");
	uint8_t bytes[1024];
	struct writer w = writer_over(bytes, sizeof(bytes));

	(void)state;
	book_open(&alices, 2, "alice");
	evil_put_batch(e, &alices, UINT32_MAX, 1, 1); /* no such numbers */
	book_put_batch(&w, &alices, 7, 1, 1);
	/* Without the key, fields 2 and 3: what 7 is was never said. */
	memmove(w.bytes + 2, w.bytes + 2 + 34, w.size - 2 - 34);
	evil_put(e, MESSAGE_BATCH, w.bytes, w.size - 34);
	settle();
	assert_told(&bob->told, "");
	assert_int_equal(room_count(bob->room), 0);
	assert_false(e->eof);
	assert_int_equal(node_counts(bob).sync.records_received, 2);
}

/* Two histories of one author, told by who has the other one. */
static void abuse_12_equal_heads_with_other_ids_show_a_fork(void **state)
{
	struct evil *e = join_up(bob, 4, "dora");
	struct message_half half;

	(void)state;
	book_open(&alices, 2, "alice");
	book_fill(&alices, 3);
	book_branch(&branch, &alices, 2);
	book_say(&branch, "something else");
	node_have(bob, &alices, 3);
	settle();
	transcript_clear(&e->told);
	evil_put_entry(e, &branch, 1, 3, WANT_NOTHING);
	settle();
	assert_told(&e->told, "half alice 3\ndigest alice 3 want 2\n");
	half = book_half(&branch, 3);
	half.signature[5] ^= 1; /* 11: with a bad signature it is nothing */
	evil_put_half(e, &half);
	settle();
	assert_told(&bob->told, "half alice 3 bad\n");
	assert_int_equal(node_counts(bob).strikes, 1);
	half = book_half(&branch, 3);
	evil_put_half(e, &half);
	settle();
	assert_told(&bob->told, "half alice 3 forked\nfork alice 3\n");
	assert_int_equal(node_head(bob, &branch), 2);
	assert_non_null(strstr(e->told.text, "digest alice 2 frozen\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(mesh_links_in_both_roles),
		cmocka_unit_test_setup_teardown(
			abuse_33_a_goodbye_and_a_lost_connection_differ,
			world_begin, end_of_resets),
		world_test(mesh_tells_what_came_before_the_end),
		world_test(
			abuse_29_ourselves_are_dropped_and_not_dialled_again),
		world_test(abuse_30_who_is_in_another_room_is_no_link),
		world_test(abuse_36_one_of_two_crossing_dials_stays),
		world_test(mesh_keeps_the_link_with_the_smaller_hash),
		world_test(abuse_39_who_lost_power_is_linked_again_at_once),
		world_test(abuse_36_two_copies_of_a_database_stay_and_are_told),
		world_test(mesh_tells_of_a_copy_of_its_own_database),
		world_test(
			abuse_38_50_a_named_peer_with_another_key_is_another),
		world_test(mesh_refuses_who_answers_by_another_name),
		world_test(mesh_with_only_refuses_strangers),
		world_test(mesh_with_only_refuses_another_key_than_the_pinned),
		world_test(mesh_with_only_takes_who_answers_at_a_named_address),
		world_test(mesh_refuses_interfaces_that_are_not_allowed),
		world_test(mesh_dials_whom_it_found_and_not_who_is_linked),
		world_test(mesh_dials_8_at_a_time_and_the_others_later),
		world_test(
			abuse_25_of_too_many_callers_the_worst_host_gives_way),
		world_test(abuse_25_a_flood_of_callers_shuts_nobody_out),
		world_test(abuse_25_a_65th_link_takes_that_of_who_has_most),
		world_test(strikes_of_an_address_refuse_it_for_ten_minutes),
		world_test(strikes_of_a_key_refuse_it_wherever_it_comes_from),
		world_test(abuse_04_20_23_malformed_messages_end_the_link),
		world_test(mesh_ignores_what_a_newer_version_may_say),
		world_test(abuse_20_a_digest_of_10000_entries_ends_the_link),
		world_test(abuse_20_an_id_of_100000_bytes_ends_the_link),
		world_test(abuse_23_lengths_before_auth_end_it_at_every_stage),
		world_test(
			abuse_23_no_more_than_16400_bytes_are_taken_before_auth),
		world_test(abuse_27_a_handshake_that_ends_early_leaves_nothing),
		world_test(abuse_23_impossible_first_bytes_end_it),
		world_test(
			abuse_34_a_flipped_bit_ends_the_link_without_an_answer),
		world_test(abuse_26_a_conversation_byte_by_byte_is_the_same),
		world_test(abuse_26_a_frame_cut_anywhere_is_the_same),
		world_test(abuse_24_who_says_nothing_has_two_seconds),
		world_test(abuse_24_a_handshake_has_five_seconds_in_all),
		world_test(abuse_24_a_frame_once_begun_has_ten_seconds),
		world_test(
			mesh_lets_frames_stream_for_longer_than_one_may_take),
		world_test(mesh_pings_after_30_seconds_and_gives_up_after_90),
		world_test(abuse_35_who_reads_nothing_keeps_nobody_waiting),
		world_test(mesh_never_wakes_for_nothing),
		world_test(mesh_replicates_both_ways_and_each_record_once),
		world_test(mesh_sends_only_what_is_durable),
		world_test(
			abuse_18_while_held_nothing_is_wanted_and_links_stay),
		world_test(abuse_01_what_its_author_did_not_sign_is_struck),
		world_test(
			abuse_02_a_record_at_the_end_of_numbers_costs_nothing),
		world_test(
			abuse_06_08_a_bad_batch_is_struck_and_the_source_moves),
		world_test(
			abuse_08_s_plus_l_is_refused_and_the_genuine_accepted),
		world_test(abuse_03_a_batch_with_a_gap_is_dropped),
		world_test(batch_of_a_log_that_was_not_named_is_ignored),
		world_test(abuse_12_equal_heads_with_other_ids_show_a_fork),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
