/* SPDX-License-Identifier: ISC */
/*
 * exchange.c: one reachable peer is enough to find the room, where multicast
 * does not reach and nobody names everybody.
 *
 *	their Hello --> link->told ---+
 *	file `addresses` --> known ---+--> tried: 8 a minute --> dialled once
 *	who was linked and is lost ------> known: back-off ----> dialled
 *
 * What we tell: when a link is up, it is sent a second Hello with the addresses
 * of those that are up already.  So of any two of our neighbours, the one that
 * came later is told of the other, and exactly he: nobody is told twice, and a
 * crowd that comes at one moment costs one message each.
 *
 * What we are told is a hint of a stranger: tried.h bounds what may come of it.
 * The next address is always of whom fewest were dialled lately, so nobody can
 * keep another one's from being dialled.  It goes with the link of who told it.
 *
 * Nobody of these is a peer of dial.h: he takes no place of one who was named
 * or found, nor one of their dials, and none of their privileges.  An address
 * that such a peer has is left to that peer.  With `only`, or without
 * `explores`, nothing of this is dialled; it is told all the same.
 */
#include "platform.h"

#include <limits.h>
#include <stdlib.h>

#include "jitter.h"
#include "links/link.h"

enum {
	PATIENCE_MS = 2 * 1000,   /* before those told or known are dialled: who
				   is found, or dials us, need not be */
	AWAY_MS = 60 * 60 * 1000, /* who is lost longer is not dialled */
	ALONE_MS = 5 * 60 * 1000, /* then all who are known are, once more */
	SAVE_MS = 5 * 1000        /* gathers changes of `addresses` */
};

/* We ourselves, as one who tells. */
static const struct tried_giver memory;

/* Telling. */

/* Where others can dial whoever is at the other end; false: nowhere. */
static bool link_place(const struct link *l, struct net_place *place)
{
	if (!link_is_native(l) || l->fd < 0 || l->state != LINK_UP ||
		l->port == 0)
		return false;
	*place = net_place_of(&l->at);
	if (l->role == MESH_ACCEPTED)
		place->port = l->port;
	return net_place_is_plain(place);
}

static bool place_is_loopback(const struct net_place *place)
{
	struct sockaddr_storage address;

	net_set_place(&address, place);
	return net_is_loopback(&address);
}

static void hello_add(struct message_hello *hello, const struct net_place *at)
{
	struct sockaddr_storage address;
	int i = hello->address_count++;
	struct writer w = writer_over(
		hello->addresses[i].bytes, sizeof(hello->addresses[i].bytes));

	net_set_place(&address, at);
	if (address.ss_family == AF_INET)
		write_bytes(&w, at->host + 12, 4);
	else
		write_bytes(&w, at->host, 16);
	write_be16(&w, at->port);
	hello->addresses[i].size = (uint8_t)w.size;
}

/* With more than fit, not the same ones are always left out. */
void exchange_fill(
	struct mesh *m, const struct link *to, struct message_hello *hello)
{
	uint64_t first = jitter_next(&m->random);
	struct net_place at;

	for (uint64_t i = 0; i < LINKS_MAX; i++) {
		const struct link *l =
			m->links[(first % LINKS_MAX + i) % LINKS_MAX];

		if (hello->address_count < MESSAGE_ADDRESSES_MAX && l != to &&
			link_place(l, &at) &&
			!link_has_key(to, l->wire.peer.public_key) &&
			(!place_is_loopback(&at) || net_is_loopback(&to->at)))
			hello_add(hello, &at);
	}
}

/* Being told. */

/* Is it the end of a link where we listen? */
static bool place_is_ours(
	const struct mesh *m, const struct link *l, const struct net_place *at)
{
	struct sockaddr_storage own = { .ss_family = AF_UNSPEC };
	socklen_t size = sizeof(own);
	uint8_t host[16];

	if (at->port != m->port)
		return false;
	if (place_is_loopback(at) ||
		getsockname(l->fd, (struct sockaddr *)&own, &size) < 0)
		return true;
	net_host(&own, host);
	return memcmp(host, at->host, sizeof(host)) == 0;
}

/* His newest takes the place of his oldest. */
static void told_add(struct link *l, const struct net_place *at)
{
	for (int i = 0; i < l->told_count; i++) {
		if (net_same_place(&l->told[i], at))
			return;
	}
	if (l->told_count == MESSAGE_ADDRESSES_MAX) {
		l->told_count--;
		memmove(&l->told[0], &l->told[1],
			(size_t)l->told_count * sizeof(l->told[0]));
	}
	l->told[l->told_count++] = *at;
}

void exchange_hear(struct mesh *m, struct link *l,
	const struct message_hello *hello, int64_t now_ms)
{
	if (hello->address_count > 0 && now_ms >= m->patience_ms)
		m->patience_ms = now_ms + jitter_about(&m->random, PATIENCE_MS);
	for (int i = 0; m->explores && i < hello->address_count; i++) {
		struct reader r = reader_over(
			hello->addresses[i].bytes, hello->addresses[i].size);
		struct net_place at = { .host = { [10] = 0xff, [11] = 0xff } };

		if (r.left == 4 + 2)
			read_copy(&r, at.host + 12, 4);
		else
			read_copy(&r, at.host, 16);
		at.port = read_be16(&r);
		if (net_place_is_plain(&at) && !place_is_ours(m, l, &at) &&
			!tried_bars(&m->tried, &at, now_ms) &&
			(!place_is_loopback(&at) || net_is_loopback(&l->at)))
			told_add(l, &at);
	}
}

/* Remembering. */

void exchange_up(struct mesh *m, struct link *l)
{
	struct net_place at;
	struct known_peer *p;

	if (!link_place(l, &at))
		return;
	tried_linked(&m->tried, &at);
	p = known_meet(m->known, l->wire.peer.public_key, &at);
	if (p != NULL)
		p->dial_ms = INT64_MAX;
}

static void known_wait(struct mesh *m, struct known_peer *p, int64_t now_ms)
{
	p->dial_ms = now_ms + dial_backoff(&m->random, &p->backoff_ms);
}

/* Who said goodbye knows where we are; who misbehaved is not missed. */
void exchange_lost(struct mesh *m, const struct link *l, int64_t now_ms)
{
	struct known_peer *p;

	if (l->state != LINK_UP || l->sync == NULL || l->left || l->refused ||
		links_of_key(m, l->wire.peer.public_key) > 0)
		return;
	p = known_find(m->known, l->wire.peer.public_key);
	if (p == NULL)
		return;
	p->lost_ms = now_ms;
	if (p->backoff_ms == 0 || now_ms - l->since_ms >= DIAL_STEADY_MS)
		p->backoff_ms = DIAL_BACKOFF_MIN_MS;
	known_wait(m, p, now_ms);
}

/* Dialling. */

/* Dials have a peer of dial.h, or are ours. */
int exchange_dials(const struct mesh *m)
{
	int count = 0;

	for (int i = 0; i < LINKS_MAX; i++)
		count += link_is_half_open(m->links[i], MESH_DIALLED) &&
			 m->links[i]->peer < 0;
	return count;
}

bool exchange_give(struct mesh *m, int peer, const struct sockaddr_storage *to)
{
	struct net_place at = net_place_of(to), its;

	for (int i = 0; i < LINKS_MAX; i++) {
		struct link *l = m->links[i];

		if (!link_is_half_open(l, MESH_DIALLED) || l->peer >= 0)
			continue;
		its = net_place_of(&l->at);
		if (net_same_place(&its, &at)) {
			l->peer = peer;
			return true;
		}
	}
	return false;
}

static bool may_dial(const struct mesh *m)
{
	return m->explores && !m->only &&
	       exchange_dials(m) < LIMIT_DIALS_TOLD &&
	       links_linked(m) < LIMIT_LINKS_DIALLED;
}

static bool peer_has(const struct dial_peer *p, const struct net_place *at)
{
	for (int i = 0; i < p->count; i++) {
		struct net_place its = net_place_of(&p->at[i]);

		if (net_same_place(&its, at))
			return true;
	}
	return false;
}

/* Is somebody linked there, or dialled, or looked for by other means? */
static bool place_is_taken(struct mesh *m, const struct net_place *at)
{
	for (int i = 0; i < LINKS_MAX; i++) {
		const struct link *l = m->links[i];
		struct net_place its;

		if (l == NULL || l->fd < 0)
			continue;
		its = net_place_of(&l->at);
		if (l->role == MESH_DIALLED && net_same_place(&its, at))
			return true;
		its.port = l->port;
		if (net_same_place(&its, at))
			return true;
	}
	for (int i = 0; i < DIAL_PEERS_MAX; i++) {
		const struct dial_peer *p = dial_peer(&m->dial, i);

		if (p != NULL && peer_has(p, at))
			return true;
	}
	return false;
}

static bool known_is_taken(struct mesh *m, const struct known_peer *known)
{
	for (int i = 0; i < DIAL_PEERS_MAX; i++) {
		const struct dial_peer *p = dial_peer(&m->dial, i);

		if (p != NULL && p->have_key &&
			memcmp(p->key, known->key, sizeof(p->key)) == 0)
			return true;
	}
	return links_of_key(m, known->key) > 0 || place_is_taken(m, &known->at);
}

static struct tried_giver giver_of(const struct link *l)
{
	struct tried_giver giver = memory;

	net_host(&l->at, giver.host);
	return giver;
}

/* Of those who have told something, the one for whom we did least; or NULL. */
static struct link *next_giver(
	struct mesh *m, struct tried_giver *giver, int *least, int64_t now_ms)
{
	struct link *next = NULL;

	*least = INT_MAX;
	for (int i = 0; i < LINKS_MAX; i++) {
		struct link *l = m->links[i];
		struct tried_giver other;
		int count;

		if (l == NULL || l->fd < 0 || l->told_count == 0)
			continue;
		other = giver_of(l);
		count = tried_for(&m->tried, &other, now_ms);
		if (count >= *least)
			continue;
		next = l;
		*giver = other;
		*least = count;
	}
	return next;
}

/* Who was there in an earlier run; again and again only while we are alone. */
static struct known_peer *next_known(const struct mesh *m)
{
	return known_next(m->known, false, links_linked(m) == 0);
}

/* Takes out the address that is to be tried next; false: there is none. */
static bool next_place(struct mesh *m, struct net_place *at,
	struct tried_giver *giver, int64_t now_ms)
{
	for (;;) {
		int least;
		struct link *l = next_giver(m, giver, &least, now_ms);
		struct known_peer *p = next_known(m);

		if (p != NULL && now_ms >= p->dial_ms &&
			tried_for(&m->tried, &memory, now_ms) < least) {
			p->tried = true;
			p->dial_ms =
				now_ms + jitter_about(&m->random, ALONE_MS);
			*giver = memory;
			*at = p->at;
			if (!known_is_taken(m, p))
				return true;
		} else if (l != NULL) {
			*at = l->told[--l->told_count];
			if (!tried_bars(&m->tried, at, now_ms) &&
				!place_is_taken(m, at))
				return true;
		} else {
			return false;
		}
	}
}

static void place_dial(
	struct mesh *m, const struct net_place *at, int64_t now_ms)
{
	struct sockaddr_storage to;

	net_set_place(&to, at);
	/* What fails at once has had its turn. */
	(void)!link_dial(m, &to, -1, LINK_NATIVE, now_ms);
}

/* Who was lost in this run, until he is found, or has been away for long. */
static void dial_lost_ones(struct mesh *m, int64_t now_ms)
{
	while (may_dial(m)) {
		struct known_peer *p = known_next(m->known, true, false);

		if (p == NULL || now_ms < p->dial_ms)
			return;
		known_wait(m, p, now_ms);
		if (now_ms - p->lost_ms >= AWAY_MS)
			p->dial_ms = INT64_MAX;
		else if (!known_is_taken(m, p))
			place_dial(m, &p->at, now_ms);
	}
}

/* When the next of those told or known may be dialled. */
static int64_t due_ms(const struct mesh *m)
{
	int64_t due = tried_due_ms(&m->tried);

	return due > m->patience_ms ? due : m->patience_ms;
}

static void save(struct mesh *m, int64_t now_ms)
{
	if (!known_unsaved(m->known))
		return;
	if (m->save_ms == 0)
		m->save_ms = now_ms + SAVE_MS;
	if (now_ms < m->save_ms)
		return;
	m->save_ms = 0;
	(void)!known_save(m->known); /* or some other time */
}

void exchange_run(struct mesh *m, int64_t now_ms)
{
	struct tried_giver giver;
	struct net_place at;

	if (m->patience_ms == 0)
		m->patience_ms = now_ms + jitter_about(&m->random, PATIENCE_MS);
	save(m, now_ms);
	dial_lost_ones(m, now_ms);
	while (may_dial(m) && now_ms >= due_ms(m) &&
		next_place(m, &at, &giver, now_ms)) {
		tried_add(&m->tried, &at, &giver, now_ms);
		place_dial(m, &at, now_ms);
	}
}

void exchange_want(struct mesh *m, struct loop *loop)
{
	int64_t told_ms = due_ms(m);
	struct known_peer *p;

	if (known_unsaved(m->known))
		loop_wake(loop, m->save_ms == 0 ? loop->now_ms : m->save_ms);
	if (!may_dial(m))
		return;
	p = known_next(m->known, true, false);
	if (p != NULL)
		loop_wake(loop, p->dial_ms);
	p = next_known(m);
	if (p != NULL)
		loop_wake(loop, p->dial_ms > told_ms ? p->dial_ms : told_ms);
	for (int i = 0; i < LINKS_MAX; i++) {
		if (m->links[i] != NULL && m->links[i]->fd >= 0 &&
			m->links[i]->told_count > 0)
			loop_wake(loop, told_ms);
	}
}
