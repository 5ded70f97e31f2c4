//! Reads the records of recent segments one by one, to rebuild open visits after a restart.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use crate::error::SpoolError;
use crate::reader::{Piece, SegmentReader};
use crate::sealed_segment::SealedSegment;
use crate::shared::Shared;

/// A record that was in the spool when the read began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecentRecord {
    /// The schema tag of its segment.
    pub schema: Arc<str>,
    /// The bytes that were appended.
    pub payload: Vec<u8>,
}

/// All records of some segments, one by one; see
/// [`Spool::recover_recent`](crate::Spool::recover_recent).
pub struct RecentRecords {
    shared: Arc<Shared>,
    segments: VecDeque<Arc<SealedSegment>>,
    reader: Option<SegmentReader>,
}

impl RecentRecords {
    pub(super) fn new(shared: Arc<Shared>, segments: Vec<Arc<SealedSegment>>) -> Self {
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
                    // Inserted and deleted in the meantime: its events are in ClickHouse.
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

    /// After an error, the segment that caused it is skipped.
    fn next(&mut self) -> Option<Self::Item> {
        let next = self.advance();
        if next.is_err() {
            self.reader = None;
            self.segments.pop_front();
        }
        next.transpose()
    }
}
