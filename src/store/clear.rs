//! Clears ids before rows expire (`[retention] visitor_days`, P9): the events of old days lose the
//! columns that link them.
//!
//! Part of [`retention`](crate::store::retention), for days that are rolled up and whose visits are
//! in the table `visits`. A cleared row keeps site, hour, page, name, properties, amounts, clicks,
//! engagement and load times. Ids, order, previous and entry page, origin, place, device and
//! history are removed: with any of them left, nearly all visits of a small site can be reassembled
//! (`examples/relink.rs` measures it).
//!
//! Country, browser and entry page are in the table's sort key, which an UPDATE cannot change. So a
//! partition is copied, cleared in the copy, and exchanged for the old one, which ClickHouse does
//! atomically. Changes of the partition in between must not be lost: INSERTs wait during the
//! exchange ([`inserting`]), and a partition is copied again if its parts changed since the copy or
//! if a deletion is about to rewrite it. A copy that a crash leaves behind is removed by the next
//! round of retention.

use clickhouse::Client;
use clickhouse::query::Query;
use jiff::civil::Date;
use tokio::sync::{RwLock, RwLockReadGuard};

use crate::config::Site;
use crate::random;
use crate::store::destruction::{Held, RetentionError, Rules, log};

/// INSERTs hold it shared, the exchange of a partition holds it exclusively.
static EXCHANGE: RwLock<()> = RwLock::const_new(());

/// Held by an INSERT into `events`, from before it is sent until it is acknowledged.
pub async fn inserting() -> RwLockReadGuard<'static, ()> {
    EXCHANGE.read().await
}

/// Clears the days of a site that are old enough. Returns the number of rows.
pub(super) async fn clear(
    client: &Client,
    rules: &Rules,
    site: &Site,
    held: &Held,
    today: Date,
) -> Result<u64, RetentionError> {
    let zone = site.timezone.iana_name().unwrap_or("UTC");
    let days: Vec<String> = client
        .query(include_str!("sql/retention_rolled.sql"))
        .param("site", &site.id)
        .param("today", today.to_string())
        .param("days", rules.visitor_days)
        .param("zone", zone)
        .fetch_all()
        .await?;
    let last = days.last().and_then(|day| day.parse::<Date>().ok());
    let Some(before) = last.and_then(|day| day.tomorrow().ok()) else {
        return Ok(0);
    };
    let work = Work {
        client,
        database: &rules.database,
        bind: &|query: Query| {
            let query = query
                .param("site", &site.id)
                .param("zone", zone)
                .param("before", before.to_string())
                .param("days", &days);
            held.bind(query)
        },
    };
    let partitions: Vec<(String, u64)> =
        (work.bind)(client.query(include_str!("sql/clear_partitions.sql")))
            .fetch_all()
            .await?;
    if partitions.is_empty() {
        return Ok(0);
    }
    // Recorded first, so that no day is rolled up again from events without ids after a crash.
    client
        .query(include_str!("sql/retention_record_cleared.sql"))
        .param("site", &site.id)
        .param("before", before.to_string())
        .with_setting("insert_deduplication_token", random::token()?)
        .execute()
        .await?;
    let mut cleared = 0;
    for (partition, rows) in partitions {
        let done = if work.rewrite(&partition).await? {
            true
        } else {
            // Rows of other sites keep arriving in the partition: their INSERTs wait.
            let _exclusive = EXCHANGE.write().await;
            work.copy(&partition).await? && work.exchange(&partition).await?
        };
        drop_copy(client).await?;
        if done {
            cleared += rows;
            let line = format!("cleared table=events site={} rows={rows}", site.id);
            log(&rules.data_dir, &line)?;
        } else {
            tracing::warn!(
                site = site.id,
                partition,
                "events are being deleted; clearing their ids will be retried in ten minutes"
            );
        }
    }
    Ok(cleared)
}

/// Removes the copy, including one that a crash left behind.
pub(super) async fn drop_copy(client: &Client) -> Result<(), RetentionError> {
    let statement = client.query(include_str!("sql/clear_drop.sql"));
    Ok(statement.execute().await?)
}

struct Work<'a> {
    client: &'a Client,
    database: &'a str,
    /// Binds the parameters that select the rows to clear.
    bind: &'a (dyn Fn(Query) -> Query + Sync),
}

impl Work<'_> {
    /// Rewrites a partition while INSERTs continue; false when it changed meanwhile.
    async fn rewrite(&self, partition: &str) -> Result<bool, RetentionError> {
        let before = self.state(partition).await?;
        if !self.copy(partition).await? {
            return Ok(false);
        }
        let _exclusive = EXCHANGE.write().await;
        Ok(self.state(partition).await? == before && self.exchange(partition).await?)
    }

    /// Copies a partition; false when the copy is not complete.
    async fn copy(&self, partition: &str) -> Result<bool, RetentionError> {
        drop_copy(self.client).await?;
        let client = self.client;
        client
            .query(include_str!("sql/clear_make.sql"))
            .execute()
            .await?;
        (self.bind)(client.query(include_str!("sql/clear_copy.sql")))
            .param("partition", partition)
            // Equal rows are separate events and all count.
            .with_setting("insert_deduplication_token", random::token()?)
            .execute()
            .await?;
        let (there, here): (u64, u64) = client
            .query(include_str!("sql/clear_counts.sql"))
            .param("partition", partition)
            .fetch_one()
            .await?;
        Ok(there == here)
    }

    /// Exchanges the partition for the copy; false when a deletion is running. The caller holds
    /// [`EXCHANGE`] exclusively.
    async fn exchange(&self, partition: &str) -> Result<bool, RetentionError> {
        let (_, rewritings) = self.state(partition).await?;
        if rewritings > 0 {
            return Ok(false);
        }
        self.client
            .query(include_str!("sql/clear_replace.sql"))
            .param("partition", partition)
            .execute()
            .await?;
        Ok(true)
    }

    async fn state(&self, partition: &str) -> Result<(Vec<String>, u64), RetentionError> {
        let state = self
            .client
            .query(include_str!("sql/clear_state.sql"))
            .param("database", self.database)
            .param("partition", partition)
            .fetch_one()
            .await?;
        Ok(state)
    }
}
