// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that share a program array must be compatible: the kernel compares a
 * new program with each program array on its list. The array in turn tracks the
 * programs whose tail calls the JIT has turned into jumps, while they exist.
 */
#include "common.h"
#include "kselftest_harness.h"

#define NR_ROUNDS	100

/* Loads a program that tail calls entry @key, or returns @other if it is empty. */
static int prog_load_tail_call(enum bpf_prog_type type, int prog_array, int key, int other)
{
	const struct bpf_insn insns[] = {
		LD64(BPF_REG_2, BPF_PSEUDO_MAP_FD, prog_array),
		LD64_HI(0),
		MOV64_IMM(BPF_REG_3, key),
		CALL(BPF_FUNC_tail_call),
		MOV64_IMM(BPF_REG_0, other),
		EXIT(),
	};

	return prog_load(type, insns, ARRAY_SIZE(insns));
}

static int prog_load_return(enum bpf_prog_type type, int value)
{
	const struct bpf_insn insns[] = {
		MOV64_IMM(BPF_REG_0, value),
		EXIT(),
	};

	return prog_load(type, insns, ARRAY_SIZE(insns));
}

static int prog_run(int prog)
{
	char packet[64] = {};
	union bpf_attr attr = {
		.test = {
			.prog_fd = prog,
			.data_in = (unsigned long)packet,
			.data_size_in = sizeof(packet),
		},
	};
	int err = sys_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr));

	return err ? err : (int)attr.test.retval;
}

FIXTURE(tail_call) {
	int array;
	__u32 id;
};

FIXTURE_SETUP(tail_call)
{
	if (geteuid())
		SKIP(return, "needs root");

	self->array = map_create_attr(BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 4, 0, 0);
	ASSERT_LE(0, self->array);
	self->id = map_id(self->array);
	ASSERT_NE(0, self->id);
}

FIXTURE_TEARDOWN(tail_call)
{
}

TEST_F(tail_call, is_for_programs_of_one_type)
{
	int first, second;
	__u32 id;

	first = prog_load_tail_call(BPF_PROG_TYPE_SOCKET_FILTER, self->array, 0, 0);
	ASSERT_LE(0, first);
	id = prog_id(first);
	EXPECT_EQ(-EINVAL, prog_load_tail_call(BPF_PROG_TYPE_XDP, self->array, 0, 0));
	EXPECT_EQ(-EINVAL, prog_load_with_map(BPF_PROG_TYPE_XDP, self->array));
	second = prog_load_tail_call(BPF_PROG_TYPE_SOCKET_FILTER, self->array, 0, 0);
	EXPECT_LE(0, second);
	close(second);

	/* The first program sets the array's type, also after it is gone. */
	close(first);
	EXPECT_TRUE(prog_gone(id));
	EXPECT_EQ(-EINVAL, prog_load_tail_call(BPF_PROG_TYPE_XDP, self->array, 0, 0));

	/* Refused programs hold no references. */
	close(self->array);
	EXPECT_TRUE(map_gone(self->id));
}

TEST_F(tail_call, looks_at_all_maps_of_the_program)
{
	struct bpf_insn insns[2 * 9 + 2];
	int i, prog, map[9];

	/* The incompatible array comes after eight other maps. */
	prog = prog_load_tail_call(BPF_PROG_TYPE_SOCKET_FILTER, self->array, 0, 0);
	ASSERT_LE(0, prog);
	for (i = 0; i < 8; i++) {
		map[i] = i & 1 ? array_create(8, 1) :
			 map_create_attr(BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 4, 0, 0);
		ASSERT_LE(0, map[i]);
	}
	map[8] = self->array;
	for (i = 0; i < 9; i++) {
		insns[2 * i] = LD64(BPF_REG_1, BPF_PSEUDO_MAP_FD, map[i]);
		insns[2 * i + 1] = LD64_HI(0);
	}
	insns[18] = MOV64_IMM(BPF_REG_0, 0);
	insns[19] = EXIT();

	EXPECT_EQ(-EINVAL, prog_load(BPF_PROG_TYPE_XDP, insns, ARRAY_SIZE(insns)));

	/* This attempt has set the type of the other arrays to XDP. */
	EXPECT_LE(0, prog_load_with_map(BPF_PROG_TYPE_XDP, map[0]));
	EXPECT_EQ(-EINVAL, prog_load_with_map(BPF_PROG_TYPE_SOCKET_FILTER, map[6]));
}

/* A program cannot tail call through an array that is only bound. */
TEST_F(tail_call, does_not_care_about_bound_arrays)
{
	int filter, xdp;

	filter = prog_load_empty(BPF_PROG_TYPE_SOCKET_FILTER);
	ASSERT_LE(0, filter);
	EXPECT_EQ(0, bind_map(filter, self->array));

	xdp = prog_load_tail_call(BPF_PROG_TYPE_XDP, self->array, 0, 0);
	ASSERT_LE(0, xdp);
	EXPECT_EQ(1, prog_map_ids(xdp, NULL, 0));

	/* Binding neither checks nor sets the type of the array. */
	filter = prog_load_empty(BPF_PROG_TYPE_SOCKET_FILTER);
	ASSERT_LE(0, filter);
	EXPECT_EQ(0, bind_map(filter, self->array));
	EXPECT_EQ(0, bind_map(xdp, self->array));
	EXPECT_EQ(1, prog_map_ids(xdp, NULL, 0));
}

/*
 * The entry changes while programs whose tail calls are jumps come and go. If
 * the array still tracked one that is gone, it would write to freed memory.
 */
TEST_F(tail_call, is_patched_for_live_programs_only)
{
	__u32 key = 1, ids[NR_ROUNDS];
	int target, other, prog, i;

	target = prog_load_return(BPF_PROG_TYPE_SOCKET_FILTER, 11);
	ASSERT_LE(0, target);
	other = prog_load_return(BPF_PROG_TYPE_SOCKET_FILTER, 22);
	ASSERT_LE(0, other);

	for (i = 0; i < NR_ROUNDS; i++) {
		prog = prog_load_tail_call(BPF_PROG_TYPE_SOCKET_FILTER,
					   self->array, key, 33);
		ASSERT_LE(0, prog);
		ids[i] = prog_id(prog);
		/* The array is bound as well, but must track the program once. */
		ASSERT_EQ(0, bind_map(prog, self->array));

		ASSERT_EQ(33, prog_run(prog));
		ASSERT_EQ(0, map_update(self->array, &key, &target));
		ASSERT_EQ(11, prog_run(prog));
		ASSERT_EQ(0, map_update(self->array, &key, &other));
		ASSERT_EQ(22, prog_run(prog));
		close(prog);
		ASSERT_EQ(0, map_delete(self->array, &key));
	}
	for (i = 0; i < NR_ROUNDS; i++)
		EXPECT_TRUE(prog_gone(ids[i]));

	/* Change the entry when all programs are freed. */
	ASSERT_EQ(0, map_update(self->array, &key, &target));
	ASSERT_EQ(0, map_delete(self->array, &key));
	close(self->array);
	EXPECT_TRUE(map_gone(self->id));
}

TEST_HARNESS_MAIN
