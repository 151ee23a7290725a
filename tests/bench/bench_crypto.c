/* SPDX-License-Identifier: ISC */
/*
 * Speed of crypto/, as lines of: name value unit.  All kinds take turns, round
 * by round, and the median round counts: a busy machine hits them alike.
 */
#include "bench.h"
#include "crypto/crypto.h"
#include "record.h"

enum { ROUNDS = 21, BULK = 16384, RECORDS = 256, PAYLOAD = 60 };

static struct ed25519_key key;
static uint8_t signature[ED25519_SIGNATURE_SIZE];
static struct record_log author;
static uint8_t batch_signature[ED25519_SIGNATURE_SIZE];
static uint8_t bytes[BULK + CHACHA20_POLY1305_TAG_SIZE];
static bool all_good = true;

static void run_verify(void)
{
	for (int i = 0; i < 100; i++)
		all_good = ed25519_verify_vartime(
				   signature, key.public_key, "message", 7) &&
			   all_good;
}

static void run_sign(void)
{
	for (int i = 0; i < 200; i++)
		ed25519_sign(signature, &key, "message", 7);
}

static void run_x25519(void)
{
	uint8_t shared[X25519_SIZE];

	for (int i = 0; i < 100; i++)
		all_good =
			x25519(shared, key.secret, key.public_key) && all_good;
}

static void run_sha512(void)
{
	uint8_t digest[SHA512_SIZE];

	for (int i = 0; i < 100; i++)
		sha512(digest, bytes, BULK);
}

static void run_aead(void)
{
	struct chacha20_poly1305 c = { key.secret, { 0 }, NULL, 0 };

	for (int i = 0; i < 100; i++)
		chacha20_poly1305_seal(&c, bytes, bytes, BULK);
}

/* A batch of texts, behind the OPEN of their log. */
static struct record_chain chain_of_batch(void)
{
	static const uint8_t payload[PAYLOAD];
	struct record text = { .type = RECORD_TEXT,
		.payload = reader_over(payload, PAYLOAD) };
	struct record_chain chain = { .seq = 1 };

	for (int i = 0; i < RECORDS; i++)
		all_good = record_chain_add(&chain, &author, &text) ==
				   RECORD_GOOD &&
			   all_good;
	return chain;
}

static void run_chain(void)
{
	struct record_chain chain = chain_of_batch();

	all_good =
		record_verify(&author, chain.seq, chain.id, batch_signature) &&
		all_good;
}

static const struct {
	const char *name;
	const char *unit;
	void (*run)(void);
	double amount; /* of one run */
} kinds[] = {
	{ "verify_per_s", "1/s", run_verify, 100 },
	{ "sign_per_s", "1/s", run_sign, 200 },
	{ "x25519_per_s", "1/s", run_x25519, 100 },
	{ "sha512_gb_s", "GB/s", run_sha512, 100e-9 * BULK },
	{ "aead_gb_s", "GB/s", run_aead, 100e-9 * BULK },
	{ "chain_verify_records_per_s", "1/s", run_chain, RECORDS },
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* As `openssl speed` counts: what other processes take does not matter. */
static double cpu_seconds(void)
{
	return seconds_on(CLOCK_PROCESS_CPUTIME_ID);
}

int main(void)
{
	static double speed[KINDS][ROUNDS];
	uint8_t seed[ED25519_SEED_SIZE] = { 1 };
	double begin = cpu_seconds();
	struct record_chain chain;

	ed25519_start();
	(void)printf("start_us %.0f us\n", 1e6 * (cpu_seconds() - begin));
	ed25519_key_from_seed(&key, seed);
	run_sign();
	memcpy(author.public_key, key.public_key, sizeof(author.public_key));
	chain = chain_of_batch();
	record_sign(batch_signature, &author, chain.seq, chain.id, &key);
	for (int round = 0; round < ROUNDS; round++) {
		for (int k = 0; k < KINDS; k++) {
			begin = cpu_seconds();
			kinds[k].run();
			speed[k][round] =
				kinds[k].amount / (cpu_seconds() - begin);
		}
	}
	for (int k = 0; k < KINDS; k++) {
		qsort(speed[k], ROUNDS, sizeof(speed[k][0]), double_order);
		(void)printf("%s %.*f %s\n", kinds[k].name,
			speed[k][0] < 100 ? 3 : 0, speed[k][ROUNDS / 2],
			kinds[k].unit);
	}
	return all_good ? 0 : 1;
}
