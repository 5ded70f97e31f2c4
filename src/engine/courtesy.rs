//! Beacons go first: what the library does takes a processor from nobody when it wakes, and while
//! it only stores many rows it runs when nobody else wants to.
//!
//! That holds for merges always. Of INSERTs it holds from [`MANY_BYTES`] on, as long as nobody asks
//! anything, whose answer would wait for the same threads, and for [`PATIENCE`]; then it takes
//! turns like everybody, so that segments are stored however busy the machine is. A thread that was
//! once sent back can't be called again by everybody ([`turns::may_return`]): where it can't, only
//! merges are last. Under the load of `benches/load.sh` on two processors 1.025 ± 0.011 times as
//! many beacons are accepted this way (three runs of alternating pairs: 1.066 ± 0.030, 1.013 ±
//! 0.014, 1.033 ± 0.022). Beside four busy loops an INSERT then takes 2.9 s instead of 0.3, and the
//! oldest event waits 5 s instead of 3; nothing grows.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::tell;
use crate::turns::{self, Turn};

/// Bytes of rows from which on an INSERT gives way; fewer are stored at once.
pub const MANY_BYTES: usize = 1 << 20;
/// How long it gives way, and until the next look: at most a second longer.
const PATIENCE: Duration = Duration::from_secs(2);
/// What the library calls its threads that merge parts.
const MERGING: &str = "MergeMutate";
/// What this program calls those of its threads that serve.
pub const SERVING: &str = "serving";
/// What it calls the one that waits for its parent's end.
pub const PARENT: &str = "parent";

/// What is being done, and how far back the library's threads stand for it.
pub struct Courtesy {
    /// `None` where threads that are last stay so.
    state: Option<Mutex<State>>,
    /// Whether the log has it that a turn could not be given.
    is_told: AtomicBool,
}

struct State {
    next: u64,
    /// Running INSERTs of many rows, and since when they give way.
    inserts: HashMap<u64, Instant>,
    /// How many other statements run.
    others: usize,
    /// Where the library's threads stand.
    turn: Turn,
    /// Whether those that have begun since the last look are known to stand there.
    is_given: bool,
}

/// A statement that runs, until this is dropped.
pub struct Running<'a> {
    courtesy: &'a Courtesy,
    /// Its number, once it is an INSERT of many rows.
    insert: Option<u64>,
}

impl Courtesy {
    /// Of this process, whose library's threads are [behind](turns::behind).
    pub fn new() -> Self {
        Self {
            state: turns::may_return().then(State::new).map(Mutex::new),
            is_told: AtomicBool::new(false),
        }
    }

    /// A statement begins.
    pub fn begin(&self) -> Running<'_> {
        self.change(|state, _| state.others += 1);
        Running {
            courtesy: self,
            insert: None,
        }
    }

    /// Looks again, for INSERTs that have waited enough and for threads that are new. Call it every
    /// second.
    pub fn tick(&self) {
        self.give(Turn::Last, |name| name == MERGING);
        self.change(|state, _| state.is_given = false);
    }

    /// The engine is to end: those that merge, too, take turns, else all would wait for them to
    /// hear of it.
    pub fn end(&self) {
        if self.state.is_some() {
            self.give_all(Turn::Behind, true);
        }
    }

    /// Changes what is known, and then the threads if that calls for it.
    fn change<T>(&self, change: impl FnOnce(&mut State, Instant) -> T) -> Option<T> {
        // Nothing in here can panic half-way through a change.
        let state = self.state.as_ref()?.lock();
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let done = change(&mut state, now);
        let turn = state.wanted(now);
        if turn != state.turn || !state.is_given {
            (state.turn, state.is_given) = (turn, true);
            self.give_all(turn, false);
        }
        Some(done)
    }

    /// To all that the library started; to those that merge only if that is said.
    fn give_all(&self, turn: Turn, also_merging: bool) {
        // The first thread's, and of those that have no other.
        let own = std::fs::read_to_string("/proc/self/comm").unwrap_or_default();
        let others = [own.trim_end(), SERVING, PARENT];
        self.give(turn, |name| {
            !others.contains(&name) && (also_merging || name != MERGING)
        });
    }

    fn give(&self, turn: Turn, is_meant: impl Fn(&str) -> bool) {
        if let Err(error) = turns::give(turn, is_meant)
            && !self.is_told.swap(true, Relaxed)
        {
            tell(&format!("some threads' turn is what it was: {error}"));
        }
    }
}

impl Running<'_> {
    /// It inserts many rows.
    pub fn stores(&mut self) {
        if self.insert.is_none() {
            self.insert = self.courtesy.change(State::stores);
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let insert = self.insert;
        self.courtesy.change(|state, _| state.end(insert));
    }
}

impl State {
    fn new() -> Self {
        Self {
            next: 0,
            inserts: HashMap::new(),
            others: 0,
            turn: Turn::Behind,
            is_given: true,
        }
    }

    /// One of the other statements inserts many rows. Its number.
    fn stores(&mut self, now: Instant) -> u64 {
        self.others -= 1;
        self.next += 1;
        self.inserts.insert(self.next, now);
        self.next
    }

    fn end(&mut self, insert: Option<u64>) {
        match insert {
            Some(number) => {
                self.inserts.remove(&number);
            }
            None => self.others -= 1,
        }
    }

    /// Where the threads should stand. While nothing runs, where they do.
    fn wanted(&self, now: Instant) -> Turn {
        let has_waited = |begun: &Instant| now.saturating_duration_since(*begun) >= PATIENCE;
        if self.others > 0 || self.inserts.values().any(has_waited) {
            Turn::Behind
        } else if self.inserts.is_empty() {
            self.turn
        } else {
            Turn::Last
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// While so many INSERTs of many rows have been running so long, and so many other statements.
    fn wanted(inserts: usize, others: usize, after: Duration) -> Turn {
        let (mut state, now) = (State::new(), Instant::now());
        state.others = inserts + others;
        for _ in 0..inserts {
            state.stores(now);
        }
        state.wanted(now + after)
    }

    #[test]
    fn inserts_give_way_while_nobody_asks_anything_and_not_for_ever() {
        let soon = Duration::from_millis(10);
        assert_eq!(wanted(0, 0, soon), Turn::Behind);
        assert_eq!(wanted(1, 0, soon), Turn::Last);
        assert_eq!(wanted(2, 0, soon), Turn::Last);
        assert_eq!(wanted(0, 1, soon), Turn::Behind);
        assert_eq!(wanted(1, 1, soon), Turn::Behind);
        assert_eq!(wanted(1, 0, PATIENCE), Turn::Behind);
    }

    #[test]
    fn each_insert_has_its_own_patience() {
        let (mut state, start) = (State::new(), Instant::now());
        state.others = 2;
        let first = state.stores(start);
        let second = state.stores(start + PATIENCE / 2);
        assert_ne!(first, second);
        assert_eq!(state.wanted(start + PATIENCE), Turn::Behind);
        state.end(Some(first));
        assert_eq!(state.wanted(start + PATIENCE), Turn::Last);
        assert_eq!(state.wanted(start + PATIENCE * 3 / 2), Turn::Behind);
    }

    #[test]
    fn the_last_who_asks_is_waited_for_and_an_end_changes_nothing_by_itself() {
        let (mut state, now) = (State::new(), Instant::now());
        state.others = 3;
        let insert = state.stores(now);
        state.end(None);
        assert_eq!(state.wanted(now), Turn::Behind);
        state.end(None);
        assert_eq!(state.wanted(now), Turn::Last);
        state.turn = Turn::Last;
        state.end(Some(insert));
        assert_eq!(state.wanted(now), Turn::Last);
    }
}
