/* SPDX-License-Identifier: ISC */
/* Noise NN and NNpsk0: published vectors; messages replayed, moved, and cut. */
#include "crypto/crypto.h"
#include "tests/unit/forge.h"
#include "tests/unit/hex.h"

/* cacophony's vectors; messages alternate, the first is the initiator's. */
static const struct {
	const char *psk;
	const char *prologue;
	const char *ephemeral[2];
	const char *hash;
	const char *messages[6][2];
} published[] = {
	{ NULL, "4a6f686e2047616c74",
		{ "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a"
		  "6b0569da977c464a",
			"bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7"
			"793d5e63da6b375b" },
		"ecef70ee0ad29e5c2838ff00354b99af6c1b630a73d66271"
		"0a50a3e3f0741c62af0416208e9bba27b697f56e99929d85"
		"62869264f0143791331bdc47c2c895a8",
		{
			{ "4c756477696720766f6e204d69736573",
				"ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a6"
				"1f"
				"879f8e3afa4c79444c756477696720766f6e204d697365"
				"73" },
			{ "4d757272617920526f746862617264",
				"95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec"
				"5b"
				"e34069f144808843a4b5da00b0bf707701c15f5f54d13d"
				"fa"
				"a53404c812aaac98d55e2a9463bb94" },
			{ "462e20412e20486179656b", "7cc120945f3d00ce194bc60172"
						    "accedcc168607551c226ef"
						    "02e602" },
			{ "4361726c204d656e676572", "09adc97d36e5b47f3b81bebd19"
						    "20595e9480f450af4e71df"
						    "38babf" },
			{ "4a65616e2d426170746973746520536179",
				"c5829c1e26ce3c64118a83db0d71c7d164cc64681ada52"
				"4a"
				"46e6ec45b8a434cd55" },
			{ "457567656e2042f6686d20766f6e2042617765726b",
				"de3b8b4d2785222a15ba1f70ab6fd12b2a76cd7c26242a"
				"00"
				"e2488c513020f479c721d5cd74" },
		} },
	{ "54686973206973206d7920417573747269616e2070657273"
	  "7065637469766521",
		"4a6f686e2047616c74",
		{ "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a"
		  "6b0569da977c464a",
			"bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7"
			"793d5e63da6b375b" },
		"20747c2d6e39075ff1d468a0cc43a29f59217d41032e0933"
		"41739713acf575f27fa3d47c4960cae660f07de84ac45042"
		"9d9db318cd49fb2fe1625933f298828c",
		{
			{ "4c756477696720766f6e204d69736573",
				"ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a6"
				"1f"
				"879f8e3afa4c7944d6950b5145b4067a58a0692dc0f114"
				"b3"
				"68c3769275d30efc88c48aeaa82a91b2" },
			{ "4d757272617920526f746862617264",
				"95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec"
				"5b"
				"e34069f144808843270979b50a80b94def87f09f53e040"
				"7d"
				"cfdbcf99daa2ff53ae7cf8b356ec1e" },
			{ "462e20412e20486179656b", "ee068282e99e581b2cc395353e"
						    "40df23a62b4d3f171e51be"
						    "36f9be" },
			{ "4361726c204d656e676572", "9de46567c24635ad9a0c747423"
						    "40b850e4f347ee5784c791"
						    "15e36f" },
			{ "4a65616e2d426170746973746520536179",
				"7ac5e36fb474838f58adb69bc00b1c5297033f429d8196"
				"36"
				"fcbbd66a9c2cfdef29" },
			{ "457567656e2042f6686d20766f6e2042617765726b",
				"760415b528bc3ae7638ae2e999b30db6bb200dd4b437a5"
				"3b"
				"44bbe64994d27b54731066bfa4" },
		} },
};

static const uint8_t secret_of[2][NOISE_KEY_SIZE] = { { 8 }, { 16 } };
static const uint8_t room_psk[NOISE_KEY_SIZE] = { 3 };

struct link {
	struct noise n[2]; /* the initiator's, the responder's */
	uint8_t message[2][128];
	size_t size[2];
	struct noise_cipher send[2];
	struct noise_cipher receive[2];
	uint8_t hash[2][NOISE_HASH_SIZE];
};

static void link_begin(struct link *l, const uint8_t *psk)
{
	noise_start(&l->n[0], true, psk, "prologue", 8);
	noise_start(&l->n[1], false, psk, "prologue", 8);
}

/* Bytes by which its next message is longer than the payload. */
static size_t overhead(const struct noise *n)
{
	return n->psk || n->message == 2 ? 48 : 32;
}

/* Side i writes "hi" as message i. */
static void link_write(struct link *l, int i)
{
	l->size[i] = 2 + overhead(&l->n[i]);
	assert_true(noise_write(&l->n[i], secret_of[i], l->message[i],
		(const uint8_t *)"hi", 2));
}

/* Side i reads the first `size` bytes of the message of side `from`. */
static bool link_read(struct link *l, int i, int from, size_t size)
{
	uint8_t payload[128] = { 0 };

	return noise_read(&l->n[i], payload, l->message[from], size) &&
	       memcmp(payload, "hi", 2) == 0;
}

static void link_open(struct link *l, const uint8_t *psk)
{
	link_begin(l, psk);
	link_write(l, 0);
	assert_true(link_read(l, 1, 0, l->size[0]));
	link_write(l, 1);
	assert_true(link_read(l, 0, 1, l->size[1]));
	for (int i = 0; i < 2; i++)
		noise_split(&l->n[i], &l->send[i], &l->receive[i], l->hash[i]);
	assert_memory_equal(l->hash[0], l->hash[1], NOISE_HASH_SIZE);
}

static void check_published(size_t v)
{
	uint8_t psk[32], prologue[64], ephemeral[2][32], in[64], out[128];
	uint8_t back[128];
	struct link l;
	size_t size =
		hex_bytes(prologue, sizeof(prologue), published[v].prologue);

	if (published[v].psk != NULL)
		(void)hex_bytes(psk, sizeof(psk), published[v].psk);
	for (int i = 0; i < 2; i++) {
		(void)hex_bytes(ephemeral[i], 32, published[v].ephemeral[i]);
		noise_start(&l.n[i], i == 0,
			published[v].psk == NULL ? NULL : psk, prologue, size);
	}
	for (int m = 0; m < 6; m++) {
		int from = m % 2;

		size = hex_bytes(in, sizeof(in), published[v].messages[m][0]);
		if (m < 2) {
			size_t sealed = size + overhead(&l.n[from]);

			assert_true(noise_write(
				&l.n[from], ephemeral[from], out, in, size));
			assert_hex(out, sealed, published[v].messages[m][1]);
			assert_true(
				noise_read(&l.n[1 - from], back, out, sealed));
		} else {
			noise_encrypt(&l.send[from], out, in, size);
			assert_hex(out, size + NOISE_TAG_SIZE,
				published[v].messages[m][1]);
			assert_true(noise_decrypt(&l.receive[1 - from], back,
				out, size + NOISE_TAG_SIZE));
		}
		assert_memory_equal(back, in, size);
		for (int i = 0; m == 1 && i < 2; i++) {
			noise_split(
				&l.n[i], &l.send[i], &l.receive[i], l.hash[i]);
			assert_hex(
				l.hash[i], NOISE_HASH_SIZE, published[v].hash);
		}
	}
}

static void both_patterns_match_published_vectors(void **state)
{
	(void)state;
	for (size_t v = 0; v < sizeof(published) / sizeof(published[0]); v++)
		check_published(v);
}

static void abuse_27_handshakes_cut_at_every_length_are_refused(void **state)
{
	struct link l, copy;

	(void)state;
	link_begin(&l, room_psk);
	link_write(&l, 0);
	for (size_t size = 0; size < l.size[0]; size++) {
		copy = l;
		assert_false(link_read(&copy, 1, 0, size));
	}
	assert_true(link_read(&l, 1, 0, l.size[0]));
	link_write(&l, 1);
	for (size_t size = 0; size < l.size[1]; size++) {
		copy = l;
		assert_false(link_read(&copy, 0, 1, size));
	}
	assert_true(link_read(&l, 0, 1, l.size[1]));
}

/*
 * NN does not protect message 1: a changed one shows in the second, since the
 * hashes differ.  The highest bit of e is hashed, too.
 */
static void abuse_34_each_flipped_byte_of_a_handshake_is_refused(void **state)
{
	enum { FIRST = 2 + 32, SECOND = 2 + 48 };

	(void)state;
	for (size_t at = 0; at < FIRST + SECOND; at++) {
		struct link l;
		uint8_t payload[128];

		link_begin(&l, NULL);
		link_write(&l, 0);
		if (at < FIRST)
			hex_flip(&l.message[0][at], at % 8);
		assert_true(
			noise_read(&l.n[1], payload, l.message[0], l.size[0]));
		link_write(&l, 1);
		if (at >= FIRST)
			hex_flip(&l.message[1][at - FIRST], at % 8);
		assert_false(link_read(&l, 0, 1, l.size[1]));
	}
}

static void abuse_27_replayed_and_reflected_handshakes_are_refused(void **state)
{
	struct link l, other;

	(void)state;
	link_begin(&l, room_psk);
	link_write(&l, 0);
	other = l;
	/* The initiator gets its own message back. */
	assert_false(link_read(&other, 0, 0, other.size[0]));
	/* An old message 1 opens, and leads to a link nobody else can use. */
	assert_true(link_read(&l, 1, 0, l.size[0]));
	link_write(&l, 1);
	other = l;
	noise_start(&other.n[0], true, room_psk, "prologue", 8);
	assert_true(noise_write(&other.n[0], secret_of[1], other.message[0],
		(const uint8_t *)"hi", 2));
	/* An old message 2 does not answer a new message 1. */
	assert_false(link_read(&other, 0, 1, other.size[1]));
}

static void another_psk_prologue_or_pattern_is_refused(void **state)
{
	static const uint8_t other_psk[NOISE_KEY_SIZE] = { 4 };
	struct link l;

	(void)state;
	link_begin(&l, room_psk);
	link_write(&l, 0);
	noise_start(&l.n[1], false, other_psk, "prologue", 8);
	assert_false(link_read(&l, 1, 0, l.size[0]));
	noise_start(&l.n[1], false, room_psk, "Prologue", 8);
	assert_false(link_read(&l, 1, 0, l.size[0]));
	noise_start(&l.n[1], false, room_psk, "prologue", 8);
	assert_true(link_read(&l, 1, 0, l.size[0]));
	link_begin(&l, NULL);
	link_write(&l, 0);
	noise_start(&l.n[1], false, NULL, "prologue2", 9);
	assert_true(link_read(&l, 1, 0, l.size[0]));
	link_write(&l, 1);
	assert_false(link_read(&l, 0, 1, l.size[1]));
}

/* The other one's second message, whose tag is right; and an honest one. */
static void small_order_is_refused_by_an_initiator(const uint8_t *psk)
{
	static const uint8_t zeros[X25519_SIZE];
	uint8_t point[X25519_SIZE], shared[X25519_SIZE], forged[FORGE_SIZE];
	struct link l;

	for (int n = 0; n < FORGE_POINTS; n++) {
		link_begin(&l, psk);
		link_write(&l, 0);
		forge_point(point, n);
		forge_second(forged, &l.n[0], point, zeros);
		assert_false(noise_read(&l.n[0], NULL, forged, sizeof(forged)));
	}
	link_begin(&l, psk);
	link_write(&l, 0);
	x25519_public(point, secret_of[1]);
	assert_true(x25519(shared, secret_of[1], l.message[0]));
	forge_second(forged, &l.n[0], point, shared);
	assert_true(noise_read(&l.n[0], NULL, forged, sizeof(forged)));
}

static void abuse_28_points_of_small_order_are_refused(void **state)
{
	uint8_t payload[8];
	struct link l;

	(void)state;
	for (int n = 0; n < FORGE_POINTS; n++) {
		link_begin(&l, NULL);
		link_write(&l, 0);
		forge_point(l.message[0], n);
		assert_true(
			noise_read(&l.n[1], payload, l.message[0], l.size[0]));
		assert_false(noise_write(
			&l.n[1], secret_of[1], l.message[1], payload, 0));
	}
	small_order_is_refused_by_an_initiator(NULL);
	small_order_is_refused_by_an_initiator(room_psk);
}

static void abuse_27_frames_replayed_moved_or_cut_are_refused(void **state)
{
	struct link l;
	uint8_t text[3][4 + NOISE_TAG_SIZE], back[sizeof(text[0])];
	size_t size = sizeof(text[0]);

	(void)state;
	link_open(&l, room_psk);
	for (int i = 0; i < 3; i++) {
		memcpy(text[i], "text", 4);
		noise_encrypt(&l.send[0], text[i], text[i], 4);
	}
	assert_false(noise_decrypt(&l.receive[1], back, text[1], size));
	assert_false(noise_decrypt(&l.receive[0], back, text[0], size));
	for (size_t cut = 0; cut < size; cut++)
		assert_false(noise_decrypt(&l.receive[1], back, text[0], cut));
	assert_true(noise_decrypt(&l.receive[1], back, text[0], size));
	assert_memory_equal(back, "text", 4);
	assert_false(noise_decrypt(&l.receive[1], back, text[0], size));
	assert_false(noise_decrypt(&l.receive[1], back, text[2], size));
	assert_true(noise_decrypt(&l.receive[1], back, text[1], size));
	assert_true(noise_decrypt(&l.receive[1], back, text[2], size));
}

static void rekeyed_directions_go_on_together_only(void **state)
{
	struct link l;
	uint8_t text[4 + NOISE_TAG_SIZE] = "text", back[4 + NOISE_TAG_SIZE];
	struct noise_cipher old;

	(void)state;
	link_open(&l, NULL);
	old = l.receive[1];
	noise_rekey(&l.send[0]);
	assert_memory_not_equal(l.send[0].key, old.key, NOISE_KEY_SIZE);
	noise_encrypt(&l.send[0], text, text, 4);
	assert_false(noise_decrypt(&l.receive[1], back, text, sizeof(text)));
	noise_rekey(&l.receive[1]);
	assert_int_equal(l.receive[1].nonce, old.nonce);
	assert_true(noise_decrypt(&l.receive[1], back, text, sizeof(text)));
	assert_memory_equal(back, "text", 4);
	/* The other direction has kept its key. */
	noise_encrypt(&l.send[1], text, back, 4);
	assert_true(noise_decrypt(&l.receive[0], back, text, sizeof(text)));
}

/* The wanted key was computed by another implementation of the AEAD. */
static void rekey_matches_its_definition(void **state)
{
	struct noise_cipher c = { { 9 }, 5 };

	(void)state;
	noise_rekey(&c);
	assert_hex(c.key, NOISE_KEY_SIZE,
		"099231685ef4bcf0ac65097e42949455e2b05ac8edc4f3e88b23fea60704cc"
		"43");
}

/* Even a message that was sealed with the nonce of REKEY. */
static void the_last_nonce_is_never_used(void **state)
{
	struct noise_cipher c = { { 9 }, UINT64_MAX };
	struct chacha20_poly1305 b = { c.key,
		{ 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255 }, NULL,
		0 };
	uint8_t text[4 + NOISE_TAG_SIZE] = "text";

	(void)state;
	chacha20_poly1305_seal(&b, text, text, 4);
	assert_false(noise_decrypt(&c, text, text, sizeof(text)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_patterns_match_published_vectors),
		cmocka_unit_test(
			abuse_27_handshakes_cut_at_every_length_are_refused),
		cmocka_unit_test(
			abuse_34_each_flipped_byte_of_a_handshake_is_refused),
		cmocka_unit_test(
			abuse_27_replayed_and_reflected_handshakes_are_refused),
		cmocka_unit_test(another_psk_prologue_or_pattern_is_refused),
		cmocka_unit_test(abuse_28_points_of_small_order_are_refused),
		cmocka_unit_test(
			abuse_27_frames_replayed_moved_or_cut_are_refused),
		cmocka_unit_test(rekeyed_directions_go_on_together_only),
		cmocka_unit_test(rekey_matches_its_definition),
		cmocka_unit_test(the_last_nonce_is_never_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
