#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: no packet of ours is malformed, in tshark's eyes, and they are few; each
# is from port 5353, with a TTL of 255, and tells only addresses of the
# interface that it leaves by.
#
# A whole story, from the first probe to the last goodbye, with two of one name,
# a peer that is named and not there, one with --legacy, a host with a second
# interface and one with avahi, an address that is added, and a one-shot asker;
# captured on both networks and decoded.
# shellcheck disable=SC2034 # lib.sh reads it
hosts=3
. "$(dirname "$0")/lib.sh"
for tool in tshark dumpcap; do
	command -v "$tool" > /dev/null || skip "$tool is missing: tests/setup"
done
# shellcheck source=tests/scenarios/avahi.sh
. "$root/tests/scenarios/avahi.sh"

# capture INTERFACE: of h3, until the end.
capture() {
	start "capture-$1" on h3 ./capture -q -i "$1" -f 'udp port 5353' \
		-w "$1.pcap"
	wait_for "capture-$1.err" 'Capturing on' 10
}

# packets INTERFACE FILTER: those of h1 and h2 that tshark's filter wants.
ours='(eth.src == 02:00:00:00:00:01 || eth.src == 02:00:00:00:00:02)'
packets() {
	# It complains when the last packet is not written as a whole yet.
	tshark -r "$1.pcap" -Y "$ours && ($2)" > packets.log 2> tshark.log ||
		has tshark.log 'cut short' || fail "tshark failed"
}

seen() {
	packets "$@"
	[ -s packets.log ]
}

# none INTERFACE FILTER WHAT
none() {
	! seen "$1" "$2" || fail "on $1 there are packets $3"
}

# A second network of h1, which h3 only listens to.
ip link add extra netns h1 address 02:00:00:00:00:01 type veth \
	peer name extra netns h3
on h3 ip link set extra addrgenmode none
on h1 ip addr add 10.88.0.1/24 dev extra
on h1 ip -6 addr add fd88::1/64 dev extra nodad
on h3 ip link set extra up
on h1 ip link set extra up
# Without the file's capabilities, which are of another world.
cp "$(command -v dumpcap)" ./capture
capture eth0
capture extra

avahi h3 carol
start alice on h1 "$chat" -q --json alice nobody
wait_until 20 resolves h3 avahi-resolve -4n alice.local 10.77.0.1 ||
	fail 'avahi does not resolve alice.local'
start other on h2 "$chat" --json -d other.db alice
wait_for other.err 'using alice-2' 10
start bob on h2 "$chat" -q --json bob
wait_for bob.out '"up","name":"alice' 10
start dave on h1 "$chat" -q --json --legacy dave frank
wait_for dave.out '"up","name":"bob"' 10
on h1 ip addr add 10.77.0.101/24 dev eth0
left_out=
if ! command -v node > /dev/null; then
	left_out='node is missing, so there was no one-shot asker'
else
	on h3 node -e '
const socket = require("dgram").createSocket("udp4");
const label = t => Buffer.concat([Buffer.from([t.length]), Buffer.from(t)]);
const query = Buffer.concat([Buffer.from([0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
	label("bob"), label("_persisted-chat"), label("_tcp"), label("local"),
	Buffer.from([0, 0, 255, 0, 1])]);
socket.on("message", () => process.exit(0));
setInterval(() => socket.send(query, 5353, "224.0.0.251"), 300);
setTimeout(() => process.exit(1), 5000);' || fail 'a one-shot asker got nothing'
	wait_until 10 seen eth0 'ip.dst == 10.77.0.3' ||
		fail 'the one-shot asker was answered by nobody of ours'
fi
wait_until 10 resolves h3 avahi-browse -rpt _persisted-chat._tcp \
	'^=;eth0;IPv4;dave;' || fail 'avahi does not see dave'
wait_until 20 seen eth0 'dns.flags.response == 1 && dns.a == 10.77.0.101' ||
	fail 'the new address was not told'
for who in dave alice other bob; do
	leave "$who"
done
goodbye='dns.resp.ttl == 0 && dns.srv.port'
wait_until 10 seen eth0 "$goodbye && eth.src == 02:00:00:00:00:02" ||
	fail 'nobody said goodbye'
wait_until 10 seen extra "$goodbye" || fail 'nobody said goodbye to h1'
for network in eth0 extra; do
	kill -INT "$(cat "capture-$network.pid")"
	wait "$(cat "capture-$network.pid")" || true
	none "$network" '_ws.malformed || _ws.expert.severity >= 0x800000' \
		'that are malformed'
	none "$network" '!(ip.ttl == 255 || ipv6.hlim == 255)' \
		'whose TTL is not 255'
	none "$network" 'udp.srcport != 5353' 'that are not from port 5353'
done
avahi_leaves
none eth0 'ip.addr == 10.88.0.0/16 || dns.a == 10.88.0.0/16' 'of 10.88.0.1'
none eth0 'ipv6.addr == fd88::/16 || dns.aaaa == fd88::/16' 'of fd88::1'
none extra 'ip.addr == 10.77.0.0/16 || dns.a == 10.77.0.0/16' 'of 10.77.0.1'
none extra 'ipv6.addr == fd77::/16 || dns.aaaa == fd77::/16' 'of fd77::1'
seen extra 'dns.a == 10.88.0.1' || fail '10.88.0.1 is told to nobody'
seen extra 'dns.aaaa == fd88::1' || fail 'fd88::1 is told to nobody'

packets eth0 mdns
count=$(grep -c '' packets.log)
[ "$count" -ge 40 ] || fail "only $count packets were captured"
[ "$count" -le 200 ] || fail "$count packets are too many"
[ "$(lines packets.log 'Standard query response')" -ge 10 ] ||
	fail 'there is hardly any answer'
echo "$count packets, all as they should be: good"
[ -z "$left_out" ] || skip "$left_out: tests/setup"
