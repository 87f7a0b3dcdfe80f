// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use splitbtf::BtfExt;
use std::fs;
use std::path::PathBuf;

use super::*;
use crate::testing::blob;

const STRINGS: &[u8] = b"\0int\0s\0a\0";
const INT: [u32; 4] = [1, 1 << 24, 4, 32];

/// struct s { int a; }, `size` bytes long.
fn structure(int: u32, size: u32) -> [u32; 6] {
    [5, 4 << 24 | 1, size, 7, int, 0]
}

/// 1: int, 2: struct s.
fn base() -> Vec<u8> {
    blob(&[&INT[..], &structure(1, 4)].concat(), STRINGS)
}

/// As [`base`], with a type before the others.
fn shifted() -> Vec<u8> {
    let pointer = [0, 2 << 24, 0];
    blob(&[&pointer[..], &INT, &structure(2, 4)].concat(), STRINGS)
}

/// struct s has another size.
fn resized() -> Vec<u8> {
    blob(&[&INT[..], &structure(1, 8)].concat(), STRINGS)
}

/// struct s, and an enum s of the same size.
fn doubled() -> Vec<u8> {
    let value = [5, 6 << 24 | 1, 4, 7, 0];
    blob(&[&INT[..], &structure(1, 4), &value].concat(), STRINGS)
}

/// 3: struct t { struct s b; }.
fn split() -> Vec<u8> {
    blob(&[9, 4 << 24 | 1, 4, 11, 2, 0], b"t\0b\0")
}

/// 3: void *(struct s *), 4: a pointer to it.
fn pointing() -> Vec<u8> {
    blob(&[0, 13 << 24 | 1, 0, 0, 4, 0, 2 << 24, 2], b"")
}

/// 3: void (struct s).
fn by_value() -> Vec<u8> {
    blob(&[0, 13 << 24 | 1, 0, 0, 2], b"")
}

/// Nothing but a pointer.
fn nothing() -> Vec<u8> {
    blob(&[0, 2 << 24, 0], b"\0")
}

/// A folder with files. Dropping this removes it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("oracle-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(path.join("modules")).unwrap();
        Self(path)
    }

    fn with(self, file: &str, content: &[u8]) -> Self {
        fs::write(self.0.join(file), content).unwrap();
        self
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The outcome of relocating [`split`] on [`base`] to `ours`, and with libbpf to `theirs`.
fn outcome(ours: &[u8], theirs: &[u8]) -> Outcome {
    relocation(&split(), ours, theirs).outcome
}

/// The same for other split BTF.
fn relocation(split: &[u8], ours: &[u8], theirs: &[u8]) -> Relocation {
    let name = format!("{:?}", std::thread::current().id());
    let folder = Folder::new(&name)
        .with("base", &base())
        .with("ours", ours)
        .with("theirs", theirs);
    let open = |name| Vmlinux::open(&folder.0.join(name)).unwrap();
    let (base, ours, theirs) = (open("base"), open("ours"), open("theirs"));
    let target = Target {
        theirs: theirs.target().theirs,
        ..ours.target()
    };
    let split = Owned::new(split.to_vec(), Some(base.target().types)).unwrap();
    let split = split.btf().validated().unwrap();
    let distilled = splitbtf::distill(&split).unwrap();

    relocate(&distilled.base, &distilled.split, &[target])
        .unwrap()
        .remove(0)
}

#[test]
fn outcomes_are_told_apart() {
    let (base, shifted, resized, doubled) = (base(), shifted(), resized(), doubled());

    assert_eq!(outcome(&base, &base), Outcome::Same);
    assert_eq!(outcome(&shifted, &shifted), Outcome::Same);
    assert_eq!(outcome(&resized, &resized), Outcome::BothRefuse);
    assert_eq!(outcome(&doubled, &doubled), Outcome::OnlySplitbtf);
    let words = |outcome| match outcome {
        Outcome::Different(words) => words,
        other => panic!("{other:?}"),
    };
    assert_eq!(words(outcome(&base, &shifted)), "other bytes");
    assert!(words(outcome(&resized, &base)).starts_with("only splitbtf refuses: "));
    assert!(words(outcome(&base, &resized)).starts_with("only libbpf refuses: "));
}

#[test]
fn what_becomes_of_types_is_told() {
    let becomes = |split: &[u8], target: &[u8]| {
        let relocation = relocation(split, target, target);
        (relocation.outcome, relocation.unmatched)
    };
    let size = Mismatch::Size {
        wanted: 4,
        found: 8,
    };
    let missing = (Becomes::Opaque, Mismatch::Missing);

    assert_eq!(becomes(&pointing(), &base()), (Outcome::Same, vec![]));
    assert_eq!(becomes(&pointing(), &resized()), (Outcome::Same, vec![]));
    assert_eq!(
        becomes(&pointing(), &nothing()),
        (Outcome::BothRefuse, vec![missing])
    );
    assert_eq!(
        becomes(&split(), &nothing()),
        (
            Outcome::BothRefuse,
            vec![(Becomes::RefusedContained, Mismatch::Missing)]
        )
    );
    assert_eq!(
        becomes(&by_value(), &resized()),
        (Outcome::ByValue, vec![(Becomes::RefusedContained, size)])
    );
}

#[test]
fn distilled_bases_are_compared() {
    let shared = blob(&[1, 1 << 24, 4, 32], b"\0int\0");
    let other = blob(&[1, 1 << 24, 8, 64], b"\0int\0");
    let longer = blob(&[1, 1 << 24, 4, 32], b"\0int\0x\0");

    assert_eq!(compare_distilled(&shared, &shared), Ok(None));
    assert_eq!(compare_distilled(&shared, &longer), Ok(None));
    assert_eq!(
        compare_distilled(&longer, &shared),
        Ok(Some("a base of 47 bytes, 45 with libbpf".into()))
    );
    let differ = compare_distilled(&other, &shared).unwrap().unwrap();
    assert!(differ.starts_with("only one distils "));
}

#[test]
fn a_corpus_becomes_rows() {
    let one = Folder::new("one")
        .with("vmlinux.btf", &base())
        .with("modules/t.btf", &split());
    let two = Folder::new("two")
        .with("vmlinux.btf", &resized())
        .with("modules/t.btf", &split());
    let kernels = [&one, &two].map(|folder| Kernel::find(&folder.0).unwrap());

    let three = Folder::new("three").with("vmlinux.btf", &nothing());
    let three = Kernel::without_modules(&three.0);
    let rows = compare(&kernels, &[three]).unwrap();
    let counts: Vec<_> = rows
        .iter()
        .map(|row| (row.same, row.both_refuse, row.distilled_same, row.restored))
        .collect();
    // In the second kernel, struct t is too small for its member. Nobody checks that.
    assert_eq!(
        counts,
        [
            (2, 0, 1, Some(1)),
            (0, 2, 1, None),
            (0, 2, 1, None),
            (2, 0, 1, Some(1)),
            (0, 2, 1, None),
        ]
    );
    assert!(rows.iter().all(|row| row.different.is_empty()));
    let rules: Vec<_> = rows
        .iter()
        .map(|row| (row.rust.as_with_c, row.rust.refused_contained))
        .collect();
    assert_eq!(rules, [(1, 0), (0, 1), (0, 1), (1, 0), (0, 1)]);
    let sizes = Reasons {
        size: 1,
        ..Reasons::default()
    };
    assert!(rows[1]
        .unmatched
        .iter()
        .eq([(&Becomes::RefusedContained, &sizes)]));
    let text = tables(&rows);
    assert!(text.contains("contained, REFUSED"), "{text}");
}
