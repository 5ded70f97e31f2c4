//! Flushes counts to a table in batches, each under its own deduplication token.
//!
//! ClickHouse treats a block that equals an earlier one as a retry and drops it. A quiet site's
//! counts are the same row in nearly every flush, so each batch carries a random
//! `insert_deduplication_token`. A batch keeps its token and its rows until ClickHouse has
//! acknowledged it: equal batches all count, and a batch that is sent again because its answer was
//! lost counts once. (`insert_deduplicate = 0` would not work: since
//! ClickHouse 26 another setting, which older servers refuse, overrides it.)
//!
//! What is lost: counts are in memory until they are stored. `kill -9` or a power cut loses those
//! since the last acknowledged batch, which is a few seconds while ClickHouse answers and the
//! length of the outage while it does not. A stop by SIGTERM stores them first, if ClickHouse
//! answers within [`PATIENCE`].

use std::time::Duration;

use clickhouse::{Client, RowOwned, RowWrite};
use tokio::sync::Mutex;

use super::StoreError;
use crate::random;

/// Longest time that one batch may take.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Refusals of the rows themselves after which a batch is dropped, because all later batches wait
/// for it.
const REFUSALS_MAX: u32 = 5;

/// Counts of one table that wait for ClickHouse.
pub struct Flusher<R> {
    table: &'static str,
    pending: Mutex<Option<Batch<R>>>,
}

struct Batch<R> {
    token: String,
    rows: Vec<R>,
    refusals: u32,
}

impl<R> Flusher<R>
where
    R: RowOwned + RowWrite + Send + Sync,
{
    /// For a table of the client's database.
    pub fn new(table: &'static str) -> Self {
        Self {
            table,
            pending: Mutex::new(None),
        }
    }

    /// Stores the pending batch, if there is one, and then the rows of `take`. `take` is called
    /// only when no batch is pending; until then the counts accumulate at their source.
    ///
    /// # Errors
    /// ClickHouse does not answer or refuses; the batch is sent again by the next call.
    pub async fn flush(
        &self,
        client: &Client,
        take: impl FnOnce() -> Vec<R>,
    ) -> Result<(), StoreError> {
        let mut pending = self.pending.lock().await;
        if pending.is_some() {
            self.send(client, &mut pending).await?;
        }
        let token = random::token()?;
        let rows = take();
        if rows.is_empty() {
            return Ok(());
        }
        *pending = Some(Batch {
            token,
            rows,
            refusals: 0,
        });
        self.send(client, &mut pending).await
    }

    /// Sends the pending batch. If cancelled at any point, the batch stays pending.
    async fn send(
        &self,
        client: &Client,
        pending: &mut Option<Batch<R>>,
    ) -> Result<(), StoreError> {
        let Some(batch) = pending else {
            return Ok(());
        };
        let sent = insert(client, self.table, &batch.token, &batch.rows).await;
        if let Err(error) = sent {
            if !error.is_transient() {
                batch.refusals += 1;
            }
            if batch.refusals >= REFUSALS_MAX {
                tracing::error!(table = self.table, rows = batch.rows.len(), %error,
                    "ClickHouse refused these counts repeatedly; they are dropped");
                *pending = None;
            }
            return Err(error);
        }
        *pending = None;
        Ok(())
    }
}

/// Stores rows as one INSERT under this token.
///
/// # Errors
/// ClickHouse refuses or does not answer in time; they may be stored anyway. The same rows
/// under the same token count once.
pub async fn insert<R>(
    client: &Client,
    table: &'static str,
    token: &str,
    rows: &[R],
) -> Result<(), StoreError>
where
    R: RowOwned + RowWrite + Send + Sync,
{
    let mut insert = client
        .insert::<R>(table)
        .await?
        .with_timeouts(Some(PATIENCE), Some(PATIENCE))
        .with_setting("insert_deduplication_token", token)
        // Acknowledged only when stored, even if the server's profile says otherwise.
        .with_setting("async_insert", "0");
    for row in rows {
        insert.write(row).await?;
    }
    Ok(insert.end().await?)
}
