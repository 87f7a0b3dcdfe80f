/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BPF_RUST_MODULES_COMMON_H
#define BPF_RUST_MODULES_COMMON_H

/* From the kernel that the modules are built for; libbpf finds the fields in the running one. */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

#endif /* BPF_RUST_MODULES_COMMON_H */
