//! From the spool into ClickHouse: one sealed segment is one INSERT, under the segment's id as
//! deduplication token.
//!
//! The INSERT names `arrivals` and sends [columns](crate::event_row::native); a view passes the
//! rows on to `events`, which costs the engine a quarter of an INSERT into `events`. `arrivals`
//! keeps nothing, so the view is checked first: without it the rows would be lost. An INSERT whose
//! answer is lost is retried and stored once, in the table and its views. The segment is deleted
//! when ClickHouse has acknowledged it, which in the embedded engine means synced to disk. While
//! ClickHouse is unreachable the segments wait in the spool, and a waiting INSERT holds no event in
//! memory.
//!
//! An outage may last for any time. But a segment that ClickHouse refuses because of its data, or
//! that cannot be read from disk, would fail for ever and block all later segments: after five such
//! attempts in a row it is quarantined in the spool's folder, logged as an error and counted. It is
//! not deleted.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use bytes::Bytes;
use clickhouse::Client;

use super::StoreError;
use crate::event_row::native::{Columns, NotARow};
use crate::telemetry::Counters;
use sillage_episode::{Episode, Line};
use sillage_spool::{Chunk, Sealed, SegmentId, Spool};

/// First wait after a failure; doubles up to [`WAIT_MAX`].
const WAIT_MIN: Duration = Duration::from_millis(100);
const WAIT_MAX: Duration = Duration::from_secs(5);
/// An INSERT that takes longer is cancelled and retried.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
const END_TIMEOUT: Duration = Duration::from_secs(120);

/// Attempts in a row that end with a refusal of the data itself, or with an unreadable segment,
/// before the segment is quarantined.
const TRIES_MAX: u32 = 5;

/// Bytes of a segment in memory at once, about three times: as rows, as columns, as a block. With
/// 256 KiB, a row costs the engine a fifth more than with 1 MiB, and the collector needs 7 MB less.
const CHUNK_BYTES: usize = 512 << 10;

const ARE_TAKEN: &str = include_str!("sql/arrivals_are_taken.sql");

/// Stores segments, oldest first, until it is dropped. It may be cancelled at any point: nothing is
/// lost.
pub async fn run(spool: Spool, client: Client, counters: Arc<Counters>) {
    let mut wait = WAIT_MIN;
    let mut refused: Option<(SegmentId, u32)> = None;
    let (inserting, deleting, setting_aside) = (Episode::new(), Episode::new(), Episode::new());
    loop {
        let sealed = spool.next_sealed().await;
        let begun = Instant::now();
        match store(&client, &sealed).await {
            Ok(()) => {
                counters
                    .insert_us
                    .store(begun.elapsed().as_micros() as u64, Relaxed);
                counters.segments_inserted.fetch_add(1, Relaxed);
                if let Some(Line::Over { failures, lasted }) = inserting.succeeded() {
                    tracing::info!(
                        failures,
                        lasted_s = lasted.as_secs(),
                        "ClickHouse stores events again"
                    );
                }
                let id = sealed.id();
                match spool.delete(sealed).await {
                    Ok(()) => {
                        if let Some(Line::Over { failures, .. }) = deleting.succeeded() {
                            tracing::info!(failures, "stored segments can be deleted again");
                        }
                    }
                    // Stored again after a restart under the same token, so it still counts once.
                    Err(error) => match deleting.failed() {
                        Some(Line::Began) => {
                            tracing::error!(segment = %id, %error, "a stored segment could not be deleted; this will be retried with the next one");
                        }
                        Some(Line::GoesOn { failures }) => {
                            tracing::error!(segment = %id, %error, failures, "stored segments still can't be deleted");
                        }
                        Some(Line::Over { .. }) | None => {}
                    },
                }
                wait = WAIT_MIN;
                refused = None;
            }
            Err(error) => {
                counters.inserts_failed.fetch_add(1, Relaxed);
                let id = sealed.id();
                let tries = match refused {
                    _ if error.is_transient() => 0,
                    Some((of, tries)) if of == id => tries + 1,
                    _ => 1,
                };
                refused = Some((id, tries));
                if tries >= TRIES_MAX {
                    set_aside(&spool, sealed, &error, &counters, &setting_aside).await;
                    wait = WAIT_MIN;
                    continue;
                }
                match inserting.failed() {
                    Some(Line::Began) => {
                        tracing::warn!(segment = %id, %error, "an INSERT failed and will be retried; events wait in the spool");
                    }
                    Some(Line::GoesOn { failures }) => {
                        let waiting = spool.stats().segments;
                        tracing::warn!(segment = %id, %error, failures, waiting, "INSERTs still fail; events wait in the spool");
                    }
                    Some(Line::Over { .. }) | None => {}
                }
                spool.give_back(sealed);
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(WAIT_MAX);
            }
        }
    }
}

/// Quarantines a segment that can't be stored. If that fails too, the segment returns to the queue.
async fn set_aside(
    spool: &Spool,
    sealed: Sealed,
    error: &StoreError,
    counters: &Counters,
    episode: &Episode,
) {
    let (id, events) = (sealed.id(), sealed.records());
    match spool.set_aside(sealed).await {
        Ok(()) => {
            episode.succeeded();
            tracing::error!(segment = %id, events, tries = TRIES_MAX, %error,
                "a segment can't be stored and is quarantined, as .quarantine in the spool's folder");
            counters.segments_set_aside.fetch_add(1, Relaxed);
            counters.events_set_aside.fetch_add(events, Relaxed);
        }
        Err(error) => {
            if let Some(Line::Began | Line::GoesOn { .. }) = episode.failed() {
                tracing::error!(segment = %id, %error, "a segment can't be stored and could not be quarantined; both will be retried");
            }
            tokio::time::sleep(WAIT_MAX).await;
        }
    }
}

/// Sends one segment as one INSERT and returns when ClickHouse has acknowledged it.
async fn store(client: &Client, sealed: &Sealed) -> Result<(), StoreError> {
    if !client.query(ARE_TAKEN).fetch_one::<bool>().await? {
        return Err(StoreError::NotTaken);
    }
    let _inserting = crate::store::clear::inserting().await;
    let mut columns = Columns::of(sealed.schema());
    let statement = statement(sealed.schema(), columns.is_some());
    let mut insert = client
        .insert_formatted_with(statement)
        .with_timeouts(Some(SEND_TIMEOUT), Some(END_TIMEOUT))
        .with_setting("insert_deduplicate", "1")
        .with_setting("insert_deduplication_token", sealed.id().to_string())
        .with_setting("deduplicate_blocks_in_dependent_materialized_views", "1")
        // Rows that the view can't store must not be acknowledged, whatever the server's profile
        // says.
        .with_setting("materialized_views_ignore_errors", "0")
        // One segment is one block on the server, in whatever pieces it is sent, so that a retry
        // equals the first attempt.
        .with_setting("min_insert_block_size_rows", "1048449")
        .with_setting("min_insert_block_size_bytes", "268402944")
        // Rows of a site with different retentions are in different partitions.
        .with_setting("max_partitions_per_insert_block", "1000")
        // One INSERT, acknowledged when it is done; the tables sync their parts
        // (fsync_after_insert).
        .with_setting("async_insert", "0");
    let mut chunks = sealed.chunks(CHUNK_BYTES);
    while let Some(chunk) = chunks.next().await? {
        insert.send(block(chunk, columns.as_mut())?).await?;
    }
    insert.end().await?;
    Ok(())
}

/// The block to send for a chunk. The chunk is freed before the block is sent.
fn block(chunk: Chunk, columns: Option<&mut Columns>) -> Result<Bytes, NotARow> {
    Ok(match columns {
        Some(columns) => columns.block(&chunk.payloads, chunk.records)?.into(),
        None => chunk.payloads.into(),
    })
}

/// The column list comes from a segment's header, which is checksummed and was written by this
/// program.
fn statement(schema: &str, are_columns: bool) -> String {
    let format = if are_columns { "Native" } else { "RowBinary" };
    ["INSERT INTO arrivals (", schema, ") FORMAT ", format].concat()
}
