//! Saved funnels: steps stored under a name. The crate `sillage_query` evaluates them.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::control::invalid::InvalidObject;
use crate::control::person::check_name;
use sillage_query::funnel::{STEP_NAME_CHARS_MAX, STEPS_MAX, STEPS_MIN};
use sillage_query::wire::filter;

/// A funnel of a site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Funnel {
    /// Unique on the site.
    pub name: String,
    #[serde(default)]
    pub order: Order,
    /// Two to eight, in order.
    pub steps: Vec<Step>,
}

/// What may happen between two steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Anything.
    #[default]
    Loose,
    /// No other page and no other event.
    Strict,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Conditions for the event, as in a query.
    pub filters: Vec<Json>,
}

impl Funnel {
    /// Checks the rules for funnels. A goal that a step names need not exist: it could also be
    /// removed later. A question with such a step is refused, and the error names the step.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self) -> Result<(), InvalidObject> {
        check_name(&self.name).map_err(|error| InvalidObject(error.to_string()))?;
        if !(STEPS_MIN..=STEPS_MAX).contains(&self.steps.len()) {
            return Err(InvalidObject(format!(
                "steps: {STEPS_MIN} to {STEPS_MAX} steps are expected"
            )));
        }
        for (index, step) in self.steps.iter().enumerate() {
            let at = format!("#/steps/{index}/filters");
            if step.filters.is_empty() {
                return Err(InvalidObject(format!("{at}: at least one is expected")));
            }
            let chars = step.name.as_ref().map_or(1, |name| name.chars().count());
            if !(1..=STEP_NAME_CHARS_MAX).contains(&chars) {
                return Err(InvalidObject(format!(
                    "#/steps/{index}/name: 1 to {STEP_NAME_CHARS_MAX} characters are expected"
                )));
            }
            let filters = Json::from(step.filters.clone());
            filter::check_all(&filters, &at).map_err(|fault| InvalidObject(fault.to_string()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(change: impl FnOnce(&mut Json)) -> Result<(), String> {
        let mut funnel = json!({"name": "Checkout", "steps": [
            {"name": "Cart", "filters": [["is", "event:page", ["/cart"]]]},
            {"filters": [["is", "event:goal", ["Order"]]]},
        ]});
        change(&mut funnel);
        let funnel: Funnel = serde_json::from_value(funnel).map_err(|error| error.to_string())?;
        funnel.check().map_err(|fault| fault.to_string())
    }

    #[test]
    fn a_valid_funnel_is_accepted() {
        assert_eq!(check(|_| {}), Ok(()));
        assert_eq!(check(|funnel| funnel["order"] = json!("strict")), Ok(()));
    }

    #[test]
    fn an_invalid_funnel_is_refused_and_the_error_names_the_step() {
        let step = json!({"filters": [["is", "event:page", ["/"]]]});
        let refused = |change: &dyn Fn(&mut Json), place: &str| {
            let fault = check(change).expect_err("refused");
            assert!(fault.contains(place), "{fault}");
        };
        refused(&|funnel| funnel["name"] = json!(""), "name");
        refused(&|funnel| funnel["order"] = json!("any"), "any");
        refused(&|funnel| funnel["steps"] = json!([step]), "steps");
        refused(
            &|funnel| funnel["steps"] = json!(vec![step.clone(); STEPS_MAX + 1]),
            "steps",
        );
        refused(
            &|funnel| funnel["steps"][1]["filters"] = json!([]),
            "#/steps/1/filters",
        );
        refused(
            &|funnel| funnel["steps"][1]["filters"] = json!([["is", "visit:nothing", ["a"]]]),
            "#/steps/1/filters",
        );
        refused(
            &|funnel| funnel["steps"][0]["name"] = json!(""),
            "#/steps/0/name",
        );
    }
}
