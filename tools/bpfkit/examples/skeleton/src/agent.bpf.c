// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* A program with metadata in two sections, and with data that its user sets. */

#define SEC(name) __attribute__((section(name), used))

struct version {
	unsigned short major, minor;
	unsigned int patch;
};

const volatile char bpf_metadata_owner[] SEC(".rodata") = "bpf-rust";
const volatile struct version bpf_metadata_version SEC(".rodata") = { 1, 2, 3 };
/* No instruction uses these: only the bind keeps them. */
const volatile unsigned int bpf_metadata_build SEC(".rodata.vendor") = 4711;
long packets SEC(".data.counters") = 1;

/* Set before the program is loaded. */
const volatile int verdict SEC(".rodata") = 0;

SEC("socket")
int filter(void *ctx)
{
	return verdict;
}

char _license[] SEC("license") = "GPL";
