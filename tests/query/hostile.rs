//! Hostile values are data: whatever a filter, a property name or a site id contains, the statement
//! stays the same and finds exactly the rows with that text.

use crate::as_json::AsJson;
use serde_json::{Value as Json, json};
use sillage::stats::{QueryLimits, StatsService};

use crate::engine::{database, insert_rows, registry, runtime, site};

const NOW: &str = "2025-03-13T03:00:00Z";

/// Texts that are known to break quoting, templates, framing or escaping.
const TEXTS: &[&str] = &[
    "'",
    "''",
    "\"",
    "`",
    "\\",
    "\\\\",
    "\\'",
    "a\\",
    "' OR 1 = 1 --",
    "'; DROP TABLE events; --",
    "') OR ('1' = '1",
    "x' UNION ALL SELECT 1, 2 --",
    "{p0:String}",
    "{p0:Identifier}",
    "{site:String}",
    "/*{filters}*/",
    "*/ OR 1 /*",
    "--",
    "?",
    "??",
    "?fields",
    "%",
    "_",
    "%00",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\r\n--x\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nSELECT 1",
    "\u{1}",
    "\u{8}",
    "\u{7f}",
    "\u{202e}",
    "\u{feff}",
    "é",
    "日本語",
    "😀",
    "İ",
    "ß",
    ")",
    "(",
    "[",
    "]",
    "[1, 2]",
    "['a', 'b']",
    "['",
    "NULL",
    "\\N",
    "\\x41",
    "\\u0041",
    "\\0",
    "$$",
    "$1",
    "a,b",
    " a",
    "a ",
    "0",
    "-1",
    "nan",
    "true",
    "<script>alert(1)</script>",
    "=1+1",
    "(not set)",
    "{",
    "}",
    "{}",
    "{{",
    "}}",
];

async fn stats() -> StatsService {
    let client = database().await;
    let row = |(index, text): (usize, &&str)| {
        let id = index + 1;
        json!({
            "site": "example.com", "time": "2025-03-12 10:00:00", "name": "pageview", "key": id, "visitor": id,
            "visit": id, "seq": 1, "path": text, "source": text, "days_since_seen": 32767, "props": {*text: text},
            "expires": "2099-01-01",
        })
    };
    let rows: Vec<Json> = TEXTS.iter().enumerate().map(row).collect();
    insert_rows(&client, &rows).await;
    StatsService::new(
        client,
        registry(&[site("example.com", "Asia/Tokyo")]),
        QueryLimits::default(),
    )
}

async fn ask(stats: &StatsService, change: Json) -> (u16, Json) {
    let mut body = json!({"site_id": "example.com", "metrics": ["pageviews"], "date_range": "1d"});
    for (key, value) in change.as_object().expect("an object") {
        body[key] = value.clone();
    }
    let answer = stats
        .query_json(
            body.to_string().as_bytes(),
            NOW.parse().expect("NOW is a timestamp"),
        )
        .await;
    (answer.status, answer.body)
}

#[test]
fn a_hostile_filter_value_finds_its_own_row_and_no_other() {
    runtime().block_on(async {
        let stats = stats().await;
        for text in TEXTS {
            for filter in [
                json!(["is", "event:page", [text]]),
                json!(["is", "visit:source", [text]]),
                json!(["is", format!("event:props:{text}"), [text]]),
                json!(["matches", "event:page", [format!("^{}$", regex_text(text))]]),
                json!(["has_done", ["is", "event:page", [text]]]),
            ] {
                // A property with the value `(not set)` looks like a missing property, so this
                // filter matches other rows as well.
                if *text == "(not set)" && filter[1] == "event:props:(not set)" {
                    continue;
                }
                let (status, body) = ask(&stats, json!({"filters": [filter]})).await;
                assert_eq!(status, 200, "{filter}: {body}");
                assert_eq!(body["results"][0]["metrics"][0], 1, "{filter}");
            }
            let expected = TEXTS.iter().filter(|other| other.contains(text)).count();
            let contains = json!({"filters": [["contains", "event:page", [text]]]});
            let (status, body) = ask(&stats, contains).await;
            assert_eq!(
                (status, &body["results"][0]["metrics"][0]),
                (200, &json!(expected)),
                "contains {text:?}"
            );
            let is_not = json!({"filters": [["is_not", "event:page", [text]]]});
            let (status, body) = ask(&stats, is_not).await;
            let others = TEXTS.len() - 1;
            assert_eq!(
                (status, &body["results"][0]["metrics"][0]),
                (200, &json!(others)),
                "is_not {text:?}"
            );
        }
    });
}

#[test]
fn hostile_names_come_back_as_they_were_stored() {
    runtime().block_on(async {
        let stats = stats().await;
        let (status, body) = ask(&stats, json!({"dimensions": ["event:page"]})).await;
        assert_eq!(status, 200, "{body}");
        let rows = body["results"].as_array().expect("a list").iter();
        let mut given: Vec<&str> = rows
            .map(|row| row["dimensions"][0].as_str().expect("a text"))
            .collect();
        let mut expected = TEXTS.to_vec();
        given.sort_unstable();
        expected.sort_unstable();
        assert_eq!(given, expected);
    });
}

#[test]
fn a_hostile_site_is_unknown_and_its_name_is_not_echoed() {
    runtime().block_on(async {
        let stats = stats().await;
        for text in TEXTS {
            let (status, body) = ask(&stats, json!({"site_id": text})).await;
            assert_eq!(status, 401, "{text:?}");
            assert_eq!(
                body,
                json!({"error": "no such site, or no permission to see it"})
            );
        }
    });
}

#[test]
fn a_pattern_refused_by_clickhouse_is_a_client_error() {
    runtime().block_on(async {
        let stats = stats().await;
        // The regex library of the check accepts some syntax, such as class intersection, that RE2
        // reads differently or refuses.
        for pattern in ["(?x)a b", "\\p{Emoji}", "a{1,1001}"] {
            let (status, body) = ask(
                &stats,
                json!({"filters": [["matches", "event:page", [pattern]]]}),
            )
            .await;
            assert!(status == 200 || status == 400, "{pattern}: {status} {body}");
            if status == 400 {
                assert!(
                    body["error"]
                        .as_str()
                        .expect("a text")
                        .starts_with("#/filters"),
                    "{body}"
                );
            }
        }
        let (status, _) = ask(
            &stats,
            json!({"filters": [["matches", "event:page", ["a{1,1001}"]]]}),
        )
        .await;
        assert_eq!(status, 400);
    });
}

/// A pattern that matches exactly this text.
fn regex_text(text: &str) -> String {
    let escape = |character: char| {
        if character.is_ascii_punctuation() {
            format!("\\{character}")
        } else {
            character.to_string()
        }
    };
    text.chars().map(escape).collect()
}
