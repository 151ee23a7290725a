/* SPDX-License-Identifier: ISC */
/*
 * dial.c: back-off, as exponential as it has to be, with jitter, so that a
 * room that lost its network does not come back all at the same moment.
 */
#include <stdio.h>

#include "jitter.h"
#include "links/dial.h"

void dial_begin(struct dial *d, uint64_t seed)
{
	memset(d, 0, sizeof(*d));
	d->random = seed | 1;
}

struct dial_peer *dial_peer(struct dial *d, int peer)
{
	if (peer < 0 || peer >= DIAL_PEERS_MAX || !d->peers[peer].used)
		return NULL;
	return &d->peers[peer];
}

void dial_set_address(struct dial *d, int peer, const char *address)
{
	struct dial_peer *p = dial_peer(d, peer);
	const char *end = strstr(address, ".local:");
	struct reader name = reader_over(address, 0);

	if (p == NULL)
		return; /* it was removed */
	(void)snprintf(p->address, sizeof(p->address), "%s", address);
	if (end != NULL)
		name = reader_over(address, (size_t)(end - address));
	if (!record_name_decode(name, p->name))
		p->name[0] = '\0'; /* it is known by its address alone */
}

int dial_add(struct dial *d, const char *address)
{
	struct dial_peer *p;
	int i = 0;

	while (i < DIAL_PEERS_MAX && d->peers[i].used)
		i++;
	if (i == DIAL_PEERS_MAX)
		return -1;
	p = &d->peers[i];
	memset(p, 0, sizeof(*p));
	p->used = true;
	dial_set_address(d, i, address);
	p->dialled_ms = INT64_MIN / 2;
	p->backoff_ms = DIAL_BACKOFF_MIN_MS;
	return i;
}

void dial_remove(struct dial *d, int peer)
{
	struct dial_peer *p = dial_peer(d, peer);

	if (p != NULL)
		p->used = false;
}

void dial_found(struct dial *d, int peer,
	const struct sockaddr_storage *addresses, int count, int64_t now_ms)
{
	struct dial_peer *p = dial_peer(d, peer);
	int64_t soon_ms;

	if (p == NULL)
		return; /* it was removed */
	soon_ms = p->dialled_ms + DIAL_FOUND_MS;
	if (count > DIAL_ADDRESSES_MAX)
		count = DIAL_ADDRESSES_MAX;
	if (count != p->count ||
		memcmp(p->at, addresses, (size_t)count * sizeof(*addresses)) !=
			0)
		p->ourselves = false;
	memcpy(p->at, addresses, (size_t)count * sizeof(*addresses));
	p->count = count;
	if (p->next >= count)
		p->next = 0;
	if (soon_ms < now_ms)
		soon_ms = now_ms;
	if (soon_ms < p->dial_ms)
		p->dial_ms = soon_ms;
}

bool dial_is_possible(const struct dial *d, int peer)
{
	const struct dial_peer *p = &d->peers[peer];

	return p->used && p->count > 0 && !p->dialling && !p->ourselves;
}

void dial_started(struct dial *d, int peer, int64_t now_ms)
{
	d->peers[peer].dialling = true;
	d->peers[peer].dialled_ms = now_ms;
}

int64_t dial_backoff(uint64_t *random, int64_t *backoff_ms)
{
	int64_t wait_ms = jitter_about(random, *backoff_ms);

	*backoff_ms *= 2;
	if (*backoff_ms > DIAL_BACKOFF_MAX_MS)
		*backoff_ms = DIAL_BACKOFF_MAX_MS;
	return wait_ms;
}

static void peer_wait(struct dial *d, struct dial_peer *p, int64_t now_ms)
{
	p->tried = 0;
	p->dial_ms = now_ms + dial_backoff(&d->random, &p->backoff_ms);
}

/* One address did not lead to a link: try the next, or wait. */
void dial_failed(struct dial *d, int peer, const char *reason, int64_t now_ms)
{
	struct dial_peer *p = dial_peer(d, peer);

	if (p == NULL)
		return;
	p->dialling = false;
	p->next = p->count == 0 ? 0 : (p->next + 1) % p->count;
	p->dial_ms = now_ms;
	if (++p->tried < p->count)
		return;
	p->failures++;
	p->failed = true;
	(void)snprintf(p->failure, sizeof(p->failure), "%s", reason);
	peer_wait(d, p, now_ms);
}

void dial_linked(struct dial *d, int peer)
{
	struct dial_peer *p = dial_peer(d, peer);

	if (p == NULL)
		return;
	p->dialling = p->legacy = false;
	p->failures = 0; /* who is turned away then has failed: `tried` stays */
}

void dial_lost(struct dial *d, int peer, int64_t lasted_ms, int64_t now_ms)
{
	struct dial_peer *p = dial_peer(d, peer);

	if (p == NULL)
		return;
	if (lasted_ms >= DIAL_STEADY_MS)
		p->backoff_ms = DIAL_BACKOFF_MIN_MS;
	peer_wait(d, p, now_ms);
}
