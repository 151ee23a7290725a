/* SPDX-License-Identifier: ISC */
/*
 * chat_inside.h: what the files of a node share; nobody else includes it.
 *
 *	chat.c	the loop, what comes in and goes out, how a node is opened
 *	say.c	what we say: when it may be said, and when it is delivered
 *	tell.c	what people are told of others, and of how it goes
 */
#ifndef CHAT_INSIDE_H
#define CHAT_INSIDE_H

#include <errno.h>

#include "chat.h"
#include "database.h"
#include "deliver.h"
#include "discovery.h"
#include "errands.h"
#include "history.h"
#include "people.h"
#include "show.h"
#include "term.h"

enum {
	TOLD_AGAIN_MS = 60 * 1000, /* what anybody could make us repeat */
	ASK_AGAIN_MS = 1000        /* until we may say something */
};

/* An own line that could not be kept yet. */
struct waiting {
	bool used;
	size_t size;
	char text[LIMIT_TEXT];
};

struct chat {
	struct options options;
	int status;
	bool started; /* the first turn is over */
	bool done;
	int64_t leave_ms; /* 0, or when we leave at the latest */
	bool full;        /* the disk, as last told */
	bool scarce;      /* room on it, as last told */
	int heard;        /* batches of others in this turn, in records */
	int64_t lost_ms;  /* no word about messages not kept before */
	int64_t names_ms;
	int64_t twin_ms;   /* no word about a twin before */
	int64_t ask_ms;    /* since when others are asked for own records */
	int64_t asked_ms;  /* when they were asked long enough */
	int64_t came_ms;   /* when the last of them came */
	uint64_t own;      /* own records that were here then */
	bool own_broken;   /* own log has holes, as last told */
	uint64_t changes;  /* of what anybody has (mesh_counts), as last seen */
	int64_t agree_ms;  /* when to look who is in sync; 0: nothing moved */
	int64_t agreed_ms; /* that was told, */
	struct mesh_agreed agreed; /* and what */
	int signal_slot;
	uint32_t said_log;   /* log that we said things in, and */
	uint64_t said_first; /* the first of them: they stand on the screen */
	struct wire_self self;
	struct database database;
	struct log *log;         /* the database's */
	struct history *history; /* until it is shown; then NULL */
	struct people *people;   /* the database's */
	struct room *room;       /* the database's */
	struct mesh *mesh;
	uint16_t port; /* that we listen on */
	struct discovery *discovery;
	struct term *term;
	struct waiting waiting;
	struct deliver deliver;
	struct ctl *ctl; /* or NULL: nobody is answered there */
	struct errands errands;
	uint64_t errand; /* the newest own record, which was not typed and is
			    not shown yet; or 0 */
	bool ended;      /* nothing more will be said: stdin ended, or --send */
	bool delivered;  /* all that was said by then */
	int64_t until_ms; /* then we do not wait for receipts any longer */
	uint8_t line[TERM_SHOWN_MAX];
};

static inline bool is_verbose(const struct chat *c)
{
	return c->options.verbosity == VERBOSITY_VERBOSE;
}

/* What the store says until there is room. */
static inline bool is_full(int error)
{
	return error == ENOSPC || error == EFBIG || error == EDQUOT;
}

/* --- chat.c --- */

uint64_t wall_clock_ms(void);

/* Do the lines stand on the screen already that were typed? */
bool shows_typed(const struct chat *c);

/* Makes what was appended durable; says when the disk is full, or fails. */
void chat_commit(struct chat *c, int64_t now_ms);

/* Leaves when all is written and sent, or soon; asked twice, at once. */
void chat_leave(struct chat *c, int64_t now_ms);

/* --- say.c --- */

/* Keeps a line, and all that would come after it, until it can be said. */
void chat_wait(struct chat *c, const char *text, size_t size);

void chat_say(struct chat *c, const char *text, size_t size, int64_t now_ms);

/* Tries again with the line that could not be said. */
void chat_say_waiting(struct chat *c, int64_t now_ms);

/* Others are asked for what is missing of ours; then it is left behind. */
void chat_ask(struct chat *c, int64_t now_ms);

/* What other processes want said or told. */
void chat_errands(struct chat *c, int64_t now_ms);

/* With --send and --exit-on-eof: is it over? */
void chat_finish(struct chat *c, int64_t now_ms);

/* --- tell.c --- */

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void info(struct chat *c, const char *format, ...);

/* What happened, each of its kind. */
void chat_discovery(struct chat *c, const struct discovery_event *event);
void chat_up(struct chat *c, const struct mesh_event *event);
void chat_down(struct chat *c, const struct mesh_event *event);
void chat_twin(struct chat *c, const struct mesh_event *event, int64_t now_ms);
void chat_delivered(struct chat *c, const struct mesh_event *event);
void chat_room(struct chat *c);

/* Who is in sync, when that has changed; how it goes; what it cost. */
void chat_agree(struct chat *c, int64_t now_ms);
void chat_status(struct chat *c, struct writer *w);
void chat_counted(struct chat *c);

#endif
