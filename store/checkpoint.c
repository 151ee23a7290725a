/* SPDX-License-Identifier: ISC */
/*
 * checkpoint.c: the file `checkpoint`.  All numbers little-endian.
 *
 *	 0  8  magic     "chatchk" 0
 *	 8  4  version   1
 *	12  4  crc       crc32c of the whole file with these four as zeros
 *	16  8  store id  as in the segments
 *	24  8  place     segment number << 32 | offset: told of up to here
 *	32  4  flags     1: some loss before that place is still unexplained
 *	36  4  unusable  segments that were lost or spoilt
 *	40  4  authors   how many follow
 *	44  4  missing   how many ranges follow those
 *	48  4  places    how many bytes of places follow those
 *	52  4  used      no number in the segments is above this one: it may be
 *	                 that of an author of whom nothing else is known
 *
 *	each author                       each range of missing records
 *	 0 32  key                         0  4  author, counted from 0
 *	32  4  id in the segments          4  4  zeros
 *	36  4  flags, 1: a record may      8  8  first
 *	       stand in the log twice     16  8  last
 *	40  8  top, the newest record
 *
 * The places, u64 each, of every author's newest page: of the records from
 * (top - 1) / 64 * 64 + 1 to top.
 *
 * A checkpoint is good if and only if
 *	(1) magic and version are these,
 *	(2) it is exactly as long as its counts say, and within the limits,
 *	(3) its crc holds.
 */
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint.h"
#include "crc32c.h"

enum {
	CHECKPOINT_VERSION = 1,
	CRC_AT = 12,
	HEADER_SIZE = 56,
	AUTHOR_SIZE = FORMAT_KEY_SIZE + 16,
	MISSING_SIZE = 24,
	CHECKPOINT_SIZE_MAX = HEADER_SIZE + MISSING_MAX * MISSING_SIZE +
			      AUTHORS_MAX * (AUTHOR_SIZE + PLACES_A_PAGE * 8),
	FLAG_DOUBT = 1,
	FLAG_TWICE = 1
};

static const uint8_t MAGIC[8] = "chatchk";

struct counts {
	uint32_t authors;
	uint32_t missing;
	uint32_t places_size;
	uint32_t used;
};

static size_t checkpoint_size(const struct counts *counts)
{
	return HEADER_SIZE + (size_t)counts->authors * AUTHOR_SIZE +
	       (size_t)counts->missing * MISSING_SIZE + counts->places_size;
}

static struct counts counts_of(const struct authors *authors)
{
	struct counts counts = { authors->count, authors->missing_count, 0, 0 };

	for (uint32_t i = 0; i < authors->count; i++)
		counts.places_size += author_page_size(&authors->list[i]);
	return counts;
}

static uint32_t checkpoint_crc(const uint8_t *bytes, size_t size)
{
	static const uint8_t zeros[4];
	uint32_t crc = crc32c(0, bytes, CRC_AT);

	crc = crc32c(crc, zeros, sizeof(zeros));
	return crc32c(crc, bytes + CRC_AT + sizeof(zeros),
		size - CRC_AT - sizeof(zeros));
}

static void checkpoint_put(struct writer *w, const struct checkpoint *c,
	const struct authors *authors, uint32_t crc)
{
	struct counts counts = counts_of(authors);

	write_bytes(w, MAGIC, sizeof(MAGIC));
	write_le32(w, CHECKPOINT_VERSION);
	write_le32(w, crc);
	write_le64(w, c->store_id);
	write_le64(w, c->place);
	write_le32(w, c->doubt ? FLAG_DOUBT : 0);
	write_le32(w, c->unusable);
	write_le32(w, counts.authors);
	write_le32(w, counts.missing);
	write_le32(w, counts.places_size);
	write_le32(w, authors->id_next > 0 ? authors->id_next - 1 : 0);
	for (uint32_t i = 0; i < authors->count; i++) {
		const struct author *a = &authors->list[i];

		write_bytes(w, a->key, sizeof(a->key));
		write_le32(w, a->id);
		write_le32(w, a->twice ? FLAG_TWICE : 0);
		write_le64(w, a->top);
	}
	for (uint32_t i = 0; i < authors->missing_count; i++) {
		const struct missing *m = &authors->missing[i];

		write_le32(w, m->author);
		write_le32(w, 0);
		write_le64(w, m->first);
		write_le64(w, m->last);
	}
	for (uint32_t i = 0; i < authors->count; i++)
		authors_write_page(authors, i, w);
	assert(!w->full);
}

/* In this order: a name in the folder is only ever that of a whole file. */
static int file_replace(int dir_fd, const uint8_t *bytes, size_t size)
{
	int fd = openat(dir_fd, "checkpoint.tmp",
		O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int result = -1;

	if (fd < 0)
		return -1;
	if (disk_write(fd, bytes, size, 0) == 0)
		result = disk_sync_all(fd);
	(void)close(fd); /* it is on the disk, or failed already */
	if (result < 0)
		return -1;
	if (renameat(dir_fd, "checkpoint.tmp", dir_fd, "checkpoint") < 0)
		return -1;
	return disk_sync_all(dir_fd);
}

int checkpoint_save(int dir_fd, const struct checkpoint *checkpoint,
	const struct authors *authors)
{
	struct counts counts = counts_of(authors);
	size_t size = checkpoint_size(&counts);
	uint8_t *bytes = malloc(size);
	struct writer w = writer_over(bytes, size);
	int result = -1;

	if (bytes == NULL)
		return -1;
	checkpoint_put(&w, checkpoint, authors, 0);
	w = writer_over(bytes, size);
	checkpoint_put(&w, checkpoint, authors, checkpoint_crc(bytes, size));
	result = file_replace(dir_fd, bytes, size);
	free(bytes);
	return result;
}

/* Reads the authors and ranges of a file that was found good. */
static int authors_take(
	struct authors *authors, struct reader *r, const struct counts *counts)
{
	for (uint32_t i = 0; i < counts->authors; i++) {
		const uint8_t *key = read_bytes(r, FORMAT_KEY_SIZE);
		uint32_t id = read_le32(r);
		uint32_t flags = read_le32(r);
		uint32_t author = authors_add(authors, key, id);
		struct author *a = NULL;

		if (author == NO_AUTHOR)
			return -1;
		a = &authors->list[author];
		a->twice = (flags & FLAG_TWICE) != 0;
		a->durable = a->top = a->head = a->newest = read_le64(r);
	}
	for (uint32_t i = 0; i < counts->missing; i++) {
		uint32_t author = read_le32(r);
		uint32_t zeros = read_le32(r);
		uint64_t first = read_le64(r);
		uint64_t last = read_le64(r);

		if (author >= authors->count || zeros != 0 || first == 0 ||
			first > last || last > authors->list[author].top) {
			errno = EBADMSG;
			return -1;
		}
		if (authors_lose(authors, author, first, last) < 0)
			return -1;
	}
	for (uint32_t i = 0; i < authors->count; i++)
		if (authors_read_page(authors, i, r) < 0)
			return -1;
	return 0;
}

static bool checkpoint_parse(struct reader *r, size_t size,
	struct checkpoint *checkpoint, struct counts *counts)
{
	const uint8_t *bytes = r->at;
	const uint8_t *magic = read_bytes(r, sizeof(MAGIC));
	uint32_t version = read_le32(r);
	uint32_t crc = read_le32(r);
	uint32_t flags = 0;

	checkpoint->store_id = read_le64(r);
	checkpoint->place = read_le64(r);
	flags = read_le32(r);
	checkpoint->doubt = (flags & FLAG_DOUBT) != 0;
	checkpoint->unusable = read_le32(r);
	counts->authors = read_le32(r);
	counts->missing = read_le32(r);
	counts->places_size = read_le32(r);
	counts->used = read_le32(r);
	if (r->bad || memcmp(magic, MAGIC, sizeof(MAGIC)) != 0 ||
		version != CHECKPOINT_VERSION) /* (1) */
		return false;
	if (counts->authors > AUTHORS_MAX || counts->missing > MISSING_MAX ||
		size != checkpoint_size(counts)) /* (2) */
		return false;
	return crc == checkpoint_crc(bytes, size); /* (3) */
}

enum checkpoint_verdict checkpoint_load(
	int dir_fd, struct checkpoint *checkpoint, struct authors *authors)
{
	enum checkpoint_verdict verdict = CHECKPOINT_ERROR;
	int fd = openat(dir_fd, "checkpoint",
		O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK); /* no FIFO */
	struct counts counts = { 0, 0, 0, 0 };
	uint8_t *bytes = NULL;
	struct reader r;
	struct stat st;

	if (fd < 0)
		return errno == ENOENT                     ? CHECKPOINT_NONE
		       : errno == ELOOP || errno == EACCES ? CHECKPOINT_BAD
							   : CHECKPOINT_ERROR;
	if (fstat(fd, &st) < 0)
		goto done;
	verdict = CHECKPOINT_BAD;
	if (st.st_size < HEADER_SIZE || st.st_size > CHECKPOINT_SIZE_MAX)
		goto done;
	bytes = malloc((size_t)st.st_size);
	if (bytes == NULL) {
		verdict = CHECKPOINT_ERROR;
		goto done;
	}
	if (disk_read(fd, bytes, (size_t)st.st_size, 0) != st.st_size)
		goto done;
	r = reader_over(bytes, (size_t)st.st_size);
	if (!checkpoint_parse(&r, (size_t)st.st_size, checkpoint, &counts))
		goto done;
	verdict = CHECKPOINT_GOOD;
	if (authors_take(authors, &r, &counts) < 0)
		verdict = CHECKPOINT_ERROR;
	if (counts.authors > 0)
		authors_use_id(authors, counts.used);
done:
	free(bytes);
	(void)close(fd); /* was only read */
	return verdict;
}
