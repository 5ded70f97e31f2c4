//! The configuration file as it is written, and its validation. Every default is here.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::bounds::{FLOOR_MAX, FLOOR_MIN, RETENTION_DAYS_MAX, SEEN_KEYS_MAX, THREADS_MAX};
use super::mail::RawMail;
use super::network::IpNet;
use super::policy::{RawHold, RawPolicy, validate_policies};
use super::settings::{ClickHouse, Config, Engine, Limits, Spool, Tables};
use super::site::{RawSite, Site};
use super::sites::{SITES_MAX, Sites};
use sillage_engine::supervise;
use sillage_query::suppression::audience::Floors;

/// The content of `sillage.toml`. Field docs are on [`Config`], which is what the program uses.
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
    mail: Option<RawMail>,
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

    /// The site with this name, if it is configured.
    pub fn site(&self, id: &str) -> Option<&Site> {
        self.sites.named(id)
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
        if sites.len() > SITES_MAX {
            faults.push(format!(
                "there are {} sites; at most {SITES_MAX} are allowed",
                sites.len()
            ));
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
                "limits.seen_keys_max = {seen_keys_max}: at most {SEEN_KEYS_MAX} is allowed; each takes about 40 bytes of memory"
            ));
        }
        let floors = self.floor.validate(faults);
        if sites.is_empty() && faults.is_empty() {
            faults.push("no [[site]]: add one with id = \"example.com\"".into());
        }
        let mail = self.mail.map(|mail| mail.validate(at, faults));
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
            sites: Arc::new(Sites::new(sites)),
        }
    }
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
