// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Two parts of one object file, to be linked with 'bpftool gen object': the strong
 * part (with STRONG) overrides a function and two variables of the weak one, and both
 * have metadata and the same map.
 */
#define SEC(name) __attribute__((section(name), used))
#define __weak __attribute__((weak))
#define __noinline __attribute__((noinline))
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name

struct {
	__uint(type, 2);
	__uint(max_entries, 1);
	__type(key, unsigned int);
	__type(value, long);
} common SEC(".maps") __weak;

static void *(*const lookup)(void *map, const void *key) = (void *)1;

#ifdef STRONG
#define LINKAGE
#define ANSWER 4242
#define PROGRAM strong
#define CHOSEN "strong"
const volatile char bpf_metadata_strong[] SEC(".rodata") = "overrides";
#else
#define LINKAGE __weak
#define ANSWER 1717
#define PROGRAM weak
#define CHOSEN "--weak"
const volatile char bpf_metadata_weak[] SEC(".rodata") = "is overridden";
#endif

const volatile char bpf_metadata_chosen[] LINKAGE SEC(".rodata") = CHOSEN;
const volatile int limit LINKAGE SEC(".rodata") = ANSWER;

LINKAGE __noinline int answer(void)
{
	return ANSWER;
}

SEC("socket")
int PROGRAM(void *ctx)
{
	unsigned int key = 0;

	return lookup(&common, &key) ? answer() + limit : 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
