/* SPDX-License-Identifier: ISC */
/* strikes.c: a table of offenders. */
#include "links/strikes.h"

static bool offender_is_refused(const struct offender *o)
{
	return o->strikes >=
	       (o->by_key ? LIMIT_STRIKES_KEY : LIMIT_STRIKES_ADDRESS);
}

/* Since when its time runs, after which it counts for nothing. */
static int64_t offender_since_ms(const struct offender *o)
{
	return offender_is_refused(o) ? o->last_ms : o->first_ms;
}

static struct offender *offender_find(struct strikes *s,
	const uint8_t id[RECORD_KEY_SIZE], bool by_key, int64_t now_ms)
{
	for (int i = 0; i < STRIKES_OFFENDERS; i++) {
		struct offender *o = &s->offenders[i];

		if (o->strikes > 0 &&
			now_ms - offender_since_ms(o) >= LIMIT_STRIKES_MS)
			o->strikes = 0;
		if (o->strikes > 0 && o->by_key == by_key &&
			memcmp(o->id, id, sizeof(o->id)) == 0)
			return o;
	}
	return NULL;
}

/* A free place, or that of the one heard of longest ago. */
static struct offender *offender_place(struct strikes *s)
{
	struct offender *oldest = &s->offenders[0];

	for (int i = 0; i < STRIKES_OFFENDERS; i++) {
		struct offender *o = &s->offenders[i];

		if (o->strikes == 0)
			return o;
		if (o->last_ms < oldest->last_ms)
			oldest = o;
	}
	oldest->strikes = 0;
	return oldest;
}

void strikes_add(struct strikes *s, const uint8_t id[RECORD_KEY_SIZE],
	bool by_key, int64_t now_ms)
{
	struct offender *o = offender_find(s, id, by_key, now_ms);

	s->count++;
	if (o == NULL)
		o = offender_place(s);
	memcpy(o->id, id, sizeof(o->id));
	o->by_key = by_key;
	if (o->strikes++ == 0)
		o->first_ms = now_ms;
	o->last_ms = now_ms;
}

bool strikes_refuse(struct strikes *s, const uint8_t id[RECORD_KEY_SIZE],
	bool by_key, int64_t now_ms)
{
	const struct offender *o = offender_find(s, id, by_key, now_ms);

	return o != NULL && offender_is_refused(o);
}
