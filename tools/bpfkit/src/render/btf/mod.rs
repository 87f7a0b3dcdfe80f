// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Dumps BTF byte for byte as `bpftool btf dump` writes it. For split BTF the base is left out.

mod json;
mod raw;
#[cfg(test)]
mod tests;

use std::io::Write;

use crate::dump::ids;
use crate::dump::DumpError;
use crate::dump::Root;
use crate::dump::Source;
use crate::dump::Text;
use splitbtf::in_order;
use zerocopy::ByteOrder;

use self::json::Json;
use self::raw::Nothing;
use self::raw::Plain;
use self::raw::Sink;

/// Writes types to `to` as text: `roots`, or all of `source` if there are none.
///
/// # Errors
///
/// If the BTF is malformed or has no such type, or `to` fails.
pub fn plain(source: &Source, roots: &[Root], to: impl Write) -> Result<(), DumpError> {
    let sink = || Plain::new(Text::new(to));

    in_order!(source.endian()?, O => dump::<O, _>(source, roots, false, sink))
}

/// Writes types to `to` as JSON, on many lines if `pretty`: `roots`, or all of `source` if there are
/// none.
///
/// # Errors
///
/// Those of [`plain`]. If the BTF is malformed, nothing is written: JSON that breaks off is none.
pub fn json(
    source: &Source,
    roots: &[Root],
    pretty: bool,
    to: impl Write,
) -> Result<(), DumpError> {
    let sink = || Json::new(Text::new(to), pretty);

    in_order!(source.endian()?, O => dump::<O, _>(source, roots, true, sink))
}

/// Writes types to the sink, which is created after the types have been found, and read once if
/// `whole`.
fn dump<O: ByteOrder, S: Sink>(
    source: &Source,
    roots: &[Root],
    whole: bool,
    sink: impl FnOnce() -> S,
) -> Result<(), DumpError> {
    source.opened::<O, _>(|btf| {
        let ids = match roots {
            [] => (btf.first_id()..btf.end_id()).collect(),
            roots => ids(btf, roots)?,
        };
        if whole {
            raw::dump(btf, ids.iter().copied(), Nothing)?;
        }
        raw::dump(btf, ids.into_iter(), sink())
    })
}
