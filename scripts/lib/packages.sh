# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# What the build root is made of. A change here makes a new one.

SUITE=trixie
PACKAGES=(
	ca-certificates git rsync cpio xz-utils zstd bc bison flex kmod perl python3 make binutils
	gcc libc6-dev clang-19 lld-19 llvm-19 clang lld llvm bindgen pahole pkgconf shellcheck
	libelf-dev libdw-dev libssl-dev zlib1g-dev libzstd-dev libcap-dev busybox-static
	iproute2 keyutils openssl
	g++ gcc-s390x-linux-gnu libc6-dev-s390x-cross qemu-user
	python3-sphinx python3-yaml debianutils mandoc
	# The compilers at both ends of what the C of 'btf dump' is compiled with.
	clang-17 clang-21
	# The report of 'btf check' is read in a browser, and JSON compared with its schema.
	chromium chromium-driver python3-selenium python3-jsonschema
)
BACKPORTS=(rustc rust-src rustfmt rust-clippy cargo bpftool qemu-system-x86)
