/* SPDX-License-Identifier: ISC */
/*
 * mesh.c: sockets, links, and who may be linked.
 *
 * A link's life, by whichever side it began:
 *
 *	dialled	 CONNECTING --connected--> GREETING	accepted: GREETING
 *	GREETING --we know who it is--> UP			native
 *	GREETING --both addresses known--> HEADS --their heads--> UP	legacy
 *	any of them --end of file, error, deadline, refusal--> ended
 *
 * The first byte that a caller sends says which protocol it speaks: 00 is
 * native, all else is the original's.  We dial native; with --legacy, where
 * nobody is pinned and nobody answers natively, then the original's.
 *
 * An ended link has no socket any more.  What it had received is still told,
 * unless it was refused; then its end is told, then it is freed: all in
 * mesh_next.
 *
 * Who may link with whom:
 *	1. Nobody links with itself: our own key and instance.
 *	2. When a second link of a key comes up, the older ones are pinged: who
 *	   does not answer within MESH_HALF_OPEN_MS is gone.  Of two that
 *	   answer and are of one instance, that is of one running program, the
 *	   one with the smaller handshake hash stays: both sides choose alike.
 *	   Two instances of one key are copies of a database: all stay, up to
 *	   LIMIT_LINKS_A_KEY, and a person is told.
 *	3. Who is looked for by name, or by key, must be that: a link to
 *	   somebody else does not count as one to him.
 *	4. LIMIT_LINKS and LIMIT_HALF_OPEN: limits.h says who has to go.
 *	5. Who sends what no honest program sends gets a strike, by address
 *	   before its key is known, by key afterwards; LIMIT_STRIKES_ADDRESS or
 *	   LIMIT_STRIKES_KEY of them, and it is refused for a while.
 * Legacy links are known by their address strings, with the original's rules:
 *	6. A caller whose address sorts after ours is refused while we dial it,
 *	   and for CROSSING_MS after that dial became a link.  A link that is
 *	   up takes the place of an older one to the same address and author.
 *
 * Invariants:
 *	1. link->fd >= 0 <==> the link has not ended.
 *	2. link->sync != NULL <==> it is native, up, and has not been freed.
 *	3. A byte of a record leaves only after room_durable covers it.
 *	4. writable is false only after the socket has refused bytes, until poll
 *	   says otherwise.
 */
#include "platform.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/random.h"
#include "crypto/secret.h"
#include "feed.h"
#include "mesh.h"
#include "net.h"
#include "options.h"

enum {
	LINKS = LIMIT_LINKS + LIMIT_HALF_OPEN + LIMIT_DIALS,
	CROSSING_MS = 2 * 1000,      /* that two legacy dials may be apart */
	LEGACY_HEADS_MS = 30 * 1000, /* for a legacy Handshake */
	LOCAL_MAX = MESH_ADDRESSES_MAX * 4,
	ACCEPTS_A_TURN = 16,
	WRITES_A_TURN = 4,      /* of one link, then the next one's */
	ACCEPT_PAUSE_MS = 1000, /* after the system ran out of something */
	KEEPALIVE_S = 15,       /* idle time before the first probe */
	KEEPALIVE_INTERVAL_S = 5,
	KEEPALIVE_PROBES = 3,
	UNACKNOWLEDGED_MS = 30 * 1000,
	OFFENDERS = 64
};

enum link_state {
	LINK_CONNECTING, /* dialled, TCP is not connected yet */
	LINK_GREETING,   /* who are you? */
	LINK_HEADS,      /* legacy: linked; the other side tells what it has */
	LINK_UP          /* records flow */
};

enum link_kind {
	LINK_UNKNOWN, /* accepted, and nothing was received yet */
	LINK_NATIVE,
	LINK_LEGACY
};

struct link {
	enum link_state state;
	enum link_kind kind;
	enum mesh_role role;
	int fd;       /* -1: ended, `reason` says why */
	bool refused; /* ended, and what it sent means nothing */
	bool missed;  /* ended, and its peer is to be dialled again */
	bool left;    /* it said goodbye */
	bool twin;    /* another instance has its key */
	int slot;
	int peer;                   /* that we dialled, or -1 */
	struct sockaddr_storage at; /* the other end */
	uint16_t port;              /* that it listens on, or 0 */
	int64_t since_ms;
	int64_t deadline_ms; /* of the state */
	int64_t moved_ms;    /* when `out` was last empty, or written from */
	int64_t heard_ms;    /* when it last sent something */
	int64_t frame_ms;    /* since when a frame is not whole; 0: it is */
	int64_t pinged_ms;   /* when a Ping left that is not answered; or 0 */
	int64_t answer_ms;   /* it must have answered by then; or 0 */
	char reason[DIAL_REASON_MAX];
	bool writable;
	bool lagging; /* there is more to send than fits into `out` */

	struct wire wire; /* until it is known to be legacy */
	struct wire_buffers *buffers;
	struct sync_link *sync;

	struct legacy *legacy;
	struct feed feed;
	bool have_key;
	uint8_t legacy_key[LEGACY_KEY_SIZE]; /* author at the other end */
	int64_t second_ms;                   /* records are counted since */
	int second_records;
};

/* Who did what nobody should: a host or a key. */
struct offender {
	uint8_t id[RECORD_KEY_SIZE];
	bool by_key;
	int strikes;
	int64_t since_ms;
};

struct mesh {
	struct log *log;
	struct room *room;
	struct sync *sync;
	const struct wire_self *self;
	char address[LEGACY_ADDRESS_MAX + 1];
	uint16_t port; /* we listen on, or 0 */
	bool only;
	bool speaks_legacy;
	bool held;
	int listen_fds[MESH_LISTEN_MAX];
	int listen_slots[MESH_LISTEN_MAX];
	int64_t accept_ms;
	struct sockaddr_storage local[LOCAL_MAX];
	int local_count;
	struct dial dial;
	struct link *links[LINKS];
	int turn;           /* link that mesh_next looks at */
	struct link *giver; /* of the batch, half or record told last */
	struct sync_input input;
	uint8_t given_key[LEGACY_KEY_SIZE];
	uint32_t given_seq;
	struct offender offenders[OFFENDERS];
	uint64_t bytes_sent, bytes_received, strikes;
	char name_told[LEGACY_ADDRESS_MAX + 1];
	char address_told[MESH_SHOWN_MAX];
	char text_told[DIAL_REASON_MAX];
	uint8_t key_told[RECORD_KEY_SIZE];
};

/* Addresses. */

/* The 16 bytes that stand for a host: of IPv4 as mapped into IPv6. */
static void host_of(const struct sockaddr_storage *a, uint8_t host[16])
{
	const struct sockaddr_in *a4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)a;

	memset(host, 0, 16);
	if (a->ss_family == AF_INET) {
		host[10] = host[11] = 0xff;
		memcpy(host + 12, &a4->sin_addr, 4);
	} else if (a->ss_family == AF_INET6) {
		memcpy(host, &a6->sin6_addr, 16);
	}
}

static bool same_host(
	const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	uint8_t host_a[16], host_b[16];

	host_of(a, host_a);
	host_of(b, host_b);
	return a->ss_family == b->ss_family && memcmp(host_a, host_b, 16) == 0;
}

static uint16_t port_of(const struct sockaddr_storage *a)
{
	return ntohs(a->ss_family == AF_INET6
			     ? ((const struct sockaddr_in6 *)a)->sin6_port
			     : ((const struct sockaddr_in *)a)->sin_port);
}

static void address_show(
	const struct sockaddr_storage *a, char shown[MESH_SHOWN_MAX])
{
	char host[INET6_ADDRSTRLEN] = "";

	shown[0] = '\0';
	if (a->ss_family == AF_INET6 &&
		inet_ntop(AF_INET6,
			&((const struct sockaddr_in6 *)a)->sin6_addr, host,
			sizeof(host)) != NULL)
		(void)snprintf(
			shown, MESH_SHOWN_MAX, "[%s]:%u", host, port_of(a));
	else if (a->ss_family == AF_INET &&
		 inet_ntop(AF_INET, &((const struct sockaddr_in *)a)->sin_addr,
			 host, sizeof(host)) != NULL)
		(void)snprintf(
			shown, MESH_SHOWN_MAX, "%s:%u", host, port_of(a));
}

/* This host, as far as its address says: many may share it (rule 5). */
static bool is_near(const struct mesh *m, const struct sockaddr_storage *a)
{
	uint8_t host[16];

	for (int i = 0; i < m->local_count; i++) {
		if (same_host(&m->local[i], a))
			return true;
	}
	host_of(a, host);
	if (a->ss_family == AF_INET)
		return host[12] == 127;
	return a->ss_family != AF_INET6 ||
	       IN6_IS_ADDR_LOOPBACK(
		       &((const struct sockaddr_in6 *)a)->sin6_addr);
}

/* Strikes. */

static struct offender *offender_find(
	struct mesh *m, const uint8_t *id, bool by_key, int64_t now_ms)
{
	for (int i = 0; i < OFFENDERS; i++) {
		struct offender *o = &m->offenders[i];

		if (o->strikes > 0 && now_ms - o->since_ms >= LIMIT_STRIKES_MS)
			o->strikes = 0;
		if (o->strikes > 0 && o->by_key == by_key &&
			memcmp(o->id, id, sizeof(o->id)) == 0)
			return o;
	}
	return NULL;
}

/* Counts against somebody; the one heard of longest ago is forgotten. */
static void offender_strike(
	struct mesh *m, const uint8_t *id, bool by_key, int64_t now_ms)
{
	struct offender *o = offender_find(m, id, by_key, now_ms);

	m->strikes++;
	for (int i = 0; o == NULL && i < OFFENDERS; i++) {
		if (m->offenders[i].strikes == 0)
			o = &m->offenders[i];
	}
	if (o == NULL) {
		o = &m->offenders[0];
		for (int i = 1; i < OFFENDERS; i++) {
			if (m->offenders[i].since_ms < o->since_ms)
				o = &m->offenders[i];
		}
		o->strikes = 0;
	}
	if (o->strikes++ == 0) {
		memcpy(o->id, id, sizeof(o->id));
		o->by_key = by_key;
	}
	o->since_ms = now_ms;
}

static bool is_refused(
	struct mesh *m, const uint8_t *id, bool by_key, int64_t now_ms)
{
	const struct offender *o = offender_find(m, id, by_key, now_ms);

	return o != NULL && o->strikes >= (by_key ? LIMIT_STRIKES_KEY
						  : LIMIT_STRIKES_ADDRESS);
}

static void host_id(const struct sockaddr_storage *a, uint8_t *id)
{
	memset(id, 0, RECORD_KEY_SIZE);
	host_of(a, id);
}

/* Links. */

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

static struct fifo *link_in(struct link *l)
{
	return l->kind == LINK_LEGACY ? &l->legacy->in : &l->wire.in;
}

static struct fifo *link_out(struct link *l)
{
	return l->kind == LINK_LEGACY ? &l->legacy->out : &l->wire.out;
}

static bool link_is_native(const struct link *l)
{
	return l != NULL && l->sync != NULL;
}

static bool link_is_legacy(const struct link *l)
{
	return l != NULL && l->kind == LINK_LEGACY && l->state >= LINK_HEADS;
}

/* Is it a link by now, and still one? */
static bool link_is_linked(const struct link *l)
{
	return l != NULL && l->fd >= 0 && l->state >= LINK_HEADS;
}

static void link_enter(struct link *l, enum link_state state, int64_t now_ms)
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
		l->deadline_ms = now_ms + LIMIT_HANDSHAKE_MS;
		if (l->role == MESH_ACCEPTED)
			l->deadline_ms = now_ms + LIMIT_FIRST_BYTE_MS;
		else if (l->kind == LINK_NATIVE)
			l->deadline_ms = now_ms + MESH_NATIVE_MS;
		break;
	case LINK_HEADS:
		l->deadline_ms = now_ms + LEGACY_HEADS_MS;
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

static void link_write(struct mesh *m, struct link *l, int64_t now_ms);

/* Ends a native link with a word that the other side can believe. */
static void link_leave(
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

static void link_free(struct mesh *m, int index, int64_t now_ms)
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

static struct link *legacy_link_to(const struct mesh *m, const char *address)
{
	for (int i = 0; i < LINKS; i++) {
		struct link *l = m->links[i];

		if (link_is_linked(l) && link_is_legacy(l) &&
			strcmp(l->legacy->peer, address) == 0)
			return l;
	}
	return NULL;
}

static bool has_key(const struct link *l, const uint8_t *key)
{
	return link_is_native(l) && l->fd >= 0 &&
	       memcmp(l->wire.peer.public_key, key, RECORD_KEY_SIZE) == 0;
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

static int linked_count(const struct mesh *m)
{
	int count = 0;

	for (int i = 0; i < LINKS; i++)
		count += link_is_linked(m->links[i]);
	return count;
}

static bool link_is_half_open(const struct link *l, enum mesh_role role)
{
	return l != NULL && l->fd >= 0 && l->state < LINK_HEADS &&
	       l->role == role;
}

static int half_open_count(const struct mesh *m, enum mesh_role role)
{
	int count = 0;

	for (int i = 0; i < LINKS; i++)
		count += link_is_half_open(m->links[i], role);
	return count;
}

/* Peers. */

/* Does this link make us linked with that peer (rule 3)? */
static bool link_is_to(const struct mesh *m, const struct link *l, int peer)
{
	const struct dial_peer *p = &m->dial.peers[peer];

	if (!link_is_linked(l))
		return false;
	if (link_is_legacy(l))
		return strcmp(l->legacy->peer, p->address) == 0;
	if (p->have_key)
		return has_key(l, p->key);
	return l->peer == peer ||
	       (p->name[0] != '\0' && strcmp(p->name, l->wire.peer.name) == 0);
}

bool mesh_is_linked(const struct mesh *m, int peer)
{
	for (int i = 0; i < LINKS; i++) {
		if (link_is_to(m, m->links[i], peer))
			return true;
	}
	return false;
}

static bool link_is_named(const struct mesh *m, const struct link *l)
{
	for (int i = 0; i < DIAL_PEERS_MAX; i++) {
		if (m->dial.peers[i].used && link_is_to(m, l, i))
			return true;
	}
	return false;
}

/* Are we linked with whoever listens there? */
static bool address_is_linked(
	const struct mesh *m, const struct sockaddr_storage *at)
{
	for (int i = 0; i < LINKS; i++) {
		const struct link *l = m->links[i];

		if (link_is_linked(l) && same_host(&l->at, at) &&
			l->port == port_of(at))
			return true;
	}
	return false;
}

static bool legacy_is_dialled(const struct mesh *m, const char *address)
{
	for (int i = 0; i < DIAL_PEERS_MAX; i++) {
		if (m->dial.peers[i].used && m->dial.peers[i].dialling &&
			m->dial.peers[i].legacy &&
			strcmp(m->dial.peers[i].address, address) == 0)
			return true;
	}
	return false;
}

static bool legacy_is_named(const struct mesh *m, const char *address)
{
	for (int i = 0; i < DIAL_PEERS_MAX; i++) {
		if (m->dial.peers[i].used &&
			strcmp(m->dial.peers[i].address, address) == 0)
			return true;
	}
	return false;
}

/*
 * The link to a peer is gone; one that had lasted is dialled soon.  This is
 * noted once, before anybody is dialled again.
 */
static void peers_lost(struct mesh *m, struct link *l, int64_t now_ms)
{
	if (l->fd >= 0 || l->state < LINK_HEADS || l->missed)
		return;
	l->missed = true;
	for (int i = 0; i < DIAL_PEERS_MAX; i++) {
		struct dial_peer *p = dial_peer(&m->dial, i);

		if (p != NULL && !p->dialling && !mesh_is_linked(m, i) &&
			(l->peer == i ||
				(l->sync != NULL && p->have_key &&
					memcmp(p->key, l->wire.peer.public_key,
						RECORD_KEY_SIZE) == 0)))
			dial_lost(&m->dial, i, now_ms - l->since_ms, now_ms);
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

/* How many links, of those that `half_open` says, has this host? */
static int host_count(
	const struct mesh *m, const struct link *of, bool half_open)
{
	int count = 0;

	for (int i = 0; i < LINKS; i++) {
		const struct link *l = m->links[i];

		if (half_open ? link_is_half_open(l, MESH_ACCEPTED)
			      : link_is_linked(l))
			count += same_host(&l->at, &of->at);
	}
	return count;
}

/* Too many callers that never say who they are: somebody must go. */
static void drop_half_open(struct mesh *m)
{
	struct link *worst = NULL;
	int most = 0;

	for (int i = 0; i < LINKS; i++) {
		struct link *l = m->links[i];
		int count;

		if (!link_is_half_open(l, MESH_ACCEPTED))
			continue;
		count = host_count(m, l, true);
		if (count > most ||
			(count == most && l->since_ms < worst->since_ms)) {
			worst = l;
			most = count;
		}
	}
	if (worst != NULL)
		link_end(worst, "there are too many callers");
}

/*
 * All links are taken: the host that has most gives up its newest, unless it
 * is looked for by name.  False: nobody has to.
 */
static bool drop_link(
	struct mesh *m, const struct link *newcomer, int64_t now_ms)
{
	struct link *worst = NULL;
	int most = link_is_named(m, newcomer) ? 0 : 1;

	for (int i = 0; i < LINKS; i++) {
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
static struct link *link_make(
	struct mesh *m, int fd, enum mesh_role role, int peer)
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
static bool link_speak(struct mesh *m, struct link *l, enum link_kind kind)
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

int mesh_adopt(
	struct mesh *m, int fd, enum mesh_role role, int peer, int64_t now_ms)
{
	const struct dial_peer *p = dial_peer(&m->dial, peer);
	struct link *l;
	uint8_t id[RECORD_KEY_SIZE];
	socklen_t size;

	if (role == MESH_ACCEPTED &&
		half_open_count(m, MESH_ACCEPTED) >= LIMIT_HALF_OPEN)
		drop_half_open(m);
	l = link_make(m, fd, role, peer);
	if (l == NULL)
		return -1;
	size = sizeof(l->at);
	if (getpeername(fd, (struct sockaddr *)&l->at, &size) < 0)
		l->at.ss_family = AF_UNSPEC; /* it is gone already */
	if (peer >= 0)
		dial_started(&m->dial, peer, now_ms);
	(void)link_speak(m, l,
		role == MESH_ACCEPTED    ? LINK_UNKNOWN
		: p != NULL && p->legacy ? LINK_LEGACY
					 : LINK_NATIVE);
	link_enter(l, LINK_GREETING, now_ms);
	host_id(&l->at, id);
	if (!local_allowed(m, fd))
		link_end(l, "it came over an interface that is not allowed");
	else if (role == MESH_ACCEPTED && !is_near(m, &l->at) &&
		 is_refused(m, id, false, now_ms))
		link_refuse(l, "it has misbehaved too often");
	return 0;
}

static void peer_dial(struct mesh *m, int index, int64_t now_ms)
{
	struct dial_peer *p = dial_peer(&m->dial, index);
	const struct sockaddr_storage *to = &p->at[p->next];
	int fd = socket(to->ss_family, SOCK_STREAM, 0);
	struct link *l = NULL;

	if (fd >= 0)
		l = link_make(m, fd, MESH_DIALLED, index);
	if (l == NULL) {
		dial_failed(&m->dial, index, strerror(errno), now_ms);
		return;
	}
	dial_started(&m->dial, index, now_ms);
	l->at = *to;
	l->port = port_of(to);
	link_enter(l, LINK_CONNECTING, now_ms);
	if (!link_speak(m, l, p->legacy ? LINK_LEGACY : LINK_NATIVE) ||
		(connect(fd, (const struct sockaddr *)to,
			 net_address_size(to)) < 0 &&
			errno != EINPROGRESS && errno != EINTR))
		link_end(l, strerror(errno));
}

/* Is only the time missing? */
static bool peer_may_dial(const struct mesh *m, int index)
{
	const struct dial_peer *p = &m->dial.peers[index];

	if (!dial_is_possible(&m->dial, index) || mesh_is_linked(m, index) ||
		half_open_count(m, MESH_DIALLED) >= LIMIT_DIALS)
		return false;
	return p->name[0] != '\0' || linked_count(m) < LIMIT_LINKS_DIALLED;
}

static void peers_dial(struct mesh *m, int64_t now_ms)
{
	for (int i = 0; i < LINKS; i++) {
		if (m->links[i] != NULL)
			peers_lost(m, m->links[i], now_ms);
	}
	for (int i = 0; i < DIAL_PEERS_MAX; i++) {
		const struct dial_peer *p = &m->dial.peers[i];

		if (!p->used || now_ms < p->dial_ms || !peer_may_dial(m, i))
			continue;
		if (address_is_linked(m, &p->at[p->next]))
			dial_failed(
				&m->dial, i, "somebody else is there", now_ms);
		else
			peer_dial(m, i, now_ms);
	}
}

/* Moving bytes. */

static void link_read(struct mesh *m, struct link *l, int64_t now_ms)
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

static void link_write(struct mesh *m, struct link *l, int64_t now_ms)
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
		link_enter(l, LINK_GREETING, now_ms);
}

/* The first byte says what a caller speaks. */
static void link_recognise(struct mesh *m, struct link *l, int64_t now_ms)
{
	struct fifo *in = &l->wire.in;
	size_t size = fifo_size(in);

	if (l->kind != LINK_UNKNOWN || size == 0 || l->state != LINK_GREETING)
		return;
	l->deadline_ms = now_ms + LIMIT_HANDSHAKE_MS;
	if (*fifo_head(in) == 0) {
		l->kind = LINK_NATIVE;
		return;
	}
	if (!m->speaks_legacy) {
		link_refuse(l, "it speaks the original's protocol (--legacy)");
		return;
	}
	if (!link_speak(m, l, LINK_LEGACY)) {
		link_end(l, strerror(ENOMEM));
		return;
	}
	memcpy(fifo_tail(&l->legacy->in), fifo_head(in), size);
	fifo_added(&l->legacy->in, size);
	fifo_drop(in, size);
}

/* Has it been given all the time that it gets? */
static void link_check(struct mesh *m, struct link *l, int64_t now_ms)
{
	bool native_up = link_is_native(l);

	if (now_ms >= l->deadline_ms) {
		link_refuse(l, l->state == LINK_CONNECTING ? strerror(ETIMEDOUT)
							   : "it said nothing");
		return;
	}
	if (l->state < LINK_HEADS)
		return;
	if (fifo_size(link_out(l)) > 0 &&
		now_ms - l->moved_ms >= LIMIT_SILENCE_MS)
		link_end(l, "it took nothing for too long");
	else if (native_up && now_ms - l->heard_ms >= LIMIT_SILENCE_MS)
		link_end(l, "it said nothing for too long");
	else if (native_up && l->frame_ms != 0 &&
		 now_ms - l->frame_ms >= LIMIT_FRAME_MS)
		link_end(l, "it stopped in the middle of a frame");
	else if (native_up && l->answer_ms != 0 && now_ms >= l->answer_ms)
		link_end(l, "a newer link took its place");
	(void)m;
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
			link_read(m, l, now_ms);
		link_recognise(m, l, now_ms);
	}
	if (l->fd >= 0)
		link_check(m, l, now_ms);
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

static void link_ping(struct link *l, int64_t now_ms)
{
	uint8_t bytes[32];
	struct writer w = writer_over(bytes, sizeof(bytes));
	struct message_ping ping = { .token = (uint64_t)now_ms };

	message_put_ping(&w, &ping);
	if (l->pinged_ms == 0 &&
		wire_put(&l->wire, MESSAGE_PING, w.bytes, w.size))
		l->pinged_ms = now_ms;
}

static void link_hello(struct mesh *m, struct link *l)
{
	uint8_t bytes[256];
	struct writer w = writer_over(bytes, sizeof(bytes));
	struct message_hello hello;

	memset(&hello, 0, sizeof(hello));
	hello.version = WIRE_VERSION;
	hello.port = m->port;
	(void)snprintf(hello.name, sizeof(hello.name), "%s", m->self->name);
	(void)snprintf(
		hello.agent, sizeof(hello.agent), "chat/%s", OPTIONS_VERSION);
	message_put_hello(&w, &hello);
	if (!wire_put(&l->wire, MESSAGE_HELLO, w.bytes, w.size))
		assert(false); /* it is the first message of an empty link */
}

static void link_fill(struct mesh *m, struct link *l, int64_t now_ms)
{
	if (link_is_native(l)) {
		if (now_ms - l->heard_ms >= LIMIT_PING_MS)
			link_ping(l, now_ms);
		l->lagging = sync_fill(m->sync, l->sync, now_ms);
		wire_seal(&l->wire);
	} else if (link_is_legacy(l)) {
		feed_fill(&l->feed, m->room, l->legacy, l->state == LINK_UP,
			log_count(m->log));
		l->lagging = l->feed.lagging;
	}
}

static void link_flush(struct mesh *m, struct link *l, int64_t now_ms)
{
	for (int i = 0; i < WRITES_A_TURN; i++) {
		if (fifo_size(link_out(l)) == 0)
			l->moved_ms = now_ms;
		link_fill(m, l, now_ms);
		link_write(m, l, now_ms);
		if (l->fd < 0 || !l->writable || !l->lagging)
			return;
	}
}

void mesh_flush(struct mesh *m, int64_t now_ms)
{
	sync_turn(m->sync, now_ms);
	for (int i = 0; i < LINKS; i++) {
		if (m->links[i] != NULL && m->links[i]->fd >= 0 &&
			m->links[i]->state != LINK_CONNECTING)
			link_flush(m, m->links[i], now_ms);
	}
}

/* Native links: who it is. */

/* Of two links to one program, the one with the greater hash goes (rule 2). */
static void links_settle(struct mesh *m, struct link *answered, int64_t now_ms)
{
	for (int i = 0; i < LINKS; i++) {
		struct link *l = m->links[i];

		if (l == answered || answered->fd < 0 || l == NULL ||
			!has_key(l, answered->wire.peer.public_key) ||
			l->wire.peer.instance != answered->wire.peer.instance)
			continue;
		link_leave(m,
			memcmp(l->wire.hash, answered->wire.hash,
				sizeof(l->wire.hash)) < 0
				? answered
				: l,
			"there is another link", now_ms);
	}
}

/* Older links of this key have to show that they still live (rule 2). */
static void links_contest(struct mesh *m, struct link *newer, int64_t now_ms)
{
	for (int i = 0; i < LINKS; i++) {
		struct link *l = m->links[i];

		if (l == NULL || l == newer ||
			!has_key(l, newer->wire.peer.public_key))
			continue;
		l->pinged_ms = 0;
		link_ping(l, now_ms);
		if (l->answer_ms == 0)
			l->answer_ms = now_ms + MESH_HALF_OPEN_MS;
		if (l->wire.peer.instance != newer->wire.peer.instance)
			newer->twin = true;
	}
	if (memcmp(newer->wire.peer.public_key, m->self->key->public_key,
		    RECORD_KEY_SIZE) == 0)
		newer->twin = true;
}

static int key_count(const struct mesh *m, const uint8_t *key)
{
	int count = 0;

	for (int i = 0; i < LINKS; i++)
		count += m->links[i] != NULL && has_key(m->links[i], key);
	return count;
}

/* Why a native link must not be, or NULL. */
static const char *native_refusal(
	struct mesh *m, const struct link *l, int64_t now_ms)
{
	const struct wire_peer *who = &l->wire.peer;
	struct dial_peer *p = dial_peer(&m->dial, l->peer);
	bool expected = p != NULL &&
			(p->name[0] == '\0' || strcmp(p->name, who->name) == 0);

	if (memcmp(who->public_key, m->self->key->public_key,
		    sizeof(who->public_key)) == 0 &&
		who->instance == m->self->instance) {
		if (p != NULL)
			p->ourselves = true;
		return "it is this program itself";
	}
	if (is_refused(m, who->public_key, true, now_ms))
		return "it has misbehaved too often";
	if (p != NULL && p->name[0] != '\0' && !expected)
		return "somebody else answers there";
	if (m->only && !expected && !link_is_named(m, l))
		return "it is not one of those named";
	if (key_count(m, who->public_key) > LIMIT_LINKS_A_KEY)
		return "it has too many links";
	return NULL;
}

/* The other side has proven its key: the connection is a link. */
static bool native_up(struct mesh *m, struct link *l, struct mesh_event *event,
	int64_t now_ms)
{
	struct dial_peer *p = dial_peer(&m->dial, l->peer);
	struct sync_peer peer = { .wire = &l->wire,
		.public_key = l->wire.peer.public_key,
		.trusted = p != NULL && p->name[0] != '\0' };
	const char *refusal;

	/* From here on it counts as linked, with this key. */
	host_of(&l->at, peer.host);
	l->buffers = malloc(sizeof(*l->buffers));
	if (l->buffers != NULL)
		l->sync = sync_link_open(m->sync, &peer, now_ms);
	if (l->sync == NULL) {
		link_refuse(l, strerror(ENOMEM));
		return false;
	}
	wire_grow(&l->wire, l->buffers);
	link_enter(l, LINK_UP, now_ms);
	refusal = native_refusal(m, l, now_ms);
	if (refusal == NULL && linked_count(m) > LIMIT_LINKS &&
		!drop_link(m, l, now_ms))
		refusal = "there are too many links";
	if (refusal != NULL) {
		link_leave(m, l, refusal, now_ms);
		l->refused = true;
		l->state = LINK_GREETING; /* it never was one */
		return false;
	}
	if (p != NULL && !p->have_key && p->name[0] == '\0') {
		p->have_key = true;
		memcpy(p->key, l->wire.peer.public_key, sizeof(p->key));
	}
	dial_linked(&m->dial, l->peer);
	links_contest(m, l, now_ms);
	link_hello(m, l);
	link_ping(l, now_ms);
	l->lagging = true;
	event->kind = MESH_UP;
	event->is_twin = l->twin;
	return true;
}

static void native_pong(
	struct mesh *m, struct link *l, int64_t token, int64_t now_ms)
{
	if (l->pinged_ms == 0 || token != l->pinged_ms)
		return;
	sync_round_trip(l->sync, now_ms - l->pinged_ms);
	l->pinged_ms = 0;
	if (l->answer_ms != 0) {
		l->answer_ms = 0;
		links_settle(m, l, now_ms);
	}
}

/* What every native link says now and then; false when it is malformed. */
static bool native_small_talk(struct mesh *m, struct link *l,
	const struct wire_event *told, int64_t now_ms)
{
	char reason[MESSAGE_REASON_MAX + 1];
	uint8_t bytes[32];
	struct writer w = writer_over(bytes, sizeof(bytes));
	struct message_hello hello;
	struct message_ping ping;

	switch (told->type) {
	case MESSAGE_HELLO:
		if (!message_decode_hello(told->body, &hello))
			return false;
		l->port = hello.port;
		return true;
	case MESSAGE_PING:
		if (!message_decode_ping(told->body, &ping))
			return false;
		if (ping.answer) {
			native_pong(m, l, (int64_t)ping.token, now_ms);
			return true;
		}
		ping.answer = true;
		message_put_ping(&w, &ping);
		/* With no room for an answer, our bytes are one. */
		(void)!wire_put(&l->wire, MESSAGE_PING, w.bytes, w.size);
		return true;
	case MESSAGE_BYE:
		if (!message_decode_bye(told->body, reason))
			return false;
		l->left = true;
		link_end(l, "it left");
		return true;
	default:
		return true; /* of a newer version */
	}
}

/* Counts against whoever is at the other end, and ends what is too much. */
static void link_strike(
	struct mesh *m, struct link *l, const char *what, int64_t now_ms)
{
	uint8_t id[RECORD_KEY_SIZE];
	bool by_key = l->sync != NULL;

	host_id(&l->at, id);
	if (by_key)
		memcpy(id, l->wire.peer.public_key, sizeof(id));
	else if (is_near(m, &l->at))
		return;
	offender_strike(m, id, by_key, now_ms);
	if (is_refused(m, id, by_key, now_ms))
		link_refuse(l, what);
}

static bool native_message(struct mesh *m, struct link *l,
	const struct wire_event *told, struct mesh_event *event, int64_t now_ms)
{
	switch (told->type) {
	case MESSAGE_DIGEST:
	case MESSAGE_BATCH:
	case MESSAGE_FORK:
		break;
	default:
		if (!native_small_talk(m, l, told, now_ms)) {
			link_strike(m, l, "it is malformed", now_ms);
			link_refuse(l, "it sent something malformed");
		}
		return false;
	}
	event->input = &m->input;
	m->giver = l;
	switch (sync_message(m->sync, l->sync, told, &m->input, now_ms)) {
	case SYNC_DONE:
		break;
	case SYNC_BATCH:
		event->kind = MESH_BATCH;
		return true;
	case SYNC_HALF:
		event->kind = MESH_HALF;
		return true;
	case SYNC_BROKEN:
		link_strike(m, l, "it is malformed", now_ms);
		link_refuse(l, "it sent something malformed");
		break;
	}
	m->giver = NULL;
	return false;
}

static bool native_next(struct mesh *m, struct link *l,
	struct mesh_event *event, int64_t now_ms)
{
	struct wire_event told;

	while (!l->refused && wire_next(&l->wire, &told)) {
		/* Of a link that has ended, only what it had sent counts. */
		if (l->fd < 0 && l->sync == NULL)
			return false;
		switch (told.kind) {
		case WIRE_PEER:
			if (native_up(m, l, event, now_ms))
				return true;
			break;
		case WIRE_MESSAGE:
			if (native_message(m, l, &told, event, now_ms))
				return true;
			break;
		case WIRE_BROKEN:
			link_strike(m, l, told.text, now_ms);
			link_end(l, told.text);
			break;
		}
	}
	l->frame_ms = !wire_is_mid_frame(&l->wire) ? 0
		      : l->frame_ms == 0           ? now_ms
						   : l->frame_ms;
	return false;
}

/* Legacy links. */

/* The answer to a caller: NULL to let it in, or why not; "" is silence. */
static const char *caller_refusal(
	const struct mesh *m, const char *address, int64_t now_ms)
{
	const struct link *ours = legacy_link_to(m, address);

	if (strcmp(address, m->address) == 0)
		return "";
	if (m->only && !legacy_is_named(m, address))
		return "it is not one of those named";
	if (strcmp(address, m->address) < 0)
		return NULL;
	if (legacy_is_dialled(m, address) ||
		(ours != NULL && ours->role == MESH_DIALLED &&
			now_ms - ours->since_ms < CROSSING_MS))
		return "";
	return NULL;
}

/*
 * Ends our dials to somebody who has just dialled us, if ours is the later
 * name: going on, they would only take this link's place (rule 6).
 */
static void dials_drop(struct mesh *m, const char *address)
{
	for (int i = 0; i < LINKS; i++) {
		struct link *l = m->links[i];

		if (l != NULL && l->peer >= 0 && l->kind == LINK_LEGACY &&
			l->state < LINK_HEADS &&
			strcmp(m->dial.peers[l->peer].address, address) == 0 &&
			strcmp(m->address, address) > 0)
			link_end(l, "");
	}
}

/* The prologue is over: the connection is a link, unless it must not be. */
static void legacy_named(struct mesh *m, struct link *l, int64_t now_ms)
{
	const char *address = l->legacy->peer;
	const struct dial_peer *p = dial_peer(&m->dial, l->peer);

	if (strcmp(address, m->address) == 0) {
		link_refuse(l, "it has this program's own name and port");
		return;
	}
	if (p != NULL && p->address[0] != '\0' &&
		strcmp(p->address, address) != 0) {
		link_refuse(l, "somebody else answers there");
		return;
	}
	link_enter(l, LINK_HEADS, now_ms);
	if (linked_count(m) > LIMIT_LINKS && !drop_link(m, l, now_ms)) {
		l->state = LINK_GREETING;
		link_refuse(l, "there are too many links");
		return;
	}
	dial_linked(&m->dial, l->peer);
	dials_drop(m, address);
}

static bool legacy_up(struct mesh *m, struct link *l, struct mesh_event *event,
	int64_t now_ms)
{
	for (int i = 0; i < LINKS; i++) {
		struct link *older = m->links[i];

		if (older != l && link_is_linked(older) &&
			link_is_legacy(older) && older->state == LINK_UP &&
			strcmp(older->legacy->peer, l->legacy->peer) == 0 &&
			memcmp(older->legacy_key, l->legacy_key,
				sizeof(l->legacy_key)) == 0)
			link_end(older, "a newer link took its place");
	}
	link_enter(l, LINK_UP, now_ms);
	l->feed.lagging = true;
	event->kind = MESH_UP;
	return true;
}

/*
 * A record of the original's: first-hand or not at all (security.md, L1, L3),
 * and not too many of them (L8).
 */
static bool legacy_change(struct mesh *m, struct link *l,
	const struct legacy_event *told, struct mesh_event *event,
	int64_t now_ms)
{
	feed_has(&l->feed, m->room, told->key, told->seq);
	if (!l->have_key || !legacy_key_is_foreign(told->key) ||
		memcmp(told->key, l->legacy_key, sizeof(l->legacy_key)) != 0)
		return false;
	if (now_ms - l->second_ms >= 1000) {
		l->second_ms = now_ms;
		l->second_records = 0;
	}
	l->second_records++;
	m->giver = l;
	memcpy(m->given_key, told->key, sizeof(m->given_key));
	m->given_seq = told->seq;
	event->kind = MESH_RECORD;
	event->seq = told->seq;
	event->bytes = told->bytes;
	event->size = told->size;
	return true;
}

/* One thing that the codec tells.  True when it has to be told on. */
static bool legacy_told(struct mesh *m, struct link *l,
	const struct legacy_event *told, struct mesh_event *event,
	int64_t now_ms)
{
	const char *refusal;

	switch (told->kind) {
	case LEGACY_EVENT_CALLER:
		refusal = caller_refusal(m, told->text, now_ms);
		if (refusal == NULL)
			legacy_admit(l->legacy);
		else
			link_refuse(l, refusal);
		return false;
	case LEGACY_EVENT_LINK:
		legacy_named(m, l, now_ms);
		return false;
	case LEGACY_EVENT_ID:
		l->have_key = true;
		memcpy(l->legacy_key, told->key, sizeof(l->legacy_key));
		return false;
	case LEGACY_EVENT_HEAD:
		feed_has(&l->feed, m->room, told->key, told->seq);
		return false;
	case LEGACY_EVENT_READY:
		return legacy_up(m, l, event, now_ms);
	case LEGACY_EVENT_CHANGE:
		return legacy_change(m, l, told, event, now_ms);
	case LEGACY_EVENT_BROKEN:
		link_strike(m, l, told->text, now_ms);
		link_end(l, told->text);
		return false;
	}
	return false;
}

/* Is it not to be read for now? */
static bool legacy_is_held(
	const struct mesh *m, const struct link *l, int64_t now_ms)
{
	return m->held || (l->second_records >= LIMIT_LEGACY_RECORDS_PER_S &&
				  now_ms - l->second_ms < 1000);
}

static bool legacy_next_event(struct mesh *m, struct link *l,
	struct mesh_event *event, int64_t now_ms)
{
	struct legacy_event told;

	while (!l->refused &&
		(l->state != LINK_UP || !legacy_is_held(m, l, now_ms)) &&
		legacy_next(l->legacy, &told)) {
		if (l->fd < 0 && l->state != LINK_UP)
			return false;
		if (legacy_told(m, l, &told, event, now_ms))
			return true;
	}
	return false;
}

/* Events. */

/* Who it is about: copied, for the link may be gone when it is looked at. */
static void event_fill(
	struct mesh *m, const struct link *l, struct mesh_event *event)
{
	event->name = m->name_told;
	event->address = m->address_told;
	event->text = m->text_told;
	event->peer = l->peer;
	event->left = l->left;
	event->legacy = l->kind == LINK_LEGACY;
	address_show(&l->at, m->address_told);
	(void)snprintf(m->text_told, sizeof(m->text_told), "%s", l->reason);
	m->name_told[0] = '\0';
	if (link_is_legacy(l)) {
		(void)snprintf(m->name_told, sizeof(m->name_told), "%s",
			l->legacy->peer);
		if (l->have_key)
			event->key = m->key_told;
		memcpy(m->key_told, l->legacy_key, sizeof(m->key_told));
	} else if (l->sync != NULL) {
		(void)snprintf(m->name_told, sizeof(m->name_told), "%s",
			l->wire.peer.name);
		event->key = m->key_told;
		memcpy(m->key_told, l->wire.peer.public_key,
			sizeof(m->key_told));
	}
}

/* A native greeting went nowhere: may the original's protocol be tried? */
static bool peer_falls_back(struct mesh *m, const struct link *l)
{
	struct dial_peer *p = dial_peer(&m->dial, l->peer);

	if (p == NULL || !m->speaks_legacy || p->have_key)
		return false;
	if (p->legacy) {
		p->legacy = false;
		return false;
	}
	p->legacy = l->kind == LINK_NATIVE && l->wire.state <= WIRE_HELLO_D;
	return p->legacy;
}

/* The end of a link, once all that it sent was told; frees it. */
static bool link_tell_end(
	struct mesh *m, int index, struct mesh_event *event, int64_t now_ms)
{
	struct link *l = m->links[index];
	bool dial_has_failed = l->peer >= 0 && l->state < LINK_HEADS;
	bool connected = l->since_ms > 0 && l->heard_ms >= l->since_ms;
	bool tell = l->reason[0] != '\0' && !dial_has_failed;
	struct dial_peer *p = dial_peer(&m->dial, l->peer);

	event_fill(m, l, event);
	event->kind = l->state == LINK_UP ? MESH_DOWN : MESH_REFUSED;
	if (dial_has_failed && p != NULL && l->state == LINK_GREETING &&
		connected && peer_falls_back(m, l)) {
		p->dialling = false; /* the same address, in other words */
		p->dial_ms = now_ms;
	} else if (dial_has_failed && l->reason[0] != '\0') {
		dial_failed(&m->dial, l->peer, l->reason, now_ms);
	} else if (dial_has_failed && p != NULL) {
		p->dialling = false; /* dials_drop */
	}
	peers_lost(m, l, now_ms);
	link_free(m, index, now_ms);
	return tell;
}

static bool link_next(
	struct mesh *m, int index, struct mesh_event *event, int64_t now_ms)
{
	struct link *l = m->links[index];
	bool told;

	if (l == NULL || l->state == LINK_CONNECTING)
		return l != NULL && l->fd < 0 &&
		       link_tell_end(m, index, event, now_ms);
	if (l->kind == LINK_LEGACY)
		told = legacy_next_event(m, l, event, now_ms);
	else
		told = l->kind == LINK_NATIVE &&
		       native_next(m, l, event, now_ms);
	if (told) {
		event_fill(m, l, event);
		return true;
	}
	if (l->kind == LINK_LEGACY && l->state == LINK_UP && !l->refused &&
		legacy_is_held(m, l, now_ms))
		return false; /* what it sent is told first */
	return l->fd < 0 && link_tell_end(m, index, event, now_ms);
}

static bool peers_next(struct mesh *m, struct mesh_event *event)
{
	for (int i = 0; i < DIAL_PEERS_MAX; i++) {
		struct dial_peer *p = dial_peer(&m->dial, i);

		if (p == NULL || !p->failed)
			continue;
		p->failed = false;
		event->kind = MESH_UNREACHABLE;
		event->peer = i;
		event->name = p->name;
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
	m->giver = NULL;
	memset(event, 0, sizeof(*event));
	for (int tried = 0; tried < LINKS; tried++) {
		if (link_next(m, m->turn, event, now_ms))
			return true;
		m->turn = (m->turn + 1) % LINKS;
	}
	return peers_next(m, event);
}

void mesh_answer(struct mesh *m, enum room_verdict verdict, int64_t now_ms)
{
	struct link *l = m->giver;

	if (l == NULL)
		return;
	m->giver = NULL;
	if (l->kind == LINK_LEGACY) {
		if (verdict == ROOM_ACCEPTED)
			feed_has(&l->feed, m->room, m->given_key, m->given_seq);
		return;
	}
	sync_answer(m->sync, l->sync, &m->input, verdict, now_ms);
	if (verdict == ROOM_BAD)
		link_strike(m, l, "it sent what nobody signed", now_ms);
}

void mesh_hold(struct mesh *m, bool held, int64_t now_ms)
{
	m->held = held;
	sync_hold(m->sync, held, now_ms);
}

void mesh_touch(struct mesh *m)
{
	sync_touch(m->sync);
}

void mesh_leave(struct mesh *m, const char *reason, int64_t now_ms)
{
	for (int i = 0; i < LINKS; i++) {
		if (link_is_linked(m->links[i]))
			link_leave(m, m->links[i], reason, now_ms);
	}
}

/* Life. */

struct mesh *mesh_open(
	const struct mesh_options *options, struct room *room, struct log *log)
{
	struct mesh *m = calloc(1, sizeof(*m));

	if (m != NULL)
		m->sync = sync_open(room, options->seed);
	if (m == NULL || m->sync == NULL) {
		free(m);
		return NULL;
	}
	m->log = log;
	m->room = room;
	m->self = options->self;
	m->only = options->only;
	m->speaks_legacy = options->legacy;
	dial_begin(&m->dial, options->seed);
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
			link_free(m, i, 0);
	}
	for (int i = 0; i < MESH_LISTEN_MAX; i++) {
		if (m->listen_fds[i] >= 0)
			(void)close(m->listen_fds[i]);
	}
	sync_close(m->sync);
	free(m);
	errno = error;
}

void mesh_set_address(struct mesh *m, const char *address)
{
	assert(legacy_address_valid(address, strlen(address)));
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
		listen(fd, LIMIT_HALF_OPEN) == 0)
		return fd;
	error = errno;
	(void)close(fd); /* nobody knows of it yet */
	errno = error;
	return -1;
}

int mesh_listen(struct mesh *m, uint16_t port)
{
	struct sockaddr_storage local = { .ss_family = AF_UNSPEC };
	socklen_t size = sizeof(local);
	int fd = listen_on(AF_INET, port);

	if (fd < 0 || getsockname(fd, (struct sockaddr *)&local, &size) < 0)
		return -1;
	m->port = port_of(&local);
	m->listen_fds[0] = fd;
	/* Without IPv6, or with this port taken there, IPv4 is enough. */
	m->listen_fds[1] = listen_on(AF_INET6, m->port);
	return m->port;
}

int mesh_add_peer(struct mesh *m, const char *address)
{
	return dial_add(&m->dial, address);
}

void mesh_remove_peer(struct mesh *m, int peer)
{
	for (int i = 0; i < LINKS; i++) {
		if (m->links[i] != NULL && m->links[i]->peer == peer)
			m->links[i]->peer = -1;
	}
	dial_remove(&m->dial, peer);
}

void mesh_expect(struct mesh *m, const char *name, const uint8_t *key)
{
	for (int i = 0; i < DIAL_PEERS_MAX; i++) {
		struct dial_peer *p = dial_peer(&m->dial, i);

		if (p == NULL || strcmp(p->name, name) != 0)
			continue;
		p->have_key = true;
		memcpy(p->key, key, sizeof(p->key));
	}
}

void mesh_found(struct mesh *m, int peer,
	const struct sockaddr_storage *addresses, int count, int64_t now_ms)
{
	dial_found(&m->dial, peer, addresses, count, now_ms);
}

/* What others ask. */

bool mesh_has_key(const struct mesh *m, const uint8_t *key)
{
	return key_count(m, key) > 0;
}

bool mesh_is_idle(const struct mesh *m)
{
	uint64_t count = log_count(m->log);

	for (int i = 0; i < LINKS; i++) {
		struct link *l = m->links[i];

		if (!link_is_linked(l))
			continue;
		if (fifo_size(link_out(l)) > 0 || l->lagging ||
			l->state == LINK_HEADS ||
			(link_is_native(l) &&
				(!sync_is_idle(l->sync) ||
					!wire_is_empty(&l->wire))) ||
			(link_is_legacy(l) && l->feed.log_count != count))
			return false;
	}
	return true;
}

bool mesh_is_settled(const struct mesh *m)
{
	for (int i = 0; i < LINKS; i++) {
		const struct link *l = m->links[i];

		if (l == NULL || l->fd < 0)
			continue;
		if (l->state < LINK_UP ||
			(l->sync != NULL && !sync_is_complete(l->sync)))
			return false;
	}
	return true;
}

bool mesh_claims_own(const struct mesh *m)
{
	return sync_claims_own(m->sync);
}

void mesh_count(const struct mesh *m, struct mesh_counts *counts)
{
	memset(counts, 0, sizeof(*counts));
	counts->links = linked_count(m);
	counts->half_open = half_open_count(m, MESH_ACCEPTED) +
			    half_open_count(m, MESH_DIALLED);
	counts->bytes_sent = m->bytes_sent;
	counts->bytes_received = m->bytes_received;
	counts->strikes = m->strikes;
	sync_count(m->sync, &counts->sync);
}

static void link_want_timers(const struct link *l, struct loop *loop)
{
	loop_wake(loop, l->deadline_ms);
	if (l->state < LINK_UP || l->sync == NULL)
		return;
	loop_wake(loop, l->heard_ms + LIMIT_SILENCE_MS);
	if (l->pinged_ms == 0)
		loop_wake(loop, l->heard_ms + LIMIT_PING_MS);
	if (l->frame_ms != 0)
		loop_wake(loop, l->frame_ms + LIMIT_FRAME_MS);
	if (l->answer_ms != 0)
		loop_wake(loop, l->answer_ms);
}

static void link_want(struct mesh *m, struct link *l, struct loop *loop)
{
	bool held = l->kind == LINK_LEGACY && l->state == LINK_UP &&
		    legacy_is_held(m, l, loop->now_ms);
	int events = 0;

	if (held && !m->held)
		loop_wake(loop, l->second_ms + 1000);
	if (l->fd < 0) {
		if (!held)
			loop_wake(loop, loop->now_ms); /* its end is to tell */
		return;
	}
	link_want_timers(l, loop);
	if (l->state == LINK_CONNECTING) {
		events = POLLOUT;
	} else {
		if (fifo_room(link_in(l)) > 0)
			events |= POLLIN;
		if (fifo_size(link_out(l)) > 0 || l->lagging)
			events |= POLLOUT;
	}
	if (fifo_size(link_out(l)) > 0)
		loop_wake(loop, l->moved_ms + LIMIT_SILENCE_MS);
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
	for (int i = 0; i < DIAL_PEERS_MAX; i++) {
		if (peer_may_dial(m, i))
			loop_wake(loop, m->dial.peers[i].dial_ms);
	}
	sync_want(m->sync, loop);
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
