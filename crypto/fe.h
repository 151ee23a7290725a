/* SPDX-License-Identifier: ISC */
/*
 * fe.h: the field of integers modulo p = 2^255 - 19.  An element is a sum of
 * signed limbs, limb i times 2 to the bits of all before it, and has many
 * spellings.  Nothing branches on, or looks up by, its value.
 *
 * Every element has a weight w, and each |limb i| <= w * FE_TIGHT(i).  Up to 3
 * nothing overflows.  Beside a function stand the [weights it takes -> gives].
 * With -DFE_CHECK elements carry their weight and are held against this: too
 * long a chain of additions is found with any numbers.
 */
#ifndef CRYPTO_FE_H
#define CRYPTO_FE_H

#include "crypto/crypto.h"

/* cppcheck-suppress shiftNegativeLHS ; it is what is asked */
_Static_assert((-1 >> 1) == -1, "carries of negative limbs are rounded down");

#if defined(__SIZEOF_INT128__) && !defined(FE_32)
/* At weight 3, sums of products are below 77 * (3.01 * 2^51)^2 < 2^112. */
__extension__ typedef __int128 fe_wide;
typedef int64_t fe_limb;
enum { FE_LIMBS = 5 };
#define FE_BITS(i) 51
#define FE_HALF(i) ((fe_limb)((i) == 4) << 50)
#else
/* Factors: 19 * 3.01 * 2^25 < 2^31; sums: 124.5 * (3.01 * 2^25)^2 < 2^61. */
typedef int64_t fe_wide;
typedef int32_t fe_limb;
enum { FE_LIMBS = 10 };
#define FE_BITS(i) (26 - (i) % 2)
#define FE_HALF(i) ((fe_limb)1 << (FE_BITS(i) - 1))
#endif

#define FE_ONES(i)  (((fe_limb)1 << FE_BITS(i)) - 1)
#define FE_TIGHT(i) (FE_ONES(i) - FE_HALF(i) + (1 << 14))

/* Unrolled, so that limbs live in registers: twice as fast. */
#define FE_EACH(i, first)                                                      \
	_Pragma("GCC unroll 10") for (int i = (first); i < FE_LIMBS; i++)

struct fe {
	fe_limb limb[FE_LIMBS];
#ifdef FE_CHECK
	int weight;
#endif
};

#ifdef FE_CHECK
#define FE_WEIGHT(f) ((f).weight)
static inline struct fe fe_weigh(struct fe f, int weight)
{
	assert(weight <= 3);
	for (int i = 0; i < FE_LIMBS; i++)
		assert(f.limb[i] <= weight * FE_TIGHT(i) &&
			-f.limb[i] <= weight * FE_TIGHT(i));
	f.weight = weight;
	return f;
}
#else
#define FE_WEIGHT(f)        0
#define fe_weigh(f, weight) ((void)(weight), (f))
#endif

/* The element n, |n| < 2^24 [-> 1]. */
static inline struct fe fe_small(int32_t n)
{
	struct fe f = { .limb = { n } };

	return fe_weigh(f, 1);
}

/* f + g [v, w -> v + w, 3 at most]; f - g is like it. */
static inline struct fe fe_add(struct fe f, struct fe g)
{
	FE_EACH (i, 0)
		f.limb[i] += g.limb[i];
	return fe_weigh(f, FE_WEIGHT(f) + FE_WEIGHT(g));
}

static inline struct fe fe_sub(struct fe f, struct fe g)
{
	FE_EACH (i, 0)
		f.limb[i] -= g.limb[i];
	return fe_weigh(f, FE_WEIGHT(f) + FE_WEIGHT(g));
}

/* f = g where mask is all ones; nothing where it is 0 [w, w or less -> w]. */
static inline void fe_move(struct fe *f, const struct fe *g, uint64_t mask)
{
	assert(FE_WEIGHT(*g) <= FE_WEIGHT(*f));
	FE_EACH (i, 0)
		f->limb[i] ^= (fe_limb)mask & (f->limb[i] ^ g->limb[i]);
	*f = fe_weigh(*f, FE_WEIGHT(*f));
}

/*
 * The element with the value of these limbs [-> 1].  Limb i keeps its low bits,
 * from -FE_HALF(i) on, and carries the rest to the next.  What leaves the top
 * comes back times 19; products that meet there have no factor 19, so that limb
 * 0 has less than 2^14 for limb 1, where it stays.
 */
static inline struct fe fe_carry(fe_wide wide[FE_LIMBS])
{
	int64_t carry = 0;
	struct fe f;

	FE_EACH (i, 0) {
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
	int twice = FE_LIMBS == 10 && i * j % 2 == 1;

	return (i + j < FE_LIMBS ? 1 : 19) << twice;
}

/* f g [3, 3 -> 1] */
static inline struct fe fe_mul(struct fe f, struct fe g)
{
	fe_wide wide[FE_LIMBS] = { 0 };

	FE_EACH (i, 0)
		FE_EACH (j, 0)
			wide[(i + j) % FE_LIMBS] +=
				(fe_wide)f.limb[i] *
				(fe_factor(i, j) * g.limb[j]);
	return fe_carry(wide);
}

/* f f, with equal products taken once and doubled [3 -> 1]. */
static inline struct fe fe_square(struct fe f)
{
	fe_wide wide[FE_LIMBS] = { 0 };

	FE_EACH (i, 0)
		FE_EACH (j, i)
			wide[(i + j) % FE_LIMBS] +=
				(fe_wide)(f.limb[i] * (i == j ? 1 : 2)) *
				(fe_factor(i, j) * f.limb[j]);
	return fe_carry(wide);
}

/* f times n, 0 <= n < 2^24 [3 -> 1]. */
static inline struct fe fe_scale(struct fe f, int32_t n)
{
	fe_wide wide[FE_LIMBS];

	FE_EACH (i, 0)
		wide[i] = (fe_wide)f.limb[i] * n;
	return fe_carry(wide);
}

/* Little-endian; the highest bit is ignored [-> 1]. */
static inline struct fe fe_from_bytes(const uint8_t bytes[32])
{
	fe_wide wide[FE_LIMBS] = { 0 };
	int at = 0;

	for (int i = 0; i < FE_LIMBS; i++)
		for (int j = 0; j < FE_BITS(i); j++, at++)
			wide[i] |= (fe_wide)(bytes[at / 8] >> at % 8 & 1) << j;
	return fe_carry(wide);
}

/*
 * Below p [3].  At weight 1, |f| < p.  The first round of carries takes -1 out
 * of the top if f is negative, that is, adds 2^255; the second takes 19 away.
 */
static inline void fe_to_bytes(uint8_t bytes[32], struct fe f)
{
	int64_t carry = 0;
	int bit = 0;

	f = fe_scale(f, 1);
	for (int i = 0; i < 2 * FE_LIMBS; i++) {
		int at = i % FE_LIMBS;

		carry = f.limb[at] + (i == FE_LIMBS ? 19 * carry : carry);
		f.limb[at] = (fe_limb)carry & FE_ONES(at);
		carry >>= FE_BITS(at);
	}
	memset(bytes, 0, 32);
	for (int i = 0; i < FE_LIMBS; bit += FE_BITS(i), i++) {
		uint64_t limb = (uint64_t)f.limb[i] << bit % 8;

		for (int j = bit / 8; j < 32; j++, limb >>= 8)
			bytes[j] |= (uint8_t)limb;
	}
}

/* All ones when f is 0, else 0 [3]. */
static inline uint64_t fe_zero_mask(struct fe f)
{
	uint8_t bytes[32];
	uint64_t any = 0;

	fe_to_bytes(bytes, f);
	for (int i = 0; i < 32; i++)
		any |= bytes[i];
	return secret_zero_mask(any);
}

/* f^(2^n) g [3, 3 -> 1] */
static inline struct fe fe_append(struct fe f, int n, struct fe g)
{
	for (int i = 0; i < n; i++)
		f = fe_square(f);
	return fe_mul(f, g);
}

/* f^((p - 5) / 8), 2^252 - 3, for roots [3 -> 1].  f_n: f^(2^n - 1), n ones. */
static inline struct fe fe_power(struct fe f)
{
	struct fe f2 = fe_append(f, 1, f);
	struct fe f4 = fe_append(f2, 2, f2);
	struct fe f5 = fe_append(f4, 1, f);
	struct fe f10 = fe_append(f5, 5, f5);
	struct fe f20 = fe_append(f10, 10, f10);
	struct fe f40 = fe_append(f20, 20, f20);
	struct fe f50 = fe_append(f40, 10, f10);
	struct fe f100 = fe_append(f50, 50, f50);
	struct fe f200 = fe_append(f100, 100, f100);
	struct fe f250 = fe_append(f200, 50, f50);

	return fe_append(f250, 2, f);
}

/* 1 / f, and 0 for 0: f^(p - 2), and p - 2 = 8 (2^252 - 3) + 3 [3 -> 1]. */
static inline struct fe fe_invert(struct fe f)
{
	return fe_append(fe_power(f), 3, fe_append(f, 1, f));
}

#endif
