//! What changed: which values of which dimensions make most of the difference between two periods.
//!
//! Duty: one total and its breakdowns in both periods, each by the same way as any other question,
//! and the rows with the greatest differences. Each is named by a filter that can be asked next.
//! Only metrics that can be added up are taken; contributions of different dimensions overlap,
//! those of one add up to the total.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::{Answer, Answerer, parse};
use sillage_query::metric::Metric;
use sillage_query::question::{Fault, LIMIT_MAX, refuse_unknown};

/// Dimensions that are looked at.
const DIMENSIONS: [&str; 9] = [
    "visit:channel",
    "visit:source",
    "visit:utm_campaign",
    "visit:entry_page",
    "event:page",
    "visit:country",
    "visit:device",
    "visit:browser",
    "visit:language",
];
/// Most contributors of one answer.
pub const CONTRIBUTORS_MAX: u64 = 100;
const CONTRIBUTORS: u64 = 10;
const METRICS: [Metric; 4] = [
    Metric::Visitors,
    Metric::Visits,
    Metric::Pageviews,
    Metric::Events,
];

impl Answerer {
    /// Answers `{"site_id", "metric", "date_range", "comparison", "filters", "limit"}`
    /// (`POST /api/v2/changes`): `comparison` is as `include.comparisons` of a question, by default
    /// the previous period. The answer is
    /// `{"total": {"now", "before"}, "contributors": [{"dimension", "value", "now", "before", "difference", "filter"}], "meta": {"date_range", "comparison_date_range", "incomplete_dimensions"}}`,
    /// the greatest difference first.
    pub async fn changes(&self, body: &[u8], now: Timestamp) -> Answer {
        self.what_changed(body, now).await.into()
    }

    async fn what_changed(&self, body: &[u8], now: Timestamp) -> Result<Json, Answer> {
        let Json::Object(body) = parse(body)? else {
            return Err(Fault::new("#", "a JSON object is expected").into());
        };
        let keys = [
            "site_id",
            "metric",
            "date_range",
            "comparison",
            "filters",
            "limit",
        ];
        refuse_unknown(&body, "#", &keys)?;
        let name = body
            .get("metric")
            .and_then(Json::as_str)
            .unwrap_or_default();
        let Some(metric) = METRICS.into_iter().find(|metric| metric.name() == name) else {
            let names = METRICS.into_iter().map(Metric::name);
            return Err(Fault::unknown("#/metric", "metric", name, names).into());
        };
        let limit = match body.get("limit") {
            None => CONTRIBUTORS,
            Some(limit) => limit
                .as_u64()
                .filter(|limit| (1..=CONTRIBUTORS_MAX).contains(limit))
                .ok_or_else(|| {
                    let text = format!("a whole number from 1 to {CONTRIBUTORS_MAX} is expected");
                    Fault::new("#/limit", text)
                })?,
        };
        let mut question = json!({"metrics": [metric.name()]});
        for key in ["site_id", "date_range", "filters"] {
            if let Some(value) = body.get(key) {
                question[key] = value.clone();
            }
        }
        let comparison = body.get("comparison").cloned();
        let mut total = question.clone();
        total["include"] = json!({"comparisons": comparison.unwrap_or_else(|| json!({"mode": "previous_period"}))});
        let total = self.report(&total, now).await?;
        let row = &total["results"][0];
        let before_range = total["meta"]["comparison_date_range"].clone();
        let asked_before = as_dates(&before_range).unwrap_or_else(|| before_range.clone());

        let mut queries = Vec::new();
        for dimension in DIMENSIONS {
            for range in [&question["date_range"], &asked_before] {
                let mut query = question.clone();
                query["date_range"] = range.clone();
                query["dimensions"] = json!([dimension]);
                queries.push(query);
            }
        }
        let batch = self
            .reports(json!({ "queries": queries }).to_string().as_bytes(), now)
            .await?;
        let mut contributors = Vec::new();
        let mut incomplete = Vec::new();
        let answers = batch["results"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        for (dimension, pair) in DIMENSIONS.into_iter().zip(answers.chunks_exact(2)) {
            let mut sides = Vec::new();
            for answer in pair {
                let status = answer["status"]
                    .as_u64()
                    .and_then(|status| u16::try_from(status).ok());
                if status != Some(200) {
                    let text = answer["body"]["error"].as_str().unwrap_or_default();
                    return Err(Answer::error(status.unwrap_or(500), text));
                }
                sides.push(values(&answer["body"]));
            }
            // Where a list was cut off, a value that is missing in it is not 0.
            if sides.iter().any(|side| side.len() as u64 == LIMIT_MAX) {
                incomplete.push(dimension);
            }
            let [now, before] = sides.as_slice() else {
                continue;
            };
            contributors.extend(differences(dimension, now, before));
        }
        contributors.sort_by_key(|(size, place, _)| (std::cmp::Reverse(*size), place.clone()));
        let contributors: Vec<Json> = contributors
            .into_iter()
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .map(|(_, _, contributor)| contributor)
            .collect();
        Ok(json!({
            "total": {"now": row["metrics"][0], "before": row["comparison"]["metrics"][0]},
            "contributors": contributors,
            "meta": {
                "date_range": total["query"]["date_range"],
                "comparison_date_range": before_range,
                "incomplete_dimensions": incomplete,
            },
        }))
    }
}

/// Whole days by their dates, as which alone they can be asked for where small counts are
/// protected.
fn as_dates(range: &Json) -> Option<Json> {
    let (first, last) = (range[0].as_str()?, range[1].as_str()?);
    let (first, since) = first.split_once('T')?;
    let (last, until) = last.split_once('T')?;
    let is_whole = since.starts_with("00:00:00") && until.starts_with("23:59:59");
    is_whole.then(|| json!([first, last]))
}

/// The values of the one dimension of a report.
fn values(report: &Json) -> HashMap<String, i64> {
    let rows = report["results"].as_array().into_iter().flatten();
    rows.filter_map(|row| {
        let value = row["dimensions"][0].as_str()?;
        Some((value.to_owned(), row["metrics"][0].as_i64()?))
    })
    .collect()
}

/// What is not the same: size of the difference, dimension and value for the order, and what is
/// said about it.
fn differences(
    dimension: &'static str,
    now: &HashMap<String, i64>,
    before: &HashMap<String, i64>,
) -> Vec<(u64, (&'static str, String), Json)> {
    let vanished = before.keys().filter(|value| !now.contains_key(*value));
    let each = now.keys().chain(vanished).filter_map(|value| {
        let of = |side: &HashMap<String, i64>| side.get(value).copied().unwrap_or(0);
        let (now, before) = (of(now), of(before));
        let contributor = json!({
            "dimension": dimension, "value": value, "now": now, "before": before, "difference": now - before,
            "filter": ["is", dimension, [value]],
        });
        (now != before).then(|| (now.abs_diff(before), (dimension, value.clone()), contributor))
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_days_are_queried_by_date() {
        let range = |first: &str, last: &str| as_dates(&json!([first, last]));
        assert_eq!(
            range("2026-11-01T00:00:00+09:00", "2026-11-24T23:59:59+09:00"),
            Some(json!(["2026-11-01", "2026-11-24"]))
        );
        assert_eq!(
            range("2026-11-01T00:00:00+09:00", "2026-11-24T11:59:59+09:00"),
            None
        );
        assert_eq!(as_dates(&Json::Null), None);
    }

    #[test]
    fn vanished_rows_are_changes_and_equal_rows_are_not() {
        let side = |pairs: &[(&str, i64)]| {
            pairs
                .iter()
                .map(|(value, count)| ((*value).to_owned(), *count))
                .collect()
        };
        let found = differences(
            "visit:source",
            &side(&[("a", 5), ("b", 1)]),
            &side(&[("a", 5), ("c", 4)]),
        );
        let mut sizes: Vec<_> = found
            .iter()
            .map(|(size, (_, value), _)| (value.as_str(), *size))
            .collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [("b", 1), ("c", 4)]);
        let c = &found
            .iter()
            .find(|(_, (_, value), _)| value == "c")
            .unwrap()
            .2;
        assert_eq!(
            (&c["difference"], &c["filter"]),
            (&json!(-4), &json!(["is", "visit:source", ["c"]]))
        );
    }
}
