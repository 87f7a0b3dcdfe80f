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
struct btf_type;

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

/* Is the BTF of modules validated and relocated by Rust? */
static __always_inline bool bpf_rust_module_btf(void)
{
	return IS_ENABLED(CONFIG_BPF_RUST_MODULE_BTF) && bpf_rust_enabled();
}

/*
 * What Rust needs to know of a struct btf, which is known to kernel/bpf/btf.c
 * alone. Its header, the bounds of its sections and the metas of its types have
 * been checked.
 */
struct bpf_rust_btf {
	const char *name;
	void *data;			/* from the header on */
	u32 data_size;
	u32 nr_types;			/* without VOID, and those of the base */
	struct btf_type **types;
	const void *type_sec;		/* where the first of them is */
	u32 named_start_id;		/* 0 if not sorted by name */
	u32 id_map_cnt;
	u32 *id_map;			/* set by relocation, to be kvfree()d */
};

/* kernel/bpf/rust_*.rs; each says what it takes and gives. */
int bpf_rust_prog_bind_map(u32 prog_fd, u32 map_fd, u32 flags);
int bpf_rust_prog_map_ids(const struct bpf_prog *prog, u64 map_ids, u32 nr_map_ids);
const struct bpf_map *bpf_rust_map_from_imm(const struct bpf_prog *prog, unsigned long addr,
					    u32 *off, u32 *type);
int bpf_rust_check_tail_call(const struct bpf_prog *prog);
int bpf_rust_insn_arrays_ready(const struct bpf_prog *prog);
void bpf_rust_free_used_maps(struct bpf_prog_aux *aux);
int bpf_rust_btf_validate(const struct bpf_rust_btf *btf, const struct bpf_rust_btf *base);
int bpf_rust_btf_relocate(struct bpf_rust_btf *btf, const struct bpf_rust_btf *base,
			  const struct bpf_rust_btf *vmlinux);

/* kernel/bpf/rust_module_btf.c: whether to load a module that lacks types of vmlinux. */
extern bool bpf_rust_btf_stubs;

/* kernel/bpf/core.c, for the Rust side. */
bool bpf_rust_prog_map_compatible(struct bpf_map *map, const struct bpf_prog *prog);

#endif /* _LINUX_BPF_RUST_H */
