// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Rust skeletons of object files: those of libbpf-cargo, with a `load` that binds all global data and
//! a `metadata` that reads the variables with metadata.

mod layout;
mod source;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use libbpf_cargo::SkeletonBuilder;
use syn::parse_str;
use syn::Ident;

use crate::error::Reason;
use crate::libbpf::Messages;
use crate::load;
use crate::load::Content;
use crate::metadata::PREFIX;
use crate::output;
use crate::Error;

use layout::Layout;
use source::Source;

/// A skeleton.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Skeleton {
    /// The Rust source, not formatted. It needs the crates libbpf-rs and bpfkit.
    pub text: String,
    /// The static variables with metadata, which skeletons leave out.
    pub left_out: Vec<String>,
}

/// Generates the skeleton of an object file. Without `name`, it has the name of the object file.
///
/// # Errors
///
/// If libbpf cannot read the object file, or if libbpf-cargo cannot express it in Rust. The reasons of
/// the second kind begin with "not supported".
pub fn generate(object: &Path, name: Option<&str>) -> Result<Skeleton, Error> {
    let error = |reason: &str| Error::Object {
        path: object.into(),
        reason: Reason::new(reason),
    };
    let unsupported = |reason: String| error(&format!("not supported in a skeleton: {reason}"));
    let file = load::read(object)?;
    let content = load::content(object, &file)?;
    let name = match name {
        Some(name) => name.to_owned(),
        None => name_of(object),
    };
    if !is_name(&name) {
        return Err(error(&format!(
            "'{name}' cannot be the name of a skeleton; give one with 'name NAME'"
        )));
    }
    check_names(&content).map_err(unsupported)?;
    let layout = Layout::new(content.btf).map_err(unsupported)?;
    let left_out = layout.statics(PREFIX).map_err(unsupported)?;

    let text = libbpf_cargo(&name, &file).map_err(|reason| match reason {
        Refusal::Io(source) => Error::Write {
            path: std::env::temp_dir(),
            source,
        },
        Refusal::Unsupported(reason) => unsupported(reason),
    })?;
    let source = Source::parse(&text).map_err(unsupported)?;
    let asserts = layout.asserts(&source).map_err(unsupported)?;
    let added = [load_function(&source.name), metadata(&source), asserts].concat();
    Ok(Skeleton {
        text: text + &added,
        left_out,
    })
}

/// Formats Rust source with rustfmt. Returns it as it is if rustfmt is not installed, or fails.
pub fn format(text: String) -> String {
    let child = Command::new("rustfmt")
        .args(["--edition", "2021"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else {
        return text;
    };
    // rustfmt reads everything before it writes.
    let written = child
        .stdin
        .take()
        .is_some_and(|mut stdin| stdin.write_all(text.as_bytes()).is_ok());
    match child.wait_with_output() {
        Ok(done) if written && done.status.success() => {
            String::from_utf8(done.stdout).unwrap_or(text)
        }
        _ => text,
    }
}

/// Why there is no skeleton.
enum Refusal {
    /// A temporary file cannot be written or read.
    Io(io::Error),
    /// libbpf-cargo refuses the object file.
    Unsupported(String),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The skeleton that libbpf-cargo generates, not formatted.
fn libbpf_cargo(name: &str, file: &[u8]) -> Result<String, Refusal> {
    let folder = tempfile::tempdir()?;
    // libbpf-cargo takes the name of the skeleton from that of the file.
    let object = folder.path().join(format!("{name}.bpf.o"));
    let skeleton = folder.path().join("skeleton.rs");

    output::replace(&object, file)?;
    // libbpf's messages about the file have been reported already.
    let _messages = Messages::listen(None);
    SkeletonBuilder::new()
        .obj(&object)
        // rustfmt would explain invalid Rust on standard error.
        .rustfmt(folder.path().join("none"))
        .generate(&skeleton)
        .map_err(|error| Refusal::Unsupported(error.root_cause().to_string()))?;
    Ok(fs::read_to_string(&skeleton)?)
}

/// The skeleton's name, made from the name of the object file.
fn name_of(object: &Path) -> String {
    let file = object.file_name().unwrap_or_default().to_string_lossy();

    file.split('.').next().unwrap_or_default().replace('-', "_")
}

/// Whether libbpf-cargo can make the names of types from this: it panics at empty words.
fn is_name(name: &str) -> bool {
    let mut words = name.split('_');

    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && words.all(|word| {
            !word.is_empty() && word.chars().all(|letter| letter.is_ascii_alphanumeric())
        })
}

/// Checks the names that libbpf-cargo uses for fields: it only replaces dots in section names.
fn check_names(content: &Content) -> Result<(), String> {
    let maps = content
        .maps
        .iter()
        .map(|map| ("map", map, map.replace('.', "_")));
    let programs = content
        .programs
        .iter()
        .map(|program| ("program", program, program.clone()));

    for (kind, name, field) in maps.chain(programs) {
        if !is_identifier(&field) {
            return Err(format!(
                "{kind} {} has a name that Rust cannot have",
                name.escape_debug()
            ));
        }
    }
    Ok(())
}

/// Whether this is an identifier in C and in Rust, keywords aside.
fn is_identifier(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

/// A `load` that hides the trait's.
fn load_function(name: &str) -> String {
    format!(
        "
// bpfkit adds what follows.

#[allow(dead_code)]
impl<'obj> Open{name}Skel<'obj> {{
    /// Loads the object, and binds all its global data to its programs, so that the data lives as long
    /// as the programs.
    pub fn load(self) -> libbpf_rs::Result<{name}Skel<'obj>> {{
        let skeleton = libbpf_rs::skel::OpenSkel::load(self)?;
        let object = libbpf_rs::skel::Skel::object(&skeleton);
        bpfkit::prog::bind_global_data(
            object.progs().filter(|program| program.autoload()),
            object.maps().filter(|map| map.autocreate()),
        )
        .map_err(|error| libbpf_rs::Error::from(std::io::Error::other(error)))?;
        Ok(skeleton)
    }}
}}
"
    )
}

/// A struct with the metadata, and the function that returns it; nothing if there is no metadata.
fn metadata(source: &Source) -> String {
    let name = &source.name;
    let mut fields = String::new();
    let mut values = String::new();
    let mut taken = BTreeSet::new();

    for section in source.constants() {
        for field in &section.fields {
            let Some(short) = field.name.strip_prefix(PREFIX) else {
                continue;
            };
            let short = short_name(short).filter(|short| taken.insert(short.clone()));
            let short = short.unwrap_or_else(|| field.name.clone());
            // This cannot fail: it writes to memory.
            let _ = writeln!(fields, "/// The variable `{}`.", field.name);
            let _ = writeln!(fields, "pub {short}: &'a {},", field.ty);
            let _ = writeln!(
                values,
                "{short}: &self.maps.{}.as_ref()?.{},",
                section.data, field.name
            );
        }
    }
    if fields.is_empty() {
        return fields;
    }
    format!(
        "
mod metadata {{
    #[allow(unused_imports, clippy::wildcard_imports)]
    use super::types::*;

    /// The metadata, in the memory of the maps, which is mapped read-only.
    #[allow(dead_code, non_snake_case)]
    #[derive(Clone, Copy, Debug)]
    pub struct {name}Metadata<'a> {{
        {fields}
    }}
}}

#[allow(unused_imports)]
pub use metadata::{name}Metadata;

#[allow(dead_code)]
impl {name}Skel<'_> {{
    /// The metadata of the loaded object; `None` if the kernel cannot map it.
    pub fn metadata(&self) -> Option<{name}Metadata<'_>> {{
        Some({name}Metadata {{
            {values}
        }})
    }}
}}
"
    )
}

/// The name of a field, as Rust allows it.
fn short_name(name: &str) -> Option<String> {
    [name.to_owned(), format!("r#{name}")]
        .into_iter()
        .find(|name| parse_str::<Ident>(name).is_ok())
}

#[cfg(test)]
mod tests;
