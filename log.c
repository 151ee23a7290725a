/* SPDX-License-Identifier: ISC */
/*
 * log.c: the store.
 *
 *	lock                    locked for the life of the process
 *	segments/00000000.seg   the records, in the order of arrival (format.c)
 *	authors/KEY.idx         where each record stands (authors.c)
 *	checkpoint              what the segments contain (checkpoint.c)
 *	cut-SEGMENT-OFFSET      what was cut off after a crash, for the curious
 *
 * The segments are the truth.  All other files are hints, which are verified
 * when they are used and made again from the segments when they are wrong.
 *
 * The last segment:
 *
 *	header  records ........................  zeros ............
 *	0       64           proven        end                      zeros
 *
 * `end` is where the next batch goes; everything before it is durable.  Each
 * record carries, as `durable`, the end at the time when it was made.  So a
 * record proves that everything before its `durable` was on the disk once,
 * and a bad record there is damage, not a write that a crash interrupted.
 *
 * Writing        log_append    into the batch, no system call
 *                log_commit    pwrite, fdatasync; then `end` moves
 *                              sometimes: zeros ahead, next segment, checkpoint
 * Next segment   SEAL, fdatasync; ftruncate, fsync; then header, fsync and
 *                fsync of the folder of the next one; then records
 *
 * Opening        1. lock; folders, fsync; checkpoint
 *                2. to 7. recover.c
 *                8. later and idle: log_run reads old segments again
 *
 * Invariants
 *	(1) no byte before `end` of the last segment is ever written again,
 *	    but by step 6, with what it is
 *	(2) the batch is for the place `end` of the last segment
 *	(3) failed != 0  ==>  nothing is written any more, not even by log_close
 *	(4) a record enters `authors` as durable after the fdatasync that
 *	    covered it, or by being found in a walk
 *	(5) sealed  ==>  the batch is empty and log_append refuses
 *
 * What this file does not do: know what records mean; read clocks; notify.
 */
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "limit.h"
#include "store/checkpoint.h"
#include "store/store.h"

_Static_assert((int)LOG_KEY_SIZE == (int)FORMAT_KEY_SIZE &&
		       (int)LOG_RECORD_MAX == (int)FORMAT_BODY_MAX &&
		       (int)LOG_AUTHORS_MAX == (int)AUTHORS_MAX &&
		       LOG_NO_AUTHOR == NO_AUTHOR,
	"log.h and the files below it must agree");

enum {
	READ_ONE = 512,         /* read at once for a lonely record */
	READ_AHEAD = 32 * 1024, /* and for one near the last one */
	READ_GAP = 16 * 1024,   /* between two: one call costs no more */
	READ_RUN = 64 * 1024,   /* from the first to the last of a call */
	WATCH_MS = 5000,
	QUIET_MS = 2000, /* then the last batch gets its MARK */
	SCRUB_MS = 1000,
	SCRUB_SIZE = 1024 * 1024,
	SCRUB_REST_MS = 24 * 3600 * 1000, /* between two rounds */
	SEAL_SIZE = RECORD_HEADER_SIZE
};

/*
 * Problems.
 */

const char *log_trouble_name(enum log_trouble trouble)
{
	switch (trouble) {
	case LOG_TAIL_CUT:
		return "tail cut";
	case LOG_DAMAGED:
		return "damaged";
	case LOG_SEGMENT_LOST:
		return "segment lost";
	case LOG_END_LOST:
		return "end lost";
	case LOG_MISSING:
		return "missing";
	case LOG_HINT_WRONG:
		return "hint wrong";
	case LOG_AND_MORE:
		return "and more";
	}
	return "unknown";
}

static bool problem_equal(
	const struct log_problem *a, const struct log_problem *b)
{
	return a->trouble == b->trouble && a->segment == b->segment &&
	       a->offset == b->offset && a->size == b->size &&
	       a->author == b->author && a->first == b->first &&
	       a->last == b->last;
}

/* Those that were told stay, so that none is told twice. */
static void problem_add(struct log *log, const struct log_problem *problem)
{
	for (uint32_t i = 0; i < log->problem_count; i++)
		if (problem_equal(&log->problems[i], problem))
			return;
	if (log->problem_count == PROBLEMS_MAX)
		log->problems_more++;
	else
		log->problems[log->problem_count++] = *problem;
}

void log_found_range(struct log *log, enum log_trouble trouble, uint32_t number,
	uint32_t from, uint32_t to)
{
	struct log_problem problem = { 0 };

	problem.trouble = trouble;
	problem.segment = number;
	problem.offset = from;
	problem.size = to - from;
	problem.author = LOG_NO_AUTHOR;
	problem_add(log, &problem);
}

void log_found_author(struct log *log, enum log_trouble trouble,
	uint32_t author, const struct missing *missing)
{
	struct log_problem problem = { 0 };

	problem.trouble = trouble;
	problem.author = author;
	if (missing != NULL) {
		problem.first = missing->first;
		problem.last = missing->last;
	}
	problem_add(log, &problem);
}

bool log_next_problem(struct log *log, struct log_problem *problem)
{
	if (log->problem_told < log->problem_count) {
		*problem = log->problems[log->problem_told++];
		return true;
	}
	if (log->problems_more == 0)
		return false;
	memset(problem, 0, sizeof(*problem));
	problem->trouble = LOG_AND_MORE;
	problem->author = LOG_NO_AUTHOR;
	problem->size = log->problems_more;
	log->problems_more = 0;
	return true;
}

int log_fail(struct log *log, int error)
{
	if (log->failed == 0)
		log->failed = error;
	errno = error;
	return -1;
}

/*
 * Making and filling segments.
 */

/* Makes the segment that comes next the last one. */
static int segment_begin(struct log *log, uint32_t flags)
{
	uint32_t before_size = 0;
	int fd = -1;

	if (log->segments->count > 0)
		before_size = log->segments->list[log->last].size;
	fd = segments_make(log->segments, before_size,
		log->sealed ? log->seal_crc : 0, flags);
	if (fd < 0)
		return -1;
	if (log->last_fd >= 0)
		(void)close(log->last_fd); /* sealed: flushed long ago */
	log->last_fd = fd;
	log->last = log->segments->count - 1;
	log->sealed = false;
	log->zeros = log->marked = FORMAT_HEADER_SIZE;
	return 0;
}

/* A deadline; a caller that is ending may say that now is INT64_MAX. */
static int64_t after(int64_t now_ms, int64_t delay_ms)
{
	return now_ms > INT64_MAX - delay_ms ? INT64_MAX : now_ms + delay_ms;
}

/*
 * A disk that is full is no failure, unless a flush said so: callers pass
 * here only the errors of calls that may be done again.
 */
static int log_stop_or_wait(struct log *log, int64_t now_ms)
{
	if (!disk_is_full(errno))
		return log_fail(log, errno);
	log->full = errno;
	log->retry_ms = after(now_ms, LOG_RETRY_MS);
	return -1;
}

/* Writes a record without a body behind the end, and flushes it. */
static int bare_record(struct log *log, enum record_kind kind, int64_t now_ms)
{
	struct segment *segment = last_segment(log);
	struct record record = { 0 };
	uint8_t bytes[RECORD_HEADER_SIZE];
	struct writer w = writer_over(bytes, sizeof(bytes));

	assert(log->batch_size == 0);
	record.kind = kind;
	record.durable = segment->size;
	log->seal_crc = record_write(&w, segment->salt,
		place_at(log->last, segment->size), &record, NULL);
	if (disk_write(log->last_fd, bytes, w.size, segment->size) < 0)
		return log_stop_or_wait(log, now_ms);
	if (disk_sync(log->last_fd) < 0)
		return log_fail(log, errno);
	segment->size += (uint32_t)w.size;
	if (log->zeros < segment->size)
		log->zeros = segment->size;
	return 0;
}

/* The last segment is large enough: seals it and begins the next one. */
static int segment_turn(struct log *log, int64_t now_ms)
{
	if (!log->sealed) {
		if (log->segments->count == SEGMENTS_MAX) {
			errno = EFBIG;
			return log_stop_or_wait(log, now_ms);
		}
		if (bare_record(log, RECORD_SEAL, now_ms) < 0)
			return -1;
		if (ftruncate(log->last_fd, (off_t)log_end(log)) < 0 ||
			disk_sync_all(log->last_fd) < 0)
			return log_fail(log, errno);
		log->sealed = true;
	}
	if (segment_begin(log, 0) < 0)
		return log_stop_or_wait(log, now_ms);
	return 0;
}

/*
 * Keeps zeros written behind the end.  A commit then overwrites blocks that
 * exist, and its flush needs no second write for the file's length; and a
 * full disk shows before a record was accepted.
 */
static int zeros_ahead(struct log *log, int64_t now_ms)
{
	static const uint8_t zeros[64 * 1024];
	uint32_t from = log->zeros;
	uint32_t to = log_end(log) + log->sizes.ahead;

	if (from - log_end(log) >= log->sizes.ahead / 2)
		return 0;
	for (uint32_t at = from; at < to;) {
		uint32_t size =
			to - at < sizeof(zeros) ? to - at : sizeof(zeros);

		if (disk_write(log->last_fd, zeros, size, at) < 0) {
			int error = errno;

			if (ftruncate(log->last_fd, (off_t)from) < 0)
				return log_fail(log, errno);
			errno = error;
			return log_stop_or_wait(log, now_ms);
		}
		at += size;
	}
	log->zeros = to;
	return 0;
}

static void checkpoint_make(struct log *log)
{
	struct checkpoint checkpoint = { 0 };

	checkpoint.store_id = log->segments->store_id;
	checkpoint.place = place_at(log->last, log_end(log));
	checkpoint.doubt = log->doubt;
	for (uint32_t i = 0; i <= log->last; i++)
		if (log->segments->list[i].state != SEGMENT_GOOD ||
			log->segments->list[i].unlinked)
			checkpoint.unusable++;
	/* A hint: without a new one, the next opening takes longer. */
	if (checkpoint_save(log->dir_fd, &checkpoint, log->authors) == 0 ||
		!log->stale)
		log->unsaved = 0;
}

/* What is due when the batch is empty. */
static int log_prepare(struct log *log, int64_t now_ms)
{
	if (log->sealed || log_end(log) >= log->sizes.segment)
		if (segment_turn(log, now_ms) < 0)
			return -1;
	if (log->unsaved >= log->sizes.checkpoint)
		checkpoint_make(log);
	return zeros_ahead(log, now_ms);
}

/*
 * Opening.
 */

static int lock_take(struct log *log)
{
	char text[32];
	struct stat locked;
	struct stat named;
	int size = 0;

	log->lock_fd = openat(log->dir_fd, "lock",
		O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (log->lock_fd < 0 || disk_lock(log->lock_fd) < 0)
		return -1;
	if (fstat(log->lock_fd, &locked) < 0 ||
		fstatat(log->dir_fd, "lock", &named, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (locked.st_ino != named.st_ino || locked.st_dev != named.st_dev) {
		errno = EAGAIN; /* another one was put in its place */
		return -1;
	}
	size = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(log->lock_fd, 0) < 0 ||
		disk_write(log->lock_fd, text, (size_t)size, 0) < 0)
		/* A full disk is no hindrance: log_holder will not know. */
		return disk_is_full(errno) ? 0 : -1;
	return 0;
}

pid_t log_holder(int dir_fd)
{
	int fd = openat(dir_fd, "lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	char text[32] = "";
	pid_t holder = 0;

	if (fd < 0)
		return 0;
	if (disk_is_locked(fd)) {
		ssize_t size = disk_read(fd, text, sizeof(text) - 1, 0);

		holder = -1;
		if (size > 0 && strtol(text, NULL, 10) > 0)
			holder = (pid_t)strtol(text, NULL, 10);
	}
	(void)close(fd); /* was only read */
	return holder;
}

static int folder_open(struct log *log, const char *name)
{
	if (log->mode == LOG_OWNER && mkdirat(log->dir_fd, name, 0700) < 0 &&
		errno != EEXIST)
		return -1;
	return openat(log->dir_fd, name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int folders_open(struct log *log)
{
	log->segments_fd = folder_open(log, "segments");
	if (log->segments_fd < 0)
		return -1;
	log->authors_fd = folder_open(log, "authors");
	if (log->authors_fd < 0)
		return -1;
	return log->mode == LOG_OWNER ? disk_sync_all(log->dir_fd) : 0;
}

static struct log *log_new(
	int dir_fd, enum log_mode mode, const struct log_sizes *sizes)
{
	struct log *log = calloc(1, sizeof(*log));

	if (log == NULL)
		return NULL;
	log->mode = mode;
	log->sizes = *sizes;
	log->dir_fd = dir_fd;
	log->lock_fd = log->segments_fd = log->authors_fd = log->last_fd = -1;
	log->waiting_ms = log->space_ms = -1;
	log->failed = EIO; /* until it is open */
	log->batch = mode == LOG_OWNER ? malloc(LOG_BATCH_MAX) : NULL;
	if ((mode == LOG_OWNER && log->batch == NULL) ||
		window_open(&log->near, NEAR_SIZE) < 0 ||
		window_open(&log->far, FAR_SIZE) < 0) {
		log_close(log);
		return NULL;
	}
	return log;
}

/* Finds what there is; step 2 comes before anything is changed. */
static int log_load(struct log *log)
{
	static const enum authors_mode modes[] = { AUTHORS_WRITE, AUTHORS_READ,
		AUTHORS_CHECK };

	log->segments = segments_open(log->segments_fd, log->mode == LOG_OWNER);
	if (log->segments == NULL)
		return -1;
	if (log->mode == LOG_OWNER && disk_sync_all(log->segments_fd) < 0)
		return -1;
	log->authors = authors_open(log->authors_fd, modes[log->mode]);
	if (log->authors == NULL)
		return -1;
	if (log->segments->count > 0 &&
		log->segments->list[log->segments->count - 1].state ==
			SEGMENT_UNUSED) {
		if (log->mode != LOG_OWNER)
			log->segments->count--;
		else if (segments_drop_last(log->segments) < 0)
			return -1;
	}
	return log_recover(log);
}

/* A store that can be written to ends in a segment that can. */
static int log_make_ready(struct log *log)
{
	uint32_t flags = 0;

	if (log->segments->count > 0 && !log->sealed &&
		last_segment(log)->state != SEGMENT_GOOD)
		flags = SEGMENT_AFTER_DAMAGE;
	if ((log->segments->count == 0 || flags != 0) &&
		segment_begin(log, flags) < 0)
		return -1;
	/* A full disk: it can be read, and log_append will say so. */
	if (log_prepare(log, 0) < 0 && log->full == 0)
		return -1;
	return 0;
}

static struct log *log_start(
	int dir_fd, enum log_mode mode, const struct log_sizes *sizes)
{
	struct log *log = log_new(dir_fd, mode, sizes);
	int error = 0;

	if (log == NULL)
		return NULL;
	if ((mode == LOG_OWNER && lock_take(log) < 0) ||
		folders_open(log) < 0 || log_load(log) < 0)
		goto fail;
	if (mode == LOG_OWNER) {
		if (log_make_ready(log) < 0)
			goto fail;
	}
	log->failed = 0;
	if (log->segments->count > 0)
		log->arrival = walk_from(log->segments, &log->far,
			place_at(0, FORMAT_HEADER_SIZE));
	return log;
fail:
	error = errno;
	log_close(log);
	errno = error;
	return NULL;
}

struct log *log_open_sized(int dir_fd, const struct log_sizes *sizes)
{
	return log_start(dir_fd, LOG_OWNER, sizes);
}

static const struct log_sizes usual_sizes = { LOG_SEGMENT_SIZE, LOG_AHEAD_SIZE,
	LOG_CHECKPOINT_SIZE };

struct log *log_open(int dir_fd)
{
	return log_start(dir_fd, LOG_OWNER, &usual_sizes);
}

static bool end_is_lost(const struct log *log)
{
	for (uint32_t i = 0; i < log->problem_count; i++) {
		if (log->problems[i].trouble == LOG_END_LOST)
			return true;
	}
	return false;
}

/*
 * A checkpoint that a chat saves after the segments were listed says more
 * than they have.  Only an end that is lost at a second look is lost.
 */
static struct log *log_look(int dir_fd, enum log_mode mode)
{
	struct log *log = log_start(dir_fd, mode, &usual_sizes);

	if (log == NULL || !end_is_lost(log))
		return log;
	log_close(log);
	return log_start(dir_fd, mode, &usual_sizes);
}

struct log *log_open_beside(int dir_fd)
{
	return log_look(dir_fd, LOG_READER);
}

struct log *log_check(int dir_fd)
{
	return log_look(dir_fd, LOG_CHECKER);
}

/*
 * Appending and committing.
 */

static uint64_t batch_place(const struct log *log)
{
	return place_at(log->last, log_end(log) + (uint32_t)log->batch_size);
}

static void batch_write(struct log *log, struct record *record,
	const uint8_t *body, size_t size)
{
	struct writer w = writer_over(log->batch, LOG_BATCH_MAX);

	w.size = log->batch_size;
	record->size = (uint32_t)size;
	record->durable = log_end(log);
	(void)record_write(&w, last_segment(log)->salt, batch_place(log),
		record, body); /* only a SEAL's checksum is needed */
	assert(!w.full);
	log->batch_size = w.size;
}

static int append_refused(const struct log *log)
{
	if (log->mode != LOG_OWNER)
		return EROFS;
	if (log->failed != 0)
		return EIO;
	if (log->full != 0)
		return log->full == EFBIG ? EFBIG : ENOSPC;
	return 0;
}

int log_takes(
	const struct log *log, const uint8_t *key, uint32_t count, size_t size)
{
	/* Each is filled up, and the author may have to be told of. */
	size_t most = size + count * record_space(RECORD_ALIGN - 1) +
		      record_space(FORMAT_KEY_SIZE);

	errno = append_refused(log);
	if (errno == 0 && log_find(log, key) == LOG_NO_AUTHOR &&
		log->authors->count == AUTHORS_MAX)
		errno = EDQUOT;
	if (errno == 0 && (count > LOG_BATCH_MAX || size > LOG_BATCH_MAX ||
				  most > LOG_BATCH_MAX))
		errno = EINVAL;
	if (errno == 0 && most > LOG_BATCH_MAX - log->batch_size)
		errno = EAGAIN;
	return errno == 0 ? 0 : -1;
}

/* The author's number in the segments is told before its first use in each. */
static void append_author(struct log *log, struct author *author)
{
	struct record record = { 0 };

	record.kind = RECORD_AUTHOR;
	record.author = author->id;
	batch_write(log, &record, author->key, FORMAT_KEY_SIZE);
	author->announced = log->last + 1;
}

int log_append(struct log *log, const struct log_record *record)
{
	struct record data = { 0 };
	uint32_t author = log_find(log, record->key);
	struct author *a = NULL;

	errno = append_refused(log);
	if (errno != 0)
		return -1;
	if (record->size > LOG_RECORD_MAX ||
		record->seq != log_head(log, author) + 1) {
		errno = EINVAL;
		return -1;
	}
	if (log->batch_size + record_space(record->size) +
			record_space(FORMAT_KEY_SIZE) >
		LOG_BATCH_MAX) {
		errno = EAGAIN;
		return -1;
	}
	if (author == LOG_NO_AUTHOR)
		author = authors_add(
			log->authors, record->key, log->authors->id_next);
	if (author == LOG_NO_AUTHOR || authors_ready(log->authors, author) < 0)
		return -1;
	a = &log->authors->list[author];
	if (a->announced != log->last + 1)
		append_author(log, a);
	data.kind = RECORD_DATA;
	data.author = a->id;
	data.seq = record->seq;
	batch_write(log, &data, record->bytes, record->size);
	authors_append(log->authors, author, record->seq);
	return 0;
}

/* The batch is on the disk at `place`. */
static int batch_apply(struct log *log, uint64_t place)
{
	struct reader r = reader_over(log->batch, log->batch_size);
	uint64_t salt = last_segment(log)->salt;

	while (r.left > 0) {
		const uint8_t *bytes = read_bytes(&r, RECORD_HEADER_SIZE);
		const uint8_t *body = NULL;
		struct record record;
		bool ours = bytes != NULL &&
			    record_read_header(bytes, salt, place, &record);

		assert(ours); /* we wrote it */
		body = read_bytes(&r, body_space(record.size));
		if (log_apply(log, place, &record, body) < 0)
			return -1;
		place += record_space(record.size);
	}
	return 0;
}

static int batch_commit(struct log *log, int64_t now_ms)
{
	uint32_t end = log_end(log);
	uint32_t size = (uint32_t)log->batch_size;

	if (disk_write(log->last_fd, log->batch, size, end) < 0) {
		int error = errno;

		/* Leaves nothing that might be taken for a record. */
		if (ftruncate(log->last_fd, (off_t)end) < 0)
			return log_fail(log, errno);
		log->zeros = end;
		errno = error;
		return log_stop_or_wait(log, now_ms);
	}
	if (disk_sync(log->last_fd) < 0)
		return log_fail(log, errno);
	if (batch_apply(log, place_at(log->last, end)) < 0)
		return log_fail(log, errno);
	last_segment(log)->size = end + size;
	if (log->zeros < end + size)
		log->zeros = end + size;
	log->unsaved += size;
	log->batch_size = 0;
	log->waiting_ms = -1;
	log->hurried = false;
	log->quiet_ms = after(now_ms, QUIET_MS);
	return 0;
}

static bool commit_is_due(struct log *log, int64_t now_ms)
{
	if (log->waiting_ms < 0)
		log->waiting_ms = now_ms;
	return log->hurried || log->batch_size >= LOG_DELAY_BYTES ||
	       now_ms - log->waiting_ms >= log->delay_ms;
}

/* Full: tries again when it is time; 0 when there is room again. */
static int commit_again(struct log *log, int64_t now_ms)
{
	int error = log->full;

	if (now_ms >= log->retry_ms) {
		log->full = 0;
		if (log->batch_size > 0)
			return 0; /* the commit is the trial */
		if (log_prepare(log, now_ms) == 0)
			return 0;
		if (log->failed != 0)
			return -1;
	}
	errno = error;
	return log->batch_size > 0 ? -1 : 0;
}

int log_commit(struct log *log, int64_t now_ms)
{
	if (log->mode != LOG_OWNER)
		return 0;
	if (log->failed != 0) {
		errno = EIO;
		return -1;
	}
	if (log->full != 0 && commit_again(log, now_ms) < 0)
		return -1;
	if (log->full != 0 || log->batch_size == 0 ||
		!commit_is_due(log, now_ms))
		return 0;
	if (batch_commit(log, now_ms) < 0)
		return -1;
	/* The batch is durable, even if there is no room for another one. */
	(void)log_prepare(log, now_ms);
	return log->failed != 0 ? -1 : 0;
}

int log_full(const struct log *log)
{
	return log->failed == 0 ? log->full : 0;
}

void log_set_delay(struct log *log, int64_t delay_ms)
{
	log->delay_ms = delay_ms;
}

void log_hurry(struct log *log)
{
	log->hurried = true;
}

size_t log_waiting(const struct log *log)
{
	return log->batch_size;
}

bool log_has_space(struct log *log, int64_t now_ms)
{
	uint64_t available = 0;
	uint64_t total = 0;
	uint64_t reserve = LIMIT_RESERVE_SIZE;

	if (log->space_ms >= 0 && now_ms - log->space_ms < LIMIT_RESERVE_MS)
		return log->spacious;
	log->space_ms = now_ms;
	log->spacious = true; /* who cannot ask will see writes fail */
	if (disk_space(log->dir_fd, &available, &total) < 0)
		return true;
	if (total / LIMIT_RESERVE_PART < reserve)
		reserve = total / LIMIT_RESERVE_PART;
	log->spacious = available >= reserve;
	return log->spacious;
}

/*
 * Beside.
 */

static int watch_run(struct log *log, int64_t now_ms)
{
	struct stat locked;
	struct stat named;

	if (now_ms < log->watch_ms)
		return 0;
	log->watch_ms = after(now_ms, WATCH_MS);
	if (!segments_is_there(log->segments, log->last, log->last_fd) ||
		fstat(log->lock_fd, &locked) < 0 ||
		fstatat(log->dir_fd, "lock", &named, AT_SYMLINK_NOFOLLOW) < 0 ||
		locked.st_ino != named.st_ino)
		return log_fail(log, ESTALE);
	return 0;
}

/* Quiet for a while: the next batch, which would prove the last, is far. */
static int mark_run(struct log *log, int64_t now_ms)
{
	if (log->batch_size > 0 || log->full != 0 || now_ms < log->quiet_ms ||
		log_end(log) == log->marked)
		return 0;
	if (bare_record(log, RECORD_MARK, now_ms) < 0)
		return log->failed != 0 ? -1 : 0;
	log->marked = log_end(log);
	return 0;
}

/* The next sealed segment, from `number` on; or a rest. */
static bool scrub_begin(struct log *log, uint32_t number, int64_t now_ms)
{
	log->scrub_bad = 0;
	while (number < log->last &&
		log->segments->list[number].state != SEGMENT_GOOD)
		number++;
	if (number < log->last) {
		log->scrub = walk_from(log->segments, &log->near,
			place_at(number, FORMAT_HEADER_SIZE));
		return true;
	}
	log->scrub.segments = NULL;
	log->scrub_ms = after(now_ms, SCRUB_REST_MS);
	return false;
}

/* Reads 1 MiB of old records; at the end of a segment draws conclusions. */
static int scrub_run(struct log *log, int64_t now_ms)
{
	enum walk_step step = WALK_RECORD;
	uint32_t stop = 0;

	if (now_ms < log->scrub_ms || log->batch_size > 0)
		return 0;
	log->scrub_ms = after(now_ms, SCRUB_MS);
	if (log->scrub.segments == NULL && !scrub_begin(log, 0, now_ms))
		return 0;
	log->near.size = 0; /* what the disk says now, not what it said */
	stop = log->scrub.offset + SCRUB_SIZE;
	while (step != WALK_END && log->scrub.offset < stop) {
		step = walk_next(&log->scrub);
		if (step == WALK_HOLE)
			log->scrub_bad += log->scrub.offset - log->scrub.start;
	}
	if (step != WALK_END)
		return 0;
	if (log->scrub_bad !=
			log->segments->list[log->scrub.number].bad_bytes &&
		log_rebuild(log) < 0)
		return -1;
	(void)scrub_begin(log, log->scrub.number + 1, now_ms);
	return 0;
}

int log_run(struct log *log, int64_t now_ms)
{
	if (log->mode != LOG_OWNER)
		return 0;
	if (log->failed != 0) {
		errno = EIO;
		return -1;
	}
	if (!log->running) {
		log->running = true;
		log->watch_ms = after(now_ms, WATCH_MS);
		log->quiet_ms = after(now_ms, QUIET_MS);
		log->scrub_ms = after(now_ms, SCRUB_MS);
	}
	if (watch_run(log, now_ms) < 0 || mark_run(log, now_ms) < 0)
		return -1;
	return scrub_run(log, now_ms);
}

void log_want(const struct log *log, struct loop *loop)
{
	if (log->mode != LOG_OWNER || log->failed != 0)
		return;
	if (log->full != 0)
		loop_wake(loop, log->retry_ms);
	else if (log->batch_size > 0 && log->waiting_ms >= 0 && !log->hurried)
		loop_wake(loop, log->waiting_ms + log->delay_ms);
	else if (log->batch_size > 0)
		loop_wake(loop, loop->now_ms);
	if (!log->running)
		return;
	loop_wake(loop, log->watch_ms);
	loop_wake(loop, log->scrub_ms);
	if (log_end(log) != log->marked && log->batch_size == 0 &&
		log->full == 0)
		loop_wake(loop, log->quiet_ms);
}

/*
 * Asking and reading.
 */

uint64_t log_size(const struct log *log)
{
	uint64_t size = 0;

	for (uint32_t i = 0; i < log->segments->count; i++)
		size += log->segments->list[i].size;
	return size;
}

uint32_t log_author_count(const struct log *log)
{
	return log->authors->count;
}

uint32_t log_find(const struct log *log, const uint8_t *key)
{
	return authors_find(log->authors, key);
}

static const struct author *author_at(const struct log *log, uint32_t author)
{
	static const struct author nobody;

	return author < log->authors->count ? &log->authors->list[author]
					    : &nobody;
}

const uint8_t *log_key(const struct log *log, uint32_t author)
{
	assert(author < log->authors->count);
	return log->authors->list[author].key;
}

uint64_t log_head(const struct log *log, uint32_t author)
{
	return author_at(log, author)->head;
}

uint64_t log_durable(const struct log *log, uint32_t author)
{
	return author_at(log, author)->durable;
}

uint64_t log_newest(const struct log *log, uint32_t author)
{
	return author_at(log, author)->top;
}

uint64_t log_count(const struct log *log)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < log->authors->count; i++)
		count += log->authors->list[i].top;
	for (uint32_t i = 0; i < log->authors->missing_count; i++)
		count -= log->authors->missing[i].last -
			 log->authors->missing[i].first + 1;
	return count;
}

bool log_doubt(const struct log *log)
{
	return log->doubt;
}

void log_settle(struct log *log)
{
	log->doubt = false;
}

static void record_fill(const struct log *log, struct log_record *to,
	uint32_t author, const struct record *from)
{
	to->key = log->authors->list[author].key;
	to->seq = from->seq;
	to->size = from->size;
}

/* Reads the record that is said to stand at a place. */
static int record_fetch(struct log *log, uint32_t author, uint64_t seq,
	uint64_t place, struct log_record *to)
{
	struct window *near = &log->near;
	struct stretch stretch = { place_number(place), place_offset(place),
		RECORD_HEADER_SIZE, READ_ONE, 0 };
	const uint8_t *bytes = NULL;
	struct record record;

	errno = EBADMSG;
	if (stretch.number > log->last || stretch.offset % RECORD_ALIGN != 0 ||
		log->segments->list[stretch.number].state != SEGMENT_GOOD)
		return -1;
	stretch.limit = log->segments->list[stretch.number].size;
	if (stretch.number == near->number &&
		stretch.offset - near->start <= near->size + READ_ONE)
		stretch.ahead = READ_AHEAD;
	bytes = window_get(log->segments, near, &stretch);
	if (bytes == NULL)
		return -1;
	if (!record_read_header(bytes, log->segments->list[stretch.number].salt,
		    place, &record) ||
		record.kind != RECORD_DATA || record.seq != seq ||
		authors_by_id(log->authors, record.author) != author) {
		errno = EBADMSG;
		return -1;
	}
	stretch.size = (uint32_t)record_space(record.size);
	bytes = window_get(log->segments, near, &stretch);
	if (bytes == NULL)
		return -1;
	if (!record_read_body(&record, bytes + RECORD_HEADER_SIZE)) {
		errno = EBADMSG;
		return -1;
	}
	record_fill(log, to, author, &record);
	to->bytes = bytes + RECORD_HEADER_SIZE;
	return 0;
}

/*
 * A record is not where it should be.  Either the place is wrong or the
 * record is: reading everything tells, and makes all places right again.
 */
static int record_mend(struct log *log, uint32_t author, uint64_t seq,
	struct log_record *record)
{
	struct missing lost = { author, seq, seq };
	int error = errno == EIO ? EIO : EBADMSG;
	uint64_t place = 0;

	if (log_rebuild(log) < 0)
		return -1;
	log->near.size = 0;
	place = authors_place(log->authors, author, seq);
	if (place != 0 && record_fetch(log, author, seq, place, record) == 0)
		return 0;
	if (place != 0) {
		if (authors_lose(log->authors, author, seq, seq) < 0)
			return log_fail(log, ENOMEM);
		log_found_author(log, LOG_MISSING, author, &lost);
	}
	errno = error;
	return -1;
}

int log_read(struct log *log, uint32_t author, uint64_t seq,
	struct log_record *record)
{
	const struct author *a = author_at(log, author);
	uint64_t place = 0;

	if (log->mode == LOG_CHECKER || seq == 0 || seq > a->top ||
		(a->missing > 0 &&
			authors_is_missing(log->authors, author, seq))) {
		errno = ENOENT;
		return -1;
	}
	errno = EBADMSG;
	place = authors_place(log->authors, author, seq);
	if (place != 0 && record_fetch(log, author, seq, place, record) == 0)
		return 0;
	return record_mend(log, author, seq, record);
}

static void cursor_fill(struct log *log, struct log_cursor *cursor)
{
	enum { COUNT = sizeof(cursor->places) / sizeof(cursor->places[0]) };
	uint64_t top = author_at(log, cursor->author)->top;
	uint64_t first = (cursor->seq - 1) / COUNT * COUNT + 1;

	cursor->first = first;
	cursor->count =
		top - first < COUNT ? (uint32_t)(top - first + 1) : COUNT;
	authors_places(log->authors, cursor->author, first, cursor->count,
		cursor->places);
}

/* Whether one call had better read both records than two. */
static bool place_is_near(uint64_t before, uint64_t place)
{
	return place > before && place - before <= READ_GAP;
}

/*
 * Reads with one call what of the cursor's records lies near its next one, in
 * both directions, as it may be moved in either.  All records of a run are in
 * one segment: the number is the upper half of a place.
 */
static void cursor_read(struct log *log, const struct log_cursor *cursor)
{
	const uint64_t *places = cursor->places;
	uint32_t first = (uint32_t)(cursor->seq - cursor->first);
	uint32_t last = first;
	struct stretch stretch = { place_number(places[first]),
		place_offset(places[first]), RECORD_HEADER_SIZE, 0, 0 };

	if (stretch.number > log->last || window_has(&log->near, &stretch))
		return;
	while (last + 1 < cursor->count &&
		place_is_near(places[last], places[last + 1]) &&
		places[last + 1] - places[first] <= READ_RUN)
		last++;
	while (first > 0 && place_is_near(places[first - 1], places[first]) &&
		places[last] - places[first - 1] <= READ_RUN)
		first--;
	if (first == last)
		return;
	stretch.offset = place_offset(places[first]);
	stretch.ahead = (uint32_t)(places[last] - places[first]) + READ_ONE;
	stretch.limit = log->segments->list[stretch.number].size;
	/* What fails is tried again, record by record. */
	(void)window_get(log->segments, &log->near, &stretch);
}

int log_read_at(
	struct log *log, struct log_cursor *cursor, struct log_record *record)
{
	uint64_t place = 0;

	if (log->mode == LOG_CHECKER || cursor->seq == 0 ||
		cursor->seq > author_at(log, cursor->author)->top) {
		errno = ENOENT;
		return -1;
	}
	if (cursor->seq - cursor->first >= cursor->count)
		cursor_fill(log, cursor);
	cursor_read(log, cursor);
	place = cursor->places[cursor->seq - cursor->first];
	if (place != 0 && record_fetch(log, cursor->author, cursor->seq, place,
				  record) == 0)
		return 0;
	cursor->count = 0;
	return log_read(log, cursor->author, cursor->seq, record);
}

/* One that came again is the one that counts, not the one before. */
static bool record_counts(
	const struct log *log, uint32_t author, uint64_t seq, uint64_t place)
{
	return !log->authors->list[author].twice ||
	       authors_place(log->authors, author, seq) == place;
}

bool log_next(struct log *log, struct log_record *record)
{
	struct walk *walk = &log->arrival;

	while (log->mode != LOG_CHECKER && log->segments->count > 0) {
		const struct segment *segment =
			&log->segments->list[walk->number];
		enum walk_step step = WALK_END;
		uint32_t author = NO_AUTHOR;

		walk->limit = segment->size;
		if (segment->state == SEGMENT_GOOD)
			step = walk_next(walk);
		if (step == WALK_END) {
			if (walk->number >= log->last)
				return false;
			walk->number++;
			walk->offset = FORMAT_HEADER_SIZE;
			continue;
		}
		if (step == WALK_HOLE || walk->record.kind != RECORD_DATA)
			continue;
		author = authors_by_id(log->authors, walk->record.author);
		if (author == NO_AUTHOR ||
			!record_counts(log, author, walk->record.seq,
				place_at(walk->number, walk->start)))
			continue;
		record_fill(log, record, author, &walk->record);
		record->bytes = walk->body;
		return true;
	}
	return false;
}

static uint64_t segment_count_records(struct log *log, uint32_t number)
{
	struct walk walk = walk_from(
		log->segments, &log->far, place_at(number, FORMAT_HEADER_SIZE));
	enum walk_step step = WALK_END;
	uint64_t count = 0;

	if (log->segments->list[number].state != SEGMENT_GOOD)
		return 0;
	while ((step = walk_next(&walk)) != WALK_END)
		if (step == WALK_RECORD && walk.record.kind == RECORD_DATA)
			count++;
	return count;
}

void log_next_last(struct log *log, uint64_t count)
{
	struct log_record record;
	uint32_t number = log->last + 1;
	uint64_t there = 0;

	if (log->segments->count == 0)
		return;
	if (count == 0) {
		log->arrival = walk_from(log->segments, &log->far,
			place_at(log->last, log_end(log)));
		return;
	}
	do
		there += segment_count_records(log, --number);
	while (there < count && number > 0);
	log->arrival = walk_from(
		log->segments, &log->far, place_at(number, FORMAT_HEADER_SIZE));
	for (; there > count; there--)
		if (!log_next(log, &record))
			break;
}

/*
 * Closing.
 */

static void log_end_cleanly(struct log *log)
{
	if (log->batch_size > 0 && batch_commit(log, 0) < 0)
		return;
	if (!log->sealed && log_end(log) != log->marked &&
		bare_record(log, RECORD_MARK, 0) < 0)
		return;
	/* Whatever fails from here on is found at the next opening. */
	authors_flush(log->authors);
	if (ftruncate(log->last_fd, (off_t)log_end(log)) == 0)
		checkpoint_make(log);
}

void log_close(struct log *log)
{
	int error = errno;

	if (log == NULL)
		return;
	if (log->mode == LOG_OWNER && log->failed == 0)
		log_end_cleanly(log);
	authors_close(log->authors);
	segments_close(log->segments);
	window_close(&log->near);
	window_close(&log->far);
	free(log->batch);
	/* Everything that matters was flushed before. */
	if (log->last_fd >= 0)
		(void)close(log->last_fd);
	if (log->authors_fd >= 0)
		(void)close(log->authors_fd);
	if (log->segments_fd >= 0)
		(void)close(log->segments_fd);
	if (log->lock_fd >= 0)
		(void)close(log->lock_fd);
	free(log);
	errno = error;
}
