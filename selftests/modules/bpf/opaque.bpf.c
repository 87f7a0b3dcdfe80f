// SPDX-License-Identifier: GPL-2.0
/*
 * Tries to gain something from a struct of a module that vmlinux lacks: each program
 * passes something else instead of it, or takes more of one than there is.
 */
#include "common.h"

/*
 * Before the verifier sees a program, libbpf compares the declarations of kfuncs with
 * their types in the kernel. So each kfunc is declared with a struct and with a type
 * without a definition; libbpf leaves out the declaration that does not match.
 */
struct opaque;

extern int opaque_read(struct inet6_protocol *protocol) __weak __ksym;
extern int opaque_read___fwd(struct opaque *protocol) __weak __ksym;
extern int opaque_fill(struct inet6_protocol *protocol, size_t size) __weak __ksym;
extern int opaque_fill___fwd(struct opaque *protocol, size_t size) __weak __ksym;
extern struct inet6_protocol *opaque_get(void) __weak __ksym;
extern struct opaque *opaque_get___fwd(void) __weak __ksym;
extern void opaque_put(struct inet6_protocol *protocol) __weak __ksym;
extern void opaque_put___fwd(struct opaque *protocol) __weak __ksym;
extern struct inet6_protocol *opaque_borrow(void) __weak __ksym;
extern struct opaque *opaque_borrow___fwd(void) __weak __ksym;
extern struct inet6_protocol *opaque_buffer(const int size) __weak __ksym;
extern struct opaque *opaque_buffer___fwd(const int size) __weak __ksym;
extern struct inet6_protocol *opaque_view(const int size) __weak __ksym;
extern struct opaque *opaque_view___fwd(const int size) __weak __ksym;

struct opaque_holder {
	struct inet6_protocol *protocol;
};

extern struct opaque_holder *opaque_held(void) __weak __ksym;
extern int opaque_count(int number) __weak __ksym;

#define CALL(kfunc, args...) (bpf_ksym_exists(kfunc) ? kfunc(args) : kfunc##___fwd(args))
#define GET(kfunc, args...) \
	(bpf_ksym_exists(kfunc) ? (void *)kfunc(args) : (void *)kfunc##___fwd(args))

/* At least as large as a struct inet6_protocol, and can be loaded without CO-RE. */
struct memory {
	long words[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct memory);
} memories SEC(".maps");

static __always_inline struct memory *memory(void)
{
	int key = 0;

	return bpf_map_lookup_elem(&memories, &key);
}

SEC("syscall")
int map_value(void *ctx)
{
	struct memory *value = memory();

	return value ? CALL(opaque_read, (void *)value) : 0;
}

SEC("syscall")
int stack(void *ctx)
{
	struct memory local = {};

	return CALL(opaque_read, (void *)&local);
}

SEC("syscall")
int context(void *ctx)
{
	return CALL(opaque_read, ctx);
}

SEC("syscall")
int rdonly_cast(void *ctx)
{
	return CALL(opaque_read, bpf_rdonly_cast(bpf_get_current_task_btf(), 0));
}

SEC("syscall")
int rdonly_cast_struct(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return CALL(opaque_read,
		    bpf_rdonly_cast(task, bpf_core_type_id_kernel(struct task_struct)));
}

/* Casts to the struct itself: by its id, if it has one. */
SEC("syscall")
int rdonly_cast_to_it(void *ctx)
{
	struct inet6_protocol *protocol;

	protocol = bpf_rdonly_cast(bpf_get_current_task_btf(),
				   bpf_core_type_id_kernel(struct inet6_protocol));
	return protocol->flags;
}

SEC("syscall")
int allocated(void *ctx)
{
	struct memory *object = bpf_obj_new(bpf_core_type_id_local(struct memory));
	int result;

	if (!object)
		return 0;
	result = CALL(opaque_read, (void *)object);
	bpf_obj_drop(object);
	return result;
}

SEC("syscall")
int dynptr_data(void *ctx)
{
	struct memory *value = memory();
	struct bpf_dynptr dynptr;
	void *data;

	if (!value || bpf_dynptr_from_mem(value, sizeof(*value), 0, &dynptr))
		return 0;
	data = bpf_dynptr_data(&dynptr, 0, sizeof(*value));
	return data ? CALL(opaque_read, data) : 0;
}

SEC("tc")
int dynptr_slice(struct __sk_buff *skb)
{
	struct memory *value = memory();
	struct bpf_dynptr dynptr;
	void *slice;

	if (!value || bpf_dynptr_from_mem(value, sizeof(*value), 0, &dynptr))
		return 0;
	slice = bpf_dynptr_slice_rdwr(&dynptr, 0, NULL, sizeof(*value));
	return slice ? CALL(opaque_read, slice) : 0;
}

/* For a pointer with a size, the size says how much memory there must be. */
SEC("syscall")
int sized(void *ctx)
{
	struct memory *value = memory();

	return value ? CALL(opaque_fill, (void *)value, sizeof(*value)) : 0;
}

SEC("syscall")
int sized_stack(void *ctx)
{
	struct memory local = {};

	return CALL(opaque_fill, (void *)&local, sizeof(local));
}

SEC("syscall")
int number(void *ctx)
{
	return CALL(opaque_read, (void *)1);
}

/* Uses a pointer in the module's own struct. */
SEC("syscall")
int member(void *ctx)
{
	return CALL(opaque_read, (void *)opaque_held()->protocol);
}

SEC("syscall")
int member_load(void *ctx)
{
	struct memory *protocol = (void *)opaque_held()->protocol;

	return protocol->words[0];
}

/* These use the result of a kfunc. */
SEC("syscall")
int acquired(void *ctx)
{
	void *protocol = GET(opaque_get);
	int result;

	if (!protocol)
		return 0;
	result = CALL(opaque_read, protocol);
	if (bpf_ksym_exists(opaque_put))
		opaque_put(protocol);
	else
		opaque_put___fwd(protocol);
	return result;
}

SEC("syscall")
int acquired_only(void *ctx)
{
	return !!GET(opaque_get);
}

SEC("syscall")
int borrowed(void *ctx)
{
	struct memory *protocol = GET(opaque_borrow);

	return protocol ? protocol->words[0] : 0;
}

/* These take more memory than the struct has: to write to, and to read. */
SEC("syscall")
int buffer(void *ctx)
{
	struct memory *protocol = GET(opaque_buffer, sizeof(*protocol));

	if (protocol)
		protocol->words[15] = 1;
	return 0;
}

SEC("syscall")
int view(void *ctx)
{
	struct memory *protocol = GET(opaque_view, sizeof(*protocol));

	return protocol ? protocol->words[15] : 0;
}

/* These use the arguments of a function of the module. */
long seen;

SEC("fentry/opaque_hook")
int BPF_PROG(argument, struct inet6_protocol *protocol)
{
	seen = CALL(opaque_read, (void *)protocol);
	return 0;
}

SEC("fentry/opaque_hook")
int BPF_PROG(argument_field, struct inet6_protocol *protocol)
{
	seen = protocol->flags;
	return 0;
}

SEC("fentry/opaque_hook")
int BPF_PROG(argument_load, struct memory *protocol)
{
	seen = protocol->words[0];
	return 0;
}

/* To the verifier such an argument is a number, and a read through it may fail. */
SEC("fentry/opaque_hook")
int BPF_PROG(argument_probe_read, void *protocol)
{
	bpf_probe_read_kernel(&seen, sizeof(seen), protocol);
	return 0;
}

/* These do not use the struct. */
SEC("fentry/opaque_hook")
int BPF_PROG(other_argument, void *protocol, int number)
{
	seen = number;
	return 0;
}

SEC("syscall")
int other_kfunc(void *ctx)
{
	return opaque_count(42);
}
