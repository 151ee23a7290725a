/* SPDX-License-Identifier: ISC */
/*
 * strikes.h: who sent what no honest program sends, and how often.  A host
 * counts until its key is known, the key from then on: many may share a host.
 * A fixed table; when it is full, whoever was heard of longest ago is forgotten.
 */
#ifndef STRIKES_H
#define STRIKES_H

#include "limit.h"
#include "record.h"

enum { STRIKES_OFFENDERS = 64 };

struct strikes {
	uint64_t count; /* ever */
	struct offender {
		uint8_t id[RECORD_KEY_SIZE];
		bool by_key;
		int strikes;
		int64_t first_ms; /* of those that count, and the last one */
		int64_t last_ms;
	} offenders[STRIKES_OFFENDERS];
};

/* A key, or a host's 16 bytes followed by zeros. */
void strikes_add(struct strikes *strikes, const uint8_t id[RECORD_KEY_SIZE],
	bool by_key, int64_t now_ms);

/*
 * Were they too many within LIMIT_STRIKES_MS of the first?  For as long after
 * the last one.
 */
bool strikes_refuse(struct strikes *strikes, const uint8_t id[RECORD_KEY_SIZE],
	bool by_key, int64_t now_ms);

#endif
