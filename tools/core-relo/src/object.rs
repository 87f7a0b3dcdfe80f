// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The relocations of an object, and the programs that they are for.

use std::collections::HashMap;
use std::fmt;

use splitbtf::CoreRelo;
use splitbtf::ExtInfo;
use splitbtf::LineInfo;

use crate::error::MAX_NAME;
use crate::insn;
use crate::lines::Lines;
use crate::name;
use crate::Error;
use crate::Invalid;
use crate::Types;

/// An object with relocations.
pub struct Object<'a> {
    pub(crate) types: &'a dyn Types,
    sections: Vec<Section<'a>>,
    lines: Vec<Lines>,
    relocations: Vec<Relocation>,
    unnamed: Vec<Error>,
    ext_len: u64,
}

/// A section with programs.
#[derive(Clone, Debug)]
pub struct Section<'a> {
    /// Its name.
    pub name: String,
    /// Its instructions.
    pub code: &'a [u8],
    /// The programs and subprograms in it: the symbols of functions.
    pub functions: Vec<Function>,
}

/// A program or a subprogram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Where it starts in the section, in bytes.
    pub offset: u64,
    /// Its length in bytes.
    pub len: u64,
    /// Whether it is loaded: libbpf leaves out the relocations of those that are not, such as programs
    /// in sections whose names start with `?`.
    pub is_loaded: bool,
}

/// A relocation, and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relocation {
    /// The section, as an index of the sections that the object was made with.
    pub section: usize,
    /// The program, as an index of the functions of the section.
    pub function: usize,
    /// The relocation itself.
    pub relo: CoreRelo,
}

impl<'a> Object<'a> {
    /// An object with the types of its `.BTF`, the content of its `.BTF.ext`, and its sections with
    /// programs.
    ///
    /// Relocations for sections or instructions that are not there are left out, as with libbpf: linkers
    /// keep those of weak subprograms that lost to others of their name.
    pub fn new(types: &'a dyn Types, ext: &ExtInfo, sections: Vec<Section<'a>>) -> Self {
        let mut this = Self {
            types,
            lines: vec![Lines::default(); sections.len()],
            sections,
            relocations: vec![],
            unnamed: vec![],
            ext_len: 0,
        };

        for section in &mut this.sections {
            section.functions.sort_by_key(|function| function.offset);
        }
        let mut numbers = HashMap::new();
        for (n, section) in this.sections.iter().enumerate() {
            numbers.entry(section.name.clone()).or_insert(n);
        }
        this.read_lines(ext, &numbers);
        this.read_relocations(ext, &numbers);
        this
    }

    fn read_lines(&mut self, ext: &ExtInfo, numbers: &HashMap<String, usize>) {
        let mut lines: Vec<Vec<LineInfo>> = vec![vec![]; self.sections.len()];

        for section in &ext.line_info {
            let name = self.name(section.name_off);
            let number = name.and_then(|name| numbers.get(&name));
            if let Some(lines) = number.and_then(|n| lines.get_mut(*n)) {
                lines.extend(&section.records);
            }
        }
        self.lines = lines.into_iter().map(Lines::new).collect();
    }

    fn read_relocations(&mut self, ext: &ExtInfo, numbers: &HashMap<String, usize>) {
        for list in &ext.core_relo {
            let len = size_of::<CoreRelo>().saturating_mul(list.records.len());
            self.ext_len = self
                .ext_len
                .saturating_add(len.try_into().unwrap_or(u64::MAX));
            let Some(name) = self.name(list.name_off) else {
                let offset = list.records.first().map_or(0, |relo| relo.insn_off);
                self.unnamed.push(Error {
                    section: String::new(),
                    offset,
                    reason: Invalid::SectionName {
                        name_off: list.name_off,
                    },
                });
                continue;
            };
            let Some(section) = numbers.get(&name).copied() else {
                continue;
            };
            for relo in list.records.iter().copied() {
                if let Some(function) = self.function_at(section, relo.insn_off) {
                    self.relocations.push(Relocation {
                        section,
                        function,
                        relo,
                    });
                }
            }
        }
    }

    /// A name that is not empty.
    fn name(&self, name_off: u32) -> Option<String> {
        let strings = self.types.strings_from(name_off)?;
        let strings = strings.get(..=MAX_NAME).unwrap_or(strings);
        let len = strings.iter().position(|byte| *byte == 0)?;

        Some(name::text(strings.get(..len)?)).filter(|name| !name.is_empty())
    }

    /// The function that has the instruction at this offset.
    fn function_at(&self, section: usize, offset: u32) -> Option<usize> {
        let functions = &self.sections.get(section)?.functions;
        let offset = u64::from(offset);
        let end = functions.partition_point(|function| function.offset <= offset);
        let n = end.checked_sub(1)?;
        let function = functions.get(n)?;

        (offset < function.offset.saturating_add(function.len)).then_some(n)
    }

    /// The relocations in the order in which libbpf works on them, which matters: see
    /// [`Verdict::RuledOut`](crate::Verdict::RuledOut). Those of functions that are not loaded are
    /// among them.
    pub fn relocations(&self) -> &[Relocation] {
        &self.relocations
    }

    /// The sections that the object was made with. The functions of each are in their order.
    pub fn sections(&self) -> &[Section<'a>] {
        &self.sections
    }

    /// The section and the function of a relocation.
    pub fn place(&self, relocation: &Relocation) -> Option<(&Section<'a>, &Function)> {
        let section = self.sections.get(relocation.section)?;

        Some((section, section.functions.get(relocation.function)?))
    }

    /// Lists of relocations whose section has no name.
    pub(crate) fn unnamed(&self) -> &[Error] {
        &self.unnamed
    }

    /// The line of the instruction of a relocation.
    pub(crate) fn line(&self, relocation: &Relocation) -> Option<&LineInfo> {
        let (_, function) = self.place(relocation)?;
        let lines = self.lines.get(relocation.section)?;

        lines.find(function.offset, relocation.relo.insn_off)
    }

    /// The numbers of a relocation's instruction, in the section and in the program.
    pub(crate) fn insn(&self, relocation: &Relocation) -> Result<(u32, u32), Invalid> {
        let len = u32::try_from(insn::LEN).unwrap_or_default();
        let offset = relocation.relo.insn_off;
        let start = self.place(relocation).map(|(_, function)| function.offset);
        let start = start.and_then(|start| u32::try_from(start).ok());
        let inside = offset.checked_sub(start.unwrap_or_default());

        match (offset.checked_rem(len), inside) {
            (Some(0), Some(inside)) => Ok((offset / 8, inside / 8)),
            _ => Err(Invalid::Misaligned),
        }
    }

    /// How long the input is, in bytes.
    pub(crate) fn len(&self) -> u64 {
        let types = u64::try_from(self.types.len()).unwrap_or(u64::MAX);

        types.saturating_add(self.ext_len)
    }
}

impl fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object")
            .field("sections", &self.sections)
            .field("relocations", &self.relocations)
            .finish_non_exhaustive()
    }
}
