/* SPDX-License-Identifier: ISC */
/*
 * explore.c: kills a store at every moment, in every way that we could think
 * of, and looks at what it knows afterwards.
 *
 *	explore SECONDS [SEED]
 *
 * Goes through all suites at least once, with new seeds until the time is up.
 * Exits 0, or 1 with a line about the first thing that was wrong.
 *
 * After each crash the store must open, and then
 *	(1) what log_commit said was durable is there, with the right bytes,
 *	(2) beyond it at most what was appended, without a gap,
 *	(3) a number that was forgotten and used again has its new bytes,
 *	(4) opening it once more, after another kill, changes nothing,
 *	(5) nobody speaks of damage where there is none.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "disk_model.h"
#include "log.h"

enum { SIZE_MAX_BODY = 300, STEPS = 14, SECOND_STEPS = 3 };

/* Small enough that all of it happens in a few steps. */
/* With even seeds no zeros are written ahead, as when a disk is nearly full:
 * they would hide what a torn tail leaves behind. */
static struct log_sizes sizes = { 3000, 1024, 2500 };

static char scratch[200]; /* stays when something was wrong */
static const char *suite = "";
static uint64_t seed;
static unsigned long states;
static char where[200]; /* of the state that is looked at */
static int work_fd;     /* where the store lives */
static int image_fd;    /* where power cuts are looked at */
static int again_fd;    /* and those of second lives */

static void wrong(const char *what)
{
	printf("WRONG %s: %s; seed %llu, %s, see %s\n", suite, what,
		(unsigned long long)seed, where, scratch);
	exit(1);
}

/*
 * Authors and what they write.
 */

static const uint8_t *key_of(uint32_t author)
{
	static const uint8_t keys[MODEL_AUTHORS][LOG_KEY_SIZE] = { "alice",
		"bob", "carol" };

	return keys[author];
}

/* The same size in every life, other bytes. */
static size_t body_make(uint32_t author, uint64_t seq, uint32_t life,
	uint8_t body[SIZE_MAX_BODY])
{
	uint64_t luck = seq * MODEL_AUTHORS + author;
	size_t size = luck_below(&luck, SIZE_MAX_BODY);

	luck += life * 1000003ULL;
	for (size_t i = 0; i < size; i++)
		body[i] = (uint8_t)luck_next(&luck);
	return size;
}

/* In which life each number was used last, by author. */
struct lives {
	uint32_t life[MODEL_AUTHORS][512];
};

static uint64_t durable_of(const struct log *log, uint32_t author)
{
	return log_durable(log, log_find(log, key_of(author)));
}

static void note_take(const struct log *log, struct model_note *note)
{
	for (uint32_t i = 0; i < MODEL_AUTHORS; i++) {
		note->told[i] = durable_of(log, i);
		note->appended[i] = log_head(log, log_find(log, key_of(i)));
	}
}

/* Appends a few records and commits them.  False when that failed. */
static bool step(struct log *log, struct trace *trace, struct lives *lives,
	uint32_t life, uint64_t *luck)
{
	uint64_t count = 1 + luck_below(luck, 4);
	struct model_note note = { 0 };
	bool good = true;

	for (uint64_t i = 0; i < count && good; i++) {
		uint32_t author = (uint32_t)luck_below(luck, MODEL_AUTHORS);
		uint8_t body[SIZE_MAX_BODY];
		struct log_record r = { key_of(author), 0, body, 0 };

		r.seq = log_head(log, log_find(log, r.key)) + 1;
		r.size = body_make(author, r.seq, life, body);
		good = log_append(log, &r) == 0;
		if (good)
			lives->life[author][r.seq] = life;
	}
	note_take(log, &note);
	note.life = life;
	for (uint32_t i = 0; i < MODEL_AUTHORS; i++)
		note.told[i] =
			trace_note_at(trace, trace_length(trace))->told[i];
	trace_note(trace, &note);
	if (!good || log_commit(log, 0) < 0)
		return false;
	note_take(log, &note);
	trace_note(trace, &note);
	return true;
}

static struct log *open_or_die(int fd)
{
	struct log *log = log_open_sized(fd, &sizes);

	if (log == NULL)
		wrong(strerror(errno));
	return log;
}

/* Ends a store as a kill would: its memory goes, nothing else happens. */
static void kill_store(struct log *log)
{
	model_kill(true);
	log_close(log);
	model_kill(false);
}

static void folders_make(int fd)
{
	if ((mkdirat(fd, "segments", 0700) < 0 && errno != EEXIST) ||
		(mkdirat(fd, "authors", 0700) < 0 && errno != EEXIST))
		abort();
}

static int scratch_make(const char *name)
{
	char path[300];
	int fd = -1;

	(void)snprintf(path, sizeof(path), "%s/%s", scratch, name);
	if (mkdir(path, 0700) < 0)
		abort();
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		abort();
	folders_make(fd);
	return fd;
}

static void scratch_clear(int fd)
{
	struct trace *empty = trace_new();

	trace_build(empty, 0, CHOICE_ALL, 0, fd);
	trace_free(empty);
}

static void scratch_remove(int fd, const char *name)
{
	char path[300];

	scratch_clear(fd);
	(void)snprintf(path, sizeof(path), "%s/%s", scratch, name);
	if (unlinkat(fd, "segments", AT_REMOVEDIR) < 0 ||
		unlinkat(fd, "authors", AT_REMOVEDIR) < 0 || rmdir(path) < 0)
		abort();
}

/*
 * Looking.
 */

static void no_false_alarm(struct log *log)
{
	struct log_problem p;

	while (log_next_problem(log, &p))
		/* Places are never flushed: a power cut may take them. */
		if (p.trouble != LOG_TAIL_CUT &&
			(p.trouble != LOG_HINT_WRONG ||
				p.author == LOG_NO_AUTHOR))
			wrong(log_trouble_name(p.trouble));
	if (log_doubt(log))
		wrong("doubt");
}

static void author_right(struct log *log, const struct model_note *note,
	const struct lives *lives, uint32_t i)
{
	uint32_t author = log_find(log, key_of(i));
	uint64_t durable = durable_of(log, i);

	if (durable < note->told[i])
		wrong("what was told of is gone");
	if (durable > note->appended[i])
		wrong("more than was appended");
	if (log_newest(log, author) != durable)
		wrong("a gap");
	for (uint64_t seq = 1; seq <= durable; seq++) {
		struct log_record r;
		uint8_t body[SIZE_MAX_BODY];
		size_t size = body_make(i, seq, lives->life[i][seq], body);

		if (log_read(log, author, seq, &r) < 0)
			wrong("a record cannot be read");
		if (r.size != size || r.seq != seq ||
			memcmp(r.bytes, body, size) != 0)
			wrong("a record has other bytes");
	}
}

static void store_right(struct log *log, const struct model_note *note,
	const struct lives *lives)
{
	struct log_record r;
	uint64_t count = 0;

	no_false_alarm(log);
	for (uint32_t i = 0; i < MODEL_AUTHORS; i++)
		author_right(log, note, lives, i);
	no_false_alarm(log);
	while (log_next(log, &r))
		count++;
	if (count != log_count(log))
		wrong("not each record once in the order of arrival");
}

/* Opens twice, and a third time as `chat --check` would. */
static void image_right(
	int fd, const struct model_note *note, const struct lives *lives)
{
	uint64_t first[MODEL_AUTHORS];
	struct log *log = open_or_die(fd);

	states++;
	store_right(log, note, lives);
	for (uint32_t i = 0; i < MODEL_AUTHORS; i++)
		first[i] = durable_of(log, i);
	kill_store(log);
	log = open_or_die(fd);
	store_right(log, note, lives);
	for (uint32_t i = 0; i < MODEL_AUTHORS; i++)
		if (durable_of(log, i) != first[i])
			wrong("the second opening found something else");
	if (states % 8 == 0)
		log_close(log);
	else
		kill_store(log);
	if (states % 4 != 0)
		return;
	log = log_check(fd);
	if (log == NULL)
		wrong("cannot be checked");
	no_false_alarm(log);
	log_close(log);
}

/*
 * Second lives: after a power cut the store goes on, uses forgotten numbers
 * for other records of the same size, and the power is cut again.
 */
static void second_life(const struct model_note *note,
	const struct lives *lives, uint64_t *luck)
{
	struct trace *trace = trace_new();
	struct lives second = *lives;
	struct log *log = NULL;
	size_t begin = 0;
	size_t length = 0;

	trace_take(trace, image_fd);
	trace_on(trace, image_fd);
	trace_note(trace, note);
	begin = trace_length(trace);
	log = open_or_die(image_fd);
	for (int i = 0; i < SECOND_STEPS; i++)
		if (!step(log, trace, &second, 2, luck))
			wrong("cannot go on after a crash");
	trace_on(NULL, -1);
	kill_store(log);
	length = trace_length(trace);
	for (int i = 0; i < 12; i++) {
		size_t at = begin + luck_below(luck, length - begin + 1);
		enum model_choice choice =
			(enum model_choice)luck_below(luck, CHOICE_COUNT);
		const struct model_note *then = trace_note_at(trace, at);
		struct lives mixed = second;

		/* What was not appended yet has the bytes of its first life. */
		for (uint32_t a = 0; a < MODEL_AUTHORS; a++)
			for (uint64_t s = then->appended[a] + 1; s < 512; s++)
				mixed.life[a][s] = lives->life[a][s];
		if (then->life != 2)
			mixed = *lives;
		trace_build(trace, at, choice, luck_next(luck), again_fd);
		image_right(again_fd, then, &mixed);
	}
	trace_free(trace);
}

/* Power cuts at every moment, in nine ways. */
static void cuts(struct trace *trace, size_t from, const struct lives *lives,
	uint64_t *luck, bool lives_too)
{
	size_t length = trace_length(trace);

	for (size_t at = from; at <= length; at++) {
		for (int c = 0; c < CHOICE_COUNT; c++) {
			const struct model_note *note =
				trace_note_at(trace, at);

			(void)snprintf(where, sizeof(where),
				"power cut before event %zu, choice %d", at, c);
			trace_build(trace, at, (enum model_choice)c,
				luck_next(luck), image_fd);
			if (lives_too && luck_below(luck, 3) == 0) {
				/* The first opening is part of that life. */
				second_life(note, lives, luck);
				continue;
			}
			image_right(image_fd, note, lives);
		}
	}
}

/* One life up to its end, on an empty disk. */
static struct log *first_life(
	struct trace *trace, struct lives *lives, uint64_t *luck, bool *good)
{
	struct log *log = NULL;

	scratch_clear(work_fd);
	trace_on(trace, work_fd);
	memset(lives, 0, sizeof(*lives));
	*good = true;
	log = log_open_sized(work_fd, &sizes);
	if (log == NULL) {
		*good = false;
		return NULL;
	}
	if (log_run(log, 0) < 0)
		*good = false;
	for (int i = 0; i < STEPS && *good; i++) {
		*good = step(log, trace, lives, 1, luck);
		/* Quiet for a while: a MARK. */
		if (*good && luck_below(luck, 5) == 0)
			*good = log_run(log, 4000) == 0;
		if (*good && luck_below(luck, 8) == 0) {
			log_close(log);
			log = log_open_sized(work_fd, &sizes);
			*good = log != NULL && log_run(log, 0) == 0;
		}
		if (log == NULL)
			return NULL;
	}
	return log;
}

static void suite_power(void)
{
	struct trace *trace = trace_new();
	uint64_t luck = seed;
	struct lives lives;
	bool good = true;
	struct log *log = first_life(trace, &lives, &luck, &good);

	suite = "power cut";
	if (!good)
		wrong("the store failed on a good disk");
	trace_on(NULL, -1);
	kill_store(log);
	cuts(trace, 0, &lives, &luck, false);
	suite = "two lives";
	cuts(trace, trace_length(trace) / 2, &lives, &luck, true);
	trace_free(trace);
}

/*
 * What was appended in the first life and is not there when the second one
 * begins is forgotten: its numbers are used again.
 */
static void life_on(struct trace *trace, struct lives *lives, uint64_t *luck)
{
	struct log *log = log_open_sized(work_fd, &sizes);
	const struct model_note *before =
		trace_note_at(trace, trace_length(trace));
	struct model_note note = *before;

	if (log == NULL)
		wrong(strerror(errno));
	store_right(log, &note, lives);
	for (int i = 0; i < SECOND_STEPS; i++)
		if (!step(log, trace, lives, 2, luck))
			wrong("cannot go on after a restart");
	trace_on(NULL, -1);
	kill_store(log);
}

/* A kill at some call, a restart on the same machine, then the power. */
static void suite_kill(void)
{
	suite = "kill, restart, power cut";
	for (long call = 3;; call += 5) {
		struct trace *trace = trace_new();
		uint64_t luck = seed;
		struct lives lives;
		bool good = true;
		struct log *log = NULL;
		size_t from = 0;

		model_fail(call, EIO, true);
		log = first_life(trace, &lives, &luck, &good);
		(void)snprintf(where, sizeof(where), "kill at call %ld", call);
		kill_store(log);
		good = !model_failed();
		model_fail(-1, 0, false);
		from = trace_length(trace);
		if (!good) {
			life_on(trace, &lives, &luck);
			from += 2;
			for (size_t at = from; at <= trace_length(trace);
				at += 3) {
				int c = (int)luck_below(&luck, CHOICE_COUNT);

				trace_build(trace, at, (enum model_choice)c,
					luck_next(&luck), image_fd);
				if (trace_note_at(trace, at)->life == 2)
					image_right(image_fd,
						trace_note_at(trace, at),
						&lives);
			}
		}
		trace_on(NULL, -1);
		trace_free(trace);
		if (good)
			break;
	}
}

/* A flush fails, and what it should have written is never written. */
static void suite_flush(void)
{
	suite = "failed flush";
	model_only_syncs(true);
	for (long call = 0;; call++) {
		struct trace *trace = trace_new();
		uint64_t luck = seed;
		struct lives lives;
		bool good = true;
		struct log *log = NULL;
		bool reached = false;

		model_fail(call, call % 2 == 0 ? EIO : ENOSPC, false);
		log = first_life(trace, &lives, &luck, &good);
		(void)snprintf(where, sizeof(where), "flush %ld fails", call);
		reached = model_failed();
		model_fail(-1, 0, false);
		kill_store(log);
		if (reached && !good) {
			size_t from = trace_length(trace);

			life_on(trace, &lives, &luck);
			for (size_t at = from; at <= trace_length(trace); at++)
				for (int c = 0; c < CHOICE_COUNT; c += 1) {
					if (trace_note_at(trace, at)->life != 2)
						continue;
					trace_build(trace, at,
						(enum model_choice)c,
						luck_next(&luck), image_fd);
					image_right(image_fd,
						trace_note_at(trace, at),
						&lives);
				}
		}
		trace_on(NULL, -1);
		trace_free(trace);
		if (!reached)
			break;
	}
	model_only_syncs(false);
}

/* One call fails, any; the store goes on or stops, and is killed. */
static void suite_error(void)
{
	static const int errors[] = { EIO, ENOSPC, EDQUOT, EROFS };

	suite = "an error at every call";
	for (long call = 0;; call++) {
		struct trace *trace = trace_new();
		uint64_t luck = seed;
		struct lives lives;
		struct model_note note;
		bool good = true;
		bool reached = false;
		struct log *log = NULL;

		model_fail(call, errors[call % 4], false);
		log = first_life(trace, &lives, &luck, &good);
		(void)snprintf(where, sizeof(where), "call %ld fails", call);
		reached = model_failed();
		model_fail(-1, 0, false);
		note = *trace_note_at(trace, trace_length(trace));
		/* Full is not final: what waits is written in the end. */
		if (log != NULL && !good && log_commit(log, 60000) == 0)
			note_take(log, &note);
		trace_on(NULL, -1);
		kill_store(log);
		image_right(work_fd, &note, &lives);
		for (int c = 0; c < CHOICE_COUNT; c++) {
			size_t at = trace_length(trace);

			trace_build(trace, at, (enum model_choice)c,
				luck_next(&luck), image_fd);
			image_right(image_fd, &note, &lives);
		}
		trace_free(trace);
		if (!reached)
			break;
	}
}

/*
 * Rot: a flipped bit may cost records, but not in silence, and what is read
 * is right.  The last batch has its MARK.
 */
static void flip_judge(const struct model_note *note, const struct lives *lives)
{
	struct log *log = log_open_sized(image_fd, &sizes);
	bool reported = false;
	bool lost = false;
	struct log_problem p;

	states++;
	if (log == NULL) {
		if (errno != EBADMSG && errno != EPROTONOSUPPORT)
			wrong(strerror(errno));
		return;
	}
	for (uint32_t i = 0; i < MODEL_AUTHORS; i++) {
		uint32_t author = log_find(log, key_of(i));

		for (uint64_t seq = 1; seq <= note->told[i]; seq++) {
			struct log_record r;
			uint8_t body[SIZE_MAX_BODY];
			size_t size =
				body_make(i, seq, lives->life[i][seq], body);

			if (log_read(log, author, seq, &r) < 0)
				lost = true;
			else if (r.size != size ||
				 memcmp(r.bytes, body, size) != 0)
				wrong("rot was read as a record");
		}
	}
	while (log_next_problem(log, &p))
		reported = reported || p.trouble == LOG_DAMAGED ||
			   p.trouble == LOG_SEGMENT_LOST;
	if (lost && !reported)
		wrong("told of, gone, and not a word");
	kill_store(log);
}

static void suite_flip(void)
{
	static const char *const names[] = { "segments/00000000.seg",
		"segments/00000001.seg", "segments/00000002.seg",
		"segments/00000003.seg", "checkpoint" };
	struct trace *trace = trace_new();
	uint64_t luck = seed;
	struct lives lives;
	bool good = true;
	struct log *log = first_life(trace, &lives, &luck, &good);
	struct model_note note;

	suite = "flipped bits";
	if (!good || log_run(log, 100000) < 0)
		wrong("the store failed on a good disk");
	note_take(log, &note);
	trace_on(NULL, -1);
	kill_store(log);
	for (size_t f = 0; f < sizeof(names) / sizeof(names[0]); f++) {
		for (off_t at = (off_t)(seed % 7);; at += 7) {
			uint8_t byte = 0;
			int fd = -1;

			trace_build(trace, trace_length(trace), CHOICE_ALL, 0,
				image_fd);
			fd = openat(image_fd, names[f], O_RDWR);
			if (fd < 0 || pread(fd, &byte, 1, at) != 1) {
				if (fd >= 0)
					close(fd);
				break;
			}
			byte ^= (uint8_t)(1U << luck_below(&luck, 8));
			if (pwrite(fd, &byte, 1, at) != 1)
				abort();
			close(fd);
			(void)snprintf(where, sizeof(where), "%s byte %ld",
				names[f], (long)at);
			flip_judge(&note, &lives);
		}
	}
	trace_free(trace);
}

/* Appends the next record of an author in this life, without a commit. */
static void tail_add(struct log *log, uint32_t author, uint32_t life)
{
	uint8_t body[SIZE_MAX_BODY];
	struct log_record r = { key_of(author), 0, body, 0 };

	r.seq = log_head(log, log_find(log, r.key)) + 1;
	r.size = body_make(author, r.seq, life, body);
	if (log_append(log, &r) < 0)
		wrong("cannot append");
}

/*
 * Of a batch of two the first record is torn, and the second one is whole.
 * The next life puts a record of the same size into the torn one's place: the
 * second one, behind it, was forgotten and must stay so.
 */
static void suite_tail(void)
{
	struct model_note note = { { 0 }, { 0 }, 2 };
	struct log *log = NULL;
	struct stat st;
	int fd = -1;

	suite = "torn tail";
	where[0] = '\0';
	scratch_clear(work_fd);
	log = open_or_die(work_fd);
	for (uint64_t i = seed % 7; i > 0; i--)
		tail_add(log, 0, 1);
	if (log_commit(log, 0) < 0)
		wrong("cannot commit");
	fd = openat(work_fd, "segments/00000000.seg", O_RDWR);
	if (fd < 0 || fstat(fd, &st) < 0)
		abort();
	note_take(log, &note);
	tail_add(log, 0, 1);
	tail_add(log, 1, 1);
	if (log_commit(log, 0) < 0)
		wrong("cannot commit");
	kill_store(log);
	if (sizes.ahead == 0 && pwrite(fd, "torn", 4, st.st_size + 8) != 4)
		abort();
	close(fd);
	log = open_or_die(work_fd);
	if (sizes.ahead == 0 && durable_of(log, 1) != note.appended[1])
		wrong("a torn batch counts");
	if (sizes.ahead == 0)
		tail_add(log, 0, 2);
	if (log_commit(log, 0) < 0)
		wrong("cannot commit");
	note_take(log, &note);
	kill_store(log);
	log = open_or_die(work_fd);
	if (durable_of(log, 1) != note.appended[1])
		wrong("a forgotten number has come back");
	states++;
	log_close(log);
}

static double seconds(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_MONOTONIC, &t) < 0)
		abort();
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	const char *parent = getenv("TMPDIR");
	double start = seconds();
	double limit = argc > 1 ? strtod(argv[1], NULL) : 30;
	static void (*const suites[])(void) = { suite_power, suite_flush,
		suite_kill, suite_error, suite_flip, suite_tail };

	seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	if (parent == NULL)
		parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	(void)snprintf(
		scratch, sizeof(scratch), "%s/chat-crash-XXXXXX", parent);
	if (mkdtemp(scratch) == NULL)
		abort();
	work_fd = scratch_make("work");
	image_fd = scratch_make("image");
	again_fd = scratch_make("again");
	do {
		sizes.ahead = seed % 2 == 0 ? 0 : 1024;
		for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
			suites[i]();
		seed++;
	} while (seconds() - start < limit);
	scratch_remove(work_fd, "work");
	scratch_remove(image_fd, "image");
	scratch_remove(again_fd, "again");
	if (rmdir(scratch) < 0)
		abort();
	printf("crash: %lu states, %.0f s, nothing lost\n", states,
		seconds() - start);
	return 0;
}
