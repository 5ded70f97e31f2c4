//! A collector of its own for each test: the real binary with the real engine, on free ports, in a
//! temporary folder.

pub mod people;

use sillage_engine::supervise::{self, SupervisorOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a start, or anything that is waited for, may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The site of the tests; `extra` in [`Collector::start_with`] may add more configuration before
/// it.
const SITE: &str = r#"
[[site]]
id = "example.com"
hostnames = ["example.com", "www.example.com"]
timezone = "Asia/Tokyo"
profile = "consent"
"#;

/// A browser's user agent, so that a beacon is nobody's program.
pub const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0";

pub struct Collector {
    pub folder: TempDir,
    pub address: SocketAddr,
    pub clickhouse: SocketAddr,
    /// The readers' password, empty with a ClickHouse server.
    pub token: String,
    lines: mpsc::Receiver<String>,
    child: Child,
}

/// What a server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

pub fn binary() -> Command {
    Command::new(env!("CARGO_BIN_EXE_sillage"))
}

/// Writes the configuration of a collector into `folder`.
pub fn write_config(folder: &Path, extra: &str) -> PathBuf {
    let path = folder.join("sillage.toml");
    let text =
        format!("listen = \"127.0.0.1:0\"\n{extra}\n[engine]\nlisten = \"127.0.0.1:0\"\n{SITE}");
    std::fs::write(&path, text).expect("a temporary folder can be written");
    path
}

impl Collector {
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// Starts with more lines of configuration before the tables.
    pub fn start_with(extra: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write_config(folder.path(), extra);
        Self::start_in(folder)
    }

    /// Starts in a folder that a collector ran in before.
    pub fn start_in(folder: TempDir) -> Self {
        Self::start_logging(folder, "info")
    }

    /// Starts with another log level.
    pub fn start_logging(folder: TempDir, level: &str) -> Self {
        Self::launch(folder, level, &["--demo"])
    }

    /// Starts as an installation does: people log in to see reports. The others here are demos,
    /// which are open on loopback.
    pub fn start_guarded(folder: TempDir) -> Self {
        Self::launch(folder, "info", &[])
    }

    /// The same with more lines of configuration before the tables.
    pub fn start_guarded_with(folder: TempDir, extra: &str) -> Self {
        write_config(folder.path(), extra);
        Self::start_guarded(folder)
    }

    /// Path of the link that the first start prints.
    pub fn set_up_link(&self) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).expect("it prints a link");
            if let Some(at) = line.find("/welcome/") {
                return line[at..].to_owned();
            }
        }
    }

    fn launch(folder: TempDir, level: &str, options: &[&str]) -> Self {
        let config = folder.path().join("sillage.toml");
        let mut child = binary()
            .args(["--log-level", level, "serve", "--config"])
            .arg(&config)
            .args(options)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdout(Stdio::piped())
            .stderr(log_file(folder.path()))
            .spawn()
            .expect("the binary starts");
        let stdout = child.stdout.take().expect("piped");
        let (lines, received) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if lines.send(line).is_err() {
                    return;
                }
            }
        });
        let (mut address, mut clickhouse, mut token) = (None, None, String::new());
        let deadline = Instant::now() + PATIENCE;
        while address.is_none() || clickhouse.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = received.recv_timeout(left).unwrap_or_else(|_| {
                let _ = child.kill();
                panic!(
                    "the collector was not ready in time; it logged:\n{}",
                    log(folder.path())
                )
            });
            let url = line.split("http://").nth(1);
            let authority = url
                .and_then(|url| url.split('/').next())
                .unwrap_or_default();
            if line.contains("beacons") {
                address = authority.parse().ok();
            } else if line.contains("ClickHouse") {
                let (credentials, place) = authority.split_once('@').unwrap_or(("", authority));
                token = credentials.trim_start_matches("default:").to_owned();
                clickhouse = place.parse().ok();
            }
        }
        Self {
            folder,
            address: address.expect("printed"),
            clickhouse: clickhouse.expect("printed"),
            token,
            lines: received,
            child,
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it logged, in all its lives in this folder.
    pub fn log(&self) -> String {
        log(self.folder.path())
    }

    /// Sends a beacon as a browser would. `body` is JSON.
    pub fn beacon(&self, body: &str) -> Answer {
        self.beacon_with(body, &[])
    }

    pub fn beacon_with(&self, body: &str, headers: &[(&str, &str)]) -> Answer {
        post(self.address, "/api/event", body, headers)
    }

    /// Asks the engine's own interface as a reader.
    pub fn ask(&self, query: &str) -> Answer {
        let headers = [("X-ClickHouse-Key", &*self.token)];
        post(self.clickhouse, "/?database=sillage", query, &headers)
    }

    /// A line of SQL by the engine's own interface, as TabSeparated text.
    pub fn sql(&self, query: &str) -> String {
        let answer = self.ask(query);
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        answer.body.trim_end().to_owned()
    }

    /// A query of the Stats API.
    pub fn report(&self, query: &serde_json::Value) -> serde_json::Value {
        let answer = post(self.address, "/api/v2/query", &query.to_string(), &[]);
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        serde_json::from_str(&answer.body).expect("JSON")
    }

    /// Waits until a line of SQL answers what is expected.
    pub fn until(&self, query: &str, expected: &str) {
        let last = wait_for(|| {
            let answer = self.ask(query);
            if answer.body.trim_end() == expected {
                Ok(())
            } else {
                Err(answer.body)
            }
        });
        if let Err(last) = last {
            panic!(
                "{query} answered {last:?}, not {expected:?}; the collector logged:\n{}",
                self.log()
            );
        }
    }

    /// SIGTERM; true when it exits with 0.
    pub fn stop(mut self) -> (TempDir, bool) {
        signal(self.id(), "TERM");
        let status = self.child.wait().expect("the child can be waited for");
        let folder = std::mem::replace(
            &mut self.folder,
            tempfile::tempdir().expect("a temporary folder"),
        );
        (folder, status.success())
    }

    /// Stops, moves every event to three days earlier, and starts again by `start`: audiences with
    /// a floor are told of today in steps of hours only.
    pub fn three_days_later(self, start: impl FnOnce(TempDir) -> Self) -> Self {
        let (folder, is_clean) = self.stop();
        assert!(is_clean, "{}", log(folder.path()));
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let engine = supervise::start(SupervisorOptions {
                binary: Some(env!("CARGO_BIN_EXE_sillage").into()),
                ..SupervisorOptions::new(folder.path().join("data/engine"))
            });
            let engine = engine.await.expect("the engine starts");
            let target = engine.target();
            let client = clickhouse::Client::default()
                .with_url(&target.url)
                .with_user(&target.user)
                .with_password(&target.password)
                .with_database("sillage")
                .with_setting("mutations_sync", "2")
                .with_setting("insert_deduplicate", "0");
            for statement in [
                "INSERT INTO events SELECT * REPLACE (time - INTERVAL 3 DAY AS time) FROM events",
                "ALTER TABLE events DELETE WHERE time > now() - INTERVAL 2 DAY",
            ] {
                client
                    .query_raw(statement)
                    .execute()
                    .await
                    .expect(statement);
            }
            engine.stop().await;
        });
        start(folder)
    }

    /// SIGKILL.
    pub fn kill(mut self) -> TempDir {
        self.child.kill().expect("it runs");
        self.child.wait().expect("the child can be waited for");
        std::mem::replace(
            &mut self.folder,
            tempfile::tempdir().expect("a temporary folder"),
        )
    }

    /// Process id of its engine; a thread of the collector is its parent.
    pub fn engine_id(&self) -> Option<u32> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.id())).ok()?;
        threads.flatten().find_map(|thread| {
            let children = std::fs::read_to_string(thread.path().join("children")).ok()?;
            children.split_whitespace().next()?.parse().ok()
        })
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // Gone already after `stop` and `kill`.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn log_file(folder: &Path) -> std::fs::File {
    std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(folder.join("log"))
        .expect("a log")
}

fn log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("log")).unwrap_or_default()
}

pub fn signal(process: u32, name: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &process.to_string()])
        .status();
    assert!(
        sent.is_ok_and(|status| status.success()),
        "signal {name} to {process}"
    );
}

/// Tries until it is right or [`PATIENCE`] ends; then the last answer.
pub fn wait_for<T, E>(mut attempt: impl FnMut() -> Result<T, E>) -> Result<T, E> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Err(_) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(20)),
            last => return last,
        }
    }
}

/// One POST with a browser's headers; `headers` come instead of those of the same name.
pub fn post(address: SocketAddr, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
    send(address, "POST", path, body, headers)
}

/// The same by any method.
pub fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: &str,
    headers: &[(&str, &str)],
) -> Answer {
    let mut head = format!("{method} {path} HTTP/1.1\r\n");
    let defaults = [
        ("Host", "127.0.0.1"),
        ("User-Agent", AGENT),
        ("Content-Type", "text/plain"),
        ("Connection", "close"),
    ];
    for (name, value) in defaults.iter().filter(|(name, _)| {
        headers
            .iter()
            .all(|(given, _)| !given.eq_ignore_ascii_case(name))
    }) {
        head += &format!("{name}: {value}\r\n");
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("Content-Length: {}\r\n\r\n", body.len());
    raw(address, &[head.as_bytes(), body.as_bytes()].concat()).expect("an answer")
}

pub fn get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut head = format!("GET {path} HTTP/1.1\r\nConnection: close\r\n");
    if headers
        .iter()
        .all(|(name, _)| !name.eq_ignore_ascii_case("host"))
    {
        head += "Host: 127.0.0.1\r\n";
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    raw(address, (head + "\r\n").as_bytes()).expect("an answer")
}

/// Sends bytes as they are and reads until the server closes.
pub fn raw(address: SocketAddr, bytes: &[u8]) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // A server that refuses early may close before it has read all.
    let _ = stream.write_all(bytes);
    let mut received = Vec::new();
    if let Err(error) = stream.read_to_end(&mut received)
        && received.is_empty()
    {
        return Err(error);
    }
    parse(&received).ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
}

fn parse(received: &[u8]) -> Option<Answer> {
    let split = received
        .windows(4)
        .position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&received[..split]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let mut body = &received[split + 4..];
    let mut whole = Vec::new();
    if headers
        .iter()
        .any(|(name, value)| name == "transfer-encoding" && value == "chunked")
    {
        loop {
            let end = body.windows(2).position(|window| window == b"\r\n")?;
            let size = usize::from_str_radix(
                std::str::from_utf8(&body[..end]).ok()?.split(';').next()?,
                16,
            )
            .ok()?;
            if size == 0 {
                break;
            }
            whole.extend_from_slice(body.get(end + 2..end + 2 + size)?);
            body = body.get(end + 4 + size..)?;
        }
    } else {
        whole.extend_from_slice(body);
    }
    Some(Answer {
        status,
        headers,
        body: String::from_utf8_lossy(&whole).into_owned(),
    })
}

/// The password of everybody that [`user_add`] adds.
pub const PASSWORD: &str = "a long enough password";

/// `sillage user add`: somebody with a role on a site (`*` = every site).
pub fn user_add(folder: &Path, name: &str, site: &str, role: &str) {
    let mut child = binary()
        .args(["--log-level", "off", "user", "--config"])
        .arg(folder.join("sillage.toml"))
        .args(["add", name, "--site", site, "--role", role])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(PASSWORD.as_bytes()).expect("it reads");
    drop(stdin);
    assert!(child.wait().expect("it ends").success(), "{name} is added");
}

/// Logs in; the `name=value` of the cookie.
pub fn log_in(collector: &Collector, name: &str, password: &str) -> String {
    let body = format!("name={name}&password={}", password.replace(' ', "+"));
    let headers = [("Sec-Fetch-Site", "same-origin")];
    let answer = post(collector.address, "/login", &body, &headers);
    assert_eq!(answer.status, 303, "{name}: {}", answer.body);
    cookie(&answer).expect("a cookie").to_owned()
}

/// A consented pageview.
pub fn pageview(path: &str, key: &str) -> String {
    serde_json::json!({
        "n": "pageview",
        "u": format!("https://example.com{path}"),
        "d": "example.com",
        "c": 1,
        "k": key,
    })
    .to_string()
}

/// The `name=value` part of the answer's cookie.
pub fn cookie(answer: &Answer) -> Option<&str> {
    answer.header("set-cookie")?.split(';').next()
}

/// Resident memory of a process, bytes.
pub fn resident_bytes(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .expect("a line of memory");
    line.split_whitespace()
        .nth(1)
        .and_then(|kib| kib.parse::<u64>().ok())
        .expect("KiB")
        * 1024
}
