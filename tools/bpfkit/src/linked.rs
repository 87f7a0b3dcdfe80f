// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The BTF of linked object files.
//!
//! If a strong variable replaces a weak one, `bpftool gen object` moves the symbol to the strong one's
//! value, but leaves the offset of the weak one in the BTF. Programs use the symbol.

use std::collections::BTreeMap;

use object::Object as _;
use object::ObjectSection;
use object::ObjectSymbol;
use splitbtf::Kind;
use splitbtf::Linkage;
use splitbtf::Owned;
use zerocopy::NativeEndian;

use crate::input::SECTION;

/// The length in bytes of a DATASEC's entry for a variable, and the place of the offset in it.
const SECINFO: usize = 12;
const OFFSET: usize = 4;

/// Sets the offsets of global variables in the BTF to those of their symbols. Does nothing if the
/// file is malformed: libbpf reports that.
pub fn repair(file: &mut [u8]) {
    for (at, offset) in moved(file).unwrap_or_default() {
        if let Some(bytes) = file.get_mut(at..at + size_of::<u32>()) {
            bytes.copy_from_slice(&offset.to_ne_bytes());
        }
    }
}

/// The places in the file at which the offset of a variable is wrong, and the right offsets.
fn moved(file: &[u8]) -> Option<Vec<(usize, u32)>> {
    let elf = object::File::parse(file).ok()?;
    let section = elf.section_by_name(SECTION)?;
    let (start, _) = section.file_range()?;
    let bytes = section.data().ok()?;
    let btf = Owned::<NativeEndian>::new(bytes.to_vec(), None).ok()?;
    let btf = btf.btf();
    let symbols = symbols(&elf);
    let mut moved = vec![];

    for ty in btf.types() {
        let ty = ty.ok()?;
        // Compilers leave size and offsets to libbpf; linkers set both.
        let Kind::Datasec { size: 1.., vars } = ty.kind else {
            continue;
        };
        let section = btf.string(ty.name_off).ok()?;
        let elems = btf.record(ty.id).ok()?.elems.as_ptr() as usize;
        let first = elems.checked_sub(btf.bytes().as_ptr() as usize)?;
        for (i, secinfo) in vars.into_iter().enumerate() {
            let var = btf.get(secinfo.ty).ok()?;
            let name = btf.string(var.name_off).ok()?;
            let is_global = matches!(
                var.kind,
                Kind::Var { linkage, .. } if Linkage::of(linkage) == Some(Linkage::Global)
            );
            let offset = symbols.get(&(section, name)).filter(|_| is_global);
            if let Some(offset) = offset.filter(|offset| **offset != secinfo.offset) {
                let at = usize::try_from(start).ok()? + first + i * SECINFO + OFFSET;
                moved.push((at, *offset));
            }
        }
    }
    Some(moved)
}

/// The offsets of the global symbols, by section name and symbol name.
fn symbols<'a>(elf: &object::File<'a>) -> BTreeMap<(&'a [u8], &'a [u8]), u32> {
    elf.symbols()
        .filter(|symbol| symbol.is_global())
        .filter_map(|symbol| {
            let section = elf.section_by_index(symbol.section_index()?).ok()?;
            let offset = u32::try_from(symbol.address()).ok()?;
            Some((
                (section.name_bytes().ok()?, symbol.name_bytes().ok()?),
                offset,
            ))
        })
        .collect()
}
