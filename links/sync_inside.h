/* SPDX-License-Identifier: ISC */
/*
 * sync_inside.h: what sync.c, hearing.c and telling.c share, and nobody else
 * includes: flows and topics.
 *
 *	sync.c		sync_turn: from whom we want what, who is to hear of
 *			what and how soon; and the life of it all
 *	hearing.c	sync_message, sync_answer: what the other sides tell
 *	telling.c	sync_fill, sync_want: what they are told and sent, and when
 *
 * The functions at the end are sync.c's, which calls neither of the other two;
 * and these do not call each other.
 *
 * A *flow* is what one link and one log have to do with each other:
 *
 *	have	the other side's durable head, as it told, or as it sent
 *	known	our durable head, as it knows: as we told, or as we sent
 *	given	the newest record that we have from it
 *	wanted	it wants the log from us, from record `next` on
 *	asked	we want the log from it: it is the log's source
 *
 * A *topic* is what all links have to do with one log.
 *
 *	their Digest entry: have, wanted, next   ----> topic_choose: asked
 *	our head moved	   ----> entries to tell	 |
 *			   ----> wanted flows: Batches	 v
 *	their Batch ----> room ----> our head moves	want 2, want 0
 *
 * Invariants:
 *	1. asked ==> topic.source is this link; so at most one link at a time
 *	   is asked for a log.
 *	2. what an entry tells is durable here (room_durable).
 *	3. wanted ==> next is the record after the last one sent, or after the
 *	   seq that the other side said last to begin from.
 *	4. our own head never moves by what others say, only by room_accept.
 *	5. numbers[] maps the other side's numbers; what it means by a number
 *	   that was never named is ignored.
 *	6. known is less than our durable head ==> the entry is to be told
 *	   (telling), if the complete Digest has come to it.
 */
#ifndef SYNC_INSIDE_H
#define SYNC_INSIDE_H

#include "links/sync.h"

enum {
	SYNC_LINKS = 2 * LIMIT_LINKS,
	BUCKETS = 64,

	/* A Batch's records, without its head, which is under 128 bytes. */
	RECORDS_SIZE = LIMIT_BATCH_SIZE - 128
};

/* How soon an entry is told; TELL_ASKED: our state, and it when asked for. */
enum telling { TELL_NOTHING, TELL_ASKED, TELL_SOON, TELL_NOW, TELLINGS };

struct flow {
	uint32_t have;
	uint32_t known;
	uint32_t given; /* 0 when our head has gone back since */
	uint32_t next;
	uint32_t shown;   /* where the log is frozen, as shown it last; or 0 */
	uint32_t states;  /* l->states when `have` was told */
	int64_t avoid_ms; /* not asked before */
	int64_t again_ms; /* not asked to start over, nor sent a half, before */
	uint8_t silent;   /* how often it was silent, in a row */
	uint8_t telling;  /* enum telling */
	bool wanted;
	bool asked;
	bool restart; /* the next entry says from where: WANT_FROM */
	bool named;   /* our number is known there */
	uint8_t rest; /* so often it goes beyond a fork before that is shown */
	uint8_t rests;
};

struct topic {
	struct sync_link *source; /* or NULL */
	uint64_t durable;         /* as last seen */
	uint32_t best;            /* no link's `have` is above it */
	bool refused;             /* its bytes are used up */
	bool meant;               /* scratch of forget_claims */
	int64_t author_ms; /* when he may be asked again; 0: look no further */
	int64_t detour_ms; /* until then others may wait for it as we did */
	int64_t moved_ms;  /* our head moved, or the source was chosen, or
			     somebody got ahead: whichever came last */
};

struct sync_link {
	struct wire *wire;
	struct flow *flows; /* by the room's number */
	uint32_t *numbers;  /* the room's numbers, by theirs */
	int64_t round_trip_ms;
	int64_t moved_ms;         /* it sent a batch */
	int64_t due_ms[TELLINGS]; /* when entries of a kind are told */
	int64_t receipt_ms;       /* when receipts were told last */
	int64_t complete_ms;      /* when we began to tell everything */
	int64_t ask_again_ms;
	int64_t unlike_ms; /* when we say so, unless `theirs` is ours by then */
	uint32_t flow_count;
	uint32_t number_count;
	uint32_t telling; /* next log of our complete Digest */
	uint32_t waiting; /* logs not admitted: to be asked for again */
	uint32_t states;  /* that it has told */
	uint32_t turn;    /* log whose records go next */
	uint32_t reading; /* log that `cursor` reads */
	uint32_t doubted; /* bad signatures found so far from the end of the
			     Batch whose turn it is, while they are sought */
	int checks;       /* left for this Digest */
	bool told_all;
	bool heard_all;
	bool lagging; /* there may be records to send */
	bool differs; /* `theirs` is its state, and was never ours */
	bool asks;    /* it has said "unlike" since the last turn */
	bool trusted;
	uint8_t told[MESSAGE_STATE_SIZE];   /* of ours */
	uint8_t theirs[MESSAGE_STATE_SIZE]; /* as told last */
	uint8_t public_key[RECORD_KEY_SIZE];
	uint8_t host[SYNC_HOST_SIZE];
	struct log_cursor cursor;
};

/* New logs that an address may still bring: others', and those of the keys that
 * are linked from there, so that no crowd keeps them out. */
struct bucket {
	uint8_t host[SYNC_HOST_SIZE];
	int tokens[2];
	int64_t filled_ms;
	int64_t used_ms;
};

struct sync {
	struct room *room;
	uint64_t random;
	bool held;
	bool touched;
	bool moved; /* `state` is to be computed again */
	uint8_t state[MESSAGE_STATE_SIZE];
	bool forked;          /* somebody may have to be shown a fork, */
	int64_t show_ms;      /* not before, */
	uint32_t show_next;   /* from this log on */
	int64_t check_ms;     /* when to look for silent sources */
	int64_t free_ms;      /* until then new logs are not counted; */
	bool is_new;          /* which is so for a while from the first link */
	struct topic *topics; /* by the room's number */
	uint32_t topic_count;
	struct sync_link *links[SYNC_LINKS];
	struct bucket buckets[BUCKETS];
	struct sync_counts counts;
	uint8_t scratch[MESSAGE_MAX];
};

/* Makes room for `count` entries of `size` bytes each, new ones zeroed. */
void *table_grow(void *table, uint32_t *have, uint32_t count, size_t size);

/* A topic for each log of the room; false without memory for it. */
bool topics_grow(struct sync *s) MUST_USE;

/* The flow of a log, or NULL without memory for it: then it has to wait. */
struct flow *sync_link_flow(struct sync_link *l, uint32_t number);

/* Is the other side the author of this log? */
bool sync_link_wrote(
	const struct sync *s, const struct sync_link *l, uint32_t number);

/* Notes that an entry is to be told, and how soon. */
void flow_tell(struct sync *s, struct sync_link *l, struct flow *f,
	enum telling telling, int64_t now_ms);

/*
 * Chooses the source of a log.  The one it has is kept as long as it may be
 * asked at all, unless the author himself is there.
 */
void topic_choose(struct sync *s, uint32_t number, int64_t now_ms);

/* Somebody has said to be ahead of us. */
void topic_behind(
	struct sync *s, uint32_t number, uint32_t have, int64_t now_ms);

/* What a source sent was not taken: another one is asked, or it, later. */
void source_failed(
	struct sync *s, struct sync_link *l, uint32_t number, int64_t now_ms);

/* Puts one half of a proof; false when there is no room for it. */
bool sync_link_put_half(struct sync *s, struct sync_link *l,
	const struct message_half *half) MUST_USE;

#endif
