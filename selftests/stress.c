// SPDX-License-Identifier: GPL-2.0
/*
 * Eight threads on a few programs: two bind the same maps, two bind maps of
 * their own, two read and check the lists, two replace the programs.
 *
 * Each program has a descriptor with a fixed number. dup2() replaces the program
 * at that number, so all threads have a valid descriptor all the time.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "common.h"
#include "kselftest_harness.h"

#define NR_SLOTS	3
#define NR_SHARED	24
#define NR_ROUNDS	8000
#define NR_RELOADS	2000
#define MAX_IDS		(NR_SHARED + 2 * NR_ROUNDS + 2)

static int slot[NR_SLOTS];
static int own_map;
static __u32 own_id;
static int shared[NR_SHARED];
static __u32 shared_id[NR_SHARED];

static atomic_int errors;
static atomic_int workers;

/* The ids of maps and programs that came and went, for each thread. */
static __u32 fresh_id[2][NR_ROUNDS];
static __u32 reloaded_id[2][NR_RELOADS];

static void complain(const char *what, int value)
{
	/* A broken list would give thousands of messages. */
	if (atomic_fetch_add(&errors, 1) < 10)
		ksft_print_msg("%s: %d\n", what, value);
}

static void *bind_shared(void *arg)
{
	unsigned int seed = (long)arg;
	int i, err;

	for (i = 0; i < NR_ROUNDS; i++) {
		err = bind_map(slot[i % NR_SLOTS], shared[rand_r(&seed) % NR_SHARED]);
		if (err)
			complain("bind of a shared map", err);
	}
	workers--;
	return NULL;
}

static void *bind_fresh(void *arg)
{
	__u32 *ids = fresh_id[(long)arg];
	int i, err, map;

	for (i = 0; i < NR_ROUNDS; i++) {
		map = array_create(8, 1);
		if (map < 0) {
			complain("map", map);
			continue;
		}
		ids[i] = map_id(map);
		err = bind_map(slot[i % NR_SLOTS], map);
		if (err)
			complain("bind of a new map", err);
		close(map);
	}
	workers--;
	return NULL;
}

static int compare(const void *a, const void *b)
{
	__u32 x = *(const __u32 *)a, y = *(const __u32 *)b;

	return x < y ? -1 : x > y;
}

/* Both arrays hold at least @count ids. */
static void check_list(const __u32 *ids, __u32 *sorted, __u32 count)
{
	__u32 i;

	if (!count || ids[0] != own_id)
		complain("the verifier's map is not the first", count);
	memcpy(sorted, ids, count * sizeof(*ids));
	qsort(sorted, count, sizeof(*sorted), compare);
	if (count && !sorted[0])
		complain("an id is zero", count);
	for (i = 1; i < count; i++)
		if (sorted[i] == sorted[i - 1])
			complain("listed twice", sorted[i]);
}

struct snapshot {
	__u32 prog;
	__u32 count;
	__u32 ids[MAX_IDS];
};

static void *read_lists(void *arg)
{
	struct snapshot *last = calloc(NR_SLOTS + 1, sizeof(*last));
	struct snapshot *new = &last[NR_SLOTS], *old;
	__u32 *sorted = calloc(MAX_IDS, sizeof(*sorted));
	struct bpf_prog_info info;
	unsigned int seed = (long)arg;
	int i = 0, err;

	if (!last || !sorted) {
		complain("memory", 0);
		return NULL;
	}
	while (workers) {
		old = &last[i++ % NR_SLOTS];
		memset(&info, 0, sizeof(info));
		/* Sometimes with an array that may be too short. */
		info.nr_map_ids = rand_r(&seed) % 8 ? MAX_IDS : NR_SHARED / 2;
		info.map_ids = (unsigned long)new->ids;
		new->count = info.nr_map_ids;
		err = obj_info(slot[old - last], &info, sizeof(info));
		if (err) {
			complain("info", err);
			continue;
		}
		new->prog = info.id;
		if (info.nr_map_ids < new->count)
			new->count = info.nr_map_ids;

		check_list(new->ids, sorted, new->count);
		if (old->prog == new->prog) {
			if (info.nr_map_ids < old->count)
				complain("the list got shorter", info.nr_map_ids);
			if (memcmp(old->ids, new->ids, sizeof(*old->ids) *
				   (old->count < new->count ? old->count : new->count)))
				complain("the list changed", new->count);
		}
		*old = *new;
	}
	free(last);
	free(sorted);
	return (void *)(long)i;
}

static int reload(int at)
{
	int prog = prog_load_with_map(BPF_PROG_TYPE_SOCKET_FILTER, own_map);
	int id = prog_id(prog);

	if (prog < 0)
		return prog;
	if (dup2(prog, slot[at]) < 0)
		return -errno;
	close(prog);
	return id;
}

static void *reload_progs(void *arg)
{
	__u32 *ids = reloaded_id[(long)arg];
	int i, id;

	for (i = 0; i < NR_RELOADS; i++) {
		id = reload(i % NR_SLOTS);
		if (id <= 0)
			complain("load", id);
		else
			ids[i] = id;
		/* Let the other threads use this program. */
		sched_yield();
	}
	workers--;
	return NULL;
}

FIXTURE(stress) {
};

FIXTURE_SETUP(stress)
{
}

FIXTURE_TEARDOWN(stress)
{
}

/* Debug kernels need this much time. */
TEST_F_TIMEOUT(stress, eight_threads, 300)
{
	pthread_t thread[8];
	__u32 *ids, *sorted, last_id[NR_SLOTS];
	int i, j, count, found;
	void *reads[2];

	if (geteuid())
		SKIP(return, "needs root");

	own_map = array_create(8, 1);
	ASSERT_LE(0, own_map);
	own_id = map_id(own_map);
	for (i = 0; i < NR_SHARED; i++) {
		shared[i] = array_create(8, 1);
		ASSERT_LE(0, shared[i]);
		shared_id[i] = map_id(shared[i]);
	}
	for (i = 0; i < NR_SLOTS; i++) {
		slot[i] = open("/dev/null", O_RDONLY);
		ASSERT_LE(0, slot[i]);
		ASSERT_LT(0, reload(i));
	}

	workers = 6;
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, bind_shared, (void *)(long)i));
		ASSERT_EQ(0, pthread_create(&thread[i + 2], NULL, bind_fresh, (void *)(long)i));
		ASSERT_EQ(0, pthread_create(&thread[i + 4], NULL, reload_progs, (void *)(long)i));
		ASSERT_EQ(0, pthread_create(&thread[i + 6], NULL, read_lists, (void *)(long)i));
	}
	for (i = 0; i < 6; i++)
		ASSERT_EQ(0, pthread_join(thread[i], NULL));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_join(thread[i + 6], &reads[i]));
		ksft_print_msg("lists read: %ld\n", (long)reads[i]);
		EXPECT_LT(100, (long)reads[i]);
	}
	EXPECT_EQ(0, atomic_load(&errors));

	/* Bind everything: each map is listed once. */
	ids = calloc(2 * MAX_IDS, sizeof(*ids));
	ASSERT_NE(NULL, ids);
	sorted = ids + MAX_IDS;
	for (i = 0; i < NR_SLOTS; i++) {
		for (j = 0; j < NR_SHARED; j++)
			ASSERT_EQ(0, bind_map(slot[i], shared[j]));
		count = prog_map_ids(slot[i], ids, MAX_IDS);
		ASSERT_LE(1 + NR_SHARED, count);
		ASSERT_GE(MAX_IDS, count);
		check_list(ids, sorted, count);
		for (j = 0, found = 0; j < NR_SHARED; j++)
			found += !!bsearch(&shared_id[j], sorted, count,
					   sizeof(*sorted), compare);
		EXPECT_EQ(NR_SHARED, found);
		last_id[i] = prog_id(slot[i]);
	}
	EXPECT_EQ(0, atomic_load(&errors));

	/* Close everything: nothing is left. */
	close(own_map);
	for (i = 0; i < NR_SHARED; i++)
		close(shared[i]);
	EXPECT_TRUE(map_alive(own_id));
	for (i = 0; i < NR_SLOTS; i++)
		close(slot[i]);
	for (i = 0; i < NR_SLOTS; i++)
		EXPECT_TRUE(prog_gone(last_id[i]));
	EXPECT_TRUE(map_gone(own_id));
	for (i = 0; i < NR_SHARED; i++)
		EXPECT_TRUE(map_gone(shared_id[i]));
	for (i = 0; i < 2; i++) {
		for (j = 0; j < NR_ROUNDS; j++)
			ASSERT_TRUE(map_gone(fresh_id[i][j]));
		for (j = 0; j < NR_RELOADS; j++)
			ASSERT_TRUE(prog_gone(reloaded_id[i][j]));
	}
}

TEST_HARNESS_MAIN
