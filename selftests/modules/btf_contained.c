// SPDX-License-Identifier: GPL-2.0
/*
 * Contains a struct that is larger in the other kernel, and has a kfunc that takes
 * one: there, the kfunc would read something else.
 */
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/module.h>

struct contained_file {
	struct inode inode;
	int number;
};

__bpf_hook_start();

noinline int contained_hook(struct contained_file *file)
{
	/* The compiler removes calls without an effect. */
	barrier();
	return !!file;
}

__bpf_hook_end();

__bpf_kfunc_start_defs();

__bpf_kfunc long contained_read(struct inode *inode)
{
	return (long)inode->i_op;
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(contained_kfuncs)
BTF_ID_FLAGS(func, contained_read)
BTF_KFUNCS_END(contained_kfuncs)

static const struct btf_kfunc_id_set contained_kfunc_set = {
	.owner = THIS_MODULE,
	.set = &contained_kfuncs,
};

static int __init contained_init(void)
{
	contained_hook(NULL);
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_SYSCALL, &contained_kfunc_set);
}

/* The registrations end with the module. */
static void __exit contained_exit(void)
{
}

module_init(contained_init);
module_exit(contained_exit);

MODULE_DESCRIPTION("Test of BTF: a kfunc that takes what the module contains");
MODULE_LICENSE("GPL");
