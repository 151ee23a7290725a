/* SPDX-License-Identifier: ISC */
/*
 * fuzz_log.c: opens a damaged store.  The input edits a good one: each
 * edit is a file (1 byte), an offset (2) and what happens there (1 byte and
 * its argument, 1): a flip, a byte, a cut, zeros, a copy of earlier bytes.
 *
 * Whatever is there, opening, reading everything, appending and opening
 * again neither crashes nor gives back a record that was never written.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "log.h"

enum { FILES = 6, FILE_MAX = 16384, AUTHORS = 3, RECORDS = 120 };

static const struct log_sizes sizes = { 3000, 512, 2000 };

static const char *const names[FILES] = { "segments/00000000.seg",
	"segments/00000001.seg", "segments/00000002.seg",
	"segments/00000003.seg", "checkpoint",
	"authors/"
	"0000000000000000000000000000000000000000000000000000000000000000"
	".idx" };

static struct {
	uint8_t bytes[FILE_MAX];
	size_t size;
} good[FILES];

static int dir_fd = -1;

static void must(int condition)
{
	if (!condition)
		abort();
}

static void record_make(uint32_t author, uint64_t seq, uint8_t body[40])
{
	struct writer w = writer_over(body, 40);

	write_le64(&w, seq * AUTHORS + author);
	write_le64(&w, seq);
	write_le64(&w, author);
	write_le64(&w, seq * 31);
	write_le64(&w, seq * 37);
}

static void append(struct log *log, uint32_t author)
{
	uint8_t key[LOG_KEY_SIZE] = { (uint8_t)author };
	uint8_t body[40];
	struct log_record r = { key, 0, body, sizeof(body) };

	r.seq = log_head(log, log_find(log, key)) + 1;
	record_make(author, r.seq, body);
	must(log_append(log, &r) == 0 || errno == EDQUOT || errno == EFBIG);
}

static void record_check(const struct log_record *r)
{
	uint8_t body[40];

	must(r->size == sizeof(body));
	record_make(r->key[0], r->seq, body);
	must(memcmp(r->bytes, body, sizeof(body)) == 0);
}

static void file_put(const char *name, const uint8_t *bytes, size_t size)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	must(fd >= 0 && pwrite(fd, bytes, size, 0) == (ssize_t)size);
	must(close(fd) == 0);
}

static void folder_clear(const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry = NULL;

	while (folder != NULL && (entry = readdir(folder)) != NULL)
		if (entry->d_name[0] != '.')
			(void)unlinkat(fd, entry->d_name, 0); /* or a folder */
	if (folder != NULL)
		must(closedir(folder) == 0);
}

static char path[40] = "/tmp/fuzz-log-XXXXXX";

static void store_remove(void)
{
	folder_clear(".");
	folder_clear("segments");
	folder_clear("authors");
	(void)unlinkat(dir_fd, "segments", AT_REMOVEDIR); /* at the end */
	(void)unlinkat(dir_fd, "authors", AT_REMOVEDIR);
	(void)rmdir(path);
}

/* A store of some segments, written once, edited by each input. */
static void store_make(void)
{
	struct log *log = NULL;

	if (access("/dev/shm", W_OK) == 0)
		(void)snprintf(path, sizeof(path), "/dev/shm/fuzz-log-XXXXXX");
	must(mkdtemp(path) != NULL);
	dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(dir_fd >= 0 && atexit(store_remove) == 0);
	log = log_open_sized(dir_fd, &sizes);
	must(log != NULL);
	for (uint32_t i = 0; i < RECORDS; i++) {
		append(log, i % AUTHORS == 2 && i < 60 ? 0 : i % AUTHORS);
		must(log_commit(log, 0) == 0);
	}
	log_close(log);
	for (int i = 0; i < FILES; i++) {
		int fd = openat(dir_fd, names[i], O_RDONLY);
		ssize_t size = 0;

		if (fd < 0)
			continue;
		size = pread(fd, good[i].bytes, FILE_MAX, 0);
		must(size > 0 && close(fd) == 0);
		good[i].size = (size_t)size;
	}
}

static void edit(struct reader *r)
{
	uint32_t file = read_u8(r) % FILES;
	size_t at = read_le16(r);
	uint8_t what = read_u8(r);
	uint8_t how = read_u8(r);
	static uint8_t bytes[FILE_MAX];
	int fd = openat(dir_fd, names[file], O_RDWR);
	ssize_t size = fd < 0 ? -1 : pread(fd, bytes, sizeof(bytes), 0);

	if (size > 0) {
		at %= (size_t)size;
		if (what % 5 == 0)
			bytes[at] ^= (uint8_t)(1U << how % 8);
		if (what % 5 == 1)
			bytes[at] = how;
		for (size_t i = at;
			what % 5 == 3 && i < (size_t)size && i < at + how; i++)
			bytes[i] = 0;
		for (size_t i = at; what % 5 == 4 && i < (size_t)size &&
				    i >= (size_t)how * 8 && i < at + 200;
			i++)
			bytes[i] = bytes[i - (size_t)how * 8];
		must(pwrite(fd, bytes, (size_t)size, 0) == size);
		if (what % 5 == 2)
			must(ftruncate(fd, (off_t)at) == 0);
	}
	if (fd >= 0)
		must(close(fd) == 0);
	if (what == 255)
		(void)unlinkat(dir_fd, names[file], 0); /* perhaps again */
}

static void read_everything(struct log *log)
{
	struct log_record r;
	struct log_problem p;

	for (uint32_t a = 0; a < log_author_count(log); a++) {
		struct log_cursor back = { .author = a };

		must(log_durable(log, a) <= log_head(log, a));
		must(log_durable(log, a) <= log_newest(log, a));
		for (uint64_t q = 1; q <= log_newest(log, a) && q < 200; q++)
			if (log_read(log, a, q, &r) == 0)
				record_check(&r);
		back.seq = log_newest(log, a) < 200 ? log_newest(log, a) : 200;
		for (; back.seq > 0; back.seq--)
			if (log_read_at(log, &back, &r) == 0)
				record_check(&r);
	}
	while (log_next(log, &r))
		record_check(&r);
	while (log_next_problem(log, &p))
		(void)log_trouble_name(p.trouble);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct reader r = reader_over(bytes, size);
	struct log *log = NULL;

	if (dir_fd < 0)
		store_make();
	folder_clear(".");
	folder_clear("segments");
	folder_clear("authors");
	for (int i = 0; i < FILES; i++)
		if (good[i].size > 0)
			file_put(names[i], good[i].bytes, good[i].size);
	for (int i = 0; i < 30 && r.left >= 5; i++)
		edit(&r);
	log = log_check(dir_fd);
	log_close(log);
	for (int life = 0; life < 2; life++) {
		log = log_open_sized(dir_fd, &sizes);
		if (log == NULL)
			return 0;
		read_everything(log);
		for (uint32_t a = 0; a < AUTHORS; a++)
			append(log, a);
		must(log_commit(log, 0) == 0);
		log_close(log);
	}
	return 0;
}
