// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Tests of `splitbtf-core` that build their BTF.

mod relocate;
mod validate;
