//! The pipeline with a spool on disk and times of the test's choice.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use jiff::Timestamp;

use super::{Geo, Pipeline, Sender};
use crate::config::Config;
use crate::event_row::decode::Decoder;
use crate::telemetry::{Counters, Outcome};
use sillage_privacy::{ClientIp, UserAgent};
use sillage_spool::{Spool, SpoolOptions};

/// A pipeline of the site `example.com` in Tokyo, in a temporary folder.
pub(super) struct Bench {
    folder: tempfile::TempDir,
    config: Config,
    spool: Spool,
    pub(super) pipeline: Pipeline,
}

/// What is looked at of an event that was written to the spool.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) key: u64,
    pub(super) origin: [String; 3],
}

pub(super) fn at(text: &str) -> Timestamp {
    format!("{text}+09:00").parse().expect("a time in Tokyo")
}

impl Bench {
    pub(super) fn start(now: Timestamp) -> Self {
        Self::start_in(tempfile::tempdir().expect("a temporary folder"), now)
    }

    fn start_in(folder: tempfile::TempDir, now: Timestamp) -> Self {
        let text = format!(
            "data_dir = {:?}\n[salts]\ndir = {:?}\n[[site]]\nid = \"example.com\"\ntimezone = \"Asia/Tokyo\"\n",
            folder.path().join("data"),
            folder.path().join("salts"),
        );
        let config = Config::parse(&text, Path::new("sillage.toml")).expect("a configuration");
        let spool = open_spool(&config);
        let pipeline = Pipeline::new(
            &config,
            Geo::open(None).expect("no database"),
            spool.clone(),
            Arc::new(Counters::new(config.sites.clone())),
            now,
        )
        .expect("salts");
        Self {
            folder,
            config,
            spool,
            pipeline,
        }
    }

    /// Ends the pipeline and starts another in the same folder, as a restart does.
    pub(super) async fn restart(self, now: Timestamp) -> Self {
        self.spool.seal().await.expect("sealed");
        let Self {
            folder,
            config: _,
            spool,
            pipeline,
        } = self;
        drop((pipeline, spool));
        let bench = Self::start_in(folder, now);
        crate::ingest::recover::from_spool(
            &bench.spool,
            bench.pipeline.visits(),
            bench.pipeline.dedup(),
            now,
        );
        bench
    }

    /// Sends a beacon from an address. `body` is what follows the site and the consent.
    pub(super) async fn send(&self, from: &str, body: &str, now: Timestamp) -> Outcome {
        self.pipeline.tick(now).expect("salts");
        let ip: IpAddr = from.parse().expect("an address");
        let sender = Sender {
            ip: &|| ClientIp::from_peer(ip),
            agent: &|| {
                UserAgent::from_header(
                    b"Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
                )
            },
            is_prefetch: false,
            gpc: false,
            dnt: false,
            language: None,
            cookie: &|_| None,
            received: now,
        };
        let body = format!("{{\"d\":\"example.com\",\"c\":1,{body}}}");
        let taken = self.pipeline.ingest(body.as_bytes(), &sender).await;
        taken.expect("taken").outcome
    }

    /// Ends the pipeline and reads what it has written.
    pub(super) async fn written(self) -> Vec<Written> {
        self.spool.seal().await.expect("sealed");
        let Self {
            folder: _kept,
            config,
            spool,
            pipeline,
        } = self;
        drop((pipeline, spool));
        let spool = open_spool(&config);
        let records = spool.recover_recent(SystemTime::UNIX_EPOCH, u64::MAX);
        records
            .map(|record| {
                let record = record.expect("a segment that was just written");
                let decoder = Decoder::new(&record.schema).expect("our own columns");
                let event = decoder.decode(&record.payload).expect("our own row");
                Written {
                    name: event.name.to_owned(),
                    path: event.path.to_owned(),
                    key: event.key,
                    origin: [event.referrer, event.source, event.utm[2]].map(str::to_owned),
                }
            })
            .collect()
    }
}

fn open_spool(config: &Config) -> Spool {
    Spool::open(SpoolOptions {
        dir: config.spool.dir.clone(),
        bytes_max: config.spool.bytes_max,
        segment_bytes_max: config.spool.segment_bytes_max,
        segment_age_max: config.spool.segment_age_max,
        schema: crate::event_row::columns::schema(),
    })
    .expect("a spool")
}

const HOME: &str = "192.0.2.1";

fn pageview(key: &str) -> String {
    format!("\"n\":\"pageview\",\"u\":\"https://example.com/\",\"k\":\"{key}\"")
}

fn engagement(key: &str) -> String {
    format!("\"n\":\"engagement\",\"u\":\"https://example.com/\",\"e\":5000,\"k\":\"{key}\"")
}

#[tokio::test]
async fn an_event_key_is_stable_over_midnight_and_a_restart() {
    let bench = Bench::start(at("2026-11-30T23:50:00"));
    let before = at("2026-11-30T23:59:30");
    assert_eq!(
        bench.send(HOME, &pageview("a"), before).await,
        Outcome::Accepted
    );
    let after = at("2026-12-01T00:00:10");
    assert_eq!(
        bench.send(HOME, &pageview("a"), after).await,
        Outcome::Duplicate
    );
    assert_eq!(
        bench.send(HOME, &engagement("a"), after).await,
        Outcome::Accepted
    );
    let bench = bench.restart(after).await;
    assert_eq!(
        bench.send(HOME, &pageview("a"), after).await,
        Outcome::Duplicate
    );
    assert_eq!(
        bench.send(HOME, &engagement("a"), after).await,
        Outcome::Accepted
    );
    let written = bench.written().await;
    assert_eq!(written.len(), 3);
    assert!(
        written.iter().all(|event| event.key == written[0].key),
        "{written:?}"
    );
}

#[tokio::test]
async fn an_event_key_changes_by_day_and_a_retry_still_counts_once() {
    let bench = Bench::start(at("2026-11-30T03:50:00"));
    let before = at("2026-11-30T03:59:50");
    assert_eq!(
        bench.send(HOME, &pageview("a"), before).await,
        Outcome::Accepted
    );
    let after = at("2026-11-30T04:00:10");
    assert_eq!(
        bench.send(HOME, &pageview("a"), after).await,
        Outcome::Duplicate
    );
    let later = at("2026-11-30T12:00:00");
    assert_eq!(
        bench.send(HOME, &pageview("a"), later).await,
        Outcome::Accepted
    );
    let written = bench.written().await;
    assert_eq!(written.len(), 2);
    assert_ne!(written[0].key, written[1].key);
}

/// Sends so many beacons, of which `body` says what the one with this number holds.
async fn flood(
    bench: &Bench,
    from: &str,
    count: usize,
    now: Timestamp,
    body: impl Fn(usize) -> String,
) {
    let numbers: Vec<usize> = (0..count).collect();
    for chunk in numbers.chunks(256) {
        let sent = chunk.iter().map(|number| {
            let body = body(*number);
            async move { bench.send(from, &body, now).await }
        });
        let outcomes = futures_util::future::join_all(sent).await;
        assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Accepted));
    }
}

const ATTACKER: &str = "9.9.9.9";
const VISITOR: &str = "8.8.8.8";

#[tokio::test]
async fn one_network_cannot_exhaust_a_sites_paths() {
    let now = at("2026-11-30T12:00:00");
    let bench = Bench::start(now);
    let page = |path: &str| format!("\"n\":\"pageview\",\"u\":\"https://example.com{path}\"");
    flood(&bench, ATTACKER, 10_080, now, |number| {
        page(&format!("/x{number}"))
    })
    .await;
    for path in ["/pricing", "/blog/new-article", "/"] {
        assert_eq!(
            bench.send(VISITOR, &page(path), now).await,
            Outcome::Accepted
        );
    }
    let mut metrics = String::new();
    for line in bench
        .pipeline
        .counters
        .render(&bench.spool.stats(), bench.pipeline.visit_gauges())
        .lines()
    {
        if line.starts_with("sillage_folded_total") {
            metrics += line;
        }
    }
    assert!(metrics.contains("{field=\"path\"} 9580"), "{metrics}");
    let written = bench.written().await;
    assert_eq!(written.len(), 10_083);
    let own: Vec<&str> = written[10_080..].iter().map(|event| &*event.path).collect();
    assert_eq!(own, ["/pricing", "/blog/new-article", "/"]);
    let folded = written
        .iter()
        .filter(|event| event.path == "/(other)")
        .count();
    assert_eq!(folded, 10_080 - 500);
}

#[tokio::test]
async fn one_network_cannot_exhaust_other_names() {
    let now = at("2026-11-30T12:00:00");
    let bench = Bench::start(now);
    let event = |name: &str, referrer: &str, campaign: &str| {
        format!(
            "\"n\":\"{name}\",\"u\":\"https://example.com/?utm_campaign={campaign}\",\"r\":\"https://{referrer}/\""
        )
    };
    // Letters, since long numbers are scrubbed.
    let word = |number: usize| -> String {
        [number / 676, number / 26 % 26, number % 26]
            .map(|digit| char::from(b'a' + digit as u8))
            .iter()
            .collect()
    };
    flood(&bench, ATTACKER, 6_000, now, |number| {
        let word = word(number);
        event(
            &format!("E{word}"),
            &format!("{word}.example"),
            &format!("c-{word}"),
        )
    })
    .await;
    let own = event("Signup", "news.example.org", "autumn");
    assert_eq!(bench.send(VISITOR, &own, now).await, Outcome::Accepted);
    let written = bench.written().await;
    let distinct = |of: &dyn Fn(&Written) -> String| {
        let all: std::collections::HashSet<String> = written.iter().map(of).collect();
        all.len()
    };
    // A twentieth of the places, the visitor's own, and `(other)`.
    assert_eq!(distinct(&|event| event.name.clone()), 100 + 2);
    let last = written.last().expect("the visitor's");
    assert_eq!(last.name, "Signup");
    assert_eq!(
        (&*last.origin[0], &*last.origin[2]),
        ("news.example.org", "autumn")
    );
}
