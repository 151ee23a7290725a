/* SPDX-License-Identifier: ISC */
/* X25519: the vectors of RFC 7748, and points that must be refused. */
#include "crypto/crypto.h"
#include "tests/unit/hex.h"

static void x25519_matches_rfc7748_section_5_2(void **state)
{
	static const char *const cases[][3] = {
		{ "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba44"
		  "9ac4",
			"e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903"
			"a6d0ab1c4c",
			"c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b407"
			"5577a28552" },
		{ "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918"
		  "ba0d",
			"e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd5"
			"49c715a493",
			"95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7"
			"647aac7957" },
	};

	(void)state;
	for (int i = 0; i < 2; i++) {
		uint8_t scalar[32], point[32], out[32];

		(void)hex_bytes(scalar, 32, cases[i][0]);
		(void)hex_bytes(point, 32, cases[i][1]);
		assert_true(x25519(out, scalar, point));
		assert_hex(out, 32, cases[i][2]);
	}
}

/* k, u = X25519(k, u), k, a thousand times. */
static void x25519_iterated_1000_times_matches_rfc7748(void **state)
{
	uint8_t k[32] = { 9 }, u[32] = { 9 }, out[32];

	(void)state;
	for (int i = 1; i <= 1000; i++) {
		assert_true(x25519(out, k, u));
		memcpy(u, k, 32);
		memcpy(k, out, 32);
		if (i == 1)
			assert_hex(k, 32,
				"422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b"
				"783c60e80311ae3079");
	}
	assert_hex(k, 32,
		"684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c"
		"51");
}

static void two_sides_agree_as_in_rfc7748_section_6_1(void **state)
{
	uint8_t a[32], b[32], ka[32], kb[32], one[32], other[32];

	(void)state;
	(void)hex_bytes(a, 32,
		"77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c"
		"2a");
	(void)hex_bytes(b, 32,
		"5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0"
		"eb");
	x25519_public(ka, a);
	x25519_public(kb, b);
	assert_hex(ka, 32,
		"8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e"
		"6a");
	assert_hex(kb, 32,
		"de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b"
		"4f");
	assert_true(x25519(one, a, kb));
	assert_true(x25519(other, b, ka));
	assert_memory_equal(one, other, 32);
	assert_hex(one, 32,
		"4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e1617"
		"42");
}

/* Each point whose order divides 8, in all spellings of 255 bits. */
static void points_of_small_order_are_refused(void **state)
{
	static const char *const points[] = {
		"00000000000000000000000000000000000000000000000000000000000000"
		"00",
		"01000000000000000000000000000000000000000000000000000000000000"
		"00",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b8"
		"00",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11"
		"57",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"7f",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		uint8_t scalar[32] = { 77 }, point[32], out[32];
		static const uint8_t zeros[32];

		(void)hex_bytes(point, 32, points[i]);
		assert_false(x25519(out, scalar, point));
		assert_memory_equal(out, zeros, 32);
		point[31] |= 0x80;
		assert_false(x25519(out, scalar, point));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(x25519_matches_rfc7748_section_5_2),
		cmocka_unit_test(x25519_iterated_1000_times_matches_rfc7748),
		cmocka_unit_test(two_sides_agree_as_in_rfc7748_section_6_1),
		cmocka_unit_test(points_of_small_order_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
