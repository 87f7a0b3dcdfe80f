// SPDX-License-Identifier: GPL-2.0
/*
 * Permission to bind. The kernel checks capabilities when a process creates
 * programs and maps or looks them up by id, and asks LSMs at each command. A
 * process that has both file descriptors needs nothing else.
 */
#include <grp.h>
#include <linux/btf.h>

#include "common.h"
#include "kselftest_harness.h"

#define NOBODY	65534

FIXTURE(privilege) {
	int prog;
	int map;
	__u32 id;
};

FIXTURE_SETUP(privilege)
{
	if (geteuid())
		SKIP(return, "needs root");

	self->prog = prog_load_empty(BPF_PROG_TYPE_SOCKET_FILTER);
	ASSERT_LE(0, self->prog);
	self->map = array_create(8, 1);
	ASSERT_LE(0, self->map);
	self->id = map_id(self->map);
	ASSERT_NE(0, self->id);
}

FIXTURE_TEARDOWN(privilege)
{
}

/* A value of 1 cannot be changed, and will do. */
static bool unprivileged_bpf_is_off(void)
{
	static const char path[] = "/proc/sys/kernel/unprivileged_bpf_disabled";
	char value = 0;
	int fd;

	fd = open(path, O_WRONLY);
	if (fd >= 0) {
		if (write(fd, "2", 1) != 1)
			ksft_print_msg("%s cannot be changed\n", path);
		close(fd);
	}
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return false;
	if (read(fd, &value, 1) != 1)
		value = 0;
	close(fd);
	return value == '1' || value == '2';
}

TEST_F(privilege, is_in_the_descriptors)
{
	__u32 listed = 0;

	ASSERT_TRUE(unprivileged_bpf_is_off());
	ASSERT_EQ(0, setgroups(0, NULL));
	ASSERT_EQ(0, setresgid(NOBODY, NOBODY, NOBODY));
	ASSERT_EQ(0, setresuid(NOBODY, NOBODY, NOBODY));

	EXPECT_EQ(-EPERM, array_create(8, 1));
	EXPECT_EQ(-EPERM, prog_load_empty(BPF_PROG_TYPE_SOCKET_FILTER));
	EXPECT_EQ(-EPERM, map_fd_by_id(self->id));

	/* The errors are the same without privileges. */
	EXPECT_EQ(-EBADF, bind_map(-1, self->map));
	EXPECT_EQ(-EBADF, bind_map(self->prog, -1));
	EXPECT_EQ(0, prog_map_ids(self->prog, &listed, 1));

	EXPECT_EQ(0, bind_map(self->prog, self->map));
	EXPECT_EQ(0, bind_map(self->prog, self->map));
	EXPECT_EQ(1, prog_map_ids(self->prog, &listed, 1));
	EXPECT_EQ(self->id, listed);
}

/* Runs a program that returns the BTF id of a kernel function. */
static int btf_func_id(const char *name)
{
	__u32 size = strlen(name) + 1;
	union bpf_attr run = {};
	struct bpf_insn insns[] = {
		LD64(BPF_REG_1, BPF_PSEUDO_MAP_VALUE, 0),
		LD64_HI(0),
		MOV64_IMM(BPF_REG_2, size),
		MOV64_IMM(BPF_REG_3, BTF_KIND_FUNC),
		MOV64_IMM(BPF_REG_4, 0),
		CALL(BPF_FUNC_btf_find_by_name_kind),
		EXIT(),
	};
	__u32 key = 0;
	int map, err;

	map = array_create(size, 1);
	if (map < 0)
		return map;
	err = map_update(map, &key, name);
	if (err)
		return err;
	insns[0].imm = map;
	run.test.prog_fd = prog_load(BPF_PROG_TYPE_SYSCALL, insns, ARRAY_SIZE(insns));
	if ((int)run.test.prog_fd < 0)
		return run.test.prog_fd;
	err = sys_bpf(BPF_PROG_TEST_RUN, &run, sizeof(run));
	close(run.test.prog_fd);
	close(map);
	return err ? err : (int)run.test.retval;
}

/* Attaches an LSM program that denies the command to this process. */
static int deny_bind_map(int func_id)
{
	const struct bpf_insn insns[] = {
		MOV64_REG(BPF_REG_6, BPF_REG_1),
		CALL(BPF_FUNC_get_current_pid_tgid),
		INSN(BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_0, 0, 0, 32),
		MOV64_REG(BPF_REG_1, BPF_REG_0),
		MOV64_IMM(BPF_REG_0, 0),
		INSN(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_1, 0, 3, getpid()),
		LDX(BPF_DW, BPF_REG_1, BPF_REG_6, 0),
		INSN(BPF_JMP32 | BPF_JNE | BPF_K, BPF_REG_1, 0, 1, BPF_PROG_BIND_MAP),
		MOV64_IMM(BPF_REG_0, -EPERM),
		EXIT(),
	};
	union bpf_attr load = {
		.prog_type = BPF_PROG_TYPE_LSM,
		.expected_attach_type = BPF_LSM_MAC,
		.attach_btf_id = func_id,
		.insns = (unsigned long)insns,
		.insn_cnt = ARRAY_SIZE(insns),
	};
	union bpf_attr attach = {};
	int prog = prog_load_attr(&load);

	if (prog < 0)
		return prog;
	attach.raw_tracepoint.prog_fd = prog;
	return sys_bpf(BPF_RAW_TRACEPOINT_OPEN, &attach, sizeof(attach));
}

TEST_F(privilege, can_be_denied_by_an_lsm)
{
	union bpf_attr flags = { .prog_bind_map = { .flags = 1 } };
	int func, link;

	func = btf_func_id("bpf_lsm_bpf");
	if (func == -ENOENT)
		SKIP(return, "the kernel has no CONFIG_BPF_LSM");
	ASSERT_LT(0, func);
	link = deny_bind_map(func);
	ASSERT_LE(0, link);

	EXPECT_EQ(-EPERM, bind_map(self->prog, self->map));
	/* The kernel asks LSMs before all other checks. */
	EXPECT_EQ(-EPERM, bind_map(-1, -1));
	EXPECT_EQ(-EPERM, sys_bpf(BPF_PROG_BIND_MAP, &flags, sizeof(flags)));
	EXPECT_EQ(0, prog_map_ids(self->prog, NULL, 0));
	close(self->map);
	EXPECT_TRUE(map_gone(self->id));

	close(link);
}

TEST_HARNESS_MAIN
