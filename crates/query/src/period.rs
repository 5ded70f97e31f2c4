//! From a `date_range` to two instants.
//!
//! Duty: resolve the forms of the contract in the site's own time zone, daylight saving included,
//! and name the buckets of a period. Pure: the clock is an argument. Invariants: a [`Period`] is
//! `[since, until)` with `since < until`; days, weeks and months are the site's, never UTC's; weeks
//! begin on Monday.
//!
//! `Nd` and `Nmo` end before today and before this month, because a period that is not over can't
//! be compared with one that is; `day`, `month` and `year` contain now and run to their end.

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan, Unit, ZonedDateTime};
use serde_json::Value as Json;

use crate::dimension::Bucket;

/// Longest period, days.
pub const DAYS_MAX: i64 = 5_000;
/// Longest `Nmo`.
pub const MONTHS_MAX: i64 = 100;
/// Most labels that `include.time_labels` lists.
pub const LABELS_MAX: usize = 10_000;

/// A `date_range` as it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateRange {
    /// `day`: today.
    Today,
    /// `24h`: the last 24 hours, to the minute.
    LastDay,
    /// `30m` and `realtime`: the last 30 and the last 5 minutes.
    Minutes(i64),
    /// `7d`: so many days before today.
    Days(i64),
    /// `6mo`: so many months before this one.
    Months(i64),
    /// `month`: this month.
    Month,
    /// `year`: this year.
    Year,
    /// `all`: since the site's first event.
    All,
    /// Both days included.
    Dates(Date, Date),
    /// From the first to just before the second; a second that ends in `:59` closes its minute.
    Instants(Timestamp, Timestamp),
}

/// `[since, until)`, and what the site's calendar says about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Period {
    since: ZonedDateTime,
    until: ZonedDateTime,
}

/// A range that can't be read or resolved. The text is for the asker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RangeFault(pub String);

/// How long ago somebody may have been seen to count as here, minutes.
pub const LIVE_MINUTES: i64 = 5;

const FORMS: &str = "use \"day\", \"24h\", \"30m\", \"realtime\", \"7d\", \"28d\", \"30d\", \"91d\" or any \"Nd\" (1 to 5000), \"Nmo\" (1 to 100), \
     \"month\", \"year\", \"all\", [date, date] or [datetime, datetime] with an offset from UTC";

impl DateRange {
    /// Reads every form of the contract.
    ///
    /// # Errors
    /// Any other form, counts out of bounds, days or instants in the wrong order, more than
    /// [`DAYS_MAX`] days.
    pub fn parse(value: &Json) -> Result<Self, RangeFault> {
        match value {
            Json::String(name) => Self::parse_name(name),
            Json::Array(ends) => match ends.as_slice() {
                [Json::String(first), Json::String(last)] => Self::parse_ends(first, last),
                _ => Err(RangeFault(format!("not a date range; {FORMS}"))),
            },
            _ => Err(RangeFault(format!("not a date range; {FORMS}"))),
        }
    }

    fn parse_name(name: &str) -> Result<Self, RangeFault> {
        let count = |digits: &str, max: i64| -> Option<i64> {
            let plain = !digits.is_empty()
                && digits.len() <= 4
                && digits.bytes().all(|byte| byte.is_ascii_digit());
            let count = if plain {
                digits.parse().ok()?
            } else {
                return None;
            };
            (1..=max).contains(&count).then_some(count)
        };
        let range = match name {
            "day" => Some(Self::Today),
            "24h" => Some(Self::LastDay),
            "30m" => Some(Self::Minutes(30)),
            "realtime" => Some(Self::Minutes(LIVE_MINUTES)),
            "month" => Some(Self::Month),
            "year" => Some(Self::Year),
            "all" => Some(Self::All),
            _ => {
                if let Some(digits) = name.strip_suffix("mo") {
                    count(digits, MONTHS_MAX).map(Self::Months)
                } else {
                    name.strip_suffix('d')
                        .and_then(|digits| count(digits, DAYS_MAX))
                        .map(Self::Days)
                }
            }
        };
        range.ok_or_else(|| RangeFault(format!("not a date range; {FORMS}")))
    }

    fn parse_ends(first: &str, last: &str) -> Result<Self, RangeFault> {
        let is_date = |text: &str| text.len() == 10;
        if is_date(first) && is_date(last) {
            let date = |text: &str| {
                text.parse::<Date>()
                    .map_err(|_| RangeFault("a date is written YYYY-MM-DD and has to exist".into()))
            };
            let (first, last) = (date(first)?, date(last)?);
            if first > last {
                return Err(RangeFault("the first date lies after the second".into()));
            }
            if days_between(first, last) >= DAYS_MAX {
                return Err(RangeFault(format!("longer than {DAYS_MAX} days")));
            }
            return Ok(Self::Dates(first, last));
        }
        let instant = |text: &str| {
            text.parse::<Timestamp>().map_err(|_| {
                RangeFault(
                    "a datetime is written YYYY-MM-DDThh:mm:ss with an offset, such as Z or +09:00"
                        .into(),
                )
            })
        };
        let (first, last) = (instant(first)?, instant(last)?);
        if first >= last {
            return Err(RangeFault(
                "the first datetime does not lie before the second".into(),
            ));
        }
        if last.duration_since(first).as_secs() > DAYS_MAX * 86_400 {
            return Err(RangeFault(format!("longer than {DAYS_MAX} days")));
        }
        Ok(Self::Instants(first, last))
    }
}

impl Period {
    /// Resolves a range in the site's zone. `first_event` is only looked at for `all`.
    ///
    /// # Errors
    /// A range beyond the calendar (the years -9999 to 9999) or before 1970.
    pub fn resolve(
        range: DateRange,
        zone: &TimeZone,
        now: Timestamp,
        first_event: Option<Timestamp>,
    ) -> Result<Self, RangeFault> {
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
        let (since, until) = ends.map_err(|_| RangeFault("lies beyond the calendar".into()))?;
        // Times are stored as seconds in 32 bits: 1970 to 2106.
        if since.timestamp().as_second() < 0 || until.timestamp().as_second() > i64::from(u32::MAX)
        {
            return Err(RangeFault("lies beyond the years 1970 to 2105".into()));
        }
        Ok(Self { since, until })
    }

    /// The site's time zone.
    pub fn zone(&self) -> &TimeZone {
        self.since.time_zone()
    }

    /// The first and the last day of the site that it touches.
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

    /// The first instant of a day of the site, seconds since 1970, but not before the period.
    pub fn day_start_s(&self, day: i64) -> i64 {
        let date = Date::constant(1970, 1, 1).checked_add(day.days());
        let start = date.and_then(|date| midnight(date, self.since.time_zone()));
        start.map_or(self.since_s(), |start| {
            start.timestamp().as_second().max(self.since_s())
        })
    }

    /// As much of it as lies before an instant, seconds since 1970; at least a second of it.
    #[must_use]
    pub fn before(&self, end_s: i64) -> Self {
        let end = Timestamp::from_second(end_s.max(self.since_s() + 1));
        let end = end.map(|end| end.to_zoned_datetime(self.zone().clone()));
        Self {
            since: self.since.clone(),
            until: end.map_or(self.until.clone(), |end| end.min(self.until.clone())),
        }
    }

    /// Whether it begins with a day of the site.
    pub fn begins_with_a_day(&self) -> bool {
        is_midnight(&self.since)
    }

    /// Whether it begins and ends with a day of the site.
    pub fn is_whole_days(&self) -> bool {
        is_midnight(&self.since) && is_midnight(&self.until)
    }

    /// The site's day after the last that lies wholly in a period that begins with a day, in days
    /// since 1970.
    pub fn whole_days_end(&self) -> i64 {
        self.day_after() - i64::from(!is_midnight(&self.until))
    }

    /// Whether all of it lies in one day of the site.
    pub fn is_within_a_day(&self) -> bool {
        self.since.date() == self.last_date()
    }

    /// How many days of the site it touches.
    pub fn day_count(&self) -> i64 {
        days_between(self.since.date(), self.last_date()) + 1
    }

    /// The bucket that suits its length, for the dimension `time`.
    pub fn bucket(&self) -> Bucket {
        match self.day_count() {
            _ if self.until_s() - self.since_s() <= 3_600 => Bucket::Minute,
            ..=2 => Bucket::Hour,
            3..=92 => Bucket::Day,
            _ => Bucket::Month,
        }
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

    /// The labels of all buckets in order, and how many of the last ones are not over at `now`.
    ///
    /// # Errors
    /// More than [`LABELS_MAX`] buckets.
    pub fn labels(&self, bucket: Bucket, now: Timestamp) -> Result<Labels, RangeFault> {
        let mut labels = Labels {
            all: Vec::new(),
            partial: Vec::new(),
        };
        let beyond = |_| RangeFault("lies beyond the calendar".into());
        let mut at = self.since.clone();
        while at < self.until {
            if labels.all.len() == LABELS_MAX {
                return Err(RangeFault(format!(
                    "more than {LABELS_MAX} time labels; use a longer bucket"
                )));
            }
            let (start, label) = self.bucket_of(bucket, &at).map_err(beyond)?;
            let next = self.bucket_after(bucket, &at).map_err(beyond)?;
            // An hour that the clock repeats is one bucket.
            if labels.all.last() != Some(&label) {
                labels.all.push(label.clone());
                let is_cut = start < self.since || next > self.until;
                if is_cut || next.timestamp() > now {
                    labels.partial.push(label);
                }
            }
            at = next;
        }
        Ok(labels)
    }

    /// The beginning of the bucket that holds `at`, and its label.
    fn bucket_of(
        &self,
        bucket: Bucket,
        at: &ZonedDateTime,
    ) -> Result<(ZonedDateTime, String), jiff::Error> {
        let wall = at.datetime();
        let text = |wall: DateTime| wall.strftime("%Y-%m-%d %H:%M:%S").to_string();
        let zone = at.time_zone();
        match bucket {
            Bucket::Minute | Bucket::Hour => {
                let unit = if bucket == Bucket::Hour {
                    Unit::Hour
                } else {
                    Unit::Minute
                };
                let rounding = jiff::civil::DateTimeRound::new()
                    .smallest(unit)
                    .mode(jiff::RoundMode::Trunc);
                let start = wall.round(rounding)?;
                Ok((start.to_zoned_datetime(zone.clone())?, text(start)))
            }
            Bucket::Day => Ok((midnight(wall.date(), zone)?, wall.date().to_string())),
            Bucket::Week => {
                let monday = monday_of(wall.date())?;
                Ok((
                    midnight(monday, zone)?,
                    monday.max(self.since.date()).to_string(),
                ))
            }
            Bucket::Month => {
                let first = wall.date().first_of_month();
                Ok((midnight(first, zone)?, first.to_string()))
            }
        }
    }

    /// The beginning of the bucket after the one that holds `at`. Never before or at `at`.
    fn bucket_after(
        &self,
        bucket: Bucket,
        at: &ZonedDateTime,
    ) -> Result<ZonedDateTime, jiff::Error> {
        let (start, _) = self.bucket_of(bucket, at)?;
        let date = at.date();
        let zone = at.time_zone();
        match bucket {
            // By elapsed time, so that a repeated hour is walked through and a skipped one is not
            // met.
            Bucket::Minute => at.round(trunc(Unit::Minute))?.checked_add(1.minute()),
            Bucket::Hour => {
                let next = start.checked_add(Span::new().hours(1))?;
                if next > *at {
                    Ok(next)
                } else {
                    next.checked_add(1.hour())
                }
            }
            Bucket::Day => midnight(date.tomorrow()?, zone),
            Bucket::Week => midnight(monday_of(date)?.checked_add(7.days())?, zone),
            Bucket::Month => midnight(date.first_of_month().checked_add(1.month())?, zone),
        }
    }

    fn last_date(&self) -> Date {
        self.until
            .checked_sub(1.second())
            .map_or_else(|_| self.until.date(), |last| last.date())
    }
}

/// The labels of a period's buckets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// In order.
    pub all: Vec<String>,
    /// Those that are not over yet or that the period cuts.
    pub partial: Vec<String>,
}

fn trunc(unit: Unit) -> jiff::ZonedDateTimeRound {
    jiff::ZonedDateTimeRound::new()
        .smallest(unit)
        .mode(jiff::RoundMode::Trunc)
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

fn days_between(first: Date, last: Date) -> i64 {
    i64::from(last.since(first).map_or(0, |span| span.get_days()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn resolve(range: Json, zone: &str, now: &str) -> Period {
        let zone = TimeZone::get(zone).unwrap();
        let range = DateRange::parse(&range).unwrap();
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
    fn other_forms_are_refused() {
        for range in [
            json!("0d"),
            json!("5001d"),
            json!("101mo"),
            json!("0mo"),
            json!("-1d"),
            json!("+7d"),
            json!("7 d"),
            json!("d"),
            json!("00007d"),
            json!("today"),
            json!("7D"),
            json!(""),
            json!(7),
            json!(null),
            json!({}),
            json!([]),
            json!(["2024-01-01"]),
            json!(["2024-01-02", "2024-01-01"]),
            json!(["2023-02-29", "2024-01-01"]),
            json!(["2000-01-01", "2024-01-01"]),
            json!(["2024-01-01", "2024-01-02T00:00:00Z"]),
            json!(["2024-01-01T00:00:00", "2024-01-02T00:00:00"]),
            json!([1, 2]),
            json!(["٢d", "x"]),
        ] {
            assert!(DateRange::parse(&range).is_err(), "{range}");
        }
        for range in ["1d", "5000d", "100mo"] {
            assert!(DateRange::parse(&json!(range)).is_ok(), "{range}");
        }
    }

    #[test]
    fn a_day_has_23_hours_in_spring_and_24_labels_for_25_in_autumn() {
        let now = "2026-06-01T00:00:00Z";
        let spring = resolve(json!(["2025-03-30", "2025-03-30"]), "Europe/Berlin", now);
        assert_eq!(spring.until_s() - spring.since_s(), 23 * 3600);
        let labels = spring
            .labels(Bucket::Hour, now.parse().unwrap())
            .unwrap()
            .all;
        assert_eq!(labels.len(), 23);
        assert_eq!(
            &labels[1..3],
            ["2025-03-30 01:00:00", "2025-03-30 03:00:00"]
        );

        let autumn = resolve(json!(["2025-10-26", "2025-10-26"]), "Europe/Berlin", now);
        assert_eq!(autumn.until_s() - autumn.since_s(), 25 * 3600);
        let labels = autumn.labels(Bucket::Hour, now.parse().unwrap()).unwrap();
        assert_eq!(labels.all.len(), 24);
        assert_eq!(labels.partial, Vec::<String>::new());
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
    fn the_first_week_and_unfinished_buckets_are_partial() {
        let now = "2025-01-16T12:00:00Z"; // a Thursday
        let period = resolve(json!(["2025-01-01", "2025-01-19"]), "UTC", now);
        let labels = period.labels(Bucket::Week, now.parse().unwrap()).unwrap();
        assert_eq!(labels.all, ["2025-01-01", "2025-01-06", "2025-01-13"]);
        assert_eq!(labels.partial, ["2025-01-01", "2025-01-13"]);
        let days = period.labels(Bucket::Day, now.parse().unwrap()).unwrap();
        assert_eq!(
            days.partial,
            ["2025-01-16", "2025-01-17", "2025-01-18", "2025-01-19"]
        );
        let months = period.labels(Bucket::Month, now.parse().unwrap()).unwrap();
        assert_eq!(
            (months.all, months.partial),
            (vec!["2025-01-01".to_owned()], vec!["2025-01-01".to_owned()])
        );
    }

    #[test]
    fn labels_are_bounded() {
        let now = "2025-06-01T00:00:00Z".parse().unwrap();
        let week = resolve(
            json!(["2025-01-01", "2025-01-06"]),
            "UTC",
            "2025-06-01T00:00:00Z",
        );
        assert_eq!(week.labels(Bucket::Minute, now).unwrap().all.len(), 8_640);
        let more = resolve(
            json!(["2025-01-01", "2025-01-07"]),
            "UTC",
            "2025-06-01T00:00:00Z",
        );
        assert!(more.labels(Bucket::Minute, now).is_err());
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
}
