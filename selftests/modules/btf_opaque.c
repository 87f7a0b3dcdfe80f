// SPDX-License-Identifier: GPL-2.0
/*
 * Offers functions, kfuncs, a destructor and a struct_ops type to BPF programs, with a
 * struct that the other kernel lacks: struct inet6_protocol. This module only points to
 * it, and to struct hsu_dma_chip, which the module "btf_owner" defines there.
 */
#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/dma/hsu.h>
#include <linux/init.h>
#include <linux/module.h>
#include <net/protocol.h>

static struct inet6_protocol *protocol;

struct opaque_holder {
	struct inet6_protocol *protocol;
};

static struct opaque_holder holder;

struct opaque_ops {
	int (*weigh)(struct inet6_protocol *protocol);
	int (*count)(int number);
};

__bpf_hook_start();

noinline int opaque_hook(struct inet6_protocol *protocol, int number)
{
	/* The compiler removes calls without an effect. */
	barrier();
	return protocol ? number : -EINVAL;
}

__bpf_hook_end();

__bpf_kfunc_start_defs();

__bpf_kfunc int opaque_read(struct inet6_protocol *protocol)
{
	return protocol->flags;
}

__bpf_kfunc int opaque_fill(struct inet6_protocol *protocol, size_t protocol__sz)
{
	return protocol__sz;
}

__bpf_kfunc struct inet6_protocol *opaque_get(void)
{
	return protocol;
}

__bpf_kfunc void opaque_put(struct inet6_protocol *protocol)
{
}

__bpf_kfunc struct inet6_protocol *opaque_borrow(void)
{
	return protocol;
}

/* With parameters of these names, the program chooses the size of the buffer. */
__bpf_kfunc struct inet6_protocol *opaque_buffer(const int rdwr_buf_size)
{
	return protocol;
}

__bpf_kfunc struct inet6_protocol *opaque_view(const int rdonly_buf_size)
{
	return protocol;
}

__bpf_kfunc int opaque_chip(struct hsu_dma_chip *chip)
{
	return chip->irq;
}

__bpf_kfunc struct opaque_holder *opaque_held(void)
{
	return &holder;
}

/* Uses none of these types. */
__bpf_kfunc int opaque_count(int number)
{
	return number;
}

__bpf_kfunc void opaque_dtor(struct inet6_protocol *protocol)
{
}
CFI_NOSEAL(opaque_dtor);

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(opaque_kfuncs)
BTF_ID_FLAGS(func, opaque_read)
BTF_ID_FLAGS(func, opaque_fill)
BTF_ID_FLAGS(func, opaque_get, KF_ACQUIRE | KF_RET_NULL)
BTF_ID_FLAGS(func, opaque_put, KF_RELEASE)
BTF_ID_FLAGS(func, opaque_borrow, KF_RET_NULL)
BTF_ID_FLAGS(func, opaque_buffer, KF_RET_NULL)
BTF_ID_FLAGS(func, opaque_view, KF_RET_NULL)
BTF_ID_FLAGS(func, opaque_chip)
BTF_ID_FLAGS(func, opaque_held)
BTF_ID_FLAGS(func, opaque_count)
BTF_KFUNCS_END(opaque_kfuncs)

static const struct btf_kfunc_id_set opaque_kfunc_set = {
	.owner = THIS_MODULE,
	.set = &opaque_kfuncs,
};

BTF_ID_LIST(opaque_dtor_ids)
BTF_ID(struct, inet6_protocol)
BTF_ID(func, opaque_dtor)

static int opaque_ops_weigh(struct inet6_protocol *protocol)
{
	return 0;
}

static int opaque_ops_count(int number)
{
	return 0;
}

static struct opaque_ops opaque_ops_stubs = {
	.weigh = opaque_ops_weigh,
	.count = opaque_ops_count,
};

static bool opaque_is_valid_access(int off, int size, enum bpf_access_type type,
				   const struct bpf_prog *prog,
				   struct bpf_insn_access_aux *info)
{
	return bpf_tracing_btf_ctx_access(off, size, type, prog, info);
}

static const struct bpf_verifier_ops opaque_verifier_ops = {
	.is_valid_access = opaque_is_valid_access,
};

static int opaque_init(struct btf *btf)
{
	return 0;
}

static int opaque_init_member(const struct btf_type *t, const struct btf_member *member,
			      void *kdata, const void *udata)
{
	return 0;
}

static int opaque_reg(void *kdata, struct bpf_link *link)
{
	return 0;
}

static void opaque_unreg(void *kdata, struct bpf_link *link)
{
}

static struct bpf_struct_ops opaque_struct_ops = {
	.verifier_ops = &opaque_verifier_ops,
	.init = opaque_init,
	.init_member = opaque_init_member,
	.reg = opaque_reg,
	.unreg = opaque_unreg,
	.cfi_stubs = &opaque_ops_stubs,
	.owner = THIS_MODULE,
	.name = "opaque_ops",
};

static int __init opaque_module_init(void)
{
	const enum bpf_prog_type types[] = {
		BPF_PROG_TYPE_SYSCALL,
		BPF_PROG_TYPE_TRACING,
		BPF_PROG_TYPE_SCHED_CLS,
	};
	const struct btf_id_dtor_kfunc dtors[] = {
		{
			.btf_id = opaque_dtor_ids[0],
			.kfunc_btf_id = opaque_dtor_ids[1],
		},
	};
	int err, i;

	opaque_hook(NULL, 0);
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		err = register_btf_kfunc_id_set(types[i], &opaque_kfunc_set);
		if (err)
			return err;
	}
	err = register_btf_id_dtor_kfuncs(dtors, ARRAY_SIZE(dtors), THIS_MODULE);
	if (err)
		return err;
	return register_bpf_struct_ops(&opaque_struct_ops, opaque_ops);
}

/* The registrations end with the module. */
static void __exit opaque_module_exit(void)
{
}

module_init(opaque_module_init);
module_exit(opaque_module_exit);

MODULE_DESCRIPTION("Test of BTF: what a module offers that refers to opaque types");
MODULE_LICENSE("GPL");
