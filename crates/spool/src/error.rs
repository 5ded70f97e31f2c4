//! Errors of the spool, one variant per case that a caller handles differently.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// An error of the spool. No variant carries data that a visitor sent.
#[derive(Debug, Clone, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "the message of each variant explains its fields"
)]
pub enum SpoolError {
    /// The spool has reached its bound. The store has to drain it first.
    #[error("the spool is full: {bytes} of at most {bytes_max} bytes are waiting to be inserted")]
    Full { bytes: u64, bytes_max: u64 },
    /// The file system has (nearly) no space left. A reserve stays free for other programs.
    #[error(
        "the spool's file system is full: {bytes_free} bytes free, {bytes_reserved} are kept in reserve"
    )]
    NoSpace {
        bytes_free: u64,
        bytes_reserved: u64,
    },
    /// More appends wait for the disk than the bounds allow.
    #[error("the spool cannot keep up: {waiting} appends are already waiting for space")]
    Busy { waiting: usize },
    /// The disk failed. The records of the failed append do not count as stored.
    #[error("the spool could not {action} {name}: {source}")]
    Disk {
        action: &'static str,
        name: String,
        source: Arc<io::Error>,
    },
    /// The writer thread has stopped: the spool was dropped, or the thread died.
    #[error("the spool is closed")]
    Closed,
    /// A record is empty or longer than [`RECORD_BYTES_MAX`](crate::RECORD_BYTES_MAX), or records
    /// appended together are longer than a batch.
    #[error("record of {bytes} bytes: the spool accepts 1 to {bytes_max}")]
    RecordSize { bytes: usize, bytes_max: usize },
    /// An option is out of its bounds.
    #[error("spool option {option}: {why}")]
    Option {
        option: &'static str,
        why: &'static str,
    },
    /// The folder cannot be created, read or written.
    #[error("the spool folder {path} cannot be used: {source}")]
    Folder {
        path: PathBuf,
        source: Arc<io::Error>,
    },
    /// Another process has the folder open.
    #[error(
        "the spool folder {path} is in use by another collector ({holder}); give each collector its own folder"
    )]
    Locked { path: PathBuf, holder: String },
    /// The folder was written by a later version of Sillage.
    #[error(
        "{name} in the spool folder has format {found}, and this version reads up to {known}: \
         start the newer version again, or let it drain the spool first"
    )]
    NewerFormat {
        name: String,
        found: u32,
        known: u32,
    },
}

/// Why records that were appended together are not all durable.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{error}")]
pub struct AppendFailed {
    /// How many of the first records are durable nevertheless.
    pub durable: usize,
    /// Why the others are not.
    pub error: SpoolError,
}

impl From<SpoolError> for AppendFailed {
    fn from(error: SpoolError) -> Self {
        Self { durable: 0, error }
    }
}

impl SpoolError {
    /// Whether the same call may succeed later without a change of the request or the
    /// configuration. An append that failed in this way is answered 503 with `Retry-After`.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Full { .. }
            | Self::NoSpace { .. }
            | Self::Busy { .. }
            | Self::Disk { .. }
            | Self::Closed => true,
            Self::RecordSize { .. }
            | Self::Option { .. }
            | Self::Folder { .. }
            | Self::Locked { .. }
            | Self::NewerFormat { .. } => false,
        }
    }

    pub(super) fn disk(action: &'static str, name: impl ToString, source: io::Error) -> Self {
        Self::Disk {
            action,
            name: name.to_string(),
            source: Arc::new(source),
        }
    }
}
