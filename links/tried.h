/* SPDX-License-Identifier: ISC */
/*
 * tried.h: which addresses were dialled because somebody told us of them, and
 * so which ones may be.  Pure.
 *
 * Anybody in the room may tell us anything.  What that costs others is bounded:
 *
 *	1. LIMIT_DIALS_TOLD_A_MINUTE dials in any minute, whoever told.
 *	2. An address is not dialled again for TRIED_MS.
 *	3. A host where TRIED_A_HOST dials of that time led to nobody in our
 *	   room is left alone, at whatever port.
 *
 * What we remember ourselves is bounded by 1 alone.  The table holds as much
 * as may be dialled within TRIED_MS, so nothing is forgotten before.
 */
#ifndef TRIED_H
#define TRIED_H

#include "limit.h"
#include "net.h"

enum {
	TRIED_MINUTE_MS = 60 * 1000,
	TRIED_MS = 60 * TRIED_MINUTE_MS,
	TRIED_MAX = LIMIT_DIALS_TOLD_A_MINUTE * (TRIED_MS / TRIED_MINUTE_MS),
	TRIED_A_HOST = 4
};

/* Whoever told: his host, so that many keys on one are one.  We: zeros. */
struct tried_giver {
	uint8_t host[16];
};

struct tried {
	uint64_t count; /* ever; on zeroes nothing was tried */
	struct tried_dial {
		struct net_place at;
		struct tried_giver giver;
		bool linked; /* it led to a link */
		int64_t at_ms;
	} dials[TRIED_MAX]; /* the newest ones, as a ring */
};

/* When the next dial may be (rule 1). */
int64_t tried_due_ms(const struct tried *tried);

/* Must this address, told by others, not be dialled now (rules 2 and 3)? */
bool tried_bars(const struct tried *tried, const struct net_place *at,
	int64_t now_ms) MUST_USE;

/* How many dials of the last TRIED_MS were made because of him? */
int tried_for(const struct tried *tried, const struct tried_giver *giver,
	int64_t now_ms);

void tried_add(struct tried *tried, const struct net_place *at,
	const struct tried_giver *giver, int64_t now_ms);

/* There is a link with whoever is there. */
void tried_linked(struct tried *tried, const struct net_place *at);

#endif
