// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! A kernel module whose BTF sections can be replaced.

use std::mem::offset_of;

use object::elf::FileHeader64;
use object::elf::SectionHeader64;
use object::read::elf::FileHeader;
use object::read::elf::SectionHeader;
use object::LittleEndian;

use crate::pair::Pair;
use crate::pair::BASE;
use crate::pair::BTF;
use crate::Error;

type Header = FileHeader64<LittleEndian>;

/// A 64-bit little-endian module that has both sections.
#[derive(Clone, Debug)]
pub struct Module {
    bytes: Vec<u8>,
    name: String,
    btf: Section,
    base: Section,
}

/// The offset of a section's header in the file, and the offset and length in the header.
#[derive(Clone, Copy, Debug)]
struct Section {
    header: usize,
    begin: usize,
    len: usize,
}

impl Module {
    /// Takes the bytes of a `.ko`, and the module's name in the kernel.
    ///
    /// # Errors
    ///
    /// [`Error::Elf`] and [`Error::NoSection`].
    pub fn new(bytes: Vec<u8>, name: &str) -> Result<Self, Error> {
        let btf = find(&bytes, BTF)?;
        let base = find(&bytes, BASE)?;

        Ok(Self {
            bytes,
            name: name.to_owned(),
            btf,
            base,
        })
    }

    /// The module's name in the kernel.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The contents of both sections.
    pub fn pair(&self) -> Pair {
        let content = |section: Section| {
            let content = self.bytes.get(section.begin..).unwrap_or_default();
            content.get(..section.len).unwrap_or_default().to_vec()
        };

        Pair {
            split: content(self.btf),
            base: content(self.base),
        }
    }

    /// The module with other contents of both sections, which are appended to the file.
    pub fn with(&self, pair: &Pair) -> Vec<u8> {
        let mut bytes = self.bytes.clone();

        for (section, content) in [(self.btf, &pair.split), (self.base, &pair.base)] {
            bytes.resize(bytes.len().next_multiple_of(8), 0);
            let begin = bytes.len() as u64;
            let len = content.len() as u64;
            bytes.extend(content);

            type Raw = SectionHeader64<LittleEndian>;
            for (field, value) in [
                (offset_of!(Raw, sh_offset), begin),
                (offset_of!(Raw, sh_size), len),
            ] {
                let at = section.header + field;
                if let Some(field) = bytes.get_mut(at..at + size_of::<u64>()) {
                    field.copy_from_slice(&value.to_le_bytes());
                }
            }
        }
        bytes
    }
}

fn find(bytes: &[u8], name: &'static str) -> Result<Section, Error> {
    let header = Header::parse(bytes)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, bytes)?;
    let (index, section) = sections
        .section_by_name(endian, name.as_bytes())
        .ok_or(Error::NoSection { name })?;
    let begin = header.e_shoff(endian) as usize;

    Ok(Section {
        header: begin + index.0 * size_of::<SectionHeader64<LittleEndian>>(),
        begin: section.sh_offset(endian) as usize,
        len: section.sh_size(endian) as usize,
    })
}

#[cfg(test)]
mod tests {
    use object::write;
    use object::Architecture;
    use object::BinaryFormat;
    use object::Endianness;
    use object::SectionKind;

    use super::*;

    fn object_with(sections: &[(&str, &[u8])]) -> Vec<u8> {
        let mut object =
            write::Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
        for (name, content) in sections {
            let id = object.add_section(vec![], name.as_bytes().to_vec(), SectionKind::Other);
            object.append_section_data(id, content, 1);
        }
        object.write().unwrap()
    }

    #[test]
    fn sections_are_replaced() {
        let old = object_with(&[(".text", b"code"), (BTF, b"old"), (BASE, b"old base")]);
        let module = Module::new(old, "foo").unwrap();
        let pair = module.pair();
        assert_eq!(
            (&pair.split[..], &pair.base[..]),
            (&b"old"[..], &b"old base"[..])
        );

        let pair = Pair {
            split: b"something longer".to_vec(),
            base: vec![],
        };
        let new = Module::new(module.with(&pair), "foo").unwrap();
        assert_eq!(new.pair(), pair);
        let text = find(&new.bytes, ".text").unwrap();
        assert_eq!(&new.bytes[text.begin..][..text.len], b"code");
    }

    #[test]
    fn sections_must_be_there() {
        let error = Module::new(object_with(&[(BTF, b"btf")]), "foo").unwrap_err();
        assert!(matches!(error, Error::NoSection { name: BASE }), "{error}");
        assert!(matches!(
            Module::new(vec![0; 64], "foo"),
            Err(Error::Elf(_))
        ));
    }
}
