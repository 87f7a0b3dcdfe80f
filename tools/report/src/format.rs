// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Formats numbers for people, with three significant digits.

use crate::record::Parameter;
use crate::record::Unit;

/// Formats a sample.
pub(crate) fn sample(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Nanoseconds => scaled(value, &[(1e9, " s"), (1e6, " ms"), (1e3, " µs")], " ns"),
        Unit::Bytes => bytes(value),
        Unit::PerSecond => scaled(value, &[(1e6, " M/s"), (1e3, " k/s")], " /s"),
    }
}

/// Formats a value of the parameter.
pub(crate) fn parameter(x: &Parameter, value: f64) -> String {
    match x.unit.as_str() {
        "B" => bytes(value),
        unit => format!("{value}{}{unit}", if unit.is_empty() { "" } else { " " }),
    }
}

/// Formats a ratio.
pub(crate) fn ratio(value: f64) -> String {
    digits(value)
}

fn bytes(value: f64) -> String {
    scaled(value, &[(1e6, " MB"), (1e3, " kB")], " B")
}

fn scaled(value: f64, scales: &[(f64, &str)], plain: &str) -> String {
    match scales.iter().find(|(scale, _)| value >= *scale) {
        Some((scale, name)) => digits(value / scale) + name,
        None => digits(value) + plain,
    }
}

fn digits(value: f64) -> String {
    match value {
        _ if value >= 100.0 => format!("{value:.0}"),
        _ if value >= 10.0 => format!("{value:.1}"),
        _ if value >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_count() {
        let time = |ns| sample(ns, Unit::Nanoseconds);

        assert_eq!(time(1.0), "1.00 ns");
        assert_eq!(time(12_345.0), "12.3 µs");
        assert_eq!(time(2_345_678.0), "2.35 ms");
        assert_eq!(sample(1536.0, Unit::Bytes), "1.54 kB");
        assert_eq!(sample(150_000.0, Unit::PerSecond), "150 k/s");
    }
}
