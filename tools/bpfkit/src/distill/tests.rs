// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use object::elf;
use object::write;
use object::write::Relocation;
use object::write::StandardSection;
use object::write::Symbol;
use object::write::SymbolSection;
use object::Architecture;
use object::BinaryFormat;
use object::Endianness;
use object::Object;
use object::ObjectSection;
use object::RelocationFlags;
use object::SectionKind;
use object::SymbolFlags;
use object::SymbolKind;
use object::SymbolScope;
use splitbtf::BtfExt;
use splitbtf::Builder;
use splitbtf::Int;
use splitbtf::Owned;
use zerocopy::byteorder::U32;
use zerocopy::IntoBytes;
use zerocopy::BE;
use zerocopy::LE;

use super::*;

/// The words of `.BTF_ids`: an id, a set of two, a set of two with flags, and an id of a type that
/// the module does not refer to.
const SYMBOLS: [(&str, u64); 8] = [
    ("struct__list__1", 0),
    ("set__some", 4),
    ("func__mine__2", 8),
    ("struct__task__3", 12),
    ("set8__kfuncs", 16),
    ("func__mine__4", 24),
    ("struct__list__5", 32),
    ("struct__unused__6", 40),
];

/// vmlinux: `int`, and the structs `unused`, `list` and `task`.
fn vmlinux<O: ByteOrder + 'static>() -> Owned<O> {
    let mut builder = Builder::<O>::new();
    let int = Int {
        size: 4,
        encoding: 1,
        offset: 0,
        bits: 32,
    };

    builder.int(b"int", int);
    for name in [b"unused".as_slice(), b"list", b"task"] {
        builder.structure(name, 16, &[]);
    }
    Owned::new(builder.finish().unwrap(), None).unwrap()
}

/// A module with pointers to two of these, and a typedef `mine`.
fn split<O: ByteOrder>(vmlinux: &Btf<'_, O>) -> Vec<u8> {
    let mut builder = Builder::split_on(vmlinux).unwrap();

    builder.ptr(4);
    let list = builder.ptr(3);
    builder.typedef(b"mine", list);
    builder.finish().unwrap()
}

/// The module's `.BTF_ids` before distilling.
fn ids<O: ByteOrder>(words: [u32; 11]) -> Vec<u8> {
    words.map(U32::<O>::new).as_bytes().to_vec()
}

struct Module<'a> {
    btf: &'a [u8],
    ids: &'a [u8],
    symbols: &'a [(&'a str, u64)],
}

impl Module<'_> {
    fn elf(&self, architecture: Architecture, endian: Endianness) -> Vec<u8> {
        let mut file = write::Object::new(BinaryFormat::Elf, architecture, endian);
        let text = file.section_id(StandardSection::Text);
        file.append_section_data(text, &[0x90; 70], 64);
        let bss = file.section_id(StandardSection::UninitializedData);
        file.append_section_bss(bss, 1 << 30, 32);
        let data = file.section_id(StandardSection::Data);
        file.append_section_data(data, &[7; 24], 8);
        let btf = file.add_section(vec![], b".BTF".to_vec(), SectionKind::Other);
        file.append_section_data(btf, self.btf, 1);
        let ids = file.add_section(vec![], b".BTF_ids".to_vec(), SectionKind::ReadOnlyData);
        file.append_section_data(ids, self.ids, 1);
        let mut add = |name: String, value, section| {
            file.add_symbol(Symbol {
                name: name.into_bytes(),
                value,
                size: 0,
                kind: SymbolKind::Data,
                scope: SymbolScope::Compilation,
                weak: false,
                section: SymbolSection::Section(section),
                flags: SymbolFlags::None,
            })
        };
        for (name, offset) in self.symbols {
            add(format!("__BTF_ID__{name}"), *offset, ids);
        }
        let symbol = add("init".into(), 5, text);
        let r_type = match architecture {
            Architecture::X86_64 => elf::R_X86_64_64,
            _ => elf::R_PPC_ADDR32,
        };
        let relocation = Relocation {
            offset: 8,
            symbol,
            addend: 3,
            flags: RelocationFlags::Elf { r_type },
        };
        file.add_relocation(data, relocation).unwrap();
        file.write().unwrap()
    }
}

fn input(bytes: Vec<u8>) -> Input {
    Input::from_bytes("m.ko".into(), bytes).unwrap()
}

/// Distils the module in this byte order, for this machine.
fn check<O: ByteOrder + 'static>(architecture: Architecture, endian: Endianness) {
    let vmlinux_file = vmlinux::<O>();
    let vmlinux = vmlinux_file.btf();
    let split = split(&vmlinux);
    let before = Module {
        btf: &split,
        ids: &ids::<O>([3, 2, 7, 4, 2, 0x55, 7, 0x66, 3, 0x77, 2]),
        symbols: &SYMBOLS,
    }
    .elf(architecture, endian);

    let distilled = distill(&input(before.clone()), &vmlinux, &mut Distiller::new()).unwrap();

    let module = Owned::<O>::new(split, Some(&vmlinux_file)).unwrap();
    let module = module.btf().validated().unwrap();
    let expected = splitbtf::distill(&module).unwrap();
    let after = object::File::parse(distilled.bytes.as_slice()).unwrap();
    let before = object::File::parse(before.as_slice()).unwrap();
    let content = |name| after.section_by_name(name).unwrap().data().unwrap();
    assert_eq!(content(".BTF"), expected.split);
    assert_eq!(content(".BTF.base"), expected.base);
    // In the base `list` is the first and `task` the second; then come the pointers, then `mine`.
    // Sets are sorted.
    let new = [1, 2, 2, 5, 2, 0x55, 1, 0x77, 5, 0x66, 0];
    assert_eq!(content(".BTF_ids"), ids::<O>(new));
    assert_eq!(distilled.lost, ["struct__unused__6"]);
    assert_eq!((distilled.types, distilled.base_types), (3, 2));
    assert_eq!(distilled.after, expected.split.len() + expected.base.len());

    for old in before.sections() {
        let new = after.section_by_index(old.index()).unwrap();
        let name = old.name().unwrap();
        assert_eq!(new.name(), old.name());
        assert_eq!((new.kind(), new.flags()), (old.kind(), old.flags()));
        assert_eq!(new.align(), old.align(), "{name}");
        if let Some((offset, _)) = new.file_range() {
            assert_eq!(offset % new.align(), 0, "{name}");
        }
        if ![".BTF", ".BTF_ids", ".shstrtab"].contains(&name) {
            assert_eq!((new.size(), new.data()), (old.size(), old.data()), "{name}");
        }
    }
    assert_eq!(after.sections().count(), before.sections().count() + 1);
}

#[test]
fn all_but_btf_stays_as_it_was() {
    check::<LE>(Architecture::X86_64, Endianness::Little);
}

#[test]
fn so_with_32_bits_and_the_highest_byte_first() {
    check::<BE>(Architecture::PowerPc, Endianness::Big);
}

/// The error for a module that `change` and then `then`, on its bytes, have damaged.
fn refusal(change: impl FnOnce(&mut Module<'_>), then: impl FnOnce(&mut Vec<u8>)) -> String {
    let vmlinux = vmlinux::<LE>();
    let vmlinux = vmlinux.btf();
    let split = split(&vmlinux);
    let ids = ids::<LE>([3, 2, 7, 4, 2, 0x55, 7, 0x66, 3, 0x77, 2]);
    let mut module = Module {
        btf: &split,
        ids: &ids,
        symbols: &SYMBOLS,
    };
    change(&mut module);
    let mut file = module.elf(Architecture::X86_64, Endianness::Little);
    then(&mut file);

    distill(&input(file), &vmlinux, &mut Distiller::new())
        .unwrap_err()
        .to_string()
}

#[test]
fn signed_modules_are_refused() {
    let text = refusal(|_| {}, |file| file.extend(SIGNED));

    assert_eq!(
        text,
        "m.ko: the module is signed, and distilling would break the signature; \
         sign it after distilling"
    );
}

#[test]
fn distilled_modules_are_refused() {
    let vmlinux = vmlinux::<LE>();
    let vmlinux = vmlinux.btf();
    let module = Module {
        btf: &split(&vmlinux),
        ids: &[],
        symbols: &[],
    };
    let file = module.elf(Architecture::X86_64, Endianness::Little);
    let mut distiller = Distiller::new();
    let once = distill(&input(file), &vmlinux, &mut distiller).unwrap();
    let twice = distill(&input(once.bytes), &vmlinux, &mut distiller).unwrap_err();

    assert_eq!(
        twice.to_string(),
        "m.ko: .BTF.base: the module has been distilled already"
    );
}

#[test]
fn another_base_is_refused() {
    let vmlinux = vmlinux::<LE>();
    let mut other = Builder::<LE>::new();
    for n in 0..9 {
        other.structure(format!("other__{n}").as_bytes(), 16, &[]);
    }
    let other = Owned::<LE>::new(other.finish().unwrap(), None).unwrap();
    let split = split(&vmlinux.btf());
    let module = Module {
        btf: &split,
        ids: &[],
        symbols: &[],
    };
    let file = input(module.elf(Architecture::X86_64, Endianness::Little));
    let refused = distill(&file, &other.btf(), &mut Distiller::new());

    assert!(
        matches!(
            refused,
            Err(DistillError {
                problem: DistillProblem::OtherBase(_),
                ..
            })
        ),
        "{refused:?}"
    );
}

#[test]
fn what_is_no_module_is_refused() {
    let vmlinux = vmlinux::<LE>();
    let vmlinux = vmlinux.btf();
    let refused = distill(&input(split(&vmlinux)), &vmlinux, &mut Distiller::new());
    assert_eq!(
        refused.unwrap_err().to_string(),
        "m.ko: this is raw BTF, not a module"
    );

    let executable = |file: &mut Vec<u8>| file[16] = 2;
    assert_eq!(
        refusal(|_| {}, executable),
        "m.ko: ELF: this is not a relocatable file, as modules are (offset 0x0)"
    );
    // A section with another name counts as missing.
    let nameless = |file: &mut Vec<u8>| {
        let at = file.windows(6).position(|bytes| bytes == b"\0.BTF\0");
        file[at.unwrap() + 2] = b'X';
    };
    assert_eq!(
        refusal(|_| {}, nameless),
        "m.ko: .BTF: there is no such section"
    );
}

#[test]
fn wrong_ids_are_refused() {
    assert_eq!(
        refusal(|module| module.symbols = &[], |_| {}),
        "m.ko: .BTF_ids: the symbols that mark the ids have been stripped \
         (offset 0x0 of the section)"
    );
    assert_eq!(
        refusal(|module| module.symbols = &[("func__f__1", 44)], |_| {}),
        "m.ko: .BTF_ids: a symbol does not refer to a word of the section \
         (offset 0x2c of the section)"
    );
    assert_eq!(
        refusal(|module| module.symbols = &[("func__f__1", 2)], |_| {}),
        "m.ko: .BTF_ids: a symbol does not refer to a word of the section \
         (offset 0x2 of the section)"
    );
    assert_eq!(
        refusal(|module| module.symbols = &[("set8__f", 28)], |_| {}),
        "m.ko: .BTF_ids: a set reaches beyond the end (offset 0x1c of the section)"
    );
    assert_eq!(
        refusal(|module| module.ids = &[0; 7], |_| {}),
        "m.ko: .BTF_ids: the length is not a multiple of 4 (offset 0x0 of the section)"
    );
}

#[test]
fn no_damage_panics() {
    let vmlinux = vmlinux::<LE>();
    let vmlinux = vmlinux.btf();
    let split = split(&vmlinux);
    let file = Module {
        btf: &split,
        ids: &ids::<LE>([3, 2, 7, 4, 2, 0x55, 7, 0x66, 3, 0x77, 2]),
        symbols: &SYMBOLS,
    }
    .elf(Architecture::X86_64, Endianness::Little);
    let mut distiller = Distiller::new();

    for at in 0..file.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut file = file.clone();
            file[at] = value;
            if let Ok(input) = Input::from_bytes("m.ko".into(), file) {
                let _ = distill(&input, &vmlinux, &mut distiller);
            }
        }
        if let Ok(input) = Input::from_bytes("m.ko".into(), file[..at].to_vec()) {
            let _ = distill(&input, &vmlinux, &mut distiller);
        }
    }
}
