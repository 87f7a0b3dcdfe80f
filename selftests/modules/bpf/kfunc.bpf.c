// SPDX-License-Identifier: GPL-2.0
/* Calls a kfunc of a module with a struct of vmlinux. */
#include "common.h"

extern bool features_is_current(struct task_struct *task) __ksym;

bool is_current;

SEC("fentry/features_hook")
int BPF_PROG(hook)
{
	is_current = features_is_current(bpf_get_current_task_btf());
	return 0;
}
