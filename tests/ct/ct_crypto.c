/* SPDX-License-Identifier: ISC */
/*
 * Run under valgrind, which is told that all secrets are undefined: it reports
 * every branch and every address that depends on one.  What may be known by all
 * is made defined again in one place only, secret_equal.
 *
 *	ct_crypto		must be silent
 *	ct_crypto branch	a canary: branches on a secret
 *	ct_crypto index		another: looks up a table by a secret
 */
#include <stdio.h>
#include <valgrind/memcheck.h>

#include "crypto/crypto.h"

static uint8_t secret[64], other[64];
static uint8_t text[300], sealed[400], out[400];

static void poison(void *bytes, size_t size)
{
	VALGRIND_MAKE_MEM_UNDEFINED(bytes, size);
}

static void publish(void *bytes, size_t size)
{
	VALGRIND_MAKE_MEM_DEFINED(bytes, size);
}

static void poison_all(void)
{
	for (size_t i = 0; i < sizeof(secret); i++) {
		secret[i] = (uint8_t)(i * 37 + 11);
		other[i] = (uint8_t)(i * 73 + 5);
	}
	poison(secret, sizeof(secret));
	poison(other, sizeof(other));
	poison(text, sizeof(text));
}

static void hashes(void)
{
	sha512(out, text, sizeof(text));
	hmac_sha512(out, secret, sizeof(secret), text, sizeof(text));
	hmac_sha512(out, text, SHA512_BLOCK_SIZE + 1, secret, sizeof(secret));
	hkdf_sha512_expand(out, 200, secret, text, sizeof(text));
}

static bool aead(void)
{
	struct chacha20_poly1305 c = { secret, { 1 }, text, 20 };
	bool good;

	chacha20_poly1305_seal(&c, sealed, text, sizeof(text));
	good = chacha20_poly1305_open(&c, out, sealed, sizeof(text) + 16);
	sealed[7] ^= 1;
	return good &&
	       !chacha20_poly1305_open(&c, out, sealed, sizeof(text) + 16);
}

static bool curves(void)
{
	struct ed25519_key key;
	uint8_t public_key[32];
	bool good;

	x25519_public(out, secret);
	good = x25519(sealed, other, out);
	ed25519_key_from_seed(&key, secret);
	ed25519_sign(out, &key, text, sizeof(text));
	/* A signature and what it signs are sent: they are secret no more. */
	memcpy(public_key, key.public_key, sizeof(public_key));
	publish(public_key, sizeof(public_key));
	publish(out, ED25519_SIGNATURE_SIZE);
	publish(text, sizeof(text));
	good = ed25519_verify_vartime(out, public_key, text, sizeof(text)) &&
	       good;
	poison(text, sizeof(text));
	return good;
}

static bool password(void)
{
	struct cpace c = { .password = { text, 30 },
		.channel = { "room", 4 },
		.session = { "session", 7 } };

	cpace_share(&c, 0, secret);
	cpace_share(&c, 1, other);
	return cpace_key(out, &c, 0, secret) && cpace_key(sealed, &c, 1, other);
}

static bool links(void)
{
	struct noise a, b;
	struct noise_cipher send[2], receive[2];
	uint8_t message[2][100], hash[NOISE_HASH_SIZE];
	bool good;

	noise_start(&a, true, secret + 32, "prologue", 8);
	noise_start(&b, false, secret + 32, "prologue", 8);
	good = noise_write(&a, secret, message[0], text, 5) &&
	       noise_read(&b, out, message[0], 5 + 48) &&
	       noise_write(&b, other, message[1], text, 5) &&
	       noise_read(&a, out, message[1], 5 + 48);
	noise_split(&a, &send[0], &receive[0], hash);
	noise_split(&b, &send[1], &receive[1], hash);
	noise_rekey(&send[0]);
	noise_rekey(&receive[1]);
	noise_encrypt(&send[0], sealed, text, sizeof(text));
	return noise_decrypt(&receive[1], out, sealed, sizeof(text) + 16) &&
	       good;
}

int main(int argc, char **argv)
{
	static const uint8_t table[256] = { 3 };
	volatile uint8_t seen = 0;
	bool good;

	ed25519_start();
	poison_all();
	if (argc > 1 && strcmp(argv[1], "branch") == 0 && secret[0] > 10)
		seen = 1;
	if (argc > 1 && strcmp(argv[1], "index") == 0)
		seen = table[secret[0]];
	(void)seen;
	hashes();
	good = aead();
	good = curves() && good;
	good = password() && good;
	good = links() && good;
	if (!good)
		(void)fprintf(stderr, "ct_crypto: wrong results\n");
	return good ? 0 : 1;
}
