// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use std::io;
use std::path::Path;

use bpfkit::core::check::Finding;
use bpfkit::FileError;

use super::*;

fn row(effects: &[Effect]) -> Row<'static> {
    let finding = |effect: &Effect| Finding {
        effect: *effect,
        subject: String::new(),
        reason: String::new(),
        instead: None,
        places: vec![],
    };

    Row {
        object: Path::new("a.o"),
        result: Ok(vec![Checked {
            findings: effects.iter().map(finding).collect(),
            ..Checked::default()
        }]),
    }
}

#[test]
fn what_is_a_failure() {
    let levels = [
        FailOn::Guarded,
        FailOn::Poisoned,
        FailOn::Fails,
        FailOn::Never,
    ];
    let by_level = |row: Row<'_>| levels.map(|on| fails(&row, on));

    assert_eq!(by_level(row(&[])), [false; 4]);
    assert_eq!(by_level(row(&[Effect::Unknown])), [false; 4]);
    let guarded = row(&[Effect::Guarded]);
    assert_eq!(by_level(guarded), [true, false, false, false]);
    let poisoned = row(&[Effect::Guarded, Effect::Poisoned]);
    assert_eq!(by_level(poisoned), [true, true, false, false]);
    let refused = row(&[Effect::Refused, Effect::Unknown]);
    assert_eq!(by_level(refused), [true, true, true, false]);
    let error = io::Error::from(io::ErrorKind::NotFound);
    let no_file = Row {
        object: Path::new("a.o"),
        result: Err(FileError::new(Path::new("a.o"), error)),
    };
    assert_eq!(by_level(no_file), [true, true, true, false]);
}
