/* SPDX-License-Identifier: ISC */
/* CPace: the draft's vectors, and what must not agree or be accepted. */
#include "crypto/crypto.h"
#include "tests/unit/hex.h"

static const char hex_prs[] = "50617373776f7264";
static const char hex_ci[] = "0b415f696e69746961746f720b425f726573706f6e646572";
static const char hex_sid[] = "7e4b4791d6a8ef019b936c79fb7f2c57";
static const char hex_g[] =
	"d04bf6d41f6a289632a2e929fa29bebd51092512a7829fdde7d314b6"
	"2f05a73f";
static const char hex_ya[] =
	"21b4f4bd9e64ed355c3eb676a28ebedaf6d8f17bdc365995b3190971"
	"53044080";
static const char hex_ada[] = "414461";
static const char hex_share_a[] =
	"1d13c89278cdadd826f6d8d7f887701430f8380ddc17611cdd6dc989"
	"ce0c9f32";
static const char hex_yb[] =
	"848b0779ff415f0af4ea14df9dd1d3c29ac41d836c7808896c4eba19"
	"c51ac40a";
static const char hex_adb[] = "414462";
static const char hex_share_b[] =
	"248cccf6d5cdc3646f0ad593f9e6cef4e69d4945f8372e623512ecea"
	"32185623";
static const char hex_k[] =
	"5b067effbdc0b2a0e1d907b21ebb25cfedb96a852179a847c37e43ee"
	"71322c6b";
static const char hex_isk_ir[] =
	"6e19b875f7a561d6b3ca3dbb9ef42ac55de3e717881018204b8922b4"
	"d5e53bb2aa82c300bea7b65d2b671da71922ddf6472301b79bc270ad"
	"fa8bf413285f2263";

/* All points of small order, and their spellings above p. */
static const char *const small_order[] = {
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

/* The draft's other special points, with what the scalar below makes of them. */
static const char hex_other_scalar[] =
	"af46e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244"
	"ba449aff";
static const char *const other_points[][2] = {
	{ "daffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"d8e2c776bbacd510d09fd9278b7edcd25fc5ae9adfba3b6e040e8d3b71b2"
		"1806" },
	{ "dbffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"c85c655ebe8be44ba9c0ffde69f2fe10194458d137f09bbff725ce58803c"
		"db38" },
	{ "d9ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"db64dafa9b8fdd136914e61461935fe92aa372cb056314e1231bc4ec1241"
		"7456" },
	{ "cdeb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880",
		"e062dcd5376d58297be2618c7498f55baa07d7e03184e8aada20bca28888"
		"bf7a" },
	{ "4c9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7",
		"993c6ad11c4c29da9a56f7691fd0ff8d732e49de6250b6c2e80003ff4629"
		"a175" },
};

/*
 * Of 'p' times `size`, 'q' for the last, with ci and sid of the draft: how ya and
 * the generator multiply.  By an implementation in Python, of big numbers.
 */
static const struct {
	size_t size;
	const char *generator, *share;
} long_passwords[] = {
	{ 0,
		"7bae19734324e304e6bf39cc7d67d88b8d96de950a52d47049b64ed08fa7"
		"af7d",
		"6de177bc0d6ef88c4b65fd627db06f0748dc3db3e28474b8e8adbd82b421"
		"ba40" },
	{ 115,
		"bc85aefb850f8fcd650ab2169abb14ff48bf4dfb6e1f33fddfa7ff93eb32"
		"9508",
		"c708d11541d361945ad4bee01760ae5f3ea6d6c89684c72394ad1133b22b"
		"f866" },
	{ 116,
		"838a237caece5fb9ed9d17c1747bf75210abfff51d6898c829cdf906c3ec"
		"3e38",
		"16e32d15c12d511f5723cc2ffe5f41150a0804d95246e5900eeb9e5c7c6e"
		"6839" },
	{ 117,
		"0e3b8bbfc479582c481526c76fe036b9396f1a1b42b0ea78d4aa2668b431"
		"b266",
		"c2ce6c07a2f960950da3276cf32c05cb7844f431f435390e75d5b2d8881c"
		"bb78" },
	{ 118,
		"37c5deedb02dfc99cd78db15908f6f69cb3a8479e4ec5d4ea8fb6e95475d"
		"686d",
		"7a048c5a2202e63f0b5adcefde60d6053d23e92e698e358364436db56c4c"
		"415b" },
	{ 127,
		"4dee5059879cb09c4f3818cf9948b007d7a73c5d6f805cb56b4d9227121c"
		"e74f",
		"800c0577d2929c5520defcfb5e69af757fbc849de874e3de7082c55db408"
		"ea4c" },
	{ 128,
		"a37ae16ea8f2b3da06c7547d306c5d567575328563363595c9d547163144"
		"4404",
		"db8265d4f375f3094486a28e8a5831420647ea353252f9b1fcc5c3330b22"
		"2418" },
	{ 300,
		"4e81cce49c5968a8d841756d720f592cc4f13f5aa4cb0443a84ec68be58e"
		"042a",
		"705fd72504767eb36fb1db2ed177c9e6b71a8fcad1bf266a3c7efb8ae4be"
		"8e32" },
};

struct run {
	uint8_t password[32], channel[32], session[32];
	uint8_t ad[2][8];
	uint8_t secret[2][CPACE_SECRET_SIZE];
	uint8_t key[2][CPACE_KEY_SIZE];
	struct cpace c;
};

static struct cpace_bytes from_hex(
	uint8_t *to, size_t capacity, const char *hex)
{
	struct cpace_bytes bytes = { to, hex_bytes(to, capacity, hex) };

	return bytes;
}

static void run_begin(struct run *r)
{
	r->c.password = from_hex(r->password, 32, hex_prs);
	r->c.channel = from_hex(r->channel, 32, hex_ci);
	r->c.session = from_hex(r->session, 32, hex_sid);
	r->c.ad[0] = from_hex(r->ad[0], 8, hex_ada);
	r->c.ad[1] = from_hex(r->ad[1], 8, hex_adb);
	(void)hex_bytes(r->secret[0], 32, hex_ya);
	(void)hex_bytes(r->secret[1], 32, hex_yb);
	for (int i = 0; i < 2; i++)
		cpace_share(&r->c, i, r->secret[i]);
}

static bool run_end(struct run *r)
{
	bool good = true;

	for (int i = 0; i < 2; i++)
		good = cpace_key(r->key[i], &r->c, i, r->secret[i]) && good;
	return good;
}

static void both_sides_match_the_draft(void **state)
{
	struct run r;

	(void)state;
	run_begin(&r);
	assert_hex(r.c.share[0], 32, hex_share_a);
	assert_hex(r.c.share[1], 32, hex_share_b);
	assert_true(run_end(&r));
	assert_hex(r.key[0], CPACE_KEY_SIZE, hex_isk_ir);
	assert_hex(r.key[1], CPACE_KEY_SIZE, hex_isk_ir);
}

/* The generator g and the shared K, which the functions keep for themselves. */
static void what_is_between_matches_the_draft(void **state)
{
	uint8_t ya[32], point[32], out[32];

	(void)state;
	(void)hex_bytes(ya, sizeof(ya), hex_ya);
	(void)hex_bytes(point, sizeof(point), hex_g);
	assert_true(x25519(out, ya, point));
	assert_hex(out, sizeof(out), hex_share_a);
	(void)hex_bytes(point, sizeof(point), hex_share_b);
	assert_true(x25519(out, ya, point));
	assert_hex(out, sizeof(out), hex_k);
}

/* One side has another password, channel or session: no common key. */
static void another_input_gives_another_key(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct run r;
		uint8_t *changed[] = { r.password, r.channel, r.session };

		run_begin(&r);
		*changed[i] ^= 1;
		cpace_share(&r.c, 1, r.secret[1]);
		*changed[i] ^= i == 2 ? 0 : 1;
		assert_true(cpace_key(r.key[1], &r.c, 1, r.secret[1]));
		*changed[i] ^= i == 2 ? 1 : 0;
		assert_true(cpace_key(r.key[0], &r.c, 0, r.secret[0]));
		assert_memory_not_equal(r.key[0], r.key[1], CPACE_KEY_SIZE);
	}
}

static void shares_that_were_changed_or_exchanged_give_another_key(void **state)
{
	struct run r;
	uint8_t key[CPACE_KEY_SIZE];
	struct cpace first;

	(void)state;
	run_begin(&r);
	assert_true(run_end(&r));
	memcpy(key, r.key[0], sizeof(key));
	r.ad[0][0] ^= 1;
	assert_true(run_end(&r));
	assert_memory_not_equal(r.key[0], key, sizeof(key));
	r.ad[0][0] ^= 1;
	first = r.c;
	for (int i = 0; i < 2; i++) {
		memcpy(r.c.share[i], first.share[1 - i], CPACE_SHARE_SIZE);
		r.c.ad[i] = first.ad[1 - i];
	}
	assert_true(cpace_key(key, &r.c, 1, r.secret[0]));
	assert_memory_not_equal(r.key[1], key, sizeof(key));
}

static void shares_of_small_order_are_refused(void **state)
{
	struct run r;

	(void)state;
	run_begin(&r);
	for (size_t i = 0; i < sizeof(small_order) / sizeof(small_order[0]);
		i++) {
		(void)hex_bytes(r.c.share[1], 32, small_order[i]);
		assert_false(cpace_key(r.key[0], &r.c, 0, r.secret[0]));
	}
}

static void other_special_points_are_accepted(void **state)
{
	uint8_t scalar[32], point[32], out[32];
	struct run r;

	(void)state;
	run_begin(&r);
	(void)hex_bytes(scalar, sizeof(scalar), hex_other_scalar);
	for (size_t i = 0; i < sizeof(other_points) / sizeof(other_points[0]);
		i++) {
		(void)hex_bytes(point, sizeof(point), other_points[i][0]);
		assert_true(x25519(out, scalar, point));
		assert_hex(out, sizeof(out), other_points[i][1]);
		memcpy(r.c.share[1], point, sizeof(point));
		assert_true(cpace_key(r.key[0], &r.c, 0, r.secret[0]));
	}
}

/* At 117 bytes the padding ends; at 128 the length takes two bytes. */
static void passwords_of_all_lengths_agree(void **state)
{
	uint8_t long_password[300];

	(void)state;
	memset(long_password, 'p', sizeof(long_password));
	for (size_t size = 0; size <= sizeof(long_password);
		size += 1 + size / 8) {
		struct run r;
		struct cpace_bytes password = { long_password, size };

		run_begin(&r);
		r.c.password = password;
		for (int i = 0; i < 2; i++)
			cpace_share(&r.c, i, r.secret[i]);
		assert_true(run_end(&r));
		assert_memory_equal(r.key[0], r.key[1], CPACE_KEY_SIZE);
	}
}

static void passwords_around_the_padding_match_another_program(void **state)
{
	(void)state;
	for (size_t i = 0;
		i < sizeof(long_passwords) / sizeof(long_passwords[0]); i++) {
		uint8_t long_password[300], point[32], out[32];
		size_t size = long_passwords[i].size;
		struct run r;

		memset(long_password, 'p', sizeof(long_password));
		if (size > 0)
			long_password[size - 1] = 'q';
		run_begin(&r);
		r.c.password.at = long_password;
		r.c.password.size = size;
		cpace_share(&r.c, 0, r.secret[0]);
		assert_hex(r.c.share[0], 32, long_passwords[i].share);
		(void)hex_bytes(point, 32, long_passwords[i].generator);
		assert_true(x25519(out, r.secret[0], point));
		assert_memory_equal(r.c.share[0], out, sizeof(out));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_sides_match_the_draft),
		cmocka_unit_test(what_is_between_matches_the_draft),
		cmocka_unit_test(another_input_gives_another_key),
		cmocka_unit_test(
			shares_that_were_changed_or_exchanged_give_another_key),
		cmocka_unit_test(shares_of_small_order_are_refused),
		cmocka_unit_test(other_special_points_are_accepted),
		cmocka_unit_test(passwords_of_all_lengths_agree),
		cmocka_unit_test(
			passwords_around_the_padding_match_another_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
