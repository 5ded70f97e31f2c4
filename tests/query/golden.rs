//! Golden results: `tests/golden/events.tsv` is small, and `tests/golden/README.md` works out its
//! numbers by hand.
//!
//! Each `NAME.request.json` has a `NAME.expected.txt`, which is compared byte for byte.
//! `GOLDEN_UPDATE=1` rewrites the expected files. Their difference is reviewed like code.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::as_json::AsJson;
use sillage::config::Sites;
use sillage::rollup::job::roll_up;
use sillage::stats::{QueryLimits, StatsService};

use crate::engine::{clear, database, insert_events, registry, runtime, site};

/// Thursday noon in Tokyo; the events lie on Monday to Wednesday of that week.
const NOW: &str = "2025-03-13T03:00:00Z";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// An answer with one row per line, for people and diffs.
fn print(body: &serde_json::Value) -> String {
    let rows = body["results"].as_array().expect("a list").iter();
    let rows: Vec<String> = rows
        .map(|row| format!("  {} {}", row["dimensions"], row["metrics"]))
        .collect();
    let meta = serde_json::to_string_pretty(&body["meta"]).expect("JSON");
    let query = serde_json::to_string(&body["query"]).expect("JSON");
    format!("results\n{}\nmeta {meta}\nquery {query}\n", rows.join("\n"))
}

fn sites() -> Arc<Sites> {
    registry(&[
        site("example.com", "Asia/Tokyo"),
        site("other.example", "UTC"),
    ])
}

/// A database with the golden events, rolled up as at the given instant.
async fn stats(rolled_up_at: Option<&str>) -> StatsService {
    let client = database().await;
    let events = std::fs::read_to_string(folder().join("events.tsv")).expect("a readable file");
    insert_events(&client, &events).await;
    if let Some(now) = rolled_up_at {
        roll_up(
            &client,
            sites().named("example.com").expect("a site"),
            now.parse().expect("a timestamp"),
        )
        .await
        .expect("the roll-up runs");
    }
    StatsService::new(client, sites(), QueryLimits::default())
}

/// The files of all golden questions.
fn requests() -> Vec<PathBuf> {
    let mut requests: Vec<PathBuf> = std::fs::read_dir(folder())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().ends_with(".request.json"))
        .collect();
    requests.sort();
    assert!(
        requests.len() >= 20,
        "only {} golden requests",
        requests.len()
    );
    requests
}

/// Asks every golden question and compares the answers. Rewrites the expected answers first if
/// `GOLDEN_UPDATE` is set and `may_update` is true.
async fn check(stats: &StatsService, may_update: bool) {
    let mut wrong = Vec::new();
    for path in requests() {
        let answer = stats
            .query_json(
                &std::fs::read(&path).expect("a readable file"),
                NOW.parse().expect("NOW is a timestamp"),
            )
            .await;
        assert_eq!(answer.status, 200, "{}: {}", path.display(), answer.body);
        let given = print(&answer.body);
        let expected_path = path
            .to_string_lossy()
            .replace(".request.json", ".expected.txt");
        if may_update && std::env::var_os("GOLDEN_UPDATE").is_some() {
            std::fs::write(&expected_path, &given).expect("the file is written");
        }
        let expected = std::fs::read_to_string(&expected_path).unwrap_or_default();
        if given != expected {
            wrong.push(format!(
                "{expected_path}:\nexpected {expected}\ngiven {given}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_golden_request_has_its_golden_answer() {
    runtime().block_on(async {
        check(&stats(None).await, true).await;
    });
}

#[test]
fn golden_answers_are_the_same_when_some_days_are_rolled_up() {
    runtime().block_on(async {
        // Sunday to Tuesday are rolled up, Wednesday is read from events.
        check(&stats(Some(NOW)).await, false).await;
    });
}

#[test]
fn golden_answers_are_the_same_when_all_days_are_rolled_up() {
    runtime().block_on(async {
        let later = "2025-04-20T00:00:00Z";
        let stats = stats(Some(later)).await;
        check(&stats, false).await;
        check(&stats.without_rollups(), false).await;
    });
}

/// Questions about single events of visits or about parts of days: after the clearing, an event no
/// longer has a visitor or a visit.
const ABOUT_EVENTS: [&str; 7] = [
    "and_or_not",
    "has_done",
    "has_not_done",
    "page_filter",
    "part_of_a_day",
    "properties",
    "until_an_hour",
];

#[test]
fn golden_answers_about_visits_survive_the_clearing_of_ids() {
    runtime().block_on(async {
        let client = database().await;
        let events = std::fs::read_to_string(folder().join("events.tsv")).expect("a readable file");
        insert_events(&client, &events).await;
        let later = "2025-04-20T00:00:00Z".parse().expect("a timestamp");
        roll_up(
            &client,
            sites().named("example.com").expect("a site"),
            later,
        )
        .await
        .expect("the roll-up runs");
        assert!(clear(&client, &sites(), later).await > 15);
        let stats = StatsService::new(client, sites(), QueryLimits::default());
        let mut blind = Vec::new();
        for path in requests() {
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .replace(".request.json", "");
            let request = std::fs::read(&path).expect("a readable file");
            let answer = stats
                .query_json(&request, NOW.parse().expect("NOW is a timestamp"))
                .await;
            assert_eq!(answer.status, 200, "{name}: {}", answer.body);
            let expected = folder().join(format!("{name}.expected.txt"));
            let expected = std::fs::read_to_string(expected).expect("a readable file");
            if answer.body["meta"]["ids_cleared_before"].is_string() {
                // A number that can't be known is null, not zero.
                let warned = answer.body["meta"]["metric_warnings"]
                    .as_object()
                    .expect("an object");
                let names = answer.body["query"]["metrics"].as_array().expect("a list");
                for row in answer.body["results"].as_array().expect("a list") {
                    for (metric, value) in
                        names.iter().zip(row["metrics"].as_array().expect("a list"))
                    {
                        let is_warned = warned.contains_key(metric.as_str().expect("a text"));
                        assert_eq!(value.is_null(), is_warned, "{name}: {row} {metric}");
                    }
                }
                blind.push(name);
            } else {
                assert_eq!(print(&answer.body), expected, "{name}");
            }
        }
        assert_eq!(blind, ABOUT_EVENTS);
    });
}
