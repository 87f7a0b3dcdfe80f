// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Names for C, where each name can be used only once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write;

use foldhash::fast::RandomState;
use splitbtf::Enumerator;
use splitbtf::Error;
use splitbtf::Kind;
use splitbtf::Type;
use zerocopy::ByteOrder;

use super::types::Types;

use crate::dump::Text;

/// The names in use, with the number of uses of each.
type Table<'a> = HashMap<Cow<'a, [u8]>, u32, RandomState>;

/// Instead of a number: the name is that of a built-in C type.
const NATIVE: u32 = u32::MAX;

/// Names for all types that have one. The second `struct x` is called `struct x___2`, and so on.
pub(super) struct Names<'a> {
    /// By id: the number among the types with its name, from 1; 0 for types without a name.
    numbers: Vec<u32>,
    /// The names of structs, unions and enums.
    tags: Table<'a>,
    /// The names of typedefs and of enumerators.
    idents: Table<'a>,
    /// By id: whether another type refers to it.
    referenced: Vec<bool>,
    /// The ids of all types that can be declared on their own.
    declarable: Vec<u32>,
    /// The ids of the first `typedef _Bool bool;` and the first `enum { false, true };`, which C23
    /// has built in; 0 if there is none.
    in_c23: [u32; 2],
}

impl<'a> Names<'a> {
    /// Names all types.
    ///
    /// # Errors
    ///
    /// If a type or its name cannot be read.
    pub(super) fn of<O: ByteOrder>(types: &Types<'_, 'a, O>) -> Result<Self, Error> {
        let len = types.len();
        let mut this = Self {
            numbers: vec![0; len],
            // About what a kernel needs; the tables grow if that is not enough.
            tags: Table::with_capacity_and_hasher(len / 8, RandomState::default()),
            idents: Table::with_capacity_and_hasher(len / 2, RandomState::default()),
            referenced: vec![false; len],
            declarable: Vec::new(),
            in_c23: [0; 2],
        };

        // Collect all names first, so that no numbered name is equal to one of them.
        for id in 1..types.end_id() {
            let ty = types.get(id)?;
            this.note_c23(types, &ty)?;
            let name = types.string(ty.name_off)?;
            let ident = this.ident(id, name);
            if let Some(table) = this.table(&ty) {
                if is_native(&ty.kind, name) {
                    this.number(id, NATIVE);
                } else {
                    table.insert(ident, 0);
                    this.declarable.push(id);
                }
            } else if matches!(ty.kind, Kind::Enum { .. } | Kind::Enum64 { .. }) {
                this.declarable.push(id);
            }
            this.refer(types, &ty)?;
        }
        // Compilers define this type themselves, differently for each processor.
        this.idents.insert(Cow::Borrowed(b"__builtin_va_list"), 1);

        let mut defined = HashMap::with_hasher(RandomState::default());
        let mut declared = Vec::new();
        for id in this.declarable.clone() {
            let ty = types.get(id)?;
            let name = types.string(ty.name_off)?;
            if let Kind::Fwd { is_union } = ty.kind {
                declared.push((id, is_union, name));
                continue;
            }
            let ident = this.ident(id, name);
            let Some(table) = this.table(&ty) else {
                continue;
            };
            let number = next_number(table, &ident);
            this.number(id, number);
            if let Some(is_union) = is_union(&ty.kind) {
                defined.entry((is_union, name)).or_insert(number);
            }
        }
        // A forward declaration gets the number of the first definition with its name, if any.
        for (id, is_union, name) in declared {
            let tags = &mut this.tags;
            let number = *defined
                .entry((is_union, name))
                .or_insert_with(|| next_number(tags, &identifier(name)));
            this.number(id, number);
        }
        Ok(this)
    }

    /// The table for the name of this type, if it has one that must be unique.
    fn table(&mut self, ty: &Type<'_>) -> Option<&mut Table<'a>> {
        match ty.kind {
            _ if ty.name_off == 0 => None,
            Kind::Struct(_)
            | Kind::Union(_)
            | Kind::Fwd { .. }
            | Kind::Enum { .. }
            | Kind::Enum64 { .. } => Some(&mut self.tags),
            Kind::Typedef(_) | Kind::Int(_) | Kind::Float { .. } => Some(&mut self.idents),
            _ => None,
        }
    }

    /// Records the types that this one refers to, and its enumerators.
    fn refer<O: ByteOrder>(
        &mut self,
        types: &Types<'_, 'a, O>,
        ty: &Type<'a>,
    ) -> Result<(), Error> {
        let mut refer = |id: u32| {
            let flag = self.referenced.get_mut(id as usize);
            if let Some(flag) = flag {
                *flag = true;
            }
        };

        match ty.kind {
            Kind::Ptr(to)
            | Kind::Typedef(to)
            | Kind::Volatile(to)
            | Kind::Const(to)
            | Kind::Restrict(to)
            | Kind::TypeTag { ty: to, .. }
            | Kind::Var { ty: to, .. } => refer(to),
            Kind::Array(array) => refer(array.ty),
            Kind::Struct(of) | Kind::Union(of) => of.members().for_each(|member| refer(member.ty)),
            Kind::FuncProto { returns, params } => {
                refer(returns);
                params.iter().for_each(|param| refer(param.ty));
            }
            _ => {}
        }
        let (Kind::Enum { values, .. } | Kind::Enum64 { values, .. }) = ty.kind else {
            return Ok(());
        };
        for Enumerator { name_off, .. } in values {
            let name = self.ident(ty.id, types.string(name_off)?);
            self.idents.entry(name).or_insert(0);
        }
        Ok(())
    }

    /// Notes a type that C23 has built in.
    fn note_c23<O: ByteOrder>(
        &mut self,
        types: &Types<'_, 'a, O>,
        ty: &Type<'a>,
    ) -> Result<(), Error> {
        let [boolean, truth] = &mut self.in_c23;

        match ty.kind {
            Kind::Typedef(to) if *boolean == 0 && types.string(ty.name_off)? == b"bool" => {
                let of = types.get(to)?;
                if matches!(of.kind, Kind::Int(int) if int.is_bool()) {
                    *boolean = ty.id;
                }
            }
            Kind::Enum { values, .. } if *truth == 0 && ty.name_off == 0 => {
                let mut all = values.len() == 2;
                for Enumerator { name_off, value } in values {
                    let name = types.string(name_off)?;
                    all &= matches!((name, value), (b"false", 0) | (b"true", 1));
                }
                if all {
                    *truth = ty.id;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether C23 has this type built in, so that only older C needs its definition.
    pub(super) fn is_in_c23(&self, id: u32) -> bool {
        id != 0 && self.in_c23.contains(&id)
    }

    /// The C name, without a number, of the type with this id or of one of its enumerators.
    fn ident<'n>(&self, id: u32, name: &'n [u8]) -> Cow<'n, [u8]> {
        match self.is_in_c23(id) {
            true => Cow::Borrowed(name),
            false => identifier(name),
        }
    }

    fn number(&mut self, id: u32, number: u32) {
        if let Some(slot) = self.numbers.get_mut(id as usize) {
            *slot = number;
        }
    }

    /// The ids of all types that can be declared on their own.
    pub(super) fn declarable(&self) -> &[u32] {
        &self.declarable
    }

    /// Whether another type refers to the one with this id.
    pub(super) fn is_referenced(&self, id: u32) -> bool {
        self.referenced.get(id as usize).is_some_and(|flag| *flag)
    }

    /// Whether this type is built into C.
    pub(super) fn is_native(&self, id: u32) -> bool {
        self.numbers.get(id as usize) == Some(&NATIVE)
    }

    /// Writes the C name of the type with this id, which is called `name` in BTF.
    pub(super) fn put(&self, text: &mut Text<impl Write>, id: u32, name: &[u8]) {
        text.put(self.full(id, name));
    }

    /// The C name of the type with this id, which is called `name` in BTF.
    pub(super) fn full<'n>(&self, id: u32, name: &'n [u8]) -> Cow<'n, [u8]> {
        let number = self.numbers.get(id as usize).copied().unwrap_or(1);

        match number {
            NATIVE => Cow::Borrowed(name),
            0 | 1 => self.ident(id, name),
            number => Cow::Owned(numbered(&self.ident(id, name), number)),
        }
    }

    /// Writes the name of an enumerator of the type `id`, which is called `name` in BTF.
    pub(super) fn put_enumerator(&mut self, text: &mut Text<impl Write>, id: u32, name: &[u8]) {
        let name = self.ident(id, name);

        text.put(&name);
        number(text, next_number(&mut self.idents, &name));
    }
}

fn is_union(kind: &Kind<'_>) -> Option<bool> {
    match kind {
        Kind::Struct(_) => Some(false),
        Kind::Union(_) => Some(true),
        _ => None,
    }
}

fn number(text: &mut Text<impl Write>, number: u32) {
    if number > 1 {
        text.put("___");
        text.number(number);
    }
}

/// The number for one more use of this name, which is in the table.
fn next_number(table: &mut Table<'_>, name: &[u8]) -> u32 {
    let last = match table.get_mut(name) {
        Some(last) if *last == 0 => {
            *last = 1;
            return 1;
        }
        Some(last) => *last,
        None => 1,
    };
    let other = |number: &u32| !table.contains_key(numbered(name, *number).as_slice());
    let number = (last..NATIVE).skip(1).find(other).unwrap_or(last);

    if let Some(last) = table.get_mut(name) {
        *last = number;
    }
    number
}

fn numbered(name: &[u8], number: u32) -> Vec<u8> {
    [name, b"___", itoa::Buffer::new().format(number).as_bytes()].concat()
}

/// By byte: whether it can be in a name.
const LETTERS: [bool; 256] = {
    let mut letters = [false; 256];
    let mut byte = 0;
    while byte < letters.len() {
        letters[byte] = (byte as u8).is_ascii_alphanumeric() || byte as u8 == b'_';
        byte += 1;
    }
    letters
};

/// A name as C allows it: other languages allow other characters in theirs.
pub(super) fn identifier(name: &[u8]) -> Cow<'_, [u8]> {
    let letter = |byte: &u8| LETTERS[usize::from(*byte)];
    let digit = name.first().is_some_and(u8::is_ascii_digit);

    if !digit && name.iter().all(letter) && !is_keyword(name) {
        return Cow::Borrowed(name);
    }
    let mut other = Vec::with_capacity(name.len() + 1);
    if digit || is_keyword(name) {
        other.push(b'_');
    }
    other.extend(
        name.iter()
            .map(|byte| if letter(byte) { *byte } else { b'_' }),
    );
    Cow::Owned(other)
}

fn is_keyword(name: &[u8]) -> bool {
    matches!(
        name,
        b"auto"
            | b"break"
            | b"case"
            | b"char"
            | b"const"
            | b"continue"
            | b"default"
            | b"do"
            | b"double"
            | b"else"
            | b"enum"
            | b"extern"
            | b"float"
            | b"for"
            | b"goto"
            | b"if"
            | b"inline"
            | b"int"
            | b"long"
            | b"register"
            | b"restrict"
            | b"return"
            | b"short"
            | b"signed"
            | b"sizeof"
            | b"static"
            | b"struct"
            | b"switch"
            | b"typedef"
            | b"union"
            | b"unsigned"
            | b"void"
            | b"volatile"
            | b"while"
            | b"asm"
            // Since C23.
            | b"alignas"
            | b"alignof"
            | b"bool"
            | b"constexpr"
            | b"false"
            | b"nullptr"
            | b"static_assert"
            | b"thread_local"
            | b"true"
            | b"typeof"
            | b"typeof_unqual"
    )
}

/// Whether C has this number type built in. Other languages have types with the names of C's and
/// with other sizes: Rust's `char` has 4 bytes.
fn is_native(kind: &Kind<'_>, name: &[u8]) -> bool {
    if !is_number_type(name) {
        return false;
    }
    let Kind::Int(int) = kind else {
        return matches!(kind, Kind::Float { .. });
    };
    // The old encoding of bit-fields has types with fewer bits.
    if u32::from(int.bits) != int.size.saturating_mul(8) {
        return true;
    }
    let count = |wanted: &[u8]| {
        name.split(|byte| *byte == b' ')
            .filter(|word| *word == wanted)
            .count()
    };
    let has = |word: &[u8]| count(word) != 0;

    let (sizes, sign): (&[u32], _) = match count(b"long") {
        // The sign of `char` differs between machines; old BTF has floating-point numbers as INT.
        _ if has(b"char") => (&[1], None),
        _ if has(b"float") || has(b"double") => return true,
        _ if has(b"_Bool") => (&[1], Some(false)),
        _ if has(b"short") => (&[2], Some(!has(b"unsigned"))),
        _ if has(b"__int128") => (&[16], Some(!has(b"unsigned"))),
        0 => (&[4], Some(!has(b"unsigned"))),
        // As large as a pointer.
        1 => (&[4, 8], Some(!has(b"unsigned"))),
        _ => (&[8], Some(!has(b"unsigned"))),
    };
    sizes.contains(&int.size) && sign.is_none_or(|sign| sign == int.is_signed())
}

/// Whether a name consists of words of C's built-in number types.
fn is_number_type(name: &[u8]) -> bool {
    let word = |word: &[u8]| {
        matches!(
            word,
            b"char"
                | b"short"
                | b"int"
                | b"long"
                | b"signed"
                | b"unsigned"
                | b"_Bool"
                | b"__int128"
                | b"float"
                | b"double"
                | b"_Float16"
                | b"__bf16"
                | b"_Complex"
        )
    };

    name.split(|byte| *byte == b' ').all(word)
}

#[cfg(test)]
mod tests;
