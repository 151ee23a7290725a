/* SPDX-License-Identifier: ISC */
/* Ed25519: vectors of RFC 8032, and what the strict rule refuses, by name. */
#include "crypto/crypto.h"
#include "tests/unit/hex.h"

/* RFC 8032, section 7.1: tests 1, 2, 3 and SHA(abc). */
static const struct {
	const char *seed;
	const char *public_key;
	const char *message;
	const char *signature;
} rfc8032[] = {
	{ "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac03"
	  "1cae7f60",
		"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68"
		"f707511a",
		"-",
		"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065"
		"224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
		"655141438e7a100b" },
	{ "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed"
	  "4fb8a6fb",
		"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f1"
		"2af4660c",
		"72",
		"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223"
		"ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
		"b00d291612bb0c00" },
	{ "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e"
	  "0b4458f7",
		"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb9115"
		"48908025",
		"af82",
		"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7"
		"db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28d"
		"c027beceea1ec40a" },
	{ "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b9"
	  "6dca3d42",
		"ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf81968"
		"3467e2bf",
		"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee6"
		"4b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e"
		"2a9ac94fa54ca49f",
		"dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea218"
		"6c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17a"
		"d9bef1177331a704" },
};

/* The eight points whose order divides 8, in their canonical encodings. */
static const char *const small_order[] = {
	"0100000000000000000000000000000000000000000000000000000000000000",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"0000000000000000000000000000000000000000000000000000000000000000",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
};

/* Other spellings of such points: y + p, or x = 0 with its sign set. */
static const char *const not_canonical[] = {
	"0100000000000000000000000000000000000000000000000000000000000080",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
};

/* L, little-endian */
static const char order[] =
	"edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

static struct ed25519_key signer;
static uint8_t good[ED25519_SIGNATURE_SIZE];

static int make_signature(void **state)
{
	uint8_t seed[ED25519_SEED_SIZE] = { 42 };

	(void)state;
	ed25519_start();
	ed25519_key_from_seed(&signer, seed);
	ed25519_sign(good, &signer, "text", 4);
	return 0;
}

static bool is_good(const uint8_t *signature, const uint8_t *public_key)
{
	return ed25519_verify_vartime(signature, public_key, "text", 4);
}

/* to += n * L, for a to of 32 bytes; what carries out is lost. */
static void add_order(uint8_t to[32], int n)
{
	uint8_t l[32];

	(void)hex_bytes(l, sizeof(l), order);
	for (; n > 0; n--) {
		unsigned carry = 0;

		for (int i = 0; i < 32; i++) {
			carry += (unsigned)to[i] + l[i];
			to[i] = (uint8_t)carry;
			carry >>= 8;
		}
	}
}

static void signatures_match_rfc8032(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rfc8032) / sizeof(rfc8032[0]); i++) {
		uint8_t seed[32], message[64], signature[64];
		struct ed25519_key key;
		size_t size =
			hex_bytes(message, sizeof(message), rfc8032[i].message);

		(void)hex_bytes(seed, sizeof(seed), rfc8032[i].seed);
		ed25519_key_from_seed(&key, seed);
		assert_hex(key.public_key, 32, rfc8032[i].public_key);
		ed25519_sign(signature, &key, message, size);
		assert_hex(signature, 64, rfc8032[i].signature);
		assert_true(ed25519_verify_vartime(
			signature, key.public_key, message, size));
	}
}

static void signatures_of_many_keys_and_sizes_are_good(void **state)
{
	uint64_t seed = 5;

	(void)state;
	for (size_t size = 0; size < 200; size++) {
		uint8_t secret[32], message[200], signature[64];
		struct ed25519_key key;

		hex_random(&seed, secret, sizeof(secret));
		hex_random(&seed, message, size);
		ed25519_key_from_seed(&key, secret);
		ed25519_sign(signature, &key, message, size);
		assert_true(ed25519_verify_vartime(
			signature, key.public_key, message, size));
		hex_flip(signature, size * 67 % 512);
		assert_false(ed25519_verify_vartime(
			signature, key.public_key, message, size));
	}
}

static void each_flipped_bit_is_refused(void **state)
{
	uint8_t signature[64], key[32], text[] = "text";

	(void)state;
	memcpy(signature, good, 64);
	memcpy(key, signer.public_key, 32);
	for (size_t bit = 0; bit < 512; bit++) {
		hex_flip(signature, bit);
		assert_false(is_good(signature, key));
		hex_flip(signature, bit);
	}
	for (size_t bit = 0; bit < 256; bit++) {
		hex_flip(key, bit);
		assert_false(is_good(good, key));
		hex_flip(key, bit);
	}
	for (size_t bit = 0; bit < 32; bit++) {
		hex_flip(text, bit);
		assert_false(ed25519_verify_vartime(good, key, text, 4));
		hex_flip(text, bit);
	}
	assert_true(ed25519_verify_vartime(signature, key, text, 4));
}

/* Malleability: S + n L satisfies the same equation. */
static void s_plus_a_multiple_of_l_is_refused(void **state)
{
	uint8_t signature[64];

	(void)state;
	for (int n = 1; n <= 15; n++) {
		memcpy(signature, good, 64);
		add_order(signature + 32, n);
		assert_false(is_good(signature, signer.public_key));
	}
}

static void s_of_l_and_l_minus_1_are_refused(void **state)
{
	uint8_t signature[64];

	(void)state;
	memcpy(signature, good, 64);
	(void)hex_bytes(signature + 32, 32, order);
	assert_false(is_good(signature, signer.public_key));
	signature[32]--;
	assert_false(is_good(signature, signer.public_key));
	memset(signature + 32, 0xff, 32);
	assert_false(is_good(signature, signer.public_key));
}

/*
 * With A of small order, R = [S]B is a good signature of one message in eight
 * or of all, but for the rule.
 */
static void a_of_small_order_is_refused(void **state)
{
	uint8_t signature[64] = { 0 }, key[32];

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		(void)hex_bytes(key, 32, small_order[i]);
		for (size_t j = 0; j < 8; j++) {
			(void)hex_bytes(signature, 32, small_order[j]);
			assert_false(is_good(signature, key));
		}
		memcpy(signature, signer.public_key, 32); /* R = a B */
		memset(signature + 32, 0, 32);
		memcpy(signature + 32, signer.secret, 32); /* S = a */
		assert_false(is_good(signature, key));
	}
}

/*
 * Crafted from the seed, "text", and r = 0: the equation holds with R = (0, 1),
 * and only the rule refuses.
 */
static void r_of_small_order_is_refused_where_the_equation_holds(void **state)
{
	uint8_t signature[64] = { 1 };

	(void)state;
	(void)hex_bytes(signature + 32, 32,
		"ff1d09250b51ce27ddc09804b290e3f4c2c6a3041e9b04c6c6bc85c86f3121"
		"0d");
	assert_false(is_good(signature, signer.public_key));
}

/* Crafted: A of order 8, R = S B, and a challenge that 8 divides. */
static void a_of_small_order_is_refused_where_the_equation_holds(void **state)
{
	uint8_t signature[64], key[32];

	(void)state;
	(void)hex_bytes(key, 32,
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03"
		"7a");
	(void)hex_bytes(signature, 32,
		"a6c0381cc655b64838b4b8b4f60b6f074a0ab8ffc7721699704bfd077262d1"
		"f3");
	(void)hex_bytes(signature + 32, 32,
		"ec030000000000000000000000000000000000000000000000000000000000"
		"00");
	assert_false(is_good(signature, key));
}

/* Crafted: A = a B + a point of order 8.  Times 8 the equation would hold. */
static void no_cofactor_is_multiplied_in(void **state)
{
	uint8_t signature[64], key[32];

	(void)state;
	(void)hex_bytes(key, 32,
		"6d0b4a646109ed6fb1569892afc8bdc2b7f72c9dd6d406a56e80c281c70d16"
		"10");
	(void)hex_bytes(signature, 32,
		"ef4f62f8479733ad879cfaced3c89a9c39dd4fc795ef2efa1c3eafe4d729a0"
		"81");
	(void)hex_bytes(signature + 32, 32,
		"a97c996172008e0740d4c0f85fd2656da998020b1fbd71511be3e781fcfb71"
		"04");
	assert_false(is_good(signature, key));
}

static void encodings_that_are_not_canonical_are_refused(void **state)
{
	uint8_t signature[64], key[32];

	(void)state;
	for (size_t i = 0; i < sizeof(not_canonical) / sizeof(not_canonical[0]);
		i++) {
		memcpy(signature, good, 64);
		(void)hex_bytes(key, 32, not_canonical[i]);
		assert_false(is_good(signature, key));
		memcpy(signature, key, 32);
		memset(signature + 32, 0, 32);
		assert_false(is_good(signature, signer.public_key));
		assert_false(is_good(signature, key));
	}
}

static void keys_that_are_no_points_are_refused(void **state)
{
	uint8_t key[32] = { 2 }; /* y = 2 has no x */

	(void)state;
	assert_false(is_good(good, key));
	memset(key, 0xff, 32);
	assert_false(is_good(good, key));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures_match_rfc8032),
		cmocka_unit_test(signatures_of_many_keys_and_sizes_are_good),
		cmocka_unit_test(each_flipped_bit_is_refused),
		cmocka_unit_test(s_plus_a_multiple_of_l_is_refused),
		cmocka_unit_test(s_of_l_and_l_minus_1_are_refused),
		cmocka_unit_test(a_of_small_order_is_refused),
		cmocka_unit_test(
			a_of_small_order_is_refused_where_the_equation_holds),
		cmocka_unit_test(
			r_of_small_order_is_refused_where_the_equation_holds),
		cmocka_unit_test(no_cofactor_is_multiplied_in),
		cmocka_unit_test(encodings_that_are_not_canonical_are_refused),
		cmocka_unit_test(keys_that_are_no_points_are_refused),
	};

	return cmocka_run_group_tests(tests, make_signature, NULL);
}
