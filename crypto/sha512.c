/* SPDX-License-Identifier: ISC */
/*
 * sha512.c: SHA-512 and HMAC.  Each block of 128 bytes turns the state into the
 * next one; the message is padded to whole blocks:
 *
 *	message | 0x80 | zeros | bits of the message (u128 be)
 */
#include "crypto/sha512.h"
#include "crypto/secret.h"

/* The first 64 bits of the fractions of the cube roots of the first primes. */
static const uint64_t round_constant[80] = { 0x428a2f98d728ae22,
	0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
	0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b,
	0xab1c5ed5da6d8118, 0xd807aa98a3030242, 0x12835b0145706fbe,
	0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2, 0x72be5d74f27b896f,
	0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
	0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5,
	0x240ca1cc77ac9c65, 0x2de92c6f592b0275, 0x4a7484aa6ea6e483,
	0x5cb0a9dcbd41fbd4, 0x76f988da831153b5, 0x983e5152ee66dfab,
	0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
	0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f,
	0x142929670a0e6e70, 0x27b70a8546d22ffc, 0x2e1b21385c26c926,
	0x4d2c6dfc5ac42aed, 0x53380d139d95b3df, 0x650a73548baf63de,
	0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
	0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791,
	0xc76c51a30654be30, 0xd192e819d6ef5218, 0xd69906245565a910,
	0xf40e35855771202a, 0x106aa07032bbd1b8, 0x19a4c116b8d2d0c8,
	0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
	0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373,
	0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc, 0x78a5636f43172f60,
	0x84c87814a1f0ab72, 0x8cc702081a6439ec, 0x90befffa23631e28,
	0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
	0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e,
	0xf57d4f7fee6ed178, 0x06f067aa72176fba, 0x0a637dc5a2c898a6,
	0x113f9804bef90dae, 0x1b710b35131c471b, 0x28db77f523047d84,
	0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
	0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec,
	0x6c44198c4a475817 };

/* The same of their square roots. */
static const uint64_t first_state[8] = { 0x6a09e667f3bcc908, 0xbb67ae8584caa73b,
	0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1, 0x510e527fade682d1,
	0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179 };

static uint64_t load_be64(const uint8_t *b)
{
	return (uint64_t)b[0] << 56 | (uint64_t)b[1] << 48 |
	       (uint64_t)b[2] << 40 | (uint64_t)b[3] << 32 |
	       (uint64_t)b[4] << 24 | (uint64_t)b[5] << 16 |
	       (uint64_t)b[6] << 8 | b[7];
}

static uint64_t rotate(uint64_t x, int bits)
{
	return x >> bits | x << (64 - bits);
}

/* The word a is v[first]: instead of moving eight words, `first` moves. */
static inline void sha512_round(uint64_t v[8], int first, uint64_t input)
{
	uint64_t a = v[first % 8], b = v[(first + 1) % 8];
	uint64_t c = v[(first + 2) % 8], e = v[(first + 4) % 8];
	uint64_t f = v[(first + 5) % 8], g = v[(first + 6) % 8];
	uint64_t h = v[(first + 7) % 8] + input + (g ^ (e & (f ^ g)));

	h += rotate(e, 14) ^ rotate(e, 18) ^ rotate(e, 41);
	v[(first + 3) % 8] += h;
	h += (a & b) | (c & (a | b));
	v[(first + 7) % 8] =
		h + (rotate(a, 28) ^ rotate(a, 34) ^ rotate(a, 39));
}

static void sha512_block(uint64_t s[8], const uint8_t block[SHA512_BLOCK_SIZE])
{
	uint64_t v[8];
	uint64_t w[80];

	for (size_t i = 0; i < 16; i++)
		w[i] = load_be64(block + 8 * i);
	for (int i = 16; i < 80; i++) {
		uint64_t x = w[i - 15];
		uint64_t y = w[i - 2];

		w[i] = w[i - 16] + (rotate(x, 1) ^ rotate(x, 8) ^ x >> 7) +
		       w[i - 7] + (rotate(y, 19) ^ rotate(y, 61) ^ y >> 6);
	}
	memcpy(v, s, sizeof(v));
	for (int i = 0; i < 80; i += 8)
#pragma GCC unroll 8
		for (int j = 0; j < 8; j++)
			sha512_round(
				v, 8 - j, w[i + j] + round_constant[i + j]);
	for (int i = 0; i < 8; i++)
		s[i] += v[i];
}

void sha512_begin(struct sha512 *s)
{
	memcpy(s->state, first_state, sizeof(s->state));
	s->size = 0;
}

void sha512_add(struct sha512 *s, const void *bytes, size_t size)
{
	struct reader r = reader_over(bytes, size);

	while (r.left > 0) {
		size_t filled = s->size % SHA512_BLOCK_SIZE;
		size_t room = SHA512_BLOCK_SIZE - filled;
		size_t part = r.left < room ? r.left : room;

		read_copy(&r, s->block + filled, part);
		s->size += part;
		if (part == room)
			sha512_block(s->state, s->block);
	}
}

void sha512_end(struct sha512 *s, uint8_t *digest, size_t size)
{
	struct writer w = writer_over(s->block, sizeof(s->block));

	assert(size <= SHA512_SIZE);
	w.size = s->size % SHA512_BLOCK_SIZE;
	write_u8(&w, 0x80);
	if (w.capacity - w.size < 16) {
		write_zeros(&w, w.capacity - w.size);
		sha512_block(s->state, s->block);
		w.size = 0;
	}
	write_zeros(&w, w.capacity - w.size - 8);
	write_be(&w, 8 * s->size, 8); /* of 16 bytes, the others stay 0 */
	sha512_block(s->state, s->block);
	for (size_t i = 0; i < size; i++)
		digest[i] = (uint8_t)(s->state[i / 8] >> (56 - i % 8 * 8));
	secret_wipe(s, sizeof(*s));
}

void sha512(uint8_t digest[SHA512_SIZE], const void *bytes, size_t size)
{
	struct sha512 s;

	sha512_begin(&s);
	sha512_add(&s, bytes, size);
	sha512_end(&s, digest, SHA512_SIZE);
}

/* H(key xor 0x5c5c... | H(key xor 0x3636... | bytes)) */
void hmac_sha512(uint8_t tag[SHA512_SIZE], const void *key, size_t key_size,
	const void *bytes, size_t size)
{
	uint8_t pad[SHA512_BLOCK_SIZE] = { 0 };
	struct sha512 s;

	if (key_size > sizeof(pad))
		sha512(pad, key, key_size);
	else if (key_size > 0)
		memcpy(pad, key, key_size);
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36;
	sha512_begin(&s);
	sha512_add(&s, pad, sizeof(pad));
	sha512_add(&s, bytes, size);
	sha512_end(&s, tag, SHA512_SIZE);
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	sha512_begin(&s);
	sha512_add(&s, pad, sizeof(pad));
	sha512_add(&s, tag, SHA512_SIZE);
	sha512_end(&s, tag, SHA512_SIZE);
	secret_wipe(pad, sizeof(pad));
}
