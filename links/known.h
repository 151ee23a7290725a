/* SPDX-License-Identifier: ISC */
/*
 * known.h: where others were when we were linked with them last, kept in the
 * database from one run to the next (the format stands at the top of known.c).
 * One address a key, the newest.
 *
 * These are hints: nothing is lost with them but a way into the room.  So a
 * file that can not be used is replaced, and is never a reason not to start.
 */
#ifndef KNOWN_H
#define KNOWN_H

#include "net.h"
#include "record.h"

enum {
	KNOWN_MAX = 64,  /* one more: who was met longest ago is forgotten */
	KNOWN_A_HOST = 8 /* the same, of this host */
};

struct known_peer {
	uint8_t key[RECORD_KEY_SIZE];
	struct net_place at;

	/* The rest is exchange.c's, and is not kept. */
	bool met;        /* in this run */
	bool tried;      /* it was dialled at least once */
	int64_t dial_ms; /* when to dial it; INT64_MAX: not at all */
	int64_t lost_ms;
	int64_t backoff_ms;
};

struct known;

/* Opens `addresses` in the directory, which is borrowed.  NULL and ENOMEM. */
struct known *known_open(int dir_fd) MUST_USE;

/* The rest takes NULL as well: it knows nobody. */

void known_close(struct known *known); /* and saves */

/* Was there a file that could not be used? */
bool known_is_damaged(const struct known *known);

/*
 * We are linked with this key, which can be dialled there.  Whoever was there
 * before is there no more.  The result is borrowed, as that of all of these,
 * until the next call of known_meet.
 */
struct known_peer *known_meet(
	struct known *known, const uint8_t *key, const struct net_place *at);
struct known_peer *known_find(struct known *known, const uint8_t *key);

/*
 * The one that is to be dialled first, of those met in this run or of the
 * others; of these, unless `alone`, only who was not tried yet.  Of several
 * that are due at one time, the one met last.  NULL: none.
 */
struct known_peer *known_next(struct known *known, bool met, bool alone);

bool known_unsaved(const struct known *known);
int known_save(struct known *known) MUST_USE; /* as people_save */

#endif
