/* SPDX-License-Identifier: ISC */
/*
 * test_mesh.c: links and what crosses them.  Sockets are socketpairs, time is
 * virtual, logs are real ones in temporary directories.
 *
 * A *node* is a mesh with its log, driven as chat.c drives it; it takes the
 * next record of each author.  An *other* is a script at the far end of a
 * connection, made of the codec alone.  Both write transcripts.
 */
#include "platform.h"

#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mesh.h"
#include "record.h"

#define ALICE "alice.local:1"
#define BOB   "bob.local:1"
#define CAROL "carol.local:1"

enum { START_MS = 5 * 1000 * 1000, NODES = 2, OTHERS = MESH_LINKS_MAX + 8 };

struct node {
	bool open;
	bool quiet; /* does not tell of records */
	char directory[256];
	int directory_fd;
	struct log *log;
	struct mesh *mesh;
	uint8_t key[LEGACY_KEY_SIZE];
	int ready; /* descriptors, in the last turn */
	struct loop loop;
	struct transcript told;
};

struct other {
	int fd;      /* -1: closed */
	int node_fd; /* the node's end */
	bool deaf;
	bool eof;
	struct transcript told;
	struct legacy wire;
};

static int64_t now_ms;
static struct node nodes[NODES];
static struct other *others[OTHERS];
static int other_count;

/* The node of most tests. */
static struct node *const bob = &nodes[0];

static void key_of(const char *id, uint8_t key[LEGACY_KEY_SIZE])
{
	assert_true(legacy_key_of_id(id, strlen(id), key));
}

static const char *id_of(const uint8_t *key)
{
	static char id[LEGACY_ID_MAX + 1];

	(void)legacy_id_of_key(key, id);
	return id;
}

/* Nodes. */

static void node_open_mesh(
	struct node *n, const char *address, uint64_t seed, bool only)
{
	struct mesh_options options = {
		.address = address, .key = n->key, .seed = seed, .only = only
	};

	n->mesh = mesh_open(&options, n->log);
	assert_non_null(n->mesh);
}

static void node_open(struct node *n, const char *address, const char *id)
{
	const char *parent = getenv("TMPDIR");

	memset(n, 0, sizeof(*n));
	(void)snprintf(n->directory, sizeof(n->directory), "%s/mesh-XXXXXX",
		parent == NULL ? "/tmp" : parent);
	assert_non_null(mkdtemp(n->directory));
	n->directory_fd = open(n->directory, O_RDONLY | O_DIRECTORY);
	assert_true(n->directory_fd >= 0);
	n->log = log_open(n->directory_fd);
	assert_non_null(n->log);
	key_of(id, n->key);
	node_open_mesh(n, address, 1, false);
	n->open = true;
}

static void node_close(struct node *n)
{
	char command[256];

	if (!n->open)
		return;
	n->open = false;
	mesh_close(n->mesh);
	log_close(n->log);
	assert_int_equal(close(n->directory_fd), 0);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", n->directory);
	assert_int_equal(system(command), 0);
}

static int append(struct node *n, const uint8_t *key, uint64_t seq,
	const void *text, size_t size)
{
	static uint8_t bytes[RECORD_MAX];
	struct record record = { .type = RECORD_TEXT,
		.payload = reader_over(text, size) };
	struct log_record stored = { .key = key, .seq = seq, .bytes = bytes };

	if (log_head(n->log, log_find(n->log, key)) + 1 != seq)
		return -1;
	stored.size = record_encode(&record, bytes);
	return log_append(n->log, &stored);
}

static void commit(struct node *n)
{
	assert_int_equal(log_commit(n->log, now_ms), 0);
}

/* `count` new records of an author, durable. */
static void node_say(struct node *n, const char *id, int count)
{
	uint8_t key[LEGACY_KEY_SIZE];
	char text[32];

	key_of(id, key);
	for (int i = 0; i < count; i++) {
		uint64_t seq = log_head(n->log, log_find(n->log, key)) + 1;
		int size = snprintf(
			text, sizeof(text), "%s-%u", id, (unsigned)seq);

		assert_int_equal(append(n, key, seq, text, (size_t)size), 0);
	}
	commit(n);
}

static uint64_t head_of(const struct node *n, const char *id)
{
	uint8_t key[LEGACY_KEY_SIZE];

	key_of(id, key);
	return log_durable(n->log, log_find(n->log, key));
}

static void node_event(struct node *n, const struct mesh_event *e)
{
	struct transcript *t = &n->told;

	switch (e->kind) {
	case MESH_UP:
		tell(t, "up %s %s\n", e->address,
			e->have_key ? id_of(e->key) : "-");
		break;
	case MESH_DOWN:
		tell(t, "down %s: %s\n", e->address, e->text);
		break;
	case MESH_RECORD:
		if (!n->quiet)
			tell(t, "record %s %s %u %.*s\n", e->address,
				id_of(e->key), e->seq, (int)e->size,
				(const char *)e->bytes);
		(void)append(n, e->key, e->seq, e->bytes, e->size);
		break;
	case MESH_REFUSED:
		tell(t, "refused %s: %s\n", e->address, e->text);
		break;
	case MESH_TWIN:
		tell(t, "twin %s: %s\n", e->address, e->text);
		break;
	case MESH_UNREACHABLE:
		tell(t, "unreachable %d, %d times\n", e->peer, e->failures);
		break;
	}
}

/* One turn of the loop, as in chat.c, but without waiting. */
static void node_turn(struct node *n)
{
	struct mesh_event event;
	int events = 0;

	loop_begin(&n->loop, now_ms);
	mesh_want(n->mesh, &n->loop);
	n->ready = poll(n->loop.fds, (nfds_t)n->loop.count, 0);
	assert_true(n->ready >= 0);
	mesh_run(n->mesh, &n->loop, now_ms);
	while (mesh_next(n->mesh, &event, now_ms)) {
		node_event(n, &event);
		assert_true(++events < 100000);
		if (log_waiting(n->log) > LOG_BATCH_MAX / 2)
			commit(n);
	}
	commit(n);
	mesh_flush(n->mesh, now_ms);
}

static int64_t node_wake_ms(struct node *n)
{
	loop_begin(&n->loop, now_ms);
	mesh_want(n->mesh, &n->loop);
	return n->loop.wake_ms - now_ms;
}

static int link_count(const struct node *n)
{
	struct mesh_counts counts;

	mesh_count(n->mesh, &counts);
	return counts.links;
}

static uint64_t sent_count(const struct node *n)
{
	struct mesh_counts counts;

	mesh_count(n->mesh, &counts);
	return counts.records_sent;
}

/* Others. */

static void make_pair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(fcntl(fds[i], F_SETFL, O_NONBLOCK), 0);
}

/* Connects a script with a node, which plays `role`; returns the script. */
static struct other *join(
	struct node *n, enum mesh_role role, int peer, const char *address)
{
	struct other *o = malloc(sizeof(*o));
	int fds[2];

	assert_non_null(o);
	assert_true(other_count < OTHERS);
	others[other_count++] = o;
	make_pair(fds);
	o->fd = fds[1];
	o->node_fd = fds[0];
	o->deaf = o->eof = false;
	transcript_clear(&o->told);
	legacy_open(&o->wire,
		role == MESH_DIALLED ? LEGACY_ACCEPTOR : LEGACY_DIALLER,
		address);
	assert_int_equal(mesh_adopt(n->mesh, fds[0], role, peer, now_ms), 0);
	return o;
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
		tell(&o->told, "id %s\n", e->text);
		break;
	case LEGACY_EVENT_HEAD:
		tell(&o->told, "head %s %u\n", id_of(e->key), e->seq);
		break;
	case LEGACY_EVENT_READY:
		tell(&o->told, "ready\n");
		break;
	case LEGACY_EVENT_CHANGE:
		if (e->size > 100)
			tell(&o->told, "%u\n", e->seq);
		else
			tell(&o->told, "%s %u %.*s\n", id_of(e->key), e->seq,
				(int)e->size, (const char *)e->bytes);
		break;
	case LEGACY_EVENT_BROKEN:
		fail_msg("the node broke the protocol: %s", e->text);
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

/* Reads what fits and tells of it; false when there was nothing. */
static bool other_read(struct other *o)
{
	uint8_t *tail = fifo_tail(&o->wire.in);
	struct legacy_event event;
	ssize_t n;

	n = recv(o->fd, tail, fifo_room(&o->wire.in), 0);
	if (n == 0)
		o->eof = true;
	if (n <= 0)
		return false;
	fifo_added(&o->wire.in, (size_t)n);
	while (legacy_next(&o->wire, &event))
		other_event(o, &event);
	return true;
}

static void other_turn(struct other *o)
{
	other_send(o);
	while (o->fd >= 0 && !o->deaf && other_read(o))
		;
	other_send(o);
}

/* As many turns as anything here needs, with the clock standing still. */
static void settle(void)
{
	for (int turn = 0; turn < 12; turn++) {
		for (int i = 0; i < other_count; i++)
			other_turn(others[i]);
		for (int i = 0; i < NODES; i++) {
			if (nodes[i].open)
				node_turn(&nodes[i]);
		}
	}
}

static void put(struct other *o, const char *bytes, size_t size)
{
	assert_true(size <= fifo_room(&o->wire.out));
	memcpy(fifo_tail(&o->wire.out), bytes, size);
	fifo_added(&o->wire.out, size);
}

/* The script's Handshake, with one head at most. */
static void hello(
	struct other *o, const char *id, const char *author, uint32_t seq)
{
	uint8_t own[LEGACY_KEY_SIZE], key[LEGACY_KEY_SIZE];

	key_of(id, own);
	if (author == NULL) {
		assert_true(legacy_put_handshake(&o->wire, own, 0));
		return;
	}
	key_of(author, key);
	assert_true(legacy_put_handshake(
		&o->wire, own, legacy_head_size(key, seq)));
	assert_true(legacy_put_head(&o->wire, key, seq));
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
static struct other *join_up(struct node *n, enum mesh_role role, int peer,
	const char *address, const char *id)
{
	struct other *o = join(n, role, peer, address);

	settle();
	assert_int_equal(o->wire.state, LEGACY_CHANGES);
	hello(o, id, NULL, 0);
	settle();
	transcript_clear(&n->told);
	transcript_clear(&o->told);
	assert_true(mesh_has_link(n->mesh, address));
	return o;
}

static int begin(void **state)
{
	(void)state;
	now_ms = START_MS;
	node_open(bob, BOB, "b1");
	return 0;
}

static int end(void **state)
{
	(void)state;
	for (int i = 0; i < NODES; i++)
		node_close(&nodes[i]);
	for (int i = 0; i < other_count; i++) {
		leave(others[i]);
		free(others[i]);
	}
	other_count = 0;
	return 0;
}

/* Becoming a link. */

static void mesh_links_in_both_roles_and_orders(void **state)
{
	static const struct {
		enum mesh_role role;
		const char *address;
		const char *told;
	} cases[] = {
		{ MESH_DIALLED, ALICE, "up " ALICE " x1\n" },
		{ MESH_DIALLED, CAROL, "up " CAROL " x1\n" },
		{ MESH_ACCEPTED, ALICE, "up " ALICE " x1\n" },
		{ MESH_ACCEPTED, CAROL, "up " CAROL " x1\n" },
	};

	(void)state;
	node_say(bob, "b1", 2);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct other *o =
			join(bob, cases[i].role, -1, cases[i].address);

		settle();
		assert_told(
			&o->told, "linked " BOB "\nid b1\nhead b1 2\nready\n");
		assert_told(&bob->told, "");
		assert_true(mesh_has_link(bob->mesh, cases[i].address));
		hello(o, "x1", "b1", 2);
		settle();
		assert_told(&bob->told, cases[i].told);
		assert_told(&o->told, "");
		leave(o);
		settle();
		transcript_clear(&bob->told);
		assert_false(mesh_has_link(bob->mesh, cases[i].address));
	}
}

static void mesh_knows_which_peer_is_linked(void **state)
{
	int alice = mesh_add_peer(bob->mesh, ALICE);
	int nameless = mesh_add_peer(bob->mesh, "");
	int carol = mesh_add_peer(bob->mesh, CAROL);
	struct other *o;

	(void)state;
	(void)join_up(bob, MESH_ACCEPTED, -1, ALICE, "a1");
	o = join_up(bob, MESH_DIALLED, nameless, "dora.local:1", "d1");
	assert_true(mesh_is_linked(bob->mesh, alice));
	assert_true(mesh_is_linked(bob->mesh, nameless));
	assert_false(mesh_is_linked(bob->mesh, carol));
	leave(o);
	settle();
	assert_false(mesh_is_linked(bob->mesh, nameless));
}

static void mesh_takes_64_peers(void **state)
{
	(void)state;
	for (int i = 0; i < MESH_PEERS_MAX; i++)
		assert_int_equal(mesh_add_peer(bob->mesh, ""), i);
	assert_int_equal(mesh_add_peer(bob->mesh, ""), -1);
}

/* A caller who is ourselves is closed without a word; dialled, with one. */
static void mesh_does_not_link_with_itself(void **state)
{
	struct other *o = join(bob, MESH_ACCEPTED, -1, BOB);

	(void)state;
	settle();
	assert_true(o->eof);
	assert_told(&bob->told, "");
	o = join(bob, MESH_DIALLED, -1, BOB);
	settle();
	assert_true(o->eof);
	assert_told(&bob->told,
		"refused " BOB ": it has this program's own name and port\n");
	assert_int_equal(link_count(bob), 0);
}

static void mesh_refuses_a_copy_of_its_own_database(void **state)
{
	struct other *o = join(bob, MESH_ACCEPTED, -1, ALICE);

	(void)state;
	settle();
	hello(o, "b1", "a1", 3);
	give(o, "a1", 4, "from a copy");
	settle();
	assert_told(&bob->told,
		"twin " ALICE ": it uses a copy of this database\n");
	assert_true(o->eof);
}

/* What a refused program sent along is not told. */
static void mesh_does_not_listen_to_whom_it_refused(void **state)
{
	struct other *o = join(bob, MESH_DIALLED, -1, BOB);

	(void)state;
	put(o, BYTES("\013" BOB "\006\012\002x1\030\001"
		     "\015\012\002x1\020\001\032\005hello"));
	settle();
	assert_told(&bob->told,
		"refused " BOB ": it has this program's own name and port\n");
}

static void mesh_with_only_refuses_strangers(void **state)
{
	struct other *stranger, *named;

	(void)state;
	mesh_close(bob->mesh);
	node_open_mesh(bob, BOB, 1, true);
	assert_int_equal(mesh_add_peer(bob->mesh, CAROL), 0);
	stranger = join(bob, MESH_ACCEPTED, -1, ALICE);
	settle();
	assert_true(stranger->eof);
	assert_told(&bob->told,
		"refused " ALICE ": it is not one of those named\n");
	named = join_up(bob, MESH_ACCEPTED, -1, CAROL, "c1");
	assert_false(named->eof);
}

static void mesh_refuses_interfaces_that_are_not_allowed(void **state)
{
	struct sockaddr_storage local = { .ss_family = AF_INET };
	struct other *o;

	(void)state;
	mesh_set_local(bob->mesh, &local, 1);
	o = join(bob, MESH_ACCEPTED, -1, ALICE);
	settle();
	assert_true(o->eof);
	assert_told(&bob->told,
		"refused : it came over an interface that is not allowed\n");
	mesh_set_local(bob->mesh, &local, 0);
	(void)join_up(bob, MESH_ACCEPTED, -1, ALICE, "a1");
}

/* A machine that lost its power comes back: whichever name sorts first. */
static void mesh_puts_a_newer_link_in_an_older_ones_place(void **state)
{
	static const char *const addresses[] = { ALICE, CAROL };
	struct other *older, *newer;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(addresses); i++) {
		older = join_up(bob, MESH_ACCEPTED, -1, addresses[i], "x1");
		newer = join(bob, MESH_ACCEPTED, -1, addresses[i]);
		settle();
		assert_false(older->eof); /* a name alone takes nothing */
		hello(newer, "x1", NULL, 0);
		settle();
		assert_true(older->eof);
		assert_non_null(strstr(bob->told.text, "down "));
		assert_non_null(strstr(
			bob->told.text, ": a newer link took its place\n"));
		assert_non_null(strstr(bob->told.text, "up "));
		assert_int_equal(link_count(bob), (int)i + 1);
		transcript_clear(&bob->told);
	}
}

/* Rule 4: two people of one name, or one who claims another's. */
static void mesh_links_two_authors_of_one_address(void **state)
{
	struct other *first, *second;

	(void)state;
	first = join_up(bob, MESH_ACCEPTED, -1, ALICE, "x1");
	second = join_up(bob, MESH_ACCEPTED, -1, ALICE, "y1");
	assert_false(first->eof || second->eof);
	assert_int_equal(link_count(bob), 2);
	leave(second);
	settle();
	assert_true(mesh_has_link(bob->mesh, ALICE));
	assert_false(first->eof);
}

/* Rule 2, a moment later: our dial was faster, his is on its way. */
static void mesh_refuses_a_higher_caller_just_after_it_dialled_him(void **state)
{
	struct other *dialled, *calling;

	(void)state;
	assert_int_equal(mesh_add_peer(bob->mesh, CAROL), 0);
	dialled = join_up(bob, MESH_DIALLED, 0, CAROL, "c1");
	assert_true(mesh_is_linked(bob->mesh, 0));
	calling = join(bob, MESH_ACCEPTED, -1, CAROL);
	settle();
	assert_true(calling->eof);
	assert_false(dialled->eof);
	now_ms += 2000;
	calling = join_up(bob, MESH_ACCEPTED, -1, CAROL, "c1");
	assert_false(calling->eof);
	assert_true(dialled->eof);
	transcript_clear(&bob->told);
}

/* Rule 5. */
static void mesh_refuses_who_answers_by_another_name(void **state)
{
	struct other *o;

	(void)state;
	assert_int_equal(mesh_add_peer(bob->mesh, CAROL), 0);
	o = join(bob, MESH_DIALLED, 0, ALICE);
	settle();
	assert_true(o->eof);
	assert_false(mesh_is_linked(bob->mesh, 0));
	assert_told(&bob->told, "unreachable 0, 1 times\n");
}

/* Rule 2: the higher caller waits for our own dial, the lower one is let in. */
static void mesh_refuses_a_higher_caller_while_it_dials_him(void **state)
{
	struct other *dialled[2], *calling[2];

	(void)state;
	assert_int_equal(mesh_add_peer(bob->mesh, ALICE), 0);
	assert_int_equal(mesh_add_peer(bob->mesh, CAROL), 1);
	dialled[0] = join(bob, MESH_DIALLED, 0, ALICE);
	dialled[1] = join(bob, MESH_DIALLED, 1, CAROL);
	dialled[0]->deaf = dialled[1]->deaf = true;
	calling[0] = join(bob, MESH_ACCEPTED, -1, ALICE);
	calling[1] = join(bob, MESH_ACCEPTED, -1, CAROL);
	settle();
	assert_false(calling[0]->eof);
	assert_true(mesh_has_link(bob->mesh, ALICE));
	assert_true(calling[1]->eof);
	assert_told(&bob->told, "");
	/* Our own dial comes to nothing: then he may call. */
	leave(dialled[1]);
	settle();
	(void)join_up(bob, MESH_ACCEPTED, -1, CAROL, "c1");
}

/*
 * Both dial at once (abuse 36): in whatever order the two take their turns,
 * one link is left, the same for both, and it works.
 */
static void mesh_keeps_one_of_two_crossing_dials(void **state)
{
	struct node *alice = &nodes[1];
	int first[2], second[2];

	(void)state;
	node_open(alice, ALICE, "a1");
	alice->quiet = bob->quiet = true;
	for (unsigned order = 0; order < 1024; order++) {
		mesh_close(alice->mesh);
		mesh_close(bob->mesh);
		node_open_mesh(alice, ALICE, order, false);
		node_open_mesh(bob, BOB, order, false);
		assert_int_equal(mesh_add_peer(alice->mesh, BOB), 0);
		assert_int_equal(mesh_add_peer(bob->mesh, ALICE), 0);
		make_pair(first);
		make_pair(second);
		assert_int_equal(mesh_adopt(alice->mesh, first[0], MESH_DIALLED,
					 0, now_ms),
			0);
		assert_int_equal(mesh_adopt(bob->mesh, first[1], MESH_ACCEPTED,
					 -1, now_ms),
			0);
		assert_int_equal(mesh_adopt(bob->mesh, second[0], MESH_DIALLED,
					 0, now_ms),
			0);
		assert_int_equal(mesh_adopt(alice->mesh, second[1],
					 MESH_ACCEPTED, -1, now_ms),
			0);
		for (unsigned bits = order, i = 0; i < 10; i++, bits >>= 1)
			node_turn((bits & 1) != 0 ? alice : bob);
		settle();
		transcript_clear(&alice->told);
		transcript_clear(&bob->told);
		assert_int_equal(link_count(alice), 1);
		assert_int_equal(link_count(bob), 1);
		if (order % 64 != 0)
			continue;
		node_say(alice, "a1", 1);
		node_say(bob, "b1", 1);
		settle();
		assert_int_equal(head_of(bob, "a1"), head_of(alice, "a1"));
		assert_int_equal(head_of(alice, "b1"), head_of(bob, "b1"));
	}
}

static void mesh_takes_64_links(void **state)
{
	struct other *o;

	(void)state;
	for (int i = 0; i < MESH_LINKS_MAX; i++) {
		char address[32];

		(void)snprintf(address, sizeof(address), "peer%d.local:1", i);
		(void)join(bob, MESH_ACCEPTED, -1, address);
		if (i % MESH_HALF_OPEN_MAX == MESH_HALF_OPEN_MAX - 1)
			settle();
	}
	settle();
	assert_int_equal(link_count(bob), MESH_LINKS_MAX);
	o = join(bob, MESH_ACCEPTED, -1, ALICE);
	settle();
	assert_true(o->eof);
	assert_told(
		&bob->told, "refused " ALICE ": there are too many links\n");
	/* For whom we look there is still a place. */
	assert_int_equal(mesh_add_peer(bob->mesh, CAROL), 0);
	(void)join_up(bob, MESH_ACCEPTED, -1, CAROL, "c1");
	leave(others[0]);
	leave(others[1]);
	settle();
	(void)join_up(bob, MESH_ACCEPTED, -1, ALICE, "a1");
}

/* Deadlines and limits (abuse 24, 25, 35). */

static void mesh_ends_what_says_nothing_for_five_seconds(void **state)
{
	static const enum mesh_role roles[] = { MESH_ACCEPTED, MESH_DIALLED };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(roles); i++) {
		struct other *o = join(bob, roles[i], -1, ALICE);

		o->fd = dup(o->fd); /* silent: nobody sends from here */
		assert_true(o->fd >= 0);
		fifo_drop(&o->wire.out, fifo_size(&o->wire.out));
		o->deaf = true;
		settle();
		assert_int_equal(node_wake_ms(bob), MESH_PROLOGUE_MS);
		now_ms += MESH_PROLOGUE_MS - 1;
		settle();
		assert_told(&bob->told, "");
		now_ms += 1;
		settle();
		assert_told(&bob->told, "refused : it said nothing\n");
	}
}

static void mesh_gives_slow_callers_five_seconds_in_all(void **state)
{
	struct other *o = join(bob, MESH_ACCEPTED, -1, ALICE);
	struct other *fast;
	uint8_t bytes[32];
	size_t size = fifo_size(&o->wire.out);

	(void)state;
	memcpy(bytes, fifo_head(&o->wire.out), size);
	fifo_drop(&o->wire.out, size);
	for (size_t i = 0; i < 2; i++) {
		put(o, (const char *)bytes + i, 1);
		now_ms += 2000;
		settle();
	}
	fast = join_up(bob, MESH_ACCEPTED, -1, CAROL, "c1");
	now_ms += 1000;
	put(o, (const char *)bytes + 2, 1);
	settle();
	assert_told(&bob->told, "refused : it said nothing\n");
	assert_true(o->eof);
	assert_false(fast->eof);
}

static void mesh_gives_handshakes_thirty_seconds(void **state)
{
	struct other *o = join(bob, MESH_ACCEPTED, -1, ALICE);

	(void)state;
	settle();
	put(o, BYTES("\006\012\002a1"));
	settle();
	assert_int_equal(node_wake_ms(bob), MESH_HANDSHAKE_MS);
	now_ms += MESH_HANDSHAKE_MS - 1;
	settle();
	assert_told(&bob->told, "");
	now_ms += 1;
	settle();
	assert_told(&bob->told, "refused " ALICE ": it said nothing\n");
}

static void mesh_lets_links_be_silent_for_ever(void **state)
{
	(void)state;
	(void)join_up(bob, MESH_ACCEPTED, -1, ALICE, "a1");
	assert_int_equal(node_wake_ms(bob), 3600 * 1000);
	now_ms += 24 * 3600 * 1000;
	settle();
	assert_told(&bob->told, "");
	assert_int_equal(link_count(bob), 1);
}

/* Records of 60 KB, more than a socket and our buffer take. */
static void say_much(struct node *n, int count)
{
	static char text[60000];
	uint64_t seq = log_head(n->log, log_find(n->log, n->key));

	memset(text, 'x', sizeof(text));
	for (int i = 0; i < count; i++) {
		assert_int_equal(
			append(n, n->key, ++seq, text, sizeof(text)), 0);
		if (i % 4 == 3)
			commit(n);
	}
	commit(n);
}

static void mesh_ends_a_link_that_takes_nothing(void **state)
{
	struct other *deaf = join_up(bob, MESH_ACCEPTED, -1, ALICE, "a1");
	struct other *o = join_up(bob, MESH_ACCEPTED, -1, CAROL, "c1");
	uint64_t sent;

	(void)state;
	deaf->deaf = true;
	say_much(bob, 100);
	for (int i = 0; i < 10; i++)
		settle();
	/* The other one has all, this one what its buffers take. */
	assert_non_null(strstr(o->told.text, "\n100\n"));
	sent = sent_count(bob);
	assert_in_range(sent, 101, 150);
	settle();
	assert_int_equal(sent_count(bob), sent);
	assert_int_equal(node_wake_ms(bob), MESH_STALL_MS);
	now_ms += MESH_STALL_MS - 1;
	settle();
	assert_told(&bob->told, "");
	now_ms += 1;
	settle();
	assert_told(
		&bob->told, "down " ALICE ": it took nothing for too long\n");
	assert_int_equal(link_count(bob), 1);
}

static void mesh_keeps_a_link_that_takes_a_little(void **state)
{
	struct other *o = join_up(bob, MESH_ACCEPTED, -1, ALICE, "a1");
	int size = 32 * 1024; /* so that `out` is never written as a whole */

	(void)state;
	assert_int_equal(setsockopt(o->node_fd, SOL_SOCKET, SO_SNDBUF, &size,
				 sizeof(size)),
		0);
	o->deaf = true;
	say_much(bob, 100);
	for (int i = 0; i < 5; i++) {
		settle();
		now_ms += MESH_STALL_MS - 1;
		while (other_read(o))
			;
	}
	assert_told(&bob->told, "");
	o->deaf = false;
	for (int i = 0; i < 20; i++)
		settle();
	assert_non_null(strstr(o->told.text, "\n100\n"));
}

/* No turn of the loop may ask to be woken in the past: that would spin. */
static void mesh_never_wakes_for_nothing(void **state)
{
	static const enum mesh_role roles[] = { MESH_DIALLED, MESH_ACCEPTED };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(roles); i++) {
		struct other *o = join(bob, roles[i], -1, ALICE);

		assert_int_equal(node_wake_ms(bob), MESH_PROLOGUE_MS);
		settle();
		assert_in_range(node_wake_ms(bob), 1, MESH_HANDSHAKE_MS);
		node_turn(bob);
		assert_int_equal(bob->ready, 0);
		hello(o, "a1", NULL, 0);
		settle();
		node_turn(bob);
		assert_int_equal(bob->ready, 0);
		assert_int_equal(node_wake_ms(bob), 3600 * 1000);
		leave(o);
		settle();
	}
}

static void mesh_lets_sixteen_callers_be_half_open(void **state)
{
	struct other *o = join_up(bob, MESH_ACCEPTED, -1, CAROL, "c1");
	struct mesh_counts counts;
	int fds[40][2];

	(void)state;
	for (int i = 0; i < 40; i++) {
		make_pair(fds[i]);
		now_ms++;
		assert_int_equal(mesh_adopt(bob->mesh, fds[i][0], MESH_ACCEPTED,
					 -1, now_ms),
			0);
		mesh_count(bob->mesh, &counts);
		assert_int_equal(counts.half_open,
			i < MESH_HALF_OPEN_MAX ? i + 1 : MESH_HALF_OPEN_MAX);
		if (i % 8 == 0)
			settle();
	}
	settle();
	/* The oldest had to go. */
	for (int i = 0; i < 40; i++) {
		char byte;
		ssize_t n = recv(fds[i][1], &byte, 1, 0);

		assert_int_equal(n, i < 40 - MESH_HALF_OPEN_MAX ? 0 : -1);
		assert_int_equal(close(fds[i][1]), 0);
	}
	assert_int_equal(
		strncmp(bob->told.text, "refused : too many callers\n", 27), 0);
	assert_int_equal(link_count(bob), 1);
	assert_false(o->eof);
}

/* 1,000 callers at once, and none of them read yet: bounded all the same. */
static void mesh_survives_a_thousand_callers_in_one_turn(void **state)
{
	struct mesh_counts counts;
	int taken = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		int fds[2];

		make_pair(fds);
		taken += mesh_adopt(bob->mesh, fds[0], MESH_ACCEPTED, -1,
				 now_ms) == 0;
		assert_int_equal(close(fds[1]), 0);
	}
	assert_in_range(taken, MESH_HALF_OPEN_MAX,
		MESH_LINKS_MAX + MESH_NAMED_MAX + MESH_HALF_OPEN_MAX +
			MESH_DIALS_MAX);
	mesh_count(bob->mesh, &counts);
	assert_true(counts.half_open <= MESH_HALF_OPEN_MAX);
	settle();
	transcript_clear(&bob->told);
	(void)join_up(bob, MESH_ACCEPTED, -1, ALICE, "a1");
}

/* Bytes that came in time for nobody: the connection is over already. */
static void mesh_does_not_replace_a_link_by_an_ended_one(void **state)
{
	struct other *o = join_up(bob, MESH_ACCEPTED, -1, ALICE, "a1");
	struct other *late = join(bob, MESH_ACCEPTED, -1, ALICE);

	(void)state;
	now_ms += MESH_PROLOGUE_MS;
	other_send(late);
	settle();
	assert_told(&bob->told, "refused : it said nothing\n");
	assert_false(o->eof);
	assert_true(mesh_has_link(bob->mesh, ALICE));
}

static void mesh_closes_only_the_malformed_peers_link(void **state)
{
	struct other *alice = join_up(bob, MESH_ACCEPTED, -1, ALICE, "a1");
	struct other *carol = join_up(bob, MESH_ACCEPTED, -1, CAROL, "c1");

	(void)state;
	put(alice, BYTES("\000"));
	settle();
	assert_told(&bob->told, "down " ALICE ": length out of bounds\n");
	assert_true(alice->eof);
	node_say(bob, "b1", 1);
	give(carol, "c1", 1, "still here");
	settle();
	assert_told(&bob->told, "record " CAROL " c1 1 still here\n");
	assert_told(&carol->told, "b1 1 b1-1\n");
}

static void mesh_tells_of_garbage_in_each_stage(void **state)
{
	struct other *o = join(bob, MESH_ACCEPTED, -1, ALICE);

	(void)state;
	fifo_drop(&o->wire.out, fifo_size(&o->wire.out));
	put(o, BYTES("GET / HTTP/1.0\r\n\r\nHost: bob.local, and so on, and so"
		     " on until the item of 71 bytes is whole\r\n"));
	settle();
	assert_told(&bob->told, "refused : malformed address\n");
	o = join(bob, MESH_ACCEPTED, -1, ALICE);
	settle();
	put(o, BYTES("\377\377\377\377\377\177"));
	settle();
	assert_told(&bob->told, "refused " ALICE ": malformed length\n");
}

/* Records. */

static void mesh_sends_what_the_other_side_lacks(void **state)
{
	struct other *o = join(bob, MESH_ACCEPTED, -1, ALICE);

	(void)state;
	node_say(bob, "b1", 5);
	node_say(bob, "c1", 2);
	settle();
	assert_told(&o->told,
		"linked " BOB "\nid b1\nhead b1 5\nhead c1 2\nready\n");
	hello(o, "a1", "b1", 3);
	settle();
	assert_told(&o->told, "b1 4 b1-4\nb1 5 b1-5\nc1 1 c1-1\nc1 2 c1-2\n");
	assert_true(mesh_is_idle(bob->mesh));
	node_say(bob, "b1", 1);
	assert_false(mesh_is_idle(bob->mesh));
	settle();
	assert_told(&o->told, "b1 6 b1-6\n");
	settle();
	assert_told(&o->told, "");
	assert_int_equal(sent_count(bob), 5);
}

static void mesh_sends_no_record_before_the_heads(void **state)
{
	struct other *o = join(bob, MESH_ACCEPTED, -1, ALICE);

	(void)state;
	settle();
	transcript_clear(&o->told);
	node_say(bob, "b1", 3);
	settle();
	assert_told(&o->told, "");
	assert_false(mesh_is_idle(bob->mesh));
	hello(o, "a1", "b1", 3);
	settle();
	assert_told(&o->told, "");
}

static void mesh_sends_only_what_is_durable(void **state)
{
	struct other *o;

	(void)state;
	node_say(bob, "b1", 1);
	assert_int_equal(append(bob, bob->key, 2, "two", 3), 0);
	o = join(bob, MESH_ACCEPTED, -1, ALICE);
	for (int i = 0; i < 6; i++) {
		struct mesh_event event;

		other_turn(o);
		if (i == 2)
			hello(o, "a1", NULL, 0);
		loop_begin(&bob->loop, now_ms);
		mesh_want(bob->mesh, &bob->loop);
		(void)poll(bob->loop.fds, (nfds_t)bob->loop.count, 0);
		mesh_run(bob->mesh, &bob->loop, now_ms);
		while (mesh_next(bob->mesh, &event, now_ms))
			;
		mesh_flush(bob->mesh, now_ms);
	}
	other_turn(o);
	assert_told(&o->told,
		"linked " BOB "\nid b1\nhead b1 1\nready\nb1 1 b1-1\n");
	commit(bob);
	mesh_flush(bob->mesh, now_ms);
	other_turn(o);
	assert_told(&o->told, "b1 2 two\n");
}

static void mesh_relays_but_never_back_to_the_giver(void **state)
{
	struct other *alice = join_up(bob, MESH_ACCEPTED, -1, ALICE, "a1");
	struct other *carol = join_up(bob, MESH_ACCEPTED, -1, CAROL, "c1");

	(void)state;
	give(alice, "a1", 1, "hello");
	give(alice, "z9", 1, "of another");
	settle();
	assert_told(&bob->told, "record " ALICE " a1 1 hello\nrecord " ALICE
				" z9 1 of another\n");
	assert_told(&carol->told, "a1 1 hello\nz9 1 of another\n");
	assert_told(&alice->told, "");
	assert_int_equal(sent_count(bob), 2);
}

/* Which numbers are wanted, chat.c decides. */
static void mesh_tells_every_record(void **state)
{
	struct other *o = join_up(bob, MESH_ACCEPTED, -1, ALICE, "a1");

	(void)state;
	give(o, "a1", 9, "gap");
	give(o, "a1", 1, "first");
	give(o, "a1", 1, "again");
	give(o, "b1", 4294967295, "poison");
	give(o, "a1", 2, "");
	settle();
	assert_told(&bob->told, "record " ALICE " a1 9 gap\n"
				"record " ALICE " a1 1 first\n"
				"record " ALICE " a1 1 again\n"
				"record " ALICE " b1 4294967295 poison\n"
				"record " ALICE " a1 2 \n");
	/* The number harmed nobody: it is not even known to be there. */
	node_say(bob, "b1", 1);
	settle();
	assert_told(&o->told, "b1 1 b1-1\n");
}

static void mesh_tells_what_came_before_the_end(void **state)
{
	struct other *o = join(bob, MESH_ACCEPTED, -1, ALICE);

	(void)state;
	settle();
	hello(o, "a1", NULL, 0);
	give(o, "a1", 1, "one");
	give(o, "a1", 2, "two");
	other_send(o);
	leave(o);
	settle();
	assert_told(&bob->told,
		"up " ALICE " a1\nrecord " ALICE " a1 1 one\n"
		"record " ALICE " a1 2 two\ndown " ALICE ": it left\n");
	assert_int_equal(head_of(bob, "a1"), 2);
}

static void mesh_sends_nothing_to_whom_only_pushes(void **state)
{
	struct other *o = join(bob, MESH_ACCEPTED, -1, ALICE);

	(void)state;
	node_say(bob, "b1", 3);
	settle();
	transcript_clear(&o->told);
	put(o, BYTES("\006\012\002a1\030\002"));
	give(o, "a1", 1, "pushed");
	settle();
	assert_told(
		&bob->told, "up " ALICE " a1\nrecord " ALICE " a1 1 pushed\n");
	assert_told(&o->told, "");
	assert_true(mesh_is_idle(bob->mesh));
}

static void mesh_held_takes_no_record(void **state)
{
	struct other *o = join_up(bob, MESH_ACCEPTED, -1, ALICE, "a1");
	struct other *late;

	(void)state;
	mesh_hold(bob->mesh, true);
	give(o, "a1", 1, "one");
	give(o, "a1", 2, "two");
	settle();
	late = join(bob, MESH_ACCEPTED, -1, CAROL);
	settle();
	hello(late, "c1", NULL, 0);
	give(late, "c1", 1, "three");
	settle();
	assert_told(&bob->told, "up " CAROL " c1\n");
	/* It still sends, and does not spin. */
	node_say(bob, "b1", 1);
	settle();
	assert_string_equal(o->told.text, "b1 1 b1-1\n");
	assert_true(node_wake_ms(bob) > 0);
	leave(o);
	settle();
	assert_told(&bob->told, "");
	assert_true(node_wake_ms(bob) > 0);
	mesh_hold(bob->mesh, false);
	assert_int_equal(node_wake_ms(bob), 0);
	settle();
	assert_non_null(strstr(bob->told.text, "record " ALICE " a1 1 one\n"
					       "record " ALICE " a1 2 two\n"
					       "down " ALICE ": it left\n"));
	assert_non_null(
		strstr(bob->told.text, "record " CAROL " c1 1 three\n"));
}

/* Held, a link takes what its buffer holds, and leaves the rest there. */
static void mesh_held_lets_its_peers_wait(void **state)
{
	static char text[60000];
	struct other *o = join_up(bob, MESH_ACCEPTED, -1, ALICE, "a1");
	uint32_t seq = 0;

	(void)state;
	memset(text, 'y', sizeof(text) - 1);
	bob->quiet = true;
	mesh_hold(bob->mesh, true);
	for (int i = 0; i < 100; i++) {
		if (fifo_size(&o->wire.out) == 0)
			give(o, "a1", ++seq, text);
		settle();
	}
	assert_in_range(seq, 2, 50);
	assert_true(fifo_size(&o->wire.out) > 0);
	node_turn(bob);
	assert_int_equal(bob->ready, 0);
	mesh_hold(bob->mesh, false);
	settle();
	assert_int_equal(head_of(bob, "a1"), seq);
}

/*
 * More heads than the buffer holds, to somebody who waits for them all before
 * he says anything: poll must go on asking whether there is room.
 */
static void mesh_sends_a_large_handshake_by_itself(void **state)
{
	enum { AUTHORS = 4000 };
	struct other *o;
	uint8_t key[LEGACY_KEY_SIZE] = { 0 };
	struct legacy_event event;
	int heads = 0;
	bool ready = false;

	(void)state;
	for (int i = 0; i < AUTHORS; i++) {
		key[0] = (uint8_t)(i >> 8);
		key[1] = (uint8_t)i;
		assert_int_equal(append(bob, key, 1, "x", 1), 0);
	}
	commit(bob);
	o = join(bob, MESH_ACCEPTED, -1, ALICE);
	other_turn(o);
	node_turn(bob);
	other_send(o);
	o->deaf = true;
	for (int turns = 0; !ready && turns < 1000; turns++) {
		ssize_t n = recv(o->fd, fifo_tail(&o->wire.in),
			fifo_room(&o->wire.in), 0);

		if (n > 0)
			fifo_added(&o->wire.in, (size_t)n);
		while (legacy_next(&o->wire, &event)) {
			heads += event.kind == LEGACY_EVENT_HEAD;
			ready = event.kind == LEGACY_EVENT_READY;
		}
		/* The loop sleeps until poll or the clock wakes it. */
		if (node_wake_ms(bob) == 0 ||
			poll(bob->loop.fds, (nfds_t)bob->loop.count, 0) > 0)
			node_turn(bob);
		else if (n <= 0)
			break; /* both would wait for ever */
	}
	assert_int_equal(heads, AUTHORS);
	assert_true(ready);
	node_turn(bob);
	assert_int_equal(bob->ready, 0);
}

static void mesh_replicates_both_ways(void **state)
{
	enum { RECORDS = 1000 };
	struct node *alice = &nodes[1];
	struct log_record record;
	struct mesh_counts counts;
	int fds[2];

	(void)state;
	node_open(alice, ALICE, "a1");
	alice->quiet = bob->quiet = true;
	node_say(alice, "a1", RECORDS);
	node_say(bob, "b1", RECORDS);
	make_pair(fds);
	assert_int_equal(
		mesh_adopt(alice->mesh, fds[0], MESH_DIALLED, -1, now_ms), 0);
	assert_int_equal(
		mesh_adopt(bob->mesh, fds[1], MESH_ACCEPTED, -1, now_ms), 0);
	for (int i = 0; i < 20; i++)
		settle();
	assert_int_equal(head_of(bob, "a1"), RECORDS);
	assert_int_equal(head_of(alice, "b1"), RECORDS);
	for (int i = 0; i < NODES; i++) {
		mesh_count(nodes[i].mesh, &counts);
		assert_int_equal(counts.links, 1);
		assert_int_equal(counts.half_open, 0);
		assert_int_equal(counts.records_sent, RECORDS);
		assert_int_equal(counts.records_received, RECORDS);
		assert_true(mesh_is_idle(nodes[i].mesh));
	}
	assert_int_equal(log_read(bob->log, log_find(bob->log, alice->key), 777,
				 &record),
		0);
	assert_memory_equal(record.bytes + RECORD_HEADER_SIZE, "a1-777", 6);
}

/* Dialling. */

/* An address that can not even have a socket: fails at once, anywhere. */
static const struct sockaddr_storage nowhere[3] = {
	{ .ss_family = AF_UNSPEC },
	{ .ss_family = AF_UNSPEC },
	{ .ss_family = AF_UNSPEC },
};

static void mesh_backs_off_to_thirty_seconds_with_jitter(void **state)
{
	int64_t expected_ms = MESH_BACKOFF_MIN_MS;
	int64_t least = INT64_MAX, most = 0;
	char text[64];

	(void)state;
	assert_int_equal(mesh_add_peer(bob->mesh, ALICE), 0);
	assert_int_equal(node_wake_ms(bob), 3600 * 1000);
	mesh_found(bob->mesh, 0, nowhere, 1, now_ms);
	for (int i = 1; i < 100; i++) {
		int64_t wait_ms;

		node_turn(bob);
		(void)snprintf(
			text, sizeof(text), "unreachable 0, %d times\n", i);
		assert_told(&bob->told, text);
		wait_ms = node_wake_ms(bob);
		assert_in_range(wait_ms, expected_ms / 2, expected_ms * 3 / 2);
		if (expected_ms == MESH_BACKOFF_MAX_MS) {
			least = wait_ms < least ? wait_ms : least;
			most = wait_ms > most ? wait_ms : most;
		}
		expected_ms *= 2;
		if (expected_ms > MESH_BACKOFF_MAX_MS)
			expected_ms = MESH_BACKOFF_MAX_MS;
		now_ms += wait_ms - 1;
		node_turn(bob);
		assert_told(&bob->told, "");
		now_ms += 1;
	}
	assert_true(least < MESH_BACKOFF_MAX_MS * 6 / 10);
	assert_true(most > MESH_BACKOFF_MAX_MS * 14 / 10);
}

static void mesh_tries_each_address_before_it_waits(void **state)
{
	(void)state;
	assert_int_equal(mesh_add_peer(bob->mesh, ALICE), 0);
	mesh_found(bob->mesh, 0, nowhere, 3, now_ms);
	for (int i = 0; i < 2; i++) {
		node_turn(bob);
		assert_told(&bob->told, "");
		assert_int_equal(node_wake_ms(bob), 0);
	}
	node_turn(bob);
	assert_told(&bob->told, "unreachable 0, 1 times\n");
	assert_in_range(node_wake_ms(bob), 125, 375);
	/* Found again: at once. */
	mesh_found(bob->mesh, 0, nowhere, 1, now_ms);
	node_turn(bob);
	assert_told(&bob->told, "unreachable 0, 2 times\n");
}

static void mesh_does_not_dial_who_is_linked(void **state)
{
	(void)state;
	assert_int_equal(mesh_add_peer(bob->mesh, ALICE), 0);
	(void)join_up(bob, MESH_ACCEPTED, -1, ALICE, "a1");
	mesh_found(bob->mesh, 0, nowhere, 1, now_ms);
	settle();
	now_ms += 3600 * 1000;
	settle();
	assert_told(&bob->told, "");
	assert_int_equal(node_wake_ms(bob), 3600 * 1000);
}

static void mesh_tells_of_a_dial_that_came_to_nothing(void **state)
{
	struct other *o;

	(void)state;
	assert_int_equal(mesh_add_peer(bob->mesh, ALICE), 0);
	o = join(bob, MESH_DIALLED, 0, ALICE);
	leave(o);
	settle();
	assert_told(&bob->told, "unreachable 0, 1 times\n");
}

/* A link that lasted is dialled again soon, one that did not, later. */
static void mesh_resets_the_back_off_after_ten_seconds(void **state)
{
	static const struct {
		int64_t lasted_ms;
		int64_t expected_ms;
	} cases[] = {
		{ 0, 250 },
		{ 0, 500 },
		{ MESH_STEADY_MS - 1, 1000 },
		{ 0, 2000 },
		{ MESH_STEADY_MS, 250 },
		{ 0, 500 },
	};

	(void)state;
	assert_int_equal(mesh_add_peer(bob->mesh, ALICE), 0);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct other *o = join_up(bob, MESH_DIALLED, 0, ALICE, "a1");

		if (i == 0)
			mesh_found(bob->mesh, 0, nowhere, 1, now_ms);
		now_ms += cases[i].lasted_ms;
		leave(o);
		settle();
		assert_told(&bob->told, "down " ALICE ": it left\n");
		assert_in_range(node_wake_ms(bob), cases[i].expected_ms / 2,
			cases[i].expected_ms * 3 / 2);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			mesh_links_in_both_roles_and_orders, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_knows_which_peer_is_linked, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_takes_64_peers, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_does_not_link_with_itself, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_refuses_a_copy_of_its_own_database, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_does_not_listen_to_whom_it_refused, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_with_only_refuses_strangers, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_refuses_interfaces_that_are_not_allowed, begin,
			end),
		cmocka_unit_test_setup_teardown(
			mesh_puts_a_newer_link_in_an_older_ones_place, begin,
			end),
		cmocka_unit_test_setup_teardown(
			mesh_refuses_a_higher_caller_while_it_dials_him, begin,
			end),
		cmocka_unit_test_setup_teardown(
			mesh_keeps_one_of_two_crossing_dials, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_links_two_authors_of_one_address, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_refuses_a_higher_caller_just_after_it_dialled_him,
			begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_refuses_who_answers_by_another_name, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_takes_64_links, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_ends_what_says_nothing_for_five_seconds, begin,
			end),
		cmocka_unit_test_setup_teardown(
			mesh_gives_slow_callers_five_seconds_in_all, begin,
			end),
		cmocka_unit_test_setup_teardown(
			mesh_gives_handshakes_thirty_seconds, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_lets_links_be_silent_for_ever, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_ends_a_link_that_takes_nothing, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_keeps_a_link_that_takes_a_little, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_never_wakes_for_nothing, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_lets_sixteen_callers_be_half_open, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_survives_a_thousand_callers_in_one_turn, begin,
			end),
		cmocka_unit_test_setup_teardown(
			mesh_does_not_replace_a_link_by_an_ended_one, begin,
			end),
		cmocka_unit_test_setup_teardown(
			mesh_closes_only_the_malformed_peers_link, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_tells_of_garbage_in_each_stage, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_sends_what_the_other_side_lacks, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_sends_no_record_before_the_heads, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_sends_only_what_is_durable, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_relays_but_never_back_to_the_giver, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_tells_every_record, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_tells_what_came_before_the_end, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_sends_nothing_to_whom_only_pushes, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_held_takes_no_record, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_held_lets_its_peers_wait, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_sends_a_large_handshake_by_itself, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_replicates_both_ways, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_backs_off_to_thirty_seconds_with_jitter, begin,
			end),
		cmocka_unit_test_setup_teardown(
			mesh_tries_each_address_before_it_waits, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_does_not_dial_who_is_linked, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_tells_of_a_dial_that_came_to_nothing, begin, end),
		cmocka_unit_test_setup_teardown(
			mesh_resets_the_back_off_after_ten_seconds, begin, end),
	};

	return cmocka_run_group_tests_name("mesh", tests, NULL, NULL);
}
