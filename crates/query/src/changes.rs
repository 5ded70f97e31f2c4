//! Changes: the values of dimensions that contribute most to the difference between two periods.
//!
//! The total is one [`Question`] with a comparison; each breakdown is one [`Question`] per period.
//! Only metrics whose rows add up are allowed. The contributions of one dimension add up to the
//! total; those of different dimensions overlap.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::dimension::{Dimension, EventDimension, VisitDimension};
use crate::metric::Metric;
use crate::period::Period;
use crate::question::{LIMIT_MAX, Question};
use crate::report::Report;
use crate::value::MetricValue;

/// Dimensions whose values can contribute.
pub const DIMENSIONS: [Dimension; 9] = [
    Dimension::Visit(VisitDimension::Channel),
    Dimension::Visit(VisitDimension::Source),
    Dimension::Visit(VisitDimension::UtmCampaign),
    Dimension::Visit(VisitDimension::EntryPage),
    Dimension::Event(EventDimension::Page),
    Dimension::Visit(VisitDimension::Country),
    Dimension::Visit(VisitDimension::Device),
    Dimension::Visit(VisitDimension::Browser),
    Dimension::Visit(VisitDimension::Language),
];
/// Metrics whose changes can be explained.
pub const METRICS: [Metric; 4] = [
    Metric::Visitors,
    Metric::Visits,
    Metric::Pageviews,
    Metric::Events,
];
/// Most contributors of one answer, and the default.
pub const CONTRIBUTORS_MAX: u64 = 100;
pub const CONTRIBUTORS_DEFAULT: u64 = 10;

/// A question about what changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Changes {
    /// The total: one metric, no dimension, with a comparison.
    pub total: Question,
    /// Most contributors.
    pub limit: u64,
}

/// The answer to a question about what changed.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangesReport {
    /// The total in both periods; unknown if it is about too few visitors.
    pub now: MetricValue,
    pub before: MetricValue,
    /// The largest difference first.
    pub contributors: Vec<Contributor>,
    pub period: Period,
    pub comparison_period: Period,
    /// Dimensions with more values than one report holds: their differences are incomplete.
    pub incomplete: Vec<Dimension>,
}

/// A value that contributes to the difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contributor {
    pub dimension: Dimension,
    pub value: String,
    pub now: i64,
    pub before: i64,
}

impl Contributor {
    /// The difference between the periods.
    pub fn difference(&self) -> i64 {
        self.now - self.before
    }
}

impl Changes {
    /// The breakdown of each dimension in both periods, in the order of [`DIMENSIONS`].
    pub fn breakdowns(&self, comparison_period: &Period) -> Vec<Question> {
        let question = |dimension: Dimension, range| {
            let mut question = self.total.clone().by([dimension]);
            question.comparison = None;
            question.range = range;
            question
        };
        let ranges = [self.total.range, comparison_period.to_range()];
        let each = DIMENSIONS
            .into_iter()
            .flat_map(|dimension| ranges.map(|range| question(dimension.clone(), range)));
        each.collect()
    }

    /// The report, made from the reports of the total and of the breakdowns. `None` if one is
    /// missing.
    pub fn report(&self, total: Report, breakdowns: &[Report]) -> Option<ChangesReport> {
        let (comparison_period, _) = total.meta.comparison?;
        // A total about too few visitors has no row.
        let row = total.rows.first();
        let now = row.and_then(|row| row.metrics.first()).cloned();
        let before = row
            .and_then(|row| row.comparison.as_ref())
            .and_then(|compared| compared.metrics.first())
            .cloned();
        let mut contributors = Vec::new();
        let mut incomplete = Vec::new();
        for (dimension, pair) in DIMENSIONS.into_iter().zip(breakdowns.chunks_exact(2)) {
            let [now, before] = pair else {
                return None;
            };
            let (now_of, before_of) = (values(now), values(before));
            // A value that is missing from a list that was cut off is not 0.
            if [&now_of, &before_of]
                .iter()
                .any(|side| side.len() as u64 == LIMIT_MAX)
            {
                incomplete.push(dimension.clone());
            }
            contributors.extend(differences(&dimension, &now_of, &before_of));
        }
        contributors.sort_by_cached_key(|each| {
            let size = each.difference().unsigned_abs();
            (Reverse(size), each.dimension.name(), each.value.clone())
        });
        contributors.truncate(usize::try_from(self.limit).unwrap_or(usize::MAX));
        Some(ChangesReport {
            now: now.unwrap_or(MetricValue::Unknown),
            before: before.unwrap_or(MetricValue::Unknown),
            contributors,
            period: total.period,
            comparison_period,
            incomplete,
        })
    }
}

/// The counts of a report by the value of its one dimension.
fn values(report: &Report) -> HashMap<&str, i64> {
    let rows = report.rows.iter();
    rows.filter_map(|row| {
        let value = row.dimensions.first()?;
        Some((value.as_str(), row.metrics.first()?.as_i64()?))
    })
    .collect()
}

/// The values whose counts differ.
fn differences(
    dimension: &Dimension,
    now: &HashMap<&str, i64>,
    before: &HashMap<&str, i64>,
) -> Vec<Contributor> {
    let vanished = before.keys().filter(|value| !now.contains_key(*value));
    let each = now.keys().chain(vanished).filter_map(|value| {
        let count = |side: &HashMap<&str, i64>| side.get(value).copied().unwrap_or(0);
        let (now, before) = (count(now), count(before));
        (now != before).then(|| Contributor {
            dimension: dimension.clone(),
            value: (*value).to_owned(),
            now,
            before,
        })
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vanished_rows_are_changes_and_equal_rows_are_not() {
        let mut found = differences(
            &Dimension::Visit(VisitDimension::Source),
            &HashMap::from([("a", 5), ("b", 1)]),
            &HashMap::from([("a", 5), ("c", 4)]),
        );
        found.sort_by(|one, other| one.value.cmp(&other.value));
        let differences = found
            .iter()
            .map(|each| (each.value.as_str(), each.difference()));
        assert_eq!(differences.collect::<Vec<_>>(), [("b", 1), ("c", -4)]);
    }
}
