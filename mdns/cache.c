/* SPDX-License-Identifier: ISC */
/*
 * cache.c: records of others and their lives.  Numbers in comments are
 * sections of RFC 6762.
 *
 *	   received       80  85  90  95    100 % of the TTL
 *	------|------------|---|---|---|------|
 *	                 asked again (5.2)    forgotten
 *
 * Doubt (10.4) and questions that nobody answers (10.5) move a record to the
 * end of its life: both set received_ms and life_ms so, and nothing else has to
 * know of them.
 *
 * Invariant: all times follow from received_ms and life_ms; life_ms > 0.
 */
#include "mdns/cache.h"

enum {
	SECOND_MS = 1000,
	ASKS = 4,
	ASK_FIRST_PERCENT = 80,
	ASK_STEP_PERCENT = 5,
	ASK_JITTER_PERCENT = 2,
	DOUBT_MS = 10 * 1000, /* a fifth of a life of fifty seconds */
	DOUBT_AGAIN_MS = 60 * 1000,
	UNANSWERED_MS = 10 * 1000,
	UNANSWERED_MOST = 2
};

void cache_open(struct cache *c, uint64_t seed)
{
	memset(c, 0, sizeof(*c));
	c->random = seed;
}

static int64_t expires_ms(const struct cache_entry *e)
{
	return e->received_ms + e->life_ms;
}

/* When the next question for it is due. */
static void set_ask(struct cache *c, struct cache_entry *e)
{
	int64_t percent = ASK_FIRST_PERCENT + ASK_STEP_PERCENT * e->asked;
	int64_t jitter_ms;

	c->random = c->random * 6364136223846793005u + 1442695040888963407u;
	jitter_ms = (int64_t)((c->random >> 33) % 1000) * e->life_ms *
		    ASK_JITTER_PERCENT / 100 / 1000;
	e->ask_ms = e->received_ms + e->life_ms * percent / 100 + jitter_ms;
	if (e->asked == ASKS)
		e->ask_ms = INT64_MAX;
}

/* Ends it in `life_ms`, without asking for it, unless it ends before. */
static void shorten(struct cache_entry *e, int64_t life_ms, int64_t now_ms)
{
	if (expires_ms(e) <= now_ms + life_ms)
		return;
	e->received_ms = now_ms;
	e->life_ms = life_ms;
	e->asked = ASKS;
	e->ask_ms = INT64_MAX;
	e->ask = false;
}

struct cache_entry *cache_find(struct cache *c, const struct dns_name *name,
	uint16_t type, const struct cache_entry *after)
{
	size_t i = after == NULL ? 0 : (size_t)(after - c->entries) + 1;

	for (; i < CACHE_MAX; i++) {
		struct cache_entry *e = &c->entries[i];

		if (e->used && e->type == type &&
			dns_name_equal(&e->name, name))
			return e;
	}
	return NULL;
}

static bool is_about(const struct cache_entry *e,
	const struct dns_record *record, uint32_t index)
{
	return e->used && e->index == index && e->type == record->type &&
	       dns_name_equal(&e->name, &record->name);
}

static bool has_data(
	const struct cache_entry *e, const struct dns_record *record)
{
	return e->size == record->size &&
	       dns_data_equal(e->type, e->data, record->data, e->size);
}

struct cache_entry *cache_find_record(
	struct cache *c, const struct dns_record *record, uint32_t index)
{
	for (int i = 0; i < CACHE_MAX; i++) {
		struct cache_entry *e = &c->entries[i];

		if (is_about(e, record, index) && has_data(e, record))
			return e;
	}
	return NULL;
}

/* Of two entries, the one to give way: a free one, or what expires first. */
static struct cache_entry *lesser(struct cache_entry *a, struct cache_entry *b)
{
	if (a == NULL)
		return b;
	if (!a->used)
		return a;
	return !b->used || expires_ms(b) < expires_ms(a) ? b : a;
}

/*
 * The entry of an equal record, or the place of a new one: of this source, when
 * it has its share already.  10.2: with `flush` others of its name and type,
 * which are what was true before, end on the way.
 */
static struct cache_entry *place_of(struct cache *c,
	const struct dns_record *record, const struct cache_origin *origin,
	bool flush, int64_t now_ms)
{
	struct cache_entry *same = NULL, *first = NULL, *own_first = NULL;
	int own = 0;

	for (int i = 0; i < CACHE_MAX; i++) {
		struct cache_entry *e = &c->entries[i];

		if (is_about(e, record, origin->index)) {
			if (has_data(e, record))
				same = e;
			else if (flush && now_ms - e->heard_ms > SECOND_MS)
				shorten(e, SECOND_MS, now_ms);
		}
		first = lesser(first, e);
		if (e->used && memcmp(e->source, origin->source,
				       CACHE_SOURCE_SIZE) == 0) {
			own_first = lesser(own_first, e);
			own++;
		}
	}
	if (same != NULL)
		return same;
	return own >= CACHE_SOURCE_MAX ? own_first : first;
}

void cache_put(struct cache *c, const struct dns_record *record,
	const struct cache_origin *origin, int64_t now_ms)
{
	bool flush = record->flush && record->type != DNS_PTR; /* shared */
	uint32_t ttl_s = record->ttl_s;
	struct cache_entry *e;
	int64_t doubted_ms;

	assert(record->size <= CACHE_DATA_MAX);
	if (ttl_s > CACHE_TTL_MAX_S)
		ttl_s = CACHE_TTL_MAX_S;
	if (ttl_s == 0) { /* 10.1 */
		e = cache_find_record(c, record, origin->index);
		if (e != NULL)
			shorten(e, SECOND_MS, now_ms);
		return;
	}
	e = place_of(c, record, origin, flush, now_ms);
	doubted_ms = INT64_MIN / 2;
	if (is_about(e, record, origin->index) && has_data(e, record))
		doubted_ms = e->doubted_ms;
	memset(e, 0, sizeof(*e));
	e->used = true;
	e->name = record->name;
	e->type = record->type;
	e->size = record->size;
	memcpy(e->data, record->data, record->size);
	e->index = origin->index;
	memcpy(e->source, origin->source, CACHE_SOURCE_SIZE);
	e->heard_ms = e->received_ms = now_ms;
	e->life_ms = (int64_t)ttl_s * SECOND_MS;
	e->doubted_ms = doubted_ms;
	set_ask(c, e);
}

uint32_t cache_ttl_s(const struct cache_entry *e, int64_t now_ms)
{
	int64_t left_ms = expires_ms(e) - now_ms;

	if (left_ms < 0)
		return 0;
	return (uint32_t)(left_ms / SECOND_MS);
}

bool cache_is_fresh(const struct cache_entry *e, int64_t now_ms)
{
	return e->asked == 0 && (now_ms - e->received_ms) * 2 < e->life_ms;
}

void cache_doubt(struct cache_entry *e, int64_t now_ms)
{
	if (now_ms - e->doubted_ms < DOUBT_AGAIN_MS)
		return;
	e->doubted_ms = now_ms;
	if (expires_ms(e) <= now_ms + DOUBT_MS)
		return;
	e->life_ms = 5 * (int64_t)DOUBT_MS;
	e->received_ms = now_ms - 4 * (int64_t)DOUBT_MS;
	e->asked = 0;
	e->ask_ms = now_ms;
}

void cache_unanswered(struct cache_entry *e, int64_t now_ms)
{
	if (e->unanswered == 0 ||
		(e->unanswered < UNANSWERED_MOST &&
			now_ms - e->unanswered_ms >= UNANSWERED_MS)) {
		e->unanswered = 1;
		e->unanswered_ms = now_ms;
		return;
	}
	if (++e->unanswered == UNANSWERED_MOST)
		shorten(e, e->unanswered_ms + UNANSWERED_MS - now_ms, now_ms);
}

void cache_forget(struct cache *c, uint32_t index)
{
	for (int i = 0; i < CACHE_MAX; i++) {
		if (c->entries[i].index == index)
			c->entries[i].used = false;
	}
}

bool cache_run(struct cache *c, int64_t now_ms)
{
	bool expired = false;

	for (int i = 0; i < CACHE_MAX; i++) {
		struct cache_entry *e = &c->entries[i];

		if (!e->used)
			continue;
		if (now_ms >= expires_ms(e)) {
			e->used = false;
			expired = true;
		} else if (now_ms >= e->ask_ms) {
			e->ask = true;
			e->asked++;
			set_ask(c, e);
		}
	}
	return expired;
}

int64_t cache_next_ms(const struct cache *c)
{
	int64_t next_ms = INT64_MAX;

	for (int i = 0; i < CACHE_MAX; i++) {
		const struct cache_entry *e = &c->entries[i];

		if (e->used && e->ask_ms < next_ms)
			next_ms = e->ask_ms;
		if (e->used && expires_ms(e) < next_ms)
			next_ms = expires_ms(e);
	}
	return next_ms;
}
