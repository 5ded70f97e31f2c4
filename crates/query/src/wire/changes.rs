//! A question about changes and its report, as the JSON of `POST /api/v2/changes`.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::object::refuse_unknown;
use super::{question, report};
use crate::changes::{
    CONTRIBUTORS_DEFAULT, CONTRIBUTORS_MAX, Changes, ChangesReport, Contributor, METRICS,
};
use crate::dimension::Dimension;
use crate::error::QueryError;
use crate::goal::Goal;
use crate::metric::Metric;

const KEYS: [&str; 6] = [
    "site_id",
    "metric",
    "date_range",
    "comparison",
    "filters",
    "limit",
];

/// Parses `{"site_id", "metric", "date_range", "comparison", "filters", "limit"}`. `comparison` has
/// the form of `include.comparisons` of a question; the default is the previous period.
///
/// # Errors
/// The first fault: unknown keys, metric, limit, then those of the question for the total.
pub fn parse(body: &Json, goals: &[Arc<Goal>]) -> Result<Changes, QueryError> {
    let Json::Object(body) = body else {
        return Err(QueryError::invalid("#", "a JSON object is expected"));
    };
    refuse_unknown(body, "#", &KEYS)?;
    let name = body
        .get("metric")
        .and_then(Json::as_str)
        .unwrap_or_default();
    if !METRICS.iter().any(|metric| metric.name() == name) {
        let names = METRICS.into_iter().map(Metric::name);
        return Err(QueryError::unknown("#/metric", "metric", name, names));
    }
    let limit = match body.get("limit") {
        None => CONTRIBUTORS_DEFAULT,
        Some(limit) => limit
            .as_u64()
            .filter(|limit| (1..=CONTRIBUTORS_MAX).contains(limit))
            .ok_or_else(|| {
                let text = format!("a whole number from 1 to {CONTRIBUTORS_MAX} is expected");
                QueryError::invalid("#/limit", text)
            })?,
    };
    let comparison = body.get("comparison").cloned();
    let comparison = comparison.unwrap_or_else(|| json!({"mode": "previous_period"}));
    let mut total = Map::from_iter([
        ("metrics".to_owned(), json!([name])),
        ("include".to_owned(), json!({ "comparisons": comparison })),
    ]);
    for key in ["site_id", "date_range", "filters"] {
        if let Some(value) = body.get(key) {
            total.insert(key.to_owned(), value.clone());
        }
    }
    Ok(Changes {
        total: question::parse(&Json::Object(total), goals)?,
        limit,
    })
}

/// The report as JSON: `{"total": {"now", "before"}, "contributors": [{"dimension", "value", "now",
/// "before", "difference", "filter"}], "meta": {"date_range", "comparison_date_range",
/// "incomplete_dimensions"}}`.
pub fn render(changes: &ChangesReport) -> Json {
    let contributors: Vec<Json> = changes.contributors.iter().map(contributor).collect();
    let incomplete: Vec<String> = changes.incomplete.iter().map(Dimension::name).collect();
    json!({
        "total": {"now": report::value(&changes.now), "before": report::value(&changes.before)},
        "contributors": contributors,
        "meta": {
            "date_range": changes.period.to_iso(),
            "comparison_date_range": changes.comparison_period.to_iso(),
            "incomplete_dimensions": incomplete,
        },
    })
}

/// A contributor, with a filter that the next question can use.
fn contributor(contributor: &Contributor) -> Json {
    let dimension = contributor.dimension.name();
    json!({
        "dimension": dimension,
        "value": contributor.value,
        "now": contributor.now,
        "before": contributor.before,
        "difference": contributor.difference(),
        "filter": ["is", dimension, [contributor.value]],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dimension::VisitDimension;

    #[test]
    fn a_contributor_comes_with_a_filter_for_the_next_question() {
        let shown = contributor(&Contributor {
            dimension: Dimension::Visit(VisitDimension::Source),
            value: "c".into(),
            now: 0,
            before: 4,
        });
        assert_eq!(
            (&shown["difference"], &shown["filter"]),
            (&json!(-4), &json!(["is", "visit:source", ["c"]]))
        );
    }
}
