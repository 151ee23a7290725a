/* SPDX-License-Identifier: ISC */
/*
 * inspect.h: what is done with a database instead of chatting.  Both work
 * beside a chat that has it open, and return what the process is to exit
 * with; what went wrong has then been told on stderr.
 */
#ifndef INSPECT_H
#define INSPECT_H

#include "options.h"

/* Prints the history in the order of time, as text or JSON. */
int inspect_log(const struct options *options) MUST_USE;

/*
 * Verifies every byte, and prints what is wrong and where, or that nothing
 * is.  0 when all is sound, 1 when it is not.
 */
int inspect_check(const struct options *options) MUST_USE;

#endif
