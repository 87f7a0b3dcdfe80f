# SPDX-License-Identifier: GPL-2.0-only
# Each target calls one script.

export KERNEL  ?= 7.3
export KDIR    ?=
export JOBS    ?= $(shell nproc)
export ACCEL   ?= auto
export CACHE   ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/bpf-rust
export FLAVOUR ?= base

.PHONY: help setup kernel tools run shell check test test-debug test-kcsan test-upstream corpus bench fuzz mutants series series-check apply clean distclean

##@ Start here

help: ## show this text
	@scripts/help

run: ## set up what is missing, boot a guest, and show the demo
	@scripts/run

shell: ## run a shell in the same guest, with the tools
	@scripts/run --shell

##@ Build

setup: ## create the build root (compilers, Rust, QEMU) and get the kernel source, in CACHE
	@scripts/setup

kernel: ## build the patched kernel
	@scripts/build/kernel

tools: ## build bpfkit, a static executable, as out/bpfkit
	@scripts/build/tools

##@ Test

check: ## run the checks that need neither a kernel nor a guest: format, lints, tests of the crates
	@scripts/check/test --quick

test: ## run all tests that must pass
	@scripts/check/test

test-debug: ## run the tests in guests, and upstream's, with lockdep, KASAN, UBSAN, kmemleak, failing allocations
	@FLAVOUR=debug scripts/check/test

test-kcsan: ## run the tests with concurrency, with KCSAN
	@FLAVOUR=kcsan scripts/check/test

test-upstream: ## run the kernel's own BPF selftests, with C and with Rust
	@FLAVOUR=upstream scripts/check/test

corpus: ## compare the results of splitbtf and libbpf on Debian's kernels
	@scripts/measure/corpus compare

fuzz: ## run the fuzz targets of splitbtf, each for T seconds (T=60)
	@scripts/check/fuzz "$(or $(T),60)"

mutants: ## change the crates one place at a time, and list the changes that no test notices (hours)
	@scripts/check/mutants

##@ Measure

bench: ## compare the speed of splitbtf and libbpf and, in guests, of Rust and C; write BENCHMARKS.md
	@scripts/measure/bench

##@ Send

series: ## write the two patch series, with cover letters, into out/series
	@scripts/series/write

series-check: ## build each step of the series with BPF_RUST and without, and run checkpatch on it
	@scripts/series/check

apply: ## add the new files and the patches to the kernel tree KDIR
	@scripts/apply "$(KDIR)"

##@ Clean

clean: ## remove the build output of this checkout
	@rm -rf out

distclean: clean ## remove the cache of all checkouts as well
	@scripts/distclean
