//! The value of a metric in a report.

use crate::money::Amount;

/// The value of a metric.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricValue {
    /// No value: nothing was measured, or it can no longer be counted.
    Unknown,
    Whole(i64),
    Fraction(f64),
    Amount(Amount),
}

impl MetricValue {
    /// The value as a count.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_i64().and_then(|whole| u64::try_from(whole).ok())
    }

    /// The value as a whole number.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Whole(whole) => Some(*whole),
            Self::Unknown | Self::Fraction(_) | Self::Amount(_) => None,
        }
    }

    /// The value as a number; the value of an amount of money is not one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Whole(whole) => Some(*whole as f64),
            Self::Fraction(number) => Some(*number),
            Self::Unknown | Self::Amount(_) => None,
        }
    }
}
