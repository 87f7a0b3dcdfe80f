// SPDX-License-Identifier: GPL-2.0
/*
 * Binding to a sleepable program.
 *
 * A map counts the sleepable programs that keep it. If a map of maps has such
 * programs, an inner map that is removed from it must outlive all sleepable
 * programs that run at that moment. The tests observe this: the inner map is
 * big, and a page fault keeps a sleepable program running.
 */
#include <pthread.h>

#include "common.h"
#include "kselftest_harness.h"
#include "uffd.h"

#define INNER_SIZE	(64 << 20)
/* The threshold between freed and not yet freed. */
#define INNER_HALF_KB	(INNER_SIZE / 2 / 1024)
#define NR_MAPS		500

struct run {
	int prog;
	__u64 addr;
	int err;
	int retval;
};

/* Loads a program that returns bpf_copy_from_user() of the address in its context. */
static int prog_load_copy(void)
{
	const struct bpf_insn insns[] = {
		LDX(BPF_DW, BPF_REG_3, BPF_REG_1, 0),
		MOV64_REG(BPF_REG_1, BPF_REG_10),
		ADD64_IMM(BPF_REG_1, -8),
		MOV64_IMM(BPF_REG_2, 8),
		CALL(BPF_FUNC_copy_from_user),
		EXIT(),
	};

	return prog_load(BPF_PROG_TYPE_SYSCALL, insns, ARRAY_SIZE(insns));
}

static void *run_prog(void *arg)
{
	struct run *run = arg;
	union bpf_attr attr = {
		.test = {
			.prog_fd = run->prog,
			.ctx_in = (unsigned long)&run->addr,
			.ctx_size_in = sizeof(run->addr),
		},
	};

	run->err = sys_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr));
	run->retval = attr.test.retval;
	return NULL;
}

FIXTURE(sleepable) {
	struct uffd_page page;
	int keeper;
	int outer;
	__u32 inner_id;
	long before;
};

FIXTURE_VARIANT(sleepable) {
	/* The program's instructions refer to the map. */
	bool uses;
	bool binds;
	bool twice;
	bool ends;
	bool sleeps;
	bool defers;
};

FIXTURE_VARIANT_ADD(sleepable, bound) {
	.binds = true,
	.sleeps = true,
	.defers = true,
};

FIXTURE_VARIANT_ADD(sleepable, bound_twice) {
	.binds = true,
	.twice = true,
	.sleeps = true,
	.defers = true,
};

FIXTURE_VARIANT_ADD(sleepable, used) {
	.uses = true,
	.sleeps = true,
	.defers = true,
};

FIXTURE_VARIANT_ADD(sleepable, not_bound) {
	.sleeps = true,
};

FIXTURE_VARIANT_ADD(sleepable, bound_to_another_kind) {
	.binds = true,
};

FIXTURE_VARIANT_ADD(sleepable, bound_to_one_that_ended) {
	.binds = true,
	.sleeps = true,
	.ends = true,
};

FIXTURE_VARIANT_ADD(sleepable, bound_twice_to_one_that_ended) {
	.binds = true,
	.twice = true,
	.sleeps = true,
	.ends = true,
};

FIXTURE_VARIANT_ADD(sleepable, used_by_one_that_ended) {
	.uses = true,
	.binds = true,
	.sleeps = true,
	.ends = true,
};

FIXTURE_SETUP(sleepable)
{
	enum bpf_prog_type type = variant->sleeps ? BPF_PROG_TYPE_SYSCALL :
						    BPF_PROG_TYPE_SOCKET_FILTER;
	int inner, witness;
	__u32 key = 0, id;

	if (geteuid())
		SKIP(return, "needs root");

	self->before = mem_available_kb();
	ASSERT_LT(4 * INNER_HALF_KB, self->before)
		TH_LOG("not enough memory");
	inner = array_create(INNER_SIZE, 1);
	ASSERT_LE(0, inner);
	self->inner_id = map_id(inner);
	self->outer = map_create_attr(BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 1, 0, inner);
	ASSERT_LE(0, self->outer);
	ASSERT_EQ(0, map_update(self->outer, &key, &inner));
	close(inner);
	ASSERT_EQ(0, uffd_page_open(&self->page));

	self->keeper = variant->uses ? prog_load_with_map(type, self->outer) :
				       prog_load_empty(type);
	ASSERT_LE(0, self->keeper);
	if (variant->binds)
		ASSERT_EQ(0, bind_map(self->keeper, self->outer));
	if (variant->twice)
		ASSERT_EQ(0, bind_map(self->keeper, self->outer));
	if (variant->ends) {
		/* When this map is gone, the program's list is released. */
		witness = array_create(8, 1);
		ASSERT_LE(0, witness);
		id = map_id(witness);
		ASSERT_EQ(0, bind_map(self->keeper, witness));
		close(witness);
		close(self->keeper);
		ASSERT_TRUE(map_gone(id));
	}
}

FIXTURE_TEARDOWN(sleepable)
{
}

TEST_F(sleepable, is_counted)
{
	struct run run = { .addr = (unsigned long)self->page.addr };
	long long deadline;
	pthread_t thread;
	__u32 key = 0;

	run.prog = prog_load_copy();
	ASSERT_LE(0, run.prog);
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_prog, &run));
	ASSERT_EQ(0, uffd_page_wait(&self->page));

	ASSERT_EQ(0, map_delete(self->outer, &key));
	ASSERT_TRUE(map_gone(self->inner_id));
	if (variant->defers) {
		deadline = now_ms() + 500;
		while (now_ms() < deadline) {
			ASSERT_LT(mem_available_kb(), self->before - INNER_HALF_KB)
				TH_LOG("a sleepable program could still use the inner map");
			usleep(10000);
		}
	} else {
		EXPECT_TRUE(mem_comes_back(self->before - INNER_HALF_KB));
	}

	ASSERT_EQ(0, uffd_page_fill(&self->page, 1));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, run.err);
	EXPECT_EQ(0, run.retval);
	EXPECT_TRUE(mem_comes_back(self->before - INNER_HALF_KB));
}

/* The kernel warns if the count is not zero when it frees a map. */
static int kmsg_open_at_end(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0 && lseek(fd, 0, SEEK_END) < 0)
		return -errno;
	return fd < 0 ? -errno : fd;
}

static bool kmsg_has_warning(int fd)
{
	char line[8192];
	bool found = false;
	ssize_t len;

	for (;;) {
		len = read(fd, line, sizeof(line) - 1);
		if (len < 0 && errno == EPIPE)
			continue;
		if (len <= 0)
			return found;
		line[len] = 0;
		if (strstr(line, "WARNING:") || strstr(line, "cut here")) {
			ksft_print_msg("kernel: %s", line);
			found = true;
		}
	}
}

TEST(leaves_counts_balanced)
{
	int clear, kmsg, prog, map[NR_MAPS], i, round;
	__u32 id[NR_MAPS];

	if (geteuid())
		SKIP(return, "needs root");

	/* Let the kernel repeat warnings that it prints once. */
	clear = open("/sys/kernel/debug/clear_warn_once", O_WRONLY);
	if (clear >= 0) {
		EXPECT_EQ(1, write(clear, "1", 1));
		close(clear);
	}
	kmsg = kmsg_open_at_end();
	ASSERT_LE(0, kmsg);

	for (i = 0; i < NR_MAPS; i++) {
		map[i] = array_create(8, 1);
		ASSERT_LE(0, map[i]);
		id[i] = map_id(map[i]);
	}
	/* The programs share all maps; each refers to one in its instructions. */
	for (round = 0; round < 3; round++) {
		prog = prog_load_with_map(BPF_PROG_TYPE_SYSCALL, map[round]);
		ASSERT_LE(0, prog);
		for (i = 0; i < NR_MAPS; i++) {
			ASSERT_EQ(0, bind_map(prog, map[i]));
			ASSERT_EQ(0, bind_map(prog, map[i]));
		}
		EXPECT_EQ(NR_MAPS, prog_map_ids(prog, NULL, 0));
		if (round < 2)
			close(prog);
	}

	for (i = 0; i < NR_MAPS; i++)
		close(map[i]);
	EXPECT_TRUE(map_alive(id[0]));
	EXPECT_TRUE(map_alive(id[NR_MAPS - 1]));
	close(prog);
	for (i = 0; i < NR_MAPS; i++)
		ASSERT_TRUE(map_gone(id[i]));
	EXPECT_FALSE(kmsg_has_warning(kmsg));
	close(kmsg);
}

TEST_HARNESS_MAIN
