#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: without IPv4, and with nothing but link-local addresses, peers find
# each other, on one host and on two; and without IPv6 as well.
# shellcheck disable=SC2034 # lib.sh reads it
hosts=2
. "$(dirname "$0")/lib.sh"

# meet WHAT ADDRESS: alice and, on another host, bob and carol, who do not know
# of each other; by addresses of this form.
meet() {
	rm -rf alice.db bob.db carol.db
	start alice on h1 "$chat" -q --json alice
	start bob on h2 "$chat" -q --json bob
	start carol on h2 "$chat" -q --json carol
	for pair in alice:bob alice:carol bob:carol; do
		wait_for "${pair%:*}.out" \
			"\"up\",\"name\":\"${pair#*:}\".*\"address\":\"$2" 10
	done
	say alice "by $1"
	wait_for bob.out "\"text\":\"by $1\"" 10
	wait_for carol.out "\"text\":\"by $1\"" 10
	leave alice
	leave bob
	leave carol
	silent alice bob carol
	echo "$1: good"
}

for host in h1 h2; do
	on $host ip -4 addr flush dev eth0
	on $host ip -4 addr flush dev lo
done
meet 'IPv6 alone' '\[f[de]'
for host in h1 h2; do
	on $host ip -6 addr flush dev eth0 scope global
done
meet 'link-local addresses alone' '\[fe80::'
for host in h1 h2; do
	on $host ip -6 addr flush dev eth0
	on $host ip addr add "10.77.0.${host#h}/24" dev eth0
done
meet 'IPv4 alone' '10\.77\.'
