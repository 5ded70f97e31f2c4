//! What is destroyed and when: the rules and holds of the configuration, and the log of
//! destructions.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use clickhouse::query::Query;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::config::{Config, Hold, Sites};
use sillage_spool::{SetAside, SpoolError, set_aside_in};

/// Name of the log in the data folder.
pub const LOG: &str = "destruction.log";
/// Data could not be destroyed, or its destruction could not be logged. It will be retried.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    #[error("ClickHouse: {0}")]
    ClickHouse(#[from] clickhouse::error::Error),
    #[error("cannot write {path}: {source}")]
    Log {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    #[error("cannot read the quarantined files in {path}: {source}")]
    SetAside {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the spool: {0}")]
    Spool(#[from] SpoolError),
}

/// The settings about destruction of a configuration.
#[derive(Debug, Clone)]
pub struct Rules {
    pub database: String,
    pub data_dir: PathBuf,
    pub sites: Arc<Sites>,
    pub holds: Vec<Hold>,
    /// Days after which ids are cleared; 0 = never before the rows expire.
    pub visitor_days: u16,
}

impl Rules {
    /// The rules of this configuration.
    pub fn of(config: &Config) -> Self {
        Self {
            database: config.clickhouse.database.clone(),
            data_dir: config.data_dir.clone(),
            sites: config.sites.clone(),
            holds: config.holds.clone(),
            visitor_days: config.visitor_days,
        }
    }

    /// Files that the spool has quarantined and whose rows have expired by `today`, except those
    /// that a hold keeps.
    pub(super) fn expired_set_aside(
        &self,
        spool_dir: &Path,
        today: Date,
    ) -> Result<Vec<SetAside>, RetentionError> {
        let files = set_aside_in(spool_dir).map_err(|source| RetentionError::SetAside {
            path: spool_dir.to_owned(),
            source,
        })?;
        let days = self.sites.iter().map(|site| site.retention_days).min();
        let days = i64::from(days.unwrap_or(0)).days();
        let is_expired = |file: &SetAside| day_of(file.since).saturating_add(days) <= today;
        let is_held = |file: &SetAside| {
            let day = day_of(file.since);
            let mut active = self.holds.iter().filter(|hold| hold.is_active(today));
            active.any(|hold| day >= hold.from && day <= hold.to)
        };
        let expired = files.into_iter().filter(is_expired);
        Ok(expired.filter(|file| !is_held(file)).collect())
    }

    pub(super) fn held(&self, today: Date) -> Held {
        let active = || self.holds.iter().filter(|hold| hold.is_active(today));
        Held {
            sites: active().map(|hold| hold.site.clone()).collect(),
            first: active().map(|hold| hold.from.to_string()).collect(),
            last: active().map(|hold| hold.to.to_string()).collect(),
        }
    }
}

/// The holds of a day as three parallel lists, which the statements take as parameters.
pub(super) struct Held {
    sites: Vec<String>,
    first: Vec<String>,
    last: Vec<String>,
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.sites.is_empty()
    }

    pub(super) fn bind(&self, query: Query) -> Query {
        query
            .param("sites", &self.sites)
            .param("first", &self.first)
            .param("last", &self.last)
    }
}

/// The UTC day of an instant; the first day of the calendar for an instant outside of it.
fn day_of(instant: SystemTime) -> Date {
    Timestamp::try_from(instant).map_or(Date::MIN, |instant| {
        instant.to_zoned_datetime(TimeZone::UTC).date()
    })
}

/// Appends a line with its time and waits until it is on disk.
pub(super) fn log(data_dir: &Path, line: &str) -> Result<(), RetentionError> {
    let path = data_dir.join(LOG);
    let time = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let write = || {
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(format!("{time} {line}\n").as_bytes())?;
        file.sync_data()
    };
    write().map_err(|source| RetentionError::Log {
        path: path.clone(),
        source,
    })
}
