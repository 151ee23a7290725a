/* SPDX-License-Identifier: ISC */
/*
 * mdns.c: a multicast DNS responder for one host name, and a querier for the
 * host names of others.  Numbers in comments are sections of RFC 6762.
 *
 *	offset	size	message (RFC 1035, 4.1), all integers big-endian
 *	0	2	id: 0, but in answer to a one-shot querier (18.1)
 *	2	2	flags: 0x8000 response, 0x0400 authoritative, opcode
 *			0x7800, rcode 0x000f
 *	4	2 x 4	number of questions, answers, authorities, additionals
 *	12		question: name, type, class; the class's top bit asks
 *			for a unicast answer (5.4)
 *			record: name, type, class, ttl (4), rdlength (2), data;
 *			the class's top bit makes caches forget others (10.2)
 *
 * A name is a list of labels, each a length 1 .. 63 and that many bytes, ended
 * by a 0; or, instead of its remaining labels, a pointer 0xc000 | offset to
 * where they stand.  Its plain form has no pointers.  A name is
 * valid if and only if
 *	(1) every length byte is 0 .. 63 or begins a pointer (0xc0 .. 0xff),
 *	(2) a pointer leads to 12 or later, and strictly backwards from the
 *	    lowest place that this name was read from so far,
 *	(3) all of it is inside the message, and at most 255 bytes in plain
 *	    form.
 * (2) lets every name end after at most as many pointers as bytes before it.
 *
 * Timing: a question for our name is answered at once, but the same records
 * are not multicast again within a second (6).  Questions of ours are asked
 * at once, after 1 s, 3 s, 7 s, ... at most a minute apart, on every
 * interface (5.2).  On an interface that is new our name is announced twice,
 * a second apart (8.3), without the cache-flush bit: it was not probed for.
 *
 * Invariants:
 *	1. every question or record read consumes bytes, so a message's counts
 *	   never matter more than its size.
 *	2. all that is kept of others' packets is the addresses of names that
 *	   were asked for, and the unicast answers still to be sent, at most
 *	   REPLIES_MAX.
 *
 * It does not probe, keep a cache, or publish services.
 */
#include "platform.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mdns.h"

enum {
	NAME_WIRE_MAX = 255,
	TYPE_A = 1,
	TYPE_AAAA = 28,
	TYPE_ANY = 255,
	CLASS_IN = 1,
	CLASS_ANY = 255,
	CLASS_TOP = 0x8000, /* unicast answer wanted, or cache flush */
	FLAGS_RESPONSE = 0x8400,
	TTL_HOST_S = 120,    /* 10 */
	TTL_ONE_SHOT_S = 10, /* 6.7 */
	SCOPES_MAX = 2 * MDNS_INTERFACES_MAX,
	REPLIES_MAX = 8,
	REPLIES_A_SECOND = 20,
	ANNOUNCEMENTS = 2,
	SECOND_MS = 1000,
	QUARTER_TTL_MS = TTL_HOST_S * 1000 / 4,
	ASK_FIRST_MS = 1000,
	ASK_MOST_MS = 60 * 1000
};

struct name {
	uint8_t size;
	uint8_t bytes[NAME_WIRE_MAX];
};

/* One interface and one family: a place where packets come and go. */
struct scope {
	const struct mdns_interface *interface;
	int family;
	bool answer_waits;
	bool goodbye_waits;
	int64_t answer_ms;   /* when it goes */
	int64_t answered_ms; /* when the last one went */
	int announcements;   /* still to be made */
	int64_t announce_ms;
};

struct question {
	char text[MDNS_NAME_MAX + 1]; /* "": unused */
	struct name name;
	int64_t ask_ms;
	int64_t interval_ms;
	uint32_t scopes; /* bits: where it still has to be asked this time */
	bool found;
	uint64_t packet; /* number of the one that `addresses` came from */
	struct mdns_found addresses;
};

/* A unicast answer that is due at once. */
struct reply {
	uint32_t index;
	struct sockaddr_storage to;
	bool one_shot; /* 6.7: repeat id and question */
	uint16_t id;
	uint16_t type;
	struct name name; /* as it was asked, for one_shot */
};

struct mdns {
	struct name own; /* size 0: nothing is published */
	uint64_t random;
	uint64_t packets; /* responses read */
	int interface_count;
	struct mdns_interface interfaces[MDNS_INTERFACES_MAX];
	int scope_count;
	struct scope scopes[SCOPES_MAX];
	struct question questions[MDNS_ASKED_MAX];
	bool leaving;       /* after the goodbye our name is ours no more */
	int64_t replies_ms; /* since when replies_left counts */
	int replies_left;
	int reply_count;
	struct reply replies[REPLIES_MAX];
	uint8_t out[MDNS_SEND_MAX];
};

/* Leaves. */

static int64_t random_ms(struct mdns *m, int64_t least, int64_t most)
{
	m->random = m->random * 6364136223846793005u + 1442695040888963407u;
	return least +
	       (int64_t)((m->random >> 33) % (uint64_t)(most - least + 1));
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

/* The plain form of "text.local"; false when text is no label. */
static bool name_make(const char *text, struct name *name)
{
	size_t size = strlen(text);
	struct writer w = writer_over(name->bytes, sizeof(name->bytes));

	if (size < 1 || size > MDNS_NAME_MAX || strchr(text, '.') != NULL)
		return false;
	write_u8(&w, (uint8_t)size);
	write_bytes(&w, text, size);
	for (size_t i = 1; i <= size; i++)
		name->bytes[i] = lower(name->bytes[i]);
	write_bytes(&w, "\005local", 7); /* with its NUL, the root */
	name->size = (uint8_t)w.size;
	return !w.full;
}

/* Is a name as it was read, in any case, equal to one that name_make made? */
static bool name_matches(const struct name *asked, const struct name *plain)
{
	if (asked->size != plain->size || plain->size == 0)
		return false;
	for (size_t i = 0; i < plain->size; i++) {
		if (lower(asked->bytes[i]) != plain->bytes[i])
			return false;
	}
	return true;
}

/*
 * Reads a name at r, which is inside message[size], and leaves r behind it.
 * The case stays as it is.  False, and r->bad, when it is not valid.
 */
static bool name_read(struct reader *r, const uint8_t *message, size_t size,
	struct name *name)
{
	struct writer w = writer_over(name->bytes, sizeof(name->bytes));
	struct reader at = *r;
	size_t lowest = size - r->left;
	bool jumped = false;
	const uint8_t *label;

	for (;;) {
		uint8_t length = read_u8(&at);
		size_t target;

		if (length >= 0xc0) {
			target = (size_t)(length & 0x3f) << 8 | read_u8(&at);
			if (!jumped)
				*r = at;
			jumped = true;
			if (at.bad || target < 12 || target >= lowest)
				break;
			lowest = target;
			at = reader_over(message, size);
			(void)read_bytes(&at, target);
			continue;
		}
		write_u8(&w, length);
		if (length > 63)
			break;
		label = read_bytes(&at, length);
		if (label == NULL)
			break;
		write_bytes(&w, label, length);
		if (w.full)
			break;
		if (length > 0)
			continue;
		if (!jumped)
			*r = at;
		name->size = (uint8_t)w.size;
		return true;
	}
	r->bad = true;
	return false;
}

/* Own answers. */

/* Writes our records of one type; returns how many. */
static uint16_t write_addresses(struct writer *w, const struct mdns *m,
	const struct mdns_interface *interface, uint16_t type, uint32_t ttl_s)
{
	uint16_t count = 0;

	for (int i = 0; i < interface->count; i++) {
		const struct sockaddr_storage *a = &interface->addresses[i];
		const struct sockaddr_in *a4 = (const struct sockaddr_in *)a;
		const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)a;
		bool is4 = a->ss_family == AF_INET;

		if (is4 != (type == TYPE_A))
			continue;
		write_bytes(w, m->own.bytes, m->own.size);
		write_be16(w, type);
		write_be16(w, CLASS_IN);
		write_be32(w, ttl_s);
		write_be16(w, is4 ? 4 : 16);
		if (is4)
			write_bytes(w, &a4->sin_addr, 4);
		else
			write_bytes(w, &a6->sin6_addr, 16);
		count++;
	}
	return count;
}

/* The header's four counts, once they are known. */
static void write_counts(struct writer *w, uint16_t questions, uint16_t answers,
	uint16_t additionals)
{
	struct writer counts = writer_over(w->bytes + 4, 8);

	write_be16(&counts, questions);
	write_be16(&counts, answers);
	write_be16(&counts, 0);
	write_be16(&counts, additionals);
}

/*
 * A response with our addresses on `interface`: those of the asked type are
 * answers, those of the other type come along as additionals (6.2).  False
 * when there is nothing to say.
 */
static bool response_write(struct mdns *m, struct writer *w,
	const struct mdns_interface *interface, const struct reply *reply,
	uint32_t ttl_s)
{
	uint16_t first = reply->type == TYPE_AAAA ? TYPE_AAAA : TYPE_A;
	uint16_t other = first == TYPE_A ? TYPE_AAAA : TYPE_A;
	uint16_t answers, others;

	write_be16(w, reply->one_shot ? reply->id : 0);
	write_be16(w, FLAGS_RESPONSE);
	write_zeros(w, 8);
	if (reply->one_shot) {
		write_bytes(w, reply->name.bytes, reply->name.size);
		write_be16(w, reply->type);
		write_be16(w, CLASS_IN);
	}
	answers = write_addresses(w, m, interface, first, ttl_s);
	others = write_addresses(w, m, interface, other, ttl_s);
	if (reply->type == TYPE_ANY) {
		answers = (uint16_t)(answers + others);
		others = 0;
	}
	write_counts(w, reply->one_shot, answers, others);
	return !w->full && answers > 0;
}

/* Input. */

static struct scope *scope_of(struct mdns *m, uint32_t index, int family)
{
	for (int i = 0; i < m->scope_count; i++) {
		if (m->scopes[i].interface->index == index &&
			m->scopes[i].family == family)
			return &m->scopes[i];
	}
	return NULL;
}

static uint16_t port_of(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
	return ntohs(((const struct sockaddr_in *)address)->sin_port);
}

/* Somebody asks for our name: `question` says what, and who. */
static void own_asked(struct mdns *m, struct scope *scope,
	const struct reply *question, bool unicast, int64_t now_ms)
{
	if (m->leaving)
		return;
	if (question->one_shot ||
		(unicast && now_ms - scope->answered_ms < QUARTER_TTL_MS)) {
		/* More than this: the rest asks again. */
		if (now_ms - m->replies_ms >= SECOND_MS) {
			m->replies_ms = now_ms;
			m->replies_left = REPLIES_A_SECOND;
		}
		if (m->reply_count < REPLIES_MAX && m->replies_left > 0) {
			m->replies[m->reply_count++] = *question;
			m->replies_left--;
		}
		return;
	}
	if (scope->answer_waits)
		return;
	scope->answer_waits = true;
	scope->answer_ms = now_ms;
	if (now_ms - scope->answered_ms < SECOND_MS)
		scope->answer_ms = scope->answered_ms + SECOND_MS;
}

/* Who asks decides how it is answered; who has no port is not answered. */
static void query_input(struct mdns *m, struct scope *scope, struct reader *r,
	const struct mdns_packet *packet, int64_t now_ms)
{
	struct reader header = reader_over(packet->bytes, packet->size);
	uint16_t port = port_of(&packet->address);
	struct reply reply = { .index = packet->index,
		.to = packet->address,
		.one_shot = port != MDNS_PORT,
		.id = read_be16(&header) };
	uint16_t questions;
	uint16_t class;

	(void)read_be16(&header);
	questions = read_be16(&header);
	for (; questions > 0 && port != 0; questions--) {
		if (!name_read(r, packet->bytes, packet->size, &reply.name))
			return;
		reply.type = read_be16(r);
		class = read_be16(r);
		if (r->bad)
			return;
		if (!name_matches(&reply.name, &m->own) ||
			(reply.type != TYPE_A && reply.type != TYPE_AAAA &&
				reply.type != TYPE_ANY))
			continue;
		if ((class & ~CLASS_TOP) != CLASS_IN &&
			(class & ~CLASS_TOP) != CLASS_ANY)
			continue;
		own_asked(m, scope, &reply, (class & CLASS_TOP) != 0, now_ms);
	}
}

static struct question *question_of(struct mdns *m, const struct name *name)
{
	for (int i = 0; i < MDNS_ASKED_MAX; i++) {
		struct question *q = &m->questions[i];

		if (q->text[0] != '\0' && name_matches(name, &q->name))
			return q;
	}
	return NULL;
}

/* Can this be the address of one other program? */
static bool is_unicast(const struct sockaddr_storage *address)
{
	const struct sockaddr_in *a4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)address;
	uint32_t host;

	if (address->ss_family == AF_INET6)
		return !IN6_IS_ADDR_UNSPECIFIED(&a6->sin6_addr) &&
		       !IN6_IS_ADDR_MULTICAST(&a6->sin6_addr);
	host = ntohl(a4->sin_addr.s_addr);
	return host >> 24 != 0 && host >> 28 < 0xe; /* 0/8, 224/4, 240/4 */
}

/*
 * Keeps one address of a name that was asked for.  Those of one packet are
 * taken together; older ones that nobody has asked mdns_next for yet give way.
 */
static void found_add(struct mdns *m, struct question *q, struct reader data,
	uint16_t type, uint32_t index)
{
	struct sockaddr_storage address;
	struct sockaddr_in *a4 = (struct sockaddr_in *)&address;
	struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)&address;

	memset(&address, 0, sizeof(address));
	if (type == TYPE_A && data.left == 4) {
		address.ss_family = AF_INET;
		read_copy(&data, &a4->sin_addr, 4);
	} else if (type == TYPE_AAAA && data.left == 16) {
		address.ss_family = AF_INET6;
		read_copy(&data, &a6->sin6_addr, 16);
		if (IN6_IS_ADDR_LINKLOCAL(&a6->sin6_addr))
			a6->sin6_scope_id = index;
	} else {
		return;
	}
	if (!is_unicast(&address))
		return;
	if (q->packet != m->packets)
		q->addresses.count = 0;
	q->packet = m->packets;
	for (int i = 0; i < q->addresses.count; i++) {
		if (memcmp(&q->addresses.addresses[i], &address,
			    sizeof(address)) == 0)
			return;
	}
	if (q->addresses.count < MDNS_ADDRESSES_MAX)
		q->addresses.addresses[q->addresses.count++] = address;
	q->found = true;
}

static void response_input(struct mdns *m, struct reader *r,
	const struct mdns_packet *packet, uint32_t records)
{
	struct question *q;
	struct reader data;
	struct name name;

	m->packets++;
	for (; records > 0; records--) {
		uint16_t type, class;
		uint32_t ttl_s;

		if (!name_read(r, packet->bytes, packet->size, &name))
			return;
		type = read_be16(r);
		class = read_be16(r) & (uint16_t)~CLASS_TOP;
		ttl_s = read_be32(r);
		data = read_part(r, read_be16(r));
		if (r->bad)
			return;
		if (ttl_s == 0 || class != CLASS_IN)
			continue;
		q = question_of(m, &name);
		if (q != NULL)
			found_add(m, q, data, type, packet->index);
	}
}

void mdns_input(
	struct mdns *m, const struct mdns_packet *packet, int64_t now_ms)
{
	struct scope *scope = scope_of(m, packet->index, packet->family);
	struct reader r = reader_over(packet->bytes, packet->size);
	struct name name;
	uint16_t flags, questions;
	uint32_t records;

	(void)read_be16(&r);
	flags = read_be16(&r);
	questions = read_be16(&r);
	records = read_be16(&r);
	records += read_be16(&r);
	records += read_be16(&r);
	if (scope == NULL || r.bad || (flags & 0x780f) != 0)
		return; /* 18.3, 18.11 */
	if ((flags & 0x8000) == 0) {
		query_input(m, scope, &r, packet, now_ms);
		return;
	}
	for (; questions > 0; questions--) {
		if (!name_read(&r, packet->bytes, packet->size, &name))
			return;
		(void)read_be32(&r); /* type and class, 6: ignored */
	}
	response_input(m, &r, packet, records);
}

bool mdns_next(struct mdns *m, struct mdns_found *found)
{
	for (int i = 0; i < MDNS_ASKED_MAX; i++) {
		struct question *q = &m->questions[i];

		if (!q->found || q->text[0] == '\0')
			continue;
		q->found = false;
		*found = q->addresses;
		found->name = q->text;
		return true;
	}
	return false;
}

/* Output: each of these makes the packet of one kind that is due, or none. */

static void packet_to_group(
	const struct scope *scope, struct mdns_packet *packet)
{
	packet->index = scope->interface->index;
	packet->family = scope->family;
	packet->multicast = true;
}

static bool output_reply(
	struct mdns *m, struct writer *w, struct mdns_packet *packet)
{
	while (m->reply_count > 0) {
		struct reply *reply = &m->replies[--m->reply_count];
		struct scope *scope =
			scope_of(m, reply->index, reply->to.ss_family);

		*w = writer_over(m->out, sizeof(m->out));
		if (scope == NULL ||
			!response_write(m, w, scope->interface, reply,
				reply->one_shot ? TTL_ONE_SHOT_S : TTL_HOST_S))
			continue;
		packet_to_group(scope, packet);
		packet->multicast = false;
		packet->address = reply->to;
		return true;
	}
	return false;
}

/* Is our name to be multicast in this scope now, and with which TTL? */
static bool scope_answers(struct scope *scope, uint32_t *ttl_s, int64_t now_ms)
{
	*ttl_s = TTL_HOST_S;
	if (scope->goodbye_waits) {
		scope->goodbye_waits = false;
		*ttl_s = 0;
		return true;
	}
	if (scope->announcements > 0 && now_ms >= scope->announce_ms) {
		scope->announcements--;
		scope->announce_ms = now_ms + SECOND_MS;
		scope->answer_waits = false;
		return true;
	}
	if (!scope->answer_waits || now_ms < scope->answer_ms)
		return false;
	scope->answer_waits = false;
	return true;
}

static bool output_answer(struct mdns *m, struct writer *w,
	struct mdns_packet *packet, int64_t now_ms)
{
	struct reply all = { .type = TYPE_ANY };
	uint32_t ttl_s;

	for (int i = 0; i < m->scope_count; i++) {
		struct scope *scope = &m->scopes[i];

		*w = writer_over(m->out, sizeof(m->out));
		if (m->own.size == 0 || !scope_answers(scope, &ttl_s, now_ms) ||
			!response_write(m, w, scope->interface, &all, ttl_s))
			continue;
		scope->answered_ms = now_ms;
		packet_to_group(scope, packet);
		return true;
	}
	return false;
}

/* Questions whose time has come are asked in all scopes. */
static void questions_due(struct mdns *m, int64_t now_ms)
{
	for (int i = 0; i < MDNS_ASKED_MAX; i++) {
		struct question *q = &m->questions[i];

		if (q->text[0] == '\0' || now_ms < q->ask_ms)
			continue;
		q->scopes = (uint32_t)((1ull << m->scope_count) - 1);
		q->ask_ms = now_ms + q->interval_ms;
		q->interval_ms *= 2;
		if (q->interval_ms > ASK_MOST_MS)
			q->interval_ms = ASK_MOST_MS;
	}
}

/* All questions of one scope that fit, A and AAAA of each name. */
static bool output_questions(struct mdns *m, struct writer *w, int scope)
{
	uint16_t count = 0;

	*w = writer_over(m->out, sizeof(m->out));
	write_zeros(w, 12);
	for (int i = 0; i < MDNS_ASKED_MAX; i++) {
		struct question *q = &m->questions[i];

		if ((q->scopes & 1u << scope) == 0)
			continue;
		if (w->capacity - w->size < 2 * ((size_t)q->name.size + 4))
			break; /* the rest goes into the next packet */
		q->scopes &= ~(1u << scope);
		write_bytes(w, q->name.bytes, q->name.size);
		write_be16(w, TYPE_A);
		write_be16(w, CLASS_IN);
		write_bytes(w, q->name.bytes, q->name.size);
		write_be16(w, TYPE_AAAA);
		write_be16(w, CLASS_IN);
		count = (uint16_t)(count + 2);
	}
	write_counts(w, count, 0, 0);
	return count > 0;
}

bool mdns_output(struct mdns *m, struct mdns_packet *packet, int64_t now_ms)
{
	struct writer w;
	bool due;

	memset(packet, 0, sizeof(*packet));
	due = output_reply(m, &w, packet) ||
	      output_answer(m, &w, packet, now_ms);
	if (!due)
		questions_due(m, now_ms);
	for (int i = 0; i < m->scope_count && !due; i++) {
		due = output_questions(m, &w, i);
		packet_to_group(&m->scopes[i], packet);
	}
	if (!due)
		return false;
	packet->bytes = w.bytes;
	packet->size = w.size;
	return true;
}

void mdns_want(const struct mdns *m, struct loop *loop)
{
	if (m->reply_count > 0)
		loop_wake(loop, loop->now_ms);
	for (int i = 0; i < m->scope_count; i++) {
		const struct scope *scope = &m->scopes[i];

		if (scope->answer_waits)
			loop_wake(loop, scope->answer_ms);
		if (scope->announcements > 0 && m->own.size > 0)
			loop_wake(loop, scope->announce_ms);
	}
	for (int i = 0; i < MDNS_ASKED_MAX && m->scope_count > 0; i++) {
		if (m->questions[i].text[0] != '\0')
			loop_wake(loop, m->questions[i].ask_ms);
	}
}

/* Life. */

struct mdns *mdns_open(const char *name, uint64_t seed)
{
	struct mdns *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->random = seed;
	m->replies_ms = INT64_MIN / 2;
	errno = EINVAL;
	if (name != NULL && !name_make(name, &m->own)) {
		mdns_close(m);
		return NULL;
	}
	return m;
}

void mdns_close(struct mdns *m)
{
	free(m);
}

static bool interface_equal(
	const struct mdns_interface *a, const struct mdns_interface *b)
{
	if (a->index != b->index || a->ipv4 != b->ipv4 || a->ipv6 != b->ipv6 ||
		a->count != b->count)
		return false;
	for (int i = 0; i < a->count; i++) {
		/* Made of zeroes and fields, so equal as bytes when equal. */
		if (memcmp(&a->addresses[i], &b->addresses[i],
			    sizeof(a->addresses[i])) != 0)
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

static void scope_add(struct mdns *m, const struct mdns_interface *interface,
	int family, int64_t now_ms)
{
	struct scope *scope = &m->scopes[m->scope_count++];

	memset(scope, 0, sizeof(*scope));
	scope->interface = interface;
	scope->family = family;
	scope->answered_ms = now_ms - QUARTER_TTL_MS;
	scope->announcements = m->leaving ? 0 : ANNOUNCEMENTS;
	scope->announce_ms = now_ms + random_ms(m, 20, 120);
}

/* What is as it was before is not announced again, and keeps its times. */
static void scope_keep(struct scope *scope, const struct scope *old, int count)
{
	const struct mdns_interface *interface = scope->interface;

	for (int i = 0; i < count; i++) {
		if (old[i].family == scope->family &&
			interface_equal(old[i].interface, interface))
			*scope = old[i];
	}
	scope->interface = interface;
}

void mdns_set_interfaces(struct mdns *m,
	const struct mdns_interface *interfaces, int count, int64_t now_ms)
{
	struct mdns_interface before[MDNS_INTERFACES_MAX];
	struct scope old[SCOPES_MAX];
	int old_count = m->scope_count;

	if (count > MDNS_INTERFACES_MAX)
		count = MDNS_INTERFACES_MAX;
	if (count == m->interface_count &&
		mdns_interfaces_equal(m->interfaces, interfaces, count))
		return;
	memcpy(before, m->interfaces, sizeof(before));
	memcpy(old, m->scopes, sizeof(old));
	for (int i = 0; i < old_count; i++)
		old[i].interface = &before[old[i].interface - m->interfaces];
	memcpy(m->interfaces, interfaces, (size_t)count * sizeof(*interfaces));
	m->interface_count = count;
	m->scope_count = 0;
	for (int i = 0; i < count; i++) {
		if (interfaces[i].ipv4)
			scope_add(m, &m->interfaces[i], AF_INET, now_ms);
		if (interfaces[i].ipv6)
			scope_add(m, &m->interfaces[i], AF_INET6, now_ms);
	}
	for (int i = 0; i < m->scope_count; i++)
		scope_keep(&m->scopes[i], old, old_count);
	for (int i = 0; i < MDNS_ASKED_MAX; i++) {
		m->questions[i].scopes = 0;
		m->questions[i].interval_ms = ASK_FIRST_MS;
		m->questions[i].ask_ms = now_ms + random_ms(m, 20, 120);
	}
}

int mdns_ask(struct mdns *m, const char *name, int64_t now_ms)
{
	struct question *free_place = NULL;
	struct name plain;

	errno = EINVAL;
	if (!name_make(name, &plain))
		return -1;
	if (question_of(m, &plain) != NULL)
		return 0;
	for (int i = MDNS_ASKED_MAX - 1; i >= 0; i--) {
		if (m->questions[i].text[0] == '\0')
			free_place = &m->questions[i];
	}
	errno = ENOSPC;
	if (free_place == NULL)
		return -1;
	memset(free_place, 0, sizeof(*free_place));
	(void)snprintf(free_place->text, sizeof(free_place->text), "%s", name);
	free_place->name = plain;
	free_place->interval_ms = ASK_FIRST_MS;
	free_place->ask_ms = now_ms + random_ms(m, 20, 120);
	return 0;
}

void mdns_stop_asking(struct mdns *m, const char *name)
{
	for (int i = 0; i < MDNS_ASKED_MAX; i++) {
		if (strcmp(m->questions[i].text, name) == 0)
			memset(&m->questions[i], 0, sizeof(m->questions[i]));
	}
}

void mdns_goodbye(struct mdns *m)
{
	m->leaving = true;
	for (int i = 0; i < m->scope_count; i++) {
		m->scopes[i].goodbye_waits = true;
		m->scopes[i].answer_waits = false;
		m->scopes[i].announcements = 0;
	}
	m->reply_count = 0;
}
