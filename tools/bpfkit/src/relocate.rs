// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Relocating the BTF of distilled modules to a kernel, as that kernel does when it loads them.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;
use serde::Serializer;
use splitbtf::BtfExt;
use splitbtf::Error as BtfError;
use splitbtf::Mismatch;
use splitbtf::Names;
use splitbtf::Own;
use splitbtf::Owned;
use splitbtf::Policy;
use zerocopy::ByteOrder;

use crate::input::BASE_SECTION;
use crate::input::SECTION;
use crate::Input;
use crate::InputError;

/// Why a module's BTF is not relocated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelocateError {
    /// The file cannot be read, or lacks `.BTF` or `.BTF.base`.
    #[error(transparent)]
    Input(#[from] InputError),
    /// Its BTF is wrong.
    #[error("{}: {section}: {source}", path.display())]
    Btf {
        /// The file.
        path: PathBuf,
        /// The section.
        section: &'static str,
        /// What is wrong with it.
        source: BtfError,
    },
    /// It has a type that matches none of the kernel, and that must.
    #[error(
        "{}: {BASE_SECTION}: BTF type {id} '{name}'{} does not match: {}",
        path.display(),
        if *contained { " is contained and" } else { "" },
        shown(reason)
    )]
    Unmatched {
        /// The file.
        path: PathBuf,
        /// The type's id in the distilled base.
        id: u32,
        /// Its name.
        name: String,
        /// Whether the module contains it.
        contained: bool,
        /// Why it does not match.
        reason: Mismatch,
    },
}

/// The BTF of a module on that of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relocated {
    /// The split BTF.
    pub bytes: Vec<u8>,
    /// The id of each type, by what it was before: first those of the distilled base, then those of
    /// the module.
    pub id_map: Vec<u32>,
    /// The types that match none of the kernel and that the module has as opaque types.
    pub opaque: Vec<OwnType>,
    /// Those that it keeps.
    pub kept: Vec<OwnType>,
}

/// A type of the module's own, for one that matches none of the kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OwnType {
    /// Its id in the distilled base.
    pub id: u32,
    /// Its id now.
    pub new_id: u32,
    /// Its name.
    pub name: String,
    /// Why it does not match.
    #[serde(serialize_with = "as_text")]
    pub reason: Mismatch,
}

fn as_text<S: Serializer>(reason: &Mismatch, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&shown(reason))
}

/// Why a type of a module matches none of a kernel, as the kernel says it.
pub fn shown(reason: &Mismatch) -> impl fmt::Display {
    reason.between("the module", "vmlinux")
}

/// Relocates the BTF of a module from its distilled base to the types of a kernel.
///
/// # Errors
///
/// If the module has no BTF or no distilled base, or they are wrong; [`RelocateError::Unmatched`]
/// for the first type that does not match and, by the policy, must.
pub fn relocate<O: ByteOrder + 'static>(
    module: &Input,
    kernel: &Names<'_, O>,
    policy: Policy,
) -> Result<Relocated, RelocateError> {
    let wrong = |section| {
        move |source| RelocateError::Btf {
            path: module.path().to_owned(),
            section,
            source,
        }
    };
    let split = module.need(SECTION)?;
    let base = module.need(BASE_SECTION)?;
    let base = Owned::<O>::valid(base.to_vec(), None).map_err(wrong(BASE_SECTION))?;
    let split = Owned::new(split.to_vec(), Some(&base)).map_err(wrong(SECTION))?;
    let split = split.btf().validated().map_err(wrong(SECTION))?;
    let base = base.btf();
    let name = |id| {
        let name = base.get(id).and_then(|ty| base.string(ty.name_off));
        name.map(|name| name.escape_ascii().to_string())
            .map_err(wrong(BASE_SECTION))
    };

    let relocated = match splitbtf::relocate(&split, kernel, policy) {
        Err(BtfError::Unmatched {
            id,
            contained,
            reason,
            ..
        }) => {
            return Err(RelocateError::Unmatched {
                path: module.path().to_owned(),
                id,
                name: name(id)?,
                contained,
                reason,
            })
        }
        result => result.map_err(wrong(SECTION))?,
    };
    let own = |own| {
        let types = relocated.kept.iter().filter(move |kept| kept.own == own);
        let types = types.map(|kept| {
            Ok(OwnType {
                id: kept.id,
                new_id: kept.new_id,
                name: name(kept.id)?,
                reason: kept.reason,
            })
        });
        types.collect::<Result<_, RelocateError>>()
    };
    Ok(Relocated {
        opaque: own(Own::Opaque)?,
        kept: own(Own::Kept)?,
        bytes: relocated.bytes,
        id_map: relocated.id_map,
    })
}

#[cfg(test)]
mod tests {
    use object::write;
    use object::Architecture;
    use object::BinaryFormat;
    use object::Endianness;
    use object::SectionKind;
    use splitbtf::Builder;
    use splitbtf::NewMember;
    use zerocopy::LE;

    use super::*;

    /// BTF with types of these names and 8 bytes each: a FLOAT `f`, structs of other names.
    fn types(names: &[&str]) -> Owned<LE> {
        let mut builder = Builder::<LE>::new();
        for name in names {
            match *name {
                "f" => builder.float(b"f", 8),
                name => builder.structure(name.as_bytes(), 8, &[]),
            };
        }
        Owned::new(builder.finish().unwrap(), None).unwrap()
    }

    /// A module with a pointer to `a`, and a struct that contains `b` and `f`.
    fn module(sections: &[&str]) -> Input {
        let base = types(&["a", "b", "f"]);
        let mut builder = Builder::split_on(&base.btf()).unwrap();
        let member = |ty| NewMember {
            name: b"",
            ty,
            bit_offset: 0,
            bitfield_bits: 0,
        };
        builder.ptr(1);
        builder.structure(b"own", 8, &[member(2), member(3)]);
        let split = builder.finish().unwrap();
        let (format, endian) = (BinaryFormat::Elf, Endianness::Little);
        let mut file = write::Object::new(format, Architecture::X86_64, endian);
        for name in sections {
            let section = file.add_section(vec![], name.as_bytes().to_vec(), SectionKind::Other);
            let bytes = if *name == SECTION {
                &split
            } else {
                base.bytes()
            };
            file.append_section_data(section, bytes, 1);
        }
        Input::from_bytes("m.ko".into(), file.write().unwrap()).unwrap()
    }

    fn on(kernel: &[&str], policy: Policy, sections: &[&str]) -> Result<Relocated, RelocateError> {
        let kernel = types(kernel);
        let view = kernel.btf();
        let ids = view.sorted_by_name().unwrap();

        relocate(&module(sections), &Names::indexed(view, &ids, None), policy)
    }

    const ALL: [&str; 2] = [SECTION, BASE_SECTION];

    #[test]
    fn types_are_found() {
        let relocated = on(&["f", "b", "a"], Policy::Error, &ALL).unwrap();

        assert_eq!(relocated.id_map, [0, 3, 2, 1, 4, 5]);
        assert_eq!((relocated.opaque, relocated.kept), (vec![], vec![]));
    }

    #[test]
    fn what_is_not_found_is_named() {
        let relocated = on(&["b"], Policy::Opaque, &ALL).unwrap();
        let error = |kernel: &[&str], policy| on(kernel, policy, &ALL).unwrap_err().to_string();

        let own = |id, new_id, name: &str| OwnType {
            id,
            new_id,
            name: name.into(),
            reason: Mismatch::Missing,
        };
        assert_eq!(relocated.opaque, [own(1, 4, "a")]);
        assert_eq!(relocated.kept, [own(3, 5, "f")]);
        assert_eq!(relocated.id_map, [0, 4, 1, 5, 2, 3]);
        assert_eq!(
            error(&["b"], Policy::Error),
            "m.ko: .BTF.base: BTF type 1 'a' does not match: not in vmlinux"
        );
        for policy in [Policy::Error, Policy::Opaque] {
            assert_eq!(
                error(&["a"], policy),
                "m.ko: .BTF.base: BTF type 2 'b' is contained and does not match: not in vmlinux"
            );
        }
    }

    #[test]
    fn a_module_must_be_distilled() {
        let error = on(&["a"], Policy::Error, &[SECTION]).unwrap_err();

        assert_eq!(
            error.to_string(),
            "m.ko: .BTF.base: there is no such section"
        );
    }
}
