// SPDX-License-Identifier: GPL-2.0
/* The module "btf_features" with a type that the other kernel does not have. */
#include <net/protocol.h>

#include "btf_features.c"

struct features_opaque {
	struct inet6_protocol *protocol;
};

__bpf_hook_start();

noinline bool features_opaque_hook(struct features_opaque *opaque)
{
	return opaque;
}

__bpf_hook_end();
