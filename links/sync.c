/* SPDX-License-Identifier: ISC */
/*
 * sync.c: replication between native links.
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
 * When an entry is told: at once if what we want changed, or if it is the
 * first of a log of ours, which nobody there can have asked for; within
 * SYNC_RECEIPT_MS if the other side wrote the log, for then it is a receipt, or
 * if our own source was silent: who had it from us has waited as long.
 * Of a record that the other side sent us it has no id: that is no news.
 *
 * All else is told in 16 bytes: the *state*, a hash of all heads (room_state),
 * about SYNC_GATHER_MS after one of them moved.  Where nobody is cut off,
 * everybody has the same by then, and sees that the states are equal.  Who has
 * seen another one for SYNC_UNLIKE_MS says so, and is told entries of what it
 * does not know, and may lack:
 *
 *	A  head moves ...  state ---->  B  equal: has what we have
 *				 \--->  C  not equal: waits, says "unlike"
 *	A  entries <-------------------/
 *
 * A log that is frozen is shown to everybody who has some of it: first both
 * halves of the proof, if there is one, then ours 1, 2, 4, 8... records before
 * where it is frozen.  What differs there moves its end down on the other side,
 * which does the same: a fork n records ago is found in log2(n) rounds, and who
 * is linked with neither of two copies learns it from who is.
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
#include <stdlib.h>

#include "jitter.h"
#include "links/sync.h"

enum {
	SYNC_LINKS = 2 * LIMIT_LINKS,
	NUMBERS_MAX = 2 * LIMIT_LOGS, /* the greatest number of a log */
	BUCKETS = 64,
	CHECK_MS = 50,      /* between two looks for silent sources */
	ROUND_TRIP_MS = 50, /* until it was measured */
	HALVES_MS = 1000,   /* between two halves for one flow */
	SHOW_MS = 50,       /* between two rounds of showing forks */
	COMPLETE_AGAIN_MS = 60 * 1000, /* that "again" is granted once */
	CHECKS_MAX = 32, /* records read to compare the heads of one Digest */
	VOUCHES_MAX = 8, /* signatures looked at before others have a turn */

	/* A Batch's records, without its head, which is under 128 bytes. */
	RECORDS_SIZE = LIMIT_BATCH_SIZE - 128
};

/* How soon an entry is told; TELL_ASKED: our state is, and it when asked for. */
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

struct bucket {
	uint8_t host[SYNC_HOST_SIZE];
	int tokens;
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
	int64_t show_ms;      /* not before */
	int64_t check_ms;     /* when to look for silent sources */
	int64_t opened_ms;    /* INT64_MIN until the first link */
	struct topic *topics; /* by the room's number */
	uint32_t topic_count;
	struct sync_link *links[SYNC_LINKS];
	struct bucket buckets[BUCKETS];
	struct sync_counts counts;
	uint8_t scratch[MESSAGE_MAX];
};

/* Leaves. */

static int64_t jitter(struct sync *s, int64_t below)
{
	return (int64_t)(jitter_next(&s->random) % (uint64_t)below);
}

/* From a change until our state is told. */
static int64_t gather_ms(struct sync *s)
{
	return SYNC_GATHER_MS * 3 / 4 + jitter(s, SYNC_GATHER_MS / 2);
}

/* Makes room for `count` entries of `size` bytes each, new ones zeroed. */
static void *table_grow(
	void *table, uint32_t *have, uint32_t count, size_t size)
{
	uint32_t wanted = *have == 0 ? 16 : *have;
	uint8_t *larger;

	while (wanted < count)
		wanted *= 2;
	larger = realloc(table, wanted * size);
	if (larger == NULL)
		return NULL;
	memset(larger + *have * size, 0, (wanted - *have) * size);
	*have = wanted;
	return larger;
}

/* The flow of a log, or NULL without memory for it: then it has to wait. */
static struct flow *link_flow(struct sync_link *l, uint32_t number)
{
	struct flow *flows;

	if (number < l->flow_count)
		return &l->flows[number];
	flows = table_grow(
		l->flows, &l->flow_count, number + 1, sizeof(*flows));
	if (flows == NULL)
		return NULL;
	l->flows = flows;
	return &l->flows[number];
}

/* A flow that is there already, or one that says nothing. */
static const struct flow *flow_of(const struct sync_link *l, uint32_t number)
{
	static const struct flow none;

	return number < l->flow_count ? &l->flows[number] : &none;
}

static bool topics_grow(struct sync *s)
{
	uint32_t count = room_count(s->room);
	struct topic *topics;

	if (count <= s->topic_count)
		return true;
	topics = table_grow(s->topics, &s->topic_count, count, sizeof(*topics));
	if (topics == NULL)
		return false;
	s->topics = topics;
	return true;
}

static bool link_wrote(
	const struct sync *s, const struct sync_link *l, uint32_t number)
{
	const struct room_log *log = room_log(s->room, number);

	return log->is_signed && memcmp(log->log.public_key, l->public_key,
					 sizeof(l->public_key)) == 0;
}

/* Notes that an entry is to be told, and how soon. */
static void flow_tell(struct sync *s, struct sync_link *l, struct flow *f,
	enum telling telling, int64_t now_ms)
{
	int64_t at_ms = now_ms;

	if (f->telling < telling)
		f->telling = (uint8_t)telling;
	if (telling == TELL_ASKED)
		at_ms += gather_ms(s);
	if (telling == TELL_SOON && at_ms < l->receipt_ms + SYNC_RECEIPT_MS)
		at_ms = l->receipt_ms + SYNC_RECEIPT_MS;
	if (at_ms < l->due_ms[telling])
		l->due_ms[telling] = at_ms;
}

/* Sources. */

/* May this link be asked for this log, and how good is it? */
static int64_t link_rank(const struct sync *s, const struct sync_link *l,
	uint32_t number, int64_t now_ms)
{
	const struct flow *f = flow_of(l, number);

	if (now_ms < f->avoid_ms)
		return -1;
	/* Its author, unless he has lost some of it himself. */
	if (!room_log(s->room, number)->is_own && link_wrote(s, l, number) &&
		(f->have == 0 || f->have >= room_head(s->room, number)))
		return INT64_MAX;
	if (f->have == 0)
		return -1;
	return ((int64_t)f->have << 16) +
	       (l->round_trip_ms > 0xffff ? 0 : 0xffff - l->round_trip_ms);
}

static void topic_leave(struct sync *s, uint32_t number, int64_t now_ms)
{
	struct topic *t = &s->topics[number];
	struct flow *f;

	if (t->source == NULL)
		return;
	f = &t->source->flows[number];
	f->asked = f->restart = false;
	flow_tell(s, t->source, f, TELL_NOW, now_ms);
	t->source = NULL;
}

static void topic_ask(
	struct sync *s, uint32_t number, struct sync_link *l, int64_t now_ms)
{
	struct topic *t = &s->topics[number];
	struct flow *f = link_flow(l, number);

	if (f == NULL || t->source == l)
		return;
	topic_leave(s, number, now_ms);
	t->source = l;
	t->moved_ms = now_ms;
	f->asked = f->restart = true;
	if (l->told_all || number < l->telling)
		flow_tell(s, l, f, TELL_NOW, now_ms);
}

static bool topic_is_refused(const struct sync *s, uint32_t number)
{
	const struct room_log *log = room_log(s->room, number);

	return s->held || !log->used || !log->is_signed || log->frozen != 0 ||
	       s->topics[number].refused;
}

/* Its author is asked again when he may be. */
static void topic_await(struct sync *s, struct topic *t, int64_t author_ms)
{
	t->author_ms = author_ms;
	if (author_ms > 0 && author_ms < s->check_ms)
		s->check_ms = author_ms;
}

/*
 * Chooses the source of a log.  The one it has is kept as long as it may be
 * asked at all, unless the author himself is there.
 */
static void topic_choose(struct sync *s, uint32_t number, int64_t now_ms)
{
	struct topic *t = &s->topics[number];
	struct sync_link *best = NULL;
	int64_t best_rank = -1;

	if (topic_is_refused(s, number)) {
		topic_leave(s, number, now_ms);
		return;
	}
	for (int i = 0; i < SYNC_LINKS; i++) {
		int64_t rank;

		if (s->links[i] == NULL)
			continue;
		rank = link_rank(s, s->links[i], number, now_ms);
		if (rank > best_rank) {
			best = s->links[i];
			best_rank = rank;
		}
		if (rank < 0 && link_wrote(s, s->links[i], number))
			topic_await(
				s, t, flow_of(s->links[i], number)->avoid_ms);
	}
	/* Our own log is asked for only where there is more of it. */
	if (room_log(s->room, number)->is_own && best != NULL &&
		flow_of(best, number)->have <= room_head(s->room, number))
		best = NULL;
	if (t->source != NULL && best_rank < INT64_MAX && best != NULL &&
		link_rank(s, t->source, number, now_ms) >= 0)
		best = t->source;
	if (best == NULL)
		topic_leave(s, number, now_ms);
	else
		topic_ask(s, number, best, now_ms);
}

/* Somebody has said to be ahead of us. */
static void topic_behind(
	struct sync *s, uint32_t number, uint32_t have, int64_t now_ms)
{
	struct topic *t = &s->topics[number];
	uint64_t head = room_head(s->room, number);

	if (have <= head)
		return;
	if (t->best <= head)
		t->moved_ms = now_ms;
	if (have > t->best)
		t->best = have;
	if (now_ms + CHECK_MS < s->check_ms)
		s->check_ms = now_ms + CHECK_MS;
}

/*
 * The greatest head that a link claims which may be asked now; *retry_ms goes
 * down to when one that claims more may be asked again.
 */
static uint32_t topic_best(const struct sync *s, uint32_t number,
	int64_t now_ms, int64_t *retry_ms)
{
	uint64_t head = room_head(s->room, number);
	uint32_t best = 0;

	for (int i = 0; i < SYNC_LINKS; i++) {
		const struct flow *f;

		if (s->links[i] == NULL)
			continue;
		f = flow_of(s->links[i], number);
		if (f->have > head && f->avoid_ms > now_ms &&
			f->avoid_ms < *retry_ms)
			*retry_ms = f->avoid_ms;
		if (f->have > best && f->avoid_ms <= now_ms)
			best = f->have;
	}
	return best;
}

/* It said that it had more, and sent nothing: it is not believed for a while. */
static void flow_avoid(struct flow *f, int64_t now_ms)
{
	int64_t wait_ms = (int64_t)SYNC_AVOID_MS << f->silent;

	if (wait_ms >= SYNC_AVOID_MAX_MS)
		wait_ms = SYNC_AVOID_MAX_MS;
	else
		f->silent++;
	f->avoid_ms = now_ms + wait_ms;
}

/* Leaves a source that sends nothing although somebody is ahead of us. */
static void topic_check(struct sync *s, uint32_t number, int64_t now_ms)
{
	struct topic *t = &s->topics[number];
	uint64_t head = room_head(s->room, number);
	int64_t since_ms = t->moved_ms, patience_ms = SYNC_SILENT_MS;
	struct flow *f;

	if (t->author_ms != 0 && now_ms >= t->author_ms) {
		t->author_ms = 0;
		topic_choose(s, number, now_ms);
		since_ms = t->moved_ms;
	}
	topic_await(s, t, t->author_ms);
	if (t->best <= head || topic_is_refused(s, number))
		return;
	if (topic_best(s, number, now_ms, &s->check_ms) <= head)
		return; /* or those who claim more are not believed now */
	if (now_ms + CHECK_MS < s->check_ms)
		s->check_ms = now_ms + CHECK_MS;
	if (t->source == NULL) {
		topic_choose(s, number, now_ms);
		return;
	}
	f = &t->source->flows[number];
	/* Who has more and is busy with other logs comes to this one, soon. */
	if (f->have > head && t->source->moved_ms > since_ms &&
		now_ms - since_ms < SYNC_BUSY_MS)
		since_ms = t->source->moved_ms;
	if (2 * t->source->round_trip_ms > patience_ms)
		patience_ms = 2 * t->source->round_trip_ms;
	if (patience_ms > SYNC_PATIENCE_MAX_MS)
		patience_ms = SYNC_PATIENCE_MAX_MS;
	if (now_ms - since_ms < patience_ms + jitter(s, SYNC_SILENT_MS / 2))
		return;
	if (f->have > head)
		flow_avoid(f, now_ms);
	else /* it is only slower than somebody else */
		f->avoid_ms = now_ms + SYNC_SILENT_MS;
	s->counts.moves++;
	t->detour_ms = now_ms + SYNC_GATHER_MS;
	topic_leave(s, number, now_ms);
	topic_choose(s, number, now_ms);
}

static void topics_check(struct sync *s, int64_t now_ms)
{
	if (now_ms < s->check_ms)
		return;
	s->check_ms = INT64_MAX;
	for (uint32_t n = 0; n < room_count(s->room); n++)
		topic_check(s, n, now_ms);
}

/* Showing forks. */

static bool link_put_half(
	struct sync *s, struct sync_link *l, const struct message_half *half)
{
	struct writer w = writer_over(s->scratch, sizeof(s->scratch));

	message_put_half(&w, half);
	return wire_put(l->wire, MESSAGE_FORK, w.bytes, w.size);
}

/* False when there is no room for all of it: then it is begun again. */
static bool link_show_fork(
	struct sync *s, struct sync_link *l, uint32_t number, uint64_t frozen)
{
	struct message_half halves[2];

	if (room_make_proof(s->room, number, halves) &&
		(!link_put_half(s, l, &halves[0]) ||
			!link_put_half(s, l, &halves[1])))
		return false;
	for (uint64_t back = 1; back < frozen; back *= 2)
		if (room_make_half(s->room, number, frozen - back, halves) &&
			!link_put_half(s, l, halves))
			return false;
	l->flows[number].shown = (uint32_t)frozen;
	return true;
}

static void forks_show(struct sync *s, int64_t now_ms)
{
	if (!s->forked || now_ms < s->show_ms)
		return;
	s->forked = false;
	s->show_ms = now_ms + SHOW_MS;
	for (uint32_t n = 0; n < room_count(s->room); n++) {
		uint64_t frozen = room_log(s->room, n)->frozen;

		for (int i = 0; frozen != 0 && i < SYNC_LINKS; i++) {
			struct sync_link *l = s->links[i];

			if (l != NULL && flow_of(l, n)->have > 0 &&
				flow_of(l, n)->shown != frozen &&
				!link_show_fork(s, l, n, frozen))
				s->forked = true;
		}
	}
}

/* States. */

const uint8_t *sync_state(struct sync *s)
{
	if (s->moved)
		room_state(s->room, s->state);
	s->moved = false;
	return s->state;
}

/* Is this log part of the state? */
static bool counts_in_state(const struct sync *s, uint32_t number)
{
	const struct room_log *log = room_log(s->room, number);

	return log->used && log->is_signed;
}

/*
 * It has told our own state, so it has what we have.  What it has to hear from
 * us is no more than that, and can wait until there is a pause.
 */
static void link_is_like(struct sync *s, struct sync_link *l, int64_t now_ms)
{
	s->counts.changes++;
	l->differs = false;
	l->unlike_ms = INT64_MAX;
	if (l->due_ms[TELL_ASKED] != INT64_MAX)
		l->due_ms[TELL_ASKED] = now_ms + gather_ms(s);
	for (uint32_t n = 0; n < room_count(s->room); n++) {
		uint32_t durable = (uint32_t)room_durable(s->room, n);
		struct flow *f;

		if (!counts_in_state(s, n) || (f = link_flow(l, n)) == NULL)
			continue;
		if (f->states != l->states || f->have < durable)
			f->have = durable; /* or it told of more since */
		if (link_wrote(s, l, n))
			topic_choose(s, n, now_ms); /* back to the author */
	}
}

/*
 * Who told another state than ours may have what we have by now.  After it was
 * asked why, it has time until our state is known for another reason.
 */
static void states_compare(struct sync *s, int64_t now_ms)
{
	for (int i = 0; i < SYNC_LINKS; i++) {
		struct sync_link *l = s->links[i];

		if (l != NULL && l->differs &&
			(l->unlike_ms != INT64_MAX || !s->moved) &&
			memcmp(l->theirs, sync_state(s), sizeof(l->theirs)) ==
				0)
			link_is_like(s, l, now_ms);
	}
}

/*
 * It lacks something, or we do: it is told all that it was not told yet.  And
 * our state, in a while: what it has by now, it may not know that we have.
 */
static void link_tell_untold(
	struct sync *s, struct sync_link *l, int64_t now_ms)
{
	l->asks = false;
	if (l->due_ms[TELL_ASKED] == INT64_MAX)
		l->due_ms[TELL_ASKED] = now_ms + gather_ms(s);
	for (uint32_t n = 0; n < l->flow_count; n++) {
		struct flow *f = &l->flows[n];

		if (f->telling == TELL_ASKED &&
			f->have < room_durable(s->room, n))
			flow_tell(s, l, f, TELL_NOW, now_ms);
	}
}

/* Once a turn: it takes a look at every log, and four bytes ask for it. */
static void links_tell_untold(struct sync *s, int64_t now_ms)
{
	for (int i = 0; i < SYNC_LINKS; i++) {
		if (s->links[i] != NULL && s->links[i]->asks)
			link_tell_untold(s, s->links[i], now_ms);
	}
}

bool sync_agrees(const struct sync *s, const struct sync_link *l)
{
	if (!l->heard_all || l->waiting > 0)
		return false;
	for (uint32_t n = 0; n < room_count(s->room); n++) {
		uint64_t durable = room_durable(s->room, n);

		/* Behind a hole there are messages that nobody else has. */
		if (counts_in_state(s, n) &&
			(flow_of(l, n)->have != durable ||
				room_newest(s->room, n) != durable))
			return false;
	}
	return true;
}

/* Turns. */

/* Our head of a log is another one now: who is to hear of it, or get it? */
static void topic_moved(
	struct sync *s, uint32_t number, uint64_t durable, int64_t now_ms)
{
	struct topic *t = &s->topics[number];
	bool back = durable < t->durable;

	if (durable != t->durable)
		t->moved_ms = now_ms;
	t->durable = durable;
	s->moved = true;
	s->counts.changes++;
	if (topic_is_refused(s, number))
		topic_leave(s, number, now_ms);
	if (!room_log(s->room, number)->is_signed)
		return;
	for (int i = 0; i < SYNC_LINKS; i++) {
		struct sync_link *l = s->links[i];
		struct flow *f = l == NULL ? NULL : link_flow(l, number);

		if (f == NULL)
			continue;
		l->lagging = l->lagging || (f->wanted && f->next <= durable);
		f->restart = f->restart || (back && f->asked);
		f->given = back ? 0 : f->given;
		if (!l->told_all && number >= l->telling)
			continue; /* the complete Digest comes to it */
		if (back)
			flow_tell(s, l, f, TELL_NOW, now_ms);
		else if (link_wrote(s, l, number) ||
			 (!f->named && durable > 0) || /* or heard of it */
			 (f->have < durable && now_ms < t->detour_ms))
			flow_tell(s, l, f, TELL_SOON, now_ms);
		else if (f->known < durable)
			flow_tell(s, l, f, TELL_ASKED, now_ms);
	}
	if (t->source == NULL)
		topic_choose(s, number, now_ms);
}

void sync_touch(struct sync *s)
{
	s->touched = s->forked = true;
}

void sync_turn(struct sync *s, int64_t now_ms)
{
	if (!topics_grow(s))
		return; /* without memory, nothing new is told */
	for (uint32_t n = 0; n < room_count(s->room); n++) {
		uint64_t durable = room_durable(s->room, n);

		if (durable != s->topics[n].durable || s->touched)
			topic_moved(s, n, durable, now_ms);
	}
	s->touched = false;
	states_compare(s, now_ms);
	links_tell_untold(s, now_ms);
	topics_check(s, now_ms);
	forks_show(s, now_ms);
}

void sync_hold(struct sync *s, bool held, int64_t now_ms)
{
	if (s->held == held)
		return;
	s->held = held;
	for (uint32_t n = 0; n < room_count(s->room) && topics_grow(s); n++) {
		topic_choose(s, n, now_ms);
		if (!held) /* who is avoided now is tried again later */
			topic_behind(s, n, s->topics[n].best, now_ms);
	}
}

/* What they tell. */

/* A place for one more new log from this address? */
static bool admission(struct sync *s, const struct sync_link *l, int64_t now_ms)
{
	struct bucket *b = &s->buckets[0];
	int64_t refills;

	if (l->trusted || now_ms - s->opened_ms < LIMIT_LOGS_FREE_MS)
		return true;
	for (int i = 0; i < BUCKETS; i++) {
		if (memcmp(s->buckets[i].host, l->host, sizeof(l->host)) == 0) {
			b = &s->buckets[i];
			break;
		}
		if (s->buckets[i].used_ms < b->used_ms)
			b = &s->buckets[i];
	}
	if (memcmp(b->host, l->host, sizeof(l->host)) != 0 || b->used_ms == 0) {
		memcpy(b->host, l->host, sizeof(b->host));
		b->tokens = LIMIT_LOGS_BUCKET;
		b->filled_ms = now_ms;
	}
	b->used_ms = now_ms;
	refills = (now_ms - b->filled_ms) / LIMIT_LOGS_REFILL_MS;
	b->filled_ms += refills * LIMIT_LOGS_REFILL_MS;
	if (refills > 0 &&
		b->tokens + refills * LIMIT_LOGS_REFILL > LIMIT_LOGS_BUCKET)
		b->tokens = LIMIT_LOGS_BUCKET;
	else
		b->tokens += (int)refills * LIMIT_LOGS_REFILL;
	return b->tokens > 0 && b->tokens-- > 0;
}

/* The room's number of a log that is named by key, admitted if it is new. */
static uint32_t link_admit(struct sync *s, struct sync_link *l,
	const struct message_log *log, int64_t now_ms)
{
	uint32_t number = room_find_key(s->room, log->public_key, log->epoch);
	bool first_hand = memcmp(log->public_key, l->public_key,
				  sizeof(l->public_key)) == 0;

	if (number != ROOM_NO_LOG)
		return number;
	if (first_hand || admission(s, l, now_ms))
		number = room_admit(
			s->room, log->public_key, log->epoch, first_hand);
	if (number == ROOM_NO_LOG) {
		l->waiting++;
		l->ask_again_ms = now_ms + LIMIT_LOGS_REFILL_MS;
	}
	return number;
}

/* What they mean by their number; ROOM_NO_LOG when it is nothing to us. */
static uint32_t link_number(struct sync *s, struct sync_link *l,
	const struct message_log *log, int64_t now_ms)
{
	uint32_t *numbers = l->numbers;
	uint32_t number = ROOM_NO_LOG;

	if (log->number >= NUMBERS_MAX)
		return ROOM_NO_LOG;
	if (log->named)
		number = link_admit(s, l, log, now_ms);
	else if (log->number < l->number_count)
		number = l->numbers[log->number] - 1; /* 0 there is none */
	if (number != ROOM_NO_LOG &&
		(!topics_grow(s) || link_flow(l, number) == NULL))
		number = ROOM_NO_LOG;
	if (number == ROOM_NO_LOG) {
		if (log->number < l->number_count)
			l->numbers[log->number] = 0; /* nor the log before */
		return ROOM_NO_LOG;
	}
	if (log->number >= l->number_count)
		numbers = table_grow(l->numbers, &l->number_count,
			log->number + 1, sizeof(*numbers));
	if (numbers == NULL)
		return ROOM_NO_LOG;
	l->numbers = numbers;
	l->numbers[log->number] = number + 1;
	return number;
}

/* Shows our word against theirs: signatures decide. */
static void link_dispute(struct sync *s, struct sync_link *l, uint32_t number,
	uint64_t seq, int64_t now_ms)
{
	struct flow *f = &l->flows[number];
	struct message_half half;

	if (now_ms < f->again_ms ||
		!room_make_half(s->room, number, seq, &half))
		return;
	f->again_ms = now_ms + HALVES_MS;
	/* Without room it is said after the next Digest that differs. */
	(void)!link_put_half(s, l, &half);
}

/*
 * Does it know of the fork?  Who goes on beyond it could not compare yet when
 * it was shown, or has lost what it knew: it is shown again, now and then.
 */
static void link_check_fork(
	struct sync *s, struct sync_link *l, uint32_t number, int64_t now_ms)
{
	uint64_t frozen = room_log(s->room, number)->frozen;
	struct flow *f = &l->flows[number];

	if (frozen == 0 || f->have == 0)
		return;
	if (f->have >= frozen && now_ms >= f->again_ms) {
		f->again_ms = now_ms + HALVES_MS;
		f->shown = 0;
	}
	if (f->shown != frozen)
		s->forked = true;
}

static void link_entry(struct sync *s, struct sync_link *l,
	const struct message_entry *entry, int64_t now_ms)
{
	uint32_t number = link_number(s, l, &entry->log, now_ms);
	uint8_t id[RECORD_ID_SIZE];
	struct flow *f;
	uint32_t seq = (uint32_t)entry->seq;

	if (number == ROOM_NO_LOG)
		return;
	f = &l->flows[number];
	if (seq < f->have)
		l->differs = false; /* what it told is not its state now */
	f->have = seq;
	f->states = l->states;
	if (entry->want == WANT_FROM) {
		f->next = seq + 1;
		l->doubted = 0;
	}
	f->wanted = entry->want == WANT_FROM ||
		    (entry->want == WANT_MORE && f->next > 0);
	l->lagging = l->lagging || f->wanted;
	if (entry->has_id && seq <= room_durable(s->room, number) &&
		(seq == room_durable(s->room, number) || l->checks-- > 0) &&
		room_id_at(s->room, number, seq, id) &&
		memcmp(id, entry->id, RECORD_PREFIX_SIZE) != 0)
		link_dispute(s, l, number, seq, now_ms);
	link_check_fork(s, l, number, now_ms);
	topic_behind(s, number, seq, now_ms);
	if (s->topics[number].source != l)
		topic_choose(s, number, now_ms);
}

/* Everything is told once more, and by key: nobody remembers what waited. */
static void link_begin_again(struct sync_link *l, int64_t now_ms)
{
	l->told_all = false;
	l->telling = 0;
	l->complete_ms = now_ms;
	for (uint32_t n = 0; n < l->flow_count; n++)
		l->flows[n].named = false; /* it had no place for them */
}

static void link_state(
	struct sync_link *l, const uint8_t *state, int64_t now_ms)
{
	memcpy(l->theirs, state, sizeof(l->theirs));
	l->states++;
	l->differs = true;
	if (l->unlike_ms > now_ms + SYNC_UNLIKE_MS)
		l->unlike_ms = now_ms + SYNC_UNLIKE_MS;
}

static void link_digest(struct sync *s, struct sync_link *l,
	const struct message_digest *digest, int64_t now_ms)
{
	struct reader entries = digest->entries;
	struct message_entry entry;

	s->counts.changes++;
	l->checks = CHECKS_MAX;
	while (message_next_entry(&entries, &entry))
		link_entry(s, l, &entry, now_ms);
	l->heard_all = l->heard_all || digest->complete;
	if (digest->has_state)
		link_state(l, digest->state, now_ms);
	l->asks = l->asks || digest->unlike;
	if (digest->again && l->told_all &&
		now_ms - l->complete_ms >= COMPLETE_AGAIN_MS)
		link_begin_again(l, now_ms);
}

/* Whatever is taken can be sent on with the same end: see put_records. */
static bool batch_fits(const struct message_batch *batch)
{
	struct reader records = batch->records;
	struct record record;
	size_t size = 0;

	while (message_next_record(&records, &record))
		size += message_record_size(&record);
	return size <= RECORDS_SIZE;
}

enum sync_result sync_message(struct sync *s, struct sync_link *l,
	const struct wire_event *message, struct sync_input *input,
	int64_t now_ms)
{
	struct message_digest digest;

	input->is_half = message->type == MESSAGE_FORK;
	switch (message->type) {
	case MESSAGE_DIGEST:
		if (!message_decode_digest(message->body, &digest))
			return SYNC_BROKEN;
		link_digest(s, l, &digest, now_ms);
		return SYNC_DONE;
	case MESSAGE_BATCH:
		if (!message_decode_batch(message->body, &input->as.batch))
			return SYNC_BROKEN;
		input->number = link_number(s, l, &input->as.batch.log, now_ms);
		s->counts.records_received += input->as.batch.count;
		if (!batch_fits(&input->as.batch))
			return SYNC_BROKEN;
		/* Of a log that was not admitted: asked for again later. */
		return input->number == ROOM_NO_LOG ? SYNC_DONE : SYNC_BATCH;
	case MESSAGE_FORK:
		if (!message_decode_half(message->body, &input->as.half))
			return SYNC_BROKEN;
		input->number = room_find_key(s->room,
			input->as.half.public_key, input->as.half.epoch);
		return input->number == ROOM_NO_LOG ||
				       link_flow(l, input->number) == NULL
			       ? SYNC_DONE
			       : SYNC_HALF;
	default:
		return SYNC_DONE;
	}
}

/* The next entry asks to begin from our head, at most once a second. */
static void flow_restart(
	struct sync *s, struct sync_link *l, uint32_t number, int64_t now_ms)
{
	struct flow *f = &l->flows[number];

	if (!f->asked || now_ms < f->again_ms)
		return; /* if nothing else comes, it is silent: topic_check */
	f->restart = true;
	f->again_ms = now_ms + SYNC_AGAIN_MS;
	flow_tell(s, l, f, TELL_NOW, now_ms);
}

/* Who sends records has them on disk, whether or not we took them. */
static void batch_offered(struct sync *s, struct sync_link *l,
	const struct sync_input *input, int64_t now_ms)
{
	const struct message_batch *batch = &input->as.batch;
	struct flow *f = &l->flows[input->number];
	uint32_t last = (uint32_t)(batch->first + batch->count - 1);

	if (f->have < last) {
		f->have = last;
		f->states = l->states;
	}
	s->counts.changes++;
	topic_behind(s, input->number, last, now_ms);
}

static void batch_accepted(struct sync *s, struct sync_link *l,
	const struct sync_input *input, int64_t now_ms)
{
	l->moved_ms = s->topics[input->number].moved_ms = now_ms;
	l->flows[input->number].silent = 0;
	l->flows[input->number].given =
		(uint32_t)(input->as.batch.first + input->as.batch.count - 1);
	s->counts.records_new += input->as.batch.count;
	batch_offered(s, l, input, now_ms);
}

/* What a source sent was not taken: another one is asked, or it, later. */
static void source_failed(
	struct sync *s, struct sync_link *l, uint32_t number, int64_t now_ms)
{
	if (s->topics[number].source != l)
		return;
	flow_avoid(&l->flows[number], now_ms);
	topic_leave(s, number, now_ms);
	topic_choose(s, number, now_ms);
	topic_behind(s, number, s->topics[number].best, now_ms);
}

void sync_answer(struct sync *s, struct sync_link *l,
	const struct sync_input *input, enum room_verdict verdict,
	int64_t now_ms)
{
	uint32_t number = input->number;

	switch (verdict) {
	case ROOM_ACCEPTED:
		batch_accepted(s, l, input, now_ms);
		break;
	case ROOM_HAD:
		if (input->is_half)
			break; /* it is nothing new, and brought no records */
		batch_offered(s, l, input, now_ms);
		if (link_wrote(s, l, number))
			topic_choose(s, number, now_ms); /* its author has it */
		break;
	case ROOM_GAP:
		batch_offered(s, l, input, now_ms);
		flow_restart(s, l, number, now_ms);
		break;
	case ROOM_DISPUTED:
		link_dispute(s, l, number, input->as.batch.first - 1, now_ms);
		break;
	case ROOM_FORKED:
		s->forked = true;
		topic_choose(s, number, now_ms);
		break;
	case ROOM_LIMIT:
		s->topics[number].refused = true;
		topic_leave(s, number, now_ms);
		break;
	case ROOM_FULL:
		batch_offered(s, l, input, now_ms);
		source_failed(s, l, number, now_ms);
		break;
	case ROOM_BAD:
		source_failed(s, l, number, now_ms);
		break;
	}
}

/* What we tell. */

static void message_log_of(const struct sync *s, uint32_t number,
	struct flow *f, struct message_log *log)
{
	const struct room_log *known = room_log(s->room, number);

	memset(log, 0, sizeof(*log));
	log->number = number + 1; /* 0 would be left out */
	log->named = !f->named || f->restart;
	memcpy(log->public_key, known->log.public_key, sizeof(log->public_key));
	log->epoch = known->log.epoch;
}

/* Writes the entry of one log. */
static void put_entry(
	struct sync *s, struct sync_link *l, struct writer *w, uint32_t number)
{
	struct flow *f = &l->flows[number];
	struct message_entry entry;
	uint8_t id[RECORD_ID_SIZE];

	memset(&entry, 0, sizeof(entry));
	message_log_of(s, number, f, &entry.log);
	entry.seq = room_durable(s->room, number);
	entry.frozen = room_log(s->room, number)->frozen != 0;
	entry.has_id = entry.seq > 0 && entry.seq != f->given;
	if (entry.has_id && room_id_at(s->room, number, entry.seq, id))
		memcpy(entry.id, id, sizeof(entry.id));
	entry.want = WANT_NOTHING;
	if (f->asked)
		entry.want = f->restart ? WANT_FROM : WANT_MORE;
	message_put_entry(w, &entry);
	f->known = (uint32_t)entry.seq;
	f->named = true;
	f->restart = false;
	f->telling = TELL_NOTHING;
}

static bool link_put_digest(struct sync *s, struct sync_link *l,
	struct writer *w, const struct message_digest *rest)
{
	message_put_digest_end(w, rest);
	if (!wire_put(l->wire, MESSAGE_DIGEST, w->bytes, w->size))
		return false;
	s->counts.digest_bytes_sent += w->size;
	return true;
}

/* Is there anything to say of this log when everything is told? */
static bool is_told(const struct sync *s, const struct flow *f, uint32_t number)
{
	const struct room_log *log = room_log(s->room, number);

	return log->used && log->is_signed &&
	       (f->asked || room_durable(s->room, number) > 0);
}

/* Room for a part of a Digest, as whole as they come. */
static bool digest_fits(const struct sync_link *l)
{
	return wire_room(l->wire) >= MESSAGE_MAX;
}

/* May one more entry go into this part, and still what ends it? */
static bool digest_takes(const struct writer *w, int entries)
{
	return entries < LIMIT_DIGEST_ENTRIES &&
	       w->size + MESSAGE_ENTRY_MAX + 64 < MESSAGE_MAX;
}

/* Everything, in parts: true when the last part was put. */
static bool link_tell_all(struct sync *s, struct sync_link *l)
{
	while (!l->told_all) {
		struct writer w = writer_over(s->scratch, sizeof(s->scratch));
		struct message_digest rest = { .complete = false };
		uint32_t count = room_count(s->room);
		int entries = 0;

		if (!digest_fits(l))
			return false;
		while (l->telling < count && digest_takes(&w, entries)) {
			struct flow *f = link_flow(l, l->telling);

			if (f == NULL)
				return false;
			if (is_told(s, f, l->telling)) {
				put_entry(s, l, &w, l->telling);
				entries++;
			}
			l->telling++;
		}
		rest.complete = l->told_all = l->telling >= count;
		if (!link_put_digest(s, l, &w, &rest))
			return false; /* can not be: there was room */
	}
	return true;
}

/* Has the time come to tell this entry? */
static bool flow_is_due(
	const struct sync_link *l, const struct flow *f, int64_t now_ms)
{
	return f->telling > TELL_ASKED && l->due_ms[f->telling] <= now_ms;
}

/* What is to be said beside entries; false when it is nothing. */
static bool link_rest(struct sync *s, const struct sync_link *l,
	struct message_digest *rest, int64_t now_ms)
{
	memset(rest, 0, sizeof(*rest));
	rest->again = l->waiting > 0 && now_ms >= l->ask_again_ms;
	rest->unlike = !s->held && l->heard_all && now_ms >= l->unlike_ms;
	rest->has_state = l->due_ms[TELL_ASKED] <= now_ms &&
			  memcmp(l->told, sync_state(s), sizeof(l->told)) != 0;
	memcpy(rest->state, s->state, sizeof(rest->state));
	return rest->again || rest->unlike || rest->has_state;
}

static void link_told_rest(
	struct sync_link *l, const struct message_digest *rest)
{
	if (rest->again)
		l->waiting = 0;
	if (rest->unlike)
		l->unlike_ms = INT64_MAX;
	if (rest->has_state)
		memcpy(l->told, rest->state, sizeof(l->told));
}

/* What changed, as far as its time has come and there is room. */
static bool link_tell_changes(
	struct sync *s, struct sync_link *l, int64_t now_ms)
{
	struct writer w = writer_over(s->scratch, sizeof(s->scratch));
	struct message_digest rest;
	bool due = link_rest(s, l, &rest, now_ms), something = due;
	uint32_t n = 0;
	int entries = 0;

	for (int i = TELL_ASKED; i < TELLINGS; i++)
		due = due || l->due_ms[i] <= now_ms;
	if (!due || !digest_fits(l))
		return !due;
	for (; n < l->flow_count && digest_takes(&w, entries); n++) {
		if (!flow_is_due(l, &l->flows[n], now_ms))
			continue;
		put_entry(s, l, &w, n);
		entries++;
	}
	if (l->due_ms[TELL_SOON] <= now_ms)
		l->receipt_ms = now_ms;
	if (n == l->flow_count) {
		for (int i = TELL_ASKED; i < TELLINGS; i++) {
			if (l->due_ms[i] <= now_ms)
				l->due_ms[i] = INT64_MAX;
		}
	}
	link_told_rest(l, &rest);
	return entries == 0 && !something ? true
					  : link_put_digest(s, l, &w, &rest);
}

/* Records, from here on. */

/* Records written into a Batch, and where each of them ends. */
struct written {
	uint32_t count;
	uint32_t vouched; /* up to which one the Batch may end; 0 is none */
	size_t ends[LIMIT_BATCH_RECORDS];
};

/* Writes records from f->next on, as many as go into one Batch. */
static void put_records(struct sync *s, struct sync_link *l, uint32_t number,
	struct writer *w, struct written *written)
{
	uint64_t durable = room_durable(s->room, number);
	uint64_t seq = l->flows[number].next;
	size_t head = w->size;
	struct record record;

	written->count = written->vouched = 0;
	if (l->reading != number || l->cursor.seq > seq)
		memset(&l->cursor, 0, sizeof(l->cursor));
	l->reading = number;
	for (; written->count < LIMIT_BATCH_RECORDS && seq <= durable; seq++) {
		l->cursor.seq = seq;
		if (room_read(s->room, number, &l->cursor, &record) < 0 ||
			w->size - head + message_record_size(&record) >
				RECORDS_SIZE)
			return;
		message_put_record(w, &record);
		written->ends[written->count++] = w->size;
		if ((record.flags & RECORD_VERIFIED) != 0)
			written->vouched = written->count;
	}
}

/*
 * A Batch must end with a good signature.  One that was checked here is never
 * further away than the longest Batch, unless what is damaged was lost or came
 * again since: then a good one is looked for from the end, a few at a time.
 */
static uint32_t put_vouched(
	struct sync *s, struct sync_link *l, uint32_t number, struct writer *w)
{
	struct flow *f = &l->flows[number];
	struct log_cursor cursor;
	struct written written;
	struct record record;

	put_records(s, l, number, w, &written);
	for (int i = 0; written.vouched == 0 && l->doubted < written.count &&
			i < VOUCHES_MAX;
		i++) {
		uint32_t n = written.count - l->doubted++;

		memset(&cursor, 0, sizeof(cursor));
		cursor.seq = f->next + n - 1;
		if (room_read(s->room, number, &cursor, &record) == 0 &&
			room_vouches(s->room, number, cursor.seq, &record))
			written.vouched = n;
	}
	if (written.vouched > 0 || l->doubted >= written.count)
		l->doubted = 0;
	if (written.vouched > 0)
		w->size = written.ends[written.vouched - 1];
	return written.vouched;
}

/* One Batch of a log; false when there is no room, or nothing to send. */
static bool link_put_batch(struct sync *s, struct sync_link *l, uint32_t number)
{
	struct flow *f = &l->flows[number];
	struct writer w = writer_over(s->scratch, sizeof(s->scratch));
	struct message_batch batch;
	uint8_t id[RECORD_ID_SIZE];
	uint32_t count;

	memset(&batch, 0, sizeof(batch));
	message_log_of(s, number, f, &batch.log);
	batch.first = f->next;
	if (!room_id_at(s->room, number, f->next - 1, id)) {
		l->doubted = 0;
		return false;
	}
	memcpy(batch.previous, id, sizeof(batch.previous));
	message_put_batch_head(&w, &batch);
	count = put_vouched(s, l, number, &w);
	if (count == 0) {
		f->wanted = l->doubted > 0; /* else nobody can believe it */
		return false;
	}
	if (!wire_put(l->wire, MESSAGE_BATCH, w.bytes, w.size))
		return false;
	f->named = true;
	s->counts.records_sent += count;
	f->next += count;
	if (f->known < f->next - 1)
		f->known = f->next - 1;
	return true;
}

/* Logs take turns, a Batch each. */
static void link_put_records(struct sync *s, struct sync_link *l)
{
	uint32_t idle = 0;

	while (idle < l->flow_count) {
		struct flow *f;

		if (l->turn >= l->flow_count)
			l->turn = 0;
		f = &l->flows[l->turn];
		idle++;
		if (f->wanted && f->next <= room_durable(s->room, l->turn)) {
			if (wire_room(l->wire) < MESSAGE_MAX)
				return;
			if (link_put_batch(s, l, l->turn))
				idle = 0;
			else if (l->doubted > 0)
				return;
		}
		l->doubted = 0;
		l->turn++;
	}
	l->lagging = false;
}

bool sync_fill(struct sync *s, struct sync_link *l, int64_t now_ms)
{
	if (!link_tell_all(s, l) || !link_tell_changes(s, l, now_ms))
		return true;
	if (l->lagging)
		link_put_records(s, l);
	return l->lagging;
}

/* Life. */

struct sync *sync_open(struct room *room, uint64_t seed)
{
	struct sync *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->room = room;
	s->random = seed | 1;
	s->moved = true;
	s->check_ms = INT64_MAX;
	s->opened_ms = INT64_MIN;
	return s;
}

void sync_close(struct sync *s)
{
	if (s == NULL)
		return;
	for (int i = 0; i < SYNC_LINKS; i++)
		assert(s->links[i] == NULL);
	free(s->topics);
	free(s);
}

static int link_place(const struct sync *s)
{
	for (int i = 0; i < SYNC_LINKS; i++) {
		if (s->links[i] == NULL)
			return i;
	}
	return -1;
}

struct sync_link *sync_link_open(
	struct sync *s, const struct sync_peer *peer, int64_t now_ms)
{
	int place = link_place(s);
	struct sync_link *l = NULL;

	if (place >= 0 && topics_grow(s))
		l = calloc(1, sizeof(*l));
	if (l == NULL)
		return NULL;
	if (s->opened_ms == INT64_MIN)
		s->opened_ms = now_ms;
	l->wire = peer->wire;
	memcpy(l->public_key, peer->public_key, sizeof(l->public_key));
	memcpy(l->host, peer->host, sizeof(l->host));
	l->trusted = peer->trusted;
	l->round_trip_ms = ROUND_TRIP_MS;
	l->complete_ms = now_ms;
	for (int i = 0; i < TELLINGS; i++)
		l->due_ms[i] = INT64_MAX;
	l->unlike_ms = INT64_MAX;
	s->links[place] = l;
	s->counts.changes++;
	/* What the other side wrote is asked for before it says a word. */
	for (uint32_t n = 0; n < room_count(s->room); n++) {
		if (room_log(s->room, n)->used && link_wrote(s, l, n))
			topic_choose(s, n, now_ms);
	}
	return l;
}

/*
 * Gives up the numbers of logs that were claimed and never came, when no link
 * that is left means anything by them.
 */
static void forget_claims(struct sync *s, int64_t now_ms)
{
	uint32_t count = room_count(s->room);

	for (uint32_t n = 0; n < s->topic_count; n++)
		s->topics[n].meant = false;
	for (int i = 0; i < SYNC_LINKS; i++) {
		const struct sync_link *l = s->links[i];

		for (uint32_t k = 0; l != NULL && k < l->number_count; k++) {
			if (l->numbers[k] > 0)
				s->topics[l->numbers[k] - 1].meant = true;
		}
	}
	for (uint32_t n = 0; n < count && n < s->topic_count; n++) {
		if (s->topics[n].meant || room_head(s->room, n) > 0 ||
			s->topics[n].source != NULL)
			continue;
		room_forget(s->room, n);
		memset(&s->topics[n], 0, sizeof(s->topics[n]));
		for (int i = 0; i < SYNC_LINKS; i++) {
			struct sync_link *l = s->links[i];

			if (l != NULL && n < l->flow_count)
				memset(&l->flows[n], 0, sizeof(struct flow));
			if (l != NULL && l->waiting > 0)
				l->ask_again_ms = now_ms; /* there is room */
		}
	}
}

void sync_link_close(struct sync *s, struct sync_link *l, int64_t now_ms)
{
	if (l == NULL)
		return;
	for (int i = 0; i < SYNC_LINKS; i++) {
		if (s->links[i] == l)
			s->links[i] = NULL;
	}
	s->counts.changes++;
	for (uint32_t n = 0; n < s->topic_count; n++) {
		if (s->topics[n].source != l)
			continue;
		s->topics[n].source = NULL;
		topic_choose(s, n, now_ms);
	}
	free(l->flows);
	free(l->numbers);
	free(l);
	forget_claims(s, now_ms);
}

void sync_round_trip(struct sync_link *l, int64_t ms)
{
	l->round_trip_ms = ms;
}

/* What others ask. */

void sync_want(const struct sync *s, struct loop *loop)
{
	loop_wake(loop, s->check_ms);
	if (s->forked)
		loop_wake(loop, s->show_ms);
	for (int i = 0; i < SYNC_LINKS; i++) {
		const struct sync_link *l = s->links[i];

		if (l == NULL || !digest_fits(l))
			continue; /* its socket wakes us when there is room */
		for (int t = TELL_ASKED; t < TELLINGS; t++)
			loop_wake(loop, l->due_ms[t]);
		if (!s->held && l->heard_all)
			loop_wake(loop, l->unlike_ms);
		if (l->waiting > 0)
			loop_wake(loop, l->ask_again_ms);
	}
}

bool sync_is_complete(const struct sync_link *l)
{
	return l->heard_all;
}

bool sync_claims_own(const struct sync *s)
{
	int64_t retry_ms = INT64_MAX;

	for (uint32_t n = 0; n < s->topic_count && n < room_count(s->room);
		n++) {
		if (room_log(s->room, n)->is_own &&
			topic_best(s, n, INT64_MAX, &retry_ms) >
				room_head(s->room, n))
			return true;
	}
	return false;
}

bool sync_is_idle(const struct sync *s, const struct sync_link *l)
{
	uint32_t own = room_own(s->room);

	if (own != ROOM_NO_LOG &&
		flow_of(l, own)->have < room_durable(s->room, own))
		return false; /* what we said is still on its way */
	return l->told_all && !l->lagging &&
	       l->due_ms[TELL_SOON] == INT64_MAX &&
	       l->due_ms[TELL_NOW] == INT64_MAX;
}

uint64_t sync_receipt(const struct sync *s, const struct sync_link *l)
{
	uint32_t own = room_own(s->room);

	return own == ROOM_NO_LOG ? 0 : flow_of(l, own)->have;
}

void sync_count(const struct sync *s, struct sync_counts *counts)
{
	*counts = s->counts;
}
