/* SPDX-License-Identifier: ISC */
/*
 * disk.c: what is on a machine's disk when its power goes.
 *
 * The nodes' files are real ones; they show what a running machine sees, its
 * cache.  Beside each file stands what is *stable*, that is forced to the
 * disk, and the changes since then, in order:
 *
 *	pwrite, write, ftruncate	a change of the file
 *	openat, mkdir, renameat, ...	a change of the names in the folder
 *	fsync, fdatasync		the file's changes are stable; of a
 *					folder: its names are
 *	one that lies			nothing; until disk_settle
 *	a failed one			of a file: some sectors of it are, and
 *					the rest never will be, whatever the
 *					cache shows and a later call says
 *
 * When the power goes, each open change of a file happens, does not, happens
 * in some sectors of 512 bytes, or leaves only the size; names are kept up to
 * some point.  One mercy: a sector is old or new, not garbage.
 */
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "world.h"

enum { FILES_MAX = 16384, NAMES_MAX = 128, NAME_SIZE = 96, SECTOR = 512 };

enum fate { FATE_LOST, FATE_WHOLE, FATE_TORN, FATE_SIZE };

struct change {
	struct change *next;
	uint64_t at; /* of a file: bytes, or its new size */
	uint64_t size;
	uint8_t *bytes;          /* NULL: only the size changes */
	struct file *file;       /* of a folder: who is now called `name` */
	char name[NAME_SIZE];    /* or "" */
	char no_name[NAME_SIZE]; /* what is nobody's name any more, or "" */
};

struct names {
	int count;
	char name[NAMES_MAX][NAME_SIZE];
	struct file *file[NAMES_MAX];
};

/* A file or a folder that some machine has, or may have again. */
struct file {
	bool used;
	bool folder;
	bool reached; /* it has a name, or may have one again */
	bool kept;    /* the top of a copy */
	int node;
	ino_t inode;    /* 0: it has no name that a running machine sees */
	uint8_t *bytes; /* stable ones */
	size_t size;
	size_t capacity;
	size_t found;        /* where something was found last */
	struct names *names; /* of a folder: stable ones */
	struct change *changes;
	struct change **last;
	struct change **claimed; /* those before it were said to be stable */
};

static char top[200];
static struct file files[FILES_MAX];
static struct file *roots[NODES_MAX];
static struct file *copies[NODES_MAX];
static int file_total; /* no more than these were ever in use */

int __real_openat(int dir, const char *name, int how, ...);
int __real_close(int fd);
int __real_mkdir(const char *path, mode_t mode);
int __real_mkdirat(int dir, const char *name, mode_t mode);
ssize_t __real_pwrite(int fd, const void *bytes, size_t size, off_t at);
ssize_t __real_write(int fd, const void *bytes, size_t size);
int __real_ftruncate(int fd, off_t size);
int __real_renameat(int a, const char *from, int b, const char *to);
int __real_unlinkat(int dir, const char *name, int flags);
int __wrap_openat(int dir, const char *name, int how, ...);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_mkdirat(int dir, const char *name, mode_t mode);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t at);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
int __wrap_ftruncate(int fd, off_t size);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_renameat(int a, const char *from, int b, const char *to);
int __wrap_unlinkat(int dir, const char *name, int flags);
int __wrap_fstatvfs(int fd, struct statvfs *space);

static void name_copy(char to[NAME_SIZE], const char *name)
{
	if (strlen(name) >= NAME_SIZE)
		wrong("the name %s is too long for the simulation", name);
	(void)snprintf(to, NAME_SIZE, "%s", name);
}

/* Files. */

static void change_free(struct change *c)
{
	model_release(c->bytes);
	model_release(c);
}

static void changes_drop(struct file *f)
{
	while (f->changes != NULL) {
		struct change *c = f->changes;

		f->changes = c->next;
		change_free(c);
	}
	f->last = f->claimed = &f->changes;
}

static void file_free(struct file *f)
{
	changes_drop(f);
	model_release(f->bytes);
	model_release(f->names);
	f->used = false;
}

/* Frees what no running machine sees and no power cut can bring back. */
static void files_forget(void)
{
	for (int i = 0; i < file_total; i++)
		files[i].reached = files[i].inode != 0 || files[i].kept;
	for (int i = 0; i < file_total; i++) {
		const struct file *f = &files[i];

		for (int n = 0; f->used && f->folder && n < f->names->count;
			n++)
			f->names->file[n]->reached = true;
		if (!f->used || !f->folder)
			continue;
		for (struct change *c = f->changes; c != NULL; c = c->next) {
			if (c->file != NULL)
				c->file->reached = true;
		}
	}
	for (int i = 0; i < file_total; i++) {
		if (files[i].used && !files[i].reached)
			file_free(&files[i]);
	}
}

static struct file *file_unused(void)
{
	for (int i = 0; i < file_total; i++) {
		if (!files[i].used)
			return &files[i];
	}
	return file_total < FILES_MAX ? &files[file_total++] : NULL;
}

static struct file *file_make(int node, bool folder, ino_t inode)
{
	struct file *f = file_unused();

	if (f == NULL)
		files_forget();
	if (f == NULL)
		f = file_unused();
	if (f == NULL)
		wrong("more than %d files", FILES_MAX);
	memset(f, 0, sizeof(*f));
	f->used = true;
	f->node = node;
	f->folder = folder;
	f->inode = inode;
	f->last = f->claimed = &f->changes;
	if (folder) {
		f->names = model_memory(NULL, sizeof(*f->names));
		f->names->count = 0;
	}
	return f;
}

static struct file *file_of_inode(ino_t inode)
{
	for (int i = 0; i < file_total; i++) {
		if (files[i].used && files[i].inode == inode && inode != 0)
			return &files[i];
	}
	return NULL;
}

static struct file *file_of(int fd)
{
	struct stat status;

	if (world.running == NULL || fstat(fd, &status) < 0 ||
		!(S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)))
		return NULL;
	return file_of_inode(status.st_ino);
}

static struct file *file_named(int dir, const char *name)
{
	struct stat status;

	if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return NULL;
	return file_of_inode(status.st_ino);
}

static struct change *change_add(struct file *f)
{
	struct change *c = model_memory(NULL, sizeof(*c));

	memset(c, 0, sizeof(*c));
	*f->last = c;
	f->last = &c->next;
	return c;
}

static void file_resize(struct file *f, size_t size)
{
	if (size > f->capacity) {
		f->bytes = model_memory(f->bytes, size * 2);
		f->capacity = size * 2;
	}
	if (size > f->size)
		memset(f->bytes + f->size, 0, size - f->size);
	f->size = size;
}

/* A change of bytes reaches the disk, as its fate wants it. */
static void file_apply(struct file *f, const struct change *c, enum fate fate)
{
	size_t end = (size_t)(c->at + c->size), n;

	if (fate == FATE_LOST)
		return;
	if (c->bytes == NULL) {
		file_resize(f, (size_t)c->at);
		return;
	}
	if (end > f->size)
		file_resize(f, end);
	for (size_t at = (size_t)c->at; at < end; at += n) {
		n = SECTOR - at % SECTOR;
		if (n > end - at)
			n = end - at;
		if (fate == FATE_WHOLE || (fate == FATE_TORN && chance(2)))
			memcpy(f->bytes + at, c->bytes + (at - c->at), n);
	}
}

/* And one of names. */
static void names_apply(struct names *n, const char *name, struct file *file)
{
	int i = 0;

	while (i < n->count && strcmp(n->name[i], name) != 0)
		i++;
	if (i == n->count && file == NULL)
		return;
	if (file == NULL) {
		n->file[i] = n->file[--n->count];
		memmove(n->name[i], n->name[n->count], NAME_SIZE);
		return;
	}
	if (i == NAMES_MAX)
		wrong("more than %d names in a folder", NAMES_MAX);
	n->count += i == n->count;
	n->file[i] = file;
	name_copy(n->name[i], name);
}

static void folder_apply(struct file *f, const struct change *c)
{
	if (c->no_name[0] != '\0')
		names_apply(f->names, c->no_name, NULL);
	if (c->name[0] != '\0')
		names_apply(f->names, c->name, c->file);
}

/* Changes before this one reach the disk. */
static void file_sync(struct file *f, const struct change *end)
{
	while (f->changes != end) {
		struct change *c = f->changes;

		if (f->folder)
			folder_apply(f, c);
		else
			file_apply(f, c, FATE_WHOLE);
		f->changes = c->next;
		change_free(c);
	}
	f->claimed = &f->changes;
	if (end == NULL)
		f->last = &f->changes;
}

/* Each open change has a fate.  `manner` is what they have in common. */
static void file_lose(struct file *f, uint64_t manner)
{
	uint64_t count = 0, kept, n = 0;

	for (const struct change *c = f->changes; c != NULL; c = c->next)
		count++;
	kept = manner == 0 ? 0 : manner == 1 ? count : luck(count + 1);
	for (const struct change *c = f->changes; c != NULL; c = c->next) {
		enum fate fate = n++ < kept ? FATE_WHOLE : FATE_LOST;

		if (f->folder) {
			if (fate == FATE_WHOLE)
				folder_apply(f, c);
			continue;
		}
		if (manner == 3) /* any of them */
			fate = (enum fate)luck(FATE_SIZE + 1);
		else if (manner == 4 && n == kept)
			fate = FATE_TORN; /* the last one that is kept */
		else if (manner == 5)
			fate = FATE_TORN;
		file_apply(f, c, fate);
	}
	changes_drop(f);
}

/* A machine's disk. */

/* Writes what is stable to real files, in a folder that is empty. */
static void folder_build(struct file *f, int dir)
{
	for (int i = 0; i < f->names->count; i++) {
		struct file *child = f->names->file[i];
		const char *name = f->names->name[i];
		struct stat status;
		int fd = -1;

		if (child->folder && __real_mkdirat(dir, name, 0700) == 0)
			fd = __real_openat(dir, name, O_RDONLY | O_DIRECTORY);
		else if (!child->folder)
			fd = __real_openat(
				dir, name, O_RDWR | O_CREAT | O_EXCL, 0600);
		if (fd < 0 || fstat(fd, &status) < 0)
			wrong("can not make %s: %s", name, strerror(errno));
		child->inode = status.st_ino;
		if (child->folder)
			folder_build(child, fd);
		else if (child->size > 0 &&
			 __real_pwrite(fd, child->bytes, child->size, 0) !=
				 (ssize_t)child->size)
			wrong("can not write %s: %s", name, strerror(errno));
		__real_close(fd);
	}
}

static int remove_one(const char *path, const struct stat *status, int kind,
	struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	return remove(path);
}

/* Makes the folder of a machine anew, empty. */
static void root_make(int node, struct file *f)
{
	char path[300];
	struct stat status;

	(void)snprintf(path, sizeof(path), "%s/%d", top, node);
	(void)nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	if (__real_mkdir(path, 0700) < 0 || stat(path, &status) < 0)
		wrong("can not make %s: %s", path, strerror(errno));
	f->inode = status.st_ino;
}

void disk_begin(const char *path)
{
	(void)snprintf(top, sizeof(top), "%s", path);
	(void)mkdir(top, 0700); /* it may be there */
	for (int i = 0; i < world.node_count; i++) {
		roots[i] = file_make(i, true, 0);
		root_make(i, roots[i]);
		(void)snprintf(world.nodes[i].dir, sizeof(world.nodes[i].dir),
			"%s/%d/db", top, i);
	}
}

void disk_end(void)
{
	for (int i = 0; i < file_total; i++) {
		if (files[i].used)
			file_free(&files[i]);
	}
	memset(copies, 0, sizeof(copies));
	file_total = 0;
	(void)nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Makes the real files what is stable. */
static void disk_build(const struct node *n)
{
	struct file *root = roots[n->number];
	char path[300];
	int fd;

	root_make(n->number, root);
	(void)snprintf(path, sizeof(path), "%s/%d", top, n->number);
	fd = open(path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		wrong("can not open %s", path);
	folder_build(root, fd);
	__real_close(fd);
	files_forget();
}

void disk_lose(const struct node *n)
{
	uint64_t manner = luck(6);

	trace("disk: %s loses its cache, manner %d", n->name, (int)manner);
	for (int i = 0; i < file_total; i++) {
		if (!files[i].used || files[i].node != n->number)
			continue;
		file_lose(&files[i], manner);
		files[i].inode = 0;
	}
	disk_build(n);
}

void disk_settle(const struct node *n)
{
	for (int i = 0; i < file_total; i++) {
		if (files[i].used && files[i].node == n->number)
			file_sync(&files[i], *files[i].claimed);
	}
}

/* What is stable, for another disk, or for none: -1. */
static struct file *tree_copy(const struct file *from, int node)
{
	struct file *to = file_make(node, from->folder, 0);

	to->kept = true; /* while it is made */
	if (!from->folder)
		file_resize(to, from->size);
	if (from->size > 0)
		memcpy(to->bytes, from->bytes, from->size);
	for (int i = 0; from->folder && i < from->names->count; i++) {
		struct file *child = tree_copy(from->names->file[i], node);

		names_apply(to->names, from->names->name[i], child);
		child->kept = false;
	}
	return to;
}

void disk_copy(const struct node *n)
{
	struct file **copy = &copies[n->number];

	if (*copy != NULL)
		(*copy)->kept = false;
	*copy = tree_copy(roots[n->number], -1);
	trace("disk: %s is copied", n->name);
}

bool disk_restore(const struct node *n)
{
	struct file *root = roots[n->number], *copy;

	if (copies[n->number] == NULL)
		return false;
	copy = tree_copy(copies[n->number], n->number);
	copy->kept = false;
	memcpy(root->names, copy->names, sizeof(*root->names));
	disk_build(n);
	trace("disk: %s is given its copy", n->name);
	return true;
}

void disk_replace(const struct node *n)
{
	roots[n->number]->names->count = 0;
	disk_build(n);
	trace("disk: %s is given a new one", n->name);
}

static bool file_holds(struct file *f, const void *bytes, size_t size)
{
	const uint8_t *at = NULL;

	if (f->size == 0)
		return false;
	/* What is looked for stands mostly behind what was found last. */
	if (f->found <= f->size)
		at = memmem(
			f->bytes + f->found, f->size - f->found, bytes, size);
	if (at == NULL)
		at = memmem(f->bytes, f->size, bytes, size);
	if (at != NULL)
		f->found = (size_t)(at - f->bytes);
	return at != NULL;
}

static bool folder_holds(const struct file *f, const void *bytes, size_t size)
{
	for (int i = 0; i < f->names->count; i++) {
		struct file *child = f->names->file[i];

		if (child->folder ? folder_holds(child, bytes, size)
				  : file_holds(child, bytes, size))
			return true;
	}
	return false;
}

bool disk_holds(const struct node *n, const void *bytes, size_t size)
{
	return folder_holds(roots[n->number], bytes, size);
}

/* The calls. */

/* May the running node change its disk?  If not, errno says why. */
static bool call_fails(void)
{
	errno = EIO;
	if (call_is_stopped())
		return true;
	errno = ENOSPC;
	return world.running->full;
}

/* A name in a folder stands for another file, or for none. */
static void name_changes(
	struct file *folder, const char *no_name, const char *name, int dir)
{
	struct change *c;
	struct file *file = name == NULL ? NULL : file_named(dir, name);

	if (folder == NULL)
		return;
	c = change_add(folder);
	if (no_name != NULL)
		name_copy(c->no_name, no_name);
	if (file == NULL)
		return;
	name_copy(c->name, name);
	c->file = file;
}

int __wrap_openat(int dir, const char *name, int how, ...)
{
	struct file *folder = file_of(dir);
	mode_t mode = 0;
	va_list list;
	struct stat status;
	int fd;

	if ((how & O_CREAT) != 0) {
		va_start(list, how);
		mode = (mode_t)va_arg(list, int);
		va_end(list);
	}
	if (folder == NULL || (how & O_CREAT) == 0 ||
		fstatat(dir, name, &status, 0) == 0) {
		fd = __real_openat(dir, name, how & ~O_TRUNC, mode);
		if (fd >= 0 && (how & O_TRUNC) != 0 &&
			__wrap_ftruncate(fd, 0) < 0) {
			__real_close(fd);
			return -1;
		}
		return fd;
	}
	if (call_fails())
		return -1;
	fd = __real_openat(dir, name, how, mode);
	if (fd < 0 || fstat(fd, &status) < 0)
		return fd;
	(void)file_make(folder->node, false, status.st_ino);
	name_changes(folder, NULL, name, dir);
	return fd;
}

int __wrap_mkdirat(int dir, const char *name, mode_t mode)
{
	struct file *folder = file_of(dir);
	struct stat status;
	int result;

	if (folder == NULL)
		return __real_mkdirat(dir, name, mode);
	if (fstatat(dir, name, &status, 0) < 0 && call_fails())
		return -1;
	result = __real_mkdirat(dir, name, mode);
	if (result < 0 || fstatat(dir, name, &status, 0) < 0)
		return result;
	(void)file_make(folder->node, true, status.st_ino);
	name_changes(folder, NULL, name, dir);
	return result;
}

/* The database's own folder is the only one that is made by its path. */
int __wrap_mkdir(const char *path, mode_t mode)
{
	char parent[300];
	int dir, result, error;

	if (world.running == NULL)
		return __real_mkdir(path, mode);
	(void)snprintf(
		parent, sizeof(parent), "%s/%d", top, world.running->number);
	dir = open(parent, O_RDONLY | O_DIRECTORY);
	result = __wrap_mkdirat(dir, strrchr(path, '/') + 1, mode);
	error = errno;
	__real_close(dir);
	errno = error;
	return result;
}

static ssize_t write_some(
	struct file *f, int fd, const void *bytes, size_t size, off_t at)
{
	struct change *c;
	ssize_t n;

	if (size == 0)
		return 0;
	n = __real_pwrite(fd, bytes, size, at);
	if (n <= 0)
		return n;
	c = change_add(f);
	c->at = (uint64_t)at;
	c->size = (uint64_t)n;
	c->bytes = model_memory(NULL, (size_t)n);
	memcpy(c->bytes, bytes, (size_t)n);
	return n;
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t at)
{
	struct file *f = file_of(fd);
	bool was_dead = f != NULL && world.running->dead;

	if (f == NULL)
		return __real_pwrite(fd, bytes, size, at);
	if (call_fails()) {
		int error = errno;

		if (!was_dead) /* then it had begun */
			(void)!write_some(f, fd, bytes, luck(size + 1), at);
		errno = error;
		return -1;
	}
	if (size > 1 && chance(16))
		size = 1 + luck(size - 1);
	return write_some(f, fd, bytes, size, at);
}

ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
	const struct file *f = file_of(fd);
	off_t at;
	ssize_t n;

	if (world.running == NULL)
		return __real_write(fd, bytes, size);
	if (f != NULL) {
		at = lseek(fd, 0, SEEK_CUR);
		n = __wrap_pwrite(fd, bytes, size, at);
		if (n > 0)
			(void)lseek(fd, at + n, SEEK_SET);
		return n;
	}
	errno = EIO;
	if (world.running->dead)
		return -1;
	n = __real_write(fd, bytes, size);
	world.running->wrote = true;
	screen_read(world.running);
	return n;
}

int __wrap_ftruncate(int fd, off_t size)
{
	struct file *f = file_of(fd);

	if (f == NULL)
		return __real_ftruncate(fd, size);
	errno = EIO;
	if (call_is_stopped())
		return -1;
	change_add(f)->at = (uint64_t)size;
	return __real_ftruncate(fd, size);
}

/* Nothing is forced anywhere but into the model. */
static int sync_call(int fd)
{
	struct file *f = file_of(fd);
	struct node *n = world.running;

	if (f == NULL)
		return 0;
	errno = EIO;
	if (call_is_stopped())
		return -1;
	if (!n->sync_fails && !n->sync_lies) {
		file_sync(f, NULL);
		return 0;
	}
	if (!n->sync_fails) {
		f->claimed = f->last;
		return 0;
	}
	trace("disk: an fsync of %s fails", n->name);
	n->sync_fails = false;
	n->disk_failed = n->disk_hurt = true;
	file_sync(f, *f->claimed);
	if (!f->folder)
		file_lose(f, 3);
	errno = EIO;
	return -1;
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
	struct file *folder = file_of(a), *replaced = NULL;

	if (folder != NULL) {
		errno = EIO;
		if (call_is_stopped())
			return -1;
		replaced = file_named(b, to);
	}
	if (__real_renameat(a, from, b, to) < 0)
		return -1;
	if (replaced != NULL)
		replaced->inode = 0;
	name_changes(folder, from, to, b);
	return 0;
}

int __wrap_unlinkat(int dir, const char *name, int flags)
{
	struct file *folder = file_of(dir), *removed = NULL;

	if (folder != NULL) {
		errno = EIO;
		if (call_is_stopped())
			return -1;
		removed = file_named(dir, name);
	}
	if (__real_unlinkat(dir, name, flags) < 0)
		return -1;
	if (removed != NULL)
		removed->inode = 0;
	name_changes(folder, name, NULL, dir);
	return 0;
}

int __wrap_fstatvfs(int fd, struct statvfs *space)
{
	(void)fd;
	memset(space, 0, sizeof(*space));
	space->f_frsize = 4096;
	space->f_blocks = 1 << 20;
	space->f_bavail = world.running->full ? 0 : 1 << 19;
	return 0;
}
