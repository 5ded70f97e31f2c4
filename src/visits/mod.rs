//! Assigns events to visits: events of a visitor with gaps under 30 minutes are one visit.
//!
//! After the privacy door, before the spool. In memory only, bounded in bytes: when the memory is
//! full, the longest inactive visits are closed and counted. After a restart the open visits are
//! restored by [`reopen`](Visits::reopen). At midnight the salt changes, and with it the visitor's
//! id. A visit that is open then is found under the id of the old salt
//! ([`Anonymised::yesterday`](sillage_privacy::Anonymised)) and continues under the new one; the
//! old id is forgotten.
//!
//! Deliberately not here: clocks (time is an argument, Unix seconds) and anything about the person
//! except the id of the day.

mod open_visit;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use crate::identity_hasher::BuildAsItIs;
pub use open_visit::{Beginning, LastPage, SILENCE_S, Step, VisitStamp};
use open_visit::{OpenVisit, advance, is_open};
use sillage_privacy::VisitorId;

/// Visits closed together, because finding the least recently active one locks every stripe.
const CLOSED_AT_ONCE: usize = 32;

/// Locks that order visits by their last event; visitors are spread over them.
const STRIPES: usize = 16;

/// Visitors by the minutes in which they were active. A visitor may be in several; the latest
/// counts.
type Buckets = VecDeque<(u64, Vec<VisitorId>)>;

/// The open visits of all sites: ids of different sites never collide.
#[derive(Debug)]
pub struct Visits {
    open: DashMap<VisitorId, OpenVisit, BuildAsItIs>,
    active: [Mutex<Buckets>; STRIPES],
    bytes: AtomicUsize,
    bytes_max: usize,
    evicted: AtomicU64,
    /// An empty path, shared.
    none: Arc<str>,
}

impl Visits {
    /// Takes at most about `bytes_max` bytes of memory.
    pub fn new(bytes_max: usize) -> Self {
        Self {
            open: DashMap::default(),
            active: std::array::from_fn(|_| Mutex::new(Buckets::new())),
            bytes: AtomicUsize::new(0),
            bytes_max,
            evicted: AtomicU64::new(0),
            none: Arc::default(),
        }
    }

    /// Open visits, including those that are due to be closed.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Visits closed early so far because the memory was full.
    pub fn evicted(&self) -> u64 {
        self.evicted.load(Relaxed)
    }

    /// Adds an event to its visitor's visit; begins one with `begin` if none is open.
    ///
    /// `None` for an engagement without an open visit: it belongs to its pageview, but no longer to
    /// a visit.
    pub fn touch(
        &self,
        visitor: VisitorId,
        yesterday: Option<VisitorId>,
        now_s: u64,
        step: Step<'_>,
        begin: impl FnOnce() -> Beginning,
    ) -> Option<VisitStamp> {
        // Over midnight a visit under yesterday's id continues under today's. It is removed before
        // the entry below is locked, so that two shards are never locked at once.
        let carried = match yesterday {
            Some(old) if !self.open.contains_key(&visitor) => self
                .open
                .remove(&old)
                .map(|(_, visit)| visit)
                .inspect(|visit| {
                    self.bytes.fetch_sub(visit.bytes(), Relaxed);
                })
                .filter(|visit| is_open(visit, now_s)),
            _ => None,
        };
        let stamp = match self.open.entry(visitor) {
            Entry::Occupied(mut found) if is_open(found.get(), now_s) => {
                let visit = found.get_mut();
                let before = visit.bytes();
                let active_before = visit.last_s / 60;
                let stamp = advance(visit, now_s, step);
                self.account(before, visit.bytes());
                let minute = visit.last_s / 60;
                drop(found);
                if minute != active_before {
                    self.mark_active(visitor, minute);
                }
                return Some(stamp);
            }
            entry => {
                let (visit, stamp) = match (carried, step) {
                    (Some(mut visit), _) => {
                        let stamp = advance(&mut visit, now_s, step);
                        (visit, stamp)
                    }
                    (None, Step::Engagement) => return None,
                    (None, Step::Pageview { path }) => {
                        let visit = OpenVisit::first(begin(), now_s, path, true, &self.none);
                        let stamp = visit.stamp(now_s, true);
                        (visit, stamp)
                    }
                    (None, Step::Event { path }) => {
                        let visit = OpenVisit::first(begin(), now_s, path, false, &self.none);
                        let stamp = visit.stamp(now_s, true);
                        (visit, stamp)
                    }
                };
                let bytes = visit.bytes();
                match entry {
                    Entry::Occupied(mut old) => {
                        self.account(old.get().bytes(), bytes);
                        old.insert(visit);
                    }
                    Entry::Vacant(place) => {
                        self.bytes.fetch_add(bytes, Relaxed);
                        place.insert(visit);
                    }
                }
                stamp
            }
        };
        self.mark_active(visitor, now_s / 60);
        self.evict();
        Some(stamp)
    }

    /// Restores a visit after a restart from its events, oldest first. `stamp` is that of an event
    /// in the minute that begins at `active_s`.
    pub fn reopen(
        &self,
        visitor: VisitorId,
        stamp: &VisitStamp,
        page: LastPage<'_>,
        active_s: u64,
    ) {
        let elapsed_s = u64::from(stamp.elapsed_s);
        let began_s = active_s.saturating_sub(elapsed_s);
        let (before, bytes, active_before, minute) = match self.open.entry(visitor) {
            Entry::Occupied(mut found) if found.get().begun.id == stamp.id => {
                let visit = found.get_mut();
                let (before, active_before) = (visit.bytes(), visit.last_s / 60);
                let so_far_s = visit.last_s.saturating_sub(visit.started_s);
                visit.started_s = visit.started_s.max(began_s);
                visit.last_s = visit.started_s + so_far_s.max(elapsed_s);
                if stamp.seq >= visit.seq {
                    visit.seq = stamp.seq;
                    visit.previous = stamp.previous_path.clone();
                    if let LastPage::Seen(path) = page {
                        visit.path = path.into();
                    }
                }
                (
                    before,
                    visit.bytes(),
                    Some(active_before),
                    visit.last_s / 60,
                )
            }
            entry => {
                let (LastPage::Seen(path) | LastPage::Likely(path)) = page;
                let visit = OpenVisit::reopened(stamp, path, active_s);
                let bytes = visit.bytes();
                let before = match entry {
                    Entry::Occupied(mut old) => old.insert(visit).bytes(),
                    Entry::Vacant(place) => {
                        place.insert(visit);
                        0
                    }
                };
                (before, bytes, None, active_s / 60)
            }
        };
        self.account(before, bytes);
        if active_before != Some(minute) {
            self.mark_active(visitor, minute);
        }
        self.evict();
    }

    /// Restores a visit after a restart, unless the visitor has an open one; returns whether it
    /// did. `stamp` is that of its latest event, at `active_s`, and `path` that of its latest page.
    pub fn reopen_closed(
        &self,
        visitor: VisitorId,
        stamp: &VisitStamp,
        path: &str,
        active_s: u64,
    ) -> bool {
        let Entry::Vacant(place) = self.open.entry(visitor) else {
            return false;
        };
        let visit = OpenVisit::reopened(stamp, path, active_s);
        self.bytes.fetch_add(visit.bytes(), Relaxed);
        place.insert(visit);
        self.mark_active(visitor, active_s / 60);
        self.evict();
        true
    }

    fn evict(&self) {
        while self.bytes.load(Relaxed) > self.bytes_max {
            let closed = self.close_oldest(u64::MAX, CLOSED_AT_ONCE);
            if closed == 0 {
                return;
            }
            self.evicted.fetch_add(closed, Relaxed);
        }
    }

    /// Removes a visitor for an erasure: the open visit, and the minutes of activity.
    pub fn forget(&self, visitor: VisitorId) {
        // The minutes first: a visit that begins meanwhile is then either removed below or adds its
        // minute after this.
        for (_, visitors) in self
            .stripe(visitor)
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter_mut()
        {
            visitors.retain(|active| *active != visitor);
        }
        if let Some((_, visit)) = self.open.remove(&visitor) {
            self.bytes.fetch_sub(visit.bytes(), Relaxed);
        }
    }

    /// Closes the visits that were inactive for [`SILENCE_S`]. Call it about once a minute.
    pub fn sweep(&self, now_s: u64) {
        let inactive_before = now_s.saturating_sub(SILENCE_S) / 60;
        while self.close_oldest(inactive_before, CLOSED_AT_ONCE) > 0 {}
    }

    fn account(&self, before: usize, after: usize) {
        if after >= before {
            self.bytes.fetch_add(after - before, Relaxed);
        } else {
            self.bytes.fetch_sub(before - after, Relaxed);
        }
    }

    fn stripe(&self, visitor: VisitorId) -> &Mutex<Buckets> {
        &self.active[visitor.get() as usize % STRIPES]
    }

    fn mark_active(&self, visitor: VisitorId, minute: u64) {
        let mut buckets = self
            .stripe(visitor)
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Nearly always the newest bucket; an older one after the clock went back.
        match buckets.iter_mut().rev().find(|(of, _)| *of <= minute) {
            Some((of, visitors)) if *of == minute => visitors.push(visitor),
            _ => {
                let at = buckets.partition_point(|(of, _)| *of < minute);
                buckets.insert(at, (minute, vec![visitor]));
            }
        }
    }

    /// Closes at most `at_once` visits of the oldest minute, if it is earlier than `before`.
    /// Returns the number of closed visits, 0 if there are none.
    fn close_oldest(&self, before: u64, at_once: usize) -> u64 {
        loop {
            let oldest = self
                .active
                .iter()
                .filter_map(|stripe| {
                    let buckets = stripe.lock().unwrap_or_else(PoisonError::into_inner);
                    buckets.front().map(|(minute, _)| (*minute, stripe))
                })
                .min_by_key(|(minute, _)| *minute);
            let Some((minute, stripe)) = oldest.filter(|(minute, _)| *minute < before) else {
                return 0;
            };
            let inactive = {
                let mut buckets = stripe.lock().unwrap_or_else(PoisonError::into_inner);
                let Some((_, visitors)) = buckets.front_mut().filter(|(of, _)| *of == minute)
                else {
                    continue;
                };
                let inactive = visitors.split_off(visitors.len().saturating_sub(at_once));
                if visitors.is_empty() {
                    buckets.pop_front();
                }
                inactive
            };
            let mut closed = 0;
            for visitor in inactive {
                // A visit that was active again is also in a later bucket, and stays open.
                let removed = self
                    .open
                    .remove_if(&visitor, |_, visit| visit.last_s / 60 <= minute);
                if let Some((_, visit)) = removed {
                    self.bytes.fetch_sub(visit.bytes(), Relaxed);
                    closed += 1;
                }
            }
            if closed > 0 {
                return closed;
            }
        }
    }
}

#[cfg(test)]
mod tests;
