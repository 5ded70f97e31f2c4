//! Which events were kept a short while ago, so that one sent again counts once.
//!
//! A tracker that gets no answer sends the same event with the same `k` again. Remembered are 64-bit hashes under a key
//! of this process, in two generations that together reach back 10 to 20 minutes; the memory is bounded, and when a
//! generation is full it becomes the old one early. An event on its way to the disk is neither kept nor lost: its
//! repetition is told to come back.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use crate::hash::BuildAsItIs;

/// Seconds after which the generations change.
const GENERATION_S: u64 = 10 * 60;

/// How far back a restart looks for keys, seconds: as far as they are remembered for certain.
pub const MEMORY_S: u64 = GENERATION_S;

/// What is known of an event.
pub enum Mark<'a> {
    /// It is new; call [`Pending::kept`] when it is on disk, or drop this when it could not be kept.
    New(Pending<'a>),
    /// It was kept.
    Kept,
    /// It is being kept right now.
    InFlight,
}

/// An event on its way. Forgotten when dropped.
pub struct Pending<'a> {
    seen: &'a Seen,
    generation: usize,
    hash: u64,
    is_kept: bool,
}

impl Pending<'_> {
    /// The event is on disk.
    pub fn kept(mut self) {
        self.is_kept = true;
        if let Some(mut state) = self.seen.generations[self.generation].get_mut(&self.hash) {
            *state = true;
        }
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            let removed = self.seen.generations[self.generation].remove(&self.hash);
            // Those of the older generation are not counted any more.
            if removed.is_some() && self.seen.current.load(Relaxed) == self.generation {
                let one_fewer = |count: usize| count.checked_sub(1);
                let _ = self.seen.count.fetch_update(Relaxed, Relaxed, one_fewer);
            }
        }
    }
}

/// The memory of events.
#[derive(Debug)]
pub struct Seen {
    hasher: RandomState,
    /// hash -> whether it is on disk.
    generations: [DashMap<u64, bool, BuildAsItIs>; 2],
    current: AtomicUsize,
    /// Events in the current generation, give or take those that were marked while it began.
    count: AtomicUsize,
    /// Whether it began because the one before was full, at a time that is still to be noted.
    is_fresh: AtomicBool,
    changed_s: AtomicU64,
    turning: Mutex<()>,
    keys_max: usize,
}

impl Seen {
    /// Remembers at most `keys_max` events, about 24 bytes each.
    pub fn new(keys_max: usize) -> Self {
        Self {
            hasher: RandomState::new(),
            generations: [DashMap::default(), DashMap::default()],
            current: AtomicUsize::new(0),
            count: AtomicUsize::new(0),
            is_fresh: AtomicBool::new(false),
            changed_s: AtomicU64::new(0),
            turning: Mutex::new(()),
            keys_max,
        }
    }

    /// Looks an event up by the stored form of its `k`, which is what a restart finds, and marks it when it is new.
    pub fn mark(&self, site: &str, name: &str, key: u64) -> Mark<'_> {
        let hash = self.hasher.hash_one((site, name, key));
        let current = self.current.load(Relaxed);
        if let Some(state) = self.generations[1 - current].get(&hash) {
            return if *state { Mark::Kept } else { Mark::InFlight };
        }
        match self.generations[current].entry(hash) {
            Entry::Occupied(state) if *state.get() => return Mark::Kept,
            Entry::Occupied(_) => return Mark::InFlight,
            Entry::Vacant(place) => drop(place.insert(false)),
        }
        // Only whoever fills it turns it.
        if self.count.fetch_add(1, Relaxed) + 1 == self.keys_max.div_ceil(2).max(1) {
            self.turn(current);
            self.is_fresh.store(true, Relaxed);
        }
        Mark::New(Pending {
            seen: self,
            generation: current,
            hash,
            is_kept: false,
        })
    }

    /// Remembers an event that was found on disk after a restart; when the memory is full, instead of older ones.
    pub fn remember(&self, site: &str, name: &str, key: u64) {
        if let Mark::New(pending) = self.mark(site, name, key) {
            pending.kept();
        }
    }

    /// Forgets what is old; call it every few seconds.
    pub fn tick(&self, now_s: u64) {
        if self.is_fresh.swap(false, Relaxed) {
            self.changed_s.store(now_s, Relaxed);
        }
        if now_s.saturating_sub(self.changed_s.load(Relaxed)) >= GENERATION_S {
            self.turn(self.current.load(Relaxed));
            self.changed_s.store(now_s, Relaxed);
        }
    }

    /// Forgets the older generation and begins a new one, unless the current one has ended meanwhile.
    fn turn(&self, current: usize) {
        // Nothing in here can panic half-way through a change.
        let _one = self.turning.lock().unwrap_or_else(PoisonError::into_inner);
        if self.current.load(Relaxed) != current {
            return;
        }
        self.generations[1 - current].clear();
        self.generations[1 - current].shrink_to_fit();
        self.count.store(0, Relaxed);
        self.current.store(1 - current, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_new(seen: &Seen, key: u64) -> bool {
        match seen.mark("example.com", "pageview", key) {
            Mark::New(pending) => {
                pending.kept();
                true
            }
            _ => false,
        }
    }

    #[test]
    fn the_same_event_is_new_once_and_other_names_and_sites_are_others() {
        let seen = Seen::new(1_000);
        assert!(is_new(&seen, 1));
        assert!(!is_new(&seen, 1));
        assert!(is_new(&seen, 2));
        assert!(matches!(
            seen.mark("example.com", "Signup", 1),
            Mark::New(_)
        ));
        assert!(matches!(
            seen.mark("other.example", "pageview", 1),
            Mark::New(_)
        ));
    }

    #[test]
    fn one_that_could_not_be_kept_is_new_again_and_one_in_flight_is_neither() {
        let seen = Seen::new(1_000);
        let Mark::New(pending) = seen.mark("example.com", "pageview", 1) else {
            panic!("new")
        };
        assert!(matches!(
            seen.mark("example.com", "pageview", 1),
            Mark::InFlight
        ));
        drop(pending);
        assert!(is_new(&seen, 1));
    }

    #[test]
    fn memory_reaches_back_ten_minutes_and_is_bounded() {
        let seen = Seen::new(100);
        seen.tick(1_000);
        assert!(is_new(&seen, 1));
        seen.tick(1_000 + GENERATION_S);
        assert!(!is_new(&seen, 1), "still in the older generation");
        seen.tick(1_000 + 2 * GENERATION_S);
        assert!(is_new(&seen, 1), "forgotten");
        for n in 0..1_000_u64 {
            is_new(&seen, n);
        }
        assert!(seen.generations.iter().map(DashMap::len).sum::<usize>() <= 101);
    }

    #[test]
    fn the_memory_is_bounded_however_small_it_is_and_however_many_cant_be_kept() {
        for keys_max in [0, 1, 10] {
            let seen = Seen::new(keys_max);
            for n in 0..1_000_u64 {
                is_new(&seen, n);
                // Not kept, and forgotten at once.
                drop(seen.mark("example.com", "pageview", 1_000_000 + n));
            }
            let held: usize = seen.generations.iter().map(DashMap::len).sum();
            assert!(held <= keys_max + 2, "{held} of {keys_max}");
        }
    }

    #[test]
    fn a_clock_that_jumps_neither_forgets_what_was_just_kept_nor_takes_more_memory() {
        let seen = Seen::new(100);
        seen.tick(1_000_000);
        assert!(is_new(&seen, 1));
        // A day ahead, as when a clock is set: one change of generations, however far.
        seen.tick(1_086_400);
        assert!(!is_new(&seen, 1));
        assert!(is_new(&seen, 2));
        // And back: nothing is old for a day, but the bound holds.
        seen.tick(1_000_000);
        assert!(!is_new(&seen, 1) && !is_new(&seen, 2));
        for n in 10..1_000_u64 {
            assert!(is_new(&seen, n));
            seen.tick(1_000_000);
        }
        assert!(!is_new(&seen, 999));
        assert!(seen.generations.iter().map(DashMap::len).sum::<usize>() <= 101);
    }

    #[test]
    fn what_is_found_after_a_restart_is_kept_already_and_bounded() {
        let seen = Seen::new(100);
        for key in 0..1_000 {
            seen.remember("example.com", "pageview", key);
        }
        assert!(!is_new(&seen, 999));
        assert!(seen.generations.iter().map(DashMap::len).sum::<usize>() <= 100);
    }
}
