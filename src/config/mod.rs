//! Configuration: [`RawConfig`] (as typed) becomes [`Config`] (validated). Every default lives here
//! and only here.
//!
//! `sillage.toml` is the reviewed, single source of *what is collected*. Unknown keys are errors
//! that name the nearest known key; all faults found after parsing are listed at once. Nothing else
//! in the crate reads files of settings or the environment.

mod mail;
pub mod policy_ledger;

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::civil::Date;
use serde::Deserialize;

use crate::store::migrate::Tables;
use sillage_engine::supervise;
use sillage_privacy::bounds::{CATEGORY_BYTES_MAX, POLICY_BYTES_MAX};
use sillage_privacy::scrub::label;
use sillage_privacy::{ConsentManager, ONETRUST_CATEGORY, ObjectionRule, Profile, ScrubRules};
use sillage_query::suppression::audience::Floors;

pub use mail::{Mail, MailTls};

/// What is typed in `sillage.toml`. Field docs are on [`Config`], which is what the program uses.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawConfig {
    data_dir: Option<PathBuf>,
    listen: Option<SocketAddr>,
    trusted_proxies: Option<Vec<String>>,
    #[serde(default)]
    collector: RawListen,
    #[serde(default)]
    dashboard: RawListen,
    #[serde(default)]
    metrics: RawListen,
    #[serde(default)]
    clickhouse: RawClickHouse,
    #[serde(default)]
    engine: RawEngine,
    #[serde(default)]
    geo: RawGeo,
    #[serde(default)]
    spool: RawSpool,
    #[serde(default)]
    salts: RawSalts,
    #[serde(default)]
    limits: RawLimits,
    #[serde(default)]
    retention: RawRetention,
    mail: Option<mail::RawMail>,
    #[serde(default)]
    floor: RawFloor,
    #[serde(default)]
    policy: Vec<RawPolicy>,
    #[serde(default)]
    hold: Vec<RawHold>,
    #[serde(default)]
    site: Vec<RawSite>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRetention {
    visitor_days: Option<u16>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFloor {
    members: Option<u32>,
    keys: Option<u32>,
    links: Option<u32>,
    analysts: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPolicy {
    version: String,
    effective: String,
    notified: Option<String>,
    replaces: Option<String>,
    purposes: Vec<Purpose>,
    #[serde(default)]
    recipients: Vec<String>,
    retention_days: u16,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHold {
    site: String,
    reason: String,
    from: String,
    to: String,
    until: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawListen {
    listen: Option<SocketAddr>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawClickHouse {
    url: Option<String>,
    database: Option<String>,
    user: Option<String>,
    password_file: Option<PathBuf>,
    region: Option<String>,
    replicated: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEngine {
    listen: Option<SocketAddr>,
    library: Option<PathBuf>,
    user: Option<u32>,
    readers_without_fence: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGeo {
    database: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSpool {
    dir: Option<PathBuf>,
    bytes_max: Option<u64>,
    segment_bytes_max: Option<u64>,
    segment_age_ms_max: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSalts {
    dir: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLimits {
    threads: Option<usize>,
    connections_max: Option<usize>,
    connections_per_network_max: Option<usize>,
    beacons_per_second_max: Option<u32>,
    key_queries_per_hour_max: Option<u32>,
    seen_keys_max: Option<usize>,
    open_visits_bytes_max: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSite {
    id: String,
    hostnames: Option<Vec<String>>,
    timezone: Option<String>,
    profile: Option<Profile>,
    gpc: Option<ObjectionRule>,
    dnt: Option<ObjectionRule>,
    consent_cookie: Option<RawConsentCookie>,
    #[serde(default)]
    query_allow: Vec<String>,
    #[serde(default)]
    routes: Vec<String>,
    #[serde(default)]
    mail_campaigns: Vec<String>,
    policy_version: Option<String>,
    retention_days: Option<u16>,
    controller: Option<String>,
    contact: Option<String>,
    privacy_url: Option<String>,
    residency: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConsentCookie {
    manager: ManagerName,
    category: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ManagerName {
    Cookiebot,
    OneTrust,
}

/// The validated configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Spool, salts, control.db and engine files; created 0700.
    pub data_dir: PathBuf,
    /// Where beacons are taken and the tracker is served.
    pub collector_listen: SocketAddr,
    /// Where the dashboard is served; beyond loopback only once somebody can log in. May be the
    /// collector's.
    pub dashboard_listen: SocketAddr,
    /// Where the metrics are served, to whoever reaches it; `None` serves them with the dashboard,
    /// to local programs only.
    pub metrics_listen: Option<SocketAddr>,
    /// Peers that may set `X-Forwarded-For`, as networks; nobody else is believed.
    pub trusted_proxies: Vec<IpNet>,
    pub clickhouse: ClickHouse,
    pub engine: Engine,
    /// Country or city database (`.mmdb`); absent means every place is unknown.
    pub geo_database: Option<PathBuf>,
    pub spool: Spool,
    /// Folder of the salt files, 0700; a tmpfs is recommended.
    pub salts_dir: PathBuf,
    pub limits: Limits,
    /// Days after which `visitor`, `visit` and what ties events together of a rolled-up day are
    /// cleared; 0, the default, keeps them as long as the row. Reports about visits stay as they
    /// are; those about single events of visits then say what they can no longer tell.
    pub visitor_days: u16,
    /// Where letters are handed in; `None` sends none.
    pub mail: Option<Mail>,
    /// Distinct visitors below which counts are folded (P10), by who is told them.
    pub floors: Floors,
    /// Published policies, by their effective date.
    pub policies: Vec<Policy>,
    /// What must not be destroyed for now.
    pub holds: Vec<Hold>,
    pub sites: Vec<Site>,
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
    /// Where the store stands, as a label of the operator's, e.g. `JP`; empty = not said.
    pub region: String,
    /// How tables are made that are not there yet.
    pub tables: Tables,
}

/// The embedded engine.
#[derive(Debug, Clone)]
pub struct Engine {
    /// ClickHouse's HTTP interface, for the collector and for readers with the token; loopback
    /// only.
    pub listen: SocketAddr,
    /// `libchdb.so`; `None` looks beside the binary and in the places `make` fetches it to.
    pub library: Option<PathBuf>,
    /// Number of the user and group that the engine runs as when the collector is root.
    pub user: u32,
    /// Answers readers where the system can't fence the engine.
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
    /// … or at this age, or thrice as old under load, whichever comes first. Bounds how late a
    /// beacon shows on the dashboard.
    pub segment_age_max: Duration,
}

/// Bounds of the serving side. What does not fit is answered 503 or closed, never accepted and
/// dropped.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Threads that take beacons, 1 to [`THREADS_MAX`]. Half of the processors unless it is set:
    /// the others are for the network, the disk and ClickHouse, which a beacon needs about as much.
    pub threads: usize,
    /// Open connections.
    pub connections_max: usize,
    /// Open connections of one network (/24, /48); 0 = no bound. Private networks and trusted
    /// proxies have none.
    pub connections_per_network_max: usize,
    /// Beacons a second from one network (/24, /48) over a longer while; ten times as many may come
    /// at once. Generous, since a whole company or mobile network may share one; 0 = no bound.
    /// Private networks, and hence a proxy that is not named in `trusted_proxies`, have none.
    pub beacons_per_second_max: u32,
    /// Questions an hour with one API key, all of them at once if need be.
    pub key_queries_per_hour_max: u32,
    /// Bytes of one beacon's body.
    pub beacon_bytes_max: usize,
    /// Bytes of one query's body.
    pub query_bytes_max: usize,
    /// Time to receive a whole request head.
    pub header_timeout: Duration,
    /// Time to receive a whole body.
    pub body_timeout: Duration,
    /// Events remembered so that one sent again counts once, 16 bytes each, taken at the start.
    pub seen_keys_max: usize,
    /// Memory of the open visits; the longest silent is closed first.
    pub open_visits_bytes_max: usize,
    /// Time the shutdown waits for open requests and one last INSERT.
    pub shutdown_timeout: Duration,
}

/// One measured web site.
#[derive(Debug, Clone)]
pub struct Site {
    /// What beacons send as `d`.
    pub id: String,
    /// Hosts whose pages belong to this site; a page elsewhere is not counted.
    pub hostnames: Vec<String>,
    /// The site's days and hours.
    pub timezone: jiff::tz::TimeZone,
    /// What is measured when the visitor has (not) chosen.
    pub profile: Profile,
    /// What a Global Privacy Control signal means.
    pub gpc: ObjectionRule,
    /// What a Do Not Track signal means.
    pub dnt: ObjectionRule,
    /// The consent manager whose own cookie is read on the server; `None` reads none.
    pub consent_cookie: Option<ConsentManager>,
    /// Query parameters of pages that are kept; all others are dropped.
    pub query_allow: Vec<String>,
    /// Routes that are kept by their template, e.g. `/portal/sims/:id`.
    pub routes: Vec<String>,
    /// Campaigns whose opened e-mails are counted; none by default.
    pub mail_campaigns: Vec<String>,
    /// The policy that is in force; stored with every row.
    pub policy_version: String,
    /// Days a row lives.
    pub retention_days: u16,
    /// Who decides about the measurement, as visitors are told; empty = not said.
    pub controller: String,
    /// Where visitors can write to, e.g. an e-mail address; empty = not said.
    pub contact: String,
    /// Address of the site's own privacy policy; empty = not said.
    pub privacy_url: String,
    /// Where its rows may be stored; must be the store's `region`. Empty = anywhere.
    pub residency: String,
}

impl Site {
    /// Name of the site's time zone, as ClickHouse knows it too.
    pub fn zone_name(&self) -> &str {
        self.timezone.iana_name().unwrap_or("UTC")
    }
}

/// What measurement is for; a closed list, so that it can be told in the visitor's language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// How much is visited, when and from where.
    UsageTrend,
    /// Which pages help and which do not.
    ContentEval,
    /// What campaigns bring; measured for visitors who said yes only.
    CampaignEffect,
    /// How fast and how reliable the site is.
    ServiceHealth,
    /// Faulty and abusive requests.
    Security,
}

impl Purpose {
    /// The word in the configuration and in `/privacy/policy.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UsageTrend => "usage_trend",
            Self::ContentEval => "content_eval",
            Self::CampaignEffect => "campaign_effect",
            Self::ServiceHealth => "service_health",
            Self::Security => "security",
        }
    }
}

/// One version of the privacy policy. Once published it never changes; see [`crate::config::policy_ledger`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Stored with every row.
    pub version: String,
    /// First day it is in force.
    pub effective: Date,
    /// Day on which visitors were told about it; before `effective` where the change is material.
    pub notified: Option<Date>,
    /// The version it takes the place of; the one before it by date when not said.
    pub replaces: Option<String>,
    /// Sorted.
    pub purposes: Vec<Purpose>,
    /// Who gets what was measured, beside the controller. Sorted.
    pub recipients: Vec<String>,
    /// Days a row collected under it lives.
    pub retention_days: u16,
}

impl Policy {
    /// Whether a visitor of `before` would want to know: a new purpose, a new recipient, a longer
    /// life.
    pub fn is_material_after(&self, before: &Policy) -> bool {
        self.retention_days > before.retention_days
            || self
                .purposes
                .iter()
                .any(|purpose| !before.purposes.contains(purpose))
            || self
                .recipients
                .iter()
                .any(|recipient| !before.recipients.contains(recipient))
    }
}

/// A legal hold: rows of a site that are not destroyed although they have expired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    pub site: String,
    /// Why, for whoever asks; shown in `/privacy/policy.json`.
    pub reason: String,
    /// First day of the rows, UTC.
    pub from: Date,
    /// Last day of the rows, UTC.
    pub to: Date,
    /// Last day of the hold, UTC; afterwards the rows are destroyed as if it had never been.
    pub until: Date,
}

impl Hold {
    /// Whether it suspends anything on `today`.
    pub fn is_active(&self, today: Date) -> bool {
        today <= self.until
    }
}

/// A network in CIDR notation, e.g. `10.0.0.0/8`; a bare address is a network of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpNet {
    address: IpAddr,
    prefix: u8,
}

impl IpNet {
    /// `None` when the text is not an address with an optional prefix length.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => {
                (address.parse::<IpAddr>().ok()?, Some(prefix.parse().ok()?))
            }
            None => (text.parse::<IpAddr>().ok()?, None),
        };
        let widest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(widest);
        (prefix <= widest).then_some(Self { address, prefix })
    }

    /// Whether `address` (IPv4-mapped addresses are taken as IPv4) lies in this network.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(ip)) => {
                let shift = 32 - u32::from(self.prefix);
                u32::from(net).checked_shr(shift).unwrap_or(0)
                    == u32::from(ip).checked_shr(shift).unwrap_or(0)
            }
            (IpAddr::V6(net), IpAddr::V6(ip)) => {
                let shift = 128 - u32::from(self.prefix);
                u128::from(net).checked_shr(shift).unwrap_or(0)
                    == u128::from(ip).checked_shr(shift).unwrap_or(0)
            }
            _ => false,
        }
    }
}

/// A configuration that can't be used. The text says what to do; it is shown as it is.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {path}: {source}; name a readable file with --config")]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path}: {message}")]
    Malformed { path: PathBuf, message: String },
    #[error("{path} can't be used:\n{}", .faults.iter().map(|fault| format!("  - {fault}")).collect::<Vec<_>>().join("\n"))]
    Invalid { path: PathBuf, faults: Vec<String> },
}

/// Bytes of an e-mail campaign's name.
pub const MAIL_CAMPAIGN_BYTES_MAX: usize = 64;
/// E-mail campaigns of one site; far fewer than recipients.
pub const MAIL_CAMPAIGNS_MAX: usize = 100;
/// Raw retention above this is refused at start (P9).
pub const RETENTION_DAYS_MAX: u16 = 760;
/// Most threads that can be asked for; more than any machine has use for.
pub const THREADS_MAX: usize = 1024;
/// Events that can be remembered: 1.6 GB, which are taken at the start.
pub const SEEN_KEYS_MAX: usize = 100_000_000;
/// Fewest visitors of a row that anybody but members is shown (P10) …
pub const FLOOR_MIN: u32 = 3;
/// … and the most that a floor may ask for, beyond which small sites would have no reports.
pub const FLOOR_MAX: u32 = 1_000;

impl Config {
    /// Reads and validates a configuration file. Relative paths are relative to the file's folder.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path)
    }

    /// Validates the text of a configuration; `path` is for messages and as the base of relative
    /// paths.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let raw: RawConfig = toml::from_str(text).map_err(|error| ConfigError::Malformed {
            path: path.to_owned(),
            message: explain(&error.to_string()),
        })?;
        let base = path.parent().unwrap_or(Path::new("."));
        let mut faults = Vec::new();
        let config = raw.validate(base, &mut faults);
        if faults.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError::Invalid {
                path: path.to_owned(),
                faults,
            })
        }
    }

    /// The site a beacon names, if it is configured.
    pub fn site(&self, id: &str) -> Option<&Site> {
        self.sites.iter().find(|site| site.id == id)
    }
}

impl RawConfig {
    fn validate(self, base: &Path, faults: &mut Vec<String>) -> Config {
        let at = |path: PathBuf| {
            if path.is_absolute() {
                path
            } else {
                base.join(path)
            }
        };
        let data_dir = at(self.data_dir.unwrap_or_else(|| "data".into()));
        let listen = self
            .listen
            .unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 8000)));
        let collector_listen = self.collector.listen.unwrap_or(listen);
        let dashboard_listen = self.dashboard.listen.unwrap_or(listen);
        let engine_listen = self
            .engine
            .listen
            .unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 8123)));
        if !engine_listen.ip().is_loopback() {
            faults.push(format!("engine.listen = {engine_listen}: the engine speaks HTTP without TLS, so it listens on loopback only; use 127.0.0.1"));
        }
        if let Some(metrics) = self.metrics.listen
            && metrics.port() != 0
            && [collector_listen, dashboard_listen, engine_listen].contains(&metrics)
        {
            faults.push(format!("metrics.listen = {metrics} is used by another listener; give the metrics a port of their own"));
        }
        let engine_user = self.engine.user.unwrap_or(supervise::USER_DEFAULT);
        if engine_user == 0 {
            faults.push(
                "engine.user = 0 is root; use the id of a user of its own for the engine".into(),
            );
        }
        let mut trusted_proxies = Vec::new();
        for text in self.trusted_proxies.unwrap_or_default() {
            match IpNet::parse(&text) {
                Some(net) => trusted_proxies.push(net),
                None => faults.push(format!(
                    "trusted_proxies: {text:?} is not a network such as \"10.0.0.0/8\""
                )),
            }
        }
        let geo_database = self
            .geo
            .database
            .filter(|path| !path.is_empty())
            .map(|path| at(path.into()));
        if let Some(path) = &geo_database
            && !path.is_file()
        {
            faults.push(format!("geo.database: {} is not a file; run `make geo`, or leave it empty to look up no places", path.display()));
        }
        let database = self.clickhouse.database.unwrap_or_else(|| "sillage".into());
        if database.is_empty()
            || !database
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_')
        {
            faults.push(format!(
                "clickhouse.database = {database:?}: use letters, digits and _ only"
            ));
        }
        let region = self.clickhouse.region.unwrap_or_default();
        let url = self.clickhouse.url.filter(|url| !url.is_empty());
        let tables = match self.clickhouse.replicated {
            Some(true) => Tables::Replicated,
            _ => Tables::Local,
        };
        if tables == Tables::Replicated && url.is_none() {
            faults.push(
                "clickhouse.replicated: the embedded engine does not replicate; name a server in clickhouse.url"
                    .into(),
            );
        }
        let policies = validate_policies(self.policy, faults);
        let mut seen = HashSet::new();
        let mut sites = Vec::new();
        for site in self.site {
            if !seen.insert(site.id.clone()) {
                faults.push(format!("site {:?} is defined twice", site.id));
            }
            let residency = site.residency.as_deref().unwrap_or("");
            if !residency.is_empty() && residency != region {
                faults.push(format!(
                    "site {:?}: its rows may be stored in {residency:?} only, and clickhouse.region is {region:?}; \
                     name a store there, and set clickhouse.region to where it stands",
                    site.id
                ));
            }
            sites.extend(site.validate(&policies, faults));
        }
        let holds = self
            .hold
            .into_iter()
            .filter_map(|hold| hold.validate(&seen, faults))
            .collect();
        let visitor_days = self.retention.visitor_days.unwrap_or(0);
        if visitor_days > RETENTION_DAYS_MAX {
            faults.push(format!(
                "retention.visitor_days = {visitor_days}: 0 to {RETENTION_DAYS_MAX} is allowed"
            ));
        }
        let threads = self.limits.threads.unwrap_or_else(|| {
            let processors = std::thread::available_parallelism();
            (processors.map_or(1, NonZero::get) / 2).clamp(1, THREADS_MAX)
        });
        if !(1..=THREADS_MAX).contains(&threads) {
            faults.push(format!(
                "limits.threads = {threads}: 1 to {THREADS_MAX} is allowed; by default it is half the number of processors"
            ));
        }
        let seen_keys_max = self.limits.seen_keys_max.unwrap_or(200_000);
        if seen_keys_max > SEEN_KEYS_MAX {
            faults.push(format!(
                "limits.seen_keys_max = {seen_keys_max}: at most {SEEN_KEYS_MAX} is allowed; each takes 16 bytes of memory"
            ));
        }
        let floors = self.floor.validate(faults);
        if sites.is_empty() && faults.is_empty() {
            faults.push("no [[site]]: add one with id = \"example.com\"".into());
        }
        let mail = self
            .mail
            .map(|mail| mail.validate(at, crate::email::smtp::is_address, faults));
        Config {
            spool: Spool {
                dir: self.spool.dir.map_or_else(|| data_dir.join("spool"), at),
                bytes_max: self.spool.bytes_max.unwrap_or(8 << 30),
                segment_bytes_max: self.spool.segment_bytes_max.unwrap_or(32 << 20),
                segment_age_max: Duration::from_millis(
                    self.spool.segment_age_ms_max.unwrap_or(1_000),
                ),
            },
            salts_dir: self.salts.dir.map_or_else(|| data_dir.join("salts"), at),
            data_dir,
            collector_listen,
            dashboard_listen,
            metrics_listen: self.metrics.listen,
            trusted_proxies,
            clickhouse: ClickHouse {
                url,
                database,
                user: self.clickhouse.user,
                password_file: self.clickhouse.password_file.map(at),
                tables,
                region,
            },
            engine: Engine {
                listen: engine_listen,
                library: self.engine.library.map(at),
                user: engine_user,
                readers_without_fence: self.engine.readers_without_fence.unwrap_or(false),
            },
            geo_database,
            limits: Limits {
                threads,
                connections_max: self.limits.connections_max.unwrap_or(16_384),
                connections_per_network_max: self
                    .limits
                    .connections_per_network_max
                    .unwrap_or(2_048),
                beacons_per_second_max: self.limits.beacons_per_second_max.unwrap_or(200),
                key_queries_per_hour_max: self.limits.key_queries_per_hour_max.unwrap_or(600),
                beacon_bytes_max: 8 << 10,
                query_bytes_max: 64 << 10,
                header_timeout: Duration::from_secs(5),
                body_timeout: Duration::from_secs(5),
                seen_keys_max,
                open_visits_bytes_max: self.limits.open_visits_bytes_max.unwrap_or(20 << 20),
                shutdown_timeout: Duration::from_secs(10),
            },
            visitor_days,
            mail,
            floors,
            policies,
            holds,
            sites,
        }
    }
}

impl RawSite {
    fn validate(self, policies: &[Policy], faults: &mut Vec<String>) -> Option<Site> {
        let id = self.id;
        let fault_count = faults.len();
        if id.is_empty() || id.len() > 253 || !id.bytes().all(|b| b.is_ascii_graphic() && b != b',')
        {
            faults.push(format!("site.id = {id:?}: use the site's domain, 1 to 253 visible ASCII characters without a comma"));
        }
        let zone = self.timezone.unwrap_or_else(|| "UTC".into());
        let timezone = jiff::tz::TimeZone::get(&zone);
        if timezone.is_err() {
            faults.push(format!("site {id:?}: timezone {zone:?} is not in the IANA database; use a name like \"Asia/Tokyo\""));
        }
        let policy_version = self.policy_version.unwrap_or_else(|| "1".into());
        let policy = policies
            .iter()
            .find(|policy| policy.version == policy_version);
        if policy.is_none() && !policies.is_empty() {
            faults.push(format!("site {id:?}: policy_version = {policy_version:?} is not the version of any [[policy]]"));
        }
        let promised = policy.map(|policy| policy.retention_days);
        let retention_days = self.retention_days.or(promised).unwrap_or(90);
        if promised.is_some_and(|promised| retention_days > promised) {
            faults.push(format!(
                "site {id:?}: retention_days = {retention_days} is more than policy {policy_version:?} promises; \
                 shorten it, or publish a new [[policy]]"
            ));
        }
        if retention_days == 0 || retention_days > RETENTION_DAYS_MAX {
            faults.push(format!("site {id:?}: retention_days = {retention_days}: 1 to {RETENTION_DAYS_MAX} is allowed"));
        }
        if let Err(fault) = ScrubRules::new(&self.query_allow, &self.routes) {
            faults.push(format!("site {id:?}: {fault}"));
        }
        let consent_cookie = self
            .consent_cookie
            .and_then(|cookie| cookie.validate(&id, faults));
        for name in &self.mail_campaigns {
            // What would be masked elsewhere may be made for one recipient.
            if name.is_empty() || label(name, MAIL_CAMPAIGN_BYTES_MAX) != *name {
                faults.push(format!(
                    "site {id:?}: mail_campaigns: {name:?} is not a campaign name: 1 to {MAIL_CAMPAIGN_BYTES_MAX} bytes, and nothing that could identify a person"
                ));
            }
        }
        if self.mail_campaigns.len() > MAIL_CAMPAIGNS_MAX {
            faults.push(format!(
                "site {id:?}: mail_campaigns has {} names; at most {MAIL_CAMPAIGNS_MAX} are counted; remove old ones",
                self.mail_campaigns.len()
            ));
        }
        let hostnames = self
            .hostnames
            .unwrap_or_else(|| vec![id.clone()])
            .iter()
            .map(|h| h.to_ascii_lowercase())
            .collect();
        if faults.len() > fault_count {
            return None;
        }
        Some(Site {
            id,
            hostnames,
            timezone: timezone.ok()?,
            profile: self.profile.unwrap_or(Profile::Consent),
            gpc: self.gpc.unwrap_or(ObjectionRule::Deny),
            dnt: self.dnt.unwrap_or(ObjectionRule::Deny),
            consent_cookie,
            query_allow: self.query_allow,
            routes: self.routes,
            mail_campaigns: self.mail_campaigns,
            policy_version,
            retention_days,
            controller: self.controller.unwrap_or_default(),
            contact: self.contact.unwrap_or_default(),
            privacy_url: self.privacy_url.unwrap_or_default(),
            residency: self.residency.unwrap_or_default(),
        })
    }
}

impl RawConsentCookie {
    fn validate(self, site: &str, faults: &mut Vec<String>) -> Option<ConsentManager> {
        match (self.manager, self.category) {
            (ManagerName::Cookiebot, None) => Some(ConsentManager::Cookiebot),
            (ManagerName::Cookiebot, Some(_)) => {
                faults.push(format!(
                    "site {site:?}: consent_cookie.category is for \"onetrust\"; Cookiebot's category is always statistics"
                ));
                None
            }
            (ManagerName::OneTrust, category) => {
                let category = category.unwrap_or_else(|| ONETRUST_CATEGORY.into());
                let is_sound = (1..=CATEGORY_BYTES_MAX).contains(&category.len())
                    && category
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
                if !is_sound {
                    faults.push(format!(
                        "site {site:?}: consent_cookie.category = {category:?}: use the id of the category, such as \"C0002\""
                    ));
                }
                is_sound.then_some(ConsentManager::OneTrust { category })
            }
        }
    }
}

fn validate_policies(raw: Vec<RawPolicy>, faults: &mut Vec<String>) -> Vec<Policy> {
    let mut policies: Vec<Policy> = Vec::with_capacity(raw.len());
    for policy in raw {
        let version = policy.version;
        if version.is_empty() || version.len() > POLICY_BYTES_MAX {
            faults.push(format!(
                "policy {version:?}: a version has 1 to {POLICY_BYTES_MAX} bytes"
            ));
        }
        if policies.iter().any(|other| other.version == version) {
            faults.push(format!("policy {version:?} is defined twice"));
        }
        if policy.retention_days == 0 || policy.retention_days > RETENTION_DAYS_MAX {
            faults.push(format!(
                "policy {version:?}: retention_days = {}: 1 to {RETENTION_DAYS_MAX} is allowed",
                policy.retention_days
            ));
        }
        let of = format!("policy {version:?}");
        let effective = day(&of, "effective", &policy.effective, faults);
        let notified = policy
            .notified
            .map(|text| day(&of, "notified", &text, faults));
        let (mut purposes, mut recipients) = (policy.purposes, policy.recipients);
        purposes.sort();
        recipients.sort();
        if let Some(effective) = effective {
            policies.push(Policy {
                version,
                effective,
                notified: notified.flatten(),
                replaces: policy.replaces,
                purposes,
                recipients,
                retention_days: policy.retention_days,
            });
        }
    }
    policies.sort_by_key(|policy| policy.effective);
    for (index, policy) in policies.iter().enumerate() {
        let before = match &policy.replaces {
            None => policies[..index].last(),
            Some(replaced) => {
                let before = policies[..index]
                    .iter()
                    .find(|other| other.version == *replaced);
                if before.is_none() {
                    faults.push(format!(
                        "policy {:?}: replaces = {replaced:?} names no earlier policy",
                        policy.version
                    ));
                }
                before
            }
        };
        let is_material = before.is_some_and(|before| policy.is_material_after(before));
        if is_material
            && policy
                .notified
                .is_none_or(|notified| notified >= policy.effective)
        {
            faults.push(format!(
                "policy {:?} adds a purpose or a recipient, or extends the retention, compared with the one before it: \
                 tell visitors first, and set `notified` to a day before `effective`",
                policy.version
            ));
        }
    }
    policies
}

impl RawFloor {
    fn validate(self, faults: &mut Vec<String>) -> Floors {
        let floors = Floors {
            members: self.members.unwrap_or(0),
            keys: self.keys.unwrap_or(5),
            links: self.links.unwrap_or(10),
            analysts: self.analysts.unwrap_or(5),
        };
        let others = [
            ("keys", floors.keys),
            ("links", floors.links),
            ("analysts", floors.analysts),
        ];
        for (name, visitors) in others {
            if !(FLOOR_MIN..=FLOOR_MAX).contains(&visitors) {
                faults.push(format!(
                    "floor.{name} = {visitors}: {FLOOR_MIN} to {FLOOR_MAX} is allowed; only members may see single visitors"
                ));
            }
        }
        if floors.members > FLOOR_MAX {
            faults.push(format!(
                "floor.members = {}: 0 to {FLOOR_MAX} is allowed",
                floors.members
            ));
        }
        floors
    }
}

impl RawHold {
    fn validate(self, sites: &HashSet<String>, faults: &mut Vec<String>) -> Option<Hold> {
        let of = format!("hold on {:?}", self.site);
        if !sites.contains(&self.site) {
            faults.push(format!("{of}: there is no such site"));
        }
        if self.reason.trim().is_empty() {
            faults.push(format!("{of}: say why in `reason`"));
        }
        let from = day(&of, "from", &self.from, faults)?;
        let to = day(&of, "to", &self.to, faults)?;
        let until = day(&of, "until", &self.until, faults)?;
        if from > to {
            faults.push(format!("{of}: from = {from} is after to = {to}"));
        }
        Some(Hold {
            site: self.site,
            reason: self.reason,
            from,
            to,
            until,
        })
    }
}

fn day(of: &str, key: &str, text: &str, faults: &mut Vec<String>) -> Option<Date> {
    let day = text.parse().ok();
    if day.is_none() {
        faults.push(format!(
            "{of}: {key} = {text:?} is not a day such as \"2026-11-23\""
        ));
    }
    day
}

/// Adds the nearest known key to serde's "unknown field" message.
fn explain(message: &str) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    let unknown = message
        .contains("unknown field")
        .then(|| names.next())
        .flatten();
    let nearest = unknown.and_then(|unknown| {
        names
            .map(|known| (strsim::damerau_levenshtein(unknown, known), known))
            .min()
            .filter(|(distance, _)| *distance <= 4)
    });
    match nearest {
        Some((_, known)) => format!("{}\ndid you mean `{known}`?", message.trim_end()),
        None => message.trim_end().to_owned(),
    }
}
