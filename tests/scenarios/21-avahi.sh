#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: beside avahi, on the same host and on others, everything goes on.
#
# avahi's tools see our service and resolve our name; we find a name that avahi
# publishes; unicast to port 5353 of a host with avahi still goes to avahi, in
# both families; two of ours and avahi live on one host, where all have the
# same addresses; and a machine that avahi calls alice may have an alice.
# shellcheck disable=SC2034 # lib.sh reads it
hosts=3
. "$(dirname "$0")/lib.sh"

command -v avahi-daemon avahi-browse dbus-daemon > /dev/null ||
	skip 'avahi or dbus is missing: tests/setup'

# avahi wants to be a user of its own; here there is only one.
sed 's/^avahi:.*/avahi:x:0:0::\/:\/bin\/false/' /etc/passwd > passwd
sed 's/^avahi:.*/avahi:x:0:/' /etc/group > group
mount --bind passwd /etc/passwd
mount --bind group /etc/group
cat > bus.conf << END
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=$work/bus</listen>
<auth>EXTERNAL</auth><policy context="default"><allow send_destination="*"/>
<allow receive_sender="*"/><allow own="*"/><allow user="*"/></policy></busconfig>
END
export DBUS_SYSTEM_BUS_ADDRESS="unix:path=$work/bus"
dbus-daemon --nofork --config-file=bus.conf > bus.log 2>&1 &
wait_until 10 test -S bus || fail 'no bus'

# avahi HOST NAME: the one avahi, on this host and by this name.
avahi() {
	printf '%s\n' '[server]' "host-name=$2" use-ipv4=yes use-ipv6=yes \
		allow-interfaces=eth0 > avahi.conf
	rm -rf /run/avahi-daemon avahi.log # with the line waited for
	on "$1" avahi-daemon --no-drop-root --no-chroot --no-rlimits \
		-f avahi.conf > avahi.log 2>&1 &
	avahi_pid=$!
	wait_for avahi.log 'Server startup complete' 20
}

# resolves HOST TOOL... PATTERN: the last word is what its output must have.
resolves() {
	on "$1" "$2" "$3" "$4" > resolve.log 2>&1 || true
	grep -q "$5" resolve.log
}

avahi h2 carol
start alice on h1 "$chat" -q --json alice
start bob on h2 "$chat" -v --json bob carol
wait_for alice.out '"up","name":"bob"' 10
wait_until 10 resolves h2 avahi-resolve -4n alice.local 10.77.0.1 ||
	fail 'avahi does not resolve alice.local'
wait_until 10 resolves h2 avahi-resolve -6n alice.local '\(fd77\|fe80\)::' ||
	fail 'avahi does not resolve alice.local for IPv6'
wait_until 10 resolves h2 avahi-browse -rpt _persisted-chat._tcp \
	'^=;eth0;IPv4;alice;_persisted-chat._tcp;local;alice.local;10.77.0.1;' ||
	fail 'avahi does not see alice'
resolves h2 avahi-browse -rpt _persisted-chat._tcp '^=;eth0;IPv6;bob;' ||
	fail 'avahi does not see bob, who is on its own host'
grep '^=' resolve.log
wait_until 10 resolves h2 avahi-browse -a -pt ';_persisted-chat._tcp;' ||
	fail 'the service is not in the list of services'
echo "avahi's tools see us: good"

# carol is a host without a chat: found, and dialled in vain.
wait_for bob.err 'carol can not be reached' 10
echo 'we find what avahi publishes: good'

# On port 5353 the wildcard addresses are avahi's alone, and so is unicast; a
# direct question (5.5) shows it.  (Over IPv6 avahi answers none.)
on h2 ss -lun > sockets.log
[ "$(lines sockets.log ' 0\.0\.0\.0:5353 ')" -eq 1 ] || fail "avahi's IPv4 is shared"
[ "$(lines sockets.log ' \[::\]:5353 ')" -eq 1 ] || fail "avahi's IPv6 is shared"
ask_directly() {
	on h1 node -e '
const socket = require("dgram").createSocket("udp4");
const label = t => Buffer.concat([Buffer.from([t.length]), Buffer.from(t)]);
const query = Buffer.concat([Buffer.from([0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
	label("carol"), label("local"), Buffer.from([0, 0, 1, 0, 1])]);
socket.on("message", m => { console.log(m.toString("latin1").includes("carol"));
	process.exit(0); });
setInterval(() => socket.send(query, 5353, process.argv[1]), 300);
setTimeout(() => process.exit(1), 5000);' "$1"
}
if command -v node > /dev/null; then
	ask_directly 10.77.0.2 || fail "avahi's unicast is taken"
	echo "avahi's unicast is not taken: good"
fi

start dave on h2 "$chat" -q --json dave
wait_for dave.out '"up","name":"bob"' 10
wait_for dave.out '"up","name":"alice"' 10
wait_for alice.out '"up","name":"dave"' 10
echo 'two of ours and avahi on one host: good'
leave dave
leave bob
kill "$avahi_pid"
wait "$avahi_pid" || true

# The machine is alice, and so is who sits there: equal data, no conflict.
leave alice
avahi h1 alice
start alice on h1 "$chat" --json alice
start bob on h2 "$chat" -q --json bob
wait_for bob.out '"up","name":"alice"' 10
sleep 3
[ "$(lines alice.err 'somebody else')" -eq 0 ] || fail 'alice fell out with her machine'
[ "$(lines avahi.log 'conflict')" -eq 0 ] || fail 'the machine fell out with alice'
wait_until 10 resolves h1 avahi-resolve -4n bob.local 10.77.0.2 ||
	fail 'avahi does not resolve bob.local'
leave alice
resolves h1 avahi-resolve -4n alice.local 10.77.0.1 ||
	fail "alice took the machine's name along"
leave bob
silent bob
echo 'alice on the machine alice: good'
