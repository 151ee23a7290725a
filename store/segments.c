/* SPDX-License-Identifier: ISC */
/*
 * segments.c: the files segments/00000000.seg, 00000001.seg, ..., eight
 * hexadecimal digits each.
 *
 * A segment fits the one before it if and only if
 *	(1) its flags say that the one before was lost or never sealed, or
 *	(2) the one before is at least as long as its header says,
 *	(3) and ends there in a SEAL whose header checksum is as it says.
 * What comes behind the SEAL is ignored: zeros that were written ahead, if a
 * disk that failed once forgot that the file was cut.
 * So a missing, cut, exchanged or older copy of a file is found before a
 * single record was read.
 *
 * What this file does not do: say which bytes are durable.
 */
#include "platform.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "segments.h"

enum {
	NAME_DIGITS = 8,
	NAME_SIZE = NAME_DIGITS + sizeof(".seg"),
	DISK_BLOCK = 4096 /* what one bad spot of a disk takes with it */
};

static void segment_name(uint32_t number, char name[NAME_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = NAME_DIGITS - 1; i >= 0; i--, number >>= 4)
		name[i] = digits[number & 15];
	memcpy(name + NAME_DIGITS, ".seg", sizeof(".seg"));
}

/* The number in a file's name, or SEGMENTS_MAX when it is none of ours. */
static uint32_t segment_number(const char *file)
{
	char name[NAME_SIZE];
	uint32_t number = 0;

	if (strlen(file) != NAME_SIZE - 1)
		return SEGMENTS_MAX;
	for (int i = 0; i < NAME_DIGITS; i++) {
		char c = file[i];
		uint32_t digit = c >= 'a' ? (uint32_t)(c - 'a') + 10
					  : (uint32_t)(c - '0');

		number = number << 4 | (digit & 15);
	}
	segment_name(number, name);
	if (number >= SEGMENTS_MAX || strcmp(name, file) != 0)
		return SEGMENTS_MAX;
	return number;
}

int segments_open_file(struct segments *segments, uint32_t number)
{
	char name[NAME_SIZE];

	segment_name(number, name);
	return openat(segments->fd, name,
		(segments->writable ? O_RDWR : O_RDONLY) | O_NOFOLLOW |
			O_CLOEXEC | O_NONBLOCK); /* a FIFO is none */
}

int segments_file(struct segments *segments, uint32_t number)
{
	int fd = files_find(&segments->files, number);

	if (fd >= 0)
		return fd;
	fd = segments_open_file(segments, number);
	if (fd >= 0)
		files_put(&segments->files, number, fd);
	return fd;
}

bool segments_is_there(const struct segments *segments, uint32_t number, int fd)
{
	char name[NAME_SIZE];
	struct stat open_file;
	struct stat named;

	segment_name(number, name);
	return fstat(fd, &open_file) == 0 && open_file.st_nlink > 0 &&
	       fstatat(segments->fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       named.st_dev == open_file.st_dev &&
	       named.st_ino == open_file.st_ino;
}

/* Adds table entries up to `number`, which are lost until proven found. */
static int table_grow(struct segments *segments, uint32_t number)
{
	uint32_t capacity = segments->capacity;
	struct segment *list = NULL;

	while (capacity <= number)
		capacity = capacity == 0 ? 16 : capacity * 2;
	if (capacity > segments->capacity) {
		list = realloc(
			segments->list, (size_t)capacity * sizeof(*list));
		if (list == NULL)
			return -1;
		segments->list = list;
		segments->capacity = capacity;
	}
	for (; segments->count <= number; segments->count++) {
		memset(&segments->list[segments->count], 0,
			sizeof(*segments->list));
		segments->list[segments->count].state = SEGMENT_LOST;
	}
	return 0;
}

static int folder_list(struct segments *segments)
{
	/* A descriptor of its own: a folder's position is shared by dup. */
	int fd = openat(segments->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry = NULL;
	int result = 0;

	if (folder == NULL) {
		if (fd >= 0)
			(void)close(fd); /* was only to be read */
		return -1;
	}
	while (result == 0) {
		uint32_t number = 0;

		errno = 0; /* readdir says by it whether this is the end */
		entry = readdir(folder);
		if (entry == NULL) {
			result = errno == 0 ? 0 : -1;
			break;
		}
		number = segment_number(entry->d_name);
		if (number == SEGMENTS_MAX)
			continue;
		if (number >= segments->count)
			result = table_grow(segments, number);
		if (result == 0)
			segments->list[number].state = SEGMENT_SPOILT;
	}
	(void)closedir(folder); /* was only read */
	return result;
}

/* -1 and errno when the store is not to be touched. */
static int header_load(struct segments *segments, uint32_t number)
{
	struct segment *segment = &segments->list[number];
	struct segment_header header = { 0 };
	uint8_t bytes[FORMAT_HEADER_SIZE];
	int fd = segments_file(segments, number);
	struct stat st;
	bool mended = false;

	if (fd < 0)
		return errno == ENOENT || errno == ELOOP ? 0 : -1;
	if (fstat(fd, &st) < 0)
		return -1;
	segment->size = st.st_size > SEGMENT_SIZE_MAX ? SEGMENT_SIZE_MAX
						      : (uint32_t)st.st_size;
	if (disk_read(fd, bytes, sizeof(bytes), 0) == sizeof(bytes)) {
		switch (segment_header_read(bytes, &header, &mended)) {
		case HEADER_NEWER:
			errno = EPROTONOSUPPORT;
			return -1;
		case HEADER_GOOD:
			if (header.number == number)
				segment->state = SEGMENT_GOOD;
			break;
		case HEADER_BAD:
			break;
		}
	}
	if (segment->state != SEGMENT_GOOD) {
		if (segment->size <= FORMAT_HEADER_SIZE &&
			number == segments->count - 1)
			segment->state = SEGMENT_UNUSED;
		return 0;
	}
	segment->salt = header.salt;
	segment->before_size = header.before_size;
	segment->before_seal = header.before_seal;
	segment->flags = header.flags;
	segment->mended = mended;
	if (segments->store_id == 0)
		segments->store_id = header.store_id;
	if (segments->store_id != header.store_id)
		segment->state = SEGMENT_SPOILT; /* of another store */
	return 0;
}

static bool segment_fits(struct segments *segments, uint32_t number)
{
	const struct segment *segment = &segments->list[number];
	struct segment *before = &segments->list[number - 1];
	uint8_t bytes[RECORD_HEADER_SIZE];
	struct record seal;
	uint32_t at = segment->before_size - RECORD_HEADER_SIZE;

	if ((segment->flags & SEGMENT_AFTER_DAMAGE) != 0) /* (1) */
		return true;
	if (before->state != SEGMENT_GOOD ||
		segment->before_size < FORMAT_HEADER_SIZE ||
		before->size < segment->before_size) /* (2) */
		return false;
	before->size = segment->before_size;
	if (disk_read(segments_file(segments, number - 1), bytes, sizeof(bytes),
		    at) != sizeof(bytes))
		return false;
	return record_read_header(
		       bytes, before->salt, place_at(number - 1, at), &seal) &&
	       seal.kind == RECORD_SEAL &&
	       seal.crc == segment->before_seal; /* (3) */
}

static int headers_load(struct segments *segments)
{
	bool any = false;

	for (uint32_t i = 0; i < segments->count; i++) {
		if (segments->list[i].state == SEGMENT_LOST)
			continue;
		if (header_load(segments, i) < 0)
			return -1;
		any = any || segments->list[i].state == SEGMENT_GOOD;
	}
	for (uint32_t i = 1; i < segments->count; i++)
		if (segments->list[i].state == SEGMENT_GOOD)
			segments->list[i].unlinked = !segment_fits(segments, i);
	if (any || segments->count == 0 ||
		(segments->count == 1 &&
			segments->list[0].state == SEGMENT_UNUSED))
		return 0;
	errno = EBADMSG;
	return -1;
}

static int header_put(int fd, const struct segment_header *header)
{
	uint8_t bytes[FORMAT_HEADER_SIZE];
	struct writer w = writer_over(bytes, sizeof(bytes));

	segment_header_write(&w, header);
	if (disk_write(fd, bytes, w.size, 0) < 0)
		return -1;
	if (disk_sync_all(fd) == 0)
		return 0;
	errno = EIO; /* even a full disk is final, once a flush has failed */
	return -1;
}

static int folder_sync(const struct segments *segments)
{
	if (disk_sync_all(segments->fd) == 0)
		return 0;
	errno = EIO; /* as above */
	return -1;
}

static void segment_unmake(struct segments *segments, uint32_t number, int fd)
{
	char name[NAME_SIZE];
	int error = errno;

	segment_name(number, name);
	if (fd >= 0)
		(void)close(fd); /* nothing in it is of use */
	/* One that stays is found at the next opening, and dropped. */
	(void)unlinkat(segments->fd, name, 0);
	errno = error;
}

int segments_make(struct segments *segments, uint32_t before_size,
	uint32_t before_seal, uint32_t flags)
{
	struct segment_header header = { 0 };
	struct segment *segment = NULL;
	char name[NAME_SIZE];
	int fd = -1;

	header.number = segments->count;
	header.before_size = before_size;
	header.before_seal = before_seal;
	header.flags = flags;
	if (header.number >= SEGMENTS_MAX) {
		errno = EFBIG;
		return -1;
	}
	while (segments->store_id == 0) /* 0 means that there is none */
		random_bytes(&segments->store_id, sizeof(segments->store_id));
	header.store_id = segments->store_id;
	random_bytes(&header.salt, sizeof(header.salt));
	segment_name(header.number, name);
	fd = openat(segments->fd, name,
		O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	if (table_grow(segments, header.number) < 0 ||
		header_put(fd, &header) < 0 || folder_sync(segments) < 0) {
		segments->count = header.number;
		segment_unmake(segments, header.number, fd);
		return -1;
	}
	segment = &segments->list[header.number];
	segment->salt = header.salt;
	segment->size = FORMAT_HEADER_SIZE;
	segment->before_size = before_size;
	segment->before_seal = before_seal;
	segment->flags = flags;
	segment->state = SEGMENT_GOOD;
	return fd;
}

int segments_drop_last(struct segments *segments)
{
	char name[NAME_SIZE];

	files_close(&segments->files); /* the number comes again */
	segment_name(--segments->count, name);
	if (unlinkat(segments->fd, name, 0) < 0)
		return -1;
	return folder_sync(segments);
}

void segments_close(struct segments *segments)
{
	if (segments == NULL)
		return;
	files_close(&segments->files);
	free(segments->list);
	free(segments);
}

struct segments *segments_open(int fd, bool writable)
{
	struct segments *segments = calloc(1, sizeof(*segments));
	int error = 0;

	if (segments == NULL)
		return NULL;
	segments->fd = fd;
	segments->writable = writable;
	if (folder_list(segments) < 0 || headers_load(segments) < 0) {
		error = errno;
		segments_close(segments);
		errno = error;
		return NULL;
	}
	return segments;
}

int window_open(struct window *window, size_t capacity)
{
	memset(window, 0, sizeof(*window));
	window->bytes = malloc(capacity);
	window->capacity = capacity;
	return window->bytes == NULL ? -1 : 0;
}

void window_close(struct window *window)
{
	free(window->bytes);
	window->bytes = NULL;
}

static int window_fill(struct segments *segments, struct window *window,
	const struct stretch *stretch, uint32_t size)
{
	int fd = segments_file(segments, stretch->number);
	ssize_t done = -1;

	window->size = 0;
	if (fd < 0)
		return -1;
	done = disk_read(fd, window->bytes, size, stretch->offset);
	if (done < 0)
		return -1;
	window->number = stretch->number;
	window->start = stretch->offset;
	window->size = (uint32_t)done;
	return 0;
}

bool window_has(const struct window *window, const struct stretch *stretch)
{
	uint32_t skip = stretch->offset - window->start;

	return window->number == stretch->number &&
	       stretch->offset >= window->start && skip <= window->size &&
	       stretch->size <= window->size - skip;
}

const uint8_t *window_get(struct segments *segments, struct window *window,
	const struct stretch *stretch)
{
	uint32_t room = stretch->limit - stretch->offset;
	uint32_t size = stretch->ahead;

	if (stretch->offset >= stretch->limit || stretch->size > room) {
		errno = ENODATA;
		return NULL;
	}
	if (window_has(window, stretch))
		return window->bytes + (stretch->offset - window->start);
	if (size < stretch->size)
		size = stretch->size;
	if (size > room)
		size = room;
	if (size > window->capacity)
		size = (uint32_t)window->capacity;
	/* One bad block must not take its neighbours with it. */
	if (window_fill(segments, window, stretch, size) < 0 &&
		window_fill(segments, window, stretch, stretch->size) < 0)
		return NULL;
	if (window->size < stretch->size) {
		errno = ENODATA;
		return NULL;
	}
	return window->bytes;
}

struct walk walk_from(
	struct segments *segments, struct window *window, uint64_t place)
{
	struct walk walk = { 0 };

	walk.segments = segments;
	walk.window = window;
	walk.number = place_number(place);
	walk.offset = place_offset(place);
	walk.limit = segments->list[walk.number].size;
	return walk;
}

/* Whether a record stands at `offset`; if not, *next is where to look. */
static bool walk_look(struct walk *walk, uint32_t offset, uint32_t *next)
{
	struct stretch stretch = { walk->number, offset, RECORD_HEADER_SIZE,
		(uint32_t)walk->window->capacity, walk->limit };
	uint64_t salt = walk->segments->list[walk->number].salt;
	const uint8_t *bytes =
		window_get(walk->segments, walk->window, &stretch);

	*next = offset + RECORD_ALIGN;
	if (bytes == NULL) {
		*next = errno == ENODATA ? walk->limit
					 : (offset | (DISK_BLOCK - 1)) + 1;
		return false;
	}
	if (!record_read_header(
		    bytes, salt, place_at(walk->number, offset), &walk->record))
		return false;
	stretch.size = (uint32_t)record_space(walk->record.size);
	bytes = window_get(walk->segments, walk->window, &stretch);
	if (bytes == NULL)
		return false;
	walk->body = bytes + RECORD_HEADER_SIZE;
	*next = offset + stretch.size;
	return record_read_body(&walk->record, walk->body);
}

enum walk_step walk_next(struct walk *walk)
{
	uint32_t next = 0;

	walk->start = walk->offset;
	if (walk->offset >= walk->limit)
		return WALK_END;
	if (walk_look(walk, walk->offset, &next)) {
		walk->offset = next;
		return WALK_RECORD;
	}
	for (uint32_t at = next; walk->offset < walk->limit; at = next) {
		walk->offset = at < walk->limit ? at : walk->limit;
		if (walk->offset < walk->limit && walk_look(walk, at, &next))
			break;
	}
	return WALK_HOLE;
}
