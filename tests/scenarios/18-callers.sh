#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: 10,000 evil callers from one address keep nobody honest out.
#
# Abuse 24: alice and bob are linked.  From the address that all here share come
# callers that send a byte every two seconds, or nothing, at each stage of a
# handshake; and three who prove that they have a key, and then do the same with
# their Hello, or with a frame after it.  Alice sends each away in time, and what
# she and bob say meanwhile arrives.
#
# Abuse 25: callers without end, who are silent, stop in the middle of a
# handshake, or send without ever reading: alice has few descriptors open.
# Meanwhile ten honest peers come, and all twelve hear one another; the link with
# bob is never lost.
. "$(dirname "$0")/lib.sh"

need_python
port=55204 # alice's
honest='carol dora emil frida gustav hanna ivan julia karl lena'

need_proc
need_player evil

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

# Who is slow has the time of a whole handshake, 5 s, or 10 s for a frame, and
# no more; a machine that is busy takes its own time, but not the 90 s after
# which anybody is closed who says nothing.
late='slow0 slow1 slow2 mute0 mute1 mute2 no-hello slow-hello slow-frame'
for stage in 0 1 2; do
	start "slow$stage" "$python" "$callers" slow $port $stage
	start "mute$stage" "$python" "$callers" mute $port $stage
done
number=100
for what in no-hello slow-hello slow-frame; do
	number=$((number + 1))
	start $what "$player" $port $number $what
done
for i in 1 2 3 4 5 6 7 8 9 10; do
	say bob "bob $i"
	wait_for alice.out "^bob> bob $i\$"
	say alice "alice $i"
	wait_for bob.out "^alice> alice $i\$"
done
for who in $late; do
	wait_for "$who.out" '^[0-9]'
	seconds=$(sed -n '/^[0-9]/p' "$who.out")
	if [ "$seconds" -lt 1 ] || [ "$seconds" -gt 30 ]; then
		fail "$who was borne for $seconds s"
	fi
	ended "$who" 0
	silent "$who"
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

# all_called: they are 10,000 by now.
all_called() {
	few_descriptors
	total=0
	for stage in 0 1 2; do
		total=$((total + 100 * $(lines "flood$stage.out" more)))
	done
	[ "$total" -ge 10000 ]
}

wait_until 240 all_called || fail "only $total callers came"
for stage in 0 1 2; do
	kill -TERM "$(cat "flood$stage.pid")"
	ended "flood$stage" 143
done
kill -TERM "$(cat deaf.pid)"
ended deaf 143
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
