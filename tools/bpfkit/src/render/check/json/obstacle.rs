// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! What a kernel refuses a module for, apart from types, as JSON.

use serde::Serialize;

use crate::fit::Obstacle;

/// The sentence, and what it says as numbers and words.
#[derive(Serialize)]
pub(super) struct ObstacleJson<'a> {
    text: String,
    #[serde(flatten)]
    reason: Reason<'a>,
}

/// Sizes are in bytes.
#[derive(Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
enum Reason<'a> {
    Machine {
        module_machine: &'a str,
        kernel_machine: &'a str,
    },
    Release {
        module_release: &'a str,
        kernel_release: &'a str,
    },
    Options {
        module_options: &'a str,
        kernel_options: &'a str,
    },
    StructModule {
        module_size: u64,
        kernel_size: u64,
    },
    MissingSymbols {
        symbols: &'a [String],
    },
    SymbolVersions {
        symbols: &'a [String],
    },
}

impl<'a> ObstacleJson<'a> {
    pub(super) fn of(obstacle: &'a Obstacle) -> Self {
        Self {
            text: obstacle.to_string(),
            reason: match obstacle {
                Obstacle::Machine { module, kernel } => Reason::Machine {
                    module_machine: module,
                    kernel_machine: kernel,
                },
                Obstacle::Release { module, kernel } => Reason::Release {
                    module_release: module,
                    kernel_release: kernel,
                },
                Obstacle::Options { module, kernel } => Reason::Options {
                    module_options: module,
                    kernel_options: kernel,
                },
                Obstacle::StructModule { module, kernel } => Reason::StructModule {
                    module_size: *module,
                    kernel_size: *kernel,
                },
                Obstacle::Missing { symbols } => Reason::MissingSymbols { symbols },
                Obstacle::Versions { symbols } => Reason::SymbolVersions { symbols },
            },
        }
    }
}
