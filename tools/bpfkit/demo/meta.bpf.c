// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * A program with metadata that none of its instructions reads. Without
 * BPF_PROG_BIND_MAP, the map that holds it is freed when the loader exits.
 */
#define SEC(name) __attribute__((section(name), used))

const volatile char bpf_metadata_commit[] SEC(".rodata") = COMMIT;
const volatile char bpf_metadata_owner[] SEC(".rodata") = OWNER;
const volatile unsigned long long bpf_metadata_built SEC(".rodata") = BUILT;

SEC("socket")
int hello(void *ctx)
{
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
