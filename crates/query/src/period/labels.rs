//! The labels of a period's buckets, which `include.time_labels` lists.

use jiff::civil::DateTime;
use jiff::{Span, Timestamp, ToSpan, Unit, ZonedDateTime};

use super::{Period, midnight, monday_of};
use crate::bucket::Bucket;
use crate::date_range::RangeError;

/// Most labels that `include.time_labels` lists.
pub const LABELS_MAX: usize = 10_000;

/// The labels of a period's buckets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// In order.
    pub all: Vec<String>,
    /// Labels of buckets that are not over yet or that the period cuts.
    pub partial: Vec<String>,
}

impl Period {
    /// The labels of all buckets in order, and those that are partial at `now`.
    ///
    /// # Errors
    /// More than [`LABELS_MAX`] buckets.
    pub fn labels(&self, bucket: Bucket, now: Timestamp) -> Result<Labels, RangeError> {
        let mut labels = Labels {
            all: Vec::new(),
            partial: Vec::new(),
        };
        let beyond = |_| RangeError("lies beyond the calendar".into());
        let mut at = self.since.clone();
        while at < self.until {
            if labels.all.len() == LABELS_MAX {
                return Err(RangeError(format!(
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
            // By elapsed time: a repeated hour is passed twice, a skipped one not at all.
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
}

fn trunc(unit: Unit) -> jiff::ZonedDateTimeRound {
    jiff::ZonedDateTimeRound::new()
        .smallest(unit)
        .mode(jiff::RoundMode::Trunc)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::date_range::DateRange;

    fn period(range: [&str; 2], zone: &str) -> Period {
        let [first, last] = range.map(|day| day.parse().unwrap());
        let zone = TimeZone::get(zone).unwrap();
        let now = "2026-06-01T00:00:00Z".parse().unwrap();
        Period::resolve(DateRange::Dates(first, last), &zone, now, None).unwrap()
    }

    #[test]
    fn a_day_has_23_hours_in_spring_and_24_labels_for_25_in_autumn() {
        let now = "2026-06-01T00:00:00Z";
        let spring = period(["2025-03-30", "2025-03-30"], "Europe/Berlin");
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

        let autumn = period(["2025-10-26", "2025-10-26"], "Europe/Berlin");
        assert_eq!(autumn.until_s() - autumn.since_s(), 25 * 3600);
        let labels = autumn.labels(Bucket::Hour, now.parse().unwrap()).unwrap();
        assert_eq!(labels.all.len(), 24);
        assert_eq!(labels.partial, Vec::<String>::new());
    }

    #[test]
    fn the_first_week_and_unfinished_buckets_are_partial() {
        let now = "2025-01-16T12:00:00Z"; // a Thursday
        let period = period(["2025-01-01", "2025-01-19"], "UTC");
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
        let week = period(["2025-01-01", "2025-01-06"], "UTC");
        assert_eq!(week.labels(Bucket::Minute, now).unwrap().all.len(), 8_640);
        let more = period(["2025-01-01", "2025-01-07"], "UTC");
        assert!(more.labels(Bucket::Minute, now).is_err());
    }
}
