// SPDX-License-Identifier: GPL-2.0
/*
 * Defines a struct that the other kernel lacks and that the module "btf_opaque" only
 * points to, with the functions that a BPF program needs to keep one in a map.
 */
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/refcount.h>
#include <linux/slab.h>

/* Smaller than the one in linux/dma/hsu.h. */
struct hsu_dma_chip {
	refcount_t usage;
	int number;
};

__bpf_kfunc_start_defs();

__bpf_kfunc struct hsu_dma_chip *owner_new(void)
{
	struct hsu_dma_chip *chip = kzalloc_obj(*chip, GFP_ATOMIC);

	if (chip)
		refcount_set(&chip->usage, 1);
	return chip;
}

__bpf_kfunc void owner_put(struct hsu_dma_chip *chip)
{
	if (refcount_dec_and_test(&chip->usage))
		kfree(chip);
}

__bpf_kfunc void owner_dtor(void *chip)
{
	owner_put(chip);
}
CFI_NOSEAL(owner_dtor);

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(owner_kfuncs)
BTF_ID_FLAGS(func, owner_new, KF_ACQUIRE | KF_RET_NULL)
BTF_ID_FLAGS(func, owner_put, KF_RELEASE)
BTF_KFUNCS_END(owner_kfuncs)

static const struct btf_kfunc_id_set owner_kfunc_set = {
	.owner = THIS_MODULE,
	.set = &owner_kfuncs,
};

BTF_ID_LIST(owner_dtor_ids)
BTF_ID(struct, hsu_dma_chip)
BTF_ID(func, owner_dtor)

static int __init owner_init(void)
{
	const struct btf_id_dtor_kfunc dtors[] = {
		{
			.btf_id = owner_dtor_ids[0],
			.kfunc_btf_id = owner_dtor_ids[1],
		},
	};
	int err;

	err = register_btf_kfunc_id_set(BPF_PROG_TYPE_SYSCALL, &owner_kfunc_set);
	if (err)
		return err;
	return register_btf_id_dtor_kfuncs(dtors, ARRAY_SIZE(dtors), THIS_MODULE);
}

/* The registrations end with the module. */
static void __exit owner_exit(void)
{
}

module_init(owner_init);
module_exit(owner_exit);

MODULE_DESCRIPTION("Test of BTF: defines what another module only points to");
MODULE_LICENSE("GPL");
