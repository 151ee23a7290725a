#!/bin/sh
# SPDX-License-Identifier: ISC
# Goal: two terminals, `chat alice bob` and `chat bob alice`, and a hello.
#
# The terminals are tmux's, so what is looked at is what a person would see:
# the screen.  Also: a message that arrives does not tear the line that is
# being typed, control bytes from outside never reach the terminal, and at the
# end the terminal is as it was before.
. "$(dirname "$0")/lib.sh"

command -v tmux > /dev/null || skip "tmux is missing: tests/setup"
unset TMUX
export LC_ALL=C.UTF-8

tmux() {
	command tmux -u -f /dev/null -S "$work/tmux" "$@"
}

# terminal WHO: a shell on a new terminal of 80 x 24; WHO.raw gets all that is
# written to it.
terminal() {
	tmux new-session -d -s "$1" -x 80 -y 24 "PS1='shell$ ' exec sh"
	tmux pipe-pane -t "$1" "exec cat > $1.raw"
	shows "$1" '^shell\$'
}

# type_in WHO TEXT, and press WHO KEY: as a person would.
type_in() {
	tmux send-keys -t "$1" -l "$2"
}

press() {
	tmux send-keys -t "$1" "$2"
}

on_screen() {
	tmux capture-pane -p -t "$1" > "$1.screen.log"
	has "$1.screen.log" "$2"
}

# shows WHO PATTERN: it comes up on WHO's screen.
shows() {
	wait_until 60 on_screen "$1" "$2" ||
		fail "no line like '$2' on the screen of $1"
}

terminal alice
terminal bob
type_in alice "$chat -q alice bob"
press alice Enter
shows alice '^alice>'
type_in bob "$chat -q bob alice"
press bob Enter
shows bob '^bob>'

type_in alice hello
press alice Enter
shows bob '^alice> hello$'
shows bob '^bob>$'

# Bob is in the middle of a line, with a correction, when something arrives.
type_in bob 'hello yourselg'
press bob BSpace
type_in bob 'f, al'
shows bob '^bob> hello yourself, al$'
type_in alice 'are you there?'
press alice Enter
shows bob '^alice> are you there?$'
shows bob '^bob> hello yourself, al$'
type_in bob ice
press bob Enter
shows alice '^bob> hello yourself, alice$'
shows bob '^bob>$'
[ "$(lines bob.screen.log 'hello yourself')" -eq 1 ] ||
	fail "bob's own line is not there exactly once"

# What another process says as bob is shown there, above what is typed.
type_in bob 'half a li'
"$chat" -q --send 'from elsewhere' bob || fail '--send beside bob'
shows alice '^bob> from elsewhere$'
shows bob '^bob> from elsewhere$'
shows bob '^bob> half a li$'
[ "$(lines bob.screen.log 'from elsewhere')" -eq 1 ] ||
	fail 'it is not there exactly once'
press bob C-u

# Mallory has bytes for terminals: clear, colour, title, bell, cursor, C1.
start mallory "$chat" -q mallory alice bob
before=$(wc -c < bob.raw)
printf 'one \033[2J\033[31mtwo \033]0;title\007 \b\b\b\rthree \302\233m four\n' \
	> mallory.in
shows alice 'one .*two .*three .*four'
shows bob 'one .*two .*three .*four'
shows bob '^bob>$'
wait_for bob.raw four
tail -c "+$((before + 1))" bob.raw > bob.after
for bytes in '\033[2J' '\033[31m' '\033]' '\007' '\010' '\302\233'; do
	# shellcheck disable=SC2059 # it is a format
	! LC_ALL=C grep -q -F -e "$(printf "$bytes")" bob.after ||
		fail "bytes of a message reached the terminal: $bytes"
done
leave mallory
[ "$(tr -d '\n' < mallory.out | LC_ALL=C tr -d '\200-\377' |
	tr -cd '[:cntrl:]' | wc -c)" -eq 0 ] ||
	fail "control bytes in mallory's own output"
silent mallory

# Ctrl-D on an empty line and Ctrl-C leave; the shell has its terminal back.
press alice C-d
shows alice '^shell\$'
press bob C-c
shows bob '^shell\$'
for who in alice bob; do
	type_in $who "stty -a | grep -o -w -e '-*icanon' -e '-*echo'"
	press $who Enter
	shows $who '^icanon$'
	shows $who '^echo$'
	type_in $who 'echo it is "$?"'
	press $who Enter
	shows $who '^it is 0$'
done
