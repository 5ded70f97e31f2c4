//! Result formats: many blocks form one result, and the client chooses the format.

use crate::support::engine::{Engine, READER, escaped, request, summary};
use crate::support::resident_bytes;

#[test]
fn a_result_in_many_blocks_is_one_result_in_every_format() {
    let engine = Engine::start();
    engine.run("CREATE TABLE t (a UInt64, b String) ENGINE = MergeTree ORDER BY a");
    for part in 0..4 {
        engine.run(&format!(
            "INSERT INTO t SELECT {part} * 1000 + number, 'b' FROM numbers(3)"
        ));
    }
    let select = |format: &str| {
        engine.reader(
            "",
            &format!("SELECT a, b FROM t ORDER BY a FORMAT {format}"),
        )
    };
    assert_eq!(
        select("CSVWithNames").body.matches("\"a\",\"b\"").count(),
        1
    );
    assert_eq!(select("TSVWithNamesAndTypes").body.lines().count(), 14);
    assert_eq!(
        select("RowBinaryWithNamesAndTypes").bytes.len(),
        19 + 12 * 10
    );
    assert_eq!(select("Values").body.matches("),(").count(), 11);
    let json: serde_json::Value =
        serde_json::from_slice(&select("JSON").bytes).expect("one document");
    assert_eq!(
        (json["rows"].as_u64(), json["data"].as_array().map(Vec::len)),
        (Some(12), Some(12))
    );
    assert_eq!(select("Parquet").body.matches("PAR1").count(), 2);
    let array = engine.collector(
        "output_format_json_array_of_rows=1",
        "SELECT a FROM t FORMAT JSONEachRow",
    );
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(&array.bytes)
            .expect("one array")
            .as_array()
            .map(Vec::len),
        Some(12)
    );
    let totals = engine.reader(
        "",
        "SELECT a % 2 AS k, count() FROM t GROUP BY k WITH TOTALS ORDER BY k FORMAT CSVWithNames",
    );
    assert_eq!(totals.body, "\"k\",\"count()\"\n0,8\n1,4\n\n0,12\n");
    let empty = engine.reader("", "SELECT a FROM t WHERE a = 77 FORMAT CSVWithNames");
    assert_eq!(empty.body, "\"a\"\n");
    // Hundreds of blocks, and a document beyond the size limit.
    let rows = engine
        .reader(
            "",
            "SELECT number AS n FROM numbers(600000) FORMAT CSVWithNames",
        )
        .body;
    assert_eq!(
        (rows.lines().count(), rows.matches('n').count()),
        (600_001, 1)
    );
    let document = engine.reader("", "SELECT number FROM numbers(200000) FORMAT JSONCompact");
    let json: serde_json::Value = serde_json::from_slice(&document.bytes).expect("one document");
    assert_eq!(json["rows"].as_u64(), Some(200_000));
    let document = engine.reader(
        "max_result_bytes=1000000000",
        "SELECT number FROM numbers(100000000) FORMAT JSON",
    );
    assert_eq!(
        (
            document.status,
            document.header("X-ClickHouse-Exception-Code")
        ),
        (400, Some("396"))
    );
}

#[test]
fn selects_by_get_and_post_are_answered_in_the_requested_format() {
    let engine = Engine::start();
    let ping = request(engine.address, "GET", "/ping", &READER, "");
    assert_eq!((ping.status, ping.body.as_str()), (200, "Ok.\n"));
    assert_eq!(ping.header("X-ClickHouse-Timezone"), Some("UTC"));

    let get = |arguments: &str, headers: &[(&str, &str)]| {
        let headers = [&READER[..], headers].concat();
        request(engine.address, "GET", arguments, &headers, "")
    };
    for (response, format, text) in [
        (get("query=SELECT+1,'a'", &[]), "TabSeparated", "1\ta\n"),
        (
            get("query=SELECT+1,'a'&default_format=CSV", &[]),
            "CSV",
            "1,\"a\"\n",
        ),
        (
            get(
                "query=SELECT+1,'a'",
                &[("X-ClickHouse-Format", "JSONEachRow")],
            ),
            "JSONEachRow",
            "{\"1\":1,\"'a'\":\"a\"}\n",
        ),
        (
            get("query=SELECT+1+FORMAT+RowBinary&default_format=CSV", &[]),
            "RowBinary",
            "\u{1}",
        ),
        (engine.reader("", "SELECT 1 FORMAT CSV;"), "CSV", "1\n"),
        (engine.reader("query=SELECT+1", "FORMAT CSV"), "CSV", "1\n"),
        (
            engine.reader("database=system", "SELECT currentDatabase()"),
            "TabSeparated",
            "system\n",
        ),
        (
            engine.reader("", "-- a comment\nWITH 2 AS x SELECT x FORMAT TSV"),
            "TSV",
            "2\n",
        ),
        (engine.reader("", "SELECT 1 WHERE 0"), "TabSeparated", ""),
        (
            engine.reader("", "EXPLAIN SYNTAX SELECT 1"),
            "TabSeparated",
            "SELECT 1\nFROM system.one\n",
        ),
        (
            engine.reader("default_format=CSV", "SHOW DATABASES LIKE 'system'"),
            "CSV",
            "\"system\"\n",
        ),
        (
            engine.reader(
                "query_id=mine&max_execution_time=5&extremes=0",
                "SELECT number FROM numbers(3) FORMAT CSV",
            ),
            "CSV",
            "0\n1\n2\n",
        ),
    ] {
        assert_eq!(
            (response.status, response.body.as_str()),
            (200, text),
            "{:?}",
            response.headers
        );
        assert_eq!(response.header("X-ClickHouse-Format"), Some(format));
        assert!(
            response
                .header("X-ClickHouse-Query-Id")
                .is_some_and(|id| id == "mine" || id.len() == 36)
        );
    }
    let memory = engine.run("SELECT toUInt64(value) BETWEEN 536870912 AND 8589934592 FROM system.server_settings WHERE name = 'max_server_memory_usage'");
    assert_eq!(
        memory, "1\n",
        "the memory of all statements together is limited"
    );
    let counted = engine.reader("", "SELECT number FROM numbers(1000) LIMIT 10");
    assert_eq!(
        (
            summary(&counted, "result_rows").as_str(),
            summary(&counted, "written_rows").as_str()
        ),
        ("10", "0")
    );
    assert!(
        summary(&counted, "elapsed_ns")
            .parse::<u64>()
            .expect("a number")
            > 0
    );

    let megabytes = resident_bytes(engine.id()) >> 20;
    assert!(megabytes < 300, "the engine uses {megabytes} MB");
}

#[test]
fn blocks_of_clickhouses_framing_go_both_ways() {
    let engine = Engine::start();
    engine.run("CREATE TABLE t (a UInt64, b String) ENGINE = MergeTree ORDER BY a");
    let sql = "SELECT number, repeat(toString(number), 10) FROM numbers(300000) FORMAT RowBinary";
    let compressed = engine.collector("compress=1", sql).bytes;
    let plain = engine.collector("", sql).bytes;
    assert!(
        compressed.len() * 2 < plain.len(),
        "{} of {}",
        compressed.len(),
        plain.len()
    );
    let insert = format!(
        "decompress=1&query={}",
        escaped("INSERT INTO t FORMAT RowBinary")
    );
    let response = engine.collector(&insert, &compressed);
    assert_eq!(
        (response.status, summary(&response, "written_rows").as_str()),
        (200, "300000"),
        "{}",
        response.body
    );
    assert_eq!(
        engine
            .collector("", "SELECT a, b FROM t ORDER BY a FORMAT RowBinary")
            .bytes,
        plain
    );

    let mut damaged = compressed.clone();
    damaged[100] ^= 1;
    for (body, code) in [
        (&damaged[..], "40"),
        (&compressed[..1_000], "33"),
        (&[0xff; 64][..], "49"),
    ] {
        let response = engine.collector(&insert, body);
        assert_eq!(
            (
                response.status,
                response.header("X-ClickHouse-Exception-Code")
            ),
            (400, Some(code)),
            "{}",
            response.body
        );
    }
    assert_eq!(engine.run("SELECT count() FROM t"), "300000\n");
    // A statement may be compressed, too. An exception after the first rows arrives in a block.
    let broken = engine.collector(
        "compress=1",
        "SELECT throwIf(number = 3000000) FROM numbers(4000000)",
    );
    assert_eq!((broken.status, broken.is_whole), (200, false));
}
