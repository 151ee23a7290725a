/* SPDX-License-Identifier: ISC */
/* Tests of term.c: lines, the editor on a pseudo-terminal, notices. */
#include "platform.h"

#include "scratch.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "term.h"

/* A term whose descriptors are pipes; `in`, `out`, `err` are our ends. */
struct pipes {
	struct term *term;
	int in;
	int out;
	int err;
	int theirs[3];
};

static void make_pipe(int *read_end, int *write_end)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	*read_end = ends[0];
	*write_end = ends[1];
}

static void pipes_make(struct pipes *p)
{
	struct term_options options = { .prompt = "alice> " };

	make_pipe(&p->theirs[0], &p->in);
	make_pipe(&p->out, &p->theirs[1]);
	make_pipe(&p->err, &p->theirs[2]);
	options.in_fd = p->theirs[0];
	options.out_fd = p->theirs[1];
	options.err_fd = p->theirs[2];
	p->term = term_open(&options);
	assert_non_null(p->term);
}

static void pipes_remove(struct pipes *p)
{
	term_close(p->term);
	for (int i = 0; i < 3; i++)
		assert_int_equal(close(p->theirs[i]), 0);
	if (p->in >= 0)
		assert_int_equal(close(p->in), 0);
	if (p->out >= 0)
		assert_int_equal(close(p->out), 0);
	assert_int_equal(close(p->err), 0);
}

/* One turn of a loop that does not wait. */
static void turn(struct term *t)
{
	struct loop loop;

	loop_begin(&loop, 0);
	term_want(t, &loop);
	loop_wake(&loop, 0);
	loop_wait(&loop);
	term_run(t, &loop);
}

static void feed(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* What can be read from `fd` now, as text. */
static const char *drain(int fd)
{
	static char text[1 << 16];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t size = 0;

	while (poll(&p, 1, 0) > 0 && (p.revents & POLLIN) != 0) {
		ssize_t n = read(fd, text + size, sizeof(text) - 1 - size);

		if (n <= 0)
			break;
		size += (size_t)n;
	}
	text[size] = '\0';
	return text;
}

static void expect_line(struct term *t, const char *text)
{
	struct term_event e;

	assert_true(term_next(t, &e));
	assert_int_equal(e.kind, TERM_LINE);
	assert_int_equal(e.size, strlen(text));
	assert_memory_equal(e.bytes, text, e.size);
}

static void expect_kind(struct term *t, enum term_event_kind kind)
{
	struct term_event e;

	assert_true(term_next(t, &e));
	assert_int_equal(e.kind, kind);
}

static void expect_nothing(struct term *t)
{
	struct term_event e;

	assert_false(term_next(t, &e));
}

static void each_piped_line_is_told_once(void **state)
{
	struct pipes p;

	(void)state;
	pipes_make(&p);
	assert_false(term_is_typed(p.term));
	assert_false(term_is_interactive(p.term));
	feed(p.in, "one\n\ntwo\r\nthr");
	turn(p.term);
	expect_line(p.term, "one");
	expect_line(p.term, "");
	expect_line(p.term, "two");
	expect_nothing(p.term);
	feed(p.in, "ee");
	assert_int_equal(close(p.in), 0);
	p.in = -1;
	turn(p.term);
	expect_nothing(p.term);
	turn(p.term);
	expect_line(p.term, "three");
	expect_kind(p.term, TERM_END);
	expect_nothing(p.term);
	assert_string_equal(drain(p.out), "");
	pipes_remove(&p);
}

static void a_line_of_4096_bytes_passes_and_a_longer_one_does_not(void **state)
{
	static char text[3 * TERM_LINE_MAX];
	struct pipes p;

	(void)state;
	pipes_make(&p);
	memset(text, 'x', sizeof(text));
	text[TERM_LINE_MAX] = '\0';
	feed(p.in, text);
	feed(p.in, "\n");
	turn(p.term);
	expect_line(p.term, text);
	feed(p.in, text);
	feed(p.in, "\r\n");
	turn(p.term);
	expect_line(p.term, text);
	feed(p.in, text);
	feed(p.in, "y\nshort\n");
	turn(p.term);
	expect_kind(p.term, TERM_TOO_LONG);
	expect_line(p.term, "short");
	text[TERM_LINE_MAX] = 'x';
	text[sizeof(text) - 1] = '\0';
	feed(p.in, text);
	turn(p.term);
	expect_nothing(p.term);
	feed(p.in, "\nagain\n");
	turn(p.term);
	expect_kind(p.term, TERM_TOO_LONG);
	expect_line(p.term, "again");
	pipes_remove(&p);
}

static void a_message_is_a_line_and_a_notice_goes_elsewhere(void **state)
{
	struct pipes p;

	(void)state;
	pipes_make(&p);
	assert_true(term_room(p.term));
	term_message(p.term, "bob> hi\n", 8);
	term_notice(p.term, "info", "%s is %d\n", "x\a", 5);
	assert_false(term_idle(p.term));
	turn(p.term);
	assert_true(term_idle(p.term));
	assert_string_equal(drain(p.out), "bob> hi\n");
	assert_string_equal(drain(p.err), "info> x\\x07 is 5\\n\n");
	pipes_remove(&p);
}

static void last_words_are_written_at_the_end(void **state)
{
	struct pipes p;

	(void)state;
	pipes_make(&p);
	term_message(p.term, "bye\n", 4);
	term_notice(p.term, "error", "it is over");
	term_close(p.term);
	p.term = NULL;
	assert_string_equal(drain(p.out), "bye\n");
	assert_string_equal(drain(p.err), "error> it is over\n");
	pipes_remove(&p);
}

static void a_stuck_reader_costs_no_more_than_the_buffer(void **state)
{
	static char big[4096];
	struct pipes p;
	int messages = 0;

	(void)state;
	pipes_make(&p);
	memset(big, 'b', sizeof(big) - 1);
	for (; term_room(p.term) && messages < 1000; messages++) {
		term_message(p.term, big, sizeof(big));
		turn(p.term);
	}
	assert_true(messages > 8 && messages < 100);
	for (int i = 0; i < 5000; i++)
		term_notice(p.term, "info", "%s", big);
	while (!term_room(p.term)) {
		(void)drain(p.out);
		(void)drain(p.err);
		turn(p.term);
	}
	for (int i = 0; i < 500; i++) {
		(void)drain(p.err);
		turn(p.term);
	}
	term_notice(p.term, "info", "after");
	turn(p.term);
	assert_non_null(strstr(drain(p.err), "notices found no room here\n"
					     "info> after\n"));
	pipes_remove(&p);
}

static void a_reader_that_went_away_is_told_once(void **state)
{
	struct pipes p;

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	pipes_make(&p);
	assert_int_equal(close(p.out), 0);
	p.out = -1;
	term_message(p.term, "x\n", 2);
	turn(p.term);
	expect_kind(p.term, TERM_GONE);
	expect_nothing(p.term);
	term_message(p.term, "y\n", 2);
	assert_true(term_idle(p.term));
	pipes_remove(&p);
}

/* The editor, seen from the other end of a pseudo-terminal. */

static struct term *editor_make(int *keyboard, int *terminal)
{
	struct term_options options = { .prompt = "alice> " };
	struct winsize size = { .ws_row = 24, .ws_col = 20 };
	struct term *t;

	*keyboard = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(*keyboard >= 0);
	assert_int_equal(grantpt(*keyboard), 0);
	assert_int_equal(unlockpt(*keyboard), 0);
	*terminal = open(ptsname(*keyboard), O_RDWR | O_NOCTTY);
	assert_true(*terminal >= 0);
	assert_int_equal(ioctl(*terminal, TIOCSWINSZ, &size), 0);
	options.in_fd = options.out_fd = options.err_fd = *terminal;
	t = term_open(&options);
	assert_non_null(t);
	assert_true(term_is_interactive(t));
	turn(t);
	return t;
}

/*
 * The screen's last line after all that was written: what a terminal of one
 * line would show.  Lines that scrolled away are counted.
 */
static const char *screen(int keyboard, int *scrolled)
{
	static char line[4096];
	const char *text = drain(keyboard);
	static size_t column;

	for (; *text != '\0'; text++) {
		if (*text == '\n') {
			column = 0;
			(*scrolled)++;
		} else if (*text == '\r') {
			column = 0;
		} else if (strncmp(text, "\033[K", 3) == 0) {
			line[column] = '\0';
			text += 2;
		} else {
			line[column++] = *text;
			line[column] = '\0';
		}
	}
	return line;
}

/* Types, lets the term work, and compares what the screen shows. */
static void type(
	struct term *t, int keyboard, const char *keys, const char *shown)
{
	int scrolled = 0;

	feed(keyboard, keys);
	turn(t);
	expect_nothing(t);
	turn(t);
	assert_string_equal(screen(keyboard, &scrolled), shown);
	assert_int_equal(scrolled, 0);
}

static void the_editor_edits(void **state)
{
	int keyboard, terminal;
	struct term *t = editor_make(&keyboard, &terminal);

	(void)state;
	type(t, keyboard, "", "alice> ");
	type(t, keyboard, "hi", "alice> hi");
	type(t, keyboard, "\177o", "alice> ho");
	type(t, keyboard, "\177\177\177", "alice> ");
	type(t, keyboard, "a \xc3\xbc\xe2\x82\xac",
		"alice> a \xc3\xbc\xe2\x82\xac");
	type(t, keyboard, "\b", "alice> a \xc3\xbc");
	type(t, keyboard, "\027", "alice> a ");
	type(t, keyboard, "\025", "alice> ");
	type(t, keyboard, "x\033[A\033OB\033[1;5Cy\033z", "alice> xy");
	type(t, keyboard, "\001", "alice> xy");
	type(t, keyboard, "\t", "alice> xy ");
	type(t, keyboard, "\033\033[D", "alice> xy ");
	feed(keyboard, "\033\r");
	turn(t);
	expect_line(t, "xy ");
	term_close(t);
	assert_int_equal(close(keyboard) | close(terminal), 0);
}

static void only_the_end_of_a_long_line_is_drawn(void **state)
{
	int keyboard, terminal;
	struct term *t = editor_make(&keyboard, &terminal);

	(void)state; /* 20 columns: 7 of the prompt, 1 is left free */
	type(t, keyboard, "abcdefghijklmnop", "alice> efghijklmnop");
	type(t, keyboard, "\xe6\x97\xa5\xe6\x9c\xac",
		"alice> ijklmnop\xe6\x97\xa5\xe6\x9c\xac");
	term_close(t);
	assert_int_equal(close(keyboard) | close(terminal), 0);
}

static void a_message_does_not_tear_the_line_being_typed(void **state)
{
	int keyboard, terminal, scrolled = 0;
	struct term *t = editor_make(&keyboard, &terminal);
	const char *written;

	(void)state;
	type(t, keyboard, "hel", "alice> hel");
	term_message(t, "bob> hi\n", 8);
	term_notice(t, "info", "carl is here");
	turn(t);
	written = drain(keyboard);
	assert_string_equal(written, "\r\033[Kbob> hi\r\n"
				     "info> carl is here\r\nalice> hel");
	feed(keyboard, "lo\r");
	turn(t);
	expect_line(t, "hello");
	expect_nothing(t);
	turn(t);
	(void)screen(keyboard, &scrolled);
	assert_int_equal(scrolled, 1);
	type(t, keyboard, "", "alice> ");
	term_close(t);
	assert_int_equal(close(keyboard) | close(terminal), 0);
}

static void an_empty_line_is_not_told_and_ctrl_d_on_it_leaves(void **state)
{
	int keyboard, terminal;
	struct term *t = editor_make(&keyboard, &terminal);

	(void)state;
	type(t, keyboard, "\r", "alice> ");
	type(t, keyboard, "x\004", "alice> x");
	feed(keyboard, "\177\004");
	turn(t);
	expect_kind(t, TERM_LEAVE);
	term_close(t);
	assert_int_equal(close(keyboard) | close(terminal), 0);
}

/* 99 letters at a time, up to `size` bytes. */
static void type_letters(struct term *t, int keyboard, size_t size)
{
	static const char text[100] =
		"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
		"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz";

	while (size > 0) {
		size_t some = size < 99 ? size : 99;

		feed(keyboard, text + 99 - some);
		turn(t);
		expect_nothing(t);
		turn(t);
		(void)drain(keyboard);
		size -= some;
	}
}

static void a_typed_line_of_more_than_4096_bytes_is_refused(void **state)
{
	int keyboard, terminal;
	struct term *t = editor_make(&keyboard, &terminal);
	struct term_event e;

	(void)state;
	type_letters(t, keyboard, TERM_LINE_MAX);
	feed(keyboard, "\r");
	turn(t);
	assert_true(term_next(t, &e));
	assert_int_equal(e.kind, TERM_LINE);
	assert_int_equal(e.size, TERM_LINE_MAX);
	type_letters(t, keyboard, TERM_LINE_MAX + 1);
	feed(keyboard, "\rok\r");
	turn(t);
	expect_kind(t, TERM_TOO_LONG);
	expect_line(t, "ok");
	term_close(t);
	assert_int_equal(close(keyboard) | close(terminal), 0);
}

static void a_thousand_messages_cost_one_drawing(void **state)
{
	int keyboard, terminal, drawings = 0;
	struct term *t = editor_make(&keyboard, &terminal);
	const char *at;

	(void)state;
	type(t, keyboard, "hel", "alice> hel");
	for (int i = 0; i < 1000; i++)
		term_message(t, "b> x\n", 5);
	turn(t);
	for (at = drain(keyboard); (at = strstr(at, "alice> ")) != NULL; at++)
		drawings++;
	assert_int_equal(drawings, 1);
	term_close(t);
	assert_int_equal(close(keyboard) | close(terminal), 0);
}

static void a_screen_narrower_than_the_prompt_shows_the_line(void **state)
{
	struct winsize size = { .ws_row = 24, .ws_col = 6 };
	int keyboard, terminal, scrolled = 0;
	struct term *t = editor_make(&keyboard, &terminal);

	(void)state;
	assert_int_equal(ioctl(terminal, TIOCSWINSZ, &size), 0);
	(void)screen(keyboard, &scrolled);
	type(t, keyboard, "abcdefgh", "defgh");
	term_close(t);
	assert_int_equal(close(keyboard) | close(terminal), 0);
}

static void the_terminal_gets_back_the_mode_that_it_had(void **state)
{
	int keyboard, terminal;
	struct termios before, during, after;
	struct term *t;

	(void)state;
	t = editor_make(&keyboard, &terminal);
	assert_int_equal(tcgetattr(terminal, &during), 0);
	assert_int_equal(during.c_lflag & (ICANON | ECHO), 0);
	assert_int_not_equal(during.c_lflag & ISIG, 0);
	term_suspend(t);
	assert_int_equal(tcgetattr(terminal, &before), 0);
	assert_int_equal(before.c_lflag & (ICANON | ECHO), ICANON | ECHO);
	term_resume(t);
	assert_int_equal(tcgetattr(terminal, &during), 0);
	assert_int_equal(during.c_lflag & (ICANON | ECHO), 0);
	term_close(t);
	assert_int_equal(tcgetattr(terminal, &after), 0);
	assert_int_equal(after.c_lflag, before.c_lflag);
	assert_int_equal(close(keyboard) | close(terminal), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_piped_line_is_told_once),
		cmocka_unit_test(
			a_line_of_4096_bytes_passes_and_a_longer_one_does_not),
		cmocka_unit_test(
			a_message_is_a_line_and_a_notice_goes_elsewhere),
		cmocka_unit_test(last_words_are_written_at_the_end),
		cmocka_unit_test(a_stuck_reader_costs_no_more_than_the_buffer),
		cmocka_unit_test(a_reader_that_went_away_is_told_once),
		cmocka_unit_test(the_editor_edits),
		cmocka_unit_test(only_the_end_of_a_long_line_is_drawn),
		cmocka_unit_test(a_message_does_not_tear_the_line_being_typed),
		cmocka_unit_test(
			an_empty_line_is_not_told_and_ctrl_d_on_it_leaves),
		cmocka_unit_test(
			a_typed_line_of_more_than_4096_bytes_is_refused),
		cmocka_unit_test(a_thousand_messages_cost_one_drawing),
		cmocka_unit_test(
			a_screen_narrower_than_the_prompt_shows_the_line),
		cmocka_unit_test(the_terminal_gets_back_the_mode_that_it_had),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
