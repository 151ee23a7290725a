/* SPDX-License-Identifier: ISC */
/* tried.c: a ring of dials. */
#include "platform.h"

#include "links/tried.h"

int64_t tried_due_ms(const struct tried *t)
{
	uint64_t first = t->count - LIMIT_DIALS_TOLD_A_MINUTE;

	if (t->count < LIMIT_DIALS_TOLD_A_MINUTE)
		return 0;
	return t->dials[first % TRIED_MAX].at_ms + TRIED_MINUTE_MS;
}

static bool giver_is(const struct tried_giver *a, const struct tried_giver *b)
{
	return memcmp(a->host, b->host, sizeof(a->host)) == 0;
}

/* Dial number i of the ring, if it was made and is not too old; or NULL. */
static const struct tried_dial *dial_lately(
	const struct tried *t, uint64_t i, int64_t now_ms)
{
	const struct tried_dial *dial = &t->dials[i];

	return i < t->count && now_ms - dial->at_ms < TRIED_MS ? dial : NULL;
}

bool tried_bars(
	const struct tried *t, const struct net_place *at, int64_t now_ms)
{
	static const struct tried_giver ourselves;
	int in_vain = 0;

	for (uint64_t i = 0; i < TRIED_MAX; i++) {
		const struct tried_dial *dial = dial_lately(t, i, now_ms);

		if (dial == NULL || giver_is(&dial->giver, &ourselves))
			continue;
		if (net_same_place(&dial->at, at))
			return true;
		if (memcmp(dial->at.host, at->host, sizeof(at->host)) == 0)
			in_vain += !dial->linked;
	}
	return in_vain >= TRIED_A_HOST;
}

int tried_for(
	const struct tried *t, const struct tried_giver *giver, int64_t now_ms)
{
	int count = 0;

	for (uint64_t i = 0; i < TRIED_MAX; i++) {
		const struct tried_dial *dial = dial_lately(t, i, now_ms);

		count += dial != NULL && giver_is(&dial->giver, giver);
	}
	return count;
}

void tried_add(struct tried *t, const struct net_place *at,
	const struct tried_giver *giver, int64_t now_ms)
{
	struct tried_dial *dial = &t->dials[t->count++ % TRIED_MAX];

	dial->at = *at;
	dial->giver = *giver;
	dial->linked = false;
	dial->at_ms = now_ms;
}

void tried_linked(struct tried *t, const struct net_place *at)
{
	for (int i = 0; i < TRIED_MAX; i++) {
		if (net_same_place(&t->dials[i].at, at))
			t->dials[i].linked = true;
	}
}
