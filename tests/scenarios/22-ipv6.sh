#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: without IPv4, and with nothing but link-local addresses, peers find
# each other; and without IPv6 as well.
# shellcheck disable=SC2034 # lib.sh reads it
hosts=2
. "$(dirname "$0")/lib.sh"

# meet WHAT: alice and bob, who do not know of each other.
meet() {
	rm -rf alice.db bob.db
	start alice on h1 "$chat" -q --json alice
	start bob on h2 "$chat" -q --json bob
	wait_for alice.out '"up","name":"bob"' 10
	say alice "by $1"
	wait_for bob.out "\"text\":\"by $1\"" 10
	leave alice
	leave bob
	silent alice bob
	echo "$1: good"
}

for host in h1 h2; do
	on $host ip -4 addr flush dev eth0
	on $host ip -4 addr flush dev lo
done
meet 'IPv6 alone'
for host in h1 h2; do
	on $host ip -6 addr flush dev eth0 scope global
done
meet 'link-local addresses alone'
for host in h1 h2; do
	on $host ip -6 addr flush dev eth0
	on $host ip addr add "10.77.0.${host#h}/24" dev eth0
done
meet 'IPv4 alone'
