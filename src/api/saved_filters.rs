//! Saved filters in a question: `["is", "segment", [7]]` becomes the filters saved under number 7.
//!
//! Every reader of a site may use the filters that are saved for the site. Filters that a person
//! saved for themselves work in their own dashboard only. Several numbers mean any of them. The
//! filters are checked like those that a client sends.

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use crate::access::App;
use crate::access::error::ApiError;
use crate::access::identity::ReadScope;
use crate::api::endpoint::{Endpoint, questions};
use crate::control::site_objects::{self, Kind};
use sillage_query::QueryError;

/// Most numbers that one filter may name.
const SAVED_FILTERS_MAX: usize = 20;

/// The saved filters of a site, by number.
type Saved = HashMap<i64, Vec<Json>>;

/// Replaces every filter by segments in a body.
///
/// # Errors
/// 400 for a number that the site does not have; a control file that can't be read.
pub async fn resolve(
    app: &App,
    scope: &ReadScope,
    endpoint: Endpoint,
    body: &mut Json,
) -> Result<(), ApiError> {
    if !names_segment(body) {
        return Ok(());
    }
    // A body without questions is refused later.
    let Ok(questions) = questions(endpoint, body) else {
        return Ok(());
    };
    for question in questions {
        let site = question["site_id"].as_str().unwrap_or_default().to_owned();
        let Some(filters) = question.get_mut("filters").and_then(Json::as_array_mut) else {
            continue;
        };
        // A question about a site that the client may not see is refused later in any case.
        if !scope.includes(&site) {
            filters.clear();
            continue;
        }
        let saved = app
            .control
            .run(move |connection| site_objects::list(connection, Kind::SavedFilter, &site, None))
            .await?;
        let saved: Saved = saved
            .into_iter()
            .map(|kept| {
                let filters = kept.body["filters"].as_array().cloned();
                (kept.id, filters.unwrap_or_default())
            })
            .collect();
        *filters = all_of(std::mem::take(filters), &saved, "#/filters").map_err(ApiError::rule)?;
    }
    Ok(())
}

/// Whether the word `segment` is a text of a body.
fn names_segment(body: &Json) -> bool {
    match body {
        Json::String(text) => text == "segment",
        Json::Array(members) => members.iter().any(names_segment),
        Json::Object(members) => members.values().any(names_segment),
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    }
}

/// A list of filters that all have to hold: the filters of a single segment join it.
fn all_of(filters: Vec<Json>, saved: &Saved, at: &str) -> Result<Vec<Json>, QueryError> {
    let mut all = Vec::new();
    for (index, filter) in filters.into_iter().enumerate() {
        let at = format!("{at}/{index}");
        match ids(&filter, &at)?.as_deref() {
            Some([one]) => all.extend(of(*one, saved, &at)?),
            _ => all.push(each(filter, saved, &at)?),
        }
    }
    Ok(all)
}

/// A filter with its segments replaced.
fn each(mut filter: Json, saved: &Saved, at: &str) -> Result<Json, QueryError> {
    if let Some(ids) = ids(&filter, at)? {
        let any: Result<Vec<Json>, QueryError> = ids
            .iter()
            .map(|id| Ok(json!(["and", of(*id, saved, at)?])))
            .collect();
        return Ok(json!(["or", any?]));
    }
    let operator = filter[0].as_str().unwrap_or_default().to_owned();
    let inner = filter.get_mut(1).map(Json::take);
    let inner = match (operator.as_str(), inner) {
        ("and" | "or", Some(Json::Array(list))) => {
            let list = list.into_iter().enumerate();
            let list = list.map(|(index, one)| each(one, saved, &format!("{at}/1/{index}")));
            Json::Array(list.collect::<Result<_, _>>()?)
        }
        ("not", Some(one)) => each(one, saved, &format!("{at}/1"))?,
        (_, Some(other)) => other,
        (_, None) => return Ok(filter),
    };
    filter[1] = inner;
    Ok(filter)
}

/// The numbers of a filter by segments; `None` for another filter.
fn ids(filter: &Json, at: &str) -> Result<Option<Vec<i64>>, QueryError> {
    let is_segment = filter[0] == "is" && filter[1] == "segment";
    if !is_segment {
        return Ok(None);
    }
    let ids: Option<Vec<i64>> = filter[2]
        .as_array()
        .and_then(|ids| ids.iter().map(Json::as_i64).collect());
    match ids {
        Some(ids) if (1..=SAVED_FILTERS_MAX).contains(&ids.len()) => Ok(Some(ids)),
        _ => Err(QueryError::invalid(
            format!("{at}/2"),
            format!("1 to {SAVED_FILTERS_MAX} numbers of saved filters are expected"),
        )),
    }
}

fn of(id: i64, saved: &Saved, at: &str) -> Result<Vec<Json>, QueryError> {
    let found = saved.get(&id).cloned();
    let unknown = || format!("the site has no saved filter {id}");
    found.ok_or_else(|| QueryError::invalid(format!("{at}/2"), unknown()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(filters: Json) -> Result<Json, String> {
        let japan = json!(["is", "visit:country", ["JP"]]);
        let phone = json!(["is", "visit:device", ["mobile"]]);
        let saved = Saved::from([(7, vec![japan.clone(), phone]), (8, vec![japan])]);
        let filters = serde_json::from_value(filters).expect("an array");
        let settled = all_of(filters, &saved, "#/filters");
        settled.map(Json::Array).map_err(|error| error.to_string())
    }

    #[test]
    fn a_saved_filter_joins_with_and_several_join_with_or() {
        let page = json!(["is", "event:page", ["/"]]);
        let (japan, phone) = (
            json!(["is", "visit:country", ["JP"]]),
            json!(["is", "visit:device", ["mobile"]]),
        );
        assert_eq!(
            settled(json!([page, ["is", "segment", [7]]])),
            Ok(json!([page, japan, phone]))
        );
        assert_eq!(
            settled(json!([["is", "segment", [7, 8]]])),
            Ok(json!([["or", [["and", [japan, phone]], ["and", [japan]]]]]))
        );
        assert_eq!(
            settled(json!([
                ["not", ["is", "segment", [8]]],
                ["or", [page, ["is", "segment", [8]]]]
            ])),
            Ok(json!([
                ["not", ["or", [["and", [japan]]]]],
                ["or", [page, ["or", [["and", [japan]]]]]]
            ]))
        );
        let others = json!([
            ["is", "visit:source", ["segment"]],
            ["contains", "event:page", ["x"]],
            [],
            5
        ]);
        assert_eq!(settled(others.clone()), Ok(others));
    }

    #[test]
    fn an_invalid_saved_filter_id_is_refused_with_its_place() {
        for ids in [json!([]), json!(["7"]), json!(7), json!([1.5]), json!(null)] {
            let error = settled(json!([["is", "segment", ids]])).expect_err("refused");
            assert!(error.starts_with("#/filters/0/2: 1 to 20"), "{error}");
        }
        let error = settled(json!([[], ["and", [["is", "segment", [9]]]]])).expect_err("refused");
        assert_eq!(error, "#/filters/1/1/0/2: the site has no saved filter 9");
    }
}
