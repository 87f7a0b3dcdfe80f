// SPDX-License-Identifier: GPL-2.0
/* Refers to types that are the same in both kernels. */
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/perf_event.h>

#include "case.h"

struct holder_same {
	struct list_head lists[2];
	struct kref kref;
	/* An ENUM64 in both, which is an ENUM of 8 bytes in .BTF.base. */
	enum perf_callchain_context context;
	bool (*visit)(const struct page *page, unsigned long long n);
};

CASE(holder_same);
