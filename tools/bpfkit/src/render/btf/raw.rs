// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Writes types completely, one after the other, in the words of `bpftool btf dump`.

use std::io;
use std::io::Write;

use crate::dump::kind_name;
use crate::dump::DumpError;
use crate::dump::Text;
use splitbtf::Btf;
use splitbtf::Composite;
use splitbtf::Error;
use splitbtf::Int;
use splitbtf::Kind;
use splitbtf::Linkage;
use splitbtf::Type;
use zerocopy::ByteOrder;

/// Writes the types `ids` to `sink`.
pub(super) fn dump<O: ByteOrder>(
    btf: &Btf<'_, O>,
    ids: impl Iterator<Item = u32>,
    mut sink: impl Sink,
) -> Result<(), DumpError> {
    for id in ids {
        describe(btf, &btf.get(id)?, &mut sink)?;
        sink.spill()?;
    }
    Ok(sink.finish()?)
}

/// An output format for types.
pub(super) trait Sink {
    /// Begins a type.
    fn begin(&mut self, id: u32, kind: &str, name: &[u8]);
    /// A property that is a number.
    fn number(&mut self, key: &str, value: impl itoa::Integer);
    /// A property that is a word, after a comma if `comma`.
    fn word(&mut self, key: &str, value: &str, comma: bool);
    /// The value of an enumerator.
    fn value(&mut self, value: Value);
    /// Begins a list of parts.
    fn list(&mut self, key: &str);
    /// Begins a part.
    fn part(&mut self, name: Option<&[u8]>);
    /// Kind and name of the type whose id the part has just printed.
    fn remark(&mut self, kind: &str, name: &[u8]);
    /// Ends a part.
    fn end_part(&mut self);
    /// Ends a list.
    fn end_list(&mut self);
    /// Ends a type.
    fn end(&mut self);
    /// Writes the buffer if it is large. Callers do this now and then.
    fn spill(&mut self) -> io::Result<()>;
    /// Ends the dump.
    fn finish(self) -> io::Result<()>;
}

/// The value of an enumerator.
#[derive(Clone, Copy)]
pub(super) enum Value {
    /// Of an ENUM.
    I32(i32),
    /// Of an unsigned ENUM.
    U32(u32),
    /// Of an ENUM64.
    I64(i64),
    /// Of an unsigned ENUM64.
    U64(u64),
}

fn describe<O: ByteOrder>(
    btf: &Btf<'_, O>,
    ty: &Type<'_>,
    sink: &mut impl Sink,
) -> Result<(), Error> {
    sink.begin(ty.id, kind_name(&ty.kind), name(btf, ty.name_off)?);

    match ty.kind {
        Kind::Int(int) => {
            sink.number("size", int.size);
            sink.number("bits_offset", int.offset);
            sink.number("nr_bits", int.bits);
            sink.word("encoding", encoding(int.encoding), false);
        }
        Kind::Ptr(to)
        | Kind::Typedef(to)
        | Kind::Volatile(to)
        | Kind::Const(to)
        | Kind::Restrict(to)
        | Kind::TypeTag { ty: to, .. } => sink.number("type_id", to),
        Kind::Array(array) => {
            sink.number("type_id", array.ty);
            sink.number("index_type_id", array.index_type);
            sink.number("nr_elems", array.nelems);
        }
        Kind::Struct(of) | Kind::Union(of) => members(btf, &of, sink)?,
        Kind::Enum {
            size,
            signed,
            values,
        }
        | Kind::Enum64 {
            size,
            signed,
            values,
        } => {
            let wide = matches!(ty.kind, Kind::Enum64 { .. });
            sink.word(
                "encoding",
                if signed { "SIGNED" } else { "UNSIGNED" },
                false,
            );
            sink.number("size", size);
            sink.number("vlen", values.len());
            sink.list("values");
            for value in values {
                sink.part(Some(name(btf, value.name_off)?));
                sink.value(match (wide, signed) {
                    (false, true) => Value::I32(value.value as i32),
                    (false, false) => Value::U32(value.value as u32),
                    (true, true) => Value::I64(value.value as i64),
                    (true, false) => Value::U64(value.value as u64),
                });
                sink.end_part();
            }
            sink.end_list();
        }
        Kind::Fwd { is_union } => {
            let kind = if is_union { "union" } else { "struct" };
            sink.word("fwd_kind", kind, false);
        }
        Kind::Func { proto, linkage } => {
            sink.number("type_id", proto);
            sink.word("linkage", linkage_name(linkage), false);
        }
        Kind::FuncProto { returns, params } => {
            sink.number("ret_type_id", returns);
            sink.number("vlen", params.len());
            sink.list("params");
            for param in params {
                sink.part(Some(name(btf, param.name_off)?));
                sink.number("type_id", param.ty);
                sink.end_part();
            }
            sink.end_list();
        }
        Kind::Var { ty, linkage } => {
            sink.number("type_id", ty);
            sink.word("linkage", linkage_name(linkage), true);
        }
        Kind::Datasec { size, vars } => {
            sink.number("size", size);
            sink.number("vlen", vars.len());
            sink.list("vars");
            for var in vars {
                sink.part(None);
                sink.number("type_id", var.ty);
                sink.number("offset", var.offset);
                sink.number("size", var.size);
                if let Ok(ty) = btf.get(var.ty) {
                    sink.remark(kind_name(&ty.kind), name(btf, ty.name_off)?);
                }
                sink.end_part();
            }
            sink.end_list();
        }
        Kind::Float { size } => sink.number("size", size),
        Kind::DeclTag { ty, component, .. } => {
            sink.number("type_id", ty);
            sink.number("component_idx", component);
        }
        _ => {}
    }
    sink.end();
    Ok(())
}

fn members<O: ByteOrder>(
    btf: &Btf<'_, O>,
    of: &Composite<'_>,
    sink: &mut impl Sink,
) -> Result<(), Error> {
    let members = of.members();

    sink.number("size", of.size);
    sink.number("vlen", members.len());
    sink.list("members");
    for member in members {
        sink.part(Some(name(btf, member.name_off)?));
        sink.number("type_id", member.ty);
        sink.number("bits_offset", member.bit_offset);
        if member.bitfield_bits != 0 {
            sink.number("bitfield_size", member.bitfield_bits);
        }
        sink.end_part();
    }
    sink.end_list();
    Ok(())
}

/// A name, or `(anon)` if there is none.
fn name<'a, O: ByteOrder>(btf: &Btf<'a, O>, offset: u32) -> Result<&'a [u8], Error> {
    match offset {
        0 => Ok(b"(anon)"),
        offset => btf.string(offset),
    }
}

fn encoding(encoding: u8) -> &'static str {
    match encoding {
        0 => "(none)",
        Int::SIGNED => "SIGNED",
        Int::CHAR => "CHAR",
        Int::BOOL => "BOOL",
        _ => "UNKN",
    }
}

/// `BTF_FUNC_*` and `BTF_VAR_*` mean the same.
fn linkage_name(linkage: u32) -> &'static str {
    match Linkage::of(linkage) {
        Some(Linkage::Static) => "static",
        Some(Linkage::Global) => "global",
        Some(Linkage::Extern) => "extern",
        None => "(unknown)",
    }
}

/// Nowhere: only finds out whether all can be read.
pub(super) struct Nothing;

impl Sink for Nothing {
    fn begin(&mut self, _id: u32, _kind: &str, _name: &[u8]) {}
    fn number(&mut self, _key: &str, _value: impl itoa::Integer) {}
    fn word(&mut self, _key: &str, _value: &str, _comma: bool) {}
    fn value(&mut self, _value: Value) {}
    fn list(&mut self, _key: &str) {}
    fn part(&mut self, _name: Option<&[u8]>) {}
    fn remark(&mut self, _kind: &str, _name: &[u8]) {}
    fn end_part(&mut self) {}
    fn end_list(&mut self) {}
    fn end(&mut self) {}
    fn spill(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn finish(self) -> io::Result<()> {
        Ok(())
    }
}

/// Lines for people.
pub(super) struct Plain<W> {
    text: Text<W>,
    /// Whether the line has content, so that a space comes next.
    space: bool,
}

impl<W: Write> Plain<W> {
    pub(super) fn new(text: Text<W>) -> Self {
        Self { text, space: false }
    }

    #[inline]
    fn key(&mut self, key: &str) {
        if self.space {
            self.text.put(" ");
        }
        self.text.put(key);
        self.text.put("=");
        self.space = true;
    }
}

impl<W: Write> Sink for Plain<W> {
    fn begin(&mut self, id: u32, kind: &str, name: &[u8]) {
        self.text.put("[");
        self.text.number(id);
        self.text.put("] ");
        self.text.put(kind);
        self.text.put(" '");
        self.text.put(name);
        self.text.put("'");
        self.space = true;
    }

    fn number(&mut self, key: &str, value: impl itoa::Integer) {
        self.key(key);
        self.text.number(value);
    }

    fn word(&mut self, key: &str, value: &str, comma: bool) {
        if comma {
            self.text.put(",");
        }
        self.key(key);
        self.text.put(value);
    }

    fn value(&mut self, value: Value) {
        self.key("val");
        match value {
            Value::I32(value) => self.text.number(value),
            Value::U32(value) => self.text.number(value),
            Value::I64(value) => {
                self.text.number(value);
                self.text.put("LL");
            }
            Value::U64(value) => {
                self.text.number(value);
                self.text.put("ULL");
            }
        }
    }

    fn list(&mut self, _key: &str) {}

    fn part(&mut self, name: Option<&[u8]>) {
        self.text.put("\n\t");
        if let Some(name) = name {
            self.text.put("'");
            self.text.put(name);
            self.text.put("'");
        }
        self.space = name.is_some();
    }

    fn remark(&mut self, kind: &str, name: &[u8]) {
        self.text.put(" (");
        self.text.put(kind);
        self.text.put(" '");
        self.text.put(name);
        self.text.put("')");
    }

    fn end_part(&mut self) {}

    fn end_list(&mut self) {}

    fn end(&mut self) {
        self.text.put("\n");
    }

    fn spill(&mut self) -> io::Result<()> {
        self.text.spill()
    }

    fn finish(self) -> io::Result<()> {
        self.text.finish()
    }
}
