/* SPDX-License-Identifier: ISC */
/*
 * known.c: a short list in a small text file, replaced as a whole (file.h).
 *
 *	addresses	chat addresses 1
 *			at HOST PORT KEY	64 at most, who was met last first
 *			end
 *
 * HOST is an address as inet_ntop writes it, KEY 64 hex digits.  A file is
 * valid if and only if it has these lines, one space between words and nothing
 * after the last newline; every address is one that can be dialled
 * (net_place_is_plain); and no KEY comes twice.  Else all of it is forgotten.
 *
 * The key is not what must answer there: addresses move from one machine to
 * another, and anybody of our room is a way into it.  It tells whose address is
 * an old one, and who is linked already, by another.
 */
#include "platform.h"

#include <errno.h>
#include <stdlib.h>

#include "file.h"
#include "links/known.h"
#include "words.h"

enum {
	LINE_SIZE = 3 + INET6_ADDRSTRLEN + 1 + 5 + 1 + 2 * RECORD_KEY_SIZE + 1,
	FILE_SIZE = 32 + KNOWN_MAX * LINE_SIZE
};

struct known {
	int dir_fd;
	bool damaged;
	bool unsaved;
	int count;
	struct known_peer peers[KNOWN_MAX]; /* who was met last first */
};

struct known_peer *known_find(struct known *k, const uint8_t *key)
{
	for (int i = 0; k != NULL && i < k->count; i++) {
		if (memcmp(k->peers[i].key, key, RECORD_KEY_SIZE) == 0)
			return &k->peers[i];
	}
	return NULL;
}

static void known_remove(struct known *k, int place)
{
	k->count--;
	memmove(&k->peers[place], &k->peers[place + 1],
		(size_t)(k->count - place) * sizeof(*k->peers));
}

/* Makes room for one more, there. */
static void known_make_room(struct known *k, const struct net_place *at)
{
	int here = 0, last = 0;

	for (int i = k->count - 1; i >= 0; i--) {
		if (net_same_place(&k->peers[i].at, at))
			known_remove(k, i);
	}
	for (int i = 0; i < k->count; i++) {
		if (memcmp(k->peers[i].at.host, at->host, sizeof(at->host)) !=
			0)
			continue;
		here++;
		last = i;
	}
	if (here >= KNOWN_A_HOST)
		known_remove(k, last);
	else if (k->count == KNOWN_MAX)
		known_remove(k, k->count - 1);
}

struct known_peer *known_meet(
	struct known *k, const uint8_t *key, const struct net_place *at)
{
	struct known_peer *p = known_find(k, key);
	struct known_peer first;

	if (k == NULL)
		return NULL;
	memset(&first, 0, sizeof(first));
	if (p != NULL) {
		first = *p;
		known_remove(k, (int)(p - k->peers));
	}
	if (p == NULL || !net_same_place(&first.at, at)) {
		known_make_room(k, at);
		k->unsaved = true;
	}
	memcpy(first.key, key, sizeof(first.key));
	first.at = *at;
	first.met = true;
	memmove(&k->peers[1], &k->peers[0],
		(size_t)k->count * sizeof(*k->peers));
	k->count++;
	k->peers[0] = first;
	return &k->peers[0];
}

struct known_peer *known_next(struct known *k, bool met, bool alone)
{
	struct known_peer *next = NULL;

	for (int i = 0; k != NULL && i < k->count; i++) {
		struct known_peer *p = &k->peers[i];

		if (p->met == met && (met || alone || !p->tried) &&
			p->dial_ms < (next == NULL ? INT64_MAX : next->dial_ms))
			next = p;
	}
	return next;
}

/* The file. */

static bool host_parse(struct reader word, uint8_t host[16])
{
	struct sockaddr_storage address;
	struct sockaddr_in *a4 = (struct sockaddr_in *)&address;
	struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)&address;
	char text[INET6_ADDRSTRLEN] = "";
	size_t size = word.left;

	if (word.bad || size >= sizeof(text))
		return false;
	read_copy(&word, text, size);
	memset(&address, 0, sizeof(address));
	if (inet_pton(AF_INET, text, &a4->sin_addr) == 1)
		address.ss_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &a6->sin6_addr) == 1)
		address.ss_family = AF_INET6;
	net_host(&address, host);
	return address.ss_family != AF_UNSPEC;
}

static bool line_parse(struct known *k, struct reader *r)
{
	struct known_peer *p = &k->peers[k->count];
	uint8_t key[RECORD_KEY_SIZE];
	uint64_t port;

	read_exactly(r, "at ");
	if (k->count == KNOWN_MAX || !host_parse(read_word(r, ' '), p->at.host))
		return false;
	port = read_decimal(r, ' ');
	p->at.port = (uint16_t)port;
	read_hex(r, key, sizeof(key));
	read_exactly(r, "\n");
	if (r->bad || port > UINT16_MAX || !net_place_is_plain(&p->at) ||
		known_find(k, key) != NULL)
		return false;
	memcpy(p->key, key, sizeof(p->key));
	k->count++;
	return true;
}

static bool known_parse(struct known *k, struct reader r)
{
	read_exactly(&r, "chat addresses 1\n");
	while (!r.bad && !word_is(r, "end\n")) {
		if (!line_parse(k, &r))
			return false;
	}
	return !r.bad;
}

struct known *known_open(int dir_fd)
{
	struct known *k = calloc(1, sizeof(*k));
	enum file_result result;
	struct file file;

	if (k == NULL)
		return NULL;
	k->dir_fd = dir_fd;
	result = file_read(dir_fd, "addresses", FILE_SIZE, &file);
	k->damaged =
		result != FILE_ABSENT &&
		(result != FILE_GOOD ||
			!known_parse(k, reader_over(file.bytes, file.size)));
	file_free(&file);
	if (k->damaged) { /* half of it is none */
		memset(k->peers, 0, sizeof(k->peers));
		k->count = 0;
	}
	return k;
}

void known_close(struct known *k)
{
	int error = errno;

	if (k != NULL)
		(void)!known_save(k); /* they are met again */
	free(k);
	errno = error;
}

bool known_is_damaged(const struct known *k)
{
	return k != NULL && k->damaged;
}

bool known_unsaved(const struct known *k)
{
	return k != NULL && k->unsaved;
}

static void write_line(struct writer *w, const struct known_peer *p)
{
	struct sockaddr_storage address;
	struct sockaddr_in *a4 = (struct sockaddr_in *)&address;
	struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)&address;
	const void *host = &a4->sin_addr;
	char text[INET6_ADDRSTRLEN] = "", port[16];

	net_set_place(&address, &p->at);
	if (address.ss_family == AF_INET6)
		host = &a6->sin6_addr;
	(void)!inet_ntop(address.ss_family, host, text, sizeof(text));
	(void)snprintf(port, sizeof(port), " %u ", p->at.port);
	write_text(w, "at ");
	write_text(w, text);
	write_text(w, port);
	write_hex(w, p->key, sizeof(p->key));
	write_text(w, "\n");
}

int known_save(struct known *k)
{
	uint8_t bytes[FILE_SIZE];
	struct writer w = writer_over(bytes, sizeof(bytes));
	int result;

	if (!known_unsaved(k))
		return 0;
	write_text(&w, "chat addresses 1\n");
	for (int i = 0; i < k->count; i++)
		write_line(&w, &k->peers[i]);
	write_text(&w, "end\n");
	assert(!w.full);
	result = file_replace(k->dir_fd, "addresses", w.bytes, w.size);
	k->unsaved = result < 0;
	return result;
}
