#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: a flipped byte is found, said, and made good by a peer.
#
# Alice and bob have more than a segment (64 MiB) of history.  A byte is flipped
# in the middle of bob's first segment while he is away: chat --check says
# where and whose, bob says it at his next start, and alice sends it again.
# Then one in a message of bob's own while he chats: it is found when carl,
# who knows only bob, is sent the history.
. "$(dirname "$0")/lib.sh"

export LC_ALL=C # bytes are faster
segment=bob.db/segments/00000000.seg

# messages NAME: author, number and text of each message in its database.
messages() {
	"$chat" --log --json "$1" 2> log.err |
		sed 's/^{"type":"message","author":"\([^"]*\)","name":"[^"]*","seq":\([0-9]*\),"time":"[^"]*","text":"\(.*\)","verified":true}$/\1 \2 \3/' |
		sort > "$1.all"
	silent log
}

# flip OFFSET: another byte stands there in bob's first segment.
flip() {
	byte=$(od -A n -t u1 -j "$1" -N 1 "$segment" | tr -d ' ')
	# shellcheck disable=SC2059 # the format is the byte
	printf "\\$(printf '%03o' $((byte ^ 1)))" |
		dd of="$segment" bs=1 seek="$1" conv=notrunc 2> /dev/null
}

# checked STATUS: chat --check bob, as check.out.
checked() {
	status=0
	"$chat" --check bob > check.out 2> check.err || status=$?
	[ "$status" -eq "$1" ] || fail "--check: status $status, not $1"
	silent check
}

# said FILE LINE: among the last lines, for the whole file is long.
said() {
	tail -n 3 "$1" | grep -q -x -e "$2"
}

wait_said() {
	wait_until 120 said "$1" "$2" || fail "'$2' does not come up in $1"
}

# has_lines FILE COUNT
has_lines() {
	[ "$(wc -l < "$1")" -ge "$2" ]
}

checked_sound() {
	"$chat" --check bob > check.out 2> check.err
}

# range FILE: begin and end of the damage that FILE tells.
range() {
	sed -n 's/^.*segment 0, bytes \([0-9]*\) to \([0-9]*\): damaged$/\1 \2/p' \
		"$1" | head -n 1
}

# covers FILE OFFSET: the damage that FILE tells is there, and no larger than
# two records.
covers() {
	range "$1" > range.log
	read -r begin end < range.log || fail "$1 does not tell the damage"
	if [ "$begin" -gt "$2" ] || [ "$end" -le "$2" ] ||
		[ $((end - begin)) -gt 8400 ]; then
		fail "bytes $begin to $end do not fit a flip at $2"
	fi
}

missing() {
	has check.out "^messages [0-9]* to [0-9]* of $1: missing here$"
}

bob() {
	start bob "$chat" -q "$@" --no-mdns -p 4002 bob 127.0.0.1:4001
}

start alice "$chat" -q -n 0 --no-mdns -p 4001 alice
bob -n 0
say bob 'my own words'
wait_said alice.out 'bob> my own words'
awk 'BEGIN {
	text = sprintf("%3900s", "")
	gsub(" ", "x", text)
	for (i = 1; i <= 18000; i++)
		print i, text
}' > alice.in
wait_said bob.out 'alice> 18000 x*'
messages bob # beside him
cp bob.all before
[ "$(lines bob.all '')" -eq 18001 ] || fail "--log beside bob is not complete"
checked 0 # beside him, too
leave bob
silent bob
[ -e bob.db/segments/00000001.seg ] || fail "there is only one segment"

# Of alice's, while bob is away.
flip 30000000
checked 1
covers check.out 30000000
missing alice || fail "--check does not say whose message is missing"
bob
wait_for bob.err 'segment 0, bytes [0-9]* to [0-9]*: damaged$'
covers bob.err 30000000
wait_for bob.err '^warn> messages [0-9]* to [0-9]* of alice: missing here$'
say bob 'well again?'
wait_said alice.out 'bob> well again?'
wait_until 60 checked_sound || fail "the message does not come again"
messages bob
messages alice
cmp alice.all bob.all || fail "alice and bob differ"
grep -v ' well again?$' bob.all | cmp - before ||
	fail "another history than before"

# Of his own, while he chats.
offset=$(grep -a -b -o 'my own words' "$segment" | head -n 1 | cut -d : -f 1)
flip $((offset + 3))
checked 1
missing bob || fail "--check does not say that it is bob's own"
start carl "$chat" -q --no-mdns -p 4003 carl 127.0.0.1:4002
wait_for bob.err '^warn> messages 2 to 2 of bob: missing here$'
wait_until 60 checked_sound || fail "bob's own message does not come again"
say bob 'I am whole'
wait_said alice.out 'bob> I am whole'
wait_until 120 has_lines carl.out 18003 || fail "carl did not get everything"
leave bob
leave carl
leave alice
checked 0
messages alice
messages bob
messages carl
cmp alice.all bob.all || fail "alice and bob differ"
cmp carl.all bob.all || fail "carl and bob differ"
silent alice carl
