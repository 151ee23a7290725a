/* SPDX-License-Identifier: ISC */
/*
 * options.h: the command line, as data.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <sys/socket.h>

#include "bytes.h"
#include "resolve.h"

#define OPTIONS_VERSION "0.1.0"

enum {
	OPTIONS_PEERS_MAX = 64,
	OPTIONS_INTERFACES_MAX = 8,
	OPTIONS_HISTORY_DEFAULT = -1,
	OPTIONS_HISTORY_TERMINAL = 50,
	OPTIONS_PATH_SIZE = 1024,
	OPTIONS_TIMEOUT_MAX = 24 * 3600, /* seconds */
	OPTIONS_NO_PORT = -1,            /* do not listen: a node of a test */
	OPTIONS_GO_ON = -1 /* no reason to exit: see options_parse */
};

/* How a PEER is to be found. */
enum target_kind {
	TARGET_NAME,   /* bob, bob.local, bob.local:4000: multicast DNS */
	TARGET_NUMBER, /* 10.0.0.7:4000, [fd77::1]:4000 */
	TARGET_HOST    /* box.example:4000: the system's resolver */
};

struct target {
	enum target_kind kind;
	const char *text;                /* as it was given; borrowed */
	char host[RESOLVE_HOST_MAX + 1]; /* without .local, brackets, port */
	uint16_t port;
	struct sockaddr_storage number; /* of TARGET_NUMBER */
};

/* What the program is started for. */
enum command {
	COMMAND_CHAT,
	COMMAND_SEND,   /* say one thing, and end when it is delivered */
	COMMAND_DOCTOR, /* why does nobody appear? */
	COMMAND_LOG,    /* print the history, and end */
	COMMAND_CHECK   /* verify the database, and end */
};

enum verbosity { VERBOSITY_QUIET, VERBOSITY_NORMAL, VERBOSITY_VERBOSE };

struct options {
	enum command command;
	const char *name; /* valid (people_name_valid); NULL: with
			     COMMAND_DOCTOR only */
	struct target peers[OPTIONS_PEERS_MAX];
	int peer_count;
	const char *interfaces[OPTIONS_INTERFACES_MAX];
	int interface_count;
	const char *room; /* valid (people_room_valid); "" is everybody's */
	const char *dir;  /* NULL: ./NAME.db, or ./NAME@ROOM.db */
	int port;         /* 0: that of the name, or any free one; or NO_PORT */
	int history;      /* lines, or OPTIONS_HISTORY_DEFAULT */
	bool only;
	bool no_mdns;
	bool legacy; /* speak the original's protocol as well */
	bool json;
	const char *send; /* COMMAND_SEND: the text */
	int acks;         /* peers that must have it on disk */
	int timeout_s;    /* of COMMAND_SEND and exit_on_eof, as acks */
	bool limited;     /* one of the two was given */
	bool exit_on_eof; /* leave when stdin has ended and all is delivered */
	bool plain;       /* no line editor */
	enum verbosity verbosity;
	bool answers; /* on the socket ctl; this and the rest are not of the
			 command line */
	bool patient; /* not told: another process has the database open */
	int in_fd;
	int out_fd;
	int err_fd;
	int signal_fd; /* each byte of it is a signal's number; or -1 */
};

/* What an empty command line would mean; descriptors 0, 1, 2 and -1. */
void options_default(struct options *options);

/*
 * Reads a command line into options that options_default has made.  Returns
 * OPTIONS_GO_ON, or what the process is to exit with: 0 after --help and
 * --version, EX_USAGE after one line on stderr that says what is wrong.
 */
int options_parse(struct options *options, int argc, char **argv) MUST_USE;

/* Where the database is, see `dir`.  Writes at most `size` bytes. */
void options_path(const struct options *options, char *path, size_t size);

/* Understands a PEER; false when it makes no sense.  Borrows `text`. */
bool target_parse(const char *text, struct target *target) MUST_USE;

#endif
