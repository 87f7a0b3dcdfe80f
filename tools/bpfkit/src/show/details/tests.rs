// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use super::*;

#[test]
fn links_have_the_names_of_their_types() {
    assert_eq!(link_type(0), "unspec");
    assert_eq!(link_type(6), "xdp");
    assert_eq!(link_type(99), "type 99");
}
