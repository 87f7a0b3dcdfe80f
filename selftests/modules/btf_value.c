// SPDX-License-Identifier: GPL-2.0
/*
 * Points to a function that takes by value a struct that the other kernel lacks. The
 * struct's size decides where the function finds the arguments after it.
 */
#include <linux/platform_data/dma-hsu.h>

#include "case.h"

struct holder_value {
	int (*hook)(struct hsu_dma_slave slave, int number);
};

CASE(holder_value);
