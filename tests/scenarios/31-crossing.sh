#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: two who dial each other at the same moment end up with one link.
#
# Abuse 36: 1,000 times, over IPv4, IPv6, and both; then copies of one database,
# which are told of each other, and nobody is kicked.  (16-copies has the whole
# programs of that.)
. "$(dirname "$0")/lib.sh"

need_player crossing
start crossing "$player"
ended crossing 0
has crossing.err '^\[  PASSED  \] 2 test(s)' || fail "not all was tried"
echo 'one link each time: good'
