// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Short names for kernels: the parts of their paths in which they differ.

use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

use super::text::padded;
use super::text::printable;
use super::text::width;

/// A part of a name, and the character before it.
type Part<'a> = (char, &'a str);

/// The kernels of a check.
pub(super) struct Kernels<'a> {
    pub(super) paths: &'a [PathBuf],
    /// Their short names.
    pub(super) names: Vec<String>,
}

impl<'a> Kernels<'a> {
    pub(super) fn new(paths: &'a [PathBuf]) -> Self {
        let full: Vec<_> = paths.iter().map(|path| shown(path)).collect();

        Self {
            names: short(&full),
            paths,
        }
    }

    /// Lines that say which kernels the names are for; none if these are the whole names.
    pub(super) fn legend(&self) -> String {
        let folder = common_folder(self.paths.iter().map(PathBuf::as_path));
        let columns = self.names.iter().map(|name| width(name)).max();
        let line = |(name, path): (&String, &PathBuf)| {
            let path = path.strip_prefix(folder).unwrap_or(path);
            let name = padded(name, columns.unwrap_or_default());
            format!("    {name}  {}\n", shown(path))
        };

        let named = || self.names.iter().zip(self.paths);
        if named().all(|(name, path)| Path::new(name) == path) {
            return String::new();
        }
        let lines: String = named().map(line).collect();
        match folder.as_os_str().is_empty() {
            true => format!("Kernels:\n{lines}"),
            false => format!("Kernels in {}:\n{lines}", shown(folder)),
        }
    }

    /// The names of these kernels, if they are not all.
    pub(super) fn some(&self, numbers: &BTreeSet<usize>) -> Option<String> {
        let names = numbers.iter().filter_map(|number| self.names.get(*number));
        let names: Vec<_> = names.map(String::as_str).collect();

        (names.len() != self.names.len()).then(|| names.join(", "))
    }
}

/// A path as text.
pub(super) fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy())
}

/// The folder that all files are in; none if that is the root.
pub(super) fn common_folder<'a>(paths: impl Iterator<Item = &'a Path>) -> &'a Path {
    let mut folders = paths.map(|path| path.parent().unwrap_or(path));
    let first = folders.next().unwrap_or(Path::new(""));

    let common = folders.fold(first, |common, folder| {
        let mut ancestors = common.ancestors();
        ancestors
            .find(|common| folder.starts_with(common))
            .unwrap_or(Path::new(""))
    });
    match common.parent() {
        Some(_) => common,
        None => Path::new(""),
    }
}

/// Of each path the parts that others do not have: as many folders as are needed to tell them apart,
/// and of these no part that all of its family have. So `/boot/vmlinuz-7.2.12-amd64` and
/// `/boot/vmlinuz-7.3.4-rt-amd64` are `7.2.12` and `7.3.4-rt`.
fn short(paths: &[String]) -> Vec<String> {
    if let [path] = paths {
        return vec![end(path, 0).to_owned()];
    }
    let slashes = paths.iter().map(|path| path.matches('/').count()).max();
    let mut depths = 0..=slashes.unwrap_or_default();
    let ends = |depth| -> Vec<_> { paths.iter().map(|path| end(path, depth)).collect() };
    let Some(ends) = depths.find_map(|depth| Some(ends(depth)).filter(|ends| differ(ends))) else {
        return paths.to_vec();
    };

    let names: Vec<_> = ends.iter().map(|end| Name::of(end, &ends)).collect();
    let common: BTreeSet<_> = names.iter().flat_map(|name| name.common(&names)).collect();
    let mut dropped = BTreeSet::new();
    let short =
        |dropped: &_| -> Vec<_> { names.iter().map(|name| name.without(dropped)).collect() };
    for part in common {
        dropped.insert(part);
        if !differ(&short(&dropped)) {
            dropped.remove(&part);
        }
    }
    short(&dropped)
}

/// The last component of a path, and `depth` more.
fn end(path: &str, depth: usize) -> &str {
    let slash = path.rmatch_indices('/').nth(depth);
    let end = slash.and_then(|(slash, _)| path.get(slash..));

    end.unwrap_or(path).trim_start_matches('/')
}

/// Whether all names differ, and none is empty.
fn differ<T: AsRef<str>>(names: &[T]) -> bool {
    let different: BTreeSet<_> = names.iter().map(AsRef::as_ref).collect();

    different.len() == names.len() && !different.contains("")
}

/// The parts of a name. A dot starts one if no digit follows it: `7.3.4` is one, `.btf` is another.
fn parts(name: &str) -> Vec<Part<'_>> {
    let is_digit_at = |i| name.as_bytes().get(i).is_some_and(u8::is_ascii_digit);
    let separates = |(i, c): &(usize, char)| match c {
        '/' | '-' | '_' | '+' | '~' => true,
        '.' => !is_digit_at(i.saturating_add(1)),
        _ => false,
    };
    let mut parts = vec![];
    let (mut separator, mut start) = ('/', 0_usize);

    for (i, c) in name.char_indices().filter(separates) {
        parts.push((separator, name.get(start..i).unwrap_or_default()));
        (separator, start) = (c, i.saturating_add(1));
    }
    parts.push((separator, name.get(start..).unwrap_or_default()));
    parts
}

/// The end of a path.
struct Name<'a> {
    /// The components that it shares with others.
    family: BTreeSet<&'a str>,
    parts: Vec<Part<'a>>,
}

/// A part that all of a family have. Those that say most come last: releases.
type Common<'n> = (bool, &'n str, &'n BTreeSet<&'n str>);

impl<'a> Name<'a> {
    fn of(end: &'a str, ends: &[&str]) -> Self {
        let is_shared = |component: &&str| {
            let has = |end: &&&str| end.split('/').any(|other| other == *component);
            ends.iter().filter(has).count() > 1
        };

        Self {
            family: end.split('/').filter(is_shared).collect(),
            parts: parts(end),
        }
    }

    /// The parts that all of its family have; none if it is alone.
    fn common<'n>(&'n self, names: &[Self]) -> Vec<Common<'n>> {
        let family = || names.iter().filter(|other| other.family == self.family);
        let is_common = |text: &str| {
            let has = |name: &Self| name.parts.iter().any(|(_, part)| *part == text);
            family().count() > 1 && family().all(has)
        };

        let texts = self.parts.iter().map(|(_, text)| *text);
        texts
            .filter(|text| is_common(text))
            .map(|text| self.as_common(text))
            .collect()
    }

    fn as_common<'n>(&'n self, text: &'n str) -> Common<'n> {
        let is_release = text.starts_with(|c: char| c.is_ascii_digit());

        (is_release, text, &self.family)
    }

    fn without(&self, dropped: &BTreeSet<Common<'_>>) -> String {
        let is_own = |text: &str| !dropped.contains(&self.as_common(text));
        let mut name = String::new();

        for (separator, text) in self.parts.iter().filter(|(_, text)| is_own(text)) {
            if !name.is_empty() {
                name.push(*separator);
            }
            name += text;
        }
        name
    }
}

#[cfg(test)]
mod tests;
