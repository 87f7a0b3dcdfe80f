// SPDX-License-Identifier: GPL-2.0
/*
 * The instructions that BPF_OBJ_GET_INFO_BY_FD returns refer to maps by id: the
 * kernel looks up each map's address in the program's list.
 */
#include "common.h"
#include "kselftest_harness.h"

#define VALUE_SIZE	64
#define VALUE_OFFSET	24
#define NR_OTHERS	100

FIXTURE(dump) {
	int prog;
	int hash;
	int rodata;
	int bss;
};

/* The instructions that refer to these maps, in the program below. */
static const int hash_at, rodata_at = 2, bss_at = 4, again_at = 6;

FIXTURE_SETUP(dump)
{
	static const char value[VALUE_SIZE] = "some constant";
	struct bpf_insn insns[] = {
		LD64(BPF_REG_1, BPF_PSEUDO_MAP_FD, 0),
		LD64_HI(0),
		LD64(BPF_REG_2, BPF_PSEUDO_MAP_VALUE, 0),
		LD64_HI(VALUE_OFFSET),
		LD64(BPF_REG_3, BPF_PSEUDO_MAP_VALUE, 0),
		LD64_HI(0),
		LD64(BPF_REG_4, BPF_PSEUDO_MAP_VALUE, 0),
		/* The last byte of the value. */
		LD64_HI(VALUE_SIZE - 1),
		MOV64_IMM(BPF_REG_0, 0),
		EXIT(),
	};
	__u32 key = 0;

	if (geteuid())
		SKIP(return, "needs root");

	self->hash = map_create_attr(BPF_MAP_TYPE_HASH, 4, 8, 4, 0, 0);
	ASSERT_LE(0, self->hash);
	self->bss = array_create(VALUE_SIZE, 1);
	ASSERT_LE(0, self->bss);
	self->rodata = map_create_attr(BPF_MAP_TYPE_ARRAY, 4, VALUE_SIZE, 1,
				       BPF_F_RDONLY_PROG, 0);
	ASSERT_LE(0, self->rodata);
	ASSERT_EQ(0, map_update(self->rodata, &key, value));
	ASSERT_EQ(0, map_freeze(self->rodata));

	insns[hash_at].imm = self->hash;
	insns[rodata_at].imm = self->rodata;
	insns[bss_at].imm = self->bss;
	insns[again_at].imm = self->rodata;
	self->prog = prog_load(BPF_PROG_TYPE_SOCKET_FILTER, insns, ARRAY_SIZE(insns));
	ASSERT_LE(0, self->prog);
}

FIXTURE_TEARDOWN(dump)
{
}

static bool names(const struct bpf_insn *insn, int pseudo, __u32 id, int off)
{
	if (insn[0].code == (BPF_LD | BPF_DW | BPF_IMM) &&
	    insn[0].src_reg == pseudo && insn[0].imm == (int)id &&
	    insn[1].imm == off)
		return true;

	ksft_print_msg("code %#x, pseudo %d, map %d, offset %d\n", insn[0].code,
		       insn[0].src_reg, insn[0].imm, insn[1].imm);
	ksft_print_msg("expected pseudo %d, map %u, offset %d\n", pseudo, id, off);
	return false;
}

static bool names_the_maps(FIXTURE_DATA(dump) *self)
{
	struct bpf_insn insns[32] = {};
	struct bpf_prog_info info = {
		.xlated_prog_len = sizeof(insns),
		.xlated_prog_insns = (unsigned long)insns,
	};
	bool good;

	if (obj_info(self->prog, &info, sizeof(info)))
		return false;
	good = names(&insns[hash_at], BPF_PSEUDO_MAP_FD, map_id(self->hash), 0);
	good &= names(&insns[rodata_at], BPF_PSEUDO_MAP_VALUE,
		      map_id(self->rodata), VALUE_OFFSET);
	good &= names(&insns[bss_at], BPF_PSEUDO_MAP_VALUE, map_id(self->bss), 0);
	good &= names(&insns[again_at], BPF_PSEUDO_MAP_VALUE,
		      map_id(self->rodata), VALUE_SIZE - 1);
	return good;
}

TEST_F(dump, names_the_maps)
{
	EXPECT_TRUE(names_the_maps(self));
}

TEST_F(dump, names_the_maps_among_others)
{
	int i, other;

	for (i = 0; i < NR_OTHERS; i++) {
		/* Maps whose values have addresses, and maps whose values have none. */
		other = i & 1 ? array_create(VALUE_SIZE, 1) :
				map_create_attr(BPF_MAP_TYPE_HASH, 4, 8, 4, 0, 0);
		ASSERT_LE(0, other);
		ASSERT_EQ(0, bind_map(self->prog, other));
		close(other);
		if (i < 4)
			EXPECT_TRUE(names_the_maps(self));
	}
	EXPECT_EQ(3 + NR_OTHERS, prog_map_ids(self->prog, NULL, 0));
	EXPECT_TRUE(names_the_maps(self));

	/* No lock is left. */
	EXPECT_EQ(0, bind_map(self->prog, self->hash));
	EXPECT_EQ(3 + NR_OTHERS, prog_map_ids(self->prog, NULL, 0));
}

/* A constant that looks like an address is not a map's address. */
TEST_F(dump, leaves_constants_alone)
{
	const struct bpf_insn insns[] = {
		LD64(BPF_REG_0, 0, 0x12345678),
		LD64_HI(0x1234),
		EXIT(),
	};
	struct bpf_insn dumped[ARRAY_SIZE(insns)] = {};
	struct bpf_prog_info info = {
		.xlated_prog_len = sizeof(dumped),
		.xlated_prog_insns = (unsigned long)dumped,
	};
	int prog = prog_load(BPF_PROG_TYPE_SOCKET_FILTER, insns, ARRAY_SIZE(insns));

	ASSERT_LE(0, prog);
	ASSERT_EQ(0, bind_map(prog, self->rodata));
	ASSERT_EQ(0, bind_map(prog, self->hash));
	ASSERT_EQ(0, obj_info(prog, &info, sizeof(info)));
	EXPECT_EQ(0, memcmp(insns, dumped, sizeof(insns)));
}

TEST_HARNESS_MAIN
