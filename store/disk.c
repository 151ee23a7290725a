/* SPDX-License-Identifier: ISC */
/*
 * disk.c: the system's calls on files.
 *
 *	          | bytes to the platter | a lock of the open file
 *	----------+----------------------+-------------------------------------
 *	Linux     | fdatasync            | F_OFD_SETLK
 *	FreeBSD   | fdatasync            | F_SETLK
 *	macOS     | F_FULLFSYNC, and     | F_SETLK
 *	          | fsync where the file |
 *	          | system has not got it|
 *	others    | fsync                | F_SETLK
 *
 * F_SETLK locks belong to the process and vanish when it closes *any*
 * descriptor of the file: the lock file is opened once and never touched
 * again.  F_OFD_SETLK has no such trap.
 */
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "disk.h"

#if defined(F_OFD_SETLK)
enum { LOCK_SET = F_OFD_SETLK, LOCK_ASK = F_OFD_GETLK };
#else
enum { LOCK_SET = F_SETLK, LOCK_ASK = F_GETLK };
#endif

int disk_write(int fd, const void *from, size_t size, uint64_t at)
{
	const uint8_t *bytes = from;

	while (size > 0) {
		ssize_t n = pwrite(fd, bytes, size, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0) { /* not in POSIX; full is the likely reason */
			errno = ENOSPC;
			return -1;
		}
		bytes += n;
		size -= (size_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

ssize_t disk_read(int fd, void *to, size_t size, uint64_t at)
{
	uint8_t *bytes = to;
	size_t done = 0;

	while (done < size) {
		ssize_t n = pread(
			fd, bytes + done, size - done, (off_t)(at + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int disk_sync_all(int fd)
{
	int result = -1;

#if defined(F_FULLFSYNC)
	result = fcntl(fd, F_FULLFSYNC);
	if (result == 0 || (errno != ENOTSUP && errno != EINVAL))
		return result;
#endif
	do
		result = fsync(fd);
	while (result < 0 && errno == EINTR);
	return result;
}

int disk_sync(int fd)
{
#if defined(__linux__) || defined(__FreeBSD__)
	int result = -1;

	do
		result = fdatasync(fd);
	while (result < 0 && errno == EINTR);
	return result;
#else
	return disk_sync_all(fd);
#endif
}

bool disk_is_full(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

int disk_space(int fd, uint64_t *available, uint64_t *total)
{
	struct statvfs v;

	if (fstatvfs(fd, &v) < 0)
		return -1;
	*available = (uint64_t)v.f_bavail * v.f_frsize;
	*total = (uint64_t)v.f_blocks * v.f_frsize;
	return 0;
}

static struct flock whole_file(void)
{
	struct flock lock = { 0 };

	lock.l_type = F_WRLCK;
	lock.l_whence = SEEK_SET;
	return lock;
}

int disk_lock(int fd)
{
	struct flock lock = whole_file();

	if (fcntl(fd, LOCK_SET, &lock) == 0)
		return 0;
	if (errno == EACCES)
		errno = EAGAIN;
	return -1;
}

bool disk_is_locked(int fd)
{
	struct flock lock = whole_file();

	return fcntl(fd, LOCK_ASK, &lock) == 0 && lock.l_type != F_UNLCK;
}

int files_find(struct files *files, uint32_t number)
{
	for (uint32_t i = 0; i < files->count; i++) {
		if (files->slot[i].number != number)
			continue;
		files->slot[i].used = ++files->clock;
		return files->slot[i].fd;
	}
	return -1;
}

void files_put(struct files *files, uint32_t number, int fd)
{
	uint32_t oldest = 0;

	if (files->count < FILES_MAX) {
		oldest = files->count++;
	} else {
		/* Ages, not times: the clock may wrap around. */
		for (uint32_t i = 1; i < FILES_MAX; i++)
			if (files->clock - files->slot[i].used >
				files->clock - files->slot[oldest].used)
				oldest = i;
		/* Nothing of ours depends on what close says: see log.c. */
		(void)close(files->slot[oldest].fd);
	}
	files->slot[oldest].number = number;
	files->slot[oldest].used = ++files->clock;
	files->slot[oldest].fd = fd;
}

void files_close(struct files *files)
{
	for (uint32_t i = 0; i < files->count; i++)
		(void)close(files->slot[i].fd);
	files->count = 0;
}
