//! The neighbours of a filter: the filter without one of its conditions, or without one value of a
//! list.

use crate::filter::Filter;

/// The filter without each of its conditions in turn, and without each value of a list.
pub fn neighbours(filter: &Filter) -> Vec<Filter> {
    match filter {
        Filter::All(members) => without_one(members).map(Filter::All).collect(),
        Filter::Any(members) => without_one(members)
            .filter(|left| !left.is_empty())
            .map(Filter::Any)
            .collect(),
        Filter::Not(inner) => neighbours(inner)
            .into_iter()
            // Without any condition it would match no one, which reveals nothing.
            .filter(|inner| !inner.is_empty())
            .map(|inner| Filter::Not(Box::new(inner)))
            .collect(),
        Filter::Behaviour { done, what } => neighbours(what)
            .into_iter()
            .filter(|what| !what.is_empty())
            .map(|what| Filter::Behaviour {
                done: *done,
                what: Box::new(what),
            })
            .collect(),
        Filter::Compare(comparison) if comparison.values.len() > 1 => (0..comparison.values.len())
            .map(|left_out| {
                let mut less = comparison.clone();
                less.values.remove(left_out);
                Filter::Compare(less)
            })
            .collect(),
        Filter::Goal(goals) if goals.len() > 1 => (0..goals.len())
            .map(|left_out| {
                let mut less = goals.clone();
                less.remove(left_out);
                Filter::Goal(less)
            })
            .collect(),
        Filter::Compare(_) | Filter::Goal(_) => Vec::new(),
    }
}

/// The list with one member left out, and the list with one member replaced by its neighbour.
fn without_one(members: &[Filter]) -> impl Iterator<Item = Vec<Filter>> {
    let left_out = (0..members.len()).map(|index| {
        let mut left = members.to_vec();
        left.remove(index);
        left
    });
    let changed = members.iter().enumerate().flat_map(move |(index, member)| {
        neighbours(member).into_iter().map(move |less| {
            let mut changed = members.to_vec();
            changed[index] = less;
            changed
        })
    });
    left_out.chain(changed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filter(value: serde_json::Value) -> Filter {
        crate::wire::filter::parse_all(&value, "#/filters", &[]).expect("a filter")
    }

    #[test]
    fn neighbouring_questions_drop_one_condition_or_value() {
        let check = |given: serde_json::Value, expected: Vec<serde_json::Value>| {
            let expected: Vec<Filter> = expected.into_iter().map(filter).collect();
            assert_eq!(neighbours(&filter(given.clone())), expected, "{given}");
        };
        let de = json!(["is", "visit:country", ["DE"]]);
        let both = json!(["is", "visit:country", ["DE", "JP"]]);
        let jp = json!(["is", "visit:country", ["JP"]]);
        let chrome = json!(["is", "visit:browser", ["Chrome"]]);
        check(json!([]), vec![]);
        check(json!([de]), vec![json!([])]);
        check(json!([de, chrome]), vec![json!([chrome]), json!([de])]);
        check(json!([both]), vec![json!([]), json!([jp]), json!([de])]);
        check(
            json!([["or", [de, chrome]]]),
            vec![json!([]), json!([["or", [chrome]]]), json!([["or", [de]]])],
        );
        check(
            json!([["not", both]]),
            vec![json!([]), json!([["not", jp]]), json!([["not", de]])],
        );
        let page = json!(["is", "event:page", ["/", "/a"]]);
        check(
            json!([["has_done", page]]),
            vec![
                json!([]),
                json!([["has_done", ["is", "event:page", ["/a"]]]]),
                json!([["has_done", ["is", "event:page", ["/"]]]]),
            ],
        );
    }
}
