//! A question as the JSON of `POST /api/v2/query`.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::object::refuse_unknown;
use super::{comparison, date_range, filter};
use crate::comparison::Comparison;
use crate::dimension::{Dimension, GOAL, Goals};
use crate::error::QueryError;
use crate::goal::Goal;
use crate::metric::Metric;
use crate::question::{
    AskedDimension, DIMENSIONS_MAX, Direction, Echo, LIMIT_MAX, OFFSET_MAX, OrderKey, Question,
    default_order,
};

const KEYS: [&str; 8] = [
    "site_id",
    "metrics",
    "date_range",
    "dimensions",
    "filters",
    "order_by",
    "include",
    "pagination",
];

/// Parses a question about a site that has these goals.
///
/// # Errors
/// The first fault in the order site, unknown keys, metrics, date range, dimensions, filters,
/// order, include, page, combinations. A goal that the site does not have is a fault.
pub fn parse(body: &Json, goals: &[Arc<Goal>]) -> Result<Question, QueryError> {
    let Json::Object(body) = body else {
        return Err(QueryError::invalid("#", "a JSON object is expected"));
    };
    let site = match body.get("site_id") {
        Some(Json::String(site)) if !site.is_empty() => site.clone(),
        _ => {
            return Err(QueryError::invalid(
                "#/site_id",
                "the id of a site is expected",
            ));
        }
    };
    refuse_unknown(body, "#", &KEYS)?;
    let metrics = parse_metrics(body.get("metrics"))?;
    let range = match body.get("date_range") {
        None => {
            return Err(QueryError::invalid(
                "#/date_range",
                "a date range is expected",
            ));
        }
        Some(range) => date_range::parse(range)
            .map_err(|fault| QueryError::invalid("#/date_range", fault.0))?,
    };
    let mut dimensions = parse_dimensions(body.get("dimensions"), goals)?;
    let filters_asked = body.get("filters").cloned().unwrap_or_else(|| json!([]));
    let filter = filter::parse_all(&filters_asked, "#/filters", goals)?;
    if let Some(wanted) = filter.goals() {
        for dimension in &mut dimensions {
            if let AskedDimension::Named(Dimension::Goal(goals, _)) = dimension {
                *goals = wanted.to_vec();
            }
        }
    }
    let order = parse_order(body.get("order_by"), &metrics, &dimensions)?;
    let ([include_imports, include_time_labels, include_total_rows], comparison) =
        parse_include(body.get("include"))?;
    let [limit, offset] = parse_page(body.get("pagination"))?;
    let question = Question {
        site,
        metrics,
        range,
        dimensions,
        filter,
        order,
        include_time_labels,
        include_total_rows,
        include_imports,
        comparison,
        limit,
        offset,
        echo: Echo {
            filters: Some(filters_asked),
            comparisons: body
                .get("include")
                .and_then(|include| include.get("comparisons"))
                .cloned(),
        },
    };
    question.check()?;
    Ok(question)
}

fn parse_metrics(value: Option<&Json>) -> Result<Vec<Metric>, QueryError> {
    let names = match value {
        Some(Json::Array(names)) if !names.is_empty() => names,
        _ => {
            return Err(QueryError::invalid(
                "#/metrics",
                "an array with at least one metric is expected",
            ));
        }
    };
    let mut metrics = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let at = format!("#/metrics/{index}");
        let Json::String(name) = name else {
            return Err(QueryError::invalid(at, "the name of a metric is expected"));
        };
        let Some(metric) = Metric::parse(name) else {
            return Err(QueryError::unknown(
                at,
                "metric",
                name,
                Metric::ALL.into_iter().map(Metric::name),
            ));
        };
        if metrics.contains(&metric) {
            return Err(QueryError::invalid(at, "the metric is listed twice"));
        }
        metrics.push(metric);
    }
    Ok(metrics)
}

fn parse_dimensions(
    value: Option<&Json>,
    goals: &[Arc<Goal>],
) -> Result<Vec<AskedDimension>, QueryError> {
    let names = match value {
        None => return Ok(Vec::new()),
        Some(Json::Array(names)) => names,
        Some(_) => {
            return Err(QueryError::invalid(
                "#/dimensions",
                "an array of dimensions is expected",
            ));
        }
    };
    if names.len() > DIMENSIONS_MAX {
        return Err(QueryError::invalid(
            "#/dimensions",
            format!("more than {DIMENSIONS_MAX} dimensions"),
        ));
    }
    let mut dimensions = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let at = format!("#/dimensions/{index}");
        let Json::String(name) = name else {
            return Err(QueryError::invalid(
                at,
                "the name of a dimension is expected",
            ));
        };
        let dimension = match name.as_str() {
            "time" => AskedDimension::Time,
            GOAL if goals.is_empty() => {
                return Err(QueryError::invalid(at, "there are no goals on this site"));
            }
            GOAL => AskedDimension::Named(Dimension::Goal(goals.to_vec(), Goals::Met)),
            _ => match Dimension::parse(name) {
                Some(dimension) => AskedDimension::Named(dimension),
                None => {
                    return Err(QueryError::unknown(
                        at,
                        "dimension",
                        name,
                        Dimension::names().chain(["time", GOAL]),
                    ));
                }
            },
        };
        if dimensions.contains(&dimension) {
            return Err(QueryError::invalid(at, "the dimension is listed twice"));
        }
        dimensions.push(dimension);
    }
    Ok(dimensions)
}

fn parse_order(
    value: Option<&Json>,
    metrics: &[Metric],
    dimensions: &[AskedDimension],
) -> Result<Vec<(OrderKey, Direction)>, QueryError> {
    let entries = match value {
        None => return Ok(default_order(dimensions)),
        Some(Json::Array(entries)) => entries,
        Some(_) => {
            return Err(QueryError::invalid(
                "#/order_by",
                "an array of [metric or dimension, \"asc\" or \"desc\"] is expected",
            ));
        }
    };
    let mut order = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let at = format!("#/order_by/{index}");
        let pair = entry.as_array().map(Vec::as_slice);
        let Some([Json::String(name), Json::String(direction)]) = pair else {
            return Err(QueryError::invalid(
                at,
                "[metric or dimension, \"asc\" or \"desc\"] is expected",
            ));
        };
        let metric = metrics
            .iter()
            .position(|metric| metric.name() == name)
            .map(OrderKey::Metric);
        let dimension = || {
            dimensions
                .iter()
                .position(|asked| asked.name() == *name)
                .map(OrderKey::Dimension)
        };
        let Some(key) = metric.or_else(dimension) else {
            return Err(QueryError::invalid(
                format!("{at}/0"),
                "only a metric or dimension of this query can order it",
            ));
        };
        let direction = match direction.as_str() {
            "asc" => Direction::Ascending,
            "desc" => Direction::Descending,
            _ => {
                return Err(QueryError::invalid(
                    format!("{at}/1"),
                    "\"asc\" or \"desc\" is expected",
                ));
            }
        };
        if order.iter().any(|(known, _)| *known == key) {
            return Err(QueryError::invalid(
                at,
                "the answer is already ordered by it",
            ));
        }
        order.push((key, direction));
    }
    Ok(if order.is_empty() {
        default_order(dimensions)
    } else {
        order
    })
}

fn parse_include(value: Option<&Json>) -> Result<([bool; 3], Option<Comparison>), QueryError> {
    const NAMES: [&str; 3] = ["imports", "time_labels", "total_rows"];
    let include = match value {
        None => return Ok(([false; 3], None)),
        Some(Json::Object(include)) => include,
        Some(_) => return Err(QueryError::invalid("#/include", "an object is expected")),
    };
    refuse_unknown(
        include,
        "#/include",
        &["imports", "time_labels", "total_rows", "comparisons"],
    )?;
    let mut wanted = [false; 3];
    for (name, wanted) in NAMES.iter().zip(&mut wanted) {
        *wanted = match include.get(*name) {
            None => false,
            Some(Json::Bool(yes)) => *yes,
            Some(_) => {
                return Err(QueryError::invalid(
                    format!("#/include/{name}"),
                    "true or false is expected",
                ));
            }
        };
    }
    let comparison = match include.get("comparisons") {
        None => None,
        Some(value) => Some(comparison::parse(value, "#/include/comparisons")?),
    };
    Ok((wanted, comparison))
}

fn parse_page(value: Option<&Json>) -> Result<[u64; 2], QueryError> {
    let page = match value {
        None => return Ok([LIMIT_MAX, 0]),
        Some(Json::Object(page)) => page,
        Some(_) => return Err(QueryError::invalid("#/pagination", "an object is expected")),
    };
    refuse_unknown(page, "#/pagination", &["limit", "offset"])?;
    let number = |name: &str, default: u64, min: u64, max: u64| match page.get(name) {
        None => Ok(default),
        Some(value) => value
            .as_u64()
            .filter(|number| (min..=max).contains(number))
            .ok_or_else(|| {
                QueryError::invalid(
                    format!("#/pagination/{name}"),
                    format!("a whole number from {min} to {max} is expected"),
                )
            }),
    };
    Ok([
        number("limit", LIMIT_MAX, 1, LIMIT_MAX)?,
        number("offset", 0, 0, OFFSET_MAX)?,
    ])
}

#[cfg(test)]
mod tests;
