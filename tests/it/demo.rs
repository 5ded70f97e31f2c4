//! `sillage demo`: reports show the replayed traffic.

use serde_json::json;

use crate::support::{Collector, binary, write_config};

/// Runs `demo` and then a collector in the same folder.
fn replayed(arguments: &[&str]) -> (Collector, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = write_config(folder.path(), "");
    let output = binary()
        .args(["--log-level", "off", "demo", "--config"])
        .arg(config)
        .args(arguments)
        .output()
        .expect("the command runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    (
        Collector::start_in(folder),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

/// Checks that the report's totals and pages equal what SQL counts in the same period.
fn check(collector: &Collector, printed: &str) {
    let accepted = printed
        .lines()
        .find_map(|line| line.trim().strip_suffix(" accepted"))
        .unwrap_or_else(|| panic!("no count of accepted beacons in {printed}"));
    collector.until("SELECT count() FROM events", accepted);
    let days = collector
        .sql("SELECT min(toDate(time, 'Asia/Tokyo')), max(toDate(time, 'Asia/Tokyo')) FROM events");
    let (from, to) = days.split_once('\t').expect("two days");
    let query = |metrics: serde_json::Value, dimensions: serde_json::Value| json!({"site_id": "example.com", "metrics": metrics, "date_range": [from, to], "dimensions": dimensions});
    let totals = collector.report(&query(json!(["visits", "pageviews", "events"]), json!([])));
    let expected = collector.sql("SELECT uniqExactIf(visit, visit != 0), countIf(name = 'pageview'), countIf(name != 'engagement') FROM events");
    let shown: Vec<String> = totals["results"][0]["metrics"]
        .as_array()
        .expect("metrics")
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(shown.join("\t"), expected);

    let pages = collector.report(&query(json!(["pageviews"]), json!(["event:page"])));
    let shown = pages["results"].as_array().expect("rows");
    let expected =
        collector.sql("SELECT path, count() FROM events WHERE name = 'pageview' GROUP BY path");
    assert_eq!(shown.len(), expected.lines().count());
    for line in expected.lines() {
        let (path, views) = line.split_once('\t').expect("two columns");
        let row = shown
            .iter()
            .find(|row| row["dimensions"][0] == path)
            .unwrap_or_else(|| panic!("{path} is not shown"));
        assert_eq!(row["metrics"][0].to_string(), views, "{path}");
    }
}

#[test]
fn demo_traffic_is_reported_as_it_was_sent() {
    let (collector, printed) = replayed(&["--days", "3", "--seed", "7"]);
    check(&collector, &printed);
    assert_ne!(
        collector.sql("SELECT count() FROM events WHERE visit_number > 1"),
        "0",
        "some visitors return"
    );
}

#[test]
fn a_replayed_access_log_is_reported_as_sql_counts_it() {
    let log = std::env::var("SILLAGE_ACCESS_LOG").unwrap_or_else(|_| {
        concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/access.log.gz").to_owned()
    });
    if !std::path::Path::new(&log).exists() {
        eprintln!(
            "skipped: {log} does not exist; set SILLAGE_ACCESS_LOG to the path of an access log"
        );
        return;
    }
    let (collector, printed) = replayed(&["--log", &log]);
    check(&collector, &printed);
    assert!(
        printed.contains(" bot"),
        "about a fifth of the log's requests are from crawlers: {printed}"
    );
}
