//! The embedded engine as its clients meet it: the real child process with the real library, over
//! HTTP.
//!
//! Every test has an engine of its own, since a process holds one data folder.
//! `SILLAGE_ENGINE_LIBRARY` names `libchdb.so`; without it the usual places are searched, and
//! without a library the tests fail.

mod access;
mod formats;
mod inserts;
mod lifecycle;
mod limits;
mod protocol;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use clickhouse::Client;
use sillage_engine::find_library;

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

/// Percent-encodes an argument's value.
fn escaped(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

/// Ten minutes of work for one core, without a row before its end.
const LONG: &str = "SELECT count() FROM numbers(100000000000) WHERE sipHash64(number) = 1";
