/* SPDX-License-Identifier: ISC */
/* SHA-512, HMAC, HKDF: published vectors; every split; what is left behind. */
#include "crypto/crypto.h"
#include "tests/unit/hex.h"

/* FIPS 180-4, then RFC 6234, section 8.5: tests 3, 4, 6, 8 and 10. */
static const struct {
	const char *bytes;
	int times; /* that they are repeated */
	const char *digest;
} texts[] = {
	{ "-", 1,
		"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36c"
		"e9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327a"
		"f927da3e" },
	{ "616263", 1,
		"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55"
		"d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94f"
		"a54ca49f" },
	{ "61626364656667686263646566676869636465666768696a646566676869"
	  "6a6b65666768696a6b6c666768696a6b6c6d6768696a6b6c6d6e68696a6b"
	  "6c6d6e6f696a6b6c6d6e6f706a6b6c6d6e6f70716b6c6d6e6f7071726c6d"
	  "6e6f707172736d6e6f70717273746e6f707172737475",
		1,
		"8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb688"
		"9018501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b"
		"874be909" },
	{ "6161616161616161616161616161616161616161", 50000,
		"e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa9"
		"73ebde0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217"
		"ad8cc09b" },
	{ "3031323334353637", 80,
		"89d05ba632c699c31231ded4ffc127d5a894dad412c0e024db872d1abd2b"
		"a8141a0f85072a9be1e2aa04cf33c765cb510813a39cd5a84c4acaa64d3f"
		"3fb7bae9" },
	{ "d0", 1,
		"9992202938e882e73e20f6b69e68a0a7149090423d93c81bab3f21678d4a"
		"ceeee50e4e8cafada4c85a54ea8306826c4ad6e74cece9631bfa8a549b4a"
		"b3fbba15" },
	{ "8d4e3c0e3889191491816e9d98bff0a0", 1,
		"cb0b67a4b8712cd73c9aabc0b199e9269b20844afb75acbdd1c153c98289"
		"24c3ddedaafe669c5fdd0bc66f630f6773988213eb1b16f517ad0de4b2f0"
		"c95c90f8" },
	{ "a55f20c411aad132807a502d65824e31a2305432aa3d06d3e282a8d84e0d"
	  "e1de6974bf495469fc7f338f8054d58c26c49360c3e87af56523acf6d89d"
	  "03e56ff2f868002bc3e431edc44df2f0223d4bb3b243586e1a7d92493669"
	  "4fcbbaf88d9519e4eb50a644f8e4f95eb0ea95bc4465c8821aacd2fe15ab"
	  "4981164bbb6dc32f969087a145b0d9cc9c67c22b763299419cc4128be9a0"
	  "77b3ace634064e6d99283513dc06e7515d0d73132e9a0dc6d3b1f8b246f1"
	  "a98a3fc72941b1e3bb2098e8bf16f268d64f0b0f4707fe1ea1a1791ba2f3"
	  "c0c758e5f551863a96c949ad47d7fb40d2",
		1,
		"c665befb36da189d78822d10528cbf3b12b3eef726039909c1a16a270d48"
		"719377966b957a878e720584779a62825c18da26415e49a7176a894e7510"
		"fd1451f5" },
};

/* RFC 4231, sections 4.2 to 4.8; the tag of 4.6 is cut. */
static const struct {
	const char *key;
	const char *message;
	const char *tag;
} rfc4231[] = {
	{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
		"87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b305"
		"45e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f170"
		"2e696c203a126854" },
	{ "4a656665",
		"7768617420646f2079612077616e7420666f72206e6f7468696e673f",
		"164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7"
		"ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b"
		"636e070a38bce737" },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"dddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
		"dddddddddddddddddddddddddddddddddddddddddddd",
		"fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33"
		"b2279d39bf3e848279a722c806b485a47e67c807b946a337bee89426"
		"74278859e13292fb" },
	{ "0102030405060708090a0b0c0d0e0f10111213141516171819",
		"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
		"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
		"b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050"
		"361ee3dba91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2d"
		"e2adebeb10a298dd" },
	{ "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c",
		"546573742057697468205472756e636174696f6e",
		"415fad6271580a531d4179bc891d87a6" },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"54657374205573696e67204c6172676572205468616e20426c6f636b"
		"2d53697a65204b6579202d2048617368204b6579204669727374",
		"80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b0137"
		"83f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec"
		"8b915a985d786598" },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"5468697320697320612074657374207573696e672061206c61726765"
		"72207468616e20626c6f636b2d73697a65206b657920616e64206120"
		"6c6172676572207468616e20626c6f636b2d73697a6520646174612e"
		"20546865206b6579206e6565647320746f2062652068617368656420"
		"6265666f7265206265696e6720757365642062792074686520484d41"
		"4320616c676f726974686d2e",
		"e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d"
		"20cdc944b6022cac3c4982b10d5eeb55c3e4de15134676fb6de04460"
		"65c97440fa8c6a58" },
};

static void sha512_matches_published_digests(void **state)
{
	uint8_t bytes[256];
	uint8_t digest[SHA512_SIZE];
	struct sha512 s;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t size = hex_bytes(bytes, sizeof(bytes), texts[i].bytes);

		sha512_begin(&s);
		for (int n = 0; n < texts[i].times; n++)
			sha512_add(&s, bytes, size);
		sha512_end(&s, digest, sizeof(digest));
		assert_hex(digest, sizeof(digest), texts[i].digest);
		if (texts[i].times > 1)
			continue;
		memset(digest, 0, sizeof(digest));
		sha512(digest, bytes, size);
		assert_hex(digest, sizeof(digest), texts[i].digest);
	}
}

static void sha512_does_not_see_where_pieces_end(void **state)
{
	uint8_t bytes[300];
	uint64_t seed = 1;

	(void)state;
	hex_random(&seed, bytes, sizeof(bytes));
	for (size_t size = 0; size <= sizeof(bytes); size++) {
		uint8_t whole[SHA512_SIZE];
		uint8_t pieces[SHA512_SIZE];
		struct sha512 s;

		sha512(whole, bytes, size);
		for (size_t cut = 0; cut <= size; cut += 1 + size / 40) {
			sha512_begin(&s);
			sha512_add(&s, bytes, cut);
			sha512_add(&s, bytes + cut, (size - cut) / 2);
			sha512_add(&s, bytes + cut + (size - cut) / 2,
				size - cut - (size - cut) / 2);
			sha512_end(&s, pieces, SHA512_SIZE);
			assert_memory_equal(pieces, whole, sizeof(whole));
		}
	}
}

static void sha512_end_gives_the_first_bytes_and_wipes_all(void **state)
{
	static const struct sha512 nothing;
	uint8_t digest[SHA512_SIZE];
	uint8_t half[SHA512_SIZE / 2];
	struct sha512 s;

	(void)state;
	sha512(digest, "abc", 3);
	sha512_begin(&s);
	sha512_add(&s, "abc", 3);
	sha512_end(&s, half, 32);
	assert_memory_equal(half, digest, sizeof(half));
	assert_memory_equal(s.state, nothing.state, sizeof(s.state));
	assert_memory_equal(s.block, nothing.block, sizeof(s.block));
	assert_int_equal(s.size, 0);
}

/* 2^61 bytes, as if they had been added, are 2^64 bits: 1 << 64. */
static void sha512_counts_more_bits_than_64_bits_hold(void **state)
{
	uint8_t padding[SHA512_BLOCK_SIZE] = { 0x80, [119] = 1 };
	uint8_t digest[SHA512_SIZE];
	struct sha512 s, padded;

	(void)state;
	sha512_begin(&padded);
	sha512_add(&padded, padding, sizeof(padding));
	sha512_begin(&s);
	s.size = (uint64_t)1 << 61;
	sha512_end(&s, digest, sizeof(digest));
	for (int i = 0; i < 64; i++)
		assert_int_equal(digest[i],
			padded.state[i / 8] >> (56 - i % 8 * 8) & 255);
}

static void hmac_matches_rfc4231(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rfc4231) / sizeof(rfc4231[0]); i++) {
		uint8_t key[256], message[256], tag[SHA512_SIZE];
		size_t key_size = hex_bytes(key, sizeof(key), rfc4231[i].key);
		size_t size =
			hex_bytes(message, sizeof(message), rfc4231[i].message);

		hmac_sha512(tag, key, key_size, message, size);
		assert_hex(tag, strlen(rfc4231[i].tag) / 2, rfc4231[i].tag);
	}
}

/* A key of one block is used as it is, one of a byte more is hashed. */
static void hmac_follows_its_definition_around_one_block(void **state)
{
	uint8_t key[SHA512_BLOCK_SIZE + 1], pad[SHA512_BLOCK_SIZE];
	uint8_t tag[SHA512_SIZE], wanted[SHA512_SIZE];
	struct sha512 s;

	(void)state;
	memset(key, 7, sizeof(key));
	memset(pad, 7 ^ 0x36, sizeof(pad));
	sha512_begin(&s);
	sha512_add(&s, pad, sizeof(pad));
	sha512_add(&s, "text", 4);
	sha512_end(&s, wanted, sizeof(wanted));
	memset(pad, 7 ^ 0x5c, sizeof(pad));
	sha512_begin(&s);
	sha512_add(&s, pad, sizeof(pad));
	sha512_add(&s, wanted, sizeof(wanted));
	sha512_end(&s, wanted, sizeof(wanted));
	hmac_sha512(tag, key, SHA512_BLOCK_SIZE, "text", 4);
	assert_memory_equal(tag, wanted, sizeof(tag));
	hmac_sha512(tag, key, sizeof(key), "text", 4);
	sha512(pad, key, sizeof(key));
	hmac_sha512(wanted, pad, SHA512_SIZE, "text", 4);
	assert_memory_equal(tag, wanted, sizeof(tag));
}

/* Wycheproof, hkdf_sha512_test.json, 10 and 23: less and more than a block. */
static const struct {
	const char *secret, *salt, *info, *wanted;
} hkdf_vectors[] = {
	{ "c360e16084cfd13cb44b0dc02d8665de",
		"685ac7df93701d6c78babd847861bb3c",
		"e0ddfaaaa7afb53f59a007a205c7149b5b5a72be",
		"17408c6f8dd7eb8423758ce39a91b59020f7debe" },
	{ "d04f44faa4542b34f958d8a863801f2c", "-",
		"ff6b5b655cbf2421a66d2f28408395a2ce57264f76bd60befd51cbfd9474"
		"faa47a97a9aa0f0e4338635633023cb36da12a3051f1f369355b687304e7"
		"4c5218b315",
		"76ebb3133cbf07afb653393bea4e4ecdab9d8e8fcc5e79e67d5346312ce9"
		"e46e937b3393170b811e25f7621923f74e519b604ae2b9884fe2d7202782"
		"ee9e20100f95341d8b6ff1f39db23bab7b7edcd6" },
};

static void hkdf_matches_wycheproof(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		uint8_t secret[100], salt[100], info[100], out[100];
		uint8_t key[SHA512_SIZE];
		size_t size = strlen(hkdf_vectors[i].wanted) / 2;
		size_t secret_size = hex_bytes(
			secret, sizeof(secret), hkdf_vectors[i].secret);
		size_t salt_size =
			hex_bytes(salt, sizeof(salt), hkdf_vectors[i].salt);
		size_t info_size =
			hex_bytes(info, sizeof(info), hkdf_vectors[i].info);

		hmac_sha512(key, salt, salt_size, secret, secret_size);
		hkdf_sha512_expand(out, size, key, info, info_size);
		assert_hex(out, size, hkdf_vectors[i].wanted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha512_matches_published_digests),
		cmocka_unit_test(sha512_does_not_see_where_pieces_end),
		cmocka_unit_test(
			sha512_end_gives_the_first_bytes_and_wipes_all),
		cmocka_unit_test(sha512_counts_more_bits_than_64_bits_hold),
		cmocka_unit_test(hmac_matches_rfc4231),
		cmocka_unit_test(hkdf_matches_wycheproof),
		cmocka_unit_test(hmac_follows_its_definition_around_one_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
