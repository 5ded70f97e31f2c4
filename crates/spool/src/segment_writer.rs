//! Writes records into segment files: begins a segment, appends and syncs, seals.
//!
//! Invariants: a record counts as durable only after a sync that began after its write succeeded.
//! After a failed write or sync nothing is appended to that file again. The name of a file says how
//! much of it counts before the next segment begins.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::counters::count;
use crate::disk::{DiskFile, Space};
use crate::error::SpoolError;
use crate::name::{Extent, SegmentName, State};
use crate::sealed_segment::SealedSegment;
use crate::segment::{Checksum, Header, RECORD_OVERHEAD_BYTES, SegmentId};
use crate::shared::Shared;

/// Zeros written ahead of the records, at most: 1 MiB. A sync then finds blocks and length
/// unchanged, so it only writes and does not journal; the crate's documentation has the figures.
const AHEAD_BYTES_MAX: u64 = 1 << 20;
/// Space kept free on the file system, or a twentieth of it if that is less: enough to seal, and
/// for other programs that use it.
const RESERVE_BYTES_MAX: u64 = 64 << 20;

pub(super) struct SegmentWriter {
    shared: Arc<Shared>,
    next_seq: u64,
    open: Option<Open>,
    /// Sealed in memory but not yet, or not durably, on disk.
    closing: Option<Closing>,
    buffer: Vec<u8>,
}

/// The segment being written to.
struct Open {
    name: SegmentName,
    created_ms: u64,
    opened: Instant,
    file: Box<dyn DiskFile>,
    sum: Checksum,
    /// The records that have been synced.
    durable: Extent,
    /// Length of the file; it holds zeros behind `durable`.
    file_bytes: u64,
}

/// A segment on its way to its final name.
struct Closing {
    open: Open,
    is_renamed: bool,
}

impl SegmentWriter {
    pub fn new(shared: Arc<Shared>, next_seq: u64) -> Self {
        Self {
            shared,
            next_seq,
            open: None,
            closing: None,
            buffer: Vec::new(),
        }
    }

    /// Whether a sealed segment still has to get its final name.
    pub fn is_closing(&self) -> bool {
        self.closing.is_some()
    }

    /// Age and synced bytes of the open segment.
    pub fn open_segment(&self) -> Option<(Duration, u64)> {
        let open = self.open.as_ref()?;
        Some((open.opened.elapsed(), open.durable.bytes))
    }

    /// Checks whether a disk that has failed works again, while no records arrive.
    pub fn probe(&mut self) -> Result<(), SpoolError> {
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
        // Also after a failure. A file that remains is removed by the next start.
        let removed = disk.remove(&path);
        synced
            .and(removed)
            .and_then(|()| disk.sync_dir())
            .map_err(|error| self.failed("write a test file beside", &name, error))
    }

    /// Writes and syncs as many of these records as fit into one segment, at least one.
    pub fn write(&mut self, payloads: &[u8], lengths: &[u32]) -> Result<Written, SpoolError> {
        self.settle()?;
        let bytes_max = self.shared.limits.segment_bytes_max;
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
                // Nothing was written, so the segment is unchanged.
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
            // The first records are on disk; the file's name has to be durable as well.
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
        self.shared.sealed.set_open(Some(created_ms));
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

    /// New length of a file that has to be at least `end` long. The zeros ahead are as long as the
    /// file, so that the small segments of a quiet site stay small.
    fn ahead(&self, start: u64, end: u64) -> u64 {
        let limits = &self.shared.limits;
        let spare = limits.bytes_max.saturating_sub(self.shared.bytes());
        let ahead = start.min(AHEAD_BYTES_MAX).min(spare);
        (end + ahead)
            .next_multiple_of(4096)
            .min(end + spare)
            .min(limits.segment_bytes_max)
            .max(end)
    }

    fn has_room(&self, bytes: u64) -> Result<(), SpoolError> {
        match self.shared.disk.space() {
            Ok(space) if space.free >= bytes + reserve(space.total) => Ok(()),
            Ok(space) => Err(no_space(space)),
            // A file system that cannot report its free space still fails the write when it is
            // full.
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

    /// After a failure the kernel may have dropped what it could not write and marked the pages
    /// clean. The file's contents past `durable` cannot be trusted, nor can a later successful sync
    /// of it, so the segment ends at its last durable byte.
    fn abandon(&mut self, open: Open, error: SpoolError) -> SpoolError {
        count(&self.shared.counters.disk_errors, 1);
        self.close(open);
        let _ = self.settle();
        error
    }

    /// Seals the open segment, if there is one.
    pub fn seal(&mut self) -> Result<(), SpoolError> {
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

    /// Gives a closed segment its final name. No other segment begins before that has succeeded.
    pub fn settle(&mut self) -> Result<(), SpoolError> {
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
                // Frees the space behind the records. If this fails, the name still says where they
                // end.
                if open.file_bytes > open.durable.bytes
                    && let Err(error) = open.file.set_len(open.durable.bytes)
                {
                    tracing::warn!(segment = %name.id, %error, "could not shorten a sealed spool segment; its unused space stays taken until it is inserted");
                }
                // All of `durable` was synced before it was acknowledged, so no sync is needed
                // here.
                disk.rename(&name.to_string(), &sealed.to_string())
                    .map_err(|error| self.failed("seal", &name, error))?;
            }
            closing.is_renamed = true;
        }
        disk.sync_dir()
            .map_err(|error| self.failed("sync the folder of", &name, error))?;
        self.shared.sealed.set_open(None);
        if open.durable.records == 0 {
            self.shared.release(self.shared.header_bytes);
        } else {
            let schema = Arc::clone(&self.shared.schema);
            self.shared.sealed.push(SealedSegment::new(
                sealed,
                open.created_ms,
                open.durable,
                schema,
            ));
        }
        Ok(())
    }
}

/// What one write took from the batch.
#[derive(Default)]
pub(super) struct Written {
    pub records: usize,
    pub payload_bytes: usize,
}

/// Bytes of a record in a segment.
pub(super) fn record_bytes(payload_bytes: u32) -> u64 {
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

/// The wall clock. For display and ages only, since it may jump.
fn unix_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}
