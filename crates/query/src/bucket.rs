//! Buckets of time: minutes to months of the site's local time.

use jiff::civil::Date;

use crate::sql::{Sql, Value};

/// A stretch of the site's local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Bucket {
    Minute,
    Hour,
    Day,
    /// Monday to Sunday; the first one begins with the period.
    Week,
    Month,
}

impl Bucket {
    /// The bucket's beginning on the site's wall clock. Hours and minutes are wall-clock ones: on
    /// the day on which the clock goes back, one hour lasts two, and no two buckets of an answer
    /// have the same label.
    pub fn expression(self, zone: &Sql, first_day: i64) -> Sql {
        let day = || Sql::text("toDate(time, ").then(zone.clone()).then(")");
        let wall = || {
            Sql::text("toDateTime(toUnixTimestamp(time) + timeZoneOffset(toTimeZone(time, ")
                .then(zone.clone())
                .then(")), 'UTC')")
        };
        match self {
            Bucket::Minute => Sql::text("toStartOfMinute(").then(wall()).then(")"),
            Bucket::Hour => Sql::text("toStartOfHour(").then(wall()).then(")"),
            Bucket::Day => day(),
            Bucket::Week => Sql::text("greatest(toMonday(")
                .then(day())
                .then("), toDate(")
                .then(Value::Number(first_day))
                .then("))"),
            Bucket::Month => Sql::text("toStartOfMonth(").then(day()).then(")"),
        }
    }

    /// Last day of the bucket that contains `day`.
    pub fn last_day(self, day: Date) -> Date {
        match self {
            Bucket::Minute | Bucket::Hour | Bucket::Day => day,
            Bucket::Week => {
                let left = 6 - day.weekday().to_monday_zero_offset();
                day.saturating_add(jiff::ToSpan::days(i64::from(left)))
            }
            Bucket::Month => day.last_of_month(),
        }
    }

    /// First day, in days since 1970, of the part of the row's bucket that is in the period; for
    /// the buckets of a day and longer.
    pub fn first_day_expression(self, zone: &Sql, first_day: i64) -> Sql {
        Sql::text("greatest(toInt32(toDate(")
            .then(self.expression(zone, first_day))
            .then(")), ")
            .then(Value::Number(first_day))
            .then(")")
    }

    /// Whether it is shorter than a day.
    pub fn is_within_a_day(self) -> bool {
        self < Bucket::Day
    }
}
