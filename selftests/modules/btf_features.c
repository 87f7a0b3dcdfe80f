// SPDX-License-Identifier: GPL-2.0
/*
 * Offers to BPF programs a function to attach to, kfuncs, a type with a destructor,
 * and a struct_ops type. All of this refers to struct task_struct, which is larger
 * in the other kernel, or to the module's own types.
 *
 * Writing to the parameter "call" calls features_hook() and features_ops.weigh()
 * for the writer. The parameter "weight" has the result of the latter (-1: there is
 * none), and "objects" the number of live objects.
 */
#include <linux/atomic.h>
#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/slab.h>

struct features_object {
	refcount_t usage;
};

struct features_ops {
	int (*weigh)(struct task_struct *task);
};

static atomic_t objects;

static int weight = -1;
module_param(weight, int, 0400);

static struct features_ops *ops;
static DEFINE_MUTEX(ops_mutex);

__bpf_hook_start();

noinline int features_hook(struct task_struct *task, int number)
{
	/* The compiler removes calls without an effect. */
	barrier();
	return task ? number : -EINVAL;
}

__bpf_hook_end();

__bpf_kfunc_start_defs();

/* Returns whether the task is the current one. */
__bpf_kfunc bool features_is_current(struct task_struct *task)
{
	return task == current;
}

__bpf_kfunc struct features_object *features_object_new(void)
{
	struct features_object *object = kzalloc_obj(*object, GFP_ATOMIC);

	if (object) {
		refcount_set(&object->usage, 1);
		atomic_inc(&objects);
	}
	return object;
}

__bpf_kfunc void features_object_put(struct features_object *object)
{
	if (refcount_dec_and_test(&object->usage)) {
		atomic_dec(&objects);
		kfree(object);
	}
}

__bpf_kfunc void features_object_dtor(void *object)
{
	features_object_put(object);
}
CFI_NOSEAL(features_object_dtor);

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(features_kfuncs)
BTF_ID_FLAGS(func, features_is_current)
BTF_ID_FLAGS(func, features_object_new, KF_ACQUIRE | KF_RET_NULL)
BTF_ID_FLAGS(func, features_object_put, KF_RELEASE)
BTF_KFUNCS_END(features_kfuncs)

static const struct btf_kfunc_id_set features_kfunc_set = {
	.owner = THIS_MODULE,
	.set = &features_kfuncs,
};

BTF_ID_LIST(features_dtor_ids)
BTF_ID(struct, features_object)
BTF_ID(func, features_object_dtor)

static int features_ops_weigh(struct task_struct *task)
{
	return 0;
}

static struct features_ops features_ops_stubs = {
	.weigh = features_ops_weigh,
};

static bool features_is_valid_access(int off, int size, enum bpf_access_type type,
				     const struct bpf_prog *prog,
				     struct bpf_insn_access_aux *info)
{
	return bpf_tracing_btf_ctx_access(off, size, type, prog, info);
}

static const struct bpf_verifier_ops features_verifier_ops = {
	.is_valid_access = features_is_valid_access,
};

static int features_init(struct btf *btf)
{
	return 0;
}

static int features_init_member(const struct btf_type *t, const struct btf_member *member,
				void *kdata, const void *udata)
{
	return 0;
}

static int features_reg(void *kdata, struct bpf_link *link)
{
	guard(mutex)(&ops_mutex);
	if (ops)
		return -EBUSY;
	ops = kdata;
	return 0;
}

static void features_unreg(void *kdata, struct bpf_link *link)
{
	guard(mutex)(&ops_mutex);
	ops = NULL;
}

static struct bpf_struct_ops features_struct_ops = {
	.verifier_ops = &features_verifier_ops,
	.init = features_init,
	.init_member = features_init_member,
	.reg = features_reg,
	.unreg = features_unreg,
	.cfi_stubs = &features_ops_stubs,
	.owner = THIS_MODULE,
	.name = "features_ops",
};

static int call_set(const char *value, const struct kernel_param *param)
{
	features_hook(current, 42);

	guard(mutex)(&ops_mutex);
	weight = ops ? ops->weigh(current) : -1;
	return 0;
}

static const struct kernel_param_ops call_ops = {
	.set = call_set,
};
module_param_cb(call, &call_ops, NULL, 0200);

static int objects_get(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%d\n", atomic_read(&objects));
}

static const struct kernel_param_ops objects_ops = {
	.get = objects_get,
};
module_param_cb(objects, &objects_ops, NULL, 0400);

static int __init features_module_init(void)
{
	const struct btf_id_dtor_kfunc dtors[] = {
		{
			.btf_id = features_dtor_ids[0],
			.kfunc_btf_id = features_dtor_ids[1],
		},
	};
	int err;

	err = register_btf_kfunc_id_set(BPF_PROG_TYPE_TRACING, &features_kfunc_set);
	if (err)
		return err;
	err = register_btf_id_dtor_kfuncs(dtors, ARRAY_SIZE(dtors), THIS_MODULE);
	if (err)
		return err;
	return register_bpf_struct_ops(&features_struct_ops, features_ops);
}

/* The registrations end with the module. */
static void __exit features_module_exit(void)
{
}

module_init(features_module_init);
module_exit(features_module_exit);

MODULE_DESCRIPTION("Test of BTF: what a module offers to BPF programs");
MODULE_LICENSE("GPL");
