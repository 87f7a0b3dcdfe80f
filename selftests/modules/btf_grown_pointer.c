// SPDX-License-Identifier: GPL-2.0
/* Points to a struct that is larger in the other kernel. */
#include <linux/sched.h>

#include "case.h"

struct holder_grown_pointer {
	struct task_struct *task;
};

CASE(holder_grown_pointer);
