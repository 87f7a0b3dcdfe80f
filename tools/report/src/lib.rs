// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Turns benchmark results into a Markdown page, and an HTML page with plots.

pub mod error;
mod format;
pub mod html;
pub mod markdown;
mod plot;
pub mod record;
mod row;
pub mod section;
mod spread;

pub use error::Error;
pub use record::Group;
pub use record::Parameter;
pub use record::Record;
pub use record::Unit;
pub use section::Section;
