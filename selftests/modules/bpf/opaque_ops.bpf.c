// SPDX-License-Identifier: GPL-2.0
/* Implements a struct_ops of a module, one of whose functions gets an opaque type. */
#include "common.h"

struct opaque_ops {
	int (*weigh)(struct inet6_protocol *protocol);
	int (*count)(int number);
};

SEC("struct_ops/weigh")
int BPF_PROG(weigh, struct inet6_protocol *protocol)
{
	return !protocol;
}

SEC("struct_ops/count")
int BPF_PROG(count, int number)
{
	return number;
}

SEC(".struct_ops")
struct opaque_ops counter = {
	.weigh = (void *)weigh,
	.count = (void *)count,
};
