#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: who is in another room is told so, and nothing crosses.
#
# Alice is in the garden and bob in the cellar; they look for each other, and
# each is told that the other one is in another room.  When bob comes to the
# garden, with another database, they talk.  A database is for one room: with
# another one it is refused, and told which is its own.
. "$(dirname "$0")/lib.sh"

# refused PATTERN ARGUMENT...
refused() {
	pattern=$1
	shift
	for command in -q --log --check; do
		status=0
		timeout 60 "$chat" $command "$@" < /dev/null > refused.out \
			2> refused.err || status=$?
		[ "$status" -eq 78 ] || fail "chat $command $*: status $status"
		has refused.err "^error> .*$pattern" ||
			fail "chat $command $*: it does not say '$pattern'"
		[ "$(lines refused.err '')" -eq 1 ] || fail "not one line"
		[ ! -s refused.out ] || fail "it wrote to standard output"
	done
}

start alice "$chat" -r garden alice bob
start bob "$chat" -r cellar bob alice
say alice 'are you in the garden?'
say bob 'are you in the cellar?'
wait_for alice.err 'another room'
wait_for bob.err 'another room'
leave bob
[ "$(lines bob.out '')" -eq 1 ] || fail "bob heard something"
[ "$(lines alice.out '')" -eq 1 ] || fail "alice heard something"
[ "$(lines bob.err 'is here')" -eq 0 ] || fail "bob was linked"
[ "$(lines bob.err 'another room')" -le 2 ] || fail "bob says it too often"
[ -d bob@cellar.db ] || fail "the database's name does not tell its room"

start bob "$chat" -r garden bob alice
wait_for bob.out '^alice> are you in the garden?$'
say bob 'now I am'
wait_for alice.out '^bob> now I am$'
leave alice
leave bob
[ "$(lines alice.out '')" -eq 2 ] || fail "alice heard something else"
[ "$(lines alice.err 'another room')" -le 3 ] || fail "alice says it too often"

refused 'alice@garden.db is for the room garden: use it with -r garden' \
	-d alice@garden.db alice
refused 'for the room garden: use it with -r garden' \
	-d alice@garden.db -r cellar alice
start alice "$chat" -q alice
say alice 'in the open'
wait_for alice.out '^alice> in the open$'
leave alice
silent alice
refused "alice.db is for everybody's room: use it without -r" \
	-d alice.db -r garden alice
"$chat" --log -r garden alice > log.out 2> log.err
silent log
printf 'alice> are you in the garden?\nbob> now I am\n' | cmp - log.out ||
	fail "the garden's history"
