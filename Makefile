# SPDX-License-Identifier: GPL-2.0-only
# The front door: every target calls one thing.

export KERNEL  ?= 7.3
export KDIR    ?=
export JOBS    ?= $(shell nproc)
export ACCEL   ?= auto
export CACHE   ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/bpf-rust
export FLAVOUR ?= base

.PHONY: help setup kernel tools run shell check test test-debug test-kcsan test-upstream corpus bench fuzz series series-check apply clean distclean

help: ## this text
	@scripts/help

setup: ## the build root (compilers, Rust, QEMU) and the kernel source, in CACHE
	@scripts/setup

kernel: ## build the patched kernel
	@scripts/kernel

tools: ## build bpfkit, a static executable, as out/bpfkit
	@scripts/tools

run: ## set up what is missing, boot, and show the main job
	@scripts/run

shell: ## a shell in the same guest, with the tools in it
	@scripts/run --shell

check: ## what needs neither a kernel nor a guest: format, lints, tests of the crates
	@scripts/test --quick

test: ## everything that must pass
	@scripts/test

test-debug: ## the guests of it, and upstream's tests, with lockdep, KASAN, UBSAN, kmemleak, failing allocations
	@FLAVOUR=debug scripts/test

test-kcsan: ## the tests that do many things at once, with KCSAN
	@FLAVOUR=kcsan scripts/test

test-upstream: ## BPF selftests of the kernel itself, with C and with Rust
	@FLAVOUR=upstream scripts/test

corpus: ## compare splitbtf with libbpf on the kernels of the distribution
	@scripts/corpus compare

bench: ## measure splitbtf against libbpf and, in guests, Rust against C; writes BENCHMARKS.md
	@scripts/bench

fuzz: ## run the fuzz targets of splitbtf, each for T seconds (T=60)
	@scripts/fuzz "$(or $(T),60)"

series: ## write the patches for git am, with a cover letter, into out/series
	@scripts/series

series-check: ## build each step of the series with BPF_RUST and without, and have checkpatch look at it
	@scripts/series-check

apply: ## put the new files and the patches onto the kernel tree KDIR
	@scripts/apply "$(KDIR)"

clean: ## remove what was built in this checkout
	@rm -rf out

distclean: clean ## and the cache, for all checkouts
	@scripts/distclean
