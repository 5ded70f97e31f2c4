//! Filters: conditions on events, and their predicate in SQL.
//!
//! A filter compares with the text of a dimension as reports show it. Every value of the predicate
//! is bound. Which rows a predicate applies to is decided in `scan`.

use std::sync::Arc;

use crate::dimension::{Dimension, Join};
use crate::goal::{self, Goal};
use crate::sql::{Sql, Value};

/// A condition on events.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Compare(Comparison),
    /// The event meets one of these goals.
    Goal(Vec<Arc<Goal>>),
    /// The same visitor (of the same day) has an event in the period that meets the condition, or
    /// (`done` is false) has no such event. Events without a visitor meet neither.
    Behaviour {
        done: bool,
        what: Box<Filter>,
    },
}

/// A comparison of one dimension with values, at least one of which has to match.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    pub dimension: Dimension,
    pub operator: Operator,
    /// Whether the outcome is negated: `is_not`, `contains_not`, `matches_not`.
    pub negated: bool,
    pub values: Vec<String>,
    pub case_sensitive: bool,
}

/// The operator of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Is,
    Contains,
    /// An RE2 pattern that matches anywhere in the text.
    Matches,
}

impl Filter {
    /// Whether the filter is about single events or about other events of the visitor, not only
    /// about whole visits.
    pub fn is_about_events(&self) -> bool {
        match self {
            Filter::All(filters) | Filter::Any(filters) => {
                filters.iter().any(Self::is_about_events)
            }
            Filter::Not(filter) => filter.is_about_events(),
            Filter::Compare(comparison) => comparison.dimension.is_of_events(),
            Filter::Goal(_) | Filter::Behaviour { .. } => true,
        }
    }

    /// Whether the filter has no condition.
    pub fn is_empty(&self) -> bool {
        matches!(self, Filter::All(filters) if filters.is_empty())
    }

    /// Whether the filter is about other events of the visitor.
    pub fn has_behaviour(&self) -> bool {
        match self {
            Filter::All(filters) | Filter::Any(filters) => filters.iter().any(Self::has_behaviour),
            Filter::Not(filter) => filter.has_behaviour(),
            Filter::Compare(_) | Filter::Goal(_) => false,
            Filter::Behaviour { .. } => true,
        }
    }

    /// Whether the filter names a property of visits.
    pub fn is_about_visits(&self) -> bool {
        self.has_dimension(&|dimension| matches!(dimension, Dimension::Visit(_)))
    }

    /// Whether one of the comparisons is about such a dimension.
    pub fn has_dimension(&self, is_such: &dyn Fn(&Dimension) -> bool) -> bool {
        match self {
            Filter::All(filters) | Filter::Any(filters) => {
                filters.iter().any(|filter| filter.has_dimension(is_such))
            }
            Filter::Not(filter) | Filter::Behaviour { what: filter, .. } => {
                filter.has_dimension(is_such)
            }
            Filter::Compare(comparison) => is_such(&comparison.dimension),
            Filter::Goal(_) => false,
        }
    }

    /// Calls `each` with the dimension of every comparison.
    pub fn dimensions(&self, each: &mut dyn FnMut(&Dimension)) {
        match self {
            Filter::All(filters) | Filter::Any(filters) => {
                for filter in filters {
                    filter.dimensions(each);
                }
            }
            Filter::Not(filter) | Filter::Behaviour { what: filter, .. } => filter.dimensions(each),
            Filter::Compare(comparison) => each(&comparison.dimension),
            Filter::Goal(_) => {}
        }
    }

    /// The goals one of which an event has to meet; `None` for a filter without goals.
    pub fn goals(&self) -> Option<&[Arc<Goal>]> {
        match self {
            Filter::All(filters) => filters.iter().find_map(Self::goals),
            Filter::Goal(goals) => Some(goals),
            _ => None,
        }
    }

    /// Whether engagement records can meet the filter. Other filters ignore them.
    pub fn is_met_by_engagement(&self) -> bool {
        let mut goals = self.goals().into_iter().flatten();
        goals.any(|goal| goal.is_met_by_engagement())
    }

    /// The top-level conditions without those on goals and properties.
    #[must_use]
    pub fn without_goals(&self) -> Self {
        let narrows = |filter: &&Self| match filter {
            Filter::Goal(_) => false,
            Filter::Compare(comparison) => !matches!(comparison.dimension, Dimension::Property(_)),
            _ => true,
        };
        match self {
            Filter::All(filters) => Filter::All(filters.iter().filter(narrows).cloned().collect()),
            other => other.clone(),
        }
    }

    /// Whether a property is compared below the top level.
    pub fn has_nested_property(&self) -> bool {
        let is_property = |dimension: &Dimension| matches!(dimension, Dimension::Property(_));
        match self {
            Filter::All(filters) => filters.iter().any(|filter| {
                !matches!(filter, Filter::Compare(_)) && filter.has_dimension(&is_property)
            }),
            other => other.has_dimension(&is_property),
        }
    }

    /// Adds the tables that the predicate needs. A behaviour's condition is a statement of its own
    /// with its own tables.
    pub fn add_joins(&self, joins: &mut Vec<Join>) {
        match self {
            Filter::All(filters) | Filter::Any(filters) => {
                filters.iter().for_each(|filter| filter.add_joins(joins))
            }
            Filter::Not(filter) => filter.add_joins(joins),
            Filter::Compare(comparison) => joins.extend(comparison.dimension.join()),
            Filter::Goal(_) | Filter::Behaviour { .. } => {}
        }
    }

    /// The predicate over a row. `column` returns the expression of a dimension, `visitors` the
    /// statement that lists the visitors with an event that meets a condition.
    pub fn predicate(
        &self,
        column: &dyn Fn(&Dimension) -> Sql,
        visitors: &dyn Fn(&Filter) -> Sql,
    ) -> Sql {
        let each = |filters: &[Filter], operator: &'static str, none: &'static str| {
            if filters.is_empty() {
                return Sql::text(none);
            }
            let pieces = filters
                .iter()
                .map(|filter| filter.predicate(column, visitors));
            Sql::text("(").then(Sql::join(pieces, operator)).then(")")
        };
        match self {
            Filter::All(filters) => each(filters, " AND ", "true"),
            Filter::Any(filters) => each(filters, " OR ", "false"),
            Filter::Not(filter) => Sql::text("NOT ").then(filter.predicate(column, visitors)),
            Filter::Compare(comparison) => comparison.predicate(column(&comparison.dimension)),
            Filter::Goal(goals) => goal::any(goals),
            Filter::Behaviour { done, what } => {
                let test = if *done {
                    "(visitor != 0 AND visitor IN ("
                } else {
                    "(visitor != 0 AND visitor NOT IN ("
                };
                Sql::text(test).then(visitors(what)).then("))")
            }
        }
    }
}

impl Comparison {
    fn predicate(&self, column: Sql) -> Sql {
        let values = || Sql::value(Value::Texts(self.values.clone()));
        let folded = || {
            let lower = self
                .values
                .iter()
                .map(|value| value.to_lowercase())
                .collect();
            Sql::value(Value::Texts(lower))
        };
        let test = match (self.operator, self.case_sensitive) {
            (Operator::Is, true) => Sql::text("has(")
                .then(values())
                .then(", ")
                .then(column)
                .then(")"),
            (Operator::Is, false) => Sql::text("has(")
                .then(folded())
                .then(", lowerUTF8(")
                .then(column)
                .then("))"),
            (Operator::Contains, true) => Sql::text("multiSearchAny(")
                .then(column)
                .then(", ")
                .then(values())
                .then(")"),
            (Operator::Contains, false) => Sql::text("multiSearchAny(lowerUTF8(")
                .then(column)
                .then("), ")
                .then(folded())
                .then(")"),
            (Operator::Matches, _) => {
                let each = self.values.iter().map(|pattern| {
                    Sql::text("match(")
                        .then(column.clone())
                        .then(", ")
                        .then(Value::Text(pattern.clone()))
                        .then(")")
                });
                Sql::text("(").then(Sql::join(each, " OR ")).then(")")
            }
        };
        // Not `NOT x`: some of these functions return a number, which is not a truth value.
        Sql::text("(")
            .then(test)
            .then(if self.negated { ") = 0" } else { ") != 0" })
    }
}
