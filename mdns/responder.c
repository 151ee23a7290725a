/* SPDX-License-Identifier: ISC */
/*
 * responder.c: what we tell of ourselves.  Numbers in comments are sections
 * of RFC 6762.
 *
 * The records of NAME on one interface, TTL in seconds, ! unique:
 *
 *	_persisted-chat._tcp.local	PTR	4500	NAME._persisted-chat...
 *	_services._dns-sd._udp.local	PTR	4500	_persisted-chat...
 *	NAME._persisted-chat...		SRV	 120 !	0 0 PORT NAME.local
 *	NAME._persisted-chat...		TXT	4500 !	txtvers, v, s, t
 *	NAME.local			A, AAAA	 120 !	of that interface
 *	both NAMEs			NSEC	 120 !	there is nothing else
 *
 * The state of a scope:
 *
 *	            conflict, once: 1 s; tie lost: 1 s
 *	             +--+
 *	             v  |   3 probes                2 times
 *	new ---> PROBING -----------> ANNOUNCING -----------> PUBLISHED
 *	             ^                    |                      |
 *	             +--------------------+----------------------+
 *	                            conflict (9)
 *
 *	a second conflict, or one by unicast: the next name, in all scopes, and
 *	the PTR to the one before is taken back
 *
 * Another program of this machine may call the machine NAME and publish
 * NAME.local with its addresses: avahi does.  That is no conflict, but avahi
 * would see one in any address of ours that it leaves out (temporary ones, link-
 * local ones beside others).  So then NAME.local is left to it (host_shared),
 * until it says goodbye, or is asked for when it was not heard for the TTL of
 * its records: then it is probed for, and left again if that program defends
 * it.  Only what comes from this machine's addresses is that program's.
 *
 * What is ours is known by its content, never by the sender's address: other
 * programs of this machine share address and port.  The salt in the TXT record
 * makes two chats of one name on one machine differ.
 *
 * Invariants:
 *	1. a unique record is sent in ANNOUNCING and PUBLISHED only.
 *	2. sent_ms of a record is when it was last multicast in its scope; it
 *	   is multicast again no sooner than a second later (6), or a quarter
 *	   of one in answer to a probe.
 *	3. due_ms is 0 for all records that no one waits for, or that are not.
 */
#include "platform.h"

#include <stdio.h>
#include <string.h>

#include "mdns/responder.h"
#include "net.h"

enum {
	SECOND_MS = 1000,
	TTL_HOST_S = 120, /* 10 */
	TTL_OTHER_S = 4500,
	TTL_LEGACY_S = 10, /* 6.7 */
	PROBES = 3,
	PROBE_MS = 250,
	PROBE_FLOOD_MS = 5 * SECOND_MS,
	CONFLICTS_MS = 10 * SECOND_MS,
	ANNOUNCEMENTS = 2,
	DEFENCE_MS = 250,
	SHARED_LEAST_MS = 20,
	SHARED_MOST_MS = 120,
	MORE_LEAST_MS = 400,
	MORE_MOST_MS = 500,
	MORE_IN_ALL_MS = 2 * SECOND_MS,
	LONG_AGO_MS = 24 * 3600 * SECOND_MS
};

enum {
	SHARED = 1u << OWN_PTR | 1u << OWN_SERVICES,
	NSECS = 1u << OWN_NSEC_HOST | 1u << OWN_NSEC_INSTANCE
};

/* Leaves. */

uint64_t responder_random(struct responder *r, uint64_t most)
{
	r->random = r->random * 6364136223846793005u + 1442695040888963407u;
	return (r->random >> 33) % (most + 1);
}

static int64_t random_ms(struct responder *r, int64_t least, int64_t most)
{
	return least + (int64_t)responder_random(r, (uint64_t)(most - least));
}

struct scope *scope_find(struct scopes *all, uint32_t index, int family)
{
	for (int i = 0; i < all->count; i++) {
		if (all->at[i].interface->index == index &&
			all->at[i].family == family)
			return &all->at[i];
	}
	return NULL;
}

bool scope_is_own(
	const struct scope *scope, const struct sockaddr_storage *address)
{
	const struct mdns_interface *interface = scope->interface;

	for (int i = 0; i < interface->count; i++) {
		if (net_same_host(&interface->addresses[i], address))
			return true;
	}
	return false;
}

bool scope_has_unicast(const struct scope *scope)
{
	return scope->family == AF_INET ? scope->interface->unicast4
					: scope->interface->unicast6;
}

/* Records. */

static uint16_t address_type(const struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET ? DNS_A : DNS_AAAA;
}

static void address_data(
	const struct sockaddr_storage *address, struct dns_record *record)
{
	const struct sockaddr_in *a4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)address;
	struct writer w = writer_over(record->data, sizeof(record->data));

	if (address->ss_family == AF_INET)
		write_bytes(&w, &a4->sin_addr, 4);
	else
		write_bytes(&w, &a6->sin6_addr, 16);
	record->type = address_type(address);
	record->size = (uint16_t)w.size;
}

/* The addresses of one type, or of any, that an interface has. */
static uint32_t address_bits(
	const struct mdns_interface *interface, uint16_t type)
{
	uint32_t bits = 0;

	for (int i = 0; i < interface->count; i++) {
		if (type == DNS_ANY ||
			address_type(&interface->addresses[i]) == type)
			bits |= 1u << (OWN_ADDRESS + i);
	}
	return bits;
}

/* 6.1: the types that a name has, as bits of the first block. */
static void nsec_data(const struct dns_name *name, const uint16_t *types,
	int count, struct dns_record *record)
{
	struct writer w = writer_over(record->data, sizeof(record->data));
	uint8_t bits[32] = { 0 };
	uint8_t size = 0;

	for (int i = 0; i < count; i++) {
		bits[types[i] / 8] |= (uint8_t)(0x80 >> types[i] % 8);
		if (types[i] / 8 >= size)
			size = (uint8_t)(types[i] / 8 + 1);
	}
	write_bytes(&w, name->bytes, name->size);
	write_u8(&w, 0);
	write_u8(&w, size);
	write_bytes(&w, bits, size);
	record->name = *name;
	record->type = DNS_NSEC;
	record->size = (uint16_t)w.size;
}

static void nsec_of_host(const struct responder *r,
	const struct mdns_interface *interface, struct dns_record *record)
{
	uint16_t types[2];
	int count = 0;

	if (address_bits(interface, DNS_A) != 0)
		types[count++] = DNS_A;
	if (address_bits(interface, DNS_AAAA) != 0)
		types[count++] = DNS_AAAA;
	nsec_data(&r->host, types, count, record);
}

static void pointer_to(const struct dns_name *from, const struct dns_name *to,
	struct dns_record *record)
{
	record->name = *from;
	record->type = DNS_PTR;
	record->ttl_s = TTL_OTHER_S;
	record->flush = false;
	record->size = to->size;
	memcpy(record->data, to->bytes, to->size);
}

/* Our record number `which` (OWN_...) on an interface; false: it has none. */
static bool own_record(const struct responder *r,
	const struct mdns_interface *interface, int which,
	struct dns_record *record)
{
	static const uint16_t instance_types[] = { DNS_TXT, DNS_SRV };
	struct writer w = writer_over(record->data, sizeof(record->data));

	record->section = DNS_ANSWER;
	record->name = r->instance;
	record->class = DNS_IN;
	record->flush = true;
	record->ttl_s = TTL_HOST_S;
	switch (which) {
	case OWN_PTR:
		pointer_to(&r->service, &r->instance, record);
		return true;
	case OWN_SERVICES:
		pointer_to(&r->services, &r->service, record);
		return true;
	case OWN_SRV:
		write_be32(&w, 0); /* priority and weight */
		write_be16(&w, r->port);
		write_bytes(&w, r->host.bytes, r->host.size);
		record->type = DNS_SRV;
		record->size = (uint16_t)w.size;
		return true;
	case OWN_TXT:
		write_bytes(&w, r->text, r->text_size);
		record->type = DNS_TXT;
		record->ttl_s = TTL_OTHER_S;
		record->size = (uint16_t)w.size;
		return true;
	case OWN_NSEC_HOST:
		nsec_of_host(r, interface, record);
		return true;
	case OWN_NSEC_INSTANCE:
		nsec_data(&r->instance, instance_types, 2, record);
		return true;
	default:
		if (which - OWN_ADDRESS >= interface->count)
			return false;
		record->name = r->host;
		address_data(
			&interface->addresses[which - OWN_ADDRESS], record);
		return true;
	}
}

/* All records of an interface but those that deny. */
static uint32_t all_bits(const struct mdns_interface *interface)
{
	return 1u << OWN_PTR | 1u << OWN_SERVICES | 1u << OWN_SRV |
	       1u << OWN_TXT | address_bits(interface, DNS_ANY);
}

/* What of `bits` we publish: not the host, when it is left to another. */
static uint32_t published(const struct scope *scope, uint32_t bits)
{
	if (!scope->host_shared)
		return bits;
	return bits &
	       ~(address_bits(scope->interface, DNS_ANY) | 1u << OWN_NSEC_HOST);
}

static int64_t ttl_ms(int which)
{
	bool other =
		which == OWN_PTR || which == OWN_SERVICES || which == OWN_TXT;

	return (other ? TTL_OTHER_S : TTL_HOST_S) * (int64_t)SECOND_MS;
}

/* Which of `bits` is this record?  OWN_MAX: none. */
static int own_find(const struct responder *r,
	const struct mdns_interface *interface, uint32_t bits,
	const struct dns_record *record)
{
	struct dns_record own;

	for (int i = 0; i < OWN_MAX; i++) {
		if ((bits & 1u << i) != 0 &&
			own_record(r, interface, i, &own) &&
			own.class == record->class &&
			own.type == record->type && own.size == record->size &&
			dns_data_equal(
				own.type, own.data, record->data, own.size) &&
			dns_name_equal(&own.name, &record->name))
			return i;
	}
	return OWN_MAX;
}

/* What answers a question (6); NSEC when there is nothing (6.1). */
static uint32_t answer_bits(const struct responder *r,
	const struct scope *scope, const struct dns_question *question)
{
	uint16_t type = question->type;
	uint32_t bits;

	if (question->class != DNS_IN && question->class != DNS_CLASS_ANY)
		return 0;
	if (dns_name_equal(&question->name, &r->host)) {
		bits = address_bits(scope->interface, type);
		return published(scope, bits != 0 ? bits : 1u << OWN_NSEC_HOST);
	}
	if (dns_name_equal(&question->name, &r->instance)) {
		bits = 0;
		if (type == DNS_SRV || type == DNS_ANY)
			bits |= 1u << OWN_SRV;
		if (type == DNS_TXT || type == DNS_ANY)
			bits |= 1u << OWN_TXT;
		return bits != 0 ? bits : 1u << OWN_NSEC_INSTANCE;
	}
	if (type != DNS_PTR && type != DNS_ANY)
		return 0;
	if (dns_name_equal(&question->name, &r->service))
		return 1u << OWN_PTR;
	if (dns_name_equal(&question->name, &r->services))
		return 1u << OWN_SERVICES;
	return 0;
}

/* What belongs to answers, so that nobody has to ask twice (6.2; SD 12). */
static uint32_t additional_bits(const struct scope *scope, uint32_t answers)
{
	const struct mdns_interface *interface = scope->interface;
	uint32_t addresses = address_bits(interface, DNS_ANY);
	uint32_t bits = 0;

	if ((answers & 1u << OWN_PTR) != 0)
		bits |= 1u << OWN_SRV | 1u << OWN_TXT;
	if (((answers | bits) & 1u << OWN_SRV) != 0)
		bits |= addresses;
	if ((answers & addresses) != 0)
		bits |= addresses;
	if ((bits & addresses) != 0 &&
		(address_bits(interface, DNS_A) == 0 ||
			address_bits(interface, DNS_AAAA) == 0))
		bits |= 1u << OWN_NSEC_HOST;
	return published(scope, bits & ~answers);
}

/* Names. */

static void names_make(struct responder *r, const char *label)
{
	bool fits;

	(void)snprintf(r->label, sizeof(r->label), "%s", label);
	dns_name_set(&r->host, "local");
	fits = dns_name_prepend(&r->host, r->label, strlen(r->label));
	r->instance = r->service;
	fits = fits &&
	       dns_name_prepend(&r->instance, r->label, strlen(r->label));
	assert(fits);
}

/* 9: NAME-2, NAME-3, ... of at most MDNS_NAME_MAX bytes. */
static void names_next(struct responder *r)
{
	char number[16];
	char label[DNS_LABEL_MAX + 1];
	int room;

	(void)snprintf(number, sizeof(number), "-%u", ++r->number);
	room = MDNS_NAME_MAX - (int)strlen(number);
	(void)snprintf(label, sizeof(label), "%.*s", room, r->first_label);
	while (label[strlen(label) - 1] == '-')
		label[strlen(label) - 1] = '\0';
	(void)snprintf(label + strlen(label), sizeof(label) - strlen(label),
		"%s", number);
	r->old_instance = r->instance;
	names_make(r, label);
	r->renamed = true;
}

/* States. */

/* Of `bits` what there is to tell; again no sooner than after again_ms (6). */
static void records_due(
	struct scope *scope, uint32_t bits, int64_t due_ms, int64_t again_ms)
{
	bits &= published(scope, all_bits(scope->interface) | NSECS);
	for (int i = 0; i < OWN_MAX; i++) {
		int64_t at_ms = scope->sent_ms[i] + again_ms;

		if ((bits & 1u << i) == 0)
			continue;
		if (at_ms < due_ms)
			at_ms = due_ms;
		if (scope->due_ms[i] == 0 || at_ms < scope->due_ms[i])
			scope->due_ms[i] = at_ms;
	}
}

static void scope_enter(
	struct scope *scope, enum own_state state, int64_t next_ms)
{
	scope->state = state;
	scope->sent = 0;
	scope->next_ms = next_ms;
	if (state == OWN_PROBING)
		memset(scope->due_ms, 0, sizeof(scope->due_ms));
}

void responder_begin(struct responder *r, struct scope *scope, int64_t now_ms)
{
	for (int i = 0; i < OWN_MAX; i++)
		scope->sent_ms[i] = now_ms - LONG_AGO_MS;
	scope_enter(scope, OWN_PROBING,
		r->publishes && !r->leaving ? now_ms + random_ms(r, 0, PROBE_MS)
					    : INT64_MAX);
}

void responder_changed(struct responder *r, struct scope *scope, int64_t now_ms)
{
	for (int i = OWN_ADDRESS; i < OWN_MAX; i++) {
		scope->due_ms[i] = 0;
		scope->sent_ms[i] = now_ms - LONG_AGO_MS;
	}
	if (r->publishes && !r->leaving && scope->state != OWN_PROBING)
		scope_enter(scope, OWN_ANNOUNCING,
			now_ms + random_ms(r, SHARED_LEAST_MS, SHARED_MOST_MS));
}

void responder_goodbye(struct responder *r, struct scopes *all)
{
	r->leaving = true;
	r->reply_count = 0;
	memset(r->waits, 0, sizeof(r->waits));
	for (int i = 0; i < all->count; i++) {
		struct scope *scope = &all->at[i];

		scope->goodbye = r->publishes && scope->state != OWN_PROBING;
		memset(scope->due_ms, 0, sizeof(scope->due_ms));
		scope->next_ms = INT64_MAX;
	}
}

/* Conflicts. */

bool responder_conflicts(const struct responder *r, const struct scopes *all,
	const struct dns_record *record)
{
	bool host = dns_name_equal(&record->name, &r->host);
	bool instance = dns_name_equal(&record->name, &r->instance);

	if (!r->publishes || record->class != DNS_IN || record->ttl_s == 0)
		return false;
	host = host && (record->type == DNS_A || record->type == DNS_AAAA);
	instance = instance &&
		   (record->type == DNS_SRV || record->type == DNS_TXT);
	if (!host && !instance)
		return false;
	for (int i = 0; i < all->count; i++) {
		if (own_find(r, all->at[i].interface,
			    all_bits(all->at[i].interface), record) != OWN_MAX)
			return false;
	}
	return true;
}

/*
 * 8.1: the wait before the next try; long, once there were too many, until a
 * name is ours.
 */
static int64_t conflict_wait_ms(
	struct responder *r, int64_t usual_ms, int64_t now_ms)
{
	int64_t *oldest_ms = &r->conflicts_ms[r->conflict_next];

	if (now_ms - *oldest_ms < CONFLICTS_MS)
		r->flooded = true;
	*oldest_ms = now_ms;
	r->conflict_next = (r->conflict_next + 1) % RESPONDER_CONFLICTS;
	return r->flooded ? PROBE_FLOOD_MS : usual_ms;
}

/* What was known and sent is of the old name; so is the PTR that was told. */
static void scope_rename(struct scope *scope, int64_t now_ms)
{
	scope->old_told = now_ms - scope->sent_ms[OWN_PTR] < ttl_ms(OWN_PTR);
	scope->conflicts = 0;
	scope->host_shared = false;
	for (int i = 0; i < OWN_MAX; i++) {
		if (i != OWN_SERVICES)
			scope->sent_ms[i] = now_ms - LONG_AGO_MS;
	}
}

void responder_conflict(struct responder *r, struct scopes *all,
	struct scope *scope, bool unicast, int64_t now_ms)
{
	if (r->leaving || (scope->state == OWN_PROBING && scope->sent == 0))
		return; /* 8.1: it is older than our first probe */
	r->suspect = true;
	if (scope->state != OWN_PROBING) { /* 9 */
		scope->conflicts = 0;
		scope_enter(scope, OWN_PROBING,
			now_ms + conflict_wait_ms(r, 0, now_ms));
		return;
	}
	if (scope->conflicts++ == 0 && !unicast) {
		scope_enter(scope, OWN_PROBING,
			now_ms + conflict_wait_ms(r, SECOND_MS, now_ms));
		return;
	}
	names_next(r);
	for (int i = 0; i < all->count; i++)
		scope_rename(&all->at[i], now_ms);
	now_ms += conflict_wait_ms(r, random_ms(r, 0, PROBE_MS), now_ms);
	for (int i = 0; i < all->count; i++)
		scope_enter(&all->at[i], OWN_PROBING, now_ms);
}

/* The records of `name` that a rival proposes, sorted; their number. */
static int rivals_read(struct responder *r, const struct dns_name *name,
	const struct mdns_packet *packet)
{
	struct dns_message m;
	struct dns_record record;
	int count = 0;

	if (!dns_message_open(&m, packet->bytes, packet->size))
		return 0;
	while (count < RESPONDER_TIE_MAX && dns_next_record(&m, &record)) {
		int at = count;

		if (record.section != DNS_AUTHORITY ||
			!dns_name_equal(&record.name, name))
			continue;
		while (at > 0 &&
			dns_record_compare(&r->rivals[at - 1], &record) > 0) {
			r->rivals[at] = r->rivals[at - 1];
			at--;
		}
		r->rivals[at] = record;
		count++;
	}
	return count;
}

/* Our record that comes next after `least` in the order of 8.2.1. */
static bool own_next(const struct responder *r, const struct scope *scope,
	const struct dns_name *name, const struct dns_record *least,
	struct dns_record *next)
{
	struct dns_record own;
	bool found = false;

	for (int i = 0; i < OWN_MAX; i++) {
		if ((all_bits(scope->interface) & 1u << i) == 0 ||
			!own_record(r, scope->interface, i, &own) ||
			!dns_name_equal(&own.name, name) ||
			(least != NULL && dns_record_compare(&own, least) <= 0))
			continue;
		if (!found || dns_record_compare(&own, next) < 0)
			*next = own;
		found = true;
	}
	return found;
}

/* 8.2.1: is our list the lesser one?  The one that has more left is not. */
static bool tie_is_lost(const struct responder *r, const struct scope *scope,
	const struct dns_name *name, int count)
{
	struct dns_record own, last;
	int order;

	for (int i = 0; i < count; i++) {
		if (!own_next(r, scope, name, i == 0 ? NULL : &last, &own))
			return true;
		order = dns_record_compare(&own, &r->rivals[i]);
		if (order != 0)
			return order < 0;
		last = own;
	}
	return false;
}

static void host_leave(struct scope *scope, int64_t now_ms)
{
	scope->host_shared = true;
	scope->host_heard_ms = now_ms;
}

/* It is ours, if nobody defends it. */
static void host_reclaim(struct scope *scope, int64_t now_ms)
{
	scope->host_shared = false;
	scope_enter(scope, OWN_PROBING, now_ms);
}

/*
 * Does another program of this machine probe for NAME.local, with addresses
 * of this interface alone?  It is none of ours: those probe for instances too.
 */
static void host_probed(const struct responder *r, struct scope *scope,
	const struct mdns_packet *packet, int64_t now_ms)
{
	struct dns_message m;
	struct dns_record record;
	int hosts = 0;

	if (!scope_is_own(scope, &packet->address) ||
		!dns_message_open(&m, packet->bytes, packet->size))
		return;
	while (dns_next_record(&m, &record)) {
		if (record.section != DNS_AUTHORITY)
			continue;
		if (dns_name_equal(&record.name, &r->instance))
			return;
		if (!dns_name_equal(&record.name, &r->host))
			continue;
		if (own_find(r, scope->interface,
			    address_bits(scope->interface, DNS_ANY),
			    &record) == OWN_MAX)
			return;
		hosts++;
	}
	if (hosts > 0)
		host_leave(scope, now_ms);
}

void responder_tie(struct responder *r, const struct scopes *all,
	struct scope *scope, const struct mdns_packet *packet, int64_t now_ms)
{
	const struct dns_name *names[2] = { &r->host, &r->instance };

	if (!r->publishes || r->leaving)
		return;
	host_probed(r, scope, packet, now_ms);
	if (scope->state != OWN_PROBING || scope->sent == 0)
		return;
	for (int i = 0; i < 2; i++) {
		int count = rivals_read(r, names[i], packet);
		bool foreign = false;

		/* Our own probe, maybe by another interface, is no rival. */
		for (int j = 0; j < count; j++)
			foreign = foreign ||
				  responder_conflicts(r, all, &r->rivals[j]);
		if (foreign && tie_is_lost(r, scope, names[i], count)) {
			scope_enter(scope, OWN_PROBING, now_ms + SECOND_MS);
			return;
		}
	}
}

/*
 * The address of this interface is told, or taken back, as that of NAME.  While
 * we probe, or leave it to others, we tell nothing of it, so it is not our own
 * voice.
 */
static void host_heard(struct scope *scope, const struct mdns_packet *packet,
	const struct dns_record *record, int64_t now_ms)
{
	bool probing = scope->state == OWN_PROBING;

	if (record->ttl_s == 0 && scope->host_shared && !probing)
		host_reclaim(scope, now_ms); /* maybe somebody forged it */
	if (record->ttl_s > 0 && scope_is_own(scope, &packet->address) &&
		(scope->host_shared || (probing && scope->sent > 0)))
		host_leave(scope, now_ms);
}

/* Who waits with more known answers to come need not be told these. */
static void waits_take(
	struct responder *r, const struct mdns_packet *packet, uint32_t records)
{
	for (int i = 0; i < RESPONDER_WAITS_MAX; i++) {
		struct wait *w = &r->waits[i];

		if (w->index == packet->index &&
			w->from.ss_family == packet->family)
			w->records &= ~records;
	}
}

void responder_heard(struct responder *r, struct scope *scope,
	const struct mdns_packet *packet, const struct dns_record *record,
	int64_t now_ms)
{
	int which;

	if (!r->publishes || r->leaving)
		return;
	which = own_find(
		r, scope->interface, all_bits(scope->interface), record);
	if (which == OWN_MAX)
		return;
	if (which >= OWN_ADDRESS)
		host_heard(scope, packet, record, now_ms);
	if (scope->state == OWN_PROBING || published(scope, 1u << which) == 0)
		return;
	if ((int64_t)record->ttl_s * SECOND_MS * 2 < ttl_ms(which)) {
		/* 6.6, 10.1: it would be forgotten, and it is true. */
		records_due(scope, 1u << which, now_ms, SECOND_MS);
	} else if ((int64_t)record->ttl_s * SECOND_MS >= ttl_ms(which) &&
		   !scope_is_own(scope, &packet->address)) {
		scope->due_ms[which] = 0; /* 7.4: another host has said it */
		scope->sent_ms[which] = now_ms;
		waits_take(r, packet, 1u << which);
	}
}

/* Questions. */

/* How a packet of questions is to be answered. */
struct asked {
	uint32_t group;     /* by multicast */
	uint32_t asker;     /* by unicast */
	bool host;          /* NAME.local is asked for */
	bool probe;         /* 6: answered sooner */
	bool legacy;        /* 6.7 */
	bool direct;        /* 5.5: it came by unicast */
	bool more;          /* 7.2: known answers come in further packets */
	struct reply reply; /* what concerns the asker */
};

static void reply_add(struct responder *r, const struct reply *reply)
{
	/* Beyond this the rest asks again. */
	if (reply->records != 0 && r->reply_count < RESPONDER_REPLIES_MAX)
		r->replies[r->reply_count++] = *reply;
}

/* 5.4: to the asker alone, unless the others may want to hear it too. */
static void asked_add(struct asked *asked, const struct scope *scope,
	uint32_t bits, bool unicast, int64_t now_ms)
{
	for (int i = 0; i < OWN_MAX; i++) {
		if ((bits & 1u << i) == 0)
			continue;
		if (unicast && now_ms - scope->sent_ms[i] < ttl_ms(i) / 4)
			asked->asker |= 1u << i;
		else
			asked->group |= 1u << i;
	}
}

static void questions_read(struct responder *r, struct scope *scope,
	struct dns_message *m, struct asked *asked, int64_t now_ms)
{
	struct reply *reply = &asked->reply;

	while (dns_next_question(m, &reply->question)) {
		uint32_t bits = answer_bits(r, scope, &reply->question);

		asked->host = asked->host ||
			      dns_name_equal(&r->host, &reply->question.name);
		if (asked->legacy) {
			reply->records = bits;
			reply_add(r, reply);
		} else {
			asked_add(asked, scope, bits,
				asked->direct || reply->question.unicast,
				now_ms);
		}
	}
}

/* 7.1: what the asker knows, for half of its life at least, is left out. */
static uint32_t known_bits(const struct responder *r, const struct scope *scope,
	const struct dns_record *record)
{
	int which = own_find(r, scope->interface,
		all_bits(scope->interface) | NSECS, record);

	if (which == OWN_MAX ||
		(int64_t)record->ttl_s * SECOND_MS * 2 < ttl_ms(which))
		return 0;
	return 1u << which;
}

/* The records of a packet of questions; what of ours the asker knows by them. */
static uint32_t records_read(const struct responder *r,
	const struct scope *scope, struct dns_message *m, struct asked *asked)
{
	struct dns_record record;
	uint32_t known = 0;

	while (dns_next_record(m, &record)) {
		if (record.section == DNS_ANSWER)
			known |= known_bits(r, scope, &record);
		if (record.section == DNS_AUTHORITY)
			asked->probe = true;
	}
	asked->group &= ~known;
	asked->asker &= ~known;
	if (asked->more) { /* all of it waits, and then goes to the group */
		asked->group |= asked->asker;
		asked->asker = 0;
	}
	return known;
}

/* 7.2: is there an asker who goes on?  Then what it knows is left out. */
static bool wait_goes_on(struct responder *r, const struct mdns_packet *packet,
	const struct asked *asked, uint32_t known, int64_t now_ms)
{
	for (int i = 0; i < RESPONDER_WAITS_MAX; i++) {
		struct wait *w = &r->waits[i];

		if (w->records == 0 || w->index != packet->index ||
			memcmp(&w->from, &packet->address, sizeof(w->from)) !=
				0)
			continue;
		w->records &= ~known;
		if (asked->more &&
			now_ms - w->since_ms < MORE_IN_ALL_MS - MORE_MOST_MS)
			w->due_ms = now_ms +
				    random_ms(r, MORE_LEAST_MS, MORE_MOST_MS);
		return true;
	}
	return false;
}

/* False when there is no place to wait in. */
static bool wait_begin(struct responder *r, const struct mdns_packet *packet,
	uint32_t bits, int64_t now_ms)
{
	for (int i = 0; i < RESPONDER_WAITS_MAX; i++) {
		struct wait *w = &r->waits[i];

		if (w->records != 0)
			continue;
		w->records = bits;
		w->index = packet->index;
		w->from = packet->address;
		w->since_ms = now_ms;
		w->due_ms = now_ms + random_ms(r, MORE_LEAST_MS, MORE_MOST_MS);
		return true;
	}
	return false;
}

void responder_query(struct responder *r, struct scope *scope,
	const struct mdns_packet *packet, int64_t now_ms)
{
	struct asked asked = { .legacy = net_port(&packet->address) !=
					 MDNS_PORT };
	struct dns_message m;
	int64_t due_ms = now_ms;
	uint32_t known;

	if (!r->publishes || r->leaving || scope->state == OWN_PROBING ||
		net_port(&packet->address) == 0 ||
		!dns_message_open(&m, packet->bytes, packet->size))
		return;
	asked.reply.index = packet->index;
	asked.reply.to = packet->address;
	asked.reply.legacy = asked.legacy;
	asked.reply.id = m.id;
	asked.more = (m.flags & DNS_TRUNCATED) != 0;
	asked.direct = !packet->multicast;
	questions_read(r, scope, &m, &asked, now_ms);
	if (asked.host && scope->host_shared &&
		now_ms - scope->host_heard_ms >= ttl_ms(OWN_ADDRESS)) {
		host_reclaim(scope, now_ms); /* and they ask again */
		return;
	}
	if (asked.legacy)
		return;
	known = records_read(r, scope, &m, &asked);
	asked.reply.records = asked.asker;
	reply_add(r, &asked.reply);
	if (asked.group == 0) {
		(void)wait_goes_on(r, packet, &asked, known, now_ms);
		return;
	}
	if (asked.more && wait_begin(r, packet, asked.group, now_ms))
		return;
	if ((asked.group & SHARED) != 0) /* 6.3: all together */
		due_ms += random_ms(r, SHARED_LEAST_MS, SHARED_MOST_MS);
	records_due(scope, asked.group, due_ms,
		asked.probe ? DEFENCE_MS : SECOND_MS);
}

/* Output: each of these makes the packet of one kind that is due, or none. */

static void packet_to_group(
	const struct scope *scope, struct mdns_packet *packet)
{
	packet->index = scope->interface->index;
	packet->family = scope->family;
	packet->multicast = true;
}

struct packing {
	struct dns_writer *writer;
	const struct mdns_interface *interface;
	enum dns_section section;
	bool may_flush;     /* 10.2; not when probing, nor to legacy askers */
	uint32_t ttl_max_s; /* 0: goodbye */
};

/* Writes records as long as they fit; the bits of those that did. */
static uint32_t pack(
	const struct responder *r, const struct packing *p, uint32_t bits)
{
	struct dns_record record;
	uint32_t packed = 0;

	for (int i = 0; i < OWN_MAX; i++) {
		if ((bits & 1u << i) == 0 ||
			!own_record(r, p->interface, i, &record))
			continue;
		record.section = p->section;
		record.flush = record.flush && p->may_flush;
		if (record.ttl_s > p->ttl_max_s)
			record.ttl_s = p->ttl_max_s;
		if (!dns_write_record(p->writer, &record))
			break;
		packed |= 1u << i;
	}
	return packed;
}

/* 6: what of `bits` was not multicast within the last second. */
static uint32_t not_lately(
	const struct scope *scope, uint32_t bits, int64_t now_ms)
{
	for (int i = 0; i < OWN_MAX; i++) {
		if (now_ms - scope->sent_ms[i] < SECOND_MS)
			bits &= ~(1u << i);
	}
	return bits;
}

/* A response to the group; the bits of what it answers. */
static uint32_t pack_response(struct responder *r, struct scope *scope,
	struct dns_writer *w, uint32_t answers, int64_t now_ms)
{
	struct packing p = { .writer = w,
		.interface = scope->interface,
		.section = DNS_ANSWER,
		.may_flush = true,
		.ttl_max_s = TTL_OTHER_S };
	uint32_t additionals;

	answers = pack(r, &p, answers);
	p.section = DNS_ADDITIONAL;
	additionals = pack(r, &p,
		not_lately(scope, additional_bits(scope, answers), now_ms));
	for (int i = 0; i < OWN_MAX; i++) {
		if (((answers | additionals) & 1u << i) == 0)
			continue;
		scope->sent_ms[i] = now_ms;
		scope->due_ms[i] = 0;
	}
	return answers;
}

/* Is there one to be answered alone?  Half of the answers are the group's. */
static bool replies_due(const struct responder *r)
{
	return r->reply_count > 0 &&
	       r->answers_left > RESPONDER_ANSWERS_MAX / 2;
}

/* Takes the one who waits for longest. */
static bool reply_next(struct responder *r, struct reply *reply)
{
	if (!replies_due(r))
		return false;
	*reply = r->replies[0];
	r->reply_count--;
	memmove(r->replies, r->replies + 1,
		(size_t)r->reply_count * sizeof(r->replies[0]));
	return true;
}

/* A response to one asker. */
static bool output_reply(struct responder *r, struct scopes *all,
	struct dns_writer *w, struct mdns_packet *packet)
{
	struct reply reply;

	while (reply_next(r, &reply)) {
		struct scope *scope =
			scope_find(all, reply.index, reply.to.ss_family);
		struct packing p = { .writer = w,
			.section = DNS_ANSWER,
			.may_flush = !reply.legacy,
			.ttl_max_s =
				reply.legacy ? TTL_LEGACY_S : TTL_OTHER_S };

		if (scope == NULL || scope->state == OWN_PROBING)
			continue;
		dns_writer_open(w, w->out.bytes, MDNS_SEND_MAX,
			reply.legacy ? reply.id : 0,
			DNS_RESPONSE | DNS_AUTHORITATIVE);
		w->plain = reply.legacy;
		reply.question.unicast = false;
		if (reply.legacy && !dns_write_question(w, &reply.question))
			continue;
		p.interface = scope->interface;
		reply.records = pack(r, &p, reply.records);
		p.section = DNS_ADDITIONAL;
		(void)pack(r, &p, additional_bits(scope, reply.records));
		packet_to_group(scope, packet);
		packet->multicast = false;
		packet->address = reply.to;
		return true;
	}
	return false;
}

/* 8.1: one message for both names; QU in the first only. */
static void pack_probe(
	struct responder *r, struct scope *scope, struct dns_writer *w)
{
	struct packing p = { .writer = w,
		.interface = scope->interface,
		.section = DNS_AUTHORITY,
		.ttl_max_s = TTL_OTHER_S };
	struct dns_question question = { .type = DNS_ANY, .class = DNS_IN };
	bool fits;

	question.unicast = scope->sent == 0 && scope_has_unicast(scope);
	question.name = r->host;
	fits = dns_write_question(w, &question);
	question.name = r->instance;
	fits = fits && dns_write_question(w, &question);
	assert(fits);
	(void)pack(r, &p, all_bits(scope->interface) & ~(uint32_t)SHARED);
}

/* The probe or announcement that is due. */
static bool output_state(struct responder *r, struct scope *scope,
	struct dns_writer *w, int64_t now_ms)
{
	uint32_t told = published(scope, all_bits(scope->interface) | NSECS);

	if (now_ms < scope->next_ms)
		return false;
	if (scope->state == OWN_PROBING && scope->sent == PROBES)
		scope_enter(scope, OWN_ANNOUNCING, now_ms);
	if (scope->state == OWN_PROBING) {
		dns_writer_open(w, w->out.bytes, MDNS_SEND_MAX, 0, 0);
		pack_probe(r, scope, w);
		scope->sent++;
		scope->next_ms = now_ms + PROBE_MS;
		return true;
	}
	told = pack_response(
		r, scope, w, not_lately(scope, told, now_ms), now_ms);
	scope->next_ms = now_ms + SECOND_MS;
	if (++scope->sent == ANNOUNCEMENTS) {
		scope->conflicts = 0;
		r->flooded = false;
		scope_enter(scope, OWN_PUBLISHED, INT64_MAX);
	}
	return told != 0;
}

/* 10.1; the list of services is others' as well, and stays. */
static bool output_goodbye(
	struct responder *r, struct scope *scope, struct dns_writer *w)
{
	struct packing p = { .writer = w,
		.interface = scope->interface,
		.section = DNS_ANSWER,
		.may_flush = true };

	if (!scope->goodbye)
		return false;
	scope->goodbye = false;
	return pack(r, &p,
		       published(scope, all_bits(scope->interface)) &
			       ~(1u << OWN_SERVICES)) != 0;
}

/*
 * 8.4: the PTR to the name that we had is taken back.  Where its new owner has
 * told the same, he rescues it (6.6).
 */
static bool output_old_name(
	struct responder *r, struct scope *scope, struct dns_writer *w)
{
	struct dns_record record = { .section = DNS_ANSWER, .class = DNS_IN };

	if (!scope->old_told)
		return false;
	scope->old_told = false;
	pointer_to(&r->service, &r->old_instance, &record);
	record.ttl_s = 0;
	return dns_write_record(w, &record);
}

static bool output_answers(struct responder *r, struct scope *scope,
	struct dns_writer *w, int64_t now_ms)
{
	uint32_t due = 0, later = 0;

	for (int i = 0; i < OWN_MAX; i++) {
		if (scope->due_ms[i] != 0 && scope->due_ms[i] <= now_ms)
			due |= 1u << i;
		else if (scope->due_ms[i] != 0)
			later |= 1u << i;
	}
	if (due == 0)
		return false;
	due |= not_lately(scope, later, now_ms); /* 6.4: on the same way */
	return pack_response(r, scope, w, due, now_ms) != 0;
}

/* Who has waited long enough for known answers is answered. */
static void waits_end(struct responder *r, struct scopes *all, int64_t now_ms)
{
	for (int i = 0; i < RESPONDER_WAITS_MAX; i++) {
		struct wait *w = &r->waits[i];
		struct scope *scope =
			scope_find(all, w->index, w->from.ss_family);

		if (w->records == 0 || now_ms < w->due_ms)
			continue;
		if (scope != NULL && scope->state != OWN_PROBING)
			records_due(scope, w->records, now_ms, SECOND_MS);
		w->records = 0;
	}
}

/* At most so many answers a second; what is over waits, or is asked again. */
static bool answers_allowed(struct responder *r, int64_t now_ms)
{
	if (now_ms - r->answers_ms >= SECOND_MS) {
		r->answers_ms = now_ms;
		r->answers_left = RESPONDER_ANSWERS_MAX;
	}
	return r->answers_left > 0;
}

size_t responder_output(struct responder *r, struct scopes *all,
	struct mdns_packet *packet, uint8_t *bytes, int64_t now_ms)
{
	struct dns_writer w;
	bool due = false, answer = false;

	waits_end(r, all, now_ms);
	for (int i = 0; i < all->count && !due; i++) {
		struct scope *scope = &all->at[i];

		dns_writer_open(&w, bytes, MDNS_SEND_MAX, 0,
			DNS_RESPONSE | DNS_AUTHORITATIVE);
		due = output_goodbye(r, scope, &w) ||
		      output_old_name(r, scope, &w) ||
		      output_state(r, scope, &w, now_ms);
		packet_to_group(scope, packet);
	}
	if (!due && answers_allowed(r, now_ms)) {
		dns_writer_open(&w, bytes, MDNS_SEND_MAX, 0, 0);
		due = answer = output_reply(r, all, &w, packet);
		for (int i = 0; i < all->count && !due; i++) {
			dns_writer_open(&w, bytes, MDNS_SEND_MAX, 0,
				DNS_RESPONSE | DNS_AUTHORITATIVE);
			due = answer =
				output_answers(r, &all->at[i], &w, now_ms);
			packet_to_group(&all->at[i], packet);
		}
	}
	if (!due)
		return 0;
	r->answers_left -= answer;
	return dns_writer_finish(&w);
}

void responder_want(
	const struct responder *r, const struct scopes *all, struct loop *loop)
{
	int64_t answer_ms = INT64_MAX;

	if (r->reply_count > 0)
		loop_wake(loop, replies_due(r) ? loop->now_ms
					       : r->answers_ms + SECOND_MS);
	for (int i = 0; i < RESPONDER_WAITS_MAX; i++) {
		if (r->waits[i].records != 0)
			loop_wake(loop, r->waits[i].due_ms);
	}
	for (int i = 0; i < all->count; i++) {
		const struct scope *scope = &all->at[i];

		loop_wake(loop, scope->goodbye || scope->old_told
					? loop->now_ms
					: scope->next_ms);
		for (int j = 0; j < OWN_MAX; j++) {
			if (scope->due_ms[j] != 0 &&
				scope->due_ms[j] < answer_ms)
				answer_ms = scope->due_ms[j];
		}
	}
	if (r->answers_left == 0 && answer_ms < r->answers_ms + SECOND_MS)
		answer_ms = r->answers_ms + SECOND_MS;
	loop_wake(loop, answer_ms);
}

/* Life. */

bool responder_open(struct responder *r, const char *label, const char *service,
	uint16_t port, uint64_t seed)
{
	memset(r, 0, sizeof(*r));
	r->random = seed;
	r->port = port;
	r->number = 1;
	r->answers_ms = INT64_MIN / 2;
	for (int i = 0; i < RESPONDER_CONFLICTS; i++)
		r->conflicts_ms[i] = INT64_MIN / 2;
	dns_name_set(&r->service, service);
	dns_name_set(&r->services, "_services._dns-sd._udp.local");
	if (label == NULL)
		return true;
	if (strlen(label) < 1 || strlen(label) > MDNS_NAME_MAX)
		return false;
	r->publishes = true;
	(void)snprintf(r->first_label, sizeof(r->first_label), "%s", label);
	names_make(r, label);
	return true;
}
