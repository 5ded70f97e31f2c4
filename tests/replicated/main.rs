//! Exactly once on replicated tables: the collector with a ClickHouse server that has
//! ReplicatedMergeTree and ZooKeeper.
//!
//! The server is `sillage engine` run by itself, as in `tests/it/external.rs`, and ZooKeeper is
//! Debian's. The embedded engine knows replicated tables but does not insert into them, for want of
//! an address where other replicas could fetch parts; of its library a copy is used in which that
//! one check is left out (`patched`). A second replica could not be fed by it, so there is one
//! here. What exactly-once hangs on, the blocks and their tokens, is in ZooKeeper as with several.
//!
//! Needs `zookeeper`, which `make test-replicated` installs; hence not among the tests that
//! `cargo test` runs by itself.

#[path = "../support/mod.rs"]
#[allow(dead_code)]
mod support;

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use support::{Collector, binary, pageview, post, signal, wait_for};

const SECRET: &str = "a-password-of-a-server-that-somebody-else-runs";
/// The password of those who only read there.
const TOKEN: &str = "readers-of-that-server";

/// Times that the server is killed under load.
const ROUNDS: u64 = 12;

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|taken| taken.local_addr())
        .expect("a free port")
}

/// Copies the library without `Context::getInterserverIOAddress`'s check that there is an address.
///
/// How to find it in a later version: the function that refers to the text "Parameter
/// 'interserver_http(s)_port' required". It tests the host's length and the port, and jumps away if
/// either is 0; both jumps are overwritten.
fn patched() -> PathBuf {
    static COPY: OnceLock<PathBuf> = OnceLock::new();
    let make = || {
        // test rax,rax; je +0x54; movzx eax,[r14+0x168]; test ax,ax; je +0x47; test cl,cl; js +0x1a
        let code = r"\x48\x85\xc0\x74\x54\x41\x0f\xb7\x86\x68\x01\x00\x00\x66\x85\xc0\x74\x47\x84\xc9\x78\x1a";
        let (jumps, nothing) = ([3, 16], [0x90; 2]);
        let original = Path::new(env!("CARGO_MANIFEST_DIR")).join("vendor/libchdb.so");
        let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("libchdb-with-replicas.so");
        std::fs::copy(&original, &copy).expect("`make vendor` has fetched the library");
        let found = Command::new("grep")
            .args(["-obUaP", code])
            .arg(&copy)
            .env("LC_ALL", "C")
            .output()
            .expect("grep runs");
        let places: Vec<u64> = found
            .stdout
            .split(|byte| *byte == b'\n')
            .filter_map(|line| {
                let digits = line.split(|byte| *byte == b':').next()?;
                std::str::from_utf8(digits).ok()?.parse().ok()
            })
            .collect();
        assert_eq!(
            places.len(),
            1,
            "the check is not where it was in this library; see `patched`"
        );
        let file = std::fs::OpenOptions::new()
            .write(true)
            .open(&copy)
            .expect("the copy can be written");
        for jump in jumps {
            std::os::unix::fs::FileExt::write_all_at(&file, &nothing, places[0] + jump)
                .expect("written");
        }
        copy
    };
    COPY.get_or_init(make).clone()
}

/// ZooKeeper on a free port, with its data in `folder`.
struct Keeper {
    address: SocketAddr,
    child: Child,
}

impl Keeper {
    fn start(folder: &Path) -> Self {
        let address = free_address();
        let data = folder.join("zookeeper");
        std::fs::create_dir(&data).expect("a folder");
        let config = folder.join("zoo.cfg");
        let text = format!(
            "tickTime=500\ndataDir={}\nclientPort={}\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n",
            data.display(),
            address.port()
        );
        std::fs::write(&config, text).expect("written");
        let child = Command::new("java")
            .args(["-Xmx256m", "-cp", "/usr/share/java/*"])
            .arg("org.apache.zookeeper.server.quorum.QuorumPeerMain")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.join("zookeeper.log")).expect("a log"))
            .spawn()
            .expect("java runs; `make test-replicated` installs zookeeper");
        let keeper = Self { address, child };
        wait_for(|| TcpStream::connect(address)).unwrap_or_else(|error| {
            let log = std::fs::read_to_string(folder.join("zookeeper.log"));
            panic!("ZooKeeper does not listen ({error}): {log:?}")
        });
        keeper
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One replica.
struct Server {
    address: SocketAddr,
    data: PathBuf,
    child: Child,
    /// It ends when this is closed.
    _stdin: ChildStdin,
}

impl Server {
    fn start(folder: &Path, keeper: &Keeper, replica: &str) -> Self {
        let data = folder.join(replica);
        std::fs::create_dir_all(data.join("engine.d")).expect("a folder");
        let config = format!(
            "<clickhouse><zookeeper><node><host>127.0.0.1</host><port>{}</port></node>\
             <session_timeout_ms>2000</session_timeout_ms></zookeeper>\
             <macros><shard>1</shard><replica>{replica}</replica></macros></clickhouse>",
            keeper.address.port()
        );
        std::fs::write(data.join("engine.d/keeper.xml"), config).expect("written");
        Self::run(free_address(), data)
    }

    fn run(address: SocketAddr, data: PathBuf) -> Self {
        let log = || std::fs::File::create(data.join("log")).expect("a log");
        let mut child = binary()
            .args(["--log-level", "warn", "engine", "--listen"])
            .arg(address.to_string())
            .arg("--data")
            .arg(&data)
            .arg("--library")
            .arg(patched())
            // A server of its own reaches its keeper; the fence is the embedded engine's.
            .args(["--without=fence", "--readers-without-fence"])
            .stdin(Stdio::piped())
            .stdout(log())
            .stderr(log())
            .spawn()
            .expect("the server starts");
        let mut stdin = child.stdin.take().expect("piped");
        writeln!(stdin, "{SECRET}\n{TOKEN}").expect("the server reads its secrets");
        let ready = wait_for(|| match std::fs::read_to_string(data.join("log")) {
            Ok(text) if text.contains("ready") => Ok(()),
            text => Err(text),
        });
        ready.unwrap_or_else(|text| panic!("the server is not ready: {text:?}"));
        Self {
            address,
            data,
            child,
            _stdin: stdin,
        }
    }

    /// SIGKILL, and the same server again.
    fn killed(mut self) -> Self {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
        Self::run(self.address, self.data.clone())
    }

    fn sql(&self, query: &str) -> String {
        let key = [("X-ClickHouse-Key", TOKEN)];
        let answer = post(self.address, "/?database=replicated", query, &key);
        answer.body.trim_end().to_owned()
    }

    /// Waits until a line of SQL answers what is expected.
    fn until(&self, query: &str, expected: &str) {
        wait_for(|| match self.sql(query) {
            answer if answer == expected => Ok(()),
            answer => Err(answer),
        })
        .unwrap_or_else(|last| panic!("{query} answered {last:?}, not {expected:?}"));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Gone already after `killed`.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes the configuration of a collector that stores on this replica.
fn write_config(folder: &Path, server: &Server) {
    std::fs::write(folder.join("password"), format!("{SECRET}\n")).expect("written");
    let text = format!(
        "listen = \"127.0.0.1:0\"\n[clickhouse]\nurl = \"http://{}\"\ndatabase = \"replicated\"\nuser = \"sillage\"\n\
         password_file = \"password\"\nreplicated = true\n[[site]]\nid = \"example.com\"\nprofile = \"consent\"\n",
        server.address
    );
    std::fs::write(folder.join("sillage.toml"), text).expect("written");
}

/// The sealed segments in a collector's spool, with their contents.
fn segments(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let files = std::fs::read_dir(folder.join("data/spool")).expect("a spool");
    files
        .flatten()
        .map(|file| file.path())
        .filter(|path| path.to_string_lossy().ends_with(".sealed"))
        .filter_map(|path| std::fs::read(&path).ok().map(|bytes| (path, bytes)))
        .collect()
}

/// Has a server that is held up let a segment be sealed, and gives a copy of what then lies in the
/// spool.
fn sealed_while_held_up(collector: &Collector, server: &Server) -> Vec<(PathBuf, Vec<u8>)> {
    signal(server.child.id(), "STOP");
    for n in 0..100 {
        let answer = collector.beacon(&pageview("/", &format!("t{n}")));
        assert_eq!(answer.status, 202);
    }
    let copies = wait_for(|| match segments(collector.folder.path()) {
        copies if copies.is_empty() => Err(()),
        copies => Ok(copies),
    })
    .expect("sealed by age");
    signal(server.child.id(), "CONT");
    copies
}

/// Waits until nothing lies in the spool any more.
fn until_all_is_sent(collector: &Collector) {
    wait_for(|| match segments(collector.folder.path()).len() {
        0 => Ok(()),
        n => Err(n),
    })
    .unwrap_or_else(|n| {
        panic!(
            "{n} segments wait; the collector logged:\n{}",
            collector.log()
        )
    });
}

#[test]
fn every_table_is_replicated_and_can_be_written_to() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let keeper = Keeper::start(folder.path());
    let server = Server::start(folder.path(), &keeper, "a");
    write_config(folder.path(), &server);
    let collector = Collector::start_in(folder);
    collector.beacon(&pageview("/", "a"));
    server.until("SELECT count() FROM events", "1");
    server.until("SELECT sum(beacons) FROM outcomes", "1");
    assert_eq!(
        server.sql(
            "SELECT count(), countIf(is_readonly OR NOT startsWith(zookeeper_path, '/clickhouse/tables/1/replicated/')) FROM system.replicas"
        ),
        "9\t0"
    );
    // What is sent again after hours still counts once.
    assert_eq!(
        server.sql(
            "SELECT arraySort(groupArray(name)) FROM system.tables WHERE database = 'replicated' AND engine_full LIKE '%replicated_deduplication_window_seconds = 2592000%'"
        ),
        "['events','mail_opens','outcomes']"
    );
    // What is not replicated keeps nothing, or is each server's own.
    assert_eq!(
        server.sql(
            "SELECT arraySort(groupArray(name)) FROM system.tables WHERE database = 'replicated' AND engine NOT LIKE 'Replicated%' AND engine NOT LIKE '%View'"
        ),
        "['arrivals','migrations']"
    );
}

#[test]
fn a_segment_sent_twice_with_a_killed_replica_in_between_counts_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let keeper = Keeper::start(folder.path());
    let server = Server::start(folder.path(), &keeper, "a");
    write_config(folder.path(), &server);
    let collector = Collector::start_in(folder);
    let copies = sealed_while_held_up(&collector, &server);
    server.until("SELECT count() FROM events", "100");
    let folder = collector.kill();
    let server = server.killed();
    for (path, bytes) in &copies {
        std::fs::write(path, bytes).expect("writable");
    }
    let collector = Collector::start_in(folder);
    until_all_is_sent(&collector);
    server.until("SELECT count(), uniqExact(key) FROM events", "100\t100");
    // And what is new is not taken for what was.
    assert_eq!(collector.beacon(&pageview("/", "new")).status, 202);
    server.until("SELECT count(), uniqExact(key) FROM events", "101\t101");
}

#[test]
fn killed_again_and_again_a_replica_has_all_that_was_accepted_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let keeper = Keeper::start(folder.path());
    let mut server = Server::start(folder.path(), &keeper, "a");
    write_config(folder.path(), &server);
    let mut collector = Collector::start_in(folder);
    let mut accepted = 0;
    for round in 0..ROUNDS {
        for n in 0..400 {
            let answer =
                collector.beacon(&pageview(&format!("/{}", n % 50), &format!("{round}-{n}")));
            assert_eq!(answer.status, 202);
            accepted += 1;
        }
        // At another point of sealing and sending each time.
        std::thread::sleep(Duration::from_millis(round * 190 % 1_000));
        server = server.killed();
        if round % 3 == 2 {
            collector = Collector::start_in(collector.kill());
        }
    }
    until_all_is_sent(&collector);
    server.until(
        "SELECT count(), uniqExact(key) FROM events",
        &format!("{accepted}\t{accepted}"),
    );
    let (_folder, is_clean) = collector.stop();
    assert!(is_clean);
    assert_eq!(
        server.sql("SELECT count(), uniqExact(key) FROM events"),
        format!("{accepted}\t{accepted}")
    );
}
