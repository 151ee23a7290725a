/* SPDX-License-Identifier: ISC */
/*
 * link.c: one connection: its socket's bytes, its states, and who has to go
 * when there are too many.  link.h has the state diagram.
 */
#include "platform.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "links/link.h"
#include "net.h"

enum {
	KEEPALIVE_S = 15, /* idle time before the first probe */
	KEEPALIVE_INTERVAL_S = 5,
	KEEPALIVE_PROBES = 3,
	UNACKNOWLEDGED_MS = 30 * 1000,
	RESEND_MAX_MS = 1000 /* from one attempt of TCP to the next */
};

/* Of Linux 6.15, which most headers do not know yet. */
#if defined(__linux__) && !defined(TCP_RTO_MAX_MS)
#define TCP_RTO_MAX_MS 44
#endif

/*
 * Small frames leave at once, and a dead machine is found out.  So is a network
 * that is mended: TCP by itself lets as much time pass again as it was away.
 */
static void set_tcp_options(int fd)
{
	net_set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	net_set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
#if defined(TCP_KEEPIDLE)
	net_set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_S);
#elif defined(TCP_KEEPALIVE)
	net_set_option(fd, IPPROTO_TCP, TCP_KEEPALIVE, KEEPALIVE_S);
#endif
#if defined(TCP_RTO_MAX_MS)
	net_set_option(fd, IPPROTO_TCP, TCP_RTO_MAX_MS, RESEND_MAX_MS);
#endif
#if defined(TCP_KEEPINTVL) && defined(TCP_KEEPCNT)
	net_set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
	net_set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
#endif
#if defined(TCP_USER_TIMEOUT)
	net_set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS);
#endif
}

struct fifo *link_in(struct link *l)
{
	return l->kind == LINK_LEGACY ? &l->legacy->in : &l->wire.in;
}

struct fifo *link_out(struct link *l)
{
	return l->kind == LINK_LEGACY ? &l->legacy->out : &l->wire.out;
}

bool link_is_native(const struct link *l)
{
	return l != NULL && l->sync != NULL;
}

bool link_is_legacy(const struct link *l)
{
	return l != NULL && l->kind == LINK_LEGACY && l->state >= LINK_HEADS;
}

/* Is it a link by now, and still one? */
bool link_is_linked(const struct link *l)
{
	return l != NULL && l->fd >= 0 && l->state >= LINK_HEADS;
}

void link_enter(struct link *l, enum link_state state, int64_t now_ms)
{
	l->state = state;
	l->since_ms = l->heard_ms = now_ms;
	switch (state) {
	case LINK_CONNECTING:
		l->moved_ms = now_ms;
		l->deadline_ms = now_ms + LIMIT_HANDSHAKE_MS;
		break;
	case LINK_GREETING:
		l->moved_ms = now_ms;
		if (l->deadline_ms == 0) /* connecting counts, too */
			l->deadline_ms = now_ms + LIMIT_HANDSHAKE_MS;
		if (l->role == MESH_ACCEPTED)
			l->deadline_ms = now_ms + LIMIT_FIRST_BYTE_MS;
		break;
	case LINK_HEADS:
		l->deadline_ms =
			now_ms + (l->kind == LINK_NATIVE
						 ? LIMIT_HANDSHAKE_MS
						 : LIMIT_LEGACY_HEADS_MS);
		break;
	case LINK_UP:
		l->deadline_ms = INT64_MAX;
		break;
	}
}

void link_end(struct link *l, const char *reason)
{
	if (l->fd < 0)
		return;
	(void)close(l->fd); /* what it had accepted is TCP's now */
	l->fd = -1;
	l->slot = LOOP_NO_SLOT;
	(void)snprintf(l->reason, sizeof(l->reason), "%s", reason);
}

/* Ends a connection that must not be a link: nobody hears what it sent. */
void link_refuse(struct link *l, const char *reason)
{
	link_end(l, reason);
	l->refused = true;
}

/* Ends a native link with a word that the other side can believe. */
void link_leave(
	struct mesh *m, struct link *l, const char *reason, int64_t now_ms)
{
	uint8_t bytes[MESSAGE_REASON_MAX + 8];
	struct writer w = writer_over(bytes, sizeof(bytes));

	if (l->fd >= 0 && l->sync != NULL) {
		message_put_bye(&w, reason);
		/* Without room for it, the connection is lost, to them. */
		if (wire_put(&l->wire, MESSAGE_BYE, w.bytes, w.size))
			wire_seal(&l->wire);
		link_write(m, l, now_ms);
	}
	link_end(l, reason);
}

void link_free(struct mesh *m, int index, int64_t now_ms)
{
	struct link *l = m->links[index];

	link_end(l, "");
	if (m->giver == l)
		m->giver = NULL;
	sync_link_close(m->sync, l->sync, now_ms);
	wire_close(&l->wire);
	feed_close(&l->feed);
	free(l->buffers);
	free(l->legacy);
	free(l);
	m->links[index] = NULL;
}

bool link_has_key(const struct link *l, const uint8_t *key)
{
	return link_is_native(l) && l->fd >= 0 &&
	       memcmp(l->wire.peer.public_key, key, RECORD_KEY_SIZE) == 0;
}

void link_note_near(struct link *l)
{
	struct sockaddr_storage here;
	socklen_t size = sizeof(here);

	memset(&here, 0, sizeof(here));
	l->near = net_is_loopback(&l->at) || l->at.ss_family == AF_UNIX ||
		  l->at.ss_family == AF_UNSPEC ||
		  (getsockname(l->fd, (struct sockaddr *)&here, &size) == 0 &&
			  net_same_host(&here, &l->at));
}

/* May a connection that has this end here be used at all? */
bool link_local_allowed(const struct mesh *m, int fd)
{
	struct sockaddr_storage local = { .ss_family = AF_UNSPEC };
	socklen_t size = sizeof(local);

	if (m->local_count == 0)
		return true;
	if (getsockname(fd, (struct sockaddr *)&local, &size) < 0)
		return false;
	for (int i = 0; i < m->local_count; i++) {
		if (net_same_host(&m->local[i], &local))
			return true;
	}
	return false;
}

int links_linked(const struct mesh *m)
{
	int count = 0;

	for (int i = 0; i < LINKS_MAX; i++)
		count += link_is_linked(m->links[i]);
	return count;
}

bool link_is_half_open(const struct link *l, enum mesh_role role)
{
	if (l == NULL || l->role != role || l->refused)
		return false;
	if (l->fd < 0) /* what it sent is still told, at its rate (L8) */
		return role == MESH_ACCEPTED;
	return l->state < LINK_HEADS;
}

int links_half_open(const struct mesh *m, enum mesh_role role)
{
	int count = 0;

	for (int i = 0; i < LINKS_MAX; i++)
		count += link_is_half_open(m->links[i], role);
	return count;
}

/* Does this link make us linked with that peer (rule 3)? */
bool link_is_to(const struct mesh *m, const struct link *l, int peer)
{
	const struct dial_peer *p = &m->dial.peers[peer];

	if (!link_is_linked(l))
		return false;
	if (p->have_key)
		return link_has_key(l, p->key);
	if (link_is_legacy(l))
		return l->peer == peer ||
		       strcmp(l->legacy->peer, p->address) == 0;
	return l->peer == peer ||
	       (p->name[0] != '\0' && strcmp(p->name, l->wire.peer.name) == 0);
}

bool link_is_named(const struct mesh *m, const struct link *l)
{
	for (int i = 0; i < DIAL_PEERS_MAX; i++) {
		const struct dial_peer *p = &m->dial.peers[i];

		if (p->used && !p->found && link_is_to(m, l, i))
			return true;
	}
	return false;
}

static int link_place(const struct mesh *m)
{
	for (int i = 0; i < LINKS_MAX; i++) {
		if (m->links[i] == NULL)
			return i;
	}
	return -1;
}

/* How many links, of those that `half_open` says, has this host? */
static int host_count(
	const struct mesh *m, const struct link *of, bool half_open)
{
	int count = 0;

	for (int i = 0; i < LINKS_MAX; i++) {
		const struct link *l = m->links[i];

		if (half_open ? link_is_half_open(l, MESH_ACCEPTED)
			      : link_is_linked(l))
			count += net_same_host(&l->at, &of->at);
	}
	return count;
}

/* Too many callers that never say who they are: somebody must go. */
void links_drop_half_open(struct mesh *m)
{
	struct link *worst = NULL;
	int most = 0;

	for (int i = 0; i < LINKS_MAX; i++) {
		struct link *l = m->links[i];
		int count;

		if (!link_is_half_open(l, MESH_ACCEPTED))
			continue;
		count = host_count(m, l, true);
		if (count > most || (worst != NULL && count == most &&
					    l->since_ms < worst->since_ms)) {
			worst = l;
			most = count;
		}
	}
	if (worst != NULL)
		link_refuse(worst, "there are too many callers");
}

/*
 * All links are taken: the host that has most gives up its newest, unless it
 * is looked for by name.  False: nobody has to.
 */
bool links_drop(struct mesh *m, const struct link *newcomer, int64_t now_ms)
{
	struct link *worst = NULL;
	int most = link_is_named(m, newcomer) ? 0 : 1;

	for (int i = 0; i < LINKS_MAX; i++) {
		struct link *l = m->links[i];
		int count;

		if (l == newcomer || !link_is_linked(l) || link_is_named(m, l))
			continue;
		count = host_count(m, l, false);
		if (count > most || (worst != NULL && count == most &&
					    l->since_ms > worst->since_ms)) {
			worst = l;
			most = count;
		}
	}
	if (worst == NULL)
		return false;
	link_leave(m, worst, "there are too many links", now_ms);
	return true;
}

/* Makes a link of a socket that may still be connecting; takes over fd. */
struct link *link_make(struct mesh *m, int fd, enum mesh_role role, int peer)
{
	int place = link_place(m);
	struct link *l = NULL;
	int error;

	errno = ENOBUFS;
	if (place >= 0 && net_set_flags(fd) == 0)
		l = calloc(1, sizeof(*l));
	if (l == NULL) {
		error = errno;
		(void)close(fd); /* nothing was sent on it */
		errno = error;
		return NULL;
	}
	set_tcp_options(fd);
	l->role = role;
	l->fd = fd;
	l->slot = LOOP_NO_SLOT;
	l->peer = peer;
	l->writable = true;
	m->links[place] = l;
	return l;
}

/* Which protocol will it speak?  A caller's is known by its first byte. */
bool link_speak(struct mesh *m, struct link *l, enum link_kind kind)
{
	uint8_t random[WIRE_RANDOM_SIZE];

	if (kind == LINK_LEGACY) {
		l->legacy = malloc(sizeof(*l->legacy));
		if (l->legacy == NULL)
			return false;
		legacy_open(l->legacy,
			l->role == MESH_DIALLED ? LEGACY_DIALLER
						: LEGACY_ACCEPTOR,
			m->address);
	} else if (l->kind == LINK_UNKNOWN && l->wire.in.bytes == NULL) {
		random_bytes(random, sizeof(random));
		wire_open(&l->wire,
			l->role == MESH_DIALLED ? WIRE_DIALLER : WIRE_ACCEPTOR,
			m->self, random);
		secret_wipe(random, sizeof(random));
	}
	l->kind = kind;
	return true;
}

bool link_dial(struct mesh *m, const struct sockaddr_storage *to, int peer,
	enum link_kind kind, int64_t now_ms)
{
	int fd = socket(to->ss_family, SOCK_STREAM, 0);
	struct link *l = NULL;

	if (fd >= 0)
		l = link_make(m, fd, MESH_DIALLED, peer);
	if (l == NULL)
		return false;
	l->at = *to;
	l->port = net_port(to);
	link_enter(l, LINK_CONNECTING, now_ms);
	if (!link_speak(m, l, kind) ||
		(connect(fd, (const struct sockaddr *)to,
			 net_address_size(to)) < 0 &&
			errno != EINPROGRESS && errno != EINTR))
		link_end(l, strerror(errno));
	return true;
}

void link_read(struct mesh *m, struct link *l, int64_t now_ms)
{
	struct fifo *in = link_in(l);
	uint8_t *tail = fifo_tail(in);
	size_t room = fifo_room(in);
	ssize_t n;

	if (room == 0)
		return;
	n = recv(l->fd, tail, room, 0);
	if (n > 0) {
		fifo_added(in, (size_t)n);
		l->heard_ms = now_ms;
		m->bytes_received += (uint64_t)n;
	} else if (n == 0) {
		link_end(l, l->kind == LINK_LEGACY ? "it left"
						   : "the connection was lost");
	} else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
		link_end(l, "the connection was lost");
	}
}

void link_write(struct mesh *m, struct link *l, int64_t now_ms)
{
	struct fifo *out = link_out(l);
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
		m->bytes_sent += (uint64_t)n;
	} else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
		l->writable = false;
	} else {
		link_end(l, "the connection was lost");
	}
}

/* What strikes count by: the key once it is known, the host before. */
static bool link_offender(const struct link *l, uint8_t id[RECORD_KEY_SIZE])
{
	bool by_key = l->sync != NULL;

	memset(id, 0, RECORD_KEY_SIZE);
	net_host(&l->at, id);
	if (by_key)
		memcpy(id, l->wire.peer.public_key, RECORD_KEY_SIZE);
	return by_key;
}

bool link_is_refused(struct mesh *m, const struct link *l, int64_t now_ms)
{
	uint8_t id[RECORD_KEY_SIZE];
	bool by_key = link_offender(l, id);

	return (by_key || !l->near) &&
	       strikes_refuse(&m->strikes, id, by_key, now_ms);
}

void link_strike(
	struct mesh *m, struct link *l, const char *reason, int64_t now_ms)
{
	uint8_t id[RECORD_KEY_SIZE];
	bool by_key = link_offender(l, id);

	strikes_add(&m->strikes, id, by_key, now_ms);
	if (link_is_refused(m, l, now_ms))
		link_refuse(l, reason);
}
