/* SPDX-License-Identifier: ISC */
/*
 * crypto/ against libsodium on random and mutated inputs: the same outputs, and
 * the same verdicts.  Each round has a seed, of which all that is random in it
 * is made: a failure tells the seed of its round, which is the first one then.
 *
 *	diff_crypto [seed [rounds]]
 */
#include <sodium.h>
#include <time.h>

#include "crypto/crypto.h"
#include "tests/unit/hex.h"

static unsigned long long seed;
static uint64_t state; /* of hex_random */
static uint8_t text[1000], ours[1100], theirs[1100];

static void expect(bool same, const char *what)
{
	if (same)
		return;
	(void)fprintf(stderr, "FAILED: %s; seed %llu\n", what, seed);
	exit(1);
}

/* From 0 to count - 1. */
static size_t any(size_t count)
{
	uint32_t n;

	hex_random(&state, &n, sizeof(n));
	return n % count;
}

/* Random, but often all bits alike. */
static void fill(uint8_t *bytes, size_t size)
{
	hex_random(&state, bytes, size);
	if (any(8) == 0 && size > 2)
		memset(bytes + 1, bytes[0] % 2 == 0 ? 0 : 0xff, size - 2);
}

static void diff_hashes(size_t size)
{
	uint8_t key[300];
	size_t key_size = any(sizeof(key) + 1);
	crypto_auth_hmacsha512_state s;

	fill(key, sizeof(key));
	sha512(ours, text, size);
	crypto_hash_sha512(theirs, text, size);
	expect(memcmp(ours, theirs, 64) == 0, "sha512");
	hmac_sha512(ours, key, key_size, text, size);
	crypto_auth_hmacsha512_init(&s, key, key_size);
	crypto_auth_hmacsha512_update(&s, text, size);
	crypto_auth_hmacsha512_final(&s, theirs);
	expect(memcmp(ours, theirs, 64) == 0, "hmac_sha512");
}

static void diff_aead(size_t size)
{
	uint8_t key[32], ad[50], sealed[1100];
	struct chacha20_poly1305 c = { key, { 0 }, ad, any(sizeof(ad)) };

	fill(key, sizeof(key));
	fill(ad, sizeof(ad));
	fill(c.nonce, sizeof(c.nonce));
	chacha20_poly1305_seal(&c, sealed, text, size);
	crypto_aead_chacha20poly1305_ietf_encrypt(
		theirs, NULL, text, size, ad, c.ad_size, NULL, c.nonce, key);
	expect(memcmp(sealed, theirs, size + 16) == 0, "seal");
	expect(chacha20_poly1305_open(&c, ours, theirs, size + 16), "open");
	expect(memcmp(ours, text, size) == 0, "what open gives");
	hex_flip(theirs, any(8 * (size + 16)));
	expect(!chacha20_poly1305_open(&c, ours, theirs, size + 16), "forgery");
	expect(!chacha20_poly1305_open(&c, ours, sealed, any(size + 16)),
		"a cut message");
	hex_flip(c.nonce, any(96));
	expect(!chacha20_poly1305_open(&c, ours, sealed, size + 16), "nonce");
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
	x25519_public(ours, scalar);
	expect(crypto_scalarmult_base(theirs, scalar) == 0 &&
			memcmp(ours, theirs, 32) == 0,
		"x25519_public");
}

static void diff_ed25519(size_t size)
{
	uint8_t secret[32], public_key[32], expanded[64], nothing[1] = { 0 };
	struct ed25519_key key;
	/* What is changed, one at a time: nothing that matters comes first. */
	struct {
		uint8_t *bytes;
		size_t size;
	} parts[] = { { nothing, 1 }, { ours, 64 }, { public_key, 32 },
		{ text, size } };

	fill(secret, sizeof(secret));
	ed25519_key_from_seed(&key, secret);
	crypto_sign_seed_keypair(public_key, expanded, secret);
	expect(memcmp(key.public_key, public_key, 32) == 0, "public key");
	ed25519_sign(ours, &key, text, size);
	crypto_sign_detached(theirs, NULL, text, size, expanded);
	expect(memcmp(ours, theirs, 64) == 0, "signature");
	for (int i = 0; i < 4 && parts[i].size > 0; i++) {
		size_t bit = any(8 * parts[i].size);
		bool good;

		hex_flip(parts[i].bytes, bit);
		good = ed25519_verify_vartime(ours, public_key, text, size);
		expect(good == (i == 0), "verdict");
		expect(good == (crypto_sign_verify_detached(
					ours, text, size, public_key) == 0),
			"verdict of theirs");
		hex_flip(parts[i].bytes, bit);
	}
}

int main(int argc, char **argv)
{
	long rounds = argc > 2 ? strtol(argv[2], NULL, 10) : 2000;

	seed = argc > 1 ? strtoull(argv[1], NULL, 10)
			: (unsigned long long)time(NULL);
	if (sodium_init() < 0)
		return 1;
	(void)printf("diff: %ld rounds from seed %llu on\n", rounds, seed);
	ed25519_start();
	for (long i = 0; i < rounds; i++, seed++) {
		state = (seed + 1) * 0x9e3779b97f4a7c15 | 1;
		hex_random(&state, text, sizeof(text));
		diff_hashes(any(sizeof(text) + 1));
		diff_aead(any(sizeof(text) + 1));
		diff_x25519();
		diff_ed25519(any(200));
	}
	(void)printf("%ld rounds equal libsodium %s\n", rounds,
		sodium_version_string());
	return 0;
}
