// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * What programs may demand of a kernel: by CO-RE and by name. Without a macro, every kernel has all of
 * it, or the programs ask first; each macro adds one demand that no kernel meets, or not every kernel.
 */
#define SEC(name) __attribute__((section(name), used))
#define CORE __attribute__((preserve_access_index))
#define __ksym __attribute__((section(".ksyms")))
#define __kconfig __attribute__((section(".kconfig")))
#define __weak __attribute__((weak))

#define field_exists(field) __builtin_preserve_field_info(field, 2)
#define type_exists(type) __builtin_preserve_type_info(*(typeof(type) *)0, 0)
#define type_size(type) __builtin_preserve_type_info(*(typeof(type) *)0, 1)
#define value_exists(type, value) __builtin_preserve_enum_value(*(typeof(type) *)value, 0)
#define value_of(type, value) __builtin_preserve_enum_value(*(typeof(type) *)value, 1)
#define read(to, from) probe_read_kernel(&(to), sizeof(to), &(from))

static void *(*get_current_task)(void) = (void *)35;
static long (*probe_read_kernel)(void *to, unsigned int size, const void *from) = (void *)113;

struct task_struct {
	int pid;
	int tgid;
} CORE;

/* The kernel does not have this member; it has the one below, by another flavour. */
struct task_struct___old {
	long old_state;
} CORE;

struct task_struct___new {
	unsigned int __state;
} CORE;

/* As in the kernel, but for the name of a member. */
struct list_head {
	struct list_head *next, *previous;
} CORE;

/* No kernel has it. */
struct bpf_rust_unknown {
	int member;
} CORE;

/* Not all of its values. */
enum bpf_map_type___some {
	BPF_MAP_TYPE_HASH___some = 1,
	BPF_MAP_TYPE_OF_NOTHING = 1000,
};

extern const void bpf_rust_no_symbol __ksym __weak;
extern const void init_task __ksym;
struct rq {};
extern struct rq runqueues __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern int bpf_rust_no_kfunc(int x) __ksym __weak;
extern int LINUX_KERNEL_VERSION __kconfig;

SEC("syscall")
int present(void *ctx)
{
	struct task_struct *task = get_current_task();
	int pid = 0;

	read(pid, task->pid);
	return pid + type_exists(struct task_struct) +
	       value_of(enum bpf_map_type___some, BPF_MAP_TYPE_HASH___some);
}

SEC("syscall")
int asks_first(void *ctx)
{
	struct task_struct___old *old = get_current_task();
	struct task_struct___new *new = (void *)old;
	unsigned int value = 0;
	long wide = 0;

	if (field_exists(old->old_state)) {
		read(wide, old->old_state);
		value = wide;
	} else {
		read(value, new->__state);
	}
	if (value_exists(enum bpf_map_type___some, BPF_MAP_TYPE_OF_NOTHING))
		value += value_of(enum bpf_map_type___some, BPF_MAP_TYPE_OF_NOTHING);
	return value + type_size(struct bpf_rust_unknown);
}

SEC("syscall")
int symbols(void *ctx)
{
	int value = LINUX_KERNEL_VERSION;

	if (&bpf_rust_no_symbol)
		value++;
	if (bpf_rust_no_kfunc)
		value += bpf_rust_no_kfunc(value);
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	return value + (&init_task == (void *)&runqueues);
}

#ifdef POISONED
SEC("syscall")
int poisoned(void *ctx)
{
	struct list_head *list = get_current_task(), *previous = 0;

	read(previous, list->previous);
	return !previous;
}
#endif

#ifdef UNSURE
SEC("syscall")
int unsure(void *ctx)
{
	struct list_head *list = get_current_task(), *previous = 0;

	if (list)
		read(previous, list->previous);
	return !previous;
}
#endif

#ifdef KFUNC
extern int bpf_rust_needed_kfunc(int x) __ksym;

SEC("syscall")
int kfunc(void *ctx)
{
	return bpf_rust_needed_kfunc(1);
}
#endif

#ifdef UNASKED
SEC("syscall")
int unasked(void *ctx)
{
	return bpf_rust_no_kfunc(1);
}
#endif

#ifdef PROTOTYPE
/* It takes a pointer. */
extern int bpf_task_release(int x) __ksym;

SEC("syscall")
int prototype(void *ctx)
{
	return bpf_task_release(1);
}
#endif

#ifdef FUNCTION
/* No program may call it. */
extern unsigned long vm_memory_committed(void) __ksym;

SEC("syscall")
int function(void *ctx)
{
	return vm_memory_committed();
}
#endif

#ifdef TARGETS
/* Only kernels with IPv6 have it. */
SEC("fentry/ip6_route_output_flags")
int function_of_ipv6(void *ctx)
{
	return 0;
}

SEC("tp_btf/fib6_table_lookup")
int tracepoint_of_ipv6(void *ctx)
{
	return 0;
}

/* All have these. */
SEC("fexit/vfs_read")
int function_target(void *ctx)
{
	return 0;
}

SEC("lsm/file_open")
int hook(void *ctx)
{
	return 0;
}

SEC("iter/task")
int iterator(void *ctx)
{
	return 0;
}

/* Not looked at. */
SEC("fentry")
int later(void *ctx)
{
	return 0;
}

SEC("?fentry/bpf_rust_no_function")
int not_loaded(void *ctx)
{
	return 0;
}
#endif

#ifdef OPS
struct tcp_congestion_ops {
	unsigned int (*ssthresh)(void *sk);
	void (*bpf_rust_no_hook)(void *sk);
	char name[16];
};

SEC("struct_ops")
unsigned int ssthresh(void *ctx)
{
	return 2;
}

SEC(".struct_ops.link")
struct tcp_congestion_ops ops = {
	.ssthresh = (void *)ssthresh,
#ifdef HOOK
	.bpf_rust_no_hook = (void *)ssthresh,
#endif
	.name = "bpf_rust",
};
#endif

char _license[] SEC("license") = "GPL";
