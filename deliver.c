/* SPDX-License-Identifier: ISC */
/* deliver.c: a small table of receipts, newest writers last. */
#include <string.h>

#include "deliver.h"

bool deliver_note(struct deliver *d, const struct receipt *receipt)
{
	int i = 0;
	bool is_new;

	while (i < d->count && memcmp(d->receipts[i].key, receipt->key,
				       sizeof(receipt->key)) != 0)
		i++;
	is_new = i == d->count || d->receipts[i].log != receipt->log ||
		 d->receipts[i].seq < receipt->seq;
	if (i == LIMIT_LINKS) {
		memmove(d->receipts, d->receipts + 1,
			sizeof(d->receipts) - sizeof(*d->receipts));
		d->count = --i;
	}
	if (i == d->count)
		d->count++;
	d->receipts[i] = *receipt;
	return is_new;
}

int deliver_count(
	const struct deliver *d, uint32_t log, uint64_t seq, bool named)
{
	int count = 0;

	for (int i = 0; i < d->count; i++) {
		const struct receipt *r = &d->receipts[i];

		count += r->log == log && r->seq >= seq && (r->named || !named);
	}
	return count;
}
