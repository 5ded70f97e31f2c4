//! Funnels: how many visits came how far through two to eight steps.
//!
//! Duty: read a question about a funnel, plan its one statement, and word its answer. A step is a
//! condition on one event, in the grammar of [`filter`](super::filter). The steps are taken in
//! order within a visit, each by an event of its own: in `loose` order with anything between them,
//! in `strict` order with no other page and no other event between. Visits belong to the period in
//! which they began. Pure; [`Answerer::funnel`](super::Answerer::funnel) runs it.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use crate::dimension::Dimension;
use crate::filter::Filter;
use crate::goal::Goal;
use crate::period::{DateRange, Period};
use crate::scan::Scope;
use crate::report::{RowFault, date_of};
use crate::question::{Fault, refuse_unknown};
use crate::sql::{Sql, Statement, Value};

/// Fewest and most steps.
pub const STEPS_MIN: usize = 2;
pub const STEPS_MAX: usize = 8;
/// Longest name of a step, characters.
pub const STEP_NAME_CHARS_MAX: usize = 120;
/// Rows of an answer with a dimension: the greatest.
pub const ROWS_MAX: i64 = 100;

/// A question about a funnel.
#[derive(Debug, Clone, PartialEq)]
pub struct Funnel {
    pub site: String,
    pub range: DateRange,
    /// Which visits are looked at.
    pub filter: Filter,
    pub steps: Vec<Step>,
    pub order: StepOrder,
    /// A property of visits to split by.
    pub dimension: Option<Dimension>,
    /// As it was asked, for the echo.
    asked: Map<String, Json>,
}

/// One step: what an event has to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// For the reader; the step's number when none is given.
    pub name: String,
    pub filter: Filter,
}

/// What may lie between two steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepOrder {
    /// Anything.
    Loose,
    /// No other page and no other event.
    Strict,
}

const KEYS: [&str; 6] = [
    "site_id",
    "date_range",
    "filters",
    "steps",
    "order",
    "dimensions",
];

impl Funnel {
    /// Reads a question; `goals` are the site's.
    ///
    /// # Errors
    /// The first [`Fault`] with its place: unknown keys, fewer or more steps than allowed, a step
    /// without a condition or with one that is not about a single event, a dimension that is not
    /// one of visits.
    pub fn parse(body: &Json, goals: &[Arc<Goal>]) -> Result<Self, Fault> {
        let Json::Object(body) = body else {
            return Err(Fault::new("#", "a JSON object is expected"));
        };
        let site = match body.get("site_id") {
            Some(Json::String(site)) if !site.is_empty() => site.clone(),
            _ => return Err(Fault::new("#/site_id", "the id of a site is expected")),
        };
        refuse_unknown(body, "#", &KEYS)?;
        let range = body
            .get("date_range")
            .ok_or_else(|| Fault::new("#/date_range", "a date range is expected"))?;
        let range = DateRange::parse(range).map_err(|fault| Fault::new("#/date_range", fault.0))?;
        let filter = match body.get("filters") {
            None => Filter::All(Vec::new()),
            Some(filters) => Filter::parse_all(filters, "#/filters", goals)?,
        };
        let order = match body.get("order").map(Json::as_str) {
            None | Some(Some("loose")) => StepOrder::Loose,
            Some(Some("strict")) => StepOrder::Strict,
            Some(_) => {
                return Err(Fault::new("#/order", "\"loose\" or \"strict\" is expected"));
            }
        };
        Ok(Self {
            site,
            range,
            filter,
            steps: parse_steps(body.get("steps"), goals)?,
            order,
            dimension: parse_dimension(body.get("dimensions"))?,
            asked: body.clone(),
        })
    }

    /// The statement; a row of its answer is the dimension's value, if there is one, and the visits
    /// by step: all, then those that did the first, the first two …
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

    /// The body of an answer.
    ///
    /// # Errors
    /// A row that is not what the statement gives.
    pub fn report(&self, lines: &[u8], period: &Period) -> Result<Json, RowFault> {
        let lines = lines
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        let mut results = Vec::new();
        for (index, line) in lines.enumerate() {
            let fault = RowFault { index };
            let row: Vec<Json> = serde_json::from_slice(line).map_err(|_| fault)?;
            let (dimensions, visits) = match (self.dimension.is_some(), row.as_slice()) {
                (false, [visits]) => (Vec::new(), visits),
                (true, [value, visits]) => (vec![value.clone()], visits),
                _ => return Err(RowFault { index }),
            };
            let visits: Option<Vec<u64>> = visits
                .as_array()
                .map(|each| each.iter().map(Json::as_u64).collect())
                .unwrap_or_default();
            let mut visits = visits.ok_or(RowFault { index })?;
            // No visit at all is an empty sum.
            visits.resize(self.steps.len() + 1, 0);
            results.push(json!({
                "dimensions": dimensions,
                "visits": visits[0],
                "steps": self.steps(&visits),
            }));
        }
        let mut query = self.asked.clone();
        query.insert("date_range".into(), json!(period.to_iso()));
        Ok(json!({ "results": results, "meta": {}, "query": query }))
    }

    /// `visits[0]` is all visits, `visits[n]` those that did the first n steps.
    fn steps(&self, visits: &[u64]) -> Vec<Json> {
        let step = |(index, step): (usize, &Step)| {
            let (before, here) = (visits[index], visits[index + 1]);
            json!({
                "name": step.name,
                "visits": here,
                "dropped": before - here.min(before),
                "step_rate": percent(here, before),
                "conversion_rate": percent(here, visits[1]),
            })
        };
        self.steps.iter().enumerate().map(step).collect()
    }
}

/// Says from which day on (since 1970) visits are counted: of earlier ones it is no longer known
/// which events they are made of. Where the whole period lies before, numbers are null and not
/// zero.
pub fn warn_of_cleared_ids(body: &mut Json, period: &Period, first: i64) {
    let day = date_of(first).map_or_else(String::new, |day| day.to_string());
    body["meta"]["ids_cleared_before"] = json!(day);
    if period.day_after() > first {
        return;
    }
    let rows = body["results"].as_array_mut().into_iter().flatten();
    for row in rows {
        row["visits"] = Json::Null;
        for step in row["steps"].as_array_mut().into_iter().flatten() {
            for number in ["visits", "dropped", "step_rate", "conversion_rate"] {
                step[number] = Json::Null;
            }
        }
    }
}

/// Percent to one decimal; of nothing it is 0.
fn percent(part: u64, of: u64) -> f64 {
    if of == 0 {
        return 0.0;
    }
    (part as f64 / of as f64 * 1_000.0).round() / 10.0
}

fn parse_steps(value: Option<&Json>, goals: &[Arc<Goal>]) -> Result<Vec<Step>, Fault> {
    let steps = match value {
        Some(Json::Array(steps)) if (STEPS_MIN..=STEPS_MAX).contains(&steps.len()) => steps,
        _ => {
            return Err(Fault::new(
                "#/steps",
                format!("an array of {STEPS_MIN} to {STEPS_MAX} steps is expected"),
            ));
        }
    };
    let parse = |(index, step): (usize, &Json)| {
        let at = format!("#/steps/{index}");
        let Json::Object(step) = step else {
            return Err(Fault::new(at, "an object with `filters` is expected"));
        };
        refuse_unknown(step, &at, &["name", "filters"])?;
        let name = match step.get("name") {
            None => (index + 1).to_string(),
            Some(Json::String(name))
                if !name.is_empty() && name.chars().count() <= STEP_NAME_CHARS_MAX =>
            {
                name.clone()
            }
            Some(_) => {
                return Err(Fault::new(
                    format!("{at}/name"),
                    format!("a text of 1 to {STEP_NAME_CHARS_MAX} characters is expected"),
                ));
            }
        };
        let at = format!("{at}/filters");
        let none = Json::Null;
        let filter = Filter::parse_all(step.get("filters").unwrap_or(&none), &at, goals)?;
        let mut joins = Vec::new();
        filter.add_joins(&mut joins);
        if filter.is_empty()
            || filter.has_behaviour()
            || filter.is_met_by_engagement()
            || !joins.is_empty()
        {
            return Err(Fault::new(
                at,
                "a step is a condition on one page or event, such as [[\"is\", \"event:page\", [\"/cart\"]]]; how long or far a page was read is none",
            ));
        }
        Ok(Step { name, filter })
    };
    steps.iter().enumerate().map(parse).collect()
}

fn parse_dimension(value: Option<&Json>) -> Result<Option<Dimension>, Fault> {
    let expected = || {
        Fault::new(
            "#/dimensions",
            "an array of at most one property of visits, such as [\"visit:source\"], is expected",
        )
    };
    let names = match value {
        None => return Ok(None),
        Some(Json::Array(names)) => names,
        Some(_) => return Err(expected()),
    };
    match names.as_slice() {
        [] => Ok(None),
        [Json::String(name)] => match Dimension::parse(name) {
            Some(dimension @ Dimension::Visit(_)) => Ok(Some(dimension)),
            _ => Err(expected()),
        },
        _ => Err(expected()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(change: impl FnOnce(&mut Json)) -> Result<Funnel, String> {
        let page = |path: &str| json!({"filters": [["is", "event:page", [path]]]});
        let mut body = json!({
            "site_id": "a", "date_range": "7d", "steps": [page("/"), page("/cart")],
        });
        change(&mut body);
        Funnel::parse(&body, &[]).map_err(|fault| fault.at)
    }

    #[test]
    fn steps_are_numbered_where_they_have_no_name() {
        let funnel = parse(|body| body["steps"][1]["name"] = json!("Cart")).expect("sound");
        let names: Vec<&str> = funnel.steps.iter().map(|step| step.name.as_str()).collect();
        assert_eq!(names, ["1", "Cart"]);
        assert_eq!(funnel.order, StepOrder::Loose);
    }

    #[test]
    fn an_invalid_funnel_question_is_refused_with_its_place() {
        let check = |change: &dyn Fn(&mut Json), at: &str| {
            assert_eq!(parse(change).expect_err("refused"), at);
        };
        let step = json!({"filters": [["is", "event:page", ["/"]]]});
        check(&|body| body["steps"] = json!([step]), "#/steps");
        check(
            &|body| body["steps"] = json!(vec![step.clone(); STEPS_MAX + 1]),
            "#/steps",
        );
        assert!(parse(|body| body["steps"] = json!(vec![step.clone(); STEPS_MAX])).is_ok());
        check(&|body| body["steps"][0] = json!("/"), "#/steps/0");
        check(&|body| body["steps"][0] = json!({}), "#/steps/0/filters");
        check(
            &|body| body["steps"][0]["filters"] = json!([]),
            "#/steps/0/filters",
        );
        check(
            &|body| body["steps"][1]["page"] = json!("/"),
            "#/steps/1/page",
        );
        check(
            &|body| body["steps"][1]["name"] = json!(""),
            "#/steps/1/name",
        );
        let long = "n".repeat(STEP_NAME_CHARS_MAX + 1);
        check(
            &|body| body["steps"][1]["name"] = json!(long),
            "#/steps/1/name",
        );
        let done = json!([["has_done", ["is", "event:name", ["Signup"]]]]);
        check(
            &|body| body["steps"][1]["filters"] = done.clone(),
            "#/steps/1/filters",
        );
        let next = json!([["is", "event:next_page", ["/"]]]);
        check(
            &|body| body["steps"][1]["filters"] = next.clone(),
            "#/steps/1/filters",
        );
        check(&|body| body["order"] = json!("any"), "#/order");
        check(
            &|body| body["dimensions"] = json!(["event:page"]),
            "#/dimensions",
        );
        check(
            &|body| body["dimensions"] = json!(["visit:source", "visit:country"]),
            "#/dimensions",
        );
        check(&|body| body["metrics"] = json!(["visits"]), "#/metrics");
        check(&|body| body["date_range"] = json!("soon"), "#/date_range");
        check(&|body| body["site_id"] = json!(7), "#/site_id");
    }

    #[test]
    fn rates_of_nothing_are_zero_and_others_have_one_decimal() {
        assert_eq!(percent(0, 0).to_bits(), 0.0_f64.to_bits());
        assert!((percent(1, 3) - 33.3).abs() < 1e-9);
        assert!((percent(3, 3) - 100.0).abs() < 1e-9);
    }
}
