/* SPDX-License-Identifier: ISC */
/*
 * people.c: who we are, and who is called what, in two small text files that
 * are replaced as a whole (file.h).
 *
 *	identity	chat identity 1
 *			mode open
 *			room ROOM	"-" is the open room of everybody
 *			seed HEX	32 bytes: whoever has them is us
 *			public HEX	of the seed
 *
 *	peers		chat peers 1
 *			pin NAME KEY MS VERIFIED	in the order of pinning
 *			legacy NAME ID			ID as in legacy.h
 *			end
 *
 * MS is when the name was pinned, since 1970; 0 of our own names alone, which
 * tells whose `peers` it is.  VERIFIED is 1 when somebody has compared the key by other means, else 0.  The first line
 * of a legacy NAME is that of who is shown by it alone.
 *
 * A file is valid if and only if it is what would be written: every line as
 * above and ended by a newline, one space between words, nothing after the
 * last line; public is that of the seed; no name is pinned twice, and none
 * as ours to another key than that of the identity.
 *
 * Version 0.1.0 had other files, which are read when there is no `peers`:
 *
 *	id		ID of ours
 *	names		lines of ID NAME
 *
 * One key may be pinned to many names, by linking under one after the other,
 * and fill all LIMIT_PINS.  A limit for each key would not help: keys cost
 * nothing.  What is lost then is that new names are shown bare, no more.
 */
#include "platform.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/crypto.h"
#include "file.h"
#include "legacy.h"
#include "names.h"
#include "people.h"
#include "store/disk.h"
#include "words.h"

enum {
	KEY_SIZE = RECORD_KEY_SIZE,
	IDENTITY_SIZE = 256, /* is enough */
	PIN_SIZE = 4 + LIMIT_NAME + 1 + 2 * KEY_SIZE + 1 + 20 + 1 + 1 + 1,
	LEGACY_SIZE = 7 + LIMIT_NAME + 1 + LEGACY_ID_MAX + 1,
	PEERS_SIZE =
		LIMIT_PINS * PIN_SIZE + NAMES_PERSONS_MAX * LEGACY_SIZE + 64,
	LEGACY_LETTERS = 7 /* of an id: enough to tell persons apart */
};

struct people {
	int dir_fd;
	bool may_write;
	bool is_new;
	bool unsaved;
	bool has_key;
	char own_name[LIMIT_NAME + 1];
	struct ed25519_key key; /* zeros without one: no point of any author */
	uint8_t room_id[RECORD_ID_SIZE];
	struct names keys;
	struct names legacy;
	uint32_t pin_count;
	struct name *pins[LIMIT_PINS]; /* of keys.names, in order */
};

/* Words. */

static bool name_well_formed(const char *name)
{
	char copy[LIMIT_NAME + 1];

	return record_name_decode(reader_over(name, strlen(name)), copy);
}

bool people_name_valid(const char *name)
{
	static const char *const reserved[] = { "info", "warn", "error" };

	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++) {
		if (strcmp(name, reserved[i]) == 0)
			return false;
	}
	return name_well_formed(name);
}

bool people_room_valid(const char *room)
{
	return room[0] == '\0' || name_well_formed(room);
}

/* RFC 4648, section 6, in small letters: the first 30 bits. */
void people_suffix(const uint8_t *key, char letters[7])
{
	struct reader r = reader_over(key, KEY_SIZE);
	uint32_t bits = read_be32(&r);

	for (int i = 0; i < 6; i++, bits <<= 5)
		letters[i] = "abcdefghijklmnopqrstuvwxyz234567"[bits >> 27];
	letters[6] = '\0';
}

static bool is_own(const struct people *p, const uint8_t *key)
{
	return memcmp(p->key.public_key, key, KEY_SIZE) == 0;
}

static bool is_pinned(const struct people *p, const char *text)
{
	const struct name *name = names_find(&p->keys, text);

	return name != NULL && name->pinned;
}

/* Is the key shown by this name alone? */
static bool key_has_name(
	const struct people *p, const uint8_t *key, const char *text)
{
	if (strcmp(text, p->own_name) == 0)
		return is_own(p, key);
	return people_name_valid(text) && names_owns(&p->keys, key, text) &&
	       (p->pin_count < LIMIT_PINS || is_pinned(p, text));
}

/* Pins a name that the key goes by, if there is room. */
static struct name *pin(struct people *p, const uint8_t *key, const char *text)
{
	struct name *name;

	if (p->pin_count == LIMIT_PINS)
		return NULL;
	name = names_pin(&p->keys, key, text);
	p->pins[p->pin_count++] = name;
	p->unsaved = true;
	return name;
}

/* Reading. */

static enum people_trouble read_version(struct reader *r, const char *title)
{
	uint64_t version;

	read_exactly(r, title);
	version = read_decimal(r, '\n');
	if (r->bad || version == 0)
		return PEOPLE_DAMAGED;
	return version == 1 ? PEOPLE_GOOD : PEOPLE_NEWER;
}

/* GOOD when the file is there, or absent: then it has no bytes. */
static enum people_trouble people_read(const struct people *p, const char *name,
	struct file *file, struct people_failure *failure)
{
	failure->file = name;
	failure->result = file_read(p->dir_fd, name, PEERS_SIZE, file);
	switch (failure->result) {
	case FILE_GOOD:
	case FILE_ABSENT:
		return PEOPLE_GOOD;
	case FILE_SYSTEM:
		return PEOPLE_SYSTEM;
	case FILE_TOO_LARGE:
		return PEOPLE_DAMAGED;
	case FILE_NOT_FILE:
	case FILE_LINKED:
	case FILE_NOT_OURS:
	case FILE_READABLE:
		break;
	}
	return PEOPLE_FILE;
}

/* The identity. */

static bool room_parse(struct reader word, char room[LIMIT_NAME + 1])
{
	room[0] = '\0';
	return word_is(word, "-") || record_name_decode(word, room);
}

static enum people_trouble identity_parse(
	struct people *p, struct reader r, char room[LIMIT_NAME + 1])
{
	enum people_trouble trouble = read_version(&r, "chat identity ");
	uint8_t seed[ED25519_SEED_SIZE], public_key[KEY_SIZE];
	struct reader mode, word;

	read_exactly(&r, "mode ");
	mode = read_word(&r, '\n');
	if (trouble == PEOPLE_GOOD && word_is(mode, "closed"))
		trouble = PEOPLE_NEWER;
	if (trouble != PEOPLE_GOOD)
		return trouble;
	read_exactly(&r, "room ");
	word = read_word(&r, '\n');
	read_exactly(&r, "seed ");
	read_hex(&r, seed, sizeof(seed));
	read_exactly(&r, "\npublic ");
	read_hex(&r, public_key, sizeof(public_key));
	read_exactly(&r, "\n");
	ed25519_key_from_seed(&p->key, seed);
	secret_wipe(seed, sizeof(seed));
	if (r.bad || r.left > 0 || !word_is(mode, "open") ||
		!room_parse(word, room) || !is_own(p, public_key))
		return PEOPLE_DAMAGED;
	p->has_key = true;
	return PEOPLE_GOOD;
}

static enum people_trouble identity_make(struct people *p, const char *room)
{
	uint8_t seed[ED25519_SEED_SIZE], text[IDENTITY_SIZE];
	struct writer w = writer_over(text, sizeof(text));
	int result;

	random_bytes(seed, sizeof(seed));
	ed25519_key_from_seed(&p->key, seed);
	write_text(&w, "chat identity 1\nmode open\nroom ");
	write_text(&w, room[0] == '\0' ? "-" : room);
	write_text(&w, "\nseed ");
	write_hex(&w, seed, sizeof(seed));
	write_text(&w, "\npublic ");
	write_hex(&w, p->key.public_key, KEY_SIZE);
	write_text(&w, "\n");
	assert(!w.full);
	result = file_replace(p->dir_fd, "identity", w.bytes, w.size);
	secret_wipe(seed, sizeof(seed));
	secret_wipe(text, sizeof(text));
	p->has_key = true;
	p->is_new = true;
	return result == 0 ? PEOPLE_GOOD : PEOPLE_SYSTEM;
}

/* There is no identity: may it be so? */
static enum people_trouble identity_absent(
	struct people *p, const struct people_options *options)
{
	if (options->expected || file_exists(p->dir_fd, "peers"))
		return PEOPLE_MISSING;
	if (options->make)
		return identity_make(p, options->room);
	return file_exists(p->dir_fd, "id") ? PEOPLE_GOOD : PEOPLE_MISSING;
}

static enum people_trouble identity_open(struct people *p,
	const struct people_options *options, struct people_failure *failure)
{
	struct file file;
	enum people_trouble trouble =
		people_read(p, "identity", &file, failure);

	if (trouble == PEOPLE_GOOD && failure->result == FILE_ABSENT)
		return identity_absent(p, options);
	if (trouble == PEOPLE_GOOD)
		trouble = identity_parse(
			p, reader_over(file.bytes, file.size), failure->room);
	file_free(&file);
	if (trouble == PEOPLE_GOOD && strcmp(failure->room, options->room) != 0)
		trouble = PEOPLE_OTHER_ROOM;
	/* Whoever made it may have ended before its name was durable. */
	if (trouble == PEOPLE_GOOD && options->make &&
		disk_sync_all(p->dir_fd) < 0)
		trouble = PEOPLE_SYSTEM;
	return trouble;
}

/* The others. */

static bool pin_parse(struct people *p, struct reader *r)
{
	struct reader word = read_word(r, ' ');
	char text[LIMIT_NAME + 1];
	uint8_t key[KEY_SIZE];
	struct name *name;
	uint64_t first_ms;

	read_hex(r, key, sizeof(key));
	read_exactly(r, " ");
	first_ms = read_decimal(r, ' ');
	if (!record_name_decode(word, text) || !people_name_valid(text))
		return false;
	word = read_word(r, '\n');
	if (r->bad || (!word_is(word, "0") && !word_is(word, "1")))
		return false;
	if (is_pinned(p, text) || !names_claim(&p->keys, key, text))
		return false;
	name = pin(p, key, text);
	if (name == NULL)
		return false;
	name->first_ms = first_ms;
	name->verified = word_is(word, "1");
	return true;
}

static bool legacy_claim(struct people *p, struct reader id, struct reader word)
{
	uint8_t key[LEGACY_KEY_SIZE];
	char name[LIMIT_NAME + 1];

	return !id.bad && legacy_key_of_id(id.at, id.left, key) &&
	       record_name_decode(word, name) && people_name_valid(name) &&
	       names_person(&p->legacy, key) == NULL &&
	       names_claim(&p->legacy, key, name);
}

static enum people_trouble peers_parse(struct people *p, struct reader r)
{
	enum people_trouble trouble = read_version(&r, "chat peers ");
	struct reader word;

	if (trouble != PEOPLE_GOOD)
		return trouble;
	while (!word_is(r, "end\n")) {
		struct reader kind = read_word(&r, ' ');
		bool good = false;

		if (word_is(kind, "pin"))
			good = pin_parse(p, &r);
		if (word_is(kind, "legacy")) {
			word = read_word(&r, ' ');
			good = legacy_claim(p, read_word(&r, '\n'), word);
		}
		if (!good)
			return PEOPLE_DAMAGED;
	}
	for (uint32_t i = 0; i < p->pin_count; i++) {
		if (p->pins[i]->first_ms == 0 && !is_own(p, p->pins[i]->key))
			return PEOPLE_OTHER_KEY;
	}
	return PEOPLE_GOOD;
}

/* Version 0.1.0: lines of ID NAME. */
static enum people_trouble names_parse(struct people *p, struct reader r)
{
	while (r.left > 0) {
		struct reader id = read_word(&r, ' ');

		if (!legacy_claim(p, id, read_word(&r, '\n')))
			return PEOPLE_DAMAGED;
	}
	return r.bad ? PEOPLE_DAMAGED : PEOPLE_GOOD;
}

/* Version 0.1.0: our own id, under which we said things then. */
static enum people_trouble id_parse(struct people *p, struct reader r)
{
	struct reader name = reader_over(p->own_name, strlen(p->own_name));
	bool good = legacy_claim(p, read_word(&r, '\n'), name);

	return good && !r.bad && r.left == 0 ? PEOPLE_GOOD : PEOPLE_DAMAGED;
}

enum part { PART_PEERS, PART_ID, PART_NAMES };

static enum people_trouble part_open(
	struct people *p, enum part part, struct people_failure *failure)
{
	static const char *const names[] = { "peers", "id", "names" };
	struct file file;
	enum people_trouble trouble =
		people_read(p, names[part], &file, failure);
	struct reader r = reader_over(file.bytes, file.size);

	if (trouble != PEOPLE_GOOD || failure->result == FILE_ABSENT)
		return trouble;
	switch (part) {
	case PART_PEERS:
		trouble = peers_parse(p, r);
		break;
	case PART_ID:
		trouble = id_parse(p, r);
		break;
	case PART_NAMES:
		trouble = names_parse(p, r);
		break;
	}
	file_free(&file);
	return trouble;
}

static enum people_trouble peers_open(
	struct people *p, struct people_failure *failure)
{
	enum people_trouble trouble = part_open(p, PART_PEERS, failure);

	p->unsaved = failure->result == FILE_ABSENT;
	if (trouble != PEOPLE_GOOD || failure->result == FILE_GOOD)
		return trouble;
	trouble = part_open(p, PART_ID, failure);
	if (trouble == PEOPLE_GOOD)
		trouble = part_open(p, PART_NAMES, failure);
	return trouble;
}

/* Others can not have a name that was ours once. */
static void pin_own(struct people *p)
{
	struct name *name;

	if (is_pinned(p, p->own_name) ||
		!names_claim(&p->keys, p->key.public_key, p->own_name))
		return;
	name = pin(p, p->key.public_key, p->own_name);
	if (name != NULL)
		name->verified = true;
}

struct people *people_open(int dir_fd, const struct people_options *options,
	struct people_failure *failure)
{
	struct people *p = calloc(1, sizeof(*p));

	memset(failure, 0, sizeof(*failure));
	failure->trouble = PEOPLE_SYSTEM;
	failure->file = "identity";
	if (p == NULL)
		return NULL;
	p->dir_fd = dir_fd;
	p->may_write = options->make;
	(void)snprintf(p->own_name, sizeof(p->own_name), "%s", options->name);
	record_room_id(p->room_id, false, options->room);
	names_begin(&p->keys);
	names_begin(&p->legacy);
	failure->trouble = identity_open(p, options, failure);
	if (failure->trouble == PEOPLE_GOOD)
		failure->trouble = peers_open(p, failure);
	if (failure->trouble != PEOPLE_GOOD) {
		p->unsaved = false; /* half of it */
		people_close(p);
		return NULL;
	}
	if (p->has_key)
		pin_own(p);
	return p;
}

void people_close(struct people *p)
{
	int error = errno;

	if (p == NULL)
		return;
	(void)!people_save(p); /* pins are made again */
	names_free(&p->keys);
	names_free(&p->legacy);
	secret_wipe(&p->key, sizeof(p->key));
	free(p);
	errno = error;
}

/* Writing. */

static void write_legacy(struct writer *w, const struct person *person)
{
	char id[LEGACY_ID_MAX + 1];

	(void)legacy_id_of_key(person->key, id);
	write_text(w, "legacy ");
	write_text(w, person->name);
	write_text(w, " ");
	write_text(w, id);
	write_text(w, "\n");
}

static void write_pin(struct writer *w, const struct name *name)
{
	char rest[32];

	write_text(w, "pin ");
	write_text(w, name->text);
	write_text(w, " ");
	write_hex(w, name->key, KEY_SIZE);
	(void)snprintf(rest, sizeof(rest), " %llu %d\n",
		(unsigned long long)name->first_ms, name->verified);
	write_text(w, rest);
}

static void write_peers(struct writer *w, const struct people *p)
{
	const struct names_table *legacy = &p->legacy.persons;

	write_text(w, "chat peers 1\n");
	for (uint32_t i = 0; i < p->pin_count; i++)
		write_pin(w, p->pins[i]);
	for (int first = 1; first >= 0; first--) {
		for (size_t i = 0; i < legacy->count; i++) {
			const struct person *person = legacy->entries[i];

			if (names_owns(&p->legacy, person->key, person->name) ==
				first)
				write_legacy(w, person);
		}
	}
	write_text(w, "end\n");
	assert(!w->full);
}

bool people_unsaved(const struct people *p)
{
	return p->unsaved && p->may_write;
}

int people_save(struct people *p)
{
	size_t size = (size_t)p->pin_count * PIN_SIZE +
		      p->legacy.persons.count * LEGACY_SIZE + 64;
	struct writer w;
	uint8_t *bytes;
	int result;

	if (!people_unsaved(p))
		return 0;
	bytes = malloc(size);
	if (bytes == NULL)
		return -1;
	w = writer_over(bytes, size);
	write_peers(&w, p);
	result = file_replace(p->dir_fd, "peers", w.bytes, w.size);
	free(bytes);
	p->unsaved = result < 0;
	return result;
}

/* Questions and answers. */

const struct ed25519_key *people_key(const struct people *p)
{
	return p->has_key ? &p->key : NULL;
}

const uint8_t *people_room_id(const struct people *p)
{
	return p->room_id;
}

const char *people_own_name(const struct people *p)
{
	return p->own_name;
}

bool people_is_new(const struct people *p)
{
	return p->is_new;
}

enum people_meeting people_meet(
	struct people *p, const uint8_t *key, const char *text, uint64_t now_ms)
{
	const struct person *person = names_person(&p->keys, key);
	bool renamed = person != NULL && person->pinned;
	struct name *name;

	if (is_own(p, key))
		return PEOPLE_KNOWN;
	if (!names_claim(&p->keys, key, text))
		return PEOPLE_NO_ROOM;
	if (!people_name_valid(text) || strcmp(text, p->own_name) == 0)
		return PEOPLE_STRANGER;
	if (is_pinned(p, text))
		return names_owns(&p->keys, key, text) ? PEOPLE_KNOWN
						       : PEOPLE_STRANGER;
	name = pin(p, key, text);
	if (name == NULL)
		return PEOPLE_NO_ROOM;
	name->first_ms = now_ms == 0 ? 1 : now_ms; /* 0 is for our own */
	return renamed ? PEOPLE_RENAMED : PEOPLE_PINNED;
}

void people_claim(struct people *p, const uint8_t *key, const char *name)
{
	const struct person *person = names_person(&p->keys, key);

	if (is_own(p, key) || (person != NULL && person->pinned))
		return;
	if (name_well_formed(name))
		(void)!names_claim(&p->keys, key, name); /* or shown bare */
}

const uint8_t *people_pinned(const struct people *p, const char *text)
{
	if (strcmp(text, p->own_name) == 0 && p->has_key)
		return p->key.public_key;
	return is_pinned(p, text) ? names_find(&p->keys, text)->key : NULL;
}

void people_claim_legacy(
	struct people *p, const uint8_t *legacy_key, const char *name)
{
	const struct person *person = names_person(&p->legacy, legacy_key);

	if (!people_name_valid(name) ||
		(person != NULL && strcmp(person->name, name) == 0))
		return;
	if (names_claim(&p->legacy, legacy_key, name))
		p->unsaved = true;
}

void people_show(const struct people *p, const uint8_t *key,
	char shown[PEOPLE_SHOWN_MAX + 1])
{
	const struct person *person = names_person(&p->keys, key);
	const char *name = person == NULL ? "" : person->name;
	char letters[7];

	people_suffix(key, letters);
	if (is_own(p, key))
		name = p->own_name;
	if (key_has_name(p, key, name))
		(void)snprintf(shown, PEOPLE_SHOWN_MAX + 1, "%s", name);
	else
		(void)snprintf(
			shown, PEOPLE_SHOWN_MAX + 1, "%s~%s", name, letters);
}

void people_show_legacy(const struct people *p, const uint8_t *legacy_key,
	char shown[PEOPLE_SHOWN_MAX + 1])
{
	const struct person *person = names_person(&p->legacy, legacy_key);
	char id[LEGACY_ID_MAX + 1];
	const char *letters = id;

	(void)legacy_id_of_key(legacy_key, id);
	if (id[0] == '@')
		letters++;
	if (person == NULL)
		(void)snprintf(shown, PEOPLE_SHOWN_MAX + 1, "?%.*s",
			LEGACY_LETTERS, letters);
	else if (names_owns(&p->legacy, legacy_key, person->name))
		(void)snprintf(
			shown, PEOPLE_SHOWN_MAX + 1, "?%s", person->name);
	else
		(void)snprintf(shown, PEOPLE_SHOWN_MAX + 1, "?%s~%.6s",
			person->name, letters);
}
