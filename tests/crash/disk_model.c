/* SPDX-License-Identifier: ISC */
/*
 * disk_model.c: see disk_model.h.  The three folders of a database are
 * always there; their names and files are what may be lost.
 */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk_model.h"

enum { FOLDERS = 3, NAME_MAX_SIZE = 80, FDS_MAX = 4096, SECTOR = 512 };

static const char *const folder_names[FOLDERS] = { ".", "segments", "authors" };

enum event_type {
	EVENT_CREATE,
	EVENT_WRITE,
	EVENT_CUT,
	EVENT_RENAME,
	EVENT_UNLINK,
	EVENT_SYNC,
	EVENT_SYNC_FOLDER,
	EVENT_SYNC_FAILED,
	EVENT_NOTE
};

struct event {
	enum event_type type;
	int folder;
	int file; /* also the new one of CREATE and RENAME */
	uint64_t at;
	uint64_t size;
	size_t bytes; /* in the arena */
	char name[NAME_MAX_SIZE];
	char other[NAME_MAX_SIZE];
	struct model_note note;
};

struct trace {
	struct event *events;
	size_t count;
	size_t capacity;
	uint8_t *arena;
	size_t arena_size;
	size_t arena_capacity;
	int files;
	size_t base; /* events that were on the disk at the beginning */
};

static struct trace *tracing;
static int folder_fds[FOLDERS] = { -1, -1, -1 }; /* real, for comparison */
static struct stat folder_stats[FOLDERS];
static struct {
	bool folder;
	int number; /* 1 + folder or file; 0 is not traced */
} fds[FDS_MAX];
static bool dead;
static long calls;
static long fail_call = -1;
static int fail_error;
static bool fail_gone;
static bool failed;
static bool only_syncs;

uint64_t luck_next(uint64_t *luck)
{
	uint64_t z = *luck += 0x9e3779b97f4a7c15; /* splitmix64 */

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint64_t luck_below(uint64_t *luck, uint64_t limit)
{
	return limit == 0 ? 0 : luck_next(luck) % limit;
}

static void *must(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

struct trace *trace_new(void)
{
	return must(calloc(1, sizeof(struct trace)));
}

void trace_free(struct trace *trace)
{
	free(trace->events);
	free(trace->arena);
	free(trace);
}

static struct event *event_add(enum event_type type)
{
	struct trace *t = tracing;

	if (t->count == t->capacity) {
		t->capacity = t->capacity * 2 + 256;
		t->events = must(
			realloc(t->events, t->capacity * sizeof(*t->events)));
	}
	memset(&t->events[t->count], 0, sizeof(*t->events));
	t->events[t->count].type = type;
	return &t->events[t->count++];
}

static size_t arena_add(struct trace *t, const void *bytes, size_t size)
{
	size_t at = t->arena_size;

	if (t->arena_size + size > t->arena_capacity) {
		t->arena_capacity = (t->arena_size + size) * 2;
		t->arena = must(realloc(t->arena, t->arena_capacity));
	}
	memcpy(t->arena + at, bytes, size);
	t->arena_size += size;
	return at;
}

static void name_set(char to[NAME_MAX_SIZE], const char *name)
{
	size_t size = strlen(name) + 1;

	assert(size <= NAME_MAX_SIZE);
	memcpy(to, name, size);
}

/* The file that has this name now, as far as the trace knows. */
static int file_named(const struct trace *t, int folder, const char *name)
{
	int file = -1;

	for (size_t i = 0; i < t->count; i++) {
		const struct event *e = &t->events[i];

		if (e->folder != folder)
			continue;
		if (e->type == EVENT_CREATE && strcmp(e->name, name) == 0)
			file = e->file;
		if (e->type == EVENT_UNLINK && strcmp(e->name, name) == 0)
			file = -1;
		if (e->type == EVENT_RENAME && strcmp(e->other, name) == 0)
			file = e->file;
		if (e->type == EVENT_RENAME && strcmp(e->name, name) == 0)
			file = -1;
	}
	return file;
}

/*
 * The wrapped calls.
 */

int __real_openat(int dir, const char *name, int how, ...);
int __real_mkdirat(int dir, const char *name, mode_t mode);
ssize_t __real_pwrite(int fd, const void *bytes, size_t size, off_t at);
int __real_ftruncate(int fd, off_t size);
int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __real_renameat(int a, const char *from, int b, const char *to);
int __real_unlinkat(int dir, const char *name, int flags);
int __real_close(int fd);
int __wrap_openat(int dir, const char *name, int how, ...);
int __wrap_mkdirat(int dir, const char *name, mode_t mode);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t at);
int __wrap_ftruncate(int fd, off_t size);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_renameat(int a, const char *from, int b, const char *to);
int __wrap_unlinkat(int dir, const char *name, int flags);
int __wrap_close(int fd);

/* Whether a changing call has to fail; sets errno. */
static bool call_fails(bool sync)
{
	long call = calls;

	if (dead) {
		errno = EIO;
		return true;
	}
	if (only_syncs && !sync)
		return false;
	calls++;
	if (fail_call < 0 || call < fail_call || (failed && !fail_gone))
		return false;
	failed = true;
	errno = fail_error;
	return true;
}

/* 1 + the number of a traced folder, or 0. */
static int folder_of(int fd)
{
	struct stat st;

	if (tracing == NULL || fstat(fd, &st) < 0)
		return 0;
	for (int i = 0; i < FOLDERS; i++)
		if (folder_fds[i] >= 0 && st.st_ino == folder_stats[i].st_ino &&
			st.st_dev == folder_stats[i].st_dev)
			return i + 1;
	return 0;
}

static void folders_find(int dir_fd)
{
	for (int i = 0; i < FOLDERS; i++) {
		if (folder_fds[i] >= 0)
			__real_close(folder_fds[i]);
		folder_fds[i] = -1;
		if (tracing == NULL)
			continue;
		folder_fds[i] = __real_openat(
			dir_fd, folder_names[i], O_RDONLY | O_DIRECTORY);
		if (folder_fds[i] < 0 ||
			fstat(folder_fds[i], &folder_stats[i]) < 0)
			abort(); /* the tests make them beforehand */
	}
}

void trace_on(struct trace *trace, int dir_fd)
{
	tracing = trace;
	memset(fds, 0, sizeof(fds));
	folders_find(dir_fd);
}

int __wrap_openat(int dir, const char *name, int how, ...)
{
	int folder = folder_of(dir) - 1;
	int known = -1;
	mode_t mode = 0;
	struct stat st;
	va_list list;
	int fd = -1;

	if ((how & O_CREAT) != 0) {
		va_start(list, how);
		mode = (mode_t)va_arg(list, int);
		va_end(list);
		if (fstatat(dir, name, &st, 0) < 0 && call_fails(false))
			return -1;
	}
	fd = __real_openat(dir, name, how, mode);
	if (fd < 0)
		return fd;
	assert(fd < FDS_MAX);
	fds[fd].number = 0; /* closedir does not come through here */
	if (folder < 0)
		return fd;
	fds[fd].folder = (how & O_DIRECTORY) != 0;
	if (fds[fd].folder) {
		fds[fd].number = folder_of(fd);
		return fd;
	}
	known = file_named(tracing, folder, name);
	if (known < 0) {
		struct event *e = event_add(EVENT_CREATE);

		known = e->file = tracing->files++;
		e->folder = folder;
		name_set(e->name, name);
	} else if ((how & O_TRUNC) != 0) {
		event_add(EVENT_CUT)->file = known;
	}
	fds[fd].number = known + 1;
	return fd;
}

int __wrap_mkdirat(int dir, const char *name, mode_t mode)
{
	return __real_mkdirat(dir, name, mode);
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t at)
{
	struct event *e = NULL;

	if (call_fails(false))
		return -1;
	if (tracing != NULL && fds[fd].number > 0) {
		size_t where = arena_add(tracing, bytes, size);

		e = event_add(EVENT_WRITE);
		e->file = fds[fd].number - 1;
		e->at = (uint64_t)at;
		e->size = size;
		e->bytes = where;
	}
	return __real_pwrite(fd, bytes, size, at);
}

int __wrap_ftruncate(int fd, off_t size)
{
	if (call_fails(false))
		return -1;
	if (tracing != NULL && fds[fd].number > 0) {
		struct event *e = event_add(EVENT_CUT);

		e->file = fds[fd].number - 1;
		e->size = (uint64_t)size;
	}
	return __real_ftruncate(fd, size);
}

/* The bytes need not go anywhere: the model says what is on the disk. */
static int sync_call(int fd)
{
	bool fails = call_fails(true);

	if (tracing == NULL || fds[fd].number == 0 || dead)
		return fails ? -1 : 0;
	if (fds[fd].folder) {
		if (!fails)
			event_add(EVENT_SYNC_FOLDER)->folder =
				fds[fd].number - 1;
	} else {
		event_add(fails ? EVENT_SYNC_FAILED : EVENT_SYNC)->file =
			fds[fd].number - 1;
	}
	return fails ? -1 : 0;
}

int __wrap_fsync(int fd)
{
	return sync_call(fd);
}

int __wrap_fdatasync(int fd)
{
	return sync_call(fd);
}

int __wrap_renameat(int a, const char *from, int b, const char *to)
{
	int folder = folder_of(a) - 1;

	if (call_fails(false))
		return -1;
	if (folder >= 0) {
		int file = file_named(tracing, folder, from);
		struct event *e = event_add(EVENT_RENAME);

		e->file = file;
		e->folder = folder;
		name_set(e->name, from);
		name_set(e->other, to);
	}
	return __real_renameat(a, from, b, to);
}

int __wrap_unlinkat(int dir, const char *name, int flags)
{
	int folder = folder_of(dir) - 1;

	if (call_fails(false))
		return -1;
	if (folder >= 0) {
		struct event *e = event_add(EVENT_UNLINK);

		e->folder = folder;
		name_set(e->name, name);
	}
	return __real_unlinkat(dir, name, flags);
}

int __wrap_close(int fd)
{
	if (fd >= 0 && fd < FDS_MAX)
		fds[fd].number = 0;
	return __real_close(fd);
}

void model_kill(bool now_dead)
{
	dead = now_dead;
}

void model_fail(long call, int error, bool gone)
{
	calls = 0;
	failed = false;
	fail_call = call;
	fail_error = error;
	fail_gone = gone;
}

bool model_failed(void)
{
	return failed;
}

long model_calls(void)
{
	return calls;
}

void model_only_syncs(bool only)
{
	only_syncs = only;
}

void trace_note(struct trace *trace, const struct model_note *note)
{
	struct trace *before = tracing;

	tracing = trace;
	event_add(EVENT_NOTE)->note = *note;
	tracing = before;
}

size_t trace_length(const struct trace *trace)
{
	return trace->count;
}

const struct model_note *trace_note_at(const struct trace *trace, size_t at)
{
	static const struct model_note nothing;

	while (at > 0)
		if (trace->events[--at].type == EVENT_NOTE)
			return &trace->events[at].note;
	return &nothing;
}

/*
 * Building a disk.
 */

struct content {
	uint8_t *bytes;
	size_t size;
	size_t capacity;
};

static void content_size(struct content *c, size_t size)
{
	if (size > c->capacity) {
		c->capacity = size * 2;
		c->bytes = must(realloc(c->bytes, c->capacity));
	}
	if (size > c->size)
		memset(c->bytes + c->size, 0, size - c->size);
	c->size = size;
}

static void content_write(
	struct content *c, uint64_t at, const uint8_t *bytes, size_t size)
{
	if (at + size > c->size)
		content_size(c, at + size);
	memcpy(c->bytes + at, bytes, size);
}

/* 0 not at all, 1 whole, 2 torn, 3 with garbage, 4 only the size. */
enum fate { FATE_LOST, FATE_WHOLE, FATE_TORN, FATE_GARBAGE, FATE_SIZE };

static void event_happens(const struct trace *t, const struct event *e,
	enum fate fate, struct content *c, uint64_t *luck)
{
	const uint8_t *bytes = t->arena + e->bytes;

	if (fate == FATE_LOST)
		return;
	if (e->type == EVENT_CUT) {
		content_size(c, e->size);
		return;
	}
	if (e->type != EVENT_WRITE)
		return;
	if (fate == FATE_SIZE) {
		if (e->at + e->size > c->size)
			content_size(c, e->at + e->size);
		return;
	}
	if (fate == FATE_WHOLE) {
		content_write(c, e->at, bytes, e->size);
		return;
	}
	for (uint64_t done = 0; done < e->size;) {
		uint64_t at = e->at + done;
		uint64_t n = SECTOR - at % SECTOR;

		if (n > e->size - done)
			n = e->size - done;
		if (luck_below(luck, 2) == 0) {
			content_write(c, at, bytes + done, n);
		} else if (fate == FATE_GARBAGE &&
			   (at + n > c->size ||
				   memcmp(c->bytes + at, bytes + done, n) !=
					   0)) {
			uint8_t garbage[SECTOR];

			for (size_t i = 0; i < n; i++)
				garbage[i] = (uint8_t)luck_next(luck);
			content_write(c, at, garbage, n);
		}
		done += n;
	}
}

/* The fate of open event number `n` of `count`. */
static enum fate fate_of(enum model_choice choice, size_t n, size_t count,
	uint64_t chosen, uint64_t *luck)
{
	switch (choice) {
	case CHOICE_NONE:
		return FATE_LOST;
	case CHOICE_ALL:
		return FATE_WHOLE;
	case CHOICE_PREFIX:
		return n < chosen ? FATE_WHOLE : FATE_LOST;
	case CHOICE_ALL_BUT_ONE:
		return n == chosen % count ? FATE_LOST : FATE_WHOLE;
	case CHOICE_ONLY_ONE:
		return n == chosen % count ? FATE_WHOLE : FATE_LOST;
	case CHOICE_RANDOM:
		return luck_below(luck, 2) == 0 ? FATE_WHOLE : FATE_LOST;
	case CHOICE_TORN:
		return n == chosen % count ? FATE_TORN : FATE_WHOLE;
	case CHOICE_GARBAGE:
		return n == chosen % count ? FATE_GARBAGE : FATE_WHOLE;
	case CHOICE_SIZE:
		return n < chosen ? FATE_WHOLE : FATE_SIZE;
	case CHOICE_COUNT:
		break;
	}
	return FATE_LOST;
}

/* open[i]: event i, of a file, was not forced to the disk before `at`. */
static size_t events_open(const struct trace *t, size_t at, uint8_t *open)
{
	size_t count = 0;

	memset(open, 0, at);
	for (size_t i = 0; i < at; i++) {
		const struct event *e = &t->events[i];

		if (e->type == EVENT_WRITE || e->type == EVENT_CUT)
			open[i] = i >= t->base;
		if (e->type != EVENT_SYNC && e->type != EVENT_SYNC_FAILED)
			continue;
		for (size_t j = t->base; j < i; j++)
			if (t->events[j].file == e->file && open[j] == 1)
				/* 2: no later sync covers it. */
				open[j] = e->type == EVENT_SYNC ? 0 : 2;
	}
	for (size_t i = 0; i < at; i++)
		count += open[i] != 0;
	return count;
}

/* Which file each name of a folder stands for; names in the order made. */
struct names {
	char name[256][NAME_MAX_SIZE];
	int file[256];
	int count;
};

static void names_set(struct names *names, const char *name, int file)
{
	int i = 0;

	while (i < names->count && strcmp(names->name[i], name) != 0)
		i++;
	if (i == names->count) {
		assert(names->count < 256);
		name_set(names->name[names->count++], name);
	}
	names->file[i] = file;
}

static void names_build(const struct trace *t, size_t at, int folder,
	enum model_choice choice, uint64_t *luck, struct names *names)
{
	size_t sure = t->base;
	size_t open = 0;
	uint64_t kept = 0;

	for (size_t i = t->base; i < at; i++)
		if (t->events[i].type == EVENT_SYNC_FOLDER &&
			t->events[i].folder == folder)
			sure = i;
	for (size_t i = sure; i < at; i++)
		if (t->events[i].folder == folder &&
			(t->events[i].type == EVENT_CREATE ||
				t->events[i].type == EVENT_RENAME ||
				t->events[i].type == EVENT_UNLINK))
			open++;
	kept = luck_below(luck, open + 1);
	if (choice == CHOICE_NONE)
		kept = 0;
	if (choice == CHOICE_ALL)
		kept = open;
	names->count = 0;
	for (size_t i = 0; i < at; i++) {
		const struct event *e = &t->events[i];
		bool names_event = e->type == EVENT_CREATE ||
				   e->type == EVENT_RENAME ||
				   e->type == EVENT_UNLINK;

		if (!names_event || e->folder != folder)
			continue;
		if (i >= sure && kept-- == 0)
			return;
		if (e->type == EVENT_CREATE)
			names_set(names, e->name, e->file);
		if (e->type != EVENT_CREATE)
			names_set(names, e->name, -1);
		if (e->type == EVENT_RENAME)
			names_set(names, e->other, e->file);
	}
}

static void folder_clear(int dir)
{
	int fd = __real_openat(dir, ".", O_RDONLY | O_DIRECTORY);
	DIR *folder = fdopendir(fd);
	const struct dirent *entry = NULL;

	while ((entry = readdir(folder)) != NULL)
		if (entry->d_name[0] != '.')
			(void)__real_unlinkat(dir, entry->d_name, 0);
	closedir(folder);
}

static void file_put(int dir, const char *name, const struct content *c)
{
	int fd = __real_openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	size_t size = c->size;

	while (size > 0 && c->bytes[size - 1] == 0)
		size--;
	if (fd < 0 ||
		(size > 0 && __real_pwrite(fd, c->bytes, size, 0) !=
				     (ssize_t)size) ||
		__real_ftruncate(fd, (off_t)c->size) < 0)
		abort();
	__real_close(fd);
}

void trace_build(const struct trace *t, size_t at, enum model_choice choice,
	uint64_t luck, int dir_fd)
{
	static struct names names;
	struct content *files =
		must(calloc((size_t)t->files + 1, sizeof(*files)));
	uint8_t *open = must(calloc(at + 1, 1));
	size_t count = events_open(t, at, open);
	uint64_t chosen = luck_below(&luck, count + 1);
	size_t n = 0;

	/* The newest writes are where it gets interesting. */
	if (count > 4 && luck_below(&luck, 2) == 0)
		chosen = count - luck_below(&luck, 4);
	for (size_t i = 0; i < at; i++) {
		const struct event *e = &t->events[i];
		enum fate fate = FATE_WHOLE;

		if (e->type != EVENT_WRITE && e->type != EVENT_CUT)
			continue;
		if (open[i] != 0)
			fate = fate_of(choice, n++, count, chosen, &luck);
		event_happens(t, e, fate, &files[e->file], &luck);
	}
	for (int i = 0; i < FOLDERS; i++) {
		int dir = __real_openat(
			dir_fd, folder_names[i], O_RDONLY | O_DIRECTORY);

		folder_clear(dir);
		names_build(t, at, i, choice, &luck, &names);
		for (int j = 0; j < names.count; j++)
			if (names.file[j] >= 0)
				file_put(dir, names.name[j],
					&files[names.file[j]]);
		__real_close(dir);
	}
	for (int i = 0; i < t->files; i++)
		free(files[i].bytes);
	free(files);
	free(open);
}

static void take_file(int folder, int dir, const char *name)
{
	int fd = __real_openat(dir, name, O_RDONLY);
	struct event *e = event_add(EVENT_CREATE);
	uint8_t bytes[64 * 1024];
	uint64_t at = 0;
	ssize_t size = 0;
	int file = tracing->files++;

	e->file = file;
	e->folder = folder;
	name_set(e->name, name);
	while ((size = pread(fd, bytes, sizeof(bytes), (off_t)at)) > 0) {
		size_t where = arena_add(tracing, bytes, (size_t)size);

		e = event_add(EVENT_WRITE);
		e->file = file;
		e->at = at;
		e->size = (uint64_t)size;
		e->bytes = where;
		at += (uint64_t)size;
	}
	__real_close(fd);
}

void trace_take(struct trace *trace, int dir_fd)
{
	struct trace *before = tracing;

	tracing = trace;
	for (int i = 0; i < FOLDERS; i++) {
		int dir = __real_openat(
			dir_fd, folder_names[i], O_RDONLY | O_DIRECTORY);
		DIR *folder = fdopendir(dir);
		const struct dirent *entry = NULL;

		while ((entry = readdir(folder)) != NULL) {
			struct stat st;

			if (fstatat(dir, entry->d_name, &st, 0) == 0 &&
				S_ISREG(st.st_mode))
				take_file(i, dir, entry->d_name);
		}
		closedir(folder);
	}
	trace->base = trace->count;
	tracing = before;
}
