// SPDX-License-Identifier: GPL-2.0
/*
 * BPF_PROG_BIND_MAP: its effect, the program's info after it, and its errors in
 * the order in which the kernel checks for them.
 */
#include <stddef.h>
#include <sys/mman.h>

#include "common.h"
#include "kselftest_harness.h"

#define CANARY	0xdeadbeef

/* The program's instructions refer to one map; the tests bind the other three. */
#define NR_MAPS	4

FIXTURE(bind_map) {
	int prog;
	__u32 prog_id;
	int map[NR_MAPS];
	__u32 id[NR_MAPS];
};

FIXTURE_SETUP(bind_map)
{
	int i;

	if (geteuid())
		SKIP(return, "needs root");

	for (i = 0; i < NR_MAPS; i++) {
		self->map[i] = array_create(8, 1);
		ASSERT_LE(0, self->map[i]);
		self->id[i] = map_id(self->map[i]);
		ASSERT_NE(0, self->id[i]);
	}

	self->prog = prog_load_with_map(BPF_PROG_TYPE_SOCKET_FILTER, self->map[0]);
	ASSERT_LE(0, self->prog);
	self->prog_id = prog_id(self->prog);
	ASSERT_NE(0, self->prog_id);
}

FIXTURE_TEARDOWN(bind_map)
{
}

/* Returns true if the program lists exactly these maps, in this order. */
static bool lists(int prog, const __u32 *want, __u32 count)
{
	__u32 ids[64];
	int got, i;

	memset(ids, 0xff, sizeof(ids));
	got = prog_map_ids(prog, ids, ARRAY_SIZE(ids));
	if (got == (int)count && !memcmp(ids, want, count * sizeof(*ids)))
		return true;

	ksft_print_msg("got %d maps:", got);
	for (i = 0; i < got && i < (int)ARRAY_SIZE(ids); i++)
		printf(" %u", ids[i]);
	printf("; expected %u:", count);
	for (i = 0; i < (int)count; i++)
		printf(" %u", want[i]);
	printf("\n");
	return false;
}

/* Only the program and the file descriptors may hold the maps. */
#define EXPECT_NO_REFERENCE_LEAKED() do {				\
	int _i;								\
									\
	close(self->prog);						\
	EXPECT_TRUE(prog_gone(self->prog_id));				\
	for (_i = 0; _i < NR_MAPS; _i++) {				\
		close(self->map[_i]);					\
		EXPECT_TRUE(map_gone(self->id[_i]));			\
	}								\
} while (0)

TEST_F(bind_map, keeps_the_map)
{
	__u64 value = 0x0123456789abcdef, read = 0;
	__u32 key = 0;
	int fd;

	ASSERT_EQ(0, map_update(self->map[1], &key, &value));
	ASSERT_EQ(0, bind_map(self->prog, self->map[1]));

	close(self->map[1]);
	close(self->map[2]);
	EXPECT_TRUE(map_gone(self->id[2]));
	EXPECT_EQ(-ENOENT, map_fd_by_id(self->id[2]));

	fd = map_fd_by_id(self->id[1]);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, map_lookup(fd, &key, &read));
	EXPECT_EQ(value, read);
	close(fd);

	close(self->prog);
	EXPECT_TRUE(map_gone(self->id[1]));
	EXPECT_EQ(-ENOENT, map_fd_by_id(self->id[1]));
	EXPECT_EQ(-ENOENT, prog_fd_by_id(self->prog_id));
}

TEST_F(bind_map, is_listed_once_in_order)
{
	const __u32 want[] = { self->id[0], self->id[3], self->id[1], self->id[2] };
	const int order[] = { 3, 1, 2 };
	int i, round;

	ASSERT_TRUE(lists(self->prog, want, 1));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, bind_map(self->prog, self->map[order[i]]));
		ASSERT_TRUE(lists(self->prog, want, i + 2));
	}

	for (round = 0; round < 3; round++)
		for (i = 0; i < NR_MAPS; i++)
			EXPECT_EQ(0, bind_map(self->prog, self->map[i]));
	EXPECT_TRUE(lists(self->prog, want, NR_MAPS));
	EXPECT_NO_REFERENCE_LEAKED();
}

TEST_F(bind_map, knows_the_map_of_an_instruction)
{
	int round;

	for (round = 0; round < 3; round++)
		EXPECT_EQ(0, bind_map(self->prog, self->map[0]));
	EXPECT_TRUE(lists(self->prog, self->id, 1));
	EXPECT_NO_REFERENCE_LEAKED();
}

TEST_F(bind_map, knows_the_map_by_any_fd)
{
	int copy = dup(self->map[1]);
	int other = map_fd_by_id(self->id[1]);
	union bpf_attr attr = {
		.map_id = self->id[1],
		.open_flags = BPF_F_RDONLY,
	};
	int readonly = sys_bpf(BPF_MAP_GET_FD_BY_ID, &attr, sizeof(attr));

	ASSERT_LE(0, copy);
	ASSERT_LE(0, other);
	ASSERT_LE(0, readonly);

	/* Binding does not change the map, so permission to read it is enough. */
	EXPECT_EQ(0, bind_map(self->prog, readonly));
	EXPECT_EQ(0, bind_map(self->prog, other));
	EXPECT_EQ(0, bind_map(self->prog, copy));
	EXPECT_EQ(0, bind_map(self->prog, self->map[1]));
	EXPECT_TRUE(lists(self->prog, self->id, 2));

	close(copy);
	close(other);
	close(readonly);
	EXPECT_NO_REFERENCE_LEAKED();
}

TEST_F(bind_map, starts_the_list_of_a_program_without_maps)
{
	int prog = prog_load_empty(BPF_PROG_TYPE_SOCKET_FILTER);
	int i;

	ASSERT_LE(0, prog);
	EXPECT_TRUE(lists(prog, NULL, 0));
	for (i = 0; i < NR_MAPS; i++) {
		EXPECT_EQ(0, bind_map(prog, self->map[i]));
		EXPECT_EQ(0, bind_map(prog, self->map[i]));
		EXPECT_TRUE(lists(prog, self->id, i + 1));
	}
	close(prog);
	EXPECT_NO_REFERENCE_LEAKED();
}

TEST_F(bind_map, shares_a_map_between_programs)
{
	int other = prog_load_empty(BPF_PROG_TYPE_SOCKET_FILTER);
	__u32 id = prog_id(other);

	ASSERT_LE(0, other);
	EXPECT_EQ(0, bind_map(self->prog, self->map[1]));
	EXPECT_EQ(0, bind_map(other, self->map[1]));
	close(self->map[1]);

	close(other);
	EXPECT_TRUE(prog_gone(id));
	EXPECT_TRUE(map_alive(self->id[1]));
	EXPECT_TRUE(lists(self->prog, self->id, 2));

	close(self->prog);
	EXPECT_TRUE(map_gone(self->id[1]));
}

TEST_F(bind_map, info_fills_what_there_is_room_for)
{
	__u32 ids[2 * NR_MAPS], len, i;

	for (i = 1; i < NR_MAPS; i++)
		ASSERT_EQ(0, bind_map(self->prog, self->map[i]));

	for (len = 0; len <= ARRAY_SIZE(ids); len++) {
		for (i = 0; i < ARRAY_SIZE(ids); i++)
			ids[i] = CANARY;
		EXPECT_EQ(NR_MAPS, prog_map_ids(self->prog, ids, len));
		for (i = 0; i < ARRAY_SIZE(ids); i++)
			EXPECT_EQ(i < len && i < NR_MAPS ? self->id[i] : CANARY, ids[i]);
	}

	/* The largest length that can be passed. */
	for (i = 0; i < ARRAY_SIZE(ids); i++)
		ids[i] = CANARY;
	EXPECT_EQ(NR_MAPS, prog_map_ids(self->prog, ids, 0xffffffff));
	for (i = 0; i < ARRAY_SIZE(ids); i++)
		EXPECT_EQ(i < NR_MAPS ? self->id[i] : CANARY, ids[i]);
}

TEST_F(bind_map, info_does_not_touch_an_array_without_room)
{
	EXPECT_EQ(1, prog_map_ids(self->prog, NULL, 0));
	EXPECT_EQ(1, prog_map_ids(self->prog, (void *)1, 0));
}

TEST_F(bind_map, info_needs_an_array_that_can_be_written)
{
	long page = sysconf(_SC_PAGESIZE);
	char *mem = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct bpf_prog_info info, before;
	__u32 *bad[4];
	int i;

	ASSERT_NE(MAP_FAILED, mem);
	ASSERT_EQ(0, mprotect(mem + page, page, PROT_NONE));
	for (i = 1; i < NR_MAPS; i++)
		ASSERT_EQ(0, bind_map(self->prog, self->map[i]));

	bad[0] = NULL;
	bad[1] = (void *)1;
	bad[2] = (void *)-4096L;
	/* The array can hold two ids; the third one cannot be written. */
	bad[3] = (void *)(mem + page - 2 * sizeof(__u32));
	for (i = 0; i < (int)ARRAY_SIZE(bad); i++) {
		memset(&before, 0, sizeof(before));
		before.nr_map_ids = 3;
		before.map_ids = (unsigned long)bad[i];
		info = before;
		EXPECT_EQ(-EFAULT, obj_info(self->prog, &info, sizeof(info)));
		EXPECT_EQ(0, memcmp(&before, &info, sizeof(info)));
	}
	EXPECT_EQ(NR_MAPS, prog_map_ids(self->prog, bad[3], 2));

	/* No lock or reference is left. */
	EXPECT_EQ(0, bind_map(self->prog, self->map[1]));
	EXPECT_TRUE(lists(self->prog, self->id, NR_MAPS));
	EXPECT_NO_REFERENCE_LEAKED();
}

/* Descriptors that are neither a program nor a map, and their errors. */
struct bad_fd {
	const char *what;
	int fd;
	int err;
};

#define NR_BAD_FDS	5

static void open_bad_fds(struct bad_fd *bad)
{
	int closed = open("/dev/null", O_RDONLY);

	close(closed);
	bad[0] = (struct bad_fd){ "-1", -1, -EBADF };
	bad[1] = (struct bad_fd){ "INT_MAX", 0x7fffffff, -EBADF };
	bad[2] = (struct bad_fd){ "closed", closed, -EBADF };
	bad[3] = (struct bad_fd){ "O_PATH", open("/", O_PATH), -EBADF };
	bad[4] = (struct bad_fd){ "a directory", open("/", O_RDONLY), -EINVAL };
}

TEST_F(bind_map, needs_a_program_and_a_map)
{
	struct bad_fd bad[NR_BAD_FDS];
	int i;

	/* Do this first: the closed descriptor's number must stay free. */
	open_bad_fds(bad);
	for (i = 0; i < NR_BAD_FDS; i++) {
		EXPECT_EQ(bad[i].err, bind_map(bad[i].fd, self->map[1]))
			TH_LOG("program %s", bad[i].what);
		EXPECT_EQ(bad[i].err, bind_map(self->prog, bad[i].fd))
			TH_LOG("map %s", bad[i].what);
	}

	EXPECT_EQ(-EINVAL, bind_map(self->map[1], self->map[1]));
	EXPECT_EQ(-EINVAL, bind_map(self->prog, self->prog));
	EXPECT_EQ(-EINVAL, bind_map(self->map[1], self->prog));

	EXPECT_TRUE(lists(self->prog, self->id, 1));
	EXPECT_NO_REFERENCE_LEAKED();
}

TEST_F(bind_map, looks_at_the_program_first)
{
	struct bad_fd bad[NR_BAD_FDS];
	int i, j;

	open_bad_fds(bad);
	for (i = 0; i < NR_BAD_FDS; i++)
		for (j = 0; j < NR_BAD_FDS; j++)
			EXPECT_EQ(bad[i].err, bind_map(bad[i].fd, bad[j].fd));
}

TEST_F(bind_map, has_no_flags)
{
	struct bad_fd bad[NR_BAD_FDS];
	union bpf_attr attr = {};
	int bit, i;

	attr.prog_bind_map.prog_fd = self->prog;
	attr.prog_bind_map.map_fd = self->map[1];
	for (bit = 0; bit < 32; bit++) {
		attr.prog_bind_map.flags = 1U << bit;
		EXPECT_EQ(-EINVAL, sys_bpf(BPF_PROG_BIND_MAP, &attr, sizeof(attr)));
	}
	/* The same for a map that is on the list already. */
	attr.prog_bind_map.map_fd = self->map[0];
	EXPECT_EQ(-EINVAL, sys_bpf(BPF_PROG_BIND_MAP, &attr, sizeof(attr)));

	/* The kernel checks flags before descriptors. */
	open_bad_fds(bad);
	for (i = 0; i < NR_BAD_FDS; i++) {
		attr.prog_bind_map.prog_fd = bad[i].fd;
		attr.prog_bind_map.map_fd = bad[i].fd;
		EXPECT_EQ(-EINVAL, sys_bpf(BPF_PROG_BIND_MAP, &attr, sizeof(attr)));
	}

	EXPECT_TRUE(lists(self->prog, self->id, 1));
	EXPECT_NO_REFERENCE_LEAKED();
}

/* bpf(2) accepts at most one page. */
union big_attr {
	union bpf_attr attr;
	char bytes[4096];
};

TEST_F(bind_map, has_nothing_behind_the_flags)
{
	const size_t end = offsetof(union bpf_attr, prog_bind_map.flags) +
			   sizeof(((union bpf_attr *)0)->prog_bind_map.flags);
	union big_attr big = {};
	size_t at;

	big.attr.prog_bind_map.prog_fd = self->prog;
	big.attr.prog_bind_map.map_fd = self->map[1];
	for (at = end; at < sizeof(union bpf_attr); at++) {
		big.bytes[at] = 1;
		EXPECT_EQ(-EINVAL, sys_bpf(BPF_PROG_BIND_MAP, &big, sizeof(big.attr)))
			TH_LOG("byte %zu", at);
		big.bytes[at] = 0;
	}

	/* The kernel checks these bytes before the descriptors. */
	big.bytes[end] = 1;
	big.attr.prog_bind_map.prog_fd = -1;
	big.attr.prog_bind_map.map_fd = -1;
	EXPECT_EQ(-EINVAL, sys_bpf(BPF_PROG_BIND_MAP, &big, sizeof(big.attr)));
	big.bytes[end] = 0;
	big.attr.prog_bind_map.prog_fd = self->prog;
	big.attr.prog_bind_map.map_fd = self->map[1];

	/* Bytes that the kernel does not know must be zero. */
	big.bytes[sizeof(big) - 1] = 1;
	EXPECT_EQ(-E2BIG, sys_bpf(BPF_PROG_BIND_MAP, &big, sizeof(big)));
	big.bytes[sizeof(big) - 1] = 0;
	EXPECT_EQ(-EFAULT, sys_bpf(BPF_PROG_BIND_MAP, (void *)1, sizeof(big.attr)));
	EXPECT_TRUE(lists(self->prog, self->id, 1));

	EXPECT_EQ(0, sys_bpf(BPF_PROG_BIND_MAP, &big, sizeof(big)));
	EXPECT_TRUE(lists(self->prog, self->id, 2));

	/* Missing bytes count as zero. */
	big.bytes[end] = 1;
	EXPECT_EQ(0, sys_bpf(BPF_PROG_BIND_MAP, &big, end));
	big.attr.prog_bind_map.map_fd = self->map[2];
	big.attr.prog_bind_map.flags = 1;
	EXPECT_EQ(0, sys_bpf(BPF_PROG_BIND_MAP, &big,
			     offsetof(union bpf_attr, prog_bind_map.flags)));
	EXPECT_TRUE(lists(self->prog, self->id, 3));
	EXPECT_NO_REFERENCE_LEAKED();
}

TEST_HARNESS_MAIN
