// SPDX-License-Identifier: GPL-2.0
/* Contains a struct that is larger in the other kernel. */
#include <linux/fs.h>

#include "case.h"

struct holder_grown {
	struct inode inode;
};

CASE(holder_grown);
