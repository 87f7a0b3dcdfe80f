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
# Debian's static libelf and zlib, for libbpf.
LIBBPF_SYS_LIBRARY_PATH=/usr/lib/$(gcc -print-multiarch)
export LIBBPF_SYS_LIBRARY_PATH
