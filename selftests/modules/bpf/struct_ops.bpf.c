// SPDX-License-Identifier: GPL-2.0
/* Implements a struct_ops of a module whose function gets a struct of vmlinux. */
#include "common.h"

struct features_ops {
	int (*weigh)(struct task_struct *task);
};

SEC("struct_ops/weigh")
int BPF_PROG(weigh, struct task_struct *task)
{
	return task->pid;
}

SEC(".struct_ops")
struct features_ops weigher = {
	.weigh = (void *)weigh,
};
