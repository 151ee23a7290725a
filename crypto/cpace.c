/* SPDX-License-Identifier: ISC */
/*
 * cpace.c: draft-irtf-cfrg-cpace, sections 6.2, 7.1 and 7.2: g = elligator2(the
 * hash of a list), Y = X25519(secret, g), K = X25519(secret, the other Y), and
 * the key is the hash of a list.  Zeros fill the first block of the first list,
 * so that time does not tell a password's length.
 */
#include "crypto/crypto.h"
#include "crypto/fe.h"

enum { A = 486662 };

/*
 * Elligator 2, RFC 9380 section 6.7.1 with Z = 2: one of v = -A / (1 + 2 r^2)
 * and -v - A is u of a point on the curve.  It is v if v^3 + A v^2 + v has a
 * root, that is, if its power of (p - 1) / 2 = 4 (p - 5) / 8 + 2 is 1.
 */
static void elligator2(uint8_t u[32], const uint8_t r[32])
{
	struct fe one = fe_small(1);
	struct fe rr = fe_square(fe_from_bytes(r));
	struct fe below = fe_invert(fe_add(one, fe_add(rr, rr)));
	struct fe v = fe_mul(fe_small(-A), below);
	struct fe other = fe_sub(fe_small(-A), v);
	struct fe vv = fe_square(v);
	struct fe y = fe_mul(v, fe_add(fe_add(vv, fe_scale(v, A)), one));
	struct fe sign = fe_append(fe_power(y), 2, fe_square(y));

	fe_move(&other, &v, fe_zero_mask(fe_sub(sign, one)));
	fe_to_bytes(u, other);
}

/* The first `size` bytes of SHA-512(lv(list[0]) | lv(list[1]) | ...). */
static void hash_list(
	uint8_t *hash, size_t size, const struct cpace_bytes *list, int count)
{
	struct sha512 s;

	sha512_begin(&s);
	for (int i = 0; i < count; i++) {
		uint8_t prefix[10];
		struct writer w = writer_over(prefix, sizeof(prefix));

		write_varint(&w, list[i].size);
		sha512_add(&s, prefix, w.size);
		sha512_add(&s, list[i].at, list[i].size);
	}
	sha512_end(&s, hash, size);
}

void cpace_share(struct cpace *c, int own, const uint8_t secret[32])
{
	static const uint8_t zeros[SHA512_BLOCK_SIZE];
	size_t used = 10 + varint_size(c->password.size) + c->password.size;
	size_t left = used < sizeof(zeros) ? sizeof(zeros) - used : 0;
	const struct cpace_bytes list[] = { { "CPace255", 8 }, c->password,
		{ zeros, left }, c->channel, c->session };
	uint8_t g[32]; /* first the hash that it is made of */
	bool good;

	hash_list(g, sizeof(g), list, 5);
	elligator2(g, g);
	good = x25519(c->share[own], secret, g);
	assert(good); /* only for 1 in 2^250 hashes is g of small order */
	secret_wipe(g, sizeof(g));
}

bool cpace_key(uint8_t key[64], const struct cpace *c, int own,
	const uint8_t secret[32])
{
	uint8_t k[32];
	bool good = x25519(k, secret, c->share[1 - own]);
	const struct cpace_bytes list[] = { { "CPace255_ISK", 12 }, c->session,
		{ k, 32 }, { c->share[0], 32 }, c->ad[0], { c->share[1], 32 },
		c->ad[1] };

	hash_list(key, CPACE_KEY_SIZE, list, 7);
	secret_wipe(k, sizeof(k));
	return good;
}
