//! Filters: from the contract's nested arrays to a predicate over one row of events.
//!
//! Duty: parse the whole grammar, refuse what can't be meant with the place of the fault, and give
//! the predicate as [`Sql`] whose every value is bound. Filters compare with a dimension's text as
//! it is shown. Bounds are constants here; each has a test. Not here: which rows a predicate is
//! applied to (`plan`).

use std::sync::Arc;

use serde_json::Value as Json;

use crate::dimension::{Dimension, GOAL, Join, VisitDimension};
use crate::goal::{self, Goal};
use crate::question::Fault;
use crate::sql::{Sql, Value};

/// Filters inside filters.
pub const DEPTH_MAX: usize = 8;
/// Comparisons in one query.
pub const COMPARISONS_MAX: usize = 100;
/// Values of one `is`.
pub const VALUES_MAX: usize = 1_000;
/// Values of one `contains`; the server's search for many needles takes 255.
pub const NEEDLES_MAX: usize = 250;
/// Patterns of one `matches`.
pub const PATTERNS_MAX: usize = 20;
/// Bytes of a value.
pub const VALUE_BYTES_MAX: usize = 2_000;
/// Bytes of a pattern.
pub const PATTERN_BYTES_MAX: usize = 500;
/// Memory of a compiled pattern: `(a{1000}){1000}` is short and huge.
const PATTERN_PROGRAM_BYTES_MAX: usize = 1 << 20;

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
    /// has none. Events without a visitor meet neither.
    Behaviour {
        done: bool,
        what: Box<Filter>,
    },
}

/// One dimension against values, of which one has to match.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    pub dimension: Dimension,
    pub operator: Operator,
    /// Whether the outcome is turned round: `is_not`, `contains_not`, `matches_not`.
    pub negated: bool,
    pub values: Vec<String>,
    pub case_sensitive: bool,
}

/// How a comparison compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Is,
    Contains,
    /// RE2, found anywhere in the text.
    Matches,
}

const OPERATORS: [(&str, Operator, bool); 6] = [
    ("is", Operator::Is, false),
    ("is_not", Operator::Is, true),
    ("contains", Operator::Contains, false),
    ("contains_not", Operator::Contains, true),
    ("matches", Operator::Matches, false),
    ("matches_not", Operator::Matches, true),
];

const FORMS: &str = "a filter is [operator, dimension, [values]], [\"and\" or \"or\", [filters]], [\"not\", filter] or \
     [\"has_done\" or \"has_not_done\", filter]";

impl Filter {
    /// Parses the list under `filters`, all of whose members have to hold.
    ///
    /// # Errors
    /// A [`Fault`] at the member that can't be read: unknown operator or dimension, wrong shape, a
    /// bound exceeded, a pattern that is no RE2, `has_done` inside another or about visits.
    pub fn parse_all(value: &Json, at: &str, goals: &[Arc<Goal>]) -> Result<Self, Fault> {
        let mut parsing = Parsing {
            comparisons: 0,
            goals: Some(goals),
        };
        parse_list(value, at, 0, &mut parsing, false).map(Filter::All)
    }

    /// Whether a list of filters can be kept for later: as [`Self::parse_all`], but a goal that
    /// does not exist is none of its business, since it may come and go.
    ///
    /// # Errors
    /// Those of [`Self::parse_all`].
    pub fn check_all(value: &Json, at: &str) -> Result<(), Fault> {
        let mut parsing = Parsing {
            comparisons: 0,
            goals: None,
        };
        parse_list(value, at, 0, &mut parsing, false).map(drop)
    }

    /// Whether it asks about single events or about a visitor's other events, and not only about
    /// whole visits.
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

    /// Whether there is no condition in it.
    pub fn is_empty(&self) -> bool {
        matches!(self, Filter::All(filters) if filters.is_empty())
    }

    /// Whether it asks for a visitor's other events.
    pub fn has_behaviour(&self) -> bool {
        match self {
            Filter::All(filters) | Filter::Any(filters) => filters.iter().any(Self::has_behaviour),
            Filter::Not(filter) => filter.has_behaviour(),
            Filter::Compare(_) | Filter::Goal(_) => false,
            Filter::Behaviour { .. } => true,
        }
    }

    /// Whether it names a property of visits.
    pub fn is_about_visits(&self) -> bool {
        self.has_dimension(&|dimension| matches!(dimension, Dimension::Visit(_)))
    }

    /// Whether one of its comparisons is about such a dimension.
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

    /// The goals that an event has to meet one of; none if that is not asked.
    pub fn goals(&self) -> Option<&[Arc<Goal>]> {
        match self {
            Filter::All(filters) => filters.iter().find_map(Self::goals),
            Filter::Goal(goals) => Some(goals),
            _ => None,
        }
    }

    /// Whether engagement records can meet it, which are no events to other filters.
    pub fn is_met_by_engagement(&self) -> bool {
        let mut goals = self.goals().into_iter().flatten();
        goals.any(|goal| goal.is_met_by_engagement())
    }

    /// The conditions at the top but those on goals and properties.
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

    /// Whether a property is asked for elsewhere than at the top.
    pub fn has_nested_property(&self) -> bool {
        let is_property = |dimension: &Dimension| matches!(dimension, Dimension::Property(_));
        match self {
            Filter::All(filters) => filters.iter().any(|filter| {
                !matches!(filter, Filter::Compare(_)) && filter.has_dimension(&is_property)
            }),
            other => other.has_dimension(&is_property),
        }
    }

    /// Adds the tables that the predicate needs; those of a behaviour's condition are its own.
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

    /// The predicate over a row. `column` gives a dimension's expression, `visitors` the statement
    /// that lists the visitors who have an event that meets a condition.
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
        // Not `NOT x`: some of these functions give a number that is not a truth value by type.
        Sql::text("(")
            .then(test)
            .then(if self.negated { ") = 0" } else { ") != 0" })
    }
}

fn parse_list(
    value: &Json,
    at: &str,
    depth: usize,
    parsing: &mut Parsing<'_>,
    in_behaviour: bool,
) -> Result<Vec<Filter>, Fault> {
    let Json::Array(members) = value else {
        return Err(Fault::new(at, "an array of filters is expected"));
    };
    let parse = |(index, member): (usize, &Json)| {
        parse_one(
            member,
            &format!("{at}/{index}"),
            depth,
            parsing,
            in_behaviour,
        )
    };
    members.iter().enumerate().map(parse).collect()
}

fn parse_one(
    value: &Json,
    at: &str,
    depth: usize,
    parsing: &mut Parsing<'_>,
    in_behaviour: bool,
) -> Result<Filter, Fault> {
    if depth >= DEPTH_MAX {
        return Err(Fault::new(
            at,
            format!("filters are nested more than {DEPTH_MAX} deep"),
        ));
    }
    let Json::Array(parts) = value else {
        return Err(Fault::new(at, FORMS));
    };
    let Some(Json::String(operator)) = parts.first() else {
        return Err(Fault::new(at, FORMS));
    };
    let only = |count: usize| match parts.get(count) {
        None if parts.len() == count => Ok(()),
        _ => Err(Fault::new(
            at,
            format!(
                "`{operator}` is followed by {} and nothing else",
                if count == 2 {
                    "one value"
                } else {
                    "two values"
                }
            ),
        )),
    };
    match operator.as_str() {
        "and" | "or" => {
            only(2)?;
            let filters = parse_list(
                &parts[1],
                &format!("{at}/1"),
                depth + 1,
                parsing,
                in_behaviour,
            )?;
            if filters.is_empty() {
                return Err(Fault::new(
                    format!("{at}/1"),
                    "at least one filter is expected",
                ));
            }
            Ok(if operator == "and" {
                Filter::All(filters)
            } else {
                Filter::Any(filters)
            })
        }
        "not" => {
            only(2)?;
            let filter = parse_one(
                &parts[1],
                &format!("{at}/1"),
                depth + 1,
                parsing,
                in_behaviour,
            )?;
            Ok(Filter::Not(Box::new(filter)))
        }
        "has_done" | "has_not_done" => {
            only(2)?;
            if in_behaviour {
                return Err(Fault::new(
                    at,
                    "has_done and has_not_done can't stand inside each other",
                ));
            }
            let what = parse_one(&parts[1], &format!("{at}/1"), depth + 1, parsing, true)?;
            Ok(Filter::Behaviour {
                done: operator == "has_done",
                what: Box::new(what),
            })
        }
        _ => {
            parsing.comparisons += 1;
            if parsing.comparisons > COMPARISONS_MAX {
                return Err(Fault::new(
                    at,
                    format!("more than {COMPARISONS_MAX} comparisons in one query"),
                ));
            }
            if parts.get(1).and_then(Json::as_str) == Some(GOAL) {
                let is_at_the_top = depth == 0 || (depth == 1 && in_behaviour);
                return parse_goal(operator, parts, at, is_at_the_top, parsing.goals);
            }
            parse_comparison(operator, parts, at, in_behaviour).map(Filter::Compare)
        }
    }
}

/// What is known and counted while a request's filters are parsed.
struct Parsing<'a> {
    comparisons: usize,
    /// The site's.
    /// `None` takes every goal's name for good.
    goals: Option<&'a [Arc<Goal>]>,
}

/// `event:goal`, whose values are settled against the site's goals.
fn parse_goal(
    operator: &str,
    parts: &[Json],
    at: &str,
    is_at_the_top: bool,
    goals: Option<&[Arc<Goal>]>,
) -> Result<Filter, Fault> {
    if !matches!(operator, "is" | "contains") {
        return Err(Fault::new(
            format!("{at}/0"),
            "event:goal takes `is` and `contains` only",
        ));
    }
    if !is_at_the_top {
        return Err(Fault::new(
            at,
            "event:goal can't stand inside `and`, `or` and `not`",
        ));
    }
    if parts.len() < 3 || parts.len() > 4 {
        return Err(Fault::new(
            at,
            "a comparison is [operator, dimension, [values]], with {\"case_sensitive\": bool} at the end or not",
        ));
    }
    let operator = if operator == "is" {
        Operator::Is
    } else {
        Operator::Contains
    };
    let case_sensitive = match parts.get(3) {
        None => true,
        Some(options) => parse_options(options, &format!("{at}/3"), operator)?,
    };
    let place = format!("{at}/2");
    let names = parse_texts(&parts[2], &place, operator)?;
    let Some(goals) = goals else {
        return Ok(Filter::Goal(Vec::new()));
    };
    let fold = |text: &str| {
        if case_sensitive {
            text.to_owned()
        } else {
            text.to_lowercase()
        }
    };
    let mut found: Vec<Arc<Goal>> = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let is_meant = |goal: &&Arc<Goal>| match operator {
            Operator::Is => fold(&goal.name) == fold(name),
            _ => fold(&goal.name).contains(&fold(name)),
        };
        let mut meant = goals.iter().filter(is_meant).peekable();
        if meant.peek().is_none() {
            return Err(Fault::new(
                format!("{place}/{index}"),
                "there is no such goal on this site",
            ));
        }
        for goal in meant {
            if !found.contains(goal) {
                found.push(goal.clone());
            }
        }
    }
    Ok(Filter::Goal(found))
}

fn parse_comparison(
    operator: &str,
    parts: &[Json],
    at: &str,
    in_behaviour: bool,
) -> Result<Comparison, Fault> {
    let Some(&(_, operator, negated)) = OPERATORS.iter().find(|row| row.0 == operator) else {
        let names = OPERATORS.iter().map(|row| row.0).chain([
            "and",
            "or",
            "not",
            "has_done",
            "has_not_done",
        ]);
        return Err(Fault::unknown(
            format!("{at}/0"),
            "operator",
            operator,
            names,
        ));
    };
    if parts.len() < 3 || parts.len() > 4 {
        return Err(Fault::new(
            at,
            "a comparison is [operator, dimension, [values]], with {\"case_sensitive\": bool} at the end or not",
        ));
    }
    let place = format!("{at}/1");
    let Json::String(name) = &parts[1] else {
        return Err(Fault::new(place, "the name of a dimension is expected"));
    };
    if name == "segment" {
        return Err(Fault::new(
            format!("{at}/2"),
            "there is no such saved filter on this site",
        ));
    }
    let Some(dimension) = Dimension::parse(name).filter(|dimension| dimension.bucket().is_none())
    else {
        let names = Dimension::names().filter(|name| !name.starts_with("time:"));
        return Err(Fault::unknown(place, "dimension", name, names));
    };
    if in_behaviour && !dimension.is_of_events() {
        return Err(Fault::new(
            place,
            "has_done and has_not_done ask about events: use a dimension that begins with event:",
        ));
    }
    let values = parse_values(&parts[2], &format!("{at}/2"), operator, &dimension)?;
    let case_sensitive = match parts.get(3) {
        None => true,
        Some(options) => parse_options(options, &format!("{at}/3"), operator)?,
    };
    Ok(Comparison {
        dimension,
        operator,
        negated,
        values,
        case_sensitive,
    })
}

fn parse_values(
    value: &Json,
    at: &str,
    operator: Operator,
    dimension: &Dimension,
) -> Result<Vec<String>, Fault> {
    let values = parse_texts(value, at, operator)?;
    let is_country =
        *dimension == Dimension::Visit(VisitDimension::Country) && operator == Operator::Is;
    let is_code = |text: &str| {
        text == "(not set)"
            || (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic()))
    };
    match values.iter().position(|text| is_country && !is_code(text)) {
        None => Ok(values),
        Some(index) => Err(Fault::new(
            format!("{at}/{index}"),
            "a country is its code of two letters, such as JP",
        )),
    }
}

fn parse_texts(value: &Json, at: &str, operator: Operator) -> Result<Vec<String>, Fault> {
    let Json::Array(members) = value else {
        return Err(Fault::new(at, "an array of values is expected"));
    };
    let count_max = match operator {
        Operator::Is => VALUES_MAX,
        Operator::Contains => NEEDLES_MAX,
        Operator::Matches => PATTERNS_MAX,
    };
    if members.is_empty() || members.len() > count_max {
        return Err(Fault::new(
            at,
            format!(
                "1 to {count_max} values are expected, not {}",
                members.len()
            ),
        ));
    }
    let mut values = Vec::with_capacity(members.len());
    for (index, member) in members.iter().enumerate() {
        let place = format!("{at}/{index}");
        let text = match member {
            Json::String(text) => text.clone(),
            Json::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
            _ => return Err(Fault::new(place, "a text is expected")),
        };
        let bytes_max = if operator == Operator::Matches {
            PATTERN_BYTES_MAX
        } else {
            VALUE_BYTES_MAX
        };
        if text.len() > bytes_max {
            return Err(Fault::new(place, format!("longer than {bytes_max} bytes")));
        }
        if text.contains('\0') {
            return Err(Fault::new(place, "a text can't hold the character U+0000"));
        }
        if operator == Operator::Contains && text.is_empty() {
            return Err(Fault::new(place, "every text contains the empty text"));
        }
        if operator == Operator::Matches {
            let compiled = regex::RegexBuilder::new(&text)
                .size_limit(PATTERN_PROGRAM_BYTES_MAX)
                .build();
            if let Err(error) = compiled {
                let message = match error {
                    regex::Error::CompiledTooBig(_) => "the pattern is too large",
                    _ => "not a valid RE2 pattern",
                };
                return Err(Fault::new(place, message));
            }
        }
        values.push(text);
    }
    Ok(values)
}

fn parse_options(value: &Json, at: &str, operator: Operator) -> Result<bool, Fault> {
    let Json::Object(options) = value else {
        return Err(Fault::new(
            at,
            "{\"case_sensitive\": true or false} is expected",
        ));
    };
    if operator == Operator::Matches {
        return Err(Fault::new(
            at,
            "a pattern says itself whether case matters: begin it with (?i)",
        ));
    }
    let mut case_sensitive = true;
    for (key, value) in options {
        match (key.as_str(), value) {
            ("case_sensitive", Json::Bool(yes)) => case_sensitive = *yes,
            ("case_sensitive", _) => {
                return Err(Fault::new(
                    format!("{at}/case_sensitive"),
                    "true or false is expected",
                ));
            }
            _ => {
                return Err(Fault::unknown(
                    format!("{at}/{key}"),
                    "key",
                    key,
                    ["case_sensitive"].into_iter(),
                ));
            }
        }
    }
    Ok(case_sensitive)
}
