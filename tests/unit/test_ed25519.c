/* SPDX-License-Identifier: ISC */
/* Ed25519: vectors of RFC 8032, and what the strict rule refuses, by name. */
#include "crypto/crypto.h"
#include "tests/unit/hex.h"

/* RFC 8032, section 7.1: tests 1, 2, 3, 1024 and SHA(abc). */
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
	{ "f5e5767cf153319517630f226876b86c8160cc583bc013744c6bf255f5cc"
	  "0ee5",
		"278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c597f1d"
		"426e",
		"08b8b2b733424243760fe426a4b54908632110a66c2f6591eabd3345e3e4"
		"eb98fa6e264bf09efe12ee50f8f54e9f77b1e355f6c50544e23fb1433ddf"
		"73be84d879de7c0046dc4996d9e773f4bc9efe5738829adb26c81b37c93a"
		"1b270b20329d658675fc6ea534e0810a4432826bf58c941efb65d57a338b"
		"bd2e26640f89ffbc1a858efcb8550ee3a5e1998bd177e93a7363c344fe6b"
		"199ee5d02e82d522c4feba15452f80288a821a579116ec6dad2b3b310da9"
		"03401aa62100ab5d1a36553e06203b33890cc9b832f79ef80560ccb9a39c"
		"e767967ed628c6ad573cb116dbefefd75499da96bd68a8a97b928a8bbc10"
		"3b6621fcde2beca1231d206be6cd9ec7aff6f6c94fcd7204ed3455c68c83"
		"f4a41da4af2b74ef5c53f1d8ac70bdcb7ed185ce81bd84359d44254d9562"
		"9e9855a94a7c1958d1f8ada5d0532ed8a5aa3fb2d17ba70eb6248e594e1a"
		"2297acbbb39d502f1a8c6eb6f1ce22b3de1a1f40cc24554119a831a9aad6"
		"079cad88425de6bde1a9187ebb6092cf67bf2b13fd65f27088d78b7e883c"
		"8759d2c4f5c65adb7553878ad575f9fad878e80a0c9ba63bcbcc2732e694"
		"85bbc9c90bfbd62481d9089beccf80cfe2df16a2cf65bd92dd597b0707e0"
		"917af48bbb75fed413d238f5555a7a569d80c3414a8d0859dc65a46128ba"
		"b27af87a71314f318c782b23ebfe808b82b0ce26401d2e22f04d83d1255d"
		"c51addd3b75a2b1ae0784504df543af8969be3ea7082ff7fc9888c144da2"
		"af58429ec96031dbcad3dad9af0dcbaaaf268cb8fcffead94f3c7ca495e0"
		"56a9b47acdb751fb73e666c6c655ade8297297d07ad1ba5e43f1bca32301"
		"651339e22904cc8c42f58c30c04aafdb038dda0847dd988dcda6f3bfd15c"
		"4b4c4525004aa06eeff8ca61783aacec57fb3d1f92b0fe2fd1a85f672451"
		"7b65e614ad6808d6f6ee34dff7310fdc82aebfd904b01e1dc54b2927094b"
		"2db68d6f903b68401adebf5a7e08d78ff4ef5d63653a65040cf9bfd4aca7"
		"984a74d37145986780fc0b16ac451649de6188a7dbdf191f64b5fc5e2ab4"
		"7b57f7f7276cd419c17a3ca8e1b939ae49e488acba6b965610b5480109c8"
		"b17b80e1b7b750dfc7598d5d5011fd2dcc5600a32ef5b52a1ecc820e308a"
		"a342721aac0943bf6686b64b2579376504ccc493d97e6aed3fb0f9cd71a4"
		"3dd497f01f17c0e2cb3797aa2a2f256656168e6c496afc5fb93246f6b111"
		"6398a346f1a641f3b041e989f7914f90cc2c7fff357876e506b50d334ba7"
		"7c225bc307ba537152f3f1610e4eafe595f6d9d90d11faa933a15ef13695"
		"46868a7f3a45a96768d40fd9d03412c091c6315cf4fde7cb68606937380d"
		"b2eaaa707b4c4185c32eddcdd306705e4dc1ffc872eeee475a64dfac86ab"
		"a41c0618983f8741c5ef68d3a101e8a3b8cac60c905c15fc910840b94c00"
		"a0b9d0",
		"0aab4c900501b3e24d7cdf4663326a3a87df5e4843b2cbdb67cbf6e460fe"
		"c350aa5371b1508f9f4528ecea23c436d94b5e8fcd4f681e30a6ac00a970"
		"4a188a03" },
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
		uint8_t seed[32], message[1023], signature[64];
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
