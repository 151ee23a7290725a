#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: chat --doctor tells why nobody appears, and by its status whether
# somebody can.
# shellcheck disable=SC2034 # lib.sh reads it
hosts=2
. "$(dirname "$0")/lib.sh"
need_python

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

# What is in another room is well, and so is what is on this machine; neither
# shows that others can be found.
start bob on h2 "$chat" -q -r elsewhere -d elsewhere.db bob
wait_until 10 test -d elsewhere.db
sleep 1
doctor h1 0
grep -q '^  bob (in another room):' doctor.log || fail 'no word about the room'
grep -q '^all is well here, and chats are found, but none' doctor.log ||
	fail 'bob is in this room, for the doctor'
leave bob
silent bob
wall h1 h2
start alice on h1 "$chat" -q alice
start bob on h2 "$chat" -q bob
wait_until 10 test -d alice.db
sleep 1
doctor h1 0 alice
grep -q ', from this machine$' doctor.log || fail 'who was heard?'
grep -q '^all is well here, but nobody' doctor.log || fail 'others were found'
leave alice
leave bob
silent alice bob
mend h1 h2
doctor h1 1 --interface nosuch
grep -q '^NOT WELL: no interface of those' doctor.log || fail 'nosuch is there'
start keep on h1 "$python" -u -c '
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 5353))
print("bound")
time.sleep(600)'
wait_for keep.out bound
doctor h1 1
grep -q '^port 5353: CAN NOT BE SHARED' doctor.log || fail 'no word about the port'
grep -q '^NOT WELL: UDP port 5353' doctor.log || fail 'well without a port'
# A chat says so as well, and finds others as soon as the port is free.
start alice on h1 "$chat" -q --json alice
start bob on h2 "$chat" -q bob
wait_for alice.err '^warn> UDP port 5353 can not be opened for IPv4'
crash keep
wait_for alice.out '"up","name":"bob"' 20
leave alice
leave bob
silent bob
echo 'others are told from what is here: good'

# Eight who are not there, at 32 addresses: that takes a bounded time.
cat > ghosts.py << 'END'
import socket, struct, time
def name(text):
    return b"".join(bytes([len(l)]) + l.encode() for l in text.split(".")) + b"\0"
def record(owner, kind, top, data):
    return name(owner) + struct.pack(">HHIH", kind, top, 120, len(data)) + data
group, me = socket.inet_aton("224.0.0.251"), socket.inet_aton("10.77.0.2")
service = "_persisted-chat._tcp.local"
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 5353))
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, me)
print("bound", flush=True)
while True:
    for i in range(8):
        ghost = "ghost%d" % i
        records = [record(service, 12, 1, name(ghost + "." + service)),
            record(ghost + "." + service, 33, 0x8001,
                struct.pack(">HHH", 0, 0, 7777) + name(ghost + ".local")),
            record(ghost + "." + service, 16, 0x8001, b"\x09txtvers=1")]
        records += [record(ghost + ".local", 1, 0x8001,
            bytes([10, 77, 0, 100 + 4 * i + k])) for k in range(4)]
        s.sendto(struct.pack(">HHHHHH", 0, 0x8400, 0, len(records), 0, 0) +
            b"".join(records), ("224.0.0.251", 5353))
    time.sleep(1)
END
start ghosts on h2 "$python" ghosts.py
wait_for ghosts.out bound
began=$(date +%s)
doctor h1 1
took=$(($(date +%s) - began))
[ "$took" -lt 40 ] || fail "the doctor took $took seconds"
grep -q '^  ghost. (it does not tell its room):' doctor.log || fail 'which room?'
grep -q '^  \.\.\. and [1-5] more were not tried' doctor.log || fail 'all were tried'
grep -q '^NOT WELL: chats are found, and none of them answers' doctor.log ||
	fail 'ghosts are well'
crash ghosts
echo "ghosts, for $took seconds: good"

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
