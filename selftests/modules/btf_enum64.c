// SPDX-License-Identifier: GPL-2.0
/* Has an enum that needs 64 bits in the other kernel. */
#include <linux/reboot.h>

#include "case.h"

struct holder_enum64 {
	enum reboot_mode mode;
};

CASE(holder_enum64);
