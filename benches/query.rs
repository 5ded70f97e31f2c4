//! Response times of the dashboard's questions: `make bench-query`.
//!
//! Generates 50 million events over 12 months for one site (deterministic; `BENCH_EVENTS` sets
//! another number), rolls them up, and asks the questions of the dashboard's first view in one
//! batch, for 30 days and for 12 months. Prints Markdown tables with the medians of five rounds,
//! each report from events and from roll-ups in the same run, and the bytes per stored event. The
//! events stay in `target/bench-query` for the next run.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clickhouse::Client;
use jiff::civil::date;
use serde_json::{Value as Json, json};
use sillage::api::stats_json;
use sillage::config::{Config, Site, Sites, Tables};
use sillage::rollup::job::roll_up;
use sillage::stats::{QueryLimits, StatsService};
use sillage::store::migrate::migrate;
use sillage_engine::supervise::{self, SupervisorOptions};

const SITE: &str = "bench.example";
const ZONE: &str = "Asia/Tokyo";
const EVENTS: u64 = 50_000_000;
/// Of `query_events.sql`: 2 × (0.45 × 1 + 0.25 × 2 + 0.15 × 3 + 0.15 × 5).
const EVENTS_PER_VISIT: f64 = 4.3;
const MONTHS: u64 = 12;
const ROUNDS: usize = 5;
const DATABASE: &str = "bench";
/// Noon of the day after the last event.
const NOW: &str = "2026-11-01T03:00:00Z";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let events = match std::env::var("BENCH_EVENTS") {
        Ok(text) => text.parse()?,
        Err(_) => EVENTS,
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench-query");
    std::fs::create_dir_all(&folder)?;
    let engine = supervise::start(SupervisorOptions {
        binary: Some(env!("CARGO_BIN_EXE_sillage").into()),
        ..SupervisorOptions::new(folder.join(format!("engine-{events}")))
    })
    .await?;
    let target = engine.target();
    let client = Client::default()
        .with_url(&target.url)
        .with_user(&target.user)
        .with_password(&target.password)
        .with_database(DATABASE);
    migrate(&client, DATABASE, Tables::Local).await?;
    generate(&client, events).await?;
    let started = Instant::now();
    let days = roll_up(&client, &site()?, NOW.parse()?).await?;
    println!(
        "rolled up {days} days in {:.1} s\n",
        started.elapsed().as_secs_f64()
    );
    settle(&client).await?;
    sizes(&client).await?;
    let sites = std::sync::Arc::new(Sites::new(vec![site()?]));
    // Time limits protect a server, not a benchmark: a year from events may take longer than they
    // allow.
    let patient = QueryLimits {
        execution_time_max: Duration::from_secs(600),
        memory_bytes_max: 12 << 30,
        ..QueryLimits::default()
    };
    let stats = StatsService::new(client, sites, patient);
    first_views(&stats).await?;
    alone(&stats).await?;
    reports(&stats).await?;
    engine.stop().await;
    Ok(())
}

fn site() -> anyhow::Result<Site> {
    let text = format!(
        "[[site]]\nid = {SITE:?}\ntimezone = {ZONE:?}\nprofile = \"consent\"\nretention_days = 400\n"
    );
    let config = Config::parse(&text, Path::new("sillage.toml"))?;
    config.sites.first().cloned().context("one site")
}

/// Fills the table month by month, unless it is filled already.
async fn generate(client: &Client, events: u64) -> anyhow::Result<()> {
    let there: u64 = client
        .query("SELECT count() FROM events")
        .fetch_one()
        .await?;
    if there > 0 {
        println!("{there} events from an earlier run");
        return Ok(());
    }
    let started = Instant::now();
    let visits = (events as f64 / EVENTS_PER_VISIT) as u64;
    let zone = site()?.timezone;
    let since = date(2025, 11, 1)
        .to_zoned_datetime(zone.clone())?
        .timestamp()
        .as_second();
    let until = date(2026, 11, 1)
        .to_zoned_datetime(zone)?
        .timestamp()
        .as_second();
    for month in 0..MONTHS {
        let (first, next) = (visits * month / MONTHS, visits * (month + 1) / MONTHS);
        client
            .query_raw(include_str!("query_events.sql"))
            .param("since", since)
            // The last visit ends within the period.
            .param("seconds", until - since - 3_600)
            .param("visits_all", visits)
            .param("first", first)
            .param("visits", next - first)
            .execute()
            .await?;
    }
    println!(
        "generated {events} events in {:.1} s",
        started.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Waits up to five minutes until the new parts are merged. In production all events except those
/// of the last minutes are merged.
async fn settle(client: &Client) -> anyhow::Result<()> {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(300) {
        let merges: u64 = client
            .query("SELECT count() FROM system.merges")
            .fetch_one()
            .await?;
        if merges == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    println!("merged for {:.1} s more\n", started.elapsed().as_secs_f64());
    Ok(())
}

async fn sizes(client: &Client) -> anyhow::Result<()> {
    println!("| table | rows | bytes on disk | bytes a row |\n|---|---|---|---|");
    for table in ["events", "daily"] {
        let (rows, bytes): (u64, u64) = client
            .query("SELECT sum(rows), sum(bytes_on_disk) FROM system.parts WHERE active AND database = {database:String} AND table = {table:String}")
            .param("database", DATABASE)
            .param("table", table)
            .fetch_one()
            .await?;
        println!(
            "| {table} | {rows} | {bytes} | {:.1} |",
            bytes as f64 / rows.max(1) as f64
        );
    }
    println!();
    Ok(())
}

/// The questions of the dashboard's first view, for the period and the one before.
fn first_view(range: [&str; 2], before: [&str; 2]) -> Vec<(&'static str, Json)> {
    let ask = |range: [&str; 2], metrics: &[&str], dimensions: &[&str]| {
        json!({"site_id": SITE, "metrics": metrics, "dimensions": dimensions, "date_range": range,
               "pagination": {"limit": 250, "offset": 0}})
    };
    let headline = [
        "visitors",
        "visits",
        "pageviews",
        "views_per_visit",
        "bounce_rate",
        "visit_duration",
    ];
    let mut questions = Vec::new();
    for (range, is_now) in [(range, true), (before, false)] {
        questions.push(("totals", ask(range, &headline, &[])));
        questions.push(("chart", ask(range, &headline, &["time:day"])));
        questions.push(("engaged time", ask(range, &["engagement_time"], &[])));
        questions.push((
            "sources",
            ask(
                range,
                &["visitors", "visits", "bounce_rate"],
                &["visit:source"],
            ),
        ));
        questions.push((
            "pages",
            ask(range, &["visitors", "pageviews"], &["event:page"]),
        ));
        questions.push((
            "countries",
            ask(range, &["visitors", "visits"], &["visit:country"]),
        ));
        if is_now {
            questions.push((
                "reading",
                ask(range, &["time_on_page", "scroll_depth"], &["event:page"]),
            ));
            questions.push((
                "devices",
                ask(range, &["visitors", "visits"], &["visit:device"]),
            ));
            questions.push((
                "returning",
                ask(range, &["new_visitors", "returning_visitors"], &[]),
            ));
            questions.push((
                "frequency",
                ask(range, &["visits"], &["visit:visit_number"]),
            ));
            questions.push((
                "journeys",
                ask(range, &["visits"], &["event:page", "event:next_page"]),
            ));
        }
    }
    questions
}

const MONTH: [[&str; 2]; 2] = [["2026-10-02", "2026-10-31"], ["2026-09-02", "2026-10-01"]];
/// Days that are all rolled up. The last day of `MONTH` is read from events, like yesterday until
/// its visits have ended.
const ROLLED: [&str; 2] = ["2026-10-01", "2026-10-30"];
const YEAR: [[&str; 2]; 2] = [["2025-11-01", "2026-10-31"], ["2024-11-01", "2025-10-31"]];

async fn first_views(stats: &StatsService) -> anyhow::Result<()> {
    println!("| first view, one batch | median | slowest of {ROUNDS} |\n|---|---|---|");
    for (name, [range, before]) in [("30 days", MONTH), ("12 months", YEAR)] {
        let queries: Vec<Json> = first_view(range, before)
            .into_iter()
            .map(|(_, query)| query)
            .collect();
        let body = json!({ "queries": queries });
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let started = Instant::now();
            let answer = stats_json::batch(stats, &body, NOW.parse()?).await;
            times.push(started.elapsed());
            for result in answer.body["results"].as_array().into_iter().flatten() {
                anyhow::ensure!(result["status"] == 200, "{result}");
            }
        }
        times.sort_unstable();
        println!(
            "| {name} ({} questions) | {} | {} |",
            queries.len(),
            seconds(times[ROUNDS / 2]),
            seconds(times[ROUNDS - 1])
        );
    }
    println!();
    Ok(())
}

/// Each question of the first view alone. Its last day is read from events.
async fn alone(stats: &StatsService) -> anyhow::Result<()> {
    println!("| question alone, 30 days up to yesterday | median |\n|---|---|");
    for (name, query) in first_view(MONTH[0], MONTH[1]).into_iter().take(11) {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let started = Instant::now();
            let answer = stats_json::query(stats, &query, NOW.parse()?).await;
            times.push(started.elapsed());
            anyhow::ensure!(answer.status == 200, "{name}: {}", answer.body);
        }
        times.sort_unstable();
        println!("| {name} | {} |", seconds(times[ROUNDS / 2]));
    }
    println!();
    Ok(())
}

/// Each report alone, both ways, over 30 days that are rolled up. The answers must be the same.
async fn reports(stats: &StatsService) -> anyhow::Result<()> {
    println!("| report, 30 days | from events | from roll-ups | ratio |\n|---|---|---|---|");
    let raw = stats.clone().without_rollups();
    for (name, query) in first_view(ROLLED, MONTH[1]).into_iter().take(11) {
        let mut medians = [Duration::ZERO; 2];
        let mut answers = Vec::new();
        for (median, way) in medians.iter_mut().zip([&raw, stats]) {
            let mut times = Vec::new();
            for _ in 0..ROUNDS {
                let started = Instant::now();
                let answer = stats_json::query(way, &query, NOW.parse()?).await;
                times.push(started.elapsed());
                anyhow::ensure!(answer.status == 200, "{name}: {}", answer.body);
                answers.push(answer.body["results"].clone());
            }
            times.sort_unstable();
            *median = times[ROUNDS / 2];
        }
        anyhow::ensure!(
            answers.iter().all(|answer| *answer == answers[0]),
            "{name}: the two ways differ"
        );
        let ratio = medians[0].as_secs_f64() / medians[1].as_secs_f64();
        println!(
            "| {name} | {} | {} | {ratio:.0} |",
            seconds(medians[0]),
            seconds(medians[1])
        );
    }
    Ok(())
}

fn seconds(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}
