/* SPDX-License-Identifier: ISC */
/* CPace: the draft's vectors, and what must not agree or be accepted. */
#include "crypto/crypto.h"
#include "tests/unit/hex.h"

static const char hex_prs[] = "50617373776f7264";
static const char hex_ci[] = "0b415f696e69746961746f720b425f726573706f6e646572";
static const char hex_sid[] = "7e4b4791d6a8ef019b936c79fb7f2c57";
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

/* Around 109 bytes the padding ends; at 128 the length takes two bytes. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_sides_match_the_draft),
		cmocka_unit_test(another_input_gives_another_key),
		cmocka_unit_test(
			shares_that_were_changed_or_exchanged_give_another_key),
		cmocka_unit_test(shares_of_small_order_are_refused),
		cmocka_unit_test(passwords_of_all_lengths_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
