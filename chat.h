/* SPDX-License-Identifier: ISC */
/*
 * chat.h: a whole node, without the process around it.  The program has one;
 * a test may have many, each with descriptors and a database of its own.
 */
#ifndef CHAT_H
#define CHAT_H

#include "loop.h"
#include "mesh.h"
#include "options.h"

enum { CHAT_LEAVE_MS = 1000 /* at the end, for what is still to be sent */ };

struct chat;

/*
 * Opens a node.  The options' strings are borrowed until chat_close.  NULL when
 * that failed: then *status is what the process should exit with, and the
 * reason has been written to err_fd.
 */
struct chat *chat_open(const struct options *options, int *status) MUST_USE;

/* One turn of its loop: what it waits for, and what it then does. */
void chat_want(struct chat *chat, struct loop *loop);
void chat_run(struct chat *chat, const struct loop *loop);

/*
 * Takes over a connected stream socket as if it had been dialled or accepted.
 * Returns 0, or -1 and errno, and then the socket is closed.
 */
int chat_adopt(struct chat *chat, int fd, enum mesh_role role) MUST_USE;

/* Is it over?  Then *status is what the process should exit with. */
bool chat_is_done(const struct chat *chat, int *status) MUST_USE;
void chat_close(struct chat *chat);

/* Milliseconds on a clock that never goes back. */
int64_t chat_clock_ms(void);

#endif
