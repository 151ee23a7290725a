/* SPDX-License-Identifier: ISC */
/*
 * telling.c: what the other sides are told and sent, as far as there is room in
 * a link's wire: first everything once, in parts, the complete Digest; then
 * what changed, when its time has come (flow_tell); then the records that are
 * wanted, in Batches.  Halves of forks do not wait for this: sync_link_put_half.
 */
#include "links/sync_inside.h"

/* Signatures looked at for one Batch before others have a turn. */
enum { VOUCHES_MAX = 8 };

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
			struct flow *f = sync_link_flow(l, l->telling);

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
