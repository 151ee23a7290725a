/* SPDX-License-Identifier: ISC */
/*
 * log.c: an append-only store of numbered records by many authors.
 *
 * One file, `log`, in the database directory; integers are little-endian.
 *
 *	offset	size	file header
 *	0	8	"chatlog\0"
 *	8	4	version, 0
 *	12	4	crc32c of bytes 0 .. 11
 *
 *	offset	size	record, beginning at a multiple of 8
 *	0	4	crc32c of the record's offset (u64) and bytes 4 .. 31
 *	4	4	crc32c of the body
 *	8	4	size of the body
 *	12	4	kind: 1 data, 2 author (the body is the author's key)
 *	16	4	author: small number, in the order of the author records
 *	20	4	0
 *	24	8	seq: 1, 2, 3, ... by author; 0 in an author record
 *	32	size	body, then zeros up to a multiple of 8
 *
 * A record is valid if and only if
 *	(1) its header is whole and its crc fits its content and its place,
 *	(2) kind is 1 or 2, and size at most LOG_RECORD_MAX,
 *	(3) its body is whole and its crc fits,
 *	(4) author record: size is 32, author is the number of authors so far,
 *	    and the key is new; data record: author is known, and seq is that
 *	    author's newest + 1.
 *
 * Opening reads records until the first that is not valid.  What follows is
 * the torn end of a batch that nobody was told of, and is cut off.
 *
 * Invariants:
 *	1. bytes [0, durable_end) of the file were written, and then fdatasync
 *	   said yes; what a crash may tear lies behind durable_end.
 *	2. The file ends at durable_end, except between a commit's pwrite and
 *	   its fdatasync.
 *	3. places[0 .. count) are the durable data records in arrival order.
 *	4. broken ==> nothing is appended, committed or read any more.
 *
 * It does not know what a record means, split its file, or repair damage.
 */
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

enum {
	HEADER_SIZE = 32,
	FILE_HEADER_SIZE = 16,
	VERSION_NUMBER = 0,
	KIND_DATA = 1,
	KIND_AUTHOR = 2
};

static const char file_magic[8] = "chatlog";

struct place {
	uint64_t offset;
	uint32_t author;
};

struct author {
	uint8_t key[LOG_KEY_SIZE];
	uint64_t head;    /* newest appended */
	uint64_t durable; /* newest durable */
	uint64_t *places; /* index into log->places, by seq - 1 */
	size_t place_capacity;
};

struct log {
	int dir_fd; /* borrowed */
	int lock_fd;
	int fd;
	bool broken;
	uint64_t durable_end;
	uint64_t cut_size; /* bytes cut off at open */
	int64_t retry_ms;  /* 0, or when a full disk is tried again */
	struct author *authors;
	uint32_t author_count;
	uint32_t durable_author_count;
	struct place *places;
	size_t place_count; /* durable ones */
	size_t place_pending;
	size_t place_capacity;
	size_t next; /* of log_next: index into places */
	uint8_t *batch;
	size_t batch_size;
	uint8_t bytes[HEADER_SIZE + LOG_RECORD_MAX + 8];
};

/* Castagnoli's polynomial, reflected: as in iSCSI (RFC 3720, 12.1). */
static uint32_t crc32c(uint32_t crc, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	crc = ~crc;
	for (size_t i = 0; i < size; i++) {
		crc ^= at[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0x82f63b78 & (0 - (crc & 1)));
	}
	return ~crc;
}

static size_t padded(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

/* pread and pwrite that go on after short counts and signals. */
static ssize_t read_at(int fd, void *bytes, size_t size, uint64_t offset)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pread(fd, (uint8_t *)bytes + done, size - done,
			(off_t)(offset + done));

		if (n == 0)
			break;
		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0)
			done += (size_t)n;
	}
	return (ssize_t)done;
}

static int write_at(int fd, const void *bytes, size_t size, uint64_t offset)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pwrite(fd, (const uint8_t *)bytes + done,
			size - done, (off_t)(offset + done));

		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

/* Forces a file's bytes and size to the disk. */
static int sync_data(int fd)
{
#if defined(__APPLE__)
	if (fcntl(fd, F_FULLFSYNC) == 0)
		return 0;
	return fsync(fd);
#elif defined(__linux__) || defined(__FreeBSD__)
	return fdatasync(fd);
#else
	return fsync(fd);
#endif
}

static bool disk_is_full(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

/* Leaf: doubles an array when it is full.  false and ENOMEM when it cannot. */
static bool grow(void **array, size_t *capacity, size_t count, size_t size)
{
	size_t wanted = *capacity == 0 ? 64 : *capacity * 2;
	void *larger;

	if (count < *capacity)
		return true;
	larger = realloc(*array, wanted * size);
	if (larger == NULL)
		return false;
	*array = larger;
	*capacity = wanted;
	return true;
}

static uint32_t header_crc(uint64_t offset, const uint8_t *header)
{
	uint8_t place[8];
	struct writer w = writer_over(place, sizeof(place));

	write_le64(&w, offset);
	return crc32c(
		crc32c(0, place, sizeof(place)), header + 4, HEADER_SIZE - 4);
}

struct header {
	uint32_t crc;
	uint32_t body_crc;
	uint32_t size;
	uint32_t kind;
	uint32_t author;
	uint64_t seq;
};

static struct header header_read(const uint8_t *bytes)
{
	struct reader r = reader_over(bytes, HEADER_SIZE);
	struct header h;

	h.crc = read_le32(&r);
	h.body_crc = read_le32(&r);
	h.size = read_le32(&r);
	h.kind = read_le32(&r);
	h.author = read_le32(&r);
	(void)read_le32(&r);
	h.seq = read_le64(&r);
	return h;
}

/* Composes a whole record for `offset` at `to`; returns its padded size. */
static size_t record_write(uint8_t *to, uint64_t offset, const struct header *h,
	const uint8_t *body)
{
	size_t size = HEADER_SIZE + padded(h->size);
	struct writer w = writer_over(to, size);

	write_le32(&w, 0);
	write_le32(&w, crc32c(0, body, h->size));
	write_le32(&w, h->size);
	write_le32(&w, h->kind);
	write_le32(&w, h->author);
	write_le32(&w, 0);
	write_le64(&w, h->seq);
	write_bytes(&w, body, h->size);
	write_zeros(&w, padded(h->size) - h->size);
	assert(!w.full);
	w = writer_over(to, 4);
	write_le32(&w, header_crc(offset, to));
	return size;
}

/*
 * Reads and checks (1) to (3) of the record at `offset` into log->bytes.
 * 1 when it is valid, 0 when it is not, -1 when the disk fails.
 */
static int record_read(struct log *log, uint64_t offset, struct header *h)
{
	ssize_t got = read_at(log->fd, log->bytes, HEADER_SIZE, offset);

	if (got < 0)
		return -1;
	*h = header_read(log->bytes);
	if (got < HEADER_SIZE || h->crc != header_crc(offset, log->bytes))
		return 0;
	if (h->kind != KIND_DATA && h->kind != KIND_AUTHOR)
		return 0;
	if (h->size > LOG_RECORD_MAX)
		return 0;
	got = read_at(log->fd, log->bytes + HEADER_SIZE, padded(h->size),
		offset + HEADER_SIZE);
	if (got < 0)
		return -1;
	if ((size_t)got < padded(h->size))
		return 0;
	return crc32c(0, log->bytes + HEADER_SIZE, h->size) == h->body_crc;
}

static bool author_add(struct log *log, const uint8_t *key)
{
	struct author *author;

	if (log->authors == NULL)
		log->authors = calloc(LOG_AUTHORS_MAX, sizeof(*log->authors));
	if (log->authors == NULL)
		return false;
	author = &log->authors[log->author_count++];
	memcpy(author->key, key, LOG_KEY_SIZE);
	return true;
}

/* Adds a place that the next commit, or the scan, makes durable. */
static bool place_add(struct log *log, const struct header *h, uint64_t offset)
{
	struct author *author = &log->authors[h->author];
	size_t index = log->place_count + log->place_pending;
	void *places = log->places;
	void *by_seq = author->places;

	if (!grow(&places, &log->place_capacity, index, sizeof(*log->places)))
		return false;
	log->places = places;
	if (!grow(&by_seq, &author->place_capacity, (size_t)h->seq - 1,
		    sizeof(*author->places)))
		return false;
	author->places = by_seq;
	author->places[h->seq - 1] = index;
	author->head = h->seq;
	log->places[index].offset = offset;
	log->places[index].author = h->author;
	log->place_pending++;
	return true;
}

/* All that was appended is on the disk. */
static void places_durable(struct log *log)
{
	for (; log->place_pending > 0; log->place_pending--)
		log->authors[log->places[log->place_count++].author].durable++;
	log->durable_author_count = log->author_count;
}

/* Check (4), and the effect of a valid record.  As record_read returns. */
static int record_apply(
	struct log *log, const struct header *h, uint64_t offset)
{
	const uint8_t *key = log->bytes + HEADER_SIZE;

	if (h->kind == KIND_AUTHOR) {
		if (h->size != LOG_KEY_SIZE || h->author != log->author_count ||
			h->author >= LOG_AUTHORS_MAX ||
			log_find(log, key) != LOG_NO_AUTHOR)
			return 0;
		return author_add(log, key) ? 1 : -1;
	}
	if (h->author >= log->author_count ||
		h->seq != log->authors[h->author].head + 1)
		return 0;
	return place_add(log, h, offset) ? 1 : -1;
}

/* Reads the whole file; its valid beginning ends at durable_end. */
static int log_scan(struct log *log)
{
	struct header h;
	int valid;

	for (;;) {
		valid = record_read(log, log->durable_end, &h);
		if (valid == 1)
			valid = record_apply(log, &h, log->durable_end);
		if (valid != 1)
			break;
		log->durable_end += HEADER_SIZE + padded(h.size);
	}
	places_durable(log);
	return valid;
}

/*
 * Cuts what is torn, and writes the last batch once more: after an fdatasync
 * that failed, reads may show bytes that the disk does not have.
 */
static int log_mend(struct log *log)
{
	size_t tail = LOG_BATCH_MAX;
	struct stat status;
	int result = -1;

	if (fstat(log->fd, &status) < 0)
		return -1;
	log->cut_size = (uint64_t)status.st_size - log->durable_end;
	if (ftruncate(log->fd, (off_t)log->durable_end) < 0)
		return -1;
	if (tail > log->durable_end)
		tail = (size_t)log->durable_end;
	if (read_at(log->fd, log->batch, tail, log->durable_end - tail) ==
		(ssize_t)tail)
		result = write_at(
			log->fd, log->batch, tail, log->durable_end - tail);
	return result < 0 ? -1 : fsync(log->fd);
}

static int log_make(struct log *log)
{
	uint8_t header[FILE_HEADER_SIZE];
	struct writer w = writer_over(header, sizeof(header));

	write_bytes(&w, file_magic, sizeof(file_magic));
	write_le32(&w, VERSION_NUMBER);
	write_le32(&w, crc32c(0, header, 12));
	if (write_at(log->fd, header, sizeof(header), 0) < 0 ||
		fsync(log->fd) < 0)
		return -1;
	return fsync(log->dir_fd);
}

/* 0 when the file is a store; a file that was never begun is begun. */
static int log_check_header(struct log *log)
{
	uint8_t header[FILE_HEADER_SIZE];
	struct reader r = reader_over(header, sizeof(header));
	ssize_t got = read_at(log->fd, header, sizeof(header), 0);
	const uint8_t *magic;
	uint32_t version;

	log->durable_end = FILE_HEADER_SIZE;
	if (got < 0)
		return -1;
	if (got < FILE_HEADER_SIZE)
		return log_make(log);
	magic = read_bytes(&r, sizeof(file_magic));
	version = read_le32(&r);
	errno = EBADMSG;
	if (memcmp(magic, file_magic, sizeof(file_magic)) != 0 ||
		read_le32(&r) != crc32c(0, header, 12))
		return -1;
	errno = EPROTONOSUPPORT;
	return version == VERSION_NUMBER ? 0 : -1;
}

static int lock_take(int dir_fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = openat(dir_fd, "lock",
		O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	char pid[32];
	int size;

	if (fd < 0)
		return -1;
#if defined(F_OFD_SETLK)
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
#else
	if (fcntl(fd, F_SETLK, &lock) < 0) {
#endif
		int error = errno == EACCES ? EAGAIN : errno;

		(void)close(fd); /* nothing was written */
		errno = error;
		return -1;
	}
	/* For people only: who cannot write it can still lock it. */
	size = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) == 0 && size > 0)
		(void)write_at(fd, pid, (size_t)size, 0);
	return fd;
}

pid_t log_holder(int dir_fd)
{
	int fd = openat(dir_fd, "lock", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char text[32] = "";
	long pid = 0;

	if (fd < 0)
		return 0;
	if (read_at(fd, text, sizeof(text) - 1, 0) > 0)
		pid = strtol(text, NULL, 10);
	(void)close(fd); /* it was only read */
	return pid > 0 ? (pid_t)pid : 0;
}

struct log *log_open(int dir_fd)
{
	struct log *log = calloc(1, sizeof(*log));

	if (log == NULL)
		return NULL;
	log->dir_fd = dir_fd;
	log->fd = -1;
	log->lock_fd = lock_take(dir_fd);
	if (log->lock_fd < 0)
		goto fail;
	log->batch = malloc(LOG_BATCH_MAX);
	if (log->batch == NULL)
		goto fail;
	log->fd = openat(
		dir_fd, "log", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (log->fd < 0 || log_check_header(log) < 0)
		goto fail;
	if (log_scan(log) < 0 || log_mend(log) < 0)
		goto fail;
	return log;
fail:
	log_close(log);
	return NULL;
}

void log_close(struct log *log)
{
	int error = errno;

	if (log == NULL)
		return;
	if (log->fd >= 0 && log->batch_size > 0)
		(void)!log_commit(log, INT64_MAX); /* nobody is left to tell */
	for (uint32_t i = 0; i < log->author_count; i++)
		free(log->authors[i].places);
	free(log->authors);
	free(log->places);
	free(log->batch);
	if (log->fd >= 0)
		(void)close(log->fd); /* what counts was fdatasynced */
	if (log->lock_fd >= 0)
		(void)close(log->lock_fd);
	free(log);
	errno = error;
}

void log_want(const struct log *log, struct loop *loop)
{
	if (log->batch_size > 0)
		loop_wake(loop, log->retry_ms);
}

/* Leaf: puts one record at the end of the batch. */
static void batch_add(
	struct log *log, const struct header *h, const uint8_t *body)
{
	log->batch_size += record_write(log->batch + log->batch_size,
		log->durable_end + log->batch_size, h, body);
	assert(log->batch_size <= LOG_BATCH_MAX);
}

int log_append(struct log *log, const struct log_record *record)
{
	uint32_t author = log_find(log, record->key);
	bool is_new = author == LOG_NO_AUTHOR;
	size_t size = HEADER_SIZE + padded(record->size) +
		      (is_new ? HEADER_SIZE + LOG_KEY_SIZE : 0);
	struct header h = { .size = (uint32_t)record->size,
		.kind = KIND_DATA,
		.author = is_new ? log->author_count : author,
		.seq = record->seq };
	struct header introduction = {
		.size = LOG_KEY_SIZE, .kind = KIND_AUTHOR, .author = h.author
	};

	errno = EINVAL;
	if (record->size > LOG_RECORD_MAX ||
		record->seq != log_head(log, author) + 1)
		return -1;
	errno = log->broken ? EIO : ENOSPC;
	if (log->broken || log->retry_ms > 0)
		return -1;
	errno = EAGAIN;
	if (size > LOG_BATCH_MAX - log->batch_size)
		return -1;
	errno = EDQUOT;
	if (is_new && log->author_count == LOG_AUTHORS_MAX)
		return -1;
	if (is_new && !author_add(log, record->key))
		return -1;
	if (is_new)
		batch_add(log, &introduction, record->key);
	if (!place_add(log, &h, log->durable_end + log->batch_size))
		return -1;
	batch_add(log, &h, record->bytes);
	return 0;
}

int log_commit(struct log *log, int64_t now_ms)
{
	errno = EIO;
	if (log->broken)
		return -1;
	if (log->batch_size == 0)
		return 0;
	errno = ENOSPC;
	if (now_ms < log->retry_ms)
		return -1;
	if (write_at(log->fd, log->batch, log->batch_size, log->durable_end) <
		0) {
		log->broken = !disk_is_full(errno);
		log->retry_ms = now_ms + LOG_RETRY_MS;
		return -1;
	}
	if (sync_data(log->fd) < 0) {
		log->broken = true;
		errno = EIO;
		return -1;
	}
	log->retry_ms = 0;
	log->durable_end += log->batch_size;
	log->batch_size = 0;
	places_durable(log);
	return 0;
}

size_t log_waiting(const struct log *log)
{
	return log->batch_size;
}

uint64_t log_cut(const struct log *log)
{
	return log->cut_size;
}

uint32_t log_author_count(const struct log *log)
{
	return log->author_count;
}

uint32_t log_find(const struct log *log, const uint8_t *key)
{
	for (uint32_t i = 0; i < log->author_count; i++) {
		if (memcmp(log->authors[i].key, key, LOG_KEY_SIZE) == 0)
			return i;
	}
	return LOG_NO_AUTHOR;
}

const uint8_t *log_key(const struct log *log, uint32_t author)
{
	assert(author < log->author_count);
	return log->authors[author].key;
}

uint64_t log_head(const struct log *log, uint32_t author)
{
	return author == LOG_NO_AUTHOR ? 0 : log->authors[author].head;
}

uint64_t log_durable(const struct log *log, uint32_t author)
{
	return author == LOG_NO_AUTHOR ? 0 : log->authors[author].durable;
}

uint64_t log_count(const struct log *log)
{
	return log->place_count;
}

static int place_read(struct log *log, size_t index, struct log_record *record)
{
	struct header h;
	int valid = record_read(log, log->places[index].offset, &h);

	errno = valid < 0 ? EIO : EBADMSG;
	if (valid != 1)
		return -1;
	record->key = log->authors[h.author].key;
	record->seq = h.seq;
	record->bytes = log->bytes + HEADER_SIZE;
	record->size = h.size;
	return 0;
}

int log_read(struct log *log, uint32_t author, uint64_t seq,
	struct log_record *record)
{
	errno = ENOENT;
	if (seq == 0 || seq > log_durable(log, author))
		return -1;
	return place_read(
		log, (size_t)log->authors[author].places[seq - 1], record);
}

bool log_next(struct log *log, struct log_record *record)
{
	while (log->next < log->place_count) {
		if (place_read(log, log->next++, record) == 0)
			return true;
	}
	return false;
}

void log_next_last(struct log *log, uint64_t count)
{
	log->next =
		count > log->place_count ? 0 : log->place_count - (size_t)count;
}
