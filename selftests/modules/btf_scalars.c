// SPDX-License-Identifier: GPL-2.0
/*
 * Contains an integer and a floating-point number. With other names in .BTF.base
 * (see edit_base.py) it is as if another compiler had built the other kernel.
 */
#include "case.h"

struct holder_scalars {
	unsigned long long number;
	double *fraction;
};

CASE(holder_scalars);
