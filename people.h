/* SPDX-License-Identifier: ISC */
/*
 * people.h: who we are, and the names under which others are shown.
 *
 * Two files in the database directory.  `id` holds our own author id, made
 * once from 32 random bytes.  `names` holds a line for each author that has
 * ever claimed a name: "ID NAME".  The first author to claim a name is shown
 * under it until it claims another; any other one as NAME~xxxxxx, with six letters of
 * its id; one that never claimed any is shown as the first 8 letters.
 */
#ifndef PEOPLE_H
#define PEOPLE_H

#include "legacy.h"

enum {
	PEOPLE_NAME_MAX = 32,  /* bytes of a name, without NUL */
	PEOPLE_SHOWN_MAX = 40, /* bytes of a name as shown, without NUL */
	PEOPLE_MAX = 10000     /* names remembered; further ones are not */
};

struct people;

/*
 * Reads both files; own_name is ours, dir_fd is borrowed.  When there is no
 * `id` yet, one is made if `make` says so, which takes the database's lock to
 * be ours.  NULL and errno, and *file names the one that it was: EBADMSG when
 * it is not as above, or what the system answers.
 */
struct people *people_open(int dir_fd, const char *own_name, bool make,
	const char **file) MUST_USE;
void people_close(struct people *people);

/* Our own author, LEGACY_KEY_SIZE bytes, valid until people_close. */
const uint8_t *people_own_key(const struct people *people);

/*
 * An author has claimed a name, which people_save then keeps on the disk.  A
 * malformed name is ignored.  False when there is no room for it.
 */
bool people_claim(
	struct people *people, const uint8_t *key, const char *name) MUST_USE;

/*
 * Writes the names if there are new ones; people_close does as well.  Returns
 * 0, or -1 and errno: then they are tried again when called again.
 */
int people_save(struct people *people) MUST_USE;

/* Is there something for people_save to do? */
bool people_unsaved(const struct people *people);

/* Writes the name under which an author is shown. */
void people_show(const struct people *people, const uint8_t *key,
	char shown[PEOPLE_SHOWN_MAX + 1]);

/* [a-z0-9-]{1,32}, no - at either end, not a word that we use ourselves. */
bool people_name_valid(const char *name) MUST_USE;

#endif
