// SPDX-License-Identifier: GPL-2.0-only
/*
 * The C parts of the Rust implementation of a module's BTF: the tracepoint, the
 * rate limit of its messages, and bpf_rust_btf_opaque=on|off on the kernel
 * command line.
 */
#include <linux/cache.h>
#include <linux/moduleparam.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>

#include "rust_module_btf.h"

#define CREATE_TRACE_POINTS
#define CREATE_RUST_TRACE_POINTS
#include <trace/events/bpf_rust.h>

/* May a module refer to types that vmlinux does not have? */
bool bpf_rust_btf_opaque __ro_after_init = true;
core_param(bpf_rust_btf_opaque, bpf_rust_btf_opaque, bool, 0444);

static DEFINE_RATELIMIT_STATE(bpf_rust_btf_messages, DEFAULT_RATELIMIT_INTERVAL,
			      DEFAULT_RATELIMIT_BURST);

bool bpf_rust_btf_ratelimit(void)
{
	return __ratelimit(&bpf_rust_btf_messages);
}

/* Long loops over the types of a module call this. */
void bpf_rust_btf_pause(void)
{
	cond_resched();
}
