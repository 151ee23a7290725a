/* SPDX-License-Identifier: ISC */
/*
 * bench_replicate.c: what whole nodes cost: each a process with a database on
 * disk, two of them linked by TCP over loopback.
 *
 *	bench_replicate [FOLDER]
 *
 * One author's texts of 60 bytes: 100,000, or a million with BENCH=full.  Each
 * figure on a line: its name, its value, its unit.
 *
 *	append_own_per_s	said, signed, committed; 1,000 a commit
 *	catchup_records_per_s	from the start of the link until the last text
 *				stands in the file that is the receiver's
 *				standard output: it is durable by then
 *	catchup_receiver_ns	processor time of a record, which others on the
 *	catchup_sender_ns	machine disturb less
 *	live_p50_us, _p99_us	one line into one node until it comes out of the
 *				other: two commits, one after the other
 *	fsync_p50_us		between those lines, on the same file system: a
 *				block written over zeros, fdatasync
 *	live_per_fsync		of the medians; 2 is what the disk alone asks
 *
 * Medians are of three rounds where there are rounds.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "chat.h"
#include "crypto/crypto.h"
#include "database.h"

enum {
	TEXT = 60,
	SHOWN = 5 + 2 + TEXT + 1, /* "alice> ", the text, its newline */
	COMMIT = 1000,
	ROUNDS = 3,
	LINES = 300,
	PATIENCE_S = 120
};

static int records = 100 * 1000;
static char scratch[200];

/* The value that a share of them, in hundredths, is not above; sorts them. */
static double percentile(double *values, int count, int share)
{
	qsort(values, (size_t)count, sizeof(*values), double_order);
	return values[(count - 1) * share / 100];
}

static double median(double *values, int count)
{
	return percentile(values, count, 50);
}

static void figure(const char *name, double value, const char *unit)
{
	printf("%s %.*f %s\n", name, value < 100 ? 2 : 0, value, unit);
	(void)fflush(stdout);
}

static void remove_all(void)
{
	char command[300];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", scratch);
	if (system(command) != 0)
		die(command);
}

static int file_open(const char *name, int flags)
{
	char path[300];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", scratch, name);
	fd = open(path, flags | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		die(path);
	return fd;
}

static int null_open(int flags)
{
	int fd = open("/dev/null", flags | O_CLOEXEC);

	if (fd < 0)
		die("/dev/null");
	return fd;
}

/* Nodes. */

struct node {
	char dir[300];
	struct options options;
};

/* Finds nobody by itself, and is read by nobody. */
static void node_make(struct node *n, const char *name, const char *dir)
{
	(void)snprintf(n->dir, sizeof(n->dir), "%s/%s", scratch, dir);
	options_default(&n->options);
	n->options.name = name;
	n->options.dir = n->dir;
	n->options.port = OPTIONS_NO_PORT;
	n->options.no_mdns = true;
	n->options.history = 0;
	n->options.verbosity = VERBOSITY_QUIET;
	n->options.in_fd = null_open(O_RDONLY);
	n->options.out_fd = null_open(O_WRONLY);
}

static void node_close(struct node *n)
{
	(void)close(n->options.in_fd);
	(void)close(n->options.out_fd);
}

static struct chat *node_open(struct node *n)
{
	int status = 0;
	struct chat *chat = chat_open(&n->options, &status);

	if (chat == NULL)
		exit(status);
	return chat;
}

static void node_link(struct chat *chat, int fd, enum mesh_role role)
{
	if (chat_adopt(chat, fd, role) < 0)
		die("chat_adopt");
}

static void node_turn(struct chat *chat)
{
	static struct loop loop;
	int status = 0;

	loop_begin(&loop, chat_clock_ms());
	chat_want(chat, &loop);
	loop_wait(&loop);
	chat_run(chat, &loop);
	if (chat_is_done(chat, &status)) {
		(void)fprintf(stderr, "a node ended with status %d\n", status);
		exit(1);
	}
}

/*
 * A process of its own, until it is killed, or nobody is there to do so.
 * Returns when it has opened its database.
 */
static pid_t node_fork(struct node *n, int fd, enum mesh_role role)
{
	pid_t parent = getpid();
	struct chat *chat;
	char byte = 0;
	int opened[2];
	pid_t pid;

	if (pipe(opened) < 0)
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid > 0) {
		(void)close(opened[1]);
		if (read(opened[0], &byte, 1) != 1)
			die("a node does not begin");
		(void)close(opened[0]);
		return pid;
	}
	chat = node_open(n);
	if (write(opened[1], &byte, 1) != 1)
		exit(1);
	(void)close(opened[0]);
	(void)close(opened[1]);
	node_link(chat, fd, role);
	while (getppid() == parent)
		node_turn(chat);
	exit(1);
}

static double cpu_seconds(int who)
{
	struct rusage usage;

	if (getrusage(who, &usage) < 0)
		die("getrusage");
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Ends it, and returns the seconds of processor time that it took. */
static double node_kill(pid_t pid)
{
	double before = cpu_seconds(RUSAGE_CHILDREN);

	(void)kill(pid, SIGKILL);
	if (waitpid(pid, NULL, 0) < 0)
		die("waitpid");
	return cpu_seconds(RUSAGE_CHILDREN) - before;
}

/* Both ends of one TCP connection: that of the dialler first. */
static void tcp_pair(int fds[2])
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t size = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (listener < 0 || fds[0] < 0 ||
		bind(listener, (struct sockaddr *)&at, sizeof(at)) < 0 ||
		listen(listener, 1) < 0 ||
		getsockname(listener, (struct sockaddr *)&at, &size) < 0 ||
		connect(fds[0], (struct sockaddr *)&at, size) < 0)
		die("loopback");
	fds[1] = accept(listener, NULL, NULL);
	if (fds[1] < 0)
		die("accept");
	(void)close(listener);
}

/* Own messages. */

static void say_all(struct room *room, struct log *log)
{
	char text[TEXT + 1];

	for (int i = 1; i <= records; i++) {
		(void)snprintf(text, sizeof(text),
			"%09d what somebody says in a room, sixty bytes of "
			"it..",
			i);
		if (room_say(room, text, TEXT, (uint64_t)i) < 0)
			die("room_say");
		if ((i % COMMIT == 0 || i == records) && log_commit(log, 0) < 0)
			die("log_commit");
	}
}

/* The database that all rounds of catching up are sent from. */
static void bench_append(void)
{
	struct node alice;
	struct database database;
	double start;

	node_make(&alice, "alice", "alice.db");
	if (database_open(&database, &alice.options) != 0)
		exit(1);
	start = seconds();
	say_all(database.room, database.log);
	figure("append_own_per_s", records / (seconds() - start), "1/s");
	database_close(&database);
	node_close(&alice);
}

/* Catching up. */

struct catchup {
	double per_s, sender_ns, receiver_ns;
};

/* Runs the receiver here, until it has shown everything. */
static void receive_all(struct node *bob, int fd, struct catchup *result)
{
	struct stat shown = { .st_size = 0 };
	struct chat *chat = node_open(bob);
	double start = seconds(), cpu = cpu_seconds(RUSAGE_SELF);

	node_link(chat, fd, MESH_DIALLED);
	while (shown.st_size < (off_t)records * SHOWN) {
		node_turn(chat);
		if (fstat(bob->options.out_fd, &shown) < 0 ||
			seconds() - start > PATIENCE_S)
			die("catching up");
	}
	result->per_s = records / (seconds() - start);
	result->receiver_ns = (cpu_seconds(RUSAGE_SELF) - cpu) / records * 1e9;
	chat_close(chat);
}

static void catchup_round(int round, struct catchup *result)
{
	struct node alice, bob;
	char name[40];
	int fds[2];
	pid_t sender;

	(void)snprintf(name, sizeof(name), "bob-%d", round);
	node_make(&alice, "alice", "alice.db");
	node_make(&bob, name, name);
	(void)close(bob.options.out_fd);
	bob.options.out_fd = file_open("shown", O_WRONLY | O_TRUNC);
	tcp_pair(fds);
	sender = node_fork(&alice, fds[1], MESH_ACCEPTED);
	(void)close(fds[1]);
	receive_all(&bob, fds[0], result);
	result->sender_ns = node_kill(sender) / records * 1e9;
	node_close(&alice);
	node_close(&bob);
}

static void bench_catchup(void)
{
	double per_s[ROUNDS], sender_ns[ROUNDS], receiver_ns[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		struct catchup result;

		catchup_round(i, &result);
		per_s[i] = result.per_s;
		sender_ns[i] = result.sender_ns;
		receiver_ns[i] = result.receiver_ns;
	}
	figure("catchup_records_per_s", median(per_s, ROUNDS), "1/s");
	figure("catchup_receiver_ns", median(receiver_ns, ROUNDS), "ns");
	figure("catchup_sender_ns", median(sender_ns, ROUNDS), "ns");
}

/* Live. */

/* One line goes in at one end; waits for one at the other. */
static double live_line(int in_fd, int out_fd)
{
	static const char line[] =
		"a line that somebody types, as long as the other ones are.\n";
	char shown[200];
	size_t size = 0;
	double start = seconds();

	if (write(in_fd, line, sizeof(line) - 1) < 0)
		die("write");
	do {
		ssize_t n = read(out_fd, shown + size, sizeof(shown) - size);

		if (n <= 0)
			die("a node is gone");
		size += (size_t)n;
	} while (shown[size - 1] != '\n');
	return (seconds() - start) * 1e6;
}

/* What the disk takes for the same promise. */
static double raw_fsync(int fd, int round)
{
	static const uint8_t bytes[256];
	double start = seconds();

	if (pwrite(fd, bytes, sizeof(bytes), round * (off_t)sizeof(bytes)) <
			0 ||
		fdatasync(fd) < 0)
		die("fdatasync");
	return (seconds() - start) * 1e6;
}

static int zeros_open(void)
{
	static const uint8_t zeros[(LINES + 1) * 256];
	int fd = file_open("raw", O_RDWR);

	if (write(fd, zeros, sizeof(zeros)) < 0 || fsync(fd) < 0)
		die("raw");
	return fd;
}

static void live_measure(int in_fd, int out_fd)
{
	static double live[LINES], raw[LINES];
	int fd = zeros_open();

	(void)live_line(in_fd, out_fd); /* when the link is up */
	for (int i = 0; i < LINES; i++) {
		live[i] = live_line(in_fd, out_fd);
		raw[i] = raw_fsync(fd, i);
	}
	figure("live_p50_us", median(live, LINES), "us");
	figure("live_p99_us", percentile(live, LINES, 99), "us");
	figure("fsync_p50_us", median(raw, LINES), "us");
	figure("live_per_fsync", median(live, LINES) / median(raw, LINES), "");
	(void)close(fd);
}

static void bench_live(void)
{
	struct node alice, bob;
	int link[2], in[2], out[2];
	pid_t sender, receiver;

	node_make(&alice, "alice", "live-alice.db");
	node_make(&bob, "bob", "live-bob.db");
	if (pipe(in) < 0 || pipe(out) < 0)
		die("pipe");
	(void)close(alice.options.in_fd);
	(void)close(bob.options.out_fd);
	alice.options.in_fd = in[0];
	bob.options.out_fd = out[1];
	tcp_pair(link);
	sender = node_fork(&alice, link[0], MESH_DIALLED);
	receiver = node_fork(&bob, link[1], MESH_ACCEPTED);
	(void)close(link[0]);
	(void)close(link[1]);
	node_close(&alice);
	node_close(&bob);
	live_measure(in[1], out[0]);
	(void)node_kill(sender);
	(void)node_kill(receiver);
	(void)close(in[1]);
	(void)close(out[0]);
}

int main(int argc, char **argv)
{
	const char *bench = getenv("BENCH");

	if (bench != NULL && strcmp(bench, "full") == 0)
		records *= 10;
	(void)snprintf(scratch, sizeof(scratch), "%s/bench-replicate-XXXXXX",
		argc > 1 ? argv[1] : "/tmp");
	if (mkdtemp(scratch) == NULL)
		die(scratch);
	bench_append();
	bench_catchup();
	bench_live();
	remove_all();
	return 0;
}
