//! Exports and the list of changes over HTTP; every export is logged with its recipient.

use serde_json::{Value, json};

use crate::support::{Collector, pageview, post, write_config};

/// Enough pageviews for the floor of exports.
const VIEWS: usize = 8;

fn started() -> Collector {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_config(folder.path(), "");
    let collector = Collector::start_logging(folder, "info");
    for (page, views) in [("/a", VIEWS), ("/b", VIEWS + 1)] {
        for view in 0..views {
            // Each pageview counts as another browser, since no beacon sends the cookie back.
            let key = format!("{}-{view}", page.trim_start_matches('/'));
            assert_eq!(collector.beacon(&pageview(page, &key)).status, 202);
        }
    }
    collector.until("SELECT count() FROM events", &(2 * VIEWS + 1).to_string());
    collector.three_days_later(|folder| Collector::start_logging(folder, "info"))
}

fn export(format: &str) -> Value {
    json!({
        "query": {"site_id": "example.com", "metrics": ["pageviews"], "dimensions": ["event:page"], "date_range": "28d"},
        "format": format, "recipient": "the agency", "purpose": "monthly review",
    })
}

#[test]
fn exports_have_every_format_and_log_recipient_and_purpose() {
    let collector = started();
    let ask = |body: &Value| post(collector.address, "/api/v2/export", &body.to_string(), &[]);
    let logged = || collector.log().matches("a report was exported").count();
    for (count, (format, media, holds)) in [
        (
            "csv",
            "text/csv; charset=utf-8; header=present",
            "event:page,pageviews\r\n/b,9\r\n/a,8\r\n",
        ),
        ("json", "application/json", "\"results\":[{"),
        (
            "ndjson",
            "application/x-ndjson",
            "{\"event:page\":\"/b\",\"pageviews\":9}\n",
        ),
        ("parquet", "application/vnd.apache.parquet", "PAR1"),
    ]
    .into_iter()
    .enumerate()
    {
        let file = ask(&export(format));
        assert_eq!(
            (file.status, file.header("content-type")),
            (200, Some(media)),
            "{}",
            file.body
        );
        assert!(file.body.contains(holds), "{format}: {}", file.body);
        let name = format!("attachment; filename=\"report.{format}\"");
        assert_eq!(file.header("content-disposition"), Some(name.as_str()));
        assert_eq!(logged(), count + 1);
    }
    let log = collector.log();
    let line = log
        .lines()
        .find(|line| line.contains("exported"))
        .expect("a line");
    for part in [
        "example.com",
        "the agency",
        "monthly review",
        "csv",
        "rows=2",
    ] {
        assert!(line.contains(part), "{part} is not in: {line}");
    }
    // A refused export returns no file and is not logged.
    for (change, at) in [
        (json!({"purpose": " "}), "#/purpose"),
        (json!({"recipient": null}), "#/recipient"),
        (json!({"format": "xlsx"}), "#/format"),
        (
            json!({"query": {"site_id": "example.com", "metrics": ["heads"], "date_range": "day"}}),
            "#/metrics/0",
        ),
        (json!({"to": "me"}), "#/to"),
    ] {
        let mut body = export("csv");
        let members = change.as_object().expect("an object").clone();
        body.as_object_mut().expect("an object").extend(members);
        let refused = ask(&body);
        assert_eq!(refused.status, 400, "{}", refused.body);
        assert!(refused.body.contains(at), "{at}: {}", refused.body);
    }
    assert_eq!(logged(), 4);
}

#[test]
fn changes_list_what_makes_up_the_difference() {
    let collector = started();
    let ask = |body: Value| {
        let answer = post(collector.address, "/api/v2/changes", &body.to_string(), &[]);
        (
            answer.status,
            serde_json::from_str::<Value>(&answer.body).expect("JSON"),
        )
    };
    let (status, changes) =
        ask(json!({"site_id": "example.com", "metric": "pageviews", "date_range": "28d"}));
    assert_eq!(status, 200, "{changes}");
    assert_eq!(changes["total"], json!({"now": 17, "before": 0}));
    let pages: Vec<&Value> = changes["contributors"]
        .as_array()
        .expect("an array")
        .iter()
        .filter(|one| one["dimension"] == "event:page")
        .collect();
    assert_eq!(pages.len(), 2, "{changes}");
    assert_eq!(
        (&pages[0]["value"], &pages[0]["now"], &pages[0]["before"]),
        (&json!("/b"), &json!(9), &json!(0))
    );
    for (body, at) in [
        (
            json!({"site_id": "example.com", "metric": "bounce_rate", "date_range": "day"}),
            "#/metric",
        ),
        (
            json!({"site_id": "example.com", "metric": "visits"}),
            "#/date_range",
        ),
        (
            json!({"site_id": "example.com", "metric": "visits", "date_range": "day", "limit": 0}),
            "#/limit",
        ),
    ] {
        let (status, refusal) = ask(body);
        assert_eq!(status, 400);
        assert!(
            refusal["error"]
                .as_str()
                .is_some_and(|text| text.contains(at)),
            "{at}: {refusal}"
        );
    }
}
