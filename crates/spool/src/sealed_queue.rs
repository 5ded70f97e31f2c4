//! The queue of sealed segments, in order of creation: those that wait for the store, those the
//! store has taken, and those that are inserted but could not be deleted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::sealed_segment::SealedSegment;

/// Sealed segments, by their state in the store.
#[derive(Default)]
pub(super) struct SealedQueue {
    inner: Mutex<Inner>,
    arrived: Notify,
}

#[derive(Default)]
struct Inner {
    waiting: BTreeMap<u64, Arc<SealedSegment>>,
    taken: BTreeMap<u64, Arc<SealedSegment>>,
    /// Inserted, so never handed out again, but still on disk.
    undeleted: Vec<Arc<SealedSegment>>,
    /// When the open segment was created, if there is one.
    open_ms: Option<u64>,
}

impl SealedQueue {
    pub fn push(&self, segment: SealedSegment) {
        self.lock()
            .waiting
            .insert(segment.name.seq, Arc::new(segment));
        self.arrived.notify_waiters();
    }

    /// Takes the oldest, waiting until there is one.
    pub async fn take(&self) -> Arc<SealedSegment> {
        loop {
            let mut arrived = std::pin::pin!(self.arrived.notified());
            arrived.as_mut().enable();
            if let Some(segment) = self.take_now() {
                return segment;
            }
            arrived.await;
        }
    }

    fn take_now(&self) -> Option<Arc<SealedSegment>> {
        let mut inner = self.lock();
        let (seq, segment) = inner.waiting.pop_first()?;
        inner.taken.insert(seq, Arc::clone(&segment));
        Some(segment)
    }

    /// Returns a taken segment to the queue. Does nothing once it is finished or forgotten.
    pub fn give_back(&self, seq: u64) {
        let mut inner = self.lock();
        if let Some(segment) = inner.taken.remove(&seq) {
            inner.waiting.insert(seq, segment);
            drop(inner);
            self.arrived.notify_waiters();
        }
    }

    /// Takes an inserted segment out. Returns it together with those whose deletion failed before:
    /// all that has to be deleted now.
    pub fn finish(&self, seq: u64) -> Vec<Arc<SealedSegment>> {
        let mut inner = self.lock();
        let mut done = std::mem::take(&mut inner.undeleted);
        done.extend(inner.taken.remove(&seq));
        done
    }

    /// Takes out a segment whose file is no longer in the queue.
    pub fn forget(&self, seq: u64) {
        self.lock().taken.remove(&seq);
    }

    /// Keeps a segment that could not be deleted for the next attempt.
    pub fn keep_undeleted(&self, segment: Arc<SealedSegment>) {
        self.lock().undeleted.push(segment);
    }

    pub fn set_open(&self, created_ms: Option<u64>) {
        self.lock().open_ms = created_ms;
    }

    pub fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// All segments that are not inserted yet, oldest first.
    pub fn unfinished(&self) -> Vec<Arc<SealedSegment>> {
        let inner = self.lock();
        let mut all: Vec<_> = inner
            .waiting
            .values()
            .chain(inner.taken.values())
            .cloned()
            .collect();
        all.sort_by_key(|segment| segment.name.seq);
        all
    }

    /// Number of segments on disk, and when the oldest that is not inserted yet was created.
    pub fn census(&self) -> (usize, Option<u64>) {
        let inner = self.lock();
        let segments = inner.waiting.len()
            + inner.taken.len()
            + inner.undeleted.len()
            + usize::from(inner.open_ms.is_some());
        let first = |segments: &BTreeMap<u64, Arc<SealedSegment>>| {
            segments
                .first_key_value()
                .map(|(_, segment)| segment.created_ms)
        };
        let oldest = [first(&inner.waiting), first(&inner.taken), inner.open_ms];
        (segments, oldest.into_iter().flatten().min())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // No code under this lock can panic half-way through a change.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
