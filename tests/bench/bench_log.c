/* SPDX-License-Identifier: ISC */
/*
 * bench_log.c: what the store costs.
 *
 *	bench_log [full] [FOLDER]
 *
 * Records of 120 bytes by 10,000 authors in random order: 1 million, or 10
 * with `full` (or BENCH=full).  Durable appends are timed in rounds that
 * take turns with a raw loop, on the same file system, of pwrite and
 * fdatasync of the same bytes at the end of a growing file; the ratio is the
 * median of the rounds, above 1 where the store is faster than that loop.
 *
 * Reading is timed once more where few have written: then an author's records
 * lie near each other.
 *
 * Each figure on a line: its name, its value, and what the raw machine says
 * beside it where that explains it.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "log.h"

enum { BODY = 120, AUTHORS = 10000, ROUNDS = 7 };

static uint64_t luck = 1;
static uint64_t records = 1000 * 1000;
static uint32_t authors = AUTHORS; /* of what is appended */
static uint8_t keys[AUTHORS][LOG_KEY_SIZE];
static char scratch[200];

static uint32_t random_below(uint32_t limit)
{
	luck = luck * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(luck >> 33) % limit;
}

static int folder_make(const char *name)
{
	char path[300];
	int fd = -1;

	(void)snprintf(path, sizeof(path), "%s/%s", scratch, name);
	if (mkdir(path, 0700) < 0)
		die(path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		die(path);
	return fd;
}

static struct log *store_open(int fd)
{
	struct log *log = log_open(fd);

	if (log == NULL)
		die("log_open");
	return log;
}

static void append_one(struct log *log, uint64_t time)
{
	uint8_t body[BODY];
	struct writer w = writer_over(body, sizeof(body));
	struct log_record r = { keys[random_below(authors)], 0, body, BODY };

	write_le64(&w, time);
	for (int i = 0; i < (BODY - 8) / 8; i++)
		write_le64(&w, time * 0x9e3779b97f4a7c15 + (uint64_t)i);
	r.seq = log_head(log, log_find(log, r.key)) + 1;
	if (log_append(log, &r) < 0)
		die("log_append");
}

static double append_seconds(struct log *log, uint64_t count, uint64_t batch)
{
	static uint64_t time;
	double start = seconds();

	for (uint64_t i = 0; i < count; i++) {
		append_one(log, ++time);
		if ((i + 1) % batch == 0 && log_commit(log, 0) < 0)
			die("log_commit");
	}
	return seconds() - start;
}

/* The least that anybody could do for the same promise. */
static double raw_seconds(int fd, uint64_t count, uint64_t batch)
{
	static uint8_t bytes[1000 * BODY];
	static off_t at;
	double start = seconds();

	for (uint64_t i = 0; i < count; i += batch) {
		if (pwrite(fd, bytes, batch * BODY, at) !=
				(ssize_t)(batch * BODY) ||
			fdatasync(fd) < 0)
			die("raw");
		at += (off_t)(batch * BODY);
	}
	return seconds() - start;
}

static void bench_append(uint64_t batch, uint64_t count)
{
	char name[40];
	double ratios[ROUNDS];
	double ours = 0;
	double raw = 0;
	int raw_fd = -1;
	int fd = -1;
	struct log *log = NULL;

	(void)snprintf(name, sizeof(name), "append-%u", (unsigned)batch);
	fd = folder_make(name);
	log = store_open(fd);
	raw_fd = openat(fd, "raw", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (raw_fd < 0)
		die("raw");
	(void)append_seconds(log, 1000, 1000); /* authors get their files */
	for (int i = 0; i < ROUNDS; i++) {
		double a = 0;
		double b = 0;

		if (i % 2 == 0)
			b = raw_seconds(raw_fd, count, batch);
		a = append_seconds(log, count, batch);
		if (i % 2 != 0)
			b = raw_seconds(raw_fd, count, batch);
		ratios[i] = b / a;
		ours += a;
		raw += b;
	}
	qsort(ratios, ROUNDS, sizeof(ratios[0]), double_order);
	printf("append_vs_raw_%-4u %6.2f    (%.0f and %.0f records/s)\n",
		(unsigned)batch, ratios[ROUNDS / 2],
		ROUNDS * (double)count / ours, ROUNDS * (double)count / raw);
	(void)fflush(stdout);
	log_close(log);
	close(raw_fd);
	close(fd);
}

static void fill(int fd)
{
	struct log *log = store_open(fd);
	double spent = append_seconds(log, records, 1000);

	printf("append_per_s       %6.0f    (1,000 a commit)\n",
		(double)records / spent);
	log_close(log);
}

static void bench_get(struct log *log, const char *name, uint32_t count)
{
	struct log_record r;
	double start = seconds();

	for (uint32_t i = 0; i < count; i++) {
		uint32_t author = random_below(log_author_count(log));
		uint64_t seq =
			1 + random_below((uint32_t)log_durable(log, author));

		if (log_read(log, author, seq, &r) < 0)
			die("log_read");
	}
	printf("%-18s %6.0f\n", name, count / (seconds() - start));
}

static void bench_author(struct log *log, const char *name)
{
	struct log_record r;
	uint64_t count = 0;
	double start = seconds();

	for (uint32_t i = 0; i < log_author_count(log); i++) {
		struct log_cursor c = { i, 1, 0, 0, { 0 } };

		for (; c.seq <= log_durable(log, i); c.seq++, count++)
			if (log_read_at(log, &c, &r) < 0)
				die("log_read_at");
	}
	printf("%-18s %6.0f\n", name, (double)count / (seconds() - start));
}

static void bench_few(uint32_t count)
{
	char name[40];
	int fd = -1;
	struct log *log = NULL;

	(void)snprintf(name, sizeof(name), "few-%u", (unsigned)count);
	fd = folder_make(name);
	log = store_open(fd);
	authors = count;
	(void)append_seconds(log, 1000 * 1000, 1000);
	authors = AUTHORS;
	(void)snprintf(name, sizeof(name), "get_of_%u_per_s", (unsigned)count);
	bench_get(log, name, 300 * 1000);
	(void)snprintf(name, sizeof(name), "scan_of_%u_per_s", (unsigned)count);
	bench_author(log, name);
	(void)fflush(stdout);
	log_close(log);
	close(fd);
}

/* The same bytes with one pread each: what the system takes of it. */
static void bench_pread(int fd)
{
	uint8_t bytes[512];
	uint32_t count = 1000 * 1000;
	int file = openat(fd, "segments/00000000.seg", O_RDONLY | O_CLOEXEC);
	struct stat st;
	double start = 0;

	if (file < 0 || fstat(file, &st) < 0)
		die("segment");
	start = seconds();
	for (uint32_t i = 0; i < count; i++)
		if (pread(file, bytes, sizeof(bytes),
			    random_below((uint32_t)st.st_size - 512)) < 0)
			die("pread");
	printf("(raw pread_per_s)  %6.0f    (512 bytes, random, in memory)\n",
		count / (seconds() - start));
	close(file);
}

static void bench_arrival(struct log *log)
{
	struct log_record r;
	uint64_t count = 0;
	double start = seconds();

	while (log_next(log, &r))
		count++;
	printf("arrival_scan_per_s %6.0f\n",
		(double)count / (seconds() - start));
	if (count != log_count(log))
		die("arrival_scan");
}

static double open_ms(int fd, bool kill_it)
{
	double start = seconds();
	struct log *log = store_open(fd);
	double spent = (seconds() - start) * 1000;

	if (kill_it) {
		/* The memory of a child that ends so is its own affair. */
		(void)append_seconds(log, 150 * 1000, 1000);
		_exit(0);
	}
	log_close(log);
	return spent;
}

static void bench_open(int fd)
{
	printf("open_clean_ms      %6.1f\n", open_ms(fd, false));
	(void)fflush(stdout);
	if (fork() == 0)
		(void)open_ms(fd, true);
	(void)wait(NULL);
	printf("open_killed_ms     %6.1f    (after 150,000 more)\n",
		open_ms(fd, false));
	(void)fflush(stdout);
}

static void folder_empty(int dir)
{
	DIR *folder = fdopendir(dup(dir));
	const struct dirent *entry = NULL;

	while ((entry = readdir(folder)) != NULL)
		(void)unlinkat(dir, entry->d_name, 0);
	closedir(folder);
}

static void bench_rebuild(int fd)
{
	int folder = openat(fd, "authors", O_RDONLY | O_CLOEXEC);

	folder_empty(folder);
	close(folder);
	(void)unlinkat(fd, "checkpoint", 0);
	printf("open_rebuild_ms    %6.1f\n", open_ms(fd, false));
}

/* Of this process, at its highest so far. */
static double rss_mb(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[200];
	double kilobytes = 0;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, "VmHWM:", 6) == 0)
			kilobytes = strtod(line + 6, NULL);
	if (file != NULL)
		(void)fclose(file);
	return kilobytes / 1024;
}

static void bench_disk(int fd)
{
	static const char *const names[] = { "segments", "authors", "." };
	double bytes = 0;

	for (int i = 0; i < 3; i++) {
		int dir = openat(fd, names[i], O_RDONLY | O_CLOEXEC);
		DIR *folder = fdopendir(dir);
		const struct dirent *entry = NULL;
		struct stat st;

		while ((entry = readdir(folder)) != NULL)
			if (fstatat(dir, entry->d_name, &st, 0) == 0 &&
				S_ISREG(st.st_mode))
				bytes += (double)st.st_size;
		closedir(folder);
	}
	printf("disk_per_payload   %6.2f\n", bytes / ((double)records * BODY));
}

static void remove_all(void)
{
	char command[300];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", scratch);
	if (system(command) != 0)
		die(command);
}

int main(int argc, char **argv)
{
	const char *parent = "/tmp";
	const char *bench = getenv("BENCH");
	struct log *log = NULL;
	int fd = -1;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "full") == 0)
			bench = "full";
		else
			parent = argv[i];
	}
	if (bench != NULL && strcmp(bench, "full") == 0)
		records *= 10;
	for (uint32_t i = 0; i < AUTHORS; i++)
		for (int j = 0; j < LOG_KEY_SIZE; j++)
			keys[i][j] = (uint8_t)random_below(256);
	(void)snprintf(scratch, sizeof(scratch), "%s/bench-log-XXXXXX", parent);
	if (mkdtemp(scratch) == NULL)
		die(scratch);
	bench_append(1, 300);
	bench_append(10, 3000);
	bench_append(100, 30000);
	bench_append(1000, 100000);
	bench_few(1);
	bench_few(16);
	fd = folder_make("store");
	fill(fd);
	bench_disk(fd);
	log = store_open(fd);
	bench_get(log, "get_per_s", 300 * 1000);
	bench_author(log, "author_scan_per_s");
	bench_pread(fd);
	bench_arrival(log);
	printf("rss_mb             %6.1f\n", rss_mb());
	log_close(log);
	bench_open(fd);
	bench_rebuild(fd);
	printf("rss_mb_rebuilt     %6.1f\n", rss_mb());
	close(fd);
	remove_all();
	return 0;
}
