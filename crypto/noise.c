/* SPDX-License-Identifier: ISC */
/*
 * noise.c: both sides feed the same into a hash and a chain of keys (revision
 * 34, sections 4.3, 5 and 9): first the pattern's name, the prologue and the
 * psk, then what the messages say.  Their payloads are sealed with the hash as
 * ad if there is a key, and hashed as they are sent.
 */
#include "crypto/crypto.h"

static void mix_hash(struct noise *n, const void *bytes, size_t size)
{
	struct sha512 s;

	sha512_begin(&s);
	sha512_add(&s, n->hash, sizeof(n->hash));
	sha512_add(&s, bytes, size);
	sha512_end(&s, n->hash, sizeof(n->hash));
}

/* MixKey; with `hashed`, MixKeyAndHash.  Each key seals once, with nonce 0. */
static void mix_key(
	struct noise *n, const void *secret, size_t size, bool hashed)
{
	uint8_t key[SHA512_SIZE];
	uint8_t out[3][SHA512_SIZE];

	hmac_sha512(key, n->chaining_key, SHA512_SIZE, secret, size);
	hkdf_sha512_expand(out, sizeof(out), key, NULL, 0);
	memcpy(n->chaining_key, out[0], SHA512_SIZE);
	if (hashed)
		mix_hash(n, out[1], SHA512_SIZE);
	memcpy(n->cipher.key, out[hashed ? 2 : 1], NOISE_KEY_SIZE);
	n->sealed = true;
	secret_wipe(key, sizeof(key));
	secret_wipe(out, sizeof(out));
}

/* For the next message: its nonce is 4 zero bytes and the count. */
static struct chacha20_poly1305 box(
	const struct noise_cipher *c, const uint8_t *hash)
{
	struct chacha20_poly1305 b = { c->key, { 0 }, hash, hash ? 64 : 0 };
	struct writer w = writer_over(b.nonce + 4, 8);

	write_le64(&w, c->nonce);
	return b;
}

void noise_start(struct noise *n, bool initiator, const uint8_t psk[32],
	const void *prologue, size_t size)
{
	const char *name = psk == NULL ? "Noise_NN_25519_ChaChaPoly_SHA512"
				       : "Noise_NNpsk0_25519_ChaChaPoly_SHA512";

	*n = (struct noise){ initiator, .psk = psk != NULL, .message = 1 };
	memcpy(n->hash, name, strlen(name));
	memcpy(n->chaining_key, n->hash, sizeof(n->hash));
	mix_hash(n, prologue, size);
	if (n->psk)
		mix_key(n, psk, NOISE_KEY_SIZE, true);
}

/* The tokens: e, whose public key is given, and in the second message ee. */
static bool mix_tokens(struct noise *n, const uint8_t e[32], bool second)
{
	uint8_t shared[X25519_SIZE];
	bool good;

	mix_hash(n, e, X25519_SIZE);
	if (n->psk)
		mix_key(n, e, X25519_SIZE, false);
	if (!second)
		return true;
	good = x25519(shared, n->private_key, n->remote);
	mix_key(n, shared, sizeof(shared), false);
	secret_wipe(shared, sizeof(shared));
	return good;
}

bool noise_write(struct noise *n, const uint8_t private_key[32], uint8_t *out,
	const uint8_t *payload, size_t size)
{
	uint8_t *text = out + X25519_SIZE;
	struct chacha20_poly1305 b;

	assert(n->message == (n->initiator ? 1 : 2));
	n->message = 0; /* until all has gone well */
	memcpy(n->private_key, private_key, sizeof(n->private_key));
	x25519_public(out, private_key);
	if (!mix_tokens(n, out, !n->initiator))
		return false;
	b = box(&n->cipher, n->hash);
	if (n->sealed)
		chacha20_poly1305_seal(&b, text, payload, size);
	else if (size > 0)
		memcpy(text, payload, size);
	mix_hash(n, text, size + (n->sealed ? NOISE_TAG_SIZE : 0));
	n->message = n->initiator ? 2 : 3;
	return true;
}

bool noise_read(
	struct noise *n, uint8_t *payload, const uint8_t *in, size_t size)
{
	const uint8_t *text = in + X25519_SIZE;
	struct chacha20_poly1305 b;

	assert(n->message == (n->initiator ? 2 : 1));
	n->message = 0; /* until all has gone well */
	if (size < X25519_SIZE)
		return false;
	size -= X25519_SIZE;
	memcpy(n->remote, in, sizeof(n->remote));
	if (!mix_tokens(n, in, n->initiator))
		return false;
	b = box(&n->cipher, n->hash);
	if (n->sealed && !chacha20_poly1305_open(&b, payload, text, size))
		return false;
	if (!n->sealed && size > 0)
		memcpy(payload, text, size);
	mix_hash(n, text, size);
	n->message = n->initiator ? 3 : 2;
	return true;
}

/* The keys that MixKey makes of nothing: the chain's is the initiator's. */
void noise_split(struct noise *n, struct noise_cipher *send,
	struct noise_cipher *receive, uint8_t hash[64])
{
	struct noise_cipher *first = n->initiator ? send : receive;
	struct noise_cipher *second = n->initiator ? receive : send;

	assert(n->message == 3);
	mix_key(n, NULL, 0, false);
	memcpy(first->key, n->chaining_key, NOISE_KEY_SIZE);
	memcpy(second->key, n->cipher.key, NOISE_KEY_SIZE);
	first->nonce = second->nonce = 0;
	memcpy(hash, n->hash, NOISE_HASH_SIZE);
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
	bool good = c->nonce < UINT64_MAX &&
		    chacha20_poly1305_open(&b, out, in, size);

	c->nonce += good;
	return good;
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
