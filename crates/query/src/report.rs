//! The answer's JSON: the contract's response, and what our metrics add under `meta`.
//!
//! Pure: rows in, [`serde_json::Value`] out. Not here: status codes (`run`).

use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use crate::comparison::Compared;
use crate::money;
use crate::period::{Labels, Period};
use crate::plan::{Plan, Semantics};
use crate::question::{Direction, OrderKey, Request};

/// One row of an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// In the order of the query's `metrics`.
    pub metrics: Vec<Json>,
    /// In the order of the query's `dimensions`.
    pub dimensions: Vec<Json>,
    /// What it was in the period that was asked to be compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Compared>,
}

/// The period that rows are compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct Other {
    pub period: Period,
    pub labels: Option<Labels>,
}

/// What the rows of a plan's statement say.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    pub rows: Vec<Row>,
    /// Rows of the whole answer, if the plan counts them and there is a row that says so.
    pub total: Option<u64>,
    /// People of the whole answer who were counted by daily ids.
    pub daily: u64,
}

/// Rows that don't have the columns of the plan.
#[derive(Debug, thiserror::Error)]
#[error("row {index} of the answer is not what was asked for")]
pub struct RowFault {
    pub index: usize,
}

impl Rows {
    /// Reads the server's `JSONCompactEachRow`.
    ///
    /// # Errors
    /// A line that is not an array with the plan's number of columns.
    pub fn parse(lines: &[u8], request: &Request, plan: &Plan) -> Result<Self, RowFault> {
        let mut read = Self {
            rows: Vec::new(),
            total: None,
            daily: 0,
        };
        let (dimensions, metrics) = (plan.dimensions.len(), request.metrics.len());
        let extras = usize::from(plan.columns.has_daily) + usize::from(plan.columns.has_total);
        let lines = lines
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        for (index, line) in lines.enumerate() {
            let fault = || RowFault { index };
            let mut columns: Vec<Json> = serde_json::from_slice(line).map_err(|_| fault())?;
            if columns.len() != dimensions + metrics + extras {
                return Err(fault());
            }
            if plan.columns.has_total {
                read.total = columns.pop().and_then(|total| total.as_u64());
            }
            if plan.columns.has_daily {
                read.daily = columns
                    .pop()
                    .and_then(|daily| daily.as_u64())
                    .ok_or_else(fault)?;
            }
            let metrics = columns.split_off(dimensions);
            read.rows.push(Row {
                metrics,
                dimensions: columns,
                comparison: None,
            });
        }
        Ok(read)
    }
}

/// The body of an answer.
pub fn body(
    request: &Request,
    plan: &Plan,
    period: &Period,
    rows: &Rows,
    labels: Option<&Labels>,
    other: Option<&Other>,
    spans_days: bool,
) -> Json {
    let mut meta = Map::new();
    let mut warnings = Map::new();
    if let Some(other) = other {
        meta.insert("comparison_date_range".into(), json!(other.period.to_iso()));
        if let Some(labels) = &other.labels {
            meta.insert("comparison_time_labels".into(), json!(labels.all));
        }
    }
    let no_amount = match (request.currency(), request.has_currency()) {
        (Some(_), _) => None,
        (None, true) => Some(
            json!({"code": "no_single_revenue_currency", "warning": "The goals asked for have several currencies, which can't be added up."}),
        ),
        (None, false) => Some(
            json!({"code": "no_revenue_goals_matching", "warning": "None of the goals asked for has a currency."}),
        ),
    };
    for metric in request.metrics.iter().filter(|metric| metric.is_revenue()) {
        if let Some(warning) = &no_amount {
            warnings.insert(metric.name().to_owned(), warning.clone());
        }
    }
    if request.include_imports {
        meta.insert("imports_included".into(), json!(false));
        meta.insert("imports_skip_reason".into(), json!("no_imported_data"));
    }
    if let Some(labels) = labels {
        meta.insert("time_labels".into(), json!(labels.all));
        meta.insert("partial_time_labels".into(), json!(labels.partial));
    }
    if let Some(total) = rows.total {
        meta.insert("total_rows".into(), json!(total));
    }
    if let Some(planned) = plan.semantics {
        // People without a history are counted by day, whatever the plan for the others is.
        let is_by_value = planned == Semantics::ByValue;
        let semantics = if rows.daily > 0 && spans_days && !is_by_value {
            Semantics::Daily
        } else {
            planned
        };
        meta.insert("visitors_semantics".into(), json!(semantics.name()));
        if let Some(warning) = warning(semantics, plan.is_estimated) {
            let warned = request
                .metrics
                .iter()
                .filter(|metric| metric.counts_people());
            warnings.extend(warned.map(|metric| (metric.name().to_owned(), warning.clone())));
        }
    }
    if !warnings.is_empty() {
        meta.insert("metric_warnings".into(), Json::Object(warnings));
    }
    json!({
        "results": with_amounts(request, &rows.rows),
        "meta": meta,
        "query": echo(request, period),
    })
}

/// Says which numbers of an answer lack the days before `first` (since 1970): their events no
/// longer say who, or which visit, they are of.
pub fn warn_of_cleared_ids(body: &mut Json, request: &Request, plan: &Plan, first: i64) {
    let day = date_of(first).map_or_else(String::new, |day| day.to_string());
    body["meta"]["ids_cleared_before"] = json!(day);
    let complete = if plan.needs_cleared {
        ""
    } else {
        " Pageviews and events are complete."
    };
    let warning = json!({
        "code": "ids_cleared",
        "warning": format!(
            "Counted from {day} on. The ids of earlier days are cleared, so the visits of their events are no longer known.{complete}"
        ),
    });
    for metric in &request.metrics {
        if plan.is_unknown_when_cleared(*metric) {
            body["meta"]["metric_warnings"][metric.name()] = warning.clone();
        }
    }
}

/// Says "unknown" for what can't be known: numbers that are about days only whose events are
/// cleared, in the whole answer or in a row's bucket of time, are null and not zero.
pub fn blank_cleared(rows: &mut Rows, request: &Request, plan: &Plan, period: &Period) {
    let Some(first) = plan.blind_until else {
        return;
    };
    let is_all_cleared = period.day_after() <= first;
    let time = plan
        .dimensions
        .iter()
        .position(|each| each.bucket().is_some());
    for row in &mut rows.rows {
        let bucket = time.and_then(|index| {
            let bucket = plan.dimensions.get(index)?.bucket()?;
            let label = row.dimensions.get(index)?.as_str()?;
            Some((bucket, label.get(..10)?.parse().ok()?))
        });
        let is_cleared = bucket.map_or(is_all_cleared, |(bucket, start)| {
            let last = bucket.last_day(start).min(period.dates().1);
            date_of(first).is_some_and(|first| last < first)
        });
        if !is_cleared {
            continue;
        }
        for (metric, value) in request.metrics.iter().zip(&mut row.metrics) {
            if plan.is_unknown_when_cleared(*metric) {
                *value = Json::Null;
            }
        }
    }
}

/// A day that is counted since 1970.
pub fn date_of(day: i64) -> Option<Date> {
    let first = Date::constant(1970, 1, 1);
    first.checked_add(jiff::ToSpan::days(day)).ok()
}

/// The rows, amounts of money as the contract has them.
fn with_amounts(request: &Request, rows: &[Row]) -> Vec<Row> {
    let mut rows = rows.to_vec();
    for (index, metric) in request.metrics.iter().enumerate() {
        if !metric.is_revenue() {
            continue;
        }
        let shown = |value: &Json| match (value.as_i64(), request.currency()) {
            (Some(milli), Some(currency)) => money::amount(milli, currency),
            _ => Json::Null,
        };
        for row in &mut rows {
            row.metrics[index] = shown(&row.metrics[index]);
            if let Some(compared) = &mut row.comparison {
                compared.metrics[index] = shown(&compared.metrics[index]);
            }
        }
    }
    rows
}

fn warning(semantics: Semantics, is_estimated: bool) -> Option<Json> {
    let warning = match semantics {
        Semantics::Exact => return None,
        Semantics::Estimated => {
            "Over more than 32 days, visitors are an estimate: the time since the previous visit is stored by the week after a month, and by the month after 13 weeks."
        }
        Semantics::FirstTouch if is_estimated => {
            "Each person counts once, under the properties of the first visit in the period. Over more than 32 days this is an estimate: the time since the previous visit is stored by the week after a month, and by the month after 13 weeks."
        }
        Semantics::FirstTouch => {
            "Each person counts once, under the properties of the first visit in the period."
        }
        Semantics::Daily => {
            "Visitors are counted per day and summed: a person who came on several days counts several times."
        }
        Semantics::ByValue => {
            "Small counts are protected: a visitor counts once on each day, and once under each value that the filter matches."
        }
    };
    Some(json!({"code": semantics.name(), "warning": warning}))
}

fn echo(request: &Request, period: &Period) -> Json {
    let dimensions: Vec<String> = request
        .dimensions
        .iter()
        .map(|asked| asked.name())
        .collect();
    let order = request.order.iter().map(|(key, direction)| {
        let name = match key {
            OrderKey::Metric(index) => request.metrics[*index].name().to_owned(),
            OrderKey::Dimension(index) => dimensions[*index].clone(),
        };
        let direction = match direction {
            Direction::Ascending => "asc",
            Direction::Descending => "desc",
        };
        json!([name, direction])
    });
    let order: Vec<Json> = order.collect();
    let flags = [
        ("imports", request.include_imports),
        ("time_labels", request.include_time_labels),
        ("total_rows", request.include_total_rows),
    ];
    let include: Map<String, Json> = flags
        .into_iter()
        .filter(|(_, wanted)| *wanted)
        .map(|(name, _)| (name.to_owned(), json!(true)))
        .collect();
    let mut include = include;
    if let Some(asked) = &request.comparison_asked {
        include.insert("comparisons".into(), asked.clone());
    }
    let metrics: Vec<&str> = request.metrics.iter().map(|metric| metric.name()).collect();
    json!({
        "site_id": request.site,
        "metrics": metrics,
        "date_range": period.to_iso(),
        "filters": request.filters_asked,
        "dimensions": dimensions,
        "order_by": order,
        "include": include,
        "pagination": {"limit": request.limit, "offset": request.offset},
    })
}
