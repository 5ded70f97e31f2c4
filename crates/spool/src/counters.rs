//! Counters of the spool, shared by its threads.

use std::sync::atomic::{AtomicU64, Ordering};

/// Values of [`Shared::disk_trouble`](crate::shared::Shared::disk_trouble); 0 = none.
pub(super) const NO_SPACE: u8 = 1;
pub(super) const DISK: u8 = 2;

/// Documented at the fields of [`SpoolStats`](crate::SpoolStats).
#[derive(Default)]
pub(super) struct Counters {
    pub appended: AtomicU64,
    pub syncs: AtomicU64,
    pub deleted: AtomicU64,
    pub refused_full: AtomicU64,
    pub refused_busy: AtomicU64,
    pub refused_disk: AtomicU64,
    pub corrupt_records: AtomicU64,
    pub corrupt_segments: AtomicU64,
    pub quarantine_bytes: AtomicU64,
    pub torn_bytes: AtomicU64,
    pub foreign_files: AtomicU64,
    pub disk_errors: AtomicU64,
}

pub(super) fn count(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}
