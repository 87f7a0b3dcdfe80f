// SPDX-License-Identifier: GPL-2.0
/* A map of any type can be bound; it outlives its fd and dies with the program. */
#include "common.h"
#include "kselftest_harness.h"

FIXTURE(map_kinds) {
	int prog;
	int inner;
	int map;
	__u32 id;
};

FIXTURE_VARIANT(map_kinds) {
	enum bpf_map_type type;
	__u32 key_size;
	__u32 value_size;
	__u32 max_entries;
	__u32 flags;
	bool has_inner;
};

FIXTURE_VARIANT_ADD(map_kinds, array) {
	BPF_MAP_TYPE_ARRAY, 4, 8, 4,
};

FIXTURE_VARIANT_ADD(map_kinds, array_mmapable) {
	BPF_MAP_TYPE_ARRAY, 4, 8, 4, .flags = BPF_F_MMAPABLE,
};

FIXTURE_VARIANT_ADD(map_kinds, array_of_maps) {
	BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 4, .has_inner = true,
};

FIXTURE_VARIANT_ADD(map_kinds, bloom_filter) {
	BPF_MAP_TYPE_BLOOM_FILTER, 0, 8, 4,
};

FIXTURE_VARIANT_ADD(map_kinds, hash) {
	BPF_MAP_TYPE_HASH, 4, 8, 4,
};

FIXTURE_VARIANT_ADD(map_kinds, hash_no_prealloc) {
	BPF_MAP_TYPE_HASH, 4, 8, 4, .flags = BPF_F_NO_PREALLOC,
};

FIXTURE_VARIANT_ADD(map_kinds, hash_of_maps) {
	BPF_MAP_TYPE_HASH_OF_MAPS, 4, 4, 4, .has_inner = true,
};

FIXTURE_VARIANT_ADD(map_kinds, insn_array) {
	BPF_MAP_TYPE_INSN_ARRAY, 4, sizeof(struct bpf_insn_array_value), 4,
};

FIXTURE_VARIANT_ADD(map_kinds, lpm_trie) {
	BPF_MAP_TYPE_LPM_TRIE, 8, 8, 4, .flags = BPF_F_NO_PREALLOC,
};

FIXTURE_VARIANT_ADD(map_kinds, lru_hash) {
	BPF_MAP_TYPE_LRU_HASH, 4, 8, 4,
};

FIXTURE_VARIANT_ADD(map_kinds, percpu_array) {
	BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 4,
};

FIXTURE_VARIANT_ADD(map_kinds, percpu_hash) {
	BPF_MAP_TYPE_PERCPU_HASH, 4, 8, 4,
};

FIXTURE_VARIANT_ADD(map_kinds, perf_event_array) {
	BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 4,
};

FIXTURE_VARIANT_ADD(map_kinds, prog_array) {
	BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 4,
};

FIXTURE_VARIANT_ADD(map_kinds, queue) {
	BPF_MAP_TYPE_QUEUE, 0, 8, 4,
};

FIXTURE_VARIANT_ADD(map_kinds, ringbuf) {
	BPF_MAP_TYPE_RINGBUF, 0, 0, 4096,
};

FIXTURE_VARIANT_ADD(map_kinds, stack) {
	BPF_MAP_TYPE_STACK, 0, 8, 4,
};

FIXTURE_VARIANT_ADD(map_kinds, user_ringbuf) {
	BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 4096,
};

FIXTURE_SETUP(map_kinds)
{
	if (geteuid())
		SKIP(return, "needs root");

	self->prog = prog_load_empty(BPF_PROG_TYPE_SOCKET_FILTER);
	ASSERT_LE(0, self->prog);
	self->inner = -1;
	if (variant->has_inner) {
		self->inner = array_create(8, 1);
		ASSERT_LE(0, self->inner);
	}
	self->map = map_create_attr(variant->type, variant->key_size,
				    variant->value_size, variant->max_entries,
				    variant->flags,
				    variant->has_inner ? self->inner : 0);
	ASSERT_LE(0, self->map);
	self->id = map_id(self->map);
	ASSERT_NE(0, self->id);
}

FIXTURE_TEARDOWN(map_kinds)
{
}

TEST_F(map_kinds, lives_as_long_as_the_program)
{
	struct bpf_map_info info = {};
	__u32 id = 0;
	int fd;

	ASSERT_EQ(0, bind_map(self->prog, self->map));
	ASSERT_EQ(0, bind_map(self->prog, self->map));
	close(self->map);

	EXPECT_EQ(1, prog_map_ids(self->prog, &id, 1));
	EXPECT_EQ(self->id, id);
	EXPECT_TRUE(map_alive(self->id));
	/* See id_in_use(). */
	if (variant->type != BPF_MAP_TYPE_PROG_ARRAY) {
		fd = map_fd_by_id(self->id);
		ASSERT_LE(0, fd);
		EXPECT_EQ(0, obj_info(fd, &info, sizeof(info)));
		EXPECT_EQ(variant->type, info.type);
		close(fd);
	}

	close(self->prog);
	EXPECT_TRUE(map_gone(self->id));
}

TEST_F(map_kinds, goes_without_being_bound)
{
	close(self->map);
	EXPECT_TRUE(map_gone(self->id));
	EXPECT_EQ(0, prog_map_ids(self->prog, NULL, 0));
}

/* An inner map of a bound map of maps stays reachable, and dies with it. */
FIXTURE(inner_map) {
};

FIXTURE_VARIANT(inner_map) {
	enum bpf_map_type outer;
};

FIXTURE_VARIANT_ADD(inner_map, of_array) {
	.outer = BPF_MAP_TYPE_ARRAY_OF_MAPS,
};

FIXTURE_VARIANT_ADD(inner_map, of_hash) {
	.outer = BPF_MAP_TYPE_HASH_OF_MAPS,
};

FIXTURE_SETUP(inner_map)
{
}

FIXTURE_TEARDOWN(inner_map)
{
}

TEST_F(inner_map, lives_as_long_as_the_program)
{
	__u32 key = 1, outer_id, inner_id, value = 0;
	int prog, outer, inner;

	if (geteuid())
		SKIP(return, "needs root");

	prog = prog_load_empty(BPF_PROG_TYPE_SOCKET_FILTER);
	ASSERT_LE(0, prog);
	inner = array_create(8, 1);
	ASSERT_LE(0, inner);
	outer = map_create_attr(variant->outer, 4, 4, 4, 0, inner);
	ASSERT_LE(0, outer);
	outer_id = map_id(outer);
	inner_id = map_id(inner);

	ASSERT_EQ(0, map_update(outer, &key, &inner));
	ASSERT_EQ(0, bind_map(prog, outer));
	close(inner);
	close(outer);

	outer = map_fd_by_id(outer_id);
	ASSERT_LE(0, outer);
	EXPECT_EQ(0, map_lookup(outer, &key, &value));
	EXPECT_EQ(inner_id, value);
	close(outer);
	EXPECT_TRUE(map_alive(inner_id));

	close(prog);
	EXPECT_TRUE(map_gone(outer_id));
	EXPECT_TRUE(map_gone(inner_id));
}

TEST(exclusive)
{
	static const char digest[32] = "of some other program";
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = 8,
		.max_entries = 1,
		.excl_prog_hash = (unsigned long)digest,
		.excl_prog_hash_size = sizeof(digest),
	};
	int prog, map;
	__u32 id;

	if (geteuid())
		SKIP(return, "needs root");

	prog = prog_load_empty(BPF_PROG_TYPE_SOCKET_FILTER);
	ASSERT_LE(0, prog);
	map = sys_bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
	ASSERT_LE(0, map);
	id = map_id(map);

	/* A program may keep a map that it may not access. */
	EXPECT_LT(prog_load_with_map(BPF_PROG_TYPE_SOCKET_FILTER, map), 0);
	EXPECT_EQ(0, bind_map(prog, map));
	close(map);
	EXPECT_TRUE(map_alive(id));
	close(prog);
	EXPECT_TRUE(map_gone(id));
}

/*
 * A program array drops its programs when user space no longer refers to it. A
 * bound map is no such reference: otherwise this pair would live forever.
 */
TEST(prog_array_that_holds_its_own_program)
{
	__u32 key = 0, map, prog;
	int map_fd, prog_fd;

	if (geteuid())
		SKIP(return, "needs root");

	prog_fd = prog_load_empty(BPF_PROG_TYPE_SOCKET_FILTER);
	ASSERT_LE(0, prog_fd);
	map_fd = map_create_attr(BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 4, 0, 0);
	ASSERT_LE(0, map_fd);
	prog = prog_id(prog_fd);
	map = map_id(map_fd);

	ASSERT_EQ(0, map_update(map_fd, &key, &prog_fd));
	ASSERT_EQ(0, bind_map(prog_fd, map_fd));
	close(prog_fd);
	prog_fd = prog_fd_by_id(prog);
	ASSERT_LE(0, prog_fd);
	close(prog_fd);
	EXPECT_TRUE(map_alive(map));

	close(map_fd);
	EXPECT_TRUE(prog_gone(prog));
	EXPECT_TRUE(map_gone(map));
}

TEST(prog_array_that_holds_another_program)
{
	__u32 key = 0, map, prog;
	int map_fd, prog_fd, other_fd;

	if (geteuid())
		SKIP(return, "needs root");

	prog_fd = prog_load_empty(BPF_PROG_TYPE_SOCKET_FILTER);
	ASSERT_LE(0, prog_fd);
	other_fd = prog_load_empty(BPF_PROG_TYPE_SOCKET_FILTER);
	ASSERT_LE(0, other_fd);
	map_fd = map_create_attr(BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 4, 0, 0);
	ASSERT_LE(0, map_fd);
	prog = prog_id(prog_fd);
	map = map_id(map_fd);

	ASSERT_EQ(0, map_update(map_fd, &key, &prog_fd));
	ASSERT_EQ(0, bind_map(other_fd, map_fd));
	close(prog_fd);
	close(map_fd);
	EXPECT_TRUE(prog_gone(prog));
	EXPECT_TRUE(map_alive(map));
	close(other_fd);
	EXPECT_TRUE(map_gone(map));
}

TEST_HARNESS_MAIN
