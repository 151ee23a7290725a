#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: the original program, the npm modules on Node, is a peer like any other.
#
# The original as alice and ours as bob, and the other way round; in each case
# either of them starts first.  Messages go both ways; then one is away while
# the other says something, and the other way round: each gets what was missed.
. "$(dirname "$0")/lib.sh"

command -v node > /dev/null || skip "node is missing: tests/setup"
if [ ! -d "$root/tests/original/node_modules" ]; then
	command -v npm > /dev/null || skip "npm is missing: tests/setup"
	fail "npm is here, its packages are not: tests/setup"
fi
ip route add 224.0.0.0/4 dev lo # the original sends where the route goes

# run WHO: as the one that it is in this case.
run() {
	peer=bob
	[ "$1" = alice ] || peer=alice
	if [ "$1" = "$ours" ]; then
		start "$1" "$chat" -q "$1" "$peer"
	else
		start "$1" node "$root/tests/original/persisted-chat.js" \
			"$1" "$peer"
	fi
}

# The original knows nothing of signals: it just ends.
stop() {
	if [ "$1" = "$ours" ]; then
		leave "$1"
	else
		kill -TERM "$(cat "$1.pid")"
		ended "$1" 143
	fi
	silent "$1"
}

# both OURS FIRST SECOND
both() {
	ours=$1
	theirs=bob
	[ "$ours" = alice ] || theirs=alice
	rm -rf alice.db alice.node.db bob.db bob.node.db
	run "$2"
	say "$2" "$2 was here first"
	wait_for "$2.out" "> $2 was here first\$"
	run "$3"
	say "$3" "$3 came second"
	wait_for "$3.out" "> $2 was here first\$"
	wait_for "$2.out" "> $3 came second\$"

	stop "$theirs"
	say "$ours" 'you were away'
	wait_for "$ours.out" '> you were away$'
	run "$theirs"
	wait_for "$theirs.out" '> you were away$'

	stop "$ours"
	say "$theirs" 'so were you'
	wait_for "$theirs.out" '> so were you$'
	run "$ours"
	wait_for "$ours.out" "^$theirs> so were you\$"
	say "$ours" 'now we are all here'
	wait_for "$theirs.out" '> now we are all here$'
	stop "$ours"
	stop "$theirs"

	# Nothing twice, and with names, also from the database alone.
	start "$ours" "$chat" -q --no-mdns "$ours"
	wait_for "$ours.out" '> now we are all here$'
	leave "$ours"
	silent "$ours"
	{
		echo "$2> $2 was here first"
		echo "$3> $3 came second"
		echo "$ours> you were away"
		echo "$theirs> so were you"
		echo "$ours> now we are all here"
	} | sort > expected
	sort "$ours.out" > shown.log
	cmp -s expected shown.log || fail "ours does not show what was said"
	sed 's/^[^ ]*//' expected | sort > expected.texts
	sed 's/^[^ ]*//' "$theirs.out" | sort > shown.log
	cmp -s expected.texts shown.log ||
		fail "the original does not show what was said"
	echo "ours is $ours, $2 was first: good"
}

both bob alice bob
both bob bob alice
both alice alice bob
both alice bob alice
