// SPDX-License-Identifier: GPL-2.0
/* Passes its own memory instead of a struct that a module contains. */
#include "common.h"

extern long contained_read(struct inode *inode) __ksym;

struct memory {
	char bytes[1024];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct memory);
} memories SEC(".maps");

SEC("syscall")
int map_value(void *ctx)
{
	struct memory *value;
	int key = 0;

	value = bpf_map_lookup_elem(&memories, &key);
	return value ? contained_read((struct inode *)value) : 0;
}
