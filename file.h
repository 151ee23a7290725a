/* SPDX-License-Identifier: ISC */
/*
 * file.h: a small file that is read and replaced as a whole.
 *
 * It is named by a directory's descriptor and a name of ours, never by one that
 * came from outside.  Reading trusts only a file that nobody else can have
 * had a hand in: a regular one, ours, with one name, closed to others.
 * Replacing leaves the old file or the new one, whenever the power goes.
 */
#ifndef FILE_H
#define FILE_H

#include "bytes.h"

enum { FILE_NAME_MAX = 16 /* bytes of a name, without NUL */ };

enum file_result {
	FILE_GOOD,
	FILE_ABSENT,   /* there is nothing of this name */
	FILE_SYSTEM,   /* errno says it */
	FILE_NOT_FILE, /* a symbolic link, a directory, a FIFO, ... */
	FILE_LINKED,   /* it has a second name (a hard link) */
	FILE_NOT_OURS, /* another user's */
	FILE_READABLE, /* or writable, by others: chmod 600 */
	FILE_TOO_LARGE
};

/* Is there anything of this name?  True also when that can not be said. */
bool file_exists(int dir_fd, const char *name) MUST_USE;

struct file {
	uint8_t *bytes;
	size_t size;
};

/*
 * Reads a file of at most `most` bytes.  file_free is due after FILE_GOOD, and
 * allowed after the others.
 */
enum file_result file_read(
	int dir_fd, const char *name, size_t most, struct file *file) MUST_USE;

/* Wipes the bytes as well: they may be secret. */
void file_free(struct file *file);

/*
 * Puts bytes in place of what was there, durable when it returns 0; or -1 and
 * errno, and then the old file is still there (or the new one, if only the
 * last step failed).  What is no regular file is not replaced: ELOOP.  For one
 * process at a time: `name.tmp` is the new file's name on its way.
 */
int file_replace(
	int dir_fd, const char *name, const void *bytes, size_t size) MUST_USE;

#endif
