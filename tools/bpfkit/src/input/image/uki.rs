// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Finds the kernel image in a unified kernel image: a PE file with a boot stub.
//!
//! The UAPI Group's specification "Unified Kernel Image" names the sections.

use std::ops::Range;
use std::path::Path;

use object::Object;
use object::ObjectSection;

use crate::file_error::FileError;

use super::InputError;
use super::InputProblem;

/// The section with the kernel image.
const LINUX: &str = ".linux";

/// The place of the kernel image in a unified one.
pub(super) fn kernel(path: &Path, image: &[u8]) -> Result<Range<usize>, InputError> {
    let pe = object::File::parse(image)
        .map_err(|source| FileError::new(path, InputProblem::Pe(source)))?;
    let in_section = |problem| FileError::in_section(path, LINUX, problem);
    let section = pe
        .section_by_name(LINUX)
        .ok_or_else(|| in_section(InputProblem::NoSection))?;
    let offset = section.file_range().map_or(0, |(offset, _)| offset);
    let data = section.data().map_err(|source| {
        let reason = source.to_string();
        in_section(InputProblem::Section { reason, offset })
    })?;
    let start = usize::try_from(offset).unwrap_or(usize::MAX);

    Ok(start..start.saturating_add(data.len()))
}
