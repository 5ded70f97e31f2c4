//! `filters` of a question: nested arrays.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::dimension::{Dimension, GOAL, VisitDimension};
use crate::error::QueryError;
use crate::filter::{Comparison, Filter, Operator};
use crate::goal::Goal;

/// Depth of filters inside filters.
pub const DEPTH_MAX: usize = 8;
/// Comparisons in one question.
pub const COMPARISONS_MAX: usize = 100;
/// Values of one `is`.
pub const VALUES_MAX: usize = 1_000;
/// Values of one `contains`; ClickHouse's search for many needles takes up to 255.
pub const NEEDLES_MAX: usize = 250;
/// Patterns of one `matches`.
pub const PATTERNS_MAX: usize = 20;
/// Bytes of a value.
pub const VALUE_BYTES_MAX: usize = 2_000;
/// Bytes of a pattern.
pub const PATTERN_BYTES_MAX: usize = 500;
/// Memory of a compiled pattern: `(a{1000}){1000}` is a short text with a huge program.
const PATTERN_PROGRAM_BYTES_MAX: usize = 1 << 20;

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

const COMPARISON_FORM: &str = "a comparison is [operator, dimension, [values]], optionally with {\"case_sensitive\": bool} at the end";

/// Parses a list of filters, all of which have to hold.
///
/// # Errors
/// The first member that can't be read: an unknown operator or dimension, a wrong shape, a bound
/// exceeded, a pattern that is not valid RE2, or a `has_done` inside another or about visits.
pub fn parse_all(value: &Json, at: &str, goals: &[Arc<Goal>]) -> Result<Filter, QueryError> {
    let mut parsing = Parsing {
        comparisons: 0,
        goals: Some(goals),
    };
    parse_list(value, at, 0, &mut parsing, false).map(Filter::All)
}

/// Checks a list of filters that is stored for later. Goals need not exist, because people add and
/// remove them.
///
/// # Errors
/// Those of [`parse_all`], except unknown goals.
pub fn check_all(value: &Json, at: &str) -> Result<(), QueryError> {
    let mut parsing = Parsing {
        comparisons: 0,
        goals: None,
    };
    parse_list(value, at, 0, &mut parsing, false).map(drop)
}

fn parse_list(
    value: &Json,
    at: &str,
    depth: usize,
    parsing: &mut Parsing<'_>,
    in_behaviour: bool,
) -> Result<Vec<Filter>, QueryError> {
    let Json::Array(members) = value else {
        return Err(QueryError::invalid(at, "an array of filters is expected"));
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
) -> Result<Filter, QueryError> {
    if depth >= DEPTH_MAX {
        return Err(QueryError::invalid(
            at,
            format!("filters are nested more than {DEPTH_MAX} deep"),
        ));
    }
    let Json::Array(parts) = value else {
        return Err(QueryError::invalid(at, FORMS));
    };
    let Some(Json::String(operator)) = parts.first() else {
        return Err(QueryError::invalid(at, FORMS));
    };
    let only = |count: usize| match parts.get(count) {
        None if parts.len() == count => Ok(()),
        _ => Err(QueryError::invalid(
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
                return Err(QueryError::invalid(
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
                return Err(QueryError::invalid(
                    at,
                    "has_done and has_not_done can't be nested in each other",
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
                return Err(QueryError::invalid(
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

/// State while the filters of a question are parsed.
struct Parsing<'a> {
    comparisons: usize,
    /// Goals of the site; `None` accepts every name.
    goals: Option<&'a [Arc<Goal>]>,
}

/// A comparison of `event:goal`, whose values name goals of the site.
fn parse_goal(
    operator: &str,
    parts: &[Json],
    at: &str,
    is_at_the_top: bool,
    goals: Option<&[Arc<Goal>]>,
) -> Result<Filter, QueryError> {
    if !matches!(operator, "is" | "contains") {
        return Err(QueryError::invalid(
            format!("{at}/0"),
            "event:goal takes `is` and `contains` only",
        ));
    }
    if !is_at_the_top {
        return Err(QueryError::invalid(
            at,
            "event:goal can't be used inside `and`, `or` and `not`",
        ));
    }
    if parts.len() < 3 || parts.len() > 4 {
        return Err(QueryError::invalid(at, COMPARISON_FORM));
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
            return Err(QueryError::invalid(
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
) -> Result<Comparison, QueryError> {
    let Some(&(_, operator, negated)) = OPERATORS.iter().find(|row| row.0 == operator) else {
        let names = OPERATORS.iter().map(|row| row.0).chain([
            "and",
            "or",
            "not",
            "has_done",
            "has_not_done",
        ]);
        return Err(QueryError::unknown(
            format!("{at}/0"),
            "operator",
            operator,
            names,
        ));
    };
    if parts.len() < 3 || parts.len() > 4 {
        return Err(QueryError::invalid(at, COMPARISON_FORM));
    }
    let place = format!("{at}/1");
    let Json::String(name) = &parts[1] else {
        return Err(QueryError::invalid(
            place,
            "the name of a dimension is expected",
        ));
    };
    if name == "segment" {
        return Err(QueryError::invalid(
            format!("{at}/2"),
            "there is no such saved filter on this site",
        ));
    }
    let Some(dimension) = Dimension::parse(name).filter(|dimension| dimension.bucket().is_none())
    else {
        let names = Dimension::names().filter(|name| !name.starts_with("time:"));
        return Err(QueryError::unknown(place, "dimension", name, names));
    };
    if in_behaviour && !dimension.is_of_events() {
        return Err(QueryError::invalid(
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
) -> Result<Vec<String>, QueryError> {
    let values = parse_texts(value, at, operator)?;
    let is_country =
        *dimension == Dimension::Visit(VisitDimension::Country) && operator == Operator::Is;
    let is_code = |text: &str| {
        text == "(not set)"
            || (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic()))
    };
    match values.iter().position(|text| is_country && !is_code(text)) {
        None => Ok(values),
        Some(index) => Err(QueryError::invalid(
            format!("{at}/{index}"),
            "a country is its code of two letters, such as JP",
        )),
    }
}

fn parse_texts(value: &Json, at: &str, operator: Operator) -> Result<Vec<String>, QueryError> {
    let Json::Array(members) = value else {
        return Err(QueryError::invalid(at, "an array of values is expected"));
    };
    let count_max = match operator {
        Operator::Is => VALUES_MAX,
        Operator::Contains => NEEDLES_MAX,
        Operator::Matches => PATTERNS_MAX,
    };
    if members.is_empty() || members.len() > count_max {
        return Err(QueryError::invalid(
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
            _ => return Err(QueryError::invalid(place, "a text is expected")),
        };
        let bytes_max = if operator == Operator::Matches {
            PATTERN_BYTES_MAX
        } else {
            VALUE_BYTES_MAX
        };
        if text.len() > bytes_max {
            return Err(QueryError::invalid(
                place,
                format!("longer than {bytes_max} bytes"),
            ));
        }
        if text.contains('\0') {
            return Err(QueryError::invalid(
                place,
                "a text can't hold the character U+0000",
            ));
        }
        if operator == Operator::Contains && text.is_empty() {
            return Err(QueryError::invalid(
                place,
                "the empty text matches every value; leave the filter out",
            ));
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
                return Err(QueryError::invalid(place, message));
            }
        }
        values.push(text);
    }
    Ok(values)
}

fn parse_options(value: &Json, at: &str, operator: Operator) -> Result<bool, QueryError> {
    let Json::Object(options) = value else {
        return Err(QueryError::invalid(
            at,
            "{\"case_sensitive\": true or false} is expected",
        ));
    };
    if operator == Operator::Matches {
        return Err(QueryError::invalid(
            at,
            "case_sensitive does not apply to patterns; begin the pattern with (?i) to ignore case",
        ));
    }
    let mut case_sensitive = true;
    for (key, value) in options {
        match (key.as_str(), value) {
            ("case_sensitive", Json::Bool(yes)) => case_sensitive = *yes,
            ("case_sensitive", _) => {
                return Err(QueryError::invalid(
                    format!("{at}/case_sensitive"),
                    "true or false is expected",
                ));
            }
            _ => {
                return Err(QueryError::unknown(
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
