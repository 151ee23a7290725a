/* SPDX-License-Identifier: ISC */
/*
 * noise.c: both sides feed the same into a hash and a chain of keys (revision
 * 34, sections 4.3, 5 and 9):
 *
 *	start      hash = chaining key = name, MixHash(prologue)
 *	psk        MixKeyAndHash(psk)
 *	e          MixHash(e), with a psk also MixKey(e)
 *	ee         MixKey(X25519(e of one, e of the other))
 *	payload    sealed with the hash as ad if there is a key; MixHash of it
 *	split      two keys from the chaining key, initiator's first
 */
#include "crypto/noise.h"
#include "crypto/chacha20_poly1305.h"
#include "crypto/secret.h"
#include "crypto/sha512.h"
#include "crypto/x25519.h"

static void mix_hash(struct noise *n, const void *bytes, size_t size)
{
	struct sha512 s;

	sha512_begin(&s);
	sha512_add(&s, n->hash, sizeof(n->hash));
	sha512_add(&s, bytes, size);
	sha512_end(&s, n->hash, SHA512_SIZE);
}

/*
 * HKDF (RFC 5869) with the chaining key as salt and no info: out[i] is the HMAC
 * of out[i - 1] and i + 1 under the HMAC of the secret.
 */
static void hkdf(const struct noise *n, const void *secret, size_t size,
	uint8_t out[][SHA512_SIZE], uint8_t count)
{
	uint8_t key[SHA512_SIZE];
	uint8_t text[SHA512_SIZE + 1];

	hmac_sha512(key, n->chaining_key, SHA512_SIZE, secret, size);
	for (uint8_t i = 0; i < count; i++) {
		struct writer w = writer_over(text, sizeof(text));

		if (i > 0)
			write_bytes(&w, out[i - 1], SHA512_SIZE);
		write_u8(&w, (uint8_t)(i + 1));
		hmac_sha512(out[i], key, sizeof(key), text, w.size);
	}
	secret_wipe(key, sizeof(key));
	secret_wipe(text, sizeof(text));
}

/* MixKey; with `hashed`, MixKeyAndHash.  Each key seals once, with nonce 0. */
static void mix_key(struct noise *n, const uint8_t secret[32], bool hashed)
{
	uint8_t out[3][SHA512_SIZE];

	hkdf(n, secret, 32, out, 3);
	memcpy(n->chaining_key, out[0], SHA512_SIZE);
	if (hashed)
		mix_hash(n, out[1], SHA512_SIZE);
	memcpy(n->cipher.key, out[hashed ? 2 : 1], NOISE_KEY_SIZE);
	secret_wipe(out, sizeof(out));
}

/* For the next message: its nonce is 4 zero bytes and the count. */
static struct chacha20_poly1305 box(
	const struct noise_cipher *c, const uint8_t hash[NOISE_HASH_SIZE])
{
	struct chacha20_poly1305 b = { c->key, { 0 }, hash,
		hash == NULL ? 0 : NOISE_HASH_SIZE };
	struct writer w = writer_over(b.nonce + 4, 8);

	write_le64(&w, c->nonce);
	return b;
}

void noise_start(struct noise *n, bool initiator,
	const uint8_t psk[NOISE_KEY_SIZE], const void *prologue, size_t size)
{
	const char *name = psk == NULL ? "Noise_NN_25519_ChaChaPoly_SHA512"
				       : "Noise_NNpsk0_25519_ChaChaPoly_SHA512";

	memset(n, 0, sizeof(*n));
	n->initiator = initiator;
	n->psk = psk != NULL;
	n->message = 1;
	memcpy(n->hash, name, strlen(name));
	memcpy(n->chaining_key, n->hash, sizeof(n->hash));
	mix_hash(n, prologue, size);
	if (n->psk)
		mix_key(n, psk, true);
}

size_t noise_overhead(const struct noise *n)
{
	bool sealed = n->psk || n->message == 2;

	return X25519_SIZE + (sealed ? NOISE_TAG_SIZE : 0);
}

/* The tokens: e, whose public key is given, and in the second message ee. */
static bool mix_tokens(struct noise *n, const uint8_t e[X25519_SIZE])
{
	uint8_t shared[X25519_SIZE];
	bool good;

	mix_hash(n, e, X25519_SIZE);
	if (n->psk)
		mix_key(n, e, false);
	if (n->message == 1)
		return true;
	good = x25519(shared, n->private_key, n->remote);
	mix_key(n, shared, false);
	secret_wipe(shared, sizeof(shared));
	return good;
}

bool noise_write(struct noise *n, const uint8_t private_key[NOISE_KEY_SIZE],
	uint8_t *out, const uint8_t *payload, size_t size)
{
	uint8_t *text = out + X25519_SIZE;
	size_t overhead = noise_overhead(n) - X25519_SIZE;
	struct chacha20_poly1305 b;

	assert(n->message == (n->initiator ? 1 : 2));
	memcpy(n->private_key, private_key, sizeof(n->private_key));
	x25519_public(out, private_key);
	if (!mix_tokens(n, out))
		return false;
	b = box(&n->cipher, n->hash);
	if (overhead > 0)
		chacha20_poly1305_seal(&b, text, payload, size);
	else if (size > 0)
		memmove(text, payload, size);
	mix_hash(n, text, size + overhead);
	n->message++;
	return true;
}

bool noise_read(
	struct noise *n, uint8_t *payload, const uint8_t *in, size_t size)
{
	struct reader r = reader_over(in, size);
	uint8_t before[NOISE_HASH_SIZE];
	struct chacha20_poly1305 b;
	bool good = true;

	assert(n->message == (n->initiator ? 2 : 1));
	if (size < noise_overhead(n))
		return false;
	read_copy(&r, n->remote, sizeof(n->remote));
	if (!mix_tokens(n, in))
		return false;
	memcpy(before, n->hash, sizeof(before));
	mix_hash(n, r.at, r.left);
	b = box(&n->cipher, before);
	if (noise_overhead(n) > X25519_SIZE)
		good = chacha20_poly1305_open(&b, payload, r.at, r.left);
	else if (r.left > 0)
		memmove(payload, r.at, r.left);
	n->message++;
	return good;
}

void noise_split(struct noise *n, struct noise_cipher *send,
	struct noise_cipher *receive, uint8_t hash[NOISE_HASH_SIZE])
{
	uint8_t out[2][SHA512_SIZE];

	assert(n->message == 3);
	hkdf(n, NULL, 0, out, 2);
	memcpy(send->key, out[n->initiator ? 0 : 1], NOISE_KEY_SIZE);
	memcpy(receive->key, out[n->initiator ? 1 : 0], NOISE_KEY_SIZE);
	send->nonce = 0;
	receive->nonce = 0;
	memcpy(hash, n->hash, sizeof(n->hash));
	secret_wipe(out, sizeof(out));
	secret_wipe(n, sizeof(*n));
}

void noise_encrypt(
	struct noise_cipher *c, uint8_t *out, const uint8_t *in, size_t size)
{
	struct chacha20_poly1305 b = box(c, NULL);

	assert(c->nonce < UINT64_MAX);
	chacha20_poly1305_seal(&b, out, in, size);
	c->nonce++;
}

bool noise_decrypt(
	struct noise_cipher *c, uint8_t *out, const uint8_t *in, size_t size)
{
	struct chacha20_poly1305 b = box(c, NULL);

	if (c->nonce == UINT64_MAX ||
		!chacha20_poly1305_open(&b, out, in, size))
		return false;
	c->nonce++;
	return true;
}

/* The new key is what the nonce that is never used makes of 32 zeros. */
void noise_rekey(struct noise_cipher *c)
{
	uint8_t out[NOISE_KEY_SIZE + NOISE_TAG_SIZE] = { 0 };
	struct chacha20_poly1305 b = box(c, NULL);

	memset(b.nonce + 4, 0xff, 8);
	chacha20_poly1305_seal(&b, out, out, NOISE_KEY_SIZE);
	memcpy(c->key, out, sizeof(c->key));
	secret_wipe(out, sizeof(out));
}
