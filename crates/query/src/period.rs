//! A period: a range resolved in the site's calendar.
//!
//! Invariants: a [`Period`] is `[since, until)` with `since < until`. Days, weeks and months are
//! those of the site's time zone, with daylight saving. Weeks begin on Monday. The clock is an
//! argument.

pub mod labels;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Unit, ZonedDateTime};

use crate::bucket::Bucket;
use crate::date_range::{DAYS_MAX, DateRange, RangeError, days_between};

/// `[since, until)` in the site's time zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Period {
    since: ZonedDateTime,
    until: ZonedDateTime,
}

impl Period {
    /// Resolves a range in the site's zone. `first_event` matters for `all` only.
    ///
    /// # Errors
    /// A range beyond the calendar (the years -9999 to 9999) or before 1970.
    pub fn resolve(
        range: DateRange,
        zone: &TimeZone,
        now: Timestamp,
        first_event: Option<Timestamp>,
    ) -> Result<Self, RangeError> {
        let today = now.to_zoned_datetime(zone.clone()).date();
        let month = today.first_of_month();
        let days = |first: Date, after: Date| Ok((midnight(first, zone)?, midnight(after, zone)?));
        let ends: Result<(ZonedDateTime, ZonedDateTime), jiff::Error> = (|| match range {
            DateRange::Today => days(today, today.tomorrow()?),
            DateRange::LastDay | DateRange::Minutes(_) => {
                let minute = now.to_zoned_datetime(zone.clone()).round(
                    jiff::ZonedDateTimeRound::new()
                        .smallest(Unit::Minute)
                        .mode(jiff::RoundMode::Trunc),
                )?;
                let until = minute.checked_add(1.minute())?;
                let length = match range {
                    DateRange::Minutes(count) => count.minutes(),
                    _ => 24.hours(),
                };
                Ok((until.checked_sub(length)?, until))
            }
            DateRange::Days(count) => days(today.checked_sub(count.days())?, today),
            DateRange::Months(count) => days(month.checked_sub(count.months())?, month),
            DateRange::Month => days(month, month.checked_add(1.month())?),
            DateRange::Year => {
                let year = today.first_of_year();
                days(year, year.checked_add(1.year())?)
            }
            DateRange::All => {
                let first = first_event
                    .map_or(today, |first| first.to_zoned_datetime(zone.clone()).date())
                    .min(today);
                days(
                    first.max(today.checked_sub((DAYS_MAX - 1).days())?),
                    today.tomorrow()?,
                )
            }
            DateRange::Dates(first, last) => days(first, last.tomorrow()?),
            DateRange::Instants(since, until) => {
                let until = if until.as_second().rem_euclid(60) == 59 {
                    until.checked_add(1.second())?
                } else {
                    until
                };
                Ok((
                    since.to_zoned_datetime(zone.clone()),
                    until.to_zoned_datetime(zone.clone()),
                ))
            }
        })();
        let (since, until) = ends.map_err(|_| RangeError("lies beyond the calendar".into()))?;
        // Times are stored as seconds in 32 bits: 1970 to 2106.
        if since.timestamp().as_second() < 0 || until.timestamp().as_second() > i64::from(u32::MAX)
        {
            return Err(RangeError("lies beyond the years 1970 to 2105".into()));
        }
        Ok(Self { since, until })
    }

    /// The site's time zone.
    pub fn zone(&self) -> &TimeZone {
        self.since.time_zone()
    }

    /// The first and the last day of the site that the period touches.
    pub fn dates(&self) -> (Date, Date) {
        (self.since.date(), self.last_date())
    }

    /// The first instant of the period, seconds since 1970.
    pub fn since_s(&self) -> i64 {
        self.since.timestamp().as_second()
    }

    /// The first instant after the period, seconds since 1970.
    pub fn until_s(&self) -> i64 {
        self.until.timestamp().as_second()
    }

    /// The site's day in which the period begins, in days since 1970.
    pub fn first_day(&self) -> i64 {
        days_between(Date::constant(1970, 1, 1), self.since.date())
    }

    /// The site's day after the last that the period touches, in days since 1970.
    pub fn day_after(&self) -> i64 {
        self.first_day() + self.day_count()
    }

    /// The first instant of a day of the site, but not before the period; seconds since 1970.
    pub fn day_start_s(&self, day: i64) -> i64 {
        let date = Date::constant(1970, 1, 1).checked_add(day.days());
        let start = date.and_then(|date| midnight(date, self.since.time_zone()));
        start.map_or(self.since_s(), |start| {
            start.timestamp().as_second().max(self.since_s())
        })
    }

    /// The part of the period before an instant (seconds since 1970), at least one second.
    #[must_use]
    pub fn before(&self, end_s: i64) -> Self {
        let end = Timestamp::from_second(end_s.max(self.since_s() + 1));
        let end = end.map(|end| end.to_zoned_datetime(self.zone().clone()));
        Self {
            since: self.since.clone(),
            until: end.map_or(self.until.clone(), |end| end.min(self.until.clone())),
        }
    }

    /// Whether the period begins with a day of the site.
    pub fn begins_with_a_day(&self) -> bool {
        is_midnight(&self.since)
    }

    /// Whether the period begins and ends with a day of the site.
    pub fn is_whole_days(&self) -> bool {
        is_midnight(&self.since) && is_midnight(&self.until)
    }

    /// The day after the last day that lies wholly in the period, in days since 1970. The period
    /// has to begin with a day.
    pub fn whole_days_end(&self) -> i64 {
        self.day_after() - i64::from(!is_midnight(&self.until))
    }

    /// Whether the whole period lies in one day of the site.
    pub fn is_within_a_day(&self) -> bool {
        self.since.date() == self.last_date()
    }

    /// Number of days of the site that the period touches.
    pub fn day_count(&self) -> i64 {
        days_between(self.since.date(), self.last_date()) + 1
    }

    /// The bucket that suits the length of the period, for the dimension `time`.
    pub fn bucket(&self) -> Bucket {
        match self.day_count() {
            _ if self.until_s() - self.since_s() <= 3_600 => Bucket::Minute,
            ..=2 => Bucket::Hour,
            3..=92 => Bucket::Day,
            _ => Bucket::Month,
        }
    }

    /// The range that resolves to this period: dates where it consists of whole days, because only
    /// whole days can be asked for where small counts are protected.
    pub fn to_range(&self) -> DateRange {
        if self.is_whole_days() {
            let (first, last) = self.dates();
            return DateRange::Dates(first, last);
        }
        let last = self
            .until
            .checked_sub(1.second())
            .unwrap_or_else(|_| self.until.clone());
        DateRange::Instants(self.since.timestamp(), last.timestamp())
    }

    /// First and last second, ISO 8601 in the site's zone.
    pub fn to_iso(&self) -> [String; 2] {
        let iso = |at: &ZonedDateTime| at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
        let last = self
            .until
            .checked_sub(1.second())
            .unwrap_or_else(|_| self.until.clone());
        [iso(&self.since), iso(&last)]
    }

    fn last_date(&self) -> Date {
        self.until
            .checked_sub(1.second())
            .map_or_else(|_| self.until.date(), |last| last.date())
    }
}

fn is_midnight(at: &ZonedDateTime) -> bool {
    at.start_of_day().is_ok_and(|start| start == *at)
}

/// The first instant of a day.
fn midnight(day: Date, zone: &TimeZone) -> Result<ZonedDateTime, jiff::Error> {
    day.to_zoned_datetime(zone.clone())?.start_of_day()
}

fn monday_of(day: Date) -> Result<Date, jiff::Error> {
    day.checked_sub(i64::from(day.weekday().since(Weekday::Monday)).days())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value as Json, json};

    fn resolve(range: Json, zone: &str, now: &str) -> Period {
        let zone = TimeZone::get(zone).unwrap();
        let range = crate::wire::date_range::parse(&range).unwrap();
        Period::resolve(
            range,
            &zone,
            now.parse().unwrap(),
            Some("2024-11-05T10:00:00Z".parse().unwrap()),
        )
        .unwrap()
    }

    #[test]
    fn every_form_begins_and_ends_with_the_sites_days() {
        // 2025-03-30: 20:30 UTC is already the 31st in Tokyo.
        let now = "2025-03-30T20:30:00Z";
        for (range, since, until) in [
            (
                json!("day"),
                "2025-03-31T00:00:00+09:00",
                "2025-03-31T23:59:59+09:00",
            ),
            (
                json!("7d"),
                "2025-03-24T00:00:00+09:00",
                "2025-03-30T23:59:59+09:00",
            ),
            (
                json!("1d"),
                "2025-03-30T00:00:00+09:00",
                "2025-03-30T23:59:59+09:00",
            ),
            (
                json!("1mo"),
                "2025-02-01T00:00:00+09:00",
                "2025-02-28T23:59:59+09:00",
            ),
            (
                json!("12mo"),
                "2024-03-01T00:00:00+09:00",
                "2025-02-28T23:59:59+09:00",
            ),
            (
                json!("month"),
                "2025-03-01T00:00:00+09:00",
                "2025-03-31T23:59:59+09:00",
            ),
            (
                json!("year"),
                "2025-01-01T00:00:00+09:00",
                "2025-12-31T23:59:59+09:00",
            ),
            (
                json!("all"),
                "2024-11-05T00:00:00+09:00",
                "2025-03-31T23:59:59+09:00",
            ),
            (
                json!("24h"),
                "2025-03-30T05:31:00+09:00",
                "2025-03-31T05:30:59+09:00",
            ),
            (
                json!(["2024-02-28", "2024-03-01"]),
                "2024-02-28T00:00:00+09:00",
                "2024-03-01T23:59:59+09:00",
            ),
            (
                json!(["2025-01-01T00:00:00Z", "2025-01-01T11:59:59Z"]),
                "2025-01-01T09:00:00+09:00",
                "2025-01-01T20:59:59+09:00",
            ),
        ] {
            assert_eq!(
                resolve(range.clone(), "Asia/Tokyo", now).to_iso(),
                [since, until],
                "{range}"
            );
        }
    }

    #[test]
    fn a_day_whose_midnight_does_not_exist_begins_at_one() {
        // Beirut moves its clock at midnight.
        let period = resolve(
            json!(["2025-03-30", "2025-03-30"]),
            "Asia/Beirut",
            "2026-01-01T00:00:00Z",
        );
        assert_eq!(period.to_iso()[0], "2025-03-30T01:00:00+03:00");
        assert!(period.is_whole_days());
        assert_eq!(
            period
                .labels(Bucket::Hour, "2026-01-01T00:00:00Z".parse().unwrap())
                .unwrap()
                .all
                .len(),
            23
        );
    }

    #[test]
    fn whole_days_are_recognised() {
        let now = "2025-06-01T00:00:00Z";
        assert!(resolve(json!("7d"), "America/New_York", now).is_whole_days());
        assert!(!resolve(json!("24h"), "America/New_York", now).is_whole_days());
        let tokyo_day = json!(["2025-01-01T15:00:00Z", "2025-01-02T15:00:00Z"]);
        assert!(resolve(tokyo_day.clone(), "Asia/Tokyo", now).is_whole_days());
        assert!(resolve(tokyo_day.clone(), "Asia/Tokyo", now).is_within_a_day());
        assert!(!resolve(tokyo_day, "UTC", now).is_whole_days());
    }

    #[test]
    fn a_period_of_whole_days_is_a_range_of_dates() {
        let now = "2026-12-01T00:00:00Z";
        let range = |range: Json| resolve(range, "Asia/Tokyo", now).to_range();
        assert_eq!(
            range(json!([
                "2026-11-01T00:00:00+09:00",
                "2026-11-24T23:59:59+09:00"
            ])),
            DateRange::Dates(Date::constant(2026, 11, 1), Date::constant(2026, 11, 24))
        );
        let instants = json!(["2026-11-01T00:00:00+09:00", "2026-11-24T11:59:59+09:00"]);
        assert_eq!(
            range(instants.clone()),
            crate::wire::date_range::parse(&instants).unwrap()
        );
    }
}
