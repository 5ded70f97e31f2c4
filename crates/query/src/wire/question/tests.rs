//! Tests of the parser of questions.

use super::*;

fn fault(change: Json) -> String {
    let mut body = json!({"site_id": "a", "metrics": ["visitors"], "date_range": "7d"});
    for (key, value) in change.as_object().unwrap() {
        body[key] = value.clone();
    }
    match parse(&body, &[]) {
        Ok(_) => panic!("{body} was accepted"),
        Err(error) => error.at().unwrap_or_default().to_owned(),
    }
}

#[test]
fn every_fault_is_named_by_its_place() {
    let deep = (0..8).fold(json!(["is", "event:page", ["/"]]), |inner, _| {
        json!(["not", inner])
    });
    for (change, at) in [
        (json!({"site_id": 1}), "#/site_id"),
        (json!({"site_id": ""}), "#/site_id"),
        (json!({"metric": []}), "#/metric"),
        (json!({"a/b~c": 1}), "#/a~1b~0c"),
        (json!({"metrics": []}), "#/metrics"),
        (json!({"metrics": "visitors"}), "#/metrics"),
        (json!({"metrics": null}), "#/metrics"),
        (json!({"metrics": ["visitors", 1]}), "#/metrics/1"),
        (json!({"metrics": ["visitors", "visitor"]}), "#/metrics/1"),
        (json!({"metrics": ["visits", "visits"]}), "#/metrics/1"),
        (json!({"metrics": ["percentage"]}), "#/metrics/0"),
        (json!({"metrics": ["scroll_depth"]}), "#/metrics/0"),
        (
            json!({"metrics": ["bounce_rate"], "dimensions": ["event:page"]}),
            "#/metrics/0",
        ),
        (json!({"date_range": "8w"}), "#/date_range"),
        (
            json!({"date_range": ["2024-01-01", "2039-01-01"]}),
            "#/date_range",
        ),
        (json!({"dimensions": "visit:os"}), "#/dimensions"),
        (json!({"dimensions": ["visit:os", 1]}), "#/dimensions/1"),
        (json!({"dimensions": ["visit:sorce"]}), "#/dimensions/0"),
        (
            json!({"dimensions": ["visit:os", "visit:os"]}),
            "#/dimensions/1",
        ),
        (json!({"dimensions": ["event:goal"]}), "#/dimensions/0"),
        (json!({"filters": {}}), "#/filters"),
        (
            json!({"filters": ["is", "event:page", ["/"]]}),
            "#/filters/0",
        ),
        (
            json!({"filters": [["are", "event:page", ["/"]]]}),
            "#/filters/0/0",
        ),
        (json!({"filters": [["is", "page", ["/"]]]}), "#/filters/0/1"),
        (
            json!({"filters": [["is", "time:day", ["2024-01-01"]]]}),
            "#/filters/0/1",
        ),
        (
            json!({"filters": [["is", "event:page", "/"]]}),
            "#/filters/0/2",
        ),
        (
            json!({"filters": [["is", "event:page", []]]}),
            "#/filters/0/2",
        ),
        (
            json!({"filters": [["is", "event:page", ["/", null]]]}),
            "#/filters/0/2/1",
        ),
        (
            json!({"filters": [["is", "event:page", ["a\0b"]]]}),
            "#/filters/0/2/0",
        ),
        (
            json!({"filters": [["is", "event:page", ["/"], {"case_sensitive": 1}]]}),
            "#/filters/0/3/case_sensitive",
        ),
        (
            json!({"filters": [["is", "event:page", ["/"], {"case": true}]]}),
            "#/filters/0/3/case",
        ),
        (
            json!({"filters": [["is", "event:page", ["/"], {}, 1]]}),
            "#/filters/0",
        ),
        (
            json!({"filters": [["matches", "event:page", ["/"], {"case_sensitive": true}]]}),
            "#/filters/0/3",
        ),
        (
            json!({"filters": [["matches", "event:page", ["/("]]]}),
            "#/filters/0/2/0",
        ),
        (
            json!({"filters": [["matches", "event:page", ["(?=a)"]]]}),
            "#/filters/0/2/0",
        ),
        (
            json!({"filters": [["matches", "event:page", ["((a{100}){100}){100}"]]]}),
            "#/filters/0/2/0",
        ),
        (
            json!({"filters": [["contains", "event:page", [""]]]}),
            "#/filters/0/2/0",
        ),
        (json!({"filters": [["and", []]]}), "#/filters/0/1"),
        (
            json!({"filters": [["and", [["not", ["is", "x", [1]]]]]]}),
            "#/filters/0/1/0/1/1",
        ),
        (json!({"filters": [["or", [], 1]]}), "#/filters/0"),
        (json!({"filters": [["not"]]}), "#/filters/0"),
        (
            json!({"filters": [["has_done", ["is", "visit:os", ["Mac"]]]]}),
            "#/filters/0/1/1",
        ),
        (
            json!({"filters": [["has_done", ["not", ["has_done", ["is", "event:name", ["x"]]]]]]}),
            "#/filters/0/1/1",
        ),
        (
            json!({"filters": [["is", "visit:country", ["JPN"]]]}),
            "#/filters/0/2/0",
        ),
        (
            json!({"filters": [["is", "event:goal", ["Signup"]]]}),
            "#/filters/0/2/0",
        ),
        (
            json!({"filters": [["is", "segment", [1]]]}),
            "#/filters/0/2",
        ),
        (json!({"filters": [deep]}), "#/filters/0/1/1/1/1/1/1/1/1"),
        (json!({"order_by": [["visits", "asc"]]}), "#/order_by/0/0"),
        (json!({"order_by": [["visitors", "up"]]}), "#/order_by/0/1"),
        (json!({"order_by": ["visitors"]}), "#/order_by/0"),
        (
            json!({"order_by": [["visitors", "asc"], ["visitors", "desc"]]}),
            "#/order_by/1",
        ),
        (json!({"include": []}), "#/include"),
        (
            json!({"include": {"comparisons": {}}}),
            "#/include/comparisons/mode",
        ),
        (
            json!({"include": {"comparison": {}}}),
            "#/include/comparison",
        ),
        (
            json!({"include": {"total_rows": 1}}),
            "#/include/total_rows",
        ),
        (
            json!({"include": {"time_labels": true}}),
            "#/include/time_labels",
        ),
        (json!({"pagination": {"limit": 0}}), "#/pagination/limit"),
        (
            json!({"pagination": {"limit": 10001}}),
            "#/pagination/limit",
        ),
        (json!({"pagination": {"limit": 1.5}}), "#/pagination/limit"),
        (json!({"pagination": {"offset": -1}}), "#/pagination/offset"),
        (json!({"pagination": {"page": 1}}), "#/pagination/page"),
        (json!({"pagination": 10}), "#/pagination"),
    ] {
        assert_eq!(fault(change.clone()), at, "{change}");
    }
    assert_eq!(parse(&json!([]), &[]).unwrap_err().at(), Some("#"));
}

#[test]
fn limits_accept_the_bound_and_refuse_one_more() {
    let ask = |filters: Json| {
        parse(
            &json!({"site_id": "a", "metrics": ["visitors"], "date_range": "7d", "filters": filters}),
            &[],
        )
    };
    let is = |count: usize| json!([["is", "event:page", vec!["/"; count]]]);
    assert!(ask(is(1_000)).is_ok() && ask(is(1_001)).is_err());
    let contains = |count: usize| json!([["contains", "event:page", vec!["/"; count]]]);
    assert!(ask(contains(250)).is_ok() && ask(contains(251)).is_err());
    let matches = |count: usize| json!([["matches", "event:page", vec!["/"; count]]]);
    assert!(ask(matches(20)).is_ok() && ask(matches(21)).is_err());
    let long =
        |operator: &str, bytes: usize| json!([[operator, "event:page", ["a".repeat(bytes)]]]);
    assert!(ask(long("is", 2_000)).is_ok() && ask(long("is", 2_001)).is_err());
    assert!(ask(long("matches", 500)).is_ok() && ask(long("matches", 501)).is_err());
    let many = |count: usize| Json::Array(vec![json!(["is", "event:page", ["/"]]); count]);
    assert!(ask(many(100)).is_ok() && ask(many(101)).is_err());
    let deep = |depth: usize| {
        json!([
            (1..depth).fold(json!(["is", "event:page", ["/"]]), |inner, _| json!([
                "not", inner
            ]))
        ])
    };
    assert!(ask(deep(8)).is_ok() && ask(deep(9)).is_err());
}

#[test]
fn the_default_order_is_time_and_then_the_first_metric() {
    let ask = |dimensions: Json| {
        let body = json!({"site_id": "a", "metrics": ["visits", "visitors"], "date_range": "7d", "dimensions": dimensions});
        parse(&body, &[]).unwrap().order
    };
    let metric = (OrderKey::Metric(0), Direction::Descending);
    assert_eq!(ask(json!(["visit:os"])), [metric]);
    assert_eq!(
        ask(json!(["visit:os", "time:day"])),
        [(OrderKey::Dimension(1), Direction::Ascending), metric]
    );
    assert_eq!(
        ask(json!(["time"])),
        [(OrderKey::Dimension(0), Direction::Ascending), metric]
    );
}

#[test]
fn a_misspelt_name_gets_the_nearest_known_one() {
    let body = json!({"site_id": "a", "metrics": ["visiters"], "date_range": "7d"});
    assert_eq!(
        parse(&body, &[]).unwrap_err().to_string(),
        "#/metrics/0: unknown metric; did you mean `visitors`?"
    );
}

/// Replaces each part of `whole` by `wrong`, innermost first, and calls `check` with the result and
/// the place.
fn break_each_part(whole: &Json, wrong: &Json, check: &mut dyn FnMut(&Json, &str)) {
    fn places(value: &Json, at: String, found: &mut Vec<String>) {
        match value {
            Json::Array(members) => {
                for (index, member) in members.iter().enumerate() {
                    places(member, format!("{at}/{index}"), found);
                }
            }
            Json::Object(members) => {
                for (key, member) in members {
                    places(member, format!("{at}/{key}"), found);
                }
            }
            _ => {}
        }
        found.push(at);
    }
    let mut found = Vec::new();
    places(whole, String::new(), &mut found);
    for place in found.iter().filter(|place| !place.is_empty()) {
        let mut broken = whole.clone();
        *broken.pointer_mut(place).unwrap() = wrong.clone();
        check(&broken, place);
    }
}

#[test]
fn every_error_names_the_place_or_its_parent() {
    let whole = json!({
        "site_id": "a", "metrics": ["visits", "pageviews"], "date_range": ["2025-01-01", "2025-01-31"],
        "dimensions": ["time:day", "visit:source"],
        "filters": [
            ["or", [["is", "visit:country", ["JP"]], ["contains", "event:page", ["x"], {"case_sensitive": false}]]],
            ["not", ["has_done", ["matches", "event:name", ["^S"]]]],
        ],
        "order_by": [["visits", "asc"]],
        "include": {"time_labels": true, "total_rows": false},
        "pagination": {"limit": 10, "offset": 5},
    });
    parse(&whole, &[]).unwrap();
    let wrong = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(u64::MAX),
        json!(""),
        json!("\u{0}"),
        json!("nonsense"),
        json!("é".repeat(3_000)),
        json!([]),
        json!({}),
        json!([null]),
        json!([[[]]]),
        json!({"a": {"b": []}}),
        json!(["visits", "visits"]),
    ];
    let (mut refused, mut accepted) = (0, 0);
    for wrong in &wrong {
        break_each_part(
            &whole,
            wrong,
            &mut |broken, place| match parse(broken, &[]) {
                Ok(_) => accepted += 1,
                Err(error) => {
                    refused += 1;
                    let QueryError::Invalid { at, message } = &error else {
                        panic!("{error} has no place");
                    };
                    // A wrong part can make another part invalid, so only the first key has to be
                    // the same or to depend on it.
                    let key =
                        |pointer: &str| pointer.split('/').nth(1).unwrap_or_default().to_owned();
                    let (named, broken) = (key(at.trim_start_matches('#')), key(place));
                    let depends = matches!(
                        (broken.as_str(), named.as_str()),
                        ("metrics" | "dimensions", "order_by")
                            | ("dimensions", "include" | "metrics")
                    );
                    assert!(named == broken || depends, "{wrong} at {place}: {error}");
                    assert!(message.len() < 400, "{error}");
                }
            },
        );
    }
    // What is accepted are other values of the right type: texts in filters, true for false,
    // another number.
    assert!(
        refused > 500 && accepted < 120,
        "{refused} refused, {accepted} accepted"
    );
}
