/* SPDX-License-Identifier: ISC */
/*
 * bench_wire.c: what a native link costs in the processor's time, both sides
 * of it together.  Each figure on a line: its name, its value, its unit.
 *
 *	bench_wire [handshakes]		all of them, or those of handshakes
 *
 *	handshakes_per_s	two ephemeral keys, two signatures made and
 *				two verified, a handshake
 *	handshake_bytes		in both directions
 *	wire_mib_per_s		of messages of 16 KiB, sealed and opened
 *	wire_messages_per_s	of 100 bytes, as many a frame as fit
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "crypto/crypto.h"
#include "wire.h"

enum { SECONDS = 2 };

struct side {
	struct wire wire;
	struct wire_self self;
	struct ed25519_key key;
	struct wire_buffers buffers;
};

static struct side sides[2]; /* by enum wire_role */

static void must(bool good)
{
	if (!good) {
		(void)fprintf(stderr, "bench_wire: the link is broken\n");
		exit(1);
	}
}

static void side_make(enum wire_role role, const uint8_t *room_id)
{
	struct side *s = &sides[role];
	uint8_t seed[ED25519_SEED_SIZE];

	random_bytes(seed, sizeof(seed));
	ed25519_key_from_seed(&s->key, seed);
	s->self = (struct wire_self){ &s->key, "name", room_id, role };
}

/* Moves what fits, and counts the messages that arrive. */
static size_t carry(struct side *from, struct side *to, size_t *messages)
{
	size_t size = fifo_size(&from->wire.out);
	struct wire_event e;

	if (size > fifo_room(&to->wire.in))
		size = fifo_room(&to->wire.in);
	memcpy(fifo_tail(&to->wire.in), fifo_head(&from->wire.out), size);
	fifo_added(&to->wire.in, size);
	fifo_drop(&from->wire.out, size);
	while (wire_next(&to->wire, &e)) {
		must(e.kind != WIRE_BROKEN);
		*messages += e.kind == WIRE_MESSAGE;
	}
	return size;
}

static size_t handshake(void)
{
	uint8_t random[WIRE_RANDOM_SIZE];
	size_t size = 0, messages = 0;

	for (int role = 0; role < 2; role++) {
		random_bytes(random, sizeof(random));
		wire_open(&sides[role].wire, (enum wire_role)role,
			&sides[role].self, random);
	}
	for (int turn = 0; turn < 6; turn++)
		size += carry(
			&sides[turn % 2], &sides[1 - turn % 2], &messages);
	must(sides[0].wire.state == WIRE_UP && sides[1].wire.state == WIRE_UP);
	return size;
}

static void bench_handshakes(void)
{
	double start = seconds_on(CLOCK_PROCESS_CPUTIME_ID);
	size_t count = 0, size = 0;

	for (; seconds_on(CLOCK_PROCESS_CPUTIME_ID) - start < SECONDS;
		count++) {
		size = handshake();
		wire_close(&sides[0].wire);
		wire_close(&sides[1].wire);
	}
	printf("handshakes_per_s %.0f 1/s\n",
		(double)count / (seconds_on(CLOCK_PROCESS_CPUTIME_ID) - start));
	printf("handshake_bytes %zu bytes\n", size);
}

/* Messages a second. */
static double bench_messages(size_t size)
{
	static const uint8_t body[WIRE_PLAIN_MAX];
	struct wire *w = &sides[WIRE_DIALLER].wire;
	double start = seconds_on(CLOCK_PROCESS_CPUTIME_ID);
	size_t count = 0;

	while (seconds_on(CLOCK_PROCESS_CPUTIME_ID) - start < SECONDS) {
		while (wire_put(w, MESSAGE_BATCH, body, size))
			;
		wire_seal(w);
		while (!wire_is_empty(w))
			(void)carry(&sides[WIRE_DIALLER], &sides[WIRE_ACCEPTOR],
				&count);
	}
	return (double)count / (seconds_on(CLOCK_PROCESS_CPUTIME_ID) - start);
}

int main(int argc, char **argv)
{
	static const uint8_t room_id[RECORD_ID_SIZE];

	ed25519_start();
	side_make(WIRE_DIALLER, room_id);
	side_make(WIRE_ACCEPTOR, room_id);
	bench_handshakes();
	if (argc > 1 && strcmp(argv[1], "handshakes") == 0)
		return 0;
	(void)handshake();
	wire_grow(&sides[0].wire, &sides[0].buffers);
	wire_grow(&sides[1].wire, &sides[1].buffers);
	printf("wire_mib_per_s %.0f MiB/s\n",
		bench_messages(WIRE_PLAIN_MAX) * WIRE_PLAIN_MAX / (1 << 20));
	printf("wire_messages_per_s %.0f 1/s\n", bench_messages(100));
	return 0;
}
