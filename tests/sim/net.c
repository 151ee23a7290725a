/* SPDX-License-Identifier: ISC */
/*
 * net.c: the network.  A connection is two ends, each a descriptor of a node
 * that is good for its number only, and a flow of bytes from either end.
 *
 *	CALLING --target lives--> OPEN		machine without power, or a
 *	   +--nobody listens--> refused		wall: nothing, for ever
 *
 * A flow holds at most a window of bytes.  They arrive after a delay and in
 * chunks; behind a wall, or while the machine is off, they wait.  What reaches
 * an end that is gone is answered by a reset.  As mesh.c asks of TCP, every
 * end is probed, and given up when nothing came through for 30 s.
 */
#include "platform.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "world.h"

enum {
	CONNS_MAX = 2048,
	FDS_MAX = 8192, /* a power of two */
	WINDOW_MAX = 32 * 1024,
	SYN_AGAIN_MS = 1000,
	PROBE_MS = 5000,
	GIVE_UP_MS = 30 * 1000
};

struct flow {
	size_t size;    /* bytes on their way, or not yet read */
	size_t arrived; /* of these */
	int64_t due_ms; /* when some more arrive */
	bool closed;    /* its end was, so an end of file follows */
	uint8_t bytes[WINDOW_MAX];
};

struct end {
	struct node *node;
	int fd;        /* -1: gone */
	int error;     /* that the next call gets */
	bool finished; /* the end of file has arrived */
	int64_t heard_ms;
};

enum conn_state { CONN_FREE, CONN_CALLING, CONN_OPEN };

struct conn {
	enum conn_state state;
	int64_t due_ms; /* CALLING: when it reaches the target; OPEN: probe */
	size_t window;
	struct end end[2];   /* that of the caller first */
	struct flow flow[2]; /* from that end */
};

static struct conn conns[CONNS_MAX];
static int conn_count; /* no more than these were ever in use */
static struct conn *conn_of_fd[FDS_MAX]; /* since it was last given out */

int __real_close(int fd);
int __real_getsockopt(
	int fd, int level, int option, void *value, socklen_t *size);
int __wrap_close(int fd);
int __wrap_getpeername(int fd, struct sockaddr *address, socklen_t *size);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size);
int __wrap_getsockopt(
	int fd, int level, int option, void *value, socklen_t *size);
ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags);

/* Which end has this descriptor?  NULL: none. */
static struct conn *conn_find(int fd, int *end)
{
	struct conn *c = conn_of_fd[fd & (FDS_MAX - 1)];

	*end = c != NULL && c->end[1].fd == fd;
	if (c == NULL || c->state == CONN_FREE || c->end[*end].fd != fd)
		return NULL;
	return c;
}

/* Once all is calm, every connection is a good one. */
static size_t conn_window(const struct conn *c)
{
	return world.measured || world.calm ? WINDOW_MAX : c->window;
}

static int64_t delay_ms(void)
{
	int64_t most_ms = world.delay_ms * (chance(20) ? 20 : 1);

	if (world.measured)
		return world.now_ms + world.delay_ms;
	return world.now_ms + (int64_t)luck((uint64_t)most_ms + 1);
}

static bool passes(const struct end *from, const struct end *to)
{
	return !world.wall[from->node->number][to->node->number] &&
	       !to->node->off;
}

static void flow_wake(struct flow *f)
{
	if (f->due_ms == NEVER)
		f->due_ms = delay_ms();
}

static void end_fail(struct conn *c, int end, int error)
{
	if (c->end[end].fd < 0 || c->end[end].error != 0)
		return;
	trace("net: %s loses %s: %s", c->end[end].node->name,
		c->end[1 - end].node->name, strerror(error));
	c->end[end].error = error;
	c->flow[end].size = c->flow[end].arrived;
	c->flow[1 - end].size = c->flow[1 - end].arrived = 0;
}

/*
 * The process closed it.  What it has sent goes on, unless it had not read
 * all that came; an end of file follows, unless the connection was lost.
 */
static void end_close(struct conn *c, int end)
{
	c->end[end].fd = -1;
	c->flow[end].closed = c->end[end].error == 0;
	if (c->flow[1 - end].size > 0)
		c->flow[end].size = c->flow[end].arrived;
	c->flow[1 - end].size = c->flow[1 - end].arrived = 0;
	flow_wake(&c->flow[end]);
	if (c->state == CONN_CALLING || c->end[1 - end].fd < 0)
		c->state = CONN_FREE;
}

/* Some bytes of a flow arrive, or what follows them. */
static void flow_run(struct conn *c, int from)
{
	struct flow *f = &c->flow[from];
	struct end *to = &c->end[1 - from];
	size_t left = f->size - f->arrived;

	f->due_ms = NEVER;
	if (!passes(&c->end[from], to)) {
		f->due_ms = world.now_ms + 200 + (int64_t)luck(800);
		return;
	}
	if (to->fd < 0) {
		f->size = f->arrived = 0;
		if (passes(to, &c->end[from]))
			end_fail(c, from, ECONNRESET);
		return;
	}
	if (left > 1 && !world.measured && !chance(2))
		left = 1 + luck(left);
	f->arrived += left;
	if (f->arrived < f->size)
		f->due_ms = delay_ms();
	else if (f->closed)
		to->finished = true;
}

static void end_probe(struct conn *c, int end)
{
	struct end *e = &c->end[end], *other = &c->end[1 - end];

	if (passes(e, other) && passes(other, e)) {
		e->heard_ms = world.now_ms;
		if (other->fd < 0 && !c->flow[1 - end].closed)
			end_fail(c, end, ECONNRESET);
	} else if (world.now_ms - e->heard_ms >= GIVE_UP_MS) {
		end_fail(c, end, ETIMEDOUT);
	}
}

/* The windows and what listens in are set up; both sides may send. */
static void conn_open(struct conn *c)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0)
		wrong("no more descriptors");
	c->state = CONN_OPEN;
	c->due_ms = world.now_ms + PROBE_MS;
	c->end[0].heard_ms = c->end[1].heard_ms = world.now_ms;
	c->end[1].fd = fd;
	conn_of_fd[fd] = c;
	trace("net: %s is linked to %s", c->end[0].node->name,
		c->end[1].node->name);
	node_called(c->end[1].node, fd);
}

static void conn_run(struct conn *c)
{
	if (c->state == CONN_OPEN) {
		c->due_ms = world.now_ms + PROBE_MS;
		end_probe(c, 0);
		end_probe(c, 1);
	} else if (!passes(&c->end[0], &c->end[1]) ||
		   !passes(&c->end[1], &c->end[0])) {
		c->due_ms = world.now_ms + SYN_AGAIN_MS;
	} else if (c->end[1].node->chat == NULL) {
		c->due_ms = NEVER;
		end_fail(c, 0, ECONNREFUSED);
	} else {
		conn_open(c);
	}
}

void net_begin(void)
{
	memset(conn_of_fd, 0, sizeof(conn_of_fd));
	for (int i = 0; i < conn_count; i++)
		conns[i].state = CONN_FREE;
	conn_count = 0;
}

int64_t net_next_ms(void)
{
	int64_t next_ms = NEVER;

	for (int i = 0; i < conn_count; i++) {
		const struct conn *c = &conns[i];

		if (c->state == CONN_FREE)
			continue;
		if (c->due_ms < next_ms)
			next_ms = c->due_ms;
		for (int e = 0; e < 2; e++) {
			if (c->flow[e].due_ms < next_ms)
				next_ms = c->flow[e].due_ms;
		}
	}
	return next_ms;
}

void net_run(void)
{
	for (int i = 0; i < conn_count; i++) {
		struct conn *c = &conns[i];

		for (int e = 0; e < 2; e++) {
			if (c->state != CONN_FREE &&
				c->flow[e].due_ms <= world.now_ms)
				flow_run(c, e);
		}
		if (c->state != CONN_FREE && c->due_ms <= world.now_ms)
			conn_run(c);
	}
}

int net_ready(int fd, short events)
{
	int end, ready = 0;
	const struct conn *c = conn_find(fd, &end);

	if (c == NULL)
		return -1;
	if (c->end[end].error != 0)
		return events | POLLERR;
	if (c->state == CONN_CALLING)
		return 0;
	if (c->flow[1 - end].arrived > 0 || c->end[end].finished)
		ready |= POLLIN;
	if (c->flow[end].size < conn_window(c))
		ready |= POLLOUT;
	return ready & events;
}

int net_count(const struct node *n)
{
	int count = 0;

	for (int i = 0; i < conn_count; i++) {
		for (int e = 0; e < 2; e++)
			count += conns[i].state != CONN_FREE &&
				 conns[i].end[e].fd >= 0 &&
				 conns[i].end[e].node == n;
	}
	return count;
}

bool net_links(const struct node *a, const struct node *b)
{
	for (int i = 0; i < conn_count; i++) {
		const struct end *end = conns[i].end;

		if (conns[i].state == CONN_OPEN && end[0].fd >= 0 &&
			end[1].fd >= 0 &&
			((end[0].node == a && end[1].node == b) ||
				(end[0].node == b && end[1].node == a)))
			return true;
	}
	return false;
}

void net_stop(const struct node *n)
{
	for (int i = 0; i < conn_count; i++) {
		struct conn *c = &conns[i];

		for (int e = 0; e < 2; e++) {
			if (c->state == CONN_FREE || c->end[e].node != n ||
				c->end[e].fd < 0)
				continue;
			end_close(c, e);
			if (n->stop == STOP_KILLED)
				continue;
			/* Without power nothing more is said. */
			c->flow[e].closed = false;
			c->flow[e].size = c->flow[e].arrived;
			c->flow[e].due_ms = NEVER;
		}
	}
}

/* Both ends lose it, or only one, and the other does not know yet. */
void net_reset(void)
{
	struct conn *c = &conns[luck((uint64_t)conn_count + 1)];
	int end = (int)luck(2);

	for (int i = 0; i < conn_count && c->state != CONN_OPEN; i++)
		c = &conns[i];
	if (c->state != CONN_OPEN)
		return;
	end_fail(c, end, ECONNRESET);
	if (chance(2))
		end_fail(c, 1 - end, ECONNRESET);
	else
		c->flow[end].size = c->flow[end].arrived;
}

/* What is under way to or from this node is lost. */
void net_drop(const struct node *n)
{
	for (int i = 0; i < conn_count; i++) {
		struct conn *c = &conns[i];

		if (c->state == CONN_FREE ||
			(c->end[0].node != n && c->end[1].node != n))
			continue;
		end_fail(c, 0, ECONNRESET);
		end_fail(c, 1, ECONNRESET);
	}
}

/* The calls. */

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size)
{
	struct sockaddr_in to;
	struct conn *c = conns;
	int target;

	if (size != sizeof(to))
		wrong("%s calls an address that nobody gave it",
			world.running->name);
	memcpy(&to, address, sizeof(to));
	target = (int)(ntohl(to.sin_addr.s_addr) & 255) - 1;
	while (c->state != CONN_FREE) {
		if (++c == conns + CONNS_MAX - 1)
			wrong("more than %d connections", CONNS_MAX - 1);
	}
	memset(c->end, 0, sizeof(c->end));
	for (int e = 0; e < 2; e++)
		memset(&c->flow[e], 0, offsetof(struct flow, bytes));
	if (c - conns >= conn_count)
		conn_count = (int)(c - conns) + 1;
	c->state = CONN_CALLING;
	/* Small windows are good, but all has to pass in the end. */
	c->window = 1 + (size_t)world.delay_ms * 20 +
		    luck(chance(4) ? 100 : WINDOW_MAX / 2);
	c->due_ms = delay_ms();
	c->flow[0].due_ms = c->flow[1].due_ms = NEVER;
	c->end[0].node = world.running;
	c->end[0].fd = fd;
	conn_of_fd[fd] = c;
	c->end[1].node = &world.nodes[target];
	c->end[1].fd = -1;
	errno = EINPROGRESS;
	return -1;
}

/* Each machine has an address; callers have some port. */
int __wrap_getpeername(int fd, struct sockaddr *address, socklen_t *size)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	int end;
	const struct conn *c = conn_find(fd, &end);

	if (c == NULL)
		wrong("who is at the other end of nothing?");
	at.sin_addr.s_addr =
		htonl(0x0a4d0001 + (uint32_t)c->end[1 - end].node->number);
	at.sin_port = htons(end == 0 ? 4000 : 50000);
	*size = sizeof(at);
	memcpy(address, &at, sizeof(at));
	return 0;
}

int __wrap_getsockopt(
	int fd, int level, int option, void *value, socklen_t *size)
{
	int end;
	const struct conn *c = conn_find(fd, &end);

	if (c == NULL || level != SOL_SOCKET || option != SO_ERROR)
		return __real_getsockopt(fd, level, option, value, size);
	memcpy(value, &c->end[end].error, sizeof(int));
	return 0;
}

ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags)
{
	int end;
	struct conn *c = conn_find(fd, &end);
	struct flow *f;

	(void)flags;
	errno = ECONNRESET;
	if (call_is_stopped() || c == NULL || c->end[end].error != 0)
		return -1;
	f = &c->flow[end];
	errno = EAGAIN;
	if (f->size >= conn_window(c))
		return -1;
	if (size > conn_window(c) - f->size)
		size = conn_window(c) - f->size;
	memcpy(f->bytes + f->size, bytes, size);
	f->size += size;
	world.sent_bytes += size;
	flow_wake(f);
	return (ssize_t)size;
}

ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags)
{
	int end;
	struct conn *c = conn_find(fd, &end);
	struct flow *f;

	(void)flags;
	errno = ECONNRESET;
	if (world.running->dead || c == NULL)
		return -1;
	errno = c->end[end].error;
	if (errno != 0)
		return -1;
	f = &c->flow[1 - end];
	errno = EAGAIN;
	if (f->arrived == 0)
		return c->end[end].finished ? 0 : -1;
	if (size > f->arrived)
		size = f->arrived;
	memcpy(bytes, f->bytes, size);
	memmove(f->bytes, f->bytes + size, f->size - size);
	f->size -= size;
	f->arrived -= size;
	return (ssize_t)size;
}

int __wrap_close(int fd)
{
	int end;
	struct conn *c = conn_find(fd, &end);

	if (c != NULL)
		end_close(c, end);
	return __real_close(fd);
}
