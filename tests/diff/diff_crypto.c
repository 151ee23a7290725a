/* SPDX-License-Identifier: ISC */
/*
 * crypto/ against libsodium on random and mutated inputs: the same outputs, and
 * the same verdicts.  usage: diff_crypto [seed]
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/crypto.h"

enum { ROUNDS = 2000 };

static uint64_t seed;
static uint8_t text[1000], ours[1100], theirs[1100];

static void expect(bool same, const char *what)
{
	if (same)
		return;
	(void)fprintf(stderr, "FAILED: %s; seed %llu\n", what,
		(unsigned long long)seed);
	exit(1);
}

/* Random, but often all bits alike. */
static void fill(uint8_t *bytes, size_t size)
{
	randombytes_buf(bytes, size);
	if (randombytes_uniform(8) == 0 && size > 2)
		memset(bytes + 1, bytes[0] % 2 == 0 ? 0 : 0xff, size - 2);
}

static void flip(uint8_t *bytes, uint32_t size)
{
	uint32_t bit = randombytes_uniform(8 * size);

	bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
}

static void diff_hashes(size_t size)
{
	uint8_t key[32];

	fill(key, sizeof(key));
	sha512(ours, text, size);
	crypto_hash_sha512(theirs, text, size);
	expect(memcmp(ours, theirs, 64) == 0, "sha512");
	hmac_sha512(ours, key, sizeof(key), text, size);
	crypto_auth_hmacsha512(theirs, text, size, key);
	expect(memcmp(ours, theirs, 64) == 0, "hmac_sha512");
}

static void diff_aead(size_t size)
{
	uint8_t key[32], ad[50];
	struct chacha20_poly1305 c = { key, { 0 }, ad,
		randombytes_uniform(sizeof(ad)) };

	fill(key, sizeof(key));
	fill(ad, sizeof(ad));
	fill(c.nonce, sizeof(c.nonce));
	chacha20_poly1305_seal(&c, ours, text, size);
	crypto_aead_chacha20poly1305_ietf_encrypt(
		theirs, NULL, text, size, ad, c.ad_size, NULL, c.nonce, key);
	expect(memcmp(ours, theirs, size + 16) == 0, "seal");
	expect(chacha20_poly1305_open(&c, ours, theirs, size + 16), "open");
	expect(memcmp(ours, text, size) == 0, "what open gives");
	flip(theirs, (uint32_t)size + 16);
	expect(!chacha20_poly1305_open(&c, ours, theirs, size + 16), "forgery");
}

static void diff_x25519(void)
{
	uint8_t scalar[32], point[32];
	bool good;

	fill(scalar, sizeof(scalar));
	fill(point, sizeof(point));
	good = x25519(ours, scalar, point);
	expect(good == (crypto_scalarmult(theirs, scalar, point) == 0),
		"whether x25519 is zero");
	expect(!good || memcmp(ours, theirs, 32) == 0, "x25519");
}

static void diff_ed25519(size_t size)
{
	uint8_t secret[32], public_key[32], expanded[64];
	struct ed25519_key key;

	fill(secret, sizeof(secret));
	ed25519_key_from_seed(&key, secret);
	crypto_sign_seed_keypair(public_key, expanded, secret);
	expect(memcmp(key.public_key, public_key, 32) == 0, "public key");
	ed25519_sign(ours, &key, text, size);
	crypto_sign_detached(theirs, NULL, text, size, expanded);
	expect(memcmp(ours, theirs, 64) == 0, "signature");
	for (int i = 0; i < 3; i++) {
		expect(ed25519_verify_vartime(ours, public_key, text, size) ==
				(crypto_sign_verify_detached(
					 ours, text, size, public_key) == 0),
			"verdict");
		flip(i == 0 ? ours : public_key, i == 0 ? 64 : 32);
	}
}

int main(int argc, char **argv)
{
	uint8_t bytes[randombytes_SEEDBYTES] = { 0 };

	seed = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t)time(NULL);
	if (sodium_init() < 0)
		return 1;
	ed25519_start();
	for (int i = 0; i < ROUNDS; i++, seed++) {
		memcpy(bytes, &seed, sizeof(seed));
		randombytes_buf_deterministic(text, sizeof(text), bytes);
		diff_hashes(seed % sizeof(text));
		diff_aead(seed % sizeof(text));
		diff_x25519();
		diff_ed25519(seed % 200);
	}
	(void)printf("%d rounds equal libsodium %s\n", ROUNDS,
		sodium_version_string());
	return 0;
}
