/* SPDX-License-Identifier: ISC */
/*
 * legacy.c: the original's protocol, decoded and composed.
 *
 * PROLOGUE.  Each item is a varint length and that many bytes of address.  D
 * dials A, and addresses are compared as strings:
 *
 *	D < A:	D->A D	A->D A			linked
 *	D > A:	D->A D	A->D A	D->A D		linked
 *
 * FRAMES.  Then in both directions at once: varint length, and a message in
 * protocol buffers' encoding.  The first is a Handshake, all others Changes:
 *
 *	Handshake	1 string id	required	author id of the sender
 *			2 Digest head	repeated	what the sender has
 *			3 Mode mode	1 sync (default), 2 push, 3 pull
 *	Digest		1 string peer	required	author id
 *			2 uint32 seq	required	has 1 .. seq
 *	Change		1 string peer	required	author id
 *			2 uint32 seq	required	1 for the first
 *			3 bytes entry	required	what was said
 *
 * Input is valid if and only if
 *	(1) varints are in their shortest form and fit (bytes.h),
 *	(2) a prologue item has 1 .. 255 bytes of [A-Za-z0-9.:-], and the second
 *	    one of a dialler equals its first,
 *	(3) a Handshake has 1 .. LEGACY_HEADS_MAX bytes, any other frame 1 ..
 *	    LEGACY_FRAME_MAX; fields end where their message ends,
 *	(4) the fields above have their type, the required ones are there (the
 *	    last one counts), no other wire type than 0, 1, 2, 5 occurs,
 *	(5) seq < 2^32; in a Change seq > 0 and entry <= LEGACY_ENTRY_MAX; mode
 *	    is 1, 2 or 3.
 * Unknown fields are skipped.  A Digest or Change whose author is no id of
 * ours (legacy.h) is skipped: it means nothing here, and harms nobody.
 *
 * A Handshake names every author that its sender has, so it can be large: it
 * is read and written field by field and never stands in memory as a whole.
 *
 *	dialler				acceptor
 *	NAMING				NAMING
 *	  | address: answer if D > A	  | address
 *	  |				ASKING
 *	  |				  | legacy_admit: answer
 *	  |				  +- D > A -> CONFIRMING
 *	  v				  v		| address
 *	LINKED <--------------------------+-------------+
 *	  | length -> HEADS | all of it -> CHANGES	(anything bad -> BROKEN)
 *
 * Invariants:
 *	1. state == LEGACY_BROKEN ==> no byte of `in` is looked at any more.
 *	2. LEGACY_NAMING, LEGACY_ASKING, LEGACY_CONFIRMING ==> no Handshake was sent.
 *	3. Every whole frame that is valid fits into `in`.
 *
 * This file does not decide whom to link with, nor what a sequence of changes
 * means: mesh.c does.
 */
#include <stdio.h>

#include "legacy.h"
#include "proto.h"

enum { LENGTH_SIZE_MAX = 4 };

/* Leaves: SHA-1 (RFC 3174), for hash-to-port alone; names are short. */

static uint32_t rotate(uint32_t word, unsigned bits)
{
	return word << bits | word >> (32 - bits);
}

static void sha1_block(uint32_t state[5], const uint8_t block[64])
{
	static const uint32_t constants[4] = { 0x5a827999, 0x6ed9eba1,
		0x8f1bbcdc, 0xca62c1d6 };
	struct reader r = reader_over(block, 64);
	uint32_t w[80], a = state[0], b = state[1], c = state[2];
	uint32_t d = state[3], e = state[4];

	for (int t = 0; t < 16; t++)
		w[t] = read_be32(&r);
	for (int t = 16; t < 80; t++)
		w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
	for (int t = 0; t < 80; t++) {
		uint32_t mixed = b ^ c ^ d;
		uint32_t next;

		if (t < 20)
			mixed = (b & c) | (~b & d);
		else if (t >= 40 && t < 60)
			mixed = (b & c) | (b & d) | (c & d);
		next = rotate(a, 5) + mixed + e + w[t] + constants[t / 20];
		e = d;
		d = c;
		c = rotate(b, 30);
		b = a;
		a = next;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
}

/* The digest of at most 55 bytes: one block. */
static void sha1_short(const char *text, size_t size, uint32_t state[5])
{
	static const uint32_t start[5] = { 0x67452301, 0xefcdab89, 0x98badcfe,
		0x10325476, 0xc3d2e1f0 };
	uint8_t block[64];
	struct writer w = writer_over(block, sizeof(block));

	assert(size <= 55);
	write_bytes(&w, text, size);
	write_u8(&w, 0x80);
	write_zeros(&w, 64 - 8 - w.size);
	write_be(&w, size * 8, 8);
	memcpy(state, start, sizeof(start));
	sha1_block(state, block);
}

uint16_t legacy_port_of_name(const char *name)
{
	uint32_t state[5];
	uint64_t n;

	sha1_short(name, strlen(name), state);
	n = (uint64_t)(state[0] >> 16) * 0xffffffff;
	n += state[0] << 16 | state[1] >> 16;
	return (uint16_t)(n % (65535 - 1024) + 1024);
}

/* Ids and addresses. */

static bool is_id_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* How many letters a key spells when it is the original's id; 0: it is not. */
static size_t key_letters(const uint8_t *key)
{
	size_t letters = 0;

	while (letters < LEGACY_KEY_SIZE && is_id_letter(key[letters]))
		letters++;
	for (size_t i = letters; i < LEGACY_KEY_SIZE; i++) {
		if (key[i] != 0)
			return 0;
	}
	return letters;
}

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool legacy_key_of_id(const void *id, size_t size, uint8_t key[LEGACY_KEY_SIZE])
{
	const uint8_t *at = id;

	memset(key, 0, LEGACY_KEY_SIZE);
	if (size >= 1 && size <= LEGACY_KEY_SIZE && at[0] != '@') {
		memcpy(key, at, size);
		return key_letters(key) == size;
	}
	if (size != 1 + 2 * LEGACY_KEY_SIZE || at[0] != '@')
		return false;
	for (size_t i = 0; i < LEGACY_KEY_SIZE; i++) {
		int high = hex_value(at[1 + 2 * i]);
		int low = hex_value(at[2 + 2 * i]);

		if (high < 0 || low < 0)
			return false;
		key[i] = (uint8_t)(high << 4 | low);
	}
	return key_letters(key) == 0;
}

bool legacy_key_is_foreign(const uint8_t *key)
{
	return key_letters(key) > 0;
}

size_t legacy_id_of_key(const uint8_t *key, char id[LEGACY_ID_MAX + 1])
{
	static const char digits[] = "0123456789abcdef";
	size_t letters = key_letters(key);

	if (letters > 0) {
		memcpy(id, key, letters);
		id[letters] = '\0';
		return letters;
	}
	id[0] = '@';
	for (size_t i = 0; i < LEGACY_KEY_SIZE; i++) {
		id[1 + 2 * i] = digits[key[i] >> 4];
		id[2 + 2 * i] = digits[key[i] & 15];
	}
	id[LEGACY_ID_MAX] = '\0';
	return LEGACY_ID_MAX;
}

bool legacy_address_valid(const void *address, size_t size)
{
	const uint8_t *at = address;

	for (size_t i = 0; i < size; i++) {
		if (!is_id_letter(at[i]) && !(at[i] >= 'A' && at[i] <= 'Z') &&
			at[i] != '.' && at[i] != ':' && at[i] != '-')
			return false;
	}
	return size >= 1 && size <= LEGACY_ADDRESS_MAX;
}

/* Decoding protocol buffers (proto.h). */

static bool field_is(
	const struct field *f, uint32_t number, uint32_t type, struct reader *r)
{
	if (f->number != number)
		return false;
	if (f->type != type)
		r->bad = true;
	return true;
}

/* What Digest and Change have in common; `entry` only of a Change. */
struct change {
	bool have_peer;
	bool have_seq;
	bool have_entry;
	uint64_t seq;
	struct reader peer;
	struct reader entry;
};

static bool change_read(struct reader *r, struct change *change)
{
	memset(change, 0, sizeof(*change));
	while (!r->bad && r->left > 0) {
		struct field f = read_field(r);

		if (field_is(&f, 1, PROTO_BYTES, r)) {
			change->have_peer = true;
			change->peer = f.bytes;
		} else if (field_is(&f, 2, PROTO_VARINT, r)) {
			change->have_seq = true;
			change->seq = f.value;
		} else if (field_is(&f, 3, PROTO_BYTES, r)) {
			change->have_entry = true;
			change->entry = f.bytes;
		}
	}
	return !r->bad && change->have_peer && change->have_seq &&
	       change->seq <= UINT32_MAX;
}

static bool legacy_break(struct legacy *w, const char *complaint)
{
	w->state = LEGACY_BROKEN;
	w->complaint = complaint;
	return false;
}

/* Composing. */

static void out_added(struct legacy *w, const struct writer *written)
{
	assert(!written->full);
	fifo_added(&w->out, written->size);
}

static struct writer out_writer(struct legacy *w)
{
	uint8_t *tail = fifo_tail(&w->out);

	return writer_over(tail, fifo_room(&w->out));
}

/* The prologue's few bytes always fit: nothing else was sent before it. */
static void put_address(struct legacy *w)
{
	size_t size = strlen(w->own);
	struct writer writer = out_writer(w);

	write_varint(&writer, size);
	write_bytes(&writer, w->own, size);
	out_added(w, &writer);
}

static size_t digest_size(size_t id_size, uint32_t seq)
{
	return bytes_field_size(id_size) + varint_field_size(seq);
}

size_t legacy_head_size(const uint8_t *key, uint32_t seq)
{
	char id[LEGACY_ID_MAX + 1];

	return bytes_field_size(digest_size(legacy_id_of_key(key, id), seq));
}

bool legacy_put_handshake(
	struct legacy *w, const uint8_t *key, size_t heads_size)
{
	char id[LEGACY_ID_MAX + 1];
	size_t id_size = legacy_id_of_key(key, id);
	struct writer writer = out_writer(w);

	assert(w->state >= LEGACY_LINKED);
	write_varint(&writer, bytes_field_size(id_size) + 2 + heads_size);
	write_bytes_field(&writer, 1, id, id_size);
	write_varint_field(&writer, 3, LEGACY_SYNC);
	if (writer.full)
		return false;
	out_added(w, &writer);
	return true;
}

bool legacy_put_head(struct legacy *w, const uint8_t *key, uint32_t seq)
{
	char id[LEGACY_ID_MAX + 1];
	size_t id_size = legacy_id_of_key(key, id);
	struct writer writer = out_writer(w);

	write_varint(&writer, 2 << 3 | PROTO_BYTES);
	write_varint(&writer, digest_size(id_size, seq));
	write_bytes_field(&writer, 1, id, id_size);
	write_varint_field(&writer, 2, seq);
	if (writer.full)
		return false;
	out_added(w, &writer);
	return true;
}

bool legacy_put_change(
	struct legacy *w, const uint8_t *key, uint32_t seq, struct reader entry)
{
	char id[LEGACY_ID_MAX + 1];
	size_t id_size = legacy_id_of_key(key, id);
	struct writer writer = out_writer(w);

	assert(entry.left <= LEGACY_ENTRY_MAX);
	write_varint(&writer,
		digest_size(id_size, seq) + bytes_field_size(entry.left));
	write_bytes_field(&writer, 1, id, id_size);
	write_varint_field(&writer, 2, seq);
	write_bytes_field(&writer, 3, entry.at, entry.left);
	if (writer.full)
		return false;
	out_added(w, &writer);
	return true;
}

/* Decoding, one step of the state machine a function. */

void legacy_open(
	struct legacy *w, enum legacy_role role, const char *own_address)
{
	assert(legacy_address_valid(own_address, strlen(own_address)));
	w->in = fifo_over(w->in_bytes, sizeof(w->in_bytes));
	w->out = fifo_over(w->out_bytes, sizeof(w->out_bytes));
	w->state = LEGACY_NAMING;
	w->role = role;
	w->mode = LEGACY_SYNC;
	w->frame_left = 0;
	w->have_id = false;
	w->consumed = 0;
	w->complaint = NULL;
	w->peer[0] = w->id[0] = '\0';
	(void)snprintf(w->own, sizeof(w->own), "%s", own_address);
	if (role == LEGACY_DIALLER)
		put_address(w);
}

/*
 * Reads the length before a frame or a prologue item.  The longest that is
 * allowed has LENGTH_SIZE_MAX bytes: no more are looked at, so that what is
 * said of a malformed one does not depend on where the input was cut.
 */
static bool length_ready(struct legacy *w, size_t most, size_t *size)
{
	size_t waiting = fifo_size(&w->in);
	size_t here = waiting < LENGTH_SIZE_MAX ? waiting : LENGTH_SIZE_MAX;
	struct reader r = reader_over(fifo_head(&w->in), here);
	uint64_t length = read_varint(&r);

	if (r.bad) {
		/* Not whole yet? */
		return here == LENGTH_SIZE_MAX
			       ? legacy_break(w, "malformed length")
			       : false;
	}
	if (length == 0 || length > most)
		return legacy_break(w, "length out of bounds");
	*size = (size_t)length;
	return true;
}

/*
 * Finds a length and as many bytes after it.  True when they are all there;
 * they are consumed by the next call of legacy_next.
 */
static bool item_ready(struct legacy *w, size_t most, struct reader *item)
{
	struct reader r = reader_over(fifo_head(&w->in), fifo_size(&w->in));
	size_t size;

	if (!length_ready(w, most, &size))
		return false;
	(void)read_varint(&r);
	*item = read_part(&r, size);
	if (item->bad)
		return false;
	w->consumed = fifo_size(&w->in) - r.left;
	return true;
}

static bool next_address(struct legacy *w, struct reader *address)
{
	if (!item_ready(w, LEGACY_ADDRESS_MAX, address))
		return false;
	if (!legacy_address_valid(address->at, address->left))
		return legacy_break(w, "malformed address");
	return true;
}

static bool enter_linked(struct legacy *w, struct legacy_event *event)
{
	w->state = LEGACY_LINKED;
	event->kind = LEGACY_EVENT_LINK;
	event->text = w->peer;
	return true;
}

static bool next_naming(struct legacy *w, struct legacy_event *event)
{
	struct reader address;

	if (!next_address(w, &address))
		return false;
	memcpy(w->peer, address.at, address.left);
	w->peer[address.left] = '\0';
	if (w->role == LEGACY_DIALLER) {
		if (strcmp(w->own, w->peer) > 0)
			put_address(w);
		return enter_linked(w, event);
	}
	w->state = LEGACY_ASKING;
	event->kind = LEGACY_EVENT_CALLER;
	event->text = w->peer;
	return true;
}

void legacy_admit(struct legacy *w)
{
	assert(w->state == LEGACY_ASKING);
	put_address(w);
	w->state = LEGACY_CONFIRMING;
}

static bool next_confirming(struct legacy *w, struct legacy_event *event)
{
	struct reader address;

	if (strcmp(w->peer, w->own) <= 0)
		return enter_linked(w, event);
	if (!next_address(w, &address))
		return false;
	if (address.left != strlen(w->peer) ||
		memcmp(address.at, w->peer, address.left) != 0)
		return legacy_break(w, "two addresses for one connection");
	return enter_linked(w, event);
}

/* The Handshake's length only: its fields are read one by one. */
static bool next_linked(struct legacy *w)
{
	if (!length_ready(w, LEGACY_HEADS_MAX, &w->frame_left))
		return false;
	w->state = LEGACY_HEADS;
	fifo_drop(&w->in, varint_size(w->frame_left));
	return true;
}

/* One field of the Handshake.  False without LEGACY_BROKEN: it has no event. */
static bool heads_field(
	struct legacy *w, const struct field *f, struct legacy_event *event)
{
	struct reader type = reader_over(NULL, 0);
	struct reader bytes = f->bytes;
	struct change head;

	if (field_is(f, 1, PROTO_BYTES, &type) && !type.bad) {
		w->have_id = true;
		if (!legacy_key_of_id(bytes.at, bytes.left, event->key))
			return false;
		(void)legacy_id_of_key(event->key, w->id);
		event->kind = LEGACY_EVENT_ID;
		event->text = w->id;
		return true;
	}
	if (field_is(f, 2, PROTO_BYTES, &type) && !type.bad) {
		if (!change_read(&bytes, &head))
			return legacy_break(w, "malformed head");
		event->kind = LEGACY_EVENT_HEAD;
		event->seq = (uint32_t)head.seq;
		return legacy_key_of_id(
			head.peer.at, head.peer.left, event->key);
	}
	if (field_is(f, 3, PROTO_VARINT, &type) && !type.bad) {
		if (f->value < LEGACY_SYNC || f->value > LEGACY_PULL)
			return legacy_break(w, "unknown mode");
		w->mode = (enum legacy_mode)f->value;
	}
	return type.bad ? legacy_break(w, "malformed handshake") : false;
}

/* Reads fields until one has an event, the frame ends, or bytes lack. */
static bool next_heads(struct legacy *w, struct legacy_event *event)
{
	while (w->frame_left > 0) {
		size_t here = fifo_size(&w->in) < w->frame_left
				      ? fifo_size(&w->in)
				      : w->frame_left;
		struct reader r = reader_over(fifo_head(&w->in), here);
		struct field f = read_field(&r);
		size_t size = here - r.left;
		bool told;

		if (r.bad) {
			/* A field that is cut short may be whole later. */
			if (here == w->frame_left || fifo_room(&w->in) == 0)
				return legacy_break(w, "malformed handshake");
			return false;
		}
		told = heads_field(w, &f, event);
		if (w->state == LEGACY_BROKEN)
			return false;
		w->frame_left -= size;
		w->consumed = size;
		if (told)
			return true;
		fifo_drop(&w->in, size);
		w->consumed = 0;
	}
	if (!w->have_id)
		return legacy_break(w, "handshake without id");
	w->state = LEGACY_CHANGES;
	event->kind = LEGACY_EVENT_READY;
	event->mode = w->mode;
	return true;
}

/* Reads Changes until one has an author that we know how to name. */
static bool next_changes(struct legacy *w, struct legacy_event *event)
{
	struct reader frame;
	struct change change;

	while (item_ready(w, LEGACY_FRAME_MAX, &frame)) {
		if (!change_read(&frame, &change) || !change.have_entry)
			return legacy_break(w, "malformed change");
		if (change.seq == 0)
			return legacy_break(w, "change number 0");
		if (change.entry.left > LEGACY_ENTRY_MAX)
			return legacy_break(w, "entry too large");
		event->kind = LEGACY_EVENT_CHANGE;
		event->seq = (uint32_t)change.seq;
		event->bytes = change.entry.at;
		event->size = change.entry.left;
		if (legacy_key_of_id(
			    change.peer.at, change.peer.left, event->key))
			return true;
		fifo_drop(&w->in, w->consumed);
		w->consumed = 0;
	}
	return false;
}

static bool next_by_state(struct legacy *w, struct legacy_event *event)
{
	switch (w->state) {
	case LEGACY_NAMING:
		return next_naming(w, event);
	case LEGACY_CONFIRMING:
		return next_confirming(w, event);
	case LEGACY_LINKED:
		return next_linked(w) && next_heads(w, event);
	case LEGACY_HEADS:
		return next_heads(w, event);
	case LEGACY_CHANGES:
		return next_changes(w, event);
	case LEGACY_ASKING:
	case LEGACY_BROKEN:
		return false;
	}
	return false;
}

bool legacy_next(struct legacy *w, struct legacy_event *event)
{
	memset(event, 0, sizeof(*event));
	fifo_drop(&w->in, w->consumed);
	w->consumed = 0;
	if (next_by_state(w, event))
		return true;
	if (w->complaint == NULL)
		return false;
	event->kind = LEGACY_EVENT_BROKEN;
	event->text = w->complaint;
	w->complaint = NULL;
	return true;
}
