#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: 10,000 evil callers from one address keep nobody honest out.
#
# Abuse 24: alice and bob are linked.  From the address that all here share come
# callers that send a byte every two seconds, or nothing, at each stage of a
# handshake; and three who prove that they have a key, and then do the same with
# their Hello, or with a frame after it.  Alice sends each away in time.  Others
# see no delay: what she and bob say arrives while she still bears the slow; a loop
# that waited for one of these would be silent until he is gone.
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

# call WHO: each who has a key has another one.
number=100
call() {
	case $1 in
	slow[0-9] | mute[0-9])
		start "$1" "$python" "$callers" "${1%?}" $port "${1#????}"
		;;
	*)
		number=$((number + 1))
		start "$1" "$player" $port $number "$1"
		;;
	esac
}

# borne WHO: sets seconds.
borne() {
	wait_for "$1.out" '^[0-9]'
	seconds=$(sed -n '/^[0-9]/p' "$1.out")
	ended "$1" 0
	silent "$1"
}

# bears WHO SECONDS: not less; and less than twice of it, or another limit may
# have been at work.  A machine that is busy, or its disk, may hold alice up for
# so long, but hardly three times, each time that he is there.
bears() {
	for again in yes yes no; do
		borne "$1"
		[ "$seconds" -ge "$2" ] || fail "$1 was borne for $seconds s only"
		[ "$seconds" -ge $((2 * $2)) ] || return 0
		[ "$again" = no ] || call "$1"
	done
	fail "$1 was borne for $seconds s"
}

# talk: and whoever has the most time, ten seconds, is still there.
said=0
talk() {
	until=$((said + 5))
	while [ "$said" -lt "$until" ]; do
		said=$((said + 1))
		say bob "bob $said"
		wait_for alice.out "^bob> bob $said\$"
		say alice "alice $said"
		wait_for bob.out "^alice> alice $said\$"
	done
	! has slow-frame.out '^[0-9]'
}

for who in slow0 slow1 slow2 mute0 mute1 mute2 no-hello slow-hello slow-frame; do
	call $who
done
wait_for slow-frame.out there
for again in yes yes no; do
	! talk || break
	[ "$again" = yes ] || fail "whoever is slow keeps others waiting"
	borne slow-frame
	call slow-frame
	wait_for slow-frame.out there
done
bears mute0 2 # the first byte
for who in slow0 slow1 slow2 mute1 mute2; do
	bears $who 5 # in all, from connecting on
done
for who in no-hello slow-hello; do
	bears $who 5 # after the proof
done
bears slow-frame 10

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
