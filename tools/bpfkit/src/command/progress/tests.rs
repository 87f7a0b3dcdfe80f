// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use bpfkit::render::Style;

use crate::command::Talk;
use crate::command::Voice;

#[test]
fn users_who_are_quiet_or_told_each_step_get_no_bar() {
    let wanted = |talk| {
        let style = Style::Plain;
        Voice { style, talk }.progress("modules", 1).wanted
    };

    assert!(wanted(Talk::Normal));
    assert!(!wanted(Talk::Quiet));
    assert!(!wanted(Talk::Verbose));
}
