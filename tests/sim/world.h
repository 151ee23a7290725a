/* SPDX-License-Identifier: ISC */
/*
 * world.h: a small world for whole nodes: one clock, one network, and a disk
 * for each machine, all of them ruled by a seed.
 *
 *	sim.c	the story: who says what, what breaks when, what must hold
 *	truth.c	what is true of all logs, and what nodes say of them
 *	figures.c	what it costs, while nothing breaks
 *	net.c	connections between machines: delay, walls, resets, refusals
 *	disk.c	what is on a machine's disk when its power goes
 *
 * The nodes are the production code, unchanged: the linker's --wrap leads
 * their system calls here, and what they put into encrypted links.  A wrapped
 * call works for world.running; while that is NULL it is the simulation's own
 * and passes through.
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
#include "log.h"

enum {
	NODES_MAX = 64, /* one bit each in a uint64_t */
	LOGS_MAX = 512,
	LINES_MAX = 3000,
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
	char dir[300];
	struct chat *chat; /* NULL: it does not run */
	struct loop loop;  /* as it last waited */
	bool touched;      /* somebody called: it has a turn */
	bool typed;        /* something may be in its pipes */
	bool off;          /* the machine has no power */
	int64_t start_ms;  /* when it is started again */
	int64_t busy_ms;   /* it has no turn before */
	int64_t clock_ms;  /* its monotonic clock is ahead of ours by this */
	int64_t wall_ms;   /* and the other one by this */

	/* Of this life: pipes, and what came out. */
	int life;
	int theirs[4]; /* stdin, stdout, stderr, signals */
	int ours[4];
	char screen[3 * LINE_SIZE];
	size_t screen_size;
	bool wrote; /* to one of its pipes, so something is to be read */
	uint32_t shown[LOGS_MAX]; /* newest of each log */
	uint32_t owed[LOGS_MAX];  /* `promised`, when it started */
	int64_t remember_ms;      /* when that must have been shown */
	int64_t unread_ms;        /* nobody reads its screen before */
	uint64_t history;         /* hash of all that was shown */
	char digits[7];           /* that --check has printed last */
	uint32_t elders_shown;    /* texts of figures.c */
	size_t memory;            /* bytes that it has */

	/* Of all lives: it once showed, sent or told of these. */
	uint32_t promised[LOGS_MAX];
	uint32_t copied[LOGS_MAX]; /* the same when its backup was made */

	/* What is going to go wrong. */
	long calls_left; /* until it is stopped inside a call; -1: never */
	enum stop stop;
	bool dead;       /* stopped: nothing that it does happens */
	bool full;       /* the disk takes nothing more */
	bool sync_fails; /* the next fsync or fdatasync */
	bool sync_lies;  /* they do nothing, */
	bool sync_lied;  /* and a power cut takes what was promised since: */
	uint32_t truly[LOGS_MAX]; /* what was before */
	bool holed;       /* it did: there may be records behind missing ones */
	bool disk_failed; /* one of them did, in this life */
	bool disk_hurt;   /* it may have lost what was to be safe, ever */
	bool restored;    /* it is given its copy before it starts again */
	bool lies;        /* to others, of what it has */
	int forgeries;    /* batches that it may still forge */
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
	bool liars;                      /* there may be some */
	bool restores;                   /* copies are put back at any time */
	bool bad_disks;                  /* an fsync may lie */
	struct log_sizes sizes;          /* of all stores */
	bool bulky;    /* long lines, so that much waits to be sent */
	bool calm;     /* connections have room for all */
	bool measured; /* nothing is random: see figures.c */
	uint64_t sent_bytes;
	uint64_t digest_bytes;
	uint64_t copies;  /* of records */
	int64_t hello_ms; /* when somebody said Hello, if it was 0 */
};

extern struct world world;

/* sim.c */

/* A number below `limit`; the same seed, the same numbers. */
uint64_t luck(uint64_t limit);
bool chance(unsigned in); /* one in so many */
uint64_t mixed(uint64_t z);

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

void screen_read(struct node *n); /* all that it has shown by now */

/* Memory that is not the running node's: always some, or wrong(). */
void *model_memory(void *old, size_t size);
void model_release(void *old);

/* Time goes on until then, or to the next thing that happens before. */
void world_run(int64_t until_ms);
void world_step(int64_t until_ms);

/* Nodes whose bit is set, and the others, hear nothing of each other. */
void world_part(uint64_t side);

/* Somebody types: the line's number, or -1 when nobody can read it. */
int node_says(struct node *n);
void node_is_killed(struct node *n);
bool all_is_shown(void); /* everything, everywhere */

/* A connection has come for this node; takes over fd. */
void node_called(struct node *n, int fd);

/* truth.c */

void truth_begin(void);

/* A line is said there: its number, or -1 when there are too many. */
int line_add(const struct node *n);
void line_text(int line, char text[LINE_SIZE]);
void line_is_refused(const char *text); /* its node has said so */
bool line_is_kept(int line);            /* or refused */
int line_total(void);
int line_open(void); /* one that is neither, but will be; -1: none */

void truth_shown(struct node *n, const char *shown); /* a line of a screen */
void truth_is_remembered(const struct node *n);      /* (3) */
bool truth_is_shown(const struct node *n);           /* has it everything? */
void truth_forget(struct node *n); /* what is on its disk is to be seen */

/* Its disk holds no more than `kept` of each log. */
void truth_loosen(struct node *n, const uint32_t kept[LOGS_MAX]);
void truth_trace(const struct node *n);

/* figures.c */

void figures(int authors);                /* prints them */
void figure_delivery(int64_t latency_ms); /* of a text on a screen */

/* net.c */

void net_begin(void);
int64_t net_next_ms(void); /* when something happens there */
void net_run(void);

/* What poll would say; -1 when fd is no connection. */
int net_ready(int fd, short events);
int net_count(const struct node *n); /* descriptors */
bool net_links(const struct node *a, const struct node *b);
void net_stop(const struct node *n); /* its ends, as its `stop` says */
void net_reset(void);                /* some connection breaks */
void net_drop(const struct node *n); /* and what is under way to or from it */

/* disk.c */

void disk_begin(const char *path); /* an empty folder for each node */
void disk_end(void);

/* What is in the cache is lost, wholly or in part. */
void disk_lose(const struct node *n);

/* What an fsync lied of is stable now. */
void disk_settle(const struct node *n);

/* Makes a copy of what is stable; puts it back while the machine is off. */
void disk_copy(const struct node *n);
bool disk_restore(const struct node *n); /* false: there is no copy */
void disk_replace(const struct node *n); /* by an empty one */

/* Are these bytes in a file, where no power cut can take them back? */
bool disk_holds(const struct node *n, const void *bytes, size_t size);

#endif
