# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# Sourced by the scripts that run cargo in the build root: copies the sources for it.

set -euo pipefail

# cargo compares the times of files, and all checkouts share its target folders: work on a copy in which
# a file's time changes with its content. Copy everything, as cargo reads the whole workspace.
USERLAND=/cache/userland/src
mkdir -p $USERLAND
rsync -rpcR --delete --exclude=target Cargo.toml Cargo.lock tools rust/splitbtf-core selftests/malformed \
	$USERLAND/
export CARGO_TERM_COLOR=never
# Static libelf and zlib for libbpf. Debian's libelf.a needs libzstd, and some functions of elfutils that are
# in no library: make a complete one.
STATIC=/cache/userland/static
make_static_libraries() {
	local from
	from=/usr/lib/$(gcc -print-multiarch)
	[ ! $STATIC/libelf.a -nt tools/libelf/search.c ] || [ ! $STATIC/libelf.a -nt "$from/libelf.a" ] || return 0
	rm -rf $STATIC
	mkdir -p $STATIC
	cp "$from/libz.a" $STATIC/
	gcc -O2 -fPIC -Wall -Werror -c tools/libelf/search.c -o $STATIC/search.o
	printf '%s\n' "CREATE $STATIC/libelf.a" "ADDLIB $from/libelf.a" "ADDLIB $from/libzstd.a" \
		"ADDMOD $STATIC/search.o" SAVE END | ar -M
}
make_static_libraries
export LIBBPF_SYS_LIBRARY_PATH=$STATIC
