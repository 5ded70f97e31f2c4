//! `include.comparisons` of a question.

use serde_json::Value as Json;

use super::date_range;
use super::object::refuse_unknown;
use crate::comparison::{Comparison, With};
use crate::error::QueryError;

const MODES: [&str; 3] = ["previous_period", "year_over_year", "custom"];

/// Parses the object under `include.comparisons`.
///
/// # Errors
/// Another shape, an unknown key or mode, `custom` without a range of two ends, or another mode
/// with a range.
pub fn parse(value: &Json, at: &str) -> Result<Comparison, QueryError> {
    let Json::Object(object) = value else {
        return Err(QueryError::invalid(at, "an object with `mode` is expected"));
    };
    refuse_unknown(object, at, &["mode", "date_range", "match_day_of_week"])?;
    let mode = object
        .get("mode")
        .and_then(Json::as_str)
        .unwrap_or_default();
    let range_at = format!("{at}/date_range");
    let with = match (mode, object.get("date_range")) {
        ("previous_period", None) => With::Previous,
        ("year_over_year", None) => With::Year,
        ("custom", Some(range @ Json::Array(_))) => With::Custom(
            date_range::parse(range).map_err(|fault| QueryError::invalid(range_at, fault.0))?,
        ),
        ("custom", _) => {
            return Err(QueryError::invalid(
                range_at,
                "mode custom needs [date, date] or [datetime, datetime]",
            ));
        }
        (mode, Some(_)) if MODES.contains(&mode) => {
            return Err(QueryError::invalid(
                range_at,
                "only mode custom takes a range",
            ));
        }
        (mode, _) => {
            let at = format!("{at}/mode");
            return Err(QueryError::unknown(at, "mode", mode, MODES.into_iter()));
        }
    };
    let match_weekday = match object.get("match_day_of_week") {
        None => false,
        Some(Json::Bool(yes)) => *yes,
        Some(_) => {
            return Err(QueryError::invalid(
                format!("{at}/match_day_of_week"),
                "true or false is expected",
            ));
        }
    };
    Ok(Comparison {
        with,
        match_weekday,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_invalid_comparison_is_reported_with_its_place() {
        for (value, at) in [
            (json!([]), "#"),
            (json!({}), "#/mode"),
            (json!({"mode": "previous"}), "#/mode"),
            (json!({"mode": 1}), "#/mode"),
            (json!({"mode": "custom"}), "#/date_range"),
            (
                json!({"mode": "custom", "date_range": "7d"}),
                "#/date_range",
            ),
            (
                json!({"mode": "custom", "date_range": ["2025-02-30", "2025-03-01"]}),
                "#/date_range",
            ),
            (
                json!({"mode": "year_over_year", "date_range": ["2025-02-01", "2025-03-01"]}),
                "#/date_range",
            ),
            (
                json!({"mode": "year_over_year", "match_day_of_week": 1}),
                "#/match_day_of_week",
            ),
            (json!({"mode": "year_over_year", "x": 1}), "#/x"),
        ] {
            assert_eq!(parse(&value, "#").unwrap_err().at(), Some(at), "{value}");
        }
    }
}
