/* SPDX-License-Identifier: ISC */
/*
 * deliver.h: on whose disks what we said is by now.  Others' receipts come in
 * (a digest is one, hearing.c); how many of them cover our newest record is the
 * question.  Pure.
 */
#ifndef DELIVER_H
#define DELIVER_H

#include "limit.h"
#include "record.h"

struct deliver {
	int count;
	struct receipt {
		uint8_t key[RECORD_KEY_SIZE]; /* whose */
		bool named;                   /* somebody of the command line */
		uint32_t log;                 /* the room's number of ours */
		uint64_t seq;
	} receipts[LIMIT_LINKS];
};

/*
 * A receipt has come.  The oldest is forgotten when there are too many.  False
 * when it says nothing new.
 */
bool deliver_note(struct deliver *deliver, const struct receipt *receipt);

/* How many have our log up to seq, of those named or of all. */
int deliver_count(
	const struct deliver *deliver, uint32_t log, uint64_t seq, bool named);

#endif
