// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* The kinds of types that C has, for dumps of BTF. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef _Bool bool_t;

enum small { SMALL_A, SMALL_B = -3 };
enum unsigned_ { UNSIGNED_A = 0xffffffffu };
enum large { LARGE_A = 0x123456789aULL, LARGE_B = 0xffffffffffffffffULL };
enum large_signed { LARGE_C = -0x7fffffffffffffffLL - 1, LARGE_D = 1 };
enum __attribute__((packed)) byte { BYTE_A, BYTE_B = 200 };
enum __attribute__((packed)) two { TWO_A = 65535 };
enum __attribute__((mode(HI))) half { HALF_A };
enum __attribute__((mode(DI))) word { WORD_A };
enum { ANONYMOUS_A, ANONYMOUS_B };
typedef enum { TYPEDEF_A, TYPEDEF_B } enum_t;

struct opaque;
union opaque_union;
struct later;

struct bits {
	u8 a;
	u32 b : 3, c : 7;
	u32 : 0;
	int d : 1;
	u64 e : 40;
	bool_t f : 1;
	enum small g : 4;
	enum large_signed h : 5;
	u16 i;
};
struct bits_far { u8 a; u32 : 20; u32 b : 3; u64 c : 60; };
struct packed_bits { u8 a; u32 b : 31; u64 c : 60; u8 d; } __attribute__((packed));
struct packed { u8 a; u32 b; u64 c; } __attribute__((packed));
struct packed_aligned { u8 a; u32 b; u64 c; } __attribute__((packed, aligned(4)));
struct partly { u16 a; u32 b __attribute__((packed)); u32 c; };
struct cacheline { u8 a; u64 b __attribute__((aligned(64))); u8 c; } __attribute__((aligned(128)));
struct far { u8 a; u8 b __attribute__((aligned(8192))); };
struct holds { struct packed a; struct packed_aligned b; struct cacheline c; u8 d; struct far *e; };
struct empty {};
struct has_empty { struct empty a; int b; struct empty c; };
struct flexible { int n; struct { u8 a; u64 b; } data[]; };
struct zero { int n; int zero[0]; int m; };
union mixed { u8 a; u64 b : 33; struct { u16 c; u32 d; }; u8 e[13]; };
union wide { u8 a; } __attribute__((aligned(32)));
union packed_union { u8 a[5]; u32 b; } __attribute__((packed));
struct nested {
	int a;
	union {
		struct { int b; u64 c; };
		struct { u8 d; struct { u8 e : 2; u16 f; } g[3]; } *h;
	};
	enum { NESTED_A = 7 } i;
	struct nested *self;
	struct later *later;
};
struct wide_int { u8 a; __int128 b; unsigned __int128 c; };
struct floats { float a; double b; };

typedef int function_t(int, const char *);
typedef function_t *pointer_t;
typedef int (*(*strange_t)(int (*)(void), ...))(long);
typedef int array_t[3][4];
typedef struct { int x; } anonymous_t;
typedef const volatile anonymous_t *const qualified_t;
struct functions {
	function_t *a;
	pointer_t b[2];
	strange_t c;
	int (*(*d)[5])(struct opaque *, struct functions *);
	void (*e)(struct { int inside; } *);
	array_t f, *g;
	const array_t h;
	const char *const *const *i;
	char *restrict j;
	void *(*k)(void *);
	qualified_t l;
	anonymous_t m;
	int __attribute__((btf_type_tag("user"))) *n;
	int __attribute__((btf_type_tag("rcu"))) *__attribute__((btf_type_tag("user"))) *o;
	union opaque_union *p;
	struct opaque **q;
};
struct later { struct nested by_value; anonymous_t more[2]; };

/* Each function has its own types with the same names. */
#define LOCAL(n, what) \
	int local_##n(void *p) \
	{ \
		struct same { what; struct same *next; } *a = p; \
		typedef struct same same_t; \
		enum same_enum { SAME_A = n } b = SAME_A; \
		struct holds_same { same_t s; } *c = p; \
		return a->x + b + c->s.x + (long)a->next; \
	}
LOCAL(1, int x)
LOCAL(2, u64 x : 9)
LOCAL(3, u8 pad[3]; u8 x)

#define USE(type, name) type name __attribute__((section(".data.types")))
USE(enum small, v1); USE(enum unsigned_, v2); USE(enum large, v3); USE(enum large_signed, v4);
USE(enum byte, v5); USE(enum half, v6); USE(enum word, v7); USE(enum two, v29); USE(enum_t, v8);
USE(struct bits, v9); USE(struct bits_far, v10); USE(struct packed_bits, v11);
USE(struct packed, v12); USE(struct packed_aligned, v13); USE(struct partly, v14);
USE(struct cacheline, v15); USE(struct far, v16); USE(struct holds, v17);
USE(struct has_empty, v18); USE(struct flexible, v19); USE(struct zero, v20);
USE(union mixed, v21); USE(union wide, v22); USE(union packed_union, v23);
USE(struct nested, v24); USE(struct wide_int, v25); USE(struct floats, v26);
USE(struct functions, v27); USE(struct later, v28);
int sum(struct bits *a __attribute__((btf_decl_tag("tag")))) __attribute__((btf_decl_tag("whole")));
int sum(struct bits *a) { return a->i + ANONYMOUS_B; }
static int counter;
extern int elsewhere __attribute__((section(".ksyms")));
int count(void) { return ++counter + elsewhere; }
