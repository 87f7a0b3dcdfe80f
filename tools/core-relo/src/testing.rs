// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Objects and kernels for the tests.

use splitbtf::AnyOwned;
use splitbtf::Builder;
use splitbtf::ByteOrder;
use splitbtf::CoreRelo;
use splitbtf::CoreReloKind;
use splitbtf::Endian;
use splitbtf::ExtInfo;
use splitbtf::Int;
use splitbtf::LineInfo;
use splitbtf::NewMember;
use splitbtf::Owned;
use splitbtf::SectionInfo;

use crate::Decider;
use crate::Decision;
use crate::Error;
use crate::Function;
use crate::Insn;
use crate::Object;
use crate::Section;
use crate::Targets;

/// `r1 = imm`.
pub(crate) fn mov(imm: i32) -> Vec<Insn> {
    vec![Insn {
        code: 0xb7,
        dst: 1,
        imm,
        ..Insn::default()
    }]
}

/// `r1 = *(u32 *)(r2 + off)`.
pub(crate) fn load(off: i16) -> Vec<Insn> {
    vec![Insn {
        code: 0x61,
        dst: 1,
        src: 2,
        off,
        imm: 0,
    }]
}

/// `r1 = imm ll`.
pub(crate) fn load64(imm: u64) -> Vec<Insn> {
    let low = Insn {
        code: 0x18,
        dst: 1,
        imm: imm as i32,
        ..Insn::default()
    };
    let high = Insn {
        imm: (imm >> 32) as i32,
        ..Insn::default()
    };

    vec![low, high]
}

/// A relocation, and its instruction.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub ty: u32,
    pub access: String,
    pub kind: u32,
    pub insns: Vec<Insn>,
}

impl Ask {
    pub fn new(kind: CoreReloKind, ty: u32, access: &str, insns: Vec<Insn>) -> Self {
        let number = CoreReloKind::ALL.iter().position(|of| *of == kind);

        Self {
            ty,
            access: access.into(),
            kind: number.unwrap() as u32,
            insns,
        }
    }
}

/// The types and relocations of an object with one program.
pub(crate) struct Sample {
    pub types: AnyOwned,
    pub ext: ExtInfo,
    pub code: Vec<u8>,
}

impl Sample {
    pub fn new<O: ByteOrder + 'static>(add: impl FnOnce(&mut Builder<O>), asks: &[Ask]) -> Self {
        let mut builder = Builder::<O>::new();
        add(&mut builder);
        let mut string = |text: &str| builder.typedef(text.as_bytes(), 0);
        let ids: Vec<_> = asks.iter().map(|ask| string(&ask.access)).collect();
        let [section, file, line] = ["tc", "a.bpf.c", "  x = y;"].map(string);
        let types = AnyOwned::new(builder.finish().unwrap(), None).unwrap();
        let offset = |id| types.get(id).unwrap().name_off;
        let endian = Endian::of_order::<O>();

        let (mut code, mut relos, mut lines) = (vec![], vec![], vec![]);
        for (n, (ask, id)) in asks.iter().zip(ids).enumerate() {
            let insn_off = code.len() as u32;
            relos.push(CoreRelo {
                insn_off,
                ty: ask.ty,
                access_str_off: offset(id),
                kind: ask.kind,
            });
            lines.push(LineInfo {
                insn_off,
                file_name_off: offset(file),
                line_off: offset(line),
                line: n as u32 + 1,
                column: 2,
            });
            for insn in &ask.insns {
                code.extend(insn.write(endian));
            }
        }
        let name_off = offset(section);
        let ext = ExtInfo {
            endian,
            func_info: vec![],
            line_info: vec![SectionInfo {
                name_off,
                records: lines,
            }],
            core_relo: vec![SectionInfo {
                name_off,
                records: relos,
            }],
        };
        Self { types, ext, code }
    }

    pub fn section(&self) -> Section<'_> {
        Section {
            name: "tc".into(),
            code: &self.code,
            functions: vec![Function {
                name: "prog".into(),
                offset: 0,
                len: self.code.len() as u64,
                is_loaded: true,
            }],
        }
    }

    pub fn decide(&self, targets: &Targets<'_>) -> Vec<Result<Decision, Error>> {
        let object = Object::new(&self.types, &self.ext, vec![self.section()]);

        Decider::new(&object, targets).decide_all()
    }
}

/// The BTF of a kernel.
pub(crate) fn kernel<O: ByteOrder + 'static>(add: impl FnOnce(&mut Builder<O>)) -> Owned<O> {
    let mut builder = Builder::new();
    add(&mut builder);
    Owned::new(builder.finish().unwrap(), None).unwrap()
}

/// The BTF of a module.
pub(crate) fn module<O: ByteOrder + 'static>(
    kernel: &Owned<O>,
    add: impl FnOnce(&mut Builder<O>),
) -> Owned<O> {
    let mut builder = Builder::split_on(&kernel.btf()).unwrap();
    add(&mut builder);
    Owned::new(builder.finish().unwrap(), Some(kernel)).unwrap()
}

/// A member at an offset in bits.
pub(crate) fn member(name: &str, ty: u32, bit_offset: u32) -> NewMember<'_> {
    NewMember {
        name: name.as_bytes(),
        ty,
        bit_offset,
        bitfield_bits: 0,
    }
}

/// A bit-field.
pub(crate) fn bits(name: &str, ty: u32, bit_offset: u32, bitfield_bits: u8) -> NewMember<'_> {
    NewMember {
        bitfield_bits,
        ..member(name, ty, bit_offset)
    }
}

/// 1: int, 2: unsigned int, 3: unsigned long.
pub(crate) fn ints<O: ByteOrder>(b: &mut Builder<O>) {
    b.int(b"int", Int::signed(4));
    b.int(b"unsigned int", Int::unsigned(4));
    b.int(b"unsigned long", Int::unsigned(8));
}
