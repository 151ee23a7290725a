/* SPDX-License-Identifier: ISC */
/*
 * dns_text.h: for tests: DNS packets as text, and text as packets.  The first
 * line is the header, each further one a question or a record:
 *
 *	query | response [tc] [id=N] [flags=HEX]
 *	? TYPE NAME			question
 *	?u TYPE NAME			one that wants unicast
 *	= TYPE NAME TTL DATA		answer
 *	^ TYPE NAME TTL DATA		authority
 *	+ TYPE NAME TTL DATA		additional
 *
 * A ! after the sign is the cache-flush bit.  A TYPE of a class other than IN
 * has its number behind it: "A/3".  DATA is an address, a name, for
 * SRV "PORT NAME", for TXT strings with commas between, for NSEC types with
 * commas, and otherwise nothing.
 */
#ifndef TESTS_DNS_TEXT_H
#define TESTS_DNS_TEXT_H

#include "testing.h"

#include <arpa/inet.h>

#include "mdns/dns.h"

static const struct {
	const char *text;
	uint16_t type;
} dns_types[] = {
	{ "A", DNS_A },
	{ "AAAA", DNS_AAAA },
	{ "PTR", DNS_PTR },
	{ "SRV", DNS_SRV },
	{ "TXT", DNS_TXT },
	{ "NSEC", DNS_NSEC },
	{ "HINFO", 13 },
	{ "ANY", DNS_ANY },
};

static inline uint16_t dns_type_of(const char *text)
{
	for (size_t i = 0; i < COUNT_OF(dns_types); i++) {
		if (strcmp(dns_types[i].text, text) == 0)
			return dns_types[i].type;
	}
	fail_msg("there is no type %s", text);
	return 0;
}

static inline const char *dns_type_text(uint16_t type)
{
	for (size_t i = 0; i < COUNT_OF(dns_types); i++) {
		if (dns_types[i].type == type)
			return dns_types[i].text;
	}
	return "?";
}

/* "TYPE" or "TYPE/CLASS", which loses its class; returns that, or IN. */
static inline uint16_t dns_class_of(char *type)
{
	char *slash = strchr(type, '/');

	if (slash == NULL)
		return DNS_IN;
	*slash = '\0';
	return (uint16_t)strtol(slash + 1, NULL, 10);
}

/* 6.1: the name itself, and one block of bits. */
static inline void dns_nsec_of(
	struct writer *w, const struct dns_name *name, char *types)
{
	uint8_t bits[32] = { 0 }, size = 0;

	for (char *word = strtok(types, ","); word != NULL;
		word = strtok(NULL, ",")) {
		uint16_t type = dns_type_of(word);

		bits[type / 8] |= (uint8_t)(0x80 >> type % 8);
		if (type / 8 >= size)
			size = (uint8_t)(type / 8 + 1);
	}
	write_bytes(w, name->bytes, name->size);
	write_u8(w, 0);
	write_u8(w, size);
	write_bytes(w, bits, size);
}

/* DATA of a record from text. */
static inline void dns_data_of(struct dns_record *record, char *data)
{
	struct writer w = writer_over(record->data, sizeof(record->data));
	struct dns_name name;
	char *word;

	switch (record->type) {
	case DNS_A:
		assert_int_equal(
			inet_pton(AF_INET, data, write_room(&w, 4)), 1);
		break;
	case DNS_AAAA:
		assert_int_equal(
			inet_pton(AF_INET6, data, write_room(&w, 16)), 1);
		break;
	case DNS_SRV:
		write_be32(&w, 0);
		write_be16(&w, (uint16_t)strtol(data, &data, 10));
		dns_name_set(&name, data + 1);
		write_bytes(&w, name.bytes, name.size);
		break;
	case DNS_PTR:
		dns_name_set(&name, data);
		write_bytes(&w, name.bytes, name.size);
		break;
	case DNS_TXT:
		for (word = strtok(data, ","); word != NULL;
			word = strtok(NULL, ",")) {
			write_u8(&w, (uint8_t)strlen(word));
			write_bytes(&w, word, strlen(word));
		}
		break;
	case DNS_NSEC:
		dns_nsec_of(&w, &record->name, data);
		break;
	default:
		break;
	}
	record->size = (uint16_t)w.size;
}

/* Adds the question or record that a line describes. */
static inline void dns_write_line(struct dns_writer *w, char *line)
{
	char sign[4], type[16], name[256];
	struct dns_question question;
	struct dns_record record;
	unsigned ttl_s = 0;
	int used = 0;

	assert_int_equal(sscanf(line, "%3s %15s %255s%n %u%n", sign, type, name,
				 &used, &ttl_s, &used) >= 3,
		1);
	if (sign[0] == '?') {
		dns_name_set(&question.name, name);
		question.class = dns_class_of(type);
		question.type = dns_type_of(type);
		question.unicast = sign[1] == 'u';
		assert_true(dns_write_question(w, &question));
		return;
	}
	record.section = sign[0] == '='   ? DNS_ANSWER
			 : sign[0] == '^' ? DNS_AUTHORITY
					  : DNS_ADDITIONAL;
	dns_name_set(&record.name, name);
	record.class = dns_class_of(type);
	record.type = dns_type_of(type);
	record.flush = sign[1] == '!';
	record.ttl_s = ttl_s;
	dns_data_of(&record, line + used + (line[used] == ' '));
	assert_true(dns_write_record(w, &record));
}

/* Composes the packet that `text` describes; returns its size. */
static inline size_t dns_packet_of(
	const char *text, uint8_t *bytes, size_t capacity)
{
	char copy[16 * 1024], *line, *end, *id;
	struct dns_writer w;

	assert_true(strlen(text) < sizeof(copy));
	(void)snprintf(copy, sizeof(copy), "%s", text);
	line = copy;
	end = strchr(line, '\n');
	*end = '\0';
	id = strstr(line, "id=");
	dns_writer_open(&w, bytes, capacity,
		(uint16_t)(id == NULL ? 0 : strtol(id + 3, NULL, 10)),
		line[0] == 'r' ? DNS_RESPONSE | DNS_AUTHORITATIVE : 0);
	if (strstr(line, " tc") != NULL)
		dns_write_flags(&w, DNS_TRUNCATED);
	if (strstr(line, "flags=") != NULL)
		dns_write_flags(&w,
			(uint16_t)strtol(strstr(line, "flags=") + 6, NULL, 16));
	for (line = end + 1; *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		*end = '\0';
		dns_write_line(&w, line);
	}
	return dns_writer_finish(&w);
}

static inline void tell_type(
	struct transcript *t, uint16_t type, uint16_t class)
{
	tell(t, "%s", dns_type_text(type));
	if (class != DNS_IN)
		tell(t, "/%u", class);
	tell(t, " ");
}

static inline void tell_name(struct transcript *t, const struct dns_name *name)
{
	size_t at = 0;

	while (name->bytes[at] != 0) {
		tell(t, "%s%.*s", at > 0 ? "." : "", name->bytes[at],
			(const char *)name->bytes + at + 1);
		at += (size_t)name->bytes[at] + 1;
	}
}

static inline void tell_data(
	struct transcript *t, const struct dns_record *record)
{
	struct reader r = reader_over(record->data, record->size);
	char address[INET6_ADDRSTRLEN];
	struct dns_name name;
	bool first = true;

	switch (record->type) {
	case DNS_A:
	case DNS_AAAA:
		tell(t, "%s",
			inet_ntop(record->type == DNS_A ? AF_INET : AF_INET6,
				record->data, address, sizeof(address)));
		break;
	case DNS_SRV:
	case DNS_PTR:
		if (record->type == DNS_SRV) {
			(void)read_be32(&r);
			tell(t, "%u ", read_be16(&r));
		}
		name.size = (uint8_t)r.left;
		read_copy(&r, name.bytes, r.left);
		tell_name(t, &name);
		break;
	case DNS_TXT:
		for (; r.left > 0; first = false) {
			uint8_t size = read_u8(&r);
			const uint8_t *text = read_bytes(&r, size);

			assert_non_null(text);
			tell(t, "%s%.*s", first ? "" : ",", size,
				(const char *)text);
		}
		break;
	case DNS_NSEC:
		while (read_u8(&r) != 0)
			(void)read_bytes(&r, r.at[-1]); /* next name */
		(void)read_be16(&r);                    /* block 0, size */
		for (unsigned type = 0; r.left > 0; type += 8) {
			uint8_t bits = read_u8(&r);

			for (unsigned bit = 0; bit < 8; bit++) {
				if ((bits & 0x80 >> bit) == 0)
					continue;
				tell(t, "%s%s", first ? "" : ",",
					dns_type_text((uint16_t)(type + bit)));
				first = false;
			}
		}
		break;
	default:
		break;
	}
}

/* The packet as text; every byte of it must be accounted for. */
static inline void tell_dns(
	struct transcript *t, const uint8_t *bytes, size_t size)
{
	static const char signs[] = { '=', '^', '+' };
	struct dns_message m;
	struct dns_question question;
	struct dns_record record;
	int expected;

	assert_true(dns_message_open(&m, bytes, size));
	expected = m.questions + m.records[0] + m.records[1] + m.records[2];
	tell(t, "%s", (m.flags & DNS_RESPONSE) != 0 ? "response" : "query");
	if ((m.flags & DNS_TRUNCATED) != 0)
		tell(t, " tc");
	if (m.id != 0)
		tell(t, " id=%u", m.id);
	tell(t, "\n");
	while (dns_next_question(&m, &question)) {
		expected--;
		tell(t, "?%s ", question.unicast ? "u" : "");
		tell_type(t, question.type, question.class);
		tell_name(t, &question.name);
		tell(t, "\n");
	}
	while (dns_next_record(&m, &record)) {
		expected--;
		tell(t, "%c%s ", signs[record.section],
			record.flush ? "!" : "");
		tell_type(t, record.type, record.class);
		tell_name(t, &record.name);
		tell(t, " %u ", record.ttl_s);
		tell_data(t, &record);
		tell(t, "\n");
	}
	assert_int_equal(expected, 0);
	assert_int_equal(m.at.left, 0);
}

#endif
