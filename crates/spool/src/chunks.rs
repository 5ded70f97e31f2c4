//! Reads a sealed segment in chunks of whole records, for its INSERT, and keeps a copy of damaged
//! bytes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::counters::count;
use crate::disk::DiskFile;
use crate::error::SpoolError;
use crate::name::State;
use crate::reader::{Piece, SegmentReader};
use crate::sealed_segment::SealedSegment;
use crate::shared::Shared;

/// Damaged bytes copied for inspection, over all segments: 64 MiB. Beyond it damage is only
/// counted.
const QUARANTINE_BYTES_MAX: u64 = 64 << 20;

/// Payloads of whole records, joined.
#[derive(Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Whole payloads, one after the other.
    pub payloads: Vec<u8>,
    /// Number of records.
    pub records: u64,
}

/// One read of a sealed segment; see [`Sealed::chunks`](crate::Sealed::chunks).
pub struct Chunks {
    /// `None` while a blocking thread reads, and for ever if that call was cancelled.
    read: Option<Box<ReadState>>,
}

struct ReadState {
    shared: Arc<Shared>,
    segment: Arc<SealedSegment>,
    chunk_bytes: usize,
    reader: Option<SegmentReader>,
    records: u64,
    damage: Damage,
    is_done: bool,
}

impl Chunks {
    pub(super) fn new(
        shared: Arc<Shared>,
        segment: Arc<SealedSegment>,
        chunk_bytes: usize,
    ) -> Self {
        Self {
            read: Some(Box::new(ReadState {
                shared,
                segment,
                chunk_bytes,
                reader: None,
                records: 0,
                damage: Damage::default(),
                is_done: false,
            })),
        }
    }

    /// The next chunk, read on the runtime's blocking pool; `None` at the end. Not safe to cancel:
    /// begin a new read instead.
    ///
    /// # Errors
    /// `Disk` if the disk cannot be read (damage is skipped without an error); `Closed` after a
    /// cancelled call.
    pub async fn next(&mut self) -> Result<Option<Chunk>, SpoolError> {
        let mut read = self.read.take().ok_or(SpoolError::Closed)?;
        let joined = tokio::task::spawn_blocking(move || {
            let chunk = read.next();
            (read, chunk)
        });
        let (read, chunk) = joined.await.map_err(|_| SpoolError::Closed)?;
        self.read = Some(read);
        chunk
    }

    /// [`next`](Self::next) on the calling thread.
    ///
    /// # Errors
    /// As `next`.
    pub fn next_blocking(&mut self) -> Result<Option<Chunk>, SpoolError> {
        self.read.as_mut().ok_or(SpoolError::Closed)?.next()
    }
}

impl ReadState {
    fn next(&mut self) -> Result<Option<Chunk>, SpoolError> {
        if self.is_done {
            return Ok(None);
        }
        let segment = Arc::clone(&self.segment);
        let name = segment.name.to_string();
        let failed = |error| SpoolError::disk("read", &name, error);
        let mut reader = match self.reader.take() {
            Some(reader) => reader,
            None => {
                let disk = self.shared.disk.as_ref();
                let opened =
                    SegmentReader::open(disk, &name, segment.name.id, segment.extent.bytes);
                match opened.map_err(failed)? {
                    (_, Some(reader)) => reader,
                    (_, None) => return Err(failed(io::ErrorKind::InvalidData.into())),
                }
            }
        };
        let mut chunk = Chunk {
            payloads: Vec::new(),
            records: 0,
        };
        while chunk.payloads.len() < self.chunk_bytes.max(1) {
            match reader.next().map_err(failed)? {
                Some(Piece::Record(payload)) => {
                    chunk.payloads.extend_from_slice(payload);
                    chunk.records += 1;
                }
                Some(Piece::Damaged { offset, bytes }) => {
                    self.damage.copy(&self.shared, &segment, offset, bytes);
                }
                None => {
                    self.is_done = true;
                    break;
                }
            }
        }
        self.records += chunk.records;
        self.reader = Some(reader);
        if self.is_done {
            let lost = segment.extent.records.saturating_sub(self.records);
            self.damage.report(&self.shared, &segment, lost);
        }
        Ok((chunk.records > 0).then_some(chunk))
    }
}

/// The damage that a read skipped.
#[derive(Default)]
struct Damage {
    bytes: u64,
    copy: Option<Box<dyn DiskFile>>,
    copied_bytes: u64,
}

impl Damage {
    /// Copies damaged bytes to the segment's quarantine file, each part after its offset (8 bytes)
    /// and length (4 bytes), little-endian. Only the first complete read of a segment does this,
    /// and a failure of it does not stop the read.
    fn copy(&mut self, shared: &Shared, segment: &SealedSegment, offset: u64, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        if segment.is_damage_reported.load(Ordering::Relaxed) {
            return;
        }
        let mut part = Vec::with_capacity(12 + bytes.len());
        part.extend_from_slice(&offset.to_le_bytes());
        part.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        part.extend_from_slice(bytes);
        let quarantined = &shared.counters.quarantine_bytes;
        if quarantined.load(Ordering::Relaxed) + part.len() as u64 > QUARANTINE_BYTES_MAX {
            return;
        }
        let name = segment.name.with(State::Quarantine).to_string();
        let mut append = || -> io::Result<()> {
            if self.copy.is_none() {
                self.copy = Some(match shared.disk.create(&name) {
                    // An earlier read's, perhaps cut short: the same bytes go to the same place.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        shared.disk.open(&name)?
                    }
                    created => created?,
                });
            }
            let Some(file) = &self.copy else {
                return Ok(());
            };
            file.write_all_at(self.copied_bytes, &part)
        };
        match append() {
            Ok(()) => {
                self.copied_bytes += part.len() as u64;
                count(quarantined, part.len() as u64);
            }
            Err(error) => {
                tracing::warn!(segment = %segment.name.id, %error, "could not copy damaged bytes of a spool segment to its .quarantine file");
            }
        }
    }

    fn report(&mut self, shared: &Shared, segment: &SealedSegment, lost: u64) {
        if self.bytes == 0 && lost == 0 || segment.is_damage_reported.swap(true, Ordering::Relaxed)
        {
            return;
        }
        count(&shared.counters.corrupt_records, lost);
        count(&shared.counters.corrupt_segments, 1);
        let synced = self.copy.take().map_or(Ok(()), |file| file.sync_data());
        let is_copy_synced = synced.is_ok();
        if lost == 0 {
            // The number of its records was not known before: it was open when the process ended.
            tracing::error!(segment = %segment.name.id, bytes = self.bytes, bytes_copied = self.copied_bytes, is_copy_synced,
                "bytes between the records of a spool segment are damaged: a write torn by a power cut, or an unknown number of accepted \
                 records damaged on disk; the other records are intact, and a copy of the damage is in its .quarantine file");
        } else {
            tracing::error!(segment = %segment.name.id, records_lost = lost, bytes = self.bytes, bytes_copied = self.copied_bytes, is_copy_synced,
                "the disk has damaged records of a sealed spool segment; the others are intact, and a copy of the damage is in its .quarantine file");
        }
    }
}
