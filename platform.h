/* SPDX-License-Identifier: ISC */
/*
 * platform.h: what is asked of the system beyond POSIX.1-2008, by platform.
 * A file that needs it includes this before anything else; the others see
 * POSIX alone.
 */
#ifndef PLATFORM_H
#define PLATFORM_H

#if defined(__SIZEOF_POINTER__) && __SIZEOF_POINTER__ == 4
#define _FILE_OFFSET_BITS 64 /* large disks have large inode numbers */
#endif

#if defined(__linux__)
#define _GNU_SOURCE /* F_OFD_SETLK, struct ip_mreqn, IP_PKTINFO */
#elif defined(__APPLE__)
#define _DARWIN_C_SOURCE
#define __APPLE_USE_RFC_3542 /* IPV6_RECVPKTINFO */
#elif defined(__FreeBSD__) || defined(__DragonFly__)
#define __BSD_VISIBLE 1
#elif defined(__NetBSD__)
#define _NETBSD_SOURCE
#elif defined(__OpenBSD__)
#define _BSD_SOURCE
#endif

#endif
