/* SPDX-License-Identifier: ISC */
/*
 * forks.h: proofs that an author signed two different records with one number,
 * and the file that keeps them.  The format stands at the top of forks.c.
 *
 * A proof is two halves: same key, epoch and seq, other ids, both signatures
 * good.  Of each log there is one at most, that of the smallest seq.
 */
#ifndef FORKS_H
#define FORKS_H

#include "message.h"

/* Proofs that are kept.  What more logs do is not remembered. */
enum { FORKS_MAX = 1024 };

struct forks;

struct fork {
	struct message_half ours; /* what stands in the log here */
	struct message_half theirs;
};

/*
 * Reads what the file `forks` of the directory proves about logs of this room;
 * what it does not prove, or no such file, is nothing.  Borrows both.  NULL,
 * errno.
 */
struct forks *forks_open(int dir_fd, const uint8_t *room_id) MUST_USE;
void forks_close(struct forks *forks);

/* Number 0, 1, ... of them; NULL at the end.  Valid until forks_put. */
const struct fork *forks_at(const struct forks *forks, uint32_t number);

/* That of this log, or NULL. */
const struct fork *forks_find(
	const struct forks *forks, const struct record_log *log);

/* Takes a proof unless a smaller seq is proved already; verifies nothing. */
void forks_put(struct forks *forks, const struct fork *fork);

/* Replaces the file if something is new.  0, or -1 and errno. */
int forks_save(struct forks *forks) MUST_USE;

#endif
