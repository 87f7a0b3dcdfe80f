// SPDX-License-Identifier: GPL-2.0
/* Points to a struct that the other kernel does not have. */
#include <net/protocol.h>

#include "case.h"

struct holder_gone {
	const struct inet6_protocol *protocol;
};

CASE(holder_gone);
