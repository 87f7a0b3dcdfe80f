// SPDX-License-Identifier: GPL-2.0
/*
 * Commands on a program's list of maps while allocations fail: first the first
 * one, then the second, and so on until none is left that could fail; and then
 * all from some point on. A command either fails with ENOMEM and changes
 * nothing, or succeeds.
 */
#include "common.h"
#include "faults.h"
#include "kselftest_harness.h"

/* With this many maps the list grows several times. */
#define NR_MAPS	20

FIXTURE(no_memory) {
	struct faults faults;
	int map[NR_MAPS];
	__u32 id[NR_MAPS];
};

FIXTURE_VARIANT(no_memory) {
	enum fault fault;
	/* Passed to faults_start(): the first value, and the increment. */
	unsigned int first, step;
};

FIXTURE_VARIANT_ADD(no_memory, nth) {
	.fault = FAULT_NTH, .first = 1, .step = 1,
};

FIXTURE_VARIANT_ADD(no_memory, slab) {
	.fault = FAULT_SLAB, .first = 0, .step = 8,
};

FIXTURE_SETUP(no_memory)
{
	int i;

	if (geteuid())
		SKIP(return, "needs root");
	if (access(FAIL_NTH, F_OK))
		SKIP(return, "needs a kernel with CONFIG_FAULT_INJECTION");

	ASSERT_EQ(0, faults_open(&self->faults));
	for (i = 0; i < NR_MAPS; i++) {
		self->map[i] = array_create(8, 1);
		ASSERT_LE(0, self->map[i]);
		self->id[i] = map_id(self->map[i]);
		ASSERT_NE(0, self->id[i]);
	}
}

/* Only descriptors hold the maps, as the programs are gone. */
FIXTURE_TEARDOWN(no_memory)
{
	int i;

	for (i = 0; i < NR_MAPS; i++) {
		close(self->map[i]);
		EXPECT_TRUE(map_gone(self->id[i]));
	}
}

/* Returns true if the program lists exactly the first @count maps. */
static bool lists(int prog, const __u32 *want, int count)
{
	__u32 ids[NR_MAPS] = {};

	return prog_map_ids(prog, ids, NR_MAPS) == count &&
	       !memcmp(ids, want, count * sizeof(*ids));
}

/* Loads a program and binds the first @count maps. */
static int prog_with_maps(const int *map, int count)
{
	int prog = prog_load_empty(BPF_PROG_TYPE_SOCKET_FILTER);
	int i;

	for (i = 0; prog >= 0 && i < count; i++)
		if (bind_map(prog, map[i]))
			return -1;
	return prog;
}

/* A debug kernel needs more than the usual 30 seconds on a busy machine. */
TEST_F_TIMEOUT(no_memory, bind, 300)
{
	int bound, prog, err, failed, refused = 0, total = 0;
	unsigned int n;
	__u32 id;

	for (bound = 0; bound < NR_MAPS; bound++) {
		for (n = variant->first, failed = 1; failed; n += variant->step) {
			prog = prog_with_maps(self->map, bound);
			ASSERT_LE(0, prog);
			id = prog_id(prog);

			ASSERT_EQ(0, faults_start(&self->faults, variant->fault, n));
			err = bind_map(prog, self->map[bound]);
			failed = faults_stop(&self->faults, variant->fault);
			ASSERT_LE(0, failed);
			total += failed;

			if (err) {
				refused++;
				EXPECT_EQ(-ENOMEM, err);
				EXPECT_LT(0, failed);
				EXPECT_TRUE(lists(prog, self->id, bound));
				EXPECT_EQ(0, bind_map(prog, self->map[bound]));
			}
			EXPECT_TRUE(lists(prog, self->id, bound + 1));
			close(prog);
			EXPECT_TRUE(prog_gone(id));
		}
	}
	ksft_print_msg("%d allocations failed, and %d binds\n", total, refused);
	/* Rust allocates the list in two ways, so one failure does not stop it. */
	if (variant->fault == FAULT_SLAB || !bpf_rust_active())
		EXPECT_LT(0, refused);
}

TEST_F(no_memory, info)
{
	int prog = prog_with_maps(self->map, NR_MAPS);
	int err, failed, refused = 0, total = 0;
	__u32 ids[NR_MAPS];
	unsigned int n;

	ASSERT_LE(0, prog);
	for (n = variant->first, failed = 1; failed; n += variant->step) {
		memset(ids, 0, sizeof(ids));

		ASSERT_EQ(0, faults_start(&self->faults, variant->fault, n));
		err = prog_map_ids(prog, ids, NR_MAPS);
		failed = faults_stop(&self->faults, variant->fault);
		ASSERT_LE(0, failed);
		total += failed;

		if (err < 0) {
			refused++;
			EXPECT_EQ(-ENOMEM, err);
			EXPECT_LT(0, failed);
			EXPECT_EQ(0, ids[0]);
		} else {
			EXPECT_EQ(NR_MAPS, err);
			EXPECT_EQ(0, memcmp(ids, self->id, sizeof(ids)));
		}
		EXPECT_TRUE(lists(prog, self->id, NR_MAPS));
	}
	ksft_print_msg("%d allocations failed, and %d reads\n", total, refused);
	/* Neither C nor Rust allocates memory to read the list. */
	EXPECT_EQ(0, refused);
	close(prog);
}

TEST_HARNESS_MAIN
