// SPDX-License-Identifier: GPL-2.0
/*
 * What a vendor may have: a driver with a few types that are not as in the other
 * kernel, and a function that a BPF program attaches to. Writing to the parameter
 * "call" calls it.
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
	/* What has no effect is not called. */
	barrier();
	/* Neither is looked into: they are not as this module has been built for. */
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
