/* SPDX-License-Identifier: ISC */
/*
 * net.h: what is done to sockets and their addresses, in one place.  Include
 * platform.h before it.
 */
#ifndef NET_H
#define NET_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
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

/* The 16 bytes that stand for a host: IPv4 as mapped into IPv6. */
static inline void net_host(
	const struct sockaddr_storage *address, uint8_t host[16])
{
	const struct sockaddr_in *a4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)address;

	memset(host, 0, 16);
	if (address->ss_family == AF_INET) {
		host[10] = host[11] = 0xff;
		memcpy(host + 12, &a4->sin_addr, 4);
	} else if (address->ss_family == AF_INET6) {
		memcpy(host, &a6->sin6_addr, 16);
	}
}

static inline bool net_same_host(
	const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	uint8_t host_a[16], host_b[16];

	net_host(a, host_a);
	net_host(b, host_b);
	return memcmp(host_a, host_b, 16) == 0;
}

/* 127.0.0.0/8 and ::1 */
static inline bool net_is_loopback(const struct sockaddr_storage *address)
{
	uint8_t host[16];
	struct in6_addr six;

	net_host(address, host);
	memcpy(&six, host, sizeof(six));
	return IN6_IS_ADDR_LOOPBACK(&six) ||
	       (IN6_IS_ADDR_V4MAPPED(&six) && host[12] == 127);
}

static inline uint16_t net_port(const struct sockaddr_storage *address)
{
	return ntohs(address->ss_family == AF_INET6
			     ? ((const struct sockaddr_in6 *)address)->sin6_port
			     : ((const struct sockaddr_in *)address)->sin_port);
}

/* Where somebody listens, however it is written: an address and a port. */
struct net_place {
	uint8_t host[16]; /* as of net_host */
	uint16_t port;
};

static inline struct net_place net_place_of(
	const struct sockaddr_storage *address)
{
	struct net_place place = { .port = net_port(address) };

	net_host(address, place.host);
	return place;
}

static inline bool net_same_place(
	const struct net_place *a, const struct net_place *b)
{
	return memcmp(a->host, b->host, sizeof(a->host)) == 0 &&
	       a->port == b->port;
}

static inline void net_set_place(
	struct sockaddr_storage *address, const struct net_place *place)
{
	struct sockaddr_in *a4 = (struct sockaddr_in *)address;
	struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)address;
	struct in6_addr six;

	memset(address, 0, sizeof(*address));
	memcpy(&six, place->host, sizeof(six));
	if (IN6_IS_ADDR_V4MAPPED(&six)) {
		address->ss_family = AF_INET;
		memcpy(&a4->sin_addr, place->host + 12, 4);
	} else {
		address->ss_family = AF_INET6;
		a6->sin6_addr = six;
	}
	net_set_port(address, place->port);
}

/*
 * Can it be told to others, and dialled by them?  Not what stands for no host
 * or for many, and no link-local IPv6 address: that means nothing without its
 * interface, which has another number on every host.
 */
static inline bool net_place_is_plain(const struct net_place *place)
{
	uint8_t first = place->host[12];
	struct in6_addr six;

	memcpy(&six, place->host, sizeof(six));
	if (place->port == 0)
		return false;
	if (IN6_IS_ADDR_V4MAPPED(&six)) /* 0/8, multicast, reserved */
		return first != 0 && first < 224;
	return !IN6_IS_ADDR_UNSPECIFIED(&six) && !IN6_IS_ADDR_MULTICAST(&six) &&
	       !IN6_IS_ADDR_LINKLOCAL(&six) && !IN6_IS_ADDR_V4COMPAT(&six);
}

/* "10.0.0.7:4000", "[fd77::1]:4000", or "" of what is neither. */
enum { NET_SHOWN_MAX = 64 };

static inline void net_show(
	const struct sockaddr_storage *address, char shown[NET_SHOWN_MAX])
{
	const struct sockaddr_in *a4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)address;
	char host[INET6_ADDRSTRLEN];

	shown[0] = '\0';
	if (address->ss_family == AF_INET6 &&
		inet_ntop(AF_INET6, &a6->sin6_addr, host, sizeof(host)) != NULL)
		(void)snprintf(shown, NET_SHOWN_MAX, "[%s]:%u", host,
			net_port(address));
	else if (address->ss_family == AF_INET &&
		 inet_ntop(AF_INET, &a4->sin_addr, host, sizeof(host)) != NULL)
		(void)snprintf(
			shown, NET_SHOWN_MAX, "%s:%u", host, net_port(address));
}

#endif
