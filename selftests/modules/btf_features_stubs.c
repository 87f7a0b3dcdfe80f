// SPDX-License-Identifier: GPL-2.0
/* The module "btf_features" with a type that the other kernel does not have. */
#include <net/protocol.h>

#include "btf_features.c"

struct features_stubs {
	struct inet6_protocol protocol;
};

__bpf_hook_start();

noinline bool features_stubs_hook(struct features_stubs *stubs)
{
	return stubs;
}

__bpf_hook_end();
