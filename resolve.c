/* SPDX-License-Identifier: ISC */
/*
 * resolve.c: getaddrinfo in a child process.
 *
 * What the child writes into its pipe, in this machine's own byte order:
 *	struct answer, whole; then the pipe ends.
 *
 * Invariant: look-up i is under way <==> fd >= 0 <==> pid > 0.
 */
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "resolve.h"

enum { DESCRIPTORS_MAX = 1024 };

struct answer {
	int error; /* of getaddrinfo */
	int count;
	struct sockaddr_storage addresses[RESOLVE_ADDRESSES_MAX];
};

struct lookup {
	int fd;
	int slot;
	pid_t pid;
	int tag;
	bool done;
	size_t got;
	struct answer answer;
};

struct resolve {
	struct lookup lookups[RESOLVE_MAX];
};

static void answer_fill(
	struct answer *answer, const char *host, uint16_t port, int flags)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = flags };
	struct addrinfo *all = NULL;
	char service[8];

	memset(answer, 0, sizeof(*answer));
	(void)snprintf(service, sizeof(service), "%u", (unsigned)port);
	answer->error = getaddrinfo(host, service, &hints, &all);
	if (answer->error != 0)
		return;
	for (struct addrinfo *a = all; a != NULL; a = a->ai_next) {
		if (answer->count == RESOLVE_ADDRESSES_MAX)
			break;
		if (a->ai_addrlen > sizeof(answer->addresses[0]))
			continue;
		memcpy(&answer->addresses[answer->count++], a->ai_addr,
			a->ai_addrlen);
	}
	freeaddrinfo(all);
}

bool resolve_number(
	const char *host, uint16_t port, struct sockaddr_storage *address)
{
	struct answer answer;

	answer_fill(&answer, host, port, AI_NUMERICHOST | AI_NUMERICSERV);
	if (answer.count == 0)
		return false;
	*address = answer.addresses[0];
	return true;
}

/*
 * The child: holds nothing of ours, least of all the database's lock, and
 * hears no signal with our handlers, which would write into our pipe.
 */
static void child_run(
	int fd, const char *host, uint16_t port, const sigset_t *mask)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGTSTP,
		SIGCONT, SIGWINCH };
	struct answer answer;
	const char *at = (const char *)&answer;
	size_t done = 0;

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		(void)signal(signals[i], SIG_DFL);
	for (int i = 0; i < DESCRIPTORS_MAX; i++) {
		if (i != fd)
			(void)close(i); /* most were never open */
	}
	(void)sigprocmask(SIG_SETMASK, mask, NULL); /* it was so before */
	answer_fill(&answer, host, port, AI_NUMERICSERV);
	while (done < sizeof(answer)) {
		ssize_t n = write(fd, at + done, sizeof(answer) - done);

		if (n < 0 && errno != EINTR)
			break;
		if (n > 0)
			done += (size_t)n;
	}
	_exit(0);
}

int resolve_start(struct resolve *r, int tag, const char *host, uint16_t port)
{
	struct lookup *l = NULL;
	sigset_t all, mask;
	int ends[2];

	for (int i = 0; i < RESOLVE_MAX; i++) {
		if (r->lookups[i].fd < 0 && !r->lookups[i].done)
			l = &r->lookups[i];
	}
	errno = EAGAIN;
	if (l == NULL || pipe(ends) < 0)
		return -1;
	memset(l, 0, sizeof(*l));
	l->fd = ends[0];
	l->slot = LOOP_NO_SLOT;
	l->tag = tag;
	(void)sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, &mask) < 0)
		abort(); /* SIG_SETMASK is no mistake */
	l->pid = fork();
	if (l->pid == 0)
		child_run(ends[1], host, port, &mask);
	(void)sigprocmask(SIG_SETMASK, &mask, NULL); /* nor here */
	(void)close(ends[1]);                        /* the child's */
	if (l->pid < 0) {
		(void)close(l->fd); /* nothing came through it */
		l->fd = -1;
		return -1;
	}
	/* A descriptor that another program inherits harms nobody here. */
	(void)!fcntl(l->fd, F_SETFD, FD_CLOEXEC);
	return 0;
}

static void lookup_end(struct lookup *l)
{
	(void)close(l->fd); /* it was only read */
	l->fd = -1;
	while (waitpid(l->pid, NULL, 0) < 0 && errno == EINTR)
		;
	l->pid = 0;
}

void resolve_want(struct resolve *r, struct loop *loop)
{
	for (int i = 0; i < RESOLVE_MAX; i++) {
		struct lookup *l = &r->lookups[i];

		l->slot = LOOP_NO_SLOT;
		if (l->fd >= 0)
			l->slot = loop_add(loop, l->fd, POLLIN);
	}
}

void resolve_run(struct resolve *r, const struct loop *loop)
{
	for (int i = 0; i < RESOLVE_MAX; i++) {
		struct lookup *l = &r->lookups[i];
		ssize_t n;

		if (loop_ready(loop, l->slot) == 0)
			continue;
		l->slot = LOOP_NO_SLOT;
		n = read(l->fd, (char *)&l->answer + l->got,
			sizeof(l->answer) - l->got);
		if (n > 0)
			l->got += (size_t)n;
		else if (n < 0 && errno == EINTR)
			continue;
		l->done = n <= 0 || l->got == sizeof(l->answer);
		if (l->done)
			lookup_end(l);
	}
}

bool resolve_next(struct resolve *r, struct resolve_event *event)
{
	for (int i = 0; i < RESOLVE_MAX; i++) {
		struct lookup *l = &r->lookups[i];
		bool whole = l->got == sizeof(l->answer);

		if (!l->done)
			continue;
		l->done = false;
		event->tag = l->tag;
		event->count = whole ? l->answer.count : 0;
		event->text = whole ? gai_strerror(l->answer.error)
				    : "the look-up failed";
		memcpy(event->addresses, l->answer.addresses,
			sizeof(event->addresses));
		return true;
	}
	return false;
}

struct resolve *resolve_open(void)
{
	struct resolve *r = calloc(1, sizeof(*r));

	for (int i = 0; r != NULL && i < RESOLVE_MAX; i++) {
		r->lookups[i].fd = -1;
		r->lookups[i].slot = LOOP_NO_SLOT;
	}
	return r;
}

void resolve_close(struct resolve *r)
{
	if (r == NULL)
		return;
	for (int i = 0; i < RESOLVE_MAX; i++) {
		if (r->lookups[i].fd < 0)
			continue;
		(void)kill(r->lookups[i].pid, SIGKILL); /* or it has ended */
		lookup_end(&r->lookups[i]);
	}
	free(r);
}
