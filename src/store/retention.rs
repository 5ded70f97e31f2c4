//! Retention (P9): expired events go, on time and as whole parts; holds suspend it; a check proves
//! it.
//!
//! Beside the way of a beacon. The table is partitioned by the day on which its rows expire, and a
//! row's day is fixed when it is collected: a later policy can't lengthen it.
//!
//! **Who destroys.** ClickHouse does by its TTL, also while no collector runs; and the collector
//! drops expired partitions itself every few minutes, because a TTL waits for a merge and nobody
//! can say when that comes. A hold can't be said in a TTL: `expires` is what was promised and is
//! not rewritten, and a partition holds the rows of all sites, so a postponed TTL would keep those
//! of others as well. So while a hold stands the TTL is taken off the table and the collector alone
//! destroys: whole partitions where nothing is held, else the rows that are not held.
//!
//! **Visitors before rows.** Where `retention.visitor_days` is set, rows lose what ties them
//! together earlier: see [`clear`](crate::store::clear). Of days that are rolled up and whose visits stand
//! in the table `visits`, which has no ids; so that no count is lost. Not by a column TTL: with
//! `ttl_only_drop_parts` ClickHouse applies one only when a part happens to be merged, and it knows
//! nothing of roll-ups. A cleared day is never rolled up again: events that come later than that
//! are in the rows alone.
//!
//! **What the spool has set aside** holds rows too, so files of it go when the shortest retention
//! of any site has passed since the first record they may hold; unless a hold reaches that day,
//! since a file holds the rows of several sites.
//!
//! Every destruction and every check is a line in `destruction.log` in the data folder.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clickhouse::Client;
use clickhouse::query::Query;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::config::{Config, Hold, Sites};
use crate::store::clear::{clear, drop_copy};
use sillage_spool::{SetAside, Spool, SpoolError, set_aside_in};

/// Name of the log in the data folder.
pub const LOG: &str = "destruction.log";
/// How often is looked for what has expired.
const EVERY: Duration = Duration::from_secs(600);

/// What could not be destroyed, or not be written down. It is tried again.
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
    #[error("cannot read what is set aside in {path}: {source}")]
    SetAside {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the spool: {0}")]
    Spool(#[from] SpoolError),
}

/// What a configuration says about destruction.
#[derive(Debug, Clone)]
pub struct Rules {
    pub database: String,
    pub data_dir: PathBuf,
    pub sites: Arc<Sites>,
    pub holds: Vec<Hold>,
    /// 0 clears no visitors before their rows go.
    pub visitor_days: u16,
}

impl Rules {
    /// Those of this configuration.
    pub fn of(config: &Config) -> Self {
        Self {
            database: config.clickhouse.database.clone(),
            data_dir: config.data_dir.clone(),
            sites: config.sites.clone(),
            holds: config.holds.clone(),
            visitor_days: config.visitor_days,
        }
    }

    /// Files that are set aside in the spool's folder and hold rows which have expired by `today`,
    /// without those that a hold keeps.
    fn expired_set_aside(
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

    fn held(&self, today: Date) -> Held {
        let active = || self.holds.iter().filter(|hold| hold.is_active(today));
        Held {
            sites: active().map(|hold| hold.site.clone()).collect(),
            first: active().map(|hold| hold.from.to_string()).collect(),
            last: active().map(|hold| hold.to.to_string()).collect(),
        }
    }
}

/// The holds of a day as three parallel lists, as the statements take them.
pub(super) struct Held {
    sites: Vec<String>,
    first: Vec<String>,
    last: Vec<String>,
}

impl Held {
    fn is_empty(&self) -> bool {
        self.sites.is_empty()
    }

    pub(super) fn bind(&self, query: Query) -> Query {
        query
            .param("sites", &self.sites)
            .param("first", &self.first)
            .param("last", &self.last)
    }
}

/// What was done.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Destroyed {
    /// Partitions that went whole.
    pub partitions: u64,
    /// Rows that went, with their partition or without.
    pub rows: u64,
    /// Rows that lost what tied them to others.
    pub cleared: u64,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The last day whose rows should be gone.
    pub until: Date,
    /// Parts on disk with such rows, in whatever state.
    pub parts: u64,
    /// Such rows.
    pub rows: u64,
    /// Of these, those that a hold keeps.
    pub held: u64,
    /// Files in the spool's folder with such rows, set aside because they could not be stored;
    /// [`set_aside_left`].
    pub set_aside: u64,
}

impl Found {
    /// Whether nothing expired remains but what a hold keeps.
    pub fn is_clean(&self) -> bool {
        self.rows == self.held && (self.parts == 0 || self.held > 0) && self.set_aside == 0
    }
}

/// Destroys what expires, for ever.
pub async fn keep(client: Client, rules: Arc<Rules>, spool: &Spool) {
    loop {
        match destroy_set_aside(spool, &rules, today()).await {
            Ok(0) => {}
            Ok(files) => tracing::info!(files, "expired files in quarantine are destroyed"),
            Err(error) => {
                tracing::error!(%error, "expired files in quarantine could not be destroyed; it is tried again")
            }
        }
        match enforce(&client, &rules, today()).await {
            Ok(done) if done == Destroyed::default() => {}
            Ok(done) => {
                tracing::info!(
                    partitions = done.partitions,
                    rows = done.rows,
                    cleared = done.cleared,
                    "expired data destroyed"
                );
            }
            Err(error) => {
                tracing::error!(%error, "expired data could not be destroyed; it is tried again")
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Today by UTC, by which `expires` is read.
pub fn today() -> Date {
    Timestamp::now().to_zoned_datetime(TimeZone::UTC).date()
}

/// Destroys what has expired by `today`, and clears visitors that are old enough.
///
/// # Errors
/// [`RetentionError`]; what is destroyed by then stays so.
pub async fn enforce(
    client: &Client,
    rules: &Rules,
    today: Date,
) -> Result<Destroyed, RetentionError> {
    let held = rules.held(today);
    set_ttl(client, rules, held.is_empty()).await?;
    let mut done = Destroyed::default();
    let expired: Vec<(String, u64, u64)> = client
        .query(include_str!("sql/retention_expired.sql"))
        .param("database", &rules.database)
        .param("table", "events")
        .param("last", partition_id(today))
        .fetch_all()
        .await?;
    for (partition, rows, parts) in expired {
        let Some(expires) = date_of(&partition) else {
            continue;
        };
        let (kept, gone): (u64, u64) = if held.is_empty() {
            (0, rows)
        } else {
            let query = client.query(include_str!("sql/retention_held.sql"));
            held.bind(query)
                .param("expires", expires.to_string())
                .fetch_one()
                .await?
        };
        if kept == 0 {
            client
                .query(include_str!("sql/retention_drop.sql"))
                .param("partition", &partition)
                .execute()
                .await?;
            done.partitions += 1;
        } else if gone > 0 {
            let query = client.query(include_str!("sql/retention_delete.sql"));
            held.bind(query)
                .param("expires", expires.to_string())
                .with_setting("mutations_sync", "2")
                .execute()
                .await?;
        }
        if gone > 0 || kept == 0 {
            let line = format!(
                "destroyed table=events expires={expires} rows={gone} parts={parts} held={kept}"
            );
            log(&rules.data_dir, &line)?;
        }
        done.rows += gone;
    }
    drop_visits(client, rules, today).await?;
    drop_copy(client).await?;
    if rules.visitor_days > 0 {
        for site in rules.sites.iter() {
            done.cleared += clear(client, rules, site, &held, today).await?;
        }
    }
    Ok(done)
}

/// Destroys the files that the spool has set aside and whose rows have expired by `today`. Gives
/// their number.
///
/// # Errors
/// [`RetentionError`]; what is destroyed by then stays so.
pub async fn destroy_set_aside(
    spool: &Spool,
    rules: &Rules,
    today: Date,
) -> Result<u64, RetentionError> {
    let expired = rules.expired_set_aside(spool.dir(), today)?;
    for file in &expired {
        spool.remove_set_aside(file).await?;
        let line = format!("destroyed file={} bytes={}", file.name, file.bytes);
        log(&rules.data_dir, &line)?;
    }
    Ok(expired.len() as u64)
}

/// Gives destruction to ClickHouse as well, or takes it away.
async fn set_ttl(client: &Client, rules: &Rules, wanted: bool) -> Result<(), RetentionError> {
    let has: u64 = client
        .query(include_str!("sql/retention_has_ttl.sql"))
        .param("database", &rules.database)
        .fetch_one()
        .await?;
    if (has > 0) == wanted {
        return Ok(());
    }
    let statement = if wanted {
        include_str!("sql/retention_resume.sql")
    } else {
        include_str!("sql/retention_suspend.sql")
    };
    // What was written meanwhile is the collector's; rewriting all parts for their TTL is not worth
    // it.
    client
        .query(statement)
        .with_setting("materialize_ttl_after_modify", "0")
        .execute()
        .await?;
    let line = if wanted {
        "resumed table=events"
    } else {
        "suspended table=events reason=hold"
    };
    log(&rules.data_dir, line)
}

/// Destroys finished visits with the events they come from. A hold keeps events, with their ids;
/// what is derived from them needs no hold.
async fn drop_visits(client: &Client, rules: &Rules, today: Date) -> Result<(), RetentionError> {
    let expired: Vec<(String, u64, u64)> = client
        .query(include_str!("sql/retention_expired.sql"))
        .param("database", &rules.database)
        .param("table", "visits")
        .param("last", partition_id(today))
        .fetch_all()
        .await?;
    for (partition, rows, parts) in expired {
        client
            .query(include_str!("sql/retention_drop_visits.sql"))
            .param("partition", &partition)
            .execute()
            .await?;
        let expires = date_of(&partition).map_or(partition, |day| day.to_string());
        let line = format!("destroyed table=visits expires={expires} rows={rows} parts={parts}");
        log(&rules.data_dir, &line)?;
    }
    Ok(())
}

/// Looks in ClickHouse's own tables for what should be gone before `today`. Reads only.
///
/// # Errors
/// ClickHouse does not answer.
pub async fn verify(client: &Client, rules: &Rules, today: Date) -> Result<Found, RetentionError> {
    // Today's partition may still be there for minutes; yesterday's may not.
    let until = today.saturating_sub(1.day());
    let parts = client
        .query(include_str!("sql/retention_left.sql"))
        .param("database", &rules.database)
        .param("last", partition_id(until))
        .fetch_one()
        .await?;
    let query = client.query(include_str!("sql/retention_left_rows.sql"));
    let (rows, held) = rules
        .held(today)
        .bind(query)
        .param("expires", until.to_string())
        .fetch_one()
        .await?;
    Ok(Found {
        until,
        parts,
        rows,
        held,
        set_aside: 0,
    })
}

/// Number of files in the spool's folder that should be gone since `until`. Reads only.
///
/// # Errors
/// The folder can't be read.
pub fn set_aside_left(rules: &Rules, spool_dir: &Path, until: Date) -> Result<u64, RetentionError> {
    Ok(rules.expired_set_aside(spool_dir, until)?.len() as u64)
}

/// Writes a destruction certificate: what a check that found nothing has found, and when. Returns
/// the line.
///
/// # Errors
/// The log can't be written.
pub fn certify(rules: &Rules, found: &Found) -> Result<String, RetentionError> {
    let Found {
        until,
        parts,
        rows,
        held,
        set_aside,
    } = found;
    let line = format!(
        "certificate database={} tables=events,visits expired_until={until} parts={parts} rows={rows} held={held} set_aside={set_aside}",
        rules.database
    );
    log(&rules.data_dir, &line)?;
    Ok(line)
}

/// The day, by UTC, of an instant; for one that the calendar does not know, the first of all days.
fn day_of(instant: SystemTime) -> Date {
    Timestamp::try_from(instant).map_or(Date::MIN, |instant| {
        instant.to_zoned_datetime(TimeZone::UTC).date()
    })
}

/// The partition of rows that expire on this day.
fn partition_id(day: Date) -> String {
    day.strftime("%Y%m%d").to_string()
}

fn date_of(partition: &str) -> Option<Date> {
    Date::strptime("%Y%m%d", partition).ok()
}

/// Appends a line with its time, and waits until it is on disk.
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
