// SPDX-License-Identifier: GPL-2.0-only
/*
 * bpf_rust=on|off on the kernel command line: whether the Rust or the C
 * implementation of the parts that have both is used.
 */
#define pr_fmt(fmt) "bpf_rust: " fmt

#include <linux/bpf_rust.h>
#include <linux/init.h>
#include <linux/kstrtox.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>

DEFINE_STATIC_KEY_TRUE(bpf_rust_key);

/*
 * Called while the command line is parsed, before there is any program. The
 * file in sysfs is read-only: a list of maps that one implementation has begun
 * must not be left to the other.
 */
static int __init bpf_rust_set(const char *val, const struct kernel_param *kp)
{
	bool on = true;
	int err;

	if (val) {
		err = kstrtobool(val, &on);
		if (err)
			return err;
	}
	if (on)
		static_branch_enable(&bpf_rust_key);
	else
		static_branch_disable(&bpf_rust_key);
	return 0;
}

static int bpf_rust_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%c\n", bpf_rust_enabled() ? 'Y' : 'N');
}

static const struct kernel_param_ops bpf_rust_ops __refconst = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = bpf_rust_set,
	.get = bpf_rust_get,
};

__core_param_cb(bpf_rust, &bpf_rust_ops, NULL, 0444);

static int __init bpf_rust_announce(void)
{
	pr_info("%s\n", bpf_rust_enabled() ? "on" : "off, the C code is used");
	return 0;
}
late_initcall(bpf_rust_announce);
