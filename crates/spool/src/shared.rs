//! The state that appending tasks, the writer and the store share, and the bound on the spool's
//! size.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use sillage_episode::{Episode, Line};

use crate::counters::{Counters, count};
use crate::disk::Disk;
use crate::error::SpoolError;
use crate::group_commit::GroupCommit;
use crate::sealed_queue::SealedQueue;
use crate::segment::{self, RECORD_OVERHEAD_BYTES};

/// Size that nearly all records stay below; used to tell whether the spool is full.
const ORDINARY_RECORD_BYTES: u64 = 1 << 10;
/// A fault that comes and goes within this time is one fault.
const QUIET: Duration = Duration::from_secs(5);

/// What the appending tasks, the writer and the store share.
pub(super) struct Shared {
    pub disk: Arc<dyn Disk>,
    pub limits: Limits,
    /// Stored with each segment that begins.
    pub schema: Arc<str>,
    pub group_commit: GroupCommit,
    pub sealed: SealedQueue,
    pub counters: Counters,
    /// Why the disk refuses now, as the writer last found; 0 = it does not.
    pub disk_trouble: AtomicU8,
    /// Log lines about a disk that refuses, and about a full spool.
    pub disk_episode: Episode,
    full_episode: Episode,
    /// Length of a new segment's header.
    pub header_bytes: u64,
    /// Bytes of segments on disk and of records on their way there.
    bytes: AtomicU64,
}

/// Bounds from the spool's options.
pub(super) struct Limits {
    pub bytes_max: u64,
    pub segment_bytes_max: u64,
    pub segment_age_max: Duration,
}

impl Shared {
    /// `bytes` is what the recovered segments take on disk.
    pub fn new(
        disk: Arc<dyn Disk>,
        limits: Limits,
        schema: &str,
        bytes: u64,
        counters: Counters,
    ) -> Self {
        Self {
            disk,
            limits,
            schema: Arc::from(schema),
            group_commit: GroupCommit::new(),
            sealed: SealedQueue::default(),
            counters,
            disk_trouble: AtomicU8::new(0),
            disk_episode: Episode::over_after(QUIET),
            full_episode: Episode::over_after(QUIET),
            header_bytes: segment::header_bytes(schema),
            bytes: AtomicU64::new(bytes),
        }
    }

    /// Bytes of segments on disk and of records on their way there.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Reserves space for records, and checks that a header that they may need also fits.
    pub fn reserve(
        &self,
        records: usize,
        payload_bytes: usize,
    ) -> Result<Reservation<'_>, SpoolError> {
        let bytes = (records * RECORD_OVERHEAD_BYTES + payload_bytes) as u64;
        match self.take_space(bytes, self.header_bytes) {
            Ok(()) => Ok(Reservation {
                shared: self,
                bytes,
            }),
            Err(full) => {
                count(&self.counters.refused_full, 1);
                match self.full_episode.failed() {
                    Some(Line::Began) => {
                        tracing::error!(error = %full, "beacons are refused: the spool is full; find out why ClickHouse does not accept events, or raise spool.bytes_max");
                    }
                    Some(Line::GoesOn { failures }) => {
                        tracing::error!(error = %full, refused = failures, "beacons are still refused: the spool is full");
                    }
                    Some(Line::Over { .. }) | None => {}
                }
                Err(full)
            }
        }
    }

    /// Whether a record of ordinary length would be refused for lack of space.
    pub fn is_full(&self) -> bool {
        let needed = self.header_bytes + ORDINARY_RECORD_BYTES;
        self.bytes().saturating_add(needed) > self.limits.bytes_max
    }

    /// Logs the end of a fault that is over.
    pub fn tick(&self) {
        if !self.is_full()
            && let Some(Line::Over { failures, lasted }) = self.full_episode.succeeded()
        {
            tracing::info!(
                refused = failures,
                lasted_s = lasted.as_secs(),
                "the spool has room again; beacons are accepted"
            );
        }
        if self.disk_trouble.load(Ordering::Relaxed) == 0
            && let Some(Line::Over { failures, lasted }) = self.disk_episode.succeeded()
        {
            tracing::info!(
                failures,
                lasted_s = lasted.as_secs(),
                "the spool's disk works again; beacons are accepted"
            );
        }
    }

    /// Takes the space of a new segment's header.
    pub fn take_header(&self) -> Result<(), SpoolError> {
        self.take_space(self.header_bytes, 0)
    }

    fn take_space(&self, bytes: u64, spare_bytes: u64) -> Result<(), SpoolError> {
        let bytes_max = self.limits.bytes_max;
        let take = |taken: u64| {
            let taken = taken.saturating_add(bytes);
            (taken.saturating_add(spare_bytes) <= bytes_max).then_some(taken)
        };
        match self
            .bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
        {
            Ok(_) => Ok(()),
            Err(bytes) => Err(SpoolError::Full { bytes, bytes_max }),
        }
    }

    /// Makes creations, renames and removals durable.
    pub fn sync_dir(&self) -> Result<(), SpoolError> {
        self.disk.sync_dir().map_err(|error| {
            count(&self.counters.disk_errors, 1);
            SpoolError::disk("sync", "the folder", error)
        })
    }

    /// Returns space.
    pub fn release(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Space reserved for records. Released when dropped, unless the records went to the writer, which
/// releases it from then on.
pub(super) struct Reservation<'a> {
    shared: &'a Shared,
    bytes: u64,
}

impl Reservation<'_> {
    /// The writer is now responsible for the space.
    pub fn hand_over(mut self) {
        self.bytes = 0;
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.shared.release(self.bytes);
    }
}
