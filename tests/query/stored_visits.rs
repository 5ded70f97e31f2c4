//! Stored visits give the same answers as events, under every filter, even after the ids are
//! cleared.

use crate::as_json::AsJson;
use serde_json::{Value as Json, json};
use sillage::rollup::job::roll_up;
use sillage::stats::{QueryLimits, StatsService};

use crate::engine::{clear, database, insert_rows, registry, runtime, site};

const NOW: &str = "2025-05-20T12:00:00Z";
const VISITS: u64 = 400;

/// A random generator with a fixed seed, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    fn pick(&mut self, of: &[&'static str]) -> &'static str {
        of[self.roll(of.len() as u64) as usize]
    }
}

/// Visits of ten days, some of them over local midnight, some of people without a history, and
/// pageviews without a visit.
fn world(dice: &mut Dice) -> Vec<Json> {
    // Midnight in Tokyo.
    const FIRST_S: i64 = 1_746_111_600;
    let mut rows = Vec::new();
    let mut key = 0;
    for id in 1..=VISITS {
        let began = FIRST_S + dice.roll(10 * 1_440) as i64 * 60;
        let is_counted_only = dice.roll(12) == 0;
        let is_exempt = dice.roll(5) == 0;
        let (basis, seen, number) = match (is_counted_only, is_exempt) {
            (true, _) => ("count", -1, 0),
            (_, true) => ("exempt", -1, 0),
            _ => match dice.roll(3) {
                0 => ("consent", 32_767, 1),
                _ => ("consent", dice.roll(12) as i64, 3),
            },
        };
        let properties = json!({
            "source": dice.pick(&["", "Google", "Bing"]), "channel": dice.pick(&["Direct", "Search"]),
            "country": dice.pick(&["JP", "DE", ""]), "browser": dice.pick(&["Firefox", "Chrome"]),
            "browser_version": dice.roll(3) + 140, "device": dice.pick(&["mobile", "desktop"]),
            "language": dice.pick(&["ja", "de"]), "utm_campaign": dice.pick(&["", "may"]),
            "entry_path": "/", "basis": basis, "days_since_seen": seen, "visit_number": number,
        });
        let mut elapsed = 0;
        for seq in 1..=dice.roll(5) + 1 {
            if is_counted_only && seq > 1 {
                break;
            }
            key += 1;
            let at = began + elapsed / 60 * 60;
            let local_day = (at + 9 * 3_600) / 86_400;
            let is_page = seq == 1 || dice.roll(4) > 0;
            let mut row = properties.clone();
            for (name, value) in [
                ("site", json!("example.com")),
                ("time", json!(at)),
                ("name", json!(if is_page { "pageview" } else { "Signup" })),
                ("key", json!(key)),
                // A new id each day, and no id if only pages are counted.
                (
                    "visitor",
                    json!(if is_counted_only {
                        0
                    } else {
                        id as i64 * 100_000 + local_day
                    }),
                ),
                ("visit", json!(if is_counted_only { 0 } else { id })),
                ("seq", json!(if is_counted_only { 0 } else { seq })),
                ("elapsed", json!(elapsed)),
                (
                    "hostname",
                    json!(dice.pick(&["example.com", "www.example.com"])),
                ),
                (
                    "path",
                    json!(if seq == 1 {
                        "/"
                    } else {
                        dice.pick(&["/a", "/b", "/c"])
                    }),
                ),
                ("interactive", json!(is_page || dice.roll(2) == 0)),
                ("expires", json!("2099-01-01")),
            ] {
                row[name] = value;
            }
            if is_page && dice.roll(2) == 0 {
                let mut read = row.clone();
                read["name"] = json!("engagement");
                read["time"] = json!(at + 60);
                read["elapsed"] = json!(elapsed + 45);
                read["engaged_ms"] = json!(dice.roll(60_000));
                read["scroll"] = json!(if dice.roll(4) == 0 {
                    255
                } else {
                    dice.roll(101)
                });
                rows.push(read);
            }
            rows.push(row);
            elapsed += dice.roll(1_700) as i64;
        }
    }
    rows
}

fn questions() -> Vec<Json> {
    let all = json!([
        "visitors",
        "visits",
        "pageviews",
        "views_per_visit",
        "bounce_rate",
        "visit_duration",
        "events",
        "engagement_time",
        "new_visitors",
        "returning_visitors"
    ]);
    let filters = [
        json!([]),
        json!([["is", "visit:source", ["Google"]]]),
        json!([
            ["is_not", "visit:country", ["JP"]],
            ["contains", "visit:browser", ["fire"]]
        ]),
        json!([[
            "or",
            [
                ["is", "visit:exit_page", ["/a"]],
                ["is", "visit:device", ["mobile"]]
            ]
        ]]),
        json!([["not", ["is", "visit:entry_page_hostname", ["example.com"]]]]),
        json!([["is", "visit:visit_number", ["3-5"]]]),
        json!([["matches", "visit:browser_version", ["^14[01]$"]]]),
    ];
    let dimensions = [
        json!([]),
        json!(["visit:source", "visit:country"]),
        json!(["visit:exit_page"]),
        json!(["visit:exit_page_hostname"]),
        json!(["time:day"]),
        json!(["time:week", "visit:language"]),
        json!(["visit:days_since_seen"]),
    ];
    let ranges = [
        json!(["2025-05-02", "2025-05-11"]),
        json!(["2025-05-04", "2025-05-06"]),
    ];
    let mut questions = Vec::new();
    for filter in &filters {
        for dimensions in &dimensions {
            for (range, is_part) in ranges.iter().zip([false, true]) {
                // If a visit began before the period, its events in the period don't show the first
                // host, but the stored visit does.
                if is_part && filter.to_string().contains("entry_page_hostname") {
                    continue;
                }
                questions.push(json!({
                    "site_id": "example.com", "metrics": all, "filters": filter, "dimensions": dimensions,
                    "date_range": range, "pagination": {"limit": 1_000},
                }));
            }
        }
    }
    questions
}

async fn ask(stats: &StatsService, question: &Json) -> Json {
    let answer = stats
        .query_json(
            question.to_string().as_bytes(),
            NOW.parse().expect("NOW is a timestamp"),
        )
        .await;
    assert_eq!(answer.status, 200, "{question}: {}", answer.body);
    answer.body
}

#[test]
fn visit_questions_agree_between_events_and_cleared_visits() {
    runtime().block_on(async {
        let client = database().await;
        insert_rows(&client, &world(&mut Dice(7))).await;
        let site = site("example.com", "Asia/Tokyo");
        roll_up(&client, &site, NOW.parse().expect("NOW is a timestamp")).await.expect("the roll-up runs");
        let new = || StatsService::new(client.clone(), registry(std::slice::from_ref(&site)), QueryLimits::default());
        let raw = new().without_rollups();
        let mut truths = Vec::new();
        for question in questions() {
            truths.push(ask(&raw, &question).await);
        }
        let rows: usize = truths.iter().map(|truth| truth["results"].as_array().expect("a list").len()).sum();
        assert!(rows > 400, "only {rows} rows are compared");
        // Up to 17 May.
        let later = "2025-05-19T00:00:00Z".parse().expect("a timestamp");
        assert!(clear(&client, std::slice::from_ref(&site), later).await > 400);
        let stats = new();
        for (question, truth) in questions().iter().zip(&truths) {
            let answer = ask(&stats, question).await;
            assert_eq!(answer["results"], truth["results"], "{question}");
            assert_eq!(answer["meta"], truth["meta"], "{question}");
        }
        // No column of the table identifies a visit.
        let names: Vec<String> = client
            .query("SELECT name FROM system.columns WHERE database = currentDatabase() AND table = 'visits'")
            .fetch_all()
            .await
            .expect("rows");
        for id in ["visitor", "visit", "key", "time", "seq"] {
            assert!(!names.iter().any(|name| name == id), "{id}");
        }
    });
}
