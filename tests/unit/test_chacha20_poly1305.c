/* SPDX-License-Identifier: ISC */
/* The AEAD of RFC 8439: its vectors, every size, every byte forged. */
#include "crypto/crypto.h"
#include "tests/unit/hex.h"

/* RFC 8439, section 2.8.2 and appendix A.5. */
static const struct {
	const char *key;
	const char *nonce;
	const char *ad;
	const char *text;
	const char *sealed;
} rfc8439[] = {
	{ "808182838485868788898a8b8c8d8e8f909192939495969798999a9b"
	  "9c9d9e9f",
		"070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
		"4c616469657320616e642047656e746c656d656e206f662074686520"
		"636c617373206f66202739393a204966204920636f756c64206f6666"
		"657220796f75206f6e6c79206f6e652074697020666f722074686520"
		"6675747572652c2073756e73637265656e20776f756c642062652069"
		"742e",
		"d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a7"
		"36ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b29"
		"05d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4"
		"fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b"
		"61161ae10b594f09e26a7e902ecbd0600691" },
	{ "1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc"
	  "207075c0",
		"000000000102030405060708", "f33388860000000000004e91",
		"496e7465726e65742d4472616674732061726520647261667420646f"
		"63756d656e74732076616c696420666f722061206d6178696d756d20"
		"6f6620736978206d6f6e74687320616e64206d617920626520757064"
		"617465642c207265706c616365642c206f72206f62736f6c65746564"
		"206279206f7468657220646f63756d656e747320617420616e792074"
		"696d652e20497420697320696e617070726f70726961746520746f20"
		"75736520496e7465726e65742d447261667473206173207265666572"
		"656e6365206d6174657269616c206f7220746f206369746520746865"
		"6d206f74686572207468616e206173202fe2809c776f726b20696e20"
		"70726f67726573732e2fe2809d",
		"64a0861575861af460f062c79be643bd5e805cfd345cf389f108670a"
		"c76c8cb24c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100"
		"d4f03b7f355894cf332f830e710b97ce98c8a84abd0b948114ad176e"
		"008d33bd60f982b1ff37c8559797a06ef4f0ef61c186324e2b350638"
		"3606907b6a7c02b0f9f6157b53c867e4b9166c767b804d46a59b5216"
		"cde7a4e99040c5a40433225ee282a1b0a06c523eaf4534d7f83fa115"
		"5b0047718cbc546a0d072b04b3564eea1b422273f548271a0bb23160"
		"53fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a10"
		"49e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d"
		"6c6f2c29a6ad5cb4022b02709beead9d67890cbb22392336fea1851f"
		"38" },
};

static void seal_and_open_match_rfc8439(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rfc8439) / sizeof(rfc8439[0]); i++) {
		uint8_t key[32], ad[64], text[512], out[512], back[512];
		struct chacha20_poly1305 c = { .key = key, .ad = ad };
		size_t size;

		(void)hex_bytes(key, sizeof(key), rfc8439[i].key);
		(void)hex_bytes(c.nonce, sizeof(c.nonce), rfc8439[i].nonce);
		c.ad_size = hex_bytes(ad, sizeof(ad), rfc8439[i].ad);
		size = hex_bytes(text, sizeof(text), rfc8439[i].text);
		chacha20_poly1305_seal(&c, out, text, size);
		assert_hex(out, size + 16, rfc8439[i].sealed);
		assert_true(chacha20_poly1305_open(&c, back, out, size + 16));
		assert_memory_equal(back, text, size);
	}
}

static void every_size_opens_in_place_and_no_forgery_does(void **state)
{
	uint8_t key[32], ad[40], text[600], out[616], back[616];
	struct chacha20_poly1305 c = { .key = key, .ad = ad };
	uint64_t seed = 3;

	(void)state;
	hex_random(&seed, key, sizeof(key));
	hex_random(&seed, ad, sizeof(ad));
	hex_random(&seed, text, sizeof(text));
	for (size_t size = 0; size <= sizeof(text); size++) {
		size_t at = size * 7 % (size + 16);

		c.ad_size = size % sizeof(ad);
		memcpy(out, text, size);
		chacha20_poly1305_seal(&c, out, out, size);
		hex_flip(&out[at], size % 8);
		memset(back, 0xee, sizeof(back));
		assert_false(chacha20_poly1305_open(&c, back, out, size + 16));
		for (size_t i = 0; i < sizeof(back); i++)
			assert_int_equal(back[i], 0xee);
		hex_flip(&out[at], size % 8);
		assert_true(chacha20_poly1305_open(&c, out, out, size + 16));
		assert_memory_equal(out, text, size);
	}
}

static void each_flipped_bit_and_each_cut_is_refused(void **state)
{
	uint8_t key[32] = { 1 }, ad[5] = { 2 }, out[36], back[36];
	struct chacha20_poly1305 c = { key, { 3 }, ad, sizeof(ad) };

	(void)state;
	chacha20_poly1305_seal(
		&c, out, (const uint8_t *)"twenty bytes of text", 20);
	for (size_t bit = 0; bit < 8 * sizeof(out); bit++) {
		hex_flip(out, bit);
		assert_false(
			chacha20_poly1305_open(&c, back, out, sizeof(out)));
		hex_flip(out, bit);
	}
	for (size_t size = 0; size < sizeof(out); size++)
		assert_false(chacha20_poly1305_open(&c, back, out, size));
	for (size_t bit = 0; bit < 8 * sizeof(ad); bit++) {
		hex_flip(ad, bit);
		assert_false(
			chacha20_poly1305_open(&c, back, out, sizeof(out)));
		hex_flip(ad, bit);
	}
	c.ad_size--;
	assert_false(chacha20_poly1305_open(&c, back, out, sizeof(out)));
	c.ad_size++;
	assert_true(chacha20_poly1305_open(&c, back, out, sizeof(out)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seal_and_open_match_rfc8439),
		cmocka_unit_test(every_size_opens_in_place_and_no_forgery_does),
		cmocka_unit_test(each_flipped_bit_and_each_cut_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
