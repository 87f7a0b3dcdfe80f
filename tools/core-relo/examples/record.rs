// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Prints what CO-RE decides for an object and a kernel, as JSON.
//!
//! usage: record OBJECT [VMLINUX-BTF [MODULE-BTF]...]

use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;

use core_relo::Decider;
use core_relo::Function;
use core_relo::Object;
use core_relo::Section;
use core_relo::Targets;
use object::File;
use object::Object as _;
use object::ObjectSection;
use object::ObjectSymbol;
use object::SectionKind;
use object::SymbolKind;
use splitbtf::AnyOwned;
use splitbtf::ExtInfo;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let bytes = fs::read(
        args.next()
            .ok_or("usage: record OBJECT [VMLINUX [MODULE]...]")?,
    )?;
    let file = File::parse(&*bytes)?;
    let section = |name| file.section_by_name(name).ok_or("there is no BTF");
    let types = AnyOwned::new(section(".BTF")?.data()?.to_vec(), None)?;
    let ext = ExtInfo::read(section(".BTF.ext")?.data()?)?;
    let object = Object::new(&types, &ext, programs(&file)?);

    let vmlinux = args.next().unwrap_or("/sys/kernel/btf/vmlinux".into());
    let vmlinux = AnyOwned::new(fs::read(vmlinux)?, None)?;
    let mut modules = vec![];
    for path in args {
        modules.push((
            path.clone(),
            AnyOwned::new(fs::read(path)?, Some(&vmlinux))?,
        ));
    }
    let mut kernel = Targets::new(&vmlinux);
    for (path, types) in &modules {
        let name = Path::new(path).file_stem().unwrap_or_default();
        kernel = kernel.module(&name.to_string_lossy(), types);
    }

    let decisions: Result<Vec<_>, _> = Decider::new(&object, &kernel)
        .decide_all()
        .into_iter()
        .collect();
    println!("{}", serde_json::to_string_pretty(&decisions?)?);
    Ok(())
}

/// The sections with programs, and the functions in them.
fn programs<'a>(file: &File<'a>) -> object::Result<Vec<Section<'a>>> {
    let mut sections = vec![];

    for section in file
        .sections()
        .filter(|section| section.kind() == SectionKind::Text)
    {
        let name = section.name()?.to_string();
        let mut functions = vec![];
        for symbol in file.symbols() {
            if symbol.kind() == SymbolKind::Text && symbol.section_index() == Some(section.index())
            {
                functions.push(Function {
                    name: symbol.name()?.to_string(),
                    offset: symbol.address(),
                    len: symbol.size(),
                    is_loaded: !name.starts_with('?'),
                });
            }
        }
        let code = section.data()?;
        sections.push(Section {
            name,
            code,
            functions,
        });
    }
    Ok(sections)
}
