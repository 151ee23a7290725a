/* SPDX-License-Identifier: ISC */
/* fuzz.h: what the fuzz targets share. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Whatever the input was, this holds. */
#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition))                                              \
			__builtin_trap();                                      \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#endif
