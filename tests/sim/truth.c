/* SPDX-License-Identifier: ISC */
/*
 * truth.c: what is true of all logs, and whether nodes keep to it.
 *
 * What nodes show is read from their screens.  What they tell each other is
 * encrypted when it reaches the network, so it is heard before: wire_put is
 * wrapped, and each message seen in clear as it is put.  A message names a log
 * by a number that the link gave it, so there is an *ear* for each link.
 *
 * Each record that anybody has heard of is an entry here, by log and number:
 *
 *	id	its first half from a Digest, the whole of it computed from a
 *		Batch, as record.c does
 *	line	which of the lines that people said is its text
 *
 * The node whose key it is must be the first to speak of it; from then on its
 * id and its text are the same for all, for ever.  Only a node that was given
 * an older copy of its own database may break this, from where the copy ends
 * (`loose`): then the log is forked there, and it is enough that all nodes end
 * with the same history.
 */
#include "platform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"
#include "world.h"

enum { NUMBERS_MAX = 2 * LOGS_MAX, LIES = 4 };

struct entry {
	uint8_t id[RECORD_ID_SIZE];
	size_t id_size; /* bytes of it that are known */
	uint64_t time_ms;
	int line;       /* -1: not known, or it is no text */
	uint64_t held;  /* nodes on whose disk it was seen */
	uint64_t shown; /* and on whose screens */
};

struct truth_log {
	uint8_t id[RECORD_ID_SIZE];
	struct record_log log; /* once its key was heard */
	bool named;
	const struct node *owner;
	uint32_t head;  /* newest number known to be used */
	uint32_t loose; /* from here on there may be two histories */
	uint32_t capacity;
	struct entry *entries;
};

/* A line that somebody said; its text can be made again from its number. */
struct line {
	const struct node *node;
	int life;
	bool refused; /* its node has said so */
	int log;      /* -1: it has no number yet */
	uint32_t seq;
	int64_t said_ms;
};

struct ear {
	struct ear *next;
	const struct wire *wire;
	int16_t logs[NUMBERS_MAX]; /* by number, -1 unknown */
};

static struct line lines[LINES_MAX];
static int line_count;
static struct truth_log logs[LOGS_MAX];
static int log_total;
static struct ear *ears[NODES_MAX];
static uint8_t room_id[RECORD_ID_SIZE];

bool __real_wire_put(
	struct wire *w, enum message_type type, const void *body, size_t size);
bool __wrap_wire_put(
	struct wire *w, enum message_type type, const void *body, size_t size);
void __real_wire_close(struct wire *w);
void __wrap_wire_close(struct wire *w);

/* Lines. */

void line_text(int line, char text[LINE_SIZE])
{
	uint64_t z = mixed(world.seed ^ (uint64_t)line << 32);
	size_t size = z % (world.bulky || z % 17 == 0 ? 4000 : 100);
	size_t at = (size_t)snprintf(text, 32, "L%06d-", line);

	if (world.measured)
		size = 64 - at;
	for (size_t i = 0; i < size; i++)
		text[at++] = (char)('a' + mixed(z + i) % 26);
	text[at] = '\0';
}

int line_add(const struct node *n)
{
	struct line *l = &lines[line_count];

	if (line_count == LINES_MAX)
		return -1;
	*l = (struct line){ .node = n, .life = n->life, .log = -1 };
	l->said_ms = world.now_ms;
	return line_count++;
}

bool line_is_kept(int line)
{
	return lines[line].log >= 0 || lines[line].refused;
}

int line_total(void)
{
	return line_count;
}

/* Which line begins like this?  -1: none. */
static int line_of(const char *text, size_t size)
{
	int line = size >= 8 && text[0] == 'L' ? atoi(text + 1) : -1;

	return line >= line_count ? -1 : line;
}

void line_is_refused(const char *text)
{
	int line = line_of(text, strlen(text));

	if (line >= 0)
		lines[line].refused = true;
}

/* What a running node was told to say, it says, or refuses aloud. */
int line_open(void)
{
	for (int i = 0; i < line_count; i++) {
		const struct line *l = &lines[i];

		if (l->node->chat != NULL && l->life == l->node->life &&
			!line_is_kept(i))
			return i;
	}
	return -1;
}

/* Logs. */

void truth_begin(void)
{
	for (int i = 0; i < log_total; i++)
		model_release(logs[i].entries);
	memset(logs, 0, sizeof(logs));
	log_total = line_count = 0;
	record_room_id(room_id, false, "");
}

static int log_make(const uint8_t *id)
{
	struct truth_log *log = &logs[log_total];

	if (log_total == LOGS_MAX)
		wrong("more than %d logs", LOGS_MAX);
	memcpy(log->id, id, sizeof(log->id));
	log->owner = world.running;
	log->loose = UINT32_MAX;
	return log_total++;
}

/* Who is the first to speak of a log must be its author. */
static int log_of_id(const uint8_t *id)
{
	for (int i = 0; i < log_total; i++) {
		if (memcmp(logs[i].id, id, sizeof(logs[i].id)) == 0)
			return i;
	}
	return log_make(id);
}

static int log_of_key(const struct wire *w, const uint8_t *key, uint32_t epoch)
{
	struct record_log named = { .epoch = epoch };
	struct truth_log *log;
	int number;

	memcpy(named.public_key, key, sizeof(named.public_key));
	record_log_id(&named, room_id);
	number = log_of_id(named.id);
	log = &logs[number];
	if (!log->named && log->owner == world.running &&
		memcmp(key, w->self->key->public_key, RECORD_KEY_SIZE) != 0)
		wrong("%s invents a log of somebody else", world.running->name);
	log->log = named;
	log->named = true;
	return number;
}

static struct entry *log_entry(int number, uint32_t seq)
{
	struct truth_log *log = &logs[number];
	uint32_t capacity = log->capacity == 0 ? 64 : log->capacity;
	struct entry *larger;

	if (seq == 0 || seq > 4 * LINES_MAX)
		wrong("%s uses number %u", world.running->name, seq);
	while (capacity <= seq)
		capacity *= 2;
	if (capacity == log->capacity)
		return &log->entries[seq];
	larger = model_memory(log->entries, capacity * sizeof(*larger));
	memset(larger + log->capacity, 0,
		(capacity - log->capacity) * sizeof(*larger));
	for (uint32_t i = log->capacity; i < capacity; i++)
		larger[i].line = -1;
	log->entries = larger;
	log->capacity = capacity;
	return &larger[seq];
}

static bool is_loose(int number, uint32_t seq)
{
	return seq >= logs[number].loose;
}

void truth_forget(struct node *n)
{
	uint64_t bit = UINT64_C(1) << n->number;

	for (int i = 0; i < log_total; i++) {
		for (uint32_t s = 1; s < logs[i].capacity; s++)
			logs[i].entries[s].held &= ~bit;
	}
}

void truth_loosen(struct node *n, const uint32_t kept[LOGS_MAX])
{
	for (int i = 0; i < log_total; i++) {
		if (logs[i].owner == n && kept[i] < logs[i].loose)
			logs[i].loose = kept[i] + 1;
	}
	truth_forget(n);
	memcpy(n->promised, kept, sizeof(n->promised));
}

/* The running node speaks of a number: was it used, or may it use it now? */
static struct entry *number_is_used(int number, uint32_t seq)
{
	struct truth_log *log = &logs[number];
	struct node *n = world.running;

	if (seq > log->head && log->owner != n)
		wrong("%s speaks of number %u of %s, who has %u", n->name, seq,
			log->owner->name, log->head);
	if (seq > log->head)
		log->head = seq;
	if (seq > n->promised[number] && !is_loose(number, seq))
		n->promised[number] = seq;
	return log_entry(number, seq);
}

/* (2): one number, one id. */
static void id_is(int number, uint32_t seq, const uint8_t *id, size_t size)
{
	struct entry *e = number_is_used(number, seq);
	size_t both = size < e->id_size ? size : e->id_size;

	if (memcmp(e->id, id, both) != 0 && !is_loose(number, seq))
		wrong("%s has another number %u of %s than was told before",
			world.running->name, seq, logs[number].owner->name);
	if (size > e->id_size) {
		memcpy(e->id, id, size);
		e->id_size = size;
	}
}

/* And one text, which somebody said there, and under no other number. */
static void text_is(int number, uint32_t seq, const char *text, size_t size)
{
	struct entry *e = number_is_used(number, seq);
	struct node *n = world.running;
	char want[LINE_SIZE];
	int line = line_of(text, size);
	struct line *l = &lines[line];

	if (line < 0 || l->node != logs[number].owner)
		wrong("%s: number %u of %s is \"%.*s\", which nobody typed "
		      "there",
			n->name, seq, logs[number].owner->name, (int)size,
			text);
	line_text(line, want);
	if (size != strlen(want) || memcmp(text, want, size) != 0)
		wrong("%s has for line %d the text \"%.*s\"", n->name, line,
			(int)size, text);
	if (is_loose(number, seq)) {
		e->line = line;
		l->log = number;
		l->seq = seq;
		return;
	}
	if (e->line >= 0 && e->line != line)
		wrong("%s: number %u of %s is line %d, and was line %d before",
			n->name, seq, logs[number].owner->name, line, e->line);
	if (l->log >= 0 && (l->log != number || l->seq != seq) &&
		!is_loose(l->log, l->seq))
		wrong("%s: line %d is number %u of %s, and was %u before",
			n->name, line, seq, logs[number].owner->name, l->seq);
	e->line = line;
	l->log = number;
	l->seq = seq;
}

/* (1): no power cut can take it from the running node any more. */
static void is_held(int number, uint32_t seq, const uint8_t *id, size_t size,
	const char *how)
{
	struct entry *e = log_entry(number, seq);
	const struct node *n = world.running;
	uint64_t bit = UINT64_C(1) << n->number;
	bool strict = !is_loose(number, seq);
	char text[LINE_SIZE];
	bool held;

	if ((strict && (e->held & bit) != 0) || n->sync_lied)
		return;
	held = disk_holds(n, id, size);
	if (held && strict && e->line >= 0) {
		line_text(e->line, text);
		held = disk_holds(n, text, strlen(text));
	}
	if (!held)
		wrong("%s has %s number %u of %s, and a power cut could still "
		      "take it",
			n->name, how, seq, logs[number].owner->name);
	if (strict && e->id_size == sizeof(e->id))
		e->held |= bit;
}

/* The newest text of a log up to this number. */
static uint32_t text_up_to(int number, uint32_t seq)
{
	const struct truth_log *log = &logs[number];

	if (seq > log->head)
		seq = log->head;
	while (seq > 0 && log->entries[seq].line < 0)
		seq--;
	return seq;
}

/* Ears. */

static struct ear *ear_of(const struct wire *w)
{
	struct ear **list = &ears[world.running->number], *ear = *list;

	while (ear != NULL && ear->wire != w)
		ear = ear->next;
	if (ear != NULL)
		return ear;
	ear = model_memory(NULL, sizeof(*ear));
	memset(ear->logs, 0xff, sizeof(ear->logs));
	ear->wire = w;
	ear->next = *list;
	*list = ear;
	return ear;
}

void __wrap_wire_close(struct wire *w)
{
	struct ear **at = &ears[world.running->number];

	while (*at != NULL && (*at)->wire != w)
		at = &(*at)->next;
	if (*at != NULL) {
		struct ear *ear = *at;

		*at = ear->next;
		model_release(ear);
	}
	__real_wire_close(w);
}

static int ear_log(const struct wire *w, const struct message_log *log)
{
	struct ear *ear = ear_of(w);

	if (log->number >= NUMBERS_MAX)
		wrong("%s calls a log %u", world.running->name, log->number);
	if (log->named)
		ear->logs[log->number] =
			(int16_t)log_of_key(w, log->public_key, log->epoch);
	if (ear->logs[log->number] < 0)
		wrong("%s uses a number that it never gave to a log",
			world.running->name);
	return ear->logs[log->number];
}

static void hear_entry(const struct wire *w, const struct message_entry *entry)
{
	uint32_t seq = (uint32_t)entry->seq;
	int number = ear_log(w, &entry->log);
	const struct entry *e;

	if (seq == 0)
		return;
	if (entry->has_id)
		id_is(number, seq, entry->id, sizeof(entry->id));
	/* Without: the other side knows it, as it has sent that record. */
	e = number_is_used(number, seq);
	if (entry->has_id)
		is_held(number, seq, entry->id, sizeof(entry->id), "told of");
	else if (!is_loose(number, seq))
		is_held(number, seq, e->id, e->id_size, "told of");
}

/* Computes the ids, as whoever gets it will. */
static void hear_record(
	int number, struct record_chain *chain, const struct record *record)
{
	struct node *n = world.running;
	const char *text = (const char *)record->payload.at;
	enum record_verdict verdict =
		record_chain_add(chain, &logs[number].log, record);
	uint32_t seq = (uint32_t)chain->seq;

	if (verdict != RECORD_GOOD)
		wrong("%s sends a record that can not be the next one: %s",
			n->name, record_verdict_name(verdict));
	id_is(number, seq, chain->id, sizeof(chain->id));
	if (!is_loose(number, seq))
		log_entry(number, seq)->time_ms = chain->time_ms;
	if (record->type == RECORD_TEXT)
		text_is(number, seq, text, record->payload.left);
	is_held(number, seq, chain->id, sizeof(chain->id), "sent");
}

static void hear_batch(const struct wire *w, struct message_batch *batch)
{
	int number = ear_log(w, &batch->log);
	uint32_t last = (uint32_t)batch->first + batch->count - 1;
	struct record_chain chain;
	struct record record;
	const struct entry *e;

	record_chain_begin(&chain, &logs[number].log);
	if (is_loose(number, last)) {
		(void)number_is_used(number, last);
		return;
	}
	if (batch->first > 1) {
		e = log_entry(number, (uint32_t)batch->first - 1);
		chain.seq = batch->first - 1;
		chain.time_ms = e->time_ms;
		memcpy(chain.id, e->id, sizeof(chain.id));
		if (e->id_size < sizeof(e->id))
			wrong("%s sends number %u of %s to who has not %u",
				world.running->name, (uint32_t)batch->first,
				logs[number].owner->name, (uint32_t)chain.seq);
	}
	if (memcmp(chain.id, batch->previous, sizeof(batch->previous)) != 0)
		wrong("%s continues another log than that of %s",
			world.running->name, logs[number].owner->name);
	while (message_next_record(&batch->records, &record))
		hear_record(number, &chain, &record);
}

static void hear_half(const struct wire *w, const struct message_half *half)
{
	int number = log_of_key(w, half->public_key, half->epoch);
	uint32_t seq = (uint32_t)half->seq;

	id_is(number, seq, half->id, sizeof(half->id));
	if (!is_loose(number, seq))
		is_held(number, seq, half->id, sizeof(half->id), "shown half");
}

/* A Digest as a liar tells it: ids, and how much there is. */
static size_t digest_of_lies(
	const struct message_digest *digest, uint8_t lie[MESSAGE_MAX])
{
	struct writer w = writer_over(lie, MESSAGE_MAX);
	struct message_digest rest = *digest;
	struct reader entries = digest->entries;
	struct message_entry entry;

	while (message_next_entry(&entries, &entry)) {
		bool asks = entry.want == WANT_FROM; /* from where, truly */

		if (!asks && entry.seq > 0 && chance(LIES))
			entry.seq += luck(50);
		if (!asks && entry.seq > 0 && chance(LIES))
			entry.seq -= luck(entry.seq);
		if (entry.seq > 0 && chance(LIES))
			entry.id[luck(sizeof(entry.id))] ^= 1;
		entry.has_id = entry.has_id && entry.seq > 0;
		message_put_entry(&w, &entry);
	}
	if (rest.has_state && chance(LIES))
		rest.state[0] ^= 1;
	if (chance(LIES))
		rest.unlike = true;
	message_put_digest_end(&w, &rest);
	return w.size;
}

/* And a Batch that nobody signed: its last text is another one. */
static void batch_forge(const void *body, size_t size, uint8_t *lie)
{
	memcpy(lie, body, size);
	lie[size - 3 - RECORD_SIGNATURE_SIZE] ^= 1; /* before two of a field */
}

bool __wrap_wire_put(
	struct wire *w, enum message_type type, const void *body, size_t size)
{
	static uint8_t lie[MESSAGE_MAX];
	struct reader r = reader_over(body, size), entries;
	struct message_digest digest;
	struct message_batch batch;
	struct message_entry entry;
	struct message_half half;
	struct node *n = world.running;

	if (n->dead)
		return __real_wire_put(w, type, body, size);
	if (type == MESSAGE_DIGEST) {
		if (!message_decode_digest(r, &digest))
			wrong("%s tells nonsense", n->name);
		entries = digest.entries;
		while (message_next_entry(&entries, &entry))
			if (!world.measured)
				hear_entry(w, &entry);
		world.digest_bytes += size;
		if (n->lies) {
			size = digest_of_lies(&digest, lie);
			body = lie;
		}
	} else if (type == MESSAGE_BATCH) {
		if (!message_decode_batch(r, &batch))
			wrong("%s sends nonsense", n->name);
		if (!world.measured)
			hear_batch(w, &batch);
		world.copies += batch.count;
		if (n->lies && n->forgeries > 0 && chance(8)) {
			n->forgeries--;
			batch_forge(body, size, lie);
			body = lie;
		}
	} else if (type == MESSAGE_FORK) {
		if (!message_decode_half(r, &half))
			wrong("%s proves nonsense", n->name);
		hear_half(w, &half);
	} else if (type == MESSAGE_HELLO && world.hello_ms == 0) {
		world.hello_ms = world.now_ms;
	}
	return __real_wire_put(w, type, body, size);
}

/* Screens. */

static const char *after(const char *line, const char *field)
{
	const char *at = strstr(line, field);

	if (at == NULL)
		wrong("%s is missing in: %s", field, line);
	return at + strlen(field);
}

static uint8_t hex_digit(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static int log_of_author(const char *author)
{
	uint8_t id[RECORD_ID_SIZE];

	if (author[0] != '@' || strcspn(author, "\"") != 1 + 2 * sizeof(id))
		wrong("no author: %.80s", author);
	for (size_t i = 0; i < sizeof(id); i++)
		id[i] = (uint8_t)(hex_digit(author[1 + 2 * i]) << 4 |
				  hex_digit(author[2 + 2 * i]));
	return log_of_id(id);
}

static void hash(uint64_t *digest, const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		*digest = (*digest ^ (uint8_t)text[i]) * 0x100000001b3;
}

void truth_shown(struct node *n, const char *shown)
{
	const char *author, *text, *time;
	struct entry *e;
	uint32_t seq;
	size_t size;
	int number;

	if (strncmp(shown, "{\"type\":\"message\"", 17) != 0)
		return;
	author = after(shown, "\"author\":\"");
	seq = (uint32_t)strtoul(after(shown, "\"seq\":"), NULL, 10);
	time = after(shown, "\"time\":");
	text = after(shown, "\"text\":\"");
	if (world.measured && text[0] != 'L') {
		n->elders_shown++;
		return;
	}
	size = strcspn(text, "\"");
	number = log_of_author(author);
	text_is(number, seq, text, size);
	e = log_entry(number, seq);
	if (!is_loose(number, seq) && !world.measured)
		is_held(number, seq, e->id, e->id_size, "shown");
	if (!n->holed &&
		(n->shown[number] >= seq ||
			text_up_to(number, seq - 1) > n->shown[number]))
		wrong("%s shows number %u of %s after %u", n->name, seq,
			logs[number].owner->name, n->shown[number]);
	if (n->shown[number] < seq)
		n->shown[number] = seq;
	hash(&n->history, author, 1 + 2 * RECORD_ID_SIZE);
	hash(&n->history, time, strlen(time));
	if (logs[number].owner != n &&
		(e->shown & UINT64_C(1) << n->number) == 0)
		figure_delivery(world.now_ms - lines[e->line].said_ms);
	e->shown |= UINT64_C(1) << n->number;
}

/* (3): has it shown by now what it once had? */
void truth_is_remembered(const struct node *n)
{
	for (int i = 0; i < log_total; i++) {
		uint32_t owed = text_up_to(i, n->owed[i]);

		if (n->shown[i] < owed && !is_loose(i, owed))
			wrong("%s had %s up to %u, and after a restart up to "
			      "%u",
				n->name, logs[i].owner->name, owed,
				n->shown[i]);
	}
}

bool truth_is_shown(const struct node *n)
{
	for (int i = 0; i < log_total; i++) {
		if (n->shown[i] < text_up_to(i, logs[i].head) &&
			!is_loose(i, logs[i].head))
			return false;
	}
	return true;
}

void truth_trace(const struct node *n)
{
	for (int i = 0; i < log_total; i++) {
		if (n->shown[i] < text_up_to(i, logs[i].head))
			trace("%s shows log %d, of %s, up to %u of %u", n->name,
				i, logs[i].owner->name, n->shown[i],
				logs[i].head);
	}
}
