/* SPDX-License-Identifier: ISC */
/*
 * Tests of chat.c: whole nodes in one process, linked by socket pairs, with
 * pipes for the person and a real database each; or linked with evil.h's, who
 * has none.  Both clocks are a variable (--wrap=clock_gettime): a millisecond
 * goes by in each turn.
 */
#include "scratch.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>

#include "chat_inside.h"
#include "ctl.h"
#include "evil.h"
#include "room/inside.h"

struct node {
	struct chat *chat;
	struct scratch place;
	char dir[300];
	int in;  /* what is written here is said */
	int out; /* what is shown is read here */
	int err;
	int theirs[3];
	char shown[1 << 16];
	char told[1 << 16];
};

static int64_t clock_at_ms = 1800000000000;

int __wrap_clock_gettime(clockid_t which, struct timespec *now);

int __wrap_clock_gettime(clockid_t which, struct timespec *now)
{
	(void)which;
	now->tv_sec = (time_t)(clock_at_ms / 1000);
	now->tv_nsec = (long)(clock_at_ms % 1000) * 1000000;
	return 0;
}

static void make_pipe(int *read_end, int *write_end)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	*read_end = ends[0];
	*write_end = ends[1];
	assert_int_equal(fcntl(*read_end, F_SETFL, O_NONBLOCK), 0);
}

static struct options options_of(struct node *n, const char *name)
{
	struct options o;

	options_default(&o);
	o.name = name;
	o.dir = n->dir;
	o.port = OPTIONS_NO_PORT;
	o.no_mdns = true;
	o.in_fd = n->theirs[0];
	o.out_fd = n->theirs[1];
	o.err_fd = n->theirs[2];
	return o;
}

static void node_place(struct node *n)
{
	memset(n, 0, sizeof(*n));
	scratch_make(&n->place);
	(void)snprintf(n->dir, sizeof(n->dir), "%s/db", n->place.path);
	make_pipe(&n->theirs[0], &n->in);
	make_pipe(&n->out, &n->theirs[1]);
	make_pipe(&n->err, &n->theirs[2]);
}

static void node_open(struct node *n, const struct options *options)
{
	int status;

	n->shown[0] = n->told[0] = '\0';
	n->chat = chat_open(options, &status);
	assert_non_null(n->chat);
}

static void node_make(struct node *n, const char *name)
{
	struct options o;

	node_place(n);
	o = options_of(n, name);
	node_open(n, &o);
}

static void node_remove(struct node *n)
{
	chat_close(n->chat);
	for (int i = 0; i < 3; i++)
		assert_int_equal(close(n->theirs[i]), 0);
	assert_int_equal(close(n->in) | close(n->out) | close(n->err), 0);
	scratch_remove(&n->place);
}

static void collect(int fd, char *text, size_t size)
{
	size_t have = strlen(text);
	ssize_t n = read(fd, text + have, size - 1 - have);

	if (n > 0)
		text[have + (size_t)n] = '\0';
}

static void node_turn(struct node *n)
{
	struct loop loop;

	clock_at_ms++;
	loop_begin(&loop, chat_clock_ms());
	chat_want(n->chat, &loop);
	loop_wake(&loop, loop.now_ms);
	loop_wait(&loop);
	chat_run(n->chat, &loop);
	collect(n->out, n->shown, sizeof(n->shown));
	collect(n->err, n->told, sizeof(n->told));
}

/* Turns of both (b may be NULL) until n has shown `text`; 10,000 at most. */
static void until_shown(
	struct node *a, struct node *b, struct node *n, const char *text)
{
	for (int i = 0; i < 10000 && strstr(n->shown, text) == NULL; i++) {
		node_turn(a);
		if (b != NULL)
			node_turn(b);
	}
	if (strstr(n->shown, text) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", text, n->shown);
}

static void say(struct node *n, const char *text)
{
	assert_int_equal(
		write(n->in, text, strlen(text)), (ssize_t)strlen(text));
}

/* Some turns in which nothing more should happen. */
static void settle(struct node *a, struct node *b)
{
	for (int i = 0; i < 50; i++) {
		node_turn(a);
		if (b != NULL)
			node_turn(b);
	}
}

static void link_nodes(struct node *a, struct node *b)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(chat_adopt(a->chat, ends[0], MESH_DIALLED), 0);
	assert_int_equal(chat_adopt(b->chat, ends[1], MESH_ACCEPTED), 0);
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

static struct node a, b, c;

static void alice_has_said(const char *line)
{
	node_make(&a, "alice");
	say(&a, line);
	until_shown(&a, NULL, &a, line);
}

static void alice_has_said_one(void)
{
	alice_has_said("one\n");
}

static void alice_and_bob_are_linked(void)
{
	node_make(&a, "alice");
	node_make(&b, "bob");
	link_nodes(&a, &b);
}

static void hello_is_shown_on_both_sides(void **state)
{
	(void)state;
	alice_and_bob_are_linked();
	say(&a, "hello\n");
	until_shown(&a, &b, &b, "alice> hello\n");
	say(&b, "hi\n");
	until_shown(&a, &b, &a, "bob> hi\n");
	settle(&a, &b);
	assert_string_equal(a.shown, "alice> hello\nbob> hi\n");
	assert_string_equal(b.shown, "alice> hello\nbob> hi\n");
	assert_non_null(strstr(a.told, "info> bob is here ("));
	node_remove(&a);
	node_remove(&b);
}

static void what_was_missed_is_caught_up_with(void **state)
{
	(void)state;
	node_make(&a, "alice");
	say(&a, "one\ntwo\nthree\n");
	until_shown(&a, NULL, &a, "alice> three\n");
	node_make(&b, "bob");
	link_nodes(&b, &a);
	until_shown(&a, &b, &b, "alice> one\nalice> two\nalice> three\n");
	node_remove(&a);
	node_remove(&b);
}

static void history_comes_first_and_names_are_remembered(void **state)
{
	struct options o;

	(void)state;
	alice_and_bob_are_linked();
	say(&a, "from alice\n");
	until_shown(&a, &b, &b, "alice> from alice\n");
	say(&b, "from bob\n");
	until_shown(&a, &b, &b, "bob> from bob\n");
	chat_close(b.chat);
	o = options_of(&b, "bob");
	node_open(&b, &o);
	settle(&b, NULL);
	assert_string_equal(b.shown, "alice> from alice\nbob> from bob\n");
	node_remove(&a);
	node_remove(&b);
}

static void n_limits_the_history(void **state)
{
	struct options o;

	(void)state;
	node_make(&a, "alice");
	say(&a, "one\ntwo\nthree\n");
	until_shown(&a, NULL, &a, "three\n");
	for (int lines = 0; lines < 5; lines++) {
		static const char *const shown[] = { "", "alice> three\n",
			"alice> two\nalice> three\n",
			"alice> one\nalice> two\nalice> three\n",
			"alice> one\nalice> two\nalice> three\n" };

		chat_close(a.chat);
		o = options_of(&a, "alice");
		o.history = lines;
		node_open(&a, &o);
		settle(&a, NULL);
		assert_string_equal(a.shown, shown[lines]);
	}
	node_remove(&a);
}

static void a_third_hears_through_the_second(void **state)
{
	(void)state;
	node_make(&a, "alice");
	node_make(&b, "bob");
	node_make(&c, "carl");
	link_nodes(&a, &b);
	say(&a, "hello\n");
	until_shown(&a, &b, &b, "alice> hello\n");
	chat_close(a.chat);
	a.chat = NULL;
	link_nodes(&c, &b);
	for (int i = 0; i < 10000 && strchr(c.shown, '\n') == NULL; i++) {
		node_turn(&b);
		node_turn(&c);
	}
	/* carl was never linked with alice: he knows what her log says. */
	assert_string_equal(c.shown, "alice> hello\n");
	node_remove(&a);
	node_remove(&b);
	node_remove(&c);
}

static void ten_thousand_lines_arrive_once_and_in_order(void **state)
{
	static char lines[10000 * 8];
	size_t size = 0, sent = 0;
	int seen = 0;

	(void)state;
	for (int i = 0; i < 10000; i++)
		size += (size_t)snprintf(lines + size, 8, "n%05d\n", i);
	alice_and_bob_are_linked();
	assert_int_equal(fcntl(a.in, F_SETFL, O_NONBLOCK), 0);
	for (int turns = 0; turns < 100000 && seen < 10000; turns++) {
		ssize_t n = write(a.in, lines + sent, size - sent);
		char *newline;

		sent += n > 0 ? (size_t)n : 0;
		a.shown[0] = '\0';
		node_turn(&a);
		node_turn(&b);
		while ((newline = strchr(b.shown, '\n')) != NULL) {
			char want[32];

			*newline = '\0';
			(void)snprintf(
				want, sizeof(want), "alice> n%05d", seen++);
			assert_string_equal(b.shown, want);
			memmove(b.shown, newline + 1, strlen(newline + 1) + 1);
		}
	}
	assert_int_equal(seen, 10000);
	node_remove(&a);
	node_remove(&b);
}

static void json_lines_say_who_what_and_when(void **state)
{
	struct options o;
	char want[256];

	(void)state;
	node_place(&a);
	o = options_of(&a, "alice");
	o.json = true;
	node_open(&a, &o);
	say(&a, "say \"hi\"\t\n");
	until_shown(&a, NULL, &a, "}\n");
	(void)snprintf(want, sizeof(want),
		"{\"type\":\"message\",\"author\":\"%.65s\","
		"\"name\":\"alice\",\"seq\":2,\"time\":\"",
		strstr(a.shown, "\"@") + 1);
	assert_memory_equal(a.shown, want, strlen(want));
	assert_string_equal(a.shown + strlen(want) + 24,
		"\",\"text\":\"say \\\"hi\\\"\\t\",\"verified\":true}\n");
	node_make(&b, "bob");
	link_nodes(&a, &b);
	until_shown(&a, &b, &a,
		"{\"type\":\"peer\",\"event\":\"up\",\"name\":"
		"\"bob\",\"author\":\"@");
	node_remove(&a);
	node_remove(&b);
}

static void a_line_that_is_too_long_is_refused_and_the_rest_goes_on(
	void **state)
{
	static char line[5000];

	(void)state;
	node_make(&a, "alice");
	memset(line, 'x', sizeof(line) - 1);
	say(&a, line);
	say(&a, "\nshort\n");
	until_shown(&a, NULL, &a, "alice> short\n");
	assert_string_equal(a.shown, "alice> short\n");
	assert_non_null(strstr(
		a.told, "warn> a line of more than 4096 bytes was not sent\n"));
	node_remove(&a);
}

static void control_bytes_of_others_are_shown_harmless(void **state)
{
	(void)state;
	alice_and_bob_are_linked();
	say(&a, "\033]0;title\a\r\xc2\x9b\n");
	until_shown(&a, &b, &b, "\n");
	assert_string_equal(b.shown, "alice> \\x1b]0;title\\x07\\r\\x9b\n");
	node_remove(&a);
	node_remove(&b);
}

/* Somebody who says what a test tells him to, linked with a. */

static struct evil evil;
static struct book book;

/* Turns of both; a.told and a.shown tell what came of it. */
static void evil_turns(int count)
{
	while (count-- > 0) {
		node_turn(&a);
		evil_turn(&evil);
	}
}

static void bob_is_evil(void)
{
	struct evil_options bob = {
		.role = WIRE_DIALLER, .who = 2, .name = "bob"
	};
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(chat_adopt(a.chat, ends[0], MESH_ACCEPTED), 0);
	evil_open(&evil, ends[1], &bob);
	evil_turns(20);
	assert_true(evil_is_up(&evil));
}

static void alice_is_linked_with_evil_bob(void)
{
	node_make(&a, "alice");
	bob_is_evil();
	book_open(&book, 2, "bob");
}

static void evil_leaves(void)
{
	evil_close(&evil);
	node_remove(&a);
}

static void abuse_17_an_author_over_his_quota_is_told_of(void **state)
{
	static struct book dora;

	(void)state;
	alice_is_linked_with_evil_bob();
	a.chat->room->options.log_bytes = 2000;
	book_fill(&book, 40);
	evil_put_batch(&evil, &book, 1, 1, 10);
	evil_turns(50);
	assert_non_null(strstr(a.shown, "bob> bob-10\n"));
	assert_null(strstr(a.told, "not kept"));
	for (int i = 0; i < 2; i++) {
		evil_put_batch(&evil, &book, 1, 11, 40);
		evil_turns(50);
	}
	assert_null(strstr(a.shown, "bob-11\n"));
	assert_int_equal(
		count_of(a.told, "warn> messages of bob are not kept any more: "
				 "they have used up their room\n"),
		1);
	book_open(&dora, 3, "dora");
	book_say(&dora, "I have room");
	evil_put_batch(&evil, &dora, 2, 1, 2);
	evil_turns(50);
	assert_non_null(strstr(a.shown, "dora> I have room\n"));
	evil_leaves();
}

static void abuse_21_all_texts_are_shown_and_unknown_types_are_not(void **state)
{
	static char most[LIMIT_TEXT];
	static char shown[sizeof(most) + 64];

	(void)state;
	alice_is_linked_with_evil_bob();
	memset(most, 'x', sizeof(most));
	book_add(&book, RECORD_TEXT, "", 0);
	book_add(&book, RECORD_TEXT, most, sizeof(most));
	book_add(&book, 200, "of another time", 15);
	book_say(&book, "last");
	evil_put_batch(&evil, &book, 1, 1, 5);
	evil_turns(50);
	(void)snprintf(shown, sizeof(shown), "bob> \nbob> %.*s\nbob> last\n",
		(int)sizeof(most), most);
	assert_string_equal(a.shown, shown);
	evil_leaves();
}

/* The original's prologue and Handshake, as somebody named `name`. */
static void pretend(int fd, const char *name)
{
	char bytes[64];
	int size = snprintf(bytes, sizeof(bytes), "%c%s.local:1%c\x0a\x05mmmmm",
		(char)(strlen(name) + 8), name, 7);

	/* Sent again, as the one whose address is greater does. */
	assert_int_equal(write(fd, bytes, strlen(name) + 9), strlen(name) + 9);
	assert_int_equal(write(fd, bytes, (size_t)size), size);
}

/* L4: whatever it calls itself, it is shown with a mark. */
static void abuse_37_an_original_with_gaps_is_not_believed(void **state)
{
	static const char changes[] = "\x0b\x0a\x05mmmmm\x10\x02\x1a\x00"
				      "\x0c\x0a\x05mmmmm\x10\x01\x1a\x01x"
				      "\x0c\x0a\x05mmmmm\x10\x03\x1a\x01z"
				      "\x0c\x0a\x05mmmmm\x10\x01\x1a\x01y"
				      "\x0c\x0a\x05mmmmm\x10\x02\x1a\x01w";
	struct options o;
	int ends[2];

	(void)state;
	node_place(&a);
	o = options_of(&a, "alice");
	o.legacy = true;
	node_open(&a, &o);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(chat_adopt(a.chat, ends[0], MESH_ACCEPTED), 0);
	pretend(ends[1], "mallory");
	assert_int_equal(write(ends[1], changes, sizeof(changes) - 1),
		sizeof(changes) - 1);
	until_shown(&a, NULL, &a, "?mallory> w\n");
	settle(&a, NULL);
	assert_string_equal(a.shown, "?mallory> x\n?mallory> w\n");
	assert_non_null(strstr(a.told, "warn> --legacy: everybody"));
	assert_int_equal(close(ends[1]), 0);
	node_remove(&a);
}

/* Databases that end, and come back. */

static void copy_database(const struct node *from, const struct node *to)
{
	char command[1024];

	(void)snprintf(command, sizeof(command),
		"rm -rf '%s'; cp -rp '%s' '%s'", to->dir, from->dir, to->dir);
	assert_int_equal(system(command), 0);
}

static void node_reopen(struct node *n, const char *name)
{
	struct options o = options_of(n, name);

	n->shown[0] = n->told[0] = '\0';
	node_open(n, &o);
}

/* Milliseconds until n has shown `text`. */
static int64_t shown_after(struct node *n, struct node *other, const char *text)
{
	int64_t began_ms = clock_at_ms;

	until_shown(n, other, n, text);
	return clock_at_ms - began_ms;
}

static void own_lines_wait_until_others_could_answer(void **state)
{
	(void)state;
	node_make(&a, "alice");
	say(&a, "one\n"); /* a new identity: nobody has anything of it */
	assert_in_range(shown_after(&a, NULL, "alice> one\n"), 1, 100);
	chat_close(a.chat);
	node_reopen(&a, "alice");
	say(&a, "two\n");
	assert_in_range(shown_after(&a, NULL, "alice> two\n"), 1500, 1600);
	chat_close(a.chat);
	/* Whoever is linked has answered. */
	node_reopen(&a, "alice");
	node_make(&b, "bob");
	link_nodes(&a, &b);
	say(&a, "three\n");
	assert_in_range(shown_after(&a, &b, "alice> three\n"), 400, 1400);
	assert_null(strstr(a.told, "warn>"));
	node_remove(&a);
	node_remove(&b);
}

/* Alice's log, as whoever was linked with her has it. */
static void book_of_alice(void)
{
	struct room *room = a.chat->room;
	uint32_t own = room_own(room);
	struct log_cursor cursor = { .seq = 1 };
	struct record record;

	memset(&book, 0, sizeof(book));
	book.log = room_log(room, own)->log;
	for (; cursor.seq <= room_durable(room, own); cursor.seq++) {
		struct page *page = &book.pages[cursor.seq];

		assert_int_equal(room_read(room, own, &cursor, &record), 0);
		page->time_ms = record.time_ms;
		page->type = record.type;
		page->size = record.payload.left;
		assert_true(page->size <= sizeof(page->text));
		memcpy(page->text, record.payload.at, page->size);
		memcpy(page->id, record.id, sizeof(page->id));
		memcpy(page->signature, record.signature,
			sizeof(page->signature));
		book.chain.seq = cursor.seq;
	}
}

/*
 * Alice has said 1 to `last`; then she put an old copy back, of 1 alone, and
 * says `next`.  Evil bob has all of it, and claims so much.
 */
static void alice_is_restored(int last, uint64_t claimed)
{
	struct message_entry entry;
	char text[16];

	alice_has_said("1\n");
	node_place(&b);
	chat_close(a.chat);
	copy_database(&a, &b);
	node_reopen(&a, "alice");
	for (int i = 2; i <= last; i++) {
		(void)snprintf(text, sizeof(text), "%d\n", i);
		say(&a, text);
	}
	(void)snprintf(text, sizeof(text), "alice> %d\n", last);
	until_shown(&a, NULL, &a, text);
	book_of_alice();
	chat_close(a.chat);
	copy_database(&b, &a);
	b.chat = NULL;
	node_remove(&b);
	node_reopen(&a, "alice");
	say(&a, "next\n");
	bob_is_evil();
	entry = book_entry(&book, 1, claimed, WANT_NOTHING);
	evil_put_digest(&evil, &entry, 1, true);
}

/* Until `ms` after alice began, in steps of 10 ms. */
static void evil_turns_until(int64_t ms)
{
	while (chat_clock_ms() < a.chat->ask_ms + ms) {
		clock_at_ms += 9;
		evil_turns(1);
	}
}

static void own_lines_wait_for_who_claims_to_have_more(void **state)
{
	(void)state;
	alice_is_restored(1, 9);
	evil_turns_until(5000);
	assert_string_equal(a.shown, "alice> 1\n");
	evil_turns_until(5200);
	assert_string_equal(a.shown, "alice> 1\nalice> next\n");
	evil_leaves();
}

/* Alice's record n + 1 is the text n. */
static void own_records_that_come_late_are_adopted_first(void **state)
{
	(void)state;
	alice_is_restored(4, 5);
	evil_turns_until(4000);
	evil_put_batch(&evil, &book, 1, 3, 4);
	evil_turns_until(8000);
	assert_string_equal(a.shown, "alice> 1\nalice> 2\nalice> 3\n");
	evil_put_batch(&evil, &book, 1, 5, 5);
	evil_turns_until(8200);
	assert_string_equal(a.shown, "alice> 1\nalice> 2\nalice> 3\n"
				     "alice> 4\nalice> next\n");
	assert_non_null(strstr(a.told, "info> others had messages of yours"));
	evil_leaves();
}

/* However many come, and however many more are promised. */
static void own_lines_wait_a_minute_at_most(void **state)
{
	(void)state;
	alice_is_restored(20, 1000);
	for (uint64_t seq = 3; seq <= 16; seq++) {
		evil_turns_until((int64_t)(seq - 2) * 4000);
		evil_put_batch(&evil, &book, 1, seq, seq);
	}
	evil_turns_until(60 * 1000);
	assert_non_null(strstr(a.shown, "alice> 15\n"));
	assert_null(strstr(a.shown, "alice> next\n"));
	evil_turns_until(60 * 1000 + 200);
	assert_non_null(strstr(a.shown, "alice> 15\nalice> next\n"));
	evil_leaves();
}

/* A backup is put back: what bob has of alice comes first (13). */
static void abuse_13_a_restored_backup_heals_itself(void **state)
{
	(void)state;
	node_make(&a, "alice");
	node_make(&b, "bob");
	node_place(&c); /* the backup */
	link_nodes(&a, &b);
	say(&a, "one\n");
	until_shown(&a, &b, &b, "alice> one\n");
	chat_close(a.chat);
	copy_database(&a, &c);
	node_reopen(&a, "alice");
	link_nodes(&a, &b);
	say(&a, "two\nthree\n");
	until_shown(&a, &b, &b, "alice> three\n");
	chat_close(a.chat);
	settle(&b, NULL);
	copy_database(&c, &a);
	node_reopen(&a, "alice");
	link_nodes(&a, &b);
	say(&a, "four\n");
	until_shown(&a, &b, &b, "alice> four\n");
	assert_string_equal(
		b.shown, "alice> one\nalice> two\nalice> three\nalice> four\n");
	assert_non_null(strstr(a.told, "info> others had messages of yours"));
	assert_null(strstr(b.told, "two histories"));
	node_remove(&a);
	node_remove(&b);
	c.chat = NULL;
	node_remove(&c);
}

/* Two copies speak without knowing each other, and meet (10, 36). */
static void abuse_10_copies_that_forked_go_on_and_nothing_is_lost(void **state)
{
	static const char *const texts[] = { "one\n", "here\n", "there\n",
		"later here\n", "later there\n" };

	(void)state;
	node_make(&a, "alice");
	node_make(&b, "bob");
	node_place(&c);
	link_nodes(&a, &b);
	say(&a, "one\n");
	until_shown(&a, &b, &b, "alice> one\n");
	chat_close(a.chat);
	copy_database(&a, &c);
	node_reopen(&a, "alice");
	node_reopen(&c, "alice");
	link_nodes(&a, &b);
	say(&a, "here\n");
	until_shown(&a, &b, &b, "alice> here\n");
	say(&c, "there\n");
	until_shown(&c, NULL, &c, "alice> there\n");
	link_nodes(&c, &b);
	for (int i = 0; i < 6000; i++) {
		node_turn(&a);
		node_turn(&b);
		node_turn(&c);
		if (i == 3000)
			say(&a, "later here\n");
		if (i == 4000)
			say(&c, "later there\n");
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (strstr(b.shown, texts[i]) == NULL)
			fail_msg("%s is not in %s", texts[i], b.shown);
	}
	assert_int_equal(count_of(b.told, "there are two histories"), 1);
	assert_int_equal(count_of(b.told, "uses two copies"), 1);
	assert_non_null(strstr(a.told, "warn> there are two different messages "
				       "of yours with one number"));
	assert_non_null(strstr(c.told, "warn> there are two different messages "
				       "of yours with one number"));
	node_remove(&a);
	node_remove(&b);
	node_remove(&c);
}

static void two_copies_in_use_are_told(void **state)
{
	(void)state;
	alice_has_said_one();
	node_place(&b);
	chat_close(a.chat);
	copy_database(&a, &b);
	node_reopen(&a, "alice");
	node_reopen(&b, "alice");
	link_nodes(&a, &b);
	settle(&a, &b);
	assert_non_null(
		strstr(a.told, "warn> a copy of this database is in use"));
	assert_non_null(
		strstr(b.told, "warn> a copy of this database is in use"));
	node_remove(&a);
	node_remove(&b);
}

/* Overwrites the first byte of a text where it is stored. */
static void rot(const struct node *n, const char *text)
{
	static uint8_t bytes[1 << 20];
	char path[400];
	ssize_t size, at = 0;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/segments/00000000.seg", n->dir);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	size = pread(fd, bytes, sizeof(bytes), 0);
	while (memcmp(bytes + at, text, strlen(text)) != 0)
		assert_true(++at + (ssize_t)strlen(text) <= size);
	assert_int_equal(pwrite(fd, "#", 1, at), 1);
	assert_int_equal(close(fd), 0);
}

/* Ten seconds for others to fill it; nobody can: a new log, with a line. */
static void abuse_19_damage_of_our_own_log_is_told_and_left_behind(void **state)
{
	(void)state;
	node_make(&a, "alice");
	say(&a, "precious-1\nprecious-2\nprecious-3\n");
	until_shown(&a, NULL, &a, "precious-3\n");
	chat_close(a.chat);
	rot(&a, "precious-2");
	node_reopen(&a, "alice");
	settle(&a, NULL);
	assert_non_null(strstr(a.shown, "precious-1\n"));
	assert_null(strstr(a.shown, "precious-2\n"));
	say(&a, "new\n");
	assert_in_range(shown_after(&a, NULL, "alice> new\n"), 9000, 10500);
	assert_non_null(strstr(
		a.told, "warn> messages of yours are missing on this disk"));
	assert_non_null(strstr(a.told, "nobody here has them: yours go on in a "
				       "new log"));
	node_remove(&a);
}

static void abuse_19_damage_of_our_own_log_is_mended_by_others(void **state)
{
	(void)state;
	alice_and_bob_are_linked();
	say(&a, "precious-1\nprecious-2\nprecious-3\n");
	until_shown(&a, &b, &b, "precious-3\n");
	chat_close(a.chat);
	settle(&b, NULL);
	rot(&a, "precious-2");
	node_reopen(&a, "alice");
	link_nodes(&a, &b);
	say(&a, "new\n");
	assert_in_range(shown_after(&a, &b, "alice> new\n"), 1, 9000);
	assert_null(strstr(a.told, "goes on in a new log"));
	until_shown(&a, &b, &b, "alice> new\n");
	node_remove(&a);
	node_remove(&b);
}

/* The identity is refused and left as it is (47). */
static void abuse_47_a_damaged_key_is_refused(void **state)
{
	struct options o;
	int status;

	(void)state;
	alice_has_said_one();
	chat_close(a.chat);
	scratch_write(&a.place, "db/identity", "chat identity 1\nmode open\n");
	o = options_of(&a, "alice");
	assert_null(chat_open(&o, &status));
	assert_int_equal(status, EX_DATAERR);
	assert_string_equal(scratch_read(&a.place, "db/identity"),
		"chat identity 1\nmode open\n");
	a.chat = NULL;
	node_remove(&a);
}

/* Somebody deletes a file of a running database, or puts a link there. */
static void abuse_48_49_files_changed_under_us_end_it_with_a_word(void **state)
{
	static const char *const ways[] = { "rm -r segments",
		"mv segments/00000000.seg . && ln -s ../00000000.seg segments",
		"mv lock elsewhere && ln -s elsewhere lock" };

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		char command[400];
		int status = 0;

		alice_has_said_one();
		(void)snprintf(command, sizeof(command), "cd '%s' && %s", a.dir,
			ways[i]);
		assert_int_equal(system(command), 0);
		for (int t = 0; t < 10000 && !chat_is_done(a.chat, &status);
			t++)
			node_turn(&a);
		assert_int_equal(status, EX_IOERR);
		chat_close(a.chat); /* which writes what is left to write */
		a.chat = NULL;
		collect(a.err, a.told, sizeof(a.told));
		assert_non_null(strstr(a.told,
			"error> the files of the database were deleted or "
			"replaced"));
		node_remove(&a);
	}
}

static void abuse_15_46_an_unusable_database_has_its_own_status(void **state)
{
	struct options o;
	int status;

	(void)state;
	node_make(&a, "alice");
	o = options_of(&a, "alice");
	assert_null(chat_open(&o, &status)); /* in use */
	assert_int_equal(status, EX_TEMPFAIL);
	collect(a.err, a.told, sizeof(a.told));
	assert_non_null(strstr(a.told, "error> process "));
	node_place(&b);
	o = options_of(&b, "bob");
	assert_int_equal(mkdir(b.dir, 0700), 0);
	assert_int_equal(chmod(b.dir, 0755), 0);
	assert_null(chat_open(&o, &status));
	assert_int_equal(status, EX_NOPERM);
	assert_int_equal(rmdir(b.dir), 0);
	assert_int_equal(symlink(a.dir, b.dir), 0);
	assert_null(chat_open(&o, &status));
	assert_int_equal(status, EX_CANTCREAT);
	assert_int_equal(unlink(b.dir), 0);
	assert_int_equal(mkfifo(b.dir, 0700), 0);
	assert_null(chat_open(&o, &status));
	assert_int_equal(status, EX_CANTCREAT);
	b.chat = NULL;
	node_remove(&a);
	node_remove(&b);
}

static void a_new_database_hides_from_version_control(void **state)
{
	struct stat status;

	(void)state;
	node_make(&a, "alice");
	settle(&a, NULL);
	assert_int_equal(fstatat(a.place.fd, "db", &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	assert_string_equal(scratch_read(&a.place, "db/.gitignore"), "*\n");
	assert_non_null(strstr(a.told, "info> a new database: /"));
	node_remove(&a);
}

static void a_reader_of_stdout_that_is_gone_ends_the_program(void **state)
{
	int status;

	(void)state;
	node_make(&a, "alice");
	assert_int_equal(close(a.out), 0);
	say(&a, "x\n");
	for (int i = 0; i < 5000 && !chat_is_done(a.chat, &status); i++)
		node_turn(&a);
	assert_true(chat_is_done(a.chat, &status));
	assert_int_equal(status, EX_IOERR);
	a.out = dup(STDIN_FILENO);
	node_remove(&a);
}

/* Other processes of the same person. */

static void node_answers(struct node *n, const char *name)
{
	struct options o = options_of(n, name);

	o.answers = true;
	node_open(n, &o);
}

/* A process that runs chat --send, or --doctor with no text. */
static pid_t other(struct node *n, struct options *o, const char *text)
{
	pid_t pid = fork();
	int fd;

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	fd = openat(n->place.fd, "told", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	(void)dup2(fd, STDOUT_FILENO);
	(void)dup2(fd, STDERR_FILENO);
	for (fd = 3; fd < 256; fd++)
		(void)close(fd); /* the lock is one of them */
	o->err_fd = STDERR_FILENO;
	o->send = text;
	if (text == NULL)
		fd = ctl_print_status(o) ? 0 : 1;
	else
		fd = ctl_send(o);
	(void)fflush(stdout);
	_exit(fd);
}

/* Turns until it has ended with this status; then what it told. */
static const char *other_ends(pid_t pid, struct node *b_too, int expected)
{
	int status = -1;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (a.chat != NULL)
			node_turn(&a);
		if (b_too != NULL)
			node_turn(b_too);
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), expected);
	return scratch_read(&a.place, "told");
}

static struct options of_other(struct node *n)
{
	struct options o = options_of(n, "alice");

	o.verbosity = VERBOSITY_QUIET;
	o.timeout_s = 3600;
	return o;
}

static void what_another_process_sends_is_said_and_shown(void **state)
{
	struct options o;

	(void)state;
	node_place(&a);
	node_answers(&a, "alice");
	o = of_other(&a);
	o.acks = 0;
	assert_string_equal(other_ends(other(&a, &o, "hi"), NULL, 0), "");
	o.verbosity = VERBOSITY_NORMAL;
	assert_non_null(
		strstr(other_ends(other(&a, &o, "ho"), NULL, 0), "chats on "));
	until_shown(&a, NULL, &a, "alice> hi\nalice> ho\n");
	node_remove(&a);
}

static void another_process_hears_of_receipts(void **state)
{
	struct options o;

	(void)state;
	node_place(&a);
	node_answers(&a, "alice");
	node_make(&b, "bob");
	link_nodes(&a, &b);
	o = of_other(&a);
	o.json = true;
	assert_non_null(strstr(other_ends(other(&a, &o, "hi"), &b, 0),
		"{\"type\":\"delivered\",\"seq\":2,\"by\":\"@"));
	until_shown(&a, &b, &b, "alice> hi\n");
	node_remove(&a);
	node_remove(&b);
}

static void another_process_waits_until_something_may_be_said(void **state)
{
	struct options o;
	int64_t began_ms;

	(void)state;
	alice_has_said_one();
	chat_close(a.chat);
	node_answers(&a, "alice");
	o = of_other(&a);
	o.acks = 0;
	o.timeout_s = 0; /* it is not counted meanwhile */
	began_ms = clock_at_ms;
	(void)other_ends(other(&a, &o, "two"), NULL, 0);
	assert_true(clock_at_ms - began_ms >= 1500);
	until_shown(&a, NULL, &a, "alice> two\n");
	node_remove(&a);
}

static void another_process_learns_that_nobody_has_it(void **state)
{
	struct options o;

	(void)state;
	node_place(&a);
	node_answers(&a, "alice");
	o = of_other(&a);
	o.timeout_s = 2;
	assert_string_equal(other_ends(other(&a, &o, "hi"), NULL, 1),
		"error> not delivered in 2 s: 0 of 1 have it on disk; it is "
		"kept, and sent when they are here\n");
	node_remove(&a);
}

static void another_process_learns_that_the_chat_has_ended(void **state)
{
	struct options o;
	pid_t pid;

	(void)state;
	node_place(&a);
	node_answers(&a, "alice");
	o = of_other(&a);
	pid = other(&a, &o, "hi");
	until_shown(&a, NULL, &a, "alice> hi\n");
	chat_close(a.chat);
	a.chat = NULL;
	assert_string_equal(other_ends(pid, NULL, 1),
		"error> the chat that said it has ended: it is kept, and sent "
		"when it runs again\n");
	/* What was not said is left to whoever comes next. */
	node_answers(&a, "alice");
	pid = other(&a, &o, "ho");
	assert_int_equal(kill(pid, 0), 0);
	for (int i = 0; i < 1000; i++)
		node_turn(&a);
	chat_close(a.chat);
	a.chat = NULL;
	assert_string_equal(other_ends(pid, NULL, CTL_NOBODY & 0xff), "");
	node_remove(&a);
}

static void another_process_has_to_be_the_same_person_in_the_same_room(
	void **state)
{
	struct options o;

	(void)state;
	node_place(&a);
	node_answers(&a, "alice");
	o = of_other(&a);
	o.name = "eve";
	assert_non_null(strstr(other_ends(other(&a, &o, "x"), NULL, EX_CONFIG),
		"error> the chat that runs on this database is alice's"));
	o = of_other(&a);
	o.room = "kitchen";
	assert_non_null(strstr(other_ends(other(&a, &o, "x"), NULL, EX_CONFIG),
		"is in everybody's room: use it without -r, or"));
	settle(&a, NULL);
	assert_string_equal(a.shown, "");
	node_remove(&a);
}

static void another_process_can_ask_how_we_are(void **state)
{
	struct options o;
	const char *told;

	(void)state;
	node_place(&a);
	node_answers(&a, "alice");
	node_make(&b, "bob");
	link_nodes(&a, &b);
	say(&a, "one\ntwo\n");
	until_shown(&a, &b, &b, "alice> two\n");
	o = of_other(&a);
	told = other_ends(other(&a, &o, NULL), &b, 0);
	assert_int_equal(strncmp(told, "alice chats here: process ", 26), 0);
	assert_non_null(strstr(told, "\nlinks: 1\n  bob ("));
	assert_non_null(strstr(told, "/1 \302\267 "));
	assert_non_null(strstr(told, "\non disk: records 3, logs 1, bytes "));
	assert_non_null(strstr(told, "\nsent: records 3, bytes "));
	chat_close(a.chat);
	a.chat = NULL;
	(void)other_ends(other(&a, &o, NULL), NULL, 1);
	node_remove(&a);
	node_remove(&b);
}

/* Time goes by for both. */
static void pass(int64_t ms)
{
	for (int64_t end_ms = clock_at_ms + ms; clock_at_ms < end_ms;) {
		clock_at_ms += 40;
		node_turn(&a);
		node_turn(&b);
	}
}

/* The digits told last; "" when none were. */
static const char *digits_of(const struct node *n)
{
	const char *line = n->told, *last = "";

	while ((line = strstr(line, "info> in sync 1/1 \302\267 ")) != NULL) {
		line = strchr(line, '\302') + 3;
		last = line;
	}
	return last;
}

/* Two people can compare six digits: when all is quiet, not with each word. */
static void in_sync_is_told_with_six_digits(void **state)
{
	char first[7];

	(void)state;
	alice_and_bob_are_linked();
	say(&a, "one\n");
	until_shown(&a, &b, &b, "alice> one\n");
	assert_string_equal(digits_of(&a), "");
	pass(8 * 1000);
	assert_int_equal(count_of(a.told, "info> in sync"), 1);
	assert_int_equal(count_of(b.told, "info> in sync"), 1);
	(void)snprintf(first, sizeof(first), "%s", digits_of(&a));
	assert_int_equal(strspn(first, "0123456789abcdef"), 6);
	assert_int_equal(strncmp(digits_of(&b), first, 6), 0);
	say(&b, "two\n");
	until_shown(&a, &b, &a, "bob> two\n");
	pass(20 * 1000);
	assert_int_equal(count_of(a.told, "info> in sync"), 1);
	pass(60 * 1000);
	assert_int_equal(count_of(a.told, "info> in sync"), 2);
	assert_int_equal(count_of(b.told, "info> in sync"), 2);
	assert_int_not_equal(strncmp(digits_of(&a), first, 6), 0);
	assert_int_equal(strncmp(digits_of(&a), digits_of(&b), 6), 0);
	node_remove(&a);
	node_remove(&b);
}

static void another_name_for_a_database_is_told(void **state)
{
	(void)state;
	alice_has_said_one();
	chat_close(a.chat);
	node_reopen(&a, "alice");
	settle(&a, NULL);
	assert_null(strstr(a.told, "warn>"));
	chat_close(a.chat);
	node_reopen(&a, "eve");
	settle(&a, NULL);
	assert_non_null(strstr(a.told,
		"/db is alice's: you go on as the same person under the name "
		"eve;"));
	node_remove(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hello_is_shown_on_both_sides),
		cmocka_unit_test(what_was_missed_is_caught_up_with),
		cmocka_unit_test(history_comes_first_and_names_are_remembered),
		cmocka_unit_test(n_limits_the_history),
		cmocka_unit_test(a_third_hears_through_the_second),
		cmocka_unit_test(ten_thousand_lines_arrive_once_and_in_order),
		cmocka_unit_test(json_lines_say_who_what_and_when),
		cmocka_unit_test(
			a_line_that_is_too_long_is_refused_and_the_rest_goes_on),
		cmocka_unit_test(control_bytes_of_others_are_shown_harmless),
		cmocka_unit_test(abuse_17_an_author_over_his_quota_is_told_of),
		cmocka_unit_test(
			abuse_21_all_texts_are_shown_and_unknown_types_are_not),
		cmocka_unit_test(
			abuse_37_an_original_with_gaps_is_not_believed),
		cmocka_unit_test(own_lines_wait_until_others_could_answer),
		cmocka_unit_test(own_lines_wait_for_who_claims_to_have_more),
		cmocka_unit_test(own_records_that_come_late_are_adopted_first),
		cmocka_unit_test(own_lines_wait_a_minute_at_most),
		cmocka_unit_test(abuse_13_a_restored_backup_heals_itself),
		cmocka_unit_test(
			abuse_10_copies_that_forked_go_on_and_nothing_is_lost),
		cmocka_unit_test(two_copies_in_use_are_told),
		cmocka_unit_test(
			abuse_19_damage_of_our_own_log_is_told_and_left_behind),
		cmocka_unit_test(
			abuse_19_damage_of_our_own_log_is_mended_by_others),
		cmocka_unit_test(abuse_47_a_damaged_key_is_refused),
		cmocka_unit_test(
			abuse_48_49_files_changed_under_us_end_it_with_a_word),
		cmocka_unit_test(
			abuse_15_46_an_unusable_database_has_its_own_status),
		cmocka_unit_test(a_new_database_hides_from_version_control),
		cmocka_unit_test(
			a_reader_of_stdout_that_is_gone_ends_the_program),
		cmocka_unit_test(what_another_process_sends_is_said_and_shown),
		cmocka_unit_test(another_process_hears_of_receipts),
		cmocka_unit_test(
			another_process_waits_until_something_may_be_said),
		cmocka_unit_test(another_process_learns_that_nobody_has_it),
		cmocka_unit_test(
			another_process_learns_that_the_chat_has_ended),
		cmocka_unit_test(
			another_process_has_to_be_the_same_person_in_the_same_room),
		cmocka_unit_test(another_process_can_ask_how_we_are),
		cmocka_unit_test(in_sync_is_told_with_six_digits),
		cmocka_unit_test(another_name_for_a_database_is_told),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
