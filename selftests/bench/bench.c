// SPDX-License-Identifier: GPL-2.0
/*
 * Measures the C and the Rust code, in a guest. Prints JSON: one sample per
 * line, as a record that tools/report/src/record.rs describes.
 *
 * usage: bench relocate | load | bind | info | contention | memory MIB...
 *
 * /bench has the BTF of modules as NAME.btf and NAME.base; "load" also needs a
 * module NAME.ko that contains them, and whose name in the kernel is "victim".
 */
#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../common.h"

#define DIR_OF_MODULES	"/bench"
#define DEBUGFS		"/sys/kernel/debug/bpf_rust_btf/"
#define MODULE		"victim"

#define MAX_MAPS	10000
#define ROUNDS		5
/* Calls per sample, as one call is too short to measure. */
#define REPEAT		20
#define MAX_THREADS	8
#define MAPS_PER_THREAD	1000

/* The record's field for the samples of this boot: "ours" or "theirs". */
static const char *side;

struct parameter {
	const char *of, *unit;
	double value;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static void print_head(const char *group, const char *name,
		       const struct parameter *x, const char *unit)
{
	printf("{\"group\":\"%s\",\"name\":\"%s\",\"unit\":\"%s\",", group, name, unit);
	if (x)
		printf("\"x\":{\"of\":\"%s\",\"unit\":\"%s\",\"value\":%.0f},",
		       x->of, x->unit, x->value);
}

static void print_sample(const char *group, const char *name,
			 const struct parameter *x, const char *unit, double sample)
{
	print_head(group, name, x, unit);
	printf("\"%s\":[%f]}\n", side, sample);
}

struct bytes {
	void *data;
	size_t size;
};

static struct bytes map_file(const char *path)
{
	struct bytes bytes;
	struct stat stat;
	int fd = open(path, O_RDONLY);

	if (fd < 0 || fstat(fd, &stat))
		ksft_exit_fail_msg("%s: %m\n", path);
	bytes.size = stat.st_size;
	bytes.data = mmap(NULL, bytes.size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (bytes.data == MAP_FAILED)
		ksft_exit_fail_msg("%s: %m\n", path);
	close(fd);
	return bytes;
}

static void unmap(struct bytes bytes)
{
	munmap(bytes.data, bytes.size);
}

/* Calls @measure with each module's path, without the suffix. */
static void each_module(void (*measure)(const char *stem))
{
	struct dirent **entries;
	int i, n = scandir(DIR_OF_MODULES, &entries, NULL, alphasort);
	int found = 0;

	for (i = 0; i < n; i++) {
		char *dot = strrchr(entries[i]->d_name, '.');
		char stem[512];

		if (dot && !strcmp(dot, ".btf")) {
			*dot = 0;
			snprintf(stem, sizeof(stem), DIR_OF_MODULES "/%s", entries[i]->d_name);
			measure(stem);
			found++;
		}
		free(entries[i]);
	}
	if (!found)
		ksft_exit_fail_msg("there is no module in " DIR_OF_MODULES "\n");
	free(entries);
}

static const char *origin(const char *stem)
{
	return strstr(stem, "/made-up-") ? "made-up modules" : "Debian modules";
}

static struct bytes map_part(const char *stem, const char *suffix)
{
	char path[600];

	snprintf(path, sizeof(path), "%s%s", stem, suffix);
	return map_file(path);
}

static void feed(const char *to, const char *stem, const char *suffix)
{
	struct bytes bytes = map_part(stem, suffix);
	int fd = open(to, O_WRONLY);
	size_t done = 0;

	if (fd < 0)
		ksft_exit_fail_msg("%s: %m\n", to);
	while (done < bytes.size) {
		ssize_t ret = write(fd, bytes.data + done, bytes.size - done);

		if (ret <= 0)
			ksft_exit_fail_msg("%s: %m\n", to);
		done += ret;
	}
	close(fd);
	unmap(bytes);
}

/* The kernel measures both implementations, and compares their results. */
static void relocate(const char *stem)
{
	unsigned long long ns_c, ns_rust;
	unsigned int bytes, types;
	char verdict[32];
	int i;

	feed(DEBUGFS "split", stem, ".btf");
	feed(DEBUGFS "base", stem, ".base");

	for (i = 0; i < ROUNDS; i++) {
		FILE *result = fopen(DEBUGFS "result", "r");
		struct parameter x[2];
		char name[2][64];
		int j;

		if (!result)
			ksft_exit_fail_msg(DEBUGFS "result: %m\n");
		if (fscanf(result, "%31s bytes=%u base_types=%*u vmlinux_types=%u c=%*d rust=%*d c_nsecs=%llu rust_nsecs=%llu",
			   verdict, &bytes, &types, &ns_c, &ns_rust) != 5)
			ksft_exit_fail_msg("%s: cannot parse the kernel's result\n", stem);
		fclose(result);
		if (strcmp(verdict, "same") && strncmp(verdict, "other", 5))
			ksft_exit_fail_msg("%s: %s\n", stem, verdict);

		snprintf(name[0], sizeof(name[0]), "%s, %u types in vmlinux", origin(stem), types);
		snprintf(name[1], sizeof(name[1]), "%s", origin(stem));
		x[0] = (struct parameter){ "split BTF", "B", bytes };
		x[1] = (struct parameter){ "types in vmlinux", "", types };
		for (j = 0; j < 2; j++) {
			print_head(j ? "relocation-by-kernel" : "relocation",
				   name[j], &x[j], "ns");
			printf("\"ours\":[%llu],\"theirs\":[%llu],\"equal\":%s}\n",
			       ns_rust, ns_c, strcmp(verdict, "same") ? "false" : "true");
		}
	}
}

static void load(const char *stem)
{
	struct bytes image = map_part(stem, ".ko");
	struct bytes btf = map_part(stem, ".btf");
	struct parameter x = { "split BTF", "B", btf.size };
	int i;

	for (i = 0; i < ROUNDS; i++) {
		double start = now();

		if (syscall(SYS_init_module, image.data, image.size, ""))
			ksft_exit_fail_msg("%s.ko: %m\n", stem);
		print_sample("load", origin(stem), &x, "ns", now() - start);
		if (syscall(SYS_delete_module, MODULE, 0))
			ksft_exit_fail_msg("%s.ko: cannot unload: %m\n", stem);
	}
	unmap(btf);
	unmap(image);
}

static int map[MAX_MAPS];
static __u32 ids[MAX_THREADS][MAX_MAPS];

static void make_maps(void)
{
	int i;

	if (map[0])
		return;
	if (raise_nofile(MAX_MAPS + 100))
		ksft_exit_fail_msg("cannot raise the limit of open files\n");
	for (i = 0; i < MAX_MAPS; i++) {
		map[i] = array_create(8, 1);
		if (map[i] < 0)
			ksft_exit_fail_msg("map %d: %s\n", i, strerror(-map[i]));
	}
}

static int new_prog(void)
{
	int prog = prog_load_empty(BPF_PROG_TYPE_SOCKET_FILTER);

	if (prog < 0)
		ksft_exit_fail_msg("cannot load a program: %s\n", strerror(-prog));
	return prog;
}

static void bind_maps(int prog, int first, int count)
{
	int i, err;

	for (i = first; i < first + count; i++) {
		err = bind_map(prog, map[i]);
		if (err)
			ksft_exit_fail_msg("cannot bind map %d: %s\n", i, strerror(-err));
	}
}

static void bind(void)
{
	int count, i;

	for (count = 1; count <= MAX_MAPS; count *= 10) {
		struct parameter x = { "maps", "", count };
		/* Short runs vary more. */
		int rounds = count < 1000 ? 10 * ROUNDS : ROUNDS;

		for (i = 0; i < rounds; i++) {
			int prog = new_prog();
			double start = now(), last, end;

			bind_maps(prog, 0, count - 1);
			last = now();
			bind_maps(prog, count - 1, 1);
			end = now();
			print_sample("bind", "the last bind", &x, "ns", end - last);
			print_sample("bind", "all binds", &x, "ns", end - start);
			close(prog);
		}
	}
}

static void ask(int prog, __u32 *to, int at_least)
{
	int count = prog_map_ids(prog, to, MAX_MAPS);

	if (count < at_least)
		ksft_exit_fail_msg("the program has %d maps, not %d\n", count, at_least);
}

static void info(void)
{
	int count, i, j;

	for (count = 1; count <= MAX_MAPS; count *= 10) {
		struct parameter x = { "maps", "", count };
		int prog = new_prog();

		bind_maps(prog, 0, count);
		for (i = 0; i < ROUNDS; i++) {
			double start = now();

			for (j = 0; j < REPEAT; j++)
				ask(prog, ids[0], count);
			print_sample("prog-info", "query the map ids", &x, "ns",
				     (now() - start) / REPEAT);
		}
		close(prog);
	}
}

static int shared_prog;
static bool all_bound;
static pthread_barrier_t all_ready;

static void *binder(void *arg)
{
	long n = (long)arg;

	pthread_barrier_wait(&all_ready);
	bind_maps(shared_prog, n * MAPS_PER_THREAD, MAPS_PER_THREAD);
	return NULL;
}

/* Returns the number of queries: at least one, as a rate of 0 gives no ratio. */
static void *asker(void *arg)
{
	long n = (long)arg, count = 0;

	pthread_barrier_wait(&all_ready);
	do {
		ask(shared_prog, ids[n], 0);
		count++;
	} while (!__atomic_load_n(&all_bound, __ATOMIC_RELAXED));
	return (void *)count;
}

static void start(pthread_t *thread, void *(*run)(void *), long n)
{
	if (pthread_create(thread, NULL, run, (void *)n))
		ksft_exit_fail_msg("cannot create a thread\n");
}

static void contend(int threads, bool asking)
{
	pthread_t binders[MAX_THREADS], askers[MAX_THREADS];
	struct parameter x = { "binding threads", "", threads };
	long answers = 0;
	double started, seconds;
	int i;

	shared_prog = new_prog();
	all_bound = false;
	pthread_barrier_init(&all_ready, NULL, threads * (1 + asking) + 1);
	for (i = 0; i < threads; i++) {
		start(&binders[i], binder, i);
		if (asking)
			start(&askers[i], asker, i);
	}
	started = now();
	pthread_barrier_wait(&all_ready);
	for (i = 0; i < threads; i++)
		pthread_join(binders[i], NULL);
	seconds = (now() - started) / 1e9;

	__atomic_store_n(&all_bound, true, __ATOMIC_RELAXED);
	for (i = 0; asking && i < threads; i++) {
		void *count;

		pthread_join(askers[i], &count);
		answers += (long)count;
	}
	print_sample("contention", asking ? "binds, next to queries" : "binds",
		     &x, "1/s", threads * MAPS_PER_THREAD / seconds);
	if (asking)
		print_sample("contention", "queries, next to binds", &x, "1/s",
			     answers / seconds);
	pthread_barrier_destroy(&all_ready);
	close(shared_prog);
}

static void contention(void)
{
	int threads, i;

	for (threads = 1; threads <= MAX_THREADS; threads *= 2) {
		for (i = 0; i < ROUNDS; i++) {
			contend(threads, false);
			contend(threads, true);
		}
	}
}

static void memory(const char *mib)
{
	long total = meminfo_kb("MemTotal:"), slab = meminfo_kb("Slab:");

	if (total < 0 || slab < 0)
		ksft_exit_fail_msg("cannot read /proc/meminfo\n");
	print_sample("memory", "reserved by the kernel", NULL, "B",
		     (strtol(mib, NULL, 10) * 1024 - total) * 1024.0);
	print_sample("memory", "slab", NULL, "B", slab * 1024.0);
}

int main(int argc, char **argv)
{
	int i;

	side = bpf_rust_active() ? "ours" : "theirs";
	for (i = 1; i < argc; i++) {
		const char *what = argv[i];

		if (!strcmp(what, "relocate")) {
			each_module(relocate);
		} else if (!strcmp(what, "load")) {
			each_module(load);
		} else if (!strcmp(what, "bind")) {
			make_maps();
			bind();
		} else if (!strcmp(what, "info")) {
			make_maps();
			info();
		} else if (!strcmp(what, "contention")) {
			make_maps();
			contention();
		} else if (!strcmp(what, "memory") && i + 1 < argc) {
			memory(argv[++i]);
		} else {
			ksft_exit_fail_msg("unknown benchmark '%s'\n", what);
		}
	}
	return 0;
}
