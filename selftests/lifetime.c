// SPDX-License-Identifier: GPL-2.0
/*
 * Many rounds leave nothing behind: no map, no program, no memory. Each variant
 * repeats one path through the kernel, so that a leaked reference adds up to
 * thousands.
 */
#include "common.h"
#include "kselftest_harness.h"

#define NR_ROUNDS	2000
#define VALUE_SIZE	(64 << 10)
/* A quarter of the memory that the maps of all rounds use. */
#define TOLERANCE_KB	(NR_ROUNDS / 4 * (VALUE_SIZE >> 10))
#define NR_REPEATS	8

struct round {
	__u32 prog;
	__u32 own;
	__u32 bound;
};

static struct round rounds[NR_ROUNDS];

FIXTURE(lifetime) {
	long before;
};

FIXTURE_VARIANT(lifetime) {
	enum bpf_prog_type type;
	void (*repeat)(struct __test_metadata *_metadata, int prog, int own,
		       int bound);
	int nr_maps;
};

static void repeat_binding(struct __test_metadata *_metadata, int prog, int own,
			   int bound)
{
	int i;

	for (i = 0; i < NR_REPEATS; i++) {
		ASSERT_EQ(0, bind_map(prog, bound));
		ASSERT_EQ(0, bind_map(prog, own));
	}
}

static void repeat_failing(struct __test_metadata *_metadata, int prog, int own,
			   int bound)
{
	union bpf_attr attr = {};
	int i;

	attr.prog_bind_map.prog_fd = prog;
	attr.prog_bind_map.map_fd = bound;
	attr.prog_bind_map.flags = 1;
	for (i = 0; i < NR_REPEATS; i++) {
		ASSERT_EQ(-EINVAL, sys_bpf(BPF_PROG_BIND_MAP, &attr, sizeof(attr)));
		ASSERT_EQ(-EBADF, bind_map(prog, -1));
		ASSERT_EQ(-EINVAL, bind_map(prog, prog));
		ASSERT_EQ(-EBADF, bind_map(-1, bound));
		ASSERT_EQ(-EINVAL, bind_map(bound, bound));
	}
}

static void repeat_reading(struct __test_metadata *_metadata, int prog, int own,
			   int bound)
{
	struct bpf_insn insns[16];
	struct bpf_prog_info dump = {
		.xlated_prog_len = sizeof(insns),
		.xlated_prog_insns = (unsigned long)insns,
	};
	struct bpf_prog_info info;
	__u32 ids[4];
	int i;

	ASSERT_EQ(0, bind_map(prog, bound));
	for (i = 0; i < NR_REPEATS; i++) {
		ASSERT_EQ(2, prog_map_ids(prog, ids, ARRAY_SIZE(ids)));
		ASSERT_EQ(-EFAULT, prog_map_ids(prog, (void *)1, 1));
		info = dump;
		ASSERT_EQ(0, obj_info(prog, &info, sizeof(info)));
	}
}

FIXTURE_VARIANT_ADD(lifetime, bound_again) {
	.type = BPF_PROG_TYPE_SOCKET_FILTER,
	.repeat = repeat_binding,
	.nr_maps = 2,
};

FIXTURE_VARIANT_ADD(lifetime, not_bound) {
	.type = BPF_PROG_TYPE_SOCKET_FILTER,
	.repeat = repeat_failing,
	.nr_maps = 1,
};

FIXTURE_VARIANT_ADD(lifetime, bound_and_read) {
	.type = BPF_PROG_TYPE_SOCKET_FILTER,
	.repeat = repeat_reading,
	.nr_maps = 2,
};

FIXTURE_SETUP(lifetime)
{
	if (geteuid())
		SKIP(return, "needs root");
	self->before = mem_available_kb();
	ASSERT_LT(2 * TOLERANCE_KB, self->before)
		TH_LOG("not enough memory");
}

FIXTURE_TEARDOWN(lifetime)
{
}

/* Debug kernels need this much time. */
TEST_F_TIMEOUT(lifetime, ends_with_the_program, 300)
{
	int prog, own, bound, i;

	for (i = 0; i < NR_ROUNDS; i++) {
		own = array_create(8, 1);
		ASSERT_LE(0, own);
		bound = array_create(VALUE_SIZE, 1);
		ASSERT_LE(0, bound);
		prog = prog_load_with_map(variant->type, own);
		ASSERT_LE(0, prog);
		rounds[i].prog = prog_id(prog);
		rounds[i].own = map_id(own);
		rounds[i].bound = map_id(bound);

		variant->repeat(_metadata, prog, own, bound);
		ASSERT_EQ(variant->nr_maps, prog_map_ids(prog, NULL, 0));
		close(own);
		close(bound);
		close(prog);
	}

	for (i = 0; i < NR_ROUNDS; i++) {
		ASSERT_TRUE(prog_gone(rounds[i].prog));
		ASSERT_TRUE(map_gone(rounds[i].own));
		ASSERT_TRUE(map_gone(rounds[i].bound));
	}
	EXPECT_TRUE(mem_comes_back(self->before - TOLERANCE_KB));
}

TEST_HARNESS_MAIN
