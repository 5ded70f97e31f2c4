//! Reads one segment front to back through a window of bounded size, and steps over damage.

use std::io;
use std::ops::Range;

use crate::disk::{Disk, DiskFile};
use crate::segment::{
    Checksum, HEADER_BYTES_MAX, Header, HeaderFound, RECORD_BYTES_MAX, RECORD_OVERHEAD_BYTES,
    SegmentId, Step, step,
};

/// Bytes read at once. With one record that began before them, this is all the memory of a read.
const WINDOW_BYTES: usize = 64 << 10;
const _: () = assert!(WINDOW_BYTES > RECORD_OVERHEAD_BYTES + RECORD_BYTES_MAX);

/// A window onto one segment.
pub(super) struct SegmentReader {
    file: Box<dyn DiskFile>,
    sum: Checksum,
    window: Vec<u8>,
    /// Where the next step starts: in the window, and in the file.
    at: usize,
    offset: u64,
    /// Where the window ends in the file, and where the segment ends.
    read: u64,
    end: u64,
    is_last: bool,
}

/// A part of a segment.
pub(super) enum Piece<'a> {
    Record(&'a [u8]),
    Damaged { offset: u64, bytes: &'a [u8] },
}

impl SegmentReader {
    /// Reads the header of segment `id`, whose records end at byte `end`. Returns no reader when
    /// the header is not usable.
    pub fn open(
        disk: &dyn Disk,
        name: &str,
        id: SegmentId,
        end: u64,
    ) -> io::Result<(HeaderFound, Option<Self>)> {
        let mut reader = Self::headless(disk, name, id, end)?;
        // Opening a backlog reads thousands of headers and nothing else: read no further than that.
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

    /// A reader for a file that has lost its header: begins at byte 0 and searches.
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

    /// The next record or damaged part; `None` at the end.
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
