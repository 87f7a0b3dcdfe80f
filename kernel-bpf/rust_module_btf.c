// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the Rust implementation of a module's BTF needs of C: the tracepoint, and
 * bpf_rust_btf_stubs=on|off on the kernel command line.
 */
#include <linux/bpf_rust.h>
#include <linux/moduleparam.h>

#define CREATE_TRACE_POINTS
#define CREATE_RUST_TRACE_POINTS
#include <trace/events/bpf_rust.h>

bool bpf_rust_btf_stubs = true;
core_param(bpf_rust_btf_stubs, bpf_rust_btf_stubs, bool, 0444);
