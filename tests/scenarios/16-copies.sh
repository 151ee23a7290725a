#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: two copies of a database in use: told, both linked, nothing invented.
#
# Abuse 36: alice's database is copied, and both copies are used at the same
# time.  Each of them, and bob, says so; the copies and bob stay linked.
# As long as they hear each other first, one history holds all that is said.
# Then both say something where neither hears the other: from there on there
# are two histories of alice with the same numbers.  Everybody is told, both go
# on in logs of their own, say again there what was disputed, and at the end
# all three have the same history, with everything in it once.
. "$(dirname "$0")/lib.sh"

# used WHO: one of the three; `two` is the copy.
used() {
	case $1 in
	one) start one "$chat" -n 0 --json --no-mdns -p 4001 -d one.db alice ;;
	two) start two "$chat" -n 0 --json --no-mdns -p 4003 -d two.db \
		alice 127.0.0.1:4001 ;;
	bob) start bob "$chat" -n 0 --json --no-mdns -p 4002 bob \
		127.0.0.1:4001 127.0.0.1:4003 ;;
	esac
}

# heard TEXT: by all three.
heard() {
	for who in one two bob; do
		wait_for $who.out "\"text\":\"$1\""
	done
}

# logged WHO: its whole history, without names and times, as WHO.all.
logged() {
	dir=$1.db
	name=alice
	[ "$1" != bob ] || name=bob
	"$chat" --log --json -d "$dir" $name > "$1.json" 2> "$1.err" ||
		fail "--log of $1"
	silent "$1"
	sed 's/"name":"[^"]*",//' "$1.json" > "$1.all"
	"$chat" --check -d "$dir" $name > check.log 2>&1 ||
		fail "the database of $1 is not sound"
}

# alike TEXT...: all three have these, each once, and no other ones.
alike() {
	for who in one two bob; do
		logged $who
	done
	cmp one.all two.all || fail "the copies differ"
	cmp one.all bob.all || fail "alice and bob differ"
	printf '%s\n' "$@" | sort > expected
	sed 's/.*"text":"\(.*\)","verified":true}$/\1/' one.all | sort > texts.log
	cmp expected texts.log || fail "not what was said, each once"
}

used one
say one 'before'
wait_for one.out '"before"'
leave one
cp -a one.db two.db

used one
used two
used bob
wait_for one.err '^warn> a copy of this database is in use (127.0.0.1'
wait_for two.err '^warn> a copy of this database is in use (127.0.0.1'
wait_for bob.err '^warn> alice (127.0.0.1:.*) uses two copies of one database'
for i in 1 2 3; do
	say one "one says $i"
	heard "one says $i"
	say two "two says $i"
	heard "two says $i"
done
for who in one two bob; do
	[ "$(lines $who.out '"event":"down"')" -le 3 ] || fail "$who is kicked"
	[ "$(lines $who.err '^warn> .*cop')" -le 1 ] || fail "$who repeats itself"
	[ "$(lines $who.err 'two histories')" -eq 0 ] || fail "there was no fork"
done
for who in one two bob; do
	leave $who
done
alike before 'one says 1' 'one says 2' 'one says 3' \
	'two says 1' 'two says 2' 'two says 3'

# Where neither hears the other.
for who in one two; do
	start $who "$chat" -n 0 --json --no-mdns -p 4001 -d $who.db alice
	say "$who" "$who is alone"
	say "$who" "$who is still alone"
	wait_for "$who.out" "\"$who is still alone\""
	leave "$who"
done
used one
used bob
wait_for bob.out '"one is still alone"'
used two
for who in one two; do
	wait_for $who.err '^warn> there are two histories of alice from message'
	wait_for $who.err '^warn> there are two different messages of yours.*: yours go on in a new log$'
done
wait_for bob.err '^warn> there are two histories of alice from message'
heard 'two is still alone'
say one 'where were we?'
heard 'where were we?'
say two 'at the end'
heard 'at the end'
say bob 'I hear two of you'
heard 'I hear two of you'
for who in one two bob; do
	leave $who
	[ "$(lines $who.out '"event":"down"')" -le 5 ] || fail "$who is kicked"
	[ "$(lines $who.err '^error>')" -eq 0 ] || fail "$who complains"
done
alike before 'one says 1' 'one says 2' 'one says 3' \
	'two says 1' 'two says 2' 'two says 3' \
	'one is alone' 'one is still alone' 'two is alone' \
	'two is still alone' 'where were we?' 'at the end' 'I hear two of you'
