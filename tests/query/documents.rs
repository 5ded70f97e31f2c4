//! Documents that are generated from the code are up to date. `GOLDEN_UPDATE=1` rewrites them.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value as Json;
use sillage::api::openapi::document;
use sillage_query::dimension::Dimension;
use sillage_query::metric::Metric;
use sillage_query::wire::question;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn is_up_to_date(name: &str, expected: &str) {
    let path = root().join(name);
    if std::env::var_os("GOLDEN_UPDATE").is_some() {
        std::fs::write(&path, expected).expect("the file is written");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == expected,
        "{name} is out of date; run `make golden-update`"
    );
}

/// The doc comments of the variants of `Metric`, by name. They define the metrics.
fn definitions() -> Vec<(&'static str, String)> {
    let source = std::fs::read_to_string(root().join("crates/query/src/metric.rs"))
        .expect("a readable file");
    let body = source
        .split_once("pub enum Metric {")
        .expect("both parts")
        .1
        .split_once("\n}")
        .expect("both parts")
        .0;
    let mut comment = String::new();
    let mut found = Vec::new();
    for line in body.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(text) = line.strip_prefix("/// ") {
            comment.push_str(text);
            comment.push(' ');
        } else {
            let variant = line.trim_end_matches(',');
            let metric = Metric::ALL
                .into_iter()
                .find(|metric| format!("{metric:?}") == variant)
                .expect("a metric of this name");
            found.push((
                metric.name(),
                std::mem::take(&mut comment).trim().to_owned(),
            ));
        }
    }
    found
}

#[test]
fn every_metric_is_defined_once_and_documented() {
    let definitions = definitions();
    let names: Vec<&str> = definitions.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, Metric::ALL.map(Metric::name));
    let mut text = String::from(
        "# Metrics and dimensions\n\nGenerated from `metric.rs` and `dimension.rs` in `crates/query/src`; edit those.\n\n\
         `meta.visitors_semantics` of an answer says how visitors were counted:\n\n\
         | value | meaning |\n|---|---|\n\
         | `exact` | distinct people |\n\
         | `estimated` | distinct people over more than 32 days, an estimate; see `visitors` |\n\
         | `first_touch` | distinct people, each under the properties of their first visit in the period, so that rows add up |\n\
         | `daily` | distinct people of each day, summed over the days; an upper bound |\n\
         | `by_value` | where small counts are protected: like `daily`, and once under each value of a dimension that the filter matches |\n\n\
         Questions without filters about finished days are answered from roll-ups, at a cost that does not grow with the traffic.\n\
         Filters and breakdowns by properties of visits are answered from finished visits. `exit_rate`, `clicks`, the web vitals,\n\
         revenue, questions about goals, and every question about the last two days are always counted from events.\n\n## Metrics\n\n| name | meaning and unit |\n|---|---|\n",
    );
    for (name, definition) in definitions {
        assert!(!definition.is_empty(), "{name} has no definition");
        text += &format!("| `{name}` | {definition} |\n");
    }
    text += "\n## Dimensions\n\nUnknown values read `(not set)`. Filters compare with the displayed text.\n\n| name | value |\n|---|---|\n";
    for (name, about) in Dimension::entries() {
        text += &format!("| `{name}` | {about} |\n");
    }
    text += "| `event:goal` | Goal that the event reaches. An event that reaches several goals appears under each. |\n| `event:props:NAME` | Property of a custom event. |\n| `time` | Chosen by the length of the period: minutes up to an hour, hours up to two days, days up to 92 days, months beyond. |\n";
    is_up_to_date("docs/metrics.md", &text);
}

#[test]
fn the_contract_is_up_to_date_and_its_examples_are_accepted() {
    let document = document();
    is_up_to_date(
        "docs/openapi.json",
        &(serde_json::to_string_pretty(&document).expect("JSON") + "\n"),
    );
    let query = &document["components"]["schemas"]["Query"];
    for example in query["examples"].as_array().expect("a list") {
        question::parse(example, &[]).unwrap_or_else(|fault| panic!("{example}: {fault}"));
    }
    // Keys outside the document are refused, and keys of the document are known.
    let keys = |object: &Json| {
        object
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect::<BTreeSet<_>>()
    };
    let example = &query["examples"][0];
    for key in keys(&query["properties"]) {
        let mut body = example.clone();
        body[&key] = Json::Null;
        let fault = question::parse(&body, &[]).unwrap_err();
        assert!(!fault.to_string().contains("unknown"), "{fault}");
        body.as_object_mut().expect("an object").remove(&key);
        body[format!("{key}_")] = Json::Null;
        assert!(question::parse(&body, &[]).is_err(), "{key}_");
    }
    for name in keys(&query["properties"]["include"]["properties"]) {
        let mut body = example.clone();
        body["dimensions"] = serde_json::json!(["time:day"]);
        let value = match name.as_str() {
            "comparisons" => serde_json::json!({"mode": "previous_period"}),
            _ => Json::Bool(true),
        };
        body["include"] = serde_json::json!({name: value});
        question::parse(&body, &[]).expect("a valid question");
    }
}

#[test]
fn every_key_in_golden_answers_is_in_the_contract() {
    let document = document();
    let known = &document["components"]["schemas"]["Report"]["properties"]["meta"]["properties"];
    let mut seen = BTreeSet::new();
    for entry in std::fs::read_dir(root().join("tests/golden")).expect("a folder") {
        let path = entry.expect("an entry").path();
        if !path.to_string_lossy().ends_with(".expected.txt") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let meta = text
            .split_once("\nmeta ")
            .expect("both parts")
            .1
            .split_once("\nquery ")
            .expect("both parts")
            .0;
        let meta: Json = serde_json::from_str(meta).expect("JSON");
        seen.extend(meta.as_object().expect("an object").keys().cloned());
    }
    assert!(seen.len() >= 5, "{seen:?}");
    for key in seen {
        assert!(known.get(&key).is_some(), "meta.{key}");
    }
}
