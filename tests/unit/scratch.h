/* SPDX-License-Identifier: ISC */
/*
 * scratch.h: a directory for one test, and what tests do with files in it.
 * Includes all that cmocka wants to have included before it.
 */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct scratch {
	char path[256];
	int fd; /* of the directory */
};

static inline void scratch_make(struct scratch *s)
{
	const char *base = getenv("TMPDIR");

	(void)snprintf(s->path, sizeof(s->path), "%s/chat-test-XXXXXX",
		base == NULL ? "/tmp" : base);
	assert_non_null(mkdtemp(s->path));
	s->fd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(s->fd >= 0);
}

static inline void scratch_remove(struct scratch *s)
{
	char command[300];

	assert_int_equal(close(s->fd), 0);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", s->path);
	assert_int_equal(system(command), 0);
}

static inline void scratch_write(
	struct scratch *s, const char *name, const char *text)
{
	int fd = openat(s->fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(close(fd), 0);
}

/* The whole file as text, valid until the next call. */
static inline const char *scratch_read(struct scratch *s, const char *name)
{
	static char text[1 << 16];
	int fd = openat(s->fd, name, O_RDONLY);
	ssize_t size;

	assert_true(fd >= 0);
	size = read(fd, text, sizeof(text) - 1);
	assert_true(size >= 0);
	text[size] = '\0';
	assert_int_equal(close(fd), 0);
	return text;
}

/* For what nobody else can do: to give a file away. */
static inline void only_root(void)
{
	if (geteuid() == 0)
		return;
	(void)printf("SKIPPED, NOT TESTED: files of another user need root\n");
	skip();
}

/* A fixture: each test has a directory of its own as its *state. */
static inline int scratch_setup(void **state)
{
	struct scratch *s = malloc(sizeof(*s));

	assert_non_null(s);
	scratch_make(s);
	*state = s;
	return 0;
}

static inline int scratch_teardown(void **state)
{
	scratch_remove(*state);
	free(*state);
	return 0;
}

#define scratch_test(test)                                                     \
	cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

#endif
