/* SPDX-License-Identifier: ISC */
/*
 * x25519.c: the Montgomery ladder of RFC 7748, section 5, which needs but u of
 * points of v^2 = u^3 + 486662 u^2 + u.  From the top bit down it keeps those
 * of n P and (n + 1) P, where n is what the bits so far spell: x2 / z2 is that
 * which was doubled last, x3 / z3 the sum.  The next bit, 0 or 1, says which of
 * the two is doubled now: x2 / z2 again, if it is the same as the bit before.
 */
#include "crypto/crypto.h"
#include "crypto/fe.h"

bool x25519(uint8_t shared[32], const uint8_t private_key[32],
	const uint8_t point[32])
{
	static const uint8_t zeros[32];
	struct fe x1 = fe_from_bytes(point);
	struct fe x2 = fe_small(1), z2 = fe_small(0), x3 = x1, z3 = x2;
	uint8_t scalar[32];
	uint64_t before = 0;

	memcpy(scalar, private_key, sizeof(scalar));
	scalar[0] &= 248;
	scalar[31] = (uint8_t)((scalar[31] & 127) | 64);
	for (int i = 254; i >= 0; i--) { /* the last is 0: n P was doubled */
		uint64_t bit = secret_mask(scalar[i / 8] >> i % 8 & 1);
		struct fe a = fe_add(x2, z2), b = fe_sub(x2, z2);
		struct fe c = fe_add(x3, z3), d = fe_sub(x3, z3);
		struct fe da = fe_mul(d, a), cb = fe_mul(c, b);
		struct fe aa, bb, e;

		fe_move(&a, &c, bit ^ before);
		fe_move(&b, &d, bit ^ before);
		before = bit;
		aa = fe_square(a);
		bb = fe_square(b);
		e = fe_sub(aa, bb);
		x2 = fe_mul(aa, bb);
		z2 = fe_mul(e, fe_add(aa, fe_scale(e, (486662 - 2) / 4)));
		x3 = fe_square(fe_add(da, cb));
		z3 = fe_mul(x1, fe_square(fe_sub(da, cb)));
	}
	fe_to_bytes(shared, fe_mul(x2, fe_invert(z2)));
	secret_wipe(scalar, sizeof(scalar));
	return !secret_equal(shared, zeros, sizeof(zeros));
}

void x25519_public(uint8_t public_key[32], const uint8_t private_key[32])
{
	static const uint8_t base[32] = { 9 };
	bool nonzero = x25519(public_key, private_key, base);

	assert(nonzero); /* 9 is of prime order, and no scalar divides by it */
}
