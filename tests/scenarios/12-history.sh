#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: chat --log prints a long history, in order and in little memory.
. "$(dirname "$0")/lib.sh"

# filtered NAME ARGUMENT...: what chat --log prints, as NAME.out.
filtered() {
	name=$1
	shift
	timeout 120 "$chat" --log "$@" > "$name.out" 2> "$name.err" ||
		fail "chat --log $*: status $?"
	silent "$name"
}

# Two authors: 100,000 lines of alice's, a conversation, and alone again.
start alice "$chat" -q -n 0 --no-mdns -p 4001 alice
seq -f 'line %.0f: long enough that all of them together are 8 MiB and more, and cost no memory' \
	100000 > alice.in
wait_for alice.out '^alice> line 100000:' 120
start bob "$chat" -q -n 0 --no-mdns -p 4002 bob 127.0.0.1:4001
say bob 'one'
wait_for alice.out '^bob> one$'
say alice 'two'
wait_for bob.out '^alice> two$'
say bob 'three'
wait_for alice.out '^bob> three$'

# Beside the chat; then without it; in 12 MiB, code and libraries included.
filtered beside alice
leave alice
leave bob
silent alice bob
(
	# shellcheck disable=SC3045 # dash and bash have it
	ulimit -v 12288 2> /dev/null || skip "this sh has no ulimit -v"
	filtered after alice
) || exit
diff beside.out after.out > differ.log || fail "--log is not the same beside a chat"
[ "$(lines after.out '')" -eq 100003 ] || fail "--log is not complete"
sed -n 's/^alice> line \([0-9]*\): .*/\1/p' after.out |
	awk '$1 != NR { exit 1 }' || fail "--log is out of order"
tail -n 3 after.out > tail.out
printf 'bob> one\nalice> two\nbob> three\n' | cmp - tail.out ||
	fail "--log does not end in the conversation"

# -n and --json.  Record 1 of each says who it is.
filtered last -n 3 alice
cmp last.out tail.out || fail "-n 3 is not the last three"
filtered none -n 0 alice
[ ! -s none.out ] || fail "-n 0 printed something"
filtered most -n 200000 alice
cmp most.out after.out || fail "-n beyond the beginning"
filtered json -n 2 --json alice
[ "$(lines json.out '^{"type":"message","author":".*","name":"[a-z]*","seq":[0-9]*,"time":"[^"]*","text":"[a-z]*",.*}$')" -eq 2 ] ||
	fail "--json printed something else"
has json.out '"name":"alice","seq":100002,.*"text":"two"' || fail "no two"
has json.out '"name":"bob","seq":3,.*"text":"three"' || fail "no three"

# Whoever has read enough may go, as with any filter.
{ "$chat" --log alice 2> head.err || true; } | head -n 1 > head.out
silent head
cmp -s head.out after.out && fail "head does not end early"
has head.out '^alice> line 1: ' || fail "--log | head"
status=0
"$chat" --log alice > /dev/full 2> full.err || status=$?
[ "$status" -eq 74 ] || fail "--log to a full disk: status $status, not 74"

# There is none, and none is made.
for command in --log --check; do
	status=0
	"$chat" $command carl > carl.out 2> carl.err || status=$?
	[ "$status" -eq 66 ] || fail "$command: status $status, not 66"
	[ "$(lines carl.err '^error> there is no database .*carl')" -eq 1 ] ||
		fail "$command does not say that there is no database"
	[ ! -s carl.out ] || fail "$command printed something"
done
[ ! -e carl.db ] || fail "--log or --check made a database"
