//! Random questions over random traffic: answers from roll-ups equal answers from events.
//!
//! The traffic resembles real traffic: visits of several pages and over midnight, retries, late
//! engagement records, people with and without a history, visits without an id. Questions are
//! metrics by dimensions with filters, over ranges that begin and end at any time; the last days
//! are not rolled up yet. The seed is fixed, so that a failure can be repeated.

use crate::as_json::AsJson;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value as Json, json};
use sillage::rollup::job::roll_up;
use sillage::stats::{QueryLimits, StatsService};

use crate::engine::{database, insert_rows, registry, runtime, site};

const ZONE: &str = "Europe/Berlin";
/// The clocks go forward on 30 March. The last day that is rolled up is 8 April.
const FIRST_S: i64 = 1_742_860_800;
const DAYS: i64 = 16;
const NOW: &str = "2025-04-10T12:00:00Z";
const QUESTIONS: u32 = 150;

/// A visit with a number of pages. Small numbers select the properties of its rows.
#[derive(Debug, Clone)]
struct Visit {
    minute: i64,
    pages: Vec<(u8, u32, u8)>,
    source: u8,
    country: u8,
    device: u8,
    seen: i16,
    has_ids: bool,
    is_sent_twice: bool,
    has_event: bool,
}

fn visit() -> impl Strategy<Value = Visit> {
    let page = (0..5_u8, 0..90_000_u32, 0..=100_u8);
    let seen = prop_oneof![Just(32_767_i16), Just(-1_i16), 0..14_i16];
    (
        0..DAYS * 24 * 60,
        prop::collection::vec(page, 1..5),
        (0..4_u8, 0..3_u8, 0..3_u8),
        seen,
        prop::bool::weighted(0.9),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.3),
    )
        .prop_map(
            |(
                minute,
                pages,
                (source, country, device),
                seen,
                has_ids,
                is_sent_twice,
                has_event,
            )| Visit {
                minute,
                pages,
                source,
                country,
                device,
                seen,
                has_ids,
                is_sent_twice,
                has_event,
            },
        )
}

fn of(names: &[&str], number: u8) -> String {
    names[usize::from(number)].to_owned()
}

fn rows(visits: &[Visit]) -> Vec<Json> {
    let zone = jiff::tz::TimeZone::get(ZONE).expect("a known time zone");
    let mut rows = Vec::new();
    for (number, visit) in visits.iter().enumerate() {
        let id = number as u64 + 1;
        let path = |page: u8| format!("/{page}");
        let mut add = |minute: i64, name: &str, key: u64, seq: usize, elapsed: i64, more: Json| {
            let at = jiff::Timestamp::from_second(FIRST_S + minute * 60).expect("an instant");
            let day = at.to_zoned_datetime(zone.clone()).date().day();
            let mut row = json!({
                "site": "example.com", "time": at.strftime("%Y-%m-%d %H:%M:00").to_string(), "name": name, "key": key,
                "hostname": "example.com", "entry_path": path(visit.pages[0].0), "basis": "consent", "policy": "1",
                "source": of(&["", "Google", "Bing", "Newsletter"], visit.source),
                "channel": of(&["Direct", "Organic Search", "Organic Search", "Email"], visit.source),
                "country": of(&["DE", "JP", ""], visit.country),
                "device": of(&["desktop", "mobile", ""], visit.device),
                "browser": of(&["Firefox", "Chrome", "Safari"], visit.device),
                "days_since_seen": visit.seen, "visit_number": if visit.seen == 32_767 { 1 } else { 2 },
                "expires": "2099-01-01", "elapsed": elapsed,
                "seq": if visit.has_ids { seq } else { 0 },
                // A visitor id is valid for one local day.
                "visitor": if visit.has_ids { id * 32 + day as u64 } else { 0 },
                "visit": if visit.has_ids { id } else { 0 },
            });
            row.as_object_mut()
                .expect("an object")
                .extend(more.as_object().expect("an object").clone());
            if visit.is_sent_twice {
                rows.push(row.clone());
            }
            rows.push(row);
        };
        let mut before = String::new();
        for (index, (page, engaged_ms, scroll)) in visit.pages.iter().enumerate() {
            let (place, key) = (index as i64, id * 16 + index as u64);
            let there = json!({"path": path(*page), "previous_path": before});
            add(
                visit.minute + 9 * place,
                "pageview",
                key,
                index + 1,
                540 * place,
                there,
            );
            let read = json!({"path": path(*page), "engaged_ms": engaged_ms, "scroll": scroll});
            add(
                visit.minute + 9 * place + 2,
                "engagement",
                key,
                index + 1,
                540 * place + 100,
                read,
            );
            before = path(*page);
        }
        if visit.has_event {
            let place = visit.pages.len() as i64;
            let done = json!({"path": before, "interactive": true});
            add(
                visit.minute + 9 * place,
                "Signup",
                id * 16 + 15,
                place as usize + 1,
                540 * place,
                done,
            );
        }
    }
    rows
}

fn question() -> impl Strategy<Value = Json> {
    let metrics = prop::sample::subsequence(
        vec![
            "visitors",
            "visits",
            "pageviews",
            "events",
            "views_per_visit",
            "bounce_rate",
            "visit_duration",
            "new_visitors",
            "returning_visitors",
            "engagement_time",
            "time_on_page",
            "scroll_depth",
            "percentage",
        ],
        1..5,
    );
    let dimension = prop::sample::select(vec![
        "",
        "visit:source",
        "visit:channel",
        "visit:country",
        "visit:device",
        "visit:browser",
        "visit:entry_page",
        "visit:exit_page",
        "visit:visit_number",
        "visit:days_since_seen",
        "event:page",
        "event:name",
        "event:hostname",
        "event:page event:next_page",
        "visit:country visit:device",
    ]);
    let bucket = prop::sample::select(vec![
        "",
        "",
        "time:day",
        "time:week",
        "time:month",
        "time:hour",
    ]);
    let filter = prop::sample::select(vec![
        json!([]),
        json!([]),
        json!([["is", "visit:source", ["Google", "Bing"]]]),
        json!([["is_not", "visit:country", ["DE"]]]),
        json!([["is", "event:page", ["/1"]]]),
        json!([["contains", "visit:entry_page", ["2"]]]),
        json!([["has_done", ["is", "event:name", ["Signup"]]]]),
        json!([[
            "or",
            [
                ["is", "visit:device", ["mobile"]],
                ["matches", "event:page", ["^/[34]$"]]
            ]
        ]]),
    ]);
    (metrics, dimension, bucket, filter, 0..DAYS, 0..DAYS).prop_map(|(metrics, dimension, bucket, filters, one, two)| {
        let day = |number: i64| {
            let first: jiff::civil::Date = "2025-03-25".parse().expect("a date");
            first.checked_add(jiff::Span::new().days(number)).expect("a time").to_string()
        };
        let dimensions: Vec<&str> = [bucket].into_iter().chain(dimension.split(' ')).filter(|name| !name.is_empty()).collect();
        json!({
            "site_id": "example.com", "metrics": metrics, "dimensions": dimensions, "filters": filters,
            "date_range": [day(one.min(two)), day(one.max(two))], "pagination": {"limit": 1_000, "offset": 0},
        })
    })
}

#[test]
fn random_questions_have_the_same_answer_from_events_and_roll_ups() {
    let mut runner = TestRunner::deterministic();
    let visits = prop::collection::vec(visit(), 400)
        .new_tree(&mut runner)
        .expect("a tree")
        .current();
    let now = NOW.parse().expect("NOW is a timestamp");
    let (raw, rolled, client) = runtime().block_on(async {
        let client = database().await;
        insert_rows(&client, &rows(&visits)).await;
        let site = site("example.com", ZONE);
        assert!(
            roll_up(&client, &site, now)
                .await
                .expect("the roll-up runs")
                > 10
        );
        let rolled = StatsService::new(client.clone(), registry(&[site]), QueryLimits::default());
        (rolled.clone().without_rollups(), rolled, client)
    });
    let config = Config {
        cases: QUESTIONS,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = runner.new_rng();
    let (answered, full) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    TestRunner::new_with_rng(config, rng)
        .run(&question(), |question| {
            let body = question.to_string();
            let ask = |way: &StatsService| runtime().block_on(way.query_json(body.as_bytes(), now));
            let (one, other) = (ask(&raw), ask(&rolled));
            prop_assert_eq!(one.status, other.status, "{}", question);
            prop_assert_eq!(&one.body["results"], &other.body["results"], "{}", question);
            answered.set(answered.get() + u32::from(one.status == 200));
            full.set(full.get() + u32::from(one.body["results"][0].is_object()));
            Ok(())
        })
        .expect("every case passes");
    // Both ways refuse the combinations that the contract refuses. Most questions must be answered.
    assert!(
        answered.get() > QUESTIONS / 2,
        "only {} of {QUESTIONS} were answered",
        answered.get()
    );
    assert!(
        full.get() > QUESTIONS / 3,
        "only {} of {QUESTIONS} had rows",
        full.get()
    );
    // Positive control: the two ways are different. Without roll-ups one of them counts nothing.
    let totals = json!({"site_id": "example.com", "metrics": ["visits"], "date_range": ["2025-03-26", "2025-03-30"]});
    let count = |way: &StatsService| {
        let answer = runtime().block_on(way.query_json(totals.to_string().as_bytes(), now));
        answer.body["results"][0]["metrics"][0]
            .as_u64()
            .expect("a number")
    };
    let before = count(&rolled);
    runtime().block_on(async {
        client
            .query("TRUNCATE TABLE daily")
            .execute()
            .await
            .expect("the statement runs")
    });
    assert!(before > 50);
    assert_eq!((count(&raw), count(&rolled)), (before, 0));
}
