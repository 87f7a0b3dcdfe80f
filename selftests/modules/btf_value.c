// SPDX-License-Identifier: GPL-2.0
/*
 * Points to a function that gets a struct by value which the other kernel does not
 * have. Where a function finds the arguments behind it goes by its size.
 */
#include <linux/platform_data/dma-hsu.h>

#include "case.h"

struct holder_value {
	int (*hook)(struct hsu_dma_slave slave, int number);
};

CASE(holder_value);
