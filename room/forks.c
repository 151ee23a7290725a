/* SPDX-License-Identifier: ISC */
/*
 * forks.c: proofs of forks, in memory and in the file `forks`.
 *
 * The file is text, one proof a line, numbers in hexadecimal:
 *
 *	public key 64 | epoch 8 | seq 16 | id 64 | signature 128 | id 64
 *	| signature 128
 *
 * digits 0-9 a-f, the most significant first; one space between two of them, a
 * newline at the end.  The first id and signature are ours.  A line counts if
 * and only if
 *	(1) it is in this format,
 *	(2) the ids differ,
 *	(3) both signatures are good (record_verify), in a log of this room,
 *	(4) no other line has this log and a smaller seq.
 * All others are passed over, and gone when the file is written again: a proof
 * that is lost costs nothing but that somebody must show the fork once more.
 *
 * Invariant: no two proofs are of one log.
 */
#include <errno.h>
#include <stdlib.h>

#include "file.h"
#include "room/forks.h"

enum {
	SIDE_DIGITS = 2 * RECORD_ID_SIZE + 1 + 2 * RECORD_SIGNATURE_SIZE,
	LINE_SIZE = 2 * RECORD_KEY_SIZE + 1 + 8 + 1 + 16 + 1 + SIDE_DIGITS + 1 +
		    SIDE_DIGITS + 1
};

static const char file_name[] = "forks";

struct forks {
	int dir_fd;
	const uint8_t *room_id;
	bool unsaved;
	uint32_t count;
	struct fork list[FORKS_MAX];
};

static void read_mark(struct reader *r, uint8_t mark)
{
	if (read_u8(r) != mark)
		r->bad = true;
}

static uint64_t read_hex_number(struct reader *r, size_t size)
{
	uint8_t bytes[8];
	struct reader number = reader_over(bytes, size);

	read_hex(r, bytes, size);
	return read_be(&number, size);
}

static void write_hex_number(struct writer *w, uint64_t value, size_t size)
{
	uint8_t bytes[8];
	struct writer number = writer_over(bytes, size);

	write_be(&number, value, size);
	write_hex(w, bytes, size);
}

static void line_write(struct writer *w, const struct fork *fork)
{
	const struct message_half *halves[] = { &fork->ours, &fork->theirs };

	write_hex(w, fork->ours.public_key, RECORD_KEY_SIZE);
	write_u8(w, ' ');
	write_hex_number(w, fork->ours.epoch, 4);
	write_u8(w, ' ');
	write_hex_number(w, fork->ours.seq, 8);
	for (int i = 0; i < 2; i++) {
		write_u8(w, ' ');
		write_hex(w, halves[i]->id, RECORD_ID_SIZE);
		write_u8(w, ' ');
		write_hex(w, halves[i]->signature, RECORD_SIGNATURE_SIZE);
	}
	write_u8(w, '\n');
}

static bool line_read(struct reader *r, struct fork *fork)
{
	struct message_half *halves[] = { &fork->ours, &fork->theirs };

	read_hex(r, fork->ours.public_key, RECORD_KEY_SIZE);
	read_mark(r, ' ');
	fork->ours.epoch = (uint32_t)read_hex_number(r, 4);
	read_mark(r, ' ');
	fork->ours.seq = read_hex_number(r, 8);
	fork->theirs = fork->ours;
	for (int i = 0; i < 2; i++) {
		read_mark(r, ' ');
		read_hex(r, halves[i]->id, RECORD_ID_SIZE);
		read_mark(r, ' ');
		read_hex(r, halves[i]->signature, RECORD_SIGNATURE_SIZE);
	}
	read_mark(r, '\n');
	return !r->bad;
}

static bool fork_is_proof(const struct forks *forks, const struct fork *fork)
{
	struct record_log log;

	if (memcmp(fork->ours.id, fork->theirs.id, RECORD_ID_SIZE) == 0)
		return false;
	memcpy(log.public_key, fork->ours.public_key, RECORD_KEY_SIZE);
	log.epoch = fork->ours.epoch;
	record_log_id(&log, forks->room_id);
	return record_verify(&log, fork->ours.seq, fork->ours.id,
		       fork->ours.signature) &&
	       record_verify(&log, fork->theirs.seq, fork->theirs.id,
		       fork->theirs.signature);
}

static bool fork_is_of(
	const struct fork *fork, const uint8_t *key, uint32_t epoch)
{
	return fork->ours.epoch == epoch &&
	       memcmp(fork->ours.public_key, key, RECORD_KEY_SIZE) == 0;
}

const struct fork *forks_at(const struct forks *forks, uint32_t number)
{
	return number < forks->count ? &forks->list[number] : NULL;
}

const struct fork *forks_find(
	const struct forks *forks, const struct record_log *log)
{
	for (uint32_t i = 0; i < forks->count; i++)
		if (fork_is_of(&forks->list[i], log->public_key, log->epoch))
			return &forks->list[i];
	return NULL;
}

void forks_put(struct forks *forks, const struct fork *fork)
{
	uint32_t at = 0;

	while (at < forks->count &&
		!fork_is_of(&forks->list[at], fork->ours.public_key,
			fork->ours.epoch))
		at++;
	if (at == FORKS_MAX || (at < forks->count && forks->list[at].ours.seq <=
							     fork->ours.seq))
		return;
	forks->list[at] = *fork;
	if (at == forks->count)
		forks->count++;
	forks->unsaved = true;
}

int forks_save(struct forks *forks)
{
	size_t size = (size_t)forks->count * LINE_SIZE;
	struct writer w;
	uint8_t *text;
	int result;

	if (!forks->unsaved)
		return 0;
	text = malloc(size + 1);
	if (text == NULL)
		return -1;
	w = writer_over(text, size);
	for (uint32_t i = 0; i < forks->count; i++)
		line_write(&w, &forks->list[i]);
	assert(!w.full && w.size == size);
	result = file_replace(forks->dir_fd, file_name, text, size);
	/* With another trouble than want of room it is given up: see the top. */
	forks->unsaved = result < 0 && (errno == ENOSPC || errno == EDQUOT);
	free(text);
	return result;
}

/* What is no file of ours proves nothing either. */
static int forks_read(struct forks *forks)
{
	struct file file;
	struct reader r;

	switch (file_read(forks->dir_fd, file_name,
		(size_t)FORKS_MAX * LINE_SIZE, &file)) {
	case FILE_GOOD:
		break;
	case FILE_SYSTEM:
		return -1;
	case FILE_ABSENT:
	case FILE_NOT_FILE:
	case FILE_LINKED:
	case FILE_NOT_OURS:
	case FILE_READABLE:
	case FILE_TOO_LARGE:
		return 0;
	}
	r = reader_over(file.bytes, file.size);
	while (r.left >= LINE_SIZE) {
		struct reader line = read_part(&r, LINE_SIZE);
		struct fork fork;

		if (line_read(&line, &fork) && fork_is_proof(forks, &fork))
			forks_put(forks, &fork);
	}
	file_free(&file);
	forks->unsaved = false;
	return 0;
}

void forks_close(struct forks *forks)
{
	free(forks);
}

struct forks *forks_open(int dir_fd, const uint8_t *room_id)
{
	struct forks *forks = calloc(1, sizeof(*forks));

	if (forks == NULL)
		return NULL;
	forks->dir_fd = dir_fd;
	forks->room_id = room_id;
	if (forks_read(forks) < 0) {
		int error = errno;

		forks_close(forks);
		errno = error;
		return NULL;
	}
	return forks;
}
