// SPDX-License-Identifier: GPL-2.0
/* Uses a struct of a module that other modules only point to. */
#include "common.h"

struct opaque;

extern struct hsu_dma_chip *owner_new(void) __ksym;
extern void owner_put(struct hsu_dma_chip *chip) __ksym;
/* Two declarations, as libbpf compares them: see opaque.bpf.c. */
extern int opaque_chip(struct hsu_dma_chip *chip) __weak __ksym;
extern int opaque_chip___fwd(struct opaque *chip) __weak __ksym;

struct slot {
	struct hsu_dma_chip __kptr *chip;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct slot);
} slots SEC(".maps");

SEC("syscall")
int owned_kptr(void *ctx)
{
	struct hsu_dma_chip *chip;
	struct slot *slot;
	int key = 0;

	slot = bpf_map_lookup_elem(&slots, &key);
	if (!slot)
		return 0;
	chip = owner_new();
	if (!chip)
		return 0;
	chip = bpf_kptr_xchg(&slot->chip, chip);
	if (chip)
		owner_put(chip);
	return 1;
}

/* Passes it to a module that was built with another struct of this name. */
SEC("syscall")
int owned_passed(void *ctx)
{
	struct hsu_dma_chip *chip = owner_new();

	if (!chip)
		return 0;
	if (bpf_ksym_exists(opaque_chip))
		opaque_chip(chip);
	else
		opaque_chip___fwd((void *)chip);
	owner_put(chip);
	return 1;
}
