/* SPDX-License-Identifier: ISC */
/*
 * x25519.c: the Montgomery ladder of RFC 7748, section 5, on
 *
 *	v^2 = u^3 + 486662 u^2 + u
 *
 * using u alone.  From the top bit down the ladder keeps u(n P) = x2 / z2 and
 * u((n + 1) P) = x3 / z3, where n is the number that the bits so far spell.
 */
#include "crypto/x25519.h"
#include "crypto/fe.h"

enum { A24 = (486662 - 2) / 4 };

/* Exchanges f and g where mask is all ones. */
static inline void fe_swap(struct fe *f, struct fe *g, uint64_t mask)
{
	struct fe old = *f;

	fe_move(f, g, mask);
	fe_move(g, &old, mask);
}

struct ladder {
	struct fe x2, z2, x3, z3;
};

/* (n, n + 1) to (2 n, 2 n + 1); x1 is u of the point that they differ by. */
static void ladder_step(struct ladder *l, const struct fe *x1)
{
	struct fe a = fe_add(l->x2, l->z2);
	struct fe b = fe_sub(l->x2, l->z2);
	struct fe da = fe_mul(fe_sub(l->x3, l->z3), a);
	struct fe cb = fe_mul(fe_add(l->x3, l->z3), b);
	struct fe aa = fe_square(a);
	struct fe bb = fe_square(b);
	struct fe e = fe_sub(aa, bb);

	l->x3 = fe_square(fe_add(da, cb));
	l->z3 = fe_mul(*x1, fe_square(fe_sub(da, cb)));
	l->x2 = fe_mul(aa, bb);
	l->z2 = fe_mul(e, fe_add(aa, fe_scale(e, A24)));
}

bool x25519(uint8_t shared[X25519_SIZE], const uint8_t private_key[X25519_SIZE],
	const uint8_t point[X25519_SIZE])
{
	static const uint8_t zeros[X25519_SIZE];
	struct fe x1 = fe_from_bytes(point);
	struct ladder l = { fe_small(1), fe_small(0), x1, fe_small(1) };
	uint8_t scalar[X25519_SIZE];
	uint64_t swapped = 0;

	memcpy(scalar, private_key, sizeof(scalar));
	scalar[0] &= 248;
	scalar[31] = (uint8_t)((scalar[31] & 127) | 64);
	for (int i = 254; i >= 0; i--) {
		uint64_t bit = secret_mask(scalar[i / 8] >> (i % 8) & 1);

		fe_swap(&l.x2, &l.x3, swapped ^ bit);
		fe_swap(&l.z2, &l.z3, swapped ^ bit);
		swapped = bit;
		ladder_step(&l, &x1);
	}
	/* The last three bits of a clamped scalar are 0: nothing is swapped. */
	fe_to_bytes(shared, fe_mul(l.x2, fe_invert(l.z2)));
	secret_wipe(scalar, sizeof(scalar));
	secret_wipe(&l, sizeof(l));
	return !secret_equal(shared, zeros, X25519_SIZE);
}

void x25519_public(
	uint8_t public_key[X25519_SIZE], const uint8_t private_key[X25519_SIZE])
{
	static const uint8_t base[X25519_SIZE] = { 9 };
	bool nonzero = x25519(public_key, private_key, base);

	assert(nonzero); /* 9 is of prime order, and no scalar divides by it */
	(void)nonzero;
}
