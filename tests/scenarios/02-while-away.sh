#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: what was said while somebody was away is there when they come.
#
# Alice says hello and leaves before bob has ever run; bob comes, alice comes
# back: bob has it.  Both are started again: both still have it, and bob, who
# is then alone, still knows that it was alice.
. "$(dirname "$0")/lib.sh"

start alice "$chat" -q alice bob
say alice hello
wait_for alice.out '^alice> hello$'
leave alice
silent alice

start bob "$chat" -q bob alice
say bob 'anybody here?'
wait_for bob.out '^bob> anybody here?$'
[ "$(lines bob.out 'hello')" -eq 0 ] || fail "bob knew before he could"

start alice "$chat" -q alice bob
wait_for bob.out '^alice> hello$'
wait_for alice.out '^bob> anybody here?$'
leave alice
leave bob
silent alice bob

start bob "$chat" -q bob alice
wait_for bob.out '^alice> hello$'
wait_for bob.out '^bob> anybody here?$'
leave bob
start alice "$chat" -q alice bob
wait_for alice.out '^alice> hello$'
wait_for alice.out '^bob> anybody here?$'
leave alice
silent alice bob
for who in alice bob; do
	[ "$(lines $who.out '')" -eq 2 ] || fail "$who has not two lines"
done
