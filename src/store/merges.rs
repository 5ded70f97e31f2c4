//! How often the embedded engine rewrites events to merge their parts.
//!
//! By default it merges six parts, then six of the results, and each time every event is read and
//! written again (about 2 µs). Twelve at a time need three such steps for a thousand segments
//! instead of four; in the first minute at 50,000 beacons a second that is 0.8 µs an event instead
//! of 1.2. The parts of a day become one part when no event has arrived for an hour, so that a
//! report over a year opens few parts.
//!
//! A single block of a day is never merged, and its file times would show the second of that block,
//! which may be one visit, as long as the rows exist (P8). Such a block is rewritten after an hour
//! ([`keep`]).
//!
//! On a ClickHouse server this is left to its administrator.

use std::time::Duration;

use clickhouse::Client;

use super::StoreError;

/// How long a single block may stay as it was written. The engine merges several blocks after the
/// same time.
const LONE_MAX: Duration = Duration::from_secs(3_600);
/// Interval of [`keep`]: the file times of a rewritten block reveal its time to this precision at
/// best.
const INTERVAL: Duration = Duration::from_secs(600);

const MERGE_RARELY: &str = include_str!("sql/merge_rarely.sql");

/// Makes the engine merge `events` in larger steps. Changes nothing if the setting is in place.
///
/// # Errors
/// The engine refuses; it then merges by default, which only costs time.
pub async fn rarely(client: &Client) -> Result<(), StoreError> {
    Ok(client.query(MERGE_RARELY).execute().await?)
}

/// Rewrites single blocks, now and every ten minutes, until it is dropped. Errors are logged; the
/// next round retries.
pub async fn keep(client: &Client, database: &str) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = rewrite_lone(client, database, LONE_MAX).await {
            tracing::warn!(%error, "a single block of events of a day could not be rewritten; this will be retried in ten minutes");
        }
    }
}

/// Rewrites partitions of `events` that consist of one unmerged block of at least this age.
/// Returns their number.
///
/// # Errors
/// ClickHouse refuses or is unreachable; the rows are unchanged.
pub async fn rewrite_lone(
    client: &Client,
    database: &str,
    age: Duration,
) -> Result<usize, StoreError> {
    let partitions: Vec<String> = client
        .query(include_str!("sql/merge_lone.sql"))
        .param("database", database)
        .param("seconds", age.as_secs())
        .fetch_all()
        .await?;
    for partition in &partitions {
        client
            .query(include_str!("sql/merge_rewrite.sql"))
            .param("partition", partition)
            .execute()
            .await?;
    }
    Ok(partitions.len())
}
