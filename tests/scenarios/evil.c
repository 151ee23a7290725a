/* SPDX-License-Identifier: ISC */
/*
 * evil.c: whoever is not honest and has a key, on real sockets; those without
 * one are in caller.py.
 *
 *	evil PORT NUMBER WHAT
 *
 * With the program on PORT of this host he goes as far as WHAT says, prints
 * "there", and stays until he is closed: then he prints for how many seconds he
 * was borne, after his proof.  NUMBER is of his key, and he is called evil-NUMBER.
 *
 *	no-hello	has proven his key, and says nothing more
 *	slow-hello	the same, and then a Hello, a byte every two seconds
 *	slow-frame	is linked; sends a frame, a byte every two seconds
 *	mute		is linked; reads, says nothing more, answers no Ping
 *	deaf		is linked, wants all that the other one ever said,
 *			reads nothing of it, and pings every 10 seconds
 */
#include "platform.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <time.h>

#include "../unit/evil.h"

enum { BYTE_EVERY_MS = 2000, PING_EVERY_MS = 10 * 1000 };

static struct evil him;

static int64_t clock_ms(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void open_to(uint16_t port, unsigned who)
{
	struct evil_options options = { .role = WIRE_DIALLER, .who = who };
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons(port) };
	char name[LIMIT_NAME + 1];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	(void)snprintf(name, sizeof(name), "evil-%u", who);
	options.name = name;
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	evil_open(&him, fd, &options);
}

/* Waits until there is something to read; false when time is over. */
static bool wait_for_bytes(int timeout_ms)
{
	struct pollfd fd = { .fd = him.fd, .events = POLLIN };

	return poll(&fd, 1, timeout_ms) > 0;
}

/* Until he knows who it is; his own proof is in `out`, and a Hello behind it. */
static void meet(void)
{
	while (!evil_is_up(&him)) {
		evil_send(&him);
		assert_true(wait_for_bytes(60 * 1000));
		(void)!evil_read(&him);
		assert_false(him.eof);
	}
}

/* Sends so many bytes of `out`, and keeps the rest; false when it is closed. */
static bool send_bytes(size_t size)
{
	struct fifo *out = &him.wire.out;
	ssize_t n = send(him.fd, fifo_head(out), size, MSG_NOSIGNAL);

	if (n > 0)
		fifo_drop(out, (size_t)n);
	return n == (ssize_t)size;
}

static void send_proof(void)
{
	const uint8_t *head = fifo_head(&him.wire.out);

	assert_true(send_bytes(2 + ((size_t)head[0] << 8) + head[1]));
}

/* Throws away what comes; true when that was the end. */
static bool is_closed(void)
{
	uint8_t bytes[4096];
	ssize_t n;

	do {
		n = recv(him.fd, bytes, sizeof(bytes), 0);
	} while (n > 0);
	return n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

/* Says the rest of `out` slowly, then nothing, until he is closed. */
static void trickle(void)
{
	int64_t next_ms = clock_ms();

	while (!is_closed()) {
		if (clock_ms() >= next_ms) {
			next_ms += BYTE_EVERY_MS;
			if (fifo_size(&him.wire.out) > 0 && !send_bytes(1))
				return;
		}
		(void)wait_for_bytes(100);
	}
}

/* Wants everything, and hears nothing: a RST tells him of the end. */
static void turn_deaf(void)
{
	struct message_entry all = { .log = { .number = 1, .named = true },
		.want = WANT_FROM };
	struct pollfd fd = { .fd = him.fd };
	int64_t next_ms = clock_ms();

	memcpy(all.log.public_key, him.wire.peer.public_key, RECORD_KEY_SIZE);
	evil_put_digest(&him, &all, 1, true);
	while (poll(&fd, 1, 100) == 0) {
		if (clock_ms() >= next_ms) {
			next_ms += PING_EVERY_MS;
			evil_put_ping(&him, 1);
		}
		evil_send(&him);
	}
}

int main(int argc, char **argv)
{
	const char *what = argc == 4 ? argv[3] : "";
	int64_t began_ms;

	if (argc != 4) {
		(void)fprintf(stderr, "usage: evil PORT NUMBER WHAT\n");
		return 64;
	}
	ed25519_start();
	open_to((uint16_t)atoi(argv[1]), (unsigned)atoi(argv[2]));
	meet();
	began_ms = clock_ms();
	send_proof();
	if (strcmp(what, "no-hello") == 0)
		fifo_drop(&him.wire.out, fifo_size(&him.wire.out));
	else if (strcmp(what, "slow-hello") != 0)
		evil_send(&him);
	(void)printf("there\n");
	(void)fflush(stdout);
	if (strcmp(what, "slow-frame") == 0)
		evil_raw(&him, "\x01\x00 and so on", 12);
	if (strcmp(what, "deaf") == 0)
		turn_deaf();
	else
		trickle();
	(void)printf("%d\n", (int)((clock_ms() - began_ms) / 1000));
	evil_close(&him);
	return 0;
}
