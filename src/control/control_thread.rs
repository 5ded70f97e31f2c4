//! The thread that works on the control database, with a bounded queue of jobs.
//!
//! While the queue is empty, the write-ahead log is moved into the file, so that a copy of the file
//! is a backup unless it is made during a change.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::control::database::open;
use crate::control::error::ControlError;

/// Most jobs that wait for the thread. One takes well under a millisecond, so the queue is full
/// only when the disk hangs.
const QUEUE_MAX: usize = 256;

type Job = Box<dyn FnOnce(Result<&mut Connection, ControlError>) + Send>;

/// The handle of the thread that owns the connection. Clones share the thread.
#[derive(Clone)]
pub struct Control {
    jobs: mpsc::Sender<Job>,
}

impl Control {
    /// Opens the database and starts its thread, which ends when the last clone is dropped.
    ///
    /// # Errors
    /// As [`open`], or the thread can't be started.
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

    /// Runs `work` on the connection, in the order of the calls, and waits without blocking an
    /// async thread.
    ///
    /// # Errors
    /// The queue is full, the file is gone, or `work` fails.
    pub async fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<R, ControlError> + Send + 'static,
    ) -> Result<R, ControlError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // The request may have been dropped meanwhile; the work is done anyway.
            let _ = answer.send(connection.and_then(work));
        });
        self.jobs.try_send(job).map_err(|_| ControlError::Busy)?;
        answered.await.map_err(|_| ControlError::Busy)?
    }
}

fn work(mut connection: Connection, inode: u64, path: &Path, mut waiting: mpsc::Receiver<Job>) {
    let mut tidied = connection.total_changes();
    while let Some(job) = waiting.blocking_recv() {
        // A file that was removed or replaced meanwhile must not be written to: the change would be
        // lost.
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

/// Moves the content of the write-ahead log into the file.
fn checkpoint(connection: &Connection) {
    // While another process reads the file, this moves nothing; the next change tries again.
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
        tracing::warn!(%error, "the write-ahead log of the control database could not be moved into its file; a copy needs the file ending in -wal too");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::control::audit::{self, AuditEntry};
    use crate::control::database::path_in;
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
        // The log is moved right after the answer. A copy made in that moment may be inconsistent,
        // so it is made again.
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
