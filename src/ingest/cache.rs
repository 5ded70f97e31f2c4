//! Set-associative cache: results of look-ups in bounded memory, under a 64-bit hash with a key of
//! this process. The key that was asked for is not stored.

use std::array;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use ahash::RandomState;

/// Entries of a set.
const WAYS: usize = 4;

/// Entries whose hashes share a set, the most used ones at the front.
type Set<T> = Mutex<[Option<(u64, T)>; WAYS]>;

/// A cache of sets of four entries.
pub struct SetCache<T> {
    hasher: RandomState,
    sets: Box<[Set<T>]>,
}

impl<T: Clone> SetCache<T> {
    /// An empty cache with this number of sets.
    pub fn new(sets: usize) -> Self {
        let empty = |_| Mutex::new(array::from_fn(|_| None));
        Self {
            hasher: RandomState::new(),
            sets: (0..sets).map(empty).collect(),
        }
    }

    /// The value of this key; computed by `find` where it is not cached.
    pub fn get(&self, key: impl Hash, find: impl FnOnce() -> T) -> T {
        let hash = self.hasher.hash_one(key);
        let mut set = self.sets[hash as usize % self.sets.len()]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let is_found = |entry: &Option<(u64, T)>| entry.as_ref().is_some_and(|(of, _)| *of == hash);
        if let Some(mut way) = set.iter().position(is_found) {
            // One step to the front at each use. A new entry replaces the last one, so keys that
            // are used once evict only each other.
            if way > 0 {
                set.swap(way, way - 1);
                way -= 1;
            }
            if let Some((_, value)) = &set[way] {
                return value.clone();
            }
        }
        let value = find();
        let way = set.iter().position(Option::is_none).unwrap_or(WAYS - 1);
        set[way] = Some((hash, value.clone()));
        value
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn every_key_gets_its_own_value_however_many_there_are() {
        let cache = SetCache::new(16);
        for key in (1..=1_000).chain(1..=1_000) {
            assert_eq!(cache.get(key, || key), key);
        }
    }

    #[test]
    fn frequent_keys_are_not_evicted_by_keys_asked_once() {
        let cache = SetCache::new(1);
        let found = Cell::new(0);
        for key in 1..=1_000 {
            let answer = cache.get(0, || {
                found.set(found.get() + 1);
                "often"
            });
            assert_eq!(answer, "often");
            cache.get(key, || "once");
        }
        assert_eq!(found.get(), 1);
    }
}
