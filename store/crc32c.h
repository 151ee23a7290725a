/* SPDX-License-Identifier: ISC */
/*
 * crc32c.h: the Castagnoli checksum (RFC 3720, appendix B.4), as in iSCSI,
 * ext4 and Btrfs.  It finds accidents, not attackers.
 */
#ifndef CRC32C_H
#define CRC32C_H

#include <stddef.h>
#include <stdint.h>

/*
 * The checksum of what `crc` is the checksum of, followed by these bytes;
 * 0 is the checksum of nothing:
 *	crc32c(crc32c(0, "1234", 4), "56789", 5) == 0xe3069283
 */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t size);

#endif
