/* SPDX-License-Identifier: ISC */
/*
 * log.h: the store.  Opaque records of many authors, each author's numbered
 * 1, 2, 3, ... without a gap, kept on disk in the order in which they arrived.
 *
 * An author is a 32-byte key.  Inside one open store each author also has a
 * small number, 0, 1, 2, ... in the order of first appearance, for callers
 * that keep tables by author; it means nothing outside that store.
 *
 * A record is *appended* when log_append has taken it, and *durable* when a
 * later log_commit has returned 0.  Only durable records can be read, and
 * only a durable record may be shown, sent, or acknowledged to anybody: after
 * a crash everything durable is there again, and of the rest each author
 * keeps a prefix without a gap.
 *
 * Disks lose things all the same.  A record that cannot be had any more is
 * *missing*: log_head goes down to the one before it, log_append accepts it
 * again, and when the last missing one has come, log_head goes up again to
 * the newest.  What was found is told by log_next_problem.
 *
 * The database directory belongs to the caller, who opens it; everything
 * inside is opened relative to it, and symbolic links are not followed.  One
 * process at a time: the file `lock` is locked for the life of the store.
 */
#ifndef LOG_H
#define LOG_H

#include <sys/types.h>

#include "bytes.h"
#include "loop.h"

enum {
	LOG_KEY_SIZE = 32,
	LOG_RECORD_MAX = 66 * 1024,  /* bytes of one record */
	LOG_BATCH_MAX = 1024 * 1024, /* bytes that wait for a commit */
	LOG_AUTHORS_MAX = 10000,     /* authors in one store */
	LOG_RETRY_MS = 10 * 1000     /* a full disk is tried again */
};

#define LOG_NO_AUTHOR UINT32_MAX

/* What may be passed to log_open_sized; log_open takes these. */
enum {
	LOG_SEGMENT_SIZE = 64 * 1024 * 1024,    /* then the next one */
	LOG_AHEAD_SIZE = 2 * LOG_BATCH_MAX,     /* zeros kept written ahead */
	LOG_CHECKPOINT_SIZE = 32 * 1024 * 1024, /* then a new checkpoint */
	LOG_DELAY_MS = 20,           /* a good argument of log_set_delay */
	LOG_DELAY_BYTES = 768 * 1024 /* what is not delayed any more */
};

struct log_sizes {
	uint32_t segment;
	uint32_t ahead;
	uint32_t checkpoint;
};

struct log_record {
	const uint8_t *key;   /* LOG_KEY_SIZE bytes: the author */
	uint64_t seq;         /* 1 for an author's first record */
	const uint8_t *bytes; /* the record itself */
	size_t size;          /* at most LOG_RECORD_MAX; may be 0 */
};

struct log;

/*
 * Opens the store in the directory dir_fd, and makes an empty one where there
 * is none.  dir_fd is borrowed for the life of the store.  NULL and errno:
 *	EAGAIN	another process has it open; log_holder tells which
 *	EPROTONOSUPPORT	made by a newer version of this program
 *	EBADMSG	its beginning is not that of a store, or was damaged
 * and whatever the system answers.
 */
struct log *log_open(int dir_fd) MUST_USE;

/* The same with small segments, which tests fill sooner. */
struct log *log_open_sized(int dir_fd, const struct log_sizes *sizes) MUST_USE;

/*
 * Opens a store to read it, without the lock and without changing anything,
 * beside the process that has it open (which is who keeps the files that
 * reading needs up to date; where nobody has it open, log_open is better).
 * It stays as it was found: later records are not seen.
 */
struct log *log_open_beside(int dir_fd) MUST_USE;

/*
 * Reads and verifies every byte of a store, beside the process that has it
 * open or without one, and changes nothing.  The result is there for
 * log_next_problem, and for the questions about authors, heads and counts;
 * it gives no records.  NULL and errno as log_open, but never EAGAIN.
 */
struct log *log_check(int dir_fd) MUST_USE;

/*
 * The process that has the store in dir_fd open; 0 when there is none, -1
 * when there is one that nobody knows.  Not for a process that has it open
 * itself: on some systems this would end its own lock.
 */
pid_t log_holder(int dir_fd) MUST_USE;

/* Commits what waits, as far as possible, and frees all.  NULL is allowed. */
void log_close(struct log *log);

/* Wakes the loop when something waits for a commit, or for log_run. */
void log_want(const struct log *log, struct loop *loop);

/*
 * What is done beside: looking after the files every 5 s, a mark on the disk
 * behind the last batch when it has been quiet, reading old segments to see
 * whether they still are what they were.  Returns 0, or -1 and errno, and
 * then the store refuses all further work as after a failed log_commit:
 *	ESTALE	its files were deleted, or others were put in their place
 */
int log_run(struct log *log, int64_t now_ms) MUST_USE;

/*
 * Takes a copy of a record, to be written by the next log_commit.  Where it
 * fills a gap, the head may jump: ask log_head before the next one.  Returns
 * 0, or -1 and errno, and then no record was taken:
 *	EINVAL	seq is not the author's head + 1, or the record is too large
 *	EAGAIN	LOG_BATCH_MAX bytes wait already: commit first
 *	EDQUOT	a new author, and LOG_AUTHORS_MAX are there already
 *	ENOSPC	the disk is full, and the last commit is still to be done
 *	EFBIG	the store has reached its greatest size
 *	EROFS	it was opened to read only
 *	ENOMEM	as it says
 *	EIO	the disk failed before, see log_commit
 */
int log_append(struct log *log, const struct log_record *record) MUST_USE;

/*
 * Whether `count` next records of one author, of `size` bytes in all, would be
 * taken before the next log_commit.  0, or -1 and errno as log_append.
 */
int log_takes(const struct log *log, const uint8_t *key, uint32_t count,
	size_t size) MUST_USE;

/*
 * Writes what waits and forces it to the disk; the records in it are durable
 * when it returns 0.  Nothing waits: nothing is done.  -1 and errno:
 *	ENOSPC, EDQUOT, EFBIG	the disk is full: what waits goes on waiting,
 *				and is tried again LOG_RETRY_MS later
 *	anything else	the disk failed.  What is on it is known no more: the
 *			caller must stop without sending anything, and the
 *			next log_open will find out.  The store refuses all
 *			further work with EIO.
 */
int log_commit(struct log *log, int64_t now_ms) MUST_USE;

/*
 * Why the disk takes no more for now: ENOSPC, EDQUOT or EFBIG; 0 while it
 * does.  May also follow a log_commit that returned 0: what waited became
 * durable, and there is no room for more.
 */
int log_full(const struct log *log) MUST_USE;

/*
 * Lets log_commit put its work off, so that one flush serves many records:
 * until log_hurry was called, LOG_DELAY_BYTES wait, or the delay has passed
 * since it first found something waiting.  Meanwhile it returns 0 without
 * having done anything; log_waiting tells.  0 ends it.
 */
void log_set_delay(struct log *log, int64_t delay_ms);

/* Somebody waits for what is in the batch: the next commit is not delayed. */
void log_hurry(struct log *log);

/*
 * Whether the disk has room to spare: at least 64 MiB, or a sixteenth of a
 * small file system.  Below that, records of others should be refused, so
 * that own ones can still be written.  Asks the system every 5 s.
 */
bool log_has_space(struct log *log, int64_t now_ms);

/* Bytes that wait for a commit; 0 when all that was appended is durable. */
size_t log_waiting(const struct log *log);

/* Bytes of the segments: durable records, and what is kept beside them. */
uint64_t log_size(const struct log *log);

/* Number of authors; their small numbers are 0 .. count - 1. */
uint32_t log_author_count(const struct log *log);

/* The author with this key, or LOG_NO_AUTHOR. */
uint32_t log_find(const struct log *log, const uint8_t *key);

/* LOG_KEY_SIZE bytes, valid until the next log_append. */
const uint8_t *log_key(const struct log *log, uint32_t author);

/*
 * The newest record of an author that was appended, with none missing up to
 * it; 0 for LOG_NO_AUTHOR.
 */
uint64_t log_head(const struct log *log, uint32_t author);

/* The same of what is durable; never above log_head. */
uint64_t log_durable(const struct log *log, uint32_t author);

/*
 * The newest durable record of an author, whatever is missing before it: no
 * number up to this one may be used for another record.  log_read finds
 * those between log_durable and log_newest that are there.
 */
uint64_t log_newest(const struct log *log, uint32_t author);

/* How many records are durable, of all authors together. */
uint64_t log_count(const struct log *log);

/*
 * Reads one durable record.  The bytes that it points to are valid until the
 * next call of any log function.  Returns 0, or -1 and errno, and then the
 * record is missing from now on:
 *	ENOENT	there is no such durable record
 *	EBADMSG	its bytes on the disk are damaged
 *	EIO	the disk does not give them back
 */
int log_read(struct log *log, uint32_t author, uint64_t seq,
	struct log_record *record) MUST_USE;

/*
 * The same for somebody who reads one author's records in order, in either
 * direction: set author and seq, the rest to 0; move seq by one each time.
 */
struct log_cursor {
	uint32_t author;
	uint64_t seq;
	uint64_t first; /* private from here on */
	uint32_t count;
	uint64_t places[16];
};

int log_read_at(struct log *log, struct log_cursor *cursor,
	struct log_record *record) MUST_USE;

/*
 * The next durable record in the order of arrival, each once, history first.
 * False when there is none yet.  A damaged record is passed over.  The bytes
 * are valid until the next call of any log function.
 */
bool log_next(struct log *log, struct log_record *record) MUST_USE;

/* Makes log_next begin so that at most `count` durable records are ahead. */
void log_next_last(struct log *log, uint64_t count);

/*
 * Problems, as values; words for people are the caller's.
 */
enum log_trouble {
	/*
	 * Bytes at the end that were never acknowledged to anybody were cut
	 * off: segment, offset, size.  So it is after a crash; no damage.
	 */
	LOG_TAIL_CUT,

	/* Bytes on the disk are not those written: segment, offset, size. */
	LOG_DAMAGED,

	/* Nothing of a segment can be used, or it is not the one that was
	 * there: segment. */
	LOG_SEGMENT_LOST,

	/* The store ends before its checkpoint does, like an old copy. */
	LOG_END_LOST,

	/* Records that are known to have been there: author, first, last. */
	LOG_MISSING,

	/* A file that only saves time is wrong, and will be made anew: that
	 * of `author`, or the checkpoint (LOG_NO_AUTHOR).  No damage. */
	LOG_HINT_WRONG,

	/* There were `size` more problems than are remembered. */
	LOG_AND_MORE
};

const char *log_trouble_name(enum log_trouble trouble);

struct log_problem {
	enum log_trouble trouble;
	uint32_t segment;
	uint64_t offset;
	uint64_t size;
	uint32_t author;
	uint64_t first;
	uint64_t last;
};

/* The next problem that was found since the last call; each is told once. */
bool log_next_problem(struct log *log, struct log_problem *problem) MUST_USE;

/*
 * Whether acknowledged records were lost of which nobody knows whose they
 * were.  Then an author's own next number may have been used before: ask the
 * others first.  Remembered until log_settle says that this was done.
 */
bool log_doubt(const struct log *log);
void log_settle(struct log *log);

#endif
