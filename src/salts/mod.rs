//! The salt keeper: creates salts and the cookie key, keeps them secret, and destroys salts on
//! time. `ingest` uses the day's salts for each beacon; a background task calls
//! [`SaltKeeper::tick`] every few seconds.
//!
//! One salt per site and site-local day, 32 bytes from the operating system. Today's salt is on
//! disk, so that a restart counts no visitor twice. Tomorrow's is created in advance, so that
//! midnight needs neither disk nor randomness. Yesterday's is kept for [`GRACE`] past local
//! midnight, for open visits, and then destroyed: overwritten in memory and on disk, removed, and
//! recorded in the audit log under its public name. The audit log and the cookie key are in the
//! data folder ([`durable`]), because they must outlive a reboot, which the salts' folder need not.
//!
//! Invariants: no function returns a past day's salt, and a clock that goes back restores none.
//! [`SaltKeeper::with`] never uses a wrong day's salt, however late `tick` is. A folder or file
//! that other users can read stops the start ([`SaltError`]). Time is always an argument.

#![allow(
    clippy::disallowed_methods,
    reason = "the salt keeper is the only code that may read a salt"
)]

mod durable;
mod epochs;
mod folder;
mod locked_memory;
mod os_random;
mod process;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockWriteGuard};

use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::config::{Site, SiteId};
use sillage_privacy::{CookieKey, Salts, site_slug};

use durable::Durable;
use epochs::{Doomed, Epochs, Held, LocalDay};
use folder::{Entry, Folder, SaltFile, Stage};
use locked_memory::{LockedMemory, LockedSalt};
use os_random::fill_randomly;

pub use epochs::{GRACE, date_of};
pub use folder::SaltError;

/// Keeper of the salts of all configured sites and of the cookie key.
pub struct SaltKeeper {
    sites: Vec<SiteSalts>,
    cookie_key: CookieKey,
    /// Locked while files change, so that the sites' locks are never held during a wait for the
    /// disk.
    files: Mutex<Files>,
}

/// The folders on disk.
struct Files {
    /// Salts only; may be in memory.
    salts: Folder,
    /// The cookie key and the audit log, which outlive a reboot.
    durable: Durable,
}

struct SiteSalts {
    id: String,
    slug: String,
    epochs: RwLock<Epochs>,
    memory: Arc<LockedMemory>,
}

impl SaltKeeper {
    /// Opens the folders, which are created with mode 0700, loads their salts, destroys those of
    /// past days, and creates missing ones. The salts' memory is kept out of swap and core dumps;
    /// if the system refuses that, it is logged.
    ///
    /// # Errors
    /// The folder or one of its files can't be read or written, can be read by other users, belongs
    /// to another user, or is malformed, or another collector uses the folder.
    pub fn open(
        salts_dir: &Path,
        data_dir: &Path,
        sites: &[Site],
        now: Timestamp,
    ) -> Result<Self, SaltError> {
        process::protect_memory();
        let folder = Folder::open(salts_dir)?;
        let (durable, cookie_key) = Durable::open(data_dir, &folder)?;
        let mut files = Vec::new();
        for entry in folder.entries()? {
            match entry {
                Entry::Salt(file) => files.push(file),
                Entry::Leftover(name) => folder.destroy(&name)?,
            }
        }
        let memory = LockedMemory::new();
        let mut kept = Vec::with_capacity(sites.len());
        for site in sites {
            let slug = site_slug(&site.id);
            let (own, others) = files.into_iter().partition(|file| file.slug == slug);
            files = others;
            let epochs = load(&folder, own, &memory, site.timezone.clone(), now)?;
            kept.push(SiteSalts {
                id: site.id.clone(),
                slug,
                epochs: RwLock::new(epochs),
                memory: Arc::clone(&memory),
            });
        }
        // Sites that are no longer configured.
        for file in files {
            folder.destroy(&file.file_name())?;
            durable.audit(&destruction(&file.slug, file.label, &file.name, now))?;
        }
        let keeper = Self {
            sites: kept,
            cookie_key,
            files: Mutex::new(Files {
                salts: folder,
                durable,
            }),
        };
        keeper.tick(now)?;
        Ok(keeper)
    }

    /// Calls `use_salts` with the salts of a site at `now`. It runs under a read lock, so it must
    /// be short and must not call the keeper. Does no IO.
    ///
    /// What is computed from the salts may leave the call:
    ///
    /// ```
    /// use sillage::{config::SiteId, salts::SaltKeeper};
    /// fn name(keeper: &SaltKeeper, site: SiteId, now: jiff::Timestamp) -> String {
    ///     keeper.with(site, now, |salts| salts.today.public_name())
    /// }
    /// ```
    ///
    /// The salts themselves may not (P3), and the compiler says so:
    ///
    /// ```compile_fail
    /// use sillage::{config::SiteId, salts::SaltKeeper};
    /// use sillage_privacy::Salts;
    /// fn keep(keeper: &SaltKeeper, site: SiteId, now: jiff::Timestamp) -> Salts<'_> {
    ///     keeper.with(site, now, |salts| salts)
    /// }
    /// ```
    pub fn with<R>(
        &self,
        site: SiteId,
        now: Timestamp,
        use_salts: impl FnOnce(Salts<'_>) -> R,
    ) -> R {
        let SiteSalts { epochs, memory, .. } = &self.sites[site.index()];
        let held = epochs.read().unwrap_or_else(PoisonError::into_inner);
        if held.is_settled(now) {
            return use_salts(held.salts());
        }
        drop(held);
        let mut held = epochs.write().unwrap_or_else(PoisonError::into_inner);
        held.advance(now, || fresh(memory));
        let held = RwLockWriteGuard::downgrade(held);
        use_salts(held.salts())
    }

    /// Rotates salts that are due, creates tomorrow's, and destroys and audits past ones. Call it
    /// every few seconds; a call with nothing to do costs a read lock per site.
    ///
    /// # Errors
    /// The first error of the disk. Other sites are handled anyway, and the next call tries again.
    pub fn tick(&self, now: Timestamp) -> Result<(), SaltError> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let mut outcome = Ok(());
        for site in &self.sites {
            outcome = outcome.and(site.reconcile(&files, now));
        }
        outcome
    }

    /// Site-local day at `now`, in days since 1970-01-01.
    pub fn day(&self, site: SiteId, now: Timestamp) -> i32 {
        let held = self.sites[site.index()]
            .epochs
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        held.day(now)
    }

    /// Seconds until the salt of the day at `now` is destroyed: the rest of the site-local day and
    /// [`GRACE`].
    pub fn salt_ends_in_s(&self, site: SiteId, now: Timestamp) -> u32 {
        let held = self.sites[site.index()]
            .epochs
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let left = held.day_end(now).duration_since(now) + GRACE;
        u32::try_from(left.as_secs()).unwrap_or(0)
    }

    /// The key that authenticates measurement cookies. It outlives the day and is not a salt.
    pub fn cookie_key(&self) -> &CookieKey {
        &self.cookie_key
    }
}

impl SiteSalts {
    fn read(&self) -> std::sync::RwLockReadGuard<'_, Epochs> {
        self.epochs.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Epochs> {
        self.epochs.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rotates the salts in memory, then updates their files.
    fn reconcile(&self, files: &Files, now: Timestamp) -> Result<(), SaltError> {
        if !self.read().is_settled(now) {
            self.write().advance(now, || fresh(&self.memory));
        }
        if self.read().needs_next() {
            self.write().prefetch(|| fresh(&self.memory));
        }
        // Past salts first: their destruction must not wait for a full disk.
        let destroyed = self.destroy_doomed(files, now);
        let persisted = self.persist(&files.salts);
        destroyed.and(persisted)
    }

    fn destroy_doomed(&self, files: &Files, now: Timestamp) -> Result<(), SaltError> {
        let doomed = self.read().doomed().to_vec();
        // All files first, so that an audit log that can't be written does not delay them.
        for Doomed { name, file, .. } in &doomed {
            if let Some(file) = file {
                files.salts.destroy(file)?;
                self.write().set_file(name, None);
            }
        }
        for Doomed { label, name, .. } in &doomed {
            files
                .durable
                .audit(&destruction(&self.id, *label, name, now))?;
            tracing::info!(site = %self.id, day = %date_of(*label), salt = %name, "salts destroyed");
            self.write().forget_doomed(name);
        }
        Ok(())
    }

    fn persist(&self, folder: &Folder) -> Result<(), SaltError> {
        loop {
            let (name, wanted, found, bytes) = {
                let held = self.read();
                let Some((held, wanted)) = held.unfiled(&self.slug) else {
                    return Ok(());
                };
                let bytes = Zeroizing::new(*held.salt.expose_bytes());
                (held.salt.public_name(), wanted, held.file.clone(), bytes)
            };
            match found {
                None => folder.write(&wanted, &*bytes)?,
                Some(found) => folder.rename(&found, &wanted)?,
            }
            self.write().set_file(&name, Some(wanted));
        }
    }
}

/// Builds a site's state from its files. The salt of the latest day is the current one, even if the
/// clock shows an earlier day.
fn load(
    folder: &Folder,
    files: Vec<SaltFile>,
    memory: &Arc<LockedMemory>,
    zone: jiff::tz::TimeZone,
    now: Timestamp,
) -> Result<Epochs, SaltError> {
    let (mut days, mut next) = (Vec::new(), Vec::new());
    for file in files {
        let bytes = folder.read_secret(&file.file_name())?;
        let salt = memory.hold(file.name_bytes(), |place| place.copy_from_slice(&*bytes));
        let held = Held {
            label: file.label,
            salt,
            file: Some(file.file_name()),
        };
        match file.stage {
            Stage::Current { since } => days.push((held, since)),
            Stage::Next => next.push(held),
        }
    }
    days.sort_by_key(|(held, _)| held.label);
    next.sort_by_key(|held| held.label);
    let today = LocalDay::at(&zone, now).day;
    let (current, since) = match days.pop() {
        Some(current) => current,
        None => match next.pop_if(|held| held.label <= today) {
            Some(held) => (held, today),
            None => (
                Held {
                    label: today,
                    salt: fresh(memory),
                    file: None,
                },
                today,
            ),
        },
    };
    // Only the salt of the day before is kept. `advance` checks whether its half hour is over.
    let yesterday = days.pop_if(|(held, _)| held.label + 1 == current.label);
    let yesterday = yesterday.map(|(held, _)| held);
    let mut epochs = Epochs::new(zone, current, since, yesterday, next.pop());
    for held in next
        .into_iter()
        .chain(days.into_iter().map(|(held, _)| held))
    {
        epochs.doom(held);
    }
    epochs.advance(now, || fresh(memory));
    Ok(epochs)
}

fn fresh(memory: &Arc<LockedMemory>) -> LockedSalt {
    let mut name = [0; 8];
    fill_randomly(&mut name);
    memory.hold(name, |bytes| fill_randomly(bytes))
}

/// The audit line: site, day, public name and time, never the salt.
fn destruction(site: &str, label: i32, name: &str, now: Timestamp) -> String {
    let time = now.strftime("%Y-%m-%dT%H:%M:%SZ");
    format!(
        "{time} salts destroyed site={site} day={} salt={name}\n",
        date_of(label)
    )
}

#[cfg(test)]
mod tests;
