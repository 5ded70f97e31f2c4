//! Files that the spool has set aside: erases single records in them, and removes them when they
//! expire.
//!
//! A `.quarantine` file is a whole segment that could not be inserted, or copies of the damaged
//! parts of one. It is kept for the operator to inspect. It holds visitors' records like any other
//! segment, so erasure and retention cover it too.

use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::counters::count;
use crate::disk::{Disk, DiskFile};
use crate::error::SpoolError;
use crate::name::{SegmentName, State};
use crate::reader::{Piece, SegmentReader};
use crate::segment::{HEADER_BYTES_MAX, Header, HeaderFound};
use crate::shared::Shared;
use crate::spool::{Spool, blocking};

/// Bytes searched at once.
const SEARCH_BYTES: usize = 1 << 20;

/// A file that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Its name in the spool's folder.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// No record in it is older, as far as is known: when its segment began, otherwise when it was
    /// last written.
    pub since: SystemTime,
}

/// Lists the files set aside in a spool's folder, which another process may have open. Empty if
/// the folder does not exist.
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
            // Erased or removed in the meantime.
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

/// Whether a record is to be erased. The first argument is its schema, if known.
pub type IsMeant = dyn Fn(Option<&str>, &[u8]) -> bool + Send + Sync;

impl Spool {
    /// Overwrites the records that `is_meant` selects in every file set aside. `traces` are byte
    /// sequences, one of which is in each such record. A file in which a trace remains, because
    /// damage hides where its record begins, is removed. Returns the traces that were found.
    ///
    /// # Errors
    /// `Disk`: not everything is overwritten; call it again.
    pub async fn erase_set_aside(
        &self,
        is_meant: Arc<IsMeant>,
        traces: Vec<Vec<u8>>,
    ) -> Result<Vec<Vec<u8>>, SpoolError> {
        let shared = Arc::clone(self.shared());
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
        let shared = Arc::clone(self.shared());
        let (name, bytes) = (file.name.clone(), file.bytes);
        blocking(move || {
            let removed = remove(&shared, &name, bytes);
            removed.map_err(|error| SpoolError::disk("remove", name, error))
        })
        .await
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
    let quarantined = &shared.counters.quarantine_bytes;
    let less = |before: u64| Some(before.saturating_sub(bytes));
    let order = std::sync::atomic::Ordering::Relaxed;
    // Never fails: `less` always returns a number.
    let _ = quarantined.fetch_update(order, order, less);
    shared.disk.sync_dir().inspect_err(|_| {
        count(&shared.counters.disk_errors, 1);
    })
}

/// Erases the meant records of one file. Returns the traces that were in it before.
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

/// Where the payloads of the meant records lie in the file.
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
