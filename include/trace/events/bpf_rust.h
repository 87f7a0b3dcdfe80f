/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM bpf_rust

#if !defined(_TRACE_BPF_RUST_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_BPF_RUST_H

#include <linux/tracepoint.h>

/*
 * The BTF of a module has been relocated to vmlinux: how many types the module
 * has, and how many types of its distilled base matched, became opaque, or were
 * kept.
 */
TRACE_EVENT(bpf_rust_btf_relocated,

	TP_PROTO(const char *module, u32 types, u32 matched, u32 opaque, u32 kept,
		 u64 nsecs),

	TP_ARGS(module, types, matched, opaque, kept, nsecs),

	TP_STRUCT__entry(
		__string(module, module)
		__field(u32, types)
		__field(u32, matched)
		__field(u32, opaque)
		__field(u32, kept)
		__field(u64, nsecs)
	),

	TP_fast_assign(
		__assign_str(module);
		__entry->types = types;
		__entry->matched = matched;
		__entry->opaque = opaque;
		__entry->kept = kept;
		__entry->nsecs = nsecs;
	),

	TP_printk("module=%s types=%u matched=%u opaque=%u kept=%u nsecs=%llu",
		  __get_str(module), __entry->types, __entry->matched,
		  __entry->opaque, __entry->kept, __entry->nsecs)
);

#endif /* _TRACE_BPF_RUST_H */

#include <trace/define_trace.h>
