/* SPDX-License-Identifier: ISC */
/*
 * node.h: for tests: a mesh with its room and log in a temporary directory,
 * driven as chat.c drives it, and evil.h's persons linked with it by
 * socketpairs.  The clock is a variable.  What a node tells is written down:
 *
 *	up NAME, up NAME (legacy)	down NAME: REASON (left)
 *	batch alice 1..5 accepted	half alice 5 forked
 *	record KEY 5 accepted		delivered to NAME 5
 *	refused ADDRESS: REASON
 *	unreachable 0, 3 times: REASON	twin NAME	fork alice 5
 *
 * Addresses: the program is linked with --wrap=getpeername and --wrap=connect.
 * A connection that is accepted comes from `peer_at`, and one that is dialled
 * leads to whoever waits in `dialled`, if anybody does; unless it is
 * `dial_is_real`.  `dials` says where.
 */
#ifndef NODE_H
#define NODE_H

#include "scratch.h"
#include "testing.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "evil.h"
#include "links/known.h"
#include "mesh.h"
#include "net.h"

enum { NODE_START_MS = 5 * 1000 * 1000, NODES = 2, EVILS = 100 };

struct node {
	bool open;
	bool quiet; /* does not write down what it accepts */
	struct scratch place;
	struct log *log;
	struct room *room;
	struct known *known;
	struct mesh *mesh;
	struct ed25519_key key;
	uint8_t room_id[RECORD_ID_SIZE];
	char name[LIMIT_NAME + 1];
	struct wire_self self;
	int ready; /* descriptors, in the last turn */
	struct loop loop;
	struct transcript told;
};

static int64_t now_ms;
static struct node nodes[NODES];
static struct evil *evils[EVILS];
static int evil_count;

static bool node_explores;
static uint64_t node_log_bytes; /* of one author; 0: as many as usual */

/* The node of most tests. */
static struct node *const bob = &nodes[0];

/* Addresses. */

static struct sockaddr_storage peer_at; /* AF_UNSPEC: it is a socketpair */
static int dialled_fd = -1;             /* the far end of the last dial */
static int dial_count;
static struct transcript dials; /* "10.0.0.7:4000\n" each */
static bool dial_answers;
static bool dial_is_real;
static int silent_fds[16]; /* far ends of those that nobody is at */
static int silent_count;
static bool dial_is_silent;

static inline struct sockaddr_storage address4(const char *host, uint16_t port)
{
	struct sockaddr_storage any;
	struct sockaddr_in *a4 = (struct sockaddr_in *)&any;

	memset(&any, 0, sizeof(any));
	a4->sin_family = AF_INET;
	a4->sin_port = htons(port);
	assert_int_equal(inet_pton(AF_INET, host, &a4->sin_addr), 1);
	return any;
}

int __real_getpeername(int fd, struct sockaddr *address, socklen_t *size);
int __wrap_getpeername(int fd, struct sockaddr *address, socklen_t *size);
int __real_connect(int fd, const struct sockaddr *address, socklen_t size);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size);

int __wrap_getpeername(int fd, struct sockaddr *address, socklen_t *size)
{
	if (peer_at.ss_family == AF_UNSPEC)
		return __real_getpeername(fd, address, size);
	assert_true(*size >= sizeof(peer_at));
	memcpy(address, &peer_at, sizeof(peer_at));
	return 0;
}

static inline void make_pair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(fcntl(fds[i], F_SETFL, O_NONBLOCK), 0);
}

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size)
{
	char shown[NET_SHOWN_MAX];
	struct sockaddr_storage to;
	int fds[2];

	memset(&to, 0, sizeof(to));
	memcpy(&to, address, size);
	net_show(&to, shown);
	tell(&dials, "%s\n", shown);
	dial_count++;
	if (dial_is_real)
		return __real_connect(fd, address, size);
	errno = ECONNREFUSED;
	if (!dial_answers && !dial_is_silent)
		return -1;
	make_pair(fds);
	assert_int_equal(dup2(fds[0], fd), fd);
	assert_int_equal(close(fds[0]), 0);
	if (dial_is_silent) {
		assert_true(silent_count < (int)COUNT_OF(silent_fds));
		silent_fds[silent_count++] = fds[1];
		return 0;
	}
	if (dialled_fd >= 0)
		assert_int_equal(close(dialled_fd), 0);
	dialled_fd = fds[1];
	return 0;
}

/* Nodes. */

static inline void node_open_mesh(struct node *n, bool only, bool legacy)
{
	char address[64];
	struct mesh_options options = { .self = &n->self,
		.address = address,
		.seed = 1,
		.only = only,
		.explores = node_explores,
		.known = n->known,
		.legacy = legacy };

	(void)snprintf(address, sizeof(address), "%s.local:1", n->name);
	n->mesh = mesh_open(&options, n->room, n->log);
	assert_non_null(n->mesh);
}

static inline void node_open_room(struct node *n, bool is_new)
{
	struct room_options options = { .key = &n->key,
		.name = n->name,
		.room_id = n->room_id,
		.is_new = is_new,
		.dir_fd = n->place.fd,
		.log_bytes = node_log_bytes };

	n->log = log_open(n->place.fd);
	assert_non_null(n->log);
	n->room = room_open(&options, n->log);
	assert_non_null(n->room);
}

/* `who` is its key, as in book_open. */
static inline void node_open(struct node *n, unsigned who, const char *name)
{
	memset(n, 0, sizeof(*n));
	scratch_make(&n->place);
	(void)snprintf(n->name, sizeof(n->name), "%s", name);
	book_key(&n->key, who);
	book_know(n->key.public_key, name);
	record_room_id(n->room_id, false, "");
	n->self.key = &n->key;
	n->self.name = n->name;
	n->self.room_id = n->room_id;
	n->self.instance = who;
	node_open_room(n, true);
	n->known = known_open(n->place.fd);
	assert_non_null(n->known);
	node_open_mesh(n, false, false);
	n->open = true;
}

static inline void node_close(struct node *n)
{
	if (!n->open)
		return;
	n->open = false;
	mesh_close(n->mesh);
	known_close(n->known);
	room_close(n->room);
	log_close(n->log);
	scratch_remove(&n->place);
}

static inline void node_commit(struct node *n)
{
	assert_int_equal(log_commit(n->log, now_ms), 0);
}

/* It ends, the first place of `rotten` in its store rots, and it is back. */
static inline void node_restart(struct node *n, const char *rotten)
{
	static uint8_t bytes[1 << 20];
	size_t size = rotten == NULL ? 0 : strlen(rotten);
	ssize_t have, at = 0;
	int fd;

	mesh_close(n->mesh);
	room_close(n->room);
	log_close(n->log);
	fd = openat(n->place.fd, "segments/00000000.seg", O_RDWR);
	assert_true(fd >= 0);
	have = pread(fd, bytes, sizeof(bytes), 0);
	while (size > 0 && memcmp(bytes + at, rotten, size) != 0)
		assert_true(++at + (ssize_t)size <= have);
	if (size > 0)
		assert_int_equal(pwrite(fd, "#", 1, at), 1);
	assert_int_equal(close(fd), 0);
	node_open_room(n, false);
	node_open_mesh(n, false, false);
}

/* Own texts, durable. */
static inline void node_say(struct node *n, int count)
{
	for (int i = 0; i < count; i++) {
		int result = room_say(n->room, "hello", 5, BOOK_NOW);

		if (result < 0) {
			assert_int_equal(errno, EAGAIN);
			node_commit(n);
			result = room_say(n->room, "hello", 5, BOOK_NOW);
		}
		assert_int_equal(result, 0);
	}
	node_commit(n);
}

/* Its head of a book's log. */
static inline uint64_t node_head(const struct node *n, const struct book *b)
{
	uint32_t number =
		room_find_key(n->room, b->log.public_key, b->log.epoch);

	return number == ROOM_NO_LOG ? 0 : room_durable(n->room, number);
}

/* Records up to `last` of a book are on its disk, whoever sent them. */
static inline void node_have(
	struct node *n, const struct book *b, uint64_t last)
{
	static uint8_t bytes[MESSAGE_MAX];
	uint32_t number =
		room_admit(n->room, b->log.public_key, b->log.epoch, true);

	assert_true(number != ROOM_NO_LOG);
	while (node_head(n, b) < last) {
		struct writer w = writer_over(bytes, sizeof(bytes));
		struct message_batch batch;
		uint64_t first = node_head(n, b) + 1;

		book_put_batch(
			&w, b, 1, first, last - first < 15 ? last : first + 14);
		assert_true(message_decode_batch(
			reader_over(w.bytes, w.size), &batch));
		assert_int_equal(room_accept(n->room, number, &batch, BOOK_NOW),
			ROOM_ACCEPTED);
		node_commit(n);
	}
}

/* Gives what a link sent to the room; with a commit where one is asked for. */
static inline enum room_verdict node_offer(
	struct node *n, const struct mesh_event *e)
{
	if (e->kind == MESH_HALF)
		return room_accept_half(n->room, &e->input->as.half);
	if (e->kind == MESH_RECORD)
		return room_accept_unsigned(n->room, e->key, e->seq,
			reader_over(e->bytes, e->size), BOOK_NOW);
	return room_accept(
		n->room, e->input->number, &e->input->as.batch, BOOK_NOW);
}

static inline void node_take(struct node *n, const struct mesh_event *e)
{
	enum room_verdict verdict = node_offer(n, e);
	struct transcript *t = &n->told;
	const char *who = "";

	if (verdict == ROOM_FULL && errno == EAGAIN) {
		node_commit(n);
		verdict = node_offer(n, e);
	}
	if (e->kind != MESH_RECORD)
		who = book_who(
			room_log(n->room, e->input->number)->log.public_key);
	if (!n->quiet && e->kind == MESH_BATCH)
		tell(t, "batch %s %u..%u %s\n", who,
			(unsigned)e->input->as.batch.first,
			(unsigned)(e->input->as.batch.first +
				   e->input->as.batch.count - 1),
			room_verdict_name(verdict));
	else if (!n->quiet && e->kind == MESH_HALF)
		tell(t, "half %s %u %s\n", who, (unsigned)e->input->as.half.seq,
			room_verdict_name(verdict));
	else if (!n->quiet)
		tell(t, "record %.32s %u %s\n", (const char *)e->key, e->seq,
			room_verdict_name(verdict));
	mesh_answer(n->mesh, verdict, now_ms);
}

static inline void node_event(struct node *n, const struct mesh_event *e)
{
	struct transcript *t = &n->told;

	switch (e->kind) {
	case MESH_UP:
		tell(t, "up %s%s%s\n", e->name, e->legacy ? " (legacy)" : "",
			e->others ? " (again)" : "");
		break;
	case MESH_DOWN:
		tell(t, "down %s: %s%s%s\n", e->name, e->text,
			e->left ? " (left)" : "",
			e->others ? " (not all)" : "");
		break;
	case MESH_TWIN:
		tell(t, "twin %s\n", e->name);
		break;
	case MESH_BATCH:
	case MESH_HALF:
	case MESH_RECORD:
		node_take(n, e);
		break;
	case MESH_DELIVERED:
		tell(t, "delivered to %s %u\n", e->name, (unsigned)e->number);
		break;
	case MESH_REFUSED:
		tell(t, "refused %s: %s\n", e->address, e->text);
		break;
	case MESH_UNREACHABLE:
		tell(t, "unreachable %d, %d times: %s\n", e->peer, e->failures,
			e->text);
		break;
	}
}

/* What the room tells, as chat.c hears it. */
static inline void node_room(struct node *n)
{
	struct room_event event;

	while (room_next(n->room, &event)) {
		if (event.kind != ROOM_EVENT_FORK)
			continue;
		tell(&n->told, "fork %s %u\n",
			book_who(room_log(n->room, event.number)
					 ->log.public_key),
			(unsigned)event.seq);
		mesh_touch(n->mesh);
	}
}

/* One turn of the loop, as in chat.c, but without waiting. */
static inline void node_turn(struct node *n)
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
	}
	node_room(n);
	node_commit(n);
	mesh_flush(n->mesh, now_ms);
}

static inline int64_t node_wake_ms(struct node *n)
{
	loop_begin(&n->loop, now_ms);
	mesh_want(n->mesh, &n->loop);
	return n->loop.wake_ms - now_ms;
}

/* Is there a link up with whoever has this key? */
static inline bool node_has_key(const struct node *n, const uint8_t *key)
{
	struct mesh_event event;

	for (int i = 0; mesh_next_link(n->mesh, &i, &event);) {
		if (!event.legacy &&
			memcmp(event.key, key, RECORD_KEY_SIZE) == 0)
			return true;
	}
	return false;
}

static inline struct mesh_agreed node_agreed(const struct node *n)
{
	struct mesh_agreed agreed;

	mesh_agree(n->mesh, &agreed);
	return agreed;
}

static inline struct mesh_counts node_counts(const struct node *n)
{
	struct mesh_counts counts;

	mesh_count(n->mesh, &counts);
	return counts;
}

static inline int link_count(const struct node *n)
{
	return node_counts(n).links;
}

/* As many turns as anything here needs, with the clock standing still. */
static inline void settle(void)
{
	for (int turn = 0; turn < 8; turn++) {
		for (int i = 0; i < evil_count; i++)
			evil_turn(evils[i]);
		for (int i = 0; i < NODES; i++) {
			if (nodes[i].open)
				node_turn(&nodes[i]);
		}
	}
}

/* Time goes by, a turn every `step_ms`. */
static inline void pass(int64_t ms, int64_t step_ms)
{
	int64_t end_ms = now_ms + ms;

	while (now_ms < end_ms) {
		now_ms += step_ms < end_ms - now_ms ? step_ms : end_ms - now_ms;
		settle();
	}
}

/* Evil persons. */

static inline struct evil *evil_at(int fd, const struct evil_options *options)
{
	struct evil *e = malloc(sizeof(*e));

	assert_non_null(e);
	assert_true(evil_count < EVILS);
	evils[evil_count++] = e;
	evil_open(e, fd, options);
	return e;
}

/* Connects one with a node that has dialled `peer`, or accepted (-1). */
static inline struct evil *join_as(
	struct node *n, int peer, const struct evil_options *who)
{
	struct evil_options options = *who;
	int fds[2];

	make_pair(fds);
	options.role = peer < 0 ? WIRE_DIALLER : WIRE_ACCEPTOR;
	assert_int_equal(
		mesh_adopt(n->mesh, fds[0],
			peer < 0 ? MESH_ACCEPTED : MESH_DIALLED, peer, now_ms),
		0);
	return evil_at(fds[1], &options);
}

static inline struct evil *join(struct node *n, unsigned who, const char *name)
{
	struct evil_options options = { .who = who, .name = name };

	return join_as(n, -1, &options);
}

/* One whose link is up; nothing of that is left in the transcripts. */
static inline struct evil *join_up_as(
	struct node *n, int peer, const struct evil_options *who)
{
	struct evil *e = join_as(n, peer, who);

	settle();
	assert_true(evil_is_up(e));
	assert_true(node_has_key(n, e->key.public_key));
	transcript_clear(&n->told);
	transcript_clear(&e->told);
	return e;
}

static inline struct evil *join_up(
	struct node *n, unsigned who, const char *name)
{
	struct evil_options options = { .who = who, .name = name };

	return join_up_as(n, -1, &options);
}

static inline void evils_end(void)
{
	for (int i = 0; i < evil_count; i++) {
		evil_close(evils[i]);
		free(evils[i]);
	}
	evil_count = 0;
}

static inline int world_begin(void **state)
{
	(void)state;
	ed25519_start();
	now_ms = NODE_START_MS;
	memset(&peer_at, 0, sizeof(peer_at));
	dial_count = 0;
	transcript_clear(&dials);
	node_explores = false;
	dial_answers = dial_is_real = dial_is_silent = false;
	node_log_bytes = 0;
	memset(book_known, 0, sizeof(book_known));
	node_open(bob, 1, "bob");
	return 0;
}

static inline int world_end(void **state)
{
	(void)state;
	for (int i = 0; i < NODES; i++)
		node_close(&nodes[i]);
	evils_end();
	if (dialled_fd >= 0)
		assert_int_equal(close(dialled_fd), 0);
	dialled_fd = -1;
	while (silent_count > 0)
		assert_int_equal(close(silent_fds[--silent_count]), 0);
	return 0;
}

#define world_test(test)                                                       \
	cmocka_unit_test_setup_teardown(test, world_begin, world_end)

#endif
