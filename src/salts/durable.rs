//! Secrets and records that outlive a reboot, in the data folder: the key of the measurement
//! cookies, which are valid for 13 months, and the audit log, which records the destruction of
//! salts. Salts must not outlive their day and have a folder of their own, which may be in memory
//! (tmpfs).
//!
//! Earlier versions kept both beside the salts. A start moves them: copy, sync, then remove, so
//! that after a crash at any point the key is in at least one place, and the next start continues.
//! If both places have a key, the data folder's is used.

use std::path::Path;

use rustix::fs::FlockOperation;
use zeroize::Zeroizing;

use super::folder::{Folder, SECRET_BYTES, SaltError};
use super::os_random::fill_randomly;
use sillage_privacy::CookieKey;

const COOKIE_KEY_FILE: &str = "cookie.key";
const AUDIT_FILE: &str = "audit.log";

/// The data folder, for the cookie key and the audit log.
pub(super) struct Durable {
    folder: Folder,
}

/// The state of a key file.
enum Found {
    Absent,
    Valid(Zeroizing<[u8; SECRET_BYTES]>),
    /// Not a key, or a key that was overwritten before its removal.
    Broken(SaltError),
}

impl Durable {
    /// Opens the data folder, moves the key and the audit log there from the salts' folder, and
    /// creates a missing key.
    ///
    /// # Errors
    /// The same as for the salts' folder. If a moved file can't be removed from the salts' folder,
    /// that is only a warning.
    pub fn open(data_dir: &Path, salts: &Folder) -> Result<(Self, CookieKey), SaltError> {
        let folder = Folder::open_shared(data_dir)?;
        // Two concurrent starts must not create two keys.
        folder.flock(FlockOperation::LockExclusive)?;
        for name in [COOKIE_KEY_FILE, AUDIT_FILE] {
            folder.destroy(&format!("{name}.tmp"))?;
        }
        let old = (!folder.is_same_as(salts)?).then_some(salts);
        let key = open_key(&folder, old)?;
        if let Some(old) = old {
            move_audit(&folder, old)?;
        }
        if folder.has(AUDIT_FILE)? {
            folder.read_private(AUDIT_FILE)?;
        }
        folder.flock(FlockOperation::Unlock)?;
        Ok((Self { folder }, key))
    }

    /// Appends a line to the audit log.
    pub fn audit(&self, line: &str) -> Result<(), SaltError> {
        self.folder.append(AUDIT_FILE, line)
    }
}

fn open_key(folder: &Folder, old: Option<&Folder>) -> Result<CookieKey, SaltError> {
    let beside = match old {
        Some(old) => find_key(old)?,
        None => Found::Absent,
    };
    let key = match (find_key(folder)?, &beside) {
        (Found::Valid(key), _) => key,
        (_, Found::Valid(key)) => {
            folder.write(COOKIE_KEY_FILE, &**key)?;
            tracing::info!(to = %folder.path_of(COOKIE_KEY_FILE).display(), "the cookie key has moved from the salts' folder to the data folder");
            key.clone()
        }
        (Found::Broken(error), _) => return Err(error),
        (Found::Absent, Found::Broken(_)) => {
            // Reads the file again for an error that names it.
            return match old.map_or(Ok(Found::Absent), find_key)? {
                Found::Broken(error) => Err(error),
                Found::Absent | Found::Valid(_) => open_key(folder, old),
            };
        }
        (Found::Absent, Found::Absent) => {
            let mut key = Zeroizing::new([0; SECRET_BYTES]);
            fill_randomly(&mut *key);
            folder.write(COOKIE_KEY_FILE, &*key)?;
            tracing::warn!(path = %folder.path_of(COOKIE_KEY_FILE).display(),
                "there was no cookie key, so a new one was created. This is normal on a first start; later it means that earlier \
                 measurement cookies are no longer recognised and every returning visitor is counted as new once");
            key
        }
    };
    if let (Some(old), Found::Valid(_) | Found::Broken(_)) = (old, &beside) {
        remove(old, COOKIE_KEY_FILE);
    }
    Ok(CookieKey::from_bytes(*key))
}

fn find_key(folder: &Folder) -> Result<Found, SaltError> {
    if !folder.has(COOKIE_KEY_FILE)? {
        return Ok(Found::Absent);
    }
    Ok(match folder.read_secret(COOKIE_KEY_FILE) {
        // A removal was interrupted after it had overwritten the key.
        Ok(key) if *key == [0; SECRET_BYTES] => Found::Broken(SaltError::Malformed {
            path: folder.path_of(COOKIE_KEY_FILE),
            expected: "a file of 32 random bytes",
        }),
        Ok(key) => Found::Valid(key),
        Err(error @ SaltError::Malformed { .. }) => Found::Broken(error),
        Err(error) => return Err(error),
    })
}

/// Moves the audit log from the salts' folder: its lines go before those in the data folder.
fn move_audit(folder: &Folder, old: &Folder) -> Result<(), SaltError> {
    if !old.has(AUDIT_FILE)? {
        return Ok(());
    }
    let earlier = old.read_private(AUDIT_FILE)?;
    let later = if folder.has(AUDIT_FILE)? {
        folder.read_private(AUDIT_FILE)?
    } else {
        Vec::new()
    };
    // The lines are already there if an earlier move was interrupted before the removal.
    if !later.starts_with(&earlier) {
        folder.write(AUDIT_FILE, &[earlier, later].concat())?;
        tracing::info!(to = %folder.path_of(AUDIT_FILE).display(), "the audit log has moved from the salts' folder to the data folder");
    }
    remove(old, AUDIT_FILE);
    Ok(())
}

/// Removes a file that has a synced copy. If that fails, the next start tries again.
fn remove(old: &Folder, name: &str) {
    if let Err(error) = old.destroy(name) {
        tracing::warn!(%error, "a file was moved to the data folder, but its copy in the salts' folder can't be removed; remove it by hand");
    }
}
