# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced by what builds a kernel in the build root, from within its slot in the cache.

export KBUILD_BUILD_USER=bpf-rust KBUILD_BUILD_HOST=localhost KBUILD_BUILD_TIMESTAMP=1970-01-01

# Clippy compiles as rustc does, and with CONFIG_WERROR what it finds fails the build.
kmake() {
	make -C src O="$PWD/${obj:-obj}" LLVM=1 CLIPPY=1 -j"$JOBS" "$@"
}

# Brings src to what stage says; files that stage no longer has go back to what they were.
sync_tree() {
	local pristine=/cache/source/$KERNEL/tree file

	(cd stage && find . -type f | sort) >manifest.new
	touch manifest
	comm -23 manifest manifest.new | while read -r file; do
		rm -f "src/$file"
		[ ! -e "$pristine/$file" ] || cp "$pristine/$file" "src/$file"
	done
	# Both, until the copy is complete: an interrupted one is then finished by the next.
	sort -u manifest manifest.new >manifest.both
	mv manifest.both manifest
	rsync -rpc stage/ src/
	mv manifest.new manifest
}
