/* SPDX-License-Identifier: ISC */
/*
 * ed25519.c: RFC 8032, section 5.1, on the twisted Edwards curve y^2 - x^2 =
 * 1 + d x^2 y^2 with d = -121665 / 121666, whose base point B has y = 4 / 5, an
 * even x, and the prime order L.
 *
 *	key        = SHA-512(seed): scalar a (clamped) | prefix
 *	public key = encoding of A = a B: y, with the lowest bit of x on top
 *	signature  = R | S, where  r = SHA-512(prefix | M) mod L,  R = r B,
 *	             k = SHA-512(R | A | M) mod L,  S = (r + k a) mod L
 */
#include "crypto/crypto.h"
#include "crypto/fe.h"

/* c = L - 2^252, little-endian. */
static const uint8_t order[16] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12,
	0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14 };

/*
 * The sum of x[i] 256^i modulo L = 2^252 + c; |x[i]| < 2^22.  First 2^256 is
 * replaced by -16 c: in two steps, a limb gets no more than 2^57.  Then q L is
 * taken away three times.  The first q, all above 2^252, is below 2^54 and
 * leaves -2^180 .. 2^252 + 2^180; the next one, -1, 0 or 1, leaves -c .. L; and
 * the last, all above 2^253, is -1 or 0: it adds L to what is negative.
 */
static void scalar_reduce(uint8_t out[32], int64_t x[64])
{
	for (int i = 63; i >= 32; i--)
		for (int j = 0; j < 16; j++)
			x[i - 32 + j] -= 16 * x[i] * order[j];
	for (int round = 0; round < 3; round++) {
		int64_t q;

		for (int i = 0; i < 31; i++) {
			x[i + 1] += x[i] >> 8;
			x[i] &= 255;
		}
		q = x[31] >> (round < 2 ? 4 : 5);
		for (int j = 0; j < 16; j++)
			x[j] -= q * order[j];
		x[31] -= 16 * q;
	}
	for (int i = 0; i < 32; i++) {
		x[i + 1] += x[i] >> 8;
		out[i] = (uint8_t)x[i];
	}
	secret_wipe(x, 64 * sizeof(x[0]));
}

/* SHA-512(first | second | message) mod L; both are 32 bytes. */
static void scalar_hash(uint8_t scalar[32], const uint8_t *first,
	const uint8_t *second, const void *message, size_t size)
{
	uint8_t hash[SHA512_SIZE];
	int64_t x[64];
	struct sha512 s;

	sha512_begin(&s);
	sha512_add(&s, first, 32);
	sha512_add(&s, second, second == NULL ? 0 : 32);
	sha512_add(&s, message, size);
	sha512_end(&s, hash, sizeof(hash));
	for (int i = 0; i < 64; i++)
		x[i] = hash[i];
	scalar_reduce(scalar, x);
	secret_wipe(hash, sizeof(hash));
}

/* a b + c mod L */
static void scalar_multiply_add(uint8_t sum[32], const uint8_t a[32],
	const uint8_t b[32], const uint8_t c[32])
{
	int64_t x[64] = { 0 };

	for (int i = 0; i < 32; i++) {
		x[i] += c[i];
		for (int j = 0; j < 32; j++)
			x[i + j] += (int64_t)a[i] * b[j];
	}
	scalar_reduce(sum, x);
}

static int scalar_digit(const uint8_t s[32], int i) /* to base 16 */
{
	return s[i / 2] >> i % 2 * 4 & 15;
}

/*
 * A point as two fractions, x = e / g and y = h / f.  Multiplied out where that
 * is needed, X = e f, Y = g h, Z = f g, T = e h, they are the coordinates, and
 * the formulas those, of Hisil, Wong, Carter and Dawson (Asiacrypt 2008).
 */
struct point {
	struct fe e, f, g, h;
};

/* A point prepared to be added: Y + X, Y - X, 2 d T, 2 Z. */
struct addend {
	struct fe sum, difference, product, z;
};

/* Computed from their definitions by ed25519_start, then constant. */
static struct {
	bool started;
	struct point zero; /* x = 0, y = 1 */
	struct fe d;
	struct fe root;                  /* of -1 */
	struct addend multiples[16][16]; /* [i][j] = j 16^(4 i) B */
} table;

/* 2^times P */
static struct point point_double(struct point p, int times)
{
	for (int i = 0; i < times; i++) {
		struct fe x = fe_mul(p.e, p.f);
		struct fe y = fe_mul(p.g, p.h);
		struct fe zz = fe_square(fe_mul(p.f, p.g));
		struct fe xx = fe_square(x);
		struct fe yy = fe_square(y);

		p.h = fe_add(yy, xx);
		p.g = fe_sub(yy, xx);
		p.e = fe_sub(fe_square(fe_add(x, y)), p.h);
		p.f = fe_sub(fe_scale(zz, 2), p.g);
	}
	return p;
}

static struct point point_add(const struct point *p, const struct addend *q)
{
	struct fe x = fe_mul(p->e, p->f);
	struct fe y = fe_mul(p->g, p->h);
	struct fe a = fe_mul(fe_sub(y, x), q->difference);
	struct fe b = fe_mul(fe_add(y, x), q->sum);
	struct fe c = fe_mul(fe_mul(p->e, p->h), q->product);
	struct fe d = fe_mul(fe_mul(p->f, p->g), q->z);
	struct point sum = { fe_sub(b, a), fe_sub(d, c), fe_add(d, c),
		fe_add(b, a) };

	return sum;
}

/* row[j] = j P */
static void point_multiples(struct addend row[16], const struct point *p)
{
	struct point q = table.zero;

	for (int j = 0; j < 16; j++) {
		struct fe x = fe_mul(q.e, q.f);
		struct fe y = fe_mul(q.g, q.h);
		struct fe z = fe_mul(q.f, q.g);
		struct fe t = fe_mul(q.e, q.h);

		row[j].sum = fe_add(y, x);
		row[j].difference = fe_sub(y, x);
		row[j].product = fe_mul(fe_add(t, t), table.d);
		row[j].z = fe_add(z, z);
		q = point_add(p, &row[j]);
	}
}

/* 8 P = 0, if and only if 4 P is a point whose x is 0: (0, 1) or (0, -1). */
static bool point_is_small_vartime(const struct point *p)
{
	return fe_zero_mask(point_double(*p, 2).e) != 0;
}

static void point_to_bytes(uint8_t bytes[32], const struct point *p)
{
	struct fe inverse = fe_invert(fe_mul(p->f, p->g));
	uint8_t x[32];

	fe_to_bytes(x, fe_mul(fe_mul(p->e, p->f), inverse));
	fe_to_bytes(bytes, fe_mul(fe_mul(p->g, p->h), inverse));
	bytes[31] |= (uint8_t)(x[0] << 7);
}

/*
 * Section 5.1.3: x^2 = u / v, where u = y^2 - 1, v = d y^2 + 1.  The candidate
 * u v^3 (u v^7)^((p - 5) / 8) is right up to a factor root(-1), or there is
 * none.  False also where y >= p.  x = 0 with its sign set passes as x = 0.
 */
static bool point_from_bytes_vartime(struct point *p, const uint8_t bytes[32])
{
	struct fe y = fe_from_bytes(bytes);
	struct fe yy = fe_square(y);
	struct fe u = fe_sub(yy, fe_small(1));
	struct fe v = fe_add(fe_mul(yy, table.d), fe_small(1));
	struct fe v3 = fe_mul(fe_square(v), v);
	struct fe uv7 = fe_mul(fe_mul(fe_square(v3), v), u);
	struct fe x = fe_mul(fe_mul(u, v3), fe_power(uv7));
	struct fe vxx = fe_mul(fe_square(x), v);
	uint8_t again[32];
	uint8_t sign = bytes[31] & 0x80;

	fe_to_bytes(again, y);
	again[31] |= sign;
	if (memcmp(again, bytes, sizeof(again)) != 0)
		return false;
	if (fe_zero_mask(fe_mul(fe_sub(vxx, u), fe_add(vxx, u))) == 0)
		return false;
	if (fe_zero_mask(fe_sub(vxx, u)) == 0)
		x = fe_mul(x, table.root);
	fe_to_bytes(again, x);
	*p = table.zero;
	p->e = (uint8_t)(again[0] << 7) == sign ? x : fe_sub(fe_small(0), x);
	p->h = y;
	return true;
}

/* s B, encoded, for a secret s: every fourth digit first, times 16^3, etc. */
static void base_multiply(uint8_t bytes[32], const uint8_t s[32])
{
	struct point p = table.zero;

	assert(table.started);
	for (int i = 63; i >= 0; i--) {
		const struct addend *row = table.multiples[i % 16];
		int digit = scalar_digit(s, i % 16 * 4 + i / 16);
		struct addend a = row[0];

		for (int j = 1; j < 16; j++) { /* all of the row is read */
			uint64_t mask = secret_zero_mask((uint64_t)(digit ^ j));

			fe_move(&a.sum, &row[j].sum, mask);
			fe_move(&a.difference, &row[j].difference, mask);
			fe_move(&a.product, &row[j].product, mask);
			fe_move(&a.z, &row[j].z, mask);
		}
		p = point_add(&p, &a);
		if (i > 0 && i % 16 == 0)
			p = point_double(p, 4);
	}
	point_to_bytes(bytes, &p);
}

void ed25519_start(void)
{
	struct fe two = fe_small(2);
	struct point p;
	uint8_t base[32];

	table.zero.f = table.zero.g = table.zero.h = fe_small(1);
	table.d = fe_mul(fe_small(-121665), fe_invert(fe_small(121666)));
	/* 2 has no root: 2^((p - 1) / 4) is one of -1, and 2 (p - 5) / 8 + 1 */
	table.root = fe_mul(fe_square(fe_power(two)), two);
	fe_to_bytes(base, fe_mul(fe_small(4), fe_invert(fe_small(5))));
	table.started = point_from_bytes_vartime(&p, base);
	for (int i = 0; i < 16; i++) {
		point_multiples(table.multiples[i], &p);
		p = point_double(p, 16);
	}
}

void ed25519_key_from_seed(struct ed25519_key *key, const uint8_t seed[32])
{
	sha512(key->secret, seed, ED25519_SEED_SIZE);
	key->secret[0] &= 248;
	key->secret[31] = (uint8_t)((key->secret[31] & 127) | 64);
	base_multiply(key->public_key, key->secret);
}

void ed25519_sign(uint8_t signature[64], const struct ed25519_key *key,
	const void *message, size_t size)
{
	uint8_t r[32], k[32];

	scalar_hash(r, key->secret + 32, NULL, message, size);
	base_multiply(signature, r);
	scalar_hash(k, signature, key->public_key, message, size);
	scalar_multiply_add(signature + 32, k, key->secret, r);
	secret_wipe(r, sizeof(r));
}

bool ed25519_verify_vartime(const uint8_t signature[64],
	const uint8_t public_key[32], const void *message, size_t size)
{
	static const uint8_t zero[32];
	const uint8_t *s = signature + 32;
	struct addend row[16];
	uint8_t bytes[32], k[32];
	struct point p;

	assert(table.started);
	scalar_multiply_add(bytes, zero, zero, s);
	if (memcmp(bytes, s, 32) != 0 || /* S >= L */
		!point_from_bytes_vartime(&p, public_key) ||
		point_is_small_vartime(&p))
		return false;
	p.e = fe_sub(fe_small(0), p.e);
	point_multiples(row, &p);
	scalar_hash(k, signature, public_key, message, size);
	p = table.zero;
	for (int i = 63; i >= 0; i--) { /* p = s B - k A */
		p = point_double(p, 4);
		p = point_add(&p, &row[scalar_digit(k, i)]);
		p = point_add(&p, &table.multiples[0][scalar_digit(s, i)]);
	}
	point_to_bytes(bytes, &p);
	return memcmp(bytes, signature, 32) == 0 && !point_is_small_vartime(&p);
}
