# SPDX-License-Identifier: ISC
# shellcheck shell=sh
# shellcheck disable=SC2154 # lib.sh sets $work
# avahi.sh: avahi for scenarios, read after lib.sh.  There is one at a time, on
# a host of tests/lan.
for tool in avahi-daemon avahi-browse avahi-resolve dbus-daemon; do
	command -v "$tool" > /dev/null || skip "$tool is missing: tests/setup"
done

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

# avahi HOST NAME: from now on, on this host and by this name.
avahi() {
	printf '%s\n' '[server]' "host-name=$2" use-ipv4=yes use-ipv6=yes \
		allow-interfaces=eth0 > avahi.conf
	rm -rf /run/avahi-daemon avahi.log # with the line waited for
	on "$1" avahi-daemon --no-drop-root --no-chroot --no-rlimits \
		-f avahi.conf > avahi.log 2>&1 &
	avahi_pid=$!
	wait_for avahi.log "Server startup complete. Host name is $2.local" 20
}

# avahi_leaves: it never had to give way to anybody.
avahi_leaves() {
	kill "$avahi_pid"
	wait "$avahi_pid" || true
	[ "$(lines avahi.log 'conflict')" -eq 0 ] || fail 'avahi met a conflict'
}

# resolves HOST TOOL... PATTERN: the last word is what its output must have.
resolves() {
	on "$1" "$2" "$3" "$4" > resolve.log 2>&1 || true
	grep -q "$5" resolve.log
}
