/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Makes allocations of a task fail: see Documentation/fault-injection/. This
 * needs a kernel with CONFIG_FAILSLAB and CONFIG_FAIL_PAGE_ALLOC.
 *
 * Unless said otherwise a function returns 0 or a negative errno.
 */
#ifndef BPF_RUST_FAULTS_H
#define BPF_RUST_FAULTS_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define MAKE_IT_FAIL	"/proc/thread-self/make-it-fail"
#define FAULTS		"/sys/kernel/debug/"

/* More failures than any test needs. */
#define MANY_FAULTS	"1000000"

/* Selects the allocations that fail. */
enum fault {
	/* The n-th allocation of any kind, from 1. Some callers then retry. */
	FAULT_NTH,
	/* All slab allocations after the first n bytes. */
	FAULT_SLAB,
};

/* Files that must be open before allocations fail. */
struct faults {
	int nth;
	int make;
};

static inline int faults_write(const char *file, const char *value)
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

/* Enables failures for all kinds of allocations, without messages in the log. */
static inline int faults_open(struct faults *faults)
{
	static const char * const settings[][2] = {
		{ FAULTS "failslab/ignore-gfp-wait", "0" },
		{ FAULTS "failslab/verbose", "0" },
		{ FAULTS "failslab/task-filter", "1" },
		{ FAULTS "failslab/probability", "100" },
		{ FAULTS "fail_page_alloc/ignore-gfp-wait", "0" },
		{ FAULTS "fail_page_alloc/ignore-gfp-highmem", "0" },
		{ FAULTS "fail_page_alloc/min-order", "0" },
		{ FAULTS "fail_page_alloc/verbose", "0" },
	};
	unsigned int i;
	int err;

	for (i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		err = faults_write(settings[i][0], settings[i][1]);
		if (err)
			return err;
	}
	faults->nth = open(FAIL_NTH, O_RDWR);
	faults->make = open(MAKE_IT_FAIL, O_WRONLY);
	return faults->nth < 0 || faults->make < 0 ? -errno : 0;
}

/* Starts to fail allocations of this thread. */
static inline int faults_start(const struct faults *faults, enum fault fault, unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);
	int err;

	if (fault == FAULT_NTH)
		return pwrite(faults->nth, text, len, 0) < 0 ? -errno : 0;

	err = faults_write(FAULTS "failslab/space", text);
	if (!err)
		err = faults_write(FAULTS "failslab/times", MANY_FAULTS);
	if (!err && pwrite(faults->make, "1", 1, 0) < 0)
		err = -errno;
	return err;
}

/* Stops it. Returns the number of failed allocations. */
static inline int faults_stop(const struct faults *faults, enum fault fault)
{
	char text[16] = "";
	int fd, len;

	if (fault == FAULT_NTH) {
		if (pread(faults->nth, text, sizeof(text) - 1, 0) < 0 ||
		    pwrite(faults->nth, "0", 1, 0) < 0)
			return -errno;
		return !atoi(text);
	}

	if (pwrite(faults->make, "0", 1, 0) < 0)
		return -errno;
	fd = open(FAULTS "failslab/times", O_RDONLY);
	if (fd < 0)
		return -errno;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	return len < 0 ? -errno : atoi(MANY_FAULTS) - atoi(text);
}

#endif
