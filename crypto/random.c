/* SPDX-License-Identifier: ISC */
/* random.c: the one place that asks the system for random bytes. */
#include "platform.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#ifdef __APPLE__
#include <sys/random.h>
#endif

#include "crypto/crypto.h"

void random_bytes(void *bytes, size_t size)
{
	/* It needs no /dev: the program may be alone in a chroot. */
	if (getentropy(bytes, size) != 0) {
		perror("no random bytes");
		abort();
	}
}
