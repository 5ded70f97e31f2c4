//! Bounds: memory of streams, places for long SELECTs.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::{Engine, LONG, SECRET, answer, escaped, open};

#[test]
fn a_large_insert_and_a_large_result_stream_through_bounded_memory() {
    let engine = Engine::start();
    engine.run("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY tuple()");
    let rows: Vec<u8> = (0..131_072_u64).flat_map(u64::to_le_bytes).collect();
    let (pieces, piece_rows) = (100, 131_072);
    let headers = format!("X-ClickHouse-User: sillage\r\nX-ClickHouse-Key: {SECRET}\r\n");
    let before = engine.megabytes("VmHWM:");
    let arguments = format!("query={}", escaped("INSERT INTO t FORMAT RowBinary"));
    let mut stream = open(
        engine.address,
        "POST",
        &arguments,
        &headers,
        Some(rows.len() * pieces),
    );
    for _ in 0..pieces {
        stream.write_all(&rows).expect("written");
    }
    assert_eq!(
        answer(stream).summary("written_rows"),
        (pieces * piece_rows).to_string()
    );
    assert_eq!(
        engine.run("SELECT count() FROM t"),
        format!("{}\n", pieces * piece_rows)
    );

    let stream = open(
        engine.address,
        "POST",
        &format!(
            "query={}",
            escaped("SELECT a, toString(a) FROM t FORMAT RowBinary")
        ),
        &headers,
        Some(0),
    );
    // A client that does not read holds the engine back instead of filling it.
    std::thread::sleep(Duration::from_millis(500));
    let received = answer(stream);
    assert!(
        received.is_whole && received.body.len() > 150 << 20,
        "{}",
        received.body.len()
    );
    let grown = engine.megabytes("VmHWM:") - before;
    assert!(
        grown < 150,
        "{} MB in and {} MB out took {grown} MB",
        (rows.len() * pieces) >> 20,
        received.body.len() >> 20
    );
}

/// The same with rows all along.
const LONG_WITH_ROWS: &str = "SELECT number, sipHash64(number) FROM numbers(100000000000)";

#[test]
fn long_selects_delay_no_insert_and_end_with_their_clients() {
    let engine = Engine::start();
    engine.run("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a");
    let begin = |sql: &str| {
        let mut stream = open(engine.address, "POST", "max_threads=1", "", Some(sql.len()));
        stream.write_all(sql.as_bytes()).expect("written");
        stream
    };
    let mut clients: Vec<TcpStream> = (0..7).map(|_| begin(LONG)).collect();
    clients.push(begin(LONG_WITH_ROWS));
    let begun = Instant::now();
    while engine.run("SELECT count() FROM system.processes") != "9\n" {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "the statements do not begin"
        );
    }
    // All places of readers are taken, and the collector's are not.
    let refused = engine.reader("", "SELECT 1");
    assert_eq!(
        (
            refused.status,
            refused.header("X-ClickHouse-Exception-Code")
        ),
        (503, Some("202")),
        "{}",
        refused.text()
    );
    let begun = Instant::now();
    engine.run("INSERT INTO t VALUES (1)");
    assert_eq!(engine.run("SELECT count() FROM t"), "1\n");
    let delay = begun.elapsed();
    assert!(
        delay < Duration::from_secs(3),
        "an insert beside long selects took {delay:?}"
    );

    clients.clear();
    let delay = engine.wait_until_idle();
    assert!(
        delay < Duration::from_secs(5),
        "the statements ran on for {delay:?}"
    );
    assert_eq!(engine.reader("", "SELECT 1").status, 200);
}
