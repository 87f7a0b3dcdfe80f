// SPDX-License-Identifier: GPL-2.0
/* Keeps the result of a kfunc in a map: a pointer to a struct that vmlinux lacks. */
#include "common.h"

struct opaque;

extern struct inet6_protocol *opaque_get(void) __weak __ksym;
extern struct opaque *opaque_get___fwd(void) __weak __ksym;
extern void opaque_put(struct inet6_protocol *protocol) __weak __ksym;
extern void opaque_put___fwd(struct opaque *protocol) __weak __ksym;

struct slot {
	struct inet6_protocol __kptr *protocol;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct slot);
} slots SEC(".maps");

SEC("syscall")
int kptr(void *ctx)
{
	struct slot *slot;
	void *protocol;
	int key = 0;

	slot = bpf_map_lookup_elem(&slots, &key);
	if (!slot)
		return 0;
	protocol = bpf_ksym_exists(opaque_get) ? (void *)opaque_get() : (void *)opaque_get___fwd();
	if (!protocol)
		return 0;
	protocol = bpf_kptr_xchg(&slot->protocol, protocol);
	if (!protocol)
		return 0;
	if (bpf_ksym_exists(opaque_put))
		opaque_put(protocol);
	else
		opaque_put___fwd(protocol);
	return 1;
}
