// SPDX-License-Identifier: GPL-2.0
/*
 * When the kernel loads a program, it writes the addresses of its instructions
 * to its instruction arrays, and checks that each array is complete.
 */
#include "common.h"
#include "kselftest_harness.h"

#define NR_INSNS	6

static const struct bpf_insn insns[NR_INSNS] = {
	INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 4),
	INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 3),
	/* The verifier removes this no-op. */
	INSN(BPF_JMP | BPF_JA, 0, 0, 0, 0),
	INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 1),
	INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0),
	INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
};

static const __u32 xlated_off[NR_INSNS] = { 0, 1, -1, 2, 3, 4 };

/* Creates an array with an element for each instruction. */
static int insn_array_create(void)
{
	struct bpf_insn_array_value value = {};
	int map, err;
	__u32 i;

	map = map_create_attr(BPF_MAP_TYPE_INSN_ARRAY, 4, sizeof(value), NR_INSNS, 0, 0);
	if (map < 0)
		return map;
	for (i = 0; i < NR_INSNS; i++) {
		value.orig_off = i;
		err = map_update(map, &i, &value);
		if (err)
			return err;
	}
	return map;
}

static int prog_load_fds(int *fds, __u32 count)
{
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insns = (unsigned long)insns,
		.insn_cnt = ARRAY_SIZE(insns),
		.fd_array = (unsigned long)fds,
		.fd_array_cnt = count,
	};

	return prog_load_attr(&attr);
}

FIXTURE(insn_array) {
	int map;
	__u32 id;
};

FIXTURE_SETUP(insn_array)
{
	if (geteuid())
		SKIP(return, "needs root");

	self->map = insn_array_create();
	ASSERT_LE(0, self->map);
	self->id = map_id(self->map);
	ASSERT_NE(0, self->id);
}

FIXTURE_TEARDOWN(insn_array)
{
}

TEST_F(insn_array, is_filled_by_the_program)
{
	/* Two instruction arrays among other maps. */
	int fds[] = { array_create(8, 1), self->map, array_create(8, 1), insn_array_create() };
	struct bpf_insn_array_value value;
	int prog, which;
	__u32 i, id;

	ASSERT_EQ(0, map_freeze(fds[1]));
	ASSERT_EQ(0, map_freeze(fds[3]));
	prog = prog_load_fds(fds, ARRAY_SIZE(fds));
	ASSERT_LE(0, prog);
	EXPECT_EQ((int)ARRAY_SIZE(fds), prog_map_ids(prog, NULL, 0));

	for (which = 1; which <= 3; which += 2) {
		for (i = 0; i < NR_INSNS; i++) {
			ASSERT_EQ(0, map_lookup(fds[which], &i, &value));
			EXPECT_EQ(i, value.orig_off);
			EXPECT_EQ(xlated_off[i], value.xlated_off);
			/* The prologue comes first, so no offset is 0. */
			if (xlated_off[i] != (__u32)-1)
				EXPECT_NE(0, value.jitted_off);
		}
	}

	id = map_id(fds[3]);
	close(fds[1]);
	close(fds[3]);
	EXPECT_TRUE(map_alive(self->id));
	EXPECT_TRUE(map_alive(id));
	close(prog);
	EXPECT_TRUE(map_gone(self->id));
	EXPECT_TRUE(map_gone(id));
}

TEST_F(insn_array, must_be_frozen)
{
	EXPECT_EQ(-EINVAL, prog_load_fds(&self->map, 1));
	close(self->map);
	EXPECT_TRUE(map_gone(self->id));
}

TEST_F(insn_array, is_for_one_program)
{
	int prog;

	ASSERT_EQ(0, map_freeze(self->map));
	prog = prog_load_fds(&self->map, 1);
	ASSERT_LE(0, prog);
	EXPECT_EQ(-EBUSY, prog_load_fds(&self->map, 1));

	/* The refused program has not released the array. */
	EXPECT_EQ(-EBUSY, prog_load_fds(&self->map, 1));
	close(self->map);
	EXPECT_TRUE(map_alive(self->id));
	close(prog);
	EXPECT_TRUE(map_gone(self->id));
}

/* The kernel does not fill an array that is only bound. */
TEST_F(insn_array, can_be_bound_as_it_is)
{
	struct bpf_insn_array_value value;
	int prog, user;
	__u32 key = 1;

	prog = prog_load_empty(BPF_PROG_TYPE_SOCKET_FILTER);
	ASSERT_LE(0, prog);
	EXPECT_EQ(0, bind_map(prog, self->map));
	ASSERT_EQ(0, map_lookup(self->map, &key, &value));
	EXPECT_EQ(0, value.jitted_off);

	ASSERT_EQ(0, map_freeze(self->map));
	user = prog_load_fds(&self->map, 1);
	ASSERT_LE(0, user);
	ASSERT_EQ(0, map_lookup(self->map, &key, &value));
	EXPECT_NE(0, value.jitted_off);
	close(user);

	close(self->map);
	EXPECT_TRUE(map_alive(self->id));
	close(prog);
	EXPECT_TRUE(map_gone(self->id));
}

TEST_HARNESS_MAIN
