/* SPDX-License-Identifier: ISC */
/*
 * sync.h: who has what, who wants what from whom, and who is sent what.
 *
 * It keeps, for each native link and each log of the room, what the other side
 * is known to have, whether it wants the log from us, and whether we want it
 * from them; and for each log, the one link that we want it from: its
 * *source*.  It reads the room and writes messages into a link's wire; it has
 * no socket and no clock.
 *
 *	sync_message	a Digest, Batch or Fork was received
 *	sync_answer	what became of the batch that this gave
 *	sync_turn	once a turn: looks what moved, and who is silent
 *	sync_fill	messages into a link's wire, as far as there is room
 *
 * Memory: 52 bytes for each link and log.
 */
#ifndef SYNC_H
#define SYNC_H

#include "loop.h"
#include "room.h"
#include "wire.h"

enum {
	SYNC_GATHER_MS = 1500, /* news that nobody waits for, jittered */
	SYNC_UNLIKE_MS = 300, /* for two states to become equal by themselves */
	SYNC_RECEIPT_MS = 20, /* between two Digests of receipts */
	SYNC_SILENT_MS = 250, /* a source that moves nothing is left */
	SYNC_BUSY_MS = 2000,  /* unless it is busy with other logs, or */
	SYNC_PATIENCE_MAX_MS = 1000,   /* far away */
	SYNC_AVOID_MS = 1000,          /* and not chosen again for so long, */
	SYNC_AVOID_MAX_MS = 60 * 1000, /* doubling */
	SYNC_AGAIN_MS = 1000,          /* between two demands to start over */
	SYNC_HOST_SIZE = 16 /* an address that new logs are counted by */
};

struct sync;
struct sync_link;

/*
 * Borrows the room; is_new: its database was made just now; `seed` is of the
 * jitter.  NULL and ENOMEM.
 */
struct sync *sync_open(struct room *room, bool is_new, uint64_t seed) MUST_USE;
void sync_close(struct sync *sync);

/* While held, nothing is wanted from anybody: the store takes no more. */
void sync_hold(struct sync *sync, bool held, int64_t now_ms);

struct sync_peer {
	struct wire *wire;            /* up and grown; borrowed */
	const uint8_t *public_key;    /* borrowed */
	uint8_t host[SYNC_HOST_SIZE]; /* its address */
};

/* A link is up, or has ended.  NULL and ENOMEM. */
struct sync_link *sync_link_open(struct sync *sync,
	const struct sync_peer *peer, int64_t now_ms) MUST_USE;
void sync_link_close(struct sync *sync, struct sync_link *link, int64_t now_ms);

/* It is one who was named: new logs from there are not counted. */
void sync_link_trust(struct sync_link *link);

/* How long an answer takes there; without a word, a guess is used. */
void sync_round_trip(struct sync_link *link, int64_t ms);

enum sync_result {
	SYNC_DONE,  /* nothing for anybody else */
	SYNC_BATCH, /* hand it to room_accept, then its verdict to sync_answer */
	SYNC_HALF,  /* the same with room_accept_half */
	SYNC_BROKEN /* malformed: close the link */
};

struct sync_input {
	uint32_t number; /* the room's, of SYNC_BATCH and SYNC_HALF */
	bool is_half;
	union {
		struct message_batch batch;
		struct message_half half;
	} as;
};

/* Takes a message of these types: MESSAGE_DIGEST, _BATCH, _FORK. */
enum sync_result sync_message(struct sync *sync, struct sync_link *link,
	const struct wire_event *message, struct sync_input *input,
	int64_t now_ms) MUST_USE;

void sync_answer(struct sync *sync, struct sync_link *link,
	const struct sync_input *input, enum room_verdict verdict,
	int64_t now_ms);

/* Heads may have gone down, or logs been frozen: look at all of them. */
void sync_touch(struct sync *sync);

/* Once a turn, after the commit. */
void sync_turn(struct sync *sync, int64_t now_ms);

/* Puts messages; true when there is more than fits. */
bool sync_fill(struct sync *sync, struct sync_link *link, int64_t now_ms);

/* Wakes the loop for what has to be said or looked at later. */
void sync_want(const struct sync *sync, struct loop *loop);

/* Has it told everything that it has? */
bool sync_is_complete(const struct sync_link *link);

/* Is the other side known to have just what we have? */
bool sync_agrees(const struct sync *sync, const struct sync_link *link);

/* Our own state (room_state), as it is now; valid until the next call. */
const uint8_t *sync_state(struct sync *sync);

/* Does any link claim records of ours that we lack? */
bool sync_claims_own(const struct sync *sync);

/*
 * Has the other side been sent all that it wants from us, and told all that is
 * due, and has it what we have said ourselves?
 */
bool sync_is_idle(const struct sync *sync, const struct sync_link *link);

/* How far our own log is on the other side's disk; 0 when it is not. */
uint64_t sync_receipt(const struct sync *sync, const struct sync_link *link);

struct sync_counts {
	uint64_t records_sent, records_received; /* copies, wanted or not */
	uint64_t records_new;                    /* received and accepted */
	uint64_t digest_bytes_sent;
	uint64_t moves;   /* of a source that was silent */
	uint64_t changes; /* of what anybody here or there is known to have */
};

void sync_count(const struct sync *sync, struct sync_counts *counts);

#endif
