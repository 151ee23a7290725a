/* SPDX-License-Identifier: ISC */
/*
 * accept.c: what may enter the logs of a room.
 *
 * A BATCH of a log, first .. last, head being our newest record, is
 *
 *	FORKED    if it reaches into what is disputed,
 *	GAP       if first > head + 1,
 *	DISPUTED  unless the record that it continues is ours,
 *	BAD       unless every record may follow the one before it (record.c),
 *	HAD       if all of it is here: no signature is looked at,
 *	BAD       unless the signature of its last record is good,
 *	FORKED    if a record that is here as well is another one,
 *	ACCEPTED  otherwise: what is not here is appended.
 *
 * Ids are chained, so the id of one record vouches for all before it: comparing
 * the last one that both sides have decides about all, and one signature does.
 * A batch is appended whole or not at all: whether the store takes it is asked
 * before.  Where a hole in the store is filled, the record behind it must join;
 * if it does not, there are two histories, and no two records yet to show it.
 *
 * A FORK is two records of one seq, both vouched for by their author: ours by
 * the signature with which it came, the other by that of its batch, or its own.
 * The log is frozen at the first seq that differs, whether or not this can be
 * shown to anybody else.  It can when both records of one seq carry good
 * signatures of their own, which nobody but the author could see to: then the
 * proof is kept, and after a restart the log is frozen at its seq (until the
 * smaller one turns up again).  Without a proof it is frozen in this process.
 */
#include <errno.h>

#include "room/inside.h"

/* May others make us keep so many bytes more? */
static bool room_has_bytes(struct room *room, struct held *h, size_t size)
{
	uint64_t bytes = h->log.is_signed ? h->bytes : room->unsigned_bytes;
	uint64_t most = h->log.is_signed ? room->options.log_bytes
					 : (uint64_t)LIMIT_LEGACY_BYTES;

	if (h->log.is_own ||
		(bytes + size <= most &&
			log_size(room->log) + log_waiting(room->log) + size <=
				room->options.room_bytes))
		return true;
	if (!h->limited)
		held_tell(room, h, NEWS_LIMIT);
	h->limited = true;
	return false;
}

/* What is to be compared with is not durable yet. */
static enum room_verdict room_later(struct room *room)
{
	log_hurry(room->log);
	errno = EAGAIN;
	return ROOM_FULL;
}

/*
 * Forks.
 */

static void held_freeze(struct room *room, struct held *h, uint64_t seq)
{
	if (h->log.frozen != 0 && h->log.frozen <= seq)
		return;
	h->log.frozen = seq;
	if (h->log.is_own)
		own_disputed(room);
	held_tell(room, h, NEWS_FORK);
}

/* Keeps the proof, if ours can be shown; `theirs` was verified. */
static bool fork_prove(
	struct room *room, uint32_t number, const struct message_half *theirs)
{
	struct fork fork;

	fork.theirs = *theirs;
	if (!room_make_half(room, number, theirs->seq, &fork.ours))
		return false;
	forks_put(room->forks, &fork);
	return true;
}

enum room_verdict room_accept_half(
	struct room *room, const struct message_half *half)
{
	struct record_log log =
		room_log_of(room, half->public_key, half->epoch);
	uint32_t number = room_find(room, log.id);
	const struct fork *fork = forks_find(room->forks, &log);
	struct record_chain ours;
	struct held *h;

	if (half->seq == 0 || half->seq > LIMIT_SEQ)
		return ROOM_BAD;
	if (number == ROOM_NO_LOG)
		return ROOM_HAD; /* nothing to compare it with */
	h = &room->list[number];
	if (fork != NULL && h->log.frozen != 0 && h->log.frozen <= half->seq)
		return ROOM_FORKED;
	/* What is not durable proves nothing yet; told of, it is shown again. */
	if (half->seq > log_newest(room->log, h->author) ||
		!held_chain(room, h, half->seq, &ours) ||
		memcmp(ours.id, half->id, RECORD_ID_SIZE) == 0)
		return ROOM_HAD;
	if (!record_verify(&log, half->seq, half->id, half->signature))
		return ROOM_BAD;
	held_freeze(room, h, half->seq);
	(void)fork_prove(room, number, half); /* frozen all the same */
	return ROOM_FORKED;
}

/*
 * Batches.
 */

/* A batch while it is looked at. */
struct incoming {
	const struct message_batch *batch;
	uint32_t number;
	struct held *held;
	struct record_chain chain; /* first ours, at the end that of `last` */
	uint64_t last;
	uint64_t shared;   /* the newest that is here too; below first: none */
	struct record end; /* record `last` */
	uint32_t new_count;
	size_t new_size;
	uint8_t ids[LIMIT_BATCH_RECORDS][RECORD_ID_SIZE];
};

static const uint8_t *incoming_id(const struct incoming *in, uint64_t seq)
{
	return in->ids[seq - in->batch->first];
}

/* Can it be joined to what we have? */
static enum room_verdict incoming_begin(struct room *room, struct incoming *in)
{
	const struct message_batch *batch = in->batch;
	const struct held *h = in->held;
	bool waiting = log_waiting(room->log) > 0;

	if (batch->first == 0 || batch->count == 0 ||
		batch->count > LIMIT_BATCH_RECORDS ||
		batch->first > LIMIT_SEQ ||
		batch->count - 1 > LIMIT_SEQ - batch->first)
		return ROOM_BAD;
	in->last = batch->first + batch->count - 1;
	if (h->log.frozen != 0 && in->last >= h->log.frozen)
		return ROOM_FORKED;
	if (batch->first > log_head(room->log, h->author) + 1)
		return ROOM_GAP;
	if (!held_chain(room, h, batch->first - 1, &in->chain))
		return waiting ? room_later(room) : ROOM_GAP; /* damaged */
	if (memcmp(in->chain.id, batch->previous, RECORD_PREFIX_SIZE) == 0)
		return ROOM_ACCEPTED;
	return batch->first == 1 ? ROOM_BAD : ROOM_DISPUTED;
}

/* Is it here, whatever is missing before it? */
static bool held_has(struct room *room, const struct held *h, uint64_t seq)
{
	struct record record;

	return seq <= log_head(room->log, h->author) ||
	       (seq <= log_newest(room->log, h->author) &&
		       held_read(room, h, seq, &record));
}

/* Computes all ids; false when a record may not stand where it does. */
static bool incoming_walk(struct room *room, struct incoming *in)
{
	struct reader records = in->batch->records;

	for (uint32_t i = 0; i < in->batch->count; i++) {
		if (!message_next_record(&records, &in->end) ||
			record_chain_add(&in->chain, &in->held->log.log,
				&in->end) != RECORD_GOOD)
			return false;
		memcpy(in->ids[i], in->chain.id, RECORD_ID_SIZE);
		if (held_has(room, in->held, in->chain.seq)) {
			in->shared = in->chain.seq;
			continue;
		}
		in->new_count++;
		in->new_size += RECORD_HEADER_SIZE + in->end.payload.left;
	}
	return true;
}

static bool incoming_verify(const struct incoming *in)
{
	return record_verify(
		&in->held->log.log, in->last, in->chain.id, in->end.signature);
}

/* Keeps what record seq of the batch proves by its own signature. */
static bool incoming_prove(
	struct room *room, const struct incoming *in, uint64_t seq)
{
	const struct record_log *log = &in->held->log.log;
	struct reader records = in->batch->records;
	struct message_half half = { .epoch = log->epoch, .seq = seq };
	uint64_t left = seq - in->batch->first;
	struct record record;

	do
		if (!message_next_record(&records, &record))
			return false;
	while (left-- > 0);
	memcpy(half.public_key, log->public_key, RECORD_KEY_SIZE);
	memcpy(half.id, incoming_id(in, seq), RECORD_ID_SIZE);
	memcpy(half.signature, record.signature, RECORD_SIGNATURE_SIZE);
	return record_verify(log, seq, half.id, half.signature) &&
	       fork_prove(room, in->number, &half);
}

/* `shared` is another record here than in the batch. */
static enum room_verdict incoming_fork(
	struct room *room, const struct incoming *in)
{
	uint64_t seq = in->batch->first;
	struct record_chain ours;

	if (!incoming_verify(in))
		return ROOM_BAD;
	while (seq < in->shared && (!held_chain(room, in->held, seq, &ours) ||
					   memcmp(ours.id, incoming_id(in, seq),
						   RECORD_ID_SIZE) == 0))
		seq++;
	held_freeze(room, in->held, seq);
	if (!incoming_prove(room, in, seq) && seq < in->shared)
		(void)incoming_prove(room, in, in->shared); /* see the top */
	return ROOM_FORKED;
}

/* Does the record behind, if it is here, follow the last of the batch? */
static bool incoming_joins(struct room *room, const struct incoming *in)
{
	struct record_chain chain = in->chain;
	struct record record;

	if (in->last >= log_newest(room->log, in->held->author) ||
		in->shared == in->last ||
		!held_read(room, in->held, in->last + 1, &record))
		return true;
	return record_chain_add(&chain, &in->held->log.log, &record) ==
		       RECORD_GOOD &&
	       memcmp(chain.id, record.id, RECORD_ID_SIZE) == 0;
}

/* Compares it with what is here; ACCEPTED: there is something new. */
static enum room_verdict incoming_compare(
	struct room *room, const struct incoming *in)
{
	struct record_chain ours;

	if (in->shared >= in->batch->first) {
		if (!held_chain(room, in->held, in->shared, &ours))
			return log_waiting(room->log) > 0 ? room_later(room)
							  : ROOM_GAP;
		if (memcmp(ours.id, incoming_id(in, in->shared),
			    RECORD_ID_SIZE) != 0)
			return incoming_fork(room, in);
	}
	if (in->new_count == 0)
		return ROOM_HAD;
	return incoming_joins(room, in) ? ROOM_ACCEPTED : ROOM_DISPUTED;
}

/* Is there room for what is new? */
static enum room_verdict incoming_fits(
	struct room *room, const struct incoming *in)
{
	struct held *h = in->held;

	if (in->batch->first == 1 && h->author == LOG_NO_AUTHOR &&
		!epoch_is_allowed(
			room, h->log.log.public_key, h->log.log.epoch))
		return ROOM_LIMIT;
	if (!room_has_bytes(room, h, in->new_size))
		return ROOM_LIMIT;
	if (log_takes(room->log, h->log.log.id, in->new_count, in->new_size) <
		0)
		return ROOM_FULL;
	return ROOM_ACCEPTED;
}

/* Those that are here are passed over; the store says which come next. */
static enum room_verdict incoming_append(
	struct room *room, struct incoming *in, uint64_t wall_ms)
{
	struct reader records = in->batch->records;
	struct held *h = in->held;

	for (uint32_t i = 0; i < in->batch->count; i++) {
		uint64_t seq = in->batch->first + i;
		struct record record;

		if (!message_next_record(&records, &record) ||
			seq != log_head(room->log, h->author) + 1)
			continue;
		record.id = in->ids[i];
		record.flags = seq == in->last ? RECORD_VERIFIED : 0;
		/* Only memory can be wanting; what is there stays good. */
		if (held_append(room, in->number, seq, &record) < 0)
			return ROOM_FULL;
		if (!h->log.is_own)
			room_see(room, record.time_ms, wall_ms);
	}
	if (h->log.is_own)
		room->adopted += in->new_count;
	if (h->log.is_own && room->own == ROOM_NO_LOG)
		own_choose(room);
	return ROOM_ACCEPTED;
}

enum room_verdict room_accept(struct room *room, uint32_t number,
	const struct message_batch *batch, uint64_t wall_ms)
{
	struct incoming in = { .batch = batch, .number = number };
	enum room_verdict verdict;

	assert(number < room->count && room->list[number].log.is_signed);
	in.held = &room->list[number];
	verdict = incoming_begin(room, &in);
	if (verdict == ROOM_ACCEPTED && !incoming_walk(room, &in))
		verdict = ROOM_BAD;
	if (verdict == ROOM_ACCEPTED)
		verdict = incoming_compare(room, &in);
	if (verdict == ROOM_ACCEPTED && in.held->limited)
		verdict = incoming_fits(room, &in); /* too much is known soon */
	if (verdict == ROOM_ACCEPTED && !incoming_verify(&in))
		verdict = ROOM_BAD;
	if (verdict == ROOM_ACCEPTED)
		verdict = incoming_fits(room, &in);
	if (verdict == ROOM_ACCEPTED)
		verdict = incoming_append(room, &in, wall_ms);
	return verdict;
}

/*
 * Unsigned records.
 */

/* As late as the next one that is there: time does not go back in a log. */
static uint64_t unsigned_time(
	struct room *room, const struct held *h, uint64_t seq, uint64_t wall_ms)
{
	struct record record;

	while (++seq <= log_newest(room->log, h->author))
		if (held_read(room, h, seq, &record))
			return record.time_ms;
	return room_time(room, h, wall_ms);
}

/* 1 to 32 of [a-z0-9], then zeros: nothing that could be a log's id. */
static bool unsigned_key_valid(const uint8_t *key)
{
	size_t size = 0;

	while (size < RECORD_ID_SIZE &&
		((key[size] >= 'a' && key[size] <= 'z') ||
			(key[size] >= '0' && key[size] <= '9')))
		size++;
	for (size_t i = size; i < RECORD_ID_SIZE; i++)
		if (key[i] != 0)
			return false;
	return size > 0;
}

static uint32_t unsigned_admit(struct room *room, const uint8_t *key)
{
	uint32_t number = held_find(room, key);

	if (number == ROOM_NO_LOG && room_has_place(room, false) &&
		room->unsigned_count < LIMIT_LEGACY_IDS)
		number = held_make(room, key);
	if (number != ROOM_NO_LOG && !room->list[number].log.used) {
		room->list[number].log.used = true;
		room->unsigned_count++;
	}
	return number;
}

enum room_verdict room_accept_unsigned(struct room *room, const uint8_t *key,
	uint64_t seq, struct reader entry, uint64_t wall_ms)
{
	struct record record = { .type = RECORD_TEXT, .payload = entry };
	uint32_t number = held_find(room, key);
	uint64_t head = 0;
	struct held *h;

	if (number != ROOM_NO_LOG)
		head = log_head(room->log, room->list[number].author);
	if (seq == 0 || seq > LIMIT_SEQ || entry.bad ||
		entry.left > RECORD_ENTRY_MAX || !unsigned_key_valid(key))
		return ROOM_BAD;
	if (seq <= head)
		return ROOM_HAD;
	if (seq > head + 1)
		return ROOM_GAP;
	number = unsigned_admit(room, key);
	if (number == ROOM_NO_LOG)
		return ROOM_LIMIT;
	h = &room->list[number];
	if (!room_has_bytes(room, h, held_record_size(&record)))
		return ROOM_LIMIT;
	record.time_ms = unsigned_time(room, h, seq, wall_ms);
	if (held_append(room, number, seq, &record) < 0)
		return ROOM_FULL;
	room->unsigned_bytes += held_record_size(&record);
	room_see(room, record.time_ms, wall_ms);
	return ROOM_ACCEPTED;
}
