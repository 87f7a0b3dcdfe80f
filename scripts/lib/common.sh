# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced by the other scripts: settings, messages, steps, locks, the build root.

set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
: "${KERNEL:=7.3}"
: "${JOBS:=$(nproc)}"
: "${ACCEL:=auto}"
: "${FLAVOUR:=base}"
: "${CACHE:=${XDG_CACHE_HOME:-$HOME/.cache}/bpf-rust}"
# A second kernel with different types; modules built for FLAVOUR are loaded on it.
case $FLAVOUR in
base) OTHER=other ;;
other*) OTHER=$FLAVOUR ;;
*) OTHER=other-$FLAVOUR ;;
esac
OUT=$TOP/out
LOGS=$OUT/logs
# The paths of the checkout and of the cache in the build root.
IN_TOP=/bpf-rust
IN_CACHE=/cache
export TOP KERNEL JOBS ACCEL FLAVOUR OTHER CACHE

mkdir -p "$CACHE" "$LOGS"
CACHE=$(cd "$CACHE" && pwd)

say() { printf '%s\n' "$*" >&2; }

die() {
	say "${0##*/}: $*"
	exit 1
}

# supported MAJOR MINOR: succeeds if the patches support this version of the kernel.
supported() { (($1 > 7 || ($1 == 7 && $2 >= 3))); }

# Runs git in this checkout, even if another user owns it.
git_here() { git -C "$TOP" -c safe.directory="$TOP" "$@"; }

# step NAME COMMAND...: runs the command with its output in a log, and prints the name and the time it
# took. On failure it also prints the end of the log and its path.
step() {
	local what=$1 log start=$SECONDS status=0
	shift
	log=$LOGS/$(tr -cs 'a-zA-Z0-9.' - <<<"$what" | sed 's/-*$//').log
	[ ! -t 2 ] || printf '... %s\r' "$what" >&2
	# A subshell lets set -e work in functions as well; a process group of its own lets an interrupt
	# end all of it.
	set -m
	(
		set -e
		"$@"
	) >"$log" 2>&1 </dev/null &
	local pid=$!
	set +m
	# shellcheck disable=SC2064 # now, not then
	trap "kill -KILL -- -$pid 2>/dev/null; exit 130" INT TERM
	while ! wait_a_while "$pid"; do
		say "    $what: $((SECONDS - start)) s, $(tail -n 1 "$log" | tr -d '\r' | cut -c 1-60)"
	done
	wait "$pid" || status=$?
	trap - INT TERM
	if [ "$status" -ne 0 ]; then
		say "FAILED $what, after $((SECONDS - start)) s. The end of its log:"
		tail -n 40 "$log" | sed 's/^/    /' >&2
		say "The whole log: $log"
		return "$status"
	fi
	say " ok $what ($((SECONDS - start)) s)"
}

# Waits for a process for up to a minute; fails if it still runs then.
wait_a_while() {
	local i
	for ((i = 0; i < 600; i++)); do
		kill -0 "$1" 2>/dev/null || return 0
		sleep 0.1
	done
	return 1
}

# locked NAME COMMAND...: runs the command while it holds the lock NAME of this cache. A subshell, so that the
# end of it frees the lock and the command's status is the last.
locked() (
	name=$1
	shift
	mkdir -p "$CACHE/locks"
	exec {fd}>"$CACHE/locks/$name"
	if ! flock -n "$fd"; then
		say "    waiting for another run that uses $CACHE/$name"
		flock "$fd"
	fi
	"$@"
)

# Prints the build root of this checkout. Its name depends on the list of packages.
root_dir() {
	echo "$CACHE/root-$(sha256sum "$TOP/scripts/lib/packages.sh" | cut -c 1-16)"
}

# in_root COMMAND...: runs the command in the build root, in mount and pid namespaces of its own.
in_root() {
	"$TOP/scripts/in-root" "$@"
}

# Removes files that may belong to ids of a user namespace.
remove() {
	[ -e "$1" ] || return 0
	if [ "$(id -u)" -eq 0 ]; then
		rm -rf "$1"
	else
		unshare --user --map-root-user --map-auto rm -rf "$1"
	fi
}

# prepare_slot NAME: creates a folder in the cache to build in, with a copy of the kernel source as src.
prepare_slot() {
	local slot=$CACHE/$1 source=$CACHE/source/$KERNEL
	if [ "$(cat "$slot/version" 2>/dev/null)" != "$(cat "$source/version")" ]; then
		rm -rf "${slot:?}"
		mkdir -p "$slot"
		cp -a --reflink=auto "$source/tree" "$slot/src"
		cp "$source/version" "$slot/version"
	fi
}
