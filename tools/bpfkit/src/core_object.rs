// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Reads the CO-RE relocations of object files.

use std::path::Path;

use core_relo::Function;
use core_relo::Object;
use core_relo::Section;
use object::Object as _;
use object::ObjectSection;
use object::ObjectSymbol;
use object::SectionKind;
use object::SymbolKind;
use splitbtf::AnyOwned;
use splitbtf::ExtInfo;

use crate::input::InputProblem;
use crate::input::EXT_SECTION;
use crate::input::SECTION;
use crate::FileError;
use crate::Input;
use crate::InputError;

/// An object file with the types, relocations and programs that CO-RE needs.
#[derive(Debug)]
pub struct CoreObject {
    /// The types of its section `.BTF`.
    pub types: AnyOwned,
    /// The content of its section `.BTF.ext`; `None` if there is none.
    pub ext: Option<ExtInfo>,
    sections: Vec<Owned>,
}

/// A section with programs.
#[derive(Debug)]
struct Owned {
    name: String,
    code: Vec<u8>,
    functions: Vec<Function>,
}

impl CoreObject {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is no ELF file with BTF, or is malformed.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, InputError> {
        Self::read(&Input::open(path)?)
    }

    /// Reads an open file.
    ///
    /// # Errors
    ///
    /// If it is no ELF file with BTF, or is malformed.
    pub fn read(input: &Input) -> Result<Self, InputError> {
        let path = input.path();
        let types = input.need(SECTION)?.to_vec();
        let types = AnyOwned::new(types, None).map_err(input.wrong(SECTION))?;
        let ext = input.section(EXT_SECTION)?.map(ExtInfo::read).transpose();
        let ext = ext.map_err(|error| FileError::in_section(path, EXT_SECTION, error))?;
        let Some((file, _)) = input.elf()? else {
            return Err(FileError::new(path, InputProblem::NotElf));
        };

        Ok(Self {
            types,
            ext,
            sections: sections(&file).map_err(|error| FileError::new(path, error))?,
        })
    }

    /// The relocations, which borrow the content. There are none without `.BTF.ext`.
    pub fn object(&self) -> Object<'_> {
        let none = ExtInfo {
            endian: self.types.endian(),
            func_info: vec![],
            line_info: vec![],
            core_relo: vec![],
        };
        let sections = self.sections.iter().map(|section| Section {
            name: section.name.clone(),
            code: &section.code,
            functions: section.functions.clone(),
        });

        Object::new(
            &self.types,
            self.ext.as_ref().unwrap_or(&none),
            sections.collect(),
        )
    }
}

/// The sections with programs, as libbpf finds them.
fn sections(file: &object::File<'_>) -> object::Result<Vec<Owned>> {
    let mut sections = vec![];

    for section in file.sections() {
        if section.kind() != SectionKind::Text {
            continue;
        }
        let name = String::from_utf8_lossy(section.name_bytes()?).into_owned();
        let mut functions = vec![];
        for symbol in file.symbols() {
            let is_here = symbol.section_index() == Some(section.index());
            if is_here && symbol.kind() == SymbolKind::Text {
                functions.push(Function {
                    name: String::from_utf8_lossy(symbol.name_bytes()?).into_owned(),
                    offset: symbol.address(),
                    len: symbol.size(),
                    is_loaded: !name.starts_with('?'),
                });
            }
        }
        sections.push(Owned {
            name,
            code: section.data()?.to_vec(),
            functions,
        });
    }
    Ok(sections)
}
