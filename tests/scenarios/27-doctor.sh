#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: chat --doctor tells why nobody appears, and by its status whether
# somebody can.
# shellcheck disable=SC2034 # lib.sh reads it
hosts=2
. "$(dirname "$0")/lib.sh"

# doctor HOST STATUS [NAME]: its words go to doctor.log.
doctor() {
	host=$1
	wanted=$2
	shift 2
	status=0
	on "$host" "$chat" --doctor "$@" > doctor.log 2> doctor.err || status=$?
	[ "$status" -eq "$wanted" ] || fail "the doctor ended with $status"
	silent doctor
}

doctor h1 0
grep -q 'eth0, IPv4: comes back' doctor.log || fail 'multicast does not come back'
grep -q '^all is well here, but nobody' doctor.log || fail 'somebody was heard'
doctor h1 1 bob
grep -q '^NOT WELL: the one asked for' doctor.log || fail 'bob was not missed'
echo 'nobody there: good'

start bob on h2 "$chat" -q bob
wait_until 10 test -d bob.db
sleep 1
doctor h1 0 bob
grep -q '10.77.0.2:62474 answers as bob' doctor.log ||
	fail 'bob did not answer'
grep -q '^all is well: ' doctor.log || fail 'all is well, and nobody says so'
cat doctor.log
leave bob
silent bob
echo 'bob is there: good'

on h1 ip link set eth0 multicast off
doctor h1 1
grep -q 'eth0: up, no multicast' doctor.log || fail 'no word about eth0'
grep -q '^NOT WELL: there is no network interface' doctor.log ||
	fail 'no word about multicast'
on h1 ip link set eth0 down
on h1 ip link set lo down
doctor h1 1
cat doctor.log
echo 'no network: good'
