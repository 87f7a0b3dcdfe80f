/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Has the n-th allocation of a task fail: see Documentation/fault-injection/.
 * Only on a kernel with CONFIG_FAILSLAB and CONFIG_FAIL_PAGE_ALLOC.
 *
 * Unless said otherwise a function returns 0 or a negative errno.
 */
#ifndef BPF_RUST_FAIL_NTH_H
#define BPF_RUST_FAIL_NTH_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define FAULTS		"/sys/kernel/debug/"

static inline int fail_nth_set(const char *file, const char *value)
{
	int fd = open(file, O_WRONLY);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/*
 * Lets allocations of any kind fail, without a word in the kernel log. Returns a
 * descriptor for the functions below.
 */
static inline int fail_nth_open(void)
{
	static const char * const settings[][2] = {
		{ FAULTS "failslab/ignore-gfp-wait", "0" },
		{ FAULTS "failslab/verbose", "0" },
		{ FAULTS "fail_page_alloc/ignore-gfp-wait", "0" },
		{ FAULTS "fail_page_alloc/ignore-gfp-highmem", "0" },
		{ FAULTS "fail_page_alloc/min-order", "0" },
		{ FAULTS "fail_page_alloc/verbose", "0" },
	};
	unsigned int i;
	int err, fd;

	for (i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		err = fail_nth_set(settings[i][0], settings[i][1]);
		if (err)
			return err;
	}
	fd = open(FAIL_NTH, O_RDWR);
	return fd < 0 ? -errno : fd;
}

/* From here on the @n-th allocation of this thread fails, the first is 1. */
static inline int fail_nth_start(int fd, unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	return pwrite(fd, text, len, 0) < 0 ? -errno : 0;
}

/* No more. Returns 1 if an allocation has failed. */
static inline int fail_nth_stop(int fd)
{
	char text[16] = "";

	if (pread(fd, text, sizeof(text) - 1, 0) < 0)
		return -errno;
	if (pwrite(fd, "0", 1, 0) < 0)
		return -errno;
	return !atoi(text);
}

#endif
