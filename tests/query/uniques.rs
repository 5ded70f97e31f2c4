//! Unique visitors against the truth: 100,000 synthetic people with known histories, two sites in
//! time zones with daylight saving (one changes at midnight), and random ranges. Exact up to 32
//! days, within 1 % beyond, since longer gaps are stored in classes.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use crate::as_json::AsJson;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde_json::json;
use sillage::rollup::job::roll_up;
use sillage::stats::{QueryLimits, StatsService};
use sillage_privacy::coarse::days_since_seen;

use crate::engine::{database, insert_events, registry, runtime, site};

const PEOPLE: u64 = 100_000;
const SITES: [(&str, &str); 2] = [
    ("berlin.example", "Europe/Berlin"),
    // The clock goes forward at midnight: one day has no first hour.
    ("santiago.example", "America/Santiago"),
];
const FIRST: &str = "2025-01-15T00:00:00Z";
const DAYS: u64 = 300;
const NOW: &str = "2026-01-10T12:00:00Z";

/// SplitMix64: a fixed seed gives the same people on every machine.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A random number less than `below`.
    fn roll(&mut self, below: u64) -> u64 {
        self.next() % below
    }
}

#[derive(Clone)]
struct Visit {
    day: Date,
    source: &'static str,
}

/// The true visits of a site, and its rows.
struct World {
    people: Vec<Vec<Visit>>,
    rows: String,
}

fn world(name: &str, zone: &str, seed: u64) -> World {
    let zone = jiff::tz::TimeZone::get(zone).expect("a known time zone");
    let mut dice = Dice(seed);
    let first = FIRST
        .parse::<Timestamp>()
        .expect("FIRST is a timestamp")
        .as_second()
        / 60;
    let mut world = World {
        people: Vec::new(),
        rows: String::new(),
    };
    let mut visit = 0_u64;
    for _ in 0..PEOPLE / SITES.len() as u64 {
        // Two of three people come once, the others up to nine times. Visits are in different
        // hours, so that they don't merge.
        let count = if dice.roll(3) > 0 {
            1
        } else {
            1 + dice.roll(9)
        };
        let mut minutes: Vec<u64> = (0..count)
            .map(|_| dice.roll(DAYS * 24) * 60 + dice.roll(20))
            .collect();
        minutes.sort_unstable();
        minutes.dedup_by_key(|minute| *minute / 60);
        let mut history: Vec<Visit> = Vec::new();
        for minute in minutes {
            let at = Timestamp::from_second((first + minute as i64) * 60).expect("an instant");
            let day = at.to_zoned_datetime(zone.clone()).date();
            let since = history.last().map_or(32767, |last| {
                i64::from(days_since_seen(
                    day.since(last.day).expect("a span").get_days(),
                ))
            });
            let source = ["", "Google", "Newsletter", "Bing"][dice.roll(4) as usize];
            visit += 1;
            let mut event = |at: Timestamp, seq: u32| {
                let time = at.strftime("%Y-%m-%d %H:%M:00");
                // A visitor id is valid for one local day.
                let visitor =
                    visit * 2 + u64::from(at.to_zoned_datetime(zone.clone()).date() != day);
                let key = visit * 2 + u64::from(seq);
                writeln!(
                    world.rows,
                    "{name}\t{time}\tpageview\t{key}\t{visitor}\t{visit}\t{seq}\t{source}\t{since}\t2099-01-01"
                )
                .expect("writing to a String");
            };
            event(at, 1);
            // Every fourth visit lasts 20 minutes, sometimes over midnight.
            if dice.roll(4) == 0 {
                event(at.checked_add(20.minutes()).expect("a time"), 2);
            }
            history.push(Visit { day, source });
        }
        world.people.push(history);
    }
    world
}

/// The first visit of each person in `[from, to]`.
fn first_visits(world: &World, from: Date, to: Date) -> impl Iterator<Item = (&Visit, bool)> {
    world.people.iter().filter_map(move |history| {
        let index = history
            .iter()
            .position(|visit| visit.day >= from && visit.day <= to)?;
        Some((&history[index], index == 0))
    })
}

async fn ask(
    stats: &StatsService,
    site: &str,
    from: Date,
    to: Date,
    change: serde_json::Value,
) -> serde_json::Value {
    let mut body = json!({
        "site_id": site, "metrics": ["visitors", "new_visitors", "returning_visitors", "visits"],
        "date_range": [from.to_string(), to.to_string()],
    });
    for (key, value) in change.as_object().expect("an object") {
        body[key] = value.clone();
    }
    let text = body.to_string();
    let answer = stats
        .query_json(text.as_bytes(), NOW.parse().expect("NOW is a timestamp"))
        .await;
    assert_eq!(answer.status, 200, "{body}: {}", answer.body);
    // Roll-ups and events give the same answer, byte for byte.
    let raw = stats.clone().without_rollups();
    let from_events = raw
        .query_json(text.as_bytes(), NOW.parse().expect("NOW is a timestamp"))
        .await;
    assert_eq!(answer.body, from_events.body, "{body}");
    answer.body
}

#[test]
fn visitors_are_exact_up_to_a_month_and_estimated_beyond() {
    runtime().block_on(async {
        let client = database().await;
        let mut worlds = HashMap::new();
        for (seed, (name, zone)) in SITES.into_iter().enumerate() {
            let world = world(name, zone, seed as u64 + 1);
            let rows: Vec<&str> = world.rows.lines().collect();
            for chunk in rows.chunks(100_000) {
                let header = "site\ttime\tname\tkey\tvisitor\tvisit\tseq\tsource\tdays_since_seen\texpires\n";
                insert_events(&client, &format!("{header}{}\n", chunk.join("\n"))).await;
            }
            worlds.insert(name, world);
        }
        // Berlin is rolled up to the end, Santiago to the middle: there an answer combines roll-ups
        // and events.
        for ((name, zone), now) in SITES.into_iter().zip([NOW, "2025-07-01T12:00:00Z"]) {
            let days = roll_up(&client, &site(name, zone), now.parse().expect("a timestamp")).await.expect("the roll-up runs");
            assert!(days > 150, "{name}: {days} days");
        }
        let sites = registry(&SITES.map(|(name, zone)| site(name, zone)));
        let stats = StatsService::new(client, sites, QueryLimits::default());
        let mut dice = Dice(99);
        let first: Date = "2025-01-14".parse().expect("a date");
        for round in 0..12 {
            let (name, _) = SITES[round % 2];
            let world = &worlds[name];
            let from = first.checked_add((dice.roll(DAYS) as i64).days()).expect("a time");
            // Short ranges are as frequent as long ones.
            let length_max = [1, 8, 33, 320][dice.roll(4) as usize];
            let to = from.checked_add((dice.roll(length_max) as i64).days()).expect("a time");
            let place = format!("{name} from {from} to {to}");

            let people = first_visits(world, from, to).count();
            let new = first_visits(world, from, to).filter(|(_, is_new)| *is_new).count();
            let visits = world.people.iter().flatten().filter(|visit| visit.day >= from && visit.day <= to).count();
            let body = ask(&stats, name, from, to, json!({})).await;
            let days = to.since(from).expect("a span").get_days() + 1;
            let semantics = &body["meta"]["visitors_semantics"];
            let answer = &body["results"][0]["metrics"];
            if days <= 32 {
                assert_eq!(semantics, "exact", "{place}");
                assert_eq!(answer, &json!([people, new, people - new, visits]), "{place}");
            } else {
                assert_eq!(semantics, "estimated", "{place}");
                let warned = &body["meta"]["metric_warnings"]["visitors"]["code"];
                assert_eq!(warned, "estimated", "{place}");
                let estimate = answer[0].as_f64().expect("a number");
                let error = (estimate - people as f64).abs() / people as f64;
                assert!(error < 0.01, "{place}: {estimate} for {people}");
                assert_eq!((&answer[1], &answer[3]), (&json!(new), &json!(visits)), "{place}");
            }

            // First touch: each person counts for the source of the first visit, so that the rows
            // add up to the total.
            let mut by_source: BTreeMap<&str, usize> = BTreeMap::new();
            for (visit, _) in first_visits(world, from, to) {
                let label = if visit.source.is_empty() { "Direct / None" } else { visit.source };
                *by_source.entry(label).or_default() += 1;
            }
            let body = ask(&stats, name, from, to, json!({"dimensions": ["visit:source"]})).await;
            let rows = body["results"].as_array().expect("a list").iter();
            let given: BTreeMap<&str, usize> = rows
                .map(|row| (row["dimensions"][0].as_str().expect("a text"), row["metrics"][0].as_u64().expect("a number") as usize))
                .filter(|(_, count)| *count > 0)
                .collect();
            if days <= 32 {
                assert_eq!(given, by_source, "{place}");
            }
            let total = answer[0].as_u64().expect("a number") as usize;
            assert_eq!(given.values().sum::<usize>(), total, "{place}");

            // Metrics without a truth here must at least be the same from events and from roll-ups.
            let metrics = json!(["pageviews", "views_per_visit", "bounce_rate", "visit_duration", "visitors", "percentage"]);
            for dimensions in [json!(["visit:exit_page"]), json!(["visit:source", "time:month"]), json!(["visit:days_since_seen"])] {
                ask(&stats, name, from, to, json!({"metrics": metrics, "dimensions": dimensions})).await;
            }
            ask(&stats, name, from, to, json!({"metrics": ["visitors", "visits", "events"], "dimensions": ["event:page"]})).await;

            // Each day or week is a separate range.
            for (dimension, length) in [("time:day", 1), ("time:week", 7)] {
                let body = ask(&stats, name, from, to, json!({"dimensions": [dimension]})).await;
                for row in body["results"].as_array().expect("a list") {
                    let label: Date = row["dimensions"][0].as_str().expect("a text").parse().expect("a date");
                    let weekday = i64::from(label.weekday().to_monday_zero_offset());
                    let end = label.checked_add((length - 1 - if length == 7 { weekday } else { 0 }).days()).expect("a time");
                    let people = first_visits(world, label, end.min(to)).count();
                    assert_eq!(row["metrics"][0], json!(people), "{place}, {dimension} {label}");
                }
            }
        }
    });
}
