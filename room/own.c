/* SPDX-License-Identifier: ISC */
/*
 * own.c: where our own log goes on, and what we say in it.
 *
 * There is one for each epoch of our key.  A later one names in its second
 * record, CONTINUE, the one before it; in use is one that no other continues.
 *
 *	         room_settle, nothing in the way
 *	unsettled ----------------------------> settled, may say <------+
 *	    |                                      |                    |
 *	    | room_settle,                         | a fork, or the     |
 *	    | something in the way                 | last number used   |
 *	    v                                      v                    |
 *	new epoch, settled <-----------------------+      all is said again
 *	    |                                                           |
 *	    +-----------------------------------------------------------+
 *
 * A new epoch has no record before something is said in it: OPEN, CONTINUE and
 * that are appended together.
 *
 * What is disputed of a log that ours continues, at whatever distance, is said
 * again, but for what is there: each text needs one that is the same, of its
 * own, among those that count of all our logs that continue that one.  Nothing
 * else is remembered, so it does not matter who said it again, in which of
 * them, in what order, how often the fork moved, and who ended meanwhile.  The
 * price: what another copy of us said in the same words counts as this.
 *
 * Two copies of a database that ran at the same time know each other's epochs.
 * Each goes on in the one that it wrote to itself (RECORD_MADE_HERE).
 */
#include <errno.h>
#include <stdlib.h>

#include "crypto/crypto.h"
#include "room/inside.h"

enum { AGAIN_RECORDS = 64 }; /* looked at in one room_run */

static struct own *own_find(struct room *room, uint32_t number)
{
	for (uint32_t i = 0; i < room->own_count; i++)
		if (room->own_logs[i].number == number)
			return &room->own_logs[i];
	return NULL;
}

void own_note(struct room *room, uint32_t number, uint64_t seq,
	const struct record *record)
{
	struct own *own = own_find(room, number);

	if (own == NULL && room->own_count < LIMIT_EPOCHS) {
		own = &room->own_logs[room->own_count++];
		memset(own, 0, sizeof(*own));
		own->number = number;
	}
	if (own == NULL)
		return;
	if (seq >= room->list[number].tip.seq)
		own->made_here = (record->flags & RECORD_MADE_HERE) != 0;
	if (seq == 2 && record->type == RECORD_CONTINUE)
		own->continues =
			record_continue_decode(record->payload, &own->before);
}

static struct held *own_held(const struct room *room)
{
	return room->own == ROOM_NO_LOG ? NULL : &room->list[room->own];
}

/* An epoch begins to count with its CONTINUE. */
static bool own_counts(const struct room *room, const struct own *own)
{
	return own->continues || room->list[own->number].log.log.epoch == 0;
}

/* The log of ours that goes on where this one ended, or NULL. */
static const struct own *own_next(
	const struct room *room, const struct own *own)
{
	const uint8_t *id = room->list[own->number].log.log.id;

	for (uint32_t i = 0; i < room->own_count; i++)
		if (room->own_logs[i].continues &&
			memcmp(room->own_logs[i].before.log_id, id,
				RECORD_ID_SIZE) == 0)
			return &room->own_logs[i];
	return NULL;
}

/* Of two that go on where another ended: two copies of us are about. */
static bool own_is_better(
	const struct room *room, const struct own *a, const struct own *b)
{
	if (a->made_here != b->made_here)
		return a->made_here;
	return room->list[a->number].tip.time_ms >
	       room->list[b->number].tip.time_ms;
}

/* The log of ours that this one continues, or NULL. */
static const struct own *own_before(struct room *room, const struct own *own)
{
	if (!own->continues)
		return NULL;
	return own_find(room, held_find(room, own->before.log_id));
}

/* Is that log this one, or continued by it, at whatever distance? */
static bool own_reaches(
	struct room *room, const struct own *own, uint32_t number)
{
	for (uint32_t i = 0; i <= room->own_count && own != NULL; i++) {
		if (own->number == number)
			return true;
		own = own_before(room, own);
	}
	return false;
}

/*
 * What is to be said again of one log.
 */

/* What a text is known by in the table; never 0. */
static uint64_t again_key(const struct record *record)
{
	struct sha512 hash;
	uint8_t bytes[8];
	struct reader r = reader_over(bytes, sizeof(bytes));

	sha512_begin(&hash);
	sha512_add(&hash, record->payload.at, record->payload.left);
	sha512_end(&hash, bytes, sizeof(bytes));
	return read_le64(&r) | 1;
}

/* Its place there, which is empty if it is none of them. */
static struct again_text *again_find(const struct again *again, uint64_t key)
{
	uint64_t at = key >> 1 & again->mask;

	while (again->texts[at].key != key && again->texts[at].key != 0)
		at = (at + 1) & again->mask;
	return &again->texts[at];
}

/* Texts that are disputed: each is missing, */
static void again_add(struct room *room, const struct held *h)
{
	struct again *again = &room->again;
	struct record record;

	for (uint64_t seq = again->next; seq < again->end; seq++) {
		struct again_text *text;
		uint64_t key;

		if (!held_read(room, h, seq, &record) ||
			record.type != RECORD_TEXT)
			continue;
		key = again_key(&record);
		text = again_find(again, key);
		text->key = key;
		text->missing++;
		again->missing++;
	}
}

/* but for those that another log of ours has. */
static void again_subtract(struct room *room, uint32_t number)
{
	struct again *again = &room->again;
	const struct held *h = &room->list[number];
	uint64_t newest = room_newest(room, number);
	struct record record;

	for (uint64_t seq = 1; seq <= newest && again->missing > 0; seq++) {
		struct again_text *text;

		if (!held_read(room, h, seq, &record) ||
			record.type != RECORD_TEXT)
			continue;
		text = again_find(again, again_key(&record));
		if (text->missing > 0) {
			text->missing--;
			again->missing--;
		}
	}
}

/*
 * 0, or -1 and ENOMEM.  All of our logs must be durable, to be read.  They are
 * read only as far as something is missing: usually that is what is disputed,
 * once there and once in the log that has it again.
 */
static int again_load(struct room *room, uint32_t number)
{
	const struct held *h = &room->list[number];
	struct again *again = &room->again;

	free(again->texts);
	again->number = number;
	again->next = h->log.frozen;
	again->end = log_newest(room->log, h->author) + 1;
	again->missing = 0;
	if (again->end < again->next)
		again->end = again->next;
	for (again->mask = 1; again->mask < 2 * (again->end - again->next);)
		again->mask = 2 * again->mask + 1;
	again->texts = calloc(again->mask + 1, sizeof(*again->texts));
	if (again->texts == NULL) {
		again->end = again->next;
		return -1;
	}
	again_add(room, h);
	for (uint32_t i = 0; i < room->own_count; i++) {
		const struct own *own = &room->own_logs[i];

		if (own->number != number && own_reaches(room, own, number))
			again_subtract(room, own->number);
	}
	return 0;
}

/*
 * Which log is in use.
 */

/*
 * Another copy of us went on, after a fork, in a log that we only adopted.  If
 * something that is disputed here is missing there, we say it in a log of our
 * own.  If nothing is, that is our own later self's log: we are an older copy,
 * put back.
 */
static const struct own *own_instead(struct room *room, const struct own *best)
{
	const struct own *left = best;

	for (uint32_t i = 0; i < room->own_count && left != NULL; i++) {
		if (left->made_here)
			break;
		left = own_before(room, left);
	}
	if (left == NULL || !left->made_here ||
		room->list[left->number].log.frozen == 0)
		return best;
	if (again_load(room, left->number) == 0 && room->again.missing == 0)
		return best;
	return left;
}

/* A circle of CONTINUE has no last one: then any will do. */
void own_choose(struct room *room)
{
	const struct own *best = NULL, *before;

	for (int all = 0; best == NULL && all < 2; all++)
		for (uint32_t i = 0; i < room->own_count; i++) {
			const struct own *own = &room->own_logs[i];

			if (own_counts(room, own) &&
				(all != 0 || own_next(room, own) == NULL) &&
				(best == NULL ||
					own_is_better(room, own, best)))
				best = own;
		}
	if (best == NULL)
		return;
	best = own_instead(room, best);
	before = own_before(room, best);
	room->own = best->number;
	room->before = before == NULL ? ROOM_NO_LOG : before->number;
}

static bool own_is_used(const struct room *room, uint32_t epoch)
{
	struct record_log log =
		room_log_of(room, room->options.key->public_key, epoch);

	return held_find(room, log.id) != ROOM_NO_LOG;
}

/* A log of ours, which may have no record yet. */
static uint32_t own_make(struct room *room, uint32_t epoch)
{
	struct record_log log =
		room_log_of(room, room->options.key->public_key, epoch);
	uint32_t number = held_find(room, log.id);

	if (number == ROOM_NO_LOG)
		number = held_make(room, log.id);
	if (number != ROOM_NO_LOG)
		held_identify(room, number, &log);
	return number;
}

/* Leaves our log behind. */
static void own_renew(struct room *room, const char *why)
{
	const struct held *h = own_held(room);
	uint32_t number = ROOM_NO_LOG;
	uint32_t epoch;

	if (room->exhausted)
		return;
	room->exhausted = true;
	room->epoch_news = "no more logs can be begun with this identity: it "
			   "can say nothing more";
	if (room->own_count == LIMIT_EPOCHS)
		return;
	do
		random_bytes(&epoch, sizeof(epoch));
	while (epoch == 0 || own_is_used(room, epoch));
	number = own_make(room, epoch);
	if (number == ROOM_NO_LOG)
		return;
	if (h != NULL && h->author != LOG_NO_AUTHOR)
		room->before = room->own;
	room->own = number;
	room->renewed = true;
	room->exhausted = false;
	room->epoch_news = why;
}

static const char fork_reason[] =
	"there are two different messages of yours with one number (is a copy "
	"of this database in use?): yours go on in a new log";
static const char end_reason[] =
	"your log has used up its numbers: it goes on in a new one";

/* Why nothing may be appended to the log in use, though all is known of it. */
static const char *own_is_over(const struct room *room)
{
	const struct held *h = own_held(room);

	if (h == NULL || h->author == LOG_NO_AUTHOR)
		return NULL;
	if (h->log.frozen != 0)
		return fork_reason;
	if (h->tip.seq >= LIMIT_SEQ)
		return end_reason;
	return NULL;
}

/* The same when everybody in reach was asked. */
static const char *own_obstacle(const struct room *room, uint64_t wall_ms)
{
	const struct held *h = own_held(room);

	if (own_is_over(room) != NULL)
		return own_is_over(room);
	if (h != NULL && held_has_hole(room, h))
		return "messages of yours were lost on this disk, and nobody "
		       "here has them: yours go on in a new log";
	if (log_doubt(room->log) && !room->renewed)
		return "messages of yours may have been lost on this disk: "
		       "yours go on in a new log";
	/* Clocks may be wrong at each start: not worth the last epochs. */
	if (h != NULL && h->tip.time_ms > wall_ms &&
		h->tip.time_ms - wall_ms > LIMIT_AHEAD_MS &&
		room->own_count < LIMIT_EPOCHS / 2)
		return "your last message has a time far ahead of this clock: "
		       "yours go on in a new log";
	return NULL;
}

/* Is nothing in the way of the next record of ours? */
static bool own_is_ready(const struct room *room)
{
	const struct held *h = own_held(room);

	return room->settled && !room->exhausted && own_is_over(room) == NULL &&
	       (h == NULL || !held_has_hole(room, h));
}

bool room_may_say(const struct room *room)
{
	return own_is_ready(room) && !room->again.due;
}

bool room_is_damaged(const struct room *room)
{
	const struct held *h = own_held(room);

	return (h != NULL && held_has_hole(room, h)) ||
	       (log_doubt(room->log) && !room->renewed);
}

void room_settle(struct room *room, uint64_t wall_ms)
{
	const char *why;

	if (room->options.key == NULL)
		return;
	if (!room->settled) {
		own_choose(room);
		own_disputed(room);
	}
	why = own_obstacle(room, wall_ms);
	if (why != NULL)
		own_renew(room, why);
	room->settled = true;
}

void room_first_id(const struct room *r, uint8_t id[RECORD_ID_SIZE])
{
	struct record_log log = room_log_of(r, r->options.key->public_key, 0);

	memcpy(id, log.id, RECORD_ID_SIZE);
}

uint32_t room_own(const struct room *room)
{
	return room->own;
}

/* Payloads of what comes before the first text; sizes of 0: nothing does. */
struct opening {
	size_t open_size;
	size_t continue_size;
	uint8_t open[RECORD_OPEN_MAX];
	uint8_t next[RECORD_CONTINUE_SIZE];
};

static void opening_make(const struct room *room, struct opening *opening)
{
	const struct held *h = &room->list[room->own];
	struct record_open open = { .epoch = h->log.log.epoch };
	struct record_continue next = { .seq = 0 };
	struct record_log first = room_log_of(room, h->log.log.public_key, 0);

	opening->open_size = opening->continue_size = 0;
	if (log_head(room->log, h->author) > 0)
		return;
	memcpy(open.room_id, room->options.room_id, RECORD_ID_SIZE);
	memcpy(open.public_key, h->log.log.public_key, RECORD_KEY_SIZE);
	memcpy(open.name, room->options.name, strlen(room->options.name) + 1);
	opening->open_size = record_open_encode(&open, opening->open);
	if (open.epoch == 0)
		return;
	memcpy(next.log_id, first.id, RECORD_ID_SIZE);
	if (room->before != ROOM_NO_LOG) {
		memcpy(next.log_id, room->list[room->before].log.log.id,
			RECORD_ID_SIZE);
		next.seq = room_newest(room, room->before);
	}
	opening->continue_size = record_continue_encode(&next, opening->next);
}

static int own_append(struct room *room, enum record_type type,
	struct reader payload, uint64_t time_ms)
{
	const struct held *h = &room->list[room->own];
	uint64_t head = log_head(room->log, h->author);
	struct record record = { .time_ms = time_ms,
		.type = (uint8_t)type,
		.flags = RECORD_VERIFIED | RECORD_MADE_HERE,
		.payload = payload };
	uint8_t signature[RECORD_SIGNATURE_SIZE];
	struct record_chain chain;
	enum record_verdict verdict;

	assert(!held_has_hole(room, h) && h->log.frozen == 0);
	if (!held_chain(room, h, head, &chain)) {
		log_hurry(room->log);
		errno = EAGAIN;
		return -1;
	}
	verdict = record_chain_add(&chain, &h->log.log, &record);
	assert(verdict == RECORD_GOOD);
	record_sign(
		signature, &h->log.log, chain.seq, chain.id, room->options.key);
	record.id = chain.id;
	record.signature = signature;
	return held_append(room, room->own, chain.seq, &record);
}

/* What is said first in a log, or nothing. */
static int own_begin(
	struct room *room, const struct opening *opening, uint64_t time_ms)
{
	if (opening->open_size == 0)
		return 0;
	if (own_append(room, RECORD_OPEN,
		    reader_over(opening->open, opening->open_size),
		    time_ms) < 0)
		return -1;
	if (opening->continue_size > 0 &&
		own_append(room, RECORD_CONTINUE,
			reader_over(opening->next, opening->continue_size),
			time_ms) < 0)
		return -1;
	if (log_doubt(room->log))
		log_settle(room->log); /* no old number is used any more */
	return 0;
}

/* As room_say, for who may. */
static int own_say(
	struct room *room, const void *text, size_t size, uint64_t wall_ms)
{
	struct opening opening;
	const struct held *h;
	uint64_t time_ms;
	uint32_t count;

	errno = EBUSY;
	if (!own_is_ready(room)) /* what was read last may have been damaged */
		return -1;
	if (room->own == ROOM_NO_LOG)
		room->own = own_make(room, 0);
	errno = EDQUOT;
	if (room->own == ROOM_NO_LOG)
		return -1;
	h = &room->list[room->own];
	opening_make(room, &opening);
	count = opening.continue_size > 0 ? 3 : opening.open_size > 0 ? 2 : 1;
	if (log_takes(room->log, h->log.log.id, count,
		    count * (size_t)RECORD_HEADER_SIZE + opening.open_size +
			    opening.continue_size + size) < 0)
		return -1;
	time_ms = room_time(room, h, wall_ms);
	if (own_begin(room, &opening, time_ms) < 0)
		return -1;
	return own_append(room, RECORD_TEXT, reader_over(text, size), time_ms);
}

int room_say(struct room *room, const void *text, size_t size, uint64_t wall_ms)
{
	errno = EMSGSIZE;
	if (size > LIMIT_TEXT)
		return -1;
	errno = EBUSY;
	if (!room_may_say(room))
		return -1;
	return own_say(room, text, size, wall_ms);
}

/* All that is to be said again is looked for, if need be once more. */
void own_disputed(struct room *room)
{
	struct again *again = &room->again;

	again->next = again->end;
	again->log = 0;
	for (uint32_t i = 0; i < room->own_count; i++)
		if (room->list[room->own_logs[i].number].log.frozen != 0)
			again->due = true;
}

/* The next log that is disputed and that ours continues, if there is one. */
static int again_begin(struct room *room)
{
	const struct own *before = own_find(room, room->before);
	struct again *again = &room->again;

	while (again->log < room->own_count) {
		uint32_t number = room->own_logs[again->log++].number;

		if (room->list[number].log.frozen != 0 &&
			own_reaches(room, before, number))
			return again_load(room, number);
	}
	again->due = false;
	free(again->texts);
	again->texts = NULL;
	return 0;
}

static int again_step(struct room *room, uint64_t wall_ms)
{
	struct again *again = &room->again;
	struct again_text *place;
	struct record record;
	uint8_t text[LIMIT_TEXT];
	size_t size;

	if (!held_read(
		    room, &room->list[again->number], again->next, &record) ||
		record.type != RECORD_TEXT)
		return 0;
	place = again_find(again, again_key(&record));
	if (place->missing == 0)
		return 0;
	size = record.payload.left;
	read_copy(&record.payload, text, size);
	if (own_say(room, text, size, wall_ms) < 0)
		return -1;
	place->missing--;
	again->missing--;
	return 0;
}

static int again_run(struct room *room, uint64_t wall_ms)
{
	struct again *again = &room->again;

	if (!again->due || !own_is_ready(room))
		return 0;
	if (again->next == again->end && log_waiting(room->log) > 0) {
		log_hurry(room->log); /* all of it must be there to be read */
		return 0;
	}
	if (again->next == again->end && again_begin(room) < 0)
		return -1;
	for (int i = 0; i < AGAIN_RECORDS && again->next < again->end; i++) {
		if (again_step(room, wall_ms) < 0)
			return errno == EAGAIN || errno == EBUSY ? 0 : -1;
		again->next++;
		if (again->missing == 0)
			again->next = again->end;
	}
	return 0;
}

int room_run(struct room *room, uint64_t wall_ms)
{
	const char *why = own_is_over(room);

	/* Frozen it is all the same, and saved when there is room again. */
	if (log_full(room->log) == 0)
		(void)!forks_save(room->forks);
	if (!room->settled || room->exhausted)
		return 0;
	if (why != NULL)
		own_renew(room, why);
	return room->exhausted ? 0 : again_run(room, wall_ms);
}

bool room_is_busy(const struct room *room)
{
	return room->settled && !room->exhausted && log_full(room->log) == 0 &&
	       (own_is_over(room) != NULL ||
		       (room->again.due && own_is_ready(room)));
}
