// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Objects and kernels for the tests.

use std::io::Write;
use std::path::PathBuf;

use core_relo::CoreReloKind;
use core_relo::Insn;
use object::write::Object;
use object::write::Relocation;
use object::write::Symbol;
use object::write::SymbolSection;
use object::Architecture;
use object::BinaryFormat;
use object::Endianness;
use object::RelocationFlags;
use object::SectionKind;
use object::SymbolFlags;
use object::SymbolKind;
use object::SymbolScope;
use splitbtf::AnyOwned;
use splitbtf::Builder;
use splitbtf::Endian;
use splitbtf::NewMember;
use splitbtf::LE;
use tempfile::NamedTempFile;

use crate::Input;

use super::check::ObjectFile;
use super::kernel::Kernel;

/// A relocation: the instruction, the type, the access string and the kind.
pub(super) struct Relo(pub usize, pub u32, pub &'static str, pub CoreReloKind);

/// A symbol that is not defined, and the instructions that use it.
pub(super) struct Undefined {
    pub name: &'static str,
    pub weak: bool,
    pub uses: Vec<u64>,
}

/// An object with one program, `prog`.
#[derive(Default)]
pub(super) struct Sample {
    pub section: &'static str,
    pub insns: Vec<Insn>,
    pub relos: Vec<Relo>,
    pub undefined: Vec<Undefined>,
    /// A section with data: its name, its bytes, the variable in it, and the offsets of pointers to the
    /// program.
    pub data: Option<(&'static str, Vec<u8>, &'static str, Vec<u64>)>,
}

impl Sample {
    pub fn build(self, add: impl FnOnce(&mut Builder<LE>)) -> ObjectFile {
        let mut builder = Builder::<LE>::new();
        add(&mut builder);
        let mut string = |text: &str| builder.typedef(text.as_bytes(), 0);
        let names = [self.section, "a.bpf.c", "x = y;"].map(&mut string);
        let access: Vec<_> = self.relos.iter().map(|relo| string(relo.2)).collect();
        let btf = builder.finish().unwrap();
        let types = AnyOwned::new(btf.clone(), None).unwrap();
        let offset = |id: u32| types.get(id).unwrap().name_off;
        let [section, file, line] = names.map(offset);

        let lines = self.insns.len() as u32;
        let relos = self.relos.len() as u32;
        let lines_len = if lines > 0 { 12 + 16 * lines } else { 0 };
        let relos_len = if relos > 0 { 12 + 16 * relos } else { 0 };
        let mut ext = vec![0x1_eb9f, 32, 0, 0, 0, lines_len, lines_len, relos_len];
        if lines > 0 {
            ext.extend([16, section, lines]);
        }
        for insn in 0..lines {
            ext.extend([8 * insn, file, line, (insn + 1) << 10 | 2]);
        }
        if relos > 0 {
            ext.extend([16, section, relos]);
        }
        for (Relo(insn, ty, _, kind), access) in self.relos.iter().zip(access) {
            let kinds = CoreReloKind::ALL;
            let kind = kinds.iter().position(|of| of == kind).unwrap() as u32;
            ext.extend([8 * *insn as u32, *ty, offset(access), kind]);
        }
        let ext: Vec<_> = ext
            .iter()
            .flat_map(|word: &u32| word.to_le_bytes())
            .collect();
        let elf = self.elf(&[(".BTF", &btf), (".BTF.ext", &ext)]);
        ObjectFile::read(&Input::from_bytes(PathBuf::from("a.bpf.o"), elf).unwrap()).unwrap()
    }

    fn elf(&self, sections: &[(&str, &[u8])]) -> Vec<u8> {
        let mut elf = Object::new(BinaryFormat::Elf, Architecture::Bpf, Endianness::Little);
        let text = elf.add_section(vec![], self.section.into(), SectionKind::Text);
        let insns = self.insns.iter();
        let code: Vec<_> = insns.flat_map(|insn| insn.write(Endian::Little)).collect();
        elf.append_section_data(text, &code, 8);
        let symbol = |name: &str, section, kind, size, weak| Symbol {
            name: name.into(),
            value: 0,
            size,
            kind,
            scope: match section {
                SymbolSection::Undefined => SymbolScope::Unknown,
                _ => SymbolScope::Linkage,
            },
            weak,
            section,
            flags: SymbolFlags::None,
        };
        let size = code.len() as u64;
        let prog = SymbolSection::Section(text);
        let prog = elf.add_symbol(symbol("prog", prog, SymbolKind::Text, size, false));
        let to = |offset, symbol| Relocation {
            offset,
            symbol,
            addend: 0,
            flags: RelocationFlags::Elf { r_type: 1 },
        };
        for of in &self.undefined {
            let none = SymbolSection::Undefined;
            let id = elf.add_symbol(symbol(of.name, none, SymbolKind::Unknown, 0, of.weak));
            for insn in &of.uses {
                elf.add_relocation(text, to(8 * insn, id)).unwrap();
            }
        }
        if let Some((name, bytes, variable, pointers)) = &self.data {
            let data = elf.add_section(vec![], (*name).into(), SectionKind::Data);
            elf.append_section_data(data, bytes, 8);
            let here = SymbolSection::Section(data);
            let len = bytes.len() as u64;
            elf.add_symbol(symbol(variable, here, SymbolKind::Data, len, false));
            for offset in pointers {
                elf.add_relocation(data, to(*offset, prog)).unwrap();
            }
        }
        for (name, content) in sections {
            let section = elf.add_section(vec![], (*name).into(), SectionKind::Debug);
            elf.append_section_data(section, content, 4);
        }
        elf.write().unwrap()
    }
}

/// A file with these bytes.
pub(super) fn file(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();

    file.write_all(bytes).unwrap();
    file
}

/// A kernel with these types.
pub(super) fn kernel(add: impl FnOnce(&mut Builder<LE>)) -> Kernel {
    let mut builder = Builder::<LE>::new();
    add(&mut builder);
    let file = file(&builder.finish().unwrap());

    Kernel::open(file.path(), &[], None).unwrap()
}

/// A member at an offset in bytes.
pub(super) fn member(name: &'static str, ty: u32, offset: u32) -> NewMember<'static> {
    NewMember {
        name: name.as_bytes(),
        ty,
        bit_offset: 8 * offset,
        bitfield_bits: 0,
    }
}

/// `r<dst> = imm`.
pub(super) fn mov(dst: u8, imm: i32) -> Insn {
    Insn {
        code: 0xb7,
        dst,
        imm,
        ..Insn::default()
    }
}

/// `if r<dst> == 0 goto +1`.
pub(super) fn unless(dst: u8) -> Insn {
    Insn {
        code: 0x15,
        dst,
        off: 1,
        ..Insn::default()
    }
}

/// A call of a kfunc.
pub(super) fn call() -> Insn {
    Insn {
        code: 0x85,
        src: 2,
        imm: -1,
        ..Insn::default()
    }
}

pub(super) fn exit() -> Insn {
    Insn {
        code: 0x95,
        ..Insn::default()
    }
}
