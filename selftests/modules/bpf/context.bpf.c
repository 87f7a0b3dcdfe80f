// SPDX-License-Identifier: GPL-2.0
/* Passes the context of a program of traffic control to a kfunc of a module. */
#include "common.h"

struct opaque;

/* Two declarations, as libbpf compares them: see opaque.bpf.c. */
extern int context_length(struct sk_buff *skb) __weak __ksym;
extern int context_length___union(union bpf_attr *skb) __weak __ksym;
extern int context_length___fwd(struct opaque *skb) __weak __ksym;

SEC("tc")
int context(struct __sk_buff *skb)
{
	if (bpf_ksym_exists(context_length))
		return context_length((void *)skb);
	if (bpf_ksym_exists(context_length___union))
		return context_length___union((void *)skb);
	return context_length___fwd((void *)skb);
}
