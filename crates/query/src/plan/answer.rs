//! The outer statement of an answer: its columns, groups, order and page.

use crate::columns;
use crate::dimension::Dimension;
use crate::measure::Measure;
use crate::metric::Metric;
use crate::question::{DIMENSIONS_MAX, Direction, OrderKey, Question};
use crate::sql::{Sql, Value};

const METRIC_COLUMNS: [&str; 24] = [
    "m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "m9", "m10", "m11", "m12", "m13", "m14",
    "m15", "m16", "m17", "m18", "m19", "m20", "m21", "m22", "m23",
];
const METRIC_ALIASES: [&str; 24] = [
    " AS m0", " AS m1", " AS m2", " AS m3", " AS m4", " AS m5", " AS m6", " AS m7", " AS m8",
    " AS m9", " AS m10", " AS m11", " AS m12", " AS m13", " AS m14", " AS m15", " AS m16",
    " AS m17", " AS m18", " AS m19", " AS m20", " AS m21", " AS m22", " AS m23",
];

// A metric or a dimension without a column would be missing from the statement.
const _: () = assert!(METRIC_COLUMNS.len() >= Metric::ALL.len());
const _: () = assert!(METRIC_ALIASES.len() >= Metric::ALL.len());
const _: () = assert!(columns::COLUMNS_MAX >= DIMENSIONS_MAX);

/// The columns after the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Columns {
    /// People of the whole answer who were counted by daily ids.
    pub has_daily: bool,
    /// Rows of the whole answer.
    pub has_total: bool,
}

pub(super) fn answer_columns(
    question: &Question,
    dimensions: &[Dimension],
    extras: Columns,
) -> Sql {
    let names = columns::names(dimensions.len());
    let metrics = question
        .metrics
        .iter()
        .zip(METRIC_ALIASES)
        .map(|(metric, alias)| Sql::text(metric.expression()).then(alias));
    let daily = match (extras.has_daily, dimensions.is_empty()) {
        (false, _) => None,
        (true, true) => Some(Sql::text("sum(daily)")),
        (true, false) => Some(Sql::text("sum(sum(daily)) OVER ()")),
    };
    let total = match (extras.has_total, dimensions.is_empty()) {
        (false, _) => None,
        (true, true) => Some(Sql::text("toUInt64(1)")),
        (true, false) => Some(Sql::text("count() OVER ()")),
    };
    Sql::join(names.chain(metrics).chain(daily).chain(total), ",\n    ")
}

pub(super) fn answer_groups(dimensions: &[Dimension], measures: &[Measure]) -> Sql {
    if dimensions.is_empty() {
        return Sql::empty();
    }
    let sums = measures
        .iter()
        .filter(|measure| measure.is_presence())
        .map(|measure| Sql::text(measure.sum()));
    columns::group_by(dimensions.len())
        .then("\nHAVING ")
        .then(Sql::join(sums, " + "))
        .then(" > 0")
}

pub(super) fn answer_page(question: &Question, dimensions: &[Dimension]) -> Sql {
    let mut order: Vec<Sql> = Vec::new();
    for (key, direction) in &question.order {
        let name = match key {
            OrderKey::Metric(index) => METRIC_COLUMNS[*index],
            OrderKey::Dimension(index) => columns::name(*index),
        };
        order.push(Sql::text(name).then(match direction {
            Direction::Ascending => " ASC",
            Direction::Descending => " DESC",
        }));
    }
    for (index, name) in columns::names(dimensions.len()).enumerate() {
        if !question
            .order
            .iter()
            .any(|(key, _)| *key == OrderKey::Dimension(index))
        {
            order.push(name);
        }
    }
    let limit = |number: u64| Value::Number(i64::try_from(number).unwrap_or(i64::MAX));
    Sql::text("ORDER BY ")
        .then(Sql::join(order, ", "))
        .then("\nLIMIT ")
        .then(limit(question.limit))
        .then(" OFFSET ")
        .then(limit(question.offset))
}
