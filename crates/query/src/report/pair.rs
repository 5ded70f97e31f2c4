//! Pairs each row with the same row of the period of comparison.

use std::collections::HashMap;

use super::{Compared, Row};
use crate::metric::Metric;
use crate::period::labels::Labels;
use crate::value::MetricValue;

/// The dimension of time of a question, and its labels in both periods.
#[derive(Debug, Clone, Copy)]
pub struct Times<'a> {
    /// Index of the dimension.
    pub index: usize,
    pub labels: &'a Labels,
    pub others: &'a Labels,
}

/// Adds to each row the values of the same row among `others`. `is_cut` says that the other
/// period has more rows than `others`.
pub fn pair(
    rows: &mut [Row],
    metrics: &[Metric],
    others: Vec<Row>,
    times: Option<Times<'_>>,
    is_cut: bool,
) {
    let mut known: HashMap<Vec<Option<String>>, Vec<MetricValue>> = HashMap::new();
    for row in others {
        let dimensions = row.dimensions.into_iter().map(Some);
        known.insert(dimensions.collect(), row.metrics);
    }
    for row in rows {
        let mut dimensions: Vec<_> = row.dimensions.iter().cloned().map(Some).collect();
        // By position: the third day is compared with the third day.
        if let Some(times) = times {
            let label = &row.dimensions[times.index];
            let place = times.labels.all.iter().position(|each| each == label);
            dimensions[times.index] = place.and_then(|place| times.others.all.get(place).cloned());
        }
        let has_no_time = times.is_some_and(|times| dimensions[times.index].is_none());
        let values: Vec<MetricValue> = match known.get(&dimensions) {
            Some(values) => values.clone(),
            None if is_cut || has_no_time => vec![MetricValue::Unknown; metrics.len()],
            None => metrics.iter().map(|metric| metric.nothing()).collect(),
        };
        let change = metrics.iter().zip(&row.metrics).zip(&values);
        let change = change.map(|((metric, now), before)| changed(*metric, now, before));
        row.comparison = Some(Compared {
            change: change.collect(),
            metrics: values,
            dimensions,
        });
    }
}

/// The change of a metric: in percent, or in percentage points if the metric is a share.
fn changed(metric: Metric, now: &MetricValue, before: &MetricValue) -> MetricValue {
    let (Some(now), Some(before)) = (now.as_f64(), before.as_f64()) else {
        return MetricValue::Unknown;
    };
    if metric.is_share() {
        return MetricValue::Fraction(((now - before) * 10.0).round() / 10.0);
    }
    if before == 0.0 {
        // A change from nothing to something has no percentage; the API's contract says 100.
        return MetricValue::Whole(if now == 0.0 { 0 } else { 100 });
    }
    MetricValue::Whole(((now - before) / before.abs() * 100.0).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_percentages_and_for_shares_differences() {
        use MetricValue::{Fraction, Unknown, Whole};
        for (metric, now, before, change) in [
            (Metric::Visitors, Whole(15), Whole(10), Whole(50)),
            (Metric::Visitors, Whole(0), Whole(10), Whole(-100)),
            (Metric::Visitors, Whole(3), Whole(0), Whole(100)),
            (Metric::Visitors, Whole(0), Whole(0), Whole(0)),
            (Metric::BounceRate, Whole(40), Whole(50), Fraction(-10.0)),
            (Metric::TimeOnPage, Unknown, Whole(50), Unknown),
        ] {
            assert_eq!(changed(metric, &now, &before), change);
        }
    }
}
