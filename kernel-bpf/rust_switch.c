// SPDX-License-Identifier: GPL-2.0-only
/*
 * bpf_rust=on|off on the kernel command line selects the Rust or the C
 * implementation of the parts that have both. The file in sysfs is read-only:
 * one implementation must not continue with a list of maps that the other has
 * grown.
 */
#include <linux/cache.h>
#include <linux/moduleparam.h>

#include "rust_switch.h"

bool bpf_rust __ro_after_init = true;
core_param(bpf_rust, bpf_rust, bool, 0444);
