/* SPDX-License-Identifier: ISC */
/*
 * ed25519.h: signatures as in RFC 8032, section 5.1, with one strict rule, so
 * that all peers agree for ever: R | S of a message M under a public key A is
 * good if and only if
 *	(1) S < L, the order of the base point B;
 *	(2) A is the canonical encoding of a point, and not of small order;
 *	(3) R is not of small order;
 *	(4) R is, byte for byte, the encoding of S B - SHA-512(R | A | M) A.
 * No cofactor, no batches: both would leave crafted signatures to taste.
 */
#ifndef CRYPTO_ED25519_H
#define CRYPTO_ED25519_H

#include "bytes.h"

enum {
	ED25519_SEED_SIZE = 32,
	ED25519_PUBLIC_SIZE = 32,
	ED25519_SIGNATURE_SIZE = 64
};

/*
 * What a seed expands to.  Signing takes the public key from here, never from a
 * caller: signing one message under two of them gives away the secret.
 */
struct ed25519_key {
	uint8_t public_key[ED25519_PUBLIC_SIZE];
	uint8_t scalar[32];
	uint8_t prefix[32];
};

/* Computes the tables; call it once before anything else here. */
void ed25519_start(void);

void ed25519_key_from_seed(
	struct ed25519_key *key, const uint8_t seed[ED25519_SEED_SIZE]);

void ed25519_sign(uint8_t signature[ED25519_SIGNATURE_SIZE],
	const struct ed25519_key *key, const void *message, size_t size);

/* The rule above, on public bytes. */
bool ed25519_verify_vartime(const uint8_t signature[ED25519_SIGNATURE_SIZE],
	const uint8_t public_key[ED25519_PUBLIC_SIZE], const void *message,
	size_t size) MUST_USE;

#endif
