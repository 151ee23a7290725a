/* SPDX-License-Identifier: ISC */
/*
 * cpace.c: lv(x) is x behind its length as a varint.
 *
 *	g   = elligator2(first 32 bytes of SHA-512(lv("CPace255") |
 *	      lv(password) | lv(zeros) | lv(channel) | lv(session)))
 *	      zeros fill the first block: time does not tell a password's length
 *	Y   = X25519(secret, g)
 *	K   = X25519(secret, the other Y), not all zeros
 *	key = SHA-512(lv("CPace255_ISK") | lv(session) | lv(K) |
 *	      lv(Ya) | lv(ADa) | lv(Yb) | lv(ADb))
 */
#include "crypto/cpace.h"
#include "crypto/fe.h"
#include "crypto/sha512.h"
#include "crypto/x25519.h"

enum { A = 486662 };

/*
 * Elligator 2, RFC 9380 section 6.7.1 with Z = 2: one of v = -A / (1 + 2 r^2)
 * and -v - A is u of a point on the curve.  It is v if v^3 + A v^2 + v has a
 * root, that is, if its power of (p - 1) / 2 = 4 (p - 5) / 8 + 2 is 1.
 */
static void elligator2(uint8_t u[FE_SIZE], const uint8_t r[FE_SIZE])
{
	struct fe one = fe_small(1);
	struct fe rr = fe_square(fe_from_bytes(r));
	struct fe below = fe_invert(fe_add(one, fe_add(rr, rr)));
	struct fe v = fe_mul(fe_negate(fe_small(A)), below);
	struct fe other = fe_negate(fe_add(v, fe_small(A)));
	struct fe vv = fe_square(v);
	struct fe y = fe_mul(v, fe_add(fe_add(vv, fe_scale(v, A)), one));
	struct fe fourth = fe_square(fe_square(fe_power(y)));
	struct fe sign = fe_mul(fourth, fe_square(y));

	fe_move(&other, &v, fe_zero_mask(fe_sub(sign, one)));
	fe_to_bytes(u, other);
}

static void hash_lv(struct sha512 *s, const void *bytes, size_t size)
{
	uint8_t prefix[10];
	struct writer w = writer_over(prefix, sizeof(prefix));

	write_varint(&w, size);
	sha512_add(s, prefix, w.size);
	sha512_add(s, bytes, size);
}

void cpace_share(uint8_t share[CPACE_SHARE_SIZE],
	const struct cpace_input *input,
	const uint8_t secret[CPACE_SECRET_SIZE])
{
	static const uint8_t zeros[SHA512_BLOCK_SIZE];
	size_t used = 1 + 9 + varint_size(input->password.size);
	uint8_t hash[SHA512_SIZE];
	uint8_t generator[FE_SIZE];
	struct sha512 s;
	bool good;

	used += input->password.size;
	sha512_begin(&s);
	hash_lv(&s, "CPace255", 8);
	hash_lv(&s, input->password.at, input->password.size);
	hash_lv(&s, zeros, used < sizeof(zeros) ? sizeof(zeros) - used : 0);
	hash_lv(&s, input->channel.at, input->channel.size);
	hash_lv(&s, input->session.at, input->session.size);
	sha512_end(&s, hash, SHA512_SIZE);
	elligator2(generator, hash);
	good = x25519(share, secret, generator);
	assert(good); /* only for 1 in 2^250 hashes is g of small order */
	(void)good;
	secret_wipe(hash, sizeof(hash));
	secret_wipe(generator, sizeof(generator));
}

bool cpace_key(uint8_t key[CPACE_KEY_SIZE], const struct cpace_bytes *session,
	const struct cpace_side side[2], int own,
	const uint8_t secret[CPACE_SECRET_SIZE])
{
	uint8_t k[X25519_SIZE];
	struct sha512 s;
	bool good = x25519(k, secret, side[1 - own].share);

	sha512_begin(&s);
	hash_lv(&s, "CPace255_ISK", 12);
	hash_lv(&s, session->at, session->size);
	hash_lv(&s, k, sizeof(k));
	for (int i = 0; i < 2; i++) {
		hash_lv(&s, side[i].share, CPACE_SHARE_SIZE);
		hash_lv(&s, side[i].ad.at, side[i].ad.size);
	}
	sha512_end(&s, key, SHA512_SIZE);
	secret_wipe(k, sizeof(k));
	return good;
}
