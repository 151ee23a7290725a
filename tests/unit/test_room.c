/* SPDX-License-Identifier: ISC */
/*
 * The room: what may enter its logs, and where our own goes on.  Authors are
 * books, written in memory, from which batches are made; the wall clock is a
 * variable; verifications are counted by wrapping record_verify.
 */
#include "scratch.h"
#include "testing.h"

#include "history.h"
#include "room/inside.h"

enum {
	PAGES_MAX = 400,
	ARENA_SIZE = 2 * LOG_BATCH_MAX,
	BATCH_SIZE = 512 * 1024,
	LARGEST = 24 + RECORD_HEADER_SIZE + LIMIT_TEXT /* in the store */
};

#define NOW          ((uint64_t)1800000000000)
#define FIVE_MINUTES ((uint64_t)300 * 1000)

static struct scratch s;
static struct log *log_;
static struct room *room;
static struct room_options options;
static struct ed25519_key our_key;
static uint8_t room_id[RECORD_ID_SIZE];
static uint64_t wall;
static struct transcript told;
static int verified; /* calls of record_verify */

static uint8_t arena[ARENA_SIZE];
static size_t arena_used;

bool __real_record_verify(const struct record_log *log, uint64_t seq,
	const uint8_t *id, const uint8_t *signature);
bool __wrap_record_verify(const struct record_log *log, uint64_t seq,
	const uint8_t *id, const uint8_t *signature);

bool __wrap_record_verify(const struct record_log *log, uint64_t seq,
	const uint8_t *id, const uint8_t *signature)
{
	verified++;
	return __real_record_verify(log, seq, id, signature);
}

/*
 * Books.
 */

struct page {
	uint64_t time_ms;
	uint8_t type;
	size_t size;
	uint8_t *payload;
	uint8_t id[RECORD_ID_SIZE];
	uint8_t signature[RECORD_SIGNATURE_SIZE];
};

/* Page n is record n; its author signs whatever he is told to. */
struct book {
	struct record_log log;
	struct ed25519_key key;
	struct record_chain chain;
	struct page pages[PAGES_MAX];
};

static struct book alice, bob, other;

static void key_make(struct ed25519_key *key, uint8_t who)
{
	uint8_t seed[ED25519_SEED_SIZE] = { who };

	ed25519_key_from_seed(key, seed);
}

/* Signs record seq as it stands there. */
static void book_sign(struct book *book, uint64_t seq)
{
	struct page *page = &book->pages[seq];

	record_sign(page->signature, &book->log, seq, page->id, &book->key);
}

static void book_add(struct book *book, enum record_type type, uint64_t time_ms,
	const void *payload, size_t size)
{
	struct page *page = &book->pages[book->chain.seq + 1];
	struct record record = { .time_ms = time_ms, .type = (uint8_t)type };

	assert_true(book->chain.seq + 1 < PAGES_MAX);
	assert_true(arena_used + size <= sizeof(arena));
	page->payload = arena + arena_used;
	arena_used += size;
	memcpy(page->payload, payload, size);
	page->time_ms = time_ms;
	page->type = (uint8_t)type;
	page->size = size;
	record.payload = reader_over(page->payload, size);
	/* A record that is not valid keeps the id of the one before. */
	(void)!record_chain_add(&book->chain, &book->log, &record);
	memcpy(page->id, book->chain.id, RECORD_ID_SIZE);
	book_sign(book, book->chain.seq);
}

static void book_say(struct book *book, const char *text)
{
	book_add(book, RECORD_TEXT, NOW, text, strlen(text));
}

/* Texts up to record `last`, all different from those of other words. */
static void book_fill(struct book *book, uint64_t last, const char *word)
{
	char text[64];

	while (book->chain.seq < last) {
		(void)snprintf(text, sizeof(text), "%s %u", word,
			(unsigned)book->chain.seq + 1);
		book_say(book, text);
	}
}

static void book_begin_at(struct book *book, uint8_t who, uint32_t epoch,
	const char *name, uint64_t time_ms)
{
	uint8_t payload[RECORD_OPEN_MAX];
	struct record_open open = { .epoch = epoch };

	memset(book, 0, sizeof(*book));
	key_make(&book->key, who);
	memcpy(book->log.public_key, book->key.public_key, RECORD_KEY_SIZE);
	book->log.epoch = epoch;
	record_log_id(&book->log, room_id);
	record_chain_begin(&book->chain, &book->log);
	memcpy(open.room_id, room_id, RECORD_ID_SIZE);
	memcpy(open.public_key, book->key.public_key, RECORD_KEY_SIZE);
	(void)snprintf(open.name, sizeof(open.name), "%s", name);
	book_add(book, RECORD_OPEN, time_ms, payload,
		record_open_encode(&open, payload));
}

static void book_begin(
	struct book *book, uint8_t who, uint32_t epoch, const char *name)
{
	book_begin_at(book, who, epoch, name, NOW);
}

/* A copy that goes another way after record seq. */
static void book_branch(struct book *to, const struct book *from, uint64_t seq)
{
	*to = *from;
	to->chain.seq = seq;
	to->chain.time_ms = from->pages[seq].time_ms;
	memcpy(to->chain.id, from->pages[seq].id, RECORD_ID_SIZE);
}

/* Records first .. last, as they come from a peer. */
static struct message_batch book_batch(
	const struct book *book, uint64_t first, uint64_t last)
{
	static uint8_t bytes[BATCH_SIZE];
	struct writer w = writer_over(bytes, sizeof(bytes));
	struct message_batch batch = { .first = first };

	memcpy(batch.previous,
		first == 1 ? book->log.id : book->pages[first - 1].id,
		RECORD_PREFIX_SIZE);
	for (uint64_t seq = first; seq <= last; seq++) {
		const struct page *page = &book->pages[seq];
		struct record record = { .time_ms = page->time_ms,
			.type = page->type,
			.payload = reader_over(page->payload, page->size),
			.signature = page->signature };

		message_put_record(&w, &record);
		batch.count++;
	}
	assert_false(w.full);
	batch.records = reader_over(bytes, w.size);
	return batch;
}

static struct message_half book_half(const struct book *book, uint64_t seq)
{
	struct message_half half = { .epoch = book->log.epoch, .seq = seq };

	memcpy(half.public_key, book->log.public_key, RECORD_KEY_SIZE);
	memcpy(half.id, book->pages[seq].id, RECORD_ID_SIZE);
	memcpy(half.signature, book->pages[seq].signature,
		RECORD_SIGNATURE_SIZE);
	return half;
}

/*
 * Rooms.
 */

static void store_begin(void)
{
	static const struct log_sizes small = { 64 * 1024 * 1024, 64 * 1024,
		32 * 1024 * 1024 };

	log_ = log_open_sized(s.fd, &small);
	assert_non_null(log_);
}

static void room_begin(void)
{
	if (log_ == NULL)
		store_begin();
	options.dir_fd = s.fd;
	room = room_open(&options, log_);
	assert_non_null(room);
}

static void room_end(void)
{
	room_close(room);
	log_close(log_);
	room = NULL;
	log_ = NULL;
}

static void commit(void)
{
	assert_int_equal(log_commit(log_, (int64_t)(wall - NOW)), 0);
}

static void room_again(void)
{
	commit();
	room_end();
	options.is_new = false;
	room_begin();
	transcript_clear(&told);
}

static int setup(void **state)
{
	(void)state;
	ed25519_start();
	scratch_make(&s);
	key_make(&our_key, 1);
	record_room_id(room_id, false, "");
	memset(&options, 0, sizeof(options));
	options.key = &our_key;
	options.name = "me";
	options.room_id = room_id;
	options.is_new = true;
	arena_used = 0;
	wall = NOW;
	transcript_clear(&told);
	book_begin(&alice, 2, 0, "alice");
	book_begin(&bob, 3, 0, "bob");
	room_begin();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	room_end();
	scratch_remove(&s);
	return 0;
}

static uint32_t number_of(const struct book *book)
{
	uint32_t number =
		room_admit(room, book->log.public_key, book->log.epoch, true);

	assert_true(number != ROOM_NO_LOG);
	return number;
}

static uint64_t head_of(const struct book *book)
{
	return room_head(room, number_of(book));
}

/* Sends records first .. last; with a commit where one is asked for. */
static enum room_verdict give(
	const struct book *book, uint64_t first, uint64_t last)
{
	struct message_batch batch = book_batch(book, first, last);
	enum room_verdict verdict;

	verified = 0;
	verdict = room_accept(room, number_of(book), &batch, wall);
	if (verdict != ROOM_FULL)
		return verdict;
	assert_int_equal(errno, EAGAIN);
	commit();
	return room_accept(room, number_of(book), &batch, wall);
}

static enum room_verdict give_half(const struct book *book, uint64_t seq)
{
	struct message_half half = book_half(book, seq);

	verified = 0;
	return room_accept_half(room, &half);
}

static void assert_verdict(enum room_verdict is, enum room_verdict should)
{
	assert_string_equal(room_verdict_name(is), room_verdict_name(should));
}

/* Gives the largest texts, until `rest` more would fill the store's batch. */
static void give_until_full(struct book *book, int rest)
{
	static const uint8_t bytes[LIMIT_TEXT];
	uint64_t last = 0;

	for (int i = 0; i < LOG_BATCH_MAX / LARGEST - rest; i++)
		book_add(book, RECORD_TEXT, NOW, bytes, sizeof(bytes));
	for (uint64_t first = 1; first <= book->chain.seq; first = last + 1) {
		last = first + 99;
		if (last > book->chain.seq)
			last = book->chain.seq;
		assert_verdict(give(book, first, last), ROOM_ACCEPTED);
	}
}

/* Gives all of it, and commits. */
static void give_all(const struct book *book)
{
	assert_verdict(give(book, 1, book->chain.seq), ROOM_ACCEPTED);
	commit();
}

static const char *name_of(uint32_t number)
{
	return number == ROOM_NO_LOG ? "nobody" : room_log(room, number)->name;
}

/* All that room_next tells, a line each. */
static const char *news(void)
{
	struct room_event event;

	transcript_clear(&told);
	while (room_next(room, &event)) {
		const char *name = name_of(event.number);

		switch (event.kind) {
		case ROOM_EVENT_NAME:
			tell(&told, "name %s\n", name);
			break;
		case ROOM_EVENT_FORK:
			tell(&told, "fork %s %u%s\n", name, (unsigned)event.seq,
				event.again ? " again" : "");
			break;
		case ROOM_EVENT_ADOPTED:
			tell(&told, "adopted %u\n", (unsigned)event.seq);
			break;
		case ROOM_EVENT_EPOCH:
			tell(&told, "epoch %s\n",
				event.number == ROOM_NO_LOG ? "none" : "new");
			assert_non_null(event.text);
			break;
		case ROOM_EVENT_LIMIT:
			tell(&told, "limit %s\n", name);
			break;
		}
	}
	return told.text;
}

static int say(const char *text)
{
	return room_say(room, text, strlen(text), wall);
}

static void must_say(const char *text)
{
	assert_int_equal(say(text), 0);
}

/* Lets the room do all that it has to do. */
static void run(void)
{
	do {
		assert_int_equal(room_run(room, wall), 0);
		commit();
	} while (room_is_busy(room));
}

/* The texts of a log, from its records that count, joined by commas. */
static const char *texts(uint32_t number)
{
	static char text[4096];
	struct writer w = writer_over(text, sizeof(text) - 1);
	struct log_cursor cursor = { .seq = 1 };
	struct record record;

	for (; cursor.seq <= room_newest(room, number); cursor.seq++) {
		if (room_read(room, number, &cursor, &record) < 0 ||
			record.type != RECORD_TEXT)
			continue;
		if (w.size > 0)
			write_u8(&w, ',');
		write_bytes(&w, record.payload.at, record.payload.left);
	}
	text[w.size] = '\0';
	return text;
}

static struct record read_of(uint32_t number, uint64_t seq)
{
	struct log_cursor cursor = { .seq = seq };
	struct record record;

	assert_int_equal(room_read(room, number, &cursor, &record), 0);
	return record;
}

/* Damages the record on the disk that has this text; between two lives. */
static void rot(const char *text)
{
	static uint8_t bytes[4 * 1024 * 1024];
	int fd = openat(s.fd, "segments/00000000.seg", O_RDWR);
	ssize_t size = pread(fd, bytes, sizeof(bytes), 0);
	size_t length = strlen(text);
	off_t at = -1;

	for (ssize_t i = 0; i + (ssize_t)length <= size; i++)
		if (memcmp(bytes + i, text, length) == 0)
			at = i;
	assert_true(at >= 0);
	assert_int_equal(pwrite(fd, "#", 1, at), 1);
	assert_int_equal(close(fd), 0);
}

/* Commits, ends, damages these texts, and begins again; the store knows. */
static void room_again_without(const char *const *lost, int count)
{
	struct log_record record;

	commit();
	room_end();
	for (int i = 0; i < count; i++)
		rot(lost[i]);
	store_begin();
	for (uint32_t i = 0; i < log_author_count(log_); i++)
		for (uint64_t seq = log_newest(log_, i); seq > 0; seq--)
			(void)!log_read(log_, i, seq, &record);
	options.is_new = false;
	room_begin();
}

/*
 * What others send.
 */

static void accepts_a_log_and_knows_its_name(void **state)
{
	uint8_t id[RECORD_ID_SIZE];
	uint32_t number = number_of(&alice);

	(void)state;
	book_fill(&alice, 3, "a");
	assert_verdict(give(&alice, 1, 3), ROOM_ACCEPTED);
	assert_int_equal(verified, 1);
	assert_string_equal(news(), "name alice\n");
	assert_int_equal(room_head(room, number), 3);
	assert_int_equal(room_durable(room, number), 0);
	assert_false(room_id_at(room, number, 3, id));
	commit();
	assert_int_equal(room_durable(room, number), 3);
	for (uint64_t seq = 1; seq <= 3; seq++) {
		assert_true(room_id_at(room, number, seq, id));
		assert_memory_equal(id, alice.pages[seq].id, sizeof(id));
	}
	assert_true(room_id_at(room, number, 0, id));
	assert_memory_equal(id, alice.log.id, sizeof(id));
	assert_false(room_id_at(room, number, 4, id));
	assert_string_equal(texts(number), "a 2,a 3");
	assert_int_equal(room_find(room, alice.log.id), number);
	assert_int_equal(room_find(room, bob.log.id), ROOM_NO_LOG);
}

static void what_was_accepted_is_there_after_a_restart(void **state)
{
	uint32_t number;

	(void)state;
	book_fill(&alice, 3, "a");
	book_fill(&bob, 2, "b");
	give_all(&alice);
	give_all(&bob);
	room_again();
	number = room_find(room, alice.log.id);
	assert_true(number != ROOM_NO_LOG);
	assert_true(room_log(room, number)->is_signed);
	assert_false(room_log(room, number)->is_own);
	assert_memory_equal(
		&room_log(room, number)->log, &alice.log, sizeof(alice.log));
	assert_string_equal(name_of(number), "alice");
	assert_string_equal(news(), "");
	book_fill(&alice, 4, "a");
	assert_verdict(give(&alice, 4, 4), ROOM_ACCEPTED);
	assert_int_equal(head_of(&alice), 4);
}

static void abuse_01_unsigned_record_for_a_signed_log_is_bad(void **state)
{
	struct reader entry = reader_over("forged", 6);

	(void)state;
	give_all(&alice);
	assert_verdict(room_accept_unsigned(room, alice.log.id, 2, entry, wall),
		ROOM_BAD);
	assert_int_equal(head_of(&alice), 1);
}

static void abuse_02_record_far_ahead_moves_nothing_and_costs_nothing(
	void **state)
{
	struct message_batch batch;

	(void)state;
	book_fill(&alice, 2, "a");
	give_all(&alice);
	batch = book_batch(&alice, 2, 2);
	batch.first = LIMIT_SEQ;
	verified = 0;
	assert_verdict(
		room_accept(room, number_of(&alice), &batch, wall), ROOM_GAP);
	assert_int_equal(verified, 0);
	assert_int_equal(head_of(&alice), 2);
}

static void abuse_02_record_signed_by_another_key_is_bad(void **state)
{
	(void)state;
	book_fill(&alice, 2, "a");
	record_sign(alice.pages[2].signature, &bob.log, 2, alice.pages[2].id,
		&bob.key);
	assert_verdict(give(&alice, 1, 2), ROOM_BAD);
	assert_int_equal(head_of(&alice), 0);
	assert_int_equal(log_waiting(log_), 0);
}

static void abuse_03_batch_with_a_gap_before_it_is_not_kept(void **state)
{
	(void)state;
	book_fill(&alice, 12, "a");
	assert_verdict(give(&alice, 1, 5), ROOM_ACCEPTED);
	assert_verdict(give(&alice, 9, 12), ROOM_GAP);
	assert_int_equal(verified, 0);
	assert_int_equal(head_of(&alice), 5);
	assert_verdict(give(&alice, 6, 12), ROOM_ACCEPTED);
}

static void abuse_04_seq_zero_and_beyond_the_last_are_bad(void **state)
{
	struct message_half half = book_half(&alice, 1);
	struct reader entry = reader_over("x", 1);
	const uint8_t key[RECORD_ID_SIZE] = "someone";

	(void)state;
	give_all(&alice);
	half.seq = 0;
	assert_verdict(room_accept_half(room, &half), ROOM_BAD);
	half.seq = LIMIT_SEQ + 1;
	assert_verdict(room_accept_half(room, &half), ROOM_BAD);
	assert_verdict(
		room_accept_unsigned(room, key, 0, entry, wall), ROOM_BAD);
	assert_verdict(room_accept_unsigned(
			       room, key, ((uint64_t)1 << 32) + 5, entry, wall),
		ROOM_BAD);
	assert_int_equal(room_find(room, key), ROOM_NO_LOG);
}

static void abuse_05_history_replayed_costs_nothing(void **state)
{
	uint64_t size;

	(void)state;
	book_fill(&alice, 256, "a");
	give_all(&alice);
	size = log_size(log_);
	for (int i = 0; i < 100; i++) {
		assert_verdict(give(&alice, 1, 256), ROOM_HAD);
		assert_int_equal(verified, 0);
	}
	assert_verdict(give(&alice, 100, 200), ROOM_HAD);
	assert_int_equal(verified, 0);
	commit();
	assert_int_equal(log_size(log_), size);
}

static void abuse_06_flipped_bit_refuses_the_batch_for_one_check(void **state)
{
	(void)state;
	book_fill(&alice, 257, "a");
	assert_verdict(give(&alice, 1, 1), ROOM_ACCEPTED);
	alice.pages[2].payload[0] ^= 1;
	assert_verdict(give(&alice, 2, 257), ROOM_BAD);
	assert_int_equal(verified, 1);
	assert_int_equal(head_of(&alice), 1);
	alice.pages[2].payload[0] ^= 1;
	assert_verdict(give(&alice, 2, 257), ROOM_ACCEPTED);
	assert_int_equal(verified, 1);
}

static void abuse_07_junk_signatures_in_the_middle_vouch_for_nothing(
	void **state)
{
	struct message_half half;
	uint32_t number = number_of(&alice);

	(void)state;
	book_fill(&alice, 5, "a");
	for (uint64_t seq = 2; seq <= 4; seq++)
		memset(alice.pages[seq].signature, 0x55, RECORD_SIGNATURE_SIZE);
	give_all(&alice);
	for (uint64_t seq = 1; seq <= 5; seq++) {
		struct record record = read_of(number, seq);
		bool good = seq == 1 || seq == 5;

		verified = 0;
		assert_int_equal(
			room_vouches(room, number, seq, &record), good);
		assert_int_equal(verified, seq == 5 ? 0 : 1);
		assert_int_equal(
			room_make_half(room, number, seq, &half), good);
	}
	assert_memory_equal(half.id, alice.pages[5].id, RECORD_ID_SIZE);
	assert_memory_equal(half.signature, alice.pages[5].signature,
		sizeof(half.signature));
}

static void abuse_07b_overlap_that_differs_grafts_nothing(void **state)
{
	(void)state;
	book_fill(&alice, 5, "a");
	give_all(&alice);
	(void)news();
	book_branch(&other, &alice, 3);
	book_fill(&other, 8, "b");
	assert_verdict(give(&other, 3, 8), ROOM_FORKED);
	assert_string_equal(news(), "fork alice 4\n");
	commit();
	assert_string_equal(texts(number_of(&alice)), "a 2,a 3");
	assert_int_equal(head_of(&alice), 3);
}

static void abuse_07b_overlap_that_nobody_signed_freezes_nothing(void **state)
{
	(void)state;
	book_fill(&alice, 5, "a");
	give_all(&alice);
	(void)news();
	book_branch(&other, &alice, 3);
	book_fill(&other, 8, "b");
	other.pages[8].signature[0] ^= 1;
	assert_verdict(give(&other, 3, 8), ROOM_BAD);
	assert_string_equal(news(), "");
	assert_int_equal(head_of(&alice), 5);
}

static void abuse_07b_batch_that_continues_another_record_is_disputed(
	void **state)
{
	(void)state;
	book_fill(&alice, 5, "a");
	give_all(&alice);
	book_branch(&other, &alice, 3);
	book_fill(&other, 8, "b");
	assert_verdict(give(&other, 6, 8), ROOM_DISPUTED);
	assert_verdict(give(&other, 5, 8), ROOM_DISPUTED);
	assert_int_equal(verified, 0);
	assert_int_equal(head_of(&alice), 5);
	assert_int_equal(log_waiting(log_), 0);
}

/* S + L, for the S of a signature. */
static void add_order(uint8_t *scalar)
{
	static const uint8_t order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63,
		0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10 };
	unsigned carry = 0;

	for (size_t i = 0; i < sizeof(order); i++) {
		carry += (unsigned)scalar[i] + order[i];
		scalar[i] = (uint8_t)carry;
		carry >>= 8;
	}
	assert_int_equal(carry, 0);
}

static void abuse_08_s_plus_l_is_bad_and_the_genuine_one_good(void **state)
{
	(void)state;
	book_fill(&alice, 3, "a");
	add_order(alice.pages[3].signature + 32);
	assert_verdict(give(&alice, 1, 3), ROOM_BAD);
	book_sign(&alice, 3);
	assert_verdict(give(&alice, 1, 3), ROOM_ACCEPTED);
}

static void abuse_09_records_of_another_room_epoch_or_key_are_bad(void **state)
{
	struct message_batch batch;
	uint8_t here[RECORD_ID_SIZE];
	uint32_t number = number_of(&alice);

	(void)state;
	/* Another room: as it is, and as if it continued this log. */
	memcpy(here, room_id, sizeof(here));
	record_room_id(room_id, false, "elsewhere");
	book_begin(&other, 2, 0, "alice");
	memcpy(room_id, here, sizeof(here));
	batch = book_batch(&other, 1, 1);
	assert_verdict(room_accept(room, number, &batch, wall), ROOM_BAD);
	memcpy(batch.previous, alice.log.id, RECORD_PREFIX_SIZE);
	assert_verdict(room_accept(room, number, &batch, wall), ROOM_BAD);
	/* Another epoch. */
	book_begin(&other, 2, 7, "alice");
	batch = book_batch(&other, 1, 1);
	memcpy(batch.previous, alice.log.id, RECORD_PREFIX_SIZE);
	assert_verdict(room_accept(room, number, &batch, wall), ROOM_BAD);
	/* Alice's text as bob's. */
	give_all(&bob);
	book_fill(&alice, 2, "a");
	batch = book_batch(&alice, 2, 2);
	memcpy(batch.previous, bob.pages[1].id, RECORD_PREFIX_SIZE);
	assert_verdict(
		room_accept(room, number_of(&bob), &batch, wall), ROOM_BAD);
	assert_int_equal(room_head(room, number), 0);
	assert_int_equal(head_of(&bob), 1);
}

static void abuse_16_logs_are_admitted_up_to_what_is_kept_for_others(
	void **state)
{
	uint8_t key[RECORD_KEY_SIZE] = { 9 };
	uint32_t most = LIMIT_LOGS - LIMIT_EPOCHS;
	uint32_t number = 0;

	(void)state;
	for (uint32_t i = 0; i < most - LIMIT_LOGS_KEPT; i++) {
		memcpy(key + 1, &i, sizeof(i));
		number = room_admit(room, key, 0, false);
		assert_true(number != ROOM_NO_LOG);
	}
	assert_int_equal(room_admit(room, key, 0, false), number);
	key[0]++;
	assert_int_equal(room_admit(room, key, 0, false), ROOM_NO_LOG);
	for (uint32_t i = most - LIMIT_LOGS_KEPT; i < most; i++) {
		memcpy(key + 1, &i, sizeof(i));
		assert_true(room_admit(room, key, 0, true) != ROOM_NO_LOG);
	}
	key[0]++;
	assert_int_equal(room_admit(room, key, 0, true), ROOM_NO_LOG);
	room_forget(room, number);
	assert_false(room_log(room, number)->used);
	assert_int_equal(room_admit(room, key, 0, true), number);
	must_say("there is always a place for ourselves");
}

static void log_with_records_is_not_forgotten(void **state)
{
	uint32_t number = number_of(&alice);

	(void)state;
	give_all(&alice);
	room_forget(room, number);
	assert_int_equal(room_find(room, alice.log.id), number);
}

static void abuse_17_author_over_his_quota_stops_and_others_go_on(void **state)
{
	(void)state;
	options.log_bytes = 2000;
	room_again();
	book_fill(&alice, 60, "a");
	book_fill(&bob, 5, "b");
	assert_verdict(give(&alice, 1, 10), ROOM_ACCEPTED);
	assert_verdict(give(&alice, 11, 30), ROOM_LIMIT);
	assert_verdict(give(&alice, 11, 30), ROOM_LIMIT);
	assert_int_equal(verified, 0);
	assert_string_equal(news(), "name alice\nlimit alice\n");
	assert_verdict(give(&bob, 1, 5), ROOM_ACCEPTED);
	room_again(); /* what there was before is not forgotten */
	assert_verdict(give(&alice, 11, 18), ROOM_LIMIT);
	assert_verdict(give(&alice, 11, 15), ROOM_ACCEPTED);
}

static void abuse_17_full_room_takes_only_what_is_ours(void **state)
{
	(void)state;
	options.room_bytes = 4000;
	room_again();
	book_fill(&alice, 60, "a");
	assert_verdict(give(&alice, 1, 10), ROOM_ACCEPTED);
	assert_verdict(give(&alice, 11, 60), ROOM_LIMIT);
	room_settle(room, wall);
	for (int i = 0; i < 50; i++)
		must_say("mine");
}

static void abuse_19_hole_is_filled_and_what_stands_behind_stays(void **state)
{
	static const char *const lost[] = { "a 4", "a 5", "a 8" };
	uint32_t number;

	(void)state;
	book_fill(&alice, 10, "a");
	give_all(&alice);
	room_again_without(lost, 3);
	number = number_of(&alice);
	assert_int_equal(room_head(room, number), 3);
	assert_int_equal(room_newest(room, number), 10);
	assert_string_equal(texts(number), "a 2,a 3,a 6,a 7,a 9,a 10");
	assert_verdict(give(&alice, 4, 4), ROOM_ACCEPTED);
	assert_verdict(give(&alice, 2, 9), ROOM_ACCEPTED);
	commit();
	assert_int_equal(room_durable(room, number), 10);
	assert_string_equal(
		texts(number), "a 2,a 3,a 4,a 5,a 6,a 7,a 8,a 9,a 10");
	book_fill(&alice, 12, "a");
	assert_verdict(give(&alice, 11, 12), ROOM_ACCEPTED);
	assert_int_equal(room_head(room, number), 12);
}

static void abuse_19_hole_and_what_comes_after_it_fill_in_one_batch(
	void **state)
{
	static const char *const lost[] = { "a 4" };
	uint32_t number;

	(void)state;
	book_fill(&alice, 10, "a");
	give_all(&alice);
	room_again_without(lost, 1);
	number = number_of(&alice);
	book_fill(&alice, 14, "a");
	assert_verdict(give(&alice, 1, 14), ROOM_ACCEPTED);
	assert_int_equal(room_head(room, number), 14);
	commit();
	assert_verdict(give(&alice, 1, 14), ROOM_HAD);
	assert_verdict(give(&alice, 14, 14), ROOM_HAD);
}

static void abuse_19_hole_is_not_filled_with_what_does_not_join(void **state)
{
	static const char *const lost[] = { "a 4", "a 5" };

	(void)state;
	book_fill(&alice, 10, "a");
	give_all(&alice);
	room_again_without(lost, 2);
	book_branch(&other, &alice, 3);
	book_fill(&other, 10, "b");
	assert_verdict(give(&other, 4, 5), ROOM_DISPUTED);
	assert_int_equal(head_of(&alice), 3);
	/* With what stands behind the hole it is proved. */
	assert_verdict(give(&other, 4, 10), ROOM_FORKED);
	assert_int_equal(room_log(room, number_of(&alice))->frozen, 6);
}

static void abuse_19_log_without_its_first_record_waits_for_a_name(void **state)
{
	static const char *const lost[] = { "alice" };
	uint32_t number;

	(void)state;
	book_fill(&alice, 3, "a");
	give_all(&alice);
	room_again_without(lost, 1);
	assert_int_equal(room_find(room, alice.log.id), ROOM_NO_LOG);
	number = number_of(&alice);
	assert_int_equal(room_head(room, number), 0);
	assert_int_equal(room_newest(room, number), 3);
	assert_verdict(give(&alice, 1, 2), ROOM_ACCEPTED);
	assert_int_equal(room_head(room, number), 3);
	assert_string_equal(name_of(number), "alice");
}

static void abuse_21_unknown_types_and_texts_to_the_limit_are_kept(void **state)
{
	static uint8_t bytes[LIMIT_PAYLOAD + 1];

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	book_add(&alice, (enum record_type)200, NOW, bytes, LIMIT_PAYLOAD);
	book_add(&alice, RECORD_TEXT, NOW, bytes, 0);
	book_add(&alice, RECORD_TEXT, NOW, bytes, LIMIT_TEXT);
	assert_verdict(give(&alice, 1, 4), ROOM_ACCEPTED);
	/* Too long: not valid, so it is given as it is. */
	book_branch(&other, &alice, 4);
	book_add(&other, RECORD_TEXT, NOW, bytes, LIMIT_TEXT + 1);
	assert_verdict(give(&other, 5, 5), ROOM_BAD);
	assert_int_equal(verified, 0);
	errno = 0;
	assert_int_equal(room_say(room, bytes, LIMIT_TEXT + 1, wall), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(room_say(room, bytes, LIMIT_TEXT, wall), 0);
}

/* The log of a new author, who says that it is always this time. */
static void give_log_of_time(uint8_t who, uint64_t time_ms)
{
	book_begin_at(&other, who, 0, "dave", time_ms);
	book_add(&other, RECORD_TEXT, time_ms, "x", 1);
	give_all(&other);
	for (uint64_t seq = 1; seq <= 2; seq++)
		assert_true(read_of(number_of(&other), seq).time_ms == time_ms);
}

static void abuse_22_strange_times_are_kept_and_do_not_drag_ours(void **state)
{
	const uint64_t year_9999 = 253402300799000;
	const uint64_t times[] = { 0, NOW + 60 * 1000, year_9999,
		(uint64_t)1 << 63, UINT64_MAX };
	uint32_t own;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(times); i++)
		give_log_of_time((uint8_t)(10 + i), times[i]);
	book_add(&other, RECORD_TEXT, NOW, "back", 4);
	assert_verdict(give(&other, 3, 3), ROOM_BAD); /* time goes back */
	must_say("now");
	commit();
	own = room_own(room);
	assert_int_equal(read_of(own, 2).time_ms, NOW + 60 * 1000 + 1);
	room_again();
	room_settle(room, wall);
	assert_string_equal(news(), "");
	must_say("then");
	commit();
	assert_int_equal(read_of(own, 3).time_ms, NOW + 60 * 1000 + 1);
}

static void abuse_22_others_pull_our_time_by_five_minutes_at_most(void **state)
{
	(void)state;
	give_log_of_time(10, NOW + FIVE_MINUTES + 1);
	must_say("ours");
	commit();
	assert_true(read_of(room_own(room), 2).time_ms == NOW);
	give_log_of_time(11, NOW + FIVE_MINUTES);
	must_say("theirs");
	commit();
	assert_true(
		read_of(room_own(room), 3).time_ms == NOW + FIVE_MINUTES + 1);
}

static void names_follow_the_newest_name_record(void **state)
{
	(void)state;
	give_all(&alice);
	assert_string_equal(news(), "name alice\n");
	book_add(&alice, RECORD_NAME, NOW, "alicia", 6);
	assert_verdict(give(&alice, 2, 2), ROOM_ACCEPTED);
	assert_string_equal(news(), "name alicia\n");
	room_again();
	assert_string_equal(name_of(number_of(&alice)), "alice");
}

static void epochs_beyond_the_limit_are_refused(void **state)
{
	(void)state;
	for (uint32_t epoch = 1; epoch <= LIMIT_EPOCHS; epoch++) {
		book_begin(&other, 2, epoch, "alice");
		(void)number_of(&other); /* anybody can name many */
	}
	for (uint32_t epoch = 1; epoch <= LIMIT_EPOCHS; epoch++) {
		book_begin(&other, 2, 100 + epoch, "alice");
		give_all(&other);
	}
	book_begin(&other, 2, 1, "alice"); /* known, but empty */
	assert_verdict(give(&other, 1, 1), ROOM_LIMIT);
	assert_int_equal(
		room_admit(room, other.log.public_key, 777, true), ROOM_NO_LOG);
}

static void what_is_not_durable_yet_is_compared_after_a_commit(void **state)
{
	struct message_batch batch;

	(void)state;
	book_fill(&alice, 10, "a");
	assert_verdict(give(&alice, 1, 10), ROOM_ACCEPTED);
	batch = book_batch(&alice, 1, 10);
	assert_verdict(room_accept(room, number_of(&alice), &batch, wall),
		ROOM_HAD); /* by its end alone */
	batch = book_batch(&alice, 3, 6);
	log_set_delay(log_, 1000);
	assert_verdict(
		room_accept(room, number_of(&alice), &batch, wall), ROOM_FULL);
	assert_int_equal(errno, EAGAIN);
	commit(); /* which is not delayed now */
	assert_verdict(
		room_accept(room, number_of(&alice), &batch, wall), ROOM_HAD);
}

static void abuse_06_18_batch_that_does_not_fit_waits_whole(void **state)
{
	struct message_batch batch;

	(void)state;
	book_begin(&other, 4, 0, "carol");
	give_until_full(&other, 2);
	book_fill(&alice, 256, "a");
	batch = book_batch(&alice, 1, 256);
	assert_verdict(
		room_accept(room, number_of(&alice), &batch, wall), ROOM_FULL);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(head_of(&alice), 0);
	commit();
	assert_verdict(room_accept(room, number_of(&alice), &batch, wall),
		ROOM_ACCEPTED);
}

/* Is this record of the log page seq of the book? */
static bool page_is(const struct book *book, uint32_t number, uint64_t seq)
{
	return memcmp(read_of(number, seq).id, book->pages[seq].id,
		       RECORD_ID_SIZE) == 0;
}

/*
 * Two histories of one log, given in random pieces, some of them spoilt, with
 * restarts and lost records in between: what counts is one of the two.
 */
static void pieces_of_two_histories_never_make_a_third(void **state)
{
	static const char *const words[] = { "a", "b" };
	struct book *books[] = { &alice, &other };
	uint64_t luck = 1;
	uint32_t number;

	(void)state;
	book_fill(&alice, 20, "a");
	book_branch(&other, &alice, 20);
	book_fill(&alice, 40, "a");
	book_fill(&other, 40, "b");
	for (int i = 0; i < 1500; i++) {
		struct book *book = books[test_random(&luck) % 8 == 0];
		uint64_t first = 1 + test_random(&luck) % 40;
		uint64_t last = first + test_random(&luck) % (41 - first);
		uint8_t *spoilt = NULL;

		if (test_random(&luck) % 4 == 0)
			spoilt = book->pages[last].signature;
		if (spoilt != NULL)
			spoilt[0] ^= 1;
		(void)give(book, first, last);
		if (spoilt != NULL)
			spoilt[0] ^= 1;
		if (test_random(&luck) % 4 == 0)
			commit();
		if (i % 100 == 99) {
			char text[16];
			const char *lost[] = { text };
			uint64_t seq;

			commit();
			number = number_of(&alice);
			seq = 2 + test_random(&luck) % 39;
			(void)snprintf(text, sizeof(text), "%s %u",
				words[room_newest(room, number) >= 21 &&
					page_is(&other, number, 21)],
				(unsigned)seq);
			if (seq <= room_newest(room, number))
				room_again_without(lost, 1);
		}
	}
	commit();
	number = number_of(&alice);
	assert_int_equal(room_log(room, number)->frozen, 21);
	assert_int_equal(room_durable(room, number), 20);
	for (uint64_t seq = 1; seq <= 20; seq++)
		assert_true(page_is(&alice, number, seq));
}

/*
 * Forks of others.
 */

static void fork_alice(void)
{
	book_fill(&alice, 6, "a");
	give_all(&alice);
	(void)news();
	book_branch(&other, &alice, 3);
	book_fill(&other, 6, "b");
}

static void abuse_10_12_half_that_differs_proves_a_fork_for_good(void **state)
{
	struct message_half halves[2];
	uint32_t number = number_of(&alice);

	(void)state;
	fork_alice();
	assert_verdict(give_half(&alice, 6), ROOM_HAD);
	assert_int_equal(verified, 0);
	assert_verdict(give_half(&other, 6), ROOM_FORKED);
	assert_string_equal(news(), "fork alice 6\n");
	assert_verdict(give_half(&other, 6), ROOM_FORKED);
	assert_string_equal(news(), ""); /* told once */
	assert_int_equal(room_durable(room, number), 5);
	assert_true(room_make_proof(room, number, halves));
	assert_memory_equal(halves[0].id, alice.pages[6].id, RECORD_ID_SIZE);
	assert_memory_equal(halves[1].id, other.pages[6].id, RECORD_ID_SIZE);
	room_again();
	number = number_of(&alice);
	assert_string_equal(news(), "");
	assert_int_equal(room_log(room, number)->frozen, 6);
	assert_int_equal(room_durable(room, number), 5);
	book_fill(&alice, 7, "a");
	assert_verdict(give(&alice, 6, 7), ROOM_FORKED);
	assert_verdict(give(&alice, 5, 5), ROOM_HAD);
	assert_int_equal(room_durable(room, number), 5);
	assert_true(room_make_proof(room, number, halves));
	assert_memory_equal(halves[1].signature, other.pages[6].signature,
		RECORD_SIGNATURE_SIZE);
}

static void abuse_10_smaller_disputed_seq_replaces_a_larger_one(void **state)
{
	struct message_half halves[2];
	uint32_t number = number_of(&alice);

	(void)state;
	fork_alice();
	assert_verdict(give_half(&other, 6), ROOM_FORKED);
	assert_verdict(give_half(&other, 4), ROOM_FORKED);
	assert_verdict(give_half(&other, 5), ROOM_FORKED);
	assert_string_equal(news(), "fork alice 4\n");
	assert_int_equal(room_log(room, number)->frozen, 4);
	room_again();
	number = number_of(&alice);
	assert_int_equal(room_log(room, number)->frozen, 4);
	assert_true(room_make_proof(room, number, halves));
	assert_int_equal(halves[0].seq, 4);
}

static void abuse_11_half_that_proves_nothing_freezes_nothing(void **state)
{
	struct message_half half;

	(void)state;
	fork_alice();
	half = book_half(&other, 5);
	half.signature[3] ^= 1; /* a bad signature */
	assert_verdict(room_accept_half(room, &half), ROOM_BAD);
	half = book_half(&alice, 5);
	half.signature[3] ^= 1; /* equal ids */
	assert_verdict(room_accept_half(room, &half), ROOM_HAD);
	half = book_half(&other, 5);
	half.seq = 6; /* another seq than was signed */
	assert_verdict(room_accept_half(room, &half), ROOM_BAD);
	half = book_half(&other, 5);
	half.epoch = 3; /* a log that is not held */
	assert_verdict(room_accept_half(room, &half), ROOM_HAD);
	book_fill(&other, 9, "b");
	assert_verdict(give_half(&other, 9), ROOM_HAD); /* not here */
	assert_string_equal(news(), "");
	assert_int_equal(head_of(&alice), 6);
}

static void abuse_10_fork_that_can_not_be_shown_freezes_this_process(
	void **state)
{
	struct message_half halves[2];
	uint32_t number = number_of(&alice);

	(void)state;
	book_fill(&alice, 6, "a");
	book_branch(&other, &alice, 3);
	for (uint64_t seq = 2; seq <= 5; seq++)
		alice.pages[seq].signature[0] ^= 1;
	give_all(&alice);
	(void)news();
	book_fill(&other, 5, "b");
	assert_verdict(give(&other, 4, 5), ROOM_FORKED);
	assert_string_equal(news(), "fork alice 4\n");
	assert_int_equal(room_durable(room, number), 3);
	assert_false(room_make_proof(room, number, halves));
	/* Record 6 can be shown; the smaller seq stays. */
	book_fill(&other, 6, "b");
	assert_verdict(give_half(&other, 6), ROOM_FORKED);
	assert_int_equal(room_log(room, number)->frozen, 4);
	assert_true(room_make_proof(room, number, halves));
	room_again();
	assert_int_equal(room_log(room, number_of(&alice))->frozen, 6);
}

static void line_that_proves_nothing_is_not_believed(void **state)
{
	char text[1024];
	const char *lines;

	(void)state;
	fork_alice();
	assert_verdict(give_half(&other, 5), ROOM_FORKED);
	give_all(&bob);
	commit();
	room_end();
	lines = scratch_read(&s, "forks");
	assert_int_equal(strlen(lines), 479);
	memcpy(text, lines, 480);
	for (size_t at = 0; at < 479; at += 7) {
		char before = text[at];

		text[at] = before == '0' ? '1' : '0';
		scratch_write(&s, "forks", text);
		room_begin();
		assert_int_equal(head_of(&alice), 6);
		assert_int_equal(head_of(&bob), 1);
		room_end();
		text[at] = before;
	}
	text[300] = '\0';
	scratch_write(&s, "forks", text);
	room_begin();
	assert_int_equal(head_of(&alice), 6);
	assert_verdict(give_half(&other, 5), ROOM_FORKED);
	room_end();
	assert_int_equal(strlen(scratch_read(&s, "forks")), 479);
	room_begin();
	assert_int_equal(head_of(&alice), 4);
}

/*
 * What we say.
 */

static void first_text_comes_behind_an_open(void **state)
{
	uint32_t own;
	struct record record;

	(void)state;
	assert_true(room_may_say(room));
	must_say("hello");
	assert_string_equal(news(), "name me\n");
	own = room_own(room);
	assert_true(room_log(room, own)->is_own);
	assert_int_equal(room_head(room, own), 2);
	assert_int_equal(room_durable(room, own), 0);
	commit();
	assert_int_equal(read_of(own, 1).type, RECORD_OPEN);
	for (uint64_t seq = 1; seq <= 2; seq++) {
		record = read_of(own, seq);
		assert_true(record_verify(&room_log(room, own)->log, seq,
			record.id, record.signature));
		assert_int_equal(record.flags & RECORD_VERIFIED, 1);
	}
	assert_string_equal(texts(own), "hello");
	assert_string_equal(name_of(own), "me");
}

static void nothing_is_said_before_others_were_asked(void **state)
{
	(void)state;
	must_say("one");
	room_again();
	assert_false(room_may_say(room));
	assert_int_equal(say("two"), -1);
	assert_int_equal(errno, EBUSY);
	room_settle(room, wall);
	assert_true(room_may_say(room));
	must_say("two");
	commit();
	assert_string_equal(texts(room_own(room)), "one,two");
	assert_string_equal(news(), "");
}

static void nothing_is_half_said_when_it_does_not_fit(void **state)
{
	static uint8_t bytes[LIMIT_TEXT];

	(void)state;
	book_begin(&other, 4, 0, "carol");
	give_until_full(&other, 3);
	book_begin(&other, 5, 0, "dave");
	for (int i = 0; i < 3; i++)
		book_add(&other, RECORD_TEXT, NOW, bytes, sizeof(bytes));
	assert_verdict(give(&other, 1, 4), ROOM_ACCEPTED);
	assert_int_equal(room_say(room, bytes, sizeof(bytes), wall), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(room_head(room, room_own(room)), 0);
	commit();
	assert_int_equal(room_say(room, bytes, sizeof(bytes), wall), 0);
}

/* Ours, as another copy of us would write it: page n is record n. */
static void book_take_own(struct book *book, uint32_t number)
{
	uint64_t count = room_newest(room, number);

	memset(book, 0, sizeof(*book));
	book->key = our_key;
	book->log = room_log(room, number)->log;
	record_chain_begin(&book->chain, &book->log);
	for (uint64_t seq = 1; seq <= count; seq++) {
		struct record record = read_of(number, seq);
		uint8_t payload[LIMIT_PAYLOAD];
		size_t size = record.payload.left;

		memcpy(payload, record.payload.at, size);
		book_add(book, (enum record_type)record.type, record.time_ms,
			payload, size);
	}
}

/* What we said is in `other`; a copy of us, alice, went on after record seq. */
static void copy_goes_on(uint64_t seq, uint64_t last)
{
	book_take_own(&other, room_own(room));
	book_branch(&alice, &other, seq);
	book_fill(&alice, last, "the copy's");
}

static void abuse_13_own_records_from_peers_are_adopted_and_told_once(
	void **state)
{
	(void)state;
	must_say("one");
	commit();
	book_take_own(&other, room_own(room));
	book_fill(&other, 5, "more");
	room_again();
	assert_verdict(give(&other, 3, 4), ROOM_ACCEPTED);
	assert_verdict(give(&other, 5, 5), ROOM_ACCEPTED);
	commit();
	assert_string_equal(news(), "");
	room_settle(room, wall);
	assert_string_equal(news(), "adopted 3\n");
	must_say("last");
	commit();
	assert_string_equal(
		texts(room_own(room)), "one,more 3,more 4,more 5,last");
	book_fill(&other, 7, "more");
	assert_verdict(give_half(&other, 6), ROOM_FORKED);
	run();
	assert_string_equal(news(), "fork me 6\nname me\nepoch new\n");
}

/* A backup that is older than what peers have. */
static void restored_backup_heals_itself(void **state)
{
	uint32_t old;

	(void)state;
	must_say("one");
	commit();
	old = room_own(room);
	book_take_own(&other, old);
	book_fill(&other, 3, "lost");
	/* Later our log went on in another epoch, which peers have too. */
	book_begin(&bob, 1, 99, "me");
	{
		struct record_continue next = { .seq = 3 };
		uint8_t payload[RECORD_CONTINUE_SIZE];

		memcpy(next.log_id, other.log.id, RECORD_ID_SIZE);
		book_add(&bob, RECORD_CONTINUE, NOW, payload,
			record_continue_encode(&next, payload));
	}
	book_fill(&bob, 3, "new");
	room_again();
	assert_verdict(give(&bob, 1, 3), ROOM_ACCEPTED);
	assert_verdict(give(&other, 3, 3), ROOM_ACCEPTED);
	commit();
	room_settle(room, wall);
	assert_string_equal(news(), "adopted 4\nname me\n");
	assert_int_equal(room_own(room), number_of(&bob));
	must_say("here");
	commit();
	assert_string_equal(texts(room_own(room)), "new 3,here");
	assert_string_equal(texts(old), "one,lost 3");
}

/* The log of ours that goes on behind record seq of another one. */
static void book_continue(struct book *book, uint32_t epoch,
	const struct book *from, uint64_t seq)
{
	struct record_continue next = { .seq = seq };
	uint8_t payload[RECORD_CONTINUE_SIZE];

	memcpy(next.log_id, from->log.id, RECORD_ID_SIZE);
	book_begin(book, 1, epoch, "me");
	book_add(book, RECORD_CONTINUE, NOW, payload,
		record_continue_encode(&next, payload));
}

/* The same, and what of ours is disputed was said again, behind other texts. */
static void restored_backup_does_not_say_again_what_it_said(void **state)
{
	static struct book newer, last;

	(void)state;
	must_say("one");
	must_say("two");
	commit();
	copy_goes_on(1, 2);
	book_continue(&bob, 99, &other, 1);
	book_say(&bob, "two");
	book_say(&bob, "new");
	book_say(&bob, "one");
	/* That went on in yet another one, and so did a second copy. */
	book_continue(&last, 97, &bob, 5);
	book_say(&last, "last");
	book_continue(&newer, 98, &other, 1);
	book_add(&newer, RECORD_TEXT, NOW + 1, "newer", 5);
	room_again();
	assert_verdict(give(&bob, 1, 5), ROOM_ACCEPTED);
	assert_verdict(give(&newer, 1, 3), ROOM_ACCEPTED);
	assert_verdict(give(&last, 1, 3), ROOM_ACCEPTED);
	assert_verdict(give_half(&alice, 2), ROOM_FORKED);
	commit();
	room_settle(room, wall);
	run();
	assert_string_equal(texts(number_of(&bob)), "two,new,one");
	assert_string_equal(texts(number_of(&newer)), "newer");
	assert_string_equal(texts(number_of(&last)), "last");
	assert_true(room_own(room) == number_of(&newer) ||
		    room_own(room) == number_of(&last));
}

/* As it does not know the rest, it is another copy for the log it finds. */
static void restored_backup_says_again_only_what_is_missing(void **state)
{
	(void)state;
	must_say("one");
	must_say("two");
	must_say("three");
	must_say("four");
	commit();
	copy_goes_on(1, 2);
	book_continue(&bob, 99, &other, 3);
	book_say(&bob, "three");
	book_say(&bob, "four");
	book_say(&bob, "five");
	room_again();
	assert_verdict(give(&bob, 1, 5), ROOM_ACCEPTED);
	assert_verdict(give_half(&alice, 2), ROOM_FORKED);
	commit();
	room_settle(room, wall);
	run();
	assert_string_equal(texts(number_of(&bob)), "three,four,five");
	assert_string_equal(texts(room_own(room)), "one,two");
}

static void abuse_10_13_own_fork_goes_on_and_loses_nothing(void **state)
{
	uint32_t old, new;
	struct record record;
	struct record_continue next;

	(void)state;
	for (int i = 0; i < 200; i++) {
		char text[16];

		(void)snprintf(text, sizeof(text), "t%d", i);
		must_say(text);
	}
	commit();
	old = room_own(room);
	book_take_own(&other, old);
	book_branch(&alice, &other, 3);
	book_fill(&alice, 4, "the copy's");
	must_say("not durable yet");
	(void)news();
	assert_verdict(give(&alice, 4, 4), ROOM_FORKED);
	assert_false(room_may_say(room));
	assert_true(room_is_busy(room));
	run();
	assert_true(room_may_say(room));
	new = room_own(room);
	assert_true(new != old);
	assert_string_equal(news(), "fork me 4\nname me\nepoch new\n");
	assert_string_equal(texts(old), "t0,t1");
	assert_int_equal(room_durable(room, new), 2 + 198 + 1);
	record = read_of(new, 2);
	assert_int_equal(record.type, RECORD_CONTINUE);
	assert_true(record_continue_decode(record.payload, &next));
	assert_memory_equal(next.log_id, other.log.id, RECORD_ID_SIZE);
	assert_int_equal(next.seq, 3);
	record = read_of(new, 3);
	assert_memory_equal(record.payload.at, "t2", 2);
	record = read_of(new, 201);
	assert_memory_equal(record.payload.at, "not durable yet", 15);
	/* And so it is after a restart. */
	room_again();
	assert_int_equal(room_durable(room, room_find(room, other.log.id)), 3);
	room_settle(room, wall);
	run();
	assert_string_equal(news(), "");
	assert_int_equal(room_durable(room, room_own(room)), 201);
	must_say("next");
}

/* 200 texts, all but two of them disputed, of which 64 are said again. */
static void say_some_again(void)
{
	for (int i = 0; i < 200; i++) {
		char text[16];

		(void)snprintf(text, sizeof(text), "t%d", i);
		must_say(text);
	}
	commit();
	copy_goes_on(3, 4);
	assert_verdict(give_half(&alice, 4), ROOM_FORKED);
	assert_int_equal(room_run(room, wall), 0);
}

static void saying_again_goes_on_after_a_restart(void **state)
{
	(void)state;
	say_some_again();
	assert_true(room_is_busy(room));
	assert_int_equal(say("in between"), -1);
	assert_int_equal(errno, EBUSY);
	room_again();
	assert_int_equal(room_head(room, room_own(room)), 2 + 64);
	room_settle(room, wall);
	run();
	assert_int_equal(room_durable(room, room_own(room)), 2 + 198);
	assert_memory_equal(read_of(room_own(room), 200).payload.at, "t199", 4);
	must_say("done");
}

static void saying_again_goes_on_in_yet_another_epoch(void **state)
{
	uint32_t again;

	(void)state;
	say_some_again();
	again = room_own(room);
	wall = NOW - (uint64_t)3600 * 1000; /* its time is far ahead now */
	room_again();
	assert_int_equal(room_head(room, again), 2 + 64);
	room_settle(room, wall);
	run();
	assert_true(room_own(room) != again);
	assert_int_equal(room_durable(room, room_own(room)), 2 + 198 - 64);
	assert_memory_equal(read_of(room_own(room), 3).payload.at, "t66", 3);
}

/* And we end in the middle of that, so that the log before is not the one. */
static void saying_again_in_yet_another_epoch_goes_on_after_a_restart(
	void **state)
{
	uint32_t again;

	(void)state;
	say_some_again();
	again = room_own(room);
	wall = NOW - (uint64_t)3600 * 1000; /* its time is far ahead now */
	room_again();
	room_settle(room, wall);
	for (int i = 0; i < 2; i++) /* what is said already; and the next */
		assert_int_equal(room_run(room, wall), 0);
	room_again();
	assert_true(room_own(room) != again);
	assert_int_equal(room_head(room, room_own(room)), 2 + 64);
	room_settle(room, wall);
	run();
	assert_int_equal(room_durable(room, room_own(room)), 2 + 198 - 64);
	assert_memory_equal(read_of(room_own(room), 136).payload.at, "t199", 4);
}

static void text_said_twice_is_said_again_twice(void **state)
{
	(void)state;
	must_say("ok");
	must_say("ok");
	must_say("yes");
	must_say("ok");
	commit();
	copy_goes_on(2, 3);
	assert_verdict(give_half(&alice, 3), ROOM_FORKED);
	for (int life = 0; life < 2; life++) {
		room_settle(room, wall);
		run();
		assert_string_equal(texts(room_own(room)), "ok,yes,ok");
		room_again();
	}
}

static void second_fork_while_saying_again_loses_nothing(void **state)
{
	bool there[200] = { false };
	uint32_t number;

	(void)state;
	for (int i = 0; i < 200; i++) {
		char text[16];

		(void)snprintf(text, sizeof(text), "%d", i);
		must_say(text);
	}
	commit();
	for (int fork = 0; fork < 2; fork++) {
		book_take_own(&other, room_own(room));
		book_branch(&alice, &other, 9);
		book_fill(&alice, 10, "the copy's");
		assert_verdict(give_half(&alice, 10), ROOM_FORKED);
		assert_int_equal(room_run(room, wall), 0);
		commit();
		assert_true(room_is_busy(room));
	}
	run();
	for (number = 0; number < room_count(room); number++) {
		struct log_cursor cursor = { .seq = 1 };
		struct record record;

		for (; cursor.seq <= room_durable(room, number); cursor.seq++) {
			char text[16] = "";

			assert_int_equal(
				room_read(room, number, &cursor, &record), 0);
			if (record.type != RECORD_TEXT)
				continue;
			memcpy(text, record.payload.at, record.payload.left);
			assert_false(there[atoi(text)]); /* nor said twice */
			there[atoi(text)] = true;
		}
	}
	for (int i = 0; i < 200; i++)
		assert_true(there[i]);
}

static void smaller_fork_of_the_log_before_says_the_rest_again(void **state)
{
	uint32_t old;

	(void)state;
	must_say("one");
	must_say("two");
	must_say("three");
	must_say("four");
	commit();
	old = room_own(room);
	book_take_own(&other, old);
	book_branch(&alice, &other, 2);
	book_fill(&alice, 6, "the copy's");
	assert_verdict(give_half(&alice, 4), ROOM_FORKED);
	run();
	assert_string_equal(texts(old), "one,two");
	assert_string_equal(texts(room_own(room)), "three,four");
	assert_verdict(give_half(&alice, 3), ROOM_FORKED);
	run();
	assert_string_equal(texts(old), "one");
	assert_string_equal(texts(room_own(room)), "three,four,two");
	room_again();
	room_settle(room, wall);
	run();
	assert_string_equal(texts(room_own(room)), "three,four,two");
}

/* And we end before that is said, but not before the proof is kept. */
static void smaller_fork_says_the_rest_again_after_a_restart(void **state)
{
	(void)state;
	must_say("one");
	must_say("two");
	must_say("three");
	must_say("four");
	commit();
	copy_goes_on(2, 6);
	assert_verdict(give_half(&alice, 4), ROOM_FORKED);
	run();
	assert_verdict(give_half(&alice, 3), ROOM_FORKED);
	room_again();
	room_settle(room, wall);
	run();
	assert_string_equal(texts(room_own(room)), "three,four,two");
}

static void own_time_far_ahead_begins_a_new_epoch(void **state)
{
	uint32_t old;

	(void)state;
	wall = NOW + FIVE_MINUTES;
	must_say("later");
	commit();
	old = room_own(room);
	wall = NOW;
	room_again();
	room_settle(room, wall);
	assert_string_equal(news(), ""); /* that is not far */
	must_say("now");
	wall = NOW - 1;
	room_again();
	room_settle(room, wall);
	assert_string_equal(news(), "epoch new\n");
	must_say("before");
	commit();
	assert_true(room_own(room) != old);
	assert_int_equal(read_of(room_own(room), 3).time_ms, NOW - 1);
	assert_string_equal(texts(old), "later,now"); /* and not said again */
	assert_string_equal(texts(room_own(room)), "before");
}

/* A clock that is wrong at each start: the last epochs are for forks. */
static void own_time_far_ahead_costs_eight_epochs_at_most(void **state)
{
	(void)state;
	for (int epochs = 1; epochs <= 10; epochs++) {
		must_say("x");
		wall -= FIVE_MINUTES + 1;
		room_again();
		room_settle(room, wall);
		assert_true(room_may_say(room));
		assert_string_equal(news(), epochs < 8 ? "epoch new\n" : "");
	}
	assert_string_equal(texts(room_own(room)), "x,x,x");
}

/* A log that has all its numbers is more than a test can write. */
static void log_whose_numbers_are_used_up_goes_on_in_another(void **state)
{
	struct record_continue next;
	uint32_t old;

	(void)state;
	must_say("one");
	commit();
	assert_string_equal(news(), "name me\n");
	old = room_own(room);
	room->list[old].tip.seq = LIMIT_SEQ - 1;
	assert_true(room_may_say(room));
	room->list[old].tip.seq = LIMIT_SEQ;
	assert_int_equal(say("two"), -1);
	assert_int_equal(errno, EBUSY);
	assert_true(room_is_busy(room));
	run();
	assert_string_equal(news(), "epoch new\n");
	must_say("two");
	room_again();
	assert_true(room_own(room) != old);
	assert_true(record_continue_decode(
		read_of(room_own(room), 2).payload, &next));
	assert_memory_equal(
		next.log_id, room_log(room, old)->log.id, RECORD_ID_SIZE);
	assert_true(next.seq == room_newest(room, old));
	assert_string_equal(texts(old), "one");
	assert_string_equal(texts(room_own(room)), "two");
}

static void abuse_19_own_log_with_a_hole_waits_and_is_left_behind(void **state)
{
	static const char *const lost[] = { "two" };
	uint32_t old;

	(void)state;
	must_say("one");
	must_say("two");
	must_say("three");
	room_again_without(lost, 1);
	old = room_own(room);
	assert_true(room_is_damaged(room));
	assert_false(room_may_say(room));
	room_settle(room, wall);
	assert_true(room_may_say(room));
	must_say("four");
	run();
	assert_string_equal(texts(old), "one,three");
	assert_string_equal(texts(room_own(room)), "four");
	room_again();
	assert_int_equal(strcmp(texts(room_own(room)), "four"), 0);
}

static void abuse_19_own_log_that_rots_while_we_run_stops_us(void **state)
{
	static uint8_t bytes[LIMIT_TEXT];
	struct log_record record;
	uint32_t old;

	(void)state;
	must_say("one");
	must_say("two");
	must_say("three");
	room_again();
	room_settle(room, wall);
	assert_true(room_may_say(room));
	for (int i = 0; i < 40; i++) /* more than the store has in memory */
		book_add(&alice, RECORD_TEXT, NOW, bytes, sizeof(bytes));
	give_all(&alice);
	(void)read_of(number_of(&alice), 41);
	rot("two");
	assert_int_equal(log_read(log_, 0, 3, &record), -1);
	assert_true(room_is_damaged(room));
	assert_false(room_may_say(room));
	assert_int_equal(say("four"), -1);
	assert_int_equal(errno, EBUSY);
	old = room_own(room);
	room_settle(room, wall); /* others were asked once more */
	must_say("four");
	commit();
	assert_string_equal(texts(old), "one,three");
	assert_string_equal(texts(room_own(room)), "four");
}

static void abuse_19_own_log_with_a_hole_is_filled_by_peers(void **state)
{
	static const char *const lost[] = { "two" };

	(void)state;
	must_say("one");
	must_say("two");
	must_say("three");
	commit();
	book_take_own(&other, room_own(room));
	room_again_without(lost, 1);
	assert_verdict(give(&other, 1, 4), ROOM_ACCEPTED);
	commit();
	room_settle(room, wall);
	must_say("four");
	commit();
	assert_string_equal(texts(room_own(room)), "one,two,three,four");
}

static void abuse_19_doubt_about_the_end_begins_a_new_epoch(void **state)
{
	uint32_t old, new;

	(void)state;
	book_fill(&alice, 3, "a");
	give_all(&alice);
	must_say("one");
	commit();
	room_end();
	rot("a 2");
	assert_int_equal(unlinkat(s.fd, "checkpoint", 0), 0);
	options.is_new = false;
	room_begin();
	assert_true(log_doubt(log_));
	assert_true(room_is_damaged(room));
	old = room_own(room);
	room_settle(room, wall);
	assert_string_equal(news(), "epoch new\n");
	assert_true(room_may_say(room));
	assert_true(log_doubt(log_)); /* until the new log is begun */
	must_say("two");
	commit();
	new = room_own(room);
	assert_true(new != old);
	room_again();
	assert_false(room_is_damaged(room));
	room_settle(room, wall);
	assert_string_equal(news(), "");
	assert_string_equal(texts(room_own(room)), "two");
}

static void identity_that_used_all_epochs_says_so(void **state)
{
	(void)state;
	for (int i = 0; i < LIMIT_EPOCHS; i++) {
		must_say("x");
		commit();
		book_take_own(&other, room_own(room));
		book_branch(&alice, &other, other.chain.seq - 1);
		book_say(&alice, "y");
		assert_verdict(give_half(&alice, alice.chain.seq), ROOM_FORKED);
		(void)news();
		assert_int_equal(room_run(room, wall), 0);
		if (i + 1 < LIMIT_EPOCHS)
			run();
	}
	assert_string_equal(news(), "epoch none\n");
	assert_false(room_may_say(room));
	assert_false(room_is_busy(room));
	room_settle(room, wall);
	assert_string_equal(news(), "");
}

/*
 * Unsigned logs, and reading beside.
 */

static enum room_verdict give_entry(
	const uint8_t *key, uint64_t seq, const void *bytes, size_t size)
{
	struct reader entry = reader_over(bytes, size);
	enum room_verdict verdict =
		room_accept_unsigned(room, key, seq, entry, wall);

	if (verdict != ROOM_FULL)
		return verdict;
	assert_int_equal(errno, EAGAIN);
	commit();
	return room_accept_unsigned(room, key, seq, entry, wall);
}

static enum room_verdict give_unsigned(
	const uint8_t *key, uint64_t seq, const char *text)
{
	return give_entry(key, seq, text, strlen(text));
}

static void unsigned_records_are_kept_in_order(void **state)
{
	const uint8_t key[RECORD_ID_SIZE] = "cmws77s";
	uint32_t number;

	(void)state;
	assert_verdict(give_unsigned(key, 2, "gap"), ROOM_GAP);
	assert_verdict(give_unsigned(key, 1, "one"), ROOM_ACCEPTED);
	assert_verdict(give_unsigned(key, 1, "one"), ROOM_HAD);
	assert_verdict(give_unsigned(key, 2, "two"), ROOM_ACCEPTED);
	room_again();
	number = room_find(room, key);
	assert_true(number != ROOM_NO_LOG);
	assert_false(room_log(room, number)->is_signed);
	assert_string_equal(texts(number), "one,two");
	assert_verdict(give_unsigned(key, 3, "three"), ROOM_ACCEPTED);
}

/* A log's id, which nobody may hold for its author. */
static void abuse_01_unsigned_record_under_an_id_is_bad(void **state)
{
	(void)state;
	assert_verdict(give_unsigned(bob.log.id, 1, "forged"), ROOM_BAD);
	assert_int_equal(room_find(room, bob.log.id), ROOM_NO_LOG);
	give_all(&bob);
	assert_verdict(
		give_unsigned((const uint8_t[RECORD_ID_SIZE]){ 0 }, 1, "x"),
		ROOM_BAD);
}

static void abuse_37_unsigned_logs_have_a_limit(void **state)
{
	uint8_t key[RECORD_ID_SIZE] = "x";

	(void)state;
	for (uint8_t i = 0; i < LIMIT_LEGACY_IDS; i++) {
		key[1] = (uint8_t)('a' + i % 26);
		key[2] = (uint8_t)('a' + i / 26);
		assert_verdict(give_unsigned(key, 1, "one"), ROOM_ACCEPTED);
	}
	key[3] = '0';
	assert_verdict(give_unsigned(key, 1, "one"), ROOM_LIMIT);
}

/* L8, however many logs they are in. */
static void abuse_37_unsigned_logs_have_ten_mebibytes_in_all(void **state)
{
	static const uint8_t bytes[RECORD_ENTRY_MAX];
	const size_t most = 10 * 1024 * 1024;
	const size_t size = RECORD_UNSIGNED_HEADER_SIZE + sizeof(bytes);
	uint8_t key[RECORD_ID_SIZE] = "xa";
	uint64_t seq = 1;

	(void)state;
	for (size_t taken = size; taken <= most; taken += size) {
		assert_verdict(give_entry(key, seq, bytes, sizeof(bytes)),
			ROOM_ACCEPTED);
		if (seq++ < 50)
			continue;
		assert_verdict(give_unsigned(key, seq, "x"), ROOM_ACCEPTED);
		key[1]++;
		seq = 1;
	}
	assert_verdict(give_entry(key, seq, bytes, sizeof(bytes)), ROOM_LIMIT);
	assert_verdict(give_unsigned(key, seq, "x"), ROOM_ACCEPTED);
	give_all(&alice);
	room_again();
	assert_verdict(
		give_entry(key, seq + 1, bytes, sizeof(bytes)), ROOM_LIMIT);
	book_fill(&alice, 2, "a");
	assert_verdict(give(&alice, 2, 2), ROOM_ACCEPTED);
}

static void readers_beside_see_a_fork_too(void **state)
{
	struct room_options look = options;
	struct room *beside;
	struct log *log;

	(void)state;
	fork_alice();
	assert_verdict(give_half(&other, 5), ROOM_FORKED);
	run();
	log = log_open_beside(s.fd);
	assert_non_null(log);
	look.key = NULL;
	look.dir_fd = s.fd;
	beside = room_open(&look, log);
	assert_non_null(beside);
	assert_int_equal(
		room_durable(beside, room_find(beside, alice.log.id)), 4);
	assert_false(room_may_say(beside));
	room_close(beside);
	log_close(log);
}

static void history_ends_before_a_fork_and_has_unsigned_records(void **state)
{
	const uint8_t key[RECORD_ID_SIZE] = "cmws77s";
	struct history_entry entry;
	struct history *h;
	char text[256] = "";
	size_t size = 0;

	(void)state;
	fork_alice();
	assert_verdict(give_half(&other, 5), ROOM_FORKED);
	assert_verdict(give_unsigned(key, 1, "u 1"), ROOM_ACCEPTED);
	must_say("mine");
	commit();
	h = history_open(room);
	assert_non_null(h);
	history_rewind(h);
	while (history_next(h, &entry)) {
		if (entry.record.type != RECORD_TEXT)
			continue;
		memcpy(text + size, entry.record.payload.at,
			entry.record.payload.left);
		size += entry.record.payload.left;
		text[size++] = ';';
	}
	history_close(h);
	text[size] = '\0';
	/* Ours is later: we had seen the others. */
	assert_non_null(strstr(text, "a 2;a 3;a 4;"));
	assert_non_null(strstr(text, "u 1;"));
	assert_int_equal(size, strlen("a 2;a 3;a 4;u 1;mine;"));
	assert_string_equal(text + size - 5, "mine;");
}

static void records_of_another_type_of_log_are_not_read(void **state)
{
	uint8_t bytes[RECORD_MAX];
	struct record record = { .time_ms = 1, .type = RECORD_TEXT };
	struct log_record stored = { alice.log.id, 2, bytes, 0 };
	struct log_cursor cursor = { .seq = 2 };

	(void)state;
	give_all(&alice);
	record.payload = reader_over("x", 1);
	stored.size = record_encode(&record, bytes);
	assert_int_equal(log_append(log_, &stored), 0);
	commit();
	assert_int_equal(
		room_read(room, number_of(&alice), &cursor, &record), -1);
	assert_int_equal(errno, EBADMSG);
}

static void two_copies_go_on_in_the_log_that_each_wrote(void **state)
{
	struct record_continue next = { .seq = 2 };
	uint8_t payload[RECORD_CONTINUE_SIZE];
	uint32_t ours;

	(void)state;
	must_say("one");
	must_say("two");
	commit();
	copy_goes_on(2, 3);
	assert_verdict(give_half(&alice, 3), ROOM_FORKED);
	run();
	ours = room_own(room);
	/* The copy's new log, and it said something later than we did. */
	book_begin(&bob, 1, 5, "me");
	memcpy(next.log_id, other.log.id, RECORD_ID_SIZE);
	book_add(&bob, RECORD_CONTINUE, NOW, payload,
		record_continue_encode(&next, payload));
	book_add(&bob, RECORD_TEXT, NOW + 1000, "later", 5);
	give_all(&bob);
	assert_int_equal(room_own(room), ours);
	{
		uint8_t id[RECORD_ID_SIZE];

		memcpy(id, room_log(room, ours)->log.id, sizeof(id));
		room_again();
		room_settle(room, wall);
		assert_memory_equal(
			room_log(room, room_own(room))->log.id, id, sizeof(id));
	}
}

/* While it is not durable it proves nothing, and then it proves it for good. */
static void half_is_compared_with_what_is_durable(void **state)
{
	(void)state;
	book_fill(&alice, 6, "a");
	assert_verdict(give(&alice, 1, 6), ROOM_ACCEPTED);
	book_branch(&other, &alice, 5);
	book_fill(&other, 6, "b");
	assert_verdict(give_half(&other, 6), ROOM_HAD);
	commit();
	assert_int_equal(head_of(&alice), 6);
	assert_verdict(give_half(&other, 6), ROOM_FORKED);
	assert_int_equal(head_of(&alice), 5);
	room_again();
	assert_int_equal(head_of(&alice), 5);
}

/* What the header says that it is. */
static void expect_state(const struct book *first, const struct book *second)
{
	const struct book *books[] = { first, second };
	uint8_t bytes[2 * (RECORD_ID_SIZE + 8 + RECORD_ID_SIZE)];
	struct writer w = writer_over(bytes, sizeof(bytes));
	uint8_t digest[64];
	uint8_t is[MESSAGE_STATE_SIZE];

	for (int i = 0; i < 2 && books[i] != NULL; i++) {
		write_bytes(&w, books[i]->log.id, RECORD_ID_SIZE);
		write_le64(&w, books[i]->chain.seq);
		write_bytes(&w, books[i]->chain.id, RECORD_ID_SIZE);
	}
	sha512(digest, w.bytes, w.size);
	room_state(room, is);
	assert_memory_equal(is, digest, sizeof(is));
}

static void state_is_that_of_all_durable_heads(void **state)
{
	bool sorted = memcmp(alice.log.id, bob.log.id, RECORD_ID_SIZE) < 0;
	struct book before;

	(void)state;
	expect_state(NULL, NULL);
	book_fill(&alice, 3, "a");
	book_fill(&bob, 5, "b");
	give_all(&bob);
	expect_state(&bob, NULL);
	before = bob;
	book_fill(&bob, 6, "b");
	assert_verdict(give(&bob, 6, 6), ROOM_ACCEPTED);
	expect_state(&before, NULL); /* that one is not durable yet */
	give_all(&alice);
	expect_state(sorted ? &alice : &bob, sorted ? &bob : &alice);
	room_again();
	expect_state(sorted ? &alice : &bob, sorted ? &bob : &alice);
	/* What is disputed is part of no state, and what is not still is. */
	book_branch(&other, &bob, 5);
	book_fill(&other, 6, "c");
	assert_verdict(give_half(&other, 6), ROOM_FORKED);
	expect_state(sorted ? &alice : &before, sorted ? &before : &alice);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Near the limit, as anywhere, what nobody signed changes nothing. */
static void batch_that_nobody_signed_does_not_use_up_a_quota(void **state)
{
	(void)state;
	options.log_bytes = 1000;
	room_again();
	book_fill(&alice, 20, "a");
	assert_verdict(give(&alice, 1, 4), ROOM_ACCEPTED);
	(void)news();
	alice.pages[20].signature[0] ^= 1;
	assert_verdict(give(&alice, 5, 20), ROOM_BAD);
	assert_string_equal(news(), "");
	assert_verdict(give(&alice, 5, 5), ROOM_ACCEPTED);
}

/* Records of eve from seq on, until one is refused, or there are 1,000. */
static unsigned fill_unsigned(
	const uint8_t *eve, unsigned seq, const char *entry)
{
	unsigned from = seq;

	while (seq < 1000 && give_unsigned(eve, seq, entry) == ROOM_ACCEPTED) {
		seq++;
		log_hurry(log_);
		commit();
	}
	return seq - from;
}

/* L8: what they use is estimated, but not by the newest record alone. */
static void unsigned_bytes_are_known_after_a_restart(void **state)
{
	const uint8_t dora[RECORD_ID_SIZE] = "dora",
		      eve[RECORD_ID_SIZE] = "eve";
	static char large[60000];
	unsigned count;

	(void)state;
	memset(large, 'x', sizeof(large) - 1);
	for (unsigned i = 1; i <= 200; i++)
		assert_verdict(give_unsigned(dora, i, "one"), ROOM_ACCEPTED);
	assert_verdict(give_unsigned(dora, 201, large), ROOM_ACCEPTED);
	room_again(); /* 201 of the newest would be too much */
	count = fill_unsigned(eve, 1, large);
	assert_in_range(count, 150, 174);
	assert_verdict(give_unsigned(eve, count + 1, "one"), ROOM_ACCEPTED);
	room_again(); /* and all of eve's like the newest next to nothing */
	assert_in_range(fill_unsigned(eve, count + 2, large), 0, 20);
}

static void proof_counts_when_its_log_comes_later(void **state)
{
	static char proof[65536];

	(void)state;
	fork_alice();
	assert_verdict(give_half(&other, 5), ROOM_FORKED);
	commit();
	room_end();
	(void)snprintf(proof, sizeof(proof), "%s", scratch_read(&s, "forks"));
	scratch_remove(&s);
	scratch_make(&s);
	scratch_write(&s, "forks", proof);
	room_begin();
	assert_verdict(give(&alice, 1, 4), ROOM_ACCEPTED);
	assert_verdict(give(&alice, 5, 6), ROOM_FORKED);
	assert_verdict(give_half(&other, 5), ROOM_FORKED);
	assert_int_equal(head_of(&alice), 4);
}

/* Whoever forks his own log again and again is told of once. */
static void fork_that_moves_down_is_told_as_such(void **state)
{
	(void)state;
	book_fill(&alice, 10, "a");
	give_all(&alice);
	(void)news();
	book_branch(&other, &alice, 1);
	book_fill(&other, 10, "o");
	assert_verdict(give_half(&other, 10), ROOM_FORKED);
	assert_string_equal(news(), "fork alice 10\n");
	assert_verdict(give_half(&other, 9), ROOM_FORKED);
	assert_string_equal(news(), "fork alice 9 again\n");
	assert_verdict(give_half(&other, 2), ROOM_FORKED);
	assert_string_equal(news(), "fork alice 2 again\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(half_is_compared_with_what_is_durable),
		TEST(state_is_that_of_all_durable_heads),
		TEST(accepts_a_log_and_knows_its_name),
		TEST(what_was_accepted_is_there_after_a_restart),
		TEST(abuse_01_unsigned_record_for_a_signed_log_is_bad),
		TEST(abuse_02_record_far_ahead_moves_nothing_and_costs_nothing),
		TEST(abuse_02_record_signed_by_another_key_is_bad),
		TEST(abuse_03_batch_with_a_gap_before_it_is_not_kept),
		TEST(abuse_04_seq_zero_and_beyond_the_last_are_bad),
		TEST(abuse_05_history_replayed_costs_nothing),
		TEST(abuse_06_flipped_bit_refuses_the_batch_for_one_check),
		TEST(abuse_07_junk_signatures_in_the_middle_vouch_for_nothing),
		TEST(abuse_07b_overlap_that_differs_grafts_nothing),
		TEST(abuse_07b_overlap_that_nobody_signed_freezes_nothing),
		TEST(abuse_07b_batch_that_continues_another_record_is_disputed),
		TEST(abuse_08_s_plus_l_is_bad_and_the_genuine_one_good),
		TEST(abuse_09_records_of_another_room_epoch_or_key_are_bad),
		TEST(abuse_16_logs_are_admitted_up_to_what_is_kept_for_others),
		TEST(log_with_records_is_not_forgotten),
		TEST(abuse_17_author_over_his_quota_stops_and_others_go_on),
		TEST(abuse_17_full_room_takes_only_what_is_ours),
		TEST(abuse_19_hole_is_filled_and_what_stands_behind_stays),
		TEST(abuse_19_hole_and_what_comes_after_it_fill_in_one_batch),
		TEST(abuse_19_hole_is_not_filled_with_what_does_not_join),
		TEST(abuse_19_log_without_its_first_record_waits_for_a_name),
		TEST(abuse_21_unknown_types_and_texts_to_the_limit_are_kept),
		TEST(abuse_22_strange_times_are_kept_and_do_not_drag_ours),
		TEST(abuse_22_others_pull_our_time_by_five_minutes_at_most),
		TEST(names_follow_the_newest_name_record),
		TEST(epochs_beyond_the_limit_are_refused),
		TEST(what_is_not_durable_yet_is_compared_after_a_commit),
		TEST(abuse_06_18_batch_that_does_not_fit_waits_whole),
		TEST(pieces_of_two_histories_never_make_a_third),
		TEST(abuse_10_12_half_that_differs_proves_a_fork_for_good),
		TEST(abuse_10_smaller_disputed_seq_replaces_a_larger_one),
		TEST(abuse_11_half_that_proves_nothing_freezes_nothing),
		TEST(abuse_10_fork_that_can_not_be_shown_freezes_this_process),
		TEST(line_that_proves_nothing_is_not_believed),
		TEST(first_text_comes_behind_an_open),
		TEST(nothing_is_said_before_others_were_asked),
		TEST(nothing_is_half_said_when_it_does_not_fit),
		TEST(abuse_13_own_records_from_peers_are_adopted_and_told_once),
		TEST(restored_backup_heals_itself),
		TEST(restored_backup_does_not_say_again_what_it_said),
		TEST(restored_backup_says_again_only_what_is_missing),
		TEST(abuse_10_13_own_fork_goes_on_and_loses_nothing),
		TEST(saying_again_goes_on_after_a_restart),
		TEST(saying_again_goes_on_in_yet_another_epoch),
		TEST(saying_again_in_yet_another_epoch_goes_on_after_a_restart),
		TEST(text_said_twice_is_said_again_twice),
		TEST(second_fork_while_saying_again_loses_nothing),
		TEST(smaller_fork_of_the_log_before_says_the_rest_again),
		TEST(smaller_fork_says_the_rest_again_after_a_restart),
		TEST(own_time_far_ahead_begins_a_new_epoch),
		TEST(own_time_far_ahead_costs_eight_epochs_at_most),
		TEST(log_whose_numbers_are_used_up_goes_on_in_another),
		TEST(abuse_19_own_log_with_a_hole_waits_and_is_left_behind),
		TEST(abuse_19_own_log_that_rots_while_we_run_stops_us),
		TEST(abuse_19_own_log_with_a_hole_is_filled_by_peers),
		TEST(abuse_19_doubt_about_the_end_begins_a_new_epoch),
		TEST(identity_that_used_all_epochs_says_so),
		TEST(unsigned_records_are_kept_in_order),
		TEST(abuse_01_unsigned_record_under_an_id_is_bad),
		TEST(abuse_37_unsigned_logs_have_a_limit),
		TEST(abuse_37_unsigned_logs_have_ten_mebibytes_in_all),
		TEST(readers_beside_see_a_fork_too),
		TEST(history_ends_before_a_fork_and_has_unsigned_records),
		TEST(records_of_another_type_of_log_are_not_read),
		TEST(two_copies_go_on_in_the_log_that_each_wrote),
		TEST(batch_that_nobody_signed_does_not_use_up_a_quota),
		TEST(unsigned_bytes_are_known_after_a_restart),
		TEST(proof_counts_when_its_log_comes_later),
		TEST(fork_that_moves_down_is_told_as_such),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
