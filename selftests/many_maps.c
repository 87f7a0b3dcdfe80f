// SPDX-License-Identifier: GPL-2.0
/* The number of bound maps has no limit. */
#include "common.h"
#include "kselftest_harness.h"

#define NR_MAPS		10000

FIXTURE(many_maps) {
};

FIXTURE_SETUP(many_maps)
{
}

FIXTURE_TEARDOWN(many_maps)
{
}

/* Debug kernels need this much time. */
TEST_F_TIMEOUT(many_maps, ten_thousand, 300)
{
	static __u32 want[NR_MAPS], ids[NR_MAPS + 1];
	static int map[NR_MAPS];
	int i, prog;

	if (geteuid())
		SKIP(return, "needs root");
	ASSERT_EQ(0, raise_nofile(NR_MAPS + 100));

	for (i = 0; i < NR_MAPS; i++) {
		map[i] = array_create(8, 1);
		ASSERT_LE(0, map[i]);
		want[i] = map_id(map[i]);
		ASSERT_NE(0, want[i]);
	}
	prog = prog_load_with_map(BPF_PROG_TYPE_SOCKET_FILTER, map[0]);
	ASSERT_LE(0, prog);
	for (i = 1; i < NR_MAPS; i++)
		ASSERT_EQ(0, bind_map(prog, map[i]));

	/* Maps at the start of the list, in the middle and at the end. */
	for (i = 0; i < NR_MAPS; i += NR_MAPS / 10)
		EXPECT_EQ(0, bind_map(prog, map[i]));
	EXPECT_EQ(0, bind_map(prog, map[1]));
	EXPECT_EQ(0, bind_map(prog, map[NR_MAPS - 1]));
	EXPECT_EQ(NR_MAPS, prog_map_ids(prog, NULL, 0));

	for (i = 0; i < NR_MAPS; i++)
		close(map[i]);

	/* One call returns all of them, and writes nothing after them. */
	ids[NR_MAPS] = 0xdeadbeef;
	ASSERT_EQ(NR_MAPS, prog_map_ids(prog, ids, NR_MAPS + 1));
	EXPECT_EQ(0, memcmp(want, ids, sizeof(want)));
	EXPECT_EQ(0xdeadbeef, ids[NR_MAPS]);

	/* All but the last. */
	memset(ids, 0xff, sizeof(ids));
	ASSERT_EQ(NR_MAPS, prog_map_ids(prog, ids, NR_MAPS - 1));
	EXPECT_EQ(0, memcmp(want, ids, (NR_MAPS - 1) * sizeof(*ids)));
	EXPECT_EQ(0xffffffff, ids[NR_MAPS - 1]);

	for (i = 0; i < NR_MAPS; i++)
		ASSERT_TRUE(map_alive(want[i]));
	close(prog);
	for (i = 0; i < NR_MAPS; i++)
		ASSERT_TRUE(map_gone(want[i]));
}

TEST_HARNESS_MAIN
