// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! What becomes of BPF objects on kernels, as text for people and as JSON.

mod check;
mod show;
mod text;
mod word;

pub use self::check::pairs;
pub use self::check::table;
pub use self::check::Detail;
pub use self::check::Row;
pub use self::show::show;
pub use self::show::Shown;
