#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: interfaces come, go, lose their carrier and change address, and peers
# who do not name each other are linked again within seconds.  What is for one
# interface leaves by no other.
# shellcheck disable=SC2034 # lib.sh reads it
hosts=2
. "$(dirname "$0")/lib.sh"
need_python

# again WHAT: a message goes both ways, over whatever there is now.
again() {
	say alice "alice, $1"
	wait_for bob.out "\"text\":\"alice, $1\"" 20
	say bob "bob, $1"
	wait_for alice.out "\"text\":\"bob, $1\"" 20
	echo "$1: good"
}

# restart HOST: as after a crash, so that nothing but discovery leads back.
restart() {
	crash bob
	start bob on h2 "$chat" --json bob
	wait_for bob.out '"up","name":"alice"' 10
}

# With loopback as the first of two, alice is not alone.
start bob on h2 "$chat" --json bob
start alice on h1 "$chat" --json --interface lo --interface eth0 alice
wait_for alice.out '"up","name":"bob"' 10
[ "$(lines alice.err 'no network interface')" -eq 0 ] || fail 'alice is alone'
leave alice
leave bob

on h1 ip link set eth0 down
start alice on h1 "$chat" --json alice
start bob on h2 "$chat" --json bob
wait_for alice.err 'no network interface with multicast is up' 10
sleep 1
on h1 ip link set eth0 up
on h1 ip -6 addr add fd77::1/64 dev eth0 nodad
wait_for alice.out '"up","name":"bob"' 10
again 'a network that came later'

pull h2
crash bob
start bob on h2 "$chat" --json bob
wait_for bob.err 'no network interface with multicast is up' 10
plug h2
wait_for bob.out '"up","name":"alice"' 10
wait_for bob.err 'a network interface is up again'
again 'a cable that was cut and mended'

on h1 ip addr del 10.77.0.1/24 dev eth0
on h1 ip addr add 10.77.0.101/24 dev eth0
sleep 4 # interfaces are looked at every 3 s
restart
again 'another address'

on h2 ip link add extra type veth peer name other
on h2 ip addr add 10.99.0.1/24 dev extra
on h2 ip link set extra up
on h2 ip link set other up
sleep 4
on h2 ip link del extra
again 'an interface that came and went'

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

# The same interface is deleted and made again, under a running bob.
on h2 ip link del eth0
wait_until 10 sh -c 'grep -c "with multicast is up" bob.err | grep -q 1' ||
	fail 'bob does not miss his interface'
ip link add to-h2 type veth peer name eth0 netns h2
ip link set to-h2 master switch up
on h2 ip addr add 10.77.0.2/24 dev eth0
on h2 ip link set eth0 up
wait_until 10 is_member eth0 || fail 'bob is deaf on IPv4'
crash alice
start alice on h1 "$chat" --json alice
wait_for alice.out '"up","name":"bob"' 10
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
