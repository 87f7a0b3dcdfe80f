// SPDX-License-Identifier: GPL-2.0
/*
 * Like a vendor's driver: has a few types that differ in the other kernel, and a
 * function that a BPF program attaches to. Writing to the parameter "call" calls it.
 */
#include <linux/btf.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <net/firewire.h>
#include <net/protocol.h>

struct vendor_file {
	struct inode *inode;
	const struct inet6_protocol *protocol;
	union fwnet_hwaddr *address;
	struct task_struct *opener;
};

__bpf_hook_start();

noinline int vendor_open(struct task_struct *task, struct vendor_file *file)
{
	/* The compiler removes calls without an effect. */
	barrier();
	/* Read neither: they differ from the types that this module was built for. */
	return task ? !!file : -EINVAL;
}

__bpf_hook_end();

static int call_set(const char *value, const struct kernel_param *param)
{
	vendor_open(current, NULL);
	return 0;
}

static const struct kernel_param_ops call_ops = {
	.set = call_set,
};
module_param_cb(call, &call_ops, NULL, 0200);

MODULE_DESCRIPTION("Test of BTF: a driver with types of another kernel");
MODULE_LICENSE("GPL");
