// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Relocating the BTF of distilled modules to a kernel, as that kernel does when it loads them.

use std::path::PathBuf;

use serde::Serialize;
use serde::Serializer;
use splitbtf::Btf;
use splitbtf::Error as BtfError;
use splitbtf::Mismatch;
use splitbtf::Names;
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
    /// It needs a type that the kernel does not have.
    #[error("{}: {BASE_SECTION}: BTF type {id} '{name}': {reason}", path.display())]
    Unmatched {
        /// The file.
        path: PathBuf,
        /// The type's id in the distilled base.
        id: u32,
        /// Its name.
        name: String,
        /// Why none of the kernel's will do.
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
    /// The types that the kernel does not have.
    pub stubs: Vec<Stub>,
}

/// A type that has been kept, as a name and a size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stub {
    /// Its id in the distilled base.
    pub id: u32,
    /// Its id now.
    pub new_id: u32,
    /// Its name.
    pub name: String,
    /// Why none of the kernel's will do.
    #[serde(serialize_with = "as_text")]
    pub reason: Mismatch,
}

fn as_text<S: Serializer>(reason: &Mismatch, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(reason)
}

/// Relocates the BTF of a module from its distilled base to the types of a kernel.
///
/// # Errors
///
/// If the module has no BTF or no distilled base, or they are wrong; with [`Policy::Error`],
/// [`RelocateError::Unmatched`] for the first type that the kernel does not have.
pub fn relocate<O: ByteOrder>(
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
    let base = Owned::<O>::new(base.to_vec(), None).map_err(wrong(BASE_SECTION))?;
    let base = base.view(None).map_err(wrong(BASE_SECTION))?;
    base.validated().map_err(wrong(BASE_SECTION))?;
    let mut room = vec![0; splitbtf::max_types::<O>(split).map_err(wrong(SECTION))?];
    let split = Btf::open(split, Some(&base), &mut room).map_err(wrong(SECTION))?;
    let split = split.validated().map_err(wrong(SECTION))?;
    let name = |id| {
        let name = base.get(id).and_then(|ty| base.string(ty.name_off));
        name.map(|name| name.escape_ascii().to_string())
            .map_err(wrong(BASE_SECTION))
    };

    let relocated = match splitbtf::relocate(&split, kernel, policy) {
        Err(BtfError::Unmatched { id, reason, .. }) => {
            return Err(RelocateError::Unmatched {
                path: module.path().to_owned(),
                id,
                name: name(id)?,
                reason,
            })
        }
        result => result.map_err(wrong(SECTION))?,
    };
    let stubs = relocated.kept.iter().map(|kept| {
        Ok(Stub {
            id: kept.id,
            new_id: kept.new_id,
            name: name(kept.id)?,
            reason: kept.reason,
        })
    });
    Ok(Relocated {
        stubs: stubs.collect::<Result<_, RelocateError>>()?,
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
    use zerocopy::LE;

    use super::*;

    /// BTF with structs of these names and 8 bytes each.
    fn structs(names: &[&str]) -> Owned<LE> {
        let mut builder = Builder::<LE>::new();
        for name in names {
            builder.structure(name.as_bytes(), 8, &[]);
        }
        Owned::new(builder.finish().unwrap(), None).unwrap()
    }

    /// A module with pointers to `a` and `b`.
    fn module(sections: &[&str]) -> Input {
        let base = structs(&["a", "b"]);
        let mut builder = Builder::split_on(&base.view(None).unwrap()).unwrap();
        builder.ptr(1);
        builder.ptr(2);
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
        let kernel = structs(kernel);
        let view = kernel.view(None).unwrap();
        let ids = view.name_index().unwrap();

        relocate(
            &module(sections),
            &Names::indexed(&view, &ids, None),
            policy,
        )
    }

    const ALL: [&str; 2] = [SECTION, BASE_SECTION];

    #[test]
    fn types_are_found() {
        let relocated = on(&["x", "b", "a"], Policy::Error, &ALL).unwrap();

        assert_eq!(relocated.id_map, [0, 3, 2, 4, 5]);
        assert_eq!(relocated.stubs, []);
    }

    #[test]
    fn what_is_not_found_is_named() {
        let relocated = on(&["a"], Policy::Opaque, &ALL).unwrap();
        let error = on(&["a"], Policy::Error, &ALL).unwrap_err();

        let stub = Stub {
            id: 2,
            new_id: 4,
            name: "b".into(),
            reason: Mismatch::Missing,
        };
        assert_eq!(relocated.stubs, [stub]);
        assert_eq!(relocated.id_map, [0, 1, 4, 2, 3]);
        assert_eq!(
            error.to_string(),
            "m.ko: .BTF.base: BTF type 2 'b': not in vmlinux"
        );
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
