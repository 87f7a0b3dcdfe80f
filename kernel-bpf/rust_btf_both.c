// SPDX-License-Identifier: GPL-2.0-only
/*
 * Relocates BTF with C and with Rust in one boot, and says how long each took and
 * whether the results are the same. Included by btf.c, whose insides it needs.
 *
 * /sys/kernel/debug/bpf_rust_btf/ has a file to write a module's .BTF to, one for
 * its .BTF.base, and one that gives the result when it is read.
 */
#include <linux/debugfs.h>
#include <linux/ktime.h>

/* As large as .BTF may be here. */
#define BOTH_MAX_SIZE	(16 << 20)
/* Of several runs, the fastest was disturbed least. */
#define BOTH_RUNS	5

static struct both_input {
	void *data;
	size_t size;
} both_split, both_base;

static DEFINE_MUTEX(both_mutex);

static struct btf *both_parse(struct btf_verifier_env *env, struct btf *base_btf)
{
	struct btf *btf = kzalloc_obj(*btf);
	int err = -ENOMEM;

	if (!btf)
		return ERR_PTR(-ENOMEM);

	env->btf = btf;
	btf->base_btf = base_btf;
	btf->start_id = base_btf->nr_types;
	btf->start_str_off = base_btf->hdr.str_len;
	btf->kernel_btf = true;
	strscpy(btf->name, "both");
	btf->data_size = both_split.size;
	btf->data = kvmemdup(both_split.data, both_split.size, GFP_KERNEL);
	if (btf->data)
		err = btf_parse_split_data(env);
	if (err) {
		btf_free(btf);
		return ERR_PTR(err);
	}
	return btf;
}

/* Relocates BTF once; returns the result or what btf_relocate() did. */
static struct btf *both_relocate(struct btf_verifier_env *env, struct btf *base_btf,
				 struct btf *vmlinux_btf, bool rust, u64 *nsecs)
{
	struct btf *btf = both_parse(env, base_btf);
	u64 start;
	int err;

	if (IS_ERR(btf))
		return btf;

	start = ktime_get_ns();
	if (rust) {
		err = btf_module_rust(env, vmlinux_btf);
	} else {
		btf->base_id_map_cnt = btf_nr_types(btf);
		err = btf_relocate(btf, vmlinux_btf, &btf->base_id_map);
	}
	*nsecs = min(*nsecs, ktime_get_ns() - start);

	if (err) {
		btf_free(btf);
		return ERR_PTR(err);
	}
	return btf;
}

static const char *both_compare(const struct btf *c, const struct btf *rust)
{
	if (IS_ERR(c) && IS_ERR(rust))
		return "refused";
	if (IS_ERR(c))
		return "only-rust";
	if (IS_ERR(rust))
		return "only-c";
	if (c->data_size != rust->data_size || memcmp(c->data, rust->data, c->data_size))
		return "other-bytes";
	if (c->base_id_map_cnt != rust->base_id_map_cnt ||
	    memcmp(c->base_id_map, rust->base_id_map,
		   c->base_id_map_cnt * sizeof(*c->base_id_map)))
		return "other-ids";
	return "same";
}

static int both_run(struct seq_file *m)
{
	struct btf *base_btf, *vmlinux_btf, *c = NULL, *rust = NULL;
	u64 nsecs_c = U64_MAX, nsecs_rust = U64_MAX;
	struct btf_verifier_env *env;
	int i, err = 0;

	vmlinux_btf = bpf_get_btf_vmlinux();
	if (IS_ERR_OR_NULL(vmlinux_btf) || !both_split.data || !both_base.data)
		return -EINVAL;
	env = kzalloc_obj(*env);
	if (!env)
		return -ENOMEM;
	base_btf = btf_parse_base(env, ".BTF.base", both_base.data, both_base.size);
	if (IS_ERR(base_btf)) {
		err = PTR_ERR(base_btf);
		goto free_env;
	}

	for (i = 0; i < BOTH_RUNS; i++) {
		if (!IS_ERR_OR_NULL(c))
			btf_free(c);
		if (!IS_ERR_OR_NULL(rust))
			btf_free(rust);
		c = both_relocate(env, base_btf, vmlinux_btf, false, &nsecs_c);
		rust = both_relocate(env, base_btf, vmlinux_btf, true, &nsecs_rust);
	}

	seq_printf(m, "%s bytes=%zu base_types=%u vmlinux_types=%u c=%d rust=%d c_nsecs=%llu rust_nsecs=%llu\n",
		   both_compare(c, rust), both_split.size, base_btf->nr_types,
		   vmlinux_btf->nr_types, PTR_ERR_OR_ZERO(c), PTR_ERR_OR_ZERO(rust),
		   nsecs_c, nsecs_rust);
	if (!IS_ERR(c))
		btf_free(c);
	if (!IS_ERR(rust))
		btf_free(rust);
	btf_free(base_btf);
free_env:
	btf_verifier_env_free(env);
	return err;
}

static int both_result_show(struct seq_file *m, void *unused)
{
	guard(mutex)(&both_mutex);
	return both_run(m);
}
DEFINE_SHOW_ATTRIBUTE(both_result);

static int both_input_open(struct inode *inode, struct file *file)
{
	struct both_input *input = inode->i_private;

	file->private_data = input;
	guard(mutex)(&both_mutex);
	if (!input->data)
		input->data = kvmalloc(BOTH_MAX_SIZE, GFP_KERNEL);
	input->size = 0;
	return input->data ? 0 : -ENOMEM;
}

static ssize_t both_input_write(struct file *file, const char __user *from, size_t len,
				loff_t *pos)
{
	struct both_input *input = file->private_data;
	ssize_t ret;

	guard(mutex)(&both_mutex);
	ret = simple_write_to_buffer(input->data, BOTH_MAX_SIZE, pos, from, len);
	if (ret > 0)
		input->size = *pos;
	return ret;
}

static const struct file_operations both_input_fops = {
	.owner = THIS_MODULE,
	.open = both_input_open,
	.write = both_input_write,
};

static int __init both_init(void)
{
	struct dentry *dir = debugfs_create_dir("bpf_rust_btf", NULL);

	debugfs_create_file("split", 0200, dir, &both_split, &both_input_fops);
	debugfs_create_file("base", 0200, dir, &both_base, &both_input_fops);
	debugfs_create_file("result", 0400, dir, NULL, &both_result_fops);
	return 0;
}
late_initcall(both_init);
