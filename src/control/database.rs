//! The file `control.db`: opened, brought up to date, and worked on by one thread with a bounded
//! queue.
//!
//! SQLite's write-ahead log, every commit synced. Whenever nobody waits, what is in the log is
//! moved into the file, so that copying the one file is a backup, unless it is copied in the moment
//! of a change. The file carries the number of its last migration (`user_version`): a file of a
//! later version is refused untouched. A migration is a file of several statements, all or nothing,
//! since SQLite can take back changes of tables as well.

use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

/// Name of the file in `data_dir`.
pub const FILE_NAME: &str = "control.db";
/// Jobs that may wait for the thread. One takes well under a millisecond, so a full queue is a disk
/// that hangs.
const QUEUE_MAX: usize = 256;
/// How long another process (the command line) may hold the file.
const LOCK_WAIT: Duration = Duration::from_secs(3);

/// In the order in which they run; the number of a migration is its place, counted from 1. Only
/// ever added to.
const MIGRATIONS: &[&str] = &[
    include_str!("schema/0001_start.sql"),
    include_str!("schema/0002_people.sql"),
    include_str!("schema/0003_keys.sql"),
    include_str!("schema/0004_links.sql"),
    include_str!("schema/0005_kept.sql"),
    include_str!("schema/0006_funnels_and_subscriptions.sql"),
    include_str!("schema/0017_second_factor_tries.sql"),
];
/// What the file says once all have run.
const VERSION: i64 = MIGRATIONS.len() as i64;

/// What can go wrong with the file. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("{path} was written by a newer sillage (version {found} of its tables; this one knows {known}): start that one again, or put back a copy of the file from before; nothing was changed", path = .path.display())]
    Newer {
        path: PathBuf,
        found: i64,
        known: i64,
    },
    #[error("{path} is held by another program; end it (`fuser {path}` shows it) and try again; nothing was changed", path = .path.display())]
    Locked { path: PathBuf },
    #[error("{path} does not exist; `sillage serve` or `sillage user add` creates it, or restore a backup", path = .path.display())]
    Missing { path: PathBuf },
    #[error("{path} is gone or was replaced while it was in use; nothing is saved until you put the file back and restart", path = .path.display())]
    Replaced { path: PathBuf },
    #[error("{path} is no database of sillage ({source}); move it away and put back a copy; nothing was changed", path = .path.display())]
    Foreign {
        path: PathBuf,
        source: rusqlite::Error,
    },
    #[error("cannot use {path}: {source}; make it readable and writable for this user", path = .path.display())]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("too many requests wait for the control database; try again in a few seconds")]
    Busy,
    /// A rule that the asker can keep to; the text is for them.
    #[error("{0}")]
    Rule(&'static str),
    /// The asker may not; the text is for them.
    #[error("{0}")]
    Denied(&'static str),
    #[error("it does not exist any more")]
    NotThere,
    #[error("that name is taken")]
    Taken,
    #[error("the control database answered: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

impl ControlError {
    /// Whether the same may work in a few seconds.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Busy | Self::Locked { .. } => true,
            Self::Sqlite(error) => is_locked(error),
            _ => false,
        }
    }

    /// [`ControlError::Taken`] where a value that may be there once is there already.
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

/// Path of the control database of a data folder.
pub fn path_in(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE_NAME)
}

/// Opens the file, creates it where it is missing, and brings its tables up to date.
///
/// # Errors
/// It is held, newer, no database, or can't be used.
pub fn open(path: &Path) -> Result<Connection, ControlError> {
    let file = |source| ControlError::File {
        path: path.to_owned(),
        source,
    };
    // SQLite's own files beside it take over the mode of this one.
    std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(file)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(file)?;
    let told = |source| explain(path, source);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(told)?;
    connection.busy_timeout(LOCK_WAIT).map_err(told)?;
    let version = version_of(&connection).map_err(told)?;
    if version > VERSION {
        return Err(newer(path, version));
    }
    // No other program's database: ours has a version, an empty file has no tables.
    if version == 0 {
        let tables: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(told)?;
        if tables > 0 {
            return Err(ControlError::Foreign {
                path: path.to_owned(),
                source: rusqlite::Error::InvalidQuery,
            });
        }
    }
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .map_err(told)?;
    prepare(&mut connection).map_err(told)?;
    Ok(connection)
}

/// Like [`open`], but only where there is a file.
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

/// Opens the file to read only, and leaves its tables as they are. `None` where there is none, or
/// one of an older version, which only a start brings up to date.
///
/// # Errors
/// It is held, newer, no database, or can't be read.
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

/// What an error at opening means.
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

/// Settings of a connection, and the migrations that have not run yet.
fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What is deleted is overwritten: hashes of revoked keys and passwords do not linger in free
    // pages.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Read again under the lock: another process may have been at it.
    let version = version_of(&transaction)?;
    for migration in MIGRATIONS.iter().skip(version.max(0) as usize) {
        transaction.execute_batch(migration)?;
    }
    if version < VERSION {
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()
}

/// Begins a change. Taken back unless it is committed.
pub(super) fn change(connection: &mut Connection) -> Result<Transaction<'_>, ControlError> {
    Ok(connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
}

/// A fresh database that is gone with its connection, for tests.
#[cfg(test)]
pub fn in_memory() -> Connection {
    let mut connection = Connection::open_in_memory().expect("memory");
    prepare(&mut connection).expect("the migrations run");
    connection
}

type Job = Box<dyn FnOnce(Result<&mut Connection, ControlError>) + Send>;

/// The one who works on the file. Clones share it.
#[derive(Clone)]
pub struct Control {
    jobs: mpsc::Sender<Job>,
}

impl Control {
    /// Opens the file and starts its thread, which ends when the last clone is gone.
    ///
    /// # Errors
    /// As [`open`].
    pub fn start(path: PathBuf) -> Result<Self, ControlError> {
        let connection = open(&path)?;
        let (jobs, waiting) = mpsc::channel(QUEUE_MAX);
        let file = |source| ControlError::File {
            path: path.clone(),
            source,
        };
        let inode = std::fs::metadata(&path).map_err(file)?.ino();
        let of_thread = path.clone();
        std::thread::Builder::new()
            .name("control".into())
            .spawn(move || work(connection, inode, &of_thread, waiting))
            .map_err(file)?;
        Ok(Self { jobs })
    }

    /// Runs `work` on the connection, after what was asked before, and waits for it without holding
    /// an async thread.
    ///
    /// # Errors
    /// The queue is full, the file is gone, or what `work` says.
    pub async fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<R, ControlError> + Send + 'static,
    ) -> Result<R, ControlError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // Whoever asked may have gone meanwhile; the work is done all the same.
            let _ = answer.send(connection.and_then(work));
        });
        self.jobs.try_send(job).map_err(|_| ControlError::Busy)?;
        answered.await.map_err(|_| ControlError::Busy)?
    }
}

fn work(mut connection: Connection, inode: u64, path: &Path, mut waiting: mpsc::Receiver<Job>) {
    let mut tidied = connection.total_changes();
    while let Some(job) = waiting.blocking_recv() {
        // Nothing is written where nobody would find it: into a file that was removed or replaced
        // meanwhile.
        let is_in_place = std::fs::metadata(path).is_ok_and(|file| file.ino() == inode);
        job(if is_in_place {
            Ok(&mut connection)
        } else {
            Err(ControlError::Replaced {
                path: path.to_owned(),
            })
        });
        if waiting.is_empty() && connection.total_changes() != tidied {
            tidied = connection.total_changes();
            checkpoint(&connection);
        }
    }
}

/// Moves what is in the write-ahead log into the file.
fn checkpoint(connection: &Connection) {
    // A reader in another process only postpones it.
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
        tracing::warn!(%error, "the control database could not be tidied; a copy needs the file ending in -wal as well");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::audit::{self, Deed};
    use jiff::Timestamp;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a temporary folder")
    }

    fn note(connection: &Connection) -> Result<(), ControlError> {
        let deed = Deed {
            who: "ada",
            what: "login",
            site: "",
            subject: "",
        };
        audit::record(connection, Timestamp::UNIX_EPOCH, deed)
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
        assert!(error.contains("no database of sillage"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), text);
        std::fs::remove_file(&path).expect("removed");

        let other = Connection::open(&path).expect("opened");
        other
            .execute_batch("CREATE TABLE recipes (name)")
            .expect("made");
        drop(other);
        let error = open(&path).expect_err("refused").to_string();
        assert!(error.contains("no database of sillage"), "{error}");
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

    #[tokio::test]
    async fn copying_the_one_file_is_a_backup() {
        let folder = folder();
        let path = path_in(folder.path());
        let control = Control::start(path.clone()).expect("started");
        control
            .run(|connection| note(connection))
            .await
            .expect("written");
        let copy = folder.path().join("copy.db");
        // The log is moved right after the answer. A copy made in that very moment may be of
        // neither state, so it is made again.
        for _ in 0..500 {
            std::fs::copy(&path, &copy).expect("copied");
            let found = open(&copy).and_then(|copied| Ok(audit::latest(&copied, &|_| true)?.len()));
            if found.is_ok_and(|notes| notes == 1) {
                return;
            }
            for file in ["copy.db", "copy.db-wal", "copy.db-shm"] {
                let _ = std::fs::remove_file(folder.path().join(file));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the log is never moved into the file");
    }

    #[tokio::test]
    async fn nothing_is_written_into_a_file_that_was_removed_meanwhile() {
        let folder = folder();
        let path = path_in(folder.path());
        let control = Control::start(path.clone()).expect("started");
        control
            .run(|connection| note(connection))
            .await
            .expect("written");
        let aside = folder.path().join("aside.db");
        std::fs::rename(&path, &aside).expect("moved");
        let error = control.run(|connection| note(connection)).await;
        let error = error.expect_err("refused").to_string();
        assert!(error.contains("put the file back"), "{error}");
        std::fs::rename(&aside, &path).expect("moved back");
        control
            .run(|connection| note(connection))
            .await
            .expect("written");
        let count = control.run(|connection| Ok(notes(connection))).await;
        assert_eq!(count.expect("read"), 2);
    }

    #[tokio::test]
    async fn a_full_queue_answers_busy_at_once() {
        let folder = folder();
        let control = Control::start(path_in(folder.path())).expect("started");
        let (begun, has_begun) = std::sync::mpsc::channel();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let mut jobs = vec![tokio::spawn({
            let control = control.clone();
            async move {
                let hold = move |_: &mut Connection| {
                    let _ = begun.send(());
                    let _ = held.recv();
                    Ok(())
                };
                control.run(hold).await
            }
        })];
        tokio::task::spawn_blocking(move || has_begun.recv())
            .await
            .expect("no panic")
            .expect("begun");
        for _ in 0..QUEUE_MAX {
            let control = control.clone();
            jobs.push(tokio::spawn(async move { control.run(|_| Ok(())).await }));
        }
        while control.jobs.capacity() > 0 {
            tokio::task::yield_now().await;
        }
        let refused = control.run(|_| Ok(())).await;
        assert!(matches!(refused, Err(ControlError::Busy)));
        release.send(()).expect("held");
        for job in jobs {
            job.await.expect("no panic").expect("answered");
        }
        control.run(|_| Ok(())).await.expect("there is room again");
    }
}
