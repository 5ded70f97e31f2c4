//! The file `control.db`: opened and migrated.
//!
//! SQLite with a write-ahead log; every commit is synced. The file holds the number of its last
//! migration (`user_version`), and a file of a later version is refused unchanged. A migration is a
//! file of several statements in one transaction: SQLite can roll back changes of tables too.

use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use crate::control::error::ControlError;

/// Name of the file in `data_dir`.
pub const FILE_NAME: &str = "control.db";
/// Longest wait for the lock of the file, which another process such as a command may hold.
const LOCK_WAIT: Duration = Duration::from_secs(3);

/// In the order in which they run. The number of a migration is its position, from 1. Append only.
const MIGRATIONS: &[&str] = &[
    include_str!("schema/0001_start.sql"),
    include_str!("schema/0002_people.sql"),
    include_str!("schema/0003_keys.sql"),
    include_str!("schema/0004_links.sql"),
    include_str!("schema/0005_kept.sql"),
    include_str!("schema/0006_funnels_and_subscriptions.sql"),
    include_str!("schema/0017_second_factor_tries.sql"),
];
/// `user_version` after the last migration.
const VERSION: i64 = MIGRATIONS.len() as i64;

/// Path of the control database of a data folder.
pub fn path_in(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE_NAME)
}

/// Opens the file, creates it if it is missing, and runs the migrations.
///
/// # Errors
/// It is locked, newer, not a database of Sillage, or can't be used.
pub fn open(path: &Path) -> Result<Connection, ControlError> {
    let file = |source| ControlError::File {
        path: path.to_owned(),
        source,
    };
    // SQLite creates its other files with the mode of this one.
    std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(file)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(file)?;
    let explained = |source| explain(path, source);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(explained)?;
    connection.busy_timeout(LOCK_WAIT).map_err(explained)?;
    let version = version_of(&connection).map_err(explained)?;
    if version > VERSION {
        return Err(newer(path, version));
    }
    // Another program's database: ours has a version, and an empty file has no tables.
    if version == 0 {
        let tables: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(explained)?;
        if tables > 0 {
            return Err(ControlError::Foreign {
                path: path.to_owned(),
                source: rusqlite::Error::InvalidQuery,
            });
        }
    }
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .map_err(explained)?;
    prepare(&mut connection).map_err(explained)?;
    Ok(connection)
}

/// Like [`open`], for an existing file.
///
/// # Errors
/// As [`open`], and [`ControlError::Missing`].
pub fn open_existing(path: &Path) -> Result<Connection, ControlError> {
    if !path.is_file() {
        return Err(ControlError::Missing {
            path: path.to_owned(),
        });
    }
    open(path)
}

/// Opens the file read-only, without migrations. `None` if it is missing or of an older version,
/// which only a start migrates.
///
/// # Errors
/// It is locked, newer, not a database of Sillage, or can't be read.
pub fn look(path: &Path) -> Result<Option<Connection>, ControlError> {
    if !path.is_file() {
        return Ok(None);
    }
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(|error| explain(path, error))?;
    let version = version_of(&connection).map_err(|error| explain(path, error))?;
    if version > VERSION {
        return Err(newer(path, version));
    }
    Ok((version == VERSION).then_some(connection))
}

fn newer(path: &Path, found: i64) -> ControlError {
    ControlError::Newer {
        path: path.to_owned(),
        found,
        known: VERSION,
    }
}

/// The error for a failure to open the file.
fn explain(path: &Path, source: rusqlite::Error) -> ControlError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => ControlError::Locked { path },
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            ControlError::Foreign { path, source }
        }
        _ => ControlError::Sqlite(source),
    }
}

fn version_of(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Sets the options of a connection and runs the missing migrations.
fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Deleted rows are overwritten, so that hashes of revoked keys and passwords do not remain in
    // free pages.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Read again under the lock: another process may have migrated the file.
    let version = version_of(&transaction)?;
    for migration in MIGRATIONS.iter().skip(version.max(0) as usize) {
        transaction.execute_batch(migration)?;
    }
    if version < VERSION {
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()
}

/// Begins a transaction. It is rolled back unless it is committed.
pub(super) fn change(connection: &mut Connection) -> Result<Transaction<'_>, ControlError> {
    Ok(connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
}

/// A new database in memory, for tests.
#[cfg(test)]
pub fn in_memory() -> Connection {
    let mut connection = Connection::open_in_memory().expect("memory");
    prepare(&mut connection).expect("the migrations run");
    connection
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use crate::control::audit::{self, AuditEntry};
    use jiff::Timestamp;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a temporary folder")
    }

    fn note(connection: &Connection) -> Result<(), ControlError> {
        let entry = AuditEntry {
            who: "ada",
            what: "login",
            site: "",
            subject: "",
        };
        audit::record(connection, Timestamp::UNIX_EPOCH, entry)
    }

    fn notes(connection: &Connection) -> usize {
        audit::latest(connection, &|_| true).expect("read").len()
    }

    #[test]
    fn the_file_is_private_and_opening_it_twice_changes_nothing() {
        let folder = folder();
        let path = path_in(folder.path());
        std::fs::write(&path, "").expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("set");
        let connection = open(&path).expect("opened");
        note(&connection).expect("written");
        for entry in std::fs::read_dir(folder.path()).expect("listed").flatten() {
            let mode = entry.metadata().expect("there").mode();
            assert_eq!(mode & 0o777, 0o600, "{:?}", entry.path());
        }
        drop(connection);
        assert_eq!(notes(&open(&path).expect("opened")), 1);
    }

    #[test]
    fn a_file_of_a_newer_version_is_refused_and_left_unchanged() {
        let folder = folder();
        let path = path_in(folder.path());
        let connection = open(&path).expect("opened");
        connection
            .pragma_update(None, "user_version", VERSION + 1)
            .expect("set");
        drop(connection);
        let before = std::fs::read(&path).expect("read");
        let error = open(&path).expect_err("refused").to_string();
        assert!(error.contains("newer sillage"), "{error}");
        assert!(look(&path).is_err());
        assert_eq!(std::fs::read(&path).expect("read"), before);
    }

    #[test]
    fn a_foreign_database_is_refused_and_left_unchanged() {
        let folder = folder();
        let path = path_in(folder.path());
        let text =
            "a shopping list that is long enough to be read as a header of a database, or more "
                .repeat(4);
        std::fs::write(&path, &text).expect("written");
        let error = open(&path).expect_err("refused").to_string();
        assert!(error.contains("not a database of sillage"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), text);
        std::fs::remove_file(&path).expect("removed");

        let other = Connection::open(&path).expect("opened");
        other
            .execute_batch("CREATE TABLE recipes (name)")
            .expect("made");
        drop(other);
        let error = open(&path).expect_err("refused").to_string();
        assert!(error.contains("not a database of sillage"), "{error}");
    }

    #[test]
    fn opening_read_only_changes_nothing_and_refuses_an_older_file() {
        let folder = folder();
        let path = path_in(folder.path());
        assert!(look(&path).expect("nothing").is_none());
        assert!(!path.exists());
        let connection = Connection::open(&path).expect("opened");
        connection.execute_batch(MIGRATIONS[0]).expect("made");
        connection
            .pragma_update(None, "user_version", 1)
            .expect("set");
        drop(connection);
        let before = std::fs::read(&path).expect("read");
        assert!(look(&path).expect("older").is_none());
        assert_eq!(std::fs::read(&path).expect("read"), before);
        drop(open(&path).expect("brought up to date"));
        assert!(look(&path).expect("there").is_some());
    }

    #[test]
    fn a_missing_file_is_created_or_reported() {
        let folder = folder();
        let path = path_in(folder.path());
        let error = open_existing(&path).expect_err("missing").to_string();
        assert!(error.contains("sillage user add"), "{error}");
        assert!(!path.exists());
        open(&path).expect("made");
        open_existing(&path).expect("there");
        let nowhere = path_in(&folder.path().join("nowhere"));
        let error = open(&nowhere).expect_err("no folder").to_string();
        assert!(error.contains("nowhere"), "{error}");
    }

    #[test]
    fn a_locked_file_is_reported_and_nothing_is_lost() {
        let folder = folder();
        let path = path_in(folder.path());
        note(&open(&path).expect("opened")).expect("written");
        let holder = Connection::open(&path).expect("opened");
        holder
            .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE")
            .expect("held");
        let error = open(&path).expect_err("held");
        assert!(error.is_transient(), "{error}");
        assert!(error.to_string().contains("another program"), "{error}");
        drop(holder);
        assert_eq!(notes(&open(&path).expect("opened")), 1);
    }
}
