/* SPDX-License-Identifier: ISC */
/*
 * ed25519.c: RFC 8032, section 5.1, on the twisted Edwards curve
 *
 *	y^2 - x^2 = 1 + d x^2 y^2,  d = -121665 / 121666
 *
 * whose base point B has y = 4 / 5, an even x, and the prime order L.
 *
 *	key        = SHA-512(seed): scalar a (clamped) | prefix
 *	public key = encoding of A = a B: y, with the lowest bit of x on top
 *	signature  = R | S, where  r = SHA-512(prefix | M) mod L,  R = r B,
 *	             k = SHA-512(R | A | M) mod L,  S = (r + k a) mod L
 */
#include "crypto/ed25519.h"
#include "crypto/fe.h"
#include "crypto/sha512.h"

/* L - 2^252, little-endian. */
static const uint8_t order[16] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12,
	0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14 };

/*
 * The sum of x[i] 256^i modulo L; |x[i]| < 2^22.  First 2^256 is replaced by
 * -16 (L - 2^252): in two steps, no more than 2^57 comes together in a limb.
 * Then what is above 2^252, below 2^55, is taken away with as many L, which
 * leaves -2^180 .. 2^252; and the same again adds one L to what is negative.
 */
static void scalar_reduce(uint8_t out[32], int64_t x[64])
{
	for (int i = 63; i >= 32; i--)
		for (int j = 0; j < 16; j++)
			x[i - 32 + j] -= 16 * x[i] * order[j];
	for (int round = 0; round < 2; round++) {
		int64_t above;

		for (int i = 0; i < 31; i++) {
			x[i + 1] += x[i] >> 8;
			x[i] &= 255;
		}
		above = x[31] >> 4;
		x[31] &= 15;
		for (int j = 0; j < 16; j++)
			x[j] -= above * order[j];
	}
	for (int i = 0; i < 32; i++) {
		x[i + 1] += x[i] >> 8;
		out[i] = (uint8_t)x[i];
	}
}

/* SHA-512(first | second | message) mod L, both of 32 bytes. */
static void scalar_hash(uint8_t scalar[32], const uint8_t *first,
	const uint8_t *second, const void *message, size_t size)
{
	struct sha512 s;
	uint8_t hash[SHA512_SIZE];
	int64_t x[64];

	sha512_begin(&s);
	sha512_add(&s, first, 32);
	sha512_add(&s, second, second == NULL ? 0 : 32);
	sha512_add(&s, message, size);
	sha512_end(&s, hash, SHA512_SIZE);
	for (int i = 0; i < 64; i++)
		x[i] = hash[i];
	scalar_reduce(scalar, x);
	secret_wipe(hash, sizeof(hash));
	secret_wipe(x, sizeof(x));
}

/* a b + c mod L */
static void scalar_multiply_add(uint8_t sum[32], const uint8_t a[32],
	const uint8_t b[32], const uint8_t c[32])
{
	int64_t x[64] = { 0 };

	for (int i = 0; i < 32; i++)
		x[i] = c[i];
	for (int i = 0; i < 32; i++)
		for (int j = 0; j < 32; j++)
			x[i + j] += (int64_t)a[i] * b[j];
	scalar_reduce(sum, x);
	secret_wipe(x, sizeof(x));
}

static int scalar_digit(const uint8_t s[32], int i) /* to base 16 */
{
	return s[i / 2] >> i % 2 * 4 & 15;
}

/*
 * A point as two fractions, x = e / g and y = h / f.  Multiplied out they are
 * the extended coordinates of Hisil, Wong, Carter and Dawson (Asiacrypt 2008),
 * whose formulas these are: X = e f, Y = g h, Z = f g, T = X Y / Z = e h.
 * Whoever reads a point multiplies out as many of the four as it needs.
 */
struct point {
	struct fe e, f, g, h;
};

/* A point prepared to be added. */
struct addend {
	struct fe sum, difference; /* Y + X, Y - X */
	struct fe product;         /* 2 d T */
	struct fe z;               /* 2 Z */
};

/* Computed from their definitions by ed25519_start, then constant. */
static struct {
	struct fe d;
	struct fe root;                  /* of -1 */
	struct addend multiples[64][16]; /* [i][j] = j 16^i B */
} table;

/* x = 0, y = 1 */
static struct point point_zero(void)
{
	struct point zero = { fe_small(0), fe_small(1), fe_small(1),
		fe_small(1) };

	return zero;
}

static struct point point_double(const struct point *p)
{
	struct fe x = fe_mul(p->e, p->f);
	struct fe y = fe_mul(p->g, p->h);
	struct fe z = fe_mul(p->f, p->g);
	struct fe xx = fe_square(x);
	struct fe yy = fe_square(y);
	struct point q;

	q.h = fe_add(yy, xx);
	q.g = fe_sub(yy, xx);
	q.e = fe_sub(fe_square(fe_add(x, y)), q.h);
	q.f = fe_sub(fe_scale(fe_square(z), 2), q.g);
	return q;
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

/*
 * Of small order, that is 8 P = 0, if and only if 4 P is one of the two points
 * whose x is 0, (0, 1) and (0, -1).
 */
static bool point_is_small_vartime(const struct point *p)
{
	struct point twice = point_double(p);
	struct point fourfold = point_double(&twice);

	return fe_zero_mask(fourfold.e) != 0;
}

static void point_to_bytes(uint8_t bytes[32], const struct point *p)
{
	struct fe inverse = fe_invert(fe_mul(p->f, p->g));

	fe_to_bytes(bytes, fe_mul(fe_mul(p->g, p->h), inverse));
	bytes[31] |= (uint8_t)(fe_odd_mask(fe_mul(fe_mul(p->e, p->f), inverse))
			       << 7);
}

/*
 * RFC 8032, section 5.1.3: x^2 = u / v, where u = y^2 - 1, v = d y^2 + 1.  The
 * candidate u v^3 (u v^7)^((p - 5) / 8) is right up to a factor root(-1), or
 * there is none.  False also where y is p or more.  x = 0 with its sign set
 * passes as x = 0, a point of small order.
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
	uint8_t sign = bytes[31] & 0x80;
	uint8_t canonical[32];

	fe_to_bytes(canonical, y);
	canonical[31] |= sign;
	if (memcmp(canonical, bytes, sizeof(canonical)) != 0)
		return false;
	if (fe_zero_mask(fe_sub(vxx, u)) == 0)
		x = fe_mul(x, table.root);
	if (fe_zero_mask(fe_mul(fe_sub(vxx, u), fe_add(vxx, u))) == 0)
		return false;
	*p = point_zero();
	p->e = (fe_odd_mask(x) & 0x80) == sign ? x : fe_negate(x);
	p->h = y;
	return true;
}

static struct addend addend_from(const struct point *p)
{
	struct fe x = fe_mul(p->e, p->f);
	struct fe y = fe_mul(p->g, p->h);
	struct fe z = fe_mul(p->f, p->g);
	struct fe t = fe_mul(p->e, p->h);
	struct addend a = { fe_add(y, x), fe_sub(y, x),
		fe_mul(fe_add(t, t), table.d), fe_add(z, z) };

	return a;
}

static void addend_move(struct addend *a, const struct addend *b, uint64_t mask)
{
	fe_move(&a->sum, &b->sum, mask);
	fe_move(&a->difference, &b->difference, mask);
	fe_move(&a->product, &b->product, mask);
	fe_move(&a->z, &b->z, mask);
}

/* row[j] = j P */
static void point_multiples(struct addend row[16], const struct point *p)
{
	struct point q = point_zero();

	for (int j = 0; j < 16; j++) {
		row[j] = addend_from(&q);
		q = point_add(p, &row[j]);
	}
}

/* s B, for a secret s: every multiple is read, whatever the digit. */
static struct point point_from_base(const uint8_t s[32])
{
	struct point p = point_zero();

	for (int i = 0; i < 64; i++) {
		struct addend a = table.multiples[i][0];

		for (int j = 1; j < 16; j++)
			addend_move(&a, &table.multiples[i][j],
				secret_zero_mask(
					(uint64_t)(scalar_digit(s, i) ^ j)));
		p = point_add(&p, &a);
	}
	return p;
}

/* k P + s B: both at once, as the doublings are most of the work. */
static struct point point_multiply_vartime(
	const struct point *p, const uint8_t k[32], const uint8_t s[32])
{
	struct point q = point_zero();
	struct addend row[16];

	point_multiples(row, p);
	for (int i = 63; i >= 0; i--) {
		for (int j = 0; j < 4; j++)
			q = point_double(&q);
		q = point_add(&q, &row[scalar_digit(k, i)]);
		q = point_add(&q, &table.multiples[0][scalar_digit(s, i)]);
	}
	return q;
}

void ed25519_start(void)
{
	struct fe two = fe_small(2);
	struct point p;
	uint8_t base[32];
	bool good;

	table.d = fe_mul(
		fe_negate(fe_small(121665)), fe_invert(fe_small(121666)));
	/* 2 has no root: 2^((p - 1) / 4) is one of -1, and 2 (p - 5) / 8 + 1 */
	table.root = fe_mul(fe_square(fe_power(two)), two);
	fe_to_bytes(base, fe_mul(fe_small(4), fe_invert(fe_small(5))));
	good = point_from_bytes_vartime(&p, base);
	assert(good);
	(void)good;
	for (int i = 0; i < 64; i++) {
		point_multiples(table.multiples[i], &p);
		for (int j = 0; j < 4; j++)
			p = point_double(&p);
	}
}

void ed25519_key_from_seed(
	struct ed25519_key *key, const uint8_t seed[ED25519_SEED_SIZE])
{
	uint8_t hash[SHA512_SIZE];
	struct point p;

	sha512(hash, seed, ED25519_SEED_SIZE);
	memcpy(key->scalar, hash, 32);
	memcpy(key->prefix, hash + 32, 32);
	key->scalar[0] &= 248;
	key->scalar[31] = (uint8_t)((key->scalar[31] & 127) | 64);
	p = point_from_base(key->scalar);
	point_to_bytes(key->public_key, &p);
	secret_wipe(hash, sizeof(hash));
}

void ed25519_sign(uint8_t signature[ED25519_SIGNATURE_SIZE],
	const struct ed25519_key *key, const void *message, size_t size)
{
	uint8_t r[32], k[32];
	struct point p;

	scalar_hash(r, key->prefix, NULL, message, size);
	p = point_from_base(r);
	point_to_bytes(signature, &p);
	scalar_hash(k, signature, key->public_key, message, size);
	scalar_multiply_add(signature + 32, k, key->scalar, r);
	secret_wipe(r, sizeof(r));
	secret_wipe(&p, sizeof(p));
}

bool ed25519_verify_vartime(const uint8_t signature[ED25519_SIGNATURE_SIZE],
	const uint8_t public_key[ED25519_PUBLIC_SIZE], const void *message,
	size_t size)
{
	static const uint8_t zero[32];
	const uint8_t *s = signature + 32;
	uint8_t bytes[32], k[32];
	struct point p;

	scalar_multiply_add(bytes, zero, zero, s);
	if (memcmp(bytes, s, 32) != 0) /* S < L */
		return false;
	if (!point_from_bytes_vartime(&p, public_key) ||
		point_is_small_vartime(&p))
		return false;
	scalar_hash(k, signature, public_key, message, size);
	p.e = fe_negate(p.e);
	p = point_multiply_vartime(&p, k, s);
	point_to_bytes(bytes, &p);
	return memcmp(bytes, signature, 32) == 0 && !point_is_small_vartime(&p);
}
