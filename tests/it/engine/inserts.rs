//! INSERTs: every form that clients send, interrupted INSERTs, and repeated INSERTs.

use std::time::Duration;

use crate::support::engine::{Engine, SECRET, escaped, summary};

#[test]
fn rows_are_inserted_in_every_form_clients_send() {
    let engine = Engine::start();
    engine.run("CREATE TABLE t (a UInt64, b String DEFAULT 'd') ENGINE = MergeTree ORDER BY a");
    let insert = |arguments: &str, body: &[u8], rows: &str| {
        let response = engine.collector(arguments, body);
        assert_eq!(response.status, 200, "{arguments}: {}", response.body);
        assert_eq!(summary(&response, "written_rows"), rows, "{arguments}");
    };
    insert("", b"INSERT INTO t VALUES (1, 'x'), (2, 'y;z');", "2");
    insert(
        "",
        b"INSERT INTO t (a) FORMAT JSONEachRow\n{\"a\": 3}\n{\"a\": 4}\n",
        "2",
    );
    insert(
        &format!("query={}", escaped("INSERT INTO t FORMAT CSV")),
        b"5,\"FORMAT\"\n6,q\n",
        "2",
    );
    insert(
        &format!("query={}", escaped("INSERT INTO t VALUES")),
        b"(7, 'a'), (8, 'b')",
        "2",
    );
    insert(
        &format!("query={}", escaped("INSERT INTO t VALUES (9, '9')")),
        b"",
        "1",
    );
    insert("query=INSERT+INTO+t", b"FORMAT TSV\n10\tten\n", "1");
    insert(
        &format!("query={}", escaped("INSERT INTO t FORMAT RowBinary\n")),
        b"\x0b\0\0\0\0\0\0\0\x01\n",
        "1",
    );
    insert(
        "",
        b"INSERT INTO t SELECT number + 100, 's' FROM numbers(5)",
        "5",
    );
    insert("param_n=200", b"INSERT INTO t SELECT {n:UInt64}, 'p'", "1");
    insert(
        "database=default",
        b"INSERT INTO FUNCTION null('a Int8') VALUES (1)",
        "1",
    );
    for format in [
        "Native",
        "RowBinaryWithNamesAndTypes",
        "Parquet",
        "TabSeparatedWithNames",
        "JSONCompactEachRow",
    ] {
        let rows = engine
            .collector(
                "",
                format!("SELECT a + 1000 AS a, b FROM t WHERE t.a < 12 FORMAT {format}"),
            )
            .bytes;
        insert(
            &format!(
                "query={}",
                escaped(&format!("INSERT INTO t FORMAT {format}"))
            ),
            &rows,
            "11",
        );
    }
    assert_eq!(
        engine.run(
            "SELECT count(), countIf(b = 'd'), countIf(b = '\\n'), sum(a) FROM t WHERE a < 1000"
        ),
        "17\t2\t1\t776\n"
    );
    assert_eq!(
        engine.run("SELECT uniqExact(a), count(), countIf(b = 'FORMAT') FROM t WHERE a > 1000"),
        "11\t55\t5\n"
    );

    // Line breaks inside the data are kept, and a body may arrive in many small chunks.
    let arguments = format!(
        "query={}&user=sillage&password={SECRET}",
        escaped("INSERT INTO t FORMAT CSV")
    );
    let mut upload = engine.begin(&arguments, &[], None);
    for row in 0..500 {
        upload.write(format!("{},\"a\nb\"\n", 5_000 + row));
    }
    assert_eq!(summary(&upload.finish(), "written_rows"), "500");
}

#[test]
fn an_interrupted_insert_leaves_no_rows() {
    let engine = Engine::start();
    engine.run("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a");
    let arguments = format!(
        "query={}&user=sillage&password={SECRET}",
        escaped("INSERT INTO t FORMAT CSV")
    );
    for length in [Some(1_000_000), None] {
        let mut upload = engine.begin(&arguments, &[], length);
        upload.write("1\n".repeat(1_000));
        std::thread::sleep(Duration::from_millis(200));
        drop(upload);
    }
    engine.wait_until_idle();
    assert_eq!(engine.run("SELECT count() FROM t"), "0\n");
    // A truncated row is an error and leaves no rows.
    let response = engine.collector(
        &format!("query={}", escaped("INSERT INTO t FORMAT RowBinary")),
        b"12345678123",
    );
    assert_eq!(response.status, 400, "{}", response.body);
    assert_eq!(engine.run("SELECT count() FROM t"), "0\n");
}

#[test]
fn a_repeated_token_inserts_once() {
    let engine = Engine::start();
    engine.run("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100");
    let insert = |token: &str| {
        let arguments = format!(
            "insert_deduplication_token={token}&query={}",
            escaped("INSERT INTO t FORMAT CSV")
        );
        assert_eq!(engine.collector(&arguments, b"1\n2\n").status, 200);
    };
    insert("a");
    insert("a");
    insert("b");
    assert_eq!(engine.run("SELECT count() FROM t"), "4\n");
}

#[test]
fn a_segment_sent_again_after_a_kill_counts_once_in_tables_and_views() {
    let temporary = tempfile::tempdir().expect("a folder");
    let folder = temporary.path().join("engine");
    let mut engine = Engine::start_in(&folder);
    // Like the table `events` with a roll-up attached to it.
    for statement in [
        "CREATE TABLE t (day Date, a UInt64) ENGINE = MergeTree PARTITION BY day ORDER BY a
         SETTINGS non_replicated_deduplication_window = 100, fsync_after_insert = 1, fsync_part_directory = 1",
        "CREATE TABLE sums (day Date, n UInt64, a UInt64) ENGINE = SummingMergeTree ORDER BY day
         SETTINGS non_replicated_deduplication_window = 100, fsync_after_insert = 1, fsync_part_directory = 1",
        "CREATE MATERIALIZED VIEW view TO sums AS SELECT day, count() AS n, sum(a) AS a FROM t GROUP BY day",
    ] {
        engine.run(statement);
    }
    // Two partitions, and several blocks of each.
    let rows: String = (0..5_000)
        .map(|n| format!("2026-11-{:02},{n}\n", 20 + n % 2))
        .collect();
    let arguments = format!(
        "insert_deduplicate=1&insert_deduplication_token=segment&deduplicate_blocks_in_dependent_materialized_views=1\
         &async_insert=0&max_insert_block_size=1000&min_insert_block_size_rows=1000&min_insert_block_size_bytes=0&query={}",
        escaped("INSERT INTO t FORMAT CSV")
    );
    let expected = "5000\t12497500\n";
    for _ in 0..3 {
        let response = engine.collector(&arguments, &rows);
        assert_eq!(response.status, 200, "{}", response.body);
        assert_eq!(engine.run("SELECT count(), sum(a) FROM t"), expected);
        assert_eq!(engine.run("SELECT sum(n), sum(a) FROM sums"), expected);
        engine.child.kill().expect("a running engine");
        engine.wait();
        engine = Engine::start_in(&folder);
        assert_eq!(engine.run("SELECT count(), sum(a) FROM t"), expected);
        assert_eq!(engine.run("SELECT sum(n), sum(a) FROM sums"), expected);
    }
}
