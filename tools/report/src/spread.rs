// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! The median of numbers, and their quartiles.

/// The quartiles of a set of numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    /// A quarter of the numbers is smaller.
    pub low: f64,
    /// The median.
    pub median: f64,
    /// A quarter of the numbers is larger.
    pub high: f64,
}

impl Spread {
    /// `None` if there are no numbers.
    pub fn of(numbers: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut numbers: Vec<_> = numbers.into_iter().collect();
        numbers.sort_by(f64::total_cmp);
        // Interpolates between two numbers.
        let at = |share: f64| {
            let place = share * numbers.len().checked_sub(1)? as f64;
            let (below, above) = (
                numbers.get(place.floor() as usize)?,
                numbers.get(place.ceil() as usize)?,
            );
            Some(below + (above - below) * place.fract())
        };

        Some(Self {
            low: at(0.25)?,
            median: at(0.5)?,
            high: at(0.75)?,
        })
    }

    /// Divides `self` by `other`: the ratio of the medians, and the smallest and the largest ratio
    /// that the quartiles allow.
    pub fn over(self, other: Self) -> Self {
        Self {
            low: self.low / other.high,
            median: self.median / other.median,
            high: self.high / other.low,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles() {
        let spread = Spread::of((0..=100).rev().map(f64::from)).unwrap();
        assert_eq!((spread.low, spread.median, spread.high), (25.0, 50.0, 75.0));
        let between = Spread::of([1.0, 2.0]).unwrap();
        assert_eq!(
            (between.low, between.median, between.high),
            (1.25, 1.5, 1.75)
        );
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn a_ratio_is_as_unsure_as_both() {
        let (a, b) = (
            Spread::of([8.0, 10.0, 12.0]).unwrap(),
            Spread::of([1.0, 2.0, 3.0]).unwrap(),
        );
        let ratio = a.over(b);

        assert_eq!(
            (ratio.low, ratio.median, ratio.high),
            (9.0 / 2.5, 5.0, 11.0 / 1.5)
        );
    }
}
