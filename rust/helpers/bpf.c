// SPDX-License-Identifier: GPL-2.0

#include <linux/bpf.h>

__rust_helper bool rust_helper_map_type_contains_progs(struct bpf_map *map)
{
	return map_type_contains_progs(map);
}
