/* SPDX-License-Identifier: ISC */
/*
 * checkpoint.h: the file `checkpoint`, which says what the segments before a
 * place contain, so that opening need not read them.  A hint like the files
 * of places: without it opening takes longer, nothing else.
 */
#ifndef CHECKPOINT_H
#define CHECKPOINT_H

#include "authors.h"

struct checkpoint {
	uint64_t store_id;
	uint64_t place;    /* everything before it is told of here */
	uint32_t unusable; /* segments that were lost or spoilt */
	bool doubt;        /* log.h, log_doubt */
};

enum checkpoint_verdict {
	CHECKPOINT_GOOD,
	CHECKPOINT_NONE, /* there is no such file */
	CHECKPOINT_BAD,  /* damaged, or of a version that we do not know */
	CHECKPOINT_ERROR /* errno says why it cannot be read */
};

/*
 * Writes the file, under another name first.  The descriptor is that of the
 * database directory.  -1 and errno: the file is the old one, or there is
 * none.
 */
int checkpoint_save(int dir_fd, const struct checkpoint *checkpoint,
	const struct authors *authors);

/* Adds what the file says to empty authors, if it is good. */
enum checkpoint_verdict checkpoint_load(int dir_fd,
	struct checkpoint *checkpoint, struct authors *authors) MUST_USE;

#endif
