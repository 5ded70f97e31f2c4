//! The range of a question: which days or instants it is about.
//!
//! A range depends on the clock and on the site's calendar; [`Period`](crate::period::Period)
//! resolves it. `Nd` and `Nmo` end before today and before this month, because a period that is not
//! over can't be compared with one that is. `day`, `month` and `year` contain now and run to their
//! end.

use jiff::Timestamp;
use jiff::civil::Date;

/// Longest period, days.
pub const DAYS_MAX: i64 = 5_000;
/// Most months of `Nmo`.
pub const MONTHS_MAX: i64 = 100;
/// How recent the events of the live count are, minutes.
pub const LIVE_MINUTES: i64 = 5;

/// A range as the question states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateRange {
    /// `day`: today.
    Today,
    /// `24h`: the last 24 hours, to the minute.
    LastDay,
    /// `30m` and `realtime`: the last 30 and the last 5 minutes.
    Minutes(i64),
    /// `7d`: this number of days before today.
    Days(i64),
    /// `6mo`: this number of months before the current one.
    Months(i64),
    /// `month`: the current month.
    Month,
    /// `year`: the current year.
    Year,
    /// `all`: since the site's first event.
    All,
    /// Both days included.
    Dates(Date, Date),
    /// From the first instant to just before the second. A second instant that ends in `:59` means
    /// the end of its minute.
    Instants(Timestamp, Timestamp),
}

/// A range that can't be read or resolved. The text is for the client that asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RangeError(pub String);

/// Days from `first` to `last`.
pub(crate) fn days_between(first: Date, last: Date) -> i64 {
    i64::from(last.since(first).map_or(0, |span| span.get_days()))
}
