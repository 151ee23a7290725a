/* SPDX-License-Identifier: ISC */
/*
 * term.c: lines in, lines out, and the line between them that is being typed.
 *
 * How writing avoids to block without O_NONBLOCK on a descriptor that others
 * share: a terminal is opened once more, so that the flag is ours alone; on a
 * pipe poll promises room for PIPE_BUF bytes, so no more are written at once;
 * a file takes everything.
 *
 * The editor keeps one line and draws it at the bottom:
 *
 *	"\r" "\033[K" prompt and the end of the line, as much as fits
 *
 * Before anything else is written it is erased ("\r" "\033[K"); it is drawn
 * again once a turn, in term_want, so a message never tears it and a thousand
 * messages cost one drawing.  Keys: printable characters,
 * backspace, ^U (kill line), ^W (kill word), ^L (draw again), return, ^D on an
 * empty line (leave).  Escape sequences, such as arrows send, are swallowed.
 *
 * Invariants:
 *	1. drawn ==> the last thing written is the line being typed.
 *	2. editing ==> the terminal is in the editor's mode until term_close or
 *	   term_suspend.
 *
 * This file has no history, no completion, and no cursor but at the end.
 */
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "clean.h"
#include "term.h"

enum { PROMPT_MAX = 40, WIDTH_DEFAULT = 80, LAST_WORDS_MS = 100 };

/* Somewhere to write to. */
struct outlet {
	int fd;
	bool own_fd; /* opened by us, non-blocking */
	bool gone;   /* nobody reads it any more */
	int error;   /* and this is why */
	int slot;
	size_t chunk; /* bytes that poll promises to take at once */
	struct fifo fifo;
};

enum escape_state { ESCAPE_NONE, ESCAPE_BEGUN, ESCAPE_SEQUENCE };

struct term {
	int in_fd;
	int in_slot;
	bool in_ended;
	bool in_is_tty;
	bool end_told;
	bool gone_told;
	bool leave;
	bool too_long;  /* until the next newline */
	bool err_joins; /* notices go where the messages go */
	bool editing;
	bool raw; /* the terminal is in the editor's mode */
	bool drawn;
	struct termios saved;
	enum escape_state escape;
	char prompt[PROMPT_MAX + 1];
	size_t typed; /* bytes in line */
	size_t read;  /* of `in`, by the event told last */
	size_t dropped;
	struct outlet out;
	struct outlet err;
	struct fifo in;
	char line[TERM_LINE_MAX + 1];
	uint8_t in_bytes[TERM_IN_SIZE];
	uint8_t err_bytes[TERM_ERR_SIZE];
	uint8_t out_bytes[TERM_OUT_SIZE];
};

/* Outlets. */

/* What a pipe takes at once, once poll has said that it takes something. */
static size_t pipe_chunk(int fd)
{
	long size = fpathconf(fd, _PC_PIPE_BUF);

	return size < _POSIX_PIPE_BUF ? _POSIX_PIPE_BUF : (size_t)size;
}

static void outlet_open(struct outlet *o, int fd, void *bytes, size_t size)
{
	struct stat status;
	const char *tty;

	o->fd = fd;
	o->slot = LOOP_NO_SLOT;
	o->chunk = pipe_chunk(fd);
	o->fifo = fifo_over(bytes, size);
	if (fstat(fd, &status) < 0) {
		o->gone = true;
		return;
	}
	if (S_ISREG(status.st_mode))
		o->chunk = size;
	tty = isatty(fd) ? ttyname(fd) : NULL;
	if (tty == NULL)
		return;
	fd = open(tty, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return; /* then 512 bytes at a time will do */
	o->fd = fd;
	o->own_fd = true;
	o->chunk = size;
}

static void outlet_want(struct outlet *o, struct loop *loop)
{
	o->slot = LOOP_NO_SLOT;
	if (fifo_size(&o->fifo) > 0)
		o->slot = loop_add(loop, o->fd, POLLOUT);
}

/* Writes as much as is sure to be taken at once. */
static void outlet_write(struct outlet *o)
{
	size_t size = fifo_size(&o->fifo);
	ssize_t n;

	if (size > o->chunk)
		size = o->chunk;
	n = write(o->fd, fifo_head(&o->fifo), size);
	if (n >= 0) {
		fifo_drop(&o->fifo, (size_t)n);
	} else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
		o->gone = true;
		o->error = errno;
	}
	if (o->gone)
		fifo_drop(&o->fifo, fifo_size(&o->fifo));
}

static void outlet_run(struct outlet *o, const struct loop *loop)
{
	if (loop_ready(loop, o->slot) != 0)
		outlet_write(o);
}

/* The last words, for a reader who is quick. */
static void outlet_finish(struct outlet *o)
{
	struct pollfd ready = { .fd = o->fd, .events = POLLOUT };

	while (fifo_size(&o->fifo) > 0 && poll(&ready, 1, LAST_WORDS_MS) > 0)
		outlet_write(o);
}

static void outlet_close(struct outlet *o)
{
	if (o->own_fd)
		(void)close(o->fd); /* what it took is the terminal's */
	o->own_fd = false;
}

static struct writer outlet_writer(struct outlet *o)
{
	uint8_t *tail = fifo_tail(&o->fifo);

	return writer_over(tail, fifo_room(&o->fifo));
}

/* What does not fit is not there: term_room was not asked. */
static void outlet_added(struct outlet *o, const struct writer *w)
{
	if (!o->gone)
		fifo_added(&o->fifo, w->size);
}

/* The editor. */

static int screen_width(const struct term *t)
{
	struct winsize size;

	if (ioctl(t->out.fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return WIDTH_DEFAULT;
	return size.ws_col;
}

static void editor_erase(struct term *t, struct writer *w)
{
	if (t->drawn)
		write_bytes(w, "\r\033[K", 4);
	t->drawn = false;
}

/*
 * Draws the prompt and as much of the line's end as the screen has room for;
 * on a screen that is narrower than the prompt, only the line.
 */
static void editor_draw(struct term *t, struct writer *w)
{
	int room = screen_width(t) - 1;
	int prompt = clean_width(t->prompt, strlen(t->prompt));
	int width = clean_width(t->line, t->typed);
	const char *at = t->line;
	size_t size = t->typed;

	if (prompt < room)
		write_bytes(w, t->prompt, strlen(t->prompt));
	if (prompt < room)
		room -= prompt;
	while (size > 0 && width > room) {
		size_t first = clean_character_size(at, size);

		width -= clean_width(at, first);
		at += first;
		size -= first;
	}
	clean_text(w, at, size, false);
	t->drawn = true;
}

/* The line changed: it is drawn when all that goes above it is written. */
static void editor_changed(struct term *t)
{
	struct writer w = outlet_writer(&t->out);

	editor_erase(t, &w);
	outlet_added(&t->out, &w);
}

static void editor_erase_last(struct term *t)
{
	if (t->typed == 0)
		return;
	do {
		t->typed--;
	} while (t->typed > 0 && ((uint8_t)t->line[t->typed] & 0xc0) == 0x80);
}

static void editor_erase_word(struct term *t)
{
	while (t->typed > 0 && t->line[t->typed - 1] == ' ')
		t->typed--;
	while (t->typed > 0 && t->line[t->typed - 1] != ' ')
		t->typed--;
}

/*
 * Swallows escape sequences; true when `c` was part of one.  Return ends any:
 * a line that was sent is never lost.
 */
static bool editor_escape(struct term *t, uint8_t c)
{
	enum escape_state was = t->escape;

	t->escape = ESCAPE_NONE;
	if (c == 0x1b)
		t->escape = ESCAPE_BEGUN;
	else if (c == '\r' || c == '\n')
		return false;
	else if ((was == ESCAPE_BEGUN && (c == '[' || c == 'O')) ||
		 (was == ESCAPE_SEQUENCE && (c < 0x40 || c > 0x7e)))
		t->escape = ESCAPE_SEQUENCE;
	return c == 0x1b || was != ESCAPE_NONE;
}

/* Puts a byte at the line's end; a line that is too long is not sent. */
static void editor_add(struct term *t, uint8_t c)
{
	if (c == '\t')
		c = ' ';
	if (c < 0x20)
		return;
	if (t->typed < TERM_LINE_MAX)
		t->line[t->typed++] = (char)c;
	else
		t->too_long = true;
}

/* One byte from the keyboard.  True when the line is complete. */
static bool editor_key(struct term *t, uint8_t c)
{
	if (editor_escape(t, c))
		return false;
	switch (c) {
	case '\r':
	case '\n':
		return true;
	case 0x7f:
	case '\b':
		editor_erase_last(t);
		return false;
	case 0x15: /* ^U */
		t->typed = 0;
		t->too_long = false;
		return false;
	case 0x17: /* ^W */
		editor_erase_word(t);
		return false;
	case 0x04: /* ^D */
		t->leave = t->leave || t->typed == 0;
		return false;
	default:
		editor_add(t, c);
		return false;
	}
}

/* Leaves the complete line on the screen, and tells it. */
static bool editor_line(struct term *t, struct term_event *event)
{
	struct writer w = outlet_writer(&t->out);

	editor_erase(t, &w);
	event->kind = t->too_long ? TERM_TOO_LONG : TERM_LINE;
	if (t->typed > 0 && !t->too_long) {
		write_bytes(&w, t->prompt, strlen(t->prompt));
		clean_text(&w, t->line, t->typed, false);
		write_u8(&w, '\n');
	}
	event->bytes = t->line;
	event->size = t->typed;
	t->typed = 0;
	t->too_long = false;
	outlet_added(&t->out, &w);
	return event->size > 0;
}

static bool editor_next(struct term *t, struct term_event *event)
{
	bool changed = fifo_size(&t->in) > 0;

	while (fifo_size(&t->in) > 0 && term_room(t)) {
		uint8_t c = *fifo_head(&t->in);

		fifo_drop(&t->in, 1);
		if (editor_key(t, c) && editor_line(t, event))
			return true;
		if (t->leave)
			break;
	}
	if (changed)
		editor_changed(t);
	if (!t->leave)
		return false;
	t->leave = false;
	event->kind = TERM_LEAVE;
	return true;
}

/* Lines that are not typed into the editor. */

static bool line_told(
	struct term *t, struct term_event *event, size_t size, size_t consumed)
{
	const char *bytes = (const char *)fifo_head(&t->in);
	bool too_long = t->too_long;

	if (size > 0 && bytes[size - 1] == '\r')
		size--;
	too_long = too_long || size > TERM_LINE_MAX;
	event->kind = too_long ? TERM_TOO_LONG : TERM_LINE;
	event->bytes = bytes;
	event->size = size;
	t->read = consumed;
	t->too_long = false;
	return true;
}

static bool line_next(struct term *t, struct term_event *event)
{
	size_t size = fifo_size(&t->in);
	const uint8_t *newline;

	newline = size == 0 ? NULL : memchr(fifo_head(&t->in), '\n', size);
	if (newline != NULL) {
		size = (size_t)(newline - fifo_head(&t->in));
		return line_told(t, event, size, size + 1);
	}
	if (t->in_ended && (size > 0 || t->too_long))
		return line_told(t, event, size, size);
	if (size <= TERM_LINE_MAX + 1)
		return false;
	t->too_long = true;
	fifo_drop(&t->in, size);
	return false;
}

bool term_next(struct term *t, struct term_event *event)
{
	memset(event, 0, sizeof(*event));
	fifo_drop(&t->in, t->read);
	t->read = 0;
	if (t->editing ? editor_next(t, event) : line_next(t, event))
		return true;
	if (t->out.gone && !t->gone_told) {
		t->gone_told = true;
		event->kind = TERM_GONE;
		event->error = t->out.error;
		return true;
	}
	if (!t->in_ended || t->end_told)
		return false;
	t->end_told = true;
	event->kind = TERM_END;
	return true;
}

/* Lines out. */

void term_message(struct term *t, const void *line, size_t size)
{
	struct writer w = outlet_writer(&t->out);

	editor_erase(t, &w);
	write_bytes(&w, line, size);
	outlet_added(&t->out, &w);
}

static void notice_put(struct term *t, const char *level, const char *text)
{
	struct outlet *o = t->err_joins ? &t->out : &t->err;
	struct writer w = outlet_writer(o);

	if (w.capacity < (size_t)4 * TERM_NOTICE_MAX) {
		t->dropped++;
		return;
	}
	if (t->err_joins)
		editor_erase(t, &w);
	write_bytes(&w, level, strlen(level));
	write_bytes(&w, "> ", 2);
	clean_text(&w, text, strlen(text), false);
	write_u8(&w, '\n');
	outlet_added(o, &w);
}

void term_notice(struct term *t, const char *level, const char *format, ...)
{
	char text[TERM_NOTICE_MAX / 2];
	char count[64];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (t->dropped > 0) {
		(void)snprintf(count, sizeof(count),
			"%zu notices found no room here", t->dropped);
		t->dropped = 0;
		notice_put(t, "warn", count);
	}
	notice_put(t, level, text);
}

bool term_room(const struct term *t)
{
	return fifo_room(&t->out.fifo) >= TERM_SHOWN_MAX + TERM_ERR_SIZE / 2;
}

bool term_idle(const struct term *t)
{
	return fifo_size(&t->out.fifo) == 0 && fifo_size(&t->err.fifo) == 0;
}

/* Life. */

void term_resume(struct term *t)
{
	struct termios mode = t->saved;

	if (!t->editing)
		return;
	mode.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
	mode.c_cc[VMIN] = 1;
	mode.c_cc[VTIME] = 0;
	t->raw = tcsetattr(t->in_fd, TCSANOW, &mode) == 0;
	editor_changed(t);
}

void term_suspend(struct term *t)
{
	ssize_t n = 0;

	if (!t->raw)
		return;
	if (t->drawn)
		n = write(t->out.fd, "\r\033[K", 4);
	(void)n; /* a line that stays on the screen harms nobody */
	t->drawn = false;
	(void)tcsetattr(t->in_fd, TCSANOW, &t->saved); /* as we found it */
	t->raw = false;
}

static bool editor_possible(const struct term_options *options)
{
	return !options->plain && isatty(options->in_fd) &&
	       isatty(options->out_fd);
}

struct term *term_open(const struct term_options *options)
{
	struct term *t = malloc(sizeof(*t));

	if (t == NULL)
		return NULL;
	memset(t, 0, offsetof(struct term, line));
	t->in_fd = options->in_fd;
	t->in_slot = LOOP_NO_SLOT;
	t->in_is_tty = isatty(options->in_fd);
	t->in = fifo_over(t->in_bytes, sizeof(t->in_bytes));
	(void)snprintf(t->prompt, sizeof(t->prompt), "%s", options->prompt);
	outlet_open(
		&t->out, options->out_fd, t->out_bytes, sizeof(t->out_bytes));
	outlet_open(
		&t->err, options->err_fd, t->err_bytes, sizeof(t->err_bytes));
	t->editing =
		editor_possible(options) && tcgetattr(t->in_fd, &t->saved) == 0;
	t->err_joins = t->editing && isatty(options->err_fd);
	term_resume(t);
	return t;
}

void term_close(struct term *t)
{
	int error = errno;

	if (t == NULL)
		return;
	outlet_finish(&t->out);
	outlet_finish(&t->err);
	term_suspend(t);
	outlet_close(&t->out);
	outlet_close(&t->err);
	free(t);
	errno = error;
}

bool term_is_interactive(const struct term *t)
{
	return t->editing;
}

bool term_is_typed(const struct term *t)
{
	return t->in_is_tty;
}

void term_want(struct term *t, struct loop *loop)
{
	struct writer w = outlet_writer(&t->out);

	if (t->raw && !t->drawn) {
		editor_draw(t, &w);
		outlet_added(&t->out, &w);
	}
	t->in_slot = LOOP_NO_SLOT;
	if (!t->in_ended && fifo_room(&t->in) > 0)
		t->in_slot = loop_add(loop, t->in_fd, POLLIN);
	outlet_want(&t->out, loop);
	outlet_want(&t->err, loop);
}

void term_run(struct term *t, const struct loop *loop)
{
	outlet_run(&t->out, loop);
	outlet_run(&t->err, loop);
	if (loop_ready(loop, t->in_slot) != 0) {
		uint8_t *tail = fifo_tail(&t->in);
		ssize_t n = read(t->in_fd, tail, fifo_room(&t->in));

		if (n > 0)
			fifo_added(&t->in, (size_t)n);
		else if (n == 0 || (errno != EAGAIN && errno != EINTR))
			t->in_ended = true;
	}
}
