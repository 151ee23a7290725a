/* SPDX-License-Identifier: ISC */
/*
 * room.h: the logs of a room, as this database has them.  It checks what others
 * send and appends it, makes our own records, and sees to it that no log ever
 * has a gap or two texts for one number.  It stands between the log, which
 * keeps opaque bytes, and the mesh, which carries them; nobody else appends.
 *
 * Each log of the room has a small number here, for callers that keep tables
 * by log; it means nothing outside this process.
 *
 * A log is *frozen* at a seq when two signed records with that seq are known:
 * then it ends before it.  Every answer below takes that into account.
 *
 * Unsigned logs, of the original program or of a database from before there
 * were signatures, are kept and read like the others; they have no key.
 */
#ifndef ROOM_H
#define ROOM_H

#include "log.h"
#include "message.h"
#include "record.h"

#define ROOM_NO_LOG UINT32_MAX

struct room;

struct room_options {
	const struct ed25519_key *key; /* ours; borrowed; NULL: only to look */
	const char *name;              /* ours; borrowed */
	const uint8_t *room_id;        /* borrowed */
	bool is_new; /* the identity is: nobody can have anything of ours */
	int dir_fd;  /* for `forks`; borrowed */
	uint64_t log_bytes;  /* 0: LIMIT_LOG_BYTES */
	uint64_t room_bytes; /* 0: LIMIT_ROOM_BYTES */
};

/*
 * Reads what every log begins and ends with; the log may be one that is only
 * read (log_open_beside).  Borrows the log.  NULL, errno.
 */
struct room *room_open(
	const struct room_options *options, struct log *log) MUST_USE;
void room_close(struct room *room);

/* --- Which logs there are --- */

struct room_log {
	bool used; /* false: this number means no log at the moment */
	bool is_signed;
	bool is_own;               /* of our key, in whatever epoch */
	struct record_log log;     /* unsigned: only the id, the log's key */
	char name[LIMIT_NAME + 1]; /* that it claims; "" while there is none.
				      One given by a NAME record is forgotten
				      at the end: then it is that of OPEN. */
	uint64_t frozen;           /* its first disputed seq, or 0 */
};

/* Numbers are 0 .. room_count - 1; room_log is valid until room_admit. */
uint32_t room_count(const struct room *room);
const struct room_log *room_log(const struct room *room, uint32_t number);

/* The log with this id (which is its key in the store), or ROOM_NO_LOG. */
uint32_t room_find(const struct room *room, const uint8_t *log_id);

/* The log of this key and epoch, or ROOM_NO_LOG. */
uint32_t room_find_key(
	const struct room *room, const uint8_t *public_key, uint32_t epoch);

/*
 * The log of this key and epoch, which is known from now on.  ROOM_NO_LOG when
 * there is no place: LIMIT_LOGS (of which LIMIT_LOGS_KEPT are for `first_hand`
 * authors, and LIMIT_EPOCHS for ourselves), LIMIT_EPOCHS of one key that hold
 * something.
 */
uint32_t room_admit(struct room *room, const uint8_t *public_key,
	uint32_t epoch, bool first_hand);

/* Nobody speaks of this log any more: if it is empty, its number is free. */
void room_forget(struct room *room, uint32_t number);

/* --- What they hold --- */

/* The newest record appended, with none missing up to it; 0 for none. */
uint64_t room_head(const struct room *room, uint32_t number);

/* The same of what is durable: what may be told of, shown and served. */
uint64_t room_durable(const struct room *room, uint32_t number);

/*
 * The newest durable record that counts, whatever is missing before it; but for
 * that the same as room_durable.
 */
uint64_t room_newest(const struct room *room, uint32_t number);

/*
 * What all of it comes to: the first bytes of SHA-512 over, for each signed log
 * that has durable records, in the order of their ids: the log's id,
 * room_durable as 8 bytes, little-endian, and the id of that record.  Of a
 * frozen log too: who came after the fork has its undisputed records, and knows
 * of no fork.  Two databases with one state have the same history.  It takes
 * some 100 ns a log, and a read of each one that is frozen.
 */
void room_state(struct room *room, uint8_t state[MESSAGE_STATE_SIZE]);

/* The id of a durable record, or of the log for seq 0; false: not here. */
bool room_id_at(struct room *room, uint32_t number, uint64_t seq,
	uint8_t id[RECORD_ID_SIZE]) MUST_USE;

/*
 * Reads a durable record, up to room_newest, by a cursor (log.h) on which only
 * `seq` is the caller's; begin with a zeroed one.  The record is valid until
 * the next call of any function of the log or the room.  0, or -1 and errno:
 * ENOENT when it is missing, and as log_read.
 */
int room_read(struct room *room, uint32_t number, struct log_cursor *cursor,
	struct record *record) MUST_USE;

/* May a batch end with this durable record: is its own signature good? */
bool room_vouches(struct room *room, uint32_t number, uint64_t seq,
	const struct record *record) MUST_USE;

/* --- What others send --- */

enum room_verdict {
	ROOM_ACCEPTED, /* some of it is appended */
	ROOM_HAD,      /* nothing new in it */
	ROOM_GAP,      /* it begins after our head: ask from there */
	ROOM_DISPUTED, /* what it continues, or what it is to be joined to
			  behind a hole, is not what we have: exchange halves */
	ROOM_FORKED,   /* it proves a fork: the log is frozen now, or was */
	ROOM_BAD,      /* invalid, badly signed: the sender's fault */
	ROOM_LIMIT,    /* one author's, or the room's, bytes are used up */
	ROOM_FULL      /* the store takes nothing now; errno says why */
};

const char *room_verdict_name(enum room_verdict verdict);

/*
 * Checks a batch whole, with one verification, and appends what is new.  What
 * came back as ROOM_FULL with EAGAIN needs a log_commit first.
 */
enum room_verdict room_accept(struct room *room, uint32_t number,
	const struct message_batch *batch, uint64_t wall_ms) MUST_USE;

/* Compares what somebody signed with what is here: HAD, FORKED or BAD. */
enum room_verdict room_accept_half(
	struct room *room, const struct message_half *half) MUST_USE;

/* What we have at seq, as a half; false when it is not here, or unsigned. */
bool room_make_half(struct room *room, uint32_t number, uint64_t seq,
	struct message_half *half) MUST_USE;

/*
 * What froze the log: our half and another one, for the same seq, not always
 * the first that is disputed.  False: it is not frozen, or nobody can be shown.
 */
bool room_make_proof(const struct room *room, uint32_t number,
	struct message_half halves[2]) MUST_USE;

/* A record of the original program's: ACCEPTED, HAD, GAP, BAD, LIMIT, FULL. */
enum room_verdict room_accept_unsigned(struct room *room, const uint8_t *key,
	uint64_t seq, struct reader entry, uint64_t wall_ms) MUST_USE;

/* --- What we say --- */

/*
 * Nothing can be said until it is known where our own log ends: others may
 * have records of ours that are missing here, and a number must never be used
 * twice.  room_may_say tells whether it is known; it is at once when the
 * identity is new.  room_settle says that everybody in reach was asked: then
 * what is still in the way (own records missing, a store that lost its end, an
 * own time far ahead) is left behind by beginning a new epoch.
 */
bool room_may_say(const struct room *room);
bool room_is_damaged(const struct room *room); /* own records are missing */
void room_settle(struct room *room, uint64_t wall_ms);

/*
 * Appends a text, with an OPEN before the first one.  0, or -1 and errno: those
 * of log_append; EMSGSIZE beyond LIMIT_TEXT; EBUSY when !room_may_say.
 */
int room_say(struct room *room, const void *text, size_t size,
	uint64_t wall_ms) MUST_USE;

/* The log that we say things in, or ROOM_NO_LOG while there is none. */
uint32_t room_own(const struct room *room);

/* The id that our log of epoch 0 has or will have. */
void room_first_id(const struct room *room, uint8_t id[RECORD_ID_SIZE]);

/*
 * What is due once a turn, before log_commit: keeps proofs of forks, begins a
 * new epoch when a fork or the last number has ended ours, and says again, a
 * part at a time, what a fork made void; meanwhile !room_may_say.  0, or -1 and
 * errno as log_append.  room_is_busy: call it again at once.
 */
int room_run(struct room *room, uint64_t wall_ms) MUST_USE;
bool room_is_busy(const struct room *room);

/* --- What happened --- */

enum room_event_kind {
	ROOM_EVENT_NAME,    /* `number` claims another name now */
	ROOM_EVENT_FORK,    /* `number` is frozen at `seq` from now on */
	ROOM_EVENT_ADOPTED, /* somebody had `seq` records of ours: told once */
	ROOM_EVENT_EPOCH, /* our own log goes on in `number`; `text` says why */
	ROOM_EVENT_LIMIT  /* `number` may hold no more bytes: told once */
};

struct room_event {
	enum room_event_kind kind;
	uint32_t number;
	uint64_t seq;
	bool again; /* ROOM_EVENT_FORK: it was, at a later seq */
	const char *text;
};

bool room_next(struct room *room, struct room_event *event) MUST_USE;

#endif
