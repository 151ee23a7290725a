/* SPDX-License-Identifier: ISC */
/*
 * resolve.h: host names to addresses by the system's resolver, which blocks:
 * so each look-up is a child process that answers through a pipe.  Addresses
 * that are written as numbers are answered at once.
 */
#ifndef RESOLVE_H
#define RESOLVE_H

#include <sys/socket.h>

#include "loop.h"

enum {
	RESOLVE_MAX = 4,           /* look-ups at one time */
	RESOLVE_ADDRESSES_MAX = 8, /* of one host */
	RESOLVE_HOST_MAX = 255     /* bytes of a host name, without NUL */
};

struct resolve_event {
	int tag; /* as given to resolve_start */
	struct sockaddr_storage addresses[RESOLVE_ADDRESSES_MAX];
	int count;        /* 0: it failed */
	const char *text; /* and this is why; static */
};

struct resolve;

struct resolve *resolve_open(void) MUST_USE;

/* Ends all look-ups. */
void resolve_close(struct resolve *resolve);

/*
 * Begins to look up a host; the answer has `tag` and `port` in it.  0, or -1
 * and errno: EAGAIN when RESOLVE_MAX are under way.
 */
int resolve_start(struct resolve *resolve, int tag, const char *host,
	uint16_t port) MUST_USE;

/*
 * An address that needs no look-up: "10.0.0.7", "fd77::1", "fe80::1%eth0".
 * False when `host` is none.
 */
bool resolve_number(const char *host, uint16_t port,
	struct sockaddr_storage *address) MUST_USE;

void resolve_want(struct resolve *resolve, struct loop *loop);
void resolve_run(struct resolve *resolve, const struct loop *loop);
bool resolve_next(
	struct resolve *resolve, struct resolve_event *event) MUST_USE;

#endif
