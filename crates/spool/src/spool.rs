//! The spool's interface: open, append, take sealed segments, delete.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::counters::{Counters, count};
use crate::disk::{Disk, RealDisk};
use crate::error::{AppendFailed, SpoolError};
use crate::group_commit::BATCH_BYTES_MAX;
use crate::name::State;
use crate::recent::RecentRecords;
use crate::recover::recover;
use crate::sealed::Sealed;
use crate::segment::{
    HEADER_BYTES_MAX, RECORD_BYTES_MAX, RECORD_OVERHEAD_BYTES, SCHEMA_BYTES_MAX, SegmentId,
};
use crate::shared::{Limits, Shared};
use crate::stats::{self, SpoolStats};
use crate::writer::Writer;

/// Smallest [`SpoolOptions::segment_bytes_max`]: 64 KiB, enough for the longest header and the
/// longest record.
pub const SEGMENT_BYTES_MIN: u64 = 64 << 10;
const _: () = assert!(
    SEGMENT_BYTES_MIN as usize >= HEADER_BYTES_MAX + RECORD_OVERHEAD_BYTES + RECORD_BYTES_MAX
);
const _: () = assert!(RECORD_BYTES_MAX <= BATCH_BYTES_MAX);

/// Options of a spool.
#[derive(Debug, Clone)]
pub struct SpoolOptions {
    /// Its folder, used for nothing else; created if it does not exist.
    pub dir: PathBuf,
    /// Bytes of segments on disk, headers and record heads included, from which on appends are
    /// refused as `Full`.
    pub bytes_max: u64,
    /// A segment is sealed before it grows beyond this many bytes, at least [`SEGMENT_BYTES_MIN`] …
    pub segment_bytes_max: u64,
    /// … or at this age, or at three times this age with more than 1 MiB in it.
    pub segment_age_max: Duration,
    /// Stored with each segment begun from now on, at most [`SCHEMA_BYTES_MAX`] bytes: how its
    /// records are encoded, for the code that inserts them.
    pub schema: String,
}

/// The open spool. Clones are the same spool. Dropping the last one stops the writer and leaves the
/// open segment for the next start to seal; call [`seal`](Self::seal) before.
#[derive(Clone)]
pub struct Spool {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<Shared>,
    dir: PathBuf,
    writer: Option<JoinHandle<()>>,
}

impl Spool {
    /// Opens the folder, recovers what an earlier process left there, and starts the writer. Blocks
    /// while it reads one open segment and the header of each sealed one.
    ///
    /// # Errors
    /// `Option`, `Folder`, `Locked`, `NewerFormat` (the folder is then as it was), `Disk`.
    pub fn open(options: SpoolOptions) -> Result<Self, SpoolError> {
        check(&options)?;
        let disk = RealDisk::open(&options.dir)?;
        Self::open_on(Arc::new(disk), options)
    }

    pub(super) fn open_on(disk: Arc<dyn Disk>, options: SpoolOptions) -> Result<Self, SpoolError> {
        check(&options)?;
        let recovered = recover(disk.as_ref())?;
        let bytes = recovered
            .segments
            .iter()
            .map(|segment| segment.extent.bytes);
        let counters = Counters {
            corrupt_segments: recovered.set_aside.into(),
            quarantine_bytes: recovered.quarantine_bytes.into(),
            torn_bytes: recovered.torn_bytes.into(),
            foreign_files: (recovered.foreign.len() as u64).into(),
            ..Counters::default()
        };
        let limits = Limits {
            bytes_max: options.bytes_max,
            segment_bytes_max: options.segment_bytes_max,
            segment_age_max: options.segment_age_max,
        };
        let shared = Shared::new(disk, limits, &options.schema, bytes.sum(), counters);
        let shared = Arc::new(shared);
        for segment in recovered.segments {
            shared.sealed.push(segment);
        }
        let writer = Writer::new(Arc::clone(&shared), recovered.next_seq);
        let writer = thread::Builder::new()
            .name("spool".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| SpoolError::disk("start", "its writer", error))?;
        Ok(Self {
            handle: Arc::new(Handle {
                shared,
                dir: options.dir,
                writer: Some(writer),
            }),
        })
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }

    /// The spool's folder.
    pub fn dir(&self) -> &Path {
        &self.handle.dir
    }

    /// Ids of the sealed segments that are not inserted yet.
    pub fn unstored(&self) -> Vec<SegmentId> {
        let segments = self.shared().sealed.unfinished();
        segments.iter().map(|segment| segment.name.id).collect()
    }

    /// Returns once the record is on disk. A cancelled call may or may not have appended it.
    ///
    /// # Errors
    /// `RecordSize`; `Full`, `NoSpace`, `Busy`, `Disk`, `Closed`: the record is not stored and may
    /// be sent again.
    pub async fn append(&self, record: impl AsRef<[u8]> + Send + Sync) -> Result<(), SpoolError> {
        let appended = self.append_all(&[record]).await;
        appended.map_err(|failed| failed.error)
    }

    /// Appends several records, at most 1 MiB together, for the same sync. Either all are stored or
    /// none is, except when the disk fails exactly between two segments. Returns, and may be
    /// cancelled, like [`append`](Self::append).
    ///
    /// # Errors
    /// As [`append`](Self::append), with the number of first records that are durable nevertheless.
    pub async fn append_all(
        &self,
        records: &[impl AsRef<[u8]> + Sync],
    ) -> Result<(), AppendFailed> {
        if records.is_empty() {
            return Ok(());
        }
        let shared = self.shared();
        let mut payload_bytes = 0;
        for record in records {
            let bytes = record.as_ref().len();
            if bytes == 0 || bytes > RECORD_BYTES_MAX {
                let bytes_max = RECORD_BYTES_MAX;
                return Err(SpoolError::RecordSize { bytes, bytes_max }.into());
            }
            payload_bytes += bytes;
        }
        if payload_bytes > BATCH_BYTES_MAX {
            let (bytes, bytes_max) = (payload_bytes, BATCH_BYTES_MAX);
            return Err(SpoolError::RecordSize { bytes, bytes_max }.into());
        }
        let reservation = shared.reserve(records.len(), payload_bytes)?;
        let pushed = shared.group_commit.push(records, payload_bytes).await;
        if let Err(SpoolError::Busy { .. }) = &pushed {
            count(&shared.counters.refused_busy, 1);
        }
        let (ticket, place) = pushed?;
        reservation.hand_over();
        ticket.durable(place..place + records.len()).await
    }

    /// Wakes the tasks of one thread when their appends are on disk. This is cheaper for a thread
    /// with a single-threaded runtime and many appends (`batch.rs`). Spawn it on that thread,
    /// before the appends; it ends with the spool.
    pub fn thread_waker(&self) -> impl Future<Output = ()> + Send + use<> {
        self.shared().group_commit.thread_waker().run()
    }

    /// Waits for the oldest sealed segment and hands it out. Several may be out at once.
    pub async fn next_sealed(&self) -> Sealed {
        let shared = self.shared();
        Sealed {
            segment: shared.sealed.take().await,
            shared: Arc::clone(shared),
        }
    }

    /// Seals what has been appended so far, if anything has.
    ///
    /// # Errors
    /// `Disk`, `NoSpace`: not sealed yet, and tried again; `Closed`.
    pub async fn seal(&self) -> Result<(), SpoolError> {
        self.shared().group_commit.push_seal()?.sealed().await
    }

    /// Deletes a segment whose INSERT has been acknowledged.
    ///
    /// # Errors
    /// `Disk`: this process does not hand the segment out again, and tries to delete it with the
    /// next one. If the process ends before that, the next process hands it out under the same id.
    pub async fn delete(&self, sealed: Sealed) -> Result<(), SpoolError> {
        blocking(move || {
            let shared = &sealed.shared;
            let mut outcome = Ok(());
            for segment in shared.sealed.finish(sealed.segment.name.seq) {
                let name = segment.name.to_string();
                match shared.disk.remove(&name) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        count(&shared.counters.disk_errors, 1);
                        shared.sealed.keep_undeleted(segment);
                        outcome = Err(SpoolError::disk("delete", name, error));
                    }
                    _ => {
                        shared.release(segment.extent.bytes);
                        count(&shared.counters.deleted, segment.extent.records);
                    }
                }
            }
            outcome?;
            // Also covers earlier deletions whose sync of the folder failed.
            shared.sync_dir()
        })
        .await
    }

    /// Sets a segment aside as `.quarantine`: one that ClickHouse will never accept, or that the
    /// disk will never read. It no longer blocks the segments after it. Its records count as
    /// corrupt.
    ///
    /// # Errors
    /// `Disk`: the segment has returned to the queue.
    pub async fn set_aside(&self, sealed: Sealed) -> Result<(), SpoolError> {
        blocking(move || {
            let (shared, segment) = (&sealed.shared, &sealed.segment);
            let name = segment.name.to_string();
            let aside = segment.name.with(State::Quarantine).to_string();
            shared.disk.rename(&name, &aside).map_err(|error| {
                count(&shared.counters.disk_errors, 1);
                SpoolError::disk("set aside", name, error)
            })?;
            shared.sealed.forget(segment.name.seq);
            shared.release(segment.extent.bytes);
            tracing::error!(segment = %segment.name.id, records = segment.extent.records,
                "a spool segment is quarantined; it will not be inserted");
            let counters = &shared.counters;
            count(&counters.corrupt_records, segment.extent.records);
            count(&counters.corrupt_segments, 1);
            count(&counters.quarantine_bytes, segment.extent.bytes);
            shared.sync_dir()
        })
        .await
    }

    /// Returns a segment whose INSERT failed for now: it is the next to be handed out. Dropping it
    /// does the same.
    pub fn give_back(&self, sealed: Sealed) {
        drop(sealed);
    }

    /// The records of all sealed segments that may hold any appended since `since`, one by one and
    /// oldest first, read on the calling thread. Used to rebuild open visits: call it after
    /// [`open`](Self::open), which seals what was open, and before the first append. It goes by the
    /// wall clock, so after a jump of the clock it may return more or fewer records. Of a backlog
    /// of more than `bytes_max` bytes since then, only the newest segments are read, the last one
    /// always.
    pub fn recover_recent(&self, since: SystemTime, bytes_max: u64) -> RecentRecords {
        let shared = self.shared();
        let since_ms = since
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as u64);
        let mut segments = shared.sealed.unfinished();
        // A segment was written to until the next one began.
        let first = segments
            .windows(2)
            .position(|pair| pair[1].created_ms >= since_ms)
            .unwrap_or(segments.len().saturating_sub(1));
        let mut bytes = 0;
        let fitting = segments[first..].iter().rev().take_while(|segment| {
            bytes += segment.extent.bytes;
            bytes <= bytes_max
        });
        let newest = fitting.count().max(1).min(segments.len());
        let first = first.max(segments.len() - newest);
        segments.drain(..first);
        RecentRecords::new(Arc::clone(shared), segments)
    }

    /// Logs the end of a fault that is over. Call it every few seconds.
    pub fn tick(&self) {
        self.shared().tick();
    }

    /// Gauges and counters. Cheap: takes one short lock.
    pub fn stats(&self) -> SpoolStats {
        stats::read(self.shared())
    }
}

/// Runs disk work on the blocking pool, to its end even if the caller is cancelled.
pub(super) async fn blocking(
    work: impl FnOnce() -> Result<(), SpoolError> + Send + 'static,
) -> Result<(), SpoolError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(SpoolError::Closed))
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.group_commit.close();
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the spool's writer thread panicked; restart the collector");
        }
    }
}

fn check(options: &SpoolOptions) -> Result<(), SpoolError> {
    let wrong = |option, why| Err(SpoolError::Option { option, why });
    if options.schema.len() > SCHEMA_BYTES_MAX {
        return wrong("schema", "is longer than 4 KiB");
    }
    if options.segment_bytes_max < SEGMENT_BYTES_MIN {
        return wrong("segment_bytes_max", "is smaller than 64 KiB");
    }
    Ok(())
}
