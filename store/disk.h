/* SPDX-License-Identifier: ISC */
/*
 * disk.h: the system's calls on files as the store needs them: whole
 * transfers, the strongest flush that the platform has, locks, and a bounded
 * set of open descriptors.  What differs between platforms is in disk.c.
 */
#ifndef DISK_H
#define DISK_H

#include <sys/types.h>

#include "bytes.h"

/* Writes all of it, in as many pieces as it takes.  0, or -1 and errno. */
int disk_write(int fd, const void *from, size_t size, uint64_t at) MUST_USE;

/* Reads up to the end of the file: bytes read, or -1 and errno. */
ssize_t disk_read(int fd, void *to, size_t size, uint64_t at) MUST_USE;

/*
 * Forces a file's bytes, and the length that is needed to find them, to the
 * disk.  After -1 nobody knows what is there: the next call may return 0
 * without the bytes being on the disk, so there is nothing to try again.
 */
int disk_sync(int fd) MUST_USE;

/* The same for a file made, renamed or cut, and for a directory. */
int disk_sync_all(int fd) MUST_USE;

/* No room: the one kind of failure that passes. */
bool disk_is_full(int error) MUST_USE;

/* Bytes that we may still use, and those of the whole file system. */
int disk_space(int fd, uint64_t *available, uint64_t *total) MUST_USE;

/*
 * Locks an open file for this process, until its descriptor is closed; -1
 * and EAGAIN when another one has it.  Does not work over NFS.
 */
int disk_lock(int fd) MUST_USE;

/* Whether another descriptor holds that lock. */
bool disk_is_locked(int fd) MUST_USE;

/*
 * Descriptors kept open, by a number of the caller's.  One more than there is
 * room for closes the one that was not used for the longest time.
 */
enum { FILES_MAX = 64 };

struct files {
	uint32_t count;
	uint32_t clock;
	struct {
		uint32_t number;
		uint32_t used;
		int fd;
	} slot[FILES_MAX];
};

/* The descriptor that was put in under this number, or -1. */
int files_find(struct files *files, uint32_t number);

/* Takes the descriptor over. */
void files_put(struct files *files, uint32_t number, int fd);

void files_close(struct files *files);

#endif
