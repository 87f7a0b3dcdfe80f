// SPDX-License-Identifier: GPL-2.0
/* Reads fields of a struct of vmlinux that a function of a module gets. */
#include "common.h"

int pid;
int number;
char comm[TASK_COMM_LEN];
bool is_user;

SEC("fentry/features_hook")
int BPF_PROG(hook, struct task_struct *task, int n)
{
	pid = task->pid;
	number = n;
	bpf_probe_read_kernel_str(comm, sizeof(comm), task->comm);
	/* Accepts only vmlinux's own struct task_struct. */
	is_user = bpf_task_pt_regs(task);
	return 0;
}
