//! Limits and edge cases on the real engine: expensive questions are refused, empty sites report
//! zeros, and clock changes follow the site's time zone.

use crate::as_json::AsJson;
use serde_json::{Value as Json, json};
use sillage::stats::{QueryLimits, StatsService};

use crate::engine::{database, insert_rows, registry, runtime, site};

const NOW: &str = "2025-10-28T12:00:00Z";

async fn stats(zone: &str, limits: QueryLimits, rows: &[Json]) -> StatsService {
    let client = database().await;
    insert_rows(&client, rows).await;
    StatsService::new(client, registry(&[site("example.com", zone)]), limits)
}

fn pageview(id: u64, time: &str) -> Json {
    json!({
        "site": "example.com", "time": time, "name": "pageview", "key": id, "visitor": id, "visit": id, "seq": 1,
        "path": "/", "days_since_seen": 32767, "expires": "2099-01-01",
    })
}

async fn ask(stats: &StatsService, change: Json) -> (u16, Json) {
    let mut body = json!({"site_id": "example.com", "metrics": ["visitors"], "date_range": "7d"});
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

fn rows(body: &Json) -> Vec<(String, u64)> {
    let rows = body["results"].as_array().expect("a list").iter();
    rows.map(|row| {
        (
            row["dimensions"][0].as_str().expect("a text").to_owned(),
            row["metrics"][0].as_u64().expect("a number"),
        )
    })
    .collect()
}

#[test]
fn the_repeated_hour_is_one_row_and_the_day_has_25_hours() {
    runtime().block_on(async {
        // Summer time in Berlin ends on 2025-10-26: 00:30 and 01:30 UTC are both 02:30 local time.
        let events = [
            pageview(1, "2025-10-25 21:59:00"),
            pageview(2, "2025-10-25 22:00:00"),
            pageview(3, "2025-10-26 00:30:00"),
            pageview(4, "2025-10-26 01:30:00"),
            pageview(5, "2025-10-26 22:59:00"),
            pageview(6, "2025-10-26 23:00:00"),
        ];
        let stats = stats("Europe/Berlin", QueryLimits::default(), &events).await;
        let (status, body) = ask(&stats, json!({"dimensions": ["time:day"]})).await;
        assert_eq!(status, 200, "{body}");
        let days = [("2025-10-25", 1), ("2025-10-26", 4), ("2025-10-27", 1)];
        assert_eq!(rows(&body), days.map(|(day, count)| (day.to_owned(), count)));
        let hours = json!({"dimensions": ["time:hour"], "date_range": ["2025-10-26", "2025-10-26"], "include": {"time_labels": true}});
        let (_, body) = ask(&stats, hours).await;
        let expected = [("2025-10-26 00:00:00", 1), ("2025-10-26 02:00:00", 2), ("2025-10-26 23:00:00", 1)];
        assert_eq!(rows(&body), expected.map(|(hour, count)| (hour.to_owned(), count)));
        let labels = body["meta"]["time_labels"].as_array().expect("a list");
        assert_eq!(labels.len(), 24);
        for (label, _) in rows(&body) {
            assert!(labels.contains(&json!(label)), "{label} is not a label");
        }
    });
}

#[test]
fn hours_follow_the_sites_half_hour_offset() {
    runtime().block_on(async {
        // Kolkata is at +05:30: 18:29 UTC is 23:59, and 18:30 UTC is the next day.
        let events = [
            pageview(1, "2025-10-26 18:29:00"),
            pageview(2, "2025-10-26 18:30:00"),
        ];
        let stats = stats("Asia/Kolkata", QueryLimits::default(), &events).await;
        let (_, body) = ask(&stats, json!({"dimensions": ["time:hour"]})).await;
        let expected = [("2025-10-26 23:00:00", 1), ("2025-10-27 00:00:00", 1)];
        assert_eq!(
            rows(&body),
            expected.map(|(hour, count)| (hour.to_owned(), count))
        );
    });
}

#[test]
fn an_empty_site_has_zeros_and_no_rows() {
    runtime().block_on(async {
        let stats = stats("Asia/Tokyo", QueryLimits::default(), &[]).await;
        for range in [json!("day"), json!("all"), json!("5000d"), json!("24h")] {
            let (status, body) = ask(
                &stats,
                json!({"date_range": range, "metrics": ["visitors", "bounce_rate"]}),
            )
            .await;
            assert_eq!(
                (status, &body["results"][0]["metrics"]),
                (200, &json!([0, 0])),
                "{range}"
            );
            let (_, body) = ask(
                &stats,
                json!({"date_range": range, "dimensions": ["visit:source"]}),
            )
            .await;
            assert_eq!(body["results"], json!([]), "{range}");
        }
        let live = stats
            .live_json("example.com", NOW.parse().expect("NOW is a timestamp"))
            .await;
        assert_eq!(live.body, json!({"visitors": 0}));
        let (first, last) = (
            "2025-10-01".parse().expect("a date"),
            "2025-10-31".parse().expect("a date"),
        );
        assert_eq!(
            stats.quality_json("example.com", first, last).await.body,
            json!({"accepted": 0, "dropped": {}, "by_day": {}})
        );
        assert_eq!(
            stats.quality_json("example.com", last, first).await.status,
            400
        );
        assert_eq!(stats.quality_json("other", first, last).await.status, 401);
        assert_eq!(
            stats
                .live_json("other", NOW.parse().expect("NOW is a timestamp"))
                .await
                .status,
            401
        );
    });
}

#[test]
fn visitors_of_the_last_five_minutes_are_live() {
    runtime().block_on(async {
        let events = [
            pageview(1, "2025-10-28 11:54:00"),
            pageview(2, "2025-10-28 11:55:00"),
            pageview(3, "2025-10-28 12:00:00"),
            pageview(3, "2025-10-28 11:59:00"),
        ];
        let stats = stats("Asia/Tokyo", QueryLimits::default(), &events).await;
        let live = stats
            .live_json("example.com", NOW.parse().expect("NOW is a timestamp"))
            .await;
        assert_eq!(live.body, json!({"visitors": 2}));
    });
}

#[test]
fn questions_over_the_cost_limit_are_refused_with_a_reason() {
    runtime().block_on(async {
        let limits = QueryLimits {
            memory_bytes_max: 1 << 16,
            ..QueryLimits::default()
        };
        let events: Vec<Json> = (1..2_000)
            .map(|id| pageview(id, "2025-10-26 10:00:00"))
            .collect();
        let (status, body) = ask(&stats("Asia/Tokyo", limits, &events).await, json!({})).await;
        assert_eq!(status, 422, "{body}");
        assert!(
            body["error"]
                .as_str()
                .expect("a text")
                .contains("costs more than is allowed")
        );
    });
}

#[test]
fn a_batch_answers_in_order_and_isolates_errors() {
    runtime().block_on(async {
        let stats = stats("Asia/Tokyo", QueryLimits::default(), &[pageview(1, "2025-10-27 10:00:00")]).await;
        let query = |metric: &str, site: &str| json!({"site_id": site, "metrics": [metric], "date_range": "7d"});
        let batch = |queries: Vec<Json>| json!({"queries": queries}).to_string();
        let now = NOW.parse().expect("NOW is a timestamp");
        let queries = vec![query("visitors", "example.com"), query("visiters", "example.com"), query("visits", "other"), query("events", "example.com")];
        let answer = stats.batch_json(batch(queries).as_bytes(), now).await;
        let results = answer.body["results"].as_array().expect("a list");
        let statuses: Vec<&Json> = results.iter().map(|result| &result["status"]).collect();
        assert_eq!(statuses, [200, 400, 401, 200]);
        assert_eq!(results[3]["body"]["query"]["metrics"], json!(["events"]));
        let many = |count: usize| batch(vec![query("visits", "example.com"); count]);
        assert_eq!(stats.batch_json(many(32).as_bytes(), now).await.status, 200);
        for body in [many(33), many(0), "{}".into(), "[]".into(), "{".into(), "{\"queries\": [], \"x\": 1}".into()] {
            assert_eq!(stats.batch_json(body.as_bytes(), now).await.status, 400, "{body}");
        }
    });
}

#[test]
fn an_abandoned_question_is_cancelled_in_the_engine() {
    use sillage::store::runner::Runner;
    use sillage_query::sql::Sql;
    runtime().block_on(async {
        let client = database().await;
        let running = || async {
            client
                .query("SELECT count() FROM system.processes WHERE query LIKE '%cityHash64(number)%' AND query NOT LIKE '%system.processes%'")
                .fetch_one::<u64>()
                .await
                .expect("a row")
        };
        let runner = Runner::new(client.clone(), QueryLimits::default());
        let slow = Sql::text("SELECT count() FROM numbers(1000000000000) WHERE cityHash64(number) = 1").finish();
        let question = tokio::spawn(async move { runner.rows(slow).await });
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while running().await == 0 {
            assert!(!question.is_finished(), "{:?}", question.await);
            assert!(std::time::Instant::now() < deadline, "the question never ran");
        }
        question.abort();
        while running().await > 0 {
            assert!(std::time::Instant::now() < deadline, "the question still runs");
        }
    });
}

#[test]
fn a_time_range_reads_few_granules_by_the_sort_key() {
    runtime().block_on(async {
        let client = database().await;
        // Ten hours with 10,000 rows each, more than one granule per hour, all in one part.
        let rows = "INSERT INTO events (site, time, name, key, expires) SELECT 'example.com', toDateTime(1761559200 + 3600 * (number % 10), 'UTC'), 'pageview', number, '2099-01-01' FROM numbers(100000)";
        client.query(rows).execute().await.expect("the statement runs");
        let plan = client
            .query("EXPLAIN indexes = 1 SELECT uniqExact(key) FROM events WHERE site = 'example.com' AND time >= toDateTime(1761559200 + 3600 * 9, 'UTC')")
            .fetch_all::<String>()
            .await
            .expect("rows");
        let of_key = plan.iter().skip_while(|line| line.trim() != "PrimaryKey");
        let granules = of_key.map(|line| line.trim()).find(|line| line.starts_with("Granules:")).expect("a line with granules");
        let (read, all) = granules.trim_start_matches("Granules: ").split_once('/').expect("two numbers");
        let (read, all): (u64, u64) = (read.parse().expect("a number"), all.parse().expect("a number"));
        assert!(all >= 12 && read <= 3, "{plan:?}");
    });
}
