/* SPDX-License-Identifier: ISC */
/*
 * test_original.c: links to the original program (--legacy), and that nothing
 * which comes over them is believed further than original.c's rules L1 to L9
 * allow.  An *other* is a script at the far end of a connection, made of the
 * codec alone, that writes down what it hears.
 */
#include "platform.h"

#include "links/link.h"
#include "node.h"

#define ALICE "alice.local:1"
#define BOB   "bob.local:1"
#define CAROL "carol.local:1"

enum { OTHERS = 16 };

struct other {
	int fd; /* -1: closed */
	bool deaf;
	bool eof;
	struct transcript told;
	struct legacy wire;
};

static struct other *others[OTHERS];
static int other_count;
static char bobs_id[LEGACY_ID_MAX + 1];

static void key_of(const char *id, uint8_t key[LEGACY_KEY_SIZE])
{
	assert_true(legacy_key_of_id(id, strlen(id), key));
}

/* "bob" for our own id, which is that of a signed log. */
static const char *id_of(const uint8_t *key)
{
	static char id[LEGACY_ID_MAX + 1];

	(void)legacy_id_of_key(key, id);
	return strcmp(id, bobs_id) == 0 ? "bob" : id;
}

static struct other *meet(int fd, enum legacy_role role, const char *address)
{
	struct other *o = malloc(sizeof(*o));

	assert_non_null(o);
	assert_true(other_count < OTHERS);
	others[other_count++] = o;
	o->fd = fd;
	o->deaf = o->eof = false;
	transcript_clear(&o->told);
	legacy_open(&o->wire, role, address);
	return o;
}

/* Connects a script with bob, who has dialled `peer`, or accepted (-1). */
static struct other *call(int peer, const char *address)
{
	enum mesh_role role = peer < 0 ? MESH_ACCEPTED : MESH_DIALLED;
	int fds[2];

	make_pair(fds);
	/* As it does when nobody has answered a native greeting. */
	if (peer >= 0)
		bob->mesh->dial.peers[peer].legacy = true;
	assert_int_equal(mesh_adopt(bob->mesh, fds[0], role, peer, now_ms), 0);
	return meet(
		fds[1], peer < 0 ? LEGACY_DIALLER : LEGACY_ACCEPTOR, address);
}

static void leave(struct other *o)
{
	if (o->fd >= 0)
		assert_int_equal(close(o->fd), 0);
	o->fd = -1;
}

static void other_event(struct other *o, const struct legacy_event *e)
{
	switch (e->kind) {
	case LEGACY_EVENT_CALLER:
		legacy_admit(&o->wire);
		break;
	case LEGACY_EVENT_LINK:
		tell(&o->told, "linked %s\n", e->text);
		break;
	case LEGACY_EVENT_ID:
		tell(&o->told, "id %s\n",
			strcmp(e->text, bobs_id) == 0 ? "bob" : e->text);
		break;
	case LEGACY_EVENT_HEAD:
		tell(&o->told, "head %s %u\n", id_of(e->key), e->seq);
		break;
	case LEGACY_EVENT_READY:
		tell(&o->told, "ready\n");
		break;
	case LEGACY_EVENT_CHANGE:
		tell(&o->told, "%s %u %.*s\n", id_of(e->key), e->seq,
			(int)e->size, (const char *)e->bytes);
		break;
	case LEGACY_EVENT_BROKEN:
		fail_msg("bob broke the protocol: %s", e->text);
		break;
	}
}

static void other_send(struct other *o)
{
	struct fifo *out = &o->wire.out;
	ssize_t n;

	if (o->fd < 0 || fifo_size(out) == 0)
		return;
	n = send(o->fd, fifo_head(out), fifo_size(out), MSG_NOSIGNAL);
	if (n > 0)
		fifo_drop(out, (size_t)n);
}

static bool other_read(struct other *o)
{
	uint8_t *tail = fifo_tail(&o->wire.in);
	struct legacy_event event;
	ssize_t n = recv(o->fd, tail, fifo_room(&o->wire.in), 0);

	if (n == 0)
		o->eof = true;
	if (n <= 0)
		return false;
	fifo_added(&o->wire.in, (size_t)n);
	while (legacy_next(&o->wire, &event))
		other_event(o, &event);
	return true;
}

static void settle_all(void)
{
	for (int turn = 0; turn < 6; turn++) {
		for (int i = 0; i < other_count; i++) {
			struct other *o = others[i];

			other_send(o);
			while (o->fd >= 0 && !o->deaf && other_read(o))
				;
			other_send(o);
		}
		settle();
	}
}

/* The script's Handshake, with one head at most. */
static void hello(
	struct other *o, const char *id, const uint8_t *author, uint32_t seq)
{
	size_t size = author == NULL ? 0 : legacy_head_size(author, seq);
	uint8_t own[LEGACY_KEY_SIZE];

	key_of(id, own);
	assert_true(legacy_put_handshake(&o->wire, own, size));
	if (author != NULL)
		assert_true(legacy_put_head(&o->wire, author, seq));
}

static void give(
	struct other *o, const char *author, uint32_t seq, const char *text)
{
	uint8_t key[LEGACY_KEY_SIZE];

	key_of(author, key);
	assert_true(legacy_put_change(
		&o->wire, key, seq, reader_over(text, strlen(text))));
}

/* A script whose link is up; nothing of that is left in the transcripts. */
static struct other *call_up(int peer, const char *address, const char *id)
{
	struct other *o = call(peer, address);

	settle_all();
	assert_int_equal(o->wire.state, LEGACY_CHANGES);
	hello(o, id, NULL, 0);
	settle_all();
	transcript_clear(&bob->told);
	transcript_clear(&o->told);
	return o;
}

static int begin(void **state)
{
	uint8_t first[RECORD_ID_SIZE];

	(void)world_begin(state);
	mesh_close(bob->mesh);
	node_open_mesh(bob, false, true);
	room_first_id(bob->room, first);
	(void)legacy_id_of_key(first, bobs_id);
	return 0;
}

static int end(void **state)
{
	(void)world_end(state);
	for (int i = 0; i < other_count; i++) {
		leave(others[i]);
		free(others[i]);
	}
	other_count = 0;
	return 0;
}

/* Links. */

static void original_links_in_both_roles_and_orders(void **state)
{
	static const struct {
		int peer;
		const char *address;
	} cases[] = { { -1, ALICE }, { -1, CAROL }, { 0, ALICE },
		{ 0, CAROL } };

	(void)state;
	node_say(bob, 2);
	assert_int_equal(mesh_add_peer(bob->mesh, ""), 0);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct other *o = call(cases[i].peer, cases[i].address);
		char text[100];

		settle_all();
		assert_told(&o->told,
			"linked " BOB "\nid bob\nhead bob 3\nready\n");
		assert_told(&bob->told, "");
		hello(o, "x1", NULL, 0);
		settle_all();
		(void)snprintf(text, sizeof(text), "up %s (legacy)\n",
			cases[i].address);
		assert_told(&bob->told, text);
		assert_told(&o->told, "bob 1 bob is here\n"
				      "bob 2 hello\nbob 3 hello\n");
		leave(o);
		settle_all();
		(void)snprintf(text, sizeof(text), "down %s: it left\n",
			cases[i].address);
		assert_told(&bob->told, text);
	}
}

static void original_link_takes_an_older_ones_place(void **state)
{
	struct other *older = call_up(-1, ALICE, "x1");
	struct other *newer = call(-1, ALICE);

	(void)state;
	settle_all();
	assert_false(older->eof); /* a name alone takes nothing */
	hello(newer, "x1", NULL, 0);
	settle_all();
	assert_true(older->eof);
	assert_int_equal(link_count(bob), 1);
	/* Another author of that name takes nobody's. */
	(void)call_up(-1, ALICE, "y1");
	assert_false(newer->eof);
	assert_int_equal(link_count(bob), 2);
}

/* Rule 6: the higher caller waits for our own dial, the lower is let in. */
static void original_higher_caller_waits_for_our_dial(void **state)
{
	struct other *dialled[2], *calling[2];

	(void)state;
	assert_int_equal(mesh_add_peer(bob->mesh, ALICE), 0);
	assert_int_equal(mesh_add_peer(bob->mesh, CAROL), 1);
	dialled[0] = call(0, ALICE);
	dialled[1] = call(1, CAROL);
	dialled[0]->deaf = dialled[1]->deaf = true;
	calling[0] = call(-1, ALICE);
	calling[1] = call(-1, CAROL);
	settle_all();
	assert_false(calling[0]->eof);
	assert_true(mesh_is_linked(bob->mesh, 0));
	assert_true(calling[1]->eof);
	/* Our own dial comes to nothing: then he may call. */
	leave(dialled[1]);
	settle_all();
	(void)call_up(-1, CAROL, "c1");
}

static void original_that_is_ourselves_is_refused(void **state)
{
	struct other *o = call(-1, BOB);

	(void)state;
	settle_all();
	assert_true(o->eof);
	assert_told(&bob->told, ""); /* without a word */
	assert_int_equal(link_count(bob), 0);
}

static void abuse_23_malformed_originals_end_and_are_struck(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} cases[] = {
		{ BYTES("\0") },
		{ BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f") },
		{ BYTES("\x80\x80\x80\x80\x04") },
	};
	struct other *carol = call_up(-1, CAROL, "c1");

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct other *o = call_up(-1, ALICE, "a1");

		memcpy(fifo_tail(&o->wire.out), cases[i].bytes, cases[i].size);
		fifo_added(&o->wire.out, cases[i].size);
		settle_all();
		assert_true(o->eof);
		assert_memory_equal(bob->told.text, "down " ALICE ": ", 20);
		transcript_clear(&bob->told);
		assert_int_equal(node_counts(bob).strikes, i + 1);
	}
	assert_false(carol->eof);
}

static void abuse_24_an_original_has_thirty_seconds_for_heads(void **state)
{
	struct other *o = call(-1, ALICE);

	(void)state;
	settle_all();
	assert_in_range(node_wake_ms(bob), 1, 30 * 1000);
	now_ms += 30 * 1000;
	settle_all();
	assert_true(o->eof);
}

/* What is sent. */

static void original_is_sent_what_it_lacks(void **state)
{
	struct other *o = call(-1, ALICE);
	uint8_t key[LEGACY_KEY_SIZE];

	(void)state;
	node_say(bob, 3);
	key_of(bobs_id, key);
	settle_all();
	transcript_clear(&o->told);
	assert_told(&o->told, "");
	hello(o, "a1", key, 2); /* L2: that is all that a head is good for */
	settle_all();
	assert_told(&o->told, "bob 3 hello\nbob 4 hello\n");
	assert_true(mesh_is_idle(bob->mesh));
	node_say(bob, 1);
	assert_false(mesh_is_idle(bob->mesh));
	settle_all();
	assert_told(&o->told, "bob 5 hello\n");
}

static void original_hears_what_others_say_but_not_itself(void **state)
{
	struct other *alice = call_up(-1, ALICE, "a1");
	struct other *carol = call_up(-1, CAROL, "c1");

	(void)state;
	give(alice, "a1", 1, "hi");
	settle_all();
	assert_told(&bob->told, "record a1 1 accepted\n");
	assert_told(&carol->told, "a1 1 hi\n");
	assert_told(&alice->told, "");
}

/* What is believed. */

static void abuse_01_37_L1_signed_logs_are_dropped_silently(void **state)
{
	struct other *o = call_up(-1, ALICE, "a1");
	struct evil *native = join_up(bob, 2, "alice");
	char id[LEGACY_ID_MAX + 1];
	struct book book;

	(void)state;
	book_open(&book, 2, "alice");
	(void)legacy_id_of_key(book.log.id, id);
	give(o, id, 1, "not alice");
	give(o, bobs_id, 1, "not bob");
	give(o, bobs_id, UINT32_MAX, "nor this");
	settle_all();
	assert_told(&bob->told, "");
	assert_int_equal(room_count(bob->room), 0);
	assert_int_equal(node_counts(bob).strikes, 0);
	assert_false(o->eof);
	/* One whose own id is of that kind is nobody either. */
	o = call_up(-1, CAROL, id);
	give(o, id, 1, "not alice");
	settle_all();
	assert_told(&bob->told, "");
	assert_told(&native->told, "");
}

static void abuse_37_L3_only_its_own_records_and_none_for_natives(void **state)
{
	struct evil *native = join_up(bob, 2, "alice");
	struct other *o = call_up(-1, CAROL, "c1");

	(void)state;
	give(o, "z9", 1, "of another");
	give(o, "c1", 2, "with a gap");
	give(o, "c1", 1, "one");
	give(o, "c1", 1, "again");
	settle_all();
	assert_told(&bob->told, "record c1 2 gap\nrecord c1 1 accepted\n"
				"record c1 1 had\n");
	for (int i = 0; i < 30; i++) {
		now_ms += 100;
		settle_all();
	}
	assert_told(&native->told, "");
}

static void abuse_37_L8_no_more_than_32_records_a_second(void **state)
{
	struct other *o = call_up(-1, ALICE, "a1");
	uint8_t key[LEGACY_KEY_SIZE];
	uint32_t number;

	(void)state;
	bob->quiet = true;
	key_of("a1", key);
	for (uint32_t seq = 1; seq <= 100; seq++)
		give(o, "a1", seq, "x");
	for (uint64_t second = 1; second <= 4; second++) {
		uint64_t most = second * LIMIT_LEGACY_RECORDS_PER_S;

		settle_all();
		number = room_find(bob->room, key);
		assert_true(number != ROOM_NO_LOG);
		assert_int_equal(room_durable(bob->room, number),
			most < 100 ? most : 100);
		if (most < 100)
			assert_in_range(node_wake_ms(bob), 1, 1000);
		now_ms += 1000;
	}
}

static void original_is_not_read_while_held(void **state)
{
	struct other *o = call_up(-1, ALICE, "a1");

	(void)state;
	mesh_hold(bob->mesh, true, now_ms);
	give(o, "a1", 1, "hello");
	settle_all();
	assert_told(&bob->told, "");
	leave(o); /* what it said is not lost with it */
	settle_all();
	assert_told(&bob->told, "");
	mesh_hold(bob->mesh, false, now_ms);
	settle_all();
	assert_told(&bob->told, "record a1 1 accepted\n"
				"down " ALICE ": it left\n");
}

/* Callers who say much and leave: the last ones are told, others have room. */
static void abuse_37_L8_who_has_left_keeps_no_place(void **state)
{
	int fds[2];

	(void)state;
	bob->quiet = true;
	mesh_hold(bob->mesh, true, now_ms);
	for (int i = 0; i < LINKS_MAX + 1; i++) {
		char address[32];
		struct other *o;

		(void)snprintf(address, sizeof(address), "a%d.local:1", i);
		o = call_up(-1, address, "a1");
		give(o, "a1", 1, "hello");
		settle_all();
		leave(o);
		settle_all();
		assert_in_range(node_counts(bob).half_open, 0, LIMIT_HALF_OPEN);
		free(o);
		other_count--;
	}
	make_pair(fds);
	assert_int_equal(
		mesh_adopt(bob->mesh, fds[0], MESH_ACCEPTED, -1, now_ms), 0);
	assert_int_equal(close(fds[1]), 0);
}

/* L6: how a program is dialled of which nothing is known. */

/* The first byte of the last dial, whose socket is kept. */
static uint8_t dialled_byte(void)
{
	uint8_t byte = 0xff;

	assert_true(dialled_fd >= 0);
	assert_int_equal(recv(dialled_fd, &byte, 1, 0), 1);
	return byte;
}

static void abuse_37_L6_native_is_tried_first(void **state)
{
	struct sockaddr_storage at = address4("10.0.0.1", 4000);

	(void)state;
	dial_answers = true;
	assert_int_equal(mesh_add_peer(bob->mesh, CAROL), 0);
	mesh_found(bob->mesh, 0, &at, 1, now_ms);
	settle();
	assert_int_equal(dial_count, 1);
	assert_int_equal(dialled_byte(), 0);
	now_ms += LIMIT_LEGACY_MS - 1;
	settle();
	assert_int_equal(dial_count, 1);
	now_ms += 1;
	settle();
	assert_int_equal(dial_count, 2);
	assert_int_equal(dialled_byte(), strlen(BOB));
	assert_told(&bob->told, "");
}

/* Who was found by his service is a program of ours. */
static void abuse_37_L6_who_was_found_is_no_original(void **state)
{
	struct sockaddr_storage at = address4("10.0.0.1", 4000);
	int peer = mesh_add_found(bob->mesh);

	(void)state;
	dial_answers = true;
	mesh_found(bob->mesh, peer, &at, 1, now_ms);
	for (int i = 1; i < 4; i++) {
		settle();
		assert_int_equal(dial_count, i);
		assert_int_equal(dialled_byte(), 0);
		while (dial_count == i)
			pass(100, 100);
	}
}

/* Without --legacy, who is silent has his five seconds, and no other words. */
static void abuse_37_L6_without_legacy_nobody_falls_back(void **state)
{
	struct sockaddr_storage at = address4("10.0.0.1", 4000);

	(void)state;
	mesh_close(bob->mesh);
	node_open_mesh(bob, false, false);
	dial_answers = true;
	assert_int_equal(mesh_add_peer(bob->mesh, CAROL), 0);
	mesh_found(bob->mesh, 0, &at, 1, now_ms);
	settle();
	assert_int_equal(dialled_byte(), 0);
	now_ms += LIMIT_HANDSHAKE_MS - 1;
	settle();
	assert_told(&bob->told, "");
	assert_int_equal(node_counts(bob).half_open, 1);
	assert_int_equal(dial_count, 1);
	now_ms += 1;
	for (int i = 2; i < 5; i++) {
		while (dial_count < i)
			pass(100, 100);
		assert_int_equal(dialled_byte(), 0);
	}
	assert_memory_equal(bob->told.text,
		"unreachable 0, 1 times: it said nothing\n", 40);
}

/* What it says its address is: we neither go there nor send others. */
static void abuse_37_L9_an_address_is_never_dialled_nor_told(void **state)
{
	static const char *const addresses[] = { "10.9.9.9:4000",
		"somewhere.example:80", ALICE };
	struct evil *native;

	(void)state;
	mesh_close(bob->mesh);
	node_explores = true;
	node_open_mesh(bob, false, true);
	peer_at = address4("10.0.0.7", 5000);
	for (size_t i = 0; i < COUNT_OF(addresses); i++) {
		(void)call_up(-1, addresses[i], "a1");
		assert_int_equal(link_count(bob), i + 1);
	}
	native = join(bob, 3, "carol");
	settle_all();
	assert_non_null(strstr(native->told.text, "hello bob 0\n"));
	assert_null(strstr(native->told.text, "hello bob 0 "));
	for (int i = 0; i < other_count; i++)
		leave(others[i]);
	pass(600 * 1000, 1000);
	assert_int_equal(dial_count, 0);
}

/* Nor shown raw: what is no address ends the connection. */
static void abuse_37_L9_what_is_no_address_is_not_shown(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} cases[] = {
		{ BYTES("\021alice\033[2Jlocal:55") },
		{ BYTES("\005a\n>b:") },
		{ BYTES("\004\303\274:1") },
		{ BYTES("\003a b") },
		{ BYTES("\003a/b") },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int fds[2];

		make_pair(fds);
		assert_int_equal(mesh_adopt(bob->mesh, fds[0], MESH_ACCEPTED,
					 -1, now_ms),
			0);
		assert_int_equal(send(fds[1], cases[i].bytes, cases[i].size, 0),
			(ssize_t)cases[i].size);
		settle();
		assert_told(&bob->told, "refused : malformed address\n");
		assert_int_equal(close(fds[1]), 0);
	}
}

/* Somebody swallows the native hellos of a pinned carol. */
static void abuse_38_L6_who_is_pinned_is_never_dialled_as_an_original(
	void **state)
{
	struct sockaddr_storage at = address4("10.0.0.1", 4000);
	struct ed25519_key key;

	(void)state;
	book_key(&key, 3);
	dial_answers = true;
	assert_int_equal(mesh_add_peer(bob->mesh, CAROL), 0);
	mesh_expect(bob->mesh, "carol", key.public_key);
	mesh_found(bob->mesh, 0, &at, 1, now_ms);
	for (int i = 1; i < 6; i++) {
		settle();
		assert_int_equal(dial_count, i);
		assert_int_equal(dialled_byte(), 0);
		while (dial_count == i)
			pass(100, 100);
	}
	assert_non_null(strstr(
		bob->told.text, "unreachable 0, 1 times: it said nothing\n"));
}

#define original_test(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		original_test(original_links_in_both_roles_and_orders),
		original_test(original_link_takes_an_older_ones_place),
		original_test(original_higher_caller_waits_for_our_dial),
		original_test(original_that_is_ourselves_is_refused),
		original_test(abuse_23_malformed_originals_end_and_are_struck),
		original_test(
			abuse_24_an_original_has_thirty_seconds_for_heads),
		original_test(original_is_sent_what_it_lacks),
		original_test(original_hears_what_others_say_but_not_itself),
		original_test(abuse_01_37_L1_signed_logs_are_dropped_silently),
		original_test(
			abuse_37_L3_only_its_own_records_and_none_for_natives),
		original_test(abuse_37_L8_no_more_than_32_records_a_second),
		original_test(original_is_not_read_while_held),
		original_test(abuse_37_L8_who_has_left_keeps_no_place),
		original_test(abuse_37_L6_who_was_found_is_no_original),
		original_test(abuse_37_L6_native_is_tried_first),
		original_test(abuse_37_L6_without_legacy_nobody_falls_back),
		original_test(abuse_37_L9_an_address_is_never_dialled_nor_told),
		original_test(abuse_37_L9_what_is_no_address_is_not_shown),
		original_test(
			abuse_38_L6_who_is_pinned_is_never_dialled_as_an_original),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
