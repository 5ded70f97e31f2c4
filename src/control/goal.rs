//! Goals: actions that a site counts as a success. This module holds their shape and rules; the
//! crate `sillage_query` turns them into SQL.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::control::invalid::InvalidObject;
use crate::control::person::check_name;

/// Most bytes of a page pattern.
pub const PATTERN_BYTES_MAX: usize = 200;
/// Most stars of a page pattern. Each may make a match scan the path once more.
pub const STARS_MAX: usize = 8;
/// Most bytes of an event's name.
pub const EVENT_BYTES_MAX: usize = 120;
/// Most properties of an event goal, and most values of each.
pub const PROPS_MAX: usize = 5;
pub const VALUES_MAX: usize = 20;
/// Most bytes of a property's name or value.
pub const PROP_BYTES_MAX: usize = 200;
/// Most seconds of an engagement goal.
pub const ENGAGED_S_MAX: u32 = 2 * 3_600;

/// A goal of a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// Value of the dimension `event:goal`. Unique on the site.
    pub name: String,
    pub achieved_by: Achievement,
    /// ISO 4217 code. An event goal with a currency sums revenue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
}

/// What must happen in a visit. In a `pattern`, `*` matches anything within a path segment, and
/// `**` matches anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Achievement {
    /// A page is viewed.
    Page { pattern: String },
    /// A custom event is sent. Each property in `props` must have one of its values.
    Event {
        name: String,
        #[serde(default)]
        props: BTreeMap<String, Vec<String>>,
    },
    /// A page is scrolled to at least this share of its height.
    Scroll { pattern: String, percent: u8 },
    /// A page is engaged with for at least these seconds.
    Engagement { pattern: String, seconds: u32 },
}

impl Goal {
    /// Checks the rules for goals.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self) -> Result<(), InvalidObject> {
        let require = |holds: bool, rule: &str| {
            if holds {
                Ok(())
            } else {
                Err(InvalidObject(rule.to_owned()))
            }
        };
        check_name(&self.name).map_err(|error| InvalidObject(error.to_string()))?;
        if let Some(currency) = &self.currency {
            let is_code = currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase());
            require(is_code, "currency: three letters such as EUR are expected")?;
            let is_event = matches!(self.achieved_by, Achievement::Event { .. });
            require(is_event, "currency: only goals of kind event have revenue")?;
        }
        match &self.achieved_by {
            Achievement::Page { pattern } => check_pattern(pattern),
            Achievement::Scroll { pattern, percent } => {
                check_pattern(pattern)?;
                require((1..=100).contains(percent), "percent: 1 to 100 is expected")
            }
            Achievement::Engagement { pattern, seconds } => {
                check_pattern(pattern)?;
                require(
                    (1..=ENGAGED_S_MAX).contains(seconds),
                    "seconds: 1 to 7200 is expected",
                )
            }
            Achievement::Event { name, props } => {
                let is_custom = !["pageview", "engagement"].contains(&name.as_str());
                require(is_custom, "achieved_by.name: a custom event is expected")?;
                let is_short = |text: &str, bytes_max| (1..=bytes_max).contains(&text.len());
                require(
                    is_short(name, EVENT_BYTES_MAX) && !name.chars().any(char::is_control),
                    "achieved_by.name: 1 to 120 bytes are expected",
                )?;
                require(props.len() <= PROPS_MAX, "props: at most 5 are expected")?;
                require(
                    props.iter().all(|(name, values)| {
                        is_short(name, PROP_BYTES_MAX)
                            && (1..=VALUES_MAX).contains(&values.len())
                            && values.iter().all(|value| value.len() <= PROP_BYTES_MAX)
                    }),
                    "props: a name and 1 to 20 values of at most 200 bytes each are expected",
                )
            }
        }
    }
}

fn check_pattern(pattern: &str) -> Result<(), InvalidObject> {
    let fault = |rule: &str| Err(InvalidObject(rule.to_owned()));
    if !pattern.starts_with(['/', '*']) {
        return fault("pattern: a path such as /blog/** is expected");
    }
    if pattern.len() > PATTERN_BYTES_MAX {
        return fault("pattern: at most 200 bytes are expected");
    }
    if pattern.chars().any(char::is_control) {
        return fault("pattern: control characters are not allowed");
    }
    if pattern.matches('*').count() > STARS_MAX {
        return fault("pattern: at most 8 stars are expected");
    }
    if pattern.contains("***") {
        return fault("pattern: more than two stars in a row are not allowed");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value as Json, json};

    fn check(achieved_by: Json, currency: Option<&str>) -> Result<(), String> {
        let goal = json!({"name": "x", "achieved_by": achieved_by, "currency": currency});
        let goal: Goal = serde_json::from_value(goal).map_err(|error| error.to_string())?;
        goal.check().map_err(|fault| fault.to_string())
    }

    #[test]
    fn valid_goals_are_accepted_and_read_back_unchanged() {
        for achieved_by in [
            json!({"kind": "page", "pattern": "/thanks"}),
            json!({"kind": "page", "pattern": "/blog/*/comments/**"}),
            json!({"kind": "event", "name": "Signup", "props": {}}),
            json!({"kind": "event", "name": "Signup", "props": {"plan": ["pro", "team"]}}),
            json!({"kind": "scroll", "pattern": "/", "percent": 100}),
            json!({"kind": "engagement", "pattern": "**", "seconds": 7_200}),
        ] {
            assert_eq!(check(achieved_by.clone(), None), Ok(()), "{achieved_by}");
            let read: Achievement = serde_json::from_value(achieved_by.clone()).expect("read");
            assert_eq!(serde_json::to_value(read).expect("written"), achieved_by);
        }
        assert_eq!(
            check(json!({"kind": "event", "name": "Order"}), Some("JPY")),
            Ok(())
        );
    }

    #[test]
    fn invalid_and_oversized_goals_are_refused() {
        let page = |pattern: &str| json!({"kind": "page", "pattern": pattern});
        let long = |length: usize| format!("/{}", "x".repeat(length - 1));
        assert_eq!(check(page(&long(PATTERN_BYTES_MAX)), None), Ok(()));
        assert_eq!(check(page(&"/*".repeat(STARS_MAX)), None), Ok(()));
        let props = |count: usize, values: usize| {
            let props: BTreeMap<String, Vec<String>> = (0..count)
                .map(|n| (n.to_string(), vec!["v".into(); values]))
                .collect();
            json!({"kind": "event", "name": "x", "props": props})
        };
        assert_eq!(check(props(PROPS_MAX, VALUES_MAX), None), Ok(()));
        for (achieved_by, rule) in [
            (page(""), "path"),
            (page("thanks"), "path"),
            (page("https://example.com/"), "path"),
            (page(&long(PATTERN_BYTES_MAX + 1)), "200 bytes"),
            (page(&"/*".repeat(STARS_MAX + 1)), "8 stars"),
            (page("/***"), "in a row"),
            (page("/a\nb"), "control"),
            (json!({"kind": "event", "name": ""}), "120 bytes"),
            (
                json!({"kind": "event", "name": "x".repeat(121)}),
                "120 bytes",
            ),
            (json!({"kind": "event", "name": "pageview"}), "custom"),
            (props(PROPS_MAX + 1, 1), "at most 5"),
            (props(1, VALUES_MAX + 1), "1 to 20"),
            (props(1, 0), "1 to 20"),
            (
                json!({"kind": "scroll", "pattern": "/", "percent": 0}),
                "1 to 100",
            ),
            (
                json!({"kind": "scroll", "pattern": "/", "percent": 101}),
                "1 to 100",
            ),
            (
                json!({"kind": "engagement", "pattern": "/", "seconds": 0}),
                "7200",
            ),
            (
                json!({"kind": "engagement", "pattern": "/", "seconds": 7_201}),
                "7200",
            ),
        ] {
            let fault = check(achieved_by.clone(), None).expect_err("refused");
            assert!(fault.contains(rule), "{achieved_by}: {fault}");
        }
        for currency in ["", "eur", "EURO", "E1R"] {
            assert!(check(json!({"kind": "event", "name": "x"}), Some(currency)).is_err());
        }
        assert!(check(page("/"), Some("EUR")).is_err());
    }
}
