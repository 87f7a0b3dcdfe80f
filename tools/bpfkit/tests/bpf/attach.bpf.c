// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* A program that can be attached, and one whose section has no target. */
#define SEC(name) __attribute__((section(name), used))

const volatile char bpf_metadata_owner[] SEC(".rodata") = "attached";

SEC("raw_tp/sys_enter")
int enter(void *ctx)
{
	return 0;
}

SEC("socket")
int loose(void *ctx)
{
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
