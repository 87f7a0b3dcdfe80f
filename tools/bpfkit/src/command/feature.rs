// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! `bpfkit feature`.

use bpfkit::feature::Features;

use super::Failure;
use super::Voice;

/// Asks the running kernel, and prints what it has.
pub fn run(voice: Voice) -> Result<(), Failure> {
    for source in Features::SOURCES {
        voice.detail(&format!("asking the kernel: {source}"));
    }
    voice.print(&Features::probe(), Features::to_string)
}
