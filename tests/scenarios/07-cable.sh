#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: cables are pulled, power is lost, and all is well again soon after.
#
# Alice is on one host and bob on another; once bob's is the host that fails,
# once alice's (the original's rules depend on whose name sorts first).
# A cut: what was said meanwhile arrives when the cable is back.  Power lost
# with the cable out (abuse 39): the other side hears neither FIN nor RST, so its
# link is dead and it can not know; the victim comes back and both are linked at
# once, long before TCP would give up.
# shellcheck disable=SC2034 # lib.sh reads it
hosts=2
. "$(dirname "$0")/lib.sh"

run() {
	case $1 in
	alice) start alice on h1 "$chat" -q --json alice bob ;;
	bob) start bob on h2 "$chat" -q --json bob alice ;;
	esac
}

# heard WHO TEXT [SECONDS]
heard() {
	wait_for "$1.out" "\"text\":\"$2\"" "${3:-60}"
}

# failing VICTIM HOST WITNESS
failing() {
	rm -rf alice.db bob.db
	run alice
	run bob
	wait_for alice.out '"up","name":"bob"'
	wait_for bob.out '"up","name":"alice"'
	say "$1" "$1 before"
	heard "$3" "$1 before"

	pull "$2"
	say "$1" "$1 during the cut"
	say "$3" "$3 during the cut"
	heard "$1" "$1 during the cut"
	heard "$3" "$3 during the cut"
	[ "$(lines "$1.out" "$3 during the cut")" -eq 0 ] ||
		fail "the cable was not out"
	plug "$2"
	heard "$3" "$1 during the cut"
	heard "$1" "$3 during the cut"

	# 10 s: sooner than the keep-alive could find out (15 s and more).
	pull "$2"
	downs=$(lines "$3.out" '"down"')
	crash "$1"
	[ "$(lines "$3.out" '"down"')" -eq "$downs" ] ||
		fail "$3 knows already that $1 is gone"
	# The witness keeps silent: an answer to what it sends would tell it.  A
	# receipt that was under way may be sent again, and do just that.
	power "$2"
	run "$1"
	wait_for "$1.out" "\"up\",\"name\":\"$3\"" 10
	say "$3" "$3 after the power cut"
	say "$1" "$1 after the power cut"
	heard "$1" "$3 after the power cut"
	heard "$3" "$1 after the power cut"

	leave alice
	leave bob
	silent alice bob
	echo "$1 failed and came back: good"
}

failing bob h2 alice
failing alice h1 bob
