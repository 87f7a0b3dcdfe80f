// SPDX-License-Identifier: GPL-2.0
/* Points to a union that the other kernel does not have. */
#include <net/firewire.h>

#include "case.h"

struct holder_union {
	union fwnet_hwaddr *address;
};

CASE(holder_union);
