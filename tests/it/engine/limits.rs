//! Limits: memory of streams, and the number of concurrent SELECTs of readers.

use std::time::{Duration, Instant};

use super::LONG;
use crate::support::Upload;
use crate::support::engine::{COLLECTOR, Engine, READER, escaped, summary};
use crate::support::process::memory_bytes;

#[test]
fn a_large_insert_and_a_large_result_stream_through_bounded_memory() {
    let engine = Engine::start();
    engine.run("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY tuple()");
    let rows: Vec<u8> = (0..131_072_u64).flat_map(u64::to_le_bytes).collect();
    let (pieces, piece_rows) = (100, 131_072);
    let memory_max = || memory_bytes(engine.id(), "VmHWM:") >> 20;
    let before = memory_max();
    let arguments = format!("query={}", escaped("INSERT INTO t FORMAT RowBinary"));
    let mut upload = engine.begin(&arguments, &COLLECTOR, Some(rows.len() * pieces));
    for _ in 0..pieces {
        upload.write(&rows);
    }
    assert_eq!(
        summary(&upload.finish(), "written_rows"),
        (pieces * piece_rows).to_string()
    );
    assert_eq!(
        engine.run("SELECT count() FROM t"),
        format!("{}\n", pieces * piece_rows)
    );

    let arguments = format!(
        "query={}",
        escaped("SELECT a, toString(a) FROM t FORMAT RowBinary")
    );
    let request = engine.begin(&arguments, &COLLECTOR, Some(0));
    // A client that does not read slows the engine down instead of filling its memory.
    std::thread::sleep(Duration::from_millis(500));
    let received = request.finish();
    assert!(
        received.is_whole && received.bytes.len() > 150 << 20,
        "{}",
        received.bytes.len()
    );
    let grown = memory_max() - before;
    assert!(
        grown < 150,
        "{} MB in and {} MB out needed {grown} MB of memory",
        (rows.len() * pieces) >> 20,
        received.bytes.len() >> 20
    );
}

/// As long as [`LONG`], but its rows arrive from the start.
const LONG_WITH_ROWS: &str = "SELECT number, sipHash64(number) FROM numbers(100000000000)";

#[test]
fn long_selects_delay_no_insert_and_end_with_their_clients() {
    let engine = Engine::start();
    engine.run("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a");
    let begin = |sql: &str| {
        let mut upload = engine.begin("max_threads=1", &READER, Some(sql.len()));
        upload.write(sql);
        upload
    };
    let mut clients: Vec<Upload> = (0..7).map(|_| begin(LONG)).collect();
    clients.push(begin(LONG_WITH_ROWS));
    let begun = Instant::now();
    while engine.run("SELECT count() FROM system.processes") != "9\n" {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "the statements do not start"
        );
    }
    // Readers have used up their slots, the collector has not.
    let refused = engine.reader("", "SELECT 1");
    assert_eq!(
        (
            refused.status,
            refused.header("X-ClickHouse-Exception-Code")
        ),
        (503, Some("202")),
        "{}",
        refused.body
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
