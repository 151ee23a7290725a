/* SPDX-License-Identifier: ISC */
/*
 * cache.h: what others have told, for as long as they said (RFC 6762, 10).
 *
 * A record belongs to the interface that it came by.  What is put here is what
 * answers a question of ours: its size is fixed, a source may fill a part of
 * it, and when it is full what would expire first gives way.
 */
#ifndef MDNS_CACHE_H
#define MDNS_CACHE_H

#include "mdns/dns.h"

enum {
	CACHE_MAX = 512,
	CACHE_SOURCE_MAX = 128, /* of one source address */
	CACHE_DATA_MAX = 6 + DNS_NAME_MAX,
	CACHE_TTL_MAX_S = 4500, /* 10: 75 minutes; longer lives end then */
	CACHE_SOURCE_SIZE = 16
};

struct cache_entry {
	bool used;
	bool ask;        /* it is to be asked for again: cache_run */
	uint32_t scopes; /* for whoever asks: where that is still to be done */
	uint64_t known_by; /* for whoever is asked: the last asker to know it */
	struct dns_name name;
	uint16_t type;
	uint16_t size;
	uint8_t data[CACHE_DATA_MAX];
	uint32_t index; /* of the interface */
	uint8_t source[CACHE_SOURCE_SIZE];
	int64_t heard_ms;    /* when it was last told */
	int64_t received_ms; /* the same, or so that its life is shorter */
	int64_t life_ms;
	int asked;             /* of 80, 85, 90, 95 % of its life: how many */
	int64_t ask_ms;        /* when the next of them is */
	int unanswered;        /* 10.5: others' questions without an answer */
	int64_t unanswered_ms; /* since when */
	int64_t doubted_ms;    /* when it was doubted last */
};

struct cache {
	uint64_t random;
	struct cache_entry entries[CACHE_MAX];
};

/* Where a record came from. */
struct cache_origin {
	uint32_t index;
	uint8_t source[CACHE_SOURCE_SIZE]; /* its address, as of net_host */
};

void cache_open(struct cache *cache, uint64_t seed);

/*
 * Takes a record, of at most CACHE_DATA_MAX bytes of data, in: it is new, or
 * it renews an equal one, or with a TTL of 0 ends it a second later.  With
 * `flush` others of its name and type, older than a second, end too; but PTRs
 * are shared, so there it means nothing.
 */
void cache_put(struct cache *cache, const struct dns_record *record,
	const struct cache_origin *origin, int64_t now_ms);

/* The next entry of this name and type after `after`, or first; or NULL. */
struct cache_entry *cache_find(struct cache *cache, const struct dns_name *name,
	uint16_t type, const struct cache_entry *after);

/* An equal record on this interface, or NULL. */
struct cache_entry *cache_find_record(
	struct cache *cache, const struct dns_record *record, uint32_t index);

/* What is left of its life, in whole seconds. */
uint32_t cache_ttl_s(const struct cache_entry *entry, int64_t now_ms);

/* 7.1: may it be sent as a known answer?  Not in the second half of its life. */
bool cache_is_fresh(const struct cache_entry *entry, int64_t now_ms);

/*
 * 10.4: it did not work.  It is asked for at once and three times more, and
 * forgotten after ten seconds unless somebody confirms it.  Once a minute.
 */
void cache_doubt(struct cache_entry *entry, int64_t now_ms);

/* 10.5: another host has asked for it, and does not know it. */
void cache_unanswered(struct cache_entry *entry, int64_t now_ms);

/* Forgets all that came by an interface. */
void cache_forget(struct cache *cache, uint32_t index);

/*
 * Drops what has expired: true when there was something.  Then sets `ask` on
 * what is to be asked for again; whoever asks, or does not care, clears it.
 */
bool cache_run(struct cache *cache, int64_t now_ms);

/* When cache_run has something to do; INT64_MAX: never. */
int64_t cache_next_ms(const struct cache *cache);

#endif
