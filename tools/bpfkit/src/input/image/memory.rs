// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Finds the BTF in a kernel image that is a copy of the kernel's memory.
//!
//! The kernel's `Documentation/arch/` describes the headers: `arm64/booting.rst`,
//! `riscv/boot-image-header.rst` and `loongarch/booting.rst`. None says where the BTF is, and there
//! is no section table.

use std::ops::Range;

use splitbtf::raw::Sections;
use splitbtf::ByteOrder;
use splitbtf::BE;
use splitbtf::LE;

use super::at;

/// The offset of the magic number in the header, in bytes; the same for all three.
const MAGIC: usize = 0x38;

/// Whether this starts as an image of arm64, riscv or LoongArch.
pub(super) fn is_image(bytes: &[u8]) -> bool {
    matches!(
        at(bytes, MAGIC),
        Some([b'A', b'R', b'M', b'd'] | [b'R', b'S', b'C', 5] | [0xcd, 0x23, 0x82, 0x81])
    )
}

/// The place of the kernel's BTF in its memory. It is the largest BTF: a kernel may also contain
/// BPF objects, whose BTF is small. Only headers and bounds are checked here. An error in the types
/// is reported when they are read, as for any other file.
///
/// This takes linear time: checking a header takes constant time, except that zeros at its end are
/// skipped, and no other header starts in these.
pub(super) fn btf(memory: &[u8]) -> Option<Range<usize>> {
    let headers = memory.windows(4).enumerate();
    let found = headers.filter_map(|(start, magic)| {
        // The magic number, then version 1 without flags.
        let len = match magic {
            [0x9f, 0xeb, 1, 0] => len::<LE>(memory.get(start..)?),
            [0xeb, 0x9f, 1, 0] => len::<BE>(memory.get(start..)?),
            _ => None,
        }?;
        Some(start..start.checked_add(len)?)
    });

    found.max_by_key(Range::len)
}

/// The length of the BTF at the start of these bytes; `None` if it is not the BTF of a kernel,
/// which has types and is not split. Its sections follow one another without gaps, as the kernel's
/// `btf_check_sec_info()` demands.
fn len<O: ByteOrder>(bytes: &[u8]) -> Option<usize> {
    let parts = Sections::<O>::find(bytes).ok()?;
    let is_kernel = !parts.types.is_empty()
        && parts.strings.first() == Some(&0)
        && parts.strings.last() == Some(&0);
    let len = parts.total_len();

    // If there was a gap, a section would end after this.
    (is_kernel && Sections::<O>::find(bytes.get(..len)?).is_ok()).then_some(len)
}
