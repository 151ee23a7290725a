/* SPDX-License-Identifier: ISC */
/*
 * ctl.h: the socket in the database directory, by which a chat that runs does
 * what other processes of the same person ask for: `chat --send`, `--doctor`.
 * The protocol stands at the top of ctl.c.
 *
 * The chat's side is a module of its loop and never blocks; whoever is slow,
 * silent or stuck there is left behind.  The others' side is a program of its
 * own, which may block: so long as limits below say.
 */
#ifndef CTL_H
#define CTL_H

#include "limit.h"
#include "loop.h"
#include "options.h"

enum {
	CTL_CLIENTS_MAX = 16,       /* then the oldest without a request goes;
				     with none such, newcomers wait */
	CTL_REQUEST_MS = 2 * 1000,  /* from connecting to a whole request */
	CTL_TAKE_MS = 2 * 1000,     /* for the last answer to be taken */
	CTL_ANSWER_SIZE = 16 * 1024 /* waiting answers of a client: one that
				       does not take them is dropped */
};

/* --- In the chat that has the database's lock --- */

enum ctl_kind {
	CTL_SEND = 1,  /* say `text`, and tell when it is delivered */
	CTL_STATUS = 2 /* tell how you are */
};

struct ctl_request {
	int client; /* 0 .. CTL_CLIENTS_MAX - 1 */
	enum ctl_kind kind;
	bool json;
	uint32_t acks;
	uint32_t timeout_s;
	char name[LIMIT_NAME + 1]; /* who is meant to say it, and where */
	char room[LIMIT_NAME + 1];
	const uint8_t *text; /* borrowed until ctl_done of this client */
	size_t size;         /* at most LIMIT_TEXT */
};

struct ctl;

/*
 * Listens at `ctl` in a directory, which is borrowed, and whose lock the caller
 * has: a socket that is there was left behind, and is replaced.  NULL, errno:
 * EEXIST when what is there is no socket of ours; it stays as it is.
 */
struct ctl *ctl_open(int dir_fd) MUST_USE;

/* Removes the socket.  NULL is allowed, here and in want and run. */
void ctl_close(struct ctl *ctl);
void ctl_want(struct ctl *ctl, struct loop *loop);
void ctl_run(struct ctl *ctl, const struct loop *loop, int64_t now_ms);

/* A request, each told once; its client keeps its number until ctl_done. */
bool ctl_next(struct ctl *ctl, struct ctl_request *request) MUST_USE;

/* Is whoever asked still there? */
bool ctl_waits(const struct ctl *ctl, int client);

/*
 * Answers, in this order: the text is durable; lines for standard output, with
 * their newlines; what its process is to exit with, and why, or "".  CTL_AGAIN
 * is for what was not said: the client asks again, or opens the database
 * itself when nobody has it open any more.
 */
enum { CTL_AGAIN = 255 };

void ctl_said(struct ctl *ctl, int client);
void ctl_lines(struct ctl *ctl, int client, const void *lines, size_t size);
void ctl_done(struct ctl *ctl, int client, int status, const char *text,
	int64_t now_ms);

/* --- In the other process --- */

enum { CTL_NOBODY = -1 };

/*
 * chat --send: has the chat that runs on this database say it.  Returns what
 * the process is to exit with, after the reason was written to err_fd; or
 * CTL_NOBODY: no chat has this database open, so it is ours to open.
 */
int ctl_send(const struct options *options) MUST_USE;

/*
 * chat --doctor: prints what the chat that runs on this database says of
 * itself.  False: there is none, or it does not answer.
 */
bool ctl_print_status(const struct options *options);

#endif
