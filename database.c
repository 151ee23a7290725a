/* SPDX-License-Identifier: ISC */
/*
 * database.c: opens the directory, then the log with its lock, then what the
 * lock guards: who we are, and the room; and puts into words why it does not.
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
#include "links/known.h"

enum { LINE_SIZE = 2 * OPTIONS_PATH_SIZE + 256 };

int database_failed(
	const struct database *d, int status, const char *format, ...)
{
	char text[LINE_SIZE];
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

static int directory_of_another(const struct database *d)
{
	return database_failed(d, EX_NOPERM,
		"%s belongs to another user: use a directory of your own, with "
		"-d",
		d->path);
}

/* Why it does not open, by errno and by what is there. */
static int directory_refused(const struct database *d)
{
	const char *why = strerror(errno);
	struct stat status;

	if (lstat(d->path, &status) == 0) {
		if (S_ISLNK(status.st_mode))
			why = "it is a symbolic link; give the directory "
			      "itself with -d";
		else if (!S_ISDIR(status.st_mode))
			why = "it is no directory; move it away, or use "
			      "another one with -d";
		else if (status.st_uid != geteuid())
			return directory_of_another(d);
	}
	return database_failed(d, EX_CANTCREAT,
		"can not use %s as a database: %s", d->path, why);
}

/*
 * Opens the database directory, or makes it; d->made says which.  One without
 * an identity (in version 0.1.0, `id`) counts as made just now: whoever made it
 * may have ended before its name was durable, and nothing was kept in it yet.
 */
static int directory_open(struct database *d)
{
	struct stat status;

	d->made = mkdir(d->path, 0700) == 0;
	if (!d->made && errno != EEXIST)
		return database_failed(d, EX_CANTCREAT, "can not make %s: %s",
			d->path, strerror(errno));
	d->dir_fd =
		open(d->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (d->dir_fd < 0)
		return directory_refused(d);
	if (!file_exists(d->dir_fd, "identity") &&
		!file_exists(d->dir_fd, "id"))
		d->made = true;
	if (fstat(d->dir_fd, &status) < 0 ||
		(d->made && sync_parent(d->path) < 0))
		return database_failed(
			d, EX_IOERR, "%s: %s", d->path, strerror(errno));
	if (status.st_uid != geteuid())
		return directory_of_another(d);
	if ((status.st_mode & 077) != 0)
		return database_failed(d, EX_NOPERM,
			"%s can be read by others; "
			"if that is a mistake: chmod 700 %s",
			d->path, d->path);
	if (d->made)
		make_gitignore(d->dir_fd);
	return EX_OK;
}

static int newer(const struct database *d)
{
	return database_failed(d, EX_CONFIG,
		"%s was made by a newer version of this program, which is "
		"needed to open it",
		d->path);
}

/* Why the log did not open, by errno. */
static int log_refused(const struct database *d)
{
	char holder[32] = "another process";
	pid_t holder_pid;

	switch (errno) {
	case EAGAIN:
		holder_pid = log_holder(d->dir_fd);
		if (holder_pid > 0)
			(void)snprintf(holder, sizeof(holder), "process %ld",
				(long)holder_pid);
		return database_failed(d, EX_TEMPFAIL,
			"%s has %s open: one chat for one database; end it, "
			"or use another one with -d",
			holder, d->path);
	case EPROTONOSUPPORT:
		return newer(d);
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

/* A file that others may have had a hand in. */
static int file_refused(
	const struct database *d, const struct people_failure *failure)
{
	const char *path = d->path, *file = failure->file;

	switch (failure->result) {
	case FILE_NOT_FILE:
		return database_failed(d, EX_NOPERM,
			"%s/%s is a link, or no file at all: put the file "
			"itself there",
			path, file);
	case FILE_LINKED:
		return database_failed(d, EX_NOPERM,
			"%s/%s has a second name (a hard link); to keep this "
			"one alone: cd %s && cp -p %s new && mv new %s",
			path, file, path, file, file);
	case FILE_NOT_OURS:
		return database_failed(d, EX_NOPERM,
			"%s/%s belongs to another user", path, file);
	case FILE_READABLE:
		return database_failed(d, EX_NOPERM,
			"%s/%s can be read or changed by others; if that is a "
			"mistake: chmod 600 %s/%s",
			path, file, path, file);
	case FILE_GOOD:
	case FILE_ABSENT:
	case FILE_SYSTEM:
	case FILE_TOO_LARGE:
		break;
	}
	return database_failed(d, EX_IOERR, "can not use %s/%s", path, file);
}

static int other_room(const struct database *d, const char *room)
{
	if (room[0] == '\0')
		return database_failed(d, EX_CONFIG,
			"%s is for everybody's room: use it without -r, or "
			"another one with -d",
			d->path);
	return database_failed(d, EX_CONFIG,
		"%s is for the room %s: use it with -r %s, or another one "
		"with -d",
		d->path, room, room);
}

static int people_refused(
	const struct database *d, const struct people_failure *failure)
{
	const char *path = d->path, *file = failure->file;

	switch (failure->trouble) {
	case PEOPLE_FILE:
		return file_refused(d, failure);
	case PEOPLE_NEWER:
		return newer(d);
	case PEOPLE_OTHER_ROOM:
		return other_room(d, failure->room);
	case PEOPLE_DAMAGED:
		return database_failed(d, EX_DATAERR,
			"%s/%s is damaged; nothing was changed: put it back "
			"from a backup, or begin anew with another -d",
			path, file);
	case PEOPLE_OTHER_KEY:
		return database_failed(d, EX_DATAERR,
			"%s/identity is not the one of this database; nothing "
			"was changed: put its own back from a backup, or begin "
			"anew with another -d",
			path);
	case PEOPLE_MISSING:
		return database_failed(d, EX_NOINPUT,
			"there is no identity in %s: put it back from a "
			"backup, or begin anew with another -d",
			path);
	case PEOPLE_GOOD:
	case PEOPLE_SYSTEM:
		break;
	}
	return database_failed(d, EX_IOERR, "can not use %s/%s: %s", path, file,
		strerror(errno));
}

/* Are there signed records?  Then there was an identity. */
static bool log_is_signed(struct log *log)
{
	for (uint32_t i = 0; i < log_author_count(log); i++) {
		struct log_record stored;
		struct record record;

		if (log_read(log, i, 1, &stored) == 0 &&
			record_decode(stored.bytes, stored.size, &record) &&
			record.id != NULL)
			return true;
	}
	return false;
}

static int people_of(
	struct database *d, const struct options *options, bool make)
{
	struct people_options people = {
		.name = options->name, .room = options->room, .make = make
	};
	struct people_failure failure;

	people.expected = make && !file_exists(d->dir_fd, "identity") &&
			  log_is_signed(d->log);
	d->people = people_open(d->dir_fd, &people, &failure);
	return d->people != NULL ? EX_OK : people_refused(d, &failure);
}

static int room_of(struct database *d)
{
	struct room_options room = { .key = people_key(d->people),
		.name = people_own_name(d->people),
		.room_id = people_room_id(d->people),
		.is_new = people_is_new(d->people),
		.dir_fd = d->dir_fd };

	d->room = room_open(&room, d->log);
	if (d->room != NULL)
		return EX_OK;
	return database_failed(d, EX_IOERR, "can not read the log in %s: %s",
		d->path, strerror(errno));
}

/* Hints, no more: without them others are looked for as at first. */
static int known_of(struct database *d)
{
	d->known = known_open(d->dir_fd);
	if (d->known == NULL)
		return database_failed(d, EX_OSERR, "%s", strerror(errno));
	if (known_is_damaged(d->known))
		(void)dprintf(d->err_fd,
			"warn> %s/addresses can not be used: where others were "
			"is forgotten\n",
			d->path);
	return EX_OK;
}

static void database_begin(struct database *d, const struct options *options)
{
	memset(d, 0, sizeof(*d));
	d->dir_fd = -1;
	d->err_fd = options->err_fd;
	ed25519_start();
	options_path(options, d->path, sizeof(d->path));
}

int database_open(struct database *d, const struct options *options)
{
	int status;

	database_begin(d, options);
	status = directory_open(d);
	if (status != EX_OK)
		return status;
	d->log = log_open(d->dir_fd);
	if (d->log == NULL && errno == EAGAIN && options->patient)
		return EX_TEMPFAIL;
	if (d->log == NULL)
		return log_refused(d);
	status = people_of(d, options, true);
	if (status == EX_OK)
		status = room_of(d);
	return status == EX_OK ? known_of(d) : status;
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
	status = people_of(d, options, false);
	if (status != EX_OK)
		return status;
	if (check) {
		d->checked = log_check(d->dir_fd);
		if (d->checked == NULL)
			return log_refused(d);
	} else if (log_holder(d->dir_fd) == 0) {
		d->log = log_open(d->dir_fd);
	}
	if (d->log == NULL) /* a chat has it open, or has just begun */
		d->log = log_open_beside(d->dir_fd);
	return d->log != NULL ? room_of(d) : log_refused(d);
}

void database_close(struct database *d)
{
	int error = errno;

	room_close(d->room);
	people_close(d->people);
	known_close(d->known);
	log_close(d->log);
	log_close(d->checked);
	if (d->dir_fd >= 0)
		(void)close(d->dir_fd); /* it was only read */
	d->room = NULL;
	d->people = NULL;
	d->known = NULL;
	d->log = d->checked = NULL;
	d->dir_fd = -1;
	errno = error;
}
