/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The switch between the C and the Rust implementation of the parts of the BPF
 * subsystem that have both.
 */
#ifndef _BPF_RUST_SWITCH_H
#define _BPF_RUST_SWITCH_H

#include <linux/types.h>

#ifdef CONFIG_BPF_RUST
extern bool bpf_rust;

/* Does the Rust code run? The command line decides once, at boot. */
static inline bool bpf_rust_enabled(void)
{
	return bpf_rust;
}
#else
static inline bool bpf_rust_enabled(void)
{
	return false;
}
#endif

#endif /* _BPF_RUST_SWITCH_H */
