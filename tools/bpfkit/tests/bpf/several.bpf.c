// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Two programs, and global data in sections of all sorts. With BAD the verifier
 * refuses the second one.
 */
#define SEC(name) __attribute__((section(name), used))

const volatile char bpf_metadata_name[] SEC(".rodata") = "several";
const volatile int more_constants SEC(".rodata.more") = 1;
volatile int some_data SEC(".data") = 2;
volatile int zeroes SEC(".bss");

SEC("socket")
int first(void *ctx)
{
	return some_data + zeroes;
}

SEC("socket")
int second(void *ctx)
{
#ifdef BAD
	return *(volatile int *)0;
#else
	return 0;
#endif
}

char _license[] SEC("license") = "Dual BSD/GPL";
