/* SPDX-License-Identifier: ISC */
/*
 * disk_model.h: a record of everything that a store does to its files, and
 * the disks that a power cut could leave behind.
 *
 * While a trace is on, the wrapped calls (--wrap of the linker) pass through
 * to the real files and are written down.  What a disk may hold after a power
 * cut is then built from a prefix of the trace:
 *
 *	what was written before the last fsync of a file is there;
 *	of what came later any part may be there;
 *	a name is there once its folder was fsynced; later ones in order;
 *	what was waiting when an fsync failed is never covered by a later one.
 *
 * One mercy: a sector that is written again with the bytes that it has is not
 * destroyed by a power cut.  Step 6 of opening does that to acknowledged
 * bytes, and a disk that spoils those spoils their neighbours at any commit.
 */
#ifndef DISK_MODEL_H
#define DISK_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MODEL_AUTHORS = 3 };

/* What the workload knows at a moment. */
struct model_note {
	uint64_t told[MODEL_AUTHORS];     /* durable, says log_commit */
	uint64_t appended[MODEL_AUTHORS]; /* given to log_append */
	uint32_t life;
};

enum model_choice {
	CHOICE_NONE, /* nothing that was not forced */
	CHOICE_ALL,
	CHOICE_PREFIX,
	CHOICE_ALL_BUT_ONE,
	CHOICE_ONLY_ONE,
	CHOICE_RANDOM,
	CHOICE_TORN,    /* of one write only some 512-byte sectors */
	CHOICE_GARBAGE, /* a sector of one write holds something else */
	CHOICE_SIZE,    /* files grew, but hold zeros there */
	CHOICE_COUNT
};

struct trace;

struct trace *trace_new(void);
void trace_free(struct trace *trace);

/* Takes the files of a database as what is on the disk when the trace begins. */
void trace_take(struct trace *trace, int dir_fd);

/*
 * Writes down what happens in dir_fd from now on; NULL ends that.  Until
 * then all calls on other folders pass untouched.
 */
void trace_on(struct trace *trace, int dir_fd);

void trace_note(struct trace *trace, const struct model_note *note);
size_t trace_length(const struct trace *trace);

/* The newest note before event `at`. */
const struct model_note *trace_note_at(const struct trace *trace, size_t at);

/*
 * Makes the files in dir_fd what the disk could hold when the power fails
 * before event `at`.  `luck` decides what the choice leaves open.
 */
void trace_build(const struct trace *trace, size_t at, enum model_choice choice,
	uint64_t luck, int dir_fd);

/* The process is gone: all calls that change something fail. */
void model_kill(bool dead);

/*
 * The changing call that comes as number `call`, counted from 0, fails with
 * this errno, once; -1: none.  With `gone` all later ones fail too.
 */
void model_fail(long call, int error, bool gone);
bool model_failed(void);          /* it was reached */
long model_calls(void);           /* changing calls since model_fail */
void model_only_syncs(bool only); /* counts fsync and fdatasync only */

/* A generator of numbers; the same seed, the same numbers. */
uint64_t luck_next(uint64_t *luck);
uint64_t luck_below(uint64_t *luck, uint64_t limit);

#endif
