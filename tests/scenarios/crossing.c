/* SPDX-License-Identifier: ISC */
/*
 * crossing.c: two programs dial each other at the same moment, over TCP on
 * loopback: whole meshes of one process, on a clock that is a variable, as in
 * unit tests; but these listen, dial and accept.
 */
#include "platform.h"

#include <sched.h>

#include "../unit/node.h"

enum { ROUNDS = 1000, TWINS = 30, TURNS_MAX = 100000 };

static struct node *const other = &nodes[1];

/* `n` wants to be linked with whoever listens on that port. */
static void look_for(struct node *n, const struct node *whom, int port, bool v6)
{
	struct sockaddr_storage at = address4("127.0.0.1", (uint16_t)port);
	struct sockaddr_in6 *at6 = (struct sockaddr_in6 *)&at;
	char address[64];

	if (v6) {
		memset(&at, 0, sizeof(at));
		at6->sin6_family = AF_INET6;
		at6->sin6_port = htons((uint16_t)port);
		at6->sin6_addr = in6addr_loopback;
	}
	(void)snprintf(
		address, sizeof(address), "%s.local:%d", whom->name, port);
	assert_int_equal(mesh_add_peer(n->mesh, address), 0);
	mesh_found(n->mesh, 0, &at, 1, now_ms);
}

static bool has_one_link(const struct node *n)
{
	struct mesh_counts counts = node_counts(n);

	return counts.links == 1 && counts.half_open == 0;
}

/* Both dial in their first turns: neither can know of the other's dial. */
static void cross(unsigned round)
{
	int turns = 0;

	for (int i = 0; i < NODES; i++) {
		mesh_close(nodes[i].mesh);
		node_open_mesh(&nodes[i], false, false);
		transcript_clear(&nodes[i].told);
	}
	look_for(bob, other, mesh_listen(other->mesh, 0), (round & 1) != 0);
	look_for(other, bob, mesh_listen(bob->mesh, 0), (round & 2) != 0);
	dial_count = 0;
	node_turn(bob);
	node_turn(other);
	assert_int_equal(dial_count, 2);
	for (unsigned bits = round >> 2; bits != 0; bits >>= 1)
		node_turn((bits & 1) != 0 ? other : bob);
	while (!has_one_link(bob) || !has_one_link(other)) {
		settle();
		(void)sched_yield(); /* what is sent has to arrive */
		assert_true(++turns < TURNS_MAX);
	}
}

/* It works, both ways, and nobody dials or is sent away any more. */
static void stays_linked(unsigned round)
{
	uint64_t records = node_counts(bob).sync.records_new;
	int turns = 0;

	if (round % 20 == 0) {
		node_say(other, 1);
		while (node_counts(bob).sync.records_new == records) {
			settle();
			assert_true(++turns < TURNS_MAX);
		}
	}
	pass(2 * LIMIT_OLDER_MS, LIMIT_OLDER_MS / 2);
	assert_true(has_one_link(bob));
	assert_true(has_one_link(other));
	assert_int_equal(dial_count, 2);
}

static void abuse_36_of_1000_crossing_dials_one_link_stays(void **state)
{
	(void)state;
	dial_is_real = true;
	node_open(other, 2, "alice");
	other->quiet = bob->quiet = true;
	for (unsigned round = 0; round < ROUNDS; round++) {
		cross(round);
		stays_linked(round);
		assert_null(strstr(bob->told.text, "twin"));
		assert_null(strstr(other->told.text, "twin"));
	}
}

static void abuse_36_copies_that_cross_keep_one_link_and_are_told(void **state)
{
	(void)state;
	dial_is_real = true;
	node_open(other, 1, "bob");
	other->self.instance = 1000;
	for (unsigned round = 0; round < TWINS; round++) {
		cross(round);
		stays_linked(1);
		assert_non_null(strstr(bob->told.text, "twin bob\n"));
		assert_non_null(strstr(other->told.text, "twin bob\n"));
		transcript_clear(&bob->told);
		transcript_clear(&other->told);
		pass(100 * 1000, 10 * 1000); /* no endless kicking */
		assert_told(&bob->told, "");
		assert_told(&other->told, "");
		assert_int_equal(dial_count, 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(abuse_36_of_1000_crossing_dials_one_link_stays),
		world_test(
			abuse_36_copies_that_cross_keep_one_link_and_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
