/* SPDX-License-Identifier: ISC */
/*
 * noise.h: the Noise Protocol Framework, revision 34, in two patterns:
 *
 *	Noise_NN_25519_ChaChaPoly_SHA512	psk is NULL
 *	Noise_NNpsk0_25519_ChaChaPoly_SHA512	psk is not
 *
 *	initiator                  responder
 *	noise_start                noise_start
 *	noise_write        ->      noise_read		message 1: (psk,) e
 *	noise_read         <-      noise_write		message 2: e, ee
 *	noise_split                noise_split
 *	noise_encrypt      <->     noise_decrypt	any number, each way
 *
 * Neither pattern says who the other is: sign the handshake's hash.  After a
 * false, nothing goes on with this link.
 */
#ifndef CRYPTO_NOISE_H
#define CRYPTO_NOISE_H

#include "bytes.h"

enum { NOISE_KEY_SIZE = 32, NOISE_HASH_SIZE = 64, NOISE_TAG_SIZE = 16 };

/* One direction.  The nonce counts messages, so that none comes twice. */
struct noise_cipher {
	uint8_t key[NOISE_KEY_SIZE];
	uint64_t nonce;
};

struct noise {
	bool initiator;
	bool psk;    /* the pattern is NNpsk0 */
	int message; /* the next one: 1, 2, or 3 when all is done */
	uint8_t chaining_key[NOISE_HASH_SIZE];
	uint8_t hash[NOISE_HASH_SIZE];
	struct noise_cipher cipher;
	uint8_t private_key[NOISE_KEY_SIZE];
	uint8_t remote[NOISE_KEY_SIZE]; /* the other side's public key */
};

/* Both sides must give the same prologue, or decryption fails. */
void noise_start(struct noise *n, bool initiator,
	const uint8_t psk[NOISE_KEY_SIZE], const void *prologue, size_t size);

/* Bytes by which the next message is longer than its payload: 32 or 48. */
size_t noise_overhead(const struct noise *n);

/* Writes the next message.  private_key is 32 new random bytes. */
bool noise_write(struct noise *n, const uint8_t private_key[NOISE_KEY_SIZE],
	uint8_t *out, const uint8_t *payload, size_t size) MUST_USE;

/* Reads the next message, and writes its payload. */
bool noise_read(struct noise *n, uint8_t *payload, const uint8_t *in,
	size_t size) MUST_USE;

/* After message 2: the two directions and the hash of it all.  Wipes n. */
void noise_split(struct noise *n, struct noise_cipher *send,
	struct noise_cipher *receive, uint8_t hash[NOISE_HASH_SIZE]);

/* size + NOISE_TAG_SIZE bytes out.  In place is allowed, here and below. */
void noise_encrypt(
	struct noise_cipher *c, uint8_t *out, const uint8_t *in, size_t size);

/* size - NOISE_TAG_SIZE bytes out; false when it is not the next message. */
bool noise_decrypt(struct noise_cipher *c, uint8_t *out, const uint8_t *in,
	size_t size) MUST_USE;

/* Replaces the key (section 4.2, REKEY): old messages stay secret. */
void noise_rekey(struct noise_cipher *c);

#endif
