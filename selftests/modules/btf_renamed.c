// SPDX-License-Identifier: GPL-2.0
/* Contains a struct that has another name in the other kernel. */
#include <linux/mm_types_task.h>

#include "case.h"

struct holder_renamed {
	struct tlbflush_unmap_batch batch;
};

CASE(holder_renamed);
