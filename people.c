/* SPDX-License-Identifier: ISC */
/*
 * people.c: own id and others' names, in two small text files.
 *
 *	id	"@" and 64 hex digits, newline
 *	names	lines of ID, one space, NAME, newline; in the order of claims
 *
 * A file is replaced as a whole: written beside it, forced to the disk,
 * renamed, and the directory forced to the disk.  So each is there whole or
 * not at all.
 *
 * Invariant: no two entries have one key.
 */
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "people.h"

enum {
	LINE_MAX_SIZE = WIRE_ID_MAX + 1 + PEOPLE_NAME_MAX + 1,
	SUFFIX_LETTERS = 6,
	UNNAMED_LETTERS = 8
};

struct person {
	uint8_t key[WIRE_KEY_SIZE];
	char name[PEOPLE_NAME_MAX + 1];
	bool first; /* to claim this name */
};

struct people {
	int dir_fd;
	uint8_t own_key[WIRE_KEY_SIZE];
	char own_name[PEOPLE_NAME_MAX + 1];
	struct person *persons;
	size_t count;
	size_t capacity;
	bool dirty; /* names were claimed since they were written */
};

bool people_name_valid(const char *name)
{
	static const char *const reserved[] = { "info", "warn", "error" };
	size_t size = strlen(name);

	if (size < 1 || size > PEOPLE_NAME_MAX)
		return false;
	if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != size)
		return false;
	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++) {
		if (strcmp(name, reserved[i]) == 0)
			return false;
	}
	return name[0] != '-' && name[size - 1] != '-';
}

/*
 * Puts `name` in place of what was there, by way of `name.tmp`.  On an error
 * the old file is still there.
 */
static int file_replace(
	int dir_fd, const char *name, const char *text, size_t size)
{
	char temporary[32];
	int fd, error;
	ssize_t n;

	(void)snprintf(temporary, sizeof(temporary), "%s.tmp", name);
	if (unlinkat(dir_fd, temporary, 0) < 0 && errno != ENOENT)
		return -1;
	fd = openat(dir_fd, temporary,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	for (size_t done = 0; done < size; done += (size_t)n) {
		n = write(fd, text + done, size - done);
		if (n < 0 && errno != EINTR)
			goto fail;
		if (n < 0)
			n = 0;
	}
	if (fsync(fd) < 0)
		goto fail;
	if (close(fd) < 0 || renameat(dir_fd, temporary, dir_fd, name) < 0)
		return -1;
	return fsync(dir_fd);
fail:
	error = errno;
	(void)close(fd);                      /* it has failed already */
	(void)unlinkat(dir_fd, temporary, 0); /* and may stay, if it must */
	errno = error;
	return -1;
}

/* Opens a file of ours for reading; *missing when there is none. */
static FILE *file_open(int dir_fd, const char *name, bool *missing)
{
	int fd = openat(
		dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;
	FILE *file = NULL;

	*missing = fd < 0 && errno == ENOENT;
	errno = fd < 0 ? errno : EBADMSG;
	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		file = fdopen(fd, "r");
	if (fd >= 0 && file == NULL)
		(void)close(fd); /* it was only read */
	return file;
}

static int own_make(struct people *p)
{
	char text[WIRE_ID_MAX + 2];
	size_t size;

	random_bytes(p->own_key, sizeof(p->own_key));
	size = wire_id_of_key(p->own_key, text);
	text[size++] = '\n';
	return file_replace(p->dir_fd, "id", text, size);
}

static int own_read(struct people *p, bool make)
{
	char text[WIRE_ID_MAX + 3];
	bool missing;
	FILE *file = file_open(p->dir_fd, "id", &missing);
	size_t size;

	if (missing && make)
		return own_make(p);
	if (file == NULL)
		return -1;
	size = fread(text, 1, sizeof(text), file);
	(void)fclose(file); /* it was only read */
	errno = EBADMSG;
	if (size != WIRE_ID_MAX + 1 || text[WIRE_ID_MAX] != '\n' ||
		text[0] != '@')
		return -1;
	return wire_key_of_id(text, WIRE_ID_MAX, p->own_key) ? 0 : -1;
}

static struct person *person_find(const struct people *p, const uint8_t *key)
{
	for (size_t i = 0; i < p->count; i++) {
		if (memcmp(p->persons[i].key, key, WIRE_KEY_SIZE) == 0)
			return &p->persons[i];
	}
	return NULL;
}

/* Is the name of person `index` ours, or one before him in the list's? */
static bool name_is_free(const struct people *p, size_t index)
{
	const char *name = p->persons[index].name;

	for (size_t i = 0; i < index; i++) {
		if (strcmp(p->persons[i].name, name) == 0)
			return false;
	}
	return strcmp(p->own_name, name) != 0;
}

static int person_add(struct people *p, const uint8_t *key, const char *name)
{
	struct person *person;

	errno = EDQUOT;
	if (p->count == PEOPLE_MAX)
		return -1;
	if (p->count == p->capacity) {
		size_t wanted = p->capacity == 0 ? 16 : p->capacity * 2;

		person = realloc(p->persons, wanted * sizeof(*person));
		if (person == NULL)
			return -1;
		p->persons = person;
		p->capacity = wanted;
	}
	person = &p->persons[p->count];
	memcpy(person->key, key, WIRE_KEY_SIZE);
	(void)snprintf(person->name, sizeof(person->name), "%s", name);
	person->first = name_is_free(p, p->count++);
	return 0;
}

static int names_line(struct people *p, char *line)
{
	char *space = strchr(line, ' ');
	uint8_t key[WIRE_KEY_SIZE];

	errno = EBADMSG;
	if (space == NULL || strchr(line, '\n') == NULL)
		return -1;
	*space = '\0';
	space[1 + strcspn(space + 1, "\n")] = '\0';
	if (!wire_key_of_id(line, (size_t)(space - line), key) ||
		!people_name_valid(space + 1) || person_find(p, key) != NULL)
		return -1;
	return person_add(p, key, space + 1);
}

static int names_read(struct people *p)
{
	char line[LINE_MAX_SIZE + 2];
	bool missing;
	FILE *file = file_open(p->dir_fd, "names", &missing);
	int result = 0;

	if (missing)
		return 0;
	if (file == NULL)
		return -1;
	while (result == 0 && fgets(line, sizeof(line), file) != NULL)
		result = names_line(p, line);
	if (ferror(file)) {
		errno = EIO;
		result = -1;
	}
	(void)fclose(file); /* it was only read */
	return result;
}

static int names_write(const struct people *p)
{
	char *text = malloc(p->count * LINE_MAX_SIZE + 1);
	char *at = text;
	int result;

	if (text == NULL)
		return -1;
	for (size_t i = 0; i < p->count; i++) {
		size_t size = strlen(p->persons[i].name);

		at += wire_id_of_key(p->persons[i].key, at);
		*at++ = ' ';
		memcpy(at, p->persons[i].name, size);
		at += size;
		*at++ = '\n';
	}
	result = file_replace(p->dir_fd, "names", text, (size_t)(at - text));
	free(text);
	return result;
}

struct people *people_open(
	int dir_fd, const char *own_name, bool make, const char **file)
{
	struct people *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->dir_fd = dir_fd;
	(void)snprintf(p->own_name, sizeof(p->own_name), "%s", own_name);
	*file = "id";
	if (own_read(p, make) < 0)
		goto fail;
	*file = "names";
	if (names_read(p) < 0)
		goto fail;
	return p;
fail:
	people_close(p);
	return NULL;
}

void people_close(struct people *p)
{
	int error = errno;

	if (p == NULL)
		return;
	(void)!people_save(p); /* names are learnt again */
	free(p->persons);
	free(p);
	errno = error;
}

const uint8_t *people_own_key(const struct people *p)
{
	return p->own_key;
}

bool people_claim(struct people *p, const uint8_t *key, const char *name)
{
	struct person *person = person_find(p, key);

	if (!people_name_valid(name) ||
		memcmp(key, p->own_key, WIRE_KEY_SIZE) == 0)
		return true;
	if (person != NULL && strcmp(person->name, name) == 0)
		return true;
	/* Who claims another name is its last claimant, whoever has it. */
	if (person != NULL) {
		p->count--;
		memmove(person, person + 1,
			(size_t)(p->persons + p->count - person) *
				sizeof(*person));
	}
	if (person_add(p, key, name) < 0)
		return false;
	for (size_t i = 0; i < p->count; i++)
		p->persons[i].first = name_is_free(p, i);
	p->dirty = true;
	return true;
}

bool people_unsaved(const struct people *p)
{
	return p->dirty;
}

int people_save(struct people *p)
{
	if (p->dirty && names_write(p) < 0)
		return -1;
	p->dirty = false;
	return 0;
}

void people_show(const struct people *p, const uint8_t *key,
	char shown[PEOPLE_SHOWN_MAX + 1])
{
	const struct person *person = person_find(p, key);
	char id[WIRE_ID_MAX + 1];
	const char *letters;

	if (memcmp(key, p->own_key, WIRE_KEY_SIZE) == 0) {
		(void)snprintf(shown, PEOPLE_SHOWN_MAX + 1, "%s", p->own_name);
		return;
	}
	(void)wire_id_of_key(key, id);
	letters = id[0] == '@' ? id + 1 : id;
	if (person == NULL)
		(void)snprintf(shown, PEOPLE_SHOWN_MAX + 1, "%.*s",
			UNNAMED_LETTERS, letters);
	else if (person->first)
		(void)snprintf(shown, PEOPLE_SHOWN_MAX + 1, "%s", person->name);
	else
		(void)snprintf(shown, PEOPLE_SHOWN_MAX + 1, "%s~%.*s",
			person->name, SUFFIX_LETTERS, letters);
}
