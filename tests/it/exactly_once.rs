//! One beacon is one event, whatever the sender or the engine does in between.

use std::io::Write;
use std::net::{Shutdown, TcpStream};

use crate::support::{AGENT, Collector, pageview, signal, wait_for};

/// Sends a beacon and closes the connection without waiting for the answer.
fn send_and_hang_up(collector: &Collector, body: &str) {
    let mut stream = TcpStream::connect(collector.address).expect("a connection");
    let head = format!(
        "POST /api/event HTTP/1.1\r\nHost: x\r\nUser-Agent: {AGENT}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream
        .write_all((head + body).as_bytes())
        .expect("the beacon is sent");
    stream
        .shutdown(Shutdown::Both)
        .expect("the connection is closed");
}

#[test]
fn a_beacon_resent_after_a_dropped_connection_counts_once() {
    let collector = Collector::start();
    let beacons: Vec<_> = (0..200)
        .map(|n| pageview(&format!("/{n}"), &format!("gone-{n}")))
        .collect();
    for beacon in &beacons {
        send_and_hang_up(&collector, beacon);
    }
    for beacon in &beacons {
        // The answer to a repeated beacon is "try again" while the first one is in flight.
        wait_for(|| match collector.beacon(beacon).status {
            202 => Ok(()),
            status => Err(status),
        })
        .unwrap_or_else(|status| panic!("{status}"));
    }
    collector.until("SELECT uniqExact(key) FROM events", "200");
    let (folder, is_clean) = collector.stop();
    assert!(is_clean);
    let collector = Collector::start_in(folder);
    assert_eq!(
        collector.sql("SELECT count(), uniqExact(key) FROM events"),
        "200\t200"
    );
}

/// Two more sites, and a small spool.
const SITES_AND_SPOOL: &str = "
[spool]
bytes_max = 100000
segment_bytes_max = 65536
[[site]]
id = \"second.example\"
hostnames = [\"example.com\"]
profile = \"consent\"
[[site]]
id = \"third.example\"
hostnames = [\"example.com\"]
profile = \"consent\"
";

#[test]
fn a_beacon_for_several_sites_is_stored_for_all_or_for_none() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = crate::support::write_config(folder.path(), "");
    let text = std::fs::read_to_string(&config).expect("readable");
    std::fs::write(&config, text + SITES_AND_SPOOL).expect("writable");
    let collector = Collector::start_in(folder);
    let engine = collector.engine_id().expect("an engine");
    signal(engine, "STOP");
    // Without `k`, so that the spool alone guarantees it.
    let body = serde_json::json!({
        "n": "pageview", "u": "https://example.com/", "c": 1,
        "d": "example.com, second.example,third.example,example.com,nobody.example",
    })
    .to_string();
    let (mut accepted, mut refused) = (0, 0);
    while refused < 5 {
        match collector.beacon(&body).status {
            202 => accepted += 1,
            503 => refused += 1,
            other => panic!("{other}"),
        }
        assert!(accepted < 1_000, "the spool never filled up");
    }
    signal(engine, "CONT");
    collector.until(
        "SELECT groupArray(n) FROM (SELECT count() AS n FROM events GROUP BY site ORDER BY site)",
        &format!("[{accepted},{accepted},{accepted}]"),
    );
}

#[test]
fn a_repeated_beacon_for_several_sites_counts_once_for_each() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = crate::support::write_config(folder.path(), "");
    let text = std::fs::read_to_string(&config).expect("readable");
    std::fs::write(&config, text + SITES_AND_SPOOL).expect("writable");
    let collector = Collector::start_in(folder);
    let body = serde_json::json!({
        "n": "pageview", "u": "https://example.com/", "c": 1, "k": "again",
        "d": "example.com,second.example,example.com",
    })
    .to_string();
    for _ in 0..3 {
        assert_eq!(collector.beacon(&body).status, 202);
    }
    collector.until(
        "SELECT arraySort(groupArray(site)) FROM events",
        "['example.com','second.example']",
    );
}
