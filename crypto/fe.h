/* SPDX-License-Identifier: ISC */
/*
 * fe.h: the field of integers modulo p = 2^255 - 19.  An element is a sum of
 * signed limbs, limb i times 2 to the bits of all before it, and has many
 * spellings.  Nothing branches on, or looks up by, its value.
 *
 * Every element has a weight w, and each |limb i| <= w * FE_TIGHT(i).  Sums and
 * differences have the weight of both parts (0 weighs 1), all else has 1, and
 * up to FE_WEIGHT_MAX nothing overflows.  With -DFE_CHECK elements carry
 * their weight and are held against this: a chain of additions that is too long
 * is found whatever numbers flow through it.
 */
#ifndef CRYPTO_FE_H
#define CRYPTO_FE_H

#include "crypto/secret.h"

#if defined(__SIZEOF_INT128__) && !defined(FE_32)
/* At weight 3, sums of products are below 77 * (3.01 * 2^51)^2 < 2^112. */
__extension__ typedef __int128 fe_wide;
typedef int64_t fe_limb;
enum { FE_LIMBS = 5 };
#define FE_BITS(i)     51
#define FE_HALF(i)     ((fe_limb)((i) == 4) << 50)
#define FE_TWICE(i, j) false
#else
/*
 * At weight 3, 19 * 3.01 * 2^25 and 38 * 3.01 * 2^24, the largest factors, are
 * below 2^31, and sums of products below 124.5 * (3.01 * 2^25)^2 < 2^61.
 */
typedef int64_t fe_wide;
typedef int32_t fe_limb;
enum { FE_LIMBS = 10 };
#define FE_BITS(i)     (26 - (i) % 2)
#define FE_HALF(i)     ((fe_limb)1 << (FE_BITS(i) - 1))
#define FE_TWICE(i, j) ((i) % 2 == 1 && (j) % 2 == 1)
#endif

enum { FE_SIZE = 32, FE_WEIGHT_MAX = 3 };

#define FE_ONES(i)  (((fe_limb)1 << FE_BITS(i)) - 1)
#define FE_TIGHT(i) (FE_ONES(i) - FE_HALF(i) + (1 << 14))

struct fe {
	fe_limb limb[FE_LIMBS];
#ifdef FE_CHECK
	int weight;
#endif
};

#ifdef FE_CHECK
#define FE_WEIGHT(f) ((f).weight)
struct fe fe_weigh(struct fe f, int weight);
#else
#define FE_WEIGHT(f)        0
#define fe_weigh(f, weight) ((void)(weight), (f))
#endif

/* Little-endian; from_bytes ignores the highest bit, to_bytes is below p. */
struct fe fe_from_bytes(const uint8_t bytes[FE_SIZE]);
void fe_to_bytes(uint8_t bytes[FE_SIZE], struct fe f);

struct fe fe_power(struct fe f);  /* f^((p - 5) / 8), of which roots are made */
struct fe fe_invert(struct fe f); /* 1 / f; 0 for 0 */

/* All ones, else 0: when f is 0; when f, written below p, is odd. */
uint64_t fe_zero_mask(struct fe f);
uint64_t fe_odd_mask(struct fe f);

/* The element n, 0 <= n < 2^24. */
static inline struct fe fe_small(int32_t n)
{
	struct fe f = { .limb = { n } };

	return fe_weigh(f, 1);
}

static inline struct fe fe_add(struct fe f, struct fe g)
{
#pragma GCC unroll 10
	for (int i = 0; i < FE_LIMBS; i++)
		f.limb[i] += g.limb[i];
	return fe_weigh(f, FE_WEIGHT(f) + FE_WEIGHT(g));
}

static inline struct fe fe_sub(struct fe f, struct fe g)
{
#pragma GCC unroll 10
	for (int i = 0; i < FE_LIMBS; i++)
		f.limb[i] -= g.limb[i];
	return fe_weigh(f, FE_WEIGHT(f) + FE_WEIGHT(g));
}

static inline struct fe fe_negate(struct fe f)
{
	return fe_sub(fe_small(0), f);
}

/*
 * The element with the value of these limbs.  Limb i keeps its low bits, from
 * -FE_HALF(i) on, and carries the rest to the next.  What leaves the top comes
 * back times 19; products that meet there have no factor 19, so that limb 0 has
 * less than 2^14 for limb 1, where it stays.
 */
static inline struct fe fe_carry(fe_wide wide[FE_LIMBS])
{
	int64_t carry = 0;
	struct fe f;

#pragma GCC unroll 10
	for (int i = 0; i < FE_LIMBS; i++) {
		wide[i] += carry + FE_HALF(i);
		carry = (int64_t)(wide[i] >> FE_BITS(i));
		f.limb[i] = ((fe_limb)wide[i] & FE_ONES(i)) - FE_HALF(i);
	}
	carry = f.limb[0] + 19 * carry + FE_HALF(0);
	f.limb[0] = ((fe_limb)carry & FE_ONES(0)) - FE_HALF(0);
	f.limb[1] += (fe_limb)(carry >> FE_BITS(0));
	return fe_weigh(f, 1);
}

/*
 * f[i] g[j] belongs to limb i + j.  From FE_LIMBS on that stands for multiples
 * of 2^255, which is 19; and two limbs of 25 bits make twice one of 26.
 */
static inline fe_limb fe_factor(int i, int j)
{
	return (i + j < FE_LIMBS ? 1 : 19) * (FE_TWICE(i, j) ? 2 : 1);
}

static inline struct fe fe_mul(struct fe f, struct fe g)
{
	fe_wide wide[FE_LIMBS] = { 0 };

#pragma GCC unroll 10
	for (int i = 0; i < FE_LIMBS; i++)
#pragma GCC unroll 10
		for (int j = 0; j < FE_LIMBS; j++)
			wide[(i + j) % FE_LIMBS] +=
				(fe_wide)f.limb[i] *
				(fe_factor(i, j) * g.limb[j]);
	return fe_carry(wide);
}

/* f * f, with equal products taken once and doubled. */
static inline struct fe fe_square(struct fe f)
{
	fe_wide wide[FE_LIMBS] = { 0 };

#pragma GCC unroll 10
	for (int i = 0; i < FE_LIMBS; i++)
#pragma GCC unroll 10
		for (int j = i; j < FE_LIMBS; j++)
			wide[(i + j) % FE_LIMBS] +=
				(fe_wide)(f.limb[i] * (i == j ? 1 : 2)) *
				(fe_factor(i, j) * f.limb[j]);
	return fe_carry(wide);
}

/* f times n, 0 <= n < 2^24. */
static inline struct fe fe_scale(struct fe f, int32_t n)
{
	fe_wide wide[FE_LIMBS];

#pragma GCC unroll 10
	for (int i = 0; i < FE_LIMBS; i++)
		wide[i] = (fe_wide)f.limb[i] * n;
	return fe_carry(wide);
}

/* f = g where mask is all ones; nothing where it is 0. */
static inline void fe_move(struct fe *f, const struct fe *g, uint64_t mask)
{
	bool lighter = FE_WEIGHT(*f) < FE_WEIGHT(*g);

#pragma GCC unroll 10
	for (int i = 0; i < FE_LIMBS; i++)
		f->limb[i] ^= (fe_limb)mask & (f->limb[i] ^ g->limb[i]);
	*f = fe_weigh(*f, lighter ? FE_WEIGHT(*g) : FE_WEIGHT(*f));
}

#endif
