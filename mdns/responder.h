/* SPDX-License-Identifier: ISC */
/*
 * responder.h: our own records, on every interface (RFC 6762, 6 to 10).  Their
 * name is probed for, announced, defended, given up when somebody else has it,
 * and taken back at the end.  Pure; numbers are sections of the RFC.
 */
#ifndef MDNS_RESPONDER_H
#define MDNS_RESPONDER_H

#include <sys/socket.h>

#include "mdns.h"
#include "mdns/dns.h"

enum {
	RESPONDER_REPLIES_MAX = 8, /* unicast answers that wait to be sent */
	RESPONDER_WAITS_MAX = 8,   /* askers with more known answers to come */
	RESPONDER_ANSWERS_MAX = LIMIT_MDNS_ANSWERS, /* packets a second */
	RESPONDER_TIE_MAX = 16,   /* records of a rival that are compared */
	RESPONDER_CONFLICTS = 15, /* in ten seconds are too many: 8.1 */
	RESPONDER_TEXT_MAX = 64   /* bytes of the TXT record */
};

/* The records of a scope.  All sets of them are bits, 1u << OWN_... */
enum {
	OWN_PTR,      /* service -> instance; shared */
	OWN_SERVICES, /* the list of services -> service; shared */
	OWN_SRV,
	OWN_TXT,
	OWN_NSEC_HOST, /* what else there is not */
	OWN_NSEC_INSTANCE,
	OWN_ADDRESS, /* this and all that follow: the interface's, in order */
	OWN_MAX = OWN_ADDRESS + MDNS_ADDRESSES_MAX
};

enum own_state {
	OWN_PROBING,    /* 8.1: is it free?  Nothing is answered */
	OWN_ANNOUNCING, /* 8.3 */
	OWN_PUBLISHED
};

/* One interface and one family: a place where packets come and go. */
struct scope {
	const struct mdns_interface *interface;
	int family;

	enum own_state state;
	int sent;         /* probes, or announcements, in this state */
	int64_t next_ms;  /* when the next of them goes; INT64_MAX: none */
	int conflicts;    /* with our name since it was last free */
	bool goodbye;     /* is to be said */
	bool old_told;    /* the PTR to our name before is to be taken back */
	bool host_shared; /* NAME.local is published by this machine itself */
	int64_t host_heard_ms;    /* and was heard then */
	int64_t due_ms[OWN_MAX];  /* 0, or when it is to be multicast */
	int64_t sent_ms[OWN_MAX]; /* when it was last */

	bool more_known; /* 7.2: known answers did not all fit */
	int next_known;  /* entry of the cache from which on */
};

/* An answer to one asker alone. */
struct reply {
	uint32_t index;
	struct sockaddr_storage to;
	uint32_t records;
	bool legacy; /* 6.7: id and question are repeated */
	uint16_t id;
	struct dns_question question;
};

/* 7.2: a question whose known answers are not complete. */
struct wait {
	uint32_t records; /* 0: not used */
	uint32_t index;
	struct sockaddr_storage from;
	int64_t since_ms;
	int64_t due_ms;
};

struct responder {
	bool publishes;
	bool leaving; /* after the goodbye nothing is ours */
	char first_label[MDNS_NAME_MAX + 1]; /* as it was wanted */
	char label[MDNS_NAME_MAX + 1];       /* as it is now */
	unsigned number;                     /* of it: 1, then 2 for NAME-2 */
	struct dns_name host;
	struct dns_name instance;
	struct dns_name old_instance; /* under the name before */
	struct dns_name service;
	struct dns_name services;
	uint16_t port;
	uint8_t text_size;
	uint8_t text[RESPONDER_TEXT_MAX];
	bool renamed; /* to be told */
	bool suspect; /* somebody else's data for our name: to be told */
	uint64_t random;
	int64_t conflicts_ms[RESPONDER_CONFLICTS]; /* a ring of the latest */
	int conflict_next;
	bool flooded;       /* by conflicts, since a name was ours */
	int64_t answers_ms; /* since when answers_left counts */
	int answers_left;
	int reply_count;
	struct reply replies[RESPONDER_REPLIES_MAX];
	struct wait waits[RESPONDER_WAITS_MAX];
	struct dns_record rivals[RESPONDER_TIE_MAX]; /* for one comparison */
};

/* All scopes, for what concerns all of them. */
struct scopes {
	int count;
	struct scope at[2 * MDNS_INTERFACES_MAX];
};

/* The scope of an interface and family, or NULL. */
struct scope *scope_find(struct scopes *all, uint32_t index, int family);

/* Is it an address of ours on its interface: of a program of this machine? */
bool scope_is_own(
	const struct scope *scope, const struct sockaddr_storage *address);

/* 5.4: does unicast to our port reach us, so that it can be asked for? */
bool scope_has_unicast(const struct scope *scope);

uint64_t responder_random(struct responder *r, uint64_t most);

/* `label` of `service`; NULL publishes nothing.  False: no label. */
bool responder_open(struct responder *r, const char *label, const char *service,
	uint16_t port, uint64_t seed) MUST_USE;

/* A scope that is new: what it had is unknown, so all begins with a probe. */
void responder_begin(struct responder *r, struct scope *scope, int64_t now_ms);

/* The addresses of a scope's interface are others now. */
void responder_changed(
	struct responder *r, struct scope *scope, int64_t now_ms);

void responder_goodbye(struct responder *r, struct scopes *all);

/* A question packet: it is answered later, by responder_output. */
void responder_query(struct responder *r, struct scope *scope,
	const struct mdns_packet *packet, int64_t now_ms);

/* One record of a response; `all` says which addresses are ours. */
bool responder_conflicts(const struct responder *r, const struct scopes *all,
	const struct dns_record *record) MUST_USE;
void responder_heard(struct responder *r, struct scope *scope,
	const struct mdns_packet *packet, const struct dns_record *record,
	int64_t now_ms);

/* A packet had records that conflict with ours. */
void responder_conflict(struct responder *r, struct scopes *all,
	struct scope *scope, bool unicast, int64_t now_ms);

/* 8.2: somebody probes, maybe for our name, maybe while we do. */
void responder_tie(struct responder *r, const struct scopes *all,
	struct scope *scope, const struct mdns_packet *packet, int64_t now_ms);

/* The next packet that is due, into `bytes`; its size, or 0. */
size_t responder_output(struct responder *r, struct scopes *all,
	struct mdns_packet *packet, uint8_t *bytes, int64_t now_ms);
void responder_want(
	const struct responder *r, const struct scopes *all, struct loop *loop);

#endif
