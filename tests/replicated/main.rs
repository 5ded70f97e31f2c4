//! Exactly once on replicated tables: the collector with a given ClickHouse server.
//!
//! `SILLAGE_TEST_CLICKHOUSE=http://host:8123` names a server with Keeper and the macros `{shard}`
//! and `{replica}`; `SILLAGE_TEST_CLICKHOUSE_USER` (`default`) and
//! `SILLAGE_TEST_CLICKHOUSE_PASSWORD` (empty) may create and drop databases there. Each test makes
//! a database of its own and drops it. The server is not ours to stop, so the collector reaches it
//! through a relay that holds bytes back and cuts connections.
//!
//! Not tested here: two replicas that feed each other, and a replica that is killed.
//!
//! `make test-replicated` runs these tests; `cargo test` alone does not, for want of a server.

mod relay;
#[path = "../support/mod.rs"]
#[allow(dead_code)]
mod support;

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use relay::Relay;
use support::{Collector, pageview, post, wait_for};

/// Number of times that connections are cut under load.
const ROUNDS: u64 = 12;

/// A new database on the given server, and the relay to it.
struct Server {
    address: SocketAddr,
    relay: Relay,
    user: String,
    password: String,
    database: String,
}

impl Server {
    fn with_database(name: &str) -> Self {
        let url = std::env::var("SILLAGE_TEST_CLICKHOUSE").expect(
            "SILLAGE_TEST_CLICKHOUSE names a ClickHouse server with Keeper, e.g. http://127.0.0.1:8123",
        );
        let variable = |name: &str, default: &str| {
            std::env::var(format!("SILLAGE_TEST_CLICKHOUSE_{name}"))
                .unwrap_or_else(|_| default.to_owned())
        };
        let authority = url.strip_prefix("http://").expect("an http:// URL");
        let address = authority
            .trim_end_matches('/')
            .to_socket_addrs()
            .expect("host:port of the server")
            .next()
            .expect("an address of the server");
        Self {
            address,
            relay: Relay::start(address),
            user: variable("USER", "default"),
            password: variable("PASSWORD", ""),
            // The path in Keeper may outlive the table for some minutes, so the name is unique.
            database: format!("sillage_test_{}_{name}", std::process::id()),
        }
    }

    /// Writes the configuration of a collector that uses this server.
    fn write_config(&self, folder: &Path) {
        std::fs::write(folder.join("password"), format!("{}\n", self.password)).expect("written");
        let password = match self.password.is_empty() {
            true => "",
            false => "password_file = \"password\"\n",
        };
        let text = format!(
            "listen = \"127.0.0.1:0\"\n[clickhouse]\nurl = \"http://{}\"\ndatabase = \"{}\"\nuser = \"{}\"\n{password}\
             replicated = true\n[[site]]\nid = \"example.com\"\nprofile = \"consent\"\n",
            self.relay.address, self.database, self.user
        );
        std::fs::write(folder.join("sillage.toml"), text).expect("written");
    }

    fn sql(&self, query: &str) -> String {
        self.sql_in(&self.database, query)
    }

    fn sql_in(&self, database: &str, query: &str) -> String {
        let credentials = [
            ("X-ClickHouse-User", &*self.user),
            ("X-ClickHouse-Key", &*self.password),
        ];
        let path = format!("/?database={database}");
        let answer = post(self.address, &path, query, &credentials);
        answer.body.trim_end().to_owned()
    }

    /// Waits until a query returns the expected answer.
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
        let drop = format!("DROP DATABASE IF EXISTS {} SYNC", self.database);
        self.sql_in("system", &drop);
    }
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

/// Holds the connections to the server until a segment is sealed. Returns a copy of the sealed
/// segments.
fn sealed_while_held(collector: &Collector, server: &Server) -> Vec<(PathBuf, Vec<u8>)> {
    server.relay.hold();
    for n in 0..100 {
        let answer = collector.beacon(&pageview("/", &format!("t{n}")));
        assert_eq!(answer.status, 202);
    }
    let copies = wait_for(|| match segments(collector.folder.path()) {
        copies if copies.is_empty() => Err(()),
        copies => Ok(copies),
    })
    .expect("sealed by age");
    server.relay.release();
    copies
}

/// Waits until the spool is empty.
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
    let server = Server::with_database("tables");
    server.write_config(folder.path());
    let collector = Collector::start_in(folder);
    collector.beacon(&pageview("/", "a"));
    server.until("SELECT count() FROM events", "1");
    server.until("SELECT sum(beacons) FROM outcomes", "1");
    assert_eq!(
        server.sql(
            "SELECT count(), countIf(is_readonly OR NOT startsWith(zookeeper_path, \
             '/clickhouse/tables/' || getMacro('shard') || '/' || database || '/')) \
             FROM system.replicas WHERE database = currentDatabase()"
        ),
        "9\t0"
    );
    // The deduplication window spans hours.
    assert_eq!(
        server.sql(
            "SELECT arraySort(groupArray(name)) FROM system.tables WHERE database = currentDatabase() \
             AND engine_full LIKE '%replicated_deduplication_window_seconds = 2592000%'"
        ),
        "['events','mail_opens','outcomes']"
    );
    // All other tables store no rows, or are local to each server.
    assert_eq!(
        server.sql(
            "SELECT arraySort(groupArray(name)) FROM system.tables WHERE database = currentDatabase() \
             AND engine NOT LIKE 'Replicated%' AND engine NOT LIKE '%View'"
        ),
        "['arrivals','migrations']"
    );
}

#[test]
fn a_segment_sent_twice_counts_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::with_database("twice");
    server.write_config(folder.path());
    let collector = Collector::start_in(folder);
    let copies = sealed_while_held(&collector, &server);
    server.until("SELECT count() FROM events", "100");
    let folder = collector.kill();
    server.relay.cut();
    for (path, bytes) in &copies {
        std::fs::write(path, bytes).expect("writable");
    }
    let collector = Collector::start_in(folder);
    until_all_is_sent(&collector);
    server.until("SELECT count(), uniqExact(key) FROM events", "100\t100");
    // A new event is not mistaken for a repeated one.
    assert_eq!(collector.beacon(&pageview("/", "new")).status, 202);
    server.until("SELECT count(), uniqExact(key) FROM events", "101\t101");
}

#[test]
fn every_event_is_stored_once_while_connections_are_cut() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::with_database("cut");
    server.write_config(folder.path());
    let mut collector = Collector::start_in(folder);
    let mut accepted = 0;
    for round in 0..ROUNDS {
        for n in 0..400 {
            let answer =
                collector.beacon(&pageview(&format!("/{}", n % 50), &format!("{round}-{n}")));
            assert_eq!(answer.status, 202);
            accepted += 1;
        }
        // Cut at a different moment of sealing and sending in each round.
        std::thread::sleep(Duration::from_millis(round * 190 % 1_000));
        server.relay.cut();
        if round % 3 == 2 {
            collector = Collector::start_in(collector.kill());
        }
    }
    until_all_is_sent(&collector);
    let all = format!("{accepted}\t{accepted}");
    server.until("SELECT count(), uniqExact(key) FROM events", &all);
    let (_folder, is_clean) = collector.stop();
    assert!(is_clean);
    assert_eq!(
        server.sql("SELECT count(), uniqExact(key) FROM events"),
        all
    );
}
