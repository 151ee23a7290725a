/* SPDX-License-Identifier: ISC */
/*
 * crc32c.c: CRC-32C, eight bytes a step ("slicing by 8", Kounavis and Berry,
 * 2005).
 *
 * table[0][b] is what one byte b does to a checksum; table[k][b] is what b
 * followed by k zero bytes does to it.  A checksum is linear, so the effect
 * of eight bytes is the exclusive or of eight table entries, none of which
 * waits for another.
 *
 * The tables are computed at the first call: 8 KiB that nobody has to proof
 * read.
 */
#include <stdbool.h>

#include "bytes.h"
#include "crc32c.h"

enum { SLICES = 8 };

static const uint32_t POLYNOMIAL = 0x82f63b78; /* bits reversed */

static uint32_t table[SLICES][256];

static void table_make(void)
{
	for (uint32_t byte = 0; byte < 256; byte++) {
		uint32_t crc = byte;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ ((crc & 1) != 0 ? POLYNOMIAL : 0);
		table[0][byte] = crc;
	}
	for (int k = 1; k < SLICES; k++) {
		for (int byte = 0; byte < 256; byte++) {
			uint32_t crc = table[k - 1][byte];

			table[k][byte] = crc >> 8 ^ table[0][crc & 0xff];
		}
	}
}

static uint32_t eight_bytes(uint32_t crc, const uint8_t *b)
{
	crc ^= (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
	       (uint32_t)b[3] << 24;
	return table[7][crc & 0xff] ^ table[6][crc >> 8 & 0xff] ^
	       table[5][crc >> 16 & 0xff] ^ table[4][crc >> 24] ^
	       table[3][b[4]] ^ table[2][b[5]] ^ table[1][b[6]] ^
	       table[0][b[7]];
}

uint32_t crc32c(uint32_t crc, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	if (table[0][1] == 0)
		table_make();
	crc = ~crc;
	for (; size >= 8; size -= 8, at += 8)
		crc = eight_bytes(crc, at);
	for (; size > 0; size--, at++)
		crc = crc >> 8 ^ table[0][(crc ^ *at) & 0xff];
	return ~crc;
}
