//! What was looked up a short while ago, in bounded memory: under a 64-bit hash with a key of this
//! process, never by what was asked for.

use std::array;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use ahash::RandomState;

/// Places in a set.
const WAYS: usize = 4;

/// Answers whose hashes fall together, those asked for most at the front.
type Set<T> = Mutex<[Option<(u64, T)>; WAYS]>;

/// A memory of answers.
pub struct Remembered<T> {
    hasher: RandomState,
    sets: Box<[Set<T>]>,
}

impl<T: Clone> Remembered<T> {
    /// An empty memory of four answers a set.
    pub fn new(sets: usize) -> Self {
        let empty = |_| Mutex::new(array::from_fn(|_| None));
        Self {
            hasher: RandomState::new(),
            sets: (0..sets).map(empty).collect(),
        }
    }

    /// The answer to this question; found by `find` where it is not remembered.
    pub fn get(&self, question: impl Hash, find: impl FnOnce() -> T) -> T {
        let hash = self.hasher.hash_one(question);
        let mut set = self.sets[hash as usize % self.sets.len()]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let is_asked = |held: &Option<(u64, T)>| held.as_ref().is_some_and(|(of, _)| *of == hash);
        if let Some(mut place) = set.iter().position(is_asked) {
            // One place to the front each time, so that what is asked for once pushes out only its
            // like.
            if place > 0 {
                set.swap(place, place - 1);
                place -= 1;
            }
            if let Some((_, answer)) = &set[place] {
                return answer.clone();
            }
        }
        let answer = find();
        let place = set.iter().position(Option::is_none).unwrap_or(WAYS - 1);
        set[place] = Some((hash, answer.clone()));
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn every_key_gets_its_own_value_however_many_there_are() {
        let memory = Remembered::new(16);
        for question in (1..=1_000).chain(1..=1_000) {
            assert_eq!(memory.get(question, || question), question);
        }
    }

    #[test]
    fn frequent_keys_are_not_evicted_by_keys_asked_once() {
        let memory = Remembered::new(1);
        let found = Cell::new(0);
        for question in 1..=1_000 {
            let answer = memory.get(0, || {
                found.set(found.get() + 1);
                "often"
            });
            assert_eq!(answer, "often");
            memory.get(question, || "once");
        }
        assert_eq!(found.get(), 1);
    }
}
