//! Filters that are allowed where small counts are protected, and their parts.
//!
//! A filter is read as a conjunction of *conditions*. Each condition is about one dimension, one
//! goal, or one thing that a visitor has done. Other filters are refused: for two conditions `A`
//! and `B`, the answers to `A`, to `B` and to `A or B` reveal the number of visitors who meet both,
//! however small it is. The same holds for `not` around several conditions.

use std::collections::BTreeSet;

use crate::dimension::{Dimension, GOAL};
use crate::error::QueryError;
use crate::filter::{Comparison, Filter, Operator};

/// Most conditions of a question. Each condition doubles the number of cells to count.
pub const CONDITIONS_MAX: usize = 4;

const WHY: &str = "small counts are protected, and one more answer would reveal a few visitors";

/// Refuses a filter that is not a conjunction of conditions. `by_goal` says that the answer has a
/// row for each goal.
///
/// # Errors
/// `or`, or `not` around several conditions, over different dimensions; `has_done` with more than
/// single values; several goals at once; more than [`CONDITIONS_MAX`] conditions.
pub fn refuse(filter: &Filter, by_goal: bool) -> Result<(), QueryError> {
    refuse_part(filter, by_goal)?;
    let of_several = |part: &Filter| !has_one_value(part);
    if conditions(filter).into_iter().filter(of_several).count() > 1 {
        return Err(QueryError::invalid(
            "#/filters",
            format!("only one dimension can have several values or patterns here: {WHY}"),
        ));
    }
    if conditions(filter).len() > CONDITIONS_MAX {
        let text = format!(
            "conditions on more than {CONDITIONS_MAX} dimensions can't be combined here: {WHY}"
        );
        return Err(QueryError::invalid("#/filters", text));
    }
    Ok(())
}

fn refuse_part(filter: &Filter, by_goal: bool) -> Result<(), QueryError> {
    let refused = |what: &str| {
        Err(QueryError::invalid(
            "#/filters",
            format!("{what} here: {WHY}"),
        ))
    };
    match filter {
        Filter::All(members) => members
            .iter()
            .try_for_each(|member| refuse_part(member, by_goal)),
        Filter::Any(members) => {
            if subjects(filter).len() > 1 {
                return refused("`or` over different dimensions can't be asked for");
            }
            members
                .iter()
                .try_for_each(|member| refuse_part(member, by_goal))
        }
        Filter::Not(inner) => {
            if subjects(filter).len() > 1 {
                return refused(
                    "`not` around different dimensions is an `or` and can't be asked for",
                );
            }
            refuse_part(inner, by_goal)
        }
        Filter::Behaviour { what, .. } => {
            if !is_of_single_values(what) {
                return refused(
                    "`has_done` and `has_not_done` take `is` with one value, and nothing else,",
                );
            }
            Ok(())
        }
        Filter::Goal(goals) if goals.len() > 1 && !by_goal => {
            refused("several goals at once can't be filtered by")
        }
        Filter::Goal(_) | Filter::Compare(_) => Ok(()),
    }
}

/// The subjects of the conditions of a filter.
fn subjects(filter: &Filter) -> BTreeSet<String> {
    match filter {
        Filter::All(members) | Filter::Any(members) => members.iter().flat_map(subjects).collect(),
        Filter::Not(inner) => subjects(inner),
        Filter::Compare(comparison) => [comparison.dimension.name()].into(),
        Filter::Goal(_) => [GOAL.to_owned()].into(),
        // Each is about other events of the visitor, so two of them are two conditions.
        Filter::Behaviour { what, .. } => [format!("has_done {what:?}")].into(),
    }
}

/// The conditions of a conjunction: one for each subject, with all comparisons about it.
pub fn conditions(filter: &Filter) -> Vec<Filter> {
    let mut found: Vec<(String, Vec<Filter>)> = Vec::new();
    let mut rest = vec![filter];
    while let Some(next) = rest.pop() {
        if let Filter::All(members) = next {
            rest.extend(members.iter().rev());
            continue;
        }
        for subject in subjects(next) {
            match found.iter_mut().find(|(known, _)| *known == subject) {
                Some((_, parts)) => parts.push(next.clone()),
                None => found.push((subject, vec![next.clone()])),
            }
        }
    }
    let one = |mut parts: Vec<Filter>| match parts.len() {
        1 => parts.remove(0),
        _ => Filter::All(parts),
    };
    found.into_iter().map(|(_, parts)| one(parts)).collect()
}

/// The conditions that are not about a dimension. The values of the dimension are counted among
/// the visitors who meet them.
pub fn context(filter: &Filter, dimension: &Dimension) -> Filter {
    let name = dimension.name();
    let others = conditions(filter).into_iter();
    Filter::All(
        others
            .filter(|part| !subjects(part).contains(&name))
            .collect(),
    )
}

/// The dimensions of events among its conditions, each with the other conditions.
pub fn event_contexts(filter: &Filter) -> Vec<(Dimension, Filter)> {
    let mut found: Vec<(Dimension, Filter)> = Vec::new();
    for part in conditions(filter) {
        if matches!(part, Filter::Behaviour { .. }) {
            continue;
        }
        part.dimensions(&mut |dimension| {
            if dimension.is_of_events() && !found.iter().any(|(known, _)| known == dimension) {
                found.push((dimension.clone(), context(filter, dimension)));
            }
        });
    }
    found
}

/// The cells of visitors who fail at least two conditions. Cells with fewer failed conditions are
/// differences between an answer and its neighbours.
pub fn cells(filter: &Filter) -> Vec<Filter> {
    let conditions = conditions(filter);
    let negated = |part: &Filter| Filter::Not(Box::new(part.clone()));
    (0_u32..1 << conditions.len().min(CONDITIONS_MAX))
        .filter(|failed| failed.count_ones() >= 2)
        .map(|failed| {
            let each = conditions.iter().enumerate().map(|(index, part)| {
                if failed >> index & 1 == 1 {
                    negated(part)
                } else {
                    part.clone()
                }
            });
            Filter::All(each.collect())
        })
        .collect()
}

/// Whether it has several conditions, and all conditions on a dimension name their values. Patterns
/// match whatever values exist.
pub fn names_values(filter: &Filter) -> bool {
    let conditions = conditions(filter);
    conditions.len() > 1 && conditions.iter().all(is_of_named_values)
}

fn is_of_named_values(part: &Filter) -> bool {
    match part {
        Filter::All(members) | Filter::Any(members) => members.iter().all(is_of_named_values),
        Filter::Not(inner) => is_of_named_values(inner),
        Filter::Compare(comparison) => comparison.operator == Operator::Is,
        Filter::Goal(_) | Filter::Behaviour { .. } => true,
    }
}

/// The dimensions for which a filter allows several values. A visitor can have two of them (two
/// pages, two sources). Beside the counts for each value, a count of distinct visitors over them
/// would reveal how many have both.
pub fn overlapping(filter: &Filter) -> Vec<Dimension> {
    let mut found = Vec::new();
    collect_overlapping(filter, &mut found);
    found
}

fn collect_overlapping(filter: &Filter, found: &mut Vec<Dimension>) {
    match filter {
        Filter::All(members) => members
            .iter()
            .for_each(|member| collect_overlapping(member, found)),
        Filter::Any(_) | Filter::Not(_) => filter.dimensions(&mut |dimension| {
            if !found.contains(dimension) {
                found.push(dimension.clone());
            }
        }),
        Filter::Compare(comparison) => {
            if !is_single(comparison) && !found.contains(&comparison.dimension) {
                found.push(comparison.dimension.clone());
            }
        }
        Filter::Goal(_) | Filter::Behaviour { .. } => {}
    }
}

/// Whether exactly one value meets it.
fn is_single(comparison: &Comparison) -> bool {
    comparison.operator == Operator::Is
        && !comparison.negated
        && comparison.case_sensitive
        && comparison.values.len() == 1
}

/// Whether a condition is about one value, which a visitor has or does not have.
fn has_one_value(part: &Filter) -> bool {
    match part {
        Filter::Compare(comparison) => {
            let positive = Comparison {
                negated: false,
                ..comparison.clone()
            };
            is_single(&positive)
        }
        Filter::Not(inner) => has_one_value(inner),
        Filter::Goal(_) | Filter::Behaviour { .. } => true,
        Filter::All(members) | Filter::Any(members) => {
            members.len() == 1 && members.iter().all(has_one_value)
        }
    }
}

fn is_of_single_values(filter: &Filter) -> bool {
    match filter {
        Filter::All(members) => members.iter().all(is_of_single_values),
        Filter::Compare(comparison) => is_single(comparison),
        Filter::Goal(goals) => goals.len() == 1,
        Filter::Any(_) | Filter::Not(_) | Filter::Behaviour { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn filter(value: Json) -> Filter {
        crate::wire::filter::parse_all(&value, "#/filters", &[]).expect("a filter")
    }

    #[test]
    fn or_over_different_dimensions_is_refused_in_every_form() {
        let country = json!(["is", "visit:country", ["JP"]]);
        let other = json!(["contains", "visit:country", ["D"]]);
        let browser = json!(["is", "visit:browser", ["Firefox"]]);
        let page = json!(["is", "event:page", ["/a"]]);
        let done = json!(["has_done", page]);
        for refused in [
            json!([["or", [country, browser]]]),
            json!([["and", [["or", [country, browser]]]]]),
            json!([["not", ["and", [country, browser]]]]),
            json!([["or", [country, ["and", [other, browser]]]]]),
            json!([["or", [country, done]]]),
            json!([[
                "or",
                [
                    ["has_done", page],
                    ["has_done", ["is", "event:page", ["/b"]]]
                ]
            ]]),
            json!([["has_done", ["is", "event:page", ["/a", "/b"]]]]),
            json!([["has_done", ["contains", "event:page", ["/a"]]]]),
            json!([["has_done", ["is_not", "event:page", ["/a"]]]]),
            json!([["has_done", ["or", [page, ["is", "event:name", ["x"]]]]]]),
        ] {
            let error = refuse(&filter(refused.clone()), false).expect_err("it is refused");
            assert!(error.to_string().contains("small counts"), "{refused}");
        }
        for allowed in [
            json!([]),
            json!([country, browser, page, done]),
            json!([["or", [country, other]]]),
            json!([["not", ["or", [country, other]]]]),
            json!([["and", [country, ["not", browser]]]]),
            json!([["has_not_done", page]]),
        ] {
            assert_eq!(refuse(&filter(allowed.clone()), false), Ok(()), "{allowed}");
        }
        let both = |first: Json, second: Json| refuse(&filter(json!([first, second])), false);
        let list = json!(["is", "visit:browser", ["Firefox", "Chrome"]]);
        assert!(both(other.clone(), list.clone()).is_err());
        assert_eq!(both(country.clone(), list.clone()), Ok(()));
        assert_eq!(
            both(json!(["is_not", "visit:country", ["JP"]]), list),
            Ok(())
        );
        let many = ["channel", "browser", "os", "device", "source"]
            .map(|name| json!(["is", format!("visit:{name}"), ["x"]]));
        assert_eq!(refuse(&filter(json!(many[..4])), false), Ok(()));
        assert!(refuse(&filter(json!(many)), false).is_err());
    }

    #[test]
    fn conditions_on_one_dimension_are_one_condition() {
        let parts = conditions(&filter(json!([
            ["contains", "event:page", ["/a"]],
            ["is", "visit:country", ["JP"]],
            ["and", [["contains_not", "event:page", ["/b"]]]],
        ])));
        assert_eq!(parts.len(), 2);
        assert!(matches!(&parts[0], Filter::All(both) if both.len() == 2));
        let two = filter(json!([
            ["is", "visit:country", ["JP"]],
            ["is", "visit:browser", ["x"]]
        ]));
        assert_eq!(cells(&two).len(), 1);
        assert_eq!(
            conditions(&context(&two, &Dimension::parse("visit:country").unwrap())).len(),
            1
        );
        assert!(overlapping(&two).is_empty());
        let patterns = filter(json!([
            ["matches", "event:page", ["a|b"]],
            ["is_not", "visit:source", ["x"]]
        ]));
        assert_eq!(overlapping(&patterns).len(), 2);
    }
}
