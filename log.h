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
	LOG_RECORD_MAX = 66 * 1024, /* bytes of one record */
	LOG_BATCH_MAX = 512 * 1024, /* bytes that wait for a commit */
	LOG_AUTHORS_MAX = 10000,    /* authors in one store */
	LOG_RETRY_MS = 10 * 1000    /* a full disk is tried again */
};

#define LOG_NO_AUTHOR UINT32_MAX

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

/* Bytes cut off by log_open: the torn end of what nobody was told of. */
uint64_t log_cut(const struct log *log);

/* The process that has the store in dir_fd open, or 0 when nobody knows. */
pid_t log_holder(int dir_fd) MUST_USE;

/* Commits what waits, as far as possible, and frees all.  NULL is allowed. */
void log_close(struct log *log);

/* Wakes the loop when something waits for a commit. */
void log_want(const struct log *log, struct loop *loop);

/*
 * Takes a copy of a record, to be written by the next log_commit.  Returns 0,
 * or -1 and errno, and then nothing has changed:
 *	EINVAL	seq is not the author's head + 1, or the record is too large
 *	EAGAIN	LOG_BATCH_MAX bytes wait already: commit first
 *	EDQUOT	a new author, and LOG_AUTHORS_MAX are there already
 *	ENOSPC	the disk is full, and the last commit is still to be done
 *	EFBIG	the store has reached its greatest size
 *	ENOMEM	as it says
 */
int log_append(struct log *log, const struct log_record *record) MUST_USE;

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

/* Bytes that wait for a commit; 0 when all that was appended is durable. */
size_t log_waiting(const struct log *log);

/* Number of authors; their small numbers are 0 .. count - 1. */
uint32_t log_author_count(const struct log *log);

/* The author with this key, or LOG_NO_AUTHOR. */
uint32_t log_find(const struct log *log, const uint8_t *key);

/* LOG_KEY_SIZE bytes, valid until the next log_append. */
const uint8_t *log_key(const struct log *log, uint32_t author);

/* The newest record of an author that was appended; 0 for LOG_NO_AUTHOR. */
uint64_t log_head(const struct log *log, uint32_t author);

/* The newest record of an author that is durable; never above log_head. */
uint64_t log_durable(const struct log *log, uint32_t author);

/* How many records are durable, of all authors together. */
uint64_t log_count(const struct log *log);

/*
 * Reads one durable record.  The bytes that it points to are valid until the
 * next call of any log function.  Returns 0, or -1 and errno:
 *	ENOENT	there is no such durable record
 *	EBADMSG	its bytes on the disk are damaged
 *	EIO	the disk does not give them back
 */
int log_read(struct log *log, uint32_t author, uint64_t seq,
	struct log_record *record) MUST_USE;

/*
 * The next durable record in the order of arrival, each once, history first.
 * False when there is none yet.  A damaged record is passed over.  The bytes
 * are valid until the next call of any log function.
 */
bool log_next(struct log *log, struct log_record *record) MUST_USE;

/* Makes log_next begin so that at most `count` durable records are ahead. */
void log_next_last(struct log *log, uint64_t count);

#endif
