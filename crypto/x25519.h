/* SPDX-License-Identifier: ISC */
/*
 * x25519.h: Diffie-Hellman on Curve25519, RFC 7748.  A private key is any 32
 * random bytes; clamping happens inside.
 */
#ifndef CRYPTO_X25519_H
#define CRYPTO_X25519_H

#include "bytes.h"

enum { X25519_SIZE = 32 };

/* False: all zeros, since the point is of small order.  Abort then. */
bool x25519(uint8_t shared[X25519_SIZE], const uint8_t private_key[X25519_SIZE],
	const uint8_t point[X25519_SIZE]) MUST_USE;

void x25519_public(uint8_t public_key[X25519_SIZE],
	const uint8_t private_key[X25519_SIZE]);

#endif
