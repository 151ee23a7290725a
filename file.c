/* SPDX-License-Identifier: ISC */
/*
 * file.c: reads with suspicion, replaces in one step.
 *
 *	NAME.tmp   made anew (O_EXCL), written, forced to the disk
 *	rename     NAME is the old file, or the new one
 *	directory  forced to the disk: NAME is the new one
 *
 * A rename replaces.  Who must not replace (people.c makes a secret) asks
 * first, and holds the database's lock meanwhile.  link(2), which never
 * replaces, would leave two names behind when it ends before the unlink, and
 * a file with two names is refused.
 */
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "file.h"
#include "store/disk.h"

bool file_exists(int dir_fd, const char *name)
{
	struct stat status;

	return fstatat(dir_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ||
	       errno != ENOENT;
}

/* Is there something of this name that is no regular file? */
static bool is_other(int dir_fd, const char *name)
{
	struct stat status;

	return fstatat(dir_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       !S_ISREG(status.st_mode);
}

/* Opens a file if it may be believed; its size is in *status. */
static enum file_result file_open(
	int dir_fd, const char *name, int *fd, struct stat *status)
{
	/* A FIFO would keep us waiting for its other end. */
	*fd = openat(
		dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (*fd < 0 && errno == ENOENT)
		return FILE_ABSENT;
	/* Systems differ in what they call a link, or a socket, here. */
	if (*fd < 0)
		return is_other(dir_fd, name) ? FILE_NOT_FILE : FILE_SYSTEM;
	if (fstat(*fd, status) < 0)
		return FILE_SYSTEM;
	if (!S_ISREG(status->st_mode))
		return FILE_NOT_FILE;
	if (status->st_uid != geteuid())
		return FILE_NOT_OURS;
	if ((status->st_mode & 077) != 0)
		return FILE_READABLE;
	if (status->st_nlink != 1)
		return FILE_LINKED;
	return FILE_GOOD;
}

void file_free(struct file *file)
{
	int error = errno;

	if (file->bytes != NULL)
		secret_wipe(file->bytes, file->size);
	free(file->bytes);
	file->bytes = NULL;
	file->size = 0;
	errno = error;
}

static int file_fill(struct file *file, int fd, size_t size)
{
	ssize_t n;

	file->bytes = malloc(size + 1);
	if (file->bytes == NULL)
		return -1;
	file->size = size;
	n = disk_read(fd, file->bytes, size, 0);
	if (n < 0) {
		file_free(file);
		return -1;
	}
	file->size = (size_t)n; /* less if it was cut meanwhile */
	return 0;
}

enum file_result file_read(
	int dir_fd, const char *name, size_t most, struct file *file)
{
	struct stat status;
	int fd, error;
	enum file_result result = file_open(dir_fd, name, &fd, &status);

	memset(file, 0, sizeof(*file));
	if (result == FILE_GOOD && (uint64_t)status.st_size > most)
		result = FILE_TOO_LARGE;
	if (result == FILE_GOOD &&
		file_fill(file, fd, (size_t)status.st_size) < 0)
		result = FILE_SYSTEM;
	error = errno;
	if (fd >= 0)
		(void)close(fd); /* it was only read */
	errno = error;
	return result;
}

/* Makes a durable file where there is none. */
static int file_make(
	int dir_fd, const char *name, const void *bytes, size_t size)
{
	int fd = openat(dir_fd, name,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int result, error;

	if (fd < 0)
		return -1;
	result = disk_write(fd, bytes, size, 0);
	if (result == 0)
		result = disk_sync_all(fd);
	error = errno;
	if (close(fd) < 0 && result == 0)
		return -1;
	errno = error;
	return result;
}

int file_replace(int dir_fd, const char *name, const void *bytes, size_t size)
{
	char temporary[FILE_NAME_MAX + sizeof(".tmp")];
	int error;

	assert(strlen(name) <= FILE_NAME_MAX);
	(void)snprintf(temporary, sizeof(temporary), "%s.tmp", name);
	/* What another process left when it was interrupted. */
	if (unlinkat(dir_fd, temporary, 0) < 0 && errno != ENOENT)
		return -1;
	if (file_make(dir_fd, temporary, bytes, size) < 0)
		goto fail;
	errno = ELOOP;
	if (is_other(dir_fd, name) ||
		renameat(dir_fd, temporary, dir_fd, name) < 0)
		goto fail;
	return disk_sync_all(dir_fd);
fail:
	error = errno;
	(void)unlinkat(dir_fd, temporary, 0); /* and may stay, if it must */
	errno = error;
	return -1;
}
