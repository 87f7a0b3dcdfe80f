// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Object files as aya can read them.

use std::error::Error as StdError;
use std::fs;
use std::panic;
use std::panic::AssertUnwindSafe;
use std::path::Path;

use object::Object;
use object::ObjectSection;

use crate::error::Reason;
use crate::input::MAX_LEN;
use crate::Error;
use crate::InputError;

/// Length in bytes of the header of BTF that aya knows.
const HEADER: usize = 24;

/// Where the header has its own length, 4 bytes.
const HEADER_LENGTH: usize = 4;

/// Checks that aya can read an object file. What the kernel says to it is another matter.
///
/// # Errors
///
/// If it cannot.
pub fn check(path: &Path) -> Result<(), Error> {
    let bytes = read(path)?;

    without_panic(path, || aya_obj::Object::parse(&bytes)).map(drop)
}

/// Reads an object file, as aya can take it.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = fs::read(path).map_err(|source| InputError::Read {
        path: path.into(),
        source,
    })?;

    if let Some((section, offset)) = too_large(&bytes) {
        let reason = format!("{section}: larger than {MAX_LEN} bytes (offset {offset:#x})");
        return Err(Error::Object {
            path: path.into(),
            reason: Reason::new(&reason),
        });
    }
    shorten_header(&mut bytes);
    Ok(bytes)
}

/// The name and the offset of a section that says that it is larger than any map: `.bss` takes no
/// place in the file, but aya would ask for the memory, and there is no way back from that.
fn too_large(file: &[u8]) -> Option<(String, u64)> {
    let elf = object::File::parse(file).ok()?;
    let section = elf.sections().find(|section| section.size() > MAX_LEN)?;
    let name = String::from_utf8_lossy(section.name_bytes().unwrap_or_default()).into_owned();

    Some((name, section.file_range().map_or(0, |(offset, _)| offset)))
}

/// Calls aya, which panics on some damaged object files, to read the file `path`.
pub(crate) fn without_panic<T, E: StdError + 'static>(
    path: &Path,
    call: impl FnOnce() -> Result<T, E>,
) -> Result<T, Error> {
    let object_error = |reason| Error::Object {
        path: path.into(),
        reason,
    };
    // What it would say is for its authors.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let result = panic::catch_unwind(AssertUnwindSafe(call));
    panic::set_hook(hook);

    match result {
        Ok(result) => result.map_err(|error| object_error(Reason::of(&error))),
        Err(_) => Err(object_error(Reason::new("the object file is damaged"))),
    }
}

/// Shortens the header of the section `.BTF` of an object file, if it is longer than aya knows: since
/// `libbpf` 1.8, `bpftool gen object` writes one with the place of the kinds' layouts. aya would
/// pass a shorter header to the kernel, with the old length in it, and the kernel would refuse all
/// of the BTF. Nobody needs the layouts of the kinds that there are.
///
/// What is no such object file stays as it is.
fn shorten_header(file: &mut [u8]) {
    let Some((start, len)) = section(file) else {
        return;
    };
    let Some(btf) = file.get_mut(start..).and_then(|rest| rest.get_mut(..len)) else {
        return;
    };
    let length = btf
        .get(HEADER_LENGTH..)
        .and_then(|bytes| bytes.first_chunk())
        .and_then(|bytes| usize::try_from(u32::from_ne_bytes(*bytes)).ok());
    if let Some(length) = length.filter(|length| (HEADER + 1..=len).contains(length)) {
        // The types and the strings are counted from the end of the header.
        btf.copy_within(length.., HEADER);
        btf[HEADER_LENGTH..][..4].copy_from_slice(&(HEADER as u32).to_ne_bytes());
    }
}

/// Where the section `.BTF` is, and its length; only if it is in this machine's byte order.
fn section(file: &[u8]) -> Option<(usize, usize)> {
    let elf = object::File::parse(file).ok()?;
    if elf.is_little_endian() != cfg!(target_endian = "little") {
        return None;
    }
    let (start, len) = elf.section_by_name(".BTF")?.file_range()?;

    Some((usize::try_from(start).ok()?, usize::try_from(len).ok()?))
}

#[cfg(test)]
mod tests {
    use object::write;
    use object::Architecture;
    use object::BinaryFormat;
    use object::Endianness;
    use object::SectionKind;

    use super::*;

    fn shortened(btf: &[u8]) -> Vec<u8> {
        let order = match cfg!(target_endian = "little") {
            true => Endianness::Little,
            false => Endianness::Big,
        };
        let mut elf = write::Object::new(BinaryFormat::Elf, Architecture::Bpf, order);
        let section = elf.add_section(vec![], b".BTF".to_vec(), SectionKind::Debug);
        elf.append_section_data(section, btf, 4);
        let mut file = elf.write().unwrap();

        shorten_header(&mut file);
        let elf = object::File::parse(&*file).unwrap();
        elf.section_by_name(".BTF").unwrap().data().unwrap().into()
    }

    fn btf(length: u32, rest: &[u8]) -> Vec<u8> {
        [&[0; 4][..], &length.to_ne_bytes(), rest].concat()
    }

    #[test]
    fn only_long_headers_are_shortened() {
        let rest: Vec<u8> = (8..40).collect();
        let tail: Vec<u8> = (32..40).collect();

        assert_eq!(
            shortened(&btf(32, &rest)),
            [btf(24, &rest[..16]), tail.clone(), tail].concat()
        );
        assert_eq!(shortened(&btf(24, &rest)), btf(24, &rest));
        assert_eq!(shortened(&btf(8, &rest)), btf(8, &rest));
        assert_eq!(shortened(&btf(41, &rest)), btf(41, &rest));
        assert_eq!(shortened(b"short"), b"short");
        shorten_header(&mut []);
    }
}
