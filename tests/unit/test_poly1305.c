/* SPDX-License-Identifier: ISC */
/*
 * Poly1305 alone, where its sums meet 2^128 and 2^130 - 5: no key of the whole
 * AEAD is known that leads there.  RFC 8439, section A.3, vectors 7 to 11; then
 * a sum of exactly 2^130 - 5, and one whose reduction carries once more.
 */
#define chacha20_poly1305_seal poly1305_seal
#define chacha20_poly1305_open poly1305_open
#include "crypto/chacha20_poly1305.c"
#include "tests/unit/hex.h"

static const struct {
	uint8_t r;
	uint8_t s; /* all 16 bytes of s */
	const char *message;
	const char *tag;
} vectors[] = {
	{ 2, 0, "ffffffffffffffffffffffffffffffff",
		"03000000000000000000000000000000" },
	{ 2, 0xff, "02000000000000000000000000000000",
		"03000000000000000000000000000000" },
	{ 1, 0,
		"fffffffffffffffffffffffffffffffff0ffffffffffffffffffffffffffff"
		"ff11000000000000000000000000000000",
		"05000000000000000000000000000000" },
	{ 1, 0,
		"fffffffffffffffffffffffffffffffffbfefefefefefefefefefefefefefe"
		"fe01010101010101010101010101010101",
		"00000000000000000000000000000000" },
	{ 2, 0, "fdffffffffffffffffffffffffffffff",
		"faffffffffffffffffffffffffffffff" },
	{ 1, 0,
		"fbffffffffffffffffffffffffffffff000000000000000000000000000000"
		"0000000000000000000000000000000000",
		"00000000000000000000000000000000" },
	{ 1, 0,
		"ffffffffffffffffffffffffffffffff000000000000000000000000000000"
		"0000000000000000000000000000000000ffffffffffffffffffffffffffff"
		"ffff0000000000000000000000000000000000000000000000000000000000"
		"000000",
		"08000000000000000000000000000000" },
};

static void tags_at_the_edges_are_right(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		uint8_t key[32] = { vectors[i].r };
		uint8_t message[96], tag[16];
		struct reader part[3] = { { 0 } };
		size_t size =
			hex_bytes(message, sizeof(message), vectors[i].message);

		memset(key + 16, vectors[i].s, 16);
		part[1] = reader_over(message, size);
		poly1305(tag, key, part);
		assert_hex(tag, sizeof(tag), vectors[i].tag);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tags_at_the_edges_are_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
