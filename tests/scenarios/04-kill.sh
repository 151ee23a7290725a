#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: kill -9 loses nothing that anybody was told, and forks nothing.
#
# A stream of lines is piped into alice, and in the middle of it, at a random
# moment, she is killed; in every second round bob is too.  Then each victim is
# started alone: all that the other one had of her, and all that the victim
# itself had shown, is there; no number is there twice or missing; the lines of
# the stream are there from its first one, without a hole.  At the end 10,000
# lines go through undisturbed, and both have the same history.
. "$(dirname "$0")/lib.sh"

# messages FILE: author, number and text of each message, one a line.
messages() {
	sed -n 's/^{"type":"message","author":"\([^"]*\)".*,"seq":\([0-9]*\),.*,"text":"\(.*\)","verified":.*}$/\1 \2 \3/p' "$1"
}

# sound FILE: each author's numbers are 2, 3, 4..., for record 1 says who the
# author is; the lines of each stream are 1, 2, 3... and may end early.
sound() {
	sort -k 1,1 -k 2,2n "$1" | awk '
		!($1 in seq) { seq[$1] = 1 }
		$2 != seq[$1] + 1 { print "number:", $0; bad = 1 }
		{ seq[$1] = $2 }
		$3 == "stream" && $6 != line[$4] + 1 { print "line:", $0; bad = 1 }
		$3 == "stream" { line[$4] = $6 }
		END { exit bad }' > "$1.log" ||
		fail "$1: a number or a line is missing or there twice"
}

# stream: 10,000 lines, in small pieces, so that it takes its time.
stream() {
	piece=0
	while [ "$piece" -lt 200 ]; do
		seq -f "stream $round line %.0f" $((piece * 50 + 1)) \
			$((piece * 50 + 50)) 2> /dev/null || return 0
		piece=$((piece + 1))
	done
}

at_least() {
	[ "$(lines "$1" "$2")" -ge "$3" ]
}

# alone WHO: what WHO's database has, as WHO.kept; it says a line meanwhile.
alone() {
	start "$1" "$chat" -q --json --no-mdns "$1"
	say "$1" "$1 again, $round"
	wait_for "$1.out" "\"$1 again, $round\""
	leave "$1"
	silent "$1"
	messages "$1.out" > "$1.kept"
	sound "$1.kept"
}

# holds WHO FILE: all of FILE is in WHO.kept.
holds() {
	sort "$2" > one
	sort "$1.kept" > all
	comm -23 one all > missing.log
	[ ! -s missing.log ] || fail "$1 does not have all of $2"
}

random=$(od -A n -N 4 -t u4 /dev/urandom | tr -d ' ')
for round in 1 2 3 4; do
	random=$(((random * 1103515245 + 12345) % 2147483648))
	start bob "$chat" -q -n 0 --json bob alice
	start alice "$chat" -q -n 0 --json alice bob
	wait_for bob.out '"event":"up","name":"alice"'
	stream > alice.in &
	wait_until 60 at_least bob.out "stream $round" \
		$((random / 65536 % 3000 + 1)) ||
		fail "the stream of round $round does not arrive"

	crash alice
	if [ $((round % 2)) -eq 0 ]; then
		crash bob
	else
		wait_for bob.out '"event":"down"'
	fi
	wait $! || true # the stream, whose pipe is broken now
	messages alice.out > alice.shown
	messages bob.out > bob.shown
	alone alice
	holds alice alice.shown
	holds alice bob.shown
	if [ $((round % 2)) -eq 0 ]; then
		alone bob
		holds bob bob.shown
	else
		leave bob
	fi
	silent alice bob
	echo "round $round: killed after line $(sed -n \
		"s/.* stream $round line //p" alice.kept | tail -n 1)"
done

round=5
start alice "$chat" -q --json alice bob
start bob "$chat" -q --json bob alice
seq -f "stream $round line %.0f" 10000 > alice.in
wait_for bob.out "stream $round line 10000\""
wait_for alice.out 'bob again, 4"'
leave alice
leave bob
alone alice
alone bob
for who in alice bob; do
	grep -v -e "$who again, 5" $who.kept | sort > $who.all
done
cmp alice.all bob.all || fail "alice and bob differ"
