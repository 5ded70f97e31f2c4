//! The validated configuration: what the program uses.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::mail::Mail;
use super::network::IpNet;
use super::policy::{Hold, Policy};
use super::sites::Sites;
use sillage_query::suppression::audience::Floors;

/// The validated configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Spool, salts, control.db and engine files; created 0700.
    pub data_dir: PathBuf,
    /// Address for beacons and the tracker.
    pub collector_listen: SocketAddr,
    /// Address of the dashboard; beyond loopback it is served only once a person can log in. May be
    /// the same as the collector's.
    pub dashboard_listen: SocketAddr,
    /// Address of the metrics, without authentication; `None` serves them with the
    /// dashboard, to local programs only.
    pub metrics_listen: Option<SocketAddr>,
    /// Networks of the peers whose `X-Forwarded-For` counts; from other peers it is ignored.
    pub trusted_proxies: Vec<IpNet>,
    pub clickhouse: ClickHouse,
    pub engine: Engine,
    /// Country or city database (`.mmdb`); absent means every place is unknown.
    pub geo_database: Option<PathBuf>,
    pub spool: Spool,
    /// Folder of the salt files, 0700; a tmpfs is recommended.
    pub salts_dir: PathBuf,
    pub limits: Limits,
    /// Days after which `visitor`, `visit` and other columns that link events are cleared in a
    /// rolled-up day; 0, the default, keeps them as long as the row. Reports about visits do not
    /// change; reports that need single events of visits state what they can no longer count.
    pub visitor_days: u16,
    /// SMTP server for e-mails; `None` sends none.
    pub mail: Option<Mail>,
    /// Distinct visitors below which counts are folded (P10), by audience.
    pub floors: Floors,
    /// Published policies, by their effective date.
    pub policies: Vec<Policy>,
    /// Legal holds: rows that must not be destroyed for now.
    pub holds: Vec<Hold>,
    pub sites: Arc<Sites>,
}

/// Where events are stored.
#[derive(Debug, Clone)]
pub struct ClickHouse {
    /// HTTP address of a ClickHouse server; `None` runs the embedded engine.
    pub url: Option<String>,
    pub database: String,
    pub user: Option<String>,
    /// File that holds the password, so that the reviewed configuration holds no secret.
    pub password_file: Option<PathBuf>,
    /// Location of the store, as a label that the operator chooses, e.g. `JP`; empty = not stated.
    pub region: String,
    /// Engine of tables that do not exist yet.
    pub tables: Tables,
}

/// The embedded engine.
#[derive(Debug, Clone)]
pub struct Engine {
    /// ClickHouse's HTTP interface, for the collector and for readers with the token; loopback
    /// only.
    pub listen: SocketAddr,
    /// `libchdb.so`; `None` searches beside the binary and in the folders that `make` fetches it
    /// to.
    pub library: Option<PathBuf>,
    /// Id of the user and group that the engine runs as when the collector is root.
    pub user: u32,
    /// Answers readers even if the system can't fence the engine.
    pub readers_without_fence: bool,
}

/// The durable queue between the collector and ClickHouse.
#[derive(Debug, Clone)]
pub struct Spool {
    pub dir: PathBuf,
    /// Bytes on disk at which new beacons are answered 503.
    pub bytes_max: u64,
    /// A segment is sealed at this size …
    pub segment_bytes_max: u64,
    /// … or at this age (three times this age under load), whichever comes first. Bounds the delay
    /// until a beacon shows on the dashboard.
    pub segment_age_max: Duration,
}

/// Bounds of the server. Requests beyond them are answered 503 or their connection is closed; they
/// are never accepted and dropped.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Threads that process beacons, 1 to [`THREADS_MAX`](super::bounds::THREADS_MAX). Default:
    /// half of the processors. The rest is for the network, the disk and ClickHouse, which take
    /// about as much time per beacon.
    pub threads: usize,
    /// Open connections.
    pub connections_max: usize,
    /// Open connections of one network (/24, /48); 0 = no bound. Private networks and trusted
    /// proxies have no bound.
    pub connections_per_network_max: usize,
    /// Sustained beacons per second from one network (/24, /48), with a burst of ten times that; 0
    /// = no bound. Generous, since a whole company or mobile network may share one network. Private
    /// networks, and therefore a proxy that is missing in `trusted_proxies`, have no bound.
    pub beacons_per_second_max: u32,
    /// Questions per hour with one API key, in a burst or spread.
    pub key_queries_per_hour_max: u32,
    /// Bytes of one beacon's body.
    pub beacon_bytes_max: usize,
    /// Bytes of one query's body.
    pub query_bytes_max: usize,
    /// Time to receive a whole request head.
    pub header_timeout: Duration,
    /// Time to receive a whole body.
    pub body_timeout: Duration,
    /// Events remembered so that a retry counts once; each takes up to 40 bytes.
    pub seen_keys_max: usize,
    /// Memory of the open visits; the longest silent is closed first.
    pub open_visits_bytes_max: usize,
    /// Time for which the shutdown waits for open requests and one last INSERT.
    pub shutdown_timeout: Duration,
}

/// The table engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tables {
    /// MergeTree, on one server.
    #[default]
    Local,
    /// ReplicatedMergeTree, under `/clickhouse/tables/{shard}/{database}/{table}` and the server's
    /// macros `{shard}` and `{replica}`.
    Replicated,
}
