#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: odd ways to be started, and odd neighbours on the standard streams.
#
# Addresses instead of names, --only, a port or a database in use, wrong
# usage, standard streams that are closed, full or stuck.
# shellcheck disable=SC2016 # single quotes: for an inner shell
. "$(dirname "$0")/lib.sh"

# refused STATUS PATTERN ARGUMENT...: one line of error, that status, at once.
refused() {
	expected=$1
	pattern=$2
	shift 2
	status=0
	timeout 60 "$chat" "$@" < /dev/null > refused.out 2> refused.err ||
		status=$?
	[ "$status" -eq "$expected" ] ||
		fail "chat $*: status $status, not $expected"
	has refused.err "^error> .*$pattern" ||
		fail "chat $*: it does not say '$pattern'"
	[ "$(lines refused.err '')" -eq 1 ] || fail "chat $*: not one line"
	[ ! -s refused.out ] || fail "chat $*: it wrote to standard output"
}

# Usage: nothing is made, not even a database.
refused 64 'NAME is missing'
refused 64 'small letters: try chat alice;' Alice
for name in '' a_b -- 'a b' a- info warn error ../x \
	abcdefghijklmnopqrstuvwxyz0123456; do
	refused 64 'NAME is' -- "$name"
done
refused 64 "PORT is 1 to 65535, not '0'" -p 0 alice
refused 64 "PORT is 1 to 65535, not '65536'" -p 65536 alice
refused 64 "PORT is 1 to 65535, not '1x'" --port 1x alice
refused 64 "N is a number of lines, not '-1'" -n -1 alice
refused 64 "PEER is .*, not 'bob:'" alice bob:
refused 64 "PEER is .*, not 'b:99999'" alice b:99999
refused 64 "PEER is .*, not '\\[::1\\]'" alice '[::1]'
refused 64 "give 'bob' as HOST:PORT" --no-mdns alice bob
refused 64 'one of them, once' --send x --log alice
refused 64 '--acks and --timeout go with' --timeout 3 alice
refused 64 'TEXT is empty' --send '' alice
refused 64 '--only without a PEER' --only alice
status=0
timeout 60 "$chat" --nonsense alice > refused.out 2> refused.err || status=$?
[ "$status" -eq 64 ] || fail "--nonsense: status $status, not 64"
has refused.err 'chat --help' || fail "--nonsense: no word about --help"
[ -z "$(ls -d ./*.db 2> /dev/null)" ] || fail "wrong usage made a database"
timeout 60 "$chat" --help > help.out 2> help.err || fail "--help"
has help.out '^usage: chat' || fail "--help says nothing"
timeout 60 "$chat" --version > version.out 2> version.err || fail "--version"
has version.out '^chat [0-9]' || fail "--version says nothing"
silent help version

# What is for standard output is not there, and this is told.
unwritten() {
	for to in /dev/full '&-'; do
		status=0
		timeout 60 sh -c 'exec "$@" >'"$to" sh "$chat" "$@" 2> full.err ||
			status=$?
		[ "$status" -eq 74 ] || fail "chat $* > $to: status $status, not 74"
		has full.err '^error> can not write: \(No space left\|Bad file\)' ||
			fail "chat $* > $to: does not say why"
	done
}
"$chat" -q --no-mdns --send one --acks 0 alice
unwritten --help
unwritten --version
unwritten --log alice
unwritten --check alice
rm -r alice.db

# Oneself is no peer, and a database is one person's.
start alice "$chat" -q --no-mdns alice alice
wait_for alice.err '^warn> you yourself are the only PEER'
say alice 'one'
wait_for alice.out '^alice> one$'
leave alice
start alice "$chat" -q --no-mdns -d alice.db eve
wait_for alice.err "^warn> alice.db is alice's: you go on as the same person"
leave alice
rm -r alice.db

# Addresses: IPv4 one way, IPv6 the other way; nobody is asked by multicast.
start alice "$chat" -q --no-mdns -p 4001 alice
start bob "$chat" -q --no-mdns -p 4002 bob 127.0.0.1:4001
say alice 'by number'
wait_for bob.out '^alice> by number$'
start carol "$chat" -q --no-mdns -p 4003 carol '[::1]:4002' localhost:4001
wait_for carol.out '> by number$'
say carol 'from ::1'
wait_for bob.out '^carol> from ::1$'
wait_for alice.out '^carol> from ::1$'

# A port in use, a database in use.
refused 69 'port 4001: .*in use' -p 4001 dave
refused 75 "process $(cat alice.pid) has .*alice\\.db open" alice
has alice.out 'by number' || fail "alice lost her messages"
leave carol
leave bob
silent alice bob carol

# --only: mallory is told no, and neither gets anything of the other.
leave alice
start alice "$chat" -v --no-mdns --only -p 4001 alice 127.0.0.1:4002
start mallory "$chat" -q --no-mdns -p 4004 mallory 127.0.0.1:4001
say mallory 'may I?'
wait_for mallory.out '^mallory> may I?$'
wait_for alice.err 'connection with .* was closed: it is not one of those'
[ "$(lines mallory.out '')" -eq 1 ] || fail "mallory got something"
[ "$(lines alice.out mallory)" -eq 0 ] || fail "alice got something"
leave mallory
silent mallory
start bob "$chat" -q --no-mdns -p 4002 bob 127.0.0.1:4001
say bob 'I am one of the few'
wait_for alice.out '^bob> I am one of the few$'
leave bob

# Standard input closed, output closed: it is a peer all the same.
start bob sh -c 'exec "$1" -q --no-mdns -p 4002 bob 127.0.0.1:4001 <&-' sh "$chat"
say alice 'you are deaf'
wait_for bob.out '^alice> you are deaf$'
leave bob
silent bob
start bob sh -c 'exec "$1" -q --no-mdns -p 4002 bob 127.0.0.1:4001 >&-' sh "$chat"
say bob 'I am mute'
wait_for alice.out '^bob> I am mute$'
leave bob
silent bob

# Nobody can be told anything: a status, and no database damaged.
status=0
timeout 60 "$chat" -q --no-mdns -p 4002 bob < /dev/null > /dev/full 2> bob.err ||
	status=$?
[ "$status" -eq 74 ] || fail "/dev/full: status $status, not 74"
start bob "$chat" -q --no-mdns -p 4002 bob 127.0.0.1:4001
wait_for bob.out '^bob> I am mute$'
leave bob
silent bob
leave alice

# A reader of standard output that is stuck does not stop what is relayed:
# bob's output is a pipe that nobody empties, carol knows only bob.
start alice "$chat" -q --no-mdns -p 4001 alice
mkfifo stuck
start bob sh -c 'exec "$1" -q --no-mdns -p 4002 bob 127.0.0.1:4001 1<> stuck' \
	sh "$chat"
start carol "$chat" -q --no-mdns -p 4003 carol 127.0.0.1:4002
seq -f '%.0f: a line that is to fill what pipes and buffers there are' 20000 \
	> alice.in
wait_for carol.out '> 20000: '
leave carol
say bob 'I still hear you'
wait_for alice.out '^bob> I still hear you$'
leave alice
kill -TERM "$(cat bob.pid)"
ended bob 0
silent alice bob carol
