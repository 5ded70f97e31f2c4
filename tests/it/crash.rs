//! Crashes lose no acknowledged beacon.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use crate::support::{Collector, pageview, post, raw, resident_bytes, signal, wait_for};

/// How many times the collector is killed.
const ROUNDS: u64 = 50;

/// Sends consented pageviews until it is stopped; counts the 202 responses.
struct Load {
    accepted: Arc<AtomicU64>,
    other: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Load {
    fn on(address: std::net::SocketAddr, round: u64) -> Self {
        let (accepted, other, stop) = (
            Arc::<AtomicU64>::default(),
            Arc::<AtomicU64>::default(),
            Arc::<AtomicBool>::default(),
        );
        let threads = (0..4)
            .map(|thread| {
                let (accepted, other, stop) = (accepted.clone(), other.clone(), stop.clone());
                std::thread::spawn(move || {
                    for n in 0.. {
                        if stop.load(SeqCst) {
                            return;
                        }
                        let body = pageview(&format!("/page/{}", n % 50), &format!("{round}-{thread}-{n}"));
                        let head = format!(
                            "POST /api/event HTTP/1.1\r\nHost: x\r\nUser-Agent: {}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                            crate::support::AGENT,
                            body.len()
                        );
                        match raw(address, head.as_bytes()) {
                            Ok(answer) if answer.status == 202 => accepted.fetch_add(1, SeqCst),
                            _ => other.fetch_add(1, SeqCst),
                        };
                    }
                })
            })
            .collect();
        Self {
            accepted,
            other,
            stop,
            threads,
        }
    }

    /// Returns the number of accepted beacons and the number of all others.
    fn end(self) -> (u64, u64) {
        self.stop.store(true, SeqCst);
        for thread in self.threads {
            thread.join().expect("the load runs to its end");
        }
        (self.accepted.load(SeqCst), self.other.load(SeqCst))
    }
}

/// Whether the engine answers a query.
fn answers(collector: &Collector) -> bool {
    let request = format!(
        "GET /?query=SELECT%201 HTTP/1.1\r\nHost: 127.0.0.1\r\nX-ClickHouse-Key: {}\r\nConnection: close\r\n\r\n",
        collector.token
    );
    raw(collector.clickhouse, request.as_bytes()).is_ok_and(|answer| answer.status == 200)
}

#[test]
fn a_collector_killed_under_load_keeps_all_accepted_beacons() {
    let mut collector = Collector::start();
    let (mut accepted, mut cut_off) = (0, 0);
    for round in 0..ROUNDS {
        let load = Load::on(collector.address, round);
        wait_for(|| match load.accepted.load(SeqCst) {
            0 => Err(()),
            _ => Ok(()),
        })
        .unwrap_or_else(|()| panic!("round {round} accepted nothing"));
        // Kill at a different moment in each round.
        std::thread::sleep(Duration::from_millis(100 + round * 67 % 200));
        let folder = collector.kill();
        let (kept, other) = load.end();
        accepted += kept;
        // At most one beacon per sender was in flight when the connection was cut; later ones were
        // not received.
        cut_off += other.min(4);
        collector = Collector::start_in(folder);
        compare(&collector, round, accepted, cut_off);
    }
}

/// Waits until all accepted events are stored, and checks that nothing else is stored except what
/// the kills cut off.
fn compare(collector: &Collector, round: u64, accepted: u64, cut_off: u64) {
    let (stored, different) = wait_for(|| {
        let counts = collector.sql("SELECT count(), uniqExact(key) FROM events");
        let (stored, different) = counts.split_once('\t').expect("two numbers");
        let counts: (u64, u64) = (
            stored.parse().expect("a number"),
            different.parse().expect("a number"),
        );
        if counts.0 >= accepted {
            Ok(counts)
        } else {
            Err(counts.0)
        }
    })
    .unwrap_or_else(|stored| {
        panic!("round {round}: {stored} of {accepted} accepted events are stored")
    });
    assert!(
        stored <= accepted + cut_off,
        "round {round}: {stored} stored, {accepted} accepted, {cut_off} cut off"
    );
    assert_eq!(
        stored, different,
        "round {round}: something was stored twice"
    );
}

#[test]
fn a_killed_engine_is_back_soon_and_the_collector_answers_throughout() {
    let collector = Collector::start();
    let load = Load::on(collector.address, 0);
    std::thread::sleep(Duration::from_millis(1_500));
    let before = collector.engine_id().expect("an engine");
    signal(before, "KILL");
    let died = Instant::now();
    wait_for(|| match collector.engine_id() {
        Some(now) if now != before && answers(&collector) => Ok(()),
        _ => Err(()),
    })
    .unwrap_or_else(|()| {
        panic!(
            "the engine is not back; the collector logged:\n{}",
            collector.log()
        )
    });
    let away = died.elapsed();
    std::thread::sleep(Duration::from_millis(500));
    let (accepted, other) = load.end();
    assert!(
        away < Duration::from_secs(5),
        "the engine was down for {away:?}"
    );
    assert_eq!(other, 0, "beacons were refused while the engine was down");
    collector.until(
        "SELECT count(), uniqExact(key) FROM events",
        &format!("{accepted}\t{accepted}"),
    );
}

#[test]
fn a_stopped_collector_has_stored_everything_and_exits_with_zero() {
    let collector = Collector::start();
    let load = Load::on(collector.address, 0);
    std::thread::sleep(Duration::from_millis(700));
    let address = collector.address;
    let (folder, is_clean) = collector.stop();
    let (accepted, _) = load.end();
    assert!(is_clean, "exit code");
    assert!(
        raw(address, b"GET /healthz HTTP/1.1\r\n\r\n").is_err(),
        "the port is closed"
    );
    let waiting = std::fs::read_dir(folder.path().join("data/spool"))
        .expect("a spool")
        .flatten();
    let segments = waiting
        .filter(|file| file.file_name().to_string_lossy().ends_with("sealed"))
        .count();
    assert_eq!(segments, 0, "segments are left in the spool");
    let again = Collector::start_in(folder);
    again.until(
        "SELECT count(), uniqExact(key) FROM events",
        &format!("{accepted}\t{accepted}"),
    );
}

#[test]
fn the_engine_does_not_outlive_a_killed_collector() {
    let collector = Collector::start();
    let engine = collector.engine_id().expect("an engine");
    let _folder = collector.kill();
    wait_for(|| {
        if std::path::Path::new(&format!("/proc/{engine}")).exists() {
            Err(())
        } else {
            Ok(())
        }
    })
    .expect("the engine ends with its collector");
}

#[test]
fn at_rest_the_collector_and_its_engine_use_little_memory() {
    let collector = Collector::start();
    post(collector.address, "/api/event", &pageview("/", "a"), &[]);
    collector.until("SELECT count() FROM events", "1");
    let (own, engine) = (
        resident_bytes(collector.id()),
        resident_bytes(collector.engine_id().expect("an engine")),
    );
    assert!(own < 64 << 20, "the collector uses {} MB", own >> 20);
    assert!(engine < 300 << 20, "the engine uses {} MB", engine >> 20);
}
