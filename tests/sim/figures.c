/* SPDX-License-Identifier: ISC */
/*
 * figures.c: what talk costs, and how long it takes, while nothing fails.
 *
 * A full mesh, texts of 64 bytes, one every 200 ms, each node in its turn.
 * The network takes 1 ms in either direction (10 ms for catching up), disks
 * and processors take no time.  A *delivery* is a text that became visible on
 * one node that did not write it.
 *
 *	copies		records put into links, for each delivery
 *	bytes		that sockets took, encrypted, for each delivery
 *	digest_bytes	of these, in Digests before encryption
 *	latency		from the key to the other's screen
 *	idle_bytes	while nobody says anything, with what keeps links alive
 *	heal		from the end of a partition of 10 s to equal screens
 *	catchup		round trips from the first Hello of who was away for
 *			100 texts to its complete screen
 */
#include "platform.h"

#include <stdio.h>
#include <stdlib.h>

#include "world.h"

enum {
	TALK_EVERY_MS = 200,
	TEXTS = 150,
	MISSED = 100,
	GATHERED_MS = 3000, /* by then nothing is left to be told */
	LINKING_MS = 60 * 1000,
	IDLE_MS = 120 * 1000,
	APART_MS = 10 * 1000,
	FAR_MS = 10,
	PATIENCE_MS = 60 * 1000,
	DELIVERIES_MAX = TEXTS * NODES_MAX
};

static int64_t latencies[DELIVERIES_MAX];
static int delivered;

void figure_delivery(int64_t latency_ms)
{
	if (delivered < DELIVERIES_MAX)
		latencies[delivered++] = latency_ms;
}

static int compare(const void *one, const void *other)
{
	const int64_t *a = one, *b = other;

	return (*a > *b) - (*a < *b);
}

static void print(const char *name, double value)
{
	printf("%s_%d %.2f\n", name, world.node_count, value);
}

static void talk(int texts)
{
	for (int i = 0; i < texts; i++) {
		(void)node_says(&world.nodes[i % world.node_count]);
		world_run(world.now_ms + TALK_EVERY_MS);
	}
}

/* How long from now until all screens are equal. */
static double time_to_equal(void)
{
	int64_t begin_ms = world.now_ms;

	while (!all_is_shown()) {
		if (world.now_ms - begin_ms > PATIENCE_MS)
			wrong("screens do not become equal");
		world_step(world.now_ms + 1);
	}
	return (double)(world.now_ms - begin_ms);
}

static void measure_idle(void)
{
	uint64_t before = world.sent_bytes;
	int links = world.node_count * (world.node_count - 1) / 2;

	world_run(world.now_ms + IDLE_MS);
	print("idle_bytes_per_s_per_link",
		(double)(world.sent_bytes - before) / (IDLE_MS / 1000) / links);
}

static void measure_talk(void)
{
	uint64_t bytes = world.sent_bytes, digests = world.digest_bytes;
	uint64_t copies = world.copies;
	double count;

	delivered = 0;
	talk(TEXTS);
	world_run(world.now_ms + GATHERED_MS);
	count = delivered;
	qsort(latencies, (size_t)delivered, sizeof(*latencies), compare);
	print("copies_per_delivery", (double)(world.copies - copies) / count);
	print("bytes_per_delivery", (double)(world.sent_bytes - bytes) / count);
	print("digest_bytes_per_delivery",
		(double)(world.digest_bytes - digests) / count);
	print("latency_p50_ms", (double)latencies[delivered / 2]);
	print("latency_p99_ms", (double)latencies[delivered * 99 / 100]);
}

static void walls_build(bool up)
{
	int half = (world.node_count + 1) / 2;

	for (int a = 0; a < world.node_count; a++)
		for (int b = 0; b < world.node_count; b++)
			world.wall[a][b] = up && (a < half) != (b < half);
}

static void measure_heal(void)
{
	walls_build(true);
	talk(APART_MS / TALK_EVERY_MS);
	walls_build(false);
	print("heal_ms", time_to_equal());
}

static void measure_catchup(void)
{
	struct node *last = &world.nodes[world.node_count - 1];

	node_leaves(last);
	world_run(world.now_ms + 2 * CHAT_LEAVE_MS);
	talk(MISSED);
	world.delay_ms = FAR_MS;
	last->start_ms = world.now_ms;
	world.hello_ms = 0;
	while (world.hello_ms == 0)
		world_step(world.now_ms + 1);
	(void)time_to_equal();
	print("catchup_rtts",
		(double)(world.now_ms - world.hello_ms) / (2 * FAR_MS));
}

void figures(void)
{
	world_run(LINKING_MS);
	talk(2 * world.node_count); /* everybody has a log, and is known */
	world_run(world.now_ms + GATHERED_MS);
	measure_talk();
	measure_idle();
	measure_heal();
	measure_catchup();
}
