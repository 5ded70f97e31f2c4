//! The salts' folder: mode 0700, its files 0600, owned by the collector's user. A write returns
//! once it is on disk.
//!
//! Files: `<site>.<day>.<name>.salt` (the current day's, yesterday's for its grace),
//! `<site>.<day>.<name>.next` (tomorrow's), and `lock`, which keeps a second collector out. A day
//! is written as `<day>@<clock>` while the clock is behind the latest day it ever showed. The data
//! folder of `durable` is opened in the same way, but shared with other files.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use zeroize::Zeroizing;

const LOCK_FILE: &str = "lock";
/// Bytes of every secret here.
pub(super) const SECRET_BYTES: usize = 32;

/// Why salts can't be kept. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum SaltError {
    #[error("salts: cannot {what} {path}: {source}")]
    Io {
        what: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("salts: {path} can be read by others (mode {mode:04o}); run: chmod {wanted:o} {path}")]
    TooOpen {
        path: PathBuf,
        mode: u32,
        wanted: u32,
    },
    #[error(
        "salts: {path} belongs to user {owner}, but the collector runs as user {own}; always run it as the same user"
    )]
    Foreign { path: PathBuf, owner: u32, own: u32 },
    #[error("salts: {path} is not {expected}; move it away, and the collector creates a new one")]
    Malformed {
        path: PathBuf,
        expected: &'static str,
    },
    #[error("salts: {path} is used by another collector; give each its own folder (salts.dir)")]
    InUse { path: PathBuf },
}

/// The stage of a salt's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// In use; `since` is the day by the clock.
    Current { since: i32 },
    /// Created in advance.
    Next,
}

/// The parts of a salt file's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SaltFile {
    pub slug: String,
    pub label: i32,
    pub name: String,
    pub stage: Stage,
}

impl SaltFile {
    pub fn file_name(&self) -> String {
        let Self {
            slug, label, name, ..
        } = self;
        match self.stage {
            Stage::Current { since } if since == *label => format!("{slug}.{label}.{name}.salt"),
            Stage::Current { since } => format!("{slug}.{label}@{since}.{name}.salt"),
            Stage::Next => format!("{slug}.{label}.{name}.next"),
        }
    }

    fn parse(file_name: &str) -> Option<Self> {
        let mut parts = file_name.split('.');
        let (slug, day, name, kind) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let (label, since) = day.split_once('@').unwrap_or((day, day));
        let label = label.parse().ok()?;
        let stage = match kind {
            "salt" => Stage::Current {
                since: since.parse().ok()?,
            },
            "next" => Stage::Next,
            _ => return None,
        };
        let is_name =
            name.len() == 16 && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let file = Self {
            slug: slug.to_owned(),
            label,
            name: name.to_owned(),
            stage,
        };
        (is_name && parts.next().is_none() && file.file_name() == file_name).then_some(file)
    }

    /// The eight bytes of the public name.
    pub fn name_bytes(&self) -> [u8; 8] {
        u64::from_str_radix(&self.name, 16)
            .expect("parse accepts only hexadecimal digits")
            .to_be_bytes()
    }
}

/// An entry of the folder.
pub(super) enum Entry {
    Salt(SaltFile),
    /// A file that was being written when the process died.
    Leftover(String),
}

/// The open folder. Files are opened relative to its descriptor and not by path, so that no other
/// folder can take its place.
pub(super) struct Folder {
    path: PathBuf,
    dir: OwnedFd,
    /// Locked while it is open; `None` for a shared folder.
    _lock: Option<File>,
}

impl Folder {
    /// Opens the salts' folder, which no other collector may use.
    pub fn open(path: &Path) -> Result<Self, SaltError> {
        let dir = open_dir(path, 0o077)?;
        let fault = |what| fault_at(what, path);
        let lock_path = path.join(LOCK_FILE);
        let lock = open_at(&dir, LOCK_FILE, OFlags::CREATE | OFlags::RDWR);
        let lock = lock.map_err(|source| SaltError::Io {
            what: "create",
            path: lock_path,
            source,
        })?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(SaltError::InUse {
                    path: path.to_owned(),
                });
            }
            Err(errno) => return Err(fault("lock")(errno.into())),
        }
        Ok(Self {
            path: path.to_owned(),
            dir,
            _lock: Some(lock),
        })
    }

    /// Opens a folder that holds other files too. Other users may read it, but only its owner may
    /// change it.
    pub fn open_shared(path: &Path) -> Result<Self, SaltError> {
        Ok(Self {
            path: path.to_owned(),
            dir: open_dir(path, 0o022)?,
            _lock: None,
        })
    }

    /// Locks or unlocks the folder itself, for a few steps that belong together. Waits for the
    /// lock.
    pub fn flock(&self, operation: FlockOperation) -> Result<(), SaltError> {
        rustix::fs::flock(&self.dir, operation).map_err(self.fault("lock", ""))
    }

    /// Whether both are the same folder, even under different paths.
    pub fn is_same_as(&self, other: &Self) -> Result<bool, SaltError> {
        let of = |folder: &Self| {
            let stat = rustix::fs::fstat(&folder.dir).map_err(folder.fault("look at", ""))?;
            Ok::<_, SaltError>((stat.st_dev, stat.st_ino))
        };
        Ok(of(self)? == of(other)?)
    }

    /// The path of a file in it.
    pub fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Salt files and leftovers. Other files are ignored, except malformed names of salt files.
    pub fn entries(&self) -> Result<Vec<Entry>, SaltError> {
        let mut entries = Vec::new();
        let found = rustix::fs::Dir::read_from(&self.dir).map_err(self.fault("list", ""))?;
        for entry in found {
            let entry = entry.map_err(self.fault("list", ""))?;
            let Ok(name) = entry.file_name().to_str() else {
                continue;
            };
            if name.ends_with(".tmp") {
                entries.push(Entry::Leftover(name.to_owned()));
            } else if name.ends_with(".salt") || name.ends_with(".next") {
                let expected = "a salt file of this program";
                let malformed = || SaltError::Malformed {
                    path: self.path.join(name),
                    expected,
                };
                entries.push(Entry::Salt(SaltFile::parse(name).ok_or_else(malformed)?));
            }
        }
        Ok(entries)
    }

    pub fn has(&self, name: &str) -> Result<bool, SaltError> {
        match rustix::fs::statat(&self.dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(rustix::io::Errno::NOENT) => Ok(false),
            Err(errno) => Err(self.fault("look at", name)(errno)),
        }
    }

    /// Reads a secret from a private file.
    pub fn read_secret(&self, name: &str) -> Result<Zeroizing<[u8; SECRET_BYTES]>, SaltError> {
        let (mut file, len) = self.open_private(name, OFlags::RDONLY)?;
        if len != SECRET_BYTES as u64 {
            let expected = "a file of 32 random bytes";
            return Err(SaltError::Malformed {
                path: self.path.join(name),
                expected,
            });
        }
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        file.read_exact(&mut *secret)
            .map_err(self.fault("read", name))?;
        Ok(secret)
    }

    /// Writes a file whole or not at all.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), SaltError> {
        let temporary = format!("{name}.tmp");
        let file = open_at(
            &self.dir,
            &temporary,
            OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC,
        );
        let mut file = file.map_err(self.fault("create", name))?;
        file.write_all(bytes)
            .and_then(|()| file.sync_all())
            .map_err(self.fault("write", name))?;
        self.rename(&temporary, name)
    }

    pub fn rename(&self, from: &str, to: &str) -> Result<(), SaltError> {
        rustix::fs::renameat(&self.dir, from, &self.dir, to).map_err(self.fault("rename", from))?;
        self.sync()
    }

    /// Overwrites a file, removes it, and waits until both are on disk. A missing file is not an
    /// error.
    pub fn destroy(&self, name: &str) -> Result<(), SaltError> {
        if !self.has(name)? {
            return Ok(());
        }
        let mut file =
            open_at(&self.dir, name, OFlags::WRONLY).map_err(self.fault("open", name))?;
        let len = file.metadata().map_err(self.fault("look at", name))?.len();
        let zeros = vec![0; usize::try_from(len).unwrap_or(SECRET_BYTES).min(1 << 16)];
        let overwritten = file.write_all(&zeros).and_then(|()| file.sync_all());
        overwritten.map_err(self.fault("overwrite", name))?;
        rustix::fs::unlinkat(&self.dir, name, AtFlags::empty())
            .map_err(self.fault("remove", name))?;
        self.sync()
    }

    /// Appends a line to a file and waits until it is on disk.
    pub fn append(&self, name: &str, line: &str) -> Result<(), SaltError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND;
        let file = open_at(&self.dir, name, flags);
        let mut file = file.map_err(self.fault("open", name))?;
        let written = file
            .write_all(line.as_bytes())
            .and_then(|()| file.sync_all());
        written.map_err(self.fault("write", name))
    }

    /// Reads a private file.
    pub fn read_private(&self, name: &str) -> Result<Vec<u8>, SaltError> {
        let (mut file, _) = self.open_private(name, OFlags::RDONLY)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)
            .map_err(self.fault("read", name))?;
        Ok(bytes)
    }

    /// Opens a regular file that the collector owns and no other user can read. Returns its length
    /// too.
    fn open_private(&self, name: &str, flags: OFlags) -> Result<(File, u64), SaltError> {
        let file = open_at(&self.dir, name, flags).map_err(self.fault("open", name))?;
        let metadata = file.metadata().map_err(self.fault("look at", name))?;
        let path = self.path.join(name);
        if !metadata.is_file() {
            return Err(SaltError::Malformed {
                path,
                expected: "a file",
            });
        }
        check_private(&path, &metadata, 0o077, 0o600)?;
        Ok((file, metadata.len()))
    }

    fn sync(&self) -> Result<(), SaltError> {
        rustix::fs::fsync(&self.dir).map_err(self.fault("sync", ""))
    }

    fn fault<E: Into<io::Error>>(
        &self,
        what: &'static str,
        name: &str,
    ) -> impl Fn(E) -> SaltError + use<E> {
        let path = if name.is_empty() {
            self.path.clone()
        } else {
            self.path.join(name)
        };
        move |source| SaltError::Io {
            what,
            path: path.clone(),
            source: source.into(),
        }
    }
}

/// Opens a file of the folder. Creates it with mode 0600, and never follows a link.
fn open_at(dir: &OwnedFd, name: &str, flags: OFlags) -> io::Result<File> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    Ok(rustix::fs::openat(dir, name, flags, Mode::RUSR | Mode::WUSR)?.into())
}

/// Opens a folder that the collector owns and whose mode has none of the `forbidden` bits. Creates
/// a missing one with mode 0700.
fn open_dir(path: &Path, forbidden: u32) -> Result<OwnedFd, SaltError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(fault_at("create", path))?;
    let dir = File::open(path).map_err(fault_at("open", path))?;
    let metadata = dir.metadata().map_err(fault_at("look at", path))?;
    check_private(path, &metadata, forbidden, 0o700)?;
    Ok(OwnedFd::from(dir))
}

fn fault_at(what: &'static str, path: &Path) -> impl Fn(io::Error) -> SaltError + use<> {
    let path = path.to_owned();
    move |source| SaltError::Io {
        what,
        path: path.clone(),
        source,
    }
}

fn check_private(
    path: &Path,
    metadata: &fs::Metadata,
    forbidden: u32,
    wanted: u32,
) -> Result<(), SaltError> {
    let mode = metadata.mode() & 0o7777;
    let (owner, own) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if mode & forbidden != 0 {
        return Err(SaltError::TooOpen {
            path: path.to_owned(),
            mode,
            wanted,
        });
    }
    if owner != own {
        return Err(SaltError::Foreign {
            path: path.to_owned(),
            owner,
            own,
        });
    }
    Ok(())
}
