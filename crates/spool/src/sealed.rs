//! A sealed segment that the store has taken from the queue.

use std::fmt;
use std::sync::Arc;

use crate::chunks::Chunks;
use crate::sealed_segment::SealedSegment;
use crate::segment::SegmentId;
use crate::shared::Shared;

/// A sealed segment that the store has taken. Dropped without [`delete`](crate::Spool::delete),
/// also by a task that was cancelled or panicked, it returns to its place in the queue: it is the
/// next to be handed out.
pub struct Sealed {
    pub(super) shared: Arc<Shared>,
    pub(super) segment: Arc<SealedSegment>,
}

impl Sealed {
    /// The same over restarts: the `insert_deduplication_token`.
    pub fn id(&self) -> SegmentId {
        self.segment.name.id
    }

    /// What [`SpoolOptions::schema`](crate::SpoolOptions::schema) was when the records were
    /// appended.
    pub fn schema(&self) -> &str {
        &self.segment.schema
    }

    /// Number of records at sealing. Reading returns fewer if the disk has damaged some since.
    pub fn records(&self) -> u64 {
        self.segment.extent.records
    }

    /// Length of its file in bytes.
    pub fn bytes(&self) -> u64 {
        self.segment.extent.bytes
    }

    /// Reads the payloads from the start, joined into chunks of at least `chunk_bytes` (the last
    /// may be shorter) and at most one record more. Each read gives the same bytes in the same
    /// chunks, which the deduplication token relies on.
    pub fn chunks(&self, chunk_bytes: usize) -> Chunks {
        Chunks::new(
            Arc::clone(&self.shared),
            Arc::clone(&self.segment),
            chunk_bytes,
        )
    }
}

impl Drop for Sealed {
    fn drop(&mut self) {
        self.shared.sealed.give_back(self.segment.name.seq);
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({}, {} records)", self.id(), self.records())
    }
}
