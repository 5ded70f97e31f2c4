//! Goals: actions that a site counts as a success, as conditions on an event.
//!
//! Goals are stored elsewhere. Questions name them, and the parser looks the names up in the list
//! of the site. So a deleted goal is refused with its place and never counts as 0.
//!
//! A goal that one event key meets several times (a retry, a later engagement record of the same
//! page) is one conversion.

use std::sync::Arc;

use crate::sql::{Sql, Value};

/// An action of a visitor.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Goal {
    pub id: u64,
    /// Its name in filters and reports, unique within the site.
    pub name: String,
    pub kind: GoalKind,
    /// ISO 4217 code of its revenue. Amounts in another currency do not count.
    pub currency: Option<String>,
}

/// The action. A `pattern` is a path in which `*` matches anything except a slash, and `**`
/// anything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum GoalKind {
    /// A page was seen.
    Page { pattern: String },
    /// A custom event with one of the values for each of these properties.
    Event {
        name: String,
        props: Vec<(String, Vec<String>)>,
    },
    /// A page was scrolled at least this far, in percent of its height.
    Scroll { pattern: String, percent: u8 },
    /// A page was visible and focused for at least this time, in milliseconds.
    Engaged { pattern: String, ms: u32 },
}

impl Goal {
    /// Whether engagement records meet it. Other questions leave them out.
    pub fn is_met_by_engagement(&self) -> bool {
        matches!(
            self.kind,
            GoalKind::Scroll { .. } | GoalKind::Engaged { .. }
        )
    }

    /// Whether a row of events meets it: a `UInt8`.
    pub fn predicate(&self) -> Sql {
        let on_page = |pattern: &str| {
            Sql::text("match(path, ")
                .then(Value::Text(regex_of(pattern)))
                .then(")")
        };
        let number = |number: i64| Sql::value(Value::Number(number));
        match &self.kind {
            GoalKind::Page { pattern } => Sql::text("(name = 'pageview' AND ")
                .then(on_page(pattern))
                .then(")"),
            GoalKind::Event { name, props } => {
                // The two names that the tracker uses are never those of a custom event.
                let base = Sql::text("(name NOT IN ('pageview', 'engagement') AND name = ")
                    .then(Value::Text(name.clone()));
                let all = props.iter().fold(base, |sql, (property, values)| {
                    sql.then(" AND has(")
                        .then(Value::Texts(values.clone()))
                        .then(", props[")
                        .then(Value::Text(property.clone()))
                        .then("])")
                });
                all.then(")")
            }
            GoalKind::Scroll { pattern, percent } => {
                Sql::text("(name = 'engagement' AND scroll <= 100 AND scroll >= ")
                    .then(number(i64::from(*percent)))
                    .then(" AND ")
                    .then(on_page(pattern))
                    .then(")")
            }
            GoalKind::Engaged { pattern, ms } => {
                Sql::text("(name = 'engagement' AND engaged_ms >= ")
                    .then(number(i64::from(*ms)))
                    .then(" AND ")
                    .then(on_page(pattern))
                    .then(")")
            }
        }
    }
}

/// Whether a row meets any of the goals.
pub fn any(goals: &[Arc<Goal>]) -> Sql {
    let each = goals.iter().map(|goal| goal.predicate());
    Sql::text("(").then(Sql::join(each, " OR ")).then(")")
}

/// The names of the goals that a row meets, one row for each.
pub fn each_met(goals: &[Arc<Goal>]) -> Sql {
    let each = goals.iter().map(|goal| goal.predicate());
    Sql::text("arrayJoin(arrayFilter((goal, is_met) -> is_met, ")
        .then(names(goals))
        .then(", [")
        .then(Sql::join(each, ", "))
        .then("]))")
}

/// The names of all goals, one row for each: the base of conversion rates.
pub fn each(goals: &[Arc<Goal>]) -> Sql {
    Sql::text("arrayJoin(").then(names(goals)).then(")")
}

fn names(goals: &[Arc<Goal>]) -> Sql {
    let names = goals.iter().map(|goal| goal.name.clone());
    Value::Texts(names.collect()).into()
}

/// The pattern of a path as RE2.
fn regex_of(pattern: &str) -> String {
    let mut regex = String::from("^");
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('*') {
        regex.push_str(&regex::escape(before));
        (regex, rest) = match after.strip_prefix('*') {
            Some(after) => (regex + ".*", after),
            None => (regex + "[^/]*", after),
        };
    }
    regex + &regex::escape(rest) + "$"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stops_at_a_slash_and_two_do_not() {
        let matches = |pattern: &str, path: &str| {
            regex::Regex::new(&regex_of(pattern))
                .unwrap()
                .is_match(path)
        };
        for (pattern, path, is_met) in [
            ("/thanks", "/thanks", true),
            ("/thanks", "/thanks/", false),
            ("/thanks", "/no/thanks", false),
            ("/blog/*", "/blog/a", true),
            ("/blog/*", "/blog/a/b", false),
            ("/blog/**", "/blog/a/b", true),
            ("/*/done", "/shop/done", true),
            ("/a.c", "/abc", false),
            ("/(a|b)", "/a", false),
            ("***", "/any/thing", true),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern, path), is_met, "{pattern} on {path}");
        }
    }

    #[test]
    fn goal_values_are_bound_parameters() {
        let goal = Goal {
            id: 1,
            name: "x'".into(),
            kind: GoalKind::Event {
                name: "a' OR 1".into(),
                props: vec![("p'".into(), vec!["v'".into()])],
            },
            currency: None,
        };
        let statement = each_met(&[Arc::new(goal)]).finish();
        assert!(!statement.text.contains("a' OR 1"), "{}", statement.text);
        assert_eq!(statement.values.len(), 4);
    }
}
