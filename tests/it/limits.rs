//! Hostile and busy networks: hanging connections, incomplete bodies, garbage, too many requests.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::{AGENT, Collector, get, pageview, post, raw, resident_bytes, wait_for};

#[test]
fn ten_thousand_idle_connections_delay_no_beacon() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).expect("the soft limit may be raised to the hard limit");
    let count = limit
        .maximum
        .map_or(10_000, |most| most.saturating_sub(1_000).min(10_000));
    let collector = Collector::start();
    let before = resident_bytes(collector.id());
    let mut hanging = Vec::new();
    for n in 0..count {
        let mut stream = TcpStream::connect(collector.address).expect("a connection");
        // Every second connection sends half a request.
        if n % 2 == 0 {
            let _ = stream.write_all(b"POST /api/event HTTP/1.1\r\nHost: x\r\nX-Slow: ");
        }
        hanging.push(stream);
        if n % 1_000 == 999 {
            // A busy disk may delay one beacon; hanging connections would delay each. Hence the
            // fastest of three.
            let took = (0..3).map(|again| {
                let begun = Instant::now();
                let answer = collector.beacon(&pageview("/", &format!("h{n}-{again}")));
                assert_eq!(answer.status, 202);
                begun.elapsed()
            });
            let took = took.min().expect("three beacons");
            assert!(took < Duration::from_secs(1), "{took:?} with {n} hanging");
        }
    }
    let more = resident_bytes(collector.id()).saturating_sub(before);
    assert!(
        more < 160 << 20,
        "{count} connections used {} MB",
        more >> 20
    );
    // The collector closes them in the end.
    let mut first = &hanging[0];
    first
        .set_read_timeout(Some(Duration::from_secs(30)))
        .expect("a timeout");
    let mut rest = Vec::new();
    assert!(
        first.read_to_end(&mut rest).is_ok(),
        "closed by the collector"
    );
}

#[test]
fn half_bodies_and_garbage_affect_no_other_client() {
    let collector = Collector::start();
    let body = pageview("/", "half");
    let head = |length: usize| {
        format!(
            "POST /api/event HTTP/1.1\r\nHost: x\r\nUser-Agent: {AGENT}\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    // Half a body, then the sender closes the connection.
    {
        let mut stream = TcpStream::connect(collector.address).expect("a connection");
        stream
            .write_all((head(body.len()) + &body[..body.len() / 2]).as_bytes())
            .expect("sent");
    }
    // Half a body, then the sender waits: 408.
    let waits = raw(
        collector.address,
        (head(body.len()) + &body[..body.len() / 2]).as_bytes(),
    )
    .expect("an answer");
    assert_eq!(waits.status, 408);
    // A whole beacon followed by garbage: the beacon counts, the garbage is refused.
    let mut stream = TcpStream::connect(collector.address).expect("a connection");
    let whole = pageview("/whole", "whole");
    stream
        .write_all(
            &[
                (head(whole.len()) + &whole).as_bytes(),
                b"\x00\xff\x16\x03garbage\r\n\r\n",
            ]
            .concat(),
        )
        .expect("sent");
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .expect("a timeout");
    let mut answers = Vec::new();
    let _ = stream.read_to_end(&mut answers);
    let answers = String::from_utf8_lossy(&answers);
    assert!(answers.starts_with("HTTP/1.1 202"), "{answers}");
    assert!(answers.contains("HTTP/1.1 400"), "{answers}");
    // Two beacons in one write are answered separately.
    let (one, two) = (pageview("/one", "one"), pageview("/two", "two"));
    let mut stream = TcpStream::connect(collector.address).expect("a connection");
    let closing = head(two.len()).replace("Host: x", "Host: x\r\nConnection: close");
    stream
        .write_all((head(one.len()) + &one + &closing + &two).as_bytes())
        .expect("sent");
    let mut answers = String::new();
    stream.read_to_string(&mut answers).expect("answers");
    assert_eq!(answers.matches("HTTP/1.1 202").count(), 2, "{answers}");
    collector.until(
        "SELECT arraySort(groupArray(path)) FROM events",
        "['/one','/two','/whole']",
    );
}

#[test]
fn request_headers_have_a_size_limit() {
    let collector = Collector::start();
    let answer = |padding: usize| {
        let request = format!(
            "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Pad: {}\r\n\r\n",
            "x".repeat(padding)
        );
        let length = request.len();
        (
            raw(collector.address, request.as_bytes()).map(|answer| answer.status),
            length,
        )
    };
    let (_, without) = answer(0);
    let bound = 16 << 10;
    let (status, length) = answer(bound - without - 1);
    assert_eq!((status.ok(), length), (Some(200), bound - 1));
    let (status, length) = answer(bound - without + 1);
    assert_eq!((status.ok(), length), (Some(431), bound + 1));
}

#[test]
fn a_rate_limited_network_does_not_affect_its_neighbours() {
    let collector = Collector::start_with(
        "trusted_proxies = [\"127.0.0.1\"]\nlimits.beacons_per_second_max = 1",
    );
    let send = |address: &str, n: u32| {
        post(
            collector.address,
            "/api/event",
            &pageview("/", &format!("{address}-{n}")),
            &[("X-Forwarded-For", address)],
        )
    };
    let answers: Vec<_> = (0..60)
        .map(|n| send(&format!("203.0.113.{n}"), n))
        .collect();
    let accepted = answers.iter().filter(|answer| answer.status == 202).count();
    assert!(
        answers[..10].iter().all(|answer| answer.status == 202),
        "a burst of ten"
    );
    let refused = answers
        .iter()
        .find(|answer| answer.status == 429)
        .expect("the limit is reached");
    let wait: u64 = refused
        .header("retry-after")
        .expect("Retry-After")
        .parse()
        .expect("seconds");
    assert!((1..=2).contains(&wait));
    assert_eq!(send("198.51.100.1", 0).status, 202);
    assert_eq!(send("2001:db8:7::1", 0).status, 202);
    let metrics = get(collector.address, "/metrics", &[]).body;
    assert!(
        metrics.contains(&format!(
            "sillage_dropped_total{{reason=\"too_many\"}} {}",
            60 - accepted
        )),
        "{metrics}"
    );
    collector.until("SELECT count() FROM events", &format!("{}", accepted + 2));
}

/// Number of open file descriptors of a process.
fn open_files(process: u32) -> usize {
    std::fs::read_dir(format!("/proc/{process}/fd"))
        .expect("a running process")
        .count()
}

#[test]
fn a_client_that_never_reads_responses_is_disconnected() {
    let collector = Collector::start();
    let before = open_files(collector.id());
    let request = b"GET /s.js HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100);
    let senders: Vec<_> = (0..20)
        .map(|_| {
            let mut stream = TcpStream::connect(collector.address).expect("a connection");
            let patience = Some(Duration::from_millis(300));
            stream.set_write_timeout(patience).expect("a timeout");
            // Write until the buffers of both sides are full.
            let mut sent = 0;
            while sent < 64 << 20 {
                match stream.write(&request) {
                    Ok(bytes) => sent += bytes,
                    Err(_) => break,
                }
            }
            assert!(sent < 64 << 20, "the collector buffers without a bound");
            stream
        })
        .collect();
    wait_for(|| match open_files(collector.id()) {
        open if open < before + senders.len() / 2 => Ok(()),
        open => Err(open),
    })
    .unwrap_or_else(|open| panic!("{open} descriptors are open, before it were {before}"));
    assert!(resident_bytes(collector.id()) < 64 << 20);
    assert_eq!(collector.beacon(&pageview("/", "after")).status, 202);
}
