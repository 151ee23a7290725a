/* SPDX-License-Identifier: ISC */
/*
 * test_sync.c: who is asked for what, who is told of what, and who is sent
 * what: as the persons at the other ends of bob's links hear it.  Keys: bob is
 * 1, alice 2, carol 3, dora 4.
 */
#include "platform.h"

#include "counted.h"
#include "node.h"

enum {
	HOUR_MS = 3600 * 1000,
	GATHERED_MS = SYNC_GATHER_MS * 5 / 4 /* by then all is told */
};

static struct book alices, carols;
static char large[4000];
static unsigned durable_count; /* questions how much of a log is durable */

uint64_t __real_room_durable(const struct room *room, uint32_t number);
uint64_t __wrap_room_durable(const struct room *room, uint32_t number);

uint64_t __wrap_room_durable(const struct room *room, uint32_t number)
{
	durable_count++;
	return __real_room_durable(room, number);
}

static int count_of(const char *text, const char *part)
{
	int count = 0;

	while ((text = strstr(text, part)) != NULL) {
		count++;
		text++;
	}
	return count;
}

/* Alice's log up to record `last`, of which bob has `here`. */
static void alice_has(uint64_t last, uint64_t here)
{
	book_open(&alices, 2, "alice");
	book_fill(&alices, last);
	if (here > 0)
		node_have(bob, &alices, here);
	settle();
}

static struct evil *join_claiming(unsigned who, const char *name, uint64_t seq)
{
	struct evil *e = join_up(bob, who, name);

	if (seq > 0)
		evil_put_entry(e, &alices, 1, seq, WANT_NOTHING);
	settle();
	return e;
}

/* Milliseconds until he is told `text`; what he was told so far is gone. */
static int64_t until_told(struct evil *e, const char *text, int64_t step_ms)
{
	int64_t began_ms = now_ms;

	transcript_clear(&e->told);
	for (int i = 0; i < 100000; i++) {
		settle();
		if (strstr(e->told.text, text) != NULL)
			return now_ms - began_ms;
		now_ms += step_ms;
	}
	fail_msg("never told: %s", text);
	return 0;
}

/* Whoever he is, he has told all that he has: nothing. */
static struct evil *join_empty(unsigned who, const char *name)
{
	struct evil *e = join_up(bob, who, name);

	evil_put_digest(e, NULL, 0, true);
	settle();
	return e;
}

/* Sources. */

static void source_is_the_author_as_long_as_he_is_linked(void **state)
{
	struct evil *dora, *alice;

	(void)state;
	alice_has(5, 0);
	dora = join_claiming(4, "dora", 5);
	assert_told(&dora->told, "digest alice 0 want 2\n");
	alice = join(bob, 2, "alice");
	settle();
	assert_told(&dora->told, "digest alice 0\n");
	assert_told(&alice->told, "peer bob\nhello bob 0\n"
				  "digest alice 0 want 2; complete\n");
	evil_leave(alice);
	settle();
	assert_told(&dora->told, "digest alice 0 want 2\n");
}

/* Whose log is known is asked for it before he says a word. */
static void source_is_asked_in_the_first_digest(void **state)
{
	struct evil *alice;

	(void)state;
	alice_has(5, 2);
	alice = join(bob, 2, "alice");
	settle();
	assert_told(&alice->told, "peer bob\nhello bob 0\n"
				  "digest alice 2 want 2; complete\n");
}

static void source_that_is_lost_is_replaced_by_the_newest(void **state)
{
	struct evil *alice, *carol, *dora;

	(void)state;
	alice_has(9, 2);
	alice = join_up(bob, 2, "alice");
	carol = join_claiming(3, "carol", 5);
	dora = join_claiming(4, "dora", 9);
	assert_told(&carol->told, "");
	evil_leave(alice);
	settle();
	assert_told(&carol->told, "");
	assert_told(&dora->told, "digest alice 2 want 2\n");
}

static void source_that_is_silent_is_left_for_another(void **state)
{
	struct evil *carol, *dora;
	int64_t waited_ms;

	(void)state;
	alice_has(5, 2);
	carol = join_claiming(3, "carol", 5);
	dora = join_claiming(4, "dora", 5);
	assert_told(&carol->told, "digest alice 2 want 2\n");
	waited_ms = until_told(dora, "want 2", 10);
	assert_in_range(waited_ms, SYNC_SILENT_MS, SYNC_SILENT_MS * 2);
	assert_told(&carol->told, "digest alice 2\n");
	assert_int_equal(node_counts(bob).sync.moves, 1);
}

/* What he sends he has, even if it came another way before. */
static void author_who_sends_what_is_here_is_asked_again(void **state)
{
	struct evil *alice, *carol;

	(void)state;
	alice_has(6, 5);
	alice = join_up(bob, 2, "alice");
	evil_put_entry(alice, &alices, 1, 5, WANT_NOTHING);
	settle();
	carol = join_claiming(3, "carol", 6);
	(void)until_told(carol, "digest alice 5 want 2\n", 10);
	evil_put_batch(carol, &alices, 1, 6, 6);
	pass(2000, 50);
	transcript_clear(&alice->told);
	evil_put_batch(alice, &alices, 1, 6, 6);
	settle();
	assert_told(&alice->told, "digest alice 6 want 2\n");
}

/* It came late, by another way: nobody else is to wait for our state, too. */
static void news_after_a_detour_are_told_at_once(void **state)
{
	struct evil *dora, *edna;

	(void)state;
	alice_has(5, 2);
	(void)join_claiming(3, "carol", 5);
	dora = join_claiming(4, "dora", 5);
	edna = join_claiming(5, "edna", 2);
	(void)until_told(dora, "want 2", 10);
	evil_put_batch(dora, &alices, 1, 3, 5);
	assert_in_range(
		until_told(edna, "digest alice 5", 10), 0, 2 * SYNC_RECEIPT_MS);
}

/* One that moves something is not silent, however slow it is. */
static void source_that_sends_is_kept(void **state)
{
	struct evil *carol, *dora;

	(void)state;
	alice_has(100, 2);
	carol = join_claiming(3, "carol", 100);
	dora = join_claiming(4, "dora", 100);
	for (uint64_t seq = 3; seq <= 30; seq++) {
		evil_put_batch(carol, &alices, 1, seq, seq);
		pass(200, 50);
	}
	assert_null(strstr(dora->told.text, "want"));
	assert_int_equal(node_counts(bob).sync.moves, 0);
}

/* "I have 4,294,967,294", and nothing comes (2): a second, then two, ... */
static void abuse_02_who_claims_and_sends_nothing_is_believed_less(void **state)
{
	struct evil *liar;
	int64_t expected_ms = SYNC_AVOID_MS;

	(void)state;
	alice_has(5, 2);
	liar = join_claiming(4, "dora", LIMIT_SEQ);
	assert_told(&liar->told, "digest alice 2 want 2\n");
	for (int i = 0; i < 9; i++) {
		int64_t waited_ms = until_told(liar, "digest alice 2\n", 50);

		assert_in_range(waited_ms, SYNC_SILENT_MS, 600);
		waited_ms = until_told(liar, "digest alice 2 want 2\n", 50);
		assert_in_range(waited_ms, expected_ms - 50, expected_ms + 200);
		expected_ms *= 2;
		if (expected_ms > SYNC_AVOID_MAX_MS)
			expected_ms = SYNC_AVOID_MAX_MS;
	}
	/* Who is honest is asked at once, and what he sends is taken. */
	(void)until_told(liar, "digest alice 2\n", 50);
	evil_put_batch(join_claiming(3, "carol", 5), &alices, 1, 3, 5);
	settle();
	assert_int_equal(node_head(bob, &alices), 5);
}

/* What is told, and when. */

static void receipts_go_at_once_to_the_author_alone(void **state)
{
	struct evil *alice, *dora;
	int64_t waited_ms;

	(void)state;
	alice_has(9, 2);
	dora = join_up(bob, 4, "dora");
	alice = join_claiming(2, "alice", 9);
	assert_told(&alice->told, "");
	evil_put_batch(alice, &alices, 1, 3, 3);
	settle();
	assert_told(&alice->told, "digest alice 3 want 1\n");
	evil_put_batch(alice, &alices, 1, 4, 4);
	settle();
	assert_told(&alice->told, "");
	waited_ms = until_told(alice, "digest alice 4 want 1\n", 1);
	assert_in_range(waited_ms, 1, SYNC_RECEIPT_MS);
	assert_told(&dora->told, "");
	waited_ms = until_told(dora, "digest; state\n", 10);
	assert_in_range(waited_ms, 1, GATHERED_MS);
}

/* Who has sent a record knows its id; of what others sent it is news. */
static void receipts_name_the_id_of_what_came_another_way(void **state)
{
	struct evil *alice, *dora;
	int ids;

	(void)state;
	alice_has(4, 2);
	alice = join_up(bob, 2, "alice");
	dora = join_up(bob, 4, "dora");
	ids = alice->ids;
	evil_put_batch(alice, &alices, 1, 3, 3);
	(void)until_told(alice, "digest alice 3 want 1\n", 1);
	assert_int_equal(alice->ids, ids);
	evil_put_batch(dora, &alices, 1, 4, 4);
	(void)until_told(alice, "digest alice 4 want 1\n", 1);
	assert_int_equal(alice->ids, ids + 1);
}

static void news_are_one_state_and_nothing_more_is_told(void **state)
{
	struct evil *alice, *carol, *dora;

	(void)state;
	alice_has(10, 9);
	book_open(&carols, 3, "carol");
	alice = join_up(bob, 2, "alice");
	carol = join_up(bob, 3, "carol");
	dora = join_up(bob, 4, "dora");
	evil_put_batch(alice, &alices, 1, 10, 10);
	/* Of a log that it has not heard of, everybody hears at once. */
	evil_put_batch(carol, &carols, 1, 1, 1);
	settle();
	assert_told(&dora->told, "digest carol 1\n");
	book_fill(&carols, 2);
	evil_put_batch(carol, &carols, 1, 2, 2);
	settle();
	assert_told(&dora->told, "");
	pass(GATHERED_MS, 50);
	assert_told(&dora->told, "digest; state\n");
	assert_non_null(strstr(alice->told.text, "digest; state\n"));
	assert_non_null(strstr(carol->told.text, "digest; state\n"));
	assert_memory_equal(alice->state, dora->state, sizeof(dora->state));
	/* Nothing changes, nothing is sent. */
	transcript_clear(&alice->told);
	transcript_clear(&carol->told);
	pass(80 * 1000, 500);
	assert_told(&alice->told, "");
	assert_told(&carol->told, "");
	assert_told(&dora->told, "");
}

static void who_says_unlike_is_told_what_it_may_lack(void **state)
{
	struct evil *dora;

	(void)state;
	alice_has(9, 9);
	book_open(&carols, 3, "carol");
	book_fill(&carols, 2);
	node_have(bob, &carols, 1);
	dora = join_up(bob, 4, "dora");
	book_fill(&alices, 10);
	node_have(bob, &alices, 10);
	node_have(bob, &carols, 2);
	evil_put_entry(dora, &carols, 1, 2, WANT_NOTHING);
	settle();
	transcript_clear(&dora->told);
	evil_put_unlike(dora);
	settle();
	assert_told(&dora->told, "digest alice 10\n");
	evil_put_unlike(dora); /* it knows that now */
	settle();
	assert_told(&dora->told, "");
}

/* Receipts make our state another one, and do not tell it. */
static void who_says_unlike_is_told_a_state_that_is_new(void **state)
{
	static struct book doras;
	struct evil *dora;

	(void)state;
	alice_has(5, 4);
	dora = join_empty(4, "dora");
	node_have(bob, &alices, 5);
	(void)until_told(dora, "digest; state\n", 50);
	book_open(&doras, 4, "dora");
	evil_put_batch(dora, &doras, 2, 1, 1);
	pass(2 * GATHERED_MS, 50);
	transcript_clear(&dora->told);
	for (int i = 0; i < 3; i++) {
		evil_put_unlike(dora);
		pass(GATHERED_MS, 50);
	}
	assert_told(&dora->told, "digest alice 5\ndigest; state\n");
	assert_memory_equal(
		dora->state, node_agreed(bob).state, sizeof(dora->state));
}

static void another_state_is_answered_unless_it_becomes_ours(void **state)
{
	struct node *other = &nodes[1];
	uint8_t theirs[MESSAGE_STATE_SIZE];
	struct evil *dora;
	int64_t waited_ms;

	(void)state;
	alice_has(10, 9);
	dora = join_empty(4, "dora");
	room_state(bob->room, theirs);
	theirs[0] ^= 1;
	transcript_clear(&dora->told);
	evil_put_state(dora, theirs);
	waited_ms = until_told(dora, "digest; unlike\n", 10);
	assert_in_range(waited_ms, SYNC_UNLIKE_MS, SYNC_UNLIKE_MS + 10);
	transcript_clear(&dora->told);
	pass(80 * 1000, 500); /* once is enough */
	assert_told(&dora->told, "");

	/* Bob has it himself before long, and need not ask. */
	node_open(other, 9, "other");
	node_have(other, &alices, 10);
	room_state(other->room, theirs);
	evil_put_state(dora, theirs);
	pass(SYNC_UNLIKE_MS - 50, 10);
	assert_int_equal(node_agreed(bob).equal, 0);
	node_have(bob, &alices, 10);
	settle();
	assert_int_equal(node_agreed(bob).equal, 1);
	assert_memory_equal(node_agreed(bob).state, theirs, sizeof(theirs));
	pass(1000, 10);
	assert_null(strstr(dora->told.text, "unlike"));
}

/* He told a state, and then of more, before the state became ours, too. */
static void who_told_of_more_since_has_more(void **state)
{
	struct node *other = &nodes[1];
	uint8_t theirs[MESSAGE_STATE_SIZE];
	struct evil *alice, *carol, *dora;

	(void)state;
	alice_has(11, 9);
	alice = join_claiming(2, "alice", 9);
	carol = join_empty(3, "carol");
	dora = join_empty(4, "dora");
	evil_put_entry(carol, &alices, 1, 11, WANT_NOTHING);
	settle();
	node_open(other, 9, "other");
	node_have(other, &alices, 10);
	room_state(other->room, theirs);
	evil_put_state(carol, theirs); /* she has lost the last one */
	evil_put_state(dora, theirs);
	settle();
	evil_put_entry(dora, &alices, 1, 11, WANT_NOTHING);
	settle();
	evil_put_batch(alice, &alices, 1, 10, 10);
	settle();
	assert_memory_equal(node_agreed(bob).state, theirs, sizeof(theirs));
	assert_int_equal(node_agreed(bob).equal, 1); /* carol */
	/* Alice is silent from here on. */
	assert_in_range(until_told(dora, "alice 10 want 2", 10), 0, 1000);
}

/* It was not ours for so long that bob has asked, and got no answer. */
static void a_state_that_becomes_ours_late_still_counts(void **state)
{
	struct node *other = &nodes[1];
	uint8_t theirs[MESSAGE_STATE_SIZE];
	struct evil *carol, *dora;

	(void)state;
	alice_has(12, 9);
	carol = join_empty(3, "carol");
	dora = join_empty(4, "dora");
	node_open(other, 9, "other");
	node_have(other, &alices, 11);
	room_state(other->room, theirs);
	evil_put_state(carol, theirs);
	evil_put_state(dora, theirs);
	(void)until_told(dora, "unlike", 10);
	node_have(bob, &alices, 10);
	pass(GATHERED_MS, 50);
	assert_int_equal(node_agreed(bob).equal, 0);
	evil_put_entry(carol, &alices, 1, 10, WANT_NOTHING);
	settle();
	evil_put_entry(carol, &alices, 1, 9, WANT_NOTHING); /* has lost it */
	settle();
	node_have(bob, &alices, 11);
	pass(GATHERED_MS, 50);
	assert_int_equal(node_agreed(bob).equal, 1); /* dora */
}

/* While nothing is wanted from others, there is nothing to be asked. */
static void who_is_held_asks_when_he_is_not(void **state)
{
	static const uint8_t theirs[MESSAGE_STATE_SIZE] = { 1 };
	struct evil *dora;

	(void)state;
	alice_has(9, 9);
	dora = join_empty(4, "dora");
	mesh_hold(bob->mesh, true, now_ms);
	evil_put_state(dora, theirs);
	pass(5000, 50);
	assert_told(&dora->told, "");
	mesh_hold(bob->mesh, false, now_ms);
	assert_int_equal(until_told(dora, "digest; unlike\n", 10), 0);
}

/* In sync is whoever is known to have just what is here. */
static void in_sync_are_those_who_told_or_were_told(void **state)
{
	uint8_t nothing[MESSAGE_STATE_SIZE];
	struct evil *alice, *carol, *dora;

	(void)state;
	room_state(bob->room, nothing);
	assert_memory_equal(node_agreed(bob).state, nothing, sizeof(nothing));
	alice_has(5, 4);
	alice = join_empty(2, "alice");
	carol = join_empty(3, "carol");
	dora = join_up(bob, 4, "dora");
	assert_int_equal(node_agreed(bob).links, 3);
	assert_int_equal(node_agreed(bob).equal, 0);
	evil_put_batch(alice, &alices, 1, 5, 5);
	settle();
	assert_int_equal(node_agreed(bob).equal, 1); /* she sent it */
	evil_put_entry(carol, &alices, 1, 5, WANT_NOTHING);
	evil_put_entry(dora, &alices, 1, 5, WANT_NOTHING);
	settle();
	assert_int_equal(node_agreed(bob).equal, 2); /* dora may have more */
	evil_put_digest(dora, NULL, 0, true);
	settle();
	assert_int_equal(node_agreed(bob).equal, 3);
	book_open(&carols, 3, "carol");
	evil_put_entry(carol, &carols, 2, 1, WANT_NOTHING);
	settle();
	assert_int_equal(node_agreed(bob).equal, 2); /* carol has */
}

/* It tells of no records, so nothing is asked for because of it. */
static void half_that_shows_nothing_new_changes_nothing(void **state)
{
	static const uint64_t shown[] = { 10, 3, 12 };
	struct message_entry entry;
	struct message_half half;
	struct evil *dora = join_up(bob, 4, "dora");

	(void)state;
	alice_has(12, 10);
	entry = book_entry(&alices, 1, 10, WANT_NOTHING);
	evil_put_digest(dora, &entry, 1, true);
	pass(GATHERED_MS, 50);
	transcript_clear(&dora->told);
	for (int i = 0; i < 3; i++) {
		half = book_half(&alices, shown[i]);
		evil_put_half(dora, &half);
	}
	settle();
	assert_int_equal(node_agreed(bob).equal, 1);
	pass(20 * 1000, 100);
	assert_int_equal(node_agreed(bob).equal, 1);
	assert_told(&dora->told, "");
}

static void many_news_are_one_digest(void **state)
{
	struct evil *dora = join_up(bob, 4, "dora");

	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		book_open(&carols, 100 + i, "x");
		node_have(bob, &carols, 1);
	}
	pass(GATHERED_MS, 50);
	transcript_clear(&dora->told);
	for (unsigned i = 0; i < 50; i++) {
		book_open(&carols, 100 + i, "x");
		book_fill(&carols, 2);
		node_have(bob, &carols, 2);
		pass(10, 10);
	}
	pass(GATHERED_MS, 50);
	assert_told(&dora->told, "digest; state\n");
	evil_put_unlike(dora);
	settle();
	assert_int_equal(count_of(dora->told.text, "digest"), 1);
	assert_int_equal(count_of(dora->told.text, " x 2"), 50);
}

static void complete_digest_comes_in_parts_of_1024(void **state)
{
	enum { LOGS = LIMIT_DIGEST_ENTRIES + 30 };
	const char *first;
	struct evil *dora;

	(void)state;
	for (unsigned i = 0; i < LOGS; i++) {
		book_open(&carols, 1000 + i, "x");
		node_have(bob, &carols, 1);
	}
	dora = join(bob, 4, "dora");
	settle();
	first = strstr(dora->told.text, "digest");
	assert_non_null(first);
	assert_int_equal(count_of(dora->told.text, "digest"), 2);
	assert_int_equal(count_of(dora->told.text, " 1"), LOGS);
	assert_int_equal(count_of(strchr(first, '\n'), " 1"), 30);
	assert_int_equal(count_of(dora->told.text, "complete"), 1);
	assert_int_equal(count_of(strchr(first, '\n'), "; complete\n"), 1);
}

/* What is sent. */

static void cursor_starts_over_where_it_is_told_to(void **state)
{
	static const struct {
		uint64_t seq;
		enum message_want want;
		const char *sent;
	} cases[] = {
		{ 0, WANT_MORE, "" }, /* never said from where */
		{ 0, WANT_FROM, "batch alice 1..9\n" },
		{ 9, WANT_MORE, "digest alice 9 want 2\n" }, /* as we have */
		{ 6, WANT_FROM, "batch alice 7..9\n" },
		{ 2, WANT_FROM, "batch alice 3..9\n" }, /* an older database */
		{ 1, WANT_MORE, "" }, /* a receipt sets no cursor */
		{ 20, WANT_FROM, "" },
		{ 8, WANT_FROM, "batch alice 9..9\n" },
		{ 0, WANT_NOTHING, "" },
	};
	struct evil *dora;

	(void)state;
	alice_has(10, 9);
	dora = join_up(bob, 4, "dora");
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		evil_put_entry(dora, &alices, 1, cases[i].seq, cases[i].want);
		settle();
		assert_told(&dora->told, cases[i].sent);
	}
	node_have(bob, &alices, 10);
	settle();
	assert_told(&dora->told, ""); /* it is not wanted any more */
	evil_put_entry(dora, &alices, 1, 9, WANT_MORE);
	settle();
	assert_told(&dora->told, "batch alice 10..10\n");
}

static void batches_have_256_records_or_64_kilobytes(void **state)
{
	struct evil *dora = join_up(bob, 4, "dora");

	(void)state;
	alice_has(300, 300);
	for (int i = 0; i < 20; i++)
		book_add(&alices, RECORD_TEXT, large, sizeof(large));
	node_have(bob, &alices, 320);
	evil_put_entry(dora, &alices, 1, 0, WANT_FROM);
	settle();
	/* It ends with a record that ended a batch of 15 when it came. */
	assert_told(&dora->told, "digest alice 300\nbatch alice 1..255\n"
				 "batch alice 256..315\n"
				 "batch alice 316..320\n");
}

static void logs_take_turns(void **state)
{
	struct evil *dora = join_up(bob, 4, "dora");
	const char *short_one, *end;

	(void)state;
	alice_has(1, 1);
	for (int i = 0; i < 300; i++)
		book_add(&alices, RECORD_TEXT, large, sizeof(large));
	node_have(bob, &alices, 301);
	book_open(&carols, 3, "carol");
	node_have(bob, &carols, 1);
	evil_put_entry(dora, &alices, 1, 0, WANT_FROM);
	evil_put_entry(dora, &carols, 2, 0, WANT_FROM);
	for (int i = 0; i < 10; i++)
		settle();
	short_one = strstr(dora->told.text, "batch carol 1..1\n");
	end = strstr(dora->told.text, "..301\n");
	assert_non_null(short_one);
	assert_non_null(end);
	assert_true(short_one < end);
}

/* Bytes of a Batch that a text takes. */
static size_t text_bytes(size_t size)
{
	struct record record = { .time_ms = BOOK_NOW,
		.type = RECORD_TEXT,
		.payload = reader_over(large, size) };

	return message_record_size(&record);
}

/* Alice says as much as takes so many bytes; only the last has a signature. */
static void alice_fills(size_t size)
{
	size_t last = 1;

	for (; size > 2 * text_bytes(sizeof(large));
		size -= text_bytes(sizeof(large)))
		book_add(&alices, RECORD_TEXT, large, sizeof(large));
	book_add(&alices, RECORD_TEXT, large, sizeof(large));
	size -= text_bytes(sizeof(large));
	while (text_bytes(last) < size)
		last++;
	assert_int_equal(text_bytes(last), size);
	book_add(&alices, RECORD_TEXT, large, last);
	for (uint64_t seq = 2; seq < alices.chain.seq; seq++)
		memset(alices.pages[seq].signature, 0x5a,
			sizeof(alices.pages[seq].signature));
}

/* One byte more, and its only good signature could never be sent on with it. */
static void abuse_07_a_batch_is_taken_if_it_can_be_sent_on_whole(void **state)
{
	enum { FITS = LIMIT_BATCH_SIZE - 128 };
	struct evil *carol, *dora;

	(void)state;
	for (unsigned more = 0; more < 2; more++) {
		book_open(&alices, 20 + more, "alice");
		alice_fills(FITS + more);
		node_have(bob, &alices, 1);
		carol = join_up(bob, 30 + more, "carol");
		evil_put_batch(carol, &alices, 1, 2, alices.chain.seq);
		settle();
		assert_int_equal(carol->eof, more);
		assert_int_equal(
			node_head(bob, &alices), more ? 1 : alices.chain.seq);
		transcript_clear(&bob->told);
	}
	book_open(&alices, 20, "alice");
	dora = join_up(bob, 4, "dora");
	evil_put_entry(dora, &alices, 1, 1, WANT_FROM);
	settle();
	assert_told(&dora->told, "batch alice 2..18\n");
}

/* Junk in the middle is nobody's fault, and never the end of a batch. */
static void abuse_07_a_junk_tail_is_never_sent(void **state)
{
	struct evil *carol, *dora;

	(void)state;
	alice_has(5, 0);
	for (int seq = 2; seq < 5; seq++)
		memset(alices.pages[seq].signature, 0x5a,
			sizeof(alices.pages[seq].signature));
	carol = join_claiming(3, "carol", 5);
	evil_put_batch(carol, &alices, 1, 1, 5);
	settle();
	assert_int_equal(node_head(bob, &alices), 5);
	assert_int_equal(node_counts(bob).strikes, 0);
	dora = join_up(bob, 4, "dora");
	for (uint64_t have = 0; have < 5; have++) {
		char text[40];

		evil_put_entry(dora, &alices, 1, have, WANT_FROM);
		settle();
		(void)snprintf(text, sizeof(text), "batch alice %u..5\n",
			(unsigned)have + 1);
		assert_told(&dora->told, text);
	}
}

static void abuse_19_a_hole_is_told_of_filled_and_served_up_to(void **state)
{
	struct log_record record;
	struct evil *carol, *dora;

	(void)state;
	alice_has(9, 9);
	node_restart(bob, "alice-4");
	assert_int_equal(log_read(bob->log, log_find(bob->log, alices.log.id),
				 4, &record),
		-1);
	assert_int_equal(node_head(bob, &alices), 3);
	dora = join(bob, 4, "dora");
	settle();
	assert_non_null(strstr(dora->told.text, "digest alice 3; complete\n"));
	transcript_clear(&dora->told);
	evil_put_entry(dora, &alices, 1, 0, WANT_FROM);
	settle();
	assert_told(&dora->told, "batch alice 1..3\n");
	carol = join_claiming(3, "carol", 9);
	assert_told(&carol->told, "digest alice 3 want 2\n");
	evil_put_batch(carol, &alices, 1, 4, 4);
	settle();
	assert_int_equal(node_head(bob, &alices), 9); /* later ones stayed */
	assert_told(&dora->told, "batch alice 4..9\n");
}

/* The one that had been verified is lost, and what is left is mostly junk. */
static void abuse_07_a_good_end_is_found_before_many_bad_ones(void **state)
{
	struct evil *carol, *dora;

	(void)state;
	alice_has(100, 0);
	for (int seq = 20; seq < 100; seq++)
		memset(alices.pages[seq].signature, 0x5a,
			sizeof(alices.pages[seq].signature));
	carol = join_claiming(3, "carol", 100);
	evil_put_batch(carol, &alices, 1, 1, 100);
	settle();
	node_restart(bob, "alice-100");
	assert_int_equal(node_head(bob, &alices), 99);
	dora = join_up(bob, 4, "dora");
	verified_count = 0;
	evil_put_entry(dora, &alices, 1, 0, WANT_FROM);
	settle();
	assert_told(&dora->told, "batch alice 1..19\n");
	/* Then there is none, and that is all: nobody looks again and again. */
	assert_int_equal(verified_count, 81 + 80);
	pass(10 * 1000, 1000);
	assert_int_equal(verified_count, 81 + 80);
	evil_put_entry(dora, &alices, 1, 18, WANT_FROM);
	settle();
	assert_int_equal(count_of(dora->told.text, "batch alice 19..19\n"), 1);
}

/* She filled the hole; what stood behind it may be other than hers. */
static void what_stood_behind_a_hole_is_told_of_by_id(void **state)
{
	struct evil *carol;

	(void)state;
	alice_has(9, 9);
	node_restart(bob, "alice-4");
	carol = join_claiming(3, "carol", 4);
	evil_put_batch(carol, &alices, 1, 4, 4);
	settle();
	assert_int_equal(node_head(bob, &alices), 9);
	carol->ids = 0;
	evil_put_unlike(carol);
	assert_int_equal(until_told(carol, "digest alice 9 want 1", 10), 0);
	assert_int_equal(carol->ids, 1);
}

/* Nothing of a frozen log is sent: who has one side of it is shown the other. */
static void abuse_10_a_fork_is_proved_to_who_has_one_side(void **state)
{
	static struct book branch;
	struct message_half half;
	struct evil *carol, *dora;

	(void)state;
	alice_has(3, 3);
	book_branch(&branch, &alices, 2);
	book_say(&branch, "something else");
	carol = join_claiming(3, "carol", 3);
	dora = join_up(bob, 4, "dora");
	transcript_clear(&carol->told);
	half = book_half(&branch, 3);
	evil_put_half(dora, &half);
	settle();
	assert_int_equal(count_of(carol->told.text, "half alice 3\n"), 2);
	assert_int_equal(count_of(carol->told.text, "alice 2 frozen\n"), 1);
	transcript_clear(&carol->told);
	for (int i = 0; i < 2; i++) { /* both of them again */
		half = book_half(i == 0 ? &alices : &branch, 3);
		evil_put_half(carol, &half);
	}
	pass(60 * 1000, 500);
	assert_in_range(count_of(carol->told.text, "half"), 0, 1);
	/* After a restart the proof is there still. */
	node_restart(bob, NULL);
	evil_leave(carol);
	evil_leave(dora);
	carol = join(bob, 3, "carol");
	settle();
	evil_put_entry(carol, &alices, 1, 3, WANT_NOTHING);
	settle();
	assert_non_null(strstr(carol->told.text, "digest alice 2 frozen"));
	assert_int_equal(count_of(carol->told.text, "half alice 3\n"), 2);
}

static void abuse_10_who_takes_nothing_keeps_a_fork_from_nobody(void **state)
{
	static struct book branch;
	struct message_half half;
	struct evil *deaf[4], *erin, *dora;

	(void)state;
	alice_has(3, 3);
	book_open(&carols, 3, "carol");
	for (int i = 0; i < 300; i++)
		book_add(&carols, RECORD_TEXT, large, sizeof(large));
	node_have(bob, &carols, 301);
	book_branch(&branch, &alices, 2);
	book_say(&branch, "something else");
	for (unsigned i = 0; i < 4; i++) {
		deaf[i] = join_claiming(10 + i, "deaf", 3);
		deaf[i]->deaf = true;
		evil_put_entry(deaf[i], &carols, 2, 0, WANT_FROM);
	}
	for (int i = 0; i < 20; i++)
		settle();
	for (unsigned i = 0; i < 4; i++)
		for (int k = 0; k < 8000; k++) {
			evil_put_ping(deaf[i], (uint64_t)k + 1);
			if (k % 500 == 0)
				settle();
		}
	for (int i = 0; i < 20; i++)
		settle();
	erin = join_claiming(5, "erin", 3);
	dora = join_up(bob, 4, "dora");
	transcript_clear(&erin->told);
	half = book_half(&branch, 3);
	evil_put_half(dora, &half);
	pass(30 * 1000, 50);
	assert_int_equal(count_of(erin->told.text, "half alice 3\n"), 2);
}

/* Numbers and admission. */

/* He gets what is not disputed, and can not know that it is frozen. */
static void who_comes_after_a_fork_is_in_sync(void **state)
{
	struct node *other = &nodes[1];
	struct message_half half;
	static struct book branch;
	int fds[2];

	(void)state;
	alice_has(3, 3);
	book_branch(&branch, &alices, 2);
	book_say(&branch, "something else");
	half = book_half(&branch, 3);
	assert_int_equal(room_accept_half(bob->room, &half), ROOM_FORKED);
	node_open(other, 9, "other");
	make_pair(fds);
	assert_int_equal(
		mesh_adopt(bob->mesh, fds[0], MESH_ACCEPTED, -1, now_ms), 0);
	assert_int_equal(
		mesh_adopt(other->mesh, fds[1], MESH_DIALLED, -1, now_ms), 0);
	pass(10 * 1000, 100);
	assert_int_equal(node_head(other, &alices), 2);
	assert_int_equal(node_agreed(bob).equal, 1);
	assert_int_equal(node_agreed(other).equal, 1);
	assert_memory_equal(node_agreed(bob).state, node_agreed(other).state,
		MESSAGE_STATE_SIZE);
}

static void number_that_is_given_again_means_the_new_log(void **state)
{
	struct evil *dora;
	struct message_entry entry;

	(void)state;
	alice_has(5, 5);
	book_open(&carols, 3, "carol");
	node_have(bob, &carols, 1);
	dora = join_up(bob, 4, "dora");
	evil_put_entry(dora, &alices, 1, 5, WANT_NOTHING);
	evil_put_entry(dora, &carols, 1, 0, WANT_NOTHING);
	entry = book_entry(&carols, 1, 0, WANT_FROM);
	entry.log.named = false;
	settle();
	transcript_clear(&dora->told);
	evil_put_digest(dora, &entry, 1, false);
	settle();
	assert_told(&dora->told, "batch carol 1..1\n");
}

static void put_strangers(struct evil *e, unsigned from, unsigned count)
{
	static struct message_entry entries[LIMIT_DIGEST_ENTRIES];

	for (unsigned i = 0; i < count; i++) {
		struct message_entry *entry = &entries[i];

		memset(entry, 0, sizeof(*entry));
		entry->log.number = 10 + from + i;
		entry->log.named = true;
		memset(entry->log.public_key, 0x44, RECORD_KEY_SIZE);
		entry->log.public_key[0] = (uint8_t)(from + i);
		entry->log.public_key[1] = (uint8_t)((from + i) >> 8);
		entry->seq = 7;
	}
	evil_put_digest(e, entries, count, false);
}

static void digest_of_strangers(struct evil *e, unsigned from, unsigned count)
{
	put_strangers(e, from, count);
	settle();
}

/* The first hour, of which nothing is counted, is over. */
static void hour_is_over(void)
{
	struct evil *e = join_up(bob, 9, "early");

	digest_of_strangers(e, 9000, 300);
	assert_int_equal(room_count(bob->room), 300);
	evil_leave(e);
	settle(); /* nobody means them any more: they are forgotten */
	now_ms += HOUR_MS;
}

static uint32_t used_logs(void)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < room_count(bob->room); i++)
		count += room_log(bob->room, i)->used;
	return count;
}

/* Turns until carol's next record is here, and she knows. */
static int turns_of(struct evil *carol)
{
	uint64_t seq = carols.chain.seq + 1;
	char receipt[40];

	book_fill(&carols, seq);
	(void)snprintf(receipt, sizeof(receipt), "digest carol %u want 1\n",
		(unsigned)seq);
	evil_put_batch(carol, &carols, 1, seq, seq);
	for (int turns = 1; turns < 100; turns++) {
		for (int i = 0; i < evil_count; i++)
			evil_turn(evils[i]);
		node_turn(bob);
		evil_turn(carol);
		if (strstr(carol->told.text, receipt) != NULL)
			return turns;
	}
	fail_msg("never told: %s", receipt);
	return 0;
}

static void put_5000_authors(struct evil *e)
{
	for (unsigned i = 0; i < 5; i++)
		put_strangers(e, i * 1000, 1000);
}

static void abuse_16_5000_authors_of_one_peer_are_let_in_slowly(void **state)
{
	struct evil *liar, *carol;

	(void)state;
	hour_is_over();
	assert_int_equal(used_logs(), 0);
	peer_at = address4("10.0.0.9", 5000);
	liar = join_up(bob, 4, "dora");
	liar->terse = true;
	peer_at = address4("10.0.0.8", 5000);
	carol = join_up(bob, 3, "carol");
	put_5000_authors(liar);
	settle();
	assert_int_equal(used_logs(), LIMIT_LOGS_BUCKET);
	/* His own log, and that of a third, are not counted with those. */
	alice_has(1, 0);
	book_open(&carols, 3, "carol");
	evil_put_batch(carol, &carols, 1, 1, 1);
	evil_put_batch(carol, &alices, 2, 1, 1);
	settle();
	assert_int_equal(node_head(bob, &carols), 1);
	assert_int_equal(node_head(bob, &alices), 1);
	/* The rest is asked for after ten minutes, and some more let in. */
	transcript_clear(&liar->told);
	pass(LIMIT_LOGS_REFILL_MS - 1000, 1000);
	assert_null(strstr(liar->told.text, "again"));
	transcript_clear(&liar->told);
	pass(1000, 1000);
	assert_non_null(strstr(liar->told.text, "; again\n"));
	put_5000_authors(liar);
	settle();
	assert_int_equal(
		used_logs(), LIMIT_LOGS_BUCKET + LIMIT_LOGS_REFILL + 2);
	assert_false(liar->eof);
}

/* What waits is counted, and not kept; and carol waits for nobody. */
static void abuse_16_5000_authors_take_no_memory_and_delay_nobody(void **state)
{
	struct evil *liar, *carol;
	size_t taken;
	int turns;

	(void)state;
	hour_is_over();
	peer_at = address4("10.0.0.9", 5000);
	liar = join_up(bob, 4, "dora");
	liar->terse = true;
	peer_at = address4("10.0.0.8", 5000);
	carol = join_up(bob, 3, "carol");
	book_open(&carols, 3, "carol");
	evil_put_batch(carol, &carols, 1, 1, 1);
	digest_of_strangers(liar, 0, LIMIT_LOGS_BUCKET);
	assert_int_equal(used_logs(), LIMIT_LOGS_BUCKET + 1);
	pass(1000, 100);
	turns = turns_of(carol);
	pass(1000, 100);
	taken = heap_taken;
	put_5000_authors(liar);
	assert_int_equal(turns_of(carol), turns);
	for (int i = 0; i < 5; i++)
		settle();
	assert_int_equal(fifo_size(&liar->wire.out), 0);
	assert_int_equal(used_logs(), LIMIT_LOGS_BUCKET + 1);
	assert_int_equal(heap_taken, taken);
}

/* Looks at how much of a log is durable, while he says "unlike" so often. */
static unsigned looks_for(struct evil *e, int count)
{
	unsigned before = durable_count;

	for (int i = 0; i < count; i++)
		evil_put_unlike(e);
	settle();
	return durable_count - before;
}

/* Four bytes each, and as many logs to be looked at. */
static void unlike_is_heard_once_a_turn_however_often_it_is_said(void **state)
{
	enum { LOGS = 50 };
	struct evil *dora;
	unsigned none, once;

	(void)state;
	for (unsigned i = 0; i < LOGS; i++) {
		book_open(&carols, 100 + i, "x");
		node_have(bob, &carols, 1);
	}
	dora = join_up(bob, 4, "dora");
	for (unsigned i = 0; i < LOGS; i++) {
		book_open(&carols, 100 + i, "x");
		book_fill(&carols, 2);
		evil_put_entry(dora, &carols, 1 + i, 7, WANT_NOTHING);
		settle();
		node_have(bob, &carols, 2);
	}
	settle();
	none = looks_for(dora, 0);
	once = looks_for(dora, 1);
	assert_true(once >= none + LOGS);
	assert_int_equal(looks_for(dora, 1000), once);
}

/* Another connection brings no other bucket; a named peer needs none. */
static void buckets_are_of_addresses_and_not_of_who_is_named(void **state)
{
	static const struct evil_options alice = { .who = 2, .name = "alice" };
	struct evil *e;

	(void)state;
	hour_is_over();
	peer_at = address4("10.0.0.9", 5000);
	digest_of_strangers(join_up(bob, 4, "dora"), 0, 300);
	assert_int_equal(used_logs(), LIMIT_LOGS_BUCKET);
	digest_of_strangers(join_up(bob, 5, "eve"), 1000, 300);
	assert_int_equal(used_logs(), LIMIT_LOGS_BUCKET);
	assert_int_equal(mesh_add_peer(bob->mesh, "alice.local:1"), 0);
	e = join_up_as(bob, 0, &alice);
	digest_of_strangers(e, 2000, 300);
	assert_int_equal(used_logs(), LIMIT_LOGS_BUCKET + 300);
}

/* His name is not enough, and it does not matter who dialled whom. */
static void buckets_are_not_of_who_has_a_pinned_name_and_key(void **state)
{
	static const struct evil_options impostor = { .who = 5,
		.name = "alice" };
	static const struct evil_options alice = { .who = 2, .name = "alice" };
	struct ed25519_key key;
	struct evil *e;

	(void)state;
	hour_is_over();
	book_key(&key, 2);
	assert_int_equal(mesh_add_peer(bob->mesh, "alice.local:1"), 0);
	mesh_expect(bob->mesh, "alice", key.public_key);
	peer_at = address4("10.0.0.9", 5000);
	e = join_up_as(bob, 0, &impostor);
	digest_of_strangers(e, 0, 300);
	assert_int_equal(used_logs(), LIMIT_LOGS_BUCKET);
	digest_of_strangers(join_up_as(bob, -1, &alice), 1000, 300);
	assert_int_equal(used_logs(), LIMIT_LOGS_BUCKET + 300);
}

static void bucket_is_not_full_again_after_a_restart(void **state)
{
	struct evil *e;

	(void)state;
	node_restart(bob, NULL);
	e = join_up(bob, 4, "dora");
	e->terse = true;
	digest_of_strangers(e, 0, 1000);
	assert_int_equal(used_logs(), LIMIT_LOGS_BUCKET);
}

/* Epochs of its own that one key tells of. */
static void digest_of_epochs(struct evil *e, unsigned from, unsigned count)
{
	static struct message_entry entries[LIMIT_DIGEST_ENTRIES];

	memset(entries, 0, sizeof(entries));
	for (unsigned i = 0; i < count; i++) {
		entries[i].log.number = 10 + from + i;
		entries[i].log.named = true;
		memcpy(entries[i].log.public_key, e->key.public_key,
			RECORD_KEY_SIZE);
		entries[i].log.epoch = 1 + from + i;
		entries[i].seq = 7;
	}
	evil_put_digest(e, entries, count, false);
	settle();
}

/* What somebody says of himself is counted, but not with what he relays. */
static void own_logs_of_a_neighbour_have_a_bucket_too(void **state)
{
	struct evil *dora, *eve;

	(void)state;
	hour_is_over();
	peer_at = address4("10.0.0.9", 5000);
	dora = join_up(bob, 4, "dora");
	dora->terse = true;
	for (unsigned i = 0; i < 3; i++)
		digest_of_epochs(dora, i * 1000, 1000);
	assert_int_equal(used_logs(), LIMIT_LOGS_BUCKET);
	digest_of_strangers(dora, 5000, 300);
	assert_int_equal(used_logs(), 2 * LIMIT_LOGS_BUCKET);
	peer_at = address4("10.0.0.8", 5000);
	eve = join_up(bob, 3, "carol");
	book_open(&carols, 3, "carol");
	evil_put_batch(eve, &carols, 1, 1, 1);
	settle();
	assert_int_equal(node_head(bob, &carols), 1);
}

/*
 * Logs that are forked without a proof, for all of their signatures but the
 * last are junk: to show one takes as many as there are powers of two.
 */
static void forks_that_prove_nothing_cost_little(void **state)
{
	enum { FORKS = 40, SECONDS = 200 };
	static struct message_entry entries[FORKS];
	static struct book one, other;
	struct evil *e = join_up(bob, 4, "dora");
	unsigned first;

	(void)state;
	bob->quiet = e->terse = true;
	for (unsigned i = 0; i < FORKS; i++) {
		book_open(&one, 200 + i, "x");
		book_fill(&one, 70);
		for (int seq = 2; seq < 70; seq++)
			one.pages[seq].signature[0] ^= 1;
		book_branch(&other, &one, 64);
		(void)snprintf(other.name, sizeof(other.name), "y");
		book_fill(&other, 69);
		evil_put_batch(e, &one, 10 + i, 1, 70);
		settle();
		evil_put_batch(e, &other, 10 + i, 65, 69);
		settle();
		entries[i] = book_entry(&one, 10 + i, 70, WANT_NOTHING);
		entries[i].log.named = entries[i].has_id = false;
	}
	pass(10 * 1000, 50); /* all were shown once */
	verified_count = 0;
	evil_put_digest(e, entries, FORKS, false);
	settle();
	first = verified_count; /* not all of them in one turn */
	assert_in_range(first, 1, 4 * 8);
	for (int i = 0; i < SECONDS; i++) {
		evil_put_digest(e, entries, FORKS, false);
		pass(1000, 50);
	}
	/* 1, 2, 4 ... 64 s apart; it was 7 x FORKS a second. */
	assert_in_range(verified_count, first, 7 * FORKS * 12);
}

/* A number that now names a log that waits no longer means the one before. */
static void number_of_a_log_that_waits_means_nothing(void **state)
{
	struct evil *dora;
	struct message_entry entry;

	(void)state;
	hour_is_over();
	alice_has(5, 5);
	dora = join_up(bob, 4, "dora");
	digest_of_strangers(dora, 0, 300);
	evil_put_entry(dora, &alices, 3, 5, WANT_NOTHING);
	book_open(&carols, 77, "never");
	evil_put_entry(dora, &carols, 3, 0, WANT_NOTHING);
	entry = book_entry(&carols, 3, 0, WANT_FROM);
	entry.log.named = false;
	settle();
	transcript_clear(&dora->told);
	evil_put_digest(dora, &entry, 1, false);
	settle();
	assert_told(&dora->told, "");
}

/* "again" is granted once a minute, and names all logs by their keys. */
static void again_is_answered_by_all_that_there_is_by_key(void **state)
{
	struct evil *dora;

	(void)state;
	alice_has(5, 5);
	dora = join_up(bob, 4, "dora");
	pass(60 * 1000, 1000);
	memset(dora->meant, 0, sizeof(dora->meant));
	evil_put(dora, MESSAGE_DIGEST, "\x18\x01", 2);
	settle();
	assert_told(&dora->told, "digest alice 5; complete\n");
	evil_put(dora, MESSAGE_DIGEST, "\x18\x01", 2);
	pass(59 * 1000, 1000);
	assert_told(&dora->told, "");
}

static void abuse_17_an_author_over_his_quota_stops_alone(void **state)
{
	struct evil *alice, *carol;

	(void)state;
	node_log_bytes = 1000;
	alice_has(20, 0);
	node_restart(bob, NULL);
	book_open(&carols, 3, "carol");
	alice = join_claiming(2, "alice", 20);
	carol = join_up(bob, 3, "carol");
	evil_put_batch(alice, &alices, 1, 1, 4);
	evil_put_batch(alice, &alices, 1, 5, 20);
	evil_put_batch(carol, &carols, 1, 1, 1);
	settle();
	assert_non_null(strstr(bob->told.text, "batch alice 1..4 accepted\n"
					       "batch alice 5..20 limit\n"));
	assert_non_null(strstr(bob->told.text, "batch carol 1..1 accepted\n"));
	assert_non_null(strstr(alice->told.text, "digest alice 4"));
	transcript_clear(&alice->told);
	pass(80 * 1000, 1000);
	assert_null(strstr(alice->told.text, "alice 4 want"));
	assert_int_equal(node_counts(bob).strikes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(source_is_the_author_as_long_as_he_is_linked),
		world_test(source_is_asked_in_the_first_digest),
		world_test(source_that_is_lost_is_replaced_by_the_newest),
		world_test(source_that_is_silent_is_left_for_another),
		world_test(author_who_sends_what_is_here_is_asked_again),
		world_test(news_after_a_detour_are_told_at_once),
		world_test(source_that_sends_is_kept),
		world_test(
			abuse_02_who_claims_and_sends_nothing_is_believed_less),
		world_test(receipts_go_at_once_to_the_author_alone),
		world_test(receipts_name_the_id_of_what_came_another_way),
		world_test(news_are_one_state_and_nothing_more_is_told),
		world_test(who_says_unlike_is_told_what_it_may_lack),
		world_test(who_says_unlike_is_told_a_state_that_is_new),
		world_test(another_state_is_answered_unless_it_becomes_ours),
		world_test(who_told_of_more_since_has_more),
		world_test(a_state_that_becomes_ours_late_still_counts),
		world_test(who_is_held_asks_when_he_is_not),
		world_test(in_sync_are_those_who_told_or_were_told),
		world_test(half_that_shows_nothing_new_changes_nothing),
		world_test(many_news_are_one_digest),
		world_test(complete_digest_comes_in_parts_of_1024),
		world_test(cursor_starts_over_where_it_is_told_to),
		world_test(batches_have_256_records_or_64_kilobytes),
		world_test(logs_take_turns),
		world_test(
			abuse_07_a_batch_is_taken_if_it_can_be_sent_on_whole),
		world_test(abuse_07_a_junk_tail_is_never_sent),
		world_test(abuse_19_a_hole_is_told_of_filled_and_served_up_to),
		world_test(abuse_07_a_good_end_is_found_before_many_bad_ones),
		world_test(what_stood_behind_a_hole_is_told_of_by_id),
		world_test(abuse_10_a_fork_is_proved_to_who_has_one_side),
		world_test(abuse_10_who_takes_nothing_keeps_a_fork_from_nobody),
		world_test(who_comes_after_a_fork_is_in_sync),
		world_test(number_that_is_given_again_means_the_new_log),
		world_test(abuse_16_5000_authors_of_one_peer_are_let_in_slowly),
		world_test(
			abuse_16_5000_authors_take_no_memory_and_delay_nobody),
		world_test(
			unlike_is_heard_once_a_turn_however_often_it_is_said),
		world_test(buckets_are_of_addresses_and_not_of_who_is_named),
		world_test(buckets_are_not_of_who_has_a_pinned_name_and_key),
		world_test(bucket_is_not_full_again_after_a_restart),
		world_test(own_logs_of_a_neighbour_have_a_bucket_too),
		world_test(forks_that_prove_nothing_cost_little),
		world_test(number_of_a_log_that_waits_means_nothing),
		world_test(again_is_answered_by_all_that_there_is_by_key),
		world_test(abuse_17_an_author_over_his_quota_stops_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
