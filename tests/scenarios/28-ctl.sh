#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: what else is done with a database goes on beside the chat that has it
# open, and nobody who can reach its socket can do it harm.
#
# --send, --log, --check and --doctor beside a chat, while much is said; many
# at once, without a chat; clients that are silent, stop in the middle, say
# too much, come in crowds, or never read; a chat that is killed, or stopped;
# a directory with a long name, one that was copied, one without sockets.
. "$(dirname "$0")/lib.sh"
need_python

# sends STATUS PATTERN ARGUMENT...: a --send; one line of its words.
sends() {
	expected=$1
	pattern=$2
	shift 2
	status=0
	timeout 60 "$chat" "$@" > sends.out 2> sends.err || status=$?
	[ "$status" -eq "$expected" ] ||
		fail "chat $*: status $status, not $expected"
	if [ -n "$pattern" ]; then
		has sends.err "$pattern" || fail "chat $*: no '$pattern'"
	else
		silent sends
	fi
	[ "$(lines sends.err '')" -le 1 ] || fail "chat $*: many words"
}

# said N TEXT: this often, by alice.
said() {
	[ "$("$chat" --log -n 100000 alice | grep -c -x -e "alice> $2")" -eq "$1" ] ||
		fail "'$2' was not said $1 times"
}

# evil WHAT: a client of the socket that is not honest.
evil() {
	timeout 60 "$python" - "$1" << 'EVIL'
import socket, struct, sys, time

def call():
	s = socket.socket(socket.AF_UNIX)
	s.connect("alice.db/ctl")
	s.settimeout(20)
	return s

def ask(kind, text=b""):
	body = struct.pack(">BBII", kind, 1, 0, 5) + b"\5alice\0" + text
	return b"chat ctl\1" + struct.pack(">H", len(body)) + body

def is_cut(s):
	try:
		return s.recv(1) == b""
	except ConnectionResetError:
		return True

what = sys.argv[1]
if what == "silent":
	assert is_cut(call())
elif what == "half":
	s = call()
	s.sendall(ask(1, b"half")[:-1])
	assert is_cut(s)
elif what == "giant":
	s = call()
	try:
		s.sendall(b"chat ctl\1\xff\xff" + bytes(10000000))
	except OSError:
		pass
	assert is_cut(s)
elif what == "greedy":
	s = call()
	try:
		s.sendall(ask(1, b"once") + ask(1, b"twice") * 1000)
	except OSError:
		pass
elif what == "deaf":
	kept = [call() for _ in range(16)]
	for s in kept:
		s.sendall(ask(2))
	print("deaf", flush=True)
	time.sleep(30)
elif what == "crowd":
	kept = []
	for _ in range(100):
		s = call()
		s.setblocking(False)
		kept.append(s)
	print("crowd", flush=True)
	time.sleep(30)
EVIL
}

# Beside a chat.  Nobody has it; then bob has, and --send says so.
start alice "$chat" -q --no-mdns -p 4001 alice
wait_until 10 test -S alice.db/ctl || fail 'there is no socket'
[ "$(stat -c '%F %a' alice.db/ctl)" = 'socket 600' ] || fail 'others may use it'
sends 0 "^info> process $(cat alice.pid) chats on ./alice.db" \
	--send 'for the disk' --acks 0 alice
wait_for alice.out '^alice> for the disk$'
sends 1 '^error> not delivered in 1 s: 0 of 1 have it on disk; it is kept' \
	-q --send 'for nobody' --timeout 1 alice
sends 78 "^error> the chat that runs on this database is alice's" \
	-q --send x -d alice.db bob
sends 78 "^error> .* is in everybody's room: use it without -r" \
	-q --send x -r kitchen -d alice.db alice
start bob "$chat" -q --no-mdns -p 4002 bob 127.0.0.1:4001
wait_for bob.out '^alice> for nobody$'
sends 0 '' -q --send 'for bob' alice
wait_for bob.out '^alice> for bob$'
sends 0 '^info> .*the PEERs here are not looked for' --send 'PEERs' alice carol
sends 0 '' -q --json --send 'with a receipt' alice
has sends.out '^{"type":"delivered","seq":[0-9]*,"by":"@' ||
	fail 'there was no receipt'
sends 1 ': 1 of 2 have it' -q --send 'for two' --acks 2 --timeout 1 alice
sends 75 "^error> process $(cat alice.pid) has ./alice.db open" -q alice
echo 'beside a chat: good'

# While much is said: a hundred lines, ten times a second.
"$python" -u -c 'import time
for i in range(100000):
	print("line", i)
	if i % 100 == 0:
		time.sleep(0.1)' > alice.in & talk=$!
wait_for bob.out '^alice> line 500$'
for i in 1 2 3; do
	sends 0 '' -q --send "between $i" alice
	"$chat" --log alice > beside.log 2> beside.err || fail '--log failed'
	"$chat" --check alice > check.log 2>> beside.err || fail '--check failed'
	has check.log 'all sound' || fail '--check found something'
	silent beside
	has beside.log "^alice> between $i$" || fail '--log came too late'
done
kill "$talk"
"$chat" --log alice | grep -A 1 'between 3' | grep -q 'line [0-9]' ||
	fail 'nothing more was said'
echo 'under load: good'

timeout 60 "$chat" --doctor alice > doctor.log 2> doctor.err || true
silent doctor
has doctor.log "^alice chats here: process $(cat alice.pid), port 4001$" ||
	fail 'the doctor did not ask alice'
has doctor.log '^  bob (127.0.0.1:' || fail 'no word about bob'
has doctor.log '^sent: records [0-9][0-9]' || fail 'no word about what was sent'
echo 'the doctor asks: good'

# Whoever is not honest.  Alice goes on, and so do others.
for what in silent half giant greedy; do
	evil "$what" || fail "$what was not cut off"
	sends 0 '' -q --send "after $what" alice
done
for what in deaf crowd; do
	evil "$what" > "$what.log" & evil=$!
	wait_for "$what.log" "$what"
	sends 0 '' -q --send "beside $what" alice
	kill "$evil"
done
said 0 half
said 0 hal
said 0 twice
say alice 'I still hear you'
wait_for bob.out '^alice> I still hear you$'
echo 'hostile clients: good'

# Many at once, beside a chat and without one.
crowd=
for i in 1 2 3 4 5 6 7 8; do
	timeout 60 "$chat" -q --send "many $i" alice 2> "many$i.err" &
	crowd="$crowd $!"
done
for one in $crowd; do
	wait "$one" || fail 'one of many failed'
done
leave alice
[ ! -e alice.db/ctl ] || fail 'the socket was left behind'
silent alice
crowd=
for i in 1 2 3 4 5 6 7 8; do
	timeout 60 "$chat" -q --no-mdns -p 4001 --send "alone $i" alice \
		127.0.0.1:4002 2> "many$i.err" &
	crowd="$crowd $!"
done
for one in $crowd; do
	wait "$one" || fail 'one of many failed'
done
for i in 1 2 3 4 5 6 7 8; do
	silent "many$i"
	said 1 "many $i"
	said 1 "alone $i"
	wait_for bob.out "^alice> alone $i$"
done
echo 'many at once: good'

# Killed: the next one replaces the socket.  Stopped: others say so, in time.
start alice "$chat" -q --no-mdns -p 4001 alice 127.0.0.1:4002
wait_until 10 test -S alice.db/ctl || fail 'there is no socket'
sends 0 '' -q --send 'before' alice
timeout 60 "$chat" -q --send 'for many' --acks 9 alice 2> many1.err & one=$!
wait_for bob.out '^alice> for many$'
crash alice
status=0
wait "$one" || status=$?
[ "$status" -eq 1 ] || fail "the end of the chat gave $status"
has many1.err '^error> the chat that said it has ended: it is kept' ||
	fail 'no word about the end'
[ -S alice.db/ctl ] || fail 'the socket is gone'
sends 0 '' -q --no-mdns --send 'without' alice 127.0.0.1:4002
[ ! -e alice.db/ctl ] || fail 'the socket is there again'
start alice "$chat" -q --no-mdns -p 4001 alice 127.0.0.1:4002
wait_until 10 test -S alice.db/ctl || fail 'there is no socket'
kill -STOP "$(cat alice.pid)"
sends 75 '^error> process .* has ./alice.db open, and does not answer' \
	-q --send 'into the void' alice
kill -CONT "$(cat alice.pid)"
sends 0 '' -q --send 'after' alice
said 1 after
said 0 'into the void'
echo 'killed, and stopped: good'

# A copy has a socket that nobody listens at; here it does no harm.
cp -a alice.db copy.db 2> /dev/null || true
sends 1 '^error> not delivered' -q --no-mdns -p 4003 -d copy.db \
	--send 'by the copy' --timeout 0 alice
said 0 'by the copy'
leave alice
leave bob
silent alice bob
rm -r copy.db

# What is no socket stays, and the chat goes on.
echo mine > alice.db/ctl
start alice "$chat" --no-mdns -p 4001 alice
wait_for alice.err '^warn> ./alice.db/ctl is no socket of ours, and stays'
say alice 'all the same'
wait_for alice.out '^alice> all the same$'
sends 75 'has ./alice.db open, and does not answer' -q --send x --timeout 0 alice
leave alice
[ "$(cat alice.db/ctl)" = mine ] || fail 'what was there is gone'
echo 'what is not ours: good'

# A path of more than an address holds, and a full disk.
long=$(printf '%0100d' 0)/$(printf '%0100d' 0)/$(printf '%0100d' 0)
mkdir -p "$long"
start carol "$chat" -q --no-mdns -p 4001 -d "$long/c.db" carol
wait_until 10 test -S "$long/c.db/ctl" || fail 'no socket in a long path'
sends 0 '' -q --send 'far away' --acks 0 -d "$long/c.db" carol
wait_for carol.out '^carol> far away$'
leave carol
silent carol
mkdir disk
mount -t tmpfs -o size=16m none disk
own_mount=disk
start carol "$chat" -q --no-mdns -p 4001 -d disk/c.db carol
wait_until 10 test -S disk/c.db/ctl || fail 'no socket'
dd if=/dev/zero of=disk/ballast bs=4096 2> /dev/null || true
seq -f 'line %.0f, and so on and so forth' 60000 > carol.in &
wait_for carol.err '^error> the disk is full'
sends 74 '^error> what was said last was not kept.*: No space left' \
	-q --send 'no room' --acks 0 --timeout 1 -d disk/c.db carol
rm disk/ballast
wait_for carol.out '^carol> line 60000,'
sends 0 '' -q --send 'room' --acks 0 -d disk/c.db carol
leave carol
echo 'long paths, full disks: good'
