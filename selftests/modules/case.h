/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A module that does nothing but refer, with its own types, to types of the kernel.
 */
#ifndef BPF_RUST_CASE_H
#define BPF_RUST_CASE_H

#include <linux/btf.h>
#include <linux/module.h>

/* A function, so that BTF has its type and the type of its argument. */
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
