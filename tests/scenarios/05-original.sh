#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: the original program, the npm modules on Node, is a peer like any other.
#
# The original as alice and ours, with --legacy, as bob, and the other way
# round; in each case either of them starts first.  Messages go both ways; then
# one is away while the other says something, and the other way round: each
# gets what was missed.  The original takes our native greeting for the
# beginning of a long name and waits for its end: so we, who get no answer,
# speak its protocol after two seconds.
#
# Then what an unsigned link must not do: its messages bear a mark and stay with
# us, and nobody on it becomes somebody who is known by a key.
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
		start "$1" "$chat" -q --legacy "$1" "$peer"
	else
		start "$1" node "$root/tests/original/persisted-chat.js" \
			"$1" "$peer"
	fi
}

# The original knows nothing of signals: it just ends.
stop() {
	if [ "$1" = "$ours" ]; then
		leave "$1"
		warned "$1" '^$'
	else
		kill -TERM "$(cat "$1.pid")"
		ended "$1" 143
		silent "$1"
	fi
}

# warned WHO PATTERN: of that, and that the room can be read, and of no more.
warned() {
	has "$1.err" '^warn> --legacy: everybody on the network can read' ||
		fail "$1 does not say that the room can be read"
	! grep -v -e '^info> ' -e '^warn> --legacy: ' -e "$2" "$1.err" > more.log ||
		fail "$1 said something else"
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
	wait_for "$ours.out" "^?$theirs> so were you\$"
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
	} | sed "s/^$theirs>/?&/" | sort > expected
	sort "$ours.out" > shown.log
	cmp -s expected shown.log || fail "ours does not show what was said"
	echo "$ours> $ours is here" >> expected # as it shows our record 1
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

# original WHO [PEER]
original() {
	start "$1" node "$root/tests/original/persisted-chat.js" "$@"
}

# end WHO: of the original's kind.
end() {
	kill -TERM "$(cat "$1.pid")"
	ended "$1" 143
	silent "$1"
}

# Dora's messages are marked, and carol, who has a key, gets none of them;
# dora gets carol's.
rm -rf ./*.db
start bob "$chat" --legacy bob
start carol "$chat" -q carol bob
original dora bob
say carol 'carol has a key'
say dora 'dora has none'
wait_for bob.out '^carol> carol has a key$'
wait_for bob.out '^?dora> dora has none$'
wait_for dora.out '> carol has a key$'
say bob 'do you hear dora?'
wait_for carol.out '^bob> do you hear dora?$'
say dora 'does carol?'
wait_for bob.out '^?dora> does carol?$'
say bob 'and now?'
wait_for carol.out '^bob> and now?$'
[ "$(lines carol.out '')" -eq 3 ] || fail "carol got what nobody signed"
end dora
wait_for bob.db/peers '^legacy dora ' # names are written once a second
"$chat" --log bob > log.out 2> log.err
silent log
[ "$(lines log.out '^?dora> do')" -eq 2 ] ||
	fail "--log does not mark what nobody signed"

# Carol is known by her key: no other carol becomes her.
leave carol
silent carol
original carol bob
say carol 'I am carol, believe me'
wait_for bob.out '^?carol> I am carol, believe me$'
wait_for bob.err 'shown as ?carol$'
end carol
leave bob
warned bob 'shown as ?carol$'
[ "$(lines bob.out '^carol>')" -eq 1 ] || fail "carol is somebody else"

# And nobody at her place is spoken to in the original's protocol.
original carol
start bob "$chat" -v --legacy bob carol
tried() {
	[ "$(lines bob.err 'carol can not be reached (it said nothing)')" -ge 2 ]
}
wait_until 60 tried || fail "bob does not try to reach carol"
[ "$(lines bob.err 'is here')" -eq 0 ] || fail "bob spoke to another carol"
end carol
start carol "$chat" -q carol bob
say carol 'it is me again'
wait_for bob.out '^carol> it is me again$'
leave carol
leave bob
warned bob '^$'
silent carol
echo 'marked, not relayed, not mistaken for others: good'
