/* SPDX-License-Identifier: ISC */
/*
 * mdns.c: a multicast DNS querier and browser, beside the responder of
 * mdns/responder.c.  Numbers in comments are sections of RFC 6762, SD those of
 * RFC 6763.
 *
 *	mdns/dns.c		packets: names, questions, records
 *	mdns/cache.c		others' records, for as long as they live
 *	mdns/responder.c	our records: probed for, announced, answered
 *	mdns/tag.c		the TXT record, which tells the room
 *	mdns.c			what is asked, and what follows from the answers
 *
 *	packet ---+-- question --> responder; is it ours too (7.3)?
 *	          +-- response --> responder: is it about our name (9)?
 *	                      \--> cache --> subjects --> mdns_next
 *
 * A *subject* is somebody who was asked for, or to whom a PTR record of our
 * service points.  What is known about it is in the cache alone:
 *
 *	_persisted-chat._tcp PTR NAME._persisted-chat...	it is there
 *	NAME._persisted-chat... TXT	in our room?  SRV	host and port
 *	host A, AAAA			addresses
 *
 * What is missing of these is asked for, at once, after 1 s, 3 s, 7 s, ... at
 * most an hour apart (5.2); what is there is asked for again before it expires.
 * Nothing is asked about who is linked, or is in another room.
 *
 * Invariants:
 *	1. the cache holds records that answer a question which could be asked
 *	   now: the PTRs of our service, and what belongs to subjects.
 *	2. a TXT record is in the cache as one byte, enum mdns_room.
 *	3. `stale` ==> the searches have yet to be compared with what is known.
 *
 * It does not follow CNAME, nor relay anything, nor publish anything but one
 * chat.
 */
#include "platform.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mdns.h"
#include "mdns/cache.h"
#include "mdns/responder.h"
#include "mdns/tag.h"
#include "net.h"

#define SERVICE "_persisted-chat._tcp.local"

enum {
	SECOND_MS = 1000,
	ASK_FIRST_MS = SECOND_MS,
	ASK_MOST_MS = 3600 * SECOND_MS,
	ASK_MOST_LEGACY_MS = 60 * SECOND_MS, /* they announce nothing */
	ASK_LEAST_DELAY_MS = 20,             /* 5.2 */
	ASK_MOST_DELAY_MS = 120,
	OVERHEARD_MS = 500, /* 7.3: a question so close before ours is ours */
	SRV_PORT = 4,
	SRV_HOST = 6
};

/* A question, or two about one name, that are repeated while needed. */
struct search {
	int64_t ask_ms; /* INT64_MAX: not needed */
	int64_t interval_ms;
	uint32_t scopes; /* bits: where it is still to be asked this time */
	bool first;      /* it has not been asked yet: 5.4 */
	int64_t overheard_ms;
	uint32_t overheard[2]; /* scopes, for each of the two */
};

struct subject {
	bool used;
	bool asked;
	bool listed; /* a PTR points to it */
	bool linked;
	bool told;    /* MDNS_FOUND was, and not MDNS_GONE since */
	bool changed; /* more was heard, to be told if it is enough */
	char name[MDNS_NAME_MAX + 1];
	struct dns_name instance;
	struct dns_name host;  /* NAME.local, or what SRV says */
	struct search service; /* SRV and TXT */
	struct search address; /* A and AAAA */
};

struct mdns {
	struct mdns_options options;
	uint8_t room_id[MDNS_ROOM_SIZE];
	struct dns_name service;
	int interface_count;
	struct mdns_interface interfaces[MDNS_INTERFACES_MAX];
	struct scopes scopes;
	struct responder responder;
	struct cache cache;
	struct search browse;
	struct subject subjects[MDNS_SUBJECTS_MAX];
	bool stale;
	uint64_t asker;       /* number of the packet of questions last read */
	int64_t cache_ms;     /* when cache_run is due */
	int64_t questions_ms; /* since when questions_left counts */
	int questions_left;
	char told[MDNS_NAME_MAX + 1]; /* name in the last event */
	struct dns_record record;     /* the one that is looked at */
	uint8_t out[MDNS_SEND_MAX];
};

/* Leaves. */

static bool name_is_valid(const char *name)
{
	size_t size = strlen(name);

	return size >= 1 && size <= MDNS_NAME_MAX && name[0] != '-' &&
	       name[size - 1] != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == size;
}

static uint32_t scopes_of(const struct mdns *m, uint32_t index)
{
	uint32_t bits = 0;

	for (int i = 0; i < m->scopes.count; i++) {
		if (m->scopes.at[i].interface->index == index)
			bits |= 1u << i;
	}
	return bits;
}

static uint32_t scopes_all(const struct mdns *m)
{
	return (uint32_t)((1ull << m->scopes.count) - 1);
}

static bool prefix_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned rest = bits % 8;

	return memcmp(a, b, bits / 8) == 0 &&
	       (rest == 0 || (a[bits / 8] ^ b[bits / 8]) >> (8 - rest) == 0);
}

/* 11: in a network that this interface is in? */
static bool is_on_link(const struct mdns_interface *interface,
	const struct sockaddr_storage *address)
{
	unsigned mapped = address->ss_family == AF_INET ? 96 : 0;
	uint8_t host[16], own[16];

	net_host(address, host);
	for (int i = 0; i < interface->count; i++) {
		net_host(&interface->addresses[i], own);
		if (interface->addresses[i].ss_family == address->ss_family &&
			prefix_equal(
				own, host, mapped + interface->prefixes[i]))
			return true;
	}
	return false;
}

static const struct mdns_interface *interface_find(
	const struct mdns *m, uint32_t index)
{
	for (int i = 0; i < m->interface_count; i++) {
		if (m->interfaces[i].index == index)
			return &m->interfaces[i];
	}
	return NULL;
}

/* The address in an A or AAAA record that came by an interface; port 0. */
static void address_of(uint16_t type, const uint8_t *data, uint32_t index,
	struct sockaddr_storage *address)
{
	struct sockaddr_in *a4 = (struct sockaddr_in *)address;
	struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)address;

	memset(address, 0, sizeof(*address));
	if (type == DNS_A) {
		address->ss_family = AF_INET;
		memcpy(&a4->sin_addr, data, 4);
		return;
	}
	address->ss_family = AF_INET6;
	memcpy(&a6->sin6_addr, data, 16);
	if (IN6_IS_ADDR_LINKLOCAL(&a6->sin6_addr))
		a6->sin6_scope_id = index;
}

/* Searches. */

static void search_stop(struct search *s)
{
	memset(s, 0, sizeof(*s));
	s->ask_ms = INT64_MAX;
	s->overheard_ms = INT64_MIN / 2;
}

static void search_start(struct mdns *m, struct search *s, int64_t now_ms)
{
	search_stop(s);
	s->interval_ms = ASK_FIRST_MS;
	s->ask_ms = now_ms + ASK_LEAST_DELAY_MS +
		    (int64_t)responder_random(&m->responder,
			    ASK_MOST_DELAY_MS - ASK_LEAST_DELAY_MS);
}

/* Starts what is needed and rests, stops what runs and is not. */
static void search_need(
	struct mdns *m, struct search *s, bool needed, int64_t now_ms)
{
	if (!needed)
		search_stop(s);
	else if (s->ask_ms == INT64_MAX)
		search_start(m, s, now_ms);
}

/* Its time has come: it is to be asked in all scopes. */
static void search_run(
	const struct mdns *m, struct search *s, int64_t most_ms, int64_t now_ms)
{
	uint32_t overheard = 0;

	if (now_ms - s->overheard_ms < OVERHEARD_MS)
		overheard = s->overheard[0] & s->overheard[1];
	s->first = s->interval_ms == ASK_FIRST_MS;
	s->scopes = scopes_all(m) & ~overheard;
	s->ask_ms = now_ms + s->interval_ms;
	s->interval_ms *= 2;
	if (s->interval_ms > most_ms)
		s->interval_ms = most_ms;
}

/* When it is due; one that was never asked goes along with any other. */
static bool search_is_due(const struct search *s, bool along, int64_t now_ms)
{
	if (along && s->interval_ms == ASK_FIRST_MS)
		return s->ask_ms != INT64_MAX;
	return now_ms >= s->ask_ms;
}

/* 7.3: somebody has just asked this (one of two, `which`). */
static void search_overheard(
	struct search *s, int which, uint32_t scope, int64_t now_ms)
{
	if (now_ms - s->overheard_ms >= OVERHEARD_MS)
		s->overheard[0] = s->overheard[1] = 0;
	s->overheard_ms = now_ms;
	s->overheard[which] |= scope;
	s->scopes &= ~(s->overheard[0] & s->overheard[1]);
}

/* Subjects. */

static struct subject *subject_named(struct mdns *m, const char *name)
{
	for (int i = 0; i < MDNS_SUBJECTS_MAX; i++) {
		if (m->subjects[i].used &&
			strcmp(m->subjects[i].name, name) == 0)
			return &m->subjects[i];
	}
	return NULL;
}

/* The record of a name and type that was heard last, or NULL. */
static const struct cache_entry *newest_of(
	struct mdns *m, const struct dns_name *name, uint16_t type)
{
	const struct cache_entry *e = NULL, *newest = NULL;

	while ((e = cache_find(&m->cache, name, type, e)) != NULL) {
		if (newest == NULL || e->heard_ms > newest->heard_ms)
			newest = e;
	}
	return newest;
}

static enum mdns_room subject_room(struct mdns *m, const struct subject *s)
{
	const struct cache_entry *e = newest_of(m, &s->instance, DNS_TXT);

	return e == NULL ? MDNS_ROOM_UNKNOWN : (enum mdns_room)e->data[0];
}

static const struct cache_entry *subject_srv(
	struct mdns *m, const struct subject *s)
{
	return newest_of(m, &s->instance, DNS_SRV);
}

static void subject_host(struct mdns *m, struct subject *s)
{
	const struct cache_entry *srv = subject_srv(m, s);
	bool fits = true;

	if (srv != NULL) {
		s->host.size = (uint8_t)(srv->size - SRV_HOST);
		memcpy(s->host.bytes, srv->data + SRV_HOST, s->host.size);
		return;
	}
	dns_name_set(&s->host, "local");
	fits = dns_name_prepend(&s->host, s->name, strlen(s->name));
	assert(fits);
}

/* Is anything about it worth a question? */
static bool subject_matters(struct mdns *m, const struct subject *s)
{
	if (s->linked)
		return false;
	return s->asked || m->options.every_room ||
	       subject_room(m, s) != MDNS_ROOM_OTHER;
}

/*
 * A place for one more; if `urgent`, one of whom nobody was told has to go.
 * Who has told all in one packet is told of at once, so a flood of names alone
 * keeps nobody out.
 */
static struct subject *subject_place(struct mdns *m, bool urgent)
{
	struct subject *victim = NULL;

	for (int i = 0; i < MDNS_SUBJECTS_MAX; i++) {
		struct subject *s = &m->subjects[i];

		if (!s->used)
			return s;
		if (urgent && !s->asked && !s->told && !s->linked)
			victim = s;
	}
	return victim;
}

static struct subject *subject_add(
	struct mdns *m, const char *name, bool urgent)
{
	struct subject *s = subject_place(m, urgent);
	bool fits;

	if (s == NULL)
		return NULL;
	memset(s, 0, sizeof(*s));
	s->used = true;
	(void)snprintf(s->name, sizeof(s->name), "%s", name);
	s->instance = m->service;
	fits = dns_name_prepend(&s->instance, name, strlen(name));
	assert(fits);
	subject_host(m, s);
	search_stop(&s->service);
	search_stop(&s->address);
	m->stale = true;
	return s;
}

/* The instance that a PTR of our service points to, if it can be one. */
static bool instance_name(const struct mdns *m, const uint8_t *data,
	size_t size, char name[MDNS_NAME_MAX + 1])
{
	struct dns_name instance;

	instance.size = (uint8_t)size;
	memcpy(instance.bytes, data, size);
	return dns_name_label(
		       &instance, &m->service, name, MDNS_NAME_MAX + 1) &&
	       name_is_valid(name) && strcmp(name, m->responder.label) != 0;
}

/* Who is pointed to is a subject, and who is not any more was one. */
static void subjects_list(struct mdns *m)
{
	bool listed[MDNS_SUBJECTS_MAX] = { false };
	const struct cache_entry *e = NULL;
	char name[MDNS_NAME_MAX + 1];
	struct subject *s;

	if (!m->options.browse)
		return;
	while ((e = cache_find(&m->cache, &m->service, DNS_PTR, e)) != NULL) {
		if (!instance_name(m, e->data, e->size, name))
			continue;
		s = subject_named(m, name);
		if (s == NULL)
			s = subject_add(m, name, false);
		if (s != NULL)
			listed[s - m->subjects] = true;
	}
	for (int i = 0; i < MDNS_SUBJECTS_MAX; i++) {
		s = &m->subjects[i];
		if (listed[i] && !s->listed)
			s->changed = true; /* enough of it may be known */
		s->listed = listed[i];
		if (s->used && !s->listed && !s->asked && !s->told &&
			!s->linked)
			s->used = false;
	}
}

/* What is known has changed: what is to be asked for now? */
static void subjects_update(struct mdns *m, int64_t now_ms)
{
	subjects_list(m);
	for (int i = 0; i < MDNS_SUBJECTS_MAX; i++) {
		struct subject *s = &m->subjects[i];
		bool matters = s->used && subject_matters(m, s);
		const struct cache_entry *srv;

		if (!s->used)
			continue;
		subject_host(m, s);
		srv = subject_srv(m, s);
		search_need(m, &s->service,
			matters && (srv == NULL ||
					   cache_find(&m->cache, &s->instance,
						   DNS_TXT, NULL) == NULL),
			now_ms);
		search_need(m, &s->address,
			matters && (s->asked || srv != NULL) &&
				cache_find(&m->cache, &s->host, DNS_A, NULL) ==
					NULL &&
				cache_find(&m->cache, &s->host, DNS_AAAA,
					NULL) == NULL,
			now_ms);
	}
	m->stale = false;
}

/* Is a record of the cache about a subject, or does it point to it? */
static bool entry_concerns(const struct cache_entry *e, const struct subject *s)
{
	struct dns_name to;

	if (e->type != DNS_PTR)
		return dns_name_equal(&e->name, &s->instance) ||
		       dns_name_equal(&e->name, &s->host);
	to.size = (uint8_t)e->size;
	memcpy(to.bytes, e->data, e->size);
	return dns_name_equal(&to, &s->instance);
}

/* Does somebody care for what a record of the cache says? */
static bool entry_matters(struct mdns *m, const struct cache_entry *e)
{
	char name[MDNS_NAME_MAX + 1];

	if (e->type == DNS_PTR)
		return m->options.browse &&
		       instance_name(m, e->data, e->size, name);
	for (int i = 0; i < MDNS_SUBJECTS_MAX; i++) {
		const struct subject *s = &m->subjects[i];

		if (s->used && entry_concerns(e, s) && subject_matters(m, s))
			return true;
	}
	return false;
}

/* Input. */

/* A PTR says that somebody is there. */
static void instance_met(struct mdns *m, const struct dns_record *record)
{
	char name[MDNS_NAME_MAX + 1];

	if (record->ttl_s > 0 &&
		instance_name(m, record->data, record->size, name) &&
		subject_named(m, name) == NULL)
		(void)subject_add(m, name, true); /* NULL: all are known */
}

/*
 * Does a record answer a question of ours?  Its data is as in the cache then;
 * who is concerned has `changed`.
 */
static bool record_concerns(struct mdns *m, struct dns_record *record)
{
	bool concerns = false;

	if (record->class != DNS_IN)
		return false;
	if (record->type == DNS_PTR)
		return m->options.browse &&
		       dns_name_equal(&record->name, &m->service);
	for (int i = 0; i < MDNS_SUBJECTS_MAX; i++) {
		struct subject *s = &m->subjects[i];
		bool service =
			record->type == DNS_SRV || record->type == DNS_TXT;
		bool address =
			record->type == DNS_A || record->type == DNS_AAAA;

		if (!s->used ||
			!((service && dns_name_equal(
					      &record->name, &s->instance)) ||
				(address && dns_name_equal(
						    &record->name, &s->host))))
			continue;
		concerns = true;
		s->changed = s->changed || record->ttl_s > 0;
	}
	if (concerns && record->type == DNS_TXT) {
		record->data[0] = (uint8_t)tag_room(record, m->options.room_id);
		record->size = 1;
	}
	return concerns;
}

/* Can it be dialled, when it came by this interface? */
static bool is_dialable(
	const struct mdns_interface *interface, const struct dns_record *record)
{
	struct sockaddr_storage address;
	struct in6_addr v6;

	if (record->type == DNS_SRV)
		return (record->data[SRV_PORT] | record->data[SRV_PORT + 1]) !=
		       0;
	if (record->type != DNS_A && record->type != DNS_AAAA)
		return true;
	address_of(record->type, record->data, interface->index, &address);
	if (net_is_loopback(&address) && !interface->loopback)
		return false;
	if (record->type == DNS_A) /* 0/8, 224/4, 240/4 */
		return record->data[0] != 0 && record->data[0] < 0xe0;
	memcpy(&v6, record->data, sizeof(v6));
	return !IN6_IS_ADDR_UNSPECIFIED(&v6) && !IN6_IS_ADDR_MULTICAST(&v6) &&
	       !IN6_IS_ADDR_V4MAPPED(&v6) && !IN6_IS_ADDR_V4COMPAT(&v6);
}

/* 6: with `legacy`, an address that was asked for may come from any port. */
static bool record_believed(struct mdns *m, const struct mdns_packet *packet,
	const struct dns_record *record)
{
	if (net_port(&packet->address) == MDNS_PORT)
		return true;
	if (!m->options.legacy ||
		(record->type != DNS_A && record->type != DNS_AAAA))
		return false;
	for (int i = 0; i < MDNS_SUBJECTS_MAX; i++) {
		if (m->subjects[i].used && m->subjects[i].asked &&
			dns_name_equal(&record->name, &m->subjects[i].host))
			return true;
	}
	return false;
}

/*
 * The records of one kind of a response.  What a kind points to is the next:
 * so a message is read once for each, in whatever order it has them.
 */
static bool records_learn(struct mdns *m, const struct mdns_packet *packet,
	uint16_t one, uint16_t other, int64_t now_ms)
{
	const struct mdns_interface *interface =
		interface_find(m, packet->index);
	struct cache_origin origin = { .index = packet->index };
	struct dns_record *record = &m->record;
	struct dns_message message;
	int learnt = 0;

	net_host(&packet->address, origin.source);
	if (!dns_message_open(&message, packet->bytes, packet->size))
		return false;
	while (learnt < CACHE_SOURCE_MAX && dns_next_record(&message, record)) {
		if ((record->type != one && record->type != other) ||
			!record_believed(m, packet, record) ||
			!is_dialable(interface, record) ||
			!record_concerns(m, record))
			continue;
		if (record->type == DNS_PTR)
			instance_met(m, record);
		cache_put(&m->cache, record, &origin, now_ms);
		learnt++;
	}
	if (learnt > 0)
		m->cache_ms = now_ms;
	return learnt > 0;
}

/* 9: what does a response say of our own name? */
static void response_check(struct mdns *m, struct scope *scope,
	const struct mdns_packet *packet, int64_t now_ms)
{
	struct dns_message message;
	bool conflict = false;

	if (net_port(&packet->address) != MDNS_PORT ||
		!dns_message_open(&message, packet->bytes, packet->size))
		return;
	while (dns_next_record(&message, &m->record)) {
		conflict = conflict || responder_conflicts(&m->responder,
					       &m->scopes, &m->record);
		responder_heard(
			&m->responder, scope, packet, &m->record, now_ms);
	}
	if (conflict)
		responder_conflict(&m->responder, &m->scopes, scope,
			!packet->multicast, now_ms);
}

static void response_input(struct mdns *m, struct scope *scope,
	const struct mdns_packet *packet, int64_t now_ms)
{
	bool learnt;

	response_check(m, scope, packet, now_ms);
	learnt = records_learn(m, packet, DNS_PTR, DNS_PTR, now_ms);
	if (learnt)
		subjects_list(m);
	if (records_learn(m, packet, DNS_SRV, DNS_TXT, now_ms)) {
		learnt = true;
		for (int i = 0; i < MDNS_SUBJECTS_MAX; i++) {
			if (m->subjects[i].used)
				subject_host(m, &m->subjects[i]);
		}
	}
	if (records_learn(m, packet, DNS_A, DNS_AAAA, now_ms))
		learnt = true;
	m->stale = m->stale || learnt;
}

/* A question that was sent to all, and who asks it. */
struct overheard {
	uint32_t index;
	uint32_t scope;  /* bit */
	bool other_host; /* than ours */
	bool knows_more; /* an instance that we would not tell (7.1) */
};

/* What an asker knows is marked; one pass, however much is asked (7.1). */
static void known_mark(struct mdns *m, const struct mdns_packet *packet,
	struct overheard *o, int64_t now_ms)
{
	struct dns_message message;
	struct cache_entry *e;

	m->asker++;
	if (!dns_message_open(&message, packet->bytes, packet->size))
		return;
	while (dns_next_record(&message, &m->record)) {
		if (m->record.section != DNS_ANSWER)
			continue;
		e = cache_find_record(&m->cache, &m->record, packet->index);
		if (e != NULL)
			e->known_by = m->asker;
		if (e == NULL || !cache_is_fresh(e, now_ms))
			o->knows_more = true;
	}
}

/* Somebody asks what we may be about to ask, or have an answer to. */
static void question_overheard(struct mdns *m, const struct overheard *o,
	const struct dns_question *question, int64_t now_ms)
{
	const struct dns_name *name = &question->name;
	uint16_t type = question->type;
	int which = type == DNS_TXT || type == DNS_AAAA;
	struct cache_entry *e = NULL;

	if (type == DNS_PTR && !o->knows_more &&
		dns_name_equal(name, &m->service)) {
		search_overheard(&m->browse, 0, o->scope, now_ms);
		search_overheard(&m->browse, 1, o->scope, now_ms);
	}
	for (int i = 0; i < MDNS_SUBJECTS_MAX; i++) {
		struct subject *s = &m->subjects[i];

		if (s->used && (type == DNS_SRV || type == DNS_TXT) &&
			dns_name_equal(name, &s->instance))
			search_overheard(&s->service, which, o->scope, now_ms);
		if (s->used && (type == DNS_A || type == DNS_AAAA) &&
			dns_name_equal(name, &s->host))
			search_overheard(&s->address, which, o->scope, now_ms);
	}
	while ((e = cache_find(&m->cache, name, type, e)) != NULL) {
		if (e->index != o->index)
			continue;
		e->scopes &= ~o->scope;
		if (o->other_host && e->known_by != m->asker) { /* 10.5 */
			cache_unanswered(e, now_ms);
			m->cache_ms = now_ms;
		}
	}
}

static void query_input(struct mdns *m, struct scope *scope,
	const struct mdns_packet *packet, struct dns_message *message,
	int64_t now_ms)
{
	struct overheard o = { .index = packet->index,
		.scope = 1u << (scope - m->scopes.at),
		.other_host = !scope_is_own(scope, &packet->address) };
	struct dns_question question;

	if (now_ms - m->questions_ms >= SECOND_MS) {
		m->questions_ms = now_ms;
		m->questions_left = MDNS_QUESTIONS_MAX;
	}
	if (message->questions > m->questions_left)
		return;
	m->questions_left -= message->questions;
	if (message->records[DNS_AUTHORITY] > 0)
		responder_tie(&m->responder, &m->scopes, scope, packet, now_ms);
	responder_query(&m->responder, scope, packet, now_ms);
	if (!packet->multicast || net_port(&packet->address) != MDNS_PORT)
		return;
	known_mark(m, packet, &o, now_ms);
	while (dns_next_question(message, &question)) {
		if (!question.unicast && question.class == DNS_IN)
			question_overheard(m, &o, &question, now_ms);
	}
}

void mdns_input(
	struct mdns *m, const struct mdns_packet *packet, int64_t now_ms)
{
	struct scope *scope =
		scope_find(&m->scopes, packet->index, packet->family);
	struct dns_message message;

	if (scope == NULL || packet->address.ss_family != packet->family ||
		!dns_message_open(&message, packet->bytes, packet->size) ||
		(message.flags & DNS_IGNORED) != 0)
		return; /* 18.3, 18.11 */
	if (!packet->multicast &&
		!is_on_link(scope->interface, &packet->address))
		return; /* 5.5, 11 */
	if ((message.flags & DNS_RESPONSE) == 0)
		query_input(m, scope, packet, &message, now_ms);
	else if (!m->responder.leaving)
		response_input(m, scope, packet, now_ms);
}

/* Events. */

/* Which of two addresses is to be dialled first? */
static bool is_better(const struct cache_entry *a, const struct cache_entry *b)
{
	bool a_link = a->type == DNS_AAAA && a->data[0] == 0xfe;
	bool b_link = b->type == DNS_AAAA && b->data[0] == 0xfe;

	if (a->heard_ms != b->heard_ms)
		return a->heard_ms > b->heard_ms;
	if (a_link != b_link)
		return b_link;
	return a->type == DNS_A && b->type == DNS_AAAA;
}

/*
 * Is an address of a subject to be told?  Of who was only found, those alone
 * that are near: anybody can say that somebody is anywhere.
 */
static bool is_told(const struct mdns *m, const struct subject *s,
	const struct cache_entry *e)
{
	struct sockaddr_storage address;

	address_of(e->type, e->data, e->index, &address);
	return s->asked || is_on_link(interface_find(m, e->index), &address);
}

/* The best addresses of a subject, newest first, none twice. */
static void addresses_find(
	struct mdns *m, const struct subject *s, struct mdns_event *event)
{
	static const uint16_t types[] = { DNS_A, DNS_AAAA };
	const struct cache_entry *best[MDNS_FOUND_MAX + 1];
	int count = 0;

	for (int t = 0; t < 2; t++) {
		const struct cache_entry *e = NULL;

		while ((e = cache_find(&m->cache, &s->host, types[t], e)) !=
			NULL) {
			int at = count;

			if (!is_told(m, s, e))
				continue;
			count += count < MDNS_FOUND_MAX;
			for (; at > 0 && is_better(e, best[at - 1]); at--)
				best[at] = best[at - 1];
			best[at] = e;
		}
	}
	for (int i = 0; i < count; i++) {
		struct sockaddr_storage *to = &event->addresses[event->count];
		bool twice = false;

		address_of(best[i]->type, best[i]->data, best[i]->index, to);
		net_set_port(to, event->port);
		for (int j = 0; j < event->count; j++)
			twice = twice || memcmp(&event->addresses[j], to,
						 sizeof(*to)) == 0;
		event->count += !twice;
	}
}

/* Is enough known of a subject that it can be dialled? */
static bool subject_found(
	struct mdns *m, struct subject *s, struct mdns_event *event)
{
	const struct cache_entry *srv = subject_srv(m, s);
	struct reader r;

	event->kind = MDNS_FOUND;
	event->room = subject_room(m, s);
	event->service = srv != NULL;
	event->count = 0;
	event->port = 0;
	if (srv != NULL) {
		r = reader_over(srv->data + SRV_PORT, 2);
		event->port = read_be16(&r);
	}
	addresses_find(m, s, event);
	if (event->count == 0)
		return false;
	return s->asked || (srv != NULL && s->listed &&
				   (m->options.every_room ||
					   event->room == MDNS_ROOM_OURS));
}

/* Is it still to be told that it is not there any more? */
static bool subject_gone(const struct subject *s)
{
	return s->used && s->told && !s->listed && !s->asked;
}

/* What there is to tell of our own name. */
static bool own_event(struct mdns *m, struct mdns_event *event)
{
	struct responder *r = &m->responder;

	if (r->suspect) {
		r->suspect = false;
		event->kind = MDNS_SUSPECT;
	} else if (r->renamed) {
		r->renamed = false;
		m->stale = true; /* the old name is somebody else's */
		event->kind = MDNS_RENAMED;
	} else {
		return false;
	}
	(void)snprintf(m->told, sizeof(m->told), "%s", r->label);
	return true;
}

bool mdns_next(struct mdns *m, struct mdns_event *event)
{
	memset(event, 0, sizeof(*event));
	event->name = m->told;
	if (own_event(m, event))
		return true;
	for (int i = 0; i < MDNS_SUBJECTS_MAX; i++) {
		struct subject *s = &m->subjects[i];
		bool gone = subject_gone(s);

		if (!s->used || (!s->changed && !gone))
			continue;
		(void)snprintf(m->told, sizeof(m->told), "%s", s->name);
		if (gone) {
			event->kind = MDNS_GONE;
			s->told = false;
			s->used = s->linked; /* until it is linked no more */
			return true;
		}
		s->changed = false;
		if (!subject_found(m, s, event))
			continue;
		s->told = true;
		return true;
	}
	return false;
}

/* Output. */

/* What the cache wants to be asked for, where somebody cares. */
static void cache_update(struct mdns *m, int64_t now_ms)
{
	if (now_ms < m->cache_ms)
		return;
	if (cache_run(&m->cache, now_ms))
		m->stale = true;
	for (int i = 0; i < CACHE_MAX; i++) {
		struct cache_entry *e = &m->cache.entries[i];

		if (!e->used || !e->ask)
			continue;
		e->ask = false;
		if (entry_matters(m, e))
			e->scopes = scopes_of(m, e->index);
	}
	m->cache_ms = cache_next_ms(&m->cache);
}

/* Runs what is due; true when something was.  `along`: see search_is_due. */
static bool searches_run(struct mdns *m, bool along, int64_t now_ms)
{
	int64_t most_ms = m->options.legacy ? ASK_MOST_LEGACY_MS : ASK_MOST_MS;
	bool due = search_is_due(&m->browse, along, now_ms);

	if (due)
		search_run(m, &m->browse, ASK_MOST_MS, now_ms);
	for (int i = 0; i < MDNS_SUBJECTS_MAX; i++) {
		struct subject *s = &m->subjects[i];

		if (s->used && search_is_due(&s->service, along, now_ms)) {
			search_run(m, &s->service, ASK_MOST_MS, now_ms);
			due = true;
		}
		if (s->used && search_is_due(&s->address, along, now_ms)) {
			search_run(m, &s->address, most_ms, now_ms);
			due = true;
		}
	}
	return due;
}

/* What a search asks: one type of a name, or two. */
struct asking {
	const struct dns_name *name;
	uint16_t types[2];
};

/* The questions of a search, if they are due here and fit. */
static void write_search(struct dns_writer *w, const struct scope *scope,
	uint32_t bit, struct search *s, struct asking asking)
{
	struct dns_question question = {
		.name = *asking.name, .type = asking.types[0], .class = DNS_IN
	};
	struct dns_writer before = *w;

	if ((s->scopes & bit) == 0)
		return;
	question.unicast = s->first && scope_has_unicast(scope);
	if (!dns_write_question(w, &question))
		return;
	question.type = asking.types[1];
	if (question.type != 0 && !dns_write_question(w, &question)) {
		*w = before;
		return;
	}
	s->scopes &= ~bit;
}

/* The questions about records that are about to expire. */
static void write_refreshes(
	struct mdns *m, struct dns_writer *w, uint32_t bit, bool *browses)
{
	for (int i = 0; i < CACHE_MAX; i++) {
		struct cache_entry *e = &m->cache.entries[i], *same = NULL;
		struct dns_question question = { .class = DNS_IN };

		if (!e->used || (e->scopes & bit) == 0)
			continue;
		question.name = e->name;
		question.type = e->type;
		if (!(e->type == DNS_PTR && *browses) &&
			!dns_write_question(w, &question))
			return; /* in the next packet */
		*browses = *browses || e->type == DNS_PTR;
		while ((same = cache_find(
				&m->cache, &e->name, e->type, same)) != NULL)
			same->scopes &= ~bit;
	}
}

/*
 * 7.1: the instances that need not be told again; with TC when there are more
 * than fit (7.2).
 */
static void write_known(struct mdns *m, struct dns_writer *w,
	struct scope *scope, int64_t now_ms)
{
	struct dns_record *record = &m->record;

	for (int i = scope->next_known; i < CACHE_MAX; i++) {
		const struct cache_entry *e = &m->cache.entries[i];

		if (!e->used || e->type != DNS_PTR ||
			e->index != scope->interface->index ||
			!cache_is_fresh(e, now_ms))
			continue;
		record->section = DNS_ANSWER;
		record->name = e->name;
		record->type = e->type;
		record->class = DNS_IN;
		record->flush = false;
		record->ttl_s = cache_ttl_s(e, now_ms);
		record->size = e->size;
		memcpy(record->data, e->data, e->size);
		if (dns_write_record(w, record))
			continue;
		dns_write_flags(w, DNS_TRUNCATED);
		scope->more_known = true;
		scope->next_known = i;
		return;
	}
	scope->more_known = false;
	scope->next_known = 0;
}

/* All questions of one scope that fit, and what need not be answered. */
static size_t output_questions(
	struct mdns *m, struct scope *scope, int64_t now_ms)
{
	uint32_t bit = 1u << (scope - m->scopes.at);
	struct asking browse = { &m->service, { DNS_PTR, 0 } };
	struct dns_writer w;
	bool browses = (m->browse.scopes & bit) != 0;

	dns_writer_open(&w, m->out, sizeof(m->out), 0, 0);
	if (scope->more_known) {
		write_known(m, &w, scope, now_ms);
		return dns_writer_finish(&w);
	}
	write_search(&w, scope, bit, &m->browse, browse);
	for (int i = 0; i < MDNS_SUBJECTS_MAX; i++) {
		struct subject *s = &m->subjects[i];
		struct asking service = { &s->instance, { DNS_SRV, DNS_TXT } };
		struct asking address = { &s->host, { DNS_A, DNS_AAAA } };

		if (!s->used)
			continue;
		write_search(&w, scope, bit, &s->service, service);
		write_search(&w, scope, bit, &s->address, address);
	}
	write_refreshes(m, &w, bit, &browses);
	if (w.questions == 0)
		return 0;
	if (browses)
		write_known(m, &w, scope, now_ms);
	return dns_writer_finish(&w);
}

bool mdns_output(struct mdns *m, struct mdns_packet *packet, int64_t now_ms)
{
	memset(packet, 0, sizeof(*packet));
	packet->bytes = m->out;
	packet->size = responder_output(
		&m->responder, &m->scopes, packet, m->out, now_ms);
	if (packet->size > 0)
		return true;
	if (m->responder.leaving)
		return false;
	cache_update(m, now_ms);
	if (m->stale)
		subjects_update(m, now_ms);
	if (searches_run(m, false, now_ms))
		(void)searches_run(m, true, now_ms); /* in the same packet */
	for (int i = 0; i < m->scopes.count; i++) {
		struct scope *scope = &m->scopes.at[i];

		packet->size = output_questions(m, scope, now_ms);
		packet->index = scope->interface->index;
		packet->family = scope->family;
		packet->multicast = true;
		if (packet->size > 0)
			return true;
	}
	return false;
}

void mdns_want(const struct mdns *m, struct loop *loop)
{
	responder_want(&m->responder, &m->scopes, loop);
	if (m->responder.leaving)
		return;
	if (m->stale)
		loop_wake(loop, loop->now_ms);
	loop_wake(loop, m->cache_ms);
	for (int i = 0; i < MDNS_SUBJECTS_MAX; i++) {
		const struct subject *s = &m->subjects[i];

		if (subject_gone(s))
			loop_wake(loop, loop->now_ms); /* for mdns_next */
		if (!s->used || m->scopes.count == 0)
			continue;
		loop_wake(loop, s->service.ask_ms);
		loop_wake(loop, s->address.ask_ms);
	}
	if (m->scopes.count > 0)
		loop_wake(loop, m->browse.ask_ms);
}

/* Interfaces. */

static bool interface_equal(
	const struct mdns_interface *a, const struct mdns_interface *b)
{
	if (a->index != b->index || a->ipv4 != b->ipv4 || a->ipv6 != b->ipv6 ||
		a->unicast4 != b->unicast4 || a->unicast6 != b->unicast6 ||
		a->count != b->count)
		return false;
	for (int i = 0; i < a->count; i++) {
		/* Made of zeroes and fields, so equal as bytes when equal. */
		if (memcmp(&a->addresses[i], &b->addresses[i],
			    sizeof(a->addresses[i])) != 0 ||
			a->prefixes[i] != b->prefixes[i])
			return false;
	}
	return true;
}

bool mdns_interfaces_equal(const struct mdns_interface *a,
	const struct mdns_interface *b, int count)
{
	for (int i = 0; i < count; i++) {
		if (!interface_equal(&a[i], &b[i]))
			return false;
	}
	return true;
}

/* A scope as it was, if it was there; or a new one. */
static void scope_add(struct mdns *m, const struct mdns_interface *interface,
	int family, const struct scopes *old, int64_t now_ms)
{
	struct scope *scope = &m->scopes.at[m->scopes.count++];

	for (int i = 0; i < old->count; i++) {
		bool changed;

		if (old->at[i].family != family ||
			old->at[i].interface->index != interface->index)
			continue;
		*scope = old->at[i];
		changed = !interface_equal(scope->interface, interface);
		scope->interface = interface;
		if (changed)
			responder_changed(&m->responder, scope, now_ms);
		return;
	}
	memset(scope, 0, sizeof(*scope));
	scope->interface = interface;
	scope->family = family;
	responder_begin(&m->responder, scope, now_ms);
}

/* What came by interfaces that are gone may be true no more. */
static void interfaces_forget(
	struct mdns *m, const struct mdns_interface *before, int count)
{
	for (int i = 0; i < count; i++) {
		if (scopes_of(m, before[i].index) == 0)
			cache_forget(&m->cache, before[i].index);
	}
}

/* The bits in these mean other scopes now; all is asked again. */
static void searches_restart(struct mdns *m, int64_t now_ms)
{
	search_need(m, &m->browse, false, now_ms);
	search_need(m, &m->browse, m->options.browse, now_ms);
	for (int i = 0; i < MDNS_SUBJECTS_MAX; i++) {
		search_stop(&m->subjects[i].service);
		search_stop(&m->subjects[i].address);
		m->subjects[i].changed = true; /* what was far may be near */
	}
	for (int i = 0; i < CACHE_MAX; i++)
		m->cache.entries[i].scopes = 0;
	m->cache_ms = now_ms;
	m->stale = true;
}

void mdns_set_interfaces(struct mdns *m,
	const struct mdns_interface *interfaces, int count, int64_t now_ms)
{
	struct mdns_interface before[MDNS_INTERFACES_MAX];
	struct scopes old = m->scopes;
	int before_count = m->interface_count;

	if (count > MDNS_INTERFACES_MAX)
		count = MDNS_INTERFACES_MAX;
	if (count == before_count &&
		mdns_interfaces_equal(m->interfaces, interfaces, count))
		return;
	memcpy(before, m->interfaces, sizeof(before));
	for (int i = 0; i < old.count; i++)
		old.at[i].interface =
			&before[old.at[i].interface - m->interfaces];
	memcpy(m->interfaces, interfaces, (size_t)count * sizeof(*interfaces));
	m->interface_count = count;
	m->scopes.count = 0;
	for (int i = 0; i < count; i++) {
		if (interfaces[i].ipv4)
			scope_add(m, &m->interfaces[i], AF_INET, &old, now_ms);
		if (interfaces[i].ipv6)
			scope_add(m, &m->interfaces[i], AF_INET6, &old, now_ms);
	}
	interfaces_forget(m, before, before_count);
	searches_restart(m, now_ms);
}

/* Life. */

struct mdns *mdns_open(const struct mdns_options *options)
{
	struct mdns *m;

	errno = EINVAL;
	if (options->name != NULL && !name_is_valid(options->name))
		return NULL;
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return NULL;
	m->options = *options;
	if (options->room_id != NULL) {
		memcpy(m->room_id, options->room_id, MDNS_ROOM_SIZE);
		m->options.room_id = m->room_id;
	}
	dns_name_set(&m->service, SERVICE);
	if (!responder_open(&m->responder, options->name, SERVICE,
		    options->port, options->seed)) {
		mdns_close(m);
		return NULL;
	}
	m->responder.text_size = tag_text(m->responder.text,
		sizeof(m->responder.text), m->options.salt, m->options.room_id);
	cache_open(&m->cache, options->seed);
	m->cache_ms = INT64_MAX;
	m->questions_ms = INT64_MIN / 2;
	search_stop(&m->browse);
	return m;
}

void mdns_close(struct mdns *m)
{
	free(m);
}

int mdns_ask(struct mdns *m, const char *name)
{
	struct subject *s;
	int asked = 0;

	errno = EINVAL;
	if (!name_is_valid(name))
		return -1;
	s = subject_named(m, name);
	if (s != NULL && s->asked)
		return 0;
	for (int i = 0; i < MDNS_SUBJECTS_MAX; i++)
		asked += m->subjects[i].used && m->subjects[i].asked;
	errno = ENOSPC;
	if (asked == MDNS_ASKED_MAX)
		return -1;
	if (s == NULL)
		s = subject_add(m, name, true);
	if (s == NULL)
		return -1;
	s->asked = s->changed = true;
	m->stale = true;
	return 0;
}

void mdns_set_linked(
	struct mdns *m, const char *name, bool linked, int64_t now_ms)
{
	struct subject *s = subject_named(m, name);

	if (s == NULL || s->linked == linked)
		return;
	s->linked = linked;
	m->stale = true;
	subjects_update(m, now_ms);
}

void mdns_doubt(struct mdns *m, const char *name, int64_t now_ms)
{
	struct subject *s = subject_named(m, name);

	for (int i = 0; s != NULL && i < CACHE_MAX; i++) {
		struct cache_entry *e = &m->cache.entries[i];

		if (e->used && entry_concerns(e, s))
			cache_doubt(e, now_ms);
	}
	m->cache_ms = now_ms;
}

void mdns_goodbye(struct mdns *m)
{
	responder_goodbye(&m->responder, &m->scopes);
}
