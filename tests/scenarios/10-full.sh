#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: a disk that fills up is told, harms no peer, and loses nothing.
#
# Bob's database lies on a file system of 16 MiB.  First little room is left:
# others' messages wait, his own go on.  Then none is: what is piped into him
# waits too.  Then there is room again, and all goes on; and at last the disk
# fills up while others' messages pour in.  All the time bob is linked, alice
# and carl chat, and at the end everything that was said is everywhere.
#
# Bob asks every five seconds whether there is room.
. "$(dirname "$0")/lib.sh"

# messages FILE: author, number and text of each message, in that order.
messages() {
	sed -n 's/^{"type":"message","author":"\([^"]*\)".*,"seq":\([0-9]*\),.*,"text":"\(.*\)","verified":.*}$/\1 \2 \3/p' "$1" |
		sort
}

# told COUNT PATTERN: so often did bob say this on standard error.
told() {
	[ "$(lines bob.err "$2")" -ge "$1" ]
}

# bob_tells COUNT PATTERN
bob_tells() {
	wait_until 120 told "$1" "$2" || fail "bob does not say '$2' ($1)"
}

# ballast KIB: all of the disk but so much is in use.
ballast() {
	free=$(df -k disk | awk 'END { print $4 }')
	dd if=/dev/zero of=disk/ballast bs=1024 oflag=append conv=notrunc \
		count=$((free - $1)) 2> /dev/null || [ "$1" -eq 0 ] ||
		fail "the ballast does not fit"
}

# pipe WHO: 20,000 lines, 1.5 MiB, at the pace that WHO takes them.
pipe() {
	seq -f "%.0f of $1: a line that is to fill what room there is on a disk" \
		20000 > "$1.in" &
}

mkdir disk
mount -t tmpfs -o size=16m none disk
own_mount=disk

start alice "$chat" --json --no-mdns -p 4001 alice
start carl "$chat" --json --no-mdns -p 4003 carl 127.0.0.1:4001
wait_for alice.out '"event":"up","name":"carl"'

# Room for what bob makes at his start, and half a MiB.
ballast 2624
start bob "$chat" --json --no-mdns -p 4002 -d disk/bob.db bob 127.0.0.1:4001
bob_tells 1 '^warn> little room is left on the disk'
wait_for alice.out '"event":"up","name":"bob"'
say alice 'does this wait?'
say bob 'my own go on'
wait_for carl.out '"my own go on"'
wait_for carl.out '"does this wait?"'
[ "$(lines bob.out 'does this wait')" -eq 0 ] || fail "bob took it all the same"

# No room: lines that are piped stay in the pipe.
ballast 0
pipe bob
bob_tells 1 '^error> the disk is full'
say alice 'bob is full'
wait_for carl.out '"bob is full"'
say carl 'so he is'
wait_for alice.out '"so he is"'
[ "$(lines alice.out '"20000 of bob:')" -eq 0 ] || fail "that disk was not full"

rm disk/ballast
bob_tells 1 '^info> there is room on the disk again'
wait_for alice.out '"20000 of bob:'
wait_for carl.out '"20000 of bob:'
bob_tells 1 "^info> there is room for others' messages again"
wait_for bob.out '"does this wait?"'
wait_for bob.out '"so he is"'

# Before bob asks again, five seconds after he did: not little room, but none.
ballast 0
pipe alice
bob_tells 2 '^error> the disk is full'
wait_for carl.out '"20000 of alice:'
say carl 'is he full again?'
wait_for alice.out '"is he full again?"'
[ "$(lines bob.out '"20000 of alice:')" -eq 0 ] || fail "that disk was not full"
rm disk/ballast
wait_for bob.out '"20000 of alice:' 120
wait_for bob.out '"is he full again?"' 120
say bob 'all is well'
wait_for carl.out '"all is well"'

for who in alice bob carl; do
	leave "$who"
done
[ "$(lines alice.out '"event":"up"')" -eq 2 ] || fail "a link was lost"
! grep -v -e '^info> ' alice.err carl.err > complaints.log ||
	fail "a peer complained"
grep -v -e '^info> ' -e '^warn> little room' -e '^error> the disk is full' \
	bob.err > complaints.log && fail "bob said something else"
[ "$(lines bob.err 'the disk is full')" -le 4 ] || fail "bob said it too often"

for who in alice bob carl; do
	"$chat" --check -d "$(ls -d $who.db disk/$who.db 2> /dev/null)" $who \
		> check.log 2>&1 || fail "the database of $who is not sound"
	messages $who.out > $who.all
done
[ "$(lines alice.all '')" -eq 40006 ] || fail "a line is missing"
cmp alice.all bob.all || fail "alice and bob differ"
cmp alice.all carl.all || fail "alice and carl differ"

# Who has one thing to say, and finds the disk full, is told so in time.
"$chat" -q --no-mdns --send first --acks 0 -d disk/dora.db dora ||
	fail "dora can not say a thing"
ballast 0
status=0
timeout 60 "$chat" -q --no-mdns --send "$(printf '%04000d' 0)" --timeout 2 \
	-d disk/dora.db dora 2> dora.err || status=$?
[ "$status" -eq 74 ] || fail "--send on a full disk ended with $status"
has dora.err '^error> what was said last was not kept' ||
	fail "dora is not told what became of her words"
