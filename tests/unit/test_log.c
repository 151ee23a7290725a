/* SPDX-License-Identifier: ISC */
/*
 * The store: golden bytes, every cut, every flipped byte, each row of the
 * table of faults.  The calls on files are wrapped by the linker.
 */
#include "scratch.h"

#include <sys/wait.h>

#include "log.h"
#include "store/checkpoint.h"
#include "store/crc32c.h"
#include "store/format.h"

static const struct log_sizes small = { 4096, 1024, 100 * 1000 };

/*
 * Faults: what the next calls answer.
 */

static struct {
	int write_error;   /* of every pwrite, while not 0 */
	int write_after;   /* so many succeed before */
	size_t write_most; /* bytes that one pwrite takes; 0: all */
	bool interrupted;  /* every other call is */
	int sync_error;
	int cut_error;
	int read_error;
	off_t read_from; /* only of reads that touch this offset */
} fault;

static unsigned sync_count;
static unsigned read_count;
static bool odd;

ssize_t __real_pwrite(int fd, const void *bytes, size_t size, off_t at);
ssize_t __real_pread(int fd, void *bytes, size_t size, off_t at);
int __real_fdatasync(int fd);
int __real_fsync(int fd);
int __real_ftruncate(int fd, off_t size);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t at);
ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t at);
int __wrap_fdatasync(int fd);
int __wrap_fsync(int fd);
int __wrap_ftruncate(int fd, off_t size);

static bool interrupts(void)
{
	odd = !odd;
	if (!fault.interrupted || !odd)
		return false;
	errno = EINTR;
	return true;
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t at)
{
	if (interrupts())
		return -1;
	if (fault.write_error != 0 && fault.write_after-- <= 0) {
		errno = fault.write_error;
		return -1;
	}
	if (fault.write_most != 0 && size > fault.write_most)
		size = fault.write_most;
	return __real_pwrite(fd, bytes, size, at);
}

ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t at)
{
	if (interrupts())
		return -1;
	read_count++;
	if (fault.read_error != 0 && at <= fault.read_from &&
		fault.read_from < at + (off_t)size) {
		errno = fault.read_error;
		return -1;
	}
	return __real_pread(fd, bytes, size, at);
}

static int sync_answer(void)
{
	if (interrupts())
		return -1;
	sync_count++;
	errno = fault.sync_error;
	return fault.sync_error != 0 ? -1 : 0;
}

int __wrap_fdatasync(int fd)
{
	(void)fd; /* no test here loses power: tests/crash does */
	return sync_answer();
}

int __wrap_fsync(int fd)
{
	(void)fd;
	return sync_answer();
}

int __wrap_ftruncate(int fd, off_t size)
{
	if (fault.cut_error != 0) {
		errno = fault.cut_error;
		return -1;
	}
	return __real_ftruncate(fd, size);
}

/*
 * Stores.
 */

static struct scratch s;

static int setup(void **state)
{
	(void)state;
	memset(&fault, 0, sizeof(fault));
	scratch_make(&s);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	memset(&fault, 0, sizeof(fault));
	scratch_remove(&s);
	return 0;
}

static const uint8_t *key_of(uint32_t author)
{
	static uint8_t key[LOG_KEY_SIZE];

	memset(key, 0xaa, sizeof(key));
	key[0] = (uint8_t)author;
	key[1] = (uint8_t)(author >> 8);
	return key;
}

/* The body says whose and which it is. */
static size_t body_of(uint32_t author, uint64_t seq, uint8_t body[64])
{
	struct writer w = writer_over(body, 64);

	write_le64(&w, seq);
	write_le32(&w, author);
	write_zeros(&w, seq % 20);
	return w.size;
}

static int append(struct log *log, uint32_t author, uint64_t seq)
{
	uint8_t body[64];
	struct log_record r = { key_of(author), seq, body, 0 };

	r.size = body_of(author, seq, body);
	return log_append(log, &r);
}

static int add(struct log *log, uint32_t author)
{
	return append(
		log, author, log_head(log, log_find(log, key_of(author))) + 1);
}

static void must_add(struct log *log, uint32_t author)
{
	assert_int_equal(add(log, author), 0);
}

static void must_commit(struct log *log)
{
	assert_int_equal(log_commit(log, 0), 0);
}

static struct log *must_open(void)
{
	struct log *log = log_open_sized(s.fd, &small);

	assert_non_null(log);
	return log;
}

/* As a kill does: what the disk has stays, nothing is added. */
static void kill_store(struct log *log)
{
	fault.write_error = fault.cut_error = EIO;
	fault.write_after = 0;
	log_close(log);
	fault.write_error = fault.cut_error = 0;
}

static void assert_record(
	const struct log_record *r, uint32_t author, uint64_t seq)
{
	uint8_t body[64];
	size_t size = body_of(author, seq, body);

	assert_int_equal(r->size, size);
	assert_memory_equal(r->bytes, body, size);
	assert_true(r->seq == seq);
	assert_memory_equal(r->key, key_of(author), LOG_KEY_SIZE);
}

static bool reads(struct log *log, uint32_t author, uint64_t seq)
{
	struct log_record r;

	if (log_read(log, log_find(log, key_of(author)), seq, &r) < 0)
		return false;
	assert_record(&r, author, seq);
	return true;
}

static struct log_cursor cursor_at(
	struct log *log, uint32_t author, uint64_t seq)
{
	struct log_cursor cursor = { .seq = seq };

	cursor.author = log_find(log, key_of(author));
	return cursor;
}

/* The same by a cursor. */
static bool reads_at(
	struct log *log, struct log_cursor *cursor, uint32_t author)
{
	struct log_record r;

	if (log_read_at(log, cursor, &r) < 0)
		return false;
	assert_record(&r, author, cursor->seq);
	return true;
}

static uint64_t head(const struct log *log, uint32_t author)
{
	return log_head(log, log_find(log, key_of(author)));
}

static uint64_t durable(const struct log *log, uint32_t author)
{
	return log_durable(log, log_find(log, key_of(author)));
}

static unsigned problems(struct log *log, enum log_trouble trouble)
{
	struct log_problem p;
	unsigned count = 0;

	while (log_next_problem(log, &p))
		count += p.trouble == trouble;
	return count;
}

static uint64_t arrivals(struct log *log)
{
	struct log_record r;
	uint64_t count = 0;

	while (log_next(log, &r))
		count++;
	return count;
}

static const char *const SEGMENT = "segments/00000000.seg";

static size_t file_load(const char *name, uint8_t *bytes, size_t size)
{
	int fd = openat(s.fd, name, O_RDONLY);
	ssize_t got;

	assert_true(fd >= 0);
	got = __real_pread(fd, bytes, size, 0);
	assert_true(got >= 0);
	close(fd);
	return (size_t)got;
}

static void file_store(const char *name, const uint8_t *bytes, size_t size)
{
	int fd = openat(s.fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(__real_pwrite(fd, bytes, size, 0), (ssize_t)size);
	close(fd);
}

static void file_flip(const char *name, off_t at)
{
	uint8_t byte = 0;
	int fd = openat(s.fd, name, O_RDWR);

	assert_true(fd >= 0);
	assert_int_equal(__real_pread(fd, &byte, 1, at), 1);
	byte ^= 0x10;
	assert_int_equal(__real_pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static const char *index_of(uint32_t author)
{
	static char name[100];
	size_t size = (size_t)snprintf(name, sizeof(name), "authors/");

	for (int i = 0; i < LOG_KEY_SIZE; i++, size += 2)
		(void)snprintf(name + size, sizeof(name) - size, "%02x",
			key_of(author)[i]);
	(void)snprintf(name + size, sizeof(name) - size, ".idx");
	return name;
}

/* Where a record's body begins in the first segment. */
static off_t body_at(uint32_t author, uint64_t seq)
{
	static uint8_t bytes[1 << 16];
	uint8_t body[64];
	size_t size = body_of(author, seq, body);
	size_t left = file_load(SEGMENT, bytes, sizeof(bytes));

	for (size_t i = 0; i + size <= left; i += 8)
		if (memcmp(bytes + i, body, size) == 0)
			return (off_t)i;
	fail();
	return 0;
}

/*
 * The format.
 */

static void crc32c_has_the_known_check_values(void **state)
{
	uint8_t zeros[32] = { 0 };

	(void)state;
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
	assert_int_equal(crc32c(0, zeros, 32), 0x8a9136aa); /* RFC 3720 */
}

static const struct segment_header header = { 0x0807060504030201,
	0x1817161514131211, 0x21222324, 0x31323334, 0x41424344, 1, 1 };

static void segment_header_has_golden_bytes(void **state)
{
	static const uint8_t golden[FORMAT_HEADER_SIZE] = { 'c', 'h', 'a', 't',
		'l', 'o', 'g', 0, 1, 0, 0, 0, 0x3e, 0x7c, 0x8f, 0xe3, 1, 2, 3,
		4, 5, 6, 7, 8, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18,
		0x24, 0x23, 0x22, 0x21, 0x34, 0x33, 0x32, 0x31, 0x44, 0x43,
		0x42, 0x41, 1 };
	uint8_t bytes[FORMAT_HEADER_SIZE];
	struct writer w = writer_over(bytes, sizeof(bytes));
	struct segment_header again = { 0 };
	bool mended = true;

	(void)state;
	segment_header_write(&w, &header);
	assert_memory_equal(bytes, golden, sizeof(golden));
	assert_int_equal(
		segment_header_read(bytes, &again, &mended), HEADER_GOOD);
	assert_false(mended);
	assert_memory_equal(&again, &header, sizeof(header));
}

static void segment_header_with_one_flipped_bit_is_put_right(void **state)
{
	uint8_t bytes[FORMAT_HEADER_SIZE];
	struct writer w = writer_over(bytes, sizeof(bytes));
	struct segment_header again = { 0 };
	bool mended = false;

	(void)state;
	segment_header_write(&w, &header);
	for (unsigned bit = 0; bit < sizeof(bytes) * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_int_equal(segment_header_read(bytes, &again, &mended),
			HEADER_GOOD);
		assert_true(mended);
		assert_memory_equal(&again, &header, sizeof(header));
		bytes[(bit / 8 + 9) % 64] ^= 4; /* a second one is too many */
		assert_int_equal(segment_header_read(bytes, &again, &mended),
			HEADER_BAD);
		bytes[(bit / 8 + 9) % 64] ^= 4;
		bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
}

static void records_have_golden_bytes(void **state)
{
	static const uint8_t golden[] = { 'r', 'e', 'c', 0xc7, 0x1c, 0x88, 0x68,
		0xef, 0x1e, 0xb5, 0x8a, 0xaa, 3, 0, 0, 1, 0x04, 0x03, 0x02,
		0x01, 0x40, 0, 0, 0, 0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02,
		0x01, 'h', 'e', 'y', 0, 0, 0, 0, 0 };
	struct record record = { RECORD_DATA, 3, 0x01020304, 64,
		0x0102030405060708, 0, 0 };
	struct record again;
	uint8_t bytes[sizeof(golden)];
	struct writer w = writer_over(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(record_write(&w, header.salt, place_at(7, 128),
				 &record, (const uint8_t *)"hey"),
		0xef68881c);
	assert_memory_equal(bytes, golden, sizeof(golden));
	assert_true(record_read_header(
		bytes, header.salt, place_at(7, 128), &again));
	assert_true(record_read_body(&again, bytes + RECORD_HEADER_SIZE));
	assert_int_equal(again.kind, RECORD_DATA);
	assert_int_equal(again.author, record.author);
	assert_true(again.seq == record.seq);
}

static void record_is_none_elsewhere_or_with_any_flipped_bit(void **state)
{
	struct record record = { RECORD_DATA, 3, 1, 64, 9, 0, 0 };
	struct record again;
	uint8_t bytes[40];
	struct writer w = writer_over(bytes, sizeof(bytes));
	uint64_t place = place_at(7, 128);

	(void)state;
	(void)record_write(
		&w, header.salt, place, &record, (const uint8_t *)"hey");
	assert_false(record_read_header(
		bytes, header.salt, place_at(7, 136), &again));
	assert_false(record_read_header(
		bytes, header.salt, place_at(8, 128), &again));
	assert_false(record_read_header(bytes, header.salt + 1, place, &again));
	for (unsigned bit = 0; bit < sizeof(bytes) * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_false(
			record_read_header(bytes, header.salt, place, &again) &&
			record_read_body(&again, bytes + RECORD_HEADER_SIZE));
		bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
}

static void record_fields_must_suit_its_kind(void **state)
{
	static const struct record bad[] = {
		{ RECORD_DATA, 0, 1, 64, 0, 0, 0 },    /* no seq */
		{ RECORD_AUTHOR, 31, 1, 64, 0, 0, 0 }, /* no whole key */
		{ RECORD_AUTHOR, 32, 1, 64, 1, 0, 0 },
		{ RECORD_SEAL, 1, 0, 64, 0, 0, 0 },
		{ RECORD_MARK, 0, 1, 64, 0, 0, 0 },
		{ (enum record_kind)5, 0, 0, 64, 0, 0, 0 },
		{ RECORD_MARK, 0, 0, 63, 0, 0, 0 }, /* durable: in the header */
		{ RECORD_MARK, 0, 0, 129, 0, 0, 0 }, /* and in the future */
	};
	static const uint8_t body[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t bytes[128];
		struct writer w = writer_over(bytes, sizeof(bytes));
		struct record again;

		(void)record_write(&w, 1, place_at(0, 128), &bad[i], body);
		assert_false(
			record_read_header(bytes, 1, place_at(0, 128), &again));
	}
}

/*
 * Lives.
 */

static void log_gives_back_what_was_committed(void **state)
{
	struct log *log = must_open();

	(void)state;
	for (int life = 0; life < 3; life++) {
		for (int i = 0; i < 100; i++) {
			must_add(log, (uint32_t)i % 7);
			must_commit(log);
		}
		log_close(log);
		log = must_open();
		assert_int_equal(problems(log, LOG_TAIL_CUT), 0);
		assert_int_equal(log_count(log), (life + 1) * 100);
		assert_int_equal(arrivals(log), (life + 1) * 100);
	}
	for (uint32_t a = 0; a < 7; a++)
		for (uint64_t seq = 1; seq <= durable(log, a); seq++)
			assert_true(reads(log, a, seq));
	assert_int_equal(log_author_count(log), 7);
	assert_int_equal(durable(log, 0) + durable(log, 6), 45 + 42);
	log_close(log);
}

static void log_shows_nothing_before_it_is_durable(void **state)
{
	struct log *log = must_open();
	struct log_record r;

	(void)state;
	must_add(log, 1);
	assert_true(log_waiting(log) > 0);
	assert_int_equal(head(log, 1), 1);
	assert_int_equal(durable(log, 1), 0);
	assert_false(reads(log, 1, 1));
	assert_int_equal(errno, ENOENT);
	assert_false(log_next(log, &r));
	sync_count = 0;
	must_commit(log);
	assert_int_equal(sync_count, 1);
	assert_int_equal(log_waiting(log), 0);
	assert_true(log_next(log, &r));
	assert_false(log_next(log, &r));
	must_commit(log); /* nothing waits: nothing is done */
	assert_int_equal(sync_count, 1);
	log_close(log);
}

static void log_append_refuses_with_a_reason(void **state)
{
	static uint8_t big[LOG_RECORD_MAX + 1];
	struct log *log = must_open();
	struct log_record r = { key_of(1), 1, big, sizeof(big) };

	(void)state;
	assert_int_equal(append(log, 1, 2), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(log_append(log, &r), -1);
	assert_int_equal(errno, EINVAL);
	r.size = LOG_RECORD_MAX;
	for (; log_append(log, &r) == 0; r.seq++)
		assert_true(r.seq < 20);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(log_head(log, log_find(log, key_of(1))), r.seq - 1);
	must_commit(log);
	assert_int_equal(log_append(log, &r), 0);
	log_close(log);
}

static void log_next_begins_where_it_is_told(void **state)
{
	struct log *log = must_open();
	struct log_record r;

	(void)state;
	for (int i = 0; i < 300; i++) {
		must_add(log, 1);
		must_commit(log);
	}
	for (uint64_t count = 0; count <= 301; count += 43) {
		log_next_last(log, count);
		if (count > 0) {
			assert_true(log_next(log, &r));
			assert_true(r.seq == (count > 300 ? 1 : 301 - count));
			assert_int_equal(arrivals(log), 300 - r.seq);
		}
		assert_false(log_next(log, &r));
	}
	log_close(log);
}

static void log_commit_waits_for_company_when_it_may(void **state)
{
	struct log *log = must_open();
	struct loop loop;

	(void)state;
	log_set_delay(log, LOG_DELAY_MS);
	must_add(log, 1);
	assert_int_equal(log_commit(log, 1000), 0);
	assert_int_equal(durable(log, 1), 0);
	loop_begin(&loop, 1005);
	log_want(log, &loop);
	assert_int_equal(loop.wake_ms, 1020);
	assert_int_equal(log_commit(log, 1019), 0);
	assert_int_equal(durable(log, 1), 0);
	assert_int_equal(log_commit(log, 1020), 0);
	assert_int_equal(durable(log, 1), 1);
	must_add(log, 1);
	log_hurry(log);
	assert_int_equal(log_commit(log, 1021), 0);
	assert_int_equal(durable(log, 1), 2);
	while (log_waiting(log) < LOG_DELAY_BYTES)
		must_add(log, 1);
	assert_int_equal(log_commit(log, 1022), 0);
	assert_int_equal(log_waiting(log), 0);
	log_close(log);
}

static void ten_thousand_authors_and_not_one_more(void **state)
{
	struct log *log = log_open(s.fd);
	int descriptors = 0;

	(void)state;
	assert_non_null(log);
	for (uint32_t a = 0; a < LOG_AUTHORS_MAX; a++) {
		int result = add(log, a);

		if (result < 0) {
			assert_int_equal(errno, EAGAIN);
			must_commit(log);
			must_add(log, a);
		}
	}
	must_commit(log);
	assert_int_equal(add(log, LOG_AUTHORS_MAX), -1);
	assert_int_equal(errno, EDQUOT);
	log_close(log);
	log = log_open(s.fd);
	assert_non_null(log);
	assert_int_equal(log_author_count(log), LOG_AUTHORS_MAX);
	for (uint32_t a = 0; a < LOG_AUTHORS_MAX; a++) {
		assert_true(reads(log, a, 1));
		assert_memory_equal(log_key(log, a), key_of(a), LOG_KEY_SIZE);
	}
	assert_int_equal(add(log, LOG_AUTHORS_MAX), -1);
	for (int fd = 0; fd < 1024; fd++)
		descriptors += fcntl(fd, F_GETFD) >= 0;
	assert_true(descriptors < 200);
	log_close(log);
}

static void second_process_is_refused_and_knows_the_first(void **state)
{
	struct log *log = must_open();
	int status = 0;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		bool right = log_open_sized(s.fd, &small) == NULL &&
			     errno == EAGAIN && log_holder(s.fd) == getppid();

		_exit(right ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	log_close(log);
	assert_int_equal(log_holder(s.fd), 0);
}

static void newer_store_is_refused_and_not_touched(void **state)
{
	struct log *log = must_open();
	uint8_t bytes[8192];
	uint8_t after[8192];
	size_t size = 0;
	static const uint8_t zeros[4];
	struct writer w = writer_over(bytes, FORMAT_HEADER_SIZE);

	(void)state;
	must_add(log, 1);
	log_close(log);
	size = file_load(SEGMENT, bytes, sizeof(bytes));
	w.size = 8;
	write_le32(&w, 2);
	write_le32(&w,
		crc32c(crc32c(crc32c(0, bytes, 12), zeros, 4), bytes + 16, 48));
	file_store(SEGMENT, bytes, size);
	assert_null(log_open_sized(s.fd, &small));
	assert_int_equal(errno, EPROTONOSUPPORT);
	assert_int_equal(file_load(SEGMENT, after, sizeof(after)), size);
	assert_memory_equal(bytes, after, size);
}

/*
 * Every cut and every flip.
 */

/* A killed store of three batches and a MARK; returns the file's size. */
static size_t killed_store(uint8_t *bytes, size_t size)
{
	struct log *log = must_open();

	assert_int_equal(log_run(log, 0), 0);
	for (int i = 0; i < 12; i++) {
		must_add(log, (uint32_t)i % 3);
		if (i % 4 == 3)
			must_commit(log);
	}
	assert_int_equal(log_run(log, 3000), 0);
	kill_store(log);
	return file_load(SEGMENT, bytes, size);
}

static void every_prefix_of_a_store_opens_to_a_prefix_of_its_records(
	void **state)
{
	static uint8_t bytes[8192];
	size_t size = killed_store(bytes, sizeof(bytes));
	uint64_t before = 0;

	(void)state;
	for (size_t cut = FORMAT_HEADER_SIZE; cut <= size; cut++) {
		struct log *log = NULL;

		file_store(SEGMENT, bytes, cut);
		log = must_open();
		assert_true(log_count(log) >= before);
		before = log_count(log);
		for (uint32_t a = 0; a < 3; a++) {
			assert_int_equal(head(log, a), durable(log, a));
			assert_true(durable(log, a) == (before + 2 - a) / 3);
			for (uint64_t q = 1; q <= durable(log, a); q++)
				assert_true(reads(log, a, q));
		}
		assert_int_equal(problems(log, LOG_DAMAGED), 0);
		kill_store(log);
	}
	assert_int_equal(before, 12);
}

static void every_flipped_byte_is_reported_or_harmless(void **state)
{
	static uint8_t bytes[8192];
	size_t size = killed_store(bytes, sizeof(bytes));

	(void)state;
	for (size_t at = 0; at < size; at++) {
		struct log *log = NULL;
		bool all = true;
		struct log_problem p;
		bool told = false;

		bytes[at] ^= (uint8_t)(1U << at % 8);
		file_store(SEGMENT, bytes, size);
		bytes[at] ^= (uint8_t)(1U << at % 8);
		log = must_open();
		for (uint32_t a = 0; a < 3; a++)
			for (uint64_t q = 1; q <= 4; q++)
				all = reads(log, a, q) && all;
		while (log_next_problem(log, &p))
			told = told || p.trouble == LOG_DAMAGED;
		assert_true(all || told);
		kill_store(log);
	}
}

static void bit_rot_in_a_sealed_segment_is_found_and_filled(void **state)
{
	struct log *log = must_open();
	off_t at = 0;
	struct log_problem p;
	bool told = false;

	(void)state;
	for (int i = 0; i < 200; i++) {
		must_add(log, (uint32_t)i % 2);
		must_commit(log);
	}
	at = body_at(1, 5);
	log_close(log);
	file_flip(SEGMENT, at);
	log = must_open();
	assert_int_equal(head(log, 1), 100); /* not known yet */
	assert_false(reads(log, 1, 5));
	assert_int_equal(errno, EBADMSG);
	while (log_next_problem(log, &p))
		told = told || (p.trouble == LOG_MISSING && p.first == 5 &&
				       p.last == 5 &&
				       p.author == log_find(log, key_of(1)));
	assert_true(told);
	assert_int_equal(head(log, 1), 4);
	assert_int_equal(durable(log, 1), 4);
	assert_int_equal(log_newest(log, log_find(log, key_of(1))), 100);
	assert_true(reads(log, 1, 6));
	assert_int_equal(log_count(log), 199);
	assert_int_equal(head(log, 0), 100);
	assert_int_equal(append(log, 1, 6), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(append(log, 1, 5), 0);
	assert_int_equal(head(log, 1), 100);
	assert_int_equal(durable(log, 1), 4);
	must_commit(log);
	assert_int_equal(durable(log, 1), 100);
	assert_true(reads(log, 1, 5));
	assert_int_equal(arrivals(log), 200);
	log_close(log);
	log = must_open();
	assert_int_equal(problems(log, LOG_MISSING), 0);
	assert_int_equal(head(log, 1), 100);
	assert_int_equal(arrivals(log), 200);
	log_close(log);
	log = log_check(s.fd);
	assert_non_null(log);
	assert_int_equal(problems(log, LOG_MISSING), 0);
	log_close(log);
}

/* Author 1 is known by records only whose author nobody knows any more. */
static void author_that_was_lost_leaves_nothing_to_the_next_one(void **state)
{
	struct log *log = must_open();
	uint8_t bytes[4096];
	size_t at = 0;

	(void)state;
	must_add(log, 0);
	must_commit(log);
	for (int i = 0; i < 3; i++)
		must_add(log, 1);
	must_commit(log);
	must_add(log, 0); /* which proves that they were there */
	must_commit(log);
	kill_store(log);
	assert_true(file_load(SEGMENT, bytes, sizeof(bytes)) > 1000);
	while (memcmp(bytes + at, key_of(1), LOG_KEY_SIZE) != 0)
		at += 8;
	file_flip(SEGMENT, (off_t)at);
	for (int life = 0; life < 2; life++) {
		log = must_open();
		assert_int_equal(head(log, 1), 0);
		must_add(log, 2);
		must_commit(log);
		log_close(log); /* with a checkpoint, in which it is not */
	}
	log = must_open();
	file_flip(SEGMENT, body_at(0, 1));
	assert_false(reads(log, 0, 1)); /* so all places are made again */
	assert_true(reads(log, 2, 1));
	assert_true(reads(log, 2, 2));
	assert_int_equal(log_newest(log, log_find(log, key_of(2))), 2);
	log_close(log);
}

static void missing_records_stay_missing_until_they_come(void **state)
{
	struct log *log = must_open();
	off_t at = 0;

	(void)state;
	for (int i = 0; i < 100; i++)
		must_add(log, 1);
	must_commit(log);
	at = body_at(1, 50);
	log_close(log);
	file_flip(SEGMENT, at);
	for (int life = 0; life < 3; life++) {
		log = must_open();
		assert_false(reads(log, 1, 50));
		assert_int_equal(head(log, 1), 49);
		assert_true(reads(log, 1, 51));
		if (life == 1)
			kill_store(log);
		else
			log_close(log);
	}
	log = must_open();
	assert_int_equal(append(log, 1, 50), 0);
	must_commit(log);
	kill_store(log);
	log = must_open();
	assert_int_equal(head(log, 1), 100);
	assert_true(reads(log, 1, 50));
	log_close(log);
}

static void scrub_finds_rot_that_nobody_reads(void **state)
{
	struct log *log = must_open();
	int64_t now_ms = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		must_add(log, 1);
		must_commit(log);
	}
	assert_int_equal(log_run(log, now_ms), 0);
	file_flip(SEGMENT, body_at(1, 3));
	for (int i = 0; i < 20; i++)
		assert_int_equal(log_run(log, now_ms += 1000), 0);
	assert_int_equal(problems(log, LOG_DAMAGED), 1);
	assert_int_equal(head(log, 1), 2);
	for (int i = 0; i < 20; i++)
		assert_int_equal(log_run(log, now_ms += 24 * 3600 * 1000), 0);
	assert_int_equal(problems(log, LOG_DAMAGED), 0); /* told once */
	log_close(log);
}

static void lost_segment_is_told_and_its_records_are_missing(void **state)
{
	struct log *log = must_open();

	(void)state;
	for (int i = 0; i < 200; i++) {
		must_add(log, 1);
		must_commit(log);
	}
	log_close(log);
	assert_int_equal(unlinkat(s.fd, "segments/00000001.seg", 0), 0);
	log = must_open();
	assert_int_equal(problems(log, LOG_SEGMENT_LOST), 1);
	assert_true(log_doubt(log));
	assert_true(head(log, 1) < 200);
	assert_int_equal(log_newest(log, log_find(log, key_of(1))), 200);
	assert_true(reads(log, 1, 200));
	log_settle(log);
	while (head(log, 1) < 200)
		must_add(log, 1);
	must_commit(log);
	assert_int_equal(durable(log, 1), 200);
	assert_int_equal(arrivals(log), 200);
	log_close(log);
}

/*
 * A store whose file is an older copy: ten records of author 1 are in it, and
 * its checkpoint knows of `count` more, of `author`.
 */
static struct log *open_older_end(uint32_t author, int count)
{
	static uint8_t bytes[1 << 14];
	struct log *log = must_open();
	size_t size = 0;

	for (int i = 0; i < 10; i++)
		must_add(log, 1);
	must_commit(log);
	size = file_load(SEGMENT, bytes, sizeof(bytes));
	for (int i = 0; i < count; i++)
		must_add(log, author);
	log_close(log);
	file_store(SEGMENT, bytes, size - 1024); /* its zeros */
	log = must_open();
	assert_int_equal(problems(log, LOG_END_LOST), 1);
	assert_true(log_doubt(log));
	return log;
}

static void old_copy_of_the_end_does_not_free_numbers(void **state)
{
	struct log *log = open_older_end(1, 10);

	(void)state;
	assert_int_equal(head(log, 1), 10);
	assert_int_equal(log_newest(log, log_find(log, key_of(1))), 20);
	log_close(log);
}

/* The log grows past the place of the checkpoint that was too new for it. */
static void a_checkpoint_that_was_too_new_is_not_believed_again(void **state)
{
	struct log *log = open_older_end(2, 30);

	(void)state;
	log_settle(log);
	for (int i = 0; i < 40; i++) {
		must_add(log, 1);
		must_commit(log);
	}
	assert_int_equal(durable(log, 1), 50);
	kill_store(log);
	log = must_open();
	assert_int_equal(problems(log, LOG_DAMAGED), 0);
	assert_int_equal(durable(log, 1), 50);
	assert_int_equal(log_newest(log, log_find(log, key_of(1))), 50);
	log_close(log);
}

static void hints_are_made_again_when_they_are_wrong(void **state)
{
	struct log *log = must_open();
	const char *name = index_of(1);

	(void)state;
	for (int i = 0; i < 300; i++)
		must_add(log, 1);
	must_commit(log);
	log_close(log);
	file_flip(name, 100 * 8);
	log = log_check(s.fd);
	assert_int_equal(problems(log, LOG_HINT_WRONG), 1);
	log_close(log);
	log = must_open();
	for (uint64_t q = 1; q <= 300; q++)
		assert_true(reads(log, 1, q));
	assert_int_equal(problems(log, LOG_DAMAGED), 0);
	log_close(log);
	log = log_check(s.fd);
	assert_int_equal(problems(log, LOG_HINT_WRONG), 0);
	log_close(log);
	file_flip("checkpoint", 30);
	assert_int_equal(unlinkat(s.fd, name, 0), 0);
	log = must_open();
	assert_int_equal(problems(log, LOG_HINT_WRONG), 1);
	for (uint64_t q = 1; q <= 300; q++)
		assert_true(reads(log, 1, q));
	log_close(log);
}

/* Nobody writes into them: opening would wait for ever. */
static void pipes_in_place_of_hints_are_wrong_hints(void **state)
{
	const char *replaced[] = { "checkpoint", index_of(1) };
	struct log *log = must_open();

	(void)state;
	for (int i = 0; i < 300; i++)
		must_add(log, 1);
	must_commit(log);
	log_close(log);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(unlinkat(s.fd, replaced[i], 0), 0);
		assert_int_equal(mkfifoat(s.fd, replaced[i], 0600), 0);
	}
	log = must_open();
	assert_int_equal(durable(log, 1), 300);
	assert_true(reads(log, 1, 300));
	log_close(log);
	assert_int_equal(unlinkat(s.fd, replaced[1], 0), 0);
}

/*
 * Cursors.
 */

/* 160 records of each of four authors, in turns, in one segment. */
static struct log *four_authors(void)
{
	struct log *log = log_open(s.fd);

	assert_non_null(log);
	for (uint32_t i = 0; i < 640; i++)
		must_add(log, i % 4);
	must_commit(log);
	return log;
}

static void cursor_reads_near_records_with_one_call(void **state)
{
	struct log *log = four_authors();
	struct log_cursor cursor = cursor_at(log, 1, 1);

	(void)state;
	log_close(log); /* or else new places are in memory */
	log = log_open(s.fd);
	assert_non_null(log);
	read_count = 0;
	for (; cursor.seq <= 160; cursor.seq++)
		assert_true(reads_at(log, &cursor, 1));
	assert_in_range(read_count, 1, 10);
	read_count = 0;
	for (cursor.seq = 160; cursor.seq > 0; cursor.seq--)
		assert_true(reads_at(log, &cursor, 1));
	assert_in_range(read_count, 1, 30);
	log_close(log);
}

/* What was read ahead ends with what was durable then. */
static void cursor_sees_what_was_written_after_its_last_call(void **state)
{
	struct log *log = log_open(s.fd);
	struct log_cursor cursors[2];

	(void)state;
	assert_non_null(log);
	for (uint64_t seq = 1; seq <= 200; seq++) {
		for (uint32_t i = 0; i < 2; i++)
			must_add(log, i);
		must_commit(log);
		for (uint32_t i = 0; i < 2; i++) {
			if (seq == 1)
				cursors[i] = cursor_at(log, i, 1);
			cursors[i].seq = seq;
			assert_true(reads_at(log, &cursors[i], i));
			cursors[i].seq = seq / 2 + 1;
			assert_true(reads_at(log, &cursors[i], i));
		}
	}
	log_close(log);
}

/* A record that is lost and comes again stands in another place. */
static void cursor_finds_a_record_that_came_again(void **state)
{
	struct log *log = four_authors();
	struct log_cursor cursor = cursor_at(log, 1, 72);

	(void)state;
	assert_true(reads_at(log, &cursor, 1));
	log_close(log);
	file_flip(SEGMENT, body_at(1, 70));
	log = log_open(s.fd);
	assert_non_null(log);
	assert_true(reads_at(log, &cursor, 1));
	cursor.seq = 70;
	assert_false(reads_at(log, &cursor, 1));
	assert_int_equal(durable(log, 1), 69);
	assert_int_equal(append(log, 1, 70), 0);
	must_commit(log);
	for (cursor.seq = 60; cursor.seq <= 160; cursor.seq++)
		assert_true(reads_at(log, &cursor, 1));
	log_close(log);
}

static void cursor_passes_what_cannot_be_read(void **state)
{
	struct log *log = four_authors();
	struct log_cursor cursor = cursor_at(log, 1, 1);

	(void)state;
	log_close(log);
	fault.read_from = body_at(1, 70);
	log = log_open(s.fd);
	assert_non_null(log);
	fault.read_error = EIO;
	for (; cursor.seq <= 160; cursor.seq++)
		if (cursor.seq < 60 || cursor.seq > 80)
			assert_true(reads_at(log, &cursor, 1));
	cursor.seq = 70;
	assert_false(reads_at(log, &cursor, 1));
	assert_int_equal(errno, EIO);
	fault.read_error = 0;
	log_close(log);
}

static void readers_beside_see_what_is_there(void **state)
{
	struct log *log = must_open();
	struct log *beside = NULL;

	(void)state;
	for (int i = 0; i < 500; i++) {
		must_add(log, (uint32_t)i % 3);
		if (i % 10 == 9)
			must_commit(log);
	}
	beside = log_open_beside(s.fd);
	assert_non_null(beside);
	assert_int_equal(arrivals(beside), 500);
	for (uint32_t a = 0; a < 3; a++)
		for (uint64_t q = 1; q <= durable(beside, a); q++)
			assert_true(reads(beside, a, q));
	assert_int_equal(add(beside, 1), -1);
	assert_int_equal(errno, EROFS);
	must_add(log, 1);
	must_commit(log);
	log_close(beside);
	beside = log_check(s.fd);
	assert_non_null(beside);
	assert_int_equal(log_count(beside), 501);
	assert_int_equal(problems(beside, LOG_DAMAGED), 0);
	log_close(beside);
	log_close(log);
}

/*
 * Faults, row by row.
 */

static void failed_flush_is_the_end(void **state)
{
	static const int errors[] = { EIO, ENOSPC, EDQUOT };

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct log *log = must_open();

		must_add(log, 1);
		fault.sync_error = errors[i];
		assert_int_equal(log_commit(log, 0), -1);
		assert_int_equal(errno, errors[i]);
		fault.sync_error = 0;
		assert_int_equal(log_commit(log, 0), -1);
		assert_int_equal(errno, EIO);
		assert_int_equal(add(log, 1), -1);
		assert_int_equal(errno, EIO);
		assert_int_equal(log_run(log, 0), -1);
		assert_int_equal(durable(log, 1), i);
		log_close(log);
		log = must_open(); /* the bytes are there, and written again */
		assert_int_equal(durable(log, 1), i + 1);
		log_close(log);
	}
}

static void full_disk_passes(void **state)
{
	static const int errors[] = { ENOSPC, EDQUOT, EFBIG };
	struct log *log = must_open();
	struct loop loop;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		must_add(log, 1);
		fault.write_error = errors[i];
		fault.write_after = 0;
		assert_int_equal(log_commit(log, 1000), -1);
		assert_int_equal(errno, errors[i]);
		assert_int_equal(add(log, 2), -1);
		assert_true(errno == ENOSPC || errno == EFBIG);
		assert_int_equal(durable(log, 1), i);
		loop_begin(&loop, 2000);
		log_want(log, &loop);
		assert_int_equal(loop.wake_ms, 1000 + LOG_RETRY_MS);
		fault.write_error = 0;
		assert_int_equal(log_commit(log, 2000), -1); /* not yet */
		assert_int_equal(log_commit(log, 1000 + LOG_RETRY_MS), 0);
		assert_int_equal(durable(log, 1), i + 1);
	}
	must_add(log, 2);
	must_commit(log);
	log_close(log);
	log = must_open();
	assert_int_equal(log_count(log), 4);
	log_close(log);
}

static void full_disk_shows_before_a_record_is_accepted(void **state)
{
	struct log *log = must_open();
	uint64_t told = 0;

	(void)state;
	fault.write_error = ENOSPC;
	fault.write_after = 1; /* the batch fits, new zeros do not */
	while (add(log, 1) == 0) {
		fault.write_after = 1;
		must_commit(log);
		assert_int_equal(durable(log, 1), ++told);
	}
	assert_int_equal(errno, ENOSPC);
	assert_true(told > 1);
	assert_int_equal(log_waiting(log), 0);
	assert_int_equal(log_full(log), ENOSPC);
	must_commit(log);
	fault.write_error = 0;
	assert_int_equal(log_commit(log, LOG_RETRY_MS), 0);
	assert_int_equal(log_full(log), 0);
	must_add(log, 1);
	must_commit(log);
	log_close(log);
}

static void full_disk_at_the_next_segment_passes(void **state)
{
	struct log *log = must_open();

	(void)state;
	for (int after = 0; after < 3; after++) {
		uint64_t count = log_count(log);

		for (int i = 0; i < 300; i++) {
			if (add(log, 1) < 0)
				break;
			fault.write_error = ENOSPC;
			fault.write_after = 1 + after;
			must_commit(log);
		}
		assert_true(log_count(log) > count);
		fault.write_error = 0;
		assert_int_equal(log_commit(log, LOG_RETRY_MS), 0);
		must_add(log, 1);
		must_commit(log);
	}
	log_close(log);
	log = must_open();
	assert_int_equal(arrivals(log), log_count(log));
	assert_int_equal(problems(log, LOG_SEGMENT_LOST), 0);
	log_close(log);
}

static void short_and_interrupted_calls_go_on(void **state)
{
	struct log *log = NULL;

	(void)state;
	fault.write_most = 13;
	fault.interrupted = true;
	log = must_open();
	for (int i = 0; i < 100; i++) {
		must_add(log, 1);
		must_commit(log);
	}
	log_close(log);
	log = must_open();
	for (uint64_t q = 1; q <= 100; q++)
		assert_true(reads(log, 1, q));
	log_close(log);
}

static void file_system_gone_read_only_is_the_end(void **state)
{
	struct log *log = must_open();

	(void)state;
	must_add(log, 1);
	fault.write_error = EROFS;
	assert_int_equal(log_commit(log, 0), -1);
	assert_int_equal(errno, EROFS);
	fault.write_error = 0;
	assert_int_equal(log_commit(log, 0), -1);
	log_close(log);
}

static void unreadable_bytes_cost_only_themselves(void **state)
{
	static uint8_t body[6000];
	struct log *log = log_open(s.fd);
	struct log_record r = { key_of(1), 1, body, sizeof(body) };

	(void)state;
	assert_non_null(log);
	for (; r.seq <= 20; r.seq++)
		assert_int_equal(log_append(log, &r), 0);
	must_commit(log);
	log_close(log);
	log = log_open(s.fd);
	fault.read_error = EIO;
	fault.read_from = 64 + 64 + 6032 * 9 + 200; /* in the tenth */
	for (uint64_t q = 1; q <= 20; q++)
		assert_int_equal(log_read(log, 0, q, &r), q == 10 ? -1 : 0);
	assert_int_equal(log_head(log, 0), 9);
	assert_int_equal(problems(log, LOG_DAMAGED), 1);
	fault.read_error = 0;
	log_close(log);
}

/* A link in place of a file, to one that is elsewhere, or is not. */
static void plant(const char *name, bool is_there)
{
	char target[300];

	(void)snprintf(target, sizeof(target), "%s/elsewhere", s.path);
	assert_int_equal(symlinkat(target, s.fd, name), 0);
	if (is_there)
		scratch_write(&s, "elsewhere", "untouched");
}

static void assert_untouched(bool is_there)
{
	if (is_there)
		assert_string_equal(scratch_read(&s, "elsewhere"), "untouched");
	else
		assert_int_equal(faccessat(s.fd, "elsewhere", F_OK, 0), -1);
}

static void another_scratch(void)
{
	scratch_remove(&s);
	scratch_make(&s);
}

/* Fills a store until it turns to its next segment, and closes it. */
static uint64_t fill_with_link(const char *name, bool is_there)
{
	struct log *log = must_open();
	uint64_t count = 0;

	must_add(log, 1);
	must_commit(log);
	plant(name, is_there);
	while (durable(log, 1) < 300 && add(log, 1) == 0)
		if (log_commit(log, 0) < 0)
			break;
	count = durable(log, 1);
	log_close(log);
	return count;
}

/* Hints that can not be written are done without. */
static void abuse_48_a_running_store_writes_through_no_link(void **state)
{
	const struct {
		const char *name;
		bool fails;
	} cases[] = {
		{ "segments/00000001.seg", true },
		{ "checkpoint.tmp", false },
		{ "checkpoint", false },
		{ index_of(1), false },
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(*cases); i++) {
		const char *name = cases[i / 2].name;
		bool is_there = i % 2 != 0;
		uint64_t count = fill_with_link(name, is_there);
		struct log *log = NULL;

		assert_untouched(is_there);
		assert_int_equal(count < 300, cases[i / 2].fails);
		if (cases[i / 2].fails)
			assert_int_equal(unlinkat(s.fd, name, 0), 0);
		log = must_open();
		assert_untouched(is_there);
		assert_true(durable(log, 1) == count);
		for (uint64_t q = 1; q <= count; q++)
			assert_true(reads(log, 1, q));
		log_close(log);
		another_scratch();
	}
}

static void abuse_48_a_store_opens_through_no_link(void **state)
{
	static const char *const names[] = { "lock", "segments", "authors",
		"segments/00000000.seg" };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(names) / sizeof(*names); i++) {
		const char *name = names[i / 2];
		struct log *log = must_open();

		must_add(log, 1);
		must_commit(log);
		log_close(log);
		assert_int_equal(renameat(s.fd, name, s.fd, "elsewhere"), 0);
		plant(name, false);
		if (i % 2 != 0)
			assert_int_equal(
				renameat(s.fd, "elsewhere", s.fd, "somewhere"),
				0);
		assert_null(log_open_sized(s.fd, &small));
		if (i % 2 != 0)
			assert_untouched(false);
		another_scratch();
	}
}

static void abuse_48_49_deleted_or_exchanged_files_are_noticed(void **state)
{
	static const char *const names[] = { "segments/00000000.seg", "lock" };

	(void)state;
	for (int i = 0; i < 4; i++) {
		const char *name = names[i / 2];
		struct log *log = must_open();
		struct loop loop;

		must_add(log, 1);
		must_commit(log);
		assert_int_equal(log_run(log, 0), 0);
		assert_int_equal(renameat(s.fd, name, s.fd, "elsewhere"), 0);
		if (i % 2 != 0)
			plant(name, false); /* it leads to the same file */
		loop_begin(&loop, 0);
		log_want(log, &loop);
		assert_true(loop.wake_ms <= 5000);
		assert_int_equal(log_run(log, 4999), 0);
		assert_int_equal(log_run(log, 5000), -1);
		assert_int_equal(errno, ESTALE);
		assert_int_equal(log_commit(log, 5000), -1);
		log_close(log);
		assert_int_equal(renameat(s.fd, "elsewhere", s.fd, name), 0);
	}
}

static void mark_proves_the_last_batch_when_it_is_quiet(void **state)
{
	struct log *log = must_open();

	(void)state;
	assert_int_equal(log_run(log, 0), 0);
	must_add(log, 1);
	must_commit(log);
	must_add(log, 1);
	must_commit(log);
	assert_int_equal(log_run(log, 2500), 0);
	kill_store(log);
	file_flip(SEGMENT, body_at(1, 2));
	log = must_open();
	assert_int_equal(problems(log, LOG_DAMAGED), 1);
	assert_true(log_doubt(log)); /* whose it was, nobody knows */
	log_close(log);
	log = must_open();
	assert_true(log_doubt(log)); /* until that is settled */
	log_settle(log);
	log_close(log);
	log = must_open();
	assert_false(log_doubt(log));
	log_close(log);
}

/* One record, and a few bytes behind it that are none. */
static void tear_store(void)
{
	static uint8_t bytes[8192];
	struct log *log = must_open();
	size_t size = 0;

	must_add(log, 2);
	must_commit(log);
	kill_store(log);
	size = file_load(SEGMENT, bytes, sizeof(bytes));
	memcpy(bytes + body_at(2, 1) + 16, "torn", 4);
	file_store(SEGMENT, bytes, size);
}

/* Opens and closes it; this is where the bytes that are cut off are kept. */
static const char *open_torn(void)
{
	static char name[32];
	struct log *log = must_open();
	struct log_problem p;

	assert_true(log_next_problem(log, &p));
	assert_int_equal(p.trouble, LOG_TAIL_CUT);
	assert_int_equal(p.size, 4);
	assert_false(log_next_problem(log, &p));
	assert_int_equal(log_count(log), 1);
	log_close(log);
	(void)snprintf(
		name, sizeof(name), "cut-00000000-%08x", (unsigned)p.offset);
	return name;
}

static void cut_bytes_are_kept_for_the_curious(void **state)
{
	(void)state;
	tear_store();
	assert_string_equal(scratch_read(&s, open_torn()), "torn");
}

static void abuse_48_cut_bytes_go_through_no_link(void **state)
{
	const char *name = NULL;

	(void)state;
	tear_store();
	name = open_torn();
	for (int is_there = 0; is_there < 2; is_there++) {
		another_scratch();
		tear_store();
		plant(name, is_there != 0);
		assert_string_equal(open_torn(), name);
		assert_untouched(is_there != 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(crc32c_has_the_known_check_values),
		TEST(segment_header_has_golden_bytes),
		TEST(segment_header_with_one_flipped_bit_is_put_right),
		TEST(records_have_golden_bytes),
		TEST(record_is_none_elsewhere_or_with_any_flipped_bit),
		TEST(record_fields_must_suit_its_kind),
		TEST(log_gives_back_what_was_committed),
		TEST(log_shows_nothing_before_it_is_durable),
		TEST(log_append_refuses_with_a_reason),
		TEST(log_next_begins_where_it_is_told),
		TEST(log_commit_waits_for_company_when_it_may),
		TEST(ten_thousand_authors_and_not_one_more),
		TEST(second_process_is_refused_and_knows_the_first),
		TEST(newer_store_is_refused_and_not_touched),
		TEST(every_prefix_of_a_store_opens_to_a_prefix_of_its_records),
		TEST(every_flipped_byte_is_reported_or_harmless),
		TEST(bit_rot_in_a_sealed_segment_is_found_and_filled),
		TEST(author_that_was_lost_leaves_nothing_to_the_next_one),
		TEST(missing_records_stay_missing_until_they_come),
		TEST(scrub_finds_rot_that_nobody_reads),
		TEST(lost_segment_is_told_and_its_records_are_missing),
		TEST(old_copy_of_the_end_does_not_free_numbers),
		TEST(a_checkpoint_that_was_too_new_is_not_believed_again),
		TEST(hints_are_made_again_when_they_are_wrong),
		TEST(pipes_in_place_of_hints_are_wrong_hints),
		TEST(cursor_reads_near_records_with_one_call),
		TEST(cursor_sees_what_was_written_after_its_last_call),
		TEST(cursor_finds_a_record_that_came_again),
		TEST(cursor_passes_what_cannot_be_read),
		TEST(readers_beside_see_what_is_there),
		TEST(failed_flush_is_the_end),
		TEST(full_disk_passes),
		TEST(full_disk_shows_before_a_record_is_accepted),
		TEST(full_disk_at_the_next_segment_passes),
		TEST(short_and_interrupted_calls_go_on),
		TEST(file_system_gone_read_only_is_the_end),
		TEST(unreadable_bytes_cost_only_themselves),
		TEST(abuse_48_a_running_store_writes_through_no_link),
		TEST(abuse_48_a_store_opens_through_no_link),
		TEST(abuse_48_49_deleted_or_exchanged_files_are_noticed),
		TEST(mark_proves_the_last_batch_when_it_is_quiet),
		TEST(cut_bytes_are_kept_for_the_curious),
		TEST(abuse_48_cut_bytes_go_through_no_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
