//! The disk as the spool sees it: files by name in one folder. Two implementations exist: the real
//! one here, and one in the tests that fails, writes short, reports syncs it did not do, fills up
//! and loses power.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::SpoolError;

/// Name of the file whose lock excludes a second collector.
pub(super) const LOCK_NAME: &str = "lock";

/// One folder of files.
pub(super) trait Disk: Send + Sync + 'static {
    /// Names of all entries except `.`, `..` and the lock, with the length of plain files.
    fn list(&self) -> io::Result<Vec<Entry>>;
    /// Creates a file that only this user can read.
    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;
    /// Opens an existing file for reading and writing, with a new descriptor.
    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes creations, renames and removals durable.
    fn sync_dir(&self) -> io::Result<()>;
    fn space(&self) -> io::Result<Space>;
}

/// One open file.
pub(super) trait DiskFile: Send + Sync {
    /// May write less than asked.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize>;
    /// May read less than asked; 0 at the end.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<usize>;
    fn set_len(&self, bytes: u64) -> io::Result<()>;
    /// Makes contents and length durable.
    fn sync_data(&self) -> io::Result<()>;

    /// Writes until all is written.
    fn write_all_at(&self, mut offset: u64, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write_at(offset, bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    offset += written as u64;
                    bytes = &bytes[written..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads until `bytes` is full or the file ends. Returns the number of bytes read.
    fn read_full_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < bytes.len() {
            match self.read_at(offset + filled as u64, &mut bytes[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

/// An entry of the folder. `bytes` is `None` unless it is a plain file.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub name: String,
    pub bytes: Option<u64>,
}

/// Space on the file system, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Space {
    /// Space that an unprivileged process may still use.
    pub free: u64,
    pub total: u64,
}

/// The folder on the real disk, locked for this process.
pub(super) struct RealDisk {
    dir: PathBuf,
    /// Open for `fsync`.
    folder: File,
    /// Kept open for its lock, which the kernel releases however the process ends.
    _lock: File,
}

impl RealDisk {
    /// Creates the folder (0700) if it does not exist, and locks it.
    ///
    /// # Errors
    /// `Folder` if it can't be created, read or written; `Locked` if another process has it.
    pub fn open(dir: &Path) -> Result<Self, SpoolError> {
        let unusable = |source| SpoolError::Folder {
            path: dir.to_owned(),
            source: Arc::new(source),
        };
        let absent: Vec<_> = dir
            .ancestors()
            .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
            .collect();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(unusable)?;
        let folder = File::open(dir).map_err(unusable)?;
        let permissions = folder.metadata().map_err(unusable)?.permissions();
        if permissions.mode() & 0o077 != 0 {
            tracing::warn!(folder = %dir.display(), "other users could read the spool folder; its mode is now 0700");
            fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(unusable)?;
        }
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(dir.join(LOCK_NAME))
            .map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                lock.by_ref()
                    .take(64)
                    .read_to_string(&mut holder)
                    .map_err(unusable)?;
                return Err(SpoolError::Locked {
                    path: dir.to_owned(),
                    holder: holder.trim().to_owned(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        // For the error message of a refused process. The lock itself is what excludes it.
        let holder = format!("process {}\n", std::process::id());
        lock.set_len(0)
            .and_then(|()| FileExt::write_all_at(&lock, holder.as_bytes(), 0))
            .map_err(unusable)?;
        // The names of new folders have to survive a power cut as well.
        for made in absent {
            let parent = made.join("..");
            File::open(parent)
                .and_then(|parent| parent.sync_all())
                .map_err(unusable)?;
        }
        Ok(Self {
            dir: dir.to_owned(),
            folder,
            _lock: lock,
        })
    }
}

impl Disk for RealDisk {
    fn list(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            if entry.file_name() == LOCK_NAME {
                continue;
            }
            let metadata = entry.metadata()?;
            entries.push(Entry {
                name: entry.file_name().to_string_lossy().into_owned(),
                bytes: metadata.is_file().then_some(metadata.len()),
            });
        }
        Ok(entries)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.dir.join(name))?;
        Ok(Box::new(file))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.dir.join(name))?;
        Ok(Box::new(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.dir.join(from), self.dir.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.dir.join(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.folder.sync_all()
    }

    fn space(&self) -> io::Result<Space> {
        let stat = rustix::fs::fstatvfs(&self.folder)?;
        Ok(Space {
            free: stat.f_bavail.saturating_mul(stat.f_frsize),
            total: stat.f_blocks.saturating_mul(stat.f_frsize),
        })
    }
}

impl DiskFile for File {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        FileExt::write_at(self, bytes, offset)
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        FileExt::read_at(self, bytes, offset)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        File::set_len(self, bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        File::sync_data(self)
    }
}
