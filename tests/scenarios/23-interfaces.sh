#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: interfaces come, go, lose their carrier and change address; others are
# told within 5 seconds, unasked, and peers who do not name each other talk on.
# What is for one interface leaves by no other.
#
# alice and bob run from the beginning to the end.  Somebody listens and notes
# who tells which addresses, and who asks.  Until a link that lost its ground is
# made anew, over what there is now, may take longer: that is not what is timed.
# shellcheck disable=SC2034 # lib.sh reads it
hosts=3
. "$(dirname "$0")/lib.sh"
need_python
soon=10 # seconds: the goal is 5, and a machine may be slow

# Questions for addresses, and addresses in Answer sections: those that nobody
# asked for are announced (8.3); additional ones come along with answers.
cat > listen.py << 'END'
import socket, struct, sys

def name(data, at):
    labels, end = [], 0
    while data[at] != 0:
        if data[at] >= 0xc0:
            end = end or at + 2
            at = (data[at] & 63) << 8 | data[at + 1]
        else:
            labels.append(data[at + 1:at + 1 + data[at]].decode())
            at += 1 + data[at]
    return ".".join(labels), end or at + 1

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
s.bind(("224.0.0.251", 5353))
s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
    socket.inet_aton("224.0.0.251") + socket.inet_aton(sys.argv[1]))
print("listening", flush=True)
while True:
    data, (source, port) = s.recvfrom(9000)
    flags, questions, answers = struct.unpack_from(">3H", data, 2)
    at = 12
    for _ in range(questions):
        asked, at = name(data, at)
        if struct.unpack_from(">H", data, at)[0] in (1, 28, 255):
            print(source, "asks", asked, flush=True)
        at += 4
    for _ in range(answers):
        told, at = name(data, at)
        kind, _, ttl, size = struct.unpack_from(">HHIH", data, at)
        at += 10 + size
        if flags & 0x8000 and kind == 1 and ttl > 0:
            print(source, "tells", told, socket.inet_ntoa(data[at - 4:at]),
                flush=True)
END

# listen HOST ADDRESS: anew, on the interface of that address.
listen() {
	[ ! -f heard.pid ] || crash heard
	start heard on "$1" "$python" listen.py "$2"
	wait_for heard.out listening 10
}

# tells NAME ADDRESS: who has it says so soon, and was not asked by anybody.
tells() {
	told="^$2 tells $1.local $2\$"
	wait_for heard.out "$told" "$soon"
	sed "/$told/q" heard.out > before.log
	grep "asks $1" before.log | grep -v "^$2 " > asked.log || return 0
	fail "$1 was asked for its address"
}

# has_lines FILE PATTERN N: so many at least.
has_lines() {
	[ "$(lines "$1" "$2")" -ge "$3" ]
}

# bob_says PATTERN N: it is the Nth time.
bob_says() {
	wait_until "$soon" has_lines bob.err "$1" "$2" ||
		fail "bob did not say '$1' $2 times"
}

# again WHAT: a message goes both ways, over whatever there is now.
again() {
	say alice "alice, $1"
	wait_for bob.out "\"text\":\"alice, $1\"" 60
	say bob "bob, $1"
	wait_for alice.out "\"text\":\"bob, $1\"" 60
	echo "$1: good"
}

# Over IPv6 the link would outlast what happens to the addresses of IPv4.
on h2 ip -6 addr flush dev eth0

# With loopback as the first of two, alice is not alone.
start bob on h2 "$chat" --json bob
start alice on h1 "$chat" --json --interface lo --interface eth0 alice
wait_for alice.out '"up","name":"bob"' 10
[ "$(lines alice.err 'no network interface')" -eq 0 ] || fail 'alice is alone'
leave alice
leave bob

on h1 ip link set eth0 down
start bob on h2 "$chat" --json bob
wait_for bob.err 'this is bob.local'
start alice on h1 "$chat" --json alice
wait_for alice.err 'no network interface with multicast is up' "$soon"
listen h3 10.77.0.3
on h1 ip link set eth0 up
tells alice 10.77.0.1
wait_for alice.out '"up","name":"bob"' "$soon"
again 'a network that came later'

pull h2
bob_says 'no network interface with multicast is up' 1
listen h3 10.77.0.3
plug h2
bob_says 'a network interface is up again' 1
tells bob 10.77.0.2
again 'a cable that was cut and mended'

listen h3 10.77.0.3
on h1 ip addr del 10.77.0.1/24 dev eth0
on h1 ip addr add 10.77.0.101/24 dev eth0
tells alice 10.77.0.101
again 'another address'

ip link add extra netns h1 type veth peer name extra netns h2
on h1 ip addr add 10.99.0.1/24 dev extra
on h1 ip link set extra up
listen h1 10.99.0.1
on h2 ip addr add 10.99.0.2/24 dev extra
on h2 ip link set extra up
tells bob 10.99.0.2
pull h2
start carol on h1 "$chat" -q --json carol
wait_for carol.out '"up","name":"bob"' "$soon"
leave carol
silent carol
echo 'an interface that came: good'
plug h2
on h2 ip link del extra
again 'an interface that went'

# is_member INTERFACE: bob hears the group of IPv4 there.
is_member() {
	on h2 ip -4 maddr show dev "$1" 2> /dev/null | grep -q ' 224\.0\.0\.251$'
}

# More than the 20 memberships that Linux gives a socket, one after the other.
for round in 1 2 3; do
	for i in 1 2 3 4 5 6 7 8; do
		on h2 ip link add "x$i" type veth peer name "y$i"
		on h2 ip addr add "10.$((100 + i)).$round.1/24" dev "x$i"
		on h2 ip link set "x$i" up
		on h2 ip link set "y$i" up
	done
	for i in 1 2 3 4 5 6 7 8; do
		wait_until 10 is_member "x$i" || fail "bob is deaf on x$i"
	done
	for i in 1 2 3 4 5 6 7 8; do
		on h2 ip link del "x$i"
	done
done
again 'interfaces that came and went, 24 of them'

# The same interface is deleted and made again.
on h2 ip link del eth0
bob_says 'no network interface with multicast is up' 2
ip link add to-h2 type veth peer name eth0 netns h2
ip link set to-h2 master switch up
on h2 ip addr add 10.77.0.2/24 dev eth0
listen h3 10.77.0.3
on h2 ip link set eth0 up
wait_until 10 is_member eth0 || fail 'bob is deaf on IPv4'
bob_says 'a network interface is up again' 2
tells bob 10.77.0.2
again 'an interface deleted and made again'
leave alice
leave bob

# An interface is lost under somebody who is about to announce on it: nothing of
# that leaves by another.
on h2 ip link add extra type veth peer name extra netns h1
on h1 ip addr add 10.99.0.2/24 dev extra
on h1 ip link set extra up
on h2 ip addr add 10.99.0.1/24 dev extra
on h2 ip link set extra up
is_up() {
	on h2 ip link show dev extra | grep -q 'state UP'
}
wait_until 10 is_up || fail 'there is no second interface'
# Without IPv6, whose failures would tell of the loss.
on h2 ip -6 addr flush dev eth0
on h2 ip -6 addr flush dev extra
start listen on h1 "$python" -u -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("224.0.0.251", 5353))
s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
    socket.inet_aton("224.0.0.251") + socket.inet_aton("10.99.0.2"))
print("listening")
while True:
    p = s.recv(9000)
    print(*(a for a in ("10.77.0.2", "10.99.0.1") if socket.inet_aton(a) in p))'
wait_for listen.out listening
start bob on h2 "$chat" --json bob
wait_for listen.out '^10.99.0.1'
on h2 ip link del eth0
told() {
	[ "$(lines listen.out 10.99.0.1)" -ge 5 ] # 3 probes, 2 announcements
}
wait_until 10 told || fail 'bob is not heard'
leave bob
crash listen
[ "$(lines listen.out 10.77.0.2)" -eq 0 ] ||
	fail "packets of eth0 left by another interface"
echo 'an interface that is lost while announcing: good'
