// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Dumps of small BTF, and of BTF that no compiler writes.

use std::fs;

use crate::input::SECTION;
use crate::testing::blob;
use crate::testing::blob_with_layout;

use super::header;
use super::DumpError;
use super::NotC;
use super::Root;
use super::Source;

const INT: u32 = 1;
const PTR: u32 = 2;
const ARRAY: u32 = 3;
const STRUCT: u32 = 4;
const UNION: u32 = 5;
const ENUM: u32 = 6;
const FWD: u32 = 7;
const TYPEDEF: u32 = 8;
const CONST: u32 = 10;
const FUNC: u32 = 12;
const FUNC_PROTO: u32 = 13;
const VAR: u32 = 14;
const DATASEC: u32 = 15;
const DECL_TAG: u32 = 17;
/// No kernel has this kind.
const UNKNOWN: u32 = 100;

/// A BTF file under construction.
struct File {
    types: Vec<u32>,
    layout: Vec<[u8; 4]>,
    strings: Vec<u8>,
}

impl File {
    fn new() -> Self {
        Self {
            types: vec![],
            layout: vec![],
            strings: vec![0],
        }
    }

    fn name(&mut self, name: &str) -> u32 {
        if name.is_empty() {
            return 0;
        }
        let offset = self.strings.len() as u32;
        self.strings.extend(name.bytes().chain([0]));
        offset
    }

    /// Adds a type, followed by the words `data`.
    fn add(mut self, name: &str, info: u32, arg: u32, data: &[u32]) -> Self {
        let name = self.name(name);
        self.types.extend([name, info, arg]);
        self.types.extend(data);
        self
    }

    /// Adds a type whose parts each have a name, then numbers.
    fn parts<const N: usize>(
        mut self,
        name: &str,
        kind: u32,
        arg: u32,
        parts: &[(&str, [u32; N])],
    ) -> Self {
        let mut data = Vec::new();
        for (name, numbers) in parts {
            data.push(self.name(name));
            data.extend(numbers);
        }
        self.add(name, kind << 24 | parts.len() as u32, arg, &data)
    }

    /// Adds `int`, of 4 bytes.
    fn int(self) -> Self {
        self.add("int", INT << 24, 4, &[32 | 1 << 24])
    }

    /// Adds a type of a kind that only the layout section describes: a word, then two for each of
    /// three parts.
    fn unknown(mut self, name: &str) -> Self {
        self.layout = vec![[0; 4]; UNKNOWN as usize];
        self.layout.push([4, 8, 0, 0]);
        self.add(name, UNKNOWN << 24 | 3, 1, &[2; 7])
    }

    fn bytes(&self) -> Vec<u8> {
        match self.layout.as_slice() {
            [] => blob(&self.types, &self.strings),
            layout => blob_with_layout(&self.types, layout, &self.strings),
        }
    }

    /// The types as C, without the start and end that all headers share.
    fn c(&self, roots: &[Root]) -> Result<String, DumpError> {
        let text = text(Source::new(self.bytes(), None), roots)?;
        let (_, text) = text
            .split_once("#define __bpf_fastcall\n#endif\n#endif\n\n")
            .unwrap();
        let end = text
            .find("\n/* BPF kfuncs */")
            .or(text.find("#ifndef BPF_NO_PRESERVE_ACCESS_INDEX"));
        Ok(text[..end.unwrap()].to_owned())
    }

    fn refused(&self) -> (u32, NotC) {
        match self.c(&[]) {
            Err(DumpError::NotC { id, reason }) => (id, reason),
            other => panic!("{other:?}"),
        }
    }
}

fn text(source: Source, roots: &[Root]) -> Result<String, DumpError> {
    let mut text = Vec::new();

    header(&source, roots, &mut text)?;
    Ok(String::from_utf8(text).unwrap())
}

#[test]
fn members_are_where_they_were() {
    let file = File::new()
        .int()
        .add("char", INT << 24, 1, &[8])
        .parts("far", STRUCT, 12, &[("a", [2, 0]), ("b", [1, 64])])
        .parts("packed", STRUCT, 5, &[("a", [2, 0]), ("b", [1, 8])])
        .parts(
            "bits",
            0x80 | STRUCT,
            8,
            &[("a", [1, 3 << 24 | 2]), ("b", [1, 4 << 24 | 32])],
        )
        .parts("padded", UNION, 16, &[("a", [1, 0])])
        .parts::<0>("big", STRUCT, 1 << 20, &[]);
    let want = "\
struct far {\n\tchar a;\n\tlong: 56;\n\tint b;\n};\n
struct packed {\n\tchar a;\n\tint b;\n} __attribute__((packed));\n
struct bits {\n\tchar: 2;\n\tint a: 3;\n\tint: 27;\n\tint b: 4;\n};\n
union padded {\n\tint a;\n\tunsigned char __padding_at_0[16];\n};\n
struct big {\n\tunsigned char __padding_at_0[1048576];\n};\n\n";

    assert_eq!(file.c(&[]).unwrap(), want);
}

#[test]
fn old_bitfields_are_in_their_types() {
    let file = File::new()
        .add("unsigned int", INT << 24, 4, &[5 | 3 << 16])
        .parts("old", STRUCT, 4, &[("a", [1, 0])]);

    assert_eq!(
        file.c(&[]).unwrap(),
        "struct old {\n\tchar: 3;\n\tunsigned int a: 5;\n};\n\n"
    );
}

#[test]
fn same_names_are_told_apart() {
    let file = File::new()
        .int()
        .parts("s", STRUCT, 8, &[("p", [4, 0])])
        .parts("s", STRUCT, 4, &[("i", [1, 0])])
        .add("", PTR << 24, 5, &[])
        .add("s", FWD << 24, 0, &[])
        .add("", PTR << 24, 7, &[])
        .add("s", FWD << 24 | 1 << 31, 0, &[])
        .add("t", TYPEDEF << 24, 6, &[])
        .parts("", ENUM, 4, &[("t", [0])]);
    let text = file.c(&[]).unwrap();

    assert!(text.contains("struct s {\n\tstruct s *p;\n};"), "{text}");
    assert!(text.contains("struct s___2 {\n\tint i;\n};"), "{text}");
    assert!(text.contains("union s___3;"), "{text}");
    assert!(text.contains("typedef union s___3 *t;"), "{text}");
    assert!(text.contains("enum {\n\tt___2 = 0,\n};"), "{text}");
}

#[test]
fn declarators_read_inside_out() {
    // const int *(*f[3])(struct s *, ...)
    let file = File::new()
        .int()
        .add("", CONST << 24, 1, &[])
        .add("", PTR << 24, 2, &[])
        .parts("", FUNC_PROTO, 3, &[("arg", [5]), ("", [0])])
        .add("", PTR << 24, 6, &[])
        .parts::<0>("s", STRUCT, 0, &[])
        .add("", PTR << 24, 4, &[])
        .add("", ARRAY << 24, 0, &[7, 1, 3])
        .add("f", TYPEDEF << 24, 8, &[]);

    assert_eq!(
        file.c(&[Root::from("f")]).unwrap(),
        "struct s;\n\ntypedef const int *(*f[3])(struct s *arg, ...);\n\n"
    );
}

#[test]
fn constant_arrays_have_constant_elements() {
    let file = File::new()
        .int()
        .add("", ARRAY << 24, 0, &[1, 1, 3])
        .add("", CONST << 24, 2, &[])
        .add("t", TYPEDEF << 24, 3, &[]);

    assert_eq!(file.c(&[]).unwrap(), "typedef const int t[3];\n\n");

    // const int *const[3], which is constant itself as well, of elements that are twice constant
    let file = File::new()
        .int()
        .add("", CONST << 24, 1, &[])
        .add("", PTR << 24, 2, &[])
        .add("", CONST << 24, 3, &[])
        .add("", CONST << 24, 4, &[])
        .add("", ARRAY << 24, 0, &[5, 1, 3])
        .add("", CONST << 24, 6, &[])
        .add("t", TYPEDEF << 24, 7, &[]);

    assert_eq!(file.c(&[]).unwrap(), "typedef const int *const t[3];\n\n");
}

#[test]
fn embedded_structs_need_no_extension() {
    let file = File::new()
        .int()
        .parts("inner", STRUCT, 4, &[("a", [1, 0])])
        .parts("outer", STRUCT, 4, &[("", [2, 0])]);

    assert!(file
        .c(&[])
        .unwrap()
        .contains("struct outer {\n\tstruct {\n\t\tint a;\n\t};\n};"));
}

#[test]
fn roots_bring_what_they_need_only() {
    let file = File::new()
        .int()
        .parts("inner", STRUCT, 4, &[("a", [1, 0])])
        .parts("outer", STRUCT, 4, &[("b", [2, 0])])
        .parts("other", STRUCT, 4, &[("c", [1, 0])]);
    let want = "struct inner {\n\tint a;\n};\n\nstruct outer {\n\tstruct inner b;\n};\n\n";

    assert_eq!(file.c(&[Root::from("outer")]).unwrap(), want);
    assert_eq!(file.c(&[Root::from("3")]).unwrap(), want);
    assert!(matches!(
        file.c(&[Root::from("none")]),
        Err(DumpError::NoSuchRoot { .. })
    ));
    assert!(matches!(file.c(&[Root::Id(9)]), Err(DumpError::Btf(_))));
}

#[test]
fn split_btf_goes_on_where_its_base_ends() {
    let base = File::new().int();
    let mut split = File::new();
    let name = base.strings.len() as u32 + 1;
    split.types = vec![name, TYPEDEF << 24, 1];
    split.strings.extend(b"number\0");

    let source = Source::new(split.bytes(), Some(base.bytes()));
    assert!(text(source, &[])
        .unwrap()
        .contains("\ntypedef int number;\n"));
}

#[test]
fn names_cannot_leave_their_place() {
    let file = File::new()
        .int()
        .parts("s { }; evil", STRUCT, 4, &[("int", [1, 0])])
        .add("x", 18 << 24, 1, &[])
        .add("\")))", 18 << 24, 3, &[])
        .add("t", TYPEDEF << 24, 4, &[]);
    let text = file.c(&[]).unwrap();

    assert!(
        text.contains("struct s______evil {\n\tint _int;\n};"),
        "{text}"
    );
    assert!(text.contains("btf_type_tag(\"____\")"), "{text}");
}

#[test]
fn what_contains_itself_is_refused() {
    let direct = File::new().parts("s", STRUCT, 4, &[("s", [1, 0])]);
    assert_eq!(direct.refused(), (1, NotC::Cycle));

    let nameless =
        File::new()
            .parts("", STRUCT, 4, &[("s", [1, 0])])
            .add("t", TYPEDEF << 24, 1, &[]);
    assert!(matches!(nameless.refused(), (_, NotC::Depth)));

    let typedef = File::new().add("t", TYPEDEF << 24, 1, &[]);
    assert!(matches!(typedef.refused(), (1, NotC::Cycle | NotC::Depth)));

    let array =
        File::new()
            .add("", ARRAY << 24, 0, &[1, 1, 1])
            .parts("s", STRUCT, 4, &[("a", [1, 0])]);
    assert_eq!(array.refused(), (1, NotC::Depth));

    let function = File::new()
        .parts("", FUNC_PROTO, 0, &[("p", [2])])
        .add("", PTR << 24, 1, &[])
        .add("t", TYPEDEF << 24, 1, &[]);
    assert!(matches!(function.refused(), (_, NotC::Depth)));
}

#[test]
fn endless_repeats_are_refused() {
    // Each struct without a name holds the one before it twice: 2 to the power of 50 members.
    let mut file = File::new().int();
    for id in 1..50 {
        file = file.parts("", UNION, 4, &[("a", [id, 0]), ("b", [id, 0])]);
    }
    let file = file.add("t", TYPEDEF << 24, 50, &[]);

    assert!(matches!(file.refused(), (_, NotC::Repeats)));
}

#[test]
fn chains_of_any_length_end() {
    let mut file = File::new().int();
    for id in 1..20_000 {
        file = file.parts(&format!("s{id}"), STRUCT, 4, &[("m", [id, 0])]);
    }
    assert!(file
        .c(&[Root::from("s19999")])
        .unwrap()
        .starts_with("struct s1 {"));

    let mut file = File::new().int();
    for id in 1..20_000 {
        file = file.add("", PTR << 24, id, &[]);
    }
    let file = file.add("t", TYPEDEF << 24, 20_000, &[]);
    assert!(matches!(file.refused(), (_, NotC::Depth)));
}

#[test]
fn members_out_of_place_are_refused() {
    let overlap = File::new()
        .int()
        .parts("s", STRUCT, 8, &[("a", [1, 0]), ("b", [1, 16])]);
    assert_eq!(overlap.refused(), (2, NotC::Overlap { index: 1 }));

    let outside = File::new().int().parts("s", STRUCT, 4, &[("a", [1, 32])]);
    assert_eq!(outside.refused(), (2, NotC::Outside { index: 0 }));

    let function = File::new().int().parts("s", STRUCT, 4, &[("a", [3, 0])]);
    let function = function.add("f", FUNC << 24, 1, &[]);
    assert!(matches!(function.refused(), (3, NotC::Kind)));
}

/// Whichever bit of a file is flipped, the result is a dump or an error.
#[test]
fn damaged_files_do_no_harm() {
    let good = File::new()
        .int()
        .parts("s", STRUCT, 16, &[("a", [1, 0]), ("p", [3, 64])])
        .add("", PTR << 24, 2, &[])
        .add("", ARRAY << 24, 0, &[6, 1, 3])
        .parts("e", ENUM, 4, &[("A", [0]), ("B", [1])])
        .parts("", UNION, 8, &[("u", [1, 0]), ("v", [3, 0])])
        .add("t", TYPEDEF << 24, 8, &[])
        .parts("", FUNC_PROTO, 1, &[("x", [3]), ("", [0])])
        .add("f", FUNC << 24, 8, &[])
        .add("bpf_kfunc", DECL_TAG << 24, 9, &[u32::MAX])
        .unknown("new")
        .parts("v", STRUCT, 8, &[("a", [11, 0])])
        .bytes();

    assert!(text(Source::new(good.clone(), None), &[])
        .unwrap()
        .contains("extern int f(struct s *x, ...) __weak __ksym;"));
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << bit;
            let _ = header(&Source::new(bytes, None), &[], &mut Vec::new());
        }
    }
}

#[test]
fn a_base_that_the_user_names_must_be_the_right_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let base = file("base", &blob(&[1, INT << 24, 4, 32], b"\0int\0"));
    let other = file("other", &blob(&[1, INT << 24, 4, 32], b"\0unsigned int\0"));
    // A typedef of its own, called by a string of the base.
    let split = file("split", &blob(&[1, TYPEDEF << 24, 1], b"\0"));
    let wrong = file("wrong", &blob(&[4, TYPEDEF << 24, 1], b"\0"));
    let dump = |split, base| {
        let source = Source::file(split, SECTION, Some(base)).unwrap();
        header(&source, &[], vec![])
    };

    dump(&split, &base).unwrap();
    dump(&split, &other).unwrap();
    let error = dump(&wrong, &other).unwrap_err();
    assert!(
        matches!(error, DumpError::OtherBase(stranger) if stranger.offset == 4),
        "{error}"
    );
}

#[test]
fn c23_has_some_types_itself() {
    let file = File::new()
        .int()
        .add("_Bool", INT << 24, 1, &[4 << 24 | 8])
        .add("bool", TYPEDEF << 24, 2, &[])
        .parts("", ENUM, 4, &[("false", [0]), ("true", [1])])
        .parts("flags", STRUCT, 2, &[("bool", [3, 0]), ("nullptr", [3, 8])])
        .parts("more", ENUM, 4, &[("true", [1])])
        .add("bool", TYPEDEF << 24, 1, &[]);
    let want = "\
#if OLD\nenum {\n\tfalse = 0,\n\ttrue = 1,\n};\n#endif\n
enum more {\n\t_true = 1,\n};\n
#if OLD\ntypedef _Bool bool;\n#endif\n
struct flags {\n\tbool _bool;\n\tbool _nullptr;\n};\n
typedef int _bool;\n\n";
    let old = "__STDC_VERSION__ < 202000L || \
               (defined(__clang__) ? __clang_major__ < 15 : __GNUC__ < 13)";

    assert_eq!(file.c(&[]).unwrap(), want.replace("OLD", old));
}

#[test]
fn numbers_of_other_languages_have_their_own_layout() {
    let file = File::new()
        .int()
        .add("char", INT << 24, 4, &[32])
        .add("long", INT << 24, 8, &[1 << 24 | 64])
        .add("short", INT << 24, 2, &[16])
        .parts(
            "s",
            STRUCT,
            16,
            &[("a", [2, 0]), ("b", [4, 32]), ("c", [3, 64])],
        );
    let want = "\
typedef unsigned int _char;\n
typedef unsigned short _short;\n
struct s {\n\t_char a;\n\t_short b;\n\tlong c;\n};\n\n";

    assert_eq!(file.c(&[]).unwrap(), want);
}

#[test]
fn members_of_unknown_kinds_are_padding() {
    let file = File::new()
        .int()
        .unknown("new")
        .add("", ARRAY << 24, 0, &[2, 1, 4])
        .add("new_t", TYPEDEF << 24, 3, &[])
        .add("", CONST << 24, 4, &[])
        .parts(
            "s",
            STRUCT,
            24,
            &[
                ("a", [1, 0]),
                ("b", [2, 32]),
                ("", [5, 40]),
                ("c", [1, 128]),
            ],
        )
        .parts("u", UNION, 12, &[("a", [1, 0]), ("b", [3, 0])])
        .parts("only", STRUCT, 8, &[("*/ int x", [2, 0])])
        .parts("bits", STRUCT, 8, &[("a", [2, 1]), ("b", [1, 32])])
        .parts(
            "user",
            STRUCT,
            48,
            &[("a", [1, 0]), ("s", [6, 32]), ("u", [7, 256])],
        );
    let want = "\
typedef void /* BTF type 2 is of the unknown kind 100 */ new_t;\n
struct s {
\tint a;
\t/* b: BTF type 2 is of the unknown kind 100 */
\t/* BTF type 2 is of the unknown kind 100 */
\tint: 32;\n\tlong: 64;
\tint c;
\tint: 32;
};\n
union u {
\tint a;
\t/* b: BTF type 2 is of the unknown kind 100 */
\tunsigned char __padding_at_0[12];
};\n
struct only {
\t/* ___int_x: BTF type 2 is of the unknown kind 100 */
\tlong: 64;
};\n
struct bits {
\t/* a: BTF type 2 is of the unknown kind 100 */
\tint: 32;
\tint b;
};\n
struct user {\n\tint a;\n\tstruct s s;\n\tint: 32;\n\tunion u u;\n\tint: 32;\n};\n\n";

    assert_eq!(file.c(&[]).unwrap(), want);
}

#[test]
fn pointers_to_unknown_kinds_are_to_void() {
    let file = File::new()
        .int()
        .unknown("new")
        .add("", CONST << 24, 2, &[])
        .add("", PTR << 24, 3, &[])
        .add("", PTR << 24, 4, &[])
        .parts("", FUNC_PROTO, 1, &[("a", [4]), ("b", [3])])
        .add("", PTR << 24, 6, &[])
        .parts::<0>("", FUNC_PROTO, 2, &[])
        .add("get", TYPEDEF << 24, 8, &[])
        .add("", PTR << 24, 9, &[])
        .parts("", FUNC_PROTO, 1, &[("a", [7]), ("b", [10])])
        .add("", PTR << 24, 11, &[])
        .parts(
            "s",
            STRUCT,
            32,
            &[
                ("p", [5, 0]),
                ("f", [7, 64]),
                ("g", [10, 128]),
                ("h", [12, 192]),
            ],
        );
    let void = "void /* BTF type 2 is of the unknown kind 100 */";
    let want = format!(
        "typedef {void} get;\n
struct s {{
\tconst {void} **p;
\t{void} *f;
\tget *g;
\tint (*h)({void} *a, get *b);
}};\n\n"
    );

    assert_eq!(file.c(&[]).unwrap(), want);
}

#[test]
fn kfuncs_with_unknown_kinds_are_left_out() {
    let file = File::new()
        .int()
        .unknown("new")
        .parts("", FUNC_PROTO, 1, &[("a", [2])])
        .add("f", FUNC << 24, 3, &[])
        .add("bpf_kfunc", DECL_TAG << 24, 4, &[u32::MAX])
        .parts("", FUNC_PROTO, 1, &[("a", [1])])
        .add("g", FUNC << 24, 6, &[])
        .add("bpf_kfunc", DECL_TAG << 24, 7, &[u32::MAX]);
    let text = text(Source::new(file.bytes(), None), &[]).unwrap();

    assert!(
        text.contains(
            "#ifndef BPF_NO_KFUNC_PROTOTYPES
/* f: BTF type 2 is of the unknown kind 100 */
extern int g(int a) __weak __ksym;
#endif"
        ),
        "{text}"
    );
}

#[test]
fn a_root_of_an_unknown_kind_is_named() {
    let file = File::new()
        .int()
        .unknown("new")
        .add("t", TYPEDEF << 24, 1, &[])
        .add("v", VAR << 24, 2, &[1])
        .add(".data", DATASEC << 24 | 1, 8, &[4, 0, 8]);
    let roots = ["new", "t", "v", ".data"].map(Root::from);
    let want = "/* BTF type 2 is of the unknown kind 100 */\n\ntypedef int t;\n\n";

    assert_eq!(file.c(&roots).unwrap(), want);
    assert_eq!(file.c(&[]).unwrap(), "typedef int t;\n\n");
}

/// With time that grows with the square of the number of types, this would not end.
#[test]
fn chains_to_unknown_kinds_take_no_longer() {
    const LEN: u32 = 200_000;
    // Each is a typedef of the next one, and the last one of an unknown kind.
    let mut file = File::new();
    for id in 1..LEN {
        file = file.add("t", TYPEDEF << 24, id + 1, &[]);
    }
    let file = file.unknown("new").parts("s", STRUCT, 8, &[("a", [1, 0])]);

    assert!(file
        .c(&[Root::from("s")])
        .unwrap()
        .contains("\t/* a: BTF type 200000 is of the unknown kind 100 */\n\tlong: 64;\n"));
}
