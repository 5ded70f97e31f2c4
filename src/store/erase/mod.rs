//! Erasure of today's events of a visitor at their request: the queue of erasures, and the work
//! itself.
//!
//! An erasure is durable. It is written to a [journal] before it is acknowledged, and done as soon
//! as ClickHouse answers, if necessary after retries or a restart. The request waits for a short
//! while, so that it usually reports the result; if the request ends, the erasure continues.
//!
//! Order of the work: first the spool is sealed and inserted, since a segment is checksummed and
//! inserted under its id, and removing records from it would break these guarantees. Then
//! quarantined files of the spool are overwritten. Then the rows are deleted by a mutation that
//! rewrites the parts, not by ClickHouse's lightweight DELETE, which only hides rows until some
//! later merge; the old parts leave the disk when ClickHouse drops inactive parts, after about
//! eight minutes. Finally the mutation itself is removed, because ClickHouse lists the last hundred
//! with their ids and second. Days are rolled up after they are over; a site with open erasures is
//! not rolled up ([`Eraser::waits`]), so neither `daily` nor `visits` ever counts what was erased.
//!
//! Invariants: one batch at a time, one mutation per site and batch, and a pause as long as the
//! batch, so that repeated requests cannot keep ClickHouse busy. A visitor is queued once. The
//! number of waiting erasures is bounded; what one network may add is bounded where requests
//! arrive.
//!
//! Deliberately not here: finding the ids of a visitor (`ingest::visitor_rights`). The keys of
//! recent beacons (`ingest::dedup`) are kept: they contain no visitor, and they prevent a retry of
//! a browser from storing an erased event again. With several collectors, open visits in the memory
//! of the others are not removed; they end after 30 minutes without an event.

pub mod journal;
mod work;

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::civil::Date;
use tokio::sync::{Notify, watch};

use journal::{Entry, Journal};
use sillage_privacy::VisitorId;

/// Erasures that may wait; about 100 bytes each, in memory and on disk.
const WAITING_MAX: usize = 100_000;

/// The result of an erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erased {
    /// The events are deleted.
    Done,
    /// There were no events under these ids.
    NothingFound,
    /// It is recorded and will be done.
    Recorded,
}

/// The erasure was not recorded and will not be done.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    #[error("{WAITING_MAX} erasures wait already")]
    Full,
    #[error("the journal of erasures can't be written: {0}")]
    Journal(#[from] io::Error),
    #[error("the work on the journal was aborted")]
    Broken,
}

/// The queue of erasures. Clones are the same queue.
#[derive(Clone)]
pub struct Eraser {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Mutex<Queue>,
    added: Notify,
}

struct Queue {
    journal: Journal,
    waiting: HashMap<Entry, Waiting>,
}

/// An erasure that is not done.
struct Waiting {
    end: watch::Sender<Option<Erased>>,
    /// Whether it is in the current batch.
    is_in_work: bool,
    /// Requested again while its batch was running: events since then need another round.
    is_asked_again: bool,
    /// Whether an earlier attempt found events.
    has_found: bool,
}

impl Waiting {
    fn new() -> Self {
        Self {
            end: watch::Sender::new(None),
            is_in_work: false,
            is_asked_again: false,
            has_found: false,
        }
    }
}

impl Eraser {
    /// Opens the journal in the data folder, with the erasures that an earlier process has not
    /// done.
    ///
    /// # Errors
    /// The journal can't be read or written.
    pub fn open(data_dir: &Path) -> io::Result<Self> {
        let (journal, entries) = Journal::open(data_dir)?;
        if !entries.is_empty() {
            tracing::info!(
                erasures = entries.len(),
                "erasures recorded before the restart are carried out as soon as ClickHouse answers"
            );
        }
        let waiting = entries.into_iter().map(|entry| (entry, Waiting::new()));
        Ok(Self {
            shared: Arc::new(Shared {
                queue: Mutex::new(Queue {
                    journal,
                    waiting: waiting.collect(),
                }),
                added: Notify::new(),
            }),
        })
    }

    /// Records that a site's events under these visitors are to be erased, and waits until that is
    /// done, or for `patience`.
    ///
    /// # Errors
    /// [`EraseError`]: it is not recorded.
    pub async fn erase(
        &self,
        site: &str,
        day: Date,
        visitors: &[VisitorId],
        patience: Duration,
    ) -> Result<Erased, EraseError> {
        let mut visitors: Vec<u64> = visitors.iter().map(|visitor| visitor.get()).collect();
        visitors.sort_unstable();
        visitors.dedup();
        let site = site.to_owned();
        let entry = Entry {
            site,
            day,
            visitors,
        };
        let own = self.clone();
        // Waits for the disk. The task runs to its end even if the request is cancelled.
        let recorded = tokio::task::spawn_blocking(move || own.record(entry));
        let mut end = recorded.await.map_err(|_| EraseError::Broken)??;
        let ended = tokio::time::timeout(patience, end.wait_for(Option::is_some)).await;
        Ok(match ended {
            Ok(Ok(end)) => end.unwrap_or(Erased::Recorded),
            // Not yet, or the process ends.
            Ok(Err(_)) | Err(_) => Erased::Recorded,
        })
    }

    /// On disk when this returns.
    fn record(&self, entry: Entry) -> Result<watch::Receiver<Option<Erased>>, EraseError> {
        let mut queue = self.queue();
        let Queue { journal, waiting } = &mut *queue;
        if let Some(waiting) = waiting.get_mut(&entry) {
            waiting.is_asked_again |= waiting.is_in_work;
            return Ok(waiting.end.subscribe());
        }
        if waiting.len() >= WAITING_MAX {
            return Err(EraseError::Full);
        }
        journal.add(&entry)?;
        let new = Waiting::new();
        let end = new.end.subscribe();
        waiting.insert(entry, new);
        drop(queue);
        self.shared.added.notify_one();
        Ok(end)
    }

    /// Whether erasures of a site wait. Its days are not rolled up then.
    pub fn waits(&self, site: &str) -> bool {
        self.queue().waiting.keys().any(|entry| entry.site == site)
    }

    /// All visitors whose erasure waits.
    pub fn visitors(&self) -> Vec<VisitorId> {
        let queue = self.queue();
        let ids = queue.waiting.keys().flat_map(|entry| &entry.visitors);
        ids.filter_map(|id| VisitorId::from_stored(*id)).collect()
    }

    /// Moves all waiting erasures into one batch.
    fn take(&self) -> Vec<Entry> {
        let mut queue = self.queue();
        let taken = queue.waiting.iter_mut().map(|(entry, waiting)| {
            waiting.is_in_work = true;
            entry.clone()
        });
        taken.collect()
    }

    /// Marks these as done. `found` returns whether there were events of an entry.
    ///
    /// # Errors
    /// The journal can't be written: they are done once more later, which is harmless, and are
    /// reported as done only then.
    fn finish(&self, entries: &[Entry], found: impl Fn(&Entry) -> bool) -> io::Result<()> {
        let mut queue = self.queue();
        let Queue { journal, waiting } = &mut *queue;
        let mut done = HashSet::new();
        for entry in entries {
            if let Some(of_entry) = waiting.get_mut(entry) {
                of_entry.is_in_work = false;
                of_entry.has_found |= found(entry);
                if !std::mem::take(&mut of_entry.is_asked_again) {
                    done.insert(entry);
                }
            }
        }
        let left = waiting.keys().filter(|entry| !done.contains(entry));
        journal.replace(left)?;
        for entry in done {
            if let Some(ended) = waiting.remove(entry) {
                let end = if ended.has_found {
                    Erased::Done
                } else {
                    Erased::NothingFound
                };
                ended.end.send_replace(Some(end));
            }
        }
        Ok(())
    }

    /// Puts these back into the queue: they are not done.
    fn put_back(&self, entries: &[Entry], found: impl Fn(&Entry) -> bool) {
        let mut queue = self.queue();
        for entry in entries {
            if let Some(waiting) = queue.waiting.get_mut(entry) {
                waiting.is_in_work = false;
                waiting.is_asked_again = false;
                waiting.has_found |= found(entry);
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.queue().waiting.is_empty()
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // A panic leaves no partial change here: the journal is authoritative.
        self.shared
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn repeated_erasure_requests_of_one_visitor_are_merged() {
        let folder = tempfile::tempdir().expect("a folder");
        let eraser = Eraser::open(folder.path()).expect("a journal");
        let visitor = |id| VisitorId::from_stored(id).expect("not 0");
        let day = Date::constant(2026, 11, 30);
        for _ in 0..90 {
            let erased = eraser
                .erase(
                    "a",
                    day,
                    &[visitor(2), visitor(1), visitor(2)],
                    Duration::ZERO,
                )
                .await;
            assert_eq!(erased.expect("recorded"), Erased::Recorded);
        }
        assert!(eraser.waits("a") && !eraser.waits("b"));
        assert_eq!(eraser.visitors(), [visitor(1), visitor(2)]);
        let text = std::fs::read_to_string(folder.path().join(journal::FILE)).expect("a journal");
        assert_eq!(text.lines().count(), 1);
        // A request during the first round gets another round.
        let batch = eraser.take();
        let asked = eraser.record(batch[0].clone()).expect("recorded");
        eraser.finish(&batch, |_| true).expect("written");
        assert!(eraser.waits("a") && asked.borrow().is_none());
        eraser.finish(&eraser.take(), |_| false).expect("written");
        assert!(!eraser.waits("a"));
        assert_eq!(*asked.borrow(), Some(Erased::Done));
    }
}
