/* SPDX-License-Identifier: ISC */
/*
 * mesh.c: peers and listeners, one turn of all links, and what they tell.
 * What a link is, and who may be linked with whom, stands in links/link.h.
 */
#include "platform.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "links/link.h"
#include "mesh.h"
#include "net.h"

enum {
	ACCEPTS_A_TURN = 16,
	WRITES_A_TURN = 4,     /* of one link, then the next one's */
	ACCEPT_PAUSE_MS = 1000 /* after the system ran out of something */
};

/* Peers. */

bool mesh_is_linked(const struct mesh *m, int peer)
{
	for (int i = 0; i < LINKS_MAX; i++) {
		if (link_is_to(m, m->links[i], peer))
			return true;
	}
	return false;
}

/* The link to whoever listens there, or NULL. */
static const struct link *link_at(
	const struct mesh *m, const struct sockaddr_storage *at)
{
	for (int i = 0; i < LINKS_MAX; i++) {
		const struct link *l = m->links[i];

		if (link_is_linked(l) && net_same_host(&l->at, at) &&
			l->port == net_port(at))
			return l;
	}
	return NULL;
}

/* Whoever is found to be linked already is known by his key from now on. */
static bool peer_is_there(struct mesh *m, struct dial_peer *p)
{
	const struct link *l = link_at(m, &p->at[p->next]);

	if (l == NULL || l->sync == NULL || p->name[0] != '\0')
		return false;
	p->have_key = true;
	memcpy(p->key, l->wire.peer.public_key, sizeof(p->key));
	return true;
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
	exchange_lost(m, l, now_ms);
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

int mesh_adopt(
	struct mesh *m, int fd, enum mesh_role role, int peer, int64_t now_ms)
{
	const struct dial_peer *p = dial_peer(&m->dial, peer);
	enum link_kind kind = LINK_NATIVE;
	struct link *l;
	socklen_t size;
	bool spoken;

	if (role == MESH_ACCEPTED &&
		links_half_open(m, MESH_ACCEPTED) >= LIMIT_HALF_OPEN)
		links_drop_half_open(m);
	l = link_make(m, fd, role, peer);
	if (l == NULL)
		return -1;
	size = sizeof(l->at);
	if (getpeername(fd, (struct sockaddr *)&l->at, &size) < 0)
		l->at.ss_family = AF_UNSPEC; /* it is gone already */
	link_note_near(l);
	if (peer >= 0)
		dial_started(&m->dial, peer, now_ms);
	if (role == MESH_ACCEPTED)
		kind = LINK_UNKNOWN;
	else if (p != NULL && p->legacy)
		kind = LINK_LEGACY;
	spoken = link_speak(m, l, kind);
	link_enter(l, LINK_GREETING, now_ms);
	if (!spoken)
		link_end(l, strerror(ENOMEM));
	else if (!link_local_allowed(m, fd))
		link_end(l, "it came over an interface that is not allowed");
	else if (role == MESH_ACCEPTED && link_is_refused(m, l, now_ms))
		link_refuse(l, "it has misbehaved too often");
	return 0;
}

static void peer_dial(struct mesh *m, int index, int64_t now_ms)
{
	struct dial_peer *p = dial_peer(&m->dial, index);
	const struct sockaddr_storage *to = &p->at[p->next];

	if ((!p->legacy && exchange_give(m, index, to)) ||
		link_dial(m, to, index, p->legacy ? LINK_LEGACY : LINK_NATIVE,
			now_ms))
		dial_started(&m->dial, index, now_ms);
	else
		dial_failed(&m->dial, index, strerror(errno), now_ms);
}

/* Is only the time missing? */
static bool peer_may_dial(const struct mesh *m, int index)
{
	const struct dial_peer *p = &m->dial.peers[index];

	if (!dial_is_possible(&m->dial, index) || mesh_is_linked(m, index) ||
		links_half_open(m, MESH_DIALLED) - exchange_dials(m) >=
			LIMIT_DIALS)
		return false;
	return !p->found || links_linked(m) < LIMIT_LINKS_DIALLED;
}

static void peers_dial(struct mesh *m, int64_t now_ms)
{
	for (int i = 0; i < LINKS_MAX; i++) {
		if (m->links[i] != NULL)
			peers_lost(m, m->links[i], now_ms);
	}
	for (int i = 0; i < DIAL_PEERS_MAX; i++) {
		struct dial_peer *p = &m->dial.peers[i];

		if (!p->used || now_ms < p->dial_ms || !peer_may_dial(m, i) ||
			peer_is_there(m, p))
			continue;
		if (link_at(m, &p->at[p->next]) != NULL)
			dial_failed(
				&m->dial, i, "somebody else is there", now_ms);
		else
			peer_dial(m, i, now_ms);
	}
}

/* Moving bytes. */

static void link_connected(struct mesh *m, struct link *l, int64_t now_ms)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	link_note_near(l);
	if (error != 0)
		link_end(l, strerror(error));
	else if (!link_local_allowed(m, l->fd))
		link_end(l, "it is reached over an interface that is not "
			    "allowed");
	else
		link_enter(l, LINK_GREETING, now_ms);
}

/* The first byte says what a caller speaks. */
static void link_recognise(struct mesh *m, struct link *l)
{
	struct fifo *in = &l->wire.in;
	size_t size = fifo_size(in);

	if (l->kind != LINK_UNKNOWN || size == 0 || l->state != LINK_GREETING)
		return;
	l->deadline_ms = l->since_ms + LIMIT_HANDSHAKE_MS;
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
static void link_check(struct link *l, int64_t now_ms)
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
}

/* L6: with --legacy, somebody without a key may be the original. */
static bool peer_may_be_legacy(const struct mesh *m, int peer)
{
	return m->speaks_legacy && peer >= 0 && !m->dial.peers[peer].have_key &&
	       !m->dial.peers[peer].found;
}

/* Who does not answer for a while is asked in other words then. */
static bool native_may_be_legacy(const struct mesh *m, const struct link *l)
{
	return peer_may_be_legacy(m, l->peer) && l->kind == LINK_NATIVE &&
	       l->state == LINK_GREETING && l->wire.state == WIRE_HELLO_D;
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
		link_recognise(m, l);
	}
	if (l->fd >= 0 && native_may_be_legacy(m, l) &&
		now_ms - l->since_ms >= LIMIT_LEGACY_MS)
		link_refuse(l, "it said nothing");
	if (l->fd >= 0)
		link_check(l, now_ms);
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

static void link_fill(struct mesh *m, struct link *l, int64_t now_ms)
{
	if (link_is_native(l)) {
		if (now_ms - l->heard_ms >= LIMIT_PING_MS)
			native_ping(l, now_ms);
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
	for (int i = 0; i < LINKS_MAX; i++) {
		if (m->links[i] != NULL && m->links[i]->fd >= 0 &&
			m->links[i]->state != LINK_CONNECTING)
			link_flush(m, m->links[i], now_ms);
	}
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
	event->is_named = link_is_named(m, l);
	event->legacy = l->kind == LINK_LEGACY;
	net_show(&l->at, m->address_told);
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

	if (p == NULL || !peer_may_be_legacy(m, l->peer) ||
		l->state != LINK_GREETING)
		return false;
	p->legacy = l->kind == LINK_NATIVE && l->wire.state <= WIRE_HELLO_D;
	return p->legacy;
}

/* Who was told of as here for this link still is, for another one: it is. */
static bool link_hands_on(struct mesh *m, const struct link *l)
{
	for (int i = 0; l->is_here && i < LINKS_MAX; i++) {
		struct link *other = m->links[i];

		if (other != NULL &&
			link_has_key(other, l->wire.peer.public_key)) {
			other->is_here = true;
			return true;
		}
	}
	return !l->is_here;
}

/* The end of a link, once all that it sent was told; frees it. */
static bool link_tell_end(
	struct mesh *m, int index, struct mesh_event *event, int64_t now_ms)
{
	struct link *l = m->links[index];
	bool dial_has_failed = l->peer >= 0 && l->state < LINK_HEADS;
	bool tell = l->reason[0] != '\0' && !dial_has_failed;
	struct dial_peer *p = dial_peer(&m->dial, l->peer);

	event_fill(m, l, event);
	event->kind =
		l->state == LINK_UP || l->is_here ? MESH_DOWN : MESH_REFUSED;
	event->others = l->kind == LINK_NATIVE && link_hands_on(m, l);
	if (dial_has_failed && p != NULL && l->kind == LINK_LEGACY)
		p->legacy = false; /* native comes first again */
	if (dial_has_failed && p != NULL && peer_falls_back(m, l)) {
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

/* Has it got more of our own log since that was told last? */
static bool link_delivered(
	struct mesh *m, struct link *l, struct mesh_event *event)
{
	uint32_t own = room_own(m->room);
	uint64_t receipt;

	if (l->sync == NULL || l->fd < 0)
		return false;
	receipt = sync_receipt(m->sync, l->sync);
	if (receipt == 0 || (l->receipt_log == own && l->receipt >= receipt))
		return false;
	l->receipt_log = own;
	l->receipt = receipt;
	event->kind = MESH_DELIVERED;
	event->number = receipt;
	return true;
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
		told = original_next(m, l, event, now_ms);
	else
		told = l->kind == LINK_NATIVE &&
		       native_next(m, l, event, now_ms);
	if (told || link_delivered(m, l, event)) {
		event_fill(m, l, event);
		return true;
	}
	if (l->kind == LINK_LEGACY && l->state == LINK_UP && !l->refused &&
		fifo_size(&l->legacy->in) > 0 && original_is_held(m, l, now_ms))
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
	for (int tried = 0; tried < LINKS_MAX; tried++) {
		if (link_next(m, m->turn, event, now_ms))
			return true;
		m->turn = (m->turn + 1) % LINKS_MAX;
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
		/* It knows of no way to ask again but a new Handshake. */
		if (verdict == ROOM_FULL)
			link_end(l, "it is asked for what is missing");
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
	for (int i = 0; i < LINKS_MAX; i++) {
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
		m->sync = sync_open(room, options->is_new, options->seed);
	if (m == NULL || m->sync == NULL) {
		free(m);
		return NULL;
	}
	m->log = log;
	m->room = room;
	m->self = options->self;
	m->only = options->only;
	m->explores = options->explores;
	m->known = options->known;
	m->random = options->seed | 1;
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
	for (int i = 0; i < LINKS_MAX; i++) {
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
	assert(count <= LINKS_LOCAL_MAX);
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
	struct sockaddr_storage local;
	socklen_t size = sizeof(local);
	int fd = listen_on(AF_INET, port);

	memset(&local, 0, sizeof(local));
	if (fd < 0 || getsockname(fd, (struct sockaddr *)&local, &size) < 0)
		return -1;
	m->port = net_port(&local);
	m->listen_fds[0] = fd;
	/* Without IPv6, or with this port taken there, IPv4 is enough. */
	m->listen_fds[1] = listen_on(AF_INET6, m->port);
	return m->port;
}

int mesh_add_peer(struct mesh *m, const char *address)
{
	return dial_add(&m->dial, address);
}

int mesh_add_found(struct mesh *m)
{
	int peer = dial_add(&m->dial, "");

	if (peer >= 0)
		dial_peer(&m->dial, peer)->found = true;
	return peer;
}

void mesh_forget_peer(struct mesh *m, int peer)
{
	for (int i = 0; i < LINKS_MAX; i++) {
		struct link *l = m->links[i];

		if (l == NULL || l->peer != peer)
			continue;
		if (!link_is_linked(l))
			link_end(l, "");
		l->peer = -1;
	}
	dial_remove(&m->dial, peer);
}

void mesh_set_peer_address(struct mesh *m, int peer, const char *address)
{
	dial_set_address(&m->dial, peer, address);
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

bool mesh_is_idle(const struct mesh *m)
{
	uint64_t count = log_count(m->log);

	for (int i = 0; i < LINKS_MAX; i++) {
		struct link *l = m->links[i];

		if (!link_is_linked(l))
			continue;
		if (fifo_size(link_out(l)) > 0 || l->lagging ||
			l->state == LINK_HEADS ||
			(link_is_native(l) &&
				(!sync_is_idle(m->sync, l->sync) ||
					!wire_is_empty(&l->wire))) ||
			(link_is_legacy(l) && l->feed.log_count != count))
			return false;
	}
	return true;
}

bool mesh_is_settled(const struct mesh *m)
{
	for (int i = 0; i < LINKS_MAX; i++) {
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

void mesh_agree(struct mesh *m, struct mesh_agreed *agreed)
{
	memset(agreed, 0, sizeof(*agreed));
	for (int i = 0; i < LINKS_MAX; i++) {
		const struct link *l = m->links[i];

		if (!link_is_native(l) || l->state != LINK_UP || l->fd < 0)
			continue;
		agreed->links++;
		agreed->equal += sync_agrees(m->sync, l->sync);
	}
	memcpy(agreed->state, sync_state(m->sync), sizeof(agreed->state));
}

void mesh_count(const struct mesh *m, struct mesh_counts *counts)
{
	memset(counts, 0, sizeof(*counts));
	counts->links = links_linked(m);
	counts->half_open = links_half_open(m, MESH_ACCEPTED) +
			    links_half_open(m, MESH_DIALLED);
	counts->bytes_sent = m->bytes_sent;
	counts->bytes_received = m->bytes_received;
	counts->strikes = m->strikes.count;
	sync_count(m->sync, &counts->sync);
}

bool mesh_next_link(struct mesh *m, int *index, struct mesh_event *event)
{
	memset(event, 0, sizeof(*event));
	while (*index < LINKS_MAX) {
		const struct link *l = m->links[(*index)++];

		if (l == NULL || l->fd < 0 || l->state != LINK_UP)
			continue;
		event_fill(m, l, event);
		return true;
	}
	return false;
}

static void link_want_timers(
	const struct mesh *m, const struct link *l, struct loop *loop)
{
	loop_wake(loop, l->deadline_ms);
	if (native_may_be_legacy(m, l))
		loop_wake(loop, l->since_ms + LIMIT_LEGACY_MS);
	if (l->state < LINK_UP || l->sync == NULL)
		return;
	loop_wake(loop, l->heard_ms + LIMIT_SILENCE_MS);
	if (l->pinged_ms == 0 && fifo_size(&l->wire.out) == 0)
		loop_wake(loop, l->heard_ms + LIMIT_PING_MS);
	if (l->frame_ms != 0)
		loop_wake(loop, l->frame_ms + LIMIT_FRAME_MS);
	if (l->answer_ms != 0)
		loop_wake(loop, l->answer_ms);
}

static void link_want(struct mesh *m, struct link *l, struct loop *loop)
{
	bool held = l->kind == LINK_LEGACY && l->state == LINK_UP &&
		    original_is_held(m, l, loop->now_ms);
	int events = 0;

	if (held && !m->held)
		loop_wake(loop, l->second_ms + 1000);
	if (l->fd < 0) {
		if (!held)
			loop_wake(loop, loop->now_ms); /* its end is to tell */
		return;
	}
	link_want_timers(m, l, loop);
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
	for (int i = 0; i < LINKS_MAX; i++) {
		if (m->links[i] != NULL)
			link_want(m, m->links[i], loop);
	}
	for (int i = 0; i < DIAL_PEERS_MAX; i++) {
		if (peer_may_dial(m, i))
			loop_wake(loop, m->dial.peers[i].dial_ms);
	}
	exchange_want(m, loop);
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
	for (int i = 0; i < LINKS_MAX; i++) {
		if (m->links[i] != NULL && m->links[i]->fd >= 0)
			link_run(m, m->links[i], loop, now_ms);
	}
	for (int i = 0; i < MESH_LISTEN_MAX; i++) {
		if (loop_ready(loop, m->listen_slots[i]) != 0)
			listener_run(m, m->listen_fds[i], now_ms);
	}
	peers_dial(m, now_ms);
	exchange_run(m, now_ms);
}
