/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A page that the test fills: the first access to it blocks until then, in the
 * kernel as well.
 */
#ifndef BPF_RUST_UFFD_H
#define BPF_RUST_UFFD_H

#include <linux/userfaultfd.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "common.h"

struct uffd_page {
	int fd;
	size_t size;
	void *addr;
};

static inline int uffd_page_open(struct uffd_page *page)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	page->size = sysconf(_SC_PAGESIZE);
	/* No UFFD_USER_MODE_ONLY: the tests need faults in the kernel. */
	page->fd = syscall(__NR_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (page->fd < 0)
		return -errno;
	if (ioctl(page->fd, UFFDIO_API, &api))
		return -errno;

	page->addr = mmap(NULL, page->size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page->addr == MAP_FAILED)
		return -errno;
	reg.range.start = (unsigned long)page->addr;
	reg.range.len = page->size;
	return ioctl(page->fd, UFFDIO_REGISTER, &reg) ? -errno : 0;
}

/* Waits for a page fault. */
static inline int uffd_page_wait(struct uffd_page *page)
{
	struct pollfd pfd = { .fd = page->fd, .events = POLLIN };
	struct uffd_msg msg;

	if (poll(&pfd, 1, PATIENCE_MS) != 1)
		return -ETIMEDOUT;
	if (read(page->fd, &msg, sizeof(msg)) != sizeof(msg))
		return -EIO;
	return msg.event == UFFD_EVENT_PAGEFAULT ? 0 : -EPROTO;
}

/* Ends the page fault with a page full of @byte. */
static inline int uffd_page_fill(struct uffd_page *page, int byte)
{
	struct uffdio_copy copy = {
		.dst = (unsigned long)page->addr,
		.len = page->size,
	};
	void *src = malloc(page->size);
	int err;

	if (!src)
		return -ENOMEM;
	memset(src, byte, page->size);
	copy.src = (unsigned long)src;
	err = ioctl(page->fd, UFFDIO_COPY, &copy) ? -errno : 0;
	free(src);
	return err;
}

/* Ends the page fault by removing the page. */
static inline void uffd_page_close(struct uffd_page *page)
{
	munmap(page->addr, page->size);
	close(page->fd);
}

#endif
