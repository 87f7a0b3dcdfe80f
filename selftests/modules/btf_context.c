// SPDX-License-Identifier: GPL-2.0
/*
 * A kfunc whose argument has a type that the verifier treats, because of its name,
 * as the context of programs of traffic control.
 */
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/skbuff.h>

__bpf_kfunc_start_defs();

__bpf_kfunc int context_length(struct sk_buff *skb)
{
	return skb->len;
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(context_kfuncs)
BTF_ID_FLAGS(func, context_length)
BTF_KFUNCS_END(context_kfuncs)

static const struct btf_kfunc_id_set context_kfunc_set = {
	.owner = THIS_MODULE,
	.set = &context_kfuncs,
};

static int __init context_init(void)
{
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_SCHED_CLS, &context_kfunc_set);
}

/* The registrations end with the module. */
static void __exit context_exit(void)
{
}

module_init(context_init);
module_exit(context_exit);

MODULE_DESCRIPTION("Test of BTF: a kfunc that takes the context of a program");
MODULE_LICENSE("GPL");
