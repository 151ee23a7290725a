/* SPDX-License-Identifier: ISC */
/*
 * sha512.c: each block of 128 bytes turns the state into the next one (RFC
 * 6234, section 6.4).  What is hashed, made of what, and where that is said:
 *
 *	RFC 6234, 4.2	message | 0x80 | zeros | bits of the message (u128 be)
 *	RFC 2104, 2	HMAC(k, m) = H(k ^ 5c 5c .. | H(k ^ 36 36 .. | m))
 *	RFC 5869, 2.3	tag i = HMAC(k, tag i - 1 | info | i); tag 0 is empty
 */
#include "crypto/crypto.h"

/* The first 64 bits of the fractions of the cube roots of the first primes. */
static const uint64_t round_constant[80] = {
	/* clang-format off */
0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
	/* clang-format on */
};

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

/*
 * In round i + j the word a is v[at]: instead of moving eight words, `at` does.
 * w holds 16 words; from the 17th on, each takes the place of its oldest.
 */
static void sha512_block(uint64_t state[8], const uint8_t *block)
{
	uint64_t v[8], w[16];

	memcpy(v, state, sizeof(v));
	for (size_t i = 0; i < 16; i++)
		w[i] = load_be64(block + 8 * i);
	for (int i = 0; i < 80; i += 16) {
#pragma GCC unroll 16
		for (int j = 0; j < 16; j++) {
			int at = 16 - j;
			uint64_t x = w[(j + 1) % 16], y = w[(j + 14) % 16];
			uint64_t a = v[at % 8], b = v[(at + 1) % 8];
			uint64_t c = v[(at + 2) % 8], e = v[(at + 4) % 8];
			uint64_t f = v[(at + 5) % 8], g = v[(at + 6) % 8];
			uint64_t h = v[(at + 7) % 8] + (g ^ (e & (f ^ g)));

			x = rotate(x, 1) ^ rotate(x, 8) ^ x >> 7;
			y = rotate(y, 19) ^ rotate(y, 61) ^ y >> 6;
			if (i > 0)
				w[j] += x + y + w[(j + 9) % 16];
			h += w[j] + round_constant[i + j];
			h += rotate(e, 14) ^ rotate(e, 18) ^ rotate(e, 41);
			v[(at + 3) % 8] += h;
			h += rotate(a, 28) ^ rotate(a, 34) ^ rotate(a, 39);
			v[(at + 7) % 8] = h + ((a & b) | (c & (a | b)));
		}
	}
	for (int i = 0; i < 8; i++)
		state[i] += v[i];
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
	static const uint8_t padding[SHA512_BLOCK_SIZE] = { 0x80 };
	size_t over = (s->size + 16) % SHA512_BLOCK_SIZE;
	uint8_t bits[16];
	struct writer w = writer_over(bits, sizeof(bits));

	assert(size <= SHA512_SIZE);
	write_be(&w, s->size >> 61, 8);
	write_be(&w, s->size << 3, 8);
	sha512_add(s, padding, SHA512_BLOCK_SIZE - over);
	sha512_add(s, bits, sizeof(bits));
	for (size_t i = 0; i < size; i++)
		digest[i] = (uint8_t)(s->state[i / 8] >> (56 - i % 8 * 8));
	secret_wipe(s, sizeof(*s));
}

void sha512(uint8_t digest[64], const void *bytes, size_t size)
{
	struct sha512 s;

	sha512_begin(&s);
	sha512_add(&s, bytes, size);
	sha512_end(&s, digest, SHA512_SIZE);
}

/* One H of the two: of the key xor pad, and of what is added from now on. */
static void hmac_begin(
	struct sha512 *s, const void *key, size_t size, uint8_t pad)
{
	sha512_begin(s);
	memset(s->block, 0, sizeof(s->block));
	if (size > sizeof(s->block))
		sha512(s->block, key, size);
	else if (size > 0)
		memcpy(s->block, key, size);
	for (; s->size < sizeof(s->block); s->size++)
		s->block[s->size] ^= pad;
	sha512_block(s->state, s->block);
}

static void hmac_end(
	struct sha512 *s, uint8_t tag[64], const void *key, size_t size)
{
	sha512_end(s, tag, SHA512_SIZE);
	hmac_begin(s, key, size, 0x5c);
	sha512_add(s, tag, SHA512_SIZE);
	sha512_end(s, tag, SHA512_SIZE);
}

void hmac_sha512(uint8_t tag[64], const void *key, size_t key_size,
	const void *bytes, size_t size)
{
	struct sha512 s;

	hmac_begin(&s, key, key_size, 0x36);
	sha512_add(&s, bytes, size);
	hmac_end(&s, tag, key, key_size);
}

void hkdf_sha512_expand(void *out, size_t size, const uint8_t key[64],
	const void *info, size_t info_size)
{
	struct writer w = writer_over(out, size);
	uint8_t tag[SHA512_SIZE];
	struct sha512 s;

	assert(size <= HKDF_SHA512_MAX);
	for (uint8_t i = 1; w.size < size; i++) {
		size_t left = size - w.size;

		hmac_begin(&s, key, SHA512_SIZE, 0x36);
		sha512_add(&s, tag, i == 1 ? 0 : sizeof(tag));
		sha512_add(&s, info, info_size);
		sha512_add(&s, &i, 1);
		hmac_end(&s, tag, key, SHA512_SIZE);
		write_bytes(&w, tag, left < sizeof(tag) ? left : sizeof(tag));
	}
	secret_wipe(tag, sizeof(tag));
}
