#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: beside avahi, on the same host and on others, everything goes on.
#
# avahi's tools see our service and resolve our name; who is called as a machine
# of avahi's is linked with, at the address that avahi tells; where avahi was
# first it still has all unicast to port 5353; two of ours and avahi live on one
# host, where all have the same addresses; and a machine that avahi calls alice
# may have an alice.  An avahi that starts later keeps its name, and so do we.
# shellcheck disable=SC2034 # lib.sh reads it
hosts=3
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/scenarios/avahi.sh
. "$root/tests/scenarios/avahi.sh"

# ask_directly ADDRESS NAME: from h3, by unicast and from a port of its own
# (5.5, 6.7), for any record of NAME.local.  Prints what answers; fails when
# nobody does.
cat > ask.js << 'END'
const [to, name] = process.argv.slice(2);
const socket = require("dgram").createSocket(to.includes(":") ? "udp6" : "udp4");
const label = t => Buffer.concat([Buffer.from([t.length]), Buffer.from(t)]);
const query = Buffer.concat([Buffer.from([0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
	label(name), label("local"), Buffer.from([0, 0, 255, 0, 1])]);
socket.on("message", (m, from) => {
	console.log(from.address, m.readUInt16BE(6) > 0 &&
		m.toString("latin1").includes(name) ? name : "nothing");
	process.exit(0);
});
setInterval(() => socket.send(query, 5353, to), 100);
setTimeout(() => process.exit(1), +process.argv[4] || 10000);
END
left_out=
ask_directly() {
	if ! command -v node > /dev/null; then
		left_out='node is missing, so nobody asked avahi by unicast'
		return
	fi
	on h3 node ask.js "$@" > ask.log || fail "$1 does not tell $2 by unicast"
	[ "$(cat ask.log)" = "$1 $2" ] || fail "$1 tells nothing of $2"
	echo "$1 tells $2 by unicast: good"
}

# First avahi, then we, on the host that avahi calls carol.
avahi h2 carol
start alice on h1 "$chat" -q --json alice
start bob on h2 "$chat" -q --json bob
wait_for alice.out '"up","name":"bob"' 10
wait_until 10 resolves h2 avahi-resolve -4n alice.local 10.77.0.1 ||
	fail 'avahi does not resolve alice.local'
wait_until 10 resolves h2 avahi-resolve -6n alice.local '\(fd77\|fe80\)::' ||
	fail 'avahi does not resolve alice.local for IPv6'
wait_until 10 resolves h2 avahi-browse -rpt _persisted-chat._tcp \
	'^=;eth0;IPv4;alice;_persisted-chat._tcp;local;alice.local;10.77.0.1;' ||
	fail 'avahi does not see alice'
wait_until 10 resolves h2 avahi-browse -rpt _persisted-chat._tcp \
	'^=;eth0;IPv6;bob;' || fail 'avahi does not see bob, who is on its own host'
grep '^=' resolve.log
wait_until 10 resolves h2 avahi-browse -a -pt ';_persisted-chat._tcp;' ||
	fail 'the service is not in the list of services'
echo "avahi's tools see us: good"

# On port 5353 the wildcard addresses are avahi's alone, and so is unicast.
on h2 ss -lun > sockets.log
[ "$(lines sockets.log ' 0\.0\.0\.0:5353 ')" -eq 1 ] || fail "avahi's IPv4 is shared"
[ "$(lines sockets.log ' \[::\]:5353 ')" -eq 1 ] || fail "avahi's IPv6 is shared"
ask_directly 10.77.0.2 carol
ask_directly fd77::2 carol

start dave on h2 "$chat" -q --json dave
wait_for dave.out '"up","name":"bob"' 10
wait_for dave.out '"up","name":"alice"' 10
wait_for alice.out '"up","name":"dave"' 10
echo 'two of ours and avahi on one host: good'
leave dave
leave bob
leave alice

# Who sits on carol tells nothing of itself; only avahi tells where carol is.
start carol on h2 "$chat" --no-mdns --json carol
start alice on h1 "$chat" --json alice carol
wait_for alice.err 'carol is here (\(10\.77\.0\.2\|\[fd77::2\]\):' 10
wait_for carol.out '"up","name":"alice"' 10
leave carol
leave alice
avahi_leaves
silent bob dave
echo 'we find what avahi publishes: good'

# First avahi, then alice on the machine alice: equal data, no conflict.
avahi h1 alice
start alice on h1 "$chat" --json alice
start bob on h2 "$chat" -q --json bob
wait_for bob.out '"up","name":"alice"' 10
wait_until 10 resolves h1 avahi-resolve -4n bob.local 10.77.0.2 ||
	fail 'avahi does not resolve bob.local'
leave alice
[ "$(lines alice.err 'somebody else')" -eq 0 ] || fail 'alice fell out with her machine'
resolves h1 avahi-resolve -4n alice.local 10.77.0.1 ||
	fail "alice took the machine's name along"
avahi_leaves
echo 'alice on the machine alice: good'

# First alice, then avahi: it reads her records when it probes for its own, of
# the same addresses.  It starts once and has its name at once: whoever meets a
# conflict starts again as NAME-2, without end.  (Who gets unicast then is up to
# Linux: two wildcards of one user take turns.)
start alice on h1 "$chat" --json alice
wait_for bob.out '"up","name":"alice"' 10
avahi h1 machine
wait_until 10 resolves h1 avahi-browse -rpt _persisted-chat._tcp \
	'^=;eth0;IPv4;alice;_persisted-chat._tcp;local;alice.local;10.77.0.1;' ||
	fail 'avahi does not see alice, who was there before'
wait_until 10 resolves h1 avahi-resolve -4n alice.local 10.77.0.1 ||
	fail 'avahi does not resolve alice.local, which was there before'
wait_until 10 resolves h2 avahi-resolve -4n machine.local 10.77.0.1 ||
	fail 'machine.local is not resolved'
avahi_leaves
[ "$(lines alice.err 'somebody else')" -eq 0 ] || fail 'alice gave way to avahi'
say alice 'still here'
wait_for bob.out '"text":"still here"' 10
leave alice
leave bob
silent bob
echo 'avahi after alice: good'
[ -z "$left_out" ] || skip "$left_out: tests/setup"
