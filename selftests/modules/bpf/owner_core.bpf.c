// SPDX-License-Identifier: GPL-2.0
/* CO-RE with the struct of btf_owner.c: each program returns one result. */
#include "common.h"

/* As in btf_owner.c. */
struct hsu_dma_chip___owned {
	refcount_t usage;
	int number;
} __attribute__((preserve_access_index));

/* The kernel keeps the type that it finds, and must not treat it as a definition. */
struct hsu_dma_chip___declared;

SEC("syscall")
int owned_declared(void *ctx)
{
	return bpf_core_type_exists(struct hsu_dma_chip___declared);
}

SEC("syscall")
int owned_exists(void *ctx)
{
	return bpf_core_type_exists(struct hsu_dma_chip___owned);
}

SEC("syscall")
int owned_size(void *ctx)
{
	return bpf_core_type_size(struct hsu_dma_chip___owned);
}

SEC("syscall")
int owned_field(void *ctx)
{
	struct hsu_dma_chip___owned *chip = NULL;

	return bpf_core_field_offset(chip->number);
}
