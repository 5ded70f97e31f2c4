//! The embedded engine without a collector: the real child process with the real library.
//!
//! `SILLAGE_ENGINE_LIBRARY` names `libchdb.so`. If it is not set, the usual places are searched.
//! Without a library the tests fail: a silent skip would look like a pass.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use clickhouse::Client;
use sillage_engine::supervise::{self, Supervisor, SupervisorOptions};
use sillage_engine::{Target, find_library};

use super::binary;
use super::http::{Answer, Upload, begin};

/// The collector's password.
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// The readers' password.
pub const TOKEN: &str = "readers0123456789";

/// The credentials of the collector as headers.
pub const COLLECTOR: [(&str, &str); 2] = [
    ("X-ClickHouse-User", "sillage"),
    ("X-ClickHouse-Key", SECRET),
];
/// The credentials of a reader as a header.
pub const READER: [(&str, &str); 1] = [("X-ClickHouse-Key", TOKEN)];

/// `sillage engine`, started like the collector does.
pub struct Engine {
    pub child: Child,
    pub address: SocketAddr,
    pub folder: PathBuf,
    /// Its warnings before it was ready.
    pub warnings: Vec<String>,
    input: Option<ChildStdin>,
    log: PathBuf,
    _temporary: tempfile::TempDir,
}

pub fn library() -> PathBuf {
    let named = std::env::var_os("SILLAGE_ENGINE_LIBRARY").map(PathBuf::from);
    find_library(named.as_deref())
        .unwrap_or_else(|error| panic!("these tests need the real engine: {error}"))
}

pub fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
}

/// The command that starts an engine. It reads its secrets from standard input.
pub fn command(address: SocketAddr, folder: &Path) -> Command {
    let mut command = binary();
    command
        .args(["engine", "--listen", &address.to_string(), "--data"])
        .arg(folder)
        .arg("--library")
        .arg(library());
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// Starts an engine and returns the lines that it prints until it is ready or ends.
pub fn spawn(mut command: Command) -> (Child, ChildStdin, Vec<String>) {
    let mut child = command.spawn().expect("the binary starts");
    let mut input = child.stdin.take().expect("a pipe");
    // A child that refuses to start may end before it reads.
    let _ = writeln!(input, "{SECRET}\n{TOKEN}");
    let output = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut lines = Vec::new();
    for line in output.lines().map_while(Result::ok) {
        let is_ready = line == "ready";
        lines.push(line);
        if is_ready {
            break;
        }
    }
    (child, input, lines)
}

impl Engine {
    pub fn start() -> Self {
        let temporary = tempfile::tempdir().expect("a folder");
        let folder = temporary.path().join("engine");
        Self::launch(&folder, &[], temporary)
    }

    /// Starts in a folder that outlives the engine.
    pub fn start_in(folder: &Path) -> Self {
        Self::start_with(folder, &[])
    }

    /// Starts with more arguments.
    pub fn start_with(folder: &Path, arguments: &[&str]) -> Self {
        let temporary = tempfile::tempdir().expect("a folder");
        Self::launch(folder, arguments, temporary)
    }

    fn launch(folder: &Path, arguments: &[&str], temporary: tempfile::TempDir) -> Self {
        let address = free_port();
        let log = temporary.path().join("log");
        let mut command = command(address, folder);
        command
            .args(arguments)
            .stderr(std::fs::File::create(&log).expect("a log"));
        let (child, input, mut lines) = spawn(command);
        assert_eq!(lines.pop().as_deref(), Some("ready"), "{lines:?}");
        lines.retain(|line| line.starts_with("warning "));
        Self {
            child,
            address,
            folder: folder.to_owned(),
            warnings: lines,
            input: Some(input),
            log,
            _temporary: temporary,
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The whole log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("a log")
    }

    /// Closes its standard input, as when its parent ends.
    pub fn close_input(&mut self) {
        self.input = None;
    }

    pub fn wait(&mut self) -> ExitStatus {
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

    /// Sends a POST as the collector. `arguments` is the query string of the URL.
    pub fn collector(&self, arguments: &str, body: impl AsRef<[u8]>) -> Answer {
        request(self.address, "POST", arguments, &COLLECTOR, body)
    }

    /// Runs a statement as the collector. It must succeed.
    pub fn run(&self, sql: &str) -> String {
        let answer = self.collector("", sql);
        assert_eq!(answer.status, 200, "{sql}: {}", answer.body);
        answer.body
    }

    /// Sends a POST as a reader.
    pub fn reader(&self, arguments: &str, sql: &str) -> Answer {
        request(self.address, "POST", arguments, &READER, sql)
    }

    /// Sends the head of a POST. The body follows.
    pub fn begin(
        &self,
        arguments: &str,
        headers: &[(&str, &str)],
        length: Option<usize>,
    ) -> Upload {
        begin(self.address, "POST", &url(arguments), headers, length)
    }

    /// A client with the collector's credentials.
    pub fn client(&self) -> Client {
        Client::default()
            .with_url(format!("http://{}", self.address))
            .with_user("sillage")
            .with_password(SECRET)
    }

    /// Waits until no other statement runs. Returns how long that took.
    pub fn wait_until_idle(&self) -> Duration {
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
        self.close_input();
        self.wait();
    }
}

fn url(arguments: &str) -> String {
    match arguments.starts_with('/') {
        true => arguments.to_owned(),
        false => format!("/?{arguments}"),
    }
}

/// Sends a whole request. `arguments` is the query string of the URL, or a path.
pub fn request(
    address: SocketAddr,
    method: &str,
    arguments: &str,
    headers: &[(&str, &str)],
    body: impl AsRef<[u8]>,
) -> Answer {
    let body = body.as_ref();
    let mut upload = begin(address, method, &url(arguments), headers, Some(body.len()));
    upload.write(body);
    upload.finish()
}

/// A number in `X-ClickHouse-Summary`.
pub fn summary(answer: &Answer, figure: &str) -> String {
    let summary = answer.header("X-ClickHouse-Summary").expect("a summary");
    let summary: std::collections::HashMap<String, String> =
        serde_json::from_str(summary).expect("texts by name");
    summary[figure].clone()
}

/// Percent-encodes an argument's value.
pub fn escaped(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

/// An engine as the collector supervises it, with its folder at `data`.
pub async fn supervised(data: PathBuf) -> Supervisor {
    supervise::start(SupervisorOptions {
        binary: Some(env!("CARGO_BIN_EXE_sillage").into()),
        ..SupervisorOptions::new(data)
    })
    .await
    .expect("the engine starts")
}

/// A client of a supervised engine.
pub fn client(target: &Target, database: &str) -> Client {
    Client::default()
        .with_url(&target.url)
        .with_user(&target.user)
        .with_password(&target.password)
        .with_database(database)
}
