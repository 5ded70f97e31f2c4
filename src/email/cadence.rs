//! Which days a summary covers, and when it is due. Pure. Days are local to the site.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Unit};

use crate::control::subscription::Cadence;

/// Local hour of the site from which a summary of the period before is due: late events have
/// arrived by then.
pub const DUE_HOUR: i8 = 7;

/// Days, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    pub first: Date,
    pub last: Date,
}

impl Cadence {
    /// The latest period that is over on `today`, and the one that it is compared with: a day with
    /// the same weekday of the week before, a week (Monday to Sunday) with the week before, a month
    /// with the month before.
    pub fn periods(self, today: Date) -> (Days, Days) {
        let back = |date: Date, days: i32| date.saturating_sub(days.days());
        match self {
            Self::Day => {
                let day = back(today, 1);
                let before = back(day, 7);
                (
                    Days {
                        first: day,
                        last: day,
                    },
                    Days {
                        first: before,
                        last: before,
                    },
                )
            }
            Self::Week => {
                let monday = back(today, i32::from(today.weekday().since(Weekday::Monday)));
                let week = |weeks: i32| Days {
                    first: back(monday, 7 * weeks),
                    last: back(monday, 7 * weeks - 6),
                };
                (week(1), week(2))
            }
            Self::Month => {
                let this = today.first_of_month();
                let last = back(this, 1);
                let before = back(last.first_of_month(), 1);
                let month = |last: Date| Days {
                    first: last.first_of_month(),
                    last,
                };
                (month(last), month(before))
            }
        }
    }

    /// The period whose summary is due now, if any. `sent` is the last day of the previous summary.
    /// After a downtime only the latest period is sent, not those before it.
    pub fn due(self, now: Timestamp, zone: &TimeZone, sent: Option<Date>) -> Option<Days> {
        let local = now.to_zoned_datetime(zone.clone());
        let (period, _) = self.periods(local.date());
        let day_after = period.last.saturating_add(1.day());
        let is_time = local.date() > day_after || local.hour() >= DUE_HOUR;
        let is_new = sent.is_none_or(|sent| sent < period.last);
        (is_time && is_new).then_some(period)
    }
}

impl Days {
    /// The number of days.
    pub fn count(self) -> i64 {
        self.first
            .until((Unit::Day, self.last))
            .map_or(1, |span| i64::from(span.get_days()) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(first: &str, last: &str) -> Days {
        Days {
            first: first.parse().expect("a date"),
            last: last.parse().expect("a date"),
        }
    }

    #[test]
    fn the_latest_complete_period_is_compared_with_the_one_before() {
        let check = |cadence: Cadence, today: &str, period: Days, before: Days| {
            let today: Date = today.parse().expect("a date");
            assert_eq!(cadence.periods(today), (period, before), "{today}");
        };
        // A Wednesday; the Monday and the Sunday around it; ends of months and years.
        let (day, week, month) = (Cadence::Day, Cadence::Week, Cadence::Month);
        check(
            day,
            "2026-11-25",
            days("2026-11-24", "2026-11-24"),
            days("2026-11-17", "2026-11-17"),
        );
        check(
            day,
            "2026-01-01",
            days("2025-12-31", "2025-12-31"),
            days("2025-12-24", "2025-12-24"),
        );
        for today in ["2026-11-23", "2026-11-25", "2026-11-29"] {
            check(
                week,
                today,
                days("2026-11-16", "2026-11-22"),
                days("2026-11-09", "2026-11-15"),
            );
        }
        check(
            week,
            "2026-11-30",
            days("2026-11-23", "2026-11-29"),
            days("2026-11-16", "2026-11-22"),
        );
        check(
            month,
            "2026-03-31",
            days("2026-02-01", "2026-02-28"),
            days("2026-01-01", "2026-01-31"),
        );
        check(
            month,
            "2026-01-01",
            days("2025-12-01", "2025-12-31"),
            days("2025-11-01", "2025-11-30"),
        );
        assert_eq!(days("2026-02-01", "2026-02-28").count(), 28);
        assert_eq!(days("2026-02-01", "2026-02-01").count(), 1);
    }

    #[test]
    fn a_summary_is_due_once_in_the_morning_and_replaces_missed_ones() {
        let tokyo = TimeZone::get("Asia/Tokyo").expect("known");
        let due = |cadence: Cadence, now: &str, sent: Option<&str>| {
            let sent = sent.map(|date| date.parse().expect("a date"));
            cadence.due(now.parse().expect("an instant"), &tokyo, sent)
        };
        let yesterday = days("2026-11-24", "2026-11-24");
        // 06:59 and 07:00 in Tokyo on the 25th.
        assert_eq!(due(Cadence::Day, "2026-11-24T21:59:00Z", None), None);
        assert_eq!(
            due(Cadence::Day, "2026-11-24T22:00:00Z", None),
            Some(yesterday)
        );
        assert_eq!(
            due(Cadence::Day, "2026-11-24T22:00:00Z", Some("2026-11-23")),
            Some(yesterday)
        );
        assert_eq!(
            due(Cadence::Day, "2026-11-25T14:59:00Z", Some("2026-11-24")),
            None
        );
        // Not run for a week.
        assert_eq!(
            due(Cadence::Day, "2026-11-24T22:00:00Z", Some("2026-11-17")),
            Some(yesterday)
        );
        // On Monday from seven, and on any later day of the week if it was not sent.
        let week = days("2026-11-16", "2026-11-22");
        assert_eq!(
            due(Cadence::Week, "2026-11-22T21:00:00Z", Some("2026-11-15")),
            None
        );
        assert_eq!(
            due(Cadence::Week, "2026-11-22T22:00:00Z", Some("2026-11-15")),
            Some(week)
        );
        assert_eq!(
            due(Cadence::Week, "2026-11-24T16:00:00Z", Some("2026-11-15")),
            Some(week)
        );
        assert_eq!(
            due(Cadence::Week, "2026-11-24T16:00:00Z", Some("2026-11-22")),
            None
        );
    }
}
