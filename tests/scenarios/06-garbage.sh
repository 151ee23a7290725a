#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: who sends garbage loses that connection, and nobody else notices.
#
# Alice and bob are linked.  Connections to alice bring random bytes, lengths
# that no memory could hold, the original's greeting, and garbage at each stage
# of a handshake: alice closes each without an answer, and goes on with bob.
# Somebody on the way of carol's packets changes a bit, puts a frame of his own
# between hers: alice closes that, too, believes nothing of it, and carol is
# linked again.  Then a crowd of silent connections takes all places there are
# for newcomers: alice and bob go on, and carol comes in.
. "$(dirname "$0")/lib.sh"

need_python
port=55204 # alice's

# poke STAGE FILE: sends FILE to alice at that stage, and waits until she closes
# the connection.
poke() {
	status=0
	stranger poke "$port" "$1" "$2" > poke.log 2>&1 || status=$?
	[ "$status" -ne 3 ] || fail "alice answered to $2 at stage $1"
	[ "$status" -eq 0 ] ||
		fail "alice did not close after $2 at stage $1 (status $status)"
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

bytes '' > nothing
bytes '\000' > native
bytes '\000\000' > half-a-length
bytes '\000\000\026chat' > half-a-greeting
bytes '\000\000\000' > length-0
bytes '\000\377\377' > length-65535
bytes '\377\377\377\377\377\377\177' > huge-varint
bytes '\022mallory.local:5000' > original
bytes 'GET / HTTP/1.1\r\nHost: alice\r\n\r\n' > browser
bytes '\000\000\026chat2\0001234567890123456' > another-version
bytes '\000\000\026chat1\0021234567890123456' > another-mode
head -c 100000 /dev/zero > zeros

# At stage 1 a public key is expected, at stage 2 a proof.
bytes '\000\000' > empty
bytes '\000\037' > too-short
bytes '\000\041' > too-long
bytes '\377\377' > longest
bytes '\000\040\001\000\000' > half-a-key
{ bytes '\000\040'; head -c 32 /dev/zero; } > key-of-low-order
bytes '\000\020' > proof-too-short
bytes '\002\001' > proof-too-long
bytes '\000\200\001\002\003' > half-a-proof
{ bytes '\000\200'; head -c 128 /dev/zero; } > no-proof

for i in 1 2 3; do
	head -c 100000 /dev/urandom > "random-$i.log" # shown after a failure
	for stage in 0 1 2; do
		poke $stage "random-$i.log"
	done
	rm "random-$i.log"
done
still_linked 'random bytes'
for file in length-0 length-65535 huge-varint original browser \
	another-version another-mode zeros; do
	poke 0 $file
	still_linked $file
done
for file in empty too-short too-long longest key-of-low-order zeros; do
	poke 1 $file
	still_linked "$file for a key"
done
for file in empty proof-too-short proof-too-long longest no-proof zeros; do
	poke 2 $file
	still_linked "$file for a proof"
done
[ "$(lines alice.out '"event":"up"')" -eq 1 ] || fail "garbage became a link"

# These wait for what never comes; all at once, for it takes the time-out.
for what in 0:nothing 0:native 0:half-a-length 0:half-a-greeting \
	1:nothing 1:half-a-key 2:nothing 2:half-a-proof; do
	(poke "${what%:*}" "${what#*:}") &
	pids="${pids:-} $!"
done
still_linked 'handshakes that have stopped'
for pid in $pids; do
	wait "$pid" || fail "a handshake that had stopped was not closed"
done
still_linked 'handshakes that had stopped'



# spoiled ORDER: what carol says next gets to alice once, and unchanged, by a
# new link, and nothing else does.
spoilt=0
spoiled() {
	spoilt=$((spoilt + 1))
	echo "$1" > order.new
	mv order.new order
	wait_until 60 test ! -e order || fail "nobody spoils anything"
	say carol "true words $spoilt"
	wait_for alice.out "\"text\":\"true words $spoilt\""
	[ "$(lines alice.out 'true words')" -eq "$spoilt" ] ||
		fail "alice got carol's words twice"
	still_linked "$1 between carol and alice"
}

start spoiler "$python" "$callers" spoil 4100 "$port" order
start carol "$chat" -q --no-mdns -p 4003 carol 127.0.0.1:4100
wait_for alice.out '"up","name":"carol"'
spoiled flip
spoiled 001100000000000000000000000000000000000000
leave carol
silent carol

start crowd "$python" "$callers" crowd "$port" 200 0
wait_for crowd.out all
still_linked 'a crowd is there'
start carol "$chat" -q --json carol alice
say carol 'let me in'
wait_for alice.out '"text":"let me in"'
wait_for bob.out '"text":"let me in"'
still_linked 'a crowd was there'
leave carol
leave alice
leave bob
