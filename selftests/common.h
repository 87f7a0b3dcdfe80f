/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Helpers for the used_maps tests: wrappers for bpf(2), a few instructions, and
 * ways to wait for work that the kernel defers.
 *
 * Unless said otherwise a function returns 0, a file descriptor or a count,
 * or a negative errno.
 */
#ifndef BPF_RUST_COMMON_H
#define BPF_RUST_COMMON_H

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "kselftest.h"

/* Enough for a grace period and a worker on a slow emulated machine. */
#define PATIENCE_MS	5000

#define INSN(op, dst, src, offset, immediate)	\
	((struct bpf_insn) {			\
		.code = (op),			\
		.dst_reg = (dst),		\
		.src_reg = (src),		\
		.off = (offset),		\
		.imm = (immediate),		\
	})

#define MOV64_IMM(dst, imm)	INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm)
#define MOV64_REG(dst, src)	INSN(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define ADD64_IMM(dst, imm)	INSN(BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, imm)
#define LDX(size, dst, src, off) INSN(BPF_LDX | BPF_MEM | (size), dst, src, off, 0)
#define STX(size, dst, src, off) INSN(BPF_STX | BPF_MEM | (size), dst, src, off, 0)
#define CALL(func)		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, func)
#define EXIT()			INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* A 64-bit load takes two instructions; the second holds the upper half. */
#define LD64(dst, pseudo, lo)	INSN(BPF_LD | BPF_DW | BPF_IMM, dst, pseudo, 0, lo)
#define LD64_HI(hi)		INSN(0, 0, 0, 0, hi)

static inline long sys_bpf(enum bpf_cmd cmd, void *attr, unsigned int size)
{
	long ret = syscall(__NR_bpf, cmd, attr, size);

	return ret < 0 ? -errno : ret;
}

/* Returns true if Rust runs. A kernel without the parameter has only C. */
static inline bool bpf_rust_active(void)
{
	char state = 'N';
	int fd;

	if (access("/sys/module", F_OK))
		ksft_exit_fail_msg("sysfs is not mounted on /sys\n");

	fd = open("/sys/module/kernel/parameters/bpf_rust", O_RDONLY);
	if (fd < 0)
		return false;
	if (read(fd, &state, 1) != 1)
		ksft_exit_fail_msg("cannot read the bpf_rust parameter\n");
	close(fd);
	return state == 'Y';
}

static inline int map_create_attr(enum bpf_map_type type, __u32 key_size,
				  __u32 value_size, __u32 max_entries,
				  __u32 flags, int inner_map_fd)
{
	union bpf_attr attr = {
		.map_type = type,
		.key_size = key_size,
		.value_size = value_size,
		.max_entries = max_entries,
		.map_flags = flags,
		.inner_map_fd = inner_map_fd,
	};

	return sys_bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
}

static inline int array_create(__u32 value_size, __u32 max_entries)
{
	return map_create_attr(BPF_MAP_TYPE_ARRAY, 4, value_size, max_entries,
			       0, 0);
}

static inline int map_update(int fd, const void *key, const void *value)
{
	union bpf_attr attr = {
		.map_fd = fd,
		.key = (unsigned long)key,
		.value = (unsigned long)value,
	};

	return sys_bpf(BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr));
}

static inline int map_lookup(int fd, const void *key, void *value)
{
	union bpf_attr attr = {
		.map_fd = fd,
		.key = (unsigned long)key,
		.value = (unsigned long)value,
	};

	return sys_bpf(BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr));
}

static inline int map_delete(int fd, const void *key)
{
	union bpf_attr attr = {
		.map_fd = fd,
		.key = (unsigned long)key,
	};

	return sys_bpf(BPF_MAP_DELETE_ELEM, &attr, sizeof(attr));
}

static inline int map_freeze(int fd)
{
	union bpf_attr attr = { .map_fd = fd };

	return sys_bpf(BPF_MAP_FREEZE, &attr, sizeof(attr));
}

static inline int prog_load_attr(union bpf_attr *attr)
{
	attr->license = (unsigned long)"GPL";
	return sys_bpf(BPF_PROG_LOAD, attr, sizeof(*attr));
}

static inline int prog_load(enum bpf_prog_type type,
			    const struct bpf_insn *insns, __u32 count)
{
	union bpf_attr attr = {
		.prog_type = type,
		.insns = (unsigned long)insns,
		.insn_cnt = count,
		/* The kernel loads syscall programs only as sleepable ones. */
		.prog_flags = type == BPF_PROG_TYPE_SYSCALL ? BPF_F_SLEEPABLE : 0,
	};

	return prog_load_attr(&attr);
}

static inline int prog_load_empty(enum bpf_prog_type type)
{
	const struct bpf_insn insns[] = {
		MOV64_IMM(BPF_REG_0, 0),
		EXIT(),
	};

	return prog_load(type, insns, ARRAY_SIZE(insns));
}

/* Loads a program that refers to one map, so the verifier creates its list. */
static inline int prog_load_with_map(enum bpf_prog_type type, int map_fd)
{
	const struct bpf_insn insns[] = {
		LD64(BPF_REG_1, BPF_PSEUDO_MAP_FD, map_fd),
		LD64_HI(0),
		MOV64_IMM(BPF_REG_0, 0),
		EXIT(),
	};

	return prog_load(type, insns, ARRAY_SIZE(insns));
}

static inline int bind_map(int prog_fd, int map_fd)
{
	union bpf_attr attr = {
		.prog_bind_map = {
			.prog_fd = prog_fd,
			.map_fd = map_fd,
		},
	};

	return sys_bpf(BPF_PROG_BIND_MAP, &attr, sizeof(attr));
}

static inline int obj_info(int fd, void *info, __u32 len)
{
	union bpf_attr attr = {
		.info = {
			.bpf_fd = fd,
			.info_len = len,
			.info = (unsigned long)info,
		},
	};

	return sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr));
}

/* Returns 0 on failure; no id is 0. */
static inline __u32 map_id(int fd)
{
	struct bpf_map_info info = {};

	return obj_info(fd, &info, sizeof(info)) ? 0 : info.id;
}

static inline __u32 prog_id(int fd)
{
	struct bpf_prog_info info = {};

	return obj_info(fd, &info, sizeof(info)) ? 0 : info.id;
}

/* Reads at most @len ids and returns how many maps the program has. */
static inline int prog_map_ids(int prog_fd, __u32 *ids, __u32 len)
{
	struct bpf_prog_info info = {
		.nr_map_ids = len,
		.map_ids = (unsigned long)ids,
	};
	int err = obj_info(prog_fd, &info, sizeof(info));

	return err ? err : (int)info.nr_map_ids;
}

static inline int map_fd_by_id(__u32 id)
{
	union bpf_attr attr = { .map_id = id };

	return sys_bpf(BPF_MAP_GET_FD_BY_ID, &attr, sizeof(attr));
}

static inline int prog_fd_by_id(__u32 id)
{
	union bpf_attr attr = { .prog_id = id };

	return sys_bpf(BPF_PROG_GET_FD_BY_ID, &attr, sizeof(attr));
}

/*
 * Returns true if the id is in use. This must not get a descriptor for the id:
 * each time the last descriptor of a program array is closed, a worker drops
 * its programs, and the kernel leaks a reference to the map if the worker has
 * not yet run for the time before.
 */
static inline bool id_in_use(enum bpf_cmd next_id, __u32 id)
{
	union bpf_attr attr = { .start_id = id - 1 };

	return !sys_bpf(next_id, &attr, sizeof(attr)) && attr.next_id == id;
}

static inline bool map_alive(__u32 id)
{
	return id_in_use(BPF_MAP_GET_NEXT_ID, id);
}

static inline long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/*
 * Waits until the id is free; returns false on timeout. A worker frees a
 * program and its maps after a grace period, so this may take a while.
 */
static inline bool id_gone(enum bpf_cmd next_id, __u32 id)
{
	long long deadline = now_ms() + PATIENCE_MS;

	while (id_in_use(next_id, id)) {
		if (now_ms() > deadline)
			return false;
		usleep(2000);
	}
	return true;
}

static inline bool map_gone(__u32 id)
{
	return id_gone(BPF_MAP_GET_NEXT_ID, id);
}

static inline bool prog_gone(__u32 id)
{
	return id_gone(BPF_PROG_GET_NEXT_ID, id);
}

/* Returns the number after @key in a file with a key and a number per line. */
static inline long file_value(const char *path, const char *key)
{
	FILE *file = fopen(path, "r");
	char line[256], name[128];
	long value, found = -1;

	if (!file)
		return -errno;
	while (found < 0 && fgets(line, sizeof(line), file))
		if (sscanf(line, "%127s %ld", name, &value) == 2 && !strcmp(name, key))
			found = value;
	fclose(file);
	return found;
}

/* @key ends with a colon. */
static inline long meminfo_kb(const char *key)
{
	return file_value("/proc/meminfo", key);
}

static inline long mem_available_kb(void)
{
	return meminfo_kb("MemAvailable:");
}

/* Waits until at least @kb are available; returns false on timeout. */
static inline bool mem_comes_back(long kb)
{
	long long deadline = now_ms() + PATIENCE_MS;

	while (mem_available_kb() < kb) {
		if (now_ms() > deadline)
			return false;
		usleep(10000);
	}
	return true;
}

static inline int raise_nofile(rlim_t files)
{
	struct rlimit limit = { .rlim_cur = files, .rlim_max = files };

	return setrlimit(RLIMIT_NOFILE, &limit) ? -errno : 0;
}

#endif
