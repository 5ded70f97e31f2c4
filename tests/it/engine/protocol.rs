//! ClickHouse's HTTP protocol: parameters, exceptions, sessions, and the Rust client on top.

use std::path::Path;

use crate::support::engine::{Engine, READER, escaped, request};
use clickhouse::Row;
use serde::{Deserialize, Serialize};

#[test]
fn hostile_parameters_and_setting_values_stay_values() {
    let engine = Engine::start();
    for value in [
        "'; DROP TABLE t; --",
        "' OR 1=1",
        "{x:String}",
        "`\"",
        "日本 €",
        "a\u{0}b",
        "$$",
        "/*",
        "%27",
    ] {
        let arguments = format!("param_x={}", escaped(&value.replace('\\', "\\\\")));
        let response = engine.reader(&arguments, "SELECT hex({x:String})");
        let hex: String = value.bytes().map(|byte| format!("{byte:02X}")).collect();
        assert_eq!(response.body.trim(), hex, "{value}");
    }
    // A parameter has ClickHouse's escaped form, as with a server.
    assert_eq!(
        engine
            .reader("param_x=a%5Ct%5C%5C", "SELECT length({x:String})")
            .body,
        "3\n"
    );
    assert_eq!(
        engine
            .reader(
                "param_t=one&param_n=7",
                "SELECT {n:UInt8} FROM system.{t:Identifier}"
            )
            .body,
        "7\n"
    );
    let response = engine.reader("param_n=seven", "SELECT {n:UInt8}");
    assert_eq!(
        (
            response.status,
            response.header("X-ClickHouse-Exception-Code")
        ),
        (400, Some("457"))
    );

    let injected = escaped("x', readonly = '0");
    let response = engine.collector(&format!("session_timezone={injected}"), "SELECT 1");
    assert_ne!(response.status, 200, "{}", response.body);
    let response = engine.collector(
        &format!("database={}", escaped("a`; DROP DATABASE default; --")),
        "SELECT 1",
    );
    assert_eq!(
        (
            response.status,
            response.header("X-ClickHouse-Exception-Code")
        ),
        (404, Some("81"))
    );
}

#[derive(Row, Serialize, Deserialize, Debug, PartialEq, Clone)]
struct Visit {
    id: u64,
    path: String,
    seconds: Option<u32>,
    tags: Vec<String>,
}

#[tokio::test]
async fn the_rust_client_works_with_its_defaults() {
    let engine = Engine::start();
    let client = engine.client();
    client
        .query("CREATE TABLE visits (id UInt64, path String, seconds Nullable(UInt32), tags Array(String)) ENGINE = MergeTree ORDER BY id")
        .execute()
        .await
        .expect("created");
    let visits: Vec<Visit> = (0..20_000)
        .map(|id| Visit {
            id,
            path: format!("/päth/{id}"),
            seconds: (id % 3 > 0).then_some(id as u32),
            tags: vec!["x".into(); (id % 4) as usize],
        })
        .collect();
    let mut insert = client.insert::<Visit>("visits").await.expect("an insert");
    for visit in &visits {
        insert.write(visit).await.expect("written");
    }
    insert.end().await.expect("inserted");
    let found = client
        .query("SELECT ?fields FROM visits ORDER BY id")
        .fetch_all::<Visit>()
        .await
        .expect("found");
    assert!(found == visits, "{} rows of {}", found.len(), visits.len());

    let hostile = "it's \\ a {t:String} \n\t'; DROP TABLE visits";
    let echoed = client
        .query("SELECT {a:String}, {n:UInt64}")
        .param("a", hostile)
        .param("n", 7)
        .fetch_one::<(String, u64)>()
        .await;
    assert_eq!(echoed.expect("echoed"), (hostile.to_owned(), 7));

    let mut csv = client
        .insert_formatted_with("INSERT INTO visits (id, path) FORMAT CSV")
        .buffered_with_capacity(1_000);
    for id in 0..5_000_u32 {
        csv.write_buffered(format!("{},/csv\n", 100_000 + id).as_bytes());
        if id % 50 == 0 {
            csv.flush().await.expect("sent");
        }
    }
    csv.end().await.expect("inserted");
    let count = client
        .query("SELECT count() FROM visits WHERE path = '/csv'")
        .fetch_one::<u64>()
        .await;
    assert_eq!(count.expect("a count"), 5_000);

    let error = client
        .query("SELECT nope")
        .fetch_all::<u8>()
        .await
        .expect_err("refused")
        .to_string();
    assert!(
        error.contains("Code: 47. DB::Exception:") && error.contains("(UNKNOWN_IDENTIFIER)"),
        "{error}"
    );
    let error = client
        .query("SELECT throwIf(number = 3000000) FROM numbers(4000000)")
        .fetch_all::<u8>()
        .await;
    let error = error
        .expect_err("the exception after the first rows is reported")
        .to_string();
    assert!(error.contains("Code: 395. DB::Exception:"), "{error}");
    let mut insert = client.insert_formatted_with("INSERT INTO visits (id) FORMAT CSV");
    insert.send("not a number\n".into()).await.expect("sent");
    let error = insert.end().await.expect_err("refused").to_string();
    assert!(error.contains("DB::Exception:"), "{error}");
}

#[test]
fn exceptions_carry_clickhouses_code_and_http_status() {
    let engine = Engine::start();
    engine.run("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a");
    for (arguments, sql, status, code, name) in [
        ("", "SELECT * FROM nope", 404, "60", "UNKNOWN_TABLE"),
        ("", "SELECT * FROM nope.t", 404, "81", "UNKNOWN_DATABASE"),
        ("database=nope", "SELECT 1", 404, "81", "UNKNOWN_DATABASE"),
        ("", "SELECT nope", 404, "47", "UNKNOWN_IDENTIFIER"),
        ("", "SELECT nope()", 404, "46", "UNKNOWN_FUNCTION"),
        ("", "SELEC 1", 400, "62", "SYNTAX_ERROR"),
        ("", "", 400, "62", "SYNTAX_ERROR"),
        ("", "quit", 400, "62", "SYNTAX_ERROR"),
        ("", "?? how many visits", 400, "62", "SYNTAX_ERROR"),
        ("", "SELECT 1; SELECT 2", 400, "62", "SYNTAX_ERROR"),
        ("", "SELECT 'a' + 1", 400, "43", "ILLEGAL_TYPE_OF_ARGUMENT"),
        (
            "",
            "INSERT INTO nope VALUES (1)",
            404,
            "60",
            "UNKNOWN_TABLE",
        ),
        (
            "",
            "INSERT INTO t FORMAT CSV\nx\n",
            400,
            "117",
            "INCORRECT_DATA",
        ),
        (
            "",
            "INSERT INTO t FORMAT Nope\n1",
            404,
            "73",
            "UNKNOWN_FORMAT",
        ),
        (
            "",
            "INSERT INTO t FROM INFILE '/etc/passwd' FORMAT CSV",
            501,
            "48",
            "NOT_IMPLEMENTED",
        ),
        (
            "",
            "SELECT 1 INTO OUTFILE '/tmp/sillage-outfile'",
            400,
            "358",
            "INTO_OUTFILE_NOT_ALLOWED",
        ),
        (
            "no_such_setting=1",
            "SELECT 1",
            404,
            "115",
            "UNKNOWN_SETTING",
        ),
        (
            "max_execution_time=1",
            "SELECT count() FROM numbers(100000000000) WHERE sipHash64(number) = 1",
            408,
            "159",
            "TIMEOUT_EXCEEDED",
        ),
    ] {
        let response = engine.collector(arguments, sql);
        assert_eq!(
            (
                response.status,
                response.header("X-ClickHouse-Exception-Code")
            ),
            (status, Some(code)),
            "{sql}: {}",
            response.body
        );
        let text = response.body;
        assert!(
            text.starts_with(&format!("Code: {code}. DB::Exception: "))
                && text.ends_with(&format!("({name}) (version 26.7.2.1 (embedded))\n")),
            "{text}"
        );
    }
    assert!(!Path::new("/tmp/sillage-outfile").exists());
    // A syntax error anywhere in the text stops all of it, including the statements before the
    // error.
    for sql in [
        "CREATE TABLE early (a Int8) ENGINE = Memory; SELEC 1",
        "INSERT INTO t SELECT 1; SELEC 1",
        "SELECT 1 INTO OUTFILE '/tmp/sillage-outfile'; SELEC 1",
        "\\i /etc/passwd",
        "\u{feff}?? how many",
        "exit;",
    ] {
        for response in [engine.collector("", sql), engine.reader("", sql)] {
            let code = response.header("X-ClickHouse-Exception-Code");
            assert_eq!(
                (response.status, code),
                (400, Some("62")),
                "{sql}: {}",
                response.body
            );
        }
    }
    assert_eq!(engine.run("EXISTS TABLE early"), "0\n");
    assert_eq!(engine.run("SELECT count() FROM t"), "0\n");
    assert!(!Path::new("/tmp/sillage-outfile").exists());
    for (method, path, status) in [("DELETE", "/", 405), ("GET", "/nope", 404)] {
        assert_eq!(
            request(engine.address, method, path, &READER, "").status,
            status
        );
    }
    for (host, status) in [
        ("127.0.0.1:8123", 200),
        ("[::1]:8123", 200),
        ("localhost", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
    ] {
        let headers = [READER[0], ("Host", host)];
        let response = request(engine.address, "GET", "query=SELECT+1", &headers, "");
        assert_eq!(response.status, status, "{host}");
    }
    let headers = [READER[0], ("Content-Encoding", "gzip")];
    let response = request(engine.address, "POST", "", &headers, "x");
    assert_eq!(response.status, 501);

    // An exception after the first rows: its text is at the end of the body between marks, and the
    // body is cut off.
    let broken = engine.reader("", "SELECT throwIf(number = 3000000) FROM numbers(4000000)");
    let tag = broken
        .header("X-ClickHouse-Exception-Tag")
        .expect("a tag")
        .to_owned();
    assert_eq!((broken.status, broken.is_whole), (200, false));
    let text = broken.body;
    let (rest, message) = text
        .rsplit_once(&format!("\r\n__exception__\r\n{tag}\r\nCode: 395."))
        .expect("an exception");
    assert!(
        rest.starts_with("0\n0\n") && message.ends_with(&format!(" {tag}\r\n__exception__\r\n")),
        "{message}"
    );
}

#[test]
fn a_statement_longer_than_the_limit_is_refused() {
    let engine = Engine::start();
    for (length, status) in [(1 << 20, 200), ((1 << 20) + 1, 413)] {
        let sql = format!("SELECT 1{}", " ".repeat(length - 8));
        assert_eq!(
            engine.collector("max_query_size=2000000", sql).status,
            status,
            "{length}"
        );
    }
}

#[test]
fn settings_of_one_request_do_not_reach_another() {
    let engine = Engine::start();
    let state =
        "SELECT getSetting('max_block_size'), getSetting('session_timezone'), currentDatabase()";
    let fresh = engine.run(state);
    for _ in 0..3 {
        assert_eq!(
            engine
                .collector(
                    "max_block_size=7&session_timezone=Asia/Tokyo&database=system",
                    state
                )
                .body,
            "7\tAsia/Tokyo\tsystem\n"
        );
        engine.run("SET max_block_size = 9");
        engine.run("USE system");
        engine.run("CREATE TEMPORARY TABLE leak (a Int8)");
        assert_eq!(
            engine
                .reader("session_timezone=Asia/Tokyo", "SELECT timezone()")
                .status,
            200
        );
        assert_eq!(engine.run(state), fresh);
        assert_eq!(engine.collector("", "SELECT * FROM leak").status, 404);
    }
}
