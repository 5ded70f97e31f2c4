//! A question about a funnel and its report, as the JSON of `POST /api/v2/funnel`.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::object::refuse_unknown;
use super::{date_range, filter};
use crate::dimension::Dimension;
use crate::error::QueryError;
use crate::filter::Filter;
use crate::funnel::{
    Funnel, FunnelReport, STEP_NAME_CHARS_MAX, STEPS_MAX, STEPS_MIN, Step, StepOrder,
};
use crate::goal::Goal;

const KEYS: [&str; 6] = [
    "site_id",
    "date_range",
    "filters",
    "steps",
    "order",
    "dimensions",
];

/// Parses a question about a funnel of a site that has these goals.
///
/// # Errors
/// The first fault: unknown keys, too few or too many steps, a step without a condition or with a
/// condition that is not about a single event, a dimension that is not a property of visits.
pub fn parse(body: &Json, goals: &[Arc<Goal>]) -> Result<Funnel, QueryError> {
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
    let range = body
        .get("date_range")
        .ok_or_else(|| QueryError::invalid("#/date_range", "a date range is expected"))?;
    let range =
        date_range::parse(range).map_err(|fault| QueryError::invalid("#/date_range", fault.0))?;
    let filter = match body.get("filters") {
        None => Filter::All(Vec::new()),
        Some(filters) => filter::parse_all(filters, "#/filters", goals)?,
    };
    let order = match body.get("order").map(Json::as_str) {
        None | Some(Some("loose")) => StepOrder::Loose,
        Some(Some("strict")) => StepOrder::Strict,
        Some(_) => {
            return Err(QueryError::invalid(
                "#/order",
                "\"loose\" or \"strict\" is expected",
            ));
        }
    };
    Ok(Funnel {
        site,
        range,
        filter,
        steps: parse_steps(body.get("steps"), goals)?,
        order,
        dimension: parse_dimension(body.get("dimensions"))?,
        echo: body.clone(),
    })
}

/// The report as JSON.
pub fn render(report: &FunnelReport) -> Json {
    let rows = report.rows.iter().map(|row| {
        let dimensions: Vec<&String> = row.dimension.iter().collect();
        let visits = row.visits.as_deref();
        json!({
            "dimensions": dimensions,
            "visits": visits.map(|visits| visits[0]),
            "steps": steps(&report.funnel.steps, visits),
        })
    });
    let rows: Vec<Json> = rows.collect();
    let mut query = report.funnel.echo.clone();
    query.insert("date_range".into(), json!(report.period.to_iso()));
    let mut meta = json!({});
    if let Some(day) = report.ids_cleared_before {
        meta["ids_cleared_before"] = json!(day.to_string());
    }
    json!({ "results": rows, "meta": meta, "query": query })
}

/// `visits[0]` are all visits, `visits[n]` those that did the first n steps.
fn steps(steps: &[Step], visits: Option<&[u64]>) -> Vec<Json> {
    let step = |(index, step): (usize, &Step)| {
        let counts = visits.map(|visits| (visits[index], visits[index + 1], visits[1]));
        json!({
            "name": step.name,
            "visits": counts.map(|(_, here, _)| here),
            "dropped": counts.map(|(before, here, _)| before - here.min(before)),
            "step_rate": counts.map(|(before, here, _)| percent(here, before)),
            "conversion_rate": counts.map(|(_, here, first)| percent(here, first)),
        })
    };
    steps.iter().enumerate().map(step).collect()
}

/// Percent with one decimal; 0 where the whole is 0.
fn percent(part: u64, of: u64) -> f64 {
    if of == 0 {
        return 0.0;
    }
    (part as f64 / of as f64 * 1_000.0).round() / 10.0
}

fn parse_steps(value: Option<&Json>, goals: &[Arc<Goal>]) -> Result<Vec<Step>, QueryError> {
    let steps = match value {
        Some(Json::Array(steps)) if (STEPS_MIN..=STEPS_MAX).contains(&steps.len()) => steps,
        _ => {
            return Err(QueryError::invalid(
                "#/steps",
                format!("an array of {STEPS_MIN} to {STEPS_MAX} steps is expected"),
            ));
        }
    };
    let parse = |(index, step): (usize, &Json)| {
        let at = format!("#/steps/{index}");
        let Json::Object(step) = step else {
            return Err(QueryError::invalid(
                at,
                "an object with `filters` is expected",
            ));
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
                return Err(QueryError::invalid(
                    format!("{at}/name"),
                    format!("a text of 1 to {STEP_NAME_CHARS_MAX} characters is expected"),
                ));
            }
        };
        let at = format!("{at}/filters");
        let none = Json::Null;
        let filter = filter::parse_all(step.get("filters").unwrap_or(&none), &at, goals)?;
        let mut joins = Vec::new();
        filter.add_joins(&mut joins);
        if filter.is_empty()
            || filter.has_behaviour()
            || filter.is_met_by_engagement()
            || !joins.is_empty()
        {
            return Err(QueryError::invalid(
                at,
                "a step is a condition on one page or event, such as [[\"is\", \"event:page\", [\"/cart\"]]]; how long or how far a page was read can't be a step",
            ));
        }
        Ok(Step { name, filter })
    };
    steps.iter().enumerate().map(parse).collect()
}

fn parse_dimension(value: Option<&Json>) -> Result<Option<Dimension>, QueryError> {
    let expected = || {
        QueryError::invalid(
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

    fn parse_with(change: impl FnOnce(&mut Json)) -> Result<Funnel, String> {
        let page = |path: &str| json!({"filters": [["is", "event:page", [path]]]});
        let mut body = json!({
            "site_id": "a", "date_range": "7d", "steps": [page("/"), page("/cart")],
        });
        change(&mut body);
        super::parse(&body, &[]).map_err(|error| error.at().unwrap_or_default().to_owned())
    }

    #[test]
    fn steps_are_numbered_where_they_have_no_name() {
        let funnel = parse_with(|body| body["steps"][1]["name"] = json!("Cart")).expect("sound");
        let names: Vec<&str> = funnel.steps.iter().map(|step| step.name.as_str()).collect();
        assert_eq!(names, ["1", "Cart"]);
        assert_eq!(funnel.order, StepOrder::Loose);
    }

    #[test]
    fn an_invalid_funnel_question_is_refused_with_its_place() {
        let check = |change: &dyn Fn(&mut Json), at: &str| {
            assert_eq!(parse_with(change).expect_err("refused"), at);
        };
        let step = json!({"filters": [["is", "event:page", ["/"]]]});
        check(&|body| body["steps"] = json!([step]), "#/steps");
        check(
            &|body| body["steps"] = json!(vec![step.clone(); STEPS_MAX + 1]),
            "#/steps",
        );
        assert!(parse_with(|body| body["steps"] = json!(vec![step.clone(); STEPS_MAX])).is_ok());
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
