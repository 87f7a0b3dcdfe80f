// SPDX-License-Identifier: GPL-2.0
/* Like opaque_ops.bpf.c, but reads what its argument points to. */
#include "common.h"

struct opaque_ops {
	int (*weigh)(struct inet6_protocol *protocol);
	int (*count)(int number);
};

SEC("struct_ops/weigh")
int BPF_PROG(weigh, long *protocol)
{
	return *protocol;
}

SEC(".struct_ops")
struct opaque_ops reader = {
	.weigh = (void *)weigh,
};
