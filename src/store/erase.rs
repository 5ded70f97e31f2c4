//! Erases what was measured today about the visitor who asks (privacy research 5).
//!
//! What still lies in the spool is sealed and inserted first, and the rows are deleted then: a segment is checksummed
//! and inserted under its id, so taking records out of it would cost its guarantees. The deletion is a mutation that
//! rewrites the parts, not ClickHouse's lightweight DELETE, which only hides rows until some later merge; the parts
//! before it leave the disk when ClickHouse drops inactive parts, after about eight minutes. Days that are rolled up
//! are over, so counts of today hold nothing of the visitor yet.
//!
//! Invariants: one deletion at a time, a bounded number waiting, none where there is nothing to delete; so that nobody
//! can keep ClickHouse busy by pressing a button. Once begun it goes on, also when whoever asked hangs up.
//!
//! Deliberately not here: whose ids they are (`ingest::own`). With several collectors, the open visits that another one
//! holds in memory are not forgotten; they end by silence and their rows of before are deleted all the same.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clickhouse::Client;
use tokio::sync::{Mutex, Semaphore};

use crate::privacy::VisitorId;
use crate::spool::Spool;

/// Requests that may wait; more are told to try again.
const WAITING_MAX: usize = 64;
/// How long the spool may take to hand its segments to ClickHouse.
const DRAIN_PATIENCE: Duration = Duration::from_secs(20);
/// How often the spool is looked at meanwhile.
const DRAIN_POLL: Duration = Duration::from_millis(20);

/// Nothing, or not everything, is erased. Each may be tried again.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    #[error("too many are waiting for their deletion")]
    Busy,
    #[error("ClickHouse did not take the waiting events in time")]
    NotDrained,
    #[error("ClickHouse: {0}")]
    ClickHouse(#[from] clickhouse::error::Error),
    #[error("the spool: {0}")]
    Spool(#[from] crate::spool::SpoolError),
    #[error("the deletion ended in an unexpected way")]
    Broken,
}

/// Erases rows.
#[derive(Clone)]
pub struct Eraser {
    client: Client,
    spool: Spool,
    waiting: Arc<Semaphore>,
    turn: Arc<Mutex<()>>,
}

impl Eraser {
    /// An eraser for the events that come through this spool.
    pub fn new(client: Client, spool: Spool) -> Self {
        Self {
            client,
            spool,
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
            turn: Arc::default(),
        }
    }

    /// Erases a site's events of the last days under these visitors, those in the spool included. Returns when
    /// ClickHouse has done it.
    ///
    /// # Errors
    /// [`EraseError`]; what was not erased is still there.
    pub async fn erase(&self, site: &str, visitors: Vec<VisitorId>) -> Result<(), EraseError> {
        let Ok(permit) = self.waiting.clone().try_acquire_owned() else {
            return Err(EraseError::Busy);
        };
        let (own, site) = (self.clone(), site.to_owned());
        let visitors: Vec<u64> = visitors.into_iter().map(VisitorId::get).collect();
        let erasing = tokio::spawn(async move {
            let _permit = permit;
            let _turn = own.turn.lock().await;
            own.erase_now(&site, &visitors).await
        });
        erasing.await.map_err(|_| EraseError::Broken)?
    }

    async fn erase_now(&self, site: &str, visitors: &[u64]) -> Result<(), EraseError> {
        self.drain().await?;
        let found: u64 = self
            .client
            .query(include_str!("sql/find_own.sql"))
            .param("site", site)
            .param("visitors", visitors)
            .fetch_one()
            .await?;
        if found > 0 {
            self.client
                .query(include_str!("sql/erase_own.sql"))
                .param("site", site)
                .param("visitors", visitors)
                // Wait until it is done, on every replica.
                .with_setting("mutations_sync", "2")
                .execute()
                .await?;
        }
        Ok(())
    }

    /// Waits until ClickHouse has everything that was in the spool when this was called.
    async fn drain(&self) -> Result<(), EraseError> {
        let begun = Instant::now();
        self.spool.seal().await?;
        loop {
            let oldest = self.spool.stats().oldest_age;
            if oldest.is_none_or(|age| age < begun.elapsed()) {
                return Ok(());
            }
            if begun.elapsed() > DRAIN_PATIENCE {
                return Err(EraseError::NotDrained);
            }
            tokio::time::sleep(DRAIN_POLL).await;
        }
    }
}
