//! The durable queue on disk between accepting a beacon and inserting its event: after `visit`,
//! before `store`.
//!
//! # Constraints
//!
//! - What is acknowledged is on disk: [`Spool::append`] comes back after `fdatasync` covered the
//!   record.
//! - What is on disk goes into ClickHouse exactly once: a sealed segment never changes, reads as
//!   the same bytes each time, and keeps its random id over restarts. The id is the INSERT's
//!   `insert_deduplication_token`.
//! - Nothing is acknowledged and then dropped for want of room: a full spool refuses
//!   ([`SpoolError::is_transient`], 503).
//! - Only anonymised events come here. The spool takes bytes and does not look into them.
//! - No input, no damage and no failing disk makes it panic, or lose a record other than the one
//!   damaged.
//! - Memory is bounded whatever the backlog: two batches of 1 MiB, a read window, and under 300
//!   bytes a segment.
//!
//! # When 202 is sent, and when data may be deleted
//!
//! ```text
//! append ─▶ batch ─▶ one write ─▶ one fdatasync ─▶ 202      … size or age reached ─▶ rename to .sealed, fsync of the folder
//!                                                                                        │
//!              unlink, fsync of the folder ◀── INSERT acknowledged ◀── next_sealed ◀─────┘
//! ```
//! One thread writes. All that arrives while the disk syncs is the next batch. The first batch of a
//! segment also syncs the folder before it is acknowledged. A segment is deleted only by
//! [`Spool::delete`], which takes the [`Sealed`]: call it once the INSERT, roll-ups included, is
//! acknowledged and durable on the other side. A `Sealed` that is dropped goes back.
//!
//! A segment is sealed when the next record would not fit, or at its age. Age seals nothing while
//! four segments are already waiting: in an outage, segments grow to full size instead of one a
//! second piling up.
//!
//! # What is lost
//!
//! - **`kill -9`**: nothing acknowledged. Records whose append was still waiting may be kept or
//!   not.
//! - **Power cut**: the same, as long as the disk honours a flush and does not damage, in a torn
//!   write, sectors (512 bytes) it was not given or that it was given unchanged. A deletion may
//!   come undone; the segment is then inserted again under its old token.
//! - **Failed write or `fdatasync`**: the appends concerned fail. The kernel may afterwards call
//!   pages clean that it never wrote, so the file is never written to or trusted again past its
//!   last good sync: it is sealed with that length in its name, and a new segment begun. Until the
//!   rename has worked no segment is begun. Only a crash before that can bring back records whose
//!   append had failed (whoever sends them again does so with the same idempotency key).
//! - **Damage at rest**: the damaged record; if its head is hit, nothing more. A segment with both
//!   copies of its header damaged is set aside whole as `.quarantine`. Both are logged, counted,
//!   and never fatal.
//!
//! # On disk
//!
//! A folder (0700) with one `lock` and the segments (0600), named as `name.rs` says: length and
//! number of records of a sealed segment stand in its name, so opening reads names and headers, not
//! records. All numbers are little-endian.
//!
//! ```text
//! segment  header, header again, record …                    (zeros may follow the records of an .open segment)
//! header   "SILSPOOL"  version u32  crc32 of these 12 bytes u32                       (this much holds in every version)
//!          id 16 bytes  created, Unix ms, u64  schema length u32  schema  crc32 of all before u32
//! record   payload length u32  crc32 of payload u32  crc32 of (offset u64, the two before) u32  payload
//! ```
//! Both checksums of a record start from the crc32 of the segment's id. A record's length has a
//! checksum of its own, so a damaged payload costs no search: the length still leads on. If the
//! head is damaged, the reader searches byte by byte for the next whole head. As that is checked
//! against its own offset and a random id that no visitor knows, bytes sent in a beacon cannot pose
//! as a record, nor can a block which the disk put in the wrong place.
//!
//! Zeros are written ahead of the records, as far again as the segment is long, at most 1 MiB; most
//! syncs then change no metadata. On ext4, a write and `fdatasync` of 10 KiB takes 0.21 to 0.26 ms
//! this way (medians of four runs, two busy cores), 0.64 to 0.80 ms when simply appending and 0.46
//! to 0.60 ms after `fallocate`, whose extents have to be converted.
//!
//! The batch that follows a sync waits a moment for those who were just answered (`writer.rs`,
//! `Gather`). With 64 tasks that append 150 bytes each as fast as they are answered, it raises the
//! mean batch to 60 and `benches/spool.rs` from 13,300 to 27,800 appends a second: 1.06 times what
//! a bare loop gets that appends and syncs 64 such records at a time, instead of 0.59 times
//! (medians of seven, unoptimised build, two busy cores). Opening ten million events took 0.11 s
//! and 11 MB. Under load about a millisecond also passes from one write to the next, unless all who
//! may be expected are there: a sync costs the processor as much as two beacons. Under
//! `benches/load.lua` that makes 42 records a sync instead of 14.
//!
//! # Deliberately not here
//!
//! - **Encryption at rest.** What lies here is anonymised, lives for seconds, and then lies in
//!   ClickHouse in the clear; a key in memory would cost what the spool is for, surviving a
//!   restart, and a key beside it would protect nothing.
//! - Deduplication of beacons (`k`), INSERTs, retries: `visit` and `store`.
//! - **A crate.** Looked at in late 2026: *yaque* 0.6.6 and *commitlog* 0.2.0 call neither `fsync`
//!   nor `fdatasync` (only `File::flush`, which does nothing); *okaywal* 0.3.1 syncs, but says of
//!   itself that it is not for production, and reclaims by checkpoint; *fjall* 3 is a whole LSM
//!   tree. None hands out a segment with a stable id that reads as the same bytes each time, and
//!   that is what exactly-once hangs on.

#![warn(missing_docs)]

mod batch;
mod disk;
mod error;
mod group_commit;
mod name;
mod quarantine;
mod reader;
mod recover;
mod sealed_queue;
mod segment;
mod stats;
mod writer;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use self::disk::{Disk, RealDisk};
use self::group_commit::{BATCH_BYTES_MAX, Intake};
use self::name::State;
use self::sealed_queue::Shelf;
use self::segment::RECORD_OVERHEAD_BYTES;
use self::stats::{Counters, count};
use self::writer::Writer;
use sillage_episode::{Episode, Line};

pub use self::error::{AppendFailed, SpoolError};
pub use self::quarantine::{IsMeant, SetAside, set_aside_in};
pub use self::reader::{Batch, Batches, RecentRecord, RecentRecords};
pub use self::sealed_queue::Sealed;
pub use self::segment::{RECORD_BYTES_MAX, SCHEMA_BYTES_MAX, SegmentId};
pub use self::stats::{SpoolStats, Trouble};

/// Smallest sensible [`SpoolOptions::segment_bytes_max`]: room for the longest header and one
/// longest record.
pub const SEGMENT_BYTES_MIN: u64 = 64 << 10;
const _: () = assert!(
    SEGMENT_BYTES_MIN as usize
        >= segment::HEADER_BYTES_MAX + RECORD_OVERHEAD_BYTES + RECORD_BYTES_MAX
);
const _: () = assert!(RECORD_BYTES_MAX <= BATCH_BYTES_MAX);

/// Room that a beacon takes at most in nearly all cases; for telling a full spool.
const BEACON_BYTES: u64 = 1 << 10;

/// How a spool is to be kept.
#[derive(Debug, Clone)]
pub struct SpoolOptions {
    /// Its folder, used by nobody else; made if need be.
    pub dir: PathBuf,
    /// Bytes of segments on disk, heads and headers included, from which on appends are refused as
    /// `Full`.
    pub bytes_max: u64,
    /// A segment is sealed before it grows beyond this many bytes, at least [`SEGMENT_BYTES_MIN`] …
    pub segment_bytes_max: u64,
    /// … or at this age, or thrice as old with more than 1 MiB in it.
    pub segment_age_max: Duration,
    /// Kept with each segment begun from now on, at most [`SCHEMA_BYTES_MAX`] bytes: what whoever
    /// inserts it needs to know about how its records are encoded.
    pub schema: String,
}

/// The open spool. Clones are the same spool; the last to be dropped stops the writer (and leaves
/// the open segment for the next start to seal; call [`seal`](Self::seal) before).
#[derive(Clone)]
pub struct Spool {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

/// What the appending tasks, the writer and the store's hands share.
struct Shared {
    disk: Arc<dyn Disk>,
    options: SpoolOptions,
    schema: Arc<str>,
    /// Length of a new segment's header.
    header_bytes: u64,
    intake: Intake,
    shelf: Shelf,
    /// Bytes of segments on disk and of records on their way there.
    bytes: AtomicU64,
    counters: Counters,
    /// What the disk refuses right now; the writer says so.
    disk_trouble: AtomicU8,
    /// What is logged of a disk that refuses, and of a spool without room.
    disk_episode: Episode,
    full_episode: Episode,
}

/// A fault that comes and goes within this time is one fault.
const QUIET: Duration = Duration::from_secs(5);

impl Spool {
    /// Opens the folder, recovers what an earlier process left there, and starts the writer. Blocks
    /// for the length of one open segment and one header a sealed one.
    ///
    /// # Errors
    /// `Option`, `Folder`, `Locked`, `NewerFormat` (the folder is then as it was), `Disk`.
    pub fn open(options: SpoolOptions) -> Result<Self, SpoolError> {
        check(&options)?;
        let disk = RealDisk::open(&options.dir)?;
        Self::open_on(Arc::new(disk), options)
    }

    fn open_on(disk: Arc<dyn Disk>, options: SpoolOptions) -> Result<Self, SpoolError> {
        check(&options)?;
        let recovered = recover::recover(disk.as_ref())?;
        let bytes = recovered
            .segments
            .iter()
            .map(|segment| segment.extent.bytes);
        let shared = Arc::new(Shared {
            disk,
            schema: Arc::from(options.schema.as_str()),
            header_bytes: segment::header_bytes(&options.schema),
            options,
            intake: Intake::new(),
            shelf: Shelf::default(),
            bytes: AtomicU64::new(bytes.sum()),
            counters: Counters {
                corrupt_segments: recovered.set_aside.into(),
                quarantine_bytes: recovered.quarantine_bytes.into(),
                torn_bytes: recovered.torn_bytes.into(),
                foreign_files: (recovered.foreign.len() as u64).into(),
                ..Counters::default()
            },
            disk_trouble: AtomicU8::new(0),
            disk_episode: Episode::over_after(QUIET),
            full_episode: Episode::over_after(QUIET),
        });
        for segment in recovered.segments {
            shared.shelf.put(segment);
        }
        let writer = Writer::new(Arc::clone(&shared), recovered.next_seq);
        let writer = thread::Builder::new()
            .name("spool".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| SpoolError::disk("start", "its writer", error))?;
        let writer = Some(writer);
        Ok(Self {
            handle: Arc::new(Handle { shared, writer }),
        })
    }

    /// Comes back once the record is on disk. A call that is cancelled may have appended it or not.
    ///
    /// # Errors
    /// `RecordSize`; `Full`, `NoSpace`, `Busy`, `Disk`, `Closed`: the record is not kept, and may
    /// be sent again.
    pub async fn append(&self, record: impl AsRef<[u8]> + Send + Sync) -> Result<(), SpoolError> {
        let appended = self.append_all(&[record]).await;
        appended.map_err(|failed| failed.error)
    }

    /// Appends several records, at most 1 MiB together, as one, for the same sync: all are kept or
    /// none is, but where the disk fails exactly between two segments. Comes back, and may be
    /// cancelled, like [`append`](Self::append).
    ///
    /// # Errors
    /// As of [`append`](Self::append), and how many of the first ones are kept nevertheless.
    pub async fn append_all(
        &self,
        records: &[impl AsRef<[u8]> + Sync],
    ) -> Result<(), AppendFailed> {
        if records.is_empty() {
            return Ok(());
        }
        let shared = &self.handle.shared;
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
        let admitted = shared.admit(records.len(), payload_bytes)?;
        let pushed = shared.intake.push(records, payload_bytes).await;
        if let Err(SpoolError::Busy { .. }) = &pushed {
            count(&shared.counters.refused_busy, 1);
        }
        let (ticket, place) = pushed?;
        admitted.hand_over();
        ticket.durable(place..place + records.len()).await
    }

    /// Tells the tasks of one thread that their appends are on disk, which is less work for a
    /// thread with a single-threaded runtime and many appends (`herald.rs`). Spawn it there, before
    /// them; it ends with the spool.
    pub fn herald(&self) -> impl Future<Output = ()> + Send + use<> {
        self.handle.shared.intake.herald().run()
    }

    /// Waits for the oldest sealed segment and hands it out. Several may be out at once.
    pub async fn next_sealed(&self) -> Sealed {
        let shared = &self.handle.shared;
        Sealed {
            segment: shared.shelf.take().await,
            shared: Arc::clone(shared),
        }
    }

    /// Seals what has been appended so far, if anything has.
    ///
    /// # Errors
    /// `Disk`, `NoSpace`: still to be sealed, which is tried again; `Closed`.
    pub async fn seal(&self) -> Result<(), SpoolError> {
        self.handle.shared.intake.push_seal()?.sealed().await
    }

    /// Deletes a segment whose INSERT has been acknowledged.
    ///
    /// # Errors
    /// `Disk`: the segment is not handed out again by this process, and its deletion is tried again
    /// with the next one's. Should the process end before, the next one hands it out under the same
    /// id.
    pub async fn delete(&self, sealed: Sealed) -> Result<(), SpoolError> {
        unhurried(move || {
            let shared = &sealed.shared;
            let mut outcome = Ok(());
            for segment in shared.shelf.finish(sealed.segment.name.seq) {
                let name = segment.name.to_string();
                match shared.disk.remove(&name) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        count(&shared.counters.disk_errors, 1);
                        shared.shelf.keep_undeleted(segment);
                        outcome = Err(SpoolError::disk("delete", name, error));
                    }
                    _ => {
                        shared.release(segment.extent.bytes);
                        count(&shared.counters.deleted, segment.extent.records);
                    }
                }
            }
            outcome?;
            // Covers earlier ones whose folder could not be synced, too.
            shared.sync_dir()
        })
        .await
    }

    /// Sets a segment aside as `.quarantine`, for one that ClickHouse will never take or that the
    /// disk will never read, so that those behind it get their turn. Its records count as corrupt.
    ///
    /// # Errors
    /// `Disk`: the segment has gone back to the queue.
    pub async fn set_aside(&self, sealed: Sealed) -> Result<(), SpoolError> {
        unhurried(move || {
            let (shared, segment) = (&sealed.shared, &sealed.segment);
            let name = segment.name.to_string();
            let aside = segment.name.with(State::Quarantine).to_string();
            shared.disk.rename(&name, &aside).map_err(|error| {
                count(&shared.counters.disk_errors, 1);
                SpoolError::disk("set aside", name, error)
            })?;
            shared.shelf.forget(segment.name.seq);
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

    /// The INSERT failed for now: it is the next to be handed out again. Dropping it does the same.
    pub fn give_back(&self, sealed: Sealed) {
        drop(sealed);
    }

    /// All records in sealed segments that may hold any appended since `since`, one by one and
    /// oldest first, on the calling thread. For rebuilding open visits: call it after
    /// [`open`](Self::open), which seals what was open, and before the first append. Goes by the
    /// wall clock; where that jumped it may come back with more or fewer. Of a backlog with more
    /// than `bytes_max` bytes since then, only its newest segments are read, the last one always.
    pub fn recover_recent(&self, since: SystemTime, bytes_max: u64) -> RecentRecords {
        let shared = &self.handle.shared;
        let since_ms = since
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as u64);
        let mut segments = shared.shelf.unfinished();
        // A segment was written to until the next was begun.
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
        self.handle.shared.tick();
    }

    /// Reads gauges and counters. Cheap; takes one short lock.
    pub fn stats(&self) -> SpoolStats {
        stats::read(&self.handle.shared)
    }
}

/// Runs disk work on the blocking pool. Not cancelled with the caller: what has been begun is
/// ended.
async fn unhurried(
    work: impl FnOnce() -> Result<(), SpoolError> + Send + 'static,
) -> Result<(), SpoolError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(SpoolError::Closed))
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.intake.close();
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the spool's writer has panicked");
        }
    }
}

impl Shared {
    fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Reserves room for records. Room for the header that they may need is kept free besides.
    fn admit(&self, records: usize, payload_bytes: usize) -> Result<Admitted<'_>, SpoolError> {
        let bytes = (records * RECORD_OVERHEAD_BYTES + payload_bytes) as u64;
        match self.take_room(bytes, self.header_bytes) {
            Ok(()) => Ok(Admitted {
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

    /// Whether a beacon of ordinary length would be refused for want of room.
    fn is_full(&self) -> bool {
        let needed = self.header_bytes + BEACON_BYTES;
        self.bytes().saturating_add(needed) > self.options.bytes_max
    }

    fn tick(&self) {
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

    /// Takes the room for a new segment's header.
    fn take_header(&self) -> Result<(), SpoolError> {
        self.take_room(self.header_bytes, 0)
    }

    fn take_room(&self, bytes: u64, spare_bytes: u64) -> Result<(), SpoolError> {
        let bytes_max = self.options.bytes_max;
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

    fn sync_dir(&self) -> Result<(), SpoolError> {
        self.disk.sync_dir().map_err(|error| {
            count(&self.counters.disk_errors, 1);
            SpoolError::disk("sync", "the folder", error)
        })
    }

    fn release(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Room for records, given back unless they went to the writer, who sees to it from then on.
struct Admitted<'a> {
    shared: &'a Shared,
    bytes: u64,
}

impl Admitted<'_> {
    fn hand_over(mut self) {
        self.bytes = 0;
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        self.shared.release(self.bytes);
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
