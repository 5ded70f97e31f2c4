//! Retention (P9): expired events are destroyed on time and as whole parts, holds suspend it, and a
//! check proves it.
//!
//! The table is partitioned by the day on which its rows expire. That day is fixed when a row is
//! collected, so a later policy cannot lengthen it.
//!
//! **What destroys rows.** ClickHouse does, by its TTL, even while no collector runs. The collector
//! drops expired partitions itself every few minutes, because a TTL waits for a merge that may come
//! at any time. A TTL cannot express a hold: `expires` is a promise and is not rewritten, and a
//! partition holds the rows of all sites, so a postponed TTL would keep the rows of other sites
//! too. So while a hold is active the TTL is removed from the table and only the collector
//! destroys: whole partitions where nothing is held, otherwise the rows that are not held.
//!
//! **Ids before rows.** With `retention.visitor_days`, rows lose their ids earlier: see
//! [`clear`](crate::store::clear). This happens only to days that are rolled up and whose visits
//! are in the table `visits`, which has no ids, so no count is lost. A column TTL would not do:
//! with `ttl_only_drop_parts` ClickHouse applies it only when a part happens to be merged, and it
//! does not depend on roll-ups. A cleared day is never rolled up again: events that arrive later
//! are in the rows only.
//!
//! **Quarantined files of the spool** hold rows too. They are destroyed when the shortest
//! retention of any site has passed since the first record they may hold, unless a hold covers that
//! day, since a file holds the rows of several sites.
//!
//! Every destruction and every check is a line in `destruction.log` in the data folder.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clickhouse::Client;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::store::clear::{clear, drop_copy};
use crate::store::destruction::log;
pub use crate::store::destruction::{LOG, RetentionError, Rules};
use sillage_spool::Spool;

/// Interval between two searches for expired data.
const EVERY: Duration = Duration::from_secs(600);

/// Result of one round.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Destroyed {
    /// Partitions dropped as a whole.
    pub partitions: u64,
    /// Rows destroyed, with or without their partition.
    pub rows: u64,
    /// Rows whose ids were cleared.
    pub cleared: u64,
}

/// Result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The last day whose rows should be gone.
    pub until: Date,
    /// Parts on disk with such rows, in any state.
    pub parts: u64,
    /// Such rows.
    pub rows: u64,
    /// Those of them that a hold keeps.
    pub held: u64,
    /// Quarantined files in the spool's folder with such rows; see [`set_aside_left`].
    pub set_aside: u64,
}

impl Found {
    /// Whether no expired data remains except what a hold keeps.
    pub fn is_clean(&self) -> bool {
        self.rows == self.held && (self.parts == 0 || self.held > 0) && self.set_aside == 0
    }
}

/// Destroys expired data, until it is dropped.
pub async fn keep(client: Client, rules: Arc<Rules>, spool: &Spool) {
    loop {
        match destroy_set_aside(spool, &rules, today()).await {
            Ok(0) => {}
            Ok(files) => tracing::info!(files, "expired files in quarantine were destroyed"),
            Err(error) => {
                tracing::error!(%error, "expired files in quarantine could not be destroyed; this will be retried")
            }
        }
        match enforce(&client, &rules, today()).await {
            Ok(done) if done == Destroyed::default() => {}
            Ok(done) => {
                tracing::info!(
                    partitions = done.partitions,
                    rows = done.rows,
                    cleared = done.cleared,
                    "expired data was destroyed"
                );
            }
            Err(error) => {
                tracing::error!(%error, "expired data could not be destroyed; this will be retried")
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Today in UTC, which is the time zone of `expires`.
pub fn today() -> Date {
    Timestamp::now().to_zoned_datetime(TimeZone::UTC).date()
}

/// Destroys what has expired by `today` and clears ids that are old enough.
///
/// # Errors
/// [`RetentionError`]; what is destroyed by then stays destroyed.
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

/// Destroys the quarantined files of the spool whose rows have expired by `today`. Returns their
/// number.
///
/// # Errors
/// [`RetentionError`]; what is destroyed by then stays destroyed.
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

/// Sets the TTL of the table `events`, or removes it.
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
    // The collector destroys parts that were written meanwhile; rewriting them all for their TTL
    // would cost more.
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

/// Destroys finished visits together with the events they come from. A hold keeps events with their
/// ids; derived rows need no hold.
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

/// Searches ClickHouse's system tables for data that should be gone before `today`. Reads only.
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

/// Number of quarantined files in the spool's folder that should have been destroyed by `until`.
/// Reads only.
///
/// # Errors
/// The folder can't be read.
pub fn set_aside_left(rules: &Rules, spool_dir: &Path, until: Date) -> Result<u64, RetentionError> {
    Ok(rules.expired_set_aside(spool_dir, until)?.len() as u64)
}

/// Logs a destruction certificate: the result of a clean check and its time. Returns the line.
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

/// The partition of rows that expire on this day.
fn partition_id(day: Date) -> String {
    day.strftime("%Y%m%d").to_string()
}

fn date_of(partition: &str) -> Option<Date> {
    Date::strptime("%Y%m%d", partition).ok()
}
