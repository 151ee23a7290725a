/* SPDX-License-Identifier: ISC */
/*
 * people.h: who we are, and the names under which others are shown.
 *
 * Two files in the database directory.  `identity` holds our secret seed and
 * the room that it is for, made once.  `peers` holds what is remembered of
 * others: which key owns a name here.  The formats stand at the top of
 * people.c.
 *
 * Names are trusted on first use: the first key that completes a link under a
 * name is *pinned* to it, our own name to our own key.  A pinned key is shown
 * as "bob"; any other one that claims bob as "bob~x7k2pm", with six letters of
 * its key.  Somebody not pinned whose name nobody is pinned to (he is only
 * relayed) is shown by the name he claims, unless another key did so before.
 * An author of the original program has no key: he is shown as "?cmws77s", or
 * as "?carol" when his address gave a name; nobody can claim the mark.
 *
 * A pin is for ever: who goes by another name later keeps the old one as well,
 * so nobody can take it over; and a pinned key is shown by the name under
 * which it was linked, whatever its records claim.  Our own name is ours even
 * where another key was pinned to it before.
 */
#ifndef PEOPLE_H
#define PEOPLE_H

#include "crypto/crypto.h"
#include "file.h"
#include "limit.h"
#include "record.h"

enum {
	PEOPLE_NAME_MAX = LIMIT_NAME, /* bytes of a name, without NUL */
	PEOPLE_SHOWN_MAX = 40 /* bytes of a name as shown, without NUL */
};

struct people;

struct people_options {
	const char *name; /* ours, valid (people_name_valid) */
	const char *room; /* "" is the open room of everybody */
	bool make;        /* an identity where there is none: the caller has
			     the database's lock; else nothing is written */
	bool expected;    /* the log has signed records: there must be one */
};

/* Why people_open failed, beside errno. */
enum people_trouble {
	PEOPLE_GOOD,       /* it has not */
	PEOPLE_SYSTEM,     /* errno says it */
	PEOPLE_DAMAGED,    /* not in its format, or public is not of seed */
	PEOPLE_NEWER,      /* made by a newer version of this program */
	PEOPLE_FILE,       /* `result` says what is wrong with it */
	PEOPLE_OTHER_ROOM, /* `room` holds which */
	PEOPLE_OTHER_KEY,  /* `peers` knows another key as ours */
	PEOPLE_MISSING     /* there is no identity, and `make` is false; or
			      there was one, as `expected` or `peers` show */
};

struct people_failure {
	enum people_trouble trouble;
	enum file_result result;
	const char *file; /* "identity", "peers", or an older version's */
	char room[LIMIT_NAME + 1];
};

/*
 * dir_fd is borrowed; ed25519_start came before.  NULL, errno and *failure.
 *
 * A database of version 0.1.0 has the files `id` and `names` instead: its names
 * are taken over as those of legacy authors, and it gets an identity.  One that
 * is only looked at does not.
 */
struct people *people_open(int dir_fd, const struct people_options *options,
	struct people_failure *failure) MUST_USE;
void people_close(struct people *people);

/*
 * Ours, valid until people_close, which wipes the key.  There is no key, NULL,
 * where an old database is looked at.
 */
const struct ed25519_key *people_key(const struct people *people);
const uint8_t *people_room_id(const struct people *people);
const char *people_own_name(const struct people *people);

/* Was the identity made by this people_open?  Then nobody knows it yet. */
bool people_is_new(const struct people *people);

enum people_meeting {
	PEOPLE_KNOWN,    /* the name is pinned to this key already */
	PEOPLE_PINNED,   /* now it is: the first one with this name */
	PEOPLE_RENAMED,  /* now it is, and the key had another name before */
	PEOPLE_STRANGER, /* the name is another key's: shown with a suffix */
	PEOPLE_NO_ROOM   /* LIMIT_PINS are there: shown with a suffix */
};

/*
 * A link was completed under a name ("", or valid as in record.h) by this key;
 * `now_ms` is wall time.
 */
enum people_meeting people_meet(struct people *people, const uint8_t *key,
	const char *name, uint64_t now_ms);

/* A record of this key claims a name: remembered for showing, not pinned. */
void people_claim(struct people *people, const uint8_t *key, const char *name);

/* The key that a name is pinned to, or NULL. */
const uint8_t *people_pinned(const struct people *people, const char *name);

/* The address of an original program's author gave a name. */
void people_claim_legacy(
	struct people *people, const uint8_t *legacy_key, const char *name);

/*
 * Writes `peers` if something is new; people_close does as well.  Returns 0,
 * or -1 and errno: then it is tried again when called again.
 */
int people_save(struct people *people) MUST_USE;
bool people_unsaved(const struct people *people);

/* Writes the name under which the owner of a key is shown. */
void people_show(const struct people *people, const uint8_t *key,
	char shown[PEOPLE_SHOWN_MAX + 1]);
void people_show_legacy(const struct people *people, const uint8_t *legacy_key,
	char shown[PEOPLE_SHOWN_MAX + 1]);

/* The six letters, with NUL, that follow a ~. */
void people_suffix(const uint8_t *key, char letters[7]);

/* As in record.h, and not a word that we use ourselves. */
bool people_name_valid(const char *name) MUST_USE;

/* "" or as in record.h. */
bool people_room_valid(const char *room) MUST_USE;

#endif
