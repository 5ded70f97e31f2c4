//! Sealed segments, in order: those that wait for the store, those it has in hand, and those it is
//! done with but which the disk would not delete.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Shared;
use super::name::{Extent, SegmentName};
use super::reader::Batches;
use super::segment::SegmentId;

/// A sealed segment on disk.
pub(super) struct Segment {
    pub name: SegmentName,
    pub created_ms: u64,
    pub extent: Extent,
    pub schema: Arc<str>,
    /// Its damage, if any, has been reported and copied; further readings keep quiet.
    pub is_reported: AtomicBool,
}

/// Its share of the bound on memory that the module doc states; the rest is the map's.
const _: () = assert!(size_of::<Segment>() <= 200);

impl Segment {
    pub fn new(name: SegmentName, created_ms: u64, extent: Extent, schema: Arc<str>) -> Self {
        Self {
            name,
            created_ms,
            extent,
            schema,
            is_reported: AtomicBool::new(false),
        }
    }
}

#[derive(Default)]
pub(super) struct Shelf {
    inner: Mutex<Inner>,
    arrived: Notify,
}

#[derive(Default)]
struct Inner {
    waiting: BTreeMap<u64, Arc<Segment>>,
    in_hand: BTreeMap<u64, Arc<Segment>>,
    /// Inserted, hence never handed out again, but still on disk.
    undeleted: Vec<Arc<Segment>>,
    /// When the open segment was created, if there is one.
    open_ms: Option<u64>,
}

impl Shelf {
    pub fn put(&self, segment: Segment) {
        self.lock()
            .waiting
            .insert(segment.name.seq, Arc::new(segment));
        self.arrived.notify_waiters();
    }

    /// Takes the oldest, waiting until there is one.
    pub async fn take(&self) -> Arc<Segment> {
        loop {
            let mut arrived = std::pin::pin!(self.arrived.notified());
            arrived.as_mut().enable();
            if let Some(segment) = self.take_now() {
                return segment;
            }
            arrived.await;
        }
    }

    fn take_now(&self) -> Option<Arc<Segment>> {
        let mut inner = self.lock();
        let (seq, segment) = inner.waiting.pop_first()?;
        inner.in_hand.insert(seq, Arc::clone(&segment));
        Some(segment)
    }

    fn give_back(&self, seq: u64) {
        let mut inner = self.lock();
        if let Some(segment) = inner.in_hand.remove(&seq) {
            inner.waiting.insert(seq, segment);
            drop(inner);
            self.arrived.notify_waiters();
        }
    }

    /// Forgets a segment that is done with. Comes back with it and with others whose deletion
    /// failed before.
    pub fn finish(&self, seq: u64) -> Vec<Arc<Segment>> {
        let mut inner = self.lock();
        let mut done = std::mem::take(&mut inner.undeleted);
        done.extend(inner.in_hand.remove(&seq));
        done
    }

    /// Forgets a segment that is no longer there.
    pub fn forget(&self, seq: u64) {
        self.lock().in_hand.remove(&seq);
    }

    /// Keeps what could not be deleted for the next attempt.
    pub fn keep_undeleted(&self, segment: Arc<Segment>) {
        self.lock().undeleted.push(segment);
    }

    pub fn set_open(&self, created_ms: Option<u64>) {
        self.lock().open_ms = created_ms;
    }

    pub fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// All that the store has not acknowledged, oldest first.
    pub fn unfinished(&self) -> Vec<Arc<Segment>> {
        let inner = self.lock();
        let mut all: Vec<_> = inner
            .waiting
            .values()
            .chain(inner.in_hand.values())
            .cloned()
            .collect();
        all.sort_by_key(|segment| segment.name.seq);
        all
    }

    /// Number of segments on disk, and when the oldest that is not yet acknowledged was created.
    pub fn census(&self) -> (usize, Option<u64>) {
        let inner = self.lock();
        let segments = inner.waiting.len()
            + inner.in_hand.len()
            + inner.undeleted.len()
            + usize::from(inner.open_ms.is_some());
        let first = |segments: &BTreeMap<u64, Arc<Segment>>| {
            segments
                .first_key_value()
                .map(|(_, segment)| segment.created_ms)
        };
        let oldest = [first(&inner.waiting), first(&inner.in_hand), inner.open_ms];
        (segments, oldest.into_iter().flatten().min())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here can panic half-way through a change.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A sealed segment in the store's hands. Dropped without [`delete`](super::Spool::delete), be it
/// by a task that was cancelled or panicked, it goes back to where it was: the next to be handed
/// out.
pub struct Sealed {
    pub(super) shared: Arc<Shared>,
    pub(super) segment: Arc<Segment>,
}

impl Sealed {
    /// The same over restarts: the `insert_deduplication_token`.
    pub fn id(&self) -> SegmentId {
        self.segment.name.id
    }

    /// What [`SpoolOptions::schema`](super::SpoolOptions::schema) was when the records were
    /// appended.
    pub fn schema(&self) -> &str {
        &self.segment.schema
    }

    /// Records it was sealed with. Reading yields fewer if the disk has damaged some since.
    pub fn records(&self) -> u64 {
        self.segment.extent.records
    }

    /// Length of its file in bytes.
    pub fn bytes(&self) -> u64 {
        self.segment.extent.bytes
    }

    /// Reads the payloads from the start, joined into chunks of at least `chunk_bytes` (the last
    /// may be shorter) and at most one record more. The same bytes in the same chunks each time, or
    /// the deduplication token would lie.
    pub fn batches(&self, chunk_bytes: usize) -> Batches {
        Batches::new(
            Arc::clone(&self.shared),
            Arc::clone(&self.segment),
            chunk_bytes,
        )
    }
}

impl Drop for Sealed {
    fn drop(&mut self) {
        // Does nothing once it was finished.
        self.shared.shelf.give_back(self.segment.name.seq);
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({}, {} records)", self.id(), self.records())
    }
}
