/* SPDX-License-Identifier: ISC */
/*
 * chacha20_poly1305.c: RFC 8439.
 *
 *	block(n)   = ChaCha20(key, counter n, nonce), 64 bytes
 *	ciphertext = plaintext xor block(1) | block(2) ...
 *	r | s      = the first 32 bytes of block(0)
 *	tag        = Poly1305(r, s, ad, zeros to a multiple of 16,
 *	             ciphertext, zeros to a multiple of 16,
 *	             size of ad (u64 le), size of ciphertext (u64 le))
 */
#include "crypto/chacha20_poly1305.h"
#include "crypto/secret.h"

static uint32_t load_le32(const uint8_t *b)
{
	return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
	       (uint32_t)b[3] << 24;
}

static void store_le32(uint8_t *b, uint32_t x)
{
	b[0] = (uint8_t)x;
	b[1] = (uint8_t)(x >> 8);
	b[2] = (uint8_t)(x >> 16);
	b[3] = (uint8_t)(x >> 24);
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

/* The four blocks from the counter, word 12, on, which it leaves behind. */
static void chacha20_next(uint8_t out[STREAM_SIZE], uint32_t input[16])
{
	uint32_t x[16][LANES];

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
			store_le32(out + 64 * j + 4 * i, x[i][j] + input[i]);
}

static void chacha20_begin(
	uint32_t input[16], const struct chacha20_poly1305 *c)
{
	static const uint8_t constant[] = "expand 32-byte k";

	for (size_t i = 0; i < 4; i++)
		input[i] = load_le32(constant + 4 * i);
	for (size_t i = 0; i < 8; i++)
		input[4 + i] = load_le32(c->key + 4 * i);
	for (size_t i = 0; i < 3; i++)
		input[13 + i] = load_le32(c->nonce + 4 * i);
}

/* Encrypts and decrypts. */
static void chacha20_xor(const struct chacha20_poly1305 *c, uint8_t *out,
	const uint8_t *in, size_t size)
{
	uint32_t input[16];
	uint8_t stream[STREAM_SIZE];
	uint8_t text[STREAM_SIZE] = { 0 };

	chacha20_begin(input, c);
	input[12] = 1;
	for (size_t at = 0; at < size; at += STREAM_SIZE) {
		size_t left = size - at;
		size_t part = left < STREAM_SIZE ? left : STREAM_SIZE;

		chacha20_next(stream, input);
		memcpy(text, in + at, part);
		for (int i = 0; i < STREAM_SIZE; i++)
			stream[i] ^= text[i];
		memcpy(out + at, stream, part);
	}
	secret_wipe(text, sizeof(text));
	secret_wipe(input, sizeof(input));
	secret_wipe(stream, sizeof(stream));
}

/* Numbers modulo 2^130 - 5 as words of 32 bits. */
struct poly1305 {
	uint32_t h[5];
	uint32_t s[4];
	uint64_t factor[8]; /* factor[4 + i] = r[i], factor[i] = 5 (r[i] / 4) */
};

/* Of r, 22 bits are cleared: 4 atop each word, 2 at the end of all but r[0]. */
static void poly1305_begin(struct poly1305 *p, const uint8_t key[32])
{
	memset(p, 0, sizeof(*p));
	for (size_t i = 0; i < 4; i++) {
		uint32_t clamp = i == 0 ? 0x0fffffff : 0x0ffffffc;
		uint32_t r = load_le32(key + 4 * i) & clamp;

		p->factor[4 + i] = r;
		p->factor[i] = 5 * (uint64_t)(r / 4);
		p->s[i] = load_le32(key + 16 + 4 * i);
	}
}

/*
 * h = (h + block) r.  Products of words i and k from 2^128 on come down: since
 * 4 divides r[k] and 4 * 2^128 is 5, they are worth 5 (r[k] / 4) at word
 * i + k - 4.  Only two bits of r[0] do not come down: they stay in h[4].
 * h[4] is 4 at most, and a sum of products below 5 * 2^33 * 1.25 * 2^28 < 2^64.
 */
static void poly1305_block(struct poly1305 *p, const uint8_t block[16])
{
	uint64_t a[5];
	uint64_t carry = 0;

	for (size_t i = 0; i < 4; i++)
		a[i] = (uint64_t)p->h[i] + load_le32(block + 4 * i);
	a[4] = p->h[4] + 1;
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
#pragma GCC unroll 5
		for (int j = 0; j < 5; j++)
			carry += a[j] * p->factor[4 + i - j];
		p->h[i] = (uint32_t)carry;
		carry >>= 32;
	}
	carry += a[4] * (p->factor[4] % 4);
	p->h[4] = carry % 4;
	carry = carry / 4 * 5;
	for (int i = 0; i < 4; i++) {
		carry += p->h[i];
		p->h[i] = (uint32_t)carry;
		carry >>= 32;
	}
	p->h[4] += (uint32_t)carry;
}

/* Whole blocks; zeros fill up the last. */
static void poly1305_add(struct poly1305 *p, const void *bytes, size_t size)
{
	struct reader r = reader_over(bytes, size);
	uint8_t last[16] = { 0 };

	while (r.left >= 16)
		poly1305_block(p, read_bytes(&r, 16));
	if (r.left > 0) {
		read_copy(&r, last, r.left);
		poly1305_block(p, last);
	}
}

/*
 * tag = (h mod 2^130 - 5) + s mod 2^128.  h is below twice the modulus, and not
 * below it if 5 more carry into bit 130; then these 5 are added.
 */
static void poly1305_end(struct poly1305 *p, uint8_t tag[16])
{
	uint64_t carry = 5;

	for (int i = 0; i < 4; i++)
		carry = (carry + p->h[i]) >> 32;
	carry = (carry + p->h[4]) / 4 * 5;
	for (size_t i = 0; i < 4; i++) {
		carry += (uint64_t)p->h[i] + p->s[i];
		store_le32(tag + 4 * i, (uint32_t)carry);
		carry >>= 32;
	}
	secret_wipe(p, sizeof(*p));
}

static void make_tag(const struct chacha20_poly1305 *c, uint8_t tag[16],
	const uint8_t *in, size_t size)
{
	uint32_t input[16] = { 0 };
	uint8_t block[STREAM_SIZE]; /* first the key, then the sizes */
	struct writer w = writer_over(block, sizeof(block));
	struct poly1305 p;

	chacha20_begin(input, c);
	chacha20_next(block, input);
	poly1305_begin(&p, block);
	poly1305_add(&p, c->ad, c->ad_size);
	poly1305_add(&p, in, size);
	write_le64(&w, c->ad_size);
	write_le64(&w, size);
	poly1305_add(&p, block, w.size);
	poly1305_end(&p, tag);
	secret_wipe(input, sizeof(input));
	secret_wipe(block, sizeof(block));
}

void chacha20_poly1305_seal(const struct chacha20_poly1305 *c, uint8_t *out,
	const uint8_t *in, size_t size)
{
	chacha20_xor(c, out, in, size);
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
	chacha20_xor(c, out, in, size);
	return true;
}
