/* SPDX-License-Identifier: ISC */
/*
 * forge.h: for tests: points of small order, and the second message of Noise
 * NN from whoever knows what is shared without a secret of his own: with such
 * a point it is 32 zeros, and all else that the keys come from was sent.
 */
#ifndef FORGE_H
#define FORGE_H

#include "crypto/crypto.h"
#include "tests/unit/hex.h"

enum { FORGE_SIZE = X25519_SIZE + NOISE_TAG_SIZE, FORGE_POINTS = 14 };

/* Seven points, with the highest bit and without: n is below FORGE_POINTS. */
static inline void forge_point(uint8_t point[X25519_SIZE], int n)
{
	static const char *const points[] = {
		"00000000000000000000000000000000"
		"00000000000000000000000000000000",
		"01000000000000000000000000000000"
		"00000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46a"
		"da098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b"
		"04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffff"
		"ffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffff"
		"ffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffff"
		"ffffffffffffffffffffffffffffff7f",
	};

	(void)hex_bytes(point, X25519_SIZE, points[n / 2]);
	point[X25519_SIZE - 1] |= (uint8_t)(n % 2 << 7);
}

/* MixKey: moves the chain of keys, and gives the one that seals next. */
static inline void forge_mix(uint8_t chain[64], uint8_t key[NOISE_KEY_SIZE],
	const uint8_t secret[32])
{
	uint8_t mixed[SHA512_SIZE], out[2][SHA512_SIZE];

	hmac_sha512(mixed, chain, SHA512_SIZE, secret, 32);
	hkdf_sha512_expand(out, sizeof(out), mixed, NULL, 0);
	memcpy(chain, out[0], SHA512_SIZE);
	memcpy(key, out[1], NOISE_KEY_SIZE);
}

/*
 * Message 2, without a payload, for an initiator that waits for it: the tag is
 * right if `shared` is what it will find that `point` and its key make.
 */
static inline void forge_second(uint8_t message[FORGE_SIZE],
	const struct noise *initiator, const uint8_t point[X25519_SIZE],
	const uint8_t shared[X25519_SIZE])
{
	uint8_t chain[SHA512_SIZE], hash[NOISE_HASH_SIZE], key[NOISE_KEY_SIZE];
	struct chacha20_poly1305 box = { key, { 0 }, hash, sizeof(hash) };
	struct sha512 s;

	sha512_begin(&s);
	sha512_add(&s, initiator->hash, sizeof(initiator->hash));
	sha512_add(&s, point, X25519_SIZE);
	sha512_end(&s, hash, sizeof(hash));
	memcpy(chain, initiator->chaining_key, sizeof(chain));
	if (initiator->psk)
		forge_mix(chain, key, point);
	forge_mix(chain, key, shared);
	memcpy(message, point, X25519_SIZE);
	chacha20_poly1305_seal(&box, message + X25519_SIZE, NULL, 0);
}

#endif
