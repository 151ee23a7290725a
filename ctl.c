/* SPDX-License-Identifier: ISC */
/*
 * ctl.c: one request and its answers, over a UNIX socket.
 *
 * The request, by whoever has connected:
 *
 *	8	"chat ctl"
 *	1	version, 1
 *	2	bytes that follow
 *	1	kind: 1 send, 2 status
 *	1	1: lines about receipts are wanted, as JSON; else 0
 *	4	acks
 *	4	time-out in seconds
 *	1 n	NAME
 *	1 n	ROOM
 *	n	TEXT, all that is left
 *
 * It is valid if and only if (1) the first two are those, (2) kind and JSON are
 * among these, (3) acks are at most LIMIT_LINKS, and the time-out is at most
 * OPTIONS_TIMEOUT_MAX, (4) NAME and ROOM have at most LIMIT_NAME bytes, (5)
 * TEXT has 1 to LIMIT_TEXT bytes for send, and none for status, (6) nothing
 * comes after it.  An invalid one is not answered.
 *
 * The answers, each of 1 byte kind, 2 bytes size, and so many bytes:
 *
 *	1	the request is in good hands
 *	2	what was to be said is durable
 *	3	lines for standard output
 *	4	the last one: 1 byte exit status, and why
 *
 *	READING --whole request: answer 1--> ASKED --ctl_next--> TOLD
 *	TOLD --ctl_done: answer 4--> LEAVING --all taken--> FREE
 *	READING, LEAVING --deadline--> FREE	all but TOLD --hung up--> FREE
 *
 * Invariants:
 *	1. A request is told ==> answer 1 has left before.  So whoever gets no
 *	   answer at all was not heard, and may ask again.
 *	2. A client in TOLD keeps its number, though it may have hung up: then
 *	   its fd is -1.
 *
 * The socket is named relative to the directory, which the process visits for
 * that moment: an address has room for about a hundred bytes, paths are longer.
 */
#include "platform.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl.h"
#include "log.h"
#include "net.h"

#define MAGIC    "chat ctl\1"
#define CTL_NAME "ctl"

enum {
	MAGIC_SIZE = sizeof(MAGIC) - 1,
	HEAD_SIZE = MAGIC_SIZE + 2,
	BODY_MAX = 1 + 1 + 4 + 4 + 2 * (1 + LIMIT_NAME) + LIMIT_TEXT,
	REQUEST_MAX = HEAD_SIZE + BODY_MAX,
	ANSWER_HEAD_SIZE = 3,
	ACCEPT_PAUSE_MS = 1000, /* after the system ran out of something */

	/* The other process. */
	NAP_MS = 50,    /* between two attempts */
	TAKEN_S = 5,    /* for answer 1 */
	PATIENCE_S = 75 /* for the others, beyond the time-out: a chat may
			      first ask others for a minute (chat.c) */
};

enum answer { ANSWER_TAKEN = 1, ANSWER_SAID, ANSWER_LINES, ANSWER_DONE };

enum client_state {
	CLIENT_FREE,
	CLIENT_READING, /* its request */
	CLIENT_ASKED,   /* it is whole */
	CLIENT_TOLD,    /* the chat sees to it */
	CLIENT_LEAVING  /* the last answer is on its way */
};

struct client {
	enum client_state state;
	int fd;
	int slot;
	uint64_t number;     /* in the order of arrival */
	int64_t deadline_ms; /* of READING and LEAVING */
	struct fifo in, out;
	uint8_t in_bytes[REQUEST_MAX + 1]; /* one more: too much is seen */
	uint8_t out_bytes[CTL_ANSWER_SIZE];
};

struct ctl {
	int dir_fd;
	int fd;
	int slot;
	int64_t accept_ms;
	uint64_t accepted;
	struct client clients[CTL_CLIENTS_MAX];
};

/* The request. */

static void request_write(struct writer *w, const struct ctl_request *request)
{
	size_t name_size = strlen(request->name);
	size_t room_size = strlen(request->room);

	write_bytes(w, MAGIC, MAGIC_SIZE);
	write_be16(w, (uint16_t)(1 + 1 + 4 + 4 + 1 + name_size + 1 + room_size +
				 request->size));
	write_u8(w, (uint8_t)request->kind);
	write_u8(w, request->json);
	write_be32(w, request->acks);
	write_be32(w, request->timeout_s);
	write_u8(w, (uint8_t)name_size);
	write_bytes(w, request->name, name_size);
	write_u8(w, (uint8_t)room_size);
	write_bytes(w, request->room, room_size);
	write_bytes(w, request->text, request->size);
	assert(!w->full);
}

/* Bytes of the request that begins here, 0: not to be seen yet; or bad. */
static size_t request_size(struct reader *r)
{
	size_t known = r->left < MAGIC_SIZE ? r->left : MAGIC_SIZE;
	size_t size;

	r->bad = known > 0 && memcmp(r->at, MAGIC, known) != 0;
	if (r->bad || r->left < HEAD_SIZE)
		return 0;
	(void)read_bytes(r, MAGIC_SIZE); /* looked at */
	size = read_be16(r);
	r->bad = size > BODY_MAX || r->left > size;
	return HEAD_SIZE + size;
}

static void read_word(struct reader *r, char word[LIMIT_NAME + 1])
{
	size_t size = read_u8(r);

	memset(word, 0, LIMIT_NAME + 1);
	r->bad = r->bad || size > LIMIT_NAME;
	read_copy(r, word, r->bad ? 0 : size);
}

/* Of a whole one, after its head. */
static bool request_read(struct reader *r, struct ctl_request *request)
{
	unsigned kind = read_u8(r), json = read_u8(r);

	request->kind = kind == CTL_SEND ? CTL_SEND : CTL_STATUS;
	request->json = json == 1;
	request->acks = read_be32(r);
	request->timeout_s = read_be32(r);
	read_word(r, request->name);
	read_word(r, request->room);
	request->size = r->left;
	request->text = read_bytes(r, r->left);
	if (r->bad || kind != (unsigned)request->kind || json > 1 ||
		request->acks > LIMIT_LINKS ||
		request->timeout_s > OPTIONS_TIMEOUT_MAX)
		return false;
	if (request->kind == CTL_STATUS)
		return request->size == 0;
	return request->size > 0 && request->size <= LIMIT_TEXT;
}

/* Clients. */

static void client_free(struct client *c)
{
	if (c->fd >= 0)
		(void)close(c->fd); /* what it took is the client's */
	c->fd = -1;
	c->state = CLIENT_FREE;
}

static void client_hang_up(struct client *c)
{
	enum client_state state = c->state;

	client_free(c);
	if (state == CLIENT_TOLD)
		c->state = state;
}

static void client_write(struct client *c)
{
	while (c->fd >= 0 && fifo_size(&c->out) > 0) {
		ssize_t n =
			send(c->fd, fifo_head(&c->out), fifo_size(&c->out), 0);

		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n < 0 && errno != EINTR)
			client_hang_up(c);
		else if (n > 0)
			fifo_drop(&c->out, (size_t)n);
	}
	if (c->state == CLIENT_LEAVING)
		client_free(c);
}

static void client_answer(
	struct client *c, enum answer kind, const void *bytes, size_t size)
{
	struct writer w = writer_over(fifo_tail(&c->out), fifo_room(&c->out));

	if (c->fd < 0)
		return;
	write_u8(&w, (uint8_t)kind);
	write_be16(&w, (uint16_t)size);
	write_bytes(&w, bytes, size);
	if (w.full || size > UINT16_MAX) {
		client_hang_up(c); /* it takes nothing */
		return;
	}
	fifo_added(&c->out, w.size);
	client_write(c);
}

static void client_asked(struct client *c)
{
	struct reader r = reader_over(fifo_head(&c->in), fifo_size(&c->in));
	struct ctl_request request;
	size_t size = request_size(&r);

	if (!r.bad && (size == 0 || fifo_size(&c->in) < size))
		return;
	if (r.bad || !request_read(&r, &request)) {
		client_hang_up(c);
		return;
	}
	client_answer(c, ANSWER_TAKEN, "", 0);
	if (c->fd >= 0 && fifo_size(&c->out) > 0)
		client_hang_up(c); /* nothing fits into a new socket? */
	if (c->fd >= 0)
		c->state = CLIENT_ASKED;
}

static void client_read(struct client *c)
{
	ssize_t n = recv(c->fd, fifo_tail(&c->in), fifo_room(&c->in), 0);

	if (n < 0 &&
		(errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return;
	if (n <= 0 || c->state != CLIENT_READING) {
		client_hang_up(c); /* one request is all that one may say */
		return;
	}
	fifo_added(&c->in, (size_t)n);
	client_asked(c);
}

static void client_run(
	struct client *c, const struct loop *loop, int64_t now_ms)
{
	short ready = loop_ready(loop, c->slot);

	c->slot = LOOP_NO_SLOT;
	if ((ready & POLLOUT) != 0)
		client_write(c);
	if (c->fd >= 0 && (ready & (POLLIN | POLLHUP | POLLERR)) != 0)
		client_read(c);
	if ((c->state == CLIENT_READING || c->state == CLIENT_LEAVING) &&
		now_ms >= c->deadline_ms)
		client_free(c);
}

static void client_want(struct client *c, struct loop *loop)
{
	int events = c->state == CLIENT_LEAVING ? 0 : POLLIN;

	if (c->fd < 0)
		return;
	if (fifo_size(&c->out) > 0)
		events |= POLLOUT;
	if (c->state == CLIENT_READING || c->state == CLIENT_LEAVING)
		loop_wake(loop, c->deadline_ms);
	c->slot = loop_add(loop, c->fd, (short)events);
}

/* The socket. */

/* What is there under its name: a socket that only we can have made? */
static bool is_ours(int dir_fd)
{
	struct stat status;

	return fstatat(dir_fd, CTL_NAME, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISSOCK(status.st_mode) && status.st_uid == geteuid() &&
	       status.st_nlink == 1;
}

/* Binds or connects by the socket's name in a directory.  0, or -1, errno. */
static int name_socket(int fd, int dir_fd, bool make)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX,
		.sun_path = CTL_NAME };
	const struct sockaddr *address = (const struct sockaddr *)&name;
	int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = -1, error;
	mode_t mask;

	if (here >= 0 && fchdir(dir_fd) == 0) {
		mask = umask(0177); /* 0600 from its first moment */
		result = make ? bind(fd, address, sizeof(name))
			      : connect(fd, address, sizeof(name));
		error = errno;
		(void)umask(mask);
		errno = error;
		if (fchdir(here) < 0)
			result = -1;
	}
	error = errno;
	if (here >= 0)
		(void)close(here); /* it was only read */
	errno = error;
	return result;
}

static int listen_at(int dir_fd)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), error;
	struct stat status;

	if (fd < 0 || net_set_flags(fd) < 0)
		goto fail;
	if (is_ours(dir_fd) && unlinkat(dir_fd, CTL_NAME, 0) < 0)
		goto fail;
	if (fstatat(dir_fd, CTL_NAME, &status, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		goto fail;
	}
	if (name_socket(fd, dir_fd, true) == 0 &&
		listen(fd, CTL_CLIENTS_MAX) == 0)
		return fd;
fail:
	error = errno;
	if (fd >= 0)
		(void)close(fd); /* nobody has connected */
	errno = error;
	return -1;
}

struct ctl *ctl_open(int dir_fd)
{
	struct ctl *ctl = calloc(1, sizeof(*ctl));
	int fd = ctl == NULL ? -1 : listen_at(dir_fd);

	if (fd < 0) {
		free(ctl);
		return NULL;
	}
	ctl->dir_fd = dir_fd;
	ctl->fd = fd;
	ctl->slot = LOOP_NO_SLOT;
	for (int i = 0; i < CTL_CLIENTS_MAX; i++) {
		ctl->clients[i].fd = -1;
		ctl->clients[i].slot = LOOP_NO_SLOT;
	}
	return ctl;
}

void ctl_close(struct ctl *ctl)
{
	int error = errno;

	if (ctl == NULL)
		return;
	if (is_ours(ctl->dir_fd))
		(void)unlinkat(ctl->dir_fd, CTL_NAME, 0); /* or left behind */
	for (int i = 0; i < CTL_CLIENTS_MAX; i++)
		client_free(&ctl->clients[i]);
	(void)close(ctl->fd); /* nothing was written to it */
	free(ctl);
	errno = error;
}

/* A place for one more: a free one, or that of the oldest without a request. */
static struct client *find_place(struct ctl *ctl)
{
	struct client *place = NULL;

	for (int i = 0; i < CTL_CLIENTS_MAX; i++) {
		struct client *c = &ctl->clients[i];

		if (c->state == CLIENT_FREE)
			return c;
		if (c->state == CLIENT_READING &&
			(place == NULL || c->number < place->number))
			place = c;
	}
	return place;
}

static void ctl_accept(struct ctl *ctl, int64_t now_ms)
{
	struct client *c = find_place(ctl);

	for (int i = 0; c != NULL && i < CTL_CLIENTS_MAX; i++) {
		int fd = accept(ctl->fd, NULL, NULL);

		if (fd < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
			ctl->accept_ms = now_ms + ACCEPT_PAUSE_MS;
		if (fd < 0)
			return;
		client_free(c);
		c->fd = fd;
		c->number = ctl->accepted++;
		c->state = CLIENT_READING;
		c->deadline_ms = now_ms + CTL_REQUEST_MS;
		c->in = fifo_over(c->in_bytes, sizeof(c->in_bytes));
		c->out = fifo_over(c->out_bytes, sizeof(c->out_bytes));
		if (net_set_flags(fd) < 0)
			client_free(c);
		else
			client_read(c); /* it has asked already, mostly */
		c = find_place(ctl);
	}
}

void ctl_want(struct ctl *ctl, struct loop *loop)
{
	if (ctl == NULL)
		return;
	ctl->slot = LOOP_NO_SLOT;
	if (loop->now_ms < ctl->accept_ms)
		loop_wake(loop, ctl->accept_ms);
	else if (find_place(ctl) != NULL)
		ctl->slot = loop_add(loop, ctl->fd, POLLIN);
	for (int i = 0; i < CTL_CLIENTS_MAX; i++)
		client_want(&ctl->clients[i], loop);
}

void ctl_run(struct ctl *ctl, const struct loop *loop, int64_t now_ms)
{
	if (ctl == NULL)
		return;
	for (int i = 0; i < CTL_CLIENTS_MAX; i++)
		client_run(&ctl->clients[i], loop, now_ms);
	if (loop_ready(loop, ctl->slot) != 0)
		ctl_accept(ctl, now_ms);
}

bool ctl_next(struct ctl *ctl, struct ctl_request *request)
{
	for (int i = 0; ctl != NULL && i < CTL_CLIENTS_MAX; i++) {
		struct client *c = &ctl->clients[i];
		struct reader r;

		if (c->state != CLIENT_ASKED)
			continue;
		r = reader_over(fifo_head(&c->in), fifo_size(&c->in));
		(void)request_size(&r);
		if (!request_read(&r, request))
			continue; /* client_asked has seen that it can */
		request->client = i;
		c->state = CLIENT_TOLD;
		return true;
	}
	return false;
}

bool ctl_waits(const struct ctl *ctl, int client)
{
	return ctl->clients[client].fd >= 0;
}

void ctl_said(struct ctl *ctl, int client)
{
	client_answer(&ctl->clients[client], ANSWER_SAID, "", 0);
}

void ctl_lines(struct ctl *ctl, int client, const void *lines, size_t size)
{
	client_answer(&ctl->clients[client], ANSWER_LINES, lines, size);
}

void ctl_done(struct ctl *ctl, int client, int status, const char *text,
	int64_t now_ms)
{
	struct client *c = &ctl->clients[client];
	uint8_t bytes[512];
	struct writer w = writer_over(bytes, sizeof(bytes));

	assert(c->state == CLIENT_TOLD);
	write_u8(&w, (uint8_t)status);
	write_bytes(&w, text, strlen(text));
	assert(!w.full);
	c->state = CLIENT_LEAVING;
	c->deadline_ms = now_ms + CTL_TAKE_MS;
	client_answer(c, ANSWER_DONE, w.bytes, w.size);
	if (c->fd < 0)
		client_free(c);
}

/* The other process. */

/* Its side of one request. */
struct caller {
	const struct options *options;
	const char *path; /* of the database */
	int dir_fd;
	int fd;
	pid_t holder; /* of the database's lock; 0: nobody */
	struct fifo in;
	uint8_t in_bytes[CTL_ANSWER_SIZE];
};

static void caller_close(struct caller *c)
{
	if (c->fd >= 0)
		(void)close(c->fd); /* all that mattered was answered */
	if (c->dir_fd >= 0)
		(void)close(c->dir_fd); /* it was only read */
	c->fd = c->dir_fd = -1;
}

/* Looks who has the database open; one that is not ours, or no database, is
 * left to who opens it in earnest. */
static bool caller_look(struct caller *c)
{
	struct stat status;

	c->fd = -1;
	c->in = fifo_over(c->in_bytes, sizeof(c->in_bytes));
	c->dir_fd =
		open(c->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c->dir_fd < 0 || fstat(c->dir_fd, &status) < 0 ||
		status.st_uid != geteuid())
		return false;
	c->holder = log_holder(c->dir_fd);
	return c->holder != 0;
}

/* How long a call on the socket may take. */
static void caller_limit(struct caller *c, int seconds)
{
	struct timeval limit = { .tv_sec = seconds };

	/* Without a limit it may wait for ever, and is to be interrupted. */
	(void)setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

static bool caller_ask(struct caller *c, enum ctl_kind kind)
{
	const struct options *o = c->options;
	struct ctl_request request = { .kind = kind,
		.json = o->json,
		.acks = (uint32_t)o->acks,
		.timeout_s = (uint32_t)o->timeout_s };
	uint8_t bytes[REQUEST_MAX];
	struct writer w = writer_over(bytes, sizeof(bytes));

	(void)snprintf(request.name, sizeof(request.name), "%s",
		o->name == NULL ? "" : o->name);
	(void)snprintf(request.room, sizeof(request.room), "%s", o->room);
	if (kind == CTL_SEND) {
		request.text = (const uint8_t *)o->send;
		request.size = strlen(o->send);
	}
	request_write(&w, &request);
	c->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (c->fd < 0 || fcntl(c->fd, F_SETFD, FD_CLOEXEC) < 0 ||
		!is_ours(c->dir_fd))
		return false;
	caller_limit(c, TAKEN_S);
	return name_socket(c->fd, c->dir_fd, false) == 0 &&
	       send(c->fd, w.bytes, w.size, 0) == (ssize_t)w.size;
}

/* The next answer; false and errno, 0 at the end, when there is none. */
static bool caller_next(
	struct caller *c, enum answer *kind, struct reader *body)
{
	for (;;) {
		struct reader r =
			reader_over(fifo_head(&c->in), fifo_size(&c->in));
		uint8_t first = read_u8(&r);
		ssize_t n;

		*body = read_part(&r, read_be16(&r));
		if (!r.bad) {
			*kind = (enum answer)first;
			fifo_drop(&c->in, ANSWER_HEAD_SIZE + body->left);
			return true;
		}
		errno = 0;
		n = fifo_room(&c->in) == 0 ? 0
					   : recv(c->fd, fifo_tail(&c->in),
						     fifo_room(&c->in), 0);
		if (n > 0)
			fifo_added(&c->in, (size_t)n);
		else if (n == 0 || errno != EINTR)
			return false;
	}
}

static const char *caller_holder(const struct caller *c, char text[32])
{
	(void)snprintf(text, 32, "another process");
	if (c->holder > 0)
		(void)snprintf(text, 32, "process %ld", (long)c->holder);
	return text;
}

static int caller_unanswered(const struct caller *c, const char *more)
{
	char holder[32];

	(void)dprintf(c->options->err_fd,
		"error> %s has %s open, and does not answer%s\n",
		caller_holder(c, holder), c->path, more);
	return EX_TEMPFAIL;
}

/* It was taken, and then there was the end, or silence. */
static int caller_lost(const struct caller *c, bool said)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return caller_unanswered(
			c, said ? " any more; what was said is kept"
				: " any more");
	(void)dprintf(c->options->err_fd,
		said ? "error> the chat that said it has ended: it is kept, "
		       "and sent when it runs again\n"
		     : "error> the chat that was to say it has ended: chat "
		       "--log tells whether it was said\n");
	return EXIT_FAILURE;
}

/* The last answer. */
static int caller_done(const struct caller *c, struct reader *body)
{
	int status = read_u8(body);

	if (body->left > 0)
		(void)dprintf(c->options->err_fd, "error> %.*s\n",
			(int)body->left, (const char *)body->at);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	(void)dprintf(c->options->err_fd, "error> can not write: %s\n",
		strerror(errno));
	return EX_IOERR;
}

static void caller_info(const struct caller *c)
{
	char holder[32];

	if (c->options->verbosity == VERBOSITY_QUIET)
		return;
	(void)dprintf(c->options->err_fd,
		"info> %s chats on %s, and has said it%s\n",
		caller_holder(c, holder), c->path,
		c->options->peer_count > 0
			? "; it is linked with whom it finds, the PEERs here "
			  "are not looked for"
			: "");
}

/* What became of the request, if it was taken; else CTL_AGAIN. */
static int caller_wait(struct caller *c)
{
	bool taken = false, said = false;
	struct reader body;
	enum answer kind;

	while (caller_next(c, &kind, &body)) {
		switch (kind) {
		case ANSWER_TAKEN:
			taken = true;
			caller_limit(c, c->options->timeout_s + PATIENCE_S);
			break;
		case ANSWER_SAID:
			said = true;
			caller_info(c);
			break;
		case ANSWER_LINES:
			(void)!fwrite(body.at, 1, body.left, stdout);
			(void)fflush(stdout); /* caller_done asks */
			break;
		case ANSWER_DONE:
			return caller_done(c, &body);
		}
	}
	if (taken)
		return caller_lost(c, said);
	if (errno != EAGAIN && errno != EWOULDBLOCK)
		return CTL_AGAIN;
	return caller_unanswered(c, "");
}

static int send_once(struct caller *c)
{
	int status = CTL_AGAIN;

	if (!caller_look(c)) {
		caller_close(c);
		return CTL_NOBODY;
	}
	if (caller_ask(c, CTL_SEND))
		status = caller_wait(c);
	caller_close(c);
	return status;
}

int ctl_send(const struct options *options)
{
	char path[OPTIONS_PATH_SIZE];
	struct caller c = { .options = options, .path = path };
	int64_t left_ms = (int64_t)options->timeout_s * 1000;
	int status;

	options_path(options, path, sizeof(path));
	(void)signal(SIGPIPE, SIG_IGN); /* a chat that ends is no reason */
	while ((status = send_once(&c)) == CTL_AGAIN) {
		if (left_ms <= 0)
			return caller_unanswered(&c, "");
		left_ms -= NAP_MS;
		(void)poll(NULL, 0, NAP_MS); /* a signal may shorten it */
	}
	return status;
}

bool ctl_print_status(const struct options *options)
{
	char path[OPTIONS_PATH_SIZE];
	struct caller c = { .options = options, .path = path };
	struct reader body;
	enum answer kind;
	bool printed = false;

	if (options->name == NULL && options->dir == NULL)
		return false;
	options_path(options, path, sizeof(path));
	if (caller_look(&c) && caller_ask(&c, CTL_STATUS)) {
		while (caller_next(&c, &kind, &body)) {
			if (kind != ANSWER_LINES)
				continue;
			(void)!fwrite(body.at, 1, body.left, stdout);
			printed = true; /* the caller asks for ferror */
		}
	}
	caller_close(&c);
	return printed;
}
