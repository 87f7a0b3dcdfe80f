/* SPDX-License-Identifier: GPL-2.0-only */
/* used_maps in Rust: the functions that C calls (used_maps.rs), and that Rust calls. */
#ifndef _BPF_RUST_USED_MAPS_H
#define _BPF_RUST_USED_MAPS_H

#include "rust_switch.h"

struct bpf_map;
struct bpf_prog;
struct bpf_prog_aux;

int bpf_rust_prog_bind_map(u32 prog_fd, u32 map_fd, u32 flags);
int bpf_rust_prog_map_ids(const struct bpf_prog *prog, u64 map_ids, u32 nr_map_ids);
const struct bpf_map *bpf_rust_map_from_imm(const struct bpf_prog *prog, unsigned long addr,
					    u32 *off, u32 *type);
int bpf_rust_check_tail_call(const struct bpf_prog *prog);
int bpf_rust_insn_arrays_ready(const struct bpf_prog *prog);
void bpf_rust_free_used_maps(struct bpf_prog_aux *aux);

/* kernel/bpf/core.c */
bool bpf_rust_prog_map_compatible(struct bpf_map *map, const struct bpf_prog *prog);

/* Does Rust serve the used_maps of programs? */
static inline bool bpf_rust_used_maps(void)
{
	return IS_ENABLED(CONFIG_BPF_RUST_USED_MAPS) && bpf_rust_enabled();
}

#endif /* _BPF_RUST_USED_MAPS_H */
