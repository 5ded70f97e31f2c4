//! Coverage: which days of a site are rolled up.

use crate::bucket::Bucket;
use crate::sql::{Sql, Value};

/// The days of a site that are rolled up, in days since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Ascending, each once.
    days: Vec<i64>,
    /// For each day: the version whose rows count.
    versions: Vec<i64>,
    /// The days whose visits are stored, ascending, each once.
    visit_days: Vec<i64>,
    /// First day whose events have their ids, where those of earlier days are cleared.
    cleared_before: Option<i64>,
}

impl Coverage {
    /// Coverage by days, ascending, each once: the day, whether its visits are stored, and the
    /// version whose rows count.
    pub fn new(days: &[(i64, bool, i64)], cleared_before: Option<i64>) -> Self {
        let with_visits = days.iter().filter(|(_, has_visits, _)| *has_visits);
        Self {
            days: days.iter().map(|(day, ..)| *day).collect(),
            versions: days.iter().map(|(.., version)| *version).collect(),
            visit_days: with_visits.map(|(day, ..)| *day).collect(),
            cleared_before,
        }
    }

    /// The slots `days` and `versions` of a statement over `[first_day, day_after)`: which version
    /// counts for which day. They are bound as values: a subquery in each statement took a third of
    /// the time of a short answer.
    pub fn current(&self, (first_day, day_after): (i64, i64)) -> [(&'static str, Sql); 2] {
        let within = self
            .days
            .iter()
            .zip(&self.versions)
            .filter(|(day, _)| (first_day..day_after).contains(*day));
        // One pair that matches no row, because an empty list has no element type.
        let pairs = within.map(|(day, version)| (*day, *version));
        let (days, versions): (Vec<i64>, Vec<i64>) = [(-1, 0)].into_iter().chain(pairs).unzip();
        [("days", days), ("versions", versions)]
            .map(|(slot, numbers)| (slot, Value::Numbers(numbers).into()))
    }

    /// The end of the days from `first_day` on that the roll-ups hold without a gap, at most
    /// `day_after`; `None` if they do not hold the first.
    pub fn until(&self, first_day: i64, day_after: i64) -> Option<i64> {
        self.run(&self.days, first_day, day_after)
    }

    /// The same for stored visits.
    pub fn visits_until(&self, first_day: i64, day_after: i64) -> Option<i64> {
        self.run(&self.visit_days, first_day, day_after)
    }

    /// First day whose events have their ids, if those of `from` are cleared.
    pub fn blind_until(&self, from: i64) -> Option<i64> {
        self.cleared_before.filter(|first| from < *first)
    }

    /// Roll-ups begin with the first day that has events. The days before it count as rolled up,
    /// because they have no events.
    fn run(&self, days: &[i64], first_day: i64, day_after: i64) -> Option<i64> {
        let begin = (*self.days.first()?).max(first_day);
        let index = days.binary_search(&begin).ok()?;
        let row = days[index..]
            .iter()
            .zip(begin..)
            .take_while(|(day, expected)| **day == *expected);
        let until = (begin + row.count() as i64).min(day_after);
        (until > first_day).then_some(until)
    }
}

/// The bucket of a stored row, whose day is in column `day`.
pub fn bucket_of_day(bucket: Bucket, day: &'static str, first_day: i64) -> Sql {
    match bucket {
        Bucket::Week => Sql::text("greatest(toMonday(")
            .then(day)
            .then("), toDate(")
            .then(Value::Number(first_day))
            .then("))"),
        Bucket::Month => Sql::text("toStartOfMonth(").then(day).then(")"),
        // Buckets shorter than a day are never planned on rows by day.
        Bucket::Day | Bucket::Hour | Bucket::Minute => day.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_as_rolled_up_only_without_a_gap() {
        let coverage = Coverage::new(
            &[(10, false, 1), (11, true, 1), (12, true, 2), (14, true, 1)],
            Some(12),
        );
        assert_eq!(coverage.visits_until(11, 20), Some(13));
        assert_eq!(
            coverage.visits_until(10, 20),
            None,
            "the first day is rolled up without"
        );
        assert_eq!(coverage.visits_until(9, 20), None);
        assert_eq!(coverage.blind_until(11), Some(12));
        assert_eq!(coverage.blind_until(12), None);
        assert_eq!(coverage.until(10, 12), Some(12));
        assert_eq!(coverage.until(11, 20), Some(13));
        assert_eq!(coverage.until(13, 20), None);
        assert_eq!(coverage.until(14, 20), Some(15));
        assert_eq!(coverage.until(15, 20), None);
        // Before the first event there is nothing to count.
        assert_eq!(coverage.until(5, 12), Some(12));
        assert_eq!(coverage.until(5, 8), Some(8));
        assert_eq!(Coverage::default().until(5, 8), None);
    }

    #[test]
    fn a_statement_binds_the_versions_of_its_days_only() {
        let coverage = Coverage::new(&[(10, true, 7), (11, true, 8), (12, true, 9)], None);
        let numbers = |numbers: [i64; 3]| Sql::value(Value::Numbers(numbers.to_vec()));
        assert_eq!(
            coverage.current((10, 12)),
            [
                ("days", numbers([-1, 10, 11])),
                ("versions", numbers([0, 7, 8]))
            ]
        );
    }
}
