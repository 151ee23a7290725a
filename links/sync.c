/* SPDX-License-Identifier: ISC */
/*
 * sync.c: flows and topics (sync_inside.h): whom each log is wanted from, who
 * is to hear of it and how soon, and to whom forks are shown.
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
 * What comes in is read in hearing.c, and what is told is written in telling.c.
 */
#include <stdlib.h>

#include "jitter.h"
#include "links/sync_inside.h"

enum {
	CHECK_MS = 50,       /* between two looks for silent sources */
	ROUND_TRIP_MS = 50,  /* until it was measured */
	SHOW_MS = 50,        /* between two rounds of showing forks, */
	SHOWS_MAX = 4,       /* of so many, for each costs a few signatures */
	SHOW_SIZE = 34 * 256 /* a proof, and a half for each power of 2 */
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

void *table_grow(void *table, uint32_t *have, uint32_t count, size_t size)
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

struct flow *sync_link_flow(struct sync_link *l, uint32_t number)
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

bool topics_grow(struct sync *s)
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

bool sync_link_wrote(
	const struct sync *s, const struct sync_link *l, uint32_t number)
{
	const struct room_log *log = room_log(s->room, number);

	return log->is_signed && memcmp(log->log.public_key, l->public_key,
					 sizeof(l->public_key)) == 0;
}

void flow_tell(struct sync *s, struct sync_link *l, struct flow *f,
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
	if (!room_log(s->room, number)->is_own &&
		sync_link_wrote(s, l, number) &&
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
	struct flow *f = sync_link_flow(l, number);

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

void topic_choose(struct sync *s, uint32_t number, int64_t now_ms)
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
		if (rank < 0 && sync_link_wrote(s, s->links[i], number))
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

void topic_behind(
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

void source_failed(
	struct sync *s, struct sync_link *l, uint32_t number, int64_t now_ms)
{
	if (s->topics[number].source != l)
		return;
	flow_avoid(&l->flows[number], now_ms);
	topic_leave(s, number, now_ms);
	topic_choose(s, number, now_ms);
	topic_behind(s, number, s->topics[number].best, now_ms);
}

/* Showing forks. */

bool sync_link_put_half(
	struct sync *s, struct sync_link *l, const struct message_half *half)
{
	struct writer w = writer_over(s->scratch, sizeof(s->scratch));

	message_put_half(&w, half);
	return wire_put(l->wire, MESSAGE_FORK, w.bytes, w.size);
}

/* There are SHOW_SIZE bytes of room for it. */
static void link_show_fork(
	struct sync *s, struct sync_link *l, uint32_t number, uint64_t frozen)
{
	struct message_half halves[2];
	bool fits = true;

	if (room_make_proof(s->room, number, halves))
		fits = sync_link_put_half(s, l, &halves[0]) &&
		       sync_link_put_half(s, l, &halves[1]);
	for (uint64_t back = 1; back < frozen; back *= 2)
		if (room_make_half(s->room, number, frozen - back, halves))
			fits = sync_link_put_half(s, l, halves) && fits;
	assert(fits);
	l->flows[number].shown = (uint32_t)frozen;
}

/*
 * To all who have some of it, and room for it: others do not wait for those.
 * False when there were more than *left.
 */
static bool fork_show(struct sync *s, uint32_t number, int *left)
{
	uint64_t frozen = room_log(s->room, number)->frozen;

	for (int i = 0; frozen != 0 && i < SYNC_LINKS; i++) {
		struct sync_link *l = s->links[i];

		if (l == NULL || flow_of(l, number)->have == 0 ||
			flow_of(l, number)->shown == frozen)
			continue;
		if (wire_room(l->wire) < SHOW_SIZE) {
			s->forked = true;
			continue;
		}
		if ((*left)-- == 0)
			return false;
		link_show_fork(s, l, number, frozen);
	}
	return true;
}

static void forks_show(struct sync *s, int64_t now_ms)
{
	uint32_t count = room_count(s->room);
	int left = SHOWS_MAX;

	if (!s->forked || now_ms < s->show_ms)
		return;
	s->forked = false;
	s->show_ms = now_ms + SHOW_MS;
	for (uint32_t tried = 0; tried < count; tried++) {
		if (!fork_show(s, s->show_next % count, &left)) {
			s->forked = true;
			return;
		}
		s->show_next = (s->show_next + 1) % count;
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

		if (!counts_in_state(s, n) ||
			(f = sync_link_flow(l, n)) == NULL)
			continue;
		if (f->states != l->states || f->have < durable)
			f->have = durable; /* or it told of more since */
		if (sync_link_wrote(s, l, n))
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
		struct flow *f = l == NULL ? NULL : sync_link_flow(l, number);

		if (f == NULL)
			continue;
		l->lagging = l->lagging || (f->wanted && f->next <= durable);
		f->restart = f->restart || (back && f->asked);
		f->given = back ? 0 : f->given;
		if (!l->told_all && number >= l->telling)
			continue; /* the complete Digest comes to it */
		if (back)
			flow_tell(s, l, f, TELL_NOW, now_ms);
		else if (sync_link_wrote(s, l, number) ||
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

/* Life. */

struct sync *sync_open(struct room *room, bool is_new, uint64_t seed)
{
	struct sync *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->room = room;
	s->random = seed | 1;
	s->moved = true;
	s->check_ms = INT64_MAX;
	s->free_ms = INT64_MIN;
	s->is_new = is_new;
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
	if (s->is_new)
		s->free_ms = now_ms + LIMIT_LOGS_FREE_MS;
	s->is_new = false;
	l->wire = peer->wire;
	memcpy(l->public_key, peer->public_key, sizeof(l->public_key));
	memcpy(l->host, peer->host, sizeof(l->host));
	l->round_trip_ms = ROUND_TRIP_MS;
	l->complete_ms = now_ms;
	for (int i = 0; i < TELLINGS; i++)
		l->due_ms[i] = INT64_MAX;
	l->unlike_ms = INT64_MAX;
	s->links[place] = l;
	s->counts.changes++;
	/* What the other side wrote is asked for before it says a word. */
	for (uint32_t n = 0; n < room_count(s->room); n++) {
		if (room_log(s->room, n)->used && sync_link_wrote(s, l, n))
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

void sync_link_trust(struct sync_link *l)
{
	l->trusted = true;
}

void sync_round_trip(struct sync_link *l, int64_t ms)
{
	l->round_trip_ms = ms;
}

/* What others ask. */

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
