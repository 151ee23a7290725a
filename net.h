/* SPDX-License-Identifier: ISC */
/*
 * net.h: what several files do alike to sockets and addresses.  Include
 * platform.h before it.
 */
#ifndef NET_H
#define NET_H

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "bytes.h"

/* Bytes of an IPv4 or IPv6 address, as bind, connect and sendto want them. */
static inline socklen_t net_address_size(const struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					      : sizeof(struct sockaddr_in);
}

static inline void net_set_port(struct sockaddr_storage *address, uint16_t port)
{
	if (address->ss_family == AF_INET6)
		((struct sockaddr_in6 *)address)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)address)->sin_port = htons(port);
}

/* Sets an option if there is one; a socket without it serves less well. */
static inline void net_set_option(int fd, int level, int option, int value)
{
	(void)setsockopt(fd, level, option, &value, sizeof(value));
}

/* Non-blocking, and not inherited by other programs.  0, or -1 and errno. */
static inline MUST_USE int net_set_flags(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -1;
	return fcntl(fd, F_SETFD, FD_CLOEXEC);
}

#endif
