/* SPDX-License-Identifier: ISC */
/*
 * Tests of ctl.c, the chat's side: real sockets in a directory of their own, a
 * clock that is a variable, and clients that are honest or not.
 */
#include "scratch.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "bytes.h"
#include "ctl.h"

enum { CALLERS_MAX = 100 };

/* A status request of alice, and one to send "hi" with JSON. */
#define STATUS "chat ctl\1\0\x11\2\0\0\0\0\1\0\0\0\x0a\5alice\0"
#define SEND   "chat ctl\1\0\x13\1\1\0\0\0\2\0\0\0\5\5alice\0hi"
#define TAKEN  "\1\0\0"

struct place {
	struct scratch scratch;
	struct ctl *ctl;
	int64_t now_ms;
	int callers[CALLERS_MAX];
	int caller_count;
};

static int place_setup(void **state)
{
	static struct place p;

	memset(&p, 0, sizeof(p));
	scratch_make(&p.scratch);
	p.ctl = ctl_open(p.scratch.fd);
	assert_non_null(p.ctl);
	(void)signal(SIGPIPE, SIG_IGN);
	*state = &p;
	return 0;
}

static int place_teardown(void **state)
{
	struct place *p = *state;

	ctl_close(p->ctl);
	for (int i = 0; i < p->caller_count; i++)
		(void)close(p->callers[i]);
	scratch_remove(&p->scratch);
	return 0;
}

static void turn(struct place *p)
{
	struct loop loop;

	loop_begin(&loop, p->now_ms);
	ctl_want(p->ctl, &loop);
	assert_true(poll(loop.fds, (nfds_t)loop.count, 0) >= 0);
	ctl_run(p->ctl, &loop, p->now_ms);
}

static int caller(struct place *p)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%.80s/ctl",
		p->scratch.path);
	assert_true(fd >= 0 && p->caller_count < CALLERS_MAX);
	assert_int_equal(
		connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	p->callers[p->caller_count++] = fd;
	return fd;
}

static int asks(struct place *p, const char *bytes, size_t size)
{
	int fd = caller(p);

	assert_int_equal(write(fd, bytes, size), size);
	return fd;
}

#define ASKS(p, literal) asks(p, literal, sizeof(literal) - 1)

/* What has come since the last time is this. */
static void gets(int fd, const char *bytes, size_t size)
{
	char got[1024];
	ssize_t n = read(fd, got, sizeof(got));

	assert_int_equal(n, size);
	assert_memory_equal(got, bytes, size);
}

#define GETS(fd, literal) gets(fd, literal, sizeof(literal) - 1)

static bool is_cut(int fd)
{
	char byte;
	ssize_t n = read(fd, &byte, 1);

	return n == 0 || (n < 0 && errno != EAGAIN);
}

static struct stat status_of(struct place *p)
{
	struct stat status;

	assert_int_equal(
		fstatat(p->scratch.fd, "ctl", &status, AT_SYMLINK_NOFOLLOW), 0);
	return status;
}

static void the_socket_is_for_us_alone_and_goes_with_the_chat(void **state)
{
	struct place *p = *state;
	mode_t before = umask(0);
	struct stat status;

	ctl_close(p->ctl);
	assert_int_equal(fstatat(p->scratch.fd, "ctl", &status, 0), -1);
	p->ctl = ctl_open(p->scratch.fd);
	assert_int_equal(status_of(p).st_mode, S_IFSOCK | 0600);
	assert_int_equal(umask(before), 0);
}

static void a_directory_may_have_any_length(void **state)
{
	struct place *p = *state;
	char here[1024], now[1024], name[101];
	struct ctl *ctl;
	int fd = dup(p->scratch.fd);

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (int i = 0; i < 5; i++) {
		int inner;

		assert_int_equal(mkdirat(fd, name, 0700), 0);
		inner = openat(fd, name, O_RDONLY | O_DIRECTORY);
		assert_true(inner >= 0);
		assert_int_equal(close(fd), 0);
		fd = inner;
	}
	assert_non_null(getcwd(here, sizeof(here)));
	ctl = ctl_open(fd);
	assert_non_null(ctl);
	assert_non_null(getcwd(now, sizeof(now)));
	assert_string_equal(here, now);
	ctl_close(ctl);
	assert_int_equal(close(fd), 0);
}

static void a_socket_that_was_left_behind_is_replaced(void **state)
{
	struct place *p = *state;
	int fd;

	/* What close does not find, it does not remove. */
	assert_int_equal(renameat(p->scratch.fd, "ctl", p->scratch.fd, "x"), 0);
	ctl_close(p->ctl);
	assert_int_equal(renameat(p->scratch.fd, "x", p->scratch.fd, "ctl"), 0);
	p->ctl = ctl_open(p->scratch.fd);
	assert_non_null(p->ctl);
	fd = ASKS(p, STATUS);
	turn(p);
	GETS(fd, TAKEN);
}

static void what_is_no_socket_of_ours_stays(void **state)
{
	struct place *p = *state;
	struct scratch *s = &p->scratch;

	assert_int_equal(linkat(s->fd, "ctl", s->fd, "second", 0), 0);
	assert_null(ctl_open(s->fd)); /* it has another name */
	assert_int_equal(errno, EEXIST);
	assert_int_equal(unlinkat(s->fd, "ctl", 0), 0);
	assert_int_equal(symlinkat("second", s->fd, "ctl"), 0);
	assert_null(ctl_open(s->fd));
	assert_int_equal(errno, EEXIST);
	assert_true(S_ISLNK(status_of(p).st_mode));
	assert_int_equal(unlinkat(s->fd, "ctl", 0), 0);
	scratch_write(s, "ctl", "my notes");
	assert_null(ctl_open(s->fd));
	assert_int_equal(errno, EEXIST);
	ctl_close(p->ctl);
	p->ctl = NULL;
	assert_string_equal(scratch_read(s, "ctl"), "my notes");
}

static void a_request_is_told_once_and_answered_in_order(void **state)
{
	struct place *p = *state;
	int fd = ASKS(p, SEND);
	struct ctl_request r;

	assert_false(ctl_next(p->ctl, &r));
	turn(p);
	GETS(fd, TAKEN);
	assert_true(ctl_next(p->ctl, &r));
	assert_int_equal(r.kind, CTL_SEND);
	assert_true(r.json);
	assert_int_equal(r.acks, 2);
	assert_int_equal(r.timeout_s, 5);
	assert_string_equal(r.name, "alice");
	assert_string_equal(r.room, "");
	assert_int_equal(r.size, 2);
	assert_memory_equal(r.text, "hi", 2);
	assert_false(ctl_next(p->ctl, &r));
	ctl_said(p->ctl, r.client);
	ctl_lines(p->ctl, r.client, "{}\n", 3);
	assert_true(ctl_waits(p->ctl, r.client));
	ctl_done(p->ctl, r.client, 1, "why", p->now_ms);
	GETS(fd, "\2\0\0\3\0\3{}\n\4\0\4\1why");
	assert_true(is_cut(fd));
}

static void a_request_may_come_a_byte_at_a_time(void **state)
{
	struct place *p = *state;
	int fd = caller(p);
	struct ctl_request r;

	for (size_t i = 0; i < sizeof(STATUS) - 1; i++) {
		assert_false(ctl_next(p->ctl, &r));
		assert_int_equal(write(fd, &STATUS[i], 1), 1);
		turn(p);
	}
	assert_true(ctl_next(p->ctl, &r));
	assert_int_equal(r.kind, CTL_STATUS);
	ctl_done(p->ctl, r.client, 0, "", p->now_ms);
	GETS(fd, TAKEN "\4\0\1\0");
}

static void what_is_no_request_is_cut_off(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} bad[] = {
#define BAD(literal) { literal, sizeof(literal) - 1 }
		BAD("GET / HTTP/1.0\r\n\r\n"), BAD("x"),
		BAD("chat ctl\2"),         /* of another version */
		BAD("chat ctl\1\xff\xff"), /* too large, by what it says */
		BAD("chat ctl\1\0\x11\3\0\0\0\0\1\0\0\0\x0a\5alice\0"),
		BAD("chat ctl\1\0\x11\0\0\0\0\0\1\0\0\0\x0a\5alice\0"),
		BAD("chat ctl\1\0\x11\2\2\0\0\0\1\0\0\0\x0a\5alice\0"),
		BAD("chat ctl\1\0\x11\2\0\0\0\0\x41\0\0\0\x0a\5alice\0"),
		BAD("chat ctl\1\0\x11\2\0\0\0\0\1\0\1\x51\x81\5alice\0"),
		BAD("chat ctl\1\0\x11\2\0\0\0\0\1\0\0\0\x0a\x21"
		    "alice\0"),
		BAD("chat ctl\1\0\x11\2\0\0\0\0\1\0\0\0\x0a\5alice\1"),
		BAD("chat ctl\1\0\x11\1\0\0\0\0\1\0\0\0\x0a\5alice\0"),
		BAD("chat ctl\1\0\x12\2\0\0\0\0\1\0\0\0\x0a\5alice\0x"),
		BAD("chat ctl\1\0\0"), BAD(STATUS "x")
	};
	struct place *p = *state;
	struct ctl_request r;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		int fd = asks(p, bad[i].bytes, bad[i].size);

		turn(p);
		turn(p);
		if (!is_cut(fd) || ctl_next(p->ctl, &r))
			fail_msg("request %zu was good", i);
	}
}

static void a_text_has_at_most_4096_bytes(void **state)
{
	struct place *p = *state;
	uint8_t bytes[8192] = "chat ctl\1\x10\x11\1\0\0\0\0\1\0\0\0\5\5alice";
	struct ctl_request r;
	int fd;

	memset(bytes + 28, 'x', sizeof(bytes) - 28);
	fd = asks(p, (char *)bytes, 11 + 0x1011);
	turn(p);
	GETS(fd, TAKEN);
	assert_true(ctl_next(p->ctl, &r));
	assert_int_equal(r.size, 4096);
	bytes[10]++;
	fd = asks(p, (char *)bytes, sizeof(bytes));
	turn(p);
	assert_true(is_cut(fd));
}

/* One that is silent, one that stops in the middle. */
static void who_does_not_ask_in_time_is_cut_off(void **state)
{
	struct place *p = *state;
	int silent = caller(p), half = ASKS(p, "chat ctl\1\0\x11\2");

	turn(p);
	p->now_ms += CTL_REQUEST_MS - 1;
	turn(p);
	assert_false(is_cut(silent) || is_cut(half));
	p->now_ms++;
	turn(p);
	assert_true(is_cut(silent) && is_cut(half));
}

static void a_hundred_who_say_nothing_keep_nobody_out(void **state)
{
	struct place *p = *state;
	struct ctl_request r;
	int fd;

	for (int i = 0; i < CALLERS_MAX - 1; i++) {
		(void)caller(p);
		turn(p);
	}
	fd = ASKS(p, STATUS);
	turn(p);
	GETS(fd, TAKEN);
	assert_true(ctl_next(p->ctl, &r));
	assert_true(is_cut(p->callers[0]));
	assert_false(is_cut(p->callers[CALLERS_MAX - 2]));
}

static void who_has_asked_is_not_displaced(void **state)
{
	struct place *p = *state;
	struct ctl_request r;
	int last;

	for (int i = 0; i < CTL_CLIENTS_MAX; i++) {
		(void)ASKS(p, STATUS);
		turn(p);
		assert_true(ctl_next(p->ctl, &r));
		assert_int_equal(r.client, i);
	}
	last = ASKS(p, STATUS);
	p->now_ms += 3600 * 1000;
	turn(p);
	assert_false(ctl_next(p->ctl, &r) || is_cut(last));
	ctl_done(p->ctl, 3, 0, "", p->now_ms);
	turn(p);
	assert_true(ctl_next(p->ctl, &r));
	assert_int_equal(r.client, 3);
}

static void who_hung_up_keeps_the_number_until_it_is_done(void **state)
{
	struct place *p = *state;
	struct ctl_request r;
	int fd = ASKS(p, STATUS);

	turn(p);
	assert_true(ctl_next(p->ctl, &r));
	assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
	turn(p);
	assert_false(ctl_waits(p->ctl, r.client));
	(void)ASKS(p, STATUS);
	turn(p);
	ctl_said(p->ctl, r.client);
	ctl_done(p->ctl, r.client, 0, "", p->now_ms);
	assert_true(ctl_next(p->ctl, &r));
	assert_int_equal(r.client, 1);
}

static void who_takes_no_answers_is_dropped(void **state)
{
	static char line[1000];
	struct place *p = *state;
	struct ctl_request r;
	int lines = 0, fd = ASKS(p, STATUS);

	memset(line, 'x', sizeof(line));
	turn(p);
	assert_true(ctl_next(p->ctl, &r));
	while (ctl_waits(p->ctl, r.client)) {
		ctl_lines(p->ctl, r.client, line, sizeof(line));
		assert_true(lines++ < 10000);
	}
	ctl_done(p->ctl, r.client, 0, "", p->now_ms);
	/* And one whose last answer waits has CTL_TAKE_MS. */
	fd = ASKS(p, STATUS);
	turn(p);
	assert_true(ctl_next(p->ctl, &r));
	for (int i = 0; i < lines - 2; i++)
		ctl_lines(p->ctl, r.client, line, sizeof(line));
	ctl_done(p->ctl, r.client, 0, "", p->now_ms);
	p->now_ms += CTL_TAKE_MS;
	turn(p);
	while (read(fd, line, sizeof(line)) > 0)
		continue;
	assert_true(is_cut(fd));
}

#define place_test(test)                                                       \
	cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		place_test(the_socket_is_for_us_alone_and_goes_with_the_chat),
		place_test(a_directory_may_have_any_length),
		place_test(a_socket_that_was_left_behind_is_replaced),
		place_test(what_is_no_socket_of_ours_stays),
		place_test(a_request_is_told_once_and_answered_in_order),
		place_test(a_request_may_come_a_byte_at_a_time),
		place_test(what_is_no_request_is_cut_off),
		place_test(a_text_has_at_most_4096_bytes),
		place_test(who_does_not_ask_in_time_is_cut_off),
		place_test(a_hundred_who_say_nothing_keep_nobody_out),
		place_test(who_has_asked_is_not_displaced),
		place_test(who_hung_up_keeps_the_number_until_it_is_done),
		place_test(who_takes_no_answers_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
