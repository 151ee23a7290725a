/* SPDX-License-Identifier: ISC */
/*
 * clean.h: the one place through which all text from outside goes before it
 * is shown: texts, names, error strings.  Control characters become visible
 * escapes, malformed UTF-8 becomes U+FFFD, and what reorders or hides text is
 * left out; so one text is one line, and no terminal obeys it.
 */
#ifndef CLEAN_H
#define CLEAN_H

#include "bytes.h"

enum { CLEAN_GROWTH = 6 /* bytes written for each byte read, at most */ };

/*
 * Writes the text.  `json` selects the escapes of a JSON string, for readers
 * that are programs: then nothing is left out.
 */
void clean_text(struct writer *w, const void *bytes, size_t size, bool json);

/* Columns that a text takes on a terminal. */
int clean_width(const char *text, size_t size);

/* Bytes of the character that the text begins with; size is over 0. */
size_t clean_character_size(const char *text, size_t size);

#endif
