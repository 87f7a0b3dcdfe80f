// SPDX-License-Identifier: GPL-2.0
/* Like fentry.bpf.c, with a module that also has types of another kernel. */
#include "common.h"

int pid;
char comm[TASK_COMM_LEN];
bool is_user;

SEC("fentry/vendor_open")
int BPF_PROG(open, struct task_struct *task)
{
	pid = task->pid;
	bpf_probe_read_kernel_str(comm, sizeof(comm), task->comm);
	is_user = bpf_task_pt_regs(task);
	return 0;
}
