/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of the BPF subsystem that have a Rust implementation beside the C
 * one: the switch between the two, and what C calls on the Rust side. It has a
 * header of its own because linux/bpf.h is included by half of the kernel.
 */
#ifndef _LINUX_BPF_RUST_H
#define _LINUX_BPF_RUST_H

#include <linux/jump_label.h>
#include <linux/types.h>

struct bpf_map;
struct bpf_prog;
struct bpf_prog_aux;

#ifdef CONFIG_BPF_RUST
DECLARE_STATIC_KEY_TRUE(bpf_rust_key);

/* Is the Rust code to be used? Fixed once the command line has been parsed. */
static __always_inline bool bpf_rust_enabled(void)
{
	return static_branch_likely(&bpf_rust_key);
}
#else
static __always_inline bool bpf_rust_enabled(void)
{
	return false;
}
#endif

/* Is a program's used_maps served by Rust? */
static __always_inline bool bpf_rust_used_maps(void)
{
	return IS_ENABLED(CONFIG_BPF_RUST_USED_MAPS) && bpf_rust_enabled();
}

/* kernel/bpf/rust_*.rs; each says what it takes and gives. */
int bpf_rust_prog_bind_map(u32 prog_fd, u32 map_fd, u32 flags);
int bpf_rust_prog_map_ids(const struct bpf_prog *prog, u64 map_ids, u32 nr_map_ids);
const struct bpf_map *bpf_rust_map_from_imm(const struct bpf_prog *prog, unsigned long addr,
					    u32 *off, u32 *type);
int bpf_rust_check_tail_call(const struct bpf_prog *prog);
int bpf_rust_insn_arrays_ready(const struct bpf_prog *prog);
void bpf_rust_free_used_maps(struct bpf_prog_aux *aux);

/* kernel/bpf/core.c, for the Rust side. */
bool bpf_rust_prog_map_compatible(struct bpf_map *map, const struct bpf_prog *prog);

#endif /* _LINUX_BPF_RUST_H */
