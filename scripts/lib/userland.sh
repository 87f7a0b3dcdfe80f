# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# Sourced by what runs cargo in the build root: the copy of the sources that it works on.

set -euo pipefail

# cargo goes by the times of files, and its target folders are shared by all checkouts: work on a copy
# in which a file's time changes with its content. All of it, as cargo reads the whole workspace.
USERLAND=/cache/userland/src
mkdir -p $USERLAND
rsync -rpcR --delete --exclude=target Cargo.toml Cargo.lock tools rust/splitbtf-core selftests/malformed \
	$USERLAND/
export CARGO_TERM_COLOR=never
# Static libelf and zlib for libbpf. Debian's libelf.a needs libzstd and some functions of elfutils' own that
# are in no library: make one that is complete.
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
