// SPDX-License-Identifier: GPL-2.0
/* Points to a struct that is only declared here, and that the other kernel does not have. */
#include <linux/dma/hsu.h>

#include "case.h"

struct holder_forward {
	struct hsu_dma *dma;
};

CASE(holder_forward);
