//! Recovers a folder that another process left behind, however it ended: reads names, headers and,
//! record by record, only the segment that was open. It may be interrupted at any point and started
//! again.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use crate::disk::Disk;
use crate::error::SpoolError;
use crate::name::{Extent, SegmentName, State};
use crate::reader::{Piece, SegmentReader};
use crate::sealed_segment::SealedSegment;
use crate::segment::{FORMAT_VERSION, HeaderFound};

/// Names of foreign files in one log line; the others are only counted.
const NAMES_LOGGED_MAX: usize = 5;

/// What the folder held.
#[derive(Default)]
pub(super) struct Recovered {
    pub segments: Vec<SealedSegment>,
    pub next_seq: u64,
    /// Files that are not the spool's. They are left alone.
    pub foreign: Vec<String>,
    /// Bytes behind the last whole record of an open segment: never acknowledged, dropped.
    pub torn_bytes: u64,
    /// Length of all quarantine files.
    pub quarantine_bytes: u64,
    /// Segments without a usable header, set aside whole.
    pub set_aside: u64,
}

/// Recovers the folder.
///
/// # Errors
/// `NewerFormat`, before anything in the folder is changed; `Disk`.
pub(super) fn recover(disk: &dyn Disk) -> Result<Recovered, SpoolError> {
    let entries = disk
        .list()
        .map_err(|error| SpoolError::disk("list", "the folder", error))?;
    let mut recovered = Recovered::default();
    let mut found = Vec::new();
    for entry in entries {
        match (SegmentName::parse(&entry.name), entry.bytes) {
            (Some(name), Some(bytes)) => found.push((name, bytes)),
            _ => recovered.foreign.push(entry.name),
        }
    }
    found.sort_by_key(|(name, _)| name.seq);
    recovered.next_seq = found
        .last()
        .map_or(0, |(name, _)| name.seq.saturating_add(1));

    // Read all headers before the first change, so that a newer folder is refused unchanged.
    let mut opened = Vec::new();
    for (name, bytes) in found {
        let end = match name.state {
            State::Quarantine => {
                recovered.quarantine_bytes += bytes;
                continue;
            }
            State::Sealed { extent, .. } => extent.bytes,
            State::Open { .. } => u64::MAX,
        };
        let (header, reader) = SegmentReader::open(disk, &name.to_string(), name.id, end)
            .map_err(|error| SpoolError::disk("read", name, error))?;
        if let HeaderFound::Newer(version) = header {
            return Err(SpoolError::NewerFormat {
                name: name.to_string(),
                found: version,
                known: FORMAT_VERSION,
            });
        }
        // Only the open segment's window is kept; a backlog may be thousands of segments.
        let reader = reader.filter(|_| matches!(name.state, State::Open { .. }));
        opened.push((name, header, reader));
    }

    let mut schemas = HashMap::new();
    let mut is_changed = false;
    for (name, header, reader) in opened {
        let HeaderFound::Ours(header, _) = header else {
            is_changed = true;
            recovered.set_aside += u64::from(set_aside(disk, name)?);
            continue;
        };
        let schema = schemas
            .entry(header.schema)
            .or_insert_with_key(|schema: &String| Arc::<str>::from(schema.as_str()));
        let (name, created_ms, extent) = match (name.state, reader) {
            (State::Sealed { created_ms, extent }, _) => (name, created_ms, extent),
            (State::Open { created_ms }, Some(reader)) => {
                is_changed = true;
                let (extent, torn_bytes) = seal_left_open(disk, name, created_ms, reader)?;
                recovered.torn_bytes += torn_bytes;
                let Some(extent) = extent else { continue };
                (
                    name.with(State::Sealed { created_ms, extent }),
                    created_ms,
                    extent,
                )
            }
            _ => continue,
        };
        recovered.segments.push(SealedSegment::new(
            name,
            created_ms,
            extent,
            Arc::clone(schema),
        ));
    }
    if is_changed {
        disk.sync_dir()
            .map_err(|error| SpoolError::disk("sync", "the folder", error))?;
    }
    if !recovered.foreign.is_empty() {
        let names = &recovered.foreign[..recovered.foreign.len().min(NAMES_LOGGED_MAX)];
        tracing::warn!(
            files = recovered.foreign.len(),
            ?names,
            "the spool folder contains other files; they are left alone"
        );
    }
    Ok(recovered)
}

/// Cuts an open segment after its last whole record and seals it, or removes it if it has none.
fn seal_left_open(
    disk: &dyn Disk,
    name: SegmentName,
    created_ms: u64,
    mut reader: SegmentReader,
) -> Result<(Option<Extent>, u64), SpoolError> {
    let failed = |action| move |error: io::Error| SpoolError::disk(action, name, error);
    let mut extent = Extent {
        records: 0,
        bytes: reader.offset(),
    };
    let mut torn_bytes = 0;
    loop {
        match reader.next().map_err(failed("read"))? {
            Some(Piece::Record(_)) => {
                // Damage before a whole record is not a torn tail. It is reported when the segment
                // is read.
                extent.records += 1;
                extent.bytes = reader.offset();
                torn_bytes = 0;
            }
            Some(Piece::Damaged { bytes, .. }) => {
                // Zeros were written ahead and belong to no record.
                torn_bytes += bytes.iter().filter(|&&byte| byte != 0).count() as u64;
            }
            None => break,
        }
    }
    if torn_bytes > 0 {
        tracing::warn!(segment = %name.id, torn_bytes, records = extent.records,
            "a spool segment ends within a record, which is dropped; its write was cut short, so it was never acknowledged, unless something else damaged the file");
    }
    let old = name.to_string();
    if extent.records == 0 {
        disk.remove(&old).map_err(failed("remove"))?;
        return Ok((None, torn_bytes));
    }
    let file = disk.open(&old).map_err(failed("open"))?;
    file.set_len(extent.bytes).map_err(failed("shorten"))?;
    // A killed process leaves written bytes that no sync has covered yet.
    file.sync_data().map_err(failed("sync"))?;
    let sealed = name.with(State::Sealed { created_ms, extent });
    disk.rename(&old, &sealed.to_string())
        .map_err(failed("seal"))?;
    Ok((Some(extent), torn_bytes))
}

/// Takes a segment without a usable header out of the queue. Returns whether it was kept as a
/// quarantine file: a segment that was being created holds nothing acknowledged, since header and
/// first records are synced together.
fn set_aside(disk: &dyn Disk, name: SegmentName) -> Result<bool, SpoolError> {
    let failed = |action| move |error: io::Error| SpoolError::disk(action, name, error);
    let old = name.to_string();
    if matches!(name.state, State::Open { .. })
        && !holds_records(disk, name).map_err(failed("read"))?
    {
        tracing::warn!(segment = %name.id,
            "a spool segment without header and records is removed; the process ended while creating it, unless something else cut the file");
        disk.remove(&old).map_err(failed("remove"))?;
        return Ok(false);
    }
    tracing::error!(segment = %name.id, "both copies of a spool segment's header are damaged; the segment is quarantined");
    let aside = name.with(State::Quarantine).to_string();
    disk.rename(&old, &aside).map_err(failed("set aside"))?;
    Ok(true)
}

fn holds_records(disk: &dyn Disk, name: SegmentName) -> io::Result<bool> {
    let mut reader = SegmentReader::headless(disk, &name.to_string(), name.id, u64::MAX)?;
    while let Some(piece) = reader.next()? {
        if let Piece::Record(_) = piece {
            return Ok(true);
        }
    }
    Ok(false)
}
