// SPDX-License-Identifier: GPL-2.0
/* Contains an enum that the other kernel does not have. */
#include "case.h"

/* The same as in net/ipv6/route.c. */
enum rt6_nud_state {
	RT6_NUD_FAIL_HARD = -3,
	RT6_NUD_FAIL_PROBE = -2,
	RT6_NUD_FAIL_DO_RR = -1,
	RT6_NUD_SUCCEED = 1
};

struct holder_enum {
	enum rt6_nud_state state;
};

CASE(holder_enum);
