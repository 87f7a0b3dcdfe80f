// SPDX-License-Identifier: GPL-2.0
/* Points to a struct whose name the other kernel has twice, with the same size. */
#include <linux/fs.h>
#include <linux/splice.h>

#include "case.h"

struct holder_twice {
	struct partial_page *partial;
};

CASE(holder_twice);
