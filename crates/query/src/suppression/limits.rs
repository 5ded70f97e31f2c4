//! Questions that can't be answered where small counts are protected.

use super::conjunction;
use super::neighbours::neighbours;
use crate::bucket::Bucket;
use crate::comparison::With;
use crate::date_range::DateRange;
use crate::dimension::{Dimension, EventDimension};
use crate::error::QueryError;
use crate::question::{AskedDimension, Question};

/// Most conditions and values of lists in the filters of one question; each costs a scan.
pub const NEIGHBOURS_MAX: usize = 12;

/// Refuses questions for which the floor can't be guaranteed.
///
/// # Errors
/// A period that does not consist of whole days of the site, buckets shorter than an hour, click
/// cells, filters with more than [`NEIGHBOURS_MAX`] conditions and values.
pub fn refuse(question: &Question) -> Result<(), QueryError> {
    if matches!(
        question.range,
        DateRange::Instants(..) | DateRange::LastDay | DateRange::Minutes(_)
    ) {
        return Err(QueryError::invalid(
            "#/date_range",
            "only whole days can be asked for here: small counts are protected",
        ));
    }
    let is_short = |dimension: &AskedDimension| {
        matches!(
            dimension,
            AskedDimension::Named(Dimension::Time(Bucket::Minute))
        )
    };
    if let Some(index) = question.dimensions.iter().position(is_short) {
        return Err(QueryError::invalid(
            format!("#/dimensions/{index}"),
            "no bucket below an hour can be asked for here: small counts are protected",
        ));
    }
    let is_cell = |dimension: &AskedDimension| {
        matches!(
            dimension,
            AskedDimension::Named(Dimension::Event(EventDimension::ClickCell))
        )
    };
    if let Some(index) = question.dimensions.iter().position(is_cell) {
        return Err(QueryError::invalid(
            format!("#/dimensions/{index}"),
            "single clicks can't be asked for here: small counts are protected",
        ));
    }
    let custom = question.comparison.map(|comparison| comparison.with);
    if matches!(custom, Some(With::Custom(DateRange::Instants(..)))) {
        return Err(QueryError::invalid(
            "#/include/comparisons/date_range",
            "only whole days can be compared with here: small counts are protected",
        ));
    }
    let is_goal =
        |asked: &AskedDimension| matches!(asked, AskedDimension::Named(Dimension::Goal(..)));
    conjunction::refuse(&question.filter, question.dimensions.iter().any(is_goal))?;
    if neighbours(&question.filter).len() > NEIGHBOURS_MAX {
        return Err(QueryError::invalid(
            "#/filters",
            format!(
                "more than {NEIGHBOURS_MAX} conditions and values can't be asked for here: small counts are protected"
            ),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::wire;

    fn question(change: serde_json::Value) -> Question {
        let mut body = json!({"site_id": "a", "metrics": ["visitors"], "date_range": ["2025-01-01", "2025-01-31"]});
        for (key, value) in change.as_object().expect("an object") {
            body[key] = value.clone();
        }
        wire::question::parse(&body, &[]).expect("a question")
    }

    #[test]
    fn questions_that_cannot_be_suppressed_are_refused() {
        let place = |change| refuse(&question(change)).map_err(|fault| fault.to_string());
        assert_eq!(place(json!({})), Ok(()));
        assert_eq!(place(json!({"date_range": "7d"})), Ok(()));
        for (change, at) in [
            (
                json!({"date_range": ["2025-01-01T10:00:00Z", "2025-01-02T10:00:00Z"]}),
                "#/date_range",
            ),
            (json!({"date_range": "24h"}), "#/date_range"),
            (
                json!({"dimensions": ["visit:source", "time:minute"], "date_range": "day"}),
                "#/dimensions/1",
            ),
        ] {
            let refused = place(change.clone()).expect_err("it is refused");
            assert!(refused.contains(at), "{change}: {refused}");
        }
        let values = |count: usize| {
            let values: Vec<String> = (0..count).map(|n| n.to_string()).collect();
            json!({"filters": [["is", "visit:source", values]]})
        };
        // One neighbour for the condition itself, and one for each of its values.
        assert_eq!(place(values(NEIGHBOURS_MAX - 1)), Ok(()));
        assert!(place(values(NEIGHBOURS_MAX)).is_err());
    }
}
