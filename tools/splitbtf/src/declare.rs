// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Types as C writes them, and their sizes.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::string::ToString;
use alloc::vec;

use zerocopy::ByteOrder;

use crate::Btf;
use crate::Error;
use crate::Index;
use crate::Kind;

/// How deep prototypes may be nested in each other's parameters.
const MAX_DEPTH: usize = 16;

/// The declaration of something with this name and type: `const char *name[4]`.
pub(crate) fn declaration<O: ByteOrder, I: Index>(
    btf: &Btf<'_, O, I>,
    id: u32,
    name: &str,
) -> Result<String, Error> {
    nested(btf, id, name, 0)
}

fn nested<O: ByteOrder, I: Index>(
    btf: &Btf<'_, O, I>,
    id: u32,
    name: &str,
    depth: usize,
) -> Result<String, Error> {
    if depth > MAX_DEPTH {
        return Err(Error::Cycle { id });
    }
    // C's declarators grow from the name outwards.
    let mut declarator = name.to_string();
    let mut qualifiers = String::new();
    let mut pointer = false;
    let mut next = id;

    // A chain with more steps than there are types is a cycle.
    for _ in 0..=btf.end_id() {
        let ty = btf.get(next)?;
        let suffix = match ty.kind {
            Kind::Const(to) | Kind::Volatile(to) | Kind::Restrict(to) => {
                qualifiers.push_str(match ty.kind {
                    Kind::Const(_) => "const ",
                    Kind::Volatile(_) => "volatile ",
                    _ => "restrict ",
                });
                next = to;
                continue;
            }
            Kind::TypeTag { ty: to, .. } => {
                next = to;
                continue;
            }
            Kind::Ptr(to) => {
                declarator = format!("*{qualifiers}{declarator}");
                qualifiers.clear();
                pointer = true;
                next = to;
                continue;
            }
            Kind::Array(array) => {
                next = array.ty;
                format!("[{}]", array.nelems)
            }
            Kind::FuncProto { returns, params } => {
                let mut texts = vec![];
                for param in params {
                    texts.push(match param.ty {
                        0 => "...".to_string(),
                        ty => nested(
                            btf,
                            ty,
                            &text(btf, param.name_off)?,
                            depth.saturating_add(1),
                        )?,
                    });
                }
                if texts.is_empty() {
                    texts.push("void".to_string());
                }
                qualifiers.clear();
                next = returns;
                format!("({})", texts.join(", "))
            }
            kind => {
                let name = match (kind, text(btf, ty.name_off)?) {
                    (Kind::Void, _) => "void".into(),
                    (_, name) if name.is_empty() => "{...}".into(),
                    (_, name) => name,
                };
                let keyword = kind.keyword().unwrap_or_default();
                let gap = if keyword.is_empty() { "" } else { " " };
                let text = format!("{qualifiers}{keyword}{gap}{name} {declarator}");
                return Ok(text.trim_end().to_string());
            }
        };
        if pointer {
            declarator = format!("({declarator})");
            pointer = false;
        }
        declarator.push_str(&suffix);
    }
    Err(Error::Cycle { id })
}

fn text<'a, O: ByteOrder, I: Index>(
    btf: &Btf<'a, O, I>,
    offset: u32,
) -> Result<Cow<'a, str>, Error> {
    btf.string(offset).map(String::from_utf8_lossy)
}

/// The size of a type in bytes, where pointers have `pointer` bytes. `None` if it has none, like
/// `void` and functions, or if 64 bits cannot hold it.
pub(crate) fn size_of<O: ByteOrder, I: Index>(
    btf: &Btf<'_, O, I>,
    id: u32,
    pointer: u8,
) -> Result<Option<u64>, Error> {
    let mut count: u64 = 1;
    let mut next = id;

    // A chain with more steps than there are types is a cycle.
    for _ in 0..=btf.end_id() {
        let ty = btf.get(next)?;
        let size = match ty.kind {
            Kind::Ptr(_) => Some(pointer.into()),
            Kind::Array(array) => {
                let Some(product) = count.checked_mul(array.nelems.into()) else {
                    return Ok(None);
                };
                count = product;
                next = array.ty;
                continue;
            }
            Kind::Var { ty, .. } => {
                next = ty;
                continue;
            }
            kind => match kind.modified() {
                Some(to) => {
                    next = to;
                    continue;
                }
                None => kind.size().map(u64::from),
            },
        };
        return Ok(size.and_then(|size| size.checked_mul(count)));
    }
    Err(Error::Cycle { id })
}

#[cfg(test)]
mod tests {
    use zerocopy::LE;

    use super::*;
    use crate::testing::build;
    use crate::testing::int;
    use crate::testing::members;

    #[test]
    fn declarations_are_cs() {
        let btf = build::<LE>(None, |b| {
            b.int(b"char", int(1)); // 1
            b.constant(1);
            b.ptr(2); // 3: const char *
            b.constant(3);
            b.array(4, 1, 4); // 5
            b.ptr(5); // 6
            b.func_proto(1, &[(b"s", 3), (b"", 0)]); // 7
            b.ptr(7);
            b.array(8, 1, 2); // 9
            b.structure(b"s", 8, &members(&[1]));
            b.structure(b"", 8, &[]); // 11
            b.typedef(b"t", 10);
            b.volatile(12); // 13
            b.func_proto(0, &[]);
            b.ptr(14); // 15
            b.type_tag(b"user", 10);
            b.ptr(16); // 17
            b.fwd(b"u", true);
            b.restrict(3); // 19
            b.ptr(0);
        });
        let text = |id| declaration(btf, id, "x").unwrap();

        assert_eq!(text(1), "char x");
        assert_eq!(text(3), "const char *x");
        assert_eq!(text(4), "const char *const x");
        assert_eq!(text(5), "const char *const x[4]");
        assert_eq!(text(6), "const char *const (*x)[4]");
        assert_eq!(text(7), "char x(const char *s, ...)");
        assert_eq!(text(8), "char (*x)(const char *s, ...)");
        assert_eq!(text(9), "char (*x[2])(const char *s, ...)");
        assert_eq!(text(10), "struct s x");
        assert_eq!(text(11), "struct {...} x");
        assert_eq!(text(13), "volatile t x");
        assert_eq!(text(15), "void (*x)(void)");
        assert_eq!(text(17), "struct s *x");
        assert_eq!(text(18), "union u x");
        assert_eq!(text(19), "const char *restrict x");
        assert_eq!(text(20), "void *x");
        assert_eq!(declaration(btf, 10, "").unwrap(), "struct s");
        assert_eq!(
            declaration(btf, 99, "x").unwrap_err(),
            Error::Id { id: 99, end: 21 }
        );
    }

    #[test]
    fn functions_nest_to_a_limit() {
        let btf = build::<LE>(None, |b| {
            b.func_proto(0, &[]);
            for inner in 1..=17 {
                b.func_proto(0, &[(b"f", inner)]);
            }
        });

        // The first function is 16 deep in the 17th.
        assert!(declaration(btf, 17, "x").is_ok());
        assert_eq!(declaration(btf, 18, "x"), Err(Error::Cycle { id: 1 }));
    }

    #[test]
    fn sizes_go_through_names_and_arrays() {
        let btf = build::<LE>(None, |b| {
            b.int(b"int", int(4));
            b.typedef(b"t", 1);
            b.array(2, 1, 3);
            b.array(3, 1, 5);
            b.ptr(4);
            b.array(4, 1, u32::MAX);
            b.array(6, 1, u32::MAX);
            b.var(b"v", 3, 1);
            b.fwd(b"f", false);
        });

        assert_eq!(size_of(btf, 2, 8), Ok(Some(4)));
        assert_eq!(size_of(btf, 4, 8), Ok(Some(60)));
        assert_eq!(size_of(btf, 5, 8), Ok(Some(8)));
        assert_eq!(size_of(btf, 5, 4), Ok(Some(4)));
        assert_eq!(size_of(btf, 7, 8), Ok(None));
        assert_eq!(size_of(btf, 8, 8), Ok(Some(12)));
        assert_eq!(size_of(btf, 9, 8), Ok(None));
        assert_eq!(size_of(btf, 0, 8), Ok(None));
    }

    #[test]
    fn cycles_end() {
        let btf = build::<LE>(None, |b| {
            b.typedef(b"a", 2);
            b.typedef(b"b", 1);
            b.array(4, 1, 1);
            b.array(3, 1, 1);
            b.func_proto(0, &[(b"p", 5)]);
        });

        // A declaration has only a typedef's name.
        assert_eq!(declaration(btf, 1, "x").unwrap(), "a x");
        assert_eq!(size_of(btf, 1, 8), Err(Error::Cycle { id: 1 }));
        assert_eq!(declaration(btf, 3, "x"), Err(Error::Cycle { id: 3 }));
        assert_eq!(size_of(btf, 3, 8), Err(Error::Cycle { id: 3 }));
        assert_eq!(declaration(btf, 5, "x"), Err(Error::Cycle { id: 5 }));
    }
}
