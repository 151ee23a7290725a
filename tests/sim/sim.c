/* SPDX-License-Identifier: ISC */
/*
 * sim.c: two to 64 nodes chat while everything breaks, by a seed.
 *
 *	sim [-v] SEED [NODES]		one story; -v tells it
 *	sim -n COUNT SEED [NODES]	COUNT of them, from this seed on
 *	sim -t SECONDS SEED [NODES]	as many as go into these
 *	sim -f AUTHORS NODES		what it costs while nothing breaks
 *
 * For a minute of virtual time, or four, people talk, and machines, processes,
 * connections and disks fail.  Then nothing fails any more, everybody may say
 * a last line, and within CONVERGE_MS all screens must show the same.  While it
 * is calm it is looked how long a line takes, and whether a machine that was
 * given an older copy of its disk gets back what it lacks.  At the very end all
 * machines lose their power at once, and must still know it all.
 *
 * What fails: processes and machines, inside any call; connections, in one
 * direction, in both, or for one end only; the network, in two parts; peers
 * that are slow, or stuck for long; screens that nobody reads; disks that are
 * full, or whose fsync fails; clocks that jump.  In some stories nodes lie of
 * what they have, or forge it; in some a disk is replaced by an older copy at
 * any moment, or says that bytes are safe that a power cut takes: who lost
 * what was promised may fork its own log, as after a copy, and no more.
 *
 * What must hold, and when it is checked:
 *
 *	(1) Whenever a node puts a message into a link: each record and each
 *	    head in it is in files of its disk that no power cut can take back
 *	    (disk.c).  So is every line when it appears on the screen.
 *	(2) One number of a log has one id and one text, for ever and
 *	    everywhere (truth.c).  Its own node is the first to use it; the text
 *	    is one that was said there, and no other number has it.
 *	(3) In each life a screen shows each log's texts in their order: so
 *	    nothing twice and no gap.  What a node has ever shown, sent or told
 *	    of is `promised`: soon after each start it must have been shown
 *	    again.
 *	(4) A node has few more connections than there are others, and its
 *	    memory is bounded; when it has ended it has neither memory nor
 *	    descriptors.
 *	(5) A node ends or refuses to start only when it was given a reason.
 *	(6) After the last fault: see above.  Then all show one history, in one
 *	    order, `chat --log` prints the same bytes for all, and --check the
 *	    same six digits, and finds all sound, unless a disk failed or lied.
 *	(7) What somebody is told to say and lives on, it says, or refuses
 *	    aloud.
 *	(8) While nothing fails everybody has a line within TALK_MS; when a
 *	    connection is cut and there is another way, within DETOUR_MS.
 */
#include "platform.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "inspect.h"
#include "world.h"

enum {
	TROUBLE_MS = 60 * 1000,
	CONVERGE_MS = 120 * 1000,
	REMEMBER_MS = 3000,    /* by then history was shown */
	CALM_MS = 90 * 1000,   /* everything that waits is tried again */
	SETTLED_MS = 2000,     /* a start, until own lines are said */
	SETTLE_MS = 20 * 1000, /* logs are new, and ways are found, then */
	TALK_MS = 1000,        /* for a line, */
	DETOUR_MS = 4000,      /* or when it has to go another way */
	CUTS_TRIED = 100,
	FORGERIES = 2,    /* of a node: one more, and it would be refused */
	LINKS_SPARE = 24, /* connections beyond one to each node */
	MEMORY_MAX = 6 * 1024 * 1024, /* of a node, */
	MEMORY_LINK_MAX = 500 * 1024, /* and of each of its connections */
	TURNS_MAX = 4000000           /* of a story: it must have an end */
};

#define WALL_CLOCK_MS INT64_C(1795000000000)

static const struct log_sizes usual_sizes = { LOG_SEGMENT_SIZE, LOG_AHEAD_SIZE,
	LOG_CHECKPOINT_SIZE };
static const struct log_sizes small_sizes = { 256 * 1024, 32 * 1024,
	100 * 1024 };

struct world world;

/* Leaves. */

uint64_t mixed(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9; /* splitmix64 */
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint64_t luck(uint64_t limit)
{
	world.luck += 0x9e3779b97f4a7c15;
	return mixed(world.luck) % limit;
}

bool chance(unsigned in)
{
	return luck(in) == 0;
}

void trace(const char *format, ...)
{
	char text[512];
	va_list list;

	va_start(list, format);
	(void)vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	for (const char *at = text; *at != '\0'; at++)
		world.digest = (world.digest ^ (uint8_t)*at) * 0x100000001b3;
	world.digest = (world.digest ^ (uint64_t)world.now_ms) * 0x100000001b3;
	if (world.verbose)
		printf("%9.3f %s\n", (double)world.now_ms / 1000, text);
}

void wrong(const char *format, ...)
{
	va_list list;

	printf("WRONG, seed %llu, %d nodes (sim -v %llu %d), at %.3f s: ",
		(unsigned long long)world.seed, world.node_count,
		(unsigned long long)world.seed, world.node_count,
		(double)world.now_ms / 1000);
	va_start(list, format);
	(void)vprintf(format, list);
	va_end(list);
	printf("\n");
	(void)fflush(stdout);
	(void)signal(SIGABRT, SIG_DFL);
	disk_end();
	_exit(1);
}

/* Clocks and luck of the nodes. */

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_getentropy(void *bytes, size_t size);
ssize_t __wrap_getrandom(void *bytes, size_t size, unsigned flags);
pid_t __wrap_getpid(void);

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	const struct node *n = world.running;
	int64_t ms = world.now_ms;

	if (clock == CLOCK_REALTIME)
		ms += WALL_CLOCK_MS + (n == NULL ? 0 : n->wall_ms);
	else
		ms += n == NULL ? 0 : n->clock_ms;
	now->tv_sec = (time_t)(ms / 1000);
	now->tv_nsec = (long)(ms % 1000) * 1000000;
	return 0;
}

ssize_t __wrap_getrandom(void *bytes, size_t size, unsigned flags)
{
	(void)flags;
	for (size_t i = 0; i < size; i++)
		((uint8_t *)bytes)[i] = (uint8_t)luck(256);
	return (ssize_t)size;
}

int __wrap_getentropy(void *bytes, size_t size)
{
	return __wrap_getrandom(bytes, size, 0) < 0 ? -1 : 0;
}

pid_t __wrap_getpid(void)
{
	return world.running == NULL ? 1 : 100 + world.running->number;
}

/* Memory of the nodes, and nobody else's. */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *old);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *old);
char *__real_realpath(const char *path, char *resolved);
char *__wrap_realpath(const char *path, char *resolved);

static void *memory_taken(void *bytes)
{
	struct node *n = world.running;

	if (n != NULL && bytes != NULL)
		n->memory += malloc_usable_size(bytes);
	return bytes;
}

static void memory_left(void *bytes)
{
	if (world.running != NULL && bytes != NULL)
		world.running->memory -= malloc_usable_size(bytes);
}

void *__wrap_malloc(size_t size)
{
	return memory_taken(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
	return memory_taken(__real_calloc(count, size));
}

void *__wrap_realloc(void *old, size_t size)
{
	memory_left(old);
	return memory_taken(__real_realloc(old, size));
}

void __wrap_free(void *old)
{
	memory_left(old);
	__real_free(old);
}

char *__wrap_realpath(const char *path, char *resolved)
{
	return memory_taken(__real_realpath(path, resolved));
}

void *model_memory(void *old, size_t size)
{
	void *new = __real_realloc(old, size);

	if (new == NULL)
		wrong("no memory");
	return new;
}

void model_release(void *old)
{
	__real_free(old);
}

/* Sizes of a store: small ones have an end sooner. */

struct log *__wrap_log_open(int dir_fd);

struct log *__wrap_log_open(int dir_fd)
{
	return log_open_sized(dir_fd, &world.sizes);
}

/* Screens. */

void screen_read(struct node *n)
{
	struct node *running = world.running;
	char *end;
	ssize_t got;

	world.running = n; /* it speaks */
	while (world.now_ms >= n->unread_ms) {
		got = read(n->ours[1], n->screen + n->screen_size,
			sizeof(n->screen) - 1 - n->screen_size);
		if (got <= 0)
			break;
		n->screen_size += (size_t)got;
		n->screen[n->screen_size] = '\0';
		while ((end = strchr(n->screen, '\n')) != NULL) {
			*end = '\0';
			truth_shown(n, n->screen);
			n->screen_size -= (size_t)(end + 1 - n->screen);
			memmove(n->screen, end + 1, n->screen_size + 1);
		}
	}
	world.running = running;
}

static void notices_read(struct node *n)
{
	char text[4096];
	const char *said;
	ssize_t got = read(n->ours[2], text, sizeof(text) - 1);

	n->wrote = false;
	if (got <= 0)
		return;
	text[got] = '\0';
	for (char *at = strtok(text, "\n"); at != NULL; at = strtok(NULL, "\n"))
		if (strstr(at, "/chat-sim-") == NULL) {
			trace("%s: %s", n->name, at);
			said = strstr(at, "not said (");
			if (said != NULL && strchr(said, '"') != NULL)
				line_is_refused(strchr(said, '"') + 1);
		}
}

/* Nodes. */

static void node_stops(struct node *n)
{
	n->unread_ms = 0; /* what it has written was there to be read */
	screen_read(n);
	trace("%s stops%s", n->name,
		n->stop == STOP_KILLED ? "" : ", without power");
	n->dead = true;
	n->calls_left = -1;
	n->off = n->stop == STOP_POWERLESS;
	net_stop(n);
}

bool call_is_stopped(void)
{
	struct node *n = world.running;

	if (!n->dead && n->calls_left > 0 && --n->calls_left == 0)
		node_stops(n);
	return n->dead;
}

static void pipes_make(struct node *n)
{
	static const int reads[] = { 1, 0, 0, 1 }; /* the node's end */
	int ends[2];

	for (int i = 0; i < 4; i++) {
		if (pipe(ends) < 0)
			wrong("no pipe: %s", strerror(errno));
		n->theirs[i] = ends[!reads[i]];
		n->ours[i] = ends[reads[i]];
		(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
		(void)fcntl(ends[1], F_SETFL, O_NONBLOCK);
	}
}

/*
 * Whom a node calls: at least one of those before it, so that there is a way
 * from each to each, and in large worlds few others.
 */
static void peers_choose(const struct node *n, struct options *o)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	uint64_t z = mixed(world.seed + (uint64_t)n->number * 77);
	uint64_t rare = 2 + (uint64_t)world.node_count / 8;

	for (int i = 0; i < world.node_count; i++) {
		struct target *t = &o->peers[o->peer_count];
		bool must =
			n->number > 0 && i == (int)(z % (uint64_t)n->number);

		bool may = mixed(z + (uint64_t)i) % rare == 0;

		if (world.measured)
			must = may = i < n->number; /* all know each other */
		if (i == n->number || (!must && !may))
			continue;
		at.sin_addr.s_addr = htonl(0x0a4d0001 + (uint32_t)i);
		at.sin_port = htons(4000);
		t->kind = TARGET_NUMBER;
		t->text = world.nodes[i].name;
		t->port = 4000;
		memcpy(&t->number, &at, sizeof(at));
		o->peer_count++;
	}
}

static void node_wants(struct node *n)
{
	world.running = n;
	loop_begin(&n->loop, chat_clock_ms());
	chat_want(n->chat, &n->loop);
	world.running = NULL;
}

/* Its process is over, however that came. */
static void node_ended(struct node *n)
{
	world.running = n;
	chat_close(n->chat);
	n->unread_ms = 0;
	screen_read(n);
	world.running = NULL;
	if (n->memory != 0)
		wrong("%s has ended, and has %zu bytes", n->name, n->memory);
	notices_read(n);
	n->chat = NULL;
	n->dead = false;
	for (int i = 0; i < 4; i++) {
		(void)close(n->theirs[i]);
		(void)close(n->ours[i]);
	}
	if (n->off) {
		disk_lose(n);
		truth_forget(n);
		if (n->restored && disk_restore(n))
			truth_loosen(n, n->copied);
		else if (n->sync_lied)
			truth_loosen(n, n->truly);
		n->holed |= n->sync_lied;
		n->restored = n->sync_lies = n->sync_lied = false;
		n->clock_ms = (int64_t)luck(1000 * 1000);
	}
	n->start_ms =
		world.now_ms + 1 + (int64_t)luck(chance(4) ? 20 * 1000 : 1000);
	if (world.measured)
		n->start_ms = NEVER; /* until it is told to */
}

/* What its disk lost can not be started from, and was refused: all is lost. */
static void node_begins_anew(struct node *n)
{
	static const uint32_t nothing[LOGS_MAX];

	disk_replace(n);
	truth_loosen(n, nothing);
	n->holed = false;
}

static void node_start(struct node *n)
{
	struct options o;
	int status;

	trace("%s starts", n->name);
	options_default(&o);
	pipes_make(n);
	o.name = n->name;
	o.dir = n->dir;
	o.port = OPTIONS_NO_PORT;
	o.no_mdns = o.json = true;
	o.verbosity = VERBOSITY_VERBOSE;
	o.in_fd = n->theirs[0];
	o.out_fd = n->theirs[1];
	o.err_fd = n->theirs[2];
	o.signal_fd = n->theirs[3];
	peers_choose(n, &o);
	n->off = n->disk_failed = false;
	n->busy_ms = world.now_ms;
	n->unread_ms = 0;
	n->life++;
	n->remember_ms = world.now_ms + REMEMBER_MS;
	memcpy(n->owed, n->promised, sizeof(n->owed));
	n->screen_size = 0;
	n->elders_shown = 0;
	n->history = 0;
	memset(n->shown, 0, sizeof(n->shown));
	world.running = n;
	n->chat = chat_open(&o, &status);
	world.running = NULL;
	if (n->chat != NULL && !n->dead) {
		node_wants(n);
		return;
	}
	notices_read(n);
	if (!n->dead && n->holed && status == EX_DATAERR)
		node_begins_anew(n);
	else if (!n->dead && !n->full && !n->disk_failed)
		wrong("%s can not start: status %d", n->name, status);
	node_ended(n);
}

void node_called(struct node *n, int fd)
{
	world.running = n;
	if (chat_adopt(n->chat, fd, MESH_ACCEPTED) < 0)
		trace("%s has no place for a caller", n->name);
	world.running = NULL;
	n->touched = true;
}

/* (3): has it shown by now what it once had? */
static void node_remembers(struct node *n)
{
	if (world.now_ms < n->remember_ms)
		return;
	truth_is_remembered(n);
	n->remember_ms = NEVER;
}

/* The system knows of pipes, the network of connections. */
static bool node_polls(struct node *n)
{
	struct pollfd pipes[LOOP_FDS_MAX];
	int count = n->loop.count, state;
	bool ready = false, still = false;

	memcpy(pipes, n->loop.fds, (size_t)count * sizeof(*pipes));
	for (int i = 0; i < count; i++) {
		state = net_ready(pipes[i].fd, pipes[i].events);
		n->loop.fds[i].revents = (short)(state < 0 ? 0 : state);
		if (state >= 0)
			pipes[i].fd = -1; /* poll passes it over */
		else if ((pipes[i].events & POLLOUT) != 0)
			n->typed = true; /* it has something to write */
	}
	if (n->typed && poll(pipes, (nfds_t)count, 0) < 0)
		wrong("poll: %s", strerror(errno));
	for (int i = 0; i < count; i++) {
		if (n->typed)
			n->loop.fds[i].revents |= pipes[i].revents;
		still |= n->typed && pipes[i].revents != 0;
		ready |= n->loop.fds[i].revents != 0;
	}
	n->typed = still;
	return ready;
}

/* One turn of its loop, if there is a reason for one.  False when not. */
static bool node_turn(struct node *n)
{
	int status, links;
	bool ready =
		n->touched || n->loop.wake_ms - n->clock_ms <= world.now_ms;

	ready |= node_polls(n);
	if (!ready)
		return false;
	n->touched = false;
	world.running = n;
	chat_run(n->chat, &n->loop);
	world.running = NULL;
	if (n->wrote)
		notices_read(n);
	if (n->dead || chat_is_done(n->chat, &status)) {
		/* What a full disk did not take at the end is told so. */
		if (!n->dead && status != EX_OK && !n->disk_failed &&
			!(n->full && status == EX_IOERR))
			wrong("%s ends with status %d", n->name, status);
		node_ended(n);
		return true;
	}
	links = net_count(n);
	if (links > 2 * world.node_count + LINKS_SPARE)
		wrong("%s has %d connections", n->name, links);
	if (!world.measured &&
		n->memory > MEMORY_MAX + (size_t)links * MEMORY_LINK_MAX)
		wrong("%s has %zu bytes and %d connections", n->name, n->memory,
			links);
	node_wants(n);
	if (!world.measured && chance(8))
		n->busy_ms = world.now_ms + (int64_t)luck(30);
	return true;
}

/* People, and what goes wrong. */

static struct node *somebody(void)
{
	return &world.nodes[luck((uint64_t)world.node_count)];
}

/* The line's number; -1 when nothing was typed: nobody is there to read it. */
int node_says(struct node *n)
{
	char text[LINE_SIZE + 1];
	size_t size;
	int line = line_total();

	if (n->chat == NULL || line == LINES_MAX)
		return -1;
	line_text(line, text);
	size = strlen(text);
	text[size] = '\n';
	if (write(n->ours[0], text, size + 1) != (ssize_t)size + 1)
		return -1;
	trace("%s is told to say line %d, %d bytes", n->name, line, (int)size);
	n->typed = world.moved = true; /* it has something to do */
	return line_add(n);
}

static void node_falls(struct node *n)
{
	world.running = n;
	node_stops(n);
	world.running = NULL;
	node_ended(n);
}

static void stop_happens(struct node *n)
{
	if (n->chat == NULL)
		return;
	n->stop = chance(2) ? STOP_KILLED : STOP_POWERLESS;
	n->calls_left = 1 + (long)luck(chance(2) ? 6 : 60);
	if (!chance(2)) /* or inside a call, soon */
		node_falls(n);
}

void node_is_killed(struct node *n)
{
	n->stop = STOP_KILLED;
	node_falls(n);
}

static void node_leaves(struct node *n)
{
	static const char signal_byte = SIGTERM;

	if (n->chat == NULL || write(n->ours[3], &signal_byte, 1) != 1)
		return;
	trace("%s is asked to leave", n->name);
	n->life++; /* what it is told to say now may be lost */
	n->typed = world.moved = true;
}

void world_part(uint64_t side)
{
	trace("wall: %s", side == 0 ? "none" : "in two parts");
	for (int a = 0; a < world.node_count; a++)
		for (int b = 0; b < world.node_count; b++)
			world.wall[a][b] = ((side >> a ^ side >> b) & 1) != 0;
}

static void wall_happens(void)
{
	int a = somebody()->number, b = somebody()->number;
	bool up = !world.wall[a][b];

	trace("wall: %d %s %d", a, up ? "|" : " ", b);
	world.wall[a][b] = up;
	if (!chance(3))
		world.wall[b][a] = up;
}

static void clock_happens(struct node *n)
{
	n->wall_ms = (int64_t)luck(chance(2) ? 2000 : 2000 * 1000) -
		     (int64_t)luck(chance(2) ? 2000 : 2000 * 1000);
	trace("%s's clock is %lld ms ahead", n->name, (long long)n->wall_ms);
}

/* A copy of its disk is made, or put back when it has no power. */
static void copy_happens(struct node *n)
{
	if (n->off || n->chat == NULL)
		return;
	if (chance(2)) {
		memcpy(n->copied, n->sync_lied ? n->truly : n->promised,
			sizeof(n->copied));
		disk_copy(n);
		return;
	}
	n->stop = STOP_POWERLESS;
	n->restored = world.restores;
	node_falls(n);
	if (!world.restores)
		return;
	/* Alone, it can not know that it is a copy: so its log is forked. */
	world_part(UINT64_C(1) << n->number);
	world_run(n->start_ms + SETTLED_MS);
	(void)node_says(n);
	world_run(world.now_ms + 1000);
}

/* An fsync fails, or does nothing and does not say so; or all is safe now. */
static void sync_happens(struct node *n)
{
	n->sync_fails = chance(2);
	if (!world.bad_disks || n->chat == NULL || n->sync_fails)
		return;
	n->sync_lies = !n->sync_lies;
	trace("%s's disk %s", n->name, n->sync_lies ? "lies" : "is honest");
	if (!n->sync_lies)
		disk_settle(n);
	else if (!n->sync_lied)
		memcpy(n->truly, n->promised, sizeof(n->truly));
	n->sync_lied = n->sync_lies;
	n->disk_hurt = true;
}

/* It has no turn, or nobody reads its screen: for long. */
static void stuck_happens(struct node *n)
{
	int64_t until_ms =
		world.now_ms + (int64_t)luck(chance(4) ? 120 * 1000 : 40000);

	trace("%s is stuck until %lld", n->name, (long long)until_ms);
	if (n->remember_ms != NEVER)
		n->remember_ms = until_ms + REMEMBER_MS;
	if (chance(3))
		n->unread_ms = until_ms;
	else
		n->busy_ms = until_ms;
}

/* Who was heard to lie is honest in another life: nobody takes it back. */
static void lie_happens(struct node *n)
{
	if (n->lies && n->chat != NULL)
		node_is_killed(n);
	n->lies = !n->lies && world.liars;
	trace("%s %s", n->name, n->lies ? "lies" : "tells the truth");
}

static void trouble(void)
{
	struct node *n = somebody();

	if (world.restores && chance(6)) {
		copy_happens(n);
		return;
	}
	switch (luck(18)) {
	case 0:
	case 1:
	case 2:
		stop_happens(n);
		break;
	case 3:
		node_leaves(n);
		break;
	case 4:
	case 5:
		wall_happens();
		break;
	case 6:
		world_part(chance(3) ? luck(UINT64_MAX) : 0);
		break;
	case 7:
	case 8:
		net_reset();
		break;
	case 9:
		n->full = !n->full;
		trace("%s's disk is%s full", n->name, n->full ? "" : " not");
		break;
	case 10:
		sync_happens(n);
		break;
	case 11:
		clock_happens(n);
		break;
	case 12:
		stuck_happens(n);
		break;
	case 13:
		copy_happens(n);
		break;
	case 14:
		lie_happens(n);
		break;
	default:
		for (uint64_t i = luck(chance(4) ? 100 : 8);
			i > 0 && line_total() < LINES_MAX - NODES_MAX; i--)
			(void)node_says(n); /* some are not heard */
	}
}

static void trouble_ends(void)
{
	world_part(0);
	for (int i = 0; i < world.node_count; i++) {
		struct node *n = &world.nodes[i];

		n->full = n->sync_fails = n->sync_lies = n->sync_lied = false;
		disk_settle(n);
		n->calls_left = -1;
		if (n->lies && n->chat != NULL) {
			n->stop = STOP_KILLED; /* nobody knows what it told */
			node_falls(n);
		}
		n->lies = false;
		if (n->busy_ms > world.now_ms)
			n->busy_ms = world.now_ms;
		if (n->unread_ms > world.now_ms)
			n->unread_ms = world.now_ms;
		if (n->chat == NULL)
			n->start_ms = world.now_ms;
	}
	trace("nothing fails any more");
}

/* Time. */

static int64_t next_ms(void)
{
	int64_t next = net_next_ms();

	for (int i = 0; i < world.node_count; i++) {
		const struct node *n = &world.nodes[i];
		int64_t at = n->start_ms;

		if (n->chat != NULL)
			at = n->loop.wake_ms - n->clock_ms;
		if (n->chat != NULL && world.now_ms < n->busy_ms)
			at = n->busy_ms;
		if (n->unread_ms != 0 && n->unread_ms < at)
			at = n->unread_ms;
		if (at < next)
			next = at;
	}
	return next;
}

/* Goes on until `until_ms`, or the next thing that happens before. */
void world_step(int64_t until_ms)
{
	int64_t next = next_ms();

	/* While somebody has something to do, time goes slowly. */
	if (world.moved && next > world.now_ms)
		next = world.now_ms + chance(8);
	if (next > until_ms)
		next = until_ms;
	if (next > world.now_ms)
		world.now_ms = next;
	world.moved = false;
	net_run();
	for (int i = 0; i < world.node_count; i++) {
		struct node *n = &world.nodes[i];

		if (n->chat == NULL && n->start_ms <= world.now_ms)
			node_start(n);
		if (n->unread_ms != 0 && n->unread_ms <= world.now_ms) {
			n->unread_ms = 0;
			screen_read(n);
			n->typed = true; /* it can go on writing */
		}
		if (n->chat == NULL || n->busy_ms > world.now_ms)
			continue;
		world.moved |= node_turn(n);
		if (n->chat != NULL)
			node_remembers(n);
	}
	if (++world.turns > TURNS_MAX)
		wrong("%d turns", TURNS_MAX);
}

void world_run(int64_t until_ms)
{
	while (world.now_ms < until_ms)
		world_step(until_ms);
}

bool all_is_shown(void)
{
	for (int i = 0; i < world.node_count; i++) {
		if (world.nodes[i].chat == NULL ||
			!truth_is_shown(&world.nodes[i]))
			return false;
	}
	return true;
}

/* The story. */

/* Mostly few, whose stories are short. */
static int nodes_choose(void)
{
	if (chance(256))
		return 2 + (int)luck(NODES_MAX - 1);
	return 2 + (int)luck(chance(24) ? 15 : 4);
}

static void world_begin(uint64_t seed, int node_count)
{

	bool verbose = world.verbose;

	memset(&world, 0, sizeof(world));
	world.verbose = verbose;
	world.seed = world.luck = seed;
	world.node_count = nodes_choose();
	if (node_count > 0)
		world.node_count = node_count;
	world.delay_ms = (int64_t)luck(chance(4) ? 300 : 5);
	world.bulky = chance(4);
	world.hushed = chance(2);
	world.liars = chance(2);
	world.restores = chance(3);
	world.bad_disks = chance(3);
	world.sizes = chance(16) ? usual_sizes : small_sizes;
	truth_begin();
	for (int i = 0; i < world.node_count; i++) {
		struct node *n = &world.nodes[i];

		n->number = i;
		(void)snprintf(n->name, sizeof(n->name), "n%d", i);
		n->calls_left = -1;
		n->forgeries = FORGERIES;
		n->start_ms = (int64_t)luck(3000);
		n->clock_ms = (int64_t)luck(1000 * 1000);
	}
	net_begin();
}

/* Another character that it prints: the digits are in brackets. */
static void digits_note(struct node *n, char c)
{
	size_t count = strlen(n->digits);

	if (c == '(')
		memset(n->digits, 0, sizeof(n->digits));
	else if (count < sizeof(n->digits) - 1)
		n->digits[count] = c;
}

/* What it prints, as a number; our own output is lent to it. */
static uint64_t printed(struct node *n, int inspect(const struct options *))
{
	FILE *file = tmpfile();
	int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO), status, c;
	struct options o;
	uint64_t sum = 0;

	if (file == NULL || out < 0 || err < 0)
		wrong("no file for what is printed: %s", strerror(errno));
	options_default(&o);
	o.name = n->name;
	o.dir = n->dir;
	o.err_fd = n->theirs[2];
	(void)fflush(stdout);
	(void)dup2(fileno(file), STDOUT_FILENO);
	(void)dup2(n->theirs[2], STDERR_FILENO);
	world.running = n;
	status = inspect(&o);
	world.running = NULL;
	(void)dup2(out, STDOUT_FILENO);
	(void)dup2(err, STDERR_FILENO);
	(void)close(out);
	(void)close(err);
	rewind(file);
	while ((c = getc(file)) != EOF) {
		sum = (sum ^ (uint8_t)c) * 0x100000001b3;
		digits_note(n, (char)c);
		if (status != EX_OK && !n->disk_hurt)
			(void)putchar(c);
	}
	(void)fclose(file);
	if (status != EX_OK && !n->disk_hurt)
		wrong("%s: --log or --check ends with %d", n->name, status);
	return sum;
}

/* All machines lose their power at once, and start once more. */
static void world_restarts(void)
{
	const struct node *first = NULL;
	uint64_t first_log = 0;

	for (int i = 0; i < world.node_count; i++) {
		struct node *n = &world.nodes[i];

		n->stop = STOP_POWERLESS;
		node_falls(n);
		n->start_ms = world.now_ms;
	}
	memset(world.wall, 1, sizeof(world.wall));
	world_run(world.now_ms + 2 * REMEMBER_MS);
	if (!all_is_shown())
		wrong("something is forgotten after the last restart");
	for (int i = 0; i < world.node_count; i++) {
		struct node *n = &world.nodes[i];
		uint64_t log = printed(n, inspect_log);

		(void)printed(n, inspect_check);
		if (n->holed) /* it has what nobody can fill, and more */
			continue;
		if (first == NULL) {
			first = n;
			first_log = log;
		}
		if (n->history != first->history)
			wrong("%s and %s do not show the same history",
				first->name, n->name);
		if (log != first_log)
			wrong("--log prints something else on %s and %s",
				first->name, n->name);
		if (strcmp(n->digits, first->digits) != 0)
			wrong("%s has %s, %s has %s", first->name,
				first->digits, n->name, n->digits);
	}
}

/*
 * Everybody says a last line, once, and then everybody has it; but not in all
 * stories, because a new line may wake what would else hang.
 */
static bool last_is_said(int last[NODES_MAX])
{
	bool all = true;

	for (int i = 0; i < world.node_count && !world.hushed; i++) {
		if (last[i] < 0)
			last[i] = node_says(&world.nodes[i]);
		all &= last[i] >= 0 && line_is_kept(last[i]);
	}
	return all;
}

static void traces(void)
{
	for (int i = 0; i < world.node_count; i++)
		truth_trace(&world.nodes[i]);
}

static void world_converges(void)
{
	int64_t end_ms = world.now_ms + CONVERGE_MS;
	int last[NODES_MAX];

	memset(last, 0xff, sizeof(last));
	world_run(world.now_ms + 3 * CHAT_LEAVE_MS); /* some may be leaving */
	while (world.now_ms < end_ms) {
		if (last_is_said(last) && all_is_shown() && line_open() < 0)
			return;
		world_step(end_ms);
	}
	traces();
	if (line_open() >= 0)
		wrong("line %d is lost without a word", line_open());
	wrong("after %d s not everybody has everything", CONVERGE_MS / 1000);
}

/* Everybody says a line, and everybody has it soon. */
static void world_talks(int64_t most_ms, const char *when)
{
	int64_t end_ms = world.now_ms + most_ms;

	for (int i = 0; i < world.node_count; i++) {
		if (node_says(&world.nodes[i]) < 0)
			return; /* there were too many */
	}
	while (!all_is_shown() || line_open() >= 0) {
		if (world.now_ms < end_ms) {
			world_step(end_ms);
			continue;
		}
		traces();
		wrong("%s, somebody waits for a line for more than %d ms", when,
			(int)most_ms);
	}
}

/* Nobody is told that this connection is cut, but there is another way. */
static bool world_is_cut(void)
{
	for (int i = 0; i < CUTS_TRIED; i++) {
		const struct node *a = somebody(), *b = somebody();
		const struct node *c = somebody();

		if (a == b || b == c || a == c || !net_links(a, b) ||
			!net_links(b, c) || !net_links(a, c))
			continue;
		trace("nothing passes between %s and %s", a->name, b->name);
		world.wall[a->number][b->number] = true;
		world.wall[b->number][a->number] = true;
		return true;
	}
	return false;
}

/* (8): how long things take while nothing fails, and when one thing does. */
static void world_is_calm(void)
{
	world.delay_ms %= 5;
	world.calm = true;
	world_run(world.now_ms + CALM_MS); /* all links that can be are up */
	world_talks(SETTLE_MS, "with all well");
	for (int i = 0; i < 2; i++)
		world_talks(TALK_MS, "with all settled");
	if (world_is_cut())
		world_talks(DETOUR_MS, "with one connection cut");
	world_part(0);
}

/*
 * With all well, a machine is given an older copy of its disk, and its person
 * says something at once: others have its records, so nothing is forked.  It
 * is not the first node, which calls nobody: nobody might call it in time.
 */
static void world_heals(void)
{
	struct node *n = &world.nodes[1 + luck((uint64_t)world.node_count - 1)];
	int line = -1;

	n->stop = STOP_POWERLESS;
	node_falls(n);
	net_drop(n);
	if (!disk_restore(n))
		return; /* it has none: it only lost its power */
	truth_forget(n);
	memcpy(n->promised, n->copied, sizeof(n->promised));
	world_run(n->start_ms + 1);
	for (int i = 0; i < 1000 && line < 0; i++) {
		world_run(world.now_ms + 1);
		line = node_says(n);
	}
	world.hushed = true;
	world_converges();
}

/* Descriptors of this process. */
static int fd_count(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int count = 0;

	while (folder != NULL && readdir(folder) != NULL)
		count++;
	(void)closedir(folder);
	return count;
}

/* The world of figures.c. */
static void story_of_figures(int node_count, int authors, const char *path)
{
	world_begin(1, node_count);
	world.sizes = usual_sizes;
	world.measured = true;
	world.delay_ms = 1;
	world.bulky = false;
	disk_begin(path);
	figures(authors);
	for (int i = 0; i < node_count; i++)
		node_is_killed(&world.nodes[i]);
	disk_end();
}

static void story(uint64_t seed, int node_count, const char *path)
{
	int fds = fd_count();
	int64_t end_ms;

	world_begin(seed, node_count);
	end_ms = TROUBLE_MS * (chance(8) ? 4 : 1);
	disk_begin(path);
	while (world.now_ms < end_ms) {
		world_run(world.now_ms + (int64_t)luck(chance(4) ? 5000 : 300));
		for (int i = 0; i <= world.node_count / 8; i++)
			trouble();
	}
	trouble_ends();
	world_converges();
	trace("all have all, %d lines, %lld ms after the last trouble",
		line_total(), (long long)(world.now_ms - end_ms));
	world_is_calm();
	world_heals();
	world_run(
		world.now_ms + SETTLE_MS); /* forked logs are not waited for */
	world_restarts();
	for (int i = 0; i < world.node_count; i++)
		node_ended(&world.nodes[i]);
	disk_end();
	if (fd_count() != fds)
		wrong("%d descriptors are left open", fd_count() - fds);
}

/* A failed assertion, or what a sanitizer found. */
static void on_abort(int number)
{
	(void)number;
	wrong("the program was aborted");
}

const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{
	return "abort_on_error=1";
}

const char *__ubsan_default_options(void)
{
	return "abort_on_error=1";
}

static int64_t real_s(void)
{
	struct timespec now;

	(void)__real_clock_gettime(CLOCK_MONOTONIC, &now); /* it is there */
	return now.tv_sec;
}

int main(int argc, char **argv)
{
	const char *base = getenv("TMPDIR");
	char path[100];
	long count = 1, told;
	uint64_t seed = 1;
	int node_count = 0;
	int64_t total_ms = 0, end_s = INT64_MAX;
	uint64_t digest, print = 0;
	bool measure = false;
	int option;

	while ((option = getopt(argc, argv, "fvn:t:")) != -1) {
		if (option == 'v')
			world.verbose = true;
		else if (option == 'f')
			measure = true;
		else if (option == 'n')
			count = atol(optarg);
		else if (option == 't')
			end_s = real_s() + atol(optarg);
		else
			return EX_USAGE;
	}
	if (optind < argc)
		seed = strtoull(argv[optind], NULL, 10);
	if (optind + 1 < argc)
		node_count = atoi(argv[optind + 1]);
	if (node_count < 0 || node_count > NODES_MAX)
		return EX_USAGE;
	if (base == NULL)
		base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	(void)snprintf(path, sizeof(path), "%s/chat-sim-XXXXXX", base);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGABRT, on_abort);
	if (mkdtemp(path) == NULL) {
		perror(path);
		return EX_CANTCREAT;
	}
	if (measure) {
		story_of_figures(node_count, (int)seed, path);
		return 0;
	}
	if (end_s != INT64_MAX)
		count = LONG_MAX;
	for (told = 0; told < count && real_s() < end_s; told++) {
		story(seed + (uint64_t)told, node_count, path);
		total_ms += world.now_ms;
		print = mixed(print ^ world.digest);
	}
	digest = world.digest;
	if (told > 1)
		story(world.seed, node_count, path);
	if (digest != world.digest)
		wrong("told twice, the story is another one");
	printf("sim: %ld seeds from %llu, %.1f hours simulated, all well "
	       "(%016llx)\n",
		told, (unsigned long long)seed, (double)total_ms / 3600000,
		(unsigned long long)print);
	return 0;
}
