//! Counts that are written to ClickHouse without the spool: a flush equal to an earlier one is
//! stored, and a repeated flush counts once.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use jiff::Timestamp;
use sillage::config::Config;
use sillage::store;
use sillage::telemetry::Counters;
use sillage::telemetry::Outcome;

use crate::support::engine::{Engine, SECRET};

/// Runs a statement as the collector. It must succeed.
fn sql(server: &Engine, query: &str) -> String {
    let answer = server.collector("database=counts", query);
    assert_eq!(answer.status, 200, "{query}: {}", answer.body);
    answer.body.trim_end().to_owned()
}

/// A proxy in front of the server. While `to_lose` is not 0, it discards the answer to an INSERT
/// and closes the connection: for the sender the INSERT has failed.
fn losing_proxy(server: SocketAddr, to_lose: Arc<AtomicUsize>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let to_lose = to_lose.clone();
            std::thread::spawn(move || pass_on(client, server, &to_lose));
        }
    });
    address
}

fn pass_on(mut client: TcpStream, server: SocketAddr, to_lose: &AtomicUsize) {
    let mut server = TcpStream::connect(server).expect("the server listens");
    let (mut from_client, mut to_server) = (
        client.try_clone().expect("a handle"),
        server.try_clone().expect("a handle"),
    );
    let is_insert = Arc::new(AtomicUsize::new(0));
    let seen = is_insert.clone();
    std::thread::spawn(move || {
        let mut bytes = [0; 64 << 10];
        while let Ok(read @ 1..) = from_client.read(&mut bytes) {
            let text = String::from_utf8_lossy(&bytes[..read]);
            if text.contains("INSERT") {
                seen.store(1, SeqCst);
            }
            if to_server.write_all(&bytes[..read]).is_err() {
                break;
            }
        }
    });
    let mut bytes = [0; 64 << 10];
    while let Ok(read @ 1..) = server.read(&mut bytes) {
        let lose = |left: usize| left.checked_sub(1);
        if is_insert.load(SeqCst) == 1 && to_lose.fetch_update(SeqCst, SeqCst, lose).is_ok() {
            let _ = client.shutdown(std::net::Shutdown::Both);
            return;
        }
        is_insert.store(0, SeqCst);
        if client.write_all(&bytes[..read]).is_err() {
            return;
        }
    }
}

fn config(folder: &std::path::Path) -> Config {
    let path = folder.join("sillage.toml");
    let text =
        "[[site]]\nid = \"example.com\"\nprofile = \"exempt\"\nmail_campaigns = [\"spring\"]\n";
    std::fs::write(&path, text).expect("written");
    Config::load(&path).expect("a valid configuration")
}

#[tokio::test]
async fn equal_flushes_count_each_time_and_a_repeated_one_counts_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Engine::start_in(&folder.path().join("server"));
    let config = config(folder.path());
    let to_lose = Arc::new(AtomicUsize::new(0));
    let proxy = losing_proxy(server.address, to_lose.clone());
    let client = store::client(
        &format!("http://{proxy}"),
        Some("sillage"),
        Some(SECRET),
        "counts",
    );
    store::migrate::migrate(&client, "counts", config.clickhouse.tables)
        .await
        .expect("the tables are made");

    let (counters, flusher) = (
        Counters::new(config.sites.clone()),
        store::outcomes::flusher(),
    );
    let now = Timestamp::now();
    let site = config.sites.numbered().map(|(site, _)| site).next();
    for _ in 0..10 {
        counters.count(site, Outcome::Accepted);
        store::outcomes::flush(&flusher, &client, &config.sites, &counters, now)
            .await
            .expect("stored");
    }
    assert_eq!(sql(&server, "SELECT sum(beacons) FROM outcomes"), "10");

    // The server stores the flush, but its answer is lost. Later counts go into a flush of their
    // own.
    to_lose.store(1, SeqCst);
    counters.count(site, Outcome::Accepted);
    let lost = store::outcomes::flush(&flusher, &client, &config.sites, &counters, now).await;
    assert!(lost.is_err(), "the proxy lost the answer");
    assert_eq!(sql(&server, "SELECT sum(beacons) FROM outcomes"), "11");
    counters.count(site, Outcome::Accepted);
    store::outcomes::flush(&flusher, &client, &config.sites, &counters, now)
        .await
        .expect("stored");
    assert_eq!(sql(&server, "SELECT sum(beacons) FROM outcomes"), "12");

    // Positive control: without a token ClickHouse treats the second INSERT as a retry of the
    // first.
    let row = "INSERT INTO outcomes VALUES ('control', today(), 'accepted', 1)";
    sql(&server, row);
    sql(&server, row);
    assert_eq!(
        sql(
            &server,
            "SELECT sum(beacons) FROM outcomes WHERE site = 'control'"
        ),
        "1"
    );
}

#[test]
fn equal_flushes_of_email_opens_and_outcomes_all_count() {
    let collector = crate::support::Collector::start_with(
        "[[site]]\nid = \"letters.example\"\nprofile = \"exempt\"\nmail_campaigns = [\"spring\"]\n",
    );
    for n in 1..=3 {
        let beacon = crate::support::pageview("/", &format!("b{n}"));
        assert_eq!(collector.beacon(&beacon).status, 202);
        let opened =
            crate::support::get(collector.address, "/p.gif?d=letters.example&m=spring", &[]);
        assert_eq!(opened.status, 200);
        // Each one is flushed separately.
        collector.until(
            "SELECT sum(beacons) FROM outcomes WHERE outcome = 'accepted'",
            &n.to_string(),
        );
        collector.until("SELECT sum(opens) FROM mail_opens", &n.to_string());
    }
    collector.stop();
}
