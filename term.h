/* SPDX-License-Identifier: ISC */
/*
 * term.h: what a person types, and everything that is shown.
 *
 * Three descriptors: lines come in on one, messages go out on another, and
 * notices ("info> ...") on a third.  When the first two are a terminal (and
 * it is not a plain one), the line being typed is kept by a small editor, and
 * whatever arrives is written above it.  Otherwise lines are read as they
 * come and nothing but the messages is written.
 *
 * Writing never blocks.  A message is begun only when term_room says so; a
 * notice that finds no room is dropped, and their number is told later.
 */
#ifndef TERM_H
#define TERM_H

#include "bytes.h"
#include "clean.h"
#include "loop.h"

enum {
	TERM_LINE_MAX = 4096, /* bytes of a line that is typed or piped in */
	TERM_IN_SIZE = 64 * 1024,
	TERM_NOTICE_MAX = 1024,
	TERM_SHOWN_MAX = 64 * 1024 * CLEAN_GROWTH + 1024, /* largest message */
	TERM_OUT_SIZE = TERM_SHOWN_MAX + 64 * 1024,
	TERM_ERR_SIZE = 64 * 1024
};

struct term_options {
	int in_fd; /* all three are borrowed, and stay as they were */
	int out_fd;
	int err_fd;
	const char *prompt; /* of the editor; copied, at most 40 bytes */
	bool plain;         /* no editor, even on a terminal (TERM=dumb) */
};

enum term_event_kind {
	TERM_LINE,     /* bytes[size] without its newline */
	TERM_TOO_LONG, /* a line of more than TERM_LINE_MAX was left out */
	TERM_END,      /* no more input; told once */
	TERM_LEAVE,    /* the person on the terminal wants to leave */
	TERM_GONE      /* nobody reads the messages any more; told once */
};

struct term_event {
	enum term_event_kind kind;
	const char *bytes; /* borrowed until the next call of term_next */
	size_t size;
	int error; /* of TERM_GONE: errno */
};

struct term;

/* NULL and errno when there is no memory. */
struct term *term_open(const struct term_options *options) MUST_USE;

/*
 * Writes what waits, as long as it is taken within a tenth of a second, and
 * gives the terminal back as it was.  NULL is allowed.
 */
void term_close(struct term *term);

/* Is the editor at work?  Then a typed line is on the screen already. */
bool term_is_interactive(const struct term *term);

/* Is the input a terminal, with or without the editor? */
bool term_is_typed(const struct term *term);

void term_want(struct term *term, struct loop *loop);
void term_run(struct term *term, const struct loop *loop);
bool term_next(struct term *term, struct term_event *event) MUST_USE;

/* Is there room for a message of any size? */
bool term_room(const struct term *term) MUST_USE;

/* Has everything been written that can be? */
bool term_idle(const struct term *term) MUST_USE;

/* Writes a line of messages: clean (clean.h), and with its newline. */
void term_message(struct term *term, const void *line, size_t size);

/* A line "LEVEL> ..." for people; the formatted text is cleaned as a whole. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void term_notice(struct term *term, const char *level, const char *format, ...);

/* Around a stop by job control, and after a change of the window's size. */
void term_suspend(struct term *term);
void term_resume(struct term *term);

#endif
