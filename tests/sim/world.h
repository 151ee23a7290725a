/* SPDX-License-Identifier: ISC */
/*
 * world.h: a small world for whole nodes: one clock, one network, and a disk
 * for each machine, all of them ruled by a seed.
 *
 *	sim.c	the story: who says what, what breaks when, what must hold
 *	net.c	connections between machines: delay, walls, resets, refusals
 *	disk.c	what is on a machine's disk when its power goes
 *
 * The nodes are the production code, unchanged: the linker's --wrap leads
 * their system calls here.  A wrapped call works for world.running; while
 * that is NULL it is the simulation's own and passes through.
 *
 * Nothing here depends on real time, addresses in memory, or the numbers of
 * descriptors and inodes: one seed, one story.
 */
#ifndef WORLD_H
#define WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "chat.h"

enum {
	NODES_MAX = 5,
	AUTHORS_MAX = 32,
	LINES_MAX = 2000,
	LINE_SIZE = 4097 /* with its NUL */
};

#define NEVER INT64_MAX

/* How a node stops. */
enum stop {
	STOP_KILLED,   /* its process: the system closes its connections, and
			 what it wrote is still in the machine's cache */
	STOP_POWERLESS /* its machine: nobody is told, the cache is lost */
};

struct node {
	int number;
	char name[16];
	char address[64]; /* as it calls itself */
	char dir[300];
	struct chat *chat; /* NULL: it does not run */
	struct loop loop;  /* as it last waited */
	bool touched;      /* somebody called: it has a turn */
	bool off;          /* the machine has no power */
	int64_t start_ms;  /* when it is started again */
	int64_t busy_ms;   /* it has no turn before */
	int64_t clock_ms;  /* its monotonic clock is ahead of ours by this */
	int64_t wall_ms;   /* and the other one by this */

	/* Of this life: pipes, and what came out. */
	int theirs[4]; /* stdin, stdout, stderr, signals */
	int ours[4];
	char screen[3 * LINE_SIZE];
	size_t screen_size;
	bool wrote; /* to one of its pipes, so something is to be read */
	uint32_t shown[AUTHORS_MAX]; /* newest of each author */
	uint32_t owed[AUTHORS_MAX];  /* `promised`, when it started */
	int64_t remember_ms;         /* when that must have been shown */

	/* Of all lives. */
	int author;                     /* own; -1: nobody has heard of it */
	uint32_t promised[AUTHORS_MAX]; /* it once had these: see sim.c */
	bool held[LINES_MAX];           /* seen on the disk */

	/* What is going to go wrong. */
	long calls_left; /* until it is stopped inside a call; -1: never */
	enum stop stop;
	bool dead;        /* stopped: nothing that it does happens */
	bool full;        /* the disk takes nothing more */
	bool sync_fails;  /* the next fsync or fdatasync */
	bool disk_failed; /* one of them did, in this life */
};

struct world {
	uint64_t seed;
	uint64_t luck;
	uint64_t digest; /* of all that was traced: the story's fingerprint */
	bool verbose;
	int64_t now_ms;
	bool moved; /* somebody did something just now */
	long turns;
	struct node *running;
	struct node nodes[NODES_MAX];
	int node_count;
	bool wall[NODES_MAX][NODES_MAX]; /* from, to: nothing passes */
	int64_t delay_ms;                /* of the network, at most */
	bool hushed;                     /* nobody says a last line */
	bool bulky;        /* long lines, so that much waits to be sent */
	size_t disk_bytes; /* memory that disk.c uses */
};

extern struct world world;

/* sim.c */

/* A number below `limit`; the same seed, the same numbers. */
uint64_t luck(uint64_t limit);
bool chance(unsigned in); /* one in so many */

#if defined(__GNUC__)
#define LIKE_PRINTF __attribute__((format(printf, 1, 2)))
#else
#define LIKE_PRINTF
#endif
void trace(const char *format, ...) LIKE_PRINTF;

/* Says what must not be, and the seed; ends the program with status 1. */
_Noreturn void wrong(const char *format, ...) LIKE_PRINTF;

/*
 * The running node makes a call.  True when it does not get to it: it was
 * stopped before, or just now.
 */
bool call_is_stopped(void);

/* What the running node tells another one, as its bytes leave. */
void told_id(const uint8_t *key);
void told_head(const uint8_t *key, uint32_t seq);
void told_record(const struct legacy_event *change);
void screen_read(struct node *n); /* all that it has shown by now */

/* A connection has come for this node; takes over fd. */
void node_called(struct node *n, int fd);

/* net.c */

void net_begin(void);
int64_t net_next_ms(void); /* when something happens there */
void net_run(void);

/* What poll would say; -1 when fd is no connection. */
int net_ready(int fd, short events);
int net_count(const struct node *n); /* descriptors */
void net_stop(const struct node *n); /* its ends, as its `stop` says */
void net_reset(void);                /* some connection breaks */

/* disk.c */

void disk_begin(const char *path); /* an empty folder for each node */
void disk_end(void);

/* What is in the cache is lost, wholly or in part. */
void disk_lose(const struct node *n);

/* Is this text in a file, in bytes that no power cut can take back? */
bool disk_holds(const struct node *n, const char *text);

#endif
