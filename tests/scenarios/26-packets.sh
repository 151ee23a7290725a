#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: no packet of ours is malformed, in tshark's eyes, and they are few.
#
# A whole story, from the first probe to the last goodbye, with two of one
# name, a peer that is named and not there, an interface that changes, and a
# one-shot asker; captured and decoded.
# shellcheck disable=SC2034 # lib.sh reads it
hosts=3
. "$(dirname "$0")/lib.sh"

command -v tshark dumpcap > /dev/null || skip 'tshark is missing: tests/setup'
# Without the file's capabilities, which are of another world.
cp "$(command -v dumpcap)" ./capture
start capture on h3 ./capture -q -i eth0 -f 'udp port 5353' -w packets.pcap
wait_for capture.err 'Capturing on' 10

start alice on h1 "$chat" -q --json alice nobody
sleep 2
start other on h2 "$chat" --json -d other.db alice
wait_for other.err 'using alice-2' 10
start bob on h2 "$chat" -q --json bob
wait_for bob.out '"up","name":"alice' 10
on h1 ip addr add 10.77.0.101/24 dev eth0
if command -v node > /dev/null; then
	on h3 node -e '
const socket = require("dgram").createSocket("udp4");
const label = t => Buffer.concat([Buffer.from([t.length]), Buffer.from(t)]);
const query = Buffer.concat([Buffer.from([0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
	label("bob"), label("_persisted-chat"), label("_tcp"), label("local"),
	Buffer.from([0, 0, 255, 0, 1])]);
socket.on("message", () => process.exit(0));
setInterval(() => socket.send(query, 5353, "224.0.0.251"), 300);
setTimeout(() => process.exit(1), 5000);' || fail 'a one-shot asker got nothing'
fi
sleep 5
leave alice
leave other
leave bob
sleep 1
kill -INT "$(cat capture.pid)"
wait "$(cat capture.pid)" || true
tshark -r packets.pcap -T fields -e frame.time_relative -e ip.src -e ipv6.src \
	-e _ws.col.Info > packets.log 2> /dev/null || fail 'tshark failed'
tshark -r packets.pcap -Y '_ws.malformed || _ws.expert.severity >= 0x800000' \
	> bad.log 2> /dev/null || fail 'tshark failed'
[ ! -s bad.log ] || fail 'there are malformed packets'
count=$(grep -c '' packets.log)
[ "$count" -ge 40 ] || fail "only $count packets were captured"
[ "$count" -le 200 ] || fail "$count packets are too many"
[ "$(lines packets.log 'Standard query response')" -ge 10 ] ||
	fail 'there is hardly any answer'
echo "$count packets, none malformed: good"
