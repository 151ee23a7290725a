#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: without multicast, one reachable PEER is enough to find everybody, now
# and at the next start, when that one is gone.
#
# Ann names nobody, all others name ann alone; dora and emil come at the same
# moment, so that ann knows neither when the other one calls.  All get linked
# with all.  Ann's machine dies, and nobody misses a message.  Then all but ann
# start again without naming anybody, and know where the others were.
# shellcheck disable=SC2034 # lib.sh reads it
hosts=5
. "$(dirname "$0")/lib.sh"

# run HOST NAME [PEER]: a chat there.
run() {
	start "$2" on "$1" "$chat" --json -p 4000 "$2" ${3:+"$3"}
}

# linked NAME...: each of these has been linked with each of the others.
linked() {
	for who in "$@"; do
		for other in "$@"; do
			[ "$who" = "$other" ] ||
				wait_for "$who.out" "\"up\",\"name\":\"$other\""
		done
	done
}

# all_hear TEXT NAME...: the first of them says it, all of them get it.
all_hear() {
	text=$1
	shift
	say "$1" "$text"
	for who in "$@"; do
		wait_for "$who.out" "\"text\":\"$text\""
	done
}

for host in h1 h2 h3 h4 h5; do
	on "$host" ip link set eth0 multicast off
done
run h1 ann
wait_for ann.err 'no network interface with multicast is up'
run h2 ben 10.77.0.1:4000
wait_for ann.out '"up","name":"ben"'
run h3 cleo 10.77.0.1:4000
wait_for ann.out '"up","name":"cleo"'
run h4 dora 10.77.0.1:4000
run h5 emil 10.77.0.1:4000
linked ann ben cleo dora emil
for who in ann ben cleo dora emil; do
	all_hear "from $who" "$who" ann ben cleo dora emil
done
echo 'everybody is linked with everybody: good'

crash ann
pull h1
all_hear 'without ann' ben cleo dora emil
all_hear 'still without ann' emil ben cleo dora
echo 'nobody needs ann: good'

for who in ben cleo dora emil; do
	leave "$who"
	has "$who.db/addresses" '^at 10.77.0.1 4000 ' ||
		fail "$who does not remember where ann was"
done
run h2 ben
run h3 cleo
run h4 dora
run h5 emil
linked ben cleo dora emil
all_hear 'here again' dora ben cleo emil
echo 'they remember one another: good'

# A cut that heals: who was lost is dialled again, though nobody named him.
pull h5
wait_for emil.out '"down","name":"ben"' 150
wait_for ben.out '"down","name":"emil"' 150
plug h5
all_hear 'after the cut' emil ben cleo dora
all_hear 'after the cut, too' ben cleo dora emil
echo 'a cut heals: good'
for who in ben cleo dora emil; do
	leave "$who"
done
