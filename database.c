/* SPDX-License-Identifier: ISC */
/*
 * database.c: opens the directory, then the log with its lock, then what the
 * lock guards; and puts into words why it does not.
 */
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "database.h"

enum { MESSAGE_MAX = 2 * OPTIONS_PATH_SIZE + 256 };

int database_failed(
	const struct database *d, int status, const char *format, ...)
{
	char text[MESSAGE_MAX];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	(void)dprintf(d->err_fd, "error> %s\n", text);
	return status;
}

/* Makes a new directory's entry in its parent durable. */
static int sync_parent(const char *path)
{
	char parent[OPTIONS_PATH_SIZE];
	char *slash;
	int fd, result;

	(void)snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (slash == NULL)
		(void)snprintf(parent, sizeof(parent), ".");
	else
		slash[slash == parent] = '\0';
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	result = fsync(fd);
	(void)close(fd); /* it was only read */
	return result;
}

/* Version control should not take up what is in here: it holds a key. */
static void make_gitignore(int dir_fd)
{
	int fd = openat(dir_fd, ".gitignore",
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return;
	(void)!write(fd, "*\n", 2); /* a help, no more */
	(void)close(fd);
}

/*
 * Opens the database directory, or makes it; d->made says which.  One without an
 * `id` counts as made just now: whoever made it may have ended before its name
 * was durable, and nothing was kept in it yet.
 */
static int directory_open(struct database *d)
{
	struct stat status;
	bool is_link;

	d->made = mkdir(d->path, 0700) == 0;
	if (!d->made && errno != EEXIST)
		return database_failed(d, EX_CANTCREAT, "can not make %s: %s",
			d->path, strerror(errno));
	is_link = lstat(d->path, &status) == 0 && S_ISLNK(status.st_mode);
	d->dir_fd =
		open(d->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (d->dir_fd < 0)
		return database_failed(d, EX_CANTCREAT,
			"can not use %s as a database: %s", d->path,
			is_link ? "it is a symbolic link; give the directory "
				  "itself with -d"
				: strerror(errno));
	if (faccessat(d->dir_fd, "id", F_OK, 0) < 0 && errno == ENOENT)
		d->made = true;
	if (fstat(d->dir_fd, &status) < 0 ||
		(d->made && sync_parent(d->path) < 0))
		return database_failed(
			d, EX_IOERR, "%s: %s", d->path, strerror(errno));
	if (status.st_uid != geteuid())
		return database_failed(
			d, EX_NOPERM, "%s belongs to another user", d->path);
	if ((status.st_mode & 077) != 0)
		return database_failed(d, EX_NOPERM,
			"%s can be read by others; "
			"if that is a mistake: chmod 700 %s",
			d->path, d->path);
	if (d->made)
		make_gitignore(d->dir_fd);
	return EX_OK;
}

/* Why the log did not open, by errno. */
static int log_refused(const struct database *d)
{
	char holder[32] = "another process";

	switch (errno) {
	case EAGAIN:
		if (log_holder(d->dir_fd) > 0)
			(void)snprintf(holder, sizeof(holder), "process %ld",
				(long)log_holder(d->dir_fd));
		return database_failed(d, EX_TEMPFAIL,
			"%s has %s open: one chat for one database; end it, "
			"or use another one with -d",
			holder, d->path);
	case EPROTONOSUPPORT:
		return database_failed(d, EX_CONFIG,
			"%s was made by a newer "
			"version of this program, which is needed to open it",
			d->path);
	case EBADMSG:
		return database_failed(d, EX_DATAERR,
			"%s: its log is damaged at "
			"its very beginning; nothing was changed",
			d->path);
	default:
		return database_failed(d, EX_IOERR,
			"can not open the log in %s: "
			"%s",
			d->path, strerror(errno));
	}
}

static int log_of(struct database *d)
{
	d->log = log_open(d->dir_fd);
	return d->log != NULL ? EX_OK : log_refused(d);
}

static int people_of(struct database *d, const char *name, bool make)
{
	const char *file;

	d->people = people_open(d->dir_fd, name, make, &file);
	if (d->people != NULL)
		return EX_OK;
	return database_failed(d, errno == EBADMSG ? EX_DATAERR : EX_NOINPUT,
		"can not use %s/%s: %s", d->path, file,
		errno == EBADMSG ? "it is damaged; nothing was changed"
				 : strerror(errno));
}

static void database_begin(struct database *d, const struct options *options)
{
	memset(d, 0, sizeof(*d));
	d->dir_fd = -1;
	d->err_fd = options->err_fd;
	options_path(options, d->path, sizeof(d->path));
}

int database_open(struct database *d, const struct options *options)
{
	int status;

	database_begin(d, options);
	status = directory_open(d);
	if (status == EX_OK)
		status = log_of(d);
	if (status == EX_OK)
		status = people_of(d, options->name, true);
	return status;
}

int database_look(struct database *d, const struct options *options, bool check)
{
	int status;

	database_begin(d, options);
	d->dir_fd =
		open(d->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (d->dir_fd < 0)
		return database_failed(d, EX_NOINPUT,
			"there is no database %s (%s)", d->path,
			strerror(errno));
	status = people_of(d, options->name, false);
	if (status != EX_OK)
		return status;
	if (check)
		d->log = log_check(d->dir_fd);
	else if (log_holder(d->dir_fd) == 0)
		d->log = log_open(d->dir_fd);
	/* A chat has it open, or has just begun. */
	if (!check && d->log == NULL)
		d->log = log_open_beside(d->dir_fd);
	return d->log != NULL ? EX_OK : log_refused(d);
}

void database_close(struct database *d)
{
	int error = errno;

	people_close(d->people);
	log_close(d->log);
	if (d->dir_fd >= 0)
		(void)close(d->dir_fd); /* it was only read */
	d->people = NULL;
	d->log = NULL;
	d->dir_fd = -1;
	errno = error;
}
