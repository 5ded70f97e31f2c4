//! Reads segments front to back through a window of bounded size, steps over damage and keeps a
//! copy of it.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Shared;
use super::disk::{Disk, DiskFile};
use super::error::SpoolError;
use super::name::State;
use super::sealed_queue::Segment;
use super::segment::{
    Checksum, HEADER_BYTES_MAX, Header, HeaderFound, RECORD_BYTES_MAX, RECORD_OVERHEAD_BYTES,
    SegmentId, Step, step,
};
use super::stats::count;

/// What is read at once; with one record that began before it, all the memory a reading takes.
const WINDOW_BYTES: usize = 64 << 10;
const _: () = assert!(WINDOW_BYTES > RECORD_OVERHEAD_BYTES + RECORD_BYTES_MAX);
/// Damaged bytes kept for inspection, over all segments; beyond, damage is only counted.
const QUARANTINE_BYTES_MAX: u64 = 64 << 20;

/// A window onto one segment.
pub(super) struct SegmentReader {
    file: Box<dyn DiskFile>,
    sum: Checksum,
    window: Vec<u8>,
    /// Where in the window the next step starts, and where that is in the file.
    at: usize,
    offset: u64,
    /// Where the window ends in the file, and where the segment does.
    read: u64,
    end: u64,
    is_last: bool,
}

/// A stretch of a segment.
pub(super) enum Piece<'a> {
    Record(&'a [u8]),
    Damaged { offset: u64, bytes: &'a [u8] },
}

impl SegmentReader {
    /// Reads the header of segment `id`; records count up to byte `end`. Without a usable header
    /// there is no reader.
    pub fn open(
        disk: &dyn Disk,
        name: &str,
        id: SegmentId,
        end: u64,
    ) -> io::Result<(HeaderFound, Option<Self>)> {
        let mut reader = Self::headless(disk, name, id, end)?;
        // Opening a backlog reads thousands of headers and nothing else.
        reader.fill(HEADER_BYTES_MAX)?;
        let found = Header::parse(id, &reader.window);
        match &found {
            HeaderFound::Ours(_, bytes) => {
                let bytes = (*bytes as usize).min(reader.window.len());
                reader.skip(bytes);
                Ok((found, Some(reader)))
            }
            _ => Ok((found, None)),
        }
    }

    /// A reader for what has lost its header: begins at byte 0 and searches.
    pub fn headless(disk: &dyn Disk, name: &str, id: SegmentId, end: u64) -> io::Result<Self> {
        Ok(Self {
            file: disk.open(name)?,
            sum: Checksum::of(id),
            window: Vec::new(),
            at: 0,
            offset: 0,
            read: 0,
            end,
            is_last: false,
        })
    }

    /// The next record or stretch of damage; `None` at the end.
    pub fn next(&mut self) -> io::Result<Option<Piece<'_>>> {
        loop {
            if self.at == self.window.len() {
                if self.is_last {
                    return Ok(None);
                }
                self.fill(WINDOW_BYTES)?;
                continue;
            }
            let offset = self.offset;
            match step(self.sum, &self.window[self.at..], offset, self.is_last) {
                Step::More => self.fill(WINDOW_BYTES)?,
                Step::Record(payload) => {
                    let payload = self.take(payload);
                    return Ok(Some(Piece::Record(&self.window[payload])));
                }
                Step::Damaged(bytes) => {
                    let damaged = self.take(0..bytes);
                    let bytes = &self.window[damaged];
                    return Ok(Some(Piece::Damaged { offset, bytes }));
                }
            }
        }
    }

    /// Byte of the file at which the next step starts.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    fn take(&mut self, range: Range<usize>) -> Range<usize> {
        let start = self.at;
        self.skip(range.end);
        start + range.start..start + range.end
    }

    fn skip(&mut self, bytes: usize) {
        self.at += bytes;
        self.offset += bytes as u64;
    }

    fn fill(&mut self, bytes: usize) -> io::Result<()> {
        self.window.drain(..self.at);
        self.at = 0;
        let kept = self.window.len();
        let wanted = (self.end - self.read).min(bytes as u64) as usize;
        self.window.resize(kept + wanted, 0);
        let read = self
            .file
            .read_full_at(self.read, &mut self.window[kept..])?;
        self.window.truncate(kept + read);
        self.read += read as u64;
        self.is_last = read < wanted || self.read == self.end;
        Ok(())
    }
}

/// Payloads of whole records, joined.
#[derive(Debug, PartialEq, Eq)]
pub struct Batch {
    /// Whole payloads, one after the other.
    pub payloads: Vec<u8>,
    /// How many they are.
    pub records: u64,
}

/// One reading of a sealed segment; see [`Sealed::batches`](super::Sealed::batches).
pub struct Batches {
    /// Away while a blocking thread reads; stays away if that was cancelled.
    reading: Option<Box<Reading>>,
}

struct Reading {
    shared: Arc<Shared>,
    segment: Arc<Segment>,
    chunk_bytes: usize,
    reader: Option<SegmentReader>,
    records: u64,
    damage: Damage,
    is_done: bool,
}

impl Batches {
    pub(super) fn new(shared: Arc<Shared>, segment: Arc<Segment>, chunk_bytes: usize) -> Self {
        Self {
            reading: Some(Box::new(Reading {
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
    /// begin a new reading instead.
    ///
    /// # Errors
    /// `Disk` if the disk cannot be read (damage is stepped over and no error); `Closed` after a
    /// cancelled call.
    pub async fn next(&mut self) -> Result<Option<Batch>, SpoolError> {
        let mut reading = self.reading.take().ok_or(SpoolError::Closed)?;
        let joined = tokio::task::spawn_blocking(move || {
            let batch = reading.next();
            (reading, batch)
        });
        let (reading, batch) = joined.await.map_err(|_| SpoolError::Closed)?;
        self.reading = Some(reading);
        batch
    }

    /// [`next`](Self::next) on the calling thread.
    ///
    /// # Errors
    /// As `next`.
    pub fn next_blocking(&mut self) -> Result<Option<Batch>, SpoolError> {
        self.reading.as_mut().ok_or(SpoolError::Closed)?.next()
    }
}

impl Reading {
    fn next(&mut self) -> Result<Option<Batch>, SpoolError> {
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
        let mut batch = Batch {
            payloads: Vec::new(),
            records: 0,
        };
        while batch.payloads.len() < self.chunk_bytes.max(1) {
            match reader.next().map_err(failed)? {
                Some(Piece::Record(payload)) => {
                    batch.payloads.extend_from_slice(payload);
                    batch.records += 1;
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
        self.records += batch.records;
        self.reader = Some(reader);
        if self.is_done {
            let lost = segment.extent.records.saturating_sub(self.records);
            self.damage.report(&self.shared, &segment, lost);
        }
        Ok((batch.records > 0).then_some(batch))
    }
}

/// What a reading had to step over.
#[derive(Default)]
struct Damage {
    bytes: u64,
    kept: Option<Box<dyn DiskFile>>,
    kept_bytes: u64,
}

impl Damage {
    /// Copies damaged bytes to the segment's quarantine file, each stretch behind its offset (8
    /// bytes) and length (4 bytes), little-endian. Only the first complete reading of a segment
    /// does, and no failure of it stops the reading.
    fn copy(&mut self, shared: &Shared, segment: &Segment, offset: u64, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        if segment.is_reported.load(Ordering::Relaxed) {
            return;
        }
        let mut stretch = Vec::with_capacity(12 + bytes.len());
        stretch.extend_from_slice(&offset.to_le_bytes());
        stretch.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        stretch.extend_from_slice(bytes);
        let kept = &shared.counters.quarantine_bytes;
        if kept.load(Ordering::Relaxed) + stretch.len() as u64 > QUARANTINE_BYTES_MAX {
            return;
        }
        let name = segment.name.with(State::Quarantine).to_string();
        let mut keep = || -> io::Result<()> {
            if self.kept.is_none() {
                self.kept = Some(match shared.disk.create(&name) {
                    // An earlier reading's, perhaps cut short: the same bytes go to the same place.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        shared.disk.open(&name)?
                    }
                    created => created?,
                });
            }
            let Some(file) = &self.kept else {
                return Ok(());
            };
            file.write_all_at(self.kept_bytes, &stretch)
        };
        match keep() {
            Ok(()) => {
                self.kept_bytes += stretch.len() as u64;
                count(kept, stretch.len() as u64);
            }
            Err(error) => {
                tracing::warn!(segment = %segment.name.id, %error, "damaged bytes could not be copied into quarantine");
            }
        }
    }

    fn report(&mut self, shared: &Shared, segment: &Segment, lost: u64) {
        if self.bytes == 0 && lost == 0 || segment.is_reported.swap(true, Ordering::Relaxed) {
            return;
        }
        count(&shared.counters.corrupt_records, lost);
        count(&shared.counters.corrupt_segments, 1);
        let synced = self.kept.take().map_or(Ok(()), |file| file.sync_data());
        let is_copy_synced = synced.is_ok();
        if lost == 0 {
            // The number of its records was not known before: it was open when the process ended.
            tracing::error!(segment = %segment.name.id, bytes = self.bytes, bytes_kept = self.kept_bytes, is_copy_synced,
                "bytes between the records of a segment are damaged: a write that a power cut tore, or accepted records that the disk has \
                 damaged, whose number can't be known; the others are unharmed");
        } else {
            tracing::error!(segment = %segment.name.id, records_lost = lost, bytes = self.bytes, bytes_kept = self.kept_bytes, is_copy_synced,
                "records of a sealed segment are damaged on disk; its other records are intact");
        }
    }
}

/// A record that was in the spool when the reading began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecentRecord {
    /// The schema tag of its segment.
    pub schema: Arc<str>,
    /// The bytes that were appended.
    pub payload: Vec<u8>,
}

/// All records of some segments, one by one; see
/// [`Spool::recover_recent`](super::Spool::recover_recent).
pub struct RecentRecords {
    shared: Arc<Shared>,
    segments: VecDeque<Arc<Segment>>,
    reader: Option<SegmentReader>,
}

impl RecentRecords {
    pub(super) fn new(shared: Arc<Shared>, segments: Vec<Arc<Segment>>) -> Self {
        Self {
            shared,
            segments: segments.into(),
            reader: None,
        }
    }

    fn advance(&mut self) -> Result<Option<RecentRecord>, SpoolError> {
        while let Some(segment) = self.segments.front() {
            let name = segment.name.to_string();
            let failed = |error| SpoolError::disk("read", &name, error);
            if self.reader.is_none() {
                let disk = self.shared.disk.as_ref();
                match SegmentReader::open(disk, &name, segment.name.id, segment.extent.bytes) {
                    Ok((_, reader)) => self.reader = reader,
                    // Inserted and deleted meanwhile: its events are in ClickHouse.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(failed(error)),
                }
            }
            if let Some(reader) = &mut self.reader {
                while let Some(piece) = reader.next().map_err(failed)? {
                    if let Piece::Record(payload) = piece {
                        return Ok(Some(RecentRecord {
                            schema: Arc::clone(&segment.schema),
                            payload: payload.to_vec(),
                        }));
                    }
                }
            }
            self.reader = None;
            self.segments.pop_front();
        }
        Ok(None)
    }
}

impl Iterator for RecentRecords {
    type Item = Result<RecentRecord, SpoolError>;

    /// After an error the segment concerned is skipped.
    fn next(&mut self) -> Option<Self::Item> {
        let next = self.advance();
        if next.is_err() {
            self.reader = None;
            self.segments.pop_front();
        }
        next.transpose()
    }
}
