//! The embedded engine as its clients meet it: the real child process with the real library, over
//! HTTP.
//!
//! Every test has an engine of its own, since a process holds one data folder.
//! `SILLAGE_ENGINE_LIBRARY` names `libchdb.so`; without it the usual places are searched, and
//! without a library the tests fail.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::{IDLE, policies};
use clickhouse::{Client, Row};
use serde::{Deserialize, Serialize};
use sillage::engine::supervise::{self, SupervisorOptions};
use sillage::engine::{EngineError, find_library};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// The readers' password.
const TOKEN: &str = "readers0123456789";

/// A child started by hand, as the collector would start it.
struct Engine {
    child: Child,
    input: Option<ChildStdin>,
    address: SocketAddr,
    folder: PathBuf,
    _temporary: Option<tempfile::TempDir>,
}

fn library() -> PathBuf {
    let named = std::env::var_os("SILLAGE_ENGINE_LIBRARY").map(PathBuf::from);
    find_library(named.as_deref())
        .unwrap_or_else(|error| panic!("these tests need the real engine: {error}"))
}

fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
}

fn command(address: SocketAddr, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sillage"));
    command
        .args(["engine", "--listen", &address.to_string(), "--data"])
        .arg(folder)
        .arg("--library")
        .arg(library());
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Starts a child and gives it with its first line.
fn spawn(address: SocketAddr, folder: &Path) -> (Child, ChildStdin, String) {
    let mut child = command(address, folder).spawn().expect("the binary starts");
    let mut input = child.stdin.take().expect("a pipe");
    // A child that refuses to start may be gone before it reads.
    let _ = writeln!(input, "{SECRET}\n{TOKEN}");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe"))
        .read_line(&mut line)
        .expect("a line");
    (child, input, line.trim().to_owned())
}

impl Engine {
    fn start() -> Self {
        let temporary = tempfile::tempdir().expect("a folder");
        let folder = temporary.path().join("engine");
        let mut engine = Self::start_in(&folder);
        engine._temporary = Some(temporary);
        engine
    }

    fn start_in(folder: &Path) -> Self {
        let address = free_port();
        let (child, input, line) = spawn(address, folder);
        assert_eq!(line, "ready");
        Self {
            child,
            input: Some(input),
            address,
            folder: folder.to_owned(),
            _temporary: None,
        }
    }

    fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// A figure of `/proc/PID/status` in MB.
    fn megabytes(&self, figure: &str) -> u64 {
        megabytes(self.process_id(), figure)
    }

    fn wait(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a status") {
                return status;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(15),
                "the engine does not end"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn terminate(&self) {
        let process = rustix::process::Pid::from_raw(self.process_id() as i32).expect("a process");
        rustix::process::kill_process(process, rustix::process::Signal::TERM).expect("it is there");
    }

    /// Asks as the collector, by POST.
    fn collector(&self, arguments: &str, body: impl AsRef<[u8]>) -> Response {
        let credentials = format!("X-ClickHouse-User: sillage\r\nX-ClickHouse-Key: {SECRET}\r\n");
        request(self.address, "POST", arguments, &credentials, body.as_ref())
    }

    /// Runs as the collector what must succeed.
    fn run(&self, sql: &str) -> String {
        let response = self.collector("", sql);
        assert_eq!(response.status, 200, "{sql}: {}", response.text());
        response.text()
    }

    /// Asks as a reader, by POST.
    fn reader(&self, arguments: &str, sql: &str) -> Response {
        request(self.address, "POST", arguments, "", sql.as_bytes())
    }

    fn client(&self) -> Client {
        Client::default()
            .with_url(format!("http://{}", self.address))
            .with_user("sillage")
            .with_password(SECRET)
    }

    /// Waits until no statement but the asking one runs.
    fn wait_until_idle(&self) -> Duration {
        let begun = Instant::now();
        while self.run("SELECT count() FROM system.processes") != "1\n" {
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "a statement still runs"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        begun.elapsed()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.input.take());
        self.wait();
    }
}

/// The headers of a reader.
fn reader() -> String {
    format!("X-ClickHouse-Key: {TOKEN}\r\n")
}

fn megabytes(process_id: u32, figure: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process_id}/status")).expect("a process");
    let line = status
        .lines()
        .find(|line| line.starts_with(figure))
        .expect("the figure");
    line.split_whitespace()
        .nth(1)
        .and_then(|kilobytes| kilobytes.parse::<u64>().ok())
        .expect("a number")
        / 1024
}

struct Response {
    status: u16,
    head: String,
    body: Vec<u8>,
    /// Whether the body came to its end.
    is_whole: bool,
}

impl Response {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    fn summary(&self, figure: &str) -> String {
        let summary = self.header("X-ClickHouse-Summary").expect("a summary");
        let summary: std::collections::HashMap<String, String> =
            serde_json::from_str(summary).expect("texts by name");
        summary[figure].clone()
    }
}

/// A request over a connection of its own, without a client library between test and socket; a
/// reader's unless it has other credentials.
fn request(
    address: SocketAddr,
    method: &str,
    arguments: &str,
    headers: &str,
    body: &[u8],
) -> Response {
    let mut stream = open(address, method, arguments, headers, Some(body.len()));
    // A server that has answered already may have closed; the answer is what counts.
    let _ = stream.write_all(body);
    answer(stream)
}

fn open(
    address: SocketAddr,
    method: &str,
    arguments: &str,
    headers: &str,
    length: Option<usize>,
) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .expect("a timeout");
    let length = length.map_or("Transfer-Encoding: chunked".to_owned(), |length| {
        format!("Content-Length: {length}")
    });
    let has_credentials = headers.contains("-Key:") || headers.contains("Authorization:");
    let key = match has_credentials || arguments.contains("password=") {
        true => String::new(),
        false => reader(),
    };
    let path = if arguments.starts_with('/') {
        arguments.to_owned()
    } else {
        format!("/?{arguments}")
    };
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{key}{headers}{length}\r\n\r\n"
    )
    .expect("written");
    stream
}

fn answer(stream: TcpStream) -> Response {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head).expect("a head") > 2 {}
    let status = head[9..12].parse().expect("a status");
    let mut response = Response {
        status,
        head,
        body: Vec::new(),
        is_whole: true,
    };
    if response.header("Transfer-Encoding").is_some() {
        loop {
            let mut size = String::new();
            if reader.read_line(&mut size).unwrap_or(0) == 0 {
                response.is_whole = false;
                return response;
            }
            let size = usize::from_str_radix(size.trim(), 16).expect("a size");
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk).expect("a chunk");
            response.body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                return response;
            }
        }
    }
    reader.read_to_end(&mut response.body).expect("a body");
    response
}

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
        select("CSVWithNames").text().matches("\"a\",\"b\"").count(),
        1
    );
    assert_eq!(select("TSVWithNamesAndTypes").text().lines().count(), 14);
    assert_eq!(
        select("RowBinaryWithNamesAndTypes").body.len(),
        19 + 12 * 10
    );
    assert_eq!(select("Values").text().matches("),(").count(), 11);
    let json: serde_json::Value =
        serde_json::from_slice(&select("JSON").body).expect("one document");
    assert_eq!(
        (json["rows"].as_u64(), json["data"].as_array().map(Vec::len)),
        (Some(12), Some(12))
    );
    assert_eq!(select("Parquet").text().matches("PAR1").count(), 2);
    let array = engine.collector(
        "output_format_json_array_of_rows=1",
        "SELECT a FROM t FORMAT JSONEachRow",
    );
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(&array.body)
            .expect("one array")
            .as_array()
            .map(Vec::len),
        Some(12)
    );
    let totals = engine.reader(
        "",
        "SELECT a % 2 AS k, count() FROM t GROUP BY k WITH TOTALS ORDER BY k FORMAT CSVWithNames",
    );
    assert_eq!(totals.text(), "\"k\",\"count()\"\n0,8\n1,4\n\n0,12\n");
    let empty = engine.reader("", "SELECT a FROM t WHERE a = 77 FORMAT CSVWithNames");
    assert_eq!(empty.text(), "\"a\"\n");
    // Hundreds of blocks, and a document that is too large to be one.
    let rows = engine
        .reader(
            "",
            "SELECT number AS n FROM numbers(600000) FORMAT CSVWithNames",
        )
        .text();
    assert_eq!(
        (rows.lines().count(), rows.matches('n').count()),
        (600_001, 1)
    );
    let document = engine.reader("", "SELECT number FROM numbers(200000) FORMAT JSONCompact");
    let json: serde_json::Value = serde_json::from_slice(&document.body).expect("one document");
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

/// Percent-encodes an argument's value.
fn escaped(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

#[test]
fn selects_are_answered_by_get_and_post_in_the_format_that_is_asked_for() {
    let engine = Engine::start();
    let ping = request(engine.address, "GET", "/ping", "", b"");
    assert_eq!((ping.status, ping.text().as_str()), (200, "Ok.\n"));
    assert_eq!(ping.header("X-ClickHouse-Timezone"), Some("UTC"));

    let get =
        |arguments: &str, headers: &str| request(engine.address, "GET", arguments, headers, b"");
    for (response, format, text) in [
        (get("query=SELECT+1,'a'", ""), "TabSeparated", "1\ta\n"),
        (
            get("query=SELECT+1,'a'&default_format=CSV", ""),
            "CSV",
            "1,\"a\"\n",
        ),
        (
            get("query=SELECT+1,'a'", "X-ClickHouse-Format: JSONEachRow\r\n"),
            "JSONEachRow",
            "{\"1\":1,\"'a'\":\"a\"}\n",
        ),
        (
            get("query=SELECT+1+FORMAT+RowBinary&default_format=CSV", ""),
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
            (response.status, response.text().as_str()),
            (200, text),
            "{}",
            response.head
        );
        assert_eq!(response.header("X-ClickHouse-Format"), Some(format));
        assert!(
            response
                .header("X-ClickHouse-Query-Id")
                .is_some_and(|id| id == "mine" || id.len() == 36)
        );
    }
    let memory = engine.run("SELECT toUInt64(value) BETWEEN 536870912 AND 8589934592 FROM system.server_settings WHERE name = 'max_server_memory_usage'");
    assert_eq!(memory, "1\n", "all statements together are bounded");
    let counted = engine.reader("", "SELECT number FROM numbers(1000) LIMIT 10");
    assert_eq!(
        (
            counted.summary("result_rows").as_str(),
            counted.summary("written_rows").as_str()
        ),
        ("10", "0")
    );
    assert!(
        counted
            .summary("elapsed_ns")
            .parse::<u64>()
            .expect("a number")
            > 0
    );

    let megabytes = engine.megabytes("VmRSS:");
    assert!(megabytes < 300, "the engine takes {megabytes} MB");
}

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
        assert_eq!(response.text().trim(), hex, "{value}");
    }
    // A parameter is in ClickHouse's escaped form, as for a server.
    assert_eq!(
        engine
            .reader("param_x=a%5Ct%5C%5C", "SELECT length({x:String})")
            .text(),
        "3\n"
    );
    assert_eq!(
        engine
            .reader(
                "param_t=one&param_n=7",
                "SELECT {n:UInt8} FROM system.{t:Identifier}"
            )
            .text(),
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
    assert_ne!(response.status, 200, "{}", response.text());
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

#[test]
fn rows_go_in_in_every_form_clients_send_them() {
    let engine = Engine::start();
    engine.run("CREATE TABLE t (a UInt64, b String DEFAULT 'd') ENGINE = MergeTree ORDER BY a");
    let insert = |arguments: &str, body: &[u8], rows: &str| {
        let response = engine.collector(arguments, body);
        assert_eq!(response.status, 200, "{arguments}: {}", response.text());
        assert_eq!(response.summary("written_rows"), rows, "{arguments}");
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
            .body;
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

    // A boundary of ours inside the data does not disturb, nor does a body in many small pieces.
    let mut stream = open(
        engine.address,
        "POST",
        &format!(
            "query={}&user=sillage&password={SECRET}",
            escaped("INSERT INTO t FORMAT CSV")
        ),
        "",
        None,
    );
    for row in 0..500 {
        let row = format!("{},\"a\nb\"\n", 5_000 + row);
        write!(stream, "{:x}\r\n{row}\r\n", row.len()).expect("written");
    }
    stream.write_all(b"0\r\n\r\n").expect("written");
    assert_eq!(answer(stream).summary("written_rows"), "500");
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
        .expect_err("the exception behind the first rows is noticed")
        .to_string();
    assert!(error.contains("Code: 395. DB::Exception:"), "{error}");
    let mut insert = client.insert_formatted_with("INSERT INTO visits (id) FORMAT CSV");
    insert.send("not a number\n".into()).await.expect("sent");
    let error = insert.end().await.expect_err("refused").to_string();
    assert!(error.contains("DB::Exception:"), "{error}");
}

#[test]
fn blocks_of_clickhouses_framing_go_both_ways() {
    let engine = Engine::start();
    engine.run("CREATE TABLE t (a UInt64, b String) ENGINE = MergeTree ORDER BY a");
    let sql = "SELECT number, repeat(toString(number), 10) FROM numbers(300000) FORMAT RowBinary";
    let compressed = engine.collector("compress=1", sql).body;
    let plain = engine.collector("", sql).body;
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
        (response.status, response.summary("written_rows").as_str()),
        (200, "300000"),
        "{}",
        response.text()
    );
    assert_eq!(
        engine
            .collector("", "SELECT a, b FROM t ORDER BY a FORMAT RowBinary")
            .body,
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
            response.text()
        );
    }
    assert_eq!(engine.run("SELECT count() FROM t"), "300000\n");
    // A statement may come compressed, too, and an exception behind the first rows comes inside a
    // block.
    let broken = engine.collector(
        "compress=1",
        "SELECT throwIf(number = 3000000) FROM numbers(4000000)",
    );
    assert_eq!((broken.status, broken.is_whole), (200, false));
}

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

#[test]
fn an_insert_that_breaks_off_leaves_nothing() {
    let engine = Engine::start();
    engine.run("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a");
    let arguments = format!(
        "query={}&user=sillage&password={SECRET}",
        escaped("INSERT INTO t FORMAT CSV")
    );
    for length in [Some(1_000_000), None] {
        let mut stream = open(engine.address, "POST", &arguments, "", length);
        let rows = "1\n".repeat(1_000);
        match length {
            Some(_) => stream.write_all(rows.as_bytes()),
            None => write!(stream, "{:x}\r\n{rows}\r\n", rows.len()),
        }
        .expect("written");
        std::thread::sleep(Duration::from_millis(200));
        drop(stream);
    }
    engine.wait_until_idle();
    assert_eq!(engine.run("SELECT count() FROM t"), "0\n");
    // Rows that end inside a row are an error, and leave nothing either.
    let response = engine.collector(
        &format!("query={}", escaped("INSERT INTO t FORMAT RowBinary")),
        b"12345678123",
    );
    assert_eq!(response.status, 400, "{}", response.text());
    assert_eq!(engine.run("SELECT count() FROM t"), "0\n");
}

/// How many of the library's threads are last, of those that do not merge, and how many there are.
fn last(process_id: u32) -> (usize, usize) {
    let mut threads = policies(process_id);
    threads.retain(|(name, _)| {
        !["sillage", "serving", "parent", "MergeMutate"].contains(&name.as_str())
    });
    let last = threads.iter().filter(|(_, policy)| *policy == IDLE);
    (last.count(), threads.len())
}

#[test]
fn an_insert_of_many_rows_gives_way_until_somebody_asks_or_it_has_waited() {
    let engine = Engine::start();
    engine.run("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a");
    // Where threads that are last would stay so, none is asked to be.
    let may_return = sillage::turns::may_return();
    let wait_for = |all_are_last: bool| {
        let begun = Instant::now();
        loop {
            let (last, threads) = last(engine.process_id());
            if last == if all_are_last { threads } else { 0 } && threads > 0 {
                return begun.elapsed();
            }
            let waited = begun.elapsed();
            assert!(waited.as_secs() < 20, "{last} of {threads} are last");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    let arguments = format!(
        "query={}&user=sillage&password={SECRET}",
        escaped("INSERT INTO t FORMAT RowBinary")
    );
    let rows = vec![7; 3 << 20];
    let begin = || {
        let length = Some(rows.len() + 8);
        let mut stream = open(engine.address, "POST", &arguments, "", length);
        stream.write_all(&rows).expect("written");
        stream
    };
    let end = |mut stream: TcpStream| {
        stream.write_all(&[7; 8]).expect("written");
        let response = answer(stream);
        assert_eq!(response.status, 200, "{}", response.text());
    };

    wait_for(false);
    let insert = begin();
    wait_for(may_return);
    // It has waited long enough.
    let waited = wait_for(false);
    assert!(
        !may_return || waited > Duration::from_millis(500),
        "it gave way for {waited:?}"
    );
    end(insert);

    let insert = begin();
    wait_for(may_return);
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| engine.run("SELECT sleep(2), count() FROM t"));
        // Sooner than its patience ends.
        let waited = wait_for(false);
        assert!(
            !asked.is_finished() && waited < Duration::from_millis(1_500),
            "who asked was waited for after {waited:?}"
        );
        let count = rows.len() / 8 + 1;
        assert_eq!(asked.join().expect("no panic"), format!("0\t{count}\n"));
    });
    end(insert);

    // Few rows are stored at once.
    engine.run("INSERT INTO t VALUES (1)");
    assert_eq!(last(engine.process_id()).0, 0);
}

#[test]
fn the_engine_ends_soon_on_a_busy_machine_though_its_merges_are_last() {
    let mut engine = Engine::start();
    engine.run("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a");
    for _ in 0..3 {
        engine.run("INSERT INTO t SELECT 7 FROM numbers(400000)");
    }
    let merges_last = |(name, policy): &(String, i32)| name == "MergeMutate" && *policy == IDLE;
    let begun = Instant::now();
    while !policies(engine.process_id()).iter().any(merges_last) {
        assert!(begun.elapsed() < Duration::from_secs(20), "they are not");
        std::thread::sleep(Duration::from_millis(20));
    }
    let is_over = AtomicBool::new(false);
    // Not for ever, for those who have to wait for it.
    let end = Instant::now() + Duration::from_secs(7);
    let spin = || {
        while !is_over.load(Ordering::Relaxed) && Instant::now() < end {
            std::hint::spin_loop();
        }
    };
    let processors = std::thread::available_parallelism().expect("a number");
    let took = std::thread::scope(|scope| {
        for _ in 0..2 * processors.get() {
            scope.spawn(spin);
        }
        let begun = Instant::now();
        drop(engine.input.take());
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| engine.wait()));
        is_over.store(true, Ordering::Relaxed);
        ended.map(|_| begun.elapsed())
    });
    let took = took.expect("it ends");
    // Who may not call threads back has to wait for those that merge.
    assert!(
        took < Duration::from_secs(5) || !sillage::turns::may_return(),
        "it took {took:?}"
    );
}

#[test]
fn faults_carry_clickhouses_code_and_a_fitting_status() {
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
            response.text()
        );
        let text = response.text();
        assert!(
            text.starts_with(&format!("Code: {code}. DB::Exception: "))
                && text.ends_with(&format!("({name}) (version 26.7.2.1 (embedded))\n")),
            "{text}"
        );
    }
    assert!(!Path::new("/tmp/sillage-outfile").exists());
    // Of a text with a fault nothing is run, not even what stands before the fault.
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
                response.text()
            );
        }
    }
    assert_eq!(engine.run("EXISTS TABLE early"), "0\n");
    assert_eq!(engine.run("SELECT count() FROM t"), "0\n");
    assert!(!Path::new("/tmp/sillage-outfile").exists());
    for (method, path, status) in [("DELETE", "/", 405), ("GET", "/nope", 404)] {
        assert_eq!(
            request(engine.address, method, path, "", b"").status,
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
        let mut stream = TcpStream::connect(engine.address).expect("a connection");
        write!(
            stream,
            "GET /?query=SELECT+1 HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{}\r\n",
            reader()
        )
        .expect("written");
        assert_eq!(answer(stream).status, status, "{host}");
    }
    let response = request(
        engine.address,
        "POST",
        "",
        "Content-Encoding: gzip\r\n",
        b"x",
    );
    assert_eq!(response.status, 501);

    // An exception behind the first rows: the text is at the end, between marks, and the body has
    // no end.
    let broken = engine.reader("", "SELECT throwIf(number = 3000000) FROM numbers(4000000)");
    let tag = broken
        .header("X-ClickHouse-Exception-Tag")
        .expect("a tag")
        .to_owned();
    assert_eq!((broken.status, broken.is_whole), (200, false));
    let text = broken.text();
    let (rest, message) = text
        .rsplit_once(&format!("\r\n__exception__\r\n{tag}\r\nCode: 395."))
        .expect("an exception");
    assert!(
        rest.starts_with("0\n0\n") && message.ends_with(&format!(" {tag}\r\n__exception__\r\n")),
        "{message}"
    );
}

#[test]
fn a_statement_is_taken_at_its_bound_and_refused_above() {
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
fn readers_only_read() {
    let engine = Engine::start();
    let outside = engine.folder.join("outside.csv");
    std::fs::write(&outside, "precious,b\n1,2\n").expect("written");
    let outside = outside.display();
    engine.run("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a");
    engine.run("INSERT INTO t VALUES (1)");
    for sql in [
        "INSERT INTO t VALUES (2)".to_owned(),
        "INSERT INTO t FORMAT CSV\n2\n".to_owned(),
        "INSERT INTO t SELECT 2".to_owned(),
        "CREATE TABLE u (a Int8) ENGINE = Memory".to_owned(),
        "CREATE TEMPORARY TABLE u (a Int8)".to_owned(),
        "DROP TABLE t".to_owned(),
        "TRUNCATE TABLE t".to_owned(),
        "ALTER TABLE t DELETE WHERE 1".to_owned(),
        "DELETE FROM t WHERE 1".to_owned(),
        "OPTIMIZE TABLE t".to_owned(),
        "SET readonly = 0".to_owned(),
        "SET max_threads = 1".to_owned(),
        "SELECT 1 SETTINGS readonly = 0".to_owned(),
        "SELECT 1 SETTINGS max_execution_time = 10000".to_owned(),
        "KILL QUERY WHERE 1".to_owned(),
        "SYSTEM FLUSH LOGS".to_owned(),
        format!(
            "BACKUP TABLE t TO File('{}')",
            engine.folder.join("backups/b").display()
        ),
        format!("SELECT * FROM file('{outside}', 'CSVWithNames')"),
        format!("DESCRIBE TABLE file('{outside}', 'CSVWithNames')"),
        format!("SELECT file('{outside}')"),
        format!("SELECT `file`('{outside}')"),
        format!("SELECT `fil\\x65`('{outside}')"),
        format!("SELECT * APPLY(file) FROM (SELECT '{outside}')"),
        format!("SELECT arrayMap(file, ['{outside}'])"),
        format!("EXPLAIN SELECT file('{outside}')"),
        format!("SELECT 1 /* ' */, file('{outside}') -- '"),
        format!("SELECT * FROM (SELECT * FROM file('{outside}', 'CSVWithNames'))"),
        "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')".to_owned(),
        "DESCRIBE TABLE url('http://127.0.0.1:1/', 'CSVWithNames')".to_owned(),
        "SELECT * FROM s3('http://bucket.s3.amazonaws.com:1/x', 'CSV', 'a String')".to_owned(),
        "SELECT * FROM remote('127.0.0.1', system.one)".to_owned(),
        "SELECT * FROM executable('ls', 'TSV', 'a String')".to_owned(),
    ] {
        let response = engine.reader("", &sql);
        assert_eq!(
            (
                response.status,
                response.header("X-ClickHouse-Exception-Code")
            ),
            (403, Some("164")),
            "{sql}: {}",
            response.text()
        );
        assert!(!response.text().contains("precious"), "{sql}");
    }
    let written = engine.folder.join("written.csv");
    assert_eq!(
        engine
            .reader(
                "",
                &format!("SELECT 1 INTO OUTFILE '{}'", written.display())
            )
            .status,
        400
    );
    assert!(!written.exists());
    for arguments in [
        "readonly=0&allow_ddl=1",
        "max_insert_threads=2",
        "format_schema=x",
        "dialect=prql",
    ] {
        assert_eq!(
            engine.reader(arguments, "SELECT 1").status,
            403,
            "{arguments}"
        );
    }
    // `readonly` itself is passed over, since clients send it.
    assert_eq!(engine.reader("readonly=0", "DROP TABLE t").status, 403);
    assert_eq!(
        engine
            .reader("max_execution_time=100000", "SELECT 1")
            .header("X-ClickHouse-Exception-Code"),
        Some("452")
    );
    assert_eq!(engine.reader("", "SELECT getSetting('readonly'), getSetting('max_execution_time'), getSetting('max_memory_usage')").text(), "1\t60\t1073741824\n");
    // The collector writes by POST alone: a GET changes nothing, as with a server.
    let arguments = format!(
        "user=sillage&password={SECRET}&query={}",
        escaped("DROP TABLE t")
    );
    assert_eq!(
        request(engine.address, "GET", &arguments, "", b"").status,
        403
    );
    assert_eq!(
        engine.reader("", "SELECT count(), max(a) FROM t").text(),
        "1\t1\n"
    );

    for headers in [
        "X-ClickHouse-Key: \r\n".to_owned(),
        format!("X-ClickHouse-User: sillage\r\nX-ClickHouse-Key: {TOKEN}\r\n"),
        "X-ClickHouse-User: sillage\r\nX-ClickHouse-Key: wrong\r\n".to_owned(),
        "X-ClickHouse-User: sillage\r\n".to_owned(),
        "X-ClickHouse-User: default\r\nX-ClickHouse-Key: x\r\n".to_owned(),
        "X-ClickHouse-User: nobody\r\n".to_owned(),
        "Authorization: Basic c2lsbGFnZTp3cm9uZw==\r\n".to_owned(),
    ] {
        let response = request(engine.address, "POST", "", &headers, b"SELECT 1");
        assert_eq!(
            (
                response.status,
                response.header("X-ClickHouse-Exception-Code")
            ),
            (403, Some("516")),
            "{headers}"
        );
    }
}

#[test]
fn what_one_request_sets_does_not_reach_another() {
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
                .text(),
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

/// Ten minutes of work for one core, without a row before its end.
const LONG: &str = "SELECT count() FROM numbers(100000000000) WHERE sipHash64(number) = 1";
/// The same with rows all along.
const LONG_WITH_ROWS: &str = "SELECT number, sipHash64(number) FROM numbers(100000000000)";

#[test]
fn long_selects_delay_nobody_and_end_when_their_clients_leave() {
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
fn a_segment_sent_again_after_a_kill_counts_once_in_the_table_and_in_the_views_that_hang_on_it() {
    let temporary = tempfile::tempdir().expect("a folder");
    let folder = temporary.path().join("engine");
    let mut engine = Engine::start_in(&folder);
    // As the table `events` and a roll-up that somebody hangs on it.
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
        assert_eq!(response.status, 200, "{}", response.text());
        assert_eq!(engine.run("SELECT count(), sum(a) FROM t"), expected);
        assert_eq!(engine.run("SELECT sum(n), sum(a) FROM sums"), expected);
        engine.child.kill().expect("it runs");
        engine.wait();
        engine = Engine::start_in(&folder);
        assert_eq!(engine.run("SELECT count(), sum(a) FROM t"), expected);
        assert_eq!(engine.run("SELECT sum(n), sum(a) FROM sums"), expected);
    }
}

#[test]
fn no_statement_is_kept_on_disk_and_the_folder_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut engine = Engine::start();
    engine.run("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a");
    assert_eq!(
        engine
            .reader("", "SELECT 'canary-in-a-query', count() FROM t")
            .status,
        200
    );
    assert_eq!(engine.reader("", "SELECT canary_in_a_fault").status, 404);
    assert_eq!(
        engine.run(
            "SELECT count() FROM system.tables WHERE database = 'system' AND name LIKE '%\\_log'"
        ),
        "0\n"
    );
    let mode = std::fs::metadata(&engine.folder)
        .expect("a folder")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
    engine.terminate();
    assert_eq!(engine.wait().code(), Some(0));
    let mut told = String::new();
    engine
        .child
        .stderr
        .take()
        .expect("a pipe")
        .read_to_string(&mut told)
        .expect("text");
    assert!(!told.contains("canary"), "{told}");
    let mut folders = vec![engine.folder.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).expect("a file");
                assert!(
                    !bytes.windows(6).any(|window| window == b"canary"),
                    "{}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn the_engine_leaves_when_its_parent_does_or_asks_and_keeps_what_was_acknowledged() {
    let temporary = tempfile::tempdir().expect("a folder");
    let folder = temporary.path().join("engine");
    let mut engine = Engine::start_in(&folder);
    engine.run("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a");
    engine.run("INSERT INTO t VALUES (1)");
    let mut running = open(engine.address, "POST", "", "", Some(LONG.len()));
    running.write_all(LONG.as_bytes()).expect("written");
    let begun = Instant::now();
    drop(engine.input.take());
    assert_eq!(engine.wait().code(), Some(0));
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "left after {:?}",
        begun.elapsed()
    );
    drop(engine);

    let mut engine = Engine::start_in(&folder);
    assert_eq!(engine.run("SELECT count() FROM t"), "1\n");
    let mut running = open(engine.address, "POST", "", "", Some(LONG.len()));
    running.write_all(LONG.as_bytes()).expect("written");
    std::thread::sleep(Duration::from_millis(200));
    let begun = Instant::now();
    engine.terminate();
    assert_eq!(engine.wait().code(), Some(0));
    assert!(
        begun.elapsed() < Duration::from_secs(8),
        "left after {:?}",
        begun.elapsed()
    );
}

#[test]
fn the_child_says_in_one_sentence_why_it_does_not_start() {
    let temporary = tempfile::tempdir().expect("a folder");
    let first_line = |address: SocketAddr, folder: &Path| {
        let (mut child, _input, line) = spawn(address, folder);
        assert_eq!(child.wait().expect("a status").code(), Some(1));
        line
    };
    let file = temporary.path().join("file");
    std::fs::write(&file, "").expect("written");
    let line = first_line(free_port(), &file.join("engine"));
    assert!(
        line.starts_with("error the engine's data folder ") && line.contains("can't be written"),
        "{line}"
    );
    let line = first_line("0.0.0.0:0".parse().expect("an address"), temporary.path());
    assert!(line.contains("is not a loopback address"), "{line}");

    let engine = Engine::start();
    let (taken, other) = (engine.address, engine.folder.clone());
    let waiting = std::thread::spawn({
        let folder = temporary.path().join("engine");
        move || spawn(taken, &folder).2
    });
    let line = first_line(free_port(), &other);
    assert!(line.contains("is in use by another process"), "{line}");
    let line = waiting.join().expect("a line");
    assert!(
        line.contains(&format!("{taken} is in use by another program")),
        "{line}"
    );

    let mut silent = command(free_port(), &temporary.path().join("silent"))
        .stdin(Stdio::null())
        .spawn()
        .expect("started");
    let mut line = String::new();
    silent
        .stdout
        .take()
        .expect("a pipe")
        .read_to_string(&mut line)
        .expect("a line");
    assert!(
        line.starts_with("error the engine was given no secret"),
        "{line}"
    );
    silent.wait().expect("a status");
}

fn supervised(folder: &Path, listen: SocketAddr) -> SupervisorOptions {
    SupervisorOptions {
        listen,
        library: Some(library()),
        binary: Some(env!("CARGO_BIN_EXE_sillage").into()),
        reader_token: Some(TOKEN.to_owned()),
        ..SupervisorOptions::new(folder.join("engine"))
    }
}

#[tokio::test]
async fn a_killed_engine_is_back_with_its_rows_on_the_same_port_within_seconds() {
    let temporary = tempfile::tempdir().expect("a folder");
    let engine = supervise::start(supervised(
        temporary.path(),
        "127.0.0.1:0".parse().expect("an address"),
    ))
    .await
    .expect("started");
    let target = engine.target().clone();
    assert!(!format!("{target:?}").contains(&target.password) && target.password.len() == 64);
    let client = Client::default()
        .with_url(&target.url)
        .with_user(&target.user)
        .with_password(&target.password);
    client
        .query("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
        .execute()
        .await
        .expect("created");
    client
        .query("INSERT INTO t SELECT number FROM numbers(1000)")
        .execute()
        .await
        .expect("inserted");
    assert_eq!(
        client
            .query("SELECT timezone()")
            .fetch_one::<String>()
            .await
            .expect("a zone"),
        "UTC"
    );
    let process_id = engine.process_id();
    // Neither its arguments nor its environment tell the secret.
    for file in ["cmdline", "environ"] {
        let text = std::fs::read(format!("/proc/{process_id}/{file}")).expect("a process");
        assert!(!String::from_utf8_lossy(&text).contains(&target.password));
    }
    for _ in 0..2 {
        let process =
            rustix::process::Pid::from_raw(engine.process_id() as i32).expect("a process");
        let begun = Instant::now();
        rustix::process::kill_process(process, rustix::process::Signal::KILL).expect("it is there");
        let count = loop {
            match client
                .query("SELECT count() FROM t")
                .fetch_one::<u64>()
                .await
            {
                Ok(count) => break count,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
            assert!(
                begun.elapsed() < Duration::from_secs(5),
                "not back after 5 s"
            );
        };
        println!("back after {:?}", begun.elapsed());
        assert_eq!(count, 1_000);
    }
    assert_ne!(engine.process_id(), process_id);
    let process_id = engine.process_id();
    println!("{} MB", megabytes(process_id, "VmRSS:"));
    engine.stop().await;
    assert!(!Path::new(&format!("/proc/{process_id}")).exists());

    // A successor may come at once.
    let listen = target
        .url
        .trim_start_matches("http://")
        .parse()
        .expect("an address");
    let engine = supervise::start(supervised(temporary.path(), listen))
        .await
        .expect("started");
    engine.stop().await;
}

#[tokio::test]
async fn a_foreign_program_on_the_port_and_a_missing_library_are_named() {
    let temporary = tempfile::tempdir().expect("a folder");
    let foreign = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = foreign.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in foreign.incoming().flatten() {
            let mut stream = stream;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nOk.\n");
        }
    });
    let begun = Instant::now();
    let error = supervise::start(supervised(temporary.path(), address))
        .await
        .expect_err("refused");
    assert!(
        matches!(error, EngineError::PortInUse(port) if port == address),
        "{error}"
    );
    assert!(
        begun.elapsed() < Duration::from_secs(6) && error.to_string().contains("engine.listen")
    );

    let mut options = supervised(temporary.path(), free_port());
    options.library = Some(temporary.path().join("nowhere/libchdb.so"));
    let error = supervise::start(options)
        .await
        .expect_err("refused")
        .to_string();
    assert!(
        error.contains("nowhere/libchdb.so") && error.contains("make engine"),
        "{error}"
    );
    let mut options = supervised(temporary.path(), free_port());
    let not_a_library = temporary.path().join("libchdb.so");
    std::fs::write(&not_a_library, "x").expect("written");
    options.library = Some(not_a_library);
    let error = supervise::start(options)
        .await
        .expect_err("refused")
        .to_string();
    assert!(
        error.contains("can't be loaded as the embedded engine"),
        "{error}"
    );
}
