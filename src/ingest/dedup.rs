//! Which events were kept a short while ago, so that one sent again counts once.
//!
//! A tracker that gets no answer sends the same event with the same `k` again. Remembered are
//! hashes under a key of this process, for 10 to 20 minutes, in a table of fixed size: an event's
//! hash says in which set of eight places it may stand, the newest first, and one that comes to a
//! full set takes the place of the oldest. An event on its way to the disk is neither kept nor
//! lost: its repetition is told to come back.
//!
//! Why a table of our own: looking up, adding and marking as kept touch one cache line each and
//! allocate nothing. Two maps that took turns cost a beacon nearly twice that, and had to grow
//! again every time they changed.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ahash::RandomState;

/// Seconds after which a generation ends; an event is remembered in its own and the next.
const GENERATION_S: u64 = 10 * 60;

/// How far back a restart looks for keys, seconds: as far as they are remembered for certain.
pub const MEMORY_S: u64 = GENERATION_S;

/// Places of a set: as many as a cache line holds.
const WAYS: usize = 8;
/// Places for each event that is to be remembered, since sets do not fill evenly: of those up to
/// half the bound one in a thousand is forgotten early, of all one in twenty.
const PLACES_EACH: usize = 2;
/// Locks over the sets.
const SHARDS_MAX: usize = 64;

/// What is known of an event.
pub enum Mark<'a> {
    /// It is new; call [`Pending::kept`] when it is on disk, or drop this when it could not be
    /// kept.
    New(Pending<'a>),
    /// It was kept.
    Kept,
    /// It is being kept right now.
    InFlight,
}

/// An event on its way. Forgotten when dropped.
pub struct Pending<'a> {
    seen: &'a Seen,
    hash: u64,
    is_kept: bool,
}

impl Pending<'_> {
    /// The event is on disk.
    pub fn kept(mut self) {
        self.is_kept = true;
        self.seen.end(self.hash, Held::kept);
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            self.seen.end(self.hash, |_| Held::NOTHING);
        }
    }
}

/// What stands in a place: 48 bits of an event's hash, in which generation it came, and whether it
/// is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held(u64);

impl Held {
    const NOTHING: Self = Self(0);
    const GENERATION_BITS: u32 = 15;
    const HASH_MASK: u64 = u64::MAX << (Self::GENERATION_BITS + 1);

    fn new(hash: u64, generation: u64) -> Self {
        Self(hash & Self::HASH_MASK | Self::number(generation) << 1)
    }

    /// From 1, so that no event looks like nothing.
    fn number(generation: u64) -> u64 {
        generation % ((1 << Self::GENERATION_BITS) - 1) + 1
    }

    fn kept(self) -> Self {
        Self(self.0 | 1)
    }

    fn is_kept(self) -> bool {
        self.0 & 1 == 1
    }

    fn is_of(self, hash: u64) -> bool {
        (self.0 ^ hash) & Self::HASH_MASK == 0
    }

    /// Whether it came in this generation or the one before.
    fn is_remembered(self, generation: u64) -> bool {
        let came = self.0 >> 1 & ((1 << Self::GENERATION_BITS) - 1);
        came == Self::number(generation) || generation > 0 && came == Self::number(generation - 1)
    }
}

#[derive(Debug, Clone)]
#[repr(align(64))]
struct Set([Held; WAYS]);

/// The memory of events.
#[derive(Debug)]
pub struct Seen {
    hasher: RandomState,
    shards: Box<[Mutex<Box<[Set]>>]>,
    generation: AtomicU64,
    changed_s: AtomicU64,
}

impl Seen {
    /// Remembers about `keys_max` events, in 16 bytes each that are taken at once.
    pub fn new(keys_max: usize) -> Self {
        let sets = (keys_max * PLACES_EACH).div_ceil(WAYS).max(1);
        let shards = sets.min(SHARDS_MAX);
        let of_shard = || vec![Set([Held::NOTHING; WAYS]); sets / shards].into_boxed_slice();
        Self {
            hasher: RandomState::new(),
            shards: (0..shards).map(|_| Mutex::new(of_shard())).collect(),
            generation: AtomicU64::new(0),
            changed_s: AtomicU64::new(0),
        }
    }

    /// Looks an event up by the stored form of its `k`, which is what a restart finds, and marks it
    /// when it is new.
    pub fn mark(&self, site: &str, name: &str, key: u64) -> Mark<'_> {
        let hash = self.hasher.hash_one((site, name, key));
        let generation = self.generation.load(Relaxed);
        let mut shard = self.shard(hash);
        let set = set_of(&mut shard, hash);
        let is_known = |held: &&mut Held| held.is_of(hash) && held.is_remembered(generation);
        match set.0.iter_mut().find(is_known) {
            Some(held) if held.is_kept() => return Mark::Kept,
            Some(_) => return Mark::InFlight,
            None => {}
        }
        // The others up to a free place move on by one; without one the oldest falls out. Should
        // that still be on its way, because eight more came to its set meanwhile, only its
        // repetition is not known any more.
        let is_free = |held: &Held| !held.is_remembered(generation);
        let free = set.0.iter().position(is_free).unwrap_or(WAYS - 1);
        set.0.copy_within(..free, 1);
        set.0[0] = Held::new(hash, generation);
        Mark::New(Pending {
            seen: self,
            hash,
            is_kept: false,
        })
    }

    /// Remembers an event that was found on disk after a restart.
    pub fn remember(&self, site: &str, name: &str, key: u64) {
        if let Mark::New(pending) = self.mark(site, name, key) {
            pending.kept();
        }
    }

    /// Forgets what is old; call it every few seconds. However far the clock jumped, only one
    /// generation ends.
    pub fn tick(&self, now_s: u64) {
        if now_s.saturating_sub(self.changed_s.load(Relaxed)) >= GENERATION_S {
            self.generation.fetch_add(1, Relaxed);
            self.changed_s.store(now_s, Relaxed);
        }
    }

    /// Ends the way of an event that was marked.
    fn end(&self, hash: u64, to: impl FnOnce(Held) -> Held) {
        let mut shard = self.shard(hash);
        let set = set_of(&mut shard, hash);
        let is_own = |held: &&mut Held| held.is_of(hash) && !held.is_kept();
        if let Some(held) = set.0.iter_mut().find(is_own) {
            *held = to(*held);
        }
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Box<[Set]>> {
        // Nothing that is done under the lock can panic half-way through a change.
        self.shards[hash as usize % self.shards.len()]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// By the bits of the hash above those that say which shard it is; those that a place holds may be
/// among them.
fn set_of(shard: &mut [Set], hash: u64) -> &mut Set {
    let number = (hash >> 8) as usize % shard.len();
    &mut shard[number]
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
    fn an_event_is_new_once_per_name_and_site() {
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
    fn a_failed_event_is_new_again_and_an_in_flight_one_is_not() {
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
    fn events_are_remembered_for_ten_to_twenty_minutes() {
        let seen = Seen::new(100);
        seen.tick(1_000);
        assert!(is_new(&seen, 1));
        seen.tick(1_000 + GENERATION_S - 1);
        assert!(!is_new(&seen, 1));
        seen.tick(1_000 + GENERATION_S);
        assert!(!is_new(&seen, 1), "still in the older generation");
        seen.tick(1_000 + 2 * GENERATION_S);
        assert!(is_new(&seen, 1), "forgotten");
        assert!(!is_new(&seen, 1));
    }

    #[test]
    fn the_newest_are_remembered_and_the_memory_is_bounded() {
        for keys_max in [10_000, 200_000] {
            let seen = Seen::new(keys_max);
            let all = 10 * keys_max as u64;
            for n in 0..all {
                assert!(is_new(&seen, n));
                // Not kept, and forgotten at once.
                drop(seen.mark("example.com", "pageview", all + n));
            }
            let known_of = |newest: usize| {
                let known = (all - newest as u64..all).filter(|&n| {
                    let mark = seen.mark("example.com", "pageview", n);
                    // Told without a trace: one that is new is dropped here.
                    matches!(mark, Mark::Kept)
                });
                known.count() as f64 / newest as f64
            };
            assert!(known_of(keys_max / 2) > 0.995, "{}", known_of(keys_max / 2));
            assert!(known_of(keys_max) > 0.93, "{}", known_of(keys_max));
            let places: usize = seen
                .shards
                .iter()
                .map(|shard| shard.lock().expect("no panic").len() * WAYS)
                .sum();
            assert!(places <= PLACES_EACH * keys_max, "{places}");
        }
    }

    #[test]
    fn a_memory_of_size_zero_still_knows_the_latest_event() {
        for keys_max in [0, 1] {
            let seen = Seen::new(keys_max);
            for n in 0..1_000 {
                assert!(is_new(&seen, n));
                assert!(!is_new(&seen, n));
            }
        }
    }

    #[test]
    fn a_failed_event_frees_its_slot_without_evicting_others() {
        let seen = Seen::new(1);
        for n in 0..WAYS as u64 - 1 {
            assert!(is_new(&seen, n));
        }
        for n in 1_000..2_000 {
            drop(seen.mark("example.com", "pageview", n));
        }
        for n in 0..WAYS as u64 - 1 {
            assert!(!is_new(&seen, n), "{n} was pushed out");
        }
    }

    #[test]
    fn an_event_evicted_in_flight_ends_without_touching_others() {
        let seen = Seen::new(1);
        let Mark::New(first) = seen.mark("example.com", "pageview", 0) else {
            panic!("new")
        };
        for n in 1..=WAYS as u64 {
            assert!(is_new(&seen, n));
        }
        first.kept();
        for n in 1..=WAYS as u64 {
            assert!(!is_new(&seen, n));
        }
    }

    #[test]
    fn of_many_concurrent_copies_exactly_one_is_new() {
        let seen = Seen::new(1_000);
        for n in 0..2_000 {
            let news = std::thread::scope(|scope| {
                let threads = [(); 4].map(|()| scope.spawn(|| is_new(&seen, n)));
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
        let seen = Seen::new(100);
        seen.tick(1_000_000);
        assert!(is_new(&seen, 1));
        // A day ahead, as when a clock is set: one change of generations, however far.
        seen.tick(1_086_400);
        assert!(!is_new(&seen, 1));
        assert!(is_new(&seen, 2));
        // And back: nothing is old for a day.
        seen.tick(1_000_000);
        assert!(!is_new(&seen, 1) && !is_new(&seen, 2));
    }

    #[test]
    fn generations_stay_distinct_when_their_numbers_wrap() {
        let hash = 0x1234_5678_9abc_def0;
        for generation in [0, 1, 2, 32_765, 32_766, 32_767, 32_768, 65_534] {
            let held = Held::new(hash, generation);
            assert!(held.is_of(hash) && !held.is_kept() && held.kept().is_kept());
            assert!(held.kept().is_of(hash) && !held.is_of(!hash));
            assert!(held.is_remembered(generation) && held.is_remembered(generation + 1));
            assert!(!held.is_remembered(generation + 2));
            assert!(!Held::NOTHING.is_remembered(generation));
        }
    }
}
