// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module whose BTF has types of each sort that refer to types of vmlinux. Tests
 * replace its BTF before they load it. The id of its kfunc stays, and may be after
 * the last type then.
 */
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/init.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>

enum victim_state {
	VICTIM_NEW,
	VICTIM_OLD,
};

typedef u64 victim_cookie_t;

struct victim {
	struct list_head list;
	struct mutex lock;
	struct task_struct *task;
	victim_cookie_t cookie[4];
	enum victim_state state;
	const char *name;
	int (*call)(struct victim *victim, unsigned long arg);
	union {
		u32 word;
		struct hlist_head head;
	};
};

static struct victim victim;

static int victim_call(struct victim *to, unsigned long arg)
{
	return to->state == VICTIM_OLD ? arg : 0;
}

__bpf_kfunc_start_defs();

__bpf_kfunc int victim_kfunc(int arg)
{
	return arg;
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(victim_kfuncs)
BTF_ID_FLAGS(func, victim_kfunc)
BTF_KFUNCS_END(victim_kfuncs)

static const struct btf_kfunc_id_set victim_kfunc_set = {
	.owner = THIS_MODULE,
	.set = &victim_kfuncs,
};

static int __init victim_init(void)
{
	/* This fails if the id is no longer that of the function. */
	register_btf_kfunc_id_set(BPF_PROG_TYPE_SYSCALL, &victim_kfunc_set);

	INIT_LIST_HEAD(&victim.list);
	mutex_init(&victim.lock);
	victim.call = victim_call;
	return victim.call(&victim, 0);
}

static void __exit victim_exit(void)
{
}

module_init(victim_init);
module_exit(victim_exit);
MODULE_DESCRIPTION("Module whose BTF is replaced by malformed ones");
MODULE_LICENSE("GPL");
