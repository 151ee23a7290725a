/* SPDX-License-Identifier: ISC */
/*
 * hearing.c: what the other sides tell: the logs that they name, and how many
 * new ones they may; their Digests, Batches and halves of forks; and what
 * became of a batch in the room.
 */
#include "links/sync_inside.h"

enum {
	NUMBERS_MAX = 2 * LIMIT_LOGS, /* the greatest number of a log */
	HALVES_MS = 1000,             /* between two halves for one flow */
	SHOW_REST_MAX = 63, /* x HALVES_MS, until one is shown again in vain */
	COMPLETE_AGAIN_MS = 60 * 1000, /* that "again" is granted once */
	CHECKS_MAX = 32 /* records read to compare the heads of one Digest */
};

/* The bucket of an address; without one, that of whoever came longest ago. */
static struct bucket *bucket_of(
	struct sync *s, const uint8_t host[SYNC_HOST_SIZE], int64_t now_ms)
{
	struct bucket *b = &s->buckets[0];

	for (int i = 0; i < BUCKETS; i++) {
		if (s->buckets[i].used_ms != 0 &&
			memcmp(s->buckets[i].host, host, SYNC_HOST_SIZE) == 0)
			return &s->buckets[i];
		if (s->buckets[i].used_ms < b->used_ms)
			b = &s->buckets[i];
	}
	memcpy(b->host, host, sizeof(b->host));
	b->tokens[0] = b->tokens[1] = LIMIT_LOGS_BUCKET;
	b->filled_ms = now_ms;
	return b;
}

static void bucket_refill(struct bucket *b, int64_t now_ms)
{
	int64_t refills = (now_ms - b->filled_ms) / LIMIT_LOGS_REFILL_MS;

	b->filled_ms += refills * LIMIT_LOGS_REFILL_MS;
	for (int i = 0; i < 2; i++) {
		int64_t tokens = b->tokens[i] + refills * LIMIT_LOGS_REFILL;

		b->tokens[i] = tokens < LIMIT_LOGS_BUCKET ? (int)tokens
							  : LIMIT_LOGS_BUCKET;
	}
}

/* A place for one more new log from this address? */
static bool admission(struct sync *s, const struct sync_link *l,
	bool first_hand, int64_t now_ms)
{
	struct bucket *b;

	if (l->trusted || now_ms < s->free_ms)
		return true;
	b = bucket_of(s, l->host, now_ms);
	b->used_ms = now_ms;
	bucket_refill(b, now_ms);
	if (b->tokens[first_hand] == 0)
		return false;
	b->tokens[first_hand]--;
	return true;
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
	if (admission(s, l, first_hand, now_ms))
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
		(!topics_grow(s) || sync_link_flow(l, number) == NULL))
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
	(void)!sync_link_put_half(s, l, &half);
}

/*
 * Does it know of the fork?  Who goes on beyond it could not compare yet when
 * it was shown, or has lost what it knew: it is shown again, at once, and then
 * ever more seldom.
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
		if (f->rest > 0) {
			f->rest--;
		} else {
			f->shown = 0;
			f->rest = f->rests;
			if (f->rests < SHOW_REST_MAX)
				f->rests = (uint8_t)(2 * f->rests + 1);
		}
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

/* Whatever is taken can be sent on with the same end: telling.c. */
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
				       sync_link_flow(l, input->number) == NULL
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
		if (sync_link_wrote(s, l, number))
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
		topic_choose(s, number, now_ms);
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
