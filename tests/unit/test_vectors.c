/* SPDX-License-Identifier: ISC */
/*
 * The vectors of others, from files: the folder that CHAT_VECTORS names, or
 * ../shared/vectors.  Each file says in its first lines what its columns are;
 * "-" is an empty one.  Then those of Debian's python3-cryptography-vectors.  A
 * file that is not there is a test that is skipped, with a line that says so; one
 * that has not all its vectors has been cut, and fails.
 */
#define chacha20_poly1305_seal vectors_seal
#define chacha20_poly1305_open vectors_unseal
#include "crypto/chacha20_poly1305.c"
#include "tests/unit/hex.h"

enum { LINE_MAX_SIZE = 300000, FIELDS_MAX = 12, BYTES_MAX = 140000 };

#define DEBIAN "/usr/lib/python3/dist-packages/cryptography_vectors"

static char line[LINE_MAX_SIZE];
static char *fields[FIELDS_MAX];
static uint8_t message[BYTES_MAX], out[BYTES_MAX + 64], back[BYTES_MAX];

/* The file; without it, the test is skipped. */
static FILE *vectors_open(const char *folder, const char *name)
{
	char path[1000];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "re");
	if (file == NULL) {
		(void)printf("SKIPPED, NOT TESTED: there is no %s\n", path);
		skip();
	}
	return file;
}

static FILE *shared_open(const char *name)
{
	const char *folder = getenv("CHAT_VECTORS");

	return vectors_open(
		folder == NULL ? "../shared/vectors" : folder, name);
}

/* The next line that says something, cut at `separators`; 0 at the end. */
static int next_line(FILE *file, const char *separators)
{
	while (fgets(line, sizeof(line), file) != NULL) {
		int count = 0;
		char *at = line;

		if (line[0] == '#' || line[strspn(line, " \r\n")] == '\0')
			continue;
		assert_non_null(strchr(line, '\n'));
		line[strcspn(line, "\r\n")] = '\0';
		while (at != NULL && count < FIELDS_MAX) {
			fields[count++] = at;
			at = strpbrk(at, separators);
			if (at != NULL)
				*at++ = '\0';
		}
		return count;
	}
	return 0;
}

/* All vectors of the file have been counted, or left out. */
static void done(FILE *file, const char *kind, int count, int wanted)
{
	(void)printf("%d vectors of %s\n", count, kind);
	assert_int_equal(count, wanted);
	assert_int_equal(fclose(file), 0);
}

static bool says(const char *field, const char *word)
{
	return strcmp(field, word) == 0;
}

/* id result public-key message signature flags */
static void ed25519_wycheproof(void **state)
{
	FILE *file = shared_open("ed25519_wycheproof.txt");
	int count = 0;

	(void)state;
	for (; next_line(file, " ") >= 5; count++) {
		uint8_t key[32], signature[300];
		size_t size = hex_bytes(message, sizeof(message), fields[3]);
		bool whole = hex_bytes(signature, sizeof(signature),
				     fields[4]) == 64 &&
			     hex_bytes(key, sizeof(key), fields[2]) == 32;

		/* Of another size it would not reach the function. */
		assert_true(says(fields[1], "valid") ==
			    (whole && ed25519_verify_vartime(
					      signature, key, message, size)));
	}
	done(file, "ed25519 (Wycheproof)", count, 151);
}

/* case verdict public-key message signature */
static void ed25519_speccheck(void **state)
{
	FILE *file = shared_open("ed25519_speccheck.txt");
	int count = 0;

	(void)state;
	for (; next_line(file, " ") >= 5; count++) {
		uint8_t key[32], signature[64];
		size_t size = hex_bytes(message, sizeof(message), fields[3]);

		(void)hex_bytes(key, sizeof(key), fields[2]);
		(void)hex_bytes(signature, sizeof(signature), fields[4]);
		assert_true(
			says(fields[1], "accept") ==
			ed25519_verify_vartime(signature, key, message, size));
	}
	done(file, "ed25519 (speccheck)", count, 12);
}

/* id result public private shared flags */
static void x25519_wycheproof(void **state)
{
	FILE *file = shared_open("x25519_wycheproof.txt");
	int count = 0;

	(void)state;
	for (; next_line(file, " ") >= 5; count++) {
		static const uint8_t zeros[32];
		uint8_t point[32], scalar[32], shared[32];
		bool nonzero;

		(void)hex_bytes(point, sizeof(point), fields[2]);
		(void)hex_bytes(scalar, sizeof(scalar), fields[3]);
		nonzero = x25519(shared, scalar, point);
		assert_hex(shared, sizeof(shared), fields[4]);
		assert_true(nonzero == (memcmp(shared, zeros, 32) != 0));
	}
	done(file, "x25519 (Wycheproof)", count, 518);
}

/* id result key nonce aad message ciphertext tag flags */
static void chacha20_poly1305_wycheproof(void **state)
{
	FILE *file = shared_open("chacha20_poly1305_wycheproof.txt");
	int count = 0;
	int left_out = 0;

	(void)state;
	while (next_line(file, " ") >= 8) {
		uint8_t key[32], ad[1000], sealed[5000];
		struct chacha20_poly1305 c = { .key = key, .ad = ad };
		size_t size = hex_bytes(message, sizeof(message), fields[5]);
		bool valid = says(fields[1], "valid");

		if (strlen(fields[3]) != 24) {
			left_out++;
			continue;
		}
		(void)hex_bytes(key, sizeof(key), fields[2]);
		(void)hex_bytes(c.nonce, sizeof(c.nonce), fields[3]);
		c.ad_size = hex_bytes(ad, sizeof(ad), fields[4]);
		assert_int_equal(
			hex_bytes(sealed, sizeof(sealed), fields[6]), size);
		assert_int_equal(hex_bytes(sealed + size, 16, fields[7]), 16);
		assert_true(valid == chacha20_poly1305_open(
					     &c, back, sealed, size + 16));
		chacha20_poly1305_seal(&c, out, message, size);
		assert_true(valid == (memcmp(out, sealed, size + 16) == 0));
		count++;
	}
	(void)printf(
		"%d left out, whose nonces are not of 12 bytes\n", left_out);
	assert_int_equal(left_out, 9);
	done(file, "chacha20_poly1305 (Wycheproof)", count, 316);
}

/* id result tag-bits key message tag */
static void hmac_wycheproof(void **state)
{
	FILE *file = shared_open("hmac_sha512_wycheproof.txt");
	int count = 0;

	(void)state;
	for (; next_line(file, " ") >= 6; count++) {
		uint8_t key[1000], tag[SHA512_SIZE], wanted[SHA512_SIZE];
		size_t key_size = hex_bytes(key, sizeof(key), fields[3]);
		size_t size = hex_bytes(message, sizeof(message), fields[4]);
		size_t tag_size = hex_bytes(wanted, sizeof(wanted), fields[5]);

		hmac_sha512(tag, key, key_size, message, size);
		assert_true(says(fields[1], "valid") ==
			    (memcmp(tag, wanted, tag_size) == 0));
	}
	done(file, "hmac_sha512 (Wycheproof)", count, 174);
}

/* id result size ikm salt info okm */
static void hkdf_wycheproof(void **state)
{
	FILE *file = shared_open("hkdf_sha512_wycheproof.txt");
	int count = 0;

	(void)state;
	for (; next_line(file, " ") >= 7; count++) {
		uint8_t salt[1000], key[SHA512_SIZE], info[1000];
		size_t size = strtoul(fields[2], NULL, 10);
		size_t secret_size =
			hex_bytes(message, sizeof(message), fields[3]);
		size_t salt_size = hex_bytes(salt, sizeof(salt), fields[4]);
		size_t info_size = hex_bytes(info, sizeof(info), fields[5]);

		/* The invalid ones ask for too much, which would abort. */
		assert_true(
			says(fields[1], "valid") == (size <= HKDF_SHA512_MAX));
		if (size > HKDF_SHA512_MAX)
			continue;
		hmac_sha512(key, salt, salt_size, message, secret_size);
		hkdf_sha512_expand(out, size, key, info, info_size);
		assert_hex(out, size, fields[6]);
	}
	done(file, "hkdf_sha512 (Wycheproof)", count, 83);
}

/* name hex */
static void cpace_draft(void **state)
{
	FILE *file = shared_open("cpace_x25519_sha512.txt");
	static const char *const names[] = { "PRS", "CI", "sid", "ADa", "ADb",
		"ya", "yb", "Ya", "Yb", "ISK_IR" };
	static uint8_t bytes[10][100];
	size_t sizes[10] = { 0 };
	struct cpace c;
	uint8_t key[CPACE_KEY_SIZE];
	int points = 0;

	(void)state;
	while (next_line(file, " ") == 2) {
		for (int i = 0; i < 10; i++)
			if (says(fields[0], names[i]))
				sizes[i] = hex_bytes(bytes[i], 100, fields[1]);
		if (strncmp(fields[0], "invalid_y_", 10) != 0)
			continue;
		/* The draft's list has points of large order from 8 on, and 6. */
		memset(&c, 0, sizeof(c));
		(void)hex_bytes(c.share[1], 32, fields[1]);
		assert_true(cpace_key(key, &c, 0, bytes[5]) ==
			    (strtol(fields[0] + 10, NULL, 10) >= 8 ||
				    says(fields[0], "invalid_y_6")));
		points++;
	}
	for (int i = 0; i < 10; i++)
		assert_true(sizes[i] > 0);
	c.password = (struct cpace_bytes){ bytes[0], sizes[0] };
	c.channel = (struct cpace_bytes){ bytes[1], sizes[1] };
	c.session = (struct cpace_bytes){ bytes[2], sizes[2] };
	for (int i = 0; i < 2; i++) {
		cpace_share(&c, i, bytes[5 + i]);
		assert_memory_equal(c.share[i], bytes[7 + i], 32);
		c.ad[i] = (struct cpace_bytes){ bytes[3 + i], sizes[3 + i] };
	}
	for (int i = 0; i < 2; i++) {
		assert_true(cpace_key(key, &c, i, bytes[5 + i]));
		assert_memory_equal(key, bytes[9], sizeof(key));
	}
	done(file, "cpace (draft), points included", 1 + points, 13);
}

/* What a handshake of the file begins with, and how far it has come. */
struct handshake {
	uint8_t ephemeral[2][32];
	uint8_t prologue[100];
	size_t prologue_size;
	uint8_t psk[32];
	bool has_psk;
	char hash[2 * NOISE_HASH_SIZE + 1];
	struct noise n[2];
	struct noise_cipher send[2], receive[2];
	int messages;
};

static void handshake_set(
	struct handshake *h, const char *name, const char *hex)
{
	if (says(name, "init_prologue"))
		h->prologue_size = hex_bytes(h->prologue, 100, hex);
	else if (says(name, "init_ephemeral"))
		(void)hex_bytes(h->ephemeral[0], 32, hex);
	else if (says(name, "resp_ephemeral"))
		(void)hex_bytes(h->ephemeral[1], 32, hex);
	else if (says(name, "handshake_hash"))
		(void)snprintf(h->hash, sizeof(h->hash), "%s", hex);
	else if (says(name, "init_psks"))
		h->has_psk = hex_bytes(h->psk, 32, hex) == 32;
}

static void handshake_split(struct handshake *h)
{
	for (int i = 0; i < 2; i++) {
		uint8_t hash[NOISE_HASH_SIZE];

		noise_split(&h->n[i], &h->send[i], &h->receive[i], hash);
		if (h->hash[0] != '\0')
			assert_hex(hash, sizeof(hash), h->hash);
	}
}

static void handshake_message(
	struct handshake *h, const char *plain, const char *sealed)
{
	int from = h->messages % 2;
	size_t size = hex_bytes(message, sizeof(message), plain);
	size_t sealed_size = strlen(sealed) / 2;

	for (int i = 0; h->messages == 0 && i < 2; i++)
		noise_start(&h->n[i], i == 0, h->has_psk ? h->psk : NULL,
			h->prologue, h->prologue_size);
	if (h->messages < 2) {
		assert_true(noise_write(
			&h->n[from], h->ephemeral[from], out, message, size));
		assert_hex(out, sealed_size, sealed);
		assert_true(
			noise_read(&h->n[1 - from], back, out, sealed_size));
	} else {
		noise_encrypt(&h->send[from], out, message, size);
		assert_hex(out, sealed_size, sealed);
		assert_true(noise_decrypt(
			&h->receive[1 - from], back, out, sealed_size));
	}
	assert_memory_equal(back, message, size);
	if (++h->messages == 2)
		handshake_split(h);
}

/* protocol, then name hex, then lines of message plain sealed */
static void noise_published(void **state)
{
	FILE *file = shared_open("noise.txt");
	struct handshake h;
	int count = 0;
	int messages = 0;
	int columns;

	(void)state;
	memset(&h, 0, sizeof(h));
	while ((columns = next_line(file, " ")) >= 2) {
		if (says(fields[0], "protocol")) {
			memset(&h, 0, sizeof(h));
			count++;
		} else if (says(fields[0], "message")) {
			handshake_message(&h, columns == 3 ? fields[1] : "-",
				fields[columns - 1]);
			messages++;
		} else {
			handshake_set(&h, fields[0], fields[1]);
		}
	}
	assert_int_equal(messages, 16);
	done(file, "noise (cacophony, snow)", count, 3);
}

/* seed + public key : public key : message : signature + message : */
static void ed25519_debian(void **state)
{
	FILE *file = vectors_open(DEBIAN, "asymmetric/Ed25519/sign.input");
	int count = 0;

	(void)state;
	for (; next_line(file, ":") >= 4; count++) {
		uint8_t seed[64], signature[64];
		struct ed25519_key key;
		size_t size = hex_bytes(message, sizeof(message), fields[2]);

		(void)hex_bytes(seed, sizeof(seed), fields[0]);
		ed25519_key_from_seed(&key, seed);
		assert_memory_equal(key.public_key, seed + 32, 32);
		ed25519_sign(signature, &key, message, size);
		fields[3][128] = '\0';
		assert_hex(signature, sizeof(signature), fields[3]);
		assert_true(ed25519_verify_vartime(
			signature, key.public_key, message, size));
	}
	done(file, "ed25519 (Bernstein's sign.input)", count, 1024);
}

/* Debian's lines are: name = hex, or, where there is no `to`, a number. */
struct input {
	const char *name;
	uint8_t *to;
	size_t capacity;
	size_t size; /* of what was read, or the number */
};

/* Reads until the last of these names has come; false at the file's end. */
static bool debian_next(FILE *file, struct input *inputs, int count)
{
	int columns;

	while ((columns = next_line(file, " ")) > 0) {
		for (int i = 0; i < count && columns >= 3; i++) {
			struct input *in = &inputs[i];

			if (!says(fields[0], in->name))
				continue;
			in->size = in->to == NULL
					   ? strtoul(fields[2], NULL, 10)
					   : hex_bytes(in->to, in->capacity,
						     fields[2]);
			if (i == count - 1)
				return true;
		}
	}
	return false;
}

static void sha512_debian(const char *name, int wanted)
{
	FILE *file = vectors_open(DEBIAN, name);
	uint8_t md[SHA512_SIZE], digest[SHA512_SIZE];
	struct input in[] = { { "Len", NULL, 0, 0 },
		{ "Msg", message, sizeof(message), 0 },
		{ "MD", md, sizeof(md), 0 } };
	int count = 0;

	for (; debian_next(file, in, 3); count++) {
		sha512(digest, message, in[0].size / 8);
		assert_memory_equal(digest, md, sizeof(md));
	}
	done(file, name, count, wanted);
}

static void sha512_debian_short(void **state)
{
	(void)state;
	sha512_debian("hashes/SHA2/SHA512ShortMsg.rsp", 129);
}

static void sha512_debian_long(void **state)
{
	(void)state;
	sha512_debian("hashes/SHA2/SHA512LongMsg.rsp", 128);
}

/* Each is the 1,000th digest of the three before, from the last one thrice. */
static void sha512_debian_monte(void **state)
{
	FILE *file = vectors_open(DEBIAN, "hashes/SHA2/SHA512Monte.rsp");
	uint8_t three[3][SHA512_SIZE], md[SHA512_SIZE];
	struct input in[] = { { "Seed", three[2], sizeof(three[2]), 0 },
		{ "MD", md, sizeof(md), 0 } };
	int count = 0;

	(void)state;
	for (; debian_next(file, in, 2); count++) {
		memcpy(three[0], three[2], sizeof(three[0]));
		memcpy(three[1], three[2], sizeof(three[1]));
		for (int i = 0; i < 1000; i++) {
			uint8_t digest[SHA512_SIZE];

			sha512(digest, three, sizeof(three));
			memmove(three[0], three[1], 2 * sizeof(three[0]));
			memcpy(three[2], digest, sizeof(three[2]));
		}
		assert_memory_equal(three[2], md, sizeof(md));
	}
	done(file, "sha512 (Monte Carlo)", count, 100);
}

static void hmac_debian(void **state)
{
	FILE *file = vectors_open(DEBIAN, "HMAC/rfc-4231-sha512.txt");
	uint8_t key[256], md[SHA512_SIZE], tag[SHA512_SIZE];
	struct input in[] = { { "Key", key, sizeof(key), 0 },
		{ "Msg", message, sizeof(message), 0 },
		{ "MD", md, sizeof(md), 0 } };
	int count = 0;

	(void)state;
	for (; debian_next(file, in, 3); count++) {
		hmac_sha512(tag, key, in[0].size, message, in[1].size);
		assert_memory_equal(tag, md, in[2].size);
	}
	done(file, "hmac_sha512 (RFC 4231)", count, 6);
}

static void x25519_debian(void **state)
{
	FILE *file = vectors_open(DEBIAN, "asymmetric/X25519/rfc7748.txt");
	uint8_t scalar[32], point[32], wanted[32], shared[32];
	struct input in[] = { { "INPUT_SCALAR", scalar, 32, 0 },
		{ "INPUT_U", point, 32, 0 }, { "OUTPUT_U", wanted, 32, 0 } };
	int count = 0;

	(void)state;
	for (; debian_next(file, in, 3); count++) {
		assert_true(x25519(shared, scalar, point));
		assert_memory_equal(shared, wanted, sizeof(wanted));
	}
	done(file, "x25519 (RFC 7748)", count, 3);
}

static void chacha20_debian(void **state)
{
	FILE *file = vectors_open(DEBIAN, "ciphers/ChaCha20/rfc7539.txt");
	uint8_t key[32], nonce[12];
	struct chacha20_poly1305 c = { .key = key };
	struct input in[] = { { "KEY", key, sizeof(key), 0 },
		{ "NONCE", nonce, sizeof(nonce), 0 },
		{ "INITIAL_BLOCK_COUNTER", NULL, 0, 0 },
		{ "PLAINTEXT", message, sizeof(message), 0 },
		{ "CIPHERTEXT", back, sizeof(back), 0 } };
	int count = 0;

	(void)state;
	for (; debian_next(file, in, 5); count++) {
		memcpy(c.nonce, nonce, sizeof(nonce));
		chacha20_xor(
			&c, (uint32_t)in[2].size, out, message, in[3].size);
		assert_memory_equal(out, back, in[4].size);
	}
	done(file, "chacha20 (RFC 7539)", count, 3);
}

/* In the AEAD there are whole blocks only. */
static void poly1305_debian(void **state)
{
	FILE *file = vectors_open(DEBIAN, "poly1305/rfc7539.txt");
	uint8_t key[32], wanted[16], tag[16];
	struct input in[] = { { "KEY", key, sizeof(key), 0 },
		{ "MSG", message, sizeof(message), 0 },
		{ "TAG", wanted, sizeof(wanted), 0 } };
	int count = 0;
	int left_out = 0;

	(void)state;
	while (debian_next(file, in, 3)) {
		struct reader part[3] = { { 0 } };

		if (in[1].size % 16 != 0) {
			left_out++;
			continue;
		}
		part[1] = reader_over(message, in[1].size);
		poly1305(tag, key, part);
		assert_memory_equal(tag, wanted, sizeof(wanted));
		count++;
	}
	(void)printf("%d left out, of no whole blocks\n", left_out);
	assert_int_equal(left_out, 3);
	done(file, "poly1305 (RFC 7539)", count, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ed25519_wycheproof),
		cmocka_unit_test(ed25519_speccheck),
		cmocka_unit_test(x25519_wycheproof),
		cmocka_unit_test(chacha20_poly1305_wycheproof),
		cmocka_unit_test(hmac_wycheproof),
		cmocka_unit_test(hkdf_wycheproof),
		cmocka_unit_test(cpace_draft),
		cmocka_unit_test(noise_published),
		cmocka_unit_test(ed25519_debian),
		cmocka_unit_test(sha512_debian_short),
		cmocka_unit_test(sha512_debian_long),
		cmocka_unit_test(sha512_debian_monte),
		cmocka_unit_test(hmac_debian),
		cmocka_unit_test(x25519_debian),
		cmocka_unit_test(chacha20_debian),
		cmocka_unit_test(poly1305_debian),
	};

	ed25519_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
