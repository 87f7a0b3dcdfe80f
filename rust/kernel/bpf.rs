// SPDX-License-Identifier: GPL-2.0

//! BPF programs and BPF maps.
//!
//! C header: [`include/linux/bpf.h`](srctree/include/linux/bpf.h).

mod map;
mod prog;

pub use self::map::Map;
pub use self::prog::Prog;
