//! Retry deduplication: recognises events that were stored a short while ago.
//!
//! A tracker that gets no answer sends the same event with the same `k` again; it must count once.
//! The memory holds hashes under a key of this process in two generations of ten minutes, so an
//! event is remembered for 10 to 20 minutes. An event that is still being written to disk is
//! neither stored nor lost: its repetition is refused and may be sent again.
//!
//! Bounded: a generation that is full ends early, so between one and two times the configured
//! number of events is remembered. Events in flight are bounded by the open requests.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ahash::RandomState;

use crate::identity_hasher::BuildAsItIs;

/// Seconds after which a generation ends. An event is remembered in its own and the next one.
const GENERATION_S: u64 = 10 * 60;

/// How far back a restart looks for keys, seconds: as long as each is remembered for certain.
pub const MEMORY_S: u64 = GENERATION_S;

/// Locks over the memory.
const SHARDS_MAX: usize = 64;
/// Events of a generation that justify a lock of their own. Smaller shards fill unevenly.
const SHARD_EVENTS_MIN: usize = 1_024;

/// Whether an event may be stored.
pub enum Claim<'a> {
    /// It is new. Call [`PendingEvent::stored`] when it is on disk; drop it if it could not be
    /// stored.
    New(PendingEvent<'a>),
    /// It was stored before.
    Duplicate,
    /// It is being stored right now.
    InFlight,
}

/// An event on its way to the disk. Forgotten when dropped.
pub struct PendingEvent<'a> {
    dedup: &'a Dedup,
    hash: u64,
    is_stored: bool,
}

impl PendingEvent<'_> {
    /// The event is on disk.
    pub fn stored(mut self) {
        self.is_stored = true;
    }
}

impl Drop for PendingEvent<'_> {
    fn drop(&mut self) {
        self.dedup.end(self.hash, self.is_stored);
    }
}

/// Hashes of events. They are keyed already, so the sets do not hash them again.
type Hashes = HashSet<u64, BuildAsItIs>;

/// The events whose hashes share a lock.
#[derive(Debug, Default)]
struct Shard {
    in_flight: Hashes,
    newer: Hashes,
    older: Hashes,
}

impl Shard {
    /// Begins a generation. The memory of the one that is forgotten is reused.
    fn turn(&mut self) {
        std::mem::swap(&mut self.newer, &mut self.older);
        self.newer.clear();
    }
}

/// The memory of events.
#[derive(Debug)]
pub struct Dedup {
    hasher: RandomState,
    shards: Box<[Mutex<Shard>]>,
    /// Events of a generation and shard, at least 1.
    shard_events_max: usize,
    changed_s: AtomicU64,
}

impl Dedup {
    /// Remembers at least about `events_max` events and at most twice as many.
    pub fn new(events_max: usize) -> Self {
        let shards = (events_max / SHARD_EVENTS_MIN).clamp(1, SHARDS_MAX);
        Self {
            hasher: RandomState::new(),
            shards: (0..shards).map(|_| Mutex::default()).collect(),
            shard_events_max: (events_max / shards).max(1),
            changed_s: AtomicU64::new(0),
        }
    }

    /// Looks an event up by the stored form of its `k`, which is also what a restart reads, and
    /// claims it when it is new.
    pub fn claim(&self, site: &str, name: &str, key: u64) -> Claim<'_> {
        let hash = self.hasher.hash_one((site, name, key));
        let mut shard = self.shard(hash);
        if shard.newer.contains(&hash) || shard.older.contains(&hash) {
            return Claim::Duplicate;
        }
        if !shard.in_flight.insert(hash) {
            return Claim::InFlight;
        }
        Claim::New(PendingEvent {
            dedup: self,
            hash,
            is_stored: false,
        })
    }

    /// Remembers an event that was found on disk after a restart.
    pub fn remember(&self, site: &str, name: &str, key: u64) {
        if let Claim::New(pending) = self.claim(site, name, key) {
            pending.stored();
        }
    }

    /// Ends a generation that is old enough; call it every few seconds. However far the clock
    /// jumped, only one generation ends.
    pub fn tick(&self, now_s: u64) {
        if now_s.saturating_sub(self.changed_s.load(Relaxed)) >= GENERATION_S {
            for shard in &self.shards {
                shard.lock().unwrap_or_else(PoisonError::into_inner).turn();
            }
            self.changed_s.store(now_s, Relaxed);
        }
    }

    /// Ends the flight of an event.
    fn end(&self, hash: u64, is_stored: bool) {
        let mut shard = self.shard(hash);
        shard.in_flight.remove(&hash);
        if is_stored {
            if shard.newer.len() >= self.shard_events_max {
                shard.turn();
            }
            shard.newer.insert(hash);
        }
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard> {
        // By the upper half: the sets place their hashes by the lower bits. Nothing that is done
        // under the lock can panic half-way through a change.
        self.shards[(hash >> 32) as usize % self.shards.len()]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_new(dedup: &Dedup, key: u64) -> bool {
        match dedup.claim("example.com", "pageview", key) {
            Claim::New(pending) => {
                pending.stored();
                true
            }
            _ => false,
        }
    }

    #[test]
    fn an_event_is_new_once_per_name_and_site() {
        let dedup = Dedup::new(1_000);
        assert!(is_new(&dedup, 1));
        assert!(!is_new(&dedup, 1));
        assert!(is_new(&dedup, 2));
        assert!(matches!(
            dedup.claim("example.com", "Signup", 1),
            Claim::New(_)
        ));
        assert!(matches!(
            dedup.claim("other.example", "pageview", 1),
            Claim::New(_)
        ));
    }

    #[test]
    fn a_failed_event_is_new_again_and_an_in_flight_one_is_not() {
        let dedup = Dedup::new(1_000);
        let Claim::New(pending) = dedup.claim("example.com", "pageview", 1) else {
            panic!("new")
        };
        assert!(matches!(
            dedup.claim("example.com", "pageview", 1),
            Claim::InFlight
        ));
        drop(pending);
        assert!(is_new(&dedup, 1));
    }

    #[test]
    fn events_are_remembered_for_ten_to_twenty_minutes() {
        let dedup = Dedup::new(100);
        dedup.tick(1_000);
        assert!(is_new(&dedup, 1));
        dedup.tick(1_000 + GENERATION_S - 1);
        assert!(!is_new(&dedup, 1));
        dedup.tick(1_000 + GENERATION_S);
        assert!(!is_new(&dedup, 1), "still in the older generation");
        dedup.tick(1_000 + 2 * GENERATION_S);
        assert!(is_new(&dedup, 1), "forgotten");
        assert!(!is_new(&dedup, 1));
    }

    #[test]
    fn the_newest_are_remembered_and_the_memory_is_bounded() {
        for events_max in [10_000, 200_000] {
            let dedup = Dedup::new(events_max);
            let all = 4 * events_max as u64;
            for n in 0..all {
                assert!(is_new(&dedup, n));
                // Not stored, and forgotten at once.
                drop(dedup.claim("example.com", "pageview", all + n));
            }
            let known_of = |newest: usize| {
                let known = (all - newest as u64..all).filter(|&n| {
                    // An event that is new leaves no trace: its claim is dropped here.
                    let claim = dedup.claim("example.com", "pageview", n);
                    matches!(claim, Claim::Duplicate)
                });
                known.count() as f64 / newest as f64
            };
            let half = events_max / 2;
            assert!(known_of(half) > 0.995, "{}", known_of(half));
            assert!(known_of(events_max) > 0.93, "{}", known_of(events_max));
            let remembered: usize = dedup
                .shards
                .iter()
                .map(|shard| {
                    let shard = shard.lock().expect("no panic");
                    assert!(shard.in_flight.is_empty());
                    shard.newer.len() + shard.older.len()
                })
                .sum();
            assert!(remembered <= 2 * events_max, "{remembered}");
        }
    }

    #[test]
    fn a_memory_of_size_zero_still_knows_the_latest_event() {
        for events_max in [0, 1] {
            let dedup = Dedup::new(events_max);
            for n in 0..1_000 {
                assert!(is_new(&dedup, n));
                assert!(!is_new(&dedup, n));
            }
        }
    }

    #[test]
    fn a_failed_event_frees_its_slot_without_evicting_others() {
        let dedup = Dedup::new(7);
        for n in 0..7 {
            assert!(is_new(&dedup, n));
        }
        for n in 1_000..2_000 {
            drop(dedup.claim("example.com", "pageview", n));
        }
        for n in 0..7 {
            assert!(!is_new(&dedup, n), "{n} was evicted");
        }
    }

    #[test]
    fn an_event_in_flight_is_known_to_its_end_and_evicts_no_other() {
        let dedup = Dedup::new(8);
        let Claim::New(first) = dedup.claim("example.com", "pageview", 0) else {
            panic!("new")
        };
        for n in 1..=100 {
            assert!(is_new(&dedup, n));
        }
        assert!(matches!(
            dedup.claim("example.com", "pageview", 0),
            Claim::InFlight
        ));
        first.stored();
        assert!(!is_new(&dedup, 0));
        for n in 94..=100 {
            assert!(!is_new(&dedup, n));
        }
    }

    #[test]
    fn of_many_concurrent_copies_exactly_one_is_new() {
        let dedup = Dedup::new(1_000);
        for n in 0..2_000 {
            let news = std::thread::scope(|scope| {
                let threads = [(); 4].map(|()| scope.spawn(|| is_new(&dedup, n)));
                threads
                    .into_iter()
                    .map(|thread| thread.join().expect("no panic"))
                    .filter(|&is_new| is_new)
                    .count()
            });
            assert_eq!(news, 1);
        }
    }

    #[test]
    fn a_clock_jump_does_not_forget_recent_events() {
        let dedup = Dedup::new(100);
        dedup.tick(1_000_000);
        assert!(is_new(&dedup, 1));
        // A day ahead, as when a clock is set: only one generation ends.
        dedup.tick(1_086_400);
        assert!(!is_new(&dedup, 1));
        assert!(is_new(&dedup, 2));
        // And back: no generation ends for a day.
        dedup.tick(1_000_000);
        assert!(!is_new(&dedup, 1) && !is_new(&dedup, 2));
    }
}
