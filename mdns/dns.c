/* SPDX-License-Identifier: ISC */
/*
 * dns.c: DNS packets.  Numbers in comments are sections of RFC 6762.
 *
 *	offset	size	message, all integers big-endian
 *	0	2	id: 0, but in answer to a one-shot querier (18.1)
 *	2	2	flags: 0x8000 response, 0x7800 opcode, 0x0400
 *			authoritative, 0x0200 truncated, 0x000f rcode
 *	4	2 x 4	number of questions, answers, authorities, additionals
 *	12		question: name, type, class; the class's top bit asks
 *			for a unicast answer (5.4)
 *			record: name, type, class, ttl (4), rdlength (2), data;
 *			the class's top bit makes caches forget others (10.2)
 *
 * A name in a message is a list of labels, each a length 1 .. 63 and that many
 * bytes, ended by a 0; or, instead of its remaining labels, a pointer
 * 0xc000 | offset to where they stand.  It is valid if and only if
 *	(1) every length byte is 0 .. 63 or begins a pointer (0xc0 .. 0xff),
 *	(2) a pointer leads to 12 or later, and strictly backwards from the
 *	    lowest place that this name was read from so far,
 *	(3) all of it is inside the message, and at most 255 bytes in plain
 *	    form.
 * (2) lets every name end after at most as many pointers as bytes before it.
 *
 * Data is valid if and only if it ends where rdlength says, and
 *	A is 4 bytes, AAAA 16
 *	PTR is one name
 *	SRV is priority, weight, port (2 each) and a name
 * Of other types any bytes are.
 *
 * Invariant: every question or record read consumes bytes, so a message's
 * counts never matter more than its size.
 */
#include "mdns/dns.h"

enum { POINTER_MAX = 0x3fff, SRV_NAME = 6 /* where its name begins */ };

/* Names. */

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

bool dns_name_prepend(struct dns_name *name, const void *label, size_t size)
{
	if (size < 1 || size > DNS_LABEL_MAX ||
		size + 1 > (size_t)(DNS_NAME_MAX - name->size))
		return false;
	memmove(name->bytes + 1 + size, name->bytes, name->size);
	name->bytes[0] = (uint8_t)size;
	memcpy(name->bytes + 1, label, size);
	name->size = (uint8_t)(name->size + 1 + size);
	return true;
}

void dns_name_set(struct dns_name *name, const char *text)
{
	size_t end = strlen(text);
	bool fits = true;

	name->size = 1;
	name->bytes[0] = 0;
	while (end > 0) {
		size_t start = end;

		while (start > 0 && text[start - 1] != '.')
			start--;
		fits = fits &&
		       dns_name_prepend(name, text + start, end - start);
		end = start > 0 ? start - 1 : 0;
	}
	assert(fits);
}

/* The sizes of labels are below the letters, so this serves whole names. */
static bool letters_equal(const uint8_t *a, const uint8_t *b, size_t size)
{
	if (memcmp(a, b, size) == 0)
		return true; /* nearly always, and sooner */
	for (size_t i = 0; i < size; i++) {
		if (lower(a[i]) != lower(b[i]))
			return false;
	}
	return true;
}

bool dns_name_equal(const struct dns_name *a, const struct dns_name *b)
{
	return a->size == b->size && letters_equal(a->bytes, b->bytes, a->size);
}

bool dns_name_label(const struct dns_name *name, const struct dns_name *parent,
	char *label, size_t size)
{
	size_t own = name->size > 0 ? name->bytes[0] : 0;
	struct dns_name rest;

	if (own == 0 || own >= size || name->size != own + 1 + parent->size)
		return false;
	rest.size = parent->size;
	memcpy(rest.bytes, name->bytes + 1 + own, rest.size);
	if (!dns_name_equal(&rest, parent) ||
		memchr(name->bytes + 1, '\0', own) != NULL)
		return false;
	memcpy(label, name->bytes + 1, own);
	label[own] = '\0';
	return true;
}

/*
 * Reads a name at r, which is inside message[size], and leaves r behind it.
 * The case stays as it is.  False, and r->bad, when it is not valid.
 */
static bool name_read(struct reader *r, const uint8_t *message, size_t size,
	struct dns_name *name)
{
	struct writer w = writer_over(name->bytes, sizeof(name->bytes));
	struct reader at = *r;
	size_t lowest = (size_t)(r->at - message);
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
			if (at.bad || target < DNS_HEADER_SIZE ||
				target >= lowest)
				break;
			lowest = target;
			at = reader_over(message, size);
			(void)read_bytes(&at, target);
			continue;
		}
		write_u8(&w, length);
		if (length > DNS_LABEL_MAX)
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
	name->size = 0;
	return false;
}

/* Reading. */

bool dns_message_open(struct dns_message *m, const uint8_t *bytes, size_t size)
{
	m->bytes = bytes;
	m->size = size;
	m->at = reader_over(bytes, size);
	m->id = read_be16(&m->at);
	m->flags = read_be16(&m->at);
	m->questions = read_be16(&m->at);
	for (int i = 0; i < DNS_SECTIONS; i++)
		m->records[i] = read_be16(&m->at);
	return !m->at.bad;
}

bool dns_next_question(struct dns_message *m, struct dns_question *question)
{
	if (m->questions == 0 || m->at.bad ||
		!name_read(&m->at, m->bytes, m->size, &question->name))
		return false;
	m->questions--;
	question->type = read_be16(&m->at);
	question->class = read_be16(&m->at);
	question->unicast = (question->class & DNS_TOP) != 0;
	question->class &= (uint16_t)~DNS_TOP;
	return !m->at.bad;
}

/* Copies the data of a record, names in plain form; false if not valid. */
static bool data_read(const struct dns_message *m, struct reader data,
	struct dns_record *record)
{
	struct writer w = writer_over(record->data, sizeof(record->data));
	size_t size = data.left;
	struct dns_name name;

	if ((record->type == DNS_A && size != 4) ||
		(record->type == DNS_AAAA && size != 16))
		return false;
	if (record->type == DNS_SRV)
		write_be(&w, read_be(&data, SRV_NAME), SRV_NAME);
	if (record->type == DNS_SRV || record->type == DNS_PTR) {
		if (data.bad || !name_read(&data, m->bytes, m->size, &name))
			return false;
		write_bytes(&w, name.bytes, name.size);
		record->size = (uint16_t)w.size;
		return data.left == 0;
	}
	if (size > DNS_DATA_MAX)
		size = DNS_DATA_MAX;
	record->size = (uint16_t)size;
	read_copy(&data, record->data, size);
	return true;
}

bool dns_next_record(struct dns_message *m, struct dns_record *record)
{
	struct dns_question skipped;
	struct reader data;
	int section = 0;

	while (dns_next_question(m, &skipped))
		;
	for (;;) {
		while (section < DNS_SECTIONS && m->records[section] == 0)
			section++;
		if (section == DNS_SECTIONS || m->at.bad || m->questions > 0 ||
			!name_read(&m->at, m->bytes, m->size, &record->name))
			return false;
		m->records[section]--;
		record->section = (enum dns_section)section;
		record->type = read_be16(&m->at);
		record->class = read_be16(&m->at);
		record->flush = (record->class & DNS_TOP) != 0;
		record->class &= (uint16_t)~DNS_TOP;
		record->ttl_s = read_be32(&m->at);
		data = read_part(&m->at, read_be16(&m->at));
		if (m->at.bad)
			return false;
		if (data_read(m, data, record))
			return true;
	}
}

/* Where a name begins in the data of a type, or its end. */
static size_t name_in_data(uint16_t type, size_t size)
{
	if (type == DNS_PTR)
		return 0;
	return type == DNS_SRV && size > SRV_NAME ? SRV_NAME : size;
}

bool dns_data_equal(
	uint16_t type, const uint8_t *a, const uint8_t *b, size_t size)
{
	size_t name = name_in_data(type, size);

	return memcmp(a, b, name) == 0 &&
	       letters_equal(a + name, b + name, size - name);
}

static int compare(uint32_t a, uint32_t b)
{
	return a < b ? -1 : a > b;
}

int dns_record_compare(const struct dns_record *a, const struct dns_record *b)
{
	size_t size = a->size < b->size ? a->size : b->size;
	int order = compare(a->class, b->class);

	if (order == 0)
		order = compare(a->type, b->type);
	if (order == 0)
		order = memcmp(a->data, b->data, size);
	if (order == 0)
		order = compare(a->size, b->size);
	return order;
}

bool dns_text_find(
	const struct dns_record *text, const char *key, struct reader *value)
{
	struct reader all = reader_over(text->data, text->size);
	size_t size = strlen(key);

	while (all.left > 0) {
		struct reader item = read_part(&all, read_u8(&all));
		size_t matched = 0;

		while (matched < size && !item.bad &&
			lower(read_u8(&item)) == (uint8_t)key[matched])
			matched++;
		if (matched < size || item.bad)
			continue;
		if (item.left > 0 && read_u8(&item) != '=')
			continue; /* a longer key */
		*value = item;
		return true;
	}
	return false;
}

/* Writing. */

void dns_writer_open(struct dns_writer *w, void *bytes, size_t capacity,
	uint16_t id, uint16_t flags)
{
	memset(w, 0, sizeof(*w));
	w->out = writer_over(bytes, capacity);
	write_be16(&w->out, id);
	write_be16(&w->out, flags);
	write_zeros(&w->out, 8);
}

/* Where the plain name of these bytes stands already; 0 for nowhere. */
static uint16_t place_of(
	const struct dns_writer *w, const uint8_t *bytes, size_t size)
{
	for (int i = 0; i < w->pointer_count; i++) {
		struct reader r = reader_over(w->out.bytes, w->out.size);
		struct dns_name there;

		(void)read_bytes(&r, w->pointers[i]);
		if (name_read(&r, w->out.bytes, w->out.size, &there) &&
			there.size == size &&
			memcmp(there.bytes, bytes, size) == 0)
			return w->pointers[i];
	}
	return 0;
}

/* Writes a plain name, and instead of labels that are there a pointer. */
static void write_name(
	struct dns_writer *w, const uint8_t *bytes, size_t size, bool compress)
{
	uint16_t begun[DNS_NAME_MAX / 2];
	int begun_count = 0;

	while (bytes[0] != 0) {
		size_t label = (size_t)bytes[0] + 1;
		uint16_t place = compress ? place_of(w, bytes, size) : 0;

		if (place != 0) {
			write_be16(&w->out, 0xc000 | place);
			break;
		}
		if (w->out.size <= POINTER_MAX)
			begun[begun_count++] = (uint16_t)w->out.size;
		write_bytes(&w->out, bytes, label);
		bytes += label;
		size -= label;
	}
	if (bytes[0] == 0)
		write_u8(&w->out, 0);
	/* Not before: place_of reads names to their end. */
	for (int i = 0; i < begun_count && !w->out.full; i++) {
		if (w->pointer_count < DNS_POINTERS_MAX)
			w->pointers[w->pointer_count++] = begun[i];
	}
}

static void write_data(struct dns_writer *w, const struct dns_record *record)
{
	size_t name = name_in_data(record->type, record->size);

	write_bytes(&w->out, record->data, name);
	if (name < record->size)
		write_name(w, record->data + name, record->size - name,
			!(w->plain && record->type == DNS_SRV));
}

/* Takes back what did not fit; true when all did. */
static bool keep_or_cut(struct dns_writer *w, size_t size, int pointer_count)
{
	if (!w->out.full)
		return true;
	w->out.full = false;
	w->out.size = size;
	w->pointer_count = pointer_count;
	return false;
}

bool dns_write_question(
	struct dns_writer *w, const struct dns_question *question)
{
	size_t size = w->out.size;
	int pointer_count = w->pointer_count;

	write_name(w, question->name.bytes, question->name.size, true);
	write_be16(&w->out, question->type);
	write_be16(&w->out, (uint16_t)(question->class |
				       (question->unicast ? DNS_TOP : 0)));
	if (!keep_or_cut(w, size, pointer_count))
		return false;
	w->questions++;
	return true;
}

bool dns_write_record(struct dns_writer *w, const struct dns_record *record)
{
	size_t size = w->out.size, data;
	int pointer_count = w->pointer_count;
	struct writer length;

	write_name(w, record->name.bytes, record->name.size, true);
	write_be16(&w->out, record->type);
	write_be16(&w->out,
		(uint16_t)(record->class | (record->flush ? DNS_TOP : 0)));
	write_be32(&w->out, record->ttl_s);
	length = w->out;
	write_be16(&w->out, 0);
	data = w->out.size;
	write_data(w, record);
	if (!keep_or_cut(w, size, pointer_count))
		return false;
	write_be16(&length, (uint16_t)(w->out.size - data));
	w->records[record->section]++;
	return true;
}

void dns_write_flags(struct dns_writer *w, uint16_t flags)
{
	struct reader before = reader_over(w->out.bytes + 2, 2);
	struct writer at = writer_over(w->out.bytes + 2, 2);

	write_be16(&at, read_be16(&before) | flags);
}

size_t dns_writer_finish(struct dns_writer *w)
{
	struct writer counts = writer_over(w->out.bytes + 4, 8);

	write_be16(&counts, w->questions);
	for (int i = 0; i < DNS_SECTIONS; i++)
		write_be16(&counts, w->records[i]);
	return w->out.size;
}
