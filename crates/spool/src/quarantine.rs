//! What the spool has set aside: erasing single records of it, and destroying files that are too
//! old.
//!
//! A `.quarantine` file is a whole segment that could not be stored, or copies of damaged stretches
//! of one. It is kept for a person to look at, but it holds visitors' records like any other, so
//! erasure and retention reach it too.

use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::disk::{Disk, DiskFile};
use super::error::SpoolError;
use super::name::{SegmentName, State};
use super::reader::{Piece, SegmentReader};
use super::segment::{HEADER_BYTES_MAX, Header, HeaderFound};
use super::stats::count;
use super::{Shared, Spool};

/// Bytes that are searched at once.
const SEARCH_BYTES: usize = 1 << 20;

/// A file that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Its name in the spool's folder.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// No record in it is older, as far as that can be told: when its segment was begun, else when
    /// it was last written.
    pub since: SystemTime,
}

/// Lists what is set aside in a spool's folder, which another process may have open. Empty where
/// there is no such folder.
///
/// # Errors
/// The folder or a file in it can't be read.
pub fn set_aside_in(dir: &Path) -> io::Result<Vec<SetAside>> {
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let file_name = entry.file_name();
        let name = file_name.to_str().and_then(SegmentName::parse);
        let Some(name) = name.filter(|name| name.state == State::Quarantine) else {
            continue;
        };
        match describe(name, &entry.path()) {
            // Erased or destroyed meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            described => found.push(described?),
        }
    }
    Ok(found)
}

fn describe(name: SegmentName, path: &Path) -> io::Result<SetAside> {
    let file = std::fs::File::open(path)?;
    let metadata = file.metadata()?;
    let mut head = vec![0; HEADER_BYTES_MAX];
    let read = DiskFile::read_full_at(&file, 0, &mut head)?;
    let since = match Header::parse(name.id, &head[..read]) {
        HeaderFound::Ours(header, _) => UNIX_EPOCH + Duration::from_millis(header.created_ms),
        HeaderFound::Newer(_) | HeaderFound::Damaged => metadata.modified()?,
    };
    Ok(SetAside {
        name: name.to_string(),
        bytes: metadata.len(),
        since,
    })
}

/// Which record is meant, by its schema where that is known.
pub type IsMeant = dyn Fn(Option<&str>, &[u8]) -> bool + Send + Sync;

impl Spool {
    /// Overwrites records in all that is set aside: those that `is_meant` picks. `traces` are byte
    /// sequences of which each such record holds one; a file in which one is left, because damage
    /// hides where its record begins, is removed. Gives the traces that were found.
    ///
    /// # Errors
    /// `Disk`: not everything is overwritten; it may be tried again.
    pub async fn erase_set_aside(
        &self,
        is_meant: Arc<IsMeant>,
        traces: Vec<Vec<u8>>,
    ) -> Result<Vec<Vec<u8>>, SpoolError> {
        let shared = Arc::clone(&self.handle.shared);
        let work = move || {
            let mut found = Vec::new();
            for (name, bytes) in set_aside(&shared)? {
                let there = erase_in(&shared, name, bytes, &*is_meant, &traces)
                    .map_err(|error| SpoolError::disk("erase in", name, error))?;
                found.extend(there);
            }
            Ok(found)
        };
        tokio::task::spawn_blocking(work)
            .await
            .unwrap_or(Err(SpoolError::Closed))
    }

    /// Removes a file that was set aside.
    ///
    /// # Errors
    /// `Disk`: it is still there.
    pub async fn remove_set_aside(&self, file: &SetAside) -> Result<(), SpoolError> {
        let shared = Arc::clone(&self.handle.shared);
        let (name, bytes) = (file.name.clone(), file.bytes);
        super::unhurried(move || {
            let removed = remove(&shared, &name, bytes);
            removed.map_err(|error| SpoolError::disk("remove", name, error))
        })
        .await
    }

    /// The spool's folder.
    pub fn dir(&self) -> &Path {
        &self.handle.shared.options.dir
    }

    /// Ids of the sealed segments that are not stored yet.
    pub fn unstored(&self) -> Vec<super::SegmentId> {
        let segments = self.handle.shared.shelf.unfinished();
        segments.iter().map(|segment| segment.name.id).collect()
    }
}

fn set_aside(shared: &Shared) -> Result<Vec<(SegmentName, u64)>, SpoolError> {
    let entries = shared
        .disk
        .list()
        .map_err(|error| SpoolError::disk("list", "the folder", error))?;
    let ours = entries.into_iter().filter_map(|entry| {
        let name = SegmentName::parse(&entry.name)?;
        (name.state == State::Quarantine).then_some((name, entry.bytes?))
    });
    Ok(ours.collect())
}

fn remove(shared: &Shared, name: &str, bytes: u64) -> io::Result<()> {
    match shared.disk.remove(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        removed => removed?,
    }
    let kept = &shared.counters.quarantine_bytes;
    let less = |kept: u64| Some(kept.saturating_sub(bytes));
    let order = std::sync::atomic::Ordering::Relaxed;
    // Never fails: `less` always gives a number.
    let _ = kept.fetch_update(order, order, less);
    shared.disk.sync_dir().inspect_err(|_| {
        count(&shared.counters.disk_errors, 1);
    })
}

/// The traces that were in the file before.
fn erase_in(
    shared: &Shared,
    name: SegmentName,
    bytes: u64,
    is_meant: &IsMeant,
    traces: &[Vec<u8>],
) -> io::Result<Vec<Vec<u8>>> {
    let disk = shared.disk.as_ref();
    let file_name = name.to_string();
    let file = disk.open(&file_name)?;
    let found = search(file.as_ref(), bytes, traces)?;
    if found.is_empty() {
        return Ok(found);
    }
    for range in records(disk, name, bytes, is_meant)? {
        let length = (range.end - range.start) as usize;
        file.write_all_at(range.start, &vec![0; length])?;
    }
    file.sync_data()?;
    if !search(file.as_ref(), bytes, traces)?.is_empty() {
        tracing::warn!(
            file = file_name,
            "a quarantined file with damaged records of an erased visitor is removed as a whole"
        );
        remove(shared, &file_name, bytes)?;
    }
    Ok(found)
}

/// Where the payloads of the records that are meant lie.
fn records(
    disk: &dyn Disk,
    name: SegmentName,
    bytes: u64,
    is_meant: &IsMeant,
) -> io::Result<Vec<Range<u64>>> {
    let file_name = name.to_string();
    let (header, reader) = SegmentReader::open(disk, &file_name, name.id, bytes)?;
    let (schema, mut reader) = match (header, reader) {
        (HeaderFound::Ours(header, _), Some(reader)) => (Some(header.schema), reader),
        _ => (
            None,
            SegmentReader::headless(disk, &file_name, name.id, bytes)?,
        ),
    };
    let mut meant = Vec::new();
    loop {
        let length = match reader.next()? {
            Some(Piece::Record(payload)) => {
                is_meant(schema.as_deref(), payload).then_some(payload.len() as u64)
            }
            Some(Piece::Damaged { .. }) => None,
            None => return Ok(meant),
        };
        let end = reader.offset();
        meant.extend(length.map(|length| end - length..end));
    }
}

/// Which of these byte sequences a file holds.
fn search(file: &dyn DiskFile, bytes: u64, traces: &[Vec<u8>]) -> io::Result<Vec<Vec<u8>>> {
    let overlap = traces.iter().map(Vec::len).max().unwrap_or(1).max(1) - 1;
    let mut found: Vec<Vec<u8>> = Vec::new();
    let mut window = vec![0; SEARCH_BYTES + overlap];
    let mut offset = 0;
    while offset < bytes {
        let read = file.read_full_at(offset, &mut window)?;
        for trace in traces.iter().filter(|trace| !trace.is_empty()) {
            if !found.contains(trace) && memchr::memmem::find(&window[..read], trace).is_some() {
                found.push(trace.clone());
            }
        }
        offset += SEARCH_BYTES as u64;
    }
    Ok(found)
}
