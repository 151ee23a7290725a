#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: who knows only one of the others gets everything, from all of them.
#
# Alice and bob talk, alice leaves.  Carol comes late and may link with bob
# alone.  She gets what alice said, also what alice says after she is back, and
# alice gets what carol says.
. "$(dirname "$0")/lib.sh"

start alice "$chat" -q --only alice bob
start bob "$chat" -q bob
for i in 1 2 3; do
	say alice "from alice $i"
	say bob "from bob $i"
done
wait_for bob.out '^alice> from alice 3$'
wait_for alice.out '^bob> from bob 3$'
leave alice

start carol "$chat" -q --only carol bob
wait_for carol.out ' from alice 3$'
wait_for carol.out '^bob> from bob 3$'
say carol 'from carol'
wait_for bob.out '^carol> from carol$'

# Alice and carol never link, so neither learns the other's name, only the id.
start alice "$chat" -q --only alice bob
wait_for alice.out ' from carol$'
say alice 'back again'
wait_for carol.out ' back again$'

# In order, each once.
sort -u carol.out > carol.once
[ "$(lines carol.once '')" -eq "$(lines carol.out '')" ] ||
	fail "carol has lines twice"
printf 'from alice %s\n' 1 2 3 > alice.said
echo 'back again' >> alice.said
sed -n 's/.*> \(from alice .*\|back again\)$/\1/p' carol.out > alice.heard
cmp alice.said alice.heard || fail "carol has alice's lines in another order"

leave carol
leave alice
leave bob
silent alice bob carol
