/* SPDX-License-Identifier: ISC */
/*
 * room.c: the logs of a room, and what they hold.
 *
 *	room/inside.h	the open room, and its invariants
 *	room/accept.c	what others send
 *	room/own.c	what we say
 *	room/forks.c	proofs of forks, and the file that keeps them
 *
 * The store (log.h) holds the records, encoded as in record.c, under the log's
 * id.  In memory there is, for each log, whose it is and where its newest record
 * stands: two records are read when a room is opened, the first and the newest.
 * A log whose first record is missing is not used until somebody names it.
 *
 * Bytes of one log are counted while we run.  At the beginning they are
 * estimated: of large logs, and of unsigned ones, from samples; of small ones,
 * which are far from any limit, from the newest record.  Those of the room are
 * the store's own.
 *
 * What this file does not do: talk to peers, word what is shown, read clocks.
 */
#include <errno.h>
#include <stdlib.h>

#include "room/inside.h"

enum {
	SAMPLED_FROM = 65536, /* a log with more records may be large */
	SAMPLES = 64
};

_Static_assert((int)LIMIT_LOGS == (int)LOG_AUTHORS_MAX &&
		       (int)RECORD_ID_SIZE == (int)LOG_KEY_SIZE &&
		       (int)RECORD_MAX <= (int)LOG_RECORD_MAX,
	"the store holds what the room may");

const char *room_verdict_name(enum room_verdict verdict)
{
	switch (verdict) {
	case ROOM_ACCEPTED:
		return "accepted";
	case ROOM_HAD:
		return "had";
	case ROOM_GAP:
		return "gap";
	case ROOM_DISPUTED:
		return "disputed";
	case ROOM_FORKED:
		return "forked";
	case ROOM_BAD:
		return "bad";
	case ROOM_LIMIT:
		return "limit";
	case ROOM_FULL:
		return "full";
	}
	return "unknown";
}

/*
 * The table of logs.
 */

/* Where in `order` this id stands, or would. */
static uint32_t order_place(const struct room *room, const uint8_t *id)
{
	uint32_t low = 0;
	uint32_t high = room->order_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct held *h = &room->list[room->order[middle]];

		if (memcmp(h->log.log.id, id, RECORD_ID_SIZE) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The same as room_find, but for logs that nobody knows whose they are. */
uint32_t held_find(const struct room *room, const uint8_t *id)
{
	uint32_t place = order_place(room, id);
	uint32_t number;

	if (place == room->order_count)
		return ROOM_NO_LOG;
	number = room->order[place];
	if (memcmp(room->list[number].log.log.id, id, RECORD_ID_SIZE) != 0)
		return ROOM_NO_LOG;
	return number;
}

static bool held_is_free(const struct held *h)
{
	return !h->log.used && h->author == LOG_NO_AUTHOR;
}

/* A number for a new log, not yet used; ROOM_NO_LOG: LIMIT_LOGS are there. */
uint32_t held_make(struct room *room, const uint8_t *id)
{
	uint32_t place = order_place(room, id);
	uint32_t number = room->count;
	struct held *h;

	if (room->order_count == LIMIT_LOGS)
		return ROOM_NO_LOG;
	if (room->order_count < room->count)
		for (number = 0; !held_is_free(&room->list[number]);)
			number++;
	else
		room->count++;
	memmove(&room->order[place + 1], &room->order[place],
		(room->order_count - place) * sizeof(*room->order));
	room->order[place] = number;
	room->order_count++;
	h = &room->list[number];
	memset(h, 0, sizeof(*h));
	memcpy(h->log.log.id, id, RECORD_ID_SIZE);
	h->author = LOG_NO_AUTHOR;
	return number;
}

static bool key_is_own(const struct room *room, const uint8_t *public_key)
{
	return room->options.key != NULL &&
	       memcmp(public_key, room->options.key->public_key,
		       RECORD_KEY_SIZE) == 0;
}

/* It is known whose it is. */
void held_identify(
	struct room *room, uint32_t number, const struct record_log *log)
{
	struct held *h = &room->list[number];

	h->log.used = h->log.is_signed = true;
	h->log.is_own = key_is_own(room, log->public_key);
	h->log.log = *log;
}

void held_tell(struct room *room, struct held *h, unsigned news)
{
	if (h->news == 0)
		room->news_count++;
	h->news |= news;
}

static void held_told(struct room *room, struct held *h, unsigned news)
{
	if (h->news != 0 && (h->news & ~news) == 0)
		room->news_count--;
	h->news &= ~news;
}

uint32_t room_count(const struct room *room)
{
	return room->count;
}

const struct room_log *room_log(const struct room *room, uint32_t number)
{
	assert(number < room->count);
	return &room->list[number].log;
}

uint32_t room_find(const struct room *room, const uint8_t *log_id)
{
	uint32_t number = held_find(room, log_id);

	if (number == ROOM_NO_LOG || !room->list[number].log.used)
		return ROOM_NO_LOG;
	return number;
}

uint32_t room_find_key(
	const struct room *r, const uint8_t *public_key, uint32_t epoch)
{
	struct record_log log = room_log_of(r, public_key, epoch);

	return room_find(r, log.id);
}

/* Of one key; empty ones do not count, which anybody can make up. */
static uint32_t key_log_count(
	const struct room *room, const uint8_t *public_key)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < room->count; i++) {
		const struct held *h = &room->list[i];

		if (h->log.is_signed && h->author != LOG_NO_AUTHOR &&
			memcmp(h->log.log.public_key, public_key,
				RECORD_KEY_SIZE) == 0)
			count++;
	}
	return count;
}

/* May this log have its first record? */
bool epoch_is_allowed(
	const struct room *room, const uint8_t *public_key, uint32_t epoch)
{
	return epoch == 0 || key_log_count(room, public_key) < LIMIT_EPOCHS;
}

/* LIMIT_EPOCHS places are kept for ourselves. */
bool room_has_place(const struct room *room, bool first_hand)
{
	uint32_t most = LIMIT_LOGS - LIMIT_EPOCHS;

	if (!first_hand)
		most -= LIMIT_LOGS_KEPT;
	return room->order_count < most;
}

struct record_log room_log_of(
	const struct room *room, const uint8_t *public_key, uint32_t epoch)
{
	struct record_log log;

	memcpy(log.public_key, public_key, RECORD_KEY_SIZE);
	log.epoch = epoch;
	record_log_id(&log, room->options.room_id);
	return log;
}

void room_forget(struct room *room, uint32_t number)
{
	struct held *h = &room->list[number];
	uint32_t place;

	assert(number < room->count);
	if (!h->log.used || h->author != LOG_NO_AUTHOR || number == room->own)
		return;
	place = order_place(room, h->log.log.id);
	room->order_count--;
	memmove(&room->order[place], &room->order[place + 1],
		(room->order_count - place) * sizeof(*room->order));
	held_told(room, h, h->news);
	h->log.used = false;
}

/*
 * What they hold.
 */

static uint64_t held_below_fork(const struct held *h, uint64_t seq)
{
	return h->log.frozen != 0 && seq >= h->log.frozen ? h->log.frozen - 1
							  : seq;
}

uint64_t room_head(const struct room *room, uint32_t number)
{
	const struct held *h = &room->list[number];

	return held_below_fork(h, log_head(room->log, h->author));
}

uint64_t room_durable(const struct room *room, uint32_t number)
{
	const struct held *h = &room->list[number];

	return held_below_fork(h, log_durable(room->log, h->author));
}

uint64_t room_newest(const struct room *room, uint32_t number)
{
	const struct held *h = &room->list[number];

	return held_below_fork(h, log_newest(room->log, h->author));
}

bool held_has_hole(const struct room *room, const struct held *h)
{
	return log_head(room->log, h->author) <
	       log_newest(room->log, h->author);
}

/* A record is what its log says that all of its records are. */
static bool held_decode(const struct held *h, const struct log_record *stored,
	struct record *record)
{
	return record_decode(stored->bytes, stored->size, record) &&
	       (record->id != NULL) == h->log.is_signed;
}

/* Reads a durable record, disputed or not. */
bool held_read(struct room *room, const struct held *h, uint64_t seq,
	struct record *record)
{
	struct log_record stored;

	return log_read(room->log, h->author, seq, &stored) == 0 &&
	       held_decode(h, &stored, record);
}

/* Our place after record seq; false when that can not be read (yet). */
bool held_chain(struct room *room, const struct held *h, uint64_t seq,
	struct record_chain *chain)
{
	struct record record;

	record_chain_begin(chain, &h->log.log);
	if (seq == 0)
		return true;
	if (seq == h->tip.seq) {
		*chain = h->tip;
		return true;
	}
	if (!held_read(room, h, seq, &record))
		return false;
	chain->seq = seq;
	chain->time_ms = record.time_ms;
	memcpy(chain->id, record.id, RECORD_ID_SIZE);
	return true;
}

bool room_id_at(struct room *room, uint32_t number, uint64_t seq,
	uint8_t id[RECORD_ID_SIZE])
{
	const struct held *h = &room->list[number];
	struct record_chain chain;

	if (!h->log.is_signed || seq > room_newest(room, number) ||
		!held_chain(room, h, seq, &chain))
		return false;
	memcpy(id, chain.id, RECORD_ID_SIZE);
	return true;
}

void room_state(struct room *room, uint8_t state[MESSAGE_STATE_SIZE])
{
	uint8_t bytes[2 * RECORD_ID_SIZE + 8];
	struct sha512 hash;

	sha512_begin(&hash);
	for (uint32_t i = 0; i < room->order_count; i++) {
		uint32_t number = room->order[i];
		const struct room_log *log = &room->list[number].log;
		struct writer w = writer_over(bytes, sizeof(bytes));
		uint64_t durable = room_durable(room, number);
		uint8_t id[RECORD_ID_SIZE];

		if (!log->used || durable == 0 ||
			!room_id_at(room, number, durable, id))
			continue;
		write_bytes(&w, log->log.id, RECORD_ID_SIZE);
		write_le64(&w, durable);
		write_bytes(&w, id, sizeof(id));
		sha512_add(&hash, w.bytes, w.size);
	}
	sha512_end(&hash, state, MESSAGE_STATE_SIZE);
}

int room_read(struct room *room, uint32_t number, struct log_cursor *cursor,
	struct record *record)
{
	const struct held *h = &room->list[number];
	struct log_record stored;

	errno = ENOENT;
	if (cursor->seq > room_newest(room, number))
		return -1;
	cursor->author = h->author;
	if (log_read_at(room->log, cursor, &stored) < 0)
		return -1;
	errno = EBADMSG;
	return held_decode(h, &stored, record) ? 0 : -1;
}

bool room_vouches(struct room *room, uint32_t number, uint64_t seq,
	const struct record *record)
{
	const struct held *h = &room->list[number];

	if (!h->log.is_signed)
		return false;
	return (record->flags & RECORD_VERIFIED) != 0 ||
	       record_verify(&h->log.log, seq, record->id, record->signature);
}

bool room_make_half(struct room *room, uint32_t number, uint64_t seq,
	struct message_half *half)
{
	const struct held *h = &room->list[number];
	struct record record;

	if (!h->log.is_signed || !held_read(room, h, seq, &record) ||
		!room_vouches(room, number, seq, &record))
		return false;
	memcpy(half->public_key, h->log.log.public_key, RECORD_KEY_SIZE);
	half->epoch = h->log.log.epoch;
	half->seq = seq;
	memcpy(half->id, record.id, RECORD_ID_SIZE);
	memcpy(half->signature, record.signature, RECORD_SIGNATURE_SIZE);
	return true;
}

bool room_make_proof(
	const struct room *room, uint32_t number, struct message_half halves[2])
{
	const struct fork *fork =
		forks_find(room->forks, &room->list[number].log.log);

	if (fork == NULL)
		return false;
	halves[0] = fork->ours;
	halves[1] = fork->theirs;
	return true;
}

/*
 * Appending.
 */

size_t held_record_size(const struct record *record)
{
	return (record->id == NULL ? RECORD_UNSIGNED_HEADER_SIZE
				   : RECORD_HEADER_SIZE) +
	       record->payload.left;
}

static void held_rename(struct room *room, struct held *h, const char *name)
{
	if (strcmp(h->log.name, name) == 0)
		return;
	memcpy(h->log.name, name, sizeof(h->log.name));
	held_tell(room, h, NEWS_NAME);
}

/* What a record says about its log. */
static void held_note(struct room *room, uint32_t number, uint64_t seq,
	const struct record *record)
{
	struct held *h = &room->list[number];
	struct record_open open;
	char name[LIMIT_NAME + 1] = "";

	if (!h->log.is_signed)
		return;
	if (record->type == RECORD_OPEN &&
		record_open_decode(record->payload, &open))
		held_rename(room, h, open.name);
	if (record->type == RECORD_NAME &&
		record_name_decode(record->payload, name))
		held_rename(room, h, name);
	if (h->log.is_own)
		own_note(room, number, seq, record);
}

int held_append(struct room *room, uint32_t number, uint64_t seq,
	const struct record *record)
{
	struct held *h = &room->list[number];
	struct log_record stored = { h->log.log.id, seq, room->bytes, 0 };

	stored.size = record_encode(record, room->bytes);
	if (log_append(room->log, &stored) < 0)
		return -1;
	h->author = log_find(room->log, h->log.log.id);
	h->bytes += stored.size;
	if (seq > h->tip.seq) {
		h->tip.seq = seq;
		h->tip.time_ms = record->time_ms;
		if (record->id != NULL)
			memcpy(h->tip.id, record->id, RECORD_ID_SIZE);
	}
	held_note(room, number, seq, record);
	return 0;
}

/* Our own time follows others', unless they are far ahead. */
void room_see(struct room *room, uint64_t time_ms, uint64_t wall_ms)
{
	if (time_ms > room->seen_ms &&
		(time_ms <= wall_ms || time_ms - wall_ms <= LIMIT_AHEAD_MS))
		room->seen_ms = time_ms;
}

/* The same of what was here before. */
static void room_see_all(struct room *room, uint64_t wall_ms)
{
	for (uint32_t i = 0; i < room->count && !room->seen_known; i++)
		if (room->list[i].log.used && !room->list[i].log.is_own)
			room_see(room, room->list[i].tip.time_ms, wall_ms);
	room->seen_known = true;
}

/* The time of what is said now in a log of ours, or of who has none. */
uint64_t room_time(struct room *room, const struct held *h, uint64_t wall_ms)
{
	uint64_t time_ms = wall_ms;

	room_see_all(room, wall_ms);
	if (time_ms <= room->seen_ms)
		time_ms = room->seen_ms + h->log.is_own;
	return time_ms > h->tip.time_ms ? time_ms : h->tip.time_ms;
}

/*
 * What happened.
 */

static void held_next_news(
	struct room *room, uint32_t number, struct room_event *event)
{
	struct held *h = &room->list[number];
	unsigned news = h->news & (~h->news + 1); /* the lowest bit */

	event->number = number;
	event->seq = h->log.frozen;
	event->kind = ROOM_EVENT_FORK;
	if (news == NEWS_NAME)
		event->kind = ROOM_EVENT_NAME;
	if (news == NEWS_LIMIT)
		event->kind = ROOM_EVENT_LIMIT;
	held_told(room, h, news);
}

bool room_next(struct room *room, struct room_event *event)
{
	memset(event, 0, sizeof(*event));
	if (room->settled && room->adopted > 0 && !room->adopted_told) {
		room->adopted_told = true;
		event->kind = ROOM_EVENT_ADOPTED;
		event->number = room->own;
		event->seq = room->adopted;
		return true;
	}
	if (room->news_count > 0) {
		while (room->list[room->news_at].news == 0)
			room->news_at = (room->news_at + 1) % room->count;
		held_next_news(room, room->news_at, event);
		return true;
	}
	if (room->epoch_news != NULL) {
		event->kind = ROOM_EVENT_EPOCH;
		event->number = room->exhausted ? ROOM_NO_LOG : room->own;
		event->text = room->epoch_news;
		room->epoch_news = NULL;
		return true;
	}
	return false;
}

/*
 * Life.
 */

/* The mean of samples spread over the log, times its length. */
static uint64_t held_estimate(struct room *room, const struct held *h)
{
	uint64_t newest = log_newest(room->log, h->author);
	uint64_t step = newest / SAMPLES + 1;
	uint64_t size = 0;
	uint64_t count = 0;
	struct record record;

	for (uint64_t seq = newest; seq > 0; seq = seq > step ? seq - step : 0)
		if (held_read(room, h, seq, &record)) {
			size += held_record_size(&record);
			count++;
		}
	return count == 0 ? 0 : size / count * newest;
}

/* Whose is it?  Its first record says so, and proves it by the log's id. */
static void held_load_first(struct room *room, uint32_t number)
{
	const struct held *h = &room->list[number];
	struct log_record stored;
	struct record record;
	struct record_open open;
	struct record_log log;

	if (log_read(room->log, h->author, 1, &stored) < 0 ||
		!record_decode(stored.bytes, stored.size, &record) ||
		record.id == NULL || record.type != RECORD_OPEN ||
		!record_open_decode(record.payload, &open))
		return;
	log = room_log_of(room, open.public_key, open.epoch);
	if (memcmp(log.id, h->log.log.id, RECORD_ID_SIZE) != 0)
		return;
	held_identify(room, number, &log);
	held_note(room, number, 1, &record);
}

/* Where does it end?  What has no id there is unsigned. */
static void held_load_last(struct room *room, uint32_t number)
{
	struct held *h = &room->list[number];
	uint64_t newest = log_newest(room->log, h->author);
	struct log_record stored;
	struct record record;

	if (log_read(room->log, h->author, newest, &stored) < 0 ||
		!record_decode(stored.bytes, stored.size, &record))
		return;
	if (!h->log.used && record.id == NULL) {
		h->log.used = true;
		room->unsigned_count++;
	}
	h->bytes = stored.size * newest;
	h->tip.seq = newest;
	h->tip.time_ms = record.time_ms;
	if (record.id != NULL)
		memcpy(h->tip.id, record.id, RECORD_ID_SIZE);
	if (h->log.is_own)
		own_note(room, number, newest, &record);
}

static void held_load(struct room *room, uint32_t number)
{
	struct held *h = &room->list[number];
	struct record record;

	held_load_first(room, number);
	held_load_last(room, number);
	if (h->log.is_own && held_read(room, h, 2, &record))
		own_note(room, number, 2, &record);
	held_told(room, h, h->news); /* what was so before is none */
	if (log_newest(room->log, h->author) >= SAMPLED_FROM ||
		!h->log.is_signed)
		h->bytes = held_estimate(room, h);
	if (h->log.used && !h->log.is_signed)
		room->unsigned_bytes += h->bytes;
}

/* Of a log that was only known by its id it is known now whose it is. */
static void held_name(
	struct room *room, uint32_t number, const struct record_log *log)
{
	bool known = room->list[number].log.used;

	held_identify(room, number, log);
	if (!known && room->list[number].author != LOG_NO_AUTHOR)
		held_load(room, number);
}

uint32_t room_admit(struct room *room, const uint8_t *public_key,
	uint32_t epoch, bool first_hand)
{
	struct record_log log = room_log_of(room, public_key, epoch);
	uint32_t number = held_find(room, log.id);

	if (number == ROOM_NO_LOG && room_has_place(room, first_hand) &&
		epoch_is_allowed(room, public_key, epoch))
		number = held_make(room, log.id);
	if (number != ROOM_NO_LOG)
		held_name(room, number, &log);
	return number;
}

static void forks_load(struct room *room)
{
	const struct fork *fork;

	for (uint32_t i = 0; (fork = forks_at(room->forks, i)) != NULL; i++) {
		struct record_log log = room_log_of(
			room, fork->ours.public_key, fork->ours.epoch);
		uint32_t number = held_find(room, log.id);

		if (number == ROOM_NO_LOG)
			continue;
		held_name(room, number, &log);
		room->list[number].log.frozen = fork->ours.seq;
	}
}

static void own_load(struct room *room)
{
	struct record_log log;
	uint32_t number;

	if (room->options.key == NULL)
		return;
	log = room_log_of(room, room->options.key->public_key, 0);
	number = held_find(room, log.id);
	if (number != ROOM_NO_LOG)
		held_name(room, number, &log);
	own_choose(room);
	room->settled = room->options.is_new;
}

struct room *room_open(const struct room_options *options, struct log *log)
{
	struct room *room = calloc(1, sizeof(*room));
	uint32_t count = log_author_count(log);

	if (room == NULL)
		return NULL;
	room->log = log;
	room->options = *options;
	if (options->log_bytes == 0)
		room->options.log_bytes = LIMIT_LOG_BYTES;
	if (options->room_bytes == 0)
		room->options.room_bytes = LIMIT_ROOM_BYTES;
	room->own = room->before = ROOM_NO_LOG;
	room->list = calloc(LIMIT_LOGS, sizeof(*room->list));
	room->order = calloc(LIMIT_LOGS, sizeof(*room->order));
	room->forks = forks_open(options->dir_fd, options->room_id);
	if (room->list == NULL || room->order == NULL || room->forks == NULL) {
		room_close(room);
		return NULL;
	}
	for (uint32_t i = 0; i < count; i++) {
		uint32_t number = held_make(room, log_key(log, i));

		room->list[number].author = i;
		held_load(room, number);
	}
	forks_load(room);
	own_load(room);
	return room;
}

void room_close(struct room *room)
{
	int error = errno;

	if (room == NULL)
		return;
	if (room->forks != NULL)
		(void)!forks_save(room->forks); /* or it is shown again */
	forks_close(room->forks);
	free(room->again.texts);
	free(room->order);
	free(room->list);
	free(room);
	errno = error;
}
