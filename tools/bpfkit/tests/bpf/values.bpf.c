// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Metadata of all types, which bpftool shows as well. With MORE: metadata that it
 * does not show, in sections that it skips; to be linked to the other with
 * 'bpftool gen object'.
 */
#define SEC(name) __attribute__((section(name), used))

#ifndef MORE

enum colour { RED, GREEN = 7, BLUE = -2 };
enum wide { WIDE = 0x123456789abcULL };
struct inner { short pair[2]; char text[8]; };
struct version {
	int major;
	unsigned int minor : 3, patch : 5;
	enum colour colour;
	struct inner inner;
	union { int number; char bytes[4]; } either;
	_Bool stable;
};

const volatile char bpf_metadata_text[] SEC(".rodata") = "a \"quoted\" text";
const volatile char bpf_metadata_char SEC(".rodata") = 'c';
const volatile _Bool bpf_metadata_bool SEC(".rodata") = 1;
const volatile signed char bpf_metadata_s8 SEC(".rodata") = -8;
const volatile unsigned short bpf_metadata_u16 SEC(".rodata") = 65535;
const volatile int bpf_metadata_s32 SEC(".rodata") = -32;
const volatile unsigned long long bpf_metadata_u64 SEC(".rodata") = ~0ULL;
const volatile enum colour bpf_metadata_enum SEC(".rodata") = GREEN;
const volatile enum wide bpf_metadata_enum64 SEC(".rodata") = WIDE;
const volatile int bpf_metadata_array[3] SEC(".rodata") = { 1, -2, 3 };
const volatile struct version bpf_metadata_struct SEC(".rodata") = {
	1, 2, 3, BLUE, { { 4, -5 }, "inner" }, { 6 }, 1,
};
volatile const int not_metadata SEC(".rodata") = 9;

SEC("socket")
int values(void *ctx)
{
	return 0;
}

#else

const volatile float bpf_metadata_float SEC(".rodata.x") = 0.5f;
const volatile double bpf_metadata_double SEC(".rodata.x") = 1e100;
const volatile char bpf_metadata_more[] SEC(".rodata.x") = "linked";
volatile int counter SEC(".data.y") = 1;
volatile int zeroes SEC(".bss");

SEC("socket")
int more(void *ctx)
{
	return counter + zeroes;
}

#endif

char _license[] SEC("license") = "Dual BSD/GPL";
