#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: who never reads takes no memory, and nobody waits for him.
#
# Abuse 35: alice has 100 MB of history.  Carol fetches all of it; then three
# come who have a key, want all of it, and read nothing: 300 MB wait for them.
# Bob comes and fetches the same as carol, while alice and carol talk; alice's
# memory does not grow.  The two times are told, not judged.  With LONG=yes it
# is waited, too, until alice has closed the deaf (abuse 24): 90 s.
. "$(dirname "$0")/lib.sh"

need_proc
need_player evil
port=55204 # alice's

# memory FIELD: alice's, in KiB.
memory() {
	sed -n "s/^$1:[^0-9]*\([0-9]*\) kB/\1/p" "proc/$(cat alice.pid)/status"
}

# stuck: bytes wait for three who do not take them.
stuck() {
	[ "$(ss -tnH state established "sport = :$port" |
		awk '$2 > 10000' | grep -c '')" -eq 3 ]
}

# fetch WHO PORT: he comes, and has everything when he has what alice says now:
# a log has no gaps.  How long that took is in $took.
fetch() {
	began=$(date +%s)
	# shellcheck disable=SC2016 # for the inner shell
	start "$1" sh -c 'exec "$0" "$@" > /dev/null' \
		"$chat" -q --no-mdns -p "$2" "$1" 127.0.0.1:$port
	wait_for alice.out "\"up\",\"name\":\"$1\""
	reaches "$1" "are you there, $1?"
	took=$(($(date +%s) - began))
}

# reaches WHO TEXT: alice says it, and it is on his disk.
reaches() {
	say alice "$2"
	wait_for alice.out "\"text\":\"$2\""
	seq=$(sed -n "s/.*\"seq\":\([0-9]*\),.*\"text\":\"$2\".*/\1/p" alice.out)
	id=$(sed -n "s/.*\"up\",\"name\":\"$1\",\"author\":\"\([^\"]*\).*/\1/p" \
		alice.out)
	wait_for alice.out "\"delivered\",\"seq\":$seq,\"by\":\"$id\"" 200
}

awk 'BEGIN {
	text = sprintf("%4095s", "")
	gsub(" ", "x", text)
	for (i = 0; i < 25600; i++)
		print text
}' > lines
status=0
"$chat" -q --no-mdns --exit-on-eof --timeout 1 alice < lines > /dev/null \
	2> first.err || status=$?
if [ "$status" -ne 1 ] || ! has first.err '^error> not delivered'; then
	fail "alice could not say 100 MB"
fi
rm lines

start alice "$chat" -q -n 0 --json --no-mdns -p $port alice
fetch carol 4003
alone=$took
before=$(memory VmRSS)
for number in 101 102 103; do
	start deaf$number "$player" $port $number deaf
	wait_for deaf$number.out there
	wait_for alice.out "\"up\",\"name\":\"evil-$number\""
done
wait_until 60 stuck || fail "the three are not deaf"
fetch bob 4002
for i in 1 2 3 4 5; do
	say carol "carol $i"
	wait_for alice.out "\"text\":\"carol $i\""
	reaches carol "alice $i"
	reaches bob "and to bob $i"
done
[ "$(lines alice.out '"event":"down"')" -eq 0 ] || fail "somebody is gone"
wait_until 60 stuck || fail "the three are not deaf any more"
most=$(memory VmHWM)
[ $((most - before)) -le 16384 ] ||
	fail "alice's memory grew from $before to $most KiB"

for number in 101 102 103; do
	if [ "${LONG:-}" = yes ]; then
		wait_for deaf$number.out '^[0-9]' 120
		ended deaf$number 0
	else
		kill -TERM "$(cat deaf$number.pid)"
		ended deaf$number 143
	fi
	silent deaf$number
	wait_for alice.out "\"down\",\"name\":\"evil-$number\""
done
reaches carol 'they are gone'
leave alice
leave bob
leave carol
silent alice bob carol
echo "100 MB in $alone s, beside three deaf in $took s;" \
	"memory from $before to at most $most KiB"
