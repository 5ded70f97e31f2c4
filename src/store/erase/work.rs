//! The work on erasures: batch after batch, each retried until it is done.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clickhouse::Client;

use super::Eraser;
use super::journal::Entry;
use crate::event_row::columns;
use crate::event_row::decode::Decoder;
use crate::visits::Visits;
use sillage_privacy::VisitorId;
use sillage_spool::{Spool, SpoolError};

/// First wait after a failure; doubles up to [`WAIT_MAX`].
const WAIT_MIN: Duration = Duration::from_millis(200);
const WAIT_MAX: Duration = Duration::from_secs(15);
/// Longest pause between two batches; it is as long as the batch took.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// How often the spool, or a running mutation, is polled.
const POLL: Duration = Duration::from_millis(20);
/// The same once it takes longer than a second.
const POLL_SLOWLY: Duration = Duration::from_millis(500);
/// Visitors in one mutation. They are sent in the URL of a request, whose length ClickHouse bounds.
const VISITORS_AT_ONCE: usize = 400;
/// A batch's statements for one site are aborted after this time and retried.
const SITE_TIMEOUT: Duration = Duration::from_secs(600);

/// A batch was not erased completely. It will be retried.
#[derive(Debug, thiserror::Error)]
enum WorkError {
    #[error("ClickHouse: {0}")]
    ClickHouse(#[from] clickhouse::error::Error),
    #[error("ClickHouse did not finish in time")]
    TimedOut,
    #[error("the spool: {0}")]
    Spool(#[from] SpoolError),
    #[error("the journal of erasures: {0}")]
    Journal(#[from] std::io::Error),
}

impl Eraser {
    /// Carries out erasures, for ever. Run it once per process. It can be cancelled at any point
    /// without losing one.
    pub async fn run(&self, client: &Client, database: &str, spool: &Spool, visits: &Visits) {
        let mut wait = WAIT_MIN;
        // A process that was killed may have left a finished mutation that names visitors.
        let mut is_clean = false;
        loop {
            if self.is_idle() && is_clean {
                self.shared.added.notified().await;
            }
            let begun = Instant::now();
            let batch = self.take();
            let work = Work {
                eraser: self,
                client,
                database,
                spool,
                visits,
            };
            match work.batch(&batch).await {
                Ok(()) => {
                    is_clean = true;
                    wait = WAIT_MIN;
                    tokio::time::sleep(begun.elapsed().min(PAUSE_MAX)).await;
                }
                Err(error) => {
                    tracing::warn!(erasures = batch.len(), %error, "erasures could not be carried out and will be retried");
                    is_clean = false;
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(WAIT_MAX);
                }
            }
        }
    }
}

struct Work<'a> {
    eraser: &'a Eraser,
    client: &'a Client,
    database: &'a str,
    spool: &'a Spool,
    visits: &'a Visits,
}

impl Work<'_> {
    async fn batch(&self, batch: &[Entry]) -> Result<(), WorkError> {
        if batch.is_empty() {
            return self.forget_mutations().await;
        }
        let mut found = HashSet::new();
        let prepared = async {
            self.drain().await?;
            self.erase_set_aside(batch).await
        };
        match prepared.await {
            Ok(set_aside) => found.extend(set_aside),
            Err(error) => {
                self.eraser.put_back(batch, |_| false);
                return Err(error);
            }
        }
        let mut outcome = Ok(());
        for part in parts(batch) {
            let erasing = tokio::time::timeout(SITE_TIMEOUT, self.erase_rows(&part, &mut found));
            let erased = erasing.await.unwrap_or(Err(WorkError::TimedOut));
            let is_found = |entry: &Entry| {
                let mut ids = entry.visitors.iter();
                ids.any(|id| found.contains(&(entry.site.clone(), *id)))
            };
            let ended = match erased {
                Ok(()) => self.finish(&part, is_found).await,
                Err(error) => Err(error),
            };
            if let Err(error) = ended {
                self.eraser.put_back(&part, is_found);
                outcome = Err(error);
            }
        }
        outcome
    }

    /// Waits until everything that was in the spool when this was called is stored in ClickHouse or
    /// quarantined.
    async fn drain(&self) -> Result<(), WorkError> {
        let begun = Instant::now();
        self.spool.seal().await?;
        let segments: HashSet<_> = self.spool.unstored().into_iter().collect();
        while self.spool.unstored().iter().any(|id| segments.contains(id)) {
            tokio::time::sleep(poll(begun)).await;
        }
        Ok(())
    }

    /// Erases from the quarantined files of the spool. Returns the visitors found there.
    async fn erase_set_aside(&self, batch: &[Entry]) -> Result<Vec<(String, u64)>, WorkError> {
        let meant: HashSet<(String, u64)> = batch
            .iter()
            .flat_map(|entry| entry.visitors.iter().map(|id| (entry.site.clone(), *id)))
            .collect();
        let traces: HashSet<Vec<u8>> = meant
            .iter()
            .map(|(_, id)| id.to_le_bytes().into())
            .collect();
        let whose = meant.clone();
        let is_meant = move |schema: Option<&str>, record: &[u8]| {
            let current = columns::schema();
            let decoder = Decoder::new(schema.unwrap_or(&current));
            let event = decoder.as_ref().and_then(|decoder| decoder.decode(record));
            event.is_some_and(|event| whose.contains(&(event.site.to_owned(), event.visitor)))
        };
        let traces = traces.into_iter().collect();
        let found = self
            .spool
            .erase_set_aside(Arc::new(is_meant), traces)
            .await?;
        let is_there =
            |(_, id): &(String, u64)| found.iter().any(|trace| *trace == id.to_le_bytes());
        Ok(meant.into_iter().filter(is_there).collect())
    }

    /// Erases the rows of one site.
    async fn erase_rows(
        &self,
        part: &[Entry],
        found: &mut HashSet<(String, u64)>,
    ) -> Result<(), WorkError> {
        let Some(Entry { site, .. }) = part.first() else {
            return Ok(());
        };
        let days = || part.iter().map(|entry| entry.day);
        let first = days().min().unwrap_or_default().to_string();
        let last = days().max().unwrap_or_default().to_string();
        let bind = |statement, visitors: &[u64]| {
            self.client
                .query(statement)
                .param("site", site)
                .param("first", &first)
                .param("last", &last)
                .param("visitors", visitors)
        };
        let asked: HashSet<u64> = part
            .iter()
            .flat_map(|entry| entry.visitors.iter().copied())
            .collect();
        let asked: Vec<u64> = asked.into_iter().collect();
        let there: Vec<u64> = bind(include_str!("../sql/erase_find.sql"), &asked)
            .fetch_all()
            .await?;
        if !there.is_empty() {
            found.extend(there.iter().map(|id| (site.clone(), *id)));
            bind(include_str!("../sql/erase_delete.sql"), &there)
                // Wait until it is done, on every replica.
                .with_setting("mutations_sync", "2")
                .execute()
                .await?;
        }
        self.forget_mutations().await
    }

    /// Removes the finished mutations from ClickHouse, which would list them with the ids for a
    /// long time.
    async fn forget_mutations(&self) -> Result<(), WorkError> {
        let begun = Instant::now();
        loop {
            let bind = |statement| {
                self.client
                    .query(statement)
                    .param("database", self.database)
            };
            let named: u64 = bind(include_str!("../sql/erase_named.sql"))
                .fetch_one()
                .await?;
            if named == 0 {
                return Ok(());
            }
            bind(include_str!("../sql/erase_forget.sql"))
                .execute()
                .await?;
            if begun.elapsed() > SITE_TIMEOUT {
                return Err(WorkError::TimedOut);
            }
            tokio::time::sleep(poll(begun)).await;
        }
    }

    async fn finish(
        &self,
        part: &[Entry],
        found: impl Fn(&Entry) -> bool,
    ) -> Result<(), WorkError> {
        // A restart may have loaded their visits again.
        for id in part.iter().flat_map(|entry| &entry.visitors) {
            if let Some(visitor) = VisitorId::from_stored(*id) {
                self.visits.forget(visitor);
            }
        }
        let found: HashSet<Entry> = part.iter().filter(|entry| found(entry)).cloned().collect();
        let (eraser, part) = (self.eraser.clone(), part.to_vec());
        let finishing = tokio::task::spawn_blocking(move || {
            eraser.finish(&part, |entry| found.contains(entry))
        });
        Ok(finishing.await.map_err(std::io::Error::other)??)
    }
}

fn poll(begun: Instant) -> Duration {
    if begun.elapsed() < Duration::from_secs(1) {
        POLL
    } else {
        POLL_SLOWLY
    }
}

/// Splits a batch by site, with at most [`VISITORS_AT_ONCE`] visitors each.
fn parts(batch: &[Entry]) -> Vec<Vec<Entry>> {
    let mut by_site: BTreeMap<&str, Vec<Vec<Entry>>> = BTreeMap::new();
    for entry in batch {
        let parts = by_site.entry(&entry.site).or_default();
        let visitors =
            |part: &Vec<Entry>| part.iter().map(|entry| entry.visitors.len()).sum::<usize>();
        match parts.last_mut() {
            Some(part) if visitors(part) + entry.visitors.len() <= VISITORS_AT_ONCE => {
                part.push(entry.clone());
            }
            _ => parts.push(vec![entry.clone()]),
        }
    }
    by_site.into_values().flatten().collect()
}
