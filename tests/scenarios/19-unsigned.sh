#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: a database from before messages were signed opens, and goes on.
#
# 19-unsigned.tgz.base64 is the database of an alice who talked with bob by
# version 0.1.0, which did not sign yet: made by that program, and left by it
# in order.  Its messages are shown with the mark of those that nobody signed;
# alice gets a key, says something under it, and bob, who has one too, gets that
# alone.
. "$(dirname "$0")/lib.sh"

base64 -d < "$root/tests/scenarios/19-unsigned.tgz.base64" | tar -xzf - ||
	skip "base64, tar or gzip is missing"
printf '?alice> do you hear me?\n?bob> as if you sat beside me\n?alice> then good night\n' \
	> unsigned

# logged: what --log prints, as logged.out.
logged() {
	"$chat" --log alice > logged.out 2> logged.err || fail "--log: $?"
	silent logged
}

# Only looked at, it stays as it is; but for the checkpoint, a hint, in which a
# number is told now where that version had zeros.
find alice.db -type f -exec cksum {} + | sort > before.log
logged
cmp unsigned logged.out || fail "--log shows something else"
"$chat" --check alice > check.out 2> check.err || fail "--check: $?"
silent check
find alice.db -type f ! -name lock ! -name checkpoint -exec cksum {} + |
	sort > after.log
grep -v -e /lock -e /checkpoint before.log | cmp - after.log ||
	fail "--log changed something"

start alice "$chat" -q --no-mdns -p 4001 alice
say alice 'now with a key'
wait_for alice.out '^alice> now with a key$'
start bob "$chat" -q --no-mdns -p 4002 bob 127.0.0.1:4001
say bob 'so have I'
wait_for bob.out '^alice> now with a key$'
wait_for alice.out '^bob> so have I$'
leave alice
leave bob
silent alice bob
[ "$(lines bob.out '')" -eq 2 ] || fail "bob got what nobody signed"
head -n 3 alice.out | cmp - unsigned || fail "alice shows the past otherwise"

# Again, with what is signed behind it; alice has her key now, and keeps it.
printf 'alice> now with a key\nbob> so have I\n' | cat unsigned - > all
logged
cmp all logged.out || fail "--log shows something else behind it"
"$chat" --log --json alice > json.out 2> json.err
silent json
[ "$(lines json.out '"verified":false}$')" -eq 3 ] || fail "three are unsigned"
[ "$(lines json.out '"verified":true}$')" -eq 2 ] || fail "two are signed"
cp alice.db/identity identity
start alice "$chat" -q --no-mdns -p 4001 alice
wait_for alice.out '^bob> so have I$'
leave alice
silent alice
cmp all alice.out || fail "another past after a start"
cmp identity alice.db/identity || fail "the key was made anew"
"$chat" --check alice > check.out 2> check.err || fail "--check: $?"
