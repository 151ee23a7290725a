#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: ten hosts, a wall, a cable and a power cut later, one history.
#
# Ten find one another, and everybody hears everybody.  Then a wall stands
# between two of them: what they say reaches each other all the same.  The tenth
# loses his cable, everybody talks, and he gets it back.  The ninth loses its
# power with the cable out, so that nobody hears of it (abuse 39); it comes back
# and is linked with all again.  The wall falls.  At the end all ten print the
# same history, byte by byte, with everything in it once.
# shellcheck disable=SC2034 # lib.sh reads it
hosts=10
. "$(dirname "$0")/lib.sh"

everybody='alice bob carol dora emil frida gustav hanna ivan julia'

# host WHO: where.
host() {
	echo "$everybody" | tr ' ' '\n' | sed -n "/^$1\$/=" | sed 's/^/h/'
}

# says WHO TEXT: it will have to be in all histories.
says() {
	say "$1" "$2"
	echo "$1> $2" >> said
}

# all_heard WHAT: everybody has everything that was said since the last time.
before=0
all_heard() {
	tail -n +$((before + 1)) said > news
	for who in $everybody; do
		while read -r line; do
			wait_for "$who.out" "\"text\":\"${line#*> }\""
		done < news
	done
	before=$(lines said '')
	echo "$1: good"
}

# linked WHO TIMES: with all others, for so many times.
linked() {
	for other in $everybody; do
		[ "$1" = "$other" ] ||
			[ "$(lines "$1.out" "\"up\",\"name\":\"$other\"")" -ge \
				"$2" ] || return 1
	done
}

for who in $everybody; do
	start "$who" on "$(host "$who")" "$chat" -q --json "$who"
done
for who in $everybody; do
	wait_until 60 linked "$who" 1 || fail "$who does not find everybody"
	says "$who" "I am $who"
done
all_heard 'ten hosts, a full mesh'

wall h2 h3
for i in 1 2 3; do
	says bob "carol, do you hear me? $i"
	says carol "bob, do you hear me? $i"
done
all_heard 'round the wall'

pull h10
for who in $everybody; do
	says "$who" "$who, while julia is away"
	wait_for "$who.out" "\"text\":\"$who, while julia is away\""
	[ "$who" = julia ] ||
		wait_for alice.out "\"text\":\"$who, while julia is away\""
done
for who in $everybody; do
	[ "$who" = julia ] || ! has "$who.out" 'julia, while julia is away' ||
		fail "julia's cable is not out"
	[ "$who" = julia ] || ! has julia.out "$who, while julia is away" ||
		fail "julia's cable is not out"
done
plug h10
all_heard 'a cable out and in again'



pull h9
crash ivan
power h9
start ivan on h9 "$chat" -q --json ivan
wait_until 60 linked ivan 1 || fail "ivan does not find everybody again"
for who in $everybody; do
	says "$who" "$who, after the power cut"
done
all_heard 'power lost and given back'

mend h2 h3
for who in $everybody; do
	says "$who" "goodbye from $who"
done
all_heard 'a wall less'
for who in $everybody; do
	leave "$who"
	silent "$who"
done

sort said > expected
for who in $everybody; do
	"$chat" --log "$who" > "$who.all" 2> "$who.err" || fail "--log of $who"
	silent "$who"
	cmp "$who.all" alice.all || fail "$who and alice differ"
done
sort alice.all > texts.log
cmp expected texts.log || fail "not what was said, each once"
echo "ten times the same $(lines said '') lines"
