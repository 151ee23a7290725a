/* SPDX-License-Identifier: ISC */
/*
 * random.c: the one place in crypto/ that asks the system for anything.  It
 * uses getentropy, which Linux, macOS and the BSDs have, since that needs no
 * /dev: the program may be alone in a chroot.
 */
#include "platform.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#ifdef __APPLE__
#include <sys/random.h>
#endif

#include "bytes.h"
#include "crypto/random.h"

enum { ENTROPY_MAX = 256 }; /* bytes that one call gives */

void random_bytes(void *bytes, size_t size)
{
	struct writer w = writer_over(bytes, size);

	while (w.size < size) {
		size_t left = size - w.size;
		size_t part = left < ENTROPY_MAX ? left : ENTROPY_MAX;

		if (getentropy(write_room(&w, part), part) != 0) {
			perror("no random bytes");
			abort();
		}
	}
}
