// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Reads from the BTF of an object file whether libbpf-cargo can write the types of its skeleton,
//! and where their fields must be.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write;

use splitbtf::Btf;
use splitbtf::BtfExt;
use splitbtf::Composite;
use splitbtf::Kind;
use splitbtf::Linkage;
use splitbtf::Owned;
use zerocopy::NativeEndian;

use super::is_identifier;
use super::source::Field;
use super::source::Source;

/// The most levels of nested types. The kernel accepts 32, and libbpf-cargo calls itself for each.
const MAX_DEPTH: u32 = 64;

/// The types of an object file, with the offsets that libbpf gives to its variables.
pub struct Layout(Option<Owned<NativeEndian>>);

impl Layout {
    /// Takes the BTF of an object file; `None` if it has none.
    ///
    /// # Errors
    ///
    /// If it is malformed, or libbpf-cargo cannot write its types in Rust.
    pub fn new(btf: Option<Vec<u8>>) -> Result<Self, String> {
        let btf = btf.map(|btf| Owned::new(btf, None)).transpose();
        let layout = Self(btf.map_err(|error| error.to_string())?);

        if let Some(btf) = layout.btf() {
            let mut scratch = vec![0; btf.validate_scratch()];
            btf.validate_references(&mut scratch)
                .map_err(|error| error.to_string())?;
            Checker {
                btf,
                nested: BTreeMap::new(),
            }
            .check()?;
        }
        Ok(layout)
    }

    fn btf(&self) -> Option<Btf<'_, NativeEndian>> {
        self.0.as_ref().map(Owned::btf)
    }

    /// The names of the static variables that begin with `prefix`, of all sections of constants.
    ///
    /// # Errors
    ///
    /// If the BTF is malformed.
    pub fn statics(&self, prefix: &str) -> Result<Vec<String>, String> {
        let mut found = vec![];
        let Some(btf) = self.btf() else {
            return Ok(found);
        };
        for ty in btf.types() {
            let ty = ty.map_err(|error| error.to_string())?;
            let Kind::Datasec { vars, .. } = ty.kind else {
                continue;
            };
            if !name(&btf, ty.name_off)?.starts_with(".rodata") {
                continue;
            }
            for secinfo in vars {
                let (name, linkage, _) = variable(&btf, secinfo.ty)?;
                if linkage == Some(Linkage::Static) && name.starts_with(prefix) {
                    found.push(name);
                }
            }
        }
        Ok(found)
    }

    /// Rust that does not compile unless every global variable and every member of its type is where
    /// the BTF says.
    ///
    /// # Errors
    ///
    /// If the skeleton has other fields than the BTF.
    pub fn asserts(&self, source: &Source) -> Result<String, String> {
        let Some(btf) = self.btf() else {
            return Ok(String::new());
        };
        let mut asserts = Asserts {
            btf,
            source,
            done: BTreeSet::new(),
            text: String::new(),
        };
        for ty in btf.types() {
            let ty = ty.map_err(|error| error.to_string())?;
            if let Kind::Datasec { vars, .. } = ty.kind {
                let of = name(&btf, ty.name_off)?;
                let of = of.strip_prefix('.').unwrap_or(&of).replace('.', "_");
                let section = source.sections.iter().find(|section| section.ty == of);
                if let Some(section) = section {
                    let vars = vars.iter().map(|secinfo| {
                        let (name, linkage, ty) = variable(&btf, secinfo.ty)?;
                        let is_static = linkage == Some(Linkage::Static);
                        Ok((!is_static).then_some((name, ty, secinfo.offset)))
                    });
                    let vars = vars.filter_map(Result::transpose);
                    let vars = vars.collect::<Result<Vec<_>, String>>()?;
                    asserts.fields(&of, &section.fields, vars)?;
                }
            }
        }
        if asserts.text.is_empty() {
            return Ok(String::new());
        }
        Ok(format!(
            "
// The types must have the layouts that the BTF says.
const _: () = {{
    use std::mem::offset_of;
    {}
}};
",
            asserts.text
        ))
    }
}

/// The name at this offset.
fn name(btf: &Btf<'_, NativeEndian>, offset: u32) -> Result<String, String> {
    let name = btf.string(offset).map_err(|error| error.to_string())?;

    Ok(String::from_utf8_lossy(name).into_owned())
}

/// The name, the linkage and the type of a variable.
fn variable(
    btf: &Btf<'_, NativeEndian>,
    id: u32,
) -> Result<(String, Option<Linkage>, u32), String> {
    let var = btf.get(id).map_err(|error| error.to_string())?;

    match var.kind {
        Kind::Var { ty, linkage } => Ok((name(btf, var.name_off)?, Linkage::of(linkage), ty)),
        _ => Err(format!("BTF type {id} is not a variable")),
    }
}

/// Finds types at which libbpf-cargo would panic, or write no Rust.
struct Checker<'a> {
    btf: Btf<'a, NativeEndian>,
    /// The levels of types in a type.
    nested: BTreeMap<u32, u32>,
}

impl Checker<'_> {
    fn check(&mut self) -> Result<(), String> {
        for id in self.btf.first_id()..self.btf.end_id() {
            self.levels(id, 0)?;
            let ty = self.btf.get(id).map_err(|error| error.to_string())?;
            match ty.kind {
                Kind::Struct(of) | Kind::Union(of) => {
                    self.checked_name(id, ty.name_off, true)?;
                    for member in of.members() {
                        self.checked_name(id, member.name_off, true)?;
                    }
                    if matches!(ty.kind, Kind::Union(_)) {
                        self.check_union(id, ty.name_off, of)?;
                    }
                }
                Kind::Enum { size: 0, .. } | Kind::Enum64 { size: 0, .. } => {
                    return Err(format!("BTF type {id} has no size"));
                }
                Kind::Enum { values, .. } | Kind::Enum64 { values, .. } => {
                    self.checked_name(id, ty.name_off, true)?;
                    for value in values {
                        self.checked_name(id, value.name_off, false)?;
                    }
                }
                Kind::Var { linkage, .. } if Linkage::of(linkage) != Some(Linkage::Static) => {
                    self.checked_name(id, ty.name_off, false)?;
                }
                Kind::Int(int) if int.bits == 0 || (int.is_bool() && int.bits != 8) => {
                    return Err(format!("BTF type {id} is an INT of {} bits", int.bits));
                }
                Kind::Float { size: 0 } => return Err(format!("BTF type {id} has no size")),
                Kind::Array(array) => {
                    let size = self.btf.size_of(array.ty, 8);
                    let size = size.map_err(|error| error.to_string())?.unwrap_or(0);
                    if size.saturating_mul(array.nelems.into()) > u32::MAX.into() {
                        return Err(format!("BTF type {id} is an array of 4 GiB or more"));
                    }
                }
                Kind::Datasec { vars, .. } => {
                    for var in vars {
                        if var.offset.checked_add(var.size).is_none() {
                            return Err(format!("BTF type {id} is a section of 4 GiB or more"));
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn checked_name(&self, id: u32, offset: u32, anonymous: bool) -> Result<(), String> {
        let name = name(&self.btf, offset)?;

        match (anonymous && name.is_empty()) || is_identifier(&name) {
            true => Ok(()),
            false => Err(format!(
                "BTF type {id} has or uses the name '{}', which Rust cannot have",
                name.escape_debug()
            )),
        }
    }

    /// For the default value libbpf-cargo uses the first member that it writes.
    fn check_union(&self, id: u32, name_off: u32, of: Composite<'_>) -> Result<(), String> {
        let mut members = of.members().peekable();

        if members.peek().is_none() {
            return Ok(());
        }
        for member in members {
            if member.bitfield_bits == 0 && !is_empty_union(&self.btf, member.ty)? {
                return Ok(());
            }
        }
        let name = name(&self.btf, name_off)?;
        Err(format!("union {name} (BTF type {id}) has bit-fields only"))
    }

    /// The number of nested types that libbpf-cargo visits to write this one.
    fn levels(&mut self, id: u32, depth: u32) -> Result<u32, String> {
        let deep = format!("BTF type {id} is nested too deep");

        if depth > MAX_DEPTH {
            return Err(deep);
        }
        if let Some(levels) = self.nested.get(&id) {
            return Ok(*levels);
        }
        let ty = self.btf.get(id).map_err(|error| error.to_string())?;
        let mut inner = vec![];
        match ty.kind {
            Kind::Struct(of) | Kind::Union(of) => {
                inner.extend(of.members().map(|member| member.ty));
            }
            Kind::Array(array) => inner.push(array.ty),
            Kind::Ptr(to)
            | Kind::Typedef(to)
            | Kind::Const(to)
            | Kind::Volatile(to)
            | Kind::Restrict(to)
            | Kind::TypeTag { ty: to, .. }
            // A member may be of this kind in BTF that no compiler writes.
            | Kind::Var { ty: to, .. } => inner.push(to),
            _ => {}
        }
        if matches!(ty.kind, Kind::Ptr(_)) {
            // It writes only the names of structs and unions that are pointed to.
            inner.retain(|id| {
                let to = self.btf.resolve(*id).map(|ty| ty.kind);
                !matches!(to, Ok(Kind::Struct(_) | Kind::Union(_)))
            });
        }
        let mut levels = 0;
        for id in inner {
            levels = levels.max(self.levels(id, depth + 1)? + 1);
        }
        if levels > MAX_DEPTH {
            return Err(deep);
        }
        self.nested.insert(id, levels);
        Ok(levels)
    }
}

/// Whether this is a union without members. libbpf-cargo leaves these out, as Rust has none.
fn is_empty_union(btf: &Btf<'_, NativeEndian>, id: u32) -> Result<bool, String> {
    let ty = btf.resolve(id).map_err(|error| error.to_string())?;

    Ok(match ty.kind {
        Kind::Union(of) => of.members().next().is_none(),
        _ => false,
    })
}

struct Asserts<'a> {
    btf: Btf<'a, NativeEndian>,
    source: &'a Source,
    /// The types that have asserts, by their ids in BTF.
    done: BTreeSet<u32>,
    text: String,
}

impl Asserts<'_> {
    /// Asserts the offsets of the fields of `of`. `members` are their names, types and offsets.
    fn fields(
        &mut self,
        of: &str,
        fields: &[Field],
        members: Vec<(String, u32, u32)>,
    ) -> Result<(), String> {
        let mut fields = fields.iter();

        for (name, ty, offset) in members {
            let field = fields
                .find(|field| field.name == name || !field.is_padding())
                .ok_or_else(|| format!("libbpf-cargo leaves out {of}.{name}"))?;
            let field_name = &field.name;
            // This cannot fail: it writes to memory.
            let _ = writeln!(
                self.text,
                "assert!(offset_of!(types::{of}, {field_name}) == {offset}, \
                 \"not supported: {of}.{name} is elsewhere in Rust\");"
            );
            if let Some(rust) = &field.of {
                self.composite(ty, rust)?;
            }
        }
        Ok(())
    }

    /// Asserts the size and the field offsets of a struct or a union, or of the elements of an
    /// array.
    fn composite(&mut self, id: u32, rust: &str) -> Result<(), String> {
        let mut ty = self.btf.resolve(id).map_err(|error| error.to_string())?;

        while let Kind::Array(array) = ty.kind {
            ty = self
                .btf
                .resolve(array.ty)
                .map_err(|error| error.to_string())?;
        }
        let (Kind::Struct(of) | Kind::Union(of)) = ty.kind else {
            return Ok(());
        };
        let Some(fields) = self.source.types.get(rust) else {
            return Err(format!("libbpf-cargo does not write the type {rust}"));
        };
        if !self.done.insert(ty.id) {
            return Ok(());
        }
        let _ = writeln!(
            self.text,
            "assert!(size_of::<types::{rust}>() == {}, \
             \"not supported: {rust} has another size in Rust\");",
            of.size
        );
        let mut members = vec![];
        for member in of.members() {
            if member.bitfield_bits == 0 && !is_empty_union(&self.btf, member.ty)? {
                let name = name(&self.btf, member.name_off)?;
                members.push((name, member.ty, member.bit_offset / 8));
            }
        }
        self.fields(rust, fields, members)
    }
}

#[cfg(test)]
mod tests;
