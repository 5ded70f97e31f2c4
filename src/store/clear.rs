//! The stricter choice (`[retention] visitor_days`, P9): days that are old enough lose what ties
//! their events together.
//!
//! Part of [`retention`](crate::store::retention), for days that are rolled up and whose visits stand in
//! the table `visits`. A cleared row keeps site, hour, page, name, properties, amounts, clicks,
//! reading and loading times. Ids, order, previous and entry page, origin, place, device and
//! history go: with any of them left, nearly all visits of a small site can be put together again
//! (`examples/relink.rs` measures it).
//!
//! Country, browser and entry page are in the table's sort key, which an UPDATE can't change. So a
//! partition is copied, cleared on the way, and put in the place of the old one, which ClickHouse
//! does at once or not at all. What changes the partition meanwhile must not be lost: INSERTs wait
//! while it is exchanged ([`inserting`]), and a partition whose parts changed since it was copied,
//! or that a deletion is about to rewrite, is copied again. A crash leaves a copy behind that the
//! next round of retention removes.

use clickhouse::Client;
use clickhouse::query::Query;
use jiff::civil::Date;
use tokio::sync::{RwLock, RwLockReadGuard};

use crate::config::Site;
use crate::random;
use crate::store::retention::{Held, RetentionError, Rules, log};

/// INSERTs share it, the exchange of a partition has it alone.
static EXCHANGE: RwLock<()> = RwLock::const_new(());

/// Held by an INSERT into `events`, from before it is sent until it is acknowledged.
pub async fn inserting() -> RwLockReadGuard<'static, ()> {
    EXCHANGE.read().await
}

/// Clears the days of a site that are old enough; says how many rows.
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
    // First, so that no day is rolled up again from events without ids, whatever happens in
    // between.
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
            // Rows of another site arrive in it all the time: they wait.
            let _alone = EXCHANGE.write().await;
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
                "events are being deleted; clearing their ids is tried again in ten minutes"
            );
        }
    }
    Ok(cleared)
}

/// Removes a copy, also one that a crash left behind.
pub(super) async fn drop_copy(client: &Client) -> Result<(), RetentionError> {
    let statement = client.query(include_str!("sql/clear_drop.sql"));
    Ok(statement.execute().await?)
}

struct Work<'a> {
    client: &'a Client,
    database: &'a str,
    /// Binds what says which rows are cleared.
    bind: &'a (dyn Fn(Query) -> Query + Sync),
}

impl Work<'_> {
    /// Rewrites a partition while INSERTs go on; false when it changed meanwhile.
    async fn rewrite(&self, partition: &str) -> Result<bool, RetentionError> {
        let before = self.state(partition).await?;
        if !self.copy(partition).await? {
            return Ok(false);
        }
        let _alone = EXCHANGE.write().await;
        Ok(self.state(partition).await? == before && self.exchange(partition).await?)
    }

    /// Copies a partition; false when the copy is not whole.
    async fn copy(&self, partition: &str) -> Result<bool, RetentionError> {
        drop_copy(self.client).await?;
        let client = self.client;
        client
            .query(include_str!("sql/clear_make.sql"))
            .execute()
            .await?;
        (self.bind)(client.query(include_str!("sql/clear_copy.sql")))
            .param("partition", partition)
            // Rows that are alike are rows of their own.
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

    /// Puts the copy in the partition's place; false when a deletion is under way. The caller has
    /// [`EXCHANGE`] alone.
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
