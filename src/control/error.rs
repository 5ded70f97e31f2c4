//! Errors of the control database.

use std::path::PathBuf;

use rusqlite::ErrorCode;

/// Why the control database was not read or changed. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("{path} was written by a newer sillage (schema version {found}; this one knows {known}): start the newer version, or restore an older backup of the file; nothing was changed", path = .path.display())]
    Newer {
        path: PathBuf,
        found: i64,
        known: i64,
    },
    #[error("{path} is locked by another program; end it (`fuser {path}` shows it) and try again; nothing was changed", path = .path.display())]
    Locked { path: PathBuf },
    #[error("{path} does not exist; `sillage serve` or `sillage user add` creates it, or restore a backup", path = .path.display())]
    Missing { path: PathBuf },
    #[error("{path} is gone or was replaced while it was in use; nothing is saved until you put the file back and restart", path = .path.display())]
    Replaced { path: PathBuf },
    #[error("{path} is not a database of sillage ({source}); move it away and restore a backup; nothing was changed", path = .path.display())]
    Foreign {
        path: PathBuf,
        source: rusqlite::Error,
    },
    #[error("cannot use {path}: {source}; make it readable and writable for this user", path = .path.display())]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("too many requests are waiting for the control database; try again in a few seconds")]
    Busy,
    /// The request breaks a rule. The text is shown to the user.
    #[error("{0}")]
    Rule(&'static str),
    /// The user has no permission. The text is shown to them.
    #[error("{0}")]
    Denied(&'static str),
    #[error("it no longer exists")]
    NotThere,
    #[error("that name is taken")]
    Taken,
    #[error("error of the control database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the operating system returned no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

impl ControlError {
    /// Whether the same request may succeed in a few seconds.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Busy | Self::Locked { .. } => true,
            Self::Sqlite(error) => is_locked(error),
            _ => false,
        }
    }

    /// [`ControlError::Taken`] for the violation of a uniqueness constraint.
    pub(super) fn of_insert(error: rusqlite::Error) -> Self {
        use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
        let code = error.sqlite_error().map(|error| error.extended_code);
        match code {
            Some(SQLITE_CONSTRAINT_UNIQUE | SQLITE_CONSTRAINT_PRIMARYKEY) => Self::Taken,
            _ => Self::Sqlite(error),
        }
    }
}

fn is_locked(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}
