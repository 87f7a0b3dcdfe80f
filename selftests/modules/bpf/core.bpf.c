// SPDX-License-Identifier: GPL-2.0
/* CO-RE with types that vmlinux may lack: each program returns one result. */
#include "common.h"

/* A declaration is another kind of type: CO-RE finds only declarations for it. */
struct inet6_protocol___declared;

SEC("syscall")
int declared(void *ctx)
{
	return bpf_core_type_exists(struct inet6_protocol___declared);
}

SEC("syscall")
int exists(void *ctx)
{
	return bpf_core_type_exists(struct inet6_protocol);
}

SEC("syscall")
int size(void *ctx)
{
	return bpf_core_type_size(struct inet6_protocol);
}

SEC("syscall")
int id(void *ctx)
{
	return !!bpf_core_type_id_kernel(struct inet6_protocol);
}

SEC("syscall")
int field(void *ctx)
{
	struct inet6_protocol *protocol = NULL;

	return bpf_core_field_exists(protocol->flags);
}

SEC("syscall")
int union_exists(void *ctx)
{
	return bpf_core_type_exists(union fwnet_hwaddr);
}

SEC("syscall")
int enum_exists(void *ctx)
{
	return bpf_core_enum_value_exists(enum rt6_nud_state, RT6_NUD_SUCCEED);
}

SEC("syscall")
int enum_value(void *ctx)
{
	return bpf_core_enum_value(enum rt6_nud_state, RT6_NUD_SUCCEED);
}
