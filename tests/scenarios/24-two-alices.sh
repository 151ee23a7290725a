#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: two who are called alice get along: one becomes alice-2, with a line,
# and they find each other and everybody else.  So do two on one host.
# shellcheck disable=SC2034 # lib.sh reads it
hosts=2
. "$(dirname "$0")/lib.sh"

start alice on h1 "$chat" --json alice
wait_for alice.err 'this is alice.local'
sleep 2
start other on h2 "$chat" --json -d other.db alice
wait_for other.err '^warn> somebody else is alice.local: using alice-2$' 10
start bob on h2 "$chat" -q --json bob
wait_until 10 test "$(lines bob.out '"up"')" -ge 0
two() {
	[ "$(lines bob.out '"up","name":"alice')" -ge 2 ]
}
wait_until 10 two || fail 'bob does not find both'
say bob 'hello, both'
wait_for alice.out '"text":"hello, both"' 10
wait_for other.out '"text":"hello, both"' 10
[ "$(lines alice.err 'somebody else')" -eq 0 ] || fail 'the first alice gave way'
leave other
echo 'on two hosts: good'

start other on h1 "$chat" --json -d other.db alice
wait_for other.err '^warn> somebody else is alice.local: using alice-2$' 10
say bob 'hello again'
wait_for other.out '"text":"hello again"' 10
leave alice
leave other
leave bob
echo 'on one host: good'
