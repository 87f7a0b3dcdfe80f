/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A module that does nothing: what counts is which types of the kernel its own
 * types refer to.
 */
#ifndef BPF_RUST_CASE_H
#define BPF_RUST_CASE_H

#include <linux/btf.h>
#include <linux/module.h>

/* A function that has its type, and with it that of its argument, in BTF. */
#define CASE(type)					\
	__bpf_hook_start();				\
	noinline bool case_##type(struct type *arg)	\
	{						\
		return arg;				\
	}						\
	__bpf_hook_end();				\
	MODULE_DESCRIPTION("Test of BTF: " #type);	\
	MODULE_LICENSE("GPL")

#endif /* BPF_RUST_CASE_H */
