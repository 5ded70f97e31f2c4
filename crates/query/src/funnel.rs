//! Funnels: how many visits go through two to eight steps, and how far.
//!
//! A step is a condition on one event, written as a [`filter`](crate::filter). A visit does the
//! steps in order, each with an event of its own. In `loose` order anything may happen between two
//! steps; in `strict` order no other page and no other event. Visits belong to the period in which
//! they began.

use jiff::civil::Date;
use serde_json::{Map, Value as Json};

use crate::date_range::DateRange;
use crate::dimension::Dimension;
use crate::filter::Filter;
use crate::period::Period;
use crate::report::date_of;
use crate::rows::{self, RowError};
use crate::scan::Scope;
use crate::sql::{Sql, Statement, Value};

/// Fewest and most steps.
pub const STEPS_MIN: usize = 2;
pub const STEPS_MAX: usize = 8;
/// Longest name of a step, characters.
pub const STEP_NAME_CHARS_MAX: usize = 120;
/// Most rows of a report with a dimension: those with the most visits.
pub const ROWS_MAX: i64 = 100;

/// A question about a funnel.
#[derive(Debug, Clone, PartialEq)]
pub struct Funnel {
    pub site: String,
    pub range: DateRange,
    /// The visits that count.
    pub filter: Filter,
    pub steps: Vec<Step>,
    pub order: StepOrder,
    /// A property of visits to break down by.
    pub dimension: Option<Dimension>,
    /// The question as the client wrote it; the report repeats it.
    pub echo: Map<String, Json>,
}

/// One step: a condition on an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Shown to the reader. Default: the number of the step.
    pub name: String,
    pub filter: Filter,
}

/// What may happen between two steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepOrder {
    /// Anything.
    Loose,
    /// No other page and no other event.
    Strict,
}

impl Funnel {
    /// The statement. A row of its answer is the value of the dimension, if there is one, and the
    /// visits by step: all visits, then those that did the first step, the first two, and so on.
    pub fn plan(&self, period: &Period, zone: &str) -> Statement {
        let scope = Scope::of(&self.site, zone, period, None);
        let mut joins: Vec<_> = self.dimension.iter().filter_map(Dimension::join).collect();
        let filters = scope.visits_condition(&self.filter, &mut joins);
        let bit = |(index, step): (usize, &Step)| {
            Sql::text("bitShiftLeft(toUInt8(")
                .then(scope.predicate(&step.filter))
                .then("), ")
                .then(Value::Number(index as i64))
                .then(")")
        };
        let bits = Sql::join(self.steps.iter().enumerate().map(bit), " + ");
        let (columns, groups, then) = match self.dimension {
            Some(_) => ("d0,", "GROUP BY d0", ", d0"),
            None => ("", "", ""),
        };
        let dimension = self.dimension.iter().map(|dimension| {
            Sql::text("anyIf(")
                .then(scope.column(dimension))
                .then(", seq = 1) AS d0,")
        });
        let kept = match self.order {
            StepOrder::Loose => "state.1",
            StepOrder::Strict => "toUInt8(0)",
        };
        let statement = Sql::template(
            include_str!("sql/funnel.sql"),
            &[
                ("columns", columns.into()),
                ("steps_count", Value::Number(self.steps.len() as i64).into()),
                ("dimensions", Sql::join(dimension, "")),
                ("kept", kept.into()),
                ("steps", Sql::text("toUInt8(").then(bits).then(")")),
                ("joins", scope.joins(joins)),
                ("site", scope.site.clone()),
                ("since", scope.since.clone()),
                ("until", scope.until.clone()),
                ("filters", filters),
                ("groups", groups.into()),
                ("then", then.into()),
                ("limit", Value::Number(ROWS_MAX).into()),
            ],
        );
        statement.finish()
    }

    /// The report of the rows of this funnel's statement. `cleared_before` is the first day (since
    /// 1970) whose events have their ids, where the period has earlier days: of earlier visits it
    /// is unknown which events they consist of, so they are not counted.
    ///
    /// # Errors
    /// A row that does not have the columns of the statement.
    pub fn report(
        &self,
        lines: &[u8],
        period: Period,
        cleared_before: Option<i64>,
    ) -> Result<FunnelReport, RowError> {
        let is_unknown = cleared_before.is_some_and(|first| period.day_after() <= first);
        let mut rows = Vec::new();
        for (index, row) in rows::read::<Vec<Json>>(lines).enumerate() {
            let row = row?;
            let (dimension, visits) = match (self.dimension.is_some(), row.as_slice()) {
                (false, [visits]) => (None, visits),
                (true, [Json::String(value), visits]) => (Some(value.clone()), visits),
                _ => return Err(RowError { index }),
            };
            let visits = visits.as_array().and_then(|each| {
                let counts: Option<Vec<u64>> = each.iter().map(Json::as_u64).collect();
                counts
            });
            let mut visits = visits.ok_or(RowError { index })?;
            // Without any visit the sum is empty.
            visits.resize(self.steps.len() + 1, 0);
            rows.push(FunnelRow {
                dimension,
                visits: (!is_unknown).then_some(visits),
            });
        }
        Ok(FunnelReport {
            funnel: self.clone(),
            period,
            rows,
            ids_cleared_before: cleared_before.and_then(date_of),
        })
    }
}

/// The answer to a question about a funnel.
#[derive(Debug, Clone, PartialEq)]
pub struct FunnelReport {
    pub funnel: Funnel,
    pub period: Period,
    pub rows: Vec<FunnelRow>,
    /// First day whose events have their ids, where the period has earlier days.
    pub ids_cleared_before: Option<Date>,
}

/// The visits of a funnel, or those with one value of the dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunnelRow {
    /// The value of the funnel's dimension.
    pub dimension: Option<String>,
    /// All visits, then those that did the first step, the first two, and so on; `None` where they
    /// can no longer be counted.
    pub visits: Option<Vec<u64>>,
}
