//! The comparison of a question: the period with which each row is compared.
//!
//! A period that is not over is compared with an equal length: the days that have begun, today
//! included. The report's `meta` says that the period is not over.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use crate::date_range::{DateRange, RangeError};
use crate::period::Period;

/// Which period each row is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comparison {
    pub with: With,
    /// Begin on the same day of the week: the start moves by at most three days, and by a week more
    /// where the periods would overlap.
    pub match_weekday: bool,
}

/// The other period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum With {
    /// The same number of days (or the same time) directly before.
    Previous,
    /// The same dates a year before.
    Year,
    /// A range of its own.
    Custom(DateRange),
}

impl Comparison {
    /// Resolves the period with which `period` is compared.
    ///
    /// # Errors
    /// A period beyond the calendar.
    pub fn resolve(&self, period: &Period, now: Timestamp) -> Result<Period, RangeError> {
        let beyond = |_| RangeError("lies beyond the calendar".into());
        let range = if period.is_whole_days() {
            self.dates(period, now).map_err(beyond)?
        } else {
            self.instants(period).map_err(beyond)?
        };
        Period::resolve(range, period.zone(), now, None)
    }

    fn dates(&self, period: &Period, now: Timestamp) -> Result<DateRange, jiff::Error> {
        let (first, last) = period.dates();
        let today = now.to_zoned_datetime(period.zone().clone()).date();
        // Days of the future are not compared.
        let last = if first <= today {
            last.min(today)
        } else {
            last
        };
        let days = last.since(first)?.get_days();
        let (mut from, mut to) = match self.with {
            With::Previous => (
                first.checked_sub((days + 1).days())?,
                first.checked_sub(1.day())?,
            ),
            With::Year => (first.checked_sub(1.year())?, last.checked_sub(1.year())?),
            With::Custom(DateRange::Dates(from, to)) => (from, to),
            With::Custom(other) => return Ok(other),
        };
        if self.match_weekday {
            let move_by = nearest(from, first);
            (from, to) = (
                from.checked_add(move_by.days())?,
                to.checked_add(move_by.days())?,
            );
            if self.with == With::Previous && to >= first {
                (from, to) = (from.checked_sub(7.days())?, to.checked_sub(7.days())?);
            }
            // The same length, even with a 29 February in between.
            if self.with == With::Year {
                to = from.checked_add(days.days())?;
            }
        }
        Ok(DateRange::Dates(from, to))
    }

    fn instants(&self, period: &Period) -> Result<DateRange, jiff::Error> {
        let length = period.until_s() - period.since_s();
        let ends = |since: i64, until: i64| -> Result<DateRange, jiff::Error> {
            Ok(DateRange::Instants(
                Timestamp::from_second(since)?,
                Timestamp::from_second(until)?,
            ))
        };
        const WEEK_S: i64 = 7 * 86_400;
        match (self.with, self.match_weekday) {
            (With::Previous, false) => ends(period.since_s() - length, period.since_s()),
            (With::Previous, true) => {
                let back = (length + WEEK_S - 1) / WEEK_S * WEEK_S;
                ends(period.since_s() - back, period.until_s() - back)
            }
            (With::Year, true) => {
                let back = 52 * WEEK_S;
                ends(period.since_s() - back, period.until_s() - back)
            }
            (With::Year, false) => {
                let since = Timestamp::from_second(period.since_s())?
                    .to_zoned_datetime(period.zone().clone())
                    .checked_sub(1.year())?
                    .timestamp()
                    .as_second();
                ends(since, since + length)
            }
            (With::Custom(range), _) => Ok(range),
        }
    }
}

/// The shift in days, -3 to 3, that moves `from` to the weekday of `like`.
fn nearest(from: Date, like: Date) -> i32 {
    let number = |day: Date| i32::from(day.weekday().to_monday_zero_offset());
    let ahead = (number(like) - number(from)).rem_euclid(7);
    if ahead > 3 { ahead - 7 } else { ahead }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::wire;

    const NOW: &str = "2025-03-13T12:00:00Z";

    fn compared(range: Json, comparison: Json) -> [String; 2] {
        let now = NOW.parse().unwrap();
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let range = wire::date_range::parse(&range).unwrap();
        let period = Period::resolve(range, &zone, now, None).unwrap();
        let comparison = wire::comparison::parse(&comparison, "#").unwrap();
        comparison
            .resolve(&period, now)
            .unwrap()
            .to_iso()
            .map(|end| end[..16].to_owned())
    }

    #[test]
    fn periods_are_compared_with_those_the_calendar_says() {
        let previous = json!({"mode": "previous_period"});
        let weekday = json!({"mode": "previous_period", "match_day_of_week": true});
        let year = json!({"mode": "year_over_year"});
        let year_weekday = json!({"mode": "year_over_year", "match_day_of_week": true});
        let custom = json!({"mode": "custom", "date_range": ["2024-12-01", "2024-12-05"]});
        let dates = |from, to| json!([from, to]);
        for (range, comparison, from, to) in [
            (
                json!("7d"),
                &previous,
                "2025-02-27T00:00",
                "2025-03-05T23:59",
            ),
            (
                json!("day"),
                &previous,
                "2025-03-12T00:00",
                "2025-03-12T23:59",
            ),
            (
                json!("day"),
                &weekday,
                "2025-03-06T00:00",
                "2025-03-06T23:59",
            ),
            // Thirteen days of March have begun, so thirteen days before them.
            (
                json!("month"),
                &previous,
                "2025-02-16T00:00",
                "2025-02-28T23:59",
            ),
            (
                json!("month"),
                &year,
                "2024-03-01T00:00",
                "2024-03-13T23:59",
            ),
            (
                json!("28d"),
                &weekday,
                "2025-01-16T00:00",
                "2025-02-12T23:59",
            ),
            // 30 days from Tuesday 11 February; 12 January is a Sunday, 14 January the nearest
            // Tuesday but one that would overlap, 7 January does not.
            (
                json!("30d"),
                &weekday,
                "2025-01-07T00:00",
                "2025-02-05T23:59",
            ),
            // 3 March 2025 is a Monday, 3 March 2024 a Sunday.
            (
                dates("2025-03-03", "2025-03-09"),
                &year_weekday,
                "2024-03-04T00:00",
                "2024-03-10T23:59",
            ),
            (
                dates("2024-02-29", "2024-02-29"),
                &year,
                "2023-02-28T00:00",
                "2023-02-28T23:59",
            ),
            (json!("7d"), &custom, "2024-12-01T00:00", "2024-12-05T23:59"),
            (
                json!("24h"),
                &previous,
                "2025-03-11T13:01",
                "2025-03-12T13:00",
            ),
            (
                json!("30m"),
                &previous,
                "2025-03-13T12:01",
                "2025-03-13T12:30",
            ),
        ] {
            assert_eq!(
                compared(range.clone(), comparison.clone()),
                [from, to],
                "{range} {comparison}"
            );
        }
    }
}
