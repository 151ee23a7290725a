#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: two who are called alice get along: one becomes alice-2, with a line,
# and they find each other and everybody else.  So do two on one host, and the
# new name is that of a host as well.
# shellcheck disable=SC2034 # lib.sh reads it
hosts=2
. "$(dirname "$0")/lib.sh"
need_python

# is_host NAME: NAME.local has an address; a one-shot asker on h2 wants it.
is_host() {
	on h2 "$python" -c '
import socket, sys
name = bytes([len(sys.argv[1])]) + sys.argv[1].encode() + b"\5local\0"
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(0.5)
s.sendto(bytes([0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]) + name + b"\0\1\0\1",
    ("224.0.0.251", 5353))
answer = s.recv(9000)
sys.exit(0 if answer[:2] == b"\0\7" and answer[7] == 1 else 1)' "$1" 2> host.log
}

start alice on h1 "$chat" --json alice
wait_for alice.err 'this is alice.local'
sleep 2
start other on h2 "$chat" --json -d other.db alice
wait_for other.err '^warn> somebody else is alice.local: using alice-2$' 10
start bob on h2 "$chat" -q --json bob
two() {
	[ "$(lines bob.out '"up","name":"alice')" -ge 2 ]
}
wait_until 10 two || fail 'bob does not find both'
say bob 'hello, both'
wait_for alice.out '"text":"hello, both"' 10
wait_for other.out '"text":"hello, both"' 10
[ "$(lines alice.err 'somebody else')" -eq 0 ] || fail 'the first alice gave way'
wait_until 10 is_host alice-2 || fail 'alice-2.local is no host'
leave other
echo 'on two hosts: good'

start other on h1 "$chat" --json -d other.db alice
wait_for other.err '^warn> somebody else is alice.local: using alice-2$' 10
say bob 'hello again'
wait_for other.out '"text":"hello again"' 10
wait_until 10 is_host alice || fail 'alice.local is no host'
wait_until 10 is_host alice-2 || fail 'alice-2.local is no host on one host'
leave alice
leave other
leave bob
echo 'on one host: good'
