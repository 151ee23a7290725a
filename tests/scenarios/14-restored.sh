#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: an older copy of a database is put back, and no harm comes of it.
#
# Alice's database is copied, she goes on, and the copy is put in its place.
# Where bob has what she said since, she has it again before she says anything,
# so that no number is used for two texts; bob has everything once, and nobody
# speaks of two histories.  What nobody else has heard is lost with the
# database that it was in; she goes on from the copy after a moment.  Only where
# she said something before she could ask bob, her history forks.
. "$(dirname "$0")/lib.sh"

# messages WHO: author, number and text of each message in WHO's database.
messages() {
	"$chat" --log --json "$1" 2> "$1.err" > "$1.json" || fail "--log $1"
	silent "$1"
	sed -n 's/^{"type":"message","author":"\([^"]*\)".*,"seq":\([0-9]*\),.*,"text":"\(.*\)","verified":true}$/\1 \2 \3/p' \
		"$1.json"
}

# alike LINES: alice's and bob's databases hold that many messages, the same,
# each number once, and are sound.
alike() {
	messages alice > alice.all
	messages bob > bob.all
	cmp alice.all bob.all || fail "alice and bob differ"
	[ "$(lines alice.all '')" -eq "$1" ] || fail "there are not $1 messages"
	cut -d ' ' -f 1,2 alice.all | sort | uniq -d > twice.log
	[ ! -s twice.log ] || fail "a number is there twice"
	for who in alice bob; do
		"$chat" --check $who > check.log 2>&1 ||
			fail "the database of $who is not sound"
	done
}

alice() {
	start alice "$chat" -n 0 --no-mdns -p 4001 alice
}

bob() {
	start bob "$chat" -n 0 --no-mdns -p 4002 bob 127.0.0.1:4001
}

# calm WHO: no warnings, no errors.
calm() {
	! grep -v '^info> ' "$1.err" > calm.log || fail "$1 complained"
}

alice
bob
say alice 'one'
wait_for bob.out '^alice> one$'
leave alice
cp -a alice.db copy.db
alice
say alice 'two'
say alice 'three'
wait_for bob.out '^alice> three$'
leave alice
calm alice

# Bob comes a moment later than alice, whose line waits for him.
rm -rf alice.db
cp -a copy.db alice.db
leave bob
alice
bob
say alice 'four'
wait_for bob.out '^alice> four$'
wait_for alice.err "^info> others had messages of yours that were missing here"
say bob 'I have heard it all'
wait_for alice.out '^bob> I have heard it all$'
leave alice
leave bob
calm alice
calm bob
alike 5
printf 'alice> one\nalice> two\nalice> three\nalice> four\nbob> I have heard it all\n' \
	> expected
"$chat" --log alice | cmp - expected || fail "another order than it was said"

# What was said last nobody has heard: its number is free again.
cp -a alice.db newer.db
alice
say alice 'nobody hears this'
wait_for alice.out '^alice> nobody hears this$'
leave alice
rm -rf alice.db
mv newer.db alice.db
alice
say alice 'I am alone'
wait_for alice.out '^alice> I am alone$' 10
bob
wait_for bob.out '^alice> I am alone$'
leave alice
leave bob
calm alice
calm bob
alike 6

# With nobody there to ask, she says something under a number that bob knows
# for something else.  There are two histories now, and it can not be
# otherwise: both are told, the texts from there on are alice's to say again,
# and what she says comes through.
rm -rf alice.db
cp -a copy.db alice.db
alice
say alice 'alone again'
wait_for alice.out '^alice> alone again$' 10
leave alice
calm alice
alice
bob
wait_for alice.err '^warn> there are two histories of alice'
wait_for bob.err '^warn> there are two histories of alice'
wait_for bob.out '^alice> alone again$'
say alice 'and now?'
wait_for bob.out '^alice> and now?$'
leave alice
leave bob
messages alice > alice.all
messages bob > bob.all
cmp alice.all bob.all || fail "alice and bob differ"
sed 's/^[^ ]* [^ ]* //' bob.all > texts.log
for text in 'one' 'alone again' 'and now?' 'I have heard it all'; do
	[ "$(lines texts.log "^$text\$")" -eq 1 ] ||
		fail "'$text' is not there exactly once"
done
echo 'restored, healed; restored alone, forked and told'
