// SPDX-License-Identifier: GPL-2.0
/* Contains a struct that is a union of the same size in the other kernel. */
#include <linux/workqueue.h>

#include "case.h"

struct holder_kind {
	struct execute_work work;
};

CASE(holder_kind);
