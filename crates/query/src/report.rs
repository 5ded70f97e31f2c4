//! The report: the answer to a question.
//!
//! [`Report`] holds the rows and the facts that qualify them. [`wire`](crate::wire) defines its
//! form as JSON.

pub mod pair;

use jiff::civil::Date;
use serde_json::Value as Json;

use crate::metric::Metric;
use crate::money::Amount;
use crate::period::Period;
use crate::period::labels::Labels;
use crate::plan::{Plan, Semantics};
use crate::question::Question;
use crate::rows::{self, RowError};
use crate::value::MetricValue;

/// The answer to a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub question: Question,
    pub period: Period,
    pub rows: Vec<Row>,
    pub meta: Meta,
}

/// One row of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// In the order of the question's metrics.
    pub metrics: Vec<MetricValue>,
    /// In the order of the question's dimensions.
    pub dimensions: Vec<String>,
    /// The same row in the period of comparison.
    pub comparison: Option<Compared>,
}

/// A row in the period of comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// In the order of the question's metrics; unknown where the other period has more rows than
    /// could be read.
    pub metrics: Vec<MetricValue>,
    /// Those of the row, with the time of the other period; `None` where that period is shorter.
    pub dimensions: Vec<Option<String>>,
    /// Whole percent; for shares, the difference in points.
    pub change: Vec<MetricValue>,
}

/// Facts about the numbers of a report.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Meta {
    /// The period of comparison, and its labels where the question asks for labels.
    pub comparison: Option<(Period, Option<Labels>)>,
    pub time_labels: Option<Labels>,
    /// Number of rows of the whole answer.
    pub total_rows: Option<u64>,
    /// How visitors are counted; `None` where no metric counts people.
    pub visitors: Option<Semantics>,
    /// In order of importance: a later warning about a metric replaces an earlier one.
    pub warnings: Vec<(Metric, Warning)>,
    /// First day whose events still have their ids, where the period has earlier days.
    pub ids_cleared_before: Option<Date>,
    /// Number of visitors below which rows are folded for this audience.
    pub visitors_floor: Option<u32>,
    /// Seconds since 1970: the end of the numbers, if it is before the end of the period.
    pub numbers_until_s: Option<i64>,
}

/// A warning about a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    pub code: &'static str,
    pub text: String,
}

/// The rows of a plan's statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    pub rows: Vec<Row>,
    /// Number of rows of the whole answer, if the plan counts them and there is a row.
    pub total: Option<u64>,
    /// People of the whole answer who were counted by daily ids.
    pub daily: u64,
}

impl Rows {
    /// Reads ClickHouse's `JSONCompactEachRow`.
    ///
    /// # Errors
    /// A line that does not have the columns of the plan.
    pub fn parse(lines: &[u8], question: &Question, plan: &Plan) -> Result<Self, RowError> {
        let mut read = Self {
            rows: Vec::new(),
            total: None,
            daily: 0,
        };
        let (dimensions, metrics) = (plan.dimensions.len(), question.metrics.len());
        let extras = usize::from(plan.columns.has_daily) + usize::from(plan.columns.has_total);
        for (index, columns) in rows::read::<Vec<Json>>(lines).enumerate() {
            let error = || RowError { index };
            let mut columns = columns?;
            if columns.len() != dimensions + metrics + extras {
                return Err(error());
            }
            if plan.columns.has_total {
                read.total = columns.pop().and_then(|total| total.as_u64());
            }
            if plan.columns.has_daily {
                read.daily = columns
                    .pop()
                    .and_then(|daily| daily.as_u64())
                    .ok_or_else(error)?;
            }
            let metrics = columns.split_off(dimensions);
            let metrics: Option<Vec<_>> = metrics.iter().map(value).collect();
            let dimensions = columns.iter().map(|text| text.as_str().map(str::to_owned));
            let dimensions: Option<Vec<_>> = dimensions.collect();
            read.rows.push(Row {
                metrics: metrics.ok_or_else(error)?,
                dimensions: dimensions.ok_or_else(error)?,
                comparison: None,
            });
        }
        Ok(read)
    }

    /// Replaces numbers that can no longer be counted by "unknown": those of a row whose events are
    /// all cleared. Without this they would be 0.
    pub fn blank_cleared(&mut self, question: &Question, plan: &Plan, period: &Period) {
        let Some(first) = plan.blind_until else {
            return;
        };
        let is_all_cleared = period.day_after() <= first;
        let time = plan
            .dimensions
            .iter()
            .position(|each| each.bucket().is_some());
        for row in &mut self.rows {
            let bucket = time.and_then(|index| {
                let bucket = plan.dimensions.get(index)?.bucket()?;
                let label = row.dimensions.get(index)?;
                Some((bucket, label.get(..10)?.parse().ok()?))
            });
            let is_cleared = bucket.map_or(is_all_cleared, |(bucket, start)| {
                let last = bucket.last_day(start).min(period.dates().1);
                date_of(first).is_some_and(|first| last < first)
            });
            if !is_cleared {
                continue;
            }
            for (metric, value) in question.metrics.iter().zip(&mut row.metrics) {
                if plan.is_unknown_when_cleared(*metric) {
                    *value = MetricValue::Unknown;
                }
            }
        }
    }
}

/// A number, or the `null` of a number that is unknown.
fn value(json: &Json) -> Option<MetricValue> {
    match json {
        Json::Null => Some(MetricValue::Unknown),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Some(MetricValue::Whole(whole)),
            (None, fraction) => fraction.map(MetricValue::Fraction),
        },
        Json::Bool(_) | Json::String(_) | Json::Array(_) | Json::Object(_) => None,
    }
}

impl Report {
    /// The report of a question whose plan gave these rows.
    pub fn new(question: Question, plan: &Plan, period: Period, rows: Rows) -> Self {
        let mut warnings = revenue_warnings(&question);
        let visitors = plan.semantics.map(|planned| {
            // People without a history are counted by day, even where the plan counts others
            // exactly.
            let is_within_a_day = crate::plan::is_each_row_within_a_day(&period, &plan.dimensions);
            match planned {
                Semantics::ByValue => planned,
                _ if rows.daily > 0 && !is_within_a_day => Semantics::Daily,
                _ => planned,
            }
        });
        if let Some(warning) = visitors.and_then(|visitors| warning(visitors, plan.is_estimated)) {
            let warned = question
                .metrics
                .iter()
                .filter(|metric| metric.counts_people());
            warnings.extend(warned.map(|metric| (*metric, warning.clone())));
        }
        let first = plan.blind_until;
        if let Some(warning) = first.map(|first| cleared_warning(plan, first)) {
            let metrics = question.metrics.iter();
            let warned = metrics.filter(|metric| plan.is_unknown_when_cleared(**metric));
            warnings.extend(warned.map(|metric| (*metric, warning.clone())));
        }
        Self {
            rows: with_amounts(&question, rows.rows),
            meta: Meta {
                total_rows: rows.total,
                visitors,
                warnings,
                ids_cleared_before: first.and_then(date_of),
                ..Meta::default()
            },
            question,
            period,
        }
    }
}

/// The date of a day, which is given in days since 1970.
pub fn date_of(day: i64) -> Option<Date> {
    let first = Date::constant(1970, 1, 1);
    first.checked_add(jiff::ToSpan::days(day)).ok()
}

/// The rows with thousandths of a currency turned into amounts.
fn with_amounts(question: &Question, mut rows: Vec<Row>) -> Vec<Row> {
    for (index, metric) in question.metrics.iter().enumerate() {
        if !metric.is_revenue() {
            continue;
        }
        let amount = |value: &MetricValue| match (value.as_i64(), question.currency()) {
            (Some(milli), Some(currency)) => {
                MetricValue::Amount(Amount::from_milli(milli, currency))
            }
            _ => MetricValue::Unknown,
        };
        for row in &mut rows {
            row.metrics[index] = amount(&row.metrics[index]);
            if let Some(compared) = &mut row.comparison {
                compared.metrics[index] = amount(&compared.metrics[index]);
            }
        }
    }
    rows
}

fn revenue_warnings(question: &Question) -> Vec<(Metric, Warning)> {
    let warning = match (question.currency(), question.has_currency()) {
        (Some(_), _) => return Vec::new(),
        (None, true) => Warning {
            code: "no_single_revenue_currency",
            text: "The goals asked for have several currencies, which can't be added up.".into(),
        },
        (None, false) => Warning {
            code: "no_revenue_goals_matching",
            text: "None of the goals asked for has a currency.".into(),
        },
    };
    let warned = question.metrics.iter().filter(|metric| metric.is_revenue());
    warned.map(|metric| (*metric, warning.clone())).collect()
}

/// The numbers lack the days before `first` (since 1970): the events of those days have no ids.
fn cleared_warning(plan: &Plan, first: i64) -> Warning {
    let day = date_of(first).map_or_else(String::new, |day| day.to_string());
    let complete = if plan.needs_cleared {
        ""
    } else {
        " Pageviews and events are complete."
    };
    Warning {
        code: "ids_cleared",
        text: format!(
            "Counted from {day} on. The ids of earlier days are cleared, so the visits of their events are no longer known.{complete}"
        ),
    }
}

fn warning(visitors: Semantics, is_estimated: bool) -> Option<Warning> {
    let text = match visitors {
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
    Some(Warning {
        code: visitors.name(),
        text: text.into(),
    })
}
