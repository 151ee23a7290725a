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
 *	links		that there are; in a full mesh N (N - 1) / 2
 *	linkup_bytes	a link's, while who was away and missed nothing comes
 *			back
 *	memory		of the node that has most
 *	join		from the first Hello of who has nothing to a screen that
 *			shows all that there is place for
 *
 * A room may have *elders*: authors who are not there, each with a log of two
 * records, which all nodes have had for long.
 */
#include "platform.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "room.h"
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
	RETURN_MS = 10 * 1000, /* who was away has told all by then */
	ELDER_SIZE = 512,      /* a Batch of one */
	DELIVERIES_MAX = TEXTS * NODES_MAX
};

static int64_t latencies[DELIVERIES_MAX];
static int delivered;
static int elders, authors_wanted;

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
	printf("%s_%d", name, world.node_count);
	if (elders > 0)
		printf("_authors_%d", authors_wanted);
	printf(" %.2f\n", value);
	(void)fflush(stdout);
}

/* Elders. */

struct elder {
	struct record_log log;
	struct message_batch batch; /* of all that it ever said */
	uint8_t bytes[ELDER_SIZE];
};

static void elder_says(struct elder *e, struct writer *w,
	struct record_chain *chain, struct record *record,
	const struct ed25519_key *key)
{
	uint8_t signature[RECORD_SIGNATURE_SIZE];

	if (record_chain_add(chain, &e->log, record) != RECORD_GOOD)
		wrong("an elder says what may not be said");
	record_sign(signature, &e->log, chain->seq, chain->id, key);
	record->signature = signature;
	message_put_record(w, record);
	e->batch.count++;
}

static void elder_make(struct elder *e, int number, const uint8_t *room_id)
{
	uint8_t seed[ED25519_SEED_SIZE] = { 'e', (uint8_t)number,
		(uint8_t)(number >> 8) };
	struct record_open open = { .epoch = 0 };
	struct record record = { .time_ms = 1, .type = RECORD_OPEN };
	struct writer w = writer_over(e->bytes, sizeof(e->bytes));
	uint8_t payload[RECORD_OPEN_MAX];
	struct record_chain chain;
	struct ed25519_key key;

	ed25519_key_from_seed(&key, seed);
	memset(&e->log, 0, sizeof(e->log));
	memcpy(e->log.public_key, key.public_key, RECORD_KEY_SIZE);
	record_log_id(&e->log, room_id);
	record_chain_begin(&chain, &e->log);
	memset(&e->batch, 0, sizeof(e->batch));
	e->batch.first = 1;
	memcpy(e->batch.previous, e->log.id, sizeof(e->batch.previous));
	memcpy(open.room_id, room_id, RECORD_ID_SIZE);
	memcpy(open.public_key, key.public_key, RECORD_KEY_SIZE);
	(void)snprintf(open.name, sizeof(open.name), "elder-%d", number);
	record.payload =
		reader_over(payload, record_open_encode(&open, payload));
	elder_says(e, &w, &chain, &record, &key);
	record.type = RECORD_TEXT;
	record.payload = reader_over((const uint8_t *)open.name,
		strlen(open.name)); /* something that all say */
	elder_says(e, &w, &chain, &record, &key);
	e->batch.records = reader_over(e->bytes, w.size);
}

static void elder_is_given(
	struct room *room, struct log *log, const struct elder *e)
{
	uint32_t number =
		room_admit(room, e->log.public_key, e->log.epoch, true);
	enum room_verdict verdict;

	if (log_waiting(log) > LOG_BATCH_MAX / 2 && log_commit(log, 0) < 0)
		wrong("elders are not kept");
	if (number == ROOM_NO_LOG)
		wrong("there is no place for so many elders");
	verdict = room_accept(room, number, &e->batch, 1);
	if (verdict != ROOM_ACCEPTED)
		wrong("an elder is not accepted: %s",
			room_verdict_name(verdict));
}

/* Its database has them, as if it had been here when they were. */
static void elders_are_given(
	struct node *n, const struct elder *list, const uint8_t *room_id)
{
	struct room_options options = { .name = n->name, .room_id = room_id };
	struct room *room = NULL;
	struct log *log;

	world.running = n;
	options.dir_fd = open(n->dir, O_RDONLY | O_DIRECTORY);
	log = log_open(options.dir_fd);
	if (log != NULL)
		room = room_open(&options, log);
	if (room == NULL)
		wrong("the database of %s does not open", n->name);
	for (int i = 0; i < elders; i++)
		elder_is_given(room, log, &list[i]);
	if (log_commit(log, 0) < 0)
		wrong("elders are not kept");
	room_close(room);
	n->dead = true; /* it does not tidy up: ten thousand files */
	log_close(log);
	n->dead = false;
	(void)close(options.dir_fd);
	world.running = NULL;
}

/* As many as a room has place for, which is a little less than LIMIT_LOGS. */
static void elders_come(int wanted)
{
	int place = LIMIT_LOGS - LIMIT_EPOCHS - world.node_count;
	uint8_t room_id[RECORD_ID_SIZE];
	struct elder *list;

	elders = wanted < place ? wanted : place;
	list = model_memory(NULL, (size_t)elders * sizeof(*list));
	record_room_id(room_id, false, "");
	for (int i = 0; i < elders; i++)
		elder_make(&list[i], i, room_id);
	for (int i = 0; i < world.node_count; i++) {
		struct node *n = &world.nodes[i];

		node_is_killed(n);
		elders_are_given(n, list, room_id);
		n->start_ms = world.now_ms;
	}
	model_release(list);
	world_run(world.now_ms + LINKING_MS);
}

/* Measures. */

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

	while (!all_is_shown() || line_open() >= 0) {
		if (world.now_ms - begin_ms > PATIENCE_MS)
			wrong("screens do not become equal");
		world_step(world.now_ms + 1);
	}
	return (double)(world.now_ms - begin_ms);
}

static int link_count(void)
{
	int links = 0;

	for (int a = 0; a < world.node_count; a++)
		for (int b = 0; b < a; b++)
			links += net_links(&world.nodes[a], &world.nodes[b]);
	return links;
}

static void measure_idle(void)
{
	uint64_t before = world.sent_bytes;
	int links = link_count();

	print("links", links);
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

static void measure_heal(void)
{
	world_part((UINT64_C(1) << (world.node_count + 1) / 2) - 1);
	talk(APART_MS / TALK_EVERY_MS);
	world_part(0);
	print("heal_ms", time_to_equal());
}

static void measure_return(struct node *n)
{
	uint64_t before = world.sent_bytes;

	node_is_killed(n);
	n->start_ms = world.now_ms;
	world_run(world.now_ms + RETURN_MS);
	print("linkup_bytes",
		(double)(world.sent_bytes - before) / (world.node_count - 1));
}

/* It is started, and somebody says Hello. */
static void node_greets(struct node *n)
{
	n->start_ms = world.now_ms;
	world.hello_ms = 0;
	while (world.hello_ms == 0)
		world_step(world.now_ms + 1);
}

static void measure_catchup(struct node *n)
{
	node_is_killed(n);
	world_run(world.now_ms + GATHERED_MS);
	talk(MISSED);
	world.delay_ms = FAR_MS;
	node_greets(n);
	(void)time_to_equal();
	print("catchup_rtts",
		(double)(world.now_ms - world.hello_ms) / (2 * FAR_MS));
	world.delay_ms = 1;
}

static void measure_memory(void)
{
	size_t most = 0;

	for (int i = 0; i < world.node_count; i++)
		if (world.nodes[i].memory > most)
			most = world.nodes[i].memory;
	print("memory_mib", (double)most / (1024 * 1024));
}

static void measure_join(struct node *n)
{
	uint32_t place = LIMIT_LOGS - LIMIT_EPOCHS - LIMIT_LOGS_KEPT;

	/* Some places are kept for authors who are there. */
	place -= (uint32_t)world.node_count + 1;
	if (place > (uint32_t)elders)
		place = (uint32_t)elders;
	node_is_killed(n);
	disk_replace(n);
	node_greets(n);
	while (n->elders_shown < place)
		world_step(world.now_ms + 1);
	(void)time_to_equal();
	print("join_ms", (double)(world.now_ms - world.hello_ms));
}

void figures(int authors)
{
	struct node *last = &world.nodes[world.node_count - 1];

	authors_wanted = authors;
	world_run(LINKING_MS);
	talk(2 * world.node_count); /* everybody has a log, and is known */
	world_run(world.now_ms + GATHERED_MS);
	if (authors > world.node_count)
		elders_come(authors - world.node_count);
	measure_talk();
	measure_idle();
	measure_heal();
	measure_return(last);
	measure_catchup(last);
	measure_memory();
	measure_join(last);
}
