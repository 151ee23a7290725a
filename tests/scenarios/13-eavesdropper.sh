#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: who listens on the wire reads no message, no author and no room's name.
#
# Every frame that crosses the only interface is recorded, while alice and bob
# chat in a room, alice leaves, and carol comes late and gets the history from
# bob.  No text is in what was recorded, nor the room's name; nobody's name is
# outside multicast DNS, nor what an author is known by.
#
# What an eavesdropper does see: that there are alice, bob and carol and where
# (multicast DNS says so to everybody), who is linked with whom, when, and how
# much they say.
. "$(dirname "$0")/lib.sh"

need_python

# recorded FILE TEXT
recorded() {
	LC_ALL=C grep -q -a -F -e "$2" "$1"
}

start listener "$python" "$callers" listen mdns.frames other.frames
wait_for listener.out listening
if command -v tshark > /dev/null; then
	start tshark tshark -q -i lo -w frames.pcap
	wait_for tshark.err "Capturing on"
else
	echo "SKIPPED, NOT TESTED: what tshark sees; tests/setup installs it"
fi

room=walled-garden
for who in alice bob; do
	peer=bob
	[ $who = alice ] || peer=alice
	start $who "$chat" -q --json -r $room $who $peer
done
wait_for alice.out '"up","name":"bob"'
say alice 'the fox is in the henhouse'
say bob 'which of the two henhouses?'
wait_for bob.out 'the fox is in the henhouse'
wait_for alice.out 'which of the two henhouses?'
leave alice
start carol "$chat" -q --json -r $room carol bob
wait_for carol.out 'the fox is in the henhouse'
wait_for carol.out 'which of the two henhouses?'
say carol 'both'
wait_for bob.out '"text":"both"'
leave carol
leave bob
silent alice bob carol

# To know that the listener has heard it all: it ends with what is said last.
"$python" -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(b"in plain words", ("127.0.0.1", 9))'
wait_until 60 recorded other.frames 'in plain words' ||
	fail "the listener is deaf"
kill -TERM "$(cat listener.pid)"
ended listener 143
silent listener

for who in alice bob carol; do
	recorded mdns.frames $who || fail "nobody looked for $who"
	! recorded other.frames $who || fail "the name $who was on the wire"
done
for frames in mdns.frames other.frames; do
	for text in henhouse $room garden both; do
		! recorded $frames "$text" || fail "'$text' was on the wire"
	done
done

# An author's log has an id, which everybody in the room knows: 32 bytes, and
# written with @ as hexadecimal digits.
sed -n 's/^{"type":"message","author":"@\([0-9a-f]*\)".*/\1/p' carol.out |
	sort -u > authors.log
[ "$(lines authors.log '')" -eq 3 ] || fail "there are not three authors"
"$python" - mdns.frames other.frames <<'END' ||
import sys
frames = b"".join(open(name, "rb").read() for name in sys.argv[1:])
for line in open("authors.log"):
    author = bytes.fromhex(line)
    if author[:8] in frames or author[:8].hex().encode() in frames:
        sys.exit(1)
END
	fail "an author's id was on the wire"
# The same as another program hears and understands it.
if command -v tshark > /dev/null; then
	wait_until 60 recorded frames.pcap 'in plain words' ||
		fail "tshark is deaf"
	kill -INT "$(cat tshark.pid)"
	ended tshark 0
	filter=_ws.malformed
	for text in henhouse $room garden both; do
		filter="$filter || frame contains \"$text\""
	done
	for who in alice bob carol; do
		filter="$filter || (!mdns && frame contains \"$who\")"
	done
	tshark -r frames.pcap -Y "$filter" > seen.log 2> /dev/null ||
		fail "tshark can not read what it wrote"
	[ ! -s seen.log ] || fail "tshark saw what it should not"
	echo "tshark: no text, no name, nothing malformed"
fi
size=$(wc -c < other.frames)
[ "$size" -gt 5000 ] || fail "only $size bytes were recorded"
echo "$size bytes of frames, nothing to read in them"
