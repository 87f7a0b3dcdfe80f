/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The BTF of modules in Rust: the functions for kernel/bpf/btf.c (module_btf.rs),
 * and the C parts that the Rust code uses (rust_module_btf.c).
 */
#ifndef _BPF_RUST_MODULE_BTF_H
#define _BPF_RUST_MODULE_BTF_H

#include "rust_switch.h"

struct btf_type;

/*
 * The part of struct btf that Rust needs; struct btf itself is private to
 * kernel/bpf/btf.c. C has checked the header, the bounds of the sections and the
 * metadata of the types.
 */
struct bpf_rust_btf {
	const char *name;		/* of the module */
	bool is_distilled_base;		/* of that module */
	void *data;			/* from the header on */
	u32 data_size;
	u32 nr_types;			/* without VOID, and without those of the base */
	struct btf_type **types;
	const void *type_sec;		/* the first of them */
	u32 named_start_id;		/* 0 if not sorted by name */
	u32 id_map_cnt;
	u32 *id_map;			/* relocation sets it; kvfree() it */
};

int bpf_rust_btf_validate(const struct bpf_rust_btf *btf, const struct bpf_rust_btf *base);
int bpf_rust_btf_relocate(struct bpf_rust_btf *btf, const struct bpf_rust_btf *base,
			  const struct bpf_rust_btf *vmlinux);

extern bool bpf_rust_btf_opaque;

bool bpf_rust_btf_ratelimit(void);
void bpf_rust_btf_pause(void);

/* Does Rust validate and relocate the BTF of modules? */
static inline bool bpf_rust_module_btf(void)
{
	return IS_ENABLED(CONFIG_BPF_RUST_MODULE_BTF) && bpf_rust_enabled();
}

#endif /* _BPF_RUST_MODULE_BTF_H */
