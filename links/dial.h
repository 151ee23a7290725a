/* SPDX-License-Identifier: ISC */
/*
 * dial.h: whom we want to be linked with, where, and when to try.  Pure.
 *
 * A *peer* is wanted for ever: it has some addresses, which are tried one
 * after the other, then a wait that doubles.  Who it is, is known by the name
 * that it must answer by, by its key once that was seen, or not at all.
 */
#ifndef DIAL_H
#define DIAL_H

#include <sys/socket.h>

#include "legacy.h"
#include "record.h"

enum {
	DIAL_PEERS_MAX = 128,
	DIAL_ADDRESSES_MAX = 8, /* of one peer */
	DIAL_BACKOFF_MIN_MS = 250,
	DIAL_BACKOFF_MAX_MS = 30 * 1000,
	DIAL_FOUND_MS = 2 * 1000,   /* between two dials because it was found */
	DIAL_STEADY_MS = 10 * 1000, /* a link this old resets the wait */
	DIAL_REASON_MAX = 80
};

struct dial_peer {
	bool used;
	bool found;                /* by its service, and named by nobody */
	char name[LIMIT_NAME + 1]; /* that it must answer by; "" is any */
	char address[LEGACY_ADDRESS_MAX + 1]; /* of a legacy one; or "" */
	bool have_key;
	uint8_t key[RECORD_KEY_SIZE]; /* that it had, or must have */
	struct sockaddr_storage at[DIAL_ADDRESSES_MAX];
	int count;
	int next;  /* address to dial next */
	int tried; /* addresses that failed since the last wait */
	bool dialling;
	bool ourselves; /* we met our own process there */
	bool legacy;    /* the next dial speaks the original's protocol */
	int64_t dial_ms;
	int64_t dialled_ms; /* when it was dialled last */
	int64_t backoff_ms;
	int failures; /* waits since it was last linked */
	bool failed;  /* and that has to be told */
	char failure[DIAL_REASON_MAX];
};

struct dial {
	uint64_t random;
	struct dial_peer peers[DIAL_PEERS_MAX];
};

void dial_begin(struct dial *dial, uint64_t seed);

/* How long to wait before the next attempt; *backoff_ms, about which that is,
 * doubles up to DIAL_BACKOFF_MAX_MS. */
int64_t dial_backoff(uint64_t *random, int64_t *backoff_ms);

/*
 * Adds a peer by the address that it would call itself in the original's
 * protocol ("bob.local:62474": its name is bob), or "".  Its number, or -1.
 */
int dial_add(struct dial *dial, const char *address) MUST_USE;
void dial_set_address(struct dial *dial, int peer, const char *address);
void dial_remove(struct dial *dial, int peer);

/* NULL when there is no such peer (any more). */
struct dial_peer *dial_peer(struct dial *dial, int peer);

/* It can be dialled there: at once, unless it was just dialled. */
void dial_found(struct dial *dial, int peer,
	const struct sockaddr_storage *addresses, int count, int64_t now_ms);

/* Is there something to dial, when its time has come? */
bool dial_is_possible(const struct dial *dial, int peer);

/* What became of it. */
void dial_started(struct dial *dial, int peer, int64_t now_ms);
void dial_failed(
	struct dial *dial, int peer, const char *reason, int64_t now_ms);
void dial_linked(struct dial *dial, int peer);
void dial_lost(struct dial *dial, int peer, int64_t lasted_ms, int64_t now_ms);

#endif
