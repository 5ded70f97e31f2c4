//! A collector for each test: the real binary with the real engine, on free ports, in a temporary
//! folder.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Instant;

use tempfile::TempDir;

use super::engine;
use super::http::{Answer, post};
use super::process::{PATIENCE, signal, wait_for};

/// The site of the tests. `extra` in [`Collector::start_with`] is inserted before it.
const SITE: &str = r#"
[[site]]
id = "example.com"
hostnames = ["example.com", "www.example.com"]
timezone = "Asia/Tokyo"
profile = "consent"
"#;

pub struct Collector {
    pub folder: TempDir,
    pub address: SocketAddr,
    pub clickhouse: SocketAddr,
    /// The readers' password. Empty with a ClickHouse server.
    pub token: String,
    lines: mpsc::Receiver<String>,
    child: Child,
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

    /// Starts in an existing folder of a collector.
    pub fn start_in(folder: TempDir) -> Self {
        Self::start_logging(folder, "info")
    }

    /// Starts with another log level.
    pub fn start_logging(folder: TempDir, level: &str) -> Self {
        Self::launch(folder, level, &["--demo"])
    }

    /// Starts as in an installation: people must log in to see reports. The other functions start
    /// demos, which need no log-in on loopback.
    pub fn start_guarded(folder: TempDir) -> Self {
        Self::launch(folder, "info", &[])
    }

    /// Like `start_guarded`, with more lines of configuration before the tables.
    pub fn start_guarded_with(folder: TempDir, extra: &str) -> Self {
        write_config(folder.path(), extra);
        Self::start_guarded(folder)
    }

    /// Path of the link that the first start prints.
    pub fn set_up_link(&self) -> String {
        loop {
            let line = self
                .lines
                .recv_timeout(PATIENCE)
                .expect("the set-up link is printed");
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

    /// The whole log of all runs in this folder.
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

    /// Sends a query to the engine's HTTP interface as a reader.
    pub fn ask(&self, query: &str) -> Answer {
        let headers = [("X-ClickHouse-Key", &*self.token)];
        post(self.clickhouse, "/?database=sillage", query, &headers)
    }

    /// Runs a query on the engine's HTTP interface. Returns TabSeparated text.
    pub fn sql(&self, query: &str) -> String {
        let answer = self.ask(query);
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        answer.body.trim_end().to_owned()
    }

    /// Sends a query to the Stats API.
    pub fn report(&self, query: &serde_json::Value) -> serde_json::Value {
        let answer = post(self.address, "/api/v2/query", &query.to_string(), &[]);
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        serde_json::from_str(&answer.body).expect("JSON")
    }

    /// Waits until a query returns the expected answer.
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

    /// Sends SIGTERM. Returns true if the exit code is 0.
    pub fn stop(mut self) -> (TempDir, bool) {
        signal(self.id(), "TERM");
        let status = self.child.wait().expect("the child can be waited for");
        let folder = std::mem::replace(
            &mut self.folder,
            tempfile::tempdir().expect("a temporary folder"),
        );
        (folder, status.success())
    }

    /// Stops the collector, moves every event to three days earlier, and starts it again with
    /// `start`. Needed because audiences under suppression see the current day only in steps of
    /// hours.
    pub fn three_days_later(self, start: impl FnOnce(TempDir) -> Self) -> Self {
        let (folder, is_clean) = self.stop();
        assert!(is_clean, "{}", log(folder.path()));
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let engine = engine::supervised(folder.path().join("data/engine")).await;
            let client = engine::client(engine.target(), "sillage")
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

    /// Sends SIGKILL.
    pub fn kill(mut self) -> TempDir {
        self.child.kill().expect("a running collector");
        self.child.wait().expect("the child can be waited for");
        std::mem::replace(
            &mut self.folder,
            tempfile::tempdir().expect("a temporary folder"),
        )
    }

    /// Process id of the engine, whose parent is a thread of the collector.
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
        // After `stop` and `kill` the child has ended already.
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

/// The `name=value` part of the response's cookie.
pub fn cookie(answer: &Answer) -> Option<&str> {
    answer.header("set-cookie")?.split(';').next()
}
