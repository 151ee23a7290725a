/* SPDX-License-Identifier: ISC */
/*
 * recover.c: from the bytes of the segments to heads and places; what was
 * torn off by a crash, what is damaged, and what is missing.
 *
 *	2. Segments: numbers without a gap, headers, each fits the one before.
 *	3. Walk from the checkpoint and apply records, up to the first hole.
 *	4. A hole in a segment that has a successor is damage.  In the last one:
 *	   proven = the highest `durable` of all its records, also of those
 *	   behind holes.  A hole before it is damage; one behind it was never
 *	   acknowledged, and is the end.
 *	5. Keep what is cut off in a file, and truncate: or else old bytes might
 *	   line up behind new ones later.
 *	6. Write the bytes from `proven` to the end again, and fsync.  A page
 *	   whose write failed once is clean in memory, reads well, and no fsync
 *	   ever writes it: only writing it again does.
 *	7. What was jumped over is missing, see authors.h.
 *
 * Why 4 works: `durable` is the end of the log at the time when a record was
 * made, so whoever reads that record knows that everything before was on the
 * disk once.  A single hole may lie on both sides of it; then no record stands
 * at `proven` itself, and what follows was never acknowledged.
 *
 * All of this may be interrupted anywhere and begun again: it changes the
 * file only by cutting what does not count and writing what is there.
 */
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "checkpoint.h"
#include "store.h"

enum { CUT_KEPT_MAX = 1024 * 1024 /* of each cut tail */ };

/*
 * What cannot be read before the checkpoint is no doubt: the checkpoint says
 * which records there were, so those lost are known.
 */
static void damage_found(
	struct log *log, uint32_t number, uint32_t from, uint32_t to)
{
	if (place_at(number, from) >= log->known)
		log->doubt = true;
	log_found_range(log, LOG_DAMAGED, number, from, to);
	log->segments->list[number].bad_bytes += to - from;
}

static void missing_found(struct log *log)
{
	for (uint32_t i = 0; i < log->authors->missing_count; i++) {
		const struct missing *m = &log->authors->missing[i];

		log_found_author(log, LOG_MISSING, m->author, m);
	}
}

/*
 * Applying: a record that is on the disk enters the tables.
 */

static int apply_data(
	struct log *log, uint64_t place, const struct record *record)
{
	uint32_t author = authors_by_id(log->authors, record->author);

	if (author == NO_AUTHOR) { /* its AUTHOR was in a hole */
		authors_use_id(log->authors, record->author);
		damage_found(log, place_number(place), place_offset(place),
			place_offset(place) +
				(uint32_t)record_space(record->size));
		return 0;
	}
	if (log->mode == LOG_CHECKER &&
		!authors_agree(log->authors, author, record->seq, place))
		log_found_author(log, LOG_HINT_WRONG, author, NULL);
	return authors_apply(log->authors, author, record->seq, place);
}

static int apply_author(
	struct log *log, uint64_t place, uint32_t id, const uint8_t *key)
{
	uint32_t author = authors_add(log->authors, key, id);
	struct author *a = NULL;

	if (author == NO_AUTHOR)
		return -1;
	a = &log->authors->list[author];
	if (a->announced <= place_number(place))
		a->announced = place_number(place) + 1;
	return 0;
}

int log_apply(struct log *log, uint64_t place, const struct record *record,
	const uint8_t *body)
{
	switch (record->kind) {
	case RECORD_DATA:
		return apply_data(log, place, record);
	case RECORD_AUTHOR:
		return apply_author(log, place, record->author, body);
	case RECORD_SEAL:
	case RECORD_MARK:
		return 0;
	}
	return 0;
}

static int apply_walked(struct log *log, const struct walk *walk)
{
	return log_apply(log, place_at(walk->number, walk->start),
		&walk->record, walk->body);
}

/* Everything in a segment up to its size is as durable as it can be. */
static int apply_segment(struct log *log, uint64_t from)
{
	struct walk walk = walk_from(log->segments, &log->far, from);
	enum walk_step step = walk_next(&walk);

	for (; step != WALK_END; step = walk_next(&walk)) {
		if (step == WALK_RECORD) {
			if (apply_walked(log, &walk) < 0)
				return -1;
		} else {
			damage_found(log, walk.number, walk.start, walk.offset);
		}
	}
	return 0;
}

int log_rebuild(struct log *log)
{
	bool doubt = log->doubt;

	authors_forget(log->authors);
	log->far.size = 0;
	for (uint32_t i = 0; i <= log->last; i++) {
		log->segments->list[i].bad_bytes = 0;
		if (log->segments->list[i].state == SEGMENT_GOOD &&
			apply_segment(log, place_at(i, FORMAT_HEADER_SIZE)) < 0)
			return log_fail(log, errno);
	}
	if (authors_remember(log->authors) < 0)
		return log_fail(log, errno);
	log->doubt = doubt; /* the tops were known: what is lost is known */
	log->unsaved = log->sizes.checkpoint;
	missing_found(log);
	return 0;
}

/*
 * Recovery of the last segment.
 */

struct tail {
	uint32_t proven; /* below it every byte was on the disk once */
	uint32_t end;    /* behind the last record that counts */
	uint32_t file;   /* size of the file */
	bool holed;
	bool sealed;
	uint32_t seal_crc;
};

static int tail_record(
	struct log *log, struct tail *tail, const struct walk *walk)
{
	tail->end = walk->offset;
	tail->sealed = walk->record.kind == RECORD_SEAL;
	tail->seal_crc = walk->record.crc;
	return apply_walked(log, walk);
}

/* Applies records up to the first hole; finds `proven` in all of them. */
static int tail_prove(struct log *log, struct tail *tail)
{
	struct walk walk = walk_from(
		log->segments, &log->far, place_at(log->last, tail->end));
	enum walk_step step = walk_next(&walk);

	for (; step != WALK_END; step = walk_next(&walk)) {
		if (step == WALK_HOLE) {
			tail->holed = true;
			continue;
		}
		if (walk.record.durable > tail->proven)
			tail->proven = walk.record.durable;
		if (!tail->holed && !tail->sealed &&
			tail_record(log, tail, &walk) < 0)
			return -1;
	}
	return 0;
}

/*
 * Goes on behind holes that are damage.  Reads the file again from the first
 * hole: a process that is writing now may have filled it in the meantime.
 */
static int tail_pass_holes(struct log *log, struct tail *tail)
{
	struct walk walk;
	enum walk_step step = WALK_END;

	log->far.size = 0;
	walk = walk_from(
		log->segments, &log->far, place_at(log->last, tail->end));
	while (!tail->sealed && (step = walk_next(&walk)) != WALK_END) {
		if (step == WALK_RECORD) {
			if (tail_record(log, tail, &walk) < 0)
				return -1;
			continue;
		}
		if (walk.start < tail->proven) {
			tail->end = walk.offset < tail->proven ? walk.offset
							       : tail->proven;
			damage_found(log, log->last, walk.start, tail->end);
		}
		if (walk.offset > tail->proven)
			break;
	}
	return 0;
}

/* Bytes of the last segment's file, read one after the other. */
static const uint8_t *tail_bytes(
	struct log *log, uint32_t from, uint32_t to, uint32_t *size)
{
	struct stretch stretch = { log->last, from, 0, 0, to };

	*size = to - from < FAR_SIZE ? to - from : FAR_SIZE;
	stretch.size = *size;
	return window_get(log->segments, &log->far, &stretch);
}

/* The last byte from `from` on that is no zero; or `from`. */
static int tail_last_byte(
	struct log *log, uint32_t from, uint32_t to, uint32_t *last)
{
	uint32_t size = 0;

	*last = from;
	for (uint32_t at = from; at < to; at += size) {
		const uint8_t *bytes = tail_bytes(log, at, to, &size);

		if (bytes == NULL)
			return -1;
		for (uint32_t i = 0; i < size; i++)
			if (bytes[i] != 0)
				*last = at + i + 1;
	}
	return 0;
}

/* For whoever wants to look at it: no failure here matters. */
static void tail_keep(struct log *log, uint32_t from, uint32_t to)
{
	char name[32];
	uint32_t size = 0;
	int fd = -1;

	if (to - from > CUT_KEPT_MAX)
		to = from + CUT_KEPT_MAX;
	(void)snprintf(name, sizeof(name), "cut-%08x-%08x", (unsigned)log->last,
		(unsigned)from); /* fits */
	fd = openat(log->dir_fd, name,
		O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	for (uint32_t at = from; fd >= 0 && at < to; at += size) {
		const uint8_t *bytes = tail_bytes(log, at, to, &size);

		if (bytes == NULL || disk_write(fd, bytes, size, at - from) < 0)
			break;
	}
	if (fd >= 0)
		(void)close(fd); /* as said above */
}

static int tail_cut(struct log *log, const struct tail *tail)
{
	uint32_t last = tail->file;

	/* What cannot be read is cut off all the same, but not kept. */
	if (tail_last_byte(log, tail->end, tail->file, &last) == 0 &&
		last > tail->end)
		tail_keep(log, tail->end, last);
	if (last > tail->end)
		log_found_range(log, LOG_TAIL_CUT, log->last, tail->end, last);
	return ftruncate(log->last_fd, (off_t)tail->end);
}

/* Nothing proves the header of a segment that has no record yet. */
static bool tail_is_bare(const struct tail *tail)
{
	return tail->end == FORMAT_HEADER_SIZE;
}

/* The damaged bytes before `proven` are left as they are. */
static int tail_rewrite(struct log *log, const struct tail *tail)
{
	uint32_t at = tail_is_bare(tail) ? 0 : tail->proven;
	uint32_t size = 0;

	for (; at < tail->end; at += size) {
		const uint8_t *bytes = tail_bytes(log, at, tail->end, &size);

		if (bytes == NULL ||
			disk_write(log->last_fd, bytes, size, at) < 0)
			return -1;
	}
	return disk_sync_all(log->last_fd);
}

static int tail_mend(struct log *log, const struct tail *tail)
{
	if (!tail_is_bare(tail) && tail->proven >= tail->end &&
		tail->file == tail->end)
		return 0;
	log->far.size = 0;
	if (tail->file > tail->end && tail_cut(log, tail) < 0)
		return -1;
	if (tail_rewrite(log, tail) < 0)
		return -1;
	log->far.size = 0;
	return 0;
}

static int recover_last(struct log *log, uint32_t from)
{
	struct tail tail = { 0 };

	tail.proven = tail.end = from;
	tail.file = log_end(log);
	if (tail_prove(log, &tail) < 0)
		return -1;
	if (tail.holed && tail_pass_holes(log, &tail) < 0)
		return -1;
	log->far.size = 0;
	log->sealed = tail.sealed;
	log->seal_crc = tail.seal_crc;
	log->zeros = tail.end;
	log->marked = tail.proven < tail.end ? 0 : tail.end;
	last_segment(log)->size = tail.end;
	log->unsaved += tail.end - from;
	if (log->mode != LOG_OWNER)
		return 0;
	log->last_fd = segments_open_file(log->segments, log->last);
	if (log->last_fd < 0)
		return -1;
	return tail_mend(log, &tail);
}

/*
 * The whole store.
 */

static void segments_judge(struct log *log, uint32_t *unusable)
{
	*unusable = 0;
	for (uint32_t i = 0; i < log->segments->count; i++) {
		const struct segment *segment = &log->segments->list[i];

		if (segment->state != SEGMENT_GOOD || segment->unlinked) {
			(*unusable)++;
			log_found_range(log, LOG_SEGMENT_LOST,
				segment->unlinked ? i - 1 : i, 0, 0);
		} else if (segment->mended) {
			log_found_range(
				log, LOG_DAMAGED, i, 0, FORMAT_HEADER_SIZE);
		}
	}
}

/* Whether what a checkpoint says of the segments can be so. */
static bool checkpoint_suits(
	const struct log *log, const struct checkpoint *checkpoint)
{
	uint32_t number = place_number(checkpoint->place);
	uint32_t offset = place_offset(checkpoint->place);
	const struct segment *segment = NULL;

	if (number >= log->segments->count)
		return false;
	segment = &log->segments->list[number];
	return segment->state == SEGMENT_GOOD && offset >= FORMAT_HEADER_SIZE &&
	       offset <= segment->size && offset % RECORD_ALIGN == 0;
}

/*
 * Chooses where to walk from.  A checkpoint that says more than the segments
 * have is kept for its tops: those records were acknowledged.
 */
static int recover_from(struct log *log, uint32_t unusable, uint64_t *from)
{
	struct checkpoint checkpoint = { 0 };
	enum checkpoint_verdict verdict =
		checkpoint_load(log->dir_fd, &checkpoint, log->authors);

	*from = place_at(0, FORMAT_HEADER_SIZE);
	if (verdict == CHECKPOINT_ERROR)
		return -1;
	if (verdict == CHECKPOINT_BAD)
		log_found_author(log, LOG_HINT_WRONG, LOG_NO_AUTHOR, NULL);
	if (verdict != CHECKPOINT_GOOD)
		return 0;
	log->doubt = checkpoint.doubt;
	if (log->segments->store_id == 0 ||
		log->segments->store_id != checkpoint.store_id ||
		!checkpoint_suits(log, &checkpoint)) {
		log_found_range(log, LOG_END_LOST, 0, 0, 0);
		log->doubt = true;
		/* When the log has grown past it, it would be believed again. */
		log->stale = true;
		log->unsaved = log->sizes.checkpoint;
	} else if (log->mode != LOG_CHECKER &&
		   unusable == checkpoint.unusable) {
		*from = checkpoint.place;
		return 0;
	} else {
		log->known = checkpoint.place;
	}
	authors_forget(log->authors);
	return 0;
}

/* Everything in the segments is applied, and the last one is ready. */
int log_recover(struct log *log)
{
	uint32_t unusable = 0;
	uint64_t from = 0;

	segments_judge(log, &unusable);
	if (recover_from(log, unusable, &from) < 0)
		return -1;
	for (uint32_t i = place_number(from); i < log->segments->count; i++) {
		const struct segment *segment = &log->segments->list[i];
		uint32_t offset = i == place_number(from)
					  ? place_offset(from)
					  : (uint32_t)FORMAT_HEADER_SIZE;

		log->last = i;
		if (segment->state != SEGMENT_GOOD || segment->unlinked)
			log->doubt = true;
		if (segment->state != SEGMENT_GOOD)
			continue;
		log->unsaved += segment->size - offset;
		if (i + 1 < log->segments->count &&
			apply_segment(log, place_at(i, offset)) < 0)
			return -1;
		if (i + 1 == log->segments->count &&
			recover_last(log, offset) < 0)
			return -1;
	}
	if (place_offset(from) == FORMAT_HEADER_SIZE &&
		place_number(from) == 0 && authors_remember(log->authors) < 0)
		return -1;
	missing_found(log);
	return 0;
}
