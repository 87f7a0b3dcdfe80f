// SPDX-License-Identifier: GPL-2.0
/*
 * Loads a module in which an allocation fails: the first, the second, and so on
 * until there is none left that could. Each load either gives ENOMEM, and then
 * there is no such module and it loads when tried again; or it does what it does
 * with memory. Says how many failed; exits with 1 if one did something else.
 *
 * usage: failing_loads FILE NAME
 */
#include <err.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "fail_nth.h"

struct module {
	const char *name;
	void *image;
	size_t size;
};

static void module_open(struct module *module, const char *path, const char *name)
{
	int fd = open(path, O_RDONLY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		err(1, "%s", path);
	module->name = name;
	module->size = st.st_size;
	module->image = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (module->image == MAP_FAILED)
		err(1, "%s", path);
	close(fd);
}

static int module_load(const struct module *module)
{
	return syscall(SYS_init_module, module->image, module->size, "") ? -errno : 0;
}

static void module_remove(const struct module *module)
{
	if (syscall(SYS_delete_module, module->name, O_NONBLOCK))
		err(1, "%s cannot be removed", module->name);
}

static bool module_loaded(const struct module *module)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/module/%s", module->name);
	return !access(path, F_OK);
}

/* Whether an allocation failed, of which there are fewer than @n if not. */
static bool load_without_nth(const struct module *module, int faults, unsigned int n, int *refused)
{
	int status, failed;

	if (fail_nth_start(faults, n))
		err(1, FAIL_NTH);
	status = module_load(module);
	failed = fail_nth_stop(faults);
	if (failed < 0)
		errx(1, FAIL_NTH ": %s", strerror(-failed));

	if (status) {
		if (status != -ENOMEM || !failed)
			errx(1, "allocation %u: %s", n, strerror(-status));
		if (module_loaded(module))
			errx(1, "allocation %u: %s is there", n, module->name);
		status = module_load(module);
		if (status)
			errx(1, "after allocation %u: %s", n, strerror(-status));
		++*refused;
	}
	module_remove(module);
	return failed;
}

int main(int argc, char *argv[])
{
	int faults, refused = 0;
	struct module module;
	unsigned int n = 1;

	if (argc != 3)
		errx(1, "usage: failing_loads FILE NAME");
	module_open(&module, argv[1], argv[2]);
	faults = fail_nth_open();
	if (faults < 0)
		errx(1, "fault injection: %s", strerror(-faults));

	while (load_without_nth(&module, faults, n, &refused))
		n++;
	printf("%u allocations failed, and %d loads\n", n - 1, refused);
	if (!refused)
		errx(1, "no load has failed");
	return 0;
}
