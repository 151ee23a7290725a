/* SPDX-License-Identifier: ISC */
/*
 * secret.h: for tests/ct/run, which has compilers read it before each file.  A
 * secret that may be known from here on is defined memory again.
 */
#ifndef TESTS_CT_SECRET_H
#define TESTS_CT_SECRET_H

#include <valgrind/memcheck.h>

#define SECRET_NO_MORE(value) VALGRIND_MAKE_MEM_DEFINED(&(value), sizeof(value))

#endif
