// SPDX-License-Identifier: GPL-2.0
/* Points to a struct that is defined here, and only declared in the other kernel. */
#include <net/ipv6_frag.h>

#include "case.h"

struct holder_declared {
	struct frag_queue *queue;
};

CASE(holder_declared);
