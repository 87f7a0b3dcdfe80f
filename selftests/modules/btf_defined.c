// SPDX-License-Identifier: GPL-2.0
/* Points to a struct that is only declared here, and defined in the other kernel. */
#include <linux/key.h>

#include "case.h"

struct holder_defined {
	struct key *key;
};

CASE(holder_defined);
