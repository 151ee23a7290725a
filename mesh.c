/* SPDX-License-Identifier: ISC */
/*
 * mesh.c: sockets, dialling, links, and who is sent what.
 *
 * A link's life, by whichever side it began:
 *
 *	dialled	 CONNECTING --connected--> PROLOGUE	accepted: PROLOGUE
 *	PROLOGUE --both addresses known--> HANDSHAKE --their heads--> UP
 *	any of them --end of file, error, deadline, refusal--> ended
 *
 * An ended link has no socket any more.  What it had received is still told,
 * unless it was refused; then its end is told, then it is freed: all in
 * mesh_next.
 *
 * Who may link with whom (the original's rules, and where we depart):
 *	1. Nobody links with itself: an address equal to our own is refused.
 *	2. A caller whose address sorts after ours is refused while we dial that
 *	   address ourselves, and for CROSSING_MS after our dial became a link;
 *	   one that sorts before ours is always let in.  So of two dials that
 *	   cross each other one survives.
 *	3. A link that is up takes the place of an older one to the same address
 *	   and author.  The original refuses the newer one if its caller sorts
 *	   after us, and so locks out a peer that lost its power until TCP
 *	   gives the dead link up.
 *	4. Two authors that call themselves by one address are both linked: two
 *	   people may have one name, and nobody can take another's place by
 *	   claiming it.
 *	5. Who is looked for by name must answer by that name.
 *
 * Who is sent what: every link gets every record above what it has.  What it
 * has is what its Handshake said, or what it sent us, or what we sent it:
 * next_seq[author] is the first number that is none of these.
 *
 * Invariants:
 *	1. link->fd >= 0 <==> the link has not ended.
 *	2. At most one link that is UP has any one address and author.
 *	3. A byte of a record leaves only after log_durable covers it, and a
 *	   head is told only as far as log_durable.
 *	4. writable is false only after the socket has refused bytes, until poll
 *	   says otherwise.
 *
 * This file does not know whether a record it received is wanted: chat.c
 * looks at the log's head and takes the next number or nothing.
 */
#include "platform.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mesh.h"
#include "net.h"
#include "record.h"

enum {
	LINKS = MESH_LINKS_MAX + MESH_NAMED_MAX + MESH_HALF_OPEN_MAX +
		MESH_DIALS_MAX,
	CROSSING_MS = 2 * 1000, /* that two dials may be apart */
	REASON_MAX = 80,
	LOCAL_MAX = MESH_ADDRESSES_MAX * 4,
	ACCEPTS_A_TURN = 16,
	RECORDS_A_TURN = 64,    /* of one author, then the next one's */
	WRITES_A_TURN = 4,      /* of one link, then the next one's */
	ACCEPT_PAUSE_MS = 1000, /* after the system ran out of something */
	KEEPALIVE_S = 15,       /* idle time before the first probe */
	KEEPALIVE_INTERVAL_S = 5,
	KEEPALIVE_PROBES = 3,
	UNACKNOWLEDGED_MS = 30 * 1000
};

enum link_state {
	LINK_CONNECTING, /* dialled, TCP is not connected yet */
	LINK_PROLOGUE,   /* who are you? */
	LINK_HANDSHAKE,  /* linked; the other side tells what it has */
	LINK_UP          /* records flow */
};

struct link {
	enum link_state state;
	enum mesh_role role;
	int fd;       /* -1: ended, `reason` says why */
	bool refused; /* ended, and what it sent means nothing */
	bool missed;  /* ended, and its peer is to be dialled again */
	int slot;
	int peer; /* that we dialled, or -1 */
	int64_t since_ms;
	int64_t deadline_ms;
	int64_t moved_ms; /* when `out` was last empty, or written from */
	char reason[REASON_MAX];
	bool writable;
	bool lagging;       /* there is more to send than fits into `out` */
	uint64_t log_count; /* when it was last found to lack nothing */
	uint32_t turn;      /* author whose records go next */
	bool have_key;
	uint8_t key[WIRE_KEY_SIZE]; /* author at the other end */
	uint32_t *next_seq;         /* by author */
	uint32_t authors;           /* entries in next_seq */
	uint32_t *told; /* heads of our Handshake, until it is sent */
	uint32_t told_count;
	uint32_t told_next;
	bool said_hello;
	struct wire wire;
};

struct peer {
	char address[WIRE_ADDRESS_MAX + 1]; /* "" while it is not known */
	bool named;  /* it was known from the beginning, and stays so */
	bool unused; /* it was forgotten */
	struct sockaddr_storage at[MESH_ADDRESSES_MAX];
	int count;
	int next;  /* address to dial next */
	int tried; /* addresses that failed since the last wait */
	bool dialling;
	int64_t dial_ms;
	int64_t dialled_ms; /* when it was dialled last */
	int64_t backoff_ms;
	int failures; /* waits since it was last linked */
	bool failed;  /* and that has to be told */
	char failure[REASON_MAX];
};

struct mesh {
	struct log *log;
	uint64_t log_count; /* in this turn */
	char address[WIRE_ADDRESS_MAX + 1];
	uint8_t key[WIRE_KEY_SIZE];
	uint64_t random;
	bool only;
	bool held;
	int listen_fds[MESH_LISTEN_MAX];
	int listen_slots[MESH_LISTEN_MAX];
	int64_t accept_ms;
	struct sockaddr_storage local[LOCAL_MAX];
	int local_count;
	struct peer peers[MESH_PEERS_MAX];
	int peer_count;
	struct link *links[LINKS];
	int turn;           /* link that mesh_next looks at */
	struct link *giver; /* of the record told last, or NULL */
	uint8_t given_key[WIRE_KEY_SIZE];
	uint32_t given_seq;
	char address_told[WIRE_ADDRESS_MAX + 1];
	char text_told[REASON_MAX];
	uint64_t records_sent;
	uint64_t records_received;
};

/* Leaves. */

/* Marsaglia's xorshift64: jitter needs no secrecy. */
static uint64_t random_next(struct mesh *m)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return m->random;
}

/* `ms`, give or take half of it. */
static int64_t jittered(struct mesh *m, int64_t ms)
{
	return ms / 2 + (int64_t)(random_next(m) % (uint64_t)(ms + 1));
}

static bool same_host(
	const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	const struct sockaddr_in *a4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in *b4 = (const struct sockaddr_in *)b;
	const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)a;
	const struct sockaddr_in6 *b6 = (const struct sockaddr_in6 *)b;

	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET)
		return a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return memcmp(&a6->sin6_addr, &b6->sin6_addr, 16) == 0;
}

/* Small frames leave at once, and a dead machine is found out. */
static void set_tcp_options(int fd)
{
	net_set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	net_set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
#if defined(TCP_KEEPIDLE)
	net_set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_S);
#elif defined(TCP_KEEPALIVE)
	net_set_option(fd, IPPROTO_TCP, TCP_KEEPALIVE, KEEPALIVE_S);
#endif
#if defined(TCP_KEEPINTVL) && defined(TCP_KEEPCNT)
	net_set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
	net_set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
#endif
#if defined(TCP_USER_TIMEOUT)
	net_set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS);
#endif
}

/* Links. */

static void link_enter(struct link *l, enum link_state state, int64_t now_ms)
{
	l->state = state;
	l->since_ms = now_ms;
	switch (state) {
	case LINK_CONNECTING:
	case LINK_PROLOGUE:
		l->moved_ms = now_ms;
		l->deadline_ms = now_ms + MESH_PROLOGUE_MS;
		break;
	case LINK_HANDSHAKE:
		l->deadline_ms = now_ms + MESH_HANDSHAKE_MS;
		break;
	case LINK_UP:
		l->deadline_ms = INT64_MAX;
		break;
	}
}

static void link_end(struct link *l, const char *reason)
{
	if (l->fd < 0)
		return;
	(void)close(l->fd); /* what it had accepted is TCP's now */
	l->fd = -1;
	l->slot = LOOP_NO_SLOT;
	(void)snprintf(l->reason, sizeof(l->reason), "%s", reason);
}

/* Ends a connection that must not be a link: nobody hears what it sent. */
static void link_refuse(struct link *l, const char *reason)
{
	link_end(l, reason);
	l->refused = true;
}

static void link_free(struct mesh *m, int index)
{
	struct link *l = m->links[index];

	link_end(l, "");
	free(l->next_seq);
	free(l->told);
	free(l);
	m->links[index] = NULL;
}

static bool link_is_linked(const struct link *l)
{
	return l != NULL && l->fd >= 0 && l->state >= LINK_HANDSHAKE;
}

static struct link *link_to(const struct mesh *m, const char *address)
{
	for (int i = 0; i < LINKS; i++) {
		struct link *l = m->links[i];

		if (link_is_linked(l) && strcmp(l->wire.peer, address) == 0)
			return l;
	}
	return NULL;
}

/* May a connection that has this end here be used at all? */
static bool local_allowed(const struct mesh *m, int fd)
{
	struct sockaddr_storage local = { .ss_family = AF_UNSPEC };
	socklen_t size = sizeof(local);

	if (m->local_count == 0)
		return true;
	if (getsockname(fd, (struct sockaddr *)&local, &size) < 0)
		return false;
	for (int i = 0; i < m->local_count; i++) {
		if (same_host(&m->local[i], &local))
			return true;
	}
	return false;
}

/* One entry in next_seq for each author of the log; new ones lack all. */
static bool link_grow(struct link *l, uint32_t authors)
{
	uint32_t wanted = l->authors == 0 ? 16 : l->authors;
	uint32_t *larger;

	if (authors <= l->authors)
		return true;
	while (wanted < authors)
		wanted *= 2;
	larger = realloc(l->next_seq, wanted * sizeof(*larger));
	if (larger == NULL)
		return false;
	for (; l->authors < wanted; l->authors++)
		larger[l->authors] = 1;
	l->next_seq = larger;
	return true;
}

/* The other side has the author's records up to `seq`. */
static void link_has(
	struct mesh *m, struct link *l, const uint8_t *key, uint32_t seq)
{
	uint32_t author = log_find(m->log, key);

	if (author == LOG_NO_AUTHOR || seq == UINT32_MAX)
		return;
	if (!link_grow(l, author + 1))
		return; /* then it is sent what it has already */
	if (l->next_seq[author] <= seq)
		l->next_seq[author] = seq + 1;
}

/* Peers. */

static struct peer *peer_at(struct mesh *m, int index)
{
	assert(index >= 0 && index < m->peer_count);
	return &m->peers[index];
}

static bool peer_is_linked(const struct mesh *m, int index)
{
	const char *address = m->peers[index].address;

	if (address[0] != '\0' && link_to(m, address) != NULL)
		return true;
	for (int i = 0; i < LINKS; i++) {
		if (link_is_linked(m->links[i]) && m->links[i]->peer == index)
			return true;
	}
	return false;
}

static bool peer_is_dialled(const struct mesh *m, const char *address)
{
	for (int i = 0; i < m->peer_count; i++) {
		if (m->peers[i].dialling &&
			strcmp(m->peers[i].address, address) == 0)
			return true;
	}
	return false;
}

static bool peer_is_named(const struct mesh *m, const char *address)
{
	for (int i = 0; i < m->peer_count; i++) {
		if (strcmp(m->peers[i].address, address) == 0)
			return true;
	}
	return false;
}

static void peer_wait(struct mesh *m, struct peer *p, int64_t now_ms)
{
	p->tried = 0;
	p->dial_ms = now_ms + jittered(m, p->backoff_ms);
	p->backoff_ms *= 2;
	if (p->backoff_ms > MESH_BACKOFF_MAX_MS)
		p->backoff_ms = MESH_BACKOFF_MAX_MS;
}

/* One address did not lead to a link: try the next, or wait. */
static void peer_failed(
	struct mesh *m, struct peer *p, const char *reason, int64_t now_ms)
{
	p->dialling = false;
	p->next = p->count == 0 ? 0 : (p->next + 1) % p->count;
	p->dial_ms = now_ms;
	if (++p->tried < p->count)
		return;
	p->failures++;
	p->failed = true;
	(void)snprintf(p->failure, sizeof(p->failure), "%s", reason);
	peer_wait(m, p, now_ms);
}

/*
 * The link to a peer is gone; one that had lasted is dialled soon.  This is
 * noted once, before anybody is dialled again.
 */
static void peer_lost(struct mesh *m, struct link *l, int64_t now_ms)
{
	if (l->fd >= 0 || l->state < LINK_HANDSHAKE || l->missed)
		return;
	l->missed = true;
	for (int i = 0; i < m->peer_count; i++) {
		struct peer *p = &m->peers[i];

		if (l->peer != i && strcmp(p->address, l->wire.peer) != 0)
			continue;
		if (now_ms - l->since_ms >= MESH_STEADY_MS)
			p->backoff_ms = MESH_BACKOFF_MIN_MS;
		peer_wait(m, p, now_ms);
	}
}

static int link_place(const struct mesh *m)
{
	for (int i = 0; i < LINKS; i++) {
		if (m->links[i] == NULL)
			return i;
	}
	return -1;
}

static int linked_count(const struct mesh *m)
{
	int count = 0;

	for (int i = 0; i < LINKS; i++)
		count += link_is_linked(m->links[i]);
	return count;
}

static bool link_is_half_open(const struct link *l, enum mesh_role role)
{
	return l != NULL && l->fd >= 0 && l->state < LINK_HANDSHAKE &&
	       l->role == role;
}

static int half_open_count(const struct mesh *m, enum mesh_role role)
{
	int count = 0;

	for (int i = 0; i < LINKS; i++)
		count += link_is_half_open(m->links[i], role);
	return count;
}

/* Too many callers that never say who they are: the oldest must go. */
static void drop_oldest_half_open(struct mesh *m)
{
	struct link *oldest = NULL;

	for (int i = 0; i < LINKS; i++) {
		struct link *l = m->links[i];

		if (link_is_half_open(l, MESH_ACCEPTED) &&
			(oldest == NULL || l->since_ms < oldest->since_ms))
			oldest = l;
	}
	if (oldest != NULL)
		link_end(oldest, "too many callers");
}

/* Makes a link of a socket that may still be connecting; takes over fd. */
static struct link *link_make(
	struct mesh *m, int fd, enum mesh_role role, int peer)
{
	int place = link_place(m);
	struct link *l = NULL;
	int error;

	errno = ENOBUFS;
	if (place >= 0 && net_set_flags(fd) == 0)
		l = malloc(sizeof(*l));
	if (l == NULL) {
		error = errno;
		(void)close(fd); /* nothing was sent on it */
		errno = error;
		return NULL;
	}
	memset(l, 0, offsetof(struct link, wire));
	wire_open(&l->wire, role == MESH_DIALLED ? WIRE_DIALLER : WIRE_ACCEPTOR,
		m->address);
	set_tcp_options(fd);
	l->role = role;
	l->fd = fd;
	l->slot = LOOP_NO_SLOT;
	l->peer = peer;
	l->writable = true;
	m->links[place] = l;
	return l;
}

int mesh_adopt(
	struct mesh *m, int fd, enum mesh_role role, int peer, int64_t now_ms)
{
	struct link *l;

	if (role == MESH_ACCEPTED &&
		half_open_count(m, MESH_ACCEPTED) >= MESH_HALF_OPEN_MAX)
		drop_oldest_half_open(m);
	l = link_make(m, fd, role, peer);
	if (l == NULL)
		return -1;
	if (peer >= 0)
		peer_at(m, peer)->dialling = true;
	link_enter(l, LINK_PROLOGUE, now_ms);
	if (!local_allowed(m, fd))
		link_end(l, "it came over an interface that is not allowed");
	return 0;
}

static void peer_dial(struct mesh *m, int index, int64_t now_ms)
{
	struct peer *p = peer_at(m, index);
	const struct sockaddr_storage *to = &p->at[p->next];
	int fd = socket(to->ss_family, SOCK_STREAM, 0);
	struct link *l;

	if (fd < 0) {
		peer_failed(m, p, strerror(errno), now_ms);
		return;
	}
	l = link_make(m, fd, MESH_DIALLED, index);
	if (l == NULL) {
		peer_failed(m, p, strerror(errno), now_ms);
		return;
	}
	p->dialling = true;
	p->dialled_ms = now_ms;
	link_enter(l, LINK_CONNECTING, now_ms);
	if (connect(fd, (const struct sockaddr *)to, net_address_size(to)) <
			0 &&
		errno != EINPROGRESS && errno != EINTR)
		link_end(l, strerror(errno));
}

/* Is only the time missing? */
static bool peer_may_dial(const struct mesh *m, int index)
{
	const struct peer *p = &m->peers[index];

	return p->count > 0 && !p->dialling && !peer_is_linked(m, index) &&
	       half_open_count(m, MESH_DIALLED) < MESH_DIALS_MAX;
}

static void peers_dial(struct mesh *m, int64_t now_ms)
{
	for (int i = 0; i < LINKS; i++) {
		if (m->links[i] != NULL)
			peer_lost(m, m->links[i], now_ms);
	}
	for (int i = 0; i < m->peer_count; i++) {
		if (now_ms >= m->peers[i].dial_ms && peer_may_dial(m, i))
			peer_dial(m, i, now_ms);
	}
}

/* Moving bytes. */

static void link_read(struct link *l)
{
	uint8_t *tail = fifo_tail(&l->wire.in);
	size_t room = fifo_room(&l->wire.in);
	ssize_t n;

	if (room == 0)
		return;
	n = recv(l->fd, tail, room, 0);
	if (n > 0)
		fifo_added(&l->wire.in, (size_t)n);
	else if (n == 0)
		link_end(l, "it left");
	else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
		link_end(l, "the connection was lost");
}

static void link_write(struct link *l, int64_t now_ms)
{
	struct fifo *out = &l->wire.out;
	ssize_t n;

	if (fifo_size(out) == 0 || !l->writable || l->fd < 0)
		return;
#if defined(MSG_NOSIGNAL)
	n = send(l->fd, fifo_head(out), fifo_size(out), MSG_NOSIGNAL);
#else
	n = send(l->fd, fifo_head(out), fifo_size(out), 0);
#endif
	if (n >= 0) {
		l->writable = (size_t)n == fifo_size(out);
		l->moved_ms = now_ms;
		fifo_drop(out, (size_t)n);
	} else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
		l->writable = false;
	} else {
		link_end(l, "the connection was lost");
	}
}

static void link_connected(struct mesh *m, struct link *l, int64_t now_ms)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	if (error != 0)
		link_end(l, strerror(error));
	else if (!local_allowed(m, l->fd))
		link_end(l, "it is reached over an interface that is not "
			    "allowed");
	else
		link_enter(l, LINK_PROLOGUE, now_ms);
}

static void link_run(
	struct mesh *m, struct link *l, const struct loop *loop, int64_t now_ms)
{
	short ready = loop_ready(loop, l->slot);

	l->slot = LOOP_NO_SLOT;
	if (l->state == LINK_CONNECTING) {
		if (ready != 0)
			link_connected(m, l, now_ms);
	} else {
		if ((ready & POLLOUT) != 0)
			l->writable = true;
		if ((ready & ~POLLOUT) != 0)
			link_read(l);
	}
	if (l->fd >= 0 && now_ms >= l->deadline_ms)
		link_refuse(l, l->state == LINK_CONNECTING ? strerror(ETIMEDOUT)
							   : "it said nothing");
	if (l->fd >= 0 && fifo_size(&l->wire.out) > 0 &&
		now_ms - l->moved_ms >= MESH_STALL_MS &&
		l->state >= LINK_HANDSHAKE)
		link_end(l, "it took nothing for too long");
}

static void listener_run(struct mesh *m, int fd, int64_t now_ms)
{
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		int accepted = accept(fd, NULL, NULL);

		if (accepted < 0) {
			if (errno == EMFILE || errno == ENFILE ||
				errno == ENOBUFS || errno == ENOMEM)
				m->accept_ms = now_ms + ACCEPT_PAUSE_MS;
			return;
		}
		/* Refused when there is no place: the caller tries again. */
		(void)!mesh_adopt(m, accepted, MESH_ACCEPTED, -1, now_ms);
	}
}

/* Sending. */

/* Freezes what our Handshake tells: its length comes before its content. */
static bool hello_begin(struct mesh *m, struct link *l)
{
	uint32_t count = log_author_count(m->log);
	size_t size = 0;

	if (l->told == NULL) {
		l->told = calloc(count + 1, sizeof(*l->told));
		if (l->told == NULL)
			return false;
		l->told_count = count;
	}
	for (uint32_t i = 0; i < l->told_count; i++) {
		uint64_t head = log_durable(m->log, i);

		l->told[i] = head > UINT32_MAX ? UINT32_MAX : (uint32_t)head;
		if (head > 0)
			size += wire_head_size(log_key(m->log, i), l->told[i]);
	}
	return wire_put_handshake(&l->wire, m->key, size);
}

/* Puts as much of our Handshake as fits; true when all of it was put. */
static bool link_fill_hello(struct mesh *m, struct link *l)
{
	if (!l->said_hello && !hello_begin(m, l))
		return false;
	l->said_hello = true;
	for (; l->told_next < l->told_count; l->told_next++) {
		uint32_t seq = l->told[l->told_next];

		if (seq > 0 && !wire_put_head(&l->wire,
				       log_key(m->log, l->told_next), seq)) {
			l->lagging = true;
			return false;
		}
	}
	/* Until it is up, there is nothing to send but this. */
	if (l->state != LINK_UP)
		l->lagging = false;
	free(l->told);
	l->told = NULL;
	l->told_count = l->told_next = 0;
	return true;
}

/* Puts one author's records; true when they all, or a turn's share, fit. */
static bool link_fill_author(struct mesh *m, struct link *l, uint32_t author)
{
	uint64_t durable = log_durable(m->log, author);
	uint32_t *next = &l->next_seq[author];
	struct log_record stored;
	struct record record;

	for (int i = 0; i < RECORDS_A_TURN && *next <= durable; i++) {
		/* A damaged record can not be served; others can. */
		if (log_read(m->log, author, *next, &stored) < 0 ||
			!record_decode(stored.bytes, stored.size, &record))
			return true;
		if (!wire_put_change(
			    &l->wire, stored.key, *next, record.payload))
			return false;
		++*next;
		m->records_sent++;
	}
	if (*next <= durable)
		l->lagging = true;
	return true;
}

/* Puts the records that the link lacks, authors taking turns. */
static void link_fill_records(struct mesh *m, struct link *l)
{
	uint32_t authors = log_author_count(m->log);

	if (!l->lagging && l->log_count == m->log_count)
		return;
	l->lagging = false;
	l->log_count = m->log_count;
	if (l->wire.mode == WIRE_PUSH || !link_grow(l, authors))
		return;
	for (uint32_t i = 0; i < authors; i++) {
		if (l->turn >= authors)
			l->turn = 0;
		if (!link_fill_author(m, l, l->turn)) {
			l->lagging = true;
			return;
		}
		l->turn++;
	}
}

static void link_flush(struct mesh *m, struct link *l, int64_t now_ms)
{
	for (int i = 0; i < WRITES_A_TURN; i++) {
		if (fifo_size(&l->wire.out) == 0)
			l->moved_ms = now_ms;
		/* Records wait until it is known what the other side has. */
		if (l->state >= LINK_HANDSHAKE && link_fill_hello(m, l) &&
			l->state == LINK_UP)
			link_fill_records(m, l);
		link_write(l, now_ms);
		if (l->fd < 0 || !l->writable || !l->lagging)
			return;
	}
}

void mesh_flush(struct mesh *m, int64_t now_ms)
{
	m->log_count = log_count(m->log);
	for (int i = 0; i < LINKS; i++) {
		if (m->links[i] != NULL && m->links[i]->fd >= 0 &&
			m->links[i]->state != LINK_CONNECTING)
			link_flush(m, m->links[i], now_ms);
	}
}

/* What links tell. */

/* The answer to a caller: NULL to let it in, or why not; "" is silence. */
static const char *caller_refusal(
	const struct mesh *m, const char *address, int64_t now_ms)
{
	const struct link *ours = link_to(m, address);

	if (strcmp(address, m->address) == 0)
		return "";
	if (m->only && !peer_is_named(m, address))
		return "it is not one of those named";
	if (strcmp(address, m->address) < 0)
		return NULL;
	if (peer_is_dialled(m, address) ||
		(ours != NULL && ours->role == MESH_DIALLED &&
			now_ms - ours->since_ms < CROSSING_MS))
		return "";
	return NULL;
}

/*
 * Ends our dials to somebody who has just dialled us, if ours is the later
 * name: going on, they would only take this link's place (rule 2).
 */
static void dials_drop(struct mesh *m, const char *address)
{
	for (int i = 0; i < LINKS; i++) {
		struct link *l = m->links[i];

		if (l != NULL && l->peer >= 0 && l->state < LINK_HANDSHAKE &&
			strcmp(peer_at(m, l->peer)->address, address) == 0 &&
			strcmp(m->address, address) > 0)
			link_end(l, "");
	}
}

/* The prologue is over: the connection is a link, unless it must not be. */
static void link_named(struct mesh *m, struct link *l, int64_t now_ms)
{
	const char *address = l->wire.peer;
	struct peer *p = l->peer >= 0 ? peer_at(m, l->peer) : NULL;
	int most = MESH_LINKS_MAX;

	if (p != NULL || peer_is_named(m, address))
		most += MESH_NAMED_MAX;
	if (strcmp(address, m->address) == 0) {
		link_refuse(l, "it has this program's own name and port");
		return;
	}
	if (p != NULL && p->named && strcmp(p->address, address) != 0) {
		link_refuse(l, "somebody else answers there");
		return;
	}
	if (link_to(m, address) == NULL && linked_count(m) >= most) {
		link_refuse(l, "there are too many links");
		return;
	}
	if (p != NULL) {
		p->dialling = false;
		p->tried = p->failures = 0;
		if (!p->named)
			(void)snprintf(
				p->address, sizeof(p->address), "%s", address);
	}
	link_enter(l, LINK_HANDSHAKE, now_ms);
	dials_drop(m, address);
}

/* Ends the older links that this one takes the place of (rule 3). */
static void link_replace(struct mesh *m, const struct link *l)
{
	for (int i = 0; i < LINKS; i++) {
		struct link *older = m->links[i];

		if (older != l && link_is_linked(older) &&
			older->state == LINK_UP &&
			strcmp(older->wire.peer, l->wire.peer) == 0 &&
			older->have_key == l->have_key &&
			memcmp(older->key, l->key, sizeof(l->key)) == 0)
			link_end(older, "a newer link took its place");
	}
}

static bool link_tell_up(struct mesh *m, struct link *l,
	struct mesh_event *event, int64_t now_ms)
{
	link_replace(m, l);
	link_enter(l, LINK_UP, now_ms);
	l->lagging = true;
	event->kind = MESH_UP;
	event->address = l->wire.peer;
	event->have_key = l->have_key;
	memcpy(event->key, l->key, sizeof(l->key));
	return true;
}

/* One thing that the wire tells.  True when it has to be told on. */
static bool link_event(struct mesh *m, struct link *l,
	const struct wire_event *told, struct mesh_event *event, int64_t now_ms)
{
	const char *refusal;

	/* Of a link that has ended, only the records that it had sent count. */
	if (l->fd < 0 && l->state != LINK_UP)
		return false;
	switch (told->kind) {
	case WIRE_EVENT_CALLER:
		refusal = caller_refusal(m, told->text, now_ms);
		if (refusal == NULL)
			wire_admit(&l->wire);
		else
			link_refuse(l, refusal);
		return false;
	case WIRE_EVENT_LINK:
		link_named(m, l, now_ms);
		return false;
	case WIRE_EVENT_ID:
		l->have_key = true;
		memcpy(l->key, told->key, sizeof(l->key));
		if (memcmp(l->key, m->key, sizeof(l->key)) == 0)
			link_refuse(l, "it uses a copy of this database");
		return false;
	case WIRE_EVENT_HEAD:
		link_has(m, l, told->key, told->seq);
		return false;
	case WIRE_EVENT_READY:
		return link_tell_up(m, l, event, now_ms);
	case WIRE_EVENT_CHANGE:
		m->records_received++;
		m->giver = l;
		event->kind = MESH_RECORD;
		event->address = l->wire.peer;
		event->seq = told->seq;
		event->bytes = told->bytes;
		event->size = told->size;
		memcpy(event->key, told->key, sizeof(event->key));
		memcpy(m->given_key, told->key, sizeof(m->given_key));
		m->given_seq = told->seq;
		return true;
	case WIRE_EVENT_BROKEN:
		link_end(l, told->text);
		return false;
	}
	return false;
}

/*
 * Whoever gave us a record has it.  This is noted when the next event is
 * asked for: by then the log knows the author, if it took the record.
 */
static void note_giver(struct mesh *m)
{
	if (m->giver != NULL)
		link_has(m, m->giver, m->given_key, m->given_seq);
	m->giver = NULL;
}

/* The end of a link, once all that it sent was told; frees it. */
static bool link_tell_end(
	struct mesh *m, int index, struct mesh_event *event, int64_t now_ms)
{
	struct link *l = m->links[index];
	bool dial_failed = l->peer >= 0 && l->state < LINK_HANDSHAKE;
	bool tell = l->reason[0] != '\0' && !dial_failed;

	event->kind = l->state == LINK_UP ? MESH_DOWN : MESH_REFUSED;
	if (l->have_key && memcmp(l->key, m->key, sizeof(l->key)) == 0)
		event->kind = MESH_TWIN;
	event->address = m->address_told;
	event->text = m->text_told;
	event->have_key = l->have_key;
	memcpy(event->key, l->key, sizeof(event->key));
	memcpy(m->address_told, l->wire.peer, sizeof(m->address_told));
	memcpy(m->text_told, l->reason, sizeof(m->text_told));
	if (dial_failed && l->reason[0] != '\0')
		peer_failed(m, peer_at(m, l->peer), l->reason, now_ms);
	else if (dial_failed)
		peer_at(m, l->peer)->dialling = false; /* dials_drop */
	peer_lost(m, l, now_ms);
	link_free(m, index);
	return tell;
}

static bool link_next(
	struct mesh *m, int index, struct mesh_event *event, int64_t now_ms)
{
	struct link *l = m->links[index];
	struct wire_event told;

	if (l == NULL || (m->held && l->state == LINK_UP))
		return false;
	while (!l->refused && wire_next(&l->wire, &told)) {
		if (link_event(m, l, &told, event, now_ms))
			return true;
	}
	return l->fd < 0 && link_tell_end(m, index, event, now_ms);
}

static bool peers_next(struct mesh *m, struct mesh_event *event)
{
	for (int i = 0; i < m->peer_count; i++) {
		struct peer *p = &m->peers[i];

		if (!p->failed)
			continue;
		p->failed = false;
		event->kind = MESH_UNREACHABLE;
		event->peer = i;
		event->address = p->address;
		event->text = p->failure;
		event->failures = p->failures;
		return true;
	}
	return false;
}

/* Links are emptied one after the other, each as far as it goes. */
bool mesh_next(struct mesh *m, struct mesh_event *event, int64_t now_ms)
{
	note_giver(m);
	memset(event, 0, sizeof(*event));
	for (int tried = 0; tried < LINKS; tried++) {
		if (link_next(m, m->turn, event, now_ms))
			return true;
		m->turn = (m->turn + 1) % LINKS;
	}
	return peers_next(m, event);
}

void mesh_relink(struct mesh *m)
{
	for (int i = 0; i < LINKS; i++) {
		if (link_is_linked(m->links[i]))
			link_end(
				m->links[i], "it is asked for what is missing");
	}
}

void mesh_hold(struct mesh *m, bool held)
{
	m->held = held;
}

/* Life. */

struct mesh *mesh_open(const struct mesh_options *options, struct log *log)
{
	struct mesh *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->log = log;
	m->random = options->seed | 1;
	m->only = options->only;
	memcpy(m->key, options->key, sizeof(m->key));
	mesh_set_address(m, options->address);
	for (int i = 0; i < MESH_LISTEN_MAX; i++)
		m->listen_fds[i] = m->listen_slots[i] = -1;
	return m;
}

void mesh_close(struct mesh *m)
{
	int error = errno;

	if (m == NULL)
		return;
	for (int i = 0; i < LINKS; i++) {
		if (m->links[i] != NULL)
			link_free(m, i);
	}
	for (int i = 0; i < MESH_LISTEN_MAX; i++) {
		if (m->listen_fds[i] >= 0)
			(void)close(m->listen_fds[i]);
	}
	free(m);
	errno = error;
}

void mesh_set_address(struct mesh *m, const char *address)
{
	assert(wire_address_valid(address, strlen(address)));
	(void)snprintf(m->address, sizeof(m->address), "%s", address);
}

void mesh_set_local(
	struct mesh *m, const struct sockaddr_storage *local, int count)
{
	assert(count <= LOCAL_MAX);
	memcpy(m->local, local, (size_t)count * sizeof(*local));
	m->local_count = count;
}

static int listen_on(int family, uint16_t port)
{
	struct sockaddr_storage any;
	struct sockaddr_in *any4 = (struct sockaddr_in *)&any;
	struct sockaddr_in6 *any6 = (struct sockaddr_in6 *)&any;
	int fd = socket(family, SOCK_STREAM, 0);
	int error;

	if (fd < 0)
		return -1;
	memset(&any, 0, sizeof(any));
	any.ss_family = (sa_family_t)family;
	if (family == AF_INET6) {
		any6->sin6_port = htons(port);
		net_set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	} else {
		any4->sin_port = htons(port);
	}
	net_set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (net_set_flags(fd) == 0 &&
		bind(fd, (struct sockaddr *)&any, net_address_size(&any)) ==
			0 &&
		listen(fd, MESH_HALF_OPEN_MAX) == 0)
		return fd;
	error = errno;
	(void)close(fd); /* nobody knows of it yet */
	errno = error;
	return -1;
}

static int port_of(int fd)
{
	struct sockaddr_in local = { .sin_port = 0 };
	socklen_t size = sizeof(local);

	if (getsockname(fd, (struct sockaddr *)&local, &size) < 0)
		return -1;
	return ntohs(local.sin_port);
}

int mesh_listen(struct mesh *m, uint16_t port)
{
	int fd = listen_on(AF_INET, port);
	int bound = fd < 0 ? -1 : port_of(fd);

	if (bound < 0)
		return -1;
	m->listen_fds[0] = fd;
	/* Without IPv6, or with this port taken there, IPv4 is enough. */
	m->listen_fds[1] = listen_on(AF_INET6, (uint16_t)bound);
	return bound;
}

int mesh_add_peer(struct mesh *m, const char *address)
{
	int index = 0;
	struct peer *p;

	while (index < m->peer_count && !m->peers[index].unused)
		index++;
	if (index == MESH_PEERS_MAX)
		return -1;
	if (index == m->peer_count)
		m->peer_count++;
	p = &m->peers[index];
	memset(p, 0, sizeof(*p));
	mesh_set_peer_address(m, index, address);
	p->dialled_ms = INT64_MIN / 2;
	p->backoff_ms = MESH_BACKOFF_MIN_MS;
	return index;
}

void mesh_set_peer_address(struct mesh *m, int peer, const char *address)
{
	struct peer *p = peer_at(m, peer);

	(void)snprintf(p->address, sizeof(p->address), "%s", address);
	p->named = address[0] != '\0';
}

void mesh_forget_peer(struct mesh *m, int peer)
{
	struct peer *p = peer_at(m, peer);

	for (int i = 0; i < LINKS; i++) {
		struct link *l = m->links[i];

		if (l == NULL || l->peer != peer)
			continue;
		if (!link_is_linked(l))
			link_end(l, "");
		l->peer = -1;
	}
	memset(p, 0, sizeof(*p));
	p->unused = true;
}

void mesh_found(struct mesh *m, int peer,
	const struct sockaddr_storage *addresses, int count, int64_t now_ms)
{
	struct peer *p = peer_at(m, peer);
	int64_t soon_ms = p->dialled_ms + MESH_FOUND_MS;

	if (count > MESH_ADDRESSES_MAX)
		count = MESH_ADDRESSES_MAX;
	memcpy(p->at, addresses, (size_t)count * sizeof(*addresses));
	p->count = count;
	if (p->next >= count)
		p->next = 0;
	if (soon_ms < now_ms)
		soon_ms = now_ms;
	if (soon_ms < p->dial_ms)
		p->dial_ms = soon_ms;
}

bool mesh_is_linked(const struct mesh *m, int peer)
{
	return peer_is_linked(m, peer);
}

bool mesh_is_idle(const struct mesh *m)
{
	uint64_t count = log_count(m->log);

	for (int i = 0; i < LINKS; i++) {
		const struct link *l = m->links[i];

		if (link_is_linked(l) &&
			(fifo_size(&l->wire.out) > 0 || l->lagging ||
				l->state == LINK_HANDSHAKE ||
				l->log_count != count))
			return false;
	}
	return true;
}

bool mesh_has_link(const struct mesh *m, const char *address)
{
	return link_to(m, address) != NULL;
}

void mesh_count(const struct mesh *m, struct mesh_counts *counts)
{
	counts->links = linked_count(m);
	counts->half_open = half_open_count(m, MESH_ACCEPTED) +
			    half_open_count(m, MESH_DIALLED);
	counts->records_sent = m->records_sent;
	counts->records_received = m->records_received;
}

static void link_want(struct mesh *m, struct link *l, struct loop *loop)
{
	int events = 0;

	if (l->fd < 0) {
		if (!m->held || l->state != LINK_UP)
			loop_wake(loop, loop->now_ms); /* its end is to tell */
		return;
	}
	loop_wake(loop, l->deadline_ms);
	if (l->state == LINK_CONNECTING) {
		events = POLLOUT;
	} else {
		if (fifo_room(&l->wire.in) > 0)
			events |= POLLIN;
		if (fifo_size(&l->wire.out) > 0 || l->lagging)
			events |= POLLOUT;
	}
	if (fifo_size(&l->wire.out) > 0)
		loop_wake(loop, l->moved_ms + MESH_STALL_MS);
	/* Without events poll would still report that the other side left. */
	if (events != 0)
		l->slot = loop_add(loop, l->fd, (short)events);
}

void mesh_want(struct mesh *m, struct loop *loop)
{
	for (int i = 0; i < LINKS; i++) {
		if (m->links[i] != NULL)
			link_want(m, m->links[i], loop);
	}
	for (int i = 0; i < m->peer_count; i++) {
		if (peer_may_dial(m, i))
			loop_wake(loop, m->peers[i].dial_ms);
	}
	for (int i = 0; i < MESH_LISTEN_MAX; i++) {
		m->listen_slots[i] = LOOP_NO_SLOT;
		if (m->listen_fds[i] < 0)
			continue;
		if (loop->now_ms < m->accept_ms)
			loop_wake(loop, m->accept_ms);
		else
			m->listen_slots[i] =
				loop_add(loop, m->listen_fds[i], POLLIN);
	}
}

void mesh_run(struct mesh *m, const struct loop *loop, int64_t now_ms)
{
	for (int i = 0; i < LINKS; i++) {
		if (m->links[i] != NULL && m->links[i]->fd >= 0)
			link_run(m, m->links[i], loop, now_ms);
	}
	for (int i = 0; i < MESH_LISTEN_MAX; i++) {
		if (loop_ready(loop, m->listen_slots[i]) != 0)
			listener_run(m, m->listen_fds[i], now_ms);
	}
	peers_dial(m, now_ms);
}
