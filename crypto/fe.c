/* SPDX-License-Identifier: ISC */
/* fe.c: bytes, powers, zero and sign of field elements. */
#include "crypto/fe.h"

#ifdef FE_CHECK
struct fe fe_weigh(struct fe f, int weight)
{
	assert(weight <= FE_WEIGHT_MAX);
	for (int i = 0; i < FE_LIMBS; i++) {
		assert(f.limb[i] <= weight * FE_TIGHT(i));
		assert(f.limb[i] >= -weight * FE_TIGHT(i));
	}
	f.weight = weight;
	return f;
}
#endif

struct fe fe_from_bytes(const uint8_t bytes[FE_SIZE])
{
	fe_wide wide[FE_LIMBS] = { 0 };
	int bit = 0;

	for (int i = 0; i < FE_LIMBS; i++)
		for (int j = 0; j < FE_BITS(i); j++, bit++)
			wide[i] |= (fe_wide)(bytes[bit / 8] >> bit % 8 & 1)
				   << j;
	return fe_carry(wide);
}

/*
 * At weight 1, |f| < p.  The first round of carries takes -1 out of the top if
 * f is negative, that is, adds 2^255; the second takes 19 away again.
 */
void fe_to_bytes(uint8_t bytes[FE_SIZE], struct fe f)
{
	int64_t carry = 0;
	uint64_t window = 0;
	int bits = 0; /* in the window */
	int next = 0;

	f = fe_scale(f, 1);
	for (int i = 0; i < 2 * FE_LIMBS; i++) {
		int at = i % FE_LIMBS;

		carry = f.limb[at] + (i == FE_LIMBS ? 19 * carry : carry);
		f.limb[at] = (fe_limb)carry & FE_ONES(at);
		carry >>= FE_BITS(at);
	}
	for (int i = 0; i < FE_LIMBS; i++) {
		window |= (uint64_t)f.limb[i] << bits;
		for (bits += FE_BITS(i); bits >= 8; bits -= 8) {
			bytes[next++] = (uint8_t)window;
			window >>= 8;
		}
	}
	bytes[next] = (uint8_t)window;
}

static struct fe fe_square_times(struct fe f, int times)
{
	for (int i = 0; i < times; i++)
		f = fe_square(f);
	return f;
}

/* (p - 5) / 8 = 2^252 - 3.  f_n stands for f^(2^n - 1): n bits, all ones. */
struct fe fe_power(struct fe f)
{
	struct fe f2 = fe_mul(fe_square(f), f);
	struct fe f4 = fe_mul(fe_square_times(f2, 2), f2);
	struct fe f5 = fe_mul(fe_square(f4), f);
	struct fe f10 = fe_mul(fe_square_times(f5, 5), f5);
	struct fe f20 = fe_mul(fe_square_times(f10, 10), f10);
	struct fe f40 = fe_mul(fe_square_times(f20, 20), f20);
	struct fe f50 = fe_mul(fe_square_times(f40, 10), f10);
	struct fe f100 = fe_mul(fe_square_times(f50, 50), f50);
	struct fe f200 = fe_mul(fe_square_times(f100, 100), f100);
	struct fe f250 = fe_mul(fe_square_times(f200, 50), f50);

	return fe_mul(fe_square_times(f250, 2), f);
}

/* f^(p - 2), and p - 2 = 8 (2^252 - 3) + 3. */
struct fe fe_invert(struct fe f)
{
	struct fe cube = fe_mul(fe_square(f), f);

	return fe_mul(fe_square_times(fe_power(f), 3), cube);
}

uint64_t fe_zero_mask(struct fe f)
{
	uint8_t bytes[FE_SIZE];
	uint64_t any = 0;

	fe_to_bytes(bytes, f);
	for (int i = 0; i < FE_SIZE; i++)
		any |= bytes[i];
	return secret_zero_mask(any);
}

uint64_t fe_odd_mask(struct fe f)
{
	uint8_t bytes[FE_SIZE];

	fe_to_bytes(bytes, f);
	return secret_mask(bytes[0] & 1);
}
