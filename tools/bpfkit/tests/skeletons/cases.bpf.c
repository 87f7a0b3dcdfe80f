// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* Object files that are difficult to express in Rust, one for each macro that may be defined. */

#define SEC(name) __attribute__((section(name), used))
#define __weak __attribute__((weak))

#ifdef SECTIONS
const volatile char bpf_metadata_plain[] SEC(".rodata") = "plain";
const volatile int number SEC(".rodata.numbers") = 5;
const volatile char bpf_metadata_custom[] SEC(".rodata.vendor") = "custom";
const volatile long bpf_metadata_dotted SEC(".rodata.a.b") = -7;
int counter SEC(".data.counters") = 9;
long nothing SEC(".bss.nothing");
#endif

#ifdef STRINGS
static int (*const trace)(const char *text, unsigned int len) = (void *)6;
const volatile char bpf_metadata_a[] SEC(".rodata") = "a";
const char *bpf_metadata_pointer = "somewhere else";
#define USE trace("text in a section that no type describes", 8)
#endif

#ifdef KEYWORDS
struct words {
	int type;
	int match;
	int self;
	int crate;
	int r;
};

const volatile struct words bpf_metadata_words SEC(".rodata") = { 1, 2, 3, 4, 5 };
const volatile int bpf_metadata_type SEC(".rodata") = 6;
const volatile int bpf_metadata_self SEC(".rodata") = 7;
const volatile int bpf_metadata_1st SEC(".rodata") = 8;
#endif

#ifdef UNDERSCORE
const volatile struct {
	int _;
} bpf_metadata_a SEC(".rodata");
#endif

#ifdef KEYWORD_VARIABLE
const volatile int match SEC(".rodata") = 1;
#endif

#ifdef KEYWORD_ENUMERATOR
enum choice { impl, other };
const volatile enum choice bpf_metadata_choice SEC(".rodata") = other;
#endif

#ifdef KEYWORD_PROGRAM
#define PROGRAM match
#endif

#ifdef KEYWORD_MAP
struct {
	int (*type)[2];
	int (*max_entries)[1];
	int *key;
	int *value;
} type SEC(".maps");
#endif

#ifdef ENUMS
typedef enum { RED = 1, GREEN, GRAY = 3, GREY = 3 } colour;
typedef enum { SMALL = -1, LARGE } extent;
enum large { HUGE = 0x123456789abcdefUL };
struct painted {
	colour colour;
	enum { MATT, GLOSSY } surface;
};

const volatile colour bpf_metadata_colour SEC(".rodata") = GREY;
const volatile extent bpf_metadata_extent SEC(".rodata") = SMALL;
const volatile enum large bpf_metadata_large SEC(".rodata") = HUGE;
const volatile struct painted bpf_metadata_painted SEC(".rodata") = { GREEN, GLOSSY };
#endif

#ifdef BIT_FIELDS
struct trailing {
	int whole;
	unsigned int low : 3;
	int high : 5;
};

struct middle {
	unsigned char before;
	unsigned char bits : 4;
	unsigned short after;
	unsigned long rest : 40;
};

const volatile struct trailing bpf_metadata_trailing SEC(".rodata") = { 1, 2, -3 };
const volatile struct middle bpf_metadata_middle SEC(".rodata") = { 4, 5, 6, 7 };
const volatile int bpf_metadata_last SEC(".rodata") = 8;
#endif

#ifdef PACKED
struct packed {
	char first;
	int second;
	char third;
} __attribute__((packed));

struct around {
	char before;
	struct packed packed;
	char after;
};

const volatile struct packed bpf_metadata_packed SEC(".rodata") = { 1, 2, 3 };
const volatile struct around bpf_metadata_around SEC(".rodata") = { 4, { 5, 6, 7 }, 8 };
const volatile int bpf_metadata_last SEC(".rodata") = 9;
#endif

#ifdef PACKED_BEHIND
struct packed {
	char first;
	int second;
	char third[3];
} __attribute__((packed));

const volatile char bpf_metadata_first[5] SEC(".rodata") = "1234";
static const volatile char hidden[3] SEC(".rodata") = "ab";
const volatile struct packed bpf_metadata_packed SEC(".rodata") = { 1, 2, { 3 } };
#define USE hidden[0]
#endif

#ifdef ALIGNED
struct aligned {
	char first;
	int second __attribute__((aligned(16)));
	char third;
} __attribute__((aligned(64)));

const volatile char bpf_metadata_before SEC(".rodata") = 1;
const volatile struct aligned bpf_metadata_aligned SEC(".rodata") = { 2, 3, 4 };
const volatile struct {
	char first;
	struct aligned aligned[2];
} bpf_metadata_inside SEC(".rodata") = { 5, { { 6, 7, 8 }, { 9, 10, 11 } } };
const volatile char bpf_metadata_after SEC(".rodata") = 12;
#endif

#ifdef EMPTY
union empty {
};

struct with_empty {
	int first;
	union empty empty;
	struct {
	} nothing;
	int second;
};

const volatile struct with_empty bpf_metadata_with SEC(".rodata") = { 1, .second = 2 };
const volatile union {
	int whole;
	char part[2];
} bpf_metadata_union SEC(".rodata") = { 0x0201 };
#endif

#ifdef EMPTY_VARIABLE
union empty {
};

const volatile union empty bpf_metadata_empty SEC(".rodata");
const volatile int bpf_metadata_last SEC(".rodata") = 1;
#endif

#ifdef UNION_OF_BITS
const volatile union {
	int bits : 3;
} bpf_metadata_bits SEC(".rodata") = { 1 };
#endif

#ifdef ARRAYS
struct arrays {
	int large[40];
	char text[33];
	const char *names[3];
	struct {
		short x, y;
	} points[50];
};

const volatile struct arrays bpf_metadata_arrays SEC(".rodata") = {
	.large[39] = 1, .text = "text", .points[49] = { 2, 3 },
};
const volatile int bpf_metadata_grid[3][40] SEC(".rodata") = { [2][39] = 4 };
const volatile int bpf_metadata_none[0] SEC(".rodata");
#endif

#ifdef ARRAYS_IN_ARRAYS
const volatile struct {
	char names[2][40];
} bpf_metadata_names SEC(".rodata") = { { "a", "b" } };
#endif

#ifdef STATICS
static const volatile char bpf_metadata_static[] SEC(".rodata") = "static";
const volatile int bpf_metadata_global SEC(".rodata") = 1;
static volatile int sum;

static int count(void)
{
	static volatile int calls = 1;

	return calls++;
}

static int count_again(void)
{
	static volatile int calls = 2;

	return calls++;
}

#define USE count() + count_again() + bpf_metadata_static[0] + sum++
#endif

/* Two files that are linked. */
#if defined(LINKED_A) || defined(LINKED_B)
#ifdef LINKED_A
const volatile char bpf_metadata_part_a[] SEC(".rodata") = "a";
const volatile int limit __weak SEC(".rodata") = 10;
static volatile int own = 1;
#define PROGRAM first
#else
const volatile char bpf_metadata_part_b[] SEC(".rodata") = "b";
const volatile int limit SEC(".rodata") = 20;
static volatile int own = 2;
#define PROGRAM second
#endif
#define USE limit + own
#endif

#ifdef SECTION_TYPE
struct rodata {
	int member;
};

const volatile struct rodata bpf_metadata_member SEC(".rodata") = { 1 };
#endif

#ifdef SECTION_NAME
const volatile int bpf_metadata_a SEC(".rodata.vendor-x") = 1;
#endif

#ifdef SECTIONS_ALIKE
const volatile int bpf_metadata_a SEC(".rodata.a.b") = 1;
const volatile int bpf_metadata_b SEC(".rodata.a_b") = 2;
#endif

#ifdef SCALARS
const volatile _Bool bpf_metadata_truth SEC(".rodata") = 1;
const volatile float bpf_metadata_single SEC(".rodata") = 0.5f;
const volatile double bpf_metadata_double SEC(".rodata") = 0.25;
const volatile unsigned char bpf_metadata_byte SEC(".rodata") = 200;
struct truths {
	_Bool first;
	_Bool rest[3];
};

const volatile struct truths bpf_metadata_truths SEC(".rodata") = { 1, { 0, 1, 1 } };
#endif

#ifdef WIDE
const volatile char bpf_metadata_first SEC(".rodata") = 1;
const volatile __int128 bpf_metadata_wide SEC(".rodata") = 2;
const volatile struct {
	long small;
	__int128 wide;
} bpf_metadata_wides SEC(".rodata") = { 3, 4 };
#endif

#ifdef NOTHING
char _license[] SEC("license") = "GPL";
#else
#ifndef PROGRAM
#define PROGRAM program
#endif
#ifndef USE
#define USE 0
#endif

SEC("socket")
int PROGRAM(void *ctx)
{
	return USE;
}

char _license[] SEC("license") = "GPL";
#endif
