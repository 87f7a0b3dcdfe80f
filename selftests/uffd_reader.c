// SPDX-License-Identifier: GPL-2.0
/*
 * A reader of the program's info is stuck in a page fault on its map_ids. The
 * Rust implementation does not block others; the C one holds the lock of the
 * program's maps during the fault.
 */
#include <pthread.h>
#include <semaphore.h>

#include "common.h"
#include "kselftest_harness.h"
#include "uffd.h"

#define FILL		0xa5
/* Short, as a test that expects blocking waits for all of it. */
#define BLOCKED_MS	500

/* Work for a thread, and its result. */
struct job {
	int (*work)(struct job *job);
	int prog;
	int map;
	__u32 *ids;
	__u32 nr_ids;
	int result;
	sem_t done;
	pthread_t thread;
};

static int work_bind(struct job *job)
{
	return bind_map(job->prog, job->map);
}

static int work_count(struct job *job)
{
	return prog_map_ids(job->prog, NULL, 0);
}

static int work_read(struct job *job)
{
	return prog_map_ids(job->prog, job->ids, job->nr_ids);
}

static int work_dump(struct job *job)
{
	struct bpf_insn insns[16];
	struct bpf_prog_info info = {
		.xlated_prog_len = sizeof(insns),
		.xlated_prog_insns = (unsigned long)insns,
	};

	return obj_info(job->prog, &info, sizeof(info));
}

static void *job_run(void *arg)
{
	struct job *job = arg;

	job->result = job->work(job);
	sem_post(&job->done);
	return NULL;
}

static int job_start(struct job *job)
{
	job->result = -EINPROGRESS;
	if (sem_init(&job->done, 0, 0))
		return -errno;
	return -pthread_create(&job->thread, NULL, job_run, job);
}

static bool job_done_within(struct job *job, long long ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += ms / 1000;
	ts.tv_nsec += ms % 1000 * 1000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	while (sem_timedwait(&job->done, &ts))
		if (errno != EINTR)
			return false;
	pthread_join(job->thread, NULL);
	return true;
}

FIXTURE(uffd_reader) {
	struct uffd_page page;
	int prog;
	int map[2];
	__u32 id[2];
};

FIXTURE_VARIANT(uffd_reader) {
	int (*work)(struct job *job);
	int result;
	int maps_after;
};

FIXTURE_VARIANT_ADD(uffd_reader, bind) {
	.work = work_bind,
	.result = 0,
	.maps_after = 2,
};

FIXTURE_VARIANT_ADD(uffd_reader, count) {
	.work = work_count,
	.result = 1,
	.maps_after = 1,
};

FIXTURE_VARIANT_ADD(uffd_reader, read) {
	.work = work_read,
	.result = 1,
	.maps_after = 1,
};

FIXTURE_VARIANT_ADD(uffd_reader, dump) {
	.work = work_dump,
	.result = 0,
	.maps_after = 1,
};

FIXTURE_SETUP(uffd_reader)
{
	int i;

	if (geteuid())
		SKIP(return, "needs root");
	for (i = 0; i < 2; i++) {
		self->map[i] = array_create(8, 1);
		ASSERT_LE(0, self->map[i]);
		self->id[i] = map_id(self->map[i]);
	}
	self->prog = prog_load_with_map(BPF_PROG_TYPE_SOCKET_FILTER, self->map[0]);
	ASSERT_LE(0, self->prog);
	ASSERT_EQ(0, uffd_page_open(&self->page));
}

FIXTURE_TEARDOWN(uffd_reader)
{
}

TEST_F(uffd_reader, blocks_nobody)
{
	__u32 *ids = self->page.addr, other_ids[8] = {};
	struct job reader = {
		.work = work_read,
		.prog = self->prog,
		.ids = ids,
		.nr_ids = 8,
	};
	struct job job = {
		.work = variant->work,
		.prog = self->prog,
		.map = self->map[1],
		.ids = other_ids,
		.nr_ids = 8,
	};
	unsigned int i;

	ASSERT_EQ(0, job_start(&reader));
	ASSERT_EQ(0, uffd_page_wait(&self->page));
	ASSERT_EQ(0, job_start(&job));

	if (bpf_rust_active()) {
		ASSERT_TRUE(job_done_within(&job, PATIENCE_MS));
		EXPECT_EQ(variant->maps_after, prog_map_ids(self->prog, NULL, 0));
	} else {
		ASSERT_FALSE(job_done_within(&job, BLOCKED_MS));
	}

	/* The reader still waits for the page. */
	EXPECT_EQ(-EINPROGRESS, reader.result);
	ASSERT_EQ(0, uffd_page_fill(&self->page, FILL));
	ASSERT_TRUE(job_done_within(&reader, PATIENCE_MS));
	if (!bpf_rust_active())
		ASSERT_TRUE(job_done_within(&job, PATIENCE_MS));

	EXPECT_EQ(variant->result, job.result);
	if (variant->work == work_read)
		EXPECT_EQ(self->id[0], other_ids[0]);

	/* It sees the list as it was at the call, and writes nothing else. */
	EXPECT_EQ(1, reader.result);
	EXPECT_EQ(self->id[0], ids[0]);
	for (i = 1; i < self->page.size / sizeof(*ids); i++)
		ASSERT_EQ(FILL * 0x01010101U, ids[i]);

	ASSERT_EQ(variant->maps_after, prog_map_ids(self->prog, other_ids, 8));
	for (i = 0; i < (unsigned int)variant->maps_after; i++)
		EXPECT_EQ(self->id[i], other_ids[i]);
}

/* A reader whose memory is unmapped while it waits leaves nothing behind. */
TEST(reader_that_fails)
{
	struct uffd_page page = {};
	struct job reader = { .work = work_read, .nr_ids = 8 };
	__u32 id[2], prog;
	int map[2], i;

	if (geteuid())
		SKIP(return, "needs root");
	for (i = 0; i < 2; i++) {
		map[i] = array_create(8, 1);
		ASSERT_LE(0, map[i]);
		id[i] = map_id(map[i]);
	}
	reader.prog = prog_load_with_map(BPF_PROG_TYPE_SOCKET_FILTER, map[0]);
	ASSERT_LE(0, reader.prog);
	prog = prog_id(reader.prog);

	ASSERT_EQ(0, uffd_page_open(&page));
	reader.ids = page.addr;
	ASSERT_EQ(0, job_start(&reader));
	ASSERT_EQ(0, uffd_page_wait(&page));
	uffd_page_close(&page);
	ASSERT_TRUE(job_done_within(&reader, PATIENCE_MS));
	EXPECT_EQ(-EFAULT, reader.result);

	EXPECT_EQ(0, bind_map(reader.prog, map[1]));
	EXPECT_EQ(2, prog_map_ids(reader.prog, NULL, 0));
	close(reader.prog);
	EXPECT_TRUE(prog_gone(prog));
	for (i = 0; i < 2; i++) {
		close(map[i]);
		EXPECT_TRUE(map_gone(id[i]));
	}
}

TEST_HARNESS_MAIN
