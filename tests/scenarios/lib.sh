# SPDX-License-Identifier: ISC
# shellcheck shell=sh
# lib.sh: what the scenarios share.  A scenario begins with
#
#	. "$(dirname "$0")/lib.sh"
#
# and from there on it is alone on a network of its own, in an empty directory,
# and every process that it starts ends with it.  What it mounts nobody else
# sees; in $own_mount it says where in its directory.  With `hosts=2` before that
# line it has the hosts of tests/lan instead, with `on`, `pull` and the others.
#
# Nothing here takes a nap and hopes: conditions are waited for, up to a bound
# that is far beyond what the slowest machine needs.
#
# The program tested is $CHAT, or ./chat at the top.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
chat=${CHAT:-$root/chat}

# For something that this machine lacks: neither passed nor failed.
skip() {
	echo "skip: $*"
	exit 77
}

if [ "${SCENARIO_INSIDE:-}" != yes ]; then
	[ -x "$chat" ] || { echo "there is no $chat: make builds it"; exit 1; }
	command -v unshare ip > /dev/null ||
		skip "iproute2 or util-linux is missing: tests/setup"
	unshare --map-root-user --net --mount --pid --fork true 2> /dev/null ||
		skip "this system does not let us make network namespaces"
	export SCENARIO_INSIDE=yes
	if [ "${hosts:-0}" -gt 0 ]; then
		exec "$root/tests/lan" "$hosts" sh "$0" "$@"
	fi
	exec unshare --map-root-user --net --mount --pid --fork --kill-child \
		sh "$0" "$@"
fi
unset SCENARIO_INSIDE LAN_INSIDE

work=$(mktemp -d "${TMPDIR:-/tmp}/chat-scenario.XXXXXX")
trap 'finish $?' EXIT
trap 'why="stopped, or out of time"; exit 1' HUP INT TERM
cd "$work"
umask 077
if [ "${hosts:-0}" -eq 0 ]; then
	ip link set lo up multicast on
fi

# The end.  After a failure, with what everybody wrote.
finish() {
	trap '' HUP INT TERM
	if [ "$1" -ne 0 ] && [ "$1" -ne 77 ]; then
		echo "failed: ${why:-status $1 of a command}"
		for file in *.out *.err *.log; do
			[ -s "$file" ] || continue
			echo "--- $file"
			tail -n 20 "$file" | cut -c 1-300 | cat -v
		done
	fi
	cd /
	[ -z "${own_mount:-}" ] || umount -l "$work/$own_mount"
	rm -rf "$work"
}

fail() {
	why=$*
	exit 1
}

# wait_until SECONDS COMMAND...: until COMMAND succeeds; false after SECONDS.
wait_until() {
	tries=$(($1 * 20))
	shift
	until "$@"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.05
	done
}

# has FILE PATTERN: a basic regular expression, as grep has it.
has() {
	grep -q -e "$2" -- "$1" 2> /dev/null
}

# wait_for FILE PATTERN [SECONDS]
wait_for() {
	wait_until "${3:-60}" has "$1" "$2" ||
		fail "no line like '$2' came up in $1"
}

# lines FILE PATTERN: how many.
lines() {
	grep -c -e "$2" -- "$1" 2> /dev/null || true
}

# start WHO COMMAND...: in the background, with WHO.in (a pipe that does not
# end), WHO.out and WHO.err.  Those of an earlier WHO are overwritten.
start() {
	who=$1
	shift
	[ -p "$who.in" ] || mkfifo "$who.in"
	: > "$who.out" # what it said before is not waited for
	: > "$who.err"
	"$@" 0<> "$who.in" > "$who.out" 2> "$who.err" &
	echo $! > "$who.pid"
}

# say WHO TEXT: one line for WHO's standard input.
say() {
	# shellcheck disable=SC2016 # for the inner shell
	timeout 60 sh -c 'printf "%s\n" "$2" > "$1.in"' say "$1" "$2" ||
		fail "$1 does not listen"
}

# ended WHO STATUS: WHO ends by itself, or was made to, with this status.
ended() {
	status=0
	wait "$(cat "$1.pid")" 2> /dev/null || status=$?
	[ "$status" -eq "$2" ] || fail "$1 ended with $status, not $2"
}

# leave WHO: as by Ctrl-C; that is a good end.
leave() {
	kill -TERM "$(cat "$1.pid")" || fail "$1 was not there any more"
	ended "$1" 0
}

# crash WHO: no time for last words.
crash() {
	kill -KILL "$(cat "$1.pid")" || fail "$1 was not there any more"
	ended "$1" 137
}

# silent WHO...: nothing was written to standard error.
silent() {
	for who in "$@"; do
		[ ! -s "$who.err" ] || fail "$who wrote to standard error"
	done
}

# need_python: for `stranger`, which runs caller.py, and for "$python" "$callers".
need_python() {
	python=$(command -v /usr/bin/python3 || command -v python3) ||
		skip "python3 is missing: tests/setup"
	callers=$root/tests/scenarios/caller.py
}

# stranger WHAT ARGUMENT...
stranger() {
	timeout 60 "$python" "$callers" "$@"
}

# need_proc: what the kernel knows of our processes is in proc/, by the numbers
# that they have here; /proc has them by others.
need_proc() {
	mkdir proc
	mount -t proc none proc || skip "this system does not let us mount /proc"
	own_mount=proc
}

# need_player NAME: $player is a program of this folder.
need_player() {
	player=$root/build/tests/scenarios/$1
	[ -x "$player" ] || fail "there is no $player: make scenarios builds it"
	# To look for leaks takes a /proc with our own numbers.
	export ASAN_OPTIONS=detect_leaks=0
}
