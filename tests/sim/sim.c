/* SPDX-License-Identifier: ISC */
/*
 * sim.c: two to five nodes chat while everything breaks, by a seed.
 *
 *	sim [-v] SEED [NODES]		one story; -v tells it
 *	sim -n COUNT SEED [NODES]	COUNT of them, from this seed on
 *
 * For about a minute of virtual time people talk, and machines, processes,
 * connections and disks fail.  Then nothing fails any more, everybody may say
 * a last line, and within CONVERGE_MS all screens must show the same.  At the
 * very end all machines lose their power at once, and must still know it all.
 *
 * What must hold, and when it is checked:
 *
 *	(1) Whenever bytes leave a node: each record and each head in them is
 *	    in files of its disk that no power cut can take back (disk.c).  So
 *	    is every line when it appears on the screen.
 *	(2) One author's number has one text, for ever and everywhere: `truth`.
 *	    Its own node is the first to use it; the text is one that was said
 *	    there, and no other number has it.  No node changes its author.
 *	(3) In each life a screen shows each author's numbers 1, 2, 3, ...: so
 *	    nothing twice and no gap.  What a node has ever shown, sent or told
 *	    of is `promised`: soon after each start it must have been shown
 *	    again.
 *	(4) A node has no more than DESCRIPTORS_MAX connections, its memory is
 *	    below MEMORY_MAX, and in the end no descriptor is left open.
 *	(5) A node ends or refuses to start only when it was given a reason.
 *	(6) After the last fault: see above.
 */
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
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

#include "world.h"

enum {
	TROUBLE_MS = 60 * 1000,
	CONVERGE_MS = 120 * 1000,
	REMEMBER_MS = 3000, /* by then history was shown */
	DESCRIPTORS_MAX = 24,
	MEMORY_MAX = 8 * 1024 * 1024, /* of a node */
	TURNS_MAX = 2000000           /* of a story: it must have an end */
};

#define WALL_CLOCK_MS INT64_C(1795000000000)

struct world world;

/* A line that somebody said; its text can be made again from its number. */
struct line {
	const struct node *node;
	int author; /* -1: it has no number yet */
	uint32_t seq;
};

static struct line lines[LINES_MAX];
static int line_count;
static uint8_t authors[AUTHORS_MAX][LEGACY_KEY_SIZE];
static const struct node *author_node[AUTHORS_MAX];
static uint32_t heads[AUTHORS_MAX]; /* newest number known to be used */
static int author_count;
static int truth[AUTHORS_MAX][LINES_MAX + 1]; /* line, by author and seq */
static size_t memory_before;

/* Leaves. */

static uint64_t mixed(uint64_t z)
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

	printf("WRONG, seed %llu, %d nodes, at %.3f s: ",
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

static void line_text(int line, char text[LINE_SIZE])
{
	uint64_t z = mixed(world.seed ^ (uint64_t)line << 32);
	size_t size = z % (world.bulky || z % 17 == 0 ? 4000 : 100);
	size_t at = (size_t)snprintf(text, 32, "L%06d-", line);

	for (size_t i = 0; i < size; i++)
		text[at++] = (char)('a' + mixed(z + i) % 26);
	text[at] = '\0';
}

/* Clocks and luck of the nodes. */

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

/* What is true. */

static void text_is(int author, uint32_t seq, const char *text, size_t size)
{
	char want[LINE_SIZE];
	int line = truth[author][seq];

	line_text(line, want);
	if (size != strlen(want) || memcmp(text, want, size) != 0)
		wrong("number %u of %s is \"%s\", and for %s it is \"%.*s\"",
			seq, author_node[author]->name, want,
			world.running->name, (int)size, text);
}

/* Its author's node uses a number for the first time. */
static void text_becomes(
	int author, uint32_t seq, const char *text, size_t size)
{
	struct node *n = world.running;
	int line = size > 8 || text[0] == 'L' ? atoi(text + 1) : -1;

	if (author_node[author] != n)
		wrong("%s knows number %u of %s, who does not", n->name, seq,
			author_node[author]->name);
	if (line < 0 || line >= line_count || lines[line].node != n)
		wrong("%s says \"%.*s\", which nobody typed there", n->name,
			(int)size, text);
	if (lines[line].author >= 0)
		wrong("%s says line %d as number %u, which was %u before",
			n->name, line, seq, lines[line].seq);
	if (seq != heads[author] + 1)
		wrong("%s uses number %u, but not %u before", n->name, seq,
			heads[author] + 1);
	heads[author] = seq;
	lines[line].author = author;
	lines[line].seq = seq;
	truth[author][seq] = line;
	text_is(author, seq, text, size);
}

/* (1): no power cut can take it from the running node any more. */
static void is_held(int author, uint32_t seq, const char *how)
{
	struct node *n = world.running;
	char text[LINE_SIZE];
	int line;

	if (seq > n->promised[author])
		n->promised[author] = seq;
	if (seq > heads[author] && author == n->author)
		return; /* a head is told of before the texts are seen */
	if (seq > heads[author])
		wrong("%s tells of number %u of %s, who has %u", n->name, seq,
			author_node[author]->name, heads[author]);
	line = truth[author][seq];
	if (n->held[line])
		return;
	line_text(line, text);
	if (!disk_holds(n, text))
		wrong("%s has %s line %d, number %u of %s, "
		      "and a power cut could still take it",
			n->name, how, line, seq, author_node[author]->name);
	n->held[line] = true;
}

static int author_of(const uint8_t *key)
{
	int a = 0;

	while (a < author_count &&
		memcmp(authors[a], key, LEGACY_KEY_SIZE) != 0)
		a++;
	if (a < author_count)
		return a;
	if (a == AUTHORS_MAX)
		wrong("more than %d authors", AUTHORS_MAX);
	if (world.running->author >= 0)
		wrong("%s has become somebody else, or invents somebody",
			world.running->name);
	memcpy(authors[a], key, LEGACY_KEY_SIZE);
	author_node[a] = world.running;
	world.running->author = a;
	return author_count++;
}

static void has_record(const uint8_t *key, uint32_t seq, const char *text,
	size_t size, const char *how)
{
	int author = author_of(key);

	if (seq == 0 || seq > LINES_MAX)
		wrong("%s uses number %u", world.running->name, seq);
	if (truth[author][seq] >= 0)
		text_is(author, seq, text, size);
	else
		text_becomes(author, seq, text, size);
	is_held(author, seq, how);
}

void told_id(const uint8_t *key)
{
	if (author_of(key) != world.running->author)
		wrong("%s says it is %s", world.running->name,
			author_node[author_of(key)]->name);
}

void told_head(const uint8_t *key, uint32_t seq)
{
	is_held(author_of(key), seq, "told of");
}

void told_record(const struct legacy_event *change)
{
	has_record(change->key, change->seq, (const char *)change->bytes,
		change->size, "sent");
}

/* Screens. */

static const char *after(const char *line, const char *field)
{
	const char *at = strstr(line, field);

	if (at == NULL)
		wrong("%s is missing in: %s", field, line);
	return at + strlen(field);
}

static void screen_line(struct node *n, const char *line)
{
	const char *id, *text;
	uint8_t key[LEGACY_KEY_SIZE];
	uint32_t seq;
	int author;

	if (strncmp(line, "{\"type\":\"message\"", 17) != 0)
		return;
	id = after(line, "\"author\":\"");
	seq = (uint32_t)strtoul(after(line, "\"seq\":"), NULL, 10);
	text = after(line, "\"text\":\"");
	if (!legacy_key_of_id(id, strcspn(id, "\""), key))
		wrong("no author in: %s", line);
	has_record(key, seq, text, strcspn(text, "\""), "shown");
	author = author_of(key);
	if (seq != n->shown[author] + 1)
		wrong("%s shows number %u of %s after %u", n->name, seq,
			author_node[author]->name, n->shown[author]);
	n->shown[author] = seq;
}

void screen_read(struct node *n)
{
	char *end;
	ssize_t got;

	for (;;) {
		got = read(n->ours[1], n->screen + n->screen_size,
			sizeof(n->screen) - 1 - n->screen_size);
		if (got <= 0)
			return;
		n->screen_size += (size_t)got;
		n->screen[n->screen_size] = '\0';
		while ((end = strchr(n->screen, '\n')) != NULL) {
			*end = '\0';
			screen_line(n, n->screen);
			n->screen_size -= (size_t)(end + 1 - n->screen);
			memmove(n->screen, end + 1, n->screen_size + 1);
		}
	}
}

static void notices_read(struct node *n)
{
	char text[4096];
	ssize_t got = read(n->ours[2], text, sizeof(text) - 1);

	n->wrote = false;
	if (got <= 0)
		return;
	text[got] = '\0';
	for (char *at = strtok(text, "\n"); at != NULL; at = strtok(NULL, "\n"))
		if (strstr(at, "/chat-sim-") == NULL)
			trace("%s: %s", n->name, at);
}

/* Nodes. */

static void node_stops(struct node *n)
{
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

/* Whom a node calls: at least one of those before it. */
static void peers_choose(const struct node *n, struct options *o)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	uint64_t z = mixed(world.seed + (uint64_t)n->number * 77);

	for (int i = 0; i < world.node_count; i++) {
		struct target *t = &o->peers[o->peer_count];
		bool must =
			n->number > 0 && i == (int)(z % (uint64_t)n->number);

		if (i == n->number || (!must && (z >> (8 + i) & 1) == 0))
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
	screen_read(n);
	world.running = NULL;
	notices_read(n);
	n->chat = NULL;
	n->dead = false;
	for (int i = 0; i < 4; i++) {
		(void)close(n->theirs[i]);
		(void)close(n->ours[i]);
	}
	if (n->off) {
		disk_lose(n);
		memset(n->held, 0, sizeof(n->held));
		n->clock_ms = (int64_t)luck(1000 * 1000);
	}
	n->start_ms =
		world.now_ms + 1 + (int64_t)luck(chance(4) ? 20 * 1000 : 1000);
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
	n->remember_ms = world.now_ms + REMEMBER_MS;
	memcpy(n->owed, n->promised, sizeof(n->owed));
	n->screen_size = 0;
	memset(n->shown, 0, sizeof(n->shown));
	world.running = n;
	n->chat = chat_open(&o, &status);
	world.running = NULL;
	if (n->chat != NULL && !n->dead) {
		node_wants(n);
		return;
	}
	notices_read(n);
	if (!n->dead && !n->full && !n->disk_failed)
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
	for (int a = 0; a < author_count; a++) {
		if (n->shown[a] < n->owed[a])
			wrong("%s had %s up to %u, and after a restart up to "
			      "%u",
				n->name, author_node[a]->name, n->owed[a],
				n->shown[a]);
	}
	n->remember_ms = NEVER;
}

/* The system knows of pipes, the network of connections. */
static bool node_polls(struct node *n)
{
	struct pollfd pipes[LOOP_FDS_MAX];
	int count = n->loop.count, state;
	bool ready = false;

	memcpy(pipes, n->loop.fds, (size_t)count * sizeof(*pipes));
	for (int i = 0; i < count; i++) {
		state = net_ready(pipes[i].fd, pipes[i].events);
		n->loop.fds[i].revents = (short)(state < 0 ? 0 : state);
		if (state >= 0)
			pipes[i].fd = -1; /* poll passes it over */
	}
	if (poll(pipes, (nfds_t)count, 0) < 0)
		wrong("poll: %s", strerror(errno));
	for (int i = 0; i < count; i++) {
		n->loop.fds[i].revents |= pipes[i].revents;
		ready |= n->loop.fds[i].revents != 0;
	}
	return ready;
}

/* One turn of its loop, if there is a reason for one.  False when not. */
static bool node_turn(struct node *n)
{
	int status;
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
	if (net_count(n) > DESCRIPTORS_MAX)
		wrong("%s has %d connections", n->name, net_count(n));
	node_wants(n);
	if (chance(8))
		n->busy_ms = world.now_ms + (int64_t)luck(30);
	return true;
}

/* People, and what goes wrong. */

static struct node *somebody(void)
{
	return &world.nodes[luck((uint64_t)world.node_count)];
}

/* False when nothing was typed: nobody is there to read it. */
static bool node_says(struct node *n)
{
	char text[LINE_SIZE + 1];
	size_t size;

	if (n->chat == NULL || line_count == LINES_MAX)
		return false;
	line_text(line_count, text);
	size = strlen(text);
	text[size] = '\n';
	if (write(n->ours[0], text, size + 1) != (ssize_t)size + 1)
		return false;
	trace("%s is told to say line %d, %d bytes", n->name, line_count,
		(int)size);
	lines[line_count].node = n;
	lines[line_count++].author = -1;
	world.moved = true; /* it has something to do */
	return true;
}

static void stop_happens(struct node *n)
{
	if (n->chat == NULL)
		return;
	n->stop = chance(2) ? STOP_KILLED : STOP_POWERLESS;
	n->calls_left = 1 + (long)luck(chance(2) ? 6 : 60);
	if (chance(2))
		return; /* it is stopped inside a call, soon */
	world.running = n;
	node_stops(n);
	world.running = NULL;
	node_ended(n);
}

static void leave_happens(struct node *n)
{
	static const char signal_byte = SIGTERM;

	if (n->chat == NULL || write(n->ours[3], &signal_byte, 1) != 1)
		return;
	trace("%s is asked to leave", n->name);
	world.moved = true;
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

static void trouble(void)
{
	struct node *n = somebody();

	switch (luck(16)) {
	case 0:
	case 1:
	case 2:
		stop_happens(n);
		break;
	case 3:
		leave_happens(n);
		break;
	case 4:
	case 5:
		wall_happens();
		break;
	case 6:
		memset(world.wall, 0, sizeof(world.wall));
		trace("wall: none");
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
		n->sync_fails = chance(2);
		break;
	case 11:
		clock_happens(n);
		break;
	case 12:
		n->busy_ms = world.now_ms + (int64_t)luck(40 * 1000);
		if (n->remember_ms != NEVER)
			n->remember_ms = n->busy_ms + REMEMBER_MS;
		trace("%s is busy until %lld", n->name, (long long)n->busy_ms);
		break;
	default:
		for (uint64_t i = luck(chance(4) ? 100 : 8);
			i > 0 && line_count < LINES_MAX - NODES_MAX; i--)
			(void)node_says(n); /* some are not heard */
	}
}

static void trouble_ends(void)
{
	memset(world.wall, 0, sizeof(world.wall));
	for (int i = 0; i < world.node_count; i++) {
		struct node *n = &world.nodes[i];

		n->full = n->sync_fails = false;
		n->calls_left = -1;
		if (n->busy_ms > world.now_ms)
			n->busy_ms = world.now_ms;
		if (n->chat == NULL)
			n->start_ms = world.now_ms;
	}
	trace("nothing fails any more");
}

/* Time. */

extern size_t __sanitizer_get_current_allocated_bytes(void)
	__attribute__((weak));

static size_t memory_used(void)
{
	if (__sanitizer_get_current_allocated_bytes == NULL)
		return 0;
	return __sanitizer_get_current_allocated_bytes() - world.disk_bytes;
}

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
		if (at < next)
			next = at;
	}
	return next;
}

/* Goes on until `until_ms`, or the next thing that happens before. */
static void world_step(int64_t until_ms)
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
		if (n->chat == NULL || n->busy_ms > world.now_ms)
			continue;
		world.moved |= node_turn(n);
		if (n->chat != NULL)
			node_remembers(n);
	}
	if (memory_used() > memory_before + MEMORY_MAX * NODES_MAX)
		wrong("%zu bytes of memory", memory_used() - memory_before);
	if (++world.turns > TURNS_MAX)
		wrong("%d turns", TURNS_MAX);
}

static void world_run(int64_t until_ms)
{
	while (world.now_ms < until_ms)
		world_step(until_ms);
}

static bool all_is_shown(void)
{
	for (int i = 0; i < world.node_count; i++) {
		const struct node *n = &world.nodes[i];

		if (n->chat == NULL ||
			memcmp(n->shown, heads, sizeof(heads)) != 0)
			return false;
	}
	return true;
}

/* The story. */

static void world_begin(uint64_t seed, int node_count)
{
	bool verbose = world.verbose;

	memset(&world, 0, sizeof(world));
	world.verbose = verbose;
	world.seed = world.luck = seed;
	world.node_count = node_count > 0 ? node_count : 2 + (int)luck(4);
	world.delay_ms = (int64_t)luck(chance(4) ? 300 : 5);
	world.bulky = chance(4);
	world.hushed = chance(2);
	memset(heads, 0, sizeof(heads));
	for (int a = 0; a < AUTHORS_MAX; a++) {
		for (int s = 0; s <= LINES_MAX; s++)
			truth[a][s] = -1;
	}
	line_count = author_count = 0;
	for (int i = 0; i < world.node_count; i++) {
		struct node *n = &world.nodes[i];

		n->number = i;
		(void)snprintf(n->name, sizeof(n->name), "n%d", i);
		(void)snprintf(n->address, sizeof(n->address), "n%d.local:%u",
			i, legacy_port_of_name(n->name));
		n->author = -1;
		n->calls_left = -1;
		n->start_ms = (int64_t)luck(3000);
		n->clock_ms = (int64_t)luck(1000 * 1000);
	}
	net_begin();
}

/* All machines lose their power at once, and start once more. */
static void world_restarts(void)
{
	for (int i = 0; i < world.node_count; i++) {
		struct node *n = &world.nodes[i];

		n->stop = STOP_POWERLESS;
		world.running = n;
		node_stops(n);
		world.running = NULL;
		node_ended(n);
		n->start_ms = world.now_ms;
	}
	memset(world.wall, 1, sizeof(world.wall));
	world_run(world.now_ms + 2 * REMEMBER_MS);
	if (!all_is_shown())
		wrong("something is forgotten after the last restart");
}

/*
 * Everybody says a last line, once, and then everybody has it; but not in all
 * stories, because a new line may wake what would else hang.
 */
static bool last_is_said(int last[NODES_MAX])
{
	bool all = true;

	for (int i = 0; i < world.node_count && !world.hushed; i++) {
		if (last[i] < 0 && node_says(&world.nodes[i]))
			last[i] = line_count - 1;
		all &= last[i] >= 0 && lines[last[i]].author >= 0;
	}
	return all;
}

static void world_converges(void)
{
	int64_t end_ms = world.now_ms + CONVERGE_MS;
	int last[NODES_MAX] = { -1, -1, -1, -1, -1 };

	world_run(world.now_ms + 3 * CHAT_LEAVE_MS); /* some may be leaving */
	while (world.now_ms < end_ms) {
		if (last_is_said(last) && all_is_shown())
			return;
		world_step(end_ms);
	}
	for (int i = 0; i < world.node_count; i++)
		for (int a = 0; a < author_count; a++)
			trace("n%d shows %s up to %u of %u", i,
				author_node[a]->name, world.nodes[i].shown[a],
				heads[a]);
	wrong("after %d s not everybody has everything", CONVERGE_MS / 1000);
}

/* Descriptors of this process. */
static int fd_count(void)
{
	int count = 0;

	for (int fd = 0; fd < 512; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void story(uint64_t seed, int node_count, const char *path)
{
	int fds = fd_count();
	int64_t end_ms = TROUBLE_MS;

	world_begin(seed, node_count);
	disk_begin(path);
	memory_before = memory_used();
	while (world.now_ms < end_ms) {
		world_run(world.now_ms + (int64_t)luck(chance(4) ? 5000 : 300));
		trouble();
	}
	trouble_ends();
	world_converges();
	trace("all have all, %d lines, %lld ms after the last trouble",
		line_count, (long long)(world.now_ms - end_ms));
	world_run(world.now_ms + 2000);
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

int main(int argc, char **argv)
{
	const char *base = getenv("TMPDIR");
	char path[100];
	long count = 1;
	uint64_t seed = 1;
	int node_count = 0;
	int64_t total_ms = 0;
	uint64_t digest;
	int option;

	while ((option = getopt(argc, argv, "vn:")) != -1) {
		if (option == 'v')
			world.verbose = true;
		else if (option == 'n')
			count = atol(optarg);
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
	for (long i = 0; i < count; i++) {
		story(seed + (uint64_t)i, node_count, path);
		total_ms += world.now_ms;
	}
	digest = world.digest;
	if (count > 1)
		story(world.seed, node_count, path);
	if (digest != world.digest)
		wrong("told twice, the story is another one");
	printf("sim: %ld seeds from %llu, %.1f hours simulated, all well\n",
		count, (unsigned long long)seed, (double)total_ms / 3600000);
	return 0;
}
