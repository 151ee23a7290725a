#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: killed 200 times under load from two peers, bob loses and forks nothing.
#
# Numbered lines are piped into alice, carl and bob all the time, while bob is
# started and killed at a random moment, again and again.  At the end all three
# have the same messages: of alice and carl every line under its own number, of
# bob everything that he had shown or that a peer had of him; no number is
# there twice or with two texts, and chat --check has nothing to say.  Record 1
# of each says who it is: the first line has number 2.
#
# Abuse 14.  KILLS=n: so many kills instead of 200; the case asks for 1,000.
. "$(dirname "$0")/lib.sh"

kills=${KILLS:-200}

# messages FILE: author, number and text of each message, one a line.
messages() {
	sed -n 's/^{"type":"message","author":"\([^"]*\)".*,"seq":\([0-9]*\),.*,"text":"\(.*\)","verified":.*}$/\1 \2 \3/p' "$1"
}

# once FILE: no (author, number) is in FILE, of messages, a second time.
once() {
	cut -d ' ' -f 1,2 "$1" | sort | uniq -d > twice.log
	[ ! -s twice.log ] || fail "$1: a number is there twice"
}

# holds FILE OTHER: all lines of OTHER are in FILE; both are sorted.
holds() {
	comm -13 "$1" "$2" > missing.log
	[ ! -s missing.log ] || fail "$1 does not have all of $2"
}

# stream: a few lines for each of the three, at their own pace, until
# there is a file `enough`; then it leaves the count of lines in `count`.  Where
# a line of alice has number n, it is her record n + 1.
stream() {
	line=0
	until [ -e enough ]; do
		end=$((line + 5))
		while [ "$line" -lt "$end" ]; do
			line=$((line + 1))
			echo "line $line of alice" >&3
			echo "line $line of carl" >&4
			echo "line $line of bob" >&5
		done
		sleep 0.02
	done
	echo "$line" > count
} 3> alice.in 4> carl.in 5> bob.in

bob() {
	start bob "$chat" -q --json "$@" --no-mdns -p 4002 bob \
		127.0.0.1:4001 127.0.0.1:4003
}

random=$(od -A n -N 4 -t u4 /dev/urandom | tr -d ' ')
start alice "$chat" -q --json --no-mdns -p 4001 alice
start carl "$chat" -q --json --no-mdns -p 4003 carl
mkfifo bob.in
exec 9<> bob.in # what bob did not read any more is for the next one
stream &
stream=$!
round=0
while [ "$round" -lt "$kills" ]; do
	round=$((round + 1))
	random=$(((random * 1103515245 + 12345) % 2147483648))
	bob -n 0
	# Not to wait for anything: this is the random moment.
	sleep "0.$(printf '%03d' $((random / 65536 % 250)))"
	crash bob
	messages bob.out >> bob.shown
	cat bob.err >> bob.errors
done
true > enough
wait "$stream"
count=$(cat count)

bob
wait_for alice.out "\"line $count of carl\""
wait_for carl.out "\"line $count of alice\""
wait_for bob.out "\"line $count of alice\""
wait_for bob.out "\"line $count of carl\""
say bob 'this was all'
wait_for alice.out '"this was all"'
wait_for carl.out '"this was all"'
cat bob.err >> bob.errors
for who in alice carl bob; do
	leave $who
	messages $who.out | sort > $who.last
	once "$who.last"
done
silent alice carl
grep -v 'an interrupted write that nobody was told of$' bob.errors > errors.log &&
	fail "bob wrote to standard error"
once bob.shown
sort -o bob.shown bob.shown

for who in alice carl bob; do
	"$chat" --check $who > check.log 2>&1 ||
		fail "the database of $who is not sound"
	"$chat" --log --json $who > $who.json 2> $who.err
	messages $who.json | sort > $who.all
	silent $who
	once "$who.all"
done
cmp alice.all carl.all || fail "alice and carl differ"
cmp alice.all bob.all || fail "alice and bob differ"
holds bob.all bob.shown
holds bob.all alice.last
holds bob.all carl.last

# Everybody's numbers are 2, 3, 4...; the lines of who was not killed too, and
# those of who was are in order.
sort -k 1,1 -k 2,2n bob.all | awk -v count="$count" '
	!($1 in seq) { seq[$1] = 1 }
	$2 != seq[$1] + 1 { print "number:", $0; bad = 1 }
	{ seq[$1] = $2 }
	$3 == "line" && $6 != "bob" && $4 + 1 != $2 { print "line:", $0; bad = 1 }
	$3 == "line" && $4 <= line[$6] { print "order:", $0; bad = 1 }
	$3 == "line" { line[$6] = $4; said[$6]++ }
	END {
		if (said["alice"] != count || said["carl"] != count)
			bad = 1
		printf "%d of alice, %d of carl, %d of bob\n",
			said["alice"], said["carl"], said["bob"]
		exit bad
	}' > order.log || fail "a number or a line is missing or out of order"
echo "$kills kills, $(cat order.log), $(lines bob.errors '') torn ends"
