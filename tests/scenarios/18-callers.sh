#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: thousands of evil callers from one address keep nobody honest out.
#
# Alice and bob are linked.  From the address that all here share come callers
# that send a byte a second, which alice sends away in time; then callers without
# end that are silent, stop in the middle of a handshake, or send without ever
# reading: alice has few descriptors open.  Meanwhile ten honest peers come, and
# all twelve hear one another; the link with bob is never lost.
. "$(dirname "$0")/lib.sh"

need_python
port=55204 # alice's
honest='carol dora emil frida gustav hanna ivan julia karl lena'

# The numbers of processes are our own here, and /proc has them only when it is
# mounted here.
mkdir proc
mount -t proc none proc || skip "this system does not let us mount /proc"
own_mount=proc

# few_descriptors: never more than for 16 half-open callers, 64 links, and some
# twenty for all else.
most=0
few_descriptors() {
	open=0
	for fd in "proc/$(cat alice.pid)/fd/"*; do
		[ ! -L "$fd" ] || open=$((open + 1))
	done
	[ "$open" -gt 5 ] || fail "alice's descriptors can not be seen"
	[ "$open" -le "$most" ] || most=$open
	[ "$open" -le 100 ] || fail "alice has $open descriptors open"
}

# heard WHO TEXT: alice and bob have it.
heard() {
	wait_for alice.out "^$1> $2\$"
	wait_for bob.out "^$1> $2\$"
	few_descriptors
}

start alice "$chat" -v --no-mdns -p $port alice
start bob "$chat" -q --no-mdns -p 4002 bob 127.0.0.1:$port
say bob 'before'
heard bob 'before'

# Who is slow has the time of a whole handshake, 5 s, and no more.
for stage in 0 1 2; do
	start "slow$stage" "$python" "$callers" slow $port $stage
done
for stage in 0 1 2; do
	wait_for "slow$stage.out" '^[0-9]'
	seconds=$(cat "slow$stage.out")
	if [ "$seconds" -lt 2 ] || [ "$seconds" -gt 8 ]; then
		fail "a slow caller was borne for $seconds s"
	fi
done

for stage in 0 1 2; do
	start "flood$stage" "$python" "$callers" flood $port $stage
done
start deaf "$python" "$callers" deaf $port

p=4100
for who in $honest; do
	p=$((p + 1))
	start "$who" "$chat" -q --no-mdns -p $p "$who" 127.0.0.1:$port
	say "$who" "I am $who"
	few_descriptors
done
for who in $honest; do
	heard "$who" "I am $who"
done
say alice 'all here?'
for who in bob $honest; do
	wait_for "$who.out" '^alice> all here?$'
done

few_descriptors

total=0
for stage in 0 1 2; do
	kill -TERM "$(cat "flood$stage.pid")"
	ended "flood$stage" 0
	total=$((total + $(cat "flood$stage.out")))
done
kill -TERM "$(cat deaf.pid)"
ended deaf 143
[ "$total" -ge 1000 ] || fail "only $total callers came"
[ "$(lines alice.err '^info> bob is here')" -eq 1 ] || fail "bob was lost"
[ "$(lines alice.err '^info> bob is gone')" -eq 0 ] || fail "bob was lost"
say bob 'after'
for who in alice $honest; do
	wait_for "$who.out" '^bob> after$'
	leave "$who"
done
leave bob
silent bob deaf
for who in $honest; do
	silent "$who"
done
! grep -v '^info> ' alice.err > complaints.log || fail "alice complained"
echo "$total evil callers, at most $most descriptors"
