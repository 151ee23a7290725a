/* SPDX-License-Identifier: ISC */
/*
 * chacha20_poly1305.c: RFC 8439; the numbers are its sections.
 *
 *	2.3	block(n)   = ChaCha20(key, counter n, nonce), 64 bytes
 *	2.4	ciphertext = plaintext xor block(1) | block(2) ...
 *	2.6	r | s      = the first 32 bytes of block(0)
 *	2.8	tag        = Poly1305(r, s, ad, zeros to a multiple of 16,
 *		             ciphertext, zeros to a multiple of 16,
 *		             size of ad (u64 le), size of ciphertext (u64 le))
 */
#include "crypto/crypto.h"

static uint32_t load_le32(const uint8_t *b)
{
	return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
	       (uint32_t)b[3] << 24;
}

static inline void store_le32(uint8_t *b, uint32_t x)
{
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		b[i] = (uint8_t)(x >> 8 * i);
}

static uint32_t rotate(uint32_t x, int bits)
{
	return x << bits | x >> (32 - bits);
}

/* Four blocks at once, word by word: compilers make vectors of such loops. */
enum { LANES = 4, STREAM_SIZE = 64 * LANES };

static inline void quarter_round(
	uint32_t x[16][LANES], int a, int b, int c, int d)
{
	for (int i = 0; i < LANES; i++) {
		x[a][i] += x[b][i];
		x[d][i] = rotate(x[d][i] ^ x[a][i], 16);
		x[c][i] += x[d][i];
		x[b][i] = rotate(x[b][i] ^ x[c][i], 12);
		x[a][i] += x[b][i];
		x[d][i] = rotate(x[d][i] ^ x[a][i], 8);
		x[c][i] += x[d][i];
		x[b][i] = rotate(x[b][i] ^ x[c][i], 7);
	}
}

/* Encrypts and decrypts, from this block on; there are 2^32. */
static void chacha20_xor(const struct chacha20_poly1305 *c, uint32_t block,
	uint8_t *out, const uint8_t *in, size_t size)
{
	/* "expand 32-byte k", the key, the counter, the nonce */
	uint32_t input[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };
	uint32_t x[16][LANES];
	uint8_t stream[STREAM_SIZE], text[STREAM_SIZE] = { 0 };

	assert(size / 64 < UINT32_MAX);
	for (size_t i = 0; i < 8; i++)
		input[4 + i] = load_le32(c->key + 4 * i);
	input[12] = block;
	for (size_t i = 0; i < 3; i++)
		input[13 + i] = load_le32(c->nonce + 4 * i);
	for (size_t at = 0; at < size; at += STREAM_SIZE) {
		size_t left = size - at;
		size_t part = left < STREAM_SIZE ? left : STREAM_SIZE;

		for (int i = 0; i < 16; i++)
			for (uint32_t j = 0; j < LANES; j++)
				x[i][j] = input[i] + (i == 12 ? j : 0);
		for (int i = 0; i < 10; i++) {
			quarter_round(x, 0, 4, 8, 12);
			quarter_round(x, 1, 5, 9, 13);
			quarter_round(x, 2, 6, 10, 14);
			quarter_round(x, 3, 7, 11, 15);
			quarter_round(x, 0, 5, 10, 15);
			quarter_round(x, 1, 6, 11, 12);
			quarter_round(x, 2, 7, 8, 13);
			quarter_round(x, 3, 4, 9, 14);
		}
		for (size_t j = 0; j < LANES; j++, input[12]++)
			for (size_t i = 0; i < 16; i++)
				store_le32(stream + 64 * j + 4 * i,
					x[i][j] + input[i]);
		memcpy(text, in + at, part);
		for (int i = 0; i < STREAM_SIZE; i++)
			stream[i] ^= text[i];
		memcpy(out + at, stream, part);
	}
	secret_wipe(x, sizeof(x));
	secret_wipe(input, sizeof(input));
	secret_wipe(stream, sizeof(stream));
}

/*
 * h = (h + block) r modulo 2^130 - 5, in words of 32 bits.  Of r, 22 bits are
 * 0: 4 atop each word, 2 at the end of all but r[0].  Products of words i and k
 * from 2^128 on come down: since 4 divides r[k] and 4 * 2^128 is 5, they are
 * worth 5 (r[k] / 4) at word i + k - 4.  factor[k] is that, factor[4 + k] r[k].
 * Only two bits of r[0] do not come down: they stay in h[4].  At most, h[4] is
 * 3, h[1] 2^32 + 1, and the others 2^32 - 1; so that each a[j] is at most 2^33,
 * and a sum of products below 5 * 2^33 * 1.25 * 2^28 < 2^64.
 */
static void poly1305_block(
	uint64_t h[5], const uint64_t factor[8], const uint8_t block[16])
{
	uint64_t a[5];
	uint64_t carry = 0;

	for (size_t i = 0; i < 4; i++)
		a[i] = h[i] + load_le32(block + 4 * i);
	a[4] = h[4] + 1;
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
#pragma GCC unroll 5
		for (int j = 0; j < 5; j++)
			carry += a[j] * factor[4 + i - j];
		h[i] = (uint32_t)carry;
		carry >>= 32;
	}
	carry += a[4] * (factor[4] % 4);
	h[4] = carry % 4;
	carry = carry / 4 * 5 + h[0];
	h[0] = (uint32_t)carry;
	h[1] += carry >> 32;
}

/*
 * Section 2.5, of parts, each filled up with zeros: h mod (2^130 - 5) + s.  h
 * is below twice the modulus, and not below it if 5 more carry into bit 130.
 */
static void poly1305(
	uint8_t tag[16], const uint8_t key[32], struct reader part[3])
{
	uint64_t factor[8];
	uint64_t h[5] = { 0 };
	uint64_t carry = 5;

	for (size_t i = 0; i < 4; i++) {
		uint32_t r = load_le32(key + 4 * i);

		factor[4 + i] = r & (i == 0 ? 0x0fffffff : 0x0ffffffc);
		factor[i] = factor[4 + i] / 4 * 5;
	}
	for (int i = 0; i < 3; i++) {
		while (part[i].left > 0) {
			uint8_t block[16] = { 0 };
			size_t left = part[i].left;

			if (left < 16)
				read_copy(&part[i], block, left);
			else /* a known size, which is copied at once */
				read_copy(&part[i], block, 16);
			poly1305_block(h, factor, block);
		}
	}
	for (int i = 0; i < 4; i++)
		carry = (carry + h[i]) >> 32;
	carry = (carry + h[4]) / 4 * 5;
	for (size_t i = 0; i < 4; i++) {
		carry += h[i] + load_le32(key + 16 + 4 * i);
		store_le32(tag + 4 * i, (uint32_t)carry);
		carry >>= 32;
	}
	secret_wipe(factor, sizeof(factor));
	secret_wipe(h, sizeof(h));
}

static void make_tag(const struct chacha20_poly1305 *c, uint8_t tag[16],
	const uint8_t *in, size_t size)
{
	uint8_t key[32] = { 0 };
	uint8_t sizes[16];
	struct writer w = writer_over(sizes, sizeof(sizes));
	struct reader part[3] = { reader_over(c->ad, c->ad_size),
		reader_over(in, size), reader_over(sizes, sizeof(sizes)) };

	write_le64(&w, c->ad_size);
	write_le64(&w, size);
	chacha20_xor(c, 0, key, key, sizeof(key));
	poly1305(tag, key, part);
	secret_wipe(key, sizeof(key));
}

void chacha20_poly1305_seal(const struct chacha20_poly1305 *c, uint8_t *out,
	const uint8_t *in, size_t size)
{
	chacha20_xor(c, 1, out, in, size);
	make_tag(c, out + size, out, size);
}

bool chacha20_poly1305_open(const struct chacha20_poly1305 *c, uint8_t *out,
	const uint8_t *in, size_t size)
{
	uint8_t tag[CHACHA20_POLY1305_TAG_SIZE];

	if (size < sizeof(tag))
		return false;
	size -= sizeof(tag);
	make_tag(c, tag, in, size);
	if (!secret_equal(tag, in + size, sizeof(tag)))
		return false;
	chacha20_xor(c, 1, out, in, size);
	return true;
}
