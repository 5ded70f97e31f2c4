//! A snapshot of the gauges and counters, for metrics and readiness.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::counters::{DISK, NO_SPACE};
use crate::shared::Shared;

/// Why appends are refused right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The spool has reached its bound.
    Full,
    /// Its file system has no room left.
    NoSpace,
    /// Its disk fails or is read-only.
    Disk,
}

/// Gauges as they are now, and counters since the spool was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpoolStats {
    /// Bytes of segments on disk and of records on their way there.
    pub bytes: u64,
    /// The bound of `bytes`, [`SpoolOptions::bytes_max`](crate::SpoolOptions::bytes_max).
    pub bytes_max: u64,
    /// Segments on disk, the open one included.
    pub segments: usize,
    /// Age of the oldest segment that is not inserted yet, by the wall clock; zero if the clock
    /// went backwards.
    pub oldest_age: Option<Duration>,
    /// Records acknowledged.
    pub appended: u64,
    /// Syncs that made records durable; `appended / syncs` is the mean batch.
    pub syncs: u64,
    /// Records deleted after their INSERT was acknowledged.
    pub deleted: u64,
    /// Appends refused because the spool had reached its bound.
    pub refused_full: u64,
    /// Appends refused because too many were waiting.
    pub refused_busy: u64,
    /// Appends refused because the disk failed or was full.
    pub refused_disk: u64,
    /// Records of sealed segments that the disk has damaged.
    pub corrupt_records: u64,
    /// Segments with such records, segments set aside whole included.
    pub corrupt_segments: u64,
    /// Bytes kept in `.quarantine` files.
    pub quarantine_bytes: u64,
    /// Bytes of torn writes dropped at the start. They were never acknowledged.
    pub torn_bytes: u64,
    /// Files in the folder that the spool did not create.
    pub foreign_files: u64,
    /// Writes, syncs and renames that failed.
    pub disk_errors: u64,
    /// Why appends are refused right now, if they are.
    pub trouble: Option<Trouble>,
}

pub(super) fn read(shared: &Shared) -> SpoolStats {
    let counters = &shared.counters;
    let now = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let (segments, oldest_ms) = shared.sealed.census();
    let age = |created_ms| {
        SystemTime::now()
            .duration_since(UNIX_EPOCH + Duration::from_millis(created_ms))
            .unwrap_or_default()
    };
    SpoolStats {
        bytes: shared.bytes(),
        bytes_max: shared.limits.bytes_max,
        segments,
        oldest_age: oldest_ms.map(age),
        appended: now(&counters.appended),
        syncs: now(&counters.syncs),
        deleted: now(&counters.deleted),
        refused_full: now(&counters.refused_full),
        refused_busy: now(&counters.refused_busy),
        refused_disk: now(&counters.refused_disk),
        corrupt_records: now(&counters.corrupt_records),
        corrupt_segments: now(&counters.corrupt_segments),
        quarantine_bytes: now(&counters.quarantine_bytes),
        torn_bytes: now(&counters.torn_bytes),
        foreign_files: now(&counters.foreign_files),
        disk_errors: now(&counters.disk_errors),
        trouble: match shared.disk_trouble.load(Ordering::Relaxed) {
            NO_SPACE => Some(Trouble::NoSpace),
            DISK => Some(Trouble::Disk),
            _ => shared.is_full().then_some(Trouble::Full),
        },
    }
}
