#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: the original's own look-up finds us, and with --legacy we find what it
# registers.
#
# lookup-multicast-dns asks from any port, register-multicast-dns answers from
# any port: neither is as RFC 6762 has it.
# shellcheck disable=SC2034 # lib.sh reads it
hosts=2
. "$(dirname "$0")/lib.sh"

modules=$root/tests/original/node_modules
command -v node > /dev/null || skip 'node is missing: tests/setup'
[ -d "$modules/lookup-multicast-dns" ] ||
	skip "the original's modules are missing: tests/setup"

start alice on h1 "$chat" -v --legacy alice bob
wait_for alice.err 'this is alice.local'
# shellcheck disable=SC2016 # it is JavaScript
on h2 node -e 'require(process.argv[1])("alice.local", (error, address) => {
	console.log(error ? error.message : address);
	process.exit(error ? 1 : 0);
});' "$modules/lookup-multicast-dns" > lookup.log || fail 'alice is not found'
[ "$(cat lookup.log)" = 10.77.0.1 ] || fail 'alice is found elsewhere'
echo 'the original finds us: good'

# register-multicast-dns tells the address of its host, where bob sits, who tells
# nothing of himself.
start register on h2 node -e 'require(process.argv[1])("bob.local");' \
	"$modules/register-multicast-dns"
start bob on h2 "$chat" -q --no-mdns bob
wait_for alice.err 'bob is here (10\.77\.0\.2:62474)' 70
echo 'we find what the original registers: good'
leave alice
leave bob
silent bob
