/* SPDX-License-Identifier: ISC */
/*
 * chacha20_poly1305.h: authenticated encryption, RFC 8439.  Never use one pair
 * of key and nonce for two messages.  Input and output are the same memory or
 * do not overlap; they and ad may be NULL where their size is 0.
 */
#ifndef CRYPTO_CHACHA20_POLY1305_H
#define CRYPTO_CHACHA20_POLY1305_H

#include "bytes.h"

enum { CHACHA20_POLY1305_TAG_SIZE = 16 };

struct chacha20_poly1305 {
	const uint8_t *key; /* 32 bytes */
	uint8_t nonce[12];
	const void *ad; /* is authenticated, not encrypted */
	size_t ad_size;
};

/* Writes size + CHACHA20_POLY1305_TAG_SIZE bytes: the ciphertext, the tag. */
void chacha20_poly1305_seal(const struct chacha20_poly1305 *c, uint8_t *out,
	const uint8_t *in, size_t size);

/* `size` bytes in, tag included.  False, no output: not what was sealed. */
bool chacha20_poly1305_open(const struct chacha20_poly1305 *c, uint8_t *out,
	const uint8_t *in, size_t size) MUST_USE;

#endif
