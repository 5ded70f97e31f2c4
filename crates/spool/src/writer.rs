//! The one thread that writes: takes what has gathered, writes it in one piece, syncs once, tells
//! everybody.
//!
//! A thread of its own with plain file calls, since `fdatasync` blocks for 0.1 to 10 ms whatever is
//! used to call it, and on the runtime's blocking pool it would queue behind other work.
//! Invariants: a record is reported durable only after a sync that began after it was written
//! succeeded; after a failed write or sync nothing is ever appended to that file again; a file's
//! name says how much of it counts, before the next segment is begun.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::Shared;
use super::disk::{DiskFile, Space};
use super::error::SpoolError;
use super::group_commit::{Gather, Outcome, Take, Work};
use super::name::{Extent, SegmentName, State};
use super::sealed_queue::Segment;
use super::segment::{Checksum, Header, RECORD_OVERHEAD_BYTES, SegmentId};
use super::stats::{self, count};
use sillage_episode::Line;

/// Zeros are written ahead of the records, at most so far. A sync then finds blocks and length as
/// they were and has only to write, not to journal; see the module doc for what that is worth.
const AHEAD_BYTES_MAX: u64 = 1 << 20;
/// Kept free on the file system, or a twentieth of it if that is less: room to seal, and for
/// everybody else on it.
const RESERVE_BYTES_MAX: u64 = 64 << 20;
/// Segments waiting for the store from which on age seals no more: further segments would only be
/// more, smaller INSERTs.
pub(super) const WAITING_SEALED_MAX: usize = 4;
/// A segment this large at its age has many beacons behind it. Fewer, larger INSERTs cost the store
/// less a row (at 40,000 beacons a second 5.9 instead of 9.6 µs, merges included), so it is let
/// grow to [`BUSY_AGES`] times that age.
const BUSY_BYTES: u64 = 1 << 20;
const BUSY_AGES: u32 = 3;
/// How often a seal that failed, or that age has to hold back, is looked at again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// A disk that has failed for this long is tried every [`REST`] only, and appends meanwhile are
/// refused without a try.
const PATIENCE: Duration = Duration::from_secs(1);
const REST: Duration = Duration::from_millis(250);

/// Under load, time from the beginning of one batch's write to that of the next: a sync costs the
/// processor about as much as two whole beacons, so that many small batches would take from the
/// beacons what they give them in latency.
const PACE: Duration = Duration::from_micros(800);
/// Longest time the writer lets a batch gather after the last one's sync.
const GATHER_MAX: Duration = Duration::from_millis(1);

pub(super) struct Writer {
    shared: Arc<Shared>,
    /// Those who were told that their records are durable are likely to come back with more, all at
    /// once. The first of them would get a sync of its own and keep the others waiting for the
    /// next: so wait for all of them and those who came meanwhile, but no longer than [`PACE`] or a
    /// third as long as the last sync took.
    gather: Gather,
    next_seq: u64,
    open: Option<Open>,
    /// Sealed in memory but not yet, or not durably, on disk.
    closing: Option<Closing>,
    buffer: Vec<u8>,
    /// While the disk refuses.
    trouble: Option<Failing>,
}

/// A disk that fails, is read-only or has no room.
struct Failing {
    since: Instant,
    tried: Instant,
    error: SpoolError,
}

/// The segment being written to.
struct Open {
    name: SegmentName,
    created_ms: u64,
    opened: Instant,
    file: Box<dyn DiskFile>,
    sum: Checksum,
    /// What has been synced.
    durable: Extent,
    /// Length of the file; zeros behind `durable`.
    file_bytes: u64,
}

struct Closing {
    open: Open,
    is_renamed: bool,
}

impl Writer {
    pub fn new(shared: Arc<Shared>, next_seq: u64) -> Self {
        Self {
            shared,
            gather: Gather {
                records: 0,
                until: Instant::now(),
            },
            next_seq,
            open: None,
            closing: None,
            buffer: Vec::new(),
            trouble: None,
        }
    }

    /// Writes until the intake is closed.
    pub fn run(mut self) {
        let mut work = Work::default();
        loop {
            match self
                .shared
                .intake
                .take(&mut work, self.patience(), self.gather)
            {
                Take::Closed => return,
                Take::Nothing => {
                    let settled = match &self.trouble {
                        Some(_) => self.probe(),
                        None => self.settle(),
                    };
                    self.note(settled.as_ref().err());
                }
                Take::Work(next) => {
                    work = next;
                    self.commit(&mut work);
                }
            }
            if self.is_due() {
                let sealed = self.seal();
                self.note_failure(sealed.as_ref().err());
            }
        }
    }

    fn patience(&self) -> Option<Duration> {
        if self.closing.is_some() || self.trouble.is_some() {
            return Some(RETRY_AFTER);
        }
        let open = self.open.as_ref()?;
        let age_max = age_max(self.shared.options.segment_age_max, open.durable.bytes);
        let left = age_max.saturating_sub(open.opened.elapsed());
        Some(if left.is_zero() { RETRY_AFTER } else { left })
    }

    fn is_due(&self) -> bool {
        self.open.as_ref().is_some_and(|open| {
            let age_max = age_max(self.shared.options.segment_age_max, open.durable.bytes);
            open.opened.elapsed() >= age_max && self.shared.shelf.waiting() < WAITING_SEALED_MAX
        })
    }

    fn commit(&mut self, work: &mut Work) {
        let start = Instant::now();
        let mut durable = 0;
        let mut payloads = work.payloads.as_slice();
        let mut failure = None;
        while durable < work.lengths.len() {
            let written = match self.resting() {
                Some(error) => Err(error),
                None => {
                    let written = self.write(payloads, &work.lengths[durable..]);
                    self.note(written.as_ref().err());
                    written
                }
            };
            match written {
                Ok(written) => {
                    durable += written.records;
                    payloads = &payloads[written.payload_bytes..];
                }
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        let lost = &work.lengths[durable..];
        let lost_bytes = lost.iter().map(|&length| record_bytes(length)).sum();
        self.shared.release(lost_bytes);
        count(&self.shared.counters.appended, durable as u64);
        count(&self.shared.counters.refused_disk, lost.len() as u64);
        let now = Instant::now();
        let gathered = now + ((now - start) / 3).min(GATHER_MAX);
        self.gather = Gather {
            records: work.lengths.len(),
            until: gathered.max(start + PACE),
        };
        let unsealed = if work.is_sealing {
            let sealed = self.seal();
            self.note_failure(sealed.as_ref().err());
            sealed.err()
        } else {
            None
        };
        work.finish(Outcome {
            durable,
            failure,
            unsealed,
        });
    }

    /// Why the disk is not tried right now, if it is not.
    fn resting(&self) -> Option<SpoolError> {
        let failing = self.trouble.as_ref()?;
        let is_resting = failing.since.elapsed() >= PATIENCE && failing.tried.elapsed() < REST;
        is_resting.then(|| failing.error.clone())
    }

    /// Takes in how a try at the disk ended.
    fn note(&mut self, error: Option<&SpoolError>) {
        if error.is_some() {
            return self.note_failure(error);
        }
        if self.trouble.take().is_some() {
            self.shared.disk_trouble.store(0, Ordering::Relaxed);
            self.shared.tick();
        }
    }

    fn note_failure(&mut self, error: Option<&SpoolError>) {
        let (error, kind) = match error {
            Some(error @ SpoolError::NoSpace { .. }) => (error, stats::NO_SPACE),
            Some(error @ SpoolError::Disk { .. }) => (error, stats::DISK),
            // A full spool is not the disk's fault, and the others are not faults of a disk at all.
            Some(_) | None => return,
        };
        let now = Instant::now();
        self.trouble = Some(Failing {
            since: self.trouble.as_ref().map_or(now, |failing| failing.since),
            tried: now,
            error: error.clone(),
        });
        self.shared.disk_trouble.store(kind, Ordering::Relaxed);
        match self.shared.disk_episode.failed() {
            Some(Line::Began) => {
                tracing::error!(%error, "beacons are refused: the spool can't write to its disk; accepted events are safe, and writing is tried again");
            }
            Some(Line::GoesOn { failures }) => {
                let refused = self.shared.counters.refused_disk.load(Ordering::Relaxed);
                tracing::error!(%error, failures, refused_since_start = refused, "beacons are still refused: the spool can't write");
            }
            Some(Line::Over { .. }) | None => {}
        }
    }

    /// Finds out, while nothing arrives, whether a disk that has failed works again.
    fn probe(&mut self) -> Result<(), SpoolError> {
        self.settle()?;
        self.has_room(self.shared.header_bytes)?;
        let id = SegmentId::random()
            .map_err(|error| SpoolError::disk("name", "a segment", error.into()))?;
        let name = SegmentName {
            seq: self.next_seq,
            id,
            state: State::Open {
                created_ms: unix_ms(),
            },
        };
        let disk = &self.shared.disk;
        let path = name.to_string();
        let file = disk
            .create(&path)
            .map_err(|error| self.failed("create", &name, error))?;
        let written = file.write_all_at(0, &[0; 512]);
        let synced = written.and_then(|()| file.sync_data());
        // Also after a failure: what stays is removed by the next start.
        let removed = disk.remove(&path);
        synced
            .and(removed)
            .and_then(|()| disk.sync_dir())
            .map_err(|error| self.failed("try a file beside", &name, error))
    }

    /// Writes and syncs as many of these records as fit into one segment, at least one.
    fn write(&mut self, payloads: &[u8], lengths: &[u32]) -> Result<Written, SpoolError> {
        self.settle()?;
        let bytes_max = self.shared.options.segment_bytes_max;
        let next_bytes = lengths.first().map_or(0, |&length| record_bytes(length));
        if self
            .open
            .as_ref()
            .is_some_and(|open| open.durable.bytes + next_bytes > bytes_max)
        {
            self.seal()?;
        }
        self.buffer.clear();
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.begin(lengths.iter().map(|&length| record_bytes(length)).sum())?,
        };
        let start = open.durable.bytes;
        let mut written = Written::default();
        for &length in lengths {
            let at = start + self.buffer.len() as u64;
            if at + record_bytes(length) > bytes_max {
                break;
            }
            let end = written.payload_bytes + length as usize;
            let payload = &payloads[written.payload_bytes..end];
            open.sum.encode(at, payload, &mut self.buffer);
            written.records += 1;
            written.payload_bytes = end;
        }
        let end = start + self.buffer.len() as u64;
        if end > open.file_bytes {
            let ahead = self.ahead(start, end);
            if start > 0
                && let Err(error) = self.has_room(ahead - start)
            {
                // Nothing was written: the segment is as good as before.
                self.open = Some(open);
                return Err(error);
            }
            self.buffer.resize((ahead - start) as usize, 0);
            open.file_bytes = ahead;
        }
        if let Err(error) = self.sync(&open) {
            return Err(self.abandon(open, error));
        }
        open.durable.bytes = end;
        open.durable.records += written.records as u64;
        self.open = Some(open);
        Ok(written)
    }

    fn sync(&self, open: &Open) -> Result<(), SpoolError> {
        let failed = |action| move |error| self.failed(action, &open.name, error);
        open.file
            .write_all_at(open.durable.bytes, &self.buffer)
            .map_err(failed("write to"))?;
        open.file.sync_data().map_err(failed("sync"))?;
        count(&self.shared.counters.syncs, 1);
        if open.durable.bytes == 0 {
            // The first records are on disk; the name under which to find them has to be as well.
            self.shared
                .disk
                .sync_dir()
                .map_err(failed("sync the folder of"))?;
        }
        Ok(())
    }

    /// Creates the next segment and puts its header into the buffer.
    fn begin(&mut self, records_bytes: u64) -> Result<Open, SpoolError> {
        let header_bytes = self.shared.header_bytes;
        self.has_room(header_bytes + records_bytes)?;
        self.shared.take_header()?;
        let begun = self.create();
        if begun.is_err() {
            self.shared.release(header_bytes);
        }
        begun
    }

    fn create(&mut self) -> Result<Open, SpoolError> {
        let id = SegmentId::random()
            .map_err(|error| SpoolError::disk("name", "a segment", error.into()))?;
        let created_ms = unix_ms();
        let name = SegmentName {
            seq: self.next_seq,
            id,
            state: State::Open { created_ms },
        };
        let file = self
            .shared
            .disk
            .create(&name.to_string())
            .map_err(|error| self.failed("create", &name, error))?;
        self.next_seq += 1;
        let header = Header {
            id,
            created_ms,
            schema: self.shared.schema.to_string(),
        };
        header.encode(&mut self.buffer);
        self.shared.shelf.set_open(Some(created_ms));
        Ok(Open {
            name,
            created_ms,
            opened: Instant::now(),
            file,
            sum: Checksum::of(id),
            durable: Extent {
                records: 0,
                bytes: 0,
            },
            file_bytes: 0,
        })
    }

    /// How long to make a file that has to be at least `end` long: ahead as far as it is long
    /// already, so that a quiet site's small segments stay small.
    fn ahead(&self, start: u64, end: u64) -> u64 {
        let options = &self.shared.options;
        let spare = options.bytes_max.saturating_sub(self.shared.bytes());
        let ahead = start.min(AHEAD_BYTES_MAX).min(spare);
        (end + ahead)
            .next_multiple_of(4096)
            .min(end + spare)
            .min(options.segment_bytes_max)
            .max(end)
    }

    fn has_room(&self, bytes: u64) -> Result<(), SpoolError> {
        match self.shared.disk.space() {
            Ok(space) if space.free >= bytes + reserve(space.total) => Ok(()),
            Ok(space) => Err(no_space(space)),
            // Whoever cannot say how much there is will say so when there is none.
            Err(_) => Ok(()),
        }
    }

    fn failed(&self, action: &'static str, name: &SegmentName, error: io::Error) -> SpoolError {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => no_space(
                self.shared
                    .disk
                    .space()
                    .unwrap_or(Space { free: 0, total: 0 }),
            ),
            _ => SpoolError::disk(action, name, error),
        }
    }

    /// After a failure the kernel may have dropped what it could not write and call the pages
    /// clean: neither that file's contents past `durable` nor a later successful sync of it mean
    /// anything. So it ends where it last was durable.
    fn abandon(&mut self, open: Open, error: SpoolError) -> SpoolError {
        count(&self.shared.counters.disk_errors, 1);
        self.close(open);
        let _ = self.settle();
        error
    }

    /// Seals what is open.
    fn seal(&mut self) -> Result<(), SpoolError> {
        if let Some(open) = self.open.take() {
            self.close(open);
        }
        self.settle()
    }

    fn close(&mut self, open: Open) {
        self.closing = Some(Closing {
            open,
            is_renamed: false,
        });
    }

    /// Brings a closed segment under its final name. Until that works no other segment is begun.
    fn settle(&mut self) -> Result<(), SpoolError> {
        let Some(mut closing) = self.closing.take() else {
            return Ok(());
        };
        let settled = self.settle_one(&mut closing);
        if settled.is_err() {
            count(&self.shared.counters.disk_errors, 1);
            self.closing = Some(closing);
        }
        settled
    }

    fn settle_one(&self, closing: &mut Closing) -> Result<(), SpoolError> {
        let disk = &self.shared.disk;
        let open = &closing.open;
        let name = open.name;
        let sealed = name.with(State::Sealed {
            created_ms: open.created_ms,
            extent: open.durable,
        });
        if !closing.is_renamed {
            if open.durable.records == 0 {
                match disk.remove(&name.to_string()) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(self.failed("remove", &name, error));
                    }
                    _ => {}
                }
            } else {
                // Gives the room behind the records back. Should it fail, the name still says where
                // they end.
                if open.file_bytes > open.durable.bytes
                    && let Err(error) = open.file.set_len(open.durable.bytes)
                {
                    tracing::warn!(segment = %name.id, %error, "the spool could not shorten a sealed segment");
                }
                // All of `durable` has been synced before it was acknowledged; no need to do so
                // again.
                disk.rename(&name.to_string(), &sealed.to_string())
                    .map_err(|error| self.failed("seal", &name, error))?;
            }
            closing.is_renamed = true;
        }
        disk.sync_dir()
            .map_err(|error| self.failed("sync the folder of", &name, error))?;
        self.shared.shelf.set_open(None);
        if open.durable.records == 0 {
            self.shared.release(self.shared.header_bytes);
        } else {
            let schema = Arc::clone(&self.shared.schema);
            self.shared
                .shelf
                .put(Segment::new(sealed, open.created_ms, open.durable, schema));
        }
        Ok(())
    }
}

impl Drop for Writer {
    /// However the thread ends, nobody waits for it afterwards.
    fn drop(&mut self) {
        self.shared.intake.abandon();
    }
}

#[derive(Default)]
struct Written {
    records: usize,
    payload_bytes: usize,
}

/// At which age a segment with so many bytes is sealed: the configured one, or that times
/// [`BUSY_AGES`] under load.
fn age_max(configured: Duration, bytes: u64) -> Duration {
    if bytes < BUSY_BYTES {
        configured
    } else {
        configured * BUSY_AGES
    }
}

fn record_bytes(payload_bytes: u32) -> u64 {
    RECORD_OVERHEAD_BYTES as u64 + u64::from(payload_bytes)
}

fn no_space(space: Space) -> SpoolError {
    SpoolError::NoSpace {
        bytes_free: space.free,
        bytes_reserved: reserve(space.total),
    }
}

fn reserve(total: u64) -> u64 {
    RESERVE_BYTES_MAX.min(total / 20)
}

/// The wall clock, for people: never compared with itself.
fn unix_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_busy_segment_grows_beyond_its_age() {
        let age = Duration::from_secs(1);
        assert_eq!(age_max(age, 0), age);
        assert_eq!(age_max(age, BUSY_BYTES - 1), age);
        assert_eq!(age_max(age, BUSY_BYTES), 3 * age);
        assert_eq!(age_max(age, u64::MAX), 3 * age);
    }
}
