/* SPDX-License-Identifier: ISC */
/* random.h: secret random bytes from the system. */
#ifndef CRYPTO_RANDOM_H
#define CRYPTO_RANDOM_H

#include <stddef.h>

/* Fills `bytes`.  There is no error: without randomness the program ends. */
void random_bytes(void *bytes, size_t size);

#endif
