// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Replaces the content of sections in a relocatable ELF file, such as a kernel module. The other
//! sections keep their content, order and numbers.
//!
//! Chapter 4 of the System V ABI describes the format.

use object::elf::FileHeader32;
use object::elf::FileHeader64;
use object::elf::SectionHeader32;
use object::elf::SectionHeader64;
use object::elf::ET_REL;
use object::elf::SHN_LORESERVE;
use object::elf::SHT_NOBITS;
use object::pod::bytes_of;
use object::pod::bytes_of_slice;
use object::read::elf::FileHeader;
use object::read::elf::SectionHeader;
use object::Endianness;
use object::FileKind;

use crate::input::MAX_LEN;

/// The largest alignment of a section, in bytes: that of a huge page.
const MAX_ALIGN: u64 = 2 << 20;

/// The alignment of the section header table, in bytes.
const TABLE_ALIGN: u64 = 8;

/// Why a file cannot be rewritten.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (offset {offset:#x})")]
pub struct ElfError {
    /// The reason.
    reason: String,
    /// The offset in the file, in bytes.
    offset: u64,
}

fn error(offset: u64, reason: impl ToString) -> ElfError {
    ElfError {
        reason: reason.to_string(),
        offset,
    }
}

/// Setters for the fields that differ between 32 and 64 bits.
trait Class: FileHeader<Endian = Endianness> {
    /// Sets the offset of the section header table, and the number of its entries.
    fn set_table(&mut self, endian: Endianness, offset: u32, count: u16);
    /// Sets the offset and length of a section, in bytes.
    fn place(section: &mut Self::SectionHeader, endian: Endianness, offset: u32, len: u32);
    /// Sets the offset of a section's name.
    fn rename(section: &mut Self::SectionHeader, endian: Endianness, name: u32);
}

macro_rules! class {
    ($file:ident, $section:ident) => {
        impl Class for $file<Endianness> {
            fn set_table(&mut self, endian: Endianness, offset: u32, count: u16) {
                self.e_shoff.set(endian, offset.into());
                self.e_shnum.set(endian, count);
            }

            fn place(section: &mut $section<Endianness>, endian: Endianness, at: u32, len: u32) {
                section.sh_offset.set(endian, at.into());
                section.sh_size.set(endian, len.into());
            }

            fn rename(section: &mut $section<Endianness>, endian: Endianness, name: u32) {
                section.sh_name.set(endian, name);
            }
        }
    };
}

class!(FileHeader32, SectionHeader32);
class!(FileHeader64, SectionHeader64);

/// Rewrites the file so that the first section of each name has this content. A missing section is
/// added as the last one, with the attributes of the first section in the list.
///
/// # Errors
///
/// If this is not a relocatable ELF file, its headers are malformed, or it lacks the first section
/// in the list.
pub(crate) fn rewrite(file: &[u8], sections: &[(&str, &[u8])]) -> Result<Vec<u8>, ElfError> {
    match FileKind::parse(file) {
        Ok(FileKind::Elf32) => rewrite_class::<FileHeader32<Endianness>>(file, sections),
        _ => rewrite_class::<FileHeader64<Endianness>>(file, sections),
    }
}

fn rewrite_class<C: Class>(file: &[u8], sections: &[(&str, &[u8])]) -> Result<Vec<u8>, ElfError> {
    let at_header = |reason| move |source| error(0, format_args!("{reason}: {source}"));
    let header = C::parse(file).map_err(at_header("header"))?;
    let endian = header.endian().map_err(at_header("byte order"))?;
    if header.e_type(endian) != ET_REL {
        return Err(error(0, "this is not a relocatable file, as modules are"));
    }
    let names_at = header.shstrndx(endian, file);
    let names_at = usize::try_from(names_at.map_err(at_header("names of sections"))?);
    let table = header.sections(endian, file);
    let table = table.map_err(at_header("table of sections"))?;

    let mut headers: Vec<_> = table.iter().copied().collect();
    let mut contents = vec![];
    let mut names = vec![];
    for (n, section) in headers.iter().enumerate() {
        let wrong = |source| error(section.sh_offset(endian).into(), source);
        let data = section.data(endian, file).map_err(wrong)?;
        if Ok(n) == names_at {
            names = data.to_vec();
        }
        contents.push(data);
    }
    let mut order = in_order::<C>(&headers, endian)?;

    let mut like = None;
    for (name, data) in sections {
        let is_called = |section| table.section_name(endian, section) == Ok(name.as_bytes());
        let found = match (table.iter().position(is_called), like) {
            (Some(n), _) => n,
            (None, Some(like)) => {
                let mut section = headers[like];
                let offset = names.len();
                names.extend(name.as_bytes());
                names.push(0);
                C::rename(&mut section, endian, offset.try_into().unwrap_or(u32::MAX));
                order.push(headers.len());
                headers.push(section);
                contents.push(data);
                headers.len() - 1
            }
            (None, None) => return Err(error(0, format_args!("there is no section {name}"))),
        };
        contents[found] = data;
        like = like.or(Some(found));
    }
    match names_at.map(|at| contents.get_mut(at)) {
        Ok(Some(content)) => *content = &names,
        _ => return Err(error(0, "there are no names of sections")),
    }
    write(*header, endian, &mut headers, &contents, &order)
}

/// The numbers of the sections with content in the file, sorted by offset.
fn in_order<C: Class>(
    headers: &[C::SectionHeader],
    endian: Endianness,
) -> Result<Vec<usize>, ElfError> {
    let place = |n: &usize| -> (u64, u64) {
        let section = &headers[*n];
        (
            section.sh_offset(endian).into(),
            section.sh_size(endian).into(),
        )
    };
    let is_there = |n: &usize| {
        let section = &headers[*n];
        section.sh_type(endian) != SHT_NOBITS && place(n).1 != 0
    };
    let mut order: Vec<_> = (1..headers.len()).filter(is_there).collect();
    let mut end = 0;

    order.sort_by_key(place);
    for n in &order {
        let (offset, len) = place(n);
        if offset < end {
            return Err(error(offset, format_args!("section {n} overlaps another")));
        }
        end = offset.saturating_add(len);
    }
    Ok(order)
}

fn write<C: Class>(
    mut file: C,
    endian: Endianness,
    headers: &mut [C::SectionHeader],
    contents: &[&[u8]],
    order: &[usize],
) -> Result<Vec<u8>, ElfError> {
    let too_many = || error(0, "there are too many sections");
    let count = u16::try_from(headers.len()).map_err(|_| too_many())?;
    if count >= SHN_LORESERVE {
        return Err(too_many());
    }
    let mut out = vec![0; size_of::<C>()];

    for n in order {
        let (section, data) = (&mut headers[*n], contents[*n]);
        let align = section.sh_addralign(endian).into().max(1);
        if !align.is_power_of_two() || align > MAX_ALIGN {
            let reason = format_args!("section {n} is aligned to {align}").to_string();
            return Err(error(section.sh_offset(endian).into(), reason));
        }
        let at = pad(&mut out, align)?;
        out.extend(data);
        let len = u32::try_from(data.len()).map_err(|_| too_large())?;
        C::place(section, endian, at, len);
    }
    let at = pad(&mut out, TABLE_ALIGN)?;
    file.set_table(endian, at, count);
    out.extend(bytes_of_slice(headers));
    out[..size_of::<C>()].copy_from_slice(bytes_of(&file));
    Ok(out)
}

fn too_large() -> ElfError {
    error(0, format_args!("it would be larger than {MAX_LEN} bytes"))
}

/// Pads to a multiple of `align`. Returns the new length.
fn pad(out: &mut Vec<u8>, align: u64) -> Result<u32, ElfError> {
    let len = u64::try_from(out.len()).unwrap_or(u64::MAX);
    let len = len.next_multiple_of(align);
    if len > MAX_LEN {
        return Err(too_large());
    }
    let len = u32::try_from(len).map_err(|_| too_large())?;

    out.resize(usize::try_from(len).map_err(|_| too_large())?, 0);
    Ok(len)
}
