/* SPDX-License-Identifier: ISC */
/*
 * sha512.h: SHA-512 (RFC 6234) and HMAC (RFC 2104).  Time depends on sizes
 * alone.  Bytes may be NULL where their size is 0.
 */
#ifndef CRYPTO_SHA512_H
#define CRYPTO_SHA512_H

#include "bytes.h"

enum { SHA512_SIZE = 64, SHA512_BLOCK_SIZE = 128 };

struct sha512 {
	uint64_t state[8];
	uint64_t size; /* bytes added so far */
	uint8_t block[SHA512_BLOCK_SIZE];
};

void sha512(uint8_t digest[SHA512_SIZE], const void *bytes, size_t size);

/* The same in pieces. */
void sha512_begin(struct sha512 *s);
void sha512_add(struct sha512 *s, const void *bytes, size_t size);

/* The first `size` bytes of the digest.  Wipes s. */
void sha512_end(struct sha512 *s, uint8_t *digest, size_t size);

/* The bytes may be where the tag goes. */
void hmac_sha512(uint8_t tag[SHA512_SIZE], const void *key, size_t key_size,
	const void *bytes, size_t size);

#endif
