/* SPDX-License-Identifier: ISC */
/*
 * Parts of crypto/ that no input from outside can be made to show: nobody knows
 * a signature under a key that is a badly spelled point, or a password whose
 * hash leads to a chosen curve point.
 */
#define ed25519_start          inside_start
#define ed25519_key_from_seed  inside_key_from_seed
#define ed25519_sign           inside_sign
#define ed25519_verify_vartime inside_verify_vartime
#define cpace_share            inside_cpace_share
#define cpace_key              inside_cpace_key
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/cpace.c"
#include "crypto/ed25519.c"
#include "tests/unit/hex.h"

static bool is_square(struct fe f)
{
	struct fe power = fe_square(fe_square(fe_power(f)));

	return fe_zero_mask(fe_sub(fe_mul(power, fe_square(f)), fe_small(1)));
}

/* On the curve, not on its twist: u^3 + A u^2 + u has a root. */
static void elligator2_gives_points_on_the_curve(void **state)
{
	uint64_t seed = 3;

	(void)state;
	for (int i = 0; i < 50; i++) {
		uint8_t r[32], bytes[32];
		struct fe u;

		hex_random(&seed, r, sizeof(r));
		elligator2(bytes, r);
		u = fe_from_bytes(bytes);
		assert_true(is_square(
			fe_mul(u, fe_add(fe_add(fe_square(u), fe_scale(u, A)),
					  fe_small(1)))));
	}
}

/*
 * RFC 9380, section J.4.1, messages "" and "abc": u[0] and Q0.x, u[1] and Q1.x,
 * big-endian as they stand there.
 */
static void elligator2_matches_rfc9380(void **state)
{
	static const char *const cases[][2] = {
		{ "005fe8a7b8fef0a16c105e6cadf5a6740b3365e18692a9c05bfbb4d97f64"
		  "5a6a",
			"36b4df0c864c64707cbf6cf36e9ee2c09a6cb93b28313c169be295"
			"61bb904f98" },
		{ "1347edbec6a2b5d8c02e058819819bee177077c9d10a4ce165aab0fd0252"
		  "261a",
			"3fa114783a505c0b2b2fbeef0102853c0b494e7757f2a089d0daae"
			"7ed9a0db2b" },
		{ "49bed021c7a3748f09fa8cdfcac044089f7829d3531066ac9e74e0994e05"
		  "bc7d",
			"16b3d86e056b7970fa00165f6f48d90b619ad618791661b7b5e1ec"
			"78be10eac1" },
		{ "5c36525b663e63389d886105cee7ed712325d5a97e60e140aba7e2ce5ae8"
		  "51b6",
			"7ec29ddbf34539c40adfa98fcb39ec36368f47f30e8f888cc7e86f"
			"4d46e0c264" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t in[32], out[32], reversed[32];

		(void)hex_bytes(reversed, sizeof(reversed), cases[i][0]);
		for (int j = 0; j < 32; j++)
			in[j] = reversed[31 - j];
		elligator2(out, in);
		for (int j = 0; j < 32; j++)
			reversed[j] = out[31 - j];
		assert_hex(reversed, sizeof(reversed), cases[i][1]);
	}
}

/* y from 0 to 18 has a second spelling, y + p; y = 3 is on the curve. */
static void points_have_one_spelling(void **state)
{
	uint8_t bytes[32] = { 0 };
	struct point p;
	int found = 0;

	(void)state;
	ed25519_start();
	for (uint8_t y = 0; y < 19; y++) {
		bytes[0] = y;
		memset(bytes + 1, 0, 31);
		if (!point_from_bytes_vartime(&p, bytes))
			continue;
		found++;
		bytes[0] = (uint8_t)(y + 0xed);
		memset(bytes + 1, 0xff, 30);
		bytes[31] = 0x7f;
		assert_false(point_from_bytes_vartime(&p, bytes));
	}
	assert_in_range(found, 5, 18); /* and the others are on no curve */
}

/* x[i] += times * (the bytes of k L), limb by limb, which does not carry. */
static void add_order(int64_t x[64], const uint8_t k[32], int times)
{
	for (int i = 0; i < 32; i++) {
		for (int j = 0; j < 16; j++)
			x[i + j] += times * k[i] * order[j];
		x[i + 31] += times * k[i] * 16;
	}
}

/* The same number in limbs from 0 to 255; false if it is negative. */
static bool carry_all(int64_t x[64])
{
	for (int i = 0; i < 63; i++) {
		x[i + 1] += x[i] >> 8;
		x[i] &= 255;
	}
	return x[63] >= 0;
}

/*
 * 0, 1, L - 1 and 2^252, which is less than L, plus and minus k L: k is 0, 1, or
 * as long as 64 bytes allow, and limbs are carried or not, where they may be.
 */
static void scalars_come_out_below_l(void **state)
{
	static const char *const wanted[] = {
		"00000000000000000000000000000000000000000000000000000000000000"
		"00",
		"01000000000000000000000000000000000000000000000000000000000000"
		"00",
		"ecd3f55c1a631258d69cf7a2def9de14000000000000000000000000000000"
		"10",
		"00000000000000000000000000000000000000000000000000000000000000"
		"10",
	};
	uint64_t seed = 4;

	(void)state;
	for (int n = 0; n < 4 * 2 * 200; n++) {
		const char *hex = wanted[n % 4];
		uint8_t bytes[32], out[32], k[32] = { (uint8_t)(n / 8) };
		int64_t x[64] = { 0 }, carried[64];

		(void)hex_bytes(bytes, sizeof(bytes), hex);
		for (int i = 0; i < 32; i++)
			x[i] = bytes[i];
		if (n / 8 > 1)
			hex_random(&seed, k, sizeof(k));
		if (n / 8 == 2)
			memset(k, 0xff, sizeof(k));
		add_order(x, k, n / 4 % 2 == 0 ? 1 : -1);
		memcpy(carried, x, sizeof(carried));
		scalar_reduce(out, x);
		assert_hex(out, sizeof(out), hex);
		if (!carry_all(carried))
			continue;
		scalar_reduce(out, carried);
		assert_hex(out, sizeof(out), hex);
	}
}

/* The largest limbs allowed, of either sign; the results are Python's. */
static void scalars_of_the_largest_limbs_come_out_right(void **state)
{
	static const char *const wanted[] = {
		"89e5a5fb210481c802827c2238b37ea7ead154d335ac12ed0deda9968bc07a"
		"07",
		"64ee4f61f85e918fd31a7b80a646606d152eab2cca53ed12f2125669743f85"
		"08",
	};

	(void)state;
	for (int n = 0; n < 2; n++) {
		uint8_t out[32];
		int64_t x[64];

		for (int i = 0; i < 64; i++)
			x[i] = ((1 << 22) - 1) * (n == 0 ? 1 : -1);
		scalar_reduce(out, x);
		assert_hex(out, sizeof(out), wanted[n]);
	}
}

/* Mistakes of a caller, all of which end the program. */
enum mistake {
	KEY_UNSTARTED,
	SIGN_UNSTARTED,
	VERIFY_UNSTARTED,
	DIGEST_TOO_LONG,
	EXPAND_TOO_LONG,
	SEAL_TOO_LONG,
	NONCE_USED_UP,
	MISTAKES
};

static void make_mistake(enum mistake m)
{
	static uint8_t bytes[HKDF_SHA512_MAX + 1];
	struct ed25519_key key = { { 0 }, { 0 } };
	struct chacha20_poly1305 box_of_zeros = { .key = bytes };
	struct noise_cipher cipher = { { 0 }, UINT64_MAX };
	struct sha512 s;

	table.started = false;
	sha512_begin(&s);
	switch (m) {
	case KEY_UNSTARTED:
		inside_key_from_seed(&key, bytes);
		break;
	case SIGN_UNSTARTED:
		inside_sign(bytes, &key, "", 0);
		break;
	case VERIFY_UNSTARTED:
		(void)!inside_verify_vartime(bytes, bytes, "", 0);
		break;
	case DIGEST_TOO_LONG:
		sha512_end(&s, bytes, SHA512_SIZE + 1);
		break;
	case EXPAND_TOO_LONG:
		hkdf_sha512_expand(bytes, sizeof(bytes), key.secret, "", 0);
		break;
	case SEAL_TOO_LONG: /* where there is so much memory */
		assert(SIZE_MAX > UINT32_MAX);
		chacha20_poly1305_seal(&box_of_zeros, bytes, bytes,
			(size_t)(((uint64_t)1 << 38) - 64));
		break;
	case NONCE_USED_UP:
		noise_encrypt(&cipher, bytes, bytes, 1);
		break;
	case MISTAKES:
		break;
	}
}

/*
 * Takes steps of a handshake: the initiator's w(rite), r(ead) and s(plit), the
 * responder's W, R and S.  x cuts the message on its way short, f changes its
 * last byte, z its key to zeros.  Whether the calls are good does not matter.
 */
static void take_steps(const char *steps, size_t count)
{
	struct noise n[2];
	struct noise_cipher send, receive;
	uint8_t message[48], hash[NOISE_HASH_SIZE];
	size_t size = 32;

	noise_start(&n[0], true, NULL, "", 0);
	noise_start(&n[1], false, NULL, "", 0);
	for (size_t i = 0; i < count; i++) {
		struct noise *from = strchr("wrs", steps[i]) ? &n[0] : &n[1];
		uint8_t secret[32] = { (uint8_t)(8 + 8 * (from - n)) };

		switch (steps[i]) {
		case 'x':
			size = 31;
			break;
		case 'f':
			message[size - 1] ^= 1;
			break;
		case 'z':
			memset(message, 0, 32);
			break;
		case 'w':
		case 'W':
			(void)!noise_write(from, secret, message, NULL, 0);
			size = from == &n[0] ? 32 : 48;
			break;
		case 'r':
		case 'R':
			(void)!noise_read(from, NULL, message, size);
			break;
		default:
			noise_split(from, &send, &receive, hash);
			break;
		}
	}
}

/* Makes a mistake, or takes steps, in a process of its own. */
static bool dies(enum mistake m, const char *steps, size_t count)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		(void)freopen("/dev/null", "w", stderr);
		make_mistake(m);
		take_steps(steps, count);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return false;
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	return true;
}

static void own_mistakes_end_the_program(void **state)
{
	(void)state;
	for (int m = 0; m < MISTAKES; m++)
		assert_true(dies((enum mistake)m, "", 0));
}

/* All steps but the last are allowed. */
static void a_handshake_goes_on_in_its_order_or_ends_the_program(void **state)
{
	static const char *const wrong[] = {
		"r", "W", "s", "S", "ww", "ws", "wRR", "wRS", "wRWW", "wRWR",
		"wRWSS", "wRWrr", "wRWrw", "wRWrss", /* out of order */
		"wxRR", "wxRW", "wxRS",              /* too short */
		"wzRWW", "wzRWR", "wzRWS",           /* of small order */
		"wRWxrr", "wRWxrs", "wRWzrr", "wRWzrs", "wRWfrr", "wRWfrw",
		"wRWfrs", /* forged */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		size_t count = strlen(wrong[i]);

		assert_false(dies(MISTAKES, wrong[i], count - 1));
		assert_true(dies(MISTAKES, wrong[i], count));
	}
	assert_false(dies(MISTAKES, "wRWrsS", 6));
}

static void split_leaves_nothing_behind(void **state)
{
	static const uint8_t secret[2][32] = { { 8 }, { 16 } };
	struct noise n[2];
	struct noise_cipher send, receive;
	uint8_t message[48], hash[NOISE_HASH_SIZE];

	(void)state;
	noise_start(&n[0], true, secret[0], "", 0);
	noise_start(&n[1], false, secret[0], "", 0);
	for (int i = 0; i < 2; i++) {
		assert_true(noise_write(&n[i], secret[i], message, NULL, 0));
		assert_true(
			noise_read(&n[1 - i], NULL, message, sizeof(message)));
	}
	for (int i = 0; i < 2; i++) {
		const uint8_t *bytes = (const uint8_t *)&n[i];

		noise_split(&n[i], &send, &receive, hash);
		for (size_t j = 0; j < sizeof(n[i]); j++)
			assert_int_equal(bytes[j], 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elligator2_gives_points_on_the_curve),
		cmocka_unit_test(elligator2_matches_rfc9380),
		cmocka_unit_test(points_have_one_spelling),
		cmocka_unit_test(scalars_come_out_below_l),
		cmocka_unit_test(scalars_of_the_largest_limbs_come_out_right),
		cmocka_unit_test(own_mistakes_end_the_program),
		cmocka_unit_test(
			a_handshake_goes_on_in_its_order_or_ends_the_program),
		cmocka_unit_test(split_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
