// SPDX-License-Identifier: GPL-2.0
/* Keeps an object of a module in a map, which destroys the object when it is freed. */
#include "common.h"

struct features_object {
	refcount_t usage;
};

extern struct features_object *features_object_new(void) __ksym;
extern void features_object_put(struct features_object *object) __ksym;

struct slot {
	struct features_object __kptr *object;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct slot);
} slots SEC(".maps");

SEC("fentry/features_hook")
int BPF_PROG(hook)
{
	struct features_object *object;
	struct slot *slot;
	int key = 0;

	slot = bpf_map_lookup_elem(&slots, &key);
	if (!slot)
		return 0;
	object = features_object_new();
	if (!object)
		return 0;
	object = bpf_kptr_xchg(&slot->object, object);
	if (object)
		features_object_put(object);
	return 0;
}
