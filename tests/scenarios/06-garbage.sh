#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: who sends garbage loses that connection, and nobody else notices.
#
# Alice and bob are linked.  Connections to alice bring random bytes, lengths
# that no memory could hold, prologues that stop in the middle, and a proper
# prologue with garbage behind it: alice closes each, and goes on with bob.
# Then a crowd of silent connections takes all places there are for newcomers:
# alice and bob go on, and carol comes in when the crowd has been sent away.
. "$(dirname "$0")/lib.sh"

command -v bash > /dev/null || skip "bash is missing: it makes the connections"
port=55204 # alice's

# poke FILE: sends FILE to alice and waits until she closes the connection.
poke() {
	status=0
	# shellcheck disable=SC2016 # for the inner shell
	timeout 60 bash -c '
		trap "" PIPE
		exec 3<> "/dev/tcp/127.0.0.1/$1" || exit 9
		cat "$2" >&3
		cat <&3 > /dev/null
		exit 0' poke "$port" "$1" 2> poke.err || status=$?
	[ "$status" -eq 0 ] ||
		fail "alice did not close after $1 (status $status)"
}

# still_linked: alice and bob hear each other, and have done all the time.
count=0
still_linked() {
	count=$((count + 1))
	say alice "alice $count"
	say bob "bob $count"
	wait_for bob.out "\"text\":\"alice $count\""
	wait_for alice.out "\"text\":\"bob $count\""
	for who in alice bob; do
		other=bob
		[ $who = alice ] || other=alice
		[ "$(lines $who.out "\"up\",\"name\":\"$other\"")" -eq 1 ] ||
			fail "$other was lost for a while after $1"
		[ "$(lines $who.out "\"down\",\"name\":\"$other\"")" -eq 0 ] ||
			fail "$other was lost after $1"
	done
	silent alice bob
}

start alice "$chat" -q --json alice bob
start bob "$chat" -q --json bob alice
wait_for alice.out '"up","name":"bob"'
wait_for bob.out '"up","name":"alice"'
still_linked 'the start'

# bytes FORMAT: octal escapes become bytes.
bytes() {
	# shellcheck disable=SC2059 # that is what it is for
	printf "$1"
}

name='\022mallory.local:5000'
hello='\013\012\007mallory\030\001'
huge='\377\377\377\377\377\377\177'
bytes '' > nothing
bytes '\022mallory.lo' > half-a-name
bytes '\000' > no-length
bytes "$huge" > huge-length
bytes '\022mallory.local\000\033[2J' > bytes-in-a-name
bytes '\021alice.local:55204' > her-own-name
bytes "$name" > half-a-prologue
bytes "$name$huge" > huge-length-in-prologue
bytes "$name"'\020wallis.local:500' > two-names
bytes "$name$name$huge" > huge-handshake
bytes "$name$name"'\003\010\001\001' > no-id
bytes "$name$name"'\013\012\007mallory\030\011' > no-such-mode
bytes "$name$name$hello$huge" > huge-change
bytes "$name$name$hello"'\003\377\377\377' > not-protobuf
head -c 100000 /dev/zero > zeros
for i in 1 2 3 4 5; do
	head -c 100000 /dev/urandom > "random-$i.log" # shown after a failure
	poke "random-$i.log"
	{
		bytes "$name$name$hello"
		cat "random-$i.log"
	} > random-after-handshake
	poke random-after-handshake
	rm "random-$i.log" random-after-handshake
done
still_linked 'random bytes'
for file in no-length huge-length bytes-in-a-name her-own-name \
	huge-length-in-prologue two-names huge-handshake no-id no-such-mode \
	huge-change not-protobuf zeros; do
	poke $file
	still_linked $file
done
[ "$(lines alice.out '"up","name":"mallory"')" -ge 2 ] ||
	fail "garbage behind a good prologue was never tried"
[ "$(lines alice.out '"up","name":"mallory"')" -eq \
	"$(lines alice.out '"down","name":"mallory"')" ] ||
	fail "a link with garbage was not closed"

# These wait for what never comes; all at once, for it takes the time-out.
for file in nothing half-a-name half-a-prologue; do
	(poke $file) &
	pids="${pids:-} $!"
done
still_linked 'prologues that have stopped'
for pid in $pids; do
	wait "$pid" || fail "a prologue that had stopped was not closed"
done
still_linked 'prologues that had stopped'

# shellcheck disable=SC2016 # for the inner shell
bash -c 'for i in {1..200}; do
		exec {fd}<> "/dev/tcp/127.0.0.1/$1" || exit
	done
	echo all > crowd.out
	exec sleep 600' crowd "$port" 2> crowd.err &
wait_until 60 has crowd.out all || fail "the crowd does not come"
still_linked 'a crowd is there'
start carol "$chat" -q --json carol alice
say carol 'let me in'
wait_for alice.out '"text":"let me in"'
wait_for bob.out '"text":"let me in"'
still_linked 'a crowd was there'
leave carol
leave alice
leave bob
