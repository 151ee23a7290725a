/* SPDX-License-Identifier: ISC */
/*
 * dns.h: the packets of DNS (RFC 1035, 4.1) as multicast DNS has them (RFC
 * 6762, 18): names, questions and records, read from bytes and written to
 * them.  Pure.
 *
 * A name has its *plain form* everywhere but in packets: labels, each a length
 * 1 .. 63 and that many bytes, and a 0 at the end; no pointers.  So has the
 * data of a record: names in it are plain.
 */
#ifndef MDNS_DNS_H
#define MDNS_DNS_H

#include "bytes.h"

enum {
	DNS_NAME_MAX = 255, /* bytes of a plain name */
	DNS_LABEL_MAX = 63,
	DNS_DATA_MAX = 1300, /* bytes kept of a record's data */
	DNS_HEADER_SIZE = 12,
	DNS_POINTERS_MAX = 64, /* places that a packet of ours points to */

	DNS_A = 1,
	DNS_PTR = 12,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_NSEC = 47,
	DNS_ANY = 255,

	DNS_IN = 1,
	DNS_CLASS_ANY = 255,
	DNS_TOP = 0x8000, /* of a class: unicast wanted, or cache flush */

	DNS_RESPONSE = 0x8000, /* flags of a header */
	DNS_AUTHORITATIVE = 0x0400,
	DNS_TRUNCATED = 0x0200,
	DNS_IGNORED = 0x780f /* opcode and rcode: not 0, not for us */
};

struct dns_name {
	uint8_t size; /* 0: none; 1: the root */
	uint8_t bytes[DNS_NAME_MAX];
};

/* The name of `text`, a sequence of labels with dots: "_chat._tcp.local". */
void dns_name_set(struct dns_name *name, const char *text);

/* Puts one label, which may hold any bytes, before a name.  False: no room. */
bool dns_name_prepend(
	struct dns_name *name, const void *label, size_t size) MUST_USE;

/* The same name, ASCII letters of either case taken as equal? */
bool dns_name_equal(const struct dns_name *a, const struct dns_name *b);

/*
 * If `name` is one label before `parent`, then true, and the label as text in
 * `label`; false as well when it has a NUL or more than `size` - 1 bytes.
 */
bool dns_name_label(const struct dns_name *name, const struct dns_name *parent,
	char *label, size_t size) MUST_USE;

struct dns_question {
	struct dns_name name;
	uint16_t type;
	uint16_t class;
	bool unicast; /* 5.4: a unicast answer is wanted */
};

enum dns_section { DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL, DNS_SECTIONS };

struct dns_record {
	enum dns_section section;
	struct dns_name name;
	uint16_t type;
	uint16_t class;
	bool flush; /* 10.2 */
	uint32_t ttl_s;
	uint16_t size; /* of the data; of a long TXT, what is kept */
	uint8_t data[DNS_DATA_MAX];
};

/* The same data of records of one type, names in it as of dns_name_equal? */
bool dns_data_equal(
	uint16_t type, const uint8_t *a, const uint8_t *b, size_t size);

/* -1, 0, 1: class, type and data as unsigned bytes, for ties only (8.2.1). */
int dns_record_compare(const struct dns_record *a, const struct dns_record *b);

/* A packet that is read from its beginning to its end. */
struct dns_message {
	const uint8_t *bytes;
	size_t size;
	struct reader at;
	uint16_t id;
	uint16_t flags;
	uint16_t questions; /* left to be read */
	uint16_t records[DNS_SECTIONS];
};

/* False when there is not even a header. */
bool dns_message_open(struct dns_message *message, const uint8_t *bytes,
	size_t size) MUST_USE;

/* The next question; false when there is none, or none that can be read. */
bool dns_next_question(
	struct dns_message *message, struct dns_question *question) MUST_USE;

/*
 * The next record, after all questions, which are skipped when they were not
 * read.  Records whose data is not as its type wants it are left out.
 */
bool dns_next_record(
	struct dns_message *message, struct dns_record *record) MUST_USE;

/*
 * The value of a key in the data of a TXT record (RFC 6763, 6.4): false when
 * it is not there.  The first of equal keys counts; "=x" is no key.
 */
bool dns_text_find(const struct dns_record *text, const char *key,
	struct reader *value) MUST_USE;

/* A packet that is written. */
struct dns_writer {
	struct writer out;
	uint16_t questions;
	uint16_t records[DNS_SECTIONS];
	bool plain; /* never compress in data: 18.14, for legacy askers */
	int pointer_count;
	uint16_t pointers[DNS_POINTERS_MAX]; /* where a name begins */
};

void dns_writer_open(struct dns_writer *writer, void *bytes, size_t capacity,
	uint16_t id, uint16_t flags);

/* Adds one; false when it does not fit, and then nothing was added. */
bool dns_write_question(struct dns_writer *writer,
	const struct dns_question *question) MUST_USE;
bool dns_write_record(
	struct dns_writer *writer, const struct dns_record *record) MUST_USE;

/* Sets more of the header's flags. */
void dns_write_flags(struct dns_writer *writer, uint16_t flags);

/* Completes the header; returns the size of the packet. */
size_t dns_writer_finish(struct dns_writer *writer);

#endif
