/* SPDX-License-Identifier: ISC */
/*
 * cpace.h: CPace, draft-irtf-cfrg-cpace, CPACE-X25519-SHA512.  Two that know
 * one password make a strong key; one that does not know it gets one guess a
 * run, and nothing to try passwords on afterwards.
 *
 *	each side:  random_bytes(secret, 32);  cpace_share(share, &input, secret);
 *	            send share, receive the other's;  cpace_key(...);  wipe secret
 *
 * A wrong password shows in different keys: confirm them (Noise does) before
 * anything else.  Never use a secret twice.
 */
#ifndef CRYPTO_CPACE_H
#define CRYPTO_CPACE_H

#include "bytes.h"

enum { CPACE_SECRET_SIZE = 32, CPACE_SHARE_SIZE = 32, CPACE_KEY_SIZE = 64 };

struct cpace_bytes {
	const void *at; /* may be NULL where size is 0 */
	size_t size;
};

struct cpace_input {
	struct cpace_bytes password;
	struct cpace_bytes channel; /* CI: who talks, and about what */
	struct cpace_bytes session; /* sid: new for each run, of both sides */
};

struct cpace_side {
	uint8_t share[CPACE_SHARE_SIZE];
	struct cpace_bytes ad; /* sent along with the share, authenticated */
};

/* What to send. */
void cpace_share(uint8_t share[CPACE_SHARE_SIZE],
	const struct cpace_input *input,
	const uint8_t secret[CPACE_SECRET_SIZE]);

/*
 * The key (ISK).  side[0] is the initiator's, side[1] the responder's; `own` is
 * whose secret it is.  False: the other share is of small order, an attack.
 */
bool cpace_key(uint8_t key[CPACE_KEY_SIZE], const struct cpace_bytes *session,
	const struct cpace_side side[2], int own,
	const uint8_t secret[CPACE_SECRET_SIZE]) MUST_USE;

#endif
