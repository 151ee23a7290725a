/* SPDX-License-Identifier: ISC */
/*
 * iface.h: network interfaces and the multicast sockets over them, with all
 * that differs between platforms.  Packets in, packets out; their content is
 * mdns.c's business.
 */
#ifndef IFACE_H
#define IFACE_H

#include <net/if.h>

#include "loop.h"
#include "mdns.h"

enum {
	IFACE_NAMES_MAX = 8,
	IFACE_SCAN_MS = 3000,  /* interfaces are looked at this often */
	IFACE_PACKETS_MAX = 64 /* read in one turn of the loop */
};

struct iface_options {
	const char *const *names; /* use these only; borrowed */
	int name_count;           /* 0: all */
	bool multicast;           /* false: only list interfaces */
};

/* An interface of the system, whether it can be used or not. */
struct iface_view {
	char name[IF_NAMESIZE];
	bool up;
	bool running; /* it has a carrier */
	bool multicast;
	bool loopback;
	int count;
	struct sockaddr_storage addresses[MDNS_ADDRESSES_MAX]; /* port 0 */
};

/* Writes what there is, at most `most`; returns how many. */
int iface_look(struct iface_view *views, int most);

struct iface;

/*
 * Opens the sockets.  A network that is missing is no error: it may come.
 * NULL and ENOMEM.
 */
struct iface *iface_open(const struct iface_options *options) MUST_USE;
void iface_close(struct iface *iface);

/*
 * The interfaces that are in use: those that are up and running; loopback
 * only when there is no other one, or when it is named.  True when they
 * changed since the last call, the first one included.
 */
bool iface_changed(struct iface *iface, const struct mdns_interface **list,
	int *count) MUST_USE;

/* Looks at the interfaces now, not only when it is time again. */
void iface_rescan(struct iface *iface);

/*
 * Does the system forbid us to send, as macOS does without the permission for
 * the local network?
 */
bool iface_denied(const struct iface *iface);

/*
 * Is port 5353 open for IPv4?  Not while somebody does not share it; until he
 * does, each scan tries again, and no interface is one of IPv4.
 */
bool iface_has_ipv4(const struct iface *iface);

void iface_want(struct iface *iface, struct loop *loop);
void iface_run(struct iface *iface, const struct loop *loop, int64_t now_ms);

/* The next packet received; its bytes are valid until the next call. */
bool iface_next(struct iface *iface, struct mdns_packet *packet) MUST_USE;

/* Sends a packet.  One that can not be sent now is lost, as packets are. */
void iface_send(struct iface *iface, const struct mdns_packet *packet);

#endif
