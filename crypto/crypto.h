/* SPDX-License-Identifier: ISC */
/*
 * crypto.h: the manual of crypto/, a file for each section.  Time depends on
 * sizes alone, except in _vartime.  Bytes may be NULL where their size is 0.
 * What is written does not overlap what is read, except where it says so.
 *
 * Functions wipe their own buffers of keys, scalars, hashes and streams, but no
 * texts, and not the words and field elements that they compute with: compilers
 * copy those to registers and stack as they please.
 */
#ifndef CRYPTO_H
#define CRYPTO_H

#include "bytes.h"

/* Masks in place of branches, comparing and wiping secrets. */
#ifndef SECRET_NO_MORE /* tests/ct/secret.h: where value ceases to be one */
#define SECRET_NO_MORE(value) (void)(value)
#endif

/* All ones for 1, 0 for 0.  A compiler that saw the bit might branch on it. */
static inline uint64_t secret_mask(uint64_t bit)
{
	volatile uint64_t hidden = bit;

	return 0 - hidden;
}

/* All ones when value is 0, else 0. */
static inline uint64_t secret_zero_mask(uint64_t value)
{
	return secret_mask(~(value | (0 - value)) >> 63);
}

static inline bool MUST_USE secret_equal(
	const void *one, const void *other, size_t size)
{
	const volatile uint8_t *a = one, *b = other;
	uint64_t difference = 0;

	for (size_t i = 0; i < size; i++)
		difference |= (uint64_t)(a[i] ^ b[i]);
	difference = secret_zero_mask(difference);
	SECRET_NO_MORE(difference); /* whether they are equal may be known */
	return difference != 0;
}

/* Writes zeros, even where nothing reads them. */
static inline void secret_wipe(void *memory, size_t size)
{
	static void *(*const volatile set)(void *, int, size_t) = memset;

	(void)set(memory, 0, size);
}

/* Secret random bytes from the system, at most 256; without any, aborts. */
void random_bytes(void *bytes, size_t size);

/* SHA-512 (RFC 6234), HMAC (RFC 2104), HKDF (RFC 5869). */
enum { SHA512_SIZE = 64, SHA512_BLOCK_SIZE = 128, HKDF_SHA512_MAX = 255 * 64 };
struct sha512 {
	uint64_t state[8];
	uint64_t size; /* bytes added so far */
	uint8_t block[SHA512_BLOCK_SIZE];
};

void sha512(uint8_t digest[64], const void *bytes, size_t size);
/* The same in pieces.  The end gives the first `size` bytes, and wipes s. */
void sha512_begin(struct sha512 *s);
void sha512_add(struct sha512 *s, const void *bytes, size_t size);
void sha512_end(struct sha512 *s, uint8_t *digest, size_t size);

/* Also HKDF-Extract: the salt is its key, and the tag the next one's key. */
void hmac_sha512(uint8_t tag[64], const void *key, size_t key_size,
	const void *bytes, size_t size);
/* HKDF-Expand, up to HKDF_SHA512_MAX bytes. */
void hkdf_sha512_expand(void *out, size_t size, const uint8_t key[64],
	const void *info, size_t info_size);

/*
 * ChaCha20-Poly1305, authenticated encryption (RFC 8439).  Never use a key and
 * nonce for two messages.  Out may be in itself.  Less than 2^38 - 64 bytes.
 */
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

/*
 * X25519 (RFC 7748).  A private key is any 32 random bytes.  False: the point
 * is of small order, and what is shared all zeros.  Abort then.
 */
enum { X25519_SIZE = 32 };
bool x25519(uint8_t shared[32], const uint8_t private_key[32],
	const uint8_t point[32]) MUST_USE;
void x25519_public(uint8_t public_key[32], const uint8_t private_key[32]);

/*
 * Ed25519 (RFC 8032, section 5.1) with one strict rule, so that all peers for
 * ever agree: R | S is a good signature of M under public key A if and only if
 *	(1) S < L, the order of the base point B;
 *	(2) A is the canonical encoding of a point, and not of small order;
 *	(3) R is not of small order;
 *	(4) R is, byte for byte, the encoding of S B - SHA-512(R | A | M) A.
 * No cofactor, no batches: both would leave crafted signatures to taste.
 */
enum { ED25519_SEED_SIZE = 32, ED25519_PUBLIC_SIZE = 32 };
enum { ED25519_SIGNATURE_SIZE = 64 };

/*
 * What a seed expands to.  Signing takes the public key from here: signing one
 * message under two of them gives away the secret.
 */
struct ed25519_key {
	uint8_t public_key[32];
	uint8_t secret[64]; /* the scalar | the prefix */
};

/* Computes the tables; call it once before anything else of Ed25519. */
void ed25519_start(void);
void ed25519_key_from_seed(struct ed25519_key *key, const uint8_t seed[32]);
void ed25519_sign(uint8_t signature[64], const struct ed25519_key *key,
	const void *message, size_t size);
bool ed25519_verify_vartime(const uint8_t signature[64],
	const uint8_t public_key[32], const void *message,
	size_t size) MUST_USE;

/*
 * CPace (draft-irtf-cfrg-cpace, CPACE-X25519-SHA512).  Two that know one
 * password make a strong key; one that does not gets one guess a run, and
 * nothing to try passwords on afterwards.  Each side: random secret, used once;
 * cpace_share; send share[own], receive the other; cpace_key; wipe secret.  A
 * wrong password shows in different keys: confirm them (Noise does).
 */
enum { CPACE_SECRET_SIZE = 32, CPACE_SHARE_SIZE = 32, CPACE_KEY_SIZE = 64 };
struct cpace_bytes {
	const void *at;
	size_t size;
};

/* Of two, [0] is the initiator's, [1] the responder's; `own` is our index. */
struct cpace {
	struct cpace_bytes password;
	struct cpace_bytes channel; /* CI: who talks, and about what */
	struct cpace_bytes session; /* sid: new for each run, of both sides */
	struct cpace_bytes ad[2];   /* sent with the share, authenticated */
	uint8_t share[2][32];
};

/* Makes share[own] of password, channel and session. */
void cpace_share(struct cpace *c, int own, const uint8_t secret[32]);
/* The key (ISK) of it all.  False: the other share is of small order. */
bool cpace_key(uint8_t key[64], const struct cpace *c, int own,
	const uint8_t secret[32]) MUST_USE;

/*
 * The Noise Protocol Framework, revision 34, _25519_ChaChaPoly_SHA512 in the
 * patterns NN (psk is NULL) and NNpsk0:
 *
 *	initiator writes, responder reads	message 1: (psk,) e
 *	responder writes, initiator reads	message 2: e, ee
 *	both split, then encrypt and decrypt	any number, each way
 *
 * Neither pattern says who the other is: sign the handshake's hash.  After a
 * false of the handshake, any other call of it aborts.
 */
enum { NOISE_KEY_SIZE = 32, NOISE_HASH_SIZE = 64, NOISE_TAG_SIZE = 16 };

/* One direction.  The nonce counts messages, so that none comes twice. */
struct noise_cipher {
	uint8_t key[32];
	uint64_t nonce;
};

struct noise {
	bool initiator;
	bool psk;    /* the pattern is NNpsk0 */
	bool sealed; /* payloads are, as there is a key */
	int message; /* the next one: 1, 2; 3 when all is done; 0 has failed */
	uint8_t chaining_key[64];
	uint8_t hash[64];
	struct noise_cipher cipher;
	uint8_t private_key[32];
	uint8_t remote[32]; /* the other side's public key */
};

/* Both sides must give the same prologue, or decryption fails. */
void noise_start(struct noise *n, bool initiator, const uint8_t psk[32],
	const void *prologue, size_t size);

/*
 * The next message, which is longer than its payload by 48 bytes, the first
 * without a psk by 32.  private_key is new random bytes.
 */
bool noise_write(struct noise *n, const uint8_t private_key[32], uint8_t *out,
	const uint8_t *payload, size_t size) MUST_USE;
bool noise_read(struct noise *n, uint8_t *payload, const uint8_t *in,
	size_t size) MUST_USE;

/* After message 2: the two directions and the hash of it all.  Wipes n. */
void noise_split(struct noise *n, struct noise_cipher *send,
	struct noise_cipher *receive, uint8_t hash[64]);

/* 16 bytes more, or less; in place is allowed.  False: not the next message. */
void noise_encrypt(
	struct noise_cipher *c, uint8_t *out, const uint8_t *in, size_t size);
bool noise_decrypt(struct noise_cipher *c, uint8_t *out, const uint8_t *in,
	size_t size) MUST_USE;

/* Replaces the key (section 4.2, REKEY): old messages stay secret. */
void noise_rekey(struct noise_cipher *c);

#endif
