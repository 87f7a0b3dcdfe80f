# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced by the scripts that build a kernel in the build root. They run in the kernel's slot of the cache.

export KBUILD_BUILD_USER=bpf-rust KBUILD_BUILD_HOST=localhost KBUILD_BUILD_TIMESTAMP=1970-01-01

# Clippy compiles as rustc does; with CONFIG_WERROR its warnings fail the build.
kmake() {
	make -C src O="$PWD/${obj:-obj}" LLVM=1 CLIPPY=1 -j"$JOBS" "$@"
}

# Updates src to the files in stage. Files that are no longer in stage get their old content back.
sync_tree() {
	local pristine=/cache/source/$KERNEL/tree file

	(cd stage && find . -type f | sort) >manifest.new
	touch manifest
	comm -23 manifest manifest.new | while read -r file; do
		rm -f "src/$file"
		[ ! -e "$pristine/$file" ] || cp "$pristine/$file" "src/$file"
	done
	# List both until the copy is complete, so that the next run can finish an interrupted one.
	sort -u manifest manifest.new >manifest.both
	mv manifest.both manifest
	rsync -rpc stage/ src/
	mv manifest.new manifest
}
