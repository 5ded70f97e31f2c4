//! At most so many distinct paths per site and day: a guard against addresses that carry an identifier no rule knows,
//! and against filling the store with invented pages.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use ahash::RandomState;

/// Counts a site's distinct paths of the day, as 8-byte hashes under a key that lives with the process.
pub(super) struct PathCap {
    paths_max: usize,
    hasher: RandomState,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Which salt, and so which day, they were seen under.
    epoch: u64,
    /// The minute of the latest change of epoch, so that a late event of yesterday does not start the day again.
    since_minute: u32,
    paths: HashSet<u64, RandomState>,
}

impl PathCap {
    pub(super) fn new(paths_max: usize) -> Self {
        Self {
            paths_max,
            hasher: RandomState::new(),
            seen: Mutex::default(),
        }
    }

    /// Whether a path is still kept as it is.
    pub(super) fn admits(&self, path: &str, epoch: u64, minute: u32) -> bool {
        let hash = self.hasher.hash_one(path);
        // A panic while it was held can have left nothing half done that matters: the worst is a path counted twice.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.epoch != epoch && minute >= seen.since_minute {
            *seen = Seen {
                epoch,
                since_minute: minute,
                paths: HashSet::default(),
            };
        }
        if seen.paths.contains(&hash) {
            return true;
        }
        let has_room = seen.paths.len() < self.paths_max;
        if has_room {
            seen.paths.insert(hash);
        }
        has_room
    }
}
