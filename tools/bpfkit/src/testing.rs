// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Small BTF for the tests.

/// BTF with these types and strings, in this machine's byte order.
pub(crate) fn blob(types: &[u32], strings: &[u8]) -> Vec<u8> {
    let types_len = size_of_val(types) as u32;
    let header = [24, 0, types_len, types_len, strings.len() as u32];

    [head(&header, types), strings.to_vec()].concat()
}

/// Like [`blob`], with a layout section: an entry for each kind.
pub(crate) fn blob_with_layout(types: &[u32], layout: &[[u8; 4]], strings: &[u8]) -> Vec<u8> {
    let types_len = size_of_val(types) as u32;
    let layout_len = size_of_val(layout) as u32;
    let strings_len = strings.len() as u32;
    let header = [
        32,
        0,
        types_len,
        types_len + layout_len,
        strings_len,
        types_len,
        layout_len,
    ];

    [&head(&header, types), layout.as_flattened(), strings].concat()
}

/// The header, of which `header` is what follows its version, and the types.
fn head(header: &[u32], types: &[u32]) -> Vec<u8> {
    let mut bytes = 0xeb9f_u16.to_ne_bytes().to_vec();

    bytes.extend([1, 0]);
    for word in header.iter().chain(types) {
        bytes.extend(word.to_ne_bytes());
    }
    bytes
}
