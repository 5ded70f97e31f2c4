//! One embedded engine for the whole binary, a fresh database for each test.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use clickhouse::Client;
use sillage::config::Tables;
use sillage::config::{Config, Site};
use sillage::store::migrate::migrate;
use sillage::store::retention::{self, Rules};
use sillage_engine::Target;
use sillage_engine::supervise::Supervisor;
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

use crate::support::engine;

struct Engine {
    target: Target,
    // Held but not used: dropping the supervisor stops the child, dropping the folder removes the
    // data.
    _supervisor: Supervisor,
    _folder: tempfile::TempDir,
}

/// The runtime of all tests. The supervisor runs on it, so it must outlive each test.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime"))
}

/// A client of a new, migrated database.
pub async fn database() -> Client {
    static ENGINE: OnceCell<Engine> = OnceCell::const_new();
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let engine = ENGINE.get_or_init(start).await;
    let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let client = engine::client(&engine.target, &name);
    migrate(&client, &name, Tables::Local)
        .await
        .expect("migrations run");
    client
}

async fn start() -> Engine {
    // Shown only for tests that fail.
    tracing_subscriber::fmt().with_test_writer().init();
    let folder = tempfile::tempdir().expect("a folder");
    let supervisor = engine::supervised(folder.path().join("engine")).await;
    Engine {
        target: supervisor.target().clone(),
        _supervisor: supervisor,
        _folder: folder,
    }
}

/// A registry of these sites.
pub fn registry(sites: &[Site]) -> std::sync::Arc<sillage::config::Sites> {
    std::sync::Arc::new(sillage::config::Sites::new(sites.to_vec()))
}

/// A site as the configuration holds it.
pub fn site(id: &str, zone: &str) -> Site {
    let text = format!("[[site]]\nid = {id:?}\ntimezone = {zone:?}\nprofile = \"consent\"\n");
    Config::parse(&text, Path::new("sillage.toml"))
        .expect("a valid site")
        .sites
        .first()
        .expect("one site")
        .clone()
}

/// Inserts tab-separated rows with a header. Columns that the table does not have are skipped.
pub async fn insert_events(client: &Client, tsv: &str) {
    let statement = format!("INSERT INTO events FORMAT TabSeparatedWithNames\n{tsv}");
    client
        .query_raw(&statement)
        .with_setting("input_format_skip_unknown_fields", "1")
        .execute()
        .await
        .expect("the statement runs");
}

/// Inserts rows given as JSON objects.
pub async fn insert_rows(client: &Client, rows: &[serde_json::Value]) {
    let lines: Vec<String> = rows.iter().map(|row| row.to_string()).collect();
    let statement = format!(
        "INSERT INTO events FORMAT JSONEachRow\n{}",
        lines.join("\n")
    );
    client
        .query_raw(&statement)
        .execute()
        .await
        .expect("the statement runs");
}

/// Clears the ids and everything else that links rows, on all days that are rolled up, as retention
/// does after `visitor_days`. Returns the number of cleared rows.
pub async fn clear(client: &Client, sites: &[Site], now: jiff::Timestamp) -> u64 {
    let folder = tempfile::tempdir().expect("a folder");
    let database = client.query("SELECT currentDatabase()").fetch_one().await;
    let rules = Rules {
        database: database.expect("a name"),
        data_dir: folder.path().to_owned(),
        sites: registry(sites),
        holds: Vec::new(),
        visitor_days: 1,
    };
    let today = now.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    let done = retention::enforce(client, &rules, today)
        .await
        .expect("retention runs");
    assert_eq!(done.rows, 0, "nothing has expired");
    done.cleared
}
