// SPDX-License-Identifier: GPL-2.0
/*
 * The Rust implementation charges the memory for the list of bound maps to the
 * process that binds them. The C one does not charge it.
 */
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "common.h"
#include "kselftest_harness.h"

#define NR_MAPS		8192
/* The list may grow in steps, so it is at least this large. */
#define LIST_SIZE	(NR_MAPS * (long)sizeof(void *))
/*
 * The kernel updates the statistics when enough has changed. This is enough on
 * machines with up to 64 processors.
 */
#define MARKER_SIZE	(64L << 20)

static int write_file(const char *dir, const char *name, const char *text)
{
	char path[PATH_MAX];
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static long memory_stat(const char *dir, const char *key)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/memory.stat", dir);
	return file_value(path, key);
}

FIXTURE(memcg) {
	char root[PATH_MAX / 2];
	char dir[PATH_MAX / 2 + 64];
	bool mounted;
	pid_t child;
	int to_child;
	int from_child;
	int prog;
	int map[NR_MAPS];
	__u32 last_id;
};

/* Takes one step for each byte, and answers with one byte. */
static void child_main(FIXTURE_DATA(memcg) *self, int in, int out)
{
	char *marker = MAP_FAILED;
	char step, answer;
	int i;

	while (read(in, &step, 1) == 1) {
		answer = 'k';
		switch (step) {
		case 'j':
			if (write_file(self->dir, "cgroup.procs", "0"))
				answer = 'e';
			break;
		case 'b':
			for (i = 0; i < NR_MAPS; i++)
				if (bind_map(self->prog, self->map[i]))
					answer = 'e';
			break;
		case 'c':
			for (i = 0; i < NR_MAPS; i++)
				close(self->map[i]);
			close(self->prog);
			break;
		case 'm':
			marker = mmap(NULL, MARKER_SIZE, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			if (marker == MAP_FAILED)
				answer = 'e';
			else
				memset(marker, 1, MARKER_SIZE);
			break;
		case 'u':
			munmap(marker, MARKER_SIZE);
			break;
		}
		if (write(out, &answer, 1) != 1)
			break;
	}
	_exit(0);
}

static bool child_does(FIXTURE_DATA(memcg) *self, char step)
{
	char answer = 0;

	if (write(self->to_child, &step, 1) != 1)
		return false;
	return read(self->from_child, &answer, 1) == 1 && answer == 'k';
}

/*
 * Returns the memory that the kernel has allocated for the group. The sum
 * "kernel" would include the marker's page tables, which are freed late.
 */
static long kernel_memory(FIXTURE_DATA(memcg) *self)
{
	long long deadline = now_ms() + PATIENCE_MS;
	long slab, vmalloc;

	/* When the marker is in the statistics, all earlier changes are as well. */
	if (!child_does(self, 'm'))
		return -EIO;
	while (memory_stat(self->dir, "anon") < MARKER_SIZE) {
		if (now_ms() > deadline)
			return -ETIMEDOUT;
		usleep(10000);
	}
	slab = memory_stat(self->dir, "slab");
	vmalloc = memory_stat(self->dir, "vmalloc");
	if (slab < 0 || vmalloc < 0)
		return -ENOENT;
	if (!child_does(self, 'u'))
		return -EIO;
	while (memory_stat(self->dir, "anon") >= MARKER_SIZE) {
		if (now_ms() > deadline)
			return -ETIMEDOUT;
		usleep(10000);
	}
	ksft_print_msg("slab %ld, vmalloc %ld\n", slab, vmalloc);
	return slab + vmalloc;
}

FIXTURE_SETUP(memcg)
{
	int in[2], out[2], i;

	if (geteuid())
		SKIP(return, "needs root");

	snprintf(self->root, sizeof(self->root), "/sys/fs/cgroup");
	if (access("/sys/fs/cgroup/cgroup.controllers", F_OK)) {
		snprintf(self->root, sizeof(self->root), "/tmp/bpf_rust.XXXXXX");
		mkdir("/tmp", 01777);
		ASSERT_NE(NULL, mkdtemp(self->root));
		ASSERT_EQ(0, mount("none", self->root, "cgroup2", 0, NULL));
		self->mounted = true;
	}
	ASSERT_EQ(0, write_file(self->root, "cgroup.subtree_control", "+memory"))
		TH_LOG("no memory controller");
	snprintf(self->dir, sizeof(self->dir), "%s/bpf_rust.%d", self->root, getpid());
	ASSERT_EQ(0, mkdir(self->dir, 0755));

	/* This process creates and is charged for everything but the list. */
	ASSERT_EQ(0, raise_nofile(NR_MAPS + 100));
	self->prog = prog_load_empty(BPF_PROG_TYPE_SOCKET_FILTER);
	ASSERT_LE(0, self->prog);
	for (i = 0; i < NR_MAPS; i++) {
		self->map[i] = array_create(8, 1);
		ASSERT_LE(0, self->map[i]);
	}
	self->last_id = map_id(self->map[NR_MAPS - 1]);

	ASSERT_EQ(0, pipe(in));
	ASSERT_EQ(0, pipe(out));
	self->to_child = in[1];
	self->from_child = out[0];
	self->child = fork();
	ASSERT_LE(0, self->child);
	if (!self->child) {
		close(in[1]);
		close(out[0]);
		child_main(self, in[0], out[1]);
	}
	close(in[0]);
	close(out[1]);
	ASSERT_TRUE(child_does(self, 'j'));
}

FIXTURE_TEARDOWN(memcg)
{
	if (self->child > 0) {
		kill(self->child, SIGKILL);
		waitpid(self->child, NULL, 0);
	}
	rmdir(self->dir);
	if (self->mounted) {
		umount(self->root);
		rmdir(self->root);
	}
}

TEST_F_TIMEOUT(memcg, charges_the_list, 60)
{
	long before, bound, after;
	int i;

	before = kernel_memory(self);
	ASSERT_LE(0, before);
	ASSERT_TRUE(child_does(self, 'b'));
	ASSERT_EQ(NR_MAPS, prog_map_ids(self->prog, NULL, 0));
	bound = kernel_memory(self);
	ASSERT_LE(0, bound);

	if (bpf_rust_active()) {
		EXPECT_GE(bound - before, LIST_SIZE / 2);
		/* The kernel frees the smaller lists that it has replaced. */
		EXPECT_LE(bound - before, LIST_SIZE * 3);
	} else {
		EXPECT_LT(bound - before, LIST_SIZE / 2);
	}

	/* The list dies with the program, which the child has open too. */
	for (i = 0; i < NR_MAPS; i++)
		close(self->map[i]);
	close(self->prog);
	ASSERT_TRUE(child_does(self, 'c'));
	ASSERT_TRUE(map_gone(self->last_id));
	after = kernel_memory(self);
	ASSERT_LE(0, after);
	EXPECT_LT(after - before, LIST_SIZE / 2);
}

TEST_HARNESS_MAIN
