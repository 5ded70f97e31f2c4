//! Memory of the collector under load and with a backlog. `benches/` measures speed.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use sillage_spool::{Spool, SpoolOptions};

use crate::support::{Collector, pageview, post, resident_bytes, signal, wait_for};

const UNDER_LOAD_BYTES_MAX: u64 = 64 << 20;
const WITH_BACKLOG_BYTES_MAX: u64 = 128 << 20;

/// Sends beacons over one connection, each with a different address, agent and visitor.
fn send(address: SocketAddr, thread: usize, beacons: usize) -> usize {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    let mut answer = [0; 2_048];
    let mut accepted = 0;
    for n in 0..beacons {
        let body = pageview(&format!("/section/{}", n % 500), &format!("{thread}-{n}"));
        let request = format!(
            "POST /api/event HTTP/1.1\r\nHost: x\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0\r\n\
             X-Forwarded-For: {1}.{2}.{3}.7\r\nContent-Length: {4}\r\n\r\n{body}",
            n % 140 + 1,
            thread + 1,
            n / 200 % 250,
            n % 200,
            body.len()
        );
        stream.write_all(request.as_bytes()).expect("sent");
        // An answer is small and arrives in one read.
        let read = stream.read(&mut answer).expect("an answer");
        accepted += usize::from(answer[..read].starts_with(b"HTTP/1.1 202"));
    }
    accepted
}

#[test]
fn memory_stays_small_under_load() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let country = concat!(env!("CARGO_MANIFEST_DIR"), "/vendor/country.mmdb");
    let extra = format!("trusted_proxies = [\"127.0.0.1\"]\ngeo.database = \"{country}\"");
    crate::support::write_config(folder.path(), &extra);
    let collector = Collector::start_in(folder);
    let address = collector.address;
    let (connections, beacons) = (64, 1_000);
    let threads: Vec<_> = (0..connections)
        .map(|thread| std::thread::spawn(move || send(address, thread, beacons)))
        .collect();
    let accepted: usize = threads
        .into_iter()
        .map(|thread| thread.join().expect("the load runs to its end"))
        .sum();
    assert_eq!(accepted, connections * beacons);
    let resident = resident_bytes(collector.id());
    assert!(
        resident <= UNDER_LOAD_BYTES_MAX,
        "{} MB after {accepted} visitors",
        resident >> 20
    );
    collector.until("SELECT count() FROM events", &accepted.to_string());
}

/// Events of the backlog: more than the start reads of it.
const BACKLOG_EVENTS: usize = 1_000_000;

/// Writes as many spool segments as ten million events need at the default size, filled with copies
/// of one real event. Memory depends on the number of segments and on what the start reads of them,
/// so ten million events, which need 3 GB of disk, would show the same.
fn lay_down(folder: &std::path::Path) {
    let options = SpoolOptions {
        dir: folder.join("data/spool"),
        bytes_max: 8 << 30,
        segment_bytes_max: 1_000_000,
        segment_age_max: Duration::from_secs(3_600),
        schema: sillage::event_row::columns::schema(),
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let spool = Spool::open(options).expect("the collector has ended");
        let now = std::time::SystemTime::now() - Duration::from_secs(600);
        let event = spool.recover_recent(now, 1 << 20).next();
        let event = event.expect("an event").expect("a readable event").payload;
        let together = vec![event; 2_000];
        for _ in 0..BACKLOG_EVENTS / together.len() {
            spool
                .append_all(&together)
                .await
                .expect("space in the spool");
        }
        spool.seal().await.expect("sealed");
        assert!(spool.stats().segments >= 150, "{:?}", spool.stats());
    });
}

#[test]
fn memory_stays_small_while_a_backlog_is_loaded_and_drained() {
    let collector = Collector::start();
    signal(collector.engine_id().expect("an engine"), "STOP");
    let answer = post(collector.address, "/api/event", &pageview("/", "a"), &[]);
    assert_eq!(answer.status, 202);
    let engine = collector.engine_id().expect("an engine");
    let folder = collector.kill();
    // A stopped engine may outlive its collector and would keep its folder locked.
    let _ = std::process::Command::new("kill")
        .args(["-KILL", &engine.to_string()])
        .stderr(std::process::Stdio::null())
        .status();
    lay_down(folder.path());

    let collector = Collector::start_in(folder);
    let mut most = resident_bytes(collector.id());
    let drained = wait_for(|| {
        most = most.max(resident_bytes(collector.id()));
        // New beacons are accepted during all of it.
        let new = post(collector.address, "/api/event", &pageview("/", "new"), &[]);
        let stored = collector.sql("SELECT count() FROM events");
        match (new.status, stored.parse::<usize>().expect("a number")) {
            (202, stored) if stored > BACKLOG_EVENTS / 4 => Ok(()),
            (202, stored) => Err(stored),
            (status, _) => panic!("{status}"),
        }
    });
    drained.unwrap_or_else(|stored| panic!("{stored} stored; {}", collector.log()));
    assert!(most <= WITH_BACKLOG_BYTES_MAX, "{} MB", most >> 20);
}
