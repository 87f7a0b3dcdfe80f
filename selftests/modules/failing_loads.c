// SPDX-License-Identifier: GPL-2.0
/*
 * Loads a module while allocations fail: first the first one, then the second, and
 * so on until none is left that could fail; and then all from some point on. Each
 * load either fails with ENOMEM, leaves no module behind and succeeds when tried
 * again, or succeeds at once. Prints how many failed; exits with 1 on any other
 * result.
 *
 * usage: failing_loads FILE NAME
 */
#include <err.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "faults.h"

/* The bytes that each load may allocate more than the one before. */
#define SLAB_STEP	512

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

static const char * const unit[] = {
	[FAULT_NTH] = "allocation",
	[FAULT_SLAB] = "byte",
};

/* Returns the number of allocations that failed. */
static int load_without(const struct module *module, const struct faults *faults,
			enum fault fault, unsigned int n, int *refused)
{
	int status, failed;

	status = faults_start(faults, fault, n);
	if (status)
		errx(1, "fault injection: %s", strerror(-status));
	status = module_load(module);
	failed = faults_stop(faults, fault);
	if (failed < 0)
		errx(1, "fault injection: %s", strerror(-failed));

	if (status) {
		if (status != -ENOMEM || !failed)
			errx(1, "%s %u: %s", unit[fault], n, strerror(-status));
		if (module_loaded(module))
			errx(1, "%s %u: %s is there", unit[fault], n, module->name);
		status = module_load(module);
		if (status)
			errx(1, "after %s %u: %s", unit[fault], n, strerror(-status));
		++*refused;
	}
	module_remove(module);
	return failed;
}

static void loads_without(const struct module *module, const struct faults *faults,
			  enum fault fault, unsigned int first, unsigned int step)
{
	int failed, refused = 0, total = 0;
	unsigned int n = first;

	do {
		failed = load_without(module, faults, fault, n, &refused);
		total += failed;
		n += step;
	} while (failed);
	printf("%s: %d allocations failed, and %d loads\n",
	       fault == FAULT_NTH ? "one at a time" : "all from a point on", total, refused);
	if (!refused)
		errx(1, "no load has failed");
}

int main(int argc, char *argv[])
{
	struct faults faults;
	struct module module;
	int status;

	if (argc != 3)
		errx(1, "usage: failing_loads FILE NAME");
	module_open(&module, argv[1], argv[2]);
	status = faults_open(&faults);
	if (status)
		errx(1, "fault injection: %s", strerror(-status));

	loads_without(&module, &faults, FAULT_NTH, 1, 1);
	loads_without(&module, &faults, FAULT_SLAB, 0, SLAB_STEP);
	return 0;
}
