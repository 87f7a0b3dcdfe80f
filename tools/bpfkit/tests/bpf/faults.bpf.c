// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Object files that people had trouble with: one for each of these macros.
 * REFUSED  BTF that the kernel refuses: a variable of no bytes
 * DOLLAR   BTF that the kernel refuses: a name that it does not allow
 * NAMES    sections whose names no map can have, or that begin alike
 * MAPS     no program
 * LEGACY   maps that libbpf no longer supports
 * TEXT     values that bpftool shows as something else
 * LARGE    a value with too many parts
 * Without any: to be compiled without BTF, or for the other byte order.
 */
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name

#ifdef MAPS
struct {
	__uint(type, 2);
	__uint(max_entries, 1);
	__type(key, unsigned int);
	__type(value, long);
} counters SEC(".maps");
#else

#ifdef LEGACY
struct {
	unsigned int type, key_size, value_size, max_entries;
} counters SEC("maps") = { 2, 4, 8, 1 };
#endif

const volatile char bpf_metadata_owner[] SEC(".rodata") = "faults";

#ifdef REFUSED
const volatile long bpf_metadata_nothing[0] SEC(".rodata") = {};
#endif

#ifdef DOLLAR
const volatile char bpf_metadata_us$[] SEC(".rodata") = "dollar";
#endif

#ifdef NAMES
const volatile char bpf_metadata_dash[] SEC(".rodata.with-a-dash") = "-";
const volatile char bpf_metadata_one[] SEC(".rodata.of_a_company.1") = "first";
const volatile char bpf_metadata_two[] SEC(".rodata.of_a_company.2") = "second";
#endif

#ifdef TEXT
struct fields {
	int low : 3, high : 5;
	unsigned int plain : 4;
};
const volatile char bpf_metadata_full[4] SEC(".rodata") = "full";
const volatile char bpf_metadata_city[] SEC(".rodata") = "M\xc3\xbcnchen";
const volatile struct fields bpf_metadata_fields SEC(".rodata") = { -3, 7, 9 };
#endif

#ifdef LARGE
const volatile short bpf_metadata_large[(1 << 20) + 1] SEC(".rodata") = {};
#endif

SEC("socket")
int nothing(void *ctx)
{
	return 0;
}

#endif

char _license[] SEC("license") = "Dual BSD/GPL";
